/*
 * provider_test - what provider blocks become: the three examples of the
 * manual as they stand, every shipped file with the endpoint that its head
 * shows, where files are looked for, and that their secrets are secrets. FU13:
 * a gateway is a file, and no C.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "conf_world.h"

#define HTTP "http { listen = \"127.0.0.1:8480\" }\n"

/* ---- helpers ---- */

/* A folder of credentials, of which every name that is asked for exists. */
static void
put_credentials(const char *text)
{
	char path[200];
	size_t n;

	(void)mkdir("creds", 0700);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "creds", 1), 0);
	while ((text = strstr(text, "credential:")) != NULL) {
		text += strlen("credential:");
		n = strcspn(text, "\" \n}");
		snprintf(path, sizeof(path), "creds/%.*s", (int)n, text);
		conf_world_put(path, "s3cret-of-24-letters-0123", 25);
	}
}

static struct am_conf *
load(const char *text)
{
	char *all;
	struct am_conf *c;

	put_credentials(text);
	assert_true(asprintf(&all, "%s" HTTP "%s", conf_world_base, text) >= 0);
	c = conf_world_must(all);
	free(all);
	return c;
}

static bool
sample(const void *arg, const char *name, struct am_str *value)
{
	(void)arg;
	*value = am_str_c(name);
	return true;
}

static void
is_text(const struct am_holes *h, const char *text)
{
	struct am_buf b;

	assert_non_null(h);
	am_buf_init(&b);
	am_holes_render(h, sample, NULL, &b);
	am_buf_addc(&b, '\0');
	assert_string_equal(b.p, text);
	am_buf_fini(&b);
}

static void
is_pair(const struct am_provider_pairs *p, size_t i, const char *name,
    const char *text)
{
	assert_true(i < p->n);
	assert_string_equal(p->v[i].name, name);
	is_text(p->v[i].value, text);
}

/* ---- the examples ---- */

/* clang-format off */
static const char examples[] =
    "provider twilio {\n"
    "  url = \"https://api.twilio.com/2010-04-01/Accounts/{account:url}/Messages.json\"\n"
    "  auth = basic  user = credential:twilio-sid  password = credential:twilio-token\n"
    "  form = { \"To={to:form}\", \"From={from:form}\", \"Body={text:form}\", \"StatusCallback={callback:form}\" }\n"
    "  success = { \"status:201\", \"/status in queued,accepted,scheduled,sending,sent\" }\n"
    "  permanent = { \"/code in 21211,21610,21614\" }   retryable = { \"status:429\" }   uncertain = { \"status:5xx\", \"timeout\" }\n"
    "  message_id = \"/sid\"   rate = \"30/1s\"\n"
    "}\n"
    "provider aliyun {\n"
    "  url = \"https://dysmsapi.aliyuncs.com/\"   method = POST   sign = aliyun-acs3\n"
    "  header = { \"x-acs-action: SendSms\", \"x-acs-version: 2017-05-25\" }\n"
    "  query = { \"PhoneNumbers={to:url}\", \"SignName={sign_name:url}\", \"TemplateCode={template:url}\", \"TemplateParam={params_json:url}\", \"OutId={followup_id:url}\" }\n"
    "  success = { \"status:200\", \"/Code == OK\" }   throttle = { \"/Code == isv.BUSINESS_LIMIT_CONTROL : 1h\" }\n"
    "  permanent = { \"/Code ^= isv.\" }   uncertain = { \"timeout\", \"status:5xx\" }   message_id = \"/BizId\"\n"
    "  receipt { items = \"/\" id = \"/biz_id\" ref = \"/out_id\" delivered = \"/success == true\" answer = \"{\\\"code\\\":0,\\\"msg\\\":\\\"ok\\\"}\" }\n"
    "}\n"
    "provider dingtalk {\n"
    "  url = \"https://oapi.dingtalk.com/robot/send?access_token={token:url}\"   sign = dingtalk   rate = \"20/60s\"\n"
    "  json = \"{\\\"msgtype\\\":\\\"markdown\\\",\\\"markdown\\\":{\\\"title\\\":{title:json},\\\"text\\\":{text:json}}}\"\n"
    "  success = { \"status:200\", \"/errcode == 0\" }   throttle = { \"/errcode == 130101 : 600s\" }   permanent = { \"/errcode == 310000\" }\n"
    "}\n"
    "endpoint \"t\" { type = \"sms\" provider = \"twilio\" account = \"AC1\" from = \"+15005550006\" }\n"
    "endpoint \"a\" { type = \"sms\" provider = \"aliyun\" user = \"credential:u\" password = \"credential:p\" set = {\"sign_name=x\"} rate = \"7/1s\" }\n"
    "endpoint \"d\" { type = \"chat\" provider = \"dingtalk\" token = \"credential:t\" password = \"credential:p\" }\n";
