#pragma once

/*
 * embedded - a private redis-server, started and supervised (layer: daemon).
 *
 * Unix socket only, append-only file in DIR, noeviction. It is started again
 * with back-off when it ends, and ends with us even when we are killed.
 */

#include <amends/base.h>

struct event_base;
struct am_embedded;

/* dir is made when it is not there. Returns when the server answers. */
AM_MUSTCHECK int am_embedded_start(struct event_base *base, const char *dir,
    struct am_embedded **em, struct am_diag *diag);
const char *am_embedded_socket(const struct am_embedded *em);
/* SIGTERM, and wait for it (at most 10 s). */
void am_embedded_stop(struct am_embedded *em);
