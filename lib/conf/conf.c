/*
 * conf - load, share and free the configuration.
 *
 * Four passes: read all files, and what they include, into one tree, check
 * every value by the table, build the parts in the order in which they refer to
 * each other, and only then give the result away. A pass with faults ends the
 * load after it has told all of them; what is in force elsewhere is never
 * touched.
 */

#include "build.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/str.h"

#define FILE_BYTES_MAX (1 << 20)
#define INCLUDE_DEPTH_MAX 8
#define YEARS_BACK 5 /* clocks of open complaints began somewhere there */
#define YEARS_AHEAD 5

/* A file that is read, so that none is read twice. */
struct file {
	struct file *next;
	dev_t dev;
	ino_t ino;
	const char *path;
	const struct am_include *by; /* NULL: the first, or one of conf.d */
	bool open;		     /* it or what it includes is being read */
};

struct reading {
	struct am_build *b;
	struct am_node *root;
	struct file *files;
	unsigned depth;
};

/* The file as it was met before (*again), else a new one. */
static struct file *
meet(struct reading *r, FILE *f, const char *path, const struct am_include *by,
    bool *again)
{
	struct file *file;
	struct stat st;

	if (fstat(fileno(f), &st) != 0)
		st.st_dev = st.st_ino = 0;
	for (file = r->files; file != NULL; file = file->next) {
		if (file->dev == st.st_dev && file->ino == st.st_ino)
			break;
	}
	*again = file != NULL;
	if (*again)
		return file;
	file = am_arena_zalloc(r->b->a, sizeof(*file));
	*file = (struct file){ .next = r->files,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.path = path,
		.by = by };
	r->files = file;
	return file;
}

/* path, which by includes or else lies in conf.d, was met before as first. */
static void
say_twice(struct reading *r, const struct file *first, const char *path,
    const struct am_include *by)
{
	const struct am_include *line = by != NULL ? by : first->by;
	struct am_diags *d = r->b->d;

	if (line == NULL)
		am_diag_add(d, path, 0,
		    "the same file as %s; remove one of the two", first->path);
	else if (first->open)
		am_diag_add(d, line->file, line->line,
		    "include: '%.200s' would include itself; remove this line",
		    line->name);
	else if (by == NULL || first->by == NULL)
		am_diag_add(d, line->file, line->line,
		    "include: '%.200s' is read without that; remove this line",
		    line->name);
	else
		am_diag_add(d, line->file, line->line,
		    "include: '%.200s' is included twice, first at %s:%d; "
		    "remove one",
		    line->name, first->by->file, first->by->line);
}

static void
read_path(struct reading *r, const char *path, const struct am_include *by);

/* The name is relative to the folder of the file that includes it. */
static void
read_include(struct reading *r, const struct am_include *i)
{
	const char *slash = strrchr(i->file, '/'), *path = i->name;

	if (r->depth == INCLUDE_DEPTH_MAX) {
		am_diag_add(r->b->d, i->file, i->line,
		    "include: files are nested too deeply; %d levels are taken",
		    INCLUDE_DEPTH_MAX);
		return;
	}
	if (path[0] != '/' && slash != NULL)
		path = am_arena_printf(
		    r->b->a, "%.*s/%s", (int)(slash - i->file), i->file, path);
	r->depth++;
	read_path(r, path, i);
	r->depth--;
}

/* A failure is told of the line that names the file, where one does. */
static void
cannot(struct reading *r, const char *what, const char *path,
    const struct am_include *by, const char *advice)
{
	if (by != NULL)
		am_diag_add(r->b->d, by->file, by->line,
		    "include: cannot %s '%.200s' (%s); %s", what, path,
		    strerror(errno), advice);
	else
		am_diag_add(r->b->d, path, 0,
		    "cannot %s the configuration (%s); %s", what,
		    strerror(errno), advice);
}

