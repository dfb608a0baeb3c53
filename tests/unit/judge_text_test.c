/*
 * Messages that the endpoints of a rung cannot carry: over max_segments, or
 * without a template where the provider takes only those. Each row is one edit
 * of a configuration that loads without a word.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf_world.h"

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ZH20 "中中中中中中中中中中中中中中中中中中中中"

/* clang-format off */
#define SAY(name) " notice \"" name "\" { message = \"ask\" }"
#define ADVICE(name) " no template \"approved\" and cannot go by ali; write notice \"" name "\" { message = … } of a message that has one, or give a rung to the same role one more endpoint"

#define LOOP \
    "stage \"resolve\" { budget = \"1h\" }\n" \
    "    stage \"confirm\" { kind = \"confirm\"  budget = \"1bd\"  attempts = {}\n" \
    "        rung \"ask\"   { at = \"0%\"    to = \"customer\" via = "

static const char base[] =
    "provider free { url = \"https://free.example/\" form = { \"t={text:form}\" } success = { \"status:200\" } }\n"
    "provider approved { url = \"https://approved.example/\" form = { \"p={params_json:form}\" } params = named success = { \"status:200\" } }\n"
    "endpoint \"crm\" { url = \"https://crm.example/\" secret = {\"file:ok.secret\"} }\n"
    "endpoint \"sms\" { type = \"sms\" provider = \"free\" max_segments = 1 quiet = \"none\" }\n"
    "endpoint \"ali\" { type = \"sms\" provider = \"approved\" quiet = \"none\" }\n"
    "message \"ask\" { text = \"Is {complaint.id} solved?\"\n"
    "    lang \"zh\" { text = \"{complaint.id} 解决了吗\" }\n"
    "    template \"approved\" { id = \"A1\" params = {\"id={complaint.id}\"} }\n"
    "}\n"
    "message \"bare\" { text = \"{clock.due}\" } message \"wide\" { text = \"" A50 A50 A50 A50 "\" } "
    "loop \"complaint\" { " LOOP "{\"sms\", \"ali\"}  message = \"ask\" }\n"
    "        rung \"lapse\" { at = \"100%\"  to = \"owner\"    via = {\"crm\"} }\n"
    "    }\n"
    "}\n";

