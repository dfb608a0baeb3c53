/* Which addresses may be dialled: both edges of every range, and wraps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "deliver/address.h"

/* clang-format off */
static const struct row {
	const char *text;
	const char *why; /* NULL: may be dialled */
} table[] = {
	/* just outside and just inside of each range */
	{ "0.0.0.0",          "this network" },
	{ "0.255.255.255",    "this network" },
	{ "1.0.0.0",          NULL },
	{ "9.255.255.255",    NULL },
	{ "10.0.0.0",         "private" },
	{ "10.255.255.255",   "private" },
	{ "11.0.0.0",         NULL },
	{ "100.63.255.255",   NULL },
	{ "100.64.0.0",       "carrier-grade NAT" },
	{ "100.127.255.255",  "carrier-grade NAT" },
	{ "100.128.0.0",      NULL },
	{ "126.255.255.255",  NULL },
	{ "127.0.0.0",        "loopback" },
	{ "127.0.0.1",        "loopback" },
	{ "127.255.255.255",  "loopback" },
	{ "128.0.0.0",        NULL },
	{ "169.253.255.255",  NULL },
	{ "169.254.0.0",      "link-local" },
	{ "169.254.169.254",  "link-local" },
	{ "169.254.255.255",  "link-local" },
	{ "169.255.0.0",      NULL },
	{ "172.15.255.255",   NULL },
	{ "172.16.0.0",       "private" },
	{ "172.31.255.255",   "private" },
	{ "172.32.0.0",       NULL },
	{ "191.255.255.255",  NULL },
	{ "192.0.0.0",        "protocol assignments" },
	{ "192.0.0.255",      "protocol assignments" },
	{ "192.0.1.0",        NULL },
	{ "192.0.1.255",      NULL },
	{ "192.0.2.0",        "documentation" },
	{ "192.0.2.255",      "documentation" },
	{ "192.0.3.0",        NULL },
	{ "192.88.98.255",    NULL },
	{ "192.88.99.0",      "6to4 relay" },
	{ "192.88.99.255",    "6to4 relay" },
	{ "192.88.100.0",     NULL },
	{ "192.167.255.255",  NULL },
	{ "192.168.0.0",      "private" },
	{ "192.168.255.255",  "private" },
	{ "192.169.0.0",      NULL },
	{ "198.17.255.255",   NULL },
	{ "198.18.0.0",       "benchmarking" },
	{ "198.19.255.255",   "benchmarking" },
	{ "198.20.0.0",       NULL },
	{ "198.51.99.255",    NULL },
	{ "198.51.100.0",     "documentation" },
	{ "198.51.100.255",   "documentation" },
	{ "198.51.101.0",     NULL },
	{ "203.0.112.255",    NULL },
	{ "203.0.113.0",      "documentation" },
	{ "203.0.113.255",    "documentation" },
	{ "203.0.114.0",      NULL },
	{ "223.255.255.255",  NULL },
	{ "224.0.0.0",        "multicast" },
	{ "239.255.255.255",  "multicast" },
	{ "240.0.0.0",        "reserved" },
	{ "255.255.255.255",  "reserved" },
	{ "8.8.8.8",          NULL },

	{ "::",                                       "unspecified" },
	{ "::1",                                      "loopback" },
	{ "::2",                                      "not global unicast" },
	{ "::127.0.0.1",                              "not global unicast" },
	{ "64:ff9a:ffff::",                           "not global unicast" },
	{ "64:ff9b::8.8.8.8",                         "NAT64" },
	{ "64:ff9b::10.0.0.1",                        "private" },
	{ "64:ff9b::169.254.169.254",                 "link-local" },
	{ "64:ff9b::7f00:1",                          "loopback" },
	{ "64:ff9b:1::1",                             "NAT64" },
	{ "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",       "NAT64" },
	{ "64:ff9b:2::1",                             "not global unicast" },
	{ "100::1",                                   "not global unicast" },
	{ "1fff:ffff::1",                             "not global unicast" },
	{ "2000::1",                                  NULL },
	{ "2000:ffff::1",                             NULL },
	{ "2001::1",                                  "protocol assignments" },
	{ "2001:1ff:ffff::1",                         "protocol assignments" },
	{ "2001:200::1",                              NULL },
	{ "2001:db7:ffff::1",                         NULL },
	{ "2001:db8::1",                              "documentation" },
	{ "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",   "documentation" },
	{ "2001:db9::1",                              NULL },
	{ "2001:ffff::1",                             NULL },
	{ "2002:808:808::1",                          "6to4" },
	{ "2002:7f00:1::1",                           "loopback" },
	{ "2002:a00:1::1",                            "private" },
	{ "2002:a9fe:a9fe::1",                        "link-local" },
	{ "2003::1",                                  NULL },
	{ "2606:4700:4700::1111",                     NULL },
	{ "3ffe:ffff::1",                             NULL },
	{ "3fff::1",                                  "documentation" },
	{ "3fff:fff:ffff::1",                         "documentation" },
	{ "3fff:1000::1",                             NULL },
	{ "3fff:ffff::1",                             NULL },
	{ "4000::1",                                  "not global unicast" },
	{ "5f00::1",                                  "not global unicast" },
	{ "fbff::1",                                  "not global unicast" },
	{ "fc00::1",                                  "private" },
	{ "fdff:ffff::1",                             "private" },
	{ "fe00::1",                                  "not global unicast" },
	{ "fe80::1",                                  "link-local" },
	{ "febf:ffff::1",                             "link-local" },
	{ "fec0::1",                                  "not global unicast" },
	{ "ff02::1",                                  "multicast" },
	{ "::ffff:127.0.0.1",                         "loopback" },
	{ "::ffff:10.1.2.3",                          "private" },
	{ "::ffff:169.254.169.254",                   "link-local" },
	{ "::ffff:8.8.8.8",                           NULL },
	{ "::fffe:8.8.8.8",                           "not global unicast" },
};

