/*
 * The configuration as a whole: the contract file, defaults, files beside it,
 * what is not in force, and that all faults are told at once. Shows OP6.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf/options.h"
#include "conf/value.h"
#include "conf_world.h"

/* Load a file of the source tree, from where its relative paths hold. */
static struct am_conf *
load_at_home(const char *path)
{
	char here[4096];
	struct am_diag *diags;
	struct am_conf *c;
	size_t n;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(conf_world_home()), 0);
	c = am_conf_load(path, CONF_NOW, &diags, &n);
	assert_int_equal(chdir(here), 0);
	for (size_t i = 0; i < n; i++)
		print_error(
		    "%s:%d: %s\n", diags[i].file, diags[i].line, diags[i].text);
	free(diags);
	assert_non_null(c);
	return c;
}

static bool
warned(const struct am_conf *c, const char *text)
{
	for (size_t i = 0; i < c->warnings_n; i++) {
		if (strstr(c->warnings[i], text) != NULL)
			return true;
	}
	return false;
}

#define assert_warned(c, text)                                                 \
	do {                                                                   \
		if (!warned(c, text))                                          \
			fail_msg("no warning \"%s\"", text);                   \
	} while (0)

static void
test_conf_reference_loads_unchanged(void **state)
{
	struct am_conf *c = load_at_home("tests/data/reference.conf");
	const struct am_conf_endpoint *crm, *sms;

	(void)state;
	assert_string_equal(c->instance, "amends-1");
	assert_string_equal(c->data_dir, "/var/lib/amends");
	assert_int_equal(c->redis.kind, AM_REDIS_UNIX);
	assert_string_equal(c->redis.path_or_host, "/run/redis/redis.sock");
	assert_int_equal(c->redis.streams_n, 1);
	assert_string_equal(c->redis.streams[0], "complaints");
	assert_int_equal(c->redis.owner_ttl, 10 * AM_SECOND);
	assert_int_equal(c->redis.batch, 128);
	assert_int_equal(c->redis.retain, 90 * AM_DAY);
	assert_int_equal(c->status.mode, 0660);
	assert_string_equal(c->status.view[0], "adm");
	assert_string_equal(
	    c->recourse_url, "https://ombudsman.example/complain");
	assert_int_equal(c->messages_n, 4);
	assert_int_equal(c->messages[0]->langs_n, 1);

	crm = am_conf_endpoint(c, AM_STR("crm"));
	assert_true(crm->built);
	assert_string_equal(crm->scheme, "http");
	assert_string_equal(crm->host, "127.0.0.1");
	assert_int_equal(crm->port, 9100);
	assert_int_equal(crm->allow_net[0].bits, 8);
	assert_int_equal(crm->secrets_n, 1);
	assert_int_equal(crm->keys_n[0], 32);
	assert_int_equal(crm->retry.n, 10);
	assert_int_equal(crm->retry.delay[9], 24 * AM_HOUR);
	assert_int_equal(crm->rate_n, 100);
	assert_int_equal(crm->rate_per, AM_SECOND);
	assert_int_equal(crm->connect_timeout, 5 * AM_SECOND);
	assert_int_equal(crm->breaker_failures, 5);
	assert_int_equal(crm->max_response_bytes, 4096);
	sms = am_conf_endpoint(c, AM_STR("sms"));
	assert_int_equal(sms->type, AM_ENDPOINT_SMS);
	assert_true(sms->built);
	assert_string_equal(sms->provider->name, "twilio");
	assert_string_equal(sms->url, "http://127.0.0.1:9101");
	assert_int_equal(sms->port, 9101);
	assert_string_equal(sms->from, "+15005550006");
	assert_string_equal(sms->user.ref, "file:tests/data/twilio.sid");
	assert_int_equal(sms->windows_n, 2);
	assert_int_equal(sms->windows[1].n, 5);
	assert_int_equal(sms->windows[1].per, AM_DAY);
	assert_int_equal(sms->max_segments, 3);
	assert_int_equal(sms->on_uncertain, AM_UNCERTAIN_HOLD);
	assert_int_equal(sms->receipt_wait, 0); /* nobody calls back */
	assert_string_equal(c->http.listen, "127.0.0.1:8480");
	assert_int_equal(c->http.max_body_bytes, 256 << 10);
	assert_string_equal(c->people[0]->phone, "+8613900000001");
	assert_non_null(am_conf_loop(c, AM_STR("complaint")));
	am_conf_unref(c);
}

