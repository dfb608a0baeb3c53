#pragma once

/*
 * link_page - what a customer sees behind a signed link (layer: ops).
 *
 * Pure: a few values in, a page or a JSON object out. The complaint's number,
 * its stages, what is promised and when something was done last; no name, no
 * number, no text of anybody (AU2).
 */

#include "base/buf.h"

#include <amends/complaint.h>

struct am_link_page {
	struct am_str id;
	enum am_status status;
	enum am_outcome outcome; /* of a closed one */
	bool waits_customer;	 /* held until the customer says something */
	const char *stages[AM_STAGES_MAX];
	size_t stages_n, at; /* at: the stage it is in, or was in last */
	uint16_t owed;	     /* bit per stage that is still to come */
	am_ms promised;	     /* AM_NEVER: nothing is */
	am_ms updated;
	int32_t promised_offset_s, updated_offset_s; /* of local time */
	bool zh;				     /* else English */
};

void am_link_page_html(const struct am_link_page *p, struct am_buf *out);
/* {"id":…,"status":…,"outcome":…,"stage":…,"stages":[…],"promised_at":…,
 * "updated_at":…}, times in RFC 3339 or null */
void am_link_page_json(const struct am_link_page *p, struct am_buf *out);
/* A page without a complaint: expired, or nothing there. */
void am_link_page_gone(bool zh, bool expired, struct am_buf *out);

/* What the pages name as /c/style.css. */
extern const char am_link_page_css[];
