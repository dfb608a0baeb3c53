/*
 * http_answer - status line, headers, body. Every answer says Connection:
 * close, and there is no other kind.
 */

#include "intake/http_int.h"

#include <time.h>

#include "base/str.h"

static const char *
title_of(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} titles[] = { { 200, "OK" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 304, "Not Modified" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
		{ 408, "Request Timeout" }, { 409, "Conflict" },
		{ 410, "Gone" }, { 410, "Gone" }, { 411, "Length Required" },
		{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" }, { 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" } };

	for (size_t i = 0; i < AM_COUNT(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Unknown";
}

static void
add_date(struct am_buf *out)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[64];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	am_buf_addf(out, "Date: %s\r\n", text);
}

static void
add_head(struct am_buf *out, const struct am_http_answer *a, bool has_length)
{
	am_buf_addf(out, "HTTP/1.1 %u %s\r\n", a->status, title_of(a->status));
	add_date(out);
	if (a->type != NULL)
		am_buf_addf(out, "Content-Type: %s\r\n", a->type);
	if (has_length)
		am_buf_addf(out, "Content-Length: %zu\r\n", a->body.n);
	if (a->retry_after_s > 0)
		am_buf_addf(out, "Retry-After: %u\r\n", a->retry_after_s);
	if (a->headers != NULL)
		am_buf_adds(out, a->headers);
	am_buf_addf(out,
	    "Cache-Control: %s\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Connection: close\r\n\r\n",
	    a->cache != NULL ? a->cache : "no-store");
}

/* A 304 may not have a body; a length would be that of the body it spares. */
void
am_http_write_answer(
    struct am_buf *out, const struct am_http_answer *a, bool with_body)
{
	bool has_body = a->status != 204 && a->status != 304;

	add_head(out, a, has_body);
	if (with_body && has_body)
		am_buf_addstr(out, a->body);
}

void
am_http_write_stream(struct am_buf *out, const char *type, const char *headers)
{
	add_head(out,
	    &(struct am_http_answer){
		.status = 200, .type = type, .headers = headers },
	    false);
}

void
am_http_write_problem(struct am_buf *out, const struct am_http_problem *p)
{
	am_buf_addc(out, '{');
	am_buf_addkv(out, "type", AM_STR("about:blank"));
	am_buf_addkv(out, "title", am_str_c(title_of(p->status)));
	am_buf_addki(out, "status", p->status);
	am_buf_addkv(out, "detail", am_str_c(p->detail));
	if (p->code != NULL)
		am_buf_addkv(out, "code", am_str_c(p->code));
	if (p->field.n > 0)
		am_buf_addkv(out, "field", p->field);
	if (p->at != SIZE_MAX)
		am_buf_addki(out, "at", (int64_t)p->at);
	am_buf_adds(out, "}\n");
}
