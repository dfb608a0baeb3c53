/*
 * channel_test - endpoints of type sms, chat and mail, replies, alert, messages
 * for them and persons: what is read, and what holds when nothing is said.
 * FU5, FU6, FU7, FU9, FU10, FU12.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf_world.h"

#define PROVIDERS                                                              \
	"http { listen = \"127.0.0.1:8480\" }\n"                               \
	"provider plain { url = \"https://p.example:8443/\" rate = \"9/1s\" "  \
	"receipt { id = \"/i\" delivered = \"/s == 1\" } }\n"                  \
	"provider once { url = \"https://o.example/\" at_most_once = true }\n" \
	"provider named { url = \"https://n.example/\" params = named "        \
	"param_max = 20 }\n"                                                   \
	"provider listed { url = \"https://l.example/\" params = ordered }\n"

static struct am_conf *
load(const char *text)
{
	struct am_conf *c;
	char *all;

	conf_world_put("path.secret", "0123456789abcdefghijklmn\n", 25);
	assert_true(
	    asprintf(&all, "%s" PROVIDERS "%s", conf_world_base, text) >= 0);
	c = conf_world_must(all);
	free(all);
	return c;
}

static const struct am_conf_endpoint *
endpoint(const struct am_conf *c, const char *name)
{
	const struct am_conf_endpoint *e = am_conf_endpoint(c, am_str_c(name));

	assert_non_null(e);
	return e;
}

static void
test_channel_when_nothing_is_said_then_defaults(void **state)
{
	struct am_conf *c = load(
	    "endpoint \"s\" { type = \"sms\" provider = \"plain\" }\n"
	    "endpoint \"b\" { type = \"chat\" provider = \"plain\" }\n"
	    "endpoint \"o\" { type = \"chat\" provider = \"once\" }\n"
	    "endpoint \"m\" { type = \"mail\" url = \"smtp://mail.example\" "
	    "from = \"us@example.com\" }\n");
	const struct am_conf_endpoint *s = endpoint(c, "s");

	(void)state;
	assert_int_equal(s->on_uncertain, AM_UNCERTAIN_HOLD);
	assert_int_equal(endpoint(c, "b")->on_uncertain, AM_UNCERTAIN_RETRY);
	assert_int_equal(endpoint(c, "o")->on_uncertain, AM_UNCERTAIN_HOLD);
	assert_int_equal(endpoint(c, "m")->on_uncertain, AM_UNCERTAIN_RETRY);
	assert_int_equal(endpoint(c, "crm")->on_uncertain, AM_UNCERTAIN_RETRY);
	assert_int_equal(s->receipt_wait, 0);
	assert_int_equal(s->max_segments, 0);
	assert_int_equal(s->windows_n, 0);
	assert_int_equal(s->rate_n, 9); /* the provider's */
	assert_string_equal(s->url, "https://p.example:8443");
	assert_int_equal(s->port, 8443);
	assert_null(s->user.ref);
	assert_int_equal(s->retry_budget_pct, 10);
	assert_int_equal(s->disable_after, 5 * AM_DAY);
	assert_int_equal(endpoint(c, "crm")->retire_at, 0);
	assert_int_equal(endpoint(c, "m")->port, 25);
	assert_string_equal(endpoint(c, "m")->scheme, "smtp");
	assert_false(endpoint(c, "m")->allow_plain);
	for (size_t i = 0; i < c->endpoints_n; i++)
		assert_true(c->endpoints[i]->built);
	am_conf_unref(c);
}

