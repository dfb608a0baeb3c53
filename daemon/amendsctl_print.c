/*
 * amendsctl_print - one printer a verb, chosen by name; what has none is shown
 * as a card of its members, so a newer daemon's answers are readable, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

#define CARD_INDENT 14

static enum am_hue
state_hue(struct am_str state)
{
	if (am_str_is(state, "running") || am_str_is(state, "delivered") ||
	    am_str_is(state, "open") || am_str_is(state, "met"))
		return AM_HUE_GREEN;
	if (am_str_prefix(state, "halted") || am_str_is(state, "dead"))
		return AM_HUE_RED;
	if (am_str_prefix(state, "held") || am_str_prefix(state, "degraded") ||
	    am_str_is(state, "lagging"))
		return AM_HUE_YELLOW;
	return AM_HUE_NONE;
}

void
am_print_tail(
    const struct am_term *t, size_t n, const char *one, const char *many)
{
	printf("%s%zu %s%s\n", am_hue_on(t, AM_HUE_DIM), n, n == 1 ? one : many,
	    am_hue_off(t, AM_HUE_DIM));
}

/* By the due that is shown; what has none comes last, and what is closed. */
static int
by_due(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	bool x_closed = am_str_is(am_json_str(x, "status"), "closed");
	bool y_closed = am_str_is(am_json_str(y, "status"), "closed");
	am_ms x_due = INT64_MAX, y_due = INT64_MAX;
	struct am_str x_id = am_json_str(x, "id"), y_id = am_json_str(y, "id");
	int order;

	if (x_closed != y_closed)
		return x_closed ? 1 : -1;
	(void)am_json_time(x, "due_at", &x_due);
	(void)am_json_time(y, "due_at", &y_due);
	if (x_due != y_due)
		return x_due < y_due ? -1 : 1;
	order = memcmp(x_id.p, y_id.p, x_id.n < y_id.n ? x_id.n : y_id.n);
	return order != 0 ? order : (x_id.n > y_id.n) - (x_id.n < y_id.n);
}

/* The rows, borrowed, in the order of by_due; to be freed. */
static json_t **
in_order(const json_t *rows)
{
	size_t i, n = json_array_size(rows);
	json_t **sorted = malloc((n + 1) * sizeof(*sorted));
	json_t *o;

	AM_ASSERT(sorted != NULL);
	json_array_foreach(rows, i, o) sorted[i] = o;
	qsort(sorted, n, sizeof(*sorted), by_due);
	return sorted;
}

static void
print_list(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "STATUS", 0, 3, false },
		{ "STAGE", 8, 0, false },
		{ "DUE", 0, 0, false },
		{ "AT", 0, 5, false },
		{ "TIER", 0, 4, false },
		{ "OWNER", 6, 1, false },
		{ "CATEGORY", 8, 2, false },
		{ "CYCLE", 0, 6, true },
		{ "LOOP", 10, 8, false },
		{ "SHARD", 8, 7, false },
	};
	json_t **sorted = in_order(rows);
	struct am_table tb;
	size_t late = 0;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *o = sorted[i];
		bool overdue = am_json_true(o, "overdue");

		late += overdue;
		am_cell_str(&tb, o, "id");
		am_table_cell(&tb, state_hue(am_json_str(o, "status")),
		    am_json_str(o, "status"));
		am_cell_str(&tb, o, "stage");
		am_cell_when(
		    &tb, o, "due_at", overdue ? AM_HUE_RED : AM_HUE_NONE);
		am_cell_local(&tb, o, "due_at");
		am_cell_str(&tb, o, "tier");
		am_cell_str(&tb, o, "owner");
		am_cell_str(&tb, o, "category");
		am_cell_int(&tb, o, "cycle");
		am_cell_str(&tb, o, "loop");
		am_cell_str(&tb, o, "shard");
	}
	am_table_print(&tb, 0);
	free(sorted);
	printf("%s%zu complaint%s, %zu overdue%s\n", am_hue_on(t, AM_HUE_DIM),
	    json_array_size(rows), json_array_size(rows) == 1 ? "" : "s", late,
	    am_hue_off(t, AM_HUE_DIM));
}

