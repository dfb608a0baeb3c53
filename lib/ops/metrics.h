#pragma once

/*
 * metrics - what is counted and measured (layer: ops).
 *
 * One table declares every metric: name, type, help and labels. A metric that
 * is not in it cannot be set; lint wants each in amendsd(8), and set somewhere.
 * Values of labels are names of the configuration and closed words, never what
 * an event says of itself; a metric with AM_SERIES_MAX of them takes no more:
 * what comes then is counted under AM_OTHER.
 *
 * Seconds and bytes, as doubles, are the only units.
 */

#include "base/buf.h"

#define AM_METRIC_LABELS 3
#define AM_SERIES_MAX 1000
#define AM_OTHER "(other)"

enum am_metric_type {
	AM_COUNTER, /* only rises, from 0 at the start */
	AM_GAUGE,
	AM_HISTOGRAM,
};

/* In the order of the table in metrics.c. */
enum am_metric {
	AM_M_BUILD_INFO,
	AM_M_CONFIG_OK,
	AM_M_CONFIG_AT,
	AM_M_CONFIG_WARNINGS,
	AM_M_REDIS_UP,
	AM_M_REDIS_USED,
	AM_M_REDIS_MAX,
	AM_M_REDIS_CLOCK,
	AM_M_REDIS_CLASS,
	AM_M_REDIS_REQUIRED,
	AM_M_REDIS_NOEVICTION,
	AM_M_SAMPLE_AGE,
	AM_M_SHARD_OWNED,
	AM_M_SHARD_STATE,
	AM_M_STREAM_LAG,
	AM_M_STREAM_LAG_AGE,
	AM_M_STREAM_PENDING,
	AM_M_EVENT_AGE,
	AM_M_EVENTS,
	AM_M_EVENTS_LOST,
	AM_M_OPEN,
	AM_M_HELD,
	AM_M_PARKED,
	AM_M_OPENED,
	AM_M_CLOSED,
	AM_M_LATENESS,
	AM_M_OVERDUE,
	AM_M_OLDEST_DUE,
	AM_M_STAGE_DURATION,
	AM_M_BREACHES,
	AM_M_CONFIRMATIONS,
	AM_M_FIRED,
	AM_M_FOLLOWUPS,
	AM_M_ATTEMPTS,
	AM_M_ATTEMPT_DURATION,
	AM_M_IN_FLIGHT,
	AM_M_OUTBOX_DEPTH,
	AM_M_OUTBOX_OLDEST,
	AM_M_ENDPOINT_STATE,
	AM_M_ENDPOINT_FAILING,
	AM_M_DEAD,
	AM_M_POISON,
	AM_M_PAUSED,
	AM_M_AUDIT_CLEAN,
	AM_M_AUDIT_AT,
	AM_M_AUDIT_FINDINGS,
	AM_M_HEARTBEAT_AT,
	AM_M_HTTP_CONNECTIONS,
	AM_M_HTTP_REQUESTS,
	AM_M_HTTP_DROPPED,
	AM_M_INTAKE_EVENTS,
	AM_M_INTAKE_REFUSED,
	AM_M_LOOP_LAG,
	AM_M_LOG_DROPPED,
	AM_M_CPU,
	AM_M_RSS,
	AM_M_VIRTUAL,
	AM_M_FDS,
	AM_M_FDS_MAX,
	AM_M_START,
	AM_METRICS_N,
};

struct am_metric_def {
	const char *name;
	enum am_metric_type type;
	const char *help;
	const char *labels[AM_METRIC_LABELS]; /* NULL behind the last */
	const double *buckets;		      /* upper bounds, of a histogram */
	size_t buckets_n;
};

const struct am_metric_def *am_metric_def(enum am_metric metric);
size_t am_metric_labels_n(const struct am_metric_def *def);

struct am_metrics;

struct am_metrics *am_metrics_new(void);
void am_metrics_free(struct am_metrics *m);

/*
 * labels: as many values as the metric has labels; NULL for none. A value is
 * cut at 100 bytes. add: to a counter. set: a gauge, or a counter that is kept
 * elsewhere. see: one value of a histogram, negative ones as 0.
 */
void am_metrics_add(struct am_metrics *m, enum am_metric metric,
    const char *const *labels, double n);
void am_metrics_set(struct am_metrics *m, enum am_metric metric,
    const char *const *labels, double value);
void am_metrics_see(struct am_metrics *m, enum am_metric metric,
    const char *const *labels, double value);
/* All of its series go. */
void am_metrics_clear(struct am_metrics *m, enum am_metric metric);

/* For the text and for tests. */
struct am_series {
	const char *labels[AM_METRIC_LABELS];
	double value;	      /* of a histogram: the sum */
	uint64_t n;	      /* of a histogram: how many */
	const uint64_t *upto; /* in each bucket alone, buckets_n + 1 */
	const void *at;	      /* NULL: begin with the first */
};
/* The next series of a metric, in the order in which they came; false: there is
 * none. *series is all zero at first. */
bool am_metrics_next(const struct am_metrics *m, enum am_metric metric,
    struct am_series *series);

/* ---- expo.c ---- */

#define AM_EXPO_TYPE "text/plain; version=0.0.4; charset=utf-8"
/* Every metric that has a series, in the text format of Prometheus. */
void am_expo_write(const struct am_metrics *m, struct am_buf *out);
