/*
 * dash_now - the first screen: how many stand where, what lapses, whose it is,
 * and whether follow-ups get through.
 *
 * How many are open is the tally's and exact; what has lapsed is the census's,
 * which takes its time with many complaints. Where there is none yet, that is
 * said, and no number is made up.
 */

#include "ops/dash_html.h"

#include <stdio.h>
#include <string.h>

struct totals {
	bool counted;
	int64_t lapsed, soon, nobody;
	am_ms oldest, next; /* of those; 0: none */
	int64_t waiting, late;
	am_ms late_since;
};

static int64_t
row_lapsed(const struct am_census_stage *r)
{
	return r->n[AM_DUE_LAPSED_1D] + r->n[AM_DUE_LAPSED_1H] +
	       r->n[AM_DUE_LAPSED];
}

static int64_t
row_soon(const struct am_census_stage *r)
{
	return r->n[AM_DUE_15M] + r->n[AM_DUE_1H];
}

int64_t
am_dash_late(const struct am_sample_endpoint *e)
{
	int64_t n = 0;

	/* within a minute is what sending takes */
	for (size_t i = AM_LATE_5M; i < AM_LATE_COLS; i++)
		n += e->late[i] > 0 ? e->late[i] : 0;
	return n;
}

static void
sum(const struct am_sample *s, struct totals *t)
{
	const struct am_census *c = am_dash_census(s);

	memset(t, 0, sizeof(*t));
	t->counted = c != NULL;
	for (size_t i = 0; c != NULL && i < c->board_n; i++) {
		t->lapsed += row_lapsed(&c->board[i]);
		t->soon += row_soon(&c->board[i]);
	}
	for (size_t i = 0; c != NULL && i < c->owners_n; i++)
		if (c->owners[i].owner[0] == '\0')
			t->nobody = c->owners[i].open;
	if (c != NULL && c->lapsed_n > 0)
		t->oldest = c->lapsed[0].due_at;
	if (c != NULL && c->next_n > 0)
		t->next = c->next[0].due_at;
	t->waiting = s->waiting;
	for (size_t i = 0; i < s->endpoints_n; i++) {
		const struct am_sample_endpoint *e = &s->endpoints[i];
		int64_t late = am_dash_late(e);

		t->late += late;
		if (late > 0 && e->oldest_due > 0 &&
		    (t->late_since == 0 || e->oldest_due < t->late_since))
			t->late_since = e->oldest_due;
	}
}

/* ---- tiles ---- */

/* A figure; the caller says what is under it and calls tile_end(). n below 0:
 * not known. */
static void
tile(const struct am_html *h, const char *look, const char *sign,
    const char *name, int64_t n)
{
	am_buf_addf(h->b, "<div class=\"tile %s\"><dt>", look);
	if (sign != NULL)
		am_h_sign(h, sign);
	am_h_say(h, name, NULL);
	am_h(h, "</dt><dd class=\"n\">");
	am_h_n(h, n);
	am_h(h, "</dd><dd class=\"sub\">");
}

static void
tile_end(const struct am_html *h)
{
	am_h(h, "</dd></div>\n");
}

static void
count(char out[24], int64_t n)
{
	snprintf(out, 24, "%lld", (long long)n);
}

/* The rest of a tile whose figure is the census's, before there is one. */
static bool
is_counted(const struct am_html *h, const struct totals *t)
{
	if (!t->counted)
		am_h_uncounted(h);
	return t->counted;
}

static void
tile_lapsed(const struct am_html *h, const struct totals *t)
{
	bool some = t->lapsed > 0;

	tile(h, some ? "t-bad" : "", some ? "lapsed" : NULL, "Lapsed",
	    t->counted ? t->lapsed : -1);
	if (is_counted(h, t) && t->oldest > 0) {
		am_h_say(h, "longest for ", NULL);
		am_h_far(h, t->oldest);
	} else if (t->counted) {
		am_h_say(h, "all in time", NULL);
	}
	tile_end(h);
}

static void
tile_soon(const struct am_html *h, const struct totals *t)
{
	bool some = t->soon > 0;

	tile(h, some ? "t-soon" : "", some ? "soon" : NULL, "About to lapse",
	    t->counted ? t->soon : -1);
	if (is_counted(h, t) && t->next > 0) {
		if (some) {
			am_h_say(h, "within the hour", NULL);
			am_h(h, " \xc2\xb7 ");
		}
		am_h_say(h, "the next ", NULL);
		am_h_when(h, t->next);
	}
	tile_end(h);
}

