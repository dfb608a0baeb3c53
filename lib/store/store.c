/*
 * store - see store.h.
 *
 * The state of a shard is not set from place to place: am_store_settle() works
 * it out from what is known (connection, policy, halt, ownership, refusals,
 * clocks), in the order of the ladder in state_now(), and tells it when it
 * changed. Whoever learns something writes it down and settles.
 */
#include "store/store_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/str.h"
#include "store/clock.h"

#define CLOCK_SETTLE AM_MINUTE
#define LOOK_EVERY (10 * AM_SECOND)
#define FEED_MAX 100000
#define BEAT_SOON                                                              \
	((am_ms)500) /* the beat that shows that Redis writes again            \
		      */

const char *
am_shard_state_str(enum am_shard_state state)
{
	static const char *const names[] = {
		[AM_SHARD_STARTING] = "starting",
		[AM_SHARD_STANDBY] = "standby",
		[AM_SHARD_RUNNING] = "running",
		[AM_SHARD_HELD_CLOCK] = "held:clock",
		[AM_SHARD_HALTED_DATASET] = "halted:dataset",
		[AM_SHARD_HALTED_BEHIND] = "halted:stream-behind",
		[AM_SHARD_HALTED_STORAGE] = "halted:storage",
		[AM_SHARD_DEGRADED] = "degraded:redis",
		[AM_SHARD_RELEASED] = "released",
	};

	return names[state];
}

/* ---- the state ---- */

static bool
policy_ok(const struct am_store *s)
{
	return !s->facts_in || strcmp(s->facts.policy, "noeviction") == 0;
}

static bool
clock_held(const struct am_store *s)
{
	return s->clock_bad_at != 0 &&
	       am_clock_boot() - s->clock_bad_at < s->opts.clock_settle;
}

/* The token's instance, for people. */
static void
instance_of(const char *text, char *buf, size_t n)
{
	struct am_token t;

	if (am_token_parse(am_str_c(text), &t) == 0)
		snprintf(buf, n, "owned by instance %s", t.instance);
	else
		snprintf(buf, n, "nobody owns the shard yet");
}

static enum am_shard_state
state_now(const struct am_store *s, char *why, size_t n)
{
	why[0] = '\0';
	if (s->owner.phase == AM_OWNER_RELEASED) {
		snprintf(why, n,
		    "given away; `amendsctl shard adopt %s` takes "
		    "part again",
		    s->keys.stream);
		return AM_SHARD_RELEASED;
	}
	if (!am_redis_up(s->turns)) {
		snprintf(why, n, "%.250s", s->down_why);
		return s->down_why[0] == '\0' ? AM_SHARD_STARTING
					      : AM_SHARD_DEGRADED;
	}
	if (!policy_ok(s)) {
		snprintf(why, n,
		    "maxmemory-policy is %s, so Redis may throw state away; "
		    "set it to noeviction",
		    s->facts.policy);
		return AM_SHARD_HALTED_STORAGE;
	}
	if (s->halt != AM_SHARD_STARTING) {
		snprintf(why, n, "%s", s->halt_why);
		return s->halt;
	}
	if (s->refused[0] != '\0') {
		snprintf(why, n, "Redis refuses: %.230s", s->refused);
		return AM_SHARD_DEGRADED;
	}
	if (!am_owner_has(s)) {
		if (s->owner.held) {
			snprintf(why, n,
			    "connected again; the ownership is "
			    "being checked");
			return AM_SHARD_DEGRADED;
		}
		if (s->owner.theirs[0] == '\0')
			return s->cursor.dataset[0] == '\0'
				   ? AM_SHARD_STARTING
				   : AM_SHARD_STANDBY; /* lost it; looking */
		instance_of(s->owner.theirs, why, n);
		return AM_SHARD_STANDBY;
	}
	if (!am_redis_up(s->reads)) {
		snprintf(
		    why, n, "no connection to read by: %.220s", s->reads_why);
		return AM_SHARD_DEGRADED;
	}
	if (am_clock_boot() >= s->owner.good_until) {
		snprintf(why, n,
		    "Redis has not confirmed the ownership for "
		    "half of owner_ttl");
		return AM_SHARD_DEGRADED;
	}
	if (clock_held(s)) {
		snprintf(why, n,
		    "the clocks of Redis and this host differ by %lld ms "
		    "(max_skew %lld ms); set them right",
		    (long long)s->facts.clock_diff,
		    (long long)s->opts.max_skew);
		return AM_SHARD_HELD_CLOCK;
	}
	if (s->full)
		snprintf(why, n,
		    "Redis is out of memory (OOM): only what "
		    "frees some goes on");
	return AM_SHARD_RUNNING;
}

