/*
 * body - what a channel of texts gets: cut to its segments, with a subject, by
 * an approved template; and which channels cannot carry a message at all.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/followup.h"
#include "core/segments.h"
#include "core/tmpl.h"
#include "tests/unit/told.h"

#define LONG64                                                                 \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"

/* Reply code and way out: never cut (FU9). */
#define CODE " Reply 1 for yes, 2 for no. STOP ends."

static struct am_arena arena;
static struct am_message message;
static struct am_message_template templates[8];

static const struct am_tmpl *
tmpl(const char *text)
{
	const struct am_tmpl *t;
	char what[200];

	if (am_tmpl_parse(&arena, am_str_c(text), &t, what) != 0)
		fail_msg("%s", what);
	return t;
}

/* The question goes by an SMS of so many segments, then by letter. */
static struct am_via *
ask_by_sms(struct told *w, const char *text, uint32_t segments)
{
	size_t clock = (size_t)AM_CLOCK_STAGE0 + w->def.stages_n - 1;
	struct am_rungdef *ask =
	    &w->def.clocks[clock].rungs[w->def.stages[2].ask];

	memset(&message, 0, sizeof(message));
	memset(templates, 0, sizeof(templates));
	message.name = "question";
	message.text = tmpl(text);
	message.templates = templates;
	ask->message_name = message.name;
	ask->message = &message;
	ask->via[0].is_text = true;
	ask->via[0].max_segments = segments;
	ask->via[0].quiet = NULL;
	return ask->via;
}

static void
add_template(const char *provider, const char *lang, const char *id,
    const char *name, const char *value)
{
	struct am_message_template *t = &templates[message.templates_n++];

	t->provider = provider;
	t->lang = lang;
	t->id = id;
	t->params[t->params_n++] =
	    (struct am_message_param){ name, tmpl(value) };
}

static const struct am_followup *
ask(struct told *w, const char *more)
{
	told_open(w, more);
	told_confirm(w, AM_HOUR);
	assert_non_null(told_born(w, "ask"));
	return told_born(w, "ask");
}

static const char *
member(const struct am_followup *f, const char *key)
{
	const char *text = am_arena_cstr(&arena, f->body);
	const char *at = strstr(text, "\"message\":");
	char want[40];

	assert_non_null(at);
	snprintf(want, sizeof(want), "\"%s\":", key);
	at = strstr(at, want);
	return at != NULL ? at + strlen(want) : "";
}

static void
test_body_for_a_webhook_is_a_text_and_its_language_whole(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, "{complaint.severity}" CODE, 1);

	via[0].is_text = false;
	via[0].max_segments = 0;
	message.subject = tmpl("never seen");
	f = ask(w, "owner=li severity='" LONG64 "'");
	assert_string_equal(member(f, "message"),
	    "{\"text\":\"" LONG64 CODE "\",\"lang\":\"und\"}}}");
}

/* FU9: the variable part is cut, never the reply code or the way out. */
static void
test_body_for_an_sms_is_cut_to_its_segments_but_not_what_is_written(
    void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	ask_by_sms(w,
	    "{complaint.id} about {complaint.severity} which as you asked us "
	    "is now in the hands of "
	    "{complaint.owner}: is it solved?" CODE,
	    1);
	f = ask(w, "owner=li severity='" LONG64 "'");
	assert_true(am_str_is(f->endpoint, "text"));
	assert_true(told_body_has(f,
	    "\"text\":\"C-1 about abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr"
	    "st... which as you asked us is now in the hands of li: is it "
	    "solved?" CODE "\""));
}

/* FU9: what its provider takes in bytes is cut here, and not when it is sent,
 * where the reply code would go first. */
