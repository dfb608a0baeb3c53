/*
 * sim_test - a world on a virtual clock, the stories told to it, and what it
 * came to in figures.
 */

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "sim/row.h"
#include "sim/story.h"
#include "sim/sum.h"
#include "tests/unit/fixture.h"

struct run {
	struct fix f; /* its conf and loop */
	struct am_arena a;
	struct am_story story;
	struct am_world *w;
	struct am_sum sum;
	struct am_buf said; /* rows that tell, one a line */
	bool quiet;	    /* no rows */
	const char *down;   /* endpoint that is */
	am_ms after;	    /* every follow-up takes so long */
};

static const struct am_loopdef *
on_loop(void *arg, const struct am_event *ev)
{
	const struct run *r = arg;
	struct am_str name = am_event_get(ev, "loop");

	return name.n > 0 ? am_conf_loop(r->f.conf, name) : r->f.def;
}

static void
on_told(void *arg, const struct am_told *t)
{
	struct run *r = arg;

	am_sum_add(&r->sum, t);
	if (r->quiet || !am_row_tells(t))
		return;
	am_row_add(&r->said, t);
	am_buf_addc(&r->said, '\n');
}

static struct am_fate
on_fate(void *arg, const struct am_followup *f)
{
	const struct run *r = arg;
	bool down = r->down != NULL && am_str_is(f->endpoint, r->down);

	return (struct am_fate){ r->after, down ? "dead" : "delivered",
		down ? "exhausted" : "" };
}

static void
begin(struct run *r)
{
	const struct am_world_opts opts = { on_loop, on_told, on_fate, r };

	r->w = am_world_new(&opts, FIX_START);
	am_sum_init(&r->sum);
	am_buf_init(&r->said);
	am_arena_init(&r->a, 0);
	am_story_init(&r->story, &r->a, r->f.def->zone, FIX_START);
}

static void
end(struct run *r)
{
	assert_int_equal(am_world_broken(r->w), 0);
	am_world_free(r->w);
	am_sum_fini(&r->sum);
	am_buf_fini(&r->said);
	am_story_fini(&r->story);
	am_arena_fini(&r->a);
}

static int
setup(void **state)
{
	static struct run r;

	memset(&r, 0, sizeof(r));
	fix_init(&r.f, NULL);
	begin(&r);
	*state = &r;
	return 0;
}

static int
teardown(void **state)
{
	struct run *r = *state;

	end(r);
	fix_fini(&r->f);
	return 0;
}

static void
line(struct run *r, const char *text)
{
	char what[300] = "";

	if (am_story_line(&r->story, am_str_c(text), what) != 0)
		fail_msg("%s: %s", text, what);
}

/* Tell the story, then run on. */
static void
tell(struct run *r, am_ms until)
{
	am_story_sort(&r->story);
	for (size_t i = 0; i < r->story.n; i++)
		am_world_tell(r->w, &r->story.events[i]);
	am_world_run(r->w, until);
	am_buf_addc(&r->said, '\0');
}

static bool
said(const struct run *r, const char *part)
{
	return strstr(r->said.p, part) != NULL;
}

