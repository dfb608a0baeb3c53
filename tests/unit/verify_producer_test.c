/*
 * verify_producer_test - fault 62: who sends events. Signatures were made
 * elsewhere: the vector of Standard Webhooks, that of GitHub's documents, and
 * Python's hmac.
 */

#include "intake/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define VECTOR_AT 1614265330
#define VECTOR "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define NOW 1795262400
#define SUM_AT "2026-11-21T12:00:00Z" /* NOW */
#define OWN_SUM "f230465ddcef6fef2d317033ed0e3b121f4d7fd3"
/* of "b" under "k" */
#define SUM_512                                                                \
	"67b91893632ef77699b2ecb3e8991160670772cac7bbfe05ca221292b371dcf3"     \
	"6ad5a18ebb2af20a98046416ed9422e0e9cb1f1515044eda7c92989074acf0bb"

static struct am_arena arena;

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 1 << 16);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_arena_fini(&arena);
	return 0;
}

/* headers: NAME, VALUE, …, NULL */
static const char *
said(const struct am_conf_producer *p, int64_t now_s, const char *body,
    const char *const *headers)
{
	struct am_pair v[8];
	struct am_verify_request r = {
		.headers = v, .body = am_str_c(body), .now_s = now_s
	};
	const char *why = "right";
	int rc;

	for (; headers[0] != NULL; headers += 2)
		v[r.headers_n++] = (struct am_pair){ am_str_c(headers[0]),
			am_str_c(headers[1]) };
	rc = am_verify_producer(p, &r, &why);
	assert_true(rc == 0 || rc == -AM_EREFUSED);
	return rc == 0 ? "right" : why;
}

#define SAID(p, now, body, ...)                                                \
	said(p, now, body, (const char *const[]){ __VA_ARGS__, NULL })

static struct am_conf_producer
producer(enum am_producer_scheme scheme, const char *key)
{
	struct am_conf_producer p = { .name = "crm",
		.scheme = scheme,
		.tolerance = 5 * AM_MINUTE,
		.secrets = { { "file:a", AM_STR("another") },
		    { "file:b", am_str_c(key) } },
		.secrets_n = 2 };

	memcpy(p.tokens, p.secrets, sizeof(p.tokens));
	p.tokens_n = 2;
	return p;
}

/* The vector's key is the second of two. */
static struct am_conf_producer
standard(void)
{
	static const uint8_t key[] = { 0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29,
		0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c, 0xf6,
		0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0 };
	struct am_conf_producer p = producer(AM_PRODUCER_STANDARD_WEBHOOKS, "");

	p.tokens_n = 0;
	memset(p.keys[0], 'x', 32);
	p.keys_n[0] = 32;
	memcpy(p.keys[1], key, sizeof(key));
	p.keys_n[1] = sizeof(key);
	return p;
}

static const char *
vector(const struct am_conf_producer *p, int64_t now, const char *id,
    const char *at, const char *signature)
{
	return SAID(p, now, "{\"test\": 2432232314}", "webhook-id", id,
	    "Webhook-Timestamp", at, "webhook-signature", signature);
}

#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define AT "1614265330"

static void
test_standard_webhooks_by_the_vector(void **state)
{
	struct am_conf_producer p = standard();

	(void)state;
	assert_string_equal(vector(&p, VECTOR_AT, ID, AT, VECTOR), "right");
	assert_string_equal(
	    vector(&p, VECTOR_AT + 300, ID, AT, VECTOR), "right");
	assert_string_equal(
	    vector(&p, VECTOR_AT - 300, ID, AT, VECTOR), "right");
	assert_string_equal(
	    vector(&p, VECTOR_AT + 301, ID, AT, VECTOR), "stale");
	assert_string_equal(
	    vector(&p, VECTOR_AT - 301, ID, AT, VECTOR), "stale");
	/* among others, in any place */
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, AT, "v1,AAAA v1a,BBBB " VECTOR), "right");
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, AT, VECTOR " v1,AAAA"), "right");
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, "1614265331", VECTOR), "bad_signature");
	assert_string_equal(
	    vector(&p, VECTOR_AT, "msg_1", AT, VECTOR), "bad_signature");
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, AT, "v1a," VECTOR), "bad_signature");
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, AT, "v1,"), "bad_signature");
	assert_string_equal(vector(&p, VECTOR_AT, ID, AT, ""), "no_signature");
	assert_string_equal(
	    SAID(&p, VECTOR_AT, "{\"test\": 2432232314}", "svix-id", ID,
		"svix-timestamp", AT, "svix-signature", VECTOR),
	    "right");
	/* names of the two families do not mix */
	assert_string_equal(
	    SAID(&p, VECTOR_AT, "{\"test\": 2432232314}", "svix-id", ID,
		"svix-timestamp", AT, "webhook-signature", VECTOR),
	    "bad_signature");
	p.secrets_n = 1;
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, AT, VECTOR), "bad_signature");
	p.secrets_n = 0;
	assert_string_equal(vector(&p, VECTOR_AT, ID, AT, VECTOR), "no_key");
}

