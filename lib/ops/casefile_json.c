/*
 * casefile_json - the extract's columns, each written in one place.
 *
 * JSON carries them from the daemon; the CSV is the same values in the same
 * order, so that neither can say what the other does not.
 */

#include "ops/casefile.h"

#include <string.h>

#include "base/str.h"
#include "ops/period.h"

static struct am_value
str(struct am_str s)
{
	return (struct am_value){ .is_number = false, .text = s };
}

static struct am_value
word(const char *s)
{
	return str(am_str_c(s));
}

static struct am_value
number(int64_t n)
{
	return (struct am_value){ .is_number = true, .number = n };
}

static struct am_value
instant(const struct am_casefile *f, const struct am_zone *zone, am_ms t)
{
	char text[32];

	return str(am_arena_dup(f->a, am_str_c(am_period_time(zone, t, text))));
}

/* ---- columns ---- */

#define COLUMN(name)                                                           \
	static struct am_value col_##name(                                     \
	    const struct am_casefile *f, const struct am_zone *zone)

/* clang-format off */
COLUMN(id)             { (void)zone; return str(f->c->id); }
COLUMN(loop)           { (void)zone; return str(f->loop); }
COLUMN(category)       { (void)zone; return str(f->c->category); }
COLUMN(tier)           { (void)zone; return str(f->tier); }
COLUMN(severity)       { (void)zone; return str(f->c->severity); }
COLUMN(channel)        { (void)zone; return str(f->channel); }
COLUMN(team)           { (void)zone; return str(f->c->team); }
COLUMN(incident)       { (void)zone; return str(f->c->incident); }
COLUMN(repeat_of)      { (void)zone; return str(f->c->repeat_of); }
COLUMN(status)         { (void)zone; return word(am_status_str(f->c->status)); }
COLUMN(received)       { return instant(f, zone, f->c->opened_at); }
COLUMN(acked)          { return instant(f, zone, f->acked_at); }
COLUMN(ack_verdict)    { (void)zone; return word(am_clock_verdict(f->c, AM_CLOCK_ACKNOWLEDGE)); }
COLUMN(final)          { return instant(f, zone, f->c->closed_at); }
COLUMN(final_due)      { return instant(f, zone, f->final_due); }
COLUMN(final_verdict)  { (void)zone; return word(am_clock_verdict(f->c, AM_CLOCK_FINAL)); }
COLUMN(verdict)        { (void)zone; return word(f->verdict); }
COLUMN(extensions)     { (void)zone; return number(f->extensions); }
COLUMN(holds)          { (void)zone; return number(f->holds); }
COLUMN(held_s)         { (void)zone; return number(f->held / AM_SECOND); }
COLUMN(reopened)       { (void)zone; return number(f->c->reopens); }
COLUMN(missed)         { (void)zone; return number(f->missed); }
COLUMN(escalated)      { (void)zone; return number(f->escalated); }
COLUMN(asked)          { return instant(f, zone, f->asked_at); }
COLUMN(attempts)       { (void)zone; return number(f->attempts); }
COLUMN(answered)       { return instant(f, zone, f->answered_at); }
COLUMN(answer)         { (void)zone; return str(f->answer); }
COLUMN(score)          { (void)zone; return f->score > 0 ? number(f->score) : word(""); }
COLUMN(recourse_at)    { return instant(f, zone, f->recourse_at); }
/* clang-format on */

COLUMN(outcome)
{
	(void)zone;
	return word(f->c->outcome != AM_OUTCOME_NONE
			? am_outcome_str(f->c->outcome)
			: "");
}

COLUMN(recourse)
{
	static const char *const words[] = { "", "sent", "delivered",
		"failed" };

	(void)zone;
	return word(
	    f->c->recourse < AM_COUNT(words) ? words[f->c->recourse] : "");
}

/* "listen hit; resolve missed; resolve(2) hit" */
COLUMN(stages)
{
	struct am_buf text;

	(void)zone;
	am_buf_arena(&text, f->a, 128);
	for (const struct am_casefile_stage *s = f->stages; s != NULL;
	     s = s->next) {
		am_buf_addstr(&text, s->name);
		if (s->cycle > 1)
			am_buf_addf(&text, "(%u)", s->cycle);
		am_buf_addf(
		    &text, " %s%s", s->verdict, s->next != NULL ? "; " : "");
	}
	return str(am_buf_str(&text));
}

