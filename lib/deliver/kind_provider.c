/*
 * kind_provider - a follow-up by a gateway of SMS or a robot of a chat.
 *
 * The request is made anew for each transfer, for its signature has a time; it
 * lies in an arena that lives until the next one, as libcurl borrows the body
 * and the headers. AWS is signed by libcurl itself.
 *
 * A sending that must not happen twice has a connection to itself: on a kept
 * one that turns out dead libcurl would send the request again without asking.
 *
 * What an answer means is said by the provider's rules. Where they are silent,
 * nobody knows what a gateway that failed has done with the message: 5xx is
 * uncertain, as is no answer.
 */

#include "deliver/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/str.h"
#include "deliver/provider_request.h"
#include "deliver/retry_after.h"

#define ARENA_KEPT ((size_t)16 * 1024)

struct own {
	struct am_arena arena; /* of the transfer */
	struct curl_slist *headers;
};

/* ---- once a handle ---- */

static void
set_aws(struct am_sending *s)
{
	const struct am_provider_values values = { .ep = s->ep };
	struct am_str region = AM_STR("");
	CURL *e = s->job.easy;
	char text[128];

	(void)am_provider_value(&values, "region", &region);
	snprintf(text, sizeof(text), "aws:amz:%.*s:%s", AM_ARG(region),
	    s->ep->provider->sign_service);
	curl_easy_setopt(e, CURLOPT_AWS_SIGV4, text);
	curl_easy_setopt(e, CURLOPT_USERNAME, s->ep->user.value.p);
	curl_easy_setopt(e, CURLOPT_PASSWORD, s->ep->password.value.p);
}

static void
setup(struct am_sending *s)
{
	const struct am_conf_endpoint *ep = s->ep;
	struct own *o = calloc(1, sizeof(*o));
	CURL *e = s->job.easy;

	AM_ASSERT(o != NULL);
	am_arena_init(&o->arena, ARENA_KEPT);
	s->own = o;
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	if (ep->on_uncertain != AM_UNCERTAIN_RETRY) {
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	}
	if (ep->provider->sign == AM_SIGN_AWS_SIGV4)
		set_aws(s);
}

static void
fini(struct am_sending *s)
{
	struct own *o = s->own;

	am_arena_fini(&o->arena);
	free(o);
}

/* ---- the request ---- */

static void
add_line(struct own *o, const char *line)
{
	struct curl_slist *node = am_arena_zalloc(&o->arena, sizeof(*node));
	struct curl_slist **end = &o->headers;

	while (*end != NULL)
		end = &(*end)->next;
	node->data = (char *)(uintptr_t)line; /* libcurl only reads it */
	*end = node;
}

static void
use_request(struct am_sending *s, const struct am_provider_request *r)
{
	struct own *o = s->own;
	CURL *e = s->job.easy;

	o->headers = NULL;
	for (size_t i = 0; i < r->headers_n; i++)
		add_line(o, r->headers[i]);
	/* libcurl 7.88 signs for AWS what it is told not to send, too */
	if (s->ep->provider->sign != AM_SIGN_AWS_SIGV4)
		add_line(o, "Expect:");
	if (r->post && s->ep->provider->content_type == NULL)
		add_line(o, "Content-Type:"); /* libcurl has its own idea */
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, o->headers);
	if (!r->post) {
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)r->body.n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.n > 0 ? r->body.p : "");
}

static int
refuse(struct am_sending *s, int rc)
{
	if (rc == -AM_ENOENT)
		am_sending_say(s, AM_SEND_PERMANENT, "no_template",
		    "the provider takes approved templates only, and the "
		    "message has none for it");
	else if (rc == -AM_EINVAL)
		am_sending_say(s, AM_SEND_PERMANENT, "bad_body",
		    "the stored follow-up has no message");
	else
		am_sending_say(
		    s, AM_SEND_RETRY, "sign", "libcrypto did not sign");
	return -AM_EINVAL;
}

