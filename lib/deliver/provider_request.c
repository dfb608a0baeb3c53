/*
 * provider_request - texts with their holes filled, in the order in which they
 * depend on each other: body, query, headers, and last the signature over them.
 *
 * Where the request goes is the endpoint's affair, and its base_url may have
 * replaced the provider's host: of the provider's url only path and query are
 * used here. A robot's signature stands where the texts name {sign}; when they
 * do not, it is put where that robot looks for it.
 */

#include "deliver/provider_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "deliver/scheme.h"
#include "deliver/sign.h"

#define HEADERS_OURS 8 /* beside the provider's */

struct maker {
	const struct am_conf_endpoint *ep;
	const struct am_conf_provider *p;
	const struct am_provider_values *values;
	struct am_arena *a;
	am_ms now;
	struct am_scheme_request r; /* as it is signed */
	struct am_pair *header;	    /* of r, and room for HEADERS_OURS */
};

static struct am_str
render(const struct maker *m, const struct am_holes *h)
{
	struct am_buf b;

	am_buf_arena(&b, m->a, 256);
	am_holes_render(h, am_provider_value, m->values, &b);
	return am_buf_str(&b);
}

/* ---- where to ---- */

/* Of "https://HOST/PATH?QUERY#…" what stands behind the host. */
static void
split_url(struct am_str url, struct am_str *path, struct am_str *query)
{
	const char *stop = memchr(url.p, '#', url.n), *p;

	if (stop == NULL)
		stop = url.p + url.n;
	p = memmem(url.p, url.n, "://", 3);
	p = p != NULL ? p + 3 : url.p;
	while (p < stop && *p != '/' && *p != '?')
		p++;
	*path = (struct am_str){ p, (size_t)(stop - p) };
	*query = AM_STR("");
	p = path->n > 0 ? memchr(path->p, '?', path->n) : NULL;
	if (p != NULL) {
		path->n = (size_t)(p - path->p);
		*query = (struct am_str){ p + 1, (size_t)(stop - p - 1) };
	}
	if (path->n == 0)
		*path = AM_STR("/");
}

/* ---- pairs ---- */

static bool
has_literal(const struct am_holes *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].literal.n > 0)
			return true;
	}
	return h->n == 0;
}

static size_t
render_pairs(const struct maker *m, const struct am_provider_pairs *from,
    struct am_pair *to)
{
	size_t n = 0;

	for (size_t i = 0; i < from->n; i++) {
		struct am_str value = render(m, from->v[i].value);

		if (value.n > 0 || has_literal(from->v[i].value))
			to[n++] = (struct am_pair){ am_str_c(from->v[i].name),
				value };
	}
	return n;
}

static struct am_str
join_pairs(const struct maker *m, const struct am_pair *v, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, m->a, 512);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			am_buf_addc(&b, '&');
		am_buf_addstr(&b, v[i].key);
		am_buf_addc(&b, '=');
		am_buf_addstr(&b, v[i].value);
	}
	return am_buf_str(&b);
}

/* "a=b&c" as pairs; n of them at most. */
static size_t
split_query(struct am_str s, struct am_pair *v)
{
	size_t n = 0;

	while (s.n > 0) {
		const char *end = memchr(s.p, '&', s.n);
		size_t len = end != NULL ? (size_t)(end - s.p) : s.n;
		const char *eq = memchr(s.p, '=', len);
		size_t key = eq != NULL ? (size_t)(eq - s.p) : len;

		if (len > 0)
			v[n++] = (struct am_pair){ { s.p, key },
				{ s.p + key + (eq != NULL),
				    len - key - (eq != NULL) } };
		len += end != NULL;
		s.p += len;
		s.n -= len;
	}
	return n;
}

