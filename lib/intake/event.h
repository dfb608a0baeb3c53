#pragma once

/*
 * event - stream entries and JSON bodies become events (layer: intake).
 *
 * Three carriers: flat fields, one field `json` (envelope), one field
 * `cloudevent` (CloudEvents 1.0 JSON). The last two are read by a one-pass
 * reader that makes the same flat pairs ("customer.phone", "respondents[0]").
 *
 * Reject codes: no_fields, too_big, bad_utf8, nul_byte, bad_json,
 * bad_cloudevent, unknown_version, missing_field, bad_value, too_long,
 * unknown_event, unsupported; and those of am_event_check().
 */

#include "base/arena.h"

#include <amends/event.h>

#define AM_EVENT_BYTES_MAX (256 * 1024) /* names and values of an entry */
#define AM_EVENT_FIELDS_MAX 256		/* for JSON: values, nulls counted */

/*
 * Written by the replay of a reject: the time (ms, decimal) at which the entry
 * first came, which then stands for its own, if that is later. This field and
 * event_id may stand beside a carrier; event_id counts where the JSON has none.
 */
#define AM_RECEIVED_AT "amends.received_at"

struct am_decode_opts {
	am_ms now, max_skew; /* an entry's time is clamped to now + max_skew */
	bool trust_event_time; /* occurred_at rules the clocks, clamped too */
};

/*
 * Decode the entry `id` ("MS-SEQ") with its fields. *ev borrows from the
 * fields and the arena. 0, or -AM_EINVAL/-AM_EUNSUPPORTED/-AM_ETOOBIG with
 * *why filled. The event was checked against the table (am_event_check) and
 * its complaint id derived where the table allows it.
 */
AM_MUSTCHECK int am_event_decode(struct am_str id, const struct am_pair *fields,
    size_t n, const struct am_decode_opts *opts, struct am_arena *a,
    struct am_event *ev, struct am_reject *why);

/*
 * Fill *why (shares field) and give the error that fits the code: -AM_ETOOBIG
 * for too_big, -AM_EUNSUPPORTED for unsupported and unknown_version, else
 * -AM_EINVAL.
 */
int am_reject_fill(struct am_reject *why, const char *code, struct am_str field,
    const char *fmt, ...) AM_PRINTF(4, 5);

/* "MS-SEQ" to numbers; -AM_EINVAL when malformed. */
AM_MUSTCHECK int
am_stream_id_parse(struct am_str id, uint64_t *ms, uint64_t *seq);
/* <0, 0, >0 in stream order; a malformed id stands before every other. */
int am_stream_id_cmp(struct am_str a, struct am_str b);
