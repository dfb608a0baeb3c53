/*
 * reply - see reply.h.
 *
 * The objects are true redisReply structs, zeroed: hiredis itself looks into
 * them (a push of the server, an error before the first command), and so may
 * every reader of replies.
 */
#include "store/reply.h"

#include <string.h>

#include "base/str.h"
#include "store/redis.h"

static redisReply *
reply_new(const redisReadTask *t)
{
	redisReply *r = am_arena_zalloc(am_reply_arena(t->privdata), sizeof *r);

	r->type = t->type;
	if (t->parent != NULL) {
		redisReply *up = t->parent->obj;

		up->element[t->idx] = r;
	}
	return r;
}

static void *
make_string(const redisReadTask *t, char *p, size_t n)
{
	redisReply *r = reply_new(t);
	char *copy = am_arena_alloc(am_reply_arena(t->privdata), n + 1);

	memcpy(copy, p, n);
	copy[n] = '\0';
	r->str = copy;
	r->len = n;
	return r;
}

#if HIREDIS_MAJOR >= 1
static void *
make_array(const redisReadTask *t, size_t n)
#else
static void *
make_array(const redisReadTask *t, int n)
#endif
{
	redisReply *r;

	if ((long long)n < 0 || (long long)n > AM_REPLY_ELEMENTS_MAX)
		return NULL; /* hiredis drops the connection */
	r = reply_new(t);
	r->elements = (size_t)n;
	if (n > 0)
		r->element = am_arena_zalloc(am_reply_arena(t->privdata),
		    (size_t)n * sizeof *r->element);
	return r;
}

static void *
make_integer(const redisReadTask *t, long long v)
{
	redisReply *r = reply_new(t);

	r->integer = v;
	return r;
}

static void *
make_nil(const redisReadTask *t)
{
	redisReply *r = reply_new(t);

	r->type = REDIS_REPLY_NIL; /* the task still says string or array */
	return r;
}

#if HIREDIS_MAJOR >= 1
static void *
make_double(const redisReadTask *t, double v, char *p, size_t n)
{
	redisReply *r = make_string(t, p, n);

	r->dval = v;
	return r;
}

static void *
make_bool(const redisReadTask *t, int v)
{
	return make_integer(t, v != 0);
}
#endif

static void
leave_to_arena(void *reply)
{
	(void)reply;
}

static redisReplyObjectFunctions in_arena = {
	.createString = make_string,
	.createArray = make_array,
	.createInteger = make_integer,
#if HIREDIS_MAJOR >= 1
	.createDouble = make_double,
	.createBool = make_bool,
#endif
	.createNil = make_nil,
	.freeObject = leave_to_arena,
};

void
am_reply_hook(redisReader *reader, void *arg)
{
	reader->fn = &in_arena;
	reader->privdata = arg;
	reader->maxbuf = 256 * 1024; /* keep the buffer over a full batch */
}

struct am_str
am_reply_str(const redisReply *r)
{
	if (r == NULL || r->str == NULL)
		return (struct am_str){ NULL, 0 };
	return (struct am_str){ r->str, r->len };
}

int64_t
am_reply_int(const redisReply *r)
{
	int64_t v;

	if (r == NULL)
		return 0;
	if (r->type == REDIS_REPLY_INTEGER)
		return r->integer;
	if (am_str_i64(am_reply_str(r), &v) != 0)
		return 0;
	return v;
}

bool
am_reply_is_error(const redisReply *r)
{
	return r != NULL && r->type == REDIS_REPLY_ERROR;
}

int
am_reply_rc(const redisReply *r)
{
	static const struct {
		const char *word;
		int rc;
	} words[] = {
		{ "OOM", AM_EFULL },
		{ "LOADING", AM_EBUSY },
		{ "READONLY", AM_EBUSY },
		{ "BUSY", AM_EBUSY },
		{ "MISCONF", AM_EBUSY },
		{ "NOREPLICAS", AM_EBUSY },
		{ "MASTERDOWN", AM_EBUSY },
		{ "TRYAGAIN", AM_EBUSY },
		{ "CLUSTERDOWN", AM_EBUSY },
		{ "WRONGTYPE", AM_EPROTO },
		{ "ERR", AM_EPROTO },
		{ "NOAUTH", AM_EREFUSED },
		{ "WRONGPASS", AM_EREFUSED },
		{ "NOPERM", AM_EREFUSED },
	};
	struct am_str s = am_reply_str(r);
	const char *end;

	if (!am_reply_is_error(r))
		return 0;
	end = memchr(s.p, ' ', s.n);
	if (end != NULL)
		s.n = (size_t)(end - s.p);
	for (size_t i = 0; i < AM_COUNT(words); i++)
		if (am_str_is(s, words[i].word))
			return -words[i].rc;
	return -AM_EUNKNOWN;
}
