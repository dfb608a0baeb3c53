#pragma once

/*
 * reply - what a whole message of a customer says (internal to the core; the
 * daemon asks before it steps an event).
 *
 * A message is an answer when nothing but one word of a list stands in it:
 * "2 days later" is none, and neither is "solved?". Before both are compared,
 * blanks, quotes and punctuation at the ends go, but for question marks;
 * letters and digits of full width are as narrow ones, ASCII letters have no
 * case, and one blank is as good as several.
 */

#include <amends/base.h>

enum am_reply {
	AM_REPLY_OTHER,
	AM_REPLY_YES,
	AM_REPLY_NO,
	AM_REPLY_STOP,
	AM_REPLY_START,
	AM_REPLIES_N,
};

struct am_reply_words {
	const char *const *v;
	size_t n;
};

/*
 * Any bytes. lists has the words by enum am_reply, that of AM_REPLY_OTHER is
 * not looked at. What stops counts before all else, and what starts before an
 * answer. *word (may be NULL): the word of the list, "" with AM_REPLY_OTHER.
 */
enum am_reply am_reply_classify(struct am_str text,
    const struct am_reply_words lists[AM_REPLIES_N], const char **word);

/* What is left of a message without what may stand around a word. */
struct am_str am_reply_core(struct am_str text);
