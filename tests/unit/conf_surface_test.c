/*
 * The keys of what comes in by HTTP and of what operators see: producers and
 * their maps (IN2), the customer's link (AU2), audit, reports; what each is
 * told when it is wrong (OP6).
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf/zone.h"
#include "conf_world.h"

/* conf_world_base with this in front of its redis section, line 2 on. */
static char *
with(const char *text)
{
	char *put = NULL, *out;

	assert_true(asprintf(&put, "%s\nredis {", text) >= 0);
	out = conf_world_edit(conf_world_base, "redis {", put);
	free(put);
	return out;
}

static struct am_conf *
must(const char *text)
{
	char *all = with(text);
	struct am_conf *c = conf_world_must(all);

	free(all);
	return c;
}

#define HTTP "http { listen = \"127.0.0.1:8480\"\n"
#define EV(t) (UINT64_C(1) << AM_EV_##t)

/* ---- what is read ---- */

static void
test_producer_with_a_secret_then_standard_webhooks(void **state)
{
	struct am_conf *c =
	    must(HTTP "producer \"crm\" { secret = {\"file:ok.secret\"} } }");
	const struct am_conf_producer *p = am_conf_producer(c, AM_STR("crm"));

	(void)state;
	assert_int_equal(c->warnings_n, 0);
	assert_int_equal(c->http.producers_n, 1);
	assert_ptr_equal(p, c->http.producers[0]);
	assert_null(am_conf_producer(c, AM_STR("cr")));
	assert_int_equal(p->scheme, AM_PRODUCER_STANDARD_WEBHOOKS);
	assert_int_equal(p->secrets_n, 1);
	assert_int_equal(p->keys_n[0], 32);
	assert_memory_equal(p->keys[0], "kkkkkkkk", 8);
	assert_int_equal(p->tokens_n, 0);
	assert_string_equal(p->source, "crm");
	assert_int_equal(p->tolerance, 5 * AM_MINUTE);
	assert_true((p->events & EV(OPENED)) != 0);
	assert_true((p->events & EV(ERASED)) != 0);
	assert_true((p->events & EV(WAKE)) == 0);
	assert_int_equal(p->allow_net_n, 0);
	assert_int_equal(p->rate_n, 0);
	assert_false(p->batch);
	assert_false(p->idempotency_required);
	assert_null(p->each);
	assert_int_equal(p->maps_n, 0);
	assert_null(p->signature.header);
	assert_null(c->http.view);
	assert_int_equal(c->http.connections, 512);
	am_conf_unref(c);
}

static void
test_producer_with_every_key_then_read(void **state)
{
	struct am_conf *c = must(
	    "http { listen = \"127.0.0.1:8480\"  view = \"[::1]:8481\"\n"
	    "connections = 64\n"
	    "producer \"shop\" { scheme = \"hmac\"\n"
	    "secret = {\"file:long.secret\", \"file:ok.secret\"}\n"
	    "signature { header = \"X-Sig\"  prefix = \"v1=\"\n"
	    "encoding = \"base64\"  digest = \"sha512\"\n"
	    "content = \"{id}.{timestamp}.{body}\"\n"
	    "timestamp_header = \"X-Time\"  id_header = \"X-Id\" }\n"
	    "tolerance = \"1m\"  source = \"urn:shop\"\n"
	    "events = {\"complaint.opened\", \"customer.answered\"}\n"
	    "allow_net = {\"10.0.0.0/8\", \"fd00::/8\"}  rate = \"200/1s\"\n"
	    "idempotency = \"required\"  each = \"/\"\n"
	    "map \"a\" { when = {\"status=open\", \"/kind=\"}\n"
	    "event = \"complaint.opened\"\n"
	    "set = {\"event_id={id}/{{x}}\", \"category={labels.a-b:id}\",\n"
	    "\"summary=a {/title} b {text}.\", \"customer.ref=x\"} }\n"
	    "} }");
	const struct am_conf_producer *p = c->http.producers[0];
	const struct am_conf_map *m = &p->maps[0];
	const struct am_fill *f;

	(void)state;
	assert_string_equal(c->http.view, "[::1]:8481");
	assert_int_equal(c->http.connections, 64);
	assert_int_equal(p->scheme, AM_PRODUCER_HMAC);
	assert_string_equal(am_producer_scheme_str(p->scheme), "hmac");
	assert_int_equal(p->secrets_n, 2);
	assert_true(am_str_prefix(p->secrets[1].value, "whsec_"));
	assert_string_equal(p->signature.header, "X-Sig");
	assert_string_equal(p->signature.prefix, "v1=");
	assert_true(p->signature.base64);
	assert_int_equal(p->signature.digest, AM_SIGNATURE_SHA512);
	assert_int_equal(p->signature.content->n, 3);
	assert_string_equal(p->signature.content->v[2].path, "body");
	assert_true(am_str_is(p->signature.content->v[2].literal, "."));
	assert_string_equal(p->signature.timestamp_header, "X-Time");
	assert_string_equal(p->signature.id_header, "X-Id");
	assert_int_equal(p->tolerance, AM_MINUTE);
	assert_string_equal(p->source, "urn:shop");
	assert_true(p->events == (EV(OPENED) | EV(ANSWERED)));
	assert_int_equal(p->allow_net_n, 2);
	assert_int_equal(p->rate_n, 200);
	assert_int_equal(p->rate_per, AM_SECOND);
	assert_true(p->idempotency_required);
	assert_string_equal(p->each, "");
	assert_int_equal(p->maps_n, 1);
	assert_int_equal(m->event, AM_EV_OPENED);
	assert_int_equal(m->when_n, 2);
	assert_string_equal(m->when[0].path, "status");
	assert_string_equal(m->when[0].value, "open");
	assert_false(m->when[0].whole);
	assert_string_equal(m->when[1].path, "kind");
	assert_string_equal(m->when[1].value, "");
	assert_true(m->when[1].whole);
	assert_int_equal(m->set_n, 4);
	f = m->set[0].text;
	assert_int_equal(f->n, 2);
	assert_string_equal(f->v[0].path, "id");
	assert_true(am_str_is(f->v[1].literal, "/{x}"));
	assert_null(f->v[1].path);
	f = m->set[1].text;
	assert_string_equal(f->v[0].path, "labels.a-b");
	assert_int_equal(f->v[0].enc, AM_FILL_ID);
	f = m->set[2].text;
	assert_string_equal(m->set[2].field, "summary");
	assert_int_equal(f->n, 3);
	assert_true(f->v[0].whole);
	assert_string_equal(f->v[0].path, "title");
	assert_int_equal(f->v[0].enc, AM_FILL_RAW);
	assert_true(am_str_is(f->v[2].literal, "."));
	am_conf_unref(c);
}

