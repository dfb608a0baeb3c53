/* amendsctl_local - see amendsctl_local.h. */

#include "daemon/amendsctl_local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

/* clang-format off */
const struct am_local am_locals[] = {
	{ "simulate",
	  "simulate [--conf FILE] [--loop NAME] [--from TIME] [--for SPAN] [--complaints N [--every SPAN]] [--down ENDPOINT] [--file FILE] [EVENT...]",
	  "what a loop does, on a virtual clock; needs no daemon", am_simulate },
	{ "backtest",
	  "backtest FILE... --conf A --conf B [--loop NAME] [--from TIME] [--for SPAN]",
	  "one history under two policies, side by side; needs no daemon", am_backtest },
	{ "check", "check [FILE]",
	  "a configuration with conf.d beside it, as the daemon reads it; needs no daemon", am_check },
	{ "completion",
	  "completion bash|zsh",
	  "what makes your shell complete commands, options and names", am_completion },
};
/* clang-format on */
const size_t am_locals_n = AM_COUNT(am_locals);

const struct am_local *
am_local_find(struct am_str name)
{
	for (size_t i = 0; i < am_locals_n; i++) {
		if (am_str_is(name, am_locals[i].name))
			return &am_locals[i];
	}
	return NULL;
}

/* ---- the command line ---- */

void
am_progress(struct am_progress *p, size_t n, size_t of)
{
	struct timespec ts;
	am_ms now;

	if (n % 256 != 0 && n != of)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (p->since == 0)
		p->since = now;
	if (n == of && p->said != 0) {
		fputs("\r\033[K", stderr);
	} else if (n != of && now - p->since >= AM_SECOND &&
		   now - p->said >= 100 && isatty(STDERR_FILENO)) {
		p->said = now;
		fprintf(stderr, "\r%s %zu of %zu", p->what, n, of);
		fflush(stderr);
	}
}

static struct am_opt *
find_opt(struct am_opt *opts, size_t n, const char *word, const char **value)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(opts[i].name);

		*value = NULL;
		if (word[1] == opts[i].letter && word[2] == '\0')
			return &opts[i];
		if (word[1] != '-' || strncmp(word + 2, opts[i].name, len) != 0)
			continue;
		if (word[2 + len] == '\0')
			return &opts[i];
		if (word[2 + len] == '=') {
			*value = word + 3 + len;
			return &opts[i];
		}
	}
	return NULL;
}

int
am_opts_read(struct am_opt *opts, size_t n, int argc, char **argv,
    const char **words, size_t *words_n)
{
	bool plain = false;

	*words_n = 0;
	for (int i = 1; i < argc; i++) {
		const char *value;
		struct am_opt *o;

		if (plain || argv[i][0] != '-' || argv[i][1] == '\0') {
			words[(*words_n)++] = argv[i];
			continue;
		}
		plain = strcmp(argv[i], "--") == 0;
		if (plain)
			continue;
		o = find_opt(opts, n, argv[i], &value);
		if (o == NULL) {
			fprintf(stderr,
			    "amendsctl: %s has no option %s; `amendsctl help "
			    "%s` lists them\n",
			    argv[0], argv[i], argv[0]);
			return AM_EXIT_USAGE;
		}
		if (value == NULL && i + 1 < argc)
			value = argv[++i];
		if (value == NULL || value[0] == '\0' || o->n == o->max) {
			fprintf(stderr, "amendsctl: --%s %s\n", o->name,
			    o->n == o->max ? "is given too often"
					   : "needs a value");
			return AM_EXIT_USAGE;
		}
		o->values[o->n++] = value;
	}
	return 0;
}

int
am_span_read(const char *option, const char *text, am_ms *span)
{
	struct am_duration d;

	if (am_duration_parse(am_str_c(text), &d) == 0 &&
	    d.unit != AM_UNIT_BD && d.n <= 100 * 366 * AM_DAY) {
		*span = d.n;
		return 0;
	}
	fprintf(stderr,
	    "amendsctl: --%s %s is no span; digits and one of s m h d w, as "
	    "in 60d\n",
	    option, text);
	return AM_EXIT_USAGE;
}

/* ---- policies ---- */

static int
no_loop(const struct am_conf *conf, const char *path, const char *name)
{
	if (name != NULL)
		fprintf(stderr, "amendsctl: %s has no loop '%s'; it has", path,
		    name);
	else
		fprintf(stderr,
		    "amendsctl: %s has several loops and none is named "
		    "complaint; say which by --loop:",
		    path);
	for (size_t i = 0; i < conf->loops_n; i++)
		fprintf(stderr, " %s", conf->loops[i]->name);
	fputc('\n', stderr);
	return AM_EXIT_USAGE;
}

int
am_policy_load(
    struct am_policy *p, const char *path, const char *name, am_ms now)
{
	struct am_diag *diags = NULL;
	size_t n = 0;

	*p = (struct am_policy){ .conf = NULL };
	p->conf = am_conf_load_policy(path, now, &diags, &n);
	am_say_diags(diags, n);
	free(diags);
	if (p->conf == NULL)
		return AM_EXIT_FAILED;
	p->loop = am_conf_loop(
	    p->conf, name != NULL ? am_str_c(name) : AM_STR("complaint"));
	if (p->loop == NULL && name == NULL && p->conf->loops_n == 1)
		p->loop = p->conf->loops[0];
	return p->loop != NULL ? 0 : no_loop(p->conf, path, name);
}

int
am_policy_cover(struct am_policy *p, am_ms first)
{
	struct am_policy again;
	int rc;

	if (first >= p->conf->from + 366 * AM_DAY &&
	    first <= p->conf->loaded_at + 366 * AM_DAY)
		return 0;
	rc = am_policy_load(&again, p->conf->path, p->loop->name, first);
	if (rc == 0) {
		am_policy_fini(p);
		*p = again;
	}
	return rc;
}

void
am_policy_fini(struct am_policy *p)
{
	am_conf_unref(p->conf);
	p->conf = NULL;
}

const struct am_loopdef *
am_policy_choose(const struct am_policy *p, const struct am_event *ev)
{
	struct am_str name = am_event_get(ev, "loop");

	return name.n > 0 ? am_conf_loop(p->conf, name) : p->loop;
}

void
am_use_zone(const struct am_loopdef *loop)
{
	setenv("TZ", loop->timezone != NULL ? loop->timezone : "UTC", 1);
	tzset();
}

/* ---- stories ---- */

int
am_from_read(struct am_story *s, const char *text)
{
	char what[300];

	if (am_story_time(s, am_str_c(text), &s->from, what) == 0)
		return 0;
	fprintf(stderr, "amendsctl: --from: %s\n", what);
	return AM_EXIT_USAGE;
}

int
am_story_file(struct am_story *s, const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char what[300], *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	if (in == NULL) {
		fprintf(stderr, "amendsctl: cannot open %s: %s\n", path,
		    strerror(errno));
		return AM_EXIT_FAILED;
	}
	s->last = s->from;
	for (unsigned at = 1; (n = getline(&line, &cap, in)) >= 0; at++) {
		struct am_str text =
		    am_arena_dup(s->a, (struct am_str){ line, (size_t)n });

		if (am_story_line(s, text, what) != 0) {
			fprintf(stderr, "%s:%u: %s\n", path, at, what);
			rc = AM_EXIT_USAGE;
		}
	}
	if (ferror(in)) {
		fprintf(stderr, "amendsctl: cannot read %s: %s\n", path,
		    strerror(errno));
		rc = AM_EXIT_FAILED;
	}
	free(line);
	if (in != stdin)
		fclose(in);
	return rc;
}
