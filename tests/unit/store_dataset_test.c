/*
 * store: what producers and people may do to the stream and to the data set
 * under a shard. Numbers are those of the fault catalogue.
 */

#include "store_fixture.h"

static bool
lost_some(void *arg)
{
	return ((struct probe *)arg)->lost > 0;
}

static void
add_entries(int n)
{
	for (int i = 0; i < n; i++)
		ctl("XADD complaints * event x n %d", i);
}

/* P9: exactly what was trimmed unread, seen when the shard is taken. */
static void
test_store_when_trimmed_unread_while_away_then_lost_is_exact(void **state)
{
	struct probe p;

	(void)state;
	add_entries(4);
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 4);
	probe_stop(&p);
	add_entries(10);
	ctl("XTRIM complaints MAXLEN 1");
	probe_start(&p, "a");
	loop_until(lost_some, &p);
	assert_int_equal(p.lost, 9);
	assert_int_equal(am_store_cursor(p.s)->lost, 9);
	assert_int_equal(probe_apply(&p), 1);
	assert_int_equal(ctl_int("HGET {complaints}:cursor lost"), 9);
	loop_for(200); /* further looks find no more */
	assert_int_equal(p.lost, 9);
	probe_stop(&p);
}

static void
trim_all(struct probe *p)
{
	(void)p;
	ctl("XTRIM complaints MAXLEN 0");
}

static void
test_store_when_trimmed_unread_and_empty_then_lost_is_exact(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	/* made and gone before any read can see it */
	ctl("EVAL %s 1 complaints",
	    "for i = 1, 3 do redis.call('XADD', KEYS[1], '*', 'a', i) end "
	    "return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)");
	loop_until(lost_some, &p);
	assert_int_equal(p.lost, 3);
	probe_stop(&p);
}

/* Our own trimming is no loss, and what was trimmed before us is not ours. */
static void
test_store_when_applied_entries_are_trimmed_then_nothing_is_lost(void **state)
{
	struct probe p;

	(void)state;
	add_entries(5);
	ctl("XTRIM complaints MAXLEN 3");
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 3);
	trim_all(&p);
	loop_for(200);
	add_entries(1);
	assert_int_equal(probe_apply(&p), 1);
	loop_for(200);
	assert_int_equal(p.lost, 0);
	probe_stop(&p);
}

/* Fault 28, H13. */
static void
test_store_when_stream_is_remade_below_cursor_then_behind(void **state)
{
	struct probe p;

	(void)state;
	add_entries(2);
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 2);
	ctl("DEL complaints");
	ctl("XADD complaints 5-1 event x");
	probe_until(&p, AM_SHARD_HALTED_BEHIND);
	assert_non_null(strstr(p.why, "adopt"));
	assert_false(am_store_may_act(p.s));
	probe_stop(&p);
	p.entries = 0;
	probe_start(&p, "b"); /* a restart does not forget it */
	probe_until(&p, AM_SHARD_HALTED_BEHIND);
	assert_int_equal(am_store_adopt(p.s), 0);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_int_equal(probe_apply(&p), 1);
	assert_string_equal(am_store_cursor(p.s)->id, "5-1");
	assert_int_equal(am_store_cursor(p.s)->applied, 3);
	assert_int_equal(p.lost, 0);
	probe_stop(&p);
}

static bool
stream_is_back(void *arg)
{
	(void)arg;
	return ctl_int("EXISTS complaints") == 1;
}

/* An empty stream is made again at the cursor, so new entries are seen. */
static void
test_store_when_stream_is_deleted_then_made_again_at_cursor(void **state)
{
	struct probe p;

	(void)state;
	ctl("XADD complaints 9999999999999-0 event x");
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 1);
	ctl("DEL complaints");
	loop_until(stream_is_back, NULL);
	ctl("XADD complaints * event x");
	assert_int_equal(probe_apply(&p), 1);
	assert_string_equal(am_store_cursor(p.s)->id, "9999999999999-1");
	assert_int_equal(p.lost, 0);
	probe_stop(&p);
}

