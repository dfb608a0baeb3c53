#pragma once

/*
 * verify - whether a request comes from who it says (layer: intake).
 *
 * A table of schemes. All keys are tried, however early one fits, and every
 * comparison takes as long as any other; what is refused is told by a word for
 * the log and never to the sender.
 */

#include "base/arena.h"
#include "conf/conf.h"

enum am_verify_scheme {
	AM_VERIFIES_NOTHING,
	AM_VERIFIES_TWILIO,	/* X-Twilio-Signature, HMAC-SHA1 */
	AM_VERIFIES_VONAGE_SIG, /* parameter `sig` over the sorted others */
	AM_VERIFIES_VONAGE_JWT, /* Authorization: Bearer, HS256 */
	AM_VERIFIES_STANDARD,	/* Standard Webhooks 1.0.0, or svix-… */
	AM_VERIFIES_BEARER,	/* Authorization: Bearer TOKEN */
	AM_VERIFIES_BASIC,	/* Authorization: Basic, "USER:PASSWORD" */
	AM_VERIFIES_GITHUB,	/* X-Hub-Signature-256 */
	AM_VERIFIES_STRIPE,	/* Stripe-Signature */
	AM_VERIFIES_SIGNED,	/* as `signature` says */
};

/* How Vonage's `sig` is made; an account has one of them. */
enum am_verify_digest {
	AM_DIGEST_SHA256, /* these are HMACs */
	AM_DIGEST_SHA512,
	AM_DIGEST_SHA1,
	AM_DIGEST_MD5,
	AM_DIGEST_MD5HASH, /* MD5 of the text with the secret behind it */
};
/* "sha256" "sha512" "sha1" "md5" "md5hash" */
AM_MUSTCHECK int
am_verify_digest_parse(struct am_str s, enum am_verify_digest *digest);

struct am_verify_request {
	const struct am_pair *headers;
	size_t headers_n;
	/* as the sender wrote it, "https://HOST[:PORT]/PATH[?QUERY]" */
	struct am_str url;
	const struct am_pair *query; /* decoded */
	size_t query_n;
	/* decoded: of the form in the body, of a JSON object its members, else
	 * of the query */
	const struct am_pair *params;
	size_t params_n;
	bool is_form; /* the body is a form, or there is none */
	struct am_str body;
	int64_t now_s; /* since 1970 */
	/* of those who send events: a signed time may differ by so much */
	int64_t tolerance_s;
	const struct am_conf_signature *signature; /* AM_VERIFIES_SIGNED */
};

struct am_verify_keys {
	struct am_str v[4];
	size_t n;
	enum am_verify_digest digest; /* AM_VERIFIES_VONAGE_SIG */
};

/*
 * 0, or -AM_EREFUSED with a word in *why: no_key no_signature bad_signature
 * bad_body_hash bad_token no_timestamp stale no_id.
 */
AM_MUSTCHECK int
am_verify(enum am_verify_scheme scheme, const struct am_verify_keys *keys,
    const struct am_verify_request *req, const char **why);

/* Equal, in a time that says nothing about either. */
bool am_verify_same(struct am_str a, struct am_str b);

/*
 * Whether the request is this producer's, by any scheme and key that it has; of
 * req only headers, body and now_s are looked at. As am_verify(); of two
 * schemes the word is that of the one the request has tried.
 */
AM_MUSTCHECK int am_verify_producer(const struct am_conf_producer *p,
    const struct am_verify_request *req, const char **why);
/* The id of the message by the producer's scheme, the signed one first, else
 * webhook-id; n == 0: none. */
struct am_str am_verify_message_id(
    const struct am_conf_producer *p, const struct am_pair *headers, size_t n);
