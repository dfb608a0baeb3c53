/*
 * turn_sends - outcomes are written down, free slots are filled.
 *
 * One turn does both: it stores what the transfers that ended have taught, and
 * claims for each endpoint as many due follow-ups as may start now. A claim is
 * an attempt row, committed before the first byte; its score in the outbox is
 * the instant from which another owner may try again. A superseded follow-up
 * has left the outbox in the commit that ended its stage, so a row that is
 * there is a row that may go.
 */

#include "daemon/turn.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "codec/record.h"
#include "log/log.h"

/* A turn takes half of what is commonly in flight, so that the other half is on
 * the wire while Redis works; what batching gains is had by 16. */
#define CLAIMS_MAX 32
#define OUTCOMES_MAX 32
#define READY_MAX 256
#define EMPTY_LOOK 100 /* ms */
#define CLAIM_MARGIN (2 * AM_SECOND)

/* One id of an outbox that this turn works on. */
struct am_claim {
	struct am_lane *lane;
	struct am_str id; /* text */
	struct am_fu_record row;
	const char *dead;	    /* why it ends */
	struct am_sending *sending; /* started when committed */
	bool gone;		    /* no row: only its score is left */
	bool later;		    /* put off since its id was read */
};

static bool
lane_is_ready(const struct am_lane *lane)
{
	return lane->ready_i < lane->ready_n;
}

/* ---- what an outcome means ---- */

static void
followup_event(struct am_turn *t, struct am_event *ev,
    const struct am_fu_record *f, struct am_str id, const char *state,
    const char *reason, int status)
{
	struct am_pair *p = am_arena_zalloc(&t->arena, 5 * sizeof(*p));

	p[0] = (struct am_pair){ AM_STR("followup_id"), id };
	p[1] = (struct am_pair){ AM_STR("state"), am_str_c(state) };
	p[2] = (struct am_pair){ AM_STR("reason"), am_str_c(reason) };
	p[3] = (struct am_pair){ AM_STR("attempts"),
		am_str_c(am_arena_printf(
		    &t->arena, "%" PRIu32, f->attempts_total)) };
	p[4] = (struct am_pair){ AM_STR("status"),
		am_str_c(am_arena_printf(&t->arena, "%d", status)) };
	*ev = (struct am_event){ .type = AM_EV_FOLLOWUP_ENDED,
		.complaint_id = f->complaint,
		.source = AM_STR("amends"),
		.at = t->now,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = p,
		.fields_n = 5 };
}

/* The complaint learns how its follow-up ended. */
static void
tell_complaint(struct am_turn *t, const struct am_fu_record *f,
    struct am_str id, const char *state, const char *reason, int status)
{
	struct am_case *c = am_turn_case(t, f->complaint);
	struct am_event ev;

	if (!c->exists)
		return; /* erased meanwhile */
	followup_event(t, &ev, f, id, state, reason, status);
	(void)am_turn_step(t, c, &ev);
}

static uint8_t attempt_result(enum am_send_class class)
{
	switch (class) {
	case AM_SEND_OK:
		return AM_TRY_OK;
	case AM_SEND_PERMANENT:
		return AM_TRY_PERMANENT;
	case AM_SEND_UNCERTAIN:
		return AM_TRY_UNCERTAIN;
	case AM_SEND_RETRY:
	case AM_SEND_THROTTLE:
	case AM_SEND_CANCELED:
		break;
	}
	return AM_TRY_RETRY;
}

static void
log_outcome(struct am_turn *t, const struct am_sending *s,
    const struct am_fu_record *f, const char *event, enum am_log_level level)
{
	am_turn_log(t, level, event,
	    "id=%s complaint=%.*s shard=%s endpoint=%s rung=%.*s "
	    "attempt=%" PRIu32 " status=%d reason=%s took_ms=%" PRId64
	    " detail=%s",
	    s->id_text, AM_ARG(f->complaint), t->sh->stream, s->endpoint,
	    AM_ARG(f->rung_name), f->attempts_total, s->result.status,
	    s->result.reason[0] != '\0' ? s->result.reason : "ok",
	    s->result.took, am_log_val(am_str_c(s->result.detail)));
}

