/*
 * reload - another configuration, wholly or not at all.
 *
 * The new file is read and checked first. Then every shard says which loop
 * definitions its open complaints are on; each must still bind against the new
 * names, or the reload is refused with the count. The switch itself happens
 * between turns: no turn ever sees two configurations.
 *
 * Calendars are compiled for some years around the load. A daemon that lives
 * longer reloads by itself, long before their end and once a day until it has
 * worked: what is then refused stands in the status, and there is time to mend
 * it.
 */

#include "daemon/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/audit.h"
#include "daemon/notify.h"
#include "daemon/reload_plan.h"
#include "daemon/produce.h"
#include "daemon/shard.h"
#include "daemon/web.h"
#include "log/log.h"

struct am_reload {
	struct am_engine *engine;
	struct am_conf *conf; /* the candidate */
	am_reload_cb *done;
	am_reload_dry_cb *dry; /* nothing is switched: what would change */
	struct am_reload_plan *plan; /* of a dry one */
	void *arg;
	size_t waiting; /* answers of shards */
	char refused[768];
	struct am_arena arena;	    /* what its questions hold */
	LIST_ENTRY(am_reload) link; /* of the engine: not finished */
};

/* The open complaints of one definition, in one shard. */
struct use {
	struct am_reload *reload;
	size_t n, cap;
	struct use_ref {
		const char *ref;
		int64_t open;
	} * refs;
};

static struct am_reload *
reload_new(struct am_engine *e, void *arg)
{
	struct am_reload *r = calloc(1, sizeof(*r));

	AM_ASSERT(r != NULL);
	r->engine = e;
	r->arg = arg;
	am_arena_init(&r->arena, 0);
	LIST_INSERT_HEAD(&e->reloads, r, link);
	return r;
}

static void
reload_free(struct am_reload *r)
{
	LIST_REMOVE(r, link);
	am_conf_unref(r->conf);
	am_arena_fini(&r->arena);
	free(r);
}

static void
finish(struct am_reload *r, int rc, const char *text)
{
	struct am_engine *e = r->engine;

	if (r->dry != NULL) {
		r->dry(r->arg, rc, text, r->plan);
		am_reload_plan_free(r->plan);
		reload_free(r);
		return;
	}
	snprintf(
	    e->conf_error, sizeof(e->conf_error), "%s", rc != 0 ? text : "");
	if (rc != 0)
		am_log_err(
		    "reload_refused", "reason=%s", am_log_val(am_str_c(text)));
	if (!e->stopping)
		am_notify_ready();
	if (r->done != NULL)
		r->done(r->arg, rc, text);
	reload_free(r);
}

void
am_engine_reloads_end(struct am_engine *e)
{
	struct am_reload *r;

	while ((r = LIST_FIRST(&e->reloads)) != NULL)
		finish(r, -AM_ECANCELED, "the daemon is stopping");
}

static void
settle(struct am_reload *r)
{
	struct am_engine *e = r->engine;
	struct am_diag diag;

	if (r->waiting != 0)
		return;
	if (r->refused[0] == '\0' && r->dry == NULL &&
	    am_web_prepare(e->web, r->conf, &diag) != 0)
		snprintf(r->refused, sizeof(r->refused), "%s", diag.text);
	if (r->refused[0] != '\0') {
		finish(r, -AM_EINVAL, r->refused);
		return;
	}
	if (r->dry != NULL) {
		finish(r, 0, "");
		return;
	}
	am_conf_unref(e->next);
	e->next = am_conf_ref(r->conf);
	am_log_notice("reload", "path=%s loops=%zu endpoints=%zu warnings=%zu",
	    r->conf->path, r->conf->loops_n, r->conf->endpoints_n,
	    r->conf->warnings_n);
	finish(r, 0, "switched");
	am_engine_turn_ended(e);
}

/* Redis cannot say what is in use: nothing is taken away on a guess. */
static void
not_known(struct am_reload *r)
{
	snprintf(r->refused, sizeof(r->refused),
	    "Redis does not answer: what open complaints use cannot be "
	    "checked; try again when it is back");
}

/* A definition that open complaints are on, by its text. */
static void
look_at(struct am_reload *r, const struct use_ref *u, const redisReply *reply)
{
	struct am_str text = am_reply_str(reply);
	const struct am_loopdef *def = NULL;
	struct am_diag diag = { .text = "" };
	struct am_arena a;

	am_arena_init(&a, 0);
	if (am_reply_is_error(reply))
		not_known(r);
	else if (text.n != 0 &&
		 am_conf_bind_loop(r->conf, text, &a, &def, &diag) != 0 &&
		 r->refused[0] == '\0')
		snprintf(r->refused, sizeof(r->refused),
		    "%" PRId64 " open complaints are on loop %s: %s", u->open,
		    u->ref, diag.text);
	/* by what is in force: that knows the names which would go */
	if (r->plan != NULL && text.n != 0 &&
	    am_conf_bind_loop(r->plan->was, text, &a, &def, &diag) != 0)
		def = NULL;
	if (r->plan != NULL)
		am_reload_plan_use(r->plan, u->ref, def, u->open);
	am_arena_fini(&a);
}

