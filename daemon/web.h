#pragma once

/*
 * web - where HTTP comes in, and who answers what (layer: daemon).
 *
 * One listener at http.listen; with http.view a second one, to which the
 * operators' pages move, so that what strangers reach has intake, callbacks and
 * customers' links only. Listens as a standby, too. Handlers get the engine.
 */

#include "daemon/engine.h"

struct am_activation;
struct am_web;

/* Listens when conf says so, and on what *sockets has, which it takes, whatever
 * conf says. On failure *diag says why. */
AM_MUSTCHECK int am_web_new(struct am_engine *e, struct am_activation *sockets,
    struct am_web **web, struct am_diag *diag);
/* Requests that handlers hold are gone with it. */
void am_web_free(struct am_web *w);

/*
 * A reload: bind what the candidate asks for, so that one that cannot be had is
 * refused; then, once it is in force, go there. What was bound for a candidate
 * before is given up. A socket that was handed over stays, with a warning where
 * conf names another address.
 */
AM_MUSTCHECK int am_web_prepare(
    struct am_web *w, const struct am_conf *next, struct am_diag *diag);
void am_web_switch(struct am_web *w);

/* Nothing new; what has come is answered. */
void am_web_stop(struct am_web *w);
bool am_web_quiet(const struct am_web *w);

struct am_sample_listener;
/* Those that listen, two at most; texts in the arena. Gives how many. */
size_t am_web_listeners(const struct am_web *w, struct am_arena *a,
    struct am_sample_listener *rows);
/* The member "http" of the status; null when nothing listens. */
void am_web_status(const struct am_web *w, struct am_buf *out);
