/*
 * decode_test - entries of the stream become events or rejects.
 *
 * IN4: what is no event is refused with a code, a field and a sentence.
 * IN6: the time of a late, early or shuffled event follows one rule.
 * Fault 45 of the catalogue: the table of bad events.
 */

#include "intake/event.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "tests/unit/rnd.h"

#define NOW ((am_ms)1795291848883)
#define SKEW (5 * AM_SECOND)
#define ID "1795291840000-3"
#define ID_MS ((am_ms)1795291840000)

static struct am_arena arena;
static const struct am_decode_opts plain_opts = { .now = NOW,
	.max_skew = SKEW };
static const struct am_decode_opts trusting = {
	.now = NOW, .max_skew = SKEW, .trust_event_time = true
};

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 1 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_arena_fini(&arena);
	return 0;
}

struct decoded {
	int rc;
	struct am_event ev;
	struct am_reject why;
};

static struct decoded
decode_pairs(const struct am_decode_opts *opts, const char *id,
    const struct am_pair *pairs, size_t n)
{
	struct decoded d = { .ev.type = AM_EV_WAKE };

	am_arena_reset(&arena);
	d.rc = am_event_decode(
	    am_str_c(id), pairs, n, opts, &arena, &d.ev, &d.why);
	if (d.rc != 0) {
		/* outputs are untouched on failure */
		assert_int_equal(d.ev.type, AM_EV_WAKE);
		assert_non_null(d.why.code);
		assert_in_range(strlen(d.why.text), 5, 199);
		assert_true(am_utf8_ok(am_str_c(d.why.text)));
	}
	return d;
}

/* name, value, …, NULL */
static struct decoded
decode(const struct am_decode_opts *opts, const char *first, ...)
{
	struct am_pair pairs[64];
	va_list ap;
	size_t n = 0;

	va_start(ap, first);
	for (const char *k = first; k != NULL; k = va_arg(ap, const char *)) {
		pairs[n].key = am_str_c(k);
		pairs[n++].value = am_str_c(va_arg(ap, const char *));
	}
	va_end(ap);
	return decode_pairs(opts, ID, pairs, n);
}

#define DECODE(...) decode(&plain_opts, __VA_ARGS__, NULL)
#define CE "\"specversion\":\"1.0\",\"id\":\"E-1\",\"source\":\"/crm\""

static void
is(struct am_str got, const char *want)
{
	if (!am_str_is(got, want))
		fail_msg("'%.*s' is not '%s'", AM_ARG(got), want);
}

static void
ok(const struct decoded *d)
{
	if (d->rc != 0)
		fail_msg("%s (%.*s): %s", d->why.code, AM_ARG(d->why.field),
		    d->why.text);
}

static void
refused(const struct decoded *d, const char *code, const char *field)
{
	int rc =
	    strcmp(code, "too_big") == 0 ? -AM_ETOOBIG
	    : strncmp(code, "un", 2) == 0 && strcmp(code, "unknown_event") != 0
		? -AM_EUNSUPPORTED
		: -AM_EINVAL;

	if (d->rc == 0)
		fail_msg("taken, not refused as %s", code);
	if (strcmp(d->why.code, code) != 0 || d->rc != rc ||
	    !am_str_is(d->why.field, field))
		fail_msg("%d %s (%.*s): %s; not %s (%s)", d->rc, d->why.code,
		    AM_ARG(d->why.field), d->why.text, code, field);
}

static void
test_decode_least_flat_event_gives_all_defaults(void **state)
{
	struct decoded d;

	(void)state;
	d = DECODE("event", "complaint.opened", "complaint_id", "C-1",
	    "customer.phone", "+8613800138000", "category", "billing",
	    "summary", "charged twice");
	ok(&d);
	assert_int_equal(d.ev.type, AM_EV_OPENED);
	is(d.ev.complaint_id, "C-1");
	is(d.ev.source, "stream");
	is(d.ev.event_id, ID);
	is(d.ev.actor_id, "");
	assert_int_equal(d.ev.at, ID_MS);
	assert_int_equal(d.ev.occurred_at, AM_NEVER);
	assert_int_equal(d.ev.expected_version, -1);
	assert_false(d.ev.negative);
	assert_int_equal(d.ev.fields_n, 3);
	is(am_event_get(&d.ev, "customer.phone"), "+8613800138000");
	is(am_event_get(&d.ev, "category"), "billing");
	is(am_event_get(&d.ev, "event"), "");
}

