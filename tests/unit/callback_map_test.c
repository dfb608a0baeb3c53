/*
 * callback_map_test - what gateways send, as delivery documents show it, heard
 * by the descriptions that are shipped (conf/providers).
 */

#include "intake/callback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "tests/unit/conf_world.h"
#include "tests/unit/rnd.h"

#define FU "abcdefghijklmnopqrstuvwxya"

static struct am_arena arena;
static struct am_conf *conf;

/* Beside the shipped ones: one that hides its elements deeper. */
static const char more[] =
    "http { listen = \"127.0.0.1:8480\" }\n"
    "provider deep { url = \"https://deep.example/\"  form = "
    "{\"to={to:form}\"}\n"
    "  receipt { items = \"/data/list\"  id = \"/m/id\"  ref = \"/m/ref\"\n"
    "    delivered = {\"/steps/*/s == 2\", \"/done exists\"}\n"
    "    failed = {\"/code ^= E\", \"/gone != 0\"}\n"
    "    accepted = \"/code absent\"  answer = \"ok\" }\n"
    "  inbound { items = \"/data/in\"  from = \"/from\"  text = \"/a~1b\" }\n"
    "}\n";
#define ENDPOINT(name, extra)                                                  \
	"endpoint \"" name "\" { type = \"sms\"  provider = \"" name           \
	"\"\n  user = \"file:u\"  password = \"file:p\" " extra                \
	"\n  callback_url = \"https://crm.example/v1/callback/" name           \
	"\"\n  callback_token = \"file:t\" }\n"

static int
setup(void **state)
{
	char head[8192];

	am_arena_init(&arena, 1 << 20);
	if (conf_world_setup(state) != 0)
		return -1;
	conf_world_put("u", "user\n", 5);
	conf_world_put("p", "password\n", 9);
	conf_world_put("k", "signature secret\n", 17);
	conf_world_put("t", "0123456789abcdef\n", 17);
	snprintf(head, sizeof(head), "%s%s%s%s%s%s%s", more,
	    ENDPOINT("twilio", "account = \"AC\"  from = \"+15005550006\""),
	    ENDPOINT("vonage", "token = \"file:k\"  from = \"Acme\"\n"
			       "set = {\"signature=sha512\"}"),
	    ENDPOINT("aliyun", "set = {\"sign_name=x\"}"),
	    ENDPOINT("tencent", "account = \"1\"\n"
				"set = {\"sign_name=x\", \"region=y\"}"),
	    ENDPOINT("deep", ""), conf_world_base);
	conf = conf_world_must(head);
	return 0;
}

static int
teardown(void **state)
{
	am_conf_unref(conf);
	am_arena_fini(&arena);
	return conf_world_teardown(state);
}

static const struct am_conf_endpoint *
endpoint(const char *name)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(conf, am_str_c(name));

	assert_non_null(ep);
	assert_non_null(ep->provider);
	return ep;
}

static struct am_callback_heard
hear(const char *name, const char *type, const char *query, const char *body)
{
	struct am_callback_params params;
	struct am_callback_heard h;
	char why[200];

	am_arena_reset(&arena);
	assert_int_equal(am_callback_read(am_str_c(type), am_str_c(query),
			     am_str_c(body), &arena, &params, why),
	    0);
	am_callback_hear(endpoint(name), &params, &arena, &h);
	assert_int_equal(h.n, h.receipts + h.replies);
	return h;
}

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json;charset=utf-8"

/* "key=value|key=value" of the i-th event. */
static const char *
said(const struct am_callback_heard *h, size_t i)
{
	struct am_buf b;

	assert_true(i < h->n);
	am_buf_arena(&b, &arena, 512);
	for (size_t k = 0; k < h->v[i].n; k++) {
		am_buf_adds(&b, k > 0 ? "|" : "");
		am_buf_addstr(&b, h->v[i].fields[k].key);
		am_buf_addc(&b, '=');
		am_buf_addstr(&b, h->v[i].fields[k].value);
	}
	am_buf_addc(&b, '\0');
	return b.p;
}

/* ---- receipts (FU5) ---- */

