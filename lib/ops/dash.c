/*
 * dash - the page around its parts.
 *
 * Head and foot stand still while the parts are made new, so whoever types in
 * the search or reads a line is not disturbed. Rejected: a page that asks for
 * JSON and builds itself in the browser; it would be empty without a script and
 * every word of it would have to be told twice.
 */

#include "ops/dash.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ops/dash_html.h"

/* clang-format off */
static const struct {
	const char *id;
	const char *title; /* of its heading and in the list of parts; NULL: none */
	const char *label; /* for those who hear the page, without a title */
	void (*render)(const struct am_html *h);
} parts[AM_DASH_PARTS_N] = {
	[AM_DASH_BANNER]    = { "banner",    NULL,        "What needs attention", am_dash_banner },
	[AM_DASH_NOW]       = { "now",       "Now",       NULL, am_dash_now },
	[AM_DASH_BOARD]     = { "board",     "Stages and deadlines", NULL, am_dash_board },
	[AM_DASH_ENDPOINTS] = { "endpoints", "Channels",  NULL, am_dash_endpoints },
	[AM_DASH_LETTERS]   = { "letters",   "Given up and rejected", NULL, am_dash_letters },
	[AM_DASH_DAYS]      = { "days",      "Fourteen days", NULL, am_dash_days },
};

/* Signs: told by their form, not by their colour. */
static const char sprite[] =
    "<svg class=\"sprite\" aria-hidden=\"true\" focusable=\"false\" width=\"0\" height=\"0\">"
    "<symbol id=\"i-lapsed\" viewBox=\"0 0 16 16\"><path d=\"M8 1.2 15.4 14.4H.6z\" fill=\"currentColor\"/>"
    "<path d=\"M8 5.8v4M8 11.4v1.4\" class=\"cut\"/></symbol>"
    "<symbol id=\"i-soon\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.6\" class=\"ring\"/>"
    "<path d=\"M8 4v4.3l2.8 1.9\" class=\"line\"/></symbol>"
    "<symbol id=\"i-ok\" viewBox=\"0 0 16 16\"><path d=\"M2.4 8.6 6.4 12.4 13.6 4\" class=\"line\"/></symbol>"
    "<symbol id=\"i-idle\" viewBox=\"0 0 16 16\"><path d=\"M3 8h10\" class=\"line\"/></symbol>"
    "<symbol id=\"i-try\" viewBox=\"0 0 16 16\"><path d=\"M13.4 6.6A5.6 5.6 0 1 0 13.4 9.6M13.6 2.6v4h-4\" class=\"line\"/></symbol>"
    "<symbol id=\"i-stop\" viewBox=\"0 0 16 16\"><path d=\"M5.2 1.4h5.6l3.8 3.8v5.6l-3.8 3.8H5.2l-3.8-3.8V5.2z\" fill=\"currentColor\"/>"
    "<path d=\"M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2\" class=\"cut\"/></symbol>"
    "<symbol id=\"i-off\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.4\" class=\"ring\"/><path d=\"M3.6 3.6l8.8 8.8\" class=\"line\"/></symbol>"
    "<symbol id=\"i-note\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.6\" class=\"ring\"/><path d=\"M8 7v4.4M8 4.4v1.2\" class=\"line\"/></symbol>"
    "<symbol id=\"i-find\" viewBox=\"0 0 16 16\"><circle cx=\"6.8\" cy=\"6.8\" r=\"4.8\" class=\"ring\"/><path d=\"M10.4 10.4 14.4 14.4\" class=\"line\"/></symbol>"
    "</svg>\n";
/* clang-format on */

const char *
am_dash_part_id(enum am_dash_part part)
{
	return parts[part].id;
}

void
am_dash_part(const struct am_dash *d, const struct am_sample *s,
    enum am_dash_part part, struct am_buf *out)
{
	const struct am_html h = { out, d, s };

	if (parts[part].title != NULL) {
		am_buf_addf(
		    out, "<h2 id=\"%s-h\" tabindex=\"-1\">", parts[part].id);
		am_h_say(&h, parts[part].title, NULL);
		am_h(&h, "</h2>\n");
	}
	parts[part].render(&h);
}

static void
section(const struct am_html *h, enum am_dash_part part)
{
	am_buf_addf(h->b, "<section id=\"%s\" class=\"part\" ", parts[part].id);
	if (parts[part].title != NULL) {
		am_buf_addf(
		    h->b, "aria-labelledby=\"%s-h\">\n", parts[part].id);
	} else {
		am_h(h, "aria-label=\"");
		am_h_say(h, parts[part].label, NULL);
		am_h(h, "\">\n");
	}
	am_dash_part(h->d, h->s, part, h->b);
	am_h(h, "</section>\n");
}

