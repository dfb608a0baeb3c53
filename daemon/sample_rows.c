/*
 * sample_rows - the rows of a sample: endpoints, letters, rejects, pauses.
 *
 * Redis knows nothing of what left the configuration, and the configuration
 * nothing of what never happened; so the rows of both are there, those of the
 * configuration first.
 */

#include "daemon/sample_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"

am_ms
am_sample_score(const redisReply *r)
{
	double at;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements < 2)
		return 0;
	at = strtod(r->element[1]->str, NULL);
	return isinf(at) ? 0 : (am_ms)ceil(at);
}

/* ---- endpoints ---- */

static void
fill_conf(struct am_sample_build *b, size_t i, struct am_sample_endpoint *row)
{
	const struct am_conf_endpoint *ep = b->conf->endpoints[i];
	struct am_lane_view l = { .last_reason = "" };

	for (size_t k = 0; am_deliver_view(b->e->deliver, k, &l); k++)
		if (strcmp(l.conf->name, ep->name) == 0)
			break;
	*row = (struct am_sample_endpoint){
		.name = am_arena_cstr(b->a, am_str_c(ep->name)),
		.type = am_endpoint_type_str(ep->type),
		.host = am_arena_cstr(b->a, am_str_c(ep->host)),
		.known = true,
		.disabled_reason = "",
		.disabled_by = "",
		.disabled_text = "",
		.breaker = am_breaker_str(l.breaker),
		.failures = l.failures,
		.open_until = l.open_until,
		.paused_until = l.paused_until,
		.in_flight = l.in_flight,
		.sent = (int64_t)l.sent,
		.ok = (int64_t)l.ok,
		.failed = (int64_t)l.failed,
		.last_ok = l.last_ok,
		.last_failed = l.last_failed,
		.last_reason = am_arena_cstr(b->a, am_str_c(l.last_reason)),
	};
}

static struct am_sample_endpoint *
endpoint_of(struct am_sample_build *b, struct am_sample_endpoint *rows,
    struct am_str name)
{
	struct am_sample *o = b->out;

	for (size_t i = 0; i < o->endpoints_n; i++)
		if (am_str_is(name, rows[i].name))
			return &rows[i];
	rows[o->endpoints_n] = (struct am_sample_endpoint){
		.name = am_arena_cstr(b->a, name),
		.type = "",
		.host = "",
		.disabled_reason = "",
		.disabled_by = "",
		.disabled_text = "",
		.breaker = "closed",
		.last_reason = "",
	};
	return &rows[o->endpoints_n++];
}

static void
take_state(struct am_sample_build *b, struct am_sample_endpoint *row,
    struct am_str json)
{
	struct am_endpoint_state s;

	if (am_endpoint_parse(json, b->a, &s) != 0)
		return;
	if (s.disabled != AM_ENABLED && !row->disabled) {
		row->disabled = true;
		row->disabled_reason = am_disabled_str(s.disabled);
		row->disabled_by = am_arena_cstr(
		    b->a, am_str_c(s.by[0] != '\0' ? s.by : "amends"));
		row->disabled_text = am_arena_cstr(b->a, am_str_c(s.text));
		row->disabled_at = s.at;
	}
	if (s.failing_since != 0 &&
	    (row->failing_since == 0 || s.failing_since < row->failing_since))
		row->failing_since = s.failing_since;
}

static void
take_out(struct am_sample_endpoint *row, const struct am_batch *b, size_t at,
    am_ms now)
{
	am_ms first = am_sample_score(am_sample_reply(b, at + AM_LATE_COLS));

	for (size_t c = 0; c < AM_LATE_COLS; c++) {
		int64_t n = am_reply_int(am_sample_reply(b, at + c));

		row->late[c] += n;
		row->waiting += n;
	}
	if (first != 0 && first <= now &&
	    (row->oldest_due == 0 || first < row->oldest_due))
		row->oldest_due = first;
}

static void
take_shard(struct am_sample_build *b, struct am_sample_endpoint *rows,
    const struct am_shard_sample *p)
{
	const redisReply *outs = am_sample_reply(p->first, FIRST_OUTS);
	const redisReply *hash = am_sample_reply(p->first, FIRST_ENDPOINTS);

	for (size_t i = 0; outs != NULL && i < outs->elements; i++) {
		struct am_str name;

		(void)am_out_parse(am_reply_str(outs->element[i]), &name);
		take_out(endpoint_of(b, rows, name), p->second,
		    SECOND_OUTS + i * (AM_LATE_COLS + 1), p->asked_at);
	}
	for (size_t i = 0; hash != NULL && i + 1 < hash->elements; i += 2)
		take_state(b,
		    endpoint_of(b, rows, am_reply_str(hash->element[i])),
		    am_reply_str(hash->element[i + 1]));
}

