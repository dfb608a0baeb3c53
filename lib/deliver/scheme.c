/*
 * scheme - three ways to the same end: a canonical text of the request, hashed,
 * and an HMAC of it under a key that never travels.
 *
 * Each is written out as its provider describes it; a common canonicaliser with
 * switches was rejected, for they agree in less than it seems: Aliyun sorts and
 * signs the query, Tencent signs no query and derives its key in three steps,
 * and Feishu has key and message the other way round.
 */

#include "deliver/scheme.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"

#define MAC_BYTES 32

static int
hmac(struct am_str key, struct am_str text, uint8_t out[MAC_BYTES])
{
	unsigned n = 0;

	if (HMAC(EVP_sha256(), key.n > 0 ? key.p : "", (int)key.n,
		(const unsigned char *)(text.n > 0 ? text.p : ""), text.n, out,
		&n) == NULL ||
	    n != MAC_BYTES)
		return -AM_EIO;
	return 0;
}

static struct am_str
bytes(const uint8_t mac[MAC_BYTES])
{
	return (struct am_str){ (const char *)mac, MAC_BYTES };
}

static void
add_sha256(struct am_buf *b, struct am_str s)
{
	struct am_sha256 sum;
	uint8_t out[32];

	am_sha256_init(&sum);
	am_sha256_add(&sum, s.p, s.n);
	am_sha256_end(&sum, out);
	am_buf_addhex(b, out, sizeof(out));
}

static void
put(struct am_scheme_headers *out, const char *name, struct am_str value)
{
	AM_ASSERT(out->n < AM_SCHEME_HEADERS_MAX);
	out->v[out->n++] = (struct am_pair){ am_str_c(name), value };
}

/* In small letters and without blanks around it. */
static struct am_str
normal(struct am_arena *a, struct am_str s, bool small)
{
	struct am_str trimmed = am_str_trim(s);
	char *p = am_arena_alloc(a, trimmed.n + 1);

	for (size_t i = 0; i < trimmed.n; i++) {
		char c = trimmed.p[i];

		p[i] = small && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return (struct am_str){ p, trimmed.n };
}

static struct am_str
find_header(const struct am_scheme_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_n; i++) {
		struct am_str key = r->header[i].key;

		if (key.n == strlen(name) &&
		    strncasecmp(key.p, name, key.n) == 0)
			return r->header[i].value;
	}
	return AM_STR("");
}

static int
by_key(const void *a, const void *b)
{
	const struct am_pair *x = a, *y = b;
	int order = am_str_cmp(x->key, y->key);

	return order != 0 ? order : am_str_cmp(x->value, y->value);
}

/* ---- Aliyun ---- */

static void
add_sorted_query(
    struct am_buf *b, const struct am_scheme_request *r, struct am_arena *a)
{
	struct am_pair *q =
	    am_arena_alloc(a, (r->query_n + 1) * sizeof(r->query[0]));

	if (r->query_n > 0)
		memcpy(q, r->query, r->query_n * sizeof(q[0]));
	qsort(q, r->query_n, sizeof(q[0]), by_key);
	for (size_t i = 0; i < r->query_n; i++) {
		if (i > 0)
			am_buf_addc(b, '&');
		am_buf_addstr(b, q[i].key);
		am_buf_addc(b, '=');
		am_buf_addstr(b, q[i].value);
	}
}

static bool
is_signed(struct am_str name)
{
	return am_str_prefix(name, "x-acs-") || am_str_is(name, "content-type");
}

/* Host, and of the request and of what is added all that is signed. */
static size_t
acs3_headers(const struct am_scheme_request *r,
    const struct am_scheme_headers *added, struct am_arena *a,
    struct am_pair **sorted)
{
	struct am_pair *v =
	    am_arena_alloc(a, (r->header_n + added->n + 1) * sizeof(*v));
	size_t n = 0;

	v[n++] = (struct am_pair){ AM_STR("host"), r->host };
	for (size_t i = 0; i < r->header_n + added->n; i++) {
		const struct am_pair *h = i < r->header_n
					      ? &r->header[i]
					      : &added->v[i - r->header_n];
		struct am_str name = normal(a, h->key, true);

		if (is_signed(name))
			v[n++] = (struct am_pair){ name,
				normal(a, h->value, false) };
	}
	qsort(v, n, sizeof(v[0]), by_key);
	*sorted = v;
	return n;
}

