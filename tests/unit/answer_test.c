/*
 * answer_test - rules for the body of an answer: what they read as, what they
 * say of bodies, and what a bad one is told. FU13: receivers that answer 200 to
 * everything.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf_world.h"
#include "deliver/answer.h"

/* ---- rules by hand ---- */

struct world_rules {
	struct am_arena arena;
	struct am_answer_rule rule[AM_ANSWER_LISTS_N][4];
	struct am_answer_rules rules;
};

static void
add_rule(struct world_rules *w, enum am_answer_list list, const char *text)
{
	char why[256];
	size_t n = w->rules.list[list].n;

	if (text == NULL)
		return;
	if (am_answer_rule_parse(&w->arena, text, list == AM_ANSWER_THROTTLE,
		&w->rule[list][n], why) != 0)
		fail_msg("%s", why);
	w->rules.list[list].v = w->rule[list];
	w->rules.list[list].n = n + 1;
	w->rules.in_use = true;
}

static bool
judge(const struct world_rules *w, struct am_str body, bool cut, int status,
    struct am_answer_verdict *v)
{
	return am_answer_judge(&w->rules,
	    &(struct am_answer_seen){
		.status = status, .body = body, .cut = cut },
	    v);
}

/* ---- bodies ---- */

struct body {
	const char *rule, *other; /* of success_when */
	const char *body;
	enum am_send_class class;
	const char *said;
};

#define OK AM_SEND_OK
#define NO AM_SEND_RETRY
#define HM AM_SEND_UNCERTAIN

