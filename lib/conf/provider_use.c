/*
 * provider_use - an endpoint and its provider, held against each other: every
 * name in the provider's texts has a value, every value has a use, and whoever
 * signs has a key.
 */

#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct use {
	struct am_build *b;
	const struct am_node *n;
	struct am_conf_endpoint *e;
	const struct am_conf_provider *p;
};

/* ---- which names ---- */

static bool
holes_have(const struct am_holes *h, const char *name)
{
	for (size_t i = 0; h != NULL && i < h->n; i++) {
		if (h->v[i].name != NULL && strcmp(h->v[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
pairs_have(const struct am_provider_pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->n; i++) {
		if (holes_have(pairs->v[i].value, name))
			return true;
	}
	return false;
}

static bool
names(const struct am_conf_provider *p, const char *name)
{
	return holes_have(p->url, name) || pairs_have(&p->header, name) ||
	       pairs_have(&p->query, name) || pairs_have(&p->form, name) ||
	       holes_have(p->text, name);
}

static const char *
value_of(const struct am_conf_endpoint *e, const char *name)
{
	for (size_t i = 0; i < e->values_n; i++) {
		if (strcmp(e->values[i].name, name) == 0)
			return e->values[i].text;
	}
	return NULL;
}

/* ---- names that `set` gives ---- */

/* A need that looks like a name there is was a slip of the provider's. */
static void
check_needs(struct use *u)
{
	const struct am_provider_hole *known;
	struct am_suggest s;
	size_t known_n;

	known = am_provider_holes(&known_n);
	for (size_t i = 0; i < u->p->needs_n; i++) {
		const char *need = u->p->needs[i];

		if (value_of(u->e, need) != NULL)
			continue;
		am_suggest_init(&s, need);
		for (size_t k = 0; k < known_n; k++)
			am_suggest_try(&s, known[k].name);
		if (s.best != NULL)
			am_fault(u->b, u->n, "set",
			    "endpoint \"%s\": provider %s (%s:%d) has a hole "
			    "{%s}, for which there is no value; write set = "
			    "{\"%s=…\"}, or did the provider mean {%s}?",
			    u->e->name, u->p->name, u->p->file, u->p->line,
			    need, need, s.best);
		else
			am_fault(u->b, u->n, "set",
			    "endpoint \"%s\": provider %s (%s:%d) has a hole "
			    "{%s}, for which there is no value; write set = "
			    "{\"%s=…\"}",
			    u->e->name, u->p->name, u->p->file, u->p->line,
			    need, need);
	}
}

/*
 * A value that no hole takes: by what digest the account signs its callbacks,
 * where they are proved by that.
 */
static bool
is_signature(struct use *u, const struct am_conf_value *v)
{
	static const char *const digests[] = { "sha256", "sha512", "sha1",
		"md5", "md5hash" };

	if (strcmp(v->name, "signature") != 0 ||
	    (u->p->receipt.verify != AM_VERIFY_VONAGE_SIG &&
		u->p->inbound.verify != AM_VERIFY_VONAGE_SIG))
		return false;
	for (size_t i = 0; i < AM_COUNT(digests); i++)
		if (strcmp(v->text, digests[i]) == 0)
			return true;
	am_fault(u->b, u->n, "set",
	    "set: callbacks are not signed by '%.20s'; sha256, sha512, sha1, "
	    "md5 or md5hash, as the account says",
	    v->text);
	return true;
}

static void
check_values(struct use *u)
{
	const struct am_conf_provider *p = u->p;
	const struct am_conf_endpoint *e = u->e;

	for (size_t i = 0; i < e->values_n; i++) {
		const char *name = e->values[i].name;
		size_t k = 0;

		while (k < p->needs_n && strcmp(p->needs[k], name) != 0)
			k++;
		if (k < p->needs_n || is_signature(u, &e->values[i]))
			continue;
		if (am_provider_hole(name) != NULL)
			am_fault(u->b, u->n, "set",
			    "set: {%s} has its own meaning in every provider; "
			    "%s",
			    name,
			    am_provider_hole(name)->kind & AM_HOLE_GIVEN
				? "write it as a key of the endpoint"
				: "remove it");
		else if (p->needs_n == 0)
			am_fault(u->b, u->n, "set",
			    "set: provider %s has no hole {%.40s}; remove it",
			    p->name, name);
		else
			am_fault_name(u->b, u->n, "set",
			    am_node_line(u->n, "set"), "hole", name, p->needs,
			    p->needs_n);
	}
}

/* ---- keys that the provider needs ---- */

enum key { USER = 1, PASSWORD = 2, TOKEN = 4, SECRET = 8 };

static unsigned
keys_of(const struct am_conf_provider *p)
{
	static const unsigned auth[] = {
		[AM_AUTH_NONE] = 0,
		[AM_AUTH_BASIC] = USER | PASSWORD,
		[AM_AUTH_BEARER] = TOKEN,
	};
	static const unsigned sign[] = {
		[AM_SIGN_NONE] = 0,
		[AM_SIGN_ALIYUN_ACS3] = USER | PASSWORD,
		[AM_SIGN_TENCENT_TC3] = USER | PASSWORD,
		[AM_SIGN_AWS_SIGV4] = USER | PASSWORD,
		[AM_SIGN_DINGTALK] = PASSWORD,
		[AM_SIGN_FEISHU] = PASSWORD,
		[AM_SIGN_STANDARD_WEBHOOKS] = SECRET,
	};

	return auth[p->auth] | sign[p->sign] | (names(p, "user") ? USER : 0u) |
	       (names(p, "password") ? PASSWORD : 0u) |
	       (names(p, "token") ? TOKEN : 0u);
}

static void
need_key(struct use *u, const char *key, const char *like)
{
	/* one that could not be read has its own diagnostic */
	if (am_node_entry(u->n, key) == NULL)
		am_fault(u->b, u->n, NULL,
		    "endpoint \"%s\": provider %s needs %s; write %s = \"%s\"",
		    u->e->name, u->p->name, key, key, like);
}

static void
check_given(struct use *u)
{
	const struct am_conf_endpoint *e = u->e;
	unsigned keys = keys_of(u->p);
	const struct {
		unsigned bit;
		const char *key;
		bool given;
	} all[] = {
		{ USER, "user", e->user.ref != NULL },
		{ PASSWORD, "password", e->password.ref != NULL },
		{ TOKEN, "token", e->token.ref != NULL },
		{ SECRET, "secret", e->secrets_n > 0 },
	};

	for (size_t i = 0; i < AM_COUNT(all); i++) {
		if ((keys & all[i].bit) != 0 && !all[i].given)
			need_key(u, all[i].key, "file:PATH");
	}
	if (names(u->p, "account") && e->account == NULL)
		need_key(u, "account", "…");
	if (names(u->p, "from") && e->from == NULL)
		need_key(u, "from", "…");
	if ((keys & SECRET) == 0 && am_node_entry(u->n, "secret") != NULL)
		am_fault(u->b, u->n, "secret",
		    "secret: provider %s does not sign with it; remove it",
		    u->p->name);
}

/* ---- where to ---- */

/* Values that are known now; what is not is one letter. */
static bool
value_now(const void *arg, const char *name, struct am_str *value)
{
	const struct use *u = arg;
	const char *text = value_of(u->e, name);

	if (text == NULL && strcmp(name, "account") == 0)
		text = u->e->account;
	*value = am_str_c(text != NULL ? text : "x");
	return true;
}

/* A host that differs from message to message is none to connect to. */
static bool
host_is_known(struct use *u)
{
	const struct am_holes *h = u->p->url;
	struct am_str at;
	size_t slashes = 0;

	for (size_t i = 0; i < h->n; i++) {
		at = h->v[i].literal;
		for (size_t k = 0; k < at.n && slashes < 3; k++)
			slashes +=
			    at.p[k] == '/' || (at.p[k] == '?' && slashes == 2);
		if (slashes >= 3 || h->v[i].name == NULL)
			return true;
		if (am_provider_hole(h->v[i].name) != NULL &&
		    strcmp(h->v[i].name, "account") != 0)
			return false;
	}
	return true;
}

static void
take_origin(struct use *u, const struct am_url *url)
{
	struct am_conf_endpoint *e = u->e;
	bool usual = url->port == (strcmp(url->scheme, "http") == 0 ? 80 : 443);
	bool v6 = strchr(url->host, ':') != NULL;

	e->scheme = url->scheme;
	e->host = url->host;
	e->port = url->port;
	e->url = am_arena_printf(u->b->a, "%s://%s%s%s", url->scheme,
	    v6 ? "[" : "", url->host, v6 ? "]" : "");
	if (!usual)
		e->url = am_arena_printf(u->b->a, "%s:%u", e->url, url->port);
	if (strcmp(url->scheme, "http") == 0 && !e->allow_http)
		am_fault(u->b, u->n, "base_url",
		    "%s: http:// is not encrypted; use https://, or say "
		    "allow_http = true",
		    am_node_entry(u->n, "base_url") != NULL ? "base_url"
							    : "provider");
}

static void
read_origin(struct use *u)
{
	const char *base = am_node_value(u->n, "base_url");
	struct am_url url = { 0 }, own = { 0 };
	struct am_buf text;
	char why[256];

	if (u->p->url == NULL)
		return;
	if (!host_is_known(u)) {
		am_fault(u->b, u->n, "provider",
		    "provider: the host of %s is not the same for every "
		    "message; name it in full, or by a value of set",
		    u->p->name);
		return;
	}
	am_buf_arena(&text, u->b->a, 256);
	am_holes_render(u->p->url, value_now, u, &text);
	am_buf_addc(&text, '\0');
	if (am_url_parse(u->b->a, text.p, &own, why) != 0 ||
	    strncmp(own.scheme, "http", 4) != 0) {
		am_fault(u->b, u->n, "provider",
		    "provider: with the values of this endpoint the url of %s "
		    "is '%.80s', which is no web address; see %s:%d",
		    u->p->name, text.p, u->p->file, u->p->line);
		return;
	}
	if (base == NULL) {
		take_origin(u, &own);
		return;
	}
	if (am_url_parse(u->b->a, base, &url, why) != 0)
		AM_ASSERT(!"am_check_tree() passed it");
	if (url.path[0] != '\0' && strcmp(url.path, "/") != 0)
		am_fault(u->b, u->n, "base_url",
		    "base_url: the path is the provider's own; write %.*s",
		    (int)(url.path - base), base);
	take_origin(u, &url);
}

/* ---- what comes back ---- */

static void
check_callback(struct use *u)
{
	const struct am_conf_provider *p = u->p;
	const struct am_conf_endpoint *e = u->e;
	const enum am_provider_verify verify[] = { p->receipt.verify,
		p->inbound.verify };

	if (e->callback_url == NULL)
		return;
	if (!p->receipt.in_use && !p->inbound.in_use) {
		am_fault(u->b, u->n, "callback_url",
		    "callback_url: provider %s has neither receipt nor "
		    "inbound, so nothing would be read; remove it",
		    p->name);
		return;
	}
	for (size_t i = 0; i < AM_COUNT(verify); i++) {
		if ((verify[i] == AM_VERIFY_VONAGE_SIG ||
			verify[i] == AM_VERIFY_VONAGE_JWT) &&
		    e->token.ref == NULL) {
			need_key(u, "token", "file:PATH");
			return;
		}
		if (verify[i] == AM_VERIFY_TWILIO && e->token.ref == NULL &&
		    e->password.ref == NULL) {
			need_key(u, "token", "file:PATH");
			return;
		}
	}
}

void
am_provider_use(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const char *name = am_node_value(n, "provider");
	struct use u = { .b = b, .n = n, .e = e };

	if (name == NULL) {
		am_fault(b, n, NULL,
		    "endpoint \"%s\" of type %s has no provider; name one, as "
		    "in provider = \"%s\"",
		    n->title, am_node_value(n, "type"),
		    e->type == AM_ENDPOINT_SMS ? "twilio" : "dingtalk");
		return;
	}
	u.p = e->provider = am_conf_provider(b->c, am_str_c(name));
	if (u.p == NULL) /* it has its own diagnostic */
		return;
	if (e->user.ref == NULL)
		e->user = u.p->user;
	if (e->password.ref == NULL)
		e->password = u.p->password;
	if (e->rate_n == 0) {
		e->rate_n = u.p->rate_n;
		e->rate_per = u.p->rate_per;
	}
	e->answer = u.p->answer;
	if (u.p->at_most_once && am_node_value(n, "on_uncertain") == NULL)
		e->on_uncertain = AM_UNCERTAIN_HOLD;
	if (am_node_value(n, "receipt_wait") != NULL)
		e->receipt_wait = am_get_span(n, "receipt_wait");
	else if (e->callback_url != NULL && u.p->receipt.in_use)
		e->receipt_wait = 30 * AM_MINUTE;
	check_needs(&u);
	check_values(&u);
	check_given(&u);
	check_callback(&u);
	read_origin(&u);
}
