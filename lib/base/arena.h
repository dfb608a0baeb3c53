#pragma once

/*
 * arena - allocate now, free all at once (layer: base).
 *
 * Memory is never returned one by one. Aborts when there is none. Not thread
 * safe. Blocks are kept over a reset, up to keep_bytes.
 */

#include <amends/base.h>

struct am_arena_block;

struct am_arena {
	struct am_arena_block *head, *spare;
	size_t used, cap; /* bytes in the head block */
	size_t keep_bytes;
};

void am_arena_init(struct am_arena *a, size_t keep_bytes);
void am_arena_fini(struct am_arena *a);
void am_arena_reset(struct am_arena *a);

/* 16-byte aligned, not zeroed / zeroed. */
void *am_arena_alloc(struct am_arena *a, size_t bytes);
void *am_arena_zalloc(struct am_arena *a, size_t bytes);

/* Copies; the copy is 0-terminated beyond n. */
struct am_str am_arena_dup(struct am_arena *a, struct am_str s);
const char *am_arena_cstr(struct am_arena *a, struct am_str s);
const char *
am_arena_printf(struct am_arena *a, const char *fmt, ...) AM_PRINTF(2, 3);
