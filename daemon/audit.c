/*
 * audit - see audit.h.
 *
 * The numbers are those of the sample, so an alarm and the dashboard cannot
 * contradict each other. Journals are looked at one after the other, so that
 * none holds the loop up. A journal that does not follow by the configuration
 * in force is none of our business: people leave, endpoints are renamed. Only
 * what no step can have written is.
 */

#include "daemon/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/alerts.h"
#include "daemon/sample.h"
#include "daemon/verify.h"
#include "log/log.h"

#define CLOCK_DIFF (2 * AM_SECOND)
#define FINDINGS_MAX 50

struct finding {
	enum am_audit_kind kind;
	char of[AM_ID_MAX + 1];
	char text[320];
	am_ms since;
	bool told; /* an audit before this one had it */
};

struct findings {
	struct finding list[FINDINGS_MAX];
	size_t n;
};

/* A journal to be looked at. */
struct pick {
	struct am_shard *sh;
	struct am_str id;
};

struct am_audit {
	struct am_engine *engine;
	struct event *timer;
	struct findings *last, *next;
	bool running, clean, done_once;
	am_ms at, next_at, clean_at, heartbeat_at;
	char undone[100];     /* why the last could not be done; "" it was */
	char undone_now[100]; /* of the one that runs */
	int64_t replayed, replayed_now;
	struct am_arena arena; /* of the one that runs */
	struct am_batch *ids;
	struct pick *picks;
	size_t picks_n, pick_i;
	size_t shard_i;
	struct am_verify verify;
	struct am_arena journal; /* of one journal */
	struct am_audit_wait {
		struct am_audit_wait *next;
		am_audit_cb *cb;
		void *arg;
	} * waits;
};

const char *
am_audit_kind_str(enum am_audit_kind kind)
{
	static const char *const names[AM_AUDIT_KINDS] = {
		[AM_AUDIT_OVERDUE] = "overdue",
		[AM_AUDIT_OUTBOX] = "outbox",
		[AM_AUDIT_LAG] = "lag",
		[AM_AUDIT_JOURNAL] = "journal",
		[AM_AUDIT_SHARD] = "shard",
		[AM_AUDIT_POLICY] = "policy",
		[AM_AUDIT_DURABILITY] = "durability",
		[AM_AUDIT_CLOCK] = "clock",
	};

	return names[kind];
}

/* ---- findings ---- */

static const struct finding *
find(const struct findings *l, enum am_audit_kind kind, const char *of)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].kind == kind && strcmp(l->list[i].of, of) == 0)
			return &l->list[i];
	return NULL;
}

static void found(struct am_audit *a, enum am_audit_kind kind, const char *of,
    const char *fmt, ...) AM_PRINTF(4, 5);

static void
found(struct am_audit *a, enum am_audit_kind kind, const char *of,
    const char *fmt, ...)
{
	const struct finding *before = find(a->last, kind, of);
	struct finding *f;
	va_list ap;

	if (a->next->n == FINDINGS_MAX)
		return; /* enough to be looked at */
	f = &a->next->list[a->next->n++];
	f->kind = kind;
	snprintf(f->of, sizeof(f->of), "%s", of);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	f->since = before != NULL ? before->since : am_engine_now();
	f->told = before != NULL;
}

static void
undone(struct am_audit *a, const char *why)
{
	if (a->undone_now[0] == '\0')
		snprintf(a->undone_now, sizeof(a->undone_now), "%s", why);
}

/* ---- what the sample says ---- */

static const char *
span(struct am_audit *a, am_ms ms)
{
	char *text = am_arena_alloc(&a->arena, 32);

	am_span_format(ms, text);
	return text;
}

static bool
is_paused(const struct am_sample *s, const char *what)
{
	for (size_t i = 0; i < s->paused_n; i++)
		if (strcmp(s->paused[i].what, what) == 0)
			return true;
	return false;
}

