/*
 * deliver: what receivers do, and what becomes of a follow-up then. Faults 47
 * to 50, 52 and 54 of the catalogue. Capabilities FU2 and FU4.
 */

#include "tests/unit/deliver_world.h"

#include "deliver/sign.h"
#include "deliver/webhook.h"

/* ---- what is sent ---- */

static void
test_deliver_request_then_headers_of_standard_webhooks_FU2(void **state)
{
	struct world *w = world_new(1);
	struct receiver *rx = &w->rx[0];
	struct am_buf sig;

	(void)state;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_memory_equal(rx->call[0], "POST /hook?a=b HTTP/1.1\r\n", 25);
	assert_string_equal(header(rx, 0, "webhook-id"), "fu1");
	assert_string_equal(header(rx, 0, "webhook-timestamp"), "1800000000");
	assert_string_equal(header(rx, 0, "content-type"), "application/json");
	assert_memory_equal(header(rx, 0, "user-agent"), "amends/", 7);
	assert_null(header(rx, 0, "expect"));
	assert_null(header(rx, 0, "accept-encoding"));
	assert_null(header(rx, 0, "cookie"));
	assert_string_equal(
	    strstr(rx->call[0], "\r\n\r\n") + 4, "{\"投诉\":1}");
	am_buf_init(&sig);
	assert_int_equal(am_sign_webhook(w->ep[0].keys, w->ep[0].keys_n, 1,
			     "fu1", 1800000000, AM_STR("{\"投诉\":1}"), &sig),
	    0);
	am_buf_addc(&sig, '\0');
	assert_string_equal(header(rx, 0, "webhook-signature"), sig.p);
	am_buf_fini(&sig);
	world_free(w);
}

static void
test_deliver_again_then_same_id_and_body_fresh_time_FU2(void **state)
{
	struct world *w = world_new(1);
	struct receiver *rx = &w->rx[0];
	char first[256];

	(void)state;
	world_configure(w);
	world_try(w);
	snprintf(
	    first, sizeof(first), "%s", header(rx, 0, "webhook-signature"));
	w->now += 5 * AM_SECOND;
	world_try(w);
	assert_int_equal(rx->requests, 2);
	assert_string_equal(header(rx, 1, "webhook-id"), "fu1");
	assert_string_equal(header(rx, 1, "webhook-timestamp"), "1800000005");
	assert_string_not_equal(header(rx, 1, "webhook-signature"), first);
	assert_string_equal(
	    strstr(rx->call[0], "\r\n\r\n"), strstr(rx->call[1], "\r\n\r\n"));
	assert_int_equal(rx->connections, 1); /* kept and used again */
	world_free(w);
}

static void
test_deliver_two_secrets_then_two_signatures_FU2(void **state)
{
	struct world *w = world_new(1);
	const char *sig;

	(void)state;
	w->ep[0].secrets_n = 2;
	memset(w->ep[0].keys[1], 'k', 32);
	w->ep[0].keys_n[1] = 32;
	world_configure(w);
	world_try(w);
	sig = header(&w->rx[0], 0, "webhook-signature");
	assert_int_equal(strlen(sig), 2 * 47 + 1);
	assert_memory_equal(sig + 47, " v1,", 4);
	world_free(w);
}

static void
test_deliver_empty_body_then_length_0(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_configure(w);
	am_deliver_send(w->deliver, "crm",
	    &(struct am_send_what){ .id = "fu1", .body = AM_STR("") }, w->now,
	    world_on_sent, w);
	world_wait(w, 1);
	expect_result(&w->out[0].r, AM_SEND_OK, 200, "ok");
	assert_string_equal(header(&w->rx[0], 0, "content-length"), "0");
	world_free(w);
}

/* ---- what is answered ---- */

