/*
 * verbs_endpoints - endpoints: list, reset, enable, disable, test.
 *
 * What is durable of an endpoint is read from Redis, shard by shard, so that a
 * standby answers, too; what is known of its lane is this daemon's own.
 */

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/reach.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/redrive.h"
#include "daemon/turn.h"
#include "log/log.h"

/* The endpoint that the command names; NULL: the call has ended. */
static const struct am_conf_endpoint *
named(struct view *v)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(v->engine->conf, v->id);

	if (ep == NULL)
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND,
		    "no such endpoint: %.*s; `endpoints` names them",
		    AM_ARG(v->id));
	return ep;
}

/* ---- list ---- */

static bool
lane_view(const struct am_engine *e, const char *name, struct am_lane_view *l)
{
	for (size_t i = 0; am_deliver_view(e->deliver, i, l); i++)
		if (strcmp(l->conf->name, name) == 0)
			return true;
	return false;
}

static void
add_state(struct view *v, const struct am_endpoint_sum *sum)
{
	const struct sums *all = v->own;
	const struct am_endpoint_state *s = &sum->state;
	bool off = s->disabled != AM_ENABLED;

	am_view_s(v, "state", off ? "disabled" : "enabled");
	if (off) {
		am_view_s(v, "reason", am_disabled_str(s->disabled));
		if (s->text[0] != '\0')
			am_view_s(v, "text", s->text);
		am_view_s(v, "by", s->by[0] != '\0' ? s->by : "amends");
		am_view_time(v, "disabled_at", s->at);
		if (sum->off < all->shards) /* an act that did not reach all */
			am_buf_addki(
			    &v->line, "disabled_shards", (int64_t)sum->off);
	}
	am_view_time(v, "failing_since", s->failing_since);
}

