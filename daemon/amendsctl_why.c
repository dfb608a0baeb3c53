/*
 * amendsctl_why - how each due of a complaint came about: what was granted,
 * what was counted, what stood still, what moved it.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

#define DAY 15 /* bytes of "Sat 2026-11-21 " */

/* To the minute; of less than a quarter of an hour to the second, for the sums
 * to be seen. */
static void
edge(char out[32], am_ms at, am_ms span)
{
	if (span < 15 * AM_MINUTE)
		am_text_day_second(out, at);
	else
		am_text_day(out, at);
}

/* "from to to  span", one a line. */
static void
why_spans(
    const struct am_term *t, const char *label, const json_t *spans, bool days)
{
	char from[32], to[32], span[32];
	json_t *s;
	size_t i;
	am_ms a, b;

	json_array_foreach(spans, i, s)
	{
		struct am_str reason = am_json_str(s, "reason");
		bool ended = am_json_time(s, "to", &b);

		if (!am_json_time(s, "from", &a))
			continue;
		if (!ended)
			b = t->now;
		edge(from, a, b - a);
		edge(to, b, b - a);
		if (!ended)
			memcpy(to, "now", 4);
		am_text_span(span,
		    json_is_integer(json_object_get(s, "ms"))
			? am_json_int(s, "ms")
			: b - a,
		    days);
		/* the same day is not said twice */
		am_print_field(t, i == 0 ? label : "", AM_HUE_NONE,
		    "%s to %s  %s%s%.*s", from,
		    strncmp(from, to, DAY) == 0 ? to + DAY : to, span,
		    reason.n > 0 ? "  " : "", AM_ARG(reason));
	}
}

/* "2h for tier high, half of it after a reopening, and 30m by extension" */
static void
why_budget(const struct am_term *t, const json_t *w, bool days)
{
	struct am_str written = am_json_str(w, "budget");
	struct am_str tier = am_json_str(w, "tier");
	int64_t extra = am_json_int(w, "extra_ms");
	char whole[32], more[32];
	struct am_buf b;

	am_text_span(whole, am_json_int(w, "budget_ms"), days);
	am_text_span(more, extra, days);
	am_buf_init(&b);
	am_buf_adds(&b, whole);
	if (written.n > 0)
		am_buf_addf(&b, ": %.*s in the loop", AM_ARG(written));
	if (tier.n > 0)
		am_buf_addf(&b, " for tier %.*s", AM_ARG(tier));
	if (am_json_true(w, "halved"))
		am_buf_adds(&b, ", half of it after a reopening");
	if (extra > 0)
		am_buf_addf(&b, ", %s of it by extension", more);
	am_print_field(
	    t, "budget", AM_HUE_NONE, "%.*s", AM_ARG(am_buf_str(&b)));
	am_buf_fini(&b);
}

/* "Mon 2026-11-23 09:05 to … from …: reason, by li, allowed by wang" */
static void
why_moves(const struct am_term *t, const json_t *moves)
{
	char at[32], from[32], to[32];
	struct am_buf b;
	json_t *m;
	size_t i;
	am_ms ms;

	am_buf_init(&b);
	json_array_foreach(moves, i, m)
	{
		struct am_str by = am_json_str(m, "by");
		struct am_str approver = am_json_str(m, "approver");
		struct am_str reason = am_json_str(m, "reason");

		if (!am_json_time(m, "at", &ms))
			continue;
		am_text_day(at, ms);
		am_buf_reset(&b);
		am_buf_adds(&b, at);
		if (am_json_time(m, "old", &ms)) {
			am_text_day(from, ms);
			am_buf_addf(&b, " from %s", from);
		}
		if (am_json_time(m, "new", &ms)) {
			am_text_day(to, ms);
			am_buf_addf(&b, " to %s", to);
		}
		if (reason.n > 0)
			am_buf_addf(&b, ": %.*s", AM_ARG(reason));
		if (by.n > 0)
			am_buf_addf(&b, ", by %.*s", AM_ARG(by));
		if (approver.n > 0)
			am_buf_addf(&b, ", allowed by %.*s", AM_ARG(approver));
		am_print_field(t, i == 0 ? "moved" : "", AM_HUE_NONE, "%.*s",
		    AM_ARG(am_buf_str(&b)));
	}
	am_buf_fini(&b);
}

