/*
 * redact - one pass from left to right: at each place the first of a few
 * readers that knows what begins there says how long it is.
 *
 * It errs on the side of taking out too much: an order number is no loss. A
 * grammar of JSON, HTML and headers was not tried; answers are cut, broken and
 * of all sorts, and names of secrets stand before their values in all of them.
 */

#include "deliver/redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define NUMBER_DIGITS 7
#define SECRET_BYTES_MIN 4 /* a shorter one would hit half of all texts */

struct reader {
	struct am_str text;
	const struct am_str *secrets;
	size_t secrets_n;
};

static char
at(const struct reader *r, size_t i)
{
	return i < r->text.n ? r->text.p[i] : '\0';
}

static bool
begins(const struct reader *r, size_t i, const char *word)
{
	size_t n = strlen(word);

	return r->text.n - i >= n && strncasecmp(r->text.p + i, word, n) == 0;
}

/* Bytes of the digit at i, 0: there is none. Full width ones are 3 bytes. */
static size_t
digit(const struct reader *r, size_t i)
{
	if (isdigit((unsigned char)at(r, i)))
		return 1;
	return at(r, i) == '\xef' && at(r, i + 1) == '\xbc' &&
		       at(r, i + 2) >= '\x90' && at(r, i + 2) <= '\x99'
		   ? 3
		   : 0;
}

static size_t
number(const struct reader *r, size_t from)
{
	size_t end = from, digits = 0, n;

	for (size_t i = from + (at(r, from) == '+'); i < r->text.n; i += n) {
		n = digit(r, i);
		if (n > 0) {
			digits++;
			end = i + n;
			continue;
		}
		/* what groups digits: two of it at most, as in ") " */
		if (strchr(" -.()/", at(r, i)) == NULL || i - end >= 2)
			break;
		n = 1;
	}
	return digits >= NUMBER_DIGITS ? end - from : 0;
}

static bool
is_local(char c)
{
	return isalnum((unsigned char)c) || (c & 0x80) != 0 ||
	       (c != '\0' && strchr("._%+-", c) != NULL);
}

static bool
is_domain(char c)
{
	return isalnum((unsigned char)c) || (c & 0x80) != 0 || c == '.' ||
	       c == '-';
}

static size_t
address(const struct reader *r, size_t from)
{
	size_t i = from, host;

	if (from > 0 && is_local(at(r, from - 1)))
		return 0; /* looked at from its beginning */
	while (is_local(at(r, i)))
		i++;
	if (i == from || at(r, i) != '@')
		return 0;
	for (host = ++i; is_domain(at(r, i));)
		i++;
	return i > host ? i - from : 0;
}

static size_t
own_secret(const struct reader *r, size_t from)
{
	for (size_t i = 0; i < r->secrets_n; i++) {
		struct am_str s = r->secrets[i];

		if (s.n >= SECRET_BYTES_MIN && r->text.n - from >= s.n &&
		    memcmp(r->text.p + from, s.p, s.n) == 0)
			return s.n;
	}
	return 0;
}

/* Bytes of a value that begins at i and ends before one of `ends`. */
static size_t
value(const struct reader *r, size_t i, const char *ends)
{
	size_t n = 0;

	while (i + n < r->text.n && strchr(ends, at(r, i + n)) == NULL)
		n++;
	return n;
}

/* "Bearer TOKEN": the bytes of the word and its blanks; *n of the token. */
static size_t
scheme(const struct reader *r, size_t from, size_t *n)
{
	static const char *const words[] = { "bearer", "basic" };

	for (size_t k = 0; k < AM_COUNT(words); k++) {
		size_t i = from + strlen(words[k]);

		if (!begins(r, from, words[k]) || at(r, i) != ' ')
			continue;
		while (at(r, i) == ' ')
			i++;
		*n = value(r, i, " \t\r\n\"'<>,;&");
		return *n > 0 ? i - from : 0;
	}
	return 0;
}

/* `password": "VALUE"`, `token=VALUE`, `Authorization: VALUE`, alike. */
static size_t
named(const struct reader *r, size_t from, size_t *n)
{
	static const char *const names[] = { "authorization", "token", "secret",
		"password", "passwd", "signature", "credential", "api_key",
		"apikey", "api-key", "access_key", "access-key", "accesskey" };

	for (size_t k = 0; k < AM_COUNT(names); k++) {
		size_t i = from + strlen(names[k]);

		if (!begins(r, from, names[k]))
			continue;
		while (at(r, i) != '\0' && strchr("\"'\\ ", at(r, i)) != NULL)
			i++;
		if (at(r, i) != ':' && at(r, i) != '=')
			continue;
		while (at(r, i) != '\0' && strchr("\"'\\ :=", at(r, i)) != NULL)
			i++;
		/* of a header the scheme, too */
		*n = value(r, i, k == 0 ? "\r\n\"'<>," : " \t\r\n\"'<>,;&\\}");
		return *n > 0 ? i - from : 0;
	}
	return 0;
}

/* What begins at i and must not stay: its bytes, behind *kept that may. */
static size_t
taboo(const struct reader *r, size_t i, size_t *kept, const char **mark)
{
	size_t n = own_secret(r, i);

	*kept = 0;
	*mark = "[secret]";
	if (n > 0)
		return n;
	*kept = scheme(r, i, &n);
	if (*kept > 0)
		return n;
	*kept = named(r, i, &n);
	if (*kept > 0)
		return n;
	*mark = "[address]";
	n = address(r, i);
	if (n > 0)
		return n;
	*mark = "[number]";
	return digit(r, i) > 0 || at(r, i) == '+' ? number(r, i) : 0;
}

/* The character at i, fit for one line; its bytes in the text. */
static size_t
plain(const struct reader *r, size_t i, struct am_buf *piece)
{
	size_t n = am_utf8_char(r->text.p + i, r->text.n - i);
	unsigned char c = (unsigned char)at(r, i);

	if (n > 1) {
		am_buf_add(piece, r->text.p + i, n);
		return n;
	}
	if (c >= 0x20 && c < 0x7f)
		am_buf_addc(piece, (char)c);
	else
		am_buf_addc(piece, c != '\0' && isspace(c) ? ' ' : '?');
	return 1;
}

void
am_redact(struct am_buf *out, struct am_str text, size_t max,
    const struct am_str *secrets, size_t secrets_n)
{
	const struct reader r = { text, secrets, secrets_n };
	size_t i = 0, kept, n, begin = out->n;
	struct am_buf piece;
	const char *mark;

	am_buf_init(&piece);
	while (i < text.n) {
		am_buf_reset(&piece);
		n = taboo(&r, i, &kept, &mark);
		if (n > 0) {
			for (size_t end = i + kept; i < end;)
				i += plain(&r, i, &piece);
			am_buf_adds(&piece, mark);
			i += n;
		} else {
			i += plain(&r, i, &piece);
		}
		if (out->n - begin + piece.n > max)
			break;
		am_buf_addstr(out, am_buf_str(&piece));
	}
	am_buf_fini(&piece);
}
