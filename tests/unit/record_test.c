/* record_test - packed complaints: size, round trips, hostile bytes. */

#include "codec/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/rnd.h"

#define OPENED ((am_ms)1795291848883)

static struct am_arena arena;
static struct am_buf packed;

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 1 << 20);
	am_buf_init(&packed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_buf_fini(&packed);
	am_arena_fini(&arena);
	return 0;
}

/* A complaint just opened on the loop of reference.conf, mid tier. */
static void
plain(struct am_complaint *c, uint64_t *applied)
{
	static const struct {
		enum am_clock_slot slot;
		am_ms budget;
	} clocks[] = {
		{ AM_CLOCK_ACKNOWLEDGE, 15 * AM_MINUTE },
		{ AM_CLOCK_FINAL, 56 * AM_DAY },
		{ AM_CLOCK_STAGE0, 30 * AM_MINUTE },
	};

	*c = (struct am_complaint){ .id = AM_STR("C-20261121-00042"),
		.loop_ref = AM_STR("complaint@1f3a5c7e9b0d"),
		.status = AM_OPEN,
		.tier = 1,
		.cycle = 1,
		.version = 1,
		.seq = 1,
		.opened_at = OPENED,
		.category = AM_STR("billing"),
		.applied = applied,
		.applied_n = 1 };
	applied[0] = 0xfedcba9876543210u;
	for (size_t i = 0; i < AM_COUNT(clocks); i++)
		c->clocks[clocks[i].slot] = (struct am_clock){
			.state = AM_CLK_RUNNING,
			.entry = 1,
			.cause = applied[0],
			.started = OPENED,
			.budget = clocks[i].budget,
			.running_since = OPENED,
		};
	for (size_t i = 0; i < AM_CHAIN_LEN; i++)
		c->chain[i] = (uint8_t)(i * 17);
}

static struct am_str
pack(const struct am_complaint *c)
{
	am_buf_reset(&packed);
	am_record_pack(c, &packed);
	return am_buf_str(&packed);
}

/* A copy at the end of its own block: a read past it is seen. */
static char *
tight(struct am_str s)
{
	char *p = malloc(s.n != 0 ? s.n : 1);

	if (s.n != 0)
		memcpy(p, s.p, s.n);
	return p;
}

static void
same_str(struct am_str a, struct am_str b)
{
	assert_true(am_str_eq(a, b));
}

static void
same_clock(const struct am_clock *a, const struct am_clock *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->missed, b->missed);
	assert_int_equal(a->entry, b->entry);
	assert_int_equal(a->fired, b->fired);
	assert_int_equal(a->cause, b->cause);
	assert_int_equal(a->started, b->started);
	assert_int_equal(a->budget, b->budget);
	assert_int_equal(a->consumed, b->consumed);
	assert_int_equal(a->running_since, b->running_since);
	assert_int_equal(a->extra, b->extra);
	assert_int_equal(a->extensions, b->extensions);
}

static void
same_waiting(const struct am_waiting *a, const struct am_waiting *b)
{
	assert_memory_equal(a->id, b->id, sizeof(a->id));
	assert_int_equal(a->clock, b->clock);
	assert_int_equal(a->rung, b->rung);
	assert_int_equal(a->entry, b->entry);
	assert_int_equal(a->cycle, b->cycle);
	assert_int_equal(a->queued, b->queued);
	assert_int_equal(a->revived, b->revived);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->handed, b->handed);
	same_str(a->endpoint, b->endpoint);
}

static void
same_complaint(const struct am_complaint *a, const struct am_complaint *b)
{
	same_str(a->id, b->id);
	same_str(a->loop_ref, b->loop_ref);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->tier, b->tier);
	assert_int_equal(a->cycle, b->cycle);
	assert_int_equal(a->reopens, b->reopens);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->owed, b->owed);
	assert_int_equal(a->done, b->done);
	assert_int_equal(a->score, b->score);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->misses, b->misses);
	assert_int_equal(a->parts, b->parts);
	assert_int_equal(a->recourse, b->recourse);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->opened_at, b->opened_at);
	assert_int_equal(a->closed_at, b->closed_at);
	assert_int_equal(a->held_since, b->held_since);
	assert_int_equal(a->hold_until, b->hold_until);
	assert_int_equal(a->quiet_until, b->quiet_until);
	assert_int_equal(a->answered_at, b->answered_at);
	same_str(a->owner, b->owner);
	same_str(a->loop_owner, b->loop_owner);
	same_str(a->supervisor, b->supervisor);
	same_str(a->team, b->team);
	same_str(a->category, b->category);
	same_str(a->severity, b->severity);
	same_str(a->lang, b->lang);
	same_str(a->tz, b->tz);
	same_str(a->incident, b->incident);
	same_str(a->hold_reason, b->hold_reason);
	same_str(a->respondents, b->respondents);
	same_str(a->resolver, b->resolver);
	same_str(a->repeat_of, b->repeat_of);
	same_str(a->duplicates, b->duplicates);
	same_str(a->target, b->target);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		same_clock(&a->clocks[i], &b->clocks[i]);
	assert_int_equal(a->waiting_n, b->waiting_n);
	for (size_t i = 0; i < a->waiting_n; i++)
		same_waiting(&a->waiting[i], &b->waiting[i]);
	assert_int_equal(a->applied_n, b->applied_n);
	for (size_t i = 0; i < a->applied_n; i++)
		assert_int_equal(a->applied[i], b->applied[i]);
	assert_memory_equal(a->chain, b->chain, AM_CHAIN_LEN);
}

