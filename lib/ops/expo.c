/* expo - metrics in the text format of Prometheus, version 0.0.4. */

#include "ops/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/str.h"

/* In help a backslash and a new line are escaped, in values a quote, too. */
static void
add_escaped(struct am_buf *out, const char *s, bool quoted)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			am_buf_adds(out, "\\\\");
		else if (*s == '\n')
			am_buf_adds(out, "\\n");
		else if (*s == '"' && quoted)
			am_buf_adds(out, "\\\"");
		else
			am_buf_addc(out, *s);
	}
}

static void
add_number(struct am_buf *out, double v)
{
	char text[40];

	if (isnan(v))
		am_buf_adds(out, "NaN");
	else if (isinf(v))
		am_buf_adds(out, v > 0 ? "+Inf" : "-Inf");
	else if (v == floor(v) && fabs(v) < 1e15)
		am_buf_addi(out, (int64_t)v);
	else {
		snprintf(text, sizeof(text), "%.15g", v);
		am_buf_adds(out, text);
	}
}

/* NAME[SUFFIX]{a="b",…[,le="…"]} */
static void
add_name(struct am_buf *out, const struct am_metric_def *def,
    const struct am_series *s, const char *suffix, const double *le)
{
	size_t n = am_metric_labels_n(def);
	size_t begun;

	am_buf_adds(out, def->name);
	am_buf_adds(out, suffix);
	if (n == 0 && le == NULL) {
		am_buf_addc(out, ' ');
		return;
	}
	am_buf_addc(out, '{');
	begun = out->n;
	for (size_t i = 0; i < n; i++) {
		if (out->n != begun)
			am_buf_addc(out, ',');
		am_buf_adds(out, def->labels[i]);
		am_buf_adds(out, "=\"");
		add_escaped(out, s->labels[i], true);
		am_buf_addc(out, '"');
	}
	if (le != NULL) {
		am_buf_adds(out, out->n != begun ? ",le=\"" : "le=\"");
		add_number(out, *le);
		am_buf_addc(out, '"');
	}
	am_buf_adds(out, "} ");
}

static void
add_line(struct am_buf *out, const struct am_metric_def *def,
    const struct am_series *s, const char *suffix, double value)
{
	add_name(out, def, s, suffix, NULL);
	add_number(out, value);
	am_buf_addc(out, '\n');
}

static void
add_histogram(struct am_buf *out, const struct am_metric_def *def,
    const struct am_series *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= def->buckets_n; i++) {
		double le = i < def->buckets_n ? def->buckets[i] : INFINITY;

		n += s->upto[i];
		add_name(out, def, s, "_bucket", &le);
		am_buf_addi(out, (int64_t)n);
		am_buf_addc(out, '\n');
	}
	add_line(out, def, s, "_sum", s->value);
	add_line(out, def, s, "_count", (double)s->n);
}

static void
add_metric(
    struct am_buf *out, const struct am_metrics *m, enum am_metric metric)
{
	static const char *const types[] = {
		[AM_COUNTER] = "counter",
		[AM_GAUGE] = "gauge",
		[AM_HISTOGRAM] = "histogram",
	};
	const struct am_metric_def *def = am_metric_def(metric);
	struct am_series s = { .at = NULL };

	if (!am_metrics_next(m, metric, &s))
		return;
	am_buf_addf(out, "# HELP %s ", def->name);
	add_escaped(out, def->help, false);
	am_buf_addf(out, "\n# TYPE %s %s\n", def->name, types[def->type]);
	do {
		if (def->type == AM_HISTOGRAM)
			add_histogram(out, def, &s);
		else
			add_line(out, def, &s, "", s.value);
	} while (am_metrics_next(m, metric, &s));
}

void
am_expo_write(const struct am_metrics *m, struct am_buf *out)
{
	for (size_t i = 0; i < AM_METRICS_N; i++)
		add_metric(out, m, (enum am_metric)i);
}
