#pragma once

/*
 * resolve - a host name to addresses, without blocking (layer: deliver).
 *
 * Asks evdns; /etc/hosts counts when whoever made the evdns base loaded it.
 */

#include <amends/base.h>

#include <sys/socket.h>

#define AM_ADDRS_MAX 8

struct event_base;
struct evdns_base;
struct am_resolve; /* one question; ends itself with its answer */

struct am_addr {
	struct sockaddr_storage ss; /* the port is not set */
};

/*
 * rc is 0 (n >= 1), -AM_ETIMEDOUT, -AM_ENOENT (no such name, no address) or
 * -AM_EIO (the servers cannot say); why is a phrase for people, "" with 0.
 */
typedef void am_resolve_cb(
    void *arg, int rc, const struct am_addr *addrs, size_t n, const char *why);

/*
 * An address written as a number, in every form that a resolver would take
 * for one: 127.1, 0x7f000001, 2130706433 and 0177.0.0.1 too.
 */
bool am_resolve_numeric(const char *host, struct am_addr *addr);

/* cb runs exactly once, never before this returns. dns NULL: -AM_EIO. */
struct am_resolve *
am_resolve_start(struct event_base *base, struct evdns_base *dns,
    const char *host, am_ms timeout, am_resolve_cb *cb, void *arg);
/* cb is not called any more. evdns lets go at the next turn of the loop. */
void am_resolve_cancel(struct am_resolve *r);

/* "192.0.2.1", "2001:db8::1"; out has at least INET6_ADDRSTRLEN bytes. */
const char *am_addr_format(const struct am_addr *addr, char *out);
