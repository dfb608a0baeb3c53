/*
 * walk - see walk.h.
 *
 * The index of wake-ups holds every complaint. It is read by ZSCAN, which
 * meets each member that stays, whatever becomes of its score meanwhile.
 * Rejected: pages by rank or by score, for a step moves what it touches.
 */

#include "daemon/walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PAGE 128

struct am_walk_item {
	struct am_str id;
	am_ms wake;
};

static bool
page_is_last(const struct am_walk *w)
{
	return w->scanned && w->at + w->taken == w->items_n;
}

static void
load_page(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	struct am_walk *w = (struct am_walk *)op;

	if (w->at < w->items_n || w->scanned)
		return;
	am_cmd(b, "ZSCAN");
	am_arg(b, am_store_keys(t->sh->store)->wake);
	am_arg(b, w->scan);
	am_arg(b, "COUNT");
	am_argi(b, PAGE);
}

/* A small index comes whole, whatever COUNT says. */
static void
take_scan(struct am_walk *w, const redisReply *r)
{
	const redisReply *list;

	am_arena_reset(&w->arena);
	w->items_n = w->at = 0;
	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 2)
		return;
	list = r->element[1];
	snprintf(w->scan, sizeof(w->scan), "%.*s",
	    AM_ARG(am_reply_str(r->element[0])));
	w->scanned = strcmp(w->scan, "0") == 0;
	w->items = am_arena_alloc(
	    &w->arena, (list->elements / 2 + 1) * sizeof(*w->items));
	for (size_t i = 0; i + 1 < list->elements; i += 2) {
		double at = strtod(list->element[i + 1]->str, NULL);

		w->items[w->items_n++] = (struct am_walk_item){
			.id = am_arena_dup(
			    &w->arena, am_reply_str(list->element[i])),
			.wake = isinf(at) ? AM_NEVER : (am_ms)at,
		};
	}
}

static void
page_loaded(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct am_walk *w = (struct am_walk *)op;

	if (w->at == w->items_n && !w->scanned)
		take_scan(w, am_turn_reply(b, 0));
	w->taken = w->items_n - w->at;
	if (w->taken > PAGE)
		w->taken = PAGE;
	for (size_t i = 0; i < w->taken; i++)
		(void)am_turn_case(t, w->items[w->at + i].id);
}

static bool
run_page(struct am_op *op, struct am_turn *t)
{
	struct am_walk *w = (struct am_walk *)op;
	bool wrote = false;

	if (w->stop)
		return false;
	if (w->page != NULL)
		w->page(w);
	for (size_t i = 0; i < w->taken; i++) {
		const struct am_walk_item *it = &w->items[w->at + i];

		wrote =
		    w->step(w, t, am_turn_case(t, it->id), it->wake) || wrote;
	}
	if (page_is_last(w) && w->last != NULL)
		wrote = w->last(w, t) || wrote;
	t->counts.applied = t->counts.ignored = 0; /* of events only */
	t->counts.duplicate = t->counts.rejected = 0;
	return wrote;
}

static void
finish(struct am_walk *w, int rc)
{
	am_arena_fini(&w->arena);
	w->done(w, rc);
}

void
am_walk_go(struct am_walk *w)
{
	am_shard_op(w->sh, &w->op);
}

/* What was refused is tried again after the shard's own pause. */
static void
page_done(struct am_op *op, int rc)
{
	struct am_walk *w = (struct am_walk *)op;
	bool last = page_is_last(w);

	if (w->stop && rc == 0)
		rc = -AM_ECANCELED;
	if (rc == 0) {
		w->at += w->taken;
		w->taken = 0;
		if (w->paged != NULL && !w->paged(w))
			return; /* behind the last page comes an empty one */
		if (!last) {
			am_walk_go(w);
			return;
		}
	} else if (rc != -AM_EFENCED && w->sh->running && !w->stop &&
		   !w->sh->engine->stopping) {
		am_walk_go(w);
		return;
	}
	finish(w, rc);
}

void
am_walk_start(struct am_shard *sh, struct am_walk *w)
{
	w->sh = sh;
	w->op = (struct am_op){ .load = load_page,
		.loaded = page_loaded,
		.run = run_page,
		.done = page_done };
	snprintf(w->scan, sizeof(w->scan), "0");
	w->scanned = w->ids != NULL;
	w->items_n = w->at = w->taken = 0;
	am_arena_init(&w->arena, 64 * 1024);
	if (w->ids != NULL) {
		w->items = am_arena_alloc(
		    &w->arena, (w->ids_n + 1) * sizeof(*w->items));
		for (; w->items_n < w->ids_n; w->items_n++)
			w->items[w->items_n] =
			    (struct am_walk_item){ w->ids[w->items_n],
				    AM_NEVER };
	}
	am_walk_go(w);
}
