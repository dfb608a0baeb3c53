/*
 * amendsctl_show - the cards: the daemon (status) and one complaint (show).
 * Written for people who run a call centre: what is it, who has it, by when,
 * what happens if nobody does it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

#define LABEL 12 /* columns of a label with its gap */

void
am_print_field(const struct am_term *t, const char *label, enum am_hue hue,
    const char *fmt, ...)
{
	char text[1024];
	struct am_buf b;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	am_buf_init(&b);
	am_text_clean(&b, am_str_c(text));
	printf("  %s%-*s%s%s", am_hue_on(t, AM_HUE_DIM), LABEL, label,
	    am_hue_off(t, AM_HUE_DIM), am_hue_on(t, hue));
	am_text_wrap(t, LABEL + 2, am_buf_str(&b));
	fputs(am_hue_off(t, hue), stdout);
	am_buf_fini(&b);
}

static void
heading(const struct am_term *t, const char *text)
{
	printf("\n%s%s%s\n", am_hue_on(t, AM_HUE_BOLD), text,
	    am_hue_off(t, AM_HUE_BOLD));
}

const char *
am_print_both(char out[80], const struct am_term *t, const json_t *o,
    const char *key, const char *none)
{
	am_ms at;

	if (!am_json_time(o, key, &at))
		return none;
	am_text_both(out, t, at);
	return out;
}

/* Texts of an array, with commas; "" when it is empty. */
static void
join(char *out, size_t cap, const json_t *array)
{
	size_t i, n = 0;
	json_t *v;

	out[0] = '\0';
	json_array_foreach(array, i, v)
	{
		if (json_is_string(v) && n < cap)
			n += (size_t)snprintf(out + n, cap - n, "%s%s",
			    n > 0 ? ", " : "", json_string_value(v));
	}
}

/* ---- status ---- */

static void
status_redis(const struct am_term *t, const json_t *r)
{
	char used[32], max[40] = "", clock[64] = "";
	struct am_str version = am_json_str(r, "version");
	struct am_str why = am_json_str(r, "why");
	struct am_str durability = am_json_str(r, "durability");
	struct am_str policy = am_json_str(r, "policy");
	int64_t diff = am_json_int(r, "clock_diff_ms");

	if (!am_json_true(r, "up")) {
		am_print_field(t, "redis", AM_HUE_RED, "down%s%.*s",
		    why.n > 0 ? ": " : "", AM_ARG(why));
		return;
	}
	am_text_bytes(used, am_json_int(r, "used_memory"));
	if (am_json_int(r, "maxmemory") > 0) {
		memcpy(max, " of ", 5);
		am_text_bytes(max + 4, am_json_int(r, "maxmemory"));
	}
	if (diff <= -1000 || diff >= 1000) {
		char span[32];

		am_text_span(span, diff < 0 ? -diff : diff, true);
		snprintf(clock, sizeof(clock), ", its clock is %s %s", span,
		    diff > 0 ? "ahead" : "behind");
	}
	am_print_field(t, "redis", AM_HUE_NONE,
	    "up, %.*s, durability %.*s, %.*s, %s%s%s%s%.*s", AM_ARG(version),
	    AM_ARG(durability), AM_ARG(policy), used, max, clock,
	    why.n > 0 ? "; " : "", AM_ARG(why));
}

/* Since the load; what was true then stands among the warnings. */
static void
status_endings(const struct am_term *t, const json_t *c)
{
	const json_t *warnings = json_object_get(c, "warnings");
	json_t *name, *w;
	size_t i, k;

	json_array_foreach(json_object_get(c, "calendars_ending"), i, name)
	{
		char text[256];
		bool told = false;

		snprintf(text, sizeof(text), "the dates of calendar \"%s\" end",
		    json_is_string(name) ? json_string_value(name) : "?");
		json_array_foreach(warnings, k, w) told |=
		    json_is_string(w) &&
		    strstr(json_string_value(w), text) != NULL;
		if (!told)
			am_print_field(t, "", AM_HUE_YELLOW,
			    "%s within 60 days, or have ended; add the closed "
			    "and extra dates to come",
			    text);
	}
}

static void
status_config(const struct am_term *t, const json_t *c)
{
	struct am_str path = am_json_str(c, "path");
	struct am_str error = am_json_str(c, "error");
	char loaded[80];
	json_t *w;
	size_t i;

	am_print_field(t, "config", AM_HUE_NONE, "%.*s, loaded %s",
	    AM_ARG(path), am_print_both(loaded, t, c, "loaded_at", "?"));
	if (json_is_false(json_object_get(c, "ok")))
		am_print_field(t, "", AM_HUE_RED,
		    "the last reload failed: %.*s", AM_ARG(error));
	json_array_foreach(json_object_get(c, "warnings"), i, w)
	    am_print_field(t, i == 0 ? "warnings" : "", AM_HUE_YELLOW, "%s",
		json_is_string(w) ? json_string_value(w) : "?");
	status_endings(t, c);
}