static int
count(const struct run *r, const char *part)
{
	int n = 0;

	for (const char *p = r->said.p; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

/* ---- the world ---- */

/* OP5: a loop of 30 days in less than two seconds, by the real step. */
static void
test_world_thirty_days_of_a_thousand_complaints_then_under_two_seconds(
    void **state)
{
	struct run *r = *state;
	struct timespec a, b;
	double took;

	r->quiet = true;
	for (int i = 0; i < 1000; i++) {
		char text[80];

		snprintf(text, sizeof(text), "+1m complaint.opened c%d", i);
		line(r, text);
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	tell(r, FIX_START + 30 * AM_DAY);
	clock_gettime(CLOCK_MONOTONIC, &b);
	took = (double)(b.tv_sec - a.tv_sec) +
	       (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	print_message("30 days of 1000 complaints in %.3f s\n", took);
	assert_true(took < 2);
	assert_int_equal(am_sum_open(&r->sum), 1000);
	assert_int_equal(am_sum_clock(&r->sum, "listen")->missed, 1000);
	assert_int_equal(am_sum_raised(&r->sum), 2000);
	assert_int_equal(am_world_now(r->w), FIX_START + 30 * AM_DAY);
}

static void
test_world_nothing_happens_then_the_ladder_is_climbed(void **state)
{
	struct run *r = *state;

	line(r, "+0 complaint.opened c1 category=card owner=li");
	tell(r, FIX_START + AM_DAY);
	assert_true(said(r, "\"at\":\"2026-11-23T01:15:00.000Z\",\"complaint\":"
			    "\"c1\",\"event\":\"wake\""));
	assert_true(said(r, "\"n\":\"deadline.missed\",\"clock\":\"listen\""));
	assert_int_equal(count(r, "\"n\":\"escalation.raised\""), 2);
	assert_false(said(r, "followup.delivered"));
	assert_int_equal(count(r, "\"n\":\"followup.suppressed\""), 0);
	assert_true(am_world_next(r->w) > FIX_START + AM_DAY);
}

/* Events first: what is done at the very instant of its due is in time. */
static void
test_world_event_at_the_instant_of_a_due_then_it_comes_first(void **state)
{
	struct run *r = *state;

	line(r, "+0 complaint.opened c1");
	line(r, "+30m stage.completed c1 stage=listen");
	tell(r, FIX_START + 31 * AM_MINUTE);
	assert_int_equal(am_sum_clock(&r->sum, "listen")->missed, 0);
	assert_int_equal(am_sum_clock(&r->sum, "listen")->met, 1);
	assert_int_equal(
	    am_sum_took(am_sum_clock(&r->sum, "listen"), 50), 30 * AM_MINUTE);
}

static void
test_world_late_event_then_applied_now_with_its_own_time(void **state)
{
	struct run *r = *state;
	struct am_event late;

	line(r, "+0 complaint.opened c1");
	line(r, "+10m stage.completed c1 stage=listen");
	late = r->story.events[1];
	am_world_tell(r->w, &r->story.events[0]);
	am_world_run(r->w, FIX_START + AM_HOUR);
	am_world_tell(r->w, &late);
	assert_int_equal(am_world_now(r->w), FIX_START + AM_HOUR);
	assert_int_equal(
	    am_sum_took(am_sum_clock(&r->sum, "listen"), 50), 10 * AM_MINUTE);
}

static void
test_world_endpoint_is_down_then_the_next_one_gets_it(void **state)
{
	struct run *r = *state;

	r->down = "desk";
	line(r, "+0 complaint.opened c1 owner=li");
	tell(r, FIX_START + 50 * AM_MINUTE);
	assert_true(
	    said(r, "\"endpoint\":\"desk\",\"clock\":\"listen\",\"rung\":"
		    "\"escalate\""));
	assert_true(
	    said(r, "\"endpoint\":\"crm\",\"clock\":\"listen\",\"rung\":"
		    "\"escalate\""));
	assert_true(said(r, "\"n\":\"followup.dead\""));
}

/* What waits when its stage is done never goes out. */
static void
test_world_sending_takes_long_then_what_is_over_is_dropped(void **state)
{
	struct run *r = *state;

	r->after = 20 * AM_MINUTE;
	line(r, "+0 complaint.opened c1 owner=li");
	line(r, "+20m stage.completed c1 stage=listen");
	tell(r, FIX_START + AM_HOUR);
	assert_int_equal(r->sum.suppressed, 1);
	assert_int_equal(am_sum_sent(&r->sum), 1); /* of acknowledge */
}

/* An event that a step causes for another complaint is told as well. */
static void
test_world_answer_after_a_withdrawal_then_a_repeat_is_opened(void **state)
{
	struct run *r = *state;
	const struct am_sum_case *c;

	line(r, "+0 complaint.opened c1 category=card owner=li");
	line(r, "+1h complaint.withdrawn c1");
	line(r, "+1h customer.answered c1 verdict=unsatisfied score=1");
	tell(r, FIX_START + 3 * AM_HOUR);
	assert_int_equal(am_sum_opened(&r->sum), 2);
	assert_int_equal(am_sum_closed(&r->sum, AM_OUTCOME_WITHDRAWN), 1);
	c = am_sum_case(&r->sum, "c1");
	assert_int_equal(c->status, AM_CLOSED);
	c = c->hh.next;
	assert_int_equal(c->status, AM_OPEN);
	assert_true(said(r, "\"repeat_of\":\"c1\""));
}

static void
test_world_opening_of_a_loop_that_is_not_there_then_refused(void **state)
{
	struct run *r = *state;

	line(r, "+0 complaint.opened c1 loop=vip");
	line(r, "+1m stage.completed c2 stage=listen");
	tell(r, FIX_START + AM_HOUR);
	assert_int_equal(am_sum_opened(&r->sum), 0);
	assert_int_equal(r->sum.refused, 2);
	assert_true(said(r, "\"code\":\"unknown_loop\""));
	assert_true(said(r, "\"code\":\"unknown_complaint\""));
	assert_int_equal(r->sum.refusals_n, 2);
	assert_string_equal(r->sum.refusals[0].code, "unknown_loop");
}

static void
test_world_retention_is_over_then_the_complaint_leaves(void **state)
{
	struct run *r = *state;

	line(r, "+0 complaint.opened c1");
	line(r, "+1h complaint.withdrawn c1");
	tell(r, FIX_START + 365 * AM_DAY);
	assert_true(said(r, "\"forget\":true"));
	assert_int_equal(am_world_next(r->w), AM_NEVER);
	assert_int_equal(am_sum_closed(&r->sum, AM_OUTCOME_WITHDRAWN), 1);
}

/* Every row is one JSON object, and the same story gives the same rows. */
static void
test_world_same_story_twice_then_the_same_rows(void **state)
{
	static const char *const story[] = {
		"+0 complaint.opened c1 category=card owner=li",
		"+0 complaint.opened c2 category=\"a b\"",
		"+20m complaint.held c1 reason=waiting_customer",
		"+3d stage.completed c2 stage=listen result='it is \"done\"'",
		"+1d complaint.withdrawn c1",
	};
	struct run *r = *state;
	struct am_str rest;
	char *first;

	for (size_t i = 0; i < AM_COUNT(story); i++)
		line(r, story[i]);
	tell(r, FIX_START + 90 * AM_DAY);
	first = strdup(r->said.p);
	end(r);
	begin(r);
	for (size_t i = 0; i < AM_COUNT(story); i++)
		line(r, story[i]);
	tell(r, FIX_START + 90 * AM_DAY);
	assert_string_equal(first, r->said.p);
	rest = am_str_c(first);
	while (rest.n > 0) {
		size_t n = strcspn(rest.p, "\n");
		const struct am_pair *pairs;
		size_t pairs_n;
		char what[200];

		assert_int_equal(am_json_flatten((struct am_str){ rest.p, n },
				     1000, &r->a, &pairs, &pairs_n, what),
		    0);
		rest.p += n + 1;
		rest.n -= n + 1;
	}
	free(first);
}

static void
test_world_put_twice_or_broken_then_refused(void **state)
{
	struct run *r = *state;
	struct am_complaint c = { .id = AM_STR("c1") };
	struct fix_case *k;

	assert_int_equal(am_world_put(r->w, r->f.def, &c), -AM_EINVAL);
	c.status = AM_OPEN;
	assert_int_equal(am_world_put(r->w, r->f.def, &c), -AM_EINVAL);
	fix_step(&r->f, "c1", FIX_START, "complaint.opened category=card");
	k = fix_case(&r->f, "c1");
	assert_int_equal(am_world_put(r->w, r->f.def, &k->c), 0);
	assert_int_equal(am_world_put(r->w, r->f.def, &k->c), -AM_ECONFLICT);
	assert_int_equal(am_world_next(r->w), k->wake_at);
}

/* ---- stories ---- */

static void
test_story_json_of_producers_then_as_the_stream_reads_it(void **state)
{
	struct run *r = *state;
	const struct am_event *ev;

	line(r, "{\"event\":\"complaint.opened\",\"complaint_id\":\"C-1\","
		"\"event_id\":\"E-1\",\"source\":\"crm\",\"category\":\"card\","
		"\"summary\":\"twice\",\"customer\":{\"phone\":\"+861\"},"
		"\"occurred_at\":\"2026-11-23T09:00:00+08:00\"}");
	line(r, "{\"event\":\"customer.answered\",\"complaint_id\":\"C-1\","
		"\"verdict\":\"satisfied\",\"comment\":\"still not solved\","
		"\"at\":1795399200000}");
	line(r, "{\"specversion\":\"1.0\",\"type\":\"complaint.withdrawn\","
		"\"subject\":\"C-1\",\"id\":\"E-3\",\"source\":\"shop\","
		"\"time\":\"2026-11-23T03:00:00Z\"}");
	assert_int_equal(r->story.n, 3);
	ev = &r->story.events[0];
	assert_int_equal(ev->at, FIX_START);
	assert_true(am_str_is(ev->event_id, "E-1"));
	assert_true(am_str_is(am_event_get(ev, "customer.phone"), "+861"));
	assert_int_equal(r->story.events[1].at, FIX_START + AM_HOUR);
	assert_int_equal(r->story.events[2].type, AM_EV_WITHDRAWN);
	tell(r, FIX_START + 3 * AM_HOUR);
	assert_int_equal(am_sum_closed(&r->sum, AM_OUTCOME_WITHDRAWN), 1);
}

/* A journal gives back what it was told, and not what came of it. */
static void
test_story_journal_then_the_same_end(void **state)
{
	static const char *const walk[] = {
		"complaint.opened category=card owner=li",
		"stage.completed stage=listen",
		"wake",
		"complaint.withdrawn by=customer",
	};
	struct run *r = *state;
	struct fix_case *k;
	struct am_buf row;

	for (size_t i = 0; i < AM_COUNT(walk); i++)
		fix_step(&r->f, "c1", FIX_START + (am_ms)i * 20 * AM_MINUTE,
		    walk[i]);
	k = fix_case(&r->f, "c1");
	assert_int_equal(k->lines_n, 4);
	am_buf_arena(&row, &r->a, 4096);
	am_buf_adds(&row, "{\"id\":\"c1\",\"journal\":[");
	for (size_t i = 0; i < k->lines_n; i++) {
		if (i > 0)
			am_buf_addc(&row, ',');
		if (i % 2 == 0)
			am_buf_addjson(&row, k->lines[i]);
		else
			am_buf_addstr(&row, k->lines[i]);
	}
	am_buf_adds(&row, "]}");
	am_buf_addc(&row, '\0');
	line(r, row.p);
	am_buf_reset(&row);
	am_buf_adds(&row, "{\"complaint\":\"c2\",\"line\":");
	am_buf_addjson(&row, k->lines[0]);
	am_buf_adds(&row, "}");
	am_buf_addc(&row, '\0');
	line(r, row.p);
	assert_int_equal(r->story.n, 4);
	tell(r, FIX_START + 2 * AM_HOUR);
	assert_int_equal(am_sum_opened(&r->sum), 2);
	assert_int_equal(am_sum_closed(&r->sum, AM_OUTCOME_WITHDRAWN), 1);
	assert_int_equal(r->sum.refused, 0);
}

/* The golden traces are stories, too. */
static void
test_story_every_trace_then_read_and_told(void **state)
{
	struct run *r = *state;
	glob_t g;

	assert_int_equal(glob("tests/trace/*.trace", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		FILE *in = fopen(g.gl_pathv[i], "r");
		char text[4096];

		assert_non_null(in);
		r->story.last = r->story.from;
		while (fgets(text, sizeof(text), in) != NULL)
			line(r, am_arena_cstr(&r->a, am_str_c(text)));
		fclose(in);
		assert_true(r->story.n > 0);
		tell(r, FIX_START + 60 * AM_DAY);
		assert_true(am_sum_opened(&r->sum) > 0);
		end(r);
		begin(r);
	}
	globfree(&g);
}

/* ---- figures ---- */

static void
test_sum_a_walk_then_every_figure(void **state)
{
	static const char *const walk[] = {
		"+0 complaint.opened c1 category=card owner=li",
		"+5m complaint.acknowledged c1",
		"+5m stage.completed c1 stage=listen",
		"+3h stage.completed c1 stage=apologize",
		"+1h stage.completed c1 stage=resolve root_cause=x action=y",
		"+5m stage.completed c1 stage=resolve root_cause=x action=y",
		"+1h customer.answered c1 verdict=unsatisfied score=1",
		"+1h stage.completed c1 stage=resolve root_cause=x action=y",
		"+1m customer.answered c1 verdict=satisfied score=5",
	};
	struct run *r = *state;
	struct am_sum_clock *k;
	struct am_sum_case *c;
	const struct am_pair *pairs;
	struct am_buf b;
	char what[200];
	size_t n;

	for (size_t i = 0; i < AM_COUNT(walk); i++)
		line(r, walk[i]);
	tell(r, FIX_START + 30 * AM_DAY);
	k = am_sum_clock(&r->sum, "apologize");
	assert_int_equal(k->missed, 1);
	assert_int_equal(am_sum_took(k, 90), 3 * AM_HOUR);
	k = am_sum_clock(&r->sum, "resolve");
	assert_int_equal(k->started, 2);
	assert_int_equal(k->met, 2);
	assert_int_equal(am_sum_took(k, 50), AM_HOUR);
	assert_int_equal(r->sum.ignored, 1);
	assert_int_equal(r->sum.reopened, 1);
	assert_int_equal(am_sum_missed(&r->sum), 1);
	c = am_sum_case(&r->sum, "c1");
	assert_int_equal(c->outcome, AM_OUTCOME_SATISFIED_AFTER_REOPEN);
	assert_int_equal(c->missed, 1);
	assert_int_equal(c->sent, am_sum_sent(&r->sum));
	am_buf_arena(&b, &r->a, 4096);
	am_sum_json(&r->sum, &b);
	assert_int_equal(
	    am_json_flatten(am_buf_str(&b), 1000, &r->a, &pairs, &n, what), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(
		    test_world_thirty_days_of_a_thousand_complaints_then_under_two_seconds),
		CASE(test_world_nothing_happens_then_the_ladder_is_climbed),
		CASE(
		    test_world_event_at_the_instant_of_a_due_then_it_comes_first),
		CASE(test_world_late_event_then_applied_now_with_its_own_time),
		CASE(test_world_endpoint_is_down_then_the_next_one_gets_it),
		CASE(
		    test_world_sending_takes_long_then_what_is_over_is_dropped),
		CASE(
		    test_world_answer_after_a_withdrawal_then_a_repeat_is_opened),
		CASE(
		    test_world_opening_of_a_loop_that_is_not_there_then_refused),
		CASE(test_world_retention_is_over_then_the_complaint_leaves),
		CASE(test_world_same_story_twice_then_the_same_rows),
		CASE(test_world_put_twice_or_broken_then_refused),
		CASE(test_story_json_of_producers_then_as_the_stream_reads_it),
		CASE(test_story_journal_then_the_same_end),
		CASE(test_story_every_trace_then_read_and_told),
		CASE(test_sum_a_walk_then_every_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