static void
test_decode_whole_envelope_is_read(void **state)
{
	struct decoded d;

	(void)state;
	d = DECODE("v", "1", "event", "stage.completed", "complaint_id", "C-1",
	    "event_id", "E-9", "source", "crm", "actor.id", "li", "actor.role",
	    "agent", "expected_version", "3", "trace_id", "00-abc-01",
	    "occurred_at", "2026-11-21T19:35:03+08:00", "stage", "listen");
	ok(&d);
	assert_int_equal(d.ev.type, AM_EV_STAGE_COMPLETED);
	is(d.ev.event_id, "E-9");
	is(d.ev.source, "crm");
	is(d.ev.actor_id, "li");
	is(d.ev.actor_role, "agent");
	is(d.ev.trace_id, "00-abc-01");
	assert_int_equal(d.ev.expected_version, 3);
	assert_int_equal(d.ev.occurred_at, 1795260903000);
	assert_int_equal(d.ev.fields_n, 1);
	is(am_event_get(&d.ev, "stage"), "listen");
}

/* One event in its three carriers: the same fields come out. */
static void
test_decode_three_carriers_give_the_same_event(void **state)
{
	static const char *const carriers[][2] = {
		{ "json",
		    "{\"event\":\"complaint.opened\",\"complaint_id\":\"C-1\","
		    "\"event_id\":\"E-1\",\"source\":\"/crm\",\"occurred_at\":"
		    "\"2026-11-21T19:35:03Z\",\"actor\":{\"id\":\"li\"},"
		    "\"customer\":{\"phone\":\"+86\"},\"category\":\"billing\","
		    "\"summary\":\"\\u6ca1\",\"respondents\":[\"a\",\"b\"]}" },
		{ "cloudevent",
		    "{" CE ",\"type\":\"complaint.opened\",\"subject\":\"C-1\","
		    "\"time\":\"2026-11-21T19:35:03Z\",\"datacontenttype\":"
		    "\"application/json\",\"data\":{\"actor\":{\"id\":\"li\"},"
		    "\"customer\":{\"phone\":\"+86\"},\"category\":\"billing\","
		    "\"summary\":\"没\",\"respondents\":[\"a\",\"b\"]}}" },
		{ "cloudevent",
		    /* {"actor":{"id":"li"},"customer":{"phone":"+86"},
		     * "category":"billing","summary":"没",
		     * "respondents":["a","b"]} */
		    "{" CE ",\"type\":\"complaint.opened\",\"subject\":\"C-1\","
		    "\"time\":\"2026-11-21T19:35:03Z\",\"data_base64\":\""
		    "eyJhY3RvciI6eyJpZCI6ImxpIn0sImN1c3RvbWVyIjp7InBob25lIjoi"
		    "Kzg2In0sImNhdGVnb3J5IjoiYmlsbGluZyIsInN1bW1hcnkiOiLmsqEi"
		    "LCJyZXNwb25kZW50cyI6WyJhIiwiYiJdfQ==\"}" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(carriers); i++) {
		struct decoded d = DECODE(carriers[i][0], carriers[i][1]);

		ok(&d);
		assert_int_equal(d.ev.type, AM_EV_OPENED);
		is(d.ev.complaint_id, "C-1");
		is(d.ev.event_id, "E-1");
		is(d.ev.source, "/crm");
		is(d.ev.actor_id, "li");
		assert_int_equal(d.ev.occurred_at, 1795289703000);
		assert_int_equal(d.ev.fields_n, 5);
		is(am_event_get(&d.ev, "customer.phone"), "+86");
		is(am_event_get(&d.ev, "category"), "billing");
		is(am_event_get(&d.ev, "summary"), "没");
		is(am_event_get(&d.ev, "respondents[1]"), "b");
	}
}

static void
test_decode_cloudevent_extensions_keep_a_prefix(void **state)
{
	struct decoded d;

	(void)state;
	d = DECODE("cloudevent",
	    "{" CE ",\"type\":\"stage.completed\",\"subject\":\"C-1\","
	    "\"traceparent\":\"00-1\",\"stage\":\"resolve\",\"data\":{"
	    "\"stage\":\"listen\",\"expected_version\":4}}");
	ok(&d);
	is(d.ev.trace_id, "00-1");
	is(am_event_get(&d.ev, "stage"), "listen");
	is(am_event_get(&d.ev, "ce.stage"), "resolve");
	assert_int_equal(d.ev.expected_version, 4);
}

static void
test_decode_in4_bad_cloudevents_are_refused(void **state)
{
	/* clang-format off */
	static const struct { const char *text, *code, *field; } bad[] = {
		{ "{\"specversion\":\"1.0\",\"source\":\"/c\",\"type\":\"complaint.withdrawn\"}", "bad_cloudevent", "id" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"complaint.withdrawn\"}",      "bad_cloudevent", "source" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/c\"}",                     "bad_cloudevent", "type" },
		{ "{\"id\":\"1\",\"source\":\"/c\",\"type\":\"complaint.withdrawn\"}",            "bad_cloudevent", "specversion" },
		{ "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"/c\",\"type\":\"x\"}",      "bad_cloudevent", "specversion" },
		{ "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/c\",\"type\":\"x\"}",       "bad_cloudevent", "id" },
		{ "{" CE ",\"type\":\"x\",\"data\":\"text\"}",                                    "bad_cloudevent", "data" },
		{ "{" CE ",\"type\":\"x\",\"data\":[1]}",                                         "bad_cloudevent", "data" },
		{ "{" CE ",\"type\":\"x\",\"data\":{\"a\":1},\"data_base64\":\"e30=\"}",          "bad_cloudevent", "data_base64" },
		{ "{" CE ",\"type\":\"x\",\"data_base64\":\"e30\"}",                              "bad_cloudevent", "data_base64" },
		{ "{" CE ",\"type\":\"x\",\"data_base64\":\"e3 =\"}",                             "bad_cloudevent", "data_base64" },
		{ "{" CE ",\"type\":\"x\",\"data_base64\":\"e31=\"}",                             "bad_cloudevent", "data_base64" },
		{ "{" CE ",\"type\":\"x\",\"data_base64\":\"e3==e30=\"}",                         "bad_cloudevent", "data_base64" },
		{ "{" CE ",\"type\":\"x\",\"data_base64\":\"W10=\"}",                             "bad_json",       "data_base64" },
		{ "{" CE ",\"type\":\"complaint.withdrawn\",\"subject\":\"C-1\",\"data\":{\"complaint_id\":\"C-2\"}}", "bad_value", "complaint_id" },
		{ "{" CE ",\"type\":\"complaint.withdrawn\",\"subject\":\"a b\"}",                "bad_value",      "complaint_id" },
		{ "{" CE ",\"type\":\"complaint.withdrawn\"}",                                    "missing_field",  "complaint_id" },
		{ "not json",                                                                     "bad_json",       "cloudevent" },
		{ "[]",                                                                           "bad_json",       "cloudevent" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		struct decoded d = DECODE("cloudevent", bad[i].text);

		refused(&d, bad[i].code, bad[i].field);
	}
}

/* IN4, fault 45: bad events in flat fields. */
static void
test_decode_in4_fault_45_bad_fields_are_refused(void **state)
{
	struct decoded d;

	(void)state;
	d = decode_pairs(&plain_opts, ID, NULL, 0);
	refused(&d, "no_fields", "");
	d = DECODE("complaint_id", "C-1");
	refused(&d, "missing_field", "event");
	d = DECODE("event", "", "complaint_id", "C-1");
	refused(&d, "missing_field", "event");
	d = DECODE("event", "complaint.exploded", "complaint_id", "C-1");
	refused(&d, "unknown_event", "event");
	d = DECODE("event", "complaint.opend", "complaint_id", "C-1");
	refused(&d, "unknown_event", "event");
	assert_non_null(strstr(d.why.text, "did you mean complaint.opened?"));
	d = DECODE("event", "wake", "complaint_id", "C-1");
	refused(&d, "unknown_event", "event");
	d = DECODE("event", "followup.ended", "complaint_id", "C-1",
	    "followup_id", "x", "state", "delivered");
	refused(&d, "unknown_event", "event");
	d = DECODE("event", "complaint.withdrawn");
	refused(&d, "missing_field", "complaint_id");
	d = DECODE("event", "complaint.opened", "complaint_id", "C-1",
	    "customer.phone", "+86", "summary", "x");
	refused(&d, "missing_field", "category");
	d = DECODE(
	    "event", "complaint.withdrawn", "complaint_id", "white space");
	refused(&d, "bad_value", "complaint_id");
	d = DECODE("event", "complaint.withdrawn", "complaint_id",
	    "0123456789012345678901234567890123456789012345678901234567890"
	    "1234");
	refused(&d, "bad_value", "complaint_id");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "投诉");
	refused(&d, "bad_value", "complaint_id");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "actor.role", "king");
	refused(&d, "bad_value", "actor.role");
	d = DECODE(
	    "event", "customer.answered", "complaint_id", "C-1", "score", "6");
	refused(&d, "bad_value", "score");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "expected_version", "three");
	refused(&d, "bad_value", "expected_version");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "expected_version", "-2");
	refused(&d, "bad_value", "expected_version");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "occurred_at", "yesterday");
	refused(&d, "bad_value", "occurred_at");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "occurred_at", "1969-12-31T23:59:59Z");
	refused(&d, "bad_value", "occurred_at");
	d = DECODE(
	    "event", "complaint.withdrawn", "complaint_id", "C-1", "v", "2");
	refused(&d, "unknown_version", "v");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1", "by",
	    "li", "by", "wang");
	refused(&d, "bad_value", "by");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "event", "complaint.held");
	refused(&d, "bad_value", "event");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    "event_id", "a\nb");
	refused(&d, "bad_value", "event_id");
	d = DECODE(
	    "event", "complaint.withdrawn", "complaint_id", "C-1", "", "x");
	refused(&d, "bad_value", "");
	d = decode_pairs(&plain_opts, "nonsense",
	    &(struct am_pair){ AM_STR("event"), AM_STR("wake") }, 1);
	refused(&d, "bad_value", "id");
}

