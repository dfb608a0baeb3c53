#pragma once

/*
 * options - every key of the configuration, declared once (layer: conf).
 *
 * The table is the master copy: libconfuse's own tables are made from it, the
 * values are checked by it, `amends.conf(5)` and lint are held against it. A
 * section stands under its type ("rung"), wherever it may appear.
 */

#include <amends/base.h>

enum am_option_kind {
	AM_OPT_SECTION,	 /* section without a title */
	AM_OPT_TITLED,	 /* section with one */
	AM_OPT_TEXT,	 /* any text but the empty one */
	AM_OPT_NAME,	 /* letters, digits and . _ - */
	AM_OPT_SPAN,	 /* "10s", "500ms", "90d"; min and max are ms */
	AM_OPT_DURATION, /* "30m", "3bd" */
	AM_OPT_OFFSET,	 /* "+4h", "+1bd", "+0" */
	AM_OPT_POSITION, /* "50%" or an offset */
	AM_OPT_PERCENT,	 /* "20%" */
	AM_OPT_COUNT,	 /* whole number, min to max */
	AM_OPT_BOOL,
	AM_OPT_BYTES,  /* "256KiB" */
	AM_OPT_RATE,   /* "100/1s" */
	AM_OPT_CHOICE, /* one of `of`, parted by '|' */
	AM_OPT_TIME,   /* RFC 3339 */
	AM_OPT_SECRET, /* file:PATH, credential:NAME, env:NAME */
	AM_OPT_URL,    /* of a scheme in `of`; none: http:// or https:// */
	AM_OPT_CIDR,
	AM_OPT_LISTEN, /* "127.0.0.1:8480" */
	AM_OPT_WINDOW, /* "Mon-Fri 09:00-18:00" */
	AM_OPT_DATES,  /* "2026-10-01..2026-10-07" */
	AM_OPT_EXTRA,  /* "2026-10-10 09:00-18:00" */
	AM_OPT_HOURS,  /* "21:00-08:00" */
	AM_OPT_MODE,   /* "0660" */
	AM_OPT_PHONE,  /* E.164 */
	AM_OPT_EMAIL,
};

struct am_option {
	const char *in; /* type of the section it stands in, "" at the top */
	const char *name;
	enum am_option_kind kind;
	bool list;	 /* AM_OPT_TITLED: one title may stand more than once */
	const char *def; /* NULL: none; of a list parted by ", " */
	const char *of;	 /* AM_OPT_CHOICE, AM_OPT_URL */
	int64_t min, max;  /* both 0: no bounds */
	const char *about; /* one line */
};

/* The table; *n rows. */
const struct am_option *am_options(size_t *n);

/* NULL when there is no such key. */
const struct am_option *am_option_find(const char *in, const char *name);

bool am_option_is_section(const struct am_option *o);
