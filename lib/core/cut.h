#pragma once

/*
 * cut - a text made to fit by shortening what may be shortened (layer: core).
 *
 * A text is given in pieces: what was written, which is never touched, and
 * values, some of which may be cut. A value that is cut ends in "..." and is
 * cut at a character, so no character of UTF-8, no surrogate pair and no escape
 * pair of GSM 03.38 is ever divided.
 */

#include "base/buf.h"

struct am_piece {
	struct am_str text;
	bool may_cut;
};

/* 0: no limit. */
struct am_cut_limit {
	size_t segments; /* of an SMS, see segments.h */
	size_t characters;
	size_t bytes;
};

enum am_cut {
	AM_CUT_NONE, /* it fits as it is */
	AM_CUT_DONE, /* it fits, cut */
	AM_CUT_OVER, /* it does not fit, and nothing is left to cut */
};

bool am_cut_fits(struct am_str text, struct am_cut_limit limit);

/*
 * Append the pieces to out, within the limit where that can be. The longest
 * values are cut first, all to one length, and no shorter than it takes. Where
 * it is only values that keep the text from being GSM-7, they may be cut before
 * the first character that does, when more is left of all values that way.
 */
enum am_cut am_cut_join(const struct am_piece *pieces, size_t n,
    struct am_cut_limit limit, struct am_buf *out);