/* "listen/lapse" */
static void
cell_rung(struct am_table *tb, const json_t *o)
{
	struct am_str clock = am_json_str(o, "clock");
	struct am_str rung = am_json_str(o, "rung");

	am_table_cellf(tb, AM_HUE_NONE, "%.*s%s%.*s", AM_ARG(clock),
	    clock.n > 0 ? "/" : "", AM_ARG(rung));
}

/* What the last attempt came to. */
static void
cell_last_try(struct am_table *tb, const json_t *o)
{
	const json_t *log = json_object_get(o, "log");
	size_t n = json_array_size(log);
	const json_t *last = n > 0 ? json_array_get(log, n - 1) : NULL;
	struct am_str result = am_json_str(last, "result");
	struct am_str error = am_json_str(last, "error");
	int64_t status = am_json_int(last, "status");

	if (last == NULL)
		am_table_cell(tb, AM_HUE_NONE, AM_STR(""));
	else if (status > 0)
		am_table_cellf(tb, AM_HUE_NONE, "%.*s %lld %.*s",
		    AM_ARG(result), (long long)status, AM_ARG(error));
	else
		am_table_cellf(tb, AM_HUE_NONE, "%.*s %.*s", AM_ARG(result),
		    AM_ARG(error));
}

static void
print_followups(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "COMPLAINT", 0, 1, false },
		{ "ENDPOINT", 10, 2, false },
		{ "CLOCK/RUNG", 16, 4, false },
		{ "TO", 0, 7, false },
		{ "STATE", 0, 3, false },
		{ "WAS DUE", 0, 6, false },
		{ "NEXT", 0, 0, false },
		{ "TRIES", 0, 8, true },
		{ "LAST TRY", 20, 5, false },
	};
	struct am_table tb;
	struct am_buf state;
	json_t *o;
	size_t i;

	am_buf_init(&state);
	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		am_cell_str(&tb, o, "id");
		am_cell_str(&tb, o, "complaint");
		am_cell_str(&tb, o, "endpoint");
		cell_rung(&tb, o);
		am_cell_str(&tb, o, "to");
		am_buf_reset(&state);
		am_held_words(&state, o);
		am_table_cell(&tb, state_hue(am_json_str(o, "state")),
		    am_buf_str(&state));
		am_cell_when(&tb, o, "due_at", AM_HUE_NONE);
		am_cell_when(&tb, o, "next_at", AM_HUE_NONE);
		am_cell_int(&tb, o, "attempts");
		cell_last_try(&tb, o);
	}
	am_table_print(&tb, 0);
	am_buf_fini(&state);
	am_print_tail(t, json_array_size(rows), "follow-up on its way",
	    "follow-ups on their way");
}

static void
print_dead(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "COMPLAINT", 0, 1, false },
		{ "ENDPOINT", 10, 2, false },
		{ "REASON", 12, 0, false },
		{ "WHEN", 0, 3, false },
		{ "TRIES", 0, 6, true },
		{ "HTTP", 0, 5, true },
		{ "ERROR", 24, 4, false },
		{ "ENTRY", 0, 7, false },
	};
	struct am_table tb;
	json_t *o;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		am_cell_str(&tb, o, "id");
		am_cell_str(&tb, o, "complaint");
		am_cell_str(&tb, o, "endpoint");
		am_cell_str(&tb, o, "reason");
		am_cell_when(&tb, o, "at", AM_HUE_NONE);
		am_cell_int(&tb, o, "attempts");
		am_cell_count(&tb, o, "status", AM_HUE_NONE);
		am_cell_str(&tb, o, "error");
		am_cell_str(&tb, o, "entry");
	}
	am_table_print(&tb, 0);
	am_print_tail(
	    t, json_array_size(rows), "dead follow-up", "dead follow-ups");
}

