/*
 * turn - loads under WATCH, and plain queries (layer: store).
 *
 * The token that came with the loads is compared here, before the user sees
 * anything of the turn. The batch's own callback slot belongs to the
 * connection, so the user's rides in the batch.
 */
#include "store/store_int.h"

#include <string.h>

#include "base/str.h"

static void
turn_over(struct am_store *s)
{
	s->turn.phase = AM_TURN_NONE;
	am_owner_turn_over(s);
}

struct am_batch *
am_turn_begin(struct am_store *s)
{
	struct am_batch *b = am_batch_new(s->turns);

	AM_ASSERT(s->turn.phase == AM_TURN_NONE);
	s->turn.phase = AM_TURN_OPEN;
	s->turn.generation = am_redis_generation(s->turns);
	s->turn.dead = s->owner.phase != AM_OWNER_MINE || s->owner.release;
	if (s->turn.watching) { /* of a turn that ended without a commit */
		am_cmd(b, "UNWATCH");
		b->skip++;
	}
	am_cmd(b, "WATCH");
	am_arg(b, s->keys.token);
	am_arg(b, s->keys.cursor);
	am_cmd(b, "GET");
	am_arg(b, s->keys.token);
	b->skip += 2;
	s->turn.watching = true;
	return b;
}

struct am_batch *
am_turn_more(struct am_store *s)
{
	AM_ASSERT(s->turn.phase == AM_TURN_OPEN);
	return am_batch_new(s->turns);
}

/* A key of another type stops the shard; any other refusal passes. */
static int
loads_rc(struct am_store *s, const struct am_batch *b)
{
	for (size_t i = b->skip; i < am_batch_cmds(b); i++) {
		const redisReply *r = am_batch_reply(b, i);

		if (!am_reply_is_error(r))
			continue;
		if (am_reply_rc(r) != -AM_EPROTO) {
			am_store_refused(s, r);
			return -AM_EBUSY;
		}
		s->broken = true;
		am_store_halt(s, AM_SHARD_HALTED_STORAGE,
		    "a read failed: %.*s; set the key right, then "
		    "`amendsctl shard adopt %s`",
		    AM_ARG(am_reply_str(r)), s->keys.stream);
		return -AM_EPROTO;
	}
	return 0;
}

static int
turn_rc(struct am_store *s, const struct am_batch *b)
{
	const redisReply *token;

	if (s->turn.dead || s->owner.phase != AM_OWNER_MINE)
		return -AM_EFENCED;
	if (b->skip == 0)
		return loads_rc(s, b);
	token = am_batch_reply(b, b->skip - 1);
	if (am_reply_is_error(token)) {
		am_store_refused(s, token);
		return -AM_EBUSY;
	}
	if (am_str_is(am_reply_str(token), s->owner.text))
		return loads_rc(s, b);
	am_owner_lost(s, "token changed");
	return -AM_EFENCED;
}

static void
on_loaded(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;

	if (s->freed) {
		am_batch_free(b);
		return;
	}
	if (rc == 0)
		rc = turn_rc(s, b);
	else if (rc == -AM_ETIMEDOUT)
		rc = -AM_EIO;
	if (s->freed) {
		am_batch_free(b);
		return;
	}
	if (rc != 0 && s->turn.phase == AM_TURN_OPEN)
		turn_over(s);
	if (!s->freed)
		b->user_cb(b->user_arg, rc, b);
	else
		am_batch_free(b);
}

void
am_turn_load(struct am_store *s, struct am_batch *b, am_batch_cb *cb, void *arg)
{
	AM_ASSERT(s->turn.phase == AM_TURN_OPEN);
	b->user_cb = cb;
	b->user_arg = arg;
	if (s->turn.dead)
		am_redis_defer(s->turns, b, 0, on_loaded, s);
	else
		am_redis_send(s->turns, b, 0, on_loaded, s);
}

const redisReply *
am_turn_reply(const struct am_batch *b, size_t i)
{
	return am_batch_reply(b, b->skip + i);
}

void
am_turn_end(struct am_store *s)
{
	if (s->turn.phase == AM_TURN_OPEN)
		turn_over(s);
}

bool
am_turn_open(const struct am_store *s)
{
	return s->turn.phase != AM_TURN_NONE;
}

struct am_batch *
am_store_query(struct am_store *s)
{
	return am_batch_new(s->turns);
}

static void
on_answered(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;

	if (s->freed)
		am_batch_free(b);
	else
		b->user_cb(b->user_arg, rc, b);
}

void
am_store_query_send(
    struct am_store *s, struct am_batch *b, am_batch_cb *cb, void *arg)
{
	b->user_cb = cb;
	b->user_arg = arg;
	am_redis_send(s->turns, b, 0, on_answered, s);
}
