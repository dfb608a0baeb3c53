/* verbs_complaint - list, show, why, verify. */

#include <string.h>

#include "base/str.h"
#include "codec/record.h"
#include "daemon/view.h"

#define PAGE 256
#define UNREAD_MAX (1 << 20)
#define LIST_DEFAULT 100

static const char *
stage_name(const struct view *v)
{
	return v->c->stage < v->def->stages_n ? v->def->stages[v->c->stage].name
					      : "";
}

static const char *
tier_name(const struct view *v)
{
	return v->c->tier < v->def->tiers_n ? v->def->tiers[v->c->tier] : "";
}

static void
add_head(struct view *v)
{
	const struct am_complaint *c = v->c;
	struct am_buf *b = &v->line;

	am_buf_addkv(b, "id", c->id);
	am_view_s(v, "shard", v->shard->stream);
	am_buf_addkv(b, "loop", c->loop_ref);
	am_view_s(v, "status", am_status_str(c->status));
	am_view_s(v, "stage", stage_name(v));
	am_buf_addki(b, "cycle", c->cycle);
	am_view_s(v, "tier", tier_name(v));
	am_buf_addkv(b, "owner", c->owner);
	am_buf_addkv(b, "category", c->category);
	am_view_time(v, "opened_at", c->opened_at);
	am_view_time(v, "due_at", am_view_due(v->def, c));
	am_view_time(v, "next_at", am_wake_at(v->def, c));
}

/* ---- list ---- */

/* RO2: who received it first keeps it on his list until it is closed. */
static bool
is_kept_by(const struct view *v, struct am_str who, bool any_status)
{
	return am_str_eq(who, v->c->loop_owner) &&
	       (any_status || v->c->status != AM_CLOSED);
}

/* What is asked for, read once; "" : anything. */
struct wanted {
	struct am_str stage, tier, owner, keeps, loop, status;
	bool open, overdue;
};

struct listing {
	struct wanted want;
	const redisReply *ids, *records;
	struct am_str missing;
	size_t done;
};

static void
read_wanted(const struct view *v, struct wanted *w)
{
	const struct {
		const char *option;
		struct am_str *into;
	} texts[] = {
		{ "--stage", &w->stage },
		{ "--tier", &w->tier },
		{ "--owner", &w->owner },
		{ "--loop-owner", &w->keeps },
		{ "--loop", &w->loop },
		{ "--status", &w->status },
	};

	for (size_t i = 0; i < AM_COUNT(texts); i++)
		*texts[i].into =
		    am_verb_option(v->argv, v->argc, texts[i].option);
	w->open = am_verb_option(v->argv, v->argc, "--open").p != NULL;
	w->overdue = am_verb_option(v->argv, v->argc, "--overdue").p != NULL;
}

static bool
fits(struct am_str want, struct am_str is)
{
	return want.n == 0 || am_str_eq(want, is);
}

static bool
wanted(const struct view *v)
{
	const struct wanted *w = &((const struct listing *)v->own)->want;
	const struct am_complaint *c = v->c;

	if (w->open && c->status == AM_CLOSED)
		return false;
	if (w->overdue && am_view_due(v->def, c) >= am_engine_now())
		return false;
	return fits(w->stage, am_str_c(stage_name(v))) &&
	       fits(w->tier, am_str_c(tier_name(v))) &&
	       fits(w->loop, am_str_c(v->def->name)) &&
	       fits(w->owner, c->owner) &&
	       fits(w->status, am_str_c(am_status_str(c->status))) &&
	       (w->keeps.n == 0 || is_kept_by(v, w->keeps, w->status.n != 0));
}

static void
print_row(struct view *v)
{
	am_view_open(v);
	add_head(v);
	am_view_bool(v, "overdue", am_view_due(v->def, v->c) < am_engine_now());
	am_view_close(v);
	v->shown++;
}

static void ask_page(struct view *v);

/* Rows of this page whose loop is at hand; *missing: the first that is not. */
static struct am_str
print_page(struct view *v, const redisReply *ids, const redisReply *records,
    size_t *done)
{
	struct am_str none = { NULL, 0 };

	for (size_t i = *done; i < records->elements; i++) {
		struct am_str bytes = am_reply_str(records->element[i]);
		struct am_complaint c;
		bool unusable = false;

		*done = i;
		if (v->limit != 0 && v->shown >= v->limit)
			return none;
		if (bytes.n == 0 ||
		    am_record_unpack(
			am_reply_str(ids->element[i]), bytes, v->a, &c) != 0)
			continue;
		v->c = &c;
		v->def = am_shard_loop(v->shard, c.loop_ref, &unusable);
		if (v->def == NULL && !unusable)
			return c.loop_ref;
		if (v->def != NULL && wanted(v))
			print_row(v);
	}
	*done = records->elements;
	return none;
}

static void on_list_loop(struct view *v, struct am_batch *b);
static void go_on(struct view *v);

