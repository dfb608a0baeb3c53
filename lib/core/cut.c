/*
 * cut - see cut.h. How long values may be at most is looked for by halving, and
 * each guess is joined and measured: what a text takes depends on all of it.
 *
 * A character less may cost a segment more (a pair then meets its end), so the
 * search may miss the longest that fits by a character; what it gives does fit.
 * Taking a character away from one value at a time was rejected: it says the
 * same, a hundred times slower.
 */

#include "core/cut.h"

#include "base/str.h"
#include "core/segments.h"

#define MARK "..."
#define MARK_N 3 /* characters, and septets */

/* How values are cut: characters that one may have, the mark counted; whether
 * before what GSM 03.38 has not. */
struct way {
	size_t most;
	bool gsm7;
};

static size_t
char_bytes(struct am_str s)
{
	size_t n = am_utf8_char(s.p, s.n);

	return n > 0 ? n : 1;
}

static size_t
count_chars(struct am_str s)
{
	size_t n = 0;

	for (; s.n > 0; n++) {
		size_t bytes = char_bytes(s);

		s.p += bytes;
		s.n -= bytes;
	}
	return n;
}

static bool
is_gsm7(struct am_str s)
{
	return am_segments_count(s).gsm7;
}

/* How many characters of a value of n are left that way. */
static size_t
left_of(struct am_str value, size_t n, const struct way *way)
{
	size_t left = n;

	if (n > way->most)
		left = way->most - MARK_N;
	if (!way->gsm7)
		return left;
	for (size_t i = 0; i < left; i++) {
		size_t bytes = char_bytes(value);

		if (!is_gsm7((struct am_str){ value.p, bytes }))
			return i;
		value.p += bytes;
		value.n -= bytes;
	}
	return left;
}

/* Join; gives the characters that are left of the values. */
static size_t
join(const struct am_piece *pieces, size_t n, const struct way *way,
    struct am_buf *out)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		struct am_str s = pieces[i].text;
		size_t all, left, bytes = 0;

		if (!pieces[i].may_cut) {
			am_buf_addstr(out, s);
			continue;
		}
		all = count_chars(s);
		left = left_of(s, all, way);
		sum += left;
		for (size_t k = 0; k < left; k++)
			bytes += char_bytes(
			    (struct am_str){ s.p + bytes, s.n - bytes });
		am_buf_add(out, s.p, bytes);
		if (left < all)
			am_buf_adds(out, MARK);
	}
	return sum;
}

bool
am_cut_fits(struct am_str s, struct am_cut_limit limit)
{
	return (limit.bytes == 0 || s.n <= limit.bytes) &&
	       (limit.characters == 0 || count_chars(s) <= limit.characters) &&
	       (limit.segments == 0 ||
		   am_segments_count(s).segments <= limit.segments);
}

/* Find how long values may be that way; false when it fits at no length. Gives
 * the characters left in *sum. */
static bool
find(const struct am_piece *pieces, size_t n, struct am_cut_limit limit,
    size_t longest, struct way *way, struct am_buf *out, size_t *sum)
{
	size_t start = out->n, no = longest + 1, yes = 0;

	for (way->most = MARK_N; yes == 0 || no - yes > 1;
	     way->most = yes + (no - yes) / 2) {
		bool ok;

		join(pieces, n, way, out);
		ok = am_cut_fits(
		    (struct am_str){ out->p + start, out->n - start }, limit);
		out->n = start;
		if (ok)
			yes = way->most;
		else if (yes == 0)
			return false;
		else
			no = way->most;
	}
	way->most = yes;
	*sum = join(pieces, n, way, out);
	out->n = start;
	return true;
}

/* Whether only values keep it from being GSM-7. */
static bool
may_be_gsm7(const struct am_piece *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!pieces[i].may_cut && !is_gsm7(pieces[i].text))
			return false;
	}
	return true;
}

enum am_cut
am_cut_join(const struct am_piece *pieces, size_t n, struct am_cut_limit limit,
    struct am_buf *out)
{
	struct way way = { .most = SIZE_MAX }, plain = { .gsm7 = true };
	size_t start = out->n, longest = MARK_N, sum = 0, plain_sum = 0;
	bool ok, plain_ok;

	join(pieces, n, &way, out);
	if (am_cut_fits(
		(struct am_str){ out->p + start, out->n - start }, limit))
		return AM_CUT_NONE;
	out->n = start;
	for (size_t i = 0; i < n; i++) {
		size_t chars = count_chars(pieces[i].text);

		if (pieces[i].may_cut && chars > longest)
			longest = chars;
	}
	ok = find(pieces, n, limit, longest, &way, out, &sum);
	plain_ok = limit.segments > 0 && may_be_gsm7(pieces, n) &&
		   find(pieces, n, limit, longest, &plain, out, &plain_sum);
	if (plain_ok && (!ok || plain_sum > sum))
		way = plain;
	join(pieces, n, &way, out);
	return ok || plain_ok ? AM_CUT_DONE : AM_CUT_OVER;
}
