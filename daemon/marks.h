#pragma once

/*
 * marks - the improvements that were recorded (layer: daemon).
 *
 * `{s}:marks`: COMPLAINT/SEQ → {"category", "date", "at"}, written in the
 * commit of improvement.recorded (EV5). The journal says the same, but a report
 * would have to read all of them to find one; and a mark outlives its
 * complaint.
 */

#include "daemon/turn.h"
#include "ops/report.h"

/* When ev has marked one. */
void am_marks_keep(
    struct am_turn *t, const struct am_event *ev, const struct am_update *up);
/* Ask for those of a shard; give the answer to a report. */
void am_marks_ask(struct am_batch *b, const struct am_shard *sh);
void am_marks_read(const redisReply *hash, struct am_report *r);