static uint64_t
jitter_seed(const struct am_fu_record *f)
{
	static const uint8_t key[16] = "am_retry jitter";

	return am_siphash(key, f->id, sizeof(f->id)) + f->attempts_total;
}

/* The age of a follow-up runs from its firing, or from its replay. */
static am_ms
first_try(const struct am_fu_record *f)
{
	if (f->attempts_total < f->attempts_n)
		return f->attempts[f->attempts_n - f->attempts_total].started;
	return f->fired_at;
}

/* Dead for good: the letter keeps row and body. */
static void
write_dead(struct am_turn *t, const struct am_fu_record *f, struct am_str id,
    const char *reason, int status)
{
	am_commit_must_go_on(t->commit);
	am_commit_fu_dead(t->commit, f, reason);
	tell_complaint(t, f, id, "dead", reason, status);
	t->counts.dead++;
}

/* No attempt more: its stage is over, or its complaint is no more. */
static bool
is_over(struct am_turn *t, const struct am_fu_record *f)
{
	const struct am_case *c = am_turn_case(t, f->complaint);

	if (!c->exists)
		return true;
	for (size_t i = 0; i < c->cur.waiting_n; i++)
		if (memcmp(c->cur.waiting[i].id, f->id, sizeof(f->id)) == 0)
			return am_fu_over(&c->cur, &c->cur.waiting[i]);
	return c->unusable == NULL;
}

static void
write_outcome(struct am_turn *t, struct am_sending *s)
{
	struct am_shard *sh = t->sh;
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(sh->engine->conf, am_str_c(s->endpoint));
	const struct am_send_result *r = &s->result;
	struct am_str id = am_str_c(s->id_text);
	struct am_fu_record f;
	struct am_attempt *last;

	if (am_fu_record_unpack(
		id, (struct am_str){ s->row, s->row_n }, &t->arena, &f) != 0 ||
	    f.attempts_n == 0)
		return;
	last = &f.attempts[f.attempts_n - 1];
	last->ended = t->now;
	last->result = attempt_result(r->class);
	last->status = (uint16_t)r->status;
	last->error = am_str_c(r->reason);
	if (r->class == AM_SEND_OK) {
		am_commit_must_go_on(t->commit);
		am_commit_fu_end(t->commit, &f);
		tell_complaint(t, &f, id, "delivered", "ok", r->status);
		t->counts.delivered++;
		log_outcome(t, s, &f, "followup_delivered", AM_LOG_INFO);
		return;
	}
	if (is_over(t, &f)) { /* its stage ended while it was on the wire */
		am_commit_must_go_on(t->commit);
		am_commit_fu_end(t->commit, &f);
		tell_complaint(
		    t, &f, id, "suppressed", "superseded", r->status);
		t->counts.suppressed++;
		log_outcome(t, s, &f, "followup_suppressed", AM_LOG_INFO);
		return;
	}
	f.next_at = AM_NEVER;
	if (r->class == AM_SEND_CANCELED) {
		f.attempts_n--;
		f.attempts_total--;
		f.next_at = t->now;
	} else if (r->class != AM_SEND_PERMANENT && ep != NULL) {
		f.next_at = am_retry_next(&ep->retry, f.attempts_total,
		    first_try(&f), t->now, r->retry_after, jitter_seed(&f));
	}
	if (f.next_at == AM_NEVER) {
		const char *why = r->class == AM_SEND_PERMANENT ? r->reason
				  : ep == NULL ? "endpoint-removed"
					       : "exhausted";

		write_dead(t, &f, id, why, r->status);
		log_outcome(t, s, &f, "followup_dead", AM_LOG_WARN);
		return;
	}
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, &f, f.next_at);
	am_turn_touch(t, am_str_c(s->endpoint), f.next_at);
	t->counts.retried++;
	log_outcome(t, s, &f, "followup_retry", AM_LOG_INFO);
}