static int
prepare(struct am_sending *s, int64_t now_s)
{
	const struct am_send_what what = { .id = s->id,
		.body = am_buf_str(&s->body),
		.to = am_buf_str(&s->to),
		.fired_at = s->fired_at };
	struct own *o = s->own;
	struct am_provider_values values;
	struct am_provider_request request;
	uint8_t nonce[AM_NONCE_BYTES];
	am_ms now = s->started + (am_mono() - s->mono);
	int rc = RAND_bytes(nonce, sizeof(nonce)) == 1 ? 0 : -AM_EIO;

	(void)now_s; /* in milliseconds here */
	am_arena_reset(&o->arena);
	if (rc == 0)
		rc = am_provider_values_read(
		    &values, s->ep, &what, now, nonce, &o->arena);
	if (rc == 0)
		rc = am_provider_request_make(
		    &request, &values, now, s->lane->signer, &o->arena);
	if (rc != 0)
		return refuse(s, rc);
	use_request(s, &request);
	return 0;
}

/* ---- the answer ---- */

/* Of a Location the host: its path and query may repeat ours. */
static void
say_redirect(struct am_sending *s)
{
	const char *to = s->answer.location, *host = strstr(to, "://");
	size_t n = host != NULL
		       ? (size_t)(host - to) + 3 + strcspn(host + 3, "/?#@")
		       : 0;
	char detail[160];

	snprintf(detail, sizeof(detail), "answered %d, Location: %.*s",
	    s->answer.status, n > 0 ? (int)n : 4, n > 0 ? to : "none");
	am_sending_say(s, AM_SEND_RETRY, "redirect", detail);
}

/* No rule has spoken of an answer that is whole. */
static void
judge_status(struct am_sending *s, am_ms now)
{
	struct am_send_result *r = &s->result;
	enum am_send_class class = AM_SEND_PERMANENT;
	int status = s->answer.status;
	char reason[24], detail[40];

	if (status / 100 == 3) {
		say_redirect(s);
		return;
	}
	if (status == 429)
		class = AM_SEND_THROTTLE;
	else if (status >= 500)
		class = AM_SEND_UNCERTAIN;
	snprintf(reason, sizeof(reason), "http_%d", status);
	snprintf(detail, sizeof(detail), "answered %d", status);
	am_sending_say(s, class, reason, detail);
	if (class != AM_SEND_PERMANENT)
		r->retry_after = am_retry_after(am_str_c(s->answer.retry_after),
		    now, s->ep->retry.retry_after_max);
}

static void
judge_whole(struct am_sending *s, am_ms now, const struct am_answer_seen *seen)
{
	const struct am_conf_provider *p = s->ep->provider;
	struct am_send_result *r = &s->result;

	if (p->message_id != NULL && !seen->cut)
		am_answer_id(seen->body, p->message_id, r->message_id,
		    sizeof(r->message_id));
	if (!am_webhook_by_rules(&s->answer, now, s->ep->retry.retry_after_max,
		&s->ep->answer, seen, r))
		judge_status(s, now);
}

static void
judge(struct am_sending *s, am_ms now)
{
	const struct am_webhook_answer *a = &s->answer;
	struct am_send_result *r = &s->result;
	struct am_answer_seen seen = { .status = a->status,
		.body = am_buf_str(&a->body),
		.cut = a->rc != CURLE_OK,
		.secrets = s->secrets.v,
		.secrets_n = s->secrets.n };
	bool whole = a->rc == CURLE_OK || (a->body_cut && !a->headers_cut);

	r->status = a->status;
	r->excerpt = seen.body;
	if (whole && a->status >= 200) {
		judge_whole(s, now, &seen);
		return;
	}
	am_webhook_judge_broken(a, r);
	seen.timeout = true;
	if (r->class == AM_SEND_UNCERTAIN)
		(void)am_webhook_by_rules(a, now, s->ep->retry.retry_after_max,
		    &s->ep->answer, &seen, r);
}

const struct am_kind am_kind_provider = { setup, prepare, judge, fini };
