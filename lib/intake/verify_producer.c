/*
 * verify_producer - those who send events.
 *
 * A signature is a row: the header, what stands before the signature in it, how
 * it is written, the digest, what is signed, where the time stands. Conf can
 * make a row of its own. All signatures that came are held against all keys.
 *
 * GitHub signs no time, and neither need a row of conf: such a request can be
 * sent again by whoever has seen it. It is then a duplicate by its event's id.
 */

#include "intake/verify_int.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "intake/http_head.h"

#define GIVEN_MAX 16	     /* signatures in one header */
#define MS_FROM 100000000000 /* a time above it, of the year 5138, is in ms */

enum form {
	ONE,	 /* the header is the signature */
	BLANKS,	 /* several, with blanks between: "v1,a v1,b v1a,c" */
	MEMBERS, /* "t=1,v1=a,v1=b" */
};

struct row {
	struct am_conf_signature s;
	enum form form;
};

#define PART(lit, name)                                                        \
	{                                                                      \
		{ "" lit, sizeof(lit) - 1 }, name, false, 0                    \
	}

static const struct am_fill body_alone = { 1, { PART("", "body") } };
static const struct am_fill time_and_body = { 2,
	{ PART("", "timestamp"), PART(".", "body") } };
static const struct am_fill id_time_and_body = { 3,
	{ PART("", "id"), PART(".", "timestamp"), PART(".", "body") } };

/* clang-format off */
static const struct row
standard = { { .header = "webhook-signature", .prefix = "v1,",
               .base64 = true, .content = &id_time_and_body,
               .timestamp_header = "webhook-timestamp",
               .id_header = "webhook-id" }, BLANKS },
svix =     { { .header = "svix-signature", .prefix = "v1,",
               .base64 = true, .content = &id_time_and_body,
               .timestamp_header = "svix-timestamp",
               .id_header = "svix-id" }, BLANKS },
github =   { { .header = "x-hub-signature-256", .prefix = "sha256=",
               .content = &body_alone }, ONE },
stripe =   { { .header = "stripe-signature", .prefix = "v1=",
               .content = &time_and_body }, MEMBERS };
/* clang-format on */

static const char *const digests[] = {
	[AM_SIGNATURE_SHA256] = "SHA256",
	[AM_SIGNATURE_SHA512] = "SHA512",
	[AM_SIGNATURE_SHA1] = "SHA1",
};

/* What one request says by one row. */
struct said {
	struct am_str given[GIVEN_MAX]; /* without the prefix */
	size_t given_n;
	struct am_str timestamp, id;
};

/* Those that conf names the head reader does not know: of two counts none. */
static struct am_str
header(const struct am_verify_request *req, const char *name)
{
	if (name == NULL ||
	    am_http_header_twice(req->headers, req->headers_n, name))
		return (struct am_str){ NULL, 0 };
	return am_http_header(req->headers, req->headers_n, name);
}

/* What stands before the next `by`; *s is what stands behind it. */
static struct am_str
word(struct am_str *s, char by)
{
	const char *end = s->n > 0 ? memchr(s->p, by, s->n) : NULL;
	struct am_str first = *s;

	if (end == NULL) {
		*s = (struct am_str){ NULL, 0 };
		return first;
	}
	first.n = (size_t)(end - s->p);
	*s = (struct am_str){ end + 1, s->n - first.n - 1 };
	return first;
}

static void
read_one(const struct row *row, struct am_str one, struct said *said)
{
	size_t skip = strlen(row->s.prefix);

	one = am_str_trim(one);
	if (row->form == MEMBERS && am_str_prefix(one, "t="))
		said->timestamp = (struct am_str){ one.p + 2, one.n - 2 };
	if (!am_str_prefix(one, row->s.prefix) || one.n == skip ||
	    said->given_n == GIVEN_MAX)
		return; /* of another version */
	said->given[said->given_n++] =
	    (struct am_str){ one.p + skip, one.n - skip };
}

static void
read_said(const struct row *row, const struct am_verify_request *req,
    struct said *said)
{
	struct am_str rest = header(req, row->s.header);
	char by = row->form == BLANKS ? ' ' : ',';

	*said =
	    (struct said){ .timestamp = header(req, row->s.timestamp_header),
		    .id = header(req, row->s.id_header) };
	if (row->form == ONE)
		read_one(row, rest, said);
	while (row->form != ONE && rest.n > 0)
		read_one(row, word(&rest, by), said);
}

