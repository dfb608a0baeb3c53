/*
 * read_message - texts, compiled, so that an unknown field is found here and
 * never when a text is due.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"
#include "core/tmpl.h"

static const struct am_tmpl *
compile(struct am_build *b, const struct am_node *n)
{
	const char *text = am_node_value(n, "text");
	const struct am_tmpl *t;
	char what[200], name[160];

	if (text == NULL) {
		am_fault(b, n, NULL, "%s has no text; write text = \"…\"",
		    am_node_text(n, name, sizeof(name)));
		return NULL;
	}
	if (am_tmpl_parse(b->a, am_str_c(text), &t, what) != 0) {
		am_fault(b, n, "text", "text: %s", what);
		return NULL;
	}
	if (strstr(text, "{recourse.url") != NULL &&
	    b->c->recourse_url[0] == '\0')
		am_fault(b, n, "text",
		    "text: names {recourse.url}, which is not set; add "
		    "recourse { url = \"https://…\" }");
	return t;
}

static const struct am_message *
read_one(struct am_build *b, const struct am_node *n)
{
	struct am_message *m = am_arena_zalloc(b->a, sizeof(*m));
	const struct am_node *l = NULL;

	m->name = n->title;
	m->text = compile(b, n);
	while ((l = am_node_child(n, "lang", l)) != NULL) {
		if (m->langs_n == AM_COUNT(m->langs)) {
			am_fault(b, l, NULL,
			    "message \"%s\" has over %zu languages; make it "
			    "two messages",
			    n->title, AM_COUNT(m->langs));
			break;
		}
		m->langs[m->langs_n].lang = l->title;
		m->langs[m->langs_n++].text = compile(b, l);
	}
	return m;
}

void
am_read_messages(struct am_build *b)
{
	const struct am_node *n = am_node_child(b->root, "recourse", NULL);
	size_t count = 0;

	b->own->recourse_url = "";
	if (n != NULL && am_node_value(n, "url") != NULL)
		b->own->recourse_url = am_node_value(n, "url");
	else if (n != NULL)
		am_fault(b, n, NULL,
		    "recourse has no url; write url = \"https://…\"");
	n = NULL;
	while ((n = am_node_child(b->root, "message", n)) != NULL)
		count++;
	b->own->messages =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*b->own->messages));
	while ((n = am_node_child(b->root, "message", n)) != NULL)
		b->own->messages[b->own->messages_n++] = read_one(b, n);
}
