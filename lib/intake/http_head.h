#pragma once

/*
 * http_head - the head of one HTTP request, strictly (layer: intake).
 *
 * Pure: bytes in, a struct or a fault out. What RFC 9112 lets a server forgive
 * (a bare LF, folded lines, two equal lengths, a body without one) is a fault
 * here, for whatever two programs on one way read differently hides a second
 * request in the first.
 */

#include <amends/base.h>

#define AM_HTTP_HEAD_MAX 8192 /* bytes with the empty line */
#define AM_HTTP_HEADERS_MAX 64

enum am_http_method {
	AM_HTTP_GET = 1,
	AM_HTTP_HEAD = 2,
	AM_HTTP_POST = 4,
	AM_HTTP_OPTIONS = 8,
	AM_HTTP_OTHER = 16, /* no route takes it */
};

struct am_http_head {
	enum am_http_method method;
	struct am_str target;	   /* as it came: begins with a slash */
	struct am_str path, query; /* of it; query without the '?' */
	struct am_pair headers[AM_HTTP_HEADERS_MAX];
	size_t headers_n;
	size_t body_bytes; /* at most seven digits */
	bool expects;	   /* 100-continue */
};

struct am_http_fault {
	unsigned status;
	const char *detail; /* what is wrong; what would be right */
};

/*
 * Look at what has come so far: *end is the length of the head with its empty
 * line, or 0 when more must come. *seen (0 at first) says how far the bytes
 * were looked at. -AM_EINVAL with *fault as soon as they can be no head.
 */
AM_MUSTCHECK int am_http_head_scan(const char *p, size_t n, size_t *seen,
    size_t *end, struct am_http_fault *fault);

/* A whole head, as scanned. What *head holds borrows from text. */
AM_MUSTCHECK int am_http_head_parse(
    struct am_str text, struct am_http_head *head, struct am_http_fault *fault);

/* The value of a header, case of the name aside; n == 0 and p NULL: none. */
struct am_str
am_http_header(const struct am_pair *headers, size_t n, const char *name);
/* It stands there twice: one of the two may be somebody else's. */
bool
am_http_header_twice(const struct am_pair *headers, size_t n, const char *name);
