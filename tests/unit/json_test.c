/*
 * json_test - the one-pass reader against a table and against jansson.
 *
 * jansson with JSON_REJECT_DUPLICATES is the oracle: both take or both refuse
 * a text, and give the same values, but for what json.h lists as intended.
 */

#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"
#include "tests/unit/rnd.h"

#define MAX 256

struct result {
	int rc;
	const struct am_pair *pairs;
	size_t n;
	char what[200];
};

static struct am_arena arena;

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

/* The text is put at the end of a block of its own, so that a sanitizer sees
 * a read past it. */
static struct result
flatten(const char *text, size_t n, size_t max)
{
	struct result r = { .n = 0 };
	char *copy = malloc(n != 0 ? n : 1);

	if (n != 0)
		memcpy(copy, text, n);
	am_arena_reset(&arena);
	r.rc = am_json_flatten(
	    (struct am_str){ copy, n }, max, &arena, &r.pairs, &r.n, r.what);
	/* the pairs borrow: move them before the text goes */
	if (r.rc == 0) {
		struct am_pair *own =
		    am_arena_alloc(&arena, (r.n + 1) * sizeof(*own));

		for (size_t i = 0; i < r.n; i++) {
			own[i].key = am_arena_dup(&arena, r.pairs[i].key);
			own[i].value = am_arena_dup(&arena, r.pairs[i].value);
		}
		r.pairs = own;
	}
	free(copy);
	return r;
}

static void
expect_pairs(const char *text, const char *want)
{
	struct result r = flatten(text, strlen(text), MAX);
	struct am_buf got;

	if (r.rc != 0)
		fail_msg("%s: %s", text, r.what);
	am_buf_init(&got);
	for (size_t i = 0; i < r.n; i++)
		am_buf_addf(&got, "%s%.*s=%.*s", i != 0 ? " " : "",
		    AM_ARG(r.pairs[i].key), AM_ARG(r.pairs[i].value));
	am_buf_addc(&got, '\0');
	assert_string_equal(got.p, want);
	am_buf_fini(&got);
}

static void
expect_error(const char *text, size_t n, int rc, const char *part)
{
	struct result r = flatten(text, n, MAX);

	if (r.rc != rc || strstr(r.what, part) == NULL)
		fail_msg("%.*s: rc %d '%s', not %d '%s'", (int)n, text, r.rc,
		    r.what, rc, part);
}

static void
test_json_nested_gives_dotted_names(void **state)
{
	(void)state;
	expect_pairs("{}", "");
	expect_pairs(" { } \r\n\t", "");
	expect_pairs("{\"event\":\"complaint.opened\",\"customer\":{\"phone\":"
		     "\"+86\",\"ref\":{\"id\":7}},\"score\":-1.5e+3}",
	    "event=complaint.opened customer.phone=+86 customer.ref.id=7 "
	    "score=-1.5e+3");
	expect_pairs("{\"a\":[1,null,[true,{\"b\":false}],\"x\"]}",
	    "a[0]=1 a[2][0]=true a[2][1].b=false a[3]=x");
	expect_pairs("{\"a\":null,\"b\":{},\"c\":[]}", "");
	expect_pairs(
	    "{\"\":{\"\":1},\"a.b\":2,\"a\":{\"b\":3}}", ".=1 a.b=2 a.b=3");
}

static void
test_json_escapes_are_undone(void **state)
{
	(void)state;
	expect_pairs("{\"a\":\"q\\\" s\\\\ \\/ \\b\\f\\n\\r\\t\"}",
	    "a=q\" s\\ / \b\f\n\r\t");
	expect_pairs(
	    "{\"a\":\"\\u0041\\u00e9\\u6ca1\\ud83d\\uDE00\"}", "a=Aé没😀");
	expect_pairs("{\"\\u0061b\":\"没解决\"}", "ab=没解决");
}

