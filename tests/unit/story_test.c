/* story_test - lines of text and JSON become events, or say what is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "sim/story.h"
#include "tests/unit/fixture.h"
#include "tests/unit/rnd.h"

struct told {
	struct fix f; /* its zone */
	struct am_arena a;
	struct am_story story;
};

static int
setup(void **state)
{
	static struct told r;

	fix_init(&r.f, NULL);
	am_arena_init(&r.a, 1 << 16);
	am_story_init(&r.story, &r.a, r.f.def->zone, FIX_START);
	*state = &r;
	return 0;
}

static int
teardown(void **state)
{
	struct told *r = *state;

	am_story_fini(&r->story);
	am_arena_fini(&r->a);
	fix_fini(&r->f);
	return 0;
}

static void
line(struct told *r, const char *text)
{
	char what[300] = "";

	if (am_story_line(&r->story, am_str_c(text), what) != 0)
		fail_msg("%s: %s", text, what);
}

static am_ms
at(struct told *r, const char *text)
{
	line(r, text);
	return r->story.events[r->story.n - 1].at;
}

static void
test_story_times_then_read_as_people_write_them(void **state)
{
	struct told *r = *state;

	assert_int_equal(at(r, "+0 complaint.opened c1"), FIX_START);
	assert_int_equal(
	    at(r, "+1h30m complaint.acknowledged"), FIX_START + 90 * AM_MINUTE);
	assert_int_equal(
	    at(r, "16:30 complaint.acknowledged"), FIX_START + 450 * AM_MINUTE);
	assert_int_equal(at(r, "09:00 complaint.acknowledged"),
	    FIX_START + AM_DAY); /* tomorrow's */
	assert_int_equal(at(r, "Fri-11.27-16:30 complaint.acknowledged"),
	    FIX_START + 4 * AM_DAY + 450 * AM_MINUTE);
	assert_int_equal(at(r, "Fri-11.27-16:30:24 complaint.acknowledged"),
	    FIX_START + 4 * AM_DAY + 450 * AM_MINUTE + 24 * AM_SECOND);
	assert_int_equal(at(r, "Mon-01.04-09:00 complaint.acknowledged"),
	    FIX_START + 42 * AM_DAY); /* of next year */
	assert_int_equal(at(r, "2026-11-27T16:30 complaint.acknowledged"),
	    FIX_START + 4 * AM_DAY + 450 * AM_MINUTE);
	assert_int_equal(
	    at(r, "2026-11-23T01:00:00Z complaint.acknowledged"), FIX_START);
	for (size_t i = 0; i < r->story.n; i++)
		assert_true(am_str_is(r->story.events[i].complaint_id, "c1"));
}

static void
test_story_bad_lines_then_say_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *what;
	} bad[] = {
		{ "+5m", "not TIME EVENT" },
		{ "soon complaint.opened c1", "no time; write +30m" },
		{ "+5x complaint.opened c1", "no span; write +30m" },
		{ "+5bd complaint.opened c1", "no span" },
		{ "25:00 complaint.opened c1", "no time" },
		{ "2026-02-30T10:00 complaint.opened c1", "no time" },
		{ "+0 complaint.openend c1", "did you mean complaint.opened?" },
		{ "+0 nonsense c1", "see docs/events.md" },
		{ "+0 wake c1", "no event" },
		{ "+0 complaint.opened c/1", "is no complaint" },
		{ "+0 complaint.opened", "which complaint?" },
		{ "+0 complaint.opened c1 catgory=x", "it has category" },
		{ "+0 complaint.opened c1 category", "no KEY=VALUE" },
		{ "+0 complaint.opened c1 category='x", "no closing quote" },
		{ "+0 stage.completed c1", "stage" },
		{ "+0 customer.answered c1 verdict=perhaps",
		    "one of satisfied" },
		{ "{\"event\":", "no JSON" },
		{ "{\"event\":\"complaint.withdrawn\",\"complaint_id\":\"c1\"}",
		    "no occurred_at" },
		{ "{\"event\":\"customer.message\",\"occurred_at\":"
		  "\"2026-11-23T01:00:00Z\",\"customer.phone\":\"+1\"}",
		    "names no complaint" },
		{ "{\"event\":\"complaint.shut\",\"complaint_id\":\"c1\"}",
		    "unknown_event" },
		{ "{\"journal\":[]}", "without the complaint's id" },
		{ "{\"id\":\"c1\",\"journal\":[\"x\"]}", "cannot be read" },
		{ "{\"complaint\":\"c1\",\"line\":5}", "cannot be read" },
		{ "+0 complaint.opened \xff", "UTF-8" },
		{ "{\"event\":\"complaint.withdrawn\",\"complaint_id\":\"c1\","
		  "\"at\":253402300800001}",
		    "between 1970 and 9999" },
	};
	struct told *r = *state;

	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		char what[300] = "";

		r->story.one = AM_STR("");
		assert_int_equal(
		    am_story_line(&r->story, am_str_c(bad[i].text), what),
		    -AM_EINVAL);
		if (strstr(what, bad[i].what) == NULL)
			fail_msg("%s: %s", bad[i].text, what);
	}
	assert_int_equal(r->story.n, 0);
}

