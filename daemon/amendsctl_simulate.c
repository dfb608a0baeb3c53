/*
 * amendsctl_simulate - what a loop does, on a virtual clock: no Redis, no
 * daemon, nothing is sent. One complaint gives a timeline and what it came to;
 * many give the figures alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/amendsctl_local.h"

#include "base/str.h"
#include "base/time.h"
#include "sim/row.h"

#define CONF_DEFAULT "/etc/amends/amends.conf"
#define FOR_DEFAULT (60 * AM_DAY)
#define COPIES_MAX 1000000

enum { CONF, LOOP, FROM, FOR, COMPLAINTS, EVERY, DOWN, FILES, OPTS_N };

struct run {
	const struct am_term *t;
	bool json;
	struct am_opt opts[OPTS_N];
	struct am_policy policy;
	struct am_arena a;
	struct am_story story;
	am_ms from, until, every;
	size_t copies; /* 0: one, told step by step */
	struct am_sum sum;
	struct am_timeline line;
	struct am_buf row;
};

static const char *
value(const struct run *r, int opt, const char *otherwise)
{
	return r->opts[opt].n > 0 ? r->opts[opt].values[0] : otherwise;
}

/* ---- what happens ---- */

static const struct am_loopdef *
on_loop(void *arg, const struct am_event *ev)
{
	const struct run *r = arg;

	return am_policy_choose(&r->policy, ev);
}

static struct am_fate
on_fate(void *arg, const struct am_followup *f)
{
	const struct run *r = arg;

	for (size_t i = 0; i < r->opts[DOWN].n; i++) {
		if (am_str_is(f->endpoint, r->opts[DOWN].values[i]))
			return (struct am_fate){ 0, "dead", "down" };
	}
	return (struct am_fate){ 0, "delivered", "" };
}

static void
on_told(void *arg, const struct am_told *t)
{
	struct run *r = arg;
	json_t *row;

	am_sum_add(&r->sum, t);
	if (r->copies > 0 || !am_row_tells(t))
		return;
	am_buf_reset(&r->row);
	am_row_add(&r->row, t);
	if (r->json) {
		am_buf_addc(&r->row, '\n');
		fwrite(r->row.p, 1, r->row.n, stdout);
		return;
	}
	row = json_loadb(r->row.p, r->row.n, 0, NULL);
	am_print_step(&r->line, row);
	json_decref(row);
}

/* ---- what is told ---- */

static bool
opens(const struct am_story *s, struct am_str id)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->events[i].type == AM_EV_OPENED &&
		    am_str_eq(s->events[i].complaint_id, id))
			return true;
	}
	return false;
}

/* Told ahead of what else happens at that instant. */
static void
open_at_first(struct run *r, struct am_str id)
{
	struct am_story *s = &r->story;
	struct am_event opening;
	char what[300];
	int rc;

	s->last = r->from;
	rc = am_story_line(s,
	    am_str_c(
		am_arena_printf(s->a, "+0 complaint.opened %.*s", AM_ARG(id))),
	    what);
	AM_ASSERT(rc == 0);
	opening = s->events[s->n - 1];
	memmove(&s->events[1], &s->events[0], (s->n - 1) * sizeof(opening));
	s->events[0] = opening;
}

/* Who is not opened by an event is open from the start. */
static void
add_openings(struct run *r)
{
	struct am_story *s = &r->story;

	if (s->n == 0)
		open_at_first(r, AM_STR("c1"));
	for (size_t i = s->n; i-- > 0;) {
		if (opens(s, s->events[i].complaint_id))
			continue;
		open_at_first(r, s->events[i].complaint_id);
		i++; /* the list has moved by one */
	}
}

static int
read_story(struct run *r, const char **words, size_t words_n)
{
	char what[300];
	int rc = 0;

	r->story.one = AM_STR("c1");
	r->story.by_hand = true;
	for (size_t i = 0; rc == 0 && i < r->opts[FILES].n; i++)
		rc = am_story_file(&r->story, r->opts[FILES].values[i]);
	r->story.last = r->story.from;
	for (size_t i = 0; rc == 0 && i < words_n; i++) {
		if (am_story_line(&r->story, am_str_c(words[i]), what) == 0)
			continue;
		fprintf(stderr, "amendsctl: '%s': %s\n", words[i], what);
		rc = AM_EXIT_USAGE;
	}
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < r->story.n; i++) {
		if (r->story.events[i].at < r->from)
			r->from = r->story.events[i].at;
	}
	add_openings(r);
	am_story_sort(&r->story);
	return 0;
}