static void
test_conf_reference_tells_what_an_operator_should_know(void **state)
{
	static const char *const told[] = {
		":38: the dates of calendar \"office\" end on 2027-01-01, in "
		"41 days; add",
	};
	static const char *const in_force[] = { "budget is", "quiet is",
		"quiet \"", "person \"", "role \"", "action is", "attempts is",
		"silence is", "provider is", "phone is", "http is",
		"endpoint \"sms\"", "producer \"" };
	struct am_conf *c = load_at_home("tests/data/reference.conf");
	size_t others = 0;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(told); i++)
		assert_warned(c, told[i]);
	/* beside the modes that a checkout gives to files of secrets */
	for (size_t i = 0; i < c->warnings_n; i++)
		others += strstr(c->warnings[i], "chmod 600") == NULL;
	assert_int_equal(others, AM_COUNT(told));
	/* in the order of their lines, numbers as numbers */
	for (size_t i = 0; i + 1 < c->warnings_n; i++)
		assert_true(strverscmp(c->warnings[i], c->warnings[i + 1]) < 0);
	for (size_t i = 0; i < AM_COUNT(in_force); i++)
		assert_false(warned(c, in_force[i]));
	am_conf_unref(c);
}

static void
test_conf_shipped_file_loads_with_secrets_in_place(void **state)
{
	char path[4300], *text, *edited;
	struct am_conf *c;
	size_t n;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/conf/amends.conf", conf_world_home());
	f = fopen(path, "re");
	assert_non_null(f);
	text = calloc(1, 1 << 16);
	n = fread(text, 1, (1 << 16) - 1, f);
	fclose(f);
	assert_true(n > 1000);
	edited = conf_world_edit(
	    text, "file:/etc/amends/crm-hook.secret", "file:ok.secret");
	c = conf_world_must(edited);
	assert_int_equal(c->warnings_n, 0);
	am_conf_unref(c);
	free(edited);
	free(text);
}

static void
test_conf_without_a_key_has_its_default(void **state)
{
	struct am_conf *c = conf_world_must(conf_world_base);
	const struct am_conf_endpoint *e = c->endpoints[0];

	(void)state;
	assert_string_equal(c->data_dir, "/var/lib/amends");
	assert_int_equal(c->max_skew, 5 * AM_SECOND);
	assert_int_equal(c->catchup_after, AM_MINUTE);
	assert_int_equal(c->catchup_n, 50);
	assert_int_equal(c->catchup_per, AM_SECOND);
	assert_false(c->trust_event_time);
	assert_string_equal(c->log_level, "info");
	assert_string_equal(c->status.socket, "/run/amends/status.sock");
	assert_string_equal(c->redis.group, "amends");
	assert_string_equal(c->redis.require_durability, "D0");
	assert_int_equal(c->redis.command_timeout, 5 * AM_SECOND);
	assert_int_equal(c->redis.keep_events, AM_HOUR);
	assert_int_equal(e->retry.jitter_pct, 20);
	assert_true(e->retry.max_age == AM_NEVER);
	assert_int_equal(e->retry.retry_after_max, 24 * AM_HOUR);
	assert_int_equal(e->retry.n, 10);
	assert_int_equal(e->inflight, 32);
	assert_int_equal(e->port, 443);
	assert_int_equal(c->warnings_n, 0);
	am_conf_unref(c);
}