static void
test_producer_by_token_then_bearer_or_basic(void **state)
{
	struct am_conf *c =
	    must(HTTP "producer \"a\" { token = {\"file:long.secret\"} }\n"
		      "producer \"b\" { scheme = \"basic\"  token = "
		      "{\"file:basic.secret\"} }\n"
		      "producer \"c\" { secret = {\"file:ok.secret\"}  token = "
		      "{\"file:other.secret\"} } }");

	(void)state;
	assert_int_equal(c->http.producers[0]->scheme, AM_PRODUCER_BEARER);
	assert_int_equal(c->http.producers[0]->tokens_n, 1);
	assert_int_equal(c->http.producers[1]->scheme, AM_PRODUCER_BASIC);
	assert_true(am_str_prefix(
	    c->http.producers[1]->tokens[0].value, "prometheus:"));
	/* either is taken */
	assert_int_equal(
	    c->http.producers[2]->scheme, AM_PRODUCER_STANDARD_WEBHOOKS);
	assert_int_equal(c->http.producers[2]->tokens_n, 1);
	am_conf_unref(c);
}

/* A file of conf/producers, with a secret that is there, beside amends.conf. */
static void
put_shipped(const char *name, const char *find, const char *put)
{
	char *path = NULL, *text = calloc(1, 1 << 16), *edited;
	size_t n;
	FILE *f;

	assert_true(asprintf(&path, "%s/conf/producers/%s", conf_world_home(),
			name) >= 0);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, (1 << 16) - 1, f);
	fclose(f);
	assert_true(n > 1000);
	edited = conf_world_edit(text, find, put);
	conf_world_put(name, edited, strlen(edited));
	free(edited);
	free(text);
	free(path);
}

static void
test_producers_in_files_of_their_own_then_included(void **state)
{
	const struct am_conf_producer *p;
	struct am_conf *c;

	(void)state;
	put_shipped("alertmanager.conf",
	    "{\"file:/etc/amends/alertmanager.token\"}",
	    "{\"file:long.secret\"}");
	put_shipped("zendesk.conf", "{\"file:/etc/amends/zendesk.secret\"}",
	    "{\"file:other.secret\"}");
	c = must(
	    "include(\"alertmanager.conf\")\ninclude(\"zendesk.conf\")\n" HTTP
	    "producer \"crm\" { secret = {\"file:ok.secret\"} } }");
	assert_int_equal(c->warnings_n, 0);
	assert_int_equal(c->http.producers_n, 3);
	p = am_conf_producer(c, AM_STR("alertmanager"));
	assert_int_equal(p->scheme, AM_PRODUCER_BEARER);
	assert_string_equal(p->each, "alerts");
	assert_int_equal(p->maps_n, 2);
	assert_int_equal(p->maps[1].event, AM_EV_WITHDRAWN);
	p = am_conf_producer(c, AM_STR("zendesk"));
	assert_int_equal(p->scheme, AM_PRODUCER_HMAC);
	assert_true(p->signature.base64);
	assert_int_equal(p->signature.content->n, 2);
	am_conf_unref(c);
}

