/*
 * watch_tell - the metrics as they are told.
 *
 * What stands somewhere anyway is set when somebody asks, from the sample; the
 * rest was counted as it happened. What only Redis knows is left out while it
 * does not answer: an old number is no number, and amends_redis_up says why.
 */

#include "daemon/watch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/audit.h"
#include "daemon/produce.h"
#include "daemon/watch_int.h"

#include <amends/version.h>

static void
set(struct am_metrics *m, enum am_metric metric, double value)
{
	am_metrics_set(m, metric, NULL, value);
}

static void
set1(struct am_metrics *m, enum am_metric metric, const char *label,
    double value)
{
	const char *const labels[] = { label };

	am_metrics_set(m, metric, labels, value);
}

static void
set2(struct am_metrics *m, enum am_metric metric, const char *a, const char *b,
    double value)
{
	const char *const labels[] = { a, b };

	am_metrics_set(m, metric, labels, value);
}

static double
seconds(am_ms ms)
{
	return (double)ms / AM_SECOND;
}

/* From an instant until now; 0: there is none. */
static double
since(const struct am_sample *s, am_ms at)
{
	return at != 0 && s->at > at ? seconds(s->at - at) : 0;
}

/* Gauges whose series come and go with what they speak of. */
static void
forget(struct am_metrics *m, const struct am_sample *s)
{
	static const enum am_metric always[] = { AM_M_BUILD_INFO,
		AM_M_SHARD_STATE, AM_M_ENDPOINT_STATE, AM_M_ENDPOINT_FAILING,
		AM_M_PAUSED, AM_M_AUDIT_FINDINGS, AM_M_HTTP_CONNECTIONS,
		AM_M_OPEN, AM_M_OUTBOX_DEPTH, AM_M_OUTBOX_OLDEST };
	static const enum am_metric of_redis[] = { AM_M_STREAM_LAG,
		AM_M_STREAM_LAG_AGE, AM_M_HELD, AM_M_PARKED, AM_M_OVERDUE,
		AM_M_OLDEST_DUE, AM_M_DEAD, AM_M_POISON, AM_M_SAMPLE_AGE };

	for (size_t i = 0; i < AM_COUNT(always); i++)
		am_metrics_clear(m, always[i]);
	for (size_t i = 0; !s->complete && i < AM_COUNT(of_redis); i++)
		am_metrics_clear(m, of_redis[i]);
}

/* ---- the process ---- */

static double
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = -3; /* "." and ".." and the one that looks */

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n > 0 ? n : 0;
}

static void
set_memory(struct am_metrics *m)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages, resident;
	double page = (double)sysconf(_SC_PAGESIZE);

	if (f == NULL)
		return;
	if (fscanf(f, "%lu %lu", &pages, &resident) == 2) {
		set(m, AM_M_VIRTUAL, (double)pages * page);
		set(m, AM_M_RSS, (double)resident * page);
	}
	fclose(f);
}

