/*
 * http_fuzz - the whole listener over a socketpair: whatever a client sends,
 * in whatever pieces, and whenever it goes, there is at most one request and
 * one answer on a connection, and nothing of it is left behind.
 *
 * The first byte says how large the pieces are, the second how the client
 * ends; the rest is what it sends.
 */

#include "intake/http_int.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MAX 2000

const struct am_str fuzz_seeds[] = {
	SEED("\x01\x00GET /now HTTP/1.1\r\nHost: a\r\n\r\n"),
	SEED("\x40\x01HEAD /live HTTP/1.1\r\nHost: a\r\n\r\n"),
	SEED("\xff\x02GET /live HTTP/1.1\r\nHost: a\r\n\r\nGET /now "),
	SEED("\x07\x03GET /live HTTP/1.0\r\nHost: a\r\n\r\n"),
	SEED("\xff\x00POST /later/x?y HTTP/1.1\r\nHost: a\r\n"
	     "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
	     "POST /later/x HTTP/1.1\r\nHost: a\r\n\r\n"),
	SEED("\xff\x01POST /later/ HTTP/1.1\r\nHost: a\r\n"
	     "Content-Length: 12\r\n\r\nabc"),
	SEED("\xff\x00POST /now HTTP/1.1\r\nHost: a\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
	SEED("\xff\x00POST /now HTTP/1.1\r\nHost: a\r\n"
	     "Content-Length: 2001\r\n\r\n"),
	SEED("\xff\x00OPTIONS /now HTTP/1.1\r\nHost: a\r\n\r\n"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

enum ending { STAYS, HALF, GOES, STOPPED, ENDINGS_N };

struct world {
	struct event_base *base;
	struct am_http *http;
	struct am_http_request *held;
	struct am_http_stream *stream;
	unsigned requests, streams, ended;
};

static void
on_now(void *arg, struct am_http_request *req)
{
	struct world *w = arg;

	w->requests++;
	AM_ASSERT(req->body.n == req->head.body_bytes);
	am_http_answer(req,
	    &(struct am_http_answer){
		.status = 200, .type = "text/plain", .body = AM_STR("now") });
}

static void
on_later(void *arg, struct am_http_request *req)
{
	struct world *w = arg;

	w->requests++;
	AM_ASSERT(req->body.n == req->head.body_bytes);
	AM_ASSERT(req->body.n <= BODY_MAX);
	w->held = req;
}

static void
on_ended(void *arg)
{
	struct world *w = arg;

	w->ended++;
	w->stream = NULL;
}

static void
on_live(void *arg, struct am_http_request *req)
{
	struct world *w = arg;
	bool head = req->head.method == AM_HTTP_HEAD;

	w->requests++;
	w->stream =
	    am_http_stream_begin(req, "text/event-stream", NULL, on_ended, w);
	AM_ASSERT(w->stream == NULL || !head);
	w->streams += w->stream != NULL;
	if (w->stream != NULL)
		am_http_stream_write(w->stream, AM_STR("data: 1\n\n"));
}

static const struct am_http_route routes[] = {
	{ AM_HTTP_GET | AM_HTTP_HEAD | AM_HTTP_POST, "/now", on_now },
	{ AM_HTTP_POST, "/later/", on_later },
	{ AM_HTTP_GET | AM_HTTP_HEAD, "/live", on_live },
};

/* Answers in what the client has read so far; 100 Continue is none. */
static unsigned
answers(int fd)
{
	char got[8192];
	ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	unsigned found = 0;

	for (ssize_t i = 0; i + 12 <= n; i++)
		found += memcmp(got + i, "HTTP/1.1 ", 9) == 0 &&
			 got[i + 9] >= '2' && got[i + 9] <= '5';
	return found;
}

static void
turn(struct world *w)
{
	event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static void
say(struct world *w, int fd, const uint8_t *data, size_t n, size_t piece)
{
	for (size_t at = 0; at < n; at += piece) {
		size_t some = n - at < piece ? n - at : piece;

		if (send(fd, data + at, some, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break; /* he has been refused */
		turn(w);
	}
}

/* What handlers do when they get to it. */
static void
go_on(struct world *w)
{
	if (w->stream != NULL)
		am_http_stream_write(w->stream, AM_STR("data: 2\n\n"));
	if (w->held != NULL)
		am_http_problem(w->held, 503, 1, "later");
	w->held = NULL;
	turn(w);
}

/* From the client's end to nothing at all. */
static void
end(struct world *w, int fd, enum ending ending)
{
	if (ending == HALF)
		shutdown(fd, SHUT_WR);
	if (ending == GOES)
		close(fd);
	turn(w);
	go_on(w);
	if (ending == STOPPED)
		am_http_stop(w->http);
	turn(w);
	AM_ASSERT(ending == GOES || answers(fd) <= 1);
	if (ending != GOES)
		close(fd);
	if (w->stream != NULL && ending == STAYS) {
		am_http_stream_end(w->stream);
		w->stream = NULL;
		w->ended++;
	}
	turn(w);
	turn(w);
	AM_ASSERT(w->requests <= 1);
	AM_ASSERT(am_http_conns(w->http) == 0);
	AM_ASSERT(am_http_streams(w->http) == 0);
	AM_ASSERT(w->streams == w->ended && w->stream == NULL);
	AM_ASSERT(TAILQ_EMPTY(&w->http->held));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base; /* costs more than all the rest */
	const struct am_http_opts opts = { .routes = routes,
		.routes_n = AM_COUNT(routes),
		.max_body_bytes = BODY_MAX,
		.max_conns = 8,
		.max_streams = 2 };
	const struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	struct world w = { 0 };
	int fds[2];

	if (size < 2)
		return 0;
	if (base == NULL) {
		base = event_base_new();
		am_log_set(AM_LOG_ERR);
	}
	AM_ASSERT(base != NULL);
	w.base = base;
	w.http = am_http_new(base, &opts, &w);
	AM_ASSERT(socketpair(AF_UNIX,
		      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	am_http_conn_new(w.http, fds[0], &peer, 0);
	say(&w, fds[1], data + 2, size - 2, (size_t)data[0] + 1);
	end(&w, fds[1], data[1] % ENDINGS_N);
	am_http_free(w.http);
	return 0;
}
