#pragma once

/*
 * conf - the configuration as one immutable value (layer: conf).
 *
 * Read by libconfuse from amends.conf and conf.d/\*.conf beside it, with guards
 * against its silent traps; built and checked whole; shared by reference count.
 * Everything hangs on one arena.
 */

#include "answer_rule.h"
#include "base/arena.h"
#include "conf/fill.h"
#include "conf/provider.h"
#include "core/backoff.h"

#include <amends/event.h>
#include <amends/loop.h>

#define AM_CONF_LIST_MAX 64
/* sendings to one recipient that are remembered */
#define AM_CONF_WINDOW_MAX 64

struct am_cidr {
	int family; /* AF_INET or AF_INET6 */
	uint8_t addr[16];
	unsigned bits;
};

enum am_endpoint_type {
	AM_ENDPOINT_WEBHOOK,
	AM_ENDPOINT_SMS,
	AM_ENDPOINT_CHAT,
	AM_ENDPOINT_MAIL,
};

/* What becomes of a sending of which nobody knows whether it arrived. */
enum am_on_uncertain {
	AM_UNCERTAIN_RETRY,
	AM_UNCERTAIN_HOLD, /* wait for a receipt, then a person or the next
			      channel */
	AM_UNCERTAIN_FAIL, /* the next channel at once */
};

/* At most n in `per` to one recipient. */
struct am_conf_window {
	uint32_t n;
	am_ms per;
};

/* "NAME=TEXT" of an endpoint: a value for {NAME} in its provider's texts. */
struct am_conf_value {
	const char *name, *text;
};

struct am_conf_endpoint {
	const char *name;
	const char *file;
	int line;
	enum am_endpoint_type type;
	bool built;		      /* this version can send by it: all */
	const struct am_quiet *quiet; /* NULL: none */
	/* of a provider: "SCHEME://HOST[:PORT]" alone, for what stands behind
	 * may hold a token */
	const char *url;
	const char *scheme, *host; /* of url; host without [] */
	unsigned port;
	bool allow_http;
	struct am_cidr allow_net[AM_CONF_LIST_MAX];
	size_t allow_net_n;
	const char *ca_file; /* NULL: the system's */
	struct am_secret secrets[4];
	size_t secrets_n;
	uint8_t keys[4][64]; /* decoded whsec_ keys */
	size_t keys_n[4];
	am_ms retire_at; /* from then on only the first secret signs; 0: never
			  */
	am_ms timeout, connect_timeout;
	struct am_retry retry;
	int retry_budget_pct; /* retries to first tries, over a minute; 0: no
				 budget */
	am_ms disable_after;  /* nothing but failures for so long disables it;
				 0: never */
	uint32_t rate_n;      /* 0: no limit */
	am_ms rate_per;
	uint32_t inflight;
	uint32_t breaker_failures;
	am_ms breaker_cooldown, breaker_cooldown_max;
	size_t max_response_bytes;
	struct am_answer_rules answer; /* beside the status; of a provider:
					  its own */
	/* sms, chat and mail */
	const struct am_conf_provider *provider; /* NULL: webhook or mail */
	const char *account, *from;		 /* NULL: none */
	struct am_secret user, password, token;	 /* ref NULL: none; the
						     provider's own included */
	const struct am_conf_value *values;	 /* set = {"NAME=TEXT"} */
	size_t values_n;
	struct am_conf_window windows[4]; /* per_recipient */
	size_t windows_n;
	uint32_t max_segments; /* 0: no limit */
	enum am_on_uncertain on_uncertain;
	/*
	 * Receipts: waited for this long after the provider has accepted it.
	 * 0: what is accepted is delivered, for nothing more will be heard.
	 */
	am_ms receipt_wait;
	/* What the provider calls back: "https://HOST/v1/callback/NAME/TOKEN"
	 * as it sees us; NULL: it does not. The token is in the path, for
	 * providers that sign nothing. */
	const char *callback_url;
	struct am_secret callback_token;	       /* ref NULL: none */
	struct am_cidr callback_net[AM_CONF_LIST_MAX]; /* none: any address */
	size_t callback_net_n;
	bool allow_plain; /* mail: without TLS */
};

