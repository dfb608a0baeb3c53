#pragma once

/*
 * produce - POST /v1/events (layer: daemon).
 *
 * Who sends is known by the credential: every producer of conf is tried,
 * whichever fits, and the first that fits it is. /v1/events/NAME names it, and
 * only that one is tried. 202 is said behind Redis's answer to the write, never
 * before; see writer.h. OPTIONS is the handshake of CloudEvents' webhooks.
 */

#include "daemon/engine.h"
#include "intake/http.h"

#define AM_PRODUCE_PATH "/v1/events"
#define AM_PRODUCE_NAMED "/v1/events/"

struct am_produce;

struct am_produce *am_produce_new(struct am_engine *e);
/* Before the last turn of the loop; requests that wait are gone. */
void am_produce_free(struct am_produce *p);

am_http_handler am_produce_on_request; /* POST; arg: the engine */
am_http_handler am_produce_on_options;

/* The configuration was switched. */
void am_produce_reconfigure(struct am_produce *p);

/* Every request has its answer. */
bool am_produce_quiet(const struct am_produce *p);

/* What became of a producer's requests, since the start. */
struct am_produce_count {
	const char *name;
	uint64_t accepted, duplicate, passed_over; /* events */
	/* requests */
	uint64_t refused;      /* 400 409 413 415 422 */
	uint64_t unauthorized; /* 401 that named it, 403 */
	uint64_t limited;      /* 429 */
	uint64_t unavailable;  /* 503 */
};

/* The i-th, NULL behind the last: those of the configuration, and before its
 * time those that it had. */
const struct am_produce_count *
am_produce_count(const struct am_produce *p, size_t i);
/* 401 of nobody that is known. */
uint64_t am_produce_strangers(const struct am_produce *p);

/* Why events are not taken at present, for people, until the next call; NULL:
 * they are, or nobody may send any. */
const char *am_produce_wrong(const struct am_produce *p);

/* The member "events" of the status's "http". */
void am_produce_status(const struct am_produce *p, struct am_buf *out);