static void
on_drained(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

static void
go_on(struct view *v)
{
	const struct timeval soon = { .tv_usec = 10000 };
	struct listing *l = v->own;
	struct am_batch *b;

	if (am_ctl_alive(v->call) && am_ctl_unread(v->call) > UNREAD_MAX) {
		/* the client reads slowly: it sets the pace */
		event_base_once(
		    v->engine->base, -1, EV_TIMEOUT, on_drained, v, &soon);
		return;
	}

	l->missing = print_page(v, l->ids, l->records, &l->done);
	if (l->missing.n != 0) {
		b = am_view_query(v);
		am_cmd(b, "GET");
		am_args(b, am_key(am_store_keys(v->shard->store), v->a, "loop",
			       l->missing));
		am_view_send(v, b, on_list_loop);
		return;
	}
	v->offset += l->ids->elements;
	if (l->ids->elements < PAGE ||
	    (v->limit != 0 && v->shown >= v->limit)) {
		am_view_next_shard(v);
		return;
	}
	am_view_drop(v);
	ask_page(v);
}

static void
on_list_loop(struct view *v, struct am_batch *b)
{
	struct listing *l = v->own;

	am_shard_loop_add(
	    v->shard, l->missing, am_reply_str(am_batch_reply(b, 0)));
	go_on(v);
}

static void
on_records(struct view *v, struct am_batch *b)
{
	struct listing *l = v->own;

	/* the ids lie in held[0]; keep the records where a loop's answer does
	 * not push them out */
	l->records = am_batch_reply(b, 0);
	l->done = 0;
	v->records = b;
	v->held[1] = NULL;
	go_on(v);
}

static void
on_ids(struct view *v, struct am_batch *b)
{
	struct listing *l = v->own;
	const struct am_keys *keys = am_store_keys(v->shard->store);
	const redisReply *ids = am_batch_reply(b, 0);
	struct am_batch *more;

	if (ids == NULL || ids->type != REDIS_REPLY_ARRAY ||
	    ids->elements == 0) {
		am_view_next_shard(v);
		return;
	}
	l->ids = ids;
	more = am_view_query(v);
	am_cmd(more, "MGET");
	for (size_t i = 0; i < ids->elements; i++)
		am_args(more,
		    am_key(keys, v->a, "c", am_reply_str(ids->element[i])));
	am_view_send(v, more, on_records);
}

static void
ask_page(struct view *v)
{
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "ZRANGE");
	am_arg(b, am_store_keys(v->shard->store)->wake);
	am_argi(b, (int64_t)v->offset);
	am_argi(b, (int64_t)v->offset + PAGE - 1);
	am_view_send(v, b, on_ids);
}

void
am_verb_list(struct view *v)
{
	v->limit = am_view_limit(v, LIST_DEFAULT);
	v->own = am_arena_zalloc(v->a, sizeof(struct listing));
	read_wanted(v, &((struct listing *)v->own)->want);
	am_view_walk(v, ask_page, NULL);
}

/* ---- show ---- */

