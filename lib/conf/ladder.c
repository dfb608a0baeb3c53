/*
 * ladder - the budget, calendar and rungs of one clock.
 *
 * A rung's index is its place in time, so the rungs are sorted: shares of the
 * budget first, then offsets, where a business day counts as a day; equal
 * places by name, so that the order in the file means nothing.
 */

#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct am_calendar *
find_calendar(struct am_build *b, const struct am_node *n, const char *name)
{
	const struct am_conf *c = b->c;
	const char **known;

	for (size_t i = 0; i < c->calendars_n; i++) {
		if (strcmp(c->calendars[i]->name, name) == 0)
			return c->calendars[i];
	}
	/* one that did not compile has its own diagnostic */
	if (b->root != NULL && am_node_find(b->root, "calendar", name) != NULL)
		return NULL;
	known = am_arena_zalloc(b->a, (c->calendars_n + 1) * sizeof(*known));
	for (size_t i = 0; i < c->calendars_n; i++)
		known[i] = c->calendars[i]->name;
	am_fault_name(b, n, "calendar", am_node_line(n, "calendar"), "calendar",
	    name, known, c->calendars_n);
	return NULL;
}

const struct am_node *
am_clock_node(
    const struct am_node *loop, const struct am_loopdef *def, size_t slot)
{
	const char *name = def->clocks[slot].name;

	if (slot < AM_CLOCK_STAGE0)
		return am_node_find(loop, "clock", name);
	if (slot < AM_CLOCK_STAGE0 + def->stages_n)
		return am_node_find(loop, "stage", name);
	return NULL;
}

const struct am_message *
am_find_message(struct am_build *b, const struct am_node *n)
{
	const char *name = am_node_value(n, "message");
	const struct am_conf *c = b->c;
	const char **known;

	for (size_t i = 0; i < c->messages_n; i++) {
		if (strcmp(c->messages[i]->name, name) == 0)
			return c->messages[i];
	}
	known = am_arena_zalloc(b->a, (c->messages_n + 1) * sizeof(*known));
	for (size_t i = 0; i < c->messages_n; i++)
		known[i] = c->messages[i]->name;
	am_fault_name(b, n, "message", am_node_line(n, "message"), "message",
	    name, known, c->messages_n);
	return NULL;
}

struct am_via
am_conf_via(const struct am_conf_endpoint *e)
{
	const struct am_conf_provider *p = e->provider;
	struct am_via via = {
		.endpoint = e->name,
		.exists = true,
		.usable = e->built, /* a webhook needs no address of the role */
		.quiet = e->quiet,
		.is_text = e->type != AM_ENDPOINT_WEBHOOK,
		.max_segments = e->max_segments,
	};

	if (p != NULL && p->params != AM_PARAMS_NONE) {
		via.provider = p->name;
		via.param_max = p->param_max;
	} else if (p != NULL) {
		via.max_bytes = p->max_bytes;
	}
	return via;
}

static void
read_via(struct am_build *b, struct am_rungdef *r, const struct am_node *n)
{
	const struct am_conf *c = b->c;
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "via", &w);
	const char **known;

	if (count > AM_VIA_MAX) {
		am_fault(b, n, "via",
		    "via: %zu endpoints; at most %d are taken", count,
		    AM_VIA_MAX);
		return;
	}
	if (count == 0 && r->action == AM_ACTION_NONE)
		am_fault(b, n, "via",
		    "rung \"%s\" has no via; name an endpoint, as in via = "
		    "{\"crm\"}",
		    n->title);
	known = am_arena_zalloc(b->a, (c->endpoints_n + 1) * sizeof(*known));
	for (size_t i = 0; i < c->endpoints_n; i++)
		known[i] = c->endpoints[i]->name;
	for (size_t i = 0; i < count; i++) {
		const struct am_conf_endpoint *e =
		    am_conf_endpoint(c, am_str_c(w[i].s));

		if (e == NULL)
			am_fault_name(b, n, "via", w[i].line, "endpoint",
			    w[i].s, known, c->endpoints_n);
		if (e != NULL)
			r->via[i] = am_conf_via(e);
		r->via[i].endpoint = w[i].s;
	}
	r->via_n = count;
}

static void
read_position(struct am_build *b, struct am_rungdef *r, const struct am_node *n)
{
	const char *at = am_node_value(n, "at");

	if (at == NULL) {
		am_fault(b, n, NULL,
		    "rung \"%s\" has no at; write such as at = \"50%%\" or "
		    "\"+15m\"",
		    n->title);
		return;
	}
	r->is_pct = am_percent_parse(at, &r->pct) == 0;
	if (!r->is_pct && am_offset_parse(at, &r->offset) != 0)
		AM_ASSERT(!"am_check_tree() passed it");
}

/* Why the follow-ups of this rung go out; the words of a webhook's type. */
static enum am_reason
derive_reason(
    const struct am_loopdef *def, size_t slot, const struct am_rungdef *r)
{
	bool confirm =
	    slot >= AM_CLOCK_STAGE0 &&
	    def->stages[slot - AM_CLOCK_STAGE0].kind == AM_STAGE_CONFIRM;

	if (slot == AM_CLOCK_INFORM)
		return AM_REASON_INFORM;
	if (slot == AM_CLOCK_AFTERCARE)
		return AM_REASON_AFTERCARE;
	if (!r->is_pct)
		return AM_REASON_ESCALATE;
	if (confirm && r->pct == 0 && r->to == AM_ROLE_CUSTOMER)
		return AM_REASON_ASK;
	if (r->pct == 0 && r->to == AM_ROLE_CUSTOMER)
		return AM_REASON_INFORM;
	if (r->pct < 100)
		return AM_REASON_WARN;
	return slot == AM_CLOCK_FINAL && r->to == AM_ROLE_CUSTOMER
		   ? AM_REASON_RECOURSE
		   : AM_REASON_LAPSE;
}