static size_t
count(struct am_str s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/* ---- robots ---- */

static bool
names_sign(const struct am_holes *h)
{
	for (size_t i = 0; h != NULL && i < h->n; i++) {
		if (h->v[i].name != NULL && strcmp(h->v[i].name, "sign") == 0)
			return true;
	}
	return false;
}

/* There is a signature, and none of the texts says where it goes. */
static bool
is_unplaced(const struct maker *m)
{
	const struct am_provider_pairs *all[] = { &m->p->header, &m->p->query,
		&m->p->form };
	bool placed = names_sign(m->p->url) || names_sign(m->p->text);

	for (size_t i = 0; i < AM_COUNT(all); i++) {
		for (size_t k = 0; k < all[i]->n; k++)
			placed |= names_sign(all[i]->v[k].value);
	}
	return !placed && m->values->v[AM_PV_SIGN].n > 0;
}

/* DingTalk looks into the query. */
static size_t
put_into_query(const struct maker *m, struct am_pair *to)
{
	struct am_buf b;

	am_buf_arena(&b, m->a, 128);
	am_enc_add(&b, AM_ENC_URL, m->values->v[AM_PV_SIGN]);
	to[0] = (struct am_pair){ AM_STR("timestamp"),
		m->values->v[AM_PV_TIMESTAMP] };
	to[1] = (struct am_pair){ AM_STR("sign"), am_buf_str(&b) };
	return 2;
}

/* Feishu looks into the object that is the body. */
static struct am_str
put_into_body(const struct maker *m, struct am_str body)
{
	const char *brace = memchr(body.p, '{', body.n);
	size_t head = brace != NULL ? (size_t)(brace - body.p) + 1 : 0;
	struct am_str rest = { body.p + head, body.n - head };
	struct am_buf b;

	if (brace == NULL)
		return body;
	am_buf_arena(&b, m->a, body.n + 128);
	am_buf_add(&b, body.p, head);
	am_buf_addkv(&b, "timestamp", m->values->v[AM_PV_TIMESTAMP]);
	am_buf_addkv(&b, "sign", m->values->v[AM_PV_SIGN]);
	if (!am_str_prefix(am_str_trim(rest), "}"))
		am_buf_addc(&b, ',');
	am_buf_addstr(&b, rest);
	return am_buf_str(&b);
}

/* ---- parts ---- */

static void
make_body(struct maker *m)
{
	const struct am_conf_provider *p = m->p;
	struct am_pair *v;

	m->r.body = AM_STR("");
	if (p->body == AM_BODY_FORM) {
		v = am_arena_alloc(m->a, (p->form.n + 1) * sizeof(*v));
		m->r.body = join_pairs(m, v, render_pairs(m, &p->form, v));
	} else if (p->body != AM_BODY_NONE) {
		m->r.body = render(m, p->text);
	}
	if (p->sign == AM_SIGN_FEISHU && is_unplaced(m))
		m->r.body = put_into_body(m, m->r.body);
}

static void
make_target(struct maker *m)
{
	struct am_str query;
	struct am_pair *v;
	size_t n;

	m->r.host = am_str_c(strstr(m->ep->url, "://") + 3);
	split_url(render(m, m->p->url), &m->r.path, &query);
	n = count(query, '&') + 1 + m->p->query.n + 2;
	v = am_arena_alloc(m->a, n * sizeof(*v));
	n = split_query(query, v);
	n += render_pairs(m, &m->p->query, v + n);
	if (m->p->sign == AM_SIGN_DINGTALK && is_unplaced(m))
		n += put_into_query(m, v + n);
	m->r.query = v;
	m->r.query_n = n;
}

/* One line, whatever a value brings. */
static void
put_header(struct maker *m, const char *name, struct am_str value)
{
	char *p = am_arena_alloc(m->a, value.n + 1);

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		p[i] = (c >= 0 && c < ' ') || c == 0x7f ? ' ' : c;
	}
	m->header[m->r.header_n++] =
	    (struct am_pair){ am_str_c(name), { p, value.n } };
}

