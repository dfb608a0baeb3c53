/* keys: names of a shard, all in one Cluster slot. */

#include "store/keys.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What Redis hashes: between the first { and the next }, or the whole key. */
static struct am_str
tag_of(const char *key)
{
	const char *open = strchr(key, '{');
	const char *close = open != NULL ? strchr(open, '}') : NULL;

	if (close == NULL || close == open + 1)
		return am_str_c(key);
	return (struct am_str){ open + 1, (size_t)(close - open - 1) };
}

static void
all_share(const char *stream)
{
	struct am_keys k;
	struct am_arena a;
	struct am_str tag;

	am_keys_init(&k, stream);
	am_arena_init(&a, 0);
	tag = tag_of(k.stream);
	const char *keys[] = { k.token, k.beat, k.cursor, k.wake, k.dead,
		k.rejects, k.parked, k.feed, k.tally, k.outs, k.tries,
		am_key(&k, &a, "c", AM_STR("C-1")).p };

	for (size_t i = 0; i < AM_COUNT(keys); i++) {
		assert_true(am_str_eq(tag_of(keys[i]), tag));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
	}
	am_arena_fini(&a);
	am_keys_fini(&k);
}

static void
test_keys_when_made_then_share_the_streams_slot(void **state)
{
	(void)state;
	all_share("complaints");
	all_share("complaints.63");
	all_share("{shop}.complaints");
}

static void
test_keys_when_made_then_named_as_documented(void **state)
{
	struct am_keys k;
	struct am_arena a;

	(void)state;
	am_keys_init(&k, "complaints");
	am_arena_init(&a, 0);
	assert_string_equal(k.stream, "complaints");
	assert_string_equal(k.prefix, "{complaints}:");
	assert_string_equal(k.token, "{complaints}:token");
	assert_string_equal(k.tries, "{complaints}:tries");
	assert_true(am_str_is(
	    am_key(&k, &a, "out", AM_STR("crm")), "{complaints}:out:crm"));
	assert_true(am_str_is(am_key(&k, &a, "c", (struct am_str){ NULL, 0 }),
	    "{complaints}:c:"));
	am_arena_fini(&a);
	am_keys_fini(&k);
}

static struct am_str
out_parse(struct am_str name, uint8_t in_class)
{
	struct am_str endpoint;

	assert_int_equal(am_out_parse(name, &endpoint), in_class);
	return endpoint;
}

/* TI4: each class of an endpoint has an outbox; that of class 0 has the name
 * that the only one had before there were classes. */
static void
test_keys_when_of_an_outbox_then_name_endpoint_and_class(void **state)
{
	static const char *const names[] = { "crm", "crm:1", "crm:2", "crm:3" };
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (uint8_t i = 0; i < AM_COUNT(names); i++) {
		struct am_str name = am_out_name(&a, AM_STR("crm"), i);

		assert_true(am_str_is(name, names[i]));
		assert_true(am_str_is(out_parse(name, i), "crm"));
	}
	/* what a person put there is the name of an endpoint that is gone */
	assert_true(am_str_is(out_parse(AM_STR("crm:4"), 0), "crm:4"));
	assert_true(am_str_is(out_parse(AM_STR("crm:0"), 0), "crm:0"));
	assert_true(am_str_is(out_parse(AM_STR(":1"), 0), ":1"));
	assert_true(am_str_is(out_parse(AM_STR("1"), 0), "1"));
	assert_int_equal(out_parse(AM_STR(""), 0).n, 0);
	am_arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_keys_when_made_then_share_the_streams_slot),
		cmocka_unit_test(test_keys_when_made_then_named_as_documented),
		cmocka_unit_test(
		    test_keys_when_of_an_outbox_then_name_endpoint_and_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
