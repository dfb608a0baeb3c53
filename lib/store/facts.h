#pragma once

/* facts - what a Redis is like (layer: store). */

#include <hiredis/hiredis.h>

#include <amends/base.h>

/* Learnt at each connection, the memory again and again. */
struct am_redis_facts {
	char version[32];
	char durability[3]; /* "D0" "D1" "D2" */
	char policy[32];    /* maxmemory-policy */
	uint64_t maxmemory, used_memory;
	am_ms clock_diff; /* Redis TIME minus ours */
};

/* Of the text of INFO, or of `INFO memory` */
void am_facts_memory(struct am_redis_facts *f, struct am_str info);
void am_facts_version(struct am_redis_facts *f, struct am_str info);
/* fsync: of CONFIG GET appendfsync, which is not in INFO, and an ACL may hide
 * CONFIG: then D1. */
void am_facts_durability(
    struct am_redis_facts *f, struct am_str info, const redisReply *fsync);
