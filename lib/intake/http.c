/*
 * http - the listening socket, who is let in, and the whole's start and end.
 *
 * evhttp was rejected: its parser would have to be guarded by a second one in
 * front of it (see http_head.c), it keeps connections open, counts none of
 * them, and its idle timer starts anew with every byte. What is left of HTTP
 * when every answer closes the connection fits into these files.
 */

#include "intake/http_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"

#define BACKLOG 1024 /* what overflows waits a second for its second SYN */
#define ACCEPTS 64   /* in one go; the rest of the loop wants its turn */
#define CONNS_MAX 1024
#define STREAMS_MAX 32
#define DEADLINE (10 * AM_SECOND)
#define STALL AM_MINUTE
#define GRACE AM_SECOND /* before a connection must make room */
#define STOP_READING (2 * AM_SECOND)
#define REST 100 /* ms without accepting */

static am_ms
monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
am_http_timer(struct event *timer, am_ms in)
{
	const struct timeval tv = { .tv_sec = in / 1000,
		.tv_usec = in % 1000 * 1000 };

	event_add(timer, &tv);
}

void
am_http_say(struct am_http *h, const char *event, const char *reason)
{
	am_ms now = monotonic();

	if (h->said_at != 0 && now - h->said_at < AM_SECOND) {
		h->unsaid++;
		return;
	}
	am_log_warn(event, "reason=%s connections=%u unsaid=%u", reason,
	    h->conns_n, h->unsaid);
	h->said_at = now;
	h->unsaid = 0;
}

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	am_http_reap(arg);
}

/* ---- connections ---- */

static bool
same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)a)->sin_addr,
			   &((const struct sockaddr_in *)b)->sin_addr, 4) == 0;
	/* a network of 64 bits is one site */
	return a->ss_family != AF_INET6 ||
	       memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		   &((const struct sockaddr_in6 *)b)->sin6_addr, 8) == 0;
}

static unsigned
conns_from(const struct am_http *h, const struct sockaddr_storage *peer)
{
	const struct am_http_conn *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &h->conns, link)
	n += c->state != AM_HTTP_LINGERING && same_address(&c->peer, peer);
	return n;
}

/* One that has its answer makes room, and else the oldest that has had its
 * second and sent no request. */
static bool
make_room(struct am_http *h, const struct sockaddr_storage *peer)
{
	am_ms now = monotonic();
	struct am_http_conn *c;

	TAILQ_FOREACH(c, &h->conns, link)
	if (c->state == AM_HTTP_LINGERING && peer == NULL) {
		am_http_conn_end(c);
		return true;
	}
	TAILQ_FOREACH(c, &h->conns, link)
	{
		if (now - c->since < GRACE)
			return false; /* the rest is younger */
		if (c->state != AM_HTTP_HANDED && c->state != AM_HTTP_WRITE &&
		    (peer == NULL || same_address(&c->peer, peer))) {
			h->counts.cut++;
			am_http_conn_end(c);
			return true;
		}
	}
	return false;
}

static void
rest(struct am_http *h)
{
	event_del(h->acceptable);
	am_http_timer(h->rest, REST);
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct am_http *h = arg;

	(void)fd;
	(void)what;
	if (h->acceptable != NULL)
		event_add(h->acceptable, NULL);
}

static int
spare_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/*
 * No descriptor is left. The spare one lets those who wait be told by a close
 * that they had better try again, instead of hanging until their own deadline.
 */
static void
out_of_descriptors(struct am_http *h)
{
	am_http_say(h, "http_shed", "descriptors");
	if (h->spare >= 0)
		close(h->spare);
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			break;
		close(fd);
		h->counts.shed++;
	}
	h->spare = spare_open();
	rest(h);
}

/* Who comes by IPv4 to a socket of IPv6 is still at his address, and who comes
 * by a unix socket is at this machine's. */
