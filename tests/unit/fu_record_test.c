/* fu_record_test - packed follow-ups: round trips and hostile bytes. */

#include "codec/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/rnd.h"

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

static struct am_str
rnd_str(size_t max)
{
	static const char text[] = "connect timed out after 5000 ms, 没解决 "
				   "http_503 crm sms";
	size_t n = rnd(max + 1);

	return (struct am_str){ text + rnd(sizeof(text) - n), n };
}

static am_ms
rnd_time(void)
{
	return rnd(6)	? 1795291848883 + (am_ms)rnd(AM_DAY)
	       : rnd(2) ? AM_NEVER
			: (am_ms)rnd64();
}

/* Now and then it is grouped, in a digest, or a digest itself. */
static void
rnd_groups(struct am_fu_record *f)
{
	f->catchup = rnd(2) != 0;
	if (rnd(2))
		f->group = rnd_str(20);
	if (rnd(4) == 0)
		f->digest = AM_STR("abcdefghijklmnopqrstuvwxyz");
	if (rnd(4) != 0)
		return;
	f->members_n = rnd(rnd(20) ? 5 : AM_MEMBERS_MAX + 1);
	f->members =
	    am_arena_zalloc(&arena, (f->members_n + 1) * sizeof(*f->members));
	for (size_t i = 0; i < f->members_n; i++) {
		f->members[i].id[15] = (uint8_t)rnd64();
		f->members[i].complaint = rnd_str(30);
	}
}

static void
rnd_progress(struct am_fu_record *f)
{
	f->class = (uint8_t)rnd(AM_FU_CLASSES);
	f->replayed = rnd(2) != 0;
	f->progress = (uint8_t)rnd(AM_FU_PROGRESS_N);
	if (f->progress != AM_FU_QUEUED)
		f->handed_at = rnd_time();
	f->provider_id = rnd_str(20);
	f->excerpt = rnd_str(40);
	f->body = rnd_str(40);
}

static void
rnd_record(struct am_fu_record *f, size_t attempts_n)
{
	*f = (struct am_fu_record){ .complaint = rnd_str(30) };
	for (size_t i = 0; i < sizeof(f->id); i++)
		f->id[i] = (uint8_t)rnd64();
	f->endpoint = rnd_str(10);
	f->rung_name = rnd_str(10);
	f->clock = (uint8_t)rnd(AM_CLOCKS_MAX);
	f->rung = (uint8_t)rnd64();
	f->entry = (uint16_t)rnd64();
	f->cycle = (uint16_t)rnd64();
	f->reason = (uint8_t)rnd(AM_REASONS_N);
	f->to = (uint8_t)rnd(AM_ROLES_N);
	f->tier = (uint8_t)rnd(256);
	f->due_at = rnd_time();
	f->fired_at = rnd_time();
	f->next_at = rnd_time();
	f->trace_id = rnd_str(40);
	f->attempts_total = (uint32_t)rnd64();
	f->attempts_n = attempts_n;
	f->attempts =
	    am_arena_zalloc(&arena, (attempts_n + 1) * sizeof(*f->attempts));
	for (size_t i = 0; i < attempts_n; i++) {
		struct am_attempt *t = &f->attempts[i];

		t->started = rnd_time();
		t->ended = rnd(3) ? rnd_time() : 0;
		t->result = (uint8_t)rnd(AM_TRY_UNCERTAIN + 1);
		t->status = (uint16_t)rnd64();
		t->error = rnd_str(30);
	}
	rnd_groups(f);
	rnd_progress(f);
}

/* The last n attempts of a are those of b. */
static void
same_record(
    const struct am_fu_record *a, const struct am_fu_record *b, size_t n)
{
	assert_memory_equal(a->id, b->id, sizeof(a->id));
	assert_true(am_str_eq(a->complaint, b->complaint));
	assert_true(am_str_eq(a->endpoint, b->endpoint));
	assert_true(am_str_eq(a->rung_name, b->rung_name));
	assert_true(am_str_eq(a->trace_id, b->trace_id));
	assert_int_equal(a->clock, b->clock);
	assert_int_equal(a->rung, b->rung);
	assert_int_equal(a->entry, b->entry);
	assert_int_equal(a->cycle, b->cycle);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->to, b->to);
	assert_int_equal(a->tier, b->tier);
	assert_int_equal(a->due_at, b->due_at);
	assert_int_equal(a->fired_at, b->fired_at);
	assert_int_equal(a->next_at, b->next_at);
	assert_int_equal(a->attempts_total, b->attempts_total);
	assert_int_equal(a->catchup, b->catchup);
	assert_true(am_str_eq(a->group, b->group));
	assert_true(am_str_eq(a->digest, b->digest));
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->replayed, b->replayed);
	assert_int_equal(a->progress, b->progress);
	assert_int_equal(a->handed_at, b->handed_at);
	assert_true(am_str_eq(a->provider_id, b->provider_id));
	assert_true(am_str_eq(a->excerpt, b->excerpt));
	assert_true(am_str_eq(a->body, b->body));
	assert_int_equal(a->members_n, b->members_n);
	for (size_t i = 0; i < a->members_n; i++) {
		assert_memory_equal(a->members[i].id, b->members[i].id, 16);
		assert_true(am_str_eq(
		    a->members[i].complaint, b->members[i].complaint));
	}
	assert_int_equal(b->attempts_n, n);
	for (size_t i = 0; i < n; i++) {
		const struct am_attempt *x =
		    &a->attempts[a->attempts_n - n + i];
		const struct am_attempt *y = &b->attempts[i];

		assert_int_equal(x->started, y->started);
		assert_int_equal(x->ended, y->ended);
		assert_int_equal(x->result, y->result);
		assert_int_equal(x->status, y->status);
		assert_true(am_str_eq(x->error, y->error));
	}
}

