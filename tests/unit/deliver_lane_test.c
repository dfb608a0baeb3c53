/*
 * deliver: lanes keep their in-flight limit, their rate and their breaker, and
 * disturb nobody; reload and shutdown. Faults 48 and 55; capability FU3.
 */

#include <sys/resource.h>

#include "tests/unit/deliver_world.h"

static const char fail_500[] = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";

/* Sends as long as there is room, like the engine does; returns how many. */
static unsigned
send_all(struct world *w, const char *endpoint, unsigned most)
{
	unsigned n = 0;
	char id[32];

	while (n < most && world_room(w, endpoint) > 0) {
		snprintf(id, sizeof(id), "fu%u", n++);
		world_send(w, endpoint, id);
	}
	return n;
}

static void
test_lane_in_flight_limit_then_never_more_at_once(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->ep[0].inflight = 3;
	world_configure(w);
	for (unsigned sent = 0; sent < 30;) {
		am_ms again = 0;
		unsigned n = send_all(w, "crm", 30);

		sent += n;
		assert_true(n <= 3);
		assert_true(world_view(w, 0).in_flight <= 3);
		assert_int_equal(
		    am_deliver_room(w->deliver, "crm", w->now, &again), 0);
		assert_true(again == AM_NEVER); /* after the next outcome */
		world_wait(w, w->out_n + 1);
	}
	world_wait(w, w->out_n + am_deliver_in_flight(w->deliver));
	assert_true(w->rx[0].connections <= 3);
	assert_int_equal(w->rx[0].requests, w->out_n);
	world_free(w);
}

