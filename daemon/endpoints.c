/*
 * endpoints - see endpoints.h.
 *
 * A shard writes for itself alone, for it is fenced alone; what one of a
 * daemon's shards learns of an endpoint is given to the others as an act of
 * their own. One that does not get it (Redis is away, the daemon dies) learns
 * it from its own next sending. Rejected: one key for all shards, which no
 * fence would cover.
 *
 * When an endpoint began to fail is written at the first failure behind a
 * success and a few times after that, not at each: `failing_last` says that
 * somebody kept trying. An endpoint that nobody tried for half of the time is
 * not judged by what it did before.
 */

#include "daemon/endpoints.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "daemon/alerts.h"
#include "daemon/turn.h"

#define MARKS 16 /* failing_last is written so often in disable_after */

static const char *const names[AM_DISABLED_N] = {
	[AM_ENABLED] = "",
	[AM_DISABLED_GONE] = "gone",
	[AM_DISABLED_FAILING] = "failing",
	[AM_DISABLED_OPERATOR] = "operator",
};

const char *
am_disabled_str(enum am_disabled why)
{
	return names[why];
}

const char *
am_endpoint_type_str(enum am_endpoint_type type)
{
	static const char *const types[] = {
		[AM_ENDPOINT_WEBHOOK] = "webhook",
		[AM_ENDPOINT_SMS] = "sms",
		[AM_ENDPOINT_CHAT] = "chat",
		[AM_ENDPOINT_MAIL] = "mail",
	};

	return types[type];
}

/* ---- JSON ---- */

void
am_endpoint_format(const struct am_endpoint_state *s, struct am_buf *out)
{
	am_buf_addc(out, '{');
	am_buf_addkv(out, "state",
	    am_str_c(s->disabled != AM_ENABLED ? "disabled" : "enabled"));
	if (s->disabled != AM_ENABLED)
		am_buf_addkv(out, "reason", am_str_c(names[s->disabled]));
	if (s->at != 0)
		am_buf_addki(out, "at", s->at);
	if (s->by[0] != '\0')
		am_buf_addkv(out, "by", am_str_c(s->by));
	if (s->text[0] != '\0')
		am_buf_addkv(out, "text", am_str_c(s->text));
	if (s->failing_since != 0) {
		am_buf_addki(out, "failing_since", s->failing_since);
		am_buf_addki(out, "failing_last", s->failing_last);
	}
	am_buf_addc(out, '}');
}

static void
take_ms(am_ms *to, struct am_str text)
{
	int64_t n;

	if (am_str_i64(text, &n) == 0 && n > 0)
		*to = n;
}

static void
take_reason(struct am_endpoint_state *s, struct am_str v)
{
	for (int i = AM_ENABLED + 1; i < AM_DISABLED_N; i++)
		if (am_str_is(v, names[i]))
			s->disabled = (enum am_disabled)i;
}

static void
take_field(struct am_endpoint_state *s, struct am_str key, struct am_str v)
{
	if (am_str_is(key, "reason"))
		take_reason(s, v);
	else if (am_str_is(key, "at"))
		take_ms(&s->at, v);
	else if (am_str_is(key, "by"))
		snprintf(s->by, sizeof(s->by), "%.*s", AM_ARG(v));
	else if (am_str_is(key, "text"))
		snprintf(s->text, sizeof(s->text), "%.*s", AM_ARG(v));
	else if (am_str_is(key, "failing_since"))
		take_ms(&s->failing_since, v);
	else if (am_str_is(key, "failing_last"))
		take_ms(&s->failing_last, v);
}

int
am_endpoint_parse(
    struct am_str json, struct am_arena *a, struct am_endpoint_state *s)
{
	struct am_endpoint_state new = { .disabled = AM_ENABLED };
	const struct am_pair *said;
	bool disabled = false;
	char what[200];
	size_t n;

	if (am_json_flatten(json, 16, a, &said, &n, what) != 0)
		return -AM_EINVAL;
	for (size_t i = 0; i < n; i++) {
		take_field(&new, said[i].key, said[i].value);
		if (am_str_is(said[i].key, "state"))
			disabled = am_str_is(said[i].value, "disabled");
	}
	if (disabled != (new.disabled != AM_ENABLED))
		return -AM_EINVAL;
	*s = new;
	return 0;
}

/* ---- what is known ---- */

struct am_str
am_endpoints_key(const struct am_shard *sh, struct am_arena *a)
{
	return am_str_c(am_arena_printf(
	    a, "%sendpoints", am_store_keys(sh->store)->prefix));
}

void
am_endpoints_forget(struct am_shard *sh)
{
	for (size_t i = 0; i < sh->outlets_n; i++)
		sh->outlets[i]->state =
		    (struct am_endpoint_state){ .disabled = AM_ENABLED };
}

