/*
 * pages - health and readiness. A load balancer looks at the status, a person
 * at the text; both are one line when all is well.
 */
#include "daemon/pages.h"

#include <string.h>

#include "base/str.h"
#include "daemon/ready.h"

#define RETRY_AFTER_S 5

static bool
has(struct am_str s, const char *part)
{
	return s.n > 0 && memmem(s.p, s.n, part, strlen(part)) != NULL;
}

bool
am_pages_wants_json(const struct am_http_request *req)
{
	struct am_str accept =
	    am_http_header(req->head.headers, req->head.headers_n, "accept");

	return has(accept, "application/json") && !has(accept, "text/");
}

static void
answer(struct am_http_request *req, unsigned status, bool json,
    const struct am_buf *body)
{
	am_http_answer(req,
	    &(struct am_http_answer){ .status = status,
		.type = json ? "application/json" : "text/plain; charset=utf-8",
		.body = am_buf_str(body),
		.retry_after_s = status == 503 ? RETRY_AFTER_S : 0,
		.headers = "Vary: Accept\r\n" });
}

void
am_pages_on_health(void *arg, struct am_http_request *req)
{
	bool json = am_pages_wants_json(req);
	struct am_buf body;

	(void)arg;
	am_buf_arena(&body, &req->arena, 64);
	am_buf_adds(&body, json ? "{\"healthy\":true}\n" : "ok\n");
	answer(req, 200, json, &body);
}

static void
add_lines(struct am_buf *body, const struct am_str *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		am_buf_addf(body, "%.*s\n", AM_ARG(lines[i]));
}

void
am_pages_on_ready(void *arg, struct am_http_request *req)
{
	bool json = am_pages_wants_json(req);
	struct am_ready ready;
	struct am_buf body;

	am_ready_judge(arg, &req->arena, &ready);
	am_buf_arena(&body, &req->arena, 256);
	if (json) {
		am_buf_addc(&body, '{');
		am_ready_add(&ready, &body);
		am_buf_addc(&body, '}');
	} else
		am_buf_adds(&body, ready.ready ? "ready" : "not ready");
	am_buf_addc(&body, '\n');
	if (!json) {
		add_lines(&body, ready.reasons, ready.reasons_n);
		add_lines(&body, ready.notes, ready.notes_n);
	}
	answer(req, ready.ready ? 200 : 503, json, &body);
}
