/*
 * paused - see paused.h.
 *
 * Few and seldom changed: a change copies the list. What a loop's pause holds
 * is held as a silence holds it (silence.h), whose machinery knows about
 * digests and about what was claimed in the same turn; only that it has no
 * end, and so all that it holds stands at one score, from which a resume
 * fetches it.
 */
#include "daemon/paused.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "daemon/shard.h"
#include "log/log.h"

#define LOOP "loop:"

struct am_str
am_paused_key(const struct am_shard *sh, struct am_arena *a)
{
	return am_str_c(
	    am_arena_printf(a, "%spaused", am_store_keys(sh->store)->prefix));
}

/* ---- JSON ---- */

void
am_paused_format(const struct am_pause *p, struct am_buf *out)
{
	am_buf_addc(out, '{');
	am_buf_addki(out, "since", p->since);
	am_buf_addkv(out, "by", am_str_c(p->by));
	if (p->reason[0] != '\0')
		am_buf_addkv(out, "reason", am_str_c(p->reason));
	am_buf_addc(out, '}');
}

void
am_paused_format_was(am_ms since, am_ms now, struct am_buf *out)
{
	am_buf_addc(out, '{');
	am_buf_addki(out, "since", since);
	am_buf_addki(out, "until", now);
	am_buf_addc(out, '}');
}

static int
parse(struct am_str json, struct am_arena *a, struct am_pause *p, am_ms *until)
{
	const struct am_pair *said;
	char what[200];
	size_t n;

	if (am_json_flatten(json, 16, a, &said, &n, what) != 0)
		return -AM_EINVAL;
	p->by = p->reason = "";
	for (size_t i = 0; i < n; i++) {
		struct am_str v = said[i].value;
		int64_t ms;

		if (am_str_is(said[i].key, "by"))
			p->by = am_arena_cstr(a, v);
		else if (am_str_is(said[i].key, "reason"))
			p->reason = am_arena_cstr(a, v);
		else if (am_str_i64(v, &ms) != 0 || ms <= 0)
			continue;
		else if (am_str_is(said[i].key, "since"))
			p->since = ms;
		else if (am_str_is(said[i].key, "until"))
			*until = ms;
	}
	return p->since > 0 ? 0 : -AM_EINVAL;
}

/* ---- what is known ---- */

static bool
is_what(const char *what)
{
	return strcmp(what, "intake") == 0 || strcmp(what, "delivery") == 0 ||
	       strncmp(what, LOOP, sizeof(LOOP) - 1) == 0;
}

/* Into a list that has room. */
static void
put(struct am_paused *all, const struct am_pause *from)
{
	struct am_arena *a = &all->arena;
	struct am_pause *p = &all->list[all->n++];

	*p = (struct am_pause){
		.what = am_arena_cstr(a, am_str_c(from->what)),
		.since = from->since,
		.by = am_arena_cstr(a, am_str_c(from->by)),
		.reason = am_arena_cstr(a, am_str_c(from->reason)),
	};
	if (strcmp(p->what, "intake") == 0)
		all->intake = p;
	else if (strcmp(p->what, "delivery") == 0)
		all->delivery = p;
}

/* An empty one with room for n. */
static struct am_paused
make(size_t n)
{
	struct am_paused all = { .known = true };

	am_arena_init(&all.arena, 0);
	all.list = am_arena_zalloc(&all.arena, (n + 1) * sizeof(*all.list));
	return all;
}

static void
replace(struct am_shard *sh, const struct am_paused *with)
{
	am_paused_forget(sh);
	sh->paused = *with;
}

void
am_paused_forget(struct am_shard *sh)
{
	am_arena_fini(&sh->paused.arena);
	sh->paused = (struct am_paused){ .known = false };
}

void
am_paused_read(struct am_shard *sh, const redisReply *hash)
{
	bool is_hash = hash != NULL && hash->type == REDIS_REPLY_ARRAY;
	size_t n = is_hash ? hash->elements : 0;
	struct am_paused all = make(n / 2);

	if (!is_hash)
		am_log_err("pauses_unreadable", "shard=%s", sh->stream);
	for (size_t i = 0; i + 1 < n; i += 2) {
		struct am_pause p = { .what = am_arena_cstr(&all.arena,
					  am_reply_str(hash->element[i])) };
		am_ms until = 0;
		int rc = parse(
		    am_reply_str(hash->element[i + 1]), &all.arena, &p, &until);

		if (rc == 0 && strcmp(p.what, "was") == 0) {
			all.was_since = p.since;
			all.was_until = until;
		} else if (rc == 0 && is_what(p.what)) {
			put(&all, &p);
			am_log_notice("pause_in_force",
			    "what=%s shard=%s since=%lld by=%s",
			    am_log_val(am_str_c(p.what)), sh->stream,
			    (long long)p.since, am_log_val(am_str_c(p.by)));
		} else {
			am_log_err("pause_unreadable", "what=%s shard=%s",
			    am_log_val(am_str_c(p.what)), sh->stream);
		}
	}
	replace(sh, &all);
}

