/* redis: connections, batches and their replies. */

#include "store_fixture.h"

#include "base/str.h"

struct conn {
	struct am_redis *r;
	bool up;
	unsigned ups, downs;
	char why[384];
	int order[16], rcs[16];
	size_t n;
	struct am_batch *kept;
};

struct ask {
	struct conn *c;
	int id;
	bool keep;
};

static void
on_state(void *arg, bool up, const char *why)
{
	struct conn *c = arg;

	c->up = up;
	c->ups += up;
	c->downs += !up;
	snprintf(c->why, sizeof c->why, "%s", why);
}

static void
on_batch(void *arg, int rc, struct am_batch *b)
{
	struct ask *a = arg;
	struct conn *c = a->c;

	c->order[c->n] = a->id;
	c->rcs[c->n++] = rc;
	if (a->keep)
		c->kept = b;
	else
		am_batch_free(b);
}

static bool
is_up(void *arg)
{
	return ((struct conn *)arg)->up;
}

static bool
went_down(void *arg)
{
	return ((struct conn *)arg)->downs > 0;
}

static bool
has_two(void *arg)
{
	return ((struct conn *)arg)->n >= 2;
}

static bool
has_one(void *arg)
{
	return ((struct conn *)arg)->n >= 1;
}

static void
conn_start(struct conn *c, const struct am_redis_opts *o)
{
	memset(c, 0, sizeof *c);
	c->r = am_redis_new(base, NULL, o, on_state, c);
}

static void
conn_stop(struct conn *c)
{
	am_redis_free(c->r);
	loop_for(20);
}

static void
echo(struct conn *c, struct ask *a, const char *text, am_ms timeout)
{
	struct am_batch *b = am_batch_new(c->r);

	am_cmd(b, "ECHO");
	am_arg(b, text);
	am_redis_send(c->r, b, timeout, on_batch, a);
}

/* Replies stay good as long as the batch, and come in order. */
static void
test_redis_when_batches_are_sent_then_answered_in_order(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();
	struct ask one = { &c, 1, true }, two = { &c, 2, false };
	struct am_batch *b;
	const redisReply *r;

	(void)state;
	conn_start(&c, &o);
	loop_until(is_up, &c);
	b = am_batch_new(c.r);
	am_cmd(b, "RPUSH");
	am_arg(b, "l");
	for (int i = 0; i < 300; i++)
		am_argi(b, i - 100);
	am_cmd(b, "LRANGE");
	am_arg(b, "l");
	am_argi(b, 0);
	am_argi(b, -1);
	am_cmd(b, "GET");
	am_arg(b, "nothing");
	am_cmd(b, "LLEN");
	am_args(b, (struct am_str){ NULL, 0 });
	am_cmd(b, "GET");
	am_arg(b, "l");
	am_redis_send(c.r, b, 0, on_batch, &one);
	echo(&c, &two, "x", 0);
	assert_int_equal(c.n, 0); /* never before the call returns */
	loop_until(has_two, &c);
	assert_int_equal(c.order[0], 1);
	assert_int_equal(c.order[1], 2);
	assert_int_equal(c.rcs[0], 0);
	b = c.kept;
	assert_int_equal(am_reply_int(am_batch_reply(b, 0)), 300);
	r = am_batch_reply(b, 1);
	assert_int_equal(r->elements, 300);
	assert_int_equal(am_reply_int(r->element[0]), -100);
	assert_int_equal(am_reply_int(r->element[299]), 199);
	assert_int_equal(am_batch_reply(b, 2)->type, REDIS_REPLY_NIL);
	assert_int_equal(am_reply_int(am_batch_reply(b, 3)), 0);
	assert_int_equal(am_reply_rc(am_batch_reply(b, 4)), -AM_EPROTO);
	assert_null(am_batch_reply(b, 5));
	am_redis_restart(c.r, "test");
	conn_stop(&c);
	assert_int_equal(am_reply_int(r->element[299]), 199);
	am_batch_free(b);
}

static void
test_redis_when_nobody_listens_then_says_where_and_tries_on(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();
	struct ask a = { &c, 1, false };

	(void)state;
	server_kill(&server);
	unlink(server.sock);
	conn_start(&c, &o);
	echo(&c, &a, "x", 0);
	assert_int_equal(c.n, 0);
	loop_until(went_down, &c);
	assert_int_equal(c.rcs[0], -AM_EIO);
	assert_non_null(strstr(c.why, server.sock));
	server_spawn(&server);
	loop_until(is_up, &c);
	conn_stop(&c);
}

static void
test_redis_when_tcp_host_is_unreachable_then_down(void **state)
{
	struct conn c;
	/* port 1 of the loopback: nobody is there */
	struct am_redis_opts o = {
		.path_or_host = "127.0.0.1", .port = 1, .timeout = AM_SECOND
	};

	(void)state;
	conn_start(&c, &o);
	loop_until(went_down, &c);
	assert_non_null(strstr(c.why, "127.0.0.1:1"));
	conn_stop(&c);
}

static void
test_redis_when_name_cannot_be_resolved_then_says_so(void **state)
{
	struct conn c;
	struct am_redis_opts o = { .path_or_host = "redis.invalid",
		.port = 6379,
		.timeout = AM_SECOND };

	(void)state;
	conn_start(&c, &o);
	loop_until(went_down, &c);
	assert_non_null(strstr(c.why, "redis.invalid"));
	conn_stop(&c);
}

static void
test_redis_when_path_is_too_long_then_says_so(void **state)
{
	struct conn c;
	char path[200];
	struct am_redis_opts o = server_opts();

	(void)state;
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	o.path_or_host = path;
	conn_start(&c, &o);
	loop_until(went_down, &c);
	assert_non_null(strstr(c.why, "107"));
	conn_stop(&c);
}

