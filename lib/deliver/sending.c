/*
 * sending - one follow-up on its way: find the address, vet it, sign, let
 * libcurl carry it, judge the answer.
 *
 * libcurl is given a vetted number by CONNECT_TO with an empty host, which
 * covers whatever it makes of the URL; the hook at the socket judges again what
 * the kernel is about to get. TLS still checks the name of the URL. When an
 * address takes no connection the next one is tried at once: nothing was sent.
 * A kept connection that turns out dead makes libcurl send the same request
 * again on a new one; that is right at least once, and a kind of endpoint that
 * promises at most once has to forbid reuse.
 */

#include "deliver/lane.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event.h>

#include <amends/version.h>

#include "base/str.h"
#include "deliver/address.h"

#define ROUTE_KEPT AM_MINUTE
#define BUFFER_BYTES 8192L

static struct am_sending *
sending_of(struct am_curlmux_job *job)
{
	return (struct am_sending *)(void *)job; /* its first member */
}

static bool
may_dial(struct am_curlmux_job *job, const struct sockaddr *sa)
{
	struct am_sending *s = sending_of(job);

	s->refused =
	    am_address_refused(sa, s->ep->allow_net, s->ep->allow_net_n);
	return s->refused == NULL;
}

static void on_transfer(struct am_curlmux_job *job, CURLcode rc);

static void
set_limits(CURL *e, const struct am_conf_endpoint *ep)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(
	    e, CURLOPT_PROTOCOLS_STR, ep->allow_http ? "http,https" : "https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ep->ca_file != NULL)
		curl_easy_setopt(e, CURLOPT_CAINFO, ep->ca_file);
	/* a folder beside the file would trust more, and turns libcurl's cache
	 * of parsed certificates off: 150 of them for each new connection */
	if (ep->ca_file != NULL ||
	    curl_version_info(CURLVERSION_NOW)->cainfo != NULL)
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(
	    e, CURLOPT_CONNECTTIMEOUT_MS, (long)ep->connect_timeout);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)ep->timeout);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 60L);
}

static void
set_request(struct am_sending *s)
{
	CURL *e = s->job.easy;

	curl_easy_setopt(e, CURLOPT_USERAGENT, "amends/" AM_VERSION);
	curl_easy_setopt(e, CURLOPT_CONNECT_TO, &s->connect_to);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, am_webhook_on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, &s->answer);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, am_webhook_on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, &s->answer);
}

static const struct am_kind *
kind_of(const struct am_conf_endpoint *ep)
{
	if (ep->type == AM_ENDPOINT_MAIL)
		return &am_kind_mail;
	return ep->provider != NULL ? &am_kind_provider : &am_kind_webhook;
}

struct am_sending *
am_sending_new(struct am_deliver *d, struct am_lane *l)
{
	struct am_sending *s = calloc(1, sizeof(*s));

	AM_ASSERT(s != NULL);
	s->deliver = d;
	s->lane = l;
	am_buf_init(&s->body);
	am_buf_init(&s->to);
	am_buf_init(&s->excerpt);
	am_webhook_answer_init(&s->answer);
	if (l == NULL)
		return s;
	s->conf = am_conf_ref(l->conf);
	s->ep = l->ep;
	am_secrets_init(&s->secrets, s->ep);
	s->total = s->ep->timeout;
	s->connect_to.data = s->connect_to_text;
	s->trust = am_trust_of(d, s->ep->ca_file);
	s->trust->sendings++;
	am_curlmux_job_init(&s->job, s->trust->mux, on_transfer, may_dial);
	set_limits(s->job.easy, s->ep);
	set_request(s);
	s->kind = kind_of(s->ep);
	s->kind->setup(s);
	return s;
}

void
am_sending_free(struct am_sending *s)
{
	if (s->trust != NULL) {
		am_curlmux_job_fini(&s->job);
		s->trust->sendings--;
	}
	am_webhook_answer_fini(&s->answer);
	if (s->kind != NULL)
		s->kind->fini(s);
	am_secrets_fini(&s->secrets);
	am_buf_fini(&s->excerpt);
	am_buf_fini(&s->to);
	am_buf_fini(&s->body);
	if (s->conf != NULL)
		am_conf_unref(s->conf);
	free(s);
}

/* ---- ends ---- */

/* The result stands in s->result. */
static void
end_later(struct am_sending *s)
{
	s->ended = true;
	TAILQ_INSERT_TAIL(&s->deliver->ended, s, turn);
	event_active(s->deliver->later, EV_TIMEOUT, 1);
}

void
am_sending_say(struct am_sending *s, enum am_send_class class,
    const char *reason, const char *detail)
{
	struct am_send_result *r = &s->result;

	r->class = class;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	snprintf(r->detail, sizeof(r->detail), "%s", detail);
}

void
am_sending_end_later(struct am_sending *s, enum am_send_class class,
    const char *reason, const char *detail)
{
	am_sending_say(s, class, reason, detail);
	end_later(s);
}

void
am_sending_cancel(struct am_sending *s)
{
	if (s->ended) {
		TAILQ_REMOVE(&s->deliver->ended, s, turn);
		s->ended = false;
		return;
	}
	if (s->waiting)
		TAILQ_REMOVE(&s->lane->waiting, s, turn);
	s->waiting = false;
	am_curlmux_stop(&s->job);
	s->result.class = AM_SEND_CANCELED;
	snprintf(s->result.reason, sizeof(s->result.reason), "canceled");
}

static void
end_refused(struct am_sending *s, const char *why)
{
	char text[INET6_ADDRSTRLEN], detail[160];

	snprintf(detail, sizeof(detail),
	    "%s leads to %s (%s); allow_net would have to cover it",
	    s->ep->host, am_addr_format(&s->addr, text), why);
	am_sending_end_later(s, AM_SEND_RETRY, "refused_address", detail);
}

