/*
 * turn_events - entries of the stream become state.
 *
 * A batch is decoded first (that needs no Redis and names the complaints),
 * then loaded, stepped and committed with the cursor. An entry that cannot be
 * applied goes to the rejects in the same commit; nothing is skipped.
 */

#include "daemon/careful.h"
#include "daemon/repeat.h"
#include "daemon/replies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/record.h"
#include "core/words.h"
#include "log/log.h"

static void
reject_as(struct am_reject *why, const char *code, const char *text)
{
	*why = (struct am_reject){ .code = code };
	snprintf(why->text, sizeof(why->text), "%s", text);
}

static void
reject_entry(struct am_turn *t, size_t i, const struct am_reject *why)
{
	const struct am_entry *e = &t->entries[i];

	t->counts.rejected++;
	am_commit_reject(t->commit, e, why);
	am_log_warn("event_rejected", "entry=%.*s shard=%s code=%s field=%s",
	    AM_ARG(e->id), t->sh->stream, why->code, am_log_val(why->field));
}

/* A conf loop that this shard has not kept in Redis yet. */
static void
keep_loop(struct am_turn *t, const struct am_loopdef *def)
{
	for (size_t i = 0; i < t->kept_n; i++)
		if (t->kept[i] == def)
			return;
	for (size_t i = 0; i < t->sh->kept_n; i++)
		if (strcmp(t->sh->kept[i], def->ref) == 0)
			return;
	if (t->kept == NULL)
		t->kept = am_arena_alloc(
		    &t->arena, t->sh->engine->conf->loops_n * sizeof(*t->kept));
	am_commit_loop(t->commit, def);
	t->kept[t->kept_n++] = def;
}

static const struct am_loopdef *
unknown_loop(struct am_reject *why, const char *text)
{
	reject_as(why, "unknown_loop", text);
	why->field = AM_STR("loop");
	return NULL;
}

/* The field with that value, whatever it was, or without it. */
void
am_turn_set_field(struct am_turn *t, struct am_event *ev, const char *name,
    struct am_str value)
{
	struct am_pair *fields =
	    am_arena_alloc(&t->arena, (ev->fields_n + 1) * sizeof(*fields));
	size_t n = 0;

	for (size_t i = 0; i < ev->fields_n; i++) {
		if (!am_str_is(ev->fields[i].key, name))
			fields[n++] = ev->fields[i];
	}
	if (value.n > 0)
		fields[n++] = (struct am_pair){ am_str_c(name), value };
	ev->fields = fields;
	ev->fields_n = n;
}

/* Which loop an opening gets (design 7.1): the one that it names, else the one
 * of the first route that fits, else `complaint`, else the only one. */
static const struct am_loopdef *
choose_loop(struct am_turn *t, struct am_event *ev, struct am_reject *why)
{
	const struct am_conf *conf = t->sh->engine->conf;
	struct am_str name = am_event_get(ev, "loop");
	const struct am_conf_route *route;
	const struct am_loopdef *def;

	if (name.n != 0) {
		def = am_conf_loop(conf, name);
		return def != NULL ? def
				   : unknown_loop(why,
					 "no loop of this name; leave the "
					 "field out or name one of the "
					 "configuration");
	}
	route = am_conf_route(conf, ev);
	if (route != NULL) {
		if (route->open_as != NULL)
			am_turn_set_field(
			    t, ev, "tier", am_str_c(route->open_as));
		return route->loop;
	}
	def = am_conf_loop(conf, AM_STR("complaint"));
	if (def == NULL && conf->loops_n == 1)
		def = conf->loops[0];
	return def != NULL
		   ? def
		   : unknown_loop(why,
			 "no loop named complaint; say which in the field "
			 "loop");
}

/* An opening's fields, and what a later event says of the customer, stand
 * under their own names; the rest of a later event under its id. */
static struct am_str
personal_name(struct am_turn *t, const struct am_event *ev, struct am_str key)
{
	if (ev->type == AM_EV_OPENED ||
	    (ev->type == AM_EV_UPDATED && am_str_prefix(key, "customer.")))
		return key;
	return am_str_c(am_arena_printf(
	    &t->arena, "%.*s:%.*s", AM_ARG(ev->event_id), AM_ARG(key)));
}

/* Personal fields of an event that was applied. Behind an erasure, and of it,
 * nothing is kept. */
void
am_turn_keep_personal(
    struct am_turn *t, const struct am_case *c, const struct am_event *ev)
{
	struct am_pair *pairs;
	size_t n = 0;

	if (ev->type == AM_EV_ERASED || (c->cur.flags & AM_CF_ERASED) != 0)
		return;
	pairs = am_arena_alloc(&t->arena, ev->fields_n * sizeof(*pairs) + 1);
	for (size_t i = 0; i < ev->fields_n; i++) {
		const struct am_pair *f = &ev->fields[i];

		if (am_event_field_class(ev, f->key) != AM_FIELD_PERSONAL)
			continue;
		pairs[n] = *f;
		pairs[n++].key = personal_name(t, ev, f->key);
	}
	if (n != 0)
		am_commit_pii(t->commit, ev->complaint_id, pairs, n);
}

