#pragma once

/*
 * alerts - what operators should hear of amends itself (layer: daemon).
 *
 * Signed webhooks to the endpoints that `alert` names: {"type", "timestamp",
 * "data": {"instance", "shard", …}}. What happens to endpoints and follow-ups
 * goes through the outboxes, in the commit of what it tells, under an id made
 * from its cause; what halts or holds a shard, and what an audit finds, goes at
 * once and past Redis, which may be what is broken, and is tried a few times
 * only.
 *
 * amends.endpoint.disabled, amends.endpoint.enabled: data.endpoint
 * amends.followup.dead, amends.followup.recovered: data.followup, .complaint
 * amends.shard.<state>, a ':' in it written '.': data.state, data.why
 * amends.audit.alarm: data.findings, each: what, of, text, since;
 * amends.audit.clean: when there are none any more. Both without a shard
 *
 * Nothing is told of what became of an alert, nor to an endpoint of itself.
 */

#include "codec/record.h"
#include "daemon/endpoints.h"
#include "ops/sample.h"
#include "store/store.h"

struct am_alerts;

/* Is it no complaint's: one of these, or a report (reports.h)? */
static inline bool
am_fu_is_alert(const struct am_fu_record *f)
{
	return f->complaint.n == 0 && f->members_n == 0;
}

/* ---- in a turn ---- */

void am_alert_endpoint(struct am_turn *t, const char *endpoint,
    const struct am_endpoint_state *state);
/* What this turn's commit puts with the dead letters; right before it goes. */
void am_alert_dead(struct am_turn *t);
/* It was delivered. Told when it had been dead (a person sent it again), or
 * when its endpoint's breaker had been open. */
void am_alert_delivered(
    struct am_turn *t, const struct am_fu_record *f, bool breaker_was_open);

/* ---- at once ---- */

struct am_alerts *am_alerts_new(struct am_engine *e);
/* Delivery is freed already. */
void am_alerts_free(struct am_alerts *a);
/* A shard's state has changed; told when it is bad, and when that is over. */
void
am_alert_shard(struct am_shard *sh, enum am_shard_state state, const char *why);
/* What an audit has found that the one before had not; n 0: all is clean. */
void am_alert_audit(
    struct am_engine *e, const struct am_sample_finding *findings, size_t n);
