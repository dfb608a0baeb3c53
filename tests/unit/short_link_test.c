/*
 * short_link - a customer's link says what it was made for and when it ends,
 * and nothing else is taken for one (AU2).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/short_link.h"

#define NOW ((am_ms)1795000000000)

static const struct am_linkdef def = { "https://care.example",
	AM_STR("a secret of sixteen"), 30 * AM_DAY };

/* What stands behind the path, in buf. */
static struct am_str
made(const struct am_linkdef *link, const char *id, char buf[128])
{
	const char *path;
	struct am_buf b;

	am_buf_init(&b);
	am_short_link_add(&b, link, am_str_c(id), NOW);
	snprintf(buf, 128, "%.*s", AM_ARG(am_buf_str(&b)));
	am_buf_fini(&b);
	path = strstr(buf, AM_SHORT_LINK_PATH);
	assert_non_null(path);
	return am_str_c(path + strlen(AM_SHORT_LINK_PATH));
}

static void
test_short_link_when_read_then_gives_the_complaint(void **state)
{
	static const char *const ids[] = { "C-1", "a", "2026.11:22_x-", ".",
		"0123456789012345678901234567890123456789012345678901234567890"
		"123" };
	struct am_str id;
	char buf[128];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(ids); i++) {
		struct am_str tail = made(&def, ids[i], buf);

		assert_true(
		    am_str_prefix(am_str_c(buf), "https://care.example/c/"));
		assert_int_equal(am_short_link_read(&def, tail, NOW, &id), 0);
		assert_true(am_str_is(id, ids[i]));
	}
}

static void
test_short_link_when_its_time_is_over_then_is_refused(void **state)
{
	struct am_str tail, id = { NULL, 0 };
	char buf[128];

	(void)state;
	tail = made(&def, "C-1", buf);
	assert_int_equal(am_short_link_read(&def, tail, NOW + def.ttl, &id), 0);
	assert_int_equal(
	    am_short_link_read(&def, tail, NOW + def.ttl + AM_HOUR + 1, &id),
	    -AM_EREFUSED);
	assert_true(am_str_is(id, "C-1"));
}

/* Any one character changed, left out or put in is no link. */
static void
test_short_link_when_anything_is_changed_then_is_none(void **state)
{
	struct am_str tail, id = { NULL, 0 };
	char buf[128], bad[128];

	(void)state;
	tail = made(&def, "C-1", buf);
	for (size_t i = 0; i < tail.n; i++) {
		for (const char *p = "a2.-Z"; *p != '\0'; p++) {
			memcpy(bad, tail.p, tail.n);
			if (bad[i] == *p)
				continue;
			bad[i] = *p;
			assert_int_equal(
			    am_short_link_read(
				&def, (struct am_str){ bad, tail.n }, NOW, &id),
			    -AM_ENOENT);
		}
		memcpy(bad, tail.p, i);
		memcpy(bad + i, tail.p + i + 1, tail.n - i - 1);
		assert_int_equal(
		    am_short_link_read(
			&def, (struct am_str){ bad, tail.n - 1 }, NOW, &id),
		    -AM_ENOENT);
		assert_int_equal(am_short_link_read(&def,
				     (struct am_str){ tail.p, i }, NOW, &id),
		    -AM_ENOENT);
	}
	assert_null(id.p);
}

static void
test_short_link_when_of_another_secret_then_is_none(void **state)
{
	struct am_linkdef other = def;
	struct am_str id;
	char buf[128];

	(void)state;
	other.secret = AM_STR("another of sixteen!");
	assert_int_equal(
	    am_short_link_read(&def, made(&other, "C-1", buf), NOW, &id),
	    -AM_ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_short_link_when_read_then_gives_the_complaint),
		cmocka_unit_test(
		    test_short_link_when_its_time_is_over_then_is_refused),
		cmocka_unit_test(
		    test_short_link_when_anything_is_changed_then_is_none),
		cmocka_unit_test(
		    test_short_link_when_of_another_secret_then_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
