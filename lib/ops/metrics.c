/*
 * metrics - the table, and the series of each.
 *
 * A series is found by the values of its labels, put behind each other with a
 * byte between them that no name has. What has no labels is found without
 * looking: that is what every event meets.
 */

#include "ops/metrics.h"

#include <stdlib.h>

#include "base/str.h"

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

#define LABEL_MAX 100
#define BETWEEN '\x1f'

/* Of what should take no time; of what a receiver takes; of events on their
 * way; of work that is counted in hours and days. */
static const double quick[] = { 0.001, 0.005, 0.025, 0.1, 0.5, 2, 10 };
static const double transfer[] = { 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
	30 };
static const double age[] = { 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 3600,
	86400 };
static const double lateness[] = { 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600 };
static const double work[] = { 60, 300, 900, 1800, 3600, 7200, 14400, 28800,
	86400, 172800, 432000, 864000 };

#define B(array) array, AM_COUNT(array)
#define NONE NULL, 0

/* clang-format off */
static const struct am_metric_def defs[AM_METRICS_N] = {
	[AM_M_BUILD_INFO] = { "amends_build_info", AM_GAUGE, "Always 1; version of the daemon and the name of its instance.", { "version", "name" }, NONE },
	[AM_M_CONFIG_OK] = { "amends_config_last_reload_successful", AM_GAUGE, "1 when the last reload of the configuration was taken, 0 when it was refused and the old one stays in force.", { NULL }, NONE },
	[AM_M_CONFIG_AT] = { "amends_config_last_reload_success_timestamp_seconds", AM_GAUGE, "When the configuration in force was loaded.", { NULL }, NONE },
	[AM_M_CONFIG_WARNINGS] = { "amends_config_warnings", AM_GAUGE, "Warnings of the configuration in force; amendsctl status says them.", { NULL }, NONE },
	[AM_M_REDIS_UP] = { "amends_redis_up", AM_GAUGE, "1 when Redis answers for every shard.", { NULL }, NONE },
	[AM_M_REDIS_USED] = { "amends_redis_used_memory_bytes", AM_GAUGE, "Memory that Redis uses.", { NULL }, NONE },
	[AM_M_REDIS_MAX] = { "amends_redis_max_memory_bytes", AM_GAUGE, "maxmemory of Redis; 0 is no limit.", { NULL }, NONE },
	[AM_M_REDIS_CLOCK] = { "amends_redis_clock_difference_seconds", AM_GAUGE, "Clock of Redis minus that of the daemon.", { NULL }, NONE },
	[AM_M_REDIS_CLASS] = { "amends_redis_durability_class", AM_GAUGE, "0 no append-only file, 1 every second, 2 always.", { NULL }, NONE },
	[AM_M_REDIS_REQUIRED] = { "amends_redis_durability_required_class", AM_GAUGE, "The class below which intake refuses, require_durability.", { NULL }, NONE },
	[AM_M_REDIS_NOEVICTION] = { "amends_redis_noeviction", AM_GAUGE, "1 when Redis drops no keys for want of memory.", { NULL }, NONE },
	[AM_M_SAMPLE_AGE] = { "amends_sample_age_seconds", AM_GAUGE, "How old what Redis said is; while it is away, what only Redis knows is left out.", { NULL }, NONE },
	[AM_M_SHARD_OWNED] = { "amends_shard_owned", AM_GAUGE, "1 when this daemon owns the shard and works on it.", { "shard" }, NONE },
	[AM_M_SHARD_STATE] = { "amends_shard_state", AM_GAUGE, "1 for the state in which the shard is.", { "shard", "state" }, NONE },
	[AM_M_STREAM_LAG] = { "amends_stream_lag_entries", AM_GAUGE, "Events on the stream that are not applied yet.", { "shard" }, NONE },
	[AM_M_STREAM_LAG_AGE] = { "amends_stream_lag_seconds", AM_GAUGE, "Age of the first event that is not applied yet; 0: there is none.", { "shard" }, NONE },
	[AM_M_STREAM_PENDING] = { "amends_stream_pending_entries", AM_GAUGE, "Events that are read and not committed yet.", { "shard" }, NONE },
	[AM_M_EVENT_AGE] = { "amends_event_age_seconds", AM_HISTOGRAM, "From an event's time on the stream to the commit of its effects.", { NULL }, B(age) },
	[AM_M_EVENTS] = { "amends_events_total", AM_COUNTER, "Events by what became of them.", { "result" }, NONE },
	[AM_M_EVENTS_LOST] = { "amends_events_lost_total", AM_COUNTER, "Events that somebody trimmed off the stream before they were read, since the shard began.", { "shard" }, NONE },
	[AM_M_OPEN] = { "amends_complaints_open", AM_GAUGE, "Open complaints by where they stand, those on hold included.", { "loop", "stage", "tier" }, NONE },
	[AM_M_HELD] = { "amends_complaints_held", AM_GAUGE, "Open complaints that are on hold.", { NULL }, NONE },
	[AM_M_PARKED] = { "amends_complaints_parked", AM_GAUGE, "Complaints set aside because their record or loop cannot be used; amendsctl migrate brings them back.", { NULL }, NONE },
	[AM_M_OPENED] = { "amends_complaints_opened_total", AM_COUNTER, "Complaints opened.", { "loop" }, NONE },
	[AM_M_CLOSED] = { "amends_complaints_closed_total", AM_COUNTER, "Complaints closed, by outcome.", { "loop", "outcome" }, NONE },
	[AM_M_LATENESS] = { "amends_deadline_lateness_seconds", AM_HISTOGRAM, "How long after its due a rung fired.", { NULL }, B(lateness) },
	[AM_M_OVERDUE] = { "amends_deadlines_overdue", AM_GAUGE, "Wake-ups that are due and have not fired, those not counted that wait for events before them.", { NULL }, NONE },
	[AM_M_OLDEST_DUE] = { "amends_oldest_due_seconds", AM_GAUGE, "For how long the first of the overdue wake-ups has been due; 0: there is none.", { NULL }, NONE },
	[AM_M_STAGE_DURATION] = { "amends_stage_duration_seconds", AM_HISTOGRAM, "Working time that a stage took until it was met, as its clock counts.", { "loop", "stage" }, B(work) },
	[AM_M_BREACHES] = { "amends_breaches_total", AM_COUNTER, "Deadlines missed; stage is the clock's name.", { "loop", "stage", "tier" }, NONE },
	[AM_M_CONFIRMATIONS] = { "amends_confirmations_total", AM_COUNTER, "Answers of customers.", { "loop", "answer" }, NONE },
	[AM_M_FIRED] = { "amends_followups_fired_total", AM_COUNTER, "Follow-ups fired, by the reason that their body has: stage_due, warn_50, rung_2.", { "loop", "reason" }, NONE },
	[AM_M_FOLLOWUPS] = { "amends_followups_total", AM_COUNTER, "Follow-ups by how they ended.", { "channel", "endpoint", "outcome" }, NONE },
	[AM_M_ATTEMPTS] = { "amends_followup_attempts_total", AM_COUNTER, "Attempts to send, by result.", { "endpoint", "result" }, NONE },
	[AM_M_ATTEMPT_DURATION] = { "amends_followup_attempt_duration_seconds", AM_HISTOGRAM, "How long an attempt took.", { "endpoint" }, B(transfer) },
	[AM_M_IN_FLIGHT] = { "amends_followups_in_flight", AM_GAUGE, "Follow-ups on the wire now.", { NULL }, NONE },
	[AM_M_OUTBOX_DEPTH] = { "amends_outbox_depth", AM_GAUGE, "Follow-ups that wait: due now, for a later instant, or parked with a disabled endpoint.", { "endpoint", "state" }, NONE },
	[AM_M_OUTBOX_OLDEST] = { "amends_outbox_oldest_seconds", AM_GAUGE, "For how long the first follow-up that is due has waited for its next attempt; 0: none is due.", { "endpoint" }, NONE },
	[AM_M_ENDPOINT_STATE] = { "amends_endpoint_state", AM_GAUGE, "1 for the state in which the endpoint is.", { "endpoint", "state" }, NONE },
	[AM_M_ENDPOINT_FAILING] = { "amends_endpoint_failing_seconds", AM_GAUGE, "For how long the endpoint has done nothing but fail; 0: it does not.", { "endpoint" }, NONE },
	[AM_M_DEAD] = { "amends_dead_followups", AM_GAUGE, "Follow-ups given up that nobody has looked after yet.", { NULL }, NONE },
	[AM_M_POISON] = { "amends_poison_events", AM_GAUGE, "Events that could not be applied and stand with the rejects.", { NULL }, NONE },
	[AM_M_PAUSED] = { "amends_paused", AM_GAUGE, "1 when a person has stopped it: intake, delivery or loop:NAME.", { "what" }, NONE },
	[AM_M_AUDIT_CLEAN] = { "amends_audit_clean", AM_GAUGE, "1 when the last audit found nothing wrong.", { NULL }, NONE },
	[AM_M_AUDIT_AT] = { "amends_audit_last_timestamp_seconds", AM_GAUGE, "When the last audit ended.", { NULL }, NONE },
	[AM_M_AUDIT_FINDINGS] = { "amends_audit_findings", AM_GAUGE, "What the last audit found, by kind.", { "what" }, NONE },
	[AM_M_HEARTBEAT_AT] = { "amends_heartbeat_last_success_timestamp_seconds", AM_GAUGE, "When the last heartbeat was taken.", { NULL }, NONE },
	[AM_M_HTTP_CONNECTIONS] = { "amends_http_connections", AM_GAUGE, "Connections that are open.", { "listener" }, NONE },
	[AM_M_HTTP_REQUESTS] = { "amends_http_requests_total", AM_COUNTER, "Requests that came whole.", { "listener" }, NONE },
	[AM_M_HTTP_DROPPED] = { "amends_http_dropped_total", AM_COUNTER, "Connections that came to no request: malformed, cut for want of one in time, shed for want of room.", { "listener", "why" }, NONE },
	[AM_M_INTAKE_EVENTS] = { "amends_intake_events_total", AM_COUNTER, "Events by HTTP: accepted onto the stream, a duplicate, or passed over by the producer's maps.", { "producer", "result" }, NONE },
	[AM_M_INTAKE_REFUSED] = { "amends_intake_refused_total", AM_COUNTER, "Requests by HTTP that were refused: unauthorized (401, 403; of nobody that is known under (other)), limited (429), unavailable (503), invalid (the rest).", { "producer", "why" }, NONE },
	[AM_M_LOOP_LAG] = { "amends_loop_lag_seconds", AM_HISTOGRAM, "How late the event loop came to a timer, measured each second.", { NULL }, B(quick) },
	[AM_M_LOG_DROPPED] = { "amends_log_dropped_total", AM_COUNTER, "Log lines that standard error did not take.", { NULL }, NONE },
	[AM_M_CPU] = { "process_cpu_seconds_total", AM_COUNTER, "CPU time used, user and system.", { NULL }, NONE },
	[AM_M_RSS] = { "process_resident_memory_bytes", AM_GAUGE, "Resident memory.", { NULL }, NONE },
	[AM_M_VIRTUAL] = { "process_virtual_memory_bytes", AM_GAUGE, "Virtual memory.", { NULL }, NONE },
	[AM_M_FDS] = { "process_open_fds", AM_GAUGE, "Open file descriptors.", { NULL }, NONE },
	[AM_M_FDS_MAX] = { "process_max_fds", AM_GAUGE, "File descriptors that may be open.", { NULL }, NONE },
	[AM_M_START] = { "process_start_time_seconds", AM_GAUGE, "When the daemon was started.", { NULL }, NONE },
};
/* clang-format on */

