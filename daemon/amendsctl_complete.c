/*
 * amendsctl_complete - completion for bash and zsh.
 *
 * `completion SHELL` prints a few lines that hand the command line so far to
 * `completion words`, which answers from the tables that the commands are
 * checked by: so what is completed is what is taken, and a script that was
 * installed years ago knows the commands of today. Names that only the daemon
 * knows are asked of it, within a second, and if it is away there are none.
 *
 * An answer is a candidate a line, a tab and what it is; `:files` says that a
 * file is wanted.
 */

#include "daemon/amendsctl_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ops/words.h"

#include <amends/event.h>

#define PATIENCE AM_SECOND
#define FILES ":files\n"

struct line {
	struct am_arena arena;
	const char *socket;
	struct am_str cur; /* the word at the cursor, as far as it goes */
	const char *glue;  /* of "--option=": stands before each candidate */
	struct am_str words[AM_WORDS_MAX]; /* before it, our options apart */
	size_t n;
};

static const char bash_script[] =
    "# bash completion for amendsctl; amendsctl completion bash\n"
    "_amendsctl() {\n"
    "\tlocal line=\"${COMP_LINE:0:COMP_POINT}\" cur head all word\n"
    "\tcur=\"${line##*[[:space:]]}\"\n"
    "\t# what readline takes for words of their own is cut off again\n"
    "\thead=\"${cur%\"${cur##*[=:]}\"}\"\n"
    "\t[[ $COMP_WORDBREAKS == *[=:]* ]] || head=\n"
    "\tCOMPREPLY=()\n"
    "\tall=$(\"${COMP_WORDS[0]}\" completion words -- \"$line\" 2>/dev/null)\n"
    "\twhile IFS=$'\\t' read -r word _; do\n"
    "\t\tcase $word in\n"
    "\t\t'') ;;\n"
    "\t\t:files) compopt -o default 2>/dev/null ;;\n"
    "\t\t*=) compopt -o nospace 2>/dev/null\n"
    "\t\t\tCOMPREPLY+=(\"${word#\"$head\"}\") ;;\n"
    "\t\t*) COMPREPLY+=(\"${word#\"$head\"}\") ;;\n"
    "\t\tesac\n"
    "\tdone <<<\"$all\"\n"
    "}\n"
    "complete -F _amendsctl amendsctl\n";

static const char zsh_script[] =
    "#compdef amendsctl\n"
    "# zsh completion for amendsctl; amendsctl completion zsh\n"
    "_amendsctl() {\n"
    "\tlocal row word about\n"
    "\tlocal -a plain open said spelt\n"
    "\tfor row in \"${(@f)$(${words[1]} completion words -- \\\n"
    "\t\t\"${(j: :)words[1,CURRENT-1]} $PREFIX\" 2>/dev/null)}\"; do\n"
    "\t\tword=${row%%$'\\t'*}\n"
    "\t\tabout=${row#*$'\\t'}\n"
    "\t\tcase $word in\n"
    "\t\t'') ;;\n"
    "\t\t:files) _files ;;\n"
    "\t\t*=) open+=(\"$word\") ;;\n"
    "\t\t*) plain+=(\"$word\"); said+=(\"$word  -- $about\") ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\t(( $#open )) && compadd -S '' -- $open\n"
    "\t(( $#plain )) && compadd -l -d said -- $plain\n"
    "}\n"
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
    "\t_amendsctl \"$@\"\n"
    "else\n"
    "\tcompdef _amendsctl amendsctl\n"
    "fi\n";

/* ---- candidates ---- */

static void
offer(const struct line *l, struct am_str word, const char *about)
{
	struct am_str cur = l->cur;

	if (word.n < cur.n || memcmp(word.p, cur.p, cur.n) != 0 ||
	    memchr(word.p, ' ', word.n) != NULL)
		return;
	printf("%s%.*s\t%s\n", l->glue, AM_ARG(word), about);
}

static void
offer_c(const struct line *l, const char *word, const char *about)
{
	offer(l, am_str_c(word), about);
}

struct asked {
	const struct line *line;
	const char *member;
};

