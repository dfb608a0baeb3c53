/*
 * loop - a loop section becomes a definition.
 *
 * The same code reads a loop from a file and one kept in Redis: what is kept
 * is the normalised text, so there is no second form to keep in step. Names
 * are bound here, and are what the hash covers; a calendar or an endpoint may
 * change without a new version of the loop.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"

static void
read_tiers(struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	const char *chosen = am_node_value(n, "default_tier");
	int i;

	def->tiers_n = am_get_list(b, n, "tiers", def->tiers, AM_TIERS_MAX);
	if (def->tiers_n == 0) {
		am_fault(b, n, "tiers",
		    "tiers: the list is empty; name at least one, or leave "
		    "the key out");
		return;
	}
	def->default_tier = def->tiers_n - 1;
	if (chosen == NULL)
		return;
	i = am_loopdef_tier(def, am_str_c(chosen));
	if (i < 0)
		am_fault_name(b, n, "default_tier",
		    am_node_line(n, "default_tier"), "tier", chosen, def->tiers,
		    def->tiers_n);
	else
		def->default_tier = (size_t)i;
}

static const char *const confirm_keys[] = {
	"attempts",
	"silence",
	"survey_reminders",
	"reopen_to",
	"reopen_at",
	"reopen_window",
	"max_reopens",
};

static void
read_stage(struct am_build *b, struct am_stagedef *s, const struct am_node *n)
{
	s->name = n->title;
	s->ask = AM_RUNGS_MAX;
	if (strcmp(am_node_value(n, "kind"), "confirm") == 0)
		s->kind = AM_STAGE_CONFIRM;
	s->implied_by_later = am_node_value(n, "implied_by_later") != NULL
				  ? am_get_bool(n, "implied_by_later")
				  : strcmp(n->title, "listen") == 0;
	s->waivable = am_get_bool(n, "waivable");
	s->requires_n = am_get_list(b, n, "requires", s->requires, AM_LIST_MAX);
	if (s->kind == AM_STAGE_WORK) {
		for (size_t i = 0; i < AM_COUNT(confirm_keys); i++) {
			if (am_node_entry(n, confirm_keys[i]) != NULL)
				am_fault(b, n, confirm_keys[i],
				    "%s: belongs into the confirm stage; move "
				    "it there, or say kind = \"confirm\"",
				    confirm_keys[i]);
		}
		return;
	}
	s->silence = am_get_duration(n, "silence");
	if (s->silence.n == 0)
		am_fault(b, n, "silence",
		    "silence: no time at all; write such as \"5bd\"");
	s->survey_reminders = (int)am_get_count(n, "survey_reminders");
	s->reopen_at = (int)am_get_count(n, "reopen_at");
	s->reopen_window = am_get_span(n, "reopen_window");
	s->max_reopens = (int)am_get_count(n, "max_reopens");
}

/* Where a reopening goes: needs the names of all stages. */
static void
read_reopen_to(struct am_build *b, struct am_loopdef *def,
    struct am_stagedef *s, const struct am_node *n)
{
	const char *to = am_node_value(n, "reopen_to"), *work[AM_STAGES_MAX];
	size_t work_n = 0;
	int i = am_loopdef_stage(def, am_str_c(to != NULL ? to : "resolve"));

	for (size_t k = 0; k < def->stages_n; k++) {
		if (def->stages[k].kind == AM_STAGE_WORK)
			work[work_n++] = def->stages[k].name;
	}
	if (i >= 0 && def->stages[i].kind == AM_STAGE_WORK)
		s->reopen_to = (size_t)i;
	else if (to != NULL)
		am_fault_name(b, n, "reopen_to", am_node_line(n, "reopen_to"),
		    "work stage", to, work, work_n);
	else
		s->reopen_to = def->stages_n > 1 ? def->stages_n - 2 : 0;
}

static void
check_stages(
    struct am_build *b, const struct am_loopdef *def, const struct am_node *n)
{
	const struct am_node *s = NULL;

	if (def->stages_n < 2)
		am_fault(b, n, NULL,
		    "loop \"%s\" has too few stages (%zu); write 2 to %d, "
		    "the last of kind \"confirm\"",
		    def->name, def->stages_n, AM_STAGES_MAX);
	for (size_t i = 0; i < def->stages_n; i++) {
		const struct am_stagedef *d = &def->stages[i];
		bool last = i + 1 == def->stages_n;

		s = am_node_child(n, "stage", s);
		if (last && d->kind != AM_STAGE_CONFIRM)
			am_fault(b, s, "kind",
			    "stage \"%s\" is the last but not of kind "
			    "confirm; say kind = \"confirm\", or add a stage "
			    "that is",
			    d->name);
		else if (!last && d->kind == AM_STAGE_CONFIRM)
			am_fault(b, s, "kind",
			    "stage \"%s\" of kind confirm is not the last; "
			    "only the last stage may be",
			    d->name);
	}
}

