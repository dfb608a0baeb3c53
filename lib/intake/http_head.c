/*
 * http_head - scan, then split.
 *
 * The scan runs while the bytes come in and refuses what no later byte can
 * mend, so that a TLS hello or an LF without its CR is answered at once and not
 * at the deadline. The split then works on lines that are known to be whole.
 * Rejected: leaving this to evhttp and looking over its shoulder. It takes a
 * length of "+3", reads a name with a blank before the colon as another header,
 * cuts values at a zero byte and answers lines without a CR; all of it happens
 * before a callback sees the request, and the bytes would be read twice.
 */

#include "intake/http_head.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define DIGITS_MAX 7 /* of a length; http.max_body has not more */

/* Two of one of these and nobody knows which counts. */
static const char *const once[] = { "host", "content-length", "content-type",
	"content-encoding", "transfer-encoding", "expect", "authorization",
	"idempotency-key", "webhook-id", "webhook-timestamp",
	"webhook-signature", "svix-id", "svix-timestamp", "svix-signature",
	"x-twilio-signature", "x-hub-signature", "x-hub-signature-256",
	"stripe-signature", "vonage-signature", "webhook-request-origin" };

static int
fault_is(struct am_http_fault *f, unsigned status, const char *detail)
{
	*f = (struct am_http_fault){ status, detail };
	return -AM_EINVAL;
}

static bool
is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* ---- while it comes in ---- */

/* What is wrong with the byte at i, whatever follows; NULL: nothing. */
static const char *
fault_at(const char *p, size_t i)
{
	unsigned char c = (unsigned char)p[i];
	char before = i > 0 ? p[i - 1] : '\0';

	if (i == 0 && !is_token(p[0]))
		return "this is no HTTP request; it begins with a method";
	if (before == '\r' && c != '\n')
		return "a CR stands alone; a line ends in CR LF";
	if (c == '\n' && before != '\r')
		return "an LF stands alone; a line ends in CR LF";
	if (c == '\n' || c == '\r' || c == '\t' || (c >= 0x20 && c != 0x7f))
		return NULL;
	return "a control character stands in the head; leave it out";
}

int
am_http_head_scan(const char *p, size_t n, size_t *seen, size_t *end,
    struct am_http_fault *fault)
{
	size_t i = *seen;

	for (; i < n && i < AM_HTTP_HEAD_MAX; i++) {
		const char *wrong = fault_at(p, i);

		if (wrong != NULL)
			return fault_is(fault, 400, wrong);
		if (p[i] == '\n' && i >= 3 && p[i - 2] == '\n') {
			*end = i + 1;
			return 0;
		}
	}
	if (i == AM_HTTP_HEAD_MAX)
		return fault_is(
		    fault, 431, "the head is too large; 8192 bytes are taken");
	*seen = i;
	*end = 0;
	return 0;
}

/* ---- the request line ---- */

