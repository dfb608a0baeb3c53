#pragma once

/*
 * reports - figures that are sent on schedule (layer: daemon).
 *
 * `report "NAME"` of conf (EV3). Whoever owns the first stream makes a report,
 * once, of all shards' complaints: at its instant, when what had happened by
 * then is applied in every shard. It covers the last whole day, week (from
 * Monday) or month before that instant, and says what `amendsctl report` says
 * of those days. From then on it is a follow-up like any other: a row in the
 * outbox of each endpoint, retried, signed, dead when nobody takes it; its id
 * is made from name, period and endpoint.
 *
 * `{s}:reports` of the first stream, NAME → end of the last period made, is
 * written in the same commit. A report that is new begins with the period that
 * goes on. Behind an outage the last one is made, those before it are not.
 */

#include "daemon/shard.h"
#include "ops/schedule.h"

struct am_reports;

struct am_reports *am_reports_new(struct am_engine *e);
/* The engine ends: before its shards, behind am_casewalks_cancel(). */
void am_reports_free(struct am_reports *r);
/* Something has changed: a shard's state, the configuration. */
void am_reports_look(struct am_reports *r);

/* It is a report that is sent, and no complaint's. */
static inline bool
am_fu_is_report(const struct am_fu_record *f)
{
	return f->complaint.n == 0 && f->reason == AM_REASON_REPORT;
}
