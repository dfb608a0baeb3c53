/*
 * value - parsers of single values, and what to say when they refuse.
 *
 * Numbers are read here and not by libconfuse, which takes 010 for eight and
 * knows no units.
 */

#include "value.h"

#include <stdio.h>
#include <string.h>

#include "base/reach.h"
#include "base/str.h"
#include "base/time.h"
#include "conf/zone.h"
#include "tree.h"

bool
am_name_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > AM_NAME_MAX || !am_utf8_ok(am_str_c(s)))
		return false;
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && c < 0x80 &&
		    strchr("._-", c) == NULL)
			return false;
	}
	return true;
}

bool
am_lang_ok(const char *s)
{
	return s[0] != '\0' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

struct unit {
	const char *suffix;
	int64_t each;
};

/* Longest first, so that the shortest exact text is the first that fits. */
static const struct unit spans[] = {
	{ "w", 7 * AM_DAY },
	{ "d", AM_DAY },
	{ "h", AM_HOUR },
	{ "m", AM_MINUTE },
	{ "s", AM_SECOND },
	{ "ms", 1 },
};

static const struct unit sizes[] = {
	{ "GiB", 1 << 30 },
	{ "MiB", 1 << 20 },
	{ "KiB", 1 << 10 },
	{ "B", 1 },
	{ "", 1 },
};

/* Digits up to a cap that no product of ours overflows; *rest behind them. */
static int
digits(const char *s, int64_t *n, const char **rest)
{
	int64_t v = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (*p - '0');
		if (v > INT64_MAX / (14 * AM_DAY))
			return -AM_EINVAL;
	}
	if (p == s || (s[0] == '0' && p - s > 1))
		return -AM_EINVAL;
	*n = v;
	*rest = p;
	return 0;
}

static int
with_unit(const char *s, const struct unit *units, size_t units_n, int64_t *v)
{
	const char *rest;
	int64_t n;

	if (digits(s, &n, &rest) != 0)
		return -AM_EINVAL;
	for (size_t i = 0; i < units_n; i++) {
		if (strcmp(rest, units[i].suffix) == 0) {
			*v = n * units[i].each;
			return 0;
		}
	}
	return -AM_EINVAL;
}

int
am_span_parse(const char *s, am_ms *span)
{
	if (strcmp(s, "0") == 0) {
		*span = 0;
		return 0;
	}
	return with_unit(s, spans, AM_COUNT(spans), span);
}

void
am_span_text(am_ms span, char out[32])
{
	size_t i = 1; /* weeks are read, days are written */

	if (span == 0)
		i = 4;
	while (span % spans[i].each != 0)
		i++;
	snprintf(out, 32, "%lld%s", (long long)(span / spans[i].each),
	    spans[i].suffix);
}

int
am_bytes_parse(const char *s, int64_t *bytes)
{
	return with_unit(s, sizes, AM_COUNT(sizes), bytes);
}

int
am_count_parse(const char *s, int64_t *n)
{
	const char *rest;
	int64_t v;

	if (digits(s, &v, &rest) != 0 || *rest != '\0')
		return -AM_EINVAL;
	*n = v;
	return 0;
}

int
am_rate_parse(const char *s, uint32_t *n, am_ms *per)
{
	const char *rest;
	int64_t v;
	am_ms p;

	if (digits(s, &v, &rest) != 0 || *rest != '/' ||
	    am_span_parse(rest + 1, &p) != 0)
		return -AM_EINVAL;
	if (v < 1 || v > 100000 || p < 1)
		return -AM_EINVAL;
	*n = (uint32_t)v;
	*per = p;
	return 0;
}

int
am_percent_parse(const char *s, int *pct)
{
	const char *rest;
	int64_t v;

	if (digits(s, &v, &rest) != 0 || strcmp(rest, "%") != 0 || v > 100)
		return -AM_EINVAL;
	*pct = (int)v;
	return 0;
}

int
am_offset_parse(const char *s, struct am_duration *d)
{
	if (s[0] != '+')
		return -AM_EINVAL;
	if (strcmp(s, "+0") == 0) {
		*d = (struct am_duration){ AM_UNIT_TIME, 0 };
		return 0;
	}
	return am_duration_parse(am_str_c(s + 1), d);
}

static int
check_choice(const struct am_option *o, const char *s, char why[256])
{
	struct am_suggest near;
	char of[128], *save = NULL;

	snprintf(of, sizeof(of), "%s", o->of);
	am_suggest_init(&near, s);
	for (char *w = strtok_r(of, "|", &save); w != NULL;
	     w = strtok_r(NULL, "|", &save)) {
		if (strcmp(w, s) == 0)
			return 0;
		am_suggest_try(&near, w);
	}
	if (near.best != NULL) {
		snprintf(why, 256, "'%.40s' is unknown; did you mean '%s'?", s,
		    near.best);
		return -AM_EINVAL;
	}
	snprintf(of, sizeof(of), "%s", o->of);
	for (char *p = of; (p = strchr(p, '|')) != NULL;)
		*p = ' ';
	snprintf(why, 256, "'%.40s' is unknown; write one of: %s", s, of);
	return -AM_EINVAL;
}

