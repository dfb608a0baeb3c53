#pragma once

/*
 * writer - events of producers into the streams, once each (layer: daemon).
 *
 * A connection of its own, for WAIT holds one up. An event has an entry in an
 * index, `{s}:idem:<hash of producer, source, event_id>` = "STREAMID
 * COMPLAINT", for a day: one short script looks it up or writes both, so that a
 * request sent again, or five at once, have the same answer. One batch is on
 * the wire; what comes meanwhile shares the next.
 *
 * Nothing is written while Redis keeps less than redis.require_durability, is
 * over 85 % of its memory or drops keys; with D3 an answer waits for replicas.
 */

#include "daemon/engine.h"

#define AM_WRITE_DETAIL_MAX 192

struct am_writer;

struct am_write_event {
	/* given */
	const struct am_pair *fields;
	size_t n;
	struct am_str producer, source, event_id;
	struct am_str complaint_id; /* n == 0: into every stream */
	/* the answer, in the write's arena */
	struct am_str stream_id; /* of the first stream that has it */
	const char *stream;
	struct am_str complaint; /* n == 0: not known here */
	bool duplicate;
};

/* One request; owned by the caller until `done`. */
struct am_write {
	struct am_arena *arena;
	struct am_write_event *v;
	size_t n;
	/* Idempotency-Key: bound to the body for a day. n == 0: none */
	struct am_str key, producer;
	uint8_t body_hash[32];
	/*
	 * 0; -AM_ECONFLICT: the key is of another body; else it is not said to
	 * be written: -AM_EFULL, -AM_EREFUSED (durability), -AM_EIO …,
	 * with a line for the sender in why.
	 */
	void (*done)(void *arg, struct am_write *w, int rc, const char *why);
	void *arg;
	/* the writer's */
	struct am_write *next;
	size_t bytes;
	bool claimed;
	int rc;
};

struct am_writer *am_writer_new(struct am_engine *e);
/* What waits is not told. Its memory goes with the last reply, on the loop. */
void am_writer_free(struct am_writer *wr);

/* Room for one more of so many bytes? Then it may be sent. */
bool am_writer_room(const struct am_writer *wr, size_t bytes);
/* `done` is called once, never before this returns. */
void am_writer_send(struct am_writer *wr, struct am_write *w);
/* Nothing waits. */
bool am_writer_quiet(const struct am_writer *wr);
size_t am_writer_waiting(const struct am_writer *wr);

/* NULL: up, and keeps what is asked of it, as of the last look; else what is
 * wrong, for people, until the next call. */
const char *am_writer_wrong(struct am_writer *wr);
