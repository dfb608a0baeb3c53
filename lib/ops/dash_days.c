/*
 * dash_days - today's figures, and fourteen days of them as plots.
 *
 * A plot is an SVG of classes and presentation attributes, which the policy of
 * the page allows; the same numbers stand in a table behind it, for those who
 * cannot see it and for those who want to copy them.
 */

#include "ops/dash_html.h"

#include <stdio.h>
#include <string.h>

/* A series: figures whose `what` (and `which`, unless NULL) are these. */
struct series {
	const char *name;
	const char *what[4];
	const char *which;
	const char *look; /* of its bars */
};

struct plot {
	const char *name;
	struct series series[3]; /* one beside the other; name NULL: none */
};

/* clang-format off */
static const struct plot plots[] = {
	{ "Opened and closed", {
		{ "Opened",    { "opened" }, NULL, "p-one" },
		{ "Closed",    { "closed" }, NULL, "p-two" } } },
	{ "Stages in time and late", {
		{ "In time",   { "met" },    NULL, "p-one" },
		{ "Lapsed",    { "missed" }, NULL, "p-bad" } } },
	{ "Follow-ups", {
		{ "Delivered", { "delivered" }, NULL, "p-one" },
		{ "Not delivered", { "dead", "unknown", "expired" }, NULL, "p-bad" } } },
	{ "Customers\xe2\x80\x99 answers", {
		{ "Satisfied",     { "answered" }, "satisfied",   "p-one" },
		{ "Partly",        { "answered" }, "partial",     "p-two" },
		{ "Not satisfied", { "answered" }, "unsatisfied", "p-bad" } } },
};
/* clang-format on */

static int64_t
figure(const struct am_sample_day *day, const struct series *sr)
{
	int64_t n = 0;

	for (size_t i = 0; i < day->figures_n; i++) {
		const struct am_sample_figure *f = &day->figures[i];

		if (sr->which != NULL && strcmp(sr->which, f->which) != 0)
			continue;
		for (size_t k = 0; k < AM_COUNT(sr->what); k++)
			if (sr->what[k] != NULL &&
			    strcmp(sr->what[k], f->what) == 0)
				n += f->n;
	}
	return n > 0 ? n : 0;
}

static size_t
series_n(const struct plot *p)
{
	size_t n = 0;

	while (n < AM_COUNT(p->series) && p->series[n].name != NULL)
		n++;
	return n;
}

/* "11-22" of "20261122"; as it is when it is no day. */
static void
short_day(char out[12], const char *day)
{
	if (strlen(day) == 8)
		snprintf(out, 12, "%.2s-%.2s", day + 4, day + 6);
	else
		snprintf(out, 12, "%.8s", day);
}

/* ---- today ---- */

static void
today(const struct am_html *h)
{
	static const struct series keys[] = {
		{ "Opened", { "opened" }, NULL, NULL },
		{ "Closed", { "closed" }, NULL, NULL },
		{ "Reopened", { "reopened" }, NULL, NULL },
		{ "Stages in time", { "met" }, NULL, NULL },
		{ "Stages lapsed", { "missed" }, NULL, NULL },
		{ "Follow-ups delivered", { "delivered" }, NULL, NULL },
		{ "Satisfied", { "answered" }, "satisfied", NULL },
		{ "Not satisfied", { "answered" }, "unsatisfied", NULL },
	};

	am_h(h, "<h3>");
	am_h_say(h, "Today", NULL);
	am_h(h, "</h3>\n<dl class=\"today\">\n");
	for (size_t i = 0; i < AM_COUNT(keys); i++) {
		am_h(h, "<div><dt>");
		am_h_say(h, keys[i].name, NULL);
		am_h(h, "</dt><dd>");
		am_h_n(h, figure(&h->s->days[0], &keys[i]));
		am_h(h, "</dd></div>\n");
	}
	am_h(h, "</dl>\n");
}

/* ---- plots ---- */

#define DAY_W 22
#define PLOT_H 96
#define TOP 14	  /* the scale's label */
#define BOTTOM 16 /* the days */

/* The next number that is easy to read: 1, 2, 5 and ten times that. */
static int64_t
nice(int64_t n)
{
	int64_t unit = 1;

	while (unit * 10 <= n)
		unit *= 10;
	if (n <= unit)
		return unit;
	if (n <= 2 * unit)
		return 2 * unit;
	return n <= 5 * unit ? 5 * unit : 10 * unit;
}

static void
bars(const struct am_html *h, const struct plot *p, int64_t top)
{
	size_t n = series_n(p);
	double w = (double)(DAY_W - 6) / (double)n;

	for (size_t day = 0; day < AM_SAMPLE_DAYS; day++) {
		const struct am_sample_day *d =
		    &h->s->days[AM_SAMPLE_DAYS - 1 - day];

		for (size_t k = 0; k < n; k++) {
			int64_t v = figure(d, &p->series[k]);
			double tall = (double)PLOT_H * (double)v / (double)top;

			if (v == 0)
				continue;
			am_buf_addf(h->b,
			    "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
			    "width=\"%.1f\" height=\"%.1f\"/>",
			    p->series[k].look,
			    (double)(day * DAY_W) + 3 + (double)k * w,
			    TOP + PLOT_H - tall, w - 0.8, tall);
		}
	}
}

