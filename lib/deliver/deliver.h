#pragma once

/*
 * deliver - send follow-ups to endpoints (layer: deliver).
 *
 * One curl_multi on the event loop. Each endpoint has its own lane: in-flight
 * limit, rate, breaker. Knows nothing of Redis: whoever calls has written the
 * attempt down before, and writes the outcome down after. A sending is signed
 * with a fresh timestamp; the same id and the same bytes every time.
 */

#include "conf/conf.h"
#include "core/breaker.h"

struct event_base;
struct evdns_base;
struct am_deliver;

#define AM_SAID_MAX 100
#define AM_MESSAGE_ID_MAX 128
#define AM_ADDRESS_TEXT 56 /* an IPv6 address with its zone */

/* One attempt of one follow-up. */
struct am_send_what {
	const char *id;	    /* the follow-up's text id */
	struct am_str body; /* JSON as it is stored */
	struct am_str to;   /* number or address; "" of a webhook or a bot */
	am_ms fired_at;
};

enum am_send_class {
	AM_SEND_OK,
	AM_SEND_RETRY,	   /* not delivered; a later try may be */
	AM_SEND_THROTTLE,  /* 429 and such: the lane waits */
	AM_SEND_PERMANENT, /* no later try can succeed */
	AM_SEND_UNCERTAIN, /* sent, no complete answer: may have arrived */
	AM_SEND_CANCELED,  /* we stopped it */
};

struct am_send_result {
	enum am_send_class class;
	int status;	  /* HTTP, 0: none */
	char reason[40];  /* short fixed word, listed in webhook.h */
	char detail[160]; /* for people: Location, curl's words, said */
	/* what a rule found in the body, "" when none spoke: the log has it */
	char said[AM_SAID_MAX + 1];
	am_ms retry_after; /* span from now, 0: none; of THROTTLE always one */
	bool opted_out;	   /* PERMANENT, because its recipient wants no more */
	/* THROTTLE: this one waits, and not the whole lane */
	bool recipient_only;
	char message_id[AM_MESSAGE_ID_MAX + 1]; /* the provider's; "" */
	am_ms started, took;
	/* of an answer that is no success, see redact.h; at most
	 * AM_EXCERPT_KEPT bytes, lives for the call */
	struct am_str excerpt;
	char
	    address[AM_ADDRESS_TEXT]; /* the last one dialled, or refused; "" */
	bool recovered; /* OK, and the breaker had been open until then */
};

typedef void am_send_cb(void *arg, const struct am_send_result *result);

struct am_deliver *
am_deliver_new(struct event_base *base, struct evdns_base *dns);
/*
 * Cancels what is in flight (callbacks with AM_SEND_CANCELED, before this
 * returns). Not from a callback. evdns lets go of open questions in the next
 * turn of the loop.
 */
void am_deliver_free(struct am_deliver *d);

/*
 * Take over the endpoints of conf (shares it). Lanes keep their breaker and
 * rate when name, url and type stay; lanes that are gone end when empty.
 */
void
am_deliver_configure(struct am_deliver *d, struct am_conf *conf, am_ms now);

/*
 * How many sendings of the endpoint may start now; when 0, *again is when to
 * ask again (AM_NEVER: after the next outcome). Unknown endpoint: 0, AM_NEVER.
 * All endpoints together get no more than half of the files that the process
 * may open, but each of them always one.
 * A question only, also of an instant that is still to come.
 * Nothing is set aside: whoever claims between asking and sending subtracts
 * what it has claimed and not sent yet, or a half-open breaker sees two probes.
 */
unsigned am_deliver_room(
    struct am_deliver *d, const char *endpoint, am_ms now, am_ms *again);

/*
 * Count one that is about to go: tried for the first time, or again. False when
 * the endpoint's budget for second tries is used up; *until is its turn then.
 */
bool am_deliver_afford(struct am_deliver *d, const char *endpoint, bool again,
    am_ms now, am_ms *until);

/*
 * Start one. What it points to is copied. cb runs exactly once, never before
 * this returns. The caller has asked am_deliver_room(); what is
 * sent against it goes all the same. An endpoint that is not in conf ends as
 * AM_SEND_PERMANENT, reason endpoint-removed. After AM_SEND_THROTTLE the lane
 * is paused already.
 */
void am_deliver_send(struct am_deliver *d, const char *endpoint,
    const struct am_send_what *what, am_ms now, am_send_cb *cb, void *arg);

/* Closes the breaker and ends a pause; it goes on one at a time first. */
void am_deliver_reset(struct am_deliver *d, const char *endpoint);

struct am_lane_view {
	const struct am_conf_endpoint *conf;
	enum am_breaker_state breaker;
	unsigned failures;
	am_ms open_until, paused_until; /* 0: not */
	unsigned in_flight;
	uint64_t sent, ok, failed;
	am_ms last_ok, last_failed;
	const char *last_reason;
};
/* false when i is past the last lane. */
bool
am_deliver_view(const struct am_deliver *d, size_t i, struct am_lane_view *v);
unsigned am_deliver_in_flight(const struct am_deliver *d);
/* "libcurl/7.88.1 OpenSSL/3.0.17 …", for the line at start. */
const char *am_deliver_library(void);