/* ---- the transfer ---- */

static enum am_webhook_phase
phase_of(const struct am_sending *s)
{
	long sent = 0;
	curl_off_t secured = 0;

	curl_easy_getinfo(s->job.easy, CURLINFO_REQUEST_SIZE, &sent);
	if (sent > 0)
		return AM_WH_SENT;
	if (!s->job.connected)
		return AM_WH_NOTHING;
	curl_easy_getinfo(s->job.easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	if (secured > 0 || strcmp(s->ep->scheme, "https") != 0)
		return AM_WH_SECURED;
	return AM_WH_CONNECTED;
}

static void transfer(struct am_sending *s);

/*
 * The address in use takes no connection: another one may. True when the same
 * sending goes on there; when all were tried, the next one asks anew.
 */
static bool
try_next_address(struct am_sending *s)
{
	struct am_route *r = &s->lane->route;

	if (r->at == s->at && r->n > 0)
		r->at = (s->at + 1) % r->n;
	if (++s->tried >= r->n || am_mono() - s->mono >= s->ep->timeout) {
		am_route_forget(r);
		return false;
	}
	transfer(s);
	return true;
}

static void
on_transfer(struct am_curlmux_job *job, CURLcode rc)
{
	struct am_sending *s = sending_of(job);
	struct am_webhook_answer *a = &s->answer;
	long status = 0;

	a->rc = rc;
	a->error = s->error;
	if (rc != CURLE_OK)
		a->phase = phase_of(s);
	if (rc == CURLE_COULDNT_CONNECT && s->refused != NULL) {
		end_refused(s, s->refused);
		return;
	}
	if (a->phase == AM_WH_NOTHING &&
	    (rc == CURLE_COULDNT_CONNECT || rc == CURLE_OPERATION_TIMEDOUT) &&
	    try_next_address(s))
		return;
	curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
	a->status = (int)status;
	s->kind->judge(s, s->started + (am_mono() - s->mono));
	am_deliver_ended(s->deliver, s);
}

/* The next address that may be dialled; false when there is none. */
static bool
choose(struct am_sending *s, const char **why)
{
	const struct am_route *r = &s->lane->route;

	for (size_t i = 0; i < r->n; i++) {
		size_t at = (r->at + i) % r->n;

		s->at = at;
		s->addr = r->addrs[at];
		*why = am_address_refused((const struct sockaddr *)&s->addr.ss,
		    s->ep->allow_net, s->ep->allow_net_n);
		if (*why == NULL)
			return true;
	}
	return false;
}

static void
set_total(struct am_sending *s, am_ms now)
{
	am_ms left = s->ep->timeout - (now - s->mono);

	if (left < 1)
		left = 1; /* 0 would mean no limit */
	if (left != s->total)
		curl_easy_setopt(s->job.easy, CURLOPT_TIMEOUT_MS, (long)left);
	s->total = left;
}

static void
transfer(struct am_sending *s)
{
	char text[INET6_ADDRSTRLEN];
	const char *why = "";
	am_ms now = am_mono(), at_s = (s->started + now - s->mono) / AM_SECOND;

	if (!choose(s, &why)) {
		end_refused(s, why);
		return;
	}
	snprintf(s->connect_to_text, sizeof(s->connect_to_text),
	    s->addr.ss.ss_family == AF_INET6 ? "::[%s]:" : "::%s:",
	    am_addr_format(&s->addr, text));
	am_webhook_answer_reset(&s->answer, s->ep);
	s->error[0] = '\0';
	s->refused = NULL;
	set_total(s, now);
	if (s->kind->prepare(s, at_s) != 0) {
		end_later(s);
		return;
	}
	if (am_curlmux_start(&s->job) != 0)
		am_sending_end_later(
		    s, AM_SEND_RETRY, "transport", "libcurl did not start");
}

/* ---- the address ---- */

void
am_route_forget(struct am_route *r)
{
	if (r->until != AM_NEVER)
		r->until = 0;
}

static void
on_resolved(
    void *arg, int rc, const struct am_addr *addrs, size_t n, const char *why)
{
	struct am_lane *l = arg;
	struct am_route *r = &l->route;
	struct am_addr last = r->addrs[r->at];
	struct am_sending *s;

	r->asking = NULL;
	r->n = n;
	r->at = 0;
	memcpy(r->addrs, addrs, n * sizeof(addrs[0]));
	for (size_t i = 0; i < n; i++) {
		if (memcmp(&addrs[i], &last, sizeof(last)) == 0)
			r->at = i;
	}
	r->until = rc == 0 ? am_mono() + ROUTE_KEPT : 0;
	while ((s = TAILQ_FIRST(&l->waiting)) != NULL) {
		TAILQ_REMOVE(&l->waiting, s, turn);
		s->waiting = false;
		if (rc == 0)
			transfer(s);
		else
			am_sending_end_later(s, AM_SEND_RETRY,
			    rc == -AM_ETIMEDOUT ? "dns_timeout" : "dns", why);
	}
}

void
am_sending_start(struct am_sending *s)
{
	struct am_lane *l = s->lane;
	struct am_route *r = &l->route;

	s->tried = 0;
	if (r->until == 0 && am_resolve_numeric(s->ep->host, &r->addrs[0])) {
		r->n = 1;
		r->until = AM_NEVER;
	}
	if (r->until > s->mono) {
		transfer(s);
		return;
	}
	s->waiting = true;
	TAILQ_INSERT_TAIL(&l->waiting, s, turn);
	if (r->asking == NULL)
		r->asking = am_resolve_start(l->deliver->base, l->deliver->dns,
		    s->ep->host, s->ep->connect_timeout, on_resolved, l);
}
