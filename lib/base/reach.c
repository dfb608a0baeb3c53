/*
 * reach - see reach.h.
 *
 * A number without a country code is refused and not completed by one of
 * conf's: what is a local number here is somebody else's in another country,
 * and they would get the text.
 */

#include "base/reach.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define PHONE_MIN_DIGITS 7

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What people write between digits. */
static bool
is_gap(char c)
{
	return c != '\0' && strchr(" -./()\t", c) != NULL;
}

/* The prefix that is dialled inside of a country only: "+44 (0)20". */
static bool
is_trunk(struct am_str s, size_t i)
{
	return am_str_prefix((struct am_str){ s.p + i, s.n - i }, "(0)");
}

int
am_phone_parse(struct am_str s, char out[AM_PHONE_MAX + 1])
{
	char digits[AM_PHONE_MAX];
	size_t n = 0;

	s = am_str_trim(s);
	if (am_str_prefix(s, "+"))
		s = (struct am_str){ s.p + 1, s.n - 1 };
	else if (am_str_prefix(s, "00"))
		s = (struct am_str){ s.p + 2, s.n - 2 };
	else
		return -AM_EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (is_trunk(s, i)) {
			i += 2;
			continue;
		}
		if (is_gap(s.p[i]))
			continue;
		if (!is_digit(s.p[i]) || n == AM_PHONE_MAX - 1)
			return -AM_EINVAL;
		digits[n++] = s.p[i];
	}
	if (n < PHONE_MIN_DIGITS || digits[0] == '0')
		return -AM_EINVAL;
	out[0] = '+';
	memcpy(out + 1, digits, n);
	out[n + 1] = '\0';
	return 0;
}

/* Of an address as gateways take it: no quotes, no comments, no list. */
static bool
is_mail_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	       strchr("\"(),:;<>@[\\]", c) == NULL;
}

int
am_email_parse(struct am_str s, char out[AM_EMAIL_MAX + 1])
{
	size_t at = 0;

	s = am_str_trim(s);
	if (s.n > AM_EMAIL_MAX)
		return -AM_EINVAL;
	while (at < s.n && s.p[at] != '@')
		at++;
	if (at == 0 || at > 64 || at + 1 >= s.n || s.p[at + 1] == '.' ||
	    s.p[s.n - 1] == '.')
		return -AM_EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (i != at && !is_mail_char(s.p[i]))
			return -AM_EINVAL;
	}
	for (size_t i = 0; i < s.n; i++) {
		bool upper = s.p[i] >= 'A' && s.p[i] <= 'Z';

		out[i] = upper ? (char)(s.p[i] + ('a' - 'A')) : s.p[i];
	}
	out[s.n] = '\0';
	return 0;
}

const char *
am_reach_mask(struct am_str s, char out[AM_MASKED_MAX])
{
	char parsed[AM_EMAIL_MAX + 1];
	size_t n;

	if (am_phone_parse(s, parsed) == 0) {
		n = strlen(parsed);
		snprintf(
		    out, AM_MASKED_MAX, "%.3s***%s", parsed, parsed + n - 2);
	} else if (am_email_parse(s, parsed) == 0) {
		/* a byte of a longer character is none */
		n = am_utf8_char(parsed, strlen(parsed));
		snprintf(out, AM_MASKED_MAX, "%.*s***@***", (int)n, parsed);
	} else {
		snprintf(out, AM_MASKED_MAX, "***");
	}
	return out;
}
