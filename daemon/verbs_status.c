/* verbs_status - status, health, shard list: no Redis needed. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/ready.h"
#include "daemon/audit.h"
#include "daemon/view.h"
#include "daemon/web.h"
#include "log/log.h"

#include <amends/version.h>

static bool
is_open_field(const redisReply *field)
{
	return am_str_prefix(am_reply_str(field), "open:");
}

static int64_t
sum_open(const redisReply *tally)
{
	int64_t n = 0;

	if (tally == NULL || tally->type != REDIS_REPLY_ARRAY)
		return 0;
	for (size_t i = 0; i + 1 < tally->elements; i += 2)
		if (is_open_field(tally->element[i]))
			n += am_reply_int(tally->element[i + 1]);
	return n;
}

static void
sum_state(struct am_endpoint_sum *sum, const struct am_endpoint_state *s)
{
	am_ms since = sum->state.failing_since;

	if (s->disabled != AM_ENABLED && sum->off++ == 0)
		sum->state = *s;
	if (since == 0 || (s->failing_since != 0 && s->failing_since < since))
		since = s->failing_since;
	sum->state.failing_since = since;
}

static void
sum_states(struct view *v, const redisReply *hash)
{
	struct sums *s = v->own;
	struct am_endpoint_state state;

	if (hash == NULL || hash->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t i = 0; i + 1 < hash->elements; i += 2)
		for (size_t k = 0; k < s->conf->endpoints_n; k++)
			if (am_str_is(am_reply_str(hash->element[i]),
				s->conf->endpoints[k]->name) &&
			    am_endpoint_parse(
				am_reply_str(hash->element[i + 1]), v->a,
				&state) == 0)
				sum_state(&s->endpoints[k], &state);
}

#define FIRST_OUTBOX 4 /* in the batch of a shard */

static void
on_sums(struct view *v, struct am_batch *b)
{
	struct sums *s = v->own;
	int64_t open = sum_open(am_batch_reply(b, 0));

	s->shard_open[v->shard_i - 1] = open;
	s->open += open;
	s->dead += am_reply_int(am_batch_reply(b, 1));
	s->rejects += am_reply_int(am_batch_reply(b, 2));
	s->shards++;
	sum_states(v, am_batch_reply(b, 3));
	for (size_t i = 0; i < s->conf->endpoints_n; i++) {
		int64_t n = 0;

		for (size_t k = 0; k < AM_FU_CLASSES; k++)
			n += am_reply_int(am_batch_reply(
			    b, FIRST_OUTBOX + i * AM_FU_CLASSES + k));
		s->waiting += n;
		s->endpoints[i].waiting += n;
	}
	am_view_next_shard(v);
}

static void
ask_sums(struct view *v)
{
	const struct am_keys *keys = am_store_keys(v->shard->store);
	const struct sums *s = v->own;
	const struct am_conf *conf = s->conf;
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "HGETALL");
	am_arg(b, keys->tally);
	am_cmd(b, "XLEN");
	am_arg(b, keys->dead);
	am_cmd(b, "XLEN");
	am_arg(b, keys->rejects);
	am_cmd(b, "HGETALL");
	am_args(b, am_endpoints_key(v->shard, v->a));
	for (size_t i = 0; i < conf->endpoints_n * AM_FU_CLASSES; i++) {
		const char *name = conf->endpoints[i / AM_FU_CLASSES]->name;

		am_cmd(b, "ZCARD");
		am_args(b,
		    am_key(keys, v->a, "out",
			am_out_name(v->a, am_str_c(name), i % AM_FU_CLASSES)));
	}
	am_view_send(v, b, on_sums);
}

static void
end_sums(struct view *v)
{
	struct sums *s = v->own;
	struct am_conf *conf = s->conf;

	s->end(v); /* v is gone with its call */
	am_conf_unref(conf);
}

void
am_view_sums(struct view *v, void (*end)(struct view *))
{
	struct sums *s = am_arena_zalloc(v->a, sizeof(*s));

	s->shard_open =
	    am_arena_alloc(v->a, (v->engine->shards_n + 1) * sizeof(int64_t));
	for (size_t i = 0; i < v->engine->shards_n; i++)
		s->shard_open[i] = -1;
	s->conf = am_conf_ref(v->engine->conf);
	s->endpoints = am_arena_zalloc(
	    v->a, (s->conf->endpoints_n + 1) * sizeof(*s->endpoints));
	s->end = end;
	v->own = s;
	am_view_walk(v, ask_sums, end_sums);
}

