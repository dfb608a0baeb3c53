/*
 * stride_test - an endpoint is shared by weight, and nobody starves (TI4).
 */

#include "core/stride.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/rnd.h"

#define LOTS 1000000u

static const unsigned weights[AM_FU_CLASSES] = { 6, 4, 3, 2 };

/* One place; which class got it, AM_FU_CLASSES: none. */
static size_t
serve(struct am_stride *s, const unsigned want[AM_FU_CLASSES])
{
	unsigned take[AM_FU_CLASSES];
	size_t got = AM_FU_CLASSES;

	am_stride_share(s, want, 1, take);
	for (size_t i = 0; i < AM_FU_CLASSES; i++) {
		assert_in_range(take[i], 0, 1);
		if (take[i] == 0)
			continue;
		assert_int_equal(got, AM_FU_CLASSES); /* one alone */
		got = i;
	}
	return got;
}

/* The classes of the bits have a backlog; the others nothing. */
static unsigned
backlog(unsigned bits, unsigned want[AM_FU_CLASSES])
{
	unsigned sum = 0;

	for (size_t i = 0; i < AM_FU_CLASSES; i++) {
		want[i] = (bits >> i & 1) != 0 ? LOTS : 0;
		sum += want[i] != 0 ? weights[i] : 0;
	}
	return sum;
}

/* TI4: whoever has a backlog, at every moment each has its part within one. */
static void
test_stride_share_is_within_one_of_the_weights(void **state)
{
	(void)state;
	for (unsigned bits = 1; bits < 1u << AM_FU_CLASSES; bits++) {
		struct am_stride s = { .now = 0 };
		unsigned want[AM_FU_CLASSES], sum = backlog(bits, want);
		unsigned got[AM_FU_CLASSES] = { 0 };

		for (unsigned n = 1; n < 5000; n++) {
			got[serve(&s, want)]++;
			for (size_t i = 0; i < AM_FU_CLASSES; i++) {
				double due = want[i] != 0
						 ? (double)n * weights[i] / sum
						 : 0;

				assert_true(got[i] <= due + 1);
				assert_true(got[i] >= due - 1);
			}
		}
	}
}

/* The same, handed out in portions of any size. */
static void
test_stride_in_portions_gives_what_one_by_one_gives(void **state)
{
	const unsigned want[AM_FU_CLASSES] = { LOTS, LOTS, LOTS, LOTS };
	struct am_stride one = { .now = 0 }, many = { .now = 0 };

	(void)state;
	rnd_seed("stride portions");
	for (int i = 0; i < 1000; i++) {
		unsigned room = (unsigned)rnd(40), take[AM_FU_CLASSES];

		am_stride_share(&many, want, room, take);
		for (unsigned k = 0; k < room; k++)
			take[serve(&one, want)]--;
		for (size_t k = 0; k < AM_FU_CLASSES; k++)
			assert_int_equal(take[k], 0);
	}
	assert_memory_equal(&one, &many, sizeof(one));
}

/* TI4: four, three and two of the others fit into one stride of the lowest. */
static void
test_stride_nobody_waits_for_more_than_nine(void **state)
{
	struct am_stride s = { .now = 0 };
	unsigned waited[AM_FU_CLASSES] = { 0 };

	(void)state;
	rnd_seed("stride starvation");
	for (int i = 0; i < 200000; i++) {
		unsigned want[AM_FU_CLASSES];
		size_t got;

		for (size_t k = 0; k < AM_FU_CLASSES; k++) {
			/* once there it stays until it is served */
			want[k] = waited[k] != 0 || rnd(3) != 0 ? 1 : 0;
		}
		got = serve(&s, want);
		for (size_t k = 0; k < AM_FU_CLASSES; k++) {
			waited[k] =
			    want[k] != 0 && k != got ? waited[k] + 1 : 0;
			assert_in_range(waited[k], 0, 9);
		}
	}
}

/* TI4: the highest class is first among a backlog of any length. */
static void
test_stride_high_does_not_wait_behind_a_backlog_of_low(void **state)
{
	unsigned want[AM_FU_CLASSES] = { 0, 0, LOTS, LOTS };
	struct am_stride s = { .now = 0 };

	(void)state;
	for (int i = 0; i < 777; i++)
		(void)serve(&s, want);
	want[0] = 1;
	assert_int_equal(serve(&s, want), 0);
}

/* Idle time is not saved up: who comes back gets its part from then on. */
static void
test_stride_who_was_idle_has_saved_nothing(void **state)
{
	unsigned want[AM_FU_CLASSES] = { LOTS, 0, 0, 0 };
	unsigned got[AM_FU_CLASSES] = { 0 };
	struct am_stride s = { .now = 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		(void)serve(&s, want);
	want[3] = LOTS;
	for (int i = 0; i < 80; i++)
		got[serve(&s, want)]++;
	assert_in_range(got[3], 19, 21); /* 2 of 8 */
	want[0] = 0;
	for (int i = 0; i < 10000; i++)
		(void)serve(&s, want);
	want[0] = LOTS;
	got[0] = got[3] = 0;
	for (int i = 0; i < 80; i++)
		got[serve(&s, want)]++;
	assert_in_range(got[0], 59, 61); /* 6 of 8 */
}

static void
test_stride_hands_out_no_more_than_is_wanted_or_there_is(void **state)
{
	struct am_stride s = { .now = 0 };

	(void)state;
	rnd_seed("stride bounds");
	for (int i = 0; i < 100000; i++) {
		unsigned want[AM_FU_CLASSES], take[AM_FU_CLASSES];
		unsigned room = (unsigned)rnd(20), sum = 0, taken = 0;

		for (size_t k = 0; k < AM_FU_CLASSES; k++)
			sum += want[k] = (unsigned)rnd(2) * (unsigned)rnd(12);
		am_stride_share(&s, want, room, take);
		for (size_t k = 0; k < AM_FU_CLASSES; k++) {
			assert_in_range(take[k], 0, want[k]);
			taken += take[k];
		}
		assert_int_equal(taken, sum < room ? sum : room);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_stride_share_is_within_one_of_the_weights),
		cmocka_unit_test(
		    test_stride_in_portions_gives_what_one_by_one_gives),
		cmocka_unit_test(test_stride_nobody_waits_for_more_than_nine),
		cmocka_unit_test(
		    test_stride_high_does_not_wait_behind_a_backlog_of_low),
		cmocka_unit_test(test_stride_who_was_idle_has_saved_nothing),
		cmocka_unit_test(
		    test_stride_hands_out_no_more_than_is_wanted_or_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
