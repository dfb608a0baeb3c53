/*
 * str - slices, numbers, UTF-8.
 *
 * Numbers are parsed here and not by strtoll(): that one skips blanks, takes
 * signs and prefixes, minds the locale and needs a terminator.
 */

#include "base/str.h"

#include <string.h>

struct am_str
am_str_c(const char *s)
{
	return (struct am_str){ s, s != NULL ? strlen(s) : 0 };
}

bool
am_str_eq(struct am_str a, struct am_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
am_str_is(struct am_str a, const char *b)
{
	return am_str_eq(a, am_str_c(b));
}

bool
am_str_prefix(struct am_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

int
am_str_cmp(struct am_str a, struct am_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (d != 0)
		return d;
	return (a.n > b.n) - (a.n < b.n);
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct am_str
am_str_trim(struct am_str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

int
am_str_u64(struct am_str s, uint64_t *v)
{
	uint64_t sum = 0;

	if (s.n == 0)
		return -AM_EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (digit > 9)
			return -AM_EINVAL;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return -AM_ERANGE;
	}
	*v = sum;
	return 0;
}

int
am_str_i64(struct am_str s, int64_t *v)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t u;
	int rc;

	if (minus) {
		s.p++;
		s.n--;
	}
	rc = am_str_u64(s, &u);
	if (rc != 0)
		return rc;
	if (u > (uint64_t)INT64_MAX + minus)
		return -AM_ERANGE;
	*v = minus ? (int64_t)(0 - u) : (int64_t)u;
	return 0;
}

int
am_str_bool(struct am_str s, bool *v)
{
	static const char *const words[2][4] = {
		{ "no", "false", "off", "0" },
		{ "yes", "true", "on", "1" },
	};

	for (size_t i = 0; i < 8; i++) {
		if (am_str_is(s, words[i / 4][i % 4])) {
			*v = i / 4 == 1;
			return 0;
		}
	}
	return -AM_EINVAL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
am_hex_parse(struct am_str s, uint8_t *out, size_t n)
{
	if (s.n / 2 != n || s.n % 2 != 0)
		return -AM_EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (hex_digit(s.p[i]) < 0)
			return -AM_EINVAL;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_digit(s.p[2 * i]) << 4 |
				   hex_digit(s.p[2 * i + 1]));
	return 0;
}

/* Overlongs, surrogates and what lies beyond U+10FFFF show in two bytes. */
static bool
utf8_second_ok(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

size_t
am_utf8_char(const char *p, size_t n)
{
	const uint8_t *u = (const uint8_t *)p;
	size_t len;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (n < len || !utf8_second_ok(u[0], u[1]))
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* The 8 bytes at p are ASCII and none is 0: no borrow, no high bit. */
static bool
plain8(const char *p)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return ((w | (w - ones)) & ones << 7) == 0;
}

/* Every field of every event passes here, and most are ASCII. */
bool
am_utf8_ok(struct am_str s)
{
	while (s.n > 0) {
		size_t len = 8;

		if (s.n < 8 || !plain8(s.p)) {
			if (*s.p == '\0')
				return false;
			len = am_utf8_char(s.p, s.n);
			if (len == 0)
				return false;
		}
		s.p += len;
		s.n -= len;
	}
	return true;
}

size_t
am_utf8_len(struct am_str s)
{
	size_t chars = 0;

	for (size_t i = 0; i < s.n; i++)
		chars += ((uint8_t)s.p[i] & 0xc0) != 0x80;
	return chars;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Rows of the optimal string alignment matrix: a swap of neighbours is one. */
size_t
am_str_distance(const char *a, const char *b, size_t limit)
{
	enum { MAX = 64 };
	size_t rows[3][MAX + 1];
	size_t na = strlen(a), nb = strlen(b);
	size_t gap = na > nb ? na - nb : nb - na;

	if (na > MAX || nb > MAX || gap > limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3];
		const size_t *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			row[j] =
			    least(up[j] + 1, row[j - 1] + 1, up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}
	return rows[na % 3][nb] <= limit ? rows[na % 3][nb] : limit + 1;
}
