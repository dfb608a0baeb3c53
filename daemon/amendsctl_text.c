/*
 * amendsctl_text - words, widths and times for people.
 *
 * Answers are UTF-8 whatever the user's locale is: widths are counted in
 * C.UTF-8 when the locale is none of UTF-8. What comes from outside (an
 * endpoint's error, a category) may hold control bytes that would drive the
 * terminal, or marks that turn its text around: they never reach it.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "daemon/amendsctl.h"

#include "base/str.h"
#include "base/time.h"

/* Beyond a thousand years nobody counts. */
#define SPAN_MAX (1000 * 366 * AM_DAY)

static size_t
term_width(bool tty)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	uint64_t n;

	if (columns != NULL && am_str_u64(am_str_c(columns), &n) == 0 &&
	    n >= 20 && n <= 10000)
		return (size_t)n;
	if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 &&
	    ws.ws_col >= 20)
		return ws.ws_col;
	return 0;
}

/* Does the locale read UTF-8? Asked by a character, for <langinfo.h> has an
 * AM_STR of its own. */
static bool
locale_is_utf8(void)
{
	mbstate_t state = { 0 };
	wchar_t c;

	return mbrtowc(&c, "\xe2\x80\xa6", 3, &state) == 3 && c == 0x2026;
}

void
am_term_init(struct am_term *t)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool tty = isatty(STDOUT_FILENO);
	struct timespec now;

	setlocale(LC_CTYPE, "");
	t->utf8 = locale_is_utf8();
	if (!t->utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
	t->colour = tty && (no_color == NULL || no_color[0] == '\0') &&
		    (term == NULL || strcmp(term, "dumb") != 0);
	t->width = term_width(tty);
	clock_gettime(CLOCK_REALTIME, &now);
	t->now = (am_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	tzset();
}

const char *
am_hue_on(const struct am_term *t, enum am_hue hue)
{
	static const char *const codes[] = {
		[AM_HUE_NONE] = "",
		[AM_HUE_BOLD] = "\033[1m",
		[AM_HUE_DIM] = "\033[2m",
		[AM_HUE_RED] = "\033[31m",
		[AM_HUE_GREEN] = "\033[32m",
		[AM_HUE_YELLOW] = "\033[33m",
	};

	return t->colour ? codes[hue] : "";
}

const char *
am_hue_off(const struct am_term *t, enum am_hue hue)
{
	return t->colour && hue != AM_HUE_NONE ? "\033[0m" : "";
}

/* The next character of s at *i; 0xfffd for what is no UTF-8. */
static wchar_t
next_char(struct am_str s, size_t *i)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, s.p + *i, s.n - *i, &state);

	if (n == 0 || n > s.n - *i) {
		*i += 1;
		return n == 0 ? 0 : 0xfffd;
	}
	*i += n;
	return c;
}

/* Would it move the cursor or turn the text? */
static bool
is_unfit(wchar_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029 ||
	       wcwidth(c) < 0;
}

void
am_text_clean(struct am_buf *b, struct am_str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t start = i;
		wchar_t c = next_char(s, &i);

		if (c == '\n' || c == '\t')
			am_buf_addc(b, ' ');
		else if (c == 0xfffd || is_unfit(c))
			am_buf_addc(b, '?');
		else
			am_buf_add(b, s.p + start, i - start);
	}
}

static size_t
char_width(wchar_t c)
{
	int w = wcwidth(c);

	return w < 0 ? 1 : (size_t)w;
}

size_t
am_text_width(struct am_str s)
{
	size_t width = 0;

	for (size_t i = 0; i < s.n;)
		width += char_width(next_char(s, &i));
	return width;
}

/* Bytes of s that fit into width columns. */
static size_t
fitting(struct am_str s, size_t width)
{
	size_t i = 0, used = 0;

	while (i < s.n) {
		size_t next = i;
		size_t w = char_width(next_char(s, &next));

		if (used + w > width)
			break;
		used += w;
		i = next;
	}
	return i;
}

void
am_text_fit(
    struct am_buf *b, const struct am_term *t, struct am_str s, size_t width)
{
	const char *mark = t->utf8 ? "\xe2\x80\xa6" : "~";

