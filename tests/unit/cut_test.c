/* cut - texts made to fit: by hand, and at random. SEED=n repeats a run. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/cut.h"
#include "core/segments.h"
#include "tests/unit/rnd.h"

#define PIECES_MAX 12

/* "literal", or "<value>", which may be cut. */
static size_t
pieces_of(const char *const *texts, struct am_piece *out)
{
	size_t n = 0;

	for (; texts[n] != NULL; n++) {
		struct am_str s = am_str_c(texts[n]);

		out[n] = (struct am_piece){ s, false };
		if (s.n > 1 && s.p[0] == '<')
			out[n] =
			    (struct am_piece){ { s.p + 1, s.n - 2 }, true };
	}
	return n;
}

#define ROW_TEXTS 6

struct row {
	const char *texts[ROW_TEXTS];
	struct am_cut_limit limit;
	enum am_cut is;
	const char *want;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct am_piece pieces[ROW_TEXTS];
		size_t k = pieces_of(rows[i].texts, pieces);
		struct am_buf b;
		enum am_cut is;

		am_buf_init(&b);
		is = am_cut_join(pieces, k, rows[i].limit, &b);
		if (is != rows[i].is ||
		    !am_str_is(am_buf_str(&b), rows[i].want))
			fail_msg("row %zu: %d '%.*s'", i, (int)is,
			    AM_ARG(am_buf_str(&b)));
		am_buf_fini(&b);
	}
}

/* clang-format off */
#define CHARS(n) { 0, n, 0 }
#define SEGMENTS(n) { n, 0, 0 }
#define BYTES(n) { 0, 0, n }
/* clang-format on */
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ZH30 "中中中中中中中中中中中中中中中中中中中中中中中中中中中中中中"

static void
test_cut_when_it_fits_then_nothing_is_changed(void **state)
{
	static const struct row rows[] = {
		{ { "a", "<bcd>", NULL }, CHARS(4), AM_CUT_NONE, "abcd" },
		{ { "a", "<bcdef>", NULL }, CHARS(0), AM_CUT_NONE, "abcdef" },
		{ { NULL }, CHARS(1), AM_CUT_NONE, "" },
		{ { A50, "<中中>", NULL }, SEGMENTS(1), AM_CUT_NONE,
		    A50 "中中" },
	};

	(void)state;
	check(rows, AM_COUNT(rows));
}

static void
test_cut_when_too_long_then_the_longest_values_first(void **state)
{
	static const struct row rows[] = {
		{ { "<abcdefgh>", NULL }, CHARS(7), AM_CUT_DONE, "abcd..." },
		{ { "<abcdefgh>", "-", "<xyz>", NULL }, CHARS(10), AM_CUT_DONE,
		    "abc...-xyz" },
		/* two of a length, to one length */
		{ { "<abcdef>", "-", "<uvwxyz>", NULL }, CHARS(12), AM_CUT_DONE,
		    "ab...-uv..." },
		/* by characters, not by bytes */
		{ { "<中文字符测试>", NULL }, CHARS(5), AM_CUT_DONE,
		    "中文..." },
		{ { "<😀😀😀😀😀>", NULL }, CHARS(4), AM_CUT_DONE, "😀..." },
	};

	(void)state;
	check(rows, AM_COUNT(rows));
}

/* FU9: what was written, the reply code above all, is not touched. */
static void
test_cut_when_nothing_is_left_to_cut_then_over_and_what_is_written_whole(
    void **state)
{
	static const struct row rows[] = {
		{ { "<abcdef>", "Reply 1. STOP ends.", NULL }, CHARS(10),
		    AM_CUT_OVER, "...Reply 1. STOP ends." },
		{ { "<abc>", "12345", NULL }, CHARS(5), AM_CUT_OVER,
		    "abc12345" },
		{ { "123456", NULL }, CHARS(5), AM_CUT_OVER, "123456" },
	};

	(void)state;
	check(rows, AM_COUNT(rows));
}

