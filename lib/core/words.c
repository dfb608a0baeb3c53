/*
 * words - see words.h. Words are few and texts are short: every place is tried
 * for every word. Rejected: an automaton of all words at once; it would have
 * to be built with the loop, and one comment a complaint does not pay for it.
 */

#include "core/words.h"

#include "base/str.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool
word_at(struct am_str text, size_t at, struct am_str word)
{
	size_t end = at + word.n;

	for (size_t i = 0; i < word.n; i++) {
		if (lower(text.p[at + i]) != lower(word.p[i]))
			return false;
	}
	if (is_alnum(word.p[0]) && at > 0 && is_alnum(text.p[at - 1]))
		return false;
	return !is_alnum(word.p[word.n - 1]) || end == text.n ||
	       !is_alnum(text.p[end]);
}

bool
am_words_negative(struct am_str text, const char *const *words, size_t n)
{
	for (size_t w = 0; w < n; w++) {
		struct am_str word = am_str_c(words[w]);

		for (size_t i = 0; word.n != 0 && i + word.n <= text.n; i++) {
			if (word_at(text, i, word))
				return true;
		}
	}
	return false;
}

bool
am_event_negative(const struct am_loopdef *def, const struct am_event *ev)
{
	const char *field = ev->type == AM_EV_ANSWERED	? "comment"
			    : ev->type == AM_EV_MESSAGE ? "text"
							: NULL;

	return field != NULL && am_words_negative(am_event_get(ev, field),
				    def->negative_words, def->negative_words_n);
}
