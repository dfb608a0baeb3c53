#include "tests/unit/http_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

am_ms
http_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
http_world_open(struct http_world *w, const struct am_http_route *routes,
    size_t routes_n, const struct am_http_opts *opts)
{
	struct am_http_opts all = *opts;
	struct sockaddr_in sin;
	socklen_t n = sizeof(sin);
	struct am_diag diag;
	int fd;

	all.routes = routes;
	all.routes_n = routes_n;
	all.max_body_bytes = 1000000;
	w->base = event_base_new();
	assert_non_null(w->base);
	w->http = am_http_new(w->base, &all, w);
	assert_int_equal(am_http_bind("127.0.0.1:0", &fd, &diag), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	w->port = ntohs(sin.sin_port);
	am_http_serve(w->http, fd);
	return 0;
}

void
http_world_close(struct http_world *w)
{
	am_http_free(w->http);
	event_base_free(w->base);
}

void
http_turn(struct http_world *w)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	event_base_loop(w->base, EVLOOP_NONBLOCK);
	nanosleep(&ms, NULL);
}

int
http_dial_from(struct http_world *w, const char *source)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, source, &sin.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	sin.sin_port = htons((uint16_t)w->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int
http_dial(struct http_world *w)
{
	return http_dial_from(w, "127.0.0.1");
}

void
http_tell(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

bool
http_has_ended(struct http_world *w, int fd)
{
	size_t have = strlen(w->heard);
	ssize_t n = recv(fd, w->heard + have, sizeof(w->heard) - have - 1, 0);

	if (n > 0)
		w->heard[have + (size_t)n] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN);
}

const char *
http_client_end(struct http_world *w, int fd)
{
	am_ms until = http_mono() + PATIENCE;

	memset(w->heard, 0, sizeof(w->heard));
	while (!http_has_ended(w, fd)) {
		assert_true(http_mono() < until);
		http_turn(w);
	}
	close(fd);
	return w->heard;
}

void
http_wait_conns(struct http_world *w, unsigned n)
{
	am_ms until = http_mono() + PATIENCE;

	while (am_http_conns(w->http) != n) {
		assert_true(http_mono() < until);
		http_turn(w);
	}
}
