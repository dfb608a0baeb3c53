#pragma once

/*
 * curlmux - many transfers of libcurl on one event loop (layer: deliver).
 *
 * A job owns one easy handle and uses it for one transfer after another, so
 * its options are set once. `done` runs on the event loop, outside of libcurl:
 * it may start a transfer, of this job too.
 */

#include <curl/curl.h>

#include <amends/base.h>

struct event_base;
struct sockaddr;
struct am_curlmux;
struct am_curlmux_job;

typedef void am_curlmux_done(struct am_curlmux_job *job, CURLcode rc);
/* May this address be dialled? The last word, on what the kernel will get. */
typedef bool
am_curlmux_vet(struct am_curlmux_job *job, const struct sockaddr *sa);

/* Put first into whatever it is part of. */
struct am_curlmux_job {
	CURL *easy; /* owned; the caller sets what the transfer needs */
	struct am_curlmux *mux;
	am_curlmux_done *done;
	am_curlmux_vet *vet;
	bool running;
	bool connected; /* this transfer came as far as waiting to read */
};

struct am_curlmux *am_curlmux_new(struct event_base *base);
/* No job may be left. */
void am_curlmux_free(struct am_curlmux *m);
/* Connections kept for the next transfer, at most. */
void am_curlmux_keep(struct am_curlmux *m, unsigned connections);

/* Makes the easy handle. The job must not move until fini. */
void am_curlmux_job_init(struct am_curlmux_job *job, struct am_curlmux *m,
    am_curlmux_done *done, am_curlmux_vet *vet);
/* Stops a running transfer; done is not called. Its own done may do this. */
void am_curlmux_job_fini(struct am_curlmux_job *job);

/* done is called exactly once, never before this returns; -AM_EIO: never. */
AM_MUSTCHECK int am_curlmux_start(struct am_curlmux_job *job);
void am_curlmux_stop(struct am_curlmux_job *job);
