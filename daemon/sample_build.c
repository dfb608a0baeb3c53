/* sample_build - the last answers of all shards as one sample. */

#include "daemon/sample_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "codec/record.h"
#include "daemon/audit.h"
#include "daemon/census.h"
#include "daemon/produce.h"
#include "daemon/turn.h"
#include "daemon/web.h"
#include "log/log.h"

#include <amends/version.h>

#define CENSUS_AGE AM_MINUTE

/* ---- days ---- */

int32_t
am_sample_today(const struct am_conf *conf, am_ms now)
{
	int64_t latest = conf->loops_n == 0 ? now : INT64_MIN;
	struct am_civil c;

	for (size_t i = 0; i < conf->loops_n; i++) {
		am_ms local =
		    now + am_zone_offset(conf->loops[i]->zone, now) * AM_SECOND;

		latest = local > latest ? local : latest;
	}
	am_civil_from_ms(latest, &c);
	return am_civil_days(c.year, c.month, c.day);
}

void
am_sample_day(int32_t day, char text[9])
{
	int64_t year, n;
	int month, dom;

	am_civil_from_days(day, &year, &month, &dom);
	n = (year * 100 + month) * 100 + dom;
	for (size_t i = 8; i-- > 0; n /= 10)
		text[i] = (char)('0' + n % 10);
	text[8] = '\0';
}

/* Up to the colon; *rest is what stands behind it. */
static struct am_str
word(struct am_str s, struct am_str *rest)
{
	const char *colon = s.n != 0 ? memchr(s.p, ':', s.n) : NULL;

	if (colon == NULL) {
		*rest = AM_STR("");
		return s;
	}
	rest->p = colon + 1;
	rest->n = s.n - (size_t)(colon + 1 - s.p);
	s.n = (size_t)(colon - s.p);
	return s;
}

static int
by_name(const void *a, const void *b)
{
	const struct am_sample_figure *x = a, *y = b;
	int c = strcmp(x->loop, y->loop);

	if (c == 0)
		c = strcmp(x->what, y->what);
	return c != 0 ? c : strcmp(x->which, y->which);
}

/* The answer that holds the i-th day before today; NULL: there is none. */
static const redisReply *
day_of(const struct am_shard_sample *p, int32_t today, int32_t i)
{
	int32_t asked;

	if (i < 2)
		return am_sample_reply(
		    p->first, i == 0 ? FIRST_TODAY : FIRST_YESTERDAY);
	asked = (int32_t)(p->days_from - (today - i));
	if (p->days == NULL || asked < 0 || asked >= AM_SAMPLE_DAYS - 2)
		return NULL;
	return am_sample_reply(p->days, (size_t)asked);
}

static void
add_day(struct am_sample_build *b, int32_t today, int32_t i)
{
	struct am_sample_day *d = &b->out->days[i];
	struct am_sample_figure *f;
	size_t room = 0, n = 0, kept = 0;

	am_sample_day(today - i, d->day);
	for (size_t k = 0; k < b->s->shards_n; k++) {
		const redisReply *r = day_of(&b->s->shards[k], today, i);

		room += r != NULL ? r->elements / 2 : 0;
	}
	f = am_arena_alloc(b->a, (room + 1) * sizeof(*f));
	for (size_t k = 0; k < b->s->shards_n; k++) {
		const redisReply *r = day_of(&b->s->shards[k], today, i);

		for (size_t j = 0; r != NULL && j + 1 < r->elements; j += 2) {
			struct am_str rest, which;
			struct am_str loop =
			    word(am_reply_str(r->element[j]), &rest);
			struct am_str what = word(rest, &which);

			f[n++] = (struct am_sample_figure){
				.loop = am_arena_cstr(b->a, loop),
				.what = am_arena_cstr(b->a, what),
				.which = am_arena_cstr(b->a, which),
				.n = am_reply_int(r->element[j + 1]),
			};
		}
	}
	qsort(f, n, sizeof(*f), by_name);
	for (size_t k = 0; k < n; k++)
		if (kept > 0 && by_name(&f[kept - 1], &f[k]) == 0)
			f[kept - 1].n += f[k].n;
		else
			f[kept++] = f[k];
	d->figures = f;
	d->figures_n = kept;
}

