/*
 * dash_html - see dash_html.h. The one place where text becomes markup.
 */

#include "ops/dash_html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "base/time.h"
#include "ops/dash_text.h"

#define REPLACEMENT "\xef\xbf\xbd"

void
am_h(const struct am_html *h, const char *markup)
{
	am_buf_adds(h->b, markup);
}

/* The code point of a valid character of n bytes. */
static uint32_t
code_point(const unsigned char *p, size_t n)
{
	uint32_t c;

	if (n == 1)
		return p[0];
	c = p[0] & (0x3fu >> (n - 1));
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* Would HTML refuse it, or would it turn the text around it? */
static bool
is_unfit(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	       (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
	case '\r':
		return " ";
	default:
		return NULL;
	}
}

void
am_h_text(const struct am_html *h, struct am_str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t n = am_utf8_char(s.p + i, s.n - i);
		const char *e = entity(s.p[i]);

		if (e != NULL)
			am_buf_adds(h->b, e);
		else if (n == 0 || is_unfit(code_point(
				       (const unsigned char *)s.p + i, n)))
			am_buf_adds(h->b, REPLACEMENT);
		else
			am_buf_add(h->b, s.p + i, n);
		i += n > 0 ? n : 1;
	}
}

void
am_h_c(const struct am_html *h, const char *s)
{
	am_h_text(h, am_str_c(s));
}

const char *
am_h_t(const struct am_html *h, const char *en)
{
	return am_dash_text(h->d->lang, en);
}

void
am_h_say(const struct am_html *h, const char *en, ...)
{
	const char *p = am_h_t(h, en), *arg;
	va_list ap;

	va_start(ap, en);
	for (const char *hole; (hole = strstr(p, "{}")) != NULL; p = hole + 2) {
		am_h_text(h, (struct am_str){ p, (size_t)(hole - p) });
		arg = va_arg(ap, const char *);
		AM_ASSERT(arg != NULL);
		am_h_c(h, arg);
	}
	va_end(ap);
	am_h_c(h, p);
}

void
am_h_n(const struct am_html *h, int64_t n)
{
	char digits[24];
	int len;

	if (n < 0) {
		am_h(h, "\xe2\x80\x93");
		return;
	}
	len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
	for (int i = 0; i < len; i++) {
		am_buf_addc(h->b, digits[i]);
		if ((len - i) % 3 == 1 && i + 1 < len && len > 4)
			am_h(h, "\xe2\x80\xaf"); /* a narrow blank */
	}
}

void
am_h_word_str(const struct am_html *h, struct am_str word)
{
	char said[64];

	am_h_text(h, am_speak(h->d->lang, word, said));
}

const char *
am_h_spoken(const struct am_html *h, const char *word, char out[128])
{
	char said[64];
	struct am_str s = am_speak(h->d->lang, am_str_c(word), said);

	snprintf(out, 128, "%.*s", AM_ARG(s));
	return out;
}

void
am_h_word(const struct am_html *h, const char *word)
{
	am_h_word_str(h, am_str_c(word));
}

void
am_h_sign(const struct am_html *h, const char *sign)
{
	am_buf_addf(h->b,
	    "<svg class=\"i i-%s\" aria-hidden=\"true\" focusable=\"false\" "
	    "width=\"16\" height=\"16\"><use href=\"#i-%s\"/></svg>",
	    sign, sign);
}

/* ---- what is not known ---- */

const struct am_census *
am_dash_census(const struct am_sample *s)
{
	const struct am_census *c = s->census;

	return c != NULL && c->missing_n > 0 && c->missing_n >= c->shards_n
		   ? NULL
		   : c;
}

void
am_h_uncounted(const struct am_html *h)
{
	am_h_say(h, h->s->redis.up ? "being counted" : "not known", NULL);
}

/* ---- links ---- */

void
am_h_href(const struct am_html *h, struct am_str id)
{
	const char *before = "?";

	am_h(h, "/");
	if (h->d->lang_said) {
		am_buf_addf(
		    h->b, "?lang=%s", h->d->lang == AM_LANG_ZH ? "zh" : "en");
		before = "&amp;";
	}
	if (id.n == 0)
		return;
	am_buf_addf(h->b, "%sid=", before);
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.' || c == '~')
			am_buf_addc(h->b, c);
		else
			am_buf_addf(h->b, "%%%02X", (unsigned char)c);
	}
}

