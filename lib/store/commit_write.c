/*
 * commit_write - what a turn writes, as few commands (layer: store).
 *
 * Commands that stand for themselves (a feed entry, a letter to the dead) go
 * into the batch at once; what Redis takes in one variadic command is collected
 * by name and written when the commit is sent. What leaves is written last, so
 * it leaves whatever else the same turn wrote.
 */
#include "store/commit_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "store/clock.h"

static struct am_written *
unit_of(struct am_commit *c, struct am_str id)
{
	return am_table_get(c, &c->units, id, (struct am_str){ NULL, 0 },
	    sizeof(struct am_written));
}

static struct am_outbox *
outbox_of(struct am_commit *c, struct am_str name)
{
	return am_table_get(c, &c->outboxes, name, (struct am_str){ NULL, 0 },
	    sizeof(struct am_outbox));
}

static struct am_str
key(struct am_commit *c, const char *kind, struct am_str name)
{
	return am_key(&c->s->keys, &c->arena, kind, name);
}

static struct am_str
number(struct am_commit *c, am_ms at)
{
	char *p;
	int n;

	if (at == AM_NEVER)
		return AM_STR("+inf");
	p = am_arena_alloc(&c->arena, 24);
	n = snprintf(p, 24, "%" PRId64, at);
	return (struct am_str){ p, (size_t)n };
}

static struct am_str
fu_text(struct am_commit *c, const uint8_t id[16])
{
	char *p = am_arena_alloc(&c->arena, AM_FU_ID_LEN + 1);

	am_fu_id_format(id, p);
	return (struct am_str){ p, AM_FU_ID_LEN };
}

struct am_batch *
am_commit_raw(struct am_commit *c)
{
	return c->b;
}

void
am_commit_must_go_on(struct am_commit *c)
{
	c->must_go_on = true;
}

void
am_commit_cursor(struct am_commit *c, struct am_str entry_id, uint64_t applied)
{
	snprintf(c->cursor, sizeof c->cursor, "%.*s", AM_ARG(entry_id));
	c->applied += applied;
}

void
am_commit_trim(struct am_commit *c, am_ms now)
{
	c->trim = true;
	c->trim_now = now;
}

void
am_commit_loop(struct am_commit *c, const struct am_loopdef *def)
{
	am_cmd(c->b, "SET");
	am_args(c->b, key(c, "loop", am_str_c(def->ref)));
	am_args(c->b, def->text);
	am_arg(c->b, "NX");
}

void
am_commit_park(struct am_commit *c, struct am_str complaint, const char *reason)
{
	struct am_buf line;

	unit_of(c, complaint)->parked = true;
	am_cmd(c->b, "SADD");
	am_arg(c->b, c->s->keys.parked);
	am_args(c->b, complaint);
	am_buf_arena(&line, &c->arena, 96);
	am_buf_addc(&line, '{');
	am_buf_addki(&line, "now", c->at);
	am_buf_adds(&line, ",\"do\":[{\"n\":\"complaint.parked\"");
	am_buf_addkv(&line, "reason", am_str_c(reason));
	am_buf_adds(&line, "}]}");
	xadd(c, c->s->keys.feed);
	args2(c->b, "complaint", complaint);
	args2(c->b, "line", am_buf_str(&line));
	c->feeds = true;
}

void
am_commit_say(struct am_commit *c, const char *note,
    const struct am_pair *pairs, size_t n)
{
	struct am_buf line;

	am_buf_arena(&line, &c->arena, 160);
	am_buf_addc(&line, '{');
	am_buf_addki(&line, "now", c->at);
	am_buf_adds(&line, ",\"do\":[{");
	am_buf_addkv(&line, "n", am_str_c(note));
	for (size_t i = 0; i < n; i++) {
		am_buf_addc(&line, ',');
		am_buf_addjson(&line, pairs[i].key);
		am_buf_addc(&line, ':');
		am_buf_addjson(&line, pairs[i].value);
	}
	am_buf_adds(&line, "}]}");
	xadd(c, c->s->keys.feed);
	args2(c->b, "line", am_buf_str(&line));
	c->feeds = true;
}

/* ---- outboxes ---- */

static struct am_str
fu_row(struct am_commit *c, const struct am_fu_record *f)
{
	struct am_buf row;

	am_buf_arena(&row, &c->arena, 256 + f->body.n);
	am_fu_record_pack(f, &row);
	return am_buf_str(&row);
}

