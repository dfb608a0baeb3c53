/* redact - what an answer may say, and what is kept of it. AU6, fault 50. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "deliver/redact.h"

#include "tests/unit/rnd.h"

static const struct am_str secrets[] = { { "hunter2-of-the-crm", 18 },
	{ "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 32 }, { "abc", 3 } };

static const char *
redacted(const char *text, size_t n, size_t max)
{
	static char out[8192];
	struct am_buf b;

	am_buf_init(&b);
	am_redact(
	    &b, (struct am_str){ text, n }, max, secrets, AM_COUNT(secrets));
	assert_true(b.n <= max && b.n < sizeof(out));
	if (b.n > 0)
		memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	am_buf_fini(&b);
	return out;
}

/* clang-format off */
static const struct {
	const char *is, *becomes;
} cases[] = {
	{ "", "" },
	{ "no such tenant", "no such tenant" },
	{ "<h1>Bad\r\n\tGateway</h1>", "<h1>Bad   Gateway</h1>" },
	{ "投诉不存在", "投诉不存在" },
	{ "\xff\x01 a", "?? a" },
	/* numbers */
	{ "to +8613800138000 refused", "to [number] refused" },
	{ "to +86 138-0013-8000.", "to [number]." },
	{ "(020) 7946 0958 is busy", "([number] is busy" },
	{ "\"to\":13800138000}", "\"to\":[number]}" },
	{ "号码１３８００１３８０００无效", "号码[number]无效" },
	{ "code 21211 of 400, 5 of 7", "code 21211 of 400, 5 of 7" },
	{ "123456 and 7", "123456 and 7" },
	/* addresses */
	{ "no mailbox li.wei+crm@example.com here", "no mailbox [address] here" },
	{ "<li@a.example>", "<[address]>" },
	{ "@here, a@", "@here, a@" },
	/* secrets */
	{ "key hunter2-of-the-crm is old", "key [secret] is old" },
	{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw?", "whsec_[secret]?" },
	{ "abc stays", "abc stays" },
	{ "Authorization: Bearer eyJhbG.x-y", "Authorization: [secret]" },
	{ "sent Basic QWxhZGRpbjpv, why", "sent Basic [secret], why" },
	{ "{\"access_token\": \"s3cr3t\", \"b\": 1}", "{\"access_token\": \"[secret]\", \"b\": 1}" },
	{ "{\\\"password\\\":\\\"s3cr3t\\\"}", "{\\\"password\\\":\\\"[secret]\\\"}" },
	{ "GET /x?token=s3cr3t&a=b", "GET /x?token=[secret]&a=b" },
	{ "the token is old", "the token is old" },
	{ "webhook-signature: v1,g0hM9", "webhook-signature: [secret],g0hM9" },
	{ "basic rules", "basic [secret]" }, /* too much, rather than too little */
};
/* clang-format on */

static void
test_redact_when_an_answer_says_too_much_then_it_is_taken_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_string_equal(
		    redacted(cases[i].is, strlen(cases[i].is), 512),
		    cases[i].becomes);
}

static void
test_redact_when_longer_than_max_then_cut_between_characters(void **state)
{
	(void)state;
	assert_string_equal(redacted("abcdef", 6, 4), "abcd");
	assert_string_equal(
	    redacted("\xe6\x8a\x95\xe8\xaf\x89", 6, 5), "\xe6\x8a\x95");
	assert_string_equal(redacted("a 13800138000", 13, 6), "a ");
	assert_string_equal(redacted("a", 1, 0), "");
}

/* Whatever comes: no long number, no secret, valid UTF-8, never too long. */
static void
test_redact_when_the_answer_is_noise_then_what_is_kept_is_clean(void **state)
{
	static const char alphabet[] =
	    "0123456789+-() @.:=\"ab\xe6\x8a\x95\xff\n";
	char text[600];

	(void)state;
	rnd_seed("redact noise");
	for (int round = 0; round < 20000; round++) {
		size_t n = rnd(sizeof(text)), digits = 0;
		const char *out;

		for (size_t i = 0; i < n; i++)
			text[i] = alphabet[rnd(sizeof(alphabet) - 1)];
		out = redacted(text, n, 512);
		assert_true(am_utf8_ok(am_str_c(out)));
		for (const char *p = out; *p != '\0'; p++) {
			digits = *p >= '0' && *p <= '9' ? digits + 1 : 0;
			assert_true(digits < 7);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_redact_when_an_answer_says_too_much_then_it_is_taken_out),
		T(test_redact_when_longer_than_max_then_cut_between_characters),
		T(test_redact_when_the_answer_is_noise_then_what_is_kept_is_clean),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