static double
of_timeval(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void
tell_process(struct am_metrics *m, const struct am_sample *s)
{
	struct rusage used;
	struct rlimit files;

	if (getrusage(RUSAGE_SELF, &used) == 0)
		set(m, AM_M_CPU,
		    of_timeval(used.ru_utime) + of_timeval(used.ru_stime));
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		set(m, AM_M_FDS_MAX, (double)files.rlim_cur);
	set(m, AM_M_FDS, open_fds());
	set_memory(m);
	set(m, AM_M_START, seconds(s->started_at));
	set(m, AM_M_LOG_DROPPED, (double)s->log_dropped);
}

/* ---- Redis and the shards ---- */

/* "D2" is 2; not said: 0 */
static double
class_of(const char *d)
{
	return d[0] == 'D' && d[1] >= '0' && d[1] <= '9' ? d[1] - '0' : 0;
}

static void
tell_redis(struct am_metrics *m, const struct am_sample *s)
{
	const struct am_sample_redis *r = &s->redis;

	set(m, AM_M_REDIS_UP, r->up);
	set(m, AM_M_REDIS_REQUIRED, class_of(r->required));
	if (s->asked_at != 0)
		set(m, AM_M_SAMPLE_AGE, since(s, s->asked_at));
	if (r->version[0] == '\0')
		return; /* never seen */
	set(m, AM_M_REDIS_CLASS, class_of(r->durability));
	set(m, AM_M_REDIS_NOEVICTION, strcmp(r->policy, "noeviction") == 0);
	set(m, AM_M_REDIS_CLOCK, seconds(r->clock_diff));
	set(m, AM_M_REDIS_USED, (double)r->used_bytes);
	set(m, AM_M_REDIS_MAX, (double)r->max_bytes);
}

static void
tell_shards(struct am_metrics *m, const struct am_sample *s)
{
	static const char *const states[] = { "running", "standby", "lagging",
		"starting", "held:clock", "halted:dataset",
		"halted:stream-behind", "halted:storage", "degraded:redis",
		"released" };

	for (size_t i = 0; i < s->shards_n; i++) {
		const struct am_sample_shard *sh = &s->shards[i];

		set1(m, AM_M_SHARD_OWNED, sh->stream, sh->mine);
		for (size_t k = 0; k < AM_COUNT(states); k++)
			set2(m, AM_M_SHARD_STATE, sh->stream, states[k],
			    strcmp(sh->state, states[k]) == 0);
		set1(m, AM_M_STREAM_PENDING, sh->stream, (double)sh->pending);
		set1(m, AM_M_EVENTS_LOST, sh->stream, (double)sh->lost);
		if (!s->complete)
			continue;
		set1(m, AM_M_STREAM_LAG, sh->stream, (double)sh->lag);
		set1(m, AM_M_STREAM_LAG_AGE, sh->stream, seconds(sh->lag_age));
	}
}

static void
tell_events(struct am_metrics *m, const struct am_counts *c)
{
	const struct {
		const char *result;
		uint64_t n;
	} results[] = {
		{ "applied", c->applied },
		{ "duplicate", c->duplicate },
		{ "ignored", c->ignored },
		{ "rejected", c->rejected },
		{ "unmatched", c->unmatched },
	};

	for (size_t i = 0; i < AM_COUNT(results); i++)
		set1(m, AM_M_EVENTS, results[i].result, (double)results[i].n);
}

/* ---- what Redis holds ---- */

/* What the configuration has no more is one row. */
static void
tell_stages(struct am_metrics *m, const struct am_sample *s)
{
	const char *const other[] = { AM_OTHER, AM_OTHER, AM_OTHER };
	double more = 0;

	for (size_t i = 0; i < s->stages_n; i++) {
		const struct am_sample_stage *st = &s->stages[i];
		const char *const labels[] = { st->loop, st->stage, st->tier };

		if (st->known)
			am_metrics_set(m, AM_M_OPEN, labels, (double)st->open);
		else
			more += (double)st->open;
	}
	if (more != 0)
		am_metrics_set(m, AM_M_OPEN, other, more);
}

static void
tell_counts(struct am_metrics *m, const struct am_sample *s)
{
	set(m, AM_M_HELD, (double)s->held);
	set(m, AM_M_PARKED, (double)s->parked_n);
	set(m, AM_M_OVERDUE, (double)s->overdue);
	set(m, AM_M_OLDEST_DUE, since(s, s->oldest_due));
	set(m, AM_M_DEAD, (double)s->dead_n);
	set(m, AM_M_POISON, (double)s->rejects_n);
}

static void
tell_outbox(struct am_metrics *m, const struct am_sample *s,
    const struct am_sample_endpoint *ep, const char *name)
{
	double later = (double)ep->late[AM_LATE_NOT];
	double due = (double)ep->waiting - later;
	bool parked = ep->disabled;

	set2(m, AM_M_OUTBOX_DEPTH, name, "due", parked ? 0 : due);
	set2(m, AM_M_OUTBOX_DEPTH, name, "later", parked ? 0 : later);
	set2(m, AM_M_OUTBOX_DEPTH, name, "parked", parked ? due + later : 0);
	set1(m, AM_M_OUTBOX_OLDEST, name, since(s, ep->oldest_due));
}

static const char *
state_of(const struct am_sample *s, const struct am_sample_endpoint *ep)
{
	if (ep->disabled)
		return "disabled";
	if (strcmp(ep->breaker, "closed") == 0 && ep->paused_until > s->at)
		return "paused";
	return ep->breaker;
}

static void
tell_endpoints(struct am_metrics *m, const struct am_sample *s)
{
	static const char *const states[] = { "closed", "open", "half-open",
		"paused", "disabled" };
	struct am_sample_endpoint gone = { .known = false };
	size_t unknown = 0;

	for (size_t i = 0; i < s->endpoints_n; i++) {
		const struct am_sample_endpoint *ep = &s->endpoints[i];

		if (!ep->known) {
			unknown++;
			gone.waiting += ep->waiting;
			gone.late[AM_LATE_NOT] += ep->late[AM_LATE_NOT];
			if (gone.oldest_due == 0 ||
			    (ep->oldest_due != 0 &&
				ep->oldest_due < gone.oldest_due))
				gone.oldest_due = ep->oldest_due;
			continue;
		}
		for (size_t k = 0; k < AM_COUNT(states); k++)
			set2(m, AM_M_ENDPOINT_STATE, ep->name, states[k],
			    strcmp(state_of(s, ep), states[k]) == 0);
		if (!s->complete)
			continue;
		set1(m, AM_M_ENDPOINT_FAILING, ep->name,
		    since(s, ep->failing_since));
		tell_outbox(m, s, ep, ep->name);
	}
	if (s->complete && unknown != 0)
		tell_outbox(m, s, &gone, AM_OTHER);
}

/* A loop that the configuration does not have is one of the others. */
static void
tell_paused(
    struct am_metrics *m, const struct am_conf *conf, const struct am_sample *s)
{
	set1(m, AM_M_PAUSED, "intake", 0);
	set1(m, AM_M_PAUSED, "delivery", 0);
	for (size_t i = 0; i < s->paused_n; i++) {
		struct am_str what = am_str_c(s->paused[i].what);
		struct am_str loop = what;
		bool known =
		    am_str_is(what, "intake") || am_str_is(what, "delivery");

		if (am_str_prefix(what, "loop:")) {
			loop.p += 5;
			loop.n -= 5;
			known = am_conf_loop(conf, loop) != NULL;
		}
		set1(m, AM_M_PAUSED, known ? s->paused[i].what : AM_OTHER, 1);
	}
}

/* ---- audit and HTTP ---- */

static void
tell_audit(struct am_metrics *m, const struct am_sample *s)
{
	const struct am_sample_audit *a = &s->audit;

	for (size_t i = 0; i < AM_AUDIT_KINDS; i++) {
		const char *what = am_audit_kind_str((enum am_audit_kind)i);
		double n = 0;

		for (size_t k = 0; k < a->findings_n; k++)
			n += strcmp(a->findings[k].what, what) == 0;
		set1(m, AM_M_AUDIT_FINDINGS, what, n);
	}
	if (a->at != 0) {
		set(m, AM_M_AUDIT_CLEAN, a->clean);
		set(m, AM_M_AUDIT_AT, seconds(a->at));
	}
	if (a->heartbeat[0] != '\0')
		set(m, AM_M_HEARTBEAT_AT, seconds(a->heartbeat_at));
}

static void
tell_listeners(struct am_metrics *m, const struct am_sample *s)
{
	for (size_t i = 0; i < s->listeners_n; i++) {
		const struct am_sample_listener *l = &s->listeners[i];

		set1(m, AM_M_HTTP_CONNECTIONS, l->name, (double)l->connections);
		set1(m, AM_M_HTTP_REQUESTS, l->name, (double)l->requests);
		set2(m, AM_M_HTTP_DROPPED, l->name, "malformed",
		    (double)l->malformed);
		set2(m, AM_M_HTTP_DROPPED, l->name, "cut", (double)l->cut);
		set2(m, AM_M_HTTP_DROPPED, l->name, "shed", (double)l->shed);
	}
}

static void
tell_producers(
    struct am_metrics *m, const struct am_engine *e, const struct am_sample *s)
{
	/* a wrong key at /v1/events names nobody */
	if (s->producers_n > 0)
		set2(m, AM_M_INTAKE_REFUSED, AM_OTHER, "unauthorized",
		    (double)am_produce_strangers(e->produce));
	for (size_t i = 0; i < s->producers_n; i++) {
		const struct am_sample_producer *p = &s->producers[i];
		const struct {
			enum am_metric metric;
			const char *word;
			int64_t n;
		} rows[] = {
			{ AM_M_INTAKE_EVENTS, "accepted", p->accepted },
			{ AM_M_INTAKE_EVENTS, "duplicate", p->duplicate },
			{ AM_M_INTAKE_EVENTS, "passed_over", p->passed_over },
			{ AM_M_INTAKE_REFUSED, "invalid", p->refused },
			{ AM_M_INTAKE_REFUSED, "unauthorized",
			    p->unauthorized },
			{ AM_M_INTAKE_REFUSED, "limited", p->limited },
			{ AM_M_INTAKE_REFUSED, "unavailable", p->unavailable },
		};

		for (size_t k = 0; k < AM_COUNT(rows); k++)
			set2(m, rows[k].metric, p->name, rows[k].word,
			    (double)rows[k].n);
	}
}

void
am_watch_write(
    struct am_engine *e, const struct am_sample *s, struct am_buf *out)
{
	struct am_metrics *m = e->watch->metrics;

	forget(m, s);
	set2(m, AM_M_BUILD_INFO, AM_VERSION, e->conf->instance, 1);
	set(m, AM_M_CONFIG_OK, s->conf.ok);
	set(m, AM_M_CONFIG_AT, seconds(s->conf.loaded_at));
	set(m, AM_M_CONFIG_WARNINGS, (double)s->conf.warnings_n);
	tell_redis(m, s);
	tell_shards(m, s);
	tell_events(m, &e->counts);
	if (s->complete) {
		tell_stages(m, s);
		tell_counts(m, s);
		tell_paused(m, e->conf, s);
	}
	tell_endpoints(m, s);
	set(m, AM_M_IN_FLIGHT, (double)s->in_flight);
	tell_audit(m, s);
	tell_listeners(m, s);
	tell_producers(m, e, s);
	tell_process(m, s);
	am_expo_write(m, out);
}
