#pragma once

/*
 * intake - what comes in by HTTP (layer: daemon).
 *
 * Listens where http.listen says, as a standby too, and makes stream entries of
 * what gateways call back: POST or GET /v1/callback/<endpoint>/<token>. Each is
 * answered behind Redis's answers, one XADD a stream: a receipt says which
 * message it is about, and no more, so every shard looks for it. Redis away or
 * refusing: 503 with Retry-After.
 */

#include "daemon/engine.h"

struct am_intake;

/* Listens when conf says so. On failure *diag says why. */
AM_MUSTCHECK int am_intake_new(
    struct am_engine *e, struct am_intake **intake, struct am_diag *diag);
/* Behind the shards, whose answers it may still wait for. */
void am_intake_free(struct am_intake *in);

/*
 * A reload: bind what the candidate asks for, so that one that cannot be had is
 * refused; then, once it is in force, go there. What was bound for a candidate
 * before is given up.
 */
AM_MUSTCHECK int am_intake_prepare(
    struct am_intake *in, const struct am_conf *next, struct am_diag *diag);
void am_intake_switch(struct am_intake *in);

/* Nothing new; what has come is written and answered. */
void am_intake_stop(struct am_intake *in);
bool am_intake_quiet(const struct am_intake *in);

/* The member "http" of the status; null when nothing listens. */
void am_intake_status(const struct am_intake *in, struct am_buf *out);