static void
test_body_for_a_provider_is_cut_to_its_bytes_but_not_what_is_written(
    void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via =
	    ask_by_sms(w, "{complaint.id} {complaint.severity}?" CODE, 0);

	via[0].max_bytes = 5 + 20 + sizeof(CODE);
	f = ask(w, "owner=li severity='" LONG64 "'");
	assert_true(am_str_is(f->endpoint, "text"));
	assert_true(told_body_has(
	    f, "\"text\":\"C-1 abcdefghijklmnopqr...?" CODE "\""));
}

static void
test_body_over_the_bytes_as_it_is_written_goes_by_the_next_channel(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, "{complaint.severity}" LONG64, 0);

	via[0].max_bytes = 60;
	f = ask(w, "owner=li");
	assert_true(am_str_is(f->endpoint, "letter"));
	assert_non_null(told_note(w, "channel.skipped", "reason", "too_long"));
}

static void
test_body_of_a_value_in_chinese_is_cut_where_that_makes_room(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	ask_by_sms(w,
	    "Your complaint {complaint.id} about {complaint.severity} is said "
	    "to be solved now by us. Is it?" CODE,
	    1);
	f = ask(w, "owner=li severity=账单");
	assert_true(told_body_has(f, "C-1 about ... is said to be solved now"));
}

static void
test_body_that_cannot_be_cut_enough_goes_by_the_next_channel(void **state)
{
	struct told *w = *state;
	const struct am_note *n;
	const struct am_followup *f;

	ask_by_sms(w, "{complaint.severity} " LONG64 LONG64 CODE, 1);
	f = ask(w, "owner=li");
	assert_true(am_str_is(f->endpoint, "letter"));
	assert_false(f->dead);
	assert_true(told_body_has(f, LONG64 LONG64 CODE "\",\"lang\""));
	n = told_note(w, "channel.skipped", "endpoint", "text");
	assert_true(am_str_is(told_pair(n, "reason"), "too_long"));
	assert_int_equal(told_notes(w, "followup.queued", "rung", "ask"), 1);
}

static void
test_body_that_no_channel_can_carry_is_born_dead(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, LONG64 LONG64 CODE, 1);

	via[1].is_text = true;
	via[1].max_segments = 1;
	f = ask(w, "owner=li");
	assert_true(f->dead);
	assert_string_equal(f->dead_reason, "too_long");
	assert_true(am_str_is(f->endpoint, "letter"));
	assert_non_null(told_note(w, "followup.dead", "reason", "too_long"));
	assert_null(told_waits(w, "letter"));
}

/* FU12: a channel that has failed is followed by one that can carry it. */
static void
test_body_too_long_for_the_second_channel_goes_by_the_third(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, LONG64 LONG64 CODE, 0);
	size_t clock = (size_t)AM_CLOCK_STAGE0 + w->def.stages_n - 1;

	via[2] = via[1];
	via[2].endpoint = "crm";
	via[1].is_text = true;
	via[1].max_segments = 1;
	w->def.clocks[clock].rungs[w->def.stages[2].ask].via_n = 3;
	f = ask(w, "owner=li");
	assert_true(am_str_is(f->endpoint, "text"));
	told_ended(w, told_waits(w, "text"), "state=dead reason=http_410");
	f = told_born(w, "ask");
	assert_non_null(f);
	assert_true(am_str_is(f->endpoint, "crm"));
	assert_non_null(told_note(w, "channel.skipped", "endpoint", "letter"));
}

/* A receipt finds a notice by the ids that its channels have caused, one the
 * next, and so does one for a notice that has skipped a channel. */
