#pragma once

/*
 * map - foreign JSON as events, by the maps of a producer (layer: intake).
 *
 * Pure, but for the arena. Works on flattened pairs (codec/json.h); a path of
 * conf has a dot where these have brackets: "alerts.0.status" is
 * "alerts[0].status".
 */

#include "base/arena.h"
#include "conf/conf.h"

/* Pairs of one element; of each name the first `skip` bytes lead to it. */
struct am_map_element {
	const struct am_pair *v;
	size_t n, skip;
};

/*
 * The elements of the array at `each`, in order; NULL: the whole as one. Empty
 * elements and nulls make no pairs: they are counted in *empty, but for those
 * at the end.
 */
void am_map_elements(const char *each, const struct am_pair *pairs, size_t n,
    struct am_arena *a, const struct am_map_element **elements,
    size_t *elements_n, size_t *empty);

/* The text at a path; n == 0: none there. */
struct am_str am_map_get(const struct am_map_element *el, const char *path);

/* The first map that fits; NULL: none does. */
const struct am_conf_map *am_map_find(const struct am_conf_producer *p,
    const struct am_map_element *el, const struct am_map_element *whole);

/*
 * The fields of the event, `event` first; those that come out empty are left
 * out, and texts longer than a field takes are cut. -AM_EINVAL with *why when a
 * hole of event_id or complaint_id has nothing to be filled with, for what is
 * left would be the id of another event.
 */
AM_MUSTCHECK int
am_map_apply(const struct am_conf_map *map, const struct am_map_element *el,
    const struct am_map_element *whole, struct am_arena *a,
    const struct am_pair **fields, size_t *n, struct am_reject *why);
