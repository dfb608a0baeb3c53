/*
 * fu_end - a follow-up has ended, or a dead one is sent again.
 */

#include "core/fu.h"

#include <string.h>

#include "base/str.h"

static struct am_waiting *
waiting_of(const struct am_complaint *c, const struct am_event *ev)
{
	uint8_t id[16];

	if (am_fu_id_parse(am_event_get(ev, "followup_id"), id) != 0)
		return NULL;
	return am_fu_find(c, id);
}

/* ---- what the loop waits to hear ---- */

static bool
is_written_notice(const struct am_loopdef *def, size_t clock, uint8_t rung)
{
	const struct am_clockdef *d = &def->clocks[clock];

	return clock == AM_CLOCK_CALLBACK && rung < d->rungs_n &&
	       d->rungs[rung].told;
}

void
am_fu_heard(
    struct am_act *a, size_t clock, uint8_t rung, bool over, bool delivered)
{
	if (am_fu_is_recourse(a->def, clock, rung))
		am_act_recourse_ended(a, delivered);
	else if (!over && is_written_notice(a->def, clock, rung))
		am_act_notice_ended(a, delivered);
}

bool
am_fu_is_marked(
    const struct am_complaint *c, const uint8_t id[16], const char *state)
{
	uint64_t mark = am_event_hash(
	    am_str_c(state), (struct am_str){ (const char *)id, 16 });

	for (size_t i = 0; i < c->applied_n; i++) {
		if (c->applied[i] == mark)
			return true;
	}
	return false;
}

void
am_fu_mark(struct am_act *a, const uint8_t id[16], const char *state)
{
	struct am_complaint *c = &a->up->next;
	size_t skip = c->applied_n == AM_APPLIED_MAX;
	size_t keep = c->applied_n - skip;
	uint64_t *list;

	if (am_fu_is_marked(c, id, state))
		return;
	list = am_arena_alloc(a->up->arena, (keep + 1) * sizeof(*list));
	if (keep > 0)
		memcpy(list, c->applied + skip, keep * sizeof(*list));
	list[keep] = am_event_hash(
	    am_str_c(state), (struct am_str){ (const char *)id, 16 });
	c->applied = list;
	c->applied_n = keep + 1;
}

void
am_fu_failed(struct am_act *a, const struct am_waiting *w, bool go_on)
{
	const struct am_complaint *c = &a->up->next;
	bool over = am_fu_over(c, w);
	bool again = w->revived || am_fu_is_marked(c, w->id, "failed");

	am_fu_mark(a, w->id, "failed");
	if (!over && is_written_notice(a->def, w->clock, w->rung))
		am_act_notice_again(a);
	if (over || !go_on || again || !am_fu_next_channel(a, w))
		am_fu_heard(a, w->clock, w->rung, over, false);
}

bool
am_fu_has_next(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_waiting *w)
{
	struct am_fu_way way = am_fu_way(def, c, w->clock, w->rung);

	return !w->revived && !am_fu_is_marked(c, w->id, "failed") &&
	       (w->rung >= AM_RUNG_NOTICE ||
		   w->rung < def->clocks[w->clock].rungs_n) &&
	       am_fu_channel(&way, w->endpoint) != NULL;
}

/* ---- followup.handed ---- */

AM_GUARD(am_is_waiting)
{
	return waiting_of(c, ev) != NULL;
}

void
am_hand_followup(struct am_act *a)
{
	struct am_waiting w = *waiting_of(&a->up->next, a->ev);
	bool sure = am_str_is(am_event_get(a->ev, "state"), "accepted");
	struct am_note *n =
	    am_act_note(a, sure ? "followup.accepted" : "followup.uncertain");
	int64_t until;

	am_note_str(n, "followup", am_fu_id_text(a, w.id));
	am_note_str(n, "endpoint", w.endpoint);
	am_note_c(n, "clock", a->def->clocks[w.clock].name);
	am_note_str(n, "reason", am_act_field(a, "reason"));
	am_note_str(n, "attempts", am_act_field(a, "attempts"));
	am_note_str(n, "status", am_act_field(a, "status"));
	if (am_str_i64(am_event_get(a->ev, "until"), &until) == 0)
		am_note_int(a, n, "until", until);
	am_note_c(n, "late", am_fu_over(&a->up->next, &w) ? "yes" : "no");
	am_fu_hand(a, w.id);
}

/* ---- followup.ended ---- */

static void
note_end(struct am_act *a, const struct am_waiting *w, bool late)
{
	static const char *const names[][2] = {
		{ "delivered", "followup.delivered" },
		{ "dead", "followup.dead" },
		{ "suppressed", "followup.suppressed" },
		{ "expired", "followup.expired" },
		{ "unknown", "followup.unknown" },
	};
	struct am_str state = am_event_get(a->ev, "state");
	struct am_note *n;
	size_t i = 0;

	while (i + 1 < AM_COUNT(names) && !am_str_is(state, names[i][0]))
		i++;
	n = am_act_note(a, names[i][1]);
	am_note_str(n, "followup", am_fu_id_text(a, w->id));
	am_note_str(n, "endpoint", w->endpoint);
	am_note_c(n, "clock", a->def->clocks[w->clock].name);
	am_note_str(n, "reason", am_act_field(a, "reason"));
	am_note_str(n, "attempts", am_act_field(a, "attempts"));
	am_note_str(n, "status", am_act_field(a, "status"));
	am_note_c(n, "late", late ? "yes" : "no");
	am_note_str(n, "digest", am_act_field(a, "digest"));
	am_tally_day(a, names[i][0], NULL);
}