static void
axis(const struct am_html *h, int64_t top)
{
	const int width = AM_SAMPLE_DAYS * DAY_W;

	am_buf_addf(h->b,
	    "<path class=\"grid\" d=\"M0 %d.5H%dM0 %d.5H%d\"/>"
	    "<path class=\"base\" d=\"M0 %d.5H%d\"/>"
	    "<text x=\"0\" y=\"%d\">%lld</text>",
	    TOP, width, TOP + PLOT_H / 2, width, TOP + PLOT_H, width, TOP - 4,
	    (long long)top);
	for (size_t i = 0; i < AM_SAMPLE_DAYS; i++) {
		char label[12];

		/* the last, and every third before it */
		if ((AM_SAMPLE_DAYS - 1 - i) % 3 != 0)
			continue;
		short_day(label, h->s->days[AM_SAMPLE_DAYS - 1 - i].day);
		/* the last would stand out on the right */
		am_buf_addf(h->b,
		    "<text text-anchor=\"%s\" x=\"%zu\" y=\"%d\">",
		    i + 1 < AM_SAMPLE_DAYS ? "middle" : "end",
		    i + 1 < AM_SAMPLE_DAYS ? i * DAY_W + DAY_W / 2
					   : AM_SAMPLE_DAYS * DAY_W,
		    TOP + PLOT_H + BOTTOM - 3);
		am_h_c(h, label);
		am_h(h, "</text>");
	}
}

static void
plot(const struct am_html *h, const struct plot *p)
{
	int64_t most = 0, sum[AM_COUNT(p->series)] = { 0 };
	size_t n = series_n(p);
	char text[24];

	for (size_t d = 0; d < AM_SAMPLE_DAYS; d++)
		for (size_t k = 0; k < n; k++) {
			int64_t v = figure(&h->s->days[d], &p->series[k]);

			sum[k] += v;
			most = v > most ? v : most;
		}
	am_h(h, "<figure class=\"card\"><figcaption>");
	am_h_say(h, p->name, NULL);
	am_h(h, "<span class=\"legend\">");
	for (size_t k = 0; k < n; k++) {
		am_buf_addf(h->b,
		    "<span><svg class=\"key\" aria-hidden=\"true\" "
		    "focusable=\"false\" width=\"10\" height=\"10\"><rect "
		    "class=\"%s\" width=\"10\" height=\"10\"/></svg>",
		    p->series[k].look);
		am_h_say(h, p->series[k].name, NULL);
		am_h(h, "</span>");
	}
	am_h(h, "</span></figcaption>\n");
	am_buf_addf(h->b,
	    "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %d %d\" "
	    "aria-label=\"",
	    AM_SAMPLE_DAYS * DAY_W, TOP + PLOT_H + BOTTOM);
	am_h_say(h, "Sums of fourteen days", NULL);
	for (size_t k = 0; k < n; k++) {
		snprintf(text, sizeof(text), "%lld", (long long)sum[k]);
		am_h(h, k == 0 ? ": " : ", ");
		am_h_say(h, p->series[k].name, NULL);
		am_buf_addf(h->b, " %s", text);
	}
	am_h(h, "\">");
	axis(h, nice(most > 0 ? most : 1));
	bars(h, p, nice(most > 0 ? most : 1));
	am_h(h, "</svg></figure>\n");
}

/* ---- the numbers ---- */

static void
numbers(const struct am_html *h)
{
	am_h(h, "<details class=\"numbers\" data-key=\"numbers\"><summary>");
	am_h_say(h, "The numbers", NULL);
	am_h(h, "</summary>\n<div class=\"wide card\" role=\"region\" "
		"tabindex=\"0\" aria-label=\"");
	am_h_say(h, "The numbers", NULL);
	am_h(h, "\">\n<table><caption>");
	am_h_say(h, "Figures of fourteen days", NULL);
	am_h(h, "</caption><thead><tr><th scope=\"col\">");
	am_h_say(h, "Day", NULL);
	am_h(h, "</th>");
	for (size_t i = 0; i < AM_COUNT(plots); i++)
		for (size_t k = 0; k < series_n(&plots[i]); k++) {
			am_h(h, "<th scope=\"col\" class=\"num\">");
			am_h_say(h, plots[i].series[k].name, NULL);
			am_h(h, "</th>");
		}
	am_h(h, "</tr></thead><tbody>\n");
	for (size_t d = 0; d < AM_SAMPLE_DAYS; d++) {
		char label[12];

		short_day(label, h->s->days[d].day);
		am_h(h, "<tr><th scope=\"row\">");
		am_h_c(h, label);
		am_h(h, "</th>");
		for (size_t i = 0; i < AM_COUNT(plots); i++)
			for (size_t k = 0; k < series_n(&plots[i]); k++) {
				am_h(h, "<td class=\"num\">");
				am_h_n(h, figure(&h->s->days[d],
					      &plots[i].series[k]));
				am_h(h, "</td>");
			}
		am_h(h, "</tr>\n");
	}
	am_h(h, "</tbody></table></div></details>\n");
}

void
am_dash_days(const struct am_html *h)
{
	today(h);
	am_h(h, "<div class=\"plots\">\n");
	for (size_t i = 0; i < AM_COUNT(plots); i++)
		plot(h, &plots[i]);
	am_h(h, "</div>\n");
	numbers(h);
}
