#pragma once

/*
 * acts - one complaint on the loop of tests/data/ladder.conf, told what to do
 * and asked what became of it. Times are given as a day (0 is Monday
 * 2026-11-23) and an hour of Shanghai.
 */

#include "tests/unit/fixture.h"

struct acts {
	struct fix f;
	struct am_loopdef def;	/* f.def: a copy that a test may change */
	struct am_loopdef next; /* where a migration goes, when it has a ref */
	bool no_replay;		/* the calendar was another for a while */
};

/* cmocka's setup and teardown; *state is the struct acts. The teardown replays
 * the journal: it must give the same bytes. */
int acts_setup(void **state);
int acts_teardown(void **state);

am_ms acts_at(int day, int hour, int minute);
/* Step complaint C-1. */
struct am_update *acts_tell(struct acts *w, am_ms at, const char *text);
/* Wake it whenever it asks for it, up to and with `until`. */
void acts_wake(struct acts *w, am_ms until);

struct am_complaint *acts_c(struct acts *w);
/* When the clock of that name is due. */
am_ms acts_due(struct acts *w, const char *clock);
/* A note of the last step with that pair, NULL when there is none; key may be
 * NULL for any of that name. */
const struct am_note *
acts_note(struct acts *w, const char *name, const char *key, const char *value);
/* A pair of a note, "" when it is not there. */
struct am_str acts_pair(const struct am_note *n, const char *key);
am_ms acts_pair_ms(const struct am_note *n, const char *key);
int64_t acts_tally(struct acts *w, const char *field);
/* A follow-up of the last step by its rung's name, NULL when there is none. */
const struct am_followup *acts_followup(struct acts *w, const char *rung);
/* Fail unless the last step was refused, or ignored, with that code. */
void acts_refused(struct acts *w, const char *code, const char *field);
void acts_ignored(struct acts *w, const char *code);
