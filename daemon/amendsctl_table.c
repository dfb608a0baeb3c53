/*
 * amendsctl_table - columns fitted to the terminal. When a table is too wide,
 * first the columns that can be cut are cut, widest first; then, if even that
 * does not do, whole columns are left out, the least telling first. Ids are
 * never cut: people copy them into the next command.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

#define GAP 2 /* blanks between two columns */
#define COLUMNS_MAX 24

struct layout {
	size_t width[COLUMNS_MAX]; /* 0: left out */
};

void
am_table_init(struct am_table *tb, const struct am_term *t,
    const struct am_column *columns, size_t n)
{
	AM_ASSERT(n <= COLUMNS_MAX);
	*tb = (struct am_table){
		.term = t,
		.columns = columns,
		.columns_n = n,
	};
	am_arena_init(&tb->arena, 0);
}

void
am_table_cell(struct am_table *tb, enum am_hue hue, struct am_str text)
{
	struct am_buf b;

	if (tb->cells_n == tb->cells_cap) {
		tb->cells_cap = tb->cells_cap > 0 ? tb->cells_cap * 2 : 64;
		tb->cells =
		    realloc(tb->cells, tb->cells_cap * sizeof(tb->cells[0]));
		AM_ASSERT(tb->cells != NULL);
	}
	am_buf_arena(&b, &tb->arena, text.n + 1);
	am_text_clean(&b, text);
	tb->cells[tb->cells_n++] = (struct am_cell){
		.text = am_buf_str(&b),
		.width = am_text_width(am_buf_str(&b)),
		.hue = hue,
	};
}

void
am_table_cellf(struct am_table *tb, enum am_hue hue, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	am_table_cell(tb, hue, am_str_c(text));
}

/* Widths that the text asks for; a column without any text gets none. */
static void
layout_natural(const struct am_table *tb, struct layout *l)
{
	for (size_t i = 0; i < tb->columns_n; i++) {
		size_t title = am_text_width(am_str_c(tb->columns[i].title));

		l->width[i] = 0;
		for (size_t c = i; c < tb->cells_n; c += tb->columns_n) {
			if (tb->cells[c].width > l->width[i])
				l->width[i] = tb->cells[c].width;
		}
		if (l->width[i] > 0 && l->width[i] < title)
			l->width[i] = title;
	}
}

static size_t
layout_total(const struct am_table *tb, const struct layout *l)
{
	size_t total = 0;

	for (size_t i = 0; i < tb->columns_n; i++)
		total += l->width[i] > 0 ? l->width[i] + GAP : 0;
	return total > 0 ? total - GAP : 0;
}

/* Cut the widest column that can be cut, down to where the table fits. */
static bool
layout_cut(const struct am_table *tb, struct layout *l, size_t room)
{
	while (layout_total(tb, l) > room) {
		size_t best = COLUMNS_MAX;

		for (size_t i = 0; i < tb->columns_n; i++) {
			size_t min = tb->columns[i].min;

			if (min > 0 && l->width[i] > min &&
			    (best == COLUMNS_MAX ||
				l->width[i] > l->width[best]))
				best = i;
		}
		if (best == COLUMNS_MAX)
			return false;
		l->width[best]--;
	}
	return true;
}

/* The next column to leave out, or COLUMNS_MAX. */
static size_t
layout_victim(const struct am_table *tb, const struct layout *l)
{
	size_t worst = COLUMNS_MAX;

	for (size_t i = 0; i < tb->columns_n; i++) {
		if (l->width[i] > 0 && tb->columns[i].drop > 0 &&
		    (worst == COLUMNS_MAX ||
			tb->columns[i].drop > tb->columns[worst].drop))
			worst = i;
	}
	return worst;
}

static void
layout_fit(const struct am_table *tb, struct layout *l, size_t room)
{
	struct layout natural;
	size_t victim;

	layout_natural(tb, &natural);
	*l = natural;
	while (!layout_cut(tb, l, room)) {
		victim = layout_victim(tb, &natural);
		if (victim == COLUMNS_MAX)
			return; /* what is left does not get narrower */
		natural.width[victim] = 0;
		*l = natural;
	}
}

static void
pad(size_t n)
{
	printf("%*s", (int)n, "");
}

static void
row_print(const struct am_table *tb, const struct layout *l,
    const struct am_cell *cells, size_t indent)
{
	struct am_buf b;
	size_t behind = 0;

	am_buf_init(&b);
	pad(indent);
	for (size_t i = 0; i < tb->columns_n; i++) {
		const struct am_cell *cell = &cells[i];
		size_t width;

		if (l->width[i] == 0)
			continue;
		am_buf_reset(&b);
		am_text_fit(&b, tb->term, cell->text, l->width[i]);
		width = am_text_width(am_buf_str(&b));
		if (tb->columns[i].right)
			behind += l->width[i] - width;
		if (width > 0) { /* so no line ends in blanks */
			pad(behind);
			behind = 0;
		}
		printf("%s%.*s%s", am_hue_on(tb->term, cell->hue),
		    AM_ARG(am_buf_str(&b)), am_hue_off(tb->term, cell->hue));
		behind += GAP;
		if (!tb->columns[i].right)
			behind += l->width[i] - width;
	}
	putchar('\n');
	am_buf_fini(&b);
}

void
am_table_print(struct am_table *tb, size_t indent)
{
	struct am_cell titles[COLUMNS_MAX];
	size_t width = tb->term->width;
	struct layout l;

	layout_fit(tb, &l, width > indent ? width - indent : SIZE_MAX);
	for (size_t i = 0; i < tb->columns_n; i++) {
		titles[i].text = am_str_c(tb->columns[i].title);
		titles[i].hue = AM_HUE_BOLD;
	}
	if (tb->cells_n > 0)
		row_print(tb, &l, titles, indent);
	for (size_t c = 0; c + tb->columns_n <= tb->cells_n; c += tb->columns_n)
		row_print(tb, &l, &tb->cells[c], indent);
	am_arena_fini(&tb->arena);
	free(tb->cells);
}

/* ---- cells of a row of JSON ---- */

void
am_cell_str(struct am_table *tb, const json_t *o, const char *key)
{
	am_table_cell(tb, AM_HUE_NONE, am_json_str(o, key));
}

void
am_cell_int(struct am_table *tb, const json_t *o, const char *key)
{
	if (json_is_number(json_object_get(o, key)))
		am_table_cellf(
		    tb, AM_HUE_NONE, "%lld", (long long)am_json_int(o, key));
	else
		am_table_cell(tb, AM_HUE_NONE, AM_STR(""));
}

void
am_cell_count(
    struct am_table *tb, const json_t *o, const char *key, enum am_hue hue)
{
	int64_t n = am_json_int(o, key);

	if (n != 0)
		am_table_cellf(tb, hue, "%lld", (long long)n);
	else
		am_table_cell(tb, AM_HUE_NONE, AM_STR("-"));
}

void
am_cell_when(
    struct am_table *tb, const json_t *o, const char *key, enum am_hue hue)
{
	char when[40];
	am_ms at;

	if (am_json_time(o, key, &at)) {
		am_text_when(when, tb->term, at);
		am_table_cell(tb, hue, am_str_c(when));
	} else {
		am_table_cell(tb, AM_HUE_NONE, AM_STR(""));
	}
}

void
am_cell_local(struct am_table *tb, const json_t *o, const char *key)
{
	char local[32] = "";
	am_ms at;

	if (am_json_time(o, key, &at))
		am_text_local(local, at);
	am_table_cell(tb, AM_HUE_NONE, am_str_c(local));
}
