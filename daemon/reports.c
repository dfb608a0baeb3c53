/*
 * reports - see reports.h.
 *
 * One at a time. Each step finds out anew whether there is something to make,
 * so a lost connection, a reload or a lost ownership in the middle costs a
 * second look and nothing else. What happened before the instant must be in the
 * figures: each shard's cursor has to have passed it, whoever owns that shard.
 */

#include "daemon/reports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/figures.h"
#include "daemon/turn.h"
#include "intake/event.h"
#include "log/log.h"

#define AGAIN (5 * AM_SECOND)	  /* behind a step that failed */
#define BEHIND AM_SECOND	  /* while a shard has entries to apply */
#define PATIENCE (10 * AM_MINUTE) /* and then it goes without them */
#define GROUPS_MAX 20		  /* told in one report */

/* The one being made; it survives a reload. */
struct making {
	struct am_schedule turn;
	char *name;
	struct am_conf *conf; /* held; NULL: none is being made */
	const struct am_conf_report *c;
	struct am_casewalk *walk;
	struct am_buf body;    /* what all get behind the id */
	struct am_buf text;    /* for people */
	struct am_buf figures; /* and webhooks beside it */
	size_t shard_i;	       /* whose cursor is looked at */
	am_ms since;	       /* the first look, monotonic */
};

struct am_reports {
	struct am_engine *engine;
	struct event *timer;
	struct asked *asked;
	bool busy; /* a query, a walk or a commit is on its way */
	struct making m;
};

/* A query or a commit; forgotten when the reports are freed. */
struct asked {
	struct am_op op;
	struct am_reports *reports;
	void (*next)(struct am_reports *r, const struct am_batch *b);
	bool (*write)(struct am_reports *r, struct am_turn *t);
};

static void look(struct am_reports *r);

static struct am_shard *
first_shard(const struct am_reports *r)
{
	return r->engine->shards_n > 0 ? r->engine->shards[0] : NULL;
}

static bool
may_make(const struct am_reports *r)
{
	const struct am_shard *sh = first_shard(r);

	return sh != NULL && sh->running && !r->engine->stopping &&
	       r->engine->conf->reports_n > 0;
}

static void
wake_in(struct am_reports *r, am_ms span)
{
	struct timeval tv;

	if (span < 0)
		span = 0;
	if (span > AM_HOUR) /* clocks are set; look now and then */
		span = AM_HOUR;
	tv.tv_sec = span / 1000;
	tv.tv_usec = (span % 1000) * 1000;
	event_add(r->timer, &tv);
}

/* What was begun is done, or given up until the next look. */
static void
drop(struct am_reports *r, am_ms again)
{
	am_buf_fini(&r->m.body);
	am_buf_fini(&r->m.text);
	am_buf_fini(&r->m.figures);
	free(r->m.name);
	am_conf_unref(r->m.conf);
	r->m = (struct making){ .conf = NULL };
	r->busy = false;
	wake_in(r, again);
}

static struct am_str
reports_key(const struct am_shard *sh, struct am_arena *a)
{
	return am_str_c(
	    am_arena_printf(a, "%sreports", am_store_keys(sh->store)->prefix));
}

/* ---- queries and commits ---- */

static struct asked *
new_asked(struct am_reports *r)
{
	struct asked *q = calloc(1, sizeof(*q));

	AM_ASSERT(q != NULL);
	q->reports = r;
	r->asked = q;
	r->busy = true;
	return q;
}

static void
on_answer(void *arg, int rc, struct am_batch *b)
{
	struct asked *q = arg;
	struct am_reports *r = q->reports;

	if (r != NULL) {
		r->asked = NULL;
		if (rc == 0)
			q->next(r, b);
		else
			drop(r, AGAIN);
	}
	am_batch_free(b);
	free(q);
}

static void
ask(struct am_reports *r, struct am_shard *sh, struct am_batch *b,
    void (*next)(struct am_reports *r, const struct am_batch *b))
{
	struct asked *q = new_asked(r);

	q->next = next;
	am_store_query_send(sh->store, b, on_answer, q);
}

static bool
run_op(struct am_op *op, struct am_turn *t)
{
	struct asked *q = (struct asked *)op;

	return q->reports != NULL && q->write(q->reports, t);
}

static void
op_done(struct am_op *op, int rc)
{
	struct asked *q = (struct asked *)op;
	struct am_reports *r = q->reports;

	if (r != NULL) {
		r->asked = NULL;
		if (rc == 0 && r->m.body.n > 0)
			am_log_notice("report_made", "report=%s to=%d",
			    r->m.name, (int)r->m.turn.to);
		drop(r, rc == 0 ? 0 : AGAIN);
	}
	free(q);
}