/* ---- where complaints stand ---- */

static struct am_sample_stage *
conf_stages(struct am_sample_build *b, size_t more, size_t *n)
{
	struct am_sample_stage *rows;
	size_t room = more;

	for (size_t i = 0; i < b->conf->loops_n; i++)
		room +=
		    b->conf->loops[i]->stages_n * b->conf->loops[i]->tiers_n;
	rows = am_arena_zalloc(b->a, (room + 1) * sizeof(*rows));
	for (size_t i = 0; i < b->conf->loops_n; i++) {
		const struct am_loopdef *l = b->conf->loops[i];

		for (size_t s = 0; s < l->stages_n; s++)
			for (size_t t = 0; t < l->tiers_n; t++)
				rows[(*n)++] = (struct am_sample_stage){
					am_arena_cstr(b->a, am_str_c(l->name)),
					am_arena_cstr(
					    b->a, am_str_c(l->stages[s].name)),
					am_arena_cstr(
					    b->a, am_str_c(l->tiers[t])),
					0, true
				};
	}
	return rows;
}

/* LOOP:STAGE:TIER is n more. */
static void
add_stage(struct am_sample_build *b, struct am_sample_stage *rows,
    struct am_str name, int64_t n)
{
	struct am_str rest, tier, loop = word(name, &rest);
	struct am_str stage = word(rest, &tier);
	struct am_sample *o = b->out;

	for (size_t i = 0; i < o->stages_n; i++)
		if (am_str_is(loop, rows[i].loop) &&
		    am_str_is(stage, rows[i].stage) &&
		    am_str_is(tier, rows[i].tier)) {
			rows[i].open += n;
			return;
		}
	if (n != 0)
		rows[o->stages_n++] =
		    (struct am_sample_stage){ am_arena_cstr(b->a, loop),
			    am_arena_cstr(b->a, stage),
			    am_arena_cstr(b->a, tier), n, false };
}

static int64_t
take_tally(struct am_sample_build *b, struct am_sample_stage *rows,
    const redisReply *tally)
{
	int64_t open = 0;

	for (size_t i = 0; tally != NULL && i + 1 < tally->elements; i += 2) {
		struct am_str rest,
		    what = word(am_reply_str(tally->element[i]), &rest);
		int64_t n = am_reply_int(tally->element[i + 1]);

		if (am_str_is(what, "open"))
			open += n;
		else if (am_str_is(what, "stage"))
			add_stage(b, rows, rest, n);
		else if (am_str_is(what, "held"))
			b->out->held += n;
	}
	return open;
}

/* ---- shards ---- */

/* What Redis itself says of our group; -1: it does not know. */
static int64_t
group_lag(const struct am_shard *sh, const redisReply *groups)
{
	const char *name = sh->engine->conf->redis.group;

	for (size_t i = 0; groups != NULL && i < groups->elements; i++) {
		const redisReply *g = groups->element[i];
		bool ours = false;

		for (size_t k = 0; k + 1 < g->elements; k += 2) {
			struct am_str key = am_reply_str(g->element[k]);

			if (am_str_is(key, "name"))
				ours = am_str_is(
				    am_reply_str(g->element[k + 1]), name);
			else if (ours && am_str_is(key, "lag") &&
				 g->element[k + 1]->type == REDIS_REPLY_INTEGER)
				return g->element[k + 1]->integer;
		}
	}
	return -1;
}

static void
set_lag(const struct am_shard_sample *p, const struct am_shard *sh,
    struct am_sample_shard *row)
{
	am_ms unread = am_sample_unread(p);
	int64_t lag = group_lag(sh, am_sample_reply(p->second, SECOND_GROUPS));

	if (unread == AM_NEVER) {
		row->lag = row->lag_age = 0;
		return;
	}
	if (lag < 1)
		lag = (int64_t)am_store_lag(sh->store);
	row->lag = lag > 1 ? lag : 1;
	row->lag_age = p->asked_at > unread ? p->asked_at - unread : 0;
}

static const char *
first_id(struct am_sample_build *b, const redisReply *r)
{
	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements == 0)
		return "";
	return am_arena_cstr(b->a, am_reply_str(r->element[0]));
}

