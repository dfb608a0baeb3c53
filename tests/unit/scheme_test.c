/*
 * scheme_test - signatures of gateways: the examples that the providers publish
 * (RunInstances of Aliyun, DescribeInstances of Tencent), and values that their
 * own libraries made. FU13
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "deliver/scheme.h"

#define MIDNIGHT 1795305600000 /* 2026-11-22 00:00 UTC */

/* The value of a header that was added; static, for one use. */
static const char *
value(const struct am_scheme_headers *h, const char *name)
{
	static char text[512];

	for (size_t i = 0; i < h->n; i++) {
		if (!am_str_is(h->v[i].key, name))
			continue;
		snprintf(text, sizeof(text), "%.*s", AM_ARG(h->v[i].value));
		return text;
	}
	fail_msg("no header %s", name);
	return NULL;
}

static void
expect(const struct am_scheme_headers *h, const char *name, const char *want)
{
	assert_string_equal(value(h, name), want);
}

static void
test_acs3_published_example_then_equal_FU13(void **state)
{
	const struct am_pair query[] = {
		{ AM_STR("RegionId"), AM_STR("cn-shanghai") },
		{ AM_STR("ImageId"), AM_STR("win2019_1809_x64_dtc_zh-cn_40G_"
					    "alibase_20230811.vhd") },
	};
	const struct am_pair header[] = {
		{ AM_STR("x-acs-version"), AM_STR("2014-05-26") },
		{ AM_STR("X-Acs-Action"), AM_STR(" RunInstances ") },
		{ AM_STR("Accept"), AM_STR("*/*") },
	};
	const struct am_scheme_request r = { "POST",
		AM_STR("ecs.cn-shanghai.aliyuncs.com"), AM_STR("/"), query, 2,
		header, 3, AM_STR("") };
	const struct am_scheme_key k = { AM_STR("YourAccessKeyId"),
		AM_STR("YourAccessKeySecret") };
	struct am_scheme_headers out;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_scheme_acs3(&r, &k, 1698315752999,
		AM_STR("3156853299f313e23d1673dc12e1703d"), &a, &out),
	    0);
	assert_int_equal(out.n, 4);
	expect(&out, "x-acs-content-sha256",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect(&out, "x-acs-date", "2023-10-26T10:22:32Z");
	expect(
	    &out, "x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d");
	expect(&out, "Authorization",
	    "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders="
	    "host;x-acs-action;x-acs-content-sha256;x-acs-date;"
	    "x-acs-signature-nonce;x-acs-version,Signature="
	    "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
	am_arena_fini(&a);
}

/* What @alicloud/openapi-util makes of the same. */
static void
test_acs3_chinese_emoji_and_marks_then_as_their_library_FU13(void **state)
{
	const struct am_pair query[] = {
		{ AM_STR("PhoneNumbers"), AM_STR("8613800138000") },
		{ AM_STR("SignName"), AM_STR("%E9%98%BF%E9%87%8C%E4%BA%91") },
		{ AM_STR("OutId"), AM_STR("fu_1") },
		{ AM_STR("TemplateParam"),
		    AM_STR("%7B%22code%22%3A%22%E6%8A%95%E8%AF%89%20%F0%9F%98"
			   "%80%20%21%27%28%29%2A~%26%2B%3D%20%25%22%7D") },
	};
	const struct am_pair header[] = {
		{ AM_STR("x-acs-action"), AM_STR("SendSms") },
		{ AM_STR("x-acs-version"), AM_STR("2017-05-25") },
	};
	const struct am_scheme_request r = { "POST", AM_STR("127.0.0.1:9101"),
		AM_STR("/"), query, 4, header, 2, AM_STR("") };
	const struct am_scheme_key k = { AM_STR("LTAI-id"),
		AM_STR("secret+/=") };
	struct am_scheme_headers out;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_scheme_acs3(&r, &k, MIDNIGHT,
		AM_STR("00112233445566778899aabbccddeeff"), &a, &out),
	    0);
	assert_non_null(strstr(value(&out, "Authorization"),
	    "Signature=f63f2c72870806b1015bd1c2bcb0f555529e32e413983fc9702fc768"
	    "db5e60ae"));
	am_arena_fini(&a);
}

