/* The status socket: answers, levels, its file; on a real socket and loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/log.h"
#include "tests/unit/ctl_world.h"

/* OP4: the local status socket answers a line with lines. */
static void
test_ctl_when_asked_then_answers_lines_and_a_status(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	ctl_say(fd, "list --stage \"callback confirm\"\r\n");
	assert_string_equal(ctl_heard(w, fd, 2, NULL), "\"xxxxxxx\"\n" OK_LINE);
	assert_string_equal(w->last, "list|--stage|callback confirm");
	ctl_say(fd, "\n  \nstatus\n"); /* empty lines say nothing */
	assert_string_equal(ctl_heard(w, fd, 2, NULL), "\"xxxxxxx\"\n" OK_LINE);
	assert_int_equal(w->calls, 2);
	close(fd);
}

static void
test_ctl_when_commands_are_pipelined_then_answered_in_order(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	w->lines = 0;
	ctl_say(fd, "status\nnonsense\nshow C-1\nsta");
	assert_string_equal(ctl_heard(w, fd, 3, NULL),
	    OK_LINE "{\"ok\":false,\"code\":2,\"error\":\"no such command: "
		    "nonsense; `help` lists them\"}\n" OK_LINE);
	ctl_say(fd, "tus\n");
	assert_string_equal(ctl_heard(w, fd, 1, NULL), OK_LINE);
	assert_int_equal(w->calls, 3);
	close(fd);
}

static void
test_ctl_when_help_then_answered_without_the_handler(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	ctl_say(fd, "help dead drop\nhelp nothing\n");
	assert_non_null(
	    strstr(ctl_heard(w, fd, 3, NULL), "{\"name\":\"dead drop\","
					      "\"level\":\"operate\""));
	assert_int_equal(w->calls, 0);
	close(fd);
}

static void
test_ctl_when_input_ends_then_whole_lines_are_answered(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	w->lines = 0;
	ctl_say(fd, "status\nstatus\n");
	shutdown(fd, SHUT_WR);
	assert_string_equal(ctl_last_words(w, fd), OK_LINE OK_LINE);
	fd = ctl_dial(w);
	ctl_say(fd, "status\ndrain");
	shutdown(fd, SHUT_WR);
	assert_non_null(strstr(ctl_last_words(w, fd), "the line has no end"));
	assert_int_equal(w->calls, 3);
}

static void
test_ctl_when_client_leaves_before_the_answer_then_call_still_ends(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	w->keep = true;
	w->lines = 0;
	ctl_say(fd, "drain\n");
	ctl_kept(w);
	assert_true(am_ctl_alive(w->kept));
	assert_int_equal(am_ctl_level(w->kept), AM_CTL_OPERATE);
	assert_int_equal(am_ctl_uid(w->kept), geteuid());
	close(fd);
	assert_false(am_ctl_alive(w->kept));
	ctl_turn(w, 5);
	am_ctl_line(w->kept, AM_STR("{}"));
	am_ctl_end(w->kept, AM_EXIT_FAILED, "nobody %s", "hears");
	ctl_turn(w, 5);
}

static void
test_ctl_when_answer_comes_later_then_sent_and_next_line_runs(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);
	struct am_ctl_call *call;

	w->keep = true;
	w->lines = 0;
	ctl_say(fd, "reload\nstatus\n");
	ctl_kept(w);
	ctl_turn(w, 5);
	assert_int_equal(w->calls, 1);
	call = w->kept;
	w->keep = false;
	am_ctl_line(call, AM_STR("{\"a\":\n1}"));
	am_ctl_end(call, AM_EXIT_NOT_FOUND, "no \"such\" thing");
	assert_string_equal(ctl_heard(w, fd, 3, NULL),
	    "{\"a\": 1}\n{\"ok\":false,\"code\":4,\"error\":\"no \\\"such\\\" "
	    "thing\"}\n" OK_LINE);
	assert_int_equal(w->calls, 2);
	close(fd);
}

static void
test_ctl_when_freed_with_an_open_call_then_client_is_told(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	w->keep = true;
	w->lines = 0;
	ctl_say(fd, "drain\n");
	ctl_kept(w);
	am_ctl_free(w->ctl);
	assert_false(am_ctl_alive(w->kept));
	am_ctl_line(w->kept, AM_STR("{}"));
	am_ctl_end(w->kept, AM_EXIT_OK, NULL);
	assert_string_equal(ctl_last_words(w, fd),
	    "{\"ok\":false,\"code\":1,\"error\":\"the daemon is stopping\"}\n");
	ctl_world_reopen(w);
}

