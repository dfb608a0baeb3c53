#pragma once

/*
 * sends - the parts of the turn that sends (internal to daemon/turn_sends.c,
 * turn_claims.c, turn_outcomes.c and digest.c).
 */

#include "codec/record.h"
#include "daemon/alerts.h"
#include "daemon/turn.h"

/* A turn takes half of what is commonly in flight, so that the other half is on
 * the wire while Redis works; what batching gains is had by 16. */
#define CLAIMS_MAX 32
#define OUTCOMES_MAX 32

enum am_fate {
	AM_FATE_STAYS,	/* nothing is written */
	AM_FATE_GONE,	/* no row: its score goes */
	AM_FATE_ENDS,	/* what it speaks of is over */
	AM_FATE_CLOSES, /* ends without an attempt: `state`, `why` */
	AM_FATE_HOLDS,	/* nobody knows whether it was sent; not again */
	AM_FATE_LATER,	/* a new score: `until` */
	AM_FATE_GROUP,	/* the digest of its group is due */
	AM_FATE_RIDES,	/* goes out in a digest */
	AM_FATE_SEND,
};

/* One id of an outbox that this turn works on. */
struct am_claim {
	struct am_lane *lane;
	const struct am_conf_endpoint *ep; /* NULL: it has left conf */
	struct am_str id;		   /* text */
	struct am_fu_record row;
	enum am_fate fate;
	const char *state, *why;    /* how it ends */
	const char *detail;	    /* for the log; NULL: nothing more to say */
	struct am_str to;	    /* number or address; "" none */
	struct am_contact *contact; /* of that address; may be NULL */
	am_ms until;
	const struct am_silence *silence; /* that put it off */
	bool joins; /* a digest of its group takes it along, due or not */
	struct am_sending *sending; /* started when committed */
};

/* The complaint it speaks of, for a log line; a digest speaks of several, an
 * alert of none. */
static inline struct am_str
am_fu_about(const struct am_fu_record *f)
{
	if (am_fu_is_alert(f))
		return AM_STR("-");
	return f->members_n != 0 ? AM_STR("several") : f->complaint;
}

/* ---- turn_outcomes.c ---- */

/* Take those that are in, and name their complaints. */
void am_outcomes_take(struct am_turn *t);
/* Add to b what else must be known of them. */
void am_outcomes_ask(struct am_turn *t, struct am_batch *b);
void am_outcome_write(struct am_turn *t, struct am_sending *s);
/* They are in Redis; or they are put back, for a later turn to write. */
void am_outcomes_forget(struct am_turn *t);
void am_outcomes_keep(struct am_turn *t);

/* How a follow-up ended. */
struct am_fu_ending {
	struct am_str endpoint;
	const char *state, *reason;
	uint32_t attempts;
	int status;
	const char *digest; /* id; NULL: it went by itself */
};
/* The row, behind an attempt of which nobody knows whether it arrived, by an
 * endpoint that does not try again: it waits for a receipt, or ends. */
void am_fu_uncertain(struct am_turn *t, struct am_fu_record *f,
    const struct am_conf_endpoint *ep, const char *why, int status);
/* Nobody will tell what became of it: the next channel goes, and when there is
 * none it is dead. Gives the state in which it ends. */
const char *am_fu_unknown(struct am_turn *t, const struct am_fu_record *f,
    const char *why, int status);
/* The complaint hears of it. */
void am_fu_tell(struct am_turn *t, struct am_str complaint, struct am_str id,
    const struct am_fu_ending *end);
/* It ends: row and score go, whoever it speaks of hears of it. Dead ones leave
 * a letter. */
void am_fu_finish(struct am_turn *t, const struct am_fu_record *f,
    const char *state, const char *reason, int status);
/* It has not ended yet, or nobody can tell: the complaint is parked. */
bool
am_fu_waits(struct am_turn *t, struct am_str complaint, const uint8_t id[16]);
/* No attempt more: its stage is over, or its complaint is no more. The
 * complaint was loaded. */
bool
am_fu_is_over(struct am_turn *t, struct am_str complaint, const uint8_t id[16]);

/* If it failed, another channel would be tried. The complaint was loaded. */
bool
am_fu_goes_on(struct am_turn *t, struct am_str complaint, const uint8_t id[16]);
bool am_fu_may_be_unknown(
    struct am_turn *t, struct am_str complaint, const uint8_t id[16]);
/* Of those made since it fired or was replayed; there is one. */
am_ms am_fu_first_try(const struct am_fu_record *f);

/* ---- turn_claims.c ---- */

void am_claim_add(struct am_turn *t, struct am_lane *lane, struct am_str id);
/* A row that was loaded. */
void am_claim_row(struct am_turn *t, struct am_claim *k, struct am_str row);
/* Name the complaints that must be known to judge it. */
void am_claim_name(struct am_turn *t, struct am_claim *k);
/* May it go now; else why not, and until when. */
void am_claim_judge(struct am_turn *t, struct am_claim *k);
/* What is catch-up waits for its turn; a claim that may go, or LATER. */
void am_claim_pace(struct am_turn *t, struct am_claim *k);
const struct am_silence *
am_claim_silenced(struct am_turn *t, const struct am_fu_record *f);
void am_claim_write(struct am_turn *t, struct am_claim *k);
/* go: the claims are committed, their sendings start. */
void am_claims_end(struct am_turn *t, bool go);

/* ---- digest.c ---- */

/* It may go out in a digest: grouped, to staff, not tried by itself yet. */
bool am_digest_takes(const struct am_fu_record *f);
/* The instant at which the digest is due that this one would begin. */
am_ms am_digest_due(struct am_turn *t, const struct am_fu_record *f);
/* Of a digest: name its members' complaints; letters: their rows too. */
void
am_digest_name(struct am_turn *t, const struct am_fu_record *f, bool letters);
/* Members that wait and are not over. */
size_t am_digest_alive(struct am_turn *t, const struct am_fu_record *f);
/* What is over leaves the digest; f has the rest. */
void am_digest_shed(struct am_turn *t, struct am_fu_record *f, int status);
void am_digest_finish(struct am_turn *t, const struct am_fu_record *f,
    const char *state, const char *reason, int status);
/* Ask for what the digests of this turn need: rows of members, and what else
 * stands in the outboxes. False: for nothing. */
bool am_digests_ask(struct am_turn *t, struct am_batch *b);
/* The answer. */
void am_digests_answer(struct am_turn *t, const struct am_batch *b);
/* Put those together whose time has come; their claims become attempts. */
void am_digests_compose(struct am_turn *t);