static struct am_str
content_of(struct am_arena *a, const struct am_fill *fill,
    const struct said *said, struct am_str body)
{
	struct am_buf b;

	am_buf_arena(&b, a, body.n + 256);
	for (size_t i = 0; i < fill->n; i++) {
		const char *path = fill->v[i].path;

		am_buf_addstr(&b, fill->v[i].literal);
		if (path == NULL)
			continue;
		am_buf_addstr(&b, strcmp(path, "body") == 0 ? body
				  : strcmp(path, "id") == 0 ? said->id
							    : said->timestamp);
	}
	return am_buf_str(&b);
}

static bool
needs(const struct am_fill *fill, const char *path)
{
	for (size_t i = 0; i < fill->n; i++)
		if (fill->v[i].path != NULL &&
		    strcmp(fill->v[i].path, path) == 0)
			return true;
	return false;
}

/* '=' at the end is left out by some. */
static struct am_str
unpadded(struct am_str s)
{
	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	return s;
}

static bool
fits(struct am_arena *a, const struct row *row,
    const struct am_verify_keys *keys, const struct said *said,
    struct am_str content)
{
	bool any = false;

	for (size_t i = 0; i < keys->n; i++) {
		unsigned char sum[EVP_MAX_MD_SIZE];
		struct am_str want;
		size_t n;

		if (!am_verify_hmac(
			digests[row->s.digest], keys->v[i], content, sum, &n))
			continue;
		want = row->s.base64 ? unpadded(am_verify_base64(a, sum, n))
				     : am_verify_hex(a, sum, n);
		for (size_t k = 0; k < said->given_n; k++)
			any |= am_verify_same(want,
			    row->s.base64 ? unpadded(said->given[k])
					  : am_verify_lower(a, said->given[k]));
	}
	return any;
}

/* Seconds or milliseconds since 1970, or RFC 3339. */
static bool
read_time(struct am_str s, int64_t *at_s)
{
	am_ms ms;

	if (am_str_i64(s, at_s) == 0) {
		if (*at_s > MS_FROM)
			*at_s /= 1000;
		return true;
	}
	if (am_rfc3339_parse(s, &ms) != 0)
		return false;
	*at_s = ms / 1000;
	return true;
}

static const char *
check_time(struct am_str timestamp, const struct am_verify_request *req)
{
	int64_t at;

	if (!read_time(timestamp, &at))
		return "no_timestamp";
	return at >= req->now_s - req->tolerance_s &&
		       at <= req->now_s + req->tolerance_s
		   ? NULL
		   : "stale";
}

static const char *
check(struct am_arena *a, const struct row *row,
    const struct am_verify_keys *keys, const struct am_verify_request *req)
{
	const struct am_fill *content = row->s.content;
	bool timed = row->form == MEMBERS || row->s.timestamp_header != NULL;
	struct said said;

	if (header(req, row->s.header).n == 0)
		return "no_signature";
	read_said(row, req, &said);
	if (!fits(
		a, row, keys, &said, content_of(a, content, &said, req->body)))
		return "bad_signature";
	if (needs(content, "id") && said.id.n == 0)
		return "no_id";
	return timed ? check_time(said.timestamp, req) : NULL;
}

const char *
am_verify_standard(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	bool named_so = header(req, standard.s.header).n == 0 &&
			header(req, svix.s.header).n > 0;

	return check(a, named_so ? &svix : &standard, keys, req);
}

const char *
am_verify_github(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	return check(a, &github, keys, req);
}

const char *
am_verify_stripe(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	return check(a, &stripe, keys, req);
}

const char *
am_verify_signed(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	const struct row row = { .s = *req->signature, .form = ONE };

	return check(a, &row, keys, req);
}

/* ---- what is shown as it is ---- */

/* What stands behind "SCHEME " in Authorization; n == 0: another, or none. */
static struct am_str
authorization(const struct am_verify_request *req, const char *scheme)
{
	struct am_str s = header(req, "authorization");
	size_t n = strlen(scheme);

	if (s.n <= n || strncasecmp(s.p, scheme, n) != 0 || s.p[n] != ' ')
		return (struct am_str){ NULL, 0 };
	return am_str_trim((struct am_str){ s.p + n, s.n - n });
}