	if (am_text_width(s) <= width) {
		am_buf_addstr(b, s);
		return;
	}
	if (width == 0)
		return;
	am_buf_add(b, s.p, fitting(s, width - 1));
	am_buf_adds(b, mark);
}

void
am_text_wrap(const struct am_term *t, size_t indent, struct am_str s)
{
	size_t room = t->width > indent + 10 ? t->width - indent : SIZE_MAX;

	while (am_text_width(s) > room) {
		size_t n = fitting(s, room), cut = n;

		while (cut > 0 && s.p[cut] != ' ')
			cut--;
		if (cut == 0)
			cut = n; /* one long word, or text without blanks */
		printf("%.*s\n%*s", (int)cut, s.p, (int)indent, "");
		cut += cut < s.n && s.p[cut] == ' ';
		s = (struct am_str){ s.p + cut, s.n - cut };
	}
	printf("%.*s\n", AM_ARG(s));
}

void
am_text_span(char out[32], am_ms span, bool days)
{
	static const struct {
		am_ms ms;
		char name;
	} units[] = { { AM_DAY, 'd' }, { AM_HOUR, 'h' }, { AM_MINUTE, 'm' },
		{ AM_SECOND, 's' } };
	size_t i = days ? 0 : 1, last = AM_COUNT(units) - 1;
	const char *sign = span < 0 ? "-" : "";
	am_ms first, second;

	if (span < -SPAN_MAX || span > SPAN_MAX)
		span = SPAN_MAX;
	if (span < 0)
		span = -span;
	if (span > 0 && span < AM_SECOND) {
		snprintf(out, 32, "%s%dms", sign, (int)span);
		return;
	}
	while (i < last && span < units[i].ms)
		i++;
	first = span / units[i].ms;
	second = i < last ? span % units[i].ms / units[i + 1].ms : 0;
	if (second > 0)
		snprintf(out, 32, "%s%d%c %d%c", sign, (int)first,
		    units[i].name, (int)second, units[i + 1].name);
	else
		snprintf(
		    out, 32, "%s%lld%c", sign, (long long)first, units[i].name);
}

void
am_text_when(char out[40], const struct am_term *t, am_ms at)
{
	am_ms span = at - t->now, size = span < 0 ? -span : span;
	char text[32];

	/* seconds beside minutes are noise: a minute is what people plan by */
	if (size >= AM_MINUTE && size < AM_HOUR)
		size -= size % AM_MINUTE;
	am_text_span(text, size, true);
	if (size < AM_SECOND)
		snprintf(out, 40, "now");
	else if (span > 0)
		snprintf(out, 40, "in %s", text);
	else
		snprintf(out, 40, "%s ago", text);
}

__attribute__((format(strftime, 2, 0))) static void
format_local(char out[32], const char *format, am_ms at)
{
	time_t s = (time_t)(at / 1000);
	struct tm tm;

	if (localtime_r(&s, &tm) == NULL || strftime(out, 32, format, &tm) == 0)
		snprintf(out, 32, "?");
}

void
am_text_local(char out[32], am_ms at)
{
	format_local(out, "%Y-%m-%d %H:%M", at);
}

void
am_text_second(char out[32], am_ms at)
{
	format_local(out, "%Y-%m-%d %H:%M:%S", at);
}

void
am_text_day(char out[32], am_ms at)
{
	format_local(out, "%a %Y-%m-%d %H:%M", at);
}

void
am_text_day_second(char out[32], am_ms at)
{
	format_local(out, "%a %Y-%m-%d %H:%M:%S", at);
}

void
am_text_both(char out[80], const struct am_term *t, am_ms at)
{
	char when[40], local[32];

	am_text_when(when, t, at);
	am_text_local(local, at);
	snprintf(out, 80, "%s (%s)", local, when);
}

void
am_text_bytes(char out[32], int64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out, 32, "%d B", (int)bytes);
		return;
	}
	while (v >= 1024 && i + 1 < AM_COUNT(units)) {
		v /= 1024;
		i++;
	}
	snprintf(out, 32, "%.1f %s", v, units[i]);
}

/* ---- journal lines ---- */

static void
history_local(const void *arg, char out[32], am_ms at)
{
	(void)arg;
	am_text_local(out, at);
}

void
am_history_words(struct am_buf *b, const json_t *line)
{
	const struct am_history h = { .local = history_local };

	am_history_say(b, line, &h);
}
