/*
 * census - see census.h and census_build.h.
 *
 * Names are kept once, in the census's own arena; the tables that find them
 * again and the ids met are the builder's and go with it. The ids are kept as
 * hashes of eight bytes in one open table: a million of them are 16 MiB, for as
 * long as the walk takes. A scan may meet an id twice when the index grows or
 * shrinks meanwhile, and nothing in its answer tells; a Bloom filter was
 * rejected, for sums are to be exact.
 */
#include "ops/census_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

/* Of names that producers make up: beyond, they share one row. */
#define NAMES_MAX 50000
#define REST "…"

/* ---- columns ---- */

const char *
am_due_str(enum am_due_col col)
{
	static const char *const names[] = {
		[AM_DUE_LAPSED_1D] = "lapsed_1d",
		[AM_DUE_LAPSED_1H] = "lapsed_1h",
		[AM_DUE_LAPSED] = "lapsed",
		[AM_DUE_15M] = "15m",
		[AM_DUE_1H] = "1h",
		[AM_DUE_4H] = "4h",
		[AM_DUE_1D] = "1d",
		[AM_DUE_LATER] = "later",
		[AM_DUE_STILL] = "still",
	};

	return names[col];
}

enum am_due_col
am_due_col_of(am_ms due, am_ms now)
{
	static const struct {
		am_ms below;
		enum am_due_col col;
	} cols[] = {
		{ -AM_DAY, AM_DUE_LAPSED_1D },
		{ -AM_HOUR, AM_DUE_LAPSED_1H },
		{ 0, AM_DUE_LAPSED },
		{ 15 * AM_MINUTE, AM_DUE_15M },
		{ AM_HOUR, AM_DUE_1H },
		{ 4 * AM_HOUR, AM_DUE_4H },
		{ AM_DAY, AM_DUE_1D },
	};

	if (due == AM_NEVER)
		return AM_DUE_STILL;
	for (size_t i = 0; i < AM_COUNT(cols); i++)
		if (due - now < cols[i].below)
			return cols[i].col;
	return AM_DUE_LATER;
}

unsigned
am_age_minutes(size_t col)
{
	return col + 1 < AM_AGE_COLS ? 5u << col : 0;
}

size_t
am_age_col_of(am_ms age)
{
	size_t i = 0;

	while (i + 1 < AM_AGE_COLS && age >= am_age_minutes(i) * AM_MINUTE)
		i++;
	return i;
}

/* ---- shared ---- */

struct am_census *
am_census_ref(struct am_census *c)
{
	c->refs++;
	return c;
}

void
am_census_unref(struct am_census *c)
{
	if (c == NULL || --c->refs != 0)
		return;
	am_arena_fini(&c->arena);
	free(c);
}

/* ---- the builder ---- */

struct name {
	UT_hash_handle hh;
	const char *text; /* in the census's arena */
	struct am_census_owner *owner;
	struct am_census_outbox *outbox;
};

struct place { /* a row of the board */
	UT_hash_handle hh;
	struct {
		const char *loop, *stage; /* as names keep them */
	} key;
	struct am_census_stage *row;
};

/* Grows by doubling; rows keep their address, for they are in an arena. */
struct rows {
	void **at;
	size_t n, cap;
};

struct am_census_build {
	struct am_census *c;
	struct am_arena arena; /* names, places */
	struct name *names;
	struct place *places;
	struct rows stages, owners, outboxes;
	struct am_census_case next[AM_CENSUS_CASES], lapsed[AM_CENSUS_CASES];
	char next_id[AM_CENSUS_CASES][72], lapsed_id[AM_CENSUS_CASES][72];
	uint8_t key[16];
	uint64_t *met; /* 0: free */
	size_t met_n, met_cap;
	bool met_zero;
};

struct am_census_build *
am_census_build_new(am_ms now, const uint8_t key[16], size_t shards_n)
{
	struct am_census_build *b = calloc(1, sizeof(*b));

	AM_ASSERT(b != NULL);
	b->c = calloc(1, sizeof(*b->c));
	AM_ASSERT(b->c != NULL);
	b->c->refs = 1;
	b->c->started_at = now;
	b->c->shards_n = shards_n;
	am_arena_init(&b->c->arena, 0);
	am_arena_init(&b->arena, 0);
	memcpy(b->key, key, sizeof(b->key));
	return b;
}

void
am_census_build_free(struct am_census_build *b)
{
	if (b == NULL)
		return;
	HASH_CLEAR(hh, b->names);
	HASH_CLEAR(hh, b->places);
	free(b->stages.at);
	free(b->owners.at);
	free(b->outboxes.at);
	free(b->met);
	am_arena_fini(&b->arena);
	am_census_unref(b->c);
	free(b);
}

