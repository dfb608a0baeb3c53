/*
 * read_http - where requests come in, and who may send events.
 *
 * What a producer says fits its scheme or is refused: a key that would be read
 * and not looked at is worse than none where it is about who may come in.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"

#define SECRET_BYTES_MIN 16

static const char *const schemes[] = {
	[AM_PRODUCER_STANDARD_WEBHOOKS] = "standard-webhooks",
	[AM_PRODUCER_BEARER] = "bearer",
	[AM_PRODUCER_BASIC] = "basic",
	[AM_PRODUCER_GITHUB] = "github",
	[AM_PRODUCER_STRIPE] = "stripe",
	[AM_PRODUCER_HMAC] = "hmac",
};

#define BIT(scheme) (1u << AM_PRODUCER_##scheme)

static const struct {
	const char *key;
	unsigned schemes;
	const char *instead;
} only_for[] = {
	{ "secret",
	    BIT(STANDARD_WEBHOOKS) | BIT(GITHUB) | BIT(STRIPE) | BIT(HMAC),
	    "write token" },
	{ "token", BIT(STANDARD_WEBHOOKS) | BIT(BEARER) | BIT(BASIC),
	    "it has a secret; remove the token" },
	{ "signature", BIT(HMAC), "say scheme = \"hmac\", or remove it" },
	{ "tolerance", BIT(STANDARD_WEBHOOKS) | BIT(STRIPE) | BIT(HMAC),
	    "no time is signed there; remove it" },
};

const char *
am_producer_scheme_str(enum am_producer_scheme scheme)
{
	return schemes[scheme];
}

static bool
given(const struct am_node *n, const char *key)
{
	return am_node_entry(n, key) != NULL ||
	       am_node_child(n, key, NULL) != NULL;
}

static void
read_scheme(
    struct am_build *b, const struct am_node *n, struct am_conf_producer *p)
{
	const char *v = am_node_value(n, "scheme");

	if (v == NULL && given(n, "signature"))
		am_fault(b, am_node_child(n, "signature", NULL), NULL,
		    "signature: means nothing without scheme = \"hmac\"; write "
		    "that, or remove the section");
	else if (v == NULL)
		p->scheme = given(n, "secret") ? AM_PRODUCER_STANDARD_WEBHOOKS
					       : AM_PRODUCER_BEARER;
	while (v != NULL && strcmp(schemes[p->scheme], v) != 0)
		p->scheme++;
	if (!given(n, "secret") && !given(n, "token")) {
		am_fault(b, n, NULL,
		    "producer \"%s\" has neither secret nor token; give it one",
		    n->title);
		return;
	}
	if (v == NULL)
		return;
	for (size_t i = 0; i < AM_COUNT(only_for); i++) {
		const char *key = only_for[i].key;
		const struct am_node *at = am_node_child(n, key, NULL);

		if ((only_for[i].schemes & 1u << p->scheme) == 0 &&
		    given(n, key))
			am_fault(b, at != NULL ? at : n,
			    at != NULL ? NULL : key,
			    "%s: means nothing to scheme %s; %s", key, v,
			    only_for[i].instead);
	}
}

/* ---- secrets and tokens ---- */

/* What the scheme can do with it; NULL: it is right. */
static const char *
fault_of(const struct am_conf_producer *p, bool token, struct am_str v)
{
	bool basic = token && p->scheme == AM_PRODUCER_BASIC;
	const char *colon = memchr(v.p, ':', v.n);

	if (basic && (colon == NULL || colon == v.p))
		return "is not USER:PASSWORD; put both there, with a colon "
		       "between";
	if (basic)
		v = (struct am_str){ colon + 1,
			v.n - (size_t)(colon - v.p) - 1 };
	if (v.n < SECRET_BYTES_MIN)
		return basic ? "has a password that is guessed; it must have "
			       "16 bytes or more, as from openssl rand -hex 24"
			     : "is guessed; it must have 16 bytes or more, as "
			       "from openssl rand -hex 24";
	for (size_t i = 0; token && !basic && i < v.n; i++) {
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return "cannot stand in a header; it must be letters "
			       "and digits, as from openssl rand -hex 24";
	}
	return NULL;
}

static void
read_key(struct am_build *b, const struct am_node *n,
    struct am_conf_producer *p, const struct am_word *w)
{
	size_t k = p->secrets_n;
	char why[256];

