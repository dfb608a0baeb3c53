#pragma once

/*
 * erase_match - which stream entries an erasure takes along (layer: daemon).
 *
 * An entry belongs to the complaint that the daemon took it for: it is decoded
 * as it was then, so that a carrier of JSON and an opening without an id are
 * known, too. What cannot be decoded is asked for the id that it gives. What
 * names no complaint, such as a reply or an opt-out, is the customer's when an
 * address of theirs stands in it.
 */

#include "daemon/engine.h"

struct redisReply;

struct am_erase_match {
	const struct am_conf *conf;
	struct am_str id;		/* of the complaint */
	const struct am_str *addresses; /* as given, and as they are dialled */
	size_t addresses_n;
	bool home;    /* in the streams of its own shard; in others the same id
			 is a complaint there */
	bool rejects; /* fields stand behind "f." */
};

/* An entry of XRANGE: its id and an array of names and values. */
bool am_erase_matches(
    const struct am_erase_match *m, const struct redisReply *entry);
