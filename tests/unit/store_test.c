/* store: ownership, turns, the fence, the stream; against a real server. */

#include "store_fixture.h"

/* A shard that nobody has touched is taken and its keys are made. */
static void
test_store_when_shard_is_empty_then_takes_it(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	assert_true(am_store_may_act(p.s));
	assert_int_equal(ctl_int("EXISTS {complaints}:token {complaints}:beat "
				 "{complaints}:cursor complaints"),
	    4);
	assert_int_equal(
	    strlen(ctl_str("HGET {complaints}:cursor dataset")), 32);
	assert_string_equal(ctl_str("HGET {complaints}:cursor id"), "0-0");
	assert_string_equal(am_store_facts(p.s)->policy, "noeviction");
	assert_string_equal(am_store_facts(p.s)->durability, "D0");
	assert_int_equal(am_store_token(p.s)->epoch, 1);
	probe_stop(&p);
}

/* IN1, DL1: the cursor is part of the commit. */
static void
test_store_when_committed_then_cursor_moves(void **state)
{
	struct probe p;
	char last[64];

	(void)state;
	for (int i = 0; i < 5; i++)
		snprintf(last, sizeof last, "%s",
		    ctl_str("XADD complaints * event x n %d", i));
	probe_start(&p, "a");
	assert_int_equal(probe_apply(&p), 5);
	assert_string_equal(am_store_cursor(p.s)->id, last);
	assert_string_equal(ctl_str("HGET {complaints}:cursor id"), last);
	assert_int_equal(ctl_int("HGET {complaints}:cursor applied"), 5);
	assert_int_equal(ctl_int("HGET {complaints}:cursor commit"), 1);
	probe_stop(&p);
}

static bool
idle_came(void *arg)
{
	return ((struct probe *)arg)->idles > 0;
}

static void
test_store_when_nothing_is_left_then_says_idle(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	loop_until(idle_came, &p);
	ctl("XADD complaints * event x");
	p.idles = 0;
	assert_int_equal(probe_apply(&p), 1);
	loop_until(idle_came, &p);
	assert_int_equal(am_store_lag(p.s), 0);
	probe_stop(&p);
}

static void
test_store_when_rewound_then_reads_again_from_cursor(void **state)
{
	struct probe p;
	const struct am_entry *e;
	struct am_batch *hold;

	(void)state;
	ctl("XADD complaints * event x");
	probe_start(&p, "a");
	loop_until(probe_has_entries, &p);
	assert_int_equal(am_store_take(p.s, &e, &hold), 1);
	am_batch_free(hold);
	p.entries = 0;
	am_store_rewind(p.s);
	assert_int_equal(probe_apply(&p), 1);
	probe_stop(&p);
}

static void
change_token(struct probe *p)
{
	(void)p;
	ctl("SET {complaints}:token 9.other."
	    "00112233445566778899aabbccddeeff");
}

static void
fill_feed(struct probe *p, struct am_commit *c)
{
	struct am_batch *b = am_commit_raw(c);

	(void)p;
	am_cmd(b, "SET");
	am_arg(b, "{complaints}:written");
	am_arg(b, "1");
}

/* DL2, P6: a token changed behind our back stops the commit. */
static void
test_store_when_token_changes_after_loads_then_commit_is_fenced(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	p.loaded = change_token;
	assert_int_equal(probe_commit(&p, fill_feed), -AM_EFENCED);
	assert_int_equal(ctl_int("EXISTS {complaints}:written"), 0);
	assert_int_not_equal(p.state, AM_SHARD_RUNNING);
	assert_false(am_store_may_act(p.s));
	probe_stop(&p);
}

static void
test_store_when_token_is_another_at_loads_then_turn_is_fenced(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	change_token(&p);
	assert_int_equal(probe_commit(&p, fill_feed), -AM_EFENCED);
	assert_int_equal(ctl_int("EXISTS {complaints}:written"), 0);
	probe_stop(&p);
}

/* DL3: a standby takes over when the owner is silent for ttl, not before. */
static void
test_store_when_owner_is_silent_then_standby_takes_over(void **state)
{
	struct probe a, b;
	am_ms gone;

	(void)state;
	probe_start(&a, "a");
	probe_until(&a, AM_SHARD_RUNNING);
	probe_start(&b, "b");
	probe_until(&b, AM_SHARD_STANDBY);
	assert_non_null(strstr(b.why, "instance a"));
	loop_for(3 * TTL); /* it beats: nobody takes it */
	assert_int_equal(a.state, AM_SHARD_RUNNING);
	assert_int_equal(b.state, AM_SHARD_STANDBY);
	probe_stop(&a); /* no release: as if killed */
	gone = am_clock_boot();
	probe_until(&b, AM_SHARD_RUNNING);
	assert_true(am_clock_boot() - gone >= TTL / 2);
	assert_true(am_clock_boot() - gone <= 2 * TTL);
	assert_int_equal(am_store_token(b.s)->epoch, 2);
	probe_stop(&b);
}