static void
test_record_plain_complaint_takes_at_most_108_bytes(void **state)
{
	struct am_complaint c, back;
	uint64_t applied[1];
	struct am_str s;

	(void)state;
	plain(&c, applied);
	s = pack(&c);
	printf("# a plain complaint takes %zu bytes\n", s.n);
	assert_in_range(s.n, 1, 100);
	assert_int_equal(s.p[0], AM_RECORD_VERSION);
	am_arena_reset(&arena);
	assert_int_equal(am_record_unpack(c.id, s, &arena, &back), 0);
	same_complaint(&c, &back);
}

/* What a plain complaint is packed as, behind the version: presence, status,
 * stage and tier; loop; cycle, version, seq, opened_at; category; applied;
 * clocks. Its waiting follow-ups, in the form of each version. The chain. */
#define PLAIN                                                                  \
	"0110"                                                                 \
	"09636f6d706c61696e741f3a5c7e9b0d"                                     \
	"010101e682ddfbbf68"                                                   \
	"0762696c6c696e67"                                                     \
	"011032547698badcfe"                                                   \
	"15010200911c01020081a09d09010200a138"
#define WAITING_2                                                              \
	"02"                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa090101010363726d"                     \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb8802ac020103736d73"
#define WAITING_3                                                              \
	"02"                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa09010101010363726d"                   \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb880203ac020103736d73"
#define CHAIN "00112233445566778899aabbccddeeff"

/* What waits in the layouts above. */
static void
let_wait(struct am_complaint *c, struct am_waiting w[2])
{
	w[0] = (struct am_waiting){ .clock = AM_CLOCK_STAGE0,
		.rung = 1,
		.entry = 1,
		.cycle = 1,
		.class = 1,
		.queued = true,
		.endpoint = AM_STR("crm") };
	w[1] = (struct am_waiting){ .clock = AM_CLOCK_STAGE0,
		.rung = 2,
		.entry = 300,
		.cycle = 1,
		.class = 3,
		.revived = true,
		.endpoint = AM_STR("sms") };
	memset(w[0].id, 0xaa, sizeof(w[0].id));
	memset(w[1].id, 0xbb, sizeof(w[1].id));
	c->waiting = w;
	c->waiting_n = 2;
}

static void
packs_as(const struct am_complaint *c, const char *want)
{
	struct am_str s = pack(c);
	struct am_buf hex;

	am_buf_init(&hex);
	am_buf_addhex(&hex, (const uint8_t *)s.p, s.n);
	am_buf_addc(&hex, '\0');
	assert_string_equal(hex.p, want);
	am_buf_fini(&hex);
}

/* A daemon of this version must read what one of this version wrote, so the
 * bytes themselves are held here; a new layout needs a new version. */
static void
test_record_version_3_layout_stays_as_it_is(void **state)
{
	struct am_complaint c;
	uint64_t applied[1];
	struct am_waiting w[2];

	(void)state;
	plain(&c, applied);
	packs_as(&c, "0301" PLAIN CHAIN);
	let_wait(&c, w);
	packs_as(&c, "0311" PLAIN WAITING_3 CHAIN);
}

/* What an earlier version wrote is read as having none of the later fields,
 * and is written in the present layout. */
static void
reads_as(const char *old, const struct am_complaint *want)
{
	struct am_complaint back;
	uint8_t bytes[256];
	struct am_str hex = am_str_c(old), s;

	assert_int_equal(am_hex_parse(hex, bytes, hex.n / 2), 0);
	s = (struct am_str){ (const char *)bytes, hex.n / 2 };
	am_arena_reset(&arena);
	assert_int_equal(am_record_unpack(want->id, s, &arena, &back), 0);
	same_complaint(want, &back);
	assert_int_equal(pack(&back).p[0], AM_RECORD_VERSION);
}

