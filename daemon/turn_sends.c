/*
 * turn_sends - outcomes are written down, free slots are filled.
 *
 * One turn does both: it stores what the transfers that ended have taught
 * (turn_outcomes.c), and claims for each endpoint as many due follow-ups as may
 * start now (turn_claims.c). This file loads what they need.
 */

#include "daemon/sends.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define READY_MAX 256

static bool
lane_is_ready(const struct am_lane *lane)
{
	return lane->ready_i < lane->ready_n;
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
		if (t->rooms[i] != 0 && !lane_is_ready(t->sh->lanes[i]))
			am_commit_ask_out(t->commit, t->sh->lanes[i]->name);
	t->counts.applied = t->counts.ignored = 0; /* of events only */
	am_turn_commit_send(t);
}

static void
learn_lanes(struct am_turn *t)
{
	for (size_t i = 0; i < t->lanes_n; i++) {
		struct am_lane *lane = t->sh->lanes[i];

		if (t->rooms[i] == 0)
			continue;
		lane->next_at = lane_is_ready(lane)
				    ? 0
				    : am_commit_out(t->commit, lane->name);
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

static void
name_cases(struct am_turn *t)
{
	for (size_t i = 0; i < t->claims_n; i++)
		am_claim_name(t, &t->claims[i]);
	t->more = judge;
	am_turn_load_cases(t, NULL);
}

static void
on_more_rows(struct am_turn *t, struct am_batch *b)
{
	take_rows(t, am_turn_reply(b, 0), t->asked_rows);
	name_cases(t);
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
			am_claim_add(t, lane, id);
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

	if (!t->sh->silences.known)
		am_silences_read(
		    &t->sh->silences, am_turn_reply(t->first, asked++));
	if (known != 0)
		take_rows(t, am_turn_reply(t->first, t->rows_at), 0);
	for (size_t i = 0; i < t->lanes_n; i++)
		if (t->refill[i])
			take_outbox(t, t->sh->lanes[i],
			    am_turn_reply(t->first, asked++), t->rooms[i]);
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
ask_first(struct am_turn *t, struct am_batch *b)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);
	size_t asked = 0;

	if (!t->sh->silences.known) {
		am_cmd(b, "HGETALL");
		am_args(b, am_shard_silences_key(t->sh, &t->arena));
		asked++;
	}
	for (size_t i = 0; i < t->lanes_n; i++) {
		struct am_lane *lane = t->sh->lanes[i];

		t->refill[i] = lane->ready_n - lane->ready_i < t->rooms[i];
		if (!t->refill[i]) {
			for (unsigned k = 0; k < t->rooms[i]; k++)
				am_claim_add(t, lane,
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
		total += am_lane_room(sh, sh->lanes[i], now);
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

		room = am_lane_room(sh, sh->lanes[i], now);
		t->rooms[i] = room < left ? room : left;
		left -= t->rooms[i];
	}
	sh->first_lane++; /* no lane is always the last to be served */
	am_outcomes_take(t);
	ask_first(t, b);
	return true;
}