/* Where a follow-up stands. */
static struct am_str
out_of(struct am_commit *c, struct am_str endpoint, uint8_t in_class)
{
	return am_out_name(&c->arena, endpoint, in_class);
}

static void
fu_score(struct am_commit *c, struct am_str outbox, struct am_str id, am_ms at)
{
	struct am_outbox *o = outbox_of(c, outbox);

	am_slice_add(c, &o->add, number(c, at));
	am_slice_add(c, &o->add, id);
}

static void
fu_leave(struct am_commit *c, struct am_str outbox, struct am_str id)
{
	am_slice_add(c, &outbox_of(c, outbox)->rem, id);
	am_slice_add(c, &c->dels, key(c, "fu", id));
}

void
am_commit_fu_set(struct am_commit *c, const struct am_fu_record *f, am_ms score)
{
	struct am_str id = fu_text(c, f->id);

	am_slice_add(c, &c->sets, key(c, "fu", id));
	am_slice_add(c, &c->sets, fu_row(c, f));
	if (score != AM_FU_BEHIND)
		fu_score(c, out_of(c, f->endpoint, f->class), id, score);
}

void
am_commit_fu_score(
    struct am_commit *c, struct am_str outbox, struct am_str id, am_ms score)
{
	if (score == AM_FU_BEHIND)
		am_slice_add(c, &outbox_of(c, outbox)->rem, id);
	else
		fu_score(c, outbox, id, score);
}

void
am_commit_fu_end(struct am_commit *c, const struct am_fu_record *f)
{
	fu_leave(c, out_of(c, f->endpoint, f->class), fu_text(c, f->id));
}

void
am_commit_fu_letter(
    struct am_commit *c, const struct am_fu_record *f, const char *reason)
{
	const struct am_attempt *last =
	    f->attempts_n > 0 ? &f->attempts[f->attempts_n - 1] : NULL;
	struct am_str none = { NULL, 0 };
	struct am_fu_record row = *f;
	struct am_letter *letter = am_arena_alloc(&c->arena, sizeof(*letter));

	*letter = (struct am_letter){ c->letters, *f, reason };
	c->letters = letter;
	row.body = none; /* a field of its own, for whoever reads the letter */
	row.digest = none;
	xadd(c, c->s->keys.dead);
	args2(c->b, "id", fu_text(c, f->id));
	args2(c->b, "complaint", f->complaint);
	args2(c->b, "endpoint", f->endpoint);
	args2(c->b, "reason", am_str_c(reason));
	args2i(c->b, "at", c->at);
	args2i(c->b, "attempts", f->attempts_total);
	args2i(c->b, "status", last != NULL ? last->status : 0);
	args2(c->b, "error", last != NULL ? last->error : none);
	args2(c->b, "record", fu_row(c, &row));
	args2(c->b, "body", f->body);
}

const struct am_letter *
am_commit_letters(const struct am_commit *c)
{
	return c->letters;
}

void
am_commit_fu_dead(
    struct am_commit *c, const struct am_fu_record *f, const char *reason)
{
	am_commit_fu_letter(c, f, reason);
	fu_leave(c, out_of(c, f->endpoint, f->class), fu_text(c, f->id));
}

/* ---- one step ---- */

/* Quiet hours hold it back from its first try on. */
static am_ms
first_try(const struct am_followup *f)
{
	return f->not_before > f->fired_at ? f->not_before : f->fired_at;
}

static void
add_followup(struct am_commit *c, const struct am_complaint *next,
    const struct am_followup *f, uint8_t tier, struct am_str trace_id)
{
	struct am_fu_record r = {
		.complaint = next->id,
		.endpoint = f->endpoint,
		.rung_name = f->rung_name,
		.clock = f->clock,
		.rung = f->rung,
		.entry = f->entry,
		.cycle = f->cycle,
		.reason = (uint8_t)f->reason,
		.to = (uint8_t)f->to,
		.tier = tier,
		.class = f->class,
		.due_at = f->due_at,
		.fired_at = f->fired_at,
		.next_at = first_try(f),
		.trace_id = trace_id,
		.catchup = f->catchup,
		.group = f->group,
		.body = f->body,
	};
	struct am_str id = fu_text(c, f->id);

	memcpy(r.id, f->id, sizeof r.id);
	if (f->dead) {
		am_commit_fu_letter(c, &r, f->dead_reason);
		return;
	}
	am_slice_add(c, &c->sets, key(c, "fu", id));
	am_slice_add(c, &c->sets, fu_row(c, &r));
	if (f->queued)
		fu_score(c, out_of(c, f->endpoint, f->class), id, r.next_at);
}

