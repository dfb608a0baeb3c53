/* parts_test - long replies come in pieces, in any order, twice, or never. */

#include "intake/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/rnd.h"

static struct am_arena arena;
static struct am_parts *parts;

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 1 << 20);
	parts = am_parts_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_parts_free(parts);
	am_arena_fini(&arena);
	return 0;
}

static struct am_parts_key
key(const char *from, const char *ref, unsigned of)
{
	return (struct am_parts_key){ AM_STR("sms"), am_str_c(from),
		am_str_c(ref), of };
}

static enum am_parts_got
add(const struct am_parts_key *k, unsigned no, const char *text, am_ms now,
    struct am_parts_text *out)
{
	char id[8];

	snprintf(id, sizeof(id), "M%u", no);
	return am_parts_add(
	    parts, k, no, am_str_c(id), am_str_c(text), now, &arena, out);
}

static void
test_parts_when_last_comes_then_whole_in_order(void **state)
{
	struct am_parts_key k = key("+1", "08", 3);
	struct am_parts_text t;

	(void)state;
	assert_int_equal(am_parts_next(parts), AM_NEVER);
	assert_int_equal(add(&k, 3, "c", 10, &t), AM_PARTS_WAITS);
	assert_int_equal(add(&k, 1, "a", 20, &t), AM_PARTS_WAITS);
	assert_int_equal(add(&k, 1, "other", 30, &t), AM_PARTS_WAITS);
	assert_int_equal(am_parts_waiting(parts), 1);
	assert_int_equal(am_parts_next(parts), 10 + AM_PARTS_WAIT);
	assert_int_equal(add(&k, 2, "b", 40, &t), AM_PARTS_WHOLE);
	assert_true(am_str_is(t.text, "abc"));
	assert_true(am_str_is(t.id, "M1"));
	/* Redis was away: the gateway sends the last one again */
	assert_int_equal(add(&k, 2, "b", 50, &t), AM_PARTS_WHOLE);
	assert_true(am_str_is(t.text, "abc"));
	am_parts_done(parts, &t.key);
	assert_int_equal(am_parts_waiting(parts), 0);
	assert_int_equal(add(&k, 2, "b", 60, &t), AM_PARTS_KNOWN);
	assert_false(am_parts_over(parts, 60, &arena, &t));
	/* the name is free again when its time is over */
	assert_false(am_parts_over(parts, 10 + AM_PARTS_WAIT, &arena, &t));
	assert_int_equal(am_parts_next(parts), AM_NEVER);
	assert_int_equal(
	    add(&k, 2, "b", 10 + AM_PARTS_WAIT, &t), AM_PARTS_WAITS);
}

static void
test_parts_when_names_differ_then_texts_do(void **state)
{
	struct am_parts_key k[] = { key("+1", "08", 2), key("+2", "08", 2),
		key("+1", "09", 2), key("+1", "08", 3) };
	struct am_parts_text t;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(k); i++)
		assert_int_equal(add(&k[i], 1, "a", 0, &t), AM_PARTS_WAITS);
	assert_int_equal(am_parts_waiting(parts), 4);
	assert_int_equal(add(&k[1], 2, "b", 0, &t), AM_PARTS_WHOLE);
	assert_true(am_str_is(t.key.from, "+2"));
}

static void
test_parts_when_time_is_over_then_given_with_gaps(void **state)
{
	struct am_parts_key k = key("+1", "08", 5), other = key("+2", "1", 2),
			    third = key("+3", "1", 2);
	struct am_parts_text t;

	(void)state;
	add(&k, 2, "b", 0, &t);
	add(&k, 5, "e", 0, &t);
	add(&other, 1, "x", 1, &t);
	assert_false(am_parts_over(parts, AM_PARTS_WAIT - 1, &arena, &t));
	assert_true(am_parts_over(parts, AM_PARTS_WAIT, &arena, &t));
	assert_true(am_str_is(t.text, "\xe2\x80\xa6"
				      "b"
				      "\xe2\x80\xa6"
				      "e"));
	assert_true(am_str_is(t.id, "M2"));
	assert_false(am_parts_over(parts, AM_PARTS_WAIT, &arena, &t));
	/* not written: once more in a minute, and then no more */
	assert_true(am_parts_over(parts, AM_PARTS_WAIT + 1, &arena, &t));
	am_parts_done(parts, &t.key);
	/* what came meanwhile is not in the way */
	add(&third, 1, "y", AM_PARTS_WAIT, &t);
	assert_int_equal(am_parts_next(parts), AM_PARTS_WAIT + AM_MINUTE);
	assert_true(
	    am_parts_over(parts, AM_PARTS_WAIT + AM_MINUTE, &arena, &t));
	am_parts_done(parts, &t.key);
	am_parts_done(parts, &third);
	assert_int_equal(am_parts_waiting(parts), 0);
	assert_false(am_parts_over(parts, 2 * AM_PARTS_WAIT, &arena, &t));
	assert_int_equal(am_parts_next(parts), AM_NEVER);
}

static void
test_parts_when_hurried_then_given_at_once(void **state)
{
	struct am_parts_key k = key("+1", "08", 2);
	struct am_parts_text t;

	(void)state;
	add(&k, 1, "a", 1000, &t);
	am_parts_hurry(parts);
	assert_int_equal(am_parts_next(parts), 0);
	assert_true(am_parts_over(parts, 1001, &arena, &t));
	assert_true(am_str_is(t.text, "a\xe2\x80\xa6"));
}