static void
end_endpoints(struct view *v)
{
	const struct sums *s = v->own;
	const struct am_conf *conf = s->conf;

	for (size_t i = 0; i < conf->endpoints_n; i++) {
		const struct am_conf_endpoint *ep = conf->endpoints[i];
		struct am_lane_view l = { .last_reason = "" };

		(void)lane_view(v->engine, ep->name, &l);
		am_view_open(v);
		am_view_s(v, "name", ep->name);
		am_view_s(v, "type", am_endpoint_type_str(ep->type));
		am_view_s(v, "url", ep->url);
		am_view_bool(v, "built", ep->built);
		add_state(v, &s->endpoints[i]);
		am_view_s(v, "breaker", am_breaker_str(l.breaker));
		am_buf_addki(&v->line, "failures", l.failures);
		am_view_time(v, "open_until", l.open_until);
		am_view_time(v, "paused_until", l.paused_until);
		am_buf_addki(&v->line, "in_flight", l.in_flight);
		am_buf_addki(&v->line, "waiting", s->endpoints[i].waiting);
		am_buf_addki(&v->line, "sent", (int64_t)l.sent);
		am_buf_addki(&v->line, "ok", (int64_t)l.ok);
		am_buf_addki(&v->line, "failed", (int64_t)l.failed);
		am_view_time(v, "last_ok", l.last_ok);
		am_view_time(v, "last_failed", l.last_failed);
		am_view_s(v, "last_reason",
		    l.last_reason != NULL ? l.last_reason : "");
		am_view_close(v);
	}
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

void
am_verb_endpoints(struct view *v)
{
	am_view_sums(v, end_endpoints);
}

/* ---- reset ---- */

static void
look_again(const struct am_engine *e)
{
	for (size_t i = 0; i < e->shards_n; i++)
		am_shard_kick(e->shards[i]);
}

void
am_verb_endpoints_reset(struct view *v)
{
	const struct am_conf_endpoint *ep = named(v);

	if (ep == NULL)
		return;
	am_deliver_reset(v->engine->deliver, ep->name);
	look_again(v->engine);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

/* ---- enable, disable ---- */

/* One act a shard that we own. */
struct change {
	struct am_op op;
	struct view *v;
	struct am_endpoint_state to;
	const char *endpoint;
	bool enable;
	bool changed; /* in the shard at hand */
	size_t done, as_it_was;
	size_t foreign; /* shards that are not ours now */
	int rc;		/* why it was not done in one that is */
	struct am_redrive redrive;
};

static bool
run_change(struct am_op *op, struct am_turn *t)
{
	struct change *c = (struct change *)op;
	struct am_outlet *o = am_shard_outlet(t->sh, am_str_c(c->endpoint));
	bool told = c->done > 0; /* by the first of them */

	if (c->enable) {
		c->changed = am_endpoint_enable(t, o, c->to.by, told);
	} else {
		c->changed = !am_endpoint_off(t, o);
		if (c->changed)
			am_endpoint_disable(t, o, &c->to, told);
	}
	return c->changed;
}

static void
say_shard(struct change *c)
{
	struct view *v = c->v;

	am_view_open(v);
	am_view_s(v, "shard", v->shard->stream);
	am_view_s(v, "endpoint", c->endpoint);
	am_view_s(v, "state", c->enable ? "enabled" : "disabled");
	am_view_bool(v, "changed", c->changed);
	if (c->enable)
		am_buf_addki(&v->line, "due", (int64_t)c->redrive.changed);
	am_view_close(v);
}

static void
redriven(struct am_redrive *r, int rc)
{
	struct change *c = r->arg;

	if (rc != 0)
		c->rc = rc;
	say_shard(c);
	am_view_next_shard(c->v);
}

static void
change_done(struct am_op *op, int rc)
{
	struct change *c = (struct change *)op;

	if (rc != 0) {
		c->foreign += rc == -AM_EFENCED;
		if (rc != -AM_EFENCED)
			c->rc = rc;
		am_view_next_shard(c->v);
		return;
	}
	c->done += c->changed;
	c->as_it_was += !c->changed;
	if (c->enable && c->changed) {
		c->redrive = (struct am_redrive){ .v = c->v,
			.endpoint = c->endpoint,
			.done = redriven,
			.arg = c };
		am_redrive_shard(&c->redrive);
		return;
	}
	say_shard(c);
	am_view_next_shard(c->v);
}

static void
change_shard(struct view *v)
{
	struct change *c = v->own;

	c->changed = false;
	am_shard_op(v->shard, &c->op);
}

static void
change_end(struct view *v)
{
	const struct change *c = v->own;
	const char *state = c->enable ? "enabled" : "disabled";

	look_again(v->engine);
	am_view_end_everywhere(v, c->rc, c->foreign, c->done,
	    am_arena_printf(v->a, "%s was %s already", c->endpoint, state),
	    am_arena_printf(v->a, "%s is %s", c->endpoint, state));
}

static void
change(struct view *v, bool enable)
{
	const struct am_conf_endpoint *ep = named(v);
	struct am_str text = am_verb_option(v->argv, v->argc, "--reason");
	struct change *c;

	if (ep == NULL)
		return;
	if (text.n > AM_ENDPOINT_TEXT) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--reason is longer than a line; at most %d bytes",
		    AM_ENDPOINT_TEXT);
		return;
	}
	c = am_arena_zalloc(v->a, sizeof(*c));
	c->v = v;
	c->op = (struct am_op){ .run = run_change, .done = change_done };
	c->enable = enable;
	/* a reload may come in between */
	c->endpoint = am_arena_cstr(v->a, am_str_c(ep->name));
	c->to.disabled = AM_DISABLED_OPERATOR;
	snprintf(c->to.by, sizeof(c->to.by), "uid %u", am_ctl_uid(v->call));
	snprintf(c->to.text, sizeof(c->to.text), "%.*s", AM_ARG(text));
	v->own = c;
	if (enable) /* one at a time first, from the very first on */
		am_deliver_reset(v->engine->deliver, c->endpoint);
	am_view_walk(v, change_shard, change_end);
}

void
am_verb_endpoints_enable(struct view *v)
{
	change(v, true);
}

void
am_verb_endpoints_disable(struct view *v)
{
	change(v, false);
}

/* ---- test ---- */

struct test {
	struct view *v;
	const char *endpoint;
};

static const char *class_name(enum am_send_class class)
{
	static const char *const names[] = {
		[AM_SEND_OK] = "ok",
		[AM_SEND_RETRY] = "retry",
		[AM_SEND_THROTTLE] = "throttle",
		[AM_SEND_PERMANENT] = "permanent",
		[AM_SEND_UNCERTAIN] = "uncertain",
		[AM_SEND_CANCELED] = "canceled",
	};

	return names[class];
}

