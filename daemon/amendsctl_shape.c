/*
 * amendsctl_shape - queues at a glance, for people: follow-ups by endpoint and
 * age, as qshape(1) shows mail, and complaints by stage and time left.
 */

#include "daemon/amendsctl.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define COLS_MAX 10

struct grid {
	const char *row;    /* what a row says it is */
	const char *member; /* the object with its figures */
	const char *keys[COLS_MAX];
	const struct am_column *columns; /* the name, the sum, then each key */
	size_t keys_n;
	size_t bad; /* so many of the first columns are red when they are not 0
		     */
};

/* A row in the grid that is asked for. */
static bool
is_row(const struct grid *g, const json_t *o)
{
	return am_str_is(am_json_str(o, "row"), g->row);
}

static void
cell_n(struct am_table *tb, enum am_hue hue, long long n)
{
	if (n != 0)
		am_table_cellf(tb, hue, "%lld", n);
	else
		am_table_cell(tb, AM_HUE_DIM, AM_STR("-"));
}

static void
cells(struct am_table *tb, const struct grid *g, const char *name,
    long long total, const long long *n)
{
	am_table_cell(tb, AM_HUE_NONE, am_str_c(name));
	cell_n(tb, AM_HUE_BOLD, total);
	for (size_t i = 0; i < g->keys_n; i++)
		cell_n(tb, i < g->bad ? AM_HUE_RED : AM_HUE_NONE, n[i]);
}

static void
row_name(char out[160], const json_t *o)
{
	struct am_str loop = am_json_str(o, "loop");
	struct am_str stage = am_json_str(o, "stage");
	struct am_str endpoint = am_json_str(o, "endpoint");

	if (loop.n != 0)
		snprintf(out, 160, "%.*s/%.*s", AM_ARG(loop), AM_ARG(stage));
	else
		snprintf(out, 160, "%.*s", AM_ARG(endpoint));
}

static void
print_grid(const struct am_term *t, const struct grid *g, const json_t *rows)
{
	long long sum[COLS_MAX] = { 0 }, all = 0;
	struct am_table tb;
	json_t *o;
	size_t i;

	json_array_foreach(rows, i, o)
	{
		const json_t *m = json_object_get(o, g->member);

		if (!is_row(g, o))
			continue;
		all += am_json_int(o, "total");
		for (size_t k = 0; k < g->keys_n; k++)
			sum[k] += am_json_int(m, g->keys[k]);
	}
	am_table_init(&tb, t, g->columns, g->keys_n + 2);
	cells(&tb, g, "TOTAL", all, sum);
	json_array_foreach(rows, i, o)
	{
		const json_t *m = json_object_get(o, g->member);
		long long n[COLS_MAX] = { 0 };
		char name[160];

		if (!is_row(g, o))
			continue;
		for (size_t k = 0; k < g->keys_n; k++)
			n[k] = am_json_int(m, g->keys[k]);
		row_name(name, o);
		cells(&tb, g, name, am_json_int(o, "total"), n);
	}
	am_table_print(&tb, 0);
}

static void
print_census(const struct am_term *t, const json_t *o)
{
	long long parked = am_json_int(o, "parked");
	long long unreadable = am_json_int(o, "unreadable");
	am_ms from = t->now, to = t->now;
	char took[32];

	(void)am_json_time(o, "from", &from);
	(void)am_json_time(o, "to", &to);
	am_text_span(took, to - from, false);
	printf(
	    "\n%s%lld open, %lld of them held; %lld follow-ups wait; counted "
	    "in %s%s\n",
	    am_hue_on(t, AM_HUE_DIM), (long long)am_json_int(o, "open"),
	    (long long)am_json_int(o, "held"),
	    (long long)am_json_int(o, "waiting"), took,
	    am_hue_off(t, AM_HUE_DIM));
	if (parked + unreadable > 0)
		printf("%s%lld set aside and %lld unreadable are not among "
		       "them; see `status` and the log%s\n",
		    am_hue_on(t, AM_HUE_YELLOW), parked, unreadable,
		    am_hue_off(t, AM_HUE_YELLOW));
}

void
am_print_shape(const struct am_term *t, const json_t *rows)
{
	static const struct am_column ages[] = { { "ENDPOINT", 8, 0, false },
		{ "T", 0, 0, true }, { "5", 0, 0, true }, { "10", 0, 0, true },
		{ "20", 0, 0, true }, { "40", 0, 0, true },
		{ "80", 0, 0, true }, { "160", 0, 0, true },
		{ "320", 0, 0, true }, { "640", 0, 0, true },
		{ "1280", 0, 0, true }, { "1280+", 0, 0, true } };
	static const struct am_column dues[] = { { "STAGE", 8, 0, false },
		{ "T", 0, 0, true }, { ">1d late", 0, 0, true },
		{ ">1h", 0, 0, true }, { "late", 0, 0, true },
		{ "15m", 0, 0, true }, { "1h", 0, 0, true },
		{ "4h", 0, 0, true }, { "1d", 0, 0, true },
		{ "later", 0, 0, true }, { "still", 0, 0, true } };
	static const struct grid endpoints = { "endpoint", "age",
		{ "5", "10", "20", "40", "80", "160", "320", "640", "1280",
		    "more" },
		ages, COLS_MAX, 0 };
	static const struct grid stages = { "stage", "due",
		{ "lapsed_1d", "lapsed_1h", "lapsed", "15m", "1h", "4h", "1d",
		    "later", "still" },
		dues, COLS_MAX - 1, 3 };
	json_t *o;
	size_t i;

	printf("%sfollow-ups that wait, by endpoint and minutes since they "
	       "fired%s\n",
	    am_hue_on(t, AM_HUE_DIM), am_hue_off(t, AM_HUE_DIM));
	print_grid(t, &endpoints, rows);
	printf("\n%scomplaints, by stage and time to its deadline%s\n",
	    am_hue_on(t, AM_HUE_DIM), am_hue_off(t, AM_HUE_DIM));
	print_grid(t, &stages, rows);
	json_array_foreach(rows, i, o)
	{
		if (am_str_is(am_json_str(o, "row"), "census"))
			print_census(t, o);
	}
}
