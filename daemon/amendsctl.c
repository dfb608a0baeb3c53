/*
 * amendsctl - ask a running amendsd, print for people or as JSON lines.
 *
 * Commands come from the verb table that the daemon checks them by, so what is
 * misspelt is said here without a connection. Data goes to stdout, talk to
 * stderr, and the exit status is the daemon's code.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <amends/version.h>

#include "daemon/amendsctl.h"

#include "base/str.h"
#include "ops/words.h"

#define SOCKET_DEFAULT "/run/amends/status.sock"
#define TIMEOUT_DEFAULT 60 /* s without a byte */
#define LINE_BYTES 4096

struct command {
	const char *socket;
	bool json, help, version;
	am_ms timeout_ms;
	struct am_str argv[AM_WORDS_MAX];
	size_t argc;
	const struct am_verb *verb;
};

static int
usage_error(const char *what)
{
	fprintf(stderr, "amendsctl: %s\n", what);
	return AM_EXIT_USAGE;
}

/* Value of option `name` at argv[*i], as "--name V" or "--name=V". */
static bool
option_value(char **argv, int *i, const char *name, const char **value)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return false;
	if (argv[*i][n] == '=') {
		*value = argv[*i] + n + 1;
		return true;
	}
	if (argv[*i][n] != '\0')
		return false;
	*value = argv[*i + 1];
	*i += *value != NULL;
	return true;
}

/* Our own options may stand anywhere before "--"; the rest are the words. */
static int
command_parse(struct command *c, char **argv)
{
	const char *timeout = NULL, *path = c->socket;
	bool plain = false;
	uint64_t seconds;

	for (int i = 1; argv[i] != NULL; i++) {
		const char *a = argv[i];

		plain |= strcmp(a, "--") == 0;
		if (plain) {
			/* a word of the command, like any other */
		} else if (option_value(argv, &i, "--socket", &path)) {
			if (path == NULL || path[0] == '\0')
				return usage_error("--socket needs a path");
			continue;
		} else if (option_value(argv, &i, "--timeout", &timeout)) {
			if (timeout == NULL ||
			    am_str_u64(am_str_c(timeout), &seconds) != 0 ||
			    seconds > 86400)
				return usage_error("--timeout needs seconds, "
						   "0 to 86400 (0: no limit)");
			c->timeout_ms = (am_ms)seconds * AM_SECOND;
			continue;
		} else if (strcmp(a, "--json") == 0) {
			c->json = true;
			continue;
		} else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
			c->help = true;
			continue;
		} else if (strcmp(a, "--version") == 0) {
			c->version = true;
			continue;
		}
		if (c->argc == AM_WORDS_MAX)
			return usage_error("too many words");
		c->argv[c->argc++] = am_str_c(a);
	}
	c->socket = path;
	return 0;
}

/* Else the daemon says what is missing, and nothing is to be confirmed. */
static bool
names_something(const struct command *c)
{
	return am_verb_arg(c->verb, c->argv, c->argc, 0).n != 0 ||
	       am_verb_option(c->argv, c->argc, "all").p != NULL ||
	       am_verb_option(c->argv, c->argc, "customer").p != NULL;
}

/* Who drops everything, or a person's data, says so twice. */
static int
confirm(struct command *c)
{
	const struct am_verb *v = c->verb;
	bool all_only = strstr(v->options, "--all") != NULL;
	const char *all = all_only ? " --all" : "";
	char answer[16];

	if (strstr(v->options, "--yes") == NULL ||
	    (all_only && am_verb_option(c->argv, c->argc, "all").p == NULL) ||
	    !names_something(c) ||
	    am_verb_option(c->argv, c->argc, "yes").p != NULL)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		fprintf(stderr,
		    "amendsctl: `%s%s` cannot be undone; say --yes\n", v->name,
		    all);
		return AM_EXIT_USAGE;
	}
	fprintf(stderr, "`%s%s` cannot be undone. Go on? [y/N] ", v->name, all);
	if (fgets(answer, sizeof(answer), stdin) == NULL ||
	    (answer[0] != 'y' && answer[0] != 'Y')) {
		fprintf(stderr, "amendsctl: nothing was done\n");
		return AM_EXIT_FAILED;
	}
	return 0;
}

static int
line_build(const struct command *c, struct am_buf *line)
{
	for (size_t i = 0; i < c->argc; i++) {
		if (i > 0)
			am_buf_addc(line, ' ');
		if (am_words_quote(line, c->argv[i]) != 0)
			return usage_error(
			    "a word holds a control character; leave it out");
	}
	if (!am_utf8_ok(am_buf_str(line)))
		return usage_error("a word is no UTF-8; set a UTF-8 locale");
	am_buf_addc(line, '\n');
	if (line->n > LINE_BYTES) {
		fprintf(stderr,
		    "amendsctl: the command has %zu bytes; at most %d go over "
		    "the socket\n",
		    line->n, LINE_BYTES);
		return AM_EXIT_USAGE;
	}
	return 0;
}

static void
row_pass(void *arg, struct am_str line, json_t *json)
{
	(void)arg;
	(void)json;
	fwrite(line.p, 1, line.n, stdout);
	putchar('\n');
	fflush(stdout);
}

static void
row_keep(void *arg, struct am_str line, json_t *json)
{
	(void)line;
	if (json != NULL)
		json_array_append((json_t *)arg, json);
}

