#pragma once

/*
 * reply - replies that live in an arena (layer: store).
 *
 * hiredis 0.14 frees a reply when its callback returns; these live as long as
 * the arena that the reader's owner names at that moment.
 */

#include <hiredis/hiredis.h>

#include "base/arena.h"

/* Elements of one array; above it the connection is given up. */
#define AM_REPLY_ELEMENTS_MAX (1 << 20)

/* The arena for the reply that is being read now; arg is the privdata. */
struct am_arena *am_reply_arena(void *arg);

/* Let the reader make its replies in am_reply_arena(arg). */
void am_reply_hook(redisReader *reader, void *arg);
