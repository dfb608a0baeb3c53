#pragma once

/*
 * produced - what a request to /v1/events says, as stream entries (layer:
 * intake).
 *
 * One form whatever came: flat fields, `event`, `event_id` and `source` always
 * among them, and `complaint_id` where the event is about one. Each was decoded
 * as the stream's reader will decode it, so what is taken is not rejected there
 * for its form. Pure, but for the arena.
 *
 * Bodies: the JSON envelope (application/json; an array of them where the
 * producer has `batch`), CloudEvents binary, structured and, with `batch`, in
 * batches; foreign JSON by the producer's maps. All or nothing.
 */

#include "conf/conf.h"
#include "intake/event.h"

#define AM_PRODUCED_MAX 128 /* events in one request */

struct am_produced_event {
	const struct am_pair *fields;
	size_t n;
	struct am_str event_id, source;
	struct am_str complaint_id; /* n == 0: whose it is, is to be found */
};

struct am_produced {
	const struct am_produced_event *v;
	size_t n;
	size_t passed_over; /* elements that no map fits */
	bool list;	    /* the body was a list of them */
};

/* Why nothing is taken: the answer's status and what it says. */
struct am_produced_fault {
	unsigned status;  /* 400 403 413 415 */
	const char *code; /* of am_event_decode(); event_not_allowed,
			     unsupported_media_type, too_many */
	struct am_str field;
	size_t at; /* which of a list; SIZE_MAX: there is no list */
	char text[256];
};

struct am_produced_request {
	const struct am_conf_producer *producer;
	const struct am_pair *headers;
	size_t headers_n;
	struct am_str body;
	struct am_str id; /* of events that have none; n == 0: none */
	struct am_decode_opts decode;
};

/* What *out and fault->field hold lies in the arena or borrows from the
 * request. -AM_EINVAL with *fault. */
AM_MUSTCHECK int
am_produced_read(const struct am_produced_request *req, struct am_arena *a,
    struct am_produced *out, struct am_produced_fault *fault);