/* `tiers` says for whom a rung is; kept is for whom it is not. */
static void
read_for_tiers(struct am_build *b, const struct am_loopdef *def,
    struct am_rungdef *r, const struct am_node *n)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "tiers", &w);
	uint8_t for_tiers = 0;

	if (am_node_entry(n, "tiers") == NULL)
		return;
	if (count == 0)
		am_fault(b, n, "tiers",
		    "tiers: the list is empty, so rung \"%s\" is for nobody; "
		    "name tiers, or leave the key out for all",
		    r->name);
	for (size_t i = 0; i < count; i++) {
		int tier = am_loopdef_tier(def, am_str_c(w[i].s));

		if (tier < 0)
			am_fault_name(b, n, "tiers", w[i].line, "tier", w[i].s,
			    def->tiers, def->tiers_n);
		else
			for_tiers |= (uint8_t)(1u << tier);
	}
	r->except_tiers =
	    (uint8_t)(((1u << def->tiers_n) - 1) & ~(unsigned)for_tiers);
}

static void
read_rung(struct am_build *b, const struct am_loopdef *def,
    struct am_rungdef *r, const struct am_node *n)
{
	const char *to = am_node_value(n, "to");
	const char *action = am_node_value(n, "action");

	r->name = n->title;
	read_position(b, r, n);
	read_for_tiers(b, def, r, n);
	while (strcmp(am_role_str(r->to), to) != 0)
		r->to++;
	while (action != NULL && strcmp(am_action_str(r->action), action) != 0)
		r->action++;
	r->defer = am_get_bool(n, "defer");
	read_via(b, r, n);
	r->message_name = am_node_value(n, "message");
	if (r->message_name != NULL)
		r->message = am_find_message(b, n);
}

static int64_t
place(const struct am_rungdef *r)
{
	if (r->is_pct)
		return r->pct - 100;
	return 1 + (r->offset.unit == AM_UNIT_BD ? r->offset.n * AM_DAY
						 : r->offset.n);
}

static int
by_place(const void *a, const void *b)
{
	const struct am_rungdef *x = a, *y = b;
	int64_t px = place(x), py = place(y);

	if (px != py)
		return px < py ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
read_budgets(struct am_build *b, const struct am_loopdef *def,
    struct am_clockdef *k, const struct am_node *n)
{
	const struct am_node *t = NULL;

	for (size_t i = 0; i < AM_TIERS_MAX; i++)
		k->tier_budget[i].n = -1;
	if (am_node_value(n, "budget") != NULL) {
		k->budget = am_get_duration(n, "budget");
		if (k->budget.n == 0)
			am_fault(b, n, "budget",
			    "budget: no time at all; write such as \"2h\", or "
			    "leave it out for a clock that never lapses");
	}
	while ((t = am_node_child(n, "tier", t)) != NULL) {
		int i = am_loopdef_tier(def, am_str_c(t->title));

		if (i < 0) {
			am_fault_name(b, t, "tier", t->line, "tier", t->title,
			    def->tiers, def->tiers_n);
			continue;
		}
		if (am_node_value(t, "budget") == NULL) {
			am_fault(b, t, NULL,
			    "tier \"%s\" has no budget; write such as budget = "
			    "\"2h\"",
			    t->title);
			continue;
		}
		k->tier_budget[i] = am_get_duration(t, "budget");
		if (k->tier_budget[i].n == 0)
			am_fault(b, t, "budget",
			    "budget: no time at all; write such as \"2h\"");
		if (k->budget.n == 0)
			am_fault(b, t, NULL,
			    "tier \"%s\" has a budget but the clock has none; "
			    "give it the common budget too",
			    t->title);
	}
}

static void
read_rungs(struct am_build *b, const struct am_loopdef *def,
    struct am_clockdef *k, const struct am_node *n, size_t slot)
{
	const struct am_node *c = NULL;

	while ((c = am_node_child(n, "rung", c)) != NULL) {
		struct am_rungdef *r = &k->rungs[k->rungs_n];

		if (k->rungs_n == AM_RUNGS_MAX) {
			am_fault(b, c, NULL,
			    "over %d rungs on one clock; remove some",
			    AM_RUNGS_MAX);
			break;
		}
		k->rungs_n++;
		read_rung(b, def, r, c);
		r->reason = derive_reason(def, slot, r);
		if (k->budget.n == 0 && !(r->is_pct && r->pct == 0) &&
		    am_node_entry(n, "budget") == NULL)
			am_fault(b, c, "at",
			    "rung \"%s\" stands on a budget that is missing; "
			    "give the %s a budget, or write at = \"0%%\"",
			    r->name, n->opt->name);
	}
	qsort(k->rungs, k->rungs_n, sizeof(k->rungs[0]), by_place);
}

void
am_clock_build(struct am_build *b, struct am_loopdef *def,
    const struct am_node *n, size_t slot)
{
	struct am_clockdef *k = &def->clocks[slot];

	k->name = n->title;
	k->in_use = true;
	k->from_receipt =
	    slot == AM_CLOCK_ACKNOWLEDGE || slot == AM_CLOCK_FINAL ||
	    (slot >= AM_CLOCK_STAGE0 &&
		strcmp(am_node_value(n, "clock"), "received") == 0);
	k->calendar_name = am_node_value(n, "calendar");
	if (k->calendar_name != NULL)
		k->calendar = find_calendar(b, n, k->calendar_name);
	k->bd_calendar =
	    k->calendar != NULL ? k->calendar : am_weekdays(b, def->zone);
	read_budgets(b, def, k, n);
	read_rungs(b, def, k, n, slot);
}
