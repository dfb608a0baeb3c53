/*
 * erase - see erase.h.
 *
 * One complaint at a time: its data and the keys of the indexes by a query,
 * what changes facts by a turn, streams page by page by queries. Streams are
 * outside of the fence: an entry that was applied, a reject and a letter are
 * deleted by their ids, and a deposed owner deletes nothing that its successor
 * would keep.
 */

#include "daemon/erase.h"

#include <stdlib.h>
#include <string.h>

#include "base/reach.h"
#include "base/str.h"
#include "codec/record.h"
#include "daemon/contact.h"
#include "daemon/erase_match.h"
#include "daemon/repeat.h"
#include "daemon/view.h"

#define PAGE 256
#define TRIM_EVERY (10 * AM_MINUTE)
#define AGAIN                                                                  \
	{                                                                      \
		.tv_sec = 1                                                    \
	} /* after Redis did not answer */

/* In the order in which they are swept. */
enum store { ENTRIES, REJECTS, LETTERS, STORES_N };

struct am_erasures {
	struct am_shard *sh;
	struct event *timer;
	bool busy, again;
	struct am_erase_wait *waits;
	/* the complaint at hand */
	struct am_arena arena;
	struct am_str *ids;
	size_t ids_n, at;
	struct am_pair *personal;
	size_t personal_n;
	struct am_str *addresses; /* as given, and as they are dialled */
	size_t addresses_n;
	struct am_str category;
	am_ms opened_at;
	struct am_shard *where; /* whose streams are swept */
	size_t where_i;		/* the next of the engine's, behind our own */
	enum store store;
	char from[64], until[64]; /* of XRANGE; from is exclusive */
	struct am_erased erased;
	struct am_op op;
	struct am_repeat_trace *trace;
	struct am_batch *asked; /* of the turn: with the facts */
	/* what leaves by its age, when nothing else is done */
	struct event *tick;
	struct am_op trim;
	bool trimming;
};

static void next_page(struct am_erasures *e);
static void next_complaint(struct am_erasures *e);

/* ---- who waits ---- */

