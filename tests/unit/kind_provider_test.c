/*
 * kind_provider_test - sendings by a gateway: what leaves, how often, and what
 * becomes of the answer. The shipped providers and their signatures are in
 * tests/system/test_providers.py. FU13, FU5
 */

#include "deliver_world.h"

#include "conf_world.h"
#include "deliver/provider_request.h"

#define MESSAGE                                                                \
	"{\"type\":\"followup.ask\",\"data\":{\"complaint\":{\"id\":\"C-1\"}," \
	"\"message\":{\"text\":\"投诉 C-1 & co\",\"subject\":\"问题\","    \
	"\"lang\":\"zh\"}}}"

/* One endpoint "g" by one provider "p", at the first receiver. */
struct gate {
	struct world *w;
	struct am_conf *conf;
};

static struct gate
gate_new(const char *type, const char *endpoint, const char *provider)
{
	struct gate g = { .w = world_new(1) };
	char *text;

	assert_true(
	    asprintf(&text,
		"%s\nendpoint \"g\" { type = \"%s\"  provider = \"p\"\n"
		"  base_url = \"http://127.0.0.1:%u\"  allow_http = true\n"
		"  timeout = \"300ms\"  connect_timeout = \"200ms\"\n"
		"  breaker_failures = 100\n  %s }\n"
		"provider p {\n  url = \"https://gate.example/send\"\n  %s }\n",
		conf_world_base, type, g.w->rx[0].port, endpoint,
		provider) >= 0);
	g.conf = conf_world_must(text);
	free(text);
	am_deliver_configure(g.w->deliver, g.conf, g.w->now);
	return g;
}

static void
gate_free(struct gate *g)
{
	world_free(g->w);
	am_conf_unref(g->conf);
}

static const struct am_send_result *
gate_send(struct gate *g, const char *to, const char *body)
{
	struct world *w = g->w;

	w->sending = true;
	am_deliver_send(w->deliver, "g",
	    &(struct am_send_what){
		.id = "fu_1", .body = am_str_c(body), .to = am_str_c(to) },
	    w->now, world_on_sent, w);
	w->sending = false;
	world_wait(w, w->out_n + 1);
	return &w->out[w->out_n - 1].r;
}

#define LOCAL "allow_net = {\"127.0.0.0/8\"}"

/* ---- the request ---- */

