/*
 * webhook - only 2xx is success, as Standard Webhooks asks; every other answer
 * is tried again by the endpoint's list but 410 Gone; 429, 502, 503 and 504
 * make the whole endpoint wait. An answer that did not come whole after the
 * request had left may hide a success: uncertain, to be sent again under the
 * same id. A 2xx whose body is longer than we care to read is a success: the
 * receiver has spoken, and we hung up.
 *
 * An endpoint with rules for the body gives it the last word on a 2xx; on a
 * status of 400 and above its rules may say more than the status does. 410 Gone
 * stays what it is.
 */

#include "deliver/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "deliver/retry_after.h"

/* ---- the request ---- */

void
am_webhook_headers_init(struct am_webhook_headers *h)
{
	static char content_type[] = "Content-Type: application/json";
	static char expect[] = "Expect:";

	am_buf_init(&h->signature);
	h->list[AM_WH_CONTENT_TYPE].data = content_type;
	h->list[AM_WH_EXPECT].data = expect;
	h->list[AM_WH_ID].data = h->id;
	h->list[AM_WH_TIMESTAMP].data = h->timestamp;
	h->list[AM_WH_SIGNATURE].data = NULL; /* by each set */
	for (size_t i = 0; i < AM_WH_HEADERS_N; i++)
		h->list[i].next =
		    i + 1 < AM_WH_HEADERS_N ? &h->list[i + 1] : NULL;
}

void
am_webhook_headers_fini(struct am_webhook_headers *h)
{
	am_buf_fini(&h->signature);
}

int
am_webhook_headers_set(struct am_webhook_headers *h, struct am_signer *signer,
    const char *id, int64_t timestamp_s, struct am_str body)
{
	int rc;

	AM_ASSERT(strlen(id) <= AM_WEBHOOK_ID_MAX);
	snprintf(h->id, sizeof(h->id), "webhook-id: %s", id);
	snprintf(h->timestamp, sizeof(h->timestamp),
	    "webhook-timestamp: %" PRId64, timestamp_s);
	am_buf_reset(&h->signature);
	am_buf_adds(&h->signature, "webhook-signature: ");
	rc = am_signer_webhook(signer, id, timestamp_s, body, &h->signature);
	if (rc != 0)
		return rc;
	am_buf_addc(&h->signature, '\0');
	h->list[AM_WH_SIGNATURE].data = h->signature.p;
	return 0;
}

/* ---- collecting the answer ---- */

void
am_webhook_answer_init(struct am_webhook_answer *a)
{
	*a = (struct am_webhook_answer){ .error = "" };
	am_buf_init(&a->body);
}

void
am_webhook_answer_fini(struct am_webhook_answer *a)
{
	am_buf_fini(&a->body);
}

void
am_webhook_answer_reset(
    struct am_webhook_answer *a, const struct am_conf_endpoint *ep)
{
	a->rc = CURLE_OK;
	a->phase = AM_WH_NOTHING;
	a->status = 0;
	a->error = "";
	a->header_bytes = 0;
	a->headers_cut = a->body_cut = false;
	a->body_max = ep->max_response_bytes;
	if (!ep->answer.in_use && a->body_max > AM_EXCERPT_MAX)
		a->body_max = AM_EXCERPT_MAX;
	a->location[0] = a->retry_after[0] = '\0';
	am_buf_reset(&a->body);
}

/* What comes from outside and is shown to people: one line of plain ASCII. */
static void
plain(char *out, size_t out_n, struct am_str s)
{
	size_t n = s.n < out_n - 1 ? s.n : out_n - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	out[n] = '\0';
}

static void
take_header(struct am_str line, const char *name, char *out, size_t out_n)
{
	size_t n = strlen(name);

	if (line.n <= n || line.p[n] != ':' ||
	    strncasecmp(line.p, name, n) != 0)
		return;
	plain(out, out_n,
	    am_str_trim((struct am_str){ line.p + n + 1, line.n - n - 1 }));
}

size_t
am_webhook_on_header(char *p, size_t size, size_t n, void *arg)
{
	struct am_webhook_answer *a = arg;
	struct am_str line = { p, size * n };

	a->header_bytes += line.n;
	if (a->header_bytes > AM_ANSWER_HEADERS_MAX) {
		a->headers_cut = true;
		return 0;
	}
	switch (line.n > 0 ? line.p[0] : '\0') {
	case 'H': /* a status line: what a 100 or 103 said is past */
		if (am_str_prefix(line, "HTTP/"))
			a->location[0] = a->retry_after[0] = '\0';
		break;
	case 'L':
	case 'l':
		take_header(line, "location", a->location, sizeof(a->location));
		break;
	case 'R':
	case 'r':
		take_header(line, "retry-after", a->retry_after,
		    sizeof(a->retry_after));
		break;
	}
	return line.n;
}

size_t
am_webhook_on_body(char *p, size_t size, size_t n, void *arg)
{
	struct am_webhook_answer *a = arg;
	size_t bytes = size * n, room = a->body_max - a->body.n;

	if (bytes > room) {
		am_buf_add(&a->body, p, room);
		a->body_cut = true;
		return 0;
	}
	am_buf_add(&a->body, p, bytes);
	return bytes;
}

/* ---- what it means ---- */

static void
say(struct am_send_result *r, enum am_send_class class, const char *reason,
    const char *detail)
{
	r->class = class;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	plain(r->detail, sizeof(r->detail), am_str_c(detail));
}

