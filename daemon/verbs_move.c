/*
 * verbs_move - a person decides about complaints: close, migrate.
 *
 * Both are walks, over names or over the whole index. A page's answers are
 * gathered while it is stepped and said when it is committed, so that nothing
 * is told that did not happen. A walk that is cut off is asked for again: what
 * is done already is passed over.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "daemon/view.h"
#include "daemon/walk.h"

#define UNREAD_MAX (256 * 1024) /* bytes that the client has not taken */
#define NAME_MAX_BYTES 64

struct move {
	struct am_walk walk;
	struct view *v;
	struct am_str by, reason, to, loop, event_id;
	struct am_str *ids;
	bool *found; /* of each */
	size_t ids_n;
	/* of the page, then of all */
	struct am_buf rows; /* lines of JSON, a newline behind each */
	size_t page_done, page_refused, done, refused, foreign;
	bool is_any;	   /* a complaint is of that loop */
	bool kept;	   /* the definition is in this page's commit */
	const char *wrong; /* why it cannot go on */
};

static struct move *
of_walk(struct am_walk *w)
{
	return (struct move *)w;
}

/* ---- rows ---- */

static void
row_open(struct move *m, const struct am_case *c)
{
	am_buf_addc(&m->rows, '{');
	am_buf_addkv(&m->rows, "id", c->id);
	am_buf_addkv(&m->rows, "shard", am_str_c(m->v->shard->stream));
}

static void
row_close(struct move *m)
{
	am_buf_adds(&m->rows, "}\n");
}

static bool
refuse(struct move *m, const struct am_case *c, const char *why)
{
	row_open(m, c);
	am_buf_addkv(&m->rows, "refused", am_str_c(why));
	row_close(m);
	m->page_refused++;
	return false;
}

static void
say_rows(struct move *m)
{
	const char *p = m->rows.p, *end = p + m->rows.n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		am_ctl_line(m->v->call, (struct am_str){ p, (size_t)(nl - p) });
		p = nl + 1;
	}
}

/* ---- the walk over shards ---- */

static void
begin_page(struct am_walk *w)
{
	struct move *m = of_walk(w);

	am_buf_reset(&m->rows);
	m->page_done = m->page_refused = 0;
	m->kept = false;
}

static void
on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct move *m = arg;
	const struct timeval soon = { .tv_usec = 20000 };

	(void)fd;
	(void)what;
	m->walk.stop = m->walk.stop || !am_ctl_alive(m->v->call);
	if (m->walk.stop || am_ctl_unread(m->v->call) <= UNREAD_MAX)
		am_walk_go(&m->walk);
	else
		event_base_once(
		    m->v->engine->base, -1, EV_TIMEOUT, on_drained, m, &soon);
}

static bool
page_over(struct am_walk *w)
{
	const struct timeval soon = { .tv_usec = 20000 };
	struct move *m = of_walk(w);

	say_rows(m);
	m->done += m->page_done;
	m->refused += m->page_refused;
	begin_page(w);
	w->stop = w->stop || !am_ctl_alive(m->v->call);
	if (w->stop || am_ctl_unread(m->v->call) <= UNREAD_MAX)
		return true;
	event_base_once(
	    m->v->engine->base, -1, EV_TIMEOUT, on_drained, m, &soon);
	return false;
}

static void
shard_over(struct am_walk *w, int rc)
{
	struct move *m = of_walk(w);

	if (rc == -AM_EFENCED)
		m->foreign++; /* another daemon's, or nobody's now */
	else if (rc != 0 && m->wrong == NULL)
		m->wrong = am_err_str(rc);
	if (m->wrong != NULL)
		m->v->shard_i = m->v->engine->shards_n;
	am_view_next_shard(m->v);
}

