/* census_test - columns, sums, lists; each complaint once. */

#include "ops/census_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/rnd.h"

#define NOW ((am_ms)1795291848883)

static const uint8_t key[16] = "census_test key";

static struct am_census_build *
begin(void)
{
	return am_census_build_new(NOW, key, 1);
}

static void
meet(struct am_census_build *b, const char *id, const char *stage,
    const char *owner, am_ms due)
{
	const struct am_census_met met = {
		.id = am_str_c(id),
		.loop = AM_STR("complaint"),
		.stage = am_str_c(stage),
		.tier = AM_STR("mid"),
		.owner = am_str_c(owner),
		.due = due,
		.held = due == AM_NEVER,
	};

	if (am_census_build_first(b, met.id))
		am_census_build_case(b, &met, NOW);
}

static void
test_columns_by_due_meet_at_their_bounds(void **state)
{
	static const struct {
		am_ms left;
		enum am_due_col col;
	} cases[] = {
		{ -AM_DAY - 1, AM_DUE_LAPSED_1D },
		{ -AM_DAY, AM_DUE_LAPSED_1H },
		{ -AM_HOUR - 1, AM_DUE_LAPSED_1H },
		{ -AM_HOUR, AM_DUE_LAPSED },
		{ -1, AM_DUE_LAPSED },
		{ 0, AM_DUE_15M },
		{ 15 * AM_MINUTE - 1, AM_DUE_15M },
		{ 15 * AM_MINUTE, AM_DUE_1H },
		{ AM_HOUR, AM_DUE_4H },
		{ 4 * AM_HOUR, AM_DUE_1D },
		{ AM_DAY, AM_DUE_LATER },
		{ 365 * AM_DAY, AM_DUE_LATER },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_int_equal(
		    am_due_col_of(NOW + cases[i].left, NOW), cases[i].col);
	assert_int_equal(am_due_col_of(AM_NEVER, NOW), AM_DUE_STILL);
	for (int i = 0; i < AM_DUE_COLS; i++)
		assert_true(strlen(am_due_str((enum am_due_col)i)) > 0);
}

static void
test_columns_by_age_double(void **state)
{
	(void)state;
	assert_int_equal(am_age_minutes(0), 5);
	assert_int_equal(am_age_minutes(8), 1280);
	assert_int_equal(am_age_minutes(9), 0);
	assert_int_equal(am_age_col_of(-5), 0);
	assert_int_equal(am_age_col_of(5 * AM_MINUTE - 1), 0);
	assert_int_equal(am_age_col_of(5 * AM_MINUTE), 1);
	assert_int_equal(am_age_col_of(1280 * AM_MINUTE), 9);
	assert_int_equal(am_age_col_of(AM_NEVER), 9);
}

static void
test_met_again_counts_once(void **state)
{
	struct am_census_build *b = begin();
	struct am_census *c;
	char id[32];

	(void)state;
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(id, sizeof(id), "C-%d", i);
			meet(b, id, "listen", "li", NOW + i);
		}
	am_census_build_index(b); /* the same id in another stream */
	meet(b, "C-1", "listen", "li", NOW);
	c = am_census_build_end(b, NOW + 5);
	assert_int_equal(c->walked, 5001);
	assert_int_equal(c->board_n, 1);
	assert_int_equal(c->board[0].total, 5001);
	assert_true(c->complete);
	assert_int_equal(c->ended_at, NOW + 5);
	am_census_unref(c);
}

static void
test_sums_agree_whatever_is_met(void **state)
{
	static const char *const stages[] = { "listen", "resolve", "confirm" };
	struct am_census_build *b = begin();
	int64_t sum = 0, owners = 0, held = 0;
	struct am_census *c;
	char id[32], owner[32];

	(void)state;
	rnd_seed("census sums");
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "C-%d", i);
		snprintf(owner, sizeof(owner), "o%u", (unsigned)rnd(3000));
		meet(b, id, stages[rnd(3)], owner,
		    rnd(9) == 0 ? AM_NEVER
				: NOW - 2 * AM_DAY + (am_ms)rnd(5 * AM_DAY));
	}
	c = am_census_build_end(b, NOW);
	for (size_t i = 0; i < c->board_n; i++) {
		int64_t row = 0;

		for (int k = 0; k < AM_DUE_COLS; k++)
			row += c->board[i].n[k];
		assert_int_equal(row, c->board[i].total);
		sum += row;
		held += c->board[i].n[AM_DUE_STILL];
	}
	for (size_t i = 0; i < c->owners_n; i++) {
		owners += c->owners[i].open;
		if (i > 0)
			assert_true(
			    c->owners[i - 1].lapsed >= c->owners[i].lapsed);
	}
	assert_int_equal(sum, 20000);
	assert_int_equal(c->walked, 20000);
	assert_int_equal(c->held, held);
	assert_int_equal(c->owners_n, AM_CENSUS_OWNERS);
	assert_int_equal(owners + c->owners_more, 20000);
	am_census_unref(c);
}

