/*
 * commit - see commit.h.
 *
 * EXEC answers in one of four ways: a list (done), nil (the fence: not done,
 * not the owner any more), an error whose word says that the whole was refused
 * (not done), or nothing that can be understood, a lost connection included.
 * Only the last is an unknown outcome: the commit then waits in `unknown`, and
 * the next look at the ownership (owner.c), which replaces the token before it
 * trusts the cursor, tells by the commit number what became of it.
 */
#include "store/commit_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "log/log.h"
#include "store/clock.h"

#define KEEP_BYTES ((size_t)1024 * 1024)

struct am_commit *
am_commit_new(struct am_store *s)
{
	struct am_commit *c = s->spare;
	struct am_arena arena;

	s->spare = NULL;
	if (c == NULL) {
		c = calloc(1, sizeof *c);
		AM_ASSERT(c != NULL);
		am_arena_init(&c->arena, KEEP_BYTES);
	}
	arena = c->arena;
	memset(c, 0, sizeof *c);
	c->arena = arena;
	c->s = s;
	c->at = am_clock_wall();
	c->b = am_batch_new(s->turns);
	am_cmd(c->b, "MULTI");
	return c;
}

void
am_commit_destroy(struct am_commit *c)
{
	am_batch_free(c->b);
	am_arena_fini(&c->arena);
	free(c);
}

void
am_commit_free(struct am_commit *c)
{
	struct am_store *s;

	if (c == NULL)
		return;
	s = c->s;
	if (s->freed || s->spare != NULL) {
		am_commit_destroy(c);
		return;
	}
	am_batch_free(c->b);
	c->b = NULL;
	am_arena_reset(&c->arena);
	s->spare = c;
}

/* ---- reading the answer ---- */

/* What EXEC says when it was refused as it came, not when it was queued:
 * "EXECABORT Transaction discarded because of: OOM command not allowed …" */
static int
abort_rc(const redisReply *exec)
{
	static const char because[] = "because of: ";
	const char *word =
	    memmem(exec->str, exec->len, because, sizeof because - 1);
	redisReply inner = { .type = REDIS_REPLY_ERROR };

	if (word == NULL)
		return -AM_EBUSY;
	inner.str = (char *)(uintptr_t)word + sizeof because - 1;
	inner.len = (size_t)(exec->str + exec->len - inner.str);
	return am_reply_rc(&inner);
}

/* Refused before anything ran: full, or not now. */
static int
refused_rc(int rc)
{
	return rc == -AM_EFULL ? rc : -AM_EBUSY;
}

static bool
is_for_show(const struct am_batch *b, size_t i)
{
	struct am_str name = am_batch_arg(b, i, 0);

	return am_str_is(name, "XGROUP") || am_str_is(name, "XSETID");
}

/* Replies of the writes [1, n] of cmds; the group's may fail. */
static int
writes_rc(const struct am_batch *cmds, redisReply *const *replies, size_t n,
    const redisReply **error)
{
	for (size_t i = 0; i < n; i++)
		if (am_reply_is_error(replies[i]) &&
		    !is_for_show(cmds, i + 1)) {
			*error = replies[i];
			return -AM_EPROTO;
		}
	return 0;
}

int
am_exec_rc(const struct am_batch *b, const redisReply **error)
{
	size_t n = am_batch_cmds(b);
	const redisReply *exec = am_batch_reply(b, n - 1);

	if (exec->type == REDIS_REPLY_ARRAY)
		return writes_rc(b, exec->element, exec->elements, error);
	if (exec->type == REDIS_REPLY_NIL)
		return -AM_EFENCED;
	*error = exec;
	if (exec->type != REDIS_REPLY_ERROR)
		return -AM_EUNKNOWN;
	if (strncmp(exec->str, "EXECABORT", 9) == 0) {
		for (size_t i = 0; i + 1 < n; i++)
			if (am_reply_is_error(am_batch_reply(b, i))) {
				*error = am_batch_reply(b, i);
				return refused_rc(am_reply_rc(*error));
			}
		return refused_rc(abort_rc(exec));
	}
	return am_reply_rc(exec) == -AM_EUNKNOWN
		   ? -AM_EUNKNOWN
		   : refused_rc(am_reply_rc(exec));
}

