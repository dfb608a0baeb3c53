#pragma once

/*
 * contact - what a shard knows about an address (layer: daemon).
 *
 * `{s}:contact:<hmac>` is a hash under an HMAC of the address by a key of the
 * data set (`{s}:contact:key`): it says that somebody wants no more texts, what
 * was sent to them lately, and which questions are open. It holds no address
 * and no text. Facts are loaded in a turn, judged, and written in its commit,
 * so a STOP counts for the next claim. Facts but an opt-out end by themselves
 * (PEXPIRE).
 *
 * An address is a number in E.164 ("+8613800138000") or a mail address in lower
 * case; the same address has one contact, whichever endpoint it was used by.
 */

#include "daemon/turn.h"

#define AM_CONTACT_QUESTIONS 8 /* newest open ones kept */
/* newest sendings kept an endpoint; no window needs more */
#define AM_CONTACT_SENDS AM_CONF_WINDOW_MAX

/* A question (reason `ask`, to the customer) that went to this address. */
struct am_contact_question {
	struct am_str complaint, followup_id;
	am_ms at;
	size_t reach_at; /* for replies.c: who is asked by now */
};

struct am_contact_sends; /* what went out by one endpoint */

struct am_contact {
	struct am_str address;	    /* in the turn only; never written */
	struct am_str key;	    /* "{s}:contact:…" */
	am_ms opted_out_at;	    /* of texts (sms); 0: not */
	struct am_str opted_out_by; /* the word, or "provider" */
	struct am_contact_question questions[AM_CONTACT_QUESTIONS]; /* newest
								       first */
	size_t questions_n;
	struct am_str last; /* complaint of the last sending, "" none */
	const struct redisReply *facts; /* HGETALL as loaded */
	struct am_contact_sends *sends; /* by endpoint, read when asked for */
	struct am_contact *next;	/* of the turn */
	struct am_batch *asked;		/* its facts come with this one … */
	size_t asked_at;		/* … as that command; NULL: read */
};

/* "+86 138-0013-8000" to E.164, "A@B.example" to lower case. False when it is
 * neither. */
bool am_contact_normalise(
    struct am_arena *a, struct am_str address, struct am_str *out);

/*
 * Learn the key of the data set before the first contact of an ownership, as
 * am_repeat_learn() does: true when a batch is on its way and next runs behind
 * it. b NULL: a batch of its own.
 */
bool am_contact_learn(
    struct am_turn *t, struct am_batch *b, void (*next)(struct am_turn *t));
/* The key as it stands in Redis (hex, "" when there is none) was read outside
 * of a turn; false: it is no key. */
bool am_contact_learnt(struct am_shard *sh, struct am_str hex);
/* The contact of a normalised address in this turn, one a turn; asks for its
 * facts in b when it is new. The key is known. */
struct am_contact *
am_contact_ask(struct am_turn *t, struct am_batch *b, struct am_str address);
/* The batch of the above is in. */
void am_contact_read(struct am_turn *t, struct am_batch *b);

/*
 * The instant from which f may go by ep to this address without a window seeing
 * too many; t->now: now. f itself, tried before, does not count.
 */
am_ms am_contact_window(struct am_turn *t, struct am_contact *c,
    const struct am_conf_endpoint *ep, const struct am_fu_record *f);

/* Writes, into t->commit; what is asked of c afterwards counts them. */
void am_contact_sent(struct am_turn *t, struct am_contact *c,
    const struct am_conf_endpoint *ep, const struct am_fu_record *f);
/* by: the word, or "provider"; NULL: opted in again. */
void am_contact_opt(struct am_turn *t, struct am_contact *c, const char *by);
/* Nothing leads from this address to that complaint any more. */
void am_contact_forget(
    struct am_turn *t, struct am_contact *c, struct am_str complaint);
/* The question is answered, or its complaint has gone on. */
void am_contact_answered(
    struct am_turn *t, struct am_contact *c, struct am_str complaint);
