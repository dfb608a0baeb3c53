/*
 * lanes - see lanes.h.
 *
 * What is known of an outbox is when it is due, and the ids that were read from
 * it ahead. Both are a help only: an id that has left meanwhile is found to
 * have no row, and one that came is told by the commit that brought it.
 */

#include "daemon/turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/sends.h"

void
am_lane_due(struct am_lane *lane, am_ms at)
{
	if (at < lane->next_at)
		lane->next_at = at;
}

/* Not in conf, or of a type that this version cannot send by. */
static bool
is_removed(const struct am_conf *conf, struct am_str endpoint)
{
	const struct am_conf_endpoint *ep = am_conf_endpoint(conf, endpoint);

	return ep == NULL || !ep->built;
}

static struct am_outlet *
find(const struct am_shard *sh, struct am_str endpoint)
{
	for (size_t i = 0; i < sh->outlets_n; i++)
		if (am_str_is(endpoint, sh->outlets[i]->endpoint))
			return sh->outlets[i];
	return NULL;
}

static struct am_lane *
new_lane(struct am_outlet *o, uint8_t in_class)
{
	struct am_lane *lane = calloc(1, sizeof(*lane));
	struct am_arena a;

	AM_ASSERT(lane != NULL);
	am_arena_init(&a, 0);
	lane->name = strdup(am_arena_cstr(
	    &a, am_out_name(&a, am_str_c(o->endpoint), in_class)));
	am_arena_fini(&a);
	AM_ASSERT(lane->name != NULL);
	lane->endpoint = o->endpoint;
	lane->outlet = o;
	lane->next_at = AM_NEVER;
	return lane;
}

struct am_outlet *
am_shard_outlet(struct am_shard *sh, struct am_str endpoint)
{
	size_t n = sh->outlets_n, lanes = (n + 1) * AM_FU_CLASSES;
	struct am_outlet *o = find(sh, endpoint);

	if (o != NULL)
		return o;
	sh->outlets = realloc(sh->outlets, (n + 1) * sizeof(*sh->outlets));
	sh->lanes = realloc(sh->lanes, lanes * sizeof(*sh->lanes));
	o = calloc(1, sizeof(*o));
	AM_ASSERT(sh->outlets != NULL && sh->lanes != NULL && o != NULL);
	o->endpoint = strndup(endpoint.p, endpoint.n);
	AM_ASSERT(o->endpoint != NULL);
	o->at = n;
	o->removed = is_removed(sh->engine->conf, endpoint);
	for (size_t i = 0; i < AM_FU_CLASSES; i++) {
		o->lanes[i] = new_lane(o, (uint8_t)i);
		sh->lanes[sh->lanes_n++] = o->lanes[i];
	}
	sh->outlets[sh->outlets_n++] = o;
	return o;
}

struct am_lane *
am_shard_lane(struct am_shard *sh, struct am_str outbox)
{
	struct am_str endpoint;
	uint8_t in_class = am_out_parse(outbox, &endpoint);

	return am_shard_outlet(sh, endpoint)->lanes[in_class];
}

void
am_lanes_configure(struct am_shard *sh)
{
	const struct am_conf *conf = sh->engine->conf;

	for (size_t i = 0; i < conf->endpoints_n; i++)
		(void)am_shard_outlet(sh, am_str_c(conf->endpoints[i]->name));
	for (size_t i = 0; i < sh->outlets_n; i++) {
		struct am_outlet *o = sh->outlets[i];

		o->removed = is_removed(conf, am_str_c(o->endpoint));
	}
	for (size_t i = 0; i < sh->lanes_n; i++) {
		struct am_lane *lane = sh->lanes[i];

		if (lane->outlet->removed && lane->next_at != AM_NEVER)
			lane->next_at = 0; /* what waits there ends now */
	}
}

void
am_lanes_forget(struct am_shard *sh)
{
	for (size_t i = 0; i < sh->outlets_n; i++)
		sh->outlets[i]->starting = 0;
	for (size_t i = 0; i < sh->lanes_n; i++) {
		sh->lanes[i]->next_at = AM_NEVER;
		sh->lanes[i]->ready_n = sh->lanes[i]->ready_i = 0;
	}
}