static void
test_receipt_when_twilio_tells_then_heard(void **state)
{
	struct am_callback_heard h = hear("twilio", FORM, "",
	    "AccountSid=AC1&MessageSid=SM1&MessageStatus=undelivered&"
	    "From=%2B15005550006&To=%2B15017122661&ErrorCode=30003");

	(void)state;
	assert_int_equal(h.receipts, 1);
	assert_string_equal(said(&h, 0),
	    "event=followup.receipt|source=twilio|event_id=SM1:failed|"
	    "endpoint=twilio|provider_id=SM1|state=failed|code=30003");
	assert_null(h.kind->answer);
	/* or by GET */
	h = hear("twilio", "", "MessageSid=SM1&MessageStatus=read", "");
	assert_string_equal(said(&h, 0),
	    "event=followup.receipt|source=twilio|event_id=SM1:read|"
	    "endpoint=twilio|provider_id=SM1|state=read");
}

static void
test_receipt_when_vonage_tells_then_form_json_and_query_say_the_same(
    void **state)
{
	static const char want[] =
	    "event=followup.receipt|source=vonage|"
	    "event_id=0A0000000123ABCD1:delivered|endpoint=vonage|"
	    "followup_id=" FU "|provider_id=0A0000000123ABCD1|state=delivered|"
	    "code=0|at=2020-01-01 12:00:00";
	static const char form[] =
	    "msisdn=447700900000&to=Acme&messageId=0A0000000123ABCD1&"
	    "status=delivered&err-code=0&client-ref=" FU
	    "&message-timestamp=2020-01-01+12%3A00%3A00";
	struct am_callback_heard h = hear("vonage", FORM, "", form);

	(void)state;
	assert_string_equal(said(&h, 0), want);
	h = hear("vonage", "", form, "");
	assert_string_equal(said(&h, 0), want);
	h = hear("vonage", JSON, "",
	    "{\"msisdn\":\"447700900000\",\"to\":\"Acme\",\"messageId\":"
	    "\"0A0000000123ABCD1\",\"status\":\"delivered\",\"err-code\":0,"
	    "\"client-ref\":\"" FU "\",\"message-timestamp\":"
	    "\"2020-01-01 12:00:00\"}");
	assert_string_equal(said(&h, 0), want);
}

static void
test_receipt_when_aliyun_tells_many_then_all_are_heard(void **state)
{
	struct am_callback_heard h = hear("aliyun", JSON, "",
	    "[{\"phone_number\":\"13900000001\",\"success\":true,\"err_code\":"
	    "\"DELIVERED\",\"biz_id\":\"932702304080415357^0\",\"out_id\":"
	    "\"" FU "\",\"report_time\":\"2020-01-01 12:00:00\"},"
	    "{\"phone_number\":\"1381111****\",\"success\":false,"
	    "\"err_code\":\"MK:0001\",\"biz_id\":\"12345\",\"out_id\":"
	    "\"somebody else's\"},"
	    "{\"phone_number\":\"13900000001\",\"biz_id\":\"6\"}]");

	(void)state;
	assert_int_equal(h.receipts, 2);
	assert_int_equal(h.silent, 1);
	assert_string_equal(said(&h, 0),
	    "event=followup.receipt|source=aliyun|"
	    "event_id=932702304080415357^0:delivered|endpoint=aliyun|"
	    "followup_id=" FU "|provider_id=932702304080415357^0|"
	    "state=delivered|code=DELIVERED|at=2020-01-01 12:00:00");
	assert_string_equal(said(&h, 1),
	    "event=followup.receipt|source=aliyun|event_id=12345:failed|"
	    "endpoint=aliyun|provider_id=12345|state=failed|code=MK:0001");
	assert_string_equal(h.kind->answer, "{\"code\":0,\"msg\":\"ok\"}");
}

static void
test_receipt_when_tencent_tells_then_heard(void **state)
{
	struct am_callback_heard h = hear("tencent", JSON, "",
	    "[{\"user_receive_time\":\"2015-10-17 08:03:04\",\"nationcode\":"
	    "\"86\",\"mobile\":\"13xxxxxxxxx\",\"report_status\":\"SUCCESS\","
	    "\"errmsg\":\"DELIVRD\",\"description\":\"x\",\"sid\":\"s:1\"}]");

	(void)state;
	assert_string_equal(said(&h, 0),
	    "event=followup.receipt|source=tencent|event_id=s:1:delivered|"
	    "endpoint=tencent|provider_id=s:1|state=delivered|code=DELIVRD|"
	    "at=2015-10-17 08:03:04");
	assert_string_equal(h.kind->answer, "{\"result\":0,\"errmsg\":\"OK\"}");
}