/* clang-format off */
static const struct answer {
	const char *head; /* status line and headers */
	const char *body;
	enum am_send_class class;
	int status;
	const char *reason;
	am_ms retry_after;
} answers[] = {
	{ "200 OK", "ok",                              AM_SEND_OK, 200, "ok", 0 },
	{ "201 Created", "",                           AM_SEND_OK, 201, "ok", 0 },
	{ "202 Accepted", "later",                     AM_SEND_OK, 202, "ok", 0 },
	{ "299 Whatever", "",                          AM_SEND_OK, 299, "ok", 0 },
	{ "400 Bad Request", "no",                     AM_SEND_RETRY, 400, "http_400", 0 },
	{ "401 Unauthorized", "",                      AM_SEND_RETRY, 401, "http_401", 0 },
	{ "404 Not Found", "",                         AM_SEND_RETRY, 404, "http_404", 0 },
	{ "408 Request Timeout", "",                   AM_SEND_RETRY, 408, "http_408", 0 },
	{ "410 Gone", "",                              AM_SEND_PERMANENT, 410, "gone", 0 },
	{ "425 Too Early", "",                         AM_SEND_RETRY, 425, "http_425", 0 },
	{ "500 Oh", "boom",                            AM_SEND_RETRY, 500, "http_500", 0 },
	{ "502 Bad\r\nRetry-After: 9", "",             AM_SEND_THROTTLE, 502, "http_502", 9 * AM_SECOND },
	{ "502 Bad", "",                               AM_SEND_THROTTLE, 502, "http_502", 30 * AM_SECOND },
	{ "504 Late", "",                              AM_SEND_THROTTLE, 504, "http_504", 30 * AM_SECOND },
	{ "505 Version", "",                           AM_SEND_RETRY, 505, "http_505", 0 },
	{ "599 Hm", "",                                AM_SEND_RETRY, 599, "http_599", 0 },
	{ "429 Slow", "",                              AM_SEND_THROTTLE, 429, "http_429", 30 * AM_SECOND },
	{ "429 Slow\r\nRetry-After: 0", "",            AM_SEND_THROTTLE, 429, "http_429", 30 * AM_SECOND },
	{ "429 Slow\r\nRetry-After: soon", "",         AM_SEND_THROTTLE, 429, "http_429", 30 * AM_SECOND },
	{ "429 Slow\r\nRetry-After: 7", "",            AM_SEND_THROTTLE, 429, "http_429", 7 * AM_SECOND },
	{ "429 Slow\r\nretry-after:   3", "",          AM_SEND_THROTTLE, 429, "http_429", 3 * AM_SECOND },
	{ "503 Down\r\nRetry-After: 99999999999999999999", "", AM_SEND_THROTTLE, 503, "http_503", AM_DAY },
	{ "503 Down", "",                              AM_SEND_THROTTLE, 503, "http_503", 30 * AM_SECOND },
	{ "301 Moved\r\nLocation: http://169.254.169.254/latest", "", AM_SEND_RETRY, 301, "redirect", 0 },
	{ "302 Found\r\nLocation: file:///etc/passwd", "", AM_SEND_RETRY, 302, "redirect", 0 },
	{ "307 Again", "",                             AM_SEND_RETRY, 307, "redirect", 0 },
	{ "304 Not Modified", NULL,                    AM_SEND_RETRY, 304, "redirect", 0 },
};
/* clang-format on */

static void
test_deliver_answers_then_class_by_the_table_FU4(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->ep[0].breaker_failures = 1000;
	world_configure(w);
	for (size_t i = 0; i < AM_COUNT(answers); i++) {
		const struct answer *a = &answers[i];
		const struct am_send_result *r;
		char text[512];

		snprintf(text, sizeof(text),
		    "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", a->head,
		    a->body != NULL ? strlen(a->body) : 0,
		    a->body != NULL ? a->body : "");
		w->rx[0].script.answer = text;
		r = world_try(w);
		expect_result(r, a->class, a->status, a->reason);
		assert_int_equal(r->retry_after, a->retry_after);
		assert_string_equal(w->out[i].excerpt,
		    a->body != NULL && a->class != AM_SEND_OK ? a->body : "");
		assert_string_equal(r->address, "127.0.0.1");
	}
	assert_int_equal(w->rx[0].requests, AM_COUNT(answers));
	world_free(w);
}

