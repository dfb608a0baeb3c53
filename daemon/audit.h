#pragma once

/*
 * audit - does the service do what it promises? (layer: daemon)
 *
 * Every audit.every it looks at itself: nothing is overdue that should have
 * fired, no follow-up waits that could go, no event is left unread, the
 * journals of a few complaints taken at random are what was written and lead to
 * their records, every shard is looked after, Redis keeps what it is given.
 *
 * What is found is told once (`amends.audit.alarm` to the alert endpoints, a
 * line of the log) until an audit does not find it any more; when none is left
 * `amends.audit.clean` says so. A clean audit sends `amends.heartbeat` to
 * audit.heartbeat: one that is not clean, or could not be done, sends nothing,
 * and so does a daemon that is dead. Who listens there has to miss it.
 */

#include "base/buf.h"
#include "daemon/engine.h"
#include "ops/sample.h"

enum am_audit_kind {
	AM_AUDIT_OVERDUE,    /* of a shard: wake-ups due that have not fired */
	AM_AUDIT_OUTBOX,     /* of an endpoint: follow-ups that could go */
	AM_AUDIT_LAG,	     /* of a shard: events unread */
	AM_AUDIT_JOURNAL,    /* of a complaint: not what was written */
	AM_AUDIT_SHARD,	     /* of a shard: nobody looks after it */
	AM_AUDIT_POLICY,     /* of Redis: it drops keys */
	AM_AUDIT_DURABILITY, /* of Redis: below require_durability */
	AM_AUDIT_CLOCK,	     /* of Redis: its clock is another */
	AM_AUDIT_KINDS,
};
/* "overdue" … */
const char *am_audit_kind_str(enum am_audit_kind kind);

struct am_audit;

struct am_audit *am_audit_new(struct am_engine *e);
/* No callback after this. The shards and delivery go first. */
void am_audit_free(struct am_audit *a);
/* The configuration was switched: the next audit counts from now. */
void am_audit_reconfigure(struct am_audit *a);

bool am_audit_ended(const struct am_audit *a); /* one has */
/* What the last audit said, into a sample that is being made. */
void am_audit_tell(const struct am_audit *a, struct am_sample *s);

/* The same as members of a JSON object. */
void am_audit_status(const struct am_audit *a, struct am_buf *out);

/* Now, or join the one under way; cb runs once when it is done, never before
 * this returns. */
typedef void am_audit_cb(void *arg);
void am_audit_now(struct am_engine *e, am_audit_cb *cb, void *arg);
