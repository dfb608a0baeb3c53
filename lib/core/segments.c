/*
 * segments - see segments.h. Two passes: the encoding is known when the last
 * character has been seen, and only then what each of them takes.
 *
 * What is kept whole is a character, not what a reader takes for one: a letter
 * and its combining accent, or the persons of a family emoji, may stand in two
 * segments and meet again on the phone. Counting by grapheme would take the
 * tables of Unicode, and no encoder is bound to it.
 */

#include "core/segments.h"

#include <string.h>

#include "base/str.h"

#define GSM_ONE 160
#define GSM_MANY 153
#define UCS_ONE 70
#define UCS_MANY 67

#define REPLACEMENT 0xfffd

/* The next character of *text, which moves on. */
static uint32_t
next_char(struct am_str *text)
{
	static const uint8_t lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = am_utf8_char(text->p, text->n);
	uint32_t c = REPLACEMENT;

	if (n > 0)
		c = (uint8_t)text->p[0] & lead[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)text->p[i] & 0x3f);
	n = n > 0 ? n : 1;
	text->p += n;
	text->n -= n;
	return c;
}

/* GSM 03.38 beyond ASCII, in order: 0x20ac is of the extension table. */
static const uint16_t beyond[] = { 0xa1, 0xa3, 0xa4, 0xa5, 0xa7, 0xbf, 0xc4,
	0xc5, 0xc6, 0xc7, 0xc9, 0xd1, 0xd6, 0xd8, 0xdc, 0xdf, 0xe0, 0xe4, 0xe5,
	0xe6, 0xe8, 0xe9, 0xec, 0xf1, 0xf2, 0xf6, 0xf8, 0xf9, 0xfc, 0x393,
	0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9, 0x20ac };

/* Septets of a character; 0: GSM 03.38 has it not. */
static size_t
septets(uint32_t c)
{
	if (c < 0x80) {
		if (c != 0 && strchr("\f[\\]^{|}~", (int)c) != NULL)
			return 2;
		return c == '\n' || c == '\r' ||
		       (c >= ' ' && c != '`' && c != 0x7f);
	}
	for (size_t i = 0; i < AM_COUNT(beyond); i++) {
		if (beyond[i] == c)
			return c == 0x20ac ? 2 : 1;
	}
	return 0;
}

/* Segments of at most `many` units, with no character in two of them. */
static void
pack(struct am_segments *s, struct am_str text, size_t one, size_t many)
{
	size_t used = 0;

	s->units = 0;
	s->segments = 1;
	while (text.n > 0) {
		uint32_t c = next_char(&text);
		size_t n = s->gsm7 ? septets(c) : c > 0xffff ? 2 : 1;

		if (used + n > many) {
			s->segments++;
			used = 0;
		}
		used += n;
		s->units += n;
	}
	if (s->units <= one)
		s->segments = 1;
}

struct am_segments
am_segments_count(struct am_str text)
{
	struct am_segments s = { .gsm7 = true };

	for (struct am_str left = text; left.n > 0 && s.gsm7;)
		s.gsm7 = septets(next_char(&left)) > 0;
	if (s.gsm7)
		pack(&s, text, GSM_ONE, GSM_MANY);
	else
		pack(&s, text, UCS_ONE, UCS_MANY);
	return s;
}

const char *
am_segments_encoding(const struct am_segments *s)
{
	return s->gsm7 ? "GSM-7" : "UCS-2";
}
