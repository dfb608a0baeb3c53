/* verbs_queue - followups, dead list, rejects list. */

#include <stdlib.h>
#include <string.h>

#include "base/reach.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/record.h"
#include "daemon/view.h"

#define LIST_DEFAULT 100

/* ---- followups ---- */

struct queue {
	const char **outs; /* outboxes of this shard that are still to ask */
	size_t outs_n, outs_i;
	struct am_silences silences; /* of this shard */
};

/* One row, and its place in the outbox. */
struct queued {
	struct am_fu_record row;
	am_ms score;
	const char *state;
};

static const char *
result_name(uint8_t result)
{
	static const char *const names[] = {
		[AM_TRY_STARTED] = "started",
		[AM_TRY_OK] = "ok",
		[AM_TRY_RETRY] = "retry",
		[AM_TRY_PERMANENT] = "permanent",
		[AM_TRY_UNCERTAIN] = "uncertain",
	};

	return result < AM_COUNT(names) ? names[result] : "unknown";
}

const char *
am_view_fu_state(
    const struct view *v, const struct am_fu_record *row, am_ms score)
{
	if (am_shard_on_wire(v->shard, row->id))
		return "in_flight";
	if (row->progress == AM_FU_ACCEPTED)
		return "accepted";
	if (row->progress == AM_FU_UNCERTAIN)
		return "uncertain";
	if (am_shard_outlet(v->shard, row->endpoint)->state.disabled !=
	    AM_ENABLED)
		return "parked";
	if (score == AM_PAUSE_SCORE || v->shard->paused.delivery != NULL)
		return "held";
	if (row->attempts_n != 0 &&
	    row->attempts[row->attempts_n - 1].result == AM_TRY_STARTED)
		return "interrupted"; /* its sender died; see next_at */
	/* not tried yet, and not to be tried before its score */
	return row->attempts_total == 0 && score > am_engine_now() ? "held"
								   : "queued";
}

/* The silence that put it off: it waits for that one's end. */
static const struct am_silence *
silence_of(const struct queue *q, const struct queued *f)
{
	for (size_t i = 0; i < q->silences.n; i++) {
		const struct am_silence *s = &q->silences.list[i];

		if (s->until == f->score &&
		    am_silence_active(s, am_engine_now()))
			return s;
	}
	return NULL;
}

/* Whatever it was is not kept: quiet hours end with a minute, windows hardly
 * ever do. */
static const char *
held_by(const struct view *v, const struct queued *f)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(v->engine->conf, f->row.endpoint);

	if (f->row.next_at >= f->score) /* its own first instant */
		return "quiet";
	if (f->row.group.n != 0)
		return "digest";
	if (f->row.catchup)
		return "catchup_rate";
	return ep != NULL && ep->windows_n != 0 && f->score % AM_MINUTE != 0
		   ? "window"
		   : "quiet";
}

/* Until when it is held, and why. */
static void
add_held(struct view *v, const struct queue *q, const struct queued *f)
{
	const struct am_silence *s = silence_of(q, f);

	if (strcmp(f->state, "held") == 0 &&
	    (f->score == AM_PAUSE_SCORE || v->shard->paused.delivery != NULL)) {
		am_buf_adds(
		    &v->line, ",\"held\":{\"by\":\"pause\",\"until\":null}");
		return;
	}
	if (s == NULL && strcmp(f->state, "held") != 0)
		return;
	am_buf_addkey(&v->line, "held");
	am_buf_addc(&v->line, '{');
	am_view_s(v, "by", s != NULL ? "silence" : held_by(v, f));
	am_view_time(v, "until", f->score);
	if (s != NULL) {
		am_buf_addkv(&v->line, "silence", s->id);
		am_buf_addkv(&v->line, "author", s->author);
		am_buf_addkv(&v->line, "reason", s->reason);
	}
	am_buf_addc(&v->line, '}');
}

static void
add_members(struct view *v, const struct am_fu_record *f)
{
	char id[AM_FU_ID_LEN + 1];

	am_buf_addkey(&v->line, "members");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; i < f->members_n; i++) {
		am_fu_id_format(f->members[i].id, id);
		am_buf_adds(&v->line, i != 0 ? ",{" : "{");
		am_view_s(v, "id", id);
		am_buf_addkv(&v->line, "complaint", f->members[i].complaint);
		am_buf_addc(&v->line, '}');
	}
	am_buf_addc(&v->line, ']');
}