/* clang-format off */
static const struct body bodies[] = {
	{ "/errorCode == 0", NULL, "{\"errorCode\":0}", OK, "" },
	{ "/errorCode == 0", NULL, " {\"errorCode\" : 0.0, \"data\": [1]}\r\n", OK, "" },
	{ "/errorCode == 0", NULL, "\xef\xbb\xbf{\"errorCode\":0}", OK, "" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":\"0\"}", OK, "" },
	{ "/errorCode == \"0\"", NULL, "{\"errorCode\":0}", OK, "" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":\"00\"}", NO, "/errorCode is \"00\", not 0" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":4013}", NO, "/errorCode is 4013, not 0" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":false}", NO, "/errorCode is false, not 0" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":null}", NO, "/errorCode is null, not 0" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":[0]}", NO, "/errorCode is a list, not 0" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":{}}", NO, "/errorCode is an object, not 0" },
	{ "/errorCode == 0", NULL, "{\"error\":0}", HM, "/errorCode is missing" },
	{ "/errorCode == 0", NULL, "[0]", HM, "/errorCode is missing" },
	{ "/errorCode == 0", NULL, "0", HM, "/errorCode is missing" },
	{ "/errorCode == 0", NULL, "", HM, "the body is empty" },
	{ "/errorCode == 0", NULL, " \r\n", HM, "the body is empty" },
	{ "/errorCode == 0", NULL, "<html>busy</html>", HM, "the body is not JSON" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":0", HM, "the body is not JSON" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":0} {}", HM, "the body is not JSON" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":4013,\"errorCode\":0}", HM, "the body is not JSON" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":0,\"id\":99999999999999999999999}", OK, "" },
	{ "/errorCode == 0", NULL, "{\"errorCode\":0,\"msg\":\"a\\u0000b\"}", OK, "" },
	{ "/x == 1e2", NULL, "{\"x\":100}", OK, "" },
	{ "/x == -1.50", NULL, "{\"x\":-1.5}", OK, "" },
	{ "/Code == OK", NULL, "{\"Code\":\"OK\"}", OK, "" },
	{ "/Code == OK", NULL, "{\"Code\":\"ok\"}", NO, "/Code is \"ok\", not OK" },
	{ "/msg == \"all, \\\"fine\\\"\"", NULL, "{\"msg\":\"all, \\\"fine\\\"\"}", OK, "" },
	{ "/msg == \"\"", NULL, "{\"msg\":\"\"}", OK, "" },
	{ "/msg == 成功", NULL, "{\"msg\":\"\\u6210\\u529f\"}", OK, "" },
	{ "/msg == 成功", NULL, "{\"msg\":\"\\u5931\"}", NO, "/msg is \"???\", not ??????" },
	{ "/ok == true", NULL, "{\"ok\":true}", OK, "" },
	{ "/ok == true", NULL, "{\"ok\":\"true\"}", NO, "/ok is \"true\", not true" },
	{ "/ok == true", NULL, "{\"ok\":1}", NO, "/ok is 1, not true" },
	{ "/ok == \"true\"", NULL, "{\"ok\":true}", NO, "/ok is true, not \"true\"" },
	{ "/error == null", NULL, "{\"error\":null}", OK, "" },
	{ "/error == null", NULL, "{}", HM, "/error is missing" },
	{ "/error == false", NULL, "{\"error\":false}", OK, "" },
	{ "/code != 0", NULL, "{\"code\":7}", OK, "" },
	{ "/code != 0", NULL, "{\"code\":{}}", OK, "" },
	{ "/code != 0", NULL, "{\"code\":\"0\"}", NO, "/code is \"0\"" },
	{ "/code != 0", NULL, "{}", HM, "/code is missing" },
	{ "/code ^= isv.", NULL, "{\"code\":\"isv.BUSY\"}", OK, "" },
	{ "/code ^= isv.", NULL, "{\"code\":\"is\"}", NO, "/code is \"is\", not from isv." },
	{ "/code ^= 20", NULL, "{\"code\":201}", OK, "" },
	{ "/code ^= 20", NULL, "{\"code\":true}", NO, "/code is true, not from 20" },
	{ "/status in queued, sent,\"on its way\"", NULL, "{\"status\":\"on its way\"}", OK, "" },
	{ "/status in queued,sent", NULL, "{\"status\":\"sent\"}", OK, "" },
	{ "/status in queued,sent", NULL, "{\"status\":\"failed\"}", NO, "/status is \"failed\", not queued,sent" },
	{ "/status in 1,true,null", NULL, "{\"status\":null}", OK, "" },
	{ "/id exists", NULL, "{\"id\":0}", OK, "" },
	{ "/id exists", NULL, "{\"id\":null}", NO, "/id is null" },
	{ "/id exists", NULL, "{}", NO, "/id is missing" },
	{ "/error absent", NULL, "{}", OK, "" },
	{ "/error absent", NULL, "{\"error\":null}", OK, "" },
	{ "/error absent", NULL, "{\"error\":{\"code\":1}}", NO, "/error is an object" },
	{ "/a/b/1/c == 1", NULL, "{\"a\":{\"b\":[0,{\"c\":1}]}}", OK, "" },
	{ "/a/2 == 1", NULL, "{\"a\":[1,1]}", HM, "/a/2 is missing" },
	{ "/a/01 == 1", NULL, "{\"a\":[1,1]}", HM, "/a/01 is missing" },
	{ "/a/-1 == 1", NULL, "{\"a\":[1,1]}", HM, "/a/-1 is missing" },
	{ "/a/18446744073709551616 == 1", NULL, "{\"a\":[1]}", HM, "/a/18446744073709551616 is missing" },
	{ "/0 == 1", NULL, "[1]", OK, "" },
	{ "/ == 1", NULL, "{\"\":1}", OK, "" },
	{ "/a~1b/~0c~01 == 1", NULL, "{\"a/b\":{\"~c~1\":1}}", OK, "" },
	{ "/data/*/status == 0", NULL, "{\"data\":[{\"status\":\"0\"},{\"status\":0}]}", OK, "" },
	{ "/data/*/status == 0", NULL, "{\"data\":[{\"status\":0},{\"status\":9},{}]}", NO, "/data/*/status is 9, not 0" },
	{ "/data/*/status == 0", NULL, "{\"data\":[{},{\"status\":9},{\"status\":0}]}", NO, "/data/*/status is 9, not 0" },
	{ "/data/*/status == 0", NULL, "{\"data\":[{\"status\":0},{}]}", HM, "/data/*/status is missing" },
	{ "/data/*/status == 0", NULL, "{\"data\":[]}", HM, "/data/*/status is missing" },
	{ "/data/*/status == 0", NULL, "{\"data\":7}", HM, "/data/*/status is missing" },
	{ "/to/*/status == 0", NULL, "{\"to\":{\"+4930901820\":{\"status\":3}}}", NO, "/to/*/status is 3, not 0" },
	{ "/*/*/ok == true", NULL, "[[{\"ok\":true}],[{\"ok\":true},{\"ok\":true}]]", OK, "" },
	{ "/*/*/ok == true", NULL, "[[{\"ok\":true}],[{\"ok\":true},{\"ok\":false}]]", NO, "/*/*/ok is false, not true" },
	{ "/list/*/error absent", NULL, "{\"list\":[]}", OK, "" },
	{ "/a == 1", "/b == 2", "{\"a\":1,\"b\":2}", OK, "" },
	{ "/a == 1", "/b == 2", "{\"a\":1,\"b\":3}", NO, "/b is 3, not 2" },
	{ "/a == 1", "/b == 2", "{\"b\":3}", NO, "/b is 3, not 2" }, /* a no weighs more */
	{ "/a == 1", "/b == 2", "{}", HM, "/a is missing" },
	{ "/code == 0", NULL, "{\"code\":\"customer Mr Example of 1 Street, Town\"}", NO,
	    "/code is \"customer Mr Example of 1...\", not 0" },
	{ "/code == 0", NULL, "{\"code\":\"\\u001b[2J\\n\"}", NO, "/code is \"?[2J \", not 0" },
	{ "/a-pointer/that-is/longer/than-what/fits == \"a text that is longer than fits\"", NULL,
	    "{\"a-pointer\":{\"that-is\":{\"longer\":{\"than-what\":{\"fits\":\"abcdefghijklmnopqrstuvwxy\"}}}}}", NO,
	    "/a-pointer/that-is/longer/than-wha is \"abcdefghijklmnopqrstuvwx...\", not \"a text that is longer" },
};
/* clang-format on */