static void
test_json_bad_text_is_refused_with_place_and_reason(void **state)
{
	/* clang-format off */
	static const struct { const char *text, *part; } bad[] = {
		{ "",                          "not a JSON object" },
		{ "[1]",                       "byte 0: not a JSON object" },
		{ "\"a\"",                     "not a JSON object" },
		{ "{\"a\":1",                  "',' or '}'" },
		{ "{\"a\":1}x",                "behind the object" },
		{ "{\"a\":1,}",                "a name in quotes" },
		{ "{a:1}",                     "a name in quotes" },
		{ "{\"a\" 1}",                 "':' is missing" },
		{ "{\"a\":}",                  "no value" },
		{ "{\"a\":",                   "ends before a value" },
		{ "{\"a\":[1,]}",              "no value" },
		{ "{\"a\":[1 2]}",             "',' or ']'" },
		{ "{\"a\":tru}",               "unknown word" },
		{ "{\"a\":nul}",               "unknown word" },
		{ "{\"a\":01}",                "',' or '}'" },
		{ "{\"a\":1.}",                "not a JSON number" },
		{ "{\"a\":.5}",                "no value" },
		{ "{\"a\":-}",                 "not a JSON number" },
		{ "{\"a\":1e}",                "not a JSON number" },
		{ "{\"a\":+1}",                "no value" },
		{ "{\"a\":NaN}",               "no value" },
		{ "{\"a\":\"x}",               "ends within a string" },
		{ "{\"a\":\"\\",               "ends within a string" },
		{ "{\"a\":\"\\x\"}",           "unknown escape" },
		{ "{\"a\":\"\\u12g4\"}",       "four hex digits" },
		{ "{\"a\":\"\\u12",            "four hex digits" },
		{ "{\"a\":\"\\u0000\"}",       "\\u0000" },
		{ "{\"a\":\"\\ud83d\"}",       "surrogate" },
		{ "{\"a\":\"\\ud83d\\u0041\"}","surrogate" },
		{ "{\"a\":\"\\ude00\"}",       "surrogate" },
		{ "{\"a\":\"\t\"}",            "control character" },
		{ "{\"a\":\"\xff\"}",          "not UTF-8" },
		{ "{\"a\":\"\xc0\x80\"}",      "not UTF-8" },
		{ "{\"a\":\"\xed\xa0\x80\"}",  "not UTF-8" },
		{ "{\"a\":\"\xf4\x90\x80\x80\"}", "not UTF-8" },
		{ "{\"a\":\"\xe6\xb2\"}",      "not UTF-8" },
		{ "\xef\xbb\xbf{}",            "not a JSON object" },
		{ "{\"a\":1,\"a\":2}",         "stands twice" },
		{ "{\"a\":1,\"\\u0061\":2}",   "stands twice" },
		{ "{\"b\":{\"c\":1},\"d\":{\"a\":1,\"x\":{\"a\":1},\"a\":2}}", "stands twice" },
		{ "{\"a\":/**/1}",             "no value" },
		{ "{'a':1}",                   "a name in quotes" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		expect_error(
		    bad[i].text, strlen(bad[i].text), -AM_EINVAL, bad[i].part);
	expect_error("{\"a\":\"\0\"}", 9, -AM_EINVAL, "control character");
}

static void
test_json_same_name_in_two_objects_is_fine(void **state)
{
	(void)state;
	expect_pairs("{\"a\":{\"a\":1},\"b\":{\"a\":2},\"c\":[{\"a\":3},"
		     "{\"a\":4}]}",
	    "a.a=1 b.a=2 c[0].a=3 c[1].a=4");
}

static void
nest(struct am_buf *b, size_t depth)
{
	am_buf_reset(b);
	for (size_t i = 0; i < depth; i++)
		am_buf_adds(b, "{\"a\":");
	am_buf_addc(b, '1');
	for (size_t i = 0; i < depth; i++)
		am_buf_addc(b, '}');
}

static void
test_json_limits_are_kept_exactly(void **state)
{
	struct am_buf b;

	(void)state;
	am_buf_init(&b);
	nest(&b, AM_JSON_DEPTH_MAX);
	assert_int_equal(flatten(b.p, b.n, MAX).rc, 0);
	nest(&b, AM_JSON_DEPTH_MAX + 1);
	expect_error(b.p, b.n, -AM_ETOOBIG, "deeper");
	nest(&b, 100000);
	expect_error(b.p, b.n, -AM_ETOOBIG, "deeper");

	for (size_t n = AM_JSON_NAME_MAX; n <= AM_JSON_NAME_MAX + 1; n++) {
		am_buf_reset(&b);
		am_buf_addf(&b, "{\"ab\":{\"%0*d\":1}}", (int)n - 3, 0);
		if (n == AM_JSON_NAME_MAX)
			assert_int_equal(flatten(b.p, b.n, MAX).rc, 0);
		else
			expect_error(b.p, b.n, -AM_ETOOBIG, "name");
	}

	for (size_t n = MAX; n <= MAX + 1; n++) {
		am_buf_reset(&b);
		for (size_t i = 0; i < n; i++)
			am_buf_addf(&b, "%c\"%zu\":%s", i == 0 ? '{' : ',', i,
			    i % 2 != 0 ? "null" : "1");
		am_buf_addc(&b, '}');
		if (n == MAX)
			assert_int_equal(flatten(b.p, b.n, MAX).n, MAX / 2);
		else
			expect_error(b.p, b.n, -AM_ETOOBIG, "too many");
	}
	am_buf_fini(&b);
}

/* ---- against jansson ---- */

static const char *const corpus[] = {
	"{\"event\":\"stage.completed\",\"complaint_id\":\"C-1\",\"stage\":"
	"\"resolve\",\"root_cause\":\"double \\\"charge\\\"\",\"cost\":12.50}",
	"{\"customer\":{\"phone\":\"+8613800138000\",\"name\":\"王\\u5c0f"
	"\"},\"respondents\":[\"a\",{\"b\":[1,2,{\"c\":null}]}],\"x\":true}",
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/crm\",\"type\":"
	"\"t\",\"data\":{\"n\":-0.5e-7,\"m\":0,\"k\":[[],{},[[]]]}}",
	"{\"a\":\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \xe6\xb2\xa1 \xc3\xa9\","
	"\"b\":\"\\u0001\\u001f\\u007f\\u0080\\u07ff\\u0800\\uffff\"}",
	"{\"a\":1,\"b\":2,\"c\":3,\"d\":{\"a\":1,\"b\":2},\"e\":[{\"a\":1}]}",
	"{ \"n\" : [ 0 , -0 , 1E5 , 1e-5 , 123456789012345678 , 0.0 ] }\n",
};

static struct am_str
find(const struct result *r, const char *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (am_str_is(r->pairs[i].key, key))
			return r->pairs[i].value;
	fail_msg("no pair of the name '%s'", key);
	return (struct am_str){ NULL, 0 };
}

static void
same_scalar(const json_t *v, struct am_str got)
{
	const char *text = am_arena_cstr(&arena, got);

	switch (json_typeof(v)) {
	case JSON_STRING:
		assert_int_equal(got.n, json_string_length(v));
		assert_memory_equal(got.p, json_string_value(v), got.n);
		break;
	case JSON_INTEGER:
		assert_int_equal(
		    strtoll(text, NULL, 10), json_integer_value(v));
		break;
	case JSON_REAL:
		assert_true(strtod(text, NULL) == json_real_value(v));
		break;
	default:
		assert_string_equal(text, json_is_true(v) ? "true" : "false");
	}
}

/* Every scalar of the tree stands among the pairs; gives how many. */
static size_t
same_values(const json_t *v, const char *path, bool root, struct result *r)
{
	const char *key;
	json_t *m;
	size_t i, n = 0;

	if (json_is_object(v)) {
		json_object_foreach((json_t *)v, key, m) n += same_values(m,
		    am_arena_printf(
			&arena, "%s%s%s", path, root ? "" : ".", key),
		    false, r);
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, m) n += same_values(
		    m, am_arena_printf(&arena, "%s[%zu]", path, i), false, r);
	} else if (!json_is_null(v)) {
		same_scalar(v, find(r, path));
		n = 1;
	}
	return n;
}

static bool
twice(const struct result *r)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < i; j++)
			if (am_str_eq(r->pairs[i].key, r->pairs[j].key))
				return true;
	return false;
}