/* A crowd on the wire takes all files but one from each of its neighbours. */
static void
test_lane_of_many_then_all_together_leave_files_and_each_has_one(void **state)
{
	struct rlimit was, few;
	struct world *w;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 40;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	w = world_new(2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	w->ep[0].inflight = w->ep[1].inflight = 100;
	w->ep[0].breaker_failures = 1000;
	w->rx[0].script.answer = NULL;
	world_configure(w);
	assert_int_equal(send_all(w, "crm", 99), 20);
	assert_int_equal(send_all(w, "desk", 99), 1);
	assert_int_equal(world_room(w, "desk"), 0);
	world_wait(w, 1);
	assert_int_equal(world_room(w, "desk"), 1);
	world_wait(w, 21);
	assert_int_equal(world_room(w, "desk"), 20);
	world_free(w);
}

/* With rate 20/60s no window of 60 s sees 21, whatever is asked for. */
static void
test_lane_rate_then_no_window_sees_one_more(void **state)
{
	struct world *w = world_new(1);
	am_ms at[OUTCOMES_MAX];
	size_t n = 0;

	(void)state;
	w->ep[0].rate_n = 20;
	w->ep[0].rate_per = AM_MINUTE;
	w->ep[0].inflight = 32;
	world_configure(w);
	assert_int_equal(world_room(w, "crm"), 0); /* starts with nothing */
	for (int step = 0; step < 60; step++) {
		unsigned more = send_all(w, "crm", 7);

		while (more-- > 0)
			at[n++] = w->now;
		world_wait(w, n);
		w->now += 3500;
	}
	assert_true(n >= 50); /* 210 s: full windows were used */
	for (size_t i = 20; i < n; i++)
		assert_true(at[i] - at[i - 20] >= AM_MINUTE);
	world_free(w);
}

static void
test_lane_rate_used_up_then_again_says_when(void **state)
{
	struct world *w = world_new(1);
	am_ms again = 0;

	(void)state;
	w->ep[0].rate_n = 2;
	w->ep[0].rate_per = AM_SECOND;
	world_configure(w);
	w->now += AM_SECOND;
	assert_int_equal(send_all(w, "crm", 9), 2);
	world_wait(w, 2);
	assert_int_equal(
	    am_deliver_room(w->deliver, "crm", w->now + 400, &again), 0);
	assert_true(again == w->now + AM_SECOND);
	world_free(w);
}

static void
test_lane_breaker_then_opens_for_that_endpoint_only_FU3(void **state)
{
	struct world *w = world_new(2);
	am_ms again = 0;

	(void)state;
	w->rx[0].script.answer = fail_500;
	world_configure(w);
	for (unsigned i = 1; i <= 5; i++) {
		assert_true(world_room(w, "crm") > 0);
		assert_true(world_view(w, 0).breaker == AM_BREAKER_CLOSED);
		world_try(w);
		assert_int_equal(world_view(w, 0).failures, i);
	}
	assert_true(world_view(w, 0).breaker == AM_BREAKER_OPEN);
	assert_int_equal(am_deliver_room(w->deliver, "crm", w->now, &again), 0);
	assert_true(again == world_view(w, 0).open_until);
	assert_true(again >= w->now + 30 * AM_SECOND);
	assert_true(again <= w->now + 35 * AM_SECOND);
	assert_string_equal(world_view(w, 0).last_reason, "http_500");

	assert_int_equal(world_room(w, "desk"), 8);
	world_send(w, "desk", "fu9");
	world_wait(w, 6);
	expect_result(&w->out[5].r, AM_SEND_OK, 200, "ok");
	assert_true(world_view(w, 1).breaker == AM_BREAKER_CLOSED);
	assert_int_equal(world_view(w, 1).ok, 1);
	world_free(w);
}

static void
test_lane_half_open_then_exactly_one_probe_FU3(void **state)
{
	struct world *w = world_new(1);
	am_ms again = 0;

	(void)state;
	w->rx[0].script.answer = fail_500;
	world_configure(w);
	for (int i = 0; i < 5; i++)
		world_try(w);
	/* to ask about a later instant does not bring the probe forward */
	assert_int_equal(
	    am_deliver_room(w->deliver, "crm", w->now + AM_DAY, &again), 1);
	assert_int_equal(world_room(w, "crm"), 0);
	w->now = world_view(w, 0).open_until;
	assert_int_equal(send_all(w, "crm", 9), 1); /* the probe */
	assert_true(world_view(w, 0).breaker == AM_BREAKER_HALF);
	world_wait(w, 6);
	assert_int_equal(w->rx[0].requests, 6);
	assert_true(world_view(w, 0).breaker == AM_BREAKER_OPEN);
	assert_true(world_view(w, 0).open_until >= w->now + 60 * AM_SECOND);

	w->rx[0].script.answer = OK_ANSWER;
	w->now = world_view(w, 0).open_until;
	assert_int_equal(send_all(w, "crm", 9), 1);
	world_wait(w, 7);
	assert_true(world_view(w, 0).breaker == AM_BREAKER_CLOSED);
	assert_int_equal(world_room(w, "crm"), 1); /* slow start */
	world_free(w);
}

static void
test_lane_breaker_open_then_reset_closes_it(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.answer = fail_500;
	world_configure(w);
	for (int i = 0; i < 5; i++)
		world_try(w);
	assert_int_equal(world_room(w, "crm"), 0);
	am_deliver_reset(w->deliver, "crm");
	assert_int_equal(world_room(w, "crm"), 1); /* slow start */
	assert_int_equal(world_view(w, 0).failures, 0);
	w->rx[0].script.answer = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
				 "Retry-After: 90\r\n\r\n";
	world_try(w);
	assert_int_equal(world_room(w, "crm"), 0);
	am_deliver_reset(w->deliver, "crm"); /* and a pause */
	assert_int_equal(world_room(w, "crm"), 1);
	am_deliver_reset(w->deliver, "nobody");
	world_free(w);
}

static void
test_lane_throttled_then_whole_endpoint_waits(void **state)
{
	struct world *w = world_new(2);
	am_ms again = 0;

	(void)state;
	w->rx[0].script.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"
				 "Retry-After: 90\r\n\r\n";
	world_configure(w);
	for (int i = 0; i < 6; i++) {
		expect_result(world_try(w), AM_SEND_THROTTLE, 503, "http_503");
		assert_int_equal(
		    am_deliver_room(w->deliver, "crm", w->now, &again), 0);
		assert_true(again >= w->now + 90 * AM_SECOND);
		assert_true(again == world_view(w, 0).paused_until);
		assert_int_equal(world_room(w, "desk"), 8);
		w->now = again;
		assert_int_equal(world_room(w, "crm"), 1);
	}
	assert_true(world_view(w, 0).breaker == AM_BREAKER_CLOSED);
	world_free(w);
}

/* One that only says that it cannot: our own pause, and it counts as down. */
static void
test_lane_busy_without_a_word_when_then_our_pause_and_the_breaker(void **state)
{
	struct world *w = world_new(1);
	am_ms again = 0;

	(void)state;
	w->rx[0].script.answer =
	    "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n";
	world_configure(w);
	for (unsigned i = 1; i <= 5; i++) {
		expect_result(world_try(w), AM_SEND_THROTTLE, 502, "http_502");
		assert_int_equal(
		    am_deliver_room(w->deliver, "crm", w->now, &again), 0);
		assert_true(again >= w->now + 30 * AM_SECOND);
		assert_int_equal(world_view(w, 0).failures, i);
		w->now = again;
	}
	assert_true(world_view(w, 0).breaker == AM_BREAKER_OPEN);
	w->now = world_view(w, 0).open_until;
	expect_result(world_try(w), AM_SEND_THROTTLE, 502, "http_502");
	/* the breaker's wait doubles, the pause does not */
	assert_true(world_view(w, 0).open_until >= w->now + AM_MINUTE);
	w->now = world_view(w, 0).open_until;
	w->rx[0].script.answer = OK_ANSWER;
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	assert_true(w->out[w->out_n - 1].r.recovered);
	assert_false(world_try(w)->recovered);
	world_free(w);
}

/* After a pause +1 with each success, up to the limit. */
static void
test_lane_back_from_a_pause_then_a_slow_start(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->rx[0].script.answer = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
				 "Retry-After: 9\r\n\r\n";
	world_configure(w);
	world_try(w);
	w->now = world_view(w, 0).paused_until;
	w->rx[0].script.answer = OK_ANSWER;
	for (unsigned room = 1; room <= 8; room++) {
		assert_int_equal(world_room(w, "crm"), room);
		world_try(w);
	}
	assert_int_equal(world_room(w, "crm"), 8);
	world_free(w);
}

/* The second tries of a lane have a budget; a reload may change it. */
static void
test_lane_second_tries_then_within_the_budget(void **state)
{
	struct world *w = world_new(2);
	am_ms until = 0;

	(void)state;
	w->ep[0].retry_budget_pct = 10;
	world_configure(w);
	for (int i = 0; i < 30; i++)
		assert_true(am_deliver_afford(
		    w->deliver, "crm", false, w->now, &until));
	for (int i = 0; i < 3; i++)
		assert_true(
		    am_deliver_afford(w->deliver, "crm", true, w->now, &until));
	assert_false(
	    am_deliver_afford(w->deliver, "crm", true, w->now, &until));
	assert_true(until > w->now && until < w->now + AM_MINUTE);
	assert_true(
	    am_deliver_afford(w->deliver, "desk", true, w->now, &until));
	assert_true(
	    am_deliver_afford(w->deliver, "nobody", true, w->now, &until));
	w->ep[0].retry_budget_pct = 0;
	world_configure(w);
	assert_true(am_deliver_afford(w->deliver, "crm", true, w->now, &until));
	world_free(w);
}

/* FU2: both secrets sign until the one that goes has gone. */
static void
test_lane_retire_at_then_only_the_first_secret_signs_FU2(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	memcpy(w->ep[0].keys[1], "abcdef0123456789abcdef01", 24);
	w->ep[0].keys_n[1] = 24;
	w->ep[0].secrets_n = 2;
	w->ep[0].retire_at = w->now + AM_MINUTE;
	world_configure(w);
	world_try(w);
	w->now += AM_MINUTE - 1;
	world_try(w);
	w->now += 1;
	world_try(w);
	for (unsigned i = 0; i < 3; i++) {
		const char *v = header(&w->rx[0], i, "webhook-signature");

		assert_int_equal(strchr(v, ' ') != NULL, i < 2);
	}
	world_configure(w); /* and a reload does not bring it back */
	world_try(w);
	assert_null(strchr(header(&w->rx[0], 3, "webhook-signature"), ' '));
	world_free(w);
}

/* AU6, fault 50: 4 KiB are read, 512 bytes are shown, and of those no number
 * and no key of ours. */
static void
test_lane_answer_that_says_too_much_then_its_excerpt_is_redacted(void **state)
{
	struct world *w = world_new(1);
	struct script *s = &w->rx[0].script;

	(void)state;
	s->answer = "HTTP/1.1 500 Oh\r\n\r\n"
		    "no key MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3 for "
		    "+86 138-0013-8000, li@a.example; ";
	s->filler = "0123456789abcdef";
	s->filler_n = 64 * 1024;
	w->ep[0].secrets[0].value =
	    AM_STR("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3");
	world_configure(w);
	expect_result(world_try(w), AM_SEND_RETRY, 500, "http_500");
	assert_non_null(strstr(w->out[0].excerpt,
	    "no key [secret] for [number], [address]; [number]abcdef"));
	assert_in_range(strlen(w->out[0].excerpt), 490, 512);
	world_free(w);
}

static void
test_lane_stalled_then_the_other_is_as_fast_as_ever(void **state)
{
	struct world *w = world_new(2);
	unsigned ok = 0;

	(void)state;
	w->rx[0].script.answer = NULL;
	world_configure(w);
	assert_int_equal(send_all(w, "crm", 9), 8);
	for (int i = 0; i < 40; i++) {
		world_send(w, "desk", "fu1");
		world_wait(w, w->out_n + 1);
		ok += w->out[w->out_n - 1].r.class == AM_SEND_OK;
	}
	assert_true(ok >= 39 && world_view(w, 0).in_flight == 8);
	world_wait(w, 48);
	world_free(w);
}

static void
test_lane_unknown_or_not_built_then_no_room_and_permanent(void **state)
{
	struct world *w = world_new(2);
	am_ms again = 0;

	(void)state;
	w->ep[1].built = false;
	w->ep[1].type = AM_ENDPOINT_SMS;
	w->ep[1].url = NULL;
	world_configure(w);
	world_configure(w); /* an endpoint without URL survives a reload */
	assert_int_equal(
	    am_deliver_room(w->deliver, "gone", w->now, &again), 0);
	assert_true(again == AM_NEVER);
	assert_int_equal(world_room(w, "desk"), 0);
	world_send(w, "gone", "fu1");
	world_send(w, "desk", "fu2");
	world_wait(w, 2);
	expect_result(&w->out[0].r, AM_SEND_PERMANENT, 0, "endpoint-removed");
	expect_result(&w->out[1].r, AM_SEND_PERMANENT, 0, "unsupported");
	world_free(w);
}

/* ---- reload ---- */

static void
test_lane_reload_same_url_then_breaker_and_counts_stay(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	w->rx[0].script.answer = fail_500;
	world_configure(w);
	for (int i = 0; i < 3; i++)
		world_try(w);
	w->ep[0].timeout = 250;
	memset(w->ep[0].keys[0], 'n', 24);
	world_configure(w);
	assert_int_equal(world_view(w, 0).failures, 3);
	assert_int_equal(world_view(w, 0).sent, 3);
	world_try(w);
	world_try(w);
	assert_true(world_view(w, 0).breaker == AM_BREAKER_OPEN);
	world_free(w);
}

static void
test_lane_reload_other_url_then_all_anew_and_old_one_finishes(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	world_configure(w);
	world_send(w, "crm", "old");
	world_endpoint(w, 0, "http", "127.0.0.1", w->rx[1].port);
	world_configure(w);
	assert_int_equal(world_view(w, 0).sent, 0);
	world_send(w, "crm", "new");
	world_wait(w, 2);
	assert_true(w->out[0].r.class == AM_SEND_OK);
	assert_true(w->out[1].r.class == AM_SEND_OK);
	assert_string_equal(header(&w->rx[0], 0, "webhook-id"), "old");
	assert_string_equal(header(&w->rx[1], 0, "webhook-id"), "new");
	world_free(w);
}

static void
test_lane_reload_without_endpoint_then_in_flight_finishes(void **state)
{
	struct world *w = world_new(2);
	struct am_lane_view v;

	(void)state;
	world_configure(w);
	world_send(w, "desk", "fu1");
	w->endpoints_n = 1;
	world_configure(w);
	assert_false(am_deliver_view(w->deliver, 1, &v));
	assert_int_equal(world_room(w, "desk"), 0);
	world_wait(w, 1);
	expect_result(&w->out[0].r, AM_SEND_OK, 200, "ok");
	world_free(w);
}

static void
reload_in_callback(void *arg, const struct am_send_result *r)
{
	struct world *w = arg;

	w->endpoints_n = 1;
	world_configure(w);
	world_on_sent(w, r);
	world_send(w, "crm", "fu2"); /* and a callback may send */
}

static void
test_lane_gone_inside_its_own_callback_then_safe(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	world_configure(w);
	am_deliver_send(w->deliver, "desk",
	    &(struct am_send_what){ .id = "fu1", .body = AM_STR("x") }, w->now,
	    reload_in_callback, w);
	world_wait(w, 2);
	expect_result(&w->out[0].r, AM_SEND_OK, 200, "ok");
	expect_result(&w->out[1].r, AM_SEND_OK, 200, "ok");
	world_free(w);
}

/* ---- the end ---- */

static void
test_lane_freed_in_flight_then_each_canceled_once(void **state)
{
	struct world *w = world_new(2);

	(void)state;
	w->rx[0].script.answer = NULL;
	w->ep[1].host = "name.invalid"; /* waits for a resolver */
	world_configure(w);
	send_all(w, "crm", 3);
	send_all(w, "desk", 2);
	world_send(w, "gone", "fu9"); /* has its result, not told yet */
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	am_deliver_free(w->deliver);
	assert_int_equal(w->out_n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_true(w->out[i].r.class ==
			    (strcmp(w->out[i].r.reason, "endpoint-removed") == 0
				    ? AM_SEND_PERMANENT
				    : AM_SEND_CANCELED));
	w->deliver = am_deliver_new(w->base, w->dns);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_lane_in_flight_limit_then_never_more_at_once),
		T(test_lane_of_many_then_all_together_leave_files_and_each_has_one),
		T(test_lane_rate_then_no_window_sees_one_more),
		T(test_lane_rate_used_up_then_again_says_when),
		T(test_lane_breaker_then_opens_for_that_endpoint_only_FU3),
		T(test_lane_half_open_then_exactly_one_probe_FU3),
		T(test_lane_breaker_open_then_reset_closes_it),
		T(test_lane_throttled_then_whole_endpoint_waits),
		T(test_lane_busy_without_a_word_when_then_our_pause_and_the_breaker),
		T(test_lane_back_from_a_pause_then_a_slow_start),
		T(test_lane_second_tries_then_within_the_budget),
		T(test_lane_retire_at_then_only_the_first_secret_signs_FU2),
		T(test_lane_answer_that_says_too_much_then_its_excerpt_is_redacted),
		T(test_lane_stalled_then_the_other_is_as_fast_as_ever),
		T(test_lane_unknown_or_not_built_then_no_room_and_permanent),
		T(test_lane_reload_same_url_then_breaker_and_counts_stay),
		T(test_lane_reload_other_url_then_all_anew_and_old_one_finishes),
		T(test_lane_reload_without_endpoint_then_in_flight_finishes),
		T(test_lane_gone_inside_its_own_callback_then_safe),
		T(test_lane_freed_in_flight_then_each_canceled_once),
	};

	return cmocka_run_group_tests_name("deliver_lane", tests, NULL, NULL);
}
