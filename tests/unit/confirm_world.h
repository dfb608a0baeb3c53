#pragma once

/*
 * confirm_world - the loop of tests/data/confirm.conf and a complaint C-1 in
 * it, for the tests of what the customer says, and of how a loop ends. The week
 * is that of Monday 2026-11-23, at +08:00.
 */

#include "tests/unit/fixture.h"

extern struct fix cw;

int cw_setup(void **state);
int cw_teardown(void **state);
/* The definition, to change before the first step. */
struct am_loopdef *cw_def(void);

/* "Mon 09:00"; "Tue+1 …" is in the week after. */
am_ms cw_at(const char *when);
/* Step C-1, or another one. */
struct am_update *cw_step(const char *when, const char *event);
struct am_update *
cw_step_of(const char *id, const char *when, const char *event);
/* Its next wake-up: when it was. */
am_ms cw_wake(void);
/* Every wake-up up to then. */
void cw_sleep(const char *until);
/* Open C-1 at `when` and have its work done at once. */
void cw_walk_to_confirm(const char *when);
#define CW (&fix_case(&cw, "C-1")->c)

/* End what waits of a rung, by the names of clock and rung; of a notice. */
struct am_update *cw_end(
    const char *when, const char *clock, const char *rung, const char *state);
struct am_update *cw_end_notice(const char *when, enum am_notice notice,
    enum am_role to, const char *state);

/* Of the last step: follow-ups made of that rung ("ask", "recourse:customer");
 * a pair of a note, NULL without such a note; what was counted; an event for
 * another complaint, NULL: none. */
size_t cw_sent(const char *rung);
const struct am_followup *cw_followup(const char *rung);
const char *cw_said(const char *note, const char *key);
int64_t cw_tally(const char *field);
const struct am_emit *cw_emitted(size_t i);
const char *cw_told(const struct am_emit *e, const char *key);