void
am_endpoints_read(struct am_shard *sh, const redisReply *hash)
{
	struct am_arena a;

	if (hash == NULL || hash->type != REDIS_REPLY_ARRAY)
		return;
	am_endpoints_forget(sh);
	am_arena_init(&a, 0);
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		struct am_str name = am_reply_str(hash->element[i]);
		struct am_str json = am_reply_str(hash->element[i + 1]);
		struct am_outlet *o = am_shard_outlet(sh, name);

		if (am_endpoint_parse(json, &a, &o->state) != 0)
			am_log_err("endpoint_unreadable",
			    "endpoint=%.*s shard=%s reason=broken_state",
			    AM_ARG(name), sh->stream);
	}
	am_arena_fini(&a);
}

const struct am_endpoint_state *
am_endpoint_disabled(const struct am_engine *e, const char *endpoint)
{
	for (size_t i = 0; i < e->shards_n; i++) {
		const struct am_outlet *o =
		    am_shard_outlet(e->shards[i], am_str_c(endpoint));

		if (o->state.disabled != AM_ENABLED)
			return &o->state;
	}
	return NULL;
}

/* As this turn will leave it. */
static const struct am_endpoint_state *
state_in(const struct am_turn *t, const struct am_outlet *o)
{
	for (const struct am_state_change *c = t->states; c != NULL;
	     c = c->next)
		if (c->outlet == o)
			return &c->state;
	return &o->state;
}

bool
am_endpoint_off(const struct am_turn *t, const struct am_outlet *o)
{
	return state_in(t, o)->disabled != AM_ENABLED;
}

/* Another shard has told of it, or is about to. */
static bool
known_elsewhere(const struct am_turn *t, const struct am_outlet *o)
{
	const struct am_engine *e = t->sh->engine;

	for (size_t i = 0; i < e->shards_n; i++) {
		struct am_shard *sh = e->shards[i];
		const struct am_outlet *same;

		if (sh == t->sh || !sh->running)
			continue;
		same = am_shard_outlet(sh, am_str_c(o->endpoint));
		if (sh->turn_open ? am_endpoint_off(sh->turn, same)
				  : same->state.disabled != AM_ENABLED)
			return true;
	}
	return false;
}

/* ---- changes ---- */

static struct am_state_change *
put(struct am_turn *t, struct am_outlet *o, const struct am_endpoint_state *s)
{
	struct am_state_change *c = am_arena_zalloc(&t->arena, sizeof(*c));
	struct am_batch *b = am_commit_raw(t->commit);
	bool keep = s->at != 0 || s->failing_since != 0;
	struct am_buf json;

	c->outlet = o;
	c->state = *s;
	c->next = t->states;
	t->states = c;
	am_cmd(b, keep ? "HSET" : "HDEL");
	am_args(b, am_endpoints_key(t->sh, &t->arena));
	am_arg(b, o->endpoint);
	if (keep) {
		am_buf_arena(&json, &t->arena, 160);
		am_endpoint_format(s, &json);
		am_args(b, am_buf_str(&json));
	}
	return c;
}

static struct am_state_change *
disable(struct am_turn *t, struct am_outlet *o,
    const struct am_endpoint_state *why, bool told)
{
	struct am_endpoint_state s = *state_in(t, o);

	s.disabled = why->disabled;
	s.at = t->now;
	memcpy(s.by, why->by, sizeof(s.by));
	memcpy(s.text, why->text, sizeof(s.text));
	am_commit_must_go_on(t->commit);
	if (!told) {
		am_turn_log(t, AM_LOG_WARN, "endpoint_disabled",
		    "endpoint=%s shard=%s reason=%s by=%s text=%s", o->endpoint,
		    t->sh->stream, names[s.disabled],
		    s.by[0] != '\0' ? s.by : "amends",
		    am_log_val(am_str_c(s.text)));
		am_alert_endpoint(t, o->endpoint, &s);
	}
	return put(t, o, &s);
}

void
am_endpoint_disable(struct am_turn *t, struct am_outlet *o,
    const struct am_endpoint_state *why, bool told)
{
	(void)disable(t, o, why, told);
}

bool
am_endpoint_enable(
    struct am_turn *t, struct am_outlet *o, const char *by, bool told)
{
	const struct am_endpoint_state *was = state_in(t, o);
	struct am_endpoint_state s = { .at = t->now };

	if (was->disabled == AM_ENABLED)
		return false;
	snprintf(s.by, sizeof(s.by), "%s", by);
	am_commit_must_go_on(t->commit);
	if (!told) {
		am_turn_log(t, AM_LOG_NOTICE, "endpoint_enabled",
		    "endpoint=%s shard=%s was=%s by=%s", o->endpoint,
		    t->sh->stream, names[was->disabled], by);
		am_alert_endpoint(t, o->endpoint, &s);
	}
	(void)put(t, o, &s);
	return true;
}

