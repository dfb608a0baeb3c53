/*
 * shard - chooses the next turn of one stream.
 *
 * Kinds of turns take their chance in rotation, so that a flood of events does
 * not starve deliveries nor the other way round; that no rung fires before the
 * events up to its due are applied is the wake turn's own check. One timer is
 * armed for the earliest thing that can happen by itself; nothing polls.
 */

#include "daemon/turn.h"
#include "daemon/alerts.h"
#include "daemon/calendars.h"
#include "daemon/erase.h"
#include "daemon/careful.h"
#include "daemon/receipts.h"
#include "daemon/reports.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "intake/event.h"
#include "log/log.h"

/* ---- loop definitions ---- */

const struct am_loopdef *
am_shard_loop(struct am_shard *sh, struct am_str ref, bool *unusable)
{
	const struct am_conf *conf = sh->engine->conf;
	struct am_bound *b;

	for (size_t i = 0; i < conf->loops_n; i++)
		if (am_str_is(ref, conf->loops[i]->ref))
			return conf->loops[i];
	HASH_FIND(hh, sh->loops, ref.p, ref.n, b);
	if (b == NULL)
		return NULL;
	*unusable = b->def == NULL;
	return b->def;
}

void
am_shard_loop_add(struct am_shard *sh, struct am_str ref, struct am_str text)
{
	struct am_bound *b = calloc(1, sizeof(*b));
	struct am_diag diag = { .text = "its definition is not in Redis" };

	AM_ASSERT(b != NULL);
	am_arena_init(&b->arena, 0);
	b->ref = strndup(ref.p, ref.n);
	AM_ASSERT(b->ref != NULL);
	if (text.n == 0 || am_conf_bind_loop(sh->engine->conf, text, &b->arena,
			       &b->def, &diag) != 0) {
		b->def = NULL;
		snprintf(b->why, sizeof(b->why), "%s", diag.text);
		am_log_err("loop_unusable", "loop=%s shard=%s reason=%s",
		    b->ref, sh->stream, am_log_val(am_str_c(b->why)));
	}
	HASH_ADD_KEYPTR(hh, sh->loops, b->ref, ref.n, b);
}

static void
forget_loops(struct am_shard *sh)
{
	struct am_bound *b, *next;

	HASH_ITER(hh, sh->loops, b, next)
	{
		HASH_DEL(sh->loops, b);
		am_arena_fini(&b->arena);
		free(b->ref);
		free(b);
	}
	free(sh->kept);
	sh->kept = NULL;
	sh->kept_n = 0;
}

void
am_shard_reconfigure(struct am_shard *sh)
{
	AM_ASSERT(!sh->turn_open);
	forget_loops(sh);
	am_lanes_configure(sh);
	sh->seen_expires = 0; /* windows may be longer now */
	if (sh->running)
		am_calendars_check(sh->calendars);
	am_reports_look(sh->engine->reports);
	am_shard_kick(sh);
}

/* ---- what is remembered of an ownership ---- */

void
am_shard_sending_free(struct am_sending *s)
{
	free(s->riders);
	free(s->excerpt);
	free(s->endpoint);
	free(s->to);
	free(s->row);
	free(s);
}

bool
am_shard_on_wire(const struct am_shard *sh, const uint8_t id[16])
{
	struct am_sending *s;
	struct am_rider *r;

	HASH_FIND(hh, sh->in_flight, id, 16, s);
	if (s != NULL)
		return true;
	HASH_FIND(hh, sh->riding, id, 16, r);
	return r != NULL;
}

struct am_str
am_shard_silences_key(const struct am_shard *sh, struct am_arena *a)
{
	return am_str_c(
	    am_arena_printf(a, "%ssilences", am_store_keys(sh->store)->prefix));
}

void
am_shard_flies(struct am_shard *sh, struct am_sending *s)
{
	HASH_ADD(hh, sh->in_flight, id, sizeof(s->id), s);
	for (size_t i = 0; i < s->riders_n; i++) {
		struct am_rider *r = &s->riders[i];

		HASH_ADD(hh, sh->riding, id, sizeof(r->id), r);
	}
}

