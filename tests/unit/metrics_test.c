/* metrics - the table keeps to the rules of names, the text to its format. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "ops/metrics.h"

static const char *
text_of(const struct am_metrics *m, struct am_arena *a)
{
	struct am_buf b;

	am_buf_arena(&b, a, 4096);
	am_expo_write(m, &b);
	am_buf_addc(&b, '\0');
	return b.p;
}

struct world {
	struct am_metrics *m;
	struct am_arena a;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->m = am_metrics_new();
	am_arena_init(&w->a, 0);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	am_metrics_free(w->m);
	am_arena_fini(&w->a);
	free(w);
	return 0;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

static bool
is_name(const char *s)
{
	return s[0] != '\0' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(s);
}

/* Every row is filled, and named as Prometheus wants it. */
static void
test_table_when_read_then_every_row_keeps_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_METRICS_N; i++) {
		const struct am_metric_def *d =
		    am_metric_def((enum am_metric)i);

		assert_non_null(d->name);
		assert_true(is_name(d->name));
		assert_true(strncmp(d->name, "amends_", 7) == 0 ||
			    strncmp(d->name, "process_", 8) == 0);
		assert_int_equal(
		    ends_with(d->name, "_total"), d->type == AM_COUNTER);
		assert_false(ends_with(d->name, "_ms"));
		assert_true(strlen(d->help) > 10 && ends_with(d->help, "."));
		assert_int_equal(d->buckets_n != 0, d->type == AM_HISTOGRAM);
		for (size_t k = 1; k < d->buckets_n; k++)
			assert_true(d->buckets[k - 1] < d->buckets[k]);
		for (size_t k = 0; k < am_metric_labels_n(d); k++) {
			assert_true(is_name(d->labels[k]));
			assert_string_not_equal(d->labels[k], "le");
			assert_string_not_equal(d->labels[k], "instance");
		}
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    d->name, am_metric_def((enum am_metric)k)->name);
	}
}

static void
test_text_when_nothing_was_set_then_is_empty(void **state)
{
	struct world *w = *state;

	assert_string_equal(text_of(w->m, &w->a), "");
}

static void
test_text_when_values_were_set_then_is_the_format(void **state)
{
	struct world *w = *state;
	const char *const a[] = { "applied" }, *const b[] = { "rejected" };

	am_metrics_set(w->m, AM_M_REDIS_UP, NULL, 1);
	am_metrics_add(w->m, AM_M_EVENTS, a, 2);
	am_metrics_add(w->m, AM_M_EVENTS, a, 1);
	am_metrics_set(w->m, AM_M_EVENTS, b, 0);
	am_metrics_set(w->m, AM_M_REDIS_CLOCK, NULL, -0.25);
	assert_string_equal(text_of(w->m, &w->a),
	    "# HELP amends_redis_up 1 when Redis answers for every shard.\n"
	    "# TYPE amends_redis_up gauge\n"
	    "amends_redis_up 1\n"
	    "# HELP amends_redis_clock_difference_seconds Clock of Redis minus "
	    "that of the daemon.\n"
	    "# TYPE amends_redis_clock_difference_seconds gauge\n"
	    "amends_redis_clock_difference_seconds -0.25\n"
	    "# HELP amends_events_total Events by what became of them.\n"
	    "# TYPE amends_events_total counter\n"
	    "amends_events_total{result=\"applied\"} 3\n"
	    "amends_events_total{result=\"rejected\"} 0\n");
}