void
am_store_settle(struct am_store *s)
{
	char why[sizeof s->why];
	enum am_shard_state state;

	if (s->freed || s->settling)
		return;
	s->settling = true;
	state = state_now(s, why, sizeof why);
	while (state != s->state || strcmp(why, s->why) != 0) {
		s->state = state;
		memcpy(s->why, why, sizeof why);
		if (state == AM_SHARD_RUNNING && s->read.ready != NULL) {
			s->read.tell_entries = true;
			event_active(s->later, EV_TIMEOUT, 0);
		}
		s->ev.on_state(s->arg, state, s->why);
		if (s->freed)
			return;
		state = state_now(s, why, sizeof why);
	}
	s->settling = false;
	am_stream_next(s);
}

void
am_store_halt(
    struct am_store *s, enum am_shard_state halt, const char *fmt, ...)
{
	va_list ap;

	s->halt = halt;
	va_start(ap, fmt);
	vsnprintf(s->halt_why, sizeof s->halt_why, fmt, ap);
	va_end(ap);
	am_store_settle(s);
}

void
am_store_refused(struct am_store *s, const redisReply *error)
{
	struct am_str text = am_reply_str(error);

	if (error == NULL && s->refused[0] == '\0')
		return;
	snprintf(s->refused, sizeof s->refused, "%.*s", AM_ARG(text));
	if (error != NULL && s->owner.phase == AM_OWNER_MINE)
		am_set_timer(s->owner.tick, s->opts.owner_ttl / 4 < BEAT_SOON
						? s->opts.owner_ttl / 4
						: BEAT_SOON);
	am_store_settle(s);
}

void
am_store_full(struct am_store *s, bool full)
{
	s->full = full;
	am_store_settle(s);
}

/* ---- clocks ---- */

void
am_store_clock(
    struct am_store *s, const struct am_batch *b, const redisReply *time)
{
	am_ms redis, here, rtt, diff;

	if (time == NULL || time->type != REDIS_REPLY_ARRAY ||
	    time->elements != 2)
		return;
	redis = am_reply_int(time->element[0]) * 1000 +
		am_reply_int(time->element[1]) / 1000;
	rtt = am_clock_boot() - b->sent_at;
	here = am_clock_wall() - rtt / 2;
	s->facts.clock_diff = redis - here;
	/* a late answer (we may have been stopped) says little */
	diff = llabs((long long)s->facts.clock_diff) - rtt / 2;
	if (diff > s->opts.max_skew)
		s->clock_bad_at = am_clock_boot();
	else if (!clock_held(s))
		s->clock_bad_at = 0;
	am_store_settle(s);
}

/* ---- facts ---- */

static void
on_facts(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	const redisReply *info = rc == 0 ? am_batch_reply(b, 0) : NULL;

	if (s->freed || info == NULL) {
		am_batch_free(b);
		return;
	}
	if (info->type == REDIS_REPLY_STRING) {
		struct am_str text = am_reply_str(info);

		am_facts_memory(&s->facts, text);
		am_facts_version(&s->facts, text);
		am_facts_durability(&s->facts, text, am_batch_reply(b, 1));
		s->facts_in = s->facts.policy[0] != '\0';
		am_store_clock(s, b, am_batch_reply(b, 2));
	} else {
		am_store_refused(s, info);
	}
	am_batch_free(b);
	if (!s->freed && policy_ok(s))
		am_owner_up(s);
}

void
am_store_ask_facts(struct am_store *s)
{
	struct am_batch *b = am_batch_new(s->turns);

	am_cmd(b, "INFO");
	am_cmd(b, "CONFIG");
	am_arg(b, "GET");
	am_arg(b, "appendfsync");
	am_cmd(b, "TIME");
	am_redis_send(s->turns, b, 0, on_facts, s);
}

/* ---- the regular look at the stream and at Redis ---- */