static void
test_parts_when_there_is_no_room_then_each_is_alone(void **state)
{
	struct am_parts_text t;
	char ref[16];
	char *large = calloc(1, 65537);

	(void)state;
	for (int i = 0; i <= AM_PARTS_TEXTS_MAX; i++) {
		struct am_parts_key k;

		snprintf(ref, sizeof(ref), "%d", i);
		k = key("+1", ref, 2);
		assert_int_equal(add(&k, 1, "a", i, &t),
		    i < AM_PARTS_TEXTS_MAX ? AM_PARTS_WAITS : AM_PARTS_ALONE);
	}
	/* those that are begun may end */
	assert_int_equal(add(&(struct am_parts_key){ AM_STR("sms"),
				 AM_STR("+1"), AM_STR("0"), 2 },
			     2, "b", 5000, &t),
	    AM_PARTS_WHOLE);
	assert_non_null(large);
	memset(large, 'x', 65536);
	am_parts_free(parts);
	parts = am_parts_new();
	for (int i = 0; i < 64; i++) {
		struct am_parts_key k;

		snprintf(ref, sizeof(ref), "%d", i);
		k = key("+1", ref, 2);
		assert_int_equal(add(&k, 1, large, i, &t), AM_PARTS_WAITS);
	}
	assert_int_equal(add(&(struct am_parts_key){ AM_STR("sms"),
				 AM_STR("+1"), AM_STR("0"), 2 },
			     2, "b", 5000, &t),
	    AM_PARTS_ALONE);
	free(large);
}

/* References are one byte: the next long text may have the same. */
static void
test_parts_when_reference_is_used_again_then_nothing_is_lost(void **state)
{
	struct am_parts_key k = key("+1", "08", 2);
	struct am_parts_text t;

	(void)state;
	add(&k, 1, "a", 0, &t);
	assert_int_equal(am_parts_add(parts, &k, 1, AM_STR("N1"), AM_STR("c"),
			     1, &arena, &t),
	    AM_PARTS_ALONE);
	assert_int_equal(add(&k, 2, "b", 2, &t), AM_PARTS_WHOLE);
	assert_true(am_str_is(t.text, "ab"));
	am_parts_done(parts, &t.key);
	assert_int_equal(add(&k, 1, "a", 3, &t), AM_PARTS_KNOWN);
	assert_int_equal(am_parts_add(parts, &k, 1, AM_STR("N1"), AM_STR("c"),
			     4, &arena, &t),
	    AM_PARTS_WAITS);
	assert_int_equal(am_parts_add(parts, &k, 2, AM_STR("N2"), AM_STR("d"),
			     5, &arena, &t),
	    AM_PARTS_WHOLE);
	assert_true(am_str_is(t.text, "cd"));
}

/* What is done is remembered while there is room, and not instead of what
 * comes. */
static void
test_parts_when_full_of_done_texts_then_new_ones_are_joined(void **state)
{
	struct am_parts_text t;
	char ref[16];

	(void)state;
	for (int i = 0; i < 2 * AM_PARTS_TEXTS_MAX; i++) {
		struct am_parts_key k;

		snprintf(ref, sizeof(ref), "%d", i);
		k = key("+1", ref, 2);
		assert_int_equal(add(&k, 1, "a", i, &t), AM_PARTS_WAITS);
		assert_int_equal(add(&k, 2, "b", i, &t), AM_PARTS_WHOLE);
		am_parts_done(parts, &t.key);
	}
}

/* Whatever order and however often: every text comes out once, whole. */
static void
test_parts_when_shuffled_then_each_text_is_whole_once(void **state)
{
	enum { TEXTS = 20, PIECES = 5 };
	unsigned whole[TEXTS] = { 0 };

	(void)state;
	rnd_seed("parts");
	for (int i = 0; i < 20000; i++) {
		size_t which = rnd(TEXTS);
		unsigned no = 1 + (unsigned)rnd(PIECES);
		struct am_parts_text t;
		struct am_parts_key k;
		char ref[8], text[2] = { (char)('a' + no - 1), 0 };

		snprintf(ref, sizeof(ref), "%zu", which);
		k = key("+1", ref, PIECES);
		if (add(&k, no, text, i, &t) != AM_PARTS_WHOLE)
			continue;
		assert_true(am_str_is(t.text, "abcde"));
		am_parts_done(parts, &t.key);
		whole[which]++;
	}
	for (size_t i = 0; i < TEXTS; i++)
		assert_int_equal(whole[i], 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_parts_when_last_comes_then_whole_in_order),
		TEST(test_parts_when_names_differ_then_texts_do),
		TEST(test_parts_when_time_is_over_then_given_with_gaps),
		TEST(test_parts_when_hurried_then_given_at_once),
		TEST(test_parts_when_there_is_no_room_then_each_is_alone),
		TEST(
		    test_parts_when_reference_is_used_again_then_nothing_is_lost),
		TEST(
		    test_parts_when_full_of_done_texts_then_new_ones_are_joined),
		TEST(test_parts_when_shuffled_then_each_text_is_whole_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
