/*
 * mail - headers and body of one message.
 *
 * libcurl's own MIME interface was not taken: it makes a boundary by chance at
 * each attempt, and one follow-up is to give the same bytes each time. Base64
 * for all texts: quoted-printable is longer for Chinese, and 8BITMIME is not
 * everywhere.
 */

#include "deliver/mail.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

#define LINE_BYTES 57 /* 76 characters of base64 */
#define WORD_BYTES 39 /* with "Subject: " a line has at most 76 characters */

static bool
is_atext(char c)
{
	return (unsigned char)c > 0x20 && (unsigned char)c < 0x7f &&
	       strchr("<>()[]\\,;:\"", c) == NULL;
}

int
am_mail_address(struct am_str s, struct am_str *address)
{
	struct am_str a = am_str_trim(s);
	const char *open, *at;

	for (size_t i = 0; i < a.n; i++) {
		if ((uint8_t)a.p[i] < 0x20)
			return -AM_EINVAL;
	}
	if (a.n == 0)
		return -AM_EINVAL;
	open = memchr(a.p, '<', a.n);
	if (open != NULL) {
		if (a.p[a.n - 1] != '>')
			return -AM_EINVAL;
		a.n = (size_t)(a.p + a.n - 1 - (open + 1));
		a.p = open + 1;
	}
	at = memchr(a.p, '@', a.n);
	if (at == NULL || at == a.p || at == a.p + a.n - 1 ||
	    a.n > AM_MAIL_ADDRESS_MAX)
		return -AM_EINVAL;
	for (size_t i = 0; i < a.n; i++) {
		if (!is_atext(a.p[i]) || (a.p[i] == '@' && a.p + i != at))
			return -AM_EINVAL;
	}
	*address = a;
	return 0;
}

static void
add_base64(struct am_buf *out, const char *p, size_t n)
{
	unsigned char text[4 * ((LINE_BYTES + 2) / 3) + 1];

	AM_ASSERT(n <= LINE_BYTES);
	EVP_EncodeBlock(text, (const unsigned char *)p, (int)n);
	am_buf_adds(out, (const char *)text);
}

/* As much of s as stands on one line, whole characters. */
static size_t
piece(struct am_str s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	while (n < s.n && n > 1 && ((uint8_t)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool
is_plain(struct am_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((uint8_t)s.p[i] < 0x20 || (uint8_t)s.p[i] >= 0x7f)
			return false;
	}
	return s.n < 60 && memmem(s.p, s.n, "=?", 2) == NULL;
}

/* One line of plain words, or encoded words; what would end the line is a
 * blank. */
static void
add_words(struct am_buf *out, struct am_str s)
{
	struct am_buf clean;
	struct am_str rest;
	const char *fold = "";

	if (is_plain(s)) {
		am_buf_addstr(out, s);
		return;
	}
	am_buf_init(&clean);
	for (size_t i = 0; i < s.n; i++)
		am_buf_addc(&clean,
		    (uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i]);
	rest = am_buf_str(&clean);
	while (rest.n > 0) {
		size_t n = piece(rest, WORD_BYTES);

		am_buf_adds(out, fold);
		am_buf_adds(out, "=?UTF-8?B?");
		add_base64(out, rest.p, n);
		am_buf_adds(out, "?=");
		rest.p += n;
		rest.n -= n;
		fold = "\r\n ";
	}
	am_buf_fini(&clean);
}

static void
add_date(struct am_buf *out, am_ms t)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct am_civil c;

	am_civil_from_ms(t, &c);
	am_buf_addf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n",
	    days[c.weekday], c.day, months[c.month - 1], (int)c.year, c.hour,
	    c.minute, c.second);
}

/* NAME of "NAME <ADDRESS>". */
static void
add_from(struct am_buf *out, struct am_str from, struct am_str address)
{
	const char *open = memchr(from.p, '<', from.n);
	struct am_str name = { from.p, 0 };

	am_buf_adds(out, "From: ");
	if (open != NULL)
		name.n = (size_t)(open - from.p);
	name = am_str_trim(name);
	if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
		name = (struct am_str){ name.p + 1, name.n - 2 };
	if (name.n > 0 && is_plain(name)) {
		am_buf_addc(out, '"'); /* a dot or comma needs them */
		for (size_t i = 0; i < name.n; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				am_buf_addc(out, '\\');
			am_buf_addc(out, name.p[i]);
		}
		am_buf_adds(out, "\" ");
	} else if (name.n > 0) {
		add_words(out, name);
		am_buf_addc(out, ' ');
	}
	am_buf_addf(out, "<%.*s>\r\n", AM_ARG(address));
}

/* Lines of text end in CRLF before they are encoded, RFC 2046 4.1.1. */
static void
add_text(struct am_buf *out, struct am_str text)
{
	struct am_buf lines;
	struct am_str rest;

	am_buf_init(&lines);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
			am_buf_addc(&lines, '\r');
		am_buf_addc(&lines, text.p[i]);
	}
	am_buf_adds(&lines, "\r\n");
	rest = am_buf_str(&lines);
	while (rest.n > 0) {
		size_t n = rest.n < LINE_BYTES ? rest.n : LINE_BYTES;

		add_base64(out, rest.p, n);
		am_buf_adds(out, "\r\n");
		rest.p += n;
		rest.n -= n;
	}
	am_buf_fini(&lines);
}

int
am_mail_format(const struct am_mail *m, struct am_buf *out)
{
	struct am_str from, to, domain;

	if (am_mail_address(m->from, &from) != 0 ||
	    am_mail_address(m->to, &to) != 0)
		return -AM_EINVAL;
	domain.p = (const char *)memchr(from.p, '@', from.n) + 1;
	domain.n = (size_t)(from.p + from.n - domain.p);
	add_date(out, m->fired_at);
	add_from(out, m->from, from);
	am_buf_addf(out, "To: <%.*s>\r\n", AM_ARG(to));
	am_buf_adds(out, "Subject: ");
	add_words(out, m->subject);
	am_buf_addf(
	    out, "\r\nMessage-ID: <%s@%.*s>\r\n", m->id, AM_ARG(domain));
	am_buf_adds(out, "MIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: base64\r\n"
			 "Auto-Submitted: auto-generated\r\n"
			 "\r\n");
	add_text(out, m->text);
	return 0;
}