static void
test_ctl_when_last_answer_is_unsent_at_free_then_it_still_goes_out(void **state)
{
	struct ctl_world *w = *state;
	int fd = ctl_dial(w);

	w->keep = true;
	w->lines = 0;
	ctl_say(fd, "drain\n");
	ctl_kept(w);
	am_ctl_end(w->kept, AM_EXIT_OK, "drained");
	am_ctl_free(w->ctl);
	assert_string_equal(ctl_last_words(w, fd),
	    "{\"ok\":true,\"code\":0,\"note\":\"drained\"}\n");
	ctl_world_reopen(w);
}

static void
test_ctl_when_a_stale_socket_is_there_then_replaced_else_not(void **state)
{
	struct ctl_world *w = *state;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct am_ctl_opts opts = w->opts;
	struct am_ctl *second = NULL;
	struct am_diag diag;
	char path[108], longer[200];
	int fd;

	/* somebody answers */
	assert_int_equal(
	    am_ctl_new(w->base, &opts, ctl_world_handler, w, &second, &diag),
	    -AM_ECONFLICT);
	assert_non_null(strstr(diag.text, "another daemon answers on"));
	assert_null(second);

	/* nobody does */
	snprintf(path, sizeof(path), "%s/stale", w->dir);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	opts.path = path;
	assert_int_equal(
	    am_ctl_new(w->base, &opts, ctl_world_handler, w, &second, &diag),
	    0);
	am_ctl_free(second);
	assert_int_equal(access(path, F_OK), -1);

	/* a file of somebody else's is left alone */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(
	    am_ctl_new(w->base, &opts, ctl_world_handler, w, &second, &diag),
	    -AM_EINVAL);
	assert_non_null(strstr(diag.text, "is no socket"));
	assert_int_equal(unlink(path), 0);

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	opts.path = longer;
	assert_int_equal(
	    am_ctl_new(w->base, &opts, ctl_world_handler, w, &second, &diag),
	    -AM_EINVAL);
	assert_non_null(strstr(diag.text, "at most 107"));
	snprintf(longer, sizeof(longer), "%s/none/sock", w->dir);
	assert_int_equal(
	    am_ctl_new(w->base, &opts, ctl_world_handler, w, &second, &diag),
	    -AM_EIO);
	assert_non_null(strstr(diag.text, "its directory must be there"));
}

static unsigned
mode_of(const struct ctl_world *w)
{
	struct stat st;

	assert_int_equal(stat(w->path, &st), 0);
	return st.st_mode & 07777;
}

static void
test_ctl_when_several_may_view_then_the_mode_is_open(void **state)
{
	static const char *const groups[] = { "root", "daemon" };
	struct ctl_world *w = *state;

	assert_int_equal(mode_of(w), 0660);
	w->opts.view = groups;
	w->opts.view_n = 2;
	am_ctl_permit(w->ctl, &w->opts);
	assert_int_equal(mode_of(w), 0666);
	w->opts.view_n = 1;
	w->opts.mode = 0640;
	am_ctl_permit(w->ctl, &w->opts);
	assert_int_equal(mode_of(w), 0640);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(test_ctl_when_asked_then_answers_lines_and_a_status),
		CTL_TEST(
		    test_ctl_when_commands_are_pipelined_then_answered_in_order),
		CTL_TEST(test_ctl_when_help_then_answered_without_the_handler),
		CTL_TEST(
		    test_ctl_when_input_ends_then_whole_lines_are_answered),
		CTL_TEST(
		    test_ctl_when_client_leaves_before_the_answer_then_call_still_ends),
		CTL_TEST(
		    test_ctl_when_answer_comes_later_then_sent_and_next_line_runs),
		CTL_TEST(
		    test_ctl_when_freed_with_an_open_call_then_client_is_told),
		CTL_TEST(
		    test_ctl_when_last_answer_is_unsent_at_free_then_it_still_goes_out),
		CTL_TEST(
		    test_ctl_when_a_stale_socket_is_there_then_replaced_else_not),
		CTL_TEST(test_ctl_when_several_may_view_then_the_mode_is_open),
	};

	am_log_open(AM_LOG_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
