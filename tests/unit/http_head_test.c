/*
 * http_head_test - what is a head and what is not (fault 61). Every case of
 * the list is fed whole, byte by byte, and at the end of a block of its own.
 */

#include "intake/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/rnd.h"

#define LINE "POST /x HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define REST "\r\n"

/* 0 or the status of the fault; fed in steps of `step` bytes. */
static unsigned
feed(const char *bytes, size_t n, size_t step, struct am_http_head *head)
{
	struct am_http_fault fault = { 0, NULL };
	char *copy = malloc(n != 0 ? n : 1);
	size_t seen = 0, end = 0;
	int rc = 0;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	for (size_t have = 0; rc == 0 && end == 0 && have < n;) {
		have = have + step < n ? have + step : n;
		rc = am_http_head_scan(copy, have, &seen, &end, &fault);
	}
	if (rc == 0 && end != 0)
		rc = am_http_head_parse(
		    (struct am_str){ copy, end }, head, &fault);
	else if (rc == 0)
		fault.status = 1; /* more must come */
	if (rc != 0) {
		assert_int_equal(rc, -AM_EINVAL);
		assert_non_null(fault.detail);
	}
	free(copy); /* *head borrowed from it: look at numbers only */
	return fault.status;
}

/* clang-format off */
static const struct {
	unsigned status;
	const char *bytes;
	size_t n;
} wrong[] = {
#define CASE(status, text) { status, text, sizeof(text) - 1 }
	/* lengths */
	CASE(400, LINE HOST "Content-Length: 3\r\n"
			    "Content-Length: 5\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3\r\n"
			    "Content-Length: 3\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3, 3\r\n" REST),
	CASE(400, LINE HOST "Content-Length: +3\r\n" REST),
	CASE(400, LINE HOST "Content-Length: -1\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 0x3\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3 3\r\n" REST),
	CASE(400, LINE HOST "Content-Length: \r\n" REST),
	CASE(400, LINE HOST "Content-Length: 00000003\r\n" REST),
	CASE(413, LINE HOST "Content-Length: 10000000\r\n" REST),
	CASE(413, LINE HOST "Content-Length: 18446744073709551615\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 18446744073709551616\r\n" REST),
	CASE(400, LINE HOST "Content-Length : 3\r\n" REST),
	CASE(400, LINE HOST " Content-Length: 3\r\n" REST),
	CASE(411, LINE HOST REST),
	CASE(400,
	    "GET /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" REST),
	/* codings */
	CASE(411, LINE HOST "Transfer-Encoding: chunked\r\n" REST),
	CASE(411, LINE HOST "transfer-encoding: xchunked\r\n" REST),
	CASE(
	    411, LINE HOST "Transfer-Encoding: gzip, chunked\r\n" REST),
	CASE(411, LINE HOST "Transfer-Encoding:\r\n" REST),
	CASE(400, LINE HOST "Transfer-Encoding: chunked\r\n"
			    "Content-Length: 3\r\n" REST),
	CASE(400, LINE HOST "Transfer-Encoding: chunked\r\n"
			    "Transfer-Encoding: identity\r\n" REST),
	CASE(411, "POST /x HTTP/1.0\r\n" HOST
		  "Transfer-Encoding: chunked\r\n" REST),
	CASE(415, LINE HOST "Content-Encoding: gzip\r\n"
			    "Content-Length: 3\r\n" REST),
	/* lines */
	CASE(400, "POST /x HTTP/1.1\n" HOST REST),
	CASE(400, LINE "Host: a\nContent-Length: 3\r\n" REST),
	CASE(400, LINE "Host: a\rContent-Length: 3\r\n" REST),
	CASE(400, LINE HOST "X: a\r\n b\r\n" REST),
	CASE(400, LINE HOST "X: a\r\n\tb\r\n" REST),
	CASE(400, LINE HOST "X: a\0b\r\n" REST),
	CASE(400, LINE HOST "X: a\x1b[b\r\n" REST),
	CASE(400, LINE HOST "X\0: a\r\n" REST),
	CASE(400, LINE HOST "X y: a\r\n" REST),
	CASE(400, LINE HOST "X(y): a\r\n" REST),
	CASE(400, LINE HOST ": a\r\n" REST),
	CASE(400, LINE HOST "no colon\r\n" REST),
	CASE(400, LINE HOST "caf\xc3\xa9: a\r\n" REST),
	CASE(400, "\r\n" LINE HOST REST),
	CASE(400, " " LINE HOST REST),
	CASE(400, "\x16\x03\x01\x02"),
	/* the first line */
	CASE(400, "POST  /x HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x  HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST\t/x HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x\r\n" HOST REST),
	CASE(400, "POST /x y HTTP/1.1\r\n" HOST REST),
	CASE(400, "P@ST /x HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST http://a/x HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST a:80 HTTP/1.1\r\n" HOST REST),
	CASE(400, "OPTIONS * HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x\xc3\xa9 HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x#y HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x%00 HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x?a=%00 HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x%0d%0aHost:b HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x%7F HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x%1 HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x%zz HTTP/1.1\r\n" HOST REST),
	CASE(400, "POST /x http/1.1\r\n" HOST REST),
	CASE(400, "POST /x HTTP/1.10\r\n" HOST REST),
	CASE(505, "POST /x HTTP/2.0\r\n" HOST REST),
	CASE(505, "POST /x HTTP/0.9\r\n" HOST REST),
	CASE(505, "PRI * HTTP/2.0\r\n" REST),
	/* whose it is */
	CASE(400, LINE "Content-Length: 3\r\n" REST),
	CASE(400, "POST /x HTTP/1.0\r\nContent-Length: 3\r\n" REST),
	CASE(400, LINE HOST "Host: b\r\nContent-Length: 3\r\n" REST),
	CASE(400, LINE "Host:\r\nContent-Length: 3\r\n" REST),
	CASE(400, LINE "Host: a/b\r\nContent-Length: 3\r\n" REST),
	/* what may stand once */
	CASE(400, LINE HOST "Content-Length: 3\r\n"
			    "X-Twilio-Signature: a\r\n"
			    "x-twilio-signature: b\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3\r\n"
			    "Authorization: Bearer a\r\n"
			    "Authorization: Bearer b\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3\r\nwebhook-id: a\r\n"
			    "Webhook-Id: a\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3\r\nce-id: a\r\n"
			    "CE-ID: a\r\n" REST),
	CASE(400, LINE HOST "Content-Length: 3\r\nContent-Type: a/b\r\n"
			    "Content-Type: a/c\r\n" REST),
	CASE(417,
	    LINE HOST "Content-Length: 3\r\nExpect: 200-ok\r\n" REST),
};
/* clang-format on */

