/*
 * saying_test - what no rung of conf says, in words that the loop gives it: the
 * text, subject and template of a message in place of the built-in ones.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/followup.h"
#include "core/tmpl.h"
#include "tests/unit/told.h"

#define CONFIRM (AM_CLOCK_STAGE0 + 2)

static struct am_arena arena;
static struct am_message longer, other;
static struct am_message_template template;

static const struct am_tmpl *
tmpl(const char *text)
{
	const struct am_tmpl *t;
	char what[200];

	assert_int_equal(am_tmpl_parse(&arena, am_str_c(text), &t, what), 0);
	return t;
}

static void
give(struct told *w, size_t saying, const struct am_message *m)
{
	w->def.sayings[saying].message_name = m->name;
	w->def.sayings[saying].message = m;
}

static int
setup(void **state)
{
	longer = (struct am_message){ .name = "longer",
		.text = tmpl("ours of {complaint.id}: {clock.due}") };
	longer.langs[0] =
	    (struct am_message_lang){ "zh", tmpl("我们的"), NULL };
	longer.langs_n = 1;
	other = (struct am_message){ .name = "other",
		.text = tmpl("to whoever looks after it") };
	return told_setup(state);
}

static const struct am_followup *
extended(struct told *w, const char *more)
{
	const struct am_followup *f;

	told_open(w, more);
	told_step(w, AM_HOUR,
	    "deadline.extended clock=listen by=1h approver=sun notice=yes");
	f = told_born(w, "extended:customer");
	assert_non_null(f);
	return f;
}

static void
test_saying_without_words_is_built_in(void **state)
{
	const struct am_followup *f = extended(*state, "owner=li");

	assert_true(told_body_has(f,
	    "\"message\":{\"text\":\"Your complaint C-1 takes longer than we "
	    "said: until 2026-11-23 12:00. We are sorry.\",\"lang\":\"en\"}"));
}

static void
test_saying_with_words_says_them_and_others_stay_built_in(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	give(w, AM_NOTICE_EXTENDED, &longer);
	f = extended(w, "owner=li");
	assert_true(told_body_has(f, "\"reason\":\"extended\""));
	assert_true(told_body_has(f, "\"type\":\"followup.inform\""));
	assert_true(told_body_has(
	    f, "\"text\":\"ours of C-1: 2026-11-23 12:00\",\"lang\":\"und\""));
	told_step(w, 90 * AM_MINUTE,
	    "complaint.withdrawn by=customer reason='no more'");
	assert_true(told_body_has(
	    told_born(w, "withdrawn:customer"), "You have withdrawn"));
}

static void
test_saying_with_words_speaks_the_customers_language(void **state)
{
	struct told *w = *state;

	give(w, AM_NOTICE_EXTENDED, &longer);
	assert_true(told_body_has(extended(w, "owner=li locale=zh-CN"),
	    "\"text\":\"我们的\",\"lang\":\"zh\""));
}

/* By a gateway of approved templates it goes out as one; without words it is
 * dead there, and the next channel takes it. */
static void
test_saying_with_a_template_goes_by_a_gateway_that_takes_those(void **state)
{
	struct told *w = *state;
	struct am_rungdef *r = &w->def.clocks[AM_CLOCK_FINAL].rungs[1];
	const struct am_followup *f;

	r->via[0].is_text = true;
	r->via[0].provider = "aliyun";
	w->def.clocks[AM_CLOCK_INFORM].rungs_n = 0; /* lends its channel */
	template = (struct am_message_template){ .provider = "aliyun",
		.id = "SMS_9",
		.params = { { "due", tmpl("{clock.due}") } },
		.params_n = 1 };
	longer.templates = &template;
	longer.templates_n = 1;
	longer.subject = tmpl("News of {complaint.id}");
	give(w, AM_NOTICE_EXTENDED, &longer);
	f = extended(w, "owner=li");
	assert_true(am_str_is(f->endpoint, "text"));
	assert_true(told_body_has(f,
	    "\"subject\":\"News of C-1\",\"template\":{\"id\":\"SMS_9\","
	    "\"params\":[{\"name\":\"due\",\"value\":\"2026-11-23 12:00\"}]}"));
	told_step(w, 90 * AM_MINUTE,
	    "complaint.withdrawn by=customer reason='no more'");
	assert_true(
	    am_str_is(told_born(w, "withdrawn:customer")->endpoint, "letter"));
	assert_non_null(
	    told_note(w, "channel.skipped", "reason", "no_template"));
}

