/*
 * amendsctl_report - figures as tables, an extract as it comes.
 *
 * An extract has as many lines as there are complaints: they are printed as
 * they come and none is kept. While the daemon reads on, it says how far it is;
 * that goes to a terminal's stderr and nowhere else.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/amendsctl.h"

#include "base/str.h"
#include "ops/report.h"
#include "ops/words.h"

#define STAGE_ROWS_MAX 60 /* of groups; beyond them the total's only */

/* ---- answers that take long ---- */

static bool
has_option(const struct am_verb *v, const char *name)
{
	return strstr(v->options, name) != NULL;
}

bool
am_is_long(const struct am_verb *v)
{
	return has_option(v, "--progress");
}

int
am_long_words(const struct am_verb *v, bool *json, struct am_str *argv,
    size_t *argc, bool *own_progress)
{
	struct am_str format = am_verb_option(argv, *argc, "format");

	*own_progress = am_verb_option(argv, *argc, "progress").p == NULL;
	if (*own_progress && *argc < AM_WORDS_MAX)
		argv[(*argc)++] = AM_STR("--progress");
	if (!has_option(v, "--format="))
		return 0;
	if (*json && am_str_is(format, "csv"))
		return -AM_EINVAL;
	if (am_str_is(format, "json"))
		*json = true;
	else if (!*json && format.n == 0 && *argc < AM_WORDS_MAX)
		argv[(*argc)++] = AM_STR("--format=csv");
	return 0;
}

static void
show_progress(struct am_long *l, const json_t *p)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%lld of %lld complaints read",
	    (long long)am_json_int(p, "met"), (long long)am_json_int(p, "of"));
	fflush(stderr);
	l->said = true;
}

void
am_long_row(void *arg, struct am_str line, json_t *json)
{
	struct am_long *l = arg;
	const json_t *progress = json_object_get(json, "progress");
	const char *csv = json_string_value(json_object_get(json, "csv"));

	if (progress != NULL && l->own_progress) {
		show_progress(l, progress);
		return;
	}
	am_long_end(l);
	if (csv != NULL && !l->json) {
		l->csv = true;
		printf("%s\r\n", csv);
	} else
		l->row(l->arg, line, json);
}

void
am_long_note(const struct am_ask_end *end)
{
	struct am_buf b;

	if (end->code != AM_EXIT_OK || end->text[0] == '\0')
		return;
	am_buf_init(&b);
	am_text_clean(&b, am_str_c(end->text));
	fflush(stdout);
	fprintf(stderr, "amendsctl: %.*s\n", AM_ARG(am_buf_str(&b)));
	am_buf_fini(&b);
}

void
am_long_end(struct am_long *l)
{
	if (l->said)
		fputs("\r\033[K", stderr);
	l->said = false;
}

/* ---- cells ---- */

static void
cell_share(struct am_table *tb, const json_t *row, enum am_kpi kpi)
{
	const json_t *s = json_object_get(row, am_kpis[kpi].name);
	int64_t n = am_json_int(s, "n"), of = am_json_int(s, "of");

	if (of == 0)
		am_table_cell(tb, AM_HUE_NONE, AM_STR("-"));
	else
		am_table_cellf(tb, AM_HUE_NONE, "%lld%%",
		    (long long)((n * 200 + of) / (2 * of)));
}

static void
cell_span(struct am_table *tb, const json_t *o, const char *key, bool days)
{
	char text[32] = "-";

	if (json_is_integer(json_object_get(o, key)))
		am_text_span(text, am_json_int(o, key), days);
	am_table_cell(tb, AM_HUE_NONE, am_str_c(text));
}

static void
cell_score(struct am_table *tb, const json_t *row)
{
	const json_t *score = json_object_get(row, "score");

	if (json_is_number(score))
		am_table_cellf(
		    tb, AM_HUE_NONE, "%.1f", json_number_value(score));
	else
		am_table_cell(tb, AM_HUE_NONE, AM_STR("-"));
}

static struct am_str
day_of(const json_t *o, const char *key)
{
	struct am_str text = am_json_str(o, key);

	if (text.n > 10)
		text.n = 10;
	return text;
}

/* ---- figures ---- */

