/*
 * read_endpoint - where follow-ups go.
 */

#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

static const char *const types[] = {
	[AM_ENDPOINT_WEBHOOK] = "webhook",
	[AM_ENDPOINT_SMS] = "sms",
	[AM_ENDPOINT_CHAT] = "chat",
	[AM_ENDPOINT_MAIL] = "mail",
};

#define WEBHOOK (1u << AM_ENDPOINT_WEBHOOK)
#define SMS (1u << AM_ENDPOINT_SMS)
#define CHAT (1u << AM_ENDPOINT_CHAT)
#define MAIL (1u << AM_ENDPOINT_MAIL)

/* Keys that say something to some types only; a key that would be read and do
 * nothing is refused. */
static const struct {
	const char *key;
	unsigned types;
	const char *instead;
} only_for[] = {
	{ "url", WEBHOOK | MAIL,
	    "the provider has the url; to replace its "
	    "host write base_url" },
	{ "base_url", SMS | CHAT, "write url" },
	{ "allow_http", WEBHOOK | SMS | CHAT, "for mail write allow_plain" },
	{ "allow_plain", MAIL, "for the others write allow_http" },
	{ "success_when", WEBHOOK, "write it into the provider, as success" },
	{ "permanent_when", WEBHOOK,
	    "write it into the provider, as "
	    "permanent" },
	{ "retry_when", WEBHOOK, "write it into the provider, as retryable" },
	{ "throttle_when", WEBHOOK, "write it into the provider, as throttle" },
	{ "provider", SMS | CHAT, "remove it" },
	{ "account", SMS | CHAT, "remove it" },
	{ "user", SMS | CHAT | MAIL, "remove it" },
	{ "password", SMS | CHAT | MAIL, "remove it" },
	{ "token", SMS | CHAT, "remove it" },
	{ "from", SMS | CHAT | MAIL, "remove it" },
	{ "set", SMS | CHAT, "remove it" },
	{ "per_recipient", SMS | MAIL, "remove it, or write rate" },
	{ "max_segments", SMS, "remove it" },
	{ "receipt_wait", SMS | CHAT, "remove it" },
	{ "callback_url", SMS | CHAT, "remove it" },
	{ "callback_token", SMS | CHAT, "remove it" },
	{ "callback_net", SMS | CHAT, "remove it" },
	{ "secret", WEBHOOK | SMS | CHAT, "remove it" },
	{ "retire_at", WEBHOOK | SMS | CHAT, "remove it" },
};

static void
check_keys(struct am_build *b, const struct am_node *n,
    const struct am_conf_endpoint *e)
{
	for (size_t i = 0; i < AM_COUNT(only_for); i++) {
		if ((only_for[i].types & 1u << e->type) == 0 &&
		    am_node_entry(n, only_for[i].key) != NULL)
			am_fault(b, n, only_for[i].key,
			    "%s: means nothing to an endpoint of type %s; %s",
			    only_for[i].key, types[e->type],
			    only_for[i].instead);
	}
}

/* That of a provider's endpoint comes with the provider. */
static void
read_url(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	bool mail = e->type == AM_ENDPOINT_MAIL;
	const char *like = mail ? "smtps://HOST" : "https://HOST/PATH";
	struct am_url url;
	char why[256];

	e->url = am_node_value(n, "url");
	if (e->url == NULL) {
		am_fault(b, n, NULL,
		    "endpoint \"%s\" has no url; write such as url = \"%s\"",
		    n->title, like);
		return;
	}
	if (am_url_parse(b->a, e->url, &url, why) != 0)
		AM_ASSERT(!"am_check_tree() passed it");
	e->scheme = url.scheme;
	e->host = url.host;
	e->port = url.port;
	if ((strncmp(url.scheme, "smtp", 4) == 0) != mail)
		am_fault(b, n, "url",
		    "url: an endpoint of type %s has no address of %s://; "
		    "write such as %s",
		    types[e->type], url.scheme, like);
	else if (mail && url.path[0] != '\0' && strcmp(url.path, "/") != 0)
		am_fault(b, n, "url",
		    "url: a mail server has no path; write %s://HOST[:PORT]",
		    url.scheme);
	else if (strcmp(url.scheme, "http") == 0 && !e->allow_http)
		am_fault(b, n, "url",
		    "url: http:// is not encrypted; use https://, or say "
		    "allow_http = true");
}

