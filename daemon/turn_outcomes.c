/*
 * turn_outcomes - what the transfers that ended have taught.
 *
 * An outcome is written down in the same commit in which its complaint hears of
 * it; until that commit is done the sending stays in the shard's hands, so an
 * outcome is late, never lost.
 */

#include "daemon/contact.h"
#include "daemon/receipts.h"
#include "daemon/sends.h"
#include "daemon/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "log/log.h"

#define CASES_MAX 1024 /* no further outcome beyond these */
/* Receipts of most gateways come within seconds, of nearly all by then. */
#define RECEIPT_WAIT (30 * AM_MINUTE)
/* A gateway has had enough for this number and does not say for how long. */
#define RECIPIENT_PAUSE AM_HOUR

static struct am_str
decimal(struct am_turn *t, int64_t n)
{
	return am_str_c(am_arena_printf(&t->arena, "%" PRId64, n));
}

void
am_fu_tell(struct am_turn *t, struct am_str complaint, struct am_str id,
    const struct am_fu_ending *end)
{
	struct am_case *c = am_turn_case(t, complaint);
	const struct am_pair fields[] = {
		{ AM_STR("followup_id"), id },
		{ AM_STR("state"), am_str_c(end->state) },
		{ AM_STR("reason"), am_str_c(end->reason) },
		{ AM_STR("attempts"), decimal(t, end->attempts) },
		{ AM_STR("status"), decimal(t, end->status) },
		{ AM_STR("digest"), am_str_c(end->digest) },
	};
	const struct am_event ev = { .type = AM_EV_FOLLOWUP_ENDED,
		.complaint_id = complaint,
		.source = AM_STR("amends"),
		.at = t->now,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = fields,
		.fields_n = AM_COUNT(fields) - (end->digest == NULL) };

	am_turn_count_end(t, end->state);
	am_watch_end(t, end->endpoint, end->state);
	if (c->exists) /* else erased meanwhile */
		(void)am_turn_step(t, c, &ev);
}

/* It is with its provider, or may be. */
static void
tell_handed(struct am_turn *t, const struct am_fu_record *f, const char *why,
    int status)
{
	bool sure = f->progress == AM_FU_ACCEPTED;
	char id[AM_FU_ID_LEN + 1];
	struct am_case *c = am_turn_case(t, f->complaint);
	const struct am_pair fields[] = {
		{ AM_STR("followup_id"), { id, AM_FU_ID_LEN } },
		{ AM_STR("state"), am_str_c(sure ? "accepted" : "uncertain") },
		{ AM_STR("reason"), am_str_c(why) },
		{ AM_STR("attempts"), decimal(t, f->attempts_total) },
		{ AM_STR("status"), decimal(t, status) },
		{ AM_STR("until"), decimal(t, f->next_at) },
	};
	struct am_event ev;

	am_fu_id_format(f->id, id);
	am_turn_internal(t, &ev, AM_EV_FOLLOWUP_HANDED, f->complaint);
	ev.fields = fields;
	ev.fields_n = AM_COUNT(fields);
	if (c->exists)
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
	    s->id_text, AM_ARG(am_fu_about(f)), t->sh->stream, s->endpoint,
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
am_ms
am_fu_first_try(const struct am_fu_record *f)
{
	if (f->attempts_total < f->attempts_n)
		return f->attempts[f->attempts_n - f->attempts_total].started;
	return f->fired_at;
}

void
am_fu_finish(struct am_turn *t, const struct am_fu_record *f, const char *state,
    const char *reason, int status)
{
	char id[AM_FU_ID_LEN + 1];
	const struct am_fu_ending end = { .endpoint = f->endpoint,
		.state = state,
		.reason = reason,
		.attempts = f->attempts_total,
		.status = status };

	am_commit_must_go_on(t->commit);
	if (f->members_n != 0) {
		am_digest_finish(t, f, state, reason, status);
		return;
	}
	if (strcmp(state, "dead") == 0)
		am_commit_fu_dead(t->commit, f, reason);
	else
		am_commit_fu_end(t->commit, f);
	am_fu_id_format(f->id, id);
	am_fu_tell(t, f->complaint,
	    am_arena_dup(&t->arena, (struct am_str){ id, AM_FU_ID_LEN }), &end);
}

static const struct am_waiting *
waiting_of(const struct am_case *c, const uint8_t id[16])
{
	for (size_t i = 0; c->exists && i < c->cur.waiting_n; i++)
		if (memcmp(c->cur.waiting[i].id, id, 16) == 0)
			return &c->cur.waiting[i];
	return NULL;
}

bool
am_fu_goes_on(struct am_turn *t, struct am_str complaint, const uint8_t id[16])
{
	const struct am_case *c = am_turn_case(t, complaint);
	const struct am_waiting *w = waiting_of(c, id);

	return w != NULL && c->def != NULL && !am_fu_over(&c->cur, w) &&
	       am_fu_has_next(c->def, &c->cur, w);
}

bool
am_fu_waits(struct am_turn *t, struct am_str complaint, const uint8_t id[16])
{
	const struct am_case *c = am_turn_case(t, complaint);

	return waiting_of(c, id) != NULL || c->unusable != NULL;
}

bool
am_fu_is_over(struct am_turn *t, struct am_str complaint, const uint8_t id[16])
{
	const struct am_case *c = am_turn_case(t, complaint);
	const struct am_waiting *w = waiting_of(c, id);

	if (complaint.n == 0)
		return false; /* an alert */
	if (w != NULL)
		return am_fu_over(&c->cur, w);
	return !c->exists || c->unusable == NULL;
}

/* ---- with its provider ---- */

/* Its row stays, for a receipt or for its score, whichever comes first. */
static void
hand(struct am_turn *t, struct am_fu_record *f, enum am_fu_progress progress,
    am_ms wait, const char *why, int status)
{
	f->progress = (uint8_t)progress;
	f->handed_at = t->now;
	f->next_at = t->now + wait;
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, f, f->next_at);
	am_turn_touch(
	    t, am_out_name(&t->arena, f->endpoint, f->class), f->next_at);
	tell_handed(t, f, why, status);
}

