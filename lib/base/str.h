#pragma once

/* str - work on borrowed slices (layer: base). */

#include <amends/base.h>

struct am_str am_str_c(const char *s); /* NULL gives n == 0 */
bool am_str_eq(struct am_str a, struct am_str b);
bool am_str_is(struct am_str a, const char *b);
bool am_str_prefix(struct am_str s, const char *prefix);
int am_str_cmp(struct am_str a, struct am_str b);
struct am_str am_str_trim(struct am_str s);

/* Whole of s is a decimal number without sign / with optional '-'. */
AM_MUSTCHECK int am_str_u64(struct am_str s, uint64_t *v);
AM_MUSTCHECK int am_str_i64(struct am_str s, int64_t *v);
/* "yes" "true" "on" "1" / "no" "false" "off" "0" */
AM_MUSTCHECK int am_str_bool(struct am_str s, bool *v);
AM_MUSTCHECK int am_hex_parse(struct am_str s, uint8_t *out, size_t n);

/* Bytes of the character that begins at p, of n at most; 0: it is not valid. */
size_t am_utf8_char(const char *p, size_t n);
/* Strict UTF-8 (no overlongs, no surrogates), 0 bytes refused. */
bool am_utf8_ok(struct am_str s);
/* Characters of valid UTF-8. */
size_t am_utf8_len(struct am_str s);

/* Edit distance for "did you mean", at most `limit` + 1. */
size_t am_str_distance(const char *a, const char *b, size_t limit);
