/*
 * zone - a reader of TZif files (RFC 8536) and of the rule in their footer.
 *
 * libc's zone functions switch the whole process by an environment variable,
 * and its mktime() answers an ambiguous hour by what the previous call was. We
 * need the offsets only, as a step function over UTC. A file is foreign bytes:
 * every count is checked against what is there before it is used.
 */

#include "conf/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

#define FILE_MAX ((size_t)256 * 1024) /* the largest real one has 4 KiB */
#define NAME_MAX_BYTES 64
#define HEADER_BYTES 44
#define TYPE_BYTES 6
#define UNTIL_MAX ((am_ms)16725225600000) /* 2500-01-01 */

/* ---- the step function ---- */

/* Appends; a step at the instant of the last one replaces it. */
static int
add_step(struct am_buf *steps, am_ms at, int32_t offset_s)
{
	struct am_zone_step *last = NULL;

	if (steps->n > 0)
		last = (struct am_zone_step *)(steps->p + steps->n) - 1;
	if (last != NULL && at < last->at)
		return -AM_EINVAL;
	if (last != NULL && at == last->at) {
		last->offset_s = offset_s;
		return 0;
	}
	if (last != NULL && last->offset_s == offset_s)
		return 0; /* a new name or flag for the same offset */
	am_buf_add(steps,
	    &(struct am_zone_step){ .at = at, .offset_s = offset_s },
	    sizeof(*last));
	return 0;
}

/* ---- the footer: POSIX TZ with the extensions of RFC 8536 ---- */

struct change { /* when a year's change happens, by the wall clock before it */
	enum { JULIAN, DAY_OF_YEAR, WEEKDAY } form;
	int day; /* J1..365, 0..365, or the weekday 0..6 */
	int month, week;
	int32_t time_s;
};

struct rule {
	int32_t std_s, dst_s; /* seconds east */
	bool has_dst;
	struct change to_dst, to_std;
};

static bool
skip(struct am_str *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

static bool
number(struct am_str *s, int max, int *v)
{
	size_t i = 0;
	int sum = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		sum = sum * 10 + (s->p[i] - '0');
		if (sum > max)
			return false;
	}
	s->p += i;
	s->n -= i;
	*v = sum;
	return i > 0;
}

/* [+-]hh[:mm[:ss]] */
static bool
clock_time(struct am_str *s, int max_hours, int32_t *seconds)
{
	bool minus = skip(s, '-');
	int h, m = 0, sec = 0;

	if (!minus)
		skip(s, '+');
	if (!number(s, max_hours, &h))
		return false;
	if (skip(s, ':')) {
		if (!number(s, 59, &m) ||
		    (skip(s, ':') && !number(s, 59, &sec)))
			return false;
	}
	*seconds = h * 3600 + m * 60 + sec;
	if (minus)
		*seconds = -*seconds;
	return true;
}

/* "EST" or "<-03>"; of no use to us. */
static bool
abbreviation(struct am_str *s)
{
	bool quoted = skip(s, '<');
	size_t i = 0;

	for (; i < s->n; i++) {
		char c = s->p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool other = (c >= '0' && c <= '9') || c == '+' || c == '-';

		if (!letter && !(quoted && other))
			break;
	}
	s->p += i;
	s->n -= i;
	return i >= 3 && (!quoted || skip(s, '>'));
}

static bool
change(struct am_str *s, struct change *c)
{
	c->time_s = 2 * 3600;
	if (!skip(s, ','))
		return false;
	if (skip(s, 'M')) {
		c->form = WEEKDAY;
		if (!number(s, 12, &c->month) || c->month < 1 ||
		    !skip(s, '.') || !number(s, 5, &c->week) || c->week < 1 ||
		    !skip(s, '.') || !number(s, 6, &c->day))
			return false;
	} else if (skip(s, 'J')) {
		c->form = JULIAN;
		if (!number(s, 365, &c->day) || c->day < 1)
			return false;
	} else {
		c->form = DAY_OF_YEAR;
		if (!number(s, 365, &c->day))
			return false;
	}
	return !skip(s, '/') || clock_time(s, 167, &c->time_s);
}

