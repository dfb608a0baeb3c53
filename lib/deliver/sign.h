#pragma once

/*
 * sign - Standard Webhooks 1.0.0 (layer: deliver): `id.timestamp.body` under
 * HMAC-SHA256, "v1,BASE64", several keys separated by a blank.
 */

#include "base/buf.h"

AM_MUSTCHECK int am_sign_webhook(const uint8_t (*keys)[64],
    const size_t *keys_n, size_t n, const char *id, int64_t timestamp_s,
    struct am_str body, struct am_buf *out);
