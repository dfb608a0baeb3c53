#pragma once

/*
 * words - the command line of the status socket (layer: ops).
 *
 * Words stand between blanks. Double quotes group, anywhere in a word, and
 * inside them \" \\ \n \t stand for what they look like; outside a backslash
 * is itself.
 */

#include "base/buf.h"

#define AM_WORDS_MAX 128

/*
 * Split a line into at most AM_WORDS_MAX words, which lie in the arena. A line
 * must be UTF-8 without control bytes other than tab.
 * -AM_EINVAL, with *what for people.
 */
AM_MUSTCHECK int am_words_split(struct am_str line, struct am_arena *a,
    const struct am_str **argv, size_t *argc, char what[200]);

/* Append a word so that am_words_split() gives it back. -AM_EINVAL when it
 * holds a byte that no line can carry. */
AM_MUSTCHECK int am_words_quote(struct am_buf *b, struct am_str word);
