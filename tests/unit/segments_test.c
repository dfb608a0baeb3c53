/* segments - what texts cost as SMS, with borders worked out by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/segments.h"

struct piece {
	size_t times;
	const char *text;
};

struct row {
	struct piece pieces[4];
	bool gsm7;
	size_t units, segments;
};

static void
check(const struct row *rows, size_t n)
{
	struct am_buf b;

	am_buf_init(&b);
	for (size_t i = 0; i < n; i++) {
		struct am_segments got;

		am_buf_reset(&b);
		for (size_t k = 0; k < AM_COUNT(rows[i].pieces); k++) {
			for (size_t t = 0; t < rows[i].pieces[k].times; t++)
				am_buf_adds(&b, rows[i].pieces[k].text);
		}
		got = am_segments_count(am_buf_str(&b));
		if (got.gsm7 != rows[i].gsm7 || got.units != rows[i].units ||
		    got.segments != rows[i].segments)
			fail_msg("row %zu: %s, %zu units, %zu segments", i,
			    am_segments_encoding(&got), got.units,
			    got.segments);
	}
	am_buf_fini(&b);
}

#define CHECK(rows) check(rows, AM_COUNT(rows))

static void
test_segments_when_gsm_7_then_160_alone_and_153_each(void **state)
{
	static const struct row rows[] = {
		{ { { 0, "" } }, true, 0, 1 },
		{ { { 159, "a" } }, true, 159, 1 },
		{ { { 160, "a" } }, true, 160, 1 },
		{ { { 161, "a" } }, true, 161, 2 },
		{ { { 306, "a" } }, true, 306, 2 },
		{ { { 307, "a" } }, true, 307, 3 },
		{ { { 459, "a" } }, true, 459, 3 },
		{ { { 460, "a" } }, true, 460, 4 },
		/* two bytes in UTF-8, one septet */
		{ { { 160, "é" } }, true, 160, 1 },
		{ { { 161, "Ω" } }, true, 161, 2 },
	};

	(void)state;
	CHECK(rows);
}

/* An extension character is an escape and a septet. */
static void
test_segments_when_an_extension_stands_at_a_border_then_it_stays_whole(
    void **state)
{
	static const struct row rows[] = {
		{ { { 9, "^" } }, true, 18, 1 },
		{ { { 80, "€" } }, true, 160, 1 },
		{ { { 158, "a" }, { 1, "€" } }, true, 160, 1 },
		{ { { 159, "a" }, { 1, "€" } }, true, 161, 2 },
		/* 151 + 2 fills the first segment, 153 the second */
		{ { { 151, "a" }, { 1, "{" }, { 153, "a" } }, true, 306, 2 },
		/* at 152 it does not fit: a septet stays free, so that the same
		 * 306 units need a third segment */
		{ { { 152, "a" }, { 1, "{" }, { 152, "a" } }, true, 306, 3 },
		{ { { 152, "a" }, { 1, "{" }, { 151, "a" } }, true, 305, 2 },
		/* 76 a segment, each with a septet to spare */
		{ { { 152, "€" } }, true, 304, 2 },
		{ { { 153, "€" } }, true, 306, 3 },
	};

	(void)state;
	CHECK(rows);
}

static void
test_segments_when_ucs_2_then_70_alone_and_67_each(void **state)
{
	static const struct row rows[] = {
		{ { { 70, "中" } }, false, 70, 1 },
		{ { { 71, "中" } }, false, 71, 2 },
		{ { { 134, "中" } }, false, 134, 2 },
		{ { { 135, "中" } }, false, 135, 3 },
		/* one character decides for all; what took two septets takes
		 * one unit */
		{ { { 69, "{" }, { 1, "中" } }, false, 70, 1 },
		{ { { 70, "a" }, { 1, "中" } }, false, 71, 2 },
	};

	(void)state;
	CHECK(rows);
}

