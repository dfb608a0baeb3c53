#include "tests/unit/ctl_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

void
ctl_world_handler(
    void *arg, struct am_ctl_call *call, const struct am_str *argv, size_t argc)
{
	struct ctl_world *w = arg;
	struct am_buf b;

	w->calls++;
	am_buf_init(&b);
	for (size_t i = 0; i < argc; i++) {
		am_buf_addstr(&b, argv[i]);
		am_buf_addc(&b, i + 1 < argc ? '|' : '\0');
	}
	snprintf(w->last, sizeof(w->last), "%s", b.p);
	am_buf_reset(&b);
	am_buf_addc(&b, '"');
	while (b.n < w->line_bytes)
		am_buf_addc(&b, 'x');
	am_buf_addc(&b, '"');
	for (size_t i = 0; i < w->lines; i++)
		am_ctl_line(call, am_buf_str(&b));
	am_buf_fini(&b);
	if (w->keep)
		w->kept = call;
	else
		am_ctl_end(call, AM_EXIT_OK, NULL);
}

int
ctl_world_setup(void **state)
{
	static const char *const root[] = { "root" };
	struct ctl_world *w = calloc(1, sizeof(*w));
	struct am_diag diag;

	assert_non_null(w);
	signal(SIGPIPE, SIG_IGN);
	snprintf(w->dir, sizeof(w->dir), "/tmp/ctl_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/sock", w->dir);
	w->base = event_base_new();
	w->opts = (struct am_ctl_opts){
		.path = w->path,
		.mode = 0660,
		.operate = root,
		.operate_n = 1,
		.line_ms = LINE_MS,
	};
	w->lines = 1;
	w->line_bytes = 8;
	assert_int_equal(
	    am_ctl_new(w->base, &w->opts, ctl_world_handler, w, &w->ctl, &diag),
	    0);
	*state = w;
	return 0;
}

int
ctl_world_teardown(void **state)
{
	struct ctl_world *w = *state;

	am_ctl_free(w->ctl);
	assert_int_equal(access(w->path, F_OK), -1);
	rmdir(w->dir);
	event_base_free(w->base);
	free(w);
	return 0;
}

int
ctl_dial(const struct ctl_world *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", w->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

am_ms
ctl_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* Let the loop run until something happened, or for ms. */
void
ctl_turn(struct ctl_world *w, am_ms ms)
{
	struct timeval tv = { .tv_usec = (suseconds_t)ms * 1000 };
	struct event *tick = evtimer_new(w->base, on_tick, w->base);

	evtimer_add(tick, &tv);
	event_base_loop(w->base, EVLOOP_ONCE);
	event_free(tick);
}

void
ctl_say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Bytes that come until `lines` newlines or the end; true at the end. */
bool
ctl_hear(struct ctl_world *w, int fd, struct am_buf *b, size_t lines)
{
	am_ms until = ctl_mono() + PATIENCE_MS;
	char chunk[65536];

	while (ctl_mono() < until) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
		if (n < 0) {
			ctl_turn(w, 5);
			continue;
		}
		am_buf_add(b, chunk, (size_t)n);
		for (ssize_t i = 0; i < n; i++)
			lines -= lines > 0 && chunk[i] == '\n';
		if (lines == 0)
			return false;
	}
	fail_msg("no answer; so far: %.*s", (int)b->n, b->p);
	return false;
}

/* ctl_hear() as a string in a static buffer */
const char *
ctl_heard(struct ctl_world *w, int fd, size_t lines, bool *end)
{
	static char text[8192];
	struct am_buf b;
	bool at_end;

	am_buf_init(&b);
	at_end = ctl_hear(w, fd, &b, lines);
	assert_true(b.n < sizeof(text));
	if (b.n > 0)
		memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	am_buf_fini(&b);
	if (end != NULL)
		*end = at_end;
	return text;
}

/* The client is closed by the other side; gives what came before. */
const char *
ctl_last_words(struct ctl_world *w, int fd)
{
	bool end;
	const char *text = ctl_heard(w, fd, SIZE_MAX, &end);

	assert_true(end);
	close(fd);
	return text;
}

struct am_ctl_call *
ctl_kept(struct ctl_world *w)
{
	am_ms until = ctl_mono() + PATIENCE_MS;

	while (w->kept == NULL) {
		assert_true(ctl_mono() < until);
		ctl_turn(w, 5);
	}
	return w->kept;
}

void
ctl_world_reopen(struct ctl_world *w)
{
	struct am_diag diag;

	assert_int_equal(
	    am_ctl_new(w->base, &w->opts, ctl_world_handler, w, &w->ctl, &diag),
	    0);
}
