/*
 * judge - loops that are right key by key, and still cannot be meant.
 *
 * What is refused here would load, run, and then do nothing for ever: a loop
 * that cannot end, a stage that nobody can complete, a rung that never fires or
 * is never sent, an action without anybody to act on. Only files are judged: a
 * loop that was kept in Redis runs on as it was promised, whatever a later
 * version thinks of it.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"

#include <amends/event.h>

struct judge {
	struct am_build *b;
	const struct am_loopdef *def;
	const struct am_node *loop;
};

static const struct am_node *
clock_node(const struct judge *j, size_t slot)
{
	return am_clock_node(j->loop, j->def, slot);
}

static const struct am_node *
rung_node(const struct judge *j, size_t slot, const struct am_rungdef *r)
{
	return am_node_find(clock_node(j, slot), "rung", r->name);
}

static bool
is_for(const struct am_rungdef *r, size_t tier)
{
	return (r->except_tiers >> tier & 1) == 0;
}

/* ---- the end ---- */

/*
 * Somebody asks the customers: a rung, or the owner who calls. When the rung is
 * for other tiers, the written notice asks in its place.
 */
static void
judge_end(const struct judge *j)
{
	const struct am_loopdef *def = j->def;
	const struct am_clockdef *calls = &def->clocks[AM_CLOCK_CALLBACK];
	size_t last = AM_CLOCK_STAGE0 + def->stages_n - 1;

	if (calls->in_use && calls->rungs[calls->rungs_n - 1].via_n > 0)
		return;
	am_fault(j->b, clock_node(j, last), "attempts",
	    "loop \"%s\" cannot end: stage \"%s\" never asks the customer; "
	    "add rung \"ask\" { at = \"0%%\" to = \"customer\" via = {…} }, "
	    "or attempts",
	    def->name, def->clocks[last].name);
}

/* ---- stages ---- */

/* Names that an event's envelope takes: no field of stage.completed has one. */
static const char *const envelope[] = { "event", "complaint_id", "event_id",
	"source", "occurred_at", "actor.id", "actor.role", "expected_version",
	"trace_id", "v" };

/*
 * A producer may send fields of its own, so a name that is in no table is
 * taken; one that is nearly in it is a slip.
 */
static void
judge_required(
    const struct judge *j, const struct am_node *stage, const char *field)
{
	const struct am_event_spec *spec = am_event_spec(AM_EV_STAGE_COMPLETED);
	size_t n = strlen(field);
	struct am_suggest s;

	for (size_t i = 0; i < AM_COUNT(envelope); i++) {
		if (strcmp(envelope[i], field) == 0)
			am_fault(j->b, stage, "requires",
			    "requires: '%s' is taken from every event, so "
			    "stage \"%s\" could never be completed; remove it",
			    field, stage->title);
	}
	am_suggest_init(&s, field);
	for (size_t i = 0; i < spec->fields_n; i++) {
		const char *known = spec->fields[i].name;

		if (strcmp(known, field) == 0)
			return;
		if (strncmp(known, field, n) == 0 && known[n] == '.') {
			s.best = known;
			break;
		}
		am_suggest_try(&s, known);
	}
	if (s.best != NULL)
		am_fault(j->b, stage, "requires",
		    "requires: stage.completed has no field '%.64s'; did you "
		    "mean '%s'?",
		    field, s.best);
}

static void
judge_stage(const struct judge *j, size_t i)
{
	const struct am_stagedef *s = &j->def->stages[i];
	const struct am_node *n = clock_node(j, AM_CLOCK_STAGE0 + i);

	if (s->kind == AM_STAGE_WORK) {
		for (size_t k = 0; k < s->requires_n; k++)
			judge_required(j, n, s->requires[k]);
		return;
	}
	if (s->requires_n > 0)
		am_fault(j->b, n, "requires",
		    "requires: only the customer's answer completes stage "
		    "\"%s\"; move it to a work stage",
		    s->name);
	if (s->waivable)
		am_fault(j->b, n, "waivable",
		    "waivable: only the customer's answer completes stage "
		    "\"%s\"; remove it",
		    s->name);
}

