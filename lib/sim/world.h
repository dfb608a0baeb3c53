#pragma once

/*
 * world - complaints on a virtual clock (layer: sim).
 *
 * The state machine of the daemon without Redis, endpoints or waiting: events
 * are told, wake-ups come when the virtual clock reaches them, follow-ups end
 * at the instant they go out. An event is applied before what is due at the
 * same instant, as the daemon does it. Two runs of the same events are equal.
 *
 * What differs from a daemon: a follow-up takes no time unless `fate` says so,
 * digests are not merged (am_followup.group marks what would go into one), and
 * repeats are not looked for among the customer's complaints.
 *
 * States lie packed between two steps, as in Redis; memory grows by a few
 * hundred bytes a complaint, never with the length of a history.
 */

#include <amends/step.h>

struct am_world; /* opaque */

/* One step that was made. All of it lives for the call. */
struct am_told {
	am_ms at; /* the virtual now */
	struct am_str id;
	const struct am_loopdef *def;
	const struct am_complaint *before; /* up->next: after */
	const struct am_event *event;
	const struct am_update *up;
	void **own; /* of the callback, one a complaint; NULL at first */
};

/* How a follow-up ends. */
struct am_fate {
	am_ms after;	   /* from its going out; quiet hours come on top */
	const char *state; /* delivered, dead, suppressed, expired */
	const char *reason;
};

struct am_world_opts {
	/* The loop of an opening; NULL: it is rejected (unknown_loop). */
	const struct am_loopdef *(*loop)(void *arg, const struct am_event *ev);
	/* Every step, in order of time; may be NULL. */
	void (*told)(void *arg, const struct am_told *told);
	/* What will become of a follow-up just made; NULL: delivered at once.
	 */
	struct am_fate (*fate)(void *arg, const struct am_followup *f);
	void *arg; /* borrowed, of all three */
};

/* Copies opts. Definitions must outlive the world. */
struct am_world *am_world_new(const struct am_world_opts *opts, am_ms now);
void am_world_free(struct am_world *w);

/*
 * Copy a complaint into the world as it stands; what waits to be sent goes out
 * now. -AM_EINVAL when it breaks an invariant, -AM_ECONFLICT when the id is
 * there.
 */
AM_MUSTCHECK int am_world_put(struct am_world *w, const struct am_loopdef *def,
    const struct am_complaint *c);

/*
 * Do the next thing that happens by itself, at or before `until`; false when
 * there is none, and then the clock stands where it stood. A complaint's
 * wake-up and the end of its follow-ups at one instant are one thing.
 */
bool am_world_step(struct am_world *w, am_ms until);
/* All of them, then the clock stands at `until`. */
void am_world_run(struct am_world *w, am_ms until);
/*
 * Run to ev->at, then apply the event; one that is older than the clock is
 * applied now, with its own time. Borrows ev for the call.
 */
void am_world_tell(struct am_world *w, const struct am_event *ev);

am_ms am_world_now(const struct am_world *w);
am_ms am_world_next(const struct am_world *w); /* AM_NEVER: nothing is due */
/* Complaints that stand still since a step refused their record: our bug. */
size_t am_world_broken(const struct am_world *w);