static void
on_tested(void *arg, const struct am_send_result *r)
{
	struct test *test = arg;
	struct view *v = test->v;

	am_view_open(v);
	am_view_s(v, "endpoint", test->endpoint);
	am_view_s(v, "class", class_name(r->class));
	am_buf_addki(&v->line, "status", r->status);
	am_view_s(v, "reason", r->reason);
	am_view_s(v, "detail", r->detail);
	am_buf_addki(&v->line, "took_ms", r->took);
	am_view_s(v, "address", r->address);
	am_view_close(v);
	if (r->class == AM_SEND_OK)
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	else
		am_ctl_end(v->call, AM_EXIT_FAILED, "%s did not take it: %s",
		    test->endpoint,
		    r->detail[0] != '\0' ? r->detail : r->reason);
}

/* The recipient, in the spelling in which it is sent; false: the call ended. */
static bool
take_to(struct view *v, const struct am_conf_endpoint *ep, struct am_str *to)
{
	struct am_str given = am_verb_option(v->argv, v->argc, "--to");
	bool mail = ep->type == AM_ENDPOINT_MAIL;
	bool needed = mail || ep->type == AM_ENDPOINT_SMS;
	char *out = am_arena_zalloc(v->a, AM_EMAIL_MAX + 1);

	*to = AM_STR("");
	if (given.n == 0 && !needed)
		return true;
	if (ep->type == AM_ENDPOINT_WEBHOOK) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "%s is a webhook: it has no --to", ep->name);
		return false;
	}
	if (given.n != 0 && (mail ? am_email_parse(given, out)
				  : am_phone_parse(given, out)) == 0) {
		*to = am_str_c(out);
		return true;
	}
	am_ctl_end(v->call, AM_EXIT_USAGE,
	    mail ? "%s sends mail; say --to ADDRESS, as in li@example.com"
		 : "%s sends to a number; say --to NUMBER, as in "
		   "+8613800138000",
	    ep->name);
	return false;
}

static struct am_str
test_body(struct view *v, const struct am_conf_endpoint *ep, am_ms now)
{
	const char *instance = v->engine->conf->instance;
	struct am_buf b;
	char at[32];

	am_rfc3339_format(now, at);
	am_buf_arena(&b, v->a, 512);
	am_buf_adds(&b, "{\"type\":\"amends.test\"");
	am_buf_addkv(&b, "timestamp", am_str_c(at));
	am_buf_adds(&b, ",\"data\":{");
	am_buf_addkv(&b, "instance", am_str_c(instance));
	am_buf_adds(&b, ",\"endpoint\":{");
	am_buf_addkv(&b, "name", am_str_c(ep->name));
	am_buf_addkv(&b, "type", am_str_c(am_endpoint_type_str(ep->type)));
	am_buf_adds(&b, "},\"message\":{");
	am_buf_addkv(&b, "text",
	    am_str_c(am_arena_printf(v->a, "Test of %s by amends on %s, %s.",
		ep->name, instance, at)));
	am_buf_addkv(&b, "lang", AM_STR("en"));
	am_buf_addkv(&b, "subject", AM_STR("Test of amends"));
	am_buf_adds(&b, "}}}");
	return am_buf_str(&b);
}

/* Another one each time, so that no receiver takes it for a repeat. */
static const char *
test_id(struct view *v, const struct am_conf_endpoint *ep, am_ms now)
{
	char *id = am_arena_alloc(v->a, AM_FU_ID_LEN + 1);
	struct am_sha256 s;
	uint8_t sum[32];

	am_sha256_init(&s);
	am_sha256_addl(&s, AM_STR("amends.test"));
	am_sha256_addl(&s, am_str_c(v->engine->conf->instance));
	am_sha256_addl(&s, am_str_c(ep->name));
	am_sha256_add(&s, &now, sizeof(now));
	am_sha256_end(&s, sum);
	am_fu_id_format(sum, id);
	return id;
}

void
am_verb_endpoints_test(struct view *v)
{
	const struct am_conf_endpoint *ep = named(v);
	am_ms now = am_engine_now();
	struct am_str to;
	struct test *test;

	if (ep == NULL || !take_to(v, ep, &to))
		return;
	test = am_arena_zalloc(v->a, sizeof(*test));
	test->v = v;
	test->endpoint = am_arena_cstr(v->a, am_str_c(ep->name));
	am_deliver_send(v->engine->deliver, ep->name,
	    &(struct am_send_what){ .id = test_id(v, ep, now),
		.body = test_body(v, ep, now),
		.to = to,
		.fired_at = now },
	    now, on_tested, test);
}
