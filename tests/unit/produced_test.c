/*
 * produced_test - what a request to /v1/events says: carriers, what is filled
 * in, CloudEvents in headers, maps. The whole daemon is asked the same in
 * tests/system/test_intake.py.
 */

#include "intake/produced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define NOW 1795262400000
#define JSON "application/json"
#define CE "application/cloudevents+json"
#define BATCH "application/cloudevents-batch+json"
#define OPENED                                                                 \
	"{\"event\":\"complaint.opened\",\"event_id\":\"E1\","                 \
	"\"customer\":{\"id\":\"7\"},\"category\":\"b\",\"summary\":\"x\"}"

static struct am_arena arena;
static struct am_produced out;
static struct am_produced_fault fault;

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

static struct am_conf_producer
producer(void)
{
	return (struct am_conf_producer){
		.name = "crm", .source = "crm", .events = UINT64_MAX
	};
}

/* headers: NAME, VALUE, …, NULL. The code, or "right". */
static const char *
read(const struct am_conf_producer *p, struct am_str id, const char *body,
    const char *const *headers)
{
	struct am_pair v[16];
	struct am_produced_request r = { .producer = p,
		.headers = v,
		.body = am_str_c(body),
		.id = id,
		.decode = { .now = NOW, .max_skew = 5000 } };

	for (; headers[0] != NULL; headers += 2)
		v[r.headers_n++] = (struct am_pair){ am_str_c(headers[0]),
			am_str_c(headers[1]) };
	if (am_produced_read(&r, &arena, &out, &fault) == 0)
		return "right";
	assert_true(fault.text[0] != '\0');
	return fault.code;
}

#define READ(p, id, body, ...)                                                 \
	read(p, am_str_c(id), body, (const char *const[]){ __VA_ARGS__, NULL })

static const char *
field(size_t i, const char *name)
{
	const char *found = NULL;

	for (size_t k = 0; k < out.v[i].n; k++)
		if (am_str_is(out.v[i].fields[k].key, name)) {
			assert_null(found); /* once */
			found = am_arena_cstr(&arena, out.v[i].fields[k].value);
		}
	return found != NULL ? found : "";
}

static void
test_an_envelope_is_completed(void **state)
{
	struct am_conf_producer p = producer();

	(void)state;
	assert_string_equal(
	    READ(&p, "m1", OPENED, "Content-Type", JSON), "right");
	assert_int_equal(out.n, 1);
	assert_false(out.list);
	assert_string_equal(field(0, "source"), "crm");
	assert_string_equal(field(0, "event_id"), "E1");
	assert_int_equal(strncmp(field(0, "complaint_id"), "C-", 2), 0);
	/* an empty one is none */
	assert_string_equal(
	    READ(&p, "m1",
		"{\"event\":\"stage.completed\",\"stage\":\"listen\","
		"\"event_id\":\"\",\"source\":\"\",\"complaint_id\":\"C-1\"}",
		"content-type", "Application/JSON; Charset=\"UTF-8\""),
	    "right");
	assert_string_equal(field(0, "event_id"), "m1");
	assert_string_equal(field(0, "source"), "crm");
	assert_string_equal(READ(&p, NULL, "{\"event\":\"stage.completed\"}",
				"content-type", JSON),
	    "missing_field");
	assert_true(am_str_is(fault.field, "event_id"));
	p.events = 1ull << AM_EV_STAGE_COMPLETED;
	assert_string_equal(
	    READ(&p, NULL, OPENED, "content-type", JSON), "event_not_allowed");
	assert_int_equal(fault.status, 403);
}

static void
test_types_of_bodies(void **state)
{
	struct am_conf_producer p = producer();
	static const char *const not [] = { "text/plain", "", "application",
		"application/jsonx", "application/json; charset=utf-16",
		"application/cloudevents+avro", BATCH,
		"application/problem+json" };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(not ); i++) {
		assert_string_equal(
		    READ(&p, NULL, OPENED, "content-type", not [i]),
		    "unsupported_media_type");
		assert_int_equal(fault.status, 415);
	}
	assert_string_equal(
	    READ(&p, NULL, OPENED, "x", "y"), "unsupported_media_type");
	assert_string_equal(
	    READ(&p, NULL, OPENED, "content-type", "text/json"), "right");
}

/* ---- CloudEvents ---- */