static void
print_rejects(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ENTRY", 0, 0, false },
		{ "CODE", 0, 0, false },
		{ "FIELD", 12, 2, false },
		{ "WHEN", 0, 3, false },
		{ "EVENT", 16, 4, false },
		{ "COMPLAINT", 10, 5, false },
		{ "SIZE", 0, 6, true },
		{ "WHAT IS WRONG", 20, 1, false },
	};
	struct am_table tb;
	char size[32];
	json_t *o;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		const json_t *fields = json_object_get(o, "fields");

		am_text_bytes(size, am_json_int(o, "size"));
		am_cell_str(&tb, o, "entry");
		am_cell_str(&tb, o, "code");
		am_cell_str(&tb, o, "field");
		am_cell_when(&tb, o, "at", AM_HUE_NONE);
		am_cell_str(&tb, fields, "event");
		am_cell_str(&tb, fields, "complaint_id");
		am_table_cell(&tb, AM_HUE_NONE, am_str_c(size));
		am_cell_str(&tb, o, "text");
	}
	am_table_print(&tb, 0);
	am_print_tail(
	    t, json_array_size(rows), "rejected event", "rejected events");
}

void
am_print_shards(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "SHARD", 0, 0, false },
		{ "STATE", 0, 0, false },
		{ "OWNER", 8, 2, false },
		{ "LAG", 0, 3, true },
		{ "OPEN", 0, 4, true },
		{ "NEXT", 0, 5, false },
		{ "APPLIED", 0, 6, true },
		{ "LOST", 0, 7, true },
		{ "CURSOR", 0, 8, false },
		{ "WHY", 16, 1, false },
	};
	struct am_table tb;
	json_t *o;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		struct am_str state = am_json_str(o, "state");
		struct am_str owner = am_json_str(o, "owner");

		am_cell_str(&tb, o, "stream");
		am_table_cell(&tb, state_hue(state), state);
		am_table_cellf(&tb, AM_HUE_NONE, "%.*s%s", AM_ARG(owner),
		    am_json_true(o, "mine") && owner.n == 0 ? "we" : "");
		am_cell_int(&tb, o, "lag");
		am_cell_int(&tb, o, "open");
		am_cell_when(&tb, o, "next_wake", AM_HUE_NONE);
		am_cell_int(&tb, o, "applied");
		am_cell_count(&tb, o, "lost", AM_HUE_RED);
		am_cell_str(&tb, o, "cursor");
		am_cell_str(&tb, o, "why");
	}
	am_table_print(&tb, 0);
}

static void
print_shard_list(const struct am_term *t, const json_t *rows)
{
	am_print_shards(t, rows);
	am_print_tail(t, json_array_size(rows), "shard", "shards");
}

static void
print_health(const struct am_term *t, const json_t *rows)
{
	const json_t *o = json_array_get(rows, 0);
	const json_t *reasons = json_object_get(o, "reasons");
	bool healthy = am_json_true(o, "healthy");
	bool ready = am_json_true(o, "ready");
	enum am_hue hue = healthy && ready ? AM_HUE_GREEN : AM_HUE_RED;
	struct am_buf b;
	json_t *reason;
	size_t i;

	printf("%s%s, %s%s\n", am_hue_on(t, hue),
	    healthy ? "healthy" : "not healthy", ready ? "ready" : "not ready",
	    am_hue_off(t, hue));
	am_buf_init(&b);
	json_array_foreach(reasons, i, reason)
	{
		am_buf_reset(&b);
		am_text_clean(&b,
		    am_str_c(json_is_string(reason) ? json_string_value(reason)
						    : ""));
		printf("  ");
		am_text_wrap(t, 2, am_buf_str(&b));
	}
	am_buf_fini(&b);
	json_array_foreach(json_object_get(o, "notes"), i, reason) printf(
	    "  %s\n", json_is_string(reason) ? json_string_value(reason) : "");
}