static const struct allowed {
	const char *text, *net;
	unsigned bits;
	bool may;
} allowed[] = {
	{ "127.0.0.1",             "127.0.0.0",     8, true },
	{ "127.0.0.1",             "127.0.0.1",    32, true },
	{ "127.0.0.2",             "127.0.0.1",    32, false },
	{ "10.1.2.3",              "127.0.0.0",     8, false },
	{ "10.1.2.3",              "10.1.2.0",     23, true },
	{ "10.1.4.3",              "10.1.2.0",     23, false },
	{ "192.168.1.1",           "0.0.0.0",       0, true },
	{ "::1",                   "0.0.0.0",       0, false },
	{ "::1",                   "::1",         128, true },
	{ "::1",                   "::",            0, true },
	{ "127.0.0.1",             "::",            0, false },
	{ "fd00::5",               "fd00::",        8, true },
	{ "fc00::5",               "fd00::",        8, false },
	{ "::ffff:127.0.0.1",      "127.0.0.0",     8, true },
	{ "::ffff:127.0.0.1",      "::",            0, false },
	{ "::ffff:10.0.0.1",       "127.0.0.0",     8, false },
	/* what a NAT64 or 6to4 address leads to must be allowed as well */
	{ "64:ff9b::8.8.8.8",      "64:ff9b::",    96, true },
	{ "64:ff9b::10.0.0.1",     "64:ff9b::",    96, false },
	{ "64:ff9b::10.0.0.1",     "10.0.0.0",      8, false },
	{ "2002:808:808::1",       "2002::",       16, true },
	{ "2002:7f00:1::1",        "2002::",       16, false },
	{ "2002:7f00:1::1",        "127.0.0.0",     8, false },
};
/* clang-format on */

static void
to_sockaddr(const char *text, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (strchr(text, ':') != NULL) {
		in6->sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	} else {
		in->sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
	}
}

static void
test_address_of_every_range_then_refused_with_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(table); i++) {
		struct sockaddr_storage ss;
		const char *why;

		to_sockaddr(table[i].text, &ss);
		why = am_address_refused((struct sockaddr *)&ss, NULL, 0);
		if ((why == NULL) != (table[i].why == NULL) ||
		    (why != NULL && strcmp(why, table[i].why) != 0))
			fail_msg("%s: %s, not %s", table[i].text,
			    why != NULL ? why : "may be dialled",
			    table[i].why != NULL ? table[i].why
						 : "may be dialled");
	}
}

static void
test_address_allowed_then_exactly_what_the_list_covers(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(allowed); i++) {
		const struct allowed *a = &allowed[i];
		struct sockaddr_storage ss;
		struct am_cidr nets[2] = {
			{ .family = AF_INET,
			    .addr = { 198, 51, 100, 77 },
			    .bits = 32 },
			{ .bits = a->bits },
		};
		bool may;

		nets[1].family = strchr(a->net, ':') ? AF_INET6 : AF_INET;
		assert_int_equal(
		    inet_pton(nets[1].family, a->net, nets[1].addr), 1);
		to_sockaddr(a->text, &ss);
		may =
		    am_address_refused((struct sockaddr *)&ss, nets, 2) == NULL;
		if (may != a->may)
			fail_msg("%s under allow_net %s/%u: %s", a->text,
			    a->net, a->bits,
			    may ? "may be dialled" : "refused");
	}
}

static void
test_address_of_another_family_then_refused(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct am_cidr all = { .family = AF_INET };

	(void)state;
	assert_non_null(am_address_refused((struct sockaddr *)&un, &all, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_address_of_every_range_then_refused_with_its_name),
		cmocka_unit_test(
		    test_address_allowed_then_exactly_what_the_list_covers),
		cmocka_unit_test(test_address_of_another_family_then_refused),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