/* clang-format on */

static void
test_provider_example_twilio_as_written(void **state)
{
	struct am_conf *c = load(examples);
	const struct am_conf_endpoint *e = am_conf_endpoint(c, AM_STR("t"));
	const struct am_conf_provider *p = e->provider;
	const struct am_answer_rule_list *l = e->answer.list;

	(void)state;
	assert_string_equal(p->name, "twilio");
	assert_string_equal(p->file, "amends.conf");
	assert_string_equal(p->method, "POST");
	is_text(p->url, "https://api.twilio.com/2010-04-01/Accounts/account/"
			"Messages.json");
	assert_string_equal(e->url, "https://api.twilio.com");
	assert_string_equal(e->host, "api.twilio.com");
	assert_int_equal(e->port, 443);
	assert_int_equal(p->auth, AM_AUTH_BASIC);
	assert_string_equal(e->user.ref, "credential:twilio-sid");
	assert_string_equal(e->password.ref, "credential:twilio-token");
	assert_int_equal(p->body, AM_BODY_FORM);
	assert_int_equal(p->form.n, 4);
	is_pair(&p->form, 2, "Body", "text");
	assert_string_equal(
	    p->content_type, "application/x-www-form-urlencoded");
	assert_true(e->answer.in_use);
	assert_int_equal(l[AM_ANSWER_SUCCESS].n, 2);
	assert_int_equal(l[AM_ANSWER_PERMANENT].v[0].values_n, 3);
	assert_int_equal(l[AM_ANSWER_RETRY].v[0].status_from, 429);
	assert_int_equal(l[AM_ANSWER_UNCERTAIN].n, 2);
	assert_string_equal(p->message_id, "/sid");
	assert_int_equal(e->rate_n, 30);
	assert_int_equal(e->rate_per, AM_SECOND);
	assert_int_equal(p->needs_n, 0);
	assert_int_equal(e->on_uncertain, AM_UNCERTAIN_HOLD);
	am_conf_unref(c);
}

static void
test_provider_example_aliyun_as_written(void **state)
{
	struct am_conf *c = load(examples);
	const struct am_conf_endpoint *e = am_conf_endpoint(c, AM_STR("a"));
	const struct am_conf_provider *p = e->provider;
	const struct am_provider_callback *r = &p->receipt;

	(void)state;
	assert_int_equal(p->sign, AM_SIGN_ALIYUN_ACS3);
	is_pair(&p->header, 0, "x-acs-action", "SendSms");
	is_pair(&p->query, 3, "TemplateParam", "params_json");
	assert_int_equal(p->needs_n, 1);
	assert_string_equal(p->needs[0], "sign_name");
	assert_int_equal(p->body, AM_BODY_NONE);
	assert_null(p->content_type);
	assert_int_equal(
	    e->answer.list[AM_ANSWER_THROTTLE].v[0].pause, AM_HOUR);
	assert_true(r->in_use);
	assert_string_equal(r->items, "/");
	assert_string_equal(r->id, "/biz_id");
	assert_string_equal(r->ref, "/out_id");
	assert_int_equal(r->delivered.n, 1);
	assert_int_equal(r->failed.n, 0);
	assert_string_equal(r->answer, "{\"code\":0,\"msg\":\"ok\"}");
	assert_string_equal(r->answer_type, "application/json");
	assert_false(p->inbound.in_use);
	assert_int_equal(e->rate_n, 7); /* its own */
	am_conf_unref(c);
}

static void
test_provider_example_dingtalk_as_written(void **state)
{
	struct am_conf *c = load(examples);
	const struct am_conf_endpoint *e = am_conf_endpoint(c, AM_STR("d"));
	const struct am_conf_provider *p = e->provider;

	(void)state;
	assert_int_equal(p->sign, AM_SIGN_DINGTALK);
	assert_int_equal(p->body, AM_BODY_JSON);
	is_text(p->text, "{\"msgtype\":\"markdown\",\"markdown\":{\"title\":"
			 "\"title\",\"text\":\"text\"}}");
	/* what stands behind the host may be a token */
	assert_string_equal(e->url, "https://oapi.dingtalk.com");
	assert_int_equal(e->on_uncertain, AM_UNCERTAIN_RETRY);
	assert_int_equal(e->rate_n, 20);
	assert_int_equal(e->rate_per, AM_MINUTE);
	am_conf_unref(c);
}