static void
test_answer_bodies_then_class_and_words_by_the_table_FU13(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(bodies); i++) {
		const struct body *b = &bodies[i];
		struct world_rules w = { 0 };
		struct am_answer_verdict v;

		am_arena_init(&w.arena, 0);
		add_rule(&w, AM_ANSWER_SUCCESS, b->rule);
		add_rule(&w, AM_ANSWER_SUCCESS, b->other);
		assert_true(judge(&w, am_str_c(b->body), false, 200, &v));
		if (v.class != b->class || strcmp(v.said, b->said) != 0)
			fail_msg("%s on %s: class %d, '%s'; wanted %d, '%s'",
			    b->rule, b->body, v.class, v.said, b->class,
			    b->said);
		assert_string_equal(v.reason, b->class == OK ? "ok"
					      : b->class == NO
						  ? "body_failed"
						  : "body_unclear");
		am_arena_fini(&w.arena);
	}
}

/* What a body of one status says by all four lists. */
static void
expect_lists(struct world_rules *w, const char *body, bool ok,
    enum am_send_class class, const char *reason, const char *said)
{
	struct am_answer_verdict v;

	assert_true(judge(w, am_str_c(body), false, ok ? 200 : 400, &v));
	assert_string_equal(v.said, said);
	assert_string_equal(v.reason, reason);
	assert_int_equal(v.class, class);
}

