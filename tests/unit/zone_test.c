/*
 * zone - TZif files made here, and files made in bad faith.
 *
 * Every real zone is compared with zoneinfo in
 * tests/system/test_calendar_oracle.py.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "conf/zone.h"

#include "rnd.h"

static char dir[] = P_tmpdir "/amends-zone-XXXXXX";
static am_ms until; /* end of 2040 */

struct spec {		     /* of a file */
	const char *version; /* "" is version 1 */
	size_t n;
	const int64_t *times;
	const uint8_t *which;
	size_t types;
	const int32_t *offsets;
	const char *footer; /* without the newlines */
};

static void
put_be(struct am_buf *b, uint64_t v, size_t n)
{
	while (n-- > 0)
		am_buf_addc(b, (char)(uint8_t)(v >> (8 * n)));
}

static void
put_block(struct am_buf *b, const struct spec *s, size_t time_bytes)
{
	char head[20] = "TZif";

	head[4] = s->version[0];
	am_buf_add(b, head, sizeof(head));
	put_be(b, 0, 8);
	put_be(b, 0, 4);
	put_be(b, s->n, 4);
	put_be(b, s->types, 4);
	put_be(b, 4, 4);
	for (size_t i = 0; i < s->n; i++)
		put_be(b, (uint64_t)s->times[i], time_bytes);
	am_buf_add(b, s->which, s->n);
	for (size_t i = 0; i < s->types; i++) {
		put_be(b, (uint32_t)s->offsets[i], 4);
		put_be(b, 0, 2);
	}
	am_buf_add(b, "TST", 4);
}

static void
put_file(struct am_buf *b, const struct spec *s)
{
	am_buf_init(b);
	put_block(b, s, 4);
	if (s->version[0] == '\0')
		return;
	put_block(b, s, 8);
	am_buf_addf(b, "\n%s\n", s->footer);
}

static void
write_file(const char *name, const void *p, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static const struct am_zone *
load(struct am_arena *a, const struct spec *s)
{
	const struct am_zone *zone = NULL;
	struct am_buf b;

	put_file(&b, s);
	write_file("Made/Zone", b.p, b.n);
	am_buf_fini(&b);
	assert_int_equal(am_zone_load(a, "Made/Zone", until, &zone), 0);
	return zone;
}

static int32_t
offset_at(const struct am_zone *zone, const char *utc)
{
	am_ms t;

	assert_int_equal(am_rfc3339_parse(am_str_c(utc), &t), 0);
	return am_zone_offset(zone, t);
}

static const int64_t no_times[1];
static const uint8_t no_which[1];
static const int32_t hour_offset[] = { 3600 };

static void
test_zone_when_a_table_is_read_then_each_step_begins_on_time(void **state)
{
	static const int64_t times[] = { -1000, 0, 500000000 };
	static const uint8_t which[] = { 1, 1, 2 };
	static const int32_t offsets[] = { -17762, 3600, 7200 };
	static const char *const versions[] = { "", "2", "3", "4" };
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_COUNT(versions); i++) {
		const struct spec s = { versions[i], 3, times, which, 3,
			offsets, "TST-2" };
		const struct am_zone *z = load(&a, &s);

		assert_string_equal(z->name, "Made/Zone");
		assert_int_equal(am_zone_offset(z, INT64_MIN), -17762);
		assert_int_equal(am_zone_offset(z, -1000001), -17762);
		assert_int_equal(am_zone_offset(z, -1000000), 3600);
		assert_int_equal(am_zone_offset(z, 499999999999), 3600);
		assert_int_equal(am_zone_offset(z, 500000000000), 7200);
		assert_int_equal(am_zone_offset(z, AM_NEVER), 7200);
		/* the change from 3600 to 3600 is none */
		assert_int_equal(z->steps_n, 3);
	}
	am_arena_fini(&a);
}