static void
add_change(struct am_commit *c, const struct am_fu_change *f)
{
	struct am_str id = fu_text(c, f->id);
	struct am_str out = out_of(c, f->endpoint, f->class);

	if (f->release)
		fu_score(c, out, id, f->at);
	else
		fu_leave(c, out, id);
}

/* An event for another complaint takes the way of all events. */
static void
add_emit(struct am_commit *c, const struct am_emit *e)
{
	xadd(c, c->s->keys.stream);
	args2(c->b, "event", am_str_c(am_event_spec(e->type)->name));
	args2(c->b, "complaint_id", e->complaint_id);
	args2(c->b, "event_id", e->event_id);
	args2(c->b, "source", AM_STR("amends"));
	for (size_t i = 0; i < e->pairs_n; i++) {
		am_args(c->b, e->pairs[i].key);
		am_args(c->b, e->pairs[i].value);
	}
}

/*
 * The feed: one entry a journal line, and in it the line itself, which names
 * its seq, its version and every transition in `do`; the loop is in the first
 * one. Rejected: an entry a transition; at 2.8 us each they were half of what
 * an event cost Redis.
 */
static void
add_feed(
    struct am_commit *c, const struct am_complaint *next, struct am_str line)
{
	xadd(c, c->s->keys.feed);
	args2(c->b, "complaint", next->id);
	args2i(c->b, "cycle", next->cycle);
	args2(c->b, "line", line);
	c->feeds = true;
}

static void
add_state(struct am_commit *c, const struct am_update *up)
{
	struct am_written *u = unit_of(c, up->next.id);
	struct am_buf record;

	if (up->forget) {
		u->forget = true;
		return;
	}
	am_buf_arena(&record, &c->arena, 256);
	am_record_pack(&up->next, &record);
	u->record = am_buf_str(&record);
	u->wake = up->wake_at;
	u->write = true;
	u->move = u->move || !up->wake_same;
	if (up->line.n > 0) {
		am_slice_add(c, &u->lines, up->line);
		add_feed(c, &up->next, up->line);
	}
}

void
am_commit_update(struct am_commit *c, const struct am_complaint *before,
    const struct am_update *up, uint8_t tier, struct am_str trace_id)
{
	(void)before;
	for (const struct am_tally *t = up->tallies; t != NULL; t = t->next) {
		struct am_count *n = am_table_get(c, &c->counts,
		    am_str_c(t->day), am_str_c(t->field), sizeof *n);

		n->delta += t->delta;
	}
	if (up->verdict == AM_DUPLICATE || up->verdict == AM_REJECTED ||
	    (up->next.status == AM_NONE && !up->forget))
		return;
	add_state(c, up);
	for (const struct am_followup *f = up->followups; f != NULL;
	     f = f->next)
		add_followup(c, &up->next, f, tier, trace_id);
	for (const struct am_fu_change *f = up->changes; f != NULL; f = f->next)
		add_change(c, f);
	for (const struct am_emit *e = up->emits; e != NULL; e = e->next)
		add_emit(c, e);
	if (up->erase)
		am_commit_erase(c, up->next.id);
}

/* ---- what was collected, as commands ---- */

/* Values in one command: the script's form of a commit (commit_script.c) takes
 * some 8000. */
#define VALUES_MAX 4096

static void
begin(struct am_commit *c, const char *cmd, struct am_str name)
{
	am_cmd(c->b, cmd);
	if (name.n > 0)
		am_args(c->b, name);
}

/* One command, or as many as it takes. */
static void
put_slices(struct am_commit *c, const char *cmd, struct am_str name,
    const struct am_slices *l)
{
	size_t n = 0;

	for (const struct am_slice *e = l->first; e != NULL; e = e->next) {
		if (n++ % VALUES_MAX == 0)
			begin(c, cmd, name);
		am_args(c->b, e->s);
	}
}