static void
print_emit(const struct am_term *t, const json_t *rows)
{
	json_t *o;
	size_t i;

	(void)t;
	json_array_foreach(rows, i, o)
	{
		struct am_str shard = am_json_str(o, "shard");
		struct am_str id = am_json_str(o, "stream_id");

		printf(
		    "put on stream %.*s as %.*s\n", AM_ARG(shard), AM_ARG(id));
	}
}

static void
print_verify(const struct am_term *t, const json_t *rows)
{
	const json_t *o = json_array_get(rows, 0);
	struct am_str id = am_json_str(o, "id");
	bool ok = am_json_true(o, "ok");
	enum am_hue hue = ok ? AM_HUE_GREEN : AM_HUE_RED;
	long long lines = am_json_int(o, "lines");
	long long bad = am_json_int(o, "bad_seq");

	printf("%.*s: %s%lld %s, ", AM_ARG(id), am_hue_on(t, hue), lines,
	    lines == 1 ? "line" : "lines");
	if (ok)
		printf("chain and replay agree");
	else if (bad > 0)
		printf("line %lld is not what was written", bad);
	else
		printf("they do not lead to the state that is stored");
	printf("%s\n", am_hue_off(t, hue));
}

static void
print_status(const struct am_term *t, const json_t *rows)
{
	json_t *o;
	size_t i;

	json_array_foreach(rows, i, o) am_print_status(t, o);
}

static void
print_audit(const struct am_term *t, const json_t *rows)
{
	json_t *o;
	size_t i;

	json_array_foreach(rows, i, o) am_print_audit(t, o);
}

static void
print_show(const struct am_term *t, const json_t *rows)
{
	json_t *o;
	size_t i;

	json_array_foreach(rows, i, o) am_print_show(t, o);
}

/* Any object: one member a line. */
static void
print_card(const struct am_term *t, const json_t *rows)
{
	struct am_buf b;
	size_t i;
	json_t *o;

	am_buf_init(&b);
	json_array_foreach(rows, i, o)
	{
		const char *key;
		json_t *value;

		if (i > 0)
			putchar('\n');
		json_object_foreach(o, key, value)
		{
			char *text = json_is_string(value)
					 ? NULL
					 : json_dumps(value, JSON_ENCODE_ANY);

			am_buf_reset(&b);
			am_text_clean(&b,
			    am_str_c(text != NULL ? text
						  : json_string_value(value)));
			printf("%-*s", CARD_INDENT - 1, key);
			putchar(' ');
			am_text_wrap(t, CARD_INDENT, am_buf_str(&b));
			free(text);
		}
	}
	am_buf_fini(&b);
}

/* What there is to say stands in the note. */
static void
print_nothing(const struct am_term *t, const json_t *rows)
{
	(void)t;
	(void)rows;
}

/* The verb, or for `pause` and `resume` each that begins so. */
static bool
is_of(const char *verb, const char *name)
{
	size_t n = strlen(name);

	if (strcmp(name, "pause") == 0 || strcmp(name, "resume") == 0)
		return strncmp(verb, name, n) == 0 && verb[n] == ' ';
	return strcmp(verb, name) == 0;
}

