/*
 * http_test - connections of the listener from inside: answers at once and
 * later, deadlines, room, the end. Raw requests against the whole daemon are in
 * tests/system/test_http_framing.py (faults 59 to 61).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"
#include "tests/unit/http_world.h"

#define DEADLINE 300

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
	struct http_world *w = arg;

	assert_true(w->held_n < AM_COUNT(w->held));
	w->held[w->held_n++] = req;
}

static const struct am_http_route routes[] = {
	{ AM_HTTP_GET | AM_HTTP_HEAD | AM_HTTP_POST, "/now", on_now },
	{ AM_HTTP_POST, "/later/", on_later },
};

static int
open_world(struct http_world *w, unsigned max_conns, am_ms deadline)
{
	const struct am_http_opts opts = { .max_conns = max_conns,
		.deadline = deadline };

	return http_world_open(w, routes, AM_COUNT(routes), &opts);
}

static int
setup(void **state)
{
	struct http_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	signal(SIGPIPE, SIG_IGN);
	am_log_set(AM_LOG_ERR);
	*state = w;
	return open_world(w, 64, DEADLINE);
}

static int
teardown(void **state)
{
	struct http_world *w = *state;

	http_world_close(w);
	free(w);
	return 0;
}

static void
wait_held(struct http_world *w, size_t n)
{
	am_ms until = http_mono() + PATIENCE;

	while (w->held_n < n) {
		assert_true(http_mono() < until);
		http_turn(w);
	}
}

#define GET "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
#define LATER                                                                  \
	"POST /later/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"

static void
test_http_when_answered_at_once_then_heard(void **state)
{
	struct http_world *w = *state;
	const char *text;
	int fd = http_dial(w);

	http_tell(fd, GET);
	text = http_client_end(w, fd);
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(text, "\r\nX-Kind: now\r\n"));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "\r\nDate: "));
	assert_non_null(strstr(text, "\r\n\r\nhello"));
	/* of HEAD all but the body */
	fd = http_dial(w);
	http_tell(fd, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n");
	text = http_client_end(w, fd);
	assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
	assert_null(strstr(text, "hello"));
	assert_int_equal(am_http_counts(w->http)->requests, 2);
	http_wait_conns(w, 0);
	assert_true(am_http_quiet(w->http));
}

static void
test_http_when_answered_later_then_heard(void **state)
{
	struct http_world *w = *state;
	int fd = http_dial(w);

	http_tell(fd, LATER);
	wait_held(w, 1);
	assert_true(am_str_is(w->held[0]->body, "abc"));
	assert_true(am_str_is(w->held[0]->head.path, "/later/x"));
	assert_true(am_str_is(w->held[0]->head.query, "y"));
	assert_int_equal(w->held[0]->peer.ss_family, AF_INET);
	assert_false(am_http_quiet(w->http));
	am_http_problem(w->held[0], 503, 7, "not \"now\"");
	http_client_end(w, fd);
	assert_non_null(strstr(w->heard, "503 Service Unavailable\r\n"));
	assert_non_null(strstr(w->heard, "\r\nRetry-After: 7\r\n"));
	assert_non_null(strstr(w->heard,
	    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
	    "\"status\":503,\"detail\":\"not \\\"now\\\"\"}\n"));
}

static void
test_http_when_body_is_large_then_whole_both_ways(void **state)
{
	struct http_world *w = *state;
	size_t n = 700000, sent = 0, got = 0;
	am_ms until = http_mono() + PATIENCE;
	char *body = malloc(n + 200), *back = malloc(n + 1000);
	int fd = http_dial(w), head;
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
		assert_true(http_mono() < until);
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
	struct http_world *w = *state;
	am_ms from = http_mono();
	int silent = http_dial(w), half = http_dial(w), held = http_dial(w);

	http_tell(half, "POST /now HTTP/1.1\r\n");
	http_tell(held, LATER);
	wait_held(w, 1);
	assert_string_equal(http_client_end(w, silent), "");
	assert_true(http_mono() - from >= DEADLINE - 5);
	assert_non_null(
	    strstr(http_client_end(w, half), "408 Request Timeout"));
	http_client_end(w, held);
	assert_non_null(strstr(w->heard, "503 Service Unavailable"));
	assert_non_null(strstr(w->heard, "Retry-After: 1"));
	assert_true(http_mono() - from < 3 * DEADLINE);
	am_http_problem(w->held[0], 500, 0, "too late"); /* no harm */
	http_wait_conns(w, 0);
	assert_int_equal(am_http_counts(w->http)->cut, 2);
}

/* Who does not read the answer has the deadline's time and no more. */
static void
test_http_when_client_reads_nothing_then_cut(void **state)
{
	struct http_world *w = *state;
	am_ms from = http_mono();
	int small = 4096, fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port) };
	static char big[16 << 20];

	memset(big, 'x', sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	http_tell(fd, LATER);
	wait_held(w, 1);
	am_http_answer(w->held[0], &(struct am_http_answer){ .status = 200,
				       .type = "text/plain",
				       .body = { big, sizeof(big) } });
	http_turn(w);
	assert_false(am_http_quiet(w->http));
	http_wait_conns(w, 0);
	assert_true(http_mono() - from < 4 * DEADLINE);
	close(fd);
}

