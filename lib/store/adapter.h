#pragma once

/*
 * adapter - hiredis on libevent (layer: store).
 *
 * What hiredis wants to write is written once per turn of the loop, by an
 * event that is made active at the end of the turn: many commands make one
 * write(2), and the socket is registered for writing only while it is full.
 * Lies inside its owner, which outlives the context.
 */

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <amends/base.h>

struct event_base;
struct event;

struct am_adapter {
	redisAsyncContext *ac; /* borrowed; NULL: not attached */
	struct event *readable, *writable, *flush;
	bool flushing;
};

/* Hook ac up with the loop; hiredis takes it off again when it frees ac. */
void am_adapter_attach(
    struct am_adapter *a, struct event_base *base, redisAsyncContext *ac);
