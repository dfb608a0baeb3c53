#pragma once

/*
 * retry_after - the header Retry-After of RFC 9110 (layer: deliver).
 */

#include <amends/base.h>

/*
 * Span from now that the text asks for: decimal seconds or an HTTP-date. At
 * most max; 0 when it asks for nothing, lies in the past or makes no sense.
 */
am_ms am_retry_after(struct am_str text, am_ms now, am_ms max);