static void
test_answer_lists_then_throttle_permanent_retry_success_FU13(void **state)
{
	struct world_rules w = { 0 };
	struct am_answer_verdict v = { .reason = "as it was" };

	(void)state;
	am_arena_init(&w.arena, 0);
	add_rule(&w, AM_ANSWER_SUCCESS, "/code == 0");
	add_rule(&w, AM_ANSWER_PERMANENT, "/to/*/code in 21211, 21610");
	add_rule(&w, AM_ANSWER_PERMANENT, "/code == 4013");
	add_rule(&w, AM_ANSWER_RETRY, "/again == true");
	add_rule(&w, AM_ANSWER_THROTTLE, "/slow exists : 10m");
	expect_lists(&w, "{\"code\":0}", true, OK, "ok", "");
	expect_lists(
	    &w, "{\"code\":7}", true, NO, "body_failed", "/code is 7, not 0");
	/* one element is enough, and success is not asked */
	expect_lists(&w, "{\"code\":0,\"to\":[{\"code\":0},{\"code\":21610}]}",
	    true, AM_SEND_PERMANENT, "body_permanent", "/to/*/code is 21610");
	expect_lists(&w, "{\"code\":\"4013\"}", true, AM_SEND_PERMANENT,
	    "body_permanent", "/code is \"4013\"");
	expect_lists(&w, "{\"code\":0,\"again\":true}", true, NO, "body_retry",
	    "/again is true");
	expect_lists(&w, "{\"code\":4013,\"again\":true}", true,
	    AM_SEND_PERMANENT, "body_permanent", "/code is 4013");
	expect_lists(&w, "{\"code\":4013,\"slow\":\"yes\"}", true,
	    AM_SEND_THROTTLE, "body_throttle", "/slow is \"yes\"");
	/* without a 2xx */
	expect_lists(&w, "{\"code\":4013}", false, AM_SEND_PERMANENT,
	    "body_permanent", "/code is 4013");
	assert_false(judge(&w, AM_STR("{\"code\":0}"), false, 400, &v));
	assert_false(judge(&w, AM_STR("<html>"), false, 500, &v));
	assert_string_equal(v.reason, "as it was");
	am_arena_fini(&w.arena);
}

static void
test_answer_cut_then_unclear_even_if_what_came_is_json(void **state)
{
	struct world_rules w = { 0 };
	struct am_answer_verdict v;

	(void)state;
	am_arena_init(&w.arena, 0);
	add_rule(&w, AM_ANSWER_SUCCESS, "/code == 0");
	add_rule(&w, AM_ANSWER_PERMANENT, "/code == 1");
	assert_true(judge(&w, AM_STR("{\"code\":0}"), true, 200, &v));
	assert_int_equal(v.class, HM);
	assert_string_equal(v.said, "the body is longer than max_response");
	assert_false(judge(&w, AM_STR("{\"code\":1}"), true, 400, &v));
	am_arena_fini(&w.arena);
}

static void
test_answer_nested_2000_deep_then_judged_or_unclear(void **state)
{
	enum { DEPTH = 3000 };
	struct world_rules w = { 0 };
	struct am_answer_verdict v;
	char *text = malloc(2 * DEPTH);

	(void)state;
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	am_arena_init(&w.arena, 0);
	add_rule(&w, AM_ANSWER_SUCCESS, "/*/*/*/*/* exists");
	assert_true(judge(
	    &w, (struct am_str){ text + DEPTH - 1500, 3000 }, false, 200, &v));
	assert_int_equal(v.class, OK);
	assert_true(
	    judge(&w, (struct am_str){ text, 2 * DEPTH }, false, 200, &v));
	assert_int_equal(v.class, HM);
	am_arena_fini(&w.arena);
	free(text);
}

/* ---- status, silence, XML ---- */

struct whole {
	enum am_answer_list list;
	const char *rule;
	int status; /* 0: the request had left, and nothing came */
	const char *body;
	bool spoken;
	enum am_send_class class;
	const char *reason; /* NULL: the status or the silence has its own */
	const char *said;
};

#define SNS_OK                                                                 \
	"<PublishResponse xmlns=\"http://sns.example/\"><PublishResult>"       \
	"<MessageId>a-1</MessageId></PublishResult></PublishResponse>"
#define SNS_NO                                                                 \
	"<?xml version=\"1.0\"?>\n<!-- <Code>Comment</Code> -->"               \
	"<e:ErrorResponse><Error a='<>'><e:Code >\n OptedOut </e:Code>"        \
	"<Message/></Error></e:ErrorResponse>"