static struct am_written *
written_first(const struct am_commit *c)
{
	return (struct am_written *)c->units.first;
}

static struct am_written *
written_next(const struct am_written *u)
{
	return (struct am_written *)u->item.next;
}

static void
write_records(struct am_commit *c)
{
	for (struct am_written *u = written_first(c); u != NULL;
	     u = written_next(u)) {
		if (!u->write || u->forget)
			continue;
		am_slice_add(c, &c->sets, key(c, "c", u->item.a));
		am_slice_add(c, &c->sets, u->record);
	}
	put_slices(c, "MSET", AM_STR(""), &c->sets);
}

static void
write_wakes(struct am_commit *c)
{
	size_t n = 0;

	for (struct am_written *u = written_first(c); u != NULL;
	     u = written_next(u)) {
		if (!u->move || u->forget || u->parked)
			continue;
		if (n++ % (VALUES_MAX / 2) == 0)
			begin(c, "ZADD", am_str_c(c->s->keys.wake));
		am_args(c->b, number(c, u->wake));
		am_args(c->b, u->item.a);
	}
}

static void
write_lines(struct am_commit *c)
{
	for (struct am_written *u = written_first(c); u != NULL;
	     u = written_next(u)) {
		if (u->lines.n == 0 || u->forget)
			continue;
		put_slices(c, "RPUSH", key(c, "log", u->item.a), &u->lines);
	}
}

static void
write_counts(struct am_commit *c)
{
	for (struct am_count *n = (struct am_count *)c->counts.first; n != NULL;
	     n = (struct am_count *)n->item.next) {
		if (n->delta == 0)
			continue;
		am_cmd(c->b, "HINCRBY");
		if (n->item.a.n == 0)
			am_arg(c->b, c->s->keys.tally);
		else
			am_args(c->b, key(c, "kpi", n->item.a));
		am_args(c->b, n->item.b);
		am_argi(c->b, n->delta);
	}
}

static bool
out_known(const struct am_store *s, struct am_str name)
{
	for (size_t i = 0; i < s->outs_n; i++)
		if (am_str_eq(s->outs[i], name))
			return true;
	return false;
}

static void
write_outboxes(struct am_commit *c)
{
	struct am_outbox *o;
	size_t news = 0;

	for (o = (struct am_outbox *)c->outboxes.first; o != NULL;
	     o = (struct am_outbox *)o->item.next) {
		if (o->add.n == 0)
			continue;
		put_slices(c, "ZADD", key(c, "out", o->item.a), &o->add);
		news += !out_known(c->s, o->item.a);
	}
	if (news > 0) {
		am_cmd(c->b, "SADD");
		am_arg(c->b, c->s->keys.outs);
		for (o = (struct am_outbox *)c->outboxes.first; o != NULL;
		     o = (struct am_outbox *)o->item.next)
			if (o->add.n > 0 && !out_known(c->s, o->item.a))
				am_args(c->b, o->item.a);
	}
	for (o = (struct am_outbox *)c->outboxes.first; o != NULL;
	     o = (struct am_outbox *)o->item.next)
		put_slices(c, "ZREM", key(c, "out", o->item.a), &o->rem);
}

void
am_commit_learn(struct am_commit *c)
{
	struct am_store *s = c->s;
	struct am_outbox *o;

	for (o = (struct am_outbox *)c->outboxes.first; o != NULL;
	     o = (struct am_outbox *)o->item.next) {
		if (o->add.n == 0 || out_known(s, o->item.a))
			continue;
		if (s->outs_n == s->outs_cap) {
			s->outs_cap = s->outs_cap == 0 ? 8 : s->outs_cap * 2;
			s->outs =
			    realloc(s->outs, s->outs_cap * sizeof *s->outs);
			AM_ASSERT(s->outs != NULL);
		}
		s->outs[s->outs_n++] = am_arena_dup(&s->outs_arena, o->item.a);
	}
}

static void
write_leaving(struct am_commit *c)
{
	size_t gone = 0;

	for (struct am_written *u = written_first(c); u != NULL;
	     u = written_next(u)) {
		if (u->forget) {
			am_slice_add(c, &c->dels, key(c, "c", u->item.a));
			am_slice_add(c, &c->dels, key(c, "pii", u->item.a));
			am_slice_add(c, &c->dels, key(c, "log", u->item.a));
		}
		if (!u->forget && !u->parked)
			continue;
		if (gone++ % VALUES_MAX == 0)
			begin(c, "ZREM", am_str_c(c->s->keys.wake));
		am_args(c->b, u->item.a);
	}
	put_slices(c, "DEL", AM_STR(""), &c->dels);
}

