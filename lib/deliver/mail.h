#pragma once

/*
 * mail - a follow-up as a message of RFC 5322 and MIME (layer: deliver). Sends
 * nothing.
 *
 * UTF-8 throughout: the subject as encoded words of RFC 2047, the text in
 * base64. The same follow-up gives the same bytes: Date is when it was fired,
 * Message-ID is made of its id and the sender's domain.
 */

#include "base/buf.h"

#define AM_MAIL_ADDRESS_MAX 254 /* RFC 5321, 4.5.3.1.3 without the brackets */

struct am_mail {
	struct am_str from; /* "ADDRESS" or "NAME <ADDRESS>" */
	struct am_str to;   /* ADDRESS */
	struct am_str subject, text;
	const char *id; /* the follow-up's text id */
	am_ms fired_at;
};

/* ADDRESS of "ADDRESS" or "NAME <ADDRESS>"; -AM_EINVAL when it is none that may
 * go into a command of SMTP: ASCII, one @, nothing that ends a line. */
AM_MUSTCHECK int am_mail_address(struct am_str s, struct am_str *address);

/* Append the message, lines ended by CRLF. -AM_EINVAL: from or to is no
 * address. */
AM_MUSTCHECK int am_mail_format(const struct am_mail *m, struct am_buf *out);