/* ---- lists of offsets ---- */

/* a before b, as far as that is plain: hours and business days are not. */
static bool
before(struct am_duration a, struct am_duration b)
{
	return a.n == 0 ? b.n > 0 : a.unit != b.unit || a.n < b.n;
}

static void
judge_offsets(const struct judge *j, const struct am_node *n, const char *key,
    const struct am_clockdef *k)
{
	char this[24], last[24];

	for (size_t i = 1; i < k->rungs_n && !k->rungs[i].told; i++) {
		struct am_duration a = k->rungs[i - 1].offset;
		struct am_duration b = k->rungs[i].offset;

		if (!before(a, b))
			am_fault(j->b, n, key,
			    "%s: +%s stands behind +%s; list them in the order "
			    "of time, each once",
			    key, am_duration_format(b, this),
			    am_duration_format(a, last));
	}
}

static void
judge_hold(const struct judge *j)
{
	const struct am_clockdef *k = &j->def->clocks[AM_CLOCK_HOLD];
	char at[24], max[24];

	judge_offsets(j, j->loop, "hold_reminders", k);
	if (k->rungs_n == 0)
		return;
	if (j->def->hold_reasons_n == 0)
		am_fault(j->b, j->loop, "hold_reminders",
		    "hold_reminders: nothing is ever held, as hold_reasons is "
		    "empty; name reasons, or remove the reminders");
	for (size_t i = 0; i < k->rungs_n; i++) {
		if (before(k->rungs[i].offset, j->def->max_hold))
			continue;
		am_fault(j->b, j->loop, "hold_reminders",
		    "hold_reminders: +%s never comes, as max_hold ends the "
		    "hold after %s; remove it, or make max_hold longer",
		    am_duration_format(k->rungs[i].offset, at),
		    am_duration_format(j->def->max_hold, max));
	}
}

/* ---- rungs ---- */

static void
judge_reassign(
    const struct judge *j, const struct am_node *n, const struct am_rungdef *r)
{
	const char *to = am_role_str(r->to);

	if (r->to == AM_ROLE_OWNER || r->to == AM_ROLE_CUSTOMER)
		am_fault(j->b, n, "action",
		    "action: reassign to the %s changes nothing; say to = "
		    "\"supervisor\", \"manager\", \"agent\" or \"team\"",
		    to);
	else if ((r->to == AM_ROLE_AGENT || r->to == AM_ROLE_MANAGER) &&
		 j->def->holders[r->to].n == 0)
		am_fault(j->b, n, "action",
		    "action: reassign to the %s, and nobody is; add role "
		    "\"%s\" { person = {…} }",
		    to, to);
}

static void
judge_raise(
    const struct judge *j, const struct am_node *n, const struct am_rungdef *r)
{
	bool lower = false;

	for (size_t t = 1; t < j->def->tiers_n; t++)
		lower |= is_for(r, t);
	if (j->def->tiers_n == 1)
		am_fault(j->b, n, "action",
		    "action: raise-tier in a loop of one tier; list tiers, "
		    "highest first, or remove the action");
	else if (!lower)
		am_fault(j->b, n, "action",
		    "action: raise-tier of the highest tier changes nothing; "
		    "name a lower one in tiers, or remove the action");
}

static void
judge_action(const struct judge *j, size_t slot, const struct am_rungdef *r)
{
	const struct am_node *n = rung_node(j, slot, r);

	if (r->action == AM_ACTION_NONE)
		return;
	if (r->action == AM_ACTION_CLOSE)
		am_fault(j->b, n, "action",
		    "action: no rung closes a loop, as the customer must have "
		    "been told first; set attempts and silence of the confirm "
		    "stage");
	else if (slot == AM_CLOCK_AFTERCARE)
		am_fault(j->b, n, "action",
		    "action: the loop is closed when aftercare runs; remove "
		    "the action");
	else if (r->is_pct && r->pct == 0)
		am_fault(j->b, n, "action",
		    "action: at 0%% nothing has been waited for, and nothing "
		    "is done; say at = \"1%%\", or give the complaint its "
		    "owner and tier when it is opened");
	else if (r->action == AM_ACTION_REASSIGN)
		judge_reassign(j, n, r);
	else
		judge_raise(j, n, r);
}