/* ---- status ---- */

static bool
redis_up(const struct am_engine *e)
{
	for (size_t i = 0; i < e->shards_n; i++) {
		enum am_shard_state s = am_store_state(e->shards[i]->store);

		if (s == AM_SHARD_DEGRADED || s == AM_SHARD_STARTING)
			return false;
	}
	return true;
}

static void
add_redis(struct view *v)
{
	struct am_shard *first = v->engine->shards[0];
	const struct am_redis_facts *f = am_store_facts(first->store);
	struct am_buf *b = &v->line;
	bool up = redis_up(v->engine) && v->unreachable == 0;

	am_buf_addkey(b, "redis");
	am_buf_addc(b, '{');
	am_view_bool(v, "up", up);
	am_view_s(v, "version", f->version);
	am_view_s(v, "durability", f->durability);
	am_view_s(v, "policy", f->policy);
	am_buf_addki(b, "used_memory", (int64_t)f->used_memory);
	am_buf_addki(b, "maxmemory", (int64_t)f->maxmemory);
	am_buf_addki(b, "clock_diff_ms", f->clock_diff);
	am_view_s(v, "why", up ? "" : am_store_why(first->store));
	am_buf_addc(b, '}');
}

/* Judged now: the warnings are those of the load, which may be long ago. */
static void
add_endings(struct view *v)
{
	const char *names[AM_CONF_LIST_MAX];
	size_t n = am_conf_calendars_ending(
	    v->engine->conf, am_engine_now(), names, AM_COUNT(names));

	am_buf_addkey(&v->line, "calendars_ending");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; i < n && i < AM_COUNT(names); i++) {
		if (i != 0)
			am_buf_addc(&v->line, ',');
		am_buf_addjson(&v->line, am_str_c(names[i]));
	}
	am_buf_addc(&v->line, ']');
}

static void
add_conf(struct view *v)
{
	const struct am_engine *e = v->engine;
	struct am_buf *b = &v->line;

	am_buf_addkey(b, "config");
	am_buf_addc(b, '{');
	am_view_s(v, "path", e->conf->path);
	am_view_time(v, "loaded_at", e->conf_loaded_at);
	am_view_bool(v, "ok", e->conf_error[0] == '\0');
	am_view_s(v, "error", e->conf_error);
	am_buf_addkey(b, "warnings");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < e->conf->warnings_n; i++) {
		if (i != 0)
			am_buf_addc(b, ',');
		am_buf_addjson(b, am_str_c(e->conf->warnings[i]));
	}
	am_buf_addc(b, ']');
	add_endings(v);
	am_buf_addc(b, '}');
	am_buf_addkey(b, "loops");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < e->conf->loops_n; i++) {
		if (i != 0)
			am_buf_addc(b, ',');
		am_buf_addjson(b, am_str_c(e->conf->loops[i]->name));
	}
	am_buf_addc(b, ']');
}

static void
add_counts(struct view *v)
{
	const struct am_counts *c = &v->engine->counts;
	struct am_buf *b = &v->line;

	am_buf_addkey(b, "events");
	am_buf_addc(b, '{');
	am_buf_addki(b, "applied", (int64_t)c->applied);
	am_buf_addki(b, "duplicate", (int64_t)c->duplicate);
	am_buf_addki(b, "ignored", (int64_t)c->ignored);
	am_buf_addki(b, "rejected", (int64_t)c->rejected);
	am_buf_addki(b, "unmatched", (int64_t)c->unmatched);
	am_buf_addc(b, '}');
	am_buf_addkey(b, "followups");
	am_buf_addc(b, '{');
	am_buf_addki(b, "fired", (int64_t)c->fired);
	am_buf_addki(b, "delivered", (int64_t)c->delivered);
	am_buf_addki(b, "retried", (int64_t)c->retried);
	am_buf_addki(b, "dead", (int64_t)c->dead);
	am_buf_addki(b, "suppressed", (int64_t)c->suppressed);
	am_buf_addki(b, "unknown", (int64_t)c->unknown);
	am_buf_addc(b, '}');
}

