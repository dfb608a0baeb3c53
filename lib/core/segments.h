#pragma once

/*
 * segments - what a text costs as an SMS (layer: core).
 *
 * A text that GSM 03.38 has all characters of goes out in septets: 160 alone,
 * 153 a segment when there are several; a character of the extension table
 * takes two. Any other text goes out in UTF-16 as UCS-2: 70 alone, 67 a segment
 * when there are several; a character beyond the BMP takes two. Neither pair is
 * ever split over two segments, so a segment may stay one unit short.
 *
 * No national language tables, and no letters exchanged for similar ones: what
 * a provider does of that sort makes a message shorter than said here.
 */

#include <amends/base.h>

struct am_segments {
	bool gsm7;	 /* else UCS-2 */
	size_t units;	 /* septets, or UTF-16 units; without headers */
	size_t segments; /* 1 of an empty text, too */
};

/*
 * Count. What is no UTF-8 counts as the replacement character that it becomes,
 * U+FFFD a byte.
 */
struct am_segments am_segments_count(struct am_str text);
/* "GSM-7" or "UCS-2" */
const char *am_segments_encoding(const struct am_segments *s);
