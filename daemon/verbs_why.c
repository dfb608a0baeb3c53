/*
 * verbs_why - how a due came about (DL9): start, budget, every counted window,
 * every hold, every change of the due. What is told is found in sim/why.h.
 */

#include "base/str.h"
#include "daemon/view.h"
#include "sim/why.h"

static const struct am_loopdef *
loop_of(void *arg, struct am_str ref)
{
	struct view *v = arg;
	bool unusable = false;

	if (am_str_is(ref, v->def->ref))
		return v->def;
	return am_shard_loop(v->shard, ref, &unusable);
}

static void
add_budget(struct view *v, const struct am_why *w)
{
	char text[24];

	am_view_s(v, "budget",
	    w->written.n > 0 ? am_duration_format(w->written, text) : "");
	if (w->of_tier)
		am_view_s(v, "tier", v->def->tiers[v->c->tier]);
	am_view_bool(v, "halved", w->halved);
	am_buf_addki(&v->line, "extra_ms", w->extra);
	am_buf_addki(&v->line, "budget_ms", w->budget);
}

static void
add_windows(struct view *v, const struct am_why *w)
{
	am_ms from, to;

	am_buf_addkey(&v->line, "windows");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; am_why_window(w, i, &from, &to); i++) {
		am_buf_adds(&v->line, i == 0 ? "{" : ",{");
		am_view_time(v, "from", from);
		am_view_time(v, "to", to);
		am_buf_addki(&v->line, "ms", to - from);
		am_buf_addc(&v->line, '}');
	}
	am_buf_addc(&v->line, ']');
	if (w->otherwise != 0)
		am_buf_addki(&v->line, "otherwise_ms", w->otherwise);
}

static void
add_holds(struct view *v, const struct am_why *w)
{
	am_buf_addkey(&v->line, "holds");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; i < w->holds_n; i++) {
		am_buf_adds(&v->line, i == 0 ? "{" : ",{");
		am_view_time(v, "from", w->holds[i].from);
		am_view_time(v, "to", w->holds[i].to);
		am_buf_addkv(&v->line, "reason", w->holds[i].reason);
		am_buf_addc(&v->line, '}');
	}
	am_buf_addc(&v->line, ']');
}

static void
add_moves(struct view *v, const struct am_why *w)
{
	am_buf_addkey(&v->line, "moved");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; i < w->moves_n; i++) {
		const struct am_why_move *m = &w->moves[i];

		am_buf_adds(&v->line, i == 0 ? "{" : ",{");
		am_view_time(v, "at", m->at);
		am_view_time(v, "old", m->from);
		am_view_time(v, "new", m->to);
		am_buf_addkv(&v->line, "event", m->event);
		am_buf_addkv(&v->line, "reason", m->reason);
		if (m->by.n > 0)
			am_buf_addkv(&v->line, "by", m->by);
		if (m->approver.n > 0)
			am_buf_addkv(&v->line, "approver", m->approver);
		am_buf_addc(&v->line, '}');
	}
	am_buf_addc(&v->line, ']');
}

static void
print_clock(struct view *v, const struct am_why *w)
{
	const struct am_clockdef *cd = &v->def->clocks[w->clock];
	const struct am_clock *k = &v->c->clocks[w->clock];

	am_view_open(v);
	am_buf_addkv(&v->line, "id", v->c->id);
	am_view_s(v, "clock", cd->name);
	am_view_s(v, "state", am_clock_state_str(k->state));
	am_view_bool(v, "missed", k->missed);
	am_view_s(
	    v, "calendar", cd->calendar_name != NULL ? cd->calendar_name : "");
	am_view_time(v, "started_at", w->started);
	add_budget(v, w);
	am_buf_addki(&v->line, "consumed_ms", w->consumed);
	am_buf_addki(&v->line, "left_ms", w->left);
	add_windows(v, w);
	add_holds(v, w);
	add_moves(v, w);
	am_view_time(v, "due_at", w->due);
	am_view_time(v, "ended_at", w->ended);
	am_buf_addki(&v->line, "sum_ms", w->sum);
	am_view_close(v);
}

static void
why(struct view *v, struct am_batch *rb)
{
	const redisReply *log = am_batch_reply(rb, 1);
	size_t n =
	    log != NULL && log->type == REDIS_REPLY_ARRAY ? log->elements : 0;
	struct am_str *lines = am_arena_alloc(v->a, (n + 1) * sizeof(*lines));
	struct am_why clocks[AM_CLOCKS_MAX];
	size_t clocks_n;

	for (size_t i = 0; i < n; i++)
		lines[i] = am_reply_str(log->element[i]);
	clocks_n = am_why(
	    v->def, v->c, lines, n, loop_of, v, am_engine_now(), v->a, clocks);
	for (size_t i = 0; i < clocks_n; i++)
		print_clock(v, &clocks[i]);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	am_view_drop(v);
}

void
am_verb_why(struct view *v)
{
	am_view_complaint(v, why);
}
