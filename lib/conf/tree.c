/*
 * tree - libconfuse as a source of events.
 *
 * libconfuse keeps no line of a section or a value, gives the last of two
 * equal keys, and merges sections of one title. So nothing is read out of its
 * own tree: validate callbacks run at each value, with the line that is right
 * then, and build ours. Three tricks make the events complete:
 *  - the first option of every section is a hidden one with a default; setting
 *    it is the event "section opened";
 *  - a value is taken out of libconfuse (its string becomes NULL), so that the
 *    call at a list's end and a repeated key can be told apart;
 *  - a sentinel key stands behind the last byte. It belongs to the top: seen
 *    anywhere else, or not at all, the text was cut.
 * A misspelt key ends libconfuse's run. It is then declared, and the text is
 * read again, so that one run tells of all of them.
 * include() is libconfuse's function, but not its own reader of files: that one
 * would go round guard.c. What is included is noted, and read when this text is
 * done.
 *
 * libconfuse is not reentrant and passes its callbacks no argument: `now_at` is
 * the one file-static pointer, set for the length of a parse.
 */

#include "tree.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define OPENED "\001"
#define SENTINEL "end of file"
#define INCLUDE "include"
#define DIAGS_MAX 64
#define UNKNOWN_MAX 16

struct reader {
	struct am_arena *a;
	struct am_arena scratch; /* for the length of a parse */
	struct am_node *root, *top;
	const char *file;
	const char *text; /* guarded */
	struct am_diags *d;
	struct am_include **includes; /* the list's head, or NULL */
	struct am_include **next;     /* where the next one goes */
	bool at_end;		      /* the sentinel was seen */
	bool again; /* an unknown key was declared: read once more */
	struct {
		const char *in, *name;
	} unknown[UNKNOWN_MAX];
	size_t unknown_n;
};

static struct reader *now_at;

void
am_diag_add(
    struct am_diags *d, const char *file, int line, const char *fmt, ...)
{
	struct am_diag *g;
	va_list ap;

	if (d->n == DIAGS_MAX)
		return;
	if (d->v == NULL && (d->v = calloc(DIAGS_MAX, sizeof(*d->v))) == NULL)
		abort();
	g = &d->v[d->n++];
	snprintf(g->file, sizeof(g->file), "%s", file);
	g->line = line;
	va_start(ap, fmt);
	vsnprintf(g->text, sizeof(g->text), fmt, ap);
	va_end(ap);
}

const char *
am_node_type(const struct am_node *n)
{
	return n->opt != NULL ? n->opt->name : "";
}

const char *
am_node_text(const struct am_node *n, char *buf, size_t size)
{
	if (n->opt == NULL)
		snprintf(buf, size, "the top level");
	else if (n->title[0] == '\0')
		snprintf(buf, size, "%s", n->opt->name);
	else
		snprintf(buf, size, "%s \"%s\"", n->opt->name, n->title);
	return buf;
}

const struct am_entry *
am_node_entry(const struct am_node *n, const char *key)
{
	for (const struct am_entry *e = n->entries; e != NULL; e = e->next) {
		if (strcmp(e->opt->name, key) == 0)
			return e;
	}
	return NULL;
}

const char *
am_node_value(const struct am_node *n, const char *key)
{
	const struct am_entry *e = am_node_entry(n, key);
	const struct am_option *o = am_option_find(am_node_type(n), key);

	AM_ASSERT(o != NULL && !o->list);
	return e != NULL ? e->words[0].s : o->def;
}

int
am_node_line(const struct am_node *n, const char *key)
{
	const struct am_entry *e = am_node_entry(n, key);

	return e != NULL ? e->line : n->line;
}