void
am_print_answer(const struct am_term *t, const struct am_verb *verb,
    const json_t *rows, const struct am_ask_end *end)
{
	static const struct {
		const char *verb;
		void (*print)(const struct am_term *t, const json_t *rows);
		bool empty_too; /* says something without a row, too */
	} printers[] = {
		{ "status", print_status, false },
		{ "audit", print_audit, false },
		{ "health", print_health, false },
		{ "list", print_list, true },
		{ "shape", am_print_shape, false },
		{ "pause", print_nothing, false },
		{ "resume", print_nothing, false },
		{ "show", print_show, false },
		{ "why", am_print_why, false },
		{ "plan", am_print_plan, true },
		{ "message show", am_print_message, false },
		{ "message list", am_print_messages, false },
		{ "followups", print_followups, true },
		{ "dead list", print_dead, true },
		{ "dead replay", am_print_again, false },
		{ "followups retry", am_print_again, false },
		{ "rejects list", print_rejects, true },
		{ "endpoints", am_print_endpoints, true },
		{ "shard list", print_shard_list, true },
		{ "silence add", am_print_silences, false },
		{ "silence list", am_print_silences, true },
		{ "close", am_print_moves, false },
		{ "migrate", am_print_moves, false },
		{ "emit", print_emit, false },
		{ "reload", am_print_reload, false },
		{ "verify", print_verify, false },
		{ "report", am_print_report, false },
	};
	bool empty = json_array_size(rows) == 0;

	for (size_t i = 0; i < AM_COUNT(printers); i++) {
		if (!is_of(verb->name, printers[i].verb))
			continue;
		if (!empty ||
		    (printers[i].empty_too && end->code == AM_EXIT_OK))
			printers[i].print(t, rows);
		empty = true;
		rows = NULL;
		break;
	}
	if (rows != NULL && !empty)
		print_card(t, rows);
	if (end->code == AM_EXIT_OK && end->text[0] != '\0') {
		struct am_buf b;

		am_buf_init(&b);
		am_text_clean(&b, am_str_c(end->text));
		am_text_wrap(t, 0, am_buf_str(&b));
		am_buf_fini(&b);
	} else if (end->code == AM_EXIT_OK && rows != NULL && empty) {
		printf("done\n");
	}
}

static void
help_verb(const struct am_term *t, const struct am_verb *v)
{
	printf("%s%s%s\n  %s\n", am_hue_on(t, AM_HUE_BOLD), v->usage,
	    am_hue_off(t, AM_HUE_BOLD), v->about);
	if (v->level == AM_CTL_OPERATE)
		printf("  for root and who is named in status.operate\n");
}

void
am_print_local(const struct am_term *t, const struct am_local *local)
{
	printf("%s%s%s\n  %s\n", am_hue_on(t, AM_HUE_BOLD), local->usage,
	    am_hue_off(t, AM_HUE_BOLD), local->about);
}

/* What a command does is wrapped, not cut: it is read but here. */
static void
help_row(const struct am_term *t, const char *name, bool changes, size_t width,
    const char *about)
{
	printf("%s%s%*s", name, changes ? " *" : "",
	    (int)(width - strlen(name) - (changes ? 2 : 0)), "");
	am_text_wrap(t, width, am_str_c(about));
}

void
am_print_help(const struct am_term *t, const struct am_verb *verb)
{
	size_t width = 0;

	if (verb != NULL) {
		help_verb(t, verb);
		return;
	}
	printf("usage: amendsctl [--socket PATH] [--json] [--timeout SECONDS] "
	       "COMMAND ...\n\n");
	for (size_t i = 0; i < am_verbs_n; i++) {
		size_t n = strlen(am_verbs[i].name);

		width = n > width ? n : width;
	}
	width += strlen(" *  ");
	printf("%sCOMMAND%s\n", am_hue_on(t, AM_HUE_BOLD),
	    am_hue_off(t, AM_HUE_BOLD));
	for (size_t i = 0; i < am_verbs_n; i++)
		help_row(t, am_verbs[i].name,
		    am_verbs[i].level == AM_CTL_OPERATE, width,
		    am_verbs[i].about);
	for (size_t i = 0; i < am_locals_n; i++)
		help_row(
		    t, am_locals[i].name, false, width, am_locals[i].about);
	printf("\n* changes something; `amendsctl help COMMAND` says how each "
	       "is used\n");
}