static void
test_channel_when_said_then_as_said(void **state)
{
	struct am_conf *c = load(
	    "endpoint \"s\" { type = \"sms\" provider = \"plain\"\n"
	    "    on_uncertain = \"fail\" receipt_wait = \"2h\" rate = "
	    "\"1/1s\"\n"
	    "    base_url = \"http://[::1]:9101/\" allow_http = true\n"
	    "    per_recipient = {\"1/5m\", \"5/24h\"} max_segments = 3\n"
	    "    callback_url = \"https://a.example/x/v1/callback/s\"\n"
	    "    callback_token = \"file:path.secret\"\n"
	    "    callback_net = {\"10.0.0.0/8\", \"fd00::/8\"}\n"
	    "    retry_budget = \"0%\" disable_after = \"0\" }\n"
	    "endpoint \"t\" { type = \"sms\" provider = \"plain\"\n"
	    "    callback_url = \"https://a.example/v1/callback/t\"\n"
	    "    callback_token = \"file:path.secret\" }\n"
	    "endpoint \"m\" { type = \"mail\" url = "
	    "\"smtps://mail.example:466\"\n"
	    "    from = \"Us <us@example.com>\" allow_plain = true\n"
	    "    user = \"file:ok.secret\" password = \"file:plain.secret\"\n"
	    "    per_recipient = {\"9/1h\"} }\n"
	    "endpoint \"w\" { url = \"https://w.example/\" secret = "
	    "{\"file:ok.secret\", \"file:ok.secret\"}\n"
	    "    retire_at = \"2027-01-01T01:00:00+01:00\" on_uncertain = "
	    "\"hold\" }\n");
	const struct am_conf_endpoint *s = endpoint(c, "s");

	(void)state;
	assert_int_equal(s->on_uncertain, AM_UNCERTAIN_FAIL);
	assert_int_equal(s->receipt_wait, 2 * AM_HOUR);
	assert_int_equal(s->rate_n, 1);
	assert_string_equal(s->url, "http://[::1]:9101");
	assert_string_equal(s->host, "::1");
	assert_int_equal(s->windows_n, 2);
	assert_int_equal(s->windows[0].per, 5 * AM_MINUTE);
	assert_int_equal(s->max_segments, 3);
	assert_int_equal(s->callback_net_n, 2);
	assert_true(
	    am_str_is(s->callback_token.value, "0123456789abcdefghijklmn"));
	assert_int_equal(s->retry_budget_pct, 0);
	assert_int_equal(s->disable_after, 0);
	assert_int_equal(endpoint(c, "t")->receipt_wait, 30 * AM_MINUTE);
	assert_int_equal(endpoint(c, "m")->port, 466);
	assert_true(endpoint(c, "m")->allow_plain);
	assert_true(am_str_is(endpoint(c, "m")->password.value, "hunter2"));
	assert_int_equal(endpoint(c, "m")->windows_n, 1);
	assert_int_equal(endpoint(c, "w")->retire_at, 1798761600000);
	assert_int_equal(endpoint(c, "w")->on_uncertain, AM_UNCERTAIN_HOLD);
	am_conf_unref(c);
}

static bool
says(const struct am_conf_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->v[i], word) == 0)
			return true;
	}
	return false;
}

static void
test_channel_replies_and_alert(void **state)
{
	struct am_conf *c = load("");

	(void)state;
	assert_int_equal(c->replies.window, 7 * AM_DAY);
	assert_true(says(&c->replies.yes, "1"));
	assert_true(says(&c->replies.yes, "已解决"));
	assert_true(says(&c->replies.no, "未解决"));
	assert_true(says(&c->replies.stop, "stop"));
	assert_true(says(&c->replies.stop, "td"));
	assert_true(says(&c->replies.stop, "退订"));
	assert_true(says(&c->replies.start, "start"));
	assert_int_equal(c->alert_n, 0);
	assert_int_equal(c->http.max_body_bytes, 256 << 10);
	am_conf_unref(c);

	c = load("alert = {\"crm\"}\n"
		 "replies { window = \"2d\" yes = {\"Ja\", \"JA DOCH\"} }\n");
	assert_int_equal(c->replies.window, 2 * AM_DAY);
	assert_int_equal(c->replies.yes.n, 2);
	assert_true(says(&c->replies.yes, "ja doch")); /* lower case */
	assert_true(says(&c->replies.no, "2"));
	assert_int_equal(c->alert_n, 1);
	assert_string_equal(c->alert[0], "crm");
	am_conf_unref(c);
}