static void
test_http_when_client_goes_first_then_no_harm(void **state)
{
	struct http_world *w = *state;
	int fd = http_dial(w);

	http_tell(fd, LATER);
	wait_held(w, 1);
	close(fd);
	for (int i = 0; i < 20; i++)
		http_turn(w);
	am_http_problem(w->held[0], 500, 0, "nobody hears");
	http_wait_conns(w, 0);
	/* and with a reset, which is seen while writing */
	fd = http_dial(w);
	http_tell(fd, LATER);
	wait_held(w, 2);
	setsockopt(fd, SOL_SOCKET, SO_LINGER,
	    &(struct linger){ .l_onoff = 1, .l_linger = 0 },
	    sizeof(struct linger));
	close(fd);
	am_http_problem(w->held[1], 500, 0, "nobody hears");
	http_wait_conns(w, 0);
}

/* A second request behind the first is not even read. */
static void
test_http_when_two_come_at_once_then_one_is_answered(void **state)
{
	struct http_world *w = *state;
	int fd = http_dial(w);

	http_tell(fd, GET GET GET);
	http_client_end(w, fd);
	assert_null(strstr(w->heard + 10, "HTTP/1.1"));
	assert_int_equal(am_http_counts(w->http)->requests, 1);
}

static void
test_http_when_one_address_has_its_share_then_others_have_theirs(void **state)
{
	struct http_world *w = *state;
	int mine[3], other;
	am_ms from;

	http_world_close(w);
	open_world(w, 8, 10 * AM_SECOND);
	mine[0] = http_dial(w);
	mine[1] = http_dial(w);
	http_wait_conns(w, 2);
	from = http_mono();
	mine[2] = http_dial(w); /* a quarter of 8 is 2 */
	assert_string_equal(http_client_end(w, mine[2]), "");
	assert_int_equal(am_http_counts(w->http)->shed, 1);
	other = http_dial_from(w, "127.0.0.2");
	http_tell(other, GET);
	assert_non_null(strstr(http_client_end(w, other), "200 OK"));
	/* a second later the oldest makes room */
	while (http_mono() - from < AM_SECOND + 50)
		http_turn(w);
	mine[2] = http_dial(w);
	http_tell(mine[2], GET);
	assert_non_null(strstr(http_client_end(w, mine[2]), "200 OK"));
	assert_string_equal(http_client_end(w, mine[0]), "");
	assert_int_equal(am_http_counts(w->http)->cut, 1);
	close(mine[1]);
}

/* Requests that are being answered make no room: new ones wait in line. */
static void
test_http_when_all_places_are_taken_then_new_ones_wait(void **state)
{
	struct http_world *w = *state;
	int fds[8], more;
	char source[32];

	http_world_close(w);
	open_world(w, 8, 10 * AM_SECOND);
	for (int i = 0; i < 8; i++) {
		snprintf(source, sizeof(source), "127.0.0.%d", 2 + i / 2);
		fds[i] = http_dial_from(w, source);
		http_tell(fds[i], LATER);
	}
	wait_held(w, 8);
	more = http_dial(w);
	http_tell(more, GET);
	for (int i = 0; i < 300; i++) {
		http_turn(w);
		assert_int_equal(am_http_conns(w->http), 8);
	}
	for (int i = 0; i < 8; i++)
		am_http_problem(w->held[i], 500, 0, "x");
	for (int i = 0; i < 8; i++)
		http_client_end(w, fds[i]);
	assert_non_null(strstr(http_client_end(w, more), "200 OK"));
}

static void
test_http_when_stopped_then_what_has_come_is_answered(void **state)
{
	struct http_world *w = *state;
	int idle, half, held, late;

	http_world_close(w);
	open_world(w, 64, 10 * AM_SECOND);
	idle = http_dial(w);
	half = http_dial(w);
	held = http_dial(w);
	http_tell(half, "POST /now HTTP/1.1\r\n");
	http_tell(held, LATER);
	wait_held(w, 1);
	http_wait_conns(w, 3);
	am_http_stop(w->http);
	assert_string_equal(http_client_end(w, idle), "");
	assert_false(am_http_quiet(w->http));
	http_tell(half, "Host: a\r\nContent-Length: 2\r\n\r\nok");
	assert_non_null(strstr(http_client_end(w, half), "\r\n\r\nok"));
	am_http_problem(w->held[0], 503, 1, "later");
	assert_non_null(strstr(http_client_end(w, held), "503"));
	http_wait_conns(w, 0);
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
	struct http_world *w = *state;
	int fds[4];

	for (int i = 0; i < 4; i++)
		fds[i] = http_dial(w);
	http_tell(fds[1], "POST /now HTTP/1.1\r\n");
	http_tell(fds[2], "POST /now HTTP/1.1\r\nHost: a\r\n"
			  "Content-Length: 5\r\n\r\nab");
	http_tell(fds[3], LATER);
	wait_held(w, 1);
	http_wait_conns(w, 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void
test_http_when_address_cannot_be_had_then_says_so(void **state)
{
	struct http_world *w = *state;
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