static void
test_decode_in4_fault_45_bad_bytes_are_refused(void **state)
{
	struct am_pair pairs[3] = {
		{ AM_STR("event"), AM_STR("complaint.withdrawn") },
		{ AM_STR("complaint_id"), AM_STR("C-1") },
	};
	struct decoded d;

	(void)state;
	pairs[2] = (struct am_pair){ AM_STR("reason"), AM_STR("a\xff") };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "bad_utf8", "reason");
	pairs[2] = (struct am_pair){ AM_STR("reason"), AM_STR("a\0b") };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "nul_byte", "reason");
	pairs[2] = (struct am_pair){ AM_STR("rea\xc0\x80"), AM_STR("a") };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "bad_utf8", "");
	pairs[2] = (struct am_pair){ AM_STR("rea\0son"), AM_STR("a") };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "nul_byte", "");
	pairs[0] = (struct am_pair){ AM_STR("json"), AM_STR("{\"a\":\"\0\"}") };
	d = decode_pairs(&plain_opts, ID, pairs, 1);
	refused(&d, "nul_byte", "json");
	d = DECODE("json", "{\"a\":\"\xff\"}");
	refused(&d, "bad_json", "json");
	d = DECODE(
	    "json", "{\"event\":\"complaint.withdrawn\",\"event\":\"\"}");
	refused(&d, "bad_json", "json");
	pairs[0].value = (struct am_str){ NULL, 0 };
	d = decode_pairs(&plain_opts, ID, pairs, 1);
	refused(&d, "bad_json", "json");
	d = DECODE("json", "{}");
	refused(&d, "missing_field", "event");
}

