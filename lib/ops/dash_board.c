/*
 * dash_board - stages against the time that is left to their due.
 *
 * A cell is shaded by its share of the fullest one, so a wave that rolls
 * towards its deadline is seen before it is there; the numbers stand in it, so
 * the shade is never all that tells.
 */

#include "ops/dash_html.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct {
	const char *name;
	const char *look; /* of its cells */
} cols[AM_DUE_COLS] = {
	[AM_DUE_LAPSED_1D] = { "over 1 d",  "late" },
	[AM_DUE_LAPSED_1H] = { "over 1 h",  "late" },
	[AM_DUE_LAPSED]    = { "up to 1 h", "late" },
	[AM_DUE_15M]       = { "15 m",      "near" },
	[AM_DUE_1H]        = { "1 h",       "near" },
	[AM_DUE_4H]        = { "4 h",       "" },
	[AM_DUE_1D]        = { "1 d",       "" },
	[AM_DUE_LATER]     = { "later",     "" },
	[AM_DUE_STILL]     = { "standing still", "still" },
};
/* clang-format on */

static void
group(const struct am_html *h, const char *name, size_t n, const char *sign,
    const char *look)
{
	am_buf_addf(h->b,
	    "<th scope=\"colgroup\" colspan=\"%zu\" class=\"span %s\">", n,
	    look);
	if (sign != NULL)
		am_h_sign(h, sign);
	am_h_say(h, name, NULL);
	am_h(h, "</th>");
}

/* A column without a group. */
static void
tall(const struct am_html *h, const char *name)
{
	am_h(h, "<th scope=\"col\" rowspan=\"2\" class=\"num\">");
	am_h_say(h, name, NULL);
	am_h(h, "</th>");
}

static void
head(const struct am_html *h)
{
	am_h(h, "<colgroup><col></colgroup><colgroup span=\"3\"></colgroup>"
		"<colgroup span=\"4\"></colgroup><colgroup><col><col><col>"
		"</colgroup>\n<thead><tr><th scope=\"col\" rowspan=\"2\">");
	am_h_say(h, "Stage", NULL);
	am_h(h, "</th>");
	group(h, "Lapsed", 3, "lapsed", "late");
	group(h, "Due within", 4, NULL, "");
	tall(h, cols[AM_DUE_LATER].name);
	tall(h, cols[AM_DUE_STILL].name);
	tall(h, "All");
	am_h(h, "</tr>\n<tr>");
	for (size_t i = 0; i < AM_DUE_LATER; i++) {
		am_buf_addf(
		    h->b, "<th scope=\"col\" class=\"num %s\">", cols[i].look);
		am_h_say(h, cols[i].name, NULL);
		am_h(h, "</th>");
	}
	am_h(h, "</tr></thead>\n");
}

/* 1 to 4 by the share of the fullest cell. */
static unsigned
shade(int64_t n, int64_t most)
{
	if (n <= 0 || most <= 0)
		return 0;
	return n >= most ? 4 : 1 + (unsigned)(4 * n / most);
}

static void
row(const struct am_html *h, const struct am_census_stage *r, int64_t most)
{
	am_h(h, "<tr><th scope=\"row\">");
	am_h_word(h, r->stage);
	am_h(h, "</th>");
	for (size_t i = 0; i < AM_DUE_COLS; i++) {
		if (r->n[i] == 0) {
			am_h(h, "<td class=\"num zero\">0</td>");
			continue;
		}
		am_buf_addf(h->b, "<td class=\"num q%u %s\">",
		    shade(r->n[i], most), cols[i].look);
		am_h_n(h, r->n[i]);
		am_h(h, "</td>");
	}
	am_h(h, "<td class=\"num all\">");
	am_h_n(h, r->total);
	am_h(h, "</td></tr>\n");
}

static void
total(const struct am_html *h, const struct am_census *c)
{
	int64_t n[AM_DUE_COLS] = { 0 }, all = 0;

	for (size_t i = 0; i < c->board_n; i++) {
		for (size_t k = 0; k < AM_DUE_COLS; k++)
			n[k] += c->board[i].n[k];
		all += c->board[i].total;
	}
	am_h(h, "<tfoot><tr><th scope=\"row\">");
	am_h_say(h, "All", NULL);
	am_h(h, "</th>");
	for (size_t i = 0; i < AM_DUE_COLS; i++) {
		am_h(h, "<td class=\"num\">");
		am_h_n(h, n[i]);
		am_h(h, "</td>");
	}
	am_h(h, "<td class=\"num all\">");
	am_h_n(h, all);
	am_h(h, "</td></tr></tfoot>\n");
}

/* What the reader must know of how it was counted. */
static void
remarks(const struct am_html *h, const struct am_census *c)
{
	char n[24], clock[32];

	am_dash_local(h->d, clock, c->ended_at);
	am_h(h, "<p class=\"remark\">");
	am_h_say(h, "Counted at {}.", clock + 11, NULL);
	if (!c->complete || c->missing_n > 0) {
		snprintf(n, sizeof(n), "%zu", c->missing_n);
		am_h(h, " ");
		am_h_say(h, "Streams that did not answer and are missing: {}.",
		    n, NULL);
	}
	if (c->unreadable > 0) {
		snprintf(n, sizeof(n), "%lld", (long long)c->unreadable);
		am_h(h, " ");
		am_h_say(h, "{} could not be read.", n, NULL);
	}
	am_h(h, "</p>\n");
}

void
am_dash_board(const struct am_html *h)
{
	const struct am_census *c = am_dash_census(h->s);
	const char *loop = NULL;
	int64_t most = 0;

	if (c == NULL || c->board_n == 0) {
		am_h(h, "<p class=\"none\">");
		if (c == NULL)
			am_h_uncounted(h);
		else
			am_h_say(h, "No loop is configured.", NULL);
		am_h(h, "</p>\n");
		return;
	}
	for (size_t i = 0; i < c->board_n; i++)
		for (size_t k = 0; k < AM_DUE_COLS; k++)
			if (c->board[i].n[k] > most)
				most = c->board[i].n[k];
	am_h(h, "<div class=\"wide card\" role=\"region\" tabindex=\"0\" "
		"aria-labelledby=\"board-c\">\n<table class=\"board\">"
		"<caption id=\"board-c\">");
	am_h_say(
	    h, "Open complaints by the due of the stage they are in", NULL);
	am_h(h, "</caption>\n");
	head(h);
	for (size_t i = 0; i < c->board_n; i++) {
		if (loop == NULL || strcmp(loop, c->board[i].loop) != 0) {
			am_h(h, loop != NULL ? "</tbody>\n" : "");
			loop = c->board[i].loop;
			am_h(h, "<tbody><tr class=\"loop\"><th "
				"scope=\"rowgroup\" colspan=\"11\">");
			am_h_say(h, "Loop {}", loop, NULL);
			am_h(h, "</th></tr>\n");
		}
		row(h, &c->board[i], most);
	}
	am_h(h, "</tbody>\n");
	total(h, c);
	am_h(h, "</table></div>\n");
	remarks(h, c);
}
