/*
 * http_head_fuzz - heads of requests: fed whole or in two pieces they are the
 * same, and what is taken keeps the rules that a proxy in front relies on.
 */

#include "intake/http_head.h"

#include <string.h>

#include "base/str.h"
#include "intake/form.h"
#include "tests/fuzz/fuzz.h"

const struct am_str fuzz_seeds[] = {
	SEED("POST /v1/callback/sms/t?a=%20 HTTP/1.1\r\nHost: a\r\n"
	     "Content-Length: 12\r\nContent-Type: a/b\r\n\r\n"),
	SEED("GET /x?a=1&b=%e6%98%af&c HTTP/1.0\r\nhost: "
	     "[::1]:80\r\nX:\r\n\r\n"),
	SEED("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	     "Expect: 100-continue\r\n\r\n"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

/* Status of the fault, 0: taken, 1: more must come. */
static unsigned
feed(const char *p, size_t n, size_t first, struct am_http_head *h)
{
	struct am_http_fault f = { 1, NULL };
	size_t seen = 0, end = 0;

	if (am_http_head_scan(p, first, &seen, &end, &f) != 0 ||
	    (end == 0 && am_http_head_scan(p, n, &seen, &end, &f) != 0))
		return f.status;
	if (end == 0)
		return 1;
	if (am_http_head_parse((struct am_str){ p, end }, h, &f) != 0)
		return f.status;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct am_http_head h, again;
	unsigned status = feed(p, size, size, &h);
	const struct am_pair *pairs;
	struct am_arena a;
	size_t n;

	AM_ASSERT(status == feed(p, size, size / 2, &again));
	if (status != 0)
		return 0;
	AM_ASSERT(h.headers_n <= AM_HTTP_HEADERS_MAX);
	AM_ASSERT(h.path.n > 0 && h.path.p[0] == '/');
	AM_ASSERT(
	    am_http_header(h.headers, h.headers_n, "transfer-encoding").p ==
	    NULL);
	AM_ASSERT(am_http_header(h.headers, h.headers_n, "host").n > 0);
	AM_ASSERT(
	    h.method != AM_HTTP_POST ||
	    am_http_header(h.headers, h.headers_n, "content-length").n > 0);
	for (size_t i = 0; i < h.headers_n; i++)
		AM_ASSERT(h.headers[i].value.n == 0 ||
			  memchr(h.headers[i].value.p, '\n',
			      h.headers[i].value.n) == NULL);
	am_arena_init(&a, 0);
	if (am_form_parse(h.query, &a, &pairs, &n) == 0)
		AM_ASSERT(n <= AM_FORM_FIELDS_MAX);
	am_arena_fini(&a);
	return 0;
}