/* clang-format off */
static const struct whole wholes[] = {
	{ AM_ANSWER_SUCCESS, "status:201", 201, "", true, OK, "ok", "" },
	{ AM_ANSWER_SUCCESS, "status:201", 200, "", true, NO, "body_failed", "answered 200, not 201" },
	{ AM_ANSWER_SUCCESS, "status:2xx", 299, "<html>", true, OK, "ok", "" },
	{ AM_ANSWER_SUCCESS, "status:201", 500, "", false, OK, NULL, "" },
	{ AM_ANSWER_PERMANENT, "status:4xx", 404, "", true, AM_SEND_PERMANENT, NULL, "answered 404" },
	{ AM_ANSWER_PERMANENT, "status:4xx", 500, "", false, OK, NULL, "" },
	{ AM_ANSWER_PERMANENT, "status:4xx", 0, "", false, OK, NULL, "" },
	{ AM_ANSWER_RETRY, "status:502", 502, "", true, NO, NULL, "answered 502" },
	{ AM_ANSWER_UNCERTAIN, "status:5xx", 500, "", true, HM, NULL, "answered 500" },
	{ AM_ANSWER_UNCERTAIN, "/code == 13", 200, "{\"code\":13}", true, HM, "body_uncertain", "/code is 13" },
	{ AM_ANSWER_OPTED_OUT, "/code == 21610", 400, "{\"code\":21610}", true, AM_SEND_PERMANENT, "opted_out", "/code is 21610" },
	{ AM_ANSWER_OPTED_OUT, "status:451", 451, "", true, AM_SEND_PERMANENT, "opted_out", "answered 451" },
	{ AM_ANSWER_UNCERTAIN, "timeout", 0, "", true, HM, NULL, "" },
	{ AM_ANSWER_RETRY, "timeout", 0, "", true, NO, NULL, "" },
	{ AM_ANSWER_RETRY, "timeout", 500, "", false, OK, NULL, "" },
	{ AM_ANSWER_RETRY, "/code == 1", 0, "{\"code\":1}", false, OK, NULL, "" }, /* half an answer says nothing */
	{ AM_ANSWER_SUCCESS, "//MessageId exists", 200, SNS_OK, true, OK, "ok", "" },
	{ AM_ANSWER_SUCCESS, "//MessageId ^= a-", 200, SNS_OK, true, OK, "ok", "" },
	{ AM_ANSWER_SUCCESS, "//MessageId == b", 200, SNS_OK, true, NO, "body_failed", "//MessageId is \"a-1\", not b" },
	{ AM_ANSWER_SUCCESS, "//MessageId exists", 200, SNS_NO, true, NO, "body_failed", "//MessageId is missing" },
	{ AM_ANSWER_SUCCESS, "//MessageId == b", 200, SNS_NO, true, HM, "body_unclear", "//MessageId is missing" },
	{ AM_ANSWER_SUCCESS, "//MessageId exists", 200, "OK", true, HM, "body_unclear", "//MessageId is missing" },
	{ AM_ANSWER_SUCCESS, "//Error absent", 200, SNS_OK, true, OK, "ok", "" },
	{ AM_ANSWER_SUCCESS, "//Message == \"\"", 200, SNS_NO, true, OK, "ok", "" },
	{ AM_ANSWER_OPTED_OUT, "//Code == OptedOut", 400, SNS_NO, true, AM_SEND_PERMANENT, "opted_out", "//Code is \"OptedOut\"" },
	{ AM_ANSWER_PERMANENT, "//Code in A,OptedOut", 400, SNS_NO, true, AM_SEND_PERMANENT, "body_permanent", "//Code is \"OptedOut\"" },
	{ AM_ANSWER_PERMANENT, "//Code != A", 400, SNS_NO, true, AM_SEND_PERMANENT, "body_permanent", "//Code is \"OptedOut\"" },
	{ AM_ANSWER_PERMANENT, "//code == OptedOut", 400, SNS_NO, false, OK, NULL, "" },
	{ AM_ANSWER_PERMANENT, "//Code == OptedOut", 400, "<Code>OptedOut", false, OK, NULL, "" }, /* cut off */
	{ AM_ANSWER_PERMANENT, "//Code == OptedOut", 400, "<!-- <Code>OptedOut</Code>", false, OK, NULL, "" },
};
/* clang-format on */