static bool
is_one_of(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

static void
judge_shard(struct am_audit *a, const struct am_sample *s,
    const struct am_sample_shard *sh)
{
	static const char *const works[] = { "running", "standby", "lagging" };
	const struct am_conf *conf = a->engine->conf;

	if (strcmp(sh->state, "released") == 0)
		return; /* a person gave it away */
	if (!is_one_of(sh->state, works, AM_COUNT(works))) {
		found(a, AM_AUDIT_SHARD, sh->stream,
		    "the shard is %s: %s. `amendsctl shard list` says more",
		    sh->state, sh->why);
		return;
	}
	if (sh->oldest_due != 0 &&
	    s->asked_at - sh->oldest_due > conf->audit.late)
		found(a, AM_AUDIT_OVERDUE, sh->stream,
		    "overdue deadlines: %" PRId64
		    ", the first, of %s, for %s. `amendsctl shard list` and "
		    "the log say whether the shard works, `amendsctl why %s` "
		    "what was due",
		    sh->overdue, sh->oldest_id,
		    span(a, s->asked_at - sh->oldest_due), sh->oldest_id);
	if (sh->lag_age > conf->audit.lag && !is_paused(s, "intake"))
		found(a, AM_AUDIT_LAG, sh->stream,
		    "%" PRId64 " unread events, the first for %s. Look at "
		    "the daemon that owns the shard and at Redis's load",
		    sh->lag, span(a, sh->lag_age));
}

/* What waits by rule, a person's word or a pause of its own is no finding; an
 * endpoint that takes nothing is, however its breaker stands. */
static void
judge_endpoint(struct am_audit *a, const struct am_sample *s,
    const struct am_sample_endpoint *ep)
{
	am_ms limit = a->engine->conf->audit.outbox_age;
	am_ms failing =
	    ep->failing_since != 0 ? s->asked_at - ep->failing_since : 0;

	if (!ep->known || ep->disabled || is_paused(s, "delivery"))
		return;
	if (failing > limit && ep->waiting > 0) {
		found(a, AM_AUDIT_OUTBOX, ep->name,
		    "the endpoint has taken nothing for %s; %" PRId64
		    " wait. `amendsctl endpoints` says how it fails",
		    span(a, failing), ep->waiting);
		return;
	}
	if (ep->oldest_due == 0 || strcmp(ep->breaker, "closed") != 0 ||
	    ep->paused_until > s->at || s->asked_at - ep->oldest_due <= limit)
		return;
	found(a, AM_AUDIT_OUTBOX, ep->name,
	    "follow-ups could have gone to the endpoint for %s and have not; "
	    "%" PRId64 " wait. `amendsctl followups --endpoint %s` shows them",
	    span(a, s->asked_at - ep->oldest_due), ep->waiting, ep->name);
}

static void
judge_redis(struct am_audit *a, const struct am_sample_redis *r)
{
	am_ms skew = a->engine->conf->max_skew;
	/* D3 is D2 and replicas, for which intake looks at each write */
	const char *class = strcmp(r->required, "D3") == 0 ? "D2" : r->required;
	am_ms limit = skew < CLOCK_DIFF ? skew : CLOCK_DIFF;

	if (r->policy[0] != '\0' && strcmp(r->policy, "noeviction") != 0)
		found(a, AM_AUDIT_POLICY, "redis",
		    "maxmemory-policy of Redis is %s: it may drop complaints. "
		    "Set it to noeviction",
		    r->policy);
	if (r->durability[0] != '\0' && strcmp(r->durability, class) < 0)
		found(a, AM_AUDIT_DURABILITY, "redis",
		    "Redis keeps what it is given as %s; the configuration "
		    "requires %s. See appendonly and appendfsync",
		    r->durability, r->required);
	if (r->clock_known && (r->clock_diff > limit || r->clock_diff < -limit))
		found(a, AM_AUDIT_CLOCK, "redis",
		    "the clock of Redis and that of this machine differ by "
		    "%" PRId64 " ms. Look at their time synchronisation",
		    r->clock_diff);
}

/* ---- the end of one ---- */

static void
on_beat(void *arg, const struct am_send_result *r)
{
	struct am_audit *a = arg;

	if (r->class == AM_SEND_OK) {
		a->heartbeat_at = am_engine_now();
		am_sample_refresh(a->engine);
	} else if (r->class != AM_SEND_CANCELED)
		am_log_warn("heartbeat_failed", "reason=%s status=%d detail=%s",
		    r->reason, r->status, am_log_val(am_str_c(r->detail)));
}

static void
beat(struct am_audit *a)
{
	const struct am_conf *conf = a->engine->conf;
	char id[AM_FU_ID_LEN + 1], at[32];
	struct am_sha256 h;
	uint8_t sum[32];
	struct am_buf b;

	if (conf->audit.heartbeat == NULL || a->engine->stopping)
		return;
	am_sha256_init(&h);
	am_sha256_addl(&h, AM_STR("amends.heartbeat"));
	am_sha256_addl(&h, am_str_c(conf->instance));
	am_sha256_add(&h, &a->at, sizeof(a->at));
	am_sha256_end(&h, sum);
	am_fu_id_format(sum, id);
	am_rfc3339_format(a->at, at);
	am_buf_arena(&b, &a->arena, 256);
	am_buf_adds(&b, "{\"type\":\"amends.heartbeat\"");
	am_buf_addkv(&b, "timestamp", am_str_c(at));
	am_buf_adds(&b, ",\"data\":{");
	am_buf_addkv(&b, "instance", am_str_c(conf->instance));
	am_buf_addki(&b, "replayed", a->replayed);
	am_buf_adds(&b, "}}");
	am_deliver_send(a->engine->deliver, conf->audit.heartbeat,
	    &(struct am_send_what){
		.id = id, .body = am_buf_str(&b), .fired_at = a->at },
	    a->at, on_beat, a);
}

static struct am_sample_finding
as_told(const struct finding *f)
{
	return (struct am_sample_finding){ am_audit_kind_str(f->kind), f->of,
		f->text, f->since };
}

/* What was not there before is told; what is there no more is forgotten. */
static void
tell_new(struct am_audit *a)
{
	struct am_sample_finding fresh[FINDINGS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < a->next->n; i++) {
		const struct finding *f = &a->next->list[i];

		if (f->told)
			continue;
		fresh[n++] = as_told(f);
		am_log_err("audit_alarm", "what=%s of=%s text=%s",
		    am_audit_kind_str(f->kind), f->of,
		    am_log_val(am_str_c(f->text)));
	}
	for (size_t i = 0; i < a->last->n; i++) {
		const struct finding *f = &a->last->list[i];

		if (find(a->next, f->kind, f->of) == NULL)
			am_log_notice("audit_over", "what=%s of=%s",
			    am_audit_kind_str(f->kind), f->of);
	}
	if (n != 0)
		am_alert_audit(a->engine, fresh, n);
	else if (a->next->n == 0 && a->last->n != 0)
		am_alert_audit(a->engine, NULL, 0);
}

static void
arm(struct am_audit *a)
{
	am_ms every = a->engine->conf->audit.every;
	const struct timeval wait = { .tv_sec = (time_t)(every / AM_SECOND),
		.tv_usec = (suseconds_t)(every % AM_SECOND * 1000) };

	a->next_at = am_engine_now() + every;
	event_add(a->timer, &wait);
}

/* What could not be looked at is as it was; nothing of it is over. */
static void
keep_last(struct am_audit *a)
{
	for (size_t i = 0; i < a->last->n && a->next->n < FINDINGS_MAX; i++) {
		const struct finding *f = &a->last->list[i];

		if (find(a->next, f->kind, f->of) != NULL)
			continue;
		a->next->list[a->next->n] = *f;
		a->next->list[a->next->n++].told = true;
	}
}

static void
conclude(struct am_audit *a)
{
	struct findings *was = a->last;
	struct am_audit_wait *w = a->waits, *next;

	if (a->undone_now[0] != '\0') {
		keep_last(a);
		if (strcmp(a->undone, a->undone_now) != 0)
			am_log_warn("audit_undone", "reason=%s",
			    am_log_val(am_str_c(a->undone_now)));
	}
	tell_new(a);
	a->last = a->next;
	a->next = was;
	memcpy(a->undone, a->undone_now, sizeof(a->undone));
	a->replayed = a->replayed_now;
	a->at = am_engine_now();
	a->clean = a->last->n == 0 && a->undone[0] == '\0';
	a->done_once = true;
	if (a->clean) {
		a->clean_at = a->at;
		beat(a);
	}
	am_batch_free(a->ids);
	a->ids = NULL;
	a->running = false;
	arm(a);
	am_sample_refresh(a->engine);
	a->waits = NULL;
	for (; w != NULL; w = next) {
		next = w->next;
		w->cb(w->arg);
		free(w);
	}
}

/* ---- journals ---- */

static void next_journal(struct am_audit *a);
static void pick_in_shard(struct am_audit *a);

static void
on_verified(void *arg, struct am_verify *y)
{
	struct am_audit *a = arg;
	char id[AM_ID_MAX + 1];

	snprintf(id, sizeof(id), "%.*s", AM_ARG(y->id));
	if (y->result == AM_VERIFY_AWAY)
		undone(a, "Redis went away");
	else if (am_verify_forged(y->result))
		found(a, AM_AUDIT_JOURNAL, id,
		    "%s. `amendsctl verify %s` says it again; keep a copy of "
		    "both before anything else is done",
		    am_verify_text(y), id);
	if (y->result == AM_VERIFY_OK)
		a->replayed_now++;
	am_verify_drop(y);
	a->pick_i++;
	next_journal(a);
}

static void
next_journal(struct am_audit *a)
{
	const struct pick *p = &a->picks[a->pick_i];

	if (a->pick_i == a->picks_n || a->undone_now[0] != '\0') {
		a->shard_i++;
		pick_in_shard(a);
		return;
	}
	am_arena_reset(&a->journal);
	am_verify_begin(&a->verify, p->sh, p->id, &a->journal, on_verified, a);
}

/* One whose journal was bad is looked at until it is good again. */
static void
add_known(struct am_audit *a, struct am_shard *sh)
{
	for (size_t i = 0; i < a->last->n; i++) {
		const struct finding *f = &a->last->list[i];
		bool again = false;

		if (f->kind != AM_AUDIT_JOURNAL)
			continue;
		for (size_t k = 0; k < a->picks_n; k++)
			again = again || am_str_is(a->picks[k].id, f->of);
		if (!again)
			a->picks[a->picks_n++] = (struct pick){ sh,
				am_arena_dup(&a->arena, am_str_c(f->of)) };
	}
}

static void
on_ids(void *arg, int rc, struct am_batch *b)
{
	struct am_audit *a = arg;
	struct am_shard *sh = a->engine->shards[a->shard_i];
	const redisReply *r;
	size_t n;

	if (rc != 0) {
		am_batch_free(b);
		undone(a, "Redis went away");
		conclude(a);
		return;
	}
	am_batch_free(a->ids);
	a->ids = b;
	r = am_batch_reply(b, 0);
	n = r != NULL && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
	a->picks = am_arena_alloc(
	    &a->arena, (n + FINDINGS_MAX + 1) * sizeof(*a->picks));
	a->picks_n = a->pick_i = 0;
	for (size_t i = 0; i < n; i++)
		a->picks[a->picks_n++] =
		    (struct pick){ sh, am_reply_str(r->element[i]) };
	add_known(a, sh);
	next_journal(a);
}

/* Of the shards that are ours, for a standby would only look twice. */
static void
pick_in_shard(struct am_audit *a)
{
	struct am_engine *e = a->engine;
	size_t mine = 0;
	struct am_batch *b;

	while (a->shard_i < e->shards_n && !e->shards[a->shard_i]->running)
		a->shard_i++;
	if (a->shard_i == e->shards_n || a->undone_now[0] != '\0' ||
	    e->conf->audit.sample == 0) {
		conclude(a);
		return;
	}
	for (size_t i = 0; i < e->shards_n; i++)
		mine += e->shards[i]->running;
	b = am_store_query(e->shards[a->shard_i]->store);
	am_cmd(b, "ZRANDMEMBER");
	am_arg(b, am_store_keys(e->shards[a->shard_i]->store)->wake);
	am_argi(b, (int64_t)((e->conf->audit.sample + mine - 1) / mine));
	am_store_query_send(e->shards[a->shard_i]->store, b, on_ids, a);
}

/* ---- begin ---- */

static void
on_sample(void *arg, struct am_sample *s)
{
	struct am_audit *a = arg;

	if (!s->complete) {
		undone(a, "Redis does not answer");
		conclude(a);
		return;
	}
	for (size_t i = 0; i < s->shards_n; i++)
		judge_shard(a, s, &s->shards[i]);
	for (size_t i = 0; i < s->endpoints_n; i++)
		judge_endpoint(a, s, &s->endpoints[i]);
	judge_redis(a, &s->redis);
	a->shard_i = 0;
	pick_in_shard(a);
}

static void
begin(struct am_audit *a)
{
	if (a->running || a->engine->stopping)
		return;
	event_del(a->timer);
	a->running = true;
	a->next->n = 0;
	a->undone_now[0] = '\0';
	a->replayed_now = 0;
	am_arena_reset(&a->arena);
	am_sample_get(a->engine, 0, on_sample, a);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	begin(arg);
}

void
am_audit_now(struct am_engine *e, am_audit_cb *cb, void *arg)
{
	struct am_audit *a = e->audit;
	struct am_audit_wait *w = malloc(sizeof(*w));

	AM_ASSERT(w != NULL);
	*w = (struct am_audit_wait){ a->waits, cb, arg };
	a->waits = w;
	begin(a);
}

void
am_audit_reconfigure(struct am_audit *a)
{
	if (!a->running)
		arm(a);
}

void
am_audit_tell(const struct am_audit *a, struct am_sample *s)
{
	struct am_sample_finding *f =
	    am_arena_alloc(&s->arena, (a->last->n + 1) * sizeof(*f));
	const char *heartbeat = a->engine->conf->audit.heartbeat;

	for (size_t i = 0; i < a->last->n; i++) {
		f[i] = as_told(&a->last->list[i]);
		f[i].of = am_arena_cstr(&s->arena, am_str_c(f[i].of));
		f[i].text = am_arena_cstr(&s->arena, am_str_c(f[i].text));
	}
	s->audit = (struct am_sample_audit){
		.on = true,
		.clean = a->clean,
		.at = a->at,
		.next_at = a->next_at,
		.clean_at = a->clean_at,
		.undone = am_arena_cstr(&s->arena, am_str_c(a->undone)),
		.replayed = a->replayed,
		.findings = f,
		.findings_n = a->last->n,
		.heartbeat = am_arena_cstr(&s->arena, am_str_c(heartbeat)),
		.heartbeat_at = a->heartbeat_at,
	};
}

bool
am_audit_ended(const struct am_audit *a)
{
	return a->done_once;
}

static void
add_time(struct am_buf *b, const char *key, am_ms at)
{
	char text[32];

	am_rfc3339_format(at, text);
	am_buf_addkey(b, key);
	if (at == 0)
		am_buf_adds(b, "null");
	else
		am_buf_addjson(b, am_str_c(text));
}

void
am_audit_status(const struct am_audit *a, struct am_buf *out)
{
	am_buf_addkey(out, "clean");
	am_buf_adds(out, !a->done_once ? "null" : a->clean ? "true" : "false");
	add_time(out, "at", a->at);
	add_time(out, "clean_at", a->clean_at);
	add_time(out, "next_at", a->next_at);
	am_buf_addkv(out, "undone", am_str_c(a->undone));
	am_buf_addki(out, "replayed", a->replayed);
	add_time(out, "heartbeat_at", a->heartbeat_at);
	am_buf_addkey(out, "findings");
	am_buf_addc(out, '[');
	for (size_t i = 0; i < a->last->n; i++) {
		const struct finding *f = &a->last->list[i];

		am_buf_adds(out, i != 0 ? ",{" : "{");
		am_buf_addkv(out, "what", am_str_c(am_audit_kind_str(f->kind)));
		am_buf_addkv(out, "of", am_str_c(f->of));
		am_buf_addkv(out, "text", am_str_c(f->text));
		add_time(out, "since", f->since);
		am_buf_addc(out, '}');
	}
	am_buf_addc(out, ']');
}

/* ---- life ---- */

struct am_audit *
am_audit_new(struct am_engine *e)
{
	struct am_audit *a = calloc(1, sizeof(*a));

	AM_ASSERT(a != NULL);
	a->engine = e;
	a->last = calloc(1, sizeof(*a->last));
	a->next = calloc(1, sizeof(*a->next));
	a->timer = event_new(e->base, -1, 0, on_timer, a);
	AM_ASSERT(a->last != NULL && a->next != NULL && a->timer != NULL);
	am_arena_init(&a->arena, 0);
	am_arena_init(&a->journal, 1 << 16);
	arm(a);
	return a;
}

void
am_audit_free(struct am_audit *a)
{
	struct am_audit_wait *w, *next;

	if (a == NULL)
		return;
	for (w = a->waits; w != NULL; w = next) {
		next = w->next;
		w->cb(w->arg); /* it is told what there is */
		free(w);
	}
	event_free(a->timer);
	am_batch_free(a->ids);
	am_verify_drop(&a->verify);
	am_arena_fini(&a->arena);
	am_arena_fini(&a->journal);
	free(a->last);
	free(a->next);
	free(a);
}