static void
test_story_blank_comment_and_wake_then_tell_nothing(void **state)
{
	struct told *r = *state;

	line(r, "");
	line(r, "   # said by nobody");
	line(r, "+15m WAKE c1 -> listen wake=never");
	line(r, "{\"ok\":true,\"code\":0}");
	assert_int_equal(r->story.n, 0);
	assert_int_equal(
	    at(r, "+5m complaint.opened c1 summary='a; b -> c' ; d"),
	    FIX_START + 20 * AM_MINUTE);
	assert_true(am_str_is(
	    am_event_get(&r->story.events[0], "summary"), "a; b -> c"));
}

static void
test_story_sorted_then_equal_times_keep_their_order(void **state)
{
	struct told *r = *state;
	const struct am_event *ev;

	for (int i = 0; i < 500; i++) {
		char text[80];

		snprintf(text, sizeof(text),
		    "2026-11-%02dT09:00 complaint.acknowledged c%d",
		    1 + i * 7 % 20, i);
		line(r, text);
	}
	am_story_sort(&r->story);
	ev = r->story.events;
	for (size_t i = 1; i < r->story.n; i++) {
		assert_true(ev[i - 1].at <= ev[i].at);
		if (ev[i - 1].at == ev[i].at)
			assert_true(atoi(ev[i - 1].complaint_id.p + 1) <
				    atoi(ev[i].complaint_id.p + 1));
	}
}

/* Whatever the bytes are, a line is read or refused with words. */
static void
test_story_mutated_lines_then_read_or_refused(void **state)
{
	static const char *const lines[] = {
		"+1h30m stage.completed c1 stage=listen result='a b' ; c",
		"Fri-11.27-16:30 complaint.held c1 reason=x -> listen",
		"2026-11-27T16:30 customer.answered c1 verdict=satisfied",
		"{\"event\":\"complaint.withdrawn\",\"complaint_id\":\"c1\","
		"\"at\":1795395600000}",
		"{\"id\":\"c1\",\"journal\":[\"{}\",{\"seq\":1}]}",
		"{\"complaint\":\"c1\",\"line\":\"{}\"}",
	};
	struct told *r = *state;
	size_t refused = 0;

	rnd_seed("story_test");
	for (int i = 0; i < 20000; i++) {
		char text[400], what[300] = "";
		size_t n;

		strcpy(text, lines[rnd(AM_COUNT(lines))]);
		n = rnd_mutate(text, strlen(text), sizeof(text),
		    "+0129:.- ='\"{}[],;c\\\xe6\x01");
		r->story.last = FIX_START;
		if (am_story_line(
			&r->story, (struct am_str){ text, n }, what) == 0)
			continue;
		refused++;
		assert_true(what[0] != '\0');
		if (i % 100 == 0) {
			am_story_fini(&r->story);
			am_arena_reset(&r->a);
			am_story_init(
			    &r->story, &r->a, r->f.def->zone, FIX_START);
		}
	}
	assert_true(refused > 1000);
	am_story_sort(&r->story);
}

/* What a person does by `amendsctl close` is no producer's event. */
static void
test_story_closed_then_told_by_an_operator_only(void **state)
{
	static const char *const close =
	    "+1h complaint.closed c1 by=zhao reason='no more to be done'";
	struct told *r = *state;
	char what[300] = "";

	assert_int_not_equal(
	    am_story_line(&r->story, am_str_c(close), what), 0);
	assert_non_null(strstr(what, "'complaint.closed' is no event"));
	r->story.by_hand = true;
	line(r, close);
	assert_int_equal(r->story.events[0].type, AM_EV_FORCED);
	assert_int_not_equal(
	    am_story_line(
		&r->story, AM_STR("+1h complaint.closed c1 reason=x"), what),
	    0);
	assert_non_null(strstr(what, "needs by=NAME"));
}

/* Entries of the feed that are of no journal tell no history. */
static void
test_story_feed_then_what_is_aside_is_passed_over(void **state)
{
	struct told *r = *state;

	line(r, "{\"line\":\"{\\\"now\\\":5,\\\"do\\\":[{\\\"n\\\":"
		"\\\"contact.unmatched\\\"}]}\"}");
	line(r, "{\"complaint\":\"c1\",\"line\":\"{\\\"now\\\":5,"
		"\\\"do\\\":[{\\\"n\\\":\\\"complaint.parked\\\"}]}\"}");
	assert_int_equal(r->story.n, 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_story_times_then_read_as_people_write_them),
		CASE(test_story_bad_lines_then_say_what_would_be_right),
		CASE(test_story_blank_comment_and_wake_then_tell_nothing),
		CASE(test_story_sorted_then_equal_times_keep_their_order),
		CASE(test_story_mutated_lines_then_read_or_refused),
		CASE(test_story_feed_then_what_is_aside_is_passed_over),
		CASE(test_story_closed_then_told_by_an_operator_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