static void
test_segments_when_a_surrogate_pair_stands_at_a_border_then_it_stays_whole(
    void **state)
{
	static const struct row rows[] = {
		{ { { 1, "😀" } }, false, 2, 1 },
		{ { { 35, "😀" } }, false, 70, 1 },
		{ { { 68, "中" }, { 1, "😀" } }, false, 70, 1 },
		{ { { 69, "中" }, { 1, "😀" } }, false, 71, 2 },
		{ { { 65, "中" }, { 1, "😀" }, { 67, "中" } }, false, 134, 2 },
		{ { { 66, "中" }, { 1, "😀" }, { 66, "中" } }, false, 134, 3 },
		{ { { 66, "中" }, { 1, "😀" }, { 65, "中" } }, false, 133, 2 },
		/* the last of the BMP takes one */
		{ { { 70, "\xef\xbf\xbf" } }, false, 70, 1 },
	};

	(void)state;
	CHECK(rows);
}

static void
test_segments_when_a_control_stands_in_it_then_only_lf_cr_and_ff_are_gsm(
    void **state)
{
	static const struct row rows[] = {
		{ { { 1, "a\r\nb\n" } }, true, 5, 1 },
		{ { { 80, "\r\n" } }, true, 160, 1 },
		{ { { 80, "\r\n" }, { 1, "a" } }, true, 161, 2 },
		{ { { 1, "a\fb" } }, true, 4, 1 },
		{ { { 1, "a\tb" } }, false, 3, 1 },
		{ { { 1, "a\x1b" } }, false, 2, 1 },
		{ { { 1, "\x7f" } }, false, 1, 1 },
	};
	const struct am_segments zero = am_segments_count(AM_STR("a\0b"));

	(void)state;
	CHECK(rows);
	assert_false(zero.gsm7);
	assert_int_equal(zero.units, 3);
}

/* Each of the 128 + 10, less the escape; and the letters that look so. */
static void
test_segments_when_all_of_the_alphabet_then_gsm_7(void **state)
{
	static const struct row rows[] = {
		{ { { 1, "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./"
			 "0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
			 "abcdefghijklmnopqrstuvwxyzäöñüà" } },
		    true, 127, 1 },
		{ { { 1, "\f^{}\\[~]|€" } }, true, 20, 1 },
		{ { { 1, "ç" } }, false, 1, 1 }, /* it has the capital */
		{ { { 1, "`" } }, false, 1, 1 },
		{ { { 1, "’" } }, false, 1, 1 },
		{ { { 1, "á" } }, false, 1, 1 },
		{ { { 1, "Α" } }, false, 1, 1 }, /* Alpha is not A */
	};

	(void)state;
	CHECK(rows);
}

static void
test_segments_when_a_byte_is_no_utf_8_then_it_is_one_unit_of_ucs_2(void **state)
{
	static const struct row rows[] = {
		{ { { 1, "ab\xff" } }, false, 3, 1 },
		{ { { 1, "a\xc3" } }, false, 2, 1 },	    /* cut off */
		{ { { 1, "\xc0\x80" } }, false, 2, 1 },	    /* overlong */
		{ { { 1, "\xed\xa0\x80" } }, false, 3, 1 }, /* surrogate */
		{ { { 71, "\x80" }, { 1, "a" } }, false, 72, 2 },
	};

	(void)state;
	CHECK(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_segments_when_gsm_7_then_160_alone_and_153_each),
		cmocka_unit_test(
		    test_segments_when_an_extension_stands_at_a_border_then_it_stays_whole),
		cmocka_unit_test(
		    test_segments_when_ucs_2_then_70_alone_and_67_each),
		cmocka_unit_test(
		    test_segments_when_a_surrogate_pair_stands_at_a_border_then_it_stays_whole),
		cmocka_unit_test(
		    test_segments_when_a_control_stands_in_it_then_only_lf_cr_and_ff_are_gsm),
		cmocka_unit_test(
		    test_segments_when_all_of_the_alphabet_then_gsm_7),
		cmocka_unit_test(
		    test_segments_when_a_byte_is_no_utf_8_then_it_is_one_unit_of_ucs_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