/* ---- the end of a commit ---- */

static void
commit_over(struct am_commit *c, int rc)
{
	struct am_store *s = c->s;

	if (s->in_flight == c)
		s->in_flight = NULL;
	s->turn.phase = AM_TURN_NONE;
	c->cb(c->arg, rc, c);
	if (!s->freed)
		am_owner_turn_over(s);
}

static void
commit_done(struct am_commit *c)
{
	struct am_store *s = c->s;

	s->cursor = c->next;
	am_commit_learn(c);
	if (s->opts.state != NULL)
		am_statefile_set(s->opts.state, s->keys.stream,
		    s->cursor.dataset, s->cursor.commit, am_clock_wall());
}

static void
on_group(void *arg, int rc, struct am_batch *b)
{
	(void)arg;
	(void)rc; /* it is for show */
	am_batch_free(b);
}

/* Somebody removed the group: it is made again, outside the transaction. */
static void
group_check(struct am_commit *c)
{
	struct am_store *s = c->s;
	const redisReply *r;
	struct am_batch *b;

	if (c->group_at == 0 || c->answers->elements < c->group_at)
		return;
	r = c->answers->element[c->group_at - 1];
	if (!am_reply_is_error(r) || strncmp(r->str, "NOGROUP", 7) != 0)
		return;
	am_log_warn("group_remade", "shard=%s group=%s cursor=%s",
	    s->keys.stream, s->opts.group, c->next.id);
	b = am_batch_new(s->turns);
	am_cmd(b, "XGROUP");
	am_arg(b, "CREATE");
	am_arg(b, s->keys.stream);
	am_arg(b, s->opts.group);
	am_arg(b, c->next.id);
	am_arg(b, "MKSTREAM");
	am_redis_send(s->turns, b, 0, on_group, s);
}

/* rc as am_exec_rc() gives it, for either carrier. */
static void
commit_judge(struct am_commit *c, int rc, const redisReply *error)
{
	struct am_store *s = c->s;

	switch (rc) {
	case 0:
		commit_done(c);
		group_check(c);
		am_store_refused(s, NULL);
		break;
	case -AM_EPROTO:
		commit_done(c); /* what could be written is */
		s->broken = true;
		am_store_halt(s, AM_SHARD_HALTED_STORAGE,
		    "a write failed: %.*s; set the key right, then "
		    "`amendsctl shard adopt %s`",
		    AM_ARG(am_reply_str(error)), s->keys.stream);
		break;
	case -AM_EFENCED:
		am_owner_lost(s, "fenced");
		break;
	case -AM_EUNKNOWN:
		s->unknown = c;
		am_redis_restart(s->turns, "the answer to a commit makes no "
					   "sense; looking what became of it");
		return;
	case -AM_EFULL:
		am_store_full(s, true);
		break;
	default:
		am_store_refused(s, error);
		break;
	}
	if (!s->freed)
		commit_over(c, rc);
}

static void
on_script(void *arg, int rc, struct am_batch *b)
{
	struct am_commit *c = arg;
	struct am_store *s = c->s;
	const redisReply *r, *error = NULL;

	if (s->freed) {
		am_batch_free(b);
		am_commit_destroy(c);
		return;
	}
	if (rc != 0) {
		s->unknown = c;
		am_batch_free(b);
		return;
	}
	r = am_batch_reply(b, 0);
	if (r->type != REDIS_REPLY_ARRAY || r->elements == 0) {
		rc = am_reply_is_error(r) && am_reply_rc(r) != -AM_EUNKNOWN
			 ? refused_rc(am_reply_rc(r))
			 : -AM_EUNKNOWN;
		error = r;
	} else if (am_reply_int(r->element[0]) == 0) {
		rc = -AM_EFENCED;
	} else {
		redisReply *answers =
		    am_arena_zalloc(&c->arena, sizeof *answers);

		answers->type = REDIS_REPLY_ARRAY;
		answers->elements = r->elements - 1;
		answers->element = r->element + 1;
		rc = writes_rc(
		    c->b, answers->element, answers->elements, &error);
		c->answers = answers;
	}
	/* the replies must live as long as the commit */
	if (c->answers != NULL || error != NULL) {
		struct am_batch *cmds = c->b;

		c->b = b;
		am_batch_free(cmds);
	} else {
		am_batch_free(b);
	}
	commit_judge(c, rc, error);
}