/* ---- many copies ---- */

struct copy {
	am_ms at;
	uint32_t copy, event;
};

static int
by_time(const void *x, const void *y)
{
	const struct copy *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->copy != b->copy)
		return a->copy < b->copy ? -1 : 1;
	return a->event < b->event ? -1 : a->event > b->event;
}

/* "c1-17"; long ids are cut so that the number fits. */
static struct am_str
numbered(char out[AM_ID_MAX + 1], struct am_str id, uint32_t n)
{
	int len = snprintf(out, AM_ID_MAX + 1, "%.*s-%" PRIu32,
	    id.n > 50 ? 50 : (int)id.n, id.p, n);

	return (struct am_str){ out, (size_t)len };
}

static void
tell_copies(struct run *r, struct am_world *w)
{
	const struct am_story *s = &r->story;
	size_t n = r->copies * s->n, at = 0;
	struct copy *order = malloc((n + 1) * sizeof(*order));

	AM_ASSERT(order != NULL);
	for (uint32_t k = 0; k < r->copies; k++) {
		for (uint32_t i = 0; i < s->n; i++)
			order[at++] = (struct copy){
				s->events[i].at + (am_ms)k * r->every, k, i
			};
	}
	qsort(order, n, sizeof(*order), by_time);
	for (size_t i = 0; i < n && order[i].at <= r->until; i++) {
		struct am_event ev = s->events[order[i].event];
		char id[AM_ID_MAX + 1];

		ev.at = order[i].at;
		ev.complaint_id =
		    numbered(id, ev.complaint_id, order[i].copy + 1);
		am_world_tell(w, &ev);
	}
	free(order);
}

static void
run_world(struct run *r)
{
	const struct am_world_opts opts = { .loop = on_loop,
		.told = on_told,
		.fate = r->opts[DOWN].n > 0 ? on_fate : NULL,
		.arg = r };
	struct am_world *w = am_world_new(&opts, r->from);

	if (r->copies > 0)
		tell_copies(r, w);
	for (size_t i = 0; r->copies == 0 && i < r->story.n; i++) {
		if (r->story.events[i].at <= r->until)
			am_world_tell(w, &r->story.events[i]);
	}
	am_world_run(w, r->until);
	if (am_world_broken(w) > 0)
		fprintf(stderr,
		    "amendsctl: %zu complaints came to a state that breaks "
		    "their loop's rules; this is a fault of amends\n",
		    am_world_broken(w));
	am_world_free(w);
}

/* ---- what it came to ---- */

static void
print_head(const struct run *r)
{
	char from[32], until[32];

	am_text_day(from, r->from);
	am_text_day(until, r->until);
	printf("%sloop %s of %s, %s%s\nfrom %s to %s; every follow-up is "
	       "delivered at once",
	    am_hue_on(r->t, AM_HUE_BOLD), r->policy.loop->name,
	    r->policy.conf->path,
	    r->policy.loop->timezone != NULL ? r->policy.loop->timezone : "UTC",
	    am_hue_off(r->t, AM_HUE_BOLD), from, until);
	for (size_t i = 0; i < r->opts[DOWN].n; i++)
		printf("%s%s", i == 0 ? ", but dead at " : ", ",
		    r->opts[DOWN].values[i]);
	printf("\n\n");
}

static void
cell_n(struct am_table *tb, enum am_hue hue, uint64_t n)
{
	if (n > 0)
		am_table_cellf(tb, hue, "%" PRIu64, n);
	else
		am_table_cell(tb, AM_HUE_NONE, AM_STR("-"));
}