static void
on_row(void *arg, struct am_str text, json_t *json)
{
	const struct asked *a = arg;
	const json_t *list = json_object_get(json, a->member);
	json_t *o;
	size_t i;

	(void)text;
	if (json_is_string(list)) {
		offer_c(a->line, json_string_value(list), "");
		return;
	}
	json_array_foreach(list, i, o)
	{
		if (json_is_string(o))
			offer_c(a->line, json_string_value(o), "");
	}
}

/* Names that the daemon knows: the member of each row that it answers with. */
static void
ask(const struct line *l, const char *question, const char *member)
{
	struct asked a = { .line = l, .member = member };
	struct am_ask_end end = { .quiet = true };

	(void)am_ask(l->socket, am_str_c(question), PATIENCE, on_row, &a, &end);
}

/* ---- options, as a usage shows them ---- */

struct option {
	struct am_str name;  /* with its dashes */
	struct am_str value; /* what the usage calls it; n == 0: a flag */
};

static const char *
end_of(const char *p, const char *stops)
{
	return p + strcspn(p, stops);
}

/* The next option at or behind *p; false: there is none. */
static bool
next_option(const char **p, struct option *o)
{
	const char *at = strstr(*p, "--"), *end;

	if (at == NULL)
		return false;
	end = end_of(at, " ]|=");
	o->name = (struct am_str){ at, (size_t)(end - at) };
	o->value = AM_STR("");
	*p = end;
	if (*end == ' ' && strchr("[|-(", end[1]) == NULL && end[1] != '\0') {
		at = end + 1;
		end = end_of(at, " ]");
		o->value = (struct am_str){ at, (size_t)(end - at) };
	}
	return true;
}

static bool
find_option(const char *usage, struct am_str name, struct option *o)
{
	while (next_option(&usage, o))
		if (am_str_eq(o->name, name))
			return true;
	return false;
}

static bool
is_said(const struct line *l, struct am_str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (am_str_eq(l->words[i], name))
			return true;
	return false;
}

static void
offer_options(const struct line *l, const char *usage)
{
	const char *p = usage;
	struct option o, first;

	while (next_option(&p, &o)) {
		bool again = strstr(usage, "...]") != NULL &&
			     am_str_is(o.name, "--match");

		if ((again || !is_said(l, o.name)) &&
		    find_option(usage, o.name, &first) &&
		    first.name.p == o.name.p)
			offer(l, o.name, "");
	}
	offer_c(l, "--json", "JSON lines");
}

/* "open|held|closed": the words themselves. */
static void
offer_words(const struct line *l, struct am_str value)
{
	while (value.n > 0) {
		const char *bar = memchr(value.p, '|', value.n);
		size_t n = bar != NULL ? (size_t)(bar - value.p) : value.n;

		if (value.p[0] >= 'a' && value.p[0] <= 'z')
			offer(l, (struct am_str){ value.p, n }, "");
		n += bar != NULL;
		value.p += n;
		value.n -= n;
	}
}

static void
offer_value(const struct line *l, const struct option *o)
{
	static const struct {
		const char *option, *question, *member;
	} asks[] = {
		{ "--endpoint", "endpoints\n", "name" },
		{ "--down", "endpoints\n", "name" },
		{ "--loop", "status\n", "loops" },
		{ "--complaint", "list --open --limit 200\n", "id" },
	};

	for (size_t i = 0; i < AM_COUNT(asks); i++)
		if (am_str_is(o->name, asks[i].option)) {
			ask(l, asks[i].question, asks[i].member);
			return;
		}
	if (am_str_is(o->value, "FILE") || am_str_is(o->value, "PATH"))
		fputs(FILES, stdout);
	else if (memchr(o->value.p, '|', o->value.n) != NULL)
		offer_words(l, o->value);
}

/* ---- arguments ---- */

static void
offer_events(const struct line *l)
{
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *s =
		    am_event_spec((enum am_event_type)t);

		if (s->inbound && s->built)
			offer_c(l, s->name, s->effect);
	}
}

static void
offer_fields(struct line *l, struct am_str event)
{
	const struct am_event_spec *s = am_event_spec_by_name(event);

	if (s == NULL)
		return;
	offer_c(l, "complaint_id=", "");
	for (size_t i = 0; i < s->fields_n; i++)
		offer_c(l, am_arena_printf(&l->arena, "%s=", s->fields[i].name),
		    s->fields[i].about);
}