static void
test_deliver_204_then_ok(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.answer = "HTTP/1.1 204 No Content\r\n\r\n";
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 204, "ok");
	expect_result(world_try(w), AM_SEND_OK, 204, "ok");
	world_free(w);
}

static void
test_deliver_retry_after_date_then_counted_from_now(void **state)
{
	struct world *w = world_new(1);
	const struct am_send_result *r;

	(void)state;
	w->rx[0].script.answer = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
				 "Retry-After: Fri, 15 Jan 2027 08:02:00 "
				 "GMT\r\n\r\n"; /* now + 2 min */
	world_configure(w);
	r = world_try(w);
	expect_result(r, AM_SEND_THROTTLE, 429, "http_429");
	assert_true(r->retry_after > 115 * AM_SECOND);
	assert_true(r->retry_after <= 120 * AM_SECOND);
	world_free(w);
}

static void
test_deliver_redirect_then_not_followed_and_location_kept(void **state)
{
	struct world *w = world_new(2);
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
	    "HTTP/1.1 308 Go\r\nContent-Length: 0\r\n"
	    "Location: http://127.0.0.1:%u/\x01other\r\n\r\n",
	    w->rx[1].port);
	w->rx[0].script.answer = text;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_RETRY, 308, "redirect");
	snprintf(text, sizeof(text),
	    "answered 308, Location: http://127.0.0.1:%u/?other",
	    w->rx[1].port);
	assert_string_equal(w->out[0].r.detail, text);
	assert_int_equal(w->rx[1].connections, 0);
	world_free(w);
}

static void
test_deliver_early_hints_then_only_the_final_answer_counts(void **state)
{
	struct world *w = world_new(1);
	const struct am_send_result *r;

	(void)state;
	w->rx[0].script.answer =
	    "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
	    "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n";
	world_configure(w);
	r = world_try(w);
	expect_result(r, AM_SEND_THROTTLE, 503, "http_503");
	assert_int_equal(r->retry_after, 30 * AM_SECOND); /* not 9 s */
	world_free(w);
}

/* ---- answers without end, or with too early an end ---- */

static void
test_deliver_body_over_the_cap_then_ok_and_not_read_further(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
	s->filler = "0123456789abcdef";
	s->filler_n = 64 * 1024;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_string_equal(w->out[0].excerpt, "");
	assert_non_null(strstr(w->out[0].r.detail, "longer than"));
	/* and the lane works on */
	s->answer = OK_ANSWER;
	s->filler_n = 0;
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	world_free(w);
}

static void
test_deliver_500_with_body_over_the_cap_then_retry(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 500 Oh\r\n\r\n";
	s->filler = "0123456789abcdef";
	s->filler_n = 1024;
	w->ep[0].max_response_bytes = 10;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_RETRY, 500, "http_500");
	assert_string_equal(w->out[0].excerpt, "[number]"); /* 10 bytes */
	world_free(w);
}

static void
test_deliver_200_with_body_cut_short_then_uncertain(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
	s->hang_up = true;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_UNCERTAIN, 200, "body_cut_short");
	world_free(w);
}

static void
test_deliver_header_line_of_1_mib_then_uncertain(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 200 OK\r\nX-Long: ";
	s->filler = "0123456789abcdef";
	s->filler_n = 64 * 1024;
	world_configure(w);
	expect_result(
	    world_try(w), AM_SEND_UNCERTAIN, 200, "headers_too_large");
	world_free(w);
}

static void
test_deliver_10000_headers_then_uncertain(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 200 OK\r\n";
	s->filler = "X-Header: 0123456789\r\n";
	s->filler_n = 10000;
	world_configure(w);
	expect_result(
	    world_try(w), AM_SEND_UNCERTAIN, 200, "headers_too_large");
	world_free(w);
}