static void
test_provider_form_then_on_the_wire_as_written_FU13(void **state)
{
	struct gate g = gate_new("sms", LOCAL " from = \"Bank\"",
	    "form = {\"to={to:form}\", \"n={to_digits:url}\", "
	    "\"from={from:form}\", \"text={text:form}\", "
	    "\"kind={sms_type:form}\", \"flag=\", \"cb={callback:form}\", "
	    "\"ref=x{callback:form}\"}");
	const char *body;

	(void)state;
	expect_result(
	    gate_send(&g, "+8613900000001", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_memory_equal(g.w->rx[0].call[0], "POST /send HTTP/1.1\r\n", 21);
	assert_string_equal(header(&g.w->rx[0], 0, "content-type"),
	    "application/x-www-form-urlencoded");
	assert_null(header(&g.w->rx[0], 0, "expect"));
	assert_null(header(&g.w->rx[0], 0, "accept-encoding"));
	body = strstr(g.w->rx[0].call[0], "\r\n\r\n") + 4;
	/* a pair of nothing but an empty hole is left out */
	assert_string_equal(body,
	    "to=%2B8613900000001&n=8613900000001&from=Bank&"
	    "text=%E6%8A%95%E8%AF%89+C-1+%26+co&kind=unicode&flag=&ref=x");
	gate_free(&g);
}

static void
test_provider_get_then_query_behind_that_of_the_url(void **state)
{
	struct gate g = gate_new("chat", LOCAL " token = \"file:plain.secret\"",
	    "method = GET  query = {\"t={text:url}\", \"u={unix_s:url}\"}\n"
	    "header = {\"X-Title: {title:hex}\", \"X-Key: {token:raw}\"}");

	(void)state;
	expect_result(gate_send(&g, "", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_memory_equal(g.w->rx[0].call[0],
	    "GET /send?t=%E6%8A%95%E8%AF%89%20C-1%20%26%20co&u=1800000000 ",
	    61);
	assert_string_equal(header(&g.w->rx[0], 0, "x-title"), "e997aee9a298");
	assert_string_equal(header(&g.w->rx[0], 0, "x-key"), "hunter2");
	assert_null(header(&g.w->rx[0], 0, "content-type"));
	gate_free(&g);
}

static void
test_provider_post_without_body_then_no_type_of_libcurl(void **state)
{
	struct gate g = gate_new("chat", LOCAL, "query = {\"t={text:url}\"}");

	(void)state;
	expect_result(gate_send(&g, "", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_string_equal(header(&g.w->rx[0], 0, "content-length"), "0");
	assert_null(header(&g.w->rx[0], 0, "content-type"));
	gate_free(&g);
}

/* Values of conf and of customers are one line in a header. */
static void
test_provider_line_end_in_a_header_then_a_blank(void **state)
{
	struct gate g = gate_new("chat", LOCAL,
	    "header = {\"X-To: {to:raw}\"}  raw = \"{text:raw}\"");

	(void)state;
	expect_result(
	    gate_send(&g, "+49\r\nX-Evil: 1", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_string_equal(header(&g.w->rx[0], 0, "x-to"), "+49  X-Evil: 1");
	assert_null(header(&g.w->rx[0], 0, "x-evil"));
	assert_string_equal(header(&g.w->rx[0], 0, "content-type"),
	    "text/plain; charset=utf-8");
	gate_free(&g);
}

/* ---- names ---- */

static const struct am_send_what what = {
	.id = "fu_1", .body = AM_STR(MESSAGE), .to = AM_STR("+8613900000001")
};
static const uint8_t nonce[AM_NONCE_BYTES] = { 0xab, 0xcd };

static struct am_str
value(const struct am_provider_values *v, const char *name)
{
	struct am_str s = AM_STR("as it was");

	if (!am_provider_value(v, name, &s))
		fail_msg("no value of %s", name);
	return s;
}

static void
expect_named(
    const struct am_provider_values *v, const char *name, const char *want)
{
	struct am_str s = value(v, name);

	if (!am_str_is(s, want))
		fail_msg("%s is '%.*s', not '%s'", name, AM_ARG(s), want);
}

static void
test_values_every_name_of_conf_then_it_has_one(void **state)
{
	struct gate g = gate_new("sms", LOCAL " set = {\"sign_name=阿里云\"}",
	    "query = {\"s={sign_name:url}\"}");
	struct am_provider_values v;
	struct am_arena a;
	struct am_str s;
	size_t n;
	const struct am_provider_hole *names = am_provider_holes(&n);

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_provider_values_read(&v, am_conf_endpoint(g.conf, AM_STR("g")),
		&what, 1795305600123, nonce, &a),
	    0);
	for (size_t i = 0; i < n; i++)
		(void)value(&v, names[i].name);
	expect_named(&v, "sign_name", "阿里云");
	expect_named(&v, "to_digits", "8613900000001");
	expect_named(&v, "title", "问题");
	expect_named(&v, "lang", "zh");
	expect_named(&v, "complaint_id", "C-1");
	expect_named(&v, "followup_id", "fu_1");
	expect_named(&v, "unix_s", "1795305600");
	expect_named(&v, "unix_ms", "1795305600123");
	expect_named(&v, "iso_time", "2026-11-22T00:00:00Z");
	expect_named(&v, "nonce", "abcd0000000000000000000000000000");
	expect_named(&v, "params_json", "{}");
	expect_named(&v, "params_list", "[]");
	expect_named(&v, "callback", "");
	assert_false(am_provider_value(&v, "no_such", &s));
	am_arena_fini(&a);
	gate_free(&g);
}

#define TEMPLATE(params)                                                       \
	"{\"data\":{\"message\":{\"text\":\"Hi\",\"template\":{\"id\":"        \
	"\"SMS_1\",\"params\":[" params "]}}}}"

static void
test_values_template_then_named_and_ordered_FU13(void **state)
{
	struct gate g = gate_new(
	    "sms", LOCAL, "params = named  query = {\"t={template:url}\"}");
	struct am_send_what with = what;
	struct am_provider_values v;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	with.body = AM_STR(TEMPLATE("{\"name\":\"id\",\"value\":\"C-\\\"1\"},"
				    "{\"name\":\"due\",\"value\":\"明天\"}"));
	assert_int_equal(
	    am_provider_values_read(
		&v, am_conf_endpoint(g.conf, AM_STR("g")), &with, 0, nonce, &a),
	    0);
	expect_named(&v, "template", "SMS_1");
	expect_named(
	    &v, "params_json", "{\"id\":\"C-\\\"1\",\"due\":\"明天\"}");
	expect_named(&v, "params_list", "[\"C-\\\"1\",\"明天\"]");
	expect_named(&v, "sms_type", "text");
	am_arena_fini(&a);
	gate_free(&g);
}

/* ---- what is not sent ---- */

static void
test_provider_of_templates_without_one_then_dead_and_unsent_FU13(void **state)
{
	struct gate g = gate_new("sms", LOCAL,
	    "params = ordered  json = \"{\\\"p\\\":{params_list:json}}\"");

	(void)state;
	expect_result(gate_send(&g, "+8613900000001", MESSAGE),
	    AM_SEND_PERMANENT, 0, "no_template");
	assert_int_equal(g.w->rx[0].connections, 0);
	gate_free(&g);
}

static void
test_provider_stored_body_without_message_then_dead_and_unsent(void **state)
{
	static const char *const bodies[] = { "", "[]", "{\"data\":{}}",
		"{\"data\":{\"message\":\"x\"}}" };
	struct gate g = gate_new("chat", LOCAL, "query = {\"t={text:url}\"}");

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bodies); i++)
		expect_result(gate_send(&g, "", bodies[i]), AM_SEND_PERMANENT,
		    0, "bad_body");
	assert_int_equal(g.w->rx[0].connections, 0);
	gate_free(&g);
}

static void
test_provider_private_address_then_refused_FU13(void **state)
{
	struct gate g = gate_new("chat", "", "query = {\"t={text:url}\"}");

	(void)state;
	expect_result(
	    gate_send(&g, "", MESSAGE), AM_SEND_RETRY, 0, "refused_address");
	assert_int_equal(g.w->rx[0].connections, 0);
	gate_free(&g);
}

/* FU9: who renders it holds it to max_bytes; a sender cuts no reply code. */
static void
test_provider_text_over_max_bytes_then_sent_as_it_was_stored(void **state)
{
	struct gate g = gate_new("chat", LOCAL,
	    "max_bytes = 10  raw = \"{text:raw}\"  success = {\"status:200\"}");
	const struct am_send_result *r = gate_send(
	    &g, "", "{\"data\":{\"message\":{\"text\":\"0123456789 1?\"}}}");

	(void)state;
	expect_result(r, AM_SEND_OK, 200, "ok");
	assert_string_equal(r->detail, "");
	assert_string_equal(
	    strstr(g.w->rx[0].call[0], "\r\n\r\n") + 4, "0123456789 1?");
	gate_free(&g);
}

/* ---- once ---- */

/* The receiver keeps the connection, and takes the second request without an
 * answer: on a kept connection libcurl would send it once more. */
static void
test_provider_at_most_once_then_a_connection_each_and_no_repeat_FU5(
    void **state)
{
	static const struct {
		const char *type;
		unsigned connections, requests;
	} rows[] = {
		{ "sms", 2, 2 },
		{ "chat", 2, 3 },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		struct gate g =
		    gate_new(rows[i].type, LOCAL, "query = {\"t={text:url}\"}");

		expect_result(
		    gate_send(&g, "+491", MESSAGE), AM_SEND_OK, 200, "ok");
		g.w->rx[0].script.reset_after = true;
		expect_result(gate_send(&g, "+491", MESSAGE), AM_SEND_UNCERTAIN,
		    0, "reset");
		assert_int_equal(g.w->rx[0].connections, rows[i].connections);
		assert_int_equal(g.w->rx[0].requests, rows[i].requests);
		gate_free(&g);
	}
}

static void
test_provider_robot_then_the_connection_is_kept(void **state)
{
	struct gate g = gate_new("chat", LOCAL, "query = {\"t={text:url}\"}");

	(void)state;
	for (size_t i = 0; i < 3; i++)
		expect_result(
		    gate_send(&g, "", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_int_equal(g.w->rx[0].connections, 1);
	gate_free(&g);
}

/* ---- the answer ---- */

#define ANSWER(status, head, body)                                             \
	"HTTP/1.1 " status " X\r\n" head "Connection: close\r\n\r\n" body

static void
test_provider_without_a_rule_then_the_status_decides_FU13(void **state)
{
	static const struct {
		const char *answer;
		enum am_send_class class;
		int status;
		const char *reason;
		am_ms retry_after;
	} rows[] = {
		{ ANSWER("204", "", ""), AM_SEND_OK, 204, "ok", 0 },
		{ ANSWER(
		      "302", "Location: https://u@h.example:1/t0k?x\r\n", ""),
		    AM_SEND_RETRY, 302, "redirect", 0 },
		{ ANSWER("400", "", ""), AM_SEND_PERMANENT, 400, "http_400",
		    0 },
		{ ANSWER("404", "Retry-After: 9\r\n", ""), AM_SEND_PERMANENT,
		    404, "http_404", 0 },
		{ ANSWER("410", "", ""), AM_SEND_PERMANENT, 410, "http_410",
		    0 },
		{ ANSWER("500", "", ""), AM_SEND_UNCERTAIN, 500, "http_500",
		    0 },
		{ ANSWER("503", "Retry-After: 9\r\n", ""), AM_SEND_UNCERTAIN,
		    503, "http_503", 9000 },
		{ NULL, AM_SEND_UNCERTAIN, 0, "timeout", 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		    AM_SEND_UNCERTAIN, 200, "timeout", 0 },
		{ "SMS/1.0 hello\r\n\r\n", AM_SEND_UNCERTAIN, 0, "not_http",
		    0 },
		{ ANSWER("429", "Retry-After: 9\r\n", ""), AM_SEND_THROTTLE,
		    429, "http_429", 9000 },
	};
	struct gate g = gate_new("sms", LOCAL, "query = {\"t={text:url}\"}");
	const struct am_send_result *r;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		g.w->rx[0].script.answer = rows[i].answer;
		g.w->rx[0].script.hang_up = rows[i].status != 200;
		r = gate_send(&g, "+491", MESSAGE);
		expect_result(r, rows[i].class, rows[i].status, rows[i].reason);
		assert_int_equal(r->retry_after, rows[i].retry_after);
		if (i == 1) /* path and query may repeat what was secret */
			assert_string_equal(
			    r->detail, "answered 302, Location: https://u");
	}
	gate_free(&g);
}

static void
test_provider_nothing_listens_then_another_try_FU13(void **state)
{
	struct gate g = gate_new("sms", LOCAL,
	    "query = {\"t={text:url}\"}  permanent = {\"timeout\"}");

	(void)state;
	evconnlistener_free(g.w->rx[0].listener);
	g.w->rx[0].listener = NULL;
	expect_result(gate_send(&g, "+491", MESSAGE), AM_SEND_RETRY, 0,
	    "connect"); /* no rule is asked: it was not sent */
	gate_free(&g);
}

static void
test_provider_rules_then_before_the_status_FU13(void **state)
{
	static const char rules[] =
	    "query = {\"t={text:url}\"}  message_id = \"/id\"\n"
	    "throttle = {\"/code == 7 : 10m\", \"/code == 8 : 1h recipient\"}\n"
	    "opted_out = {\"/code == 9\"}  permanent = {\"/code == 4\"}\n"
	    "retryable = {\"status:500\", \"timeout\"}\n"
	    "uncertain = {\"/code == 5\"}  success = {\"/code == 0\"}\n";
	static const struct {
		const char *answer;
		enum am_send_class class;
		const char *reason, *detail, *id;
	} rows[] = {
		{ ANSWER("200", "", "{\"code\":0,\"id\":12345678901234567}"),
		    AM_SEND_OK, "ok", "", "12345678901234567" },
		{ ANSWER("200", "", "{\"code\":1,\"id\":\"m1\"}"),
		    AM_SEND_RETRY, "body_failed", "/code is 1, not 0", "m1" },
		{ ANSWER("400", "", "{\"code\":9}"), AM_SEND_PERMANENT,
		    "opted_out", "/code is 9", "" },
		{ ANSWER("200", "", "{\"code\":4}"), AM_SEND_PERMANENT,
		    "body_permanent", "/code is 4", "" },
		{ ANSWER("500", "", ""), AM_SEND_RETRY, "http_500",
		    "answered 500", "" },
		{ ANSWER("202", "", "{\"code\":5,\"id\":\"m2\"}"),
		    AM_SEND_UNCERTAIN, "body_uncertain", "/code is 5", "m2" },
		{ ANSWER("200", "", "oops"), AM_SEND_UNCERTAIN, "body_unclear",
		    "the body is not JSON", "" },
		{ ANSWER("403", "", "{\"code\":8}"), AM_SEND_THROTTLE,
		    "body_throttle", "/code is 8", "" },
		{ NULL, AM_SEND_RETRY, "timeout", NULL, "" },
		{ ANSWER("403", "", "{\"code\":7}"), AM_SEND_THROTTLE,
		    "body_throttle", "/code is 7", "" },
	};
	struct gate g = gate_new("sms", LOCAL, rules);
	const struct am_send_result *r = NULL;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		g.w->rx[0].script.answer = rows[i].answer;
		g.w->rx[0].script.hang_up = true;
		r = gate_send(&g, "+491", MESSAGE);
		if (r->class != rows[i].class ||
		    strcmp(r->reason, rows[i].reason) != 0 ||
		    (rows[i].detail != NULL &&
			strcmp(r->detail, rows[i].detail) != 0) ||
		    strcmp(r->message_id, rows[i].id) != 0)
			fail_msg("row %zu: class %d, %s, '%s', id '%s'", i,
			    r->class, r->reason, r->detail, r->message_id);
		assert_int_equal(
		    r->opted_out, strcmp(r->reason, "opted_out") == 0);
		assert_int_equal(r->recipient_only, i == 7);
		if (i == 7) {
			assert_int_equal(r->retry_after, AM_HOUR);
			assert_int_equal(world_room(g.w, "g") > 0, 1);
		}
	}
	assert_int_equal(r->retry_after, 10 * AM_MINUTE);
	assert_int_equal(world_room(g.w, "g"), 0); /* the whole endpoint */
	gate_free(&g);
}

/* A gateway may say back what it got: nothing of it is shown or kept. */
static void
test_provider_secrets_repeated_then_not_in_the_result(void **state)
{
	static const char *const answers[] = {
		ANSWER("302",
		    "Location: https://h.example/hunter2?k=hunter2\r\n",
		    "hunter2"),
		ANSWER("400", "", "{\"code\":\"hunter2 is wrong\"}"),
		ANSWER("400", "", "{\"code\":\"no +49 151 23456789\"}"),
		ANSWER("200", "", "bad key hunter2 for 4915123456789"),
		/* the other one, as it stood in a URL, a form and JSON */
		ANSWER("400", "", "GET /?k=p%40ss%22w%20rd%2F is wrong"),
		ANSWER("400", "", "k=p%40ss%22w+rd%2F is wrong"),
		ANSWER("400", "", "{\"k\":\"p@ss\\\"w rd/\"}"),
		ANSWER("400", "", "{\"code\":\"p@ss\\\"w rd/\"}"),
	};
	const struct am_send_result *r;
	struct gate g;

	(void)state;
	conf_world_put("odd.secret", "p@ss\"w rd/\n", 11);
	g = gate_new("sms",
	    LOCAL " token = \"file:plain.secret\" "
		  "password = \"file:odd.secret\"",
	    "query = {\"t={text:url}\", \"k={token:url}\", "
	    "\"p={password:url}\"}\n"
	    "permanent = {\"/code exists\"}");
	for (size_t i = 0; i < AM_COUNT(answers); i++) {
		char all[5000];

		g.w->rx[0].script.answer = answers[i];
		g.w->rx[0].script.hang_up = true;
		r = gate_send(&g, "+4915123456789", MESSAGE);
		snprintf(all, sizeof(all), "%s|%s|%s|%s", r->reason, r->detail,
		    r->said, g.w->out[g.w->out_n - 1].excerpt);
		assert_int_not_equal(r->class, AM_SEND_OK);
		assert_null(strstr(all, "hunter2"));
		assert_null(strstr(all, "23456789"));
		assert_null(strstr(all, "p%40"));
		assert_null(strstr(all, "p@ss"));
	}
	gate_free(&g);
}

/* ---- robots ---- */

static void
test_provider_robot_signature_without_a_hole_then_put_in_FU13(void **state)
{
	struct gate g =
	    gate_new("chat", LOCAL " password = \"file:plain.secret\"",
		"sign = dingtalk  json = \"{\\\"t\\\":{text:json}}\"");

	(void)state;
	expect_result(gate_send(&g, "", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_memory_equal(
	    g.w->rx[0].call[0], "POST /send?timestamp=18000000000", 32);
	assert_non_null(strstr(g.w->rx[0].call[0], "&sign="));
	gate_free(&g);
	g = gate_new("chat", LOCAL " password = \"file:plain.secret\"",
	    "sign = feishu  json = \"{ }\"");
	expect_result(gate_send(&g, "", MESSAGE), AM_SEND_OK, 200, "ok");
	assert_non_null(strstr(g.w->rx[0].call[0],
	    "\r\n\r\n{\"timestamp\":\"1800000000\",\"sign\":\""));
	assert_string_equal(strrchr(g.w->rx[0].call[0], '"'), "\" }");
	gate_free(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_provider_form_then_on_the_wire_as_written_FU13),
		T(test_provider_get_then_query_behind_that_of_the_url),
		T(test_provider_post_without_body_then_no_type_of_libcurl),
		T(test_provider_line_end_in_a_header_then_a_blank),
		T(test_values_every_name_of_conf_then_it_has_one),
		T(test_values_template_then_named_and_ordered_FU13),
		T(test_provider_of_templates_without_one_then_dead_and_unsent_FU13),
		T(test_provider_stored_body_without_message_then_dead_and_unsent),
		T(test_provider_private_address_then_refused_FU13),
		T(test_provider_text_over_max_bytes_then_sent_as_it_was_stored),
		T(test_provider_at_most_once_then_a_connection_each_and_no_repeat_FU5),
		T(test_provider_robot_then_the_connection_is_kept),
		T(test_provider_without_a_rule_then_the_status_decides_FU13),
		T(test_provider_nothing_listens_then_another_try_FU13),
		T(test_provider_rules_then_before_the_status_FU13),
		T(test_provider_secrets_repeated_then_not_in_the_result),
		T(test_provider_robot_signature_without_a_hole_then_put_in_FU13),
	};

	return cmocka_run_group_tests_name(
	    "kind_provider", tests, conf_world_setup, conf_world_teardown);
}
