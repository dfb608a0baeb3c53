/*
 * followup_test - ids, endpoints, order, superseding, ends, bodies.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/unit/fixture.h"

static struct fix f;

static int
setup(void **state)
{
	(void)state;
	fix_init(&f, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fix_fini(&f);
	return 0;
}

static const struct am_followup *
born(const char *rung)
{
	const struct am_followup *fu = f.up.followups;

	while (fu != NULL && !am_str_is(fu->rung_name, rung))
		fu = fu->next;
	return fu;
}

static const struct am_note *
note(const char *name)
{
	const struct am_note *n = f.up.notes;

	while (n != NULL && strcmp(n->name, name) != 0)
		n = n->next;
	return n;
}

static struct am_str
value(const struct am_note *n, const char *key)
{
	for (size_t i = 0; i < n->pairs_n; i++)
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	return AM_STR("");
}

static bool
body_has(const struct am_followup *fu, const char *text)
{
	return memmem(fu->body.p, fu->body.n, text, strlen(text)) != NULL;
}

static void
wake(void)
{
	struct fix_case *k = fix_case(&f, "C-1");

	fix_step(&f, "C-1", k->wake_at, "wake");
}

static void
opened(const char *more)
{
	char text[200];

	snprintf(text, sizeof(text),
	    "complaint.opened source=crm event_id=E-1 category=card %s", more);
	fix_step(&f, "C-1", FIX_START, text);
	fix_step(&f, "C-1", FIX_START, "complaint.acknowledged");
}

static void
ended(const struct am_waiting *w, const char *rest)
{
	char id[AM_FU_ID_LEN + 1], text[200];

	am_fu_id_format(w->id, id);
	snprintf(
	    text, sizeof(text), "followup.ended followup_id=%s %s", id, rest);
	fix_step(&f, "C-1", f.now + AM_SECOND, text);
}

static void
test_followup_id_text_and_bytes_agree(void **state)
{
	uint8_t id[16], back[16];
	char text[AM_FU_ID_LEN + 1];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		id[i] = (uint8_t)(i * 17 + 3);
	am_fu_id_format(id, text);
	assert_int_equal(strlen(text), AM_FU_ID_LEN);
	assert_int_equal(am_fu_id_parse(am_str_c(text), back), 0);
	assert_memory_equal(id, back, 16);
	assert_int_equal(am_fu_id_parse(AM_STR("short"), back), -AM_EINVAL);
	text[25] = '7'; /* bits beyond the 128 */
	assert_int_equal(am_fu_id_parse(am_str_c(text), back), -AM_EINVAL);
	text[25] = 'A';
	assert_int_equal(am_fu_id_parse(am_str_c(text), back), -AM_EINVAL);
}

/* The id is what design section 3 says; the vector was made by other code. */
static void
test_followup_id_comes_from_cause(void **state)
{
	char text[AM_FU_ID_LEN + 1];

	(void)state;
	opened("");
	wake();
	assert_non_null(born("warn"));
	am_fu_id_format(born("warn")->id, text);
	assert_string_equal(text, "rxj4mqngmikg4xxlbtwueb2vqa");
}

/* AU3: the body says why, and the words are the customer's language. */
static void
test_followup_body_says_why_in_the_customers_language(void **state)
{
	const struct am_followup *fu;

	(void)state;
	opened("locale=zh-CN owner=li");
	wake();
	fu = born("warn");
	assert_true(body_has(fu,
	    "{\"type\":\"followup.warn\",\"timestamp\":"
	    "\"2026-11-23T01:15:00.000Z\",\"data\":{\"complaint\":{"
	    "\"id\":\"C-1\",\"loop\":\"complaint@"));
	assert_true(body_has(fu,
	    "\"version\":2,\"stage\":\"listen\",\"status\":\"open\","
	    "\"cycle\":1,\"tier\":\"mid\",\"owner\":\"li\","
	    "\"category\":\"card\"}"));
	assert_true(body_has(fu, "\"rung\":\"warn\",\"clock\":\"listen\","
				 "\"reason\":\"warn_50\",\"to\":\"owner\","
				 "\"due_at\":\"2026-11-23T01:15:00.000Z\","
				 "\"fired_at\":\"2026-11-23T01:15:00.000Z\"}"));
	assert_true(body_has(fu, "\"lang\":\"zh\""));
	assert_true(body_has(fu, "投诉 C-1"));
	wake();
	assert_true(body_has(born("lapse"), "C-1 已超时:listen 应于 "
					    "2026-11-23 09:30 前完成。"));
	assert_true(body_has(born("lapse"), "\"reason\":\"stage_due\""));
	assert_true(
	    am_str_is(value(note("followup.queued"), "reason"), "stage_due"));
	wake();
	assert_true(body_has(born("escalate"), "\"reason\":\"rung_2\""));
	assert_true(
	    body_has(born("escalate"), "\"type\":\"followup.escalate\""));
}