static void
test_body_that_has_skipped_a_channel_is_found_by_its_receipt(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, LONG64, 0);
	uint8_t id[16];

	via[0].provider = "aliyun"; /* takes no text of ours */
	via[2] = via[1];
	via[2].endpoint = "crm";
	w->def.clocks[(size_t)AM_CLOCK_STAGE0 + w->def.stages_n - 1]
	    .rungs[w->def.stages[2].ask]
	    .via_n = 3;
	/* what the notice borrows its channels from */
	memcpy(w->def.clocks[AM_CLOCK_FINAL].rungs[1].via, via,
	    sizeof(w->def.clocks[AM_CLOCK_FINAL].rungs[1].via));
	w->def.clocks[AM_CLOCK_FINAL].rungs[1].via_n = 3;
	told_open(w, "owner=li");
	told_step(
	    w, AM_HOUR, "complaint.withdrawn by=customer reason='no more'");
	f = told_born(w, "withdrawn:customer");
	assert_non_null(f);
	assert_true(am_str_is(f->endpoint, "letter"));
	memcpy(id, f->id, 16);
	told_deliver(w);
	told_receipt(w, id, "state=failed");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	f = told_born(w, "withdrawn:customer");
	assert_non_null(f);
	assert_true(am_str_is(f->endpoint, "crm"));
}

/* ---- subjects ---- */

static void
test_body_subject_is_that_of_the_language_given(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	ask_by_sms(w, "Solved?", 3);
	message.subject = tmpl("About {complaint.id}\n{complaint.severity}");
	message.langs[0] = (struct am_message_lang){ "zh", tmpl("解决了吗"),
		tmpl("关于 {complaint.id}") };
	message.langs[1] =
	    (struct am_message_lang){ "de", tmpl("Erledigt?"), NULL };
	message.langs_n = 2;
	f = ask(w, "owner=li locale=zh-cn severity=a\x01\xc2\x85z");
	assert_string_equal(member(f, "message"),
	    "{\"text\":\"解决了吗\",\"lang\":\"zh\","
	    "\"subject\":\"关于 C-1\"}}}");
}

static void
test_body_subject_without_one_is_that_of_the_message_or_the_reason(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	ask_by_sms(w, "Solved?", 3);
	message.subject = tmpl("About {complaint.id}\n{complaint.severity}");
	message.langs[0] =
	    (struct am_message_lang){ "de", tmpl("Erledigt?"), NULL };
	message.langs_n = 1;
	f = ask(w, "owner=li locale=de severity=a\x01\xc2\x85z");
	assert_string_equal(member(f, "subject"), "\"About C-1 a  z\"}}}");
}

static void
test_body_subject_of_the_reason_is_in_the_language_wanted(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	ask_by_sms(w, "Solved?", 3);
	f = ask(w, "owner=li locale=zh-cn");
	assert_string_equal(
	    member(f, "subject"), "\"您的投诉 C-1 是否已解决？\"}}}");
}

/* ---- approved templates ---- */

static void
test_body_template_is_that_of_provider_and_language(void **state)
{
	static const char *const want[][2] = { { "zh-hk", "ZH-HK" },
		{ "zh-hk-x", "ZH-HK" }, { "zh-cn", "ZH" }, { "zh", "ZH" },
		{ "de", "ANY" }, { "", "ANY" } };
	const struct am_via via = { .is_text = true, .provider = "aliyun" };
	struct am_via other = { .is_text = true, .provider = "tencent" };

	ask_by_sms(*state, "Solved?", 3);
	assert_null(am_body_template(NULL, &via, AM_STR("zh")));
	assert_null(am_body_template(&message, &via, AM_STR("zh")));
	add_template("aliyun", "zh", "ZH", "id", "x");
	add_template("aliyun", "zh-hk", "ZH-HK", "id", "x");
	assert_null(am_body_template(&message, &via, AM_STR("de")));
	add_template("aliyun", NULL, "ANY", "id", "x");
	add_template("tencent", "zh", "T", NULL, "x");
	for (size_t i = 0; i < AM_COUNT(want); i++)
		assert_string_equal(
		    am_body_template(&message, &via, am_str_c(want[i][0]))->id,
		    want[i][1]);
	assert_string_equal(
	    am_body_template(&message, &other, AM_STR("zh"))->id, "T");
	assert_null(am_body_template(&message, &other, AM_STR("en")));
}