static void
add_rungs(struct view *v, size_t slot)
{
	const struct am_clockdef *cd = &v->def->clocks[slot];
	struct am_buf *b = &v->line;
	char at[24];

	am_buf_addkey(b, "rungs");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < cd->rungs_n; i++) {
		const struct am_rungdef *r = &cd->rungs[i];

		am_buf_adds(b, i != 0 ? ",{" : "{");
		am_view_s(v, "name", r->name);
		if (r->is_pct)
			am_view_s(
			    v, "at", am_arena_printf(v->a, "%d%%", r->pct));
		else
			am_view_s(v, "at",
			    am_arena_printf(v->a, "+%s",
				am_duration_format(r->offset, at)));
		am_view_s(v, "to", am_role_str(r->to));
		am_view_time(v, "due_at", am_rung_due(v->def, v->c, slot, i));
		am_view_bool(
		    v, "fired", (v->c->clocks[slot].fired >> i & 1) != 0);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
add_clocks(struct view *v)
{
	struct am_buf *b = &v->line;
	bool first = true;

	am_buf_addkey(b, "clocks");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *k = &v->c->clocks[i];

		if (k->entry == 0)
			continue;
		am_buf_adds(b, first ? "{" : ",{");
		first = false;
		am_view_s(v, "name", v->def->clocks[i].name);
		am_view_s(v, "state", am_clock_state_str(k->state));
		am_view_bool(v, "missed", k->missed);
		am_view_s(v, "verdict", am_clock_verdict(v->c, i));
		am_buf_addki(b, "entry", k->entry);
		am_view_time(v, "started_at", k->started);
		am_view_time(v, "due_at", am_clock_due(v->def, v->c, i));
		am_buf_addki(b, "budget_ms", k->budget);
		am_buf_addki(
		    b, "consumed_ms", am_view_consumed(&v->def->clocks[i], k));
		add_rungs(v, i);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
add_owed(struct view *v)
{
	struct am_buf *b = &v->line;
	bool first = true;

	am_buf_addkey(b, "owed");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < v->def->stages_n; i++) {
		if ((v->c->owed >> i & 1) == 0)
			continue;
		if (!first)
			am_buf_addc(b, ',');
		first = false;
		am_buf_addjson(b, am_str_c(v->def->stages[i].name));
	}
	am_buf_addc(b, ']');
}

/* "" for what no rung fired: a reopening's notice, a person's task. */
static const char *
rung_name(const struct view *v, const struct am_waiting *w)
{
	const struct am_clockdef *cd = &v->def->clocks[w->clock];

	return w->rung < cd->rungs_n ? cd->rungs[w->rung].name : "";
}

/* What its row says; b holds it and its score. */
static void
add_state(struct view *v, const struct am_waiting *w, struct am_str id,
    const struct am_batch *b, size_t i)
{
	const redisReply *rows = am_batch_reply(b, 0);
	const redisReply *score = am_batch_reply(b, i + 1);
	struct am_fu_record row;

	if (!w->queued) {
		am_view_s(v, "state", "behind");
		return;
	}
	if (rows == NULL || rows->type != REDIS_REPLY_ARRAY ||
	    am_fu_record_unpack(
		id, am_reply_str(rows->element[i]), v->a, &row) != 0)
		return; /* it has ended meanwhile */
	am_view_s(v, "state",
	    am_view_fu_state(v, &row,
		am_reply_str(score).n != 0 ? (am_ms)strtod(score->str, NULL)
					   : row.next_at));
	if (row.progress != AM_FU_QUEUED)
		am_view_time(v, "until", row.next_at);
}

static void
add_waiting(struct view *v, const struct am_batch *rows)
{
	struct am_buf *b = &v->line;

	am_buf_addkey(b, "waiting");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < v->c->waiting_n; i++) {
		const struct am_waiting *w = &v->c->waiting[i];
		char id[AM_FU_ID_LEN + 1];

		am_fu_id_format(w->id, id);
		am_buf_adds(b, i != 0 ? ",{" : "{");
		am_view_s(v, "id", id);
		am_buf_addkv(b, "endpoint", w->endpoint);
		am_view_s(v, "clock", v->def->clocks[w->clock].name);
		am_view_s(v, "rung", rung_name(v, w));
		am_view_bool(v, "queued", w->queued);
		add_state(v, w, am_str_c(id), rows, i);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
add_journal(struct view *v, const redisReply *log)
{
	struct am_buf *b = &v->line;

	am_buf_addkey(b, "journal");
	am_buf_addc(b, '[');
	for (size_t i = 0; log != NULL && i < log->elements; i++) {
		if (i != 0)
			am_buf_addc(b, ',');
		am_buf_addstr(b, am_reply_str(log->element[i]));
	}
	am_buf_addc(b, ']');
}

/* rows: of what waits; NULL when nothing does. The record came first. */
static void
print_complaint(struct view *v, struct am_batch *rows)
{
	const struct am_complaint *c = v->c;
	struct am_buf *b = &v->line;

	am_view_open(v);
	add_head(v);
	am_buf_addki(b, "version", c->version);
	am_buf_addki(b, "seq", c->seq);
	am_view_s(v, "outcome", am_outcome_str(c->outcome));
	am_view_s(v, "verdict", am_loop_verdict(c));
	am_view_time(v, "since", c->clocks[AM_CLOCK_STAGE0 + c->stage].started);
	am_buf_addkv(b, "loop_owner", c->loop_owner);
	am_buf_addkv(b, "supervisor", c->supervisor);
	am_buf_addkv(b, "lang", c->lang);
	add_owed(v);
	am_view_time(v, "closed_at", c->closed_at);
	am_view_time(v, "held_since", c->held_since);
	am_buf_addkv(b, "hold_reason", c->hold_reason);
	add_clocks(v);
	add_waiting(v, rows);
	add_journal(v, am_batch_reply(v->held[0], 1));
	am_view_close(v);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	am_view_drop(v);
}

static void
show(struct view *v, struct am_batch *rb)
{
	const struct am_keys *keys = am_store_keys(v->shard->store);
	const struct am_complaint *c = v->c;
	struct am_str ids[AM_WAITING_MAX];
	struct am_batch *b;

	(void)rb;
	if (c->waiting_n == 0) {
		print_complaint(v, NULL);
		return;
	}
	b = am_view_query(v);
	am_cmd(b, "MGET");
	for (size_t i = 0; i < c->waiting_n; i++) {
		char id[AM_FU_ID_LEN + 1];

		am_fu_id_format(c->waiting[i].id, id);
		ids[i] = am_arena_dup(v->a, am_str_c(id));
		am_args(b, am_key(keys, v->a, "fu", ids[i]));
	}
	for (size_t i = 0; i < c->waiting_n; i++) {
		const struct am_waiting *w = &c->waiting[i];

		am_cmd(b, "ZSCORE");
		am_args(b, am_key(keys, v->a, "out",
			       am_out_name(v->a, w->endpoint, w->class)));
		am_args(b, ids[i]);
	}
	am_view_send(v, b, print_complaint);
}

void
am_verb_show(struct view *v)
{
	am_view_complaint(v, show);
}
