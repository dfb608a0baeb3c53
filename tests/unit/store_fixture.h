#pragma once

/*
 * store_fixture - a private redis-server and stores to look at (tests).
 *
 * Everything runs on one loop and is waited for with a deadline; nothing
 * sleeps. The server listens on a unix socket in a folder of its own and is
 * ended by its pid.
 */

#include "store/clock.h"
#include "store/commit.h"
#include "store/statefile.h"
#include "store/store.h"

#include <event2/event.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE (10 * AM_SECOND)
#define TTL ((am_ms)400)

struct server {
	char dir[64], sock[96];
	pid_t pid;
	redisContext *ctl; /* blocking, the test's own hand */
	const char *args[8];
};

static struct server server;
static struct event_base *base;

static inline void
server_spawn(struct server *s)
{
	const char *argv[32] = { "redis-server", "--port", "0", "--save", "",
		"--unixsocket", s->sock, "--dir", s->dir, "--loglevel",
		"warning", "--enable-debug-command", "local" };
	size_t n = 13;
	am_ms until = am_clock_boot() + DEADLINE;

	for (size_t i = 0; i < AM_COUNT(s->args) && s->args[i] != NULL; i++)
		argv[n++] = s->args[i];
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(127);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	do {
		if (s->ctl != NULL)
			redisFree(s->ctl);
		poll(NULL, 0, 5);
		s->ctl = redisConnectUnix(s->sock);
		assert_non_null(s->ctl);
	} while (s->ctl->err != 0 && am_clock_boot() < until);
	assert_int_equal(s->ctl->err, 0);
}

static inline void
server_start(struct server *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->dir, sizeof s->dir, "%s/amends-test-XXXXXX",
	    tmp != NULL ? tmp : P_tmpdir);
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->sock, sizeof s->sock, "%s/r.sock", s->dir);
	server_spawn(s);
}

static inline void
server_kill(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
	if (s->ctl != NULL)
		redisFree(s->ctl);
	s->ctl = NULL;
}

static inline void
server_stop(struct server *s)
{
	char cmd[128];

	server_kill(s);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", s->dir);
	assert_int_equal(system(cmd), 0);
}

static inline redisReply *
ctl_reply(const char *fmt, ...)
{
	va_list ap;
	redisReply *r;

	va_start(ap, fmt);
	r = redisvCommand(server.ctl, fmt, ap);
	va_end(ap);
	assert_non_null(r);
	return r;
}

/* Run a command and give its answer as a number. */
#define ctl_int(...) ctl_int_of(ctl_reply(__VA_ARGS__))
/* Run a command that must not fail. */
#define ctl(...) ((void)ctl_int(__VA_ARGS__))

static inline long long
ctl_int_of(redisReply *r)
{
	long long v = 0;

	if (r->type == REDIS_REPLY_ERROR)
		fail_msg("redis: %s", r->str);
	if (r->type == REDIS_REPLY_INTEGER)
		v = r->integer;
	else if (r->type == REDIS_REPLY_STRING)
		v = strtoll(r->str, NULL, 10);
	freeReplyObject(r);
	return v;
}

/* A copy of a string answer, "" when nil; in a ring of eight. */
static inline const char *
ctl_str(const char *fmt, ...)
{
	static char ring[8][512];
	static unsigned at;
	char *out = ring[at++ % 8];
	va_list ap;
	redisReply *r;

	va_start(ap, fmt);
	r = redisvCommand(server.ctl, fmt, ap);
	va_end(ap);
	assert_non_null(r);
	snprintf(out, sizeof ring[0], "%s", r->str != NULL ? r->str : "");
	freeReplyObject(r);
	return out;
}

/* A number out of INFO. */
static inline long long
ctl_info(const char *name)
{
	redisReply *r = ctl_reply("INFO");
	const char *at = strstr(r->str, name);
	long long v;

	assert_non_null(at);
	v = strtoll(at + strlen(name) + 1, NULL, 10);
	freeReplyObject(r);
	return v;
}

/* ---- the loop ---- */

