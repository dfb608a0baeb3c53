#pragma once

/*
 * preview_subject - what a preview is asked for by name, and where the loop
 * says it (internal to the previews).
 */

#include "sim/preview.h"

/* What is shown, and where it speaks from. */
struct am_subject {
	const struct am_preview *p;
	const char *name;
	const struct am_message *message; /* NULL: built-in */
	enum am_reason reason;		  /* of what is sent */
	size_t saying; /* whose built-in text; AM_SAYINGS_N: the reason's */
	size_t clock, rung;
	enum am_role to; /* of that rung, else whom it is made for */
};

/* False when nothing has that name. */
bool am_subject_find(
    const struct am_preview *p, struct am_str name, struct am_subject *s);
/* Whether this is what the rung says; what the loop says there (am_saying). */
bool am_subject_at_rung(const struct am_rungdef *r, const struct am_subject *s);
bool am_subject_at_saying(const struct am_subject *s, size_t saying);