static const char *
acs3_date(am_ms now, struct am_arena *a)
{
	struct am_civil c;

	am_civil_from_ms(now, &c);
	return am_arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)c.year,
	    c.month, c.day, c.hour, c.minute, c.second);
}

int
am_scheme_acs3(const struct am_scheme_request *r, const struct am_scheme_key *k,
    am_ms now, struct am_str nonce, struct am_arena *a,
    struct am_scheme_headers *out)
{
	struct am_buf hash, names, canonical, text, auth;
	struct am_pair *v;
	uint8_t mac[MAC_BYTES];
	size_t n;

	am_buf_arena(&hash, a, 64);
	add_sha256(&hash, r->body);
	out->n = 0;
	put(out, "x-acs-content-sha256", am_buf_str(&hash));
	put(out, "x-acs-date", am_str_c(acs3_date(now, a)));
	put(out, "x-acs-signature-nonce", nonce);
	n = acs3_headers(r, out, a, &v);

	am_buf_arena(&canonical, a, 1024);
	am_buf_arena(&names, a, 256);
	am_buf_addf(&canonical, "%s\n%.*s\n", r->method, AM_ARG(r->path));
	add_sorted_query(&canonical, r, a);
	am_buf_addc(&canonical, '\n');
	for (size_t i = 0; i < n; i++) {
		am_buf_addf(&canonical, "%.*s:%.*s\n", AM_ARG(v[i].key),
		    AM_ARG(v[i].value));
		am_buf_addf(
		    &names, "%s%.*s", i > 0 ? ";" : "", AM_ARG(v[i].key));
	}
	am_buf_addf(&canonical, "\n%.*s\n%.*s", AM_ARG(am_buf_str(&names)),
	    AM_ARG(am_buf_str(&hash)));

	am_buf_arena(&text, a, 128);
	am_buf_adds(&text, "ACS3-HMAC-SHA256\n");
	add_sha256(&text, am_buf_str(&canonical));
	if (hmac(k->secret, am_buf_str(&text), mac) != 0)
		return -AM_EIO;
	am_buf_arena(&auth, a, 256);
	am_buf_addf(&auth,
	    "ACS3-HMAC-SHA256 Credential=%.*s,SignedHeaders=%.*s,Signature=",
	    AM_ARG(k->id), AM_ARG(am_buf_str(&names)));
	am_buf_addhex(&auth, mac, sizeof(mac));
	put(out, "Authorization", am_buf_str(&auth));
	return 0;
}

/* ---- Tencent ---- */

static void
tc3_canonical(
    const struct am_scheme_request *r, struct am_arena *a, struct am_buf *out)
{
	struct am_str host = r->host;
	const char *colon = memrchr(host.p, ':', host.n);

	/* of a number in brackets the last colon may be its own */
	if (colon != NULL && host.p[host.n - 1] != ']')
		host.n = (size_t)(colon - host.p);
	am_buf_addf(out,
	    "%s\n%.*s\n\ncontent-type:%.*s\nhost:%.*s\n\ncontent-type;host\n",
	    r->method, AM_ARG(r->path),
	    AM_ARG(normal(a, find_header(r, "content-type"), true)),
	    AM_ARG(normal(a, host, true)));
	add_sha256(out, r->body);
}

/* The key of the day and the service; wiped by the caller. */
static int
tc3_key(struct am_str secret, const char *date, const char *service,
    uint8_t key[MAC_BYTES])
{
	struct am_buf first;
	uint8_t of_day[MAC_BYTES], of_service[MAC_BYTES];
	int rc;

	am_buf_init(&first);
	am_buf_adds(&first, "TC3");
	am_buf_addstr(&first, secret);
	rc = hmac(am_buf_str(&first), am_str_c(date), of_day);
	if (rc == 0)
		rc = hmac(bytes(of_day), am_str_c(service), of_service);
	if (rc == 0)
		rc = hmac(bytes(of_service), AM_STR("tc3_request"), key);
	OPENSSL_cleanse(first.p, first.n);
	OPENSSL_cleanse(of_day, sizeof(of_day));
	OPENSSL_cleanse(of_service, sizeof(of_service));
	am_buf_fini(&first);
	return rc;
}

