/* base - arena, buffer, slices. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define assert_str(s, lit) assert_true(am_str_is((s), (lit)))

static struct am_buf
buf_of(struct am_str s)
{
	struct am_buf b;

	am_buf_init(&b);
	am_buf_addstr(&b, s);
	return b;
}

static void
test_arena_when_blocks_are_many_then_all_bytes_stay_apart(void **state)
{
	struct am_arena a;
	char *p[200];

	(void)state;
	am_arena_init(&a, 1 << 16);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < AM_COUNT(p); i++) {
			p[i] = am_arena_alloc(&a, i * 37);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)i, i * 37);
		}
		for (size_t i = 0; i < AM_COUNT(p); i++) {
			for (size_t j = 0; j < i * 37; j++)
				assert_int_equal((uint8_t)p[i][j], i);
		}
		am_arena_reset(&a);
	}
	am_arena_fini(&a);
}

static void
test_arena_when_reset_then_keeps_no_more_than_asked(void **state)
{
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 4096);
	void *small = am_arena_alloc(&a, 100);

	am_arena_reset(&a);
	assert_ptr_equal(am_arena_alloc(&a, 100), small);
	am_arena_alloc(&a, 1 << 20);
	am_arena_reset(&a);
	assert_null(a.head);
	assert_non_null(a.spare);
	am_arena_fini(&a);
	assert_null(a.spare);
}

static void
test_arena_when_text_is_copied_then_it_is_terminated(void **state)
{
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_string_equal(am_arena_cstr(&a, (struct am_str){ NULL, 0 }), "");
	assert_string_equal(am_arena_cstr(&a, AM_STR("ab\tc")), "ab\tc");
	assert_string_equal(am_arena_printf(&a, "%s-%d", "x", 7), "x-7");
	assert_int_equal(*(uint64_t *)am_arena_zalloc(&a, 8), 0);
	am_arena_fini(&a);
}

static void
test_buf_when_in_an_arena_then_grows_there(void **state)
{
	struct am_arena a;
	struct am_buf b;

	(void)state;
	am_arena_init(&a, 0);
	am_buf_arena(&b, &a, 8);
	for (int i = 0; i < 1000; i++)
		am_buf_addi(&b, i % 10);
	assert_int_equal(b.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.p[i], '0' + i % 10);
	am_buf_fini(&b);
	am_arena_fini(&a);
}

static void
test_buf_when_numbers_are_added_then_every_one_is_exact(void **state)
{
	static const struct {
		int64_t v;
		const char *text;
	} cases[] = { { 0, "0" }, { 7, "7" }, { -10, "-10" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" } };
	struct am_buf b;

	(void)state;
	am_buf_init(&b);
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		am_buf_reset(&b);
		am_buf_addi(&b, cases[i].v);
		assert_str(am_buf_str(&b), cases[i].text);
	}
	am_buf_reset(&b);
	am_buf_addf(&b, "%03d|", 5);
	am_buf_addhex(&b, (const uint8_t *)"\x00\xab\xff", 3);
	assert_str(am_buf_str(&b), "005|00abff");
	am_buf_fini(&b);
}

static void
test_buf_when_json_is_written_then_only_what_must_is_escaped(void **state)
{
	static const struct {
		struct am_str in;
		const char *json;
	} cases[] = {
		{ AM_STR(""), "\"\"" },
		{ AM_STR("plain / text"), "\"plain / text\"" },
		{ AM_STR("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"" },
		{ AM_STR("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\x7f\"" },
		{ AM_STR("扣费 😀"), "\"扣费 😀\"" },
		/* overlong, surrogate, cut short, beyond the last */
		{ AM_STR("\xc0\x80x"), "\"\xef\xbf\xbd\xef\xbf\xbdx\"" },
		{ AM_STR("\xed\xa0\x80"),
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ AM_STR("x\xe6\x89"), "\"x\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		struct am_buf b;

		am_buf_init(&b);
		am_buf_addjson(&b, cases[i].in);
		assert_str(am_buf_str(&b), cases[i].json);
		am_buf_fini(&b);
	}
}

static void
test_buf_when_an_object_is_written_then_commas_stand_between(void **state)
{
	struct am_buf b;

	(void)state;
	am_buf_init(&b);
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "a", AM_STR("x{"));
	am_buf_addki(&b, "n", -3);
	am_buf_addkey(&b, "o");
	am_buf_adds(&b, "{");
	am_buf_addki(&b, "i", 1);
	am_buf_adds(&b, "}}");
	assert_str(am_buf_str(&b), "{\"a\":\"x{\",\"n\":-3,\"o\":{\"i\":1}}");
	am_buf_fini(&b);
}

