/*
 * amendsctl_backtest - one history under two policies, side by side.
 *
 * The same events are told to two worlds. A history does not answer back: what
 * people did stays what they did, at the times they did it, whatever the
 * policy under test would have told them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/amendsctl_local.h"

#include "base/str.h"
#include "base/time.h"

#define CASES_SHOWN 20

enum { CONF, LOOP, FROM, FOR, OPTS_N };

/* One policy and what came of the history under it. */
struct side {
	struct am_policy policy;
	struct am_sum sum;
};

struct run {
	const struct am_term *t;
	bool json;
	struct am_opt opts[OPTS_N];
	struct side sides[2]; /* A, B */
	struct am_arena a;
	struct am_story story;
	am_ms until;
};

static const struct am_loopdef *
on_loop(void *arg, const struct am_event *ev)
{
	const struct side *s = arg;

	return am_policy_choose(&s->policy, ev);
}

static void
on_told(void *arg, const struct am_told *t)
{
	struct side *s = arg;

	am_sum_add(&s->sum, t);
}

static void
run_side(const struct run *r, struct side *s)
{
	const struct am_world_opts opts = {
		.loop = on_loop, .told = on_told, .arg = s
	};
	struct am_world *w = am_world_new(&opts, r->story.events[0].at);
	struct am_progress p = { .what = s == &r->sides[0]
					     ? "policy A: event"
					     : "policy B: event" };

	for (size_t i = 0; i < r->story.n; i++) {
		am_progress(&p, i, r->story.n);
		am_world_tell(w, &r->story.events[i]);
	}
	am_progress(&p, r->story.n, r->story.n);
	am_world_run(w, r->until);
	am_world_free(w);
}

/* ---- side by side ---- */

struct compare {
	struct am_table tb;
	bool took; /* figures are spans */
};

static void
cell_figure(struct compare *c, uint64_t n)
{
	char text[32];

	if (c->took)
		am_text_span(text, (am_ms)n, false);
	else
		snprintf(text, sizeof(text), "%" PRIu64, n);
	am_table_cell(&c->tb, AM_HUE_NONE, am_str_c(text));
}

/* One line: a figure under A, under B, and how B differs. */
static void
line(struct compare *c, const char *what, const char *which, uint64_t a,
    uint64_t b)
{
	enum am_hue hue = a == b ? AM_HUE_DIM : AM_HUE_BOLD;
	char gap[32];

	if (a == 0 && b == 0)
		return;
	am_table_cell(&c->tb, AM_HUE_NONE, am_str_c(what));
	am_table_cell(&c->tb, AM_HUE_NONE, am_str_c(which));
	cell_figure(c, a);
	cell_figure(c, b);
	if (c->took)
		am_text_span(gap, (am_ms)b - (am_ms)a, false);
	else
		snprintf(gap, sizeof(gap), "%+" PRId64, (int64_t)(b - a));
	am_table_cell(&c->tb, hue, a == b ? AM_STR("=") : am_str_c(gap));
}

/* Names of the clocks of both sides, A's first. */
static size_t
clock_names(const struct run *r, const char *names[2 * AM_SUM_CLOCKS_MAX])
{
	size_t n = 0;

	for (size_t s = 0; s < 2; s++) {
		const struct am_sum *sum = &r->sides[s].sum;

		for (size_t i = 0; i < sum->clocks_n; i++) {
			const char *name = sum->clocks[i]->name;

			if (s == 1 &&
			    am_sum_clock(&r->sides[0].sum, name) != NULL)
				continue;
			names[n++] = name;
		}
	}
	return n;
}

static const struct am_sum_clock none;

static void
lines_clocks(struct compare *c, const struct run *r)
{
	const char *names[2 * AM_SUM_CLOCKS_MAX];
	size_t n = clock_names(r, names);

	for (int pass = 0; pass < 4; pass++) {
		for (size_t i = 0; i < n; i++) {
			struct am_sum_clock *a =
			    am_sum_clock(&r->sides[0].sum, names[i]);
			struct am_sum_clock *b =
			    am_sum_clock(&r->sides[1].sum, names[i]);
			struct am_sum_clock no = none;

			a = a != NULL ? a : &no;
			b = b != NULL ? b : &no;
			c->took = pass > 1;
			if (pass == 0)
				line(c, "missed", names[i], a->missed,
				    b->missed);
			else if (pass == 1)
				line(c, "escalated", names[i], a->raised,
				    b->raised);
			else
				line(c, pass == 2 ? "half took" : "90 % took",
				    names[i],
				    (uint64_t)am_sum_took(
					a, pass == 2 ? 50 : 90),
				    (uint64_t)am_sum_took(
					b, pass == 2 ? 50 : 90));
		}
	}
	c->took = false;
}

