/*
 * stream - read the shard's stream, or as a standby the beat (layer: store).
 *
 * One XREAD is on the wire at a time, on a connection of its own. What it
 * brought waits in `ready` until it is taken; then the next goes out, so one
 * batch is read while another is committed. The first read at a position does
 * not block, which tells at once whether the end is there; once it is, reads
 * block. A read that has become pointless (rewind, another role) is unblocked
 * from the other connection, and its reply is told from the next one's by the
 * generation.
 *
 * Losses are found by the counters of XINFO, compared when all that was read
 * is committed (design 7.14): the stream has told how many entries it ever
 * had, we know how many we accounted for, and what lies beyond the cursor can
 * be seen.
 */
#include "store/store_int.h"

#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"

#define BLOCK (5 * AM_SECOND)
#define BATCH_BYTES ((size_t)64 * 1024)

/* ---- entries ---- */

static void
entry_parse(const redisReply *r, struct am_arena *a, struct am_entry *e)
{
	const redisReply *f = r->elements > 1 ? r->element[1] : NULL;
	struct am_pair *pairs = NULL;

	memset(e, 0, sizeof *e);
	if (r->elements > 0)
		e->id = am_reply_str(r->element[0]);
	if (f == NULL || f->type != REDIS_REPLY_ARRAY)
		return;
	e->n = f->elements / 2;
	if (e->n > 0)
		pairs = am_arena_alloc(a, e->n * sizeof *pairs);
	for (size_t i = 0; i < e->n; i++) {
		pairs[i].key = am_reply_str(f->element[2 * i]);
		pairs[i].value = am_reply_str(f->element[2 * i + 1]);
		e->bytes += pairs[i].key.n + pairs[i].value.n;
	}
	e->fields = pairs;
}

/* The list of entries in the reply of XREAD for one stream; NULL: none. */
static const redisReply *
xread_list(const redisReply *r)
{
	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 1 ||
	    r->element[0]->elements != 2 ||
	    r->element[0]->element[1]->elements == 0)
		return NULL;
	return r->element[0]->element[1];
}

static void
read_drop(struct am_store *s)
{
	am_batch_free(s->read.ready);
	s->read.ready = NULL;
	s->read.entries = NULL;
	s->read.n = 0;
}

static void
read_keep(struct am_store *s, struct am_batch *b, const redisReply *list)
{
	struct am_reading *rd = &s->read;
	struct am_arena *a = am_batch_arena(b);
	struct am_entry *e = am_arena_alloc(a, list->elements * sizeof *e);
	size_t bytes = 0, fit;

	for (size_t i = 0; i < list->elements; i++) {
		entry_parse(list->element[i], a, &e[i]);
		bytes += e[i].bytes;
	}
	rd->ready = b;
	rd->entries = e;
	rd->n = list->elements;
	snprintf(rd->pos, sizeof rd->pos, "%.*s", AM_ARG(e[rd->n - 1].id));
	rd->ends = rd->n < rd->count;
	fit = BATCH_BYTES / (bytes / rd->n + 1) + 1;
	rd->count = fit < s->opts.batch ? (unsigned)fit : s->opts.batch;
}

/* ---- reading ---- */

static void
on_read(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	const redisReply *r = rc == 0 ? am_batch_reply(b, 0) : NULL;
	const redisReply *list = xread_list(r);
	bool stale = (unsigned)(uintptr_t)b->user_arg != s->read.generation;

	s->read.out = false;
	if (s->freed || rc != 0 || stale || s->owner.phase != AM_OWNER_MINE) {
		am_batch_free(b);
		if (!s->freed && rc == 0)
			am_stream_next(s);
		return;
	}
	if (list != NULL) {
		read_keep(s, b, list); /* takes b */
		if (s->state == AM_SHARD_RUNNING)
			s->ev.on_entries(s->arg);
		return;
	}
	if (am_reply_rc(r) == -AM_EPROTO) {
		s->broken = true;
		am_store_halt(s, AM_SHARD_HALTED_STORAGE, "reading %s: %.*s",
		    s->keys.stream, AM_ARG(am_reply_str(r)));
	} else if (am_reply_is_error(r)) {
		am_store_refused(s, r); /* the next good beat reads on */
	} else {
		s->read.ends = true;
		if (s->state == AM_SHARD_RUNNING)
			s->ev.on_idle(s->arg);
	}
	am_batch_free(b);
	if (!s->freed)
		am_stream_next(s);
}