size_t
am_node_list(struct am_arena *a, const struct am_node *n, const char *key,
    const struct am_word **words)
{
	const struct am_entry *e = am_node_entry(n, key);
	const struct am_option *o = am_option_find(am_node_type(n), key);
	struct am_word *w;
	size_t count = 0;

	AM_ASSERT(o != NULL && o->list);
	if (e != NULL) {
		*words = e->words;
		return e->n;
	}
	*words = NULL;
	if (o->def == NULL)
		return 0;
	w = am_arena_zalloc(a, sizeof(*w) * (strlen(o->def) / 2 + 1));
	for (const char *p = o->def, *q; p != NULL; p = q) {
		q = strstr(p, ", ");
		w[count].line = n->line;
		w[count++].s = am_arena_cstr(
		    a, (struct am_str){
			   p, q != NULL ? (size_t)(q - p) : strlen(p) });
		q = q != NULL ? q + 2 : NULL;
	}
	*words = w;
	return count;
}

const struct am_node *
am_node_child(
    const struct am_node *n, const char *type, const struct am_node *after)
{
	const struct am_node *c = after != NULL ? after->next : n->children;

	while (c != NULL && strcmp(c->opt->name, type) != 0)
		c = c->next;
	return c;
}

const struct am_node *
am_node_find(const struct am_node *n, const char *type, const char *title)
{
	const struct am_node *c = NULL;

	while ((c = am_node_child(n, type, c)) != NULL) {
		if (strcmp(c->title, title) == 0)
			return c;
	}
	return NULL;
}

struct am_node *
am_tree_new(struct am_arena *a)
{
	struct am_node *n = am_arena_zalloc(a, sizeof(*n));

	n->title = n->file = "";
	n->line = 1;
	return n;
}

/* The section's titled or untitled twin, or NULL. */
static const struct am_node *
twin(const struct am_node *parent, const char *type, const char *title)
{
	return am_node_find(parent, type, title);
}

static void
on_open(struct reader *r, cfg_t *cfg)
{
	const struct am_option *o;
	const struct am_node *first;
	const char *title = cfg->title != NULL ? cfg->title : "";
	struct am_node *n;

	if (r->top == NULL) { /* the top level itself */
		r->top = r->root;
		return;
	}
	o = am_option_find(am_node_type(r->top), cfg->name);
	AM_ASSERT(o != NULL);
	first = twin(r->top, cfg->name, title);
	if (first != NULL && !o->list)
		am_diag_add(r->d, r->file, cfg->line,
		    "%s%s%s%s is given twice, first at %s:%d; join the two, or "
		    "%s",
		    cfg->name, title[0] != '\0' ? " \"" : "", title,
		    title[0] != '\0' ? "\"" : "", first->file, first->line,
		    title[0] != '\0' ? "rename one" : "remove one");
	if (o->kind == AM_OPT_TITLED && title[0] == '\0')
		am_diag_add(r->d, r->file, cfg->line,
		    "%s has an empty title; give it a name, as in %s \"name\"",
		    cfg->name, cfg->name);
	n = am_tree_new(r->a);
	n->parent = r->top;
	n->opt = o;
	n->title = am_arena_cstr(r->a, am_str_c(title));
	n->file = r->file;
	n->line = cfg->line;
	if (r->top->last != NULL)
		r->top->last->next = n;
	else
		r->top->children = n;
	r->top->last = n;
	r->top = n;
}

static void
add_word(struct reader *r, struct am_entry *e, const char *s, int line)
{
	if (e->n == e->cap) {
		size_t cap = e->cap > 0 ? 2 * e->cap : 4;
		struct am_word *w = am_arena_alloc(r->a, cap * sizeof(*w));

		if (e->n > 0)
			memcpy(w, e->words, e->n * sizeof(*w));
		e->words = w;
		e->cap = cap;
	}
	e->words[e->n].s = am_arena_cstr(r->a, am_str_c(s));
	e->words[e->n++].line = line;
}