static void
cell_took(struct am_table *tb, struct am_sum_clock *k, int pct)
{
	char text[32] = "";

	if (k->took_n > 0)
		am_text_span(text, am_sum_took(k, pct), false);
	am_table_cell(tb, AM_HUE_NONE, am_str_c(text));
}

static void
print_clocks(struct run *r)
{
	static const struct am_column columns[] = {
		{ "CLOCK", 0, 0, false },
		{ "STARTED", 0, 0, true },
		{ "MET", 0, 0, true },
		{ "MISSED", 0, 0, true },
		{ "WARNED", 0, 2, true },
		{ "ESCALATED", 0, 1, true },
		{ "HALF TOOK", 0, 3, true },
		{ "90 % TOOK", 0, 4, true },
	};
	struct am_table tb;

	am_table_init(&tb, r->t, columns, AM_COUNT(columns));
	for (size_t i = 0; i < r->sum.clocks_n; i++) {
		struct am_sum_clock *k = r->sum.clocks[i];

		if (k->started == 0)
			continue;
		am_table_cell(&tb, AM_HUE_NONE, am_str_c(k->name));
		cell_n(&tb, AM_HUE_NONE, k->started);
		cell_n(&tb, AM_HUE_GREEN, k->met);
		cell_n(&tb, AM_HUE_RED, k->missed);
		cell_n(&tb, AM_HUE_NONE, k->warned);
		cell_n(&tb, AM_HUE_YELLOW, k->raised);
		cell_took(&tb, k, 50);
		cell_took(&tb, k, 90);
	}
	putchar('\n');
	am_table_print(&tb, 0);
}

static void
print_ways(struct run *r)
{
	static const struct am_column columns[] = {
		{ "MESSAGES TO", 0, 0, false },
		{ "BY", 0, 0, false },
		{ "SENT", 0, 0, true },
		{ "DEAD", 0, 0, true },
		{ "IN DIGESTS", 0, 1, true },
	};
	struct am_table tb;

	am_table_init(&tb, r->t, columns, AM_COUNT(columns));
	for (size_t i = 0; i < r->sum.ways_n; i++) {
		const struct am_sum_way *w = &r->sum.ways[i];

		am_table_cell(&tb, AM_HUE_NONE, am_str_c(am_role_str(w->to)));
		am_table_cell(&tb, AM_HUE_NONE,
		    w->endpoint[0] != '\0' ? am_str_c(w->endpoint)
					   : AM_STR("no way"));
		cell_n(&tb, AM_HUE_NONE, w->sent);
		cell_n(&tb, AM_HUE_RED, w->dead);
		if (w->grouped > 0)
			cell_n(&tb, AM_HUE_NONE, w->grouped);
		else
			am_table_cell(&tb, AM_HUE_NONE, AM_STR(""));
	}
	if (r->sum.ways_n > 0)
		putchar('\n');
	am_table_print(&tb, 0);
}

static void
print_sum(struct run *r)
{
	struct am_sum *s = &r->sum;

	printf("%zu complaint%s", am_sum_opened(s),
	    am_sum_opened(s) == 1 ? "" : "s");
	if (am_sum_open(s) > 0)
		printf(", %zu open", am_sum_open(s));
	for (int o = AM_OUTCOME_NONE + 1; o < AM_OUTCOMES_N; o++) {
		size_t n = am_sum_closed(s, (enum am_outcome)o);

		if (n > 0)
			printf(", %zu closed %s", n,
			    am_outcome_str((enum am_outcome)o));
	}
	if (s->reopened > 0)
		printf(", reopened %" PRIu64 " times", s->reopened);
	if (s->refused > 0)
		printf(", %" PRIu64 " event%s refused", s->refused,
		    s->refused == 1 ? "" : "s");
	putchar('\n');
	print_clocks(r);
	print_ways(r);
}

static void
print_end(struct run *r)
{
	if (r->json) {
		am_buf_reset(&r->row);
		am_buf_adds(&r->row, "{\"summary\":");
		am_sum_json(&r->sum, &r->row);
		am_buf_adds(&r->row, "}\n");
		fwrite(r->row.p, 1, r->row.n, stdout);
		return;
	}
	if (r->copies == 0)
		putchar('\n');
	print_sum(r);
}

