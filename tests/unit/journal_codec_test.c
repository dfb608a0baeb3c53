/*
 * journal_codec_test - lines are read back, and folded into the same state.
 *
 * AU1: replaying a journal gives the same record byte for byte.
 * AU5: an edited line is found.
 */

#include "codec/journal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/str.h"
#include "codec/record.h"
#include "core/journal.h"
#include "tests/unit/rnd.h"

#define T0 ((am_ms)1795291848883)
#define LINES_MAX 256

static struct am_arena arena, steps;

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 1 << 20);
	am_arena_init(&steps, 1 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_arena_fini(&arena);
	am_arena_fini(&steps);
	return 0;
}

/* ---- a small loop: work, then confirm ---- */

static const struct am_zone_step utc_steps[] = { { INT64_MIN, 0 } };
static const struct am_zone utc = { "UTC", 1, utc_steps };

static struct am_clockdef
clock_of(const char *name, am_ms budget, int pct)
{
	struct am_clockdef k = {
		.name = name, .in_use = true, .budget = { AM_UNIT_TIME, budget }
	};

	for (size_t i = 0; i < AM_TIERS_MAX; i++)
		k.tier_budget[i].n = -1;
	k.rungs[0] = (struct am_rungdef){ .name = "lapse",
		.is_pct = true,
		.pct = pct,
		.to = AM_ROLE_OWNER,
		.reason = pct == 0 ? AM_REASON_ASK : AM_REASON_LAPSE,
		.via = { { "crm", true, true } },
		.via_n = 1 };
	k.rungs_n = 1;
	return k;
}

static const struct am_loopdef *
make_loop(void)
{
	static struct am_loopdef def;

	def = (struct am_loopdef){ .name = "small",
		.ref = "small@0123456789ab",
		.timezone = "UTC",
		.zone = &utc,
		.tiers = { "high", "low" },
		.tiers_n = 2,
		.default_tier = 1,
		.stages_n = 2,
		.hold_reasons = { "waiting_customer" },
		.hold_reasons_n = 1,
		.max_hold = { AM_UNIT_DAYS, 10 * AM_DAY },
		.contradict_window = AM_DAY,
		.retain = 90 * AM_DAY,
		.recourse_url = "" };
	def.stages[0] = (struct am_stagedef){ .name = "resolve",
		.kind = AM_STAGE_WORK,
		.requires = { "root_cause" },
		.requires_n = 1 };
	def.stages[1] = (struct am_stagedef){ .name = "confirm",
		.kind = AM_STAGE_CONFIRM,
		.reopen_to = 0,
		.reopen_at = 2,
		.reopen_window = 14 * AM_DAY,
		.max_reopens = 2 };
	def.clocks[AM_CLOCK_FINAL] = clock_of("final", 30 * AM_DAY, 100);
	def.clocks[AM_CLOCK_STAGE0] = clock_of("resolve", 2 * AM_HOUR, 100);
	def.clocks[AM_CLOCK_STAGE0 + 1] = clock_of("confirm", AM_DAY, 0);
	return &def;
}

static const struct am_loopdef *
lookup(void *arg, struct am_str ref)
{
	const struct am_loopdef *def = arg;

	return def != NULL && am_str_is(ref, def->ref) ? def : NULL;
}

/* ---- a life, written line by line ---- */

struct life {
	const struct am_loopdef *def;
	struct am_complaint state; /* unpacked from bytes, as in the daemon */
	struct am_str lines[LINES_MAX];
	size_t n;
	am_ms now;
	size_t events;
};

static void
keep_state(struct life *l, const struct am_complaint *next)
{
	struct am_buf b;

	am_buf_arena(&b, &arena, 256);
	am_record_pack(next, &b);
	assert_int_equal(
	    am_record_unpack(AM_STR("C-1"), am_buf_str(&b), &arena, &l->state),
	    0);
}

static void
tell(
    struct life *l, struct am_event *ev, const struct am_pair *fields, size_t n)
{
	struct am_update up = { .arena = &steps };
	struct am_str id = { am_arena_printf(&arena, "E-%zu", l->events), 0 };

	am_arena_reset(&steps);
	id.n = strlen(id.p);
	l->events++;
	ev->complaint_id = AM_STR("C-1");
	ev->source = AM_STR("crm");
	ev->event_id = id;
	ev->at = l->now;
	ev->occurred_at = AM_NEVER;
	ev->fields = fields;
	ev->fields_n = n;
	assert_int_equal(am_step(l->def, &l->state, ev, l->now, &up), 0);
	if (up.line.n == 0)
		return;
	assert_in_range(l->n, 0, LINES_MAX - 1);
	l->lines[l->n++] = am_arena_dup(&arena, up.line);
	keep_state(l, &up.next);
}

