/*
 * arena - a stack of blocks; the newest is carved from the front.
 *
 * Blocks double up to BLOCK_MAX, so that a small user stays small and a large
 * one calls malloc seldom. Rejected: one growing block with realloc, because
 * it moves, and everything here is pointed into.
 */

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN ((size_t)16)
#define BLOCK_MIN ((size_t)2048)
#define BLOCK_MAX ((size_t)65536)

struct am_arena_block {
	struct am_arena_block *next;
	size_t cap;
	_Alignas(16) char data[];
};

void
am_arena_init(struct am_arena *a, size_t keep_bytes)
{
	*a = (struct am_arena){ .keep_bytes = keep_bytes };
}

static void
free_blocks(struct am_arena_block *b)
{
	while (b != NULL) {
		struct am_arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void
am_arena_fini(struct am_arena *a)
{
	free_blocks(a->head);
	free_blocks(a->spare);
	am_arena_init(a, a->keep_bytes);
}

void
am_arena_reset(struct am_arena *a)
{
	struct am_arena_block *b, *next, *kept = NULL;
	size_t bytes = 0;

	for (b = a->spare; b != NULL; b = b->next)
		bytes += b->cap;
	/* the head is the largest as a rule and comes first */
	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		if (b->cap > a->keep_bytes || bytes > a->keep_bytes - b->cap) {
			free(b);
			continue;
		}
		bytes += b->cap;
		b->next = kept;
		kept = b;
	}
	while (kept != NULL) {
		next = kept->next;
		kept->next = a->spare;
		a->spare = kept;
		kept = next;
	}
	a->head = NULL;
	a->used = a->cap = 0;
}

static struct am_arena_block *
take_spare(struct am_arena *a, size_t bytes)
{
	struct am_arena_block **at, *b;

	for (at = &a->spare; (b = *at) != NULL; at = &b->next) {
		if (b->cap >= bytes) {
			*at = b->next;
			return b;
		}
	}
	return NULL;
}

static void
add_block(struct am_arena *a, size_t bytes)
{
	struct am_arena_block *b = take_spare(a, bytes);

	if (b == NULL) {
		size_t cap = a->cap < BLOCK_MIN ? BLOCK_MIN : a->cap * 2;

		if (cap > BLOCK_MAX)
			cap = BLOCK_MAX;
		if (cap < bytes)
			cap = bytes;
		AM_ASSERT(cap < SIZE_MAX - sizeof(*b));
		b = malloc(sizeof(*b) + cap);
		if (b == NULL)
			am_panic(__FILE__, __LINE__, "out of memory");
		b->cap = cap;
	}
	b->next = a->head;
	a->head = b;
	a->cap = b->cap;
	a->used = 0;
}

void *
am_arena_alloc(struct am_arena *a, size_t bytes)
{
	void *p;

	AM_ASSERT(bytes <= SIZE_MAX / 2);
	bytes = (bytes + ALIGN - 1) & ~(ALIGN - 1);
	if (bytes > a->cap - a->used || a->head == NULL)
		add_block(a, bytes);
	p = a->head->data + a->used;
	a->used += bytes;
	return p;
}

void *
am_arena_zalloc(struct am_arena *a, size_t bytes)
{
	return memset(am_arena_alloc(a, bytes), 0, bytes);
}

struct am_str
am_arena_dup(struct am_arena *a, struct am_str s)
{
	char *p = am_arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct am_str){ p, s.n };
}

const char *
am_arena_cstr(struct am_arena *a, struct am_str s)
{
	return am_arena_dup(a, s).p;
}

const char *
am_arena_printf(struct am_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	AM_ASSERT(n >= 0);
	p = am_arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
