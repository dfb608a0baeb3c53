#pragma once

/*
 * turn - load, step, commit (layer: daemon).
 *
 * The one way in which anything of a shard changes. A turn names the complaints
 * that it needs, loads them under the fence, steps them and commits; when the
 * commit was not done, for whatever reason, everything loaded is dropped and
 * the work is found again: late, never lost.
 */

#include "daemon/shard.h"

#include "intake/event.h"
#include "log/log.h"

enum am_turn_kind {
	AM_TURN_OPS,
	AM_TURN_EVENTS,
	AM_TURN_SENDS,
	AM_TURN_WAKES,
	AM_TURN_KINDS,
};

/* What a turn that sends does with a lane. */
enum am_lane_turn {
	AM_LANE_RESTS,	/* nothing is due, or there is no room */
	AM_LANE_SERVES, /* from what was read of it ahead */
	AM_LANE_REFILLS /* its outbox is read */
};

/* One complaint in a turn. */
struct am_case {
	struct am_str id;
	struct am_case *chain;	      /* same hash bucket */
	struct am_complaint cur;      /* as loaded, then as stepped */
	const struct am_loopdef *def; /* NULL while it does not exist */
	bool exists;
	const char *unusable; /* parked: why */
	bool parked;
};

#define AM_TURN_BUCKETS 256

struct am_turn {
	struct am_shard *sh;
	enum am_turn_kind kind;
	struct am_arena arena;
	am_ms now;
	struct am_case **cases;
	size_t cases_n, cases_cap, loaded_n;
	struct am_case *buckets[AM_TURN_BUCKETS];
	struct am_batch *held[16]; /* what slices of this turn live in */
	size_t held_n;
	struct am_commit *commit; /* while `run` */
	bool empty;		  /* it ended without a commit */
	bool erased;		  /* personal data, when committed */
	struct am_counts counts;  /* added to the engine's when done */
	/* what to do when the cases are loaded, and when all is over */
	void (*run)(struct am_turn *t);
	void (*done)(struct am_turn *t, int rc);
	void (*next)(struct am_turn *t, struct am_batch *b);
	void (*more)(struct am_turn *t); /* before run, once; may be NULL */
	/* lanes that got something to send: applied when committed */
	struct am_touch {
		struct am_touch *next;
		struct am_str outbox;
		am_ms at;
	} * touches;
	/* what it leaves of endpoints, newest first; known when committed */
	struct am_state_change *states;
	struct am_line { /* log lines, written when committed */
		struct am_line *next;
		enum am_log_level level;
		const char *event, *text;
	} * lines, **lines_tail;
	struct am_watched *watched; /* counted when committed (watch.c) */
	/* events */
	const struct am_entry *entries;
	size_t entries_n;
	struct am_event *events;
	struct am_reject **rejects;	/* NULL: decoded */
	const struct am_loopdef **kept; /* definitions this commit keeps */
	size_t kept_n;
	struct am_repeat *repeat; /* NULL: no openings are looked for */
	void (*learnt)(struct am_turn *t);
	void (*addressed)(struct am_turn *t); /* recipients are known */
	struct am_contact *contacts; /* addresses that it has to do with */
	struct am_replies *replies;  /* NULL: every event names its complaint */
	size_t *row_at; /* by event: the row that a receipt speaks of */
	struct am_batch *rows_in;
	/* sends */
	struct am_claim *claims;
	size_t claims_n;
	struct am_claim *drawn; /* of the same outboxes, for digests */
	size_t drawn_n;
	struct am_kin *kin; /* rows of members */
	struct am_sending *outcomes;
	struct am_receipts *receipts; /* that came before those */
	struct am_batch *first; /* the batch with the rows and the outboxes */
	size_t rows_at;		/* index of its MGET of rows */
	size_t asked_rows;	/* claims whose rows were loaded first */
	unsigned *rooms;	/* per outlet: how many it may take, then has */
	bool *refill;		/* per outlet: one of its lanes is read */
	size_t outlets_n;
	enum am_lane_turn *lanes; /* per lane: what this turn does with it */
	size_t lanes_n;
	uint64_t generation; /* of the ownership when the turn began */
	/* careful */
	const char *unit; /* tried alone; NULL: not */
	int64_t tries;
	void (*tried)(struct am_turn *t);
	/* ops */
	struct am_op *op;
};

/* Start the next turn of a kind when it has work; false: it has none. */
bool am_turn_events(struct am_shard *sh);
bool am_turn_wakes(struct am_shard *sh);
bool am_turn_sends(struct am_shard *sh);
bool am_turn_ops(struct am_shard *sh);

struct am_turn *am_turn_new(struct am_shard *sh);
void am_turn_free(struct am_turn *t);

/* Open the turn; gives the batch for its first loads. */
struct am_batch *am_turn_open_as(struct am_shard *sh, enum am_turn_kind kind,
    void (*run)(struct am_turn *), void (*done)(struct am_turn *, int));
/* The complaint of that id in this turn, added when it is not there yet. */
struct am_case *am_turn_case(struct am_turn *t, struct am_str id);
/* NULL when this turn does not have it. */
struct am_case *am_turn_find(struct am_turn *t, struct am_str id);
/* Send b; next runs with it when it is in (b stays held until the turn ends).
 */
void am_turn_send(struct am_turn *t, struct am_batch *b,
    void (*next)(struct am_turn *t, struct am_batch *b));
/*
 * Load the cases named so far (b: a batch that is still being built, or NULL),
 * then the loop definitions they are on, then run.
 */
void am_turn_load_cases(struct am_turn *t, struct am_batch *b);
/* An event of the engine's own, at the turn's time; the caller adds fields. */
void am_turn_internal(struct am_turn *t, struct am_event *ev,
    enum am_event_type type, struct am_str complaint);
/* Step a case and put the effects into the commit. NULL when it was parked. */
struct am_update *
am_turn_step(struct am_turn *t, struct am_case *c, const struct am_event *ev);
/* Not behind another of its complaint, which was loaded. */
bool am_fu_is_queued(struct am_turn *t, const struct am_fu_record *f);
/* To be sent again, by a person's word, though its provider may have it. */
void am_fu_take_back(struct am_fu_record *f);
/* A follow-up has ended in that state. */
void am_turn_count_end(struct am_turn *t, const char *state);
/* The personal fields of an event that was applied to c go to its personal
 * data; turn_events.c. */
void am_turn_keep_personal(
    struct am_turn *t, const struct am_case *c, const struct am_event *ev);
/* What is found out about an event before its step becomes a field of it, and
 * so input of the step, as if it had come with it; n == 0: that field goes
 * (turn_events.c). */
void am_turn_set_field(struct am_turn *t, struct am_event *ev, const char *name,
    struct am_str value);
/* When committed, the outbox (am_out_name) has something to send at `at`. */
void am_turn_touch(struct am_turn *t, struct am_str outbox, am_ms at);
/* A log line that is written when, and only when, the turn is committed. */
void am_turn_log(struct am_turn *t, enum am_log_level level, const char *event,
    const char *fmt, ...) AM_PRINTF(4, 5);
/* Send the commit; the turn ends with done(). */
void am_turn_commit_send(struct am_turn *t);
/* End now with rc, nothing written. */
void am_turn_abandon(struct am_turn *t, int rc);