static void
test_acs3_content_type_then_signed_too(void **state)
{
	const struct am_pair header[] = {
		{ AM_STR("Content-Type"), AM_STR("application/json") },
	};
	const struct am_scheme_request r = { "POST", AM_STR("h"), AM_STR("/"),
		NULL, 0, header, 1, AM_STR("{}") };
	const struct am_scheme_key k = { AM_STR("i"), AM_STR("s") };
	struct am_scheme_headers out;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_scheme_acs3(&r, &k, MIDNIGHT, AM_STR("n"), &a, &out), 0);
	assert_non_null(strstr(value(&out, "Authorization"),
	    "SignedHeaders=content-type;host;x-acs-content-sha256;"));
	am_arena_fini(&a);
}

static void
test_tc3_published_example_then_equal_FU13(void **state)
{
	const struct am_pair header[] = {
		{ AM_STR("X-TC-Action"), AM_STR("DescribeInstances") },
		{ AM_STR("Content-Type"),
		    AM_STR("application/json; charset=utf-8") },
	};
	const struct am_scheme_request r = { "POST",
		AM_STR("cvm.tencentcloudapi.com"), AM_STR("/"), NULL, 0, header,
		2,
		AM_STR("{\"Limit\": 1, \"Filters\": [{\"Values\": "
		       "[\"\\u672a\\u547d\\u540d\"], \"Name\": "
		       "\"instance-name\"}]}") };
	const struct am_scheme_key k = {
		AM_STR("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"),
		AM_STR("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE")
	};
	struct am_scheme_headers out;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_scheme_tc3(&r, &k, "cvm", 1551113065999, &a, &out), 0);
	assert_int_equal(out.n, 2);
	expect(&out, "X-TC-Timestamp", "1551113065");
	expect(&out, "Authorization",
	    "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
	    "/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, "
	    "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a"
	    "96525168");
	am_arena_fini(&a);
}

/* What tencentcloud-sdk-nodejs-common makes of the same: the host without its
 * port, and the day of UTC. */
static void
test_tc3_port_and_chinese_then_as_their_library_FU13(void **state)
{
	const struct am_pair header[] = {
		{ AM_STR("Content-Type"), AM_STR("application/json") },
	};
	const struct am_scheme_request r = { "POST", AM_STR("127.0.0.1:9101"),
		AM_STR("/"), NULL, 0, header, 1,
		AM_STR("{\"TemplateParamSet\":[\"投诉 😀 !'()*~&+= %\"]}") };
	const struct am_scheme_key k = { AM_STR("AKID1"), AM_STR("sk+/=") };
	struct am_scheme_headers out;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(am_scheme_tc3(&r, &k, "sms", MIDNIGHT, &a, &out), 0);
	expect(&out, "Authorization",
	    "TC3-HMAC-SHA256 Credential=AKID1/2026-11-22/sms/tc3_request, "
	    "SignedHeaders=content-type;host, Signature=e1b084e80709aed43a9645b"
	    "4eaba4355816cd8de5ff575ad54ec3ed26740c542");
	am_arena_fini(&a);
}

static void
test_robots_then_key_and_text_each_their_own_way_FU13(void **state)
{
	char out[AM_SCHEME_SIGN_MAX];

	(void)state;
	assert_int_equal(
	    am_scheme_dingtalk(AM_STR("SEC秘+/="), MIDNIGHT + 123, out), 0);
	assert_string_equal(
	    out, "RmQ9uHfr5HUOJeKT942iqO0N9Yiehe8AQ/u2/uFQu6g=");
	assert_int_equal(
	    am_scheme_feishu(AM_STR("SEC秘+/="), MIDNIGHT + 123, out), 0);
	assert_string_equal(
	    out, "LRuDOzTvFFrgbcoUZ117HI7JZrkkZh5aH9JGDA6+N0s=");
}

static void
test_basic_then_user_colon_password(void **state)
{
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_string_equal(
	    am_scheme_basic(AM_STR("user秘"), AM_STR("c:d"), &a),
	    "Basic dXNlcuenmDpjOmQ=");
	assert_string_equal(
	    am_scheme_basic(AM_STR(""), AM_STR(""), &a), "Basic Og==");
	am_arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_acs3_published_example_then_equal_FU13),
		T(test_acs3_chinese_emoji_and_marks_then_as_their_library_FU13),
		T(test_acs3_content_type_then_signed_too),
		T(test_tc3_published_example_then_equal_FU13),
		T(test_tc3_port_and_chinese_then_as_their_library_FU13),
		T(test_robots_then_key_and_text_each_their_own_way_FU13),
		T(test_basic_then_user_colon_password),
	};

	return cmocka_run_group_tests_name("scheme", tests, NULL, NULL);
}
