/*
 * guard - look at a text before libconfuse does.
 *
 * libconfuse's scanner expands ${VAR} in the middle of a string, cuts strings
 * at a 0 byte, drops a '+' or '*' that stands outside quotes, takes a file that
 * ends inside a section, counts a line too many for each C comment and knows
 * comments only between keys. So one pass over the tokens refuses what would
 * be lost, and hands on a text whose comments are blanks: its lines are then
 * right. An empty list becomes a list of one empty string, or no callback
 * would ever tell of it. It leaks the arguments of a call that is not complete,
 * so that is found here, too.
 *
 * Rejected: a parser of our own. The syntax is libconfuse's, and stays so.
 */

#include "tree.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define DEPTH_MAX 16

struct guard {
	const char *file;
	const char *p, *end;
	int line;
	struct am_diags *d;
	struct am_buf out;
	char before; /* last token: 's' for a string, else itself */
	struct {
		int line;
		bool list;
		struct am_str name;
	} open[DEPTH_MAX];
	size_t depth;
	struct am_str word; /* last string */
	struct am_str call; /* what stands before an open (, else n == 0 */
	int call_line;
	bool bad;
};

#define REFUSE(g, ln, ...)                                                     \
	do {                                                                   \
		am_diag_add((g)->d, (g)->file, (ln), __VA_ARGS__);             \
		(g)->bad = true;                                               \
	} while (0)

static void
blank(struct guard *g, const char *to)
{
	for (; g->p < to; g->p++) {
		if (*g->p == '\n')
			g->line++;
		am_buf_addc(&g->out, *g->p == '\n' ? '\n' : ' ');
	}
}

/* True when a comment began here; it was blanked. */
static bool
comment(struct guard *g)
{
	size_t left = (size_t)(g->end - g->p);
	int line = g->line;
	const char *e;

	if (*g->p == '#' || (left > 1 && memcmp(g->p, "//", 2) == 0)) {
		e = memchr(g->p, '\n', left);
		blank(g, e != NULL ? e : g->end);
		return true;
	}
	if (left < 2 || memcmp(g->p, "/*", 2) != 0)
		return false;
	e = left > 3 ? memmem(g->p + 2, left - 2, "*/", 2) : NULL;
	if (e == NULL)
		REFUSE(g, line, "comment has no end; close it with */");
	blank(g, e != NULL ? e + 2 : g->end);
	return true;
}

static void
check_escape(struct guard *g, char quote)
{
	char c = g->p + 1 < g->end ? g->p[1] : 0;

	if (quote == '"' && c != 0 && strchr("\"\\ntr\n", c) == NULL)
		REFUSE(g, g->line,
		    "unknown escape \\%c in a string; write \\\\ for a "
		    "backslash, or the string in single quotes",
		    c < ' ' || c > '~' ? '?' : c);
}

static void
refuse_expansion(struct guard *g)
{
	const char *e = memchr(g->p, '}', (size_t)(g->end - g->p));
	int n = e != NULL && e - g->p < 40 ? (int)(e - g->p) + 1 : 2;

	REFUSE(g, g->line,
	    "%.*s would be replaced from the environment; write the value "
	    "itself, or the string in single quotes",
	    n, g->p);
}

/* A string in quotes; leaves p behind the closing one. */
static void
quoted(struct guard *g)
{
	const char *start = g->p;
	int line = g->line;
	char quote = *g->p++;

	while (g->p < g->end && *g->p != quote) {
		if (*g->p == '\\') {
			check_escape(g, quote);
			g->p++;
		} else if (quote == '"' && *g->p == '$' && g->p + 1 < g->end &&
			   g->p[1] == '{') {
			refuse_expansion(g);
		}
		if (g->p < g->end && *g->p == '\n')
			g->line++;
		if (g->p < g->end)
			g->p++;
	}
	if (g->p >= g->end) {
		REFUSE(g, line, "string has no end; close it with %c", quote);
		return;
	}
	g->p++;
	g->word = (struct am_str){ start + 1, (size_t)(g->p - start) - 2 };
	g->before = 's';
	am_buf_add(&g->out, start, (size_t)(g->p - start));
}

static void
opens(struct guard *g)
{
	bool list = g->before == '=';

	if (g->depth == DEPTH_MAX) {
		REFUSE(g, g->line,
		    "sections are nested too deeply; "
		    "loop, stage and rung are the deepest");
		g->p = g->end;
		return;
	}
	g->open[g->depth].line = g->line;
	g->open[g->depth].list = list;
	g->open[g->depth++].name = g->word;
	am_buf_addc(&g->out, '{');
	g->before = list ? '[' : '{';
	g->p++;
}

