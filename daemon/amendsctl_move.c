/* amendsctl_move - what migrate and close did, a line a complaint. */
#include <stdio.h>

#include "daemon/amendsctl.h"

static void
add_due(struct am_buf *b, const json_t *moved, const char *key)
{
	char local[32];
	am_ms at;

	if (!am_json_time(moved, key, &at)) {
		am_buf_adds(b, "-");
		return;
	}
	am_text_local(local, at);
	am_buf_adds(b, local);
}

/* "listen 2026-11-21 19:35 -> 2026-11-22 09:00" */
static void
add_moved(struct am_buf *b, const json_t *row)
{
	const json_t *list = json_object_get(row, "moved"), *moved;
	size_t i;

	json_array_foreach(list, i, moved)
	{
		am_buf_adds(b, i > 0 ? ", " : "");
		am_buf_addstr(b, am_json_str(moved, "clock"));
		am_buf_addc(b, ' ');
		add_due(b, moved, "old");
		am_buf_adds(b, " -> ");
		add_due(b, moved, "new");
	}
	if (json_array_size(list) == 0)
		am_buf_adds(b, "no due has moved");
}

void
am_print_moves(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "TO", 0, 0, false },
		{ "", 0, 0, false },
	};
	struct am_table tb;
	const json_t *row;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, row)
	{
		struct am_str refused = am_json_str(row, "refused");
		struct am_str outcome = am_json_str(row, "outcome");
		struct am_buf b;

		am_buf_init(&b);
		if (refused.n > 0)
			am_buf_addf(&b, "refused: %.*s", AM_ARG(refused));
		else if (outcome.n > 0)
			am_buf_addf(&b, "closed: %.*s", AM_ARG(outcome));
		else
			add_moved(&b, row);
		am_table_cell(&tb, AM_HUE_NONE, am_json_str(row, "id"));
		am_table_cell(&tb, AM_HUE_DIM, am_json_str(row, "to"));
		am_table_cell(&tb, refused.n > 0 ? AM_HUE_RED : AM_HUE_NONE,
		    am_buf_str(&b));
		am_buf_fini(&b);
	}
	am_table_print(&tb, 0);
}
