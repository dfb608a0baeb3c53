#pragma once

/*
 * reload_plan - what a reload would change, and for how many open complaints
 * (layer: daemon). Design 7.17.
 *
 * Made of two configurations, then told of every definition that open
 * complaints are on. Shares both configurations.
 */

#include "conf/conf.h"

struct am_reload_row {
	const char *type, *name; /* as am_conf_diff() has them */
	enum am_conf_change change;
	bool counted; /* open complaints may use such a thing */
	int64_t open; /* that many do */
};

struct am_reload_plan {
	struct am_conf *was, *now;
	struct am_reload_row *rows;
	size_t n;
};

struct am_reload_plan *
am_reload_plan_new(struct am_conf *was, struct am_conf *now);
void am_reload_plan_free(struct am_reload_plan *p); /* NULL is fine */

/* So many open complaints are on the definition ref ("NAME@HASH"), which def
 * is; NULL: its text is not known. */
void am_reload_plan_use(struct am_reload_plan *p, const char *ref,
    const struct am_loopdef *def, int64_t open);