/* Somebody hears of it some other way, or need not. */
bool
am_fu_may_be_unknown(
    struct am_turn *t, struct am_str complaint, const uint8_t id[16])
{
	return am_fu_is_over(t, complaint, id) ||
	       am_fu_goes_on(t, complaint, id);
}

const char *
am_fu_unknown(struct am_turn *t, const struct am_fu_record *f, const char *why,
    int status)
{
	if (f->members_n != 0 || am_fu_may_be_unknown(t, f->complaint, f->id)) {
		am_fu_finish(t, f, "unknown", why, status);
		return "unknown";
	}
	am_fu_finish(t, f, "dead", "unknown", status);
	return "dead";
}

/* Receipts of a digest speak of no complaint: it waits for none. */
void
am_fu_uncertain(struct am_turn *t, struct am_fu_record *f,
    const struct am_conf_endpoint *ep, const char *why, int status)
{
	if (ep->on_uncertain == AM_UNCERTAIN_FAIL || f->members_n != 0 ||
	    am_fu_is_over(t, f->complaint, f->id))
		(void)am_fu_unknown(t, f, why, status);
	else
		hand(t, f, AM_FU_UNCERTAIN,
		    ep->receipt_wait > 0 ? ep->receipt_wait : RECEIPT_WAIT, why,
		    status);
}

/* Did what it speaks of end while it was on the wire? */
static bool
over_meanwhile(struct am_turn *t, struct am_fu_record *f, int status)
{
	if (f->members_n == 0)
		return am_fu_is_over(t, f->complaint, f->id);
	am_digest_shed(t, f, status);
	return f->members_n == 0;
}

/* How it ends when it is not tried again. */
struct verdict {
	const char *state, *why;
};

/* The gateway has had enough for this number: that is no try less, and the
 * others of the endpoint go on. */
static am_ms
next_for_recipient(struct am_turn *t, const struct am_sending *s,
    const struct am_fu_record *f, const struct am_conf_endpoint *ep,
    struct verdict *v)
{
	am_ms pause =
	    s->result.retry_after > 0 ? s->result.retry_after : RECIPIENT_PAUSE;

