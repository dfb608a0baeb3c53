/*
 * xml - from '<' to '<'.
 *
 * A library that builds a tree was rejected: it would be the largest parser of
 * outside input in the daemon, for one word of an answer.
 */

#include "deliver/xml.h"

#include <string.h>

#include "base/str.h"

#define BLANKS " \t\r\n"

/* Behind the next `end`; NULL when there is none. */
static const char *
behind(const char *p, const char *stop, const char *end)
{
	const char *at = memmem(p, (size_t)(stop - p), end, strlen(end));

	return at != NULL ? at + strlen(end) : NULL;
}

/* Behind what begins with '<' at p; NULL when it does not end. */
static const char *
skip_tag(const char *p, const char *stop)
{
	const struct am_str rest = { p, (size_t)(stop - p) };

	if (am_str_prefix(rest, "<!--"))
		return behind(p + 4, stop, "-->");
	if (am_str_prefix(rest, "<![CDATA["))
		return behind(p + 9, stop, "]]>");
	for (char quote = 0; p < stop; p++) {
		if (quote != 0)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>')
			return p + 1;
	}
	return NULL;
}

/* Is the tag between '<' at p and `end` a start tag of that name? */
static bool
is_start(const char *p, const char *end, const char *name)
{
	const char *stop = ++p;
	const char *colon;

	while (stop < end && strchr(BLANKS "/>", *stop) == NULL)
		stop++;
	colon = memchr(p, ':', (size_t)(stop - p));
	if (colon != NULL)
		p = colon + 1;
	return am_str_is((struct am_str){ p, (size_t)(stop - p) }, name);
}

bool
am_xml_text(struct am_str body, const char *name, struct am_str *text)
{
	const char *p = body.p, *stop = body.p + body.n, *end;

	while (p != NULL && p < stop &&
	       (p = memchr(p, '<', (size_t)(stop - p))) != NULL) {
		end = skip_tag(p, stop);
		if (end == NULL)
			return false;
		if (!is_start(p, end, name)) {
			p = end;
			continue;
		}
		if (end[-2] == '/') { /* <name/> */
			*text = AM_STR("");
			return true;
		}
		p = memchr(end, '<', (size_t)(stop - end));
		if (p == NULL) /* the answer was cut */
			return false;
		*text = am_str_trim((struct am_str){ end, (size_t)(p - end) });
		return true;
	}
	return false;
}
