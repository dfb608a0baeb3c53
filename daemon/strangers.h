#pragma once

/*
 * strangers - what callbacks and producers have in common (layer: daemon): from
 * which address they come, and lines that they can cause at will.
 */

#include <sys/socket.h>

#include "conf/conf.h"

/* In one of these networks? None given: anywhere. */
bool am_peer_in(
    const struct am_cidr *nets, size_t n, const struct sockaddr_storage *peer);

/* One line a second; the next says how many were not. */
struct am_hush {
	am_ms said_at;
	unsigned unsaid;
};

/* "EVENT NAME=of reason=… unsaid=…" as a warning. */
void am_hush_say(struct am_hush *h, const char *event, const char *name,
    const char *of, const char *reason);