struct series {
	UT_hash_handle hh;
	char *key; /* values with BETWEEN between them */
	const char *labels[AM_METRIC_LABELS];
	double value;
	uint64_t n;
	uint64_t *upto;
	char text[]; /* the values, each with its 0; then the key */
};

struct am_metrics {
	struct series *of[AM_METRICS_N];
};

const struct am_metric_def *
am_metric_def(enum am_metric metric)
{
	AM_ASSERT((unsigned)metric < AM_METRICS_N);
	return &defs[metric];
}

size_t
am_metric_labels_n(const struct am_metric_def *def)
{
	size_t n = 0;

	while (n < AM_METRIC_LABELS && def->labels[n] != NULL)
		n++;
	return n;
}

struct am_metrics *
am_metrics_new(void)
{
	struct am_metrics *m = calloc(1, sizeof(*m));

	AM_ASSERT(m != NULL);
	return m;
}

static void
series_free(struct series *s)
{
	free(s->upto);
	free(s);
}

void
am_metrics_clear(struct am_metrics *m, enum am_metric metric)
{
	struct series *s, *next;

	HASH_ITER(hh, m->of[metric], s, next)
	{
		HASH_DEL(m->of[metric], s);
		series_free(s);
	}
}

void
am_metrics_free(struct am_metrics *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < AM_METRICS_N; i++)
		am_metrics_clear(m, (enum am_metric)i);
	free(m);
}

