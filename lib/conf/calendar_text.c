/*
 * calendar_text - the text of a calendar, and the calendar of a text.
 *
 * Dues of open complaints are told anew when a calendar is edited; what it was
 * before is kept in this form. Keys are written as given, in the order of the
 * table, so that a key that comes with a later version needs nothing here.
 * Rejected: keeping the compiled windows; they are ten years long, and begin
 * and end with the load.
 */

#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Checked values of this section need no escape but this. */
static void
put(struct am_buf *b, const char *s)
{
	am_buf_addc(b, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			am_buf_addc(b, '\\');
		am_buf_addc(b, *s);
	}
	am_buf_addc(b, '\'');
}

static void
put_key(struct am_buf *b, struct am_arena *a, const struct am_node *n,
    const struct am_option *o)
{
	const struct am_word *w;
	size_t words_n;

	am_buf_addf(b, "\t%s = ", o->name);
	if (!o->list) {
		put(b, am_node_value(n, o->name));
	} else {
		words_n = am_node_list(a, n, o->name, &w);
		for (size_t i = 0; i < words_n; i++) {
			am_buf_adds(b, i > 0 ? ", " : "{");
			put(b, w[i].s);
		}
		am_buf_adds(b, words_n > 0 ? "}" : "{}");
	}
	am_buf_addc(b, '\n');
}

struct am_str
am_calendar_text(struct am_arena *a, const struct am_node *n)
{
	const struct am_option *o;
	struct am_buf b;
	size_t options_n;

	o = am_options(&options_n);
	am_buf_arena(&b, a, 256);
	am_buf_addf(&b, "calendar \"%s\" {\n", n->title);
	for (size_t i = 0; i < options_n; i++) {
		if (strcmp(o[i].in, "calendar") == 0 &&
		    (o[i].list ? am_node_entry(n, o[i].name) != NULL
			       : am_node_value(n, o[i].name) != NULL))
			put_key(&b, a, n, &o[i]);
	}
	am_buf_adds(&b, "}\n");
	return am_buf_str(&b);
}

static const struct am_calendar *
compile(struct am_build *b, const struct am_node *n)
{
	struct am_calendar_src src = { .name = n->title };
	const struct am_calendar *cal = NULL;

	if (am_find_zone(b, n, "timezone", &src.zone) != 0)
		return NULL;
	(void)am_calendar_fill(b, n, &src);
	if (am_calendar_compile(b->a, &src, b->c->from, b->c->until, &cal) != 0)
		am_fault(b, n, "open",
		    "calendar \"%s\" has no open time in a whole year",
		    n->title);
	return cal;
}

int
am_conf_bind_calendar(const struct am_conf *c, struct am_str text,
    struct am_arena *a, const struct am_calendar **cal, struct am_diag *diag)
{
	struct am_diags d = { 0 };
	struct am_node *root = am_tree_new(a);
	struct am_build b = { .c = c, .a = a, .d = &d };
	const struct am_calendar *found = NULL;
	const struct am_node *n;

	am_tree_parse(a, root, "", text, NULL, &d);
	n = am_node_child(root, "calendar", NULL);
	if (d.n == 0 && (n == NULL || n->next != NULL || root->entries != NULL))
		am_diag_add(&d, "", 1,
		    "not the text of one calendar; write calendar \"NAME\" "
		    "{ … }");
	if (d.n == 0)
		am_check_tree(&b, root);
	if (d.n == 0)
		found = compile(&b, n);
	if (found == NULL) {
		AM_ASSERT(d.n > 0);
		*diag = d.v[0];
		free(d.v);
		return -AM_EINVAL;
	}
	free(d.v);
	*cal = found;
	return 0;
}