static void
test_decode_in4_fault_45_too_big_is_refused(void **state)
{
	struct am_pair pairs[AM_EVENT_FIELDS_MAX + 1] = {
		{ AM_STR("event"), AM_STR("complaint.withdrawn") },
		{ AM_STR("complaint_id"), AM_STR("C-1") },
	};
	char names[AM_EVENT_FIELDS_MAX + 1][8];
	size_t n = 512 * 1024;
	char *big = malloc(n);
	struct decoded d;

	(void)state;
	memset(big, 'x', n);
	pairs[2] = (struct am_pair){ AM_STR("note"), { big, n } };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "too_big", "");
	/* exactly at the limit it is taken: an unknown field may be long */
	pairs[2].value.n = AM_EVENT_BYTES_MAX - 5 - 19 - 12 - 3 - 4;
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	ok(&d);
	pairs[2].value.n++;
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "too_big", "");
	pairs[2] = (struct am_pair){ AM_STR("reason"), { big, 4097 } };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "too_long", "reason");
	pairs[2] = (struct am_pair){ { big, 257 }, AM_STR("x") };
	d = decode_pairs(&plain_opts, ID, pairs, 3);
	refused(&d, "too_long", "");
	free(big);

	for (size_t i = 2; i < AM_COUNT(pairs); i++) {
		snprintf(names[i], sizeof(names[i]), "f%zu", i);
		pairs[i] = (struct am_pair){ am_str_c(names[i]), AM_STR("x") };
	}
	d = decode_pairs(&plain_opts, ID, pairs, AM_EVENT_FIELDS_MAX);
	ok(&d);
	d = decode_pairs(&plain_opts, ID, pairs, AM_EVENT_FIELDS_MAX + 1);
	refused(&d, "too_big", "");
	d = DECODE("json", "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]"
			   "]]]]]]]]]]]]]]]]"
			   "}");
	refused(&d, "too_big", "json");
}

