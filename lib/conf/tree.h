#pragma once

/*
 * tree - configuration files as sections and values with their lines (layer:
 * conf).
 *
 * Values are text as written; what they mean is value.h's business. Everything
 * lies in the reader's arena.
 */

#include "base/arena.h"

#include "options.h"

/* Diagnostics, as am_conf_load() gives them. Kept to the first 64. */
struct am_diags {
	struct am_diag *v; /* malloc'd */
	size_t n;
};

void am_diag_add(struct am_diags *d, const char *file, int line,
    const char *fmt, ...) AM_PRINTF(4, 5);

/* One value of a key. */
struct am_word {
	const char *s;
	int line;
};

/* A key that was given; an empty list has n == 0. */
struct am_entry {
	struct am_entry *next;
	const struct am_option *opt;
	const char *file;
	int line;
	struct am_word *words;
	size_t n, cap;
};

struct am_node {
	struct am_node *parent, *next, *children, *last;
	const struct am_option *opt; /* NULL: the top */
	const char *title;	     /* "" when it has none */
	const char *file;
	int line;
	struct am_entry *entries, *last_entry;
};

/* Type of a section, "" for the top. */
const char *am_node_type(const struct am_node *n);
/* `stage "listen"`, for messages; in a ring of two buffers of the caller. */
const char *am_node_text(const struct am_node *n, char *buf, size_t size);

/* The key as given, or NULL. */
const struct am_entry *am_node_entry(const struct am_node *n, const char *key);
/* Value of a key as given, else its default, else NULL. */
const char *am_node_value(const struct am_node *n, const char *key);
/* Line of the key, or of the section when the key was not given. */
int am_node_line(const struct am_node *n, const char *key);
/*
 * Values of a list, or its default; at most max. The words lie in the arena.
 */
size_t am_node_list(struct am_arena *a, const struct am_node *n,
    const char *key, const struct am_word **words);
/* First, and next, child section of a type; after may be NULL. */
const struct am_node *am_node_child(
    const struct am_node *n, const char *type, const struct am_node *after);
const struct am_node *
am_node_find(const struct am_node *n, const char *type, const char *title);

struct am_node *am_tree_new(struct am_arena *a);

/* include("NAME") at the top level of a text, and where it stands. */
struct am_include {
	struct am_include *next;
	const char *name, *file;
	int line;
};

/*
 * Add the sections and keys of one text under root. Misspelt and repeated keys,
 * and what libconfuse would take silently, become diagnostics. What the text
 * includes is for the caller to read: it is given in *includes, in its order;
 * with includes NULL there is no such word.
 */
void am_tree_parse(struct am_arena *a, struct am_node *root, const char *file,
    struct am_str text, struct am_include **includes, struct am_diags *d);

/*
 * guard.c: the text with its comments blanked, fit for libconfuse, 0-ended; or
 * NULL with a diagnostic when it holds what libconfuse would take silently.
 */
const char *am_guard(struct am_arena *a, const char *file, struct am_str text,
    struct am_diags *d);

/* suggest.c: the closest of some words. */
struct am_suggest {
	const char *word, *best;
	size_t distance, limit;
};
void am_suggest_init(struct am_suggest *s, const char *word);
void am_suggest_try(struct am_suggest *s, const char *candidate);
