#pragma once

/*
 * event - what the core is told (layer: core; decoded by lib/intake).
 *
 * Names, fields and effects: `docs/events.md`, generated from the table in
 * event.c. An event borrows all of its bytes.
 */

#include <amends/base.h>

enum am_event_type {
	AM_EV_NONE,
	/* inbound */
	AM_EV_OPENED,
	AM_EV_UPDATED,
	AM_EV_ASSIGNED,
	AM_EV_ACKNOWLEDGED,
	AM_EV_STAGE_COMPLETED,
	AM_EV_STAGE_WAIVED,
	AM_EV_HELD,
	AM_EV_RESUMED,
	AM_EV_EXTENDED,
	AM_EV_ATTEMPTED,
	AM_EV_ANSWERED,
	AM_EV_MESSAGE,
	AM_EV_REOPENED,
	AM_EV_WITHDRAWN,
	AM_EV_REJECTED,
	AM_EV_LINKED,
	AM_EV_RECEIPT,
	AM_EV_OPTED_OUT,
	AM_EV_OPTED_IN,
	AM_EV_IMPROVEMENT,
	AM_EV_ERASED,
	/* from the engine itself; never accepted from a stream */
	AM_EV_WAKE,		/* "wake": time has passed */
	AM_EV_FOLLOWUP_ENDED,	/* "followup.ended": fields below */
	AM_EV_FOLLOWUP_HANDED,	/* "followup.handed": to its provider */
	AM_EV_FOLLOWUP_REVIVED, /* "followup.revived": a dead one is replayed */
	AM_EV_FORCED,		/* "complaint.closed": a person ends it */
	AM_EV_CALENDAR,		/* "calendar.changed": dues are another's */
	AM_EV_MIGRATED,		/* "loop.migrated": to another definition */
	AM_EVENTS_N,
};

/*
 * Fields of the engine's own events:
 * followup.ended: followup_id, state (delivered dead suppressed expired
 *   unknown),
 *   reason, attempts (decimal), status (last HTTP status or 0), late (yes|no),
 *   digest (id, when it went out in one)
 * followup.handed: followup_id, state (accepted: the provider has it;
 *   uncertain: it may have it), reason, attempts, status, until (ms: a receipt
 *   is waited for)
 * followup.revived: followup_id, endpoint, clock, rung, entry, cycle (decimal)
 * complaint.closed: by, reason (personal); outcome is deadlock_closed,
 *   unreachable or forced, as the complaint stands
 * calendar.changed: due[0] … one a clock slot, as the slot's number, a blank
 *   and the due in ms that the old calendar gave; reason
 * loop.migrated: the same; from (NAME@HASH); tier (its name); fired[0] … one a
 *   rung that has fired, as the clock's slot, its place in the old ladder and
 *   its name ("4 0 warn"): am_migration_fields() makes them; by, reason
 *
 * The last two are remembered like inbound ones: told twice, applied once. The
 * definition that am_step() is given for loop.migrated is the new one; when the
 * event is AM_REJECTED the complaint stays where it is.
 */

/*
 * How a field of an event is treated. CORE fields are journaled and seen by
 * am_step(); PERSONAL ones go to the personal data of the complaint and never
 * into the journal, the feed or a log line.
 */
enum am_field_class { AM_FIELD_CORE, AM_FIELD_PERSONAL };

struct am_field_spec {
	const char *name;
	enum am_field_class class;
	bool required;
	size_t max_bytes;
	const char *const *one_of; /* NULL or a NULL-ended list */
	const char *about;
};

struct am_event_spec {
	enum am_event_type type;
	const char *name;
	bool inbound;
	bool built; /* false: rejected as `unsupported`, replayable */
	const struct am_field_spec *fields;
	size_t fields_n;
	const char *effect; /* one sentence for docs/events.md */
};

struct am_event {
	enum am_event_type type;
	struct am_str complaint_id;
	struct am_str source;	/* default "stream" */
	struct am_str event_id; /* default: the stream entry's id */
	struct am_str actor_id, actor_role;
	struct am_str trace_id;
	am_ms at;	   /* rules the clocks: the entry's time, clamped */
	am_ms occurred_at; /* as the producer said, AM_NEVER: not said */
	int64_t expected_version; /* -1: not given */
	bool negative; /* a comment holds negative words, see core/words.h */
	const struct am_pair *fields; /* the rest, dotted names */
	size_t fields_n;
};

/* Why an event cannot be applied, as the reject stream says it. */
struct am_reject {
	const char *code;    /* missing_field bad_value unknown_event … */
	struct am_str field; /* n == 0: the event as a whole */
	char text[200]; /* for a person: what is wrong; what would be right */
};

const struct am_event_spec *am_event_spec(enum am_event_type type);
/* NULL when the name is unknown. */
const struct am_event_spec *am_event_spec_by_name(struct am_str name);
/* The class of a field of an event; unknown extra fields are PERSONAL. */
enum am_field_class
am_event_field_class(const struct am_event *ev, struct am_str field);

/* n == 0 when the field is absent. */
struct am_str am_event_get(const struct am_event *ev, const char *field);

/*
 * Check names, required fields, lengths and closed lists of an inbound event
 * against the table. 0, or -AM_EINVAL / -AM_EUNSUPPORTED with *why filled.
 */
AM_MUSTCHECK int
am_event_check(const struct am_event *ev, struct am_reject *why);

/* Dedup hash of (source, event_id). */
uint64_t am_event_hash(struct am_str source, struct am_str event_id);
