/* wake_test - clocks, holds and dues against a walker of minutes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "core/clock.h"
#include "tests/unit/fixture.h"
#include "tests/unit/rnd.h"

#define C1 (&fix_case(&f, "C-1")->c)
#define LISTEN AM_CLOCK_STAGE0

static struct fix f;
static struct am_loopdef def;

static int
setup(void **state)
{
	(void)state;
	fix_init(&f, NULL);
	def = *f.def;
	f.def = &def;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fix_fini(&f);
	return 0;
}

/* Monday to Friday 09:00-17:00 at +08:00, but not on 2026-11-26. */
static bool
is_open(am_ms t)
{
	struct am_civil c;

	am_civil_from_ms(t + 8 * AM_HOUR, &c);
	return c.weekday >= 1 && c.weekday <= 5 && c.hour >= 9 && c.hour < 17 &&
	       !(c.month == 11 && c.day == 26);
}

struct hold {
	am_ms from, to;
};

/* The minute at whose end the budget is used up: independent of the core. */
static am_ms
walk(am_ms start, am_ms budget, const struct hold *holds, size_t n)
{
	for (am_ms t = start;; t += AM_MINUTE) {
		bool held = false;

		if (budget <= 0)
			return t;
		for (size_t i = 0; i < n; i++)
			held = held || (t >= holds[i].from && t < holds[i].to);
		if (!held && is_open(t))
			budget -= AM_MINUTE;
	}
}

static am_ms
random_minute(size_t n)
{
	return (am_ms)rnd(n) * AM_MINUTE;
}

/* DL5: due = calendar_add(now, budget - consumed), through any holds. */
static void
test_clock_due_through_random_holds_equals_the_walker(void **state)
{
	(void)state;
	rnd_seed("wake_test");
	for (int round = 0; round < 300; round++) {
		struct am_complaint c = { .status = AM_OPEN, .cycle = 1 };
		struct hold holds[4];
		size_t n = rnd(5);
		am_ms start = FIX_START + random_minute(14 * 1440), t = start;
		am_ms work = AM_MINUTE + random_minute(2400);

		def.clocks[LISTEN].budget =
		    (struct am_duration){ AM_UNIT_TIME, work };
		def.clocks[LISTEN].tier_budget[0].n = -1;
		am_clock_start(&def, &c, LISTEN, start, 1);
		for (size_t i = 0; i < n; i++) {
			holds[i].from = t + random_minute(600);
			holds[i].to = holds[i].from + random_minute(4000);
			t = holds[i].to;
			if (am_clock_due(&def, &c, LISTEN) <= holds[i].from) {
				n = i;
				break;
			}
			am_clock_stop(&def, &c, LISTEN, holds[i].from);
			assert_true(am_clock_due(&def, &c, LISTEN) == AM_NEVER);
			am_clock_resume(&c, LISTEN, holds[i].to);
		}
		assert_int_equal(am_clock_due(&def, &c, LISTEN),
		    walk(start, work, holds, n));
	}
}

/* 2.1.11: what stands behind the lapse stands still during a hold, too. */
static void
test_clock_offset_behind_the_lapse_waits_out_a_hold(void **state)
{
	struct am_complaint c = { .status = AM_OPEN, .cycle = 1, .tier = 1 };

	(void)state;
	am_clock_start(&def, &c, LISTEN, FIX_START, 1); /* 30m: 09:30 */
	am_clock_stop(&def, &c, LISTEN, FIX_START + 35 * AM_MINUTE);
	am_clock_resume(&c, LISTEN, FIX_START + 60 * AM_MINUTE);
	assert_int_equal(am_rung_due(&def, &c, LISTEN, 2),
	    FIX_START + 70 * AM_MINUTE); /* +15m, 10 of them left */
	assert_int_equal(
	    am_clock_due(&def, &c, LISTEN), FIX_START + 55 * AM_MINUTE);
	/* a bd offset counts from the day of that lapse */
	def.clocks[LISTEN].rungs[2].offset =
	    (struct am_duration){ AM_UNIT_BD, 1 };
	assert_int_equal(
	    am_rung_due(&def, &c, LISTEN, 2), FIX_START + AM_DAY + 8 * AM_HOUR);
	def.clocks[LISTEN].rungs[2].offset =
	    (struct am_duration){ AM_UNIT_DAYS, AM_DAY };
	assert_int_equal(am_rung_due(&def, &c, LISTEN, 2),
	    FIX_START + AM_DAY + 55 * AM_MINUTE);
}

