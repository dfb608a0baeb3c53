/*
 * retry_after - curl_getdate() reads all three date forms of RFC 9110, and
 * much more; so a date must begin as one of them does, with a weekday.
 */

#include "deliver/retry_after.h"

#include <ctype.h>
#include <string.h>

#include <curl/curl.h>

#include "base/str.h"

#define DATE_BYTES 64

/* Stops growing at max, so that no number of digits overflows. */
static am_ms
seconds(struct am_str s, am_ms max)
{
	am_ms v = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return 0;
		if (v <= max / 10)
			v = v * 10 + (s.p[i] - '0') * AM_SECOND;
		else
			v = max;
	}
	return v;
}

static am_ms
date(struct am_str s, am_ms now)
{
	char text[DATE_BYTES];
	time_t t;

	if (s.n < 4 || s.n >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	t = curl_getdate(text, NULL);
	if (t == (time_t)-1 || (am_ms)t > INT64_MAX / 2 / AM_SECOND)
		return 0;
	return (am_ms)t * AM_SECOND - now;
}

am_ms
am_retry_after(struct am_str text, am_ms now, am_ms max)
{
	struct am_str s = am_str_trim(text);
	am_ms span = 0;

	if (s.n == 0 || max <= 0)
		return 0;
	if (max > INT64_MAX / 2)
		max = INT64_MAX / 2;
	if (isdigit((unsigned char)s.p[0]))
		span = seconds(s, max);
	else if (isalpha((unsigned char)s.p[0]))
		span = date(s, now);
	if (span < 0)
		return 0;
	return span < max ? span : max;
}
