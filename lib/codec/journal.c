/*
 * journal - see journal.h.
 *
 * A line is flattened and its pairs are sorted into their places by name. In a
 * replay the state goes through its packed form between two lines, as it does
 * in the daemon: so a replay proves the record as well, and needs memory for
 * one step only.
 */

#include "codec/journal.h"

#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/record.h"
#include "core/journal.h"

/* Values of a line: a wake-up after a long outage has a few hundred. */
#define VALUES_MAX 16384

/* ---- one line ---- */

enum slot {
	SEQ,
	VERSION,
	NOW,
	AT,
	EVENT,
	SOURCE,
	EVENT_ID,
	VERDICT,
	PREV,
	H,
	NEEDED_N, /* those above stand in every line, be it empty */
	ACTOR = NEEDED_N,
	ROLE,
	EXPECT,
	NEGATIVE,
	CODE,
	SLOTS_N,
};

static const char *const names[SLOTS_N] = {
	[SEQ] = "seq",
	[VERSION] = "v",
	[NOW] = "now",
	[AT] = "at",
	[EVENT] = "event",
	[SOURCE] = "source",
	[EVENT_ID] = "event_id",
	[VERDICT] = "verdict",
	[PREV] = "prev",
	[H] = "h",
	[ACTOR] = "actor",
	[ROLE] = "role",
	[EXPECT] = "expect",
	[NEGATIVE] = "negative",
	[CODE] = "code",
};

struct line {
	struct am_str slots[SLOTS_N];
	struct am_pair *in;
	size_t in_n;
	struct am_note *notes, *last;
	uint64_t last_index;
	struct am_arena *a;
};

/* "do[12].pct": gives 12 and "pct". */
static int
split_note_key(struct am_str key, uint64_t *index, struct am_str *name)
{
	const char *end = memchr(key.p, ']', key.n);
	struct am_str digits;

	if (end == NULL)
		return -AM_EINVAL;
	digits = (struct am_str){ key.p + 3, (size_t)(end - key.p) - 3 };
	*name = (struct am_str){ end + 1, key.n - digits.n - 4 };
	if (name->n < 2 || name->p[0] != '.')
		return -AM_EINVAL;
	name->p++;
	name->n--;
	return am_str_u64(digits, index);
}

/* Pairs of one note stand together and its name, "n", comes first. */
static int
read_note(struct line *l, const struct am_pair *p)
{
	struct am_note *note = l->last;
	struct am_str name;
	uint64_t index;

	if (split_note_key(p->key, &index, &name) != 0)
		return -AM_EINVAL;
	if (note != NULL && index == l->last_index) {
		if (note->pairs_n == AM_COUNT(note->pairs))
			return -AM_EINVAL;
		note->pairs[note->pairs_n++] =
		    (struct am_pair){ name, p->value };
		return 0;
	}
	if (!am_str_is(name, "n"))
		return -AM_EINVAL;
	note = am_arena_zalloc(l->a, sizeof(*note));
	note->name = am_arena_cstr(l->a, p->value);
	if (l->last != NULL)
		l->last->next = note;
	else
		l->notes = note;
	l->last = note;
	l->last_index = index;
	return 0;
}

static int
read_pair(struct line *l, const struct am_pair *p)
{
	if (am_str_prefix(p->key, "in.")) {
		l->in[l->in_n++] =
		    (struct am_pair){ { p->key.p + 3, p->key.n - 3 },
			    p->value };
		return 0;
	}
	if (am_str_prefix(p->key, "do["))
		return read_note(l, p);
	for (size_t i = 0; i < SLOTS_N; i++) {
		if (am_str_is(p->key, names[i])) {
			l->slots[i] = p->value;
			return 0;
		}
	}
	return -AM_EINVAL;
}

static int
read_u32(struct am_str s, uint32_t *v)
{
	uint64_t wide;

	if (am_str_u64(s, &wide) != 0 || wide > UINT32_MAX)
		return -AM_EINVAL;
	*v = (uint32_t)wide;
	return 0;
}

static int
read_event(const struct line *l, struct am_event *ev)
{
	const struct am_event_spec *spec =
	    am_event_spec_by_name(l->slots[EVENT]);

	if (spec == NULL || am_str_i64(l->slots[AT], &ev->at) != 0)
		return -AM_EINVAL;
	ev->type = spec->type;
	ev->source = l->slots[SOURCE];
	ev->event_id = l->slots[EVENT_ID];
	ev->actor_id = l->slots[ACTOR];
	ev->actor_role = l->slots[ROLE];
	ev->occurred_at = AM_NEVER;
	ev->expected_version = -1;
	ev->negative = am_str_is(l->slots[NEGATIVE], "true");
	ev->fields = l->in;
	ev->fields_n = l->in_n;
	if (l->slots[EXPECT].n != 0 &&
	    am_str_i64(l->slots[EXPECT], &ev->expected_version) != 0)
		return -AM_EINVAL;
	return 0;
}

