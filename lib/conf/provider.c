/*
 * provider - a provider block becomes data.
 *
 * A request is written as it will look, with holes; each hole says how its
 * value is put there, and where it stands decides which of the encoders are
 * right: what goes unescaped into a URL or a JSON text would be found by a
 * customer's apostrophe. A JSON text is filled with samples here and parsed, so
 * that one brace too few shows at the load.
 *
 * Rejected: one word a gateway ("twilio", "vonage") and its code in C. They are
 * many, they change, and their keepers are not ours.
 */

#include "build.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/str.h"

#define FREE AM_HOLE_FREE
#define JSON AM_HOLE_JSON
#define NUMBER AM_HOLE_NUMBER
#define GIVEN AM_HOLE_GIVEN

/* clang-format off */
static const struct am_provider_hole names[] = {
	{ "to",           0,           "the recipient's number, +8613900000001" },
	{ "to_digits",    0,           "the same without +" },
	{ "text",         FREE,        "the text" },
	{ "title",        FREE,        "its subject" },
	{ "lang",         0,           "its language" },
	{ "sms_type",     0,           "unicode, or text where GSM 03.38 has all its characters" },
	{ "template",     0,           "id of the approved template" },
	{ "params_json",  FREE | JSON, "its named parameters, an object of JSON" },
	{ "params_list",  FREE | JSON, "its ordered parameters, an array of JSON" },
	{ "followup_id",  0,           "the follow-up, the same in every attempt" },
	{ "complaint_id", FREE,        "the complaint" },
	{ "from",         GIVEN,       "of the endpoint" },
	{ "account",      GIVEN,       "of the endpoint" },
	{ "user",         GIVEN,       "of the endpoint" },
	{ "password",     GIVEN,       "of the endpoint" },
	{ "token",        GIVEN,       "of the endpoint" },
	{ "callback",     0,           "callback_url and callback_token as one address, with the follow-up id as ref in its query; empty when there is none" },
	{ "unix_s",       NUMBER,      "now, seconds since 1970" },
	{ "unix_ms",      NUMBER,      "now, milliseconds since 1970" },
	{ "iso_time",     0,           "now, 2026-11-21T19:35:03Z" },
	{ "nonce",        0,           "another text each time" },
	{ "sign",         0,           "the signature, where sign has one" },
	{ "timestamp",    0,           "the time that it was made with" },
};
/* clang-format on */

const struct am_provider_hole *
am_provider_holes(size_t *n)
{
	*n = AM_COUNT(names);
	return names;
}

const struct am_provider_hole *
am_provider_hole(const char *name)
{
	for (size_t i = 0; i < AM_COUNT(names); i++) {
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	}
	return NULL;
}

/* ---- holes ---- */

enum place {
	IN_URL,
	IN_QUERY,
	IN_FORM,
	IN_HEADER,
	IN_JSON,
	IN_RAW,
};

#define ENC(e) (1u << AM_ENC_##e)

/* The encoders that are right there; the first is the one to write. */
static const struct {
	unsigned encs;
	const char *write;
} places[] = {
	[IN_URL] = { ENC(URL) | ENC(HEX), "url" },
	[IN_QUERY] = { ENC(URL) | ENC(HEX), "url" },
	[IN_FORM] = { ENC(FORM) | ENC(URL) | ENC(HEX), "form" },
	[IN_HEADER] = { ENC(URL) | ENC(HEX), "url" },
	[IN_JSON] = { ENC(JSON) | ENC(HEX), "json" },
	[IN_RAW] = { ENC(RAW) | ENC(JSON) | ENC(URL) | ENC(FORM) | ENC(HEX),
	    "raw" },
};

/* What the operator has written may stand as it is where one line may, and a
 * number in JSON. */
static bool
may_be_raw(enum place place, const struct am_provider_hole *known)
{
	unsigned kind = known != NULL ? known->kind : 0;

	if (place == IN_JSON)
		return (kind & NUMBER) != 0;
	if (place == IN_HEADER)
		return (kind & FREE) == 0;
	return place != IN_FORM &&
	       (known == NULL || strcmp(known->name, "account") == 0);
}

struct reader {
	struct am_build *b;
	const struct am_node *n;
	struct am_conf_provider *p;
	const char **needs;
	size_t needs_cap;
};

