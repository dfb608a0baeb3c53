/*
 * dash_case - one complaint: where it stands, what comes next, what happened.
 *
 * It shows what `show` and `plan` answer, in the words of history.h, so that
 * the page and the terminal cannot tell two stories.
 */

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ops/dash_html.h"
#include "ops/history.h"
#include "ops/member.h"

/* ---- facts ---- */

static void
fact_begin(const struct am_html *h, const char *name)
{
	am_h(h, "<div><dt>");
	am_h_say(h, name, NULL);
	am_h(h, "</dt><dd>");
}

static void
fact_end(const struct am_html *h)
{
	am_h(h, "</dd></div>\n");
}

static void
fact_word(const struct am_html *h, const char *name, struct am_str word)
{
	if (word.n == 0)
		return;
	fact_begin(h, name);
	am_h(h, "<bdi>");
	am_h_word_str(h, word);
	am_h(h, "</bdi>");
	fact_end(h);
}

static void
fact_name(const struct am_html *h, const char *name, struct am_str text)
{
	if (text.n == 0)
		return;
	fact_begin(h, name);
	am_h(h, "<bdi>");
	am_h_text(h, text);
	am_h(h, "</bdi>");
	fact_end(h);
}

static void
fact_time(
    const struct am_html *h, const char *name, const json_t *o, const char *key)
{
	am_ms at;

	if (!am_json_time(o, key, &at))
		return;
	fact_begin(h, name);
	am_h_at(h, at);
	am_h(h, "<span class=\"sub\">");
	am_h_when(h, at);
	am_h(h, "</span>");
	fact_end(h);
}

/* The due of its stage, told by sign and word when it is near or over. */
static void
due(const struct am_html *h, const json_t *c)
{
	am_ms at, left;
	char span[48];

	if (!am_json_time(c, "due_at", &at))
		return;
	left = at - h->s->at;
	fact_begin(h, "Due");
	am_h_at(h, at);
	am_buf_addf(h->b, "<span class=\"sub %s\">",
	    left <= 0	      ? "bad"
	    : left <= AM_HOUR ? "soon"
			      : "");
	if (left <= AM_HOUR)
		am_h_sign(h, left <= 0 ? "lapsed" : "soon");
	am_h_span(h, span, left < 0 ? -left : left);
	am_h_say(h, left <= 0 ? "lapsed {} ago" : "{} left", span, NULL);
	am_h(h, "</span>");
	fact_end(h);
}

static void
owed(const struct am_html *h, const json_t *list)
{
	json_t *stage;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	fact_begin(h, "Still owed");
	json_array_foreach(list, i, stage)
	{
		if (i > 0)
			am_h(h, ", ");
		if (json_is_string(stage))
			am_h_word(h, json_string_value(stage));
	}
	fact_end(h);
}

static void
owner(const struct am_html *h, const json_t *c)
{
	struct am_str who = am_json_str(c, "owner");
	struct am_str first = am_json_str(c, "loop_owner");

	if (who.n > 0) {
		fact_name(h, "Owner", who);
	} else {
		fact_begin(h, "Owner");
		am_h(h, "<span class=\"nobody\">");
		am_h_say(h, "nobody", NULL);
		am_h(h, "</span>");
		fact_end(h);
	}
	if (first.n > 0 && !am_str_eq(first, who))
		fact_name(h, "Received by", first);
	fact_name(h, "Supervisor", am_json_str(c, "supervisor"));
}

static void
facts(const struct am_html *h, const json_t *c)
{
	struct am_str outcome = am_json_str(c, "outcome");
	struct am_str loop = am_json_str(c, "loop");
	const char *hash = memchr(loop.p, '@', loop.n);
	char cycle[24];

	if (hash != NULL) /* which version of it is of no interest here */
		loop.n = (size_t)(hash - loop.p);
	am_h(h, "<dl class=\"facts card\">\n");
	fact_word(h, "Stage", am_json_str(c, "stage"));
	due(h, c);
	fact_word(h, "Status", am_json_str(c, "status"));
	if (outcome.n > 0 && !am_str_is(outcome, "none"))
		fact_word(h, "Outcome", outcome);
	owner(h, c);
	fact_word(h, "Tier", am_json_str(c, "tier"));
	fact_name(h, "Category", am_json_str(c, "category"));
	fact_word(h, "On hold for", am_json_str(c, "hold_reason"));
	fact_time(h, "On hold since", c, "held_since");
	owed(h, json_object_get(c, "owed"));
	if (am_json_int(c, "cycle") > 1) {
		snprintf(cycle, sizeof(cycle), "%lld",
		    (long long)am_json_int(c, "cycle"));
		fact_name(h, "Cycle", am_str_c(cycle));
	}
	fact_time(h, "Opened at", c, "opened_at");
	fact_time(h, "In this stage since", c, "since");
	fact_time(h, "Closed at", c, "closed_at");
	fact_name(h, "Loop", loop);
	am_h(h, "</dl>\n");
}

