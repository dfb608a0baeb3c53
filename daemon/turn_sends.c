/*
 * turn_sends - outcomes are written down, free slots are filled.
 *
 * One turn does both: it stores what the transfers that ended have taught
 * (turn_outcomes.c), and claims for each endpoint as many due follow-ups as may
 * start now (turn_claims.c). This file loads what they need, and says whose
 * turn it is: what a turn may claim is divided among the endpoints, and what an
 * endpoint has room for among the classes of its follow-ups (stride.h).
 */

#include "daemon/recipient.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define READY_MAX 256

static size_t
ready_n(const struct am_lane *lane)
{
	return lane->ready_n - lane->ready_i;
}

/* Its outbox is looked at again when all that was read of it is claimed. */
static bool
is_read_out(const struct am_turn *t, size_t lane)
{
	return t->lanes[lane] != AM_LANE_RESTS &&
	       ready_n(t->sh->lanes[lane]) == 0;
}

static void
run_sends(struct am_turn *t)
{
	for (struct am_sending *s = t->outcomes; s != NULL; s = s->next)
		am_outcome_write(t, s);
	am_digests_compose(t);
	for (size_t i = 0; i < t->claims_n; i++)
		am_claim_write(t, &t->claims[i]);
	for (size_t i = 0; i < t->lanes_n; i++)
		if (is_read_out(t, i))
			am_commit_ask_out(t->commit, t->sh->lanes[i]->name);
	t->counts.applied = t->counts.ignored = 0; /* of events only */
	am_turn_commit_send(t);
}

static void
learn_lanes(struct am_turn *t)
{
	for (size_t i = 0; i < t->lanes_n; i++) {
		struct am_lane *lane = t->sh->lanes[i];

		if (t->lanes[i] != AM_LANE_RESTS)
			lane->next_at =
			    is_read_out(t, i)
				? am_commit_out(t->commit, lane->name)
				: 0;
	}
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
		am_outcomes_forget(t);
	else if (mine)
		am_outcomes_keep(t);
	am_claims_end(t, mine && rc == 0);
}

/* ---- whose turn it is ---- */

/* Up to n of what was read of the lane; those on the wire are none. */
static void
claim_some(struct am_turn *t, struct am_lane *lane, unsigned n)
{
	while (n-- > 0)
		am_claim_add(t, lane,
		    (struct am_str){
			lane->ready[lane->ready_i++], AM_FU_ID_LEN });
}

/* All that may be due in the outlet's lanes is known. */
static void
claim_share(struct am_turn *t, struct am_outlet *o)
{
	unsigned want[AM_FU_CLASSES], take[AM_FU_CLASSES];
	size_t before = t->claims_n;

	for (size_t i = 0; i < AM_FU_CLASSES; i++)
		want[i] = o->lanes[i]->next_at <= t->now
			      ? (unsigned)ready_n(o->lanes[i])
			      : 0;
	am_stride_share(&o->stride, want, t->rooms[o->at], take);
	for (size_t i = 0; i < AM_FU_CLASSES; i++)
		claim_some(t, o->lanes[i], take[i]);
	t->rooms[o->at] = (unsigned)(t->claims_n - before);
	if (t->claims_n != before)
		o->served = ++t->sh->engine->served;
}

/*
 * Each endpoint that wants some gets its part of what a turn may claim; what
 * one leaves goes to those behind it, so another one begins each time.
 */
static void
divide_claims(struct am_turn *t)
{
	struct am_shard *sh = t->sh;
	size_t n = sh->outlets_n, wanting = 0, first = sh->first_outlet;
	unsigned left = CLAIMS_MAX;

	for (size_t i = 0; i < n; i++) {
		t->rooms[i] = am_outlet_room(sh, sh->outlets[i], t->now);
		wanting += t->rooms[i] != 0;
	}
	for (size_t k = 0; k < n; k++) {
		size_t i = (first + k) % n;
		unsigned part;

		if (t->rooms[i] == 0)
			continue;
		part = (left + (unsigned)wanting - 1) / (unsigned)wanting;
		if (t->rooms[i] > part)
			t->rooms[i] = part;
		if (left == CLAIMS_MAX)
			sh->first_outlet = i + 1;
		left -= t->rooms[i];
		wanting--;
	}
}

/* ---- loads ---- */