static void *
add_row(struct am_census_build *b, struct rows *r, size_t bytes)
{
	if (r->n == r->cap) {
		r->cap = r->cap != 0 ? 2 * r->cap : 16;
		r->at = realloc(r->at, r->cap * sizeof(*r->at));
		AM_ASSERT(r->at != NULL);
	}
	return r->at[r->n++] = am_arena_zalloc(&b->arena, bytes);
}

static struct name *
name_of(struct am_census_build *b, struct am_str text)
{
	struct name *n;

	if (text.p == NULL)
		text.p = "";
	HASH_FIND(hh, b->names, text.p, text.n, n);
	if (n != NULL)
		return n;
	if (text.n != 0 && HASH_COUNT(b->names) >= NAMES_MAX &&
	    !am_str_is(text, REST))
		return name_of(b, AM_STR(REST));
	n = am_arena_zalloc(&b->arena, sizeof(*n));
	n->text = am_arena_cstr(&b->c->arena, text);
	HASH_ADD_KEYPTR(hh, b->names, n->text, text.n, n);
	return n;
}

static struct am_census_stage *
stage_of(struct am_census_build *b, struct am_str loop, struct am_str stage)
{
	struct place *p, want;

	memset(&want, 0, sizeof(want));
	want.key.loop = name_of(b, loop)->text;
	want.key.stage = name_of(b, stage)->text;
	HASH_FIND(hh, b->places, &want.key, sizeof(want.key), p);
	if (p != NULL)
		return p->row;
	p = am_arena_zalloc(&b->arena, sizeof(*p));
	p->key.loop = want.key.loop;
	p->key.stage = want.key.stage;
	p->row = add_row(b, &b->stages, sizeof(*p->row));
	p->row->loop = p->key.loop;
	p->row->stage = p->key.stage;
	HASH_ADD(hh, b->places, key, sizeof(p->key), p);
	return p->row;
}

static struct am_census_outbox *
outbox_of(struct am_census_build *b, struct am_str endpoint)
{
	struct name *n = name_of(b, endpoint);

	if (n->outbox == NULL) {
		n->outbox = add_row(b, &b->outboxes, sizeof(*n->outbox));
		n->outbox->endpoint = n->text;
	}
	return n->outbox;
}

void
am_census_build_stage(
    struct am_census_build *b, struct am_str loop, struct am_str stage)
{
	(void)stage_of(b, loop, stage);
}

void
am_census_build_endpoint(struct am_census_build *b, struct am_str name)
{
	outbox_of(b, name)->known = true;
}

/* ---- each once ---- */

void
am_census_build_index(struct am_census_build *b)
{
	free(b->met);
	b->met = NULL;
	b->met_n = b->met_cap = 0;
	b->met_zero = false;
}

/* False when it is there. */
static bool
met_put(uint64_t *met, size_t cap, uint64_t hash)
{
	size_t i = (size_t)hash & (cap - 1);

	while (met[i] != 0 && met[i] != hash)
		i = (i + 1) & (cap - 1);
	if (met[i] == hash)
		return false;
	met[i] = hash;
	return true;
}

static void
met_grow(struct am_census_build *b)
{
	size_t cap = b->met_cap != 0 ? 2 * b->met_cap : 1024;
	uint64_t *met = calloc(cap, sizeof(*met));

	AM_ASSERT(met != NULL);
	for (size_t i = 0; i < b->met_cap; i++)
		if (b->met[i] != 0)
			(void)met_put(met, cap, b->met[i]);
	free(b->met);
	b->met = met;
	b->met_cap = cap;
}

bool
am_census_build_first(struct am_census_build *b, struct am_str id)
{
	uint64_t hash = am_siphash(b->key, id.p, id.n);
	bool first;

	if (hash == 0) {
		first = !b->met_zero;
		b->met_zero = true;
		return first;
	}
	if (2 * (b->met_n + 1) > b->met_cap)
		met_grow(b);
	first = met_put(b->met, b->met_cap, hash);
	b->met_n += first;
	return first;
}

/* ---- what was met ---- */

/*
 * Into a list that is in order of due, if it is among its first. Ids lie in
 * slots that go around with the places, so that a walk in the worst order
 * takes no memory.
 */
static void
list_put(struct am_census_case *list, char (*ids)[72], size_t *n,
    const struct am_census_case *new, struct am_str id)
{
	size_t i = *n, len = id.n < 71 ? id.n : 71;
	char *slot;

	if (*n == AM_CENSUS_CASES && new->due_at >= list[*n - 1].due_at)
		return;
	slot = *n < AM_CENSUS_CASES ? ids[*n] : (char *)list[*n - 1].id;
	if (*n < AM_CENSUS_CASES)
		++*n;
	else
		i--;
	for (; i > 0 && list[i - 1].due_at > new->due_at; i--)
		list[i] = list[i - 1];
	list[i] = *new;
	memcpy(slot, id.p, len);
	slot[len] = '\0';
	list[i].id = slot;
}

