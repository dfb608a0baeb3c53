/*
 * act_link - complaints that have to do with each other.
 *
 * A duplicate ends and follows another: that one is told to remember it, and
 * tells it at its own end what became of it, so that this customer hears, too.
 * Complaints meet by events in their stream and never by a look into another's
 * record: a step knows one complaint. What is told to one that is closed is
 * answered and not passed on, or a ring of duplicates would tell itself for
 * ever.
 */

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "core/followup.h"

#define DUPLICATES_MAX 16

static bool
is_kind(const struct am_event *ev, const char *kind)
{
	return am_str_is(am_event_get(ev, "kind"), kind);
}

AM_GUARD(am_is_duplicated_by)
{
	return is_kind(ev, "duplicated_by");
}

AM_GUARD(am_is_outcome)
{
	return is_kind(ev, "outcome");
}

AM_GUARD(am_is_incident)
{
	return is_kind(ev, "incident");
}

AM_GUARD(am_is_repeat)
{
	return is_kind(ev, "repeat_of");
}

/* ---- the list of those that follow ---- */

/* The next of the ids that line feeds part; n == 0: there is none. */
static struct am_str
next_id(struct am_str *rest)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct am_str id = { rest->p, n };

	n += end != NULL;
	rest->p += n;
	rest->n -= n;
	return id;
}

static size_t
count(struct am_str rest)
{
	size_t n = 0;

	while (next_id(&rest).n > 0)
		n++;
	return n;
}

static bool
is_among(struct am_str rest, struct am_str id)
{
	struct am_str at;

	while ((at = next_id(&rest)).n > 0) {
		if (am_str_eq(at, id))
			return true;
	}
	return false;
}

/* ---- complaint.linked ---- */

AM_GUARD(am_is_bad_target)
{
	struct am_str target = am_event_get(ev, "target");

	return !is_kind(ev, "incident") &&
	       (!am_complaint_id_ok(target) || am_str_eq(target, c->id));
}

/* What the event says is so already. */
AM_GUARD(am_is_linked)
{
	struct am_str target = am_event_get(ev, "target");

	if (is_kind(ev, "incident"))
		return am_str_eq(target, c->incident);
	if (is_kind(ev, "repeat_of"))
		return am_str_eq(target, c->repeat_of);
	return is_kind(ev, "duplicated_by") && is_among(c->duplicates, target);
}

/* The other one follows this one: both would wait for each other. */
AM_GUARD(am_is_ring)
{
	return is_kind(ev, "duplicate") &&
	       is_among(c->duplicates, am_event_get(ev, "target"));
}

AM_GUARD(am_is_followed_by_many)
{
	return is_kind(ev, "duplicated_by") &&
	       count(c->duplicates) >= DUPLICATES_MAX;
}

AM_GUARD(am_is_no_duplicate)
{
	return is_kind(ev, "outcome") && c->outcome != AM_OUTCOME_DUPLICATE;
}

void
am_refuse_target(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "target",
	    "not another complaint's id; 1 to 64 of A-Z a-z 0-9 . _ : -, and "
	    "not its own");
}

static struct am_note *
note_link(struct am_act *a)
{
	struct am_note *n = am_act_note(a, "complaint.linked");

	am_note_str(n, "kind", am_act_field(a, "kind"));
	am_note_str(n, "target", am_act_field(a, "target"));
	return n;
}

static void
emit_link(struct am_act *a, struct am_str to, const char *kind,
    struct am_str target, struct am_str result, unsigned n)
{
	struct am_emit *e = am_act_emit(a, AM_EV_LINKED, to, n);

	am_emit_str(e, "kind", am_str_c(kind));
	am_emit_str(e, "target", target);
	am_emit_str(e, "result", result);
}

/* What followed this one follows the other now. */
void
am_end_duplicate(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_str rest = c->duplicates, id;
	unsigned n = 0;

	am_act_change(a);
	(void)note_link(a);
	c->target = am_act_field(a, "target");
	am_act_close(a, AM_OUTCOME_DUPLICATE, "duplicate");
	emit_link(a, c->target, "duplicated_by", c->id, AM_STR(""), n++);
	while ((id = next_id(&rest)).n > 0)
		emit_link(a, c->target, "duplicated_by", id, AM_STR(""), n++);
}

static struct am_str
outcome_of(const struct am_complaint *c)
{
	return am_str_c(am_outcome_str(c->outcome));
}