/* DL4: hours, business days, days and weeks in one loop. */
static void
test_clock_budgets_of_every_unit_become_one_figure(void **state)
{
	struct am_complaint c = { .status = AM_OPEN, .cycle = 1, .tier = 1 };
	const am_ms friday18 = FIX_START + 4 * AM_DAY + 9 * AM_HOUR;

	(void)state;
	def.clocks[LISTEN].budget = (struct am_duration){ AM_UNIT_BD, 3 };
	am_clock_start(&def, &c, LISTEN, friday18, 1);
	assert_int_equal(am_clock_due(&def, &c, LISTEN),
	    FIX_START + 9 * AM_DAY + 8 * AM_HOUR); /* Wednesday's close */
	assert_int_equal(c.clocks[LISTEN].budget, 24 * AM_HOUR);
	def.clocks[LISTEN].budget =
	    (struct am_duration){ AM_UNIT_DAYS, 56 * AM_DAY };
	am_clock_start(&def, &c, LISTEN, friday18, 1);
	assert_int_equal(
	    am_clock_due(&def, &c, LISTEN), friday18 + 56 * AM_DAY);
	/* offsets of a clock of days count in the calendar that it names */
	assert_int_equal(am_rung_due(&def, &c, LISTEN, 2),
	    friday18 + 59 * AM_DAY - 9 * AM_HOUR + 15 * AM_MINUTE);
	/* a tier's budget of another kind gives the same due */
	def.clocks[LISTEN].tier_budget[1] =
	    (struct am_duration){ AM_UNIT_TIME, AM_HOUR };
	am_clock_start(&def, &c, LISTEN, friday18, 1);
	assert_int_equal(am_clock_due(&def, &c, LISTEN),
	    FIX_START + 7 * AM_DAY + AM_HOUR); /* Monday 10:00 */
	assert_int_equal(c.clocks[LISTEN].entry, 3);
}

/* DL1: the earliest of all live clocks is the wake-up. */
static void
test_wake_at_is_the_earliest_of_all_clocks(void **state)
{
	am_ms least = AM_NEVER;

	(void)state;
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		am_ms due = am_clock_due(&def, C1, i);

		least = due < least ? due : least;
		for (size_t r = 0; r < def.clocks[i].rungs_n; r++) {
			due = am_rung_due(&def, C1, i, r);
			least = due < least ? due : least;
		}
	}
	assert_int_equal(least, FIX_START + 15 * AM_MINUTE);
	assert_int_equal(am_wake_at(&def, C1), least);
}

static void
test_wake_deferred_rung_waits_for_the_opening(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");

	(void)state;
	def.clocks[AM_CLOCK_FINAL].budget =
	    (struct am_duration){ AM_UNIT_DAYS, 4 * AM_DAY };
	def.clocks[AM_CLOCK_FINAL].calendar = def.clocks[LISTEN].calendar;
	def.clocks[AM_CLOCK_FINAL].rungs[0].defer = true;
	def.clocks[AM_CLOCK_ACKNOWLEDGE].in_use = false;
	fix_step(&f, "C-1", FIX_START + 10 * AM_HOUR,
	    "complaint.opened category=card");
	fix_step(&f, "C-1", f.now, "stage.completed stage=listen");
	fix_step(&f, "C-1", f.now,
	    "complaint.held reason=waiting_customer "
	    "until=2027-01-01T00:00:00Z");
	/* half of four days is Wednesday 19:00; Thursday is closed */
	assert_int_equal(k->wake_at, FIX_START + 4 * AM_DAY);
	fix_step(&f, "C-1", k->wake_at, "wake");
	assert_int_equal(f.up.followups->due_at, FIX_START + 58 * AM_HOUR);
	assert_int_equal(f.up.followups->fired_at, FIX_START + 4 * AM_DAY);
}

