/*
 * batch - commands as RESP, and the replies to them (layer: store).
 *
 * The commands of a batch stand in one buffer. How many arguments a command has
 * is known at its end, so room for its header is left before it and the header
 * is written to the left of the first argument; hiredis gets slices, so the gap
 * is never sent. Batches are pooled: their buffers and arenas are as large as
 * the last ones were, and the hot path allocates nothing.
 */
#include "store/redis_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define POOL_MAX 8
#define KEEP_BYTES ((size_t)256 * 1024)
#define HEADER_MAX 16 /* room for "*ARGS\r\n" before a command */

struct am_batch *
am_batch_new(struct am_redis *r)
{
	struct am_batch_pool *pool = am_redis_pool(r);
	struct am_batch *b = pool->first;

	if (b != NULL) {
		pool->first = b->next;
		pool->n--;
	} else {
		b = calloc(1, sizeof *b);
		AM_ASSERT(b != NULL);
		am_arena_init(&b->arena, KEEP_BYTES);
		am_buf_init(&b->out);
		b->r = r;
	}
	b->next = NULL;
	am_redis_ref(r);
	return b;
}

static void
batch_destroy(struct am_batch *b)
{
	am_arena_fini(&b->arena);
	am_buf_fini(&b->out);
	free(b->cmds);
	free(b->replies);
	free(b);
}

void
am_batch_pool_close(struct am_batch_pool *pool)
{
	struct am_batch *b;

	while ((b = pool->first) != NULL) {
		pool->first = b->next;
		batch_destroy(b);
	}
}

void
am_batch_free(struct am_batch *b)
{
	struct am_batch_pool *pool;
	struct am_redis *r;

	if (b == NULL)
		return;
	r = b->r;
	pool = am_redis_pool(r);
	if (pool->closed || pool->n >= POOL_MAX || b->out.cap > KEEP_BYTES) {
		batch_destroy(b);
	} else {
		am_arena_reset(&b->arena);
		am_buf_reset(&b->out);
		b->n = b->got = b->skip = 0;
		b->user_cb = NULL;
		b->next = pool->first;
		pool->first = b;
		pool->n++;
	}
	am_redis_unref(r);
}

/* The header is written last, to the left of the first argument. */
void
am_batch_seal(struct am_batch *b)
{
	struct am_batch_cmd *c;
	char head[HEADER_MAX + 8];
	int n;

	if (b->n == 0)
		return;
	c = &b->cmds[b->n - 1];
	if (c->to != 0)
		return;
	n = snprintf(head, sizeof head, "*%zu\r\n", c->args);
	AM_ASSERT(n > 0 && n <= HEADER_MAX);
	c->from -= (size_t)n;
	memcpy(b->out.p + c->from, head, (size_t)n);
	c->to = b->out.n;
}

static struct am_batch_cmd *
cmd_next(struct am_batch *b)
{
	am_batch_seal(b);
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 32 : b->cap * 2;
		b->cmds = realloc(b->cmds, b->cap * sizeof *b->cmds);
		b->replies = realloc(b->replies, b->cap * sizeof *b->replies);
		AM_ASSERT(b->cmds != NULL && b->replies != NULL);
	}
	return &b->cmds[b->n++];
}

void
am_cmd(struct am_batch *b, const char *name)
{
	struct am_batch_cmd *c = cmd_next(b);

	am_buf_reserve(&b->out, HEADER_MAX);
	b->out.n += HEADER_MAX;
	c->from = b->out.n;
	c->to = 0;
	c->args = 0;
	am_arg(b, name);
}

void
am_batch_copy(struct am_batch *b, const struct am_batch *from, size_t i)
{
	const struct am_batch_cmd *f = &from->cmds[i];
	struct am_batch_cmd *c = cmd_next(b);

	c->from = b->out.n;
	c->args = f->args;
	am_buf_add(&b->out, from->out.p + f->from, f->to - f->from);
	c->to = b->out.n;
}

static char *
put_size(char *p, size_t v)
{
	char digits[24];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

void
am_args(struct am_batch *b, struct am_str s)
{
	char *p;

	AM_ASSERT(b->n > 0 && b->cmds[b->n - 1].to == 0);
	b->cmds[b->n - 1].args++;
	am_buf_reserve(&b->out, s.n + 32);
	p = b->out.p + b->out.n;
	*p++ = '$';
	p = put_size(p, s.n);
	*p++ = '\r';
	*p++ = '\n';
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p += s.n;
	*p++ = '\r';
	*p++ = '\n';
	b->out.n = (size_t)(p - b->out.p);
}

void
am_arg(struct am_batch *b, const char *s)
{
	am_args(b, am_str_c(s));
}

void
am_argi(struct am_batch *b, int64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%lld", (long long)v);

	am_args(b, (struct am_str){ digits, (size_t)n });
}

size_t
am_batch_cmds(const struct am_batch *b)
{
	return b->n;
}

struct am_arena *
am_batch_arena(struct am_batch *b)
{
	return &b->arena;
}

const redisReply *
am_batch_reply(const struct am_batch *b, size_t i)
{
	return i < b->got ? b->replies[i] : NULL;
}

struct am_str
am_batch_arg(const struct am_batch *b, size_t i, size_t j)
{
	const char *p = b->out.p + b->cmds[i].from;
	size_t n = 0;

	AM_ASSERT(b->cmds[i].to != 0 && j < b->cmds[i].args);
	p = strchr(p, '\n') + 1; /* our own bytes: "*N\r\n$N\r\n…" */
	for (;; j--) {
		n = (size_t)strtoul(p + 1, NULL, 10);
		p = strchr(p, '\n') + 1;
		if (j == 0)
			return (struct am_str){ p, n };
		p += n + 2;
	}
}