/* True when jansson took it too. */
static bool
compare(const char *text, size_t n)
{
	json_error_t err;
	json_t *v = json_loadb(text, n, JSON_REJECT_DUPLICATES, &err);
	struct result r = flatten(text, n, MAX);
	bool taken = json_is_object(v);

	/* intended: jansson drops a zero byte behind a number, we never do */
	if (memchr(text, '\0', n) != NULL) {
		assert_int_not_equal(r.rc, 0);
		json_decref(v);
		return false;
	}
	/* intended: numbers of any size */
	if (!taken && r.rc == 0 &&
	    json_error_code(&err) == json_error_numeric_overflow)
		return false;
	if (r.rc != -AM_ETOOBIG && (r.rc == 0) != taken)
		fail_msg("ours %d (%s), jansson '%s': %.*s", r.rc, r.what,
		    taken ? "taken" : err.text, (int)n, text);
	/* "a.b" and {"a":{"b":…}} share a name, so look-ups mean nothing */
	if (taken && r.rc == 0 && !twice(&r))
		assert_int_equal(same_values(v, "", true, &r), r.n);
	json_decref(v);
	return taken;
}

static void
test_json_corpus_and_prefixes_agree_with_jansson(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(corpus); i++) {
		size_t n = strlen(corpus[i]);

		assert_true(compare(corpus[i], n));
		for (size_t k = 0; k < n; k++)
			compare(corpus[i], k);
	}
}

