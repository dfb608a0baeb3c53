#pragma once

/*
 * record - the packed forms in Redis (layer: codec).
 *
 * First byte: version. A daemon reads every version up to its own and writes
 * its own; a version above gives -AM_EUNSUPPORTED (the record is parked). Any
 * other fault gives -AM_EINVAL. Bytes may be hostile: every length is checked
 * against what is left before anything is allocated.
 */

#include "base/buf.h"

#include <amends/complaint.h>

/* 1: before the slots behind the stages; 2: before classes and providers */
#define AM_RECORD_VERSION 3

/*
 * Append the complaint. The id is the key's and is not in the bytes; nor is
 * what means nothing: running_since of a clock that does not run, in_flight.
 * Deterministic: equal complaints give equal bytes, and unpacking and packing
 * again gives the same bytes.
 */
void am_record_pack(const struct am_complaint *c, struct am_buf *out);
/* Slices borrow from id and bytes; lists and loop_ref lie in the arena. */
AM_MUSTCHECK int am_record_unpack(struct am_str id, struct am_str bytes,
    struct am_arena *a, struct am_complaint *c);

enum am_attempt_result {
	AM_TRY_STARTED, /* no outcome known: in flight, or the owner died */
	AM_TRY_OK,
	AM_TRY_RETRY,
	AM_TRY_PERMANENT,
	AM_TRY_UNCERTAIN,
};

/* How far a follow-up has come that a provider forwards (FU5). */
enum am_fu_progress {
	AM_FU_QUEUED,	 /* to be sent */
	AM_FU_ACCEPTED,	 /* the provider has it; its receipt is waited for */
	AM_FU_UNCERTAIN, /* it may have it; sent again by nobody but a person */
	AM_FU_PROGRESS_N,
};

#define AM_ATTEMPTS_KEPT 32
#define AM_EXCERPT_KEPT 512 /* bytes of an answer kept with its follow-up */
#define AM_MEMBERS_MAX 512  /* follow-ups in one digest */

struct am_attempt {
	am_ms started, ended; /* ended 0: not known */
	uint8_t result;	      /* enum am_attempt_result */
	uint16_t status;      /* HTTP status, 0: none */
	struct am_str error;  /* short, "" when none */
};

/* A follow-up that goes out in a digest. */
struct am_fu_member {
	uint8_t id[16];
	struct am_str complaint;
};

/*
 * `{s}:fu:<id>`: what it takes to send one follow-up, and what was tried. The
 * body lies in the same value: a key of its own costs Redis more than writing
 * the bytes again with each attempt.
 */
struct am_fu_record {
	uint8_t id[16];
	struct am_str complaint;
	struct am_str endpoint;
	struct am_str rung_name;
	uint8_t clock, rung;
	uint16_t entry, cycle;
	uint8_t reason, to, tier; /* enum am_reason, enum am_role, tier index */
	am_ms due_at, fired_at;
	am_ms next_at;
	struct am_str trace_id;
	struct am_attempt *attempts; /* oldest first */
	size_t attempts_n; /* only the last AM_ATTEMPTS_KEPT are packed */
	uint32_t attempts_total;
	/* behind version 1 */
	bool catchup;	      /* fired late, after an outage: paced */
	struct am_str group;  /* goes out with its like in one digest; "" */
	struct am_str digest; /* id of the digest that carries it; "" */
	struct am_fu_member *members; /* of a digest; else none */
	size_t members_n;
	/* behind version 2 */
	uint8_t class;	  /* as in am_waiting */
	bool replayed;	  /* it was dead, and a person sent it again */
	uint8_t progress; /* enum am_fu_progress */
	am_ms handed_at;  /* when it became ACCEPTED or UNCERTAIN, 0: not */
	struct am_str provider_id; /* the provider's name for it; "" */
	struct am_str excerpt;	   /* of the last answer that was no success,
				      redacted, at most AM_EXCERPT_KEPT; "" */
	struct am_str body;	   /* what every attempt sends */
};

/* As above; id_text is the follow-up id of the key. */
void am_fu_record_pack(const struct am_fu_record *f, struct am_buf *out);
AM_MUSTCHECK int am_fu_record_unpack(struct am_str id_text, struct am_str bytes,
    struct am_arena *a, struct am_fu_record *f);

/* When it was fired, from the first AM_FU_HEAD_BYTES of the bytes. */
#define AM_FU_HEAD_BYTES 384
AM_MUSTCHECK int am_fu_record_fired(struct am_str head, am_ms *fired_at);