int
am_journal_parse(
    struct am_str line, struct am_arena *a, struct am_journal_entry *e)
{
	struct am_journal_entry new = { .seq = 0 };
	struct line l = { .a = a };
	const struct am_pair *pairs;
	char what[200];
	size_t n;

	if (am_json_flatten(line, VALUES_MAX, a, &pairs, &n, what) != 0)
		return -AM_EINVAL;
	l.in = am_arena_alloc(a, n * sizeof(*l.in));
	for (size_t i = 0; i < n; i++)
		if (read_pair(&l, &pairs[i]) != 0)
			return -AM_EINVAL;
	for (size_t i = 0; i < NEEDED_N; i++)
		if (l.slots[i].p == NULL) /* a wake-up's event_id is "" */
			return -AM_EINVAL;
	if (read_u32(l.slots[SEQ], &new.seq) != 0 ||
	    read_u32(l.slots[VERSION], &new.version) != 0 ||
	    am_str_i64(l.slots[NOW], &new.now) != 0 ||
	    read_event(&l, &new.event) != 0 ||
	    am_hex_parse(l.slots[PREV], new.prev, sizeof(new.prev)) != 0 ||
	    am_hex_parse(l.slots[H], new.h, sizeof(new.h)) != 0)
		return -AM_EINVAL;
	new.verdict = l.slots[VERDICT];
	new.code = l.slots[CODE];
	new.notes = l.notes;
	*e = new;
	return 0;
}

/* ---- replay ---- */

struct replay {
	struct am_str id;
	am_loop_lookup *loops;
	void *arg;
	struct am_arena scratch; /* of one step */
	struct am_buf state;	 /* packed; empty before the first line */
	struct am_buf next;	 /* becomes it: the step borrows from state */
};

/* The loop of the state, or the one that the line opens with or goes to. */
static const struct am_loopdef *
find_loop(const struct replay *r, const struct am_complaint *c,
    const struct am_journal_entry *e)
{
	const struct am_note *note = e->notes;
	bool migrates =
	    note != NULL && strcmp(note->name, "loop.migrated") == 0;

	if (c->status != AM_NONE && !migrates)
		return r->loops(r->arg, c->loop_ref);
	for (size_t i = 0; note != NULL && i < note->pairs_n; i++)
		if (am_str_is(note->pairs[i].key, migrates ? "to" : "loop"))
			return r->loops(r->arg, note->pairs[i].value);
	return NULL;
}

static int
replay_line(struct replay *r, struct am_str line)
{
	struct am_update up = { .arena = &r->scratch };
	struct am_complaint cur = { .id = r->id };
	uint8_t prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
	const struct am_loopdef *def;
	struct am_journal_entry e;
	struct am_buf swap;

	am_arena_reset(&r->scratch);
	if (r->state.n != 0 && am_record_unpack(r->id, am_buf_str(&r->state),
				   &r->scratch, &cur) != 0)
		return -AM_ECONFLICT;
	if (!am_journal_line_ok(line, prev, h) ||
	    memcmp(prev, cur.chain, sizeof(prev)) != 0 ||
	    am_journal_parse(line, &r->scratch, &e) != 0)
		return -AM_ECONFLICT;
	def = find_loop(r, &cur, &e);
	if (def == NULL)
		return -AM_ENOENT;
	e.event.complaint_id = r->id;
	if (am_step(def, &cur, &e.event, e.now, &up) != 0 ||
	    !am_str_eq(up.line, line))
		return -AM_ECONFLICT;
	swap = r->state;
	am_buf_reset(&r->next);
	am_record_pack(&up.next, &r->next);
	r->state = r->next;
	r->next = swap;
	return 0;
}

int
am_journal_replay(struct am_str id, const struct am_str *lines, size_t n,
    am_loop_lookup *loops, void *arg, struct am_arena *a,
    struct am_complaint *state, uint32_t *bad_seq)
{
	return am_journal_replay_edits(
	    id, lines, n, loops, NULL, arg, a, state, bad_seq);
}

int
am_journal_replay_edits(struct am_str id, const struct am_str *lines, size_t n,
    am_loop_lookup *loops, am_calendars_next *next, void *arg,
    struct am_arena *a, struct am_complaint *state, uint32_t *bad_seq)
{
	struct replay r = { .id = id, .loops = loops, .arg = arg };
	struct am_complaint end = { .id = id };
	int rc = 0;

	am_arena_init(&r.scratch, 64 * 1024);
	am_buf_init(&r.state);
	am_buf_init(&r.next);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		do
			rc = replay_line(&r, lines[i]);
		while (rc == -AM_ECONFLICT && next != NULL && next(arg));
		if (rc != 0)
			*bad_seq = (uint32_t)i + 1;
	}
	if (rc == 0 && n != 0)
		rc = am_record_unpack(
		    id, am_arena_dup(a, am_buf_str(&r.state)), a, &end);
	if (rc == 0)
		*state = end;
	am_buf_fini(&r.next);
	am_buf_fini(&r.state);
	am_arena_fini(&r.scratch);
	return rc;
}
