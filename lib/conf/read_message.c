/*
 * read_message - texts, compiled, so that an unknown field is found here and
 * never when a text is due.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"
#include "core/tmpl.h"

static const struct am_tmpl *
compile(struct am_build *b, const struct am_node *n, const char *key, int line,
    const char *text)
{
	const struct am_tmpl *t;
	char what[200];

	if (am_tmpl_parse(b->a, am_str_c(text), &t, what) != 0) {
		am_diag_add(b->d, n->file, line, "%s: %s", key, what);
		return NULL;
	}
	if (strstr(text, "{recourse.url") != NULL &&
	    b->c->recourse_url[0] == '\0')
		am_diag_add(b->d, n->file, line,
		    "%s: names {recourse.url}, which is not set; add recourse "
		    "{ url = \"https://…\" }",
		    key);
	if (strstr(text, "{link") != NULL && b->c->link == NULL)
		am_diag_add(b->d, n->file, line,
		    "%s: names {link}, and there is no section link; add link "
		    "{ url = \"https://…\"  secret = \"file:…\" }",
		    key);
	return t;
}

static const struct am_tmpl *
read_text(struct am_build *b, const struct am_node *n)
{
	const char *text = am_node_value(n, "text");
	char name[160];

	if (text != NULL)
		return compile(b, n, "text", am_node_line(n, "text"), text);
	am_fault(b, n, NULL, "%s has no text; write text = \"…\"",
	    am_node_text(n, name, sizeof(name)));
	return NULL;
}

/* NULL: none is given. */
static const struct am_tmpl *
read_subject(struct am_build *b, const struct am_node *n)
{
	const char *text = am_node_value(n, "subject");

	if (text == NULL)
		return NULL;
	if (strpbrk(text, "\r\n") != NULL)
		am_fault(b, n, "subject",
		    "subject: it has more than one line; write one");
	return compile(b, n, "subject", am_node_line(n, "subject"), text);
}

/* ---- templates ---- */

/* "NAME=TEXT" for a provider that knows parameters by name, else "TEXT". */
static void
read_param(struct am_build *b, const struct am_node *n, const struct am_word *w,
    bool named, struct am_message_param *param)
{
	const char *text = w->s, *eq = strchr(w->s, '=');
	size_t len = eq != NULL ? (size_t)(eq - w->s) : 0;

	if (named) {
		if (len == 0 || memchr(w->s, '{', len) != NULL ||
		    eq[1] == '\0') {
			am_diag_add(b->d, n->file, w->line,
			    "params: '%.60s' has no name; provider %s knows "
			    "parameters by name: write such as "
			    "\"id={complaint.id}\"",
			    w->s, n->title);
			return;
		}
		param->name = am_arena_cstr(b->a, (struct am_str){ w->s, len });
		text = eq + 1;
	}
	param->value = compile(b, n, "params", w->line, text);
}

static void
read_template(
    struct am_build *b, const struct am_node *n, struct am_message_template *t)
{
	const struct am_conf_provider *p =
	    am_conf_provider(b->c, am_str_c(n->title));
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "params", &w);

	t->provider = n->title;
	t->id = am_node_value(n, "id");
	t->lang = am_node_value(n, "lang");
	if (t->id == NULL)
		am_fault(b, n, NULL,
		    "template \"%s\" has no id; write the provider's name for "
		    "it, such as id = \"SMS_154950909\"",
		    n->title);
	if (t->lang != NULL && !am_lang_ok(t->lang))
		am_fault(b, n, "lang",
		    "lang: '%.40s' is no language; write a lower-case tag such "
		    "as \"zh\" or \"pt-br\"",
		    t->lang);
	if (count > AM_COUNT(t->params)) {
		am_fault(b, n, "params",
		    "params: %zu values; at most %zu are taken", count,
		    AM_COUNT(t->params));
		return;
	}
	if (p != NULL && p->params == AM_PARAMS_NONE) {
		am_fault(b, n, NULL,
		    "template: provider %s takes free text (params = none); "
		    "remove the template",
		    p->name);
		return;
	}
	/* that of a provider nobody uses is not sent; its texts are checked */
	for (size_t i = 0; i < count; i++)
		read_param(b, n, &w[i],
		    p != NULL && p->params == AM_PARAMS_NAMED, &t->params[i]);
	t->params_n = count;
}

static bool
same_lang(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
read_templates(
    struct am_build *b, const struct am_node *n, struct am_message *m)
{
	const struct am_node *k = NULL;
	struct am_message_template *v;
	size_t count = 0;

	while ((k = am_node_child(n, "template", k)) != NULL)
		count++;
	m->templates = v = am_arena_zalloc(b->a, (count + 1) * sizeof(*v));
	while ((k = am_node_child(n, "template", k)) != NULL) {
		struct am_message_template *t = &v[m->templates_n++];

		read_template(b, k, t);
		for (struct am_message_template *o = v; o < t; o++) {
			if (strcmp(o->provider, t->provider) == 0 &&
			    same_lang(o->lang, t->lang))
				am_fault(b, k, NULL,
				    "template \"%s\" is given twice for %s; "
				    "give one of them another lang",
				    t->provider,
				    t->lang != NULL ? t->lang
						    : "all languages");
		}
	}
}

static const struct am_message *
read_one(struct am_build *b, const struct am_node *n)
{
	struct am_message *m = am_arena_zalloc(b->a, sizeof(*m));
	const struct am_node *l = NULL;

	m->name = n->title;
	m->text = read_text(b, n);
	m->subject = read_subject(b, n);
	while ((l = am_node_child(n, "lang", l)) != NULL) {
		if (m->langs_n == AM_COUNT(m->langs)) {
			am_fault(b, l, NULL,
			    "message \"%s\" has over %zu languages; make it "
			    "two messages",
			    n->title, AM_COUNT(m->langs));
			break;
		}
		m->langs[m->langs_n].lang = l->title;
		m->langs[m->langs_n].text = read_text(b, l);
		m->langs[m->langs_n++].subject = read_subject(b, l);
	}
	read_templates(b, n, m);
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
