/*
 * http_test - connections of the listener from inside: answers at once and
 * later, deadlines, room, the end. Raw requests against the whole daemon are in
 * tests/system/test_http_framing.py (faults 59 to 61).
 */

#include "intake/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"

#define PATIENCE (5 * AM_SECOND)
#define DEADLINE 300

struct world {
	struct event_base *base;
	struct am_http *http;
	unsigned port;
	struct am_http_request *held[16]; /* by /later */
	size_t held_n;
	char heard[16384]; /* by client_end() */
};

static am_ms
mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_now(void *arg, struct am_http_request *req)
{
	(void)arg;
	am_http_answer(
	    req, &(struct am_http_answer){ .status = 200,
		     .type = "text/plain",
		     .body = req->body.n > 0 ? req->body : AM_STR("hello"),
		     .headers = "X-Kind: now\r\n" });
}

static void
on_later(void *arg, struct am_http_request *req)
{
	struct world *w = arg;

	assert_true(w->held_n < AM_COUNT(w->held));
	w->held[w->held_n++] = req;
}

static const struct am_http_route routes[] = {
	{ AM_HTTP_GET | AM_HTTP_HEAD | AM_HTTP_POST, "/now", on_now },
	{ AM_HTTP_POST, "/later/", on_later },
};

static int
open_world(struct world *w, unsigned max_conns, am_ms deadline)
{
	const struct am_http_opts opts = { .routes = routes,
		.routes_n = AM_COUNT(routes),
		.max_body_bytes = 1000000,
		.max_conns = max_conns,
		.deadline = deadline };
	struct sockaddr_in sin;
	socklen_t n = sizeof(sin);
	struct am_diag diag;
	int fd;

	w->base = event_base_new();
	assert_non_null(w->base);
	w->http = am_http_new(w->base, &opts, w);
	assert_int_equal(am_http_bind("127.0.0.1:0", &fd, &diag), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	w->port = ntohs(sin.sin_port);
	am_http_serve(w->http, fd);
	return 0;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	signal(SIGPIPE, SIG_IGN);
	am_log_set(AM_LOG_ERR);
	*state = w;
	return open_world(w, 64, DEADLINE);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	am_http_free(w->http);
	event_base_free(w->base);
	free(w);
	return 0;
}

static void
turn(struct world *w)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	event_base_loop(w->base, EVLOOP_NONBLOCK);
	nanosleep(&ms, NULL);
}

static int
dial_from(struct world *w, const char *source)
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

static int
dial(struct world *w)
{
	return dial_from(w, "127.0.0.1");
}

static void
tell(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* True when the other side has closed; what it said is added to heard. */
static bool
has_ended(struct world *w, int fd)
{
	size_t have = strlen(w->heard);
	ssize_t n = recv(fd, w->heard + have, sizeof(w->heard) - have - 1, 0);

	if (n > 0)
		w->heard[have + (size_t)n] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN);
}

/* All that the client hears until the end, which must come. */
static const char *
client_end(struct world *w, int fd)
{
	am_ms until = mono() + PATIENCE;

	memset(w->heard, 0, sizeof(w->heard));
	while (!has_ended(w, fd)) {
		assert_true(mono() < until);
		turn(w);
	}
	close(fd);
	return w->heard;
}

static void
wait_held(struct world *w, size_t n)
{
	am_ms until = mono() + PATIENCE;

	while (w->held_n < n) {
		assert_true(mono() < until);
		turn(w);
	}
}

static void
wait_conns(struct world *w, unsigned n)
{
	am_ms until = mono() + PATIENCE;

	while (am_http_conns(w->http) != n) {
		assert_true(mono() < until);
		turn(w);
	}
}

#define GET "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
#define LATER                                                                  \
	"POST /later/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"

static void
test_http_when_answered_at_once_then_heard(void **state)
{
	struct world *w = *state;
	const char *text;
	int fd = dial(w);

	tell(fd, GET);
	text = client_end(w, fd);
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(text, "\r\nX-Kind: now\r\n"));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "\r\nDate: "));
	assert_non_null(strstr(text, "\r\n\r\nhello"));
	/* of HEAD all but the body */
	fd = dial(w);
	tell(fd, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n");
	text = client_end(w, fd);
	assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
	assert_null(strstr(text, "hello"));
	assert_int_equal(am_http_counts(w->http)->requests, 2);
	wait_conns(w, 0);
	assert_true(am_http_quiet(w->http));
}

static void
test_http_when_answered_later_then_heard(void **state)
{
	struct world *w = *state;
	int fd = dial(w);

	tell(fd, LATER);
	wait_held(w, 1);
	assert_true(am_str_is(w->held[0]->body, "abc"));
	assert_true(am_str_is(w->held[0]->head.path, "/later/x"));
	assert_true(am_str_is(w->held[0]->head.query, "y"));
	assert_int_equal(w->held[0]->peer.ss_family, AF_INET);
	assert_false(am_http_quiet(w->http));
	am_http_problem(w->held[0], 503, 7, "not \"now\"");
	client_end(w, fd);
	assert_non_null(strstr(w->heard, "503 Service Unavailable\r\n"));
	assert_non_null(strstr(w->heard, "\r\nRetry-After: 7\r\n"));
	assert_non_null(strstr(w->heard,
	    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
	    "\"status\":503,\"detail\":\"not \\\"now\\\"\"}\n"));
}