/* What the message itself says of its clock and its reason. */
static void
add_said(struct view *v, struct am_str body)
{
	static const char in[] = "data.followup.";
	const struct am_pair *said;
	size_t n = 0;
	char what[200];

	if (am_json_flatten(body, 64, v->a, &said, &n, what) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (am_str_is(said[i].key, "data.followup.clock") ||
		    am_str_is(said[i].key, "data.followup.reason"))
			am_buf_addkv(&v->line,
			    am_arena_cstr(v->a, said[i].key) + strlen(in),
			    said[i].value);
}

static void
add_attempts(struct view *v, const struct am_fu_record *f)
{
	struct am_buf *b = &v->line;

	am_buf_addkey(b, "log");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < f->attempts_n; i++) {
		const struct am_attempt *t = &f->attempts[i];

		am_buf_adds(b, i != 0 ? ",{" : "{");
		am_view_time(v, "at", t->started);
		if (t->ended != 0)
			am_buf_addki(b, "took_ms", t->ended - t->started);
		am_view_s(v, "result", result_name(t->result));
		am_buf_addki(b, "status", t->status);
		am_buf_addkv(b, "error", t->error);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

/* Does --complaint, if it was said, mean this one? */
static bool
is_wanted(struct view *v, const struct am_fu_record *f)
{
	struct am_str only = am_verb_option(v->argv, v->argc, "--complaint");

	if (only.n == 0 || am_str_eq(only, f->complaint))
		return true;
	for (size_t i = 0; i < f->members_n; i++)
		if (am_str_eq(only, f->members[i].complaint))
			return true;
	return false;
}

static void
print_followup(struct view *v, struct am_str id, am_ms score, struct am_str row)
{
	struct queued f = { .score = score };
	struct am_buf *b = &v->line;

	if (row.n == 0 || am_fu_record_unpack(id, row, v->a, &f.row) != 0 ||
	    !is_wanted(v, &f.row))
		return;
	f.state = am_view_fu_state(v, &f.row, score);
	am_view_open(v);
	am_buf_addkv(b, "id", id);
	am_view_s(v, "shard", v->shard->stream);
	am_buf_addkv(b, "complaint", f.row.complaint);
	am_buf_addkv(b, "endpoint", f.row.endpoint);
	add_said(v, f.row.body);
	am_buf_addkv(b, "rung", f.row.rung_name);
	am_view_s(v, "to", am_role_str(f.row.to));
	am_view_s(v, "state", f.state);
	add_held(v, v->own, &f);
	if (f.row.progress != AM_FU_QUEUED)
		am_view_time(v, "until", f.row.next_at);
	if (f.row.provider_id.n != 0)
		am_buf_addkv(b, "provider_id", f.row.provider_id);
	if (f.row.group.n != 0)
		am_buf_addkv(b, "group", f.row.group);
	if (f.row.members_n != 0)
		add_members(v, &f.row);
	am_view_time(v, "due_at", f.row.due_at);
	am_view_time(v, "fired_at", f.row.fired_at);
	if (score == AM_PAUSE_SCORE)
		score = AM_NEVER;
	am_view_time(
	    v, "next_at", score > f.row.next_at ? score : f.row.next_at);
	am_buf_addki(b, "attempts", f.row.attempts_total);
	add_attempts(v, &f.row);
	if (f.row.excerpt.n != 0 && am_ctl_level(v->call) >= AM_CTL_OPERATE)
		am_buf_addkv(b, "excerpt", f.row.excerpt);
	am_view_close(v);
	v->shown++;
}

static void ask_out(struct view *v);

static void
on_rows(struct view *v, struct am_batch *b)
{
	const redisReply *ids = am_batch_reply(v->held[0], 0);
	const redisReply *rows = am_batch_reply(b, 0);

	for (size_t i = 0; rows != NULL && i < rows->elements; i++) {
		if (v->limit != 0 && v->shown >= v->limit)
			break;
		print_followup(v, am_reply_str(ids->element[2 * i]),
		    (am_ms)strtod(ids->element[2 * i + 1]->str, NULL),
		    am_reply_str(rows->element[i]));
	}
	ask_out(v);
}

static void
on_out(struct view *v, struct am_batch *b)
{
	const redisReply *ids = am_batch_reply(b, 0);
	const struct am_keys *keys = am_store_keys(v->shard->store);
	struct am_batch *more;

	if (ids == NULL || ids->type != REDIS_REPLY_ARRAY ||
	    ids->elements == 0) {
		ask_out(v);
		return;
	}
	more = am_view_query(v);
	am_cmd(more, "MGET");
	for (size_t i = 0; i < ids->elements; i += 2)
		am_args(more,
		    am_key(keys, v->a, "fu", am_reply_str(ids->element[i])));
	am_view_send(v, more, on_rows);
}

static void
ask_out(struct view *v)
{
	struct queue *q = v->own;
	const struct am_keys *keys = am_store_keys(v->shard->store);
	struct am_batch *b;

	am_view_drop(v);
	if (q->outs_i == q->outs_n || (v->limit != 0 && v->shown >= v->limit)) {
		am_view_next_shard(v);
		return;
	}
	b = am_view_query(v);
	am_cmd(b, "ZRANGE");
	am_args(b, am_key(keys, v->a, "out", am_str_c(q->outs[q->outs_i++])));
	am_argi(b, 0);
	am_argi(b, v->limit != 0 ? (int64_t)v->limit - 1 : -1);
	am_arg(b, "WITHSCORES");
	am_view_send(v, b, on_out);
}

static void
on_outs(struct view *v, struct am_batch *b)
{
	struct am_str only = am_verb_option(v->argv, v->argc, "--endpoint");
	const redisReply *r = am_batch_reply(b, 0);
	struct queue *q = v->own;

	am_silences_read(&q->silences, am_batch_reply(b, 1));
	q->outs_n = q->outs_i = 0;
	if (r != NULL && r->type == REDIS_REPLY_ARRAY) {
		q->outs =
		    am_arena_alloc(v->a, (r->elements + 1) * sizeof(*q->outs));
		for (size_t i = 0; i < r->elements; i++) {
			struct am_str name = am_reply_str(r->element[i]);
			struct am_str endpoint;

			(void)am_out_parse(name, &endpoint);
			if (only.n == 0 || am_str_eq(only, endpoint))
				q->outs[q->outs_n++] =
				    am_arena_cstr(v->a, name);
		}
	}
	ask_out(v);
}

static void
ask_outs(struct view *v)
{
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "SMEMBERS");
	am_arg(b, am_store_keys(v->shard->store)->outs);
	am_cmd(b, "HGETALL");
	am_args(b, am_shard_silences_key(v->shard, v->a));
	am_view_send(v, b, on_outs);
}

static void
end_followups(struct view *v)
{
	struct queue *q = v->own;

	am_silences_forget(&q->silences);
	am_view_end(v);
}

void
am_verb_followups(struct view *v)
{
	v->limit = am_view_limit(v, LIST_DEFAULT);
	v->own = am_arena_zalloc(v->a, sizeof(struct queue));
	am_view_walk(v, ask_outs, end_followups);
}

/* ---- streams of letters and rejects ---- */

struct am_str
am_entry_field(const redisReply *entry, const char *name)
{
	const redisReply *kv = entry->elements == 2 ? entry->element[1] : NULL;
	struct am_str none = { NULL, 0 };

	for (size_t i = 0; kv != NULL && i + 1 < kv->elements; i += 2)
		if (am_str_is(am_reply_str(kv->element[i]), name))
			return am_reply_str(kv->element[i + 1]);
	return none;
}

static void
add_ms(struct view *v, const char *key, struct am_str ms)
{
	int64_t t;

	am_view_time(v, key, am_str_i64(ms, &t) == 0 ? t : AM_NEVER);
}

static void
add_int(struct view *v, const char *key, struct am_str n)
{
	int64_t i;

	am_buf_addki(&v->line, key, am_str_i64(n, &i) == 0 ? i : 0);
}

/* What its last answer said; in the packed record only. */
static void
add_excerpt(struct view *v, const redisReply *e)
{
	struct am_fu_record f;

	if (am_fu_record_unpack(am_entry_field(e, "id"),
		am_entry_field(e, "record"), v->a, &f) == 0 &&
	    f.excerpt.n != 0 && am_ctl_level(v->call) >= AM_CTL_OPERATE)
		am_buf_addkv(&v->line, "excerpt", f.excerpt);
}

static void
print_letter(struct view *v, const redisReply *e)
{
	static const char *const fields[] = { "id", "complaint", "endpoint",
		"reason", "error" };
	struct am_str only = am_verb_option(v->argv, v->argc, "--endpoint");

	if (only.n != 0 && !am_str_eq(only, am_entry_field(e, "endpoint")))
		return;
	am_view_open(v);
	am_buf_addkv(&v->line, "entry", am_reply_str(e->element[0]));
	am_view_s(v, "shard", v->shard->stream);
	for (size_t i = 0; i < AM_COUNT(fields); i++)
		am_buf_addkv(&v->line, fields[i], am_entry_field(e, fields[i]));
	add_ms(v, "at", am_entry_field(e, "at"));
	add_int(v, "attempts", am_entry_field(e, "attempts"));
	add_int(v, "status", am_entry_field(e, "status"));
	add_excerpt(v, e);
	am_view_close(v);
	v->shown++;
}

/* Names of an event that say what it is, and nothing of a person. */
static bool
is_plain(const struct am_event_spec *spec, struct am_str field)
{
	static const char *const names[] = { "event", "event_id", "source",
		"complaint_id" };
	struct am_event ev = { 0 };

	for (size_t i = 0; i < AM_COUNT(names); i++)
		if (am_str_is(field, names[i]))
			return true;
	if (spec == NULL)
		return false;
	ev.type = spec->type;
	return am_event_field_class(&ev, field) == AM_FIELD_CORE;
}

/* Who may only look sees of the rest how much there is. */
static void
add_value(struct view *v, const struct am_event_spec *spec, struct am_str field,
    struct am_str value)
{
	char masked[AM_MASKED_MAX];

	if (am_ctl_level(v->call) >= AM_CTL_OPERATE || is_plain(spec, field))
		am_buf_addjson(&v->line, value);
	else if (strcmp(am_reach_mask(value, masked), "***") != 0)
		am_buf_addjson(&v->line, am_str_c(masked));
	else
		am_buf_addjson(&v->line, am_str_c(am_arena_printf(v->a,
					     "*** (%zu bytes)", value.n)));
}

static void
print_reject(struct view *v, const redisReply *e)
{
	static const char *const fields[] = { "id", "code", "field", "text" };
	const redisReply *kv = e->element[1];
	const struct am_event_spec *spec =
	    am_event_spec_by_name(am_entry_field(e, "f.event"));

	am_view_open(v);
	am_buf_addkv(&v->line, "entry", am_reply_str(e->element[0]));
	am_view_s(v, "shard", v->shard->stream);
	for (size_t i = 0; i < AM_COUNT(fields); i++)
		am_buf_addkv(&v->line, fields[i], am_entry_field(e, fields[i]));
	add_ms(v, "at", am_entry_field(e, "at"));
	add_int(v, "size", am_entry_field(e, "size"));
	am_buf_addkey(&v->line, "fields");
	am_buf_addc(&v->line, '{');
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		struct am_str key = am_reply_str(kv->element[i]);

		if (!am_str_prefix(key, "f."))
			continue;
		key.p += 2;
		key.n -= 2;
		if (v->line.p[v->line.n - 1] != '{')
			am_buf_addc(&v->line, ',');
		am_buf_addjson(&v->line, key);
		am_buf_addc(&v->line, ':');
		add_value(v, spec, key, am_reply_str(kv->element[i + 1]));
	}
	am_buf_addc(&v->line, '}');
	am_view_close(v);
	v->shown++;
}