static void
open_life(struct life *l)
{
	static const struct am_pair fields[] = {
		{ { "category", 8 }, { "billing", 7 } },
		{ { "customer.phone", 14 }, { "+8613800138000", 14 } },
		{ { "owner", 5 }, { "li \"the\" 王", 12 } },
		{ { "respondents[0]", 14 }, { "wang", 4 } },
	};
	struct am_event ev = { .type = AM_EV_OPENED, .expected_version = -1 };

	am_arena_reset(&arena);
	*l = (struct life){
		.def = make_loop(), .state = { .id = { "C-1", 3 } }, .now = T0
	};
	tell(l, &ev, fields, AM_COUNT(fields));
	assert_int_equal(l->n, 1);
}

static void
deliver(struct life *l)
{
	char id[AM_FU_ID_LEN + 1];
	const struct am_pair fields[] = {
		{ AM_STR("followup_id"), { id, AM_FU_ID_LEN } },
		{ AM_STR("state"), AM_STR("delivered") },
		{ AM_STR("attempts"), AM_STR("1") },
	};
	struct am_event ev = { .type = AM_EV_FOLLOWUP_ENDED,
		.expected_version = -1 };

	am_fu_id_format(l->state.waiting[0].id, id);
	tell(l, &ev, fields, AM_COUNT(fields));
}

static void
live_on(struct life *l)
{
	static const struct am_pair completed[] = {
		{ { "stage", 5 }, { "resolve", 7 } },
		{ { "root_cause", 10 }, { "secret text", 11 } },
	};
	static const struct am_pair held[] = {
		{ { "reason", 6 }, { "waiting_customer", 16 } },
	};
	static const struct am_pair answers[][2] = {
		{ { { "verdict", 7 }, { "satisfied", 9 } },
		    { { "score", 5 }, { "5", 1 } } },
		{ { { "verdict", 7 }, { "unsatisfied", 11 } },
		    { { "score", 5 }, { "1", 1 } } },
	};
	static const struct am_pair assigned[] = {
		{ { "owner", 5 }, { "wang", 4 } },
		{ { "role", 4 }, { "owner", 5 } },
	};
	struct am_event ev = { .expected_version = -1 };

	l->now += (am_ms)rnd(3 * AM_HOUR);
	for (size_t i = 0; i < l->state.waiting_n; i++)
		l->state.waiting[i].in_flight = rnd(3) == 0;
	switch (rnd(9)) {
	case 0:
	case 1:
		ev.type = AM_EV_STAGE_COMPLETED;
		ev.actor_id = AM_STR("li");
		ev.actor_role = AM_STR("agent");
		tell(l, &ev, completed, 2);
		break;
	case 2:
		ev.type = AM_EV_HELD;
		tell(l, &ev, held, 1);
		break;
	case 3:
		ev.type = AM_EV_RESUMED;
		tell(l, &ev, NULL, 0);
		break;
	case 4:
		ev.type = AM_EV_ANSWERED;
		ev.negative = rnd(4) == 0;
		tell(l, &ev, answers[rnd(2)], 2);
		break;
	case 5:
		ev.type = AM_EV_ASSIGNED;
		ev.expected_version = rnd(2) ? 1 : -1;
		tell(l, &ev, assigned, 2);
		break;
	case 6:
		if (l->state.waiting_n != 0)
			deliver(l);
		break;
	default:
		ev.type = AM_EV_WAKE;
		tell(l, &ev, NULL, 0);
	}
}

static int
replay(const struct life *l, size_t n, struct am_complaint *end, uint32_t *bad)
{
	return am_journal_replay(AM_STR("C-1"), l->lines, n, lookup,
	    (void *)l->def, &arena, end, bad);
}

static void
same_bytes(const struct am_complaint *a, const struct am_complaint *b)
{
	struct am_buf x, y;

	am_buf_init(&x);
	am_buf_init(&y);
	am_record_pack(a, &x);
	am_record_pack(b, &y);
	assert_int_equal(x.n, y.n);
	assert_memory_equal(x.p, y.p, x.n);
	am_buf_fini(&x);
	am_buf_fini(&y);
}