/* How a producer proves that a request is its own. */
enum am_producer_scheme {
	AM_PRODUCER_STANDARD_WEBHOOKS, /* secrets, whsec_; and tokens, if it has
					  any: either is taken */
	AM_PRODUCER_BEARER,	       /* tokens */
	AM_PRODUCER_BASIC,	       /* tokens, "USER:PASSWORD" each */
	AM_PRODUCER_GITHUB,	       /* secrets, raw */
	AM_PRODUCER_STRIPE,	       /* secrets, raw, whsec_ and all */
	AM_PRODUCER_HMAC,	       /* secrets, raw; `signature` says how */
};

/* "standard-webhooks" … as it is written */
const char *am_producer_scheme_str(enum am_producer_scheme scheme);

enum am_signature_digest {
	AM_SIGNATURE_SHA256,
	AM_SIGNATURE_SHA512,
	AM_SIGNATURE_SHA1,
};

/* One header with an HMAC in it, of scheme hmac. */
struct am_conf_signature {
	const char *header;
	const char *prefix; /* before the signature, "" when none */
	bool base64;	    /* else hex of either case */
	enum am_signature_digest digest;
	/* What is signed: parts with the paths `body`, `timestamp` and `id`,
	 * the last two from these headers. */
	const struct am_fill *content;
	/* NULL: none. When it is there its time is judged by tolerance: s or
	 * ms since 1970, or RFC 3339. */
	const char *timestamp_header;
	const char *id_header; /* NULL: none; it stands for webhook-id */
};

/* "PATH=VALUE" of a map: the path of an element has just this text. */
struct am_conf_when {
	const char *path;
	bool whole; /* a path of the whole body */
	const char *value;
};

/* "FIELD=TEXT" of a map: a field of the event. One whose text comes out empty
 * is not set. */
struct am_conf_set {
	const char *field; /* dotted; event_id, complaint_id … too */
	const struct am_fill *text;
};

/* What becomes of an element of a foreign body. */
struct am_conf_map {
	const char *name;
	const char *file;
	int line;
	const struct am_conf_when *when; /* all must fit; none: it fits */
	size_t when_n;
	enum am_event_type event;
	const struct am_conf_set *set;
	size_t set_n;
};

/* Who may POST /v1/events. */
struct am_conf_producer {
	const char *name;
	const char *file;
	int line;
	enum am_producer_scheme scheme;
	struct am_secret secrets[4]; /* any of them may have signed */
	size_t secrets_n;
	uint8_t keys[4][64]; /* of each secret: the decoded whsec_ key, of
				AM_PRODUCER_STANDARD_WEBHOOKS only */
	size_t keys_n[4];
	struct am_secret tokens[4];
	size_t tokens_n;
	struct am_conf_signature
	    signature;	    /* header NULL: not of that scheme */
	am_ms tolerance;    /* of signed times, either way */
	const char *source; /* of events that name none; never "amends" */
	uint64_t events;    /* bits 1 << enum am_event_type: may be sent */
	struct am_cidr allow_net[AM_CONF_LIST_MAX]; /* none: any address */
	size_t allow_net_n;
	uint32_t rate_n; /* 0: no limit */
	am_ms rate_per;
	bool batch; /* takes application/cloudevents-batch+json */
	bool idempotency_required; /* 400 without Idempotency-Key */
	/* Path of the array of which each element is one event, "" when the
	 * body is that array; NULL: the body is the one element. */
	const char *each;
	/* The first that fits makes the event, else the element is passed over;
	 * none at all: an element is our envelope, or a CloudEvent. */
	const struct am_conf_map *maps;
	size_t maps_n;
};

/* How often a report goes. */
enum am_report_every {
	AM_REPORT_DAY,
	AM_REPORT_WEEK,
	AM_REPORT_MONTH,
};

struct am_conf_report {
	const char *name;
	const char *file;
	int line;
	enum am_report_every every; /* the span before it is reported, too */
	int weekday;   /* AM_REPORT_WEEK: 0 = Sunday, as civil times have it */
	int month_day; /* AM_REPORT_MONTH: 1 to 28 */
	int minute;    /* of the day, 0 to 1439 */
	const struct am_zone *zone;
	/* endpoints, of type webhook, chat or mail: each gets it */
	const char *via[AM_CONF_LIST_MAX];
	size_t via_n;
};

