#pragma once

/*
 * words - words of complaint in what a customer wrote (internal to the core;
 * the daemon and the simulator ask before they step an event).
 *
 * What is found becomes the flag am_event.negative, so that neither the step
 * nor the journal ever holds the customer's text.
 */

#include <amends/event.h>
#include <amends/loop.h>

/*
 * One of the n words stands in text. ASCII letters match in any case. A word
 * that begins or ends with an ASCII letter or digit begins or ends a word
 * there ("still" is not in "distill"); any other matches wherever it stands,
 * for Chinese puts no blanks between words. Empty words match nothing.
 */
bool am_words_negative(struct am_str text, const char *const *words, size_t n);

/* The same of an event's comment (customer.answered) or text
 * (customer.message) and the loop's words; false for every other event. */
bool am_event_negative(const struct am_loopdef *def, const struct am_event *ev);