static void
test_journal_au1_random_lives_replay_to_the_same_bytes(void **state)
{
	(void)state;
	rnd_seed("journal replay");
	for (int i = 0; i < 200; i++) {
		struct am_complaint end;
		uint32_t bad = 7;
		struct life l;

		open_life(&l);
		for (size_t k = rnd(30); k > 0; k--)
			live_on(&l);
		assert_int_equal(replay(&l, l.n, &end, &bad), 0);
		assert_int_equal(bad, 7);
		same_bytes(&end, &l.state);
	}
}

static void
test_journal_au5_an_edited_line_is_found(void **state)
{
	(void)state;
	rnd_seed("journal edits");
	for (int i = 0; i < 300; i++) {
		struct am_complaint end = { .seq = 77 };
		size_t line, at;
		uint32_t bad;
		struct life l;
		char *p;

		open_life(&l);
		for (size_t k = 12; k > 0; k--)
			live_on(&l);
		line = rnd(l.n);
		at = rnd(l.lines[line].n);
		p = (char *)l.lines[line].p;
		p[at] = (char)(p[at] ^ 1 << rnd(8));
		assert_int_equal(replay(&l, l.n, &end, &bad), -AM_ECONFLICT);
		assert_int_equal(bad, line + 1);
		assert_int_equal(end.seq, 77);
	}
}

/* Who can write to Redis can make the hashes fit; the step still knows. */
static void
test_journal_au5_a_line_rehashed_after_an_edit_is_found(void **state)
{
	static const char was[] = "\"verdict\":\"applied\"";
	static const char now[] = "\"verdict\":\"ignored\"";
	uint8_t prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN], digest[32];
	struct am_complaint end;
	struct am_sha256 sha;
	struct am_buf b;
	uint32_t bad;
	struct life l;
	size_t body;
	char *at;

	(void)state;
	open_life(&l);
	am_buf_arena(&b, &arena, 1024);
	am_buf_addstr(&b, l.lines[0]);
	am_buf_addc(&b, '\0');
	at = strstr(b.p, was);
	assert_non_null(at);
	memcpy(at, now, sizeof(now) - 1);
	body = (size_t)(strstr(b.p, ",\"h\":") - b.p);
	am_sha256_init(&sha);
	am_sha256_add(&sha, b.p, body);
	am_sha256_end(&sha, digest);
	b.n = body;
	am_buf_adds(&b, ",\"h\":\"");
	am_buf_addhex(&b, digest, AM_CHAIN_LEN);
	am_buf_adds(&b, "\"}");
	l.lines[0] = am_buf_str(&b);
	assert_true(am_journal_line_ok(l.lines[0], prev, h));
	assert_int_equal(replay(&l, 1, &end, &bad), -AM_ECONFLICT);
	assert_int_equal(bad, 1);
}

static void
test_journal_missing_or_swapped_lines_are_found(void **state)
{
	struct am_complaint end;
	struct am_str line;
	uint32_t bad;
	struct life l;

	(void)state;
	rnd_seed("journal order");
	open_life(&l);
	for (size_t k = 0; l.n < 4; k++) {
		assert_in_range(k, 0, 1000);
		live_on(&l);
	}
	line = l.lines[2];
	l.lines[2] = l.lines[1];
	l.lines[1] = line;
	assert_int_equal(replay(&l, l.n, &end, &bad), -AM_ECONFLICT);
	assert_int_equal(bad, 2);
	memmove(&l.lines[0], &l.lines[1], 3 * sizeof(l.lines[0]));
	assert_int_equal(replay(&l, l.n - 1, &end, &bad), -AM_ECONFLICT);
	assert_int_equal(bad, 1);
}

static void
test_journal_replay_of_unknown_loop_says_so(void **state)
{
	struct am_complaint end;
	uint32_t bad = 0;
	struct life l;

	(void)state;
	open_life(&l);
	l.def = NULL;
	assert_int_equal(replay(&l, l.n, &end, &bad), -AM_ENOENT);
	assert_int_equal(bad, 1);
	assert_int_equal(replay(&l, 0, &end, &bad), 0);
	assert_int_equal(end.status, AM_NONE);
}

#define PREV "\"prev\":\"00112233445566778899aabbccddeeff\""
#define HASH "\"h\":\"ffeeddccbbaa99887766554433221100\""
#define HEAD                                                                   \
	"{\"seq\":3,\"v\":2,\"now\":1795291848884,\"at\":1795291848883,"       \
	"\"event\":\"stage.completed\",\"source\":\"crm\",\"event_id\":\"E-"   \
	"9\","