static bool
is_row(const json_t *o, const char *kind)
{
	return am_str_is(am_json_str(o, "row"), kind);
}

static void
add_figures(struct am_table *tb, const json_t *row, bool total)
{
	struct am_str group = am_json_str(row, "group");

	if (total)
		am_table_cell(tb, AM_HUE_BOLD, AM_STR("total"));
	else
		am_table_cell(tb, AM_HUE_NONE, am_json_str(row, "period"));
	/* a group without a name: nobody's, or of no team */
	am_table_cell(tb, AM_HUE_NONE,
	    json_object_get(row, "group") != NULL && group.n == 0
		? AM_STR("(none)")
		: group);
	am_cell_int(tb, row, "received");
	am_cell_int(tb, row, "closed");
	am_cell_int(tb, row, "open");
	for (int i = 0; i < AM_KPIS_N; i++)
		cell_share(tb, row, (enum am_kpi)i);
	cell_score(tb, row);
	cell_span(tb, json_object_get(row, "handling"), "p50_ms", true);
	cell_span(tb, json_object_get(row, "handling"), "p90_ms", true);
}

static void
print_figures(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "PERIOD", 0, 0, false },
		{ "GROUP", 8, 0, false },
		{ "RECEIVED", 0, 0, true },
		{ "CLOSED", 0, 0, true },
		{ "OPEN", 0, 3, true },
		{ "ON TIME", 0, 0, true },
		{ "PROMISED", 0, 8, true },
		{ "1ST FIX", 0, 0, true },
		{ "REOPENED", 0, 2, true },
		{ "REPEAT", 0, 4, true },
		{ "REACHED", 0, 5, true },
		{ "SAT/ANSW", 0, 0, true },
		{ "SAT/ALL", 0, 0, true },
		{ "SCORE", 0, 9, true },
		{ "P50", 0, 6, true },
		{ "P90", 0, 7, true },
	};
	struct am_table tb;
	json_t *row;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, row)
	{
		if (is_row(row, "group"))
			add_figures(&tb, row, false);
	}
	json_array_foreach(rows, i, row)
	{
		if (is_row(row, "total"))
			add_figures(&tb, row, true);
	}
	am_table_print(&tb, 0);
}

/* ---- stages ---- */

static void
add_stages(struct am_table *tb, const json_t *row, bool total)
{
	json_t *s;
	size_t i;

	json_array_foreach(json_object_get(row, "stages"), i, s)
	{
		am_table_cell(tb, AM_HUE_NONE,
		    total ? AM_STR("total") : am_json_str(row, "period"));
		am_table_cell(tb, AM_HUE_NONE, am_json_str(row, "group"));
		am_cell_str(tb, s, "stage");
		am_table_cellf(tb, AM_HUE_NONE, "%lld",
		    (long long)(am_json_int(s, "hit") +
				am_json_int(s, "missed")));
		am_cell_count(tb, s, "missed", AM_HUE_RED);
		cell_span(tb, s, "p50_ms", false);
		cell_span(tb, s, "p90_ms", false);
		am_cell_count(tb, s, "implied", AM_HUE_NONE);
		am_cell_count(tb, s, "waived", AM_HUE_NONE);
	}
}

static size_t
count_stages(const json_t *rows)
{
	size_t n = 0, i;
	json_t *row;

	json_array_foreach(rows, i, row) n +=
	    is_row(row, "group")
		? json_array_size(json_object_get(row, "stages"))
		: 0;
	return n;
}

static void
print_stages(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "PERIOD", 0, 0, false },
		{ "GROUP", 8, 0, false },
		{ "STAGE", 0, 0, false },
		{ "DONE", 0, 0, true },
		{ "LATE", 0, 0, true },
		{ "P50", 0, 0, true },
		{ "P90", 0, 0, true },
		{ "IMPLIED", 0, 2, true },
		{ "WAIVED", 0, 1, true },
	};
	bool groups = count_stages(rows) <= STAGE_ROWS_MAX;
	struct am_table tb;
	json_t *row;
	size_t i;

	printf("\n%sStages%s, working time\n", am_hue_on(t, AM_HUE_BOLD),
	    am_hue_off(t, AM_HUE_BOLD));
	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, row)
	{
		if (groups && is_row(row, "group"))
			add_stages(&tb, row, false);
	}
	json_array_foreach(rows, i, row)
	{
		if (is_row(row, "total"))
			add_stages(&tb, row, true);
	}
	am_table_print(&tb, 0);
	if (!groups)
		printf("The total's only; --json has those of each group.\n");
}

