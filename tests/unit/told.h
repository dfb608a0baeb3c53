#pragma once

/*
 * told - complaint C-1 on the loop of tests/data/followups.conf, and what its
 * last step told: notes, follow-ups made, what waits.
 */

#include "tests/unit/fixture.h"

struct told {
	struct fix f;
	struct am_loopdef def; /* f.def: a copy that a test may change */
};

/* cmocka's setup and teardown; *state is the struct told. */
int told_setup(void **state);
int told_teardown(void **state);

/* Step C-1 at FIX_START + after. */
struct am_update *told_step(struct told *w, am_ms after, const char *text);
/* Open it, with more fields. */
void told_open(struct told *w, const char *more);
/* To the confirm stage, with all that waits delivered, at FIX_START + after. */
void told_confirm(struct told *w, am_ms after);

struct am_complaint *told_c(struct told *w);
/* A note of the last step with that pair, NULL when there is none; key may be
 * NULL for any of that name. */
const struct am_note *told_note(
    const struct told *w, const char *name, const char *key, const char *value);
size_t told_notes(
    const struct told *w, const char *name, const char *key, const char *value);
struct am_str told_pair(const struct am_note *n, const char *key);
/* A follow-up of the last step by its rung's name, NULL when there is none. */
const struct am_followup *told_born(const struct told *w, const char *rung);
size_t told_born_to(const struct told *w, enum am_role to);
bool told_body_has(const struct am_followup *f, const char *text);

/* What waits at an endpoint, the first; NULL: nothing. */
struct am_waiting *told_waits(struct told *w, const char *endpoint);
/* The follow-up of that id, when it waits. */
struct am_waiting *told_waits_id(struct told *w, const uint8_t id[16]);
/* What the last step has written of it: NULL when nothing. */
const struct am_fu_change *
told_change(const struct told *w, const uint8_t id[16]);
/* It ends; rest is such as "state=delivered". */
void told_ended(struct told *w, const struct am_waiting *at, const char *rest);
/* Its provider has it, or may have it; rest is such as "state=accepted". */
void told_handed(struct told *w, const struct am_waiting *at, const char *rest);
/* Everything that waits is delivered. */
void told_deliver(struct told *w);
/* A receipt for the follow-up of that id. */
void told_receipt(struct told *w, const uint8_t id[16], const char *rest);
