/* mail - a follow-up as a message: headers, encoded words, base64 (FU12). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "deliver/mail.h"

static struct am_str
format(struct am_buf *b, const char *from, const char *to, const char *subject,
    const char *text)
{
	const struct am_mail m = { am_str_c(from), am_str_c(to),
		am_str_c(subject), am_str_c(text), "abc123", 1764547200000 };

	am_buf_init(b);
	assert_int_equal(am_mail_format(&m, b), 0);
	return am_buf_str(b);
}

static bool
has(struct am_str s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static void
test_mail_plain_ascii_then_these_bytes(void **state)
{
	static const char want[] = "Date: Mon, 1 Dec 2025 00:00:00 +0000\r\n"
				   "From: <care@shop.example>\r\n"
				   "To: <li@example.com>\r\n"
				   "Subject: Complaint C-1\r\n"
				   "Message-ID: <abc123@shop.example>\r\n"
				   "MIME-Version: 1.0\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n"
				   "Content-Transfer-Encoding: base64\r\n"
				   "Auto-Submitted: auto-generated\r\n"
				   "\r\n"
				   "SGVsbG8NCg==\r\n";
	struct am_buf b;

	(void)state;
	assert_true(am_str_is(format(&b, "care@shop.example", "li@example.com",
				  "Complaint C-1", "Hello"),
	    want));
	am_buf_fini(&b);
}

/* No line is longer than 78, no word than 75 characters (RFC 2047), and no
 * character is cut in two. */
static void
test_mail_chinese_subject_then_encoded_words_of_whole_characters(void **state)
{
	static const char subject[] =
	    "您的投诉已等待两小时,我们正在处理,请放心;编号 C-1,谢谢您的耐心";
	struct am_str s;
	struct am_buf b;
	size_t line = 0;

	(void)state;
	s = format(&b, "care@shop.example", "li@example.com", subject, "好");
	assert_true(has(s, "Subject: =?UTF-8?B?"));
	assert_true(has(s, "?=\r\n =?UTF-8?B?"));
	for (size_t i = 0; i < s.n; i++) {
		assert_true((uint8_t)s.p[i] < 0x80);
		line = s.p[i] == '\n' ? 0 : line + 1;
		assert_true(line <= 77); /* the CR too */
	}
	/* the 39th byte is within a character: the first word ends before it */
	assert_true(has(s, "LOaIkeS7rA==?=\r\n"));
	am_buf_fini(&b);
}

static void
test_mail_line_ends_in_a_subject_then_no_header_is_made_of_them(void **state)
{
	struct am_str s;
	struct am_buf b;

	(void)state;
	s = format(&b, "care@shop.example", "li@example.com",
	    "x\r\nBcc: everybody@example.com", "y");
	assert_false(has(s, "\r\nBcc:"));
	am_buf_fini(&b);
}

static void
test_mail_name_of_the_sender_then_quoted_or_encoded(void **state)
{
	struct am_str s;
	struct am_buf b;

	(void)state;
	s = format(
	    &b, "Shop, Care <care@shop.example>", "li@example.com", "s", "t");
	assert_true(has(s, "From: \"Shop, Care\" <care@shop.example>\r\n"));
	am_buf_fini(&b);
	s = format(&b, "客服 <care@shop.example>", "li@example.com", "s", "t");
	assert_true(
	    has(s, "From: =?UTF-8?B?5a6i5pyN?= <care@shop.example>\r\n"));
	am_buf_fini(&b);
}

static void
test_mail_long_text_then_lines_of_76(void **state)
{
	char text[1000];
	struct am_str s;
	struct am_buf b;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[500] = '\n';
	s = format(&b, "care@shop.example", "li@example.com", "s", text);
	assert_true(has(s, "YWFh"));
	for (const char *p = strstr(s.p, "\r\n\r\n") + 4; p < s.p + s.n;) {
		const char *end = memchr(p, '\n', (size_t)(s.p + s.n - p));

		assert_non_null(end);
		assert_true(end - p <= 77);
		p = end + 1;
	}
	am_buf_fini(&b);
}

static void
test_mail_what_is_no_address_then_refused(void **state)
{
	static const char *const bad[] = { "", "li", "@example.com", "li@",
		"li@a@b", "li @example.com", "li@example.com\r\nRCPT TO:<x@y>",
		"<li@example.com", "李@example.com", "\"a b\"@example.com" };
	struct am_str a;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		assert_int_equal(
		    am_mail_address(am_str_c(bad[i]), &a), -AM_EINVAL);
	assert_int_equal(am_mail_address(AM_STR(" li@example.com "), &a), 0);
	assert_true(am_str_is(a, "li@example.com"));
	assert_int_equal(am_mail_address(AM_STR("Li <li@example.com>"), &a), 0);
	assert_true(am_str_is(a, "li@example.com"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_plain_ascii_then_these_bytes),
		cmocka_unit_test(
		    test_mail_chinese_subject_then_encoded_words_of_whole_characters),
		cmocka_unit_test(
		    test_mail_line_ends_in_a_subject_then_no_header_is_made_of_them),
		cmocka_unit_test(
		    test_mail_name_of_the_sender_then_quoted_or_encoded),
		cmocka_unit_test(test_mail_long_text_then_lines_of_76),
		cmocka_unit_test(test_mail_what_is_no_address_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