static void
test_receipt_when_elements_lie_deep_then_found(void **state)
{
	struct am_callback_heard h = hear("deep", JSON, "",
	    "{\"n\":7,\"data\":{\"in\":[{\"from\":\"+49 170-1234567\","
	    "\"a/b\":\"ja\"},{\"from\":\"Bank\",\"a/b\":\"x\"}],"
	    "\"list\":[{\"m\":{\"id\":1},\"code\":\"x\",\"steps\":"
	    "[{\"s\":1},{\"s\":2.0}]},"
	    "{\"m\":{\"id\":2},\"code\":\"x\",\"done\":{\"at\":1}},"
	    "{\"m\":{\"id\":3},\"code\":\"E7\",\"steps\":[{\"s\":22}]},"
	    "{\"m\":{\"id\":4},\"code\":\"x\",\"gone\":1},"
	    "{\"m\":{\"id\":5},\"code\":null},"
	    "{\"m\":{\"id\":6},\"code\":\"x\",\"gone\":0},"
	    "{\"m\":{\"ref\":\"" FU "\"}}, {\"m\":{}}]}}");
	static const char *const want[] = { "event_id=1:delivered",
		"event_id=2:delivered", "event_id=3:failed",
		"event_id=4:failed", "event_id=5:accepted",
		"event_id=" FU ":accepted" };

	(void)state;
	assert_int_equal(h.receipts, AM_COUNT(want));
	for (size_t i = 0; i < AM_COUNT(want); i++)
		assert_non_null(strstr(said(&h, i), want[i]));
	assert_int_equal(h.replies, 1);
	assert_non_null(strstr(said(&h, 6), "customer.phone=+491701234567"));
	assert_non_null(strstr(said(&h, 6), "text=ja"));
	assert_int_equal(h.silent, 2);
}

static void
test_receipt_when_state_is_unknown_then_nothing_is_said(void **state)
{
	struct am_callback_heard h =
	    hear("twilio", FORM, "", "MessageSid=SM1&MessageStatus=dreaming");

	(void)state;
	assert_int_equal(h.n, 0);
	assert_int_equal(h.silent, 1);
	h = hear("twilio", FORM, "", "MessageStatus=delivered");
	assert_int_equal(h.n, 0);
	h = hear("twilio", "", "", "");
	assert_int_equal(h.n + h.silent, 0);
	assert_ptr_equal(h.kind, &endpoint("twilio")->provider->receipt);
}

static void
test_receipt_when_ids_are_strange_then_not_used(void **state)
{
	char body[600], id[200];
	struct am_callback_heard h;

	(void)state;
	h = hear("twilio", FORM, "", "MessageSid=S%0AM&MessageStatus=read");
	assert_int_equal(h.silent, 1);
	h = hear("twilio", FORM, "", "MessageSid=S%FFM&MessageStatus=read");
	assert_int_equal(h.silent, 1);
	memset(id, 'x', sizeof(id));
	id[129] = '\0';
	snprintf(body, sizeof(body), "MessageSid=%s&MessageStatus=read", id);
	h = hear("twilio", FORM, "", body);
	assert_int_equal(h.silent, 1);
	/* just fits; the id of the event is then a hash, and the same again */
	id[128] = '\0';
	snprintf(body, sizeof(body), "MessageSid=%s&MessageStatus=read", id);
	h = hear("twilio", FORM, "", body);
	assert_int_equal(h.receipts, 1);
	assert_non_null(strstr(said(&h, 0), "event_id=sha256:"));
	assert_non_null(strstr(said(&h, 0), id));
}

/* ---- replies (FU6) ---- */

static void
test_reply_when_it_comes_to_the_path_of_receipts_then_told_apart(void **state)
{
	struct am_callback_heard h = hear("twilio", FORM, "",
	    "MessageSid=SM2&SmsStatus=received&From=%2B15017122661&"
	    "To=%2B15005550006&Body=%E5%B7%B2%E8%A7%A3%E5%86%B3&NumMedia=0");

	(void)state;
	assert_int_equal(h.replies, 1);
	assert_string_equal(said(&h, 0),
	    "event=customer.message|source=twilio|event_id=SM2|"
	    "endpoint=twilio|via=sms|customer.phone=+15017122661|"
	    "text=\xe5\xb7\xb2\xe8\xa7\xa3\xe5\x86\xb3");
	assert_string_equal(h.kind->answer_type, "text/xml");
	/* a picture without a word is a message all the same */
	h = hear("twilio", FORM, "",
	    "MessageSid=SM3&From=%2B15017122661&Body=&NumMedia=1");
	assert_string_equal(said(&h, 0),
	    "event=customer.message|source=twilio|event_id=SM3|"
	    "endpoint=twilio|via=sms|customer.phone=+15017122661");
}