void
am_shard_landed(struct am_shard *sh, struct am_sending *s)
{
	HASH_DEL(sh->in_flight, s);
	for (size_t i = 0; i < s->riders_n; i++)
		HASH_DEL(sh->riding, &s->riders[i]);
}

/* Outcomes that come in later find another generation and are dropped. */
static void
forget_all(struct am_shard *sh)
{
	struct am_sending *s, *next;

	sh->generation++;
	for (s = sh->starting; s != NULL; s = s->next)
		s->ended = s->unsent = true; /* delivery has not seen it */
	sh->starting = NULL;
	sh->starting_tail = &sh->starting;
	HASH_ITER(hh, sh->in_flight, s, next)
	{
		am_shard_landed(sh, s);
		if (s->ended) {
			am_receipt_deposed(sh, s, &s->result);
			am_shard_sending_free(s);
		} else {
			s->shard = NULL; /* the callback frees it */
		}
	}
	sh->ended = NULL;
	sh->ended_tail = &sh->ended;
	sh->ended_n = 0;
	am_lanes_forget(sh);
	am_endpoints_forget(sh);
	am_silences_forget(&sh->silences);
	am_paused_forget(sh);
	sh->careful = 0;
	sh->seen_known = false;
	sh->contact_known = false;
	sh->seen_none = 0;
	sh->seen_expires = 0;
	sh->wake_at = AM_NEVER;
	sh->entries = false;
	free(sh->kept);
	sh->kept = NULL;
	sh->kept_n = 0;
}

static void
fail_ops(struct am_shard *sh, int rc)
{
	while (sh->ops != NULL) {
		struct am_op *op = sh->ops;

		sh->ops = op->next;
		op->done(op, rc);
	}
	sh->ops_tail = &sh->ops;
}

/* The lanes that have an outbox in Redis, and all of them due now; what is
 * remembered of their endpoints, and what a person has paused. */
static void
on_outs(void *arg, int rc, struct am_batch *b)
{
	struct am_shard *sh = arg;
	const redisReply *r = rc == 0 ? am_batch_reply(b, 0) : NULL;

	if (r != NULL && r->type == REDIS_REPLY_ARRAY)
		for (size_t i = 0; i < r->elements; i++)
			am_lane_due(
			    am_shard_lane(sh, am_reply_str(r->element[i])), 0);
	if (rc == 0)
		am_endpoints_read(sh, am_batch_reply(b, 1));
	if (rc == 0)
		am_paused_read(sh, am_batch_reply(b, 2));
	am_batch_free(b);
	am_shard_kick(sh);
}

static void
ask_outs(struct am_shard *sh)
{
	struct am_batch *b = am_store_query(sh->store);

	am_cmd(b, "SMEMBERS");
	am_arg(b, am_store_keys(sh->store)->outs);
	am_cmd(b, "HGETALL");
	am_args(b, am_endpoints_key(sh, am_batch_arena(b)));
	am_cmd(b, "HGETALL");
	am_args(b, am_paused_key(sh, am_batch_arena(b)));
	am_store_query_send(sh->store, b, on_outs, sh);
}

static void
on_state(void *arg, enum am_shard_state state, const char *why)
{
	struct am_shard *sh = arg;
	bool running = state == AM_SHARD_RUNNING;

	am_log(state == AM_SHARD_RUNNING || state == AM_SHARD_STANDBY
		   ? AM_LOG_NOTICE
		   : AM_LOG_WARN,
	    "shard_state", "shard=%s state=%s reason=%s", sh->stream,
	    am_shard_state_str(state), am_log_val(am_str_c(why)));
	if (running && !sh->running) {
		const struct am_redis_facts *f = am_store_facts(sh->store);

		am_log_notice("redis",
		    "shard=%s version=%s durability=%s policy=%s", sh->stream,
		    f->version, f->durability, f->policy);
		sh->wake_at = 0; /* not known: look */
		am_careful_begin(sh);
		am_lanes_configure(sh);
		ask_outs(sh);
	}
	if (state == AM_SHARD_STANDBY || state == AM_SHARD_RELEASED ||
	    state == AM_SHARD_HALTED_DATASET)
		forget_all(sh);
	if (running && !sh->running)
		am_calendars_check(sh->calendars);
	if (running != sh->running) {
		sh->running = running;
		am_erasures_look(sh->erasures);
	}
	am_alert_shard(sh, state, why);
	am_engine_shard_changed(sh->engine);
	am_shard_kick(sh);
}

