/* preview_subject - see preview_subject.h; and the example complaint. */

#include "sim/preview_subject.h"

#include <string.h>

#include <amends/step.h>

#include "base/str.h"
#include "core/saying.h"

const struct am_complaint *
am_preview_example(const struct am_loopdef *def, am_ms now, struct am_arena *a)
{
	static const struct am_pair fields[] = {
		{ AM_STR("category"), AM_STR("example") },
		{ AM_STR("owner"), AM_STR("nobody") },
	};
	const struct am_event opened = {
		.type = AM_EV_OPENED,
		.complaint_id = AM_STR("EXAMPLE"),
		.source = AM_STR("preview"),
		.event_id = AM_STR("1"),
		.at = now,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = fields,
		.fields_n = AM_COUNT(fields),
	};
	struct am_complaint *none = am_arena_zalloc(a, sizeof(*none));
	struct am_update *up = am_arena_zalloc(a, sizeof(*up));
	int rc;

	none->id = opened.complaint_id;
	up->arena = a;
	rc = am_step(def, none, &opened, now, up);
	AM_ASSERT(rc == 0 && up->verdict == AM_APPLIED);
	return &up->next;
}

bool
am_subject_at_rung(const struct am_rungdef *r, const struct am_subject *s)
{
	if (s->message == NULL)
		return r->message_name == NULL && r->reason == s->reason;
	return r->message_name != NULL &&
	       strcmp(r->message_name, s->message->name) == 0;
}

/* A rung of that clock that says it: it is made for whom that is for. */
static const struct am_rungdef *
find_rung(struct am_subject *s, size_t clock)
{
	const struct am_clockdef *cd = &s->p->def->clocks[clock];
	size_t i = 0;

	while (i < cd->rungs_n && !am_subject_at_rung(&cd->rungs[i], s))
		i++;
	if (i == cd->rungs_n)
		return NULL;
	s->to = cd->rungs[i].to;
	s->reason = cd->rungs[i].reason;
	return &cd->rungs[i];
}

/* The same, and it is spoken of that clock. */
static bool
is_at_clock(struct am_subject *s, size_t clock)
{
	const struct am_rungdef *r = find_rung(s, clock);

	if (r == NULL)
		return false;
	s->clock = clock;
	s->rung = (size_t)(r - s->p->def->clocks[clock].rungs);
	return true;
}

bool
am_subject_at_saying(const struct am_subject *s, size_t saying)
{
	return s->message != NULL
		   ? am_saying_message(s->p->def, saying) == s->message
		   : s->saying == saying;
}

static void
at_notice(struct am_subject *s, enum am_notice notice)
{
	const struct am_loopdef *def = s->p->def;
	size_t clock = 0;

	s->to = AM_ROLE_OWNER;
	while (!am_notice_is_for(notice, s->to))
		s->to++;
	s->reason = am_notice_type(notice);
	s->rung = am_notice_rung(notice, s->to);
	if (am_notice_hangs_on(def, notice, s->clock))
		return; /* the stage's */
	while (clock < AM_CLOCKS_MAX && !am_notice_hangs_on(def, notice, clock))
		clock++;
	if (clock < AM_CLOCKS_MAX)
		s->clock = clock;
}