#define BINARY(p, source, ...)                                                 \
	READ(p, NULL, DATA, "Content-Type", JSON, "ce-specversion", "1.0",     \
	    "CE-Id", "e1", "ce-type", "complaint.opened", "ce-source", source, \
	    ##__VA_ARGS__)
#define DATA                                                                   \
	"{\"customer\":{\"id\":\"7\"},\"category\":\"b\",\"summary\":\"x\"}"

static void
test_binary_sources_are_decoded_once(void **state)
{
	struct am_conf_producer p = producer();
	static const struct {
		const char *header, *source; /* NULL: refused */
	} cases[] = { { "/crm", "/crm" }, { "Euro%20%E2%82%AC", "Euro €" },
		{ "\"Euro%20%E2%82%AC\"", "Euro €" }, { "%2525", "%25" },
		{ "\"a\\\"b\\\\c\"", "a\"b\\c" }, { "a\"b", "a\"b" },
		{ "100%", "100%" }, { "%zz", "%zz" }, { "%2", "%2" },
		{ "\"a", "\"a" }, { "€", "€" }, { "%C0%A0", NULL },
		{ "%E0%80%A0", NULL }, { "%ED%A0%80", NULL }, { "%FF", NULL },
		{ "\xe9", NULL }, { "a%00", NULL }, { "%22%25", "\"%" } };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		const char *said = BINARY(&p, cases[i].header);

		assert_string_equal(
		    said, cases[i].source != NULL ? "right" : "bad_utf8");
		if (cases[i].source != NULL)
			assert_string_equal(
			    field(0, "source"), cases[i].source);
		else
			assert_int_equal(fault.status, 400);
	}
}

static void
test_binary_attributes(void **state)
{
	struct am_conf_producer p = producer();

	(void)state;
	assert_string_equal(BINARY(&p, "/c", "ce-subject", "C-1", "ce-tenant",
				"t", "ce-time", "2026-11-21T12:00:00Z"),
	    "right");
	assert_string_equal(field(0, "complaint_id"), "C-1");
	assert_string_equal(field(0, "ce.tenant"), "t");
	assert_string_equal(field(0, "customer.id"), "7");
	assert_string_equal(field(0, "occurred_at"), "2026-11-21T12:00:00Z");
	assert_string_equal(
	    BINARY(&p, "/c", "ce-datacontenttype", JSON), "bad_cloudevent");
	assert_true(am_str_is(fault.field, "datacontenttype"));
	assert_string_equal(BINARY(&p, "/c", "ce-a_b", "x"), "bad_cloudevent");
	assert_string_equal(BINARY(&p, "/c", "ce-data", "x"), "bad_cloudevent");
	assert_string_equal(BINARY(&p, ""), "bad_cloudevent");
	assert_true(am_str_is(fault.field, "source"));
	/* no data at all: what the event needs is missing */
	assert_string_equal(
	    READ(&p, NULL, "", "ce-specversion", "1.0", "ce-id", "e", "ce-type",
		"complaint.withdrawn", "ce-source", "/c", "ce-subject", "C-1"),
	    "right");
}

#define STRUCTURED(id)                                                         \
	"{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/c\","        \
	"\"type\":\"complaint.opened\",\"data\":" DATA "}"

static void
test_lists_are_all_or_nothing(void **state)
{
	struct am_conf_producer p = producer();

	(void)state;
	assert_string_equal(
	    READ(&p, NULL, STRUCTURED("a"), "content-type", CE), "right");
	assert_string_equal(
	    READ(&p, NULL, STRUCTURED("a"), "content-type", JSON),
	    "right"); /* it says what it is */
	p.batch = true;
	assert_string_equal(
	    READ(&p, NULL,
		" [ " STRUCTURED("a") " ,\n" STRUCTURED("}\\\"]") "] ",
		"content-type", BATCH),
	    "right");
	assert_true(out.list);
	assert_int_equal(out.n, 2);
	assert_string_equal(field(1, "event_id"), "}\"]");
	assert_string_equal(
	    READ(&p, NULL, "[" STRUCTURED("a") "," STRUCTURED("") "]",
		"content-type", BATCH),
	    "bad_cloudevent");
	assert_int_equal(fault.at, 1);
	assert_string_equal(
	    READ(&p, NULL, "[]", "content-type", BATCH), "right");
	assert_int_equal(out.n, 0);
	/* of envelopes, too; an id of the message has the place behind it */
	assert_string_equal(
	    READ(&p, "m",
		"[{\"event\":\"complaint.withdrawn\","
		"\"complaint_id\":\"C-1\"},{\"event\":"
		"\"complaint.withdrawn\",\"complaint_id\":\"C-2\"}]",
		"content-type", JSON),
	    "right");
	assert_string_equal(field(0, "event_id"), "m/0");
	assert_string_equal(field(1, "event_id"), "m/1");
}