static bool
rule_parse(struct am_str s, struct rule *r)
{
	*r = (struct rule){ 0 };
	if (!abbreviation(&s) || !clock_time(&s, 24, &r->std_s))
		return false;
	r->std_s = -r->std_s; /* POSIX counts west */
	if (s.n == 0)
		return true;
	r->has_dst = true;
	r->dst_s = r->std_s + 3600;
	if (!abbreviation(&s))
		return false;
	if (s.n > 0 && *s.p != ',') {
		if (!clock_time(&s, 24, &r->dst_s))
			return false;
		r->dst_s = -r->dst_s;
	}
	return change(&s, &r->to_dst) && change(&s, &r->to_std) && s.n == 0;
}

static am_ms
change_at(const struct change *c, int64_t year, int32_t offset_s)
{
	int32_t day = am_civil_days(year, 1, 1);

	if (c->form == DAY_OF_YEAR) {
		day += c->day;
	} else if (c->form == JULIAN) { /* as if there were no leap day */
		bool leap = am_days_in_month(year, 2) == 29;

		day += c->day - 1 + (leap && c->day >= 60);
	} else {
		int last = am_days_in_month(year, c->month);
		int dom;

		day = am_civil_days(year, c->month, 1);
		dom = (c->day - (day + 4) % 7 + 7) % 7 + 7 * (c->week - 1);
		day += dom < last ? dom : dom - 7;
	}
	return day * AM_DAY + (c->time_s - offset_s) * AM_SECOND;
}

/* The rule's changes behind the table's last one, `after`. */
static void
add_rule(struct am_buf *steps, const struct rule *r, am_ms after, am_ms until)
{
	struct am_civil first, last;

	if (until > UNTIL_MAX)
		until = UNTIL_MAX;
	if (after >= until)
		return;
	am_civil_from_ms(after > 0 ? after : 0, &first);
	am_civil_from_ms(until > 0 ? until : 0, &last);
	for (int64_t y = first.year; y <= last.year + 1; y++) {
		struct am_zone_step pair[2] = {
			{ change_at(&r->to_dst, y, r->std_s), r->dst_s },
			{ change_at(&r->to_std, y, r->dst_s), r->std_s },
		};
		bool swap = pair[0].at > pair[1].at;

		for (int i = 0; i < 2; i++) {
			const struct am_zone_step *s = &pair[i ^ swap];

			/* out of order in a rule made in bad faith: no step */
			if (s->at > after &&
			    add_step(steps, s->at, s->offset_s) != 0)
				continue;
		}
	}
}

/* ---- the file ---- */

struct block {
	size_t times, types, chars, leaps, stds, uts; /* counts */
	const uint8_t *data;
	size_t bytes;
};

static uint64_t
be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Reads a header; *version is the file's, time_bytes that of its block. */
static int
read_header(
    struct am_rd *r, size_t time_bytes, uint8_t *version, struct block *b)
{
	struct am_str h = am_rd_bytes(r, HEADER_BYTES);
	const uint8_t *p = (const uint8_t *)h.p;

	if (r->bad || memcmp(p, "TZif", 4) != 0)
		return -AM_EINVAL;
	*version = p[4];
	b->uts = be(p + 20, 4);
	b->stds = be(p + 24, 4);
	b->leaps = be(p + 28, 4);
	b->times = be(p + 32, 4);
	b->types = be(p + 36, 4);
	b->chars = be(p + 40, 4);
	/* counts of 32 bits cannot overflow this sum */
	b->bytes = b->times * (time_bytes + 1) + b->types * TYPE_BYTES +
		   b->chars + b->leaps * (time_bytes + 4) + b->stds + b->uts;
	b->data = (const uint8_t *)am_rd_bytes(r, b->bytes).p;
	return r->bad ? -AM_EINVAL : 0;
}

static int
add_table(struct am_buf *steps, const struct block *b, size_t time_bytes,
    am_ms *after)
{
	const uint8_t *which = b->data + b->times * time_bytes;
	const uint8_t *types = which + b->times;
	int64_t before = INT64_MIN;

	for (size_t i = 0; i < b->types; i++) {
		int32_t offset = (int32_t)be(types + i * TYPE_BYTES, 4);

		if (offset <= -25 * 3600 || offset >= 26 * 3600)
			return -AM_EINVAL;
	}
	/* type 0 rules before the first transition */
	if (add_step(steps, INT64_MIN, (int32_t)be(types, 4)) != 0)
		return -AM_EINVAL;
	for (size_t i = 0; i < b->times; i++) {
		uint64_t raw = be(b->data + i * time_bytes, time_bytes);
		int64_t t = time_bytes == 4 ? (int32_t)raw : (int64_t)raw;

		if (which[i] >= b->types || (i > 0 && t <= before))
			return -AM_EINVAL;
		before = t;
		/* some writers put a first one at the Big Bang */
		*after = t < INT64_MIN / 1000	? INT64_MIN
			 : t > INT64_MAX / 1000 ? INT64_MAX - 1
						: t * 1000;
		if (add_step(steps, *after,
			(int32_t)be(types + which[i] * TYPE_BYTES, 4)) != 0)
			return -AM_EINVAL;
	}
	return 0;
}