static void
test_deliver_100_continue_without_end_then_uncertain(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 100 Continue\r\n\r\n";
	s->filler = s->answer;
	s->filler_n = 10000;
	world_configure(w);
	assert_int_equal(world_try(w)->class, AM_SEND_UNCERTAIN);
	world_free(w);
}

static void
test_deliver_100_continue_only_then_uncertain(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 100 Continue\r\n\r\n";
	world_configure(w);
	expect_result(world_try(w), AM_SEND_UNCERTAIN, 100, "timeout");
	s->hang_up = true;
	assert_int_equal(world_try(w)->class, AM_SEND_UNCERTAIN);
	world_free(w);
}

static void
test_deliver_answer_is_not_http_then_uncertain(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "-ERR unknown command 'POST'\r\n";
	s->hang_up = true;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_UNCERTAIN, 0, "not_http");
	world_free(w);
}

/* ---- success that only the body tells ---- */

static void
use_rules(struct world *w, struct am_arena *a, enum am_answer_list list,
    const char *text)
{
	struct am_answer_rule *rule = am_arena_zalloc(a, sizeof(*rule));
	char why[256];

	assert_int_equal(am_answer_rule_parse(
			     a, text, list == AM_ANSWER_THROTTLE, rule, why),
	    0);
	w->ep[0].answer.in_use = true;
	w->ep[0].answer.list[list].v = rule;
	w->ep[0].answer.list[list].n = 1;
}

/* clang-format off */
static const struct {
	const char *head, *body;
	enum am_send_class class;
	int status;
	const char *reason, *said;
	am_ms retry_after;
} judged[] = {
	{ "200 OK", "{\"code\":0}",                AM_SEND_OK, 200, "ok", "", 0 },
	{ "202 Taken", "{\"code\":\"0\"}",         AM_SEND_OK, 202, "ok", "", 0 },
	{ "200 OK", "{\"code\":7}",                AM_SEND_RETRY, 200, "body_failed", "/code is 7, not 0", 0 },
	{ "200 OK", "{\"code\":5}",                AM_SEND_RETRY, 200, "body_retry", "/code is 5", 0 },
	{ "200 OK", "{\"code\":4013}",             AM_SEND_PERMANENT, 200, "body_permanent", "/code is 4013", 0 },
	{ "200 OK", "{\"code\":130101}",           AM_SEND_THROTTLE, 200, "body_throttle", "/code is 130101", 7 * AM_SECOND },
	{ "200 OK\r\nRetry-After: 9", "{\"code\":130101}", AM_SEND_THROTTLE, 200, "body_throttle", "/code is 130101", 9 * AM_SECOND },
	{ "200 OK\r\nRetry-After: 2", "{\"code\":130101}", AM_SEND_THROTTLE, 200, "body_throttle", "/code is 130101", 7 * AM_SECOND },
	{ "200 OK\r\nRetry-After: 2", "{\"code\":0}", AM_SEND_OK, 200, "ok", "", 0 },
	{ "200 OK", "<html>maintenance</html>",    AM_SEND_UNCERTAIN, 200, "body_unclear", "the body is not JSON", 0 },
	{ "200 OK", "",                            AM_SEND_UNCERTAIN, 200, "body_unclear", "the body is empty", 0 },
	{ "200 OK", "{}",                          AM_SEND_UNCERTAIN, 200, "body_unclear", "/code is missing", 0 },
	{ "400 Bad", "{\"code\":4013}",            AM_SEND_PERMANENT, 400, "body_permanent", "/code is 4013", 0 },
	{ "503 Down", "{\"code\":130101}",         AM_SEND_THROTTLE, 503, "body_throttle", "/code is 130101", 7 * AM_SECOND },
	{ "400 Bad", "{\"code\":0}",               AM_SEND_RETRY, 400, "http_400", "", 0 },
	{ "500 Oh", "<html>",                      AM_SEND_RETRY, 500, "http_500", "", 0 },
	{ "429 Slow\r\nRetry-After: 3", "slow",    AM_SEND_THROTTLE, 429, "http_429", "", 3 * AM_SECOND },
	{ "302 Found", "{\"code\":4013}",          AM_SEND_RETRY, 302, "redirect", "", 0 },
	{ "410 Gone", "{\"code\":5}",              AM_SEND_PERMANENT, 410, "gone", "", 0 },
};
/* clang-format on */

