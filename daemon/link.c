/*
 * link - a link becomes a look at one complaint.
 *
 * It asks as the verb `show` does, by a call of our own, and takes from the
 * record what a customer may know.
 */

#include "daemon/link.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/journal.h"
#include "core/short_link.h"
#include "daemon/view.h"
#include "ops/link_page.h"

#define RETRY_AFTER_S 5
#define HEADERS                                                                \
	"Content-Security-Policy: default-src 'none'; style-src 'self'; "      \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"      \
	"Referrer-Policy: no-referrer\r\n"                                     \
	"X-Robots-Tag: noindex\r\n"                                            \
	"Vary: Accept, Accept-Language\r\n"

/* A request on its way; freed at the end of its call. */
struct look {
	struct am_engine *engine;
	struct am_http_request *req;
	struct am_str id;
	bool json, zh, zh_said; /* zh_said: the browser has a language */
	struct am_link_page page;
};

static struct am_str
header(const struct am_http_request *req, const char *name)
{
	return am_http_header(req->head.headers, req->head.headers_n, name);
}

static bool
has(struct am_str s, const char *word)
{
	return s.n > 0 && memmem(s.p, s.n, word, strlen(word)) != NULL;
}

/* The first language that the browser names is what its owner reads. */
static void
choose(struct look *l)
{
	struct am_str accept = header(l->req, "accept");
	struct am_str lang = header(l->req, "accept-language");

	l->json = has(accept, "application/json") && !has(accept, "text/html");
	if (has(l->req->head.query, "lang=")) {
		l->zh_said = true;
		l->zh = has(l->req->head.query, "lang=zh");
		return;
	}
	l->zh_said = lang.n > 0;
	l->zh = am_str_prefix(lang, "zh");
}

static void
answer(struct look *l, unsigned status, struct am_buf *body)
{
	const struct am_http_answer a = { .status = status,
		.type =
		    l->json ? "application/json" : "text/html; charset=utf-8",
		.body = am_buf_str(body),
		.headers = HEADERS };

	am_http_answer(l->req, &a);
}

static void
answer_gone(struct look *l, bool expired)
{
	unsigned status = expired ? 410 : 404;
	struct am_buf body;

	if (l->json) {
		am_http_problem(l->req, status, 0,
		    expired ? "the link has expired" : "nothing is here");
		return;
	}
	am_buf_arena(&body, &l->req->arena, 1024);
	am_link_page_gone(l->zh, expired, &body);
	answer(l, status, &body);
}

static void
answer_page(struct look *l)
{
	struct am_buf body;

	am_buf_arena(&body, &l->req->arena, 4096);
	if (l->json)
		am_link_page_json(&l->page, &body);
	else
		am_link_page_html(&l->page, &body);
	answer(l, 200, &body);
}

/* When its version rose last: the first of the lines that have the present
 * one. What wakes up or is delivered behind it changes nothing for a customer.
 */
static am_ms
updated_at(
    const struct am_complaint *c, const redisReply *lines, struct am_arena *a)
{
	am_ms at = c->opened_at;

	for (size_t i = lines->elements; i-- > 0;) {
		struct am_journal_entry e;

		if (am_journal_parse(am_reply_str(lines->element[i]), a, &e) !=
			0 ||
		    e.version != c->version)
			break;
		at = e.event.at;
	}
	return at;
}

static am_ms
promised_at(const struct am_loopdef *def, const struct am_complaint *c)
{
	am_ms due = am_clock_due(def, c, AM_CLOCK_STAGE0 + c->stage);

	if (c->status == AM_CLOSED)
		return AM_NEVER;
	return due != AM_NEVER ? due : am_clock_due(def, c, AM_CLOCK_FINAL);
}

static int32_t
offset(const struct am_loopdef *def, am_ms t)
{
	return t != AM_NEVER ? am_zone_offset(def->zone, t) : 0;
}