static void
test_channel_messages_have_subjects_and_templates(void **state)
{
	struct am_conf *c = load(
	    "endpoint \"n\" { type = \"sms\" provider = \"named\" }\n"
	    "endpoint \"l\" { type = \"sms\" provider = \"listed\" }\n"
	    "message \"ask\" { text = \"Solved?\" subject = "
	    "\"{complaint.id}\"\n"
	    "    lang \"zh\" { text = \"解决?\" subject = \"投诉\" }\n"
	    "    lang \"de\" { text = \"Gelöst?\" }\n"
	    "    template \"named\" { id = \"SMS_1\" lang = \"zh\" params = "
	    "{\"id={complaint.id}\", \"due=a={clock.due}\"} }\n"
	    "    template \"named\" { id = \"SMS_2\" }\n"
	    "    template \"listed\" { id = \"7\" params = "
	    "{\"x={complaint.id}\", \"{clock.due}\"} } }\n");
	const struct am_message *m = c->messages[1];
	const struct am_message_template *t = m->templates;

	(void)state;
	assert_non_null(m->subject);
	assert_non_null(m->langs[0].subject);
	assert_null(m->langs[1].subject);
	assert_int_equal(m->templates_n, 3);
	assert_string_equal(t[0].provider, "named");
	assert_string_equal(t[0].lang, "zh");
	assert_int_equal(t[0].params_n, 2);
	assert_string_equal(t[0].params[1].name, "due");
	assert_non_null(t[0].params[1].value);
	assert_null(t[1].lang);
	assert_string_equal(t[2].id, "7");
	assert_null(t[2].params[0].name); /* in order: all of it is text */
	assert_non_null(t[2].params[0].value);
	am_conf_unref(c);
}

static void
test_channel_rungs_know_what_a_text_becomes(void **state)
{
	char *text = conf_world_edit(conf_world_base, "via = {\"crm\"}",
	    "via = {\"crm\", \"s\", \"n\", \"m\"}");
	struct am_conf *c;
	const struct am_via *via;
	char *all;

	(void)state;
	assert_true(asprintf(&all,
			"%s" PROVIDERS
			"endpoint \"s\" { type = \"sms\" provider = \"plain\" "
			"max_segments = 2 }\n"
			"endpoint \"n\" { type = \"sms\" provider = \"named\" "
			"}\n"
			"endpoint \"m\" { type = \"mail\" url = "
			"\"smtps://m.example\" from = \"us@m.example\" }\n",
			text) >= 0);
	c = conf_world_must(all);
	via = c->loops[0]->clocks[AM_CLOCK_STAGE0].rungs[0].via;
	assert_false(via[0].is_text);
	assert_true(via[1].is_text);
	assert_int_equal(via[1].max_segments, 2);
	assert_null(via[1].provider);
	assert_string_equal(via[2].provider, "named");
	assert_int_equal(via[2].param_max, 20);
	assert_true(via[3].is_text);
	assert_null(via[3].provider);
	am_conf_unref(c);
	free(all);
	free(text);
}

static void
test_channel_persons_have_addresses_and_zones(void **state)
{
	struct am_conf *c =
	    load("person \"li\" { phone = \"+8613900000001\" email = "
		 "\"li@example.com\" timezone = \"Asia/Tokyo\" }\n"
		 "person \"wang\" { }\n");
	const struct am_loopdef *def = c->loops[0];
	const struct am_conf_person *li = am_conf_person(c, AM_STR("li"));

	(void)state;
	assert_int_equal(c->warnings_n, 0);
	assert_string_equal(li->phone, "+8613900000001");
	assert_string_equal(li->email, "li@example.com");
	assert_string_equal(
	    def->person_zone(def->people, AM_STR("li"))->name, "Asia/Tokyo");
	assert_null(def->person_zone(def->people, AM_STR("wang")));
	assert_null(def->person_zone(def->people, AM_STR("nobody")));
	am_conf_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_channel_when_nothing_is_said_then_defaults),
		cmocka_unit_test(test_channel_when_said_then_as_said),
		cmocka_unit_test(test_channel_replies_and_alert),
		cmocka_unit_test(
		    test_channel_messages_have_subjects_and_templates),
		cmocka_unit_test(test_channel_rungs_know_what_a_text_becomes),
		cmocka_unit_test(test_channel_persons_have_addresses_and_zones),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