int
am_file_text(struct am_arena *a, FILE *f, struct am_buf *text)
{
	char part[4096];
	size_t n;

	am_buf_arena(text, a, 16384);
	errno = 0;
	while ((n = fread(part, 1, sizeof(part), f)) > 0 &&
	       text->n <= FILE_BYTES_MAX)
		am_buf_add(text, part, n);
	return ferror(f) ? -AM_EIO : 0;
}

static void
read_text(
    struct reading *r, FILE *f, const char *path, const struct am_include *by)
{
	struct am_include *includes = NULL;
	struct am_build *b = r->b;
	struct am_buf text;

	if (am_file_text(b->a, f, &text) != 0)
		cannot(r, "read", path, by, "it must be a plain file");
	else if (text.n > FILE_BYTES_MAX)
		am_diag_add(b->d, path, 1,
		    "over %d bytes; split it into files in conf.d",
		    FILE_BYTES_MAX);
	else
		am_tree_parse(
		    b->a, r->root, path, am_buf_str(&text), &includes, b->d);
	for (; includes != NULL; includes = includes->next)
		read_include(r, includes);
}

static void
read_path(struct reading *r, const char *path, const struct am_include *by)
{
	FILE *f = fopen(path, "re");
	struct file *file;
	bool again;

	if (f == NULL) {
		cannot(r, "open", path, by, "check the path and its mode");
		return;
	}
	file = meet(r, f, path, by, &again);
	if (again) {
		say_twice(r, file, path, by);
	} else {
		file->open = true;
		read_text(r, f, path, by);
		file->open = false;
	}
	fclose(f);
}

static int
is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 &&
	       strcmp(e->d_name + n - 5, ".conf") == 0;
}

/* The files NAME.conf in conf.d beside the file, in the order of their bytes.
 */