static void
test_record_version_1_and_2_still_read_and_are_written_as_3(void **state)
{
	struct am_complaint c;
	uint64_t applied[1];
	struct am_waiting w[2];

	(void)state;
	plain(&c, applied);
	reads_as("0101" PLAIN CHAIN, &c);
	reads_as("0201" PLAIN CHAIN, &c);
	let_wait(&c, w);
	w[0].class = w[1].class = 0; /* there were none */
	reads_as("0211" PLAIN WAITING_2 CHAIN, &c);
}

static void
test_record_class_that_is_none_is_refused(void **state)
{
	struct am_complaint c, back;
	uint64_t applied[1];
	struct am_waiting w[2];
	char *class;
	struct am_str s;

	(void)state;
	plain(&c, applied);
	let_wait(&c, w);
	s = pack(&c);
	class = packed.p + s.n - AM_CHAIN_LEN - 8; /* of the last */
	assert_int_equal(*class, 3);
	*class = AM_FU_CLASSES;
	assert_int_equal(am_record_unpack(c.id, s, &arena, &back), -AM_EINVAL);
}

static struct am_str
rnd_str(size_t max)
{
	static const char text[] = "the quick brown fox jumps over the lazy "
				   "dog, 没解决 a@0123456789 and once more";
	size_t n = rnd(max + 1);

	return (struct am_str){ text + rnd(sizeof(text) - n), n };
}

static am_ms
rnd_time(void)
{
	switch (rnd(8)) {
	case 0:
		return 0;
	case 1:
		return AM_NEVER;
	case 2:
		return (am_ms)rnd64();
	default:
		return OPENED + (am_ms)rnd(100 * AM_DAY) - 50 * AM_DAY;
	}
}

static am_ms
rnd_span(void)
{
	switch (rnd(6)) {
	case 0:
		return 0;
	case 1:
		return (am_ms)rnd64();
	case 2:
		return rnd(2) ? AM_NEVER : INT64_MIN;
	default:
		return (am_ms)rnd(1000) * (rnd(2) ? AM_SECOND : 1);
	}
}

static void
rnd_clock(struct am_clock *k, const struct am_complaint *c)
{
	*k = (struct am_clock){ .state = AM_CLK_OFF };
	if (rnd(3) == 0)
		return;
	k->state = (uint8_t)rnd(AM_CLK_OVER + 1);
	k->missed = rnd(2);
	k->entry = rnd(2) ? 1 : (uint16_t)rnd64();
	k->fired = rnd(2) ? 0 : (uint16_t)rnd64();
	k->cause = c->applied_n != 0 && rnd(2) ? c->applied[rnd(c->applied_n)]
		   : rnd(4)		       ? rnd64()
					       : 0;
	k->started = rnd_time();
	k->budget = rnd_span();
	k->consumed = rnd_span();
	if (k->state == AM_CLK_RUNNING)
		k->running_since = rnd(2) ? k->started : rnd_time();
	k->extensions = rnd(4) ? 0 : (uint8_t)(1 + rnd(UINT8_MAX));
	if (k->extensions != 0)
		k->extra = rnd_span();
}

static void
rnd_lists(struct am_complaint *c)
{
	c->applied_n = rnd(4) ? rnd(5) : rnd(AM_APPLIED_MAX + 1);
	c->applied =
	    am_arena_alloc(&arena, AM_APPLIED_MAX * sizeof(*c->applied));
	for (size_t i = 0; i < c->applied_n; i++)
		c->applied[i] = rnd64();
	c->waiting_n = rnd(4) ? rnd(4) : rnd(AM_WAITING_MAX + 1);
	c->waiting =
	    am_arena_zalloc(&arena, AM_WAITING_MAX * sizeof(*c->waiting));
	for (size_t i = 0; i < c->waiting_n; i++) {
		struct am_waiting *w = &c->waiting[i];

		for (size_t k = 0; k < sizeof(w->id); k++)
			w->id[k] = (uint8_t)rnd64();
		w->clock = (uint8_t)rnd(AM_CLOCKS_MAX);
		w->rung = (uint8_t)rnd64(); /* AM_RUNG_NOTICE too */
		w->entry = (uint16_t)rnd64();
		w->cycle = (uint16_t)rnd64();
		w->queued = rnd(2);
		w->revived = rnd(2);
		w->class = (uint8_t)rnd(AM_FU_CLASSES);
		w->handed = rnd(2);
		w->endpoint = rnd_str(20);
	}
}