static void
tiles_of_complaints(const struct am_html *h, const struct totals *t)
{
	char n[24];

	tile_lapsed(h, t);
	tile_soon(h, t);
	tile(h, "", NULL, "Open", h->s->open);
	count(n, h->s->held);
	if (h->s->held > 0)
		am_h_say(h, "{} of them on hold", n, NULL);
	tile_end(h);
	tile(h, t->nobody > 0 ? "t-soon" : "", NULL, "Nobody\xe2\x80\x99s",
	    t->counted ? t->nobody : -1);
	if (is_counted(h, t))
		am_h_say(h,
		    t->nobody > 0 ? "without an owner" : "each has an owner",
		    NULL);
	tile_end(h);
}

static void
tiles_of_followups(const struct am_html *h, const struct totals *t)
{
	tile(h, t->late > 0 ? "t-bad" : "", t->late > 0 ? "stop" : NULL,
	    "Follow-ups held up", t->waiting < 0 ? -1 : t->late);
	if (t->late > 0 && t->late_since > 0) {
		am_h_say(h, "for ", NULL);
		am_h_far(h, t->late_since);
	} else if (t->waiting >= 0) {
		char n[24];

		count(n, t->waiting);
		am_h_say(h, "{} waiting for their time", n, NULL);
	}
	tile_end(h);

	tile(h, "", NULL, "Given up", h->s->dead_n);
	if (h->s->dead_n >= 0)
		am_h_say(h,
		    h->s->dead_n > 0 ? "need a person" : "none is given up",
		    NULL);
	tile_end(h);
}

/* ---- stages ---- */

static int64_t
open_at(const struct am_sample *s, const char *loop, const char *stage)
{
	int64_t n = 0;

	if (s->open < 0)
		return -1; /* Redis has never answered */
	for (size_t i = 0; i < s->stages_n; i++)
		if (strcmp(s->stages[i].loop, loop) == 0 &&
		    strcmp(s->stages[i].stage, stage) == 0 &&
		    s->stages[i].open > 0)
			n += s->stages[i].open;
	return n;
}

static const struct am_census_stage *
counted_at(const struct am_sample *s, const char *loop, const char *stage)
{
	const struct am_census *c = am_dash_census(s);

	for (size_t i = 0; c != NULL && i < c->board_n; i++) {
		const struct am_census_stage *r = &c->board[i];

		if (strcmp(r->loop, loop) == 0 && strcmp(r->stage, stage) == 0)
			return r;
	}
	return NULL;
}

static void
step(const struct am_html *h, const struct am_sample_stage *st, int64_t most)
{
	const struct am_census_stage *r = counted_at(h->s, st->loop, st->stage);
	int64_t n = open_at(h->s, st->loop, st->stage);
	int64_t all = n > 0 ? n : 0;
	int64_t late = r != NULL && n > 0 ? row_lapsed(r) : 0;
	int64_t soon = r != NULL && n > 0 ? row_soon(r) : 0;
	int64_t top = most > 0 ? most : 1;
	char text[24];

	am_h(h, "<li class=\"step\"><span class=\"name\">");
	am_h_word(h, st->stage);
	am_h(h, "</span> <span class=\"n\">");
	am_h_n(h, n);
	am_h(h, "</span>");
	am_buf_addf(h->b,
	    "<svg class=\"bar\" aria-hidden=\"true\" focusable=\"false\" "
	    "viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\">"
	    "<rect class=\"b-all\" width=\"%.1f\" height=\"4\"/>"
	    "<rect class=\"b-soon\" width=\"%.1f\" height=\"4\"/>"
	    "<rect class=\"b-bad\" width=\"%.1f\" height=\"4\"/></svg>",
	    100.0 * (double)all / (double)top,
	    100.0 * (double)(late + soon < all ? late + soon : all) /
		(double)top,
	    100.0 * (double)(late < all ? late : all) / (double)top);
	am_h(h, "<span class=\"sub\">");
	if (late > 0) {
		count(text, late);
		am_h(h, "<span class=\"bad\">");
		am_h_sign(h, "lapsed");
		am_h_say(h, "{} lapsed", text, NULL);
		am_h(h, "</span> ");
	}
	if (soon > 0) {
		count(text, soon);
		am_h(h, "<span class=\"soon\">");
		am_h_sign(h, "soon");
		am_h_say(h, "{} soon", text, NULL);
		am_h(h, "</span>");
	}
	am_h(h, "</span></li>\n");
}

static bool
begins(const struct am_sample *s, size_t i, bool loop)
{
	const struct am_sample_stage *a = &s->stages[i], *b = a - 1;

	return i == 0 || strcmp(a->loop, b->loop) != 0 ||
	       (!loop && strcmp(a->stage, b->stage) != 0);
}

