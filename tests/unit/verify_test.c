/*
 * verify_test - signatures that were made elsewhere, by node's crypto and
 * Python's hmac; tests/system/test_callbacks.py asks Twilio's own package. What
 * is altered afterwards must be refused, and by the right word.
 */

#include "intake/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/str.h"
#include "intake/form.h"

#define NOW 1795262400

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

/* A request with one header; a body that is a form unless json is said. */
static struct am_verify_request
request(const char *url, const char *header, const char *value,
    const char *body, bool json)
{
	struct am_pair *h = am_arena_zalloc(&arena, sizeof(*h));
	const char *query = strchr(url, '?');
	struct am_verify_request r = { .url = am_str_c(url),
		.headers = h,
		.headers_n = header != NULL,
		.body = am_str_c(body),
		.is_form = !json,
		.now_s = NOW };

	if (header != NULL)
		*h = (struct am_pair){ am_str_c(header), am_str_c(value) };
	assert_int_equal(am_form_parse(am_str_c(query != NULL ? query + 1 : ""),
			     &arena, &r.query, &r.query_n),
	    0);
	if (body[0] == '\0') {
		r.params = r.query;
		r.params_n = r.query_n;
	} else if (!json) {
		assert_int_equal(am_form_parse(am_str_c(body), &arena,
				     &r.params, &r.params_n),
		    0);
	}
	return r;
}

static const char *
check(enum am_verify_scheme scheme, const char *key,
    const struct am_verify_request *r)
{
	struct am_verify_keys keys = {
		.v = { AM_STR("another"), am_str_c(key) }, .n = 2
	};
	const char *why = "right";
	int rc = am_verify(scheme, &keys, r, &why);

	assert_true(rc == 0 || rc == -AM_EREFUSED);
	assert_int_equal(rc == 0, strcmp(why, "right") == 0);
	return why;
}

/* ---- Twilio ---- */

#define TOKEN "12345"
#define URL "https://crm.example/v1/callback/sms/tok"
#define FORM                                                                   \
	"MessageSid=SM1&MessageStatus=delivered&To=%2B15017122661&"            \
	"From=%2B15017122662&Body=%E6%98%AF+%26+%3D"

static const char *
twilio(const char *url, const char *signature, const char *body, bool json)
{
	struct am_verify_request r =
	    request(url, "X-Twilio-Signature", signature, body, json);

	return check(AM_VERIFIES_TWILIO, TOKEN, &r);
}