/* What a whole message of a customer may say (FU6, FU7), lower case. */
struct am_conf_words {
	const char *v[AM_CONF_LIST_MAX];
	size_t n;
};

/* A member of staff. */
struct am_conf_person {
	const char *name;
	const char *phone, *email;  /* NULL: none */
	const struct am_zone *zone; /* NULL: that of the loop */
};

/* Values of an opening that a route takes; none given: any. */
struct am_conf_match {
	const char *v[AM_CONF_LIST_MAX];
	size_t n;
};

/* Which loop an opening gets that names none. */
struct am_conf_route {
	const char *name;
	struct am_conf_match tier, severity, category, channel;
	const struct am_loopdef *loop;
	const char *open_as; /* a tier of it, NULL: as the event says */
};

enum am_redis_kind { AM_REDIS_UNIX, AM_REDIS_TCP };

/* One section of the top level, a producer, or a key that stands by itself. */
struct am_conf_part {
	const struct am_conf_part *next;
	const char *type; /* "endpoint" …, "" for a key */
	const char *name; /* "" for a section without one */
	uint8_t hash[32]; /* of what it says, bytes of secrets included */
};

struct am_zones; /* zones by name, read when they are asked for */
struct am_wipe;	 /* memory to overwrite when conf is freed */

struct am_conf {
	struct am_arena arena;
	unsigned refs;
	struct am_wipe *wipe;
	const char *path;
	am_ms loaded_at;
	am_ms from, until; /* calendars and zones are compiled for this span */
	const char *instance, *data_dir;
	const char *log_level; /* error warn notice info debug */
	am_ms max_skew;
	bool trust_event_time;
	am_ms catchup_after; /* 0: nothing is catch-up */
	uint32_t catchup_n;  /* so many of it in catchup_per, at most */
	am_ms catchup_per;
	struct {
		const char *url;
		enum am_redis_kind kind;
		const char *path_or_host;
		unsigned port, db;
		const char *user;
		struct am_secret password; /* ref NULL: none */
		const char *streams[AM_CONF_LIST_MAX];
		size_t streams_n;
		const char *group;
		am_ms owner_ttl;
		unsigned batch;
		am_ms retain, keep_events;
		am_ms command_timeout;
		const char *require_durability; /* "D0" … "D3" */
		unsigned wait_replicas; /* of D3: so many have it, 1 or more */
	} redis;
	struct {
		const char *socket;
		unsigned mode;
		const char *view[AM_CONF_LIST_MAX];
		size_t view_n;
		const char *operate[AM_CONF_LIST_MAX];
		size_t operate_n;
	} status;
	const struct am_calendar **calendars;
	/* of each: the last civil day that it names, closed or extra, since
	 * 1970-01-01; INT32_MIN when it names none */
	const int32_t *calendar_ends;
	const struct am_str *calendar_texts; /* of each: see below */
	size_t calendars_n;
	/* Monday to Friday, all day, one a zone in use: for `bd` without a
	 * calendar */
	const struct am_calendar **weekdays;
	size_t weekdays_n;
	struct am_zones *zones; /* am_zones_find() */
	const struct am_quiet **quiets;
	size_t quiets_n;
	const struct am_conf_person **people;
	size_t people_n;
	struct am_holders holders[AM_ROLES_N];
	const struct am_conf_endpoint **endpoints;
	size_t endpoints_n;
	const struct am_message **messages;
	size_t messages_n;
	const struct am_loopdef **loops;
	size_t loops_n;
	const struct am_conf_route **routes; /* in the order of the file */
	size_t routes_n;
	const char *recourse_url; /* "" when none */
	struct {
		const char *listen; /* NULL: no HTTP at all */
		const char *view; /* operators' pages alone; NULL: at listen */
		size_t max_body_bytes;
		unsigned connections; /* at once, at each of the two */
		const struct am_conf_producer **producers;
		size_t producers_n;
	} http;
	const struct am_linkdef *link; /* NULL: customers get none */
	/* `audit`: what the daemon checks of itself */
	struct {
		am_ms every;
		am_ms late;	  /* a wake-up overdue by more: an alarm */
		am_ms outbox_age; /* a follow-up due for longer: an alarm */
		am_ms lag;	  /* an event unread for longer: an alarm */
		unsigned sample;  /* journals whose chain is checked a time */
		const char *heartbeat; /* webhook endpoint; NULL: none */
	} audit;
	const struct am_conf_report **reports;
	size_t reports_n;
	/* `replies`: how the answers of customers are read */
	struct {
		am_ms window; /* an open question is answered within it */
		struct am_conf_words yes, no, stop, start;
	} replies;
	const char *alert[AM_CONF_LIST_MAX]; /* endpoints for the events of the
						operator */
	size_t alert_n;
	/* those of the configuration, and of files those in use */
	const struct am_conf_provider **providers;
	size_t providers_n;
	const struct am_conf_part *parts; /* am_conf_diff() */
	/* "FILE:LINE: TEXT" each: calendars that end soon, secrets that others
	 * can read …; printed by `amendsd -t` and kept in status */
	const char **warnings;
	size_t warnings_n;
};