static void
status_disabled(const struct am_term *t, const json_t *disabled)
{
	json_t *o;
	size_t i;

	json_array_foreach(disabled, i, o) am_print_field(t, "disabled",
	    AM_HUE_RED, "endpoint %.*s (%.*s), %lld wait for it",
	    AM_ARG(am_json_str(o, "endpoint")),
	    AM_ARG(am_json_str(o, "reason")),
	    (long long)am_json_int(o, "waiting"));
}

static void
status_paused(const struct am_term *t, const json_t *paused)
{
	json_t *o;
	size_t i;

	json_array_foreach(paused, i, o)
	{
		struct am_str reason = am_json_str(o, "reason");
		char since[40] = "";
		am_ms at;

		if (am_json_time(o, "since", &at))
			am_text_when(since, t, at);
		am_print_field(t, "paused", AM_HUE_YELLOW,
		    "%.*s, %s by %.*s%s%.*s", AM_ARG(am_json_str(o, "what")),
		    since, AM_ARG(am_json_str(o, "by")),
		    reason.n != 0 ? ": " : "", AM_ARG(reason));
	}
}

/* What the daemon found when it looked at itself; nothing when all is well. */
static void
status_audit(const struct am_term *t, const json_t *audit)
{
	struct am_str undone = am_json_str(audit, "undone");
	json_t *o;
	size_t i;

	if (undone.n != 0)
		am_print_field(t, "audit", AM_HUE_YELLOW, "not possible: %.*s",
		    AM_ARG(undone));
	json_array_foreach(json_object_get(audit, "findings"), i, o)
	    am_print_field(t, "audit", AM_HUE_RED, "%.*s of %.*s: %.*s",
		AM_ARG(am_json_str(o, "what")), AM_ARG(am_json_str(o, "of")),
		AM_ARG(am_json_str(o, "text")));
}

void
am_print_audit(const struct am_term *t, const json_t *a)
{
	char at[40] = "", beat[40] = "";
	am_ms when;

	if (am_json_time(a, "at", &when))
		am_text_when(at, t, when);
	if (am_json_time(a, "heartbeat_at", &when))
		am_text_when(beat, t, when);
	if (json_is_true(json_object_get(a, "clean")))
		am_print_field(t, "audit", AM_HUE_GREEN, "clean");
	status_audit(t, a);
	if (at[0] != '\0')
		am_print_field(t, "ended", AM_HUE_NONE,
		    "%s; %lld journals replayed", at,
		    (long long)am_json_int(a, "replayed"));
	if (beat[0] != '\0')
		am_print_field(t, "heartbeat", AM_HUE_NONE, "%s", beat);
}

/* What producers have sent. */
static void
status_producers(const struct am_term *t, const json_t *events)
{
	const json_t *list = json_object_get(events, "producers"), *p;
	size_t i;

	if (!json_is_object(events))
		return;
	if (!json_is_true(json_object_get(events, "ready")))
		am_print_field(t, "producers", AM_HUE_RED,
		    "none is answered 202: %.*s",
		    AM_ARG(am_json_str(events, "why")));
	json_array_foreach(list, i, p)
	    am_print_field(t, "producer", AM_HUE_NONE,
		"%.*s: %lld events, %lld duplicate, %lld passed over; %lld "
		"refused, %lld limited, %lld not kept",
		AM_ARG(am_json_str(p, "name")),
		(long long)am_json_int(p, "accepted"),
		(long long)am_json_int(p, "duplicate"),
		(long long)am_json_int(p, "passed_over"),
		(long long)(am_json_int(p, "refused") +
			    am_json_int(p, "unauthorized")),
		(long long)am_json_int(p, "limited"),
		(long long)am_json_int(p, "unavailable"));
}

/* What gateways have called back. */
static void
status_http(const struct am_term *t, const json_t *http)
{
	if (!json_is_object(http))
		return;
	am_print_field(t, "http", AM_HUE_NONE,
	    "%.*s: %lld receipts, %lld replies, %lld refused, %lld not kept",
	    AM_ARG(am_json_str(http, "listen")),
	    (long long)am_json_int(http, "receipts"),
	    (long long)am_json_int(http, "replies"),
	    (long long)(am_json_int(http, "refused") +
			am_json_int(http, "malformed")),
	    (long long)am_json_int(http, "unwritten"));
	status_producers(t, json_object_get(http, "events"));
}

