/*
 * turn_outcomes - what the transfers that ended have taught.
 *
 * An outcome is written down in the same commit in which its complaint hears of
 * it; until that commit is done the sending stays in the shard's hands, so an
 * outcome is late, never lost.
 */

#include "daemon/sends.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "log/log.h"

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
void
am_fu_write_dead(struct am_turn *t, const struct am_fu_record *f,
    struct am_str id, const char *reason, int status)
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

void
am_outcome_write(struct am_turn *t, struct am_sending *s)
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

		am_fu_write_dead(t, &f, id, why, r->status);
		log_outcome(t, s, &f, "followup_dead", AM_LOG_WARN);
		return;
	}
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, &f, f.next_at);
	am_turn_touch(t, am_str_c(s->endpoint), f.next_at);
	t->counts.retried++;
	log_outcome(t, s, &f, "followup_retry", AM_LOG_INFO);
}

void
am_outcomes_forget(struct am_turn *t)
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
void
am_outcomes_keep(struct am_turn *t)
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
void
am_outcomes_take(struct am_turn *t)
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
