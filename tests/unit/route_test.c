/*
 * Which loop an opening gets (TI1): by tier, severity, category and channel,
 * the first route that fits; nothing fits: the caller's default.
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

/* clang-format off */
#define LOOPS                                                                  \
	"endpoint \"crm\" { url = \"https://crm.example/\" secret = {\"file:ok.secret\"} }\n" \
	"loop \"complaint\" { stage \"a\" { rung \"r\" { at = \"0%\" via = crm } } stage \"b\" { kind = confirm } }\n" \
	"loop \"fast\" { tiers = {\"gold\", \"all\"} stage \"a\" { rung \"r\" { at = \"0%\" via = crm } } stage \"b\" { kind = confirm } }\n"

static const char base[] = LOOPS
	"route \"fire\"   { severity = {\"emergency\"}  loop = \"fast\"  open_as = \"gold\" }\n"
	"route \"vip\"    { tier = {\"high\", \"mid\"}  severity = {\"bad\", \"worse\"}  loop = \"fast\" }\n"
	"route \"phoned\" { category = {\"card fraud\"}  channel = {\"phone\"}  loop = \"complaint\" }\n"
	"route \"fraud\"  { category = {\"card fraud\"}  loop = \"fast\" }\n";
/* clang-format on */

/* "" when none fits; what = "tier=high severity=bad". */
static const char *
routed(const struct am_conf *c, const char *what)
{
	static char buf[256];
	struct am_pair pairs[8];
	struct am_event ev = { .type = AM_EV_OPENED, .fields = pairs };
	const struct am_conf_route *r;
	char *save = NULL;

	snprintf(buf, sizeof(buf), "%s", what);
	for (char *w = strtok_r(buf, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(w, '=');

		*eq = '\0';
		for (char *p = eq + 1; (p = strchr(p, '_')) != NULL;)
			*p = ' ';
		pairs[ev.fields_n++] =
		    (struct am_pair){ am_str_c(w), am_str_c(eq + 1) };
	}
	r = am_conf_route(c, &ev);
	return r != NULL ? r->name : "";
}

static void
test_route_is_the_first_that_fits(void **state)
{
	static const struct {
		const char *what, *route;
	} rows[] = {
		{ "severity=emergency", "fire" },
		{ "severity=emergency tier=high category=card_fraud", "fire" },
		{ "severity=worse tier=mid", "vip" },
		{ "severity=worse tier=low", "" },
		{ "severity=worse", "" },
		{ "tier=high", "" },
		{ "category=card_fraud channel=phone", "phoned" },
		{ "category=card_fraud channel=app", "fraud" },
		{ "category=card_fraud", "fraud" },
		{ "category=card", "" },
		{ "category=Card_Fraud", "" },
		{ "", "" },
	};
	struct am_conf *c = conf_world_must(base);

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++)
		assert_string_equal(routed(c, rows[i].what), rows[i].route);
	assert_string_equal(c->routes[0]->loop->name, "fast");
	assert_string_equal(c->routes[0]->open_as, "gold");
	assert_null(c->routes[1]->open_as);
	am_conf_unref(c);
}

static void
test_route_that_takes_all_stands_last(void **state)
{
	char *text = conf_world_edit(base, "route \"fraud\"",
	    "route \"rest\" { tier = {\"low\"} loop = \"complaint\" }\n"
	    "route \"fraud\"");
	char *all;
	struct am_conf *c = conf_world_must(text);

	(void)state;
	assert_string_equal(routed(c, "tier=low"), "rest");
	am_conf_unref(c);
	assert_true(
	    asprintf(&all, "%sroute \"all\" { loop = \"fast\" }\n", text) >= 0);
	c = conf_world_must(all);
	assert_string_equal(routed(c, "tier=other"), "all");
	assert_string_equal(routed(c, ""), "all");
	am_conf_unref(c);
	free(all);
	free(text);
}

static void
test_route_without_any_leaves_it_to_the_caller(void **state)
{
	struct am_conf *c = conf_world_must(LOOPS);

	(void)state;
	assert_string_equal(routed(c, "tier=high"), "");
	am_conf_unref(c);
}

static void
test_route_that_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *find, *put, *told;
	} rows[] = {
		{ "open_as = \"gold\"", "open_as = \"glod\"",
		    "4: open_as: no tier 'glod'; did you mean 'gold'?" },
		{ "loop = \"fast\"  open_as", "loop = \"fsat\"  open_as",
		    "4: loop: no loop 'fsat'; did you mean 'fast'?" },
		{ "loop = \"fast\"  open_as = \"gold\"", "",
		    "4: route \"fire\" has no loop; write such as loop = "
		    "\"complaint\"" },
		{ "{\"high\", \"mid\"}", "{}",
		    "5: tier: the list is empty, which no opening fits; leave "
		    "it out for any" },
		{ "  channel = {\"phone\"}", "",
		    "7: route \"fraud\" is never reached: what fits it fits "
		    "\"phoned\" before it; put it first, or remove it" },
		{ "severity = {\"emergency\"}",
		    "severity = {\"bad\", \"worse\"}",
		    "5: route \"vip\" is never reached: what fits it fits "
		    "\"fire\" before it; put it first, or remove it" },
		{ "severity = {\"emergency\"}", "",
		    "5: route \"vip\" is never reached: what fits it fits "
		    "\"fire\" before it; put it first, or remove it\n"
		    "6: route \"phoned\" is never reached: what fits it fits "
		    "\"fire\" before it; put it first, or remove it\n"
		    "7: route \"fraud\" is never reached: what fits it fits "
		    "\"fire\" before it; put it first, or remove it" },
		{ "route \"vip\" ", "route \"fire\" ",
		    "5: route \"fire\" is given twice, first at amends.conf:4; "
		    "join the two, or rename one" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		char *text = conf_world_edit(base, rows[i].find, rows[i].put);
		char told[2048] = "";
		struct am_diag *diags;
		size_t n, at = 0;

		assert_null(conf_world_load(text, &diags, &n));
		for (size_t k = 0; k < n; k++)
			at += (size_t)snprintf(told + at, sizeof(told) - at,
			    "%s%d: %s", k > 0 ? "\n" : "", diags[k].line,
			    diags[k].text);
		assert_string_equal(told, rows[i].told);
		free(diags);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_is_the_first_that_fits),
		cmocka_unit_test(test_route_that_takes_all_stands_last),
		cmocka_unit_test(
		    test_route_without_any_leaves_it_to_the_caller),
		cmocka_unit_test(test_route_that_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