static char *
tight(const char *p, size_t n)
{
	char *copy = malloc(n != 0 ? n : 1);

	if (n != 0)
		memcpy(copy, p, n);
	return copy;
}

static void
pack(const struct am_fu_record *f)
{
	am_buf_reset(&packed);
	am_fu_record_pack(f, &packed);
}

static struct am_str
text_id(const struct am_fu_record *f)
{
	char *text = am_arena_alloc(&arena, AM_FU_ID_LEN + 1);

	am_fu_id_format(f->id, text);
	return (struct am_str){ text, AM_FU_ID_LEN };
}

/* Its first bytes tell when it was fired; fewer never tell wrong. */
static void
same_head(const struct am_fu_record *f, const char *bytes, size_t n)
{
	size_t cut = n < AM_FU_HEAD_BYTES ? n : AM_FU_HEAD_BYTES;
	am_ms at = 5;

	assert_int_equal(
	    am_fu_record_fired((struct am_str){ bytes, cut }, &at), 0);
	assert_int_equal(at, f->fired_at);
	cut = rnd(8);
	at = 5;
	assert_int_equal(
	    am_fu_record_fired((struct am_str){ bytes, cut }, &at), -AM_EINVAL);
	assert_int_equal(at, 5);
}

static void
test_fu_record_random_follow_ups_come_back_equal(void **state)
{
	(void)state;
	rnd_seed("fu_record round trip");
	for (int i = 0; i < 5000; i++) {
		struct am_fu_record f, back;
		char *bytes;

		am_arena_reset(&arena);
		rnd_record(&f, rnd(4) ? rnd(4) : rnd(AM_ATTEMPTS_KEPT + 1));
		pack(&f);
		bytes = tight(packed.p, packed.n);
		assert_int_equal(
		    am_fu_record_unpack(text_id(&f),
			(struct am_str){ bytes, packed.n }, &arena, &back),
		    0);
		same_record(&f, &back, f.attempts_n);
		same_head(&f, bytes, packed.n);
		free(bytes);
	}
}

static void
test_fu_record_many_attempts_keeps_the_last_32(void **state)
{
	struct am_fu_record f, back;

	(void)state;
	rnd_seed("fu_record attempts");
	am_arena_reset(&arena);
	rnd_record(&f, AM_ATTEMPTS_KEPT + 9);
	pack(&f);
	assert_int_equal(am_fu_record_unpack(
			     text_id(&f), am_buf_str(&packed), &arena, &back),
	    0);
	same_record(&f, &back, AM_ATTEMPTS_KEPT);
}

static void
test_fu_record_truncated_or_flipped_never_crashes(void **state)
{
	(void)state;
	rnd_seed("fu_record faults");
	for (int i = 0; i < 3000; i++) {
		struct am_fu_record f, back;
		struct am_str id;
		char *bytes;
		size_t n;

		am_arena_reset(&arena);
		rnd_record(&f, rnd(4));
		pack(&f);
		id = text_id(&f);
		for (n = 0; i < 30 && n < packed.n; n++) {
			bytes = tight(packed.p, n);
			assert_int_equal(
			    am_fu_record_unpack(
				id, (struct am_str){ bytes, n }, &arena, &back),
			    -AM_EINVAL);
			free(bytes);
		}
		am_buf_reserve(&packed, 8);
		n = rnd_mutate(
		    packed.p, packed.n, packed.n + 8, "\x01\x7f\x80\xff");
		bytes = tight(packed.p, n);
		if (am_fu_record_unpack(
			id, (struct am_str){ bytes, n }, &arena, &back) == 0)
			pack(&back); /* what is taken can be packed */
		free(bytes);
	}
}

static void
test_fu_record_bad_id_or_version_is_refused(void **state)
{
	struct am_fu_record f, back;
	struct am_str id;

	(void)state;
	rnd_seed("fu_record version");
	am_arena_reset(&arena);
	rnd_record(&f, 1);
	pack(&f);
	id = text_id(&f);
	assert_int_equal(am_fu_record_unpack(AM_STR("nonsense"),
			     am_buf_str(&packed), &arena, &back),
	    -AM_EINVAL);
	packed.p[0] = AM_RECORD_VERSION + 1;
	assert_int_equal(
	    am_fu_record_unpack(id, am_buf_str(&packed), &arena, &back),
	    -AM_EUNSUPPORTED);
	packed.p[0] = 0;
	assert_int_equal(
	    am_fu_record_unpack(id, am_buf_str(&packed), &arena, &back),
	    -AM_EINVAL);
}