const char *
am_verify_bearer(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	struct am_str given = authorization(req, "bearer");
	bool any = false;

	(void)a;
	if (given.n == 0)
		return "no_signature";
	for (size_t i = 0; i < keys->n; i++)
		any |= am_verify_same(keys->v[i], given);
	return any ? NULL : "bad_token";
}

const char *
am_verify_basic(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	struct am_str given = authorization(req, "basic");
	bool any = false;

	if (given.n == 0)
		return "no_signature";
	for (size_t i = 0; i < keys->n; i++) {
		struct am_str want = am_verify_base64(
		    a, (const unsigned char *)keys->v[i].p, keys->v[i].n);

		any |= am_verify_same(unpadded(want), unpadded(given));
		OPENSSL_cleanse((char *)(uintptr_t)want.p, want.n);
	}
	return any ? NULL : "bad_token";
}

/* ---- a producer ---- */

static void
add_keys(struct am_verify_keys *keys, const struct am_secret *v, size_t n)
{
	for (size_t i = 0; i < n && keys->n < AM_COUNT(keys->v); i++)
		keys->v[keys->n++] = v[i].value;
}

/* The keys of its scheme; of Standard Webhooks those that are decoded. */
static enum am_verify_scheme
keys_of(const struct am_conf_producer *p, struct am_verify_keys *keys)
{
	static const enum am_verify_scheme schemes[] = {
		[AM_PRODUCER_STANDARD_WEBHOOKS] = AM_VERIFIES_STANDARD,
		[AM_PRODUCER_BEARER] = AM_VERIFIES_BEARER,
		[AM_PRODUCER_BASIC] = AM_VERIFIES_BASIC,
		[AM_PRODUCER_GITHUB] = AM_VERIFIES_GITHUB,
		[AM_PRODUCER_STRIPE] = AM_VERIFIES_STRIPE,
		[AM_PRODUCER_HMAC] = AM_VERIFIES_SIGNED,
	};

	*keys = (struct am_verify_keys){ .n = 0 };
	if (p->scheme == AM_PRODUCER_BEARER || p->scheme == AM_PRODUCER_BASIC)
		add_keys(keys, p->tokens, p->tokens_n);
	else if (p->scheme != AM_PRODUCER_STANDARD_WEBHOOKS)
		add_keys(keys, p->secrets, p->secrets_n);
	else
		for (size_t i = 0; i < p->secrets_n; i++)
			keys->v[keys->n++] =
			    (struct am_str){ (const char *)p->keys[i],
				    p->keys_n[i] };
	return schemes[p->scheme];
}

int
am_verify_producer(const struct am_conf_producer *p,
    const struct am_verify_request *req, const char **why)
{
	struct am_verify_request r = *req;
	struct am_verify_keys keys;
	enum am_verify_scheme scheme = keys_of(p, &keys);
	const char *other = "no_signature";
	int rc, token_rc = -AM_EREFUSED;

	r.tolerance_s = p->tolerance / AM_SECOND;
	r.signature = &p->signature;
	rc = am_verify(scheme, &keys, &r, why);
	if (scheme == AM_VERIFIES_STANDARD && p->tokens_n > 0) {
		keys.n = 0;
		add_keys(&keys, p->tokens, p->tokens_n);
		token_rc = am_verify(AM_VERIFIES_BEARER, &keys, &r, &other);
	}
	if (rc != 0 && token_rc != 0 && strcmp(other, "no_signature") != 0)
		*why = other;
	return rc == 0 || token_rc == 0 ? 0 : -AM_EREFUSED;
}

struct am_str
am_verify_message_id(
    const struct am_conf_producer *p, const struct am_pair *headers, size_t n)
{
	/* the one that is signed: who sends a request again may add another */
	bool named_so = p->scheme == AM_PRODUCER_STANDARD_WEBHOOKS &&
			am_http_header(headers, n, standard.s.header).n == 0 &&
			am_http_header(headers, n, svix.s.header).n > 0;
	const char *const names[] = { p->signature.id_header,
		named_so ? svix.s.id_header : standard.s.id_header,
		named_so ? standard.s.id_header : svix.s.id_header };
	struct am_str id = { NULL, 0 };

	for (size_t i = 0; i < AM_COUNT(names) && id.n == 0; i++)
		if (names[i] != NULL)
			id = am_http_header(headers, n, names[i]);
	return id;
}