static void
on_value(struct reader *r, cfg_t *cfg, cfg_opt_t *opt)
{
	const struct am_option *o =
	    am_option_find(am_node_type(r->top), opt->name);
	const struct am_entry *first;
	struct am_entry *e = r->top->last_entry;
	char *s = opt->values[opt->nvalues - 1]->string;

	if (s == NULL || o == NULL) /* end of a list; or an unknown key */
		return;
	opt->values[opt->nvalues - 1]->string = NULL;
	if (opt->nvalues == 1) {
		first = am_node_entry(r->top, opt->name);
		if (first != NULL)
			am_diag_add(r->d, r->file, cfg->line,
			    "%s is given twice, first at %s:%d; remove one",
			    opt->name, first->file, first->line);
		e = am_arena_zalloc(r->a, sizeof(*e));
		e->opt = o;
		e->file = r->file;
		e->line = cfg->line;
		if (r->top->last_entry != NULL)
			r->top->last_entry->next = e;
		else
			r->top->entries = e;
		r->top->last_entry = e;
	}
	/* a list of one empty string is the guard's empty list */
	if (!(o->list && s[0] == '\0' && e->n == 0))
		add_word(r, e, s, cfg->line);
	free(s);
}

static int
on_event(cfg_t *cfg, cfg_opt_t *opt)
{
	struct reader *r = now_at;

	if (strcmp(opt->name, OPENED) == 0)
		on_open(r, cfg);
	else if (strcmp(opt->name, SENTINEL) == 0)
		r->at_end = r->top == r->root;
	else if (opt->type == CFGT_SEC)
		r->top = r->top->parent;
	else
		on_value(r, cfg, opt);
	return 0;
}

/* libconfuse says nothing of its own when a function fails: we do. */
static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct reader *r = now_at;
	struct am_include *i;

	(void)opt;
	if (argc != 1 || argv[0][0] == '\0') {
		am_diag_add(r->d, r->file, cfg->line,
		    "include takes one file; write include(\"NAME.conf\")");
		return 0;
	}
	i = am_arena_zalloc(r->a, sizeof(*i));
	i->name = am_arena_cstr(r->a, am_str_c(argv[0]));
	i->file = r->file;
	i->line = cfg->line;
	*r->next = i;
	r->next = &i->next;
	return 0;
}

/*
 * Is the unknown word a key with a value? The word is looked for on its line
 * of the guarded text, which has no comments.
 */
static bool
has_value(const struct reader *r, int line, const char *name)
{
	const char *p = r->text;
	const char *end;
	size_t n = strlen(name);

	for (int i = 1; i < line && p != NULL; i++) {
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : NULL;
	}
	if (p == NULL)
		return false;
	end = strchrnul(p, '\n');
	p = memmem(p, (size_t)(end - p), name, n);
	if (p == NULL)
		return false;
	p += n;
	p += strspn(p, "\"' \t\n");
	return *p == '=';
}

/* The row of a key that was put into the wrong section. */
static const struct am_option *
elsewhere(const char *name)
{
	const struct am_option *o;
	size_t n;

	o = am_options(&n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].name, name) == 0)
			return &o[i];
	}
	return NULL;
}

/* "url, password, streams" of a section. */
static void
known_keys(const char *in, char *buf, size_t size)
{
	const struct am_option *o;
	size_t n, at = 0;

	buf[0] = '\0';
	o = am_options(&n);
	for (size_t i = 0; i < n && at < size; i++) {
		if (strcmp(o[i].in, in) == 0)
			at += (size_t)snprintf(buf + at, size - at, "%s%s",
			    at > 0 ? ", " : "", o[i].name);
	}
}

static void
say_unknown(struct reader *r, int line, const char *name)
{
	const char *in = am_node_type(r->top), *to;
	const struct am_option *o, *other = elsewhere(name);
	struct am_suggest s;
	size_t n;
	char where[160], keys[256];

	am_node_text(r->top, where, sizeof(where));
	am_suggest_init(&s, name);
	o = am_options(&n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].in, in) == 0)
			am_suggest_try(&s, o[i].name);
	}
	known_keys(in, keys, sizeof(keys));
	to =
	    other != NULL && other->in[0] != '\0' ? other->in : "the top level";
	if (other != NULL && am_option_is_section(other))
		am_diag_add(r->d, r->file, line,
		    "no section '%s' in %s; it belongs into %s: is a } missing "
		    "before it?",
		    name, where, to);
	else if (s.best != NULL)
		am_diag_add(r->d, r->file, line,
		    "no key '%.64s' in %s; did you mean '%s'?", name, where,
		    s.best);
	else if (other != NULL)
		am_diag_add(r->d, r->file, line,
		    "no key '%s' in %s; it belongs into %s", name, where, to);
	else
		am_diag_add(r->d, r->file, line,
		    "no key '%.64s' in %s; keys here are: %s", name, where,
		    keys);
}

