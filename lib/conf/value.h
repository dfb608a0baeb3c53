#pragma once

/*
 * value - the small languages of values (layer: conf).
 *
 * Every parser takes the whole of s and gives -AM_EINVAL when it is something
 * else. am_value_check() says in words what is wrong and what would be right.
 */

#include "conf.h"
#include "options.h"

#define AM_NAME_MAX 64

/* Letters, digits, . _ - and any non-ASCII character; 1 to AM_NAME_MAX bytes */
bool am_name_ok(const char *s);
/* A tag of a language as it is compared: lower case, "zh", "pt-br". */
bool am_lang_ok(const char *s);

/* "500ms 10s 5m 1h 90d 8w", and "0" */
AM_MUSTCHECK int am_span_parse(const char *s, am_ms *span);
/* Shortest exact text: "90d", "1500ms", "0s". */
void am_span_text(am_ms span, char out[32]);
/* "4096" "4KiB" "1MiB" */
AM_MUSTCHECK int am_bytes_parse(const char *s, int64_t *bytes);
/* "100/1s" */
AM_MUSTCHECK int am_rate_parse(const char *s, uint32_t *n, am_ms *per);
/* "20%", 0 to 100 */
AM_MUSTCHECK int am_percent_parse(const char *s, int *pct);
/* decimal without sign or leading zeros */
AM_MUSTCHECK int am_count_parse(const char *s, int64_t *n);
/* "+4h" "+1bd" "+0" */
AM_MUSTCHECK int am_offset_parse(const char *s, struct am_duration *d);

/* "10.0.0.0/8" "fd00::/8"; an address alone is one host */
AM_MUSTCHECK int am_cidr_parse(const char *s, struct am_cidr *cidr);

/* Parts of an absolute URL of http, https, smtp or smtps, in the arena. */
struct am_url {
	const char *scheme, *host; /* lower case; host without [] */
	unsigned port;
	const char *path; /* in s: what stands behind the host and port */
};
/* HOST[:PORT] from p to end; without a port, url->port stays as it is. */
AM_MUSTCHECK int am_authority_parse(
    struct am_arena *a, const char *p, const char *end, struct am_url *url);
/* -AM_EINVAL with *why for a person. */
AM_MUSTCHECK int am_url_parse(
    struct am_arena *a, const char *s, struct am_url *url, char why[256]);

/* + and 7 to 15 digits, E.164 */
bool am_phone_ok(const char *s);
/* NAME@HOST, nothing else */
bool am_email_ok(const char *s);

/* 0, or -AM_EINVAL with "what is wrong; what would be right". */
AM_MUSTCHECK int
am_value_check(const struct am_option *o, const char *s, char why[256]);
