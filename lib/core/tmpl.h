#pragma once

/*
 * tmpl - message texts with `{field}` and `{field:enc}` (layer: core).
 *
 * Compiled at load: an unknown field or encoder is an error there, never at
 * sending. `{{` and `}}` are the braces themselves. Encoders: raw (default in
 * a text), json (with quotes), url (RFC 3986), form, hex.
 */

#include "base/buf.h"
#include "core/cut.h"

#include <amends/complaint.h>

enum am_enc { AM_ENC_RAW, AM_ENC_JSON, AM_ENC_URL, AM_ENC_FORM, AM_ENC_HEX };

/* The encoder of that word; -AM_EINVAL: there is none. */
AM_MUSTCHECK int am_enc_parse(struct am_str word, enum am_enc *enc);
void am_enc_add(struct am_buf *out, enum am_enc enc, struct am_str s);

/* What a text may name. */
struct am_tmpl_ctx {
	const struct am_loopdef *def;
	const struct am_complaint *complaint;
	size_t clock, rung; /* indexes; clock.* and followup.* refer to it */
	const char *followup_id; /* text */
	am_ms due_at, now;
};

/* The i-th field that a text may name, and what it says; NULL behind the last.
 */
const char *am_tmpl_field(size_t i, const char **about);
/* Whether its value may be shortened where a text is too long: it describes,
 * and is no number, id, date or address. */
bool am_tmpl_may_cut(size_t i);

/*
 * Compile into the arena, which the template shares. On -AM_EINVAL *what names
 * the fault and what would be right (text only; file and line are the
 * caller's).
 */
AM_MUSTCHECK int am_tmpl_parse(struct am_arena *a, struct am_str text,
    const struct am_tmpl **t, char what[200]);
void am_tmpl_render(
    const struct am_tmpl *t, const struct am_tmpl_ctx *ctx, struct am_buf *out);
/*
 * The same in pieces, for am_cut_join(); they lie in the arena. A value that is
 * encoded is never cut.
 */
size_t am_tmpl_pieces(const struct am_tmpl *t, const struct am_tmpl_ctx *ctx,
    struct am_arena *a, const struct am_piece **pieces);
/* What stands in it whatever the values are. */
void am_tmpl_literals(const struct am_tmpl *t, struct am_buf *out);
