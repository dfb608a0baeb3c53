#pragma once

/*
 * figures - a report made of every complaint kept (layer: daemon).
 *
 * The one way to figures, for the verb as for the report that is sent: so both
 * say the same.
 */

#include "daemon/casewalk.h"
#include "ops/report.h"

struct am_figures;

struct am_figures_user {
	bool (*ready)(void *arg); /* as am_casewalk_user's; may be NULL */
	/* r is taken; NULL when a shard could not be read, for rc. The walk may
	 * be looked at, and is freed behind the call. */
	void (*done)(void *arg, struct am_report *r, int rc,
	    const struct am_casewalk_count *count);
	void *arg;
};

/* opts->zone lives until done: with the configuration that the walk holds.
 * kept_since is set here. */
struct am_casewalk *am_figures_start(struct am_engine *e,
    const struct am_report_opts *opts, const struct am_figures_user *user);

/* That of all loops, when they have the same one; else NULL: UTC. */
const struct am_zone *am_figures_zone(const struct am_conf *conf);
/* By IANA name; false: there is none. */
bool am_figures_find_zone(const struct am_conf *conf, struct am_str name,
    const struct am_zone **zone);