static void
why_sum(const struct am_term *t, const json_t *w, bool days)
{
	int64_t sum = am_json_int(w, "sum_ms");
	int64_t whole = am_json_int(w, "budget_ms");
	int64_t otherwise = am_json_int(w, "otherwise_ms");
	char text[32], left[32], budget[32];

	if (otherwise != 0) {
		am_text_span(text, otherwise, days);
		am_print_field(t, "", AM_HUE_YELLOW,
		    "%s by rules that are no longer in force", text);
	}
	am_text_span(text, sum, days);
	am_text_span(budget, whole, days);
	am_text_span(left, am_json_int(w, "left_ms"), days);
	if (sum == whole)
		am_print_field(t, "sum", AM_HUE_NONE, "%s, the budget", text);
	else if (am_str_is(am_json_str(w, "state"), "running"))
		am_print_field(
		    t, "sum", AM_HUE_RED, "%s; the budget is %s", text, budget);
	else
		am_print_field(t, "sum", AM_HUE_NONE,
		    "%s, which leaves %s of the budget", text, left);
}

static void
why_end(const struct am_term *t, const json_t *w)
{
	struct am_str state = am_json_str(w, "state");
	char due[80], when[80];
	am_ms at;

	if (am_str_is(state, "stopped")) {
		am_print_field(t, "due", AM_HUE_BOLD,
		    "not while it stands "
		    "still");
		return;
	}
	am_print_field(t, am_str_is(state, "running") ? "due" : "was due",
	    AM_HUE_BOLD, "%s", am_print_both(due, t, w, "due_at", "never"));
	if (am_json_time(w, "ended_at", &at))
		am_print_field(t, "ended", AM_HUE_NONE, "%s: %.*s",
		    am_print_both(when, t, w, "ended_at", ""), AM_ARG(state));
}

static void
why_clock(const struct am_term *t, const json_t *w)
{
	struct am_str clock = am_json_str(w, "clock");
	struct am_str state = am_json_str(w, "state");
	struct am_str calendar = am_json_str(w, "calendar");
	bool days = calendar.n == 0, missed = am_json_true(w, "missed");
	char text[32], when[80];

	printf("%s%.*s%s  %s%.*s%s%s, %s%.*s\n", am_hue_on(t, AM_HUE_BOLD),
	    AM_ARG(clock), am_hue_off(t, AM_HUE_BOLD),
	    am_hue_on(t, missed ? AM_HUE_RED : AM_HUE_NONE), AM_ARG(state),
	    missed ? ", missed" : "",
	    am_hue_off(t, missed ? AM_HUE_RED : AM_HUE_NONE),
	    calendar.n > 0 ? "calendar " : "around the clock",
	    AM_ARG(calendar));
	am_print_field(t, "started", AM_HUE_NONE, "%s",
	    am_print_both(when, t, w, "started_at", "?"));
	if (am_json_int(w, "budget_ms") == 0) {
		am_print_field(t, "budget", AM_HUE_NONE, "none: no lapse");
	} else {
		why_budget(t, w, days);
		am_text_span(text, am_json_int(w, "consumed_ms"), days);
		am_print_field(t, "used", AM_HUE_NONE, "%s", text);
	}
	why_spans(t, "counted", json_object_get(w, "windows"), days);
	why_spans(t, "held", json_object_get(w, "holds"), true);
	why_moves(t, json_object_get(w, "moved"));
	if (am_json_int(w, "budget_ms") > 0)
		why_sum(t, w, days);
	why_end(t, w);
}

void
am_print_why(const struct am_term *t, const json_t *rows)
{
	json_t *w;
	size_t i;

	json_array_foreach(rows, i, w)
	{
		if (i > 0)
			putchar('\n');
		why_clock(t, w);
	}
}
