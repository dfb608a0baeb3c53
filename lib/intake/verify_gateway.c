/*
 * verify_gateway - how those sign who call back: Twilio and Vonage.
 *
 * Freshness. Vonage signs the time, and sends again for 24 hours what was not
 * answered 2xx; whether it signs anew then is not documented. What is repeated
 * within these hours does no harm, for an event is applied once by its id, so
 * the window is a day and an hour, and not the five minutes that would turn
 * away a receipt after an outage of ours. Twilio signs no time at all.
 */

#include "intake/verify_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "intake/http_head.h"

#define STALE_S (25 * 3600)
#define EARLY_S 300
#define CLAIMS_MAX 64

/* Is it a time of today? Past the end of int64 it is none. */
static bool
is_fresh(struct am_str seconds, int64_t now_s)
{
	int64_t at;

	return am_str_i64(seconds, &at) == 0 && at >= now_s - STALE_S &&
	       at <= now_s + EARLY_S;
}

/* ---- Twilio ---- */

static int
by_name_and_value(const void *x, const void *y)
{
	const struct am_pair *a = x, *b = y;
	int d = am_str_cmp(a->key, b->key);

	return d != 0 ? d : am_str_cmp(a->value, b->value);
}

/* The parts of a URL around its port; false when it is no URL. */
static bool
split_url(struct am_str url, struct am_str *head, struct am_str *port,
    struct am_str *rest)
{
	const char *end = url.p + url.n, *host, *path, *colon;

	host = url.n > 0 ? memmem(url.p, url.n, "://", 3) : NULL;
	if (host == NULL)
		return false;
	host += 3;
	for (path = host; path < end && *path != '/' && *path != '?'; path++)
		;
	colon = memrchr(host, ':', (size_t)(path - host));
	/* a colon inside of [] is none of a port */
	if (colon == NULL || memchr(colon, ']', (size_t)(path - colon)) != NULL)
		colon = path;
	*head = (struct am_str){ url.p, (size_t)(colon - url.p) };
	*port = (struct am_str){ colon, (size_t)(path - colon) };
	*rest = (struct am_str){ path, (size_t)(end - path) };
	return true;
}

/* url + port, and behind it what is signed of the parameters. */
static struct am_str
twilio_text(struct am_arena *a, struct am_str head, struct am_str port,
    struct am_str rest, const struct am_pair *params, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, a, 512);
	am_buf_addstr(&b, head);
	am_buf_addstr(&b, port);
	am_buf_addstr(&b, rest);
	for (size_t i = 0; i < n; i++) {
		/* of a value that is given twice one counts */
		if (i > 0 && by_name_and_value(&params[i - 1], &params[i]) == 0)
			continue;
		am_buf_addstr(&b, params[i].key);
		am_buf_addstr(&b, params[i].value);
	}
	return am_buf_str(&b);
}

static bool
twilio_fits(struct am_arena *a, const struct am_verify_keys *keys,
    struct am_str text, struct am_str given)
{
	bool fits = false;

	for (size_t i = 0; i < keys->n; i++) {
		unsigned char sum[EVP_MAX_MD_SIZE];
		size_t n;

		if (!am_verify_hmac("SHA1", keys->v[i], text, sum, &n))
			continue;
		fits |= am_verify_same(am_verify_base64(a, sum, n), given);
	}
	return fits;
}

const char *
am_verify_twilio(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	struct am_str given =
	    am_http_header(req->headers, req->headers_n, "x-twilio-signature");
	struct am_str head, port, rest, hash = { NULL, 0 };
	struct am_pair *params;
	size_t n = 0;
	bool fits;

	if (given.n == 0 || !split_url(req->url, &head, &port, &rest))
		return "no_signature";
	for (size_t i = 0; i < req->query_n; i++)
		if (am_str_is(req->query[i].key, "bodySHA256"))
			hash = req->query[i].value;
	params = am_arena_alloc(a, (req->params_n + 1) * sizeof(*params));
	/* parameters of a query are signed as part of the URL */
	if (hash.p == NULL && req->is_form && req->body.n > 0) {
		n = req->params_n;
		memcpy(params, req->params, n * sizeof(*params));
		qsort(params, n, sizeof(*params), by_name_and_value);
	}
	if (port.n == 0)
		port = am_str_prefix(head, "http:") ? AM_STR(":80")
						    : AM_STR(":443");
	/* Twilio's own documents: with the port or without it */
	fits = twilio_fits(
	    a, keys, twilio_text(a, head, port, rest, params, n), given);
	fits |= twilio_fits(
	    a, keys, twilio_text(a, head, AM_STR(""), rest, params, n), given);
	if (!fits)
		return "bad_signature";
	/* a body that is no form is signed by this hash and else by nothing */
	if (hash.p != NULL || !req->is_form)
		return am_verify_same(am_verify_lower(a, hash),
			   am_verify_sha256(a, req->body))
			   ? NULL
			   : "bad_body_hash";
	return NULL;
}