/* One follow-up as each version has written it: what all of them have, what
 * came with version 2, what came with version 3, the body. */
#define OF_1                                                                   \
	"03432d310363726d056c61707365"                                         \
	"04010101020001e6f7dcfbbf68cf0f0002543101011405c801f703"               \
	"08687474705f353033"
#define OF_2                                                                   \
	"010763617463687570"                                                   \
	"0001cccccccccccccccccccccccccccccccc03432d32"
#define OF_3 "12d00f025031036f6f70"
#define BODY "027b7d"
#define FIRED ((am_ms)1795291848179)

static void
as_above(
    struct am_fu_record *f, struct am_attempt *t, struct am_fu_member *member)
{
	*t = (struct am_attempt){ .started = FIRED + 10,
		.ended = FIRED + 110,
		.result = AM_TRY_RETRY,
		.status = 503,
		.error = AM_STR("http_503") };
	*member = (struct am_fu_member){ .complaint = AM_STR("C-2") };
	memset(member->id, 0xcc, sizeof(member->id));
	*f = (struct am_fu_record){ .complaint = AM_STR("C-1"),
		.endpoint = AM_STR("crm"),
		.rung_name = AM_STR("lapse"),
		.clock = AM_CLOCK_STAGE0,
		.rung = 1,
		.entry = 1,
		.cycle = 1,
		.reason = 2,
		.tier = 1,
		.due_at = FIRED - 1000,
		.fired_at = FIRED,
		.next_at = FIRED,
		.trace_id = AM_STR("T1"),
		.attempts = t,
		.attempts_n = 1,
		.attempts_total = 1,
		.catchup = true,
		.group = AM_STR("catchup"),
		.members = member,
		.members_n = 1,
		.class = 2,
		.progress = AM_FU_ACCEPTED,
		.handed_at = FIRED + 1000,
		.provider_id = AM_STR("P1"),
		.excerpt = AM_STR("oop"),
		.body = AM_STR("{}") };
}

/* A daemon of this version must read what one of this version wrote; a new
 * layout needs a new version. */
static void
test_fu_record_version_3_layout_stays_as_it_is(void **state)
{
	struct am_fu_record f;
	struct am_attempt t;
	struct am_fu_member m;
	struct am_buf hex;

	(void)state;
	as_above(&f, &t, &m);
	pack(&f);
	am_buf_init(&hex);
	am_buf_addhex(&hex, (const uint8_t *)packed.p, packed.n);
	am_buf_addc(&hex, '\0');
	assert_string_equal(hex.p, "03" OF_1 OF_2 OF_3 BODY);
	f.replayed = true;
	pack(&f);
	assert_int_equal(packed.p[packed.n - 13], 0x10 | 0x08 | 2); /* OF_3 */
	am_buf_fini(&hex);
}

static void
reads_as(const char *old, const struct am_fu_record *want)
{
	struct am_str hex = am_str_c(old), s;
	struct am_fu_record back;
	uint8_t bytes[256];

	assert_int_equal(am_hex_parse(hex, bytes, hex.n / 2), 0);
	s = (struct am_str){ (const char *)bytes, hex.n / 2 };
	am_arena_reset(&arena);
	assert_int_equal(
	    am_fu_record_unpack(text_id(want), s, &arena, &back), 0);
	same_record(want, &back, want->attempts_n);
	pack(&back);
	assert_int_equal(packed.p[0], AM_RECORD_VERSION);
}

/* Of a daemon that knew less: what came later is empty, its class is 0, and it
 * is written in the present layout. */
static void
test_fu_record_version_1_and_2_still_read_and_are_written_as_3(void **state)
{
	struct am_fu_record f;
	struct am_attempt t;
	struct am_fu_member m;

	(void)state;
	as_above(&f, &t, &m);
	f.class = 0;
	f.progress = AM_FU_QUEUED;
	f.handed_at = 0;
	f.provider_id = f.excerpt = AM_STR("");
	reads_as("02" OF_1 OF_2 BODY, &f);
	f.catchup = false;
	f.group = AM_STR("");
	f.members_n = 0;
	reads_as("01" OF_1 BODY, &f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_fu_record_random_follow_ups_come_back_equal),
		cmocka_unit_test(
		    test_fu_record_many_attempts_keeps_the_last_32),
		cmocka_unit_test(
		    test_fu_record_truncated_or_flipped_never_crashes),
		cmocka_unit_test(test_fu_record_bad_id_or_version_is_refused),
		cmocka_unit_test(
		    test_fu_record_version_3_layout_stays_as_it_is),
		cmocka_unit_test(
		    test_fu_record_version_1_and_2_still_read_and_are_written_as_3),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
