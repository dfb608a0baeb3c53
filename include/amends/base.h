#pragma once

/*
 * base - types and words that every layer shares (layer: base).
 *
 * Time is am_ms: milliseconds. An instant is milliseconds since 1970-01-01
 * 00:00 UTC, a span is a difference; AM_NEVER is an instant that does not come.
 *
 * Errors: a function that can fail returns 0 or -AM_E*; output parameters are
 * untouched on failure. There is no error for a lack of memory: the process
 * ends (all state is in Redis).
 *
 * Ownership words used in all headers: owns, borrows, takes, gives, shares. A
 * parameter without a word is borrowed for the call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t am_ms;

#define AM_NEVER INT64_MAX
#define AM_SECOND ((am_ms)1000)
#define AM_MINUTE (60 * AM_SECOND)
#define AM_HOUR (60 * AM_MINUTE)
#define AM_DAY (24 * AM_HOUR)

#define AM_MUSTCHECK __attribute__((warn_unused_result))
#define AM_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define AM_NORETURN __attribute__((noreturn))
#define AM_COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum am_err {
	AM_EINVAL = 1,	 /* input that breaks a rule */
	AM_EIO,		 /* the other side is unreachable or went away */
	AM_EFENCED,	 /* the shard is owned by somebody else */
	AM_ECANCELED,	 /* ended by its owner before it was done */
	AM_ECONFLICT,	 /* exists already, or a stale version */
	AM_ENOENT,	 /* no such thing */
	AM_ETOOBIG,	 /* over a limit */
	AM_ETIMEDOUT,	 /* no answer in time */
	AM_EPROTO,	 /* an answer that makes no sense */
	AM_EUNSUPPORTED, /* known, but not in force in this version */
	AM_EREFUSED,	 /* not allowed, or turned down by the other side */
	AM_EUNKNOWN,	 /* may or may not have happened */
	AM_ERANGE,	 /* outside what was compiled or can be shown */
	AM_EFULL,	 /* Redis is out of memory (OOM) */
	AM_EBUSY,	 /* not now: loading, busy, no replicas; try again */
};

/* A short lower-case phrase for 0 or -AM_E*; never NULL. */
const char *am_err_str(int rc);

/* A borrowed run of bytes, not terminated; p may be NULL only when n is 0. */
struct am_str {
	const char *p;
	size_t n;
};

#define AM_STR(lit) ((struct am_str){ "" lit, sizeof(lit) - 1 })
/* for printf's "%.*s" */
#define AM_ARG(s) (int)(s).n, ((s).p != NULL ? (s).p : "")

struct am_pair {
	struct am_str key, value;
};

/*
 * What is wrong with an input, for a person: "FILE:LINE: TEXT" where TEXT says
 * what is wrong and, after "; ", what would be right. file may be empty.
 */
struct am_diag {
	char file[256];
	int line; /* 0: the input as a whole */
	char text[512];
};

/*
 * One ownership of one shard. The epoch counts take-overs, the nonce is random
 * and makes every token unique, even after a failover that lost a write.
 * Text form: "EPOCH.INSTANCE.NONCE" with the nonce as 32 hex digits.
 */
struct am_token {
	uint64_t epoch;
	char instance[64];
	uint8_t nonce[16];
};

/* Our own bug: says where, then abort(). Never used on input. */
AM_NORETURN void am_panic(const char *file, int line, const char *what);

#define AM_ASSERT(cond)                                                        \
	do {                                                                   \
		if (__builtin_expect(!(cond), 0))                              \
			am_panic(__FILE__, __LINE__, #cond);                   \
	} while (0)
