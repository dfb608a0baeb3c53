#pragma once

/*
 * verify_int - what the files of the verifiers know of each other (layer:
 * intake).
 *
 * verify.c: the table, and what all of them need. verify_gateway.c: those who
 * call back. verify_producer.c: those who send events.
 */

#include "intake/verify.h"

#include <openssl/evp.h>

/* NULL: right; else the word. What is made lies in the arena. */
typedef const char *am_verify_check(struct am_arena *a,
    const struct am_verify_keys *keys, const struct am_verify_request *req);

am_verify_check am_verify_twilio, am_verify_vonage_sig, am_verify_vonage_jwt;
am_verify_check am_verify_standard, am_verify_github, am_verify_stripe,
    am_verify_signed, am_verify_bearer, am_verify_basic;

/* false: this libcrypto has no such digest, or the key is empty. */
bool am_verify_hmac(const char *digest, struct am_str key, struct am_str text,
    unsigned char out[EVP_MAX_MD_SIZE], size_t *n);
struct am_str
am_verify_hex(struct am_arena *a, const unsigned char *p, size_t n);
struct am_str
am_verify_base64(struct am_arena *a, const unsigned char *p, size_t n);
/* Hex digits are written in both cases. */
struct am_str am_verify_lower(struct am_arena *a, struct am_str s);
/* in hex */
struct am_str am_verify_sha256(struct am_arena *a, struct am_str text);