/* ES7: a digest has no template, so what goes by those is not grouped. */
static void
test_saying_by_a_template_is_in_no_digest(void **state)
{
	struct told *w = *state;
	struct am_rungdef *r = &w->def.clocks[AM_CLOCK_STAGE0 + 1].rungs[0];

	told_open(w, "owner=li incident=I-7");
	told_step(w, AM_HOUR, "wake");
	assert_true(am_str_is(told_born(w, "warn")->group, "incident:I-7"));
	told_step(w, AM_HOUR, "stage.completed stage=listen");
	r->via[0].is_text = true;
	r->via[0].provider = "aliyun";
	template =
	    (struct am_message_template){ .provider = "aliyun", .id = "SMS_9" };
	longer.templates = &template;
	longer.templates_n = 1;
	r->message = &longer;
	told_step(w, 11 * AM_HOUR, "wake");
	assert_non_null(told_born(w, "lapse"));
	assert_false(told_born(w, "lapse")->dead);
	assert_int_equal(told_born(w, "lapse")->group.n, 0);
}

/* A person who is told in place of the customer does not get their words. */
static void
test_saying_of_a_hold_depends_on_who_is_waited_for(void **state)
{
	struct told *w = *state;
	struct am_clockdef *hold = &w->def.clocks[AM_CLOCK_HOLD];
	const struct am_followup *f;

	hold->rungs[0].message = hold->rungs[1].message = &longer;
	give(w, AM_SAYING_HOLD, &longer);
	told_open(w, "owner=li");
	told_step(w, 0, "complaint.held reason=waiting_third_party");
	told_step(w, AM_HOUR, "wake");
	f = told_born(w, "hold-1");
	assert_int_equal(f->to, AM_ROLE_OWNER);
	assert_true(told_body_has(f, "has been on hold since"));
	give(w, AM_SAYING_HOLD_OWNER, &other);
	told_step(w, 4 * AM_HOUR, "wake");
	assert_true(told_body_has(told_born(w, "hold-2"), "to whoever looks"));
	told_step(w, 5 * AM_HOUR, "complaint.resumed");
	told_step(w, 5 * AM_HOUR, "complaint.held reason=waiting_customer");
	told_step(w, 6 * AM_HOUR, "wake");
	f = told_born(w, "hold-1");
	assert_int_equal(f->to, AM_ROLE_CUSTOMER);
	assert_true(told_body_has(f, "ours of C-1"));
}

/* Whatever carries it, on every channel: a rung that is told, a notice. */
static void
test_saying_of_a_contradiction_is_said_by_the_rung_that_is_told(void **state)
{
	struct told *w = *state;
	struct am_rungdef *r = &w->def.clocks[CONFIRM].rungs[1];

	give(w, AM_NOTICE_CONTRADICTION, &longer);
	r->message_name = other.name;
	r->message = &other;
	r->via[1] = r->via[0];
	r->via[1].endpoint = "duty";
	r->via_n = 2;
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(
	    w, 2 * AM_HOUR, "customer.answered verdict=satisfied score=1");
	assert_true(told_body_has(told_born(w, "lapse"), "ours of C-1"));
	told_ended(w, told_waits(w, "desk"), "state=dead reason=http_410");
	assert_true(am_str_is(told_born(w, "lapse")->endpoint, "duty"));
	assert_true(told_body_has(told_born(w, "lapse"), "ours of C-1"));
}

/* LC6: a loop that gives none is the one that it was before there were any, and
 * so is what open complaints are on. */
