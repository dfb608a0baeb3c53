/*
 * provider_find - provider blocks of the configuration, and of files those that
 * an endpoint names.
 *
 * A file is read only when it is needed: the folders are shared by all hosts,
 * and a fault in a block that nobody uses is nobody's.
 */

#include "build.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FOLDERS_MAX (AM_CONF_LIST_MAX + 1)

const struct am_conf_provider *
am_conf_provider(const struct am_conf *c, struct am_str name)
{
	for (size_t i = 0; i < c->providers_n; i++) {
		if (am_str_is(name, c->providers[i]->name))
			return c->providers[i];
	}
	return NULL;
}

/* Where files are looked for, in order. */
static size_t
folders(struct am_build *b, const char *v[FOLDERS_MAX])
{
	const char *slash = strrchr(b->c->path, '/');

	v[0] = slash == NULL ? "providers"
			     : am_arena_printf(b->a, "%.*s/providers",
				   (int)(slash - b->c->path), b->c->path);
	return 1 +
	       am_get_list(b, b->root, "providers", v + 1, AM_CONF_LIST_MAX);
}

/* What the file holds must be the one block that it is named after. */
static const struct am_node *
only_block(struct am_build *b, const struct am_node *root, const char *path,
    const char *name)
{
	const struct am_node *n = root->children;

	if (n != NULL && n->next == NULL && root->entries == NULL &&
	    strcmp(am_node_type(n), "provider") == 0 &&
	    strcmp(n->title, name) == 0)
		return n;
	am_diag_add(b->d, path, n != NULL ? n->line : 1,
	    "this file holds one block, provider %s { … }, and nothing else",
	    name);
	return NULL;
}

static const struct am_conf_provider *
read_file(struct am_build *b, FILE *f, const char *path, const char *name)
{
	struct am_node *root = am_tree_new(b->a);
	size_t faults = b->d->n;
	const struct am_node *n;
	struct am_buf text;

	root->file = path;
	if (am_file_text(b->a, f, &text) != 0) {
		am_diag_add(b->d, path, 0,
		    "cannot read the provider (%s); it must be a plain file",
		    strerror(errno));
		return NULL;
	}
	am_tree_parse(b->a, root, path, am_buf_str(&text), NULL, b->d);
	if (b->d->n > faults || (n = only_block(b, root, path, name)) == NULL)
		return NULL;
	am_check_tree(b, root);
	if (b->d->n > faults)
		return NULL;
	am_part_add(b, n);
	return am_provider_build(b, n);
}

static int
is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

/* Names that could have been meant, with those of the blocks. */
static void
say_none(struct am_build *b, const struct am_node *n, const char *name,
    const char *const *dirs, size_t dirs_n)
{
	const char **known =
	    am_arena_zalloc(b->a, (b->c->providers_n + 1) * sizeof(*known));
	struct am_suggest s;
	struct am_buf list;

	for (size_t i = 0; i < b->c->providers_n; i++)
		known[i] = b->c->providers[i]->name;
	am_suggest_init(&s, name);
	for (size_t i = 0; i < b->c->providers_n; i++)
		am_suggest_try(&s, known[i]);
	am_buf_arena(&list, b->a, 256);
	for (size_t i = 0; i < dirs_n; i++) {
		struct dirent **found;
		int count = scandir(dirs[i], &found, is_conf, NULL);

		for (int k = 0; k < count; k++) {
			const char *file = found[k]->d_name;

			am_suggest_try(
			    &s, am_arena_cstr(b->a,
				    (struct am_str){ file, strlen(file) - 5 }));
			free(found[k]);
		}
		if (count >= 0)
			free(found);
		am_buf_adds(&list, i > 0 ? ", " : "");
		am_buf_adds(&list, dirs[i]);
	}
	if (s.best != NULL)
		am_fault(b, n, "provider",
		    "provider: no provider '%s'; did you mean '%s'?", name,
		    s.best);
	else
		am_fault(b, n, "provider",
		    "provider: no block provider %s { … }, and no %s.conf in "
		    "%.*s; write one",
		    name, name, AM_ARG(am_buf_str(&list)));
}

static void
find_file(struct am_build *b, const struct am_node *n, const char *name)
{
	const char *dirs[FOLDERS_MAX];
	size_t dirs_n = folders(b, dirs);

	for (size_t i = 0; i < dirs_n; i++) {
		const char *path =
		    am_arena_printf(b->a, "%s/%s.conf", dirs[i], name);
		const struct am_conf_provider *p;
		FILE *f = fopen(path, "re");

		if (f == NULL && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (f == NULL) {
			am_fault(b, n, "provider",
			    "provider: cannot open '%s' (%s); make it "
			    "readable",
			    path, strerror(errno));
			return;
		}
		p = read_file(b, f, path, name);
		fclose(f);
		if (p != NULL)
			b->own->providers[b->own->providers_n++] = p;
		return;
	}
	say_none(b, n, name, dirs, dirs_n);
}

void
am_read_providers(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *n = NULL;
	const char **tried;
	size_t most = 0, tried_n = 0;

	while ((n = am_node_child(b->root, "provider", n)) != NULL)
		most++;
	while ((n = am_node_child(b->root, "endpoint", n)) != NULL)
		most++;
	c->providers =
	    am_arena_zalloc(b->a, (most + 1) * sizeof(c->providers[0]));
	tried = am_arena_zalloc(b->a, (most + 1) * sizeof(*tried));
	while ((n = am_node_child(b->root, "provider", n)) != NULL)
		c->providers[c->providers_n++] = am_provider_build(b, n);
	while ((n = am_node_child(b->root, "endpoint", n)) != NULL) {
		const char *name = am_node_value(n, "provider");
		size_t i = 0;

		if (name == NULL || am_conf_provider(c, am_str_c(name)) != NULL)
			continue;
		while (i < tried_n && strcmp(tried[i], name) != 0)
			i++;
		if (i < tried_n) /* it was told once */
			continue;
		tried[tried_n++] = name;
		find_file(b, n, name);
	}
}