static void
test_reader_when_bytes_are_whole_then_gives_what_was_written(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 63, 64, -64, -65, 1 << 20,
		INT64_MAX, INT64_MIN };
	struct am_buf b;

	(void)state;
	am_buf_init(&b);
	for (size_t i = 0; i < AM_COUNT(values); i++) {
		am_buf_addvar(&b, (uint64_t)values[i]);
		am_buf_addzig(&b, values[i]);
	}
	am_buf_addlstr(&b, AM_STR("loop"));

	struct am_rd r = { (const uint8_t *)b.p, (const uint8_t *)b.p + b.n,
		false };

	for (size_t i = 0; i < AM_COUNT(values); i++) {
		assert_true(am_rd_var(&r) == (uint64_t)values[i]);
		assert_true(am_rd_zig(&r) == values[i]);
	}
	assert_str(am_rd_lstr(&r), "loop");
	assert_false(r.bad);
	assert_int_equal(am_rd_u8(&r), 0);
	assert_true(r.bad);
	am_buf_fini(&b);
}

static void
test_reader_when_bytes_are_cut_or_malformed_then_is_bad_for_good(void **state)
{
	static const struct am_str bad[] = { AM_STR(""), AM_STR("\x80"),
		AM_STR("\x80\x00"), /* padded */
		AM_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
		AM_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		/* exact memory, so that a sanitizer sees a byte too far */
		struct am_buf b = buf_of(bad[i]);
		char *exact = malloc(b.n + 1);

		memcpy(exact, b.p != NULL ? b.p : "", b.n);
		struct am_rd r = { (uint8_t *)exact, (uint8_t *)exact + b.n,
			false };

		assert_true(am_rd_var(&r) == 0);
		assert_true(r.bad);
		assert_int_equal(am_rd_bytes(&r, 0).n, 0);
		assert_true(r.bad);
		free(exact);
		am_buf_fini(&b);
	}
	struct am_rd r = { (const uint8_t *)"\x05"
					    "four",
		(const uint8_t *)"", false };

	r.end = r.p + 5;
	assert_int_equal(am_rd_lstr(&r).n, 0);
	assert_true(r.bad);
}

