/* log - what goes out on stderr, and what does not. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "log/log.h"

struct pipes {
	int in, stderr_fd; /* stderr as it was */
};

/* stderr is a pipe whose other end is ours. */
static int
set_up(void **state)
{
	static struct pipes p;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	p.in = fds[0];
	p.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (dup2(fds[1], STDERR_FILENO) < 0)
		return -1;
	close(fds[1]);
	am_log_open(AM_LOG_INFO, false);
	*state = &p;
	return fcntl(p.in, F_SETFL, O_NONBLOCK);
}

static int
tear_down(void **state)
{
	struct pipes *p = *state;

	dup2(p->stderr_fd, STDERR_FILENO);
	close(p->stderr_fd);
	close(p->in);
	return 0;
}

/* All that is in the pipe. */
static const char *
said(const struct pipes *p)
{
	static char text[16384];
	ssize_t n = read(p->in, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_log_when_the_level_is_below_then_nothing_is_written(void **state)
{
	struct pipes *p = *state;

	am_log_debug("turn", "events=%d", 3);
	assert_string_equal(said(p), "");
	am_log_set(AM_LOG_DEBUG);
	am_log_debug("turn", "events=%d", 3);
	assert_string_equal(said(p), "turn events=3\n");
	am_log_set(AM_LOG_ERR);
	am_log_warn("turn", "events=%d", 3);
	assert_string_equal(said(p), "");
	am_log_err("ended", "%s", "");
	assert_string_equal(said(p), "ended \n");
}

/* OP5: journald takes the priority from the prefix. */
static void
test_log_when_stderr_is_the_journal_then_lines_have_a_priority(void **state)
{
	struct pipes *p = *state;
	char stream[64];
	struct stat st;

	am_log_open(AM_LOG_INFO, true);
	am_log_warn("wake_failed", "shard=%s", "complaints");
	assert_string_equal(said(p), "<4>wake_failed shard=complaints\n");

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	am_log_open(AM_LOG_INFO, false);
	am_log_info("up", "n=%d", 1);
	assert_string_equal(said(p), "<6>up n=1\n");
	setenv("JOURNAL_STREAM", "1:2", 1);
	am_log_open(AM_LOG_INFO, false);
	am_log_info("up", "n=%d", 1);
	assert_string_equal(said(p), "up n=1\n");
	unsetenv("JOURNAL_STREAM");
}

static void
test_log_when_a_value_holds_newlines_then_it_stays_one_line(void **state)
{
	struct pipes *p = *state;

	am_log_info("event", "reason=%s", "x\n<0>forged a=\x1b[31mb\x7f");
	assert_string_equal(said(p), "event reason=x <0>forged a= [31mb \n");
}

static void
test_log_when_a_line_is_too_long_then_it_is_cut_at_a_character(void **state)
{
	struct pipes *p = *state;
	char text[9000];
	const char *line;
	size_t n;

	for (int shift = 0; shift < 4; shift++) {
		memset(text, 'a', (size_t)shift);
		for (size_t i = (size_t)shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "没", 4);
		am_log_info("event", "text=%s", text);
		line = said(p);
		n = strlen(line);
		assert_in_range(n, 4085, 4096);
		assert_string_equal(line + n - 4, "...\n");
		assert_true(am_utf8_ok(am_str_c(line)));
	}
}

static void
test_log_when_stderr_is_stalled_then_lines_are_counted_not_waited_for(
    void **state)
{
	struct pipes *p = *state;
	uint64_t before = am_log_dropped();
	int written = 0;

	/* an alarm would end the program if a write blocked */
	alarm(20);
	while (am_log_dropped() == before && written < 100000) {
		am_log_info("line", "n=%d", written);
		written++;
	}
	assert_in_range(written, 10, 99999);
	for (int i = 0; i < 9; i++)
		am_log_info("line", "n=%d", i);
	assert_int_equal(am_log_dropped() - before, 10);
	while (*said(p) != '\0')
		;
	am_log_info("line", "n=last");
	assert_string_equal(said(p), "log_dropped n=10\nline n=last\n");
	am_log_info("line", "n=next");
	assert_string_equal(said(p), "line n=next\n"); /* told once */
	assert_int_equal(am_log_dropped() - before, 10);
	alarm(0);
}

/* A file that may not grow takes the front of a line. */
static void
test_log_when_the_disk_is_full_then_a_torn_line_gets_its_end(void **state)
{
	struct pipes *p = *state;
	FILE *f = tmpfile();
	int keep = dup(STDERR_FILENO);
	struct rlimit old, low;
	uint64_t before = am_log_dropped();
	char text[256] = "";

	(void)p;
	assert_non_null(f);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){ 20, old.rlim_max };
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	am_log_info("first", "n=1");	  /* 10 bytes */
	am_log_info("second", "n=%d", 2); /* 11: one too many */
	am_log_info("third", "n=%d", 3);
	setrlimit(RLIMIT_FSIZE, &old);
	am_log_info("fourth", "n=%d", 4);
	dup2(keep, STDERR_FILENO);
	close(keep);
	assert_int_equal(am_log_dropped() - before, 2);
	rewind(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_string_equal(
	    text, "first n=1\nsecond n=2\nlog_dropped n=2\nfourth n=4\n");
}

static void
test_val_when_a_text_needs_quotes_then_it_is_one_logfmt_value(void **state)
{
	static const struct {
		struct am_str in;
		const char *out;
	} cases[] = {
		{ AM_STR("plain-1.2:x"), "plain-1.2:x" },
		{ AM_STR("没解决"), "没解决" },
		{ AM_STR(""), "\"\"" },
		{ AM_STR("two words"), "\"two words\"" },
		{ AM_STR("a=b"), "\"a=b\"" },
		{ AM_STR("say \"no\" \\"), "\"say \\\"no\\\" \\\\\"" },
		{ AM_STR("a\nb\0c"), "\"a b c\"" },
		{ AM_STR("x\xff"), "\"x\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_string_equal(am_log_val(cases[i].in), cases[i].out);
	assert_string_equal(am_log_val((struct am_str){ NULL, 0 }), "\"\"");
}

static void
test_val_when_used_eight_times_in_a_line_then_all_are_kept(void **state)
{
	const char *vals[8];
	char long_text[2000], want[2];

	(void)state;
	for (int i = 0; i < 8; i++) {
		want[0] = (char)('a' + i);
		vals[i] = am_log_val((struct am_str){ want, 1 });
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(vals[i][0], 'a' + i);
	for (size_t n = 480; n < sizeof(long_text); n++) {
		memset(long_text, '"', n);
		const char *v = am_log_val((struct am_str){ long_text, n });
		size_t len = strlen(v);

		assert_in_range(len, 490, 511);
		assert_string_equal(v + len - 6, "\\\"...\"");
		memset(long_text, 'x', n);
		v = am_log_val((struct am_str){ long_text, n });
		assert_in_range(strlen(v), n < 512 ? n : 500, 511);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_log_when_the_level_is_below_then_nothing_is_written,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_log_when_stderr_is_the_journal_then_lines_have_a_priority,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_log_when_a_value_holds_newlines_then_it_stays_one_line,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_log_when_a_line_is_too_long_then_it_is_cut_at_a_character,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_log_when_stderr_is_stalled_then_lines_are_counted_not_waited_for,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_log_when_the_disk_is_full_then_a_torn_line_gets_its_end,
		    set_up, tear_down),
		cmocka_unit_test(
		    test_val_when_a_text_needs_quotes_then_it_is_one_logfmt_value),
		cmocka_unit_test(
		    test_val_when_used_eight_times_in_a_line_then_all_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