/* ---- head ---- */

/* What has lapsed, of the board; below 0: not counted yet. */
static int64_t
lapsed(const struct am_sample *s)
{
	const struct am_census *c = am_dash_census(s);
	int64_t n = 0;

	if (c == NULL)
		return -1;
	for (size_t i = 0; i < c->board_n; i++)
		for (size_t k = 0; k <= AM_DUE_LAPSED; k++)
			n += c->board[i].n[k];
	return n;
}

/* For the tab: a supervisor who looks elsewhere sees it rise. */
static void
title(const struct am_html *h)
{
	char n[24];

	if (!h->s->redis.up) {
		am_h_say(h, "Redis is away", NULL);
		am_h(h, " \xc2\xb7 ");
	} else if (lapsed(h->s) > 0) {
		snprintf(n, sizeof(n), "%lld", (long long)lapsed(h->s));
		am_h_say(h, "{} lapsed", n, NULL);
		am_h(h, " \xc2\xb7 ");
	}
	am_h_say(h, "Complaints", NULL);
	am_h(h, " \xc2\xb7 ");
	am_h_c(h, h->s->instance);
}

static void
data_text(const struct am_html *h, const char *name, const char *text)
{
	am_buf_addf(h->b, " data-%s=\"", name);
	am_h_c(h, am_h_t(h, text));
	am_h(h, "\"");
}

/* How old it is, and how to have it anew: by a link, or by the script. */
static void
freshness(const struct am_html *h, bool live)
{
	char clock[32];

	am_dash_clock(h->d, clock, h->s->at);
	am_h(h, "<p class=\"fresh\"><span class=\"asof\">");
	am_h_say(h, "As of", NULL);
	am_buf_addf(h->b, " <time id=\"asof\">%s</time></span> ", clock);
	if (live) {
		am_h(h, "<span id=\"live\" role=\"status\"");
		am_buf_addf(h->b, " data-url=\"/live?lang=%s\"",
		    h->d->lang == AM_LANG_ZH ? "zh" : "en");
		data_text(h, "on", "Live");
		data_text(h, "off", "Not connected since {}");
		data_text(h, "wait", "Connecting");
		am_h(h, "></span> ");
	}
	am_h(h, "</p>\n");
}

static void
language(const struct am_html *h, struct am_str id)
{
	bool zh = h->d->lang == AM_LANG_ZH;
	struct am_dash other = { zh ? AM_LANG_EN : AM_LANG_ZH, true, NULL };
	const struct am_html o = { h->b, &other, h->s };

	am_buf_addf(h->b,
	    "<a class=\"lang\" lang=\"%s\" hreflang=\"%s\" href=\"",
	    am_lang_tag(other.lang), am_lang_tag(other.lang));
	am_h_href(&o, id);
	am_h(h, zh ? "\">English</a>\n" : "\">\xe4\xb8\xad\xe6\x96\x87</a>\n");
}

static void
search(const struct am_html *h, struct am_str id)
{
	am_h(h, "<form class=\"search\" role=\"search\" action=\"/\" "
		"method=\"get\">");
	if (h->d->lang_said)
		am_buf_addf(h->b,
		    "<input type=\"hidden\" name=\"lang\" value=\"%s\">",
		    h->d->lang == AM_LANG_ZH ? "zh" : "en");
	am_h(h, "<label for=\"q\">");
	am_h_say(h, "Complaint number", NULL);
	am_h(h, "</label><input id=\"q\" name=\"id\" type=\"search\" "
		"maxlength=\"64\" autocomplete=\"off\" autocapitalize=\"off\" "
		"spellcheck=\"false\" required value=\"");
	am_h_text(h, id);
	am_h(h, "\"><button type=\"submit\">");
	am_h_sign(h, "find");
	am_h(h, "<span>");
	am_h_say(h, "Find", NULL);
	am_h(h, "</span></button></form>\n");
}

static bool
is_fine(const struct am_sample *s)
{
	return strcmp(s->state, "running") == 0 ||
	       strcmp(s->state, "standby") == 0;
}

static void
state(const struct am_html *h)
{
	bool fine = is_fine(h->s) && h->s->redis.up;

	am_buf_addf(h->b, "<p class=\"state %s\">", fine ? "s-ok" : "s-bad");
	am_h_sign(h, fine ? "ok" : "stop");
	am_h(h, " <bdi>");
	am_h_c(h, h->s->instance);
	am_h(h, "</bdi> <span>");
	am_h_c(h, am_h_t(h, h->s->redis.up ? h->s->state : "Redis is away"));
	am_h(h, "</span></p>\n");
}