/* ---- the command ---- */

static int
read_options(struct run *r)
{
	const char *copies = value(r, COMPLAINTS, NULL);
	am_ms span = FOR_DEFAULT;
	uint64_t n = 0;
	int rc = 0;

	r->every = AM_MINUTE;
	if (copies != NULL && (am_str_u64(am_str_c(copies), &n) != 0 || n < 1 ||
				  n > COPIES_MAX)) {
		fprintf(stderr,
		    "amendsctl: --complaints %s is no number; give 1 to %d\n",
		    copies, COPIES_MAX);
		return AM_EXIT_USAGE;
	}
	r->copies = n;
	if (r->opts[EVERY].n > 0)
		rc = am_span_read("every", value(r, EVERY, ""), &r->every);
	if (rc == 0 && r->opts[FOR].n > 0)
		rc = am_span_read("for", value(r, FOR, ""), &span);
	r->until = span;
	for (size_t i = 0; rc == 0 && i < r->opts[DOWN].n; i++) {
		const char *name = r->opts[DOWN].values[i];

		if (am_conf_endpoint(r->policy.conf, am_str_c(name)) != NULL)
			continue;
		fprintf(stderr, "amendsctl: %s has no endpoint '%s'\n",
		    r->policy.conf->path, name);
		rc = AM_EXIT_USAGE;
	}
	return rc;
}

static int
prepare(struct run *r, const char **words, size_t words_n)
{
	int rc = am_policy_load(&r->policy, value(r, CONF, CONF_DEFAULT),
	    value(r, LOOP, NULL), r->t->now);

	if (rc == 0)
		rc = read_options(r);
	if (rc != 0)
		return rc;
	am_use_zone(r->policy.loop);
	r->from = r->t->now - r->t->now % AM_MINUTE;
	am_story_init(&r->story, &r->a, r->policy.loop->zone, r->from);
	if (r->opts[FROM].n > 0)
		rc = am_from_read(&r->story, value(r, FROM, ""));
	r->from = r->story.from;
	if (rc == 0)
		rc = read_story(r, words, words_n);
	if (rc == 0)
		rc = am_policy_cover(&r->policy, r->from);
	r->until += r->from;
	return rc;
}

int
am_simulate(const struct am_term *t, bool json, int argc, char **argv)
{
	struct run r = { .t = t,
		.json = json,
		.opts = { [CONF] = { "conf", 'c', 1, { NULL }, 0 },
		    [LOOP] = { "loop", 0, 1, { NULL }, 0 },
		    [FROM] = { "from", 0, 1, { NULL }, 0 },
		    [FOR] = { "for", 0, 1, { NULL }, 0 },
		    [COMPLAINTS] = { "complaints", 0, 1, { NULL }, 0 },
		    [EVERY] = { "every", 0, 1, { NULL }, 0 },
		    [DOWN] = { "down", 0, AM_OPT_VALUES, { NULL }, 0 },
		    [FILES] = { "file", 0, AM_OPT_VALUES, { NULL }, 0 } },
		.line = { .term = t } };
	const char **words = calloc((size_t)argc, sizeof(*words));
	size_t words_n = 0;
	int rc;

	AM_ASSERT(words != NULL);
	am_arena_init(&r.a, 0);
	am_sum_init(&r.sum);
	am_buf_init(&r.row);
	rc = am_opts_read(r.opts, OPTS_N, argc, argv, words, &words_n);
	if (rc == 0)
		rc = prepare(&r, words, words_n);
	for (size_t i = 0; rc == 0 && i < r.story.n; i++) {
		struct am_str id = r.story.events[i].complaint_id;

		if (id.n > r.line.id_cols)
			r.line.id_cols = id.n;
	}
	if (rc == 0 && !json)
		print_head(&r);
	if (rc == 0)
		run_world(&r);
	if (rc == 0)
		print_end(&r);
	am_buf_fini(&r.row);
	am_sum_fini(&r.sum);
	am_story_fini(&r.story);
	am_arena_fini(&r.a);
	am_policy_fini(&r.policy);
	free(words);
	return rc;
}
