#pragma once

/*
 * http_world - a listener on a loop of the test's own, and clients that are
 * driven from the same thread.
 */

#include "intake/http.h"

#define PATIENCE (5 * AM_SECOND)

struct http_world {
	struct event_base *base;
	struct am_http *http;
	unsigned port;
	struct am_http_request *held[16]; /* by a handler, for later */
	size_t held_n;
	void *own;	   /* the test's */
	char heard[16384]; /* by http_client_end() */
};

/* CLOCK_MONOTONIC */
am_ms http_mono(void);
/* Of opts the limits count; handlers get w. */
int http_world_open(struct http_world *w, const struct am_http_route *routes,
    size_t routes_n, const struct am_http_opts *opts);
void http_world_close(struct http_world *w);
/* One turn of the loop, and a millisecond of rest. */
void http_turn(struct http_world *w);

/* Turn until cond, by a deadline. */
#define HTTP_WAIT(w, cond)                                                     \
	for (am_ms until_ = http_mono() + PATIENCE; !(cond);) {                \
		assert_true(http_mono() < until_);                             \
		http_turn(w);                                                  \
	}

/* Clients: sockets that do not block. */
int http_dial_from(struct http_world *w, const char *source);
int http_dial(struct http_world *w);
void http_tell(int fd, const char *text);
/* True when the other side has closed; what it said is added to heard. */
bool http_has_ended(struct http_world *w, int fd);
/* All that the client hears until the end, which must come; closes. */
const char *http_client_end(struct http_world *w, int fd);

void http_wait_conns(struct http_world *w, unsigned n);