void
am_remember_duplicate(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_str id = am_act_field(a, "target");
	struct am_buf b;

	(void)note_link(a);
	am_buf_arena(&b, a->up->arena, c->duplicates.n + id.n + 2);
	if (c->duplicates.n > 0) {
		am_buf_addstr(&b, c->duplicates);
		am_buf_addc(&b, '\n');
	}
	am_buf_addstr(&b, id);
	c->duplicates = am_buf_str(&b);
	if (c->status == AM_CLOSED)
		emit_link(a, id, "outcome", c->id, outcome_of(c), 0);
}

void
am_act_tell_duplicates(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	struct am_str rest = c->duplicates, id;
	unsigned n = 0;

	if (c->outcome == AM_OUTCOME_DUPLICATE)
		return; /* they follow the other one now */
	while ((id = next_id(&rest)).n > 0)
		emit_link(a, id, "outcome", c->id, outcome_of(c), n++);
}

/* The complaint that this one duplicates has ended. */
void
am_hear_outcome(struct am_act *a)
{
	am_note_str(note_link(a), "result", am_act_field(a, "result"));
	am_fu_notice(a, AM_CLOCK_FINAL, AM_NOTICE_OUTCOME, AM_ROLE_CUSTOMER);
}

void
am_join_incident(struct am_act *a)
{
	am_act_change(a);
	(void)note_link(a);
	a->up->next.incident = am_act_field(a, "target");
}

void
am_link_repeat(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	am_act_change(a);
	(void)note_link(a);
	if (c->repeat_of.n == 0)
		am_tally_day(a, "repeat", NULL);
	c->repeat_of = am_act_field(a, "target");
}

/* ---- a complaint that goes on as another ---- */

/* As intake names a complaint that has no id: by (source, event_id). */
static struct am_str
derived_id(struct am_act *a, struct am_str event_id)
{
	char *id = am_arena_alloc(a->up->arena, 2 + AM_FU_ID_LEN + 1);
	uint8_t digest[32];
	struct am_sha256 s;

	am_sha256_init(&s);
	am_sha256_addl(&s, AM_STR("complaint"));
	am_sha256_addl(&s, AM_STR("amends"));
	am_sha256_addl(&s, event_id);
	am_sha256_end(&s, digest);
	memcpy(id, "C-", 2);
	am_fu_id_format(digest, id + 2);
	return (struct am_str){ id, 2 + AM_FU_ID_LEN };
}

/* In the customer's words where there are any. */
static struct am_str
summary(struct am_act *a)
{
	struct am_str words = am_act_field(a, "comment");
	struct am_buf b;

	if (words.n > 0)
		return words;
	am_buf_arena(&b, a->up->arena, 128);
	am_buf_adds(&b, "The customer is not satisfied with what became of ");
	am_buf_addstr(&b, a->up->next.id);
	am_buf_addc(&b, '.');
	return am_buf_str(&b);
}

static const char *
respondent(struct am_act *a, unsigned i)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 32);
	am_buf_adds(&b, "respondents[");
	am_buf_addi(&b, i);
	am_buf_adds(&b, "]");
	am_buf_addc(&b, '\0');
	return b.p;
}

struct am_str
am_act_open_repeat(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	struct am_emit *e = am_act_emit(a, AM_EV_OPENED, AM_STR(""), 0);
	struct am_str rest = c->respondents, id;

	e->complaint_id = derived_id(a, e->event_id);
	am_emit_str(e, "repeat_of", c->id);
	am_emit_str(e, "loop", am_str_c(a->def->name));
	am_emit_str(e, "category", c->category);
	am_emit_str(e, "summary", summary(a));
	am_emit_str(e, "tier", am_str_c(a->def->tiers[c->tier]));
	am_emit_str(e, "severity", c->severity);
	am_emit_str(e, "locale", c->lang);
	am_emit_str(e, "tz", c->tz);
	am_emit_str(e, "owner", c->owner);
	am_emit_str(e, "supervisor", c->supervisor);
	am_emit_str(e, "team", c->team);
	if ((c->flags & AM_CF_NO_CALLS) != 0)
		am_emit_str(e, "consent.call", AM_STR("no"));
	if ((c->flags & AM_CF_NO_TEXTS) != 0)
		am_emit_str(e, "consent.sms", AM_STR("no"));
	for (unsigned i = 0;
	     (id = next_id(&rest)).n > 0 && e->pairs_n < AM_COUNT(e->pairs);
	     i++)
		am_emit_str(e, respondent(a, i), id);
	return e->complaint_id;
}