static void
test_twilio_when_signed_then_right(void **state)
{
	static const char json_url[] = URL
	    "?bodySHA256=b4fd85f2ce8bfebc5cbc4a67ac690906953178daf04df41e183024"
	    "cc01315de4";
	static const struct {
		const char *url, *signature, *body;
		bool json;
	} cases[] = {
		{ URL, "CUkz5gX/+nJmDCZCChMJ9BnWDho=", FORM, false },
		/* signed with the port, known without it, and the other way */
		{ URL, "c64R8SE3CcywxE608c7uIjC3DNM=", FORM, false },
		{ "https://crm.example:443/v1/callback/sms/tok",
		    "CUkz5gX/+nJmDCZCChMJ9BnWDho=", FORM, false },
		{ "https://crm.example:8443/v1/callback/sms/tok",
		    "ZbZbnE2HdSrlLN3GPCnQNGPO7vA=", FORM, false },
		{ "https://crm.example:8443/v1/callback/sms/tok",
		    "CUkz5gX/+nJmDCZCChMJ9BnWDho=", FORM, false },
		{ "http://[::1]/v1/callback/sms/tok",
		    "4j6BvOGH22oGzL+QjkC5Dr4VckE=", FORM, false },
		/* a value twice counts once, and values are sorted */
		{ URL, "FcLJem7QvseSRl1FdC5LXdL5abA=", "a=z&b=1&a=b&a=z",
		    false },
		{ URL "?MessageSid=SM1&x=%20",
		    "LrZ02MxHxxCs/sgLwLeLxx3M+NA=", "", false },
		{ json_url, "sy8eWCBdLIN7kuWCQeQoBy1xYOY=",
		    "{\"MessageSid\":\"SM1\"}", true },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_string_equal(twilio(cases[i].url, cases[i].signature,
					cases[i].body, cases[i].json),
		    "right");
}

static void
test_twilio_when_altered_then_refused(void **state)
{
	static const char sig[] = "CUkz5gX/+nJmDCZCChMJ9BnWDho=";
	struct am_verify_request r;
	const struct am_verify_keys none = { .n = 0 };
	const char *why;

	(void)state;
	assert_string_equal(twilio(URL, sig, FORM "x", false), "bad_signature");
	assert_string_equal(
	    twilio(URL, sig, FORM "&x=", false), "bad_signature");
	assert_string_equal(
	    twilio(URL "?x", sig, FORM, false), "bad_signature");
	assert_string_equal(
	    twilio("https://crm.example:8443/v1/callback/sms/tok",
		"c64R8SE3CcywxE608c7uIjC3DNM=", FORM, false),
	    "bad_signature"); /* of port 443 */
	assert_string_equal(twilio(URL, "", FORM, false), "no_signature");
	assert_string_equal(
	    twilio(URL, "cUkz5gX/+nJmDCZCChMJ9BnWDho=", FORM, false),
	    "bad_signature");
	assert_string_equal(
	    twilio(URL, "CUkz5gX/+nJmDCZCChMJ9BnWDho", FORM, false),
	    "bad_signature");
	/* the hash is of another body, or there is none at all */
	assert_string_equal(
	    twilio(URL "?bodySHA256=b4fd85f2ce8bfebc5cbc4a67ac690906953178daf04"
		       "df41e183024cc01315de4",
		"sy8eWCBdLIN7kuWCQeQoBy1xYOY=", "{\"MessageSid\":\"SM2\"}",
		true),
	    "bad_body_hash");
	r = request(URL "?MessageSid=SM1&x=%20", "x-twilio-signature",
	    "LrZ02MxHxxCs/sgLwLeLxx3M+NA=", "{\"MessageSid\":\"SM1\"}", true);
	assert_string_equal(
	    check(AM_VERIFIES_TWILIO, TOKEN, &r), "bad_body_hash");
	assert_string_equal(
	    check(AM_VERIFIES_TWILIO, "12346", &r), "bad_signature");
	assert_int_equal(
	    am_verify(AM_VERIFIES_TWILIO, &none, &r, &why), -AM_EREFUSED);
	assert_string_equal(why, "no_key");
	assert_int_equal(am_verify(AM_VERIFIES_NOTHING, &none, &r, &why), 0);
}

/* ---- Vonage, `sig` ---- */

#define SECRET "secret0123456789"
#define SMS                                                                    \
	"msisdn=447700900000&to=Acme&messageId=0A01&status=delivered&"         \
	"text=a%26b%3Dc&timestamp=1795262400&nonce=n"

static const char *
sig(enum am_verify_digest digest, const char *key, const char *form, am_ms at)
{
	struct am_verify_request r = request(URL, NULL, NULL, form, false);
	struct am_verify_keys keys = {
		.v = { am_str_c(key) }, .n = 1, .digest = digest
	};
	const char *why = "right";

	r.now_s = at;
	return am_verify(AM_VERIFIES_VONAGE_SIG, &keys, &r, &why) == 0 ? "right"
								       : why;
}

static void
test_vonage_sig_when_signed_then_right_by_its_digest_only(void **state)
{
	static const struct {
		const char *digest, *form;
	} cases[] = {
		{ "sha256", SMS "&sig=efceccb5f8cbc390de2d945e923d664dc17182a80"
				"dac5abc9fed90f1f8854267" },
		{ "sha256", "sig=EFCECCB5F8CBC390DE2D945E923D664DC17182A80DAC5A"
			    "BC9FED90F1F8854267&" SMS },
		{ "sha512",
		    SMS "&sig=54a2e57b19d82189501292194fa30f6bafcc5e387b801291c"
			"3d335a0e0bd7f2b6e5727aabdfad88edceec4730d8f2029dba8cf9"
			"78e5f5949579f78b60d45cbbe" },
		{ "sha1", SMS "&sig=394b4400098928b045d889b94383a927888b9ae8" },
		{ "md5", SMS "&sig=b08f856229ba32653fc45e249c393b2c" },
		{ "md5hash", SMS "&sig=331a8f85b6adc41331279215dcdde1bb" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		for (size_t k = 0; k < AM_COUNT(cases); k++) {
			enum am_verify_digest d;
			bool same =
			    strcmp(cases[i].digest, cases[k].digest) == 0;

			assert_int_equal(am_verify_digest_parse(
					     am_str_c(cases[k].digest), &d),
			    0);
			assert_string_equal(sig(d, SECRET, cases[i].form, NOW),
			    same ? "right" : "bad_signature");
		}
}

static void
test_vonage_sig_when_altered_or_old_then_refused(void **state)
{
	static const char right[] =
	    "md5&" SMS "&sig=331a8f85b6adc41331279215dcdde1bb";
	const char *form = right + 4;
	enum am_verify_digest d = AM_DIGEST_MD5HASH;

	(void)state;
	assert_string_equal(sig(d, SECRET, form, NOW), "right");
	assert_string_equal(sig(d, "other", form, NOW), "bad_signature");
	assert_string_equal(sig(d, "", form, NOW), "bad_signature");
	assert_string_equal(sig(d, SECRET, SMS, NOW), "no_signature");
	assert_string_equal(
	    sig(d, SECRET, SMS "&x=1&sig=331a8f85b6adc41331279215dcdde1bb",
		NOW),
	    "bad_signature");
	assert_string_equal(sig(d, SECRET,
				SMS "&sig=331a8f85b6adc41331279215dcdde1bb"
				    "&sig=331a8f85b6adc41331279215dcdde1bb",
				NOW),
	    "bad_signature");
	/* sent again for a day, and not later; our clock may be behind */
	assert_string_equal(sig(d, SECRET, form, NOW + 24 * 3600), "right");
	assert_string_equal(sig(d, SECRET, form, NOW + 26 * 3600), "stale");
	assert_string_equal(sig(d, SECRET, form, NOW - 299), "right");
	assert_string_equal(sig(d, SECRET, form, NOW - 301), "stale");
	assert_int_equal(
	    am_verify_digest_parse(AM_STR("sha3"), &d), -AM_EINVAL);
}

/* ---- Vonage, JWT ---- */

#define BODY "{\"message_uuid\":\"u1\",\"status\":\"delivered\"}"
#define BODY_HASH                                                              \
	"d0bbdf78fa213904cff9f9ba0a93513b36c4f5f069ae20ce5ec9f5ecabb202a1"

static void
add_base64url(struct am_buf *b, const void *p, size_t n)
{
	unsigned char text[1024];
	int chars = EVP_EncodeBlock(text, p, (int)n);

	for (int i = 0; i < chars && text[i] != '='; i++)
		am_buf_addc(b, text[i] == '+'	? '-'
			       : text[i] == '/' ? '_'
						: (char)text[i]);
}

/* "Bearer TOKEN" */
static const char *
jwt(const char *head, const char *claims)
{
	unsigned char sum[64];
	struct am_buf b;
	size_t n;

	am_buf_arena(&b, &arena, 1024);
	am_buf_adds(&b, "Bearer ");
	add_base64url(&b, head, strlen(head));
	am_buf_addc(&b, '.');
	add_base64url(&b, claims, strlen(claims));
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET,
	    strlen(SECRET), (unsigned char *)b.p + 7, b.n - 7, sum, sizeof(sum),
	    &n));
	am_buf_addc(&b, '.');
	add_base64url(&b, sum, n);
	am_buf_addc(&b, '\0');
	return b.p;
}

static const char *
bearer(const char *value, const char *body)
{
	struct am_verify_request r =
	    request(URL, "authorization", value, body, true);

	return check(AM_VERIFIES_VONAGE_JWT, SECRET, &r);
}

#define HS256 "{\"alg\":\"HS256\"}"
#define CLAIMS(more) "{\"iat\":1795262400" more "}"
#define HASHED ",\"payload_hash\":\"" BODY_HASH "\""

static void
test_vonage_jwt_when_signed_then_right(void **state)
{
	static const char elsewhere[] =
	    "bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3OTUyNjI0"
	    "MDAsImp0aSI6ImoiLCJpc3MiOiJWb25hZ2UiLCJwYXlsb2FkX2hhc2giOiJkMGJi"
	    "ZGY3OGZhMjEzOTA0Y2ZmOWY5YmEwYTkzNTEzYjM2YzRmNWYwNjlhZTIwY2U1ZWM5"
	    "ZjVlY2FiYjIwMmExIiwiYXBpX2tleSI6ImsifQ.tGaYK05SQOSKU8iH7JiTQ7BIT"
	    "g16l3symzfVx0szEuk";

	(void)state;
	assert_string_equal(bearer(elsewhere, BODY), "right");
	assert_string_equal(bearer(jwt(HS256, CLAIMS(HASHED)), BODY), "right");
	assert_string_equal(bearer(jwt(HS256, CLAIMS("")), ""), "right");
	assert_string_equal(
	    bearer(jwt(HS256, CLAIMS(HASHED ",\"exp\":1795262401,"
					    "\"nbf\":1795262399")),
		BODY),
	    "right");
}

static void
test_vonage_jwt_when_wrong_then_refused(void **state)
{
	static const struct {
		const char *head, *claims, *word;
	} cases[] = {
		{ "{\"alg\":\"none\"}", CLAIMS(HASHED), "bad_token" },
		{ "{\"alg\":\"HS512\"}", CLAIMS(HASHED), "bad_token" },
		{ "{\"alg\":\"RS256\"}", CLAIMS(HASHED), "bad_token" },
		{ "{}", CLAIMS(HASHED), "bad_token" },
		{ "[]", CLAIMS(HASHED), "bad_token" },
		{ "{\"alg\":\"HS256\",\"alg\":\"none\"}", CLAIMS(HASHED),
		    "bad_token" },
		{ "{\"alg\":\"HS256\",\"crit\":[\"x\"]}", CLAIMS(HASHED),
		    "bad_token" },
		{ HS256, CLAIMS(HASHED) "x", "bad_token" },
		{ HS256, CLAIMS(""), "bad_body_hash" },
		{ HS256, CLAIMS(",\"payload_hash\":\"00\""), "bad_body_hash" },
		{ HS256, "{" BODY_HASH "}", "bad_token" },
		{ HS256, "{\"payload_hash\":\"" BODY_HASH "\"}", "stale" },
		{ HS256, "{\"iat\":1795168799" HASHED "}", "stale" },
		{ HS256, "{\"iat\":1795262701" HASHED "}", "stale" },
		{ HS256, "{\"iat\":\"x\"" HASHED "}", "stale" },
		{ HS256, "{\"iat\":99999999999999999999" HASHED "}", "stale" },
		{ HS256, CLAIMS(HASHED ",\"exp\":1795262099"), "stale" },
		{ HS256, CLAIMS(HASHED ",\"nbf\":1795262701"), "stale" },
	};
	const char *good = jwt(HS256, CLAIMS(HASHED));
	size_t n = strlen(good);

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_string_equal(
		    bearer(jwt(cases[i].head, cases[i].claims), BODY),
		    cases[i].word);
	assert_string_equal(bearer("Basic abc", BODY), "no_signature");
	assert_string_equal(bearer("Bearer ", BODY), "bad_token");
	assert_string_equal(bearer("Bearer a.b", BODY), "bad_token");
	assert_string_equal(bearer("Bearer ...", BODY), "bad_token");
	/* every character matters, one too few and one too many as well */
	for (size_t i = 7; i < n; i++) {
		char *bad = am_arena_alloc(&arena, n + 1);

		memcpy(bad, good, n + 1);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_string_not_equal(bearer(bad, BODY), "right");
		memcpy(bad + i, good + i + 1, n - i);
		assert_string_not_equal(bearer(bad, BODY), "right");
	}
	assert_string_equal(bearer(good, BODY " "), "bad_body_hash");
}

static void
test_same_when_equal_only(void **state)
{
	(void)state;
	assert_true(am_verify_same(AM_STR("abc"), AM_STR("abc")));
	assert_true(am_verify_same(AM_STR(""), (struct am_str){ NULL, 0 }));
	assert_false(am_verify_same(AM_STR("abc"), AM_STR("abd")));
	assert_false(am_verify_same(AM_STR("abc"), AM_STR("ab")));
	assert_false(am_verify_same(AM_STR("abc"), AM_STR("abc\0")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twilio_when_signed_then_right),
		cmocka_unit_test(test_twilio_when_altered_then_refused),
		cmocka_unit_test(
		    test_vonage_sig_when_signed_then_right_by_its_digest_only),
		cmocka_unit_test(
		    test_vonage_sig_when_altered_or_old_then_refused),
		cmocka_unit_test(test_vonage_jwt_when_signed_then_right),
		cmocka_unit_test(test_vonage_jwt_when_wrong_then_refused),
		cmocka_unit_test(test_same_when_equal_only),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
