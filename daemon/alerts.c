/*
 * alerts - see alerts.h.
 *
 * An alert in an outbox is a follow-up of no complaint: claimed, retried,
 * parked and given up like all others, so that it needs no second mechanism.
 * Dead letters are counted where they are written (am_commit_fu_letter()), for
 * a follow-up dies in a dozen places and leaves exactly one letter.
 */

#include "daemon/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/reports.h"
#include "daemon/turn.h"

#define PREFIX "amends."

/* ---- bodies ---- */

static void
add_time(struct am_buf *b, const char *key, am_ms at)
{
	char text[32];

	am_rfc3339_format(at, text);
	am_buf_addkv(b, key, am_str_c(text));
}

/* Up to where what it tells of begins. */
static void
open_body(
    struct am_buf *b, const struct am_engine *e, const char *type, am_ms at)
{
	am_buf_addc(b, '{');
	am_buf_addkv(b, "type", am_str_c(type));
	add_time(b, "timestamp", at);
	am_buf_addkey(b, "data");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "instance", am_str_c(e->conf->instance));
}

static void
close_body(struct am_buf *b)
{
	am_buf_adds(b, "}}");
}

/* ---- through the outboxes ---- */

/* What happened: its type, and what makes it this one. */
struct cause {
	const char *type;
	struct am_str of;
	am_ms at;
	const char *about; /* the endpoint that it tells of */
};

static void
make_id(const struct cause *c, const char *endpoint, uint8_t id[16])
{
	struct am_sha256 s;
	uint8_t sum[32], at[8];

	for (size_t i = 0; i < sizeof(at); i++)
		at[i] = (uint8_t)((uint64_t)c->at >> 8 * i);
	am_sha256_init(&s);
	am_sha256_addl(&s, am_str_c(c->type));
	am_sha256_addl(&s, c->of);
	am_sha256_add(&s, at, sizeof(at));
	am_sha256_addl(&s, am_str_c(endpoint));
	am_sha256_end(&s, sum);
	memcpy(id, sum, 16);
}

static bool
is_alert_endpoint(const struct am_conf *conf, size_t i, const char *about)
{
	return am_conf_endpoint(conf, am_str_c(conf->alert[i])) != NULL &&
	       strcmp(conf->alert[i], about) != 0;
}

static void
tell(struct am_turn *t, const struct cause *c, struct am_str body)
{
	const struct am_conf *conf = t->sh->engine->conf;

	for (size_t i = 0; i < conf->alert_n; i++) {
		struct am_fu_record f = {
			.endpoint = am_str_c(conf->alert[i]),
			.rung_name = am_str_c(c->type + sizeof(PREFIX) - 1),
			.reason = AM_REASON_OPERATOR,
			.to = AM_ROLE_TEAM,
			.due_at = c->at,
			.fired_at = t->now,
			.next_at = t->now,
			.body = body,
		};

		if (!is_alert_endpoint(conf, i, c->about))
			continue;
		make_id(c, conf->alert[i], f.id);
		am_commit_fu_set(t->commit, &f, t->now);
		am_turn_touch(
		    t, am_out_name(&t->arena, f.endpoint, f.class), t->now);
	}
}

void
am_alert_endpoint(struct am_turn *t, const char *endpoint,
    const struct am_endpoint_state *state)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(endpoint));
	bool off = state->disabled != AM_ENABLED;
	const struct cause c = {
		.type = off ? PREFIX "endpoint.disabled"
			    : PREFIX "endpoint.enabled",
		.of = am_str_c(endpoint),
		.at = state->at,
		.about = endpoint,
	};
	struct am_buf b;

	if (t->sh->engine->conf->alert_n == 0)
		return;
	am_buf_arena(&b, &t->arena, 512);
	open_body(&b, t->sh->engine, c.type, t->now);
	am_buf_addkv(&b, "shard", am_str_c(t->sh->stream));
	am_buf_addkey(&b, "endpoint");
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "name", c.of);
	if (ep != NULL)
		am_buf_addkv(
		    &b, "type", am_str_c(am_endpoint_type_str(ep->type)));
	am_buf_addkv(&b, "state", am_str_c(off ? "disabled" : "enabled"));
	if (off)
		am_buf_addkv(
		    &b, "reason", am_str_c(am_disabled_str(state->disabled)));
	if (state->text[0] != '\0')
		am_buf_addkv(&b, "text", am_str_c(state->text));
	am_buf_addkv(
	    &b, "by", am_str_c(state->by[0] != '\0' ? state->by : "amends"));
	if (off && state->failing_since != 0)
		add_time(&b, "failing_since", state->failing_since);
	am_buf_addc(&b, '}');
	close_body(&b);
	tell(t, &c, am_buf_str(&b));
}

