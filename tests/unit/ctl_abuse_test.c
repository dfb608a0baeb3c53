/*
 * The status socket against its clients (fault 63: garbage, endless lines, half
 * lines, slow readers, too many connects). Never exits, others are served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/log.h"
#include "tests/unit/ctl_world.h"

static void
test_ctl_when_half_a_line_stays_then_cut_after_the_deadline(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);
	am_ms from = ctl_mono();
	const char *text;

	ctl_say(fd, "stat");
	text = ctl_last_words(w, fd);
	assert_non_null(strstr(text, "\"code\":2"));
	assert_non_null(strstr(text, "took too long"));
	assert_true(ctl_mono() - from >= LINE_MS - 5);
	assert_int_equal(w->calls, 0);
}

/* Dribbling bytes does not move the deadline. */
static void
test_ctl_when_bytes_dribble_then_cut_all_the_same(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);
	am_ms from = ctl_mono();

	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
		assert_true(ctl_mono() - from < PATIENCE_MS);
		ctl_turn(w, 2);
	}
	assert_int_equal(errno, EPIPE);
	assert_true(ctl_mono() - from < 50 * LINE_MS);
	close(fd);
}

static void
test_ctl_when_line_is_over_4_kib_then_refused(void **state)
{
	struct ctl_world *w = *state;
	char text[5 * 1024 + 1];
	int fd = ctl_dial(w);

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ctl_say(fd, text);
	assert_non_null(
	    strstr(ctl_last_words(w, fd), "a line over 4096 bytes"));

	/* just fits: "show " and an id, 4096 bytes with the newline */
	fd = ctl_dial(w);
	memcpy(text, "show ", 5);
	text[4095] = '\n';
	text[4096] = '\0';
	ctl_say(fd, text);
	assert_non_null(strstr(ctl_heard(w, fd, 2, NULL), OK_LINE));
	assert_int_equal(w->calls, 1);
	close(fd);
}

/* An endless line costs a buffer of one line. */
static void
test_ctl_when_line_never_ends_then_sender_is_stopped(void **state)
{
	struct ctl_world *w = *state;
	static char chunk[65536];
	int fd = ctl_dial(w);
	size_t sent = 0;
	am_ms until = ctl_mono() + PATIENCE_MS;

	memset(chunk, 'z', sizeof(chunk));
	for (;;) {
		ssize_t n = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);

		if (n < 0 && errno == EPIPE)
			break;
		sent += n > 0 ? (size_t)n : 0;
		assert_true(ctl_mono() < until);
		assert_true(sent < 8u << 20);
		ctl_turn(w, 2);
	}
	close(fd);
}

static void
test_ctl_when_garbage_comes_then_only_that_client_is_closed(void **state)
{
	struct ctl_world *w = *state;
	int good = ctl_dial(w), fd;
	unsigned seed = (unsigned)time(NULL);
	char bytes[512];

	w->lines = 0;
	fd = ctl_dial(w);
	assert_int_equal(send(fd, "sta\0tus\n", 8, MSG_NOSIGNAL), 8);
	assert_non_null(strstr(ctl_last_words(w, fd), "byte 0x00"));
	fd = ctl_dial(w);
	ctl_say(fd, "show \xff\xff\n");
	assert_non_null(strstr(ctl_last_words(w, fd), "UTF-8"));
	fd = ctl_dial(w);
	ctl_say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(
	    strstr(ctl_heard(w, fd, 2, NULL), "no such command: GET"));
	close(fd);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(rand() % 256);
		bytes[sizeof(bytes) - 1] = '\n';
		fd = ctl_dial(w);
		assert_int_equal(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL),
		    sizeof(bytes));
		ctl_last_words(w, fd);
	}
	assert_int_equal(w->calls, 0);
	ctl_say(good, "status\n");
	assert_string_equal(ctl_heard(w, good, 1, NULL), OK_LINE);
	close(good);
}

static void
test_ctl_when_reader_is_slow_then_cut_at_4_mib(void **state)
{
	struct ctl_world *w = *state;
	struct am_buf b;
	int fd = ctl_dial(w), fast = ctl_dial(w);

	w->lines = 80;
	w->line_bytes = 100000;
	w->keep = true;
	ctl_say(fd, "list\n");
	ctl_kept(w);
	/* 8 MB at once: the client is gone, the call is still to be ended */
	assert_false(am_ctl_alive(w->kept));
	assert_int_equal(am_ctl_unread(w->kept), 0);
	am_ctl_end(w->kept, AM_EXIT_OK, NULL);
	am_buf_init(&b);
	assert_true(ctl_hear(w, fd, &b, SIZE_MAX));
	assert_true(b.n < 5u << 20);
	close(fd);

	/* 3 MB are under the cap and come whole */
	w->keep = false;
	w->lines = 30;
	am_buf_reset(&b);
	ctl_say(fast, "list\n");
	assert_false(ctl_hear(w, fast, &b, 31));
	assert_true(b.n > 3000000);
	am_buf_fini(&b);
	close(fast);
}

/* Who asks for much and reads nothing is answered once, not many times. */
static void
test_ctl_when_answers_are_not_read_then_next_command_waits(void **state)
{
	struct ctl_world *w = *state;
	struct am_buf b;
	int fd = ctl_dial(w);

	w->lines = 20;
	w->line_bytes = 100000;
	ctl_say(fd, "list\nlist\nlist\nlist\n");
	for (int i = 0; i < 20; i++)
		ctl_turn(w, 1);
	assert_int_equal(w->calls, 1);
	am_buf_init(&b);
	assert_false(ctl_hear(w, fd, &b, 4 * 21));
	assert_int_equal(w->calls, 4);
	am_buf_fini(&b);
	close(fd);
}

