/*
 * calendars - see calendars.h.
 *
 * `{s}:calendars` is a hash: NAME to the text of the calendar in force. A look
 * compares it with conf and begins a walk for the first one that differs; the
 * walk's last commit writes the new text, and then the look comes again. Cut
 * off anywhere, it all begins anew: the id of the event is made of the two
 * texts and of the commit that began the walk, so a complaint takes it once,
 * and takes it again when the same edit is made again.
 *
 * Not all that is found during the walk was judged by the old calendar. What
 * started since then was not, and has no old due to tell of. `since:NAME` says
 * when that was, with that commit and the new text behind it: the load of the
 * configuration or the adoption of the shard, or the first entry that was
 * unread then, if that is older.
 *
 * `{s}:calendars:past` lists the texts that were replaced, oldest first: a
 * journal is replayed through them (verbs_verify.c).
 *
 * Dues are derived, so a walk changes nothing but the journal and the index of
 * wake-ups; that one it mends for the complaints without a moved due, too.
 */

#include "daemon/calendars.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "core/clock.h"
#include "daemon/walk.h"
#include "intake/event.h"
#include "log/log.h"

#define HASH_LEN 12
#define PAST_MAX 100 /* edits that a journal can be replayed through */

struct am_calendars {
	struct am_walk walk;
	struct am_op look;
	struct am_shard *sh;
	bool busy, again;
	char cursor[48]; /* when the check began */
	am_ms checked_at;
	const redisReply *kept; /* the answers of the look */
	const redisReply *unread;
	/* the calendar that is walked for */
	struct am_conf *conf; /* shared; NULL: none */
	struct am_arena arena;
	const char *name;
	struct am_str text;
	const struct am_calendar *old; /* NULL: it cannot be compiled now */
	am_ms since;
	int64_t begun_by; /* number of the commit behind which it began */
	struct am_str event_id;
	struct am_loopdef was; /* was_of with the old calendar */
	const struct am_loopdef *was_of;
	size_t seen, moved, page_seen, page_moved;
};

static const char *
key(const struct am_calendars *c, struct am_turn *t)
{
	return am_arena_printf(
	    &t->arena, "%scalendars", am_store_keys(c->sh->store)->prefix);
}

static void
write_kept(struct am_calendars *c, struct am_turn *t, const char *name,
    struct am_str text)
{
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "HSET");
	am_arg(b, key(c, t));
	am_arg(b, name);
	am_args(b, text);
}

static void
hash_text(struct am_str text, char out[HASH_LEN + 1])
{
	struct am_sha256 sha;
	uint8_t raw[32];

	am_sha256_init(&sha);
	am_sha256_add(&sha, text.p, text.n);
	am_sha256_end(&sha, raw);
	for (size_t i = 0; i < HASH_LEN / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

/* ---- the walk ---- */

/* The loop as it was with the old calendar in the place of the new one. */
static const struct am_loopdef *
with_old(struct am_calendars *c, const struct am_loopdef *def)
{
	if (c->was_of == def)
		return &c->was;
	c->was = *def;
	c->was_of = def;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		struct am_clockdef *k = &c->was.clocks[i];

		if (k->calendar != NULL &&
		    strcmp(k->calendar->name, c->name) == 0)
			k->calendar = c->old;
		if (k->bd_calendar != NULL &&
		    strcmp(k->bd_calendar->name, c->name) == 0)
			k->bd_calendar = c->old;
	}
	return &c->was;
}

static bool
uses(const struct am_calendars *c, const struct am_loopdef *def)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clockdef *k = &def->clocks[i];

		if (k->in_use && k->calendar != NULL &&
		    strcmp(k->calendar->name, c->name) == 0)
			return true;
	}
	return false;
}

/* "due[N]" = "SLOT MS" of every deadline that is another now. */
static size_t
moved_dues(struct am_calendars *c, struct am_turn *t, const struct am_case *k,
    struct am_pair *pairs)
{
	const struct am_loopdef *was;
	size_t n = 0;

	if (c->old == NULL)
		return 0;
	was = with_old(c, k->def);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *clock = &k->cur.clocks[i];
		am_ms due;

