/*
 * store: what a connection, a clock, a full Redis and foreign keys may do to a
 * shard. Numbers are those of the fault catalogue; what happens to the stream
 * and the data set is in store_dataset_test.c.
 */

#include "store_fixture.h"

#include "base/str.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- a proxy that can cut a connection at a marked point ---- */

struct link {
	struct link *next;
	struct proxy *proxy;
	int client, server;
	struct event *from_client, *from_server;
	bool armed; /* an EXEC has passed: its reply is dropped */
};

enum cut { CUT_NOT, CUT_REQUEST, CUT_REPLY };

struct proxy {
	char sock[96];
	int listener;
	struct event *accept;
	struct link *links;
	enum cut cut; /* at the next EXEC */
	bool skewed;  /* TIME is answered with 100 days less */
	unsigned cuts;
};

static int
unix_socket(const char *path, bool listening)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	assert_true(fd >= 0);
	if (listening) {
		assert_int_equal(bind(fd, (void *)&a, sizeof a), 0);
		assert_int_equal(listen(fd, 8), 0);
	} else {
		assert_int_equal(connect(fd, (void *)&a, sizeof a), 0);
	}
	evutil_make_socket_nonblocking(fd);
	return fd;
}

static void
link_close(struct link *l)
{
	struct link **p = &l->proxy->links;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	event_free(l->from_client);
	event_free(l->from_server);
	close(l->client);
	close(l->server);
	free(l);
}

/* The seconds of TIME lose a digit of their 10^7. */
static void
skew(char *buf, size_t n)
{
	static const char head[] = "*2\r\n$10\r\n";
	char *at = memmem(buf, n, head, sizeof head - 1);

	if (at != NULL && (size_t)(at - buf) + sizeof head + 3 < n)
		at[sizeof head - 1 + 2]--;
}

static bool
pump(struct link *l, int from, int to, bool request)
{
	static char buf[1 << 20];
	ssize_t n = read(from, buf, sizeof buf);
	struct proxy *p = l->proxy;
	size_t done = 0;

	if (n <= 0)
		return false;
	if (request && p->cut != CUT_NOT &&
	    memmem(buf, (size_t)n, "EXEC", 4) != NULL) {
		if (p->cut == CUT_REQUEST) {
			p->cut = CUT_NOT;
			p->cuts++;
			return false;
		}
		l->armed = true;
	} else if (!request && l->armed) {
		l->armed = false;
		p->cut = CUT_NOT;
		p->cuts++;
		return false;
	}
	if (!request && p->skewed)
		skew(buf, (size_t)n);
	while (done < (size_t)n) {
		ssize_t w = write(to, buf + done, (size_t)n - done);

		if (w > 0)
			done += (size_t)w;
		else if (errno != EAGAIN)
			return false;
	}
	return true;
}

static void
on_from_client(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)what;
	if (!pump(l, fd, l->server, true))
		link_close(l);
}

static void
on_from_server(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)what;
	if (!pump(l, fd, l->client, false))
		link_close(l);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;
	struct link *l = calloc(1, sizeof *l);

	(void)what;
	l->proxy = p;
	l->client = accept(fd, NULL, NULL);
	assert_true(l->client >= 0);
	evutil_make_socket_nonblocking(l->client);
	l->server = unix_socket(server.sock, false);
	l->from_client =
	    event_new(base, l->client, EV_READ | EV_PERSIST, on_from_client, l);
	l->from_server =
	    event_new(base, l->server, EV_READ | EV_PERSIST, on_from_server, l);
	event_add(l->from_client, NULL);
	event_add(l->from_server, NULL);
	l->next = p->links;
	p->links = l;
}

static struct am_redis_opts
proxy_start(struct proxy *p)
{
	struct am_redis_opts o = server_opts();

	memset(p, 0, sizeof *p);
	snprintf(p->sock, sizeof p->sock, "%s/p.sock", server.dir);
	p->listener = unix_socket(p->sock, true);
	p->accept =
	    event_new(base, p->listener, EV_READ | EV_PERSIST, on_accept, p);
	event_add(p->accept, NULL);
	o.path_or_host = p->sock;
	return o;
}