static void
add_need(struct reader *r, const char *name)
{
	struct am_conf_provider *p = r->p;

	for (size_t i = 0; i < p->needs_n; i++) {
		if (strcmp(p->needs[i], name) == 0)
			return;
	}
	if (p->needs_n == r->needs_cap) {
		size_t cap = r->needs_cap > 0 ? 2 * r->needs_cap : 8;
		const char **v =
		    am_arena_alloc(r->b->a, cap * sizeof(*r->needs));

		if (p->needs_n > 0)
			memcpy(v, p->needs, p->needs_n * sizeof(*v));
		r->needs = v;
		r->needs_cap = cap;
	}
	r->needs[p->needs_n++] = name;
	p->needs = r->needs;
}

static void
check_hole(struct reader *r, const char *key, int line, enum place place,
    struct am_hole *h)
{
	const struct am_provider_hole *known = am_provider_hole(h->name);

	if (known == NULL)
		add_need(r, h->name);
	if (place == IN_JSON && h->enc == AM_ENC_JSON && known != NULL &&
	    (known->kind & JSON) != 0) {
		h->enc = AM_ENC_RAW; /* it is JSON */
		return;
	}
	if ((places[place].encs & 1u << h->enc) != 0 ||
	    (h->enc == AM_ENC_RAW && may_be_raw(place, known)))
		return;
	am_diag_add(r->b->d, r->n->file, line,
	    "%s: {%.40s} stands there with an encoder that is wrong in this "
	    "place; write {%.40s:%s}",
	    key, h->name, h->name, places[place].write);
}

static const struct am_holes *
read_holes(struct reader *r, const char *key, int line, const char *text,
    enum place place)
{
	struct am_holes *h = NULL;
	char why[256];

	if (am_holes_parse(r->b->a, am_str_c(text),
		place == IN_JSON || place == IN_RAW, &h, why) != 0) {
		am_diag_add(r->b->d, r->n->file, line, "%s: %s", key, why);
		return NULL;
	}
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].name != NULL)
			check_hole(r, key, line, place, &h->v[i]);
	}
	return h;
}

/* ---- the request ---- */

static bool
is_token(struct am_str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!isalnum((unsigned char)s.p[i]) &&
		    strchr(others, s.p[i]) == NULL)
			return false;
	}
	return s.n > 0;
}

/* Headers that are not for a block to set. */
static bool
is_ours(struct am_str name)
{
	static const char *const ours[] = { "host", "content-length",
		"content-type", "transfer-encoding", "connection", "expect" };

	for (size_t i = 0; i < AM_COUNT(ours); i++) {
		if (name.n == strlen(ours[i]) &&
		    strncasecmp(name.p, ours[i], name.n) == 0)
			return true;
	}
	return false;
}

static void
read_pair(struct reader *r, const char *key, const struct am_word *w,
    enum place place, struct am_provider_pair *pair)
{
	bool header = place == IN_HEADER;
	const char *mid = strchr(w->s, header ? ':' : '=');
	struct am_str name = { w->s, mid != NULL ? (size_t)(mid - w->s) : 0 };

	if (!is_token(name, header ? "!#$%&'*+-.^_`|~" : "-._~[]") ||
	    strpbrk(w->s, "\r\n") != NULL) {
		am_diag_add(r->b->d, r->n->file, w->line,
		    "%s: '%.60s' is no pair; write %s", key, w->s,
		    header ? "\"NAME: TEXT\"" : "\"NAME=TEXT\"");
		return;
	}
	if (header && is_ours(name))
		am_diag_add(r->b->d, r->n->file, w->line,
		    "%s: %.*s is set by amends; %s", key, AM_ARG(name),
		    strncasecmp(name.p, "content-type", name.n) == 0
			? "write content_type"
			: "remove it");
	pair->name = am_arena_cstr(r->b->a, name);
	mid++;
	pair->value = read_holes(
	    r, key, w->line, header ? mid + strspn(mid, " \t") : mid, place);
}