static void
test_link_audit_and_reports_then_read(void **state)
{
	struct am_conf *c = must(
	    HTTP "}\n"
		 "link { url = \"https://care.example/\"  secret = "
		 "\"file:long.secret\"  ttl = \"7d\" }\n"
		 "audit { every = \"10s\"  late = \"5s\"  outbox_age = \"2h\"\n"
		 "lag = \"2m\"  sample = 3  heartbeat = \"crm\" }\n"
		 "report \"w\" { via = {\"crm\"} }\n"
		 "report \"d\" { every = \"day\"  at = \"23:59\"  via = "
		 "{\"crm\"} }\n"
		 "report \"m\" { every = \"month\"  at = \"28 07:30\"\n"
		 "timezone = \"Asia/Shanghai\"  via = {\"crm\"} }");

	(void)state;
	assert_string_equal(c->link->url, "https://care.example");
	assert_int_equal(c->link->ttl, 7 * AM_DAY);
	assert_true(c->link->secret.n >= 16);
	assert_int_equal(c->audit.every, 10 * AM_SECOND);
	assert_int_equal(c->audit.late, 5 * AM_SECOND);
	assert_int_equal(c->audit.outbox_age, 2 * AM_HOUR);
	assert_int_equal(c->audit.lag, 2 * AM_MINUTE);
	assert_int_equal(c->audit.sample, 3);
	assert_string_equal(c->audit.heartbeat, "crm");
	assert_int_equal(c->reports_n, 3);
	assert_int_equal(c->reports[0]->every, AM_REPORT_WEEK);
	assert_int_equal(c->reports[0]->weekday, 1);
	assert_int_equal(c->reports[0]->minute, 480);
	assert_string_equal(c->reports[0]->zone->name, "UTC");
	assert_int_equal(c->reports[0]->via_n, 1);
	assert_string_equal(c->reports[0]->via[0], "crm");
	assert_int_equal(c->reports[1]->minute, 1439);
	assert_int_equal(c->reports[2]->month_day, 28);
	assert_string_equal(c->reports[2]->zone->name, "Asia/Shanghai");
	am_conf_unref(c);
}

static void
test_without_the_sections_then_their_defaults(void **state)
{
	struct am_conf *c = conf_world_must(conf_world_base);

	(void)state;
	assert_null(c->link);
	assert_int_equal(c->audit.every, AM_MINUTE);
	assert_int_equal(c->audit.late, 30 * AM_SECOND);
	assert_int_equal(c->audit.outbox_age, AM_HOUR);
	assert_int_equal(c->audit.lag, AM_MINUTE);
	assert_int_equal(c->audit.sample, 20);
	assert_null(c->audit.heartbeat);
	assert_int_equal(c->reports_n, 0);
	assert_int_equal(c->http.producers_n, 0);
	assert_int_equal(c->redis.wait_replicas, 1);
	am_conf_unref(c);
}

/* ---- two of them ---- */

struct told {
	char text[1024];
};

static void
on_change(
    void *arg, const char *type, const char *name, enum am_conf_change change)
{
	static const char marks[] = { '+', '~', '-' };
	struct told *t = arg;
	size_t n = strlen(t->text);

	snprintf(t->text + n, sizeof(t->text) - n, "%c%s:%s ", marks[change],
	    type, name);
}

static void
differ(const char *was, const char *now, const char *told)
{
	struct told t = { "" };
	struct am_conf *a = must(was), *b = must(now);

	am_conf_diff(a, b, on_change, &t);
	assert_string_equal(t.text, told);
	am_conf_unref(a);
	am_conf_unref(b);
}

#define PRODUCER(more)                                                         \
	HTTP "producer \"a\" { token = {\"file:x.secret\"}" more "} }"