/* The names that no shard had yet, or the whole index. */
static void
start_shard(struct view *v)
{
	struct move *m = v->own;
	struct am_str *left;
	size_t n = 0;

	if (m->ids_n > 0) {
		left = am_arena_alloc(v->a, m->ids_n * sizeof(*left));
		for (size_t i = 0; i < m->ids_n; i++)
			if (!m->found[i])
				left[n++] = m->ids[i];
		m->walk.ids = left;
		m->walk.ids_n = n;
		if (n == 0) {
			am_view_next_shard(v);
			return;
		}
	}
	am_walk_start(v->shard, &m->walk);
}

static size_t
missing(const struct move *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->ids_n; i++)
		n += !m->found[i];
	return n;
}

/* Neither a complaint nor the configuration knows the loop: a slip of the pen,
 * not a migration that is done already. */
static bool
is_loop_unknown(const struct move *m)
{
	const char *hash;
	struct am_str name = m->loop;

	if (m->loop.n == 0 || m->is_any || m->foreign > 0)
		return false;
	hash = memchr(name.p, '@', name.n);
	if (hash != NULL)
		name.n = (size_t)(hash - name.p);
	return am_conf_loop(m->v->engine->conf, name) == NULL;
}

static void
all_over(struct view *v)
{
	struct move *m = v->own;
	struct am_ctl_call *call = v->call;

	am_buf_fini(&m->rows);
	if (m->wrong != NULL)
		am_ctl_end(call, AM_EXIT_FAILED,
		    "stopped after %zu: %s; the same command goes on", m->done,
		    m->wrong);
	else if (missing(m) > 0 && m->foreign > 0)
		am_ctl_end(call, AM_EXIT_REFUSED,
		    "%zu not found here, and %zu shards are not owned by this "
		    "daemon now; ask their owner",
		    missing(m), m->foreign);
	else if (missing(m) > 0)
		am_ctl_end(call, AM_EXIT_NOT_FOUND,
		    "no such complaint: %zu of %zu; done: %zu, refused: %zu",
		    missing(m), m->ids_n, m->done, m->refused);
	else if (is_loop_unknown(m))
		am_ctl_end(call, AM_EXIT_NOT_FOUND,
		    "no complaint is on a loop %.*s, and the configuration has "
		    "none of that name; `list` says which loops there are",
		    AM_ARG(m->loop));
	else if (m->refused > 0)
		am_ctl_end(call, AM_EXIT_REFUSED, "done: %zu, refused: %zu",
		    m->done, m->refused);
	else
		am_ctl_end(call, AM_EXIT_OK, "done: %zu", m->done);
}

/* ---- one complaint ---- */

/* It exists in this shard; when it was asked for by name, it is found. */
static void
find(struct move *m, const struct am_case *c)
{
	for (size_t i = 0; i < m->ids_n; i++)
		m->found[i] = m->found[i] || am_str_eq(m->ids[i], c->id);
}

/* The step of the event, with by and reason behind its fields. */
static const struct am_update *
decide(struct move *m, struct am_turn *t, struct am_case *c,
    enum am_event_type type, struct am_pair *fields, size_t n)
{
	const struct am_update *up;
	struct am_event ev;

	if (m->by.n > 0)
		fields[n++] = (struct am_pair){ AM_STR("by"), m->by };
	if (m->reason.n > 0)
		fields[n++] = (struct am_pair){ AM_STR("reason"), m->reason };
	am_turn_internal(t, &ev, type, c->id);
	ev.event_id = m->event_id;
	ev.actor_id = m->by;
	ev.fields = fields;
	ev.fields_n = n;
	up = am_turn_step(t, c, &ev);
	if (up != NULL && up->verdict == AM_APPLIED) {
		am_turn_keep_personal(t, c, &ev);
		m->page_done++;
	}
	return up;
}

static bool
close_one(struct am_walk *w, struct am_turn *t, struct am_case *c, am_ms wake)
{
	struct move *m = of_walk(w);
	const struct am_update *up;
	struct am_pair fields[2];

	(void)wake;
	if (!c->exists)
		return false;
	find(m, c);
	if (c->unusable != NULL)
		return refuse(m, c, "it is parked; see why with `show`");
	if (c->cur.status == AM_CLOSED)
		return refuse(m, c, "it is closed already");
	up = decide(m, t, c, AM_EV_FORCED, fields, 0);
	if (up == NULL || up->verdict != AM_APPLIED) {
		refuse(m, c, "it does not take it now");
		return up == NULL || up->verdict == AM_IGNORED;
	}
	row_open(m, c);
	am_buf_addkv(
	    &m->rows, "outcome", am_str_c(am_outcome_str(c->cur.outcome)));
	row_close(m);
	return true;
}