static void
proxy_stop(struct proxy *p)
{
	while (p->links != NULL)
		link_close(p->links);
	event_free(p->accept);
	close(p->listener);
}

static void
fill_set(struct probe *p, struct am_commit *c)
{
	struct am_batch *b = am_commit_raw(c);

	(void)p;
	am_cmd(b, "INCR");
	am_arg(b, "{complaints}:written");
}

/* ---- fault 24: the connection is cut around a commit ---- */

static void
cut_commit(enum cut cut, int rc, int written)
{
	struct proxy proxy;
	struct am_redis_opts o = proxy_start(&proxy);
	struct probe p;
	char token[160];

	probe_start_with(&p, "a", &o, NULL, false);
	probe_until(&p, AM_SHARD_RUNNING);
	snprintf(token, sizeof token, "%s", ctl_str("GET {complaints}:token"));
	proxy.cut = cut;
	assert_int_equal(probe_commit(&p, fill_set), rc);
	assert_int_equal(proxy.cuts, 1);
	assert_int_equal(ctl_int("GET {complaints}:written"), written);
	assert_int_equal(am_store_cursor(p.s)->commit, written);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_string_not_equal(token, ctl_str("GET {complaints}:token"));
	assert_int_equal(am_store_token(p.s)->epoch, 1);
	if (rc == 0)
		assert_int_equal(p.wake, 0); /* not known: look */
	assert_int_equal(probe_commit(&p, fill_set), 0);
	assert_int_equal(ctl_int("GET {complaints}:written"), written + 1);
	probe_stop(&p);
	proxy_stop(&proxy);
}

/* H6: EXEC never arrived. */
static void
test_store_when_cut_before_exec_then_commit_is_canceled(void **state)
{
	(void)state;
	cut_commit(CUT_REQUEST, -AM_ECANCELED, 0);
}

/* H6: EXEC was done and its answer lost. */
static void
test_store_when_cut_after_exec_then_commit_is_found_done(void **state)
{
	(void)state;
	cut_commit(CUT_REPLY, 0, 1);
}

/* H6 with another owner meanwhile: neither done nor ours. */
static void
take_it(struct probe *p)
{
	struct proxy *proxy = p->user;

	proxy->cut = CUT_REQUEST;
	ctl("SET {complaints}:token 7.other."
	    "00112233445566778899aabbccddeeff");
}

static void
test_store_when_cut_and_taken_by_another_then_fenced(void **state)
{
	struct proxy proxy;
	struct am_redis_opts o = proxy_start(&proxy);
	struct probe p;

	(void)state;
	probe_start_with(&p, "a", &o, NULL, false);
	probe_until(&p, AM_SHARD_RUNNING);
	p.user = &proxy;
	p.loaded = take_it;
	assert_int_equal(probe_commit(&p, fill_set), -AM_EFENCED);
	assert_int_equal(ctl_int("EXISTS {complaints}:written"), 0);
	probe_until(&p, AM_SHARD_STANDBY);
	probe_stop(&p);
	proxy_stop(&proxy);
}

/* Fault 9: a server that does not answer is dropped by our own timer. */
static void
test_store_when_server_is_stopped_then_own_timers_fire(void **state)
{
	struct probe p;
	struct am_redis_opts o = server_opts();

	(void)state;
	o.timeout = 200;
	probe_start_with(&p, "a", &o, NULL, false);
	probe_until(&p, AM_SHARD_RUNNING);
	kill(server.pid, SIGSTOP);
	probe_until(&p, AM_SHARD_DEGRADED);
	assert_false(am_store_may_act(p.s));
	kill(server.pid, SIGCONT);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_int_equal(am_store_token(p.s)->epoch, 1);
	probe_stop(&p);
}