static am_ms
at_of(const struct am_decode_opts *opts, const char *id, const char *said)
{
	struct am_pair pairs[3] = {
		{ AM_STR("event"), AM_STR("complaint.withdrawn") },
		{ AM_STR("complaint_id"), AM_STR("C-1") },
		{ AM_STR("occurred_at"), am_str_c(said) },
	};
	struct decoded d = decode_pairs(opts, id, pairs, said != NULL ? 3 : 2);

	ok(&d);
	return d.ev.at;
}

/* IN6 and fault 45 "future timestamp": the entry's time rules, never more than
 * max_skew ahead; what the producer says rules only where it is trusted. */
static void
test_decode_in6_time_is_the_entrys_and_clamped(void **state)
{
	static const char *const early =
	    "2026-11-21T20:00:00Z"; /* 1795291200 */
	static const char *const future = "2036-01-01T00:00:00Z";

	(void)state;
	assert_int_equal(at_of(&plain_opts, ID, NULL), ID_MS);
	assert_int_equal(at_of(&plain_opts, ID, early), ID_MS);
	assert_int_equal(at_of(&trusting, ID, NULL), ID_MS);
	assert_int_equal(at_of(&trusting, ID, early), 1795291200000);
	assert_int_equal(at_of(&trusting, ID, future), NOW + SKEW);
	assert_int_equal(at_of(&plain_opts, ID, future), ID_MS);
	/* a stream whose clock ran ahead */
	assert_int_equal(
	    at_of(&plain_opts, "1795291853883-0", NULL), NOW + SKEW);
	assert_int_equal(
	    at_of(&plain_opts, "1795291853884-0", NULL), NOW + SKEW);
	assert_int_equal(
	    at_of(&plain_opts, "18446744073709551615-0", NULL), NOW + SKEW);
	assert_int_equal(at_of(&plain_opts, "0-1", NULL), 1);
}

/* A reject that is replayed keeps its event_id and its first time, whatever
 * carrier it came in. */
static void
test_decode_in4_replayed_reject_keeps_id_and_time(void **state)
{
	static const char *const body = "{\"event\":\"complaint.withdrawn\","
					"\"complaint_id\":\"C-1\"}";
	static const char *const own = "{\"event\":\"complaint.withdrawn\","
				       "\"complaint_id\":\"C-1\","
				       "\"event_id\":\"E-1\"}";
	struct decoded d;

	(void)state;
	d = DECODE(
	    "json", body, "event_id", "17-0", AM_RECEIVED_AT, "1795291700000");
	ok(&d);
	is(d.ev.event_id, "17-0");
	assert_int_equal(d.ev.at, 1795291700000);
	assert_int_equal(d.ev.fields_n, 0);
	d = DECODE(
	    AM_RECEIVED_AT, "1795291700000", "json", own, "event_id", "17-0");
	ok(&d);
	is(d.ev.event_id, "E-1");
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    AM_RECEIVED_AT, "1795291700000");
	ok(&d);
	assert_int_equal(d.ev.at, 1795291700000);
	assert_int_equal(d.ev.fields_n, 0);
	/* never later than the entry itself */
	d = DECODE("event", "complaint.withdrawn", "complaint_id", "C-1",
	    AM_RECEIVED_AT, "1795291840001");
	ok(&d);
	assert_int_equal(d.ev.at, ID_MS);
	d = DECODE("json", body, AM_RECEIVED_AT, "soon");
	refused(&d, "bad_value", AM_RECEIVED_AT);
	d = DECODE("json", body, "event_id", "\xff");
	refused(&d, "bad_utf8", "event_id");
	/* any other field beside it makes it a flat entry without an event */
	d = DECODE("json", body, "note", "x");
	refused(&d, "missing_field", "event");
	d = DECODE("json", body, "cloudevent", body);
	refused(&d, "missing_field", "event");
}