static void
read_stages(struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	const struct am_node *s = NULL;

	while ((s = am_node_child(n, "stage", s)) != NULL) {
		if (def->stages_n == AM_STAGES_MAX) {
			am_fault(b, s, NULL,
			    "loop \"%s\" has over %d stages; join some",
			    def->name, AM_STAGES_MAX);
			break;
		}
		read_stage(b, &def->stages[def->stages_n++], s);
	}
	check_stages(b, def, n);
	s = NULL;
	for (size_t i = 0; i < def->stages_n; i++) {
		s = am_node_child(n, "stage", s);
		if (def->stages[i].kind == AM_STAGE_CONFIRM)
			read_reopen_to(b, def, &def->stages[i], s);
		am_clock_build(b, def, s, AM_CLOCK_STAGE0 + i);
	}
}

static void
read_clocks(struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	static const char *const slots[] = {
		[AM_CLOCK_ACKNOWLEDGE] = "acknowledge",
		[AM_CLOCK_INFORM] = "inform",
		[AM_CLOCK_FINAL] = "final",
		[AM_CLOCK_AFTERCARE] = "aftercare",
	};

	for (size_t i = 0; i < AM_COUNT(slots); i++) {
		const struct am_node *c = am_node_find(n, "clock", slots[i]);

		def->clocks[i].name = slots[i];
		if (c != NULL)
			am_clock_build(b, def, c, i);
	}
}

/* Comments are searched without regard to the case of ASCII letters; other
 * letters are left as they are. */
static void
read_negative_words(
    struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	def->negative_words_n = am_get_list(
	    b, n, "negative_words", def->negative_words, AM_LIST_MAX);
	for (size_t i = 0; i < def->negative_words_n; i++) {
		struct am_str s =
		    am_arena_dup(b->a, am_str_c(def->negative_words[i]));
		char *p = (char *)s.p;

		for (size_t k = 0; k < s.n; k++) {
			if (p[k] >= 'A' && p[k] <= 'Z')
				p[k] = (char)(p[k] - 'A' + 'a');
		}
		def->negative_words[i] = p;
	}
}

static void
read_keys(struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	def->hold_reasons_n =
	    am_get_list(b, n, "hold_reasons", def->hold_reasons, AM_LIST_MAX);
	def->max_hold = am_get_duration(n, "max_hold");
	if (def->max_hold.n == 0)
		am_fault(b, n, "max_hold",
		    "max_hold: a hold of no length; write such as \"10bd\"");
	def->resume_grace = am_get_span(n, "resume_grace");
	def->resume_on_customer = am_get_bool(n, "resume_on_customer");
	def->contradict_window = am_get_span(n, "contradict_window");
	read_negative_words(b, def, n);
	def->repeat_window = am_get_span(n, "repeat_window");
	def->max_extensions = (int)am_get_count(n, "max_extensions");
	def->separate_confirm = am_get_bool(n, "separate_confirm");
	def->notify_withdrawal = am_get_bool(n, "notify_withdrawal");
	def->emergency_n =
	    am_get_list(b, n, "emergency", def->emergency, AM_LIST_MAX);
	def->group_wait = am_get_span(n, "group_wait");
}

static void
read_notices(
    struct am_build *b, struct am_loopdef *def, const struct am_node *n)
{
	const char *names[AM_SAYINGS_N];
	const struct am_node *k = NULL;

	for (size_t i = 0; i < AM_SAYINGS_N; i++)
		names[i] = am_saying_str(i);
	while ((k = am_node_child(n, "notice", k)) != NULL) {
		size_t i = 0;

		while (i < AM_SAYINGS_N && strcmp(names[i], k->title) != 0)
			i++;
		if (i == AM_SAYINGS_N) {
			am_fault_name(b, k, "notice", k->line, "notice",
			    k->title, names, AM_SAYINGS_N);
			continue;
		}
		def->sayings[i].message_name = am_node_value(k, "message");
		if (def->sayings[i].message_name == NULL)
			am_fault(b, k, NULL,
			    "notice \"%s\" has no message; write message = "
			    "\"…\", or leave it out for the built-in text",
			    k->title);
		else
			def->sayings[i].message = am_find_message(b, k);
	}
}

/* What the rest of the configuration gives; not in the hash. */
static void
bind(const struct am_conf *c, struct am_loopdef *def)
{
	def->retain = c->redis.retain;
	def->catchup_after = c->catchup_after;
	def->recourse_url = c->recourse_url;
	def->link = c->link;
	memcpy(def->holders, c->holders, sizeof(def->holders));
	def->find_zone = am_zones_find;
	def->zones = c->zones;
	def->person_zone = am_conf_person_zone;
	def->people = c;
}

const struct am_loopdef *
am_loop_build(struct am_build *b, const struct am_node *n)
{
	struct am_loopdef *def = am_arena_zalloc(b->a, sizeof(*def));
	size_t faults = b->d->n;

	def->name = n->title;
	def->timezone = am_node_value(n, "timezone");
	if (am_find_zone(b, n, "timezone", &def->zone) != 0)
		return NULL;
	read_tiers(b, def, n);
	read_keys(b, def, n);
	read_notices(b, def, n);
	bind(b->c, def);
	read_clocks(b, def, n);
	read_stages(b, def, n);
	am_rule_clocks_build(b, def, n);
	/* a loop that was kept has been judged when it was written */
	if (b->d->n == faults && b->own != NULL)
		am_loop_judge(b, def, n);
	if (b->d->n > faults)
		return NULL;
	am_loop_normalise(b->a, def);
	return def;
}
