/*
 * read_calendar - calendars and zones, compiled for the years around now.
 */

#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "conf/zone.h"

#define SOON_DAYS 60

int
am_find_zone(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_zone **zone)
{
	const char *name = am_node_value(n, key);
	int rc;

	for (size_t i = 0; i < b->c->weekdays_n; i++) {
		if (strcmp(b->c->weekdays[i]->zone->name, name) == 0) {
			*zone = b->c->weekdays[i]->zone;
			return 0;
		}
	}
	rc = am_zone_load(b->a, name, b->c->until, zone);
	if (rc == -AM_ENOENT)
		am_fault(b, n, key,
		    "%s: no zone '%.64s' in the zone database; write an IANA "
		    "name such as \"Asia/Shanghai\", and install tzdata",
		    key, name);
	else if (rc != 0)
		am_fault(b, n, key,
		    "%s: '%.64s' is no zone file (TZif); reinstall tzdata", key,
		    name);
	return rc;
}

const struct am_calendar *
am_weekdays(struct am_build *b, const struct am_zone *zone)
{
	static const struct am_daywindow open = { 0x3e, 0, 1440 };
	const struct am_calendar *cal, **v;
	struct am_calendar_src src = {
		.zone = zone, .open = &open, .open_n = 1
	};
	int rc;

	for (size_t i = 0; i < b->c->weekdays_n; i++) {
		if (strcmp(b->c->weekdays[i]->zone->name, zone->name) == 0)
			return b->c->weekdays[i];
	}
	src.name = am_arena_printf(b->a, "Mon-Fri %s", zone->name);
	rc = am_calendar_compile(b->a, &src, b->c->from, b->c->until, &cal);
	AM_ASSERT(rc == 0); /* five open days a week */
	if (b->own == NULL)
		return cal;
	v = am_arena_alloc(b->a, (b->own->weekdays_n + 1) * sizeof(*v));
	if (b->own->weekdays_n > 0)
		memcpy(v, b->own->weekdays, b->own->weekdays_n * sizeof(*v));
	v[b->own->weekdays_n++] = cal;
	b->own->weekdays = v;
	return cal;
}

int32_t
am_calendar_fill(
    struct am_build *b, const struct am_node *n, struct am_calendar_src *src)
{
	const struct am_word *w;
	struct am_daywindow *open;
	struct am_dayrange *closed;
	struct am_extraday *extra;
	int32_t last = INT32_MIN;
	int rc = 0;

	src->open_n = am_node_list(b->a, n, "open", &w);
	src->open = open =
	    am_arena_zalloc(b->a, (src->open_n + 1) * sizeof(*open));
	for (size_t i = 0; i < src->open_n; i++)
		rc |= am_daywindow_parse(am_str_c(w[i].s), &open[i]);
	src->closed_n = am_node_list(b->a, n, "closed", &w);
	src->closed = closed =
	    am_arena_zalloc(b->a, (src->closed_n + 1) * sizeof(*closed));
	for (size_t i = 0; i < src->closed_n; i++) {
		rc |= am_dayrange_parse(am_str_c(w[i].s), &closed[i]);
		last = closed[i].last > last ? closed[i].last : last;
	}
	src->extra_n = am_node_list(b->a, n, "extra", &w);
	src->extra = extra =
	    am_arena_zalloc(b->a, (src->extra_n + 1) * sizeof(*extra));
	for (size_t i = 0; i < src->extra_n; i++) {
		rc |= am_extraday_parse(am_str_c(w[i].s), &extra[i]);
		last = extra[i].day > last ? extra[i].day : last;
	}
	AM_ASSERT(rc == 0); /* am_check_tree() passed them */
	return last;
}

/* Civil days from now, in the calendar's zone, to its last dated day. */
static int64_t
days_left(const struct am_calendar *cal, int32_t last, am_ms now)
{
	am_ms local = now + am_zone_offset(cal->zone, now) * AM_SECOND;

	return last - (local / AM_DAY - (local % AM_DAY < 0));
}

static bool
ends_soon(const struct am_calendar *cal, int32_t last, am_ms now)
{
	return last != INT32_MIN && days_left(cal, last, now) <= SOON_DAYS;
}

static void
warn_end(struct am_build *b, const struct am_node *n,
    const struct am_calendar *cal, int32_t last, am_ms now)
{
	int64_t left = days_left(cal, last, now), year;
	int month, day;
	char when[64];

	am_civil_from_days(last, &year, &month, &day);
	if (left >= 0)
		snprintf(when, sizeof(when), "in %lld days", (long long)left);
	else
		snprintf(when, sizeof(when), "%lld days ago", (long long)-left);
	am_warn(b, n->file, n->line,
	    "the dates of calendar \"%s\" end on %04lld-%02d-%02d, %s; add the "
	    "closed and extra dates to come",
	    n->title, (long long)year, month, day, when);
}

static const struct am_calendar *
read_one(struct am_build *b, const struct am_node *n, am_ms now, int32_t *last)
{
	struct am_calendar_src src = { .name = n->title, .alive = now };
	const struct am_calendar *cal;
	am_ms open;
	int rc;

	if (am_find_zone(b, n, "timezone", &src.zone) != 0)
		return NULL;
	*last = am_calendar_fill(b, n, &src);
	rc = am_calendar_compile(b->a, &src, b->c->from, b->c->until, &cal);
	if (rc == 0)
		rc = am_calendar_next_open(cal, now, &open);
	if (rc != 0 || open > now + 366 * AM_DAY) {
		am_fault(b, n, "open",
		    "calendar \"%s\" has no open time within a year; give it "
		    "windows such as open = {\"Mon-Fri 09:00-18:00\"}",
		    n->title);
		return NULL;
	}
	if (ends_soon(cal, *last, now))
		warn_end(b, n, cal, *last, now);
	return cal;
}

void
am_read_calendars(struct am_build *b, am_ms now)
{
	const struct am_node *n = NULL;
	const struct am_calendar *cal;
	struct am_conf *c = b->own;
	struct am_str *texts;
	int32_t *ends;
	size_t count = 0;

	while ((n = am_node_child(b->root, "calendar", n)) != NULL)
		count++;
	c->calendars =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*c->calendars));
	c->calendar_ends = ends =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*ends));
	c->calendar_texts = texts =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*texts));
	while ((n = am_node_child(b->root, "calendar", n)) != NULL) {
		cal = read_one(b, n, now, &ends[c->calendars_n]);
		if (cal == NULL)
			continue;
		texts[c->calendars_n] = am_calendar_text(b->a, n);
		c->calendars[c->calendars_n++] = cal;
	}
}

size_t
am_conf_calendars_ending(
    const struct am_conf *c, am_ms now, const char **names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->calendars_n; i++) {
		if (!ends_soon(c->calendars[i], c->calendar_ends[i], now))
			continue;
		if (n < max)
			names[n] = c->calendars[i]->name;
		n++;
	}
	return n;
}

bool
am_conf_outlived(const struct am_conf *c, am_ms now)
{
	return now < c->from || now >= c->until - (c->until - c->from) / 4;
}
