/*
 * turn_wakes - time passes for the complaints that are due.
 *
 * Events first: no rung with due d fires before the cursor has passed every
 * entry with a time up to d, or a backlog after an outage would escalate work
 * that was done long ago. So the turn asks, under its fence, for the first
 * entry behind the cursor; what is due at or after it waits for the events.
 */

#include "daemon/careful.h"
#include "daemon/turn.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "intake/event.h"

#define WAKES_MAX 128
#define BLOCKED_LOOK 5		/* ms */
#define PAUSED_LOOK (am_ms)1000 /* while intake is paused */

/* An entry of the index without a record. */
static void
unwake(struct am_turn *t, struct am_str id)
{
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "ZREM");
	am_arg(b, am_store_keys(t->sh->store)->wake);
	am_args(b, id);
}

static void
run_wakes(struct am_turn *t)
{
	am_careful_done(t);
	for (size_t i = 0; i < t->cases_n; i++) {
		struct am_case *c = t->cases[i];
		const struct am_update *up;
		const struct am_event ev = { .type = AM_EV_WAKE,
			.complaint_id = c->id,
			.source = AM_STR("amends"),
			.at = t->now,
			.occurred_at = AM_NEVER,
			.expected_version = -1 };

		if (!c->exists)
			unwake(t, c->id);
		else if ((up = am_turn_step(t, c, &ev)) != NULL && up->forget)
			am_commit_must_go_on(t->commit); /* it frees */
	}
	t->counts.applied = t->counts.ignored = 0; /* of events only */
	am_turn_commit_send(t);
}

static void
wakes_done(struct am_turn *t, int rc)
{
	if (rc == 0)
		am_careful_passed(t);
	if (rc != 0)
		t->sh->wake_at = 0; /* look again */
}

/* Time of the first entry behind the cursor, AM_NEVER: none. */
static am_ms
first_unread(const redisReply *r)
{
	uint64_t ms, seq;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements == 0 ||
	    r->element[0]->elements == 0 ||
	    am_stream_id_parse(
		am_reply_str(r->element[0]->element[0]), &ms, &seq) != 0)
		return AM_NEVER;
	return (am_ms)ms;
}

/* Score of the index's first entry, rounded up; AM_NEVER: none or +inf. */
static am_ms
first_wake(const redisReply *r)
{
	double at;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements < 2)
		return AM_NEVER;
	at = strtod(r->element[1]->str, NULL);
	return isinf(at) ? AM_NEVER : (am_ms)ceil(at);
}

/* A poison wake-up is parked by its id alone: nothing of it is touched. */
static void
on_tried(struct am_turn *t)
{
	if (am_careful_poison(t)) {
		t->cases[0]->exists = true;
		t->cases[0]->unusable = "poison";
		t->loaded_n = t->cases_n;
	}
	am_turn_load_cases(t, NULL);
}

/* The first of those due alone. */
static void
one_wake(struct am_turn *t)
{
	t->cases_n = 1;
	am_careful_count(t, am_turn_more(t->sh->store),
	    am_arena_printf(&t->arena, "w:%.*s", AM_ARG(t->cases[0]->id)),
	    on_tried);
}

static void
on_due(struct am_turn *t, struct am_batch *b)
{
	const redisReply *due = am_turn_reply(b, 0);
	am_ms unread = first_unread(am_turn_reply(b, 1));

	if (due == NULL || due->type != REDIS_REPLY_ARRAY) {
		am_turn_abandon(t, -AM_EPROTO);
		return;
	}
	for (size_t i = 0; i + 1 < due->elements; i += 2) {
		double at = strtod(due->element[i + 1]->str, NULL);

		if (unread == AM_NEVER || at < (double)unread)
			(void)am_turn_case(t, am_reply_str(due->element[i]));
	}
	if (t->cases_n == 0) {
		/* events go first, or the index says when to look again */
		t->sh->wake_at =
		    due->elements != 0
			? t->now + (t->sh->paused.intake != NULL ? PAUSED_LOOK
								 : BLOCKED_LOOK)
			: first_wake(am_turn_reply(b, 2));
		am_turn_abandon(t, 0);
		return;
	}
	if (am_careful(t->sh))
		one_wake(t);
	else
		am_turn_load_cases(t, NULL);
}

bool
am_turn_wakes(struct am_shard *sh)
{
	struct am_batch *b;
	struct am_turn *t = sh->turn;
	const char *wake = am_store_keys(sh->store)->wake;

	if (sh->wake_at > am_shard_now(sh) || sh->engine->stopping)
		return false;
	b = am_turn_open_as(sh, AM_TURN_WAKES, run_wakes, wakes_done);
	am_cmd(b, "ZRANGE");
	am_arg(b, wake);
	am_arg(b, "-inf");
	am_argi(b, t->now);
	am_arg(b, "BYSCORE");
	am_arg(b, "LIMIT");
	am_argi(b, 0);
	am_argi(b, WAKES_MAX);
	am_arg(b, "WITHSCORES");
	am_cmd(b, "XRANGE");
	am_arg(b, sh->stream);
	am_arg(b,
	    am_arena_printf(&t->arena, "(%s", am_store_cursor(sh->store)->id));
	am_arg(b, "+");
	am_arg(b, "COUNT");
	am_argi(b, 1);
	am_cmd(b, "ZRANGE");
	am_arg(b, wake);
	am_argi(b, 0);
	am_argi(b, 0);
	am_arg(b, "WITHSCORES");
	am_turn_send(t, b, on_due);
	return true;
}