static void
make_headers(struct maker *m)
{
	const struct am_conf_provider *p = m->p;
	const struct am_provider_values *v = m->values;

	m->header = am_arena_alloc(
	    m->a, (p->header.n + HEADERS_OURS) * sizeof(m->header[0]));
	m->r.header = m->header;
	if (p->content_type != NULL)
		put_header(m, "Content-Type", am_str_c(p->content_type));
	for (size_t i = 0; i < p->header.n; i++)
		put_header(
		    m, p->header.v[i].name, render(m, p->header.v[i].value));
	if (p->auth == AM_AUTH_BASIC)
		put_header(m, "Authorization",
		    am_str_c(am_scheme_basic(
			v->v[AM_PV_USER], v->v[AM_PV_PASSWORD], m->a)));
	else if (p->auth == AM_AUTH_BEARER)
		put_header(m, "Authorization",
		    am_str_c(am_arena_printf(
			m->a, "Bearer %.*s", AM_ARG(v->v[AM_PV_TOKEN]))));
}

static int
sign_webhook(struct maker *m, struct am_signer *signer)
{
	struct am_str id = m->values->v[AM_PV_FOLLOWUP_ID];
	struct am_buf b;
	int rc;

	am_buf_arena(&b, m->a, 128);
	rc = am_signer_webhook(
	    signer, am_arena_cstr(m->a, id), m->now / AM_SECOND, m->r.body, &b);
	put_header(m, "webhook-id", id);
	put_header(m, "webhook-timestamp", m->values->v[AM_PV_UNIX_S]);
	put_header(m, "webhook-signature", am_buf_str(&b));
	return rc;
}

static int
sign(struct maker *m, struct am_signer *signer)
{
	const struct am_provider_values *v = m->values;
	const struct am_scheme_key key = { v->v[AM_PV_USER],
		v->v[AM_PV_PASSWORD] };
	struct am_scheme_headers out = { .n = 0 };
	int rc = 0;

	if (m->p->sign == AM_SIGN_STANDARD_WEBHOOKS)
		return sign_webhook(m, signer);
	if (m->p->sign == AM_SIGN_ALIYUN_ACS3)
		rc = am_scheme_acs3(
		    &m->r, &key, m->now, v->v[AM_PV_NONCE], m->a, &out);
	else if (m->p->sign == AM_SIGN_TENCENT_TC3)
		rc = am_scheme_tc3(
		    &m->r, &key, m->p->sign_service, m->now, m->a, &out);
	for (size_t i = 0; i < out.n; i++)
		m->header[m->r.header_n++] = out.v[i];
	return rc;
}

static const char *const *
header_lines(const struct maker *m)
{
	const char **lines =
	    am_arena_alloc(m->a, (m->r.header_n + 1) * sizeof(*lines));

	for (size_t i = 0; i < m->r.header_n; i++)
		lines[i] = am_arena_printf(m->a, "%.*s: %.*s",
		    AM_ARG(m->header[i].key), AM_ARG(m->header[i].value));
	return lines;
}

int
am_provider_request_make(struct am_provider_request *r,
    const struct am_provider_values *values, am_ms now,
    struct am_signer *signer, struct am_arena *a)
{
	struct maker m = { .ep = values->ep,
		.p = values->ep->provider,
		.values = values,
		.a = a,
		.now = now };
	struct am_str query;
	int rc;

	m.r.method = m.p->method;
	make_body(&m);
	make_target(&m);
	make_headers(&m);
	rc = sign(&m, signer);
	if (rc != 0)
		return rc;
	query = join_pairs(&m, m.r.query, m.r.query_n);
	r->url = am_arena_printf(a, "%s%.*s%s%.*s", m.ep->url, AM_ARG(m.r.path),
	    query.n > 0 ? "?" : "", AM_ARG(query));
	r->post = strcmp(m.p->method, "POST") == 0;
	r->body = m.r.body;
	r->headers = header_lines(&m);
	r->headers_n = m.r.header_n;
	return 0;
}