static void
test_deliver_rules_for_the_body_then_class_by_the_table_FU13(void **state)
{
	struct world *w = world_new(1);
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	w->ep[0].breaker_failures = 1000;
	use_rules(w, &a, AM_ANSWER_SUCCESS, "/code == 0");
	use_rules(w, &a, AM_ANSWER_RETRY, "/code == 5");
	use_rules(w, &a, AM_ANSWER_PERMANENT, "/code == 4013");
	use_rules(w, &a, AM_ANSWER_THROTTLE, "/code == 130101 : 7s");
	world_configure(w);
	for (size_t i = 0; i < AM_COUNT(judged); i++) {
		const struct am_send_result *r;
		char text[512];

		snprintf(text, sizeof(text),
		    "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
		    judged[i].head, strlen(judged[i].body), judged[i].body);
		w->rx[0].script.answer = text;
		r = world_try(w);
		expect_result(
		    r, judged[i].class, judged[i].status, judged[i].reason);
		assert_string_equal(r->said, judged[i].said);
		assert_int_equal(r->retry_after, judged[i].retry_after);
		assert_string_equal(w->out[i].excerpt,
		    judged[i].class != AM_SEND_OK ? judged[i].body : "");
	}
	world_free(w);
	am_arena_fini(&a);
}

static void
test_deliver_5_kib_of_json_then_max_response_decides_FU13(void **state)
{
	static char text[6000];
	struct world *w = world_new(1);
	const struct am_send_result *r;
	struct am_arena a;

	(void)state;
	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Length: 5129\r\n\r\n"
	    "{\"code\":0,\"x\":\"%05112d\"}",
	    0);
	am_arena_init(&a, 0);
	w->rx[0].script.answer = text;
	use_rules(w, &a, AM_ANSWER_SUCCESS, "/code == 0");
	world_configure(w);
	r = world_try(w);
	expect_result(r, AM_SEND_UNCERTAIN, 200, "body_unclear");
	assert_string_equal(r->said, "the body is longer than max_response");
	w->ep[0].max_response_bytes = 8192;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	world_free(w);
	am_arena_fini(&a);
}

static void
test_deliver_200_with_errors_in_the_body_then_breaker_opens_FU13(void **state)
{
	struct world *w = world_new(1);
	struct am_lane_view v;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	w->rx[0].script.answer =
	    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"code\":1}";
	w->ep[0].breaker_failures = 3;
	use_rules(w, &a, AM_ANSWER_SUCCESS, "/code == 0");
	world_configure(w);
	for (int i = 0; i < 3; i++)
		expect_result(world_try(w), AM_SEND_RETRY, 200, "body_failed");
	assert_true(am_deliver_view(w->deliver, 0, &v));
	assert_int_equal(v.breaker, AM_BREAKER_OPEN);
	assert_string_equal(v.last_reason, "body_failed");
	world_free(w);
	am_arena_fini(&a);
}

/* ---- silence and resets ---- */

static void
expect_timeout(struct world *w, int status)
{
	const struct am_send_result *r = world_try(w);

	expect_result(r, AM_SEND_UNCERTAIN, status, "timeout");
	assert_true(r->took >= 250 && r->took < 2000);
	assert_int_equal(am_deliver_in_flight(w->deliver), 0);
	assert_int_equal(world_room(w, "crm"), w->ep[0].inflight);
}

static void
test_deliver_never_answers_then_uncertain_and_slot_free_FU4(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.answer = NULL;
	world_configure(w);
	expect_timeout(w, 0);
	world_free(w);
}

static void
test_deliver_never_reads_then_uncertain_and_slot_free_FU4(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.never_read = true;
	world_configure(w);
	expect_timeout(w, 0);
	world_free(w);
}