	*v = (struct verdict){ "expired", "max_age" };
	if (ep->retry.max_age != AM_NEVER &&
	    t->now + pause - am_fu_first_try(f) >= ep->retry.max_age)
		return AM_NEVER;
	return t->now + pause;
}

/* Where its age begins: anew when its endpoint was disabled meanwhile. */
static am_ms
age_from(const struct am_turn *t, const struct am_fu_record *f)
{
	am_ms first = am_fu_first_try(f);
	am_ms back = am_shard_outlet(t->sh, f->endpoint)->state.at;

	return back > first ? back : first;
}

/* When to try again, AM_NEVER: not; *v then. */
static am_ms
next_try(struct am_turn *t, const struct am_sending *s, struct am_fu_record *f,
    struct verdict *v)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(s->endpoint));
	const struct am_send_result *r = &s->result;

	if (r->class == AM_SEND_CANCELED) { /* it was none */
		f->attempts_n--;
		f->attempts_total--;
		return t->now;
	}
	*v = (struct verdict){ "dead", r->reason };
	if (r->class == AM_SEND_PERMANENT)
		return AM_NEVER;
	v->why = ep == NULL ? "endpoint-removed" : "exhausted";
	if (ep == NULL)
		return AM_NEVER;
	if (r->class == AM_SEND_THROTTLE && r->recipient_only)
		return next_for_recipient(t, s, f, ep, v);
	return am_retry_next(&ep->retry, f->attempts_total, age_from(t, f),
	    t->now, r->retry_after, jitter_seed(f));
}

static void
write_failure(struct am_turn *t, struct am_sending *s, struct am_fu_record *f)
{
	int status = s->result.status;
	struct verdict v = { "", "" };

	f->next_at = next_try(t, s, f, &v);
	if (f->next_at == AM_NEVER) {
		am_fu_finish(t, f, v.state, v.why, status);
		log_outcome(t, s, f,
		    am_arena_printf(&t->arena, "followup_%s", v.state),
		    AM_LOG_WARN);
		return;
	}
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, f, f->next_at);
	am_turn_touch(
	    t, am_out_name(&t->arena, f->endpoint, f->class), f->next_at);
	t->counts.retried++;
	log_outcome(t, s, f, "followup_retry", AM_LOG_INFO);
}

/* The provider has it. Who tells what becomes of it is waited for. */
static void
write_success(struct am_turn *t, struct am_sending *s, struct am_fu_record *f,
    const struct am_conf_endpoint *ep)
{
	int status = s->result.status;

	am_alert_delivered(t, f, s->result.recovered);
	if (ep == NULL || ep->receipt_wait == 0 || f->members_n != 0) {
		am_fu_finish(t, f, "delivered", "ok", status);
		log_outcome(t, s, f, "followup_delivered", AM_LOG_INFO);
		return;
	}
	if (am_fu_waits(t, f->complaint, f->id))
		hand(t, f, AM_FU_ACCEPTED, ep->receipt_wait, "", status);
	else /* its receipt was faster */
		am_commit_fu_end(t->commit, f);
	log_outcome(t, s, f, "followup_accepted", AM_LOG_INFO);
}

/* Their provider will not have it; nor shall any other. */
static void
write_opted_out(struct am_turn *t, struct am_sending *s, struct am_fu_record *f)
{
	if (s->contact != NULL)
		am_contact_opt(t, s->contact, "provider");
	am_fu_finish(t, f, "suppressed", "opted_out", s->result.status);
	log_outcome(t, s, f, "followup_suppressed", AM_LOG_INFO);
}

/* Was it stopped with some of it sent, by an endpoint that sends once? */
static bool
is_uncertain(const struct am_sending *s, const struct am_conf_endpoint *ep)
{
	const struct am_send_result *r = &s->result;

	return ep != NULL && ep->on_uncertain != AM_UNCERTAIN_RETRY &&
	       (r->class == AM_SEND_UNCERTAIN ||
		   (r->class == AM_SEND_CANCELED && !s->unsent));
}

