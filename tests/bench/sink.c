/*
 * sink - takes every POST and answers 200, for machines without nginx.
 *
 *   sink PORT
 *
 * One thread, kept connections, nothing is looked at but the length.
 */

#include "tests/bench/limit.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

static const char ok[] = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/* Whole request at the head of the buffer: its length, or 0. */
static size_t
request_len(struct evbuffer *in)
{
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	const char *head, *p;
	size_t n;

	if (end.pos < 0)
		return 0;
	n = (size_t)end.pos + 4;
	head = (const char *)evbuffer_pullup(in, end.pos + 4);
	for (p = head; p + 16 < head + n; p++)
		if (strncasecmp(p, "content-length:", 15) == 0)
			n += strtoul(p + 15, NULL, 10);
	return evbuffer_get_length(in) >= n ? n : 0;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n;

	(void)arg;
	while ((n = request_len(in)) > 0) {
		evbuffer_drain(in, n);
		bufferevent_write(bev, ok, sizeof(ok) - 1);
	}
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct bufferevent *bev =
	    bufferevent_socket_new(arg, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)l;
	(void)sa;
	(void)len;
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct event_base *base = event_base_new();

	if (argc != 2 || base == NULL)
		die("sink: needs a port");
	sin.sin_port = htons((uint16_t)atoi(argv[1]));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (evconnlistener_new_bind(base, on_accept, base,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 1024,
		(struct sockaddr *)&sin, sizeof(sin)) == NULL)
		die("sink: cannot listen on port %s", argv[1]);
	event_base_dispatch(base);
	return 0;
}
