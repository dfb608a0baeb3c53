/*
 * rule_clock - the clocks that rules start, made from keys of the loop.
 *
 * `attempts`, `silence`, `hold_reminders` and `unowned_max` become ladders like
 * any other, so that the core has one way for things to happen by themselves.
 * They are not written as clocks and not kept as clocks: the keys are.
 *
 * What they say to the customer goes by the way of the question, as that is how
 * this loop's customer is reached; without a question by the confirm stage's
 * own way, or one of a stage before it. What they say to staff has no channels
 * of its own: it goes as other follow-ups to that role do.
 */

#include "build.h"

#include <string.h>

static struct am_rungdef *
add(struct am_clockdef *k, const char *name, enum am_role to,
    enum am_reason reason)
{
	struct am_rungdef *r = &k->rungs[k->rungs_n++];

	r->name = name;
	r->to = to;
	r->reason = reason;
	return r;
}

static void
at_pct(struct am_rungdef *r, int pct)
{
	r->is_pct = true;
	r->pct = pct;
}

/* The same way out as another rung has. */
static void
by_way_of(struct am_rungdef *r, const struct am_rungdef *way)
{
	memcpy(r->via, way->via, sizeof(r->via));
	r->via_n = way->via_n;
}

/* The question, else the nearest rung that reaches anybody; NULL: none. */
static const struct am_rungdef *
find_way(const struct am_loopdef *def, const struct am_stagedef *confirm)
{
	const struct am_clockdef *k;

	if (confirm->ask < AM_RUNGS_MAX)
		return &def->clocks[AM_CLOCK_STAGE0 + def->stages_n - 1]
			    .rungs[confirm->ask];
	for (size_t i = AM_CLOCK_STAGE0 + def->stages_n; i-- > 0;) {
		k = &def->clocks[i];
		for (size_t r = 0; r < k->rungs_n; r++) {
			if (k->rungs[r].via_n > 0)
				return &k->rungs[r];
		}
	}
	return NULL;
}

/* A list of offsets, as many as leave `spare` rungs free. */
static size_t
offsets(struct am_build *b, const struct am_node *n, const char *key,
    size_t spare, struct am_duration out[AM_LIST_MAX])
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, key, &w);
	size_t max = AM_RUNGS_MAX - spare;

	if (count > max) {
		am_fault(b, n, key, "%s: %zu values; at most %zu are taken",
		    key, count, max);
		count = max;
	}
	for (size_t i = 0; i < count; i++) {
		int rc = am_offset_parse(w[i].s, &out[i]);

		AM_ASSERT(rc == 0);
	}
	return count;
}

static void
set_offsets(struct am_build *b, struct am_clockdef *k, const char *word,
    const struct am_duration *v, size_t n, enum am_role to,
    enum am_reason reason)
{
	for (size_t i = 0; i < n; i++) {
		struct am_rungdef *r = add(k,
		    am_arena_printf(b->a, "%s-%zu", word, i + 1), to, reason);

		r->offset = v[i];
	}
}

static void
say(struct am_rungdef *r, const struct am_loopdef *def, enum am_saying saying)
{
	if (def->sayings[saying].message_name == NULL)
		return;
	r->message_name = def->sayings[saying].message_name;
	r->message = def->sayings[saying].message;
}

/* As the question does, unless it has words of its own. */
static void
ask(struct am_rungdef *r, const struct am_loopdef *def, enum am_saying saying)
{
	const struct am_stagedef *s = &def->stages[def->stages_n - 1];
	const struct am_rungdef *rungs =
	    def->clocks[AM_CLOCK_STAGE0 + def->stages_n - 1].rungs;

	if (s->ask < AM_RUNGS_MAX) {
		r->message_name = rungs[s->ask].message_name;
		r->message = rungs[s->ask].message;
	}
	say(r, def, saying);
}

/* An attempt is the owner's task, which the customer's channel would not bring;
 * the written notice comes when an event, the last miss, says so. */
static void
callback(struct am_build *b, struct am_loopdef *def,
    const struct am_stagedef *s, const struct am_rungdef *way)
{
	struct am_clockdef *k = &def->clocks[AM_CLOCK_CALLBACK];
	struct am_rungdef *notice;

	k->from_start = true;
	set_offsets(b, k, "attempt", s->attempts, s->attempts_n, AM_ROLE_OWNER,
	    AM_REASON_OPERATOR);
	for (size_t i = 0; i < k->rungs_n; i++)
		say(&k->rungs[i], def, AM_SAYING_ATTEMPT);
	notice = add(k, "notice", AM_ROLE_CUSTOMER, AM_REASON_ASK);
	notice->told = true;
	if (way != NULL)
		by_way_of(notice, way);
	ask(notice, def, AM_SAYING_NOTICE);
}