/* ---- clocks ---- */

static void
clock_row(const struct am_html *h, const json_t *k)
{
	bool missed = am_json_true(k, "missed");
	am_ms at, budget = am_json_int(k, "budget_ms");
	am_ms used = am_json_int(k, "consumed_ms");
	char span[48];

	am_h(h, "<tr><th scope=\"row\">");
	am_h_word_str(h, am_json_str(k, "name"));
	am_buf_addf(h->b, "</th><td class=\"%s\">", missed ? "bad" : "");
	if (missed)
		am_h_sign(h, "lapsed");
	am_h_word_str(h, am_json_str(k, "state"));
	if (missed) {
		am_h(h, ", ");
		am_h_say(h, "lapsed", NULL);
	}
	am_h(h, "</td><td>");
	if (am_json_time(k, "due_at", &at)) {
		am_h_at(h, at);
		am_h(h, "<span class=\"sub\">");
		am_h_when(h, at);
		am_h(h, "</span>");
	}
	am_h(h, "</td><td class=\"num side\">");
	if (budget > 0) {
		am_h_c(h, am_h_span(h, span, used));
		am_h(h, " / ");
		am_h_c(h, am_h_span(h, span, budget));
	}
	am_h(h, "</td></tr>\n");
}

static void
clocks(const struct am_html *h, const json_t *list)
{
	json_t *k;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	am_h(h, "<div class=\"card\">\n<table><caption>");
	am_h_say(h, "Deadlines", NULL);
	am_h(h, "</caption><thead><tr><th scope=\"col\">");
	am_h_say(h, "Deadline", NULL);
	am_h(h, "</th><th scope=\"col\">");
	am_h_say(h, "State", NULL);
	am_h(h, "</th><th scope=\"col\">");
	am_h_say(h, "Due", NULL);
	am_h(h, "</th><th scope=\"col\" class=\"num side\">");
	am_h_say(h, "Time used", NULL);
	am_h(h, "</th></tr></thead><tbody>\n");
	json_array_foreach(list, i, k) clock_row(h, k);
	am_h(h, "</tbody></table></div>\n");
}

/* ---- follow-ups on their way ---- */

static void
waiting(const struct am_html *h, const json_t *list)
{
	json_t *w;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	am_h(h, "<div class=\"card\">\n<table><caption>");
	am_h_say(h, "Follow-ups on their way", NULL);
	am_h(h, "</caption><thead><tr><th scope=\"col\">");
	am_h_say(h, "Channel", NULL);
	am_h(h, "</th><th scope=\"col\">");
	am_h_say(h, "Deadline", NULL);
	am_h(h, "</th><th scope=\"col\">");
	am_h_say(h, "State", NULL);
	am_h(h, "</th></tr></thead><tbody>\n");
	json_array_foreach(list, i, w)
	{
		struct am_str rung = am_json_str(w, "rung");

		am_h(h, "<tr><th scope=\"row\"><bdi>");
		am_h_text(h, am_json_str(w, "endpoint"));
		am_h(h, "</bdi></th><td>");
		am_h_word_str(h, am_json_str(w, "clock"));
		if (rung.n > 0) {
			am_h(h, " \xc2\xb7 ");
			am_h_word_str(h, rung);
		}
		am_h(h, "</td><td>");
		am_h_word_str(h, am_json_str(w, "state"));
		am_h(h, "</td></tr>\n");
	}
	am_h(h, "</tbody></table></div>\n");
}

/* ---- what comes, what was ---- */

static void
local(const void *arg, char out[32], am_ms at)
{
	am_dash_local(arg, out, at);
}

/* What matters of a line, for its mark. */
static const char *
mark_of(const json_t *line)
{
	/* clang-format off */
	static const struct { const char *note, *mark; } marks[] = {
		{ "deadline.missed",   "m-bad" },
		{ "followup.dead",     "m-bad" },
		{ "escalation.raised", "m-soon" },
		{ "deadline.warned",   "m-soon" },
		{ "loop.closed",       "m-good" },
		{ "stage.met",         "m-good" },
	};
	/* clang-format on */
	const json_t *notes = json_object_get(line, "do");
	json_t *note;
	size_t i;

	for (size_t k = 0; k < AM_COUNT(marks); k++)
		json_array_foreach(
		    notes, i, note) if (am_str_is(am_json_str(note, "n"),
					    marks[k].note)) return marks[k]
		    .mark;
	return "m-none";
}

