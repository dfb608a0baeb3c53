/*
 * kind_webhook - a follow-up as a POST by Standard Webhooks.
 *
 * The list of headers is given to libcurl once and edited in place.
 */

#include "deliver/lane.h"

#include <stdlib.h>

static void
setup(struct am_sending *s)
{
	struct am_webhook_headers *h = calloc(1, sizeof(*h));
	CURL *e = s->job.easy;

	AM_ASSERT(h != NULL);
	am_webhook_headers_init(h);
	s->own = h;
	curl_easy_setopt(e, CURLOPT_URL, s->ep->url);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, h->list);
}

static int
prepare(struct am_sending *s, int64_t now_s)
{
	CURL *e = s->job.easy;

	if (am_webhook_headers_set(s->own, s->lane->signer, s->id, now_s,
		am_buf_str(&s->body)) != 0) {
		am_sending_say(
		    s, AM_SEND_RETRY, "sign", "libcrypto did not sign");
		return -AM_EINVAL;
	}
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)s->body.n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS,
	    s->body.p != NULL ? s->body.p : ""); /* NULL would ask stdin */
	return 0;
}

static void
judge(struct am_sending *s, am_ms now)
{
	am_webhook_judge(&s->answer, now, s->ep, &s->result);
}

static void
fini(struct am_sending *s)
{
	am_webhook_headers_fini(s->own);
	free(s->own);
}

const struct am_kind am_kind_webhook = { setup, prepare, judge, fini };