static void
add_disabled(struct view *v)
{
	const struct sums *s = v->own;
	bool first = true;

	am_buf_addkey(&v->line, "disabled");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; i < s->conf->endpoints_n; i++) {
		if (s->endpoints[i].off == 0)
			continue;
		am_buf_adds(&v->line, first ? "{" : ",{");
		am_view_s(v, "endpoint", s->conf->endpoints[i]->name);
		am_view_s(v, "reason",
		    am_disabled_str(s->endpoints[i].state.disabled));
		am_buf_addki(&v->line, "waiting", s->endpoints[i].waiting);
		am_buf_addc(&v->line, '}');
		first = false;
	}
	am_buf_addc(&v->line, ']');
}

static void
add_paused(struct view *v)
{
	const struct am_pause *list;
	size_t n = am_paused_list(v->engine, v->a, &list);

	am_buf_addkey(&v->line, "paused");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; i < n; i++) {
		am_buf_adds(&v->line, i == 0 ? "{" : ",{");
		am_view_s(v, "what", list[i].what);
		am_view_time(v, "since", list[i].since);
		am_view_s(v, "by", list[i].by);
		am_view_s(v, "reason", list[i].reason);
		am_buf_addc(&v->line, '}');
	}
	am_buf_addc(&v->line, ']');
}

static void
add_null(struct am_buf *b, const char *key)
{
	am_buf_addkey(b, key);
	am_buf_adds(b, "null");
}

static void
end_status(struct view *v)
{
	const struct am_engine *e = v->engine;
	const struct sums *s = v->own;
	struct am_buf *b = &v->line;

	am_view_open(v);
	am_view_s(v, "instance", e->conf->instance);
	am_view_s(v, "version", AM_VERSION);
	am_buf_addki(b, "pid", getpid());
	am_buf_addki(b, "uptime_ms", am_engine_now() - e->started_at);
	am_view_time(v, "now", am_engine_now());
	am_view_s(v, "state", am_engine_state(e));
	add_redis(v);
	am_buf_addkey(b, "shards");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < e->shards_n; i++) {
		am_buf_adds(b, i != 0 ? ",{" : "{");
		am_view_shard(v, e->shards[i], s->shard_open[i]);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
	if (v->unreachable < e->shards_n) {
		am_buf_addki(b, "open", s->open);
		am_buf_addki(b, "waiting", s->waiting);
		am_buf_addki(b, "dead", s->dead);
		am_buf_addki(b, "rejects", s->rejects);
	} else { /* not known: no shard could be asked */
		add_null(b, "open");
		add_null(b, "waiting");
		add_null(b, "dead");
		add_null(b, "rejects");
	}
	add_paused(v);
	add_disabled(v);
	am_buf_addkey(b, "audit");
	am_buf_addc(b, '{');
	am_audit_status(e->audit, b);
	am_buf_addc(b, '}');
	am_buf_addki(b, "in_flight", am_deliver_in_flight(e->deliver));
	am_web_status(e->web, b);
	add_counts(v);
	add_conf(v);
	am_buf_addki(b, "log_dropped", (int64_t)am_log_dropped());
	am_view_close(v);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

void
am_verb_status(struct view *v)
{
	am_view_sums(v, end_status);
}

static void
end_shard_list(struct view *v)
{
	const struct sums *s = v->own;

	for (size_t i = 0; i < v->engine->shards_n; i++) {
		am_view_open(v);
		am_view_shard(v, v->engine->shards[i], s->shard_open[i]);
		am_view_close(v);
	}
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

void
am_verb_shard_list(struct view *v)
{
	am_view_sums(v, end_shard_list);
}

void
am_verb_health(struct view *v)
{
	struct am_ready r;

	am_ready_judge(v->engine, v->a, &r);
	am_view_open(v);
	am_view_bool(v, "healthy", true); /* this answer is the proof */
	am_ready_add(&r, &v->line);
	am_view_close(v);
	am_ctl_end(v->call, r.ready ? AM_EXIT_OK : AM_EXIT_FAILED, "%s",
	    r.ready ? "" : "not ready");
}