static void
fill_shard(struct am_sample_build *b, const struct am_shard_sample *p,
    struct am_sample_shard *row)
{
	const struct am_shard *sh = b->e->shards[p->i];
	const struct am_cursor *cursor = am_store_cursor(sh->store);
	const struct am_token *token = am_store_token(sh->store);

	*row = (struct am_sample_shard){
		.stream = am_arena_cstr(b->a, am_str_c(sh->stream)),
		.state = am_shard_state_name(sh),
		.why = am_arena_cstr(b->a, am_str_c(am_store_why(sh->store))),
		.owner = token != NULL && !sh->released
			     ? am_arena_cstr(b->a, am_str_c(token->instance))
			     : "",
		.mine = sh->running,
		.lag = -1,
		.lag_age = -1,
		.pending = sh->turn_open && sh->turn->kind == AM_TURN_EVENTS
			       ? (int64_t)sh->turn->entries_n
			       : 0,
		.open = -1,
		.applied = (int64_t)cursor->applied,
		.lost = (int64_t)cursor->lost,
		.commits = (int64_t)cursor->commit,
		.next_wake = sh->wake_at,
		.overdue = -1,
		.oldest_id = "",
	};
	if (p->answered_at == 0)
		return;
	set_lag(p, sh, row);
	row->overdue = am_reply_int(am_sample_reply(p->third, THIRD_DUE_N));
	row->oldest_id = first_id(b, am_sample_reply(p->third, THIRD_DUE));
	row->oldest_due = am_sample_score(am_sample_reply(p->third, THIRD_DUE));
}

static void
add_shards(struct am_sample_build *b)
{
	struct am_sample *o = b->out;
	struct am_sample_shard *rows =
	    am_arena_zalloc(b->a, (b->s->shards_n + 1) * sizeof(*rows));
	struct am_sample_stage *stages;
	size_t more = 0, answered = 0;

	for (size_t i = 0; i < b->s->shards_n; i++) {
		const redisReply *t =
		    am_sample_reply(b->s->shards[i].first, FIRST_TALLY);

		more += t != NULL ? t->elements / 2 : 0;
		answered += b->s->shards[i].answered_at != 0;
	}
	stages = conf_stages(b, more, &o->stages_n);
	o->open = o->held = o->overdue = 0;
	for (size_t i = 0; i < b->s->shards_n; i++) {
		const struct am_shard_sample *p = &b->s->shards[i];
		struct am_sample_shard *row = &rows[i];

		fill_shard(b, p, row);
		if (p->answered_at == 0)
			continue;
		row->open = take_tally(
		    b, stages, am_sample_reply(p->first, FIRST_TALLY));
		o->open += row->open;
		o->overdue += row->overdue;
		if (row->oldest_due != 0 &&
		    (o->oldest_due == 0 || row->oldest_due < o->oldest_due))
			o->oldest_due = row->oldest_due;
		o->parked_n +=
		    am_reply_int(am_sample_reply(p->first, FIRST_PARKED));
	}
	o->shards = rows;
	o->shards_n = b->s->shards_n;
	o->stages = stages;
	if (answered != 0)
		return;
	o->open = o->held = o->overdue = o->parked_n = -1;
	for (size_t i = 0; i < o->stages_n; i++)
		stages[i].open = -1;
}

/* ---- what this process knows ---- */

