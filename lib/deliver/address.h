#pragma once

/*
 * address - which addresses may be dialled (layer: deliver). Everything that
 * is not global unicast is refused unless an allow list covers it; v4-mapped,
 * 6to4 and NAT64 addresses are unwrapped first.
 */

#include "conf/conf.h"

struct sockaddr;

/* NULL when it may be dialled, else a short reason ("loopback", "private"…). */
const char *am_address_refused(
    const struct sockaddr *sa, const struct am_cidr *allow, size_t allow_n);