	if (am_secret_read(b, n, "secret", w, &p->secrets[k]) != 0)
		return;
	if (p->scheme == AM_PRODUCER_STANDARD_WEBHOOKS) {
		if (am_whsec_decode(p->secrets[k].value, p->keys[k],
			&p->keys_n[k], why) == 0)
			p->secrets_n++;
		else
			am_diag_add(
			    b->d, n->file, w->line, "secret: %s %s", w->s, why);
		return;
	}
	if (!b->blind && fault_of(p, false, p->secrets[k].value) != NULL)
		am_diag_add(b->d, n->file, w->line, "secret: %s %s", w->s,
		    fault_of(p, false, p->secrets[k].value));
	else
		p->secrets_n++;
}

static void
read_token(struct am_build *b, const struct am_node *n,
    struct am_conf_producer *p, const struct am_word *w)
{
	struct am_secret *s = &p->tokens[p->tokens_n];

	if (am_secret_read(b, n, "token", w, s) != 0)
		return;
	if (!b->blind && fault_of(p, true, s->value) != NULL)
		am_diag_add(b->d, n->file, w->line, "token: %s %s", w->s,
		    fault_of(p, true, s->value));
	else
		p->tokens_n++;
}

static void
read_keys(struct am_build *b, const struct am_node *n,
    struct am_conf_producer *p, const char *key,
    void read(struct am_build *, const struct am_node *,
	struct am_conf_producer *, const struct am_word *))
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, key, &w);

	if (count > AM_COUNT(p->secrets))
		am_fault(b, n, key,
		    "%s: %zu values; at most %zu are taken, two are enough for "
		    "a rotation",
		    key, count, AM_COUNT(p->secrets));
	for (size_t i = 0; i < count && i < AM_COUNT(p->secrets); i++)
		read(b, n, p, &w[i]);
}

/* ---- the signature of scheme hmac ---- */

static bool
header_ok(const char *s)
{
	for (; *s != '\0'; s++) {
		bool letter = (*s | 32) >= 'a' && (*s | 32) <= 'z';

		if (!letter && !(*s >= '0' && *s <= '9') &&
		    strchr("!#$%&'*+-.^_`|~", *s) == NULL)
			return false;
	}
	return true;
}

static const char *
read_header(struct am_build *b, const struct am_node *n, const char *key)
{
	const char *v = am_node_value(n, key);

	if (v != NULL && !header_ok(v))
		am_fault(b, n, key,
		    "%s: '%.60s' is no name of a header; write such as "
		    "\"X-Signature\"",
		    key, v);
	return v;
}

/* One value of what is signed: there must be such a one. */
static void
check_signed(struct am_build *b, const struct am_node *n,
    const struct am_conf_signature *s, const struct am_fill_part *part)
{
	bool id = strcmp(part->path, "id") == 0;
	bool timestamp = strcmp(part->path, "timestamp") == 0;
	bool known = id || timestamp || strcmp(part->path, "body") == 0;

	if (!known || part->whole || part->enc != AM_FILL_RAW)
		am_fault(b, n, "content",
		    "content: unknown value '%.40s'; there are {body}, "
		    "{timestamp} and {id}",
		    part->path);
	else if (timestamp && s->timestamp_header == NULL)
		am_fault(b, n, "content",
		    "content: there is no timestamp_header for {timestamp}; "
		    "write such as timestamp_header = \"X-Timestamp\"");
	else if (id && s->id_header == NULL)
		am_fault(b, n, "content",
		    "content: there is no id_header for {id}; write such as "
		    "id_header = \"X-Id\"");
}

static void
read_content(
    struct am_build *b, const struct am_node *n, struct am_conf_signature *s)
{
	bool body = false, timestamp = false;
	char why[256];

	if (am_fill_parse(b->a, am_str_c(am_node_value(n, "content")),
		&s->content, why) != 0) {
		am_fault(b, n, "content", "content: %s", why);
		return;
	}
	for (size_t i = 0; i < s->content->n; i++) {
		const struct am_fill_part *part = &s->content->v[i];

		if (part->path == NULL)
			continue;
		body |= strcmp(part->path, "body") == 0;
		timestamp |= strcmp(part->path, "timestamp") == 0;
		check_signed(b, n, s, part);
	}
	if (!body)
		am_fault(b, n, "content",
		    "content: the body is not signed, and anybody could change "
		    "it; put {body} in");
	if (!timestamp && s->timestamp_header != NULL)
		am_fault(b, n, "timestamp_header",
		    "timestamp_header: a time that is not signed proves "
		    "nothing; put {timestamp} into content, or remove it");
}

static void
read_signature(struct am_build *b, const struct am_node *producer,
    struct am_conf_signature *s)
{
	const struct am_node *n = am_node_child(producer, "signature", NULL);
	const char *digest;

