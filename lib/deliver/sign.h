#pragma once

/*
 * sign - Standard Webhooks 1.0.0 (layer: deliver): `id.timestamp.body` under
 * HMAC-SHA256, "v1,BASE64", several keys separated by a blank.
 */

#include "base/buf.h"

/* Keys made ready once for many messages; opaque, owns copies of the keys. */
struct am_signer;

/* NULL when libcrypto has no HMAC-SHA256. */
struct am_signer *
am_signer_new(const uint8_t (*keys)[64], const size_t *keys_n, size_t n);
/* Wipes the keys. */
void am_signer_free(struct am_signer *s);

/* Adds one signature a key to out, in the order of the keys. -AM_EIO. */
AM_MUSTCHECK int am_signer_webhook(struct am_signer *s, const char *id,
    int64_t timestamp_s, struct am_str body, struct am_buf *out);

/* The same for a single message. */
AM_MUSTCHECK int am_sign_webhook(const uint8_t (*keys)[64],
    const size_t *keys_n, size_t n, const char *id, int64_t timestamp_s,
    struct am_str body, struct am_buf *out);
