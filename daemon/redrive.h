#pragma once

/*
 * redrive - what waits for another try gets it now (layer: daemon).
 *
 * All follow-ups of an endpoint that failed and wait for their next attempt
 * become due, in the order in which they fired; what waits for its first one,
 * for whatever reason, is not touched. One shard, page by page, each page an
 * act of its own. The retry budget holds.
 */

#include "daemon/view.h"

#define AM_REDRIVE_PAGE 64

struct am_redrive {
	struct am_op op;
	struct view *v;
	const char *endpoint;
	am_ms since; /* only what fired from then on; 0: all */
	bool dry;    /* says which, and changes nothing */
	/* all of v->shard is done, or rc says why not, as of an am_op */
	void (*done)(struct am_redrive *r, int rc);
	void *arg;
	size_t changed; /* in this shard; dry: would be */
	/* inside */
	uint8_t class; /* the outbox at hand, */
	size_t passed; /* and what stays in it */
	am_ms now;
	char ids[AM_REDRIVE_PAGE][AM_FU_ID_LEN + 1];
	size_t ids_n;
	struct am_fu_record *rows; /* in the turn */
	size_t rows_n;
};

void am_redrive_shard(struct am_redrive *r);
/* `followups retry --endpoint E`; ends the call. */
void am_redrive_verb(struct view *v);

/* "--since TIME" or a span before now, 0 when it is not there; false: the call
 * has ended. */
bool am_verb_since(struct view *v, am_ms *since);