void
am_h_case(const struct am_html *h, const char *id)
{
	am_h(h, "<a class=\"id\" href=\"");
	am_h_href(h, am_str_c(id));
	am_h(h, "\"><bdi>");
	am_h_c(h, id);
	am_h(h, "</bdi></a>");
}

/* ---- time ---- */

/* The zone's, or this process's own. */
static int32_t
offset_s(const struct am_dash *d, am_ms at)
{
	time_t s = (time_t)(at / 1000);
	struct tm tm;

	if (d->zone != NULL)
		return am_zone_offset(d->zone, at);
	return localtime_r(&s, &tm) != NULL ? (int32_t)tm.tm_gmtoff : 0;
}

void
am_dash_local(const struct am_dash *d, char out[32], am_ms at)
{
	am_local_format(at, offset_s(d, at), out);
}

void
am_dash_clock(const struct am_dash *d, char out[32], am_ms at)
{
	struct am_civil c;

	am_civil_from_ms(at + offset_s(d, at) * AM_SECOND, &c);
	snprintf(out, 32, "%02d:%02d:%02d", c.hour, c.minute, c.second);
}

const char *
am_h_span(const struct am_html *h, char out[48], am_ms span)
{
	static const char *const units[AM_LANGS_N][3] = {
		[AM_LANG_EN] = { "d", "h", "m" },
		[AM_LANG_ZH] = { " 天", " 小时", " 分钟" },
	};
	const char *const *u = units[h->d->lang];
	long long minutes = span < 0 ? 0 : (long long)(span / AM_MINUTE);
	long long days = minutes / 1440, hours = minutes / 60 % 24;

	minutes %= 60;
	if (days >= 10)
		snprintf(out, 48, "%lld%s", days, u[0]);
	else if (days > 0 && hours > 0)
		snprintf(out, 48, "%lld%s %lld%s", days, u[0], hours, u[1]);
	else if (days > 0)
		snprintf(out, 48, "%lld%s", days, u[0]);
	else if (hours > 0 && minutes > 0)
		snprintf(out, 48, "%lld%s %lld%s", hours, u[1], minutes, u[2]);
	else if (hours > 0)
		snprintf(out, 48, "%lld%s", hours, u[1]);
	else if (minutes > 0)
		snprintf(out, 48, "%lld%s", minutes, u[2]);
	else
		snprintf(out, 48, "%s", am_h_t(h, "<1m"));
	return out;
}

/*
 * Distances count from the full minute: all of them change at once, and a page
 * that is told of changes has peace for the rest of it.
 */
static am_ms
minute(const struct am_html *h)
{
	return h->s->at - h->s->at % AM_MINUTE;
}

static void
time_begin(const struct am_html *h, am_ms at)
{
	char text[32];

	am_rfc3339_format(at, text);
	am_buf_addf(h->b, "<time datetime=\"%s\"", text);
	am_dash_local(h->d, text, at);
	am_buf_addf(h->b, " title=\"%s\">", text);
}

void
am_h_far(const struct am_html *h, am_ms at)
{
	am_ms far = at - minute(h);
	char span[48];

	time_begin(h, at);
	am_h_c(h, am_h_span(h, span, far < 0 ? -far : far));
	am_h(h, "</time>");
}

void
am_h_when(const struct am_html *h, am_ms at)
{
	am_ms far = at - minute(h);
	char span[48];

	time_begin(h, at);
	if (far > -AM_MINUTE && far < AM_MINUTE)
		am_h_say(h, at <= h->s->at ? "just now" : "now", NULL);
	else if (far > 0)
		am_h_say(h, "in {}", am_h_span(h, span, far), NULL);
	else
		am_h_say(h, "{} ago", am_h_span(h, span, -far), NULL);
	am_h(h, "</time>");
}

void
am_h_at(const struct am_html *h, am_ms at)
{
	char text[32];

	time_begin(h, at);
	am_dash_local(h->d, text, at);
	am_h_c(h, text);
	am_h(h, "</time>");
}