void
am_print_status(const struct am_term *t, const json_t *s)
{
	const json_t *events = json_object_get(s, "events");
	struct am_str instance = am_json_str(s, "instance");
	struct am_str state = am_json_str(s, "state");
	struct am_str version = am_json_str(s, "version");
	bool fine = am_str_is(state, "running") || am_str_is(state, "standby");
	enum am_hue hue = fine ? AM_HUE_GREEN : AM_HUE_RED;
	char up[32];

	am_text_span(up, am_json_int(s, "uptime_ms"), true);
	printf("%s%.*s%s  %s%.*s%s\n", am_hue_on(t, AM_HUE_BOLD),
	    AM_ARG(instance), am_hue_off(t, AM_HUE_BOLD), am_hue_on(t, hue),
	    AM_ARG(state), am_hue_off(t, hue));
	am_print_field(t, "daemon", AM_HUE_NONE,
	    "amendsd %.*s, pid %lld, up %s", AM_ARG(version),
	    (long long)am_json_int(s, "pid"), up);
	status_redis(t, json_object_get(s, "redis"));
	status_config(t, json_object_get(s, "config"));
	am_print_field(t, "complaints", AM_HUE_NONE, "%lld open",
	    (long long)am_json_int(s, "open"));
	am_print_field(t, "follow-ups", AM_HUE_NONE,
	    "%lld waiting, %lld in flight, %lld dead",
	    (long long)am_json_int(s, "waiting"),
	    (long long)am_json_int(s, "in_flight"),
	    (long long)am_json_int(s, "dead"));
	status_paused(t, json_object_get(s, "paused"));
	status_disabled(t, json_object_get(s, "disabled"));
	status_audit(t, json_object_get(s, "audit"));
	am_print_field(t, "events", AM_HUE_NONE,
	    "%lld applied, %lld duplicate, %lld ignored, %lld rejected "
	    "(%lld kept), %lld unmatched",
	    (long long)am_json_int(events, "applied"),
	    (long long)am_json_int(events, "duplicate"),
	    (long long)am_json_int(events, "ignored"),
	    (long long)am_json_int(events, "rejected"),
	    (long long)am_json_int(s, "rejects"),
	    (long long)am_json_int(events, "unmatched"));
	status_http(t, json_object_get(s, "http"));
	if (am_json_int(s, "log_dropped") > 0)
		am_print_field(t, "log", AM_HUE_YELLOW, "%lld lines dropped",
		    (long long)am_json_int(s, "log_dropped"));
	putchar('\n');
	am_print_shards(t, json_object_get(s, "shards"));
}

/* ---- show ---- */

static void
show_head(const struct am_term *t, const json_t *c)
{
	struct am_str id = am_json_str(c, "id");
	struct am_str status = am_json_str(c, "status");
	struct am_str outcome = am_json_str(c, "outcome");
	struct am_str stage = am_json_str(c, "stage");
	enum am_hue hue =
	    am_str_is(status, "held") ? AM_HUE_YELLOW : AM_HUE_GREEN;
	bool ended = outcome.n > 0 && !am_str_is(outcome, "none");

	printf("%s%.*s%s  %s%.*s%s", am_hue_on(t, AM_HUE_BOLD), AM_ARG(id),
	    am_hue_off(t, AM_HUE_BOLD), am_hue_on(t, hue), AM_ARG(status),
	    am_hue_off(t, hue));
	if (ended)
		printf(": %.*s", AM_ARG(outcome));
	printf(", stage %.*s", AM_ARG(stage));
	if (am_json_int(c, "cycle") > 1)
		printf(", cycle %lld", (long long)am_json_int(c, "cycle"));
	putchar('\n');
}

static void
show_hold(const struct am_term *t, const json_t *c)
{
	struct am_str reason = am_json_str(c, "hold_reason");
	char since[80];
	am_ms at;

	if (am_json_time(c, "held_since", &at)) {
		am_text_both(since, t, at);
		am_print_field(t, "held", AM_HUE_YELLOW,
		    "since %s, reason %.*s", since, AM_ARG(reason));
	}
}

