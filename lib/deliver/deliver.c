/*
 * deliver - the lanes: which sending may start now, and the books of it.
 *
 * A lane is one endpoint and shares nothing with its neighbours but the loop,
 * so a dead receiver slows nobody else. Its easy handles are made for one
 * configuration and reused; a reload throws the idle ones away, and those under
 * way finish as they began. A pool of handles for all lanes would need twenty
 * options set a sending. Lanes that trust the same certificates share one multi
 * handle and so its kept connections; one for each lane would parse and hold
 * the system's certificates, a megabyte, as often as there are lanes.
 */

#include "deliver/deliver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <event2/event.h>

#include "base/str.h"
#include "codec/record.h"
#include "deliver/lane.h"
#include "deliver/redact.h"

#define KEPT_CONNECTIONS_MAX 1024
#define AT_ONCE_MAX 4096

am_ms
am_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * AM_SECOND + ts.tv_nsec / 1000000;
}

/* ---- trusts ---- */

static bool
is_trust(const struct am_trust *t, const char *ca_file)
{
	if (t->ca_file == NULL || ca_file == NULL)
		return t->ca_file == ca_file;
	return strcmp(t->ca_file, ca_file) == 0;
}

/* Transfers at once over all lanes of it, which is what is worth keeping. */
static unsigned
trust_inflight(const struct am_deliver *d, const struct am_trust *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < d->lanes_n && n < KEPT_CONNECTIONS_MAX; i++) {
		if (is_trust(t, d->lanes[i]->ep->ca_file))
			n += d->lanes[i]->ep->inflight;
	}
	return n < KEPT_CONNECTIONS_MAX ? n : KEPT_CONNECTIONS_MAX;
}

struct am_trust *
am_trust_of(struct am_deliver *d, const char *ca_file)
{
	struct am_trust *t = d->trusts;

	while (t != NULL && !is_trust(t, ca_file))
		t = t->next;
	if (t != NULL)
		return t;
	t = calloc(1, sizeof(*t));
	AM_ASSERT(t != NULL);
	if (ca_file != NULL) {
		t->ca_file = strdup(ca_file);
		AM_ASSERT(t->ca_file != NULL);
	}
	t->mux = am_curlmux_new(d->base);
	am_curlmux_keep(t->mux, trust_inflight(d, t));
	t->next = d->trusts;
	d->trusts = t;
	return t;
}

/* Frees what nobody needs, and says to the rest how much to keep. */
static void
trusts_trim(struct am_deliver *d)
{
	struct am_trust **at = &d->trusts;

	while (*at != NULL) {
		struct am_trust *t = *at;
		unsigned n = trust_inflight(d, t);

		if (n > 0 || t->sendings > 0) {
			am_curlmux_keep(t->mux, n > 0 ? n : 1);
			at = &t->next;
			continue;
		}
		*at = t->next;
		am_curlmux_free(t->mux);
		free(t->ca_file);
		free(t);
	}
}

/* ---- lanes ---- */

static int
by_name(const void *key, const void *item)
{
	const struct am_lane *const *l = item;

	return strcmp(key, (*l)->ep->name);
}

static int
in_order(const void *a, const void *b)
{
	const struct am_lane *const *l = a;

	return by_name((*l)->ep->name, b);
}

static struct am_lane *
find(const struct am_deliver *d, const char *name)
{
	struct am_lane **l;

	if (d->lanes_n == 0)
		return NULL;
	l = bsearch(
	    name, d->by_name, d->lanes_n, sizeof(d->by_name[0]), by_name);
	return l != NULL ? *l : NULL;
}

static void
lane_drop_idle(struct am_lane *l)
{
	struct am_sending *s;

	while ((s = TAILQ_FIRST(&l->idle)) != NULL) {
		TAILQ_REMOVE(&l->idle, s, link);
		am_sending_free(s);
	}
}