/* ---- Vonage, SMS API ---- */

static const char *const digests[] = {
	[AM_DIGEST_SHA256] = "sha256",
	[AM_DIGEST_SHA512] = "sha512",
	[AM_DIGEST_SHA1] = "sha1",
	[AM_DIGEST_MD5] = "md5",
	[AM_DIGEST_MD5HASH] = "md5hash",
};

int
am_verify_digest_parse(struct am_str s, enum am_verify_digest *digest)
{
	for (size_t i = 0; i < AM_COUNT(digests); i++)
		if (am_str_is(s, digests[i])) {
			*digest = (enum am_verify_digest)i;
			return 0;
		}
	return -AM_EINVAL;
}

static int
by_name(const void *x, const void *y)
{
	const struct am_pair *a = x, *b = y;

	return am_str_cmp(a->key, b->key);
}

/* "&a=1&b=2", sorted, with & and = in values as _ */
static struct am_str
vonage_text(struct am_arena *a, const struct am_pair *params, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, a, 512);
	for (size_t i = 0; i < n; i++) {
		struct am_str v = params[i].value;

		am_buf_addc(&b, '&');
		am_buf_addstr(&b, params[i].key);
		am_buf_addc(&b, '=');
		for (size_t k = 0; k < v.n; k++)
			am_buf_addc(
			    &b, v.p[k] == '&' || v.p[k] == '=' ? '_' : v.p[k]);
	}
	return am_buf_str(&b);
}

static bool
vonage_sum(struct am_arena *a, enum am_verify_digest digest, struct am_str key,
    struct am_str text, unsigned char out[EVP_MAX_MD_SIZE], size_t *n)
{
	struct am_buf b;
	unsigned bytes = 0;
	bool ok;

	if (digest != AM_DIGEST_MD5HASH)
		return am_verify_hmac(digests[digest], key, text, out, n);
	am_buf_arena(&b, a, text.n + key.n + 1);
	am_buf_addstr(&b, text);
	am_buf_addstr(&b, key);
	ok = EVP_Digest(b.p, b.n, out, &bytes, EVP_md5(), NULL) == 1;
	OPENSSL_cleanse(b.p, b.n);
	*n = bytes;
	return ok;
}

const char *
am_verify_vonage_sig(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	struct am_str given = { NULL, 0 }, at = { NULL, 0 }, text;
	struct am_pair *params =
	    am_arena_alloc(a, (req->params_n + 1) * sizeof(*params));
	size_t n = 0;
	bool fits = false;

	for (size_t i = 0; i < req->params_n; i++) {
		const struct am_pair *p = &req->params[i];

		if (am_str_is(p->key, "sig")) {
			if (given.p != NULL)
				return "bad_signature"; /* which one? */
			given = am_verify_lower(a, p->value);
			continue;
		}
		if (am_str_is(p->key, "timestamp"))
			at = p->value;
		params[n++] = *p;
	}
	if (given.n == 0)
		return "no_signature";
	qsort(params, n, sizeof(*params), by_name);
	text = vonage_text(a, params, n);
	for (size_t i = 0; i < keys->n; i++) {
		unsigned char sum[EVP_MAX_MD_SIZE];
		size_t sum_n;

		if (vonage_sum(a, keys->digest, keys->v[i], text, sum, &sum_n))
			fits |=
			    am_verify_same(am_verify_hex(a, sum, sum_n), given);
	}
	if (!fits)
		return "bad_signature";
	return at.n > 0 && is_fresh(at, req->now_s) ? NULL : "stale";
}