static void
test_http_when_body_is_large_then_whole_both_ways(void **state)
{
	struct world *w = *state;
	size_t n = 700000, sent = 0, got = 0;
	am_ms until = mono() + PATIENCE;
	char *body = malloc(n + 200), *back = malloc(n + 1000);
	int fd = dial(w), head;
	bool ended = false;

	assert_true(body != NULL && back != NULL);
	head = sprintf(body,
	    "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n);
	for (size_t i = 0; i < n; i++)
		body[(size_t)head + i] = (char)('a' + i % 26);
	while (!ended) {
		ssize_t k = send(
		    fd, body + sent, (size_t)head + n - sent, MSG_NOSIGNAL);

		sent += k > 0 ? (size_t)k : 0;
		k = recv(fd, back + got, n + 1000 - got, 0);
		got += k > 0 ? (size_t)k : 0;
		ended = k == 0;
		assert_true(mono() < until);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_true(got > n);
	assert_memory_equal(back + got - n, body + head, n);
	free(body);
	free(back);
	close(fd);
}

static void
test_http_when_deadline_passes_then_cut(void **state)
{
	struct world *w = *state;
	am_ms from = mono();
	int silent = dial(w), half = dial(w), held = dial(w);

	tell(half, "POST /now HTTP/1.1\r\n");
	tell(held, LATER);
	wait_held(w, 1);
	assert_string_equal(client_end(w, silent), "");
	assert_true(mono() - from >= DEADLINE - 5);
	assert_non_null(strstr(client_end(w, half), "408 Request Timeout"));
	client_end(w, held);
	assert_non_null(strstr(w->heard, "503 Service Unavailable"));
	assert_non_null(strstr(w->heard, "Retry-After: 1"));
	assert_true(mono() - from < 3 * DEADLINE);
	am_http_problem(w->held[0], 500, 0, "too late"); /* no harm */
	wait_conns(w, 0);
	assert_int_equal(am_http_counts(w->http)->cut, 2);
}

/* Who does not read the answer has the deadline's time and no more. */
static void
test_http_when_client_reads_nothing_then_cut(void **state)
{
	struct world *w = *state;
	am_ms from = mono();
	int small = 4096, fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port) };
	static char big[16 << 20];

	memset(big, 'x', sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	tell(fd, LATER);
	wait_held(w, 1);
	am_http_answer(w->held[0], &(struct am_http_answer){ .status = 200,
				       .type = "text/plain",
				       .body = { big, sizeof(big) } });
	turn(w);
	assert_false(am_http_quiet(w->http));
	wait_conns(w, 0);
	assert_true(mono() - from < 4 * DEADLINE);
	close(fd);
}

static void
test_http_when_client_goes_first_then_no_harm(void **state)
{
	struct world *w = *state;
	int fd = dial(w);

	tell(fd, LATER);
	wait_held(w, 1);
	close(fd);
	for (int i = 0; i < 20; i++)
		turn(w);
	am_http_problem(w->held[0], 500, 0, "nobody hears");
	wait_conns(w, 0);
	/* and with a reset, which is seen while writing */
	fd = dial(w);
	tell(fd, LATER);
	wait_held(w, 2);
	setsockopt(fd, SOL_SOCKET, SO_LINGER,
	    &(struct linger){ .l_onoff = 1, .l_linger = 0 },
	    sizeof(struct linger));
	close(fd);
	am_http_problem(w->held[1], 500, 0, "nobody hears");
	wait_conns(w, 0);
}

/* A second request behind the first is not even read. */
static void
test_http_when_two_come_at_once_then_one_is_answered(void **state)
{
	struct world *w = *state;
	int fd = dial(w);

	tell(fd, GET GET GET);
	client_end(w, fd);
	assert_null(strstr(w->heard + 10, "HTTP/1.1"));
	assert_int_equal(am_http_counts(w->http)->requests, 1);
}

static void
test_http_when_one_address_has_its_share_then_others_have_theirs(void **state)
{
	struct world *w = *state;
	int mine[3], other;
	am_ms from;

	am_http_free(w->http);
	event_base_free(w->base);
	open_world(w, 8, 10 * AM_SECOND);
	mine[0] = dial(w);
	mine[1] = dial(w);
	wait_conns(w, 2);
	from = mono();
	mine[2] = dial(w); /* a quarter of 8 is 2 */
	assert_string_equal(client_end(w, mine[2]), "");
	assert_int_equal(am_http_counts(w->http)->shed, 1);
	other = dial_from(w, "127.0.0.2");
	tell(other, GET);
	assert_non_null(strstr(client_end(w, other), "200 OK"));
	/* a second later the oldest makes room */
	while (mono() - from < AM_SECOND + 50)
		turn(w);
	mine[2] = dial(w);
	tell(mine[2], GET);
	assert_non_null(strstr(client_end(w, mine[2]), "200 OK"));
	assert_string_equal(client_end(w, mine[0]), "");
	assert_int_equal(am_http_counts(w->http)->cut, 1);
	close(mine[1]);
}

/* Requests that are being answered make no room: new ones wait in line. */
static void
test_http_when_all_places_are_taken_then_new_ones_wait(void **state)
{
	struct world *w = *state;
	int fds[8], more;
	char source[32];

	am_http_free(w->http);
	event_base_free(w->base);
	open_world(w, 8, 10 * AM_SECOND);
	for (int i = 0; i < 8; i++) {
		snprintf(source, sizeof(source), "127.0.0.%d", 2 + i / 2);
		fds[i] = dial_from(w, source);
		tell(fds[i], LATER);
	}
	wait_held(w, 8);
	more = dial(w);
	tell(more, GET);
	for (int i = 0; i < 300; i++) {
		turn(w);
		assert_int_equal(am_http_conns(w->http), 8);
	}
	for (int i = 0; i < 8; i++)
		am_http_problem(w->held[i], 500, 0, "x");
	for (int i = 0; i < 8; i++)
		client_end(w, fds[i]);
	assert_non_null(strstr(client_end(w, more), "200 OK"));
}

static void
test_http_when_stopped_then_what_has_come_is_answered(void **state)
{
	struct world *w = *state;
	int idle, half, held, late;

	am_http_free(w->http);
	event_base_free(w->base);
	open_world(w, 64, 10 * AM_SECOND);
	idle = dial(w);
	half = dial(w);
	held = dial(w);
	tell(half, "POST /now HTTP/1.1\r\n");
	tell(held, LATER);
	wait_held(w, 1);
	wait_conns(w, 3);
	am_http_stop(w->http);
	assert_string_equal(client_end(w, idle), "");
	assert_false(am_http_quiet(w->http));
	tell(half, "Host: a\r\nContent-Length: 2\r\n\r\nok");
	assert_non_null(strstr(client_end(w, half), "\r\n\r\nok"));
	am_http_problem(w->held[0], 503, 1, "later");
	assert_non_null(strstr(client_end(w, held), "503"));
	wait_conns(w, 0);
	assert_true(am_http_quiet(w->http));
	late = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    connect(late,
		(struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET,
		    .sin_port = htons((uint16_t)w->port),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		sizeof(struct sockaddr_in)),
	    -1);
	close(late);
}

/* The teardown frees what is open, held and half read: a sanitizer looks. */
static void
test_http_when_freed_in_the_middle_then_nothing_is_left(void **state)
{
	struct world *w = *state;
	int fds[4];

	for (int i = 0; i < 4; i++)
		fds[i] = dial(w);
	tell(fds[1], "POST /now HTTP/1.1\r\n");
	tell(fds[2], "POST /now HTTP/1.1\r\nHost: a\r\n"
		     "Content-Length: 5\r\n\r\nab");
	tell(fds[3], LATER);
	wait_held(w, 1);
	wait_conns(w, 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void
test_http_when_address_cannot_be_had_then_says_so(void **state)
{
	struct world *w = *state;
	struct am_diag diag;
	char text[64];
	int fd;

	snprintf(text, sizeof(text), "127.0.0.1:%u", w->port);
	assert_int_equal(am_http_bind(text, &fd, &diag), -AM_ECONFLICT);
	assert_non_null(strstr(diag.text, text));
	assert_int_equal(am_http_bind("localhost:0", &fd, &diag), -AM_EINVAL);
	assert_int_equal(am_http_bind("127.0.0.1", &fd, &diag), -AM_EINVAL);
	assert_int_equal(am_http_bind("192.0.2.1:0", &fd, &diag), -AM_EIO);
	if (am_http_bind("[::1]:0", &fd, &diag) == 0)
		close(fd);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_http_when_answered_at_once_then_heard),
		TEST(test_http_when_answered_later_then_heard),
		TEST(test_http_when_body_is_large_then_whole_both_ways),
		TEST(test_http_when_deadline_passes_then_cut),
		TEST(test_http_when_client_reads_nothing_then_cut),
		TEST(test_http_when_client_goes_first_then_no_harm),
		TEST(test_http_when_two_come_at_once_then_one_is_answered),
		TEST(
		    test_http_when_one_address_has_its_share_then_others_have_theirs),
		TEST(test_http_when_all_places_are_taken_then_new_ones_wait),
		TEST(test_http_when_stopped_then_what_has_come_is_answered),
		TEST(test_http_when_freed_in_the_middle_then_nothing_is_left),
		TEST(test_http_when_address_cannot_be_had_then_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