static void
test_conf_every_default_passes_its_own_check(void **state)
{
	const struct am_option *o;
	char why[256];
	size_t n;

	(void)state;
	o = am_options(&n);
	for (size_t i = 0; i < n; i++) {
		char def[256], *save = NULL;

		assert_true(o[i].about != NULL && o[i].about[0] != '\0');
		assert_true(am_option_find(o[i].in, o[i].name) == &o[i]);
		if (o[i].def == NULL)
			continue;
		snprintf(def, sizeof(def), "%s", o[i].def);
		if (!o[i].list) {
			assert_int_equal(am_value_check(&o[i], def, why), 0);
			continue;
		}
		for (char *w = strtok_r(def, ",", &save); w != NULL;
		     w = strtok_r(NULL, ",", &save))
			assert_int_equal(
			    am_value_check(&o[i], w + strspn(w, " "), why), 0);
	}
}

static void
test_conf_faults_are_told_all_at_once(void **state)
{
	static const char text[] =
	    "instanec = \"t\"\n"
	    "redis { bacth = 1  urll = \"x\" }\n"
	    "status { socket = \"a\"  socket = \"b\" }\n";
	struct am_diag *diags;
	size_t n;

	(void)state;
	assert_null(conf_world_load(text, &diags, &n));
	assert_int_equal(n, 4);
	assert_int_equal(diags[0].line, 1);
	assert_int_equal(diags[1].line, 2);
	assert_int_equal(diags[2].line, 2);
	assert_int_equal(diags[3].line, 3);
	assert_string_equal(diags[0].text,
	    "no key 'instanec' in the top level; did you mean 'instance'?");
	free(diags);
}

static void
test_conf_bad_values_are_told_all_at_once(void **state)
{
	char *a = conf_world_edit(conf_world_base, "30m", "30x");
	char *b = conf_world_edit(a, "100%", "200%");
	char *text = conf_world_edit(b, "09:00-17:00", "9-5");
	struct am_diag *diags;
	size_t n;

	(void)state;
	assert_null(conf_world_load(text, &diags, &n));
	assert_int_equal(n, 3);
	assert_int_equal(diags[0].line, 3);
	assert_int_equal(diags[1].line, 13);
	assert_int_equal(diags[2].line, 14);
	free(diags);
	free(text);
	free(b);
	free(a);
}

static void
test_conf_comments_keep_lines_right(void **state)
{
	static const char put[] = "/* a\n b */ # c\n// d\n"
				  "tiers = {\"high\", # in a list\n \"low\"}";
	char *a = conf_world_edit(
	    conf_world_base, "tiers = {\"high\", \"low\"}", put);
	char *text = conf_world_edit(a, "30m", "30x");
	struct am_diag *diags;
	size_t n;

	(void)state;
	assert_null(conf_world_load(text, &diags, &n));
	assert_int_equal(n, 1);
	assert_int_equal(diags[0].line, 17);
	free(diags);
	free(text);
	free(a);
}

static void
test_conf_d_files_are_read_in_order(void **state)
{
	static const char more[] = "message \"more\" { text = \"x\" }\n";
	static const char bad[] = "\n\nmessage \"late\" { text = \"y\" }\n";
	struct am_diag *diags;
	struct am_conf *c;
	size_t n;

	(void)state;
	assert_int_equal(mkdir("conf.d", 0700), 0);
	conf_world_put("conf.d/20-more.conf", more, strlen(more));
	conf_world_put("conf.d/README", "not read", 8);
	c = conf_world_must(conf_world_base);
	assert_int_equal(c->messages_n, 2);
	am_conf_unref(c);

	conf_world_put("conf.d/10-bad.conf", bad, strlen(bad));
	assert_null(conf_world_load(conf_world_base, &diags, &n));
	assert_int_equal(n, 1);
	assert_string_equal(diags[0].file, "conf.d/10-bad.conf");
	assert_int_equal(diags[0].line, 3);
	assert_string_equal(diags[0].text,
	    "message \"late\" is given twice, first at amends.conf:8; join "
	    "the two, or rename one");
	free(diags);
	assert_int_equal(unlink("conf.d/10-bad.conf"), 0);
	assert_int_equal(unlink("conf.d/20-more.conf"), 0);
}

