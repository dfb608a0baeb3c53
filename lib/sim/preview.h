#pragma once

/*
 * preview - what a message says on a channel, and what it costs as an SMS
 * (layer: sim).
 *
 * The words are chosen, rendered and cut by the code that makes a body. A row
 * is a JSON object without a newline; it holds nothing personal, for a message
 * can name nothing personal.
 *
 * The clock that a preview speaks of is that of the stage; when no rung of it
 * has the message, the first running clock of which one has; else that of the
 * stage all the same.
 */

#include "base/arena.h"

#include <amends/complaint.h>

struct am_preview {
	const struct am_message **messages; /* borrowed */
	size_t messages_n;
	const struct am_loopdef *def;
	const struct am_complaint *c;
	bool example;		  /* c is am_preview_example() */
	const struct am_via *via; /* shown as sent by it; NULL: as written */
	am_ms now;
	struct am_arena *a;
	void (*row)(void *arg, struct am_str json);
	void *arg;
};

/* A complaint that nobody has made, opened now, in the arena. */
const struct am_complaint *
am_preview_example(const struct am_loopdef *def, am_ms now, struct am_arena *a);

/*
 * The message of that name, else the built-in text of the reason of that name
 * (`ask`, `lapse`, …), else what the loop says of that name and no rung does
 * (`extended`, `reminder`, …): a row in the language wanted, or when lang is ""
 * one for each language it has, templates of the channel included. -AM_ENOENT
 * when there is none.
 *
 *   {"message":"late","built_in":false,"loop":"complaint@…","complaint":"C-1",
 *    "example":false,"stage":"listen","clock":"listen","due_at":"…",
 *    "uses":[{"clock":"listen","rung":"warn"},{"notice":"extended"}],
 *    "lang":"und","asked":"de","fallback":true,"customer":false,
 *    "customer_lang":"zh","text":"…","encoding":"GSM-7","characters":61,
 *    "units":61,"segments":1}
 *
 * `uses`: where the loop says it; `lang` is that of the text, "und" when the
 * message does not say; `fallback`: it is not what was asked for; `customer`:
 * the complaint's customer would get this one. With a channel, beside that:
 *
 *    "endpoint":"sms","max_segments":1,"cut":true,"unfit":"too_long",
 *    "subject":"…","template":{"id":"…","params":[{"name":"…","value":"…"}]}
 *
 * `max_segments` and `max_bytes` where it has these limits, `cut`: values are
 * shortened; `unfit` when the channel cannot carry it: too_long, no_template;
 * `subject` unless it is a webhook.
 */
AM_MUSTCHECK int am_preview_show(
    const struct am_preview *p, struct am_str name, struct am_str lang);
/*
 * All of them, a row each: message, built_in, uses and langs, a list of the
 * same members. Of a language `limits` lists the channels of texts by which a
 * rung of the loop sends it, and not as it is written: {"endpoint":"sms",
 * "max_segments":1,"is":"cut"}, `is` being cut, too_long or no_template. p->via
 * is not looked at.
 */
void am_preview_list(const struct am_preview *p);
/* The name that was meant, perhaps; NULL: none is near. */
const char *am_preview_near(const struct am_preview *p, struct am_str name);
