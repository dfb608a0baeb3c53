/*
 * address - one table of what is not global unicast, after the special-purpose
 * registries of RFC 6890. IPv6 is refused by default: only 2000::/3 is in use.
 *
 * An address that carries an IPv4 address is judged by that one too: a
 * v4-mapped one is nothing else, while 6to4 and NAT64 are refused in any case
 * unless allowed, and what they lead to has to be allowed as well. The reverse
 * rule (a list of what may be dialled) would have to know the whole internet.
 */

#include "deliver/address.h"

#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>

struct range {
	uint8_t addr[16];
	unsigned bits;
	const char *why;
};

/* clang-format off */
static const struct range v4_refused[] = {
	/* address               bits  why */
	{ { 0 },                    8, "this network" },
	{ { 10 },                   8, "private" },
	{ { 100, 64 },             10, "carrier-grade NAT" },
	{ { 127 },                  8, "loopback" },
	{ { 169, 254 },            16, "link-local" },
	{ { 172, 16 },             12, "private" },
	{ { 192, 0, 0 },           24, "protocol assignments" },
	{ { 192, 0, 2 },           24, "documentation" },
	{ { 192, 88, 99 },         24, "6to4 relay" },
	{ { 192, 168 },            16, "private" },
	{ { 198, 18 },             15, "benchmarking" },
	{ { 198, 51, 100 },        24, "documentation" },
	{ { 203, 0, 113 },         24, "documentation" },
	{ { 224 },                  4, "multicast" },
	{ { 240 },                  4, "reserved" },
};

static const struct range v6_refused[] = {
	/* address                                      bits  why */
	{ { 0 },                                         128, "unspecified" },
	{ { [15] = 1 },                                  128, "loopback" },
	{ { 0x00, 0x64, 0xff, 0x9b },                     96, "NAT64" },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 },         48, "NAT64" },
	{ { 0x20, 0x01 },                                 23, "protocol assignments" },
	{ { 0x20, 0x01, 0x0d, 0xb8 },                     32, "documentation" },
	{ { 0x20, 0x02 },                                 16, "6to4" },
	{ { 0x3f, 0xff },                                 20, "documentation" },
	{ { 0xfc },                                        7, "private" },
	{ { 0xfe, 0x80 },                                 10, "link-local" },
	{ { 0xff },                                        8, "multicast" },
};

/* Forms of IPv6 that carry an IPv4 address, and where it lies. */
static const struct wrap {
	struct range range;
	unsigned at;
	bool transparent; /* nothing but the IPv4 address */
} wraps[] = {
	/* address                              bits           at  transparent */
	{ { { [10] = 0xff, 0xff },                96, NULL },  12, true },
	{ { { 0x00, 0x64, 0xff, 0x9b },           96, NULL },  12, false },
	{ { { 0x20, 0x02 },                       16, NULL },   2, false },
};
/* clang-format on */

static bool
covers(const uint8_t *net, unsigned bits, const uint8_t *addr)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(net, addr, whole) != 0)
		return false;
	return rest == 0 || ((net[whole] ^ addr[whole]) >> (8 - rest)) == 0;
}

static bool
is_allowed(
    int family, const uint8_t *addr, const struct am_cidr *allow, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (allow[i].family == family &&
		    covers(allow[i].addr, allow[i].bits, addr))
			return true;
	}
	return false;
}

static const char *
refused_by(const struct range *table, size_t n, const uint8_t *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (covers(table[i].addr, table[i].bits, addr))
			return table[i].why;
	}
	return NULL;
}

static const char *
v4(const uint8_t *addr, const struct am_cidr *allow, size_t allow_n)
{
	if (is_allowed(AF_INET, addr, allow, allow_n))
		return NULL;
	return refused_by(v4_refused, AM_COUNT(v4_refused), addr);
}

static const char *
v6(const uint8_t *addr, const struct am_cidr *allow, size_t allow_n)
{
	const char *why = NULL;

	for (size_t i = 0; i < AM_COUNT(wraps); i++) {
		const struct wrap *w = &wraps[i];

		if (!covers(w->range.addr, w->range.bits, addr))
			continue;
		why = v4(addr + w->at, allow, allow_n);
		if (why != NULL || w->transparent)
			return why;
	}
	if (is_allowed(AF_INET6, addr, allow, allow_n))
		return NULL;
	why = refused_by(v6_refused, AM_COUNT(v6_refused), addr);
	if (why == NULL && (addr[0] & 0xe0) != 0x20)
		why = "not global unicast";
	return why;
}

const char *
am_address_refused(
    const struct sockaddr *sa, const struct am_cidr *allow, size_t allow_n)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		return v4((const uint8_t *)&in.sin_addr, allow, allow_n);
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		return v6(in6.sin6_addr.s6_addr, allow, allow_n);
	}
	return "not an internet address";
}