static void
closes(struct guard *g)
{
	if (g->depth > 0)
		g->depth--; /* else libconfuse says what came before it */
	if (g->before == '[')
		am_buf_adds(&g->out, "''");
	am_buf_addc(&g->out, '}');
	g->before = '}';
	g->p++;
}

static bool
is_bare(char c)
{
	return (unsigned char)c > ' ' && strchr("#\"'={}()+,*", c) == NULL;
}

static void
bare(struct guard *g)
{
	const char *start = g->p;

	while (g->p < g->end && is_bare(*g->p)) {
		if (*g->p == '$' && g->p + 1 < g->end && g->p[1] == '{')
			refuse_expansion(g);
		g->p++;
	}
	g->word = (struct am_str){ start, (size_t)(g->p - start) };
	g->before = 's';
	am_buf_add(&g->out, start, (size_t)(g->p - start));
}

/* '+' and '*' outside quotes: libconfuse drops them without a word. */
static void
dropped(struct guard *g)
{
	if (g->p[0] == '+' && g->p + 1 < g->end && g->p[1] == '=')
		REFUSE(g, g->line,
		    "+= is not taken; write one list with = and all values");
	else
		REFUSE(g, g->line,
		    "'%c' stands outside quotes and would be lost; write the "
		    "value in double quotes",
		    *g->p);
	g->p++;
}

static void
punctuation(struct guard *g)
{
	if (*g->p == '(' && g->before == 's') {
		g->call = g->word;
		g->call_line = g->line;
	} else if (*g->p == ')') {
		g->call.n = 0;
	}
	g->before = *g->p++;
	am_buf_addc(&g->out, g->before);
}

static void
refuse_call(struct guard *g)
{
	REFUSE(g, g->call_line,
	    "%.*s( is not complete; write %.*s(\"NAME.conf\")", AM_ARG(g->call),
	    AM_ARG(g->call));
	g->call.n = 0;
}

/* Strings with commas between them, and a ). */
static void
check_call(struct guard *g)
{
	char c = *g->p;
	bool ok = c == ')' || (c == ',' && g->before == 's') ||
		  ((c == '"' || c == '\'' || is_bare(c)) && g->before != 's');

	if (g->call.n > 0 && !ok && strchr(" \t\r\n", c) == NULL)
		refuse_call(g);
}

static void
token(struct guard *g)
{
	check_call(g);
	switch (*g->p) {
	case '\n':
	case ' ':
	case '\t':
	case '\r':
		blank(g, g->p + 1);
		break;
	case '"':
	case '\'':
		quoted(g);
		break;
	case '{':
		opens(g);
		break;
	case '}':
		closes(g);
		break;
	case '+':
	case '*':
		dropped(g);
		break;
	case '=':
	case ',':
	case '(':
	case ')':
		punctuation(g);
		break;
	default:
		bare(g);
	}
}

/* Bytes that no part of a configuration may have. */
static bool
clean_bytes(struct guard *g, struct am_str text)
{
	const char *p = text.p, *end = text.p + text.n;
	int line = 1;

	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\n')
			line++;
		if ((c >= ' ' || c == '\n' || c == '\t' || c == '\r') &&
		    c != 0x7f)
			continue;
		REFUSE(
		    g, line, "byte 0x%02x; a configuration is plain text", c);
		return false;
	}
	line = 1;
	for (p = text.p; p < end; line++) {
		const char *e = memchr(p, '\n', (size_t)(end - p));
		struct am_str s = { p, (size_t)((e != NULL ? e : end) - p) };

		if (s.n > 0 && !am_utf8_ok(s)) {
			REFUSE(g, line,
			    "bytes that are no UTF-8; save the file "
			    "as UTF-8");
			return false;
		}
		p += s.n + 1;
	}
	return true;
}

const char *
am_guard(struct am_arena *a, const char *file, struct am_str text,
    struct am_diags *d)
{
	struct guard g = {
		.file = file,
		.p = text.p,
		.end = text.p + text.n,
		.line = 1,
		.d = d,
	};

	if (!clean_bytes(&g, text))
		return NULL;
	am_buf_arena(&g.out, a, text.n + 64);
	while (g.p < g.end) {
		if (!comment(&g))
			token(&g);
	}
	if (g.call.n > 0)
		refuse_call(&g);
	/* a section that is not closed is the sentinel's to find: see tree.c */
	if (!g.bad && g.depth > 0 && g.open[g.depth - 1].list)
		REFUSE(&g, g.open[g.depth - 1].line,
		    "the list of %.*s is not closed; add the missing }",
		    AM_ARG(g.open[g.depth - 1].name));
	if (g.bad)
		return NULL;
	am_buf_addc(&g.out, 0);
	return g.out.p;
}
