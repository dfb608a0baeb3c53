/*
 * deliver: what is dialled. Hosts in every spelling, names with good and bad
 * addresses, rebinding, servers that are slow or silent. Faults 52 and 53.
 */

#include "tests/unit/deliver_world.h"

#include <arpa/inet.h>
#include <sys/mman.h>

#include <event2/dns_struct.h>

#include "deliver/curlmux.h"

/* A name server on loopback that gives the same answer to every name. */
struct names {
	struct evdns_server_port *port;
	const char *a[4]; /* addresses, in order */
	bool unknown;	  /* NXDOMAIN */
	bool silent;
	unsigned asked; /* A questions */
};

static void
on_question(struct evdns_server_request *req, void *arg)
{
	struct names *n = arg;
	const struct evdns_server_question *q = req->questions[0];
	unsigned char addrs[AM_COUNT(n->a)][4];
	int addrs_n = 0;

	for (; n->a[addrs_n] != NULL; addrs_n++)
		inet_pton(AF_INET, n->a[addrs_n], addrs[addrs_n]);
	n->asked += q->type == EVDNS_TYPE_A;
	if (n->silent) {
		evdns_server_request_drop(req);
		return;
	}
	if (q->type == EVDNS_TYPE_A && addrs_n > 0)
		evdns_server_request_add_a_reply(
		    req, q->name, addrs_n, addrs, 0);
	evdns_server_request_respond(
	    req, n->unknown ? DNS_ERR_NOTEXIST : DNS_ERR_NONE);
}

static void
names_start(struct world *w, struct names *n)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	char text[32];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port_of(fd));
	n->port =
	    evdns_add_server_port_with_base(w->base, fd, 0, on_question, n);
	assert_int_equal(evdns_base_nameserver_ip_add(w->dns, text), 0);
}

static void
names_stop(struct names *n)
{
	evdns_close_server_port(n->port);
}

/* The first endpoint is asked for by name, its receiver is on 127.0.0.1. */
static struct world *
named_world(struct names *n)
{
	struct world *w = world_new(1);

	world_endpoint(w, 0, "http", "hooks.example", w->rx[0].port);
	names_start(w, n);
	world_configure(w);
	return w;
}

static void
named_world_free(struct world *w, struct names *n)
{
	names_stop(n);
	world_free(w);
}

/* ---- spellings ---- */

static const char *const spellings[] = { "127.0.0.1", "0x7f000001",
	"2130706433", "127.1", "0177.0.0.1", "localhost" };
static const char *const never[] = { "::1", "::ffff:127.0.0.1", "fe80::1",
	"0.0.0.0", "169.254.169.254", "10.0.0.1", "64:ff9b::7f00:1" };

static void
load_localhost(struct world *w)
{
	static const char text[] = "127.0.0.1 localhost\n";
	char path[64];
	int fd = memfd_create("hosts", 0);

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(evdns_base_load_hosts(w->dns, path), 0);
	close(fd);
}

static void
expect_refused(const char *host)
{
	struct world *w = world_new(1);
	const struct am_send_result *r;

	load_localhost(w);
	world_endpoint(w, 0, "http", host, w->rx[0].port);
	w->ep[0].allow_net_n = 0;
	world_configure(w);
	r = world_try(w);
	expect_result(r, AM_SEND_RETRY, 0, "refused_address");
	assert_non_null(strstr(r->detail, host));
	assert_non_null(strstr(r->detail, "allow_net"));
	assert_int_equal(w->rx[0].connections, 0);
	world_free(w);
}

static void
test_dial_private_host_in_any_spelling_then_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(spellings); i++)
		expect_refused(spellings[i]);
	for (size_t i = 0; i < AM_COUNT(never); i++)
		expect_refused(never[i]);
}

static void
test_dial_private_host_allowed_then_delivered(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(spellings); i++) {
		struct world *w = world_new(1);

		load_localhost(w);
		world_endpoint(w, 0, "http", spellings[i], w->rx[0].port);
		world_configure(w);
		expect_result(world_try(w), AM_SEND_OK, 200, "ok");
		assert_int_equal(w->rx[0].requests, 1);
		world_free(w);
	}
}

/* ---- the second barrier: what the kernel would get ---- */

struct probe {
	struct am_curlmux_job job;
	struct world *world;
	struct sockaddr_in seen;
	unsigned vetted, done;
	CURLcode rc;
};

static bool
probe_vet(struct am_curlmux_job *job, const struct sockaddr *sa)
{
	struct probe *p = (struct probe *)job;

	p->vetted++;
	memcpy(&p->seen, sa, sizeof(p->seen));
	return false;
}

static void
probe_done(struct am_curlmux_job *job, CURLcode rc)
{
	struct probe *p = (struct probe *)job;

	p->done++;
	p->rc = rc;
}