/* Fault 29: the group is for show. */
static void
test_store_when_group_is_destroyed_then_nothing_changes(void **state)
{
	struct probe p;
	char lag[80];

	(void)state;
	add_entries(2);
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 2);
	snprintf(lag, sizeof lag, "%s 0", am_store_cursor(p.s)->id);
	assert_string_equal(
	    ctl_str("EVAL %s 1 complaints",
		"local g = redis.call('XINFO', 'GROUPS', KEYS[1])[1] "
		"return tostring(g[8]) .. ' ' .. tostring(g[12])"),
	    lag);
	ctl("XGROUP DESTROY complaints amends");
	add_entries(1);
	assert_int_equal(probe_apply(&p), 1);
	loop_for(50);
	assert_int_equal(ctl_int("XGROUP CREATECONSUMER complaints amends x"),
	    1); /* it is back */
	add_entries(1);
	assert_int_equal(probe_apply(&p), 1);
	assert_int_equal(am_store_cursor(p.s)->applied, 4);
	probe_stop(&p);
}

/* Fault 30, H12. */
static void
test_store_when_flushed_then_halted_until_adopted(void **state)
{
	struct probe p;
	char before[33];

	(void)state;
	add_entries(2);
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 2);
	memcpy(before, am_store_cursor(p.s)->dataset, sizeof before);
	ctl("FLUSHALL");
	probe_until(&p, AM_SHARD_HALTED_DATASET);
	assert_int_equal(ctl_int("EXISTS {complaints}:token"), 0);
	add_entries(3);
	assert_int_equal(am_store_adopt(p.s), 0);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_string_not_equal(am_store_cursor(p.s)->dataset, before);
	assert_int_equal(probe_apply(&p), 3);
	probe_stop(&p);
}

static void
test_store_when_restarted_after_flush_then_state_file_halts(void **state)
{
	struct probe p;
	struct am_statefile *file;
	struct am_diag diag;
	struct am_redis_opts o = server_opts();

	(void)state;
	assert_int_equal(am_statefile_open(server.dir, "a", &file, &diag), 0);
	probe_start_with(&p, "a", &o, file, true);
	probe_until(&p, AM_SHARD_RUNNING);
	probe_stop(&p);
	am_statefile_close(file);
	ctl("FLUSHALL");
	assert_int_equal(am_statefile_open(server.dir, "a", &file, &diag), 0);
	probe_start_with(&p, "a", &o, file, true);
	probe_until(&p, AM_SHARD_HALTED_DATASET);
	assert_int_equal(am_store_adopt(p.s), 0);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_int_equal(am_store_adopt(p.s), -AM_ECONFLICT);
	probe_stop(&p);
	am_statefile_close(file);
}

/* A restored backup: the commit number stepped back. */
static void
test_store_when_commits_stepped_back_then_halted(void **state)
{
	struct probe p;
	struct am_statefile *file;
	struct am_diag diag;
	struct am_redis_opts o = server_opts();

	(void)state;
	assert_int_equal(am_statefile_open(server.dir, "a", &file, &diag), 0);
	probe_start_with(&p, "a", &o, file, true);
	probe_until(&p, AM_SHARD_RUNNING);
	am_statefile_set(file, "complaints", am_store_cursor(p.s)->dataset, 900,
	    am_clock_wall() + AM_HOUR);
	probe_stop(&p);
	am_statefile_set(file, "complaints", "x", 900, am_clock_wall());
	am_statefile_set(file, "complaints",
	    ctl_str("HGET {complaints}:cursor dataset"), 900, am_clock_wall());
	probe_start_with(&p, "a", &o, file, true);
	probe_until(&p, AM_SHARD_HALTED_DATASET);
	assert_non_null(strstr(p.why, "stepped back from commit 900 to 0"));
	probe_stop(&p);
	am_statefile_close(file);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_store_when_trimmed_unread_while_away_then_lost_is_exact),
		T(test_store_when_trimmed_unread_and_empty_then_lost_is_exact),
		T(test_store_when_applied_entries_are_trimmed_then_nothing_is_lost),
		T(test_store_when_stream_is_remade_below_cursor_then_behind),
		T(test_store_when_stream_is_deleted_then_made_again_at_cursor),
		T(test_store_when_group_is_destroyed_then_nothing_changes),
		T(test_store_when_flushed_then_halted_until_adopted),
		T(test_store_when_restarted_after_flush_then_state_file_halts),
		T(test_store_when_commits_stepped_back_then_halted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