/* DL6: what fires late says so. */
static void
test_followup_fired_late_shows_both_times(void **state)
{
	const struct am_note *n;

	(void)state;
	opened("");
	fix_step(&f, "C-1", FIX_START + 20 * AM_MINUTE, "wake");
	assert_int_equal(born("warn")->due_at, FIX_START + 15 * AM_MINUTE);
	assert_int_equal(born("warn")->fired_at, FIX_START + 20 * AM_MINUTE);
	n = note("deadline.warned");
	assert_true(am_str_is(value(n, "due_at"), "1795396500000"));
	assert_true(am_str_is(value(n, "fired_at"), "1795396800000"));
	assert_true(am_str_is(value(n, "pct"), "50"));
}

/* P5: the next one to an endpoint waits until the former has ended. */
static void
test_followups_to_one_endpoint_go_in_order(void **state)
{
	struct fix_case *k;

	(void)state;
	opened("");
	for (int i = 0; i < 4; i++)
		wake(); /* warn, lapse to crm; escalate, take to desk */
	k = fix_case(&f, "C-1");
	assert_int_equal(k->c.waiting_n, 3);
	assert_true(k->c.waiting[1].queued);
	assert_false(k->c.waiting[2].queued);
	assert_false(born("take")->queued);
	ended(&k->c.waiting[1], "state=delivered attempts=1 status=200");
	assert_true(k->c.waiting[1].queued);
	assert_non_null(f.up.changes);
	assert_true(f.up.changes->release);
	assert_memory_equal(f.up.changes->id, k->c.waiting[1].id, 16);
	assert_false(f.up.changed); /* an outcome is no business change */
	assert_true(
	    am_str_is(value(note("followup.delivered"), "status"), "200"));
}

static void
test_followup_lower_rung_makes_way_unless_it_is_on_the_wire(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");

	(void)state;
	opened("");
	wake();
	k->c.waiting[0].in_flight = true;
	wake();
	assert_int_equal(k->c.waiting_n, 2);
	assert_null(f.up.changes);
	assert_false(born("lapse")->queued);
	assert_non_null(memmem(f.up.line.p, f.up.line.n, "@in_flight", 10));
	ended(&k->c.waiting[0], "state=delivered");
	assert_int_equal(k->c.waiting_n, 1);
	assert_true(am_str_is(value(note("followup.delivered"), "late"), "no"));
}

static void
test_followup_on_the_wire_when_its_stage_ends_is_late(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");

	(void)state;
	opened("");
	wake();
	k->c.waiting[0].in_flight = true;
	fix_step(&f, "C-1", f.now, "stage.completed stage=listen");
	assert_int_equal(k->c.waiting_n, 1);
	assert_true(am_fu_over(&k->c, &k->c.waiting[0]));
	ended(&k->c.waiting[0], "state=delivered");
	assert_int_equal(k->c.waiting_n, 0);
	assert_true(
	    am_str_is(value(note("followup.delivered"), "late"), "yes"));
	/* DL7: none after the stage is done */
	assert_null(f.up.followups);
}

/* Design 7.2: the next of `via` only after the first is dead. */
static void
test_followup_dead_tries_the_next_endpoint(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");

	(void)state;
	opened("");
	for (int i = 0; i < 3; i++)
		wake();
	assert_true(am_str_is(k->c.waiting[1].endpoint, "desk"));
	ended(&k->c.waiting[1], "state=dead reason=http_410");
	assert_non_null(born("escalate"));
	assert_true(am_str_is(born("escalate")->endpoint, "crm"));
	assert_int_equal(born("escalate")->due_at, FIX_START + 45 * AM_MINUTE);
	assert_true(
	    am_str_is(value(note("followup.dead"), "reason"), "http_410"));
	ended(&k->c.waiting[1], "state=dead reason=http_410");
	assert_null(born("escalate")); /* crm was its last */
}