static void
test_dial_socket_hook_then_sees_the_real_address_and_refuses(void **state)
{
	struct world *w = world_new(1);
	struct am_curlmux *mux = am_curlmux_new(w->base);

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct probe p = { .world = w };
		char url[64];

		snprintf(url, sizeof(url), "http://user@%s:%u/", spellings[i],
		    w->rx[0].port);
		am_curlmux_job_init(&p.job, mux, probe_done, probe_vet);
		curl_easy_setopt(p.job.easy, CURLOPT_URL, url);
		curl_easy_setopt(p.job.easy, CURLOPT_PROXY, "");
		assert_int_equal(am_curlmux_start(&p.job), 0);
		assert_int_equal(p.done, 0);
		while (p.done == 0)
			event_base_loop(w->base, EVLOOP_ONCE);
		assert_int_equal(p.rc, CURLE_COULDNT_CONNECT);
		assert_true(p.vetted > 0);
		assert_int_equal(
		    ntohl(p.seen.sin_addr.s_addr), INADDR_LOOPBACK);
		am_curlmux_job_fini(&p.job);
	}
	assert_int_equal(w->rx[0].connections, 0);
	am_curlmux_free(mux);
	world_free(w);
}

/* ---- names ---- */

static void
test_dial_name_then_resolved_once_and_host_header_kept(void **state)
{
	struct names n = { .a = { "127.0.0.1" } };
	struct world *w = named_world(&n);
	char host[64];

	(void)state;
	for (int i = 0; i < 5; i++) /* all wait for one question */
		world_send(w, "crm", "fu1");
	world_wait(w, 5);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_int_equal(n.asked, 1);
	assert_int_equal(w->rx[0].requests, 6);
	snprintf(host, sizeof(host), "hooks.example:%u", w->rx[0].port);
	assert_string_equal(header(&w->rx[0], 5, "host"), host);
	named_world_free(w, &n);
}

static void
test_dial_name_rebound_to_private_then_refused(void **state)
{
	struct names n = { .a = { "127.0.0.1" } };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	n.a[0] = "10.0.0.1";
	world_configure(w); /* what was known of the name is asked anew */
	expect_result(world_try(w), AM_SEND_RETRY, 0, "refused_address");
	assert_non_null(strstr(w->out[1].r.detail, "10.0.0.1 (private)"));
	assert_int_equal(w->rx[0].requests, 1);
	named_world_free(w, &n);
}

static void
test_dial_allow_net_taken_away_then_kept_connection_not_used(void **state)
{
	struct names n = { .a = { "127.0.0.1" } };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	w->ep[0].allow_net_n = 0;
	world_configure(w);
	expect_result(world_try(w), AM_SEND_RETRY, 0, "refused_address");
	assert_int_equal(w->rx[0].requests, 1);
	named_world_free(w, &n);
}

static void
test_dial_name_with_a_private_address_among_others_then_skipped(void **state)
{
	struct names n = { .a = { "10.0.0.1", "127.0.0.1", "192.168.0.1" } };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	named_world_free(w, &n);
}

static void
test_dial_first_address_dead_then_next_at_once(void **state)
{
	struct names n = { .a = { "127.0.0.9", "127.0.0.1" } };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_int_equal(w->rx[0].connections, 1);
	named_world_free(w, &n);
}

static void
test_dial_all_addresses_dead_then_retry_and_asked_anew(void **state)
{
	struct names n = { .a = { "127.0.0.9", "127.0.0.8" } };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_RETRY, 0, "connect");
	n.a[0] = "127.0.0.1";
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_int_equal(n.asked, 2);
	named_world_free(w, &n);
}

static void
test_dial_no_such_name_then_retry_dns(void **state)
{
	struct names n = { .unknown = true };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_RETRY, 0, "dns");
	n.unknown = false;
	n.a[0] = "127.0.0.1";
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	named_world_free(w, &n);
}

static void
test_dial_name_without_address_then_retry_dns(void **state)
{
	struct names n = { .unknown = false };
	struct world *w = named_world(&n);

	(void)state;
	expect_result(world_try(w), AM_SEND_RETRY, 0, "dns");
	named_world_free(w, &n);
}

static void
test_dial_name_server_silent_then_retry_in_time(void **state)
{
	struct names n = { .silent = true };
	struct world *w = named_world(&n);
	const struct am_send_result *r = world_try(w);

	(void)state;
	expect_result(r, AM_SEND_RETRY, 0, "dns_timeout");
	assert_true(r->took >= 150 && r->took < 2000);
	named_world_free(w, &n);
}

static void
test_dial_no_name_server_then_retry_in_time(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_endpoint(w, 0, "http", "hooks.example", w->rx[0].port);
	world_configure(w);
	assert_int_equal(world_try(w)->class, AM_SEND_RETRY);
	assert_true(w->out[0].r.took < 2000);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_dial_private_host_in_any_spelling_then_refused),
		T(test_dial_private_host_allowed_then_delivered),
		T(test_dial_socket_hook_then_sees_the_real_address_and_refuses),
		T(test_dial_name_then_resolved_once_and_host_header_kept),
		T(test_dial_name_rebound_to_private_then_refused),
		T(test_dial_allow_net_taken_away_then_kept_connection_not_used),
		T(test_dial_name_with_a_private_address_among_others_then_skipped),
		T(test_dial_first_address_dead_then_next_at_once),
		T(test_dial_all_addresses_dead_then_retry_and_asked_anew),
		T(test_dial_no_such_name_then_retry_dns),
		T(test_dial_name_without_address_then_retry_dns),
		T(test_dial_name_server_silent_then_retry_in_time),
		T(test_dial_no_name_server_then_retry_in_time),
	};

	return cmocka_run_group_tests_name("deliver_dial", tests, NULL, NULL);
}