static inline void
on_pulse(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

typedef bool am_test_cond(void *arg);

/* Turn the loop until cond holds; the deadline fails the test. */
static inline bool
loop_try(am_test_cond *cond, void *arg, am_ms span)
{
	struct timeval tv = { 0, 5000 };
	struct event *pulse = event_new(base, -1, EV_PERSIST, on_pulse, NULL);
	am_ms until = am_clock_boot() + span;
	bool ok;

	event_add(pulse, &tv);
	while (!(ok = cond(arg)) && am_clock_boot() < until)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(pulse);
	return ok;
}

#define loop_until(cond, arg)                                                  \
	do {                                                                   \
		if (!loop_try(cond, arg, DEADLINE))                            \
			fail_msg("%s did not come", #cond);                    \
	} while (0)

static inline bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* Let what is on its way arrive. */
static inline void
loop_for(am_ms span)
{
	(void)loop_try(never, NULL, span);
}

/* ---- a store that is watched ---- */

struct probe {
	struct am_store *s;
	enum am_shard_state state;
	char why[256];
	unsigned entries, idles, states;
	uint64_t lost;
	enum am_shard_state want; /* for probe_is */
	int rc;			  /* of the last turn or commit */
	bool over;
	am_ms wake;
	void (*fill)(struct probe *p, struct am_commit *c);
	void (*loaded)(struct probe *p);
	void *user;
};

static inline void
probe_on_state(void *arg, enum am_shard_state state, const char *why)
{
	struct probe *p = arg;

	p->state = state;
	p->states++;
	snprintf(p->why, sizeof p->why, "%s", why);
}

static inline void
probe_on_entries(void *arg)
{
	((struct probe *)arg)->entries++;
}

static inline void
probe_on_idle(void *arg)
{
	((struct probe *)arg)->idles++;
}

static inline void
probe_on_lost(void *arg, uint64_t n)
{
	((struct probe *)arg)->lost += n;
}

static const struct am_store_events probe_events = {
	.on_state = probe_on_state,
	.on_entries = probe_on_entries,
	.on_idle = probe_on_idle,
	.on_lost = probe_on_lost,
};

static inline void
probe_start_with(struct probe *p, const char *instance,
    const struct am_redis_opts *redis, struct am_statefile *state,
    bool lock_held)
{
	struct am_store_opts o = {
		.stream = "complaints",
		.group = "amends",
		.instance = instance,
		.redis = redis,
		.owner_ttl = TTL,
		.max_skew = 5 * AM_SECOND,
		.keep_events = AM_HOUR,
		.batch = 128,
		.lock_held = lock_held,
		.state = state,
		.clock_settle = 100,
		.look_every = 50,
	};

	memset(p, 0, sizeof *p);
	p->s = am_store_new(base, NULL, &o, &probe_events, p);
}

static inline struct am_redis_opts
server_opts(void)
{
	return (struct am_redis_opts){ .is_unix = true,
		.path_or_host = server.sock,
		.client_name = "amends-test",
		.timeout = 2 * AM_SECOND };
}

static inline void
probe_start(struct probe *p, const char *instance)
{
	struct am_redis_opts redis = server_opts();

	probe_start_with(p, instance, &redis, NULL, false);
}

static inline void
probe_stop(struct probe *p)
{
	am_store_free(p->s);
	p->s = NULL;
	loop_for(20); /* the connections' last words */
}

static inline bool
probe_is(void *arg)
{
	struct probe *p = arg;

	return p->state == p->want;
}

#define probe_until(p, st)                                                     \
	do {                                                                   \
		(p)->want = (st);                                              \
		if (!loop_try(probe_is, (p), DEADLINE))                        \
			fail_msg("state is %s (%s), not %s",                   \
			    am_shard_state_str((p)->state), (p)->why,          \
			    am_shard_state_str(st));                           \
	} while (0)

/* ---- turns ---- */

static inline void
probe_on_commit(void *arg, int rc, struct am_commit *c)
{
	struct probe *p = arg;

	p->rc = rc;
	p->over = true;
	p->wake = am_commit_wake(c);
	am_commit_free(c);
}

static inline void
probe_on_loaded(void *arg, int rc, struct am_batch *b)
{
	struct probe *p = arg;
	struct am_commit *c;

	am_batch_free(b);
	if (rc != 0) {
		p->rc = rc;
		p->over = true;
		return;
	}
	if (p->loaded != NULL)
		p->loaded(p);
	c = am_commit_new(p->s);
	if (p->fill != NULL)
		p->fill(p, c);
	am_commit_ask_wake(c);
	am_commit_send(c, probe_on_commit, p);
}

static inline bool
probe_over(void *arg)
{
	return ((struct probe *)arg)->over;
}

static inline void
probe_commit_start(
    struct probe *p, void (*fill)(struct probe *p, struct am_commit *c))
{
	p->fill = fill;
	p->over = false;
	p->rc = 1;
	am_turn_load(p->s, am_turn_begin(p->s), probe_on_loaded, p);
}

/* One whole turn; gives its rc. */
static inline int
probe_commit(
    struct probe *p, void (*fill)(struct probe *p, struct am_commit *c))
{
	probe_commit_start(p, fill);
	loop_until(probe_over, p);
	return p->rc;
}

static inline bool
probe_has_entries(void *arg)
{
	struct probe *p = arg;

	return p->entries > 0;
}

static struct am_str taken_id;
static size_t taken_n;

static inline void
fill_taken(struct probe *p, struct am_commit *c)
{
	(void)p;
	am_commit_cursor(c, taken_id, taken_n);
}

/* Take what is there and commit its cursor; gives how many. */
static inline size_t
probe_apply(struct probe *p)
{
	const struct am_entry *e;
	struct am_batch *hold;

	loop_until(probe_has_entries, p);
	taken_n = am_store_take(p->s, &e, &hold);
	p->entries = 0;
	assert_true(taken_n > 0);
	taken_id = e[taken_n - 1].id;
	assert_int_equal(probe_commit(p, fill_taken), 0);
	am_batch_free(hold);
	return taken_n;
}

/* ---- groups ---- */

static inline int
fixture_setup(void **state)
{
	(void)state;
	memset(&server, 0, sizeof server);
	server_start(&server);
	base = event_base_new();
	return base == NULL;
}

static inline int
fixture_teardown(void **state)
{
	(void)state;
	event_base_free(base);
	server_stop(&server);
	return 0;
}