		if (clock->state != AM_CLK_RUNNING ||
		    clock->started > c->since ||
		    (i != AM_CLOCK_AFTERCARE && i != AM_CLOCK_SILENCE &&
			!am_clock_has_lapse(&k->cur, i)))
			continue;
		due = am_clock_due(was, &k->cur, i);
		if (due == am_clock_due(k->def, &k->cur, i))
			continue;
		pairs[n].key =
		    am_str_c(am_arena_printf(&t->arena, "due[%zu]", n));
		pairs[n++].value = am_str_c(
		    due == AM_NEVER
			? am_arena_printf(&t->arena, "%zu never", i)
			: am_arena_printf(&t->arena, "%zu %" PRId64, i, due));
	}
	return n;
}

static bool
reindex(struct am_turn *t, const struct am_case *k, am_ms wake)
{
	am_ms at = am_wake_at(k->def, &k->cur);
	struct am_batch *b;

	if (at == wake)
		return false;
	b = am_commit_raw(t->commit);
	am_cmd(b, "ZADD");
	am_arg(b, am_store_keys(t->sh->store)->wake);
	if (at == AM_NEVER)
		am_arg(b, "+inf");
	else
		am_argi(b, at);
	am_args(b, k->id);
	return true;
}

static bool
step(struct am_walk *w, struct am_turn *t, struct am_case *k, am_ms wake)
{
	struct am_calendars *c = (struct am_calendars *)w;
	struct am_pair pairs[AM_CLOCKS_MAX + 1];
	const struct am_update *up;
	struct am_event ev;
	size_t n;

	c->page_seen++;
	if (!k->exists || k->unusable != NULL || k->def == NULL ||
	    !uses(c, k->def) ||
	    (k->cur.status == AM_CLOSED &&
		!am_clock_live(&k->cur.clocks[AM_CLOCK_AFTERCARE])))
		return false;
	n = moved_dues(c, t, k, pairs);
	if (n == 0)
		return reindex(t, k, wake);
	pairs[n++] = (struct am_pair){ AM_STR("reason"), am_str_c(c->name) };
	am_turn_internal(t, &ev, AM_EV_CALENDAR, k->id);
	ev.event_id = c->event_id;
	ev.fields = pairs;
	ev.fields_n = n;
	up = am_turn_step(t, k, &ev);
	if (up == NULL)
		return true; /* parked */
	if (up->verdict == AM_DUPLICATE)
		return reindex(t, k, wake);
	if (up->verdict != AM_APPLIED)
		return up->verdict == AM_IGNORED;
	c->page_moved++;
	return true;
}

static void
page(struct am_walk *w)
{
	struct am_calendars *c = (struct am_calendars *)w;

	c->page_seen = c->page_moved = 0;
	c->was_of = NULL; /* definitions live as long as a turn */
}

static bool
paged(struct am_walk *w)
{
	struct am_calendars *c = (struct am_calendars *)w;

	c->seen += c->page_seen;
	c->moved += c->page_moved;
	return true;
}

static bool
last(struct am_walk *w, struct am_turn *t)
{
	struct am_calendars *c = (struct am_calendars *)w;
	struct am_batch *b;

	write_kept(c, t, c->name, c->text);
	b = am_commit_raw(t->commit);
	am_cmd(b, "HDEL");
	am_arg(b, key(c, t));
	am_arg(b, am_arena_printf(&t->arena, "since:%s", c->name));
	return true;
}

static void
begin_look(struct am_calendars *c)
{
	c->again = false;
	am_shard_op(c->sh, &c->look);
}

static void
forget_work(struct am_calendars *c)
{
	am_conf_unref(c->conf);
	c->conf = NULL;
	c->name = NULL;
	am_arena_reset(&c->arena);
}

static void
walk_done(struct am_walk *w, int rc)
{
	struct am_calendars *c = (struct am_calendars *)w;

	if (rc == 0)
		am_log_notice("calendar_walk",
		    "shard=%s calendar=%s complaints=%zu moved=%zu",
		    c->sh->stream, am_log_val(am_str_c(c->name)), c->seen,
		    c->moved);
	forget_work(c);
	if (rc == 0 || c->again)
		begin_look(c);
	else
		c->busy = false; /* the next adoption looks */
}

/* ---- the look ---- */