static uint64_t
sent_by(const struct am_sum *s, enum am_role to, const char *endpoint)
{
	for (size_t i = 0; i < s->ways_n; i++) {
		if (s->ways[i].to == to &&
		    strcmp(s->ways[i].endpoint, endpoint) == 0)
			return s->ways[i].sent;
	}
	return 0;
}

static void
lines_ways(struct compare *c, struct run *r)
{
	const struct am_sum *a = &r->sides[0].sum, *b = &r->sides[1].sum;

	for (size_t s = 0; s < 2; s++) {
		const struct am_sum *sum = s == 0 ? a : b;

		for (size_t i = 0; i < sum->ways_n; i++) {
			const struct am_sum_way *w = &sum->ways[i];
			const char *label = am_arena_printf(
			    &r->a, "%s, %s", am_role_str(w->to), w->endpoint);

			if (s == 1 && sent_by(a, w->to, w->endpoint) > 0)
				continue;
			line(c, "messages", label,
			    sent_by(a, w->to, w->endpoint),
			    sent_by(b, w->to, w->endpoint));
		}
	}
}

static void
lines_ends(struct compare *c, const struct run *r)
{
	const struct am_sum *a = &r->sides[0].sum, *b = &r->sides[1].sum;

	line(c, "complaints", "", am_sum_opened(a), am_sum_opened(b));
	line(c, "open", "", am_sum_open(a), am_sum_open(b));
	for (int o = AM_OUTCOME_NONE + 1; o < AM_OUTCOMES_N; o++)
		line(c, "closed", am_outcome_str((enum am_outcome)o),
		    am_sum_closed(a, (enum am_outcome)o),
		    am_sum_closed(b, (enum am_outcome)o));
	line(c, "reopened", "", a->reopened, b->reopened);
	line(c, "events", "refused", a->refused, b->refused);
	line(c, "events", "ignored", a->ignored, b->ignored);
}

static void
print_figures(struct run *r)
{
	static const struct am_column columns[] = {
		{ "", 0, 0, false },
		{ "", 0, 0, false },
		{ "A", 0, 0, true },
		{ "B", 0, 0, true },
		{ "B - A", 0, 0, true },
	};
	struct compare c = { .took = false };

	am_table_init(&c.tb, r->t, columns, AM_COUNT(columns));
	lines_ends(&c, r);
	lines_clocks(&c, r);
	lines_ways(&c, r);
	am_table_print(&c.tb, 0);
}

static void
print_refusals(const struct run *r)
{
	for (size_t s = 0; s < 2; s++) {
		const struct am_sum *sum = &r->sides[s].sum;

		for (size_t i = 0; i < sum->refusals_n; i++) {
			const struct am_sum_refusal *x = &sum->refusals[i];

			printf("%s%c refused %s, %" PRIu64
			       " of them: %s%s%s%s\n",
			    am_hue_on(r->t, AM_HUE_YELLOW), "AB"[s], x -> event,
			    x -> n, x -> code,
			    x -> field[0] != '\0' ? ", " : "", x->field,
			    am_hue_off(r->t, AM_HUE_YELLOW));
		}
	}
}

/* ---- complaint by complaint ---- */

static bool
differ(const struct am_sum_case *a, const struct am_sum_case *b)
{
	return a->status != b->status || a->outcome != b->outcome ||
	       a->missed != b->missed || a->raised != b->raised ||
	       a->sent != b->sent || a->dead != b->dead ||
	       a->reopened != b->reopened || a->refused != b->refused;
}

