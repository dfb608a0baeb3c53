#pragma once

/*
 * watch - what is counted and measured here, and told (layer: daemon).
 *
 * What happens in a turn is noted in the turn and counted when it is committed:
 * a turn that is done again counts once. What stands somewhere anyway is read
 * when somebody asks. No label holds what an event says of itself: loops,
 * endpoints and producers that the configuration does not have are AM_OTHER.
 */

#include "daemon/turn.h"
#include "ops/metrics.h"
#include "ops/sample.h"

struct am_watch;

struct am_watch *am_watch_new(struct am_engine *e);
void am_watch_free(struct am_watch *w);

/* ---- in a turn ---- */

/* Its effects were put into the commit. */
void am_watch_step(struct am_turn *t, const struct am_loopdef *def,
    const struct am_event *ev, const struct am_update *up);
/* A follow-up has ended; that of a step is told by am_watch_step(). */
void
am_watch_end(struct am_turn *t, struct am_str endpoint, const char *outcome);
/* An attempt has. */
void am_watch_attempt(struct am_turn *t, const struct am_sending *s);
/* It is committed. */
void am_watch_committed(struct am_turn *t);

/* ---- told ---- */

/* The metrics in the text format. */
void am_watch_write(
    struct am_engine *e, const struct am_sample *s, struct am_buf *out);