static void
lane_set_rate(struct am_lane *l, am_ms now)
{
	const struct am_conf_endpoint *ep = l->ep;

	free(l->ring);
	l->ring = calloc(ep->rate_n > 0 ? ep->rate_n : 1, sizeof(l->ring[0]));
	AM_ASSERT(l->ring != NULL);
	am_bucket_init(&l->bucket, ep->rate_n, ep->rate_per, l->ring, now);
}

/* The secrets that sign: when the time of the others has come, the first. */
static void
lane_sign(struct am_lane *l, am_ms now)
{
	const struct am_conf_endpoint *ep = l->ep;
	bool retired = ep->retire_at != 0 && now >= ep->retire_at;
	size_t n = retired && ep->secrets_n > 1 ? 1 : ep->secrets_n;

	if (l->signer != NULL && l->signs == n)
		return;
	am_signer_free(l->signer);
	l->signer = am_signer_new(ep->keys, ep->keys_n, n);
	AM_ASSERT(l->signer != NULL);
	l->signs = n;
}

/* What of conf is copied or made ready; the rest is read where it is needed. */
static void
lane_use(struct am_lane *l, struct am_conf *conf,
    const struct am_conf_endpoint *ep, am_ms now)
{
	if (l->conf != NULL)
		am_conf_unref(l->conf);
	l->conf = am_conf_ref(conf);
	l->ep = ep;
	am_signer_free(l->signer);
	l->signer = NULL;
	lane_sign(l, now);
	l->budget.pct = ep->retry_budget_pct;
	lane_drop_idle(l);
}

static struct am_lane *
lane_new(struct am_deliver *d, struct am_conf *conf,
    const struct am_conf_endpoint *ep, am_ms now)
{
	struct am_lane *l = calloc(1, sizeof(*l));

	AM_ASSERT(l != NULL);
	l->deliver = d;
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->idle);
	am_budget_init(&l->budget, ep->retry_budget_pct);
	lane_use(l, conf, ep, now);
	lane_set_rate(l, now);
	am_breaker_init(&l->breaker, ep->breaker_failures, ep->breaker_cooldown,
	    ep->breaker_cooldown_max);
	return l;
}

static void
lane_adopt(struct am_lane *l, struct am_conf *conf,
    const struct am_conf_endpoint *ep, am_ms now)
{
	struct am_breaker *b = &l->breaker;

	lane_use(l, conf, ep, now);
	if (l->bucket.n != ep->rate_n || l->bucket.per != ep->rate_per)
		lane_set_rate(l, now);
	b->threshold = ep->breaker_failures;
	b->base_cooldown = ep->breaker_cooldown;
	b->cooldown_max = ep->breaker_cooldown_max;
	if (b->state == AM_BREAKER_CLOSED)
		b->cooldown = b->base_cooldown;
	if (b->allowed >= ep->inflight)
		b->allowed = 0;
	am_route_forget(&l->route);
}

static void
lane_free(struct am_lane *l)
{
	AM_ASSERT(l->held == 0);
	lane_drop_idle(l);
	if (l->route.asking != NULL)
		am_resolve_cancel(l->route.asking);
	am_signer_free(l->signer);
	am_conf_unref(l->conf);
	free(l->ring);
	free(l);
}

static void
reap(struct am_deliver *d)
{
	struct am_lane **at = &d->gone;

	while (*at != NULL) {
		struct am_lane *l = *at;

		if (l->held > 0) {
			at = &l->next_gone;
			continue;
		}
		*at = l->next_gone;
		lane_free(l);
	}
}

/* ---- books of one sending ---- */

static void
book_start(struct am_lane *l, am_ms now)
{
	l->in_flight++;
	l->held++;
	l->sent++;
	am_bucket_take(&l->bucket, now);
	/* open becomes half-open with the probe, not with the question */
	(void)am_breaker_room(&l->breaker, now, l->in_flight, l->ep->inflight);
	am_breaker_started(&l->breaker);
}

