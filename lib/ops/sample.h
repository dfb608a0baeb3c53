#pragma once

/*
 * sample - what an operator sees of the service at one instant (layer: ops).
 *
 * Plain values that hang on one arena: the metrics, the dashboard, `top`, the
 * audit and the status are made of the same numbers. Nothing personal is in it:
 * ids of complaints and follow-ups, names of the configuration, staff as
 * owners. Shared by reference count; nobody changes one that was handed out.
 *
 * A number that is not known is -1, an instant that is not known or not there
 * is 0, a text "" and never NULL. With Redis away it is the last answer, with
 * what this process knows by itself made new: `redis.up` is false and
 * `asked_at` says how old the rest is (0: Redis never answered).
 */

#include "base/arena.h"
#include "ops/census.h"

struct am_sample_redis {
	bool up;	 /* every shard's connection answers */
	const char *why; /* it is not */
	const char *version, *policy;
	const char *durability;	       /* "D0" … */
	const char *required;	       /* redis.require_durability */
	int64_t used_bytes, max_bytes; /* max 0: no limit */
	bool clock_known;
	am_ms clock_diff; /* Redis minus ours */
};

struct am_sample_shard {
	const char *stream, *state, *why;
	const char *owner; /* instance; "" none */
	bool mine;	   /* this daemon owns it and runs it */
	int64_t lag;	   /* entries behind the cursor */
	am_ms lag_age;	   /* of the first of them; 0: none, -1: not known */
	int64_t pending;   /* entries that are read and not committed yet */
	int64_t open;
	int64_t applied, lost, commits; /* as the cursor counts, for ever */
	am_ms next_wake;		/* AM_NEVER: none */
	int64_t overdue;       /* wake-ups due and not fired, that may fire */
	am_ms oldest_due;      /* of the first of them */
	const char *oldest_id; /* its complaint */
};

/* Open complaints by where they stand, exact. Those of the configuration in its
 * order, with those of which there are none; behind them what stands on loops
 * or tiers that it has no more. */
struct am_sample_stage {
	const char *loop, *stage, *tier;
	int64_t open;
	bool known; /* in the configuration */
};

/* What waits in an outbox, by how long ago it should have gone. */
enum am_late_col {
	AM_LATE_NOT, /* its instant is still to come: a retry, quiet hours */
	AM_LATE_1M,  /* up to a minute */
	AM_LATE_5M,
	AM_LATE_1H,
	AM_LATE_1D,
	AM_LATE_MORE, /* over a day */
	AM_LATE_COLS,
};
const char *am_late_str(enum am_late_col col); /* "later" "1m" … "older" */

struct am_sample_endpoint {
	const char *name, *type;     /* "webhook" "sms" "chat" "mail" */
	const char *host;	     /* where to; "" not known */
	bool known;		     /* in the configuration */
	bool disabled;		     /* in a shard at least */
	const char *disabled_reason; /* "gone" "failing" "operator" "" */
	const char *disabled_by, *disabled_text;
	am_ms disabled_at;
	am_ms failing_since; /* nothing but failures since; 0: it does not fail
			      */
	const char *breaker; /* "closed" "open" "half-open" */
	unsigned failures;   /* in a row */
	am_ms open_until, paused_until; /* 0: not */
	int64_t waiting; /* all in its outboxes, those below included */
	int64_t late[AM_LATE_COLS]; /* sum: waiting */
	am_ms oldest_due;	    /* first instant of those that are due */
	int64_t in_flight;	    /* on the wire, of this daemon */
	int64_t sent, ok, failed;   /* attempts of this process */
	am_ms last_ok, last_failed;
	const char *last_reason; /* of the last failure */
};

/* Follow-ups that were given up, by cause; the largest group first. Of the
 * newest AM_SAMPLE_LETTERS letters, so that the sum may be below dead_n. */
struct am_sample_dead {
	const char *endpoint, *reason;
	int64_t n;
	am_ms newest_at;
	const char *newest_id, *newest_complaint;
};