static void
commit(
    struct am_reports *r, bool (*write)(struct am_reports *, struct am_turn *))
{
	struct asked *q = new_asked(r);

	q->write = write;
	q->op.run = run_op;
	q->op.done = op_done;
	am_shard_op(first_shard(r), &q->op);
}

static void
write_mark(struct am_turn *t, const char *name, int32_t to)
{
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "HSET");
	am_args(b, reports_key(t->sh, &t->arena));
	am_arg(b, name);
	am_argi(b, to);
}

/* ---- what is sent ---- */

static void
make_id(const struct making *m, const char *endpoint, uint8_t id[16])
{
	struct am_sha256 s;
	uint8_t sum[32], days[8];

	for (size_t i = 0; i < sizeof(days); i++)
		days[i] =
		    (uint8_t)((uint32_t)(i < 4 ? m->turn.from : m->turn.to) >>
			      8 * (i % 4));
	am_sha256_init(&s);
	am_sha256_addl(&s, AM_STR("report"));
	am_sha256_addl(&s, am_str_c(m->name));
	am_sha256_add(&s, days, sizeof(days));
	am_sha256_addl(&s, am_str_c(endpoint));
	am_sha256_end(&s, sum);
	memcpy(id, sum, 16);
}

static void
add_time(struct am_buf *b, const char *key, am_ms at)
{
	char text[32];

	am_rfc3339_format(at, text);
	am_buf_addkv(b, key, am_str_c(text));
}

/* Whoever leads gets mail. */
static enum am_role
told(const struct am_conf *conf)
{
	return conf->holders[AM_ROLE_MANAGER].n > 0 ? AM_ROLE_MANAGER
						    : AM_ROLE_SUPERVISOR;
}

/* In the languages of conf: English, and Chinese where a message has it. */
static bool
speaks_chinese(const struct am_conf *conf)
{
	for (size_t i = 0; i < conf->messages_n; i++)
		for (size_t j = 0; j < conf->messages[i]->langs_n; j++)
			if (strncmp(
				conf->messages[i]->langs[j].lang, "zh", 2) == 0)
				return true;
	return false;
}

/* Whole lines, as many as the endpoint's provider takes. */
static struct am_str
fitting(const struct am_conf_endpoint *ep, struct am_str text)
{
	size_t most = ep != NULL ? am_conf_via(ep).max_bytes : 0;

	if (most == 0 || text.n <= most)
		return text;
	text.n = most;
	while (text.n > 0 && text.p[text.n] != '\n')
		text.n--;
	return text;
}

static void
add_message(
    struct am_buf *b, const struct making *m, const struct am_conf_endpoint *ep)
{
	char from[16], to[16], title[128];

	snprintf(title, sizeof(title), "%s: %s - %s", m->name,
	    am_period_name(AM_PERIOD_DAY, m->turn.from, from),
	    am_period_name(AM_PERIOD_DAY, m->turn.to - 1, to));
	am_buf_addkey(b, "message");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "text", fitting(ep, am_buf_str(&m->text)));
	am_buf_addkv(
	    b, "lang", speaks_chinese(m->conf) ? AM_STR("mul") : AM_STR("en"));
	am_buf_addkv(b, "subject", am_str_c(title));
	am_buf_addc(b, '}');
}

static struct am_str
body_of(struct am_turn *t, const struct making *m, const char *endpoint,
    const char *id)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(m->conf, am_str_c(endpoint));
	struct am_buf b;

	am_buf_arena(&b, &t->arena, m->body.n + 512);
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "type", AM_STR("followup.report"));
	add_time(&b, "timestamp", t->now);
	am_buf_addkey(&b, "data");
	am_buf_addc(&b, '{');
	am_buf_addkey(&b, "followup");
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "id", am_str_c(id));
	am_buf_addkv(&b, "rung", am_str_c(m->name));
	am_buf_addkv(&b, "reason", AM_STR("report"));
	am_buf_addkv(&b, "to", am_str_c(am_role_str(told(m->conf))));
	add_time(&b, "due_at", m->turn.at);
	add_time(&b, "fired_at", t->now);
	am_buf_addc(&b, '}');
	am_buf_addstr(&b, am_buf_str(&m->body));
	add_message(&b, m, ep);
	/* a channel of texts sends the message and nothing else */
	if (ep == NULL || ep->type == AM_ENDPOINT_WEBHOOK)
		am_buf_addstr(&b, am_buf_str(&m->figures));
	am_buf_adds(&b, "}}");
	return am_buf_str(&b);
}