static void
read_keys(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "secret", &w);
	char why[256];

	if (count > AM_COUNT(e->secrets)) {
		am_fault(b, n, "secret",
		    "secret: %zu keys; at most %zu are taken, two are enough "
		    "for a rotation",
		    count, AM_COUNT(e->secrets));
		return;
	}
	if (count == 0 && e->type == AM_ENDPOINT_WEBHOOK)
		am_fault(b, n, "secret",
		    "endpoint \"%s\" has no secret; a webhook is signed: write "
		    "secret = {\"file:PATH\"}",
		    n->title);
	if (am_node_value(n, "retire_at") != NULL &&
	    am_rfc3339_parse(
		am_str_c(am_node_value(n, "retire_at")), &e->retire_at) != 0)
		AM_ASSERT(!"am_check_tree() passed it");
	am_wipe_later(b, e->keys, sizeof(e->keys));
	for (size_t i = 0; i < count; i++) {
		size_t k = e->secrets_n;

		if (am_secret_read(b, n, "secret", &w[i], &e->secrets[k]) != 0)
			continue;
		if (am_whsec_decode(e->secrets[k].value, e->keys[k],
			&e->keys_n[k], why) != 0)
			am_diag_add(b->d, n->file, w[i].line, "secret: %s %s",
			    w[i].s, why);
		else
			e->secrets_n++;
	}
}

static void
read_retry(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "retry", &w);
	int rc = 0;

	if (count == 0 || count > AM_RETRY_MAX) {
		am_fault(b, n, "retry",
		    "retry: %zu attempts; list 1 to %d, the first as \"0s\"",
		    count, AM_RETRY_MAX);
		return;
	}
	e->retry.n = count;
	for (size_t i = 0; i < count; i++)
		rc |= am_span_parse(w[i].s, &e->retry.delay[i]);
	rc |=
	    am_percent_parse(am_node_value(n, "jitter"), &e->retry.jitter_pct);
	AM_ASSERT(rc == 0);
	e->retry.max_age = am_node_value(n, "max_age") != NULL
			       ? am_get_span(n, "max_age")
			       : AM_NEVER;
	e->retry.retry_after_max = am_get_span(n, "retry_after_max");
}

/* A text that a person may have got is not sent again by itself. */
static enum am_on_uncertain
read_on_uncertain(const struct am_node *n, enum am_endpoint_type type)
{
	const char *v = am_node_value(n, "on_uncertain");

	if (v == NULL)
		return type == AM_ENDPOINT_SMS ? AM_UNCERTAIN_HOLD
					       : AM_UNCERTAIN_RETRY;
	return v[0] == 'h'   ? AM_UNCERTAIN_HOLD
	       : v[0] == 'f' ? AM_UNCERTAIN_FAIL
			     : AM_UNCERTAIN_RETRY;
}

static void
read_limits(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const char *rate = am_node_value(n, "rate");
	int64_t bytes = 0;
	int rc = am_bytes_parse(am_node_value(n, "max_response"), &bytes);

	if (rate != NULL)
		rc |= am_rate_parse(rate, &e->rate_n, &e->rate_per);
	rc |= am_percent_parse(
	    am_node_value(n, "retry_budget"), &e->retry_budget_pct);
	AM_ASSERT(rc == 0);
	e->max_response_bytes = (size_t)bytes;
	e->disable_after = am_get_span(n, "disable_after");
	e->on_uncertain = read_on_uncertain(n, e->type);
	e->timeout = am_get_span(n, "timeout");
	e->connect_timeout = am_get_span(n, "connect_timeout");
	if (e->connect_timeout > e->timeout) {
		if (am_node_entry(n, "connect_timeout") != NULL)
			am_fault(b, n, "connect_timeout",
			    "connect_timeout: longer than timeout, which holds "
			    "for the whole request; shorten it");
		e->connect_timeout = e->timeout;
	}
	e->inflight = (uint32_t)am_get_count(n, "inflight");
	e->breaker_failures = (uint32_t)am_get_count(n, "breaker_failures");
	e->breaker_cooldown = am_get_span(n, "breaker_cooldown");
	e->breaker_cooldown_max = am_get_span(n, "breaker_cooldown_max");
	if (e->breaker_cooldown_max < e->breaker_cooldown) {
		if (am_node_entry(n, "breaker_cooldown_max") != NULL)
			am_fault(b, n, "breaker_cooldown_max",
			    "breaker_cooldown_max: shorter than "
			    "breaker_cooldown; make it the longer one");
		e->breaker_cooldown_max = e->breaker_cooldown;
	}
}

