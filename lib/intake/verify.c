/*
 * verify - a row a scheme, one function each; adding one is a row more.
 *
 * A signature is compared by its SHA-256: a digest of what is expected against
 * one of what came, of one length always.
 */

#include "intake/verify_int.h"

#include <openssl/crypto.h>

#include "base/buf.h"

/* ---- primitives ---- */

bool
am_verify_same(struct am_str a, struct am_str b)
{
	unsigned char x[EVP_MAX_MD_SIZE], y[EVP_MAX_MD_SIZE];

	AM_ASSERT(EVP_Digest(a.n > 0 ? a.p : "", a.n, x, NULL, EVP_sha256(),
		      NULL) == 1 &&
		  EVP_Digest(b.n > 0 ? b.p : "", b.n, y, NULL, EVP_sha256(),
		      NULL) == 1);
	return CRYPTO_memcmp(x, y, 32) == 0;
}

bool
am_verify_hmac(const char *digest, struct am_str key, struct am_str text,
    unsigned char out[EVP_MAX_MD_SIZE], size_t *n)
{
	return key.n > 0 && EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key.p,
				key.n, (const unsigned char *)text.p, text.n,
				out, EVP_MAX_MD_SIZE, n) != NULL;
}

struct am_str
am_verify_hex(struct am_arena *a, const unsigned char *p, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, a, 2 * n);
	am_buf_addhex(&b, p, n);
	return am_buf_str(&b);
}

struct am_str
am_verify_base64(struct am_arena *a, const unsigned char *p, size_t n)
{
	char *text = am_arena_alloc(a, (n + 2) / 3 * 4 + 1);
	int chars = EVP_EncodeBlock((unsigned char *)text, p, (int)n);

	return (struct am_str){ text, (size_t)chars };
}

struct am_str
am_verify_lower(struct am_arena *a, struct am_str s)
{
	char *p = am_arena_alloc(a, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20)
						      : s.p[i];
	return (struct am_str){ p, s.n };
}

struct am_str
am_verify_sha256(struct am_arena *a, struct am_str text)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	AM_ASSERT(EVP_Digest(text.n > 0 ? text.p : "", text.n, sum, NULL,
		      EVP_sha256(), NULL) == 1);
	return am_verify_hex(a, sum, 32);
}

/* ---- the table ---- */

static const char *
check_nothing(struct am_arena *a, const struct am_verify_keys *keys,
    const struct am_verify_request *req)
{
	(void)a;
	(void)keys;
	(void)req;
	return NULL;
}

static am_verify_check *const schemes[] = {
	[AM_VERIFIES_NOTHING] = check_nothing,
	[AM_VERIFIES_TWILIO] = am_verify_twilio,
	[AM_VERIFIES_VONAGE_SIG] = am_verify_vonage_sig,
	[AM_VERIFIES_VONAGE_JWT] = am_verify_vonage_jwt,
	[AM_VERIFIES_STANDARD] = am_verify_standard,
	[AM_VERIFIES_BEARER] = am_verify_bearer,
	[AM_VERIFIES_BASIC] = am_verify_basic,
	[AM_VERIFIES_GITHUB] = am_verify_github,
	[AM_VERIFIES_STRIPE] = am_verify_stripe,
	[AM_VERIFIES_SIGNED] = am_verify_signed,
};

int
am_verify(enum am_verify_scheme scheme, const struct am_verify_keys *keys,
    const struct am_verify_request *req, const char **why)
{
	const char *word = NULL;
	struct am_arena a;

	AM_ASSERT((size_t)scheme < AM_COUNT(schemes));
	am_arena_init(&a, 0);
	if (scheme != AM_VERIFIES_NOTHING && keys->n == 0)
		word = "no_key";
	else
		word = schemes[scheme](&a, keys, req);
	am_arena_fini(&a);
	if (word == NULL)
		return 0;
	*why = word;
	return -AM_EREFUSED;
}
