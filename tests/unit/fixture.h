#pragma once

/*
 * fixture - a loop and complaints for the tests of the core: state in memory,
 * time in hand, no Redis. Loops come from a conf file, so that what is tested
 * is what a person would write.
 */

#include "base/arena.h"
#include "conf/conf.h"

#include <amends/step.h>

#define FIX_START ((am_ms)1795395600000) /* Monday 2026-11-23 09:00 +08:00 */
#define FIX_CASES 8

struct fix_case {
	char id[AM_ID_MAX + 1];
	struct am_arena arena;	/* what the state borrows from */
	struct am_arena before; /* and the last update's notes */
	struct am_complaint c;
	am_ms wake_at;
	struct am_str lines[4096];
	size_t lines_n;
};

struct fix {
	struct am_conf *conf;
	const struct am_loopdef *def;
	struct am_arena journal;
	struct fix_case cases[FIX_CASES];
	size_t cases_n;
	unsigned events_n;   /* makes event ids */
	struct am_update up; /* of the last step */
	am_ms now;
};

/* NULL loads tests/trace/bank.conf; fails the test when it does not load. */
void fix_init(struct fix *f, const char *conf_path);
void fix_fini(struct fix *f);
/* The complaint of that id, made when it is new. */
struct fix_case *fix_case(struct fix *f, const char *id);

/*
 * Step one event whose text is "EVENT key=value …" (a value in '' may hold
 * blanks; source, event_id, actor, expect and negative are the envelope's) at
 * `at`; keeps the state unless it was refused. Gives f->up.
 */
struct am_update *
fix_step(struct fix *f, const char *id, am_ms at, const char *text);
/* The same with the event made by the caller. */
struct am_update *
fix_event(struct fix *f, struct fix_case *k, const struct am_event *ev);

/* What the last step did, as traces write it; lies in the case's arena. When it
 * delivers, all that waits is delivered at once, and that is part of it. */
const char *fix_describe(struct fix *f, struct fix_case *k, bool delivers);

/* "Mon-11.23-09:00" in the loop's zone, ":SS" when there are seconds. */
const char *fix_when(const struct fix *f, am_ms t, char out[32]);

/* "1d2h30m10s" to ms, -1 when it is none. */
am_ms fix_span(const char *text);
