/*
 * short_link - made and read.
 *
 * No record of the links that were given out: the MAC says that we made it, and
 * its hour that it is still good. Time is told in hours because every digit is
 * one of a text message's.
 */

#include "core/short_link.h"

#include <string.h>

#include "base/hash.h"

#include <amends/complaint.h>

#define DIGITS_MAX 8 /* of hours in base 36; the year 321,000,000 */

static void
mac(const struct am_linkdef *link, struct am_str id, struct am_str hours,
    char out[AM_FU_ID_LEN + 1])
{
	const struct am_str parts[] = { { "amends-link-1", 14 }, id, { "", 1 },
		hours };
	uint8_t full[32];

	am_hmac_sha256(link->secret, parts, 4, full);
	am_fu_id_format(full, out);
}

am_ms
am_short_link_ends(const struct am_linkdef *link, am_ms now)
{
	return ((now + link->ttl) / AM_HOUR + 1) * AM_HOUR;
}

void
am_short_link_add(struct am_buf *out, const struct am_linkdef *link,
    struct am_str id, am_ms now)
{
	char digits[DIGITS_MAX], text[AM_FU_ID_LEN + 1];
	uint64_t hours = (uint64_t)(am_short_link_ends(link, now) / AM_HOUR);
	size_t at = DIGITS_MAX;
	struct am_str said;

	for (; hours > 0 && at > 0; hours /= 36)
		digits[--at] =
		    "0123456789abcdefghijklmnopqrstuvwxyz"[hours % 36];
	said = (struct am_str){ digits + at, DIGITS_MAX - at };
	mac(link, id, said, text);
	am_buf_adds(out, link->url);
	am_buf_adds(out, AM_SHORT_LINK_PATH);
	am_buf_addstr(out, id);
	am_buf_addc(out, '.');
	am_buf_addstr(out, said);
	am_buf_addc(out, '.');
	am_buf_adds(out, text);
}

/* Takes the text behind the last dot off *s; false: there is no dot. */
static bool
cut_last(struct am_str *s, struct am_str *last)
{
	for (size_t n = s->n; n > 0; n--)
		if (s->p[n - 1] == '.') {
			*last = (struct am_str){ s->p + n, s->n - n };
			s->n = n - 1;
			return true;
		}
	return false;
}

/* 0: no number. */
static uint64_t
read_hours(struct am_str s)
{
	uint64_t hours = 0;

	if (s.n == 0 || s.n > DIGITS_MAX)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		if (ch >= '0' && ch <= '9')
			hours = hours * 36 + (uint64_t)(ch - '0');
		else if (ch >= 'a' && ch <= 'z')
			hours = hours * 36 + (uint64_t)(ch - 'a' + 10);
		else
			return 0;
	}
	return hours;
}

int
am_short_link_read(const struct am_linkdef *link, struct am_str tail, am_ms now,
    struct am_str *id)
{
	struct am_str said, hours;
	char want[AM_FU_ID_LEN + 1];
	unsigned differs = 0;

	if (!cut_last(&tail, &said) || !cut_last(&tail, &hours) ||
	    said.n != AM_FU_ID_LEN || !am_complaint_id_ok(tail))
		return -AM_ENOENT;
	mac(link, tail, hours, want);
	for (size_t i = 0; i < AM_FU_ID_LEN; i++)
		differs |= (unsigned)(want[i] ^ said.p[i]);
	if (differs != 0)
		return -AM_ENOENT;
	*id = tail;
	return read_hours(hours) * AM_HOUR > (uint64_t)now ? 0 : -AM_EREFUSED;
}
