#pragma once

/*
 * reach - by what a person is reached: a telephone number or a mail address,
 * in one spelling each, and in one that logs may show (layer: base).
 */

#include <amends/base.h>

#define AM_PHONE_MAX 16	 /* '+' and 15 digits (E.164) */
#define AM_EMAIL_MAX 254 /* RFC 5321 */

/*
 * "+86 138-0013-8000", "0086 13800138000" and "+44 (0)20 7946 0958" to E.164;
 * -AM_EINVAL for what has no country code, an extension or a letter.
 */
AM_MUSTCHECK int am_phone_parse(struct am_str s, char out[AM_PHONE_MAX + 1]);
/* "A@B.example" to lower case; -AM_EINVAL for what is no one address. */
AM_MUSTCHECK int am_email_parse(struct am_str s, char out[AM_EMAIL_MAX + 1]);

/* What may be shown of either, or of what is neither: "+86***00", "a***@***",
 * "***". out has at least AM_MASKED_MAX bytes. */
#define AM_MASKED_MAX 16
const char *am_reach_mask(struct am_str s, char out[AM_MASKED_MAX]);
