#pragma once

/*
 * dash - the dashboard as HTML (layer: ops).
 *
 * Pure: a sample in, a page out. What a supervisor looks at first stands
 * first. The page needs no script; with one its parts are made new in place,
 * from events of the same HTML. Nothing of it is inline script or style, and
 * what comes from outside is escaped in one place (dash_html.c). Ids of
 * complaints, names of the configuration and staff: nothing personal (AU6).
 */

#include <jansson.h>

#include <amends/calendar.h>

#include "ops/sample.h"
#include "ops/speak.h"

#include "base/buf.h"

/* For whom. */
struct am_dash {
	enum am_lang lang;
	bool lang_said; /* by the query: links keep it */
	/* of the times shown; zone NULL: local time of this process */
	const struct am_zone *zone;
};

/* Parts of the overview, each a <section> of its own. */
enum am_dash_part {
	AM_DASH_BANNER, /* what is wrong, and what to do */
	AM_DASH_NOW,
	AM_DASH_BOARD,
	AM_DASH_ENDPOINTS,
	AM_DASH_LETTERS, /* dead follow-ups and rejected events */
	AM_DASH_DAYS,
	AM_DASH_PARTS_N,
};

const char *am_dash_part_id(enum am_dash_part part); /* "now" */
/* What stands in its <section>. */
void am_dash_part(const struct am_dash *d, const struct am_sample *s,
    enum am_dash_part part, struct am_buf *out);

void am_dash_page(
    const struct am_dash *d, const struct am_sample *s, struct am_buf *out);

/* A complaint that was asked for. */
struct am_dash_case {
	struct am_str id;
	enum {
		AM_DASH_FOUND,
		AM_DASH_NOT_FOUND,
		AM_DASH_FAILED, /* error says why */
	} found;
	const char *error;
	const json_t *show;	/* the answer of `show ID` */
	const json_t *plan;	/* array: that of `plan ID`; may be NULL */
	const char *plan_error; /* there is none; NULL else */
};

void am_dash_case(const struct am_dash *d, const struct am_sample *s,
    const struct am_dash_case *c, struct am_buf *out);

/*
 * The data of an event: {"at":"14:03:22","title":…,"parts":{"now":"<…>",…}}.
 * html has the parts that are told, n == 0 for one that is as before.
 */
void am_dash_event(const struct am_dash *d, const struct am_sample *s,
    const struct am_str html[AM_DASH_PARTS_N], struct am_buf *out);
