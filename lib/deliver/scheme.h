#pragma once

/*
 * scheme - how gateways want a request signed (layer: deliver). Sends nothing,
 * knows no clock and no chance: time and nonce are given.
 *
 * Standard Webhooks is in sign.h; AWS Signature 4 is libcurl's own.
 */

#include "base/arena.h"

/* A request as it goes out. Names and values of query are encoded. */
struct am_scheme_request {
	const char *method;
	struct am_str host; /* as in the header Host, with its port */
	struct am_str path; /* encoded, "/" at least */
	const struct am_pair *query;
	size_t query_n;
	const struct am_pair *header;
	size_t header_n;
	struct am_str body;
};

/* Who signs: the access key's id and its secret. */
struct am_scheme_key {
	struct am_str id, secret;
};

#define AM_SCHEME_HEADERS_MAX 4

/* Headers to be added to the request; lie in the arena. */
struct am_scheme_headers {
	struct am_pair v[AM_SCHEME_HEADERS_MAX];
	size_t n;
};

#define AM_SCHEME_SIGN_MAX 64

/*
 * Aliyun, ACS3-HMAC-SHA256 (signature V3): over Host, Content-Type and what
 * begins with x-acs-. Adds x-acs-content-sha256, x-acs-date,
 * x-acs-signature-nonce and Authorization.
 */
AM_MUSTCHECK int am_scheme_acs3(const struct am_scheme_request *r,
    const struct am_scheme_key *k, am_ms now, struct am_str nonce,
    struct am_arena *a, struct am_scheme_headers *out);

/*
 * Tencent Cloud, TC3-HMAC-SHA256: over Content-Type and Host, the latter
 * without a port as their own libraries do it. Adds X-TC-Timestamp and
 * Authorization. service as in "sms".
 */
AM_MUSTCHECK int am_scheme_tc3(const struct am_scheme_request *r,
    const struct am_scheme_key *k, const char *service, am_ms now,
    struct am_arena *a, struct am_scheme_headers *out);

/* DingTalk robots: base64, not yet encoded for a URL. timestamp in ms. */
AM_MUSTCHECK int am_scheme_dingtalk(
    struct am_str secret, am_ms now, char out[AM_SCHEME_SIGN_MAX]);
/* Feishu robots: base64. timestamp in seconds. */
AM_MUSTCHECK int
am_scheme_feishu(struct am_str secret, am_ms now, char out[AM_SCHEME_SIGN_MAX]);

/* "Basic …" of RFC 7617; lies in the arena. */
const char *
am_scheme_basic(struct am_str user, struct am_str password, struct am_arena *a);

/* All of them: 0, or -AM_EIO when libcrypto does not. */