/* clang-format off */
const struct am_casefile_column am_casefile_columns[] = {
	{ "id",            "the complaint",                                              col_id },
	{ "received",      "when it was opened",                                         col_received },
	{ "acked",         "when it was first acknowledged",                             col_acked },
	{ "final",         "when it was closed; empty while it is open",                 col_final },
	{ "final_due",     "when the loop's backstop, the clock final, lapses",          col_final_due },
	{ "extensions",    "how often a deadline was extended",                          col_extensions },
	{ "outcome",       "satisfied, not_upheld, unconfirmed … (events.md); empty while it is open", col_outcome },
	{ "recourse",      "the notice where else to go: sent, delivered or failed; empty: there was none", col_recourse },
	{ "recourse_at",   "when that was delivered",                                    col_recourse_at },
	{ "verdict",       "of the loop: active, active_with_misses; once closed hit or missed", col_verdict },
	{ "ack_verdict",   "of the clock acknowledge; empty: the loop has none",         col_ack_verdict },
	{ "final_verdict", "of the clock final",                                         col_final_verdict },
	{ "status",        "open, held or closed",                                       col_status },
	{ "loop",          "by which loop it was followed",                              col_loop },
	{ "category",      "what it is about",                                           col_category },
	{ "tier",          "its tier in the end",                                        col_tier },
	{ "severity",      "as told",                                                    col_severity },
	{ "channel",       "how it came in",                                             col_channel },
	{ "team",          "who has or had it",                                          col_team },
	{ "incident",      "the incident that it is part of",                            col_incident },
	{ "repeat_of",     "the complaint that it repeats",                              col_repeat_of },
	{ "reopened",      "how often it went round again",                              col_reopened },
	{ "missed",        "how many deadlines were missed",                             col_missed },
	{ "escalated",     "how many rungs behind a lapse have fired",                   col_escalated },
	{ "holds",         "how many holds have ended",                                  col_holds },
	{ "held_s",        "their length, seconds",                                      col_held_s },
	{ "asked",         "when the customer was first asked whether it is solved",     col_asked },
	{ "attempts",      "calls to the customer",                                      col_attempts },
	{ "answered",      "when the customer last answered",                            col_answered },
	{ "answer",        "satisfied, partial or unsatisfied",                          col_answer },
	{ "score",         "1 to 5, of the last answer",                                 col_score },
	{ "stages",        "each stage, with (2) from the second cycle on, and its verdict", col_stages },
};
/* clang-format on */
const size_t am_casefile_columns_n = AM_COUNT(am_casefile_columns);

/* ---- JSON ---- */

static void
add_value(struct am_buf *b, const char *key, struct am_value v)
{
	am_buf_addkey(b, key);
	if (v.is_number)
		am_buf_addi(b, v.number);
	else if (v.text.n == 0)
		am_buf_adds(b, "null");
	else
		am_buf_addjson(b, v.text);
}

static void
add_stage(const struct am_casefile *f, const struct am_casefile_stage *s,
    const struct am_zone *zone, struct am_buf *b)
{
	am_buf_addc(b, '{');
	am_buf_addkv(b, "stage", s->name);
	am_buf_addki(b, "cycle", s->cycle);
	am_buf_addkv(b, "verdict", am_str_c(s->verdict));
	add_value(b, "how", str(s->how));
	add_value(b, "started", instant(f, zone, s->started_at));
	add_value(b, "due", instant(f, zone, s->due_at));
	add_value(b, "ended", instant(f, zone, s->ended_at));
	add_value(b, "took_s",
	    s->ended_at != 0 && s->ran ? number(s->took / AM_SECOND)
				       : word(""));
	am_buf_addki(b, "extensions", s->extensions);
	am_buf_addc(b, '}');
}

void
am_casefile_json(
    const struct am_casefile *f, const struct am_zone *zone, struct am_buf *b)
{
	am_buf_addc(b, '{');
	for (size_t i = 0; i < am_casefile_columns_n; i++)
		add_value(b, am_casefile_columns[i].name,
		    am_casefile_columns[i].value(f, zone));
	am_buf_addkey(b, "stages_list");
	am_buf_addc(b, '[');
	for (const struct am_casefile_stage *s = f->stages; s != NULL;
	     s = s->next) {
		if (s != f->stages)
			am_buf_addc(b, ',');
		add_stage(f, s, zone, b);
	}
	am_buf_adds(b, "]}");
}

/* ---- CSV ---- */

/* A minus begins ids and numbers, too: these are nothing but their letters. */
static bool
is_formula(struct am_str s)
{
	if (s.n == 0)
		return false;
	if (s.p[0] == '-')
		return !am_complaint_id_ok(s);
	return memchr("=+@\t\r", s.p[0], 5) != NULL;
}

static void
add_field(struct am_buf *b, struct am_str s)
{
	bool quote = is_formula(s);

	for (size_t i = 0; !quote && i < s.n; i++)
		quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\r' ||
			s.p[i] == '\n';
	if (!quote) {
		am_buf_addstr(b, s);
		return;
	}
	am_buf_addc(b, '"');
	if (is_formula(s))
		am_buf_addc(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			am_buf_addc(b, '"');
		am_buf_addc(b, s.p[i]);
	}
	am_buf_addc(b, '"');
}

void
am_casefile_csv(
    const struct am_casefile *f, const struct am_zone *zone, struct am_buf *b)
{
	for (size_t i = 0; i < am_casefile_columns_n; i++) {
		const struct am_casefile_column *k = &am_casefile_columns[i];
		struct am_value v = { .is_number = false };

		if (i > 0)
			am_buf_addc(b, ',');
		if (f == NULL)
			v.text = am_str_c(k->name);
		else
			v = k->value(f, zone);
		if (v.is_number)
			am_buf_addi(b, v.number);
		else
			add_field(b, v.text);
	}
}
