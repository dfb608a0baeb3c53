/*
 * standby - wait for the shard of another (layer: store), see owner.h.
 *
 * The beat is waited for in XREAD BLOCK; the token itself is looked at each
 * ttl/4, for it may go without a beat (a flush, a failover).
 */
#include "store/store_int.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "store/clock.h"

void
am_owner_saw_beat(struct am_store *s, struct am_str id, struct am_str token)
{
	struct am_owner *o = &s->owner;

	if (o->phase != AM_OWNER_WATCHING)
		return;
	if (am_str_is(token, o->theirs)) {
		snprintf(o->beat_id, sizeof o->beat_id, "%.*s", AM_ARG(id));
		o->seen_at = am_clock_boot();
		am_owner_watch_on(s);
	} else {
		am_owner_look(s); /* released, or another owner */
	}
}

/* What a standby remembers of the data set, should it have to judge it. */
static void
remember(struct am_store *s, const redisReply *row)
{
	struct am_shard_memory m;
	struct am_str dataset;

	if (s->opts.state == NULL || row == NULL ||
	    row->type != REDIS_REPLY_ARRAY || row->elements != 2)
		return;
	dataset = am_reply_str(row->element[0]);
	if (dataset.n == 0 || dataset.n >= sizeof m.dataset)
		return;
	memset(&m, 0, sizeof m);
	memcpy(m.dataset, dataset.p, dataset.n);
	am_statefile_set(s->opts.state, s->keys.stream, m.dataset,
	    (uint64_t)am_reply_int(row->element[1]), am_clock_wall());
}

static void
on_poll(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	const redisReply *token = rc == 0 ? am_batch_reply(b, 0) : NULL;

	if (s->freed || token == NULL || s->owner.phase != AM_OWNER_WATCHING)
		;
	else if (am_str_is(am_reply_str(token), s->owner.theirs))
		remember(s, am_batch_reply(b, 1));
	else
		am_owner_look(s);
	am_batch_free(b);
}

void
am_owner_poll(struct am_store *s)
{
	struct am_batch *b = am_batch_new(s->turns);

	am_cmd(b, "GET");
	am_arg(b, s->keys.token);
	am_cmd(b, "HMGET");
	am_arg(b, s->keys.cursor);
	am_arg(b, "dataset");
	am_arg(b, "commit");
	am_redis_send(s->turns, b, 0, on_poll, s);
	am_owner_watch_on(s);
}