static void
write_cursor(struct am_commit *c)
{
	const struct am_store *s = c->s;
	struct am_batch *b = c->b;

	c->next = s->cursor;
	c->next.applied += c->applied;
	c->next.commit++;
	if (c->cursor[0] != '\0')
		memcpy(c->next.id, c->cursor, sizeof c->next.id);
	c->number = c->next.commit;
	am_cmd(b, "HSET");
	am_arg(b, s->keys.cursor);
	args2(b, "id", am_str_c(c->next.id));
	args2i(b, "applied", (int64_t)c->next.applied);
	args2i(b, "lost", (int64_t)c->next.lost);
	args2i(b, "base", s->entries_base);
	args2i(b, "commit", (int64_t)c->next.commit);
	if (c->cursor[0] == '\0')
		return;
	am_cmd(b, "XGROUP");
	am_arg(b, "SETID");
	c->group_at = am_batch_cmds(b) - 1;
	am_arg(b, s->keys.stream);
	am_arg(b, s->opts.group);
	am_arg(b, c->next.id);
	am_arg(b, "ENTRIESREAD");
	am_argi(b, s->entries_base + (int64_t)(c->next.applied + c->next.lost));
}

/* To the entry: what may not be kept must not wait for a node to fill. */
static void
write_trim(struct am_commit *c, const char *stream, const char *min)
{
	am_cmd(c->b, "XTRIM");
	am_arg(c->b, stream);
	am_arg(c->b, "MINID");
	am_arg(c->b, min);
}

/* Never past the cursor, whatever the clock says. */
static void
write_trims(struct am_commit *c)
{
	const struct am_store *s = c->s;
	am_ms keep = c->trim_now - s->opts.keep_events;
	char min[AM_SID_MAX];

	if (c->feeds) {
		am_cmd(c->b, "XTRIM");
		am_arg(c->b, s->keys.feed);
		am_arg(c->b, "MAXLEN");
		am_arg(c->b, "~");
		am_argi(c->b, (int64_t)s->opts.feed_max);
	}
	if (!c->trim || keep <= 0)
		return;
	snprintf(min, sizeof min, "%" PRId64 "-0", keep);
	if (am_sid_cmp(min, c->next.id) > 0)
		memcpy(min, c->next.id, sizeof min);
	write_trim(c, s->keys.stream, min);
	snprintf(min, sizeof min, "%" PRId64 "-0",
	    c->trim_now - s->opts.keep_rejects);
	if (s->opts.keep_rejects > 0 && c->trim_now > s->opts.keep_rejects)
		write_trim(c, s->keys.rejects, min);
}

static size_t
ask_first(struct am_commit *c, struct am_str zset)
{
	am_cmd(c->b, "ZRANGE");
	am_args(c->b, zset);
	am_arg(c->b, "0");
	am_arg(c->b, "0");
	am_arg(c->b, "WITHSCORES");
	return am_batch_cmds(c->b) - 1;
}

void
am_commit_write(struct am_commit *c)
{
	struct am_outbox *o;

	write_records(c);
	write_wakes(c);
	write_lines(c);
	write_counts(c);
	write_outboxes(c);
	write_leaving(c);
	write_cursor(c);
	write_trims(c);
	if (c->ask_wake)
		c->wake_ask = ask_first(c, am_str_c(c->s->keys.wake));
	for (o = (struct am_outbox *)c->outboxes.first; o != NULL;
	     o = (struct am_outbox *)o->item.next)
		if (o->ask != 0)
			o->ask = ask_first(c, key(c, "out", o->item.a));
	am_cmd(c->b, "EXEC");
	c->exec = am_batch_cmds(c->b) - 1;
	am_batch_seal(c->b);
}

void
am_commit_ask_wake(struct am_commit *c)
{
	c->ask_wake = true;
}

void
am_commit_ask_out(struct am_commit *c, const char *outbox)
{
	struct am_str name = am_arena_dup(&c->arena, am_str_c(outbox));

	outbox_of(c, name)->ask = 1;
}