static void
test_head_when_wrong_then_refused_however_it_comes(void **state)
{
	struct am_http_head head;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(wrong); i++)
		for (size_t step = 1; step <= wrong[i].n; step += 7) {
			unsigned status =
			    feed(wrong[i].bytes, wrong[i].n, step, &head);

			if (status != wrong[i].status)
				print_error(
				    "case %zu: %s\n", i, wrong[i].bytes);
			assert_int_equal(status, wrong[i].status);
		}
}

static void
test_head_when_right_then_its_parts_are_known(void **state)
{
	static const char text[] =
	    "POST /v1/callback/sms/t%20k?a=1&b=%0A HTTP/1.1\r\n"
	    "host: crm.example:8480\r\n"
	    "CONTENT-LENGTH: 0000012\r\n"
	    "Content-type:  application/json \t\r\n"
	    "X-Empty:\r\n"
	    "X-Forwarded-For: 1.2.3.4\r\n"
	    "X-Forwarded-For: \xe4\xbd\xa0\r\n"
	    "Expect: 100-Continue\r\n"
	    "Content-Encoding: identity\r\n\r\n";
	struct am_http_fault fault;
	struct am_http_head h;
	size_t seen = 0, end;

	(void)state;
	assert_int_equal(
	    am_http_head_scan(text, sizeof(text) - 1, &seen, &end, &fault), 0);
	assert_int_equal(end, sizeof(text) - 1);
	assert_int_equal(
	    am_http_head_parse((struct am_str){ text, end }, &h, &fault), 0);
	assert_int_equal(h.method, AM_HTTP_POST);
	assert_true(am_str_is(h.path, "/v1/callback/sms/t%20k"));
	assert_true(am_str_is(h.query, "a=1&b=%0A"));
	assert_int_equal(h.body_bytes, 12);
	assert_int_equal(h.headers_n, 8);
	assert_true(h.expects);
	assert_true(
	    am_str_is(am_http_header(h.headers, h.headers_n, "content-TYPE"),
		"application/json"));
	assert_non_null(am_http_header(h.headers, h.headers_n, "x-empty").p);
	assert_null(am_http_header(h.headers, h.headers_n, "x-none").p);
}