static void
on_looked(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	struct am_stream_info info;

	if (s->freed) {
		am_batch_free(b);
		return;
	}
	s->looking = false;
	if (rc == 0) {
		const redisReply *memory = am_batch_reply(b, 1);

		if (memory->type == REDIS_REPLY_STRING)
			am_facts_memory(&s->facts, am_reply_str(memory));
		am_store_settle(s);
		if (!s->freed)
			am_owner_check(s, am_batch_reply(b, 2));
		am_stream_info_parse(am_batch_reply(b, 0), &info);
		if (!s->freed && am_owner_has(s))
			am_stream_account(
			    s, &info, (uint64_t)(uintptr_t)b->user_arg);
	}
	am_batch_free(b);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct am_store *s = arg;
	struct am_batch *b;

	(void)fd;
	(void)what;
	am_set_timer(s->look, s->opts.look_every);
	if (!am_redis_up(s->turns) || s->looking)
		return;
	if (!s->facts_in || !policy_ok(s)) {
		am_store_ask_facts(s); /* someone may have set it right */
		return;
	}
	if (!am_owner_has(s))
		return;
	s->looking = true;
	b = am_batch_new(s->turns);
	am_cmd(b, "XINFO");
	am_arg(b, "STREAM");
	am_arg(b, s->keys.stream);
	am_cmd(b, "INFO");
	am_arg(b, "memory");
	am_cmd(b, "GET");
	am_arg(b, s->keys.token);
	b->user_arg = (void *)(uintptr_t)s->cursor.commit;
	am_redis_send(s->turns, b, 0, on_looked, s);
}

/* ---- connections ---- */

static void
on_turns_state(void *arg, bool up, const char *why)
{
	struct am_store *s = arg;

	if (s->freed)
		return;
	if (up) {
		s->down_why[0] = '\0';
		s->refused[0] = '\0';
		am_store_ask_facts(s);
		return;
	}
	snprintf(s->down_why, sizeof s->down_why, "%.255s", why);
	s->turn.watching = false;
	s->looking = false;
	am_owner_down(s);
	am_store_settle(s);
}

static void
on_reads_state(void *arg, bool up, const char *why)
{
	struct am_store *s = arg;

	(void)up;
	if (s->freed)
		return;
	snprintf(s->reads_why, sizeof s->reads_why, "%.255s", why);
	am_store_settle(s); /* reads on, too */
}

/* ---- ownership begins and ends ---- */

static void
outs_forget(struct am_store *s)
{
	am_arena_reset(&s->outs_arena);
	s->outs_n = 0;
}

void
am_store_owned(struct am_store *s, const struct am_cursor_row *row,
    const struct am_stream_info *info, bool goes_on)
{
	s->cursor = row->c;
	s->entries_base = row->base;
	if (s->adopt || !s->broken)
		s->halt = AM_SHARD_STARTING;
	s->broken = s->broken && !s->adopt;
	s->adopt = false;
	s->refused[0] = '\0';
	if (!goes_on)
		outs_forget(s);
	if (s->opts.state != NULL)
		am_statefile_set(s->opts.state, s->keys.stream,
		    s->cursor.dataset, s->cursor.commit, am_clock_wall());
	am_commit_resolve(s, true);
	if (s->freed)
		return;
	if (!goes_on)
		am_stream_start(s);
	am_store_settle(s);
	/* a stream that the take-over has just made is in order */
	if (!s->freed && am_owner_has(s) && info->exists &&
	    am_sid_cmp(info->last, s->cursor.id) >= 0)
		am_stream_account(s, info, s->cursor.commit);
}

void
am_store_disowned(struct am_store *s)
{
	am_stream_stop(s);
	outs_forget(s);
	am_commit_resolve(s, false);
}

/* ---- what must not be told inside a call ---- */

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct am_store *s = arg;

	(void)fd;
	(void)what;
	if (s->read.tell_entries) {
		s->read.tell_entries = false;
		if (s->read.ready != NULL && s->state == AM_SHARD_RUNNING)
			s->ev.on_entries(s->arg);
		if (s->freed)
			return;
	}
	if (s->read.tell_idle) {
		s->read.tell_idle = false;
		if (s->state == AM_SHARD_RUNNING)
			s->ev.on_idle(s->arg);
		if (s->freed)
			return;
	}
	if (s->adopt && s->owner.phase != AM_OWNER_TAKING &&
	    s->owner.phase != AM_OWNER_LOOKING)
		am_owner_look(s);
	am_owner_turn_over(s);
	am_store_settle(s);
}

int
am_store_adopt(struct am_store *s)
{
	if (s->owner.phase == AM_OWNER_RELEASED) {
		s->owner.phase = AM_OWNER_AWAY;
		s->owner.release = false;
	} else if (s->halt == AM_SHARD_STARTING) {
		return -AM_ECONFLICT;
	}
	s->adopt = s->halt != AM_SHARD_STARTING;
	if (s->adopt)
		event_active(s->later, EV_TIMEOUT, 0);
	else
		am_set_timer(s->owner.tick, 0);
	return 0;
}

void
am_store_release(struct am_store *s, void (*done)(void *arg), void *arg)
{
	s->owner.release = true;
	s->owner.released = done;
	s->owner.released_arg = arg;
	event_active(s->later, EV_TIMEOUT, 0);
}