static void
show_people(const struct am_term *t, const json_t *c)
{
	struct am_str owner = am_json_str(c, "owner");
	struct am_str first = am_json_str(c, "loop_owner");
	struct am_str boss = am_json_str(c, "supervisor");

	if (owner.n == 0)
		am_print_field(t, "owner", AM_HUE_YELLOW, "nobody");
	else
		am_print_field(t, "owner", AM_HUE_NONE, "%.*s", AM_ARG(owner));
	if (first.n > 0 && !am_str_eq(first, owner))
		am_print_field(
		    t, "received by", AM_HUE_NONE, "%.*s", AM_ARG(first));
	if (boss.n > 0)
		am_print_field(
		    t, "supervisor", AM_HUE_NONE, "%.*s", AM_ARG(boss));
}

static void
show_facts(const struct am_term *t, const json_t *c)
{
	char opened[80], since[80], due[80], owed[256];
	struct am_str verdict = am_json_str(c, "verdict");
	struct am_str loop = am_json_str(c, "loop");
	struct am_str tier = am_json_str(c, "tier");
	struct am_str category = am_json_str(c, "category");
	struct am_str lang = am_json_str(c, "lang");
	enum am_hue hue = AM_HUE_NONE;
	am_ms at;

	am_print_field(t, "opened", AM_HUE_NONE, "%s",
	    am_print_both(opened, t, c, "opened_at", "?"));
	am_print_field(t, "in stage", AM_HUE_NONE, "since %s",
	    am_print_both(since, t, c, "since", "?"));
	if (am_json_time(c, "due_at", &at)) {
		if (at < t->now)
			hue = AM_HUE_RED;
		am_print_field(t, "due", hue, "%s",
		    am_print_both(due, t, c, "due_at", ""));
	}
	if (am_json_time(c, "closed_at", &at))
		am_print_field(t, "closed", AM_HUE_NONE, "%s",
		    am_print_both(due, t, c, "closed_at", ""));
	if (verdict.n > 0)
		am_print_field(t, "verdict",
		    strstr(verdict.p, "miss") != NULL ? AM_HUE_RED
						      : AM_HUE_NONE,
		    "%.*s", AM_ARG(verdict));
	show_hold(t, c);
	join(owed, sizeof(owed), json_object_get(c, "owed"));
	if (owed[0] != '\0')
		am_print_field(t, "still owed", AM_HUE_YELLOW, "%s", owed);
	show_people(t, c);
	if (category.n > 0)
		am_print_field(
		    t, "category", AM_HUE_NONE, "%.*s", AM_ARG(category));
	am_print_field(t, "tier", AM_HUE_NONE, "%.*s", AM_ARG(tier));
	if (lang.n > 0)
		am_print_field(
		    t, "language", AM_HUE_NONE, "%.*s", AM_ARG(lang));
	am_print_field(t, "loop", AM_HUE_NONE, "%.*s, version %lld (line %lld)",
	    AM_ARG(loop), (long long)am_json_int(c, "version"),
	    (long long)am_json_int(c, "seq"));
}

/* The rung of a clock that fires next, NULL when none will. */
static const json_t *
rung_next(const json_t *clock, am_ms *at)
{
	const json_t *best = NULL;
	json_t *rung;
	size_t i;
	am_ms due;

	json_array_foreach(json_object_get(clock, "rungs"), i, rung)
	{
		if (am_json_true(rung, "fired") ||
		    !am_json_time(rung, "due_at", &due))
			continue;
		if (best == NULL || due < *at) {
			best = rung;
			*at = due;
		}
	}
	return best;
}

/* No closing time lies between start and due: a day of it is a day. */
static bool
is_elapsed(const json_t *clock)
{
	am_ms started, due;

	return am_json_time(clock, "started_at", &started) &&
	       am_json_time(clock, "due_at", &due) &&
	       due - started == am_json_int(clock, "budget_ms");
}