/* The age of what was tried since it was fired, or sent again. */
static am_ms
begun_at(const struct am_fu_record *f)
{
	if (f->attempts_total != 0 && f->attempts_total <= f->attempts_n)
		return f->attempts[f->attempts_n - f->attempts_total].started;
	return f->fired_at;
}

static void
tell_followup(struct am_turn *t, const struct am_fu_record *f, const char *type,
    const char *reason)
{
	const struct am_attempt *last =
	    f->attempts_n != 0 ? &f->attempts[f->attempts_n - 1] : NULL;
	const char *endpoint = am_arena_cstr(&t->arena, f->endpoint);
	struct cause c = { .type = type, .at = begun_at(f), .about = endpoint };
	char *id = am_arena_alloc(&t->arena, AM_FU_ID_LEN + 1);
	struct am_buf b;

	am_fu_id_format(f->id, id);
	c.of = am_str_c(id);
	am_buf_arena(&b, &t->arena, 512);
	open_body(&b, t->sh->engine, type, t->now);
	am_buf_addkv(&b, "shard", am_str_c(t->sh->stream));
	am_buf_addkey(&b, "followup");
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "id", c.of);
	am_buf_addkv(&b, "endpoint", f->endpoint);
	am_buf_addkv(&b, "rung", f->rung_name);
	am_buf_addkv(&b, "to", am_str_c(am_role_str(f->to)));
	am_buf_addkv(&b, "reason", am_str_c(reason));
	am_buf_addki(&b, "attempts", f->attempts_total);
	am_buf_addki(&b, "status", last != NULL ? last->status : 0);
	add_time(&b, "due_at", f->due_at);
	add_time(&b, "fired_at", f->fired_at);
	am_buf_addc(&b, '}');
	if (f->complaint.n != 0) { /* a digest speaks of several */
		am_buf_addkey(&b, "complaint");
		am_buf_addc(&b, '{');
		am_buf_addkv(&b, "id", f->complaint);
		am_buf_addc(&b, '}');
	}
	close_body(&b);
	tell(t, &c, am_buf_str(&b));
}

void
am_alert_dead(struct am_turn *t)
{
	if (t->sh->engine->conf->alert_n == 0)
		return;
	for (const struct am_letter *l = am_commit_letters(t->commit);
	     l != NULL; l = l->next)
		if (!am_fu_is_alert(&l->row) || am_fu_is_report(&l->row))
			tell_followup(
			    t, &l->row, PREFIX "followup.dead", l->reason);
}

void
am_alert_delivered(
    struct am_turn *t, const struct am_fu_record *f, bool breaker_was_open)
{
	if (t->sh->engine->conf->alert_n == 0 ||
	    (am_fu_is_alert(f) && !am_fu_is_report(f)) ||
	    (!f->replayed && !breaker_was_open))
		return;
	tell_followup(t, f, PREFIX "followup.recovered",
	    f->replayed ? "replayed" : "endpoint-back");
}

/* ---- at once ---- */

struct shout {
	TAILQ_ENTRY(shout) link;
	struct am_alerts *alerts;
	char *endpoint;
	struct am_buf body;
	char id[AM_FU_ID_LEN + 1];
	size_t tries;
	struct event *timer; /* until the next try */
};

TAILQ_HEAD(shouts, shout);

struct am_alerts {
	struct am_engine *engine;
	struct shouts shouts;
};

/* Behind the first; then whoever listens has to look at the status. */
static const am_ms again_after[] = { 2 * AM_SECOND, 10 * AM_SECOND, AM_MINUTE };

static void
shout_free(struct shout *s)
{
	TAILQ_REMOVE(&s->alerts->shouts, s, link);
	event_free(s->timer);
	am_buf_fini(&s->body);
	free(s->endpoint);
	free(s);
}

static void
on_shouted(void *arg, const struct am_send_result *r)
{
	struct shout *s = arg;
	am_ms wait;

	if (r->class == AM_SEND_OK || r->class == AM_SEND_PERMANENT ||
	    r->class == AM_SEND_CANCELED || s->tries == AM_COUNT(again_after)) {
		if (r->class != AM_SEND_OK && r->class != AM_SEND_CANCELED)
			am_log_warn("alert_lost", "endpoint=%s id=%s reason=%s",
			    s->endpoint, s->id, r->reason);
		shout_free(s);
		return;
	}
	wait = again_after[s->tries++];
	event_add(s->timer,
	    &(struct timeval){ .tv_sec = (time_t)(wait / AM_SECOND) });
}