static void
read_pairs(struct reader *r, const char *key, enum place place,
    struct am_provider_pairs *out)
{
	const struct am_word *w;
	size_t n = am_node_list(r->b->a, r->n, key, &w);
	struct am_provider_pair *v =
	    am_arena_zalloc(r->b->a, (n + 1) * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		read_pair(r, key, &w[i], place, &v[i]);
	*out = (struct am_provider_pairs){ v, n };
}

static bool
sample(const void *arg, const char *name, struct am_str *value)
{
	const struct am_provider_hole *known = am_provider_hole(name);
	unsigned kind = known != NULL ? known->kind : 0;

	(void)arg;
	*value = (kind & NUMBER) != 0 ? AM_STR("1")
		 : (kind & JSON) != 0 ? AM_STR("[]")
				      : AM_STR("x");
	return true;
}

static void
check_json(struct reader *r)
{
	struct am_buf text;
	json_error_t error;
	json_t *j;

	am_buf_arena(&text, r->b->a, 1024);
	am_holes_render(r->p->text, sample, NULL, &text);
	j = json_loadb(text.p, text.n, 0, &error);
	if (j == NULL)
		am_fault(r->b, r->n, "json",
		    "json: is no JSON when its holes are filled (%.80s); "
		    "{NAME:json} brings its own quotes, and each { has its }",
		    error.text);
	json_decref(j);
}

static void
read_body(struct reader *r)
{
	static const struct {
		const char *key;
		enum am_provider_body body;
		const char *type;
	} bodies[] = {
		{ "form", AM_BODY_FORM, "application/x-www-form-urlencoded" },
		{ "json", AM_BODY_JSON, "application/json" },
		{ "raw", AM_BODY_RAW, "text/plain; charset=utf-8" },
	};
	struct am_conf_provider *p = r->p;
	const struct am_node *n = r->n;
	size_t faults;

	p->content_type = am_node_value(n, "content_type");
	for (size_t i = 0; i < AM_COUNT(bodies); i++) {
		if (am_node_entry(n, bodies[i].key) == NULL)
			continue;
		if (p->body != AM_BODY_NONE || strcmp(p->method, "GET") == 0)
			am_fault(r->b, n, bodies[i].key, "%s: %s; remove it",
			    bodies[i].key,
			    p->body != AM_BODY_NONE ? "there is a body already"
						    : "a GET has no body");
		p->body = bodies[i].body;
		if (p->content_type == NULL)
			p->content_type = bodies[i].type;
	}
	read_pairs(r, "form", IN_FORM, &p->form);
	faults = r->b->d->n;
	if (p->body == AM_BODY_JSON) {
		p->text = read_holes(r, "json", am_node_line(n, "json"),
		    am_node_value(n, "json"), IN_JSON);
		if (r->b->d->n == faults)
			check_json(r);
	} else if (p->body == AM_BODY_RAW) {
		p->text = read_holes(r, "raw", am_node_line(n, "raw"),
		    am_node_value(n, "raw"), IN_RAW);
	}
}

/* Index of the value among the words of a choice. */
static unsigned
choice(const struct am_node *n, const char *key)
{
	const struct am_option *o = am_option_find(am_node_type(n), key);
	const char *v = am_node_value(n, key), *p = o->of;
	size_t len = strlen(v);
	unsigned i = 0;

	while (strncmp(p, v, len) != 0 || (p[len] != '\0' && p[len] != '|')) {
		p = strchr(p, '|') + 1;
		i++;
	}
	return i;
}

static void
read_sign(struct reader *r)
{
	struct am_conf_provider *p = r->p;
	const struct am_node *n = r->n;

	p->sign = (enum am_provider_sign)choice(n, "sign");
	p->sign_service = am_node_value(n, "sign_service");
	if (p->sign != AM_SIGN_TENCENT_TC3 && p->sign != AM_SIGN_AWS_SIGV4) {
		if (p->sign_service != NULL)
			am_fault(r->b, n, "sign_service",
			    "sign_service: only tencent-tc3 and aws-sigv4 have "
			    "one; remove it");
		return;
	}
	if (p->sign_service == NULL)
		am_fault(r->b, n, "sign",
		    "sign: %s signs for a service; write such as sign_service "
		    "= %s",
		    am_node_value(n, "sign"),
		    p->sign == AM_SIGN_TENCENT_TC3 ? "sms" : "sns");
	if (p->sign == AM_SIGN_AWS_SIGV4) {
		add_need(r, "region");
		if (p->query.n > 0 || strcmp(p->method, "POST") != 0)
			am_fault(r->b, n, "sign",
			    "sign: aws-sigv4 signs a POST without a query; "
			    "write what stands in query into form");
	}
}

/* One that cannot be read is told once, not of each endpoint. */
static void
read_secret(struct reader *r, const char *key, struct am_secret *secret)
{
	const struct am_entry *e = am_node_entry(r->n, key);

	if (e != NULL &&
	    am_secret_read(r->b, r->n, key, &e->words[0], secret) != 0)
		secret->ref = e->words[0].s;
}

static void
read_request(struct reader *r)
{
	struct am_conf_provider *p = r->p;
	const struct am_node *n = r->n;
	const char *url = am_node_value(n, "url");

	p->method = am_node_value(n, "method");
	if (url == NULL)
		am_fault(r->b, n, NULL,
		    "provider \"%s\" has no url; write such as url = "
		    "\"https://HOST/PATH\"",
		    n->title);
	else
		p->url =
		    read_holes(r, "url", am_node_line(n, "url"), url, IN_URL);
	read_pairs(r, "header", IN_HEADER, &p->header);
	read_pairs(r, "query", IN_QUERY, &p->query);
	read_body(r);
	p->auth = (enum am_provider_auth)choice(n, "auth");
	read_sign(r);
	read_secret(r, "user", &p->user);
	read_secret(r, "password", &p->password);
}

/* ---- the answer ---- */

static void
read_rules(struct reader *r, const struct am_node *n, const char *key,
    bool may_pause, struct am_answer_rule_list *list)
{
	const struct am_word *w;
	size_t count = am_node_list(r->b->a, n, key, &w);
	struct am_answer_rule *v =
	    am_arena_zalloc(r->b->a, (count + 1) * sizeof(*v));
	char why[256];

	if (count == 0 && am_node_entry(n, key) != NULL)
		am_fault(r->b, n, key,
		    "%s: no rule; write such as {\"/code == 0\"}, or leave "
		    "the key out",
		    key);
	for (size_t i = 0; i < count; i++) {
		if (am_answer_rule_parse(
			r->b->a, w[i].s, may_pause, &v[i], why) != 0)
			am_diag_add(
			    r->b->d, n->file, w[i].line, "%s: %s", key, why);
	}
	*list = (struct am_answer_rule_list){ v, count };
}

static void
read_answer(struct reader *r)
{
	static const char *const keys[] = {
		[AM_ANSWER_THROTTLE] = "throttle",
		[AM_ANSWER_OPTED_OUT] = "opted_out",
		[AM_ANSWER_PERMANENT] = "permanent",
		[AM_ANSWER_RETRY] = "retryable",
		[AM_ANSWER_UNCERTAIN] = "uncertain",
		[AM_ANSWER_SUCCESS] = "success",
	};
	struct am_conf_provider *p = r->p;
	size_t faults = r->b->d->n;
	char why[256];

	for (size_t i = 0; i < AM_COUNT(keys); i++)
		read_rules(r, r->n, keys[i], i == AM_ANSWER_THROTTLE,
		    &p->answer.list[i]);
	p->answer.in_use = true;
	if (r->b->d->n == faults &&
	    am_answer_rules_check(&p->answer.list[AM_ANSWER_SUCCESS], why) != 0)
		am_fault(r->b, r->n, "success", "success: %s", why);
}

/* ---- callbacks ---- */

static const char *
read_pointer(
    struct reader *r, const struct am_node *n, const char *key, bool xml)
{
	const char *s = am_node_value(n, key);