static struct am_census_owner *
owner_of(struct am_census_build *b, struct am_str owner)
{
	struct name *n = name_of(b, owner);

	if (n->owner == NULL) {
		n->owner = add_row(b, &b->owners, sizeof(*n->owner));
		n->owner->owner = n->text;
	}
	return n->owner;
}

void
am_census_build_case(
    struct am_census_build *b, const struct am_census_met *met, am_ms now)
{
	enum am_due_col col = am_due_col_of(met->due, now);
	struct am_census_stage *row = stage_of(b, met->loop, met->stage);
	struct am_census_owner *owner = owner_of(b, met->owner);
	const struct am_census_case new = {
		.loop = row->loop,
		.stage = row->stage,
		.tier = name_of(b, met->tier)->text,
		.owner = owner->owner,
		.due_at = met->due,
		.held = met->held,
	};
	bool lapsed = col <= AM_DUE_LAPSED;

	row->n[col]++;
	row->total++;
	owner->open++;
	owner->lapsed += lapsed;
	owner->soon += col == AM_DUE_15M || col == AM_DUE_1H;
	b->c->walked++;
	b->c->held += met->held;
	if (lapsed)
		list_put(
		    b->lapsed, b->lapsed_id, &b->c->lapsed_n, &new, met->id);
	else if (col != AM_DUE_STILL)
		list_put(b->next, b->next_id, &b->c->next_n, &new, met->id);
}

void
am_census_build_unreadable(struct am_census_build *b)
{
	b->c->unreadable++;
}

void
am_census_build_waiting(
    struct am_census_build *b, struct am_str endpoint, am_ms age)
{
	struct am_census_outbox *o = outbox_of(b, endpoint);

	o->n[am_age_col_of(age)]++;
	o->total++;
	b->c->waiting++;
}

void
am_census_build_parked(struct am_census_build *b, int64_t n)
{
	b->c->parked += n;
}

void
am_census_build_missing(struct am_census_build *b)
{
	b->c->missing_n++;
}

/* ---- the end ---- */

static int
by_need(const void *x, const void *y)
{
	const struct am_census_owner *a = *(struct am_census_owner *const *)x;
	const struct am_census_owner *b = *(struct am_census_owner *const *)y;

	if (a->lapsed != b->lapsed)
		return a->lapsed > b->lapsed ? -1 : 1;
	if (a->soon != b->soon)
		return a->soon > b->soon ? -1 : 1;
	if (a->open != b->open)
		return a->open > b->open ? -1 : 1;
	return strcmp(a->owner, b->owner);
}

/* The rows one behind the other, at most max. */
static void *
flatten(struct am_census_build *b, const struct rows *r, size_t bytes,
    size_t max, size_t *n)
{
	char *flat;

	*n = r->n < max ? r->n : max;
	flat = am_arena_alloc(&b->c->arena, (*n + 1) * bytes);
	for (size_t i = 0; i < *n; i++)
		memcpy(flat + i * bytes, r->at[i], bytes);
	return flat;
}

static struct am_census_case *
keep_list(
    struct am_census_build *b, const struct am_census_case *list, size_t n)
{
	struct am_arena *a = &b->c->arena;
	struct am_census_case *kept =
	    am_arena_zalloc(a, (n + 1) * sizeof(*kept));

	for (size_t i = 0; i < n; i++) {
		kept[i] = list[i];
		kept[i].id = am_arena_cstr(a, am_str_c(list[i].id));
	}
	return kept;
}

struct am_census *
am_census_build_end(struct am_census_build *b, am_ms now)
{
	struct am_census *c = b->c;

	c->ended_at = now;
	c->complete = c->missing_n == 0;
	if (b->owners.n > 1)
		qsort(
		    b->owners.at, b->owners.n, sizeof(*b->owners.at), by_need);
	for (size_t i = AM_CENSUS_OWNERS; i < b->owners.n; i++)
		c->owners_more +=
		    ((struct am_census_owner *)b->owners.at[i])->open;
	c->board = flatten(b, &b->stages, sizeof(struct am_census_stage),
	    SIZE_MAX, &c->board_n);
	c->owners = flatten(b, &b->owners, sizeof(struct am_census_owner),
	    AM_CENSUS_OWNERS, &c->owners_n);
	c->outboxes = flatten(b, &b->outboxes, sizeof(struct am_census_outbox),
	    SIZE_MAX, &c->outboxes_n);
	c->next = keep_list(b, b->next, c->next_n);
	c->lapsed = keep_list(b, b->lapsed, c->lapsed_n);
	(void)am_census_ref(c);
	am_census_build_free(b);
	return c;
}