static int
command_run(struct command *c, const struct am_term *t)
{
	struct am_ask_end end = { .code = AM_EXIT_FAILED };
	struct am_long l = { .said = false };
	json_t *rows = json_array();
	struct am_buf line;
	enum am_ask asked;
	int rc;

	am_buf_init(&line);
	if (am_is_long(c->verb) && am_long_words(c->verb, &c->json, c->argv,
				       &c->argc, &l.own_progress) != 0) {
		rc = usage_error("--json and --format csv; give one of them");
		goto out;
	}
	rc = line_build(c, &line);
	if (rc != 0)
		goto out;
	l.json = c->json;
	l.row = c->json ? row_pass : row_keep;
	l.arg = rows;
	asked = am_ask(c->socket, am_buf_str(&line), c->timeout_ms,
	    am_is_long(c->verb) ? am_long_row : l.row,
	    am_is_long(c->verb) ? (void *)&l : rows, &end);
	am_long_end(&l);
	if (asked != AM_ASK_DONE) {
		rc = asked == AM_ASK_REFUSED ? AM_EXIT_REFUSED
					     : AM_EXIT_UNREACHABLE;
		goto out;
	}
	if (l.csv || (c->json && am_is_long(c->verb)))
		am_long_note(&end);
	else if (!c->json)
		am_print_answer(t, c->verb, rows, &end);
	if (end.code != AM_EXIT_OK && end.text[0] != '\0') {
		am_buf_reset(&line);
		am_text_clean(&line, am_str_c(end.text));
		fflush(stdout);
		fprintf(stderr, "amendsctl: %.*s\n", AM_ARG(am_buf_str(&line)));
	}
	rc = end.code;
out:
	json_decref(rows);
	am_buf_fini(&line);
	return rc;
}

/* What needs no daemon reads the rest of the line itself. */
static int
local_run(
    const struct command *c, const struct am_term *t, const struct am_local *l)
{
	char *argv[AM_WORDS_MAX];

	/* the words are those of main(), each ends with a 0 */
	for (size_t i = 0; i < c->argc; i++)
		argv[i] = (char *)c->argv[i].p;
	return l->run(t, c->json, (int)c->argc, argv);
}

/* help [VERB] needs no daemon. */
static int
help(const struct command *c, const struct am_term *t)
{
	const struct am_str *argv = c->argv;
	size_t argc = c->argc, used = 0;
	const struct am_verb *v;
	char what[200];

	if (argc > 0 && am_str_is(argv[0], "help")) {
		argv++;
		argc--;
	}
	if (argc == 0) {
		am_print_help(t, NULL);
		return AM_EXIT_OK;
	}
	if (am_local_find(argv[0]) != NULL) {
		am_print_local(t, am_local_find(argv[0]));
		return AM_EXIT_OK;
	}
	v = am_verb_find(argv, argc, &used);
	for (size_t i = 0; v == NULL && argc == 1 && i < am_verbs_n; i++) {
		/* `help dead` is all that begins so */
		if (am_str_prefix(am_str_c(am_verbs[i].name), argv[0].p) &&
		    am_verbs[i].name[argv[0].n] == ' ') {
			am_print_help(t, &am_verbs[i]);
			used = 1;
		}
	}
	if (v == NULL && used == 0) {
		am_verb_suggest(argv, argc, what);
		return usage_error(what);
	}
	if (v != NULL)
		am_print_help(t, v);
	return AM_EXIT_OK;
}

static int
run(struct command *c, const struct am_term *t)
{
	const struct am_local *local;
	char what[200];
	size_t used;
	int rc;

	if (c->version) {
		printf("amendsctl %s\n", AM_VERSION);
		return AM_EXIT_OK;
	}
	if (c->help ||
	    (c->argc > 0 && am_str_is(c->argv[0], "help") && !c->json))
		return help(c, t);
	local = c->argc > 0 ? am_local_find(c->argv[0]) : NULL;
	if (local == NULL)
		local = am_message_local(c->argv, c->argc);
	if (local != NULL)
		return local_run(c, t, local);
	c->verb = am_verb_find(c->argv, c->argc, &used);
	if (c->verb == NULL) {
		am_verb_suggest(c->argv, c->argc, what);
		return usage_error(what);
	}
	if (am_verb_check(c->verb, c->argv, c->argc, what) != 0)
		return usage_error(what);
	if (strcmp(c->verb->name, "top") == 0 && !c->json)
		return am_top(t, c->socket);
	rc = confirm(c);
	if (rc != 0)
		return rc;
	return command_run(c, t);
}

const char *
am_socket_default(void)
{
	const char *env = getenv("AMENDS_SOCKET");

	return env != NULL && env[0] != '\0' ? env : SOCKET_DEFAULT;
}

int
main(int argc, char **argv)
{
	struct command c = {
		.socket = am_socket_default(),
		.timeout_ms = TIMEOUT_DEFAULT * AM_SECOND,
	};
	struct am_term t;
	int rc;

	(void)argc;
	am_term_init(&t);
	rc = command_parse(&c, argv);
	if (rc == 0)
		rc = run(&c, &t);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(
		    stderr, "amendsctl: cannot write: %s\n", strerror(errno));
		rc = rc != 0 ? rc : AM_EXIT_FAILED;
	}
	return rc;
}