/* FU7: the number is blocked by the provider, whatever the words were. */
static void
test_reply_when_the_provider_takes_it_for_stop_then_said(void **state)
{
	struct am_callback_heard h = hear("twilio", FORM, "",
	    "MessageSid=SM4&From=%2B15017122661&Body=ARRET&OptOutType=STOP");

	(void)state;
	assert_string_equal(said(&h, 0),
	    "event=customer.message|source=twilio|event_id=SM4|endpoint=twilio|"
	    "via=sms|customer.phone=+15017122661|text=ARRET|opt_out_type=STOP");
}

static void
test_reply_when_numbers_lack_their_country_then_completed(void **state)
{
	static const struct {
		const char *number, *phone; /* NULL: nobody */
	} cases[] = { { "13800138000", "+8613800138000" },
		{ "8613800138000", "+8613800138000" },
		{ "+8613800138000", "+8613800138000" },
		{ "008613800138000", "+8613800138000" },
		{ "+1 (415) 555-0100", "+14155550100" },
		{ "02164390000", "+862164390000" }, { "1381111****", NULL },
		{ "10086", "+8610086" }, { "1", NULL }, { "", NULL },
		{ "Bank", NULL }, { "+861380013800012345", NULL },
		{ "1234567890123456789012345678", NULL } };
	char body[300];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		struct am_callback_heard h;

		snprintf(body, sizeof(body),
		    "{\"mobile\":\"%s\",\"text\":\"1\",\"sign\":\"x\","
		    "\"time\":1457336869}",
		    cases[i].number);
		h = hear("tencent", JSON, "", body);
		assert_int_equal(h.replies, cases[i].phone != NULL);
		assert_int_equal(h.silent, cases[i].phone == NULL);
		assert_string_equal(
		    h.kind->answer, "{\"result\":0,\"errmsg\":\"OK\"}");
		if (cases[i].phone == NULL)
			continue;
		snprintf(body, sizeof(body), "|customer.phone=%s|text=1",
		    cases[i].phone);
		assert_non_null(strstr(said(&h, 0), body));
	}
	/* 7700900000 would be a number of the United Kingdom at home */
	hear("vonage", FORM, "", "msisdn=447700900000&messageId=1&text=x");
}

/* The provider gives no id: what it says twice is the same all the same. */
static void
test_reply_when_without_an_id_then_made_of_what_it_says(void **state)
{
	static const char once[] =
	    "{\"mobile\":\"13800138000\",\"text\":\"1\",\"time\":1457336869}";
	static const char later[] =
	    "{\"mobile\":\"13800138000\",\"text\":\"1\",\"time\":1457336870}";
	struct am_callback_heard h = hear("tencent", JSON, "", once);
	char *first = strdup(said(&h, 0));

	(void)state;
	assert_non_null(strstr(first, "event_id=sha256:"));
	h = hear("tencent", JSON, "", once);
	assert_string_equal(said(&h, 0), first);
	h = hear("tencent", JSON, "", later);
	assert_string_not_equal(said(&h, 0), first);
	free(first);
}

static void
test_reply_when_text_is_no_utf8_then_mended_and_cut(void **state)
{
	static char body[200000];
	struct am_callback_heard h = hear("twilio", FORM, "",
	    "MessageSid=SM2&From=%2B15017122661&Body=a%FFb%E6%98");
	size_t n;

	(void)state;
	assert_non_null(strstr(said(&h, 0), "text=a\xef\xbf\xbd"
					    "b\xef\xbf\xbd\xef\xbf\xbd"));
	n = (size_t)sprintf(body, "MessageSid=SM2&From=%%2B15017122661&Body=x");
	for (; n < 150000; n += 3)
		memcpy(body + n, "\xe6\x98\xaf", 3);
	body[n] = '\0';
	h = hear("twilio", FORM, "", body);
	assert_int_equal(h.v[0].text.n, 1 + 65535 / 3 * 3 - 0);
	assert_true(am_utf8_ok(h.v[0].text));
}

