/*
 * act_callback - attempts to reach the customer, the written notice, silence.
 *
 * The callback clock runs beside the confirm stage: a rung an attempt, and last
 * the written notice, which an event calls for. While the notice speaks of that
 * clock the clock runs on; "attempts are over" means that all of its rungs
 * have fired.
 *
 * The notice goes when the last attempt is a miss. When it reached the customer
 * there is time to record what they said, up to the lapse of the stage; then
 * the notice goes all the same: an answer that was spoken and never recorded
 * must not keep the loop open for good. A wrong number, a refusal and an
 * opt-out of calls end the attempts at once. When calls are ruled out before
 * the stage begins, or the loop has none, the notice goes in place of the
 * question, whose words it has: nobody is asked twice in one breath.
 *
 * Silence is counted from a notice that a channel has accepted, and by nothing
 * else: who was told nothing has not been silent.
 */

#include "base/str.h"
#include "core/followup.h"
#include "core/quiet.h"

/* Attempts there are to make; the index of the notice as well. */
static size_t
attempts_of(const struct am_loopdef *def)
{
	const struct am_clockdef *d = &def->clocks[AM_CLOCK_CALLBACK];
	size_t n = 0;

	while (n < d->rungs_n && !d->rungs[n].told)
		n++;
	return n;
}

static size_t
confirm_clock(const struct am_loopdef *def)
{
	return AM_CLOCK_STAGE0 + def->stages_n - 1;
}

bool
am_act_is_uncalled(const struct am_loopdef *def, const struct am_complaint *c)
{
	return def->clocks[AM_CLOCK_CALLBACK].in_use &&
	       ((c->flags & AM_CF_NO_CALLS) != 0 || attempts_of(def) == 0);
}

static bool
is_written(const struct am_loopdef *def, const struct am_complaint *c)
{
	const struct am_clock *k = &c->clocks[AM_CLOCK_CALLBACK];

	return am_clock_live(k) && (k->fired >> attempts_of(def) & 1) != 0;
}

void
am_act_write(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	const struct am_clockdef *d = &a->def->clocks[AM_CLOCK_CALLBACK];
	struct am_clock *k = &c->clocks[AM_CLOCK_CALLBACK];
	size_t n = attempts_of(a->def);

	if (!am_clock_live(k) || is_written(a->def, c))
		return;
	am_fu_drop_clock(a, AM_CLOCK_CALLBACK, "superseded");
	k->fired |= (uint16_t)((1u << (n + 1)) - 1);
	if (n < d->rungs_n)
		am_fu_rung_told(a, AM_CLOCK_CALLBACK, n, "notice");
	if (n == d->rungs_n ||
	    am_act_is_untold(a, AM_CLOCK_CALLBACK, (uint8_t)n))
		am_act_notice_ended(a, false);
}

static void
note_asked(struct am_act *a)
{
	size_t clock = confirm_clock(a->def);
	size_t ask = a->def->stages[a->def->stages_n - 1].ask;
	struct am_note *n;

	if (ask >= a->def->clocks[clock].rungs_n)
		return;
	n = am_act_note(a, "confirmation.requested");
	am_note_c(n, "clock", a->def->clocks[clock].name);
	am_note_c(n, "rung", a->def->clocks[clock].rungs[ask].name);
	am_note_int(a, n, "due_at", a->ev->at);
	am_note_int(a, n, "fired_at", a->now);
}

void
am_act_call(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	am_act_start(a, AM_CLOCK_CALLBACK, a->ev->at);
	if (am_act_is_uncalled(a->def, c)) {
		note_asked(a);
		am_act_write(a);
	} else if (am_rung_due(a->def, c, AM_CLOCK_CALLBACK, 0) <= a->ev->at) {
		am_fu_rung(a, AM_CLOCK_CALLBACK, 0, a->ev->at);
	}
}

/* ---- callback.attempted ---- */

static bool
is_outcome(const struct am_event *ev, const char *outcome)
{
	return am_str_is(am_event_get(ev, "outcome"), outcome);
}

static bool
is_miss(const struct am_event *ev)
{
	return is_outcome(ev, "no_answer") || is_outcome(ev, "busy") ||
	       is_outcome(ev, "voicemail");
}