	if (n == NULL) {
		am_fault(b, producer, NULL,
		    "producer \"%s\" of scheme hmac has no signature; write "
		    "such as signature { header = \"X-Signature\" }",
		    producer->title);
		return;
	}
	s->header = read_header(b, n, "header");
	if (s->header == NULL)
		am_fault(b, n, NULL,
		    "signature has no header; write such as header = "
		    "\"X-Signature\"");
	s->prefix = am_node_value(n, "prefix");
	if (s->prefix == NULL)
		s->prefix = "";
	s->base64 = am_node_value(n, "encoding")[0] == 'b';
	digest = am_node_value(n, "digest");
	s->digest = strcmp(digest, "sha512") == 0 ? AM_SIGNATURE_SHA512
		    : strcmp(digest, "sha1") == 0 ? AM_SIGNATURE_SHA1
						  : AM_SIGNATURE_SHA256;
	s->timestamp_header = read_header(b, n, "timestamp_header");
	s->id_header = read_header(b, n, "id_header");
	read_content(b, n, s);
	if (s->timestamp_header == NULL &&
	    am_node_entry(producer, "tolerance") != NULL)
		am_fault(b, producer, "tolerance",
		    "tolerance: no time is signed; give the signature a "
		    "timestamp_header, or remove it");
}

/* ---- what it may do ---- */

static void
read_events(
    struct am_build *b, const struct am_node *n, struct am_conf_producer *p)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "events", &w);
	enum am_event_type type;

	for (int t = AM_EV_NONE + 1; count == 0 && t < AM_EVENTS_N; t++) {
		if (am_event_spec((enum am_event_type)t)->inbound)
			p->events |= UINT64_C(1) << t;
	}
	for (size_t i = 0; i < count; i++) {
		if (am_find_event(b, n, "events", &w[i], &type) == 0)
			p->events |= UINT64_C(1) << type;
	}
	if (count == 0 && am_node_entry(n, "events") != NULL)
		am_fault(b, n, "events",
		    "events: the list is empty; name one, or leave the key out "
		    "for all");
}

static void
read_source(
    struct am_build *b, const struct am_node *n, struct am_conf_producer *p)
{
	p->source = am_node_value(n, "source");
	if (p->source == NULL)
		p->source = p->name;
	if (strlen(p->source) > AM_NAME_MAX)
		am_fault(b, n, "source", "source: over %d bytes; shorten it",
		    AM_NAME_MAX);
	if (strcmp(p->source, "amends") == 0)
		am_fault(b, n, "source",
		    "source: amends is the name of what the daemon says "
		    "itself; write another");
}

static void
read_limits(
    struct am_build *b, const struct am_node *n, struct am_conf_producer *p)
{
	const char *rate = am_node_value(n, "rate");
	const char *each = am_node_value(n, "each");
	const struct am_word *w;
	int rc = 0;

	p->allow_net_n = am_node_list(b->a, n, "allow_net", &w);
	for (size_t i = 0; i < p->allow_net_n; i++)
		rc |= am_cidr_parse(w[i].s, &p->allow_net[i]);
	if (rate != NULL)
		rc |= am_rate_parse(rate, &p->rate_n, &p->rate_per);
	AM_ASSERT(rc == 0); /* am_check_tree() passed it */
	p->tolerance = am_get_span(n, "tolerance");
	p->batch = am_get_bool(n, "batch");
	p->idempotency_required =
	    strcmp(am_node_value(n, "idempotency"), "required") == 0;
	if (each != NULL && strcmp(each, "/") != 0 &&
	    !am_fill_path_ok(am_str_c(each)))
		am_fault(b, n, "each",
		    "each: '%.60s' is no path; write such as \"alerts\" or "
		    "\"data.items\", or \"/\" when the body is the array",
		    each);
	p->each = each != NULL && strcmp(each, "/") == 0 ? "" : each;
}

static const struct am_conf_producer *
read_producer(struct am_build *b, const struct am_node *n)
{
	struct am_conf_producer *p = am_arena_zalloc(b->a, sizeof(*p));

	p->name = n->title;
	p->file = n->file;
	p->line = n->line;
	read_scheme(b, n, p);
	am_wipe_later(b, p->keys, sizeof(p->keys));
	read_keys(b, n, p, "secret", read_key);
	read_keys(b, n, p, "token", read_token);
	if (p->scheme == AM_PRODUCER_HMAC)
		read_signature(b, n, &p->signature);
	read_source(b, n, p);
	read_events(b, n, p);
	read_limits(b, n, p);
	am_read_maps(b, n, p);
	return p;
}

/* A secret tells who has sent a request; two who share it cannot be told
 * apart. */