/* AUTH with a user, SELECT, CLIENT SETNAME: on every connection. */
static void
test_redis_when_user_and_db_are_given_then_both_are_used(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();
	struct ask a = { &c, 1, true };
	struct am_batch *b;

	(void)state;
	ctl("ACL SETUSER amends on >secret ~* +@all");
	ctl("CONFIG SET requirepass other");
	o.user = "amends";
	o.password = AM_STR("secret");
	o.db = 3;
	conn_start(&c, &o);
	loop_until(is_up, &c);
	b = am_batch_new(c.r);
	am_cmd(b, "CLIENT");
	am_arg(b, "INFO");
	am_redis_send(c.r, b, 0, on_batch, &a);
	loop_until(has_one, &c);
	assert_non_null(strstr(am_batch_reply(c.kept, 0)->str, "user=amends"));
	assert_non_null(strstr(am_batch_reply(c.kept, 0)->str, " db=3"));
	assert_non_null(
	    strstr(am_batch_reply(c.kept, 0)->str, "name=amends-test"));
	am_batch_free(c.kept);
	conn_stop(&c);
}

/* Fault 22: a clear word, and back when it is put right. */
static void
test_redis_when_password_is_wrong_then_says_why_until_right(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();

	(void)state;
	ctl("CONFIG SET requirepass right");
	o.password = AM_STR("wrong");
	conn_start(&c, &o);
	loop_until(went_down, &c);
	assert_non_null(strstr(c.why, "WRONGPASS"));
	assert_null(strstr(c.why, "wrong "));
	ctl("AUTH right");
	ctl("CONFIG SET requirepass wrong");
	loop_until(is_up, &c);
	conn_stop(&c);
}

static void
test_redis_when_no_answer_comes_then_dropped_and_made_again(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();
	struct ask a = { &c, 1, false };
	unsigned generation;

	(void)state;
	conn_start(&c, &o);
	loop_until(is_up, &c);
	generation = am_redis_generation(c.r);
	kill(server.pid, SIGSTOP);
	echo(&c, &a, "x", 50);
	loop_until(went_down, &c);
	kill(server.pid, SIGCONT);
	assert_int_equal(c.rcs[0], -AM_ETIMEDOUT);
	loop_until(is_up, &c);
	assert_int_equal(am_redis_generation(c.r), generation + 1);
	conn_stop(&c);
}

static void
test_redis_when_killed_by_client_kill_then_comes_back(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();

	(void)state;
	conn_start(&c, &o);
	loop_until(is_up, &c);
	ctl("CLIENT KILL ID %lld", (long long)am_redis_client_id(c.r));
	loop_until(went_down, &c);
	loop_until(is_up, &c);
	conn_stop(&c);
}

static void
test_redis_when_freed_then_pending_are_canceled_on_the_loop(void **state)
{
	struct conn c;
	struct am_redis_opts o = server_opts();
	struct ask a = { &c, 1, false }, b = { &c, 2, false };

	(void)state;
	conn_start(&c, &o);
	loop_until(is_up, &c);
	echo(&c, &a, "x", 0);
	echo(&c, &b, "y", 0);
	am_redis_free(c.r);
	assert_int_equal(c.n, 0);
	loop_until(has_two, &c);
	assert_int_equal(c.rcs[0], -AM_ECANCELED);
	assert_int_equal(c.rcs[1], -AM_ECANCELED);
}

static void
test_reply_when_error_then_classified_by_first_word(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "OOM command not allowed", -AM_EFULL },
		{ "LOADING Redis is loading", -AM_EBUSY },
		{ "READONLY script: sha, on @user_script:1", -AM_EBUSY },
		{ "BUSY", -AM_EBUSY },
		{ "MISCONF x", -AM_EBUSY },
		{ "NOREPLICAS x", -AM_EBUSY },
		{ "MASTERDOWN x", -AM_EBUSY },
		{ "TRYAGAIN x", -AM_EBUSY },
		{ "CLUSTERDOWN x", -AM_EBUSY },
		{ "WRONGTYPE x", -AM_EPROTO },
		{ "ERR unknown command", -AM_EPROTO },
		{ "NOAUTH x", -AM_EREFUSED },
		{ "NOPERM x", -AM_EREFUSED },
		{ "BUSYGROUP x", -AM_EUNKNOWN },
		{ "", -AM_EUNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		redisReply r = { .type = REDIS_REPLY_ERROR,
			.str = (char *)(uintptr_t)rows[i].text,
			.len = strlen(rows[i].text) };

		assert_int_equal(am_reply_rc(&r), rows[i].rc);
	}
	assert_int_equal(am_reply_rc(NULL), 0);
	assert_int_equal(am_reply_str(NULL).n, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_redis_when_batches_are_sent_then_answered_in_order),
		T(test_redis_when_nobody_listens_then_says_where_and_tries_on),
		T(test_redis_when_tcp_host_is_unreachable_then_down),
		T(test_redis_when_name_cannot_be_resolved_then_says_so),
		T(test_redis_when_path_is_too_long_then_says_so),
		T(test_redis_when_user_and_db_are_given_then_both_are_used),
		T(test_redis_when_password_is_wrong_then_says_why_until_right),
		T(test_redis_when_no_answer_comes_then_dropped_and_made_again),
		T(test_redis_when_killed_by_client_kill_then_comes_back),
		T(test_redis_when_freed_then_pending_are_canceled_on_the_loop),
		cmocka_unit_test(
		    test_reply_when_error_then_classified_by_first_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