static void
on_complaint(struct view *v, struct am_batch *b)
{
	const struct am_complaint *c = v->c;
	struct look *l = v->asker;
	struct am_link_page *p = &l->page;

	*p = (struct am_link_page){
		.id = am_arena_dup(&l->req->arena, c->id),
		.status = c->status,
		.outcome = c->outcome,
		.waits_customer = (c->flags & AM_CF_WAITS_CUSTOMER) != 0,
		.stages_n = v->def->stages_n,
		.at = c->stage,
		.owed = c->owed,
		.promised = promised_at(v->def, c),
		.updated = updated_at(c, am_batch_reply(b, 1), v->a),
		.zh = l->zh_said ? l->zh : am_str_prefix(c->lang, "zh"),
	};
	p->promised_offset_s = offset(v->def, p->promised);
	p->updated_offset_s = offset(v->def, p->updated);
	for (size_t i = 0; i < p->stages_n; i++)
		p->stages[i] = am_arena_cstr(
		    &l->req->arena, am_str_c(v->def->stages[i].name));
	am_ctl_end(v->call, AM_EXIT_OK, NULL);
	am_view_drop(v);
}

static void
look(
    void *arg, struct am_ctl_call *call, const struct am_str *argv, size_t argc)
{
	struct look *l = arg;
	size_t used = 0;
	struct view *v = am_view_new(
	    l->engine, call, am_verb_find(argv, argc, &used), argv, argc);

	v->asker = l;
	am_view_complaint(v, on_complaint);
}

static void
on_end(void *arg, enum am_exit code, const char *text)
{
	struct look *l = arg;

	(void)text;
	if (code == AM_EXIT_OK)
		answer_page(l);
	else if (code == AM_EXIT_NOT_FOUND)
		answer_gone(l, false);
	else
		am_http_problem(l->req, 503, RETRY_AFTER_S,
		    "this cannot be told now; try again in a while");
	free(l);
}

void
am_link_on_request(void *arg, struct am_http_request *req)
{
	struct am_engine *e = arg;
	const struct am_linkdef *link = e->conf->link;
	struct am_str tail = { req->head.path.p + strlen(AM_SHORT_LINK_PATH),
		req->head.path.n - strlen(AM_SHORT_LINK_PATH) };
	struct look *l = calloc(1, sizeof(*l));
	int rc = -AM_ENOENT;

	AM_ASSERT(l != NULL);
	l->engine = e;
	l->req = req;
	choose(l);
	if (link != NULL)
		rc = am_short_link_read(link, tail, am_engine_now(), &l->id);
	if (rc == 0) {
		const struct am_str argv[] = { AM_STR("show"), l->id };
		const struct am_ctl_ask ask = { .end = on_end, .arg = l };

		am_ctl_ask(e->base, look, l, argv, AM_COUNT(argv), &ask);
		return;
	}
	answer_gone(l, rc == -AM_EREFUSED);
	free(l);
}

/* ---- the verb ---- */

static void
give_link(struct view *v, struct am_batch *b)
{
	const struct am_linkdef *link = v->engine->conf->link;
	am_ms now = am_engine_now();
	struct am_buf url;

	(void)b;
	am_buf_arena(&url, v->a, 128);
	am_short_link_add(&url, link, v->c->id, now);
	am_view_open(v);
	am_buf_addkv(&v->line, "link", am_buf_str(&url));
	am_view_time(v, "expires_at", am_short_link_ends(link, now));
	am_view_close(v);
	am_ctl_end(v->call, AM_EXIT_OK, NULL);
	am_view_drop(v);
}

void
am_verb_link(struct view *v)
{
	if (v->engine->conf->link == NULL)
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "conf has no section link; add link { url = \"https://…\""
		    "  secret = \"file:…\" }");
	else
		am_view_complaint(v, give_link);
}

void
am_link_on_style(void *arg, struct am_http_request *req)
{
	const struct am_http_answer a = { .status = 200,
		.type = "text/css; charset=utf-8",
		.body = am_str_c(am_link_page_css) };

	(void)arg;
	am_http_answer(req, &a);
}