/* The loop itself has let it go: nobody waits to hear of it. */
static bool
is_let_go(struct am_str reason)
{
	return am_str_is(reason, "superseded") ||
	       am_str_is(reason, "collapsed") || am_str_is(reason, "withdrawn");
}

/*
 * A channel that is dead or closed to us is followed by the next one, and so is
 * one of which nobody can say whether it reached anybody. What a person has
 * cancelled is not sent by another way, and what has gone stale
 * only when the loop goes on with its delivery.
 */
static bool
goes_on(struct am_act *a, const struct am_waiting *w)
{
	struct am_str state = am_event_get(a->ev, "state");
	struct am_str reason = am_event_get(a->ev, "reason");

	if (am_str_is(state, "dead") || am_str_is(state, "unknown"))
		return true;
	if (am_str_is(state, "suppressed"))
		return am_str_is(reason, "opted_out") ||
		       am_str_is(reason, "no_address");
	return am_fu_is_recourse(a->def, w->clock, w->rung) ||
	       is_written_notice(a->def, w->clock, w->rung);
}

/*
 * What has reached the customer keeps them informed; but for the news of the
 * inform clock itself, which would go on for ever.
 */
static void
arrived(struct am_act *a, const struct am_waiting *w, bool over)
{
	enum am_role to = am_fu_role(a->def, &a->up->next, w->clock, w->rung);

	am_fu_heard(a, w->clock, w->rung, over, true);
	if (to == AM_ROLE_CUSTOMER && w->clock != AM_CLOCK_INFORM)
		am_act_contact(a);
}

void
am_end_followup(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting w = *waiting_of(c, a->ev);
	bool over = am_fu_over(c, &w);

	am_fu_remove(a, w.id);
	note_end(a, &w, over || am_str_is(am_event_get(a->ev, "late"), "yes"));
	if (am_str_is(am_event_get(a->ev, "state"), "delivered"))
		arrived(a, &w, over);
	else if (!is_let_go(am_event_get(a->ev, "reason")))
		am_fu_failed(a, &w, goes_on(a, &w));
	am_fu_release(a, w.endpoint);
}

/* ---- followup.revived ---- */

static bool
small_number(
    const struct am_event *ev, const char *field, uint64_t max, uint64_t *v)
{
	return am_str_u64(am_event_get(ev, field), v) == 0 && *v <= max;
}

static bool
rung_ok(const struct am_loopdef *def, uint64_t clock, uint64_t rung)
{
	if (rung >= AM_RUNG_NOTICE)
		return am_notice_of((uint8_t)rung) < AM_NOTICES_N &&
		       am_notice_role((uint8_t)rung) < AM_ROLES_N;
	return rung < def->clocks[clock].rungs_n;
}

static bool
revival(const struct am_loopdef *def, const struct am_event *ev,
    struct am_waiting *w)
{
	uint64_t clock, rung, entry, cycle, in_class = 0;

	if (am_fu_id_parse(am_event_get(ev, "followup_id"), w->id) != 0 ||
	    am_event_get(ev, "endpoint").n == 0 ||
	    !small_number(ev, "clock", AM_CLOCKS_MAX - 1, &clock) ||
	    !small_number(ev, "rung", UINT8_MAX, &rung) ||
	    !rung_ok(def, clock, rung) ||
	    !small_number(ev, "entry", UINT16_MAX, &entry) ||
	    !small_number(ev, "cycle", UINT16_MAX, &cycle) ||
	    (am_event_get(ev, "class").n != 0 &&
		!small_number(ev, "class", AM_FU_CLASSES - 1, &in_class)))
		return false;
	w->clock = (uint8_t)clock;
	w->rung = (uint8_t)rung;
	w->entry = (uint16_t)entry;
	w->cycle = (uint16_t)cycle;
	w->class = (uint8_t)in_class; /* before there were any: 0 */
	return true;
}

AM_GUARD(am_is_bad_revival)
{
	struct am_waiting w;

	return !revival(def, ev, &w);
}

AM_GUARD(am_has_no_room)
{
	return c->waiting_n == AM_WAITING_MAX;
}

void
am_refuse_revival(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "followup_id",
	    "not a follow-up of this loop; followup_id, endpoint, clock, rung, "
	    "entry, cycle and class as they stand with the dead");
}

void
am_revive(struct am_act *a)
{
	struct am_waiting w = { .revived = true };
	struct am_note *n;

	(void)revival(a->def, a->ev, &w);
	w.endpoint = am_act_field(a, "endpoint");
	am_fu_add(a, &w);
	n = am_act_note(a, "followup.queued");
	am_note_str(n, "followup", am_fu_id_text(a, w.id));
	am_note_str(n, "endpoint", w.endpoint);
	am_note_c(n, "clock", a->def->clocks[w.clock].name);
	am_note_c(n, "reason", "revived");
	am_note_int(a, n, "fired_at", a->now);
	am_fu_release(a, w.endpoint);
}