static void
offer_argument(const struct line *l, const struct am_verb *v)
{
	static const struct {
		const char *verb, *question, *member;
	} asks[] = {
		{ "show", "list --limit 200\n", "id" },
		{ "why", "list --limit 200\n", "id" },
		{ "plan", "list --open --limit 200\n", "id" },
		{ "verify", "list --limit 200\n", "id" },
		{ "close", "list --open --limit 200\n", "id" },
		{ "migrate", "list --open --limit 200\n", "id" },
		{ "erase", "list --limit 200\n", "id" },
		{ "link", "list --limit 200\n", "id" },
		{ "followups retry", "followups --limit 200\n", "id" },
		{ "followups cancel", "followups --limit 200\n", "id" },
		{ "dead replay", "dead list\n", "id" },
		{ "dead drop", "dead list\n", "id" },
		{ "rejects replay", "rejects list\n", "entry" },
		{ "rejects drop", "rejects list\n", "entry" },
		{ "endpoints reset", "endpoints\n", "name" },
		{ "endpoints enable", "endpoints\n", "name" },
		{ "endpoints disable", "endpoints\n", "name" },
		{ "endpoints test", "endpoints\n", "name" },
		{ "pause endpoint", "endpoints\n", "name" },
		{ "resume endpoint", "endpoints\n", "name" },
		{ "pause loop", "status\n", "loops" },
		{ "resume loop", "status\n", "loops" },
		{ "shard adopt", "shard list\n", "stream" },
		{ "shard release", "shard list\n", "stream" },
		{ "silence end", "silence list\n", "id" },
		{ "message show", "message list\n", "name" },
	};

	for (size_t i = 0; i < AM_COUNT(asks); i++)
		if (strcmp(v->name, asks[i].verb) == 0)
			ask(l, asks[i].question, asks[i].member);
}

/* ---- the command's own words ---- */

static bool
begins(const char *name, struct am_str first)
{
	return strncmp(name, first.p, first.n) == 0 && name[first.n] == ' ';
}

/* "list, replay or drop": the second words of commands that begin so. */
static void
offer_second(const struct line *l, struct am_str first)
{
	for (size_t i = 0; i < am_verbs_n; i++)
		if (begins(am_verbs[i].name, first))
			offer_c(l, am_verbs[i].name + first.n + 1,
			    am_verbs[i].about);
}

static void
offer_first(const struct line *l)
{
	static const char *const ours[] = { "--socket", "--json", "--timeout",
		"--help", "--version" };
	struct am_str last = AM_STR("");

	for (size_t i = 0; i < am_verbs_n; i++) {
		const char *name = am_verbs[i].name;
		struct am_str first = { name, strcspn(name, " ") };

		if (!am_str_eq(first, last))
			offer(l, first,
			    name[first.n] == '\0' ? am_verbs[i].about : "");
		last = first;
	}
	for (size_t i = 0; i < am_locals_n; i++)
		offer_c(l, am_locals[i].name, am_locals[i].about);
	for (size_t i = 0; l->cur.n > 0 && i < AM_COUNT(ours); i++)
		offer_c(l, ours[i], "");
}

/* Arguments so far: words behind the command that are neither options nor
 * their values. */
static size_t
count_arguments(const struct line *l, size_t used, const char *usage)
{
	size_t n = 0;

	for (size_t i = used; i < l->n; i++) {
		struct option o;

		if (!am_str_prefix(l->words[i], "--"))
			n++;
		else if (find_option(usage, l->words[i], &o) && o.value.n != 0)
			i++;
	}
	return n;
}

/* What stands behind a command's own words. True: that was all there is. */
static bool
offer_option_or_value(struct line *l, size_t used, const char *usage)
{
	struct am_str last = l->n > used ? l->words[l->n - 1] : AM_STR("");
	const char *eq = l->cur.n > 0 ? memchr(l->cur.p, '=', l->cur.n) : NULL;
	struct option o;

	if (find_option(usage, last, &o) && o.value.n != 0) {
		offer_value(l, &o);
		return true;
	}
	if (!am_str_prefix(l->cur, "-"))
		return false;
	if (eq == NULL) {
		offer_options(l, usage);
		return true;
	}
	o.name = (struct am_str){ l->cur.p, (size_t)(eq - l->cur.p) };
	if (find_option(usage, o.name, &o) && o.value.n != 0) {
		l->glue = am_arena_printf(&l->arena, "%.*s=", AM_ARG(o.name));
		l->cur.n -= (size_t)(eq + 1 - l->cur.p);
		l->cur.p = eq + 1;
		offer_value(l, &o);
	}
	return true;
}