/*
 * Read and check. Calendars are compiled from five years before now to five
 * years after it. On failure NULL and the diagnostics, one or more, are in
 * *diags (malloc'd, taken by the caller; free()).
 */
struct am_conf *am_conf_load(
    const char *path, am_ms now, struct am_diag **diags, size_t *diags_n);
/*
 * The same without the secrets, which not everybody may read who wants to try a
 * loop: what secrets stand for is not to be used.
 */
struct am_conf *am_conf_load_policy(
    const char *path, am_ms now, struct am_diag **diags, size_t *diags_n);
struct am_conf *am_conf_ref(struct am_conf *c);

enum am_conf_change { AM_CONF_ADDED, AM_CONF_CHANGED, AM_CONF_REMOVED };
/* type and name as of a part; they live as long as both configurations. */
typedef void am_conf_diff_cb(
    void *arg, const char *type, const char *name, enum am_conf_change change);
/*
 * What another configuration changes, a call each. A loop is changed when its
 * hash is: what it names may have changed all the same, and is told by itself.
 */
void am_conf_diff(const struct am_conf *was, const struct am_conf *now,
    am_conf_diff_cb *cb, void *arg);

void am_conf_unref(struct am_conf *c);

/*
 * How many calendars name closed and extra dates that end within 60 days of
 * now, or have ended; the names of the first max of them in names. What was
 * true at the load is in the warnings; a daemon runs on.
 */
size_t am_conf_calendars_ending(
    const struct am_conf *c, am_ms now, const char **names, size_t max);
/*
 * True in the last quarter of the span for which calendars and zones are
 * compiled, and outside of it: load again, or due times cannot be told.
 */
bool am_conf_outlived(const struct am_conf *c, am_ms now);

const struct am_loopdef *
am_conf_loop(const struct am_conf *c, struct am_str name);
const struct am_conf_endpoint *
am_conf_endpoint(const struct am_conf *c, struct am_str name);
/* What a rung knows of an endpoint that it goes by. */
struct am_via am_conf_via(const struct am_conf_endpoint *e);
const struct am_conf_person *
am_conf_person(const struct am_conf *c, struct am_str name);
const struct am_conf_provider *
am_conf_provider(const struct am_conf *c, struct am_str name);
const struct am_conf_producer *
am_conf_producer(const struct am_conf *c, struct am_str name);
/*
 * The first route that fits: of each list that it gives it has the value of
 * the event. NULL when none does. The event's own field `loop` comes before
 * any route; that is for the caller to see.
 */
const struct am_conf_route *
am_conf_route(const struct am_conf *c, const struct am_event *ev);

/*
 * A loop definition kept in Redis: its normalised text, bound against c.
 * Lies in the arena. -AM_EINVAL with *diag when it does not parse or names
 * something that c has no more (the message says what).
 */
AM_MUSTCHECK int am_conf_bind_loop(const struct am_conf *c, struct am_str text,
    struct am_arena *a, const struct am_loopdef **def, struct am_diag *diag);

/*
 * A calendar as it was in force once: its text in configuration syntax, of
 * which calendar_texts holds those in force, compiled for c's span. Two texts
 * that differ may mean the same, one text means one thing only. It lies in the
 * arena and borrows zones from c.
 */
AM_MUSTCHECK int
am_conf_bind_calendar(const struct am_conf *c, struct am_str text,
    struct am_arena *a, const struct am_calendar **cal, struct am_diag *diag);
