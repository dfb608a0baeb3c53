/*
 * amendsctl_conn - one command, one answer, blocking: this program has nothing
 * else to do meanwhile. A line that holds a top-level boolean "ok" ends the
 * answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

static am_ms
mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* On stderr, or into the end's text. */
static void say(struct am_ask_end *end, const char *fmt, ...) AM_PRINTF(2, 3);

static void
say(struct am_ask_end *end, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(end->text, sizeof(end->text), fmt, ap);
	va_end(ap);
	if (!end->quiet)
		fprintf(stderr, "amendsctl: %s\n", end->text);
}

static enum am_ask
unreachable(const char *path, int err, struct am_ask_end *end)
{
	if (err == EACCES || err == EPERM) {
		say(end,
		    "you may not open %s; become a member of the group that "
		    "owns it, or use sudo",
		    path);
		return AM_ASK_REFUSED;
	}
	say(end,
	    "no daemon answers on %s (%s); start amendsd, or name its socket "
	    "with --socket PATH",
	    path, strerror(err));
	return AM_ASK_UNREACHABLE;
}

static int
dial(const char *path, enum am_ask *why, struct am_ask_end *end)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		*why = unreachable(path, ENAMETOOLONG, end);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	*why = unreachable(path, errno, end);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A line on the terminal while nothing is heard, gone when something is. */
struct hourglass {
	bool on, shown;
	am_ms since;
};

static void
hourglass_turn(struct hourglass *h)
{
	long long s = (mono_now() - h->since) / AM_SECOND;

	if (!h->on || s < 1)
		return;
	h->shown = true;
	fprintf(stderr, "\rwaiting for the answer, %lld s", s);
	fflush(stderr);
}

static void
hourglass_clear(struct hourglass *h)
{
	if (h->shown)
		fputs("\r\033[K", stderr);
	h->shown = false;
	h->since = mono_now();
}

/* Bytes read, 0 at the end, -1 with errno (ETIMEDOUT: silence). */
static ssize_t
read_some(int fd, char *p, size_t n, am_ms until, struct hourglass *h)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t got;

	for (;;) {
		am_ms left = until == AM_NEVER ? AM_SECOND : until - mono_now();
		int rc;

		if (left < 0)
			left = 0;
		rc = poll(&pfd, 1, (int)(left < AM_SECOND ? left : AM_SECOND));
		if (rc == 0 && (until == AM_NEVER || mono_now() < until)) {
			hourglass_turn(h);
			continue;
		}
		if (rc == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (rc < 0 && errno != EINTR)
			return -1;
		if (rc < 0)
			continue;
		got = read(fd, p, n);
		if (got >= 0 || errno != EINTR)
			return got;
	}
}

static void
end_fill(struct am_ask_end *end, const json_t *json)
{
	struct am_str text = am_json_str(json, "error");

	if (text.n == 0)
		text = am_json_str(json, "note");
	end->code = (int)am_json_int(json, "code");
	if (!am_json_true(json, "ok") && end->code == 0)
		end->code = AM_EXIT_FAILED;
	snprintf(end->text, sizeof(end->text), "%.*s", AM_ARG(text));
}

/* Give what lines are there; true when the status line was among them. */
static bool
give_lines(struct am_buf *b, am_ask_row *row, void *arg, struct am_ask_end *end)
{
	size_t from = 0;
	bool done = false;
	char *nl;

	while (!done && (nl = memchr(b->p + from, '\n', b->n - from)) != NULL) {
		struct am_str line = { b->p + from,
			(size_t)(nl - b->p) - from };
		json_t *json = json_loadb(line.p, line.n, 0, NULL);

		from = (size_t)(nl - b->p) + 1;
		done = json_is_boolean(json_object_get(json, "ok")) &&
		       json_is_integer(json_object_get(json, "code"));
		if (done)
			end_fill(end, json);
		else
			row(arg, line, json);
		json_decref(json);
	}
	memmove(b->p, b->p + from, b->n - from);
	b->n -= from;
	return done;
}

enum am_ask
am_ask(const char *path, struct am_str line, am_ms timeout_ms, am_ask_row *row,
    void *arg, struct am_ask_end *end)
{
	am_ms until = timeout_ms > 0 ? mono_now() + timeout_ms : AM_NEVER;
	enum am_ask rc = AM_ASK_UNREACHABLE;
	struct am_buf b;
	ssize_t n = 0;
	struct hourglass h = { .on = !end->quiet && isatty(STDERR_FILENO),
		.since = mono_now() };
	int fd = dial(path, &rc, end);

	if (fd < 0)
		return rc;
	am_buf_init(&b);
	/* a daemon that turns us away may have closed already: its word is
	 * still to be read, so what send() says does not matter */
	(void)!send(fd, line.p, line.n, MSG_NOSIGNAL);
	for (;;) {
		am_buf_reserve(&b, 1 << 16);
		n = read_some(fd, b.p + b.n, b.cap - b.n, until, &h);
		hourglass_clear(&h);
		if (n <= 0)
			break;
		b.n += (size_t)n;
		if (give_lines(&b, row, arg, end)) {
			rc = AM_ASK_DONE;
			break;
		}
		if (timeout_ms > 0)
			until = mono_now() + timeout_ms;
	}
	if (rc != AM_ASK_DONE && n < 0 && errno == ETIMEDOUT)
		say(end,
		    "no answer on %s for %lld s; the daemon may be stopped or "
		    "busy, see its log",
		    path, (long long)(timeout_ms / 1000));
	else if (rc != AM_ASK_DONE)
		say(end,
		    "the daemon went away in the middle of its answer; a long "
		    "one may need --limit");
	am_buf_fini(&b);
	close(fd);
	return rc;
}