/* Fault 2: whoever slept past the lease finds out before it acts. */
static void
test_store_when_owner_slept_then_it_may_not_act(void **state)
{
	struct probe a, b;
	struct probe *owner, *other;

	(void)state;
	probe_start(&a, "a");
	probe_until(&a, AM_SHARD_RUNNING);
	poll(NULL, 0, (int)TTL); /* the process is stopped: the loop stands */
	assert_false(am_store_may_act(a.s));
	assert_int_equal(am_store_good_until(a.s) < am_clock_boot(), 1);
	probe_start(&b, "b");
	probe_until(&b, AM_SHARD_STANDBY);
	probe_until(&a, AM_SHARD_RUNNING);
	owner = &a;
	other = &b;
	assert_true(am_store_may_act(owner->s));
	assert_false(am_store_may_act(other->s));
	probe_stop(&a);
	probe_stop(&b);
}

/* H18: the clocks disagree, and then have agreed for long enough. */
static void
test_store_when_clocks_disagree_then_held_until_they_agree(void **state)
{
	struct proxy proxy;
	struct am_redis_opts o = proxy_start(&proxy);
	struct probe p;
	am_ms right;

	(void)state;
	probe_start_with(&p, "a", &o, NULL, false);
	probe_until(&p, AM_SHARD_RUNNING);
	proxy.skewed = true;
	probe_until(&p, AM_SHARD_HELD_CLOCK);
	assert_non_null(strstr(p.why, "max_skew 5000 ms"));
	assert_false(am_store_may_act(p.s));
	assert_true(am_store_facts(p.s)->clock_diff < -AM_DAY);
	proxy.skewed = false;
	right = am_clock_boot();
	probe_until(&p, AM_SHARD_RUNNING);
	assert_true(am_clock_boot() - right < DEADLINE);
	probe_stop(&p);
	proxy_stop(&proxy);
}

/* ---- fault 16: Redis is full ---- */

static void
fill_must_go_on(struct probe *p, struct am_commit *c)
{
	fill_set(p, c);
	am_commit_must_go_on(c);
}

static void
test_store_when_full_then_only_what_must_goes_on(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	ctl("CONFIG SET maxmemory 1");
	assert_int_equal(probe_commit(&p, fill_set), -AM_EFULL);
	assert_int_equal(probe_commit(&p, fill_must_go_on), 0);
	assert_int_equal(p.wake, AM_NEVER);
	assert_int_equal(ctl_int("HGET {complaints}:cursor commit"), 1);
	assert_non_null(strstr(p.why, "OOM"));
	loop_for(2 * TTL); /* the beats go on as well */
	assert_int_equal(p.state, AM_SHARD_RUNNING);
	assert_true(am_store_may_act(p.s));
	ctl("CONFIG SET maxmemory 0");
	assert_int_equal(probe_commit(&p, fill_set), 0);
	assert_int_equal(ctl_int("GET {complaints}:written"), 2);
	probe_stop(&p);
}

/* The script compares the token too. */
static void
take_and_fill(struct probe *p)
{
	(void)p;
	ctl("SET {complaints}:token 7.other."
	    "00112233445566778899aabbccddeeff");
	ctl("CONFIG SET maxmemory 1");
}

static void
test_store_when_full_and_fenced_then_script_writes_nothing(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	p.loaded = take_and_fill;
	assert_int_equal(probe_commit(&p, fill_must_go_on), -AM_EFENCED);
	assert_int_equal(ctl_int("EXISTS {complaints}:written"), 0);
	probe_stop(&p);
}

/* A full Redis has its owner replaced as well. */
static void
test_store_when_full_then_shard_is_taken_over(void **state)
{
	struct probe a, b;

	(void)state;
	probe_start(&a, "a");
	probe_until(&a, AM_SHARD_RUNNING);
	probe_stop(&a);
	ctl("CONFIG SET maxmemory 1");
	probe_start(&b, "b");
	probe_until(&b, AM_SHARD_RUNNING);
	assert_int_equal(am_store_token(b.s)->epoch, 2);
	probe_stop(&b);
}

