#pragma once

/*
 * amendsctl_local - what simulate and backtest share (layer: daemon).
 *
 * Both read a policy without its secrets and events as people tell them, and
 * need no daemon. What is wrong is said on stderr; functions that can fail so
 * give an exit status.
 */

#include "conf/conf.h"
#include "daemon/amendsctl.h"
#include "sim/story.h"
#include "sim/sum.h"

#define AM_OPT_VALUES 8

/* "--name VALUE", "--name=VALUE" or "-l VALUE", up to max times. */
struct am_opt {
	const char *name;
	char letter; /* 0: none */
	size_t max;
	const char *values[AM_OPT_VALUES];
	size_t n;
};

/* argv[1] on: options into opts, what is none into words (argc at most). */
int am_opts_read(struct am_opt *opts, size_t n, int argc, char **argv,
    const char **words, size_t *words_n);

/* A policy: a configuration and the loop of openings that name none. */
struct am_policy {
	struct am_conf *conf;
	const struct am_loopdef *loop;
};

/* name NULL: the loop named complaint, else the only one. */
int am_policy_load(
    struct am_policy *p, const char *path, const char *name, am_ms now);
/* Again, when events lie before what its calendars cover. */
int am_policy_cover(struct am_policy *p, am_ms first);
void am_policy_fini(struct am_policy *p);
/* How far long work is: on stderr, if that is a terminal, from its first second
 * on and ten times in each; the line is gone at the end (n == of). */
struct am_progress {
	const char *what; /* "policy A: event" */
	am_ms since, said;
};
void am_progress(struct am_progress *p, size_t n, size_t of);
/* The loop that an opening asks for: am_world_opts.loop with a policy. */
const struct am_loopdef *
am_policy_choose(const struct am_policy *p, const struct am_event *ev);

/* "60d" as a span, at most a hundred years. */
int am_span_read(const char *option, const char *text, am_ms *span);
/* --from: where a telling begins. */
int am_from_read(struct am_story *s, const char *text);
/* All lines of a file, told from s->from on; "-" is the standard input. */
int am_story_file(struct am_story *s, const char *path);
/* Times of this process are those of the loop's zone from here on. */
void am_use_zone(const struct am_loopdef *loop);

int am_completion(const struct am_term *t, bool json, int argc, char **argv);
int am_simulate(const struct am_term *t, bool json, int argc, char **argv);
int am_backtest(const struct am_term *t, bool json, int argc, char **argv);
/* amendsctl_conf.c */
int am_check(const struct am_term *t, bool json, int argc, char **argv);
/* "FILE:LINE: TEXT" each, on stderr. */
void am_say_diags(const struct am_diag *diags, size_t n);