static void
show_clock(struct am_table *tb, const json_t *clock)
{
	struct am_str state = am_json_str(clock, "state");
	bool missed = am_json_true(clock, "missed");
	bool elapsed = is_elapsed(clock);
	char used[32], budget[32], when[40];
	const json_t *next;
	am_ms due = 0;

	am_table_cell(tb, AM_HUE_NONE, am_json_str(clock, "name"));
	am_table_cell(tb, AM_HUE_NONE, state);
	am_table_cell(tb, missed ? AM_HUE_RED : AM_HUE_NONE,
	    am_json_str(clock, "verdict"));
	if (am_json_time(clock, "due_at", &due)) {
		am_text_when(when, tb->term, due);
		am_table_cell(tb,
		    due < tb->term->now ? AM_HUE_RED : AM_HUE_NONE,
		    am_str_c(when));
		am_text_local(when, due);
		am_table_cell(tb, AM_HUE_NONE, am_str_c(when));
	} else {
		am_table_cell(tb, AM_HUE_NONE, AM_STR(""));
		am_table_cell(tb, AM_HUE_NONE, AM_STR(""));
	}
	am_text_span(used, am_json_int(clock, "consumed_ms"), elapsed);
	am_text_span(budget, am_json_int(clock, "budget_ms"), elapsed);
	/* one without a lapse has offsets and nothing to use up */
	am_table_cellf(tb, AM_HUE_NONE,
	    am_json_int(clock, "budget_ms") > 0 ? "%s of %s" : "", used,
	    budget);
	next = rung_next(clock, &due);
	if (next != NULL) {
		struct am_str name = am_json_str(next, "name");
		struct am_str to = am_json_str(next, "to");

		am_text_when(when, tb->term, due);
		am_table_cellf(tb, AM_HUE_NONE, "%.*s to %.*s %s", AM_ARG(name),
		    AM_ARG(to), when);
	} else {
		am_table_cell(tb, AM_HUE_NONE, AM_STR(""));
	}
}

static void
show_clocks(const struct am_term *t, const json_t *clocks)
{
	static const struct am_column columns[] = {
		{ "CLOCK", 0, 0, false },
		{ "STATE", 0, 5, false },
		{ "VERDICT", 0, 1, false },
		{ "DUE", 0, 0, false },
		{ "AT", 0, 4, false },
		{ "USED", 0, 3, false },
		{ "NEXT STEP", 12, 2, false },
	};
	struct am_table tb;
	json_t *clock;
	size_t i;

	if (json_array_size(clocks) == 0)
		return;
	heading(t, "Clocks");
	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(clocks, i, clock) show_clock(&tb, clock);
	am_table_print(&tb, 2);
}

static void
show_waiting(const struct am_term *t, const json_t *waiting)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "ENDPOINT", 6, 1, false },
		{ "CLOCK/RUNG", 8, 2, false },
		{ "STATE", 8, 3, false },
	};
	struct am_table tb;
	struct am_buf state;
	json_t *w;
	size_t i;

	if (json_array_size(waiting) == 0)
		return;
	am_buf_init(&state);
	heading(t, "Follow-ups on their way");
	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(waiting, i, w)
	{
		struct am_str clock = am_json_str(w, "clock");
		struct am_str rung = am_json_str(w, "rung");

		am_table_cell(&tb, AM_HUE_NONE, am_json_str(w, "id"));
		am_table_cell(&tb, AM_HUE_NONE, am_json_str(w, "endpoint"));
		am_table_cellf(
		    &tb, AM_HUE_NONE, "%.*s/%.*s", AM_ARG(clock), AM_ARG(rung));
		am_buf_reset(&state);
		if (am_str_is(am_json_str(w, "state"), "queued") ||
		    am_json_str(w, "state").n == 0)
			am_buf_adds(&state, am_json_true(w, "queued")
						? "to be sent"
						: "behind an earlier one");
		else
			am_held_words(&state, w);
		am_table_cell(&tb, AM_HUE_NONE, am_buf_str(&state));
	}
	am_table_print(&tb, 2);
	am_buf_fini(&state);
}

static void
show_history(const struct am_term *t, const json_t *journal)
{
	char local[32];
	struct am_buf b, clean;
	json_t *line;
	size_t i;
	am_ms at;

	if (json_array_size(journal) == 0)
		return;
	heading(t, "History");
	am_buf_init(&b);
	am_buf_init(&clean);
	json_array_foreach(journal, i, line)
	{
		json_t *parsed = NULL;

		if (json_is_string(line))
			parsed = json_loads(json_string_value(line), 0, NULL);
		if (parsed != NULL)
			line = parsed;
		am_buf_reset(&b);
		am_buf_reset(&clean);
		am_history_words(&b, line);
		am_text_clean(&clean, am_buf_str(&b));
		memcpy(local, "?", 2);
		if (am_json_time(line, "now", &at))
			am_text_second(local, at);
		printf("  %s%-19s%s  ", am_hue_on(t, AM_HUE_DIM), local,
		    am_hue_off(t, AM_HUE_DIM));
		am_text_wrap(t, 23, am_buf_str(&clean));
		json_decref(parsed);
	}
	am_buf_fini(&b);
	am_buf_fini(&clean);
}

void
am_print_show(const struct am_term *t, const json_t *c)
{
	show_head(t, c);
	show_facts(t, c);
	show_clocks(t, json_object_get(c, "clocks"));
	show_waiting(t, json_object_get(c, "waiting"));
	show_history(t, json_object_get(c, "journal"));
}