static void
judge_pair(struct am_build *b, const struct am_conf_producer *p,
    const struct am_conf_producer *q)
{
	bool same = false;

	for (size_t i = 0; i < p->tokens_n; i++) {
		for (size_t k = 0; k < q->tokens_n; k++)
			same |=
			    am_str_eq(p->tokens[i].value, q->tokens[k].value);
	}
	for (size_t i = 0; p->scheme == q->scheme && i < p->secrets_n; i++) {
		for (size_t k = 0; k < q->secrets_n; k++)
			same |=
			    am_str_eq(p->secrets[i].value, q->secrets[k].value);
	}
	if (same)
		am_diag_add(b->d, p->file, p->line,
		    "producer \"%s\" proves itself by the same as \"%s\"; give "
		    "each its own, or nobody can tell who sends",
		    p->name, q->name);
}

/* Those of http, then those at the top, as a file of their own has them. */
static void
read_producers(struct am_build *b, const struct am_node *http)
{
	const struct am_node *in[] = { http, b->root };
	struct am_conf *c = b->own;
	const struct am_node *n = NULL, *twin;
	size_t count = 0;

	for (size_t i = 0; i < AM_COUNT(in); i++) {
		while ((n = am_node_child(in[i], "producer", n)) != NULL)
			count++;
	}
	c->http.producers =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*c->http.producers));
	for (size_t i = 0; i < AM_COUNT(in); i++) {
		while ((n = am_node_child(in[i], "producer", n)) != NULL) {
			twin = am_node_find(http, "producer", n->title);
			if (i > 0 && twin != NULL)
				am_fault(b, n, NULL,
				    "producer \"%s\" is given twice, first at "
				    "%s:%d; rename one",
				    n->title, twin->file, twin->line);
			else
				c->http.producers[c->http.producers_n++] =
				    read_producer(b, n);
		}
	}
	for (size_t i = 0; !b->blind && i < c->http.producers_n; i++) {
		for (size_t k = 0; k < i; k++)
			judge_pair(
			    b, c->http.producers[i], c->http.producers[k]);
	}
}

/* ---- where ---- */

static bool
is_local(const char *listen)
{
	return strncmp(listen, "unix:", 5) == 0 ||
	       strncmp(listen, "127.", 4) == 0 ||
	       strncmp(listen, "[::1]:", 6) == 0 ||
	       strncmp(listen, "::1:", 4) == 0 ||
	       strncmp(listen, "localhost:", 10) == 0;
}

static void
judge_listeners(struct am_build *b, const struct am_node *http)
{
	const struct am_conf *c = b->own;

	if (c->http.listen == NULL)
		am_fault(b, http, NULL,
		    "http has no listen; write such as listen = "
		    "\"127.0.0.1:8480\", or remove the section");
	else if (!is_local(c->http.listen))
		am_warn(b, http->file, am_node_line(http, "listen"),
		    "listen: %.80s is open to other machines, without TLS; put "
		    "a proxy that has TLS before it, and listen on 127.0.0.1",
		    c->http.listen);
	if (c->http.view == NULL)
		return;
	if (c->http.listen != NULL && strcmp(c->http.listen, c->http.view) == 0)
		am_fault(b, http, "view",
		    "view: the same address as listen; write another port, or "
		    "leave the key out");
	if (!is_local(c->http.view))
		am_warn(b, http->file, am_node_line(http, "view"),
		    "view: %.80s shows what operators see to whoever reaches "
		    "it, without TLS; put a proxy that has TLS and asks who it "
		    "is before it, and listen on 127.0.0.1",
		    c->http.view);
}

void
am_read_http(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *http = am_node_child(b->root, "http", NULL);
	const struct am_node *producer =
	    am_node_child(b->root, "producer", NULL);
	int64_t bytes = 0;

	if (http == NULL && producer != NULL)
		am_fault(b, producer, NULL,
		    "producer \"%s\": nothing listens for it; add http { "
		    "listen = \"127.0.0.1:8480\" }",
		    producer->title);
	if (http == NULL)
		return;
	c->http.listen = am_node_value(http, "listen");
	c->http.view = am_node_value(http, "view");
	judge_listeners(b, http);
	if (am_bytes_parse(am_node_value(http, "max_body"), &bytes) != 0)
		AM_ASSERT(!"am_check_tree() passed it");
	c->http.max_body_bytes = (size_t)bytes;
	c->http.connections = (unsigned)am_get_count(http, "connections");
	read_producers(b, http);
}

const struct am_conf_producer *
am_conf_producer(const struct am_conf *c, struct am_str name)
{
	for (size_t i = 0; i < c->http.producers_n; i++) {
		if (am_str_is(name, c->http.producers[i]->name))
			return c->http.producers[i];
	}
	return NULL;
}
