#pragma once

/*
 * webhook - what a webhook says and what its answer means (layer: deliver).
 *
 * Headers of Standard Webhooks 1.0.0, collecting an answer within limits, and
 * the table from answers to classes. Sends nothing.
 */

#include <curl/curl.h>

#include "deliver/answer.h"
#include "deliver/sign.h"

#define AM_WEBHOOK_ID_MAX 64
#define AM_EXCERPT_MAX 4096
#define AM_ANSWER_HEADERS_MAX ((size_t)64 * 1024)

enum am_webhook_header {
	AM_WH_CONTENT_TYPE,
	AM_WH_EXPECT, /* empty: libcurl is not to ask for 100-continue */
	AM_WH_ID,
	AM_WH_TIMESTAMP,
	AM_WH_SIGNATURE,
	AM_WH_HEADERS_N,
};

/* The list is given to libcurl once and edited in place; must not move. */
struct am_webhook_headers {
	struct curl_slist list[AM_WH_HEADERS_N];
	char id[sizeof("webhook-id: ") + AM_WEBHOOK_ID_MAX];
	char timestamp[48];
	struct am_buf signature;
};

void am_webhook_headers_init(struct am_webhook_headers *h);
void am_webhook_headers_fini(struct am_webhook_headers *h);
/* id has at most AM_WEBHOOK_ID_MAX bytes. -AM_EIO when signing failed. */
AM_MUSTCHECK int
am_webhook_headers_set(struct am_webhook_headers *h, struct am_signer *signer,
    const char *id, int64_t timestamp_s, struct am_str body);

/* How far a transfer came before it ended. */
enum am_webhook_phase {
	AM_WH_NOTHING,
	AM_WH_CONNECTED,
	AM_WH_SECURED, /* after the TLS handshake, if any */
	AM_WH_SENT,    /* bytes of the request have left */
};

struct am_webhook_answer {
	CURLcode rc;
	enum am_webhook_phase phase;
	int status;	   /* 0: none */
	const char *error; /* libcurl's words, may be "" */
	size_t header_bytes;
	bool headers_cut; /* over AM_ANSWER_HEADERS_MAX */
	bool body_cut;	  /* over body_max: not read further */
	size_t body_max;
	char location[128];
	char retry_after[64];
	struct am_buf body; /* owned */
};

void am_webhook_answer_init(struct am_webhook_answer *a);
void am_webhook_answer_fini(struct am_webhook_answer *a);
/*
 * Ready for the next one from ep: of its body max_response is read when rules
 * are to judge it, else no more than is kept.
 */
void am_webhook_answer_reset(
    struct am_webhook_answer *a, const struct am_conf_endpoint *ep);
/* CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; arg is the answer. */
size_t am_webhook_on_header(char *p, size_t size, size_t n, void *arg);
size_t am_webhook_on_body(char *p, size_t size, size_t n, void *arg);

/*
 * Fills class, status, reason, detail, said, retry_after and excerpt (which
 * borrows a) by the status and by the rules of ep for a body. now is when the
 * answer came. Reasons: ok; http_NNN redirect gone;
 * connect connect_timeout tls tls_timeout transport (nothing was sent);
 * timeout reset body_cut_short headers_too_large not_http no_answer
 * (uncertain); by a rule body_throttle opted_out body_permanent body_retry
 * body_failed, body_uncertain and body_unclear (uncertain). Elsewhere in
 * deliver: dns dns_timeout refused_address sign canceled endpoint-removed
 * unsupported, no_template and bad_body of a provider.
 */
void am_webhook_judge(const struct am_webhook_answer *a, am_ms now,
    const struct am_conf_endpoint *ep, struct am_send_result *r);

/* Parts of it. Without a whole answer: the class is AM_SEND_RETRY when nothing
 * was sent, else AM_SEND_UNCERTAIN. */
void am_webhook_judge_broken(
    const struct am_webhook_answer *a, struct am_send_result *r);
/*
 * What the rules say; false when they are silent. A throttle lasts as long as
 * its rule or Retry-After says, whichever is longer; another try waits for
 * Retry-After, too.
 */
bool am_webhook_by_rules(const struct am_webhook_answer *a, am_ms now,
    am_ms retry_after_max, const struct am_answer_rules *rules,
    const struct am_answer_seen *seen, struct am_send_result *r);