static void
on_entries(void *arg)
{
	struct am_shard *sh = arg;

	sh->entries = true;
	am_shard_kick(sh);
}

static void
on_idle(void *arg)
{
	am_shard_kick(arg);
}

static void
on_lost(void *arg, uint64_t n)
{
	struct am_shard *sh = arg;

	am_log_err("events_lost", "shard=%s n=%llu reason=trimmed_unread",
	    sh->stream, (unsigned long long)n);
}

static const struct am_store_events store_events = {
	.on_state = on_state,
	.on_entries = on_entries,
	.on_idle = on_idle,
	.on_lost = on_lost,
};

/* ---- the next turn ---- */

static bool
try_kind(struct am_shard *sh, enum am_turn_kind kind)
{
	switch (kind) {
	case AM_TURN_OPS:
		return am_turn_ops(sh);
	case AM_TURN_EVENTS:
		return am_turn_events(sh);
	case AM_TURN_SENDS:
		return am_turn_sends(sh);
	case AM_TURN_WAKES:
		return am_turn_wakes(sh);
	case AM_TURN_KINDS:
		break;
	}
	return false;
}

am_ms
am_shard_now(const struct am_shard *sh)
{
	am_ms diff = am_store_facts(sh->store)->clock_diff;

	return am_engine_now() + (diff < 0 ? diff : 0);
}

static void
arm(struct am_shard *sh)
{
	am_ms now = am_shard_now(sh);
	am_ms sends = am_lanes_look(sh, now);
	am_ms at = sends < sh->wake_at ? sends : sh->wake_at;
	am_ms in = at - now;
	am_ms wait = sh->retry_at - am_engine_monotonic();
	struct timeval tv;

	if (wait <= 0 && (at == AM_NEVER || sh->engine->stopping)) {
		evtimer_del(sh->timer);
		return;
	}
	if (in < 0)
		in = 0;
	if (wait > 0)
		in = wait;
	if (in > AM_HOUR) /* clocks are set; look now and then */
		in = AM_HOUR;
	tv.tv_sec = in / 1000;
	tv.tv_usec = (in % 1000) * 1000;
	evtimer_add(sh->timer, &tv);
}