static void
test_saying_none_leaves_the_shipped_loops_what_they_were(void **state)
{
	static const char *const refs[] = { "account-care@1df4d64a04e2",
		"au-rg271@9d5ce73e0b45", "bank@307b146ebfd2",
		"cn-12315@0e1c60a24221", "cn-bank@78bd1c13fb75",
		"cn-beijing-12345@d7af13023dec", "cn-bureau-12345@2315141fe8c7",
		"cn-telecom@3ec7bb4bb893", "complaint@95c98485af52",
		"eu-psd2@cec9c52b30fb", "feedback@51593e58aa37",
		"retail@5e12fb8fc41b", "telecom@e084d74867cf",
		"uk-disp@13761f21c27f", "uk-ofcom@0c5fe97ade6b",
		"us-cfpb@d6d5ff968647" };
	struct fix f;

	(void)state;
	fix_init(&f, "tests/trace/shipped.conf");
	assert_int_equal(f.conf->loops_n, AM_COUNT(refs));
	for (size_t i = 0; i < AM_COUNT(refs); i++) {
		struct am_str name = am_str_c(refs[i]);

		name.n = strcspn(refs[i], "@");
		assert_string_equal(am_conf_loop(f.conf, name)->ref, refs[i]);
	}
	fix_fini(&f);
}

/* ---- the ways ---- */

static bool
has_way(struct told *w, size_t saying, const char *endpoint, enum am_role to)
{
	const struct am_saying_way *ways;
	size_t n = am_saying_ways(&w->def, saying, &arena, &ways);

	for (size_t i = 0; i < n; i++) {
		if (ways[i].way.to == to &&
		    strcmp(ways[i].way.via[0].endpoint, endpoint) == 0)
			return true;
	}
	return false;
}

static void
test_saying_ways_are_those_that_a_step_would_take(void **state)
{
	struct told *w = *state;
	const struct am_saying_way *ways;

	/* final's own rung lends its channels, inform's to what hangs there */
	assert_true(has_way(w, AM_NOTICE_WITHDRAWN, "text", AM_ROLE_CUSTOMER));
	assert_false(
	    has_way(w, AM_NOTICE_WITHDRAWN, "letter", AM_ROLE_CUSTOMER));
	assert_true(has_way(w, AM_NOTICE_EXTENDED, "letter", AM_ROLE_CUSTOMER));
	assert_true(has_way(w, AM_NOTICE_EXTENDED, "text", AM_ROLE_CUSTOMER));
	assert_false(has_way(w, AM_NOTICE_EXTENDED, "desk", AM_ROLE_OWNER));
	/* a rung that is told */
	assert_true(has_way(w, AM_NOTICE_CONTRADICTION, "desk", AM_ROLE_OWNER));
	assert_true(has_way(w, AM_NOTICE_UNOWNED, "duty", AM_ROLE_MANAGER));
	assert_false(has_way(w, AM_NOTICE_REOPEN, "duty", AM_ROLE_MANAGER));
	/* rungs of rules */
	assert_true(has_way(w, AM_SAYING_NOTICE, "text", AM_ROLE_CUSTOMER));
	assert_true(has_way(w, AM_SAYING_REMINDER, "text", AM_ROLE_CUSTOMER));
	assert_true(has_way(w, AM_SAYING_ATTEMPT, "crm", AM_ROLE_OWNER));
	assert_true(has_way(w, AM_SAYING_HOLD, "letter", AM_ROLE_CUSTOMER));
	assert_true(has_way(w, AM_SAYING_HOLD_OWNER, "crm", AM_ROLE_OWNER));
	assert_int_equal(
	    am_saying_ways(&w->def, AM_SAYING_HOLD, &arena, &ways), 1);
	w->def.clocks[AM_CLOCK_HOLD].rungs_n = 0;
	assert_int_equal(
	    am_saying_ways(&w->def, AM_SAYING_HOLD, &arena, &ways), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, told_teardown)
	const struct CMUnitTest tests[] = {
		T(test_saying_without_words_is_built_in),
		T(test_saying_with_words_says_them_and_others_stay_built_in),
		T(test_saying_with_words_speaks_the_customers_language),
		T(test_saying_with_a_template_goes_by_a_gateway_that_takes_those),
		T(test_saying_by_a_template_is_in_no_digest),
		T(test_saying_of_a_hold_depends_on_who_is_waited_for),
		T(test_saying_of_a_contradiction_is_said_by_the_rung_that_is_told),
		T(test_saying_none_leaves_the_shipped_loops_what_they_were),
		T(test_saying_ways_are_those_that_a_step_would_take),
	};
	int rc;

	am_arena_init(&arena, 0);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	am_arena_fini(&arena);
	return rc;
}