/* What goes on from another complaint without a word of who complains has its
 * personal data, unless they were erased. */
static void
borrow_personal(struct am_turn *t, const struct am_event *ev)
{
	const struct am_case *from;

	if (!am_repeat_borrows(ev))
		return;
	from = am_turn_case(t, am_event_get(ev, "repeat_of"));
	if (from->exists && from->unusable == NULL &&
	    (from->cur.flags & AM_CF_ERASED) == 0)
		am_commit_pii_copy(t->commit, from->id, ev->complaint_id);
}

/* Its loop and what it repeats; false when it was rejected. */
static bool
begin_opening(struct am_turn *t, size_t i, struct am_case *c)
{
	struct am_event *ev = &t->events[i];
	struct am_reject why;
	struct am_str earlier;

	if (ev->type != AM_EV_OPENED) {
		reject_as(&why, "unknown_complaint",
		    "no such complaint; send complaint.opened first, then "
		    "replay this one");
		why.field = AM_STR("complaint_id");
		reject_entry(t, i, &why);
		return false;
	}
	c->def = choose_loop(t, ev, &why);
	if (c->def == NULL) {
		reject_entry(t, i, &why);
		return false;
	}
	keep_loop(t, c->def);
	if (am_event_get(ev, "repeat_of").n == 0) {
		earlier = am_repeat_of(t, i, c->def);
		if (earlier.n != 0)
			am_turn_set_field(t, ev, "repeat_of", earlier);
	}
	return true;
}

/* ---- a provider says that what waits for its next try has failed ---- */

static bool
gives_up(const struct am_turn *t, size_t i)
{
	const struct am_event *ev = &t->events[i];
	uint8_t id[16];

	return t->rejects[i] == NULL && ev->type == AM_EV_RECEIPT &&
	       am_str_is(am_event_get(ev, "state"), "failed") &&
	       am_fu_id_parse(am_event_get(ev, "followup_id"), id) == 0;
}

/* Its row goes with the letter. */
static void
ask_given_up(struct am_turn *t, struct am_batch *b)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);

	for (size_t i = 0; i < t->entries_n; i++) {
		if (!gives_up(t, i))
			continue;
		if (t->row_at == NULL)
			t->row_at = am_arena_zalloc(
			    &t->arena, t->entries_n * sizeof(*t->row_at));
		am_cmd(b, "GET");
		am_args(b, am_key(keys, &t->arena, "fu",
			       am_event_get(&t->events[i], "followup_id")));
		t->row_at[i] = am_batch_cmds(b) - 1;
		t->rows_in = b;
	}
}

static void
write_letters(struct am_turn *t, size_t i, const struct am_update *up)
{
	struct am_fu_record row;
	struct am_str id;

	if (!gives_up(t, i))
		return;
	id = am_event_get(&t->events[i], "followup_id");
	for (const struct am_fu_change *f = up->changes; f != NULL;
	     f = f->next) {
		if (f->release || strcmp(f->state, "dead") != 0)
			continue;
		if (am_fu_record_unpack(id,
			am_reply_str(am_batch_reply(t->rows_in, t->row_at[i])),
			&t->arena, &row) != 0) {
			row = (struct am_fu_record){ .complaint = up->next.id,
				.endpoint = f->endpoint };
			memcpy(row.id, f->id, sizeof(row.id));
		}
		am_commit_fu_letter(t->commit, &row, f->reason);
	}
}

/* One decoded event. */
static void
apply(struct am_turn *t, size_t i)
{
	struct am_event *ev = &t->events[i];
	struct am_reject why;
	struct am_update *up;
	struct am_case *c;
	bool opens;

	if (!am_reply_resolve(t, i))
		return;
	c = am_turn_case(t, ev->complaint_id);
	opens = !c->exists;
	if (opens && !begin_opening(t, i, c))
		return;
	if (c->def != NULL)
		ev->negative = am_event_negative(c->def, ev);
	up = am_turn_step(t, c, ev);
	am_reply_stepped(t, i, up);
	if (up == NULL) {
		reject_as(&why, "parked",
		    "the complaint is parked; see its reason, then replay");
		reject_entry(t, i, &why);
		return;
	}
	if (up->verdict == AM_REJECTED) {
		t->counts.rejected--; /* reject_entry counts it */
		reject_entry(t, i, &up->reject);
		return;
	}
	if (up->verdict == AM_DUPLICATE)
		return;
	write_letters(t, i, up);
	if (opens && up->verdict == AM_APPLIED) {
		borrow_personal(t, ev);
		am_repeat_note(t, i);
	}
	am_turn_keep_personal(t, c, ev);
}

