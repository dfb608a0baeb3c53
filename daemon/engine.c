/*
 * engine - the modules' meeting place: start, summary, stop.
 *
 * Stopping is a walk of small steps driven by the same kicks as the work: no
 * new claims and no new entries; then wait for what is on the wire (at most the
 * longest endpoint timeout) and for its outcomes to be written; then hand the
 * shards over; then leave the loop. A second timer bounds all of it.
 */

#include "daemon/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/dns.h>

#include "daemon/alerts.h"
#include "daemon/audit.h"
#include "daemon/casewalk.h"
#include "daemon/callbacks.h"
#include "daemon/census.h"
#include "daemon/live.h"
#include "daemon/notify.h"
#include "daemon/produce.h"
#include "daemon/reports.h"
#include "daemon/sample.h"
#include "daemon/shard.h"
#include "daemon/watch.h"
#include "daemon/web.h"
#include "log/log.h"

#define STOP_MAX (20 * AM_SECOND)
#define STOP_SENDS (15 * AM_SECOND)

am_ms
am_engine_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

am_ms
am_engine_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- summary ---- */

static int
rank(enum am_shard_state s)
{
	switch (s) {
	case AM_SHARD_RUNNING:
		return 0;
	case AM_SHARD_STANDBY:
		return 1;
	case AM_SHARD_RELEASED:
		return 2;
	case AM_SHARD_STARTING:
		return 3;
	case AM_SHARD_HELD_CLOCK:
		return 4;
	case AM_SHARD_DEGRADED:
		return 5;
	case AM_SHARD_HALTED_DATASET:
	case AM_SHARD_HALTED_BEHIND:
	case AM_SHARD_HALTED_STORAGE:
		return 6;
	}
	return 6;
}

const char *
am_engine_state(const struct am_engine *e)
{
	const struct am_shard *worst = e->shards[0];

	for (size_t i = 1; i < e->shards_n; i++)
		if (rank(am_store_state(e->shards[i]->store)) >
		    rank(am_store_state(worst->store)))
			worst = e->shards[i];
	return e->stopping ? "stopping" : am_shard_state_name(worst);
}

/* Redis drops keys under memory pressure: nothing can be promised on it. */
static bool
refuses_policy(struct am_engine *e)
{
	for (size_t i = 0; i < e->shards_n; i++) {
		const struct am_redis_facts *f =
		    am_store_facts(e->shards[i]->store);

		if (f->policy[0] == '\0' ||
		    strcmp(f->policy, "noeviction") == 0)
			continue;
		am_log_err("start_refused",
		    "reason=maxmemory-policy is=%s should=noeviction",
		    f->policy);
		e->exit_code = 1;
		event_base_loopbreak(e->base);
		return true;
	}
	return false;
}

void
am_engine_shard_changed(struct am_engine *e)
{
	size_t mine = 0;

	am_reports_look(e->reports);
	for (size_t i = 0; i < e->shards_n; i++) {
		if (e->shards[i] == NULL)
			return; /* still being made */
		mine += e->shards[i]->running;
		if (!e->announced &&
		    am_store_state(e->shards[i]->store) == AM_SHARD_STARTING)
			return;
	}
	am_notify_status("%s; %zu of %zu shards owned", am_engine_state(e),
	    mine, e->shards_n);
	if (!e->announced && !e->stopping && !refuses_policy(e)) {
		e->announced = true;
		am_notify_ready();
		am_log_notice("ready", "instance=%s shards=%zu owned=%zu",
		    e->conf->instance, e->shards_n, mine);
	}
}

/* ---- stop ---- */

static bool
all_released(const struct am_engine *e)
{
	for (size_t i = 0; i < e->shards_n; i++)
		if (!e->shards[i]->released)
			return false;
	return true;
}

static void
stop_step(struct am_engine *e)
{
	am_ms now = am_engine_monotonic();
	bool quiet = true;

	if (now >= e->stop_by) {
		am_log_warn("stop_forced", "reason=timeout");
		event_base_loopbreak(e->base);
		return;
	}
	for (size_t i = 0; i < e->shards_n; i++)
		quiet = quiet && am_shard_quiet(e->shards[i]);
	quiet = quiet && am_callbacks_quiet(e->callbacks) &&
		am_produce_quiet(e->produce) && am_web_quiet(e->web);
	if (!quiet && now < e->stop_by - (STOP_MAX - STOP_SENDS))
		return;
	if (!e->releasing) {
		e->releasing = true;
		for (size_t i = 0; i < e->shards_n; i++)
			am_shard_release(e->shards[i]);
	}
	if (all_released(e))
		event_base_loopexit(e->base, NULL);
}

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop_step(arg);
}

