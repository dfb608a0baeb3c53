/*
 * resolve - one evdns_getaddrinfo() under a timer of our own.
 *
 * evdns answers at once from the hosts file, and never when it has no server;
 * so its answer is kept and told by the timer's event, which is also the
 * deadline. A question that we gave up stays until evdns has let go of it.
 * libcurl's own resolver is a thread that can block the loop when a transfer
 * is taken out while it hangs.
 */

#include "deliver/resolve.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

struct am_resolve {
	struct evdns_getaddrinfo_request *request;
	struct event *tick; /* the answer, or the deadline */
	am_resolve_cb *cb;
	void *arg;
	bool asking; /* evdns has not answered */
	bool ended;  /* our answer was given, or is not wanted */
	int rc;
	const char *why;
	struct am_addr addrs[AM_ADDRS_MAX];
	size_t n;
};

bool
am_resolve_numeric(const char *host, struct am_addr *addr)
{
	struct am_addr a = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		memcpy(&a.ss, &in6, sizeof(in6));
	else if (inet_aton(host, &in.sin_addr) != 0)
		memcpy(&a.ss, &in, sizeof(in));
	else
		return false;
	*addr = a;
	return true;
}

static void
resolve_free(struct am_resolve *r)
{
	event_free(r->tick);
	free(r);
}

static void
keep_family(struct am_resolve *r, const struct evutil_addrinfo *ai, int family)
{
	for (; ai != NULL && r->n < AM_ADDRS_MAX; ai = ai->ai_next) {
		if (ai->ai_family == family)
			memcpy(
			    &r->addrs[r->n++].ss, ai->ai_addr, ai->ai_addrlen);
	}
}

/* IPv4 first: addresses are tried one after the other, not in a race. */
static void
keep(struct am_resolve *r, int result, const struct evutil_addrinfo *ai)
{
	keep_family(r, ai, AF_INET);
	keep_family(r, ai, AF_INET6);
	if (r->n > 0) {
		r->rc = 0;
		r->why = "";
	} else if (result == 0 || result == EVUTIL_EAI_NONAME ||
		   result == EVUTIL_EAI_NODATA) {
		r->rc = -AM_ENOENT;
		r->why = "no such name";
	} else {
		r->rc = -AM_EIO;
		r->why = evutil_gai_strerror(result);
	}
}

static void
on_evdns(int result, struct evutil_addrinfo *ai, void *arg)
{
	struct am_resolve *r = arg;

	r->asking = false;
	if (r->ended) {
		resolve_free(r);
	} else {
		keep(r, result, ai);
		event_active(r->tick, EV_TIMEOUT, 1);
	}
	if (ai != NULL)
		evutil_freeaddrinfo(ai);
}

static void
give_up(struct am_resolve *r)
{
	r->ended = true;
	if (r->asking)
		evdns_getaddrinfo_cancel(r->request); /* then on_evdns */
	else
		resolve_free(r);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct am_resolve *r = arg;

	(void)fd;
	(void)what;
	if (r->asking) {
		r->rc = -AM_ETIMEDOUT;
		r->why = "the name servers did not answer in time";
	}
	r->cb(r->arg, r->rc, r->addrs, r->n, r->why);
	give_up(r);
}

struct am_resolve *
am_resolve_start(struct event_base *base, struct evdns_base *dns,
    const char *host, am_ms timeout, am_resolve_cb *cb, void *arg)
{
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct timeval tv = { timeout / AM_SECOND, timeout % AM_SECOND * 1000 };
	struct am_resolve *r = calloc(1, sizeof(*r));

	AM_ASSERT(r != NULL);
	r->tick = evtimer_new(base, on_tick, r);
	AM_ASSERT(r->tick != NULL);
	r->cb = cb;
	r->arg = arg;
	if (dns == NULL) {
		r->rc = -AM_EIO;
		r->why = "there is no resolver";
		event_active(r->tick, EV_TIMEOUT, 1);
		return r;
	}
	r->asking = true;
	evtimer_add(r->tick, &tv);
	r->request = evdns_getaddrinfo(dns, host, NULL, &hints, on_evdns, r);
	return r;
}

void
am_resolve_cancel(struct am_resolve *r)
{
	evtimer_del(r->tick);
	give_up(r);
}

const char *
am_addr_format(const struct am_addr *addr, char *out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	out[0] = '\0';
	if (addr->ss.ss_family == AF_INET) {
		memcpy(&in, &addr->ss, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, out, INET6_ADDRSTRLEN);
	} else {
		memcpy(&in6, &addr->ss, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, out, INET6_ADDRSTRLEN);
	}
	return out;
}