static int
check_bounds(const struct am_option *o, const char *s, int64_t v, char why[256])
{
	char lo[32], hi[32];

	if ((o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max))
		return 0;
	if (o->kind == AM_OPT_SPAN) {
		am_span_text(o->min, lo);
		am_span_text(o->max, hi);
	} else {
		const char *unit = o->kind == AM_OPT_PERCENT ? "%" : "";

		snprintf(lo, sizeof(lo), "%lld%s", (long long)o->min, unit);
		snprintf(hi, sizeof(hi), "%lld%s", (long long)o->max, unit);
	}
	snprintf(
	    why, 256, "'%.40s' is out of bounds; write %s to %s", s, lo, hi);
	return -AM_EINVAL;
}

/* Numbers with bounds. */
static int
check_number(const struct am_option *o, const char *s, char why[256])
{
	int64_t v = 0;
	int pct = 0;

	switch (o->kind) {
	case AM_OPT_SPAN:
		if (am_span_parse(s, &v) == 0)
			break;
		snprintf(why, 256,
		    "'%.40s' is no time span; write a number and one of ms s m "
		    "h d w, such as \"10s\"",
		    s);
		return -AM_EINVAL;
	case AM_OPT_BYTES:
		if (am_bytes_parse(s, &v) == 0)
			break;
		snprintf(why, 256,
		    "'%.40s' is no size; write bytes, or a number and KiB or "
		    "MiB, such as \"4KiB\"",
		    s);
		return -AM_EINVAL;
	case AM_OPT_PERCENT:
		if (am_percent_parse(s, &pct) == 0)
			break;
		snprintf(
		    why, 256, "'%.40s' is no share; write such as \"20%%\"", s);
		return -AM_EINVAL;
	default:
		if (am_count_parse(s, &v) == 0)
			break;
		if (s[0] == '0' && s[strspn(s, "0123456789")] == '\0')
			snprintf(why, 256,
			    "'%.40s' begins with 0, which some read as octal; "
			    "write %s",
			    s, s + strspn(s, "0"));
		else
			snprintf(why, 256,
			    "'%.40s' is no whole number; write digits only", s);
		return -AM_EINVAL;
	}
	return check_bounds(o, s, o->kind == AM_OPT_PERCENT ? pct : v, why);
}

static int
check_position(const char *s, char why[256])
{
	struct am_duration d;
	int64_t v;
	const char *rest;
	int pct;

	if (am_percent_parse(s, &pct) == 0 || am_offset_parse(s, &d) == 0)
		return 0;
	if (digits(s, &v, &rest) == 0 && strcmp(rest, "%") == 0)
		snprintf(why, 256,
		    "'%.40s' is beyond the lapse; write 0%% to 100%%, or an "
		    "offset such as \"+15m\"",
		    s);
	else
		snprintf(why, 256,
		    "'%.40s' is no place on a clock; write \"50%%\", \"100%%\" "
		    "or an offset such as \"+15m\"",
		    s);
	return -AM_EINVAL;
}

static bool
is_hours(const char *s)
{
	struct am_daywindow w;
	char buf[64];

	snprintf(buf, sizeof(buf), "Mon-Sun %.40s", s);
	return am_daywindow_parse(am_str_c(buf), &w) == 0;
}

static bool
is_mode(const char *s)
{
	return s[0] == '0' && strlen(s) == 4 && strspn(s, "01234567") == 4;
}

bool
am_phone_ok(const char *s)
{
	size_t n = strlen(s);

	return n >= 8 && n <= 16 && s[0] == '+' && s[1] != '0' &&
	       strspn(s + 1, "0123456789") == n - 1;
}

bool
am_email_ok(const char *s)
{
	char parsed[AM_EMAIL_MAX + 1];

	for (const char *p = s; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			return false; /* few servers take one */
	}
	return am_email_parse(am_str_c(s), parsed) == 0;
}

/* sun_path takes 107 bytes; unix:// stands before them. */
#define UNIX_MAX (7 + 107)

static bool
is_listen(const char *s)
{
	const char *colon = strrchr(s, ':');
	int64_t port;

	if (strncmp(s, "unix:/", 6) == 0)
		return strpbrk(s, " \t") == NULL && strlen(s) <= UNIX_MAX;
	return colon != NULL && colon > s &&
	       am_count_parse(colon + 1, &port) == 0 && port >= 1 &&
	       port <= 65535 && strpbrk(s, " \t/") == NULL;
}

static bool
is_secret(const char *s)
{
	static const char *const kinds[] = { "file:", "credential:", "env:" };

	for (size_t i = 0; i < AM_COUNT(kinds); i++) {
		size_t n = strlen(kinds[i]);

		if (strncmp(s, kinds[i], n) == 0 && s[n] != '\0')
			return true;
	}
	return false;
}

/* What is known by its letters. */
static bool
is_right_word(enum am_option_kind kind, const char *s)
{
	switch (kind) {
	case AM_OPT_HOURS:
		return is_hours(s);
	case AM_OPT_MODE:
		return is_mode(s);
	case AM_OPT_PHONE:
		return am_phone_ok(s);
	case AM_OPT_EMAIL:
		return am_email_ok(s);
	case AM_OPT_LISTEN:
		return is_listen(s);
	default:
		return true;
	}
}