/* Whole characters of at most LABEL_MAX bytes. */
static size_t
cut(const char *s)
{
	size_t n = strnlen(s, LABEL_MAX + 1);

	if (n <= LABEL_MAX)
		return n;
	n = LABEL_MAX;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

struct key {
	char text[AM_METRIC_LABELS * (LABEL_MAX + 1) + 1];
	size_t n;
};

static void
make_key(const char *const *labels, size_t n, struct key *k)
{
	k->n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t bytes = cut(labels[i]);

		memcpy(k->text + k->n, labels[i], bytes);
		k->n += bytes;
		k->text[k->n++] = BETWEEN;
	}
}

static struct series *
series_new(const struct am_metric_def *def, const struct key *k)
{
	struct series *s = calloc(1, sizeof(*s) + 2 * k->n + 1);
	size_t at = 0;

	AM_ASSERT(s != NULL);
	memcpy(s->text, k->text, k->n);
	for (size_t i = 0; i < am_metric_labels_n(def); i++) {
		char *end = memchr(s->text + at, BETWEEN, k->n - at);

		*end = '\0';
		s->labels[i] = s->text + at;
		at = (size_t)(end - s->text) + 1;
	}
	s->key = s->text + k->n;
	memcpy(s->key, k->text, k->n);
	if (def->buckets_n != 0) {
		s->upto = calloc(def->buckets_n + 1, sizeof(*s->upto));
		AM_ASSERT(s->upto != NULL);
	}
	return s;
}