static void
on_texts(void *arg, int rc, struct am_batch *b)
{
	struct use *u = arg;
	struct am_reload *r = u->reload;

	if (rc != 0)
		not_known(r);
	for (size_t i = 0; rc == 0 && i < u->n; i++)
		look_at(r, &u->refs[i], am_batch_reply(b, i));
	am_batch_free(b);
	r->waiting--;
	settle(r);
}

/* "open:NAME@HASH": the ref of a tally field, n == 0 for other fields. */
static struct am_str
ref_of(struct am_str field)
{
	static const struct am_str open = { "open:", 5 };

	if (!am_str_prefix(field, open.p))
		return (struct am_str){ NULL, 0 };
	return (struct am_str){ field.p + open.n, field.n - open.n };
}

static void
use_add(struct use *u, struct am_str ref, int64_t open)
{
	struct am_arena *a = &u->reload->arena;

	for (size_t i = 0; i < u->n; i++)
		if (am_str_is(ref, u->refs[i].ref)) {
			u->refs[i].open += open;
			return;
		}
	if (u->n == u->cap) {
		struct use_ref *more;

		u->cap = u->cap * 2 + 8;
		more = am_arena_alloc(a, u->cap * sizeof(*more));
		if (u->n != 0)
			memcpy(more, u->refs, u->n * sizeof(*more));
		u->refs = more;
	}
	u->refs[u->n].ref = am_arena_cstr(a, ref);
	u->refs[u->n++].open = open;
}

static void
ask_texts(struct am_shard *sh, struct use *u)
{
	struct am_batch *b = am_store_query(sh->store);
	struct am_arena *a = am_batch_arena(b);

	for (size_t i = 0; i < u->n; i++) {
		am_cmd(b, "GET");
		am_args(b, am_key(am_store_keys(sh->store), a, "loop",
			       am_str_c(u->refs[i].ref)));
	}
	am_store_query_send(sh->store, b, on_texts, u);
}

struct ask {
	struct am_reload *reload;
	struct am_shard *shard;
};

static void
on_tally(void *arg, int rc, struct am_batch *b)
{
	struct ask *ask = arg;
	struct am_reload *r = ask->reload;
	const redisReply *t = rc == 0 ? am_batch_reply(b, 0) : NULL;
	struct use *u = am_arena_zalloc(&r->arena, sizeof(*u));

	u->reload = r;
	if (t == NULL || t->type != REDIS_REPLY_ARRAY) {
		not_known(r);
		t = NULL;
	}
	for (size_t i = 0; t != NULL && i + 1 < t->elements; i += 2) {
		struct am_str ref = ref_of(am_reply_str(t->element[i]));
		int64_t open = am_reply_int(t->element[i + 1]);

		if (ref.n != 0 && open > 0)
			use_add(u, ref, open);
	}
	if (u->n != 0) {
		ask_texts(ask->shard, u);
	} else {
		r->waiting--;
		settle(r);
	}
	am_batch_free(b);
}

/* What a running daemon cannot change; NULL when all is as it was. */
static const char *
needs_restart(const struct am_conf *a, const struct am_conf *b)
{
	if (strcmp(a->instance, b->instance) != 0)
		return "instance";
	if (strcmp(a->data_dir, b->data_dir) != 0)
		return "data_dir";
	if (strcmp(a->redis.url, b->redis.url) != 0)
		return "redis.url";
	if (strcmp(a->redis.group, b->redis.group) != 0)
		return "redis.group";
	if (a->redis.owner_ttl != b->redis.owner_ttl)
		return "redis.owner_ttl";
	if (strcmp(a->status.socket != NULL ? a->status.socket : "",
		b->status.socket != NULL ? b->status.socket : "") != 0)
		return "status.socket";
	if (a->redis.streams_n != b->redis.streams_n)
		return "redis.streams";
	for (size_t i = 0; i < a->redis.streams_n; i++)
		if (strcmp(a->redis.streams[i], b->redis.streams[i]) != 0)
			return "redis.streams";
	return NULL;
}

/* All to the log, unless nothing is meant to happen; the first to the caller.
 */
static void
say_diags(const struct am_reload *r, const struct am_diag *diags, size_t n,
    char *first, size_t room)
{
	for (size_t i = 0; i < n; i++) {
		const struct am_diag *d = &diags[i];
		char line[1024];

		snprintf(
		    line, sizeof(line), "%s:%d: %s", d->file, d->line, d->text);
		if (r->dry == NULL)
			am_log_err(
			    "conf_error", "at=%s", am_log_val(am_str_c(line)));
		if (i == 0)
			snprintf(first, room, "%s", line);
	}
}

