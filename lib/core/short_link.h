#pragma once

/*
 * short_link - a customer's signed short link to the state of a complaint
 * (layer: core).
 *
 *   URL/c/ID.HOURS.MAC
 *
 * HOURS since 1970, in base 36, is when it expires; MAC are the first 16 bytes
 * of HMAC-SHA256 over "amends-link-1", ID and HOURS with 0 bytes between, in
 * the digits of a follow-up id. All of it may stand in a URL as it is. Whoever
 * has the link may look; it names no person.
 */

#include "base/buf.h"

#include <amends/loop.h>

#define AM_SHORT_LINK_PATH "/c/"

/* Append the link to a complaint, good for the definition's ttl from now on and
 * up to an hour longer. */
void am_short_link_add(struct am_buf *out, const struct am_linkdef *link,
    struct am_str id, am_ms now);

/* When one made at `now` expires. */
am_ms am_short_link_ends(const struct am_linkdef *link, am_ms now);

/*
 * What stands behind AM_SHORT_LINK_PATH: *id borrows from it. -AM_ENOENT: not a
 * link of ours, -AM_EREFUSED: it was, and its time is over (*id is set then,
 * too). Takes as long for a wrong MAC as for a right one.
 */
AM_MUSTCHECK int am_short_link_read(const struct am_linkdef *link,
    struct am_str tail, am_ms now, struct am_str *id);