static void
offer_verb(struct line *l, const struct am_verb *v, size_t used)
{
	size_t n;

	if (offer_option_or_value(l, used, v->usage))
		return;
	n = count_arguments(l, used, v->usage);
	if (strcmp(v->name, "help") == 0 && n == 0)
		offer_first(l);
	else if (strcmp(v->name, "help") == 0)
		offer_second(l, l->words[l->n - 1]);
	else if (v->pairs && n == 0)
		offer_events(l);
	else if (v->pairs)
		offer_fields(l, l->words[used]);
	else if (n < v->args_max)
		offer_argument(l, v);
	if (n == 0 && used == 1 && l->n == 1)
		offer_second(l, l->words[0]);
}

static void
offer_local(struct line *l, const struct am_local *local)
{
	if (offer_option_or_value(l, 1, local->usage))
		return;
	if (strcmp(local->name, "completion") == 0 && l->n == 1) {
		offer_c(l, "bash", "");
		offer_c(l, "zsh", "");
	} else if (strstr(local->usage, "FILE...") != NULL) {
		fputs(FILES, stdout);
	} else if (strstr(local->usage, "[EVENT...]") != NULL) {
		offer_events(l);
	}
}

static void
offer_all(struct line *l)
{
	size_t used = 0;
	const struct am_verb *v = am_verb_find(l->words, l->n, &used);
	const struct am_local *local =
	    l->n > 0 ? am_local_find(l->words[0]) : NULL;

	if (l->n == 0)
		offer_first(l);
	else if (local != NULL)
		offer_local(l, local);
	else if (v != NULL)
		offer_verb(l, v, used);
	else if (l->n == 1)
		offer_second(l, l->words[0]);
}

/* ---- the line ---- */

/* Our own options leave; false: the cursor stands at the value of one. */
static bool
take_ours(struct line *l, const struct am_str *words, size_t n)
{
	for (size_t i = 1; i < n; i++) { /* the first is our name */
		bool socket = am_str_is(words[i], "--socket");

		if (socket || am_str_is(words[i], "--timeout")) {
			if (i + 1 == n && socket)
				fputs(FILES, stdout);
			if (i + 1 == n)
				return false;
			if (socket)
				l->socket =
				    am_arena_cstr(&l->arena, words[i + 1]);
			i++;
		} else if (am_str_prefix(words[i], "--socket=")) {
			l->socket = am_arena_cstr(&l->arena, words[i]) + 9;
		} else if (!am_str_is(words[i], "--json") &&
			   !am_str_prefix(words[i], "--timeout=")) {
			l->words[l->n++] = words[i];
		}
	}
	return true;
}

static int
complete(const char *text, const char *socket)
{
	struct am_str line = am_str_c(text);
	bool fresh = line.n > 0 && line.p[line.n - 1] == ' ';
	struct line l = { .socket = socket, .glue = "", .cur = AM_STR("") };
	const struct am_str *words;
	char what[200];
	size_t n;

	am_arena_init(&l.arena, 0);
	if (am_words_split(line, &l.arena, &words, &n, what) == 0 && n > 0) {
		if (!fresh && n > 1)
			l.cur = words[--n];
		if (take_ours(&l, words, n))
			offer_all(&l);
	}
	am_arena_fini(&l.arena);
	return AM_EXIT_OK;
}

int
am_completion(const struct am_term *t, bool json, int argc, char **argv)
{
	(void)t;
	(void)json;
	if (argc == 2 && strcmp(argv[1], "bash") == 0) {
		fputs(bash_script, stdout);
		return AM_EXIT_OK;
	}
	if (argc == 2 && strcmp(argv[1], "zsh") == 0) {
		fputs(zsh_script, stdout);
		return AM_EXIT_OK;
	}
	if (argc == 4 && strcmp(argv[1], "words") == 0 &&
	    strcmp(argv[2], "--") == 0)
		return complete(argv[3], am_socket_default());
	fprintf(stderr, "amendsctl: completion needs a shell; usage: "
			"completion bash|zsh\n");
	return AM_EXIT_USAGE;
}
