#pragma once

/*
 * engine - where the modules meet (layer: daemon).
 *
 * One engine a process: the event base, the configuration in force, delivery,
 * the status socket and one shard a stream. Everything runs on one thread.
 * Instants are CLOCK_REALTIME milliseconds, read once a turn.
 */

#include <sys/queue.h>

#include "conf/conf.h"
#include "deliver/deliver.h"
#include "ops/ctl.h"
#include "store/commit.h"
#include "store/statefile.h"

#include "daemon/pace.h"

#include <event2/event.h>

struct am_activation;
struct am_alerts;
struct am_audit;
struct am_casewalk;
struct am_reports;
struct am_shard;
struct am_callbacks;
struct am_produce;
struct am_census_taker;
struct am_live;
struct am_sampler;
struct am_watch;
struct am_web;

struct am_counts {
	uint64_t applied, duplicate, ignored, rejected;
	uint64_t unmatched; /* about a number or a message that is nobody's */
	uint64_t fired, delivered, dead, suppressed, unknown, retried;
};

struct am_engine {
	struct event_base *base;
	struct evdns_base *dns;
	struct am_conf *conf; /* shared; the one in force */
	struct am_conf *next; /* waiting for every turn to end; may be NULL */
	am_ms conf_loaded_at;
	LIST_HEAD(, am_reload) reloads; /* that are not finished */
	char conf_error[512];	/* why the last reload was refused, or "" */
	const char *redis_path; /* of the embedded Redis, else NULL */
	struct am_statefile *state;
	struct am_deliver *deliver;
	struct am_alerts *alerts;
	struct am_casewalk *casewalks; /* those that go on */
	struct am_reports *reports;    /* those that are sent */
	struct am_ctl *ctl;
	struct am_web *web; /* what comes in by HTTP */
	struct am_callbacks *callbacks;
	struct am_produce *produce; /* POST /v1/events */
	struct am_census_taker *census;
	struct am_watch *watch;	    /* metrics */
	struct am_sampler *sampler; /* what operators see */
	struct am_live *live;	    /* who watches the dashboard */
	struct am_audit *audit;
	struct am_shard **shards;
	size_t shards_n;
	uint64_t served; /* claims at an endpoint, of any shard */
	struct am_counts counts;
	struct am_pace pace; /* of catch-up */
	am_ms started_at;
	bool stopping;
	bool announced; /* READY was sent */
	struct event *stop_timer;
	struct event *tick; /* each hour */
	int64_t day;	    /* UTC, of the last look at the calendars */
	bool releasing;
	am_ms stop_by;
	int exit_code;
};

am_ms am_engine_now(void);
am_ms am_engine_monotonic(void); /* CLOCK_BOOTTIME */

/*
 * Takes a share of conf, and the sockets. redis_path: socket of an embedded
 * Redis, or NULL.
 * On failure *diag says why.
 */
AM_MUSTCHECK int am_engine_new(struct event_base *base, struct am_conf *conf,
    const char *redis_path, struct am_activation *sockets,
    struct am_engine **engine, struct am_diag *diag);
void am_engine_free(struct am_engine *e);

/*
 * Finish or time out what is in flight, write the outcomes, hand the shards
 * over, end the loop. Within 20 s whatever happens.
 */
void am_engine_stop(struct am_engine *e);

/* Tell systemd and the log when the summary of all shards changes. */
void am_engine_shard_changed(struct am_engine *e);
/* The worst shard's state, for people. */
const char *am_engine_state(const struct am_engine *e);

/* Read the configuration again; done (may be NULL) gets 0 or -AM_EINVAL and
 * a text when it was refused and the old one stays in force. */
typedef void am_reload_cb(void *arg, int rc, const char *text);
void am_engine_reload(struct am_engine *e, am_reload_cb *done, void *arg);
/* Those that wait are told that it ends; behind the shards. */
void am_engine_reloads_end(struct am_engine *e);
/*
 * The same without the switch, in silence: done gets what would change, for the
 * call only; NULL when the configuration was refused as such. Whether a new
 * address could be listened on is not tried.
 */
struct am_reload_plan;
typedef void am_reload_dry_cb(
    void *arg, int rc, const char *text, const struct am_reload_plan *plan);
void
am_engine_reload_dry(struct am_engine *e, am_reload_dry_cb *done, void *arg);
/*
 * Look at the calendars once a day: dates that end are logged, and calendars
 * that are not compiled far enough ahead are compiled anew, by a reload.
 */
void am_engine_watch_calendars(struct am_engine *e);
/* A turn has ended: a configuration that waits may be switched to. */
void am_engine_turn_ended(struct am_engine *e);

/* The commands of the status socket (verbs_*.c). */
am_ctl_handler am_engine_verb;
