/*
 * facts - the text of INFO, read.
 */

#include "store/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "store/redis.h"

/* The value of "name:" in the text of INFO. */
static struct am_str
info_get(struct am_str info, const char *name)
{
	size_t n = strlen(name);
	const char *p = info.p, *end = info.p + info.n;

	while (p < end) {
		const char *eol = memchr(p, '\r', (size_t)(end - p));

		if (eol == NULL)
			eol = end;
		if ((size_t)(eol - p) > n && memcmp(p, name, n) == 0 &&
		    p[n] == ':')
			return (struct am_str){ p + n + 1,
				(size_t)(eol - p) - n - 1 };
		p = eol + 2;
	}
	return (struct am_str){ NULL, 0 };
}

static uint64_t
info_u64(struct am_str info, const char *name)
{
	uint64_t v = 0;

	if (am_str_u64(info_get(info, name), &v) != 0)
		return 0;
	return v;
}

void
am_facts_memory(struct am_redis_facts *f, struct am_str info)
{
	f->used_memory = info_u64(info, "used_memory");
	f->maxmemory = info_u64(info, "maxmemory");
	snprintf(f->policy, sizeof f->policy, "%.*s",
	    AM_ARG(info_get(info, "maxmemory_policy")));
}

void
am_facts_durability(
    struct am_redis_facts *f, struct am_str info, const redisReply *fsync)
{
	const char *class = "D1";

	if (am_str_is(info_get(info, "aof_enabled"), "0"))
		class = "D0";
	else if (fsync != NULL && fsync->type == REDIS_REPLY_ARRAY &&
		 fsync->elements == 2 &&
		 am_str_is(am_reply_str(fsync->element[1]), "always"))
		class = "D2";
	memcpy(f->durability, class, sizeof f->durability);
}

void
am_facts_version(struct am_redis_facts *f, struct am_str info)
{
	snprintf(f->version, sizeof f->version, "%.*s",
	    AM_ARG(info_get(info, "redis_version")));
}