static void
test_what_is_no_list(void **state)
{
	struct am_conf_producer p = producer();
	static const char *const not [] = { "[", "[{", "[{}", "{}", "[1]",
		"[{},]", "[{}]x", "[{\"a\":\"]}", "", "[,{}]", "[[]]",
		"[{}{}]" };

	(void)state;
	p.batch = true;
	for (size_t i = 0; i < AM_COUNT(not ); i++) {
		const char *code =
		    READ(&p, NULL, not [i], "content-type", BATCH);

		assert_true(strcmp(code, "bad_json") == 0 ||
			    strcmp(code, "bad_cloudevent") == 0);
		assert_int_equal(fault.status, 400);
	}
}

static void
test_names_of_ours_are_refused(void **state)
{
	struct am_conf_producer p = producer();

	(void)state;
	assert_string_equal(
	    READ(&p, "m",
		"{\"event\":\"complaint.withdrawn\",\"complaint_id\":"
		"\"C-1\",\"amends\":{\"received_at\":1}}",
		"content-type", JSON),
	    "bad_value");
	assert_string_equal(
	    READ(&p, "m",
		"{\"event\":\"complaint.withdrawn\",\"complaint_id\":"
		"\"C-1\",\"source\":\"Amends\"}",
		"content-type", JSON),
	    "bad_value");
	/* no carrier inside of one */
	assert_string_equal(
	    READ(&p, "m",
		"{\"json\":\"{\\\"event\\\":\\\"complaint.opened\\\"}"
		"\"}",
		"content-type", JSON),
	    "missing_field");
}

/* ---- maps ---- */

static const struct am_fill *
fill(const char *text)
{
	const struct am_fill *f;
	char why[256];

	assert_int_equal(am_fill_parse(&arena, am_str_c(text), &f, why), 0);
	return f;
}

static void
test_maps_make_events_of_elements(void **state)
{
	const struct am_conf_when when[] = { { "status", false, "on" },
		{ "site.id", true, "9" } };
	const struct am_conf_set set[] = {
		{ "complaint_id", fill("{tags.0}-{id:id}") },
		{ "event_id", fill("{id}/{/site.id}") },
		{ "customer.id", fill("{who}") }, { "category", fill("{{x}}") },
		{ "summary", fill("{text}") }, { "order_ref", fill("{none}") }
	};
	const struct am_conf_map map = { .name = "on",
		.when = when,
		.when_n = 2,
		.event = AM_EV_OPENED,
		.set = set,
		.set_n = AM_COUNT(set) };
	struct am_conf_producer p = producer();

	(void)state;
	p.each = "data.rows";
	p.maps = &map;
	p.maps_n = 1;
	assert_string_equal(
	    READ(&p, NULL,
		"{\"site\":{\"id\":9},\"data\":{\"rows\":[{},null,"
		"{\"status\":\"on\",\"id\":\"a b\",\"tags\":[\"T\"],\"who\":7,"
		"\"text\":\"x\"},{\"status\":\"off\"}]}}",
		"content-type", JSON),
	    "right");
	assert_int_equal(out.n, 1);
	assert_int_equal(out.passed_over, 3);
	assert_string_equal(field(0, "event"), "complaint.opened");
	assert_string_equal(field(0, "complaint_id"), "T-a-b");
	assert_string_equal(field(0, "event_id"), "a b/9");
	assert_string_equal(field(0, "category"), "{x}");
	assert_string_equal(field(0, "order_ref"), "");
	assert_string_equal(
	    READ(&p, NULL,
		"{\"site\":{\"id\":9},\"data\":{\"rows\":[{\"status\":\"on\","
		"\"tags\":[\"T\"],\"who\":7,\"text\":\"x\"}]}}",
		"content-type", JSON),
	    "missing_field");
	/* a name that looks like a place is none to count up to */
	assert_string_equal(
	    READ(&p, NULL,
		"{\"data\":{\"rows[18446744073709551614]\":{\"status\":\"x\"},"
		"\"rows[9999999999]\":{\"status\":\"off\"}}}",
		"content-type", JSON),
	    "right");
	assert_int_equal(out.passed_over, 2);
	/* the body is the list */
	p.each = "";
	p.maps_n = 0;
	assert_string_equal(
	    READ(&p, "m", "[" OPENED "]", "content-type", JSON), "right");
	assert_string_equal(field(0, "customer.id"), "7");
	assert_true(out.list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_envelope_is_completed),
		cmocka_unit_test(test_types_of_bodies),
		cmocka_unit_test(test_binary_sources_are_decoded_once),
		cmocka_unit_test(test_binary_attributes),
		cmocka_unit_test(test_lists_are_all_or_nothing),
		cmocka_unit_test(test_what_is_no_list),
		cmocka_unit_test(test_names_of_ours_are_refused),
		cmocka_unit_test(test_maps_make_events_of_elements),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