/* Kinds that are right or not, and need one sentence when not. */
static bool
is_right(enum am_option_kind kind, const char *s)
{
	struct am_duration d;
	struct am_daywindow w;
	struct am_dayrange range;
	struct am_extraday extra;
	struct am_cidr cidr;
	uint32_t n;
	am_ms t;
	bool b;

	switch (kind) {
	case AM_OPT_NAME:
		return am_name_ok(s);
	case AM_OPT_DURATION:
		return am_duration_parse(am_str_c(s), &d) == 0;
	case AM_OPT_OFFSET:
		return am_offset_parse(s, &d) == 0;
	case AM_OPT_BOOL:
		return am_str_bool(am_str_c(s), &b) == 0;
	case AM_OPT_RATE:
		return am_rate_parse(s, &n, &t) == 0;
	case AM_OPT_TIME:
		return am_rfc3339_parse(am_str_c(s), &t) == 0;
	case AM_OPT_CIDR:
		return am_cidr_parse(s, &cidr) == 0;
	case AM_OPT_WINDOW:
		return am_daywindow_parse(am_str_c(s), &w) == 0;
	case AM_OPT_DATES:
		return am_dayrange_parse(am_str_c(s), &range) == 0;
	case AM_OPT_EXTRA:
		return am_extraday_parse(am_str_c(s), &extra) == 0;
	default:
		return is_right_word(kind, s);
	}
}

static const char *const sentences[] = {
	[AM_OPT_NAME] = "is no name; write letters, digits and . _ - only, 64 "
			"bytes at most",
	[AM_OPT_DURATION] = "is no duration; write a number and one of s m h "
			    "bd d w, such as \"30m\" or \"3bd\"",
	[AM_OPT_OFFSET] = "is no offset; write such as \"+0\", \"+4h\" or "
			  "\"+1bd\"",
	[AM_OPT_BOOL] = "is neither yes nor no; write true or false",
	[AM_OPT_RATE] = "is no rate; write such as \"100/1s\" or \"5/24h\"",
	[AM_OPT_TIME] = "is no time; write such as "
			"\"2027-01-01T00:00:00Z\"",
	[AM_OPT_CIDR] = "is no network; write such as \"10.0.0.0/8\" or "
			"\"fd00::/8\", without bits beyond the prefix",
	[AM_OPT_WINDOW] = "is no window; write such as \"Mon-Fri "
			  "09:00-18:00\" or \"24x7\"",
	[AM_OPT_DATES] = "is no date; write such as \"2026-10-01\" or "
			 "\"2026-10-01..2026-10-07\"",
	[AM_OPT_EXTRA] = "is no extra day; write such as \"2026-10-10 "
			 "09:00-18:00\"",
	[AM_OPT_HOURS] = "are no hours; write such as \"21:00-08:00\"",
	[AM_OPT_MODE] = "is no mode; write four octal digits such as \"0660\"",
	[AM_OPT_PHONE] = "is no phone number; write + and country code, such "
			 "as \"+8613900000001\"",
	[AM_OPT_EMAIL] = "is no mail address; write such as "
			 "\"li@example.com\"",
	[AM_OPT_LISTEN] = "is no address; write such as \"127.0.0.1:8480\" "
			  "or \"unix:///run/amends/http.sock\"",
};

static int
check_url(const struct am_option *o, const char *s, char why[256])
{
	const char *of = o->of != NULL ? o->of : "https|http";
	struct am_arena a;
	struct am_url url;
	int rc;

	am_arena_init(&a, 0);
	rc = am_url_parse(&a, s, &url, why);
	if (rc == 0 && strstr(of, url.scheme) == NULL) {
		snprintf(why, 256,
		    "'%.80s' is no web address; write https://HOST/PATH", s);
		rc = -AM_EINVAL;
	}
	am_arena_fini(&a);
	return rc;
}

int
am_value_check(const struct am_option *o, const char *s, char why[256])
{
	if (s[0] == '\0') {
		snprintf(why, 256,
		    "the value is empty; give one, or leave the "
		    "key out");
		return -AM_EINVAL;
	}
	switch (o->kind) {
	case AM_OPT_CHOICE:
		return check_choice(o, s, why);
	case AM_OPT_SPAN:
	case AM_OPT_BYTES:
	case AM_OPT_PERCENT:
	case AM_OPT_COUNT:
		return check_number(o, s, why);
	case AM_OPT_POSITION:
		return check_position(s, why);
	case AM_OPT_SECRET: /* never shown: it may be the secret itself */
		if (is_secret(s))
			return 0;
		snprintf(why, 256,
		    "a secret stands here in the clear; write "
		    "file:PATH, credential:NAME or env:NAME");
		return -AM_EINVAL;
	case AM_OPT_URL:
		return check_url(o, s, why);
	default:
		if (is_right(o->kind, s))
			return 0;
		snprintf(why, 256, "'%.60s' %s", s, sentences[o->kind]);
		return -AM_EINVAL;
	}
}
