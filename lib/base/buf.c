/*
 * buf - bytes that grow by doubling.
 *
 * The formats are written by hand: bodies and journal lines are made for every
 * event, and snprintf() is most of the cost of a line made with it.
 */

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void
am_buf_init(struct am_buf *b)
{
	*b = (struct am_buf){ 0 };
}

void
am_buf_arena(struct am_buf *b, struct am_arena *a, size_t cap)
{
	*b = (struct am_buf){ .arena = a };
	if (cap > 0) {
		b->p = am_arena_alloc(a, cap);
		b->cap = cap;
	}
}

void
am_buf_fini(struct am_buf *b)
{
	if (b->arena == NULL)
		free(b->p);
	*b = (struct am_buf){ .arena = b->arena };
}

void
am_buf_reset(struct am_buf *b)
{
	b->n = 0;
}

struct am_str
am_buf_str(const struct am_buf *b)
{
	return (struct am_str){ b->p, b->n };
}

void
am_buf_grow(struct am_buf *b, size_t more)
{
	size_t cap = b->cap < 64 ? 64 : b->cap;
	char *p;

	AM_ASSERT(more <= SIZE_MAX / 4 && b->n <= SIZE_MAX / 4);
	while (cap < b->n + more)
		cap *= 2;
	if (b->arena != NULL) {
		p = am_arena_alloc(b->arena, cap);
		if (b->n > 0)
			memcpy(p, b->p, b->n);
	} else {
		p = realloc(b->p, cap);
		if (p == NULL)
			am_panic(__FILE__, __LINE__, "out of memory");
	}
	b->p = p;
	b->cap = cap;
}

void
am_buf_addstr(struct am_buf *b, struct am_str s)
{
	am_buf_add(b, s.p, s.n);
}

void
am_buf_addi(struct am_buf *b, int64_t v)
{
	char text[20], *p = text + sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (v < 0)
		*--p = '-';
	am_buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

void
am_buf_addf(struct am_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	AM_ASSERT(n >= 0);
	am_buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void
am_buf_addhex(struct am_buf *b, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	am_buf_reserve(b, n * 2);
	for (size_t i = 0; i < n; i++) {
		b->p[b->n++] = digits[p[i] >> 4];
		b->p[b->n++] = digits[p[i] & 15];
	}
}

void
am_buf_addvar(struct am_buf *b, uint64_t v)
{
	am_buf_reserve(b, 10);
	while (v >= 0x80) {
		b->p[b->n++] = (char)(uint8_t)(v | 0x80);
		v >>= 7;
	}
	b->p[b->n++] = (char)v;
}

void
am_buf_addzig(struct am_buf *b, int64_t v)
{
	am_buf_addvar(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

void
am_buf_addlstr(struct am_buf *b, struct am_str s)
{
	am_buf_addvar(b, s.n);
	am_buf_addstr(b, s);
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is any of the eight bytes 0? */
static bool
has_zero(uint64_t w)
{
	return ((w - EACH(1)) & ~w & EACH(0x80)) != 0;
}

/* Eight bytes of ASCII that need no escape: most text is. */
static bool
is_plain(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return (w & EACH(0x80)) == 0 && ((w - EACH(0x20)) & EACH(0x80)) == 0 &&
	       !has_zero(w ^ EACH('"')) && !has_zero(w ^ EACH('\\'));
}

/* Bytes from p on that stand in a JSON string as they are. */
static size_t
plain_run(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint8_t c = (uint8_t)p[i];
		size_t len = 1;

		if (n - i >= 8 && is_plain(p + i)) {
			i += 8;
			continue;
		}
		if (c < 0x20 || c == '"' || c == '\\')
			break;
		if (c >= 0x80 && (len = am_utf8_char(p + i, n - i)) == 0)
			break;
		i += len;
	}
	return i;
}

static void
add_escaped(struct am_buf *b, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *at = c != '\0' ? strchr(from, c) : NULL;

	if ((uint8_t)c >= 0x80) {
		am_buf_adds(b, "\xef\xbf\xbd");
	} else if (at != NULL) {
		am_buf_addc(b, '\\');
		am_buf_addc(b, to[at - from]);
	} else {
		am_buf_adds(b, "\\u00");
		am_buf_addhex(b, (const uint8_t *)&c, 1);
	}
}

void
am_buf_addjson(struct am_buf *b, struct am_str s)
{
	am_buf_reserve(b, s.n + 2);
	am_buf_addc(b, '"');
	while (s.n > 0) {
		size_t run = plain_run(s.p, s.n);

		am_buf_add(b, s.p, run);
		s.p += run;
		s.n -= run;
		if (s.n > 0) {
			add_escaped(b, *s.p);
			s.p++;
			s.n--;
		}
	}
	am_buf_addc(b, '"');
}

void
am_buf_addkv(struct am_buf *b, const char *key, struct am_str value)
{
	am_buf_addkey(b, key);
	am_buf_addjson(b, value);
}

void
am_buf_addki(struct am_buf *b, const char *key, int64_t value)
{
	am_buf_addkey(b, key);
	am_buf_addi(b, value);
}

uint8_t
am_rd_u8(struct am_rd *r)
{
	if (r->bad || r->p == r->end) {
		r->bad = true;
		return 0;
	}
	return *r->p++;
}

/* A value has one form only: no padding, nothing beyond 64 bits. */
uint64_t
am_rd_var(struct am_rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = am_rd_u8(r);

		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			if (c == 0 && shift > 0)
				break;
			return r->bad ? 0 : v;
		}
	}
	r->bad = true;
	return 0;
}

int64_t
am_rd_zig(struct am_rd *r)
{
	uint64_t u = am_rd_var(r);

	return (int64_t)(u >> 1 ^ (0 - (u & 1)));
}

struct am_str
am_rd_bytes(struct am_rd *r, size_t n)
{
	struct am_str s = { (const char *)r->p, n };

	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return (struct am_str){ "", 0 };
	}
	r->p += n;
	return s;
}

struct am_str
am_rd_lstr(struct am_rd *r)
{
	return am_rd_bytes(r, am_rd_var(r));
}