/* ---- migrate ---- */

/* What keeps it from being read by the other definition; NULL: nothing. */
static const char *
misfit(struct am_turn *t, const struct am_loopdef *from,
    const struct am_loopdef *to, const struct am_complaint *c)
{
	if (from->stages_n != to->stages_n)
		return am_arena_printf(&t->arena,
		    "its loop has %zu stages, the other has %zu; only a loop "
		    "with the same stages can take it",
		    from->stages_n, to->stages_n);
	for (size_t i = 0; i < from->stages_n; i++)
		if (strcmp(from->stages[i].name, to->stages[i].name) != 0)
			return am_arena_printf(&t->arena,
			    "its loop has stage %s where the other has %s; "
			    "only a loop with the same stages can take it",
			    from->stages[i].name, to->stages[i].name);
	if (am_loopdef_tier(to, am_str_c(from->tiers[c->tier])) < 0)
		return am_arena_printf(&t->arena,
		    "its tier %s is not in the other loop",
		    from->tiers[c->tier]);
	return NULL;
}

static void
add_due(struct am_buf *b, const char *key, struct am_str ms)
{
	char text[32];
	int64_t at;

	if (am_str_i64(ms, &at) != 0) {
		am_buf_addkey(b, key);
		am_buf_adds(b, "null");
		return;
	}
	am_rfc3339_format(at, text);
	am_buf_addkv(b, key, am_str_c(text));
}

static struct am_str
pair_of(const struct am_note *n, const char *key)
{
	for (size_t i = 0; i < n->pairs_n; i++)
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	return (struct am_str){ NULL, 0 };
}

/* Old and new dues, as the journal line has them. */
static void
row_moved(struct move *m, const struct am_case *c, const struct am_update *up,
    struct am_str from)
{
	struct am_buf *b = &m->rows;
	const char *comma = "";

	row_open(m, c);
	am_buf_addkv(b, "from", from);
	am_buf_addkv(b, "to", c->cur.loop_ref);
	am_buf_addkey(b, "moved");
	am_buf_addc(b, '[');
	for (const struct am_note *n = up->notes; n != NULL; n = n->next) {
		if (strcmp(n->name, "deadline.moved") != 0)
			continue;
		am_buf_adds(b, comma);
		am_buf_addc(b, '{');
		am_buf_addkv(b, "clock", pair_of(n, "clock"));
		add_due(b, "old", pair_of(n, "old"));
		add_due(b, "new", pair_of(n, "new"));
		am_buf_addc(b, '}');
		comma = ",";
	}
	am_buf_addc(b, ']');
	row_close(m);
}

/* NAME@HASH, or any hash of NAME. */
static bool
is_of_loop(struct am_str ref, struct am_str loop)
{
	if (loop.n > ref.n || memcmp(ref.p, loop.p, loop.n) != 0)
		return false;
	return ref.n == loop.n || ref.p[loop.n] == '@';
}

static bool
migrate_to(struct move *m, struct am_turn *t, struct am_case *c,
    const struct am_loopdef *to)
{
	const struct am_loopdef *from = c->def;
	struct am_str ref = am_arena_dup(&t->arena, c->cur.loop_ref);
	const struct am_update *up;
	struct am_pair *fields;
	size_t n;

	fields = am_migration_fields(from, &c->cur, 2, &t->arena, &n);
	c->def = to;
	up = decide(m, t, c, AM_EV_MIGRATED, fields, n);
	if (up != NULL && up->verdict == AM_APPLIED) {
		row_moved(m, c, up, ref);
		if (!m->kept)
			am_commit_loop(t->commit, to);
		m->kept = true;
		return true;
	}
	c->def = from;
	if (up == NULL || up->verdict != AM_DUPLICATE)
		refuse(m, c,
		    up != NULL && up->verdict == AM_REJECTED
			? am_arena_cstr(&t->arena, am_str_c(up->reject.text))
			: "it does not take it now");
	return up == NULL || up->verdict == AM_IGNORED;
}