static void
test_standard_webhooks_with_a_token_takes_either(void **state)
{
	struct am_conf_producer p = standard();

	(void)state;
	p.tokens[0] = (struct am_secret){ "file:t", AM_STR("t0ken") };
	p.tokens_n = 1;
	assert_string_equal(vector(&p, VECTOR_AT, ID, AT, VECTOR), "right");
	assert_string_equal(
	    SAID(&p, NOW, "{}", "Authorization", "Bearer t0ken"), "right");
	assert_string_equal(
	    SAID(&p, NOW, "{}", "Authorization", "Bearer no"), "bad_token");
	assert_string_equal(
	    vector(&p, VECTOR_AT, ID, AT, "v1,AAAA"), "bad_signature");
}

static void
test_tokens(void **state)
{
	struct am_conf_producer p = producer(AM_PRODUCER_BEARER, "t0ken");
	struct am_conf_producer b = producer(AM_PRODUCER_BASIC, "us:pa:ss");
	static const struct {
		const char *header, *said;
	} bearer[] = { { "Bearer t0ken", "right" },
		{ "bearer  t0ken", "right" }, { "BEARER another", "right" },
		{ "Bearer t0ke", "bad_token" },
		{ "Bearer t0ken0", "bad_token" }, { "Bearer", "no_signature" },
		{ "Bearer ", "no_signature" }, { "t0ken", "no_signature" },
		{ "Basic t0ken", "no_signature" },
		{ "Bearert0ken", "no_signature" } },
	  basic[] = { { "Basic dXM6cGE6c3M=", "right" },
		  { "basic dXM6cGE6c3M", "right" },
		  { "Basic dXM6cGE6c3N=", "bad_token" },
		  { "Basic us:pa:ss", "bad_token" },
		  { "Bearer dXM6cGE6c3M=", "no_signature" } };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bearer); i++)
		assert_string_equal(
		    SAID(&p, NOW, "", "authorization", bearer[i].header),
		    bearer[i].said);
	for (size_t i = 0; i < AM_COUNT(basic); i++)
		assert_string_equal(
		    SAID(&b, NOW, "", "authorization", basic[i].header),
		    basic[i].said);
}

static void
test_github_and_stripe(void **state)
{
	struct am_conf_producer g =
	    producer(AM_PRODUCER_GITHUB, "It's a Secret to Everybody");
	struct am_conf_producer s = producer(AM_PRODUCER_STRIPE, "whsec_x");
	static const char sum[] = "757107ea0eb2509fc211221cce984b8a37570b6d7586"
				  "c22c46f4379c8b043e17";
	static const char v1[] = "v1=c552068de826c622f9126dd5d0a0c7b8cd33226e17"
				 "2b7dea26c35805f8bae065";
	char h[300];

	(void)state;
	snprintf(h, sizeof(h), "sha256=%s", sum);
	assert_string_equal(
	    SAID(&g, NOW, "Hello, World!", "X-Hub-Signature-256", h), "right");
	assert_string_equal(
	    SAID(&g, NOW, "Hello, World?", "X-Hub-Signature-256", h),
	    "bad_signature");
	assert_string_equal(
	    SAID(&g, NOW, "Hello, World!", "X-Hub-Signature", h),
	    "no_signature");
	assert_string_equal(
	    SAID(&g, NOW, "Hello, World!", "X-Hub-Signature-256", sum),
	    "bad_signature");
	snprintf(h, sizeof(h), "t=1795262400,v1=00,%s,v0=11", v1);
	assert_string_equal(
	    SAID(&s, NOW, "{\"a\":1}", "Stripe-Signature", h), "right");
	assert_string_equal(
	    SAID(&s, NOW + 299, "{\"a\":1}", "Stripe-Signature", h), "right");
	assert_string_equal(
	    SAID(&s, NOW + 301, "{\"a\":1}", "Stripe-Signature", h), "stale");
	assert_string_equal(
	    SAID(&s, NOW - 301, "{\"a\":1}", "Stripe-Signature", h), "stale");
	assert_string_equal(
	    SAID(&s, NOW, "{\"a\":2}", "Stripe-Signature", h), "bad_signature");
	snprintf(h, sizeof(h), "t=1795262401,%s", v1);
	assert_string_equal(
	    SAID(&s, NOW, "{\"a\":1}", "Stripe-Signature", h), "bad_signature");
	snprintf(h, sizeof(h), "%s", v1);
	assert_string_equal(
	    SAID(&s, NOW, "{\"a\":1}", "Stripe-Signature", h), "bad_signature");
}