static void
test_ctl_when_70_clients_come_then_64_stay(void **state)
{
	struct ctl_world *w = *state;
	int fds[70];
	const char *text;

	w->opts.line_ms = PATIENCE_MS; /* nobody is idle for long */
	am_ctl_free(w->ctl);
	ctl_world_reopen(w);
	w->lines = 0;
	for (size_t i = 0; i < AM_COUNT(fds); i++) {
		fds[i] = ctl_dial(w);
		if (i < 64) {
			ctl_say(fds[i], "status\n");
			assert_string_equal(
			    ctl_heard(w, fds[i], 1, NULL), OK_LINE);
		} else {
			text = ctl_last_words(w, fds[i]);
			assert_non_null(
			    strstr(text, "64 clients are connected already"));
		}
	}
	/* a place that is free again is given again */
	close(fds[0]);
	ctl_turn(w, 5);
	ctl_turn(w, 5);
	fds[0] = ctl_dial(w);
	ctl_say(fds[0], "status\n");
	assert_string_equal(ctl_heard(w, fds[0], 1, NULL), OK_LINE);
	for (size_t i = 0; i < 64; i++)
		close(fds[i]);
}

/* Who sits on a place and says nothing keeps nobody out; who is being answered
 * keeps his. */
static void
test_ctl_when_all_places_are_idle_then_oldest_makes_room(void **state)
{
	struct ctl_world *w = *state;
	int fds[4], more;
	am_ms from;

	w->opts.clients = AM_COUNT(fds);
	am_ctl_free(w->ctl);
	ctl_world_reopen(w);
	w->lines = 0;
	for (size_t i = 0; i < AM_COUNT(fds); i++)
		fds[i] = ctl_dial(w);
	w->keep = true;
	ctl_say(fds[0], "status\n"); /* busy */
	from = ctl_mono();
	while (w->kept == NULL || ctl_mono() - from < LINE_MS + 20)
		ctl_turn(w, 5);
	w->keep = false;
	more = ctl_dial(w);
	ctl_say(more, "status\n");
	assert_string_equal(ctl_heard(w, more, 1, NULL), OK_LINE);
	assert_string_equal(ctl_last_words(w, fds[1]), "");
	ctl_say(fds[2], "status\n");
	assert_string_equal(ctl_heard(w, fds[2], 1, NULL), OK_LINE);
	am_ctl_end(w->kept, AM_EXIT_OK, "%s", "");
	assert_string_equal(ctl_heard(w, fds[0], 1, NULL), OK_LINE);
	close(fds[0]);
	close(fds[2]);
	close(fds[3]);
	close(more);
}

static void
test_ctl_when_1000_connects_then_still_answers(void **state)
{
	struct ctl_world *w = *state;
	int fd;

	w->lines = 0;
	for (int i = 0; i < 1000; i++) {
		fd = ctl_dial(w);
		if (i % 3 == 0)
			send(fd, "status\nhalf", 11, MSG_NOSIGNAL);
		close(fd);
		if (i % 20 == 0)
			ctl_turn(w, 1); /* the queue holds 128 */
	}
	for (int i = 0; i < 100; i++)
		ctl_turn(w, 1);
	fd = ctl_dial(w);
	ctl_say(fd, "status\n");
	assert_string_equal(ctl_heard(w, fd, 1, NULL), OK_LINE);
	close(fd);
}

static void
test_ctl_when_no_descriptor_is_left_then_backs_off_and_recovers(void **state)
{
	struct ctl_world *w = *state;
	struct rlimit old, low;
	int fd = ctl_dial(w), next = dup(0);
	am_ms from;

	/* the two ends of one connection, and not one descriptor more */
	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	low = (struct rlimit){ (rlim_t)next, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	w->lines = 0;
	ctl_say(fd, "status\n");
	from = ctl_mono();
	for (int turns = 0; ctl_mono() - from < 150; turns++) {
		ctl_turn(w, 200);
		assert_true(turns < 20); /* it does not spin */
	}
	assert_int_equal(w->calls, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_string_equal(ctl_heard(w, fd, 1, NULL), OK_LINE);
	close(fd);
}

static void
test_ctl_when_idle_too_long_then_closed(void **state)
{
	struct ctl_world *w = *state;
	int fd;

	am_ctl_free(w->ctl);
	w->opts.idle_ms = 50;
	ctl_world_reopen(w);
	fd = ctl_dial(w);
	assert_string_equal(ctl_last_words(w, fd), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(
		    test_ctl_when_half_a_line_stays_then_cut_after_the_deadline),
		CTL_TEST(test_ctl_when_bytes_dribble_then_cut_all_the_same),
		CTL_TEST(test_ctl_when_line_is_over_4_kib_then_refused),
		CTL_TEST(test_ctl_when_line_never_ends_then_sender_is_stopped),
		CTL_TEST(
		    test_ctl_when_garbage_comes_then_only_that_client_is_closed),
		CTL_TEST(test_ctl_when_reader_is_slow_then_cut_at_4_mib),
		CTL_TEST(
		    test_ctl_when_answers_are_not_read_then_next_command_waits),
		CTL_TEST(test_ctl_when_70_clients_come_then_64_stay),
		CTL_TEST(
		    test_ctl_when_all_places_are_idle_then_oldest_makes_room),
		CTL_TEST(test_ctl_when_1000_connects_then_still_answers),
		CTL_TEST(
		    test_ctl_when_no_descriptor_is_left_then_backs_off_and_recovers),
		CTL_TEST(test_ctl_when_idle_too_long_then_closed),
	};

	am_log_open(AM_LOG_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