static void
write_row(struct am_reports *r, struct am_turn *t, const char *endpoint)
{
	const struct making *m = &r->m;
	struct am_fu_record f = {
		.endpoint = am_str_c(endpoint),
		.rung_name = am_str_c(m->name),
		.reason = AM_REASON_REPORT,
		.to = told(m->conf),
		.due_at = m->turn.at,
		.fired_at = t->now,
		.next_at = t->now,
	};
	char id[AM_FU_ID_LEN + 1];

	make_id(m, endpoint, f.id);
	am_fu_id_format(f.id, id);
	f.body = body_of(t, m, endpoint, id);
	am_commit_fu_set(t->commit, &f, t->now);
	am_turn_touch(t, am_out_name(&t->arena, f.endpoint, f.class), t->now);
	t->counts.fired++;
}

static bool
write_report(struct am_reports *r, struct am_turn *t)
{
	const struct am_conf_report *c = r->m.c;
	char name[16];
	const struct am_pair said[] = {
		{ AM_STR("name"), am_str_c(r->m.name) },
		{ AM_STR("period"),
		    am_arena_dup(&t->arena,
			am_str_c(am_schedule_name(c, r->m.turn.from, name))) },
	};

	am_commit_say(t->commit, "report.ready", said, AM_COUNT(said));
	for (size_t i = 0; i < c->via_n; i++)
		write_row(r, t, c->via[i]);
	write_mark(t, r->m.name, r->m.turn.to);
	return true;
}

static void
add_report(struct am_buf *b, const struct making *m)
{
	static const char *const every[] = { "day", "week", "month" };
	char name[16];

	am_buf_addkey(b, "report");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "name", am_str_c(m->name));
	am_buf_addkv(b, "every", am_str_c(every[m->c->every]));
	am_buf_addkv(
	    b, "period", am_str_c(am_schedule_name(m->c, m->turn.from, name)));
	add_time(b, "from", am_period_instant(m->c->zone, m->turn.from));
	add_time(b, "to", am_period_instant(m->c->zone, m->turn.to));
	am_buf_addkv(b, "timezone",
	    m->c->zone != NULL ? am_str_c(m->c->zone->name) : AM_STR("UTC"));
	am_buf_addc(b, '}');
}

static void
on_figures(void *arg, struct am_report *report, int rc,
    const struct am_casewalk_count *count)
{
	struct am_reports *r = arg;
	struct making *m = &r->m;

	m->walk = NULL;
	if (report == NULL) {
		if (rc != -AM_ECANCELED)
			am_log_warn("report_waits", "report=%s reason=%s",
			    m->name, am_log_val(am_str_c(am_err_str(rc))));
		drop(r, AGAIN);
		return;
	}
	am_buf_init(&m->body);
	am_buf_addc(&m->body, ',');
	add_report(&m->body, m);
	am_buf_init(&m->text);
	am_report_text(report, m->name, "en", &m->text);
	if (speaks_chinese(m->conf)) {
		am_buf_adds(&m->text, "\n\n");
		am_report_text(report, m->name, "zh", &m->text);
	}
	am_buf_init(&m->figures);
	am_buf_adds(&m->figures, ",\"figures\":");
	am_report_json(report, GROUPS_MAX, &m->figures);
	am_buf_addki(&m->figures, "parked", (int64_t)count->parked);
	am_report_free(report);
	if (may_make(r))
		commit(r, write_report);
	else
		drop(r, AGAIN);
}

static void
begin_figures(struct am_reports *r)
{
	struct making *m = &r->m;
	const struct am_report_opts opts = {
		.from = am_period_instant(m->c->zone, m->turn.from),
		.to = am_period_instant(m->c->zone, m->turn.to),
		.by = AM_BY_TEAM,
		.zone = m->c->zone,
		.now = am_shard_now(first_shard(r)),
	};
	const struct am_figures_user user = { .done = on_figures, .arg = r };

	m->walk = am_figures_start(r->engine, &opts, &user);
}

/* ---- is everything applied that came before? ---- */

static void look_at_shard(struct am_reports *r);

static bool
is_behind(const struct am_reports *r, const redisReply *unread)
{
	uint64_t ms, seq;

	return unread != NULL && unread->type == REDIS_REPLY_ARRAY &&
	       unread->elements > 0 && unread->element[0]->elements > 0 &&
	       am_stream_id_parse(am_reply_str(unread->element[0]->element[0]),
		   &ms, &seq) == 0 &&
	       (am_ms)ms <= r->m.turn.at;
}

static void
on_unread(struct am_reports *r, const struct am_batch *b)
{
	if (is_behind(r, am_batch_reply(b, 0)) &&
	    am_engine_monotonic() - r->m.since < PATIENCE) {
		wake_in(r, BEHIND);
		return;
	}
	r->m.shard_i++;
	look_at_shard(r);
}

