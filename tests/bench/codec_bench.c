/*
 * codec_bench - nanoseconds of what the hot path does with bytes: a flat entry
 * and a JSON envelope become events, a complaint is packed and unpacked.
 *
 *   codec_bench [ROUNDS]
 *
 * Prints name=value pairs; each is the median of 9 runs.
 */

#include "base/str.h"
#include "codec/json.h"
#include "codec/record.h"
#include "intake/event.h"
#include "tests/bench/limit.h"

#define RUNS 9
#define T0 ((am_ms)1795291848883)

static struct am_arena arena;
static struct am_buf packed;
static size_t sink; /* keeps the work from being thrown away */

#define P(k, v)                                                                \
	{                                                                      \
		{ k, sizeof(k) - 1 },                                          \
		{                                                              \
			v, sizeof(v) - 1                                       \
		}                                                              \
	}

static const struct am_pair flat[] = {
	P("event", "complaint.opened"),
	P("complaint_id", "C-20261121-00042"),
	P("event_id", "E-0000000000042"),
	P("source", "crm"),
	P("customer.phone", "+8613800138000"),
	P("customer.name", "王小明"),
	P("category", "billing"),
	P("summary", "charged twice for the same order in November"),
	P("channel", "phone"),
	P("order_ref", "O-998877"),
	P("actor.id", "li"),
	P("actor.role", "agent"),
};

static const char json[] =
    "{\"event\":\"complaint.opened\",\"complaint_id\":\"C-20261121-00042\","
    "\"event_id\":\"E-0000000000042\",\"source\":\"crm\",\"actor\":{\"id\":"
    "\"li\",\"role\":\"agent\"},\"customer\":{\"phone\":\"+8613800138000\","
    "\"name\":\"王小明\"},\"category\":\"billing\",\"summary\":\"charged "
    "twice for the same order\",\"channel\":\"phone\",\"order_ref\":"
    "\"O-998877\"}";

static void
decode(const struct am_pair *pairs, size_t n)
{
	static const struct am_decode_opts opts = { .now = T0,
		.max_skew = 5000 };
	struct am_reject why;
	struct am_event ev;

	am_arena_reset(&arena);
	if (am_event_decode(AM_STR("1795291848883-0"), pairs, n, &opts, &arena,
		&ev, &why) != 0)
		die("%s: %s", why.code, why.text);
	sink += ev.fields_n;
}

static void
run_flat(void)
{
	decode(flat, AM_COUNT(flat));
}

static void
run_json(void)
{
	struct am_pair pair = { AM_STR("json"), { json, sizeof(json) - 1 } };

	decode(&pair, 1);
}

static void
run_flatten(void)
{
	const struct am_pair *pairs;
	char what[200];
	size_t n;

	am_arena_reset(&arena);
	if (am_json_flatten((struct am_str){ json, sizeof(json) - 1 }, 256,
		&arena, &pairs, &n, what) != 0)
		die("%s", what);
	sink += n;
}

static struct am_complaint complaint = { .id = { "C-20261121-00042", 16 },
	.loop_ref = { "complaint@1f3a5c7e9b0d", 22 },
	.status = AM_OPEN,
	.cycle = 1,
	.version = 1,
	.seq = 1,
	.opened_at = T0,
	.category = { "billing", 7 } };

static void
fill_complaint(void)
{
	static const size_t slots[] = { AM_CLOCK_ACKNOWLEDGE, AM_CLOCK_FINAL,
		AM_CLOCK_STAGE0 };
	static uint64_t applied[1] = { 0xfedcba9876543210u };

	complaint.applied = applied;
	complaint.applied_n = 1;
	for (size_t i = 0; i < AM_COUNT(slots); i++)
		complaint.clocks[slots[i]] =
		    (struct am_clock){ .state = AM_CLK_RUNNING,
			    .entry = 1,
			    .cause = applied[0],
			    .started = T0,
			    .budget = 30 * AM_MINUTE,
			    .running_since = T0 };
}

static void
run_pack(void)
{
	am_buf_reset(&packed);
	am_record_pack(&complaint, &packed);
	sink += packed.n;
}

static void
run_unpack(void)
{
	struct am_complaint c;

	am_arena_reset(&arena);
	if (am_record_unpack(complaint.id, am_buf_str(&packed), &arena, &c) !=
	    0)
		die("the record does not unpack");
	sink += c.seq;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const char *name, void (*work)(void), long rounds)
{
	double ns[RUNS];

	for (size_t i = 0; i < RUNS; i++) {
		int64_t start = now_ns();

		for (long k = 0; k < rounds; k++)
			work();
		ns[i] = (double)(now_ns() - start) / (double)rounds;
	}
	qsort(ns, RUNS, sizeof(*ns), by_value);
	printf("%s=%.0f ", name, ns[RUNS / 2]);
}

int
main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 100000;

	if (rounds < 1)
		die("usage: codec_bench [ROUNDS]");
	am_arena_init(&arena, 1 << 20);
	am_buf_init(&packed);
	fill_complaint();
	measure("decode_flat_ns", run_flat, rounds);
	measure("decode_json_ns", run_json, rounds);
	measure("flatten_json_ns", run_flatten, rounds);
	measure("record_pack_ns", run_pack, rounds);
	measure("record_unpack_ns", run_unpack, rounds);
	printf("record_bytes=%zu json_bytes=%zu\n", packed.n, sizeof(json) - 1);
	am_buf_fini(&packed);
	am_arena_fini(&arena);
	return sink == 0;
}
