/*
 * window - see window.h: the n-th newest must have left the span.
 */

#include "core/window.h"

am_ms
am_window_next(const am_ms *at, size_t at_n, uint32_t n, am_ms per, am_ms t)
{
	if (at_n < n || at[n - 1] + per <= t)
		return t;
	return at[n - 1] + per;
}