static bool
migrate_one(struct am_walk *w, struct am_turn *t, struct am_case *c, am_ms wake)
{
	struct move *m = of_walk(w);
	const struct am_loopdef *to = am_conf_loop(t->sh->engine->conf, m->to);
	const char *why;

	(void)wake;
	if (to == NULL) { /* a reload has taken it away */
		m->wrong = "the loop has left the configuration";
		w->stop = true;
		return false;
	}
	if (!c->exists)
		return false;
	find(m, c);
	if (m->loop.n > 0 && !is_of_loop(c->cur.loop_ref, m->loop))
		return false;
	m->is_any = true;
	if (m->loop.n > 0 && am_str_is(c->cur.loop_ref, to->ref))
		return false;
	if (c->unusable != NULL || c->def == NULL)
		return refuse(m, c,
		    "it is parked: its record or its loop cannot be read; "
		    "give back what its loop names, then migrate it");
	if (am_str_is(c->cur.loop_ref, to->ref))
		return refuse(m, c, "it is on that loop already");
	why = misfit(t, c->def, to, &c->cur);
	if (why != NULL)
		return refuse(m, c, why);
	return migrate_to(m, t, c, to);
}

/* ---- the verbs ---- */

static struct move *
new_move(struct view *v,
    bool (*step)(struct am_walk *, struct am_turn *, struct am_case *, am_ms))
{
	struct move *m = am_arena_zalloc(v->a, sizeof(*m));
	size_t n = 0;

	m->v = v;
	v->own = m;
	m->by = am_verb_option(v->argv, v->argc, "--by");
	m->reason = am_verb_option(v->argv, v->argc, "--reason");
	m->ids = am_arena_alloc(v->a, (v->argc + 1) * sizeof(*m->ids));
	m->found = am_arena_zalloc(v->a, v->argc + 1);
	while ((m->ids[n] = am_verb_arg(v->verb, v->argv, v->argc, n)).n > 0)
		n++;
	m->ids_n = n;
	am_buf_init(&m->rows);
	m->walk.step = step;
	m->walk.page = begin_page;
	m->walk.paged = page_over;
	m->walk.done = shard_over;
	if (m->by.n <= NAME_MAX_BYTES)
		return m;
	am_ctl_end(v->call, AM_EXIT_USAGE,
	    "--by is longer than a name; at most %d bytes", NAME_MAX_BYTES);
	return NULL;
}

void
am_verb_close(struct view *v)
{
	struct move *m = new_move(v, close_one);

	if (m == NULL)
		return;
	if (m->by.n == 0 || m->reason.n == 0) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "say who closes it and why; usage: %s", v->verb->usage);
		return;
	}
	m->event_id =
	    am_str_c(am_arena_printf(v->a, "close:%" PRId64, am_engine_now()));
	am_view_walk(v, start_shard, all_over);
}

void
am_verb_migrate(struct view *v)
{
	struct move *m = new_move(v, migrate_one);

	if (m == NULL)
		return;
	m->to = am_verb_option(v->argv, v->argc, "--to");
	m->loop = am_verb_option(v->argv, v->argc, "--loop");
	if (m->to.n == 0 || (m->ids_n == 0) == (m->loop.n == 0)) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "say which complaints, or --loop, and --to; usage: %s",
		    v->verb->usage);
		return;
	}
	if (am_conf_loop(v->engine->conf, m->to) == NULL) {
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND,
		    "no loop of that name in the configuration: %.*s",
		    AM_ARG(m->to));
		return;
	}
	m->event_id = am_str_c(
	    am_arena_printf(v->a, "migrate:%" PRId64, am_engine_now()));
	am_view_walk(v, start_shard, all_over);
}