static void
shout(struct shout *s)
{
	am_deliver_send(s->alerts->engine->deliver, s->endpoint,
	    &(struct am_send_what){ .id = s->id,
		.body = am_buf_str(&s->body),
		.fired_at = am_engine_now() },
	    am_engine_now(), on_shouted, s);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	shout(arg);
}

struct am_alerts *
am_alerts_new(struct am_engine *e)
{
	struct am_alerts *a = calloc(1, sizeof(*a));

	AM_ASSERT(a != NULL);
	a->engine = e;
	TAILQ_INIT(&a->shouts);
	return a;
}

void
am_alerts_free(struct am_alerts *a)
{
	if (a == NULL)
		return;
	while (!TAILQ_EMPTY(&a->shouts))
		shout_free(TAILQ_FIRST(&a->shouts));
	free(a);
}

static bool
is_bad(enum am_shard_state state)
{
	return state == AM_SHARD_HELD_CLOCK ||
	       state == AM_SHARD_HALTED_DATASET ||
	       state == AM_SHARD_HALTED_BEHIND ||
	       state == AM_SHARD_HALTED_STORAGE || state == AM_SHARD_DEGRADED;
}

static void
begin_shout(struct am_engine *e, const char *endpoint, const struct cause *c,
    struct am_str body)
{
	struct am_alerts *a = e->alerts;
	struct shout *s = calloc(1, sizeof(*s));
	uint8_t id[16];

	AM_ASSERT(s != NULL);
	s->alerts = a;
	s->endpoint = strdup(endpoint);
	s->timer = evtimer_new(e->base, on_again, s);
	AM_ASSERT(s->endpoint != NULL && s->timer != NULL);
	make_id(c, endpoint, id);
	am_fu_id_format(id, s->id);
	am_buf_init(&s->body);
	am_buf_addstr(&s->body, body);
	TAILQ_INSERT_TAIL(&a->shouts, s, link);
	shout(s);
}

/* To every alert endpoint that is not known to be away. */
static void
shout_all(struct am_engine *e, const struct cause *c, struct am_str body)
{
	const struct am_conf *conf = e->conf;

	for (size_t i = 0; i < conf->alert_n; i++)
		if (is_alert_endpoint(conf, i, "") &&
		    am_endpoint_disabled(e, conf->alert[i]) == NULL)
			begin_shout(e, conf->alert[i], c, body);
}

void
am_alert_shard(struct am_shard *sh, enum am_shard_state state, const char *why)
{
	const char *name = am_shard_state_str(state);
	char type[64];
	const struct cause c = { .type = type,
		.of = am_str_c(sh->stream),
		.at = am_engine_now(),
		.about = "" };
	struct am_buf b;

	if (sh->engine->stopping || state == AM_SHARD_STARTING ||
	    (is_bad(state) ? state == sh->alarm
			   : sh->alarm == AM_SHARD_STARTING))
		return;
	sh->alarm = is_bad(state) ? state : AM_SHARD_STARTING;
	snprintf(type, sizeof(type), PREFIX "shard.%s", name);
	for (char *p = type; *p != '\0'; p++)
		if (*p == ':')
			*p = '.';
	am_buf_init(&b);
	open_body(&b, sh->engine, type, c.at);
	am_buf_addkv(&b, "shard", am_str_c(sh->stream));
	am_buf_addkv(&b, "state", am_str_c(name));
	am_buf_addkv(&b, "why", am_str_c(why));
	close_body(&b);
	shout_all(sh->engine, &c, am_buf_str(&b));
	am_buf_fini(&b);
}

static void
add_finding(struct am_buf *b, const struct am_sample_finding *f)
{
	am_buf_addc(b, '{');
	am_buf_addkv(b, "what", am_str_c(f->what));
	am_buf_addkv(b, "of", am_str_c(f->of));
	am_buf_addkv(b, "text", am_str_c(f->text));
	add_time(b, "since", f->since);
	am_buf_addc(b, '}');
}

void
am_alert_audit(
    struct am_engine *e, const struct am_sample_finding *findings, size_t n)
{
	const struct cause c = {
		.type = n != 0 ? PREFIX "audit.alarm" : PREFIX "audit.clean",
		.of = am_str_c(e->conf->instance),
		.at = am_engine_now(),
		.about = "",
	};
	struct am_buf b;

	if (e->stopping)
		return;
	am_buf_init(&b);
	open_body(&b, e, c.type, c.at);
	if (n != 0) {
		am_buf_addkey(&b, "findings");
		am_buf_addc(&b, '[');
		for (size_t i = 0; i < n; i++) {
			if (i != 0)
				am_buf_addc(&b, ',');
			add_finding(&b, &findings[i]);
		}
		am_buf_addc(&b, ']');
	}
	close_body(&b);
	shout_all(e, &c, am_buf_str(&b));
	am_buf_fini(&b);
}