static void
begin(struct am_reload *r)
{
	struct am_engine *e = r->engine;
	struct am_diag *diags = NULL;
	char text[1024] = "the configuration cannot be read";
	size_t diags_n = 0;
	const char *fixed;

	r->conf =
	    am_conf_load(e->conf->path, am_engine_now(), &diags, &diags_n);
	if (r->conf == NULL) {
		say_diags(r, diags, diags_n, text, sizeof(text));
		free(diags);
		finish(r, -AM_EINVAL, text);
		return;
	}
	free(diags);
	fixed = needs_restart(e->conf, r->conf);
	if (fixed != NULL) {
		snprintf(text, sizeof(text),
		    "%s cannot change while running; restart the daemon",
		    fixed);
		finish(r, -AM_EINVAL, text);
		return;
	}
	if (r->dry != NULL)
		r->plan = am_reload_plan_new(e->conf, r->conf);
	r->waiting = 1;
	for (size_t i = 0; i < e->shards_n; i++) {
		struct am_shard *sh = e->shards[i];
		struct am_batch *b;
		struct ask *ask;

		enum am_shard_state state = am_store_state(sh->store);

		if (state == AM_SHARD_STANDBY || state == AM_SHARD_RELEASED)
			continue; /* its owner keeps its own configuration */
		ask = am_arena_alloc(&r->arena, sizeof(*ask));
		*ask = (struct ask){ r, sh };
		b = am_store_query(sh->store);
		am_cmd(b, "HGETALL");
		am_arg(b, am_store_keys(sh->store)->tally);
		r->waiting++;
		am_store_query_send(sh->store, b, on_tally, ask);
	}
	r->waiting--;
	settle(r);
}

void
am_engine_reload(struct am_engine *e, am_reload_cb *done, void *arg)
{
	struct am_reload *r = reload_new(e, arg);

	r->done = done;
	am_notify_reloading();
	begin(r);
}

void
am_engine_reload_dry(struct am_engine *e, am_reload_dry_cb *done, void *arg)
{
	struct am_reload *r = reload_new(e, arg);

	r->dry = done;
	begin(r);
}

/* The switch, as soon as no turn is open. */
void
am_engine_turn_ended(struct am_engine *e)
{
	struct am_ctl_opts ctl;
	struct am_conf *old = e->conf;

	if (e->next == NULL)
		return;
	for (size_t i = 0; i < e->shards_n; i++)
		if (e->shards[i]->turn_open)
			return;
	e->conf = e->next;
	e->next = NULL;
	e->conf_loaded_at = am_engine_now();
	am_log_set(am_log_level_parse(e->conf->log_level));
	am_deliver_configure(e->deliver, e->conf, e->conf_loaded_at);
	am_web_switch(e->web);
	am_audit_reconfigure(e->audit);
	am_produce_reconfigure(e->produce);
	if (e->ctl != NULL) {
		ctl = (struct am_ctl_opts){ .path = e->conf->status.socket,
			.mode = e->conf->status.mode,
			.view = e->conf->status.view,
			.operate = e->conf->status.operate,
			.view_n = e->conf->status.view_n,
			.operate_n = e->conf->status.operate_n };
		am_ctl_permit(e->ctl, &ctl);
	}
	for (size_t i = 0; i < e->shards_n; i++)
		am_shard_reconfigure(e->shards[i]);
	am_conf_unref(old);
}

/* ---- a daemon that runs for years ---- */

static void
tell_endings(const struct am_engine *e, am_ms now)
{
	const char *names[AM_CONF_LIST_MAX];
	size_t n =
	    am_conf_calendars_ending(e->conf, now, names, AM_COUNT(names));

	for (size_t i = 0; i < n && i < AM_COUNT(names); i++)
		am_log_warn(
		    "calendar_ends", "calendar=%s reason=dates-end", names[i]);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct am_engine *e = arg;
	am_ms now = am_engine_now();

	(void)fd;
	(void)what;
	if (now / AM_DAY == e->day || e->stopping)
		return;
	e->day = now / AM_DAY;
	tell_endings(e, now);
	if (am_conf_outlived(e->conf, now)) {
		am_log_notice("calendars_extend", "path=%s", e->conf->path);
		am_engine_reload(e, NULL, NULL);
	}
}

void
am_engine_watch_calendars(struct am_engine *e)
{
	const struct timeval hour = { .tv_sec = 3600 };

	e->day = e->started_at / AM_DAY; /* the load has told of today */
	e->tick = event_new(e->base, -1, EV_PERSIST, on_tick, e);
	AM_ASSERT(e->tick != NULL);
	event_add(e->tick, &hour);
}