/* ---- claims ---- */

/* Claimed by any shard and not with delivery yet: it does not count those. */
static unsigned
reserved(const struct am_shard *sh, const struct am_lane *lane)
{
	unsigned n = 0;

	for (size_t i = 0; i < sh->engine->shards_n; i++) {
		const struct am_shard *other = sh->engine->shards[i];

		for (size_t k = 0; k < other->lanes_n; k++)
			if (strcmp(other->lanes[k]->name, lane->name) == 0)
				n += other->lanes[k]->starting;
		for (size_t k = 0;
		     other->turn_open && k < other->turn->claims_n; k++)
			n += strcmp(other->turn->claims[k].lane->name,
				 lane->name) == 0;
	}
	return n;
}

/* How many of the lane's follow-ups this turn may take. */
static unsigned
lane_room(struct am_shard *sh, struct am_lane *lane, am_ms now)
{
	unsigned room, taken;
	am_ms again;

	if (lane->next_at > now || sh->engine->stopping)
		return 0;
	if (lane->removed)
		return CLAIMS_MAX;
	room = am_deliver_room(sh->engine->deliver, lane->name, now, &again);
	taken = reserved(sh, lane);
	return room > taken ? room - taken : 0;
}

static struct am_sending *
sending_of(struct am_shard *sh, struct am_str id)
{
	uint8_t raw[16];
	struct am_sending *s = NULL;

	if (am_fu_id_parse(id, raw) == 0)
		HASH_FIND(hh, sh->in_flight, raw, 16, s);
	return s;
}

static void
start_attempt(struct am_turn *t, struct am_claim *k)
{
	struct am_fu_record *f = &k->row;
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(k->lane->name));
	struct am_attempt *a =
	    am_arena_zalloc(&t->arena, (f->attempts_n + 1) * sizeof(*a));
	am_ms free_at = t->now + ep->timeout +
			t->sh->engine->conf->redis.owner_ttl + CLAIM_MARGIN;
	struct am_buf row;
	struct am_sending *s = calloc(1, sizeof(*s));

	AM_ASSERT(s != NULL);
	if (f->attempts_n != 0)
		memcpy(a, f->attempts, f->attempts_n * sizeof(*a));
	a[f->attempts_n].started = t->now;
	a[f->attempts_n].result = AM_TRY_STARTED;
	f->attempts = a;
	f->attempts_n++;
	f->attempts_total++;
	f->next_at = free_at;
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, f, free_at);
	am_buf_init(&row);
	am_fu_record_pack(f, &row);
	s->row = row.p; /* takes */
	s->row_n = row.n;
	s->body_n = f->body.n;
	memcpy(s->id, f->id, sizeof(s->id));
	am_fu_id_format(s->id, s->id_text);
	s->endpoint = strdup(k->lane->name);
	AM_ASSERT(s->endpoint != NULL);
	snprintf(
	    s->complaint, sizeof(s->complaint), "%.*s", AM_ARG(f->complaint));
	k->sending = s;
}

static void
write_claim(struct am_turn *t, struct am_claim *k)
{
	if (k->gone) {
		struct am_batch *b = am_commit_raw(t->commit);

		am_cmd(b, "ZREM");
		am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "out",
			       am_str_c(k->lane->name)));
		am_args(b, k->id);
	} else if (k->dead != NULL) {
		write_dead(t, &k->row, k->id, k->dead, 0);
		am_turn_log(t, AM_LOG_WARN, "followup_dead",
		    "id=%.*s complaint=%.*s shard=%s endpoint=%s reason=%s",
		    AM_ARG(k->id), AM_ARG(k->row.complaint), t->sh->stream,
		    k->lane->name, k->dead);
	} else if (!k->later) {
		start_attempt(t, k);
	}
}

