#pragma once

/*
 * step - the life of a complaint as one pure function (layer: core).
 *
 * (loop, complaint, event, now) -> complaint', follow-ups, journal line,
 * tallies, wake-up. No clock, no I/O, no allocation but the update's arena:
 * same bytes in, same bytes out. The transition table is in step.c.
 */

#include <amends/complaint.h>
#include <amends/event.h>

struct am_arena;

enum am_verdict {
	AM_APPLIED,
	AM_DUPLICATE, /* (source, event_id) was applied before; nothing changes
		       */
	AM_IGNORED,  /* by rule: journaled with `code`, business state unchanged
		      */
	AM_REJECTED, /* not for this complaint: `reject` says why; no line */
};

/* A follow-up that a rung fired; body is what every attempt sends. */
struct am_followup {
	struct am_followup *next;
	uint8_t id[16];
	uint8_t clock, rung;
	uint16_t entry, cycle;
	uint8_t class; /* as in am_waiting */
	enum am_reason reason;
	enum am_role to;
	struct am_str endpoint; /* "" when none was usable */
	struct am_str rung_name;
	am_ms due_at, fired_at;
	am_ms not_before;    /* quiet hours: no attempt before; 0: at once */
	struct am_str group; /* goes out with its like in one digest; "" */
	bool catchup;	     /* fired over catchup_after late: paced */
	bool queued; /* false: an earlier one to this endpoint must end first */
	bool dead;   /* born dead: `dead_reason`; goes to the dead letters */
	const char *dead_reason;
	struct am_str body; /* JSON, UTF-8 */
};

/* A waiting follow-up leaves the outbox or is let into it. */
struct am_fu_change {
	struct am_fu_change *next;
	uint8_t id[16];
	struct am_str endpoint;
	uint8_t class; /* as in am_waiting */
	bool release;  /* into the outbox at `at`; else out of it, for good */
	am_ms at;
	const char *state;  /* when it ends: suppressed, expired, … */
	const char *reason; /* superseded, withdrawn, cancelled, … */
};

/* One transition, an entry of the feed and of the journal line's `do`. */
struct am_note {
	struct am_note *next;
	const char *name; /* closed list of loop.md section 1, "stage.met" … */
	struct am_pair pairs[12];
	size_t pairs_n;
};

/*
 * An event that the step causes for another complaint (a repeat is opened, a
 * duplicate hears of the outcome): an entry of the shard's own stream, in the
 * same commit, with source "amends" and an event_id made from cause. It may
 * hold personal fields; no journal does.
 */
struct am_emit {
	struct am_emit *next;
	enum am_event_type type;
	struct am_str complaint_id;
	struct am_str event_id;
	struct am_pair pairs[32];
	size_t pairs_n;
};

/* HINCRBY of `{s}:tally` (day NULL) or of `{s}:kpi:<day>`. */
struct am_tally {
	struct am_tally *next;
	const char *day; /* YYYYMMDD in the loop's timezone, or NULL */
	const char *field;
	int64_t delta;
};

struct am_update {
	struct am_arena *arena; /* borrowed; owns everything below */
	enum am_verdict verdict;
	const char *code; /* why ignored; NULL else */
	struct am_reject reject;
	bool changed; /* version rose */
	bool erase;   /* the personal data leave, the rest stays */
	bool forget;  /* retention is over: record, journal and data leave */
	struct am_complaint next;
	struct am_followup *followups, **followups_tail;
	struct am_fu_change *changes, **changes_tail;
	struct am_note *notes, **notes_tail;
	struct am_tally *tallies, **tallies_tail;
	struct am_emit *emits, **emits_tail;
	struct am_str line; /* journal line, n == 0 when none is written */
	am_ms wake_at;
	bool wake_same; /* as it was before the step: the index stands */
};

/*
 * cur is a checked record, or one with status AM_NONE and its id set. now
 * decides what is due and is journaled; ev->at rules the clocks. up->arena is
 * set by the caller, the rest by the call. cur->waiting[].in_flight is input:
 * what is on the wire is not suppressed, it ends by followup.ended.
 *
 * up->next borrows from cur and def what it keeps of them; what comes from the
 * event is copied into the arena.
 *
 * A wake-up with nothing to do is AM_IGNORED without a line, and so is one
 * that forgets. An event for a complaint with status AM_NONE that does not
 * open it is AM_REJECTED.
 *
 * Returns 0, or -AM_EINVAL when cur breaks an invariant (park it).
 */
AM_MUSTCHECK int
am_step(const struct am_loopdef *def, const struct am_complaint *cur,
    const struct am_event *ev, am_ms now, struct am_update *up);

/*
 * What loop.migrated says of the definition that c leaves: from, tier, due[]
 * and fired[], in the arena, with room for more behind the n given.
 */
struct am_pair *am_migration_fields(const struct am_loopdef *was,
    const struct am_complaint *c, size_t room, struct am_arena *a, size_t *n);

/* For the generated docs and the totality test: the table, row by row. */
struct am_rule_view {
	unsigned statuses;     /* bit per enum am_status */
	enum am_event_type on; /* AM_EV_NONE: any */
	unsigned to;	       /* bit per status it may leave; 0: the same */
	const char *guard;     /* "" when none */
	const char *action;    /* "" on the ignore list */
	const char *code;      /* on the ignore list: the code of the line */
	const char *why;       /* on the ignore list: why */
};
/* Row i in the order of trial; false when there is none. */
bool am_rule_at(size_t i, struct am_rule_view *rule);

/* What a note is called and what it says, for the generated docs and for the
 * test that nothing else is said. False when there is no i-th. */
struct am_note_view {
	const char *name, *about;
};
bool am_note_at(size_t i, struct am_note_view *view);