/*
 * An endpoint that says when to come again is alive: no verdict, and the pause
 * keeps us away. One that only says that it cannot now gets our own pause, and
 * it counts: whoever says so again and again is down.
 */
static void
book_throttle(struct am_lane *l, struct am_send_result *r, am_ms now)
{
	if (r->retry_after > 0) {
		am_breaker_undone(&l->breaker);
	} else {
		r->retry_after = l->ep->breaker_cooldown;
		am_breaker_ended(&l->breaker, now, false, l->ep->inflight);
	}
	if (r->recipient_only)
		return;
	if (l->paused_until < now + r->retry_after)
		l->paused_until = now + r->retry_after;
	am_breaker_ease(&l->breaker, l->ep->inflight);
}

static void
book_end(struct am_lane *l, struct am_send_result *r, am_ms now)
{
	bool ok = r->class == AM_SEND_OK;
	bool was_open = l->breaker.state != AM_BREAKER_CLOSED;

	l->in_flight--;
	if (r->class == AM_SEND_CANCELED) {
		am_breaker_undone(&l->breaker);
		return;
	}
	if (r->class == AM_SEND_THROTTLE)
		book_throttle(l, r, now);
	else /* that a recipient wants no more is well answered */
		am_breaker_ended(
		    &l->breaker, now, ok || r->opted_out, l->ep->inflight);
	r->recovered = ok && was_open && l->breaker.state == AM_BREAKER_CLOSED;
	if (ok) {
		l->ok++;
		l->last_ok = now;
		return;
	}
	l->failed++;
	l->last_failed = now;
	memcpy(l->last_reason, r->reason, sizeof(l->last_reason));
}

static void
give_back(struct am_deliver *d, struct am_sending *s)
{
	struct am_lane *l = s->lane;

	if (l == NULL) {
		am_sending_free(s);
		return;
	}
	l->held--;
	if (d->closing || l->gone || s->conf != l->conf)
		am_sending_free(s);
	else
		TAILQ_INSERT_HEAD(&l->idle, s, link);
	if (l->gone && l->held == 0)
		event_active(d->later, EV_TIMEOUT, 1);
}

/* Of the answer only what may be kept is told. */
static void
show_answer(struct am_sending *s)
{
	struct am_send_result *r = &s->result;

	am_buf_reset(&s->excerpt);
	if (r->class != AM_SEND_OK)
		am_redact(&s->excerpt, r->excerpt, AM_EXCERPT_KEPT,
		    s->secrets.v, s->secrets.n);
	r->excerpt = am_buf_str(&s->excerpt);
	if (s->addr.ss.ss_family != 0)
		(void)am_addr_format(&s->addr, r->address);
}

void
am_deliver_ended(struct am_deliver *d, struct am_sending *s)
{
	struct am_send_result *r = &s->result;

	r->started = s->started;
	r->took = am_mono() - s->mono;
	show_answer(s);
	if (s->lane != NULL)
		book_end(s->lane, r, s->started + r->took);
	TAILQ_REMOVE(&d->active, s, link);
	d->in_flight--;
	d->telling++;
	s->cb(s->arg, r);
	d->telling--;
	give_back(d, s);
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct am_deliver *d = arg;
	struct am_sending *s, *last = TAILQ_LAST(&d->ended, am_sendings);
	bool more = last != NULL;

	(void)fd;
	(void)what;
	while (more && (s = TAILQ_FIRST(&d->ended)) != NULL) {
		more = s != last; /* what callbacks add has its own turn */
		TAILQ_REMOVE(&d->ended, s, turn);
		s->ended = false;
		am_deliver_ended(d, s);
	}
	reap(d);
	trusts_trim(d);
}

/* ---- the interface ---- */

/* Half of our files; the other half is for kept connections and the rest. */
static unsigned
most_at_once(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur / 2 > AT_ONCE_MAX)
		return AT_ONCE_MAX;
	return (unsigned)(r.rlim_cur / 2);
}