static void
on_gone(void *arg)
{
	*(bool *)arg = true;
}

static bool
is_true(void *arg)
{
	return *(bool *)arg;
}

static void
test_store_when_released_then_standby_takes_it_at_once(void **state)
{
	struct probe a, b;
	bool gone = false;
	am_ms at;

	(void)state;
	probe_start(&a, "a");
	probe_until(&a, AM_SHARD_RUNNING);
	probe_start(&b, "b");
	probe_until(&b, AM_SHARD_STANDBY);
	at = am_clock_boot();
	am_store_release(a.s, on_gone, &gone);
	loop_until(is_true, &gone);
	assert_int_equal(a.state, AM_SHARD_RELEASED);
	probe_until(&b, AM_SHARD_RUNNING);
	assert_true(am_clock_boot() - at < TTL);
	assert_int_equal(am_store_adopt(a.s), 0);
	probe_until(&a, AM_SHARD_STANDBY);
	probe_stop(&a);
	probe_stop(&b);
}

/* The instance that holds its lock waits for nobody. */
static void
test_store_when_lock_is_held_then_replaces_own_token_at_once(void **state)
{
	struct probe a, b;
	struct am_redis_opts redis = server_opts();
	am_ms at;

	(void)state;
	probe_start(&a, "same.name");
	probe_until(&a, AM_SHARD_RUNNING);
	probe_stop(&a);
	at = am_clock_boot();
	probe_start_with(&b, "same.name", &redis, NULL, true);
	probe_until(&b, AM_SHARD_RUNNING);
	assert_true(am_clock_boot() - at < TTL);
	probe_stop(&b);
}

/* Fault 8: the server goes and comes back; the shard goes on by itself. */
static void
test_store_when_server_restarts_then_goes_on(void **state)
{
	struct probe p;

	(void)state;
	server_kill(&server);
	server.args[0] = "--appendonly";
	server.args[1] = "yes";
	server.args[2] = "--appendfsync";
	server.args[3] = "always";
	server_spawn(&server);
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	assert_string_equal(am_store_facts(p.s)->durability, "D2");
	ctl("XADD complaints * event x");
	assert_int_equal(probe_apply(&p), 1);
	server_kill(&server);
	probe_until(&p, AM_SHARD_DEGRADED);
	assert_non_null(strstr(p.why, server.sock));
	server_spawn(&server);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_int_equal(am_store_cursor(p.s)->applied, 1);
	ctl("XADD complaints * event x");
	assert_int_equal(probe_apply(&p), 1);
	assert_int_equal(am_store_cursor(p.s)->applied, 2);
	probe_stop(&p);
}

/* Idle, an owner costs at most two commands a second at ttl 10 s. */
static void
test_store_when_idle_then_commands_follow_ttl(void **state)
{
	struct probe p;
	long long before, after;
	am_ms span = 3 * TTL;

	(void)state;
	probe_start(&p, "a");
	loop_until(idle_came, &p);
	before = ctl_info("total_commands_processed");
	loop_for(span);
	after = ctl_info("total_commands_processed");
	/* 12 beats of at most 3 commands, a look (3) each 50 ms, our own */
	assert_in_range(after - before, 12, 12 * 3 + span / 50 * 3 + 10);
	probe_stop(&p);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_store_when_shard_is_empty_then_takes_it),
		T(test_store_when_committed_then_cursor_moves),
		T(test_store_when_nothing_is_left_then_says_idle),
		T(test_store_when_rewound_then_reads_again_from_cursor),
		T(test_store_when_token_changes_after_loads_then_commit_is_fenced),
		T(test_store_when_token_is_another_at_loads_then_turn_is_fenced),
		T(test_store_when_owner_is_silent_then_standby_takes_over),
		T(test_store_when_released_then_standby_takes_it_at_once),
		T(test_store_when_lock_is_held_then_replaces_own_token_at_once),
		T(test_store_when_server_restarts_then_goes_on),
		T(test_store_when_idle_then_commands_follow_ttl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