static void
run_events(struct am_turn *t)
{
	for (size_t i = 0; i < t->entries_n; i++) {
		if (t->rejects[i] != NULL)
			reject_entry(t, i, t->rejects[i]);
		else
			apply(t, i);
	}
	am_repeat_write(t);
	am_careful_done(t);
	am_commit_cursor(
	    t->commit, t->entries[t->entries_n - 1].id, t->entries_n);
	am_turn_commit_send(t);
}

static void
events_done(struct am_turn *t, int rc)
{
	struct am_shard *sh = t->sh;

	if (rc != 0 || t->unit != NULL) /* read again from the cursor */
		am_store_rewind(sh->store);
	if (rc != 0)
		return;
	am_careful_passed(t);
	am_repeat_written(t);
	for (size_t i = 0; i < t->kept_n; i++) {
		sh->kept =
		    realloc(sh->kept, (sh->kept_n + 1) * sizeof(*sh->kept));
		AM_ASSERT(sh->kept != NULL);
		sh->kept[sh->kept_n++] = t->kept[i]->ref;
	}
}

static void
decode(struct am_turn *t)
{
	const struct am_conf *conf = t->sh->engine->conf;
	const struct am_decode_opts opts = {
		.now = t->now,
		.max_skew = conf->max_skew,
		.trust_event_time = conf->trust_event_time,
	};

	t->events =
	    am_arena_zalloc(&t->arena, t->entries_n * sizeof(*t->events));
	t->rejects =
	    am_arena_zalloc(&t->arena, t->entries_n * sizeof(*t->rejects));
	for (size_t i = 0; i < t->entries_n; i++) {
		const struct am_entry *e = &t->entries[i];
		struct am_reject *why =
		    am_arena_zalloc(&t->arena, sizeof(*why));

		if (am_event_decode(e->id, e->fields, e->n, &opts, &t->arena,
			&t->events[i], why) != 0) {
			t->rejects[i] = why;
			continue;
		}
		if (t->events[i].complaint_id.n != 0)
			(void)am_turn_case(t, t->events[i].complaint_id);
		if (am_repeat_borrows(&t->events[i]))
			(void)am_turn_case(
			    t, am_event_get(&t->events[i], "repeat_of"));
	}
}

/* What was decoded names what is loaded. */
static void
load(struct am_turn *t, struct am_batch *b)
{
	if (b == NULL)
		b = am_turn_more(t->sh->store);
	am_repeat_ask(t, b);
	ask_given_up(t, b);
	if (am_batch_cmds(b) == 0 && t->cases_n == 0) { /* nobody's, all */
		am_batch_free(b);
		b = NULL;
	}
	am_turn_load_cases(t, b);
}

static void
on_learnt(struct am_turn *t)
{
	load(t, NULL);
}

static void
learn(struct am_turn *t, struct am_batch *b)
{
	if (!am_repeat_learn(t, b, on_learnt))
		load(t, b);
}

static void
on_found(struct am_turn *t)
{
	learn(t, am_turn_more(t->sh->store));
}

static void
begin(struct am_turn *t, struct am_batch *b)
{
	decode(t);
	if (!am_replies_find(t, b, on_found))
		learn(t, b);
}

static void
set_aside(struct am_turn *t)
{
	struct am_reject *why = am_arena_zalloc(&t->arena, sizeof(*why));

	reject_as(why, "poison",
	    "the daemon died three times while it worked on this; it is not "
	    "tried again unless it is replayed");
	t->events = am_arena_zalloc(&t->arena, sizeof(*t->events));
	t->rejects = am_arena_zalloc(&t->arena, sizeof(*t->rejects));
	t->rejects[0] = why;
}

static void
on_tried(struct am_turn *t)
{
	if (am_careful_poison(t)) {
		set_aside(t);
		am_turn_load_cases(t, NULL);
	} else {
		begin(t, am_turn_more(t->sh->store));
	}
}

/* The first entry alone; the rest is read again. */
static void
one_entry(struct am_turn *t, struct am_batch *b)
{
	t->entries_n = 1;
	am_careful_count(t, b,
	    am_arena_printf(&t->arena, "e:%.*s", AM_ARG(t->entries[0].id)),
	    on_tried);
}

bool
am_turn_events(struct am_shard *sh)
{
	const struct am_entry *entries;
	struct am_batch *hold, *b;
	size_t n;

	if (!sh->entries || sh->engine->stopping || am_paused_events(sh))
		return false;
	n = am_store_take(sh->store, &entries, &hold);
	if (n == 0) {
		sh->entries = false;
		return false;
	}
	b = am_turn_open_as(sh, AM_TURN_EVENTS, run_events, events_done);
	sh->turn->held[sh->turn->held_n++] = hold;
	sh->turn->entries = entries;
	sh->turn->entries_n = n;
	if (am_careful(sh))
		one_entry(sh->turn, b);
	else
		begin(sh->turn, b);
	return true;
}
