#pragma once

/*
 * callback - what a gateway tells, as events (layer: intake).
 *
 * By the description of the provider (conf/provider.h): which fields of a form,
 * a query or a JSON body say which message, what became of it, and what a
 * customer wrote. Pure, but for the arena.
 *
 * A receipt becomes `followup.receipt`, a reply `customer.message`. The event
 * id is made of the provider's, so what is told twice is applied once.
 */

#include "conf/conf.h"
#include "intake/verify.h"

#define AM_CALLBACK_VALUES_MAX 10000 /* in one body */

/* What a request said, as named values. */
struct am_callback_params {
	const struct am_pair *v; /* of the body, or of the query when it has
				    none */
	size_t n;
	const struct am_pair *query;
	size_t query_n;
	bool json; /* else a form, or nothing */
};

/*
 * -AM_EUNSUPPORTED (neither a form nor JSON), -AM_ETOOBIG or -AM_EINVAL with
 * "what is wrong; what would be right" in why, which quotes nothing.
 */
AM_MUSTCHECK int am_callback_read(struct am_str content_type,
    struct am_str query, struct am_str body, struct am_arena *a,
    struct am_callback_params *params, char why[200]);

/* The secrets that callbacks of this endpoint are signed with. */
void am_callback_keys(const struct am_conf_endpoint *ep,
    enum am_provider_verify verify, struct am_verify_keys *keys);

/* One piece of a long text; the whole has `of` of them, 0: it is no piece. */
struct am_callback_part {
	struct am_str ref; /* what the pieces have in common */
	unsigned no, of;   /* from 1 */
};

/* One event. */
struct am_callback_said {
	const struct am_pair *fields; /* of the stream entry, in order */
	size_t n;
	/* of a reply: */
	struct am_callback_part part;
	struct am_str id, from, text;
};

struct am_callback_heard {
	const struct am_callback_said *v;
	size_t n;
	size_t receipts, replies;
	size_t silent; /* elements that say nothing to us */
	const struct am_provider_callback *kind; /* whose answer is due */
};

/* params as read; what *heard holds borrows from them and from the arena. */
void am_callback_hear(const struct am_conf_endpoint *ep,
    const struct am_callback_params *params, struct am_arena *a,
    struct am_callback_heard *heard);

/* The fields of a reply, in the arena; also of one joined from pieces. */
void am_callback_reply(struct am_arena *a, const char *endpoint,
    struct am_str id, struct am_str from, struct am_str text,
    const struct am_pair **fields, size_t *n);
