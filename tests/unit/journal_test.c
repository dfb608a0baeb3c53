/* journal_test - what a line holds, and that a chain shows an edit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "codec/journal.h"
#include "core/journal.h"
#include "tests/unit/fixture.h"

static struct fix f;

static int
setup(void **state)
{
	(void)state;
	fix_init(&f, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fix_fini(&f);
	return 0;
}

static bool
has(const char *text)
{
	return memmem(f.up.line.p, f.up.line.n, text, strlen(text)) != NULL;
}

static const struct am_loopdef *
lookup(void *arg, struct am_str ref)
{
	(void)arg;
	return am_str_is(ref, f.def->ref) ? f.def : NULL;
}

static void
test_journal_line_holds_the_input_and_nothing_personal(void **state)
{
	(void)state;
	fix_step(&f, "C-1", FIX_START,
	    "complaint.opened event_id=E-1 category=card owner=li "
	    "customer.phone=+861 summary='twice' shoe=44 locale=zh");
	assert_true(has("{\"seq\":1,\"v\":1,\"now\":1795395600000,"
			"\"at\":1795395600000,\"event\":"
			"\"complaint.opened\",\"source\":\"trace\","
			"\"event_id\":\"E-1\",\"in\":{\"category\":"
			"\"card\",\"owner\":\"li\",\"locale\":\"zh\"},"
			"\"verdict\":\"applied\",\"do\":[{\"n\":"
			"\"complaint.opened\",\"loop\":\"complaint@"));
	assert_false(has("861"));
	assert_false(has("twice"));
	assert_false(has("44"));
	assert_true(has("\"prev\":\"00000000000000000000000000000000\""));
	fix_step(&f, "C-1", FIX_START,
	    "customer.answered event_id=E-2 actor=li expect=1 negative=1 "
	    "verdict=unsatisfied comment='still broken'");
	assert_true(has("\"actor\":\"li\",\"expect\":1,"
			"\"negative\":true,\"in\":{\"verdict\""));
	assert_false(has("broken"));
}

/* EV4: what was required is journaled as there, not what it says. */
static void
test_journal_line_marks_required_personal_fields(void **state)
{
	(void)state;
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	fix_step(&f, "C-1", FIX_START,
	    "stage.completed stage=resolve root_cause='Mr Li' action=paid");
	assert_true(has("\"in\":{\"stage\":\"resolve\","
			"\"root_cause\":\"*\",\"action\":\"*\"}"));
}

/* AU5: any changed byte is found, and so is a line that is gone. */
static void
test_journal_edited_or_missing_line_is_found(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");
	uint8_t prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
	struct am_complaint c;
	struct am_arena a;
	struct am_str line;
	uint32_t bad = 0;
	char *p;

	(void)state;
	am_arena_init(&a, 0);
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	fix_step(&f, "C-1", FIX_START, "complaint.acknowledged");
	fix_step(&f, "C-1", FIX_START, "complaint.withdrawn");
	assert_int_equal(am_journal_replay(AM_STR("C-1"), k->lines, 3, lookup,
			     NULL, &a, &c, &bad),
	    0);
	assert_memory_equal(c.chain, k->c.chain, AM_CHAIN_LEN);
	line = am_arena_dup(&a, k->lines[1]);
	p = (char *)line.p;
	for (size_t i = 0; i < line.n; i++) {
		p[i] ^= 1;
		assert_false(am_journal_line_ok(line, prev, h));
		p[i] ^= 1;
	}
	assert_true(am_journal_line_ok(line, prev, h));
	k->lines[1] = k->lines[2];
	assert_int_equal(am_journal_replay(AM_STR("C-1"), k->lines, 2, lookup,
			     NULL, &a, &c, &bad),
	    -AM_ECONFLICT);
	assert_int_equal(bad, 2);
	am_arena_fini(&a);
}

static void
test_journal_ignored_events_have_a_line_and_change_nothing(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");
	uint32_t version;

	(void)state;
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	version = k->c.version;
	fix_step(&f, "C-1", FIX_START, "complaint.resumed");
	assert_int_equal(f.up.verdict, AM_IGNORED);
	assert_string_equal(f.up.code, "not_held");
	assert_true(has("\"verdict\":\"ignored\",\"code\":\"not_held\","
			"\"do\":[{\"n\":\"event.ignored\""));
	assert_int_equal(k->c.version, version);
	assert_int_equal(k->c.seq, 2);
	assert_int_equal(k->c.applied_n, 2);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_journal_line_holds_the_input_and_nothing_personal),
		T(test_journal_line_marks_required_personal_fields),
		T(test_journal_edited_or_missing_line_is_found),
		T(test_journal_ignored_events_have_a_line_and_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