static void
on_unknown(struct reader *r, int line, const char *name)
{
	char where[160];

	if (strcmp(name, SENTINEL) == 0) {
		am_diag_add(r->d, r->file, r->top->line,
		    "%s is not closed before the end of the file; add the "
		    "missing }",
		    am_node_text(r->top, where, sizeof(where)));
		return;
	}
	if (strcmp(name, INCLUDE) == 0 && r->includes != NULL) {
		am_diag_add(r->d, r->file, line,
		    "include stands in %s; it belongs into the top level",
		    am_node_text(r->top, where, sizeof(where)));
		return;
	}
	say_unknown(r, line, name);
	if (r->unknown_n < UNKNOWN_MAX && has_value(r, line, name)) {
		r->unknown[r->unknown_n].in = am_node_type(r->top);
		r->unknown[r->unknown_n++].name =
		    am_arena_cstr(r->a, am_str_c(name));
		r->again = true;
	}
}

/* libconfuse's words for a fault, and ours; %s is its argument. */
static const struct {
	const char *theirs, *ours;
} faults[] = {
	{ "unexpected token '%s'",
	    "'%.40s' is out of place; write KEY = VALUE, or a list as { A, B "
	    "}" },
	{ "missing equal sign after option '%s'",
	    "no = after %.40s; write %.40s = VALUE" },
	{ "missing opening brace for section '%s'",
	    "no { after %.40s; write %.40s { KEY = VALUE … }, with a title in "
	    "quotes where it has a name" },
	{ "missing title for section '%s'",
	    "%.40s has no title; give it a name, as in %.40s \"name\"" },
	{ "missing parenthesis for function '%s'",
	    "no ( after %.40s; write %.40s(\"NAME.conf\")" },
	{ "unexpected closing brace",
	    "'}' closes nothing; remove it, or add the { that is missing" },
	{ "premature end of file",
	    "the file ends in the middle of a value; complete it" },
};

static void
on_fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct reader *r = now_at;
	const char *arg = strchr(fmt, '%') != NULL ? va_arg(ap, char *) : "";
	char text[256];

	if (arg == NULL)
		arg = "";
	if (strcmp(fmt, "no such option '%s'") == 0) {
		on_unknown(r, cfg->line, arg);
		return;
	}
	snprintf(
	    text, sizeof(text), "%s '%.40s'; see amends.conf(5)", fmt, arg);
	for (size_t i = 0; i < AM_COUNT(faults); i++) {
		if (strcmp(fmt, faults[i].theirs) == 0) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
			snprintf(text, sizeof(text), faults[i].ours, arg, arg);
#pragma GCC diagnostic pop
		}
	}
	am_diag_add(r->d, r->file, cfg->line, "%s", text);
}

