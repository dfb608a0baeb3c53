/*
 * log - a line is formatted on the stack and leaves in one write().
 *
 * A line is at most one page, and it is written only when poll() says that
 * there is room: a pipe, a socket or a terminal that has any takes a page
 * without blocking. Rejected: O_NONBLOCK, because stderr's description is
 * shared with the shell that started us and outlives us there.
 */

#include "log/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define LINE_BYTES 4096 /* PIPE_BUF: such a write is whole or not at all */
#define VALUE_BYTES 512
#define VALUES_N 8

static struct {
	enum am_log_level max;
	bool prefix;
	uint64_t dropped, told; /* of them a line has told */
	bool torn;		/* the last line has no end */
	bool held;
	char page[LINE_BYTES]; /* lines of one am_log_hold() */
	size_t page_n, page_lines;
} state = { .max = AM_LOG_INFO };

/* systemd names the device and inode of the stream that it gave us. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void
am_log_open(enum am_log_level max, bool prefix)
{
	state.max = max;
	state.prefix = prefix || stderr_is_journal();
}

void
am_log_set(enum am_log_level max)
{
	state.max = max;
}

uint64_t
am_log_dropped(void)
{
	return state.dropped;
}

/* A disk that is full may take a part. */
static bool
put(const char *page, size_t n)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t got;

	if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0)
		return false;
	got = write(STDERR_FILENO, page, n);
	if (got > 0)
		state.torn = (size_t)got < n;
	return got == (ssize_t)n;
}

/* Who reads the log again shall know that he has not seen everything. */
static bool
tell_dropped(void)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s%slog_dropped n=%llu\n",
	    state.torn ? "\n" : "", state.prefix ? "<4>" : "",
	    (unsigned long long)(state.dropped - state.told));

	if (!put(line, (size_t)n))
		return false;
	state.told = state.dropped;
	return true;
}

static void
send_page(const char *page, size_t n, size_t lines)
{
	if ((state.dropped != state.told && !tell_dropped()) || !put(page, n))
		state.dropped += lines;
}

static void
send_line(const char *line, size_t n)
{
	if (!state.held) {
		send_page(line, n, 1);
		return;
	}
	if (state.page_n + n > sizeof(state.page))
		am_log_flush();
	memcpy(state.page + state.page_n, line, n);
	state.page_n += n;
	state.page_lines++;
}

void
am_log_flush(void)
{
	if (state.page_n != 0)
		send_page(state.page, state.page_n, state.page_lines);
	state.page_n = state.page_lines = 0;
}

void
am_log_hold(bool held)
{
	if (!held)
		am_log_flush();
	state.held = held;
}

/* No text, wherever it comes from, may begin a line of its own. */
static void
flatten(char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((uint8_t)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	}
}

/* Where a line of n bytes may be cut so that no character is halved. */
static size_t
cut_at(const char *line, size_t n)
{
	while (n > 0 && ((uint8_t)line[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void
am_log(enum am_log_level level, const char *event, const char *fmt, ...)
{
	char line[LINE_BYTES];
	const size_t room = sizeof(line) - sizeof("...");
	size_t n;
	va_list ap;
	int more;

	if (level > state.max)
		return;
	n = state.prefix ? (size_t)snprintf(line, room, "<%d>", (int)level) : 0;
	n += (size_t)snprintf(
	    line + n, room - n, "%.64s%s", event, fmt[0] != '\0' ? " " : "");
	va_start(ap, fmt);
	more = vsnprintf(line + n, room - n, fmt, ap);
	va_end(ap);
	if (more < 0)
		more = 0;
	if ((size_t)more >= room - n) {
		n = cut_at(line, room - 2);
		memcpy(line + n, "...", 3);
		n += 3;
	} else {
		n += (size_t)more;
	}
	flatten(line, n);
	line[n++] = '\n';
	send_line(line, n);
}

static bool
is_plain(struct am_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return false;
	}
	return s.n > 0 && s.n < VALUE_BYTES && am_utf8_ok(s);
}

/* The first character of s as it stands between quotes; at most 4 bytes. */
static size_t
put_quoted(char *out, struct am_str *s)
{
	size_t len = am_utf8_char(s->p, s->n);
	size_t n = 0;

	if (len == 0) {
		len = 1;
		memcpy(out, "\xef\xbf\xbd", n = 3);
	} else {
		if (*s->p == '"' || *s->p == '\\')
			out[n++] = '\\';
		memcpy(out + n, s->p, len);
		n += len;
	}
	s->p += len;
	s->n -= len;
	return n;
}

const char *
am_log_val(struct am_str s)
{
	static char ring[VALUES_N][VALUE_BYTES];
	static unsigned next;
	char *out = ring[next++ % VALUES_N];
	size_t n = 0;

	if (is_plain(s)) {
		memcpy(out, s.p, s.n);
		out[s.n] = '\0';
		return out;
	}
	out[n++] = '"';
	while (s.n > 0 && n < VALUE_BYTES - 4 - sizeof("...\""))
		n += put_quoted(out + n, &s);
	if (s.n > 0) {
		memcpy(out + n, "...", 3);
		n += 3;
	}
	out[n++] = '"';
	flatten(out, n);
	out[n] = '\0';
	return out;
}

enum am_log_level
am_log_level_parse(const char *name)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum am_log_level level;
	} names[] = {
		{ "error",  AM_LOG_ERR },
		{ "warn",   AM_LOG_WARN },
		{ "notice", AM_LOG_NOTICE },
		{ "debug",  AM_LOG_DEBUG },
	};
	/* clang-format on */

	for (size_t i = 0; name != NULL && i < AM_COUNT(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].level;
	return AM_LOG_INFO;
}