static void
send_script(struct am_commit *c)
{
	struct am_store *s = c->s;
	struct am_batch *b = am_batch_new(s->turns);

	am_script_build(b, &s->keys, am_str_c(s->owner.text),
	    (int64_t)c->number - 1, c->b, 1, c->exec);
	am_redis_send(s->turns, b, 0, on_script, c);
}

static void
on_exec(void *arg, int rc, struct am_batch *b)
{
	struct am_commit *c = arg;
	struct am_store *s = c->s;
	const redisReply *error = NULL;

	(void)b; /* is c->b */
	if (s->freed) {
		am_commit_destroy(c);
		return;
	}
	s->turn.watching = false;
	if (rc != 0) {
		s->unknown = c;
		return;
	}
	rc = am_exec_rc(c->b, &error);
	if (rc == -AM_EFULL && c->must_go_on) {
		send_script(c);
		return;
	}
	if (rc == 0 || rc == -AM_EPROTO)
		c->answers = am_batch_reply(c->b, c->exec);
	commit_judge(c, rc, error);
}

/* Not sent at all. */
static void
on_not_sent(void *arg, int rc, struct am_batch *b)
{
	struct am_commit *c = arg;

	(void)b;
	if (c->s->freed)
		am_commit_destroy(c);
	else
		commit_over(c, rc);
}

void
am_commit_send(struct am_commit *c, am_commit_cb *cb, void *arg)
{
	struct am_store *s = c->s;
	int rc = 0;

	AM_ASSERT(s->turn.phase == AM_TURN_OPEN);
	c->cb = cb;
	c->arg = arg;
	s->turn.phase = AM_TURN_COMMITTING;
	s->in_flight = c;
	if (s->owner.phase != AM_OWNER_MINE)
		rc = s->owner.held ? -AM_ECANCELED : -AM_EFENCED;
	else if (s->turn.dead || !am_redis_up(s->turns) ||
		 s->turn.generation != am_redis_generation(s->turns))
		rc = -AM_ECANCELED;
	am_commit_write(c);
	if (rc != 0)
		am_redis_defer(s->turns, c->b, rc, on_not_sent, c);
	else
		am_redis_send(s->turns, c->b, 0, on_exec, c);
}

/* ---- the unknown outcome ---- */

void
am_commit_resolve(struct am_store *s, bool mine)
{
	struct am_commit *c = s->unknown;

	if (c == NULL)
		return;
	s->unknown = NULL;
	if (!mine) {
		commit_over(c, -AM_EFENCED);
	} else if (s->cursor.commit == c->number) {
		am_commit_learn(c);
		commit_over(c, 0);
	} else {
		commit_over(c, -AM_ECANCELED);
	}
}

/* ---- answers ---- */

/* Score of the first member in the answer to the i-th command. */
static am_ms
first_score(const struct am_commit *c, size_t i)
{
	const redisReply *r;
	double score;

	if (c->answers == NULL || i == 0 || i - 1 >= c->answers->elements)
		return 0;
	r = c->answers->element[i - 1];
	if (r->type != REDIS_REPLY_ARRAY || r->elements < 2)
		return AM_NEVER;
	/* scores are whole ms; "inf" is beyond all of them */
	score = strtod(am_reply_str(r->element[1]).p, NULL);
	return score < (double)INT64_MAX ? (am_ms)score : AM_NEVER;
}

am_ms
am_commit_wake(const struct am_commit *c)
{
	return first_score(c, c->wake_ask);
}

am_ms
am_commit_out(const struct am_commit *c, const char *outbox)
{
	const struct am_outbox *o;

	for (o = (const struct am_outbox *)c->outboxes.first; o != NULL;
	     o = (const struct am_outbox *)o->item.next)
		if (am_str_is(o->item.a, outbox))
			return first_score(c, o->ask);
	return 0;
}