/* Parameters are on one line and no longer than they may be; an id stays
 * whole. The text is not limited: the provider sends its own. */
static void
test_body_template_parameters_are_rendered_cleaned_and_cut(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, LONG64 LONG64 CODE, 1);

	via[0].provider = "aliyun";
	via[0].param_max = 10;
	add_template("aliyun", NULL, "SMS_1", "about", "{complaint.severity}");
	templates[0].params[1] =
	    (struct am_message_param){ "id", tmpl("complaint {complaint.id}") };
	templates[0].params[2] =
	    (struct am_message_param){ "cat", tmpl("<{complaint.team}>") };
	templates[0].params_n = 3;
	f = ask(
	    w, "owner=li severity='中文\n字符测试一二三四五' team=high\tup");
	assert_true(am_str_is(f->endpoint, "text"));
	assert_string_equal(member(f, "template"),
	    "{\"id\":\"SMS_1\",\"params\":["
	    "{\"name\":\"about\",\"value\":\"中文 字符测试...\"},"
	    "{\"name\":\"id\",\"value\":\"complaint C-1\"},"
	    "{\"name\":\"cat\",\"value\":\"<high up>\"}]}}}}");
}

static void
test_body_template_parameters_in_order_have_no_names(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, "Solved?", 0);

	via[0].provider = "tencent";
	add_template("tencent", NULL, "1234", NULL, "{complaint.id}");
	templates[0].params[1] =
	    (struct am_message_param){ NULL, tmpl("{complaint.cycle}") };
	templates[0].params_n = 2;
	f = ask(w, "owner=li");
	assert_string_equal(member(f, "template"),
	    "{\"id\":\"1234\",\"params\":[{\"value\":\"C-1\"},"
	    "{\"value\":\"1\"}]}}}}");
}

static void
test_body_without_a_template_goes_by_the_next_channel(void **state)
{
	struct told *w = *state;
	const struct am_note *n;
	const struct am_followup *f;
	struct am_via *via = ask_by_sms(w, "Solved?", 0);

	via[0].provider = "aliyun";
	add_template("aliyun", "zh", "SMS_1", "id", "{complaint.id}");
	f = ask(w, "owner=li locale=de");
	assert_true(am_str_is(f->endpoint, "letter"));
	n = told_note(w, "channel.skipped", "endpoint", "text");
	assert_true(am_str_is(told_pair(n, "reason"), "no_template"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, told_setup, told_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_body_for_a_webhook_is_a_text_and_its_language_whole),
		TEST(
		    test_body_for_an_sms_is_cut_to_its_segments_but_not_what_is_written),
		TEST(
		    test_body_for_a_provider_is_cut_to_its_bytes_but_not_what_is_written),
		TEST(
		    test_body_over_the_bytes_as_it_is_written_goes_by_the_next_channel),
		TEST(
		    test_body_of_a_value_in_chinese_is_cut_where_that_makes_room),
		TEST(
		    test_body_that_cannot_be_cut_enough_goes_by_the_next_channel),
		TEST(test_body_that_no_channel_can_carry_is_born_dead),
		TEST(
		    test_body_too_long_for_the_second_channel_goes_by_the_third),
		TEST(
		    test_body_that_has_skipped_a_channel_is_found_by_its_receipt),
		TEST(test_body_subject_is_that_of_the_language_given),
		TEST(
		    test_body_subject_without_one_is_that_of_the_message_or_the_reason),
		TEST(test_body_subject_of_the_reason_is_in_the_language_wanted),
		TEST(test_body_template_is_that_of_provider_and_language),
		TEST(
		    test_body_template_parameters_are_rendered_cleaned_and_cut),
		TEST(test_body_template_parameters_in_order_have_no_names),
		TEST(test_body_without_a_template_goes_by_the_next_channel),
	};
	int rc;

	am_arena_init(&arena, 0);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	am_arena_fini(&arena);
	return rc;
}