/* Rungs that rules make, in a loop that may have none of them. */
static void
at_rule(struct am_subject *s, enum am_saying saying)
{
	static const struct {
		size_t clock;
		enum am_role to;
		enum am_reason reason;
	} rules[] = {
		[AM_SAYING_NOTICE - AM_NOTICES_N] = { AM_CLOCK_CALLBACK,
		    AM_ROLE_CUSTOMER, AM_REASON_ASK },
		[AM_SAYING_REMINDER - AM_NOTICES_N] = { AM_CLOCK_SILENCE,
		    AM_ROLE_CUSTOMER, AM_REASON_ASK },
		[AM_SAYING_ATTEMPT - AM_NOTICES_N] = { AM_CLOCK_CALLBACK,
		    AM_ROLE_OWNER, AM_REASON_OPERATOR },
		[AM_SAYING_HOLD - AM_NOTICES_N] = { AM_CLOCK_HOLD,
		    AM_ROLE_CUSTOMER, AM_REASON_INFORM },
		[AM_SAYING_HOLD_OWNER - AM_NOTICES_N] = { AM_CLOCK_HOLD,
		    AM_ROLE_OWNER, AM_REASON_OPERATOR },
	};
	size_t i = saying - AM_NOTICES_N;
	const struct am_clockdef *d = &s->p->def->clocks[rules[i].clock];

	s->clock = rules[i].clock;
	s->to = rules[i].to;
	s->reason = rules[i].reason;
	s->rung = 0;
	while (s->rung < d->rungs_n && saying == AM_SAYING_NOTICE &&
	       !d->rungs[s->rung].told)
		s->rung++;
}

static void
at_saying(struct am_subject *s, size_t saying)
{
	if (saying < AM_NOTICES_N)
		at_notice(s, (enum am_notice)saying);
	else
		at_rule(s, (enum am_saying)saying);
}

static bool
is_for_customer(enum am_reason reason)
{
	return reason == AM_REASON_ASK || reason == AM_REASON_INFORM ||
	       reason == AM_REASON_RECOURSE || reason == AM_REASON_AFTERCARE;
}

static void
find_clock(struct am_subject *s)
{
	const struct am_complaint *c = s->p->c;
	size_t stage = (size_t)AM_CLOCK_STAGE0 + c->stage;
	/* clocks of rules have built-in texts of their own */
	size_t n = s->message != NULL ? AM_CLOCKS_MAX : AM_CLOCK_CALLBACK;

	s->clock = stage;
	s->rung = 0;
	s->to = is_for_customer(s->reason) ? AM_ROLE_CUSTOMER : AM_ROLE_OWNER;
	if (s->saying < AM_SAYINGS_N && s->message == NULL) {
		at_saying(s, s->saying);
		return;
	}
	if (is_at_clock(s, stage))
		return;
	for (size_t i = 0; i < n; i++) {
		if (c->clocks[i].state == AM_CLK_RUNNING && is_at_clock(s, i))
			return;
	}
	for (size_t i = 0; i < AM_CLOCK_CALLBACK; i++) {
		if (find_rung(s, i) != NULL)
			return;
	}
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		if (am_subject_at_saying(s, i)) {
			at_saying(s, i);
			return;
		}
	}
}

/* Of what the loop says in a message's words, that is the subject. */
static void
find_saying(struct am_subject *s, struct am_str name)
{
	while (s->saying < AM_SAYINGS_N &&
	       !am_str_is(name, am_saying_str(s->saying)))
		s->saying++;
	if (s->saying < AM_SAYINGS_N)
		s->message = am_saying_message(s->p->def, s->saying);
}

bool
am_subject_find(
    const struct am_preview *p, struct am_str name, struct am_subject *s)
{
	*s = (struct am_subject){ .p = p, .saying = AM_SAYINGS_N };
	for (size_t i = 0; i < p->messages_n && s->message == NULL; i++) {
		if (am_str_is(name, p->messages[i]->name))
			s->message = p->messages[i];
	}
	while (s->message == NULL && s->reason < AM_REASONS_N &&
	       !am_str_is(name, am_reason_str(s->reason)))
		s->reason++;
	if (s->reason == AM_REASONS_N) {
		s->reason = AM_REASON_ASK;
		s->saying = 0;
		find_saying(s, name);
		if (s->saying == AM_SAYINGS_N)
			return false;
	}
	s->name = s->message != NULL	     ? s->message->name
		  : s->saying < AM_SAYINGS_N ? am_saying_str(s->saying)
					     : am_reason_str(s->reason);
	find_clock(s);
	return true;
}