static int
read_method(struct am_str s, struct am_http_head *h, struct am_http_fault *f)
{
	static const struct {
		const char *name;
		enum am_http_method method;
	} methods[] = { { "GET", AM_HTTP_GET }, { "HEAD", AM_HTTP_HEAD },
		{ "POST", AM_HTTP_POST }, { "OPTIONS", AM_HTTP_OPTIONS } };

	for (size_t i = 0; i < s.n; i++)
		if (!is_token(s.p[i]))
			return fault_is(f, 400, "the method is no word");
	h->method = AM_HTTP_OTHER;
	for (size_t i = 0; i < AM_COUNT(methods); i++)
		if (am_str_is(s, methods[i].name))
			h->method = methods[i].method;
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Escapes are whole, and hide no zero byte; in a path no control at all. */
static bool
escape_ok(const char *p, const char *end, bool in_path)
{
	int high, low;

	if (end - p < 3)
		return false;
	high = hex(p[1]);
	low = hex(p[2]);
	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return false;
	return !in_path || (high > 1 && (high != 7 || low != 15));
}

static int
read_target(struct am_str s, struct am_http_head *h, struct am_http_fault *f)
{
	const char *end = s.p + s.n, *query;

	if (s.n == 0 || s.p[0] != '/')
		return fault_is(f, 400,
		    "the target is no path; write such as /v1/callback/sms, "
		    "without scheme and host");
	query = memchr(s.p, '?', s.n);
	for (const char *p = s.p; p < end; p++) {
		bool in_path = query == NULL || p < query;

		if (*p <= 0x20 || *p >= 0x7f || *p == '#')
			return fault_is(f, 400,
			    "the target has a character that must be written "
			    "as %XX");
		if (*p == '%' && !escape_ok(p, end, in_path))
			return fault_is(f, 400,
			    "the target has a wrong %XX; two hex digits, and "
			    "no zero byte or control character");
	}
	h->target = s;
	h->path =
	    (struct am_str){ s.p, query != NULL ? (size_t)(query - s.p) : s.n };
	if (query != NULL)
		h->query =
		    (struct am_str){ query + 1, (size_t)(end - query) - 1 };
	return 0;
}

static int
read_version(struct am_str s, struct am_http_fault *f)
{
	if (am_str_is(s, "HTTP/1.1") || am_str_is(s, "HTTP/1.0"))
		return 0;
	if (s.n == 8 && am_str_prefix(s, "HTTP/") && s.p[6] == '.' &&
	    s.p[5] >= '0' && s.p[5] <= '9' && s.p[7] >= '0' && s.p[7] <= '9')
		return fault_is(f, 505, "HTTP/1.1 or HTTP/1.0 is right");
	return fault_is(
	    f, 400, "the first line is METHOD TARGET HTTP/1.1, one blank each");
}

static int
read_line(struct am_str line, struct am_http_head *h, struct am_http_fault *f)
{
	const char *end = line.p + line.n;
	const char *a = memchr(line.p, ' ', line.n);
	const char *b =
	    a != NULL ? memchr(a + 1, ' ', (size_t)(end - a) - 1) : NULL;
	int rc;

	if (b == NULL || memchr(line.p, '\t', line.n) != NULL)
		return fault_is(f, 400,
		    "the first line is METHOD TARGET HTTP/1.1, one blank each");
	rc = read_version((struct am_str){ b + 1, (size_t)(end - b) - 1 }, f);
	if (rc == 0)
		rc = read_method(
		    (struct am_str){ line.p, (size_t)(a - line.p) }, h, f);
	if (rc == 0)
		rc = read_target(
		    (struct am_str){ a + 1, (size_t)(b - a) - 1 }, h, f);
	return rc;
}

/* ---- the headers ---- */

static bool
same_name(struct am_str a, const char *b)
{
	return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

struct am_str
am_http_header(const struct am_pair *headers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (same_name(headers[i].key, name))
			return headers[i].value;
	return (struct am_str){ NULL, 0 };
}

bool
am_http_header_twice(const struct am_pair *headers, size_t n, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += same_name(headers[i].key, name);
	return found > 1;
}

/* CloudEvents attributes in headers count once, too. */
static bool
must_be_one(struct am_str name)
{
	if (name.n > 3 && strncasecmp(name.p, "ce-", 3) == 0)
		return true;
	for (size_t i = 0; i < AM_COUNT(once); i++)
		if (same_name(name, once[i]))
			return true;
	return false;
}

static int
read_header(struct am_str line, struct am_http_head *h, struct am_http_fault *f)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct am_pair *pair = &h->headers[h->headers_n];

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return fault_is(
		    f, 400, "a header is folded; a header stands on one line");
	if (colon == NULL || colon == line.p)
		return fault_is(f, 400, "a header line is NAME: VALUE");
	for (const char *p = line.p; p < colon; p++)
		if (!is_token(*p))
			return fault_is(f, 400,
			    "the name of a header has a character that is "
			    "none of a name; no blank stands before the colon");
	if (h->headers_n == AM_HTTP_HEADERS_MAX)
		return fault_is(f, 431, "too many headers; 64 are taken");
	pair->key = (struct am_str){ line.p, (size_t)(colon - line.p) };
	pair->value = am_str_trim((struct am_str){
	    colon + 1, line.n - (size_t)(colon - line.p) - 1 });
	for (size_t i = 0; must_be_one(pair->key) && i < h->headers_n; i++)
		if (h->headers[i].key.n == pair->key.n &&
		    strncasecmp(
			h->headers[i].key.p, pair->key.p, pair->key.n) == 0)
			return fault_is(f, 400,
			    "a header that may stand once stands twice");
	h->headers_n++;
	return 0;
}

/* ---- what they say of the body ---- */

static int
read_length(struct am_http_head *h, struct am_http_fault *f)
{
	struct am_str length =
	    am_http_header(h->headers, h->headers_n, "content-length");
	struct am_str te =
	    am_http_header(h->headers, h->headers_n, "transfer-encoding");
	uint64_t bytes = 0;

	if (te.p != NULL)
		return fault_is(f, length.p != NULL ? 400 : 411,
		    "Transfer-Encoding is not taken; send Content-Length and "
		    "the body as it is");
	if (length.p == NULL && h->method == AM_HTTP_POST)
		return fault_is(f, 411, "send Content-Length");
	if (length.n > DIGITS_MAX && length.p[0] != '0' &&
	    am_str_u64(length, &bytes) == 0)
		return fault_is(f, 413, "the body is over http.max_body");
	if (length.p != NULL &&
	    (length.n > DIGITS_MAX || am_str_u64(length, &bytes) != 0))
		return fault_is(f, 400,
		    "Content-Length is one number of one to seven digits");
	if (bytes > 0 && (h->method & (AM_HTTP_POST | AM_HTTP_OTHER)) == 0)
		return fault_is(f, 400,
		    "a request of this method has no body; the length is 0");
	h->body_bytes = (size_t)bytes;
	return 0;
}

static bool
host_ok(struct am_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f ||
		    strchr("/\\?#@,;\"<>", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

static int
read_meaning(struct am_http_head *h, struct am_http_fault *f)
{
	struct am_str coding =
	    am_http_header(h->headers, h->headers_n, "content-encoding");
	struct am_str expect =
	    am_http_header(h->headers, h->headers_n, "expect");

	if (!host_ok(am_http_header(h->headers, h->headers_n, "host")))
		return fault_is(f, 400, "send one Host: NAME or NAME:PORT");
	if (coding.n > 0 && !same_name(coding, "identity"))
		return fault_is(f, 415,
		    "the body is encoded; send it as it is, without "
		    "Content-Encoding");
	h->expects = expect.p != NULL;
	if (h->expects && !same_name(expect, "100-continue"))
		return fault_is(f, 417, "of Expect only 100-continue is known");
	return read_length(h, f);
}

int
am_http_head_parse(
    struct am_str text, struct am_http_head *head, struct am_http_fault *fault)
{
	const char *p = text.p, *end = text.p + text.n;
	struct am_http_head h = { .headers_n = 0 };
	bool first = true;
	int rc = 0;

	while (rc == 0 && p < end) {
		const char *eol = memchr(p, '\r', (size_t)(end - p));
		struct am_str line;

		AM_ASSERT(eol != NULL && end - eol >= 2); /* was scanned */
		line = (struct am_str){ p, (size_t)(eol - p) };
		p = eol + 2;
		if (first)
			rc = read_line(line, &h, fault);
		else if (line.n > 0)
			rc = read_header(line, &h, fault);
		first = false;
	}
	if (rc == 0)
		rc = read_meaning(&h, fault);
	if (rc == 0)
		*head = h;
	return rc;
}