int
am_scheme_tc3(const struct am_scheme_request *r, const struct am_scheme_key *k,
    const char *service, am_ms now, struct am_arena *a,
    struct am_scheme_headers *out)
{
	struct am_buf canonical, text, auth;
	uint8_t key[MAC_BYTES], mac[MAC_BYTES];
	const char *stamp = am_arena_printf(a, "%" PRId64, now / AM_SECOND);
	const char *date, *scope;
	struct am_civil c;
	int rc;

	am_civil_from_ms(now, &c);
	date =
	    am_arena_printf(a, "%04d-%02d-%02d", (int)c.year, c.month, c.day);
	scope = am_arena_printf(a, "%s/%s/tc3_request", date, service);
	am_buf_arena(&canonical, a, 512);
	tc3_canonical(r, a, &canonical);
	am_buf_arena(&text, a, 256);
	am_buf_addf(&text, "TC3-HMAC-SHA256\n%s\n%s\n", stamp, scope);
	add_sha256(&text, am_buf_str(&canonical));
	rc = tc3_key(k->secret, date, service, key);
	if (rc == 0)
		rc = hmac(bytes(key), am_buf_str(&text), mac);
	OPENSSL_cleanse(key, sizeof(key));
	if (rc != 0)
		return rc;
	am_buf_arena(&auth, a, 256);
	am_buf_addf(&auth,
	    "TC3-HMAC-SHA256 Credential=%.*s/%s, "
	    "SignedHeaders=content-type;host, Signature=",
	    AM_ARG(k->id), scope);
	am_buf_addhex(&auth, mac, sizeof(mac));
	out->n = 0;
	put(out, "X-TC-Timestamp", am_str_c(stamp));
	put(out, "Authorization", am_buf_str(&auth));
	return 0;
}

/* ---- robots ---- */

static int
sign64(struct am_str key, struct am_str text, char out[AM_SCHEME_SIGN_MAX])
{
	uint8_t mac[MAC_BYTES];

	if (hmac(key, text, mac) != 0)
		return -AM_EIO;
	EVP_EncodeBlock((unsigned char *)out, mac, MAC_BYTES);
	return 0;
}

/* "STAMP\nSECRET", wiped by done(). */
static struct am_str
stamped(struct am_buf *b, am_ms stamp, struct am_str secret)
{
	am_buf_init(b);
	am_buf_addi(b, stamp);
	am_buf_addc(b, '\n');
	am_buf_addstr(b, secret);
	return am_buf_str(b);
}

static int
done(struct am_buf *b, int rc)
{
	OPENSSL_cleanse(b->p, b->n);
	am_buf_fini(b);
	return rc;
}

int
am_scheme_dingtalk(
    struct am_str secret, am_ms now, char out[AM_SCHEME_SIGN_MAX])
{
	struct am_buf b;

	return done(&b, sign64(secret, stamped(&b, now, secret), out));
}

int
am_scheme_feishu(struct am_str secret, am_ms now, char out[AM_SCHEME_SIGN_MAX])
{
	struct am_buf b;

	return done(
	    &b, sign64(stamped(&b, now / AM_SECOND, secret), AM_STR(""), out));
}

/* ---- RFC 7617 ---- */

const char *
am_scheme_basic(struct am_str user, struct am_str password, struct am_arena *a)
{
	size_t n = user.n + 1 + password.n;
	char *pair = am_arena_alloc(a, n + 1);
	char *text = am_arena_alloc(a, 6 + (n + 2) / 3 * 4 + 1);

	snprintf(pair, n + 1, "%.*s:%.*s", AM_ARG(user), AM_ARG(password));
	memcpy(text, "Basic ", 6);
	EVP_EncodeBlock(
	    (unsigned char *)text + 6, (unsigned char *)pair, (int)n);
	OPENSSL_cleanse(pair, n);
	return text;
}