static void
rnd_complaint(struct am_complaint *c)
{
	struct am_str *strings[] = { &c->owner, &c->loop_owner, &c->supervisor,
		&c->team, &c->category, &c->severity, &c->lang, &c->tz,
		&c->incident, &c->hold_reason, &c->respondents, &c->resolver,
		&c->repeat_of, &c->duplicates, &c->target };
	am_ms *instants[] = { &c->closed_at, &c->held_since, &c->hold_until,
		&c->quiet_until, &c->answered_at };
	uint8_t *calls[] = { &c->attempts, &c->misses, &c->parts,
		&c->recourse };
	uint16_t *small[] = { &c->reopens, &c->flags, &c->owed, &c->done };

	*c = (struct am_complaint){ .id = AM_STR("C-1") };
	c->loop_ref = rnd(2) ? AM_STR("complaint@1f3a5c7e9b0d") : rnd_str(40);
	c->status = (enum am_status)rnd(AM_CLOSED + 1);
	c->outcome = (enum am_outcome)rnd(AM_OUTCOMES_N);
	c->stage = (uint8_t)rnd(AM_STAGES_MAX);
	c->tier = (uint8_t)rnd(AM_TIERS_MAX);
	c->cycle = (uint16_t)rnd64();
	c->score = (uint8_t)rnd(6);
	c->version = (uint32_t)rnd64();
	c->seq = (uint32_t)rnd64();
	c->opened_at = rnd_time();
	for (size_t i = 0; i < AM_COUNT(small); i++)
		*small[i] = rnd(2) ? 0 : (uint16_t)rnd64();
	for (size_t i = 0; i < AM_COUNT(calls); i++)
		*calls[i] = rnd(2) ? 0 : (uint8_t)rnd64();
	for (size_t i = 0; i < AM_COUNT(instants); i++)
		*instants[i] = rnd(2) ? 0 : rnd_time();
	for (size_t i = 0; i < AM_COUNT(strings); i++)
		*strings[i] = rnd(3) ? rnd_str(20) : AM_STR("");
	rnd_lists(c);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		rnd_clock(&c->clocks[i], c);
	for (size_t i = 0; i < AM_CHAIN_LEN; i++)
		c->chain[i] = (uint8_t)rnd64();
}

static void
test_record_random_complaints_come_back_equal(void **state)
{
	struct am_complaint c, back;

	(void)state;
	rnd_seed("record round trip");
	for (int i = 0; i < 5000; i++) {
		struct am_buf again;
		struct am_str s;
		char *bytes;

		am_arena_reset(&arena);
		rnd_complaint(&c);
		s = pack(&c);
		bytes = tight(s);
		assert_int_equal(
		    am_record_unpack(
			c.id, (struct am_str){ bytes, s.n }, &arena, &back),
		    0);
		same_complaint(&c, &back);
		am_buf_init(&again);
		am_record_pack(&back, &again);
		same_str(s, am_buf_str(&again));
		am_buf_fini(&again);
		free(bytes);
	}
}

static void
test_record_what_means_nothing_is_not_packed(void **state)
{
	struct am_complaint c, back;
	uint64_t applied[1];
	struct am_waiting w = {
		.entry = 1, .cycle = 1, .endpoint = AM_STR("crm")
	};
	struct am_str s;
	char *first;
	size_t n;

	(void)state;
	plain(&c, applied);
	c.clocks[AM_CLOCK_ACKNOWLEDGE].state = AM_CLK_MET;
	c.clocks[AM_CLOCK_ACKNOWLEDGE].running_since = 0;
	c.waiting = &w;
	c.waiting_n = 1;
	s = pack(&c);
	first = tight(s);
	n = s.n;
	c.clocks[AM_CLOCK_ACKNOWLEDGE].running_since = OPENED + 5;
	w.in_flight = true;
	same_str(pack(&c), (struct am_str){ first, n });
	am_arena_reset(&arena);
	assert_int_equal(
	    am_record_unpack(c.id, am_buf_str(&packed), &arena, &back), 0);
	assert_int_equal(back.clocks[AM_CLOCK_ACKNOWLEDGE].running_since, 0);
	assert_false(back.waiting[0].in_flight);
	free(first);
}