/* What all lanes together leave to this one. */
static unsigned
left_for(const struct am_deliver *d, const struct am_lane *l)
{
	unsigned left = d->in_flight < d->most ? d->most - d->in_flight : 0;

	return left == 0 && l->in_flight == 0 ? 1 : left;
}

struct am_deliver *
am_deliver_new(struct event_base *base, struct evdns_base *dns)
{
	struct am_deliver *d = calloc(1, sizeof(*d));

	AM_ASSERT(d != NULL);
	d->base = base;
	d->dns = dns;
	d->most = most_at_once();
	d->later = evtimer_new(base, on_later, d);
	AM_ASSERT(d->later != NULL);
	TAILQ_INIT(&d->active);
	TAILQ_INIT(&d->ended);
	return d;
}

void
am_deliver_free(struct am_deliver *d)
{
	struct am_sending *s;

	if (d == NULL)
		return;
	AM_ASSERT(d->telling == 0);
	d->closing = true;
	while ((s = TAILQ_FIRST(&d->active)) != NULL) {
		am_sending_cancel(s);
		am_deliver_ended(d, s);
	}
	for (size_t i = 0; i < d->lanes_n; i++)
		lane_free(d->lanes[i]);
	d->lanes_n = 0;
	reap(d);
	trusts_trim(d);
	event_free(d->later);
	if (d->conf != NULL)
		am_conf_unref(d->conf);
	free(d->lanes);
	free(d->by_name);
	free(d);
}

static bool
is_same(const struct am_lane *l, const struct am_conf_endpoint *ep)
{
	return l->ep->type == ep->type &&
	       am_str_eq(am_str_c(l->ep->url), am_str_c(ep->url));
}

void
am_deliver_configure(struct am_deliver *d, struct am_conf *conf, am_ms now)
{
	size_t n = conf->endpoints_n;
	struct am_lane **lanes = calloc(n + 1, sizeof(lanes[0]));
	struct am_lane **sorted = calloc(n + 1, sizeof(sorted[0]));

	AM_ASSERT(lanes != NULL && sorted != NULL);
	am_conf_ref(conf);
	for (size_t i = 0; i < d->lanes_n; i++)
		d->lanes[i]->gone = true;
	for (size_t i = 0; i < n; i++) {
		const struct am_conf_endpoint *ep = conf->endpoints[i];
		struct am_lane *l = find(d, ep->name);

		if (l != NULL && is_same(l, ep)) {
			l->gone = false;
			lanes[i] = l;
		} else {
			lanes[i] = lane_new(d, conf, ep, now);
		}
	}
	for (size_t i = 0; i < d->lanes_n; i++) {
		struct am_lane *l = d->lanes[i];

		if (!l->gone)
			continue;
		l->next_gone = d->gone;
		d->gone = l;
	}
	for (size_t i = 0; i < n; i++) {
		if (lanes[i]->conf != conf)
			lane_adopt(lanes[i], conf, conf->endpoints[i], now);
		sorted[i] = lanes[i];
	}
	qsort(sorted, n, sizeof(sorted[0]), in_order);
	free(d->lanes);
	free(d->by_name);
	d->lanes = lanes;
	d->by_name = sorted;
	d->lanes_n = n;
	if (d->conf != NULL)
		am_conf_unref(d->conf);
	d->conf = conf;
	event_active(d->later, EV_TIMEOUT, 1); /* frees what nobody uses */
}

unsigned
am_deliver_room(
    struct am_deliver *d, const char *endpoint, am_ms now, am_ms *again)
{
	struct am_lane *l = find(d, endpoint);
	struct am_breaker asked; /* a question changes nothing */
	unsigned room;
	uint32_t rate;
	am_ms when;