static void
test_str_when_numbers_are_parsed_then_only_plain_decimals_pass(void **state)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "0x1",
		"1.0", "--1", "18446744073709551616", "99999999999999999999" };
	uint64_t u = 42;
	int64_t i = 42;

	(void)state;
	for (size_t k = 0; k < AM_COUNT(bad); k++) {
		assert_int_not_equal(am_str_u64(am_str_c(bad[k]), &u), 0);
		assert_int_not_equal(am_str_i64(am_str_c(bad[k]), &i), 0);
	}
	assert_int_equal(u, 42);
	assert_int_equal(i, 42);
	assert_int_equal(am_str_u64(AM_STR("18446744073709551615"), &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(am_str_i64(AM_STR("-9223372036854775808"), &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(
	    am_str_i64(AM_STR("9223372036854775808"), &i), -AM_ERANGE);
	assert_int_equal(
	    am_str_i64(AM_STR("-9223372036854775809"), &i), -AM_ERANGE);
}

static void
test_str_when_compared_then_a_null_is_an_empty_one(void **state)
{
	(void)state;
	assert_true(am_str_eq(am_str_c(NULL), AM_STR("")));
	assert_true(am_str_is(AM_STR("ab"), "ab"));
	assert_false(am_str_is(AM_STR("ab\0"), "ab"));
	assert_true(am_str_prefix(AM_STR("file:x"), "file:"));
	assert_false(am_str_prefix(AM_STR("fil"), "file:"));
	assert_true(am_str_cmp(AM_STR("a"), AM_STR("ab")) < 0);
	assert_true(am_str_cmp(AM_STR("b"), AM_STR("ab")) > 0);
	assert_int_equal(am_str_cmp(AM_STR(""), am_str_c(NULL)), 0);
	assert_str(am_str_trim(AM_STR(" \ta b\r\n")), "a b");
	assert_int_equal(am_str_trim(AM_STR("  ")).n, 0);
}

static void
test_str_when_bool_or_hex_is_wrong_then_output_is_untouched(void **state)
{
	uint8_t bytes[2] = { 1, 2 };
	bool v = true;

	(void)state;
	assert_int_equal(am_str_bool(AM_STR("YES"), &v), -AM_EINVAL);
	assert_true(v);
	assert_int_equal(am_str_bool(AM_STR("off"), &v), 0);
	assert_false(v);
	assert_int_equal(am_hex_parse(AM_STR("00fg"), bytes, 2), -AM_EINVAL);
	assert_int_equal(am_hex_parse(AM_STR("00f"), bytes, 2), -AM_EINVAL);
	assert_int_equal(am_hex_parse(AM_STR("00ff0"), bytes, 2), -AM_EINVAL);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(am_hex_parse(AM_STR("00fF"), bytes, 2), 0);
	assert_int_equal(bytes[1], 255);
}

static void
test_utf8_when_malformed_then_refused(void **state)
{
	static const struct am_str bad[] = { AM_STR("\0"), AM_STR("\x80"),
		AM_STR("\xc1\xbf"), AM_STR("\xe0\x9f\xbf"),
		AM_STR("\xed\xbf\xbf"), AM_STR("\xf0\x8f\xbf\xbf"),
		AM_STR("\xf4\x90\x80\x80"), AM_STR("\xf5\x80\x80\x80"),
		AM_STR("ok\xe6\x89") };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		assert_false(am_utf8_ok(bad[i]));
	assert_true(am_utf8_ok(AM_STR("\xf4\x8f\xbf\xbf\xed\x9f\xbf 没解决")));
	assert_int_equal(am_utf8_len(AM_STR("没解决!")), 4);
}

static void
test_distance_when_letters_are_swapped_then_it_is_one_step(void **state)
{
	(void)state;
	assert_int_equal(am_str_distance("budegt", "budget", 3), 1);
	assert_int_equal(am_str_distance("calender", "calendar", 3), 1);
	assert_int_equal(am_str_distance("", "abc", 3), 3);
	assert_int_equal(am_str_distance("same", "same", 3), 0);
	assert_int_equal(am_str_distance("retry", "timeout", 2), 3);
}

static void
test_err_when_any_code_is_asked_then_there_is_a_phrase(void **state)
{
	(void)state;
	assert_string_equal(am_err_str(0), "ok");
	for (int e = AM_EINVAL; e <= AM_EBUSY; e++) {
		assert_non_null(am_err_str(-e));
		assert_string_not_equal(am_err_str(-e), "unknown error");
	}
	assert_string_equal(am_err_str(5), "unknown error");
	assert_string_equal(am_err_str(-1000), "unknown error");
	assert_string_equal(am_err_str(INT32_MIN), "unknown error");
}

static void
test_assert_when_it_fails_then_says_where_and_aborts(void **state)
{
	char line[256] = "";
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		AM_ASSERT(fds[0] == -1);
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
	close(fds[0]);
	assert_true(am_str_prefix(
	    am_str_c(line), "panic file=tests/unit/base_test.c line="));
	assert_string_equal(strstr(line, " what="), " what=\"fds[0] == -1\"\n");
}

/* Eight bytes are looked at together: every byte at every place of them. */
static void
test_buf_json_every_byte_at_every_place(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 0x80; byte++) {
		for (size_t at = 0; at < 17; at++) {
			char text[17], want[32];
			struct am_buf b;
			size_t n = 1;

			memset(text, 'a', sizeof(text));
			text[at] = (char)byte;
			want[0] = '"';
			for (size_t i = 0; i < sizeof(text); i++) {
				const char *esc = "\"\\\b\f\n\r\t";
				const char *e = text[i] != '\0'
						    ? strchr(esc, text[i])
						    : NULL;

				if (e != NULL) {
					want[n++] = '\\';
					want[n++] = "\"\\bfnrt"[e - esc];
				} else if ((uint8_t)text[i] < 0x20) {
					n += (size_t)snprintf(want + n,
					    sizeof(want) - n, "\\u%04x", byte);
				} else {
					want[n++] = text[i];
				}
			}
			want[n++] = '"';
			am_buf_init(&b);
			am_buf_addjson(
			    &b, (struct am_str){ text, sizeof(text) });
			assert_int_equal(b.n, n);
			assert_memory_equal(b.p, want, n);
			am_buf_fini(&b);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_json_every_byte_at_every_place),
		cmocka_unit_test(
		    test_arena_when_blocks_are_many_then_all_bytes_stay_apart),
		cmocka_unit_test(
		    test_arena_when_reset_then_keeps_no_more_than_asked),
		cmocka_unit_test(
		    test_arena_when_text_is_copied_then_it_is_terminated),
		cmocka_unit_test(test_buf_when_in_an_arena_then_grows_there),
		cmocka_unit_test(
		    test_buf_when_numbers_are_added_then_every_one_is_exact),
		cmocka_unit_test(
		    test_buf_when_json_is_written_then_only_what_must_is_escaped),
		cmocka_unit_test(
		    test_buf_when_an_object_is_written_then_commas_stand_between),
		cmocka_unit_test(
		    test_reader_when_bytes_are_whole_then_gives_what_was_written),
		cmocka_unit_test(
		    test_reader_when_bytes_are_cut_or_malformed_then_is_bad_for_good),
		cmocka_unit_test(
		    test_str_when_numbers_are_parsed_then_only_plain_decimals_pass),
		cmocka_unit_test(
		    test_str_when_compared_then_a_null_is_an_empty_one),
		cmocka_unit_test(
		    test_str_when_bool_or_hex_is_wrong_then_output_is_untouched),
		cmocka_unit_test(test_utf8_when_malformed_then_refused),
		cmocka_unit_test(
		    test_distance_when_letters_are_swapped_then_it_is_one_step),
		cmocka_unit_test(
		    test_assert_when_it_fails_then_says_where_and_aborts),
		cmocka_unit_test(
		    test_err_when_any_code_is_asked_then_there_is_a_phrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