static void
read_answer(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	static const char *const keys[] = {
		[AM_ANSWER_THROTTLE] = "throttle_when",
		[AM_ANSWER_PERMANENT] = "permanent_when",
		[AM_ANSWER_RETRY] = "retry_when",
		[AM_ANSWER_SUCCESS] = "success_when",
		/* the others are words of providers only */
	};
	const struct am_word *w;
	size_t faults = b->d->n;
	char why[256];

	for (size_t k = 0; k < AM_COUNT(keys); k++) {
		struct am_answer_rule *v;
		size_t count;

		if (keys[k] == NULL)
			continue;
		count = am_node_list(b->a, n, keys[k], &w);
		v = am_arena_zalloc(b->a, (count + 1) * sizeof(*v));
		if (count == 0 && am_node_entry(n, keys[k]) != NULL)
			am_fault(b, n, keys[k],
			    "%s: no rule; write such as {\"/errorCode == "
			    "0\"}, or leave the key out",
			    keys[k]);
		for (size_t i = 0; i < count; i++) {
			if (am_answer_rule_parse(b->a, w[i].s,
				k == AM_ANSWER_THROTTLE, &v[i], why) != 0)
				am_diag_add(b->d, n->file, w[i].line, "%s: %s",
				    keys[k], why);
			else if (v[i].source != AM_ANSWER_JSON ||
				 v[i].recipient_only)
				am_diag_add(b->d, n->file, w[i].line,
				    "%s: '%.60s': this is for providers; a "
				    "webhook's rule looks at JSON, as in "
				    "/errorCode == 0",
				    keys[k], w[i].s);
		}
		e->answer.list[k].v = v;
		e->answer.list[k].n = count;
		e->answer.in_use |= count > 0;
	}
	if (b->d->n == faults &&
	    am_answer_rules_check(&e->answer.list[AM_ANSWER_SUCCESS], why) != 0)
		am_fault(b, n, "success_when", "success_when: %s", why);
}

static void
read_quiet(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const struct am_conf *c = b->c;
	const char *name = am_node_value(n, "quiet"), **known;

	if (name == NULL && e->type == AM_ENDPOINT_SMS)
		am_warn(b, n->file, n->line,
		    "endpoint \"%s\" has no quiet: people may be texted at "
		    "night; name a quiet section, or say quiet = \"none\"",
		    n->title);
	if (name == NULL)
		return;
	known = am_arena_zalloc(b->a, (c->quiets_n + 1) * sizeof(*known));
	for (size_t i = 0; i < c->quiets_n; i++) {
		known[i] = c->quiets[i]->name;
		if (strcmp(known[i], name) == 0)
			e->quiet = c->quiets[i];
	}
	/* one that was refused has its own diagnostic */
	if (e->quiet == NULL && strcmp(name, "none") != 0 &&
	    am_node_find(b->root, "quiet", name) == NULL)
		am_fault_name(b, n, "quiet", am_node_line(n, "quiet"), "quiet",
		    name, known, c->quiets_n);
}

static const struct am_conf_endpoint *
read_one(struct am_build *b, const struct am_node *n)
{
	struct am_conf_endpoint *e = am_arena_zalloc(b->a, sizeof(*e));
	const char *type = am_node_value(n, "type");
	const struct am_word *w;
	int rc = 0;

	e->name = n->title;
	e->file = n->file;
	e->line = n->line;
	while (strcmp(types[e->type], type) != 0)
		e->type++;
	e->built = true;
	check_keys(b, n, e);
	e->allow_http = am_get_bool(n, "allow_http");
	e->allow_net_n = am_node_list(b->a, n, "allow_net", &w);
	for (size_t i = 0; i < e->allow_net_n; i++)
		rc |= am_cidr_parse(w[i].s, &e->allow_net[i]);
	AM_ASSERT(rc == 0);
	e->ca_file = am_node_value(n, "ca_file");
	if (e->type == AM_ENDPOINT_WEBHOOK || e->type == AM_ENDPOINT_MAIL)
		read_url(b, n, e);
	read_keys(b, n, e);
	read_retry(b, n, e);
	read_limits(b, n, e);
	read_answer(b, n, e);
	read_quiet(b, n, e);
	if (e->type != AM_ENDPOINT_WEBHOOK)
		am_read_channel(b, n, e);
	return e;
}

void
am_read_endpoints(struct am_build *b)
{
	const struct am_node *n = NULL;
	size_t count = 0;

	while ((n = am_node_child(b->root, "endpoint", n)) != NULL)
		count++;
	b->own->endpoints =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*b->own->endpoints));
	while ((n = am_node_child(b->root, "endpoint", n)) != NULL)
		b->own->endpoints[b->own->endpoints_n++] = read_one(b, n);
}