static void
unmap(struct sockaddr_storage *peer)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (peer->ss_family == AF_UNIX) {
		four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(peer, &four, sizeof(four));
		return;
	}
	if (peer->ss_family != AF_INET6)
		return;
	memcpy(&six, peer, sizeof(six));
	if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return;
	four.sin_port = six.sin6_port;
	memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, 4);
	memcpy(peer, &four, sizeof(four));
}

static void
take_conn(struct am_http *h, int fd, struct sockaddr_storage *peer)
{
	/* by a unix socket everybody comes from the proxy before it */
	bool one = peer->ss_family == AF_UNIX;

	unmap(peer);
	if (!one && conns_from(h, peer) >= (h->opts.max_conns + 3) / 4 &&
	    !make_room(h, peer)) {
		h->counts.shed++;
		am_http_say(h, "http_shed", "address");
		close(fd);
		return;
	}
	am_http_conn_new(h, fd, peer, monotonic());
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct am_http *h = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
		socklen_t n = sizeof(peer);
		int client;

		if (h->conns_n >= h->opts.max_conns && i > 0)
			return; /* perhaps nobody waits any more */
		if (h->conns_n >= h->opts.max_conns && !make_room(h, NULL)) {
			am_http_say(h, "http_full", "connections");
			rest(h);
			return;
		}
		client = accept4(fd, (struct sockaddr *)&peer, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client >= 0) {
			take_conn(h, client, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			out_of_descriptors(h);
		else if (errno == EINTR || errno == ECONNABORTED)
			continue;
		return;
	}
}

/* ---- the listening socket ---- */

AM_PRINTF(3, 4)
static int
fail(struct am_diag *diag, int rc, const char *fmt, ...)
{
	va_list ap;

	*diag = (struct am_diag){ .line = 0 };
	va_start(ap, fmt);
	vsnprintf(diag->text, sizeof(diag->text), fmt, ap);
	va_end(ap);
	return rc;
}

/* "ADDRESS:PORT" with the [] of IPv6 taken off. */
static int
address_of(const char *listen, struct addrinfo **ai)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	const char *colon = strrchr(listen, ':');
	char host[64];
	size_t n;

	if (colon == NULL)
		return -AM_EINVAL;
	n = (size_t)(colon - listen);
	if (n >= 2 && listen[0] == '[' && colon[-1] == ']') {
		listen++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return -AM_EINVAL;
	memcpy(host, listen, n);
	host[n] = '\0';
	return getaddrinfo(host, colon + 1, &hints, ai) == 0 ? 0 : -AM_EINVAL;
}

int
am_http_bind(const char *listen_at, int *fd, struct am_diag *diag)
{
	struct addrinfo *ai = NULL;
	int s, err = 0;
	const int on = 1;

	if (address_of(listen_at, &ai) != 0)
		return fail(diag, -AM_EINVAL,
		    "http.listen: %s is no address of a machine; write a "
		    "number such as 127.0.0.1:8480 or [::1]:8480",
		    listen_at);
	s = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(s, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    listen(s, BACKLOG) != 0)
		err = errno;
	freeaddrinfo(ai);
	if (err != 0) {
		if (s >= 0)
			close(s);
		return fail(diag, err == EADDRINUSE ? -AM_ECONFLICT : -AM_EIO,
		    "http.listen: cannot listen on %s: %s; name an address of "
		    "this machine and a port that is free",
		    listen_at, strerror(err));
	}
	*fd = s;
	return 0;
}

void
am_http_serve(struct am_http *h, int fd)
{
	if (h->acceptable != NULL)
		event_free(h->acceptable);
	if (h->fd >= 0)
		close(h->fd);
	h->acceptable = NULL;
	h->fd = fd;
	evtimer_del(h->rest);
	if (fd < 0)
		return;
	h->acceptable =
	    event_new(h->base, fd, EV_READ | EV_PERSIST, on_acceptable, h);
	AM_ASSERT(h->acceptable != NULL);
	event_add(h->acceptable, NULL);
}

/* ---- life ---- */

static unsigned
share_of_descriptors(unsigned divisor, unsigned min, unsigned max)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur / divisor > max)
		return max;
	return r.rlim_cur / divisor > min ? (unsigned)(r.rlim_cur / divisor)
					  : min;
}

