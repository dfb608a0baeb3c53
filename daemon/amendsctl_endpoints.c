/*
 * amendsctl_endpoints - where follow-ups go, for people; and which of them are
 * sent again.
 */

#include "daemon/amendsctl.h"

#include <stdio.h>

#include "base/str.h"

/* "disabled: gone, 2h ago" */
static void
cell_disabled(struct am_table *tb, const json_t *o)
{
	struct am_str reason = am_json_str(o, "reason");
	char when[40] = "";
	am_ms at;

	if (am_json_time(o, "disabled_at", &at))
		am_text_when(when, tb->term, at);
	am_table_cellf(
	    tb, AM_HUE_RED, "disabled: %.*s, %s", AM_ARG(reason), when);
}

static void
cell_breaker(struct am_table *tb, const json_t *o)
{
	struct am_str breaker = am_json_str(o, "breaker");
	const json_t *built = json_object_get(o, "built");
	char when[40];
	am_ms at;

	if (json_is_false(built)) {
		am_table_cell(tb, AM_HUE_DIM, AM_STR("not in force"));
	} else if (am_str_is(am_json_str(o, "state"), "disabled")) {
		cell_disabled(tb, o);
	} else if (am_str_is(breaker, "open")) {
		if (am_json_time(o, "open_until", &at)) {
			am_text_when(when, tb->term, at);
			am_table_cellf(
			    tb, AM_HUE_RED, "broken, probe %s", when);
		} else {
			am_table_cell(tb, AM_HUE_RED, AM_STR("broken"));
		}
	} else if (am_str_prefix(breaker, "half")) {
		am_table_cell(tb, AM_HUE_YELLOW, AM_STR("probing"));
	} else if (am_json_time(o, "paused_until", &at) && at > tb->term->now) {
		am_text_when(when, tb->term, at);
		am_table_cellf(tb, AM_HUE_YELLOW, "asked to wait, on %s", when);
	} else {
		am_table_cell(tb, AM_HUE_GREEN, AM_STR("ok"));
	}
}

void
am_print_endpoints(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "NAME", 0, 0, false },
		{ "TYPE", 0, 8, false },
		{ "STATE", 12, 0, false },
		{ "WAITING", 0, 1, true },
		{ "IN FLIGHT", 0, 4, true },
		{ "OK", 0, 5, true },
		{ "FAILED", 0, 3, true },
		{ "LAST OK", 0, 6, false },
		{ "LAST FAILURE", 0, 7, false },
		{ "WHY", 12, 2, false },
		{ "URL", 24, 9, false },
	};
	struct am_table tb;
	json_t *o;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		am_cell_str(&tb, o, "name");
		am_cell_str(&tb, o, "type");
		cell_breaker(&tb, o);
		am_cell_count(&tb, o, "waiting", AM_HUE_NONE);
		am_cell_count(&tb, o, "in_flight", AM_HUE_NONE);
		am_cell_count(&tb, o, "ok", AM_HUE_NONE);
		am_cell_count(&tb, o, "failed", AM_HUE_RED);
		am_cell_when(&tb, o, "last_ok", AM_HUE_NONE);
		am_cell_when(&tb, o, "last_failed", AM_HUE_NONE);
		am_cell_str(&tb, o,
		    am_json_str(o, "text").n > 0 ? "text" : "last_reason");
		am_cell_str(&tb, o, "url");
	}
	am_table_print(&tb, 0);
	am_print_tail(t, json_array_size(rows), "endpoint", "endpoints");
}

/* What is sent again, or would be: each with --dry-run, else how many. */
void
am_print_again(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "COMPLAINT", 0, 1, false },
		{ "ENDPOINT", 10, 2, false },
		{ "REASON", 12, 3, false },
		{ "TRIES", 0, 4, true },
	};
	struct am_table tb;
	long long n = 0;
	bool dry = false;
	json_t *o;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		n += am_json_int(o, "changed") + am_json_int(o, "would_change");
		dry = dry || json_object_get(o, "would_change") != NULL;
		if (json_object_get(o, "id") == NULL)
			continue;
		am_cell_str(&tb, o, "id");
		am_cell_str(&tb, o, "complaint");
		am_cell_str(&tb, o, "endpoint");
		am_cell_str(&tb, o, "reason");
		am_cell_int(&tb, o, "attempts");
	}
	am_table_print(&tb, 0);
	printf("%lld %s\n", n, dry ? "would be sent again" : "sent again");
}