static void
run_sends(struct am_turn *t)
{
	for (struct am_sending *s = t->outcomes; s != NULL; s = s->next)
		write_outcome(t, s);
	for (size_t i = 0; i < t->claims_n; i++)
		write_claim(t, &t->claims[i]);
	t->wrote = t->outcomes != NULL;
	for (size_t i = 0; i < t->claims_n; i++)
		t->wrote = t->wrote || !t->claims[i].later;
	for (size_t i = 0; i < t->lanes_n; i++)
		if (t->rooms[i] != 0 && !lane_is_ready(t->sh->lanes[i]))
			am_commit_ask_out(t->commit, t->sh->lanes[i]->name);
	t->counts.applied = t->counts.ignored = 0; /* of events only */
	am_turn_commit_send(t);
}

static void
on_sent(void *arg, const struct am_send_result *result)
{
	struct am_sending *s = arg;
	struct am_shard *sh = s->shard;

	/* a slot is free: for whichever shard waits for one */
	for (size_t i = 0; i < s->engine->shards_n; i++)
		am_shard_kick(s->engine->shards[i]);
	if (sh == NULL) { /* the ownership it was claimed in is gone */
		free(s->endpoint);
		free(s->row);
		free(s);
		return;
	}
	s->result = *result;
	s->result.excerpt = (struct am_str){ NULL, 0 };
	s->ended = true;
	if (result->class == AM_SEND_THROTTLE && result->retry_after > 0)
		am_deliver_pause(sh->engine->deliver, s->endpoint,
		    am_engine_now() + result->retry_after);
	s->next = NULL;
	*sh->ended_tail = s;
	sh->ended_tail = &s->next;
	sh->ended_n++;
}

static void
keep_sending(struct am_turn *t, struct am_claim *k)
{
	struct am_shard *sh = t->sh;
	struct am_sending *s = k->sending;

	s->shard = sh;
	s->engine = sh->engine;
	HASH_ADD(hh, sh->in_flight, id, sizeof(s->id), s);
	*sh->starting_tail = s;
	sh->starting_tail = &s->next;
	k->lane->starting++;
}

void
am_shard_start_sendings(struct am_shard *sh)
{
	struct am_sending *s, *next;
	am_ms now = am_engine_now();

	s = sh->starting;
	sh->starting = NULL;
	sh->starting_tail = &sh->starting;
	for (; s != NULL; s = next) {
		next = s->next;
		s->next = NULL;
		am_shard_lane(sh, am_str_c(s->endpoint))->starting--;
		if (!am_store_may_act(sh->store)) {
			/* too old an ownership to send: it ends unsent */
			const struct am_send_result late = {
				.class = AM_SEND_CANCELED, .reason = "ownership"
			};

			on_sent(s, &late);
			continue;
		}
		am_deliver_send(sh->engine->deliver, s->endpoint, s->id_text,
		    (struct am_str){ s->row + s->row_n - s->body_n, s->body_n },
		    now, on_sent, s);
	}
}

static void
forget_outcomes(struct am_turn *t)
{
	struct am_shard *sh = t->sh;
	struct am_sending *s, *next;

	for (s = t->outcomes; s != NULL; s = next) {
		next = s->next;
		HASH_DEL(sh->in_flight, s);
		free(s->endpoint);
		free(s->row);
		free(s);
	}
}

/* Put the outcomes back: they are written by a later turn. */
static void
keep_outcomes(struct am_turn *t)
{
	struct am_shard *sh = t->sh;
	struct am_sending **tail = &t->outcomes;

	if (t->outcomes == NULL)
		return;
	while (*tail != NULL) {
		sh->ended_n++;
		tail = &(*tail)->next;
	}
	*tail = sh->ended;
	if (sh->ended == NULL)
		sh->ended_tail = tail;
	sh->ended = t->outcomes;
}