/* ---- the shipped files ---- */

/* The example in the head of a file: lines behind "#   ". */
static char *
example_of(const char *name)
{
	char path[300], line[600], *out = calloc(1, 1 << 14);
	FILE *f;

	snprintf(path, sizeof(path), "providers/%s.conf", name);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL && line[0] == '#') {
		if (strncmp(line, "#   ", 4) == 0)
			strcat(out, line + 4);
	}
	fclose(f);
	assert_non_null(strstr(out, "endpoint "));
	return out;
}

static const struct am_conf_endpoint *
shipped(const char *name, struct am_conf **c)
{
	char *text = example_of(name);
	const struct am_conf_endpoint *e;

	*c = load(text);
	free(text);
	/* calendars that end are the world's own affair */
	assert_int_equal((*c)->warnings_n, 0);
	e = (*c)->endpoints[(*c)->endpoints_n - 1];
	assert_string_equal(e->provider->name, name);
	return e;
}

static bool
ours(const struct am_answer_rule_list *l, const char *pointer,
    const char *wanted)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].pointer, pointer) == 0 &&
		    strcmp(l->v[i].wanted, wanted) == 0)
			return true;
	}
	return false;
}

#define HAS(list_, pointer_, wanted_)                                          \
	assert_true(ours(&e->answer.list[AM_ANSWER_##list_], pointer_, wanted_))

static void
test_provider_shipped_twilio(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("twilio", &c);
	const struct am_conf_provider *p = e->provider;

	(void)state;
	is_pair(&p->form, 0, "To", "to");
	is_pair(&p->form, 3, "StatusCallback", "callback");
	HAS(OPTED_OUT, "/code", "21610");
	HAS(UNCERTAIN, "timeout", "");
	assert_int_equal(e->on_uncertain, AM_UNCERTAIN_HOLD);
	assert_int_equal(p->receipt.verify, AM_VERIFY_TWILIO);
	assert_string_equal(p->receipt.id, "/MessageSid");
	assert_string_equal(p->inbound.text, "/Body");
	assert_string_equal(p->inbound.opt_out, "/OptOutType");
	assert_string_equal(p->inbound.answer, "<Response/>");
	assert_string_equal(p->inbound.answer_type, "text/xml");
	assert_string_equal(
	    e->callback_url, "https://complaints.example/v1/callback/sms");
	assert_int_equal(e->callback_token.value.n, 25);
	assert_int_equal(e->receipt_wait, 30 * AM_MINUTE);
	am_conf_unref(c);
}

static void
test_provider_shipped_vonage(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("vonage", &c);
	const struct am_conf_provider *p = e->provider;

	(void)state;
	is_pair(&p->form, 3, "to", "to_digits");
	is_pair(&p->form, 5, "type", "sms_type");
	is_pair(&p->form, 6, "client-ref", "followup_id");
	HAS(SUCCESS, "/messages/*/status", "0");
	HAS(THROTTLE, "/messages/*/status", "1");
	HAS(RETRY, "/messages/*/status", "5");
	assert_int_equal(p->receipt.verify, AM_VERIFY_VONAGE_SIG);
	assert_string_equal(p->receipt.ref, "/client-ref");
	assert_string_equal(p->inbound.part_ref, "/concat-ref");
	am_conf_unref(c);
}

static void
test_provider_shipped_aliyun(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("aliyun", &c);
	const struct am_conf_provider *p = e->provider;
	const struct am_answer_rule *r = e->answer.list[AM_ANSWER_THROTTLE].v;
	const struct am_message_template *t = c->messages[1]->templates;

	(void)state;
	assert_int_equal(p->params, AM_PARAMS_NAMED);
	HAS(THROTTLE, "/Code",
	    "isv.BUSINESS_LIMIT_CONTROL,isv.DAY_LIMIT_CONTROL");
	assert_true(r[0].recipient_only);
	assert_int_equal(r[0].pause, AM_HOUR);
	HAS(THROTTLE, "/Code", "Throttling");
	assert_false(r[1].recipient_only);
	HAS(PERMANENT, "/Code", "isv.");
	assert_string_equal(p->inbound.country, "86");
	assert_string_equal(t->id, "SMS_154950909");
	assert_int_equal(t->params_n, 1);
	assert_string_equal(t->params[0].name, "id");
	assert_int_equal(e->callback_net_n, 1);
	am_conf_unref(c);
}

static void
test_provider_shipped_tencent(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("tencent", &c);
	const struct am_conf_provider *p = e->provider;
	const struct am_answer_rule *r = e->answer.list[AM_ANSWER_THROTTLE].v;

	(void)state;
	assert_int_equal(p->sign, AM_SIGN_TENCENT_TC3);
	assert_string_equal(p->sign_service, "sms");
	assert_int_equal(p->params, AM_PARAMS_ORDERED);
	/* a list of JSON is put there as it is */
	is_text(p->text,
	    "{\"PhoneNumberSet\":[\"to\"],\"SmsSdkAppId\":\"account\","
	    "\"SignName\":\"sign_name\",\"TemplateId\":\"template\","
	    "\"TemplateParamSet\":params_list,\"SessionContext\":"
	    "\"followup_id\"}");
	assert_int_equal(p->needs_n, 2); /* region and sign_name */
	HAS(THROTTLE, "/Response/SendStatusSet/*/Code", "LimitExceeded");
	assert_true(r[0].recipient_only);
	HAS(PERMANENT, "/Response/SendStatusSet/*/Code", "FailedOperation.");
	HAS(UNCERTAIN, "/Response/Error/Code", "InternalError.Timeout");
	assert_null(c->messages[1]->templates[0].params[0].name);
	assert_null(p->inbound.items);
	am_conf_unref(c);
}

static void
test_provider_shipped_aws_sns(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("aws-sns", &c);
	const struct am_conf_provider *p = e->provider;

	(void)state;
	/* the host has a value of the endpoint */
	assert_string_equal(e->url, "https://sns.eu-west-2.amazonaws.com");
	assert_string_equal(e->host, "sns.eu-west-2.amazonaws.com");
	assert_int_equal(p->sign, AM_SIGN_AWS_SIGV4);
	assert_string_equal(p->sign_service, "sns");
	is_pair(&p->form, 6, "MessageAttributes.entry.1.Value.StringValue",
	    "Transactional");
	HAS(SUCCESS, "//MessageId", "");
	HAS(OPTED_OUT, "//Code", "OptedOut");
	assert_string_equal(p->message_id, "//MessageId");
	assert_false(p->receipt.in_use);
	assert_int_equal(e->receipt_wait, 0);
	am_conf_unref(c);
}

static void
test_provider_shipped_robots(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("dingtalk", &c);

	(void)state;
	assert_int_equal(e->type, AM_ENDPOINT_CHAT);
	assert_int_equal(
	    e->answer.list[AM_ANSWER_THROTTLE].v[0].pause, 10 * AM_MINUTE);
	am_conf_unref(c);

	e = shipped("feishu", &c);
	is_text(e->provider->text,
	    "{\"timestamp\":\"timestamp\",\"sign\":\"sign\",\"msg_type\":"
	    "\"text\",\"content\":{\"text\":\"text\"}}");
	HAS(PERMANENT, "/code", "19021,19036");
	assert_int_equal(e->provider->max_bytes, 18 << 10);
	/* 100 a minute and 5 a second, both */
	assert_int_equal(e->rate_n, 5);
	assert_int_equal(e->rate_per, 3 * AM_SECOND);
	am_conf_unref(c);

	e = shipped("wecom", &c);
	HAS(THROTTLE, "/errcode", "45009");
	assert_int_equal(e->provider->max_bytes, 4096);
	assert_int_equal(e->rate_n, 20);
	am_conf_unref(c);
}

static void
test_provider_shipped_patterns_of_gateways_FU13(void **state)
{
	struct am_conf *c;
	const struct am_conf_endpoint *e = shipped("generic-get", &c);

	(void)state;
	assert_string_equal(e->provider->method, "GET");
	assert_string_equal(e->url, "https://sms.example");
	is_text(e->provider->url, "https://host/path");
	is_pair(&e->provider->query, 3, "to", "to_digits");
	assert_string_equal(e->provider->message_id, "/id");
	am_conf_unref(c);

	e = shipped("generic-json", &c);
	assert_int_equal(e->provider->auth, AM_AUTH_BEARER);
	assert_string_equal(e->provider->content_type, "application/json");
	am_conf_unref(c);
}

/* ---- where they are looked for ---- */

#define BLOCK(url_) "provider p { url = \"https://" url_ "\" }\n"

static const char *
host_of_p(const char *more)
{
	static char host[64];
	char *text;
	struct am_conf *c;

	assert_true(asprintf(&text,
			"%s%sendpoint \"s\" { type = \"sms\" provider = \"p\" "
			"}\n",
			conf_world_base, more) >= 0);
	c = conf_world_must(text);
	snprintf(
	    host, sizeof(host), "%s", am_conf_endpoint(c, AM_STR("s"))->host);
	am_conf_unref(c);
	free(text);
	return host;
}

static void
put_block(const char *path, const char *text)
{
	conf_world_put(path, text, strlen(text));
}

static void
test_provider_when_in_several_places_then_the_nearest(void **state)
{
	static const char dirs[] = "providers = {\"one\", \"two\"}\n";

	(void)state;
	assert_int_equal(mkdir("one", 0700), 0);
	assert_int_equal(mkdir("two", 0700), 0);
	put_block("two/p.conf", BLOCK("two.example/"));
	assert_string_equal(host_of_p(dirs), "two.example");
	put_block("one/p.conf", BLOCK("one.example/"));
	assert_string_equal(host_of_p(dirs), "one.example");
	/* beside the file, before all folders */
	assert_int_equal(unlink("providers"), 0);
	assert_int_equal(mkdir("providers", 0700), 0);
	put_block("providers/p.conf", BLOCK("beside.example/"));
	assert_string_equal(host_of_p(dirs), "beside.example");
	/* a block needs no file */
	assert_string_equal(
	    host_of_p("providers = {\"one\"}\n" BLOCK("block.example/")),
	    "block.example");
}

static void
test_provider_when_nobody_names_it_then_its_file_is_not_read(void **state)
{
	struct am_conf *c;

	(void)state;
	put_block("providers/bad.conf", "provider bad {");
	c = conf_world_must(conf_world_base);
	assert_int_equal(c->providers_n, 0);
	am_conf_unref(c);
}

/* ---- secrets ---- */

/* What `amendsctl simulate` loads may be anybody's who can read the file. */
static void
test_provider_when_blind_then_no_secret_is_read(void **state)
{
	static const char more[] =
	    HTTP "provider q { url = \"https://q.example/{user:url}\" user = "
		 "\"file:none.secret\" receipt { id = \"/i\" delivered = "
		 "\"/s == 1\" } }\n"
		 "endpoint \"s\" { type = \"sms\" provider = \"q\" token = "
		 "\"file:none.secret\" callback_url = "
		 "\"https://a.example/v1/callback/s\" callback_token = "
		 "\"file:none.secret\" }\n";
	struct am_diag *diags;
	struct am_conf *c;
	char *text;
	size_t n;

	(void)state;
	assert_true(asprintf(&text, "%s%s", conf_world_base, more) >= 0);
	assert_null(conf_world_load(text, &diags, &n));
	assert_int_equal(n, 3);
	free(diags);
	c = am_conf_load_policy("amends.conf", CONF_NOW, &diags, &n);
	assert_non_null(c);
	assert_string_equal(
	    am_conf_endpoint(c, AM_STR("s"))->token.ref, "file:none.secret");
	am_conf_unref(c);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_provider_example_twilio_as_written),
		cmocka_unit_test(test_provider_example_aliyun_as_written),
		cmocka_unit_test(test_provider_example_dingtalk_as_written),
		cmocka_unit_test(test_provider_shipped_twilio),
		cmocka_unit_test(test_provider_shipped_vonage),
		cmocka_unit_test(test_provider_shipped_aliyun),
		cmocka_unit_test(test_provider_shipped_tencent),
		cmocka_unit_test(test_provider_shipped_aws_sns),
		cmocka_unit_test(test_provider_shipped_robots),
		cmocka_unit_test(
		    test_provider_shipped_patterns_of_gateways_FU13),
		cmocka_unit_test(
		    test_provider_when_in_several_places_then_the_nearest),
		cmocka_unit_test(
		    test_provider_when_nobody_names_it_then_its_file_is_not_read),
		cmocka_unit_test(
		    test_provider_when_blind_then_no_secret_is_read),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