/* Half of the descriptors at most: sending and Redis live on the other. */
static unsigned
conns_for(unsigned wanted)
{
	unsigned half = share_of_descriptors(2, 4, 65536);

	if (wanted == 0)
		wanted = CONNS_MAX;
	return wanted < half ? wanted : half;
}

static unsigned
default_streams(void)
{
	return share_of_descriptors(8, 1, STREAMS_MAX);
}

struct am_http *
am_http_new(struct event_base *base, const struct am_http_opts *opts, void *arg)
{
	struct am_http *h = calloc(1, sizeof(*h));

	AM_ASSERT(h != NULL);
	h->base = base;
	h->opts = *opts;
	h->arg = arg;
	h->opts.max_conns = conns_for(opts->max_conns);
	if (h->opts.max_streams == 0)
		h->opts.max_streams = default_streams();
	if (h->opts.deadline == 0)
		h->opts.deadline = DEADLINE;
	if (h->opts.stall == 0)
		h->opts.stall = STALL;
	h->fd = -1;
	h->spare = spare_open();
	TAILQ_INIT(&h->conns);
	TAILQ_INIT(&h->streams);
	TAILQ_INIT(&h->dead);
	TAILQ_INIT(&h->held);
	TAILQ_INIT(&h->spent);
	h->rest = evtimer_new(base, on_rested, h);
	h->reap = event_new(base, -1, 0, on_reap, h);
	AM_ASSERT(h->rest != NULL && h->reap != NULL);
	return h;
}

void
am_http_limit(struct am_http *h, size_t max_body_bytes)
{
	h->opts.max_body_bytes = max_body_bytes;
}

void
am_http_room(struct am_http *h, unsigned max_conns)
{
	h->opts.max_conns = conns_for(max_conns);
}

void
am_http_routes(struct am_http *h, const struct am_http_route *routes, size_t n)
{
	h->opts.routes = routes;
	h->opts.routes_n = n;
}

void
am_http_free(struct am_http *h)
{
	struct am_http_conn *c;
	struct am_http_held *r;

	if (h == NULL)
		return;
	am_http_serve(h, -1);
	while ((c = TAILQ_FIRST(&h->conns)) != NULL)
		am_http_conn_end(c);
	while ((c = TAILQ_FIRST(&h->streams)) != NULL)
		am_http_conn_end(c);
	am_http_reap(h);
	while ((r = TAILQ_FIRST(&h->held)) != NULL) {
		TAILQ_REMOVE(&h->held, r, link);
		am_http_held_free(r);
	}
	event_free(h->rest);
	event_free(h->reap);
	if (h->spare >= 0)
		close(h->spare);
	free(h);
}

void
am_http_stop(struct am_http *h)
{
	struct am_http_conn *c, *next;

	am_http_serve(h, -1);
	h->stopping = true;
	am_http_streams_stop(h);
	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == AM_HTTP_READ_HEAD && c->in.n == 0)
			am_http_conn_end(c);
		else if (c->state <= AM_HTTP_READ_BODY)
			am_http_timer(c->timer, STOP_READING);
	}
}

bool
am_http_quiet(const struct am_http *h)
{
	const struct am_http_conn *c;

	TAILQ_FOREACH(c, &h->conns, link)
	if (c->state != AM_HTTP_LINGERING)
		return false;
	TAILQ_FOREACH(c, &h->streams, link)
	if (c->state != AM_HTTP_LINGERING)
		return false;
	return true;
}

unsigned
am_http_conns(const struct am_http *h)
{
	return h->conns_n;
}

const struct am_http_counts *
am_http_counts(const struct am_http *h)
{
	return &h->counts;
}
