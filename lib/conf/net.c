/*
 * net - URLs and networks as conf writes them.
 *
 * A narrow reading on purpose: what a browser would mend (spaces, backslashes,
 * user names, octal addresses) is refused, for the host that is vetted must be
 * the host that is dialled.
 */

#include "value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int
am_cidr_parse(const char *s, struct am_cidr *cidr)
{
	const char *slash = strchr(s, '/');
	struct am_cidr c = { 0 };
	char addr[INET6_ADDRSTRLEN];
	int64_t bits;
	unsigned width;

	snprintf(addr, sizeof(addr), "%.*s",
	    (int)(slash != NULL ? slash - s : (int)sizeof(addr)), s);
	c.family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	width = c.family == AF_INET6 ? 128 : 32;
	if (inet_pton(c.family, addr, c.addr) != 1)
		return -AM_EINVAL;
	bits = width;
	if (slash != NULL &&
	    (am_count_parse(slash + 1, &bits) != 0 || bits > width))
		return -AM_EINVAL;
	c.bits = (unsigned)bits;
	for (unsigned i = c.bits; i < width; i++) {
		if (c.addr[i / 8] & (0x80 >> i % 8))
			return -AM_EINVAL;
	}
	*cidr = c;
	return 0;
}

static int
refuse(char why[256], const char *s, const char *what)
{
	snprintf(why, 256, "'%.80s' %s", s, what);
	return -AM_EINVAL;
}

/* The host from p, in the arena and in lower case; *end behind it. */
static const char *
host_of(struct am_arena *a, const char *p, const char *limit, const char **end)
{
	const char *stop =
	    memchr(p, *p == '[' ? ']' : ':', (size_t)(limit - p));
	bool v6 = *p == '[';
	struct in6_addr in6;
	char *host;

	if (stop == NULL)
		stop = limit;
	if (v6 && stop++ == limit)
		return NULL;
	host = (char *)am_arena_cstr(
	    a, (struct am_str){ p + v6, (size_t)(stop - p) - (v6 ? 2 : 0) });
	for (char *c = host; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	}
	*end = stop;
	if (v6)
		return inet_pton(AF_INET6, host, &in6) == 1 ? host : NULL;
	if (*host == '\0' || strlen(host) > 253 ||
	    host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-._")] !=
		'\0')
		return NULL;
	return host;
}

int
am_authority_parse(
    struct am_arena *a, const char *p, const char *end, struct am_url *url)
{
	const char *host, *colon, *digits;
	int64_t port;

	if (p == end || (host = host_of(a, p, end, &colon)) == NULL)
		return -AM_EINVAL;
	if (colon < end) {
		digits = am_arena_cstr(
		    a, (struct am_str){ colon + 1, (size_t)(end - colon) - 1 });
		if (*colon != ':' || am_count_parse(digits, &port) != 0 ||
		    port < 1 || port > 65535)
			return -AM_EINVAL;
		url->port = (unsigned)port;
	}
	url->host = host;
	return 0;
}

int
am_url_parse(
    struct am_arena *a, const char *s, struct am_url *url, char why[256])
{
	static const struct am_url known[] = {
		{ .scheme = "https", .port = 443 },
		{ .scheme = "http", .port = 80 },
		{ .scheme = "smtps", .port = 465 },
		{ .scheme = "smtp", .port = 25 },
	};
	struct am_url u = { 0 };
	const char *p = strstr(s, "://"), *end;

	for (size_t i = 0; p != NULL && i < AM_COUNT(known); i++) {
		if (am_str_is(
			(struct am_str){ s, (size_t)(p - s) }, known[i].scheme))
			u = known[i];
	}
	if (u.scheme == NULL)
		return refuse(why, s,
		    "is no web address; write "
		    "https://HOST/PATH");
	p += 3;
	for (const char *c = s; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || strchr("\\\"<>^`{|}", *c))
			return refuse(why, s,
			    "has a blank or a character that "
			    "no address has; write it "
			    "percent-encoded");
	}
	if (strchr(s, '#') != NULL)
		return refuse(why, s,
		    "has a fragment, which is never sent; "
		    "remove it from '#' on");
	end = p + strcspn(p, "/?");
	if (memchr(p, '@', (size_t)(end - p)) != NULL) {
		/* not shown: what stands there may be a password */
		snprintf(why, 256,
		    "the address carries a user name; remove "
		    "what stands before '@'");
		return -AM_EINVAL;
	}
	if (am_authority_parse(a, p, end, &u) != 0)
		return refuse(why, s,
		    "has no proper host and port; write "
		    "https://HOST[:PORT]/PATH");
	u.path = end;
	*url = u;
	return 0;
}
