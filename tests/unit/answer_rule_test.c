/*
 * answer_rule_test - rules of providers: the status, silence, XML, how long a
 * throttle lasts and for whom; and lists that could never hold. FU13.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf/answer_rule.h"

static struct am_arena arena;

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_arena_fini(&arena);
	return 0;
}

static struct am_answer_rule
rule(const char *text)
{
	struct am_answer_rule r;
	char why[256];

	if (am_answer_rule_parse(&arena, text, true, &r, why) != 0)
		fail_msg("%s", why);
	return r;
}

static void
refuse(const char *text, const char *said)
{
	struct am_answer_rule r;
	char why[256];

	assert_int_equal(
	    am_answer_rule_parse(&arena, text, true, &r, why), -AM_EINVAL);
	assert_string_equal(why, said);
}

static void
test_rule_when_status_then_a_range(void **state)
{
	struct am_answer_rule r = rule("status:201");

	(void)state;
	assert_int_equal(r.source, AM_ANSWER_STATUS);
	assert_int_equal(r.status_from, 201);
	assert_int_equal(r.status_to, 201);
	r = rule("status:5xx");
	assert_int_equal(r.status_from, 500);
	assert_int_equal(r.status_to, 599);
	assert_string_equal(r.pointer, "status:5xx");
	refuse("status:600",
	    "'status:600': '600' is no HTTP status; write such as status:201 "
	    "or status:5xx");
	refuse("status:20",
	    "'status:20': '20' is no HTTP status; write such as status:201 or "
	    "status:5xx");
	refuse("status:4XX",
	    "'status:4XX': '4XX' is no HTTP status; write such as status:201 "
	    "or status:5xx");
	refuse("status:",
	    "'status:': '' is no HTTP status; write such as status:201 or "
	    "status:5xx");
	refuse("status:200 == 1",
	    "'status:200 == 1': '== 1' is too much; a text with blanks stands "
	    "in quotes");
}

static void
test_rule_when_timeout_then_no_operator(void **state)
{
	struct am_answer_rule r = rule("timeout");

	(void)state;
	assert_int_equal(r.source, AM_ANSWER_TIMEOUT);
	refuse("timeouts",
	    "'timeouts': a rule begins with a JSON pointer; write such as "
	    "/errorCode == 0");
}

static void
test_rule_when_xml_then_the_name_of_an_element(void **state)
{
	struct am_answer_rule r = rule("//Code in Throttled,Throttling");

	(void)state;
	assert_int_equal(r.source, AM_ANSWER_XML);
	assert_string_equal(r.pointer, "//Code");
	assert_int_equal(r.values_n, 2);
	r = rule("//MessageId exists");
	assert_int_equal(r.op, AM_ANSWER_EXISTS);
	refuse("// == 1",
	    "'// == 1': behind // stands the name of an XML element; write "
	    "such as //Code == OK");
	refuse("//Error/Code == 1",
	    "'//Error/Code == 1': behind // stands the name of an XML "
	    "element; write such as //Code == OK");
}

static void
test_rule_when_pointer_is_no_rfc6901_then_refused(void **state)
{
	(void)state;
	refuse("errcode == 0",
	    "'errcode == 0': a rule begins with a JSON pointer; write such as "
	    "/errorCode == 0");
	refuse("/a~2 == 0",
	    "'/a~2 == 0': no JSON pointer; in a name ~ is written ~0 and / is "
	    "written ~1");
}

static void
test_rule_when_throttle_then_for_whom(void **state)
{
	struct am_answer_rule r =
	    rule("/Code == isv.BUSINESS_LIMIT_CONTROL : 1h");

	(void)state;
	assert_int_equal(r.pause, AM_HOUR);
	assert_false(r.recipient_only);
	r = rule("/Code in a,b : 1h recipient");
	assert_int_equal(r.pause, AM_HOUR);
	assert_true(r.recipient_only);
	r = rule("status:429 : 5s");
	assert_int_equal(r.pause, 5 * AM_SECOND);
	refuse("/a == 1 : 1h receiver",
	    "'/a == 1 : 1h receiver': 'receiver' behind the pause; write "
	    "recipient, or nothing");
	refuse("/a == 1 : recipient",
	    "'/a == 1 : recipient': 'recipient' is no pause; write such as : "
	    "10m, a year at most");
}

/* ---- all of a list ---- */

/* NULL: they may hold at once. */
static void
all(const char *a, const char *b, const char *said)
{
	struct am_answer_rule v[] = { rule(a), rule(b) };
	struct am_answer_rule_list list = { v, 2 };
	char why[256] = "";
	int rc = am_answer_rules_check(&list, why);

	assert_string_equal(why, said != NULL ? said : "");
	assert_int_equal(rc, said != NULL ? -AM_EINVAL : 0);
}

static void
test_rules_when_both_can_hold_then_taken(void **state)
{
	(void)state;
	all("status:201", "/status in queued,sent", NULL);
	all("status:2xx", "status:200", NULL);
	all("/a == 1", "/b == 2", NULL);
	all("/a in 1,2", "/a != 1", NULL);
	all("/a ^= ok", "/a ^= okay", NULL);
	all("/a ^= 2", "/a in 10,20", NULL);
	all("/a exists", "/a == false", NULL);
	all("/error absent", "/error == null", NULL);
	all("/error absent", "/error != 1", NULL);
	all("status:200", "//MessageId exists", NULL);
}

#define NEVER                                                                  \
	" never hold at once, and all must; join them, as in /status in "      \
	"queued,sent"

static void
test_rules_when_never_at_once_then_refused(void **state)
{
	(void)state;
	all("status:200", "status:201",
	    "'status:200 ' and 'status:201 '" NEVER);
	all("status:2xx", "status:4xx",
	    "'status:2xx ' and 'status:4xx '" NEVER);
	all("/a == 1", "/a == 2", "'/a 1' and '/a 2'" NEVER);
	all("/a/*/b == ok", "/a/*/b in 1,2",
	    "'/a/*/b ok' and '/a/*/b 1,2'" NEVER);
	all("/a == 1", "/a != 1.0", "'/a 1' and '/a 1.0'" NEVER);
	all("/a ^= ok", "/a ^= no", "'/a ok' and '/a no'" NEVER);
	all("/a ^= ok", "/a == no", "'/a ok' and '/a no'" NEVER);
	all("/a exists", "/a absent", "'/a ' and '/a '" NEVER);
	all("/a exists", "/a == null", "'/a ' and '/a null'" NEVER);
	all("/a absent", "/a == 1", "'/a ' and '/a 1'" NEVER);
	all("/a == 1", "//a == 1", "'/a 1' and '//a 1'" NEVER);
	all("status:200", "timeout",
	    "timeout: nothing was answered then; put it into uncertain or "
	    "retryable");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_when_status_then_a_range),
		cmocka_unit_test(test_rule_when_timeout_then_no_operator),
		cmocka_unit_test(
		    test_rule_when_xml_then_the_name_of_an_element),
		cmocka_unit_test(
		    test_rule_when_pointer_is_no_rfc6901_then_refused),
		cmocka_unit_test(test_rule_when_throttle_then_for_whom),
		cmocka_unit_test(test_rules_when_both_can_hold_then_taken),
		cmocka_unit_test(test_rules_when_never_at_once_then_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
