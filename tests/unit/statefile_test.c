/* statefile: the instance lock and what Redis may forget. */

#include "store/statefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[96];

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof dir, "%s/amends-state-XXXXXX",
	    tmp != NULL ? tmp : P_tmpdir);
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	char cmd[160];

	(void)state;
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd);
}

static struct am_statefile *
open_it(void)
{
	struct am_statefile *s;
	struct am_diag d;

	assert_int_equal(am_statefile_open(dir, "one", &s, &d), 0);
	return s;
}

static void
test_statefile_when_closed_then_remembered(void **state)
{
	struct am_statefile *s = open_it();
	struct am_shard_memory m;

	(void)state;
	am_statefile_set(s, "complaints", "aabb", 7, 1000);
	am_statefile_set(s, "with blank", "ccdd", 9, 1000);
	am_statefile_set(s, "complaints", "aabb", 8, 1001);
	am_statefile_close(s);
	s = open_it();
	am_statefile_get(s, "complaints", &m);
	assert_string_equal(m.dataset, "aabb");
	assert_int_equal(m.commit, 8);
	assert_int_equal(m.commit_then, 7);
	am_statefile_get(s, "with blank", &m);
	assert_string_equal(m.dataset, "ccdd");
	am_statefile_get(s, "other", &m);
	assert_string_equal(m.dataset, "");
	am_statefile_close(s);
}

/* The number of about a minute ago is what a step back is judged by. */
static void
test_statefile_when_minutes_pass_then_keeps_number_of_a_minute_ago(void **state)
{
	struct am_statefile *s = open_it();
	struct am_shard_memory m;

	(void)state;
	for (int t = 0; t <= 300; t++)
		am_statefile_set(
		    s, "complaints", "aabb", (uint64_t)t, 1000 + t * 1000);
	am_statefile_get(s, "complaints", &m);
	assert_int_equal(m.commit, 300);
	assert_in_range(m.commit_then, 235, 245);
	am_statefile_close(s);
}

/* OP1: the same instance twice is refused, and told so. */
static void
test_statefile_when_instance_runs_then_second_is_refused(void **state)
{
	struct am_statefile *s = open_it(), *t = NULL;
	struct am_diag d;

	(void)state;
	assert_int_equal(am_statefile_open(dir, "one", &t, &d), -AM_ECONFLICT);
	assert_null(t);
	assert_non_null(strstr(d.text, "\"one\" runs already"));
	assert_int_equal(am_statefile_open(dir, "two", &t, &d), 0);
	am_statefile_close(t);
	am_statefile_close(s);
	s = open_it();
	am_statefile_close(s);
}

static void
test_statefile_when_file_is_foreign_then_line_is_named(void **state)
{
	struct am_statefile *s = NULL;
	struct am_diag d;
	char path[160];
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/one.state", dir);
	f = fopen(path, "w");
	fputs("amends-state 1\naabb 1 1 1 complaints\nnonsense\n", f);
	fclose(f);
	assert_int_equal(am_statefile_open(dir, "one", &s, &d), -AM_EINVAL);
	assert_int_equal(d.line, 3);
	assert_non_null(strstr(d.file, "one.state"));
}

static void
test_statefile_when_folder_is_missing_then_says_so(void **state)
{
	struct am_statefile *s = NULL;
	struct am_diag d;

	(void)state;
	assert_int_equal(
	    am_statefile_open("no/such/folder", "one", &s, &d), -AM_EIO);
	assert_non_null(strstr(d.text, "data_dir"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_statefile_when_closed_then_remembered),
		T(test_statefile_when_minutes_pass_then_keeps_number_of_a_minute_ago),
		T(test_statefile_when_instance_runs_then_second_is_refused),
		T(test_statefile_when_file_is_foreign_then_line_is_named),
		T(test_statefile_when_folder_is_missing_then_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