static void
silence(struct am_loopdef *def, const struct am_stagedef *s,
    const struct am_rungdef *notice)
{
	struct am_clockdef *k = &def->clocks[AM_CLOCK_SILENCE];
	struct am_rungdef *r;

	k->budget = s->silence;
	r = add(k, "reminder", AM_ROLE_CUSTOMER, AM_REASON_ASK);
	at_pct(r, 50);
	by_way_of(r, notice);
	ask(r, def, AM_SAYING_REMINDER);
	r = add(k, "close", AM_ROLE_CUSTOMER, AM_REASON_ASK);
	at_pct(r, 100);
	r->action = AM_ACTION_CLOSE;
}

static void
unowned(struct am_clockdef *k, struct am_build *b, const struct am_node *n)
{
	struct am_rungdef *r;

	k->budget = am_get_duration(n, "unowned_max");
	if (k->budget.n == 0)
		am_fault(b, n, "unowned_max",
		    "unowned_max: no time at all; write such as \"30m\", or "
		    "leave it out for no limit");
	r = add(k, "unowned", AM_ROLE_SUPERVISOR, AM_REASON_ESCALATE);
	at_pct(r, 100);
	r->action = AM_ACTION_CLIMB;
}

static void
init(struct am_clockdef *k, const char *name, bool in_use)
{
	k->name = name;
	k->in_use = in_use;
	for (size_t i = 0; i < AM_TIERS_MAX; i++)
		k->tier_budget[i].n = -1;
}

/* Where the question stands on the confirm stage's ladder. */
static size_t
find_question(const struct am_clockdef *k)
{
	for (size_t r = 0; r < k->rungs_n; r++) {
		if (k->rungs[r].reason == AM_REASON_ASK &&
		    k->rungs[r].via_n > 0)
			return r;
	}
	return AM_RUNGS_MAX;
}

static void
confirm_clocks(
    struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	struct am_stagedef *s = &def->stages[def->stages_n - 1];
	const struct am_clockdef *own =
	    &def->clocks[AM_CLOCK_STAGE0 + def->stages_n - 1];
	struct am_clockdef *k = &def->clocks[AM_CLOCK_CALLBACK];
	struct am_clockdef *after = &def->clocks[AM_CLOCK_SILENCE];

	if (s->kind != AM_STAGE_CONFIRM)
		return; /* told already */
	s->ask = find_question(own);
	s->attempts_n = offsets(b, n, "attempts", 1, s->attempts);
	if (s->attempts_n == 0 && s->ask == AM_RUNGS_MAX)
		return; /* nobody calls and nobody asks */
	k->in_use = after->in_use = true;
	k->calendar_name = after->calendar_name = own->calendar_name;
	k->calendar = after->calendar = own->calendar;
	k->bd_calendar = after->bd_calendar = own->bd_calendar;
	callback(b, def, s, find_way(def, s));
	silence(def, s, &k->rungs[k->rungs_n - 1]);
}

void
am_rule_clocks_build(
    struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	struct am_clockdef *hold = &def->clocks[AM_CLOCK_HOLD];
	struct am_duration reminders[AM_LIST_MAX];
	const struct am_node *s = NULL, *last = NULL;
	size_t reminders_n = offsets(b, n, "hold_reminders", 0, reminders);

	while ((s = am_node_child(n, "stage", s)) != NULL)
		last = s;
	init(&def->clocks[AM_CLOCK_CALLBACK], "callback", false);
	init(&def->clocks[AM_CLOCK_SILENCE], "silence", false);
	init(hold, "hold", reminders_n > 0);
	init(&def->clocks[AM_CLOCK_UNOWNED], "unowned",
	    am_node_value(n, "unowned_max") != NULL);
	if (def->stages_n > 0)
		confirm_clocks(b, def, last);
	hold->from_start = true;
	set_offsets(b, hold, "hold", reminders, reminders_n, AM_ROLE_CUSTOMER,
	    AM_REASON_INFORM);
	for (size_t i = 0; i < hold->rungs_n; i++)
		say(&hold->rungs[i], def, AM_SAYING_HOLD);
	if (def->clocks[AM_CLOCK_UNOWNED].in_use)
		unowned(&def->clocks[AM_CLOCK_UNOWNED], b, n);
}