/* FU9: a provider counts bytes; no character is divided. */
static void
test_cut_when_bytes_are_limited_then_values_are_cut_and_literals_never(
    void **state)
{
	static const struct row rows[] = {
		{ { "<abcdef>", "12345", NULL }, BYTES(11), AM_CUT_NONE,
		    "abcdef12345" },
		{ { "<abcdef>", "12345", NULL }, BYTES(10), AM_CUT_DONE,
		    "ab...12345" },
		{ { "<中文字符测试一二>", " 1?", NULL }, BYTES(18), AM_CUT_DONE,
		    "中文字符... 1?" },
		{ { "<中文字符测试一二>", " 1?", NULL }, BYTES(17), AM_CUT_DONE,
		    "中文字... 1?" },
		{ { "<abcdef>", "回复1", NULL }, BYTES(9), AM_CUT_OVER,
		    "...回复1" },
		/* both limits hold */
		{ { A50, "<" A50 ">", NULL }, { 1, 0, 60 }, AM_CUT_DONE,
		    A50 "aaaaaaa..." },
		{ { "<" ZH30 ZH30 ZH30 ">", NULL }, { 1, 0, 300 }, AM_CUT_DONE,
		    ZH30 ZH30 "中中中中中中中..." },
	};

	(void)state;
	check(rows, AM_COUNT(rows));
}

/* 160 septets, or 70 units: a value may decide which. */
static void
test_cut_when_a_value_forces_ucs_2_then_it_is_cut_if_that_saves_more(
    void **state)
{
	static const struct row rows[] = {
		/* without its two characters all the rest may stay */
		{ { A50, "<" A50 ">", "<中文>", NULL }, SEGMENTS(1),
		    AM_CUT_DONE, A50 A50 "..." },
		{ { A50, "<" A50 ">", "<ab中文>", NULL }, SEGMENTS(1),
		    AM_CUT_DONE, A50 A50 "ab..." },
		/* thirty of it are more than what it costs to keep 17 */
		{ { "a", "<" ZH30 ZH30 ZH30 ">", NULL }, SEGMENTS(1),
		    AM_CUT_DONE, "a" ZH30 ZH30 "中中中中中中..." },
		/* in a text that is Chinese as it is written nothing is won */
		{ { "中", A50, "<abcdefghijklmnopqrstuvwxyz>", NULL },
		    SEGMENTS(1), AM_CUT_DONE, "中" A50 "abcdefghijklmnop..." },
		/* extension characters count two */
		{ { A50 A50 A50, "<€€€€€€>", NULL }, SEGMENTS(1), AM_CUT_DONE,
		    A50 A50 A50 "€€..." },
	};

	(void)state;
	check(rows, AM_COUNT(rows));
}

/* ---- at random ---- */

/* Values hold no '|', which ends a literal here: so a result can be read back
 * into its pieces. */
static const char *const letters[] = { "a", "b", " ", "é", "Ω", "ç", "{", "€",
	"中", "文", "😀", "\n", "." };

struct made {
	struct am_piece pieces[PIECES_MAX];
	size_t n;
	struct am_cut_limit limit;
};

static struct am_str
random_text(struct am_arena *a, size_t chars, size_t kinds, bool literal)
{
	struct am_buf b;

	am_buf_arena(&b, a, 64);
	if (literal)
		am_buf_addc(&b, '|');
	for (size_t i = 0; i < chars; i++)
		am_buf_adds(&b, letters[rnd(kinds)]);
	if (literal)
		am_buf_addc(&b, '|');
	return am_buf_str(&b);
}

static struct made
random_pieces(struct am_arena *a)
{
	struct made m = { .n = 1 + rnd(PIECES_MAX) };
	bool any = rnd(2) == 0;

	for (size_t i = 0; i < m.n; i++) {
		bool literal = i % 2 == 0;
		size_t kinds = any ? AM_COUNT(letters) : literal ? 3 : 8;

		if (!literal && rnd(6) == 0)
			kinds = AM_COUNT(letters);
		m.pieces[i].may_cut = !literal;
		m.pieces[i].text =
		    random_text(a, rnd(literal ? 40 : 65), kinds, literal);
	}
	if (rnd(4) != 0)
		m.limit.segments = 1 + rnd(3);
	else if (rnd(2) != 0)
		m.limit.characters = 1 + rnd(200);
	if (rnd(3) == 0)
		m.limit.bytes = 1 + rnd(400);
	return m;
}

static bool
fits(struct am_str s, struct am_cut_limit limit)
{
	return (limit.segments == 0 ||
		   am_segments_count(s).segments <= limit.segments) &&
	       (limit.characters == 0 || am_utf8_len(s) <= limit.characters) &&
	       (limit.bytes == 0 || s.n <= limit.bytes);
}

/* The values of a result, between the literals in their order; false when a
 * literal is not there. */