static void
test_json_mutations_agree_with_jansson(void **state)
{
	static const char spice[] = "\"\\{}[],:0123456789.eE+-tfnu ab\t\x7f\x80"
				    "\xc3\xed\xa0\xf0\xf4\x90";
	size_t taken = 0;
	char text[512];

	(void)state;
	rnd_seed("json mutations");
	for (int i = 0; i < 60000; i++) {
		const char *base = corpus[rnd(AM_COUNT(corpus))];
		size_t n = strlen(base);

		memcpy(text, base, n);
		n = rnd_mutate(text, n, sizeof(text), spice);
		taken += compare(text, n);
	}
	assert_in_range(taken, 1000, 59000); /* both sides were exercised */
}

static void
test_json_list_at_the_root_then_elements_have_an_index(void **state)
{
	static const char text[] =
	    "[{\"a\":1,\"b\":{\"c\":[true]}}, null,\"x\",{\"a\":2}]";
	static const struct {
		const char *key, *value;
	} want[] = { { "[0].a", "1" }, { "[0].b.c[0]", "true" }, { "[2]", "x" },
		{ "[3].a", "2" } };
	static const char *const bad[] = { "[", "[1", "[1,]", "[]]", "[1] x",
		"[{\"a\":1,\"a\":2}]", "1", "", "null" };
	const struct am_pair *p;
	char what[200];
	size_t n;

	(void)state;
	am_arena_reset(&arena);
	assert_int_equal(
	    am_json_flatten_list(am_str_c(text), MAX, &arena, &p, &n, what), 0);
	assert_int_equal(n, AM_COUNT(want));
	for (size_t i = 0; i < n; i++) {
		assert_true(am_str_is(p[i].key, want[i].key));
		assert_true(am_str_is(p[i].value, want[i].value));
	}
	assert_int_equal(am_json_flatten_list(
			     AM_STR("{\"a\":1}"), MAX, &arena, &p, &n, what),
	    0);
	assert_true(n == 1 && am_str_is(p[0].key, "a"));
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		assert_int_equal(am_json_flatten_list(am_str_c(bad[i]), MAX,
				     &arena, &p, &n, what),
		    -AM_EINVAL);
	assert_int_equal(
	    am_json_flatten(AM_STR("[]"), MAX, &arena, &p, &n, what),
	    -AM_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_json_list_at_the_root_then_elements_have_an_index),
		cmocka_unit_test(test_json_nested_gives_dotted_names),
		cmocka_unit_test(test_json_escapes_are_undone),
		cmocka_unit_test(
		    test_json_bad_text_is_refused_with_place_and_reason),
		cmocka_unit_test(test_json_same_name_in_two_objects_is_fine),
		cmocka_unit_test(test_json_limits_are_kept_exactly),
		cmocka_unit_test(
		    test_json_corpus_and_prefixes_agree_with_jansson),
		cmocka_unit_test(test_json_mutations_agree_with_jansson),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