/* Complaints on stages in the order of their loop. */
static void
stages(const struct am_html *h)
{
	const struct am_sample *s = h->s;
	int64_t most = 0;

	for (size_t i = 0; i < s->stages_n; i++) {
		int64_t n = open_at(s, s->stages[i].loop, s->stages[i].stage);

		most = n > most ? n : most;
	}
	for (size_t i = 0; i < s->stages_n; i++) {
		if (begins(s, i, true)) {
			am_h(h, i > 0 ? "</ol></div>\n" : "");
			am_h(h, "<div class=\"flow\"><h3>");
			am_h_say(h, "Loop {}", s->stages[i].loop, NULL);
			am_h(h, "</h3><ol class=\"steps\">\n");
		}
		if (begins(s, i, false))
			step(h, &s->stages[i], most);
	}
	am_h(h, s->stages_n > 0 ? "</ol></div>\n" : "");
}

/* ---- who, and which ---- */

static void
columns(const struct am_html *h, const char *const *names, size_t n)
{
	am_h(h, "<thead><tr>");
	for (size_t i = 0; i < n; i++) {
		bool number = names[i][0] == '#';

		am_h(h, number ? "<th scope=\"col\" class=\"num\">"
			       : "<th scope=\"col\">");
		am_h_say(h, names[i] + number, NULL);
		am_h(h, "</th>");
	}
	am_h(h, "</tr></thead><tbody>\n");
}

static void
table(const struct am_html *h, const char *caption, bool more,
    const char *const *names, size_t n)
{
	am_buf_addf(h->b, "<table%s><caption>", more ? " class=\"more\"" : "");
	am_h_say(h, caption, NULL);
	am_h(h, "</caption>");
	columns(h, names, n);
}

/* The rest of a list, folded. */
static void
fold(const struct am_html *h, const char *key, size_t n)
{
	char more[24];

	count(more, (int64_t)n);
	am_buf_addf(h->b, "<details data-key=\"%s\"><summary>", key);
	am_h_say(h, "{} more", more, NULL);
	am_h(h, "</summary>\n");
}

static void
case_row(const struct am_html *h, const struct am_census_case *c)
{
	bool late = c->due_at <= h->s->at;
	bool soon = !late && c->due_at - h->s->at <= AM_HOUR;

	am_h(h, "<tr data-key=\"");
	am_h_c(h, c->id);
	am_h(h, "\"><th scope=\"row\">");
	am_h_case(h, c->id);
	am_h(h, "</th><td>");
	am_h_word(h, c->stage);
	am_h(h, "<span class=\"tier\">");
	am_h_word(h, c->tier);
	am_h(h, "</span></td><td class=\"who\">");
	if (c->owner[0] != '\0') {
		am_h(h, "<bdi>");
		am_h_c(h, c->owner);
		am_h(h, "</bdi>");
	} else {
		am_h(h, "<span class=\"nobody\">");
		am_h_say(h, "nobody", NULL);
		am_h(h, "</span>");
	}
	am_buf_addf(h->b, "</td><td class=\"num%s\">",
	    late   ? " bad"
	    : soon ? " soon"
		   : "");
	if (late || soon)
		am_h_sign(h, late ? "lapsed" : "soon");
	am_h_far(h, c->due_at);
	am_h(h, "</td></tr>\n");
}

static void
cases(const struct am_html *h, const char *key, const char *caption,
    const char *last, const struct am_census_case *v, size_t n,
    const char *none)
{
	const char *const names[] = { "Complaint", "Stage", "Owner", last };
	size_t first = n < AM_DASH_ROWS ? n : AM_DASH_ROWS;

	if (n == 0) {
		am_h(h, "<h3>");
		am_h_say(h, caption, NULL);
		am_h(h, "</h3><p class=\"none\">");
		am_h_say(h, none, NULL);
		am_h(h, "</p>\n");
		return;
	}
	table(h, caption, false, names, AM_COUNT(names));
	for (size_t i = 0; i < first; i++)
		case_row(h, &v[i]);
	am_h(h, "</tbody></table>\n");
	if (n == first)
		return;
	fold(h, key, n - first);
	table(h, caption, true, names, AM_COUNT(names));
	for (size_t i = first; i < n; i++)
		case_row(h, &v[i]);
	am_h(h, "</tbody></table></details>\n");
}