static void
test_zone_when_the_footer_has_a_rule_then_it_goes_on_to_until(void **state)
{
	static const struct {
		const char *footer, *before, *after;
		int32_t was, is;
	} cases[] = {
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2037-03-29T00:59:59Z",
		    "2037-03-29T01:00:00Z", 3600, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2037-10-25T00:59:59Z",
		    "2037-10-25T01:00:00Z", 7200, 3600 },
		/* the south: the year begins in summer */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2030-04-06T15:59:59Z",
		    "2030-04-06T16:00:00Z", 39600, 36000 },
		/* Dublin: winter is the other time, and it is behind */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2030-10-27T00:59:59Z",
		    "2030-10-27T01:00:00Z", 3600, 0 },
		/* half an hour, quoted names, offset with minutes */
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		    "2030-10-05T15:29:59Z", "2030-10-05T15:30:00Z", 37800,
		    39600 },
		/* Julian day 60 is 1 March, leap year or not */
		{ "AAA0BBB,J60/0,J300/0", "2032-02-29T23:59:59Z",
		    "2032-03-01T00:00:00Z", 0, 3600 },
		/* day 59 from 0 is 29 February of a leap year */
		{ "AAA0BBB,59/0,299/0", "2032-02-28T23:59:59Z",
		    "2032-02-29T00:00:00Z", 0, 3600 },
		/* hours below 0 and above 24: Nuuk, Gaza */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T00:59:59Z",
		    "2030-03-31T01:00:00Z", -7200, -3600 },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-29T23:59:59Z",
		    "2030-03-30T00:00:00Z", 7200, 10800 },
	};
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		const struct spec s = { "3", 0, no_times, no_which, 1,
			hour_offset, cases[i].footer };
		const struct am_zone *z = load(&a, &s);

		assert_int_equal(offset_at(z, cases[i].before), cases[i].was);
		assert_int_equal(offset_at(z, cases[i].after), cases[i].is);
	}
	am_arena_fini(&a);
}

static void
test_zone_when_summer_never_ends_then_there_is_one_offset(void **state)
{
	const struct spec s = { "3", 0, no_times, no_which, 1, hour_offset,
		"XXX3EDT4,0/0,J365/23" };
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_zone *z = load(&a, &s);

	for (am_ms t = AM_DAY; t < until; t += 7 * AM_HOUR)
		assert_int_equal(am_zone_offset(z, t), -4 * 3600);
	am_arena_fini(&a);
}

static void
test_zone_when_the_footer_is_wrong_then_the_file_is_refused(void **state)
{
	static const char *const bad[] = { "X", "TST", "TST-", "<+03-3",
		"TST-25", "TST-3:60", "TST-3XXX", "TST-3XXX,M3.5.0",
		"TST-3XXX,M3.5.0,", "TST-3XXX,M13.1.0,M3.5.0",
		"TST-3XXX,M0.1.0,M3.5.0", "TST-3XXX,M3.6.0,M3.5.0",
		"TST-3XXX,M3.5.7,M3.5.0", "TST-3XXX,J0,J5", "TST-3XXX,J366,J5",
		"TST-3XXX,366,5", "TST-3XXX,M3.5.0/168,M10.5.0",
		"TST-3XXX,M3.5.0,M10.5.0 ", "TST-3XXX,M3.5.0,M10.5.0,M11.1.1",
		"TST-99999999999999999999", ":Europe/Berlin" };
	const struct am_zone *zone = NULL;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		const struct spec s = { "2", 0, no_times, no_which, 1,
			hour_offset, bad[i] };
		struct am_buf b;

		put_file(&b, &s);
		write_file("Bad", b.p, b.n);
		am_buf_fini(&b);
		assert_int_equal(
		    am_zone_load(&a, "Bad", until, &zone), -AM_EINVAL);
	}
	assert_null(zone);
	am_arena_fini(&a);
}

static void
test_zone_when_the_name_leaves_the_database_then_there_is_none(void **state)
{
	static const char *const names[] = { "", "/etc/passwd", "../zone",
		"Made/../Zone", "No/Such_Zone", "A B", "Made//\xff",
		"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaa" };
	const struct am_zone *zone = NULL;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_COUNT(names); i++)
		assert_int_equal(
		    am_zone_load(&a, names[i], until, &zone), -AM_ENOENT);
	/* a folder is there, but it is no zone */
	assert_int_equal(am_zone_load(&a, "Made", until, &zone), -AM_EINVAL);
	assert_null(zone);
	assert_int_equal(am_zone_load(&a, "UTC", until, &zone), 0);
	assert_int_equal(am_zone_offset(zone, until), 0);
	am_arena_fini(&a);
}

