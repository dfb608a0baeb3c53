#pragma once

/*
 * buf - bytes that grow, and the few formats that hot paths need (layer: base).
 *
 * A buf either owns its memory (am_buf_init) or lies in an arena
 * (am_buf_arena; am_buf_fini is then a no-op). Aborts when memory is out.
 */

#include <string.h>

#include "base/arena.h"

struct am_buf {
	char *p;
	size_t n, cap;
	struct am_arena *arena; /* NULL: own memory */
};

void am_buf_init(struct am_buf *b);
void am_buf_arena(struct am_buf *b, struct am_arena *a, size_t cap);
void am_buf_fini(struct am_buf *b);
void am_buf_reset(struct am_buf *b); /* n = 0, memory kept */
struct am_str am_buf_str(const struct am_buf *b);

/* Room for `more`; slow part of am_buf_reserve. */
void am_buf_grow(struct am_buf *b, size_t more);

/* In the header, for a body and a journal line are hundreds of these. */
static inline void
am_buf_reserve(struct am_buf *b, size_t more)
{
	if (more > b->cap - b->n)
		am_buf_grow(b, more);
}

static inline void
am_buf_add(struct am_buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	am_buf_reserve(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void
am_buf_addc(struct am_buf *b, char c)
{
	am_buf_reserve(b, 1);
	b->p[b->n++] = c;
}

static inline void
am_buf_adds(struct am_buf *b, const char *s)
{
	am_buf_add(b, s, strlen(s));
}

void am_buf_addstr(struct am_buf *b, struct am_str s);
void am_buf_addi(struct am_buf *b, int64_t v); /* decimal */
void am_buf_addf(struct am_buf *b, const char *fmt, ...) AM_PRINTF(2, 3);
void am_buf_addhex(struct am_buf *b, const uint8_t *p, size_t n);

/* Unsigned LEB128, and zigzag for signed values. */
void am_buf_addvar(struct am_buf *b, uint64_t v);
void am_buf_addzig(struct am_buf *b, int64_t v);

/*
 * JSON text. s must be UTF-8 (bad bytes become U+FFFD); the quotes are
 * written. Escapes only what RFC 8259 asks for.
 */
void am_buf_addjson(struct am_buf *b, struct am_str s);
/* `,"key":` or, when nothing stands before it in this object, `"key":` */
static inline void
am_buf_addkey(struct am_buf *b, const char *key)
{
	if (b->n > 0 && b->p[b->n - 1] != '{' && b->p[b->n - 1] != ',')
		am_buf_addc(b, ',');
	am_buf_addc(b, '"');
	am_buf_adds(b, key);
	am_buf_add(b, "\":", 2);
}

void am_buf_addkv(struct am_buf *b, const char *key, struct am_str value);
void am_buf_addki(struct am_buf *b, const char *key, int64_t value);

/* Reader of the binary forms above: past the end, `bad` is set and 0 given. */
struct am_rd {
	const uint8_t *p, *end;
	bool bad;
};
uint64_t am_rd_var(struct am_rd *r);
int64_t am_rd_zig(struct am_rd *r);
uint8_t am_rd_u8(struct am_rd *r);
struct am_str am_rd_bytes(struct am_rd *r, size_t n);
/* a string behind its length as LEB128 (see am_buf_addlstr) */
struct am_str am_rd_lstr(struct am_rd *r);
void am_buf_addlstr(struct am_buf *b, struct am_str s);