static void
send_read(struct am_store *s, const char *key, const char *from, unsigned count,
    bool block, am_batch_cb *cb)
{
	struct am_batch *b = am_batch_new(s->reads);

	am_cmd(b, "XREAD");
	am_arg(b, "COUNT");
	am_argi(b, count);
	if (block) {
		am_arg(b, "BLOCK");
		am_argi(b, BLOCK);
	}
	am_arg(b, "STREAMS");
	am_arg(b, key);
	am_arg(b, from);
	b->user_arg = (void *)(uintptr_t)s->read.generation;
	s->read.out = true;
	s->read.blocking = block;
	am_redis_send(s->reads, b, s->timeout + (block ? BLOCK : 0), cb, s);
}

static void
on_beat(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	const redisReply *list = NULL;
	struct am_entry e = { .n = 0 };

	s->read.out = false;
	if (rc == 0 && !s->freed)
		list = xread_list(am_batch_reply(b, 0));
	if (list != NULL) {
		entry_parse(
		    list->element[list->elements - 1], am_batch_arena(b), &e);
		if (e.n > 0)
			am_owner_saw_beat(s, e.id, e.fields[0].value);
	}
	/* after an error the polls of the token go on by themselves */
	if (!s->freed && rc == 0 && !am_reply_is_error(am_batch_reply(b, 0)))
		am_stream_next(s);
	am_batch_free(b);
}

void
am_stream_next(struct am_store *s)
{
	struct am_reading *rd = &s->read;

	if (s->freed || rd->out || !am_redis_up(s->reads))
		return;
	if (s->owner.phase == AM_OWNER_WATCHING)
		send_read(s, s->keys.beat,
		    s->owner.beat_id[0] != '\0' ? s->owner.beat_id : "0-0", 1,
		    true, on_beat);
	else if (s->owner.phase == AM_OWNER_MINE &&
		 s->state == AM_SHARD_RUNNING && rd->ready == NULL)
		send_read(
		    s, s->keys.stream, rd->pos, rd->count, rd->ends, on_read);
}

static void
on_unblocked(void *arg, int rc, struct am_batch *b)
{
	(void)arg;
	(void)rc; /* not allowed to: then the read ends by its BLOCK */
	am_batch_free(b);
}

/* Whatever is on the wire is not wanted any more. */
static void
read_abandon(struct am_store *s)
{
	struct am_batch *b;

	s->read.generation++;
	read_drop(s);
	if (!s->read.out || !s->read.blocking || !am_redis_up(s->turns) ||
	    !am_redis_up(s->reads))
		return;
	b = am_batch_new(s->turns);
	am_cmd(b, "CLIENT");
	am_arg(b, "UNBLOCK");
	am_argi(b, am_redis_client_id(s->reads));
	am_redis_send(s->turns, b, 0, on_unblocked, s);
}

void
am_stream_start(struct am_store *s)
{
	read_abandon(s);
	memcpy(s->read.pos, s->cursor.id, sizeof s->read.pos);
	memcpy(s->accounted, s->cursor.id, sizeof s->accounted);
	s->read.ends = false;
	s->read.count = s->opts.batch;
	am_stream_next(s);
}

void
am_stream_stop(struct am_store *s)
{
	read_abandon(s);
}

void
am_stream_fini(struct am_store *s)
{
	read_drop(s);
}

void
am_store_rewind(struct am_store *s)
{
	read_abandon(s);
	memcpy(s->read.pos, s->cursor.id, sizeof s->read.pos);
	s->read.ends = false;
	am_stream_next(s);
}

size_t
am_store_take(
    struct am_store *s, const struct am_entry **entries, struct am_batch **hold)
{
	struct am_reading *rd = &s->read;
	size_t n = rd->n;