static void
on_entries(struct view *v, struct am_batch *b)
{
	void (*print)(struct view *, const redisReply *) = v->own;
	const redisReply *r = am_batch_reply(b, 0);

	for (size_t i = 0; r != NULL && i < r->elements; i++)
		if (r->element[i]->elements == 2)
			print(v, r->element[i]);
	am_view_next_shard(v);
}

static void
ask_entries(struct view *v)
{
	const struct am_keys *keys = am_store_keys(v->shard->store);
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "XREVRANGE");
	am_arg(b, strncmp(v->verb->name, "dead", 4) == 0 ? keys->dead
							 : keys->rejects);
	am_arg(b, "+");
	am_arg(b, "-");
	if (v->limit != 0) {
		am_arg(b, "COUNT");
		am_argi(b, (int64_t)v->limit);
	}
	am_view_send(v, b, on_entries);
}

void
am_verb_dead_list(struct view *v)
{
	v->limit = am_view_limit(v, LIST_DEFAULT);
	v->own = (void *)print_letter;
	am_view_walk(v, ask_entries, NULL);
}

void
am_verb_rejects_list(struct view *v)
{
	v->limit = am_view_limit(v, LIST_DEFAULT);
	v->own = (void *)print_reject;
	am_view_walk(v, ask_entries, NULL);
}
