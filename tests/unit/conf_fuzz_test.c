/*
 * The contract file cut at every byte, and with bytes changed: never a crash,
 * and never a refusal without a line and a word of what would be right; and so
 * with keys that the contract does not show. Whatever is taken has a normal
 * form that gives itself again. The seed is printed; SEED repeats a run.
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

#include "conf_world.h"
#include "rnd.h"

#define MUTANTS 1500
#define TEXT_MAX (1 << 15)

static char reference[TEXT_MAX];
static size_t reference_n;

/* What the contract file leaves out. */
static const char more[] =
    "catchup_after = \"30s\" catchup_rate = \"20/1m\"\n"
    "calendar \"office\" { open = {\"Mon-Fri 09:00-17:00\"} }\n"
    "quiet \"night\" { hours = \"21:00-08:00\" }\n"
    "person \"li\" { timezone = \"Asia/Tokyo\" } person \"wang\" { }\n"
    "role \"manager\" { person = {\"li\", \"wang\"} }\n"
    "endpoint \"crm\" { url = \"https://crm.example/\" quiet = \"night\"\n"
    "    secret = {\"file:ok.secret\"} }\n"
    "alert = {\"crm\"} http { listen = \"127.0.0.1:8480\" }\n"
    "replies { window = \"3d\" yes = {\"ja\"} start = {\"los\"} }\n"
    "provider p { url = \"https://{host:url}/{token:url}\" params = named\n"
    "    header = {\"X-A: {region:raw}\"} query = {\"to={to:url}\"}\n"
    "    json = '{\"a\":[{params_json:json}],\"b\":{unix_s:raw}}' rate = 9/1s\n"
    "    throttle = {\"/a/*/b == 1 : 1h recipient\"} opted_out = {\"//C "
    "exists\"}\n"
    "    uncertain = {\"status:5xx\", timeout} message_id = \"/a~1b/0\"\n"
    "    receipt { items = \"/\" ref = \"/r\" delivered = \"/s == ok\" }\n"
    "    inbound { from = \"/f\" text = \"/t\" country = 86 } }\n"
    "endpoint \"s\" { type = sms provider = p set = {\"host=h.example\",\n"
    "    \"region=eu\"} token = \"file:ok.secret\" on_uncertain = fail\n"
    "    per_recipient = {\"1/5m\"} receipt_wait = 5m retry_budget = 5% }\n"
    "endpoint \"m\" { type = mail url = \"smtps://m.example\"\n"
    "    from = \"A <a@b>\" allow_plain = yes disable_after = 1d }\n"
    "message \"q\" { text = \"{complaint.id}\" subject = \"s\"\n"
    "    template \"p\" { id = 1 lang = zh params = {\"a={clock.due}\"} } }\n"
    "route \"fire\" { tier = {\"high\"} severity = {\"a b\"} loop = \"x\"\n"
    "    open_as = \"low\" }\n"
    "route \"rest\" { category = {\"c\"} channel = {\"d\"} loop = \"x\" }\n"
    "loop \"x\" { tiers = {\"high\", \"low\"} unowned_max = \"1bd\"\n"
    "    hold_reminders = {\"+4h\", \"+2bd\"} max_hold = \"20bd\"\n"
    "    negative_words = {\"No\", 'a \\'b\\'', \"没用\"} emergency = {}\n"
    "    group_wait = \"0\" notify_withdrawal = yes max_extensions = 0\n"
    "    stage \"do\" { budget = \"1h\" requires = {\"action\"} waivable = 1\n"
    "        rung \"take\" { at = \"+1h\" to = \"manager\" via = {\"crm\"}\n"
    "            tiers = {\"low\"} action = \"reassign\" }\n"
    "        rung \"up\" { at = \"+2h\" action = \"raise-tier\" } }\n"
    "    stage \"ask\" { kind = \"confirm\" attempts = {\"+1h\"}\n"
    "        silence = \"3d\" survey_reminders = 0\n"
    "        rung \"q\" { at = \"0%\" to = \"customer\" via = {\"crm\"} } }\n"
    "}\n";