static void
look(struct am_shard *sh)
{
	if (sh->turn_open)
		return;
	if (!sh->running || sh->engine->next != NULL) {
		if (!sh->running)
			fail_ops(sh, -AM_EFENCED);
		else
			am_shard_start_sendings(sh);
		evtimer_del(sh->timer);
		return;
	}
	if (am_store_releasing(sh->store)) {
		/* a turn would end at once and kick the next, and Redis's
		 * answer never be read; on_state() kicks */
		evtimer_del(sh->timer);
		return;
	}
	if (sh->retry_at <= am_engine_monotonic()) {
		sh->retry_at = 0;
		for (int i = 1; i <= AM_TURN_KINDS; i++)
			if (try_kind(
				sh, (enum am_turn_kind)(
					(sh->last_kind + i) % AM_TURN_KINDS)))
				return;
	}
	am_shard_start_sendings(sh);
	arm(sh);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

void
am_shard_kick(struct am_shard *sh)
{
	event_active(sh->kick, EV_TIMEOUT, 0);
}

void
am_shard_op(struct am_shard *sh, struct am_op *op)
{
	op->next = NULL;
	*sh->ops_tail = op;
	sh->ops_tail = &op->next;
	am_shard_kick(sh);
}

const char *
am_shard_state_name(const struct am_shard *sh)
{
	enum am_shard_state state = am_store_state(sh->store);
	uint64_t ms, seq;

	if (state == AM_SHARD_RUNNING &&
	    am_store_lag(sh->store) > sh->engine->conf->redis.batch &&
	    am_stream_id_parse(
		am_str_c(am_store_cursor(sh->store)->id), &ms, &seq) == 0 &&
	    (am_ms)ms + AM_MINUTE < am_engine_now())
		return "lagging";
	return am_shard_state_str(state);
}

bool
am_shard_quiet(const struct am_shard *sh)
{
	return !sh->turn_open &&
	       (!sh->running || (sh->in_flight == NULL && sh->ended_n == 0));
}

size_t
am_shard_of_hash(const uint8_t hash[32], size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | hash[i];
	return (size_t)(v % n);
}

size_t
am_shard_of(struct am_str complaint, size_t n)
{
	struct am_sha256 sha;
	uint8_t hash[32];

	am_sha256_init(&sha);
	am_sha256_add(&sha, complaint.p, complaint.n);
	am_sha256_end(&sha, hash);
	return am_shard_of_hash(hash, n);
}

/* ---- life ---- */

struct am_shard *
am_shard_new(struct am_engine *e, const char *stream)
{
	const struct am_conf *conf = e->conf;
	struct am_shard *sh = calloc(1, sizeof(*sh));
	struct am_redis_opts redis = {
		.is_unix =
		    e->redis_path != NULL || conf->redis.kind == AM_REDIS_UNIX,
		.path_or_host = e->redis_path != NULL
				    ? e->redis_path
				    : conf->redis.path_or_host,
		.port = conf->redis.port,
		.db = conf->redis.db,
		.user = conf->redis.user,
		.password = conf->redis.password.value,
		.client_name = "amendsd",
		.timeout = conf->redis.command_timeout,
	};
	struct am_store_opts opts = {
		.stream = stream,
		.group = conf->redis.group,
		.instance = conf->instance,
		.redis = &redis,
		.owner_ttl = conf->redis.owner_ttl,
		.max_skew = conf->max_skew,
		.keep_events = conf->redis.keep_events,
		.keep_rejects = conf->redis.retain,
		.batch = conf->redis.batch,
		.lock_held = true,
		.state = e->state,
	};

	AM_ASSERT(sh != NULL);
	sh->engine = e;
	sh->stream_own = strdup(stream);
	AM_ASSERT(sh->stream_own != NULL);
	sh->stream = sh->stream_own;
	sh->starting_tail = &sh->starting;
	sh->ended_tail = &sh->ended;
	sh->ops_tail = &sh->ops;
	sh->wake_at = AM_NEVER;
	sh->turn = am_turn_new(sh);
	sh->calendars = am_calendars_new(sh);
	sh->erasures = am_erasures_new(sh);
	sh->kick = event_new(e->base, -1, 0, on_kick, sh);
	sh->timer = event_new(e->base, -1, 0, on_kick, sh);
	AM_ASSERT(sh->kick != NULL && sh->timer != NULL);
	sh->store = am_store_new(e->base, e->dns, &opts, &store_events, sh);
	return sh;
}

static void
on_released(void *arg)
{
	struct am_shard *sh = arg;

	sh->released = true;
	am_engine_shard_changed(sh->engine);
}

void
am_shard_release(struct am_shard *sh)
{
	am_store_release(sh->store, on_released, sh);
}

void
am_shard_free(struct am_shard *sh)
{
	if (sh->turn_open) { /* a forced stop: its work is found again */
		sh->turn_open = false;
		sh->turn->done(sh->turn, -AM_ECANCELED);
	}
	am_store_free(sh->store);
	sh->store = NULL;
	sh->running = false;
	fail_ops(sh, -AM_ECANCELED);
	forget_all(sh);
	forget_loops(sh);
	event_free(sh->kick);
	event_free(sh->timer);
	am_turn_free(sh->turn);
	am_calendars_free(sh->calendars);
	am_erasures_free(sh->erasures);
	am_lanes_free(sh);
	free(sh->stream_own);
	free(sh);
}