/* Its endpoint is gone, and disabled by this: it waits there in its place. */
static void
write_parked(
    struct am_turn *t, const struct am_sending *s, struct am_fu_record *f)
{
	f->next_at = f->fired_at;
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, f, f->next_at);
	am_turn_touch(
	    t, am_out_name(&t->arena, f->endpoint, f->class), f->next_at);
	log_outcome(t, s, f, "followup_parked", AM_LOG_INFO);
}

static void
write_result(struct am_turn *t, struct am_sending *s, struct am_fu_record *f,
    const struct am_conf_endpoint *ep)
{
	const struct am_send_result *r = &s->result;

	if (r->class == AM_SEND_OK) {
		write_success(t, s, f, ep);
	} else if (r->opted_out) {
		write_opted_out(t, s, f);
	} else if (is_uncertain(s, ep)) {
		am_fu_uncertain(t, f, ep, r->reason, r->status);
		log_outcome(t, s, f, "followup_uncertain", AM_LOG_WARN);
	} else if (over_meanwhile(t, f, r->status)) {
		am_fu_finish(t, f, "suppressed", "superseded", r->status);
		log_outcome(t, s, f, "followup_suppressed", AM_LOG_INFO);
	} else if (am_endpoint_is_gone(r)) {
		write_parked(t, s, f);
	} else {
		write_failure(t, s, f);
	}
}

void
am_outcome_write(struct am_turn *t, struct am_sending *s)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(s->endpoint));
	const struct am_send_result *r = &s->result;
	struct am_fu_record f;
	struct am_attempt *last;

	if (am_fu_record_unpack(am_str_c(s->id_text),
		(struct am_str){ s->row, s->row_n }, &t->arena, &f) != 0 ||
	    f.attempts_n == 0)
		return;
	last = &f.attempts[f.attempts_n - 1];
	last->ended = t->now;
	last->result =
	    is_uncertain(s, ep) ? AM_TRY_UNCERTAIN : attempt_result(r->class);
	last->status = (uint16_t)r->status;
	last->error = am_str_c(r->said[0] != '\0' ? r->said : r->reason);
	if (r->excerpt.n != 0)
		f.excerpt = r->excerpt;
	am_endpoints_outcome(t, s);
	am_watch_attempt(t, s);
	if (r->message_id[0] != '\0')
		f.provider_id = am_str_c(r->message_id);
	write_result(t, s, &f, ep);
	am_receipt_learnt(t, s, &f);
}

void
am_outcomes_ask(struct am_turn *t, struct am_batch *b)
{
	am_receipts_ask(t, b);
	for (struct am_sending *s = t->outcomes; s != NULL; s = s->next) {
		s->contact = s->result.opted_out && s->to[0] != '\0'
				 ? am_contact_ask(t, b, am_str_c(s->to))
				 : NULL;
	}
}

void
am_outcomes_forget(struct am_turn *t)
{
	struct am_shard *sh = t->sh;
	struct am_sending *s, *next;

	for (s = t->outcomes; s != NULL; s = next) {
		next = s->next;
		am_shard_landed(sh, s);
		am_shard_sending_free(s);
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

/* A digest has many: its members, and their rows when they may come apart. */
static void
name_cases(struct am_turn *t, const struct am_sending *s)
{
	const struct am_str row = { s->row, s->row_n };
	struct am_fu_record f;

	if (s->complaint[0] == '\0' && s->riders_n == 0)
		return; /* an alert */
	if (s->riders_n == 0)
		(void)am_turn_case(t, am_str_c(s->complaint));
	else if (am_fu_record_unpack(
		     am_str_c(s->id_text), row, &t->arena, &f) == 0)
		am_digest_name(t, &f, s->result.class != AM_SEND_OK);
}

void
am_outcomes_take(struct am_turn *t)
{
	struct am_shard *sh = t->sh;
	struct am_sending **tail = &t->outcomes;
	size_t n = 0;

	t->outcomes = sh->ended;
	while (*tail != NULL && n < OUTCOMES_MAX && t->cases_n < CASES_MAX) {
		name_cases(t, *tail);
		tail = &(*tail)->next;
		n++;
	}
	sh->ended = *tail;
	*tail = NULL;
	if (sh->ended == NULL)
		sh->ended_tail = &sh->ended;
	sh->ended_n -= n;
}