static void
test_decode_opened_without_id_derives_one_from_source_and_event(void **state)
{
	static const char *const cases[][2] = { { "crm", "E-1" },
		{ "crm", "E-2" }, { "shop", "E-1" }, { "cr", "mE-1" } };
	char ids[AM_COUNT(cases)][64];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		for (int again = 0; again < 2; again++) {
			struct decoded d = DECODE("event", "complaint.opened",
			    "source", cases[i][0], "event_id", cases[i][1],
			    "customer.id", again ? "1" : "2", "category", "x",
			    "summary", "y");
			char id[64];

			ok(&d);
			snprintf(
			    id, sizeof(id), "%.*s", AM_ARG(d.ev.complaint_id));
			assert_int_equal(strlen(id), 28);
			assert_memory_equal(id, "C-", 2);
			if (again)
				assert_string_equal(id, ids[i]);
			memcpy(ids[i], id, sizeof(id));
		}
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
	/* held here, for ids must not change from version to version */
	assert_string_equal(ids[0], "C-mfptsdajhznjj2vviwajzdsxj4");
}

static void
test_decode_random_bytes_never_crash_and_always_say_why(void **state)
{
	static const char *const texts[] = {
		"{" CE ",\"type\":\"complaint.opened\",\"data\":{\"customer\":"
		"{\"id\":\"1\"},\"category\":\"x\",\"summary\":\"y\"}}",
		"{" CE ",\"type\":\"stage.completed\",\"subject\":\"C-1\","
		"\"data_base64\":\"eyJzdGFnZSI6Imxpc3RlbiJ9\"}",
		("{\"event\":\"customer.answered\",\"complaint_id\":\"C-1\","
		 "\"score\":4,\"occurred_at\":\"2026-11-21T19:35:03Z\"}"),
	};
	size_t taken = 0;

	(void)state;
	rnd_seed("decode mutations");
	for (int i = 0; i < 20000; i++) {
		size_t k = rnd(AM_COUNT(texts)), n = strlen(texts[k]);
		char text[512];
		struct am_pair pair;
		struct decoded d;

		memcpy(text, texts[k], n);
		n = rnd_mutate(text, n, sizeof(text), "\"\\{}[],:=1a.\x80");
		pair.key = k == 2 ? AM_STR("json") : AM_STR("cloudevent");
		pair.value = (struct am_str){ text, n };
		d = decode_pairs(&plain_opts, ID, &pair, 1);
		taken += d.rc == 0;
	}
	assert_in_range(taken, 100, 19900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_decode_least_flat_event_gives_all_defaults),
		cmocka_unit_test(test_decode_whole_envelope_is_read),
		cmocka_unit_test(
		    test_decode_three_carriers_give_the_same_event),
		cmocka_unit_test(
		    test_decode_cloudevent_extensions_keep_a_prefix),
		cmocka_unit_test(test_decode_in4_bad_cloudevents_are_refused),
		cmocka_unit_test(
		    test_decode_in4_fault_45_bad_fields_are_refused),
		cmocka_unit_test(
		    test_decode_in4_fault_45_bad_bytes_are_refused),
		cmocka_unit_test(test_decode_in4_fault_45_too_big_is_refused),
		cmocka_unit_test(
		    test_decode_in6_time_is_the_entrys_and_clamped),
		cmocka_unit_test(
		    test_decode_in4_replayed_reject_keeps_id_and_time),
		cmocka_unit_test(
		    test_decode_opened_without_id_derives_one_from_source_and_event),
		cmocka_unit_test(
		    test_decode_random_bytes_never_crash_and_always_say_why),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