	if (s == NULL)
		return NULL;
	if (xml && strncmp(s, "//", 2) == 0 && s[2] != '\0' &&
	    strpbrk(s + 2, "/<>&*\"' \t\r\n") == NULL)
		return s;
	for (const char *p = s; *p != '\0'; p++) {
		if (s[0] == '/' && strncmp(s, "//", 2) != 0 &&
		    (*p != '~' || p[1] == '0' || p[1] == '1') &&
		    (unsigned char)*p >= ' ')
			continue;
		am_fault(r->b, n, key,
		    "%s: '%.60s' is no JSON pointer; write such as "
		    "/messages/0/id%s, in a name ~ as ~0 and / as ~1",
		    key, s, xml ? " (or //NAME in XML)" : "");
		break;
	}
	return s;
}

static void
read_states(struct reader *r, const struct am_node *n, const char *key,
    struct am_answer_rule_list *list)
{
	read_rules(r, n, key, false, list);
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].source != AM_ANSWER_JSON)
			am_fault(r->b, n, key,
			    "%s: '%.60s' is no field of a callback; write "
			    "such as /status == delivered",
			    key, list->v[i].pointer);
	}
}

/* What receipts and replies have in common. */
static void
read_callback(
    struct reader *r, const struct am_node *n, struct am_provider_callback *c)
{
	c->in_use = true;
	c->verify = (enum am_provider_verify)choice(n, "verify");
	c->items = read_pointer(r, n, "items", false);
	c->id = read_pointer(r, n, "id", false);
	c->at = read_pointer(r, n, "at", false);
	c->answer = am_node_value(n, "answer");
	c->answer_type = am_node_value(n, "answer_type");
}

