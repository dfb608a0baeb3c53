#pragma once

/* pack - what the packed forms have in common (layer: codec, private). */

#include "base/buf.h"

/* An instant as its difference to another; wraps, so every pair survives. */
static inline void
am_pack_delta(struct am_buf *out, am_ms t, am_ms base)
{
	am_buf_addzig(out, (int64_t)((uint64_t)t - (uint64_t)base));
}

static inline am_ms
am_unpack_delta(struct am_rd *r, am_ms base)
{
	return (am_ms)((uint64_t)am_rd_zig(r) + (uint64_t)base);
}

static inline struct am_rd
am_unpack_from(struct am_str bytes)
{
	const uint8_t *p = (const uint8_t *)(bytes.n != 0 ? bytes.p : "");

	return (struct am_rd){ .p = p, .end = p + bytes.n };
}

/* A number of at most max; more makes the record bad. */
static inline uint64_t
am_unpack_max(struct am_rd *r, uint64_t max)
{
	uint64_t v = am_rd_var(r);

	if (v <= max)
		return v;
	r->bad = true;
	return 0;
}

/* Bytes that are not read yet. */
static inline size_t
am_unpack_left(const struct am_rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}