/* Fault 17. */
static void
test_store_when_policy_evicts_then_halted_until_set_right(void **state)
{
	struct probe p;

	(void)state;
	ctl("CONFIG SET maxmemory-policy allkeys-lru");
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_HALTED_STORAGE);
	assert_non_null(strstr(p.why, "noeviction"));
	assert_int_equal(ctl_int("EXISTS {complaints}:token"), 0);
	ctl("CONFIG SET maxmemory-policy noeviction");
	probe_until(&p, AM_SHARD_RUNNING);
	probe_stop(&p);
}

/* Fault 12: what Redis refuses whole is refused, and tried again. */
static void
test_store_when_read_only_then_degraded_and_back(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	ctl("CONFIG SET min-replicas-to-write 1");
	assert_int_equal(probe_commit(&p, fill_set), -AM_EBUSY);
	assert_int_equal(p.state, AM_SHARD_DEGRADED);
	assert_non_null(strstr(p.why, "NOREPLICAS"));
	assert_int_equal(ctl_int("EXISTS {complaints}:written"), 0);
	ctl("CONFIG SET min-replicas-to-write 0");
	probe_until(&p, AM_SHARD_RUNNING);
	assert_int_equal(probe_commit(&p, fill_set), 0);
	probe_stop(&p);
}

/* ---- fault 20: keys of a wrong type ---- */

static void
test_store_when_key_has_wrong_type_then_halted_before_taking(void **state)
{
	struct probe p;

	(void)state;
	ctl("SET {complaints}:wake x");
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_HALTED_STORAGE);
	assert_non_null(strstr(p.why, "{complaints}:wake"));
	assert_int_equal(ctl_int("EXISTS {complaints}:token"), 0);
	ctl("DEL {complaints}:wake");
	assert_int_equal(am_store_adopt(p.s), 0);
	probe_until(&p, AM_SHARD_RUNNING);
	probe_stop(&p);
}

static void
spoil(struct probe *p)
{
	(void)p;
	ctl("SET {complaints}:parked x");
}

static void
fill_park(struct probe *p, struct am_commit *c)
{
	(void)p;
	am_commit_park(c, AM_STR("C-1"), "test");
}

static void
test_store_when_write_fails_in_exec_then_halted(void **state)
{
	struct probe p;

	(void)state;
	probe_start(&p, "a");
	probe_until(&p, AM_SHARD_RUNNING);
	p.loaded = spoil;
	assert_int_equal(probe_commit(&p, fill_park), -AM_EPROTO);
	assert_int_equal(p.state, AM_SHARD_HALTED_STORAGE);
	assert_non_null(strstr(p.why, "WRONGTYPE"));
	assert_false(am_store_may_act(p.s));
	ctl("DEL {complaints}:parked");
	p.loaded = NULL;
	assert_int_equal(am_store_adopt(p.s), 0);
	probe_until(&p, AM_SHARD_RUNNING);
	assert_int_equal(probe_commit(&p, fill_park), 0);
	probe_stop(&p);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_store_when_cut_before_exec_then_commit_is_canceled),
		T(test_store_when_cut_after_exec_then_commit_is_found_done),
		T(test_store_when_cut_and_taken_by_another_then_fenced),
		T(test_store_when_server_is_stopped_then_own_timers_fire),
		T(test_store_when_owner_slept_then_it_may_not_act),
		T(test_store_when_clocks_disagree_then_held_until_they_agree),
		T(test_store_when_full_then_only_what_must_goes_on),
		T(test_store_when_full_and_fenced_then_script_writes_nothing),
		T(test_store_when_full_then_shard_is_taken_over),
		T(test_store_when_policy_evicts_then_halted_until_set_right),
		T(test_store_when_read_only_then_degraded_and_back),
		T(test_store_when_key_has_wrong_type_then_halted_before_taking),
		T(test_store_when_write_fails_in_exec_then_halted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