static void
test_record_every_truncation_is_refused(void **state)
{
	struct am_complaint c, back;

	(void)state;
	rnd_seed("record truncation");
	for (int i = 0; i < 30; i++) {
		struct am_str s;

		am_arena_reset(&arena);
		rnd_complaint(&c);
		s = pack(&c);
		for (size_t n = 0; n < s.n; n++) {
			char *bytes = tight((struct am_str){ s.p, n });

			back.seq = 77;
			assert_int_equal(
			    am_record_unpack(c.id, (struct am_str){ bytes, n },
				&arena, &back),
			    -AM_EINVAL);
			assert_int_equal(back.seq, 77);
			free(bytes);
		}
		am_buf_addc(&packed, 0);
		assert_int_equal(
		    am_record_unpack(c.id, am_buf_str(&packed), &arena, &back),
		    -AM_EINVAL);
	}
}

/* Whatever is taken packs again, and to the same bytes from then on. */
static void
survives(struct am_str bytes)
{
	struct am_complaint c, back;
	struct am_buf again;

	am_arena_reset(&arena);
	if (am_record_unpack(AM_STR("C-1"), bytes, &arena, &c) != 0)
		return;
	am_buf_init(&again);
	am_record_pack(&c, &again);
	assert_int_equal(
	    am_record_unpack(AM_STR("C-1"), am_buf_str(&again), &arena, &back),
	    0);
	same_complaint(&c, &back);
	am_buf_fini(&again);
}

static void
test_record_flipped_bytes_never_crash(void **state)
{
	struct am_complaint c;

	(void)state;
	rnd_seed("record flips");
	for (int i = 0; i < 20000; i++) {
		struct am_str s;
		char *bytes;
		size_t n;

		am_arena_reset(&arena);
		rnd_complaint(&c);
		if (rnd(2)) {
			uint64_t applied[1];

			plain(&c, applied);
			s = pack(&c);
		} else {
			s = pack(&c);
		}
		am_buf_reserve(&packed, 8);
		n = rnd_mutate(packed.p, s.n, s.n + 8, "\x01\x7f\x80\xff");
		bytes = tight((struct am_str){ packed.p, n });
		survives((struct am_str){ bytes, n });
		free(bytes);
	}
}

static void
test_record_counts_beyond_the_bytes_allocate_nothing(void **state)
{
	struct am_complaint c;
	uint64_t applied[1];
	struct am_str s;

	(void)state;
	plain(&c, applied);
	c.category.n = 0;
	memset(c.clocks, 0, sizeof(c.clocks));
	s = pack(&c);
	/* …, count of applied, 8 bytes, no clocks, chain */
	assert_int_equal(s.p[s.n - AM_CHAIN_LEN - 1 - 8 - 1], 1);
	packed.p[s.n - AM_CHAIN_LEN - 1 - 8 - 1] = 100;
	am_arena_fini(&arena);
	assert_int_equal(am_record_unpack(c.id, s, &arena, &c), -AM_EINVAL);
	am_arena_reset(&arena);
}

static void
test_record_newer_version_is_unsupported(void **state)
{
	struct am_complaint c;
	uint64_t applied[1];
	struct am_str s;

	(void)state;
	plain(&c, applied);
	s = pack(&c);
	packed.p[0] = AM_RECORD_VERSION + 1;
	assert_int_equal(
	    am_record_unpack(c.id, s, &arena, &c), -AM_EUNSUPPORTED);
	assert_int_equal(
	    am_record_unpack(c.id, (struct am_str){ s.p, 1 }, &arena, &c),
	    -AM_EUNSUPPORTED);
	packed.p[0] = 0;
	assert_int_equal(am_record_unpack(c.id, s, &arena, &c), -AM_EINVAL);
	assert_int_equal(
	    am_record_unpack(c.id, (struct am_str){ NULL, 0 }, &arena, &c),
	    -AM_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_record_plain_complaint_takes_at_most_108_bytes),
		cmocka_unit_test(test_record_version_3_layout_stays_as_it_is),
		cmocka_unit_test(
		    test_record_version_1_and_2_still_read_and_are_written_as_3),
		cmocka_unit_test(test_record_class_that_is_none_is_refused),
		cmocka_unit_test(test_record_random_complaints_come_back_equal),
		cmocka_unit_test(test_record_what_means_nothing_is_not_packed),
		cmocka_unit_test(test_record_every_truncation_is_refused),
		cmocka_unit_test(test_record_flipped_bytes_never_crash),
		cmocka_unit_test(
		    test_record_counts_beyond_the_bytes_allocate_nothing),
		cmocka_unit_test(test_record_newer_version_is_unsupported),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