void
am_lanes_free(struct am_shard *sh)
{
	for (size_t i = 0; i < sh->lanes_n; i++) {
		free(sh->lanes[i]->name);
		free(sh->lanes[i]->ready);
		free(sh->lanes[i]);
	}
	for (size_t i = 0; i < sh->outlets_n; i++) {
		free(sh->outlets[i]->endpoint);
		free(sh->outlets[i]);
	}
	free(sh->lanes);
	free(sh->outlets);
}

/* The earliest attempt of all its classes. */
static am_ms
outlet_next(const struct am_outlet *o)
{
	am_ms at = AM_NEVER;

	for (size_t i = 0; i < AM_FU_CLASSES; i++)
		if (o->lanes[i]->next_at < at)
			at = o->lanes[i]->next_at;
	return at;
}

static am_ms
outlet_look(const struct am_shard *sh, const struct am_outlet *o, am_ms now)
{
	am_ms next = outlet_next(o), from = next > now ? next : now, again;

	if (am_paused_claims(sh))
		return AM_NEVER;
	if (next == AM_NEVER || o->removed)
		return next;
	if (o->state.disabled != AM_ENABLED)
		return AM_NEVER;
	if (am_deliver_room(sh->engine->deliver, o->endpoint, from, &again) !=
	    0)
		again = from;
	/* due, and yet no turn was to be had: claims on their way out */
	return again <= now ? now + 10 : again;
}

am_ms
am_lanes_look(const struct am_shard *sh, am_ms now)
{
	am_ms at = AM_NEVER;

	for (size_t i = 0; i < sh->outlets_n; i++) {
		am_ms again = outlet_look(sh, sh->outlets[i], now);

		if (again < at)
			at = again;
	}
	return at;
}

/* The same endpoint in another shard; NULL: never seen there. */
static const struct am_outlet *
same_of(const struct am_shard *other, const struct am_outlet *o)
{
	if (o->at < other->outlets_n &&
	    strcmp(other->outlets[o->at]->endpoint, o->endpoint) == 0)
		return other->outlets[o->at]; /* as a rule */
	return find(other, am_str_c(o->endpoint));
}

/* Does that shard wait for a place there, and not for something else? */
static bool
contends(const struct am_shard *sh, const struct am_outlet *o, am_ms now)
{
	return sh->running && !sh->turn_open && sh->retry_at == 0 &&
	       !am_paused_claims(sh) && outlet_next(o) <= now;
}

/*
 * Of the endpoint's places those that are this shard's. Claimed by any shard
 * and not with delivery yet: delivery does not count those. What is left is
 * dealt out among the shards that wait, beginning with the one that was served
 * longest ago, or the one that always wakes first would have them all.
 */
static unsigned
part_of(const struct am_shard *sh, const struct am_outlet *o, unsigned room,
    am_ms now)
{
	const struct am_engine *e = sh->engine;
	unsigned taken = o->starting, ahead = 0, waiting = 1;

	for (size_t i = 0; i < e->shards_n; i++) {
		const struct am_shard *other = e->shards[i];
		const struct am_outlet *same =
		    other != sh ? same_of(other, o) : NULL;

		if (same == NULL)
			continue;
		taken += same->starting;
		if (other->turn_open && same->at < other->turn->outlets_n)
			taken += other->turn->rooms[same->at];
		if (!contends(other, same, now))
			continue;
		waiting++;
		ahead += same->served < o->served;
	}
	if (room <= taken + ahead)
		return 0;
	return (room - taken - ahead + waiting - 1) / waiting;
}

unsigned
am_outlet_room(struct am_shard *sh, struct am_outlet *o, am_ms now)
{
	unsigned room;
	am_ms again;

	if (outlet_next(o) > now || sh->engine->stopping ||
	    am_paused_claims(sh))
		return 0;
	if (o->removed)
		return CLAIMS_MAX;
	if (o->state.disabled != AM_ENABLED)
		return 0;
	room = am_deliver_room(sh->engine->deliver, o->endpoint, now, &again);
	return part_of(sh, o, room, now);
}
