/*
 * http_stream_test - answers that go on: beginning, places, slow readers, and
 * every way to an end, of which the owner hears exactly once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "log/log.h"
#include "tests/unit/http_world.h"

#define DEADLINE 200
#define STALL 1500
#define PLACES 3
#define READERS 8

struct reader {
	struct am_http_stream *s;
	unsigned ended;
	struct readers *of;
};

struct readers {
	struct reader v[READERS];
	size_t n;
	bool refused;
	bool end_others; /* whoever hears of an end ends the rest */
};

static void
on_ended(void *arg)
{
	struct reader *r = arg;

	r->s = NULL;
	r->ended++;
	for (size_t i = 0; r->of->end_others && i < r->of->n; i++)
		if (r->of->v[i].s != NULL) {
			am_http_stream_end(r->of->v[i].s);
			r->of->v[i].s = NULL;
		}
}

static void
on_live(void *arg, struct am_http_request *req)
{
	struct http_world *w = arg;
	struct readers *all = w->own;
	struct reader *r = &all->v[all->n];

	assert_true(all->n < READERS);
	r->of = all;
	r->s = am_http_stream_begin(req, "text/event-stream; charset=utf-8",
	    "X-Accel-Buffering: no\r\n", on_ended, r);
	all->refused = r->s == NULL;
	all->n += r->s != NULL;
}

static void
on_now(void *arg, struct am_http_request *req)
{
	(void)arg;
	am_http_answer(req,
	    &(struct am_http_answer){
		.status = 200, .type = "text/plain", .body = AM_STR("hello") });
}

static const struct am_http_route routes[] = {
	{ AM_HTTP_GET | AM_HTTP_HEAD, "/live", on_live },
	{ AM_HTTP_GET, "/now", on_now },
};

static int
setup(void **state)
{
	struct http_world *w = calloc(1, sizeof(*w));
	const struct am_http_opts opts = { .max_conns = 8,
		.max_streams = PLACES,
		.deadline = DEADLINE,
		.stall = STALL };

	assert_non_null(w);
	signal(SIGPIPE, SIG_IGN);
	am_log_set(AM_LOG_ERR);
	w->own = calloc(1, sizeof(struct readers));
	assert_non_null(w->own);
	*state = w;
	return http_world_open(w, routes, AM_COUNT(routes), &opts);
}

static int
teardown(void **state)
{
	struct http_world *w = *state;

	http_world_close(w);
	free(w->own);
	free(w);
	return 0;
}

#define LIVE "GET /live HTTP/1.1\r\nHost: a\r\n\r\n"

/* A client whose stream has begun; its number is that of the reader. */
static int
open_reader(struct http_world *w)
{
	struct readers *all = w->own;
	size_t n = all->n + 1;
	int fd = http_dial(w);

	http_tell(fd, LIVE);
	HTTP_WAIT(w, all->n == n);
	return fd;
}

static void
hear(struct http_world *w, int fd, const char *text)
{
	memset(w->heard, 0, sizeof(w->heard));
	HTTP_WAIT(w, http_has_ended(w, fd) || strstr(w->heard, text) != NULL);
	assert_non_null(strstr(w->heard, text));
}

static void
write_to(const struct reader *r, const char *text)
{
	am_http_stream_write(r->s, am_str_c(text));
}

