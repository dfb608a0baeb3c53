#pragma once

/*
 * history - a journal line in words: "listen done in time; apologize begins"
 * (layer: ops). For the terminal and for the dashboard, now and for a plan,
 * whose rows have the same form.
 */

#include <jansson.h>

#include "base/buf.h"
#include "ops/speak.h"

struct am_history {
	enum am_lang lang;
	/* closed words in the reader's language; else as the line has them */
	bool speak;
	/* an instant as the reader's clock shows it */
	void (*local)(const void *arg, char out[32], am_ms at);
	const void *arg;
};

/*
 * Append the line's notes. What they hold of names and texts is appended as it
 * is: the caller cleans or escapes the whole.
 */
void am_history_say(
    struct am_buf *b, const json_t *line, const struct am_history *h);
/* One note of a line; nothing when another note says it. */
void am_history_note(
    struct am_buf *b, const json_t *note, const struct am_history *h);