static struct am_calendars *
of_look(struct am_op *op)
{
	return (struct am_calendars *)((char *)op -
				       offsetof(struct am_calendars, look));
}

static struct am_str
kept_field(const struct am_calendars *c, const char *name)
{
	const redisReply *r = c->kept;

	for (size_t i = 0; i + 1 < r->elements; i += 2)
		if (am_str_is(am_reply_str(r->element[i]), name))
			return am_reply_str(r->element[i + 1]);
	return (struct am_str){ NULL, 0 };
}

static void
load_look(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	struct am_calendars *c = of_look(op);

	am_cmd(b, "HGETALL");
	am_arg(b, key(c, t));
	am_cmd(b, "XRANGE");
	am_arg(b, t->sh->stream);
	am_arg(b, am_arena_printf(&t->arena, "(%s", c->cursor));
	am_arg(b, "+");
	am_arg(b, "COUNT");
	am_argi(b, 1);
}

static void
look_loaded(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct am_calendars *c = of_look(op);

	(void)t;
	c->kept = am_turn_reply(b, 0);
	c->unread = am_turn_reply(b, 1);
}

/* Until when the old calendar judged. */
static am_ms
old_until(const struct am_calendars *c)
{
	am_ms at = c->checked_at;
	const redisReply *r = c->unread;
	uint64_t ms, seq;

	if (r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 1 &&
	    r->element[0]->elements > 0 &&
	    am_stream_id_parse(
		am_reply_str(r->element[0]->element[0]), &ms, &seq) == 0 &&
	    (am_ms)ms <= at)
		at = (am_ms)ms - 1;
	return at;
}

/* Takes the number ahead of the next blank; false when there is none. */
static bool
take_number(struct am_str *s, int64_t *number)
{
	const char *blank = s->n > 0 ? memchr(s->p, ' ', s->n) : NULL;
	struct am_str word = { s->p, 0 };

	if (blank == NULL)
		return false;
	word.n = (size_t)(blank - s->p);
	*s = (struct am_str){ blank + 1, s->n - word.n - 1 };
	return am_str_i64(word, number) == 0;
}

/* "MS COMMIT TEXT" of a walk that was begun and is not over: the text; n == 0:
 * none. */
static struct am_str
begun(const struct am_calendars *c, const char *name, am_ms *since, int64_t *by)
{
	char field[128];
	struct am_str kept;

	snprintf(field, sizeof(field), "since:%s", name);
	kept = kept_field(c, field);
	if (!take_number(&kept, since) || !take_number(&kept, by))
		return (struct am_str){ NULL, 0 };
	return kept;
}

/* From now on the new text is in force, and what was is past. */
static void
write_begin(struct am_calendars *c, struct am_turn *t, struct am_str past)
{
	struct am_batch *b = am_commit_raw(t->commit);
	const char *list = am_arena_printf(&t->arena, "%s:past", key(c, t));

	c->since = old_until(c);
	c->begun_by = (int64_t)am_store_cursor(c->sh->store)->commit;
	am_cmd(b, "HSET");
	am_arg(b, key(c, t));
	am_arg(b, am_arena_printf(&t->arena, "since:%s", c->name));
	am_arg(b, am_arena_printf(&t->arena, "%" PRId64 " %" PRId64 " %.*s",
		      c->since, c->begun_by, AM_ARG(c->text)));
	am_cmd(b, "RPUSH");
	am_arg(b, list);
	am_args(b, past);
	am_cmd(b, "LTRIM");
	am_arg(b, list);
	am_argi(b, -PAST_MAX);
	am_argi(b, -1);
}

/* The calendar's text was `old`, and is another. */
static void
prepare(struct am_calendars *c, struct am_turn *t, size_t i, struct am_str old)
{
	struct am_conf *conf = c->sh->engine->conf;
	char was[HASH_LEN + 1], is[HASH_LEN + 1];
	struct am_diag diag = { .text = "" };
	struct am_str pending;

	c->conf = am_conf_ref(conf);
	c->name = conf->calendars[i]->name;
	c->text = conf->calendar_texts[i];
	c->seen = c->moved = 0;
	c->old = NULL;
	old = am_arena_dup(&c->arena, old);
	if (am_conf_bind_calendar(conf, old, &c->arena, &c->old, &diag) != 0)
		am_log_warn("calendar_unreadable",
		    "shard=%s calendar=%s reason=%s", c->sh->stream,
		    am_log_val(am_str_c(c->name)),
		    am_log_val(am_str_c(diag.text)));
	pending = begun(c, c->name, &c->since, &c->begun_by);
	if (!am_str_eq(pending, c->text))
		write_begin(c, t, pending.n > 0 ? pending : old);
	hash_text(old, was);
	hash_text(c->text, is);
	c->event_id = am_str_c(am_arena_printf(&c->arena,
	    "calendar:%s:%s:%s:%" PRId64, c->name, was, is, c->begun_by));
}

