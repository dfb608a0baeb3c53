/* Standard Webhooks signatures: the vector of the specification, and keys. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "deliver/sign.h"

/* whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, decoded */
static const uint8_t vector_key[24] = { 0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06,
	0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c, 0xf6, 0x48,
	0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0 };
static const char vector_id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char vector_sig[] =
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
#define VECTOR_TIME 1614265330
#define VECTOR_BODY AM_STR("{\"test\": 2432232314}")

struct keys {
	uint8_t bytes[2][64];
	size_t n[2];
	struct am_buf out;
};

static void
keys_init(struct keys *k)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->bytes[0], vector_key, sizeof(vector_key));
	k->n[0] = sizeof(vector_key);
	memset(k->bytes[1], 0x5a, 64);
	k->n[1] = 64;
	am_buf_init(&k->out);
}

static const char *
text(struct am_buf *b)
{
	am_buf_addc(b, '\0');
	return b->p;
}

static void
test_sign_vector_of_the_specification_then_equal_FU2(void **state)
{
	struct keys k;

	(void)state;
	keys_init(&k);
	assert_int_equal(am_sign_webhook((const uint8_t(*)[64])k.bytes, k.n, 1,
			     vector_id, VECTOR_TIME, VECTOR_BODY, &k.out),
	    0);
	assert_string_equal(text(&k.out), vector_sig);
	am_buf_fini(&k.out);
}

static void
test_sign_two_keys_then_one_signature_each_in_order_FU2(void **state)
{
	struct keys k;
	const char *second;

	(void)state;
	keys_init(&k);
	assert_int_equal(am_sign_webhook((const uint8_t(*)[64])k.bytes, k.n, 2,
			     vector_id, VECTOR_TIME, VECTOR_BODY, &k.out),
	    0);
	text(&k.out);
	assert_memory_equal(k.out.p, vector_sig, strlen(vector_sig));
	second = k.out.p + strlen(vector_sig);
	assert_memory_equal(second, " v1,", 4);
	assert_int_equal(strlen(second + 1), strlen(vector_sig));
	assert_string_not_equal(second + 1, vector_sig);
	am_buf_fini(&k.out);
}

/* A context used again must not remember the message before. */
static void
test_sign_many_with_one_signer_then_each_as_if_alone(void **state)
{
	struct keys k;
	struct am_signer *s;
	static const char *const bodies[] = { "", "投诉 C-1 未解决",
		"{\"a\":1}", "" };

	(void)state;
	keys_init(&k);
	s = am_signer_new((const uint8_t(*)[64])k.bytes, k.n, 2);
	assert_non_null(s);
	for (size_t i = 0; i < AM_COUNT(bodies); i++) {
		struct am_buf alone;

		am_buf_init(&alone);
		am_buf_reset(&k.out);
		assert_int_equal(am_signer_webhook(s, "fu", (int64_t)i,
				     am_str_c(bodies[i]), &k.out),
		    0);
		assert_int_equal(
		    am_sign_webhook((const uint8_t(*)[64])k.bytes, k.n, 2, "fu",
			(int64_t)i, am_str_c(bodies[i]), &alone),
		    0);
		assert_string_equal(text(&k.out), text(&alone));
		am_buf_fini(&alone);
	}
	am_buf_reset(&k.out);
	assert_int_equal(
	    am_signer_webhook(s, vector_id, VECTOR_TIME, VECTOR_BODY, &k.out),
	    0);
	assert_memory_equal(k.out.p, vector_sig, strlen(vector_sig));
	am_signer_free(s);
	am_buf_fini(&k.out);
}

static void
test_sign_other_id_time_or_body_then_other_signature(void **state)
{
	static const struct {
		const char *id;
		int64_t at;
		struct am_str body;
	} other[] = {
		{ "msg_p5jXN8AQM9LWM0D4loKWxJeK", VECTOR_TIME, VECTOR_BODY },
		{ vector_id, VECTOR_TIME + 1, VECTOR_BODY },
		{ vector_id, VECTOR_TIME, AM_STR("{\"test\": 2432232315}") },
		{ vector_id, VECTOR_TIME, AM_STR("") },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(other); i++) {
		struct keys k;

		keys_init(&k);
		assert_int_equal(
		    am_sign_webhook((const uint8_t(*)[64])k.bytes, k.n, 1,
			other[i].id, other[i].at, other[i].body, &k.out),
		    0);
		assert_int_equal(k.out.n, strlen(vector_sig));
		assert_string_not_equal(text(&k.out), vector_sig);
		am_buf_fini(&k.out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_sign_vector_of_the_specification_then_equal_FU2),
		cmocka_unit_test(
		    test_sign_two_keys_then_one_signature_each_in_order_FU2),
		cmocka_unit_test(
		    test_sign_many_with_one_signer_then_each_as_if_alone),
		cmocka_unit_test(
		    test_sign_other_id_time_or_body_then_other_signature),
	};

	return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
