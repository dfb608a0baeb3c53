#pragma once

/* sample_int - what the parts of sample share (internal to daemon/sample.c,
 * which asks, sample_build.c and sample_rows.c, which tell). */

#include <string.h>

#include "daemon/sample.h"
#include "daemon/shard.h"

#define AM_SAMPLE_GROUPS 50
#define AM_SAMPLE_REJECTS 100 /* looked at: one may have 64 KiB */

/* Letters or rejects of one shard by cause. */
struct am_letters {
	struct am_arena arena; /* the groups' */
	struct am_letter_group {
		const char *a, *b; /* endpoint and reason, or code and field */
		int64_t n;
		am_ms newest_at;
		const char *id, *complaint, *text, *entry;
	} groups[AM_SAMPLE_GROUPS];
	size_t groups_n;
	int64_t length; /* of the stream, -1: not known */
	char last[48];	/* the newest, as of which the groups are */
	int64_t read_length;
	am_ms read_at; /* 0: never */
};

/* What the batches hold, by index. */
enum {
	FIRST_TALLY,
	FIRST_DEAD,
	FIRST_REJECTS,
	FIRST_PARKED,
	FIRST_ENDPOINTS,
	FIRST_PAUSED,
	FIRST_OUTS,
	FIRST_CURSOR,
	FIRST_TODAY,
	FIRST_YESTERDAY,
	/* of the first shard only */
	FIRST_INFO,
	FIRST_FSYNC
};
enum { SECOND_UNREAD, SECOND_GROUPS, SECOND_OUTS };
enum { THIRD_DUE, THIRD_DUE_N, THIRD_DAYS };

/* The last answers of one shard; kept while it does not answer. */
struct am_shard_sample {
	struct am_sampler *sampler;
	size_t i;
	struct am_batch *first, *second, *third, *days;
	struct am_batch *next[3]; /* of the answer that is being put together */
	int64_t days_from;	  /* civil day of its first */
	am_ms days_at;
	am_ms asked_at;	   /* of the answers above */
	am_ms now;	   /* by which they were asked */
	am_ms answered_at; /* 0: never */
	bool asking;	   /* a batch is on its way */
	bool counted;	   /* of those that this sample waits for */
	bool fresh;	   /* it has answered for this sample */
	struct am_letters dead, rejects;
};

struct am_sampler {
	struct am_engine *engine;
	struct am_sample *last;
	struct am_shard_sample *shards;
	size_t shards_n, waiting_n;
	bool asking;
	am_ms began;
	struct am_wanted {
		struct am_wanted *next;
		am_sample_cb *cb;
		void *arg;
	} * wanted, **wanted_tail;
	struct event *deadline, *answer;
};

/* The civil day, since 1970-01-01, that is the latest in any loop's zone. */
int32_t am_sample_today(const struct am_conf *conf, am_ms now);
void am_sample_day(int32_t day, char text[9]); /* "20261122" */
/* Time of the first unread entry, AM_NEVER: none. */
am_ms am_sample_unread(const struct am_shard_sample *p);

struct am_sample *am_sample_make(struct am_sampler *s);

/* One that is being made. */
struct am_sample_build {
	struct am_sampler *s;
	struct am_engine *e;
	const struct am_conf *conf;
	struct am_sample *out;
	struct am_arena *a; /* out's */
};

/* NULL when there was no answer yet. */
static inline const redisReply *
am_sample_reply(const struct am_batch *b, size_t i)
{
	return b != NULL ? am_batch_reply(b, i) : NULL;
}
/* The score of the one entry of a ZRANGE; 0: there is none, or +inf. */
am_ms am_sample_score(const redisReply *r);
/* NULL gives "". */
static inline const char *
am_sample_copy(struct am_sample_build *b, const char *s)
{
	return s != NULL ? am_arena_cstr(b->a, (struct am_str){ s, strlen(s) })
			 : "";
}
void am_sample_add_endpoints(struct am_sample_build *b);
void am_sample_add_dead(struct am_sample_build *b);
void am_sample_add_rejects(struct am_sample_build *b);
void am_sample_add_paused(struct am_sample_build *b);
