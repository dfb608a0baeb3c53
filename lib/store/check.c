/*
 * check - what a take-over looks at before it takes (layer: store).
 *
 * Everything here is read between WATCH and MULTI of the take-over, so what was
 * judged good is what is taken.
 */
#include "store/store_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct am_sid
am_sid_parse(const char *id)
{
	struct am_sid sid = { 0, 0 };
	char *end;

	sid.ms = strtoull(id, &end, 10);
	if (*end == '-')
		sid.seq = strtoull(end + 1, NULL, 10);
	return sid;
}

int
am_sid_cmp(const char *a, const char *b)
{
	struct am_sid x = am_sid_parse(a), y = am_sid_parse(b);

	if (x.ms != y.ms)
		return x.ms < y.ms ? -1 : 1;
	return x.seq < y.seq ? -1 : x.seq > y.seq;
}

static void
copy_id(char out[AM_SID_MAX], const redisReply *r)
{
	struct am_str s = am_reply_str(r);

	snprintf(out, AM_SID_MAX, "%.*s", AM_ARG(s));
}

/* NULL when the flat list of names and values has no such name. */
static const redisReply *
flat_get(const redisReply *r, const char *name)
{
	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return NULL;
	for (size_t i = 0; i + 1 < r->elements; i += 2)
		if (am_str_is(am_reply_str(r->element[i]), name))
			return r->element[i + 1];
	return NULL;
}

void
am_stream_info_parse(const redisReply *r, struct am_stream_info *info)
{
	const redisReply *first = flat_get(r, "first-entry");

	memset(info, 0, sizeof *info);
	snprintf(info->last, sizeof info->last, "0-0");
	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return;
	info->exists = true;
	info->length = (uint64_t)am_reply_int(flat_get(r, "length"));
	info->added = (uint64_t)am_reply_int(flat_get(r, "entries-added"));
	copy_id(info->last, flat_get(r, "last-generated-id"));
	if (first != NULL && first->type == REDIS_REPLY_ARRAY &&
	    first->elements > 0)
		copy_id(info->first, first->element[0]);
}

void
am_cursor_parse(const redisReply *r, struct am_cursor_row *row)
{
	struct am_str dataset = am_reply_str(flat_get(r, "dataset"));

	memset(row, 0, sizeof *row);
	snprintf(row->c.id, sizeof row->c.id, "0-0");
	if (flat_get(r, "id") == NULL)
		return;
	row->exists = true;
	copy_id(row->c.id, flat_get(r, "id"));
	row->c.applied = (uint64_t)am_reply_int(flat_get(r, "applied"));
	row->c.lost = (uint64_t)am_reply_int(flat_get(r, "lost"));
	row->c.commit = (uint64_t)am_reply_int(flat_get(r, "commit"));
	row->base = am_reply_int(flat_get(r, "base"));
	row->epoch = (uint64_t)am_reply_int(flat_get(r, "epoch"));
	snprintf(
	    row->c.dataset, sizeof row->c.dataset, "%.*s", AM_ARG(dataset));
}

/* ---- key types ---- */

struct want {
	const char *key, *type;
};

#define WANTS 13

static void
wants(const struct am_keys *k, struct want w[WANTS])
{
	const struct want all[WANTS] = {
		{ k->stream, "stream" },
		{ k->token, "string" },
		{ k->beat, "stream" },
		{ k->cursor, "hash" },
		{ k->wake, "zset" },
		{ k->dead, "stream" },
		{ k->rejects, "stream" },
		{ k->feed, "stream" },
		{ k->parked, "set" },
		{ k->tally, "hash" },
		{ k->outs, "set" },
		{ k->tries, "hash" },
		{ k->erasing, "set" },
	};

	memcpy(w, all, sizeof all);
}

size_t
am_check_ask_types(const struct am_store *s, struct am_batch *b)
{
	struct want w[WANTS];

	wants(&s->keys, w);
	for (size_t i = 0; i < WANTS; i++) {
		am_cmd(b, "TYPE");
		am_arg(b, w[i].key);
	}
	return WANTS;
}

static bool
check_types(struct am_store *s, const struct am_batch *b, size_t first)
{
	struct want w[WANTS];

	wants(&s->keys, w);
	for (size_t i = 0; i < WANTS; i++) {
		struct am_str t = am_reply_str(am_batch_reply(b, first + i));

		if (am_str_is(t, w[i].type) || am_str_is(t, "none"))
			continue;
		am_store_halt(s, AM_SHARD_HALTED_STORAGE,
		    "key %s is a %.*s and must be a %s; move it away, then "
		    "`amendsctl shard adopt %s`",
		    w[i].key, AM_ARG(t), w[i].type, s->keys.stream);
		return false;
	}
	return true;
}

/* ---- the data set ---- */

static bool
check_dataset(struct am_store *s, const struct am_cursor_row *row)
{
	struct am_shard_memory m = { .commit = 0 };

	if (s->opts.state != NULL)
		am_statefile_get(s->opts.state, s->keys.stream, &m);
	if (m.dataset[0] == '\0' && s->cursor.dataset[0] != '\0') {
		/* no state file: what this process saw itself */
		memcpy(m.dataset, s->cursor.dataset, sizeof m.dataset);
		m.commit_then = 0;
	}
	if (m.dataset[0] == '\0' || s->adopt)
		return true;
	if (!row->exists || row->c.dataset[0] == '\0')
		am_store_halt(s, AM_SHARD_HALTED_DATASET,
		    "the shard's data is gone from Redis (flushed, or another "
		    "db); restore it, or `amendsctl shard adopt %s`",
		    s->keys.stream);
	else if (strcmp(row->c.dataset, m.dataset) != 0)
		am_store_halt(s, AM_SHARD_HALTED_DATASET,
		    "Redis holds data set %.8s, this host knows %.8s; point "
		    "to the right Redis, or `amendsctl shard adopt %s`",
		    row->c.dataset, m.dataset, s->keys.stream);
	else if (row->c.commit < m.commit_then)
		am_store_halt(s, AM_SHARD_HALTED_DATASET,
		    "Redis stepped back from commit %" PRIu64 " to %" PRIu64
		    " (restored backup?); `amendsctl shard adopt %s` goes on "
		    "from there",
		    m.commit, row->c.commit, s->keys.stream);
	else
		return true;
	return false;
}

bool
am_check_shard(struct am_store *s, const struct am_batch *b, size_t first,
    const struct am_cursor_row *row, const struct am_stream_info *info)
{
	if (!check_types(s, b, first) || !check_dataset(s, row))
		return false;
	if (info->length > 0 && am_sid_cmp(info->last, row->c.id) < 0 &&
	    !s->adopt) {
		am_store_halt(s, AM_SHARD_HALTED_BEHIND,
		    "the stream was made anew and its ids (last %s) lie below "
		    "the cursor (%s); `amendsctl shard adopt %s` reads it from "
		    "its start",
		    info->last, row->c.id, s->keys.stream);
		return false;
	}
	return true;
}
