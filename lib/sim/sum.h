#pragma once

/*
 * sum - what a run of a world came to, in figures (layer: sim).
 *
 * Fed with every step. Takes the `own` slot of the world's complaints.
 */

#include <uthash.h>

#include "base/buf.h"
#include "sim/world.h"

struct am_sum_clock {
	const char *name;
	uint64_t started, met, missed, warned, raised;
	am_ms *took; /* of those met: working time used; sorted by reading */
	size_t took_n, took_cap;
	bool sorted;
};

/* Messages to a role by an endpoint. */
struct am_sum_way {
	enum am_role to;
	const char *endpoint; /* "" when none was usable */
	uint64_t sent, dead;
	uint64_t grouped; /* of those sent: would go in a digest */
};

struct am_sum_refusal {
	const char *event;
	char code[32], field[64];
	uint64_t n;
};

/* One complaint. */
struct am_sum_case {
	UT_hash_handle hh;
	char id[AM_ID_MAX + 1];
	enum am_status status;
	enum am_outcome outcome;
	uint32_t missed, raised, sent, dead, reopened, refused;
	am_ms closed_at;
};

#define AM_SUM_CLOCKS_MAX 128
#define AM_SUM_WAYS_MAX 256
#define AM_SUM_REFUSALS_MAX 64

struct am_sum {
	struct am_arena a;
	uint64_t events, applied, ignored, duplicates, refused;
	uint64_t reopened, suppressed;
	struct am_sum_case *cases; /* uthash, in order of appearance */
	struct am_sum_clock *clocks[AM_SUM_CLOCKS_MAX];
	size_t clocks_n;
	struct am_sum_way ways[AM_SUM_WAYS_MAX];
	size_t ways_n;
	struct am_sum_refusal refusals[AM_SUM_REFUSALS_MAX];
	size_t refusals_n;
	const struct am_loopdef *def; /* of the row below: the last one seen */
	struct am_sum_clock *slots[AM_CLOCKS_MAX];
};

void am_sum_init(struct am_sum *s);
void am_sum_fini(struct am_sum *s);
void am_sum_add(struct am_sum *s, const struct am_told *t);

/* Complaints that came to it in the end: opened at all, still open or held,
 * closed with that outcome. */
size_t am_sum_opened(const struct am_sum *s);
size_t am_sum_open(const struct am_sum *s);
size_t am_sum_closed(const struct am_sum *s, enum am_outcome outcome);
uint64_t am_sum_missed(const struct am_sum *s);
uint64_t am_sum_raised(const struct am_sum *s);
uint64_t am_sum_sent(const struct am_sum *s);
/* The share pct of those met took no longer; 0 when none was. */
am_ms am_sum_took(struct am_sum_clock *k, int pct);
/* NULL: no clock of that name has run. */
struct am_sum_clock *am_sum_clock(const struct am_sum *s, const char *name);
struct am_sum_case *am_sum_case(const struct am_sum *s, const char *id);

/* As one JSON object. */
void am_sum_json(struct am_sum *s, struct am_buf *b);
