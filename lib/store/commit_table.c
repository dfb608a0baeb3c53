/*
 * commit_table - lists and tables in a commit's arena (layer: store).
 *
 * A small open hash, kept in the order of coming: a turn names at most a few
 * hundred complaints, endpoints and counters.
 */
#include "store/commit_int.h"

#include "base/str.h"

void
am_slice_add(struct am_commit *c, struct am_slices *l, struct am_str s)
{
	struct am_slice *e = am_arena_alloc(&c->arena, sizeof *e);

	if (l->tail == NULL)
		l->tail = &l->first;
	e->next = NULL;
	e->s = s;
	*l->tail = e;
	l->tail = &e->next;
	l->n++;
}

/* FNV-1a; the names are ours or were checked, and a turn has few. */
static uint64_t
hash_add(uint64_t h, struct am_str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 1099511628211u;
	return (h ^ 0xff) * 1099511628211u;
}

static void
table_grow(struct am_commit *c, struct am_table *t)
{
	t->cap = t->cap == 0 ? 256 : t->cap * 2;
	t->slots = am_arena_zalloc(&c->arena, t->cap * sizeof(*t->slots));
	for (struct am_item *e = t->first; e != NULL; e = e->next) {
		size_t i = e->hash & (t->cap - 1);

		while (t->slots[i] != NULL)
			i = (i + 1) & (t->cap - 1);
		t->slots[i] = e;
	}
}

/* The item of that name, made of `bytes` zeroes when it is new. */
void *
am_table_get(struct am_commit *c, struct am_table *t, struct am_str a,
    struct am_str b, size_t bytes)
{
	uint64_t h = hash_add(hash_add(14695981039346656037u, a), b);
	struct am_item *e;
	size_t i;

	if (t->n * 2 >= t->cap)
		table_grow(c, t);
	for (i = h & (t->cap - 1); (e = t->slots[i]) != NULL;
	     i = (i + 1) & (t->cap - 1))
		if (e->hash == h && am_str_eq(e->a, a) && am_str_eq(e->b, b))
			return e;
	e = am_arena_zalloc(&c->arena, bytes);
	e->hash = h;
	e->a = a;
	e->b = b;
	t->slots[i] = e;
	if (t->tail == NULL)
		t->tail = &t->first;
	*t->tail = e;
	t->tail = &e->next;
	t->n++;
	return e;
}
