#pragma once

/*
 * sends - the parts of the turn that sends (internal to daemon/turn_sends.c,
 * turn_outcomes.c and turn_claims.c).
 */

#include "codec/record.h"
#include "daemon/turn.h"

/* A turn takes half of what is commonly in flight, so that the other half is on
 * the wire while Redis works; what batching gains is had by 16. */
#define CLAIMS_MAX 32
#define OUTCOMES_MAX 32

/* One id of an outbox that this turn works on. */
struct am_claim {
	struct am_lane *lane;
	struct am_str id; /* text */
	struct am_fu_record row;
	const char *dead;	    /* why it ends */
	struct am_sending *sending; /* started when committed */
	bool gone;		    /* no row: only its score is left */
	bool later;		    /* put off since its id was read */
};

/* ---- turn_outcomes.c ---- */

/* Take those that are in, and name their complaints. */
void am_outcomes_take(struct am_turn *t);
void am_outcome_write(struct am_turn *t, struct am_sending *s);
/* They are in Redis; or they are put back, for a later turn to write. */
void am_outcomes_forget(struct am_turn *t);
void am_outcomes_keep(struct am_turn *t);
/* Dead for good: the letter keeps row and body, the complaint hears of it. */
void am_fu_write_dead(struct am_turn *t, const struct am_fu_record *f,
    struct am_str id, const char *reason, int status);

/* ---- turn_claims.c ---- */

/* How many of the lane's follow-ups this turn may take. */
unsigned am_lane_room(struct am_shard *sh, struct am_lane *lane, am_ms now);
void am_claim_add(struct am_turn *t, struct am_lane *lane, struct am_str id);
/* A row that was loaded; what is in no state to be sent is passed over. */
void am_claim_row(struct am_turn *t, struct am_claim *k, struct am_str row);
void am_claim_write(struct am_turn *t, struct am_claim *k);
/* go: the claims are committed, their sendings start. */
void am_claims_end(struct am_turn *t, bool go);