bool
am_store_releasing(const struct am_store *s)
{
	return s->owner.release;
}

/* ---- getters ---- */

const struct am_keys *
am_store_keys(const struct am_store *s)
{
	return &s->keys;
}

enum am_shard_state
am_store_state(const struct am_store *s)
{
	return s->state;
}

const char *
am_store_why(const struct am_store *s)
{
	return s->why;
}

const struct am_cursor *
am_store_cursor(const struct am_store *s)
{
	return &s->cursor;
}

const struct am_token *
am_store_token(const struct am_store *s)
{
	return &s->owner.token;
}

const struct am_redis_facts *
am_store_facts(const struct am_store *s)
{
	return &s->facts;
}

am_ms
am_store_good_until(const struct am_store *s)
{
	return am_owner_has(s) ? s->owner.good_until : 0;
}

bool
am_store_left_behind(struct am_store *s)
{
	bool left = s->left_behind;

	s->left_behind = false;
	return left;
}

bool
am_store_may_act(const struct am_store *s)
{
	return s->state == AM_SHARD_RUNNING && !s->owner.release &&
	       am_owner_has(s) && am_clock_boot() < s->owner.good_until;
}

uint64_t
am_store_lag(const struct am_store *s)
{
	uint64_t seen = s->cursor.applied + s->cursor.lost;
	int64_t there = (int64_t)s->added - s->entries_base;
	uint64_t behind = there > (int64_t)seen ? (uint64_t)there - seen : 0;

	return behind > s->read.n ? behind : s->read.n;
}

const char *
am_store_position(const struct am_store *s)
{
	return s->read.pos;
}

/* ---- life ---- */

static void
copy_opts(struct am_store *s, const struct am_store_opts *o)
{
	s->opts = *o;
	s->opts.stream = am_arena_cstr(&s->own, am_str_c(o->stream));
	s->opts.group = am_arena_cstr(&s->own, am_str_c(o->group));
	s->opts.instance = am_arena_cstr(&s->own, am_str_c(o->instance));
	s->opts.redis = NULL; /* the connections keep their own copy */
	if (s->opts.clock_settle <= 0)
		s->opts.clock_settle = CLOCK_SETTLE;
	if (s->opts.look_every <= 0)
		s->opts.look_every = LOOK_EVERY;
	if (s->opts.feed_max == 0)
		s->opts.feed_max = FEED_MAX;
	if (s->opts.batch == 0)
		s->opts.batch = 128;
}

struct am_store *
am_store_new(struct event_base *base, struct evdns_base *dns,
    const struct am_store_opts *opts, const struct am_store_events *ev,
    void *arg)
{
	struct am_store *s = calloc(1, sizeof *s);

	AM_ASSERT(s != NULL && opts->owner_ttl > 0);
	s->base = base;
	am_arena_init(&s->own, 0);
	am_arena_init(&s->outs_arena, 4096);
	copy_opts(s, opts);
	s->ev = *ev;
	s->arg = arg;
	am_keys_init(&s->keys, opts->stream);
	s->later = event_new(base, -1, 0, on_later, s);
	s->look = event_new(base, -1, 0, on_look, s);
	AM_ASSERT(s->later != NULL && s->look != NULL);
	am_owner_init(s);
	s->timeout =
	    opts->redis->timeout > 0 ? opts->redis->timeout : 5 * AM_SECOND;
	s->turns = am_redis_new(base, dns, opts->redis, on_turns_state, s);
	s->reads = am_redis_new(base, dns, opts->redis, on_reads_state, s);
	am_set_timer(s->look, s->opts.look_every);
	return s;
}

/* The connections' last callbacks come on the loop and still hold s. */
static void
on_freed(evutil_socket_t fd, short what, void *arg)
{
	struct am_store *s = arg;

	(void)fd;
	(void)what;
	event_free(s->later);
	am_arena_fini(&s->own);
	am_arena_fini(&s->outs_arena);
	free(s->outs);
	free(s);
}

void
am_store_free(struct am_store *s)
{
	if (s == NULL)
		return;
	s->freed = true;
	event_free(s->look);
	am_stream_fini(s);
	am_owner_fini(s);
	if (s->unknown != NULL)
		am_commit_destroy(s->unknown);
	if (s->spare != NULL)
		am_commit_destroy(s->spare);
	s->unknown = s->spare = NULL;
	am_redis_free(s->turns);
	am_redis_free(s->reads);
	am_keys_fini(&s->keys);
	event_base_once(s->base, -1, EV_TIMEOUT, on_freed, s, NULL);
}