/* libconfuse's table of one section, made from ours and what was misspelt. */
static cfg_opt_t *
make_opts(struct reader *r, const char *in)
{
	const struct am_option *o;
	cfg_opt_t *v, *at;
	size_t n;

	o = am_options(&n);
	at = v =
	    am_arena_zalloc(&r->scratch, (n + UNKNOWN_MAX + 4) * sizeof(*v));
	*at++ = (cfg_opt_t){ .name = OPENED,
		.type = CFGT_STR,
		.def = { .parsed = "x" },
		.validcb = on_event };
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].in, in) != 0)
			continue;
		*at = (cfg_opt_t){ .name = o[i].name, .validcb = on_event };
		if (am_option_is_section(&o[i])) {
			at->type = CFGT_SEC;
			at->flags = CFGF_MULTI;
			if (o[i].kind == AM_OPT_TITLED)
				at->flags |= CFGF_TITLE;
			at->subopts = make_opts(r, o[i].name);
		} else {
			at->type = CFGT_STR;
			at->flags = CFGF_NODEFAULT;
			if (o[i].list)
				at->flags |= CFGF_LIST;
		}
		at++;
	}
	for (size_t i = 0; i < r->unknown_n; i++) {
		if (strcmp(r->unknown[i].in, in) == 0)
			*at++ = (cfg_opt_t){ .name = r->unknown[i].name,
				.type = CFGT_STR,
				.flags = CFGF_LIST | CFGF_NODEFAULT,
				.validcb = on_event };
	}
	if (in[0] == '\0' && r->includes != NULL)
		*at++ = (cfg_opt_t){
			.name = INCLUDE, .type = CFGT_FUNC, .func = on_include
		};
	if (in[0] == '\0')
		*at++ = (cfg_opt_t){ .name = SENTINEL,
			.type = CFGT_STR,
			.flags = CFGF_NODEFAULT,
			.validcb = on_event };
	return v;
}

static void
parse_once(struct reader *r)
{
	size_t before = r->d->n;
	cfg_t *cfg;
	int rc;

	r->top = NULL;
	r->again = r->at_end = false;
	r->next = r->includes;
	if (r->includes != NULL)
		*r->includes = NULL;
	now_at = r;
	cfg = cfg_init(make_opts(r, ""), CFGF_NONE);
	if (cfg == NULL)
		abort();
	cfg_set_error_function(cfg, on_fault);
	rc = cfg_parse_buf(cfg, r->text);
	cfg_free(cfg);
	now_at = NULL;
	if ((rc != CFG_SUCCESS || !r->at_end) && r->d->n == before)
		am_diag_add(r->d, r->file, 1,
		    "the text ends where it should not; look for a missing } "
		    "or quote");
}

/* What a run added to the top, taken back before the text is read again. */
struct mark {
	struct am_node *last;
	struct am_entry *last_entry;
};

static void
rewind_to(struct am_node *root, const struct mark *m)
{
	root->last = m->last;
	root->last_entry = m->last_entry;
	if (m->last != NULL)
		m->last->next = NULL;
	else
		root->children = NULL;
	if (m->last_entry != NULL)
		m->last_entry->next = NULL;
	else
		root->entries = NULL;
}

void
am_tree_parse(struct am_arena *a, struct am_node *root, const char *file,
    struct am_str text, struct am_include **includes, struct am_diags *d)
{
	const char *guarded;
	struct mark mark = { root->last, root->last_entry };
	struct am_diags unknown = { 0 };
	struct reader r = {
		.a = a, .root = root, .d = d, .includes = includes
	};
	size_t from = d->n;

	if (includes != NULL)
		*includes = NULL;
	am_arena_init(&r.scratch, 0);
	guarded = am_guard(&r.scratch, file, text, d);
	if (guarded == NULL) {
		am_arena_fini(&r.scratch);
		return;
	}
	r.file = am_arena_cstr(a, am_str_c(file));
	r.text =
	    am_arena_printf(&r.scratch, "%s\n\"" SENTINEL "\" = x\n", guarded);
	for (;;) {
		parse_once(&r);
		if (!r.again)
			break;
		/* keep what was said of the unknown key, say the rest anew */
		am_diag_add(&unknown, "", 0, "%s", "");
		unknown.v[unknown.n - 1] = d->v[d->n - 1];
		d->n = from;
		rewind_to(root, &mark);
	}
	for (size_t i = 0; i < unknown.n && d->n < DIAGS_MAX; i++)
		d->v[d->n++] = unknown.v[i];
	free(unknown.v);
	am_arena_fini(&r.scratch);
}