/* Calendars that have left conf; nothing that is open uses them. */
static bool
drop_gone(struct am_calendars *c, struct am_turn *t)
{
	const struct am_conf *conf = c->sh->engine->conf;
	bool wrote = false;

	for (size_t i = 0; i + 1 < c->kept->elements; i += 2) {
		struct am_str name = am_reply_str(c->kept->element[i]);
		struct am_str plain = name;
		struct am_batch *b;
		size_t k = 0;

		if (am_str_prefix(name, "since:")) {
			plain.p += 6;
			plain.n -= 6;
		}
		while (k < conf->calendars_n &&
		       !am_str_is(plain, conf->calendars[k]->name))
			k++;
		if (k < conf->calendars_n)
			continue;
		b = am_commit_raw(t->commit);
		am_cmd(b, "HDEL");
		am_arg(b, key(c, t));
		am_args(b, name);
		wrote = true;
	}
	return wrote;
}

static bool
run_look(struct am_op *op, struct am_turn *t)
{
	struct am_calendars *c = of_look(op);
	const struct am_conf *conf = c->sh->engine->conf;
	bool wrote;

	if (c->kept == NULL || c->kept->type != REDIS_REPLY_ARRAY)
		return false;
	wrote = drop_gone(c, t);
	for (size_t i = 0; i < conf->calendars_n; i++) {
		const char *name = conf->calendars[i]->name;
		struct am_str text = conf->calendar_texts[i];
		struct am_str kept = kept_field(c, name);
		am_ms since;
		int64_t by;

		if (am_str_eq(kept, text)) {
			/* switched back in the middle of a walk: what that one
			 * has told is in force until now */
			kept = begun(c, name, &since, &by);
			if (kept.n == 0)
				continue;
			write_kept(c, t, name, kept);
		}
		if (kept.n == 0)
			write_kept(c, t, name, text);
		else if (c->conf == NULL)
			prepare(c, t, i, kept);
		wrote = true;
	}
	return wrote;
}

static void
look_done(struct am_op *op, int rc)
{
	struct am_calendars *c = of_look(op);

	if (rc == 0 && c->conf != NULL && !c->again) {
		c->walk.stop = false;
		am_walk_start(c->sh, &c->walk);
		return;
	}
	if (c->conf != NULL)
		forget_work(c);
	if (c->again || (rc != 0 && rc != -AM_EFENCED && c->sh->running &&
			    !c->sh->engine->stopping))
		begin_look(c);
	else
		c->busy = false;
}

void
am_calendars_check(struct am_calendars *c)
{
	snprintf(c->cursor, sizeof(c->cursor), "%s",
	    am_store_cursor(c->sh->store)->id);
	c->checked_at = am_engine_now();
	if (c->busy) {
		c->again = c->walk.stop = true;
		return;
	}
	c->busy = true;
	begin_look(c);
}

struct am_calendars *
am_calendars_new(struct am_shard *sh)
{
	struct am_calendars *c = calloc(1, sizeof(*c));

	AM_ASSERT(c != NULL);
	c->sh = sh;
	c->look = (struct am_op){ .load = load_look,
		.loaded = look_loaded,
		.run = run_look,
		.done = look_done };
	c->walk.step = step;
	c->walk.page = page;
	c->walk.paged = paged;
	c->walk.last = last;
	c->walk.done = walk_done;
	am_arena_init(&c->arena, 0);
	return c;
}

void
am_calendars_free(struct am_calendars *c)
{
	if (c->conf != NULL)
		am_conf_unref(c->conf);
	am_arena_fini(&c->arena);
	free(c);
}
