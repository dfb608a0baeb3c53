#pragma once

/*
 * verbs - the commands of the status socket, declared once (layer: ops): used
 * by the daemon for levels and usage, by amendsctl for help and completion,
 * and by the man page's check.
 */

#include "ops/ctl.h"

struct am_verb {
	const char *name; /* "status", "dead list" */
	enum am_ctl_level level;
	size_t args_min, args_max; /* words behind the name, options apart */
	const char *usage;	   /* "dead list [--endpoint E] [--limit N]" */
	const char *options;	   /* blank-separated, '=' marks a value, '=+'
				      one that may be given again:
				      "--endpoint= --limit=" */
	const char *about;	   /* one line */
	bool pairs;		   /* words behind the first are KEY=VALUE */
};

extern const struct am_verb am_verbs[];
extern const size_t am_verbs_n;

/*
 * Words are argv whole, the verb's own words included. A word "--" ends the
 * options. A verb with --all takes either its argument or --all; one with
 * --yes is destructive: amendsctl asks before it sends --all.
 */

/* The verb whose name the words begin with, the longest one; NULL when none.
 * *used: words; untouched when none. */
const struct am_verb *
am_verb_find(const struct am_str *argv, size_t argc, size_t *used);
/* For words that are no verb: what is wrong, and the nearest one. */
void am_verb_suggest(const struct am_str *argv, size_t argc, char what[200]);
/* Options and arguments against the verb; -AM_EINVAL with text for people. */
AM_MUSTCHECK int am_verb_check(const struct am_verb *v,
    const struct am_str *argv, size_t argc, char what[200]);
/* Value of "--name" ("--name V" or "--name=V"; name without the dashes), n == 0
 * when absent; p is not NULL when a flag without value is there. */
struct am_str
am_verb_option(const struct am_str *argv, size_t argc, const char *name);
/* The i-th value of an option that may be given again. */
struct am_str am_verb_option_at(
    const struct am_str *argv, size_t argc, const char *name, size_t i);
/* The i-th word that is no option (behind the verb); n == 0 when absent. */
struct am_str am_verb_arg(
    const struct am_verb *v, const struct am_str *argv, size_t argc, size_t i);