static void
read_receipt(struct reader *r)
{
	const struct am_node *n = am_node_child(r->n, "receipt", NULL);
	struct am_provider_callback *c = &r->p->receipt;

	if (n == NULL)
		return;
	read_callback(r, n, c);
	c->ref = read_pointer(r, n, "ref", false);
	c->code = read_pointer(r, n, "code", false);
	read_states(r, n, "accepted", &c->accepted);
	read_states(r, n, "delivered", &c->delivered);
	read_states(r, n, "failed", &c->failed);
	read_states(r, n, "read", &c->read);
	if (c->id == NULL && c->ref == NULL)
		am_fault(r->b, n, NULL,
		    "receipt: nothing says which message it is about; give id "
		    "or ref, as in id = \"/message_id\"");
	if (c->delivered.n == 0)
		am_fault(r->b, n, NULL,
		    "receipt: nothing says that a message has arrived; write "
		    "such as delivered = \"/status == delivered\"");
}

static void
read_inbound(struct reader *r)
{
	const struct am_node *n = am_node_child(r->n, "inbound", NULL);
	struct am_provider_callback *c = &r->p->inbound;

	if (n == NULL)
		return;
	read_callback(r, n, c);
	c->from = read_pointer(r, n, "from", false);
	c->text = read_pointer(r, n, "text", false);
	c->country = am_node_value(n, "country");
	if (c->country != NULL &&
	    (strspn(c->country, "0123456789") != strlen(c->country) ||
		strlen(c->country) > 3 || c->country[0] == '0'))
		am_fault(r->b, n, "country",
		    "country: '%.20s' is no code of a country; write digits "
		    "alone, such as 86",
		    c->country);
	c->opt_out = read_pointer(r, n, "opt_out", false);
	c->part = read_pointer(r, n, "part", false);
	c->parts = read_pointer(r, n, "parts", false);
	c->part_ref = read_pointer(r, n, "part_ref", false);
	if (c->from == NULL || c->text == NULL)
		am_fault(r->b, n, NULL, "inbound has no %s; write such as %s",
		    c->from == NULL ? "from" : "text",
		    c->from == NULL ? "from = \"/from\"" : "text = \"/text\"");
	if ((c->part == NULL) != (c->parts == NULL) ||
	    (c->part == NULL) != (c->part_ref == NULL))
		am_fault(r->b, n, NULL,
		    "inbound: pieces are joined by part, parts and part_ref; "
		    "give all three, or none");
}

const struct am_conf_provider *
am_provider_build(struct am_build *b, const struct am_node *n)
{
	struct am_conf_provider *p = am_arena_zalloc(b->a, sizeof(*p));
	struct reader r = { .b = b, .n = n, .p = p };
	const char *rate = am_node_value(n, "rate");
	int64_t bytes = 0;
	int rc = am_bytes_parse(am_node_value(n, "max_bytes"), &bytes);

	p->name = n->title;
	p->file = n->file;
	p->line = n->line;
	if (rate != NULL)
		rc |= am_rate_parse(rate, &p->rate_n, &p->rate_per);
	AM_ASSERT(rc == 0); /* am_check_tree() passed it */
	p->max_bytes = (size_t)bytes;
	p->params = (enum am_provider_params)choice(n, "params");
	p->param_max = (size_t)am_get_count(n, "param_max");
	p->at_most_once = am_get_bool(n, "at_most_once");
	p->message_id = read_pointer(&r, n, "message_id", true);
	read_request(&r);
	read_answer(&r);
	read_receipt(&r);
	read_inbound(&r);
	return p;
}