static void
test_zone_when_a_file_is_cut_anywhere_then_it_is_refused(void **state)
{
	static const int64_t times[] = { 0, 500000000 };
	static const uint8_t which[] = { 1, 0 };
	static const int32_t offsets[] = { 0, 3600 };
	const struct spec s = { "2", 2, times, which, 2, offsets,
		"CET-1CEST,M3.5.0,M10.5.0/3" };
	const struct am_zone *zone = NULL;
	struct am_arena a;
	struct am_buf b;

	(void)state;
	am_arena_init(&a, 0);
	put_file(&b, &s);
	for (size_t n = 0; n < b.n; n++) {
		write_file("Cut", b.p, n);
		assert_int_equal(
		    am_zone_load(&a, "Cut", until, &zone), -AM_EINVAL);
	}
	assert_null(zone);
	am_buf_fini(&b);
	am_arena_fini(&a);
}

static void
test_zone_when_a_file_is_too_large_then_it_is_refused(void **state)
{
	const struct spec s = { "2", 0, no_times, no_which, 1, hour_offset,
		"TST-1" };
	const struct am_zone *zone = NULL;
	struct am_arena a;
	struct am_buf b;

	(void)state;
	am_arena_init(&a, 0);
	put_file(&b, &s);
	while (b.n < 300000)
		am_buf_addc(&b, 'x');
	write_file("Large", b.p, b.n);
	assert_int_equal(am_zone_load(&a, "Large", until, &zone), -AM_EINVAL);
	assert_null(zone);
	am_buf_fini(&b);
	am_arena_fini(&a);
}

/* Whatever the bytes: an error, or a step function that is one. */
static void
test_zone_when_bytes_are_changed_at_random_then_nothing_breaks(void **state)
{
	static const int64_t times[] = { INT64_MIN, 0, 500000000, 900000000 };
	static const uint8_t which[] = { 0, 1, 0, 1 };
	static const int32_t offsets[] = { 0, 3600 };
	const struct spec s = { "2", 4, times, which, 2, offsets,
		"CET-1CEST,M3.5.0,M10.5.0/3" };
	size_t good = 0;
	struct am_arena a;
	struct am_buf b;

	(void)state;
	rnd_seed(__func__);
	am_arena_init(&a, 1 << 16);
	put_file(&b, &s);
	for (int i = 0; i < 3000; i++) {
		const struct am_zone *z = NULL;
		char bytes[512];
		size_t n = b.n;

		memcpy(bytes, b.p, n);
		n = rnd_mutate(bytes, n, sizeof(bytes), "0159,./-M\n\xff\x7f");
		write_file("Odd", bytes, n);
		if (am_zone_load(&a, "Odd", until, &z) != 0) {
			assert_null(z);
			continue;
		}
		good++;
		assert_true(z->steps[0].at == INT64_MIN);
		for (size_t k = 0; k < z->steps_n; k++) {
			assert_true(
			    k == 0 || z->steps[k].at > z->steps[k - 1].at);
			assert_in_range(
			    z->steps[k].offset_s + 93600, 0, 2 * 93600);
		}
		am_arena_reset(&a);
	}
	assert_in_range(good, 1, 2999);
	am_buf_fini(&b);
	am_arena_fini(&a);
}

static int
set_up(void **state)
{
	char made[64];

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(made, sizeof(made), "%s/Made", dir);
	if (am_rfc3339_parse(AM_STR("2041-01-01T00:00:00Z"), &until) != 0)
		return -1;
	return mkdir(made, 0700) != 0 || setenv("TZDIR", dir, 1) != 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "Made/Zone", "Bad", "Cut", "Large",
		"Odd", "Made", "" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_zone_when_a_table_is_read_then_each_step_begins_on_time),
		cmocka_unit_test(
		    test_zone_when_the_footer_has_a_rule_then_it_goes_on_to_until),
		cmocka_unit_test(
		    test_zone_when_summer_never_ends_then_there_is_one_offset),
		cmocka_unit_test(
		    test_zone_when_the_footer_is_wrong_then_the_file_is_refused),
		cmocka_unit_test(
		    test_zone_when_the_name_leaves_the_database_then_there_is_none),
		cmocka_unit_test(
		    test_zone_when_a_file_is_cut_anywhere_then_it_is_refused),
		cmocka_unit_test(
		    test_zone_when_a_file_is_too_large_then_it_is_refused),
		cmocka_unit_test(
		    test_zone_when_bytes_are_changed_at_random_then_nothing_breaks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