static void
test_answer_status_silence_and_xml_then_by_the_table_FU13(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(wholes); i++) {
		const struct whole *t = &wholes[i];
		struct world_rules w = { 0 };
		struct am_answer_verdict v = { 0 };
		bool spoken;

		am_arena_init(&w.arena, 0);
		add_rule(&w, t->list, t->rule);
		spoken = am_answer_judge(&w.rules,
		    &(struct am_answer_seen){ .status = t->status,
			.timeout = t->status == 0,
			.body = am_str_c(t->body) },
		    &v);
		if (spoken != t->spoken || v.class != t->class ||
		    strcmp(v.said, t->said) != 0 ||
		    (v.reason == NULL) != (t->reason == NULL))
			fail_msg("%s on %d: class %d, '%s'", t->rule, t->status,
			    v.class, v.said);
		if (v.reason != NULL)
			assert_string_equal(v.reason, t->reason);
		assert_int_equal(
		    v.opted_out, spoken && t->list == AM_ANSWER_OPTED_OUT);
		am_arena_fini(&w.arena);
	}
}

static void
test_answer_all_lists_then_in_their_order_FU13(void **state)
{
	static const char *const rules[] = { "/a == 1 : 1h recipient",
		"/b == 1", "/c == 1", "/d == 1", "/e == 1", "/f == 0" };
	static const struct {
		const char *body;
		enum am_send_class class;
	} rows[] = {
		{ "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":0}",
		    AM_SEND_THROTTLE },
		{ "{\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":0}",
		    AM_SEND_PERMANENT },
		{ "{\"d\":1,\"e\":1,\"f\":0}", NO },
		{ "{\"e\":1,\"f\":0}", HM },
		{ "{\"f\":0}", OK },
	};
	struct world_rules w = { 0 };
	struct am_answer_verdict v;

	(void)state;
	am_arena_init(&w.arena, 0);
	for (size_t i = 0; i < AM_ANSWER_LISTS_N; i++)
		add_rule(&w, (enum am_answer_list)i, rules[i]);
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		assert_true(judge(&w, am_str_c(rows[i].body), false, 200, &v));
		assert_int_equal(v.class, rows[i].class);
		assert_int_equal(v.opted_out, i == 1);
		assert_int_equal(v.recipient_only, i == 0);
		assert_int_equal(v.pause, i == 0 ? AM_HOUR : 0);
	}
	am_arena_fini(&w.arena);
}

/* A gateway that repeats what we came with does not make it public. */
static void
test_answer_secret_or_number_in_the_body_then_not_said(void **state)
{
	const struct am_str secret = AM_STR("canary-5up3r");
	struct world_rules w = { 0 };
	struct am_answer_verdict v;

	(void)state;
	am_arena_init(&w.arena, 0);
	add_rule(&w, AM_ANSWER_PERMANENT, "/error exists");
	for (size_t i = 0; i < 2; i++) {
		static const char *const bodies_of[] = {
			"{\"error\":\"no user canary-5up3r here\"}",
			"{\"error\":\"bad: +86 138 0013 8000\"}",
		};

		assert_true(am_answer_judge(&w.rules,
		    &(struct am_answer_seen){ .status = 400,
			.body = am_str_c(bodies_of[i]),
			.secrets = &secret,
			.secrets_n = 1 },
		    &v));
		assert_null(strstr(v.said, "canary"));
		assert_null(strstr(v.said, "138"));
		assert_non_null(strstr(v.said, "/error is \""));
	}
	assert_true(
	    judge(&w, AM_STR("{\"error\":447700900123}"), false, 400, &v));
	assert_string_equal(v.said, "/error is a number");
	am_arena_fini(&w.arena);
}

/* ---- ids ---- */