static void
contents(const struct am_html *h)
{
	am_h(h, "<nav class=\"parts\" aria-label=\"");
	am_h_say(h, "On this page", NULL);
	am_h(h, "\"><ul>");
	for (size_t i = 0; i < AM_DASH_PARTS_N; i++) {
		if (parts[i].title == NULL)
			continue;
		am_buf_addf(h->b, "<li><a href=\"#%s\">", parts[i].id);
		am_h_say(h, parts[i].title, NULL);
		am_h(h, "</a></li>");
	}
	am_h(h, "</ul></nav>\n");
}

static void
head(const struct am_html *h, struct am_str id, bool overview)
{
	am_buf_addf(h->b, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n",
	    am_lang_tag(h->d->lang));
	am_h(h, "<meta charset=\"utf-8\">\n<title>");
	if (overview) {
		title(h);
	} else {
		am_h_text(h, id);
		am_h(h, " \xc2\xb7 ");
		am_h_say(h, "Complaints", NULL);
	}
	am_h(h,
	    "</title>\n<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n"
	    "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/dash.svg\">\n"
	    "<link rel=\"stylesheet\" href=\"/dash.css\">\n");
	if (overview)
		am_h(h, "<script src=\"/dash.js\" defer></script>\n");
	am_h(h, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">");
	am_h_say(h, "Skip to the figures", NULL);
	am_h(h, "</a>\n");
	am_h(h, sprite);
	am_h(h, "<header class=\"top\">\n<div class=\"bar\">\n<h1><a href=\"");
	am_h_href(h, (struct am_str){ "", 0 });
	am_h(h, "\">");
	am_h_say(h, "Complaints", NULL);
	am_h(h, "</a></h1>\n");
	state(h);
	freshness(h, overview);
	search(h, id);
	am_h(h, "<p class=\"tools\"><a class=\"reload\" href=\"");
	am_h_href(h, id);
	am_h(h, "\">");
	am_h_say(h, "Reload", NULL);
	am_h(h, "</a>\n");
	language(h, id);
	am_h(h, "</p>\n</div>\n");
	if (overview)
		contents(h);
	am_h(h, "</header>\n<main id=\"main\" tabindex=\"-1\">\n");
}

static void
foot(const struct am_html *h)
{
	char up[48];

	am_h(h, "</main>\n<footer><p>");
	am_h_c(h, "amendsd ");
	am_h_c(h, h->s->version);
	am_h(h, " \xc2\xb7 ");
	am_h_say(
	    h, "up {}", am_h_span(h, up, h->s->at - h->s->started_at), NULL);
	am_h(h, " \xc2\xb7 ");
	if (h->d->zone != NULL)
		am_h_say(h, "Times are those of {}", h->d->zone->name, NULL);
	else
		am_h_say(h, "Times are the server's own", NULL);
	am_h(h, " \xc2\xb7 ");
	am_h_say(h, "This page only shows; amendsctl acts.", NULL);
	am_h(h, "</p></footer>\n</body>\n</html>\n");
}

/* ---- pages ---- */

void
am_dash_page(
    const struct am_dash *d, const struct am_sample *s, struct am_buf *out)
{
	const struct am_html h = { out, d, s };

	head(&h, (struct am_str){ "", 0 }, true);
	for (size_t i = 0; i < AM_DASH_PARTS_N; i++)
		section(&h, i);
	foot(&h);
}

void
am_dash_case(const struct am_dash *d, const struct am_sample *s,
    const struct am_dash_case *c, struct am_buf *out)
{
	const struct am_html h = { out, d, s };

	head(&h, c->id, false);
	section(&h, AM_DASH_BANNER);
	am_dash_file(&h, c);
	foot(&h);
}

void
am_dash_event(const struct am_dash *d, const struct am_sample *s,
    const struct am_str html[AM_DASH_PARTS_N], struct am_buf *out)
{
	struct am_arena a;
	struct am_buf text;
	char clock[32];

	am_arena_init(&a, 0);
	am_buf_arena(&text, &a, 128);
	title(&(struct am_html){ &text, d, s });
	am_dash_clock(d, clock, s->at);
	am_buf_addc(out, '{');
	am_buf_addkv(out, "at", am_str_c(clock));
	am_buf_addkv(out, "title", am_buf_str(&text));
	am_buf_addkey(out, "parts");
	am_buf_addc(out, '{');
	for (size_t i = 0; i < AM_DASH_PARTS_N; i++)
		if (html[i].n > 0)
			am_buf_addkv(out, parts[i].id, html[i]);
	am_buf_adds(out, "}}");
	am_arena_fini(&a);
}