static void
test_journal_line_gives_every_part_back(void **state)
{
	struct am_journal_entry e;
	struct am_str line = AM_STR(HEAD
	    "\"actor\":\"li\",\"role\":\"agent\",\"expect\":1,\"negative\":"
	    "true,"
	    "\"in\":{\"stage\":\"listen\",\"apology.by\":\"a \\\"b\\\"\"},"
	    "\"verdict\":\"ignored\",\"code\":\"already_done\",\"do\":[{\"n\":"
	    "\"stage.met\",\"stage\":\"listen\",\"at\":\"1\"},{\"n\":"
	    "\"stage.entered\"},{\"n\":\"x\",\"k\":\"\"}]," PREV "," HASH "}");

	(void)state;
	am_arena_reset(&arena);
	assert_int_equal(am_journal_parse(line, &arena, &e), 0);
	assert_int_equal(e.seq, 3);
	assert_int_equal(e.version, 2);
	assert_int_equal(e.now, T0 + 1);
	assert_int_equal(e.event.at, T0);
	assert_int_equal(e.event.type, AM_EV_STAGE_COMPLETED);
	assert_true(am_str_is(e.event.source, "crm"));
	assert_true(am_str_is(e.event.event_id, "E-9"));
	assert_true(am_str_is(e.event.actor_id, "li"));
	assert_true(am_str_is(e.event.actor_role, "agent"));
	assert_int_equal(e.event.expected_version, 1);
	assert_true(e.event.negative);
	assert_int_equal(e.event.fields_n, 2);
	assert_true(am_str_is(am_event_get(&e.event, "apology.by"), "a \"b\""));
	assert_true(am_str_is(e.verdict, "ignored"));
	assert_true(am_str_is(e.code, "already_done"));
	assert_int_equal(e.prev[1], 0x11);
	assert_int_equal(e.h[1], 0xee);
	assert_string_equal(e.notes->name, "stage.met");
	assert_int_equal(e.notes->pairs_n, 2);
	assert_true(am_str_is(e.notes->pairs[0].value, "listen"));
	assert_string_equal(e.notes->next->name, "stage.entered");
	assert_int_equal(e.notes->next->pairs_n, 0);
	assert_int_equal(e.notes->next->next->pairs_n, 1);
	assert_null(e.notes->next->next->next);
}

static void
test_journal_lines_that_are_not_ours_are_refused(void **state)
{
	/* clang-format off */
	static const char *const bad[] = {
		"", "{}", "nonsense",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[]," PREV "}",
		HEAD "\"in\":{},\"do\":[]," PREV "," HASH "}",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[{\"x\":\"y\"}]," PREV "," HASH "}",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[\"x\"]," PREV "," HASH "}",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[[\"x\"]]," PREV "," HASH "}",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[{\"n\":\"a\",\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,\"11\":1,\"12\":1,\"13\":1}]," PREV "," HASH "}",
		HEAD "\"in\":1,\"verdict\":\"applied\",\"do\":[]," PREV "," HASH "}",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[],\"prev\":\"00\"," HASH "}",
		HEAD "\"in\":{},\"verdict\":\"applied\",\"more\":1,\"do\":[]," PREV "," HASH "}",
		HEAD "\"in\":{},\"expect\":\"x\",\"verdict\":\"applied\",\"do\":[]," PREV "," HASH "}",
	};
	/* clang-format on */
	struct am_journal_entry e = { .seq = 77 };

	(void)state;
	am_arena_reset(&arena);
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		if (am_journal_parse(am_str_c(bad[i]), &arena, &e) !=
		    -AM_EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.seq, 77);
	}
	assert_int_equal(
	    am_journal_parse(
		am_str_c(
		    HEAD "\"in\":{},\"verdict\":\"applied\",\"do\":[]," PREV
			 "," HASH "}"),
		&arena, &e),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_line_gives_every_part_back),
		cmocka_unit_test(
		    test_journal_lines_that_are_not_ours_are_refused),
		cmocka_unit_test(
		    test_journal_au1_random_lives_replay_to_the_same_bytes),
		cmocka_unit_test(test_journal_au5_an_edited_line_is_found),
		cmocka_unit_test(
		    test_journal_au5_a_line_rehashed_after_an_edit_is_found),
		cmocka_unit_test(
		    test_journal_missing_or_swapped_lines_are_found),
		cmocka_unit_test(test_journal_replay_of_unknown_loop_says_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
