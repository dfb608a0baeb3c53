#pragma once

/*
 * answer - what the body of an answer says by the rules of an endpoint (layer:
 * deliver).
 *
 * The lists are tried in their order: throttle_when, permanent_when and
 * retry_when hold when any rule does, for any element where a pointer has `*`;
 * success_when holds when all do, for every element, of which there is at least
 * one. See conf/answer_rule.h for the rules.
 */

#include "conf/answer_rule.h"
#include "deliver/deliver.h"

struct am_answer_verdict {
	enum am_send_class class;
	const char *reason; /* short fixed word, listed in webhook.h */
	am_ms pause;	    /* AM_SEND_THROTTLE: as the rule says, or 0 */
	char said[AM_SAID_MAX + 1];
};

/*
 * ok: the status was 2xx. With a 2xx the body has the last word: what is no
 * JSON, was cut, or lacks what success_when compares is AM_SEND_UNCERTAIN; a
 * comparison that fails is AM_SEND_RETRY. With any other status only a rule of
 * the first three lists speaks, and false is given when none does: *v is then
 * as it was.
 */
bool am_answer_judge(const struct am_answer_rules *rules, struct am_str body,
    bool cut, bool ok, struct am_answer_verdict *v);