static void
take_rows(struct am_turn *t, const redisReply *rows, size_t from)
{
	for (size_t i = 0; rows != NULL && i < rows->elements; i++)
		am_claim_row(
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

/* What the digests needed is in. */
static void
on_digests(struct am_turn *t, struct am_batch *b)
{
	am_digests_answer(t, b);
}

/* Whatever the claims are judged by is loaded; digests may need more. */
static void
judge(struct am_turn *t)
{
	struct am_batch *b = am_turn_more(t->sh->store);

	for (size_t i = 0; i < t->claims_n; i++)
		am_claim_judge(t, &t->claims[i]);
	if (am_digests_ask(t, b)) {
		am_turn_send(t, b, on_digests);
		return;
	}
	am_batch_free(b);
	am_turn_load_cases(t, NULL);
}

/* Whom they are for; nothing is loaded for webhooks. */
static void
address(struct am_turn *t)
{
	am_contact_read(t, t->first);
	if (!am_recipients_load(t, judge))
		judge(t);
}

static void
name_cases(struct am_turn *t)
{
	for (size_t i = 0; i < t->claims_n; i++)
		am_claim_name(t, &t->claims[i]);
	t->more = address;
	am_turn_load_cases(t, NULL);
}

static void
on_more_rows(struct am_turn *t, struct am_batch *b)
{
	take_rows(t, am_turn_reply(b, 0), t->asked_rows);
	name_cases(t);
}

static void
take_outbox(struct am_turn *t, struct am_lane *lane, const redisReply *r)
{
	lane->ready_n = lane->ready_i = 0;
	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return;
	if (lane->ready == NULL) {
		lane->ready = malloc(READY_MAX * sizeof(*lane->ready));
		AM_ASSERT(lane->ready != NULL);
	}
	for (size_t i = 0; i < r->elements && lane->ready_n < READY_MAX; i++) {
		struct am_str id = am_reply_str(r->element[i]);

		if (id.n == AM_FU_ID_LEN)
			memcpy(lane->ready[lane->ready_n++], id.p, id.n);
		else /* it will be found to have no row */
			am_claim_add(t, lane, id);
	}
}

/* The first batch is in, and the complaints of the outcomes with it. */
static void
on_first(struct am_turn *t)
{
	size_t asked = 0, known = t->claims_n;
	struct am_batch *b;

	if (!t->sh->silences.known)
		am_silences_read(
		    &t->sh->silences, am_turn_reply(t->first, asked++));
	if (known != 0)
		take_rows(t, am_turn_reply(t->first, t->rows_at), 0);
	for (size_t i = 0; i < t->lanes_n; i++)
		if (t->lanes[i] == AM_LANE_REFILLS)
			take_outbox(t, t->sh->lanes[i],
			    am_turn_reply(t->first, asked++));
	for (size_t i = 0; i < t->outlets_n; i++)
		if (t->refill[i])
			claim_share(t, t->sh->outlets[i]);
	if (t->claims_n == known) {
		name_cases(t);
		return;
	}
	t->asked_rows = known;
	b = am_turn_more(t->sh->store);
	ask_rows(t, b, known);
	am_turn_send(t, b, on_more_rows);
}

static void
ask_outbox(struct am_turn *t, struct am_batch *b, const struct am_lane *lane)
{
	am_cmd(b, "ZRANGE");
	am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "out",
		       am_str_c(lane->name)));
	am_arg(b, "-inf");
	if (lane->outlet->removed)
		am_arg(b, "+inf"); /* it waits for nothing any more */
	else
		am_argi(b, t->now);
	am_arg(b, "BYSCORE");
	am_arg(b, "LIMIT");
	am_argi(b, 0);
	am_argi(b, READY_MAX);
}

/* What was read ahead serves as long as it fills the whole room alone, for
 * nobody knows which class will be asked for how many. */
static size_t
ask_outboxes(struct am_turn *t, struct am_batch *b)
{
	size_t asked = 0;

	for (size_t i = 0; i < t->lanes_n; i++) {
		struct am_lane *lane = t->sh->lanes[i];
		unsigned room = t->rooms[lane->outlet->at];

		if (room == 0 || lane->next_at > t->now)
			continue;
		t->lanes[i] = AM_LANE_SERVES;
		if (ready_n(lane) >= room)
			continue;
		t->lanes[i] = AM_LANE_REFILLS;
		t->refill[lane->outlet->at] = true;
		ask_outbox(t, b, lane);
		asked++;
	}
	return asked;
}

static void
ask_first(struct am_turn *t, struct am_batch *b)
{
	size_t asked = 0;

	if (!t->sh->silences.known) {
		am_cmd(b, "HGETALL");
		am_args(b, am_shard_silences_key(t->sh, &t->arena));
		asked++;
	}
	asked += ask_outboxes(t, b);
	for (size_t i = 0; i < t->outlets_n; i++)
		if (t->rooms[i] != 0 && !t->refill[i])
			claim_share(t, t->sh->outlets[i]);
	t->rows_at = asked;
	if (t->claims_n != 0)
		ask_rows(t, b, 0);
	am_outcomes_ask(t, b);
	t->first = b;
	t->more = on_first;
	am_turn_load_cases(t, b);
}

static bool
has_room(struct am_shard *sh)
{
	am_ms now = am_shard_now(sh);

	for (size_t i = 0; i < sh->outlets_n; i++)
		if (am_outlet_room(sh, sh->outlets[i], now) != 0)
			return true;
	return false;
}

bool
am_turn_sends(struct am_shard *sh)
{
	struct am_turn *t = sh->turn;
	struct am_batch *b;

	if (sh->ended_n == 0 && !has_room(sh))
		return false;
	b = am_turn_open_as(sh, AM_TURN_SENDS, run_sends, sends_done);
	t->rooms =
	    am_arena_zalloc(&t->arena, (sh->outlets_n + 1) * sizeof(*t->rooms));
	t->refill = am_arena_zalloc(
	    &t->arena, (sh->outlets_n + 1) * sizeof(*t->refill));
	t->lanes =
	    am_arena_zalloc(&t->arena, (sh->lanes_n + 1) * sizeof(*t->lanes));
	t->claims = am_arena_zalloc(&t->arena, CLAIMS_MAX * sizeof(*t->claims));
	divide_claims(t);
	t->outlets_n = sh->outlets_n;
	t->lanes_n = sh->lanes_n;
	am_outcomes_take(t);
	ask_first(t, b);
	return true;
}