/* When each lane has something to do next, as the commit saw it. */
static void
learn_lanes(struct am_turn *t)
{
	bool idle = t->claims_n != 0 && !t->wrote; /* nothing was to be had */

	for (size_t i = 0; i < t->lanes_n; i++) {
		struct am_lane *lane = t->sh->lanes[i];

		if (t->rooms[i] == 0)
			continue;
		lane->next_at = lane_is_ready(lane)
				    ? 0
				    : am_commit_out(t->commit, lane->name);
		if (idle && lane->next_at <= t->now)
			lane->next_at = t->now + EMPTY_LOOK;
	}
}

static void
end_claims(struct am_turn *t, bool go)
{
	for (size_t i = 0; i < t->claims_n; i++) {
		struct am_claim *k = &t->claims[i];

		if (k->sending == NULL)
			continue;
		if (go) {
			keep_sending(t, k);
			continue;
		}
		free(k->sending->endpoint);
		free(k->sending->row);
		free(k->sending);
	}
	t->claims_n = 0;
}

static void
sends_done(struct am_turn *t, int rc)
{
	bool mine = t->sh->generation == t->generation;
	/* halted by EPROTO: what could be written is */
	bool written = rc == 0 || (rc == -AM_EPROTO && t->commit != NULL);

	if (mine && rc == 0)
		learn_lanes(t);
	if (mine && written)
		forget_outcomes(t);
	else if (mine)
		keep_outcomes(t);
	end_claims(t, mine && rc == 0);
}

/* ---- loads ---- */

static void
claim(struct am_turn *t, struct am_lane *lane, struct am_str id)
{
	if (t->claims_n < CLAIMS_MAX && sending_of(t->sh, id) == NULL)
		t->claims[t->claims_n++] = (struct am_claim){ .lane = lane,
			.id = am_arena_dup(&t->arena, id) };
}

/* A row that was loaded; what is in no state to be sent is passed over. */
static void
take_row(struct am_turn *t, struct am_claim *k, struct am_str row)
{
	if (row.n == 0 ||
	    am_fu_record_unpack(k->id, row, &t->arena, &k->row) != 0) {
		k->gone = true;
		if (row.n != 0) /* its key stays, for a person */
			am_log_err("followup_unreadable",
			    "id=%.*s shard=%s reason=broken_row", AM_ARG(k->id),
			    t->sh->stream);
		return;
	}
	k->later = k->row.next_at > t->now && !k->lane->removed;
	if (k->lane->removed) {
		k->dead = "endpoint-removed";
		(void)am_turn_case(t, k->row.complaint);
	}
}

static void
take_rows(struct am_turn *t, const redisReply *rows, size_t from)
{
	for (size_t i = 0; rows != NULL && i < rows->elements; i++)
		take_row(
		    t, &t->claims[from + i], am_reply_str(rows->element[i]));
}

static void
ask_rows(struct am_turn *t, struct am_batch *b, size_t from)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);

	am_cmd(b, "MGET");
	for (size_t i = from; i < t->claims_n; i++)
		am_args(b, am_key(keys, &t->arena, "fu", t->claims[i].id));
}

static void
on_more_rows(struct am_turn *t, struct am_batch *b)
{
	take_rows(t, am_turn_reply(b, 0), t->asked_rows);
	am_turn_load_cases(t, NULL);
}

/* The ids of an outbox: as many as there is room, the rest for later turns. */
static void
take_outbox(
    struct am_turn *t, struct am_lane *lane, const redisReply *r, unsigned room)
{
	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return;
	if (lane->ready == NULL) {
		lane->ready = malloc(READY_MAX * sizeof(*lane->ready));
		AM_ASSERT(lane->ready != NULL);
	}
	for (size_t i = 0; i < r->elements; i++) {
		struct am_str id = am_reply_str(r->element[i]);

		if (i < room)
			claim(t, lane, id);
		else if (lane->ready_n < READY_MAX && id.n == AM_FU_ID_LEN)
			memcpy(lane->ready[lane->ready_n++], id.p, id.n);
	}
}