static void
entry(const struct am_html *h, const json_t *line, const char *key)
{
	const struct am_history words = { h->d->lang, true, local, h->d };
	struct am_arena a;
	struct am_buf b;
	am_ms at = 0;

	am_arena_init(&a, 0);
	am_buf_arena(&b, &a, 256);
	if (am_json_true(line, "forget"))
		am_buf_adds(
		    &b, am_h_t(h, "kept no longer: its record and what is left "
				  "of the personal data go"));
	else
		am_history_say(&b, line, &words);
	am_buf_addf(h->b, "<li class=\"%s\">", mark_of(line));
	if (am_json_time(line, key, &at))
		am_h_at(h, at);
	am_h(h, "<span class=\"what\">");
	am_h_text(h, am_buf_str(&b));
	am_h(h, "</span>");
	if (at > h->s->at) {
		am_h(h, "<span class=\"sub\">");
		am_h_when(h, at);
		am_h(h, "</span>");
	}
	am_h(h, "</li>\n");
	am_arena_fini(&a);
}

static void
coming(const struct am_html *h, const struct am_dash_case *c)
{
	json_t *row;
	size_t i;

	am_h(h, "<div class=\"card\"><h3 id=\"next-h\">");
	am_h_say(h, "What comes next", NULL);
	am_h(h, "</h3>\n");
	if (c->plan_error != NULL) {
		am_h(h, "<p class=\"none\" lang=\"en\">");
		am_h_c(h, c->plan_error);
		am_h(h, "</p></div>\n");
		return;
	}
	if (json_array_size(c->plan) == 0) {
		am_h(h, "<p class=\"none\">");
		am_h_say(h, "Nothing comes by itself.", NULL);
		am_h(h, "</p></div>\n");
		return;
	}
	am_h(h, "<p class=\"remark\">");
	am_h_say(h,
	    "If nothing happens, and every follow-up is delivered at once:",
	    NULL);
	am_h(h, "</p>\n<ol class=\"line ahead\" aria-labelledby=\"next-h\">\n");
	json_array_foreach(c->plan, i, row) entry(h, row, "at");
	am_h(h, "</ol></div>\n");
}

/* Newest first: what just happened is what is asked for. */
static void
past(const struct am_html *h, const json_t *journal)
{
	size_t n = json_array_size(journal);

	am_h(h, "<div class=\"card\"><h3 id=\"past-h\">");
	am_h_say(h, "What has happened", NULL);
	am_h(h, "</h3>\n<ol class=\"line\" reversed "
		"aria-labelledby=\"past-h\">\n");
	for (size_t i = n; i-- > 0;)
		entry(h, json_array_get(journal, i), "now");
	am_h(h, "</ol></div>\n");
}

/* ---- the page ---- */

static void
back(const struct am_html *h)
{
	am_h(h, "<p class=\"back\"><a href=\"");
	am_h_href(h, (struct am_str){ "", 0 });
	am_h(h, "\">\xe2\x86\x90 ");
	am_h_say(h, "All complaints", NULL);
	am_h(h, "</a></p>\n");
}

static void
heading(const struct am_html *h, struct am_str id)
{
	am_h(h, "<h2 id=\"case-h\"><bdi>");
	am_h_text(h, id);
	am_h(h, "</bdi></h2>\n");
}

static void
missing(const struct am_html *h, const struct am_dash_case *c)
{
	am_h(h, "<p class=\"none\">");
	if (c->found == AM_DASH_NOT_FOUND) {
		am_h_say(h, "There is no complaint with this number.", NULL);
		am_h(h, " ");
		am_h_say(h,
		    "Numbers are those of the system that opened it; capital "
		    "letters count. One that is closed for long is kept no "
		    "more.",
		    NULL);
	} else {
		am_h_say(h, "It could not be looked up now.", NULL);
		am_h(h, " <span lang=\"en\">");
		am_h_c(h, c->error != NULL ? c->error : "");
		am_h(h, "</span>");
	}
	am_h(h, "</p>\n");
}

void
am_dash_file(const struct am_html *h, const struct am_dash_case *c)
{
	back(h);
	am_h(h, "<section class=\"part case\" aria-labelledby=\"case-h\">\n");
	heading(h, c->id);
	if (c->found != AM_DASH_FOUND) {
		missing(h, c);
		am_h(h, "</section>\n");
		return;
	}
	facts(h, c->show);
	am_h(h, "<div class=\"cards two\">\n");
	coming(h, c);
	past(h, json_object_get(c->show, "journal"));
	am_h(h, "</div>\n<div class=\"cards two\">\n");
	clocks(h, json_object_get(c->show, "clocks"));
	waiting(h, json_object_get(c->show, "waiting"));
	am_h(h, "</div>\n</section>\n");
}