static void
add_redis(struct am_sample_build *b)
{
	const struct am_store *store = b->e->shards[0]->store;
	const struct am_batch *first = b->s->shards[0].first;
	struct am_redis_facts now = *am_store_facts(store), *f = &now;
	struct am_str info = am_reply_str(am_sample_reply(first, FIRST_INFO));
	struct am_sample_redis *r = &b->out->redis;

	if (info.n != 0) {
		am_facts_memory(f, info);
		am_facts_durability(
		    f, info, am_sample_reply(first, FIRST_FSYNC));
	}
	*r = (struct am_sample_redis){
		.up = b->out->complete,
		.why = "",
		.version = am_sample_copy(b, f->version),
		.policy = am_sample_copy(b, f->policy),
		.durability = am_sample_copy(b, f->durability),
		.required =
		    am_sample_copy(b, b->conf->redis.require_durability),
		.used_bytes =
		    f->version[0] != '\0' ? (int64_t)f->used_memory : -1,
		.max_bytes = f->version[0] != '\0' ? (int64_t)f->maxmemory : -1,
		.clock_known = f->version[0] != '\0',
		.clock_diff = f->clock_diff,
	};
	for (size_t i = 0; i < b->s->shards_n; i++) {
		const struct am_store *st = b->e->shards[i]->store;
		enum am_shard_state state = am_store_state(st);

		if (state != AM_SHARD_DEGRADED && state != AM_SHARD_STARTING)
			continue;
		r->up = false;
		if (r->why[0] == '\0')
			r->why = am_sample_copy(b, am_store_why(st));
	}
	if (!r->up && r->why[0] == '\0')
		r->why = "no answer in time";
}

static void
add_conf(struct am_sample_build *b)
{
	b->out->conf = (struct am_sample_conf){
		.path = am_sample_copy(b, b->conf->path),
		.ok = b->e->conf_error[0] == '\0',
		.error = am_sample_copy(b, b->e->conf_error),
		.loaded_at = b->e->conf_loaded_at,
		.warnings_n = b->conf->warnings_n,
	};
}

static void
add_census(struct am_sample_build *b)
{
	struct am_census *c = am_census_last(b->e, CENSUS_AGE);

	b->out->census = c != NULL ? am_census_ref(c) : NULL;
}

static void
add_http(struct am_sample_build *b)
{
	struct am_sample *o = b->out;
	struct am_sample_listener *l = am_arena_alloc(b->a, 2 * sizeof(*l));
	struct am_sample_producer *p;
	const struct am_produce_count *c;
	size_t n = 0;

	o->listeners_n = am_web_listeners(b->e->web, b->a, l);
	o->listeners = l;
	while (am_produce_count(b->e->produce, n) != NULL)
		n++;
	p = am_arena_alloc(b->a, (n + 1) * sizeof(*p));
	for (; (c = am_produce_count(b->e->produce, o->producers_n)) != NULL;
	     o->producers_n++)
		p[o->producers_n] = (struct am_sample_producer){
			.name = am_sample_copy(b, c->name),
			.accepted = (int64_t)c->accepted,
			.duplicate = (int64_t)c->duplicate,
			.passed_over = (int64_t)c->passed_over,
			.refused = (int64_t)c->refused,
			.unauthorized = (int64_t)c->unauthorized,
			.limited = (int64_t)c->limited,
			.unavailable = (int64_t)c->unavailable,
		};
	o->producers = p;
}

struct am_sample *
am_sample_make(struct am_sampler *s)
{
	struct am_sample *o = calloc(1, sizeof(*o));
	struct am_sample_build b = { s, s->engine, s->engine->conf, o, NULL };
	int32_t today;

	AM_ASSERT(o != NULL);
	am_arena_init(&o->arena, 0);
	b.a = &o->arena;
	o->refs = 1;
	o->at = am_engine_now();
	o->complete = true;
	for (size_t i = 0; i < s->shards_n; i++) {
		const struct am_shard_sample *p = &s->shards[i];

		o->complete = o->complete && p->fresh;
		if (i == 0 || p->asked_at < o->asked_at)
			o->asked_at = p->asked_at;
	}
	o->instance = am_sample_copy(&b, b.conf->instance);
	o->version = AM_VERSION;
	o->state = am_engine_state(s->engine);
	o->started_at = s->engine->started_at;
	o->in_flight = am_deliver_in_flight(s->engine->deliver);
	o->log_dropped = (int64_t)am_log_dropped();
	add_shards(&b);
	am_sample_add_endpoints(&b);
	am_sample_add_dead(&b);
	am_sample_add_rejects(&b);
	am_sample_add_paused(&b);
	today = am_sample_today(b.conf, o->at);
	for (int32_t i = 0; i < AM_SAMPLE_DAYS; i++)
		add_day(&b, today, i);
	add_redis(&b);
	add_conf(&b);
	add_census(&b);
	add_http(&b);
	am_audit_tell(s->engine->audit, o);
	return o;
}