/* ---- Vonage, Messages API ---- */

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Without padding, and without bits that stand for nothing. */
static bool
base64url(struct am_arena *a, struct am_str s, struct am_str *out)
{
	char *to = am_arena_alloc(a, s.n + 1);
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int digit = base64_digit(s.p[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (char)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	*out = (struct am_str){ to, n };
	return have < 6 && bits == 0;
}

struct jwt {
	struct am_str signed_text, signature; /* decoded */
	const struct am_pair *head, *claims;
	size_t head_n, claims_n;
};

static bool
jwt_object(struct am_arena *a, struct am_str part, const struct am_pair **pairs,
    size_t *n)
{
	struct am_str text;
	char what[200];

	return base64url(a, part, &text) &&
	       am_json_flatten(text, CLAIMS_MAX, a, pairs, n, what) == 0;
}

static bool
jwt_read(struct am_arena *a, struct am_str s, struct jwt *t)
{
	const char *end = s.p + s.n;
	const char *x = memchr(s.p, '.', s.n);
	const char *y =
	    x != NULL ? memchr(x + 1, '.', (size_t)(end - x) - 1) : NULL;

	if (y == NULL)
		return false;
	t->signed_text = (struct am_str){ s.p, (size_t)(y - s.p) };
	return base64url(a, (struct am_str){ y + 1, (size_t)(end - y) - 1 },
		   &t->signature) &&
	       jwt_object(a, (struct am_str){ s.p, (size_t)(x - s.p) },
		   &t->head, &t->head_n) &&
	       jwt_object(a, (struct am_str){ x + 1, (size_t)(y - x) - 1 },
		   &t->claims, &t->claims_n);
}

static struct am_str
member(const struct am_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (am_str_is(pairs[i].key, name))
			return pairs[i].value;
	return (struct am_str){ NULL, 0 };
}

/* What the claims say, once the signature is right. */
static const char *
check_claims(struct am_arena *a, const struct jwt *t,
    const struct am_verify_request *req)
{
	struct am_str hash = member(t->claims, t->claims_n, "payload_hash");
	struct am_str exp = member(t->claims, t->claims_n, "exp");
	struct am_str nbf = member(t->claims, t->claims_n, "nbf");
	int64_t at;

	if (!is_fresh(member(t->claims, t->claims_n, "iat"), req->now_s))
		return "stale";
	if (exp.p != NULL &&
	    (am_str_i64(exp, &at) != 0 || at <= req->now_s - EARLY_S))
		return "stale";
	if (nbf.p != NULL &&
	    (am_str_i64(nbf, &at) != 0 || at > req->now_s + EARLY_S))
		return "stale";
	if (req->body.n == 0 && hash.p == NULL)
		return NULL; /* nothing to hash */
	return am_verify_same(
		   am_verify_lower(a, hash), am_verify_sha256(a, req->body))
		   ? NULL
		   : "bad_body_hash";
}

const char *
am_verify_vonage_jwt(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	struct am_str given =
	    am_http_header(req->headers, req->headers_n, "authorization");
	struct jwt t;
	bool fits = false;

	if (given.n < 7 || strncasecmp(given.p, "bearer ", 7) != 0)
		return "no_signature";
	given = am_str_trim((struct am_str){ given.p + 7, given.n - 7 });
	/* one algorithm, whatever the token would like: RFC 8725, 3.1 */
	if (given.n == 0 || !jwt_read(a, given, &t) ||
	    !am_str_is(member(t.head, t.head_n, "alg"), "HS256"))
		return "bad_token";
	for (size_t i = 0; i < t.head_n; i++)
		if (am_str_prefix(t.head[i].key, "crit"))
			return "bad_token"; /* asks for what we do not know */
	for (size_t i = 0; i < keys->n; i++) {
		unsigned char sum[EVP_MAX_MD_SIZE];
		size_t n;

		if (am_verify_hmac(
			"SHA256", keys->v[i], t.signed_text, sum, &n))
			fits |= am_verify_same(
			    (struct am_str){ (const char *)sum, n },
			    t.signature);
	}
	return fits ? check_claims(a, &t, req) : "bad_signature";
}