/* 100 % and +0 are one place. */
static bool
same_place(const struct am_rungdef *a, const struct am_rungdef *b)
{
	bool a_lapse = a->is_pct ? a->pct == 100 : a->offset.n == 0;
	bool b_lapse = b->is_pct ? b->pct == 100 : b->offset.n == 0;

	if (a_lapse || b_lapse || a->is_pct != b->is_pct)
		return a_lapse && b_lapse;
	return a->is_pct ? a->pct == b->pct
			 : a->offset.unit == b->offset.unit &&
			       a->offset.n == b->offset.n;
}

static bool
overlap(const struct am_loopdef *def, const struct am_rungdef *a,
    const struct am_rungdef *b)
{
	for (size_t t = 0; t < def->tiers_n; t++) {
		if (is_for(a, t) && is_for(b, t))
			return true;
	}
	return false;
}

/* What a role is told at one instant collapses into one follow-up. */
static void
judge_place(const struct judge *j, size_t slot, size_t rung)
{
	const struct am_clockdef *k = &j->def->clocks[slot];
	const struct am_rungdef *r = &k->rungs[rung];

	for (size_t i = 0; i < rung; i++) {
		const struct am_rungdef *x = &k->rungs[i];

		if (x->to != r->to || x->via_n == 0 || r->via_n == 0 ||
		    !same_place(x, r) || !overlap(j->def, x, r))
			continue;
		am_fault(j->b, rung_node(j, slot, x), "at",
		    "rung \"%s\" is never sent: \"%s\" tells the %s at the "
		    "same place; join the two, or move one",
		    x->name, r->name, am_role_str(r->to));
		return;
	}
}

/* CF3: the question, and so many reminders of it. */
static void
judge_reminders(const struct judge *j)
{
	size_t slot = AM_CLOCK_STAGE0 + j->def->stages_n - 1;
	const struct am_clockdef *k = &j->def->clocks[slot];
	int max = j->def->stages[j->def->stages_n - 1].survey_reminders;

	for (size_t t = 0; t < j->def->tiers_n; t++) {
		int n = 0;

		for (size_t i = 0; i < k->rungs_n; i++) {
			const struct am_rungdef *r = &k->rungs[i];

			if (r->to != AM_ROLE_CUSTOMER || !is_for(r, t) ||
			    r->reason == AM_REASON_ASK || n++ < max)
				continue;
			am_fault(j->b, rung_node(j, slot, r), NULL,
			    "rung \"%s\" reminds the customer once more than "
			    "survey_reminders (%d) allows; remove it, or raise "
			    "survey_reminders",
			    r->name, max);
			return;
		}
	}
}

void
am_loop_judge(
    struct am_build *b, const struct am_loopdef *def, const struct am_node *n)
{
	const struct judge j = { b, def, n };

	judge_end(&j);
	for (size_t i = 0; i < def->stages_n; i++)
		judge_stage(&j, i);
	judge_offsets(&j, clock_node(&j, AM_CLOCK_STAGE0 + def->stages_n - 1),
	    "attempts", &def->clocks[AM_CLOCK_CALLBACK]);
	judge_hold(&j);
	for (size_t slot = 0; slot < AM_CLOCK_CALLBACK; slot++) {
		for (size_t r = 0; r < def->clocks[slot].rungs_n; r++) {
			judge_action(&j, slot, &def->clocks[slot].rungs[r]);
			judge_place(&j, slot, r);
		}
	}
	judge_reminders(&j);
	am_loop_judge_texts(b, def, n);
}