static void
test_stream_when_written_to_then_heard_beyond_the_deadline(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	am_ms from = http_mono();
	int fd = open_reader(w);

	write_to(&all->v[0], "data: 1\n\n");
	hear(w, fd, "data: 1\n\n");
	assert_memory_equal(w->heard, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(
	    strstr(w->heard, "\r\nContent-Type: text/event-stream; "));
	assert_non_null(strstr(w->heard, "\r\nX-Accel-Buffering: no\r\n"));
	assert_non_null(strstr(w->heard, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(w->heard, "\r\nConnection: close\r\n"));
	assert_null(strstr(w->heard, "Content-Length"));
	assert_null(strstr(w->heard, "Transfer-Encoding"));
	HTTP_WAIT(w, http_mono() > from + 3 * DEADLINE);
	write_to(&all->v[0], "data: 2\n\n");
	hear(w, fd, "data: 2\n\n");
	assert_int_equal(am_http_stream_unread(all->v[0].s), 0);
	/* what was written is heard before the end */
	write_to(&all->v[0], "data: 3\n\n");
	am_http_stream_end(all->v[0].s);
	assert_non_null(strstr(http_client_end(w, fd), "data: 3\n\n"));
	HTTP_WAIT(w, am_http_streams(w->http) == 0);
	assert_int_equal(all->v[0].ended, 0); /* he knows */
	assert_true(am_http_quiet(w->http));
}

static void
test_stream_when_head_is_asked_then_no_stream(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int fd = http_dial(w);

	http_tell(fd, "HEAD /live HTTP/1.1\r\nHost: a\r\n\r\n");
	http_client_end(w, fd);
	assert_non_null(strstr(w->heard, "200 OK"));
	assert_non_null(strstr(w->heard, "text/event-stream"));
	assert_string_equal(strstr(w->heard, "\r\n\r\n"), "\r\n\r\n");
	assert_true(all->refused);
	HTTP_WAIT(w, am_http_streams(w->http) == 0);
}

/* Streams have places of their own, and leave the others theirs. */
static void
test_stream_when_places_are_taken_then_503_and_others_served(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int fds[PLACES], fd;

	for (size_t i = 0; i < PLACES; i++)
		fds[i] = open_reader(w);
	assert_int_equal(am_http_streams(w->http), PLACES);
	assert_int_equal(am_http_conns(w->http), 0);
	fd = http_dial(w);
	http_tell(fd, LIVE);
	http_client_end(w, fd);
	assert_non_null(strstr(w->heard, "503 Service Unavailable"));
	assert_non_null(strstr(w->heard, "\r\nRetry-After: 5\r\n"));
	assert_true(all->refused);
	fd = http_dial(w);
	http_tell(fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_non_null(strstr(http_client_end(w, fd), "hello"));
	/* one goes, one may come */
	close(fds[0]);
	HTTP_WAIT(w, all->v[0].ended == 1);
	fds[0] = open_reader(w);
	for (size_t i = 0; i < PLACES; i++)
		close(fds[i]);
	HTTP_WAIT(w, am_http_streams(w->http) == 0);
	for (size_t i = 0; i < all->n; i++)
		assert_int_equal(all->v[i].ended, 1);
}

static int
slow_reader(struct http_world *w)
{
	const int small = 4096;
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct readers *all = w->own;
	size_t n = all->n + 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	http_tell(fd, LIVE);
	HTTP_WAIT(w, all->n == n);
	return fd;
}

/* The owner writes to all in turn and is told of no end meanwhile. */
static void
test_stream_when_reader_is_slow_then_cut_and_others_hear_all(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int slow = slow_reader(w), fast = open_reader(w);
	static char event[4096];
	size_t unread = 0, written = 0;

	memset(event, 'x', sizeof(event) - 3);
	strcpy(event + sizeof(event) - 3, "\n\n");
	for (int i = 0; i < 1000 && all->v[0].ended == 0; i++) {
		write_to(&all->v[0], event);
		written += strlen(event);
		if (am_http_stream_unread(all->v[0].s) > unread)
			unread = am_http_stream_unread(all->v[0].s);
		write_to(&all->v[1], event);
		assert_int_equal(all->v[0].ended, 0);
		do {
			memset(w->heard, 0, sizeof(w->heard));
			http_has_ended(w, fast);
			http_turn(w);
		} while (am_http_stream_unread(all->v[1].s) > 0);
	}
	assert_int_equal(all->v[0].ended, 1);
	assert_int_equal(all->v[1].ended, 0);
	assert_true(unread >= 64 << 10);
	assert_true(unread < (64 << 10) + sizeof(event));
	assert_true(written < 1 << 20); /* the kernel held little */
	assert_int_equal(am_http_counts(w->http)->cut, 1);
	close(slow);
	close(fast);
	HTTP_WAIT(w, all->v[1].ended == 1);
}

/* Its owner waits for it, as one should, and so nothing more is written. */
static void
test_stream_when_reader_stands_still_then_cut_after_a_while(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int still = slow_reader(w), fine = open_reader(w);
	am_ms from = http_mono();
	static char state_of_all[200000];

	memset(state_of_all, 'x', sizeof(state_of_all));
	am_http_stream_write(
	    all->v[0].s, (struct am_str){ state_of_all, sizeof(state_of_all) });
	assert_true(am_http_stream_unread(all->v[0].s) > 0);
	HTTP_WAIT(w, all->v[0].ended == 1);
	assert_true(http_mono() - from >= STALL - 5);
	assert_true(http_mono() - from < 3 * STALL);
	/* one for whom there is nothing may be silent for as long */
	assert_int_equal(all->v[1].ended, 0);
	write_to(&all->v[1], "data: there\n\n");
	hear(w, fine, "data: there");
	assert_int_equal(am_http_counts(w->http)->cut, 1);
	close(still);
	close(fine);
}

/* Of what can be read now. */
static size_t
count_of(char c, int fd)
{
	char part[65536];
	ssize_t k = recv(fd, part, sizeof(part), 0);
	size_t n = 0;

	assert_int_not_equal(k, 0); /* not ended yet */
	for (ssize_t i = 0; i < k; i++)
		n += part[i] == c;
	return n;
}

static void
say_more(int fd)
{
	static const char more[65536];

	send(fd, more, sizeof(more), MSG_NOSIGNAL); /* as far as it goes */
}

/* A first state may be larger than what may stay unread. */
static void
test_stream_when_one_write_is_large_then_whole(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	size_t n = 1 << 20, got = 0;
	char *big = malloc(n);
	int fd = open_reader(w);

	assert_non_null(big);
	memset(big, '~', n);
	am_http_stream_write(all->v[0].s, (struct am_str){ big, n });
	am_http_stream_end(all->v[0].s);
	HTTP_WAIT(w, (got += count_of('~', fd)) >= n);
	assert_int_equal(got, n);
	free(big);
	close(fd);
}

static void
test_stream_when_stopped_then_ends_behind_what_was_written(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int fd = open_reader(w), stuck = slow_reader(w), late = http_dial(w);

	static char big[1 << 20];

	http_tell(late, "GET /live HTTP/1.1\r\n");
	HTTP_WAIT(w, am_http_conns(w->http) == 1);
	memset(big, 'z', sizeof(big));
	write_to(&all->v[0], "data: last\n\n");
	am_http_stream_write(all->v[1].s, (struct am_str){ big, sizeof(big) });
	am_http_stop(w->http);
	assert_int_equal(all->v[0].ended, 0); /* from the loop, not from here */
	write_to(&all->v[0], "data: too late\n\n");
	assert_non_null(strstr(http_client_end(w, fd), "data: last\n\n"));
	assert_null(strstr(w->heard, "too late"));
	/* one that reads nothing keeps nobody up */
	HTTP_WAIT(w, am_http_quiet(w->http) && am_http_streams(w->http) == 0);
	assert_int_equal(all->v[0].ended, 1);
	assert_int_equal(all->v[1].ended, 1);
	close(stuck);
	close(late);
}

static void
test_stream_when_stopped_then_none_begins(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int late = http_dial(w);

	http_tell(late, "GET /live HTTP/1.1\r\n");
	HTTP_WAIT(w, am_http_conns(w->http) == 1);
	for (int i = 0; i < 20; i++)
		http_turn(w);
	am_http_stop(w->http);
	http_tell(late, "Host: a\r\n\r\n");
	assert_non_null(strstr(http_client_end(w, late), "503 Service"));
	assert_int_equal(all->n, 0);
}

/* Clients that go by a reset, by half a close, or saying more and more. */
static void
test_stream_when_client_goes_then_told_once(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int reset = open_reader(w), half = open_reader(w), talks;

	setsockopt(reset, SOL_SOCKET, SO_LINGER,
	    &(struct linger){ .l_onoff = 1, .l_linger = 0 },
	    sizeof(struct linger));
	close(reset);
	write_to(&all->v[0], "data: nobody hears\n\n");
	write_to(&all->v[0], "data: nobody hears\n\n");
	HTTP_WAIT(w, all->v[0].ended == 1);
	shutdown(half, SHUT_WR);
	HTTP_WAIT(w, all->v[1].ended == 1);
	close(half);
	talks = open_reader(w);
	HTTP_WAIT(w, (say_more(talks), all->v[2].ended == 1));
	close(talks);
}

/* An owner may end others while he hears of one; freed, all are told. */
static void
test_stream_when_owner_ends_others_in_his_callback_then_well(void **state)
{
	struct http_world *w = *state;
	struct readers *all = w->own;
	int fds[PLACES];

	for (size_t i = 0; i < PLACES; i++)
		fds[i] = open_reader(w);
	all->end_others = true;
	close(fds[1]);
	HTTP_WAIT(w, all->v[1].ended == 1);
	HTTP_WAIT(w, am_http_quiet(w->http));
	close(fds[0]);
	close(fds[2]);
	HTTP_WAIT(w, am_http_streams(w->http) == 0);
	assert_int_equal(all->v[0].ended + all->v[2].ended, 0);
	all->end_others = false;
	fds[0] = open_reader(w);
	am_http_free(w->http);
	w->http = NULL;
	assert_int_equal(all->v[3].ended, 1);
	close(fds[0]);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(
		    test_stream_when_written_to_then_heard_beyond_the_deadline),
		TEST(test_stream_when_head_is_asked_then_no_stream),
		TEST(
		    test_stream_when_places_are_taken_then_503_and_others_served),
		TEST(
		    test_stream_when_reader_is_slow_then_cut_and_others_hear_all),
		TEST(
		    test_stream_when_reader_stands_still_then_cut_after_a_while),
		TEST(test_stream_when_one_write_is_large_then_whole),
		TEST(
		    test_stream_when_stopped_then_ends_behind_what_was_written),
		TEST(test_stream_when_stopped_then_none_begins),
		TEST(test_stream_when_client_goes_then_told_once),
		TEST(
		    test_stream_when_owner_ends_others_in_his_callback_then_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