static const struct row {
	const char *name, *find, *put;
	const char *refused, *warned; /* at most one of them; NULL: neither */
} rows[] = {
	{ "test_judge_text_when_all_can_be_carried_then_nothing_is_said", "", "", NULL, NULL },
	/* FU9: by a file and line, never at sending */
	{ "test_judge_text_when_too_long_without_values_then_refused",
	    "Is {complaint.id} solved?", A50 A50 A50 "{complaint.id}aaaaaaaaaaa",
	    "12: message: \"ask\" takes 2 segments (GSM-7) without its values, and endpoint \"sms\", by which rung \"ask\" sends it, sends 1; shorten it, or raise max_segments", NULL },
	{ "test_judge_text_when_it_just_fits_then_loads",
	    "Is {complaint.id} solved?", A50 A50 A50 "{complaint.id}aaaaaaaaaa", NULL, NULL },
	{ "test_judge_text_when_too_long_in_a_language_then_refused",
	    "{complaint.id} 解决了吗", ZH20 ZH20 ZH20 "中中中中中中中中中中中",
	    "12: message: \"ask\" in zh takes 2 segments (UCS-2) without its values, and endpoint \"sms\", by which rung \"ask\" sends it, sends 1; shorten it, or raise max_segments", NULL },
	{ "test_judge_text_when_no_rung_sends_it_by_sms_then_loads",
	    "message \"ask\" {", "message \"long\" { text = \"" A50 A50 A50 A50 "\" } message \"ask\" {", NULL, NULL },
	{ "test_judge_text_when_a_template_has_a_limit_of_segments_then_refused",
	    "provider = \"approved\"", "provider = \"approved\" max_segments = 2",
	    "5: max_segments: provider approved sends its own template, how long that is nobody knows here; remove it", NULL },
	{ "test_judge_text_when_a_template_has_no_language_then_refused",
	    "id = \"A1\"", "id = \"A1\" lang = \"zh-CN\"",
	    "8: lang: 'zh-CN' is no language; write a lower-case tag such as \"zh\" or \"pt-br\"", NULL },
	/* not sent, and said so */
	{ "test_judge_text_when_a_message_has_no_template_then_warned",
	    "    template \"approved\" { id = \"A1\" params = {\"id={complaint.id}\"} }\n", "\n", NULL,
	    "12: message \"ask\" has no template \"approved\", so rung \"ask\" cannot go by ali; add template \"approved\" { id = … }" },
	{ "test_judge_text_when_its_template_is_for_one_language_then_warned",
	    "id = \"A1\"", "id = \"A1\" lang = \"zh\"", NULL,
	    "12: message \"ask\" has templates of approved for some languages only (zh), so rung \"ask\" cannot go by ali to others; leave `lang` out of one" },
	{ "test_judge_text_when_a_rung_has_no_message_then_warned",
	    "via = {\"crm\"} }", "via = {\"crm\", \"ali\"} }", NULL,
	    "13: the built-in text has no template \"approved\", so rung \"lapse\" cannot go by ali; add template \"approved\" { id = … } to a message of its own" },
	/* what no rung says: only what has none, and is said by that way only */
	{ "test_judge_text_when_the_customer_has_templates_only_then_warned",
	    "{\"sms\", \"ali\"}", "{\"ali\"}", NULL,
	    "10: loop \"complaint\": recourse, extended, outcome, unclear have" ADVICE("recourse") },
	{ "test_judge_text_when_all_has_words_with_a_template_then_nothing_is_said",
	    LOOP "{\"sms\", \"ali\"}",
	    SAY("recourse") SAY("extended") SAY("outcome") SAY("unclear") LOOP
	    "{\"ali\"}",
	    NULL, NULL },
	{ "test_judge_text_when_some_has_words_then_the_others_are_named",
	    "stage \"resolve\"", SAY("recourse") SAY("extended") SAY("reopen") " clock \"final\" { budget = \"8w\" rung \"end\" { at = \"100%\" to = \"customer\" via = {\"ali\"} message = \"ask\" } } stage \"resolve\"", NULL,
	    "10: loop \"complaint\": outcome has" ADVICE("outcome") },
	{ "test_judge_text_when_a_notice_has_no_template_then_warned_as_a_rung_is",
	    "stage \"resolve\"", "notice \"extended\" { message = \"bare\" } stage \"resolve\"", NULL,
	    "10: message \"bare\" has no template \"approved\", so notice \"extended\" cannot go by ali; add template \"approved\" { id = … }" },
	{ "test_judge_text_when_a_notice_is_too_long_without_values_then_refused",
	    "stage \"resolve\"", "notice \"unclear\" { message = \"wide\" } stage \"resolve\"",
	    "10: message: \"wide\" takes 2 segments (GSM-7) without its values, and endpoint \"sms\", by which notice \"unclear\" sends it, sends 1; shorten it, or raise max_segments", NULL },
	{ "test_judge_text_when_a_notice_goes_by_no_sms_then_it_may_be_long",
	    "stage \"resolve\"", "notice \"message\" { message = \"wide\" } stage \"resolve\"", NULL, NULL },
	{ "test_judge_text_when_a_notice_is_never_said_then_refused",
	    "stage \"resolve\"", SAY("withdrawn") SAY("hold") SAY("attempt") SAY("unowned") " stage \"resolve\"",
	    "10: notice \"withdrawn\": this loop never says it; set notify_withdrawal, or remove it\n"
	    "10: notice \"unowned\": this loop never says it; set unowned_max, or remove it\n"
	    "10: notice \"attempt\": this loop never says it; set attempts, or remove it\n"
	    "10: notice \"hold\": this loop never says it; set hold_reminders, or remove it", NULL },
	/* bytes of a provider */
	{ "test_judge_text_when_over_the_providers_bytes_then_refused",
	    "success = { \"status:200\" } }\nprovider", "success = { \"status:200\" } max_bytes = 10 }\nprovider",
	    "12: message: \"ask\" takes 11 bytes without its values, and the provider of endpoint \"sms\", by which rung \"ask\" sends it, takes 10 (max_bytes); shorten it\n"
	    "12: message: \"ask\" in zh takes 13 bytes without its values, and the provider of endpoint \"sms\", by which rung \"ask\" sends it, takes 10 (max_bytes); shorten it", NULL },
	{ "test_judge_text_when_just_the_providers_bytes_then_loads",
	    "success = { \"status:200\" } }\nprovider", "success = { \"status:200\" } max_bytes = 13 }\nprovider", NULL, NULL },
};
/* clang-format on */

static void
check_refused(const struct row *row, const char *text)
{
	char told[1024] = "";
	struct am_diag *diags;
	size_t n, at = 0;

	assert_null(conf_world_load(text, &diags, &n));
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(told + at, sizeof(told) - at, "%s%d: %s",
		    i > 0 ? "\n" : "", diags[i].line, diags[i].text);
	assert_string_equal(told, row->refused);
	free(diags);
}

/* Nothing else is warned of. */
static void
check_warned(const struct row *row, const char *text)
{
	struct am_conf *c = conf_world_must(text);

	for (size_t i = 0; i < c->warnings_n; i++)
		if (row->warned == NULL || i > 0)
			fail_msg("%s", c->warnings[i]);
	if (row->warned != NULL) {
		assert_int_equal(c->warnings_n, 1);
		assert_string_equal(
		    strchr(c->warnings[0], ':') + 1, row->warned);
	}
	am_conf_unref(c);
}

static void
check_row(void **state)
{
	const struct row *row = *state;
	char *text = conf_world_edit(base, row->find, row->put);

	if (row->refused != NULL)
		check_refused(row, text);
	else
		check_warned(row, text);
	free(text);
}

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int
main(void)
{
	struct CMUnitTest tests[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, check_row, NULL,
			NULL, (void *)&rows[i] };
	return _cmocka_run_group_tests(
	    "judge_text", tests, ROWS, conf_world_setup, conf_world_teardown);
}
