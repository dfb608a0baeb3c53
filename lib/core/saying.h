#pragma once

/*
 * saying - what a loop says and no rung of conf (internal to the core; conf
 * judges its words, previews show them): enum am_notice and am_saying.
 */

#include "base/arena.h"

#include <amends/complaint.h>

/* To whom a follow-up goes, and by which channels. */
struct am_fu_way {
	enum am_role to;
	const struct am_via *via; /* in order of preference */
	size_t n;
	bool mute; /* the rung acts and says nothing */
};
/*
 * Where and by which channels a loop may say what has no rung of conf (enum
 * am_notice, am_saying): each list of channels and role once, in the arena. 0:
 * it never says it, or to nobody.
 */
struct am_saying_way {
	size_t clock;
	uint8_t rung;
	struct am_fu_way way;
};
size_t am_saying_ways(const struct am_loopdef *def, size_t saying,
    struct am_arena *a, const struct am_saying_way **ways);

/* The key without which this loop never says it; NULL: it may. */
const char *am_saying_missing(const struct am_loopdef *def, size_t saying);
/* What a notice sends: its type, whether it is ever for that role, and whether
 * it may hang on that clock. */
enum am_reason am_notice_type(enum am_notice notice);
bool am_notice_is_for(enum am_notice notice, enum am_role to);
bool am_notice_hangs_on(
    const struct am_loopdef *def, enum am_notice notice, size_t clock);