	*again = AM_NEVER;
	if (l == NULL || !l->ep->built || d->closing)
		return 0;
	asked = l->breaker;
	if (now < l->paused_until) {
		*again = l->paused_until;
		return 0;
	}
	room = am_breaker_room(&asked, now, l->in_flight, l->ep->inflight);
	if (room > left_for(d, l))
		room = left_for(d, l);
	if (room == 0) {
		if (l->breaker.state == AM_BREAKER_OPEN)
			*again = l->breaker.open_until;
		return 0;
	}
	rate = am_bucket_room(&l->bucket, now, &when);
	if (rate == 0)
		*again = when;
	return rate < room ? rate : room;
}

void
am_deliver_send(struct am_deliver *d, const char *endpoint,
    const struct am_send_what *what, am_ms now, am_send_cb *cb, void *arg)
{
	struct am_lane *l = find(d, endpoint);
	struct am_sending *s = l != NULL ? TAILQ_FIRST(&l->idle) : NULL;

	AM_ASSERT(strlen(what->id) <= AM_WEBHOOK_ID_MAX);
	if (s != NULL)
		TAILQ_REMOVE(&l->idle, s, link);
	else
		s = am_sending_new(d, l);
	memset(&s->result, 0, sizeof(s->result));
	memset(&s->addr, 0, sizeof(s->addr));
	memcpy(s->id, what->id, strlen(what->id) + 1);
	am_buf_reset(&s->body);
	am_buf_addstr(&s->body, what->body);
	am_buf_reset(&s->to);
	am_buf_addstr(&s->to, what->to);
	s->fired_at = what->fired_at;
	s->started = now;
	s->mono = am_mono();
	s->cb = cb;
	s->arg = arg;
	TAILQ_INSERT_TAIL(&d->active, s, link);
	d->in_flight++;
	if (l != NULL) {
		book_start(l, now);
		lane_sign(l, now);
	}
	if (d->closing)
		am_sending_end_later(s, AM_SEND_CANCELED, "canceled", "");
	else if (l == NULL)
		am_sending_end_later(s, AM_SEND_PERMANENT, "endpoint-removed",
		    "no endpoint of that name is configured");
	else if (!l->ep->built)
		am_sending_end_later(s, AM_SEND_PERMANENT, "unsupported",
		    "endpoints of this type are not in force yet");
	else
		am_sending_start(s);
}

bool
am_deliver_afford(struct am_deliver *d, const char *endpoint, bool again,
    am_ms now, am_ms *until)
{
	struct am_lane *l = find(d, endpoint);

	if (l == NULL)
		return true;
	if (again)
		return am_budget_second(&l->budget, now, until);
	am_budget_first(&l->budget, now);
	return true;
}

void
am_deliver_reset(struct am_deliver *d, const char *endpoint)
{
	struct am_lane *l = find(d, endpoint);

	if (l == NULL)
		return;
	l->paused_until = 0;
	am_breaker_init(&l->breaker, l->ep->breaker_failures,
	    l->ep->breaker_cooldown, l->ep->breaker_cooldown_max);
	am_breaker_ease(&l->breaker, l->ep->inflight);
}

const char *
am_deliver_library(void)
{
	return curl_version();
}

bool
am_deliver_view(const struct am_deliver *d, size_t i, struct am_lane_view *v)
{
	const struct am_lane *l;

	if (i >= d->lanes_n)
		return false;
	l = d->lanes[i];
	*v = (struct am_lane_view){
		.conf = l->ep,
		.breaker = l->breaker.state,
		.failures = l->breaker.failures,
		.open_until = l->breaker.state == AM_BREAKER_OPEN
				  ? l->breaker.open_until
				  : 0,
		.paused_until = l->paused_until,
		.in_flight = l->in_flight,
		.sent = l->sent,
		.ok = l->ok,
		.failed = l->failed,
		.last_ok = l->last_ok,
		.last_failed = l->last_failed,
		.last_reason = l->last_reason,
	};
	return true;
}

unsigned
am_deliver_in_flight(const struct am_deliver *d)
{
	return d->in_flight;
}