static void
test_answer_id_then_text_or_whole_number_or_nothing(void **state)
{
	static const struct {
		const char *body, *pointer, *id;
	} rows[] = {
		{ "{\"sid\":\"SM1\"}", "/sid", "SM1" },
		{ "\xef\xbb\xbf{\"sid\":\"SM1\"}", "/sid", "SM1" },
		{ "{\"m\":[{\"message-id\":\"0A\"}]}", "/m/0/message-id",
		    "0A" },
		{ "{\"id\":9007199254740993}", "/id", "9007199254740993" },
		{ "{\"id\":1234567890123456789}", "/id",
		    "1234567890123456789" },
		{ "[{\"a/b~\":7}]", "/0/a~1b~0", "7" },
		{ "{\"id\":1.5}", "/id", "" },
		{ "{\"id\":null}", "/id", "" },
		{ "{\"id\":\"a b\"}", "/id", "" },
		{ "{\"id\":\"\\u6295\"}", "/id", "" },
		{ "{\"id\":\"01234567890123456789\"}", "/id", "" },
		{ "{\"id\":\"0123456789012345678\"}", "/id",
		    "0123456789012345678" },
		{ "{\"x\":1}", "/id", "" },
		{ "<html>", "/id", "" },
		{ "", "/id", "" },
		{ SNS_OK, "//MessageId", "a-1" },
		{ SNS_NO, "//MessageId", "" },
		{ "", "//MessageId", "" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		char id[20] = "as it was";

		am_answer_id(
		    am_str_c(rows[i].body), rows[i].pointer, id, sizeof(id));
		assert_string_equal(id, rows[i].id);
	}
}

/* ---- what a bad rule is told ---- */

/* clang-format off */
static const struct {
	const char *put, *told;
} faults[] = {
	{ "success_when = {\"errorCode == 0\"}",
	  "6: success_when: 'errorCode == 0': a rule begins with a JSON pointer; write such as /errorCode == 0" },
	{ "success_when = {\"/a == 1\",\n \"/errorCode==0\"}",
	  "7: success_when: '/errorCode==0': behind the pointer stands nothing; write one of ==, !=, ^=, in, exists and absent, with a blank on both sides" },
	{ "success_when = {\"/a = 0\"}",
	  "6: success_when: '/a = 0': behind the pointer stands '='; write one of ==, !=, ^=, in, exists and absent, with a blank on both sides" },
	{ "success_when = {\"/a~2 == 0\"}",
	  "6: success_when: '/a~2 == 0': no JSON pointer; in a name ~ is written ~0 and / is written ~1" },
	{ "success_when = {\"/a~ == 0\"}",
	  "6: success_when: '/a~ == 0': no JSON pointer; in a name ~ is written ~0 and / is written ~1" },
	{ "success_when = {\"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17 == 0\"}",
	  "6: success_when: '/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17 == 0': a pointer has 16 parts at most" },
	{ "success_when = {\"/a ==\"}",
	  "6: success_when: '/a ==': a value is missing; write a number, true, false, null or a text, as in /errorCode == 0" },
	{ "success_when = {\"/a in 1,,2\"}",
	  "6: success_when: '/a in 1,,2': a value is missing; write a number, true, false, null or a text, as in /errorCode == 0" },
	{ "success_when = {\"/a == True\"}",
	  "6: success_when: '/a == True': JSON writes true in small letters; a text True stands in quotes" },
	{ "success_when = {\"/a == 007\"}",
	  "6: success_when: '/a == 007': '007' is no JSON number; a text stands in quotes" },
	{ "success_when = {\"/a == 1 2\"}",
	  "6: success_when: '/a == 1 2': '2' is too much; a text with blanks stands in quotes" },
	{ "success_when = {\"/a exists 1\"}",
	  "6: success_when: '/a exists 1': '1' is too much; a text with blanks stands in quotes" },
	{ "success_when = {\"/a == 1,2\"}",
	  "6: success_when: '/a == 1,2': == takes one value; several go with in" },
	{ "success_when = {\"/a ^= true\"}",
	  "6: success_when: '/a ^= true': ^= compares texts; write == true" },
	{ "success_when = {\"/a == \\\"x\"}",
	  "6: success_when: '/a == \"x': the closing quote is missing" },
	{ "success_when = {}",
	  "6: success_when: no rule; write such as {\"/errorCode == 0\"}, or leave the key out" },
	{ "permanent_when = {\"/a == 1 : 10m\"}",
	  "6: permanent_when: '/a == 1 : 10m': ': 10m' is too much; a text with blanks stands in quotes, a pause in throttle_when" },
	{ "throttle_when = {\"/a == 1 : soon\"}",
	  "6: throttle_when: '/a == 1 : soon': 'soon' is no pause; write such as : 10m, a year at most" },
	{ "throttle_when = {\"/a == : 10m\"}",
	  "6: throttle_when: '/a == : 10m': a value is missing; write a number, true, false, null or a text, as in /errorCode == 0" },
	{ "retry_when = {\"/a === 1\"}",
	  "6: retry_when: '/a === 1': behind the pointer stands '==='; write one of ==, !=, ^=, in, exists and absent, with a blank on both sides" },
};
/* clang-format on */

static void
test_answer_bad_rule_then_file_line_and_what_is_right_OP6(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(faults); i++) {
		char put[640], *text;
		struct am_diag *diags;
		size_t n;

		snprintf(
		    put, sizeof(put), "\n    %s\n    secret =", faults[i].put);
		text = conf_world_edit(conf_world_base, "\n    secret =", put);
		assert_null(conf_world_load(text, &diags, &n));
		if (n != 1)
			fail_msg("%s: %zu diagnostics", put, n);
		snprintf(
		    put, sizeof(put), "%d: %s", diags[0].line, diags[0].text);
		assert_string_equal(put, faults[i].told);
		free(diags);
		free(text);
	}
}

