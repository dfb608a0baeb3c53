#pragma once

/*
 * story - events as people and files tell them (layer: sim).
 *
 * Lines of text:  TIME EVENT [COMPLAINT] KEY=VALUE …  ; a comment
 *
 *   +5m stage.completed c1 stage=listen result='heard twice'
 *
 * That is the language of tests/trace: what stands behind `->` is the result
 * that a trace expects, and is passed over; so are WAKE, DELIVERED and DEAD,
 * which come by themselves. TIME is +1h30m since the line before (the first:
 * since `from`), an RFC 3339 instant, or a local time: 2026-11-27T16:30,
 * Fri-11.27-16:30, 16:30 (the next one).
 *
 * Lines of JSON, an object each:
 *
 *   {"event":"complaint.opened","complaint_id":"c1","occurred_at":"…",…}
 *   {"id":"c1","journal":[…]}
 *   {"complaint":"c1","line":"…"}
 *
 * The first is an event as producers send it, plain or as a CloudEvent; `at`
 * may stand for occurred_at, in RFC 3339 or ms. The second is the answer of
 * `amendsctl show --json`, the third an entry of the feed: of these counts what
 * the journal was told, not what came of it.
 *
 * Blank lines and lines that begin with # tell nothing.
 */

#include "base/arena.h"

#include <amends/event.h>

struct am_story {
	struct am_arena *a;	    /* borrowed; owns all that is told */
	const struct am_zone *zone; /* of local times; NULL: UTC */
	am_ms from;		    /* where a telling begins */
	am_ms last;		    /* time of the line before */
	struct am_str one; /* whom a line means that names none; n == 0: the
			      complaint of the line before */
	bool by_hand; /* a line may tell complaint.closed, too: what a person
			  does by `amendsctl close` */
	/* told so far, in the order of the lines until am_story_sort() */
	struct am_event *events;
	size_t n, cap;
};

void am_story_init(struct am_story *s, struct am_arena *a,
    const struct am_zone *zone, am_ms from);
void am_story_fini(struct am_story *s);

/*
 * 0, or -AM_EINVAL with *what for a person: a line that cannot be read, a name
 * that is no event, a field that the event does not have or that it lacks.
 * Fields that a step does not look at need not be there.
 */
AM_MUSTCHECK int
am_story_line(struct am_story *s, struct am_str text, char what[300]);
/* One TIME, as in a line that would come next. */
AM_MUSTCHECK int am_story_time(
    const struct am_story *s, struct am_str word, am_ms *t, char what[300]);
/* By time; equal times stay in the order of the lines. */
void am_story_sort(struct am_story *s);