/* A call that had nothing to ask and reached nobody. */
AM_GUARD(am_is_idle_call)
{
	return def->stages[c->stage].kind != AM_STAGE_CONFIRM && is_miss(ev);
}

static enum am_day_part
part_of(const struct am_act *a)
{
	struct am_str said = am_event_get(a->ev, "day_part");

	if (am_str_is(said, "morning"))
		return AM_MORNING;
	if (am_str_is(said, "afternoon"))
		return AM_AFTERNOON;
	if (am_str_is(said, "evening"))
		return AM_EVENING;
	return am_day_part_at(
	    am_customer_zone(a->def, &a->up->next), a->ev->at);
}

/* One attempt of the plan is used, whether its task had gone out or not. */
static void
use_attempt(struct am_act *a, struct am_note *n)
{
	static const char *const parts[] = { "morning", "afternoon",
		"evening" };
	struct am_complaint *c = &a->up->next;
	struct am_clock *k = &c->clocks[AM_CLOCK_CALLBACK];
	enum am_day_part part = part_of(a);

	if (c->attempts < UINT8_MAX)
		c->attempts++;
	if (is_miss(a->ev) && c->misses < UINT8_MAX)
		c->misses++;
	c->parts |= (uint8_t)(1u << part);
	if (am_clock_live(k) && c->attempts <= attempts_of(a->def))
		k->fired |= (uint16_t)(1u << (c->attempts - 1));
	am_note_c(n, "day_part", parts[part]);
	am_note_int(a, n, "attempt", c->attempts);
	am_note_int(a, n, "misses", c->misses);
}

static bool
is_used_up(const struct am_loopdef *def, const struct am_complaint *c)
{
	return c->attempts >= attempts_of(def);
}

/* The stage will lapse yet. */
static bool
has_time_left(const struct am_loopdef *def, const struct am_complaint *c)
{
	const struct am_clock *k = &c->clocks[confirm_clock(def)];

	return am_clock_live(k) && !k->missed &&
	       am_clock_has_lapse(c, confirm_clock(def));
}

void
am_attempt(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, "callback.attempted");
	bool asked = a->def->stages[c->stage].kind == AM_STAGE_CONFIRM;
	struct am_str outcome = am_act_field(a, "outcome");

	am_note_str(n, "outcome", outcome);
	am_note_str(n, "by", am_act_field(a, "by"));
	am_tally_day(a, "attempts", am_arena_cstr(a->up->arena, outcome));
	if (is_outcome(a->ev, "wrong_number"))
		c->flags |= AM_CF_NO_CALLS;
	else if (!is_miss(a->ev)) /* reached, and may have refused */
		am_act_contact(a);
	if (!asked)
		return;
	am_act_change(a);
	use_attempt(a, n);
	if (is_outcome(a->ev, "refused"))
		c->flags |= AM_CF_DECLINED;
	if ((c->flags & (AM_CF_NO_CALLS | AM_CF_DECLINED)) != 0 ||
	    (is_used_up(a->def, c) &&
		(is_miss(a->ev) || !has_time_left(a->def, c))))
		am_act_write(a);
}

void
am_act_write_in_the_end(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;

	if (a->def->stages[c->stage].kind == AM_STAGE_CONFIRM &&
	    is_used_up(a->def, c) && !has_time_left(a->def, c))
		am_act_write(a);
}

/* ---- the written notice ---- */

static void
start_silence(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	c->flags &= (uint16_t)~AM_CF_UNREACHABLE;
	if (!a->def->clocks[AM_CLOCK_SILENCE].in_use)
		return;
	am_act_start(a, AM_CLOCK_SILENCE, a->ev->at);
	n = am_act_note(a, "silence.started");
	am_note_int(a, n, "due_at", am_clock_due(a->def, c, AM_CLOCK_SILENCE));
	if (c->status == AM_HELD) /* it runs when the hold is over */
		am_act_stop(a, AM_CLOCK_SILENCE, a->ev->at);
}

/* Nobody was told, so nobody was silent: a person has to find the customer. */
static void
tell_unreachable(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	(void)am_act_end(a, AM_CLOCK_SILENCE, a->ev->at, AM_CLK_OVER);
	if ((c->flags & AM_CF_UNREACHABLE) != 0)
		return;
	c->flags |= AM_CF_UNREACHABLE;
	n = am_act_note(a, "customer.unreachable");
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_int(a, n, "attempts", c->attempts);
	am_tally_day(a, "unreachable", NULL);
	am_fu_notice(a, confirm_clock(a->def), AM_NOTICE_UNREACHABLE,
	    AM_ROLE_SUPERVISOR);
}