/* In the worst order, best and none. */
static void
test_lists_are_the_first_by_due(void **state)
{
	(void)state;
	for (int order = 0; order < 3; order++) {
		struct am_census_build *b = begin();
		struct am_census *c;
		char id[32];

		for (int i = 0; i < 2000; i++) {
			int n = order == 0   ? i
				: order == 1 ? 1999 - i
					     : i * 7 % 2000;

			snprintf(id, sizeof(id), "C-%04d", n);
			meet(b, id, "listen", "李雷",
			    NOW + (n - 1000) * AM_MINUTE);
		}
		c = am_census_build_end(b, NOW);
		assert_int_equal(c->next_n, AM_CENSUS_CASES);
		assert_int_equal(c->lapsed_n, AM_CENSUS_CASES);
		for (size_t i = 0; i < AM_CENSUS_CASES; i++) {
			snprintf(id, sizeof(id), "C-%04zu", 1000 + i);
			assert_string_equal(c->next[i].id, id);
			snprintf(id, sizeof(id), "C-%04zu", i);
			assert_string_equal(c->lapsed[i].id, id);
			assert_string_equal(c->lapsed[i].owner, "李雷");
		}
		am_census_unref(c);
	}
}

static void
test_rows_are_there_without_complaints(void **state)
{
	struct am_census_build *b = begin();
	struct am_census *c;

	(void)state;
	am_census_build_stage(b, AM_STR("complaint"), AM_STR("listen"));
	am_census_build_stage(b, AM_STR("complaint"), AM_STR("resolve"));
	am_census_build_endpoint(b, AM_STR("crm"));
	am_census_build_waiting(b, AM_STR("gone"), 7 * AM_MINUTE);
	meet(b, "C-1", "old", "", NOW + 1);
	am_census_build_parked(b, 3);
	am_census_build_unreadable(b);
	am_census_build_missing(b);
	c = am_census_build_end(b, NOW);
	assert_int_equal(c->board_n, 3);
	assert_string_equal(c->board[1].stage, "resolve");
	assert_int_equal(c->board[1].total, 0);
	assert_string_equal(c->board[2].stage, "old");
	assert_int_equal(c->outboxes_n, 2);
	assert_true(c->outboxes[0].known && !c->outboxes[1].known);
	assert_int_equal(c->outboxes[1].n[1], 1);
	assert_int_equal(c->waiting, 1);
	assert_int_equal(c->parked, 3);
	assert_int_equal(c->unreadable, 1);
	assert_false(c->complete);
	assert_string_equal(c->owners[0].owner, "");
	am_census_unref(c);
}

/* Owners are what producers say: a flood of them shares a row. */
static void
test_names_have_a_cap(void **state)
{
	struct am_census_build *b = begin();
	struct am_census *c;
	char id[32];
	int64_t sum = 0;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		snprintf(id, sizeof(id), "x%d", i);
		meet(b, id, "listen", id, NOW - 1);
	}
	c = am_census_build_end(b, NOW);
	for (size_t i = 0; i < c->owners_n; i++)
		sum += c->owners[i].open;
	assert_int_equal(sum + c->owners_more, 60000);
	assert_string_equal(c->owners[0].owner, "…");
	am_census_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_by_due_meet_at_their_bounds),
		cmocka_unit_test(test_columns_by_age_double),
		cmocka_unit_test(test_met_again_counts_once),
		cmocka_unit_test(test_sums_agree_whatever_is_met),
		cmocka_unit_test(test_lists_are_the_first_by_due),
		cmocka_unit_test(test_rows_are_there_without_complaints),
		cmocka_unit_test(test_names_have_a_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
