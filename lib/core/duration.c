/*
 * duration - `90s 30m 2h 3bd 15d 8w`.
 *
 * One number and one unit. Compound forms (`1h30m`) were rejected: with
 * business days and weeks among the units a sum of them means nothing.
 */

#include <amends/loop.h>

#include <string.h>

/* A hundred years: sums of such spans and instants stay far from the ends. */
#define MAX_DAYS 36525

struct unit {
	const char *suffix;
	enum am_unit unit;
	int64_t each; /* ms, or 1 for business days */
	int64_t max;  /* of the number before it */
};

/* Of one kind the longest first. */
static const struct unit units[] = {
	{ "w", AM_UNIT_DAYS, 7 * AM_DAY, MAX_DAYS / 7 },
	{ "d", AM_UNIT_DAYS, AM_DAY, MAX_DAYS },
	{ "bd", AM_UNIT_BD, 1, MAX_DAYS },
	{ "h", AM_UNIT_TIME, AM_HOUR, MAX_DAYS * 24 },
	{ "m", AM_UNIT_TIME, AM_MINUTE, MAX_DAYS * 24 * 60 },
	{ "s", AM_UNIT_TIME, AM_SECOND, (int64_t)MAX_DAYS * 86400 },
};

int
am_duration_parse(struct am_str s, struct am_duration *d)
{
	int64_t n = 0;
	size_t i = 0;

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		if (n > INT64_MAX / 10 - 1)
			return -AM_EINVAL;
		n = n * 10 + (s.p[i] - '0');
	}
	if (i == 0)
		return -AM_EINVAL;
	for (size_t u = 0; u < AM_COUNT(units); u++) {
		size_t len = strlen(units[u].suffix);

		if (s.n - i != len ||
		    memcmp(s.p + i, units[u].suffix, len) != 0)
			continue;
		if (n > units[u].max)
			return -AM_EINVAL;
		*d = (struct am_duration){ units[u].unit, n * units[u].each };
		return 0;
	}
	return -AM_EINVAL;
}

/* What is no whole second cannot be written in conf, but can come of a share
 * of a budget; it is shown in ms. */
static const struct unit *
longest_exact(struct am_duration d)
{
	static const struct unit parts = { "ms", AM_UNIT_TIME, 1, INT64_MAX };
	const struct unit *exact = &parts;

	for (size_t i = AM_COUNT(units); i > 0; i--) {
		const struct unit *u = &units[i - 1];

		if (u->unit == d.unit && d.n % u->each == 0 &&
		    (d.n != 0 || exact == &parts))
			exact = u;
	}
	return exact;
}

const char *
am_duration_format(struct am_duration d, char *buf)
{
	const struct unit *u = longest_exact(d);
	int64_t count = d.n / u->each;
	uint64_t n = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
	char digits[20], *p = digits + sizeof(digits), *out = buf;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	if (d.n < 0)
		*out++ = '-';
	memcpy(out, p, (size_t)(digits + sizeof(digits) - p));
	out += digits + sizeof(digits) - p;
	memcpy(out, u->suffix, strlen(u->suffix) + 1);
	return buf;
}