static void
test_wake_after_a_resume_waits_for_the_grace(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");

	(void)state;
	def.resume_grace = 2 * AM_HOUR;
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	fix_step(&f, "C-1", FIX_START, "complaint.acknowledged");
	fix_step(&f, "C-1", FIX_START + 10 * AM_MINUTE,
	    "complaint.held reason=waiting_customer");
	fix_step(&f, "C-1", FIX_START + 20 * AM_MINUTE, "complaint.resumed");
	/* the lapse, 20 minutes on, is recorded in time; the rungs wait */
	assert_int_equal(k->wake_at, FIX_START + 40 * AM_MINUTE);
	fix_step(&f, "C-1", k->wake_at, "wake");
	assert_null(f.up.followups);
	assert_int_equal(k->wake_at, FIX_START + 140 * AM_MINUTE);
	fix_step(&f, "C-1", k->wake_at, "wake");
	assert_non_null(f.up.followups);
}

static void
test_wake_without_anything_due_leaves_no_trace(void **state)
{
	(void)state;
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	fix_step(&f, "C-1", FIX_START + AM_MINUTE, "wake");
	assert_int_equal(f.up.verdict, AM_IGNORED);
	assert_int_equal(f.up.line.n, 0);
	assert_int_equal(C1->seq, 1);
	assert_int_equal(f.up.wake_at, FIX_START + 15 * AM_MINUTE);
}

/* Retention waits for aftercare and for what is still to be sent. */
static void
test_wake_forgets_after_retention(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");
	char id[AM_FU_ID_LEN + 1], text[100];

	(void)state;
	def.retain = AM_DAY;
	fix_step(&f, "C-1", FIX_START, "complaint.opened category=card");
	fix_step(&f, "C-1", FIX_START,
	    "stage.completed stage=resolve root_cause=x action=y");
	fix_step(&f, "C-1", FIX_START, "stage.completed stage=apologize");
	fix_step(&f, "C-1", FIX_START, "customer.answered verdict=satisfied");
	assert_int_equal(C1->status, AM_CLOSED);
	assert_int_equal(k->wake_at, FIX_START + 7 * AM_DAY);
	fix_step(&f, "C-1", k->wake_at, "wake");
	assert_int_equal(C1->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OVER);
	assert_true(k->wake_at == AM_NEVER); /* the check-in is to be sent */
	am_fu_id_format(C1->waiting[0].id, id);
	snprintf(text, sizeof(text),
	    "followup.ended followup_id=%s state=delivered", id);
	fix_step(&f, "C-1", f.now + AM_MINUTE, text);
	assert_int_equal(k->wake_at, FIX_START + AM_DAY);
	fix_step(&f, "C-1", f.now, "wake");
	assert_true(f.up.forget);
	assert_int_equal(f.up.line.n, 0);
	assert_true(f.up.wake_at == AM_NEVER);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_clock_due_through_random_holds_equals_the_walker),
		T(test_clock_offset_behind_the_lapse_waits_out_a_hold),
		T(test_clock_budgets_of_every_unit_become_one_figure),
		T(test_wake_at_is_the_earliest_of_all_clocks),
		T(test_wake_deferred_rung_waits_for_the_opening),
		T(test_wake_after_a_resume_waits_for_the_grace),
		T(test_wake_without_anything_due_leaves_no_trace),
		T(test_wake_forgets_after_retention),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