static int
add_footer(struct am_buf *steps, struct am_rd *r, am_ms after, am_ms until)
{
	struct am_str rest = am_rd_bytes(r, (size_t)(r->end - r->p));
	const char *end;
	struct rule rule;

	if (!skip(&rest, '\n') || (end = memchr(rest.p, '\n', rest.n)) == NULL)
		return -AM_EINVAL;
	rest.n = (size_t)(end - rest.p);
	if (rest.n == 0)
		return 0; /* nothing is known beyond the table */
	if (!rule_parse(rest, &rule))
		return -AM_EINVAL;
	if (rule.has_dst)
		add_rule(steps, &rule, after, until);
	else if (after == INT64_MIN)
		return add_step(steps, INT64_MIN, rule.std_s);
	return 0;
}

static int
parse_tzif(struct am_buf *steps, const uint8_t *p, size_t n, am_ms until)
{
	struct am_rd r = { p, p + n, false };
	size_t time_bytes = 4;
	am_ms after = INT64_MIN;
	struct block b;
	uint8_t version;

	if (read_header(&r, 4, &version, &b) != 0)
		return -AM_EINVAL;
	if (version >= '2') {
		time_bytes = 8;
		if (read_header(&r, 8, &version, &b) != 0)
			return -AM_EINVAL;
	}
	/* "right/" zones count leap seconds; our instants do not */
	if (b.types == 0 || b.types > 256 || b.leaps != 0)
		return -AM_EINVAL;
	if (add_table(steps, &b, time_bytes, &after) != 0)
		return -AM_EINVAL;
	return time_bytes == 8 ? add_footer(steps, &r, after, until) : 0;
}

/* Region/City, within the database whatever the name. */
static bool
name_ok(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		bool alnum = (c >= '0' && c <= '9') ||
			     ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		if (!alnum && strchr("+-_/", c) == NULL)
			return false;
	}
	return n > 0 && n <= NAME_MAX_BYTES && name[0] != '/';
}

static int
read_file(const char *name, struct am_buf *bytes)
{
	const char *dir = getenv("TZDIR");
	struct stat st;
	int fd, rc = -AM_EINVAL;

	if (dir == NULL || dir[0] == '\0')
		dir = "/usr/share/zoneinfo";
	am_buf_addf(bytes, "%s/%s", dir, name);
	am_buf_addc(bytes, '\0');
	fd = open(bytes->p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	am_buf_reset(bytes);
	if (fd < 0)
		return -AM_ENOENT;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > FILE_MAX)
		goto out;
	am_buf_reserve(bytes, FILE_MAX + 1);
	while (bytes->n <= FILE_MAX) {
		ssize_t n =
		    read(fd, bytes->p + bytes->n, FILE_MAX + 1 - bytes->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n == 0 ? 0 : -AM_EINVAL;
			break;
		}
		bytes->n += (size_t)n;
	}
out:
	close(fd);
	return rc;
}

int
am_zone_load(struct am_arena *a, const char *name, am_ms until,
    const struct am_zone **zone)
{
	struct am_buf bytes, steps;
	struct am_zone *z;
	int rc = 0;

	if (!name_ok(name))
		return -AM_ENOENT;
	am_buf_init(&bytes);
	am_buf_init(&steps);
	/* the default must not depend on tzdata being installed */
	if (strcmp(name, "UTC") == 0)
		rc = add_step(&steps, INT64_MIN, 0);
	else if ((rc = read_file(name, &bytes)) == 0)
		rc = parse_tzif(
		    &steps, (const uint8_t *)bytes.p, bytes.n, until);
	if (rc != 0)
		goto out;
	z = am_arena_zalloc(a, sizeof(*z));
	z->name = am_arena_cstr(a, am_str_c(name));
	z->steps_n = steps.n / sizeof(*z->steps);
	z->steps = (const void *)am_arena_dup(a, am_buf_str(&steps)).p;
	*zone = z;
out:
	am_buf_fini(&steps);
	am_buf_fini(&bytes);
	return rc;
}
