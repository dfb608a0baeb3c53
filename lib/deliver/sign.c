/*
 * sign - one EVP_MAC context a key, keyed anew for each message.
 *
 * Keying again costs two SHA-256 blocks and no allocation. EVP_MAC_CTX_dup() of
 * a keyed context was measured against it and allocates a dozen times;
 * EVP_MAC_init() without a key would be the cheapest, but OpenSSL before 3.0.3
 * does not start a new message then and signs garbage.
 */

#include "deliver/sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define MAC_BYTES 32
#define BASE64_BYTES ((MAC_BYTES + 2) / 3 * 4)

struct key {
	EVP_MAC_CTX *mac;
	size_t bytes_n;
	uint8_t bytes[64];
};

struct am_signer {
	size_t n;
	struct key keys[];
};

struct am_signer *
am_signer_new(const uint8_t (*keys)[64], const size_t *keys_n, size_t n)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct am_signer *s = calloc(1, sizeof(*s) + n * sizeof(s->keys[0]));
	bool ok = hmac != NULL;

	AM_ASSERT(s != NULL);
	s->n = n;
	for (size_t i = 0; i < n && ok; i++) {
		struct key *k = &s->keys[i];

		AM_ASSERT(keys_n[i] <= sizeof(k->bytes));
		k->bytes_n = keys_n[i];
		memcpy(k->bytes, keys[i], keys_n[i]);
		k->mac = EVP_MAC_CTX_new(hmac);
		ok = k->mac != NULL &&
		     EVP_MAC_CTX_set_params(k->mac, params) == 1;
	}
	EVP_MAC_free(hmac);
	if (!ok) {
		am_signer_free(s);
		return NULL;
	}
	return s;
}

void
am_signer_free(struct am_signer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		EVP_MAC_CTX_free(s->keys[i].mac);
		OPENSSL_cleanse(s->keys[i].bytes, sizeof(s->keys[i].bytes));
	}
	free(s);
}

static bool
mac(struct key *k, struct am_str head, struct am_str body,
    uint8_t out[MAC_BYTES])
{
	size_t n = 0;

	return EVP_MAC_init(k->mac, k->bytes, k->bytes_n, NULL) == 1 &&
	       EVP_MAC_update(k->mac, (const uint8_t *)head.p, head.n) == 1 &&
	       EVP_MAC_update(k->mac, (const uint8_t *)body.p, body.n) == 1 &&
	       EVP_MAC_final(k->mac, out, &n, MAC_BYTES) == 1 && n == MAC_BYTES;
}

int
am_signer_webhook(struct am_signer *s, const char *id, int64_t timestamp_s,
    struct am_str body, struct am_buf *out)
{
	char head[160];
	int n =
	    snprintf(head, sizeof(head), "%s.%" PRId64 ".", id, timestamp_s);

	AM_ASSERT(n > 0 && (size_t)n < sizeof(head));
	for (size_t i = 0; i < s->n; i++) {
		uint8_t sum[MAC_BYTES];
		unsigned char text[BASE64_BYTES + 1];

		if (!mac(&s->keys[i], (struct am_str){ head, (size_t)n }, body,
			sum))
			return -AM_EIO;
		EVP_EncodeBlock(text, sum, MAC_BYTES);
		am_buf_adds(out, i == 0 ? "v1," : " v1,");
		am_buf_add(out, text, BASE64_BYTES);
	}
	return 0;
}

int
am_sign_webhook(const uint8_t (*keys)[64], const size_t *keys_n, size_t n,
    const char *id, int64_t timestamp_s, struct am_str body, struct am_buf *out)
{
	struct am_signer *s = am_signer_new(keys, keys_n, n);
	int rc = -AM_EIO;

	if (s != NULL)
		rc = am_signer_webhook(s, id, timestamp_s, body, out);
	am_signer_free(s);
	return rc;
}