static void
on_cursor(struct am_reports *r, const struct am_batch *b)
{
	struct am_shard *sh = r->engine->shards[r->m.shard_i];
	struct am_str at = am_reply_str(am_batch_reply(b, 0));
	struct am_batch *more = am_store_query(sh->store);

	am_cmd(more, "XRANGE");
	am_arg(more, sh->stream);
	am_arg(more, at.n != 0 ? am_arena_printf(
				     am_batch_arena(more), "(%.*s", AM_ARG(at))
			       : "-");
	am_arg(more, "+");
	am_arg(more, "COUNT");
	am_argi(more, 1);
	ask(r, sh, more, on_unread);
}

static void
look_at_shard(struct am_reports *r)
{
	struct am_shard *sh;
	struct am_batch *b;

	if (r->m.shard_i == r->engine->shards_n) {
		begin_figures(r);
		return;
	}
	sh = r->engine->shards[r->m.shard_i];
	b = am_store_query(sh->store);
	am_cmd(b, "HGET");
	am_arg(b, am_store_keys(sh->store)->cursor);
	am_arg(b, "id");
	ask(r, sh, b, on_cursor);
}

/* ---- which is due ---- */

static void
begin(struct am_reports *r, const struct am_conf_report *c,
    struct am_schedule turn)
{
	r->m = (struct making){ .turn = turn,
		.name = strdup(c->name),
		.conf = am_conf_ref(r->engine->conf),
		.c = c,
		.since = am_engine_monotonic() };
	AM_ASSERT(r->m.name != NULL);
}

/* A report that is new begins with the period that goes on. */
static bool
write_new(struct am_reports *r, struct am_turn *t)
{
	write_mark(t, r->m.name, r->m.turn.to);
	return true;
}

static void
on_marks(struct am_reports *r, const struct am_batch *b)
{
	const redisReply *marks = am_batch_reply(b, 0);
	const struct am_conf *conf = r->engine->conf;
	am_ms now = am_shard_now(first_shard(r)), next = AM_NEVER;

	r->busy = false;
	if (!may_make(r) || marks == NULL || marks->type != REDIS_REPLY_ARRAY) {
		wake_in(r, AGAIN);
		return;
	}
	for (size_t i = 0; i < conf->reports_n; i++) {
		const struct am_conf_report *c = conf->reports[i];
		struct am_schedule turn = am_schedule_last(c, now);
		const redisReply *mark = NULL;
		am_ms at = am_schedule_next(c, now);

		for (size_t k = 0; k + 1 < marks->elements; k += 2)
			if (am_str_is(am_reply_str(marks->element[k]), c->name))
				mark = marks->element[k + 1];
		if (mark == NULL || am_reply_int(mark) < turn.to) {
			begin(r, c, turn);
			if (mark == NULL)
				commit(r, write_new);
			else
				look_at_shard(r);
			return;
		}
		next = at < next ? at : next;
	}
	wake_in(r, next - now);
}

static void
look(struct am_reports *r)
{
	struct am_shard *sh = first_shard(r);
	struct am_batch *b;

	if (r->m.conf != NULL && r->m.walk == NULL && r->asked == NULL) {
		r->m.shard_i = 0; /* a shard was behind */
		if (may_make(r))
			look_at_shard(r);
		else
			drop(r, AGAIN);
		return;
	}
	if (r->busy || !may_make(r))
		return;
	b = am_store_query(sh->store);
	am_cmd(b, "HGETALL");
	am_args(b, reports_key(sh, am_batch_arena(b)));
	ask(r, sh, b, on_marks);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

/* ---- life ---- */

struct am_reports *
am_reports_new(struct am_engine *e)
{
	struct am_reports *r = calloc(1, sizeof(*r));

	AM_ASSERT(r != NULL);
	r->engine = e;
	r->timer = evtimer_new(e->base, on_timer, r);
	AM_ASSERT(r->timer != NULL);
	return r;
}

void
am_reports_free(struct am_reports *r)
{
	if (r == NULL)
		return;
	if (r->asked != NULL && r->asked->op.run != NULL)
		r->asked->reports = NULL; /* it ends with its shard */
	else
		free(r->asked); /* its answer will not come */
	am_buf_fini(&r->m.body);
	am_buf_fini(&r->m.text);
	am_buf_fini(&r->m.figures);
	free(r->m.name);
	am_conf_unref(r->m.conf);
	event_free(r->timer);
	free(r);
}

/* Behind what is on the stack: this may be called from within a turn. */
void
am_reports_look(struct am_reports *r)
{
	if (r != NULL && !r->engine->stopping)
		wake_in(r, 0);
}