static void
tell(struct am_erasures *e, const struct am_str *id, int rc)
{
	struct am_erase_wait **at = &e->waits, *w;

	while ((w = *at) != NULL) {
		if (id != NULL && !am_str_eq(w->id, *id)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->erased = e->erased;
		w->done(w, rc);
	}
}

void
am_erasures_wait(struct am_erasures *e, struct am_erase_wait *w)
{
	w->next = e->waits;
	e->waits = w;
	am_erasures_look(e);
}

/* ---- Redis ---- */

/* No answer, or none of ours: later, from the beginning. */
static void
put_off(struct am_erasures *e, int rc)
{
	const struct timeval again = AGAIN;

	e->busy = false;
	memset(&e->erased, 0, sizeof(e->erased));
	if (!e->sh->running || rc == -AM_EFENCED)
		tell(e, NULL, -AM_EFENCED);
	else
		evtimer_add(e->timer, &again);
}

static bool
is_lost(struct am_erasures *e, int rc, struct am_batch *b)
{
	for (size_t i = 0; rc == 0 && i < am_batch_cmds(b); i++)
		if (am_reply_is_error(am_batch_reply(b, i)))
			rc = am_reply_rc(am_batch_reply(b, i));
	if (rc == 0 && e->sh->running)
		return false;
	am_batch_free(b);
	put_off(e, rc != 0 ? rc : -AM_EFENCED);
	return true;
}

static struct am_batch *
ask(struct am_erasures *e)
{
	return am_store_query(e->sh->store);
}

static void
query(struct am_erasures *e, struct am_batch *b, am_batch_cb *cb)
{
	am_store_query_send(e->sh->store, b, cb, e);
}

static struct am_str
key(struct am_erasures *e, const char *kind, struct am_str name)
{
	return am_key(am_store_keys(e->sh->store), &e->arena, kind, name);
}

/* ---- the end of one ---- */

static void
on_gone(void *arg, int rc, struct am_batch *b)
{
	struct am_erasures *e = arg;
	struct am_str id = e->ids[e->at];

	if (is_lost(e, rc, b))
		return;
	am_batch_free(b);
	am_log_notice("erased",
	    "id=%.*s shard=%s entries=%zu rejects=%zu letters=%zu", AM_ARG(id),
	    e->sh->stream, e->erased.entries, e->erased.rejects,
	    e->erased.letters);
	tell(e, &id, 0);
	memset(&e->erased, 0, sizeof(e->erased));
	e->at++;
	next_complaint(e);
}

static void
end_complaint(struct am_erasures *e)
{
	struct am_str id = e->ids[e->at];
	struct am_batch *b = ask(e);

	am_cmd(b, "UNLINK");
	am_args(b, key(e, "erase", id));
	am_cmd(b, "SREM");
	am_arg(b, am_store_keys(e->sh->store)->erasing);
	am_args(b, id);
	query(e, b, on_gone);
}

/* ---- the streams ---- */

static const char *
store_key(const struct am_erasures *e)
{
	const struct am_keys *k = am_store_keys(e->where->store);

	return e->store == ENTRIES   ? k->stream
	       : e->store == REJECTS ? k->rejects
				     : k->dead;
}

static bool
is_of(const struct am_erasures *e, const redisReply *entry)
{
	const struct am_erase_match match = {
		.conf = e->sh->engine->conf,
		.id = e->ids[e->at],
		.addresses = e->addresses,
		.addresses_n = e->addresses_n,
		.home = e->where == e->sh,
		.rejects = e->store == REJECTS,
	};

	if (e->store == LETTERS)
		return am_str_eq(
		    am_entry_field(entry, "complaint"), e->ids[e->at]);
	return am_erase_matches(&match, entry);
}

static void
on_deleted(void *arg, int rc, struct am_batch *b)
{
	struct am_erasures *e = arg;

	if (is_lost(e, rc, b))
		return;
	am_batch_free(b);
	next_page(e);
}

static size_t *
count_of(struct am_erasures *e)
{
	return e->store == ENTRIES   ? &e->erased.entries
	       : e->store == REJECTS ? &e->erased.rejects
				     : &e->erased.letters;
}

static void
on_page(void *arg, int rc, struct am_batch *b)
{
	struct am_erasures *e = arg;
	const redisReply *page;
	struct am_batch *del = NULL;
	struct am_str last;

	if (is_lost(e, rc, b))
		return;
	page = am_batch_reply(b, 0);
	if (page->type != REDIS_REPLY_ARRAY || page->elements == 0) {
		am_batch_free(b);
		e->store++;
		e->from[0] = '\0';
		next_page(e);
		return;
	}
	for (size_t i = 0; i < page->elements; i++) {
		const redisReply *entry = page->element[i];

		if (entry->elements != 2 || !is_of(e, entry))
			continue;
		if (del == NULL) {
			del = ask(e);
			am_cmd(del, "XDEL");
			am_arg(del, store_key(e));
		}
		am_args(del, am_reply_str(entry->element[0]));
		++*count_of(e);
	}
	last = am_reply_str(page->element[page->elements - 1]->element[0]);
	snprintf(e->from, sizeof(e->from), "(%.*s", AM_ARG(last));
	am_batch_free(b);
	if (del != NULL)
		query(e, del, on_deleted);
	else
		next_page(e);
}

static void
sweep(struct am_erasures *e, struct am_shard *where, struct am_str until)
{
	e->where = where;
	e->store = ENTRIES;
	e->from[0] = '\0';
	snprintf(e->until, sizeof(e->until), "%.*s", AM_ARG(until));
	next_page(e);
}

static void
on_cursor(void *arg, int rc, struct am_batch *b)
{
	struct am_erasures *e = arg;
	struct am_str until;

	if (is_lost(e, rc, b))
		return;
	until = am_reply_str(am_batch_reply(b, 0));
	until = am_arena_dup(&e->arena, until.n > 0 ? until : AM_STR("0-0"));
	am_batch_free(b);
	sweep(e, e->sh->engine->shards[e->where_i++], until);
}

/* Replies and opt-outs name no complaint and were written into every stream;
 * whoever owns the others, what it has applied it does not need. */
static void
next_stream(struct am_erasures *e)
{
	const struct am_engine *engine = e->sh->engine;
	struct am_batch *b;

	if (e->where_i < engine->shards_n &&
	    engine->shards[e->where_i] == e->sh)
		e->where_i++;
	if (e->where_i == engine->shards_n || e->addresses_n == 0) {
		end_complaint(e);
		return;
	}
	b = ask(e);
	am_cmd(b, "HGET");
	am_arg(b, am_store_keys(engine->shards[e->where_i]->store)->cursor);
	am_arg(b, "id");
	query(e, b, on_cursor);
}

/* Of the stream up to what was applied when this complaint's turn came. Letters
 * are of complaints of their own shard. */
static void
next_page(struct am_erasures *e)
{
	struct am_batch *b;

	if (e->store == STORES_N ||
	    (e->store == LETTERS && e->where != e->sh)) {
		next_stream(e);
		return;
	}
	b = ask(e);
	am_cmd(b, "XRANGE");
	am_arg(b, store_key(e));
	am_arg(b, e->from[0] != '\0' ? e->from : "-");
	am_arg(b, e->store == ENTRIES ? e->until : "+");
	am_arg(b, "COUNT");
	am_argi(b, PAGE);
	query(e, b, on_page);
}

/* ---- facts about the customer ---- */

static struct am_erasures *
of_op(struct am_op *op)
{
	return (struct am_erasures *)((char *)op -
				      offsetof(struct am_erasures, op));
}

static void
load_facts(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	struct am_erasures *e = of_op(op);
	struct am_str address;

	e->asked = b;
	for (size_t i = 0; t->sh->contact_known && i < e->addresses_n; i++)
		if (am_contact_normalise(&t->arena, e->addresses[i], &address))
			(void)am_contact_ask(t, b, address);
	if (t->sh->seen_known)
		e->trace = am_repeat_trace(t, b, e->personal, e->personal_n,
		    e->category, e->opened_at);
}

static bool
forget_facts(struct am_op *op, struct am_turn *t)
{
	struct am_erasures *e = of_op(op);

	am_contact_read(t, e->asked);
	for (struct am_contact *c = t->contacts; c != NULL; c = c->next)
		am_contact_forget(t, c, e->ids[e->at]);
	if (e->trace != NULL)
		am_repeat_forget(t, e->trace, e->ids[e->at]);
	return true;
}

static void
facts_done(struct am_op *op, int rc)
{
	struct am_erasures *e = of_op(op);

	e->trace = NULL;
	if (rc != 0) {
		put_off(e, rc);
		return;
	}
	e->where_i = 0;
	sweep(e, e->sh, am_str_c(am_store_cursor(e->sh->store)->id));
}

/* ---- one complaint ---- */

static void
take_addresses(struct am_erasures *e)
{
	e->addresses_n = 0;
	e->addresses = am_arena_alloc(
	    &e->arena, (2 * e->personal_n + 1) * sizeof(*e->addresses));
	for (size_t i = 0; i < e->personal_n; i++) {
		const struct am_pair *p = &e->personal[i];
		struct am_str text;

		if (p->value.n == 0 ||
		    (!am_str_is(p->key, "customer.phone") &&
			!am_str_is(p->key, "customer.email")))
			continue;
		e->addresses[e->addresses_n++] = p->value;
		if (am_contact_normalise(&e->arena, p->value, &text) &&
		    !am_str_eq(text, p->value))
			e->addresses[e->addresses_n++] = text;
	}
}

static void
take_personal(struct am_erasures *e, const redisReply *hash)
{
	e->personal_n = 0;
	e->personal = am_arena_alloc(
	    &e->arena, (hash->elements / 2 + 1) * sizeof(*e->personal));
	for (size_t i = 0; i + 1 < hash->elements; i += 2)
		e->personal[e->personal_n++] = (struct am_pair){
			am_arena_dup(&e->arena, am_reply_str(hash->element[i])),
			am_arena_dup(
			    &e->arena, am_reply_str(hash->element[i + 1]))
		};
	take_addresses(e);
}

static void
on_data(void *arg, int rc, struct am_batch *b)
{
	struct am_erasures *e = arg;
	struct am_complaint c;

	if (is_lost(e, rc, b))
		return;
	take_personal(e, am_batch_reply(b, 0));
	e->category = AM_STR("");
	e->opened_at = am_engine_now();
	if (am_record_unpack(e->ids[e->at], am_reply_str(am_batch_reply(b, 1)),
		&e->arena, &c) == 0) {
		e->category = am_arena_dup(&e->arena, c.category);
		e->opened_at = c.opened_at;
	}
	/* a shard without the keys has nothing under them */
	(void)am_contact_learnt(e->sh, am_reply_str(am_batch_reply(b, 2)));
	(void)am_repeat_learnt(e->sh, am_reply_str(am_batch_reply(b, 3)));
	am_batch_free(b);
	e->op = (struct am_op){
		.load = load_facts, .run = forget_facts, .done = facts_done
	};
	am_shard_op(e->sh, &e->op);
}

static void
next_complaint(struct am_erasures *e)
{
	struct am_batch *b;

	if (e->at == e->ids_n) {
		e->busy = false;
		if (e->again || e->waits != NULL)
			am_erasures_look(e);
		return;
	}
	b = ask(e);
	am_cmd(b, "HGETALL");
	am_args(b, key(e, "erase", e->ids[e->at]));
	am_cmd(b, "GET");
	am_args(b, key(e, "c", e->ids[e->at]));
	am_cmd(b, "GET");
	am_args(b, key(e, "contact", AM_STR("key")));
	am_cmd(b, "GET");
	am_args(b, key(e, "seen", AM_STR("key")));
	query(e, b, on_data);
}

/* ---- which ---- */

/* Whoever waits for one that is not in the set waits no longer. */
static void
tell_others(struct am_erasures *e)
{
	struct am_erase_wait **at = &e->waits, *w;

	while ((w = *at) != NULL) {
		size_t i = 0;

		while (i < e->ids_n && !am_str_eq(e->ids[i], w->id))
			i++;
		if (i < e->ids_n) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->done(w, 0);
	}
}

static void
on_ids(void *arg, int rc, struct am_batch *b)
{
	struct am_erasures *e = arg;
	const redisReply *set;

	if (is_lost(e, rc, b))
		return;
	set = am_batch_reply(b, 0);
	am_arena_reset(&e->arena);
	e->ids_n = e->at = 0;
	e->ids =
	    am_arena_alloc(&e->arena, (set->elements + 1) * sizeof(*e->ids));
	for (size_t i = 0; i < set->elements; i++)
		e->ids[e->ids_n++] =
		    am_arena_dup(&e->arena, am_reply_str(set->element[i]));
	am_batch_free(b);
	tell_others(e);
	next_complaint(e);
}

void
am_erasures_look(struct am_erasures *e)
{
	struct am_batch *b;

	e->again = e->busy;
	if (e->busy || !e->sh->running)
		return;
	e->busy = true;
	b = ask(e);
	am_cmd(b, "SMEMBERS");
	am_arg(b, am_store_keys(e->sh->store)->erasing);
	query(e, b, on_ids);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	am_erasures_look(arg);
}

/* ---- what leaves by its age ---- */

/* An empty commit trims, as every other does. */
static bool
run_trim(struct am_op *op, struct am_turn *t)
{
	(void)op;
	(void)t;
	return true;
}

static void
trim_done(struct am_op *op, int rc)
{
	struct am_erasures *e =
	    (struct am_erasures *)((char *)op -
				   offsetof(struct am_erasures, trim));

	(void)rc; /* the next tick tries again */
	e->trimming = false;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct am_erasures *e = arg;

	(void)fd;
	(void)what;
	if (e->trimming || !e->sh->running ||
	    am_engine_now() - e->sh->trimmed_at < TRIM_EVERY / 2)
		return;
	e->trimming = true;
	e->trim = (struct am_op){ .run = run_trim, .done = trim_done };
	am_shard_op(e->sh, &e->trim);
}

struct am_erasures *
am_erasures_new(struct am_shard *sh)
{
	const struct timeval every = { .tv_sec = TRIM_EVERY / AM_SECOND };
	struct am_erasures *e = calloc(1, sizeof(*e));

	AM_ASSERT(e != NULL);
	e->sh = sh;
	e->tick = event_new(sh->engine->base, -1, EV_PERSIST, on_tick, e);
	AM_ASSERT(e->tick != NULL);
	event_add(e->tick, &every);
	e->timer = evtimer_new(sh->engine->base, on_timer, e);
	AM_ASSERT(e->timer != NULL);
	am_arena_init(&e->arena, 0);
	return e;
}

void
am_erasures_free(struct am_erasures *e)
{
	tell(e, NULL, -AM_ECANCELED);
	event_free(e->timer);
	event_free(e->tick);
	am_arena_fini(&e->arena);
	free(e);
}
