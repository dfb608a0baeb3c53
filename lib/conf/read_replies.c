/*
 * read_replies - how the answers of customers are read, and who is told what
 * an operator should know.
 *
 * A word of two lists would be an answer that nobody can foresee; it is refused
 * here. Words are kept in lower case, as they are compared.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"

/* In the order of the table of keys. */
static const char *const keys[] = { "yes", "no", "stop", "start" };

/* ASCII only; other letters have no case or are compared as they are. */
static const char *
lower(struct am_build *b, const char *s)
{
	char *p = (char *)am_arena_cstr(b->a, am_str_c(s));

	for (char *c = p; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return p;
}

static bool
has(const struct am_conf_words *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], word) == 0)
			return true;
	}
	return false;
}

static void
read_words(struct am_build *b, const struct am_node *n,
    struct am_conf_words *const *lists, size_t at)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, keys[at], &w);
	struct am_conf_words *list = lists[at];

	if (count == 0)
		am_fault(b, n, keys[at],
		    "%s: the list is empty; name a word, or leave the key out",
		    keys[at]);
	for (size_t i = 0; i < count; i++) {
		const char *word = lower(b, w[i].s);

		for (size_t k = 0; k < at; k++) {
			if (has(lists[k], word))
				am_diag_add(b->d, n->file, w[i].line,
				    "%s: '%.40s' stands in %s, too; remove "
				    "one",
				    keys[at], w[i].s, keys[k]);
		}
		if (has(list, word))
			am_diag_add(b->d, n->file, w[i].line,
			    "%s: '%.40s' stands there twice; remove one",
			    keys[at], w[i].s);
		list->v[list->n++] = word;
	}
}

static void
read_alert(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_word *w;
	size_t count = am_node_list(b->a, b->root, "alert", &w);
	const char **known =
	    am_arena_zalloc(b->a, (c->endpoints_n + 1) * sizeof(*known));

	for (size_t i = 0; i < c->endpoints_n; i++)
		known[i] = c->endpoints[i]->name;
	for (size_t i = 0; i < count; i++) {
		const struct am_conf_endpoint *e =
		    am_conf_endpoint(c, am_str_c(w[i].s));

		if (e == NULL)
			am_fault_name(b, b->root, "alert", w[i].line,
			    "endpoint", w[i].s, known, c->endpoints_n);
		else if (e->type != AM_ENDPOINT_WEBHOOK)
			am_diag_add(b->d, am_node_entry(b->root, "alert")->file,
			    w[i].line,
			    "alert: endpoint '%s' is no webhook; name one of "
			    "type webhook",
			    w[i].s);
		c->alert[c->alert_n++] = w[i].s;
	}
}

void
am_read_replies(struct am_build *b)
{
	const struct am_node *n = am_section(b, "replies");
	struct am_conf *c = b->own;
	struct am_conf_words *const lists[] = { &c->replies.yes, &c->replies.no,
		&c->replies.stop, &c->replies.start };

	c->replies.window = am_get_span(n, "window");
	for (size_t i = 0; i < AM_COUNT(lists); i++)
		read_words(b, n, lists, i);
	read_alert(b);
}