void
am_sample_add_endpoints(struct am_sample_build *b)
{
	struct am_sample *o = b->out;
	struct am_sample_endpoint *rows;
	size_t room = b->conf->endpoints_n, answered = 0, kept;

	for (size_t i = 0; i < b->s->shards_n; i++) {
		const struct am_shard_sample *p = &b->s->shards[i];
		const redisReply *outs = am_sample_reply(p->first, FIRST_OUTS);
		const redisReply *h =
		    am_sample_reply(p->first, FIRST_ENDPOINTS);

		room += outs != NULL ? outs->elements : 0;
		room += h != NULL ? h->elements / 2 : 0;
		answered += p->answered_at != 0;
	}
	rows = am_arena_zalloc(b->a, (room + 1) * sizeof(*rows));
	for (size_t i = 0; i < b->conf->endpoints_n; i++)
		fill_conf(b, i, &rows[i]);
	o->endpoints_n = kept = b->conf->endpoints_n;
	for (size_t i = 0; i < b->s->shards_n; i++)
		if (b->s->shards[i].answered_at != 0)
			take_shard(b, rows, &b->s->shards[i]);
	for (size_t i = 0; i < o->endpoints_n; i++) {
		o->waiting += rows[i].waiting;
		/* an endpoint of the past of which nothing is left */
		if (i < kept || rows[i].waiting != 0)
			rows[i < kept ? i : kept++] = rows[i];
	}
	o->endpoints_n = kept;
	o->endpoints = rows;
	if (answered != 0)
		return;
	o->waiting = -1;
	for (size_t i = 0; i < kept; i++)
		rows[i].waiting = -1;
}

/* ---- letters, rejects, pauses ---- */

static int
by_size(const void *a, const void *b)
{
	const struct am_letter_group *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->newest_at > y->newest_at ? -1 : x->newest_at < y->newest_at;
}

/* The same cause in several shards is one group. */
static struct am_letter_group *
merge(struct am_sample_build *b, bool dead, size_t *n, int64_t *length)
{
	struct am_letter_group *all = am_arena_alloc(
	    b->a, (b->s->shards_n * AM_SAMPLE_GROUPS + 1) * sizeof(*all));

	*length = -1;
	for (size_t i = 0; i < b->s->shards_n; i++) {
		const struct am_letters *l =
		    dead ? &b->s->shards[i].dead : &b->s->shards[i].rejects;

		if (l->length >= 0)
			*length = l->length + (*length > 0 ? *length : 0);
		for (size_t k = 0; k < l->groups_n; k++) {
			const struct am_letter_group *g = &l->groups[k];
			size_t j = 0;

			while (j < *n && (strcmp(all[j].a, g->a) != 0 ||
					     strcmp(all[j].b, g->b) != 0))
				j++;
			if (j == *n)
				all[(*n)++] =
				    (struct am_letter_group){ .a = g->a,
					    .b = g->b };
			if (g->newest_at >= all[j].newest_at) {
				int64_t was = all[j].n;

				all[j] = *g;
				all[j].n = was;
			}
			all[j].n += g->n;
		}
	}
	qsort(all, *n, sizeof(*all), by_size);
	return all;
}

void
am_sample_add_dead(struct am_sample_build *b)
{
	size_t n = 0;
	struct am_letter_group *g = merge(b, true, &n, &b->out->dead_n);
	struct am_sample_dead *rows =
	    am_arena_alloc(b->a, (n + 1) * sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct am_sample_dead){ am_sample_copy(b, g[i].a),
			am_sample_copy(b, g[i].b), g[i].n, g[i].newest_at,
			am_sample_copy(b, g[i].id),
			am_sample_copy(b, g[i].complaint) };
	b->out->dead = rows;
	b->out->dead_groups_n = n;
}

void
am_sample_add_rejects(struct am_sample_build *b)
{
	size_t n = 0;
	struct am_letter_group *g = merge(b, false, &n, &b->out->rejects_n);
	struct am_sample_reject *rows =
	    am_arena_alloc(b->a, (n + 1) * sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct am_sample_reject){ am_sample_copy(b, g[i].a),
			am_sample_copy(b, g[i].b), g[i].n, g[i].newest_at,
			am_sample_copy(b, g[i].text),
			am_sample_copy(b, g[i].entry) };
	b->out->rejects = rows;
	b->out->rejects_groups_n = n;
}

/* {"since":…,"by":…,"reason":…} */
static void
take_pause(
    struct am_sample_build *b, struct am_sample_pause *row, struct am_str json)
{
	const struct am_pair *said;
	char what[200];
	size_t n = 0;

	if (am_json_flatten(json, 16, b->a, &said, &n, what) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		int64_t ms;

		if (am_str_is(said[i].key, "since") &&
		    am_str_i64(said[i].value, &ms) == 0)
			row->since = ms;
		else if (am_str_is(said[i].key, "by"))
			row->by = am_arena_cstr(b->a, said[i].value);
		else if (am_str_is(said[i].key, "reason"))
			row->reason = am_arena_cstr(b->a, said[i].value);
	}
}

void
am_sample_add_paused(struct am_sample_build *b)
{
	struct am_sample *o = b->out;
	struct am_sample_pause *rows;
	size_t room = 0;

	for (size_t i = 0; i < b->s->shards_n; i++) {
		const redisReply *r =
		    am_sample_reply(b->s->shards[i].first, FIRST_PAUSED);

		room += r != NULL ? r->elements / 2 : 0;
	}
	rows = am_arena_zalloc(b->a, (room + 1) * sizeof(*rows));
	for (size_t i = 0; i < b->s->shards_n; i++) {
		const redisReply *r =
		    am_sample_reply(b->s->shards[i].first, FIRST_PAUSED);

		for (size_t k = 0; r != NULL && k + 1 < r->elements; k += 2) {
			struct am_str what = am_reply_str(r->element[k]);
			size_t j = 0;

			while (
			    j < o->paused_n && !am_str_is(what, rows[j].what))
				j++;
			if (j < o->paused_n || am_str_is(what, "was"))
				continue; /* of another shard, too; is over */
			rows[o->paused_n++] =
			    (struct am_sample_pause){ am_arena_cstr(b->a, what),
				    0, "", "" };
			take_pause(
			    b, &rows[j], am_reply_str(r->element[k + 1]));
		}
	}
	o->paused = rows;
}
