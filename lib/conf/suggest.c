/*
 * suggest - "did you mean".
 *
 * A word is close when it is a third of its length away at most, and two edits
 * for short ones: farther guesses send people the wrong way.
 */

#include "tree.h"

#include <string.h>

#include "base/str.h"

void
am_suggest_init(struct am_suggest *s, const char *word)
{
	size_t n = strlen(word);

	*s = (struct am_suggest){ .word = word };
	s->limit = n <= 3 ? 1 : n <= 8 ? 2 : n / 3;
	s->distance = s->limit + 1;
}

void
am_suggest_try(struct am_suggest *s, const char *candidate)
{
	size_t d = am_str_distance(s->word, candidate, s->limit);

	if (d < s->distance) {
		s->distance = d;
		s->best = candidate;
	}
}