static bool
read_back(const struct made *m, struct am_str s, struct made *out)
{
	*out = *m;
	for (size_t i = 0; i < m->n; i++) {
		struct am_str want = m->pieces[i].text, got = s;

		if (m->pieces[i].may_cut) {
			const char *end = s.n > 0 ? memchr(s.p, '|', s.n) : 0;

			got.n = end != NULL ? (size_t)(end - s.p) : s.n;
		} else {
			got.n = want.n < s.n ? want.n : s.n;
			if (!am_str_eq(got, want))
				return false;
		}
		out->pieces[i].text = got;
		s.p += got.n;
		s.n -= got.n;
	}
	return s.n == 0;
}

/* A value is as it was, or the head of it, at a character, and the mark. */
static bool
is_head(struct am_str was, struct am_str is, bool *cut)
{
	*cut = !am_str_eq(was, is);
	if (!*cut)
		return true;
	return is.n >= 3 && memcmp(is.p + is.n - 3, "...", 3) == 0 &&
	       is.n - 3 < was.n && memcmp(was.p, is.p, is.n - 3) == 0 &&
	       am_utf8_ok(is);
}

/* Nothing is left when every value has three characters at most. */
static bool
is_exhausted(const struct made *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->pieces[i].may_cut && am_utf8_len(m->pieces[i].text) > 3)
			return false;
	}
	return true;
}

static void
try_one(struct am_arena *a, size_t seen[3])
{
	struct made m = random_pieces(a), back, again;
	struct am_buf b, b2;
	bool cut, any = false;
	enum am_cut is;

	am_buf_arena(&b, a, 256);
	am_buf_arena(&b2, a, 256);
	is = am_cut_join(m.pieces, m.n, m.limit, &b);
	seen[is]++;
	assert_true(read_back(&m, am_buf_str(&b), &back));
	for (size_t i = 0; i < m.n; i++) {
		assert_true(
		    is_head(m.pieces[i].text, back.pieces[i].text, &cut));
		any |= cut;
	}
	assert_int_equal(fits(am_buf_str(&b), m.limit), is != AM_CUT_OVER);
	assert_true(is != AM_CUT_NONE || !any);
	assert_true(is != AM_CUT_DONE || any);
	assert_true(is != AM_CUT_OVER || is_exhausted(&back));
	/* what was made to fit is left as it is */
	again = back;
	assert_int_equal(am_cut_join(again.pieces, again.n, again.limit, &b2),
	    is == AM_CUT_OVER ? AM_CUT_OVER : AM_CUT_NONE);
	if (is != AM_CUT_OVER)
		assert_true(am_str_eq(am_buf_str(&b), am_buf_str(&b2)));
}

static void
test_cut_at_random_it_fits_or_nothing_is_left_and_literals_are_whole(
    void **state)
{
	size_t seen[3] = { 0 };
	struct am_arena a;

	(void)state;
	rnd_seed("cut");
	am_arena_init(&a, 1 << 16);
	for (size_t i = 0; i < 20000; i++) {
		try_one(&a, seen);
		am_arena_reset(&a);
	}
	am_arena_fini(&a);
	for (size_t i = 0; i < 3; i++)
		assert_true(seen[i] > 1000);
}

/* The mark is of GSM 03.38, and a value that is no UTF-8 breaks nothing. */
static void
test_cut_when_a_value_is_no_utf_8_then_its_bytes_are_characters(void **state)
{
	static const struct row rows[] = {
		{ { "<\xff\xff\xff\xff\xff\xff>", NULL }, CHARS(5), AM_CUT_DONE,
		    "\xff\xff..." },
	};

	(void)state;
	check(rows, AM_COUNT(rows));
	assert_true(am_segments_count(AM_STR("...")).gsm7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_when_it_fits_then_nothing_is_changed),
		cmocka_unit_test(
		    test_cut_when_too_long_then_the_longest_values_first),
		cmocka_unit_test(
		    test_cut_when_nothing_is_left_to_cut_then_over_and_what_is_written_whole),
		cmocka_unit_test(
		    test_cut_when_bytes_are_limited_then_values_are_cut_and_literals_never),
		cmocka_unit_test(
		    test_cut_when_a_value_forces_ucs_2_then_it_is_cut_if_that_saves_more),
		cmocka_unit_test(
		    test_cut_at_random_it_fits_or_nothing_is_left_and_literals_are_whole),
		cmocka_unit_test(
		    test_cut_when_a_value_is_no_utf_8_then_its_bytes_are_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