static struct series *
find(struct am_metrics *m, enum am_metric metric, const char *const *labels)
{
	static const char *const other[AM_METRIC_LABELS] = { AM_OTHER, AM_OTHER,
		AM_OTHER };
	const struct am_metric_def *def = am_metric_def(metric);
	size_t n = am_metric_labels_n(def);
	struct key k;
	struct series *s;

	if (n == 0 && m->of[metric] != NULL)
		return m->of[metric];
	AM_ASSERT(n == 0 || labels != NULL);
	make_key(labels, n, &k);
	HASH_FIND(hh, m->of[metric], k.text, k.n, s);
	if (s == NULL && HASH_COUNT(m->of[metric]) >= AM_SERIES_MAX) {
		make_key(other, n, &k);
		HASH_FIND(hh, m->of[metric], k.text, k.n, s);
	}
	if (s == NULL) {
		s = series_new(def, &k);
		HASH_ADD_KEYPTR(hh, m->of[metric], s->key, k.n, s);
	}
	return s;
}

void
am_metrics_add(struct am_metrics *m, enum am_metric metric,
    const char *const *labels, double n)
{
	AM_ASSERT(defs[metric].type == AM_COUNTER && n >= 0);
	find(m, metric, labels)->value += n;
}

void
am_metrics_set(struct am_metrics *m, enum am_metric metric,
    const char *const *labels, double value)
{
	AM_ASSERT(defs[metric].type != AM_HISTOGRAM);
	find(m, metric, labels)->value = value;
}

void
am_metrics_see(struct am_metrics *m, enum am_metric metric,
    const char *const *labels, double value)
{
	const struct am_metric_def *def = &defs[metric];
	struct series *s = find(m, metric, labels);
	size_t i = 0;

	AM_ASSERT(def->type == AM_HISTOGRAM);
	if (value < 0)
		value = 0;
	while (i < def->buckets_n && value > def->buckets[i])
		i++;
	s->upto[i]++;
	s->n++;
	s->value += value;
}

bool
am_metrics_next(
    const struct am_metrics *m, enum am_metric metric, struct am_series *series)
{
	const struct series *last = series->at;
	const struct series *s = last != NULL ? last->hh.next : m->of[metric];

	if (s == NULL)
		return false;
	*series = (struct am_series){
		.value = s->value, .n = s->n, .upto = s->upto, .at = s
	};
	memcpy(series->labels, s->labels, sizeof(s->labels));
	return true;
}
