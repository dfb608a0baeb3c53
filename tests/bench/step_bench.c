/*
 * step_bench - what the core costs: nanoseconds of am_step() on a plain event,
 * on the wake-up that fires a rung, and of a bare memcpy of the same state.
 *
 *   step_bench [ROUNDS]
 *
 * The loop is that of the golden traces. Prints name=value pairs; each is the
 * median of 9 runs that alternate, so that a busy moment meets all of them.
 */

#include "base/str.h"
#include "codec/record.h"
#include "conf/conf.h"
#include "tests/bench/limit.h"

#include <amends/step.h>

#define RUNS 9
#define T0 ((am_ms)1795395600000) /* Monday 2026-11-23 09:00 +08:00 */

static struct am_conf *conf;
static const struct am_loopdef *def;
static struct am_arena arena, kept;
static struct am_complaint opened;
static struct am_buf packed;
static size_t sink; /* keeps the work from being thrown away */

static const struct am_pair facts[] = {
	{ { "category", 8 }, { "card", 4 } },
	{ { "owner", 5 }, { "li", 2 } },
};
static const struct am_pair done[] = {
	{ { "stage", 5 }, { "listen", 6 } },
};

static struct am_event
event(enum am_event_type type, am_ms at, const struct am_pair *fields, size_t n)
{
	return (struct am_event){ .type = type,
		.complaint_id = AM_STR("C-20261123-00042"),
		.source = AM_STR("crm"),
		.event_id = AM_STR("E-0000000000042"),
		.actor_id = AM_STR("li"),
		.actor_role = AM_STR("agent"),
		.at = at,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = fields,
		.fields_n = n };
}

static void
step(const struct am_complaint *c, const struct am_event *ev)
{
	struct am_update up = { .arena = &arena };

	am_arena_reset(&arena);
	if (am_step(def, c, ev, ev->at, &up) != 0 || up.verdict != AM_APPLIED)
		die("the step was not applied");
	sink += up.line.n;
}

static void
run_plain(void)
{
	struct am_event ev =
	    event(AM_EV_STAGE_COMPLETED, T0 + AM_MINUTE, done, AM_COUNT(done));

	ev.event_id = AM_STR("E-0000000000043");
	step(&opened, &ev);
}

static void
run_wake(void)
{
	struct am_event ev = event(AM_EV_WAKE, T0 + AM_HOUR, NULL, 0);

	step(&opened, &ev);
}

static void
run_memcpy(void)
{
	char *to;

	am_arena_reset(&arena);
	to = am_arena_alloc(&arena, packed.n);
	memcpy(to, packed.p, packed.n);
	__asm__ volatile("" ::"r"(to) : "memory");
	sink += packed.n;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static const struct {
	const char *name;
	void (*work)(void);
} works[] = {
	{ "step_plain_ns", run_plain },
	{ "step_wake_ns", run_wake },
	{ "memcpy_ns", run_memcpy },
};

static void
open_one(void)
{
	struct am_event ev = event(AM_EV_OPENED, T0, facts, AM_COUNT(facts));
	struct am_complaint none = { .id = ev.complaint_id };
	struct am_update up = { .arena = &arena };

	if (am_step(def, &none, &ev, T0, &up) != 0 || up.verdict != AM_APPLIED)
		die("the complaint was not opened");
	am_record_pack(&up.next, &packed);
	if (am_record_unpack(none.id, am_buf_str(&packed), &kept, &opened) != 0)
		die("the record does not unpack");
}

int
main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 100000;
	double ns[AM_COUNT(works)][RUNS];
	struct am_diag *diags;
	size_t diags_n;

	if (rounds < 1)
		die("usage: step_bench [ROUNDS]");
	conf = am_conf_load("tests/trace/bank.conf", T0, &diags, &diags_n);
	if (conf == NULL)
		die("tests/trace/bank.conf does not load");
	def = conf->loops[0];
	am_arena_init(&arena, 1 << 20);
	am_arena_init(&kept, 0);
	am_buf_init(&packed);
	open_one();
	for (size_t run = 0; run < RUNS; run++) {
		for (size_t w = 0; w < AM_COUNT(works); w++) {
			int64_t start = now_ns();

			for (long k = 0; k < rounds; k++)
				works[w].work();
			ns[w][run] =
			    (double)(now_ns() - start) / (double)rounds;
		}
	}
	for (size_t w = 0; w < AM_COUNT(works); w++) {
		qsort(ns[w], RUNS, sizeof(ns[w][0]), by_value);
		printf("%s=%.0f ", works[w].name, ns[w][RUNS / 2]);
	}
	printf("record_bytes=%zu\n", packed.n);
	am_buf_fini(&packed);
	am_arena_fini(&kept);
	am_arena_fini(&arena);
	am_conf_unref(conf);
	return sink == 0;
}