static void
add_case(struct am_buf *b, const struct am_sum_case *c)
{
	if (c->status == AM_NONE)
		am_buf_adds(b, "not opened");
	else
		am_buf_addf(b, "%s%s%s, %u missed, %u escalated, %u sent",
		    am_status_str(c->status),
		    c->outcome != AM_OUTCOME_NONE ? " " : "",
		    am_outcome_str(c->outcome), c->missed, c->raised, c->sent);
	if (c->reopened > 0)
		am_buf_addf(b, ", %u reopened", c->reopened);
	if (c->refused > 0)
		am_buf_addf(b, ", %u refused", c->refused);
}

static void
json_case(struct am_buf *b, const char *key, const struct am_sum_case *c)
{
	am_buf_addkey(b, key);
	am_buf_addc(b, '{');
	am_buf_addkv(b, "status", am_str_c(am_status_str(c->status)));
	am_buf_addkv(b, "outcome", am_str_c(am_outcome_str(c->outcome)));
	am_buf_addki(b, "missed", c->missed);
	am_buf_addki(b, "escalated", c->raised);
	am_buf_addki(b, "sent", c->sent);
	am_buf_addki(b, "dead", c->dead);
	am_buf_addki(b, "reopened", c->reopened);
	am_buf_addki(b, "refused", c->refused);
	am_buf_addc(b, '}');
}

static void
print_json_case(
    struct run *r, const struct am_sum_case *a, const struct am_sum_case *b)
{
	struct am_buf row;

	am_buf_arena(&row, &r->a, 512);
	am_buf_addc(&row, '{');
	am_buf_addkv(&row, "complaint", am_str_c(a->id));
	json_case(&row, "a", a);
	json_case(&row, "b", b);
	am_buf_adds(&row, "}\n");
	fwrite(row.p, 1, row.n, stdout);
}

static void
table_case(struct am_table *tb, const struct am_sum_case *a,
    const struct am_sum_case *b)
{
	struct am_buf text;

	am_buf_init(&text);
	am_table_cell(tb, AM_HUE_NONE, am_str_c(a->id));
	add_case(&text, a);
	am_table_cell(tb, AM_HUE_NONE, am_buf_str(&text));
	am_buf_reset(&text);
	add_case(&text, b);
	am_table_cell(tb, AM_HUE_NONE, am_buf_str(&text));
	am_buf_fini(&text);
}

/* Complaints that one side alone has seen (a repeat that it made) count, too.
 */
static size_t
walk_cases(struct run *r, struct am_table *tb)
{
	size_t n = 0;

	for (size_t s = 0; s < 2; s++) {
		const struct am_sum *mine = &r->sides[s].sum;
		const struct am_sum *other = &r->sides[1 - s].sum;

		for (const struct am_sum_case *c = mine->cases; c != NULL;
		     c = c->hh.next) {
			const struct am_sum_case *o = am_sum_case(other, c->id);
			struct am_sum_case nobody = *c;

			if (o != NULL && (s == 1 || !differ(c, o)))
				continue;
			if (o == NULL) {
				memset(&nobody, 0, sizeof(nobody));
				o = &nobody;
			}
			if (r->json)
				print_json_case(
				    r, s == 0 ? c : o, s == 0 ? o : c);
			else if (n < CASES_SHOWN)
				table_case(tb, s == 0 ? c : o, s == 0 ? o : c);
			n++;
		}
	}
	return n;
}

static void
print_cases(struct run *r)
{
	static const struct am_column columns[] = {
		{ "COMPLAINT", 0, 0, false },
		{ "UNDER A", 20, 0, false },
		{ "UNDER B", 20, 0, false },
	};
	struct am_table tb;
	size_t n;

	am_table_init(&tb, r->t, columns, AM_COUNT(columns));
	n = walk_cases(r, &tb);
	if (n > 0)
		putchar('\n');
	am_table_print(&tb, 0);
	if (n > CASES_SHOWN)
		printf(
		    "… and %zu more; --json lists them all\n", n - CASES_SHOWN);
	printf("\n%zu of %zu complaints differ\n", n,
	    am_sum_opened(&r->sides[0].sum));
}