/* OP6: what `reload --dry-run` goes by. */
static void
test_diff_of_two_configurations_then_by_what_they_say(void **state)
{
	struct told t = { "" };
	struct am_conf *a, *b;

	(void)state;
	differ("", "", "");
	/* order, comments and a default that is written make no difference */
	differ("log_level = \"info\"\ncatchup_rate = \"9/1s\"",
	    "catchup_rate = \"9/1s\" # so\nlog_level = \"info\"", "");
	differ("link { url = \"https://c.example\" secret = "
	       "\"file:long.secret\" }\n" HTTP "}",
	    HTTP "}\nlink { ttl = \"30d\" url = \"https://c.example\" secret "
		 "= \"file:long.secret\" }",
	    "");
	differ("log_level = \"info\"", "log_level = \"debug\"", "~:log_level ");
	differ("quiet \"n\" { hours = \"21:00-08:00\" }",
	    "quiet \"m\" { hours = \"21:00-08:00\" }", "-quiet:n +quiet:m ");
	conf_world_put("x.secret", "0123456789abcdef\n", 17);
	differ(PRODUCER(""), PRODUCER("rate = \"1/1s\""), "~producer:a ");
	differ(HTTP "}", PRODUCER(""), "+producer:a ");
	/* another secret in the same file */
	a = must(PRODUCER(""));
	conf_world_put("x.secret", "fedcba9876543210\n", 17);
	b = must(PRODUCER(""));
	am_conf_diff(a, b, on_change, &t);
	assert_string_equal(t.text, "~producer:a ");
	am_conf_unref(a);
	am_conf_unref(b);
}

/* ---- warnings ---- */

static void
warns(const char *text, const char *told)
{
	struct am_conf *c = must(text);

	assert_int_equal(c->warnings_n, 1);
	assert_string_equal(c->warnings[0], told);
	am_conf_unref(c);
}

static void
test_listening_to_other_machines_then_warned(void **state)
{
	(void)state;
	warns("http { listen = \"0.0.0.0:8480\" }",
	    "amends.conf:2: listen: 0.0.0.0:8480 is open to other machines, "
	    "without TLS; put a proxy that has TLS before it, and listen on "
	    "127.0.0.1");
	warns("http { listen = \"127.0.0.1:8480\"\nview = \"[::]:8481\" }",
	    "amends.conf:3: view: [::]:8481 shows what operators see to "
	    "whoever reaches it, without TLS; put a proxy that has TLS and "
	    "asks who it is before it, and listen on 127.0.0.1");
}

static void
test_link_without_tls_then_warned(void **state)
{
	(void)state;
	warns(HTTP "}\nlink { secret = \"file:long.secret\"\n"
		   "url = \"http://care.example\" }",
	    "amends.conf:5: url: http:// is not encrypted; customers should "
	    "be given an https:// address");
}

static void
test_map_without_event_id_then_warned(void **state)
{
	(void)state;
	warns(HTTP "producer \"a\" { token = {\"file:long.secret\"}\n"
		   "map \"m\" { event = \"complaint.withdrawn\"  set = "
		   "{\"complaint_id={id}\"} } } }",
	    "amends.conf:4: map \"m\": no event_id is set; a request without "
	    "Idempotency-Key will be refused");
}

#define SMS                                                                    \
	"endpoint \"sms\" { type = \"sms\"  provider = \"generic-json\"\n"     \
	"from = \"A\"  set = {\"host=h.example\", \"path=p\"}\n"               \
	"token = \"file:ok.secret\""

static void
test_sms_without_quiet_then_warned(void **state)
{
	struct am_conf *c = must(SMS " quiet = \"none\" }");

	(void)state;
	assert_int_equal(c->warnings_n, 0);
	assert_null(am_conf_endpoint(c, AM_STR("sms"))->quiet);
	am_conf_unref(c);
	warns(SMS " }",
	    "amends.conf:2: endpoint \"sms\" has no quiet: people may be "
	    "texted at night; name a quiet section, or say quiet = \"none\"");
	/* a section of that name is one as any other */
	c = must("quiet \"none\" { hours = \"21:00-08:00\" }\n" SMS
		 " quiet = \"none\" }");
	assert_non_null(am_conf_endpoint(c, AM_STR("sms"))->quiet);
	am_conf_unref(c);
}

/* ---- what is refused ---- */

/* Put in place of line 2's "redis {", which moves down. */
#define P(keys) HTTP "producer \"a\" { " keys " } }\nredis {"
#define TOKEN "token = {\"file:long.secret\"}"
#define HMAC "scheme = \"hmac\" secret = {\"file:long.secret\"}\n"
#define MAP(keys) P(TOKEN "\nmap \"m\" {\n" keys " }")
#define OPENED                                                                 \
	"event = \"complaint.opened\" set = {\"event_id={id}\",\n"             \
	"\"customer.ref=x\", \"category=x\", \"summary=x\""

