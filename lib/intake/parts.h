#pragma once

/*
 * parts - long texts that a gateway sends in pieces, joined (layer: intake).
 *
 * Pieces are kept in memory until the last has come, or for ten minutes; what
 * has come by then is given out with gaps as "…". A gateway has been told that
 * we have its piece, so pieces that wait are lost if the process is killed; at
 * a stop they are given out. Bounded: where no more can be kept, a piece is a
 * message of its own.
 */

#include "base/arena.h"

#define AM_PARTS_WAIT (10 * AM_MINUTE)
#define AM_PARTS_TEXTS_MAX 1000	     /* texts at once */
#define AM_PARTS_BYTES_MAX (4 << 20) /* of all pieces kept */

struct am_parts;

/* Which text: by which endpoint, from whom, under which reference. */
struct am_parts_key {
	struct am_str endpoint, from, ref;
	unsigned of; /* pieces, 2 to 64 */
};

struct am_parts_text {
	struct am_parts_key key;
	struct am_str id; /* of the first piece that is there */
	struct am_str text;
};

struct am_parts *am_parts_new(void);
void am_parts_free(struct am_parts *p);

enum am_parts_got {
	AM_PARTS_WAITS, /* for others */
	AM_PARTS_WHOLE, /* *out is the text, in the arena */
	AM_PARTS_KNOWN, /* of a text that was given out and is done */
	AM_PARTS_ALONE, /* no room, or its name is another text's */
};

/*
 * no: from 1 to key->of; id: of this piece, the same when it is sent again. A
 * text that is whole is kept until am_parts_done(), and is whole again with
 * every piece that is sent again.
 */
enum am_parts_got
am_parts_add(struct am_parts *p, const struct am_parts_key *key, unsigned no,
    struct am_str id, struct am_str text, am_ms now, struct am_arena *a,
    struct am_parts_text *out);

/* It is written: of the text only the name stays for the rest of its time, so
 * that a piece that is sent again begins nothing. */
void am_parts_done(struct am_parts *p, const struct am_parts_key *key);

/*
 * The next text whose time is over, into the arena; false: none. It is given
 * again a minute later unless it is done by then.
 */
bool am_parts_over(struct am_parts *p, am_ms now, struct am_arena *a,
    struct am_parts_text *out);
/* All times are over. */
void am_parts_hurry(struct am_parts *p);
/* The instant of the next end; AM_NEVER: nothing is kept. */
am_ms am_parts_next(const struct am_parts *p);
/* Texts of which pieces wait. */
size_t am_parts_waiting(const struct am_parts *p);