/* The first batch is in, and the complaints of the outcomes with it. */
static void
on_first(struct am_turn *t)
{
	size_t asked = 0, known = t->claims_n;
	struct am_batch *b;

	if (known != 0)
		take_rows(t, am_turn_reply(t->first, t->rows_at), 0);
	for (size_t i = 0; i < t->lanes_n; i++)
		if (t->refill[i])
			take_outbox(t, t->sh->lanes[i],
			    am_turn_reply(t->first, asked++), t->rooms[i]);
	if (t->claims_n == known) {
		am_turn_load_cases(t, NULL);
		return;
	}
	t->asked_rows = known;
	b = am_turn_more(t->sh->store);
	ask_rows(t, b, known);
	am_turn_send(t, b, on_more_rows);
}

static void
take_outcomes(struct am_turn *t)
{
	struct am_shard *sh = t->sh;
	struct am_sending **tail = &t->outcomes;
	size_t n = 0;

	t->outcomes = sh->ended;
	while (*tail != NULL && n < OUTCOMES_MAX) {
		(void)am_turn_case(t, am_str_c((*tail)->complaint));
		tail = &(*tail)->next;
		n++;
	}
	sh->ended = *tail;
	*tail = NULL;
	if (sh->ended == NULL)
		sh->ended_tail = &sh->ended;
	sh->ended_n -= n;
}

/* Ids at hand are claimed at once; a lane that runs short reads its outbox. */
static void
ask_first(struct am_turn *t, struct am_batch *b)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);
	size_t asked = 0;

	for (size_t i = 0; i < t->lanes_n; i++) {
		struct am_lane *lane = t->sh->lanes[i];

		t->refill[i] = lane->ready_n - lane->ready_i < t->rooms[i];
		if (!t->refill[i]) {
			for (unsigned k = 0; k < t->rooms[i]; k++)
				claim(t, lane,
				    (struct am_str){
					lane->ready[lane->ready_i++],
					AM_FU_ID_LEN });
			continue;
		}
		lane->ready_n = lane->ready_i = 0;
		am_cmd(b, "ZRANGE");
		am_args(
		    b, am_key(keys, &t->arena, "out", am_str_c(lane->name)));
		am_arg(b, "-inf");
		if (lane->removed)
			am_arg(b, "+inf"); /* it waits for nothing any more */
		else
			am_argi(b, t->now);
		am_arg(b, "BYSCORE");
		am_arg(b, "LIMIT");
		am_argi(b, 0);
		am_argi(b, t->rooms[i] + READY_MAX);
		asked++;
	}
	t->rows_at = asked;
	if (t->claims_n != 0)
		ask_rows(t, b, 0);
	t->first = b;
	t->more = on_first;
	am_turn_load_cases(t, b);
}

bool
am_turn_sends(struct am_shard *sh)
{
	am_ms now = am_shard_now(sh);
	unsigned room, total = 0, left = CLAIMS_MAX;
	struct am_turn *t = sh->turn;
	struct am_batch *b;

	for (size_t i = 0; i < sh->lanes_n; i++)
		total += lane_room(sh, sh->lanes[i], now);
	if (total == 0 && sh->ended_n == 0)
		return false;
	b = am_turn_open_as(sh, AM_TURN_SENDS, run_sends, sends_done);
	t->lanes_n = sh->lanes_n;
	t->rooms =
	    am_arena_zalloc(&t->arena, (sh->lanes_n + 1) * sizeof(*t->rooms));
	t->refill =
	    am_arena_zalloc(&t->arena, (sh->lanes_n + 1) * sizeof(*t->refill));
	t->claims = am_arena_zalloc(&t->arena, CLAIMS_MAX * sizeof(*t->claims));
	for (size_t k = 0; k < sh->lanes_n; k++) {
		size_t i = (sh->first_lane + k) % sh->lanes_n;

		room = lane_room(sh, sh->lanes[i], now);
		t->rooms[i] = room < left ? room : left;
		left -= t->rooms[i];
	}
	sh->first_lane++; /* no lane is always the last to be served */
	take_outcomes(t);
	ask_first(t, b);
	return true;
}
