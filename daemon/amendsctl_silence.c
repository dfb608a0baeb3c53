/* amendsctl_silence - silences, and what holds a follow-up, for people. */

#include <stdio.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

/* "role=owner, category=billing" */
static void
match_words(struct am_buf *b, const json_t *match)
{
	const char *key;
	json_t *value;

	am_buf_reset(b);
	json_object_foreach((json_t *)(uintptr_t)match, key, value)
	{
		am_buf_adds(b, b->n != 0 ? ", " : "");
		am_buf_addf(b, "%s=%s", key,
		    json_is_string(value) ? json_string_value(value) : "");
	}
}

void
am_print_silences(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "STATE", 0, 4, false },
		{ "MATCH", 16, 0, false },
		{ "AUTHOR", 8, 2, false },
		{ "REASON", 16, 1, false },
		{ "UNTIL", 0, 0, false },
		{ "", 0, 3, false },
	};
	struct am_table tb;
	struct am_buf words;
	size_t i, active = 0;
	json_t *o;

	am_buf_init(&words);
	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		bool is_active = am_str_is(am_json_str(o, "state"), "active");
		char local[32] = "", when[40] = "";
		am_ms at;

		active += is_active;
		if (am_json_time(o, "ended", &at) ||
		    am_json_time(o, "until", &at)) {
			am_text_local(local, at);
			am_text_when(when, t, at);
		}
		match_words(&words, json_object_get(o, "match"));
		am_table_cell(&tb, AM_HUE_NONE, am_json_str(o, "id"));
		am_table_cell(&tb, is_active ? AM_HUE_YELLOW : AM_HUE_DIM,
		    am_json_str(o, "state"));
		am_table_cell(&tb, AM_HUE_NONE, am_buf_str(&words));
		am_table_cell(&tb, AM_HUE_NONE, am_json_str(o, "author"));
		am_table_cell(&tb, AM_HUE_NONE, am_json_str(o, "reason"));
		am_table_cell(&tb, AM_HUE_NONE, am_str_c(local));
		am_table_cell(&tb, AM_HUE_NONE, am_str_c(when));
	}
	am_table_print(&tb, 0);
	am_buf_fini(&words);
	printf("%s%zu silence%s in force%s\n", am_hue_on(t, AM_HUE_DIM), active,
	    active == 1 ? "" : "s", am_hue_off(t, AM_HUE_DIM));
}

void
am_held_words(struct am_buf *b, const json_t *followup)
{
	static const struct {
		const char *by, *words;
	} words[] = {
		{ "quiet", "held: quiet hours" },
		{ "pause", "held: paused" },
		{ "digest", "held: for its digest" },
		{ "catchup_rate", "held: catch-up" },
		{ "window", "held: enough for this recipient" },
	};
	static const struct {
		const char *state, *words;
	} states[] = {
		{ "accepted", "accepted, receipt until" },
		{ "uncertain", "uncertain, receipt until" },
		{ "behind", "behind an earlier one" },
	};
	const json_t *held = json_object_get(followup, "held");
	struct am_str by = am_json_str(held, "by");
	struct am_str author = am_json_str(held, "author");
	struct am_str state = am_json_str(followup, "state");
	char until[32];
	am_ms at;

	if (am_str_is(by, "silence") && am_json_time(held, "until", &at)) {
		am_text_local(until, at);
		am_buf_addf(
		    b, "silenced until %s by %.*s", until, AM_ARG(author));
		return;
	}
	for (size_t i = 0; i < AM_COUNT(words); i++)
		if (am_str_is(by, words[i].by)) {
			am_buf_adds(b, words[i].words);
			return;
		}
	for (size_t i = 0; i < AM_COUNT(states); i++)
		if (am_str_is(state, states[i].state)) {
			am_buf_adds(b, states[i].words);
			if (am_json_time(followup, "until", &at)) {
				am_text_local(until, at);
				am_buf_addf(b, " %s", until);
			}
			return;
		}
	am_buf_addstr(b, state);
}