/* clang-format off */
static const struct conf_world_row rows[] = {
	{ "test_producer_when_unknown_scheme_then_refused", "redis {",
	    P("scheme = \"hmca\" " TOKEN),
	    "3: scheme: 'hmca' is unknown; did you mean 'hmac'?" },
	{ "test_producer_when_nothing_proves_it_then_refused", "redis {",
	    P("rate = \"1/1s\""),
	    "3: producer \"a\" has neither secret nor token; give it one" },
	{ "test_producer_when_token_with_github_then_refused", "redis {",
	    P("scheme = \"github\"\nsecret = {\"file:long.secret\"}\ntoken = {\"file:other.secret\"}"),
	    "5: token: means nothing to scheme github; it has a secret; remove the token" },
	{ "test_producer_when_secret_with_basic_then_refused", "redis {",
	    P("scheme = \"basic\" token = {\"file:basic.secret\"}\nsecret = {\"file:long.secret\"}"),
	    "4: secret: means nothing to scheme basic; write token" },
	{ "test_producer_when_signature_without_scheme_then_refused", "redis {",
	    P("secret = {\"file:long.secret\"}\nsignature { header = \"X\" }"),
	    "3: secret: file:long.secret is no Standard Webhooks key; it must begin with whsec_\n"
	    "4: signature: means nothing without scheme = \"hmac\"; write that, or remove the section" },
	{ "test_producer_when_signature_of_stripe_then_refused", "redis {",
	    P("scheme = \"stripe\" secret = {\"file:long.secret\"}\nsignature { header = \"X\" }"),
	    "4: signature: means nothing to scheme stripe; say scheme = \"hmac\", or remove it" },
	{ "test_producer_when_tolerance_of_bearer_then_refused", "redis {",
	    P(TOKEN " scheme = \"bearer\" tolerance = \"1m\""),
	    "3: tolerance: means nothing to scheme bearer; no time is signed there; remove it" },
	{ "test_producer_when_secret_is_no_whsec_then_refused", "redis {",
	    P("secret = {\"file:ok.secret\",\n\"file:plain.secret\"}"),
	    "4: secret: file:plain.secret is no Standard Webhooks key; it must begin with whsec_" },
	{ "test_producer_when_secret_is_short_then_refused", "redis {",
	    P("scheme = \"github\" secret = {\"file:plain.secret\"}"),
	    "3: secret: file:plain.secret is guessed; it must have 16 bytes or more, as from openssl rand -hex 24" },
	{ "test_producer_when_token_is_short_then_refused", "redis {",
	    P("token = {\"file:plain.secret\"}"),
	    "3: token: file:plain.secret is guessed; it must have 16 bytes or more, as from openssl rand -hex 24" },
	{ "test_producer_when_token_has_a_blank_then_refused", "redis {",
	    P("token = {\"file:blank.secret\"}"),
	    "3: token: file:blank.secret cannot stand in a header; it must be letters and digits, as from openssl rand -hex 24" },
	{ "test_producer_when_basic_without_user_then_refused", "redis {",
	    P("scheme = \"basic\" token = {\"file:long.secret\"}"),
	    "3: token: file:long.secret is not USER:PASSWORD; put both there, with a colon between" },
	{ "test_producer_when_basic_password_is_short_then_refused", "redis {",
	    P("scheme = \"basic\" token = {\"file:weak.secret\"}"),
	    "3: token: file:weak.secret has a password that is guessed; it must have 16 bytes or more, as from openssl rand -hex 24" },
	{ "test_producer_when_five_tokens_then_refused", "redis {",
	    P("token = {\"file:long.secret\", \"file:long.secret\", \"file:long.secret\", \"file:long.secret\", \"file:long.secret\"}"),
	    "3: token: 5 values; at most 4 are taken, two are enough for a rotation" },
	{ "test_producer_when_two_share_a_token_then_refused", "redis {",
	    HTTP "producer \"a\" { " TOKEN " }\nproducer \"b\" { " TOKEN " } }\nredis {",
	    "4: producer \"b\" proves itself by the same as \"a\"; give each its own, or nobody can tell who sends" },
	{ "test_producer_when_given_twice_then_refused", "redis {",
	    HTTP "producer \"a\" { " TOKEN " }\nproducer \"a\" { " TOKEN " } }\nredis {",
	    "4: producer \"a\" is given twice, first at amends.conf:3; join the two, or rename one" },
	{ "test_producer_when_in_http_and_at_the_top_then_refused", "redis {",
	    HTTP "producer \"a\" { " TOKEN " } }\nproducer \"a\" { " TOKEN " }\nredis {",
	    "4: producer \"a\" is given twice, first at amends.conf:3; rename one" },
	{ "test_producer_when_nothing_listens_then_refused", "redis {",
	    "producer \"a\" { " TOKEN " }\nredis {",
	    "2: producer \"a\": nothing listens for it; add http { listen = \"127.0.0.1:8480\" }" },
	{ "test_producer_when_source_is_amends_then_refused", "redis {",
	    P(TOKEN "\nsource = \"amends\""),
	    "4: source: amends is the name of what the daemon says itself; write another" },
	{ "test_producer_when_it_is_named_amends_then_refused", "redis {",
	    HTTP "producer \"amends\" { " TOKEN " } }\nredis {",
	    "3: source: amends is the name of what the daemon says itself; write another" },
	{ "test_producer_when_unknown_event_then_refused", "redis {",
	    P(TOKEN "\nevents = {\"complaint.opened\",\n\"wake\", \"xyz\", \"complaint.openned\"}"),
	    "5: events: wake comes from amends itself; no producer sends it\n"
	    "5: events: no event 'xyz'; write such as complaint.opened, amends-events(7) has them all\n"
	    "5: events: no event 'complaint.openned'; did you mean 'complaint.opened'?" },
	{ "test_producer_when_no_event_at_all_then_refused", "redis {",
	    P(TOKEN "\nevents = {}"),
	    "4: events: the list is empty; name one, or leave the key out for all" },
	{ "test_producer_when_bad_rate_then_refused", "redis {",
	    P(TOKEN "\nrate = \"200\""),
	    "4: rate: '200' is no rate; write such as \"100/1s\" or \"5/24h\"" },
	{ "test_producer_when_each_is_no_path_then_refused", "redis {",
	    P(TOKEN "\neach = \"alerts..x\""),
	    "4: each: 'alerts..x' is no path; write such as \"alerts\" or \"data.items\", or \"/\" when the body is the array" },
	{ "test_signature_when_there_is_none_then_refused", "redis {",
	    P(HMAC),
	    "3: producer \"a\" of scheme hmac has no signature; write such as signature { header = \"X-Signature\" }" },
	{ "test_signature_when_no_header_then_refused", "redis {",
	    P(HMAC "signature { }"),
	    "4: signature has no header; write such as header = \"X-Signature\"" },
	{ "test_signature_when_header_is_none_then_refused", "redis {",
	    P(HMAC "signature { header = \"X Sig:\" }"),
	    "4: header: 'X Sig:' is no name of a header; write such as \"X-Signature\"" },
	{ "test_signature_when_body_is_not_signed_then_refused", "redis {",
	    P(HMAC "signature { header = \"X\" timestamp_header = \"T\" content = \"{timestamp}\" }"),
	    "4: content: the body is not signed, and anybody could change it; put {body} in" },
	{ "test_signature_when_content_names_no_header_then_refused", "redis {",
	    P(HMAC "signature { header = \"X\" content = \"{id}.{timestamp}.{body}.{url}\" }"),
	    "4: content: there is no id_header for {id}; write such as id_header = \"X-Id\"\n"
	    "4: content: there is no timestamp_header for {timestamp}; write such as timestamp_header = \"X-Timestamp\"\n"
	    "4: content: unknown value 'url'; there are {body}, {timestamp} and {id}" },
	{ "test_signature_when_time_is_not_signed_then_refused", "redis {",
	    P(HMAC "signature { header = \"X\"\ntimestamp_header = \"T\" }"),
	    "5: timestamp_header: a time that is not signed proves nothing; put {timestamp} into content, or remove it" },
	{ "test_signature_when_tolerance_of_no_time_then_refused", "redis {",
	    P(HMAC "tolerance = \"1m\"\nsignature { header = \"X\" }"),
	    "4: tolerance: no time is signed; give the signature a timestamp_header, or remove it" },
	{ "test_map_when_no_event_then_refused", "redis {",
	    MAP("when = {\"a=b\"}"),
	    "4: map \"m\" has no event; write such as event = \"complaint.opened\"" },
	{ "test_map_when_misspelt_event_then_refused", "redis {",
	    MAP("event = \"complaint.opend\""),
	    "5: event: no event 'complaint.opend'; did you mean 'complaint.opened'?" },
	{ "test_map_when_when_is_no_pair_then_refused", "redis {",
	    MAP("when = {\"status\", \"a b=c\"}\n" OPENED "}"),
	    "5: when: 'status' is no PATH=VALUE; write such as \"status=firing\"\n"
	    "5: when: 'a b=c' is no PATH=VALUE; write such as \"status=firing\"" },
	{ "test_map_when_set_is_no_pair_then_refused", "redis {",
	    MAP(OPENED ",\n\"loop\"}"),
	    "7: set: 'loop' is no FIELD=TEXT; write such as \"summary={annotations.summary}\"" },
	{ "test_map_when_misspelt_field_then_refused", "redis {",
	    MAP(OPENED ",\n\"severty={labels.severity}\"}"),
	    "7: set: complaint.opened has no field 'severty'; did you mean 'severity'?" },
	{ "test_map_when_field_twice_then_refused", "redis {",
	    MAP(OPENED ",\n\"category=y\"}"),
	    "7: set: category is set twice; remove one" },
	{ "test_map_when_event_is_set_then_refused", "redis {",
	    MAP(OPENED ",\n\"event=y\"}"),
	    "7: set: the event is a key of the map; write event = \"complaint.opened\"" },
	{ "test_map_when_unknown_encoding_then_refused", "redis {",
	    MAP(OPENED ",\n\"tier={labels.tier:json}\"}"),
	    "7: set: tier: unknown encoding in 'labels.tier:json'; write {PATH}, or {PATH:id} for what may stand in an id" },
	{ "test_map_when_brace_is_open_then_refused", "redis {",
	    MAP(OPENED ",\n\"tier={labels.tier\"}"),
	    "7: set: tier: a single brace at '{labels.tier'; write {PATH}, and {{ or }} for a brace itself" },
	{ "test_map_when_brace_closes_nothing_then_refused", "redis {",
	    MAP(OPENED ",\n\"tier=labels}\"}"),
	    "7: set: tier: a single brace at '}'; write {PATH}, and {{ or }} for a brace itself" },
	{ "test_map_when_no_path_in_braces_then_refused", "redis {",
	    MAP(OPENED ",\n\"tier={/}\"}"),
	    "7: set: tier: no path in braces at '/'; write such as {labels.alertname}, {/receiver} for the whole body, or {{ for a brace" },
	{ "test_map_when_field_is_missing_then_refused", "redis {",
	    MAP("event = \"complaint.opened\"\nset = {\"event_id={id}\", \"customer.ref=x\", \"summary=x\"}"),
	    "6: map \"m\": category: complaint.opened needs category; what it is about, a word of yours: billing" },
	{ "test_map_when_no_customer_then_refused", "redis {",
	    MAP("event = \"complaint.opened\"\nset = {\"event_id={id}\", \"category=x\", \"summary=x\"}"),
	    "6: map \"m\": customer.id: no customer; customer.id, customer.phone, customer.ref or customer.email says who complains" },
	{ "test_map_when_no_complaint_then_refused", "redis {",
	    MAP("event = \"complaint.withdrawn\"\nset = {\"event_id={id}\"}"),
	    "6: map \"m\": complaint_id: no complaint_id; an event names its complaint, a receipt its followup_id (or provider_id and endpoint), a message its customer.phone" },
	{ "test_map_when_value_is_not_of_the_list_then_refused", "redis {",
	    MAP("event = \"callback.attempted\"\nset = {\"event_id={id}\", \"complaint_id={id}\", \"outcome=rang\"}"),
	    "6: map \"m\": outcome: not a value of this field; one of reached no_answer busy voicemail wrong_number refused" },
	{ "test_map_when_source_is_amends_then_refused", "redis {",
	    MAP(OPENED ", \"source=amends\"}"),
	    "5: set: source amends is the name of what the daemon says itself; write another" },
	{ "test_map_when_event_is_not_allowed_then_refused", "redis {",
	    P(TOKEN " events = {\"complaint.updated\"}\nmap \"m\" {\n" OPENED "} }"),
	    "5: event: complaint.opened is not among the events that producer \"a\" may send; add it to events, or remove the map" },
	{ "test_map_when_each_without_event_id_then_refused", "redis {",
	    P(TOKEN " each = \"a\"\nmap \"m\" { event = \"complaint.withdrawn\"\nset = {\"complaint_id={id}\"} }"),
	    "5: map \"m\": without event_id all elements of one request would be the same event; add such as \"event_id={id}\"" },
	{ "test_map_when_never_reached_then_refused", "redis {",
	    P(TOKEN "\nmap \"m\" { " OPENED "} }\nmap \"n\" { " OPENED "} }"),
	    "6: map \"n\" is never reached, for \"m\" before it has no when; put it first" },
	{ "test_map_when_batch_then_refused", "redis {",
	    P(TOKEN "\nbatch = true map \"m\" { " OPENED "} }"),
	    "4: batch: a producer with maps sends no CloudEvents; remove it, and name the array by each" },
	{ "test_view_when_the_same_as_listen_then_refused", "redis {",
	    HTTP "view = \"127.0.0.1:8480\" }\nredis {",
	    "3: view: the same address as listen; write another port, or leave the key out" },
	{ "test_http_when_no_listen_then_refused", "redis {",
	    "http { view = \"127.0.0.1:8481\" }\nredis {",
	    "2: http has no listen; write such as listen = \"127.0.0.1:8480\", or remove the section" },
	{ "test_replicas_when_below_d3_then_refused", "redis {",
	    "redis { wait_replicas = 2 require_durability = \"D2\"",
	    "2: wait_replicas: nobody waits for replicas below D3; say require_durability = \"D3\", or remove it" },
	{ "test_link_when_nothing_given_then_refused", "redis {",
	    "link { }\nredis {",
	    "2: link has no url; write such as url = \"https://care.example\", or remove the section\n"
	    "2: link has no secret; write secret = \"file:PATH\", with the output of openssl rand -hex 32\n"
	    "2: link: nobody listens for it; add http { listen = \"127.0.0.1:8480\" }" },
	{ "test_link_when_secret_is_short_then_refused", "redis {",
	    HTTP "}\nlink { url = \"https://c.example\"\nsecret = \"file:plain.secret\" }\nredis {",
	    "5: secret: file:plain.secret is guessed; it must have 16 bytes or more, as from openssl rand -hex 32" },
	{ "test_link_when_url_has_a_query_then_refused", "redis {",
	    HTTP "}\nlink { url = \"https://c.example/?a=b\" secret = \"file:long.secret\" }\nredis {",
	    "4: url: the path of a link is put behind it, so it cannot have ? or #; write such as https://care.example" },
	{ "test_audit_when_heartbeat_is_nothing_then_refused", "redis {",
	    "audit { heartbeat = \"crn\" }\nredis {",
	    "2: heartbeat: no endpoint 'crn'; did you mean 'crm'?" },
	{ "test_audit_when_heartbeat_is_no_webhook_then_refused", "redis {",
	    SMS " quiet = \"none\" }\naudit { heartbeat = \"sms\" }\nredis {",
	    "5: heartbeat: endpoint 'sms' is no webhook; name one of that type" },
	{ "test_report_when_to_nobody_then_refused", "redis {",
	    "report \"r\" { }\nredis {",
	    "2: report \"r\" goes to nobody; write such as via = {\"crm\"}" },
	{ "test_report_when_via_sms_then_refused", "redis {",
	    SMS " quiet = \"none\" }\nreport \"r\" { via = {\"sms\"} }\nredis {",
	    "5: via: endpoint 'sms' is no webhook, chat or mail; name one of that type" },
	{ "test_report_when_bad_time_then_refused", "redis {",
	    "report \"a\" { via = {\"crm\"} at = \"08:00\" }\n"
	    "report \"b\" { via = {\"crm\"} every = \"day\" at = \"24:00\" }\n"
	    "report \"c\" { via = {\"crm\"} every = \"month\" at = \"29 08:00\" }\nredis {",
	    "2: at: '08:00' is no time of a week; write such as \"Mon 08:00\"\n"
	    "3: at: '24:00' is no time of a day; write such as \"08:00\"\n"
	    "4: at: '29 08:00' is no time of a month; write such as \"1 08:00\", the day 1 to 28" },
	{ "test_report_when_unknown_zone_then_refused", "redis {",
	    "report \"a\" { via = {\"crm\"} timezone = \"Asia/Shangai\" }\nredis {",
	    "2: timezone: no zone 'Asia/Shangai' in the zone database; write an IANA name such as \"Asia/Shanghai\", and install tzdata" },
};
/* clang-format on */