static void
test_conf_missing_file_is_told(void **state)
{
	struct am_diag *diags;
	size_t n;

	(void)state;
	assert_null(am_conf_load("none.conf", CONF_NOW, &diags, &n));
	assert_int_equal(n, 1);
	assert_string_equal(diags[0].file, "none.conf");
	assert_string_equal(diags[0].text,
	    "cannot open the configuration (No such file or directory); check "
	    "the path and its mode");
	free(diags);
}

static void
test_conf_secret_others_can_read_is_a_warning(void **state)
{
	struct am_conf *c;

	(void)state;
	assert_int_equal(chmod("ok.secret", 0644), 0);
	c = conf_world_must(conf_world_base);
	assert_int_equal(chmod("ok.secret", 0600), 0);
	assert_warned(c,
	    "amends.conf:6: secret: secret file 'ok.secret' has mode 0644; "
	    "chmod 600");
	assert_false(warned(c, "whsec_"));
	am_conf_unref(c);
}

static void
test_conf_secrets_come_by_credential_and_environment(void **state)
{
	char cwd[4096], *text;
	struct am_conf *c;

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	setenv("CREDENTIALS_DIRECTORY", cwd, 1);
	setenv("AMENDS_TEST_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1);
	text = conf_world_edit(conf_world_base, "{\"file:ok.secret\"}",
	    "{\"credential:ok.secret\", \"env:AMENDS_TEST_KEY\"}");
	c = conf_world_must(text);
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("AMENDS_TEST_KEY");
	assert_int_equal(c->endpoints[0]->secrets_n, 2);
	assert_int_equal(c->endpoints[0]->keys_n[0], 32);
	assert_int_equal(c->endpoints[0]->keys_n[1], 24);
	assert_int_equal(c->endpoints[0]->keys[1][0], 0x31);
	assert_string_equal(
	    c->endpoints[0]->secrets[1].ref, "env:AMENDS_TEST_KEY");
	am_conf_unref(c);
	free(text);
}

static void
test_conf_dates_in_the_past_are_a_warning(void **state)
{
	char *text = conf_world_edit(conf_world_base, "open = {",
	    "closed = {\"2024-10-01..2024-10-07\"} open = {");
	struct am_conf *c = conf_world_must(text);

	(void)state;
	assert_warned(c,
	    "amends.conf:3: the dates of calendar \"office\" end on "
	    "2024-10-07, 775 days ago; add");
	am_conf_unref(c);
	free(text);
}

static void
test_conf_redis_addresses_are_taken_apart(void **state)
{
	char *text = conf_world_edit(conf_world_base,
	    "redis://127.0.0.1:6379/0", "redis://amends@[::1]:7000/3");
	struct am_conf *c = conf_world_must(text);

	(void)state;
	assert_int_equal(c->redis.kind, AM_REDIS_TCP);
	assert_string_equal(c->redis.path_or_host, "::1");
	assert_int_equal(c->redis.port, 7000);
	assert_int_equal(c->redis.db, 3);
	assert_string_equal(c->redis.user, "amends");
	am_conf_unref(c);
	free(text);

	text = conf_world_edit(
	    conf_world_base, "redis://127.0.0.1:6379/0", "redis://Cache");
	c = conf_world_must(text);
	assert_string_equal(c->redis.path_or_host, "cache");
	assert_int_equal(c->redis.port, 6379);
	assert_int_equal(c->redis.db, 0);
	am_conf_unref(c);
	free(text);
}

static void
test_conf_is_freed_with_its_last_reference(void **state)
{
	struct am_conf *c = conf_world_must(conf_world_base);

	(void)state;
	assert_ptr_equal(am_conf_ref(c), c);
	am_conf_unref(c);
	assert_string_equal(c->instance, "t"); /* a sanitizer sees otherwise */
	am_conf_unref(c);
}

static void
test_value_spans_rates_sizes_are_read(void **state)
{
	am_ms span, per;
	int64_t bytes;
	uint32_t n;
	char text[32];

	(void)state;
	assert_int_equal(am_span_parse("1500ms", &span), 0);
	assert_int_equal(span, 1500);
	assert_int_equal(am_span_parse("8w", &span), 0);
	assert_int_equal(span, 56 * AM_DAY);
	am_span_text(span, text);
	assert_string_equal(text, "56d");
	am_span_text(90 * AM_SECOND, text);
	assert_string_equal(text, "90s");
	am_span_text(0, text);
	assert_string_equal(text, "0s");
	assert_true(am_span_parse("", &span) != 0);
	assert_true(am_span_parse("s", &span) != 0);
	assert_true(am_span_parse("5", &span) != 0);
	assert_true(am_span_parse("05s", &span) != 0);
	assert_true(am_span_parse("-5s", &span) != 0);
	assert_true(am_span_parse("99999999999999999999d", &span) != 0);
	assert_int_equal(am_rate_parse("5/24h", &n, &per), 0);
	assert_int_equal(n, 5);
	assert_int_equal(per, 24 * AM_HOUR);
	assert_true(am_rate_parse("0/1s", &n, &per) != 0);
	assert_true(am_rate_parse("5/0s", &n, &per) != 0);
	assert_int_equal(am_bytes_parse("256KiB", &bytes), 0);
	assert_int_equal(bytes, 262144);
	assert_true(am_bytes_parse("256K", &bytes) != 0);
}

static void
test_value_urls_are_read_narrowly(void **state)
{
	static const char *const bad[] = { "https://", "https:///x",
		"https://a b/", "https://a:0/", "https://a:65536/",
		"https://a:08/", "https://[::1/", "https://[zz]/",
		"https://u@a/", "https://a/#f", "https://a\\b/", "//a/",
		"HTTPS://a/", "https://a%2e/", "https://[::1]x/" };
	struct am_arena a;
	struct am_url u;
	char why[256];

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_url_parse(&a, "https://Crm.Example:8443/x?y=@", &u, why), 0);
	assert_string_equal(u.host, "crm.example");
	assert_int_equal(u.port, 8443);
	assert_int_equal(am_url_parse(&a, "http://[::1]/", &u, why), 0);
	assert_string_equal(u.host, "::1");
	assert_int_equal(u.port, 80);
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		if (am_url_parse(&a, bad[i], &u, why) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_non_null(strstr(why, "; "));
	}
	am_arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_reference_loads_unchanged),
		cmocka_unit_test(
		    test_conf_reference_tells_what_an_operator_should_know),
		cmocka_unit_test(
		    test_conf_shipped_file_loads_with_secrets_in_place),
		cmocka_unit_test(test_conf_without_a_key_has_its_default),
		cmocka_unit_test(test_conf_every_default_passes_its_own_check),
		cmocka_unit_test(test_conf_faults_are_told_all_at_once),
		cmocka_unit_test(test_conf_bad_values_are_told_all_at_once),
		cmocka_unit_test(test_conf_comments_keep_lines_right),
		cmocka_unit_test(test_conf_d_files_are_read_in_order),
		cmocka_unit_test(test_conf_missing_file_is_told),
		cmocka_unit_test(test_conf_secret_others_can_read_is_a_warning),
		cmocka_unit_test(
		    test_conf_secrets_come_by_credential_and_environment),
		cmocka_unit_test(test_conf_dates_in_the_past_are_a_warning),
		cmocka_unit_test(test_conf_redis_addresses_are_taken_apart),
		cmocka_unit_test(test_conf_is_freed_with_its_last_reference),
		cmocka_unit_test(test_value_spans_rates_sizes_are_read),
		cmocka_unit_test(test_value_urls_are_read_narrowly),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