static void
test_reply_when_a_piece_then_its_place_is_known(void **state)
{
	struct am_callback_heard h = hear("vonage", FORM, "",
	    "msisdn=447700900000&to=Acme&messageId=M2&text=b&concat=true&"
	    "concat-ref=08&concat-total=3&concat-part=2");

	(void)state;
	assert_int_equal(h.v[0].part.no, 2);
	assert_int_equal(h.v[0].part.of, 3);
	assert_true(am_str_is(h.v[0].part.ref, "08"));
	assert_true(am_str_is(h.v[0].from, "+447700900000"));
	assert_true(am_str_is(h.v[0].id, "M2"));
	h = hear("vonage", FORM, "",
	    "msisdn=447700900000&messageId=M2&text=b&concat=true&"
	    "concat-ref=08&concat-total=3&concat-part=4");
	assert_int_equal(h.v[0].part.of, 0); /* the fourth of three */
	h = hear("vonage", FORM, "",
	    "msisdn=447700900000&messageId=M2&text=b&concat-ref=08&"
	    "concat-total=900&concat-part=4");
	assert_int_equal(h.v[0].part.of, 0);
}

/* ---- bodies ---- */

static int
read_body(const char *type, const char *body, char why[200])
{
	struct am_callback_params p;

	return am_callback_read(
	    am_str_c(type), AM_STR(""), am_str_c(body), &arena, &p, why);
}

static void
test_body_when_unreadable_then_says_why(void **state)
{
	char why[200];

	(void)state;
	assert_int_equal(read_body(JSON, "{\"a\":", why), -AM_EINVAL);
	assert_true(strlen(why) > 5);
	assert_int_equal(read_body(JSON, "hello", why), -AM_EINVAL);
	assert_int_equal(read_body(JSON, "{\"a\":1,\"a\":2}", why), -AM_EINVAL);
	assert_int_equal(read_body(FORM, "a=%00", why), -AM_EINVAL);
	assert_int_equal(
	    read_body("application/xml", "<a/>", why), -AM_EUNSUPPORTED);
	assert_int_equal(
	    read_body("multipart/form-data; boundary=x", "--x", why),
	    -AM_EUNSUPPORTED);
	assert_int_equal(read_body(FORM, "[{\"a\":1}]", why), 0);
	assert_int_equal(read_body("", "\xef\xbb\xbf{\"a\":1}", why), 0);
	assert_int_equal(read_body("application/xml", "", why), 0);
}

static void
test_keys_when_scheme_asks_then_those_of_the_endpoint(void **state)
{
	struct am_verify_keys k;
	struct am_conf_value value = { "signature", "rot13" };
	struct am_conf_endpoint ep = *endpoint("vonage");

	(void)state;
	am_callback_keys(endpoint("twilio"), AM_VERIFY_TWILIO, &k);
	assert_int_equal(k.n, 1);
	assert_true(am_str_is(k.v[0], "password"));
	am_callback_keys(&ep, AM_VERIFY_VONAGE_SIG, &k);
	assert_int_equal(k.n, 1);
	assert_true(am_str_is(k.v[0], "signature secret"));
	assert_int_equal(k.digest, AM_DIGEST_SHA512);
	ep.values = &value;
	ep.values_n = 1;
	am_callback_keys(&ep, AM_VERIFY_VONAGE_SIG, &k);
	assert_int_equal(k.n, 0);
	am_callback_keys(endpoint("aliyun"), AM_VERIFY_VONAGE_JWT, &k);
	assert_int_equal(k.n, 0);
}

/* What the configuration takes is what the verifier knows, and no more. */
static void
test_signature_when_no_digest_then_refused_at_load(void **state)
{
	static const struct {
		const char *digest;
		bool right;
	} cases[] = { { "sha256", true }, { "sha512", true }, { "sha1", true },
		{ "md5", true }, { "md5hash", true }, { "rot13", false },
		{ "SHA256", false } };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		enum am_verify_digest d;
		struct am_diag *diags = NULL;
		struct am_conf *c;
		char text[4096];
		size_t n = 0;

		snprintf(text, sizeof(text),
		    "http { listen = \"127.0.0.1:8480\" }\n"
		    "endpoint \"vonage\" { type = \"sms\"  provider = "
		    "\"vonage\"  from = \"x\"\n user = \"file:u\"  password "
		    "= \"file:p\"  token = \"file:k\"\n"
		    "set = {\"signature=%s\"}  callback_url = "
		    "\"https://crm.example/v1/callback/vonage\"\n"
		    "callback_token = \"file:t\" }\n%s",
		    cases[i].digest, conf_world_base);
		c = conf_world_load(text, &diags, &n);
		assert_int_equal(c != NULL, cases[i].right);
		if (c == NULL)
			assert_non_null(strstr(diags[0].text, "not signed by"));
		assert_int_equal(
		    am_verify_digest_parse(am_str_c(cases[i].digest), &d) == 0,
		    cases[i].right);
		am_conf_unref(c);
		free(diags);
	}
}