/* The file, and a link to where its secrets are. */
static int
setup(void **state)
{
	char path[4300];
	FILE *f;

	if (conf_world_setup(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/tests/data/reference.conf",
	    conf_world_home());
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	reference_n = fread(reference, 1, sizeof(reference), f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/tests", conf_world_home());
	return symlink(path, "tests");
}

/* The normal form of a loop is its own. */
static void
check_loops(const struct am_conf *c)
{
	for (size_t i = 0; i < c->loops_n; i++) {
		const struct am_loopdef *again;
		struct am_diag diag;
		struct am_arena a;

		am_arena_init(&a, 0);
		if (am_conf_bind_loop(
			c, c->loops[i]->text, &a, &again, &diag) != 0)
			fail_msg("%d: %s", diag.line, diag.text);
		assert_string_equal(again->ref, c->loops[i]->ref);
		am_arena_fini(&a);
	}
}

/* True when it loaded; whatever it was told must help. */
static bool
load(const char *text, size_t n)
{
	struct am_diag *diags;
	struct am_conf *c;
	size_t diags_n;

	conf_world_put("amends.conf", text, n);
	c = am_conf_load("amends.conf", CONF_NOW, &diags, &diags_n);
	if (c != NULL) {
		assert_int_equal(diags_n, 0);
		check_loops(c);
		am_conf_unref(c);
		return true;
	}
	assert_true(diags_n > 0);
	for (size_t i = 0; i < diags_n; i++) {
		if (diags[i].line < 1 || strstr(diags[i].text, "; ") == NULL ||
		    strcmp(diags[i].file, "amends.conf") != 0)
			fail_msg("%s:%d: %s", diags[i].file, diags[i].line,
			    diags[i].text);
	}
	free(diags);
	return false;
}

static void
test_conf_cut_at_every_byte_is_refused_with_a_line(void **state)
{
	size_t last = reference_n;

	(void)state;
	assert_true(load(reference, reference_n));
	/* what follows the last statement is a line end */
	while (reference[last - 1] == '\n')
		last--;
	for (size_t n = 0; n < last; n++) {
		char *cut = malloc(n + 1); /* its end is the sanitizer's */

		memcpy(cut, reference, n);
		/* every section is referred to, up to the last */
		if (load(cut, n))
			fail_msg("cut at byte %zu of %zu was taken", n, last);
		free(cut);
	}
}

static void
mutate(const char *from, size_t from_n)
{
	static char text[TEXT_MAX];
	int taken = 0;
	size_t n;

	for (int i = 0; i < MUTANTS; i++) {
		memcpy(text, from, from_n);
		n = rnd_mutate(text, from_n, sizeof(text),
		    "{}()[]\"'=,+*#/\\$%\n\t 0-:.\x01\x7f\xff");
		taken += load(text, n);
	}
	/* changes of comments and texts are right, most others are not */
	assert_true(taken > 0);
	assert_true(taken < MUTANTS / 2);
}

static void
test_conf_with_changed_bytes_never_crashes(void **state)
{
	(void)state;
	rnd_seed(__func__);
	mutate(reference, reference_n);
}

static void
test_conf_of_all_keys_with_changed_bytes_never_crashes(void **state)
{
	(void)state;
	rnd_seed(__func__);
	assert_true(load(more, sizeof(more) - 1));
	mutate(more, sizeof(more) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_conf_cut_at_every_byte_is_refused_with_a_line),
		cmocka_unit_test(test_conf_with_changed_bytes_never_crashes),
		cmocka_unit_test(
		    test_conf_of_all_keys_with_changed_bytes_never_crashes),
	};

	return cmocka_run_group_tests(tests, setup, conf_world_teardown);
}
