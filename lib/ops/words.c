/*
 * words - one pass, one byte at a time: in a word or not, in quotes or not.
 * The shell's rules were left out on purpose (single quotes, backslashes
 * outside quotes, comments): what people type by hand must not surprise them,
 * and amendsctl quotes by am_words_quote(), so one escape is enough.
 */
#include "ops/words.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static bool
is_control(char c)
{
	unsigned char u = (unsigned char)c;

	return (u < 0x20 && u != '\t') || u == 0x7f;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
line_check(struct am_str line, char what[200])
{
	for (size_t i = 0; i < line.n; i++) {
		if (is_control(line.p[i])) {
			snprintf(what, 200,
			    "byte 0x%02x at %zu is no text; a command is one "
			    "line of UTF-8",
			    (unsigned char)line.p[i], i + 1);
			return -AM_EINVAL;
		}
	}
	if (!am_utf8_ok(line)) {
		snprintf(what, 200,
		    "the line is no UTF-8; a command is one line of UTF-8");
		return -AM_EINVAL;
	}
	return 0;
}

/* The byte that an escape stands for, or 0. */
static char
unescape(char c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* One word from line.p[*pos], which is no blank, into out. */
static int
word_take(struct am_str line, size_t *pos, struct am_buf *out, char what[200])
{
	bool quoted = false;
	size_t i = *pos;

	for (; i < line.n && (quoted || !is_blank(line.p[i])); i++) {
		char c = line.p[i];

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && c == '\\') {
			c = i + 1 < line.n ? unescape(line.p[++i]) : 0;
			if (c == 0) {
				snprintf(what, 200,
				    "backslash at %zu in quotes; write \\\\ "
				    "for a backslash, \\\" for a quote",
				    i);
				return -AM_EINVAL;
			}
		}
		am_buf_addc(out, c);
	}
	if (quoted) {
		snprintf(
		    what, 200, "a quote is not closed; end the word with \"");
		return -AM_EINVAL;
	}
	*pos = i;
	return 0;
}

int
am_words_split(struct am_str line, struct am_arena *a,
    const struct am_str **argv, size_t *argc, char what[200])
{
	struct am_str *words =
	    am_arena_alloc(a, AM_WORDS_MAX * sizeof(words[0]));
	struct am_buf text;
	size_t n = 0, pos = 0;

	if (line_check(line, what) != 0)
		return -AM_EINVAL;
	/* no word grows, so the slices stay where they are */
	am_buf_arena(&text, a, line.n + 1);
	for (;;) {
		size_t start = text.n;

		while (pos < line.n && is_blank(line.p[pos]))
			pos++;
		if (pos == line.n)
			break;
		if (n == AM_WORDS_MAX) {
			snprintf(what, 200, "more than %d words; send fewer",
			    AM_WORDS_MAX);
			return -AM_EINVAL;
		}
		if (word_take(line, &pos, &text, what) != 0)
			return -AM_EINVAL;
		words[n++] = (struct am_str){ text.p + start, text.n - start };
	}
	*argv = words;
	*argc = n;
	return 0;
}

static bool
needs_quotes(struct am_str word)
{
	if (word.n == 0)
		return true;
	for (size_t i = 0; i < word.n; i++) {
		if (memchr(" \t\n\"", word.p[i], 4) != NULL)
			return true;
	}
	return false;
}

int
am_words_quote(struct am_buf *b, struct am_str word)
{
	size_t start = b->n;

	if (!needs_quotes(word)) {
		am_buf_addstr(b, word);
	} else {
		am_buf_addc(b, '"');
		for (size_t i = 0; i < word.n; i++) {
			char c = word.p[i];

			if (c == '"' || c == '\\' || c == '\n' || c == '\t')
				am_buf_addc(b, '\\');
			am_buf_addc(b, c == '\n' ? 'n' : (c == '\t' ? 't' : c));
		}
		am_buf_addc(b, '"');
	}
	for (size_t i = start; i < b->n; i++) {
		if (is_control(b->p[i])) {
			b->n = start;
			return -AM_EINVAL;
		}
	}
	return 0;
}