static void
test_head_when_get_then_no_length_is_needed(void **state)
{
	static const char *const right[] = {
		"GET /x?y HTTP/1.1\r\n" HOST REST,
		"GET / HTTP/1.0\r\n" HOST "Content-Length: 0\r\n" REST,
		"HEAD /x HTTP/1.1\r\n" HOST REST,
		"OPTIONS /x HTTP/1.1\r\n" HOST REST,
		"DELETE /x HTTP/1.1\r\n" HOST REST,
	};
	static const enum am_http_method method[] = { AM_HTTP_GET, AM_HTTP_GET,
		AM_HTTP_HEAD, AM_HTTP_OPTIONS, AM_HTTP_OTHER };
	struct am_http_head h;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(right); i++) {
		assert_int_equal(feed(right[i], strlen(right[i]), 1, &h), 0);
		assert_int_equal(h.method, method[i]);
		assert_int_equal(h.body_bytes, 0);
	}
}

static void
test_head_when_too_large_then_refused(void **state)
{
	static char text[3 * AM_HTTP_HEAD_MAX];
	struct am_http_head h;
	size_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, LINE HOST "X: ", sizeof(LINE HOST "X: ") - 1);
	assert_int_equal(feed(text, sizeof(text), 1000, &h), 431);
	/* one header more than there may be */
	n = (size_t)sprintf(text, LINE HOST);
	for (int i = 0; i < AM_HTTP_HEADERS_MAX; i++)
		n += (size_t)sprintf(text + n, "X: %d\r\n", i);
	n += (size_t)sprintf(text + n, REST);
	assert_int_equal(feed(text, n, n, &h), 431);
	/* just fits */
	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	memcpy(text + AM_HTTP_HEAD_MAX - 22, " HTTP/1.1\r\n" HOST REST, 22);
	assert_int_equal(feed(text, AM_HTTP_HEAD_MAX, 512, &h), 0);
	text[5] = 'b';
	memmove(text + 6, text + 5, AM_HTTP_HEAD_MAX - 5);
	assert_int_equal(feed(text, AM_HTTP_HEAD_MAX + 1, 512, &h), 431);
}

static void
test_head_when_half_then_more_is_waited_for(void **state)
{
	static const char text[] = LINE HOST "Content-Length: 3\r\n" REST;
	struct am_http_head h;

	(void)state;
	for (size_t n = 1; n < sizeof(text) - 1; n++)
		assert_int_equal(feed(text, n, 1, &h), 1);
	assert_int_equal(feed(text, sizeof(text) - 1, 1, &h), 0);
}

/* Whatever comes: no read past it, and what is taken keeps the rules. */
static void
test_head_when_mutated_then_rules_hold(void **state)
{
	static const char base[] = "POST /v1/x?a=%20 HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 12\r\nX-A: b\r\n\r\nbody";
	static const char spice[] = "\r\n\t :%0123456789/?HTPX\x00\x7f\xff";
	char text[256];
	size_t taken = 0;

	(void)state;
	rnd_seed("heads");
	for (int i = 0; i < 60000; i++) {
		struct am_http_head h;
		size_t n = sizeof(base) - 1;

		memcpy(text, base, n);
		n = rnd_mutate(text, n, sizeof(text), spice);
		if (feed(text, n, 1 + rnd(n + 1), &h) != 0)
			continue;
		taken++;
		assert_true(h.headers_n <= AM_HTTP_HEADERS_MAX);
		assert_true(h.body_bytes <= 9999999);
		assert_true((h.method & (AM_HTTP_POST | AM_HTTP_OTHER)) != 0 ||
			    h.body_bytes == 0);
	}
	assert_in_range(taken, 100, 59000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_head_when_wrong_then_refused_however_it_comes),
		cmocka_unit_test(test_head_when_right_then_its_parts_are_known),
		cmocka_unit_test(test_head_when_get_then_no_length_is_needed),
		cmocka_unit_test(test_head_when_too_large_then_refused),
		cmocka_unit_test(test_head_when_half_then_more_is_waited_for),
		cmocka_unit_test(test_head_when_mutated_then_rules_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