	if (rd->ready == NULL)
		return 0;
	*entries = rd->entries;
	*hold = rd->ready;
	rd->ready = NULL;
	rd->entries = NULL;
	rd->n = 0;
	if (rd->ends) {
		rd->tell_idle = true;
		event_active(s->later, EV_TIMEOUT, 0);
	}
	am_stream_next(s);
	return n;
}

/* ---- the stream itself ---- */

void
am_stream_add_make(const struct am_store *s, struct am_batch *b,
    const struct am_stream_info *info, const struct am_cursor *c, int64_t base)
{
	int64_t added = base + (int64_t)(c->applied + c->lost);

	am_cmd(b, "XGROUP");
	am_arg(b, "CREATE");
	am_arg(b, s->keys.stream);
	am_arg(b, s->opts.group);
	am_arg(b, c->id);
	am_arg(b, "MKSTREAM");
	if (info->length > 0 || am_sid_cmp(info->last, c->id) >= 0)
		return;
	am_cmd(b, "XSETID");
	am_arg(b, s->keys.stream);
	am_arg(b, c->id);
	am_arg(b, "ENTRIESADDED");
	am_argi(b, added > 0 ? added : 0);
	am_arg(b, "MAXDELETEDID");
	am_arg(b, "0-0");
}

static void
on_made(void *arg, int rc, struct am_batch *b)
{
	(void)arg;
	(void)rc; /* the next look sees whether it is good */
	am_batch_free(b);
}

static void
make_again(struct am_store *s, const struct am_stream_info *info)
{
	struct am_batch *b = am_batch_new(s->turns);

	am_log_warn("stream_remade", "shard=%s cursor=%s", s->keys.stream,
	    s->cursor.id);
	am_stream_add_make(s, b, info, &s->cursor, s->entries_base);
	am_redis_send(s->turns, b, 0, on_made, s);
}

/*
 * How many entries are beyond the cursor? -1: cannot be said, for some of the
 * stream's entries are behind it and some beyond.
 */
static int64_t
beyond(const struct am_store *s, const struct am_stream_info *info)
{
	if (info->length == 0 || am_sid_cmp(info->first, s->cursor.id) > 0)
		return (int64_t)info->length;
	return am_sid_cmp(info->last, s->cursor.id) == 0 ? 0 : -1;
}

void
am_stream_account(
    struct am_store *s, const struct am_stream_info *info, uint64_t commit)
{
	uint64_t seen = s->cursor.applied + s->cursor.lost;
	int64_t rest, gone;
	bool trimmed;

	if (info->length > 0 && am_sid_cmp(info->last, s->cursor.id) < 0) {
		am_store_halt(s, AM_SHARD_HALTED_BEHIND,
		    "the stream was made anew and its ids (last %s) lie below "
		    "the cursor (%s); `amendsctl shard adopt %s` reads it from "
		    "its start",
		    info->last, s->cursor.id, s->keys.stream);
		return;
	}
	if (!info->exists || am_sid_cmp(info->last, s->cursor.id) < 0) {
		make_again(s, info);
		return;
	}
	s->added = info->added;
	/* only when nothing is between the stream and the cursor */
	if (commit != s->cursor.commit || s->turn.phase == AM_TURN_COMMITTING ||
	    strcmp(s->read.pos, s->cursor.id) != 0)
		return;
	rest = beyond(s, info);
	if (rest < 0)
		return;
	/* while an entry accounted for is still there, nothing that was not
	 * read can have been trimmed: then somebody deleted one by hand */
	trimmed =
	    info->length == 0 || am_sid_cmp(info->first, s->accounted) > 0;
	gone = (int64_t)info->added - s->entries_base - (int64_t)seen - rest;
	memcpy(s->accounted, s->cursor.id, sizeof s->accounted);
	if (gone < 0 || (gone > 0 && !trimmed)) {
		s->entries_base += gone; /* written by the next commit */
	} else if (gone > 0) {
		s->cursor.lost += (uint64_t)gone; /* as above */
		s->ev.on_lost(s->arg, (uint64_t)gone);
	}
}
