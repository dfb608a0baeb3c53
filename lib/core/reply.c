/*
 * reply - see reply.h.
 *
 * Both sides are read character by character through one function that folds
 * them, so there is no buffer and no longest word. Rejected: to look for a word
 * anywhere in a message, or for the first one; "1" stands in "1 week later",
 * and a loop that closes by mistake is worse than a question asked twice.
 */

#include "core/reply.h"

#include "base/str.h"

#define BLANK 0x20u

/* The next character of s, or a byte that is none; s is not empty. */
static uint32_t
next_raw(struct am_str *s)
{
	static const uint8_t head[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t len = am_utf8_char(s->p, s->n);
	uint32_t c = (uint8_t)s->p[0];

	if (len == 0) { /* not text: no character has that number */
		c |= 0x80000000u;
		len = 1;
	}
	if (len > 1)
		c &= head[len];
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((uint8_t)s->p[i] & 0x3f);
	s->p += len;
	s->n -= len;
	return c;
}

/* clang-format off */
/* Characters beyond ASCII that say nothing at the end of a word. */
static const struct { uint32_t from, to; } around[] = {
	{ 0x0080, 0x00a1 }, /* controls, a blank, ¡ */
	{ 0x00ab, 0x00ab }, { 0x00b7, 0x00b7 }, { 0x00bb, 0x00bb },
	{ 0x2000, 0x200f }, /* blanks, and what has no width */
	{ 0x2018, 0x201f }, /* quotes */
	{ 0x2026, 0x2026 }, /* … */
	{ 0x2028, 0x202f }, { 0x2060, 0x2064 },
	{ 0x20e3, 0x20e3 }, /* the frame of a key */
	{ 0x3000, 0x3003 }, { 0x3008, 0x3011 }, { 0x3014, 0x301f },
	{ 0xfe0e, 0xfe0f }, /* how an emoji is drawn */
	{ 0xfeff, 0xfeff },
	{ 0xff61, 0xff65 }, /* 。「」、・ of half width */
};
/* clang-format on */

static bool
is_blank(uint32_t c)
{
	return c <= BLANK || c == 0x7f || c == 0xa0 || c == 0x3000 ||
	       (c >= 0x2000 && c <= 0x200b) || c == 0x202f || c == 0xfeff;
}

/* Narrow and small. */
static uint32_t
fold(uint32_t c)
{
	if (is_blank(c))
		return BLANK;
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xff01 - 0x21;
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
is_around(uint32_t c)
{
	static const char ascii[] = "!\"#'()*,.:;<>[]^_`{|}~\\";

	c = fold(c);
	if (c == BLANK)
		return true;
	for (size_t i = 0; c < 0x80 && i < sizeof(ascii) - 1; i++) {
		if (c == (uint32_t)ascii[i])
			return true;
	}
	for (size_t i = 0; c >= 0x80 && i < AM_COUNT(around); i++) {
		if (c >= around[i].from && c <= around[i].to)
			return true;
	}
	return false;
}

struct am_str
am_reply_core(struct am_str text)
{
	struct am_str rest = text, core = { text.p, 0 };

	while (rest.n > 0) {
		const char *at = rest.p;

		if (is_around(next_raw(&rest)))
			continue;
		if (core.n == 0)
			core.p = at;
		core.n = (size_t)(rest.p - core.p);
	}
	return core;
}

/* The next character folded, several blanks as one; 0 at the end. */
static uint32_t
next(struct am_str *s)
{
	uint32_t c = s->n > 0 ? fold(next_raw(s)) : 0;

	while (c == BLANK && s->n > 0) {
		struct am_str ahead = *s;

		if (fold(next_raw(&ahead)) != BLANK)
			break;
		*s = ahead;
	}
	return c;
}

static bool
says(struct am_str core, const char *word)
{
	struct am_str w = am_reply_core(am_str_c(word));
	uint32_t c;

	if (w.n == 0 || core.n == 0)
		return false;
	do {
		c = next(&core);
		if (c != next(&w))
			return false;
	} while (c != 0);
	return true;
}

static const char *
find(struct am_str core, const struct am_reply_words *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (says(core, list->v[i]))
			return list->v[i];
	}
	return NULL;
}

enum am_reply
am_reply_classify(struct am_str text,
    const struct am_reply_words lists[AM_REPLIES_N], const char **word)
{
	static const enum am_reply order[] = { AM_REPLY_STOP, AM_REPLY_START,
		AM_REPLY_YES, AM_REPLY_NO };
	struct am_str core = am_reply_core(text);

	for (size_t i = 0; i < AM_COUNT(order); i++) {
		const char *found = find(core, &lists[order[i]]);

		if (found == NULL)
			continue;
		if (word != NULL)
			*word = found;
		return order[i];
	}
	if (word != NULL)
		*word = "";
	return AM_REPLY_OTHER;
}
