/*
 * check - every value by its row of the table.
 *
 * Before anything is built: a reader then need not look at syntax, and a file
 * with ten bad values gets ten lines.
 */

#include "build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

void
am_fault(struct am_build *b, const struct am_node *n, const char *key,
    const char *fmt, ...)
{
	const struct am_entry *e = key != NULL ? am_node_entry(n, key) : NULL;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	am_diag_add(b->d, e != NULL ? e->file : n->file,
	    e != NULL ? e->line : n->line, "%s", text);
}

void
am_warn(struct am_build *b, const char *file, int line, const char *fmt, ...)
{
	const char **v;
	char text[512];
	va_list ap;

	if (b->own == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* a few dozen at most: growing by one keeps it plain */
	v = am_arena_alloc(b->a, (b->own->warnings_n + 1) * sizeof(*v));
	if (b->own->warnings_n > 0)
		memcpy(v, b->own->warnings, b->own->warnings_n * sizeof(*v));
	v[b->own->warnings_n++] =
	    am_arena_printf(b->a, "%s:%d: %s", file, line, text);
	b->own->warnings = v;
}

void
am_fault_name(struct am_build *b, const struct am_node *n, const char *key,
    int line, const char *what, const char *name, const char *const *names,
    size_t names_n)
{
	const struct am_entry *e = am_node_entry(n, key);
	const char *file = e != NULL ? e->file : n->file;
	struct am_suggest s;
	char list[256] = "";
	size_t at = 0;

	am_suggest_init(&s, name);
	for (size_t i = 0; i < names_n; i++) {
		am_suggest_try(&s, names[i]);
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at,
			    "%s%s", i > 0 ? ", " : "", names[i]);
	}
	if (s.best != NULL)
		am_diag_add(b->d, file, line,
		    "%s: no %s '%s'; did you mean '%s'?", key, what, name,
		    s.best);
	else if (names_n == 0)
		am_diag_add(b->d, file, line,
		    "%s: no %s '%s'; add %s \"%s\" { … }", key, what, name,
		    what, name);
	else
		am_diag_add(b->d, file, line, "%s: no %s '%s'; there are: %s",
		    key, what, name, list);
}

static const char *const clock_names[] = {
	"acknowledge",
	"inform",
	"final",
	"aftercare",
};

static void
check_clock_name(struct am_build *b, const struct am_node *n)
{
	bool known = false;

	for (size_t i = 0; i < AM_COUNT(clock_names); i++)
		known |= strcmp(n->title, clock_names[i]) == 0;
	if (strcmp(n->opt->name, "clock") == 0 && !known)
		am_fault_name(b, n, "clock", n->line, "loop-wide clock",
		    n->title, clock_names, AM_COUNT(clock_names));
	else if (strcmp(n->opt->name, "stage") == 0 && known)
		am_fault(b, n, NULL,
		    "stage \"%s\" has the name of a loop-wide clock; give it "
		    "another",
		    n->title);
}

static void
check_title(struct am_build *b, const struct am_node *n)
{
	if (n->opt->kind != AM_OPT_TITLED)
		return;
	if (strcmp(n->opt->name, "lang") == 0) {
		if (!am_lang_ok(n->title))
			am_fault(b, n, NULL,
			    "'%.40s' is no language; write a lower-case tag "
			    "such as \"zh\" or \"pt-br\"",
			    n->title);
	} else if (!am_name_ok(n->title)) {
		am_fault(b, n, NULL,
		    "%s: '%.80s' is no name; write letters, digits and . _ - "
		    "only, %d bytes at most",
		    n->opt->name, n->title, AM_NAME_MAX);
	} else {
		check_clock_name(b, n);
	}
}

static void
check_entry(struct am_build *b, const struct am_entry *e)
{
	char why[256];

	if (e->n > AM_CONF_LIST_MAX)
		am_diag_add(b->d, e->file, e->line,
		    "%s: %zu values; at most %d are taken", e->opt->name, e->n,
		    AM_CONF_LIST_MAX);
	for (size_t i = 0; i < e->n; i++) {
		const char *s = e->words[i].s;

		if (am_value_check(e->opt, s, why) != 0)
			am_diag_add(b->d, e->file, e->words[i].line, "%s: %s",
			    e->opt->name, why);
		if (e->opt->kind != AM_OPT_NAME)
			continue;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(s, e->words[j].s) == 0)
				am_diag_add(b->d, e->file, e->words[i].line,
				    "%s: '%.64s' stands there twice; remove "
				    "one",
				    e->opt->name, s);
		}
	}
}

void
am_check_tree(struct am_build *b, const struct am_node *n)
{
	if (n->opt != NULL)
		check_title(b, n);
	for (const struct am_entry *e = n->entries; e != NULL; e = e->next)
		check_entry(b, e);
	for (const struct am_node *c = n->children; c != NULL; c = c->next)
		am_check_tree(b, c);
}

am_ms
am_get_span(const struct am_node *n, const char *key)
{
	am_ms v = 0;
	int rc = am_span_parse(am_node_value(n, key), &v);

	AM_ASSERT(rc == 0);
	return v;
}

int64_t
am_get_count(const struct am_node *n, const char *key)
{
	int64_t v = 0;
	int rc = am_count_parse(am_node_value(n, key), &v);

	AM_ASSERT(rc == 0);
	return v;
}

size_t
am_get_list(struct am_build *b, const struct am_node *n, const char *key,
    const char **out, size_t max)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, key, &w);

	if (count > max) {
		am_fault(b, n, key, "%s: %zu values; at most %zu are taken",
		    key, count, max);
		count = max;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = w[i].s;
	return count;
}

bool
am_get_bool(const struct am_node *n, const char *key)
{
	bool v = false;
	int rc = am_str_bool(am_str_c(am_node_value(n, key)), &v);

	AM_ASSERT(rc == 0);
	return v;
}

struct am_duration
am_get_duration(const struct am_node *n, const char *key)
{
	struct am_duration v = { 0 };
	int rc = am_duration_parse(am_str_c(am_node_value(n, key)), &v);

	AM_ASSERT(rc == 0);
	return v;
}
