#pragma once

/* time - civil dates and RFC 3339, no clock (layer: base). Proleptic Gregorian.
 */

#include <amends/base.h>

struct am_civil {
	int64_t year;
	int month, day;		  /* 1.. */
	int hour, minute, second; /* 0.. */
	int ms;
	int weekday; /* 0 = Sunday; ignored as input */
};

int32_t am_civil_days(int64_t year, int month, int day); /* since 1970-01-01 */
void am_civil_from_days(int32_t days, int64_t *year, int *month, int *day);
void am_civil_from_ms(am_ms t, struct am_civil *c); /* UTC */
am_ms am_civil_to_ms(const struct am_civil *c);
int am_days_in_month(int64_t year, int month);

/* Both forms of offset; fractions are cut to ms. */
AM_MUSTCHECK int am_rfc3339_parse(struct am_str s, am_ms *t);
/* "2026-11-21T19:35:03.000Z", 24 bytes and a 0; "never" for AM_NEVER. */
void am_rfc3339_format(am_ms t, char out[32]);
/* "2026-11-21 19:35" of t shifted by offset_s, 16 bytes and a 0 */
void am_local_format(am_ms t, int32_t offset_s, char out[32]);
/* "2d 3h", "45m", "30s": two units at most, for people */
void am_span_format(am_ms span, char out[32]);
