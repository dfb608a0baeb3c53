/* Who may do what on the status socket (fault 63: wrong uid). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/log.h"
#include "ops/peer.h"
#include "tests/unit/ctl_world.h"

/* Who may do what, by made-up credentials. */
static void
test_peer_when_judged_then_table_of_levels_holds(void **state)
{
	static gid_t adm[] = { 30, 4 }, none[] = { 30 };
	const struct am_acl view = {
		.uids = { 500 }, .uids_n = 1, .gids = { 4, 5 }, .gids_n = 2
	};
	const struct am_acl operate = {
		.uids = { 600 }, .uids_n = 1, .gids = { 7 }, .gids_n = 1
	};
	static const uid_t self = 900;
	const struct {
		struct am_peer who;
		enum am_ctl_level level;
	} rows[] = {
		{ { .uid = 0 }, AM_CTL_OPERATE },
		{ { .uid = 900, .gid = 900 }, AM_CTL_OPERATE },
		{ { .uid = 600, .gid = 100 }, AM_CTL_OPERATE },
		{ { .uid = 601, .gid = 7 }, AM_CTL_OPERATE },
		{ { .uid = 500, .gid = 100 }, AM_CTL_VIEW },
		{ { .uid = 501, .gid = 5 }, AM_CTL_VIEW },
		{ { .uid = 501, .gid = 100, .groups = adm, .groups_n = 2 },
		    AM_CTL_VIEW },
		{ { .uid = 501, .gid = 100, .groups = none, .groups_n = 1 },
		    AM_CTL_NONE },
		{ { .uid = 65534, .gid = 65534 }, AM_CTL_NONE },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++)
		assert_int_equal(
		    am_peer_level(&view, &operate, self, &rows[i].who),
		    rows[i].level);
}

static void
test_peer_when_names_are_resolved_then_unknown_ones_let_nobody_in(void **state)
{
	static const char *const names[] = { "root", "no-such-name", "4711" };
	struct am_acl acl;

	(void)state;
	am_acl_set(&acl, names, AM_COUNT(names));
	assert_int_equal(acl.uids_n, 2);
	assert_int_equal(acl.uids[0], 0);
	assert_int_equal(acl.uids[1], 4711);
	assert_int_equal(acl.gids_n, 1);
	assert_int_equal(acl.gids[0], 0);
}

static void
test_peer_when_read_then_it_is_us(void **state)
{
	struct am_peer who;
	gid_t groups[256];
	int fds[2], n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(am_peer_read(fds[0], &who), 0);
	assert_int_equal(who.uid, geteuid());
	assert_int_equal(who.gid, getegid());
	assert_int_equal(who.pid, getpid());
	n = getgroups(AM_COUNT(groups), groups);
	for (int i = 0; i < n; i++) {
		bool found = groups[i] == who.gid;

		for (size_t k = 0; k < who.groups_n; k++)
			found |= who.groups[k] == groups[i];
		assert_true(found);
	}
	am_peer_fini(&who);
	close(fds[0]);
	close(fds[1]);
}

/* Two commands of somebody else, in a process of its own; needs root. */
static void
stranger_asks(const struct ctl_world *w, gid_t gid, int out)
{
	static const char line[] = "status\ndrain\n";
	char answer[512];
	ssize_t n;
	int fd;

	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(65533, 65533, 65533) != 0)
		_exit(1);
	fd = ctl_dial(w);
	fcntl(fd, F_SETFL, 0);
	send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, answer, sizeof(answer))) > 0) {
		if (write(out, answer, (size_t)n) != n)
			_exit(1);
	}
	_exit(0);
}

/* Start a stranger with that group; where his answers come. */
static int
stranger_start(const struct ctl_world *w, gid_t gid)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	if (fork() == 0) {
		close(fds[0]);
		stranger_asks(w, gid, fds[1]);
	}
	close(fds[1]);
	return fds[0];
}

/* All that he is told. */
static void
stranger_hears(struct ctl_world *w, int fd, char *text, size_t cap)
{
	am_ms until = ctl_mono() + PATIENCE_MS;
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, cap - len - 1)) != 0) {
		assert_true(ctl_mono() < until);
		if (n > 0)
			len += (size_t)n;
		else
			ctl_turn(w, 5);
	}
	text[len] = '\0';
	close(fd);
	assert_true(waitpid(-1, NULL, 0) > 0);
}

static const char *const viewers[] = { "daemon", "mail" };

/* Open to the groups of `viewers`; false when this cannot be tested here. */
static bool
open_to_viewers(struct ctl_world *w)
{
	if (geteuid() != 0 || getgrnam(viewers[0]) == NULL)
		return false; /* the rule itself is in the table of levels */
	w->lines = 0;
	w->opts.view = viewers;
	w->opts.view_n = AM_COUNT(viewers);
	am_ctl_permit(w->ctl, &w->opts);
	assert_int_equal(chmod(w->dir, 0755), 0);
	return true;
}

static void
test_ctl_when_a_viewer_operates_then_refused_with_code_5(void **state)
{
	struct ctl_world *w = *state;
	char text[1024];
	int fd;

	if (!open_to_viewers(w))
		skip();
	fd = stranger_start(w, getgrnam(viewers[0])->gr_gid);
	stranger_hears(w, fd, text, sizeof(text));
	assert_non_null(strstr(text, OK_LINE));
	assert_non_null(strstr(text, "\"code\":5"));
	assert_non_null(strstr(text, "uid 65533 may not `drain`"));
	assert_int_equal(w->calls, 1);

	stranger_hears(w, stranger_start(w, 12345), text, sizeof(text));
	assert_null(strstr(text, OK_LINE));
	assert_non_null(strstr(text, "\"code\":5"));
	assert_non_null(strstr(text, "uid 65533 may not look"));
	assert_int_equal(w->calls, 1);
}

static void
test_ctl_when_a_right_is_taken_away_then_it_ends_for_the_connected(void **state)
{
	struct ctl_world *w = *state;
	struct am_ctl_call *call;
	char text[1024];
	int fd;

	if (!open_to_viewers(w))
		skip();
	w->keep = true;
	fd = stranger_start(w, getgrnam(viewers[0])->gr_gid);
	call = ctl_kept(w);
	w->opts.view_n = 0;
	am_ctl_permit(w->ctl, &w->opts);
	am_ctl_end(call, AM_EXIT_OK, NULL);
	stranger_hears(w, fd, text, sizeof(text));
	assert_non_null(strstr(text, OK_LINE));
	assert_non_null(strstr(text, "may not look any more"));
	assert_int_equal(w->calls, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_peer_when_judged_then_table_of_levels_holds),
		cmocka_unit_test(
		    test_peer_when_names_are_resolved_then_unknown_ones_let_nobody_in),
		cmocka_unit_test(test_peer_when_read_then_it_is_us),
		CTL_TEST(
		    test_ctl_when_a_viewer_operates_then_refused_with_code_5),
		CTL_TEST(
		    test_ctl_when_a_right_is_taken_away_then_it_ends_for_the_connected),
	};

	am_log_open(AM_LOG_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