static void
on_asked(void *arg, int rc, struct am_batch *b)
{
	struct am_shard *sh = arg;

	if (rc == 0)
		am_paused_read(sh, am_batch_reply(b, 0));
	am_batch_free(b);
	am_shard_kick(sh);
}

void
am_paused_ask(struct am_shard *sh)
{
	struct am_batch *b = am_store_query(sh->store);

	am_cmd(b, "HGETALL");
	am_args(b, am_paused_key(sh, am_batch_arena(b)));
	am_store_query_send(sh->store, b, on_asked, sh);
}

const struct am_pause *
am_paused_find(const struct am_shard *sh, const char *what)
{
	for (size_t i = 0; i < sh->paused.n; i++)
		if (strcmp(sh->paused.list[i].what, what) == 0)
			return &sh->paused.list[i];
	return NULL;
}

/* All but that one. */
static struct am_paused
without(const struct am_shard *sh, const char *what)
{
	struct am_paused all = make(sh->paused.n + 1);

	all.was_since = sh->paused.was_since;
	all.was_until = sh->paused.was_until;
	for (size_t i = 0; i < sh->paused.n; i++)
		if (strcmp(sh->paused.list[i].what, what) != 0)
			put(&all, &sh->paused.list[i]);
	return all;
}

void
am_paused_set(struct am_shard *sh, const struct am_pause *p)
{
	struct am_paused all = without(sh, p->what);

	put(&all, p);
	replace(sh, &all);
}

void
am_paused_clear(struct am_shard *sh, const char *what, am_ms until)
{
	const struct am_pause *p = am_paused_find(sh, what);
	struct am_paused all = without(sh, what);

	if (p != NULL && strcmp(what, "intake") != 0) {
		all.was_since = p->since;
		all.was_until = until;
	}
	replace(sh, &all);
}

/* ---- what it means ---- */

bool
am_paused_events(const struct am_shard *sh)
{
	return !sh->paused.known || sh->paused.intake != NULL;
}

bool
am_paused_claims(const struct am_shard *sh)
{
	return !sh->paused.known || sh->paused.delivery != NULL;
}

bool
am_paused_loops(const struct am_shard *sh)
{
	const struct am_paused *all = &sh->paused;

	return all->n >
	       (size_t)(all->intake != NULL) + (size_t)(all->delivery != NULL);
}

const struct am_pause *
am_paused_loop(const struct am_shard *sh, const char *loop)
{
	for (size_t i = 0; i < sh->paused.n; i++) {
		const struct am_pause *p = &sh->paused.list[i];

		if (strncmp(p->what, LOOP, sizeof(LOOP) - 1) == 0 &&
		    strcmp(p->what + sizeof(LOOP) - 1, loop) == 0)
			return p;
	}
	return NULL;
}

bool
am_paused_behind(const struct am_shard *sh, am_ms fired_at, am_ms late)
{
	const struct am_paused *all = &sh->paused;

	return late != 0 && all->was_until - all->was_since > late &&
	       fired_at >= all->was_since && fired_at < all->was_until;
}

/* ---- of the daemon ---- */

const struct am_pause *
am_paused_intake(const struct am_engine *e)
{
	for (size_t i = 0; i < e->shards_n; i++)
		if (e->shards[i]->running &&
		    e->shards[i]->paused.intake != NULL)
			return e->shards[i]->paused.intake;
	return NULL;
}

const struct am_pause *
am_paused_delivery(const struct am_engine *e)
{
	for (size_t i = 0; i < e->shards_n; i++)
		if (e->shards[i]->running &&
		    e->shards[i]->paused.delivery != NULL)
			return e->shards[i]->paused.delivery;
	return NULL;
}

static struct am_pause *
among(struct am_pause *list, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].what, what) == 0)
			return &list[i];
	return NULL;
}

size_t
am_paused_list(
    const struct am_engine *e, struct am_arena *a, const struct am_pause **out)
{
	struct am_pause *list;
	size_t n = 0, max = 0;

	for (size_t i = 0; i < e->shards_n; i++)
		max += e->shards[i]->paused.n;
	list = am_arena_zalloc(a, (max + 1) * sizeof(*list));
	for (size_t i = 0; i < e->shards_n; i++) {
		const struct am_paused *all = &e->shards[i]->paused;

		for (size_t k = 0; e->shards[i]->running && k < all->n; k++) {
			const struct am_pause *p = &all->list[k];
			struct am_pause *q = among(list, n, p->what);

			if (q != NULL && q->since <= p->since)
				continue;
			if (q == NULL)
				q = &list[n++];
			q->what = am_arena_cstr(a, am_str_c(p->what));
			q->since = p->since;
			q->by = am_arena_cstr(a, am_str_c(p->by));
			q->reason = am_arena_cstr(a, am_str_c(p->reason));
		}
	}
	*out = list;
	return n;
}