/* Events that could not be applied, likewise. */
struct am_sample_reject {
	const char *code, *field;
	int64_t n;
	am_ms newest_at;
	const char *text;  /* of the newest; quotes nothing of it */
	const char *entry; /* its id among the rejects */
};

#define AM_SAMPLE_LETTERS 1000

/* What a person has stopped. Endpoints stand with the endpoints. */
struct am_sample_pause {
	const char *what; /* "intake" "delivery" "loop:NAME" */
	am_ms since;
	const char *by, *reason;
};

/* A figure of a day: LOOP:WHAT[:WHICH], as the core tallies. */
struct am_sample_figure {
	const char *loop, *what, *which; /* which: "" none */
	int64_t n;
};

#define AM_SAMPLE_DAYS 14

struct am_sample_day {
	char day[9]; /* "20261122", in the loops' time zones */
	const struct am_sample_figure *figures; /* by loop, what, which */
	size_t figures_n;
};

struct am_sample_finding {
	const char *what; /* a closed word: "overdue" "outbox" … (audit.h) */
	const char *of;	  /* a shard, an endpoint, a complaint */
	const char *text; /* for people: what is wrong and what to do */
	am_ms since;
};

struct am_sample_audit {
	bool on;
	bool clean;	    /* of the last that ended; false before the first */
	am_ms at, next_at;  /* 0: none yet */
	am_ms clean_at;	    /* the last clean one */
	const char *undone; /* why it could not be done; "" it was done */
	int64_t replayed;   /* journals looked at by it */
	const struct am_sample_finding *findings;
	size_t findings_n;
	const char *heartbeat; /* endpoint; "" none */
	am_ms heartbeat_at;    /* the last that was taken */
};

/* A listener. */
struct am_sample_listener {
	const char *name, *at; /* "listen" "view" */
	int64_t connections, requests, malformed, cut, shed;
};

/* What a producer's requests came to, since the start. */
struct am_sample_producer {
	const char *name;
	int64_t accepted, duplicate, passed_over; /* events */
	int64_t refused;      /* requests: 4xx but for those below */
	int64_t unauthorized; /* 401, 403 */
	int64_t limited;      /* 429 */
	int64_t unavailable;  /* 503 */
};

struct am_sample_conf {
	const char *path;
	bool ok; /* the last reload was taken */
	const char *error;
	am_ms loaded_at;
	size_t warnings_n;
};

struct am_sample {
	struct am_arena arena;
	unsigned refs;
	am_ms at;	/* made */
	am_ms asked_at; /* Redis answered for every shard; 0: never */
	bool complete;	/* every shard answered this time */
	const char *instance, *version;
	const char *state; /* the worst shard's */
	am_ms started_at;
	struct am_sample_redis redis;
	struct am_sample_conf conf;
	const struct am_sample_shard *shards;
	size_t shards_n;
	/* over all shards */
	int64_t open, held;
	int64_t overdue;
	am_ms oldest_due;
	int64_t waiting, in_flight;
	const struct am_sample_stage *stages;
	size_t stages_n;
	const struct am_sample_endpoint *endpoints;
	size_t endpoints_n;
	int64_t dead_n;
	const struct am_sample_dead *dead;
	size_t dead_groups_n;
	int64_t rejects_n;
	const struct am_sample_reject *rejects;
	size_t rejects_groups_n;
	int64_t parked_n; /* complaints set aside */
	const struct am_sample_pause *paused;
	size_t paused_n;
	struct am_sample_day days[AM_SAMPLE_DAYS]; /* today first */
	struct am_sample_audit audit;
	const struct am_sample_listener *listeners;
	size_t listeners_n;
	const struct am_sample_producer *producers;
	size_t producers_n;
	int64_t log_dropped;
	struct am_census *census; /* NULL: none yet */
};

struct am_sample *am_sample_ref(struct am_sample *s);
void am_sample_unref(struct am_sample *s); /* NULL is fine */
