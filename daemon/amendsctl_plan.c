/*
 * amendsctl_plan - steps of a virtual clock as a timeline: what comes next for
 * a complaint (plan), and what a loop does (simulate). One fact a line; a time
 * that is the same as above is not said again.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

#define TIME_COLS 20 /* "Mon 2026-11-23 09:00" */
#define WHEN_COLS 10 /* "in 12m" */

static size_t
indent(const struct am_timeline *tl)
{
	return TIME_COLS + 2 + (tl->when ? WHEN_COLS + 2 : 0) +
	       (tl->id_cols > 0 ? tl->id_cols + 2 : 0);
}

/* Time, "in 12m" and complaint, or blanks when they are as above. */
static void
print_margin(struct am_timeline *tl, const json_t *row)
{
	struct am_str id = am_json_str(row, "complaint");
	char day[32], when[40] = "", margin[sizeof(tl->last) + 32];
	am_ms at;

	if (!am_json_time(row, "at", &at))
		at = 0;
	am_text_day(day, at);
	snprintf(margin, sizeof(margin), "%s %.30s", day,
	    tl->id_cols > 0 && id.n > 0 ? id.p : "");
	if (strncmp(margin, tl->last, sizeof(tl->last) - 1) == 0) {
		printf("%*s", (int)indent(tl), "");
		return;
	}
	snprintf(tl->last, sizeof(tl->last), "%.47s", margin);
	printf("%s%-*s%s  ", am_hue_on(tl->term, AM_HUE_DIM), TIME_COLS, day,
	    am_hue_off(tl->term, AM_HUE_DIM));
	if (tl->when) {
		am_text_when(when, tl->term, at);
		printf("%-*s  ", WHEN_COLS, when);
	}
	if (tl->id_cols > 0)
		printf("%-*.*s  ", (int)tl->id_cols, AM_ARG(id));
}

static void
print_line(struct am_timeline *tl, const json_t *row, enum am_hue hue,
    struct am_str text)
{
	struct am_buf b;

	am_buf_init(&b);
	am_text_clean(&b, text);
	print_margin(tl, row);
	fputs(am_hue_on(tl->term, hue), stdout);
	am_text_wrap(tl->term, indent(tl), am_buf_str(&b));
	fputs(am_hue_off(tl->term, hue), stdout);
	am_buf_fini(&b);
}

static enum am_hue
note_hue(struct am_str name)
{
	if (am_str_is(name, "deadline.missed") ||
	    am_str_is(name, "followup.dead"))
		return AM_HUE_RED;
	if (am_str_is(name, "escalation.raised") ||
	    am_str_is(name, "event.ignored"))
		return AM_HUE_YELLOW;
	if (am_str_is(name, "stage.met") || am_str_is(name, "loop.closed"))
		return AM_HUE_GREEN;
	return AM_HUE_NONE;
}

static void
print_notes(struct am_timeline *tl, const json_t *row)
{
	const json_t *notes = json_object_get(row, "do");
	struct am_buf b;
	json_t *note;
	size_t i;

	am_buf_init(&b);
	json_array_foreach(notes, i, note)
	{
		json_t *line = json_pack("{s:[O]}", "do", note);

		am_buf_reset(&b);
		am_history_words(&b, line);
		if (b.n > 0)
			print_line(tl, row, note_hue(am_json_str(note, "n")),
			    am_buf_str(&b));
		json_decref(line);
	}
	am_buf_fini(&b);
}

static bool
says(const json_t *notes, const char *name)
{
	json_t *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		if (am_str_is(am_json_str(note, "n"), name))
			return true;
	}
	return false;
}

/* The dues that were set or moved; a stage that begins has said its own. */
static void
print_dues(struct am_timeline *tl, const json_t *row)
{
	const json_t *notes = json_object_get(row, "do");
	bool began = says(notes, "stage.entered");
	struct am_str stage = am_json_str(row, "stage");
	json_t *dues = json_object_get(row, "due"), *due;
	const char *clock;
	struct am_buf b;
	char day[32];
	am_ms at;

	if (says(notes, "deadline.moved"))
		return;
	am_buf_init(&b);
	json_object_foreach(dues, clock, due)
	{
		if ((began && am_str_is(stage, clock)) ||
		    !am_json_time(dues, clock, &at))
			continue;
		am_text_day(day, at);
		am_buf_addf(
		    &b, "%s%s by %s", b.n > 0 ? ", " : "due: ", clock, day);
	}
	if (b.n > 0)
		print_line(tl, row, AM_HUE_DIM, am_buf_str(&b));
	am_buf_fini(&b);
}

static void
print_refusal(struct am_timeline *tl, const json_t *row)
{
	struct am_str event = am_json_str(row, "event");
	struct am_str code = am_json_str(row, "code");
	struct am_str field = am_json_str(row, "field");
	struct am_str text = am_json_str(row, "text");
	struct am_buf b;

	am_buf_init(&b);
	am_buf_addf(&b, "%.*s refused: %.*s%s%.*s; %.*s", AM_ARG(event),
	    AM_ARG(code), field.n > 0 ? ", " : "", AM_ARG(field), AM_ARG(text));
	print_line(tl, row, AM_HUE_RED, am_buf_str(&b));
	am_buf_fini(&b);
}

void
am_print_step(struct am_timeline *tl, const json_t *row)
{
	struct am_str verdict = am_json_str(row, "verdict");

	if (am_str_is(verdict, "rejected")) {
		print_refusal(tl, row);
	} else if (am_str_is(verdict, "duplicate")) {
		print_line(tl, row, AM_HUE_DIM,
		    AM_STR("told before; nothing changes"));
	} else if (am_json_true(row, "forget")) {
		print_line(tl, row, AM_HUE_DIM,
		    AM_STR("kept no longer: its record and what is left of "
			   "the personal data go"));
	} else {
		print_notes(tl, row);
		print_dues(tl, row);
	}
}

void
am_print_plan(const struct am_term *t, const json_t *rows)
{
	struct am_timeline tl = { .term = t, .when = true };
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) am_print_step(&tl, row);
	if (json_array_size(rows) == 0)
		printf("nothing comes by itself\n");
}