void
am_act_notice_ended(struct am_act *a, bool delivered)
{
	const struct am_complaint *c = &a->up->next;
	const struct am_clock *silence = &c->clocks[AM_CLOCK_SILENCE];

	if (!is_written(a->def, c) || silence->state == AM_CLK_MET)
		return; /* the stage is over, or the customer has spoken */
	if (!delivered)
		tell_unreachable(a);
	else if (!am_clock_live(silence))
		start_silence(a);
}

void
am_act_notice_again(struct am_act *a)
{
	(void)am_act_end(a, AM_CLOCK_SILENCE, a->ev->at, AM_CLK_OVER);
}

/* ---- silence ---- */

bool
am_act_break_silence(struct am_act *a)
{
	if (!am_clock_live(&a->up->next.clocks[AM_CLOCK_SILENCE]))
		return false;
	(void)am_act_end(a, AM_CLOCK_SILENCE, a->ev->at, AM_CLK_MET);
	return true;
}

/* Why silence must not close it; NULL when it may. */
static const char *
bar(const struct am_complaint *c)
{
	static const struct {
		uint16_t flag;
		const char *word;
	} bars[] = {
		{ AM_CF_CONTRADICTORY, "contradictory" },
		{ AM_CF_NEGATIVE, "negative" },
		{ AM_CF_DEADLOCK, "deadlock" },
		{ AM_CF_UNREACHABLE, "unreachable" },
	};

	if (c->owed != 0)
		return "owed";
	if (c->status != AM_OPEN)
		return "held";
	for (size_t i = 0; i < AM_COUNT(bars); i++) {
		if ((c->flags & bars[i].flag) != 0)
			return bars[i].word;
	}
	return am_clock_live(&c->clocks[AM_CLOCK_SILENCE]) ? NULL : "not_told";
}

/*
 * The reminder comes first. After an outage it may fall due together with the
 * end, or stand before a closed endpoint still: then half of the window is left
 * from now on, once.
 */
static bool
waits_for_reminder(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	const struct am_clockdef *d = &a->def->clocks[AM_CLOCK_SILENCE];
	struct am_clock *k = &c->clocks[AM_CLOCK_SILENCE];
	bool waits = false;
	struct am_note *n;
	am_ms more;

	for (size_t i = 0; i < c->waiting_n; i++)
		waits = waits || (c->waiting[i].clock == AM_CLOCK_SILENCE &&
				     !c->waiting[i].handed &&
				     c->waiting[i].entry == k->entry);
	if (!waits || k->extensions > 0)
		return false;
	am_clock_stop(a->def, c, AM_CLOCK_SILENCE, a->now);
	am_clock_resume(c, AM_CLOCK_SILENCE, a->now);
	more = k->consumed + (k->budget - k->extra) / 2 - k->budget;
	k->budget += more;
	k->extra += more;
	k->extensions = 1;
	for (size_t r = 0; r < d->rungs_n; r++) {
		if (d->rungs[r].action == AM_ACTION_CLOSE)
			k->fired &= (uint16_t) ~(1u << r);
	}
	n = am_act_note(a, "deadline.moved");
	am_note_c(n, "clock", d->name);
	am_note_int(a, n, "new", am_clock_due(a->def, c, AM_CLOCK_SILENCE));
	am_note_c(n, "reason", "reminder");
	return true;
}

void
am_act_silence_over(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	const char *why = bar(c);
	struct am_note *n;

	if (why == NULL && waits_for_reminder(a))
		return;
	if (why == NULL) {
		am_act_change(a);
		am_act_close(a,
		    (c->flags & AM_CF_DECLINED) != 0 ? AM_OUTCOME_DECLINED
						     : AM_OUTCOME_UNCONFIRMED,
		    "superseded");
		return;
	}
	(void)am_act_end(a, AM_CLOCK_SILENCE, a->ev->at, AM_CLK_OVER);
	n = am_act_note(a, "silence.over");
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "reason", why);
	am_fu_notice(
	    a, confirm_clock(a->def), AM_NOTICE_AUTOCLOSE, AM_ROLE_SUPERVISOR);
}
