/*
 * strangers - see strangers.h.
 */

#include "daemon/strangers.h"

#include <netinet/in.h>
#include <string.h>

#include "base/str.h"
#include "daemon/engine.h"
#include "log/log.h"

static bool
net_has(const struct am_cidr *net, const struct sockaddr_storage *peer)
{
	const uint8_t *addr;
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (peer->ss_family != net->family)
		return false;
	addr =
	    net->family == AF_INET
		? (const uint8_t *)&((const struct sockaddr_in *)peer)->sin_addr
		: ((const struct sockaddr_in6 *)peer)->sin6_addr.s6_addr;
	return memcmp(addr, net->addr, whole) == 0 &&
	       (rest == 0 ||
		   (addr[whole] ^ net->addr[whole]) >> (8 - rest) == 0);
}

bool
am_peer_in(
    const struct am_cidr *nets, size_t n, const struct sockaddr_storage *peer)
{
	for (size_t i = 0; i < n; i++)
		if (net_has(&nets[i], peer))
			return true;
	return n == 0;
}

void
am_hush_say(struct am_hush *h, const char *event, const char *name,
    const char *of, const char *reason)
{
	am_ms now = am_engine_monotonic();

	if (h->said_at != 0 && now - h->said_at < AM_SECOND) {
		h->unsaid++;
		return;
	}
	am_log_warn(
	    event, "%s=%s reason=%s unsaid=%u", name, of, reason, h->unsaid);
	*h = (struct am_hush){ .said_at = now };
}