static void
check_row(void **state)
{
	conf_world_refused(conf_world_base, *state);
}

static int
setup(void **state)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "long.secret", "0123456789abcdef0123456789abcdef\n" },
		{ "other.secret", "fedcba9876543210fedcba9876543210\n" },
		{ "blank.secret", "0123456789 0123456789\n" },
		{ "basic.secret", "prometheus:0123456789abcdef\n" },
		{ "weak.secret", "prometheus:hunter2\n" },
	};
	int rc = conf_world_setup(state);

	for (size_t i = 0; i < AM_COUNT(files); i++)
		conf_world_put(
		    files[i].name, files[i].text, strlen(files[i].text));
	return rc;
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(
		    test_producer_with_a_secret_then_standard_webhooks),
		cmocka_unit_test(test_producer_with_every_key_then_read),
		cmocka_unit_test(test_producer_by_token_then_bearer_or_basic),
		cmocka_unit_test(
		    test_producers_in_files_of_their_own_then_included),
		cmocka_unit_test(test_link_audit_and_reports_then_read),
		cmocka_unit_test(test_without_the_sections_then_their_defaults),
		cmocka_unit_test(
		    test_diff_of_two_configurations_then_by_what_they_say),
		cmocka_unit_test(test_listening_to_other_machines_then_warned),
		cmocka_unit_test(test_link_without_tls_then_warned),
		cmocka_unit_test(test_map_without_event_id_then_warned),
		cmocka_unit_test(test_sms_without_quiet_then_warned),
	};
	struct CMUnitTest tests[AM_COUNT(own) + AM_COUNT(rows)];

	memcpy(tests, own, sizeof(own));
	for (size_t i = 0; i < AM_COUNT(rows); i++)
		tests[AM_COUNT(own) + i] = (struct CMUnitTest){ rows[i].name,
			check_row, NULL, NULL, (void *)(uintptr_t)&rows[i] };
	return _cmocka_run_group_tests(
	    "conf_surface", tests, AM_COUNT(tests), setup, conf_world_teardown);
}