static void
print_text(struct run *r)
{
	char from[32], until[32];

	am_text_day(from, r->story.events[0].at);
	am_text_day(until, r->until);
	printf("%sA  loop %s of %s\nB  loop %s of %s%s\n%zu events from %s to "
	       "%s; every follow-up is delivered at once\n\n",
	    am_hue_on(r->t, AM_HUE_BOLD), r->sides[0].policy.loop->name,
	    r->sides[0].policy.conf->path, r->sides[1].policy.loop->name,
	    r->sides[1].policy.conf->path, am_hue_off(r->t, AM_HUE_BOLD),
	    r->story.n, from, until);
	print_figures(r);
	print_refusals(r);
	print_cases(r);
}

static void
print_json(struct run *r)
{
	struct am_buf b;

	am_buf_arena(&b, &r->a, 4096);
	am_buf_adds(&b, "{\"a\":");
	am_sum_json(&r->sides[0].sum, &b);
	am_buf_adds(&b, ",\"b\":");
	am_sum_json(&r->sides[1].sum, &b);
	am_buf_adds(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
	(void)walk_cases(r, NULL);
}

/* ---- the command ---- */

static int
load_policies(struct run *r)
{
	const char *loop = r->opts[LOOP].n > 0 ? r->opts[LOOP].values[0] : NULL;
	int rc = 0;

	for (size_t s = 0; rc == 0 && s < 2; s++)
		rc = am_policy_load(&r->sides[s].policy,
		    r->opts[CONF].values[s], loop, r->t->now);
	return rc;
}

static int
read_history(struct run *r, const char **words, size_t words_n)
{
	int rc = 0;

	am_use_zone(r->sides[0].policy.loop);
	am_story_init(
	    &r->story, &r->a, r->sides[0].policy.loop->zone, r->t->now);
	if (r->opts[FROM].n > 0)
		rc = am_from_read(&r->story, r->opts[FROM].values[0]);
	for (size_t i = 0; rc == 0 && i < words_n; i++)
		rc = am_story_file(&r->story, words[i]);
	if (rc == 0 && r->story.n == 0) {
		fprintf(stderr, "amendsctl: the history has no event\n");
		rc = AM_EXIT_USAGE;
	}
	am_story_sort(&r->story);
	return rc;
}

static int
prepare(struct run *r, const char **words, size_t words_n)
{
	am_ms span = 0;
	int rc = 0;

	if (r->opts[CONF].n != 2 || words_n == 0) {
		fprintf(stderr,
		    "amendsctl: backtest needs a history and two policies; "
		    "usage: %s\n",
		    am_local_find(AM_STR("backtest"))->usage);
		return AM_EXIT_USAGE;
	}
	if (r->opts[FOR].n > 0)
		rc = am_span_read("for", r->opts[FOR].values[0], &span);
	if (rc == 0)
		rc = load_policies(r);
	if (rc == 0)
		rc = read_history(r, words, words_n);
	if (rc != 0)
		return rc;
	r->until = r->story.events[r->story.n - 1].at + span;
	for (size_t s = 0; rc == 0 && s < 2; s++)
		rc =
		    am_policy_cover(&r->sides[s].policy, r->story.events[0].at);
	return rc;
}

int
am_backtest(const struct am_term *t, bool json, int argc, char **argv)
{
	struct run r = { .t = t,
		.json = json,
		.opts = { [CONF] = { "conf", 'c', 2, { NULL }, 0 },
		    [LOOP] = { "loop", 0, 1, { NULL }, 0 },
		    [FROM] = { "from", 0, 1, { NULL }, 0 },
		    [FOR] = { "for", 0, 1, { NULL }, 0 } } };
	const char **words = calloc((size_t)argc, sizeof(*words));
	size_t words_n = 0;
	int rc;

	AM_ASSERT(words != NULL);
	am_arena_init(&r.a, 0);
	for (size_t s = 0; s < 2; s++)
		am_sum_init(&r.sides[s].sum);
	rc = am_opts_read(r.opts, OPTS_N, argc, argv, words, &words_n);
	if (rc == 0)
		rc = prepare(&r, words, words_n);
	if (rc == 0) {
		run_side(&r, &r.sides[0]);
		run_side(&r, &r.sides[1]);
		if (json)
			print_json(&r);
		else
			print_text(&r);
	}
	for (size_t s = 0; s < 2; s++) {
		am_sum_fini(&r.sides[s].sum);
		am_policy_fini(&r.sides[s].policy);
	}
	am_story_fini(&r.story);
	am_arena_fini(&r.a);
	free(words);
	return rc;
}