static void
test_deliver_byte_by_byte_then_total_timeout_holds_FU4(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.by_bytes = true;
	world_configure(w);
	expect_timeout(w, 0);
	world_free(w);
}

static void
test_deliver_reset_before_read_then_not_ok(void **state)
{
	struct world *w = world_new(1);
	const struct am_send_result *r;

	(void)state;
	w->rx[0].script.reset_at_once = true;
	world_configure(w);
	r = world_try(w);
	assert_true(r->class == AM_SEND_RETRY || r->class == AM_SEND_UNCERTAIN);
	assert_int_equal(r->status, 0);
	world_free(w);
}

static void
test_deliver_reset_after_read_then_uncertain(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.reset_after = true;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_UNCERTAIN, 0, "reset");
	assert_int_equal(w->rx[0].requests, 1);
	world_free(w);
}

static void
test_deliver_kept_connection_died_then_sent_on_a_new_one(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	call_reset(w->rx[0].calls);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_int_equal(w->rx[0].connections, 2);
	world_free(w);
}

static void
test_deliver_nobody_listens_then_retry_connect(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	evconnlistener_free(w->rx[0].listener);
	w->rx[0].listener = NULL;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_RETRY, 0, "connect");
	world_free(w);
}

static void
test_deliver_proxy_in_environment_then_not_used(void **state)
{
	struct world *w = world_new(2);
	char proxy[64];

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", w->rx[1].port);
	setenv("http_proxy", proxy, 1);
	setenv("https_proxy", proxy, 1);
	setenv("ALL_PROXY", proxy, 1);
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_int_equal(w->rx[0].requests, 1);
	assert_int_equal(w->rx[1].connections, 0);
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	world_free(w);
}

static void
test_deliver_http_url_without_allow_http_then_nothing_sent(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->ep[0].allow_http = false;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_RETRY, 0, "transport");
	assert_int_equal(w->rx[0].connections, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_deliver_request_then_headers_of_standard_webhooks_FU2),
		T(test_deliver_again_then_same_id_and_body_fresh_time_FU2),
		T(test_deliver_two_secrets_then_two_signatures_FU2),
		T(test_deliver_empty_body_then_length_0),
		T(test_deliver_answers_then_class_by_the_table_FU4),
		T(test_deliver_204_then_ok),
		T(test_deliver_retry_after_date_then_counted_from_now),
		T(test_deliver_redirect_then_not_followed_and_location_kept),
		T(test_deliver_early_hints_then_only_the_final_answer_counts),
		T(test_deliver_body_over_the_cap_then_ok_and_not_read_further),
		T(test_deliver_500_with_body_over_the_cap_then_retry),
		T(test_deliver_200_with_body_cut_short_then_uncertain),
		T(test_deliver_header_line_of_1_mib_then_uncertain),
		T(test_deliver_10000_headers_then_uncertain),
		T(test_deliver_100_continue_without_end_then_uncertain),
		T(test_deliver_100_continue_only_then_uncertain),
		T(test_deliver_answer_is_not_http_then_uncertain),
		T(test_deliver_rules_for_the_body_then_class_by_the_table_FU13),
		T(test_deliver_5_kib_of_json_then_max_response_decides_FU13),
		T(test_deliver_200_with_errors_in_the_body_then_breaker_opens_FU13),
		T(test_deliver_never_answers_then_uncertain_and_slot_free_FU4),
		T(test_deliver_never_reads_then_uncertain_and_slot_free_FU4),
		T(test_deliver_byte_by_byte_then_total_timeout_holds_FU4),
		T(test_deliver_reset_before_read_then_not_ok),
		T(test_deliver_reset_after_read_then_uncertain),
		T(test_deliver_kept_connection_died_then_sent_on_a_new_one),
		T(test_deliver_nobody_listens_then_retry_connect),
		T(test_deliver_proxy_in_environment_then_not_used),
		T(test_deliver_http_url_without_allow_http_then_nothing_sent),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