#define OWN(now, at, id, sig)                                                  \
	SAID(&p, now, "b", "x-time", at, "x-id", id, "x-sig", sig)

static void
test_a_row_of_conf(void **state)
{
	struct am_conf_producer p = producer(AM_PRODUCER_HMAC, "k");
	const struct am_fill *content;
	char why[256];

	(void)state;
	assert_int_equal(am_fill_parse(&arena,
			     AM_STR("{id}|{timestamp}|{body}"), &content, why),
	    0);
	p.signature = (struct am_conf_signature){ .header = "X-Sig",
		.prefix = "v=",
		.digest = AM_SIGNATURE_SHA1,
		.content = content,
		.timestamp_header = "X-Time",
		.id_header = "X-Id" };
	assert_string_equal(OWN(NOW, SUM_AT, "m1", "v=" OWN_SUM), "right");
	assert_string_equal(
	    OWN(NOW + 301, SUM_AT, "m1", "v=" OWN_SUM), "stale");
	assert_string_equal(
	    OWN(NOW, SUM_AT, "m2", "v=" OWN_SUM), "bad_signature");
	assert_string_equal(OWN(NOW, SUM_AT, "m1", OWN_SUM), "bad_signature");
	/* two of a header that counts are none, the right one first or last */
	assert_string_equal(SAID(&p, NOW, "b", "x-time", SUM_AT, "x-id", "m1",
				"x-sig", "v=" OWN_SUM, "X-SIG", "v=00"),
	    "no_signature");
	assert_string_not_equal(
	    SAID(&p, NOW, "b", "x-time", SUM_AT, "x-time", SUM_AT, "x-id", "m1",
		"x-sig", "v=" OWN_SUM),
	    "right");
	assert_string_not_equal(
	    SAID(&p, NOW, "b", "x-id", "m1", "x-time", SUM_AT, "x-id", "m2",
		"x-sig", "v=" OWN_SUM),
	    "right");
}

static void
test_a_row_by_sha512_of_the_body_alone(void **state)
{
	struct am_conf_producer p = producer(AM_PRODUCER_HMAC, "k");
	const struct am_fill *content;
	char why[256];

	(void)state;
	assert_int_equal(
	    am_fill_parse(&arena, AM_STR("{body}"), &content, why), 0);
	p.signature = (struct am_conf_signature){ .header = "X-Sig",
		.prefix = "",
		.digest = AM_SIGNATURE_SHA512,
		.content = content };
	assert_string_equal(SAID(&p, NOW, "b", "x-sig", SUM_512), "right");
	assert_string_equal(
	    SAID(&p, NOW, "c", "x-sig", SUM_512), "bad_signature");
}

static void
test_the_id_of_a_message(void **state)
{
	struct am_conf_producer p = standard();
	const struct am_pair v[] = { { AM_STR("Webhook-Id"), AM_STR("m1") },
		{ AM_STR("X-Id"), AM_STR("m2") } };

	(void)state;
	assert_true(am_str_is(am_verify_message_id(&p, v, 2), "m1"));
	p.signature.id_header = "x-id";
	assert_true(am_str_is(am_verify_message_id(&p, v, 2), "m2"));
	assert_true(am_str_is(am_verify_message_id(&p, v, 1), "m1"));
	assert_int_equal(am_verify_message_id(&p, v, 0).n, 0);
}

/* What is signed counts, and not what stands beside it. */
static void
test_the_signed_id_of_a_message(void **state)
{
	struct am_conf_producer p = standard();
	const struct am_pair v[] = { { AM_STR("webhook-id"), AM_STR("m1") },
		{ AM_STR("svix-id"), AM_STR("m2") },
		{ AM_STR("svix-signature"), AM_STR("v1,x") },
		{ AM_STR("webhook-signature"), AM_STR("v1,y") } };

	(void)state;
	assert_true(am_str_is(am_verify_message_id(&p, v, 2), "m1"));
	assert_true(am_str_is(am_verify_message_id(&p, v, 3), "m2"));
	assert_true(am_str_is(am_verify_message_id(&p, v, 4), "m1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard_webhooks_by_the_vector),
		cmocka_unit_test(
		    test_standard_webhooks_with_a_token_takes_either),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_github_and_stripe),
		cmocka_unit_test(test_a_row_of_conf),
		cmocka_unit_test(test_a_row_by_sha512_of_the_body_alone),
		cmocka_unit_test(test_the_id_of_a_message),
		cmocka_unit_test(test_the_signed_id_of_a_message),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