void
am_engine_stop(struct am_engine *e)
{
	const struct timeval tick = { .tv_usec = 10000 };

	if (e->stopping)
		return;
	e->stopping = true;
	e->stop_by = am_engine_monotonic() + STOP_MAX;
	am_notify_stopping();
	am_log_notice(
	    "stopping", "in_flight=%u", am_deliver_in_flight(e->deliver));
	am_web_stop(e->web);
	am_callbacks_stop(e->callbacks);
	event_add(e->stop_timer, &tick);
}

/* ---- life ---- */

int
am_engine_new(struct event_base *base, struct am_conf *conf,
    const char *redis_path, struct am_activation *sockets,
    struct am_engine **out, struct am_diag *diag)
{
	struct am_engine *e = calloc(1, sizeof(*e));
	const struct am_ctl_opts ctl = {
		.path = conf->status.socket,
		.mode = conf->status.mode,
		.view = conf->status.view,
		.operate = conf->status.operate,
		.view_n = conf->status.view_n,
		.operate_n = conf->status.operate_n,
	};
	int rc;

	AM_ASSERT(e != NULL);
	e->base = base;
	e->conf = conf;
	e->redis_path = redis_path;
	e->started_at = e->conf_loaded_at = am_engine_now();
	rc = am_statefile_open(conf->data_dir, conf->instance, &e->state, diag);
	if (rc != 0)
		goto out;
	if (conf->status.socket != NULL) {
		rc = am_ctl_new(base, &ctl, am_engine_verb, e, &e->ctl, diag);
		if (rc != 0)
			goto out;
	}
	e->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE |
					  EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (e->dns == NULL) /* no resolv.conf: names in /etc/hosts still work */
		e->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	AM_ASSERT(e->dns != NULL);
	evdns_base_load_hosts(e->dns, "/etc/hosts");
	e->deliver = am_deliver_new(base, e->dns);
	am_deliver_configure(e->deliver, conf, e->started_at);
	e->alerts = am_alerts_new(e);
	e->reports = am_reports_new(e);
	e->callbacks = am_callbacks_new(e);
	e->produce = am_produce_new(e);
	e->census = am_census_taker_new(e);
	e->watch = am_watch_new(e);
	e->sampler = am_sampler_new(e);
	e->live = am_live_new(e);
	e->audit = am_audit_new(e);
	rc = am_web_new(e, sockets, &e->web, diag);
	if (rc != 0)
		goto out;
	e->stop_timer = event_new(base, -1, EV_PERSIST, on_stop_timer, e);
	e->shards = calloc(conf->redis.streams_n, sizeof(*e->shards));
	AM_ASSERT(e->stop_timer != NULL && e->shards != NULL);
	e->shards_n = conf->redis.streams_n;
	for (size_t i = 0; i < e->shards_n; i++)
		e->shards[i] = am_shard_new(e, conf->redis.streams[i]);
	am_engine_watch_calendars(e);
	*out = e;
	return 0;
out:
	am_engine_free(e);
	return rc;
}

void
am_engine_free(struct am_engine *e)
{
	if (e == NULL)
		return;
	if (e->stop_timer != NULL)
		event_free(e->stop_timer);
	if (e->tick != NULL)
		event_free(e->tick);
	am_ctl_free(e->ctl);
	am_casewalks_cancel(e);
	am_reports_free(e->reports);
	e->reports = NULL;
	/* first what calls back into the shards */
	am_deliver_free(e->deliver);
	am_alerts_free(e->alerts);
	for (size_t i = 0; i < e->shards_n; i++)
		am_shard_free(e->shards[i]);
	am_audit_free(e->audit);
	am_live_free(e->live);
	am_sampler_free(e->sampler);
	am_census_taker_free(e->census);
	am_watch_free(e->watch);
	free(e->shards);
	e->shards_n = 0;
	am_engine_reloads_end(e);
	am_produce_free(e->produce);
	/* let deferred callbacks run: they free what they carry */
	event_base_loop(e->base, EVLOOP_NONBLOCK);
	am_web_free(e->web);
	am_callbacks_free(e->callbacks);
	if (e->dns != NULL)
		evdns_base_free(e->dns, 1);
	if (e->state != NULL)
		am_statefile_close(e->state);
	am_pace_fini(&e->pace);
	am_conf_unref(e->next);
	am_conf_unref(e->conf);
	free(e);
}
