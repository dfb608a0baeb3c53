/* marks - see marks.h. */

#include "daemon/marks.h"

#include <inttypes.h>

#include "base/str.h"
#include "codec/json.h"

static struct am_str
marks_key(const struct am_shard *sh, struct am_arena *a)
{
	return am_str_c(
	    am_arena_printf(a, "%smarks", am_store_keys(sh->store)->prefix));
}

void
am_marks_keep(
    struct am_turn *t, const struct am_event *ev, const struct am_update *up)
{
	struct am_batch *b;
	struct am_buf json;

	if (ev->type != AM_EV_IMPROVEMENT || up->verdict != AM_APPLIED)
		return;
	am_buf_arena(&json, &t->arena, 128);
	am_buf_addc(&json, '{');
	am_buf_addkv(&json, "category", am_event_get(ev, "category"));
	am_buf_addkv(&json, "date", am_event_get(ev, "date"));
	am_buf_addki(&json, "at", ev->at);
	am_buf_addc(&json, '}');
	b = am_commit_raw(t->commit);
	am_cmd(b, "HSET");
	am_args(b, marks_key(t->sh, &t->arena));
	am_arg(b, am_arena_printf(&t->arena, "%.*s/%" PRIu32,
		      AM_ARG(up->next.id), up->next.seq));
	am_args(b, am_buf_str(&json));
}

void
am_marks_ask(struct am_batch *b, const struct am_shard *sh)
{
	am_cmd(b, "HVALS");
	am_args(b, marks_key(sh, am_batch_arena(b)));
}

static void
read_mark(struct am_str json, struct am_arena *a, struct am_report *r)
{
	struct am_str category = AM_STR(""), date = AM_STR("");
	const struct am_pair *said;
	char what[200];
	am_ms at = 0;
	size_t n;

	if (am_json_flatten(json, 8, a, &said, &n, what) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (am_str_is(said[i].key, "category"))
			category = said[i].value;
		else if (am_str_is(said[i].key, "date"))
			date = said[i].value;
		else if (am_str_is(said[i].key, "at") &&
			 am_str_i64(said[i].value, &at) != 0)
			return;
	}
	am_report_mark(r, category, date, at);
}

void
am_marks_read(const redisReply *hash, struct am_report *r)
{
	struct am_arena a;

	if (hash == NULL || hash->type != REDIS_REPLY_ARRAY)
		return;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < hash->elements; i++)
		read_mark(am_reply_str(hash->element[i]), &a, r);
	am_arena_fini(&a);
}