/* The transfer broke before a request byte had left, so nothing arrived. */
static const char *
unsent_reason(const struct am_webhook_answer *a)
{
	switch (a->rc) {
	case CURLE_OPERATION_TIMEDOUT:
		if (a->phase == AM_WH_NOTHING)
			return "connect_timeout";
		return a->phase == AM_WH_CONNECTED ? "tls_timeout" : "timeout";
	case CURLE_COULDNT_CONNECT:
		return "connect";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "dns";
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return "tls";
	default:
		return "transport";
	}
}

void
am_webhook_judge_broken(
    const struct am_webhook_answer *a, struct am_send_result *r)
{
	const char *reason = "transport", *detail = a->error;

	if (a->rc == CURLE_OK) {
		say(r, AM_SEND_UNCERTAIN, "no_answer",
		    "the connection ended without a final answer");
		return;
	}
	if (detail[0] == '\0')
		detail = curl_easy_strerror(a->rc);
	if (a->phase < AM_WH_SENT) {
		say(r, AM_SEND_RETRY, unsent_reason(a), detail);
		return;
	}
	switch (a->rc) {
	case CURLE_OPERATION_TIMEDOUT:
		reason = "timeout";
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		reason = "reset";
		break;
	case CURLE_PARTIAL_FILE:
		reason = "body_cut_short";
		break;
	case CURLE_OUT_OF_MEMORY: /* libcurl's own cap on a header line */
	case CURLE_WRITE_ERROR:
		reason = "headers_too_large";
		detail = "the answer's headers are over 64 KiB";
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		reason = "not_http";
		break;
	default:
		break;
	}
	say(r, AM_SEND_UNCERTAIN, reason, detail);
}

/* Too much for it, or for what stands before it: by Standard Webhooks the whole
 * endpoint is to be spared. */
static bool
is_busy(int status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void
judge_status(const struct am_webhook_answer *a, am_ms now,
    am_ms retry_after_max, struct am_send_result *r)
{
	char reason[24], detail[160];
	int status = a->status;

	snprintf(reason, sizeof(reason), "http_%d", status);
	snprintf(detail, sizeof(detail), "answered %d", status);
	if (status == 410) {
		say(r, AM_SEND_PERMANENT, "gone", "answered 410 Gone");
		return;
	}
	if (status / 100 == 3) {
		snprintf(detail, sizeof(detail), "answered %d, Location: %s",
		    status, a->location[0] != '\0' ? a->location : "none");
		say(r, AM_SEND_RETRY, "redirect", detail);
		return;
	}
	say(r, is_busy(status) ? AM_SEND_THROTTLE : AM_SEND_RETRY, reason,
	    detail);
	if (is_busy(status))
		r->retry_after = am_retry_after(
		    am_str_c(a->retry_after), now, retry_after_max);
}

bool
am_webhook_by_rules(const struct am_webhook_answer *a, am_ms now,
    am_ms retry_after_max, const struct am_answer_rules *rules,
    const struct am_answer_seen *seen, struct am_send_result *r)
{
	struct am_answer_verdict v;
	char reason[sizeof(r->reason)];
	am_ms asked;

	if (!am_answer_judge(rules, seen, &v))
		return false;
	if (v.reason != NULL)
		snprintf(reason, sizeof(reason), "%s", v.reason);
	else if (seen->timeout)
		memcpy(reason, r->reason, sizeof(reason));
	else
		snprintf(reason, sizeof(reason), "http_%d", seen->status);
	r->class = v.class;
	memcpy(r->reason, reason, sizeof(r->reason));
	memcpy(r->said, v.said, sizeof(r->said));
	if (v.said[0] != '\0')
		plain(r->detail, sizeof(r->detail), am_str_c(v.said));
	r->opted_out = v.opted_out;
	if (v.class != AM_SEND_THROTTLE && v.class != AM_SEND_RETRY)
		return true;
	asked = am_retry_after(am_str_c(a->retry_after), now, retry_after_max);
	r->retry_after = asked > v.pause ? asked : v.pause;
	r->recipient_only = v.recipient_only;
	return true;
}

/* What the rules for the body say; false when they are silent. */
static bool
judge_body(const struct am_webhook_answer *a, am_ms now,
    const struct am_conf_endpoint *ep, struct am_send_result *r)
{
	const struct am_answer_seen seen = { .status = a->status,
		.body = am_buf_str(&a->body),
		.cut = a->rc != CURLE_OK };

	if (!ep->answer.in_use || a->status == 410 ||
	    (a->status >= 300 && a->status < 400))
		return false;
	return am_webhook_by_rules(
	    a, now, ep->retry.retry_after_max, &ep->answer, &seen, r);
}

void
am_webhook_judge(const struct am_webhook_answer *a, am_ms now,
    const struct am_conf_endpoint *ep, struct am_send_result *r)
{
	bool whole = a->rc == CURLE_OK || (a->body_cut && !a->headers_cut);

	r->status = a->status;
	r->retry_after = 0;
	r->said[0] = '\0';
	r->excerpt = am_buf_str(&a->body);
	if (r->excerpt.n > AM_EXCERPT_MAX)
		r->excerpt.n = AM_EXCERPT_MAX;
	if (whole && a->status >= 200 && judge_body(a, now, ep, r))
		return;
	if (a->status / 100 == 2 && whole && a->body_cut)
		say(r, AM_SEND_OK, "ok",
		    "the answer is longer than max_response, not read further");
	else if (a->status / 100 == 2 && whole)
		say(r, AM_SEND_OK, "ok", "");
	else if (a->status >= 300 && !a->headers_cut)
		judge_status(a, now, ep->retry.retry_after_max, r);
	else
		am_webhook_judge_broken(a, r);
}