static void
owner_row(const struct am_html *h, const struct am_census_owner *o)
{
	am_h(h, "<tr data-key=\"o-");
	am_h_c(h, o->owner);
	am_h(h, "\"><th scope=\"row\">");
	if (o->owner[0] != '\0') {
		am_h(h, "<bdi>");
		am_h_c(h, o->owner);
		am_h(h, "</bdi>");
	} else {
		am_h(h, "<span class=\"nobody\">");
		am_h_say(h, "nobody", NULL);
		am_h(h, "</span>");
	}
	am_buf_addf(h->b, "</th><td class=\"num%s\">",
	    o->lapsed > 0 ? " bad" : " zero");
	am_h_n(h, o->lapsed);
	am_buf_addf(
	    h->b, "</td><td class=\"num%s\">", o->soon > 0 ? " soon" : " zero");
	am_h_n(h, o->soon);
	am_h(h, "</td><td class=\"num\">");
	am_h_n(h, o->open);
	am_h(h, "</td></tr>\n");
}

static void
owners(const struct am_html *h, const struct am_census *c)
{
	static const char *const names[] = { "Owner", "#Lapsed",
		"#Within the hour", "#Open" };
	size_t first = c->owners_n < AM_DASH_ROWS ? c->owners_n : AM_DASH_ROWS;

	if (c->owners_n == 0)
		return;
	table(h, "Who has them", false, names, AM_COUNT(names));
	for (size_t i = 0; i < first; i++)
		owner_row(h, &c->owners[i]);
	am_h(h, "</tbody></table>\n");
	if (c->owners_n == first)
		return;
	fold(h, "owners", c->owners_n - first);
	table(h, "Who has them", true, names, AM_COUNT(names));
	for (size_t i = first; i < c->owners_n; i++)
		owner_row(h, &c->owners[i]);
	am_h(h, "</tbody></table></details>\n");
}

/* ---- do follow-ups get through ---- */

static void
channel(const struct am_html *h, const struct am_sample_endpoint *e)
{
	struct am_dash_health st = am_dash_health_of(h->s, e);
	int64_t late = am_dash_late(e);
	char n[24];

	am_h(h, "<li data-key=\"e-");
	am_h_c(h, e->name);
	am_buf_addf(h->b, "\" class=\"%s\">", st.bad ? "bad" : "");
	am_h_sign(h, st.sign);
	am_h(h, "<span class=\"name\"><bdi>");
	am_h_c(h, e->name);
	am_h(h, "</bdi></span> <span class=\"say\">");
	am_h_say(h, st.say, NULL);
	if (late > 0) {
		count(n, late);
		am_h(h, " \xc2\xb7 ");
		am_h_say(h, "{} held up", n, NULL);
	}
	am_h(h, "</span></li>\n");
}

static void
channels(const struct am_html *h)
{
	const struct am_sample *s = h->s;

	am_h(h, "<div class=\"card through\" data-key=\"through\"><h3>");
	am_h_say(h, "Do follow-ups get through?", NULL);
	am_h(h, "</h3>\n");
	if (s->endpoints_n == 0) {
		am_h(h, "<p class=\"none\">");
		am_h_say(h, "No channel is configured.", NULL);
		am_h(h, "</p></div>\n");
		return;
	}
	am_h(h, "<ul class=\"channels\">\n");
	/* what is wrong first */
	for (int bad = 1; bad >= 0; bad--)
		for (size_t i = 0; i < s->endpoints_n; i++)
			if (am_dash_health_of(s, &s->endpoints[i]).bad == bad)
				channel(h, &s->endpoints[i]);
	am_h(h, "</ul></div>\n");
}

void
am_dash_now(const struct am_html *h)
{
	const struct am_census *c = am_dash_census(h->s);
	struct totals t;

	sum(h->s, &t);
	am_h(h, "<dl class=\"tiles\">\n");
	tiles_of_complaints(h, &t);
	tiles_of_followups(h, &t);
	am_h(h, "</dl>\n");
	stages(h);
	channels(h);
	am_h(h, "<div class=\"cards\">\n<div class=\"card\" "
		"data-key=\"lapsed\">\n");
	if (c == NULL) {
		am_h(h, "<p class=\"none\">");
		am_h_uncounted(h);
		am_h(h, "</p>\n");
	} else {
		cases(h, "lapsed-more", "Lapsed, longest first", "#Late by",
		    c->lapsed, c->lapsed_n, "Nothing has lapsed.");
		am_h(h, "</div>\n<div class=\"card\" data-key=\"next\">\n");
		cases(h, "next-more", "Due next", "#Left", c->next, c->next_n,
		    "Nothing is due.");
		am_h(h, "</div>\n<div class=\"card\" data-key=\"owners\">\n");
		owners(h, c);
	}
	am_h(h, "</div>\n</div>\n");
}