static void
read_conf_d(struct reading *r, const char *path)
{
	struct am_build *b = r->b;
	const char *slash = strrchr(path, '/');
	const char *dir = slash == NULL ? "conf.d"
					: am_arena_printf(b->a, "%.*s/conf.d",
					      (int)(slash - path), path);
	struct dirent **found;
	int n = scandir(dir, &found, is_conf, NULL);

	if (n < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			am_diag_add(b->d, dir, 0,
			    "cannot list the directory (%s); make it readable",
			    strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		for (int k = i; k > 0 && strcmp(found[k - 1]->d_name,
					     found[k]->d_name) > 0;
		     k--) {
			struct dirent *swap = found[k];

			found[k] = found[k - 1];
			found[k - 1] = swap;
		}
	}
	for (int i = 0; i < n; i++) {
		read_path(r,
		    am_arena_printf(b->a, "%s/%s", dir, found[i]->d_name),
		    NULL);
		free(found[i]);
	}
	free(found);
}

static void
read_loops(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *n = NULL;
	const struct am_loopdef *def;
	size_t count = 0;

	while ((n = am_node_child(b->root, "loop", n)) != NULL)
		count++;
	if (count == 0)
		am_diag_add(b->d, c->path, 1,
		    "no loop; add one, as in loop \"complaint\" { … }");
	c->loops = am_arena_zalloc(b->a, (count + 1) * sizeof(*c->loops));
	while ((n = am_node_child(b->root, "loop", n)) != NULL) {
		def = am_loop_build(b, n);
		if (def != NULL)
			c->loops[c->loops_n++] = def;
	}
}

static void
build(struct am_build *b, am_ms now)
{
	am_check_tree(b, b->root);
	if (b->d->n > 0)
		return;
	am_read_base(b);
	am_read_redis(b);
	am_read_http(b);
	am_read_people(b);
	am_read_calendars(b, now);
	am_read_providers(b);
	am_read_endpoints(b);
	am_read_replies(b);
	am_read_surface(b);
	am_read_messages(b);
	read_loops(b);
	am_read_routes(b);
	am_parts_read(b);
}

static int
by_line(const void *x, const void *y)
{
	const struct am_diag *a = x, *b = y;
	int file = strcmp(a->file, b->file);

	return file != 0 ? file : a->line - b->line;
}

/* Numbers as numbers: line 9 stands before line 10. */
static int
by_place(const void *x, const void *y)
{
	return strverscmp(*(const char *const *)x, *(const char *const *)y);
}

static struct am_conf *
load(const char *path, am_ms now, bool blind, struct am_diag **diags,
    size_t *diags_n)
{
	struct am_conf *c = calloc(1, sizeof(*c));
	struct am_diags d = { 0 };
	struct am_node *root;
	struct am_build b = { .c = c, .own = c, .d = &d, .blind = blind };
	struct reading r = { .b = &b };

	if (c == NULL)
		abort();
	am_arena_init(&c->arena, 0);
	c->refs = 1;
	c->loaded_at = now;
	c->from = now - YEARS_BACK * 366 * AM_DAY;
	c->until = now + YEARS_AHEAD * 366 * AM_DAY;
	c->zones = am_zones_new(&c->arena, c->until);
	b.a = &c->arena;
	c->path = am_arena_cstr(b.a, am_str_c(path));
	root = am_tree_new(b.a);
	root->file = c->path;
	b.root = root;
	r.root = root;
	read_path(&r, c->path, NULL);
	read_conf_d(&r, c->path);
	if (d.n == 0)
		build(&b, now);
	if (d.n > 0) {
		qsort(d.v, d.n, sizeof(*d.v), by_line);
		*diags = d.v;
		*diags_n = d.n;
		am_conf_unref(c);
		return NULL;
	}
	if (c->warnings_n > 0)
		qsort(
		    c->warnings, c->warnings_n, sizeof(*c->warnings), by_place);
	*diags = NULL;
	*diags_n = 0;
	return c;
}

struct am_conf *
am_conf_load(
    const char *path, am_ms now, struct am_diag **diags, size_t *diags_n)
{
	return load(path, now, false, diags, diags_n);
}

struct am_conf *
am_conf_load_policy(
    const char *path, am_ms now, struct am_diag **diags, size_t *diags_n)
{
	return load(path, now, true, diags, diags_n);
}

struct am_conf *
am_conf_ref(struct am_conf *c)
{
	c->refs++;
	return c;
}

void
am_conf_unref(struct am_conf *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	for (struct am_wipe *w = c->wipe; w != NULL; w = w->next)
		explicit_bzero(w->p, w->n);
	am_arena_fini(&c->arena);
	free(c);
}

const struct am_loopdef *
am_conf_loop(const struct am_conf *c, struct am_str name)
{
	for (size_t i = 0; i < c->loops_n; i++) {
		if (am_str_is(name, c->loops[i]->name))
			return c->loops[i];
	}
	return NULL;
}

const struct am_conf_endpoint *
am_conf_endpoint(const struct am_conf *c, struct am_str name)
{
	for (size_t i = 0; i < c->endpoints_n; i++) {
		if (am_str_is(name, c->endpoints[i]->name))
			return c->endpoints[i];
	}
	return NULL;
}

int
am_conf_bind_loop(const struct am_conf *c, struct am_str text,
    struct am_arena *a, const struct am_loopdef **def, struct am_diag *diag)
{
	struct am_diags d = { 0 };
	struct am_node *root = am_tree_new(a);
	struct am_build b = { .c = c, .a = a, .d = &d };
	const struct am_node *n;
	const struct am_loopdef *found = NULL;

	am_tree_parse(a, root, "", text, NULL, &d);
	n = am_node_child(root, "loop", NULL);
	if (d.n == 0 && (n == NULL || n->next != NULL || root->entries != NULL))
		am_diag_add(&d, "", 1,
		    "not the text of one loop; write loop \"NAME\" { … }");
	if (d.n == 0)
		am_check_tree(&b, root);
	if (d.n == 0)
		found = am_loop_build(&b, n);
	if (found == NULL) {
		AM_ASSERT(d.n > 0);
		*diag = d.v[0];
		free(d.v);
		return -AM_EINVAL;
	}
	free(d.v);
	*def = found;
	return 0;
}
