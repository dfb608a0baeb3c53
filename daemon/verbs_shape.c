/*
 * verbs_shape - shape and top: what a census tells.
 *
 * shape waits for a walk that began after it was asked, so that its sums are
 * those of now; top takes the last one and has a new one begun behind it, so
 * that it can be asked every other second.
 */

#include "base/str.h"
#include "daemon/census.h"
#include "daemon/view.h"

#define TOP_AGE (3 * AM_SECOND)

static void
print_census(struct view *v, const struct am_census *c)
{
	struct am_buf *b = &v->line;

	am_view_open(v);
	am_view_s(v, "row", "census");
	am_view_time(v, "from", c->started_at);
	am_view_time(v, "to", c->ended_at);
	am_view_bool(v, "complete", c->complete);
	am_buf_addki(b, "shards", (int64_t)c->shards_n);
	am_buf_addki(b, "missing", (int64_t)c->missing_n);
	am_buf_addki(b, "open", c->walked);
	am_buf_addki(b, "held", c->held);
	am_buf_addki(b, "waiting", c->waiting);
	am_buf_addki(b, "unreadable", c->unreadable);
	am_buf_addki(b, "parked", c->parked);
	am_view_close(v);
}

static void
print_endpoint(struct view *v, const struct am_census_outbox *o)
{
	struct am_buf *b = &v->line;

	am_view_open(v);
	am_view_s(v, "row", "endpoint");
	am_view_s(v, "endpoint", o->endpoint);
	am_view_bool(v, "known", o->known);
	am_buf_addki(b, "total", o->total);
	am_buf_addkey(b, "age");
	am_buf_addc(b, '{');
	for (size_t i = 0; i < AM_AGE_COLS; i++) {
		unsigned below = am_age_minutes(i);

		am_buf_addki(b,
		    below != 0 ? am_arena_printf(v->a, "%u", below) : "more",
		    o->n[i]);
	}
	am_buf_addc(b, '}');
	am_view_close(v);
}

static void
print_stage(struct view *v, const struct am_census_stage *s)
{
	struct am_buf *b = &v->line;

	am_view_open(v);
	am_view_s(v, "row", "stage");
	am_view_s(v, "loop", s->loop);
	am_view_s(v, "stage", s->stage);
	am_buf_addki(b, "total", s->total);
	am_buf_addkey(b, "due");
	am_buf_addc(b, '{');
	for (int i = 0; i < AM_DUE_COLS; i++)
		am_buf_addki(b, am_due_str((enum am_due_col)i), s->n[i]);
	am_buf_addc(b, '}');
	am_view_close(v);
}

static void
end_told(struct view *v, const struct am_census *c)
{
	if (c->complete)
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	else
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "%zu of %zu shards did not answer and are not in it",
		    c->missing_n, c->shards_n);
}

static void
on_shape(void *arg, struct am_census *c)
{
	struct view *v = arg;

	print_census(v, c);
	for (size_t i = 0; i < c->outboxes_n; i++)
		print_endpoint(v, &c->outboxes[i]);
	for (size_t i = 0; i < c->board_n; i++)
		print_stage(v, &c->board[i]);
	end_told(v, c);
}

void
am_verb_shape(struct view *v)
{
	am_census_get(v->engine, 0, on_shape, v);
}

/* ---- top ---- */

static void
print_case(struct view *v, const char *row, const struct am_census_case *c)
{
	am_view_open(v);
	am_view_s(v, "row", row);
	am_view_s(v, "id", c->id);
	am_view_s(v, "loop", c->loop);
	am_view_s(v, "stage", c->stage);
	am_view_s(v, "tier", c->tier);
	am_view_s(v, "owner", c->owner);
	am_view_time(v, "due_at", c->due_at);
	am_view_bool(v, "held", c->held);
	am_view_close(v);
}

static void
on_top(void *arg, struct am_census *c)
{
	struct view *v = arg;

	print_census(v, c);
	for (size_t i = 0; i < c->lapsed_n; i++)
		print_case(v, "lapsed", &c->lapsed[i]);
	for (size_t i = 0; i < c->next_n; i++)
		print_case(v, "next", &c->next[i]);
	end_told(v, c);
}

void
am_verb_top(struct view *v)
{
	struct am_census *c = am_census_last(v->engine, TOP_AGE);

	if (c != NULL) /* an old one does: the next is on its way */
		on_top(v, c);
	else
		am_census_get(v->engine, AM_HOUR, on_top, v);
}
