#pragma once

/* hash - SHA-256 (FIPS 180-4), HMAC with it (RFC 2104), SipHash-2-4 (layer:
 * base). */

#include <amends/base.h>

struct am_sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};

void am_sha256_init(struct am_sha256 *s);
void am_sha256_add(struct am_sha256 *s, const void *p, size_t n);
/* the bytes behind their length as 8 big-endian bytes */
void am_sha256_addl(struct am_sha256 *s, struct am_str v);
void am_sha256_end(struct am_sha256 *s, uint8_t out[32]);

/* Of the parts one behind the other. */
void am_hmac_sha256(
    struct am_str key, const struct am_str *parts, size_t n, uint8_t out[32]);

uint64_t am_siphash(const uint8_t key[16], const void *p, size_t n);