/* ---- improvements ---- */

static void
add_side(struct am_table *tb, const json_t *m, const char *side)
{
	const json_t *o = json_object_get(m, side);
	const json_t *rate = json_object_get(o, "per_day");

	am_table_cell(tb, AM_HUE_NONE, am_json_str(m, "category"));
	am_table_cell(tb, AM_HUE_NONE, am_str_c(side));
	am_table_cell(tb, AM_HUE_NONE, day_of(o, "from"));
	am_table_cell(tb, AM_HUE_NONE, day_of(o, "to"));
	am_cell_int(tb, o, "received");
	if (json_is_number(rate))
		am_table_cellf(
		    tb, AM_HUE_NONE, "%.2f", json_number_value(rate));
	else
		am_table_cell(tb, AM_HUE_NONE, AM_STR("-"));
	cell_share(tb, o, AM_KPI_SATISFIED_ANSWERED);
	cell_share(tb, o, AM_KPI_SATISFIED_ALL);
}

static void
print_improvements(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "CATEGORY", 8, 0, false },
		{ "SIDE", 0, 0, false },
		{ "FROM", 0, 2, false },
		{ "TO", 0, 1, false },
		{ "RECEIVED", 0, 0, true },
		{ "PER DAY", 0, 0, true },
		{ "SAT/ANSW", 0, 0, true },
		{ "SAT/ALL", 0, 0, true },
	};
	struct am_table tb;
	size_t i, n = 0, early = 0;
	json_t *row;

	json_array_foreach(rows, i, row) n += is_row(row, "improvement");
	if (n == 0)
		return;
	printf("\n%sImprovements%s, complaints of the category received on "
	       "either side\n",
	    am_hue_on(t, AM_HUE_BOLD), am_hue_off(t, AM_HUE_BOLD));
	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, row)
	{
		if (!is_row(row, "improvement"))
			continue;
		if (am_json_int(row, "length_s") == 0) {
			early++;
			continue;
		}
		add_side(&tb, row, "before");
		add_side(&tb, row, "after");
	}
	am_table_print(&tb, 0);
	if (early > 0)
		printf("%zu too young to compare.\n", early);
}

/* ---- the report ---- */

static void
print_outcomes(const struct am_term *t, const json_t *total)
{
	const char *name;
	json_t *n;
	struct am_buf b;

	am_buf_init(&b);
	json_object_foreach(json_object_get(total, "outcomes"), name, n)
	    am_buf_addf(&b, "%s%s %lld", b.n > 0 ? ", " : "", name,
		(long long)json_integer_value(n));
	if (b.n > 0) {
		printf("\nClosed: ");
		am_text_wrap(t, 0, am_buf_str(&b));
	}
	am_buf_fini(&b);
}

/* "2026-10-03T09:00:00+08:00" to the minute; its zone is said once. */
static const char *
minute_of(char out[24], const json_t *o, const char *key)
{
	struct am_str text = am_json_str(o, key);

	snprintf(out, 24, "%.*s", text.n > 16 ? 16 : (int)text.n,
	    text.n > 0 ? text.p : "");
	if (text.n > 10)
		out[10] = ' ';
	return out;
}

static void
print_span(const struct am_term *t, const json_t *total)
{
	char from[24], to[24];

	minute_of(from, total, "from");
	printf("%s%s%sup to %s%s, %.*s\n\n", am_hue_on(t, AM_HUE_BOLD), from,
	    from[0] != '\0' ? " " : "", minute_of(to, total, "to"),
	    am_hue_off(t, AM_HUE_BOLD), AM_ARG(am_json_str(total, "zone")));
}

void
am_print_report(const struct am_term *t, const json_t *rows)
{
	const json_t *total = NULL;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (is_row(row, "total"))
			total = row;
	}
	if (total == NULL)
		return;
	print_span(t, total);
	print_figures(t, rows);
	print_stages(t, rows);
	print_outcomes(t, total);
	print_improvements(t, rows);
}