static void
test_followup_without_a_usable_endpoint_is_born_dead(void **state)
{
	struct am_loopdef def = *f.def;

	(void)state;
	def.clocks[AM_CLOCK_STAGE0].rungs[0].via[0].usable = false;
	f.def = &def;
	opened("");
	wake();
	assert_true(born("warn")->dead);
	assert_string_equal(born("warn")->dead_reason, "no_address");
	assert_int_equal(born("warn")->endpoint.n, 0);
	assert_true(born("warn")->body.n > 0);
	assert_int_equal(fix_case(&f, "C-1")->c.waiting_n, 0);
	assert_non_null(note("followup.dead"));
}

static void
test_followup_revived_waits_again_under_its_id(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");
	char id[AM_FU_ID_LEN + 1], text[200];

	(void)state;
	opened("");
	wake();
	am_fu_id_format(k->c.waiting[0].id, id);
	ended(&k->c.waiting[0], "state=dead reason=max_age");
	snprintf(text, sizeof(text),
	    "followup.revived followup_id=%s endpoint=crm clock=4 rung=0 "
	    "entry=1 cycle=1",
	    id);
	fix_step(&f, "C-1", f.now, text);
	assert_int_equal(f.up.verdict, AM_APPLIED);
	assert_int_equal(k->c.waiting_n, 1);
	assert_true(k->c.waiting[0].queued);
	assert_true(f.up.changes->release);
	fix_step(&f, "C-1", f.now, text);
	assert_string_equal(f.up.code, "already_done");
	fix_step(&f, "C-1", f.now, "followup.revived followup_id=x");
	assert_int_equal(f.up.verdict, AM_REJECTED);
}

/*
 * TI4: a follow-up stands in the class of the tier in which it was fired, for
 * good; one behind it goes after it all the same, whatever its own class.
 */
static void
test_followup_keeps_its_class_and_its_place_when_the_tier_changes(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");
	uint8_t first[16];

	(void)state;
	opened("tier=low");
	wake();
	assert_int_equal(born("warn")->class, 2);
	assert_int_equal(k->c.waiting[0].class, 2);
	memcpy(first, k->c.waiting[0].id, sizeof(first));
	fix_step(&f, "C-1", f.now, "complaint.updated tier=high");
	while (k->c.waiting_n < 2) {
		k->c.waiting[0].in_flight = true;
		wake();
	}
	assert_memory_equal(k->c.waiting[0].id, first, sizeof(first));
	assert_int_equal(k->c.waiting[0].class, 2);
	assert_int_equal(k->c.waiting[1].class, 0);
	assert_false(k->c.waiting[1].queued);
	ended(&k->c.waiting[0], "state=delivered");
	assert_true(f.up.changes->release);
	assert_int_equal(f.up.changes->class, 0);
	assert_true(k->c.waiting[0].queued);
}

/* A letter says its class; one of before there were classes says none. */
static void
test_followup_revived_goes_back_to_its_class(void **state)
{
	static const struct {
		const char *said;
		int class;
	} says[] = { { "", 0 }, { "class=0", 0 }, { "class=3", 3 },
		{ "class=4", -1 } };
	struct fix_case *k = fix_case(&f, "C-1");
	char id[AM_FU_ID_LEN + 1], text[200];

	(void)state;
	opened("");
	wake();
	am_fu_id_format(k->c.waiting[0].id, id);
	for (size_t i = 0; i < AM_COUNT(says); i++) {
		ended(&k->c.waiting[0], "state=dead reason=max_age");
		assert_int_equal(k->c.waiting_n, 0);
		snprintf(text, sizeof(text),
		    "followup.revived followup_id=%s endpoint=crm clock=4 "
		    "rung=0 entry=1 cycle=1 %s",
		    id, says[i].said);
		fix_step(&f, "C-1", f.now, text);
		if (says[i].class < 0) {
			assert_int_equal(f.up.verdict, AM_REJECTED);
			continue;
		}
		assert_int_equal(k->c.waiting[0].class, says[i].class);
		assert_int_equal(f.up.changes->class, says[i].class);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_followup_id_text_and_bytes_agree),
		T(test_followup_id_comes_from_cause),
		T(test_followup_body_says_why_in_the_customers_language),
		T(test_followup_fired_late_shows_both_times),
		T(test_followups_to_one_endpoint_go_in_order),
		T(test_followup_lower_rung_makes_way_unless_it_is_on_the_wire),
		T(test_followup_on_the_wire_when_its_stage_ends_is_late),
		T(test_followup_dead_tries_the_next_endpoint),
		T(test_followup_without_a_usable_endpoint_is_born_dead),
		T(test_followup_revived_waits_again_under_its_id),
		T(test_followup_keeps_its_class_and_its_place_when_the_tier_changes),
		T(test_followup_revived_goes_back_to_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