/* Whatever a gateway sends: no read past it, and only what events may hold. */
static void
test_hear_when_mutated_then_events_are_in_order(void **state)
{
	static const char *const names[] = { "twilio", "vonage", "aliyun",
		"tencent", "deep" };
	static const char *const bases[] = {
		"MessageSid=SM1&MessageStatus=read&From=%2B15017122661&Body=x",
		"msisdn=447700900000&messageId=M2&text=b&concat-ref=08&"
		"concat-total=3&concat-part=2&status=delivered",
		"[{\"biz_id\":\"1\",\"success\":true},{\"phone_number\":"
		"\"13900000001\",\"content\":\"1\"}]",
		"{\"mobile\":\"13800138000\",\"text\":\"1\",\"sid\":1}",
		"{\"data\":{\"list\":[{\"m\":{\"id\":1},\"steps\":[{\"s\":2}]"
		"}],\"in\":[{\"from\":\"+123456789\",\"a/b\":\"\"}]}}",
	};
	static const char spice[] = "\"{}[]:,./&=%+0123456789ae\x80\xe6\xff";
	char text[512], why[200];
	size_t heard = 0;

	(void)state;
	rnd_seed("callbacks");
	for (int i = 0; i < 40000; i++) {
		const char *base = bases[rnd(AM_COUNT(bases))];
		struct am_callback_params p;
		struct am_callback_heard h;
		size_t n = strlen(base);
		char *copy;

		am_arena_reset(&arena);
		memcpy(text, base, n);
		n = rnd_mutate(text, n, sizeof(text), spice);
		copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, text, n);
		if (am_callback_read(AM_STR(""), AM_STR(""),
			(struct am_str){ copy, n }, &arena, &p, why) == 0) {
			am_callback_hear(endpoint(names[rnd(AM_COUNT(names))]),
			    &p, &arena, &h);
			heard += h.n;
			for (size_t k = 0; k < h.n; k++)
				for (size_t f = 0; f < h.v[k].n; f++)
					assert_true(
					    am_utf8_ok(h.v[k].fields[f].value));
		}
		free(copy);
	}
	assert_true(heard > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receipt_when_twilio_tells_then_heard),
		cmocka_unit_test(
		    test_receipt_when_vonage_tells_then_form_json_and_query_say_the_same),
		cmocka_unit_test(
		    test_receipt_when_aliyun_tells_many_then_all_are_heard),
		cmocka_unit_test(test_receipt_when_tencent_tells_then_heard),
		cmocka_unit_test(
		    test_receipt_when_elements_lie_deep_then_found),
		cmocka_unit_test(
		    test_receipt_when_state_is_unknown_then_nothing_is_said),
		cmocka_unit_test(
		    test_receipt_when_ids_are_strange_then_not_used),
		cmocka_unit_test(
		    test_reply_when_it_comes_to_the_path_of_receipts_then_told_apart),
		cmocka_unit_test(
		    test_reply_when_the_provider_takes_it_for_stop_then_said),
		cmocka_unit_test(
		    test_reply_when_numbers_lack_their_country_then_completed),
		cmocka_unit_test(
		    test_reply_when_without_an_id_then_made_of_what_it_says),
		cmocka_unit_test(
		    test_reply_when_text_is_no_utf8_then_mended_and_cut),
		cmocka_unit_test(
		    test_reply_when_a_piece_then_its_place_is_known),
		cmocka_unit_test(test_body_when_unreadable_then_says_why),
		cmocka_unit_test(
		    test_keys_when_scheme_asks_then_those_of_the_endpoint),
		cmocka_unit_test(
		    test_signature_when_no_digest_then_refused_at_load),
		cmocka_unit_test(
		    test_hear_when_mutated_then_events_are_in_order),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
