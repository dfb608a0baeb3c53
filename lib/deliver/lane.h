#pragma once

/*
 * lane - inside of lib/deliver: what deliver.c (which may start, when, and the
 * books of it) and sending.c (one sending from name to answer) share.
 */

#include <netinet/in.h>
#include <sys/queue.h>

#include "core/bucket.h"
#include "core/budget.h"
#include "deliver/curlmux.h"
#include "deliver/resolve.h"
#include "deliver/secrets.h"
#include "deliver/webhook.h"

struct event;
struct am_lane;
struct am_sending;

/*
 * Connections of all lanes that trust the same certificates. libcurl keeps the
 * last file it parsed for each multi handle; lanes of other files would throw
 * it out again and again, and parsing the system's takes 20 ms of the loop.
 */
struct am_trust {
	struct am_trust *next;
	char *ca_file; /* NULL: the system's */
	struct am_curlmux *mux;
	unsigned sendings;
};

/*
 * How a kind of endpoint is talked to. A kind keeps what it needs between
 * transfers of one handle in s->own.
 */
struct am_kind {
	/* options that stay as they are, once a handle */
	void (*setup)(struct am_sending *s);
	/* what this transfer needs, right before it starts; -AM_EINVAL, with a
	 * fixed word and a phrase in s->result: it cannot be sent at all */
	int (*prepare)(struct am_sending *s, int64_t now_s);
	/* the transfer is over, whatever came of it: fills s->result */
	void (*judge)(struct am_sending *s, am_ms now);
	void (*fini)(struct am_sending *s);
};
extern const struct am_kind am_kind_webhook, am_kind_provider, am_kind_mail;

/* Reused: the options of its easy handle are those of `ep`, set once. */
struct am_sending {
	struct am_curlmux_job job;    /* first: see sending_of() */
	TAILQ_ENTRY(am_sending) link; /* in active, or in a lane's idle */
	TAILQ_ENTRY(am_sending) turn; /* in a lane's waiting, or in ended */
	struct am_deliver *deliver;
	struct am_trust *trust;
	struct am_lane *lane; /* NULL: no such endpoint */
	struct am_conf *conf; /* shares */
	const struct am_conf_endpoint *ep;
	bool waiting, ended; /* which `turn` it is in */

	const struct am_kind *kind;
	void *own;		   /* of the kind */
	struct am_secrets secrets; /* of ep; none without one */

	/* for libcurl, which borrows all of it */
	struct curl_slist connect_to;
	char connect_to_text[INET6_ADDRSTRLEN + 16];
	char error[CURL_ERROR_SIZE];
	am_ms total; /* CURLOPT_TIMEOUT_MS as set */
	struct am_buf body, to;
	am_ms fired_at;

	/* this one */
	char id[AM_WEBHOOK_ID_MAX + 1];
	am_ms started, mono; /* the caller's clock, and the monotonic one */
	struct am_addr addr; /* in use, at that place of the route */
	size_t at, tried;    /* tried: how many took no connection */
	const char *refused; /* why the socket was not opened */
	struct am_webhook_answer answer;
	struct am_send_result result;
	struct am_buf excerpt; /* what the result shows of the answer */
	am_send_cb *cb;
	void *arg;
};

TAILQ_HEAD(am_sendings, am_sending);

/* Where a lane's host lies; kept for a minute at most. */
struct am_route {
	struct am_addr addrs[AM_ADDRS_MAX];
	size_t n, at; /* at: the last one that took a connection */
	am_ms until;  /* on the monotonic clock; AM_NEVER for a number */
	struct am_resolve *asking;
};

/* One endpoint. */
struct am_lane {
	struct am_deliver *deliver;
	struct am_conf *conf; /* shares */
	const struct am_conf_endpoint *ep;
	struct am_breaker breaker;
	struct am_bucket bucket;
	am_ms *ring; /* of the bucket */
	struct am_budget budget;
	am_ms paused_until;
	struct am_route route;
	struct am_signer *signer;
	size_t signs;		    /* secrets that it signs with */
	struct am_sendings waiting; /* for the route */
	struct am_sendings idle;
	unsigned in_flight; /* started, and their outcome not known */
	unsigned held;	    /* sendings that point here, idle ones apart */
	bool gone;	    /* not in conf any more */
	struct am_lane *next_gone;
	uint64_t sent, ok, failed;
	am_ms last_ok, last_failed;
	char last_reason[40];
};

struct am_deliver {
	struct event_base *base;
	struct evdns_base *dns;
	struct am_trust *trusts;
	struct am_conf *conf;	/* shares; NULL before configure */
	struct am_lane **lanes; /* as in conf, */
	size_t lanes_n;
	struct am_lane **by_name; /* and sorted */
	struct am_lane *gone;
	struct am_sendings active;
	struct am_sendings ended; /* result known, callback not yet run */
	struct event *later;	  /* runs `ended`, frees what nobody uses */
	unsigned in_flight, most; /* of all lanes, at once */
	unsigned telling;	  /* depth of callbacks */
	bool closing;
};

am_ms am_mono(void);

/* ---- sending.c ---- */

struct am_sending *am_sending_new(struct am_deliver *d, struct am_lane *l);
/* Not active. */
void am_sending_free(struct am_sending *s);
/* Ends in am_deliver_ended(), never before this returns. */
void am_sending_start(struct am_sending *s);
/* Its result, if it has none yet, becomes AM_SEND_CANCELED. */
void am_sending_cancel(struct am_sending *s);
/* Fills class, reason and detail of s->result. */
void am_sending_say(struct am_sending *s, enum am_send_class class,
    const char *reason, const char *detail);
/* The result is known; it is told in the next turn of the loop. */
void am_sending_end_later(struct am_sending *s, enum am_send_class class,
    const char *reason, const char *detail);
void am_route_forget(struct am_route *r);

/* ---- deliver.c ---- */

/* Made when there is none; freed when neither lane nor sending needs it. */
struct am_trust *am_trust_of(struct am_deliver *d, const char *ca_file);
/* s->result is filled: keep the books, tell the caller, take s back. */
void am_deliver_ended(struct am_deliver *d, struct am_sending *s);
