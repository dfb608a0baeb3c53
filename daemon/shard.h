#pragma once

/*
 * shard - one stream's work: which turn is next, and its lanes (layer: daemon).
 *
 * A shard does one turn at a time: events, wake-ups, sendings (outcomes and
 * claims) or an operator's act. Nothing is remembered about complaints between
 * turns; what is remembered (lanes, sendings in flight) is dropped whenever the
 * ownership is.
 */

#include "daemon/engine.h"
#include "daemon/lanes.h"
#include "daemon/paused.h"
#include "daemon/silence.h"

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

/* A follow-up on the wire inside of a digest. */
struct am_rider {
	uint8_t id[16];
	UT_hash_handle hh;
};

/* A follow-up that was claimed; owned by the shard until its outcome is in
 * Redis or the ownership is gone. */
struct am_sending {
	uint8_t id[16];
	char id_text[AM_FU_ID_LEN + 1];
	UT_hash_handle hh;
	struct am_shard *shard; /* NULL: its ownership is gone */
	struct am_shard *home;	/* of that ownership, if it is still there */
	struct am_engine *engine;
	struct am_sending *next; /* in the list of starting or of outcomes */
	char *endpoint;
	char *to;		       /* number or address; "" none */
	char complaint[AM_ID_MAX + 1]; /* "" of a digest */
	struct am_rider *riders;       /* of a digest: its members */
	size_t riders_n;
	char *row;	      /* packed am_fu_record with the attempt started */
	size_t row_n, body_n; /* the body ends the row */
	am_ms fired_at;
	bool ended;		      /* result is in */
	bool unsent;		      /* not a byte of it was sent */
	struct am_contact *contact;   /* while its outcome is written */
	struct am_send_result result; /* its excerpt is this: */
	char *excerpt;
};

/* A loop definition bound against the configuration in force. */
struct am_bound {
	UT_hash_handle hh;
	char *ref;
	struct am_arena arena;
	const struct am_loopdef *def; /* NULL: cannot be bound */
	char why[512];
};

struct am_turn;
struct am_op;

struct am_shard {
	struct am_engine *engine;
	const char *stream; /* of conf */
	char *stream_own;
	struct am_store *store;
	uint64_t generation; /* of the ownership */
	bool running;
	/* the bad state that operators know of; AM_SHARD_STARTING: none */
	enum am_shard_state alarm;
	bool entries;	/* the store has entries to take */
	am_ms wake_at;	/* earliest wake-up, AM_NEVER: none */
	am_ms retry_at; /* no turn before (monotonic): Redis refused; 0: none */
	unsigned refused; /* in a row, for the back-off */
	struct am_lane **lanes;
	size_t lanes_n;
	struct am_outlet **outlets;
	size_t outlets_n;
	size_t first_outlet; /* served first in the next sendings' turn */
	struct am_sending *in_flight; /* by id */
	struct am_rider *riding;      /* in digests that are, by id */
	struct am_silences silences;
	struct am_paused paused;
	struct am_sending *starting, **starting_tail;
	struct am_sending *ended, **ended_tail;
	size_t ended_n;
	struct am_bound *loops; /* kept definitions, by ref */
	const char **kept;	/* refs of conf loops known to be in Redis */
	size_t kept_n;
	struct am_op *ops, **ops_tail;
	struct am_turn *turn; /* reused; open when turn_open */
	bool turn_open;
	int last_kind;
	struct event *kick, *timer;
	am_ms trimmed_at;
	unsigned careful; /* units still to be tried alone, see careful.h */
	/* the unit of a kind that this process has counted last, or "" */
	char counted_entry[80], counted_wake[80];
	bool released;
	/* of the index of repeats: the key of its fields, and the generation
	 * whose end this ownership has set (repeat.c) */
	uint8_t seen_key[16];
	bool seen_known;
	int64_t seen_expires;
	int64_t seen_none; /* a past generation that is not there; 0: unknown */
	uint8_t contact_key[32]; /* of contact.c */
	bool contact_known;
	struct am_calendars *calendars; /* owned */
	struct am_erasures *erasures;	/* owned */
};

/* An operator's act: one turn of its own. */
struct am_op {
	struct am_op *next;
	/* add loads to b; NULL: none */
	void (*load)(struct am_op *op, struct am_turn *t, struct am_batch *b);
	/* the loads are in (b: the batch of `load`): name cases to load; NULL
	 * when `load` is */
	void (*loaded)(
	    struct am_op *op, struct am_turn *t, const struct am_batch *b);
	/* cases are loaded: write. Return false to end without a commit. */
	bool (*run)(struct am_op *op, struct am_turn *t);
	/* rc of the commit; frees op */
	void (*done)(struct am_op *op, int rc);
};

/*
 * Which of n streams, in the order of conf, has a hash, or the events of a
 * complaint: the first eight bytes (of the SHA-256 of its id) as a number,
 * modulo n. A producer that writes to the streams itself has to do the same.
 */
size_t am_shard_of_hash(const uint8_t hash[32], size_t n);
size_t am_shard_of(struct am_str complaint, size_t n);

struct am_shard *am_shard_new(struct am_engine *e, const char *stream);
/* Ends at once; what is in flight is forgotten (its rows say so). */
void am_shard_free(struct am_shard *sh);
void am_shard_release(struct am_shard *sh);
/* What both clocks agree has come: ours, or that of Redis when it is behind. */
am_ms am_shard_now(const struct am_shard *sh);
/* Something changed: look for the next turn once per pass of the loop. */
void am_shard_kick(struct am_shard *sh);
void am_shard_op(struct am_shard *sh, struct am_op *op);
/* The configuration was switched: lanes and bound loops are made anew. */
void am_shard_reconfigure(struct am_shard *sh);
/* The state's name for people: the store's, or `lagging`: running, but more
 * than a batch behind and the last event applied is over a minute old. */
const char *am_shard_state_name(const struct am_shard *sh);
/* Nothing open, nothing in flight, no outcome unwritten. */
bool am_shard_quiet(const struct am_shard *sh);

/* Give what was claimed to delivery (turn_sends.c). */
void am_shard_start_sendings(struct am_shard *sh);
/* In flight, by itself or in a digest. */
bool am_shard_on_wire(const struct am_shard *sh, const uint8_t id[16]);
/* Remembered as in flight from now on; no more. */
void am_shard_flies(struct am_shard *sh, struct am_sending *s);
void am_shard_landed(struct am_shard *sh, struct am_sending *s);
void am_shard_sending_free(struct am_sending *s);
/* "{s}:silences" */
struct am_str
am_shard_silences_key(const struct am_shard *sh, struct am_arena *a);

/* Loop by NAME@HASH: of conf, or kept and bound; NULL when not loaded yet. */
const struct am_loopdef *
am_shard_loop(struct am_shard *sh, struct am_str ref, bool *unusable);
void
am_shard_loop_add(struct am_shard *sh, struct am_str ref, struct am_str text);
