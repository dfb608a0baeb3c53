/*
 * parts - what tells two configurations apart.
 *
 * Every section of the top level, every producer and every key that stands by
 * itself is kept as a hash of what it says, defaults included, so that
 * comments, order and place make no difference. Of a secret its bytes are
 * hashed, too: a new one in the same file is a change. Rejected: comparing what
 * was built, struct by struct; a key that comes later would be forgotten.
 */

#include "build.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

void
am_part_secret(struct am_build *b, const struct am_secret *s)
{
	struct am_part_secret *known;

	if (b->own == NULL)
		return;
	known = am_arena_alloc(b->a, sizeof(*known));
	*known = (struct am_part_secret){ .next = b->secrets, .secret = *s };
	b->secrets = known;
}

static void
add_word(struct am_sha256 *sha, const struct am_build *b,
    const struct am_option *o, const char *word)
{
	const struct am_part_secret *s = b->secrets;

	am_sha256_addl(sha, am_str_c(word));
	if (o->kind != AM_OPT_SECRET)
		return;
	while (s != NULL && strcmp(s->secret.ref, word) != 0)
		s = s->next;
	if (s != NULL)
		am_sha256_addl(sha, s->secret.value);
}

static void
add_key(struct am_sha256 *sha, const struct am_build *b,
    const struct am_node *n, const struct am_option *o)
{
	const struct am_word *w;
	const char *v;
	size_t count;

	am_sha256_addl(sha, am_str_c(o->name));
	if (o->list) {
		count = am_node_list(b->a, n, o->name, &w);
		for (size_t i = 0; i < count; i++)
			add_word(sha, b, o, w[i].s);
	} else if ((v = am_node_value(n, o->name)) != NULL) {
		add_word(sha, b, o, v);
	}
}

/* Producers are parts of their own. */
static bool
is_own_part(const struct am_node *n)
{
	return strcmp(n->opt->name, "producer") == 0;
}

static void
add_node(
    struct am_sha256 *sha, const struct am_build *b, const struct am_node *n)
{
	const struct am_option *o;
	size_t options_n;

	am_sha256_addl(sha, am_str_c(n->opt->name));
	am_sha256_addl(sha, am_str_c(n->title));
	o = am_options(&options_n);
	for (size_t i = 0; i < options_n; i++) {
		if (strcmp(o[i].in, n->opt->name) == 0 &&
		    !am_option_is_section(&o[i]))
			add_key(sha, b, n, &o[i]);
	}
	for (const struct am_node *c = n->children; c != NULL; c = c->next) {
		if (!is_own_part(c))
			add_node(sha, b, c);
	}
	am_sha256_addl(sha, AM_STR("}"));
}

static void
add_part(struct am_build *b, const char *type, const char *name,
    struct am_sha256 *sha)
{
	struct am_conf_part *p = am_arena_zalloc(b->a, sizeof(*p));

	p->type = type;
	p->name = name;
	am_sha256_end(sha, p->hash);
	p->next = b->own->parts;
	b->own->parts = p;
}

void
am_part_add(struct am_build *b, const struct am_node *n)
{
	struct am_sha256 sha;

	am_sha256_init(&sha);
	add_node(&sha, b, n);
	add_part(b, n->opt->name, n->title, &sha);
}

void
am_parts_read(struct am_build *b)
{
	const struct am_option *o;
	struct am_sha256 sha;
	size_t options_n;

	for (const struct am_node *n = b->root->children; n != NULL;
	     n = n->next) {
		const struct am_node *p = NULL;

		am_part_add(b, n);
		while (strcmp(n->opt->name, "http") == 0 &&
		       (p = am_node_child(n, "producer", p)) != NULL)
			am_part_add(b, p);
	}
	o = am_options(&options_n);
	for (size_t i = 0; i < options_n; i++) {
		if (o[i].in[0] != '\0' || am_option_is_section(&o[i]) ||
		    (am_node_entry(b->root, o[i].name) == NULL &&
			o[i].def == NULL))
			continue;
		am_sha256_init(&sha);
		add_key(&sha, b, b->root, &o[i]);
		add_part(b, "", o[i].name, &sha);
	}
}

/* ---- two of them ---- */

static const struct am_conf_part *
part_of(const struct am_conf *c, const struct am_conf_part *like)
{
	const struct am_conf_part *p = c->parts;

	while (p != NULL && (strcmp(p->type, like->type) != 0 ||
				strcmp(p->name, like->name) != 0))
		p = p->next;
	return p;
}

/* A loop is what its hash says: that is what complaints are opened on. */
static bool
same_loop(const struct am_conf *a, const struct am_conf *b, const char *name)
{
	const struct am_loopdef *x = am_conf_loop(a, am_str_c(name));
	const struct am_loopdef *y = am_conf_loop(b, am_str_c(name));

	return x != NULL && y != NULL && strcmp(x->ref, y->ref) == 0;
}

void
am_conf_diff(const struct am_conf *was, const struct am_conf *now,
    am_conf_diff_cb *cb, void *arg)
{
	for (const struct am_conf_part *p = was->parts; p != NULL;
	     p = p->next) {
		if (part_of(now, p) == NULL)
			cb(arg, p->type, p->name, AM_CONF_REMOVED);
	}
	for (const struct am_conf_part *p = now->parts; p != NULL;
	     p = p->next) {
		const struct am_conf_part *old = part_of(was, p);

		if (old == NULL)
			cb(arg, p->type, p->name, AM_CONF_ADDED);
		else if (memcmp(old->hash, p->hash, sizeof(p->hash)) != 0 &&
			 (strcmp(p->type, "loop") != 0 ||
			     !same_loop(was, now, p->name)))
			cb(arg, p->type, p->name, AM_CONF_CHANGED);
	}
}