static void
test_answer_rules_of_a_file_then_read_in_all_lists(void **state)
{
	struct am_conf *c;
	const struct am_answer_rules *a;
	char *text;

	(void)state;
	c = conf_world_must(conf_world_base);
	assert_false(c->endpoints[0]->answer.in_use);
	am_conf_unref(c);
	text = conf_world_edit(conf_world_base, "\n    secret =",
	    "\n    success_when = {\"/errorCode == 0\", \"/d/*/s == "
	    "\\\"0\\\"\"}"
	    "\n    permanent_when = {'/Code ^= \"isv.\"'}"
	    "\n    throttle_when = {\"/code == 130101 : 10m\"}\n    secret =");
	c = conf_world_must(text);
	a = &c->endpoints[0]->answer;
	assert_true(a->in_use);
	assert_int_equal(a->list[AM_ANSWER_SUCCESS].n, 2);
	assert_string_equal(
	    a->list[AM_ANSWER_SUCCESS].v[1].values[0].text.p, "0");
	assert_null(a->list[AM_ANSWER_SUCCESS].v[1].parts[1]);
	assert_string_equal(
	    a->list[AM_ANSWER_PERMANENT].v[0].wanted, "\"isv.\"");
	assert_int_equal(
	    a->list[AM_ANSWER_THROTTLE].v[0].pause, 10 * AM_MINUTE);
	assert_int_equal(a->list[AM_ANSWER_RETRY].n, 0);
	am_conf_unref(c);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_answer_bodies_then_class_and_words_by_the_table_FU13),
		T(test_answer_lists_then_throttle_permanent_retry_success_FU13),
		T(test_answer_cut_then_unclear_even_if_what_came_is_json),
		T(test_answer_nested_2000_deep_then_judged_or_unclear),
		T(test_answer_status_silence_and_xml_then_by_the_table_FU13),
		T(test_answer_all_lists_then_in_their_order_FU13),
		T(test_answer_secret_or_number_in_the_body_then_not_said),
		T(test_answer_id_then_text_or_whole_number_or_nothing),
		T(test_answer_bad_rule_then_file_line_and_what_is_right_OP6),
		T(test_answer_rules_of_a_file_then_read_in_all_lists),
	};

	return cmocka_run_group_tests_name(
	    "answer", tests, conf_world_setup, conf_world_teardown);
}