static void
test_text_when_a_histogram_then_its_buckets_add_up(void **state)
{
	struct world *w = *state;
	const char *const crm[] = { "crm" };
	const char *text;

	am_metrics_see(w->m, AM_M_ATTEMPT_DURATION, crm, 0.05); /* its bound */
	am_metrics_see(w->m, AM_M_ATTEMPT_DURATION, crm, 0.07);
	am_metrics_see(w->m, AM_M_ATTEMPT_DURATION, crm, 31);
	am_metrics_see(w->m, AM_M_ATTEMPT_DURATION, crm, -1);
	text = text_of(w->m, &w->a);
#define LINE "amends_followup_attempt_duration_seconds"
	assert_non_null(
	    strstr(text, LINE "_bucket{endpoint=\"crm\",le=\"0.01\"} 1\n"));
	assert_non_null(
	    strstr(text, LINE "_bucket{endpoint=\"crm\",le=\"0.05\"} 2\n"));
	assert_non_null(
	    strstr(text, LINE "_bucket{endpoint=\"crm\",le=\"0.1\"} 3\n"));
	assert_non_null(
	    strstr(text, LINE "_bucket{endpoint=\"crm\",le=\"30\"} 3\n"));
	assert_non_null(
	    strstr(text, LINE "_bucket{endpoint=\"crm\",le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text, LINE "_sum{endpoint=\"crm\"} 31.12\n"));
	assert_non_null(strstr(text, LINE "_count{endpoint=\"crm\"} 4\n"));
}

static void
test_text_when_a_label_is_hostile_then_it_stays_one_line(void **state)
{
	struct world *w = *state;
	const char *const bad[] = { "a\"b\\c\nd{} 1" };
	const char *text;

	am_metrics_set(w->m, AM_M_SHARD_OWNED, bad, 1);
	text = text_of(w->m, &w->a);
	assert_non_null(strstr(
	    text, "amends_shard_owned{shard=\"a\\\"b\\\\c\\nd{} 1\"} 1\n"));
}

/* OP4: whatever is fed, the number of series stays. */
static void
test_series_when_there_are_too_many_then_the_rest_is_one(void **state)
{
	struct world *w = *state;
	struct am_series s = { .at = NULL };
	size_t n = 0;
	double sum = 0;

	for (int i = 0; i < 3 * AM_SERIES_MAX; i++) {
		char name[20];
		const char *const labels[] = { name };

		snprintf(name, sizeof(name), "loop-%d", i);
		am_metrics_add(w->m, AM_M_OPENED, labels, 1);
	}
	while (am_metrics_next(w->m, AM_M_OPENED, &s)) {
		n++;
		sum += s.value;
		if (n > AM_SERIES_MAX)
			assert_string_equal(s.labels[0], AM_OTHER);
	}
	assert_int_equal(n, AM_SERIES_MAX + 1);
	assert_true(sum == 3 * AM_SERIES_MAX);
}

/* A long name is cut between characters, and found again. */
static void
test_series_when_a_value_is_long_then_it_is_cut_whole(void **state)
{
	struct world *w = *state;
	struct am_series s = { .at = NULL };
	char name[302];
	const char *const labels[] = { name };

	name[0] = 'x';
	for (size_t i = 0; i < 100; i++)
		memcpy(name + 1 + 3 * i, "诉", 3);
	name[301] = '\0';
	am_metrics_set(w->m, AM_M_SHARD_OWNED, labels, 1);
	am_metrics_set(w->m, AM_M_SHARD_OWNED, labels, 0);
	assert_true(am_metrics_next(w->m, AM_M_SHARD_OWNED, &s));
	assert_int_equal(strlen(s.labels[0]), 100);
	assert_true(am_utf8_ok(am_str_c(s.labels[0])));
	assert_false(am_metrics_next(w->m, AM_M_SHARD_OWNED, &s));
}

/* Values that put together read alike are two series. */
static void
test_series_when_values_run_together_then_they_stay_apart(void **state)
{
	struct world *w = *state;
	struct am_series s = { .at = NULL };
	const char *const a[] = { "ab", "c" }, *const b[] = { "a", "bc" };
	size_t n = 0;

	am_metrics_add(w->m, AM_M_FIRED, a, 1);
	am_metrics_add(w->m, AM_M_FIRED, b, 1);
	while (am_metrics_next(w->m, AM_M_FIRED, &s))
		n++;
	assert_int_equal(n, 2);
	am_metrics_clear(w->m, AM_M_FIRED);
	s = (struct am_series){ .at = NULL };
	assert_false(am_metrics_next(w->m, AM_M_FIRED, &s));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_table_when_read_then_every_row_keeps_the_rules),
		T(test_text_when_nothing_was_set_then_is_empty),
		T(test_text_when_values_were_set_then_is_the_format),
		T(test_text_when_a_histogram_then_its_buckets_add_up),
		T(test_text_when_a_label_is_hostile_then_it_stays_one_line),
		T(test_series_when_there_are_too_many_then_the_rest_is_one),
		T(test_series_when_a_value_is_long_then_it_is_cut_whole),
		T(test_series_when_values_run_together_then_they_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