/* ---- what outcomes say ---- */

/* By the engine itself: the other shards are to know it, too. */
static void
disable_everywhere(struct am_turn *t, struct am_outlet *o, enum am_disabled why)
{
	const struct am_endpoint_state s = { .disabled = why };
	bool told = known_elsewhere(t, o);

	disable(t, o, &s, told)->spread = !told;
}

/* When this daemon has last seen it take something, from any shard. */
static am_ms
last_ok(const struct am_engine *e, const char *endpoint)
{
	struct am_lane_view v;

	for (size_t i = 0; am_deliver_view(e->deliver, i, &v); i++)
		if (strcmp(v.conf->name, endpoint) == 0)
			return v.last_ok;
	return 0;
}

static void
failed(struct am_turn *t, struct am_outlet *o, am_ms disable_after)
{
	struct am_endpoint_state s = *state_in(t, o);

	if (s.failing_since == 0 ||
	    t->now - s.failing_last > disable_after / 2 ||
	    last_ok(t->sh->engine, o->endpoint) > s.failing_since) {
		s.failing_since = s.failing_last = t->now;
		(void)put(t, o, &s);
	} else if (t->now - s.failing_since >= disable_after) {
		disable_everywhere(t, o, AM_DISABLED_FAILING);
	} else if (t->now - s.failing_last >= disable_after / MARKS) {
		s.failing_last = t->now;
		(void)put(t, o, &s);
	}
}

static void
succeeded(struct am_turn *t, struct am_outlet *o)
{
	struct am_endpoint_state s = *state_in(t, o);

	if (s.failing_since == 0)
		return;
	s.failing_since = s.failing_last = 0;
	(void)put(t, o, &s);
}

/* A number that is none is the fault of the number. */
static bool
is_recipients(const struct am_conf_endpoint *ep, const struct am_send_result *r)
{
	return r->recipient_only ||
	       (r->class == AM_SEND_PERMANENT && !r->opted_out &&
		   (ep->type == AM_ENDPOINT_SMS ||
		       ep->type == AM_ENDPOINT_MAIL));
}

bool
am_endpoint_is_gone(const struct am_send_result *r)
{
	return r->class == AM_SEND_PERMANENT && r->status == 410 &&
	       strcmp(r->reason, "gone") == 0;
}

void
am_endpoints_outcome(struct am_turn *t, const struct am_sending *s)
{
	const struct am_send_result *r = &s->result;
	struct am_outlet *o = am_shard_outlet(t->sh, am_str_c(s->endpoint));
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(s->endpoint));

	if (ep == NULL || am_endpoint_off(t, o) || r->class == AM_SEND_CANCELED)
		return;
	if (am_endpoint_is_gone(r))
		disable_everywhere(t, o, AM_DISABLED_GONE);
	else if (r->class == AM_SEND_OK || r->opted_out)
		succeeded(t, o);
	else if (ep->disable_after != 0 && !is_recipients(ep, r))
		failed(t, o, ep->disable_after);
}

/* ---- from one shard to the others ---- */

struct spread {
	struct am_op op;
	char *endpoint;
	struct am_endpoint_state state;
};

static bool
spread_run(struct am_op *op, struct am_turn *t)
{
	const struct spread *s = (struct spread *)op;
	struct am_outlet *o = am_shard_outlet(t->sh, am_str_c(s->endpoint));

	if (am_endpoint_off(t, o))
		return false;
	am_endpoint_disable(t, o, &s->state, true);
	return true;
}

static void
spread_done(struct am_op *op, int rc)
{
	struct spread *s = (struct spread *)op;

	(void)rc; /* not done: this shard's next sending says so again */
	free(s->endpoint);
	free(s);
}

static void
spread(struct am_shard *from, const struct am_state_change *c)
{
	const struct am_engine *e = from->engine;

	for (size_t i = 0; i < e->shards_n; i++) {
		struct spread *s;

		if (e->shards[i] == from || !e->shards[i]->running)
			continue;
		s = calloc(1, sizeof(*s));
		AM_ASSERT(s != NULL);
		s->op =
		    (struct am_op){ .run = spread_run, .done = spread_done };
		s->endpoint = strdup(c->outlet->endpoint);
		AM_ASSERT(s->endpoint != NULL);
		s->state = c->state;
		am_shard_op(e->shards[i], &s->op);
	}
}

void
am_endpoints_learn(struct am_turn *t)
{
	for (const struct am_state_change *c = t->states; c != NULL;
	     c = c->next) {
		if (state_in(t, c->outlet) == &c->state) /* its last word */
			c->outlet->state = c->state;
		if (c->spread)
			spread(t->sh, c);
	}
}
