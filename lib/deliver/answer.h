#pragma once

/*
 * answer - what an answer says by the rules of an endpoint (layer: deliver).
 *
 * The lists are tried in their order. Those of failures hold when any rule
 * does, for any element where a pointer has `*`; success holds when all rules
 * do, for every element, of which there is at least one. See
 * conf/answer_rule.h for the rules.
 */

#include "conf/answer_rule.h"
#include "deliver/deliver.h"

/* What came back. */
struct am_answer_seen {
	int status;   /* HTTP */
	bool timeout; /* the request had left, and no whole answer came: status
			 and body say nothing then */
	struct am_str body;
	bool cut; /* the body is longer than max_response */
	/* what we came with and `said` must not show, see redact.h */
	const struct am_str *secrets;
	size_t secrets_n;
};

struct am_answer_verdict {
	enum am_send_class class;
	/* short fixed word, listed in webhook.h; NULL: it was the status, or
	 * that nothing came, which has a word of its own */
	const char *reason;
	am_ms pause;	     /* AM_SEND_THROTTLE: as the rule says, or 0 */
	bool recipient_only; /* AM_SEND_THROTTLE: not the whole endpoint */
	bool opted_out;	     /* AM_SEND_PERMANENT: the recipient wants none */
	char said[AM_SAID_MAX + 1];
};

/*
 * With a 2xx the body has the last word: when any rule looks into JSON, what is
 * no JSON or was cut is AM_SEND_UNCERTAIN, and so is what lacks something that
 * success compares; a comparison that fails is AM_SEND_RETRY. Without a whole
 * answer of 2xx only a rule of the lists before success speaks, and false is
 * given when none does: *v is then as it was.
 */
bool am_answer_judge(const struct am_answer_rules *rules,
    const struct am_answer_seen *seen, struct am_answer_verdict *v);

/*
 * The value at a pointer of RFC 6901 into a JSON body, or of an element of XML
 * ("//NAME"), when it is a text or a whole number of visible ASCII that fits
 * into out with its 0; else "".
 */
void
am_answer_id(struct am_str body, const char *pointer, char *out, size_t out_n);
