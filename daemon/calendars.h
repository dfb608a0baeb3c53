#pragma once

/*
 * calendars - an edited calendar moves the dues of what is open (layer:
 * daemon).
 *
 * The calendars by which a shard's complaints were judged last are kept in
 * Redis. Where conf has another text, every complaint that uses the calendar
 * is told the dues that the old one gave (`calendar.changed`), once.
 */

#include "daemon/shard.h"

struct am_calendars;

struct am_calendars *am_calendars_new(struct am_shard *sh);
/* Its shard has no turn and no op any more. */
void am_calendars_free(struct am_calendars *c);
/* The shard was adopted, or the configuration was switched: compare. */
void am_calendars_check(struct am_calendars *c);
