/*
 * act_tier - how urgent a complaint is, and the facts that are told with it.
 *
 * A clock keeps what it has consumed; what changes is the budget it is measured
 * against (tier) or the calendar in which it goes on (emergency). So a due can
 * move to either side, a miss stays one, and a due that comes to lie in the
 * past is found by the wake-up that follows at once. Moving the due by the
 * difference of two budgets was rejected: it forgets holds and weekends.
 */

#include "base/buf.h"
#include "base/str.h"
#include "core/act.h"

bool
am_act_is_emergency(const struct am_loopdef *def, struct am_str severity)
{
	for (size_t i = 0; i < def->emergency_n; i++) {
		if (am_str_is(severity, def->emergency[i]))
			return true;
	}
	return false;
}

/* Calendars stop counting, or count again, from the event on. */
static void
set_emergency(struct am_act *a, bool emergency)
{
	struct am_complaint *c = &a->up->next;
	bool ran[AM_CLOCKS_MAX];

	if (emergency == ((c->flags & AM_CF_EMERGENCY) != 0))
		return;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		ran[i] = c->clocks[i].state == AM_CLK_RUNNING;
		if (ran[i])
			am_clock_stop(a->def, c, i, a->ev->at);
	}
	c->flags ^= AM_CF_EMERGENCY;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (ran[i])
			am_clock_resume(c, i, a->ev->at);
	}
}

/* Budgets that the tier decides; the share of extensions stays. */
static void
set_tier(struct am_act *a, uint8_t tier)
{
	struct am_complaint *c = &a->up->next;
	uint8_t was = c->tier;

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		struct am_clock *k = &c->clocks[i];
		am_ms before, after;

		if (!am_clock_live(k))
			continue;
		c->tier = was;
		before = am_clock_budget(a->def, c, i, k->started);
		c->tier = tier;
		after = am_clock_budget(a->def, c, i, k->started);
		if (after != before)
			k->budget = after + k->extra;
	}
	c->tier = tier;
}

/* Of a complaint that is not closed. */
static void
judge_anew(struct am_act *a, uint8_t tier, bool emergency, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	am_ms due[AM_CLOCKS_MAX], budget[AM_CLOCKS_MAX];

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		due[i] = am_clock_due(a->def, c, i);
		budget[i] = c->clocks[i].budget;
		if (am_clock_live(&c->clocks[i]))
			am_act_miss_past(a, i, a->ev->at);
	}
	set_emergency(a, emergency);
	if (tier != c->tier) {
		am_tally_stage(a, -1);
		set_tier(a, tier);
		am_tally_stage(a, 1);
	}
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (am_clock_live(&c->clocks[i]) &&
		    (c->clocks[i].budget != budget[i] ||
			am_clock_due(a->def, c, i) != due[i]))
			(void)am_act_moved(a, i, due[i], reason);
	}
}

void
am_act_raise_tier(struct am_act *a, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	if (c->tier == 0)
		return; /* higher than the highest there is none */
	am_act_change(a);
	n = am_act_note(a, "complaint.updated");
	am_note_c(n, "tier", a->def->tiers[c->tier - 1]);
	am_note_c(n, "tier_was", a->def->tiers[c->tier]);
	am_note_c(n, "reason", reason);
	judge_anew(a, (uint8_t)(c->tier - 1), (c->flags & AM_CF_EMERGENCY) != 0,
	    "tier");
}

/* ---- updated ---- */

static bool
is_new(const struct am_event *ev, const char *field, struct am_str have)
{
	struct am_str told = am_event_get(ev, field);

	return told.n > 0 && !am_str_eq(told, have);
}

/* The daemon keeps what they say; the core knows that they were told. */
static bool
tells_of_customer(const struct am_event *ev)
{
	const struct am_event_spec *spec = am_event_spec(ev->type);

	for (size_t i = 0; i < spec->fields_n; i++) {
		if (spec->fields[i].class == AM_FIELD_PERSONAL &&
		    am_event_get(ev, spec->fields[i].name).n > 0)
			return true;
	}
	return false;
}

AM_GUARD(am_is_no_news)
{
	return !is_new(ev, "tier", am_str_c(def->tiers[c->tier])) &&
	       !is_new(ev, "severity", c->severity) &&
	       !is_new(ev, "category", c->category) &&
	       !is_new(ev, "incident", c->incident) && !tells_of_customer(ev);
}

AM_GUARD(am_is_not_of_customer)
{
	return !tells_of_customer(ev);
}

AM_GUARD(am_is_no_tier)
{
	struct am_str tier = am_event_get(ev, "tier");

	return tier.n > 0 && am_loopdef_tier(def, tier) < 0;
}

/* At the opening an unknown tier falls to the default: the complaint must not
 * be lost. Here somebody means a tier and should hear that there is none. */
void
am_refuse_tier(struct am_act *a)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 160);
	am_buf_adds(&b, "no tier of this complaint's loop; one of");
	for (size_t i = 0; i < a->def->tiers_n; i++) {
		am_buf_addc(&b, ' ');
		am_buf_adds(&b, a->def->tiers[i]);
	}
	am_buf_addc(&b, '\0');
	am_act_refuse(a, "bad_value", "tier", b.p);
}

static void
take_fact(struct am_act *a, struct am_note *n, const char *field,
    struct am_str *place)
{
	if (!is_new(a->ev, field, *place))
		return;
	*place = am_act_field(a, field);
	am_note_str(n, field, *place);
}

void
am_update_facts(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, "complaint.updated");
	int tier = am_loopdef_tier(a->def, am_event_get(a->ev, "tier"));
	bool emergency;

	if (tells_of_customer(a->ev))
		am_note_c(n, "customer", "yes");
	if (c->status == AM_CLOSED)
		return; /* aftercare may need a new number, and no more */
	am_act_change(a);
	take_fact(a, n, "severity", &c->severity);
	take_fact(a, n, "category", &c->category);
	take_fact(a, n, "incident", &c->incident);
	if (tier < 0)
		tier = c->tier;
	if (tier != c->tier) {
		am_note_c(n, "tier", a->def->tiers[tier]);
		am_note_c(n, "tier_was", a->def->tiers[c->tier]);
	}
	emergency = am_act_is_emergency(a->def, c->severity);
	judge_anew(
	    a, (uint8_t)tier, emergency, tier != c->tier ? "tier" : "severity");
}
