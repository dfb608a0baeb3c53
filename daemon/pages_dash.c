/*
 * pages_dash - a sample becomes a page; for one complaint the verbs `show` and
 * `plan` are asked by calls of our own, at the level that only looks.
 */

#include "daemon/pages_dash.h"

#include <string.h>

#include "base/str.h"
#include "daemon/census.h"
#include "daemon/sample.h"
#include "intake/form.h"
#include "ops/assets.h"
#include "ops/dash.h"

#define RETRY_AFTER_S 5
#define PLAN_ROWS "60"
#define SAMPLE_AGE AM_SECOND
#define CENSUS_AT_ONCE 20000 /* open complaints: a tenth of a second */

#define COMMON "Referrer-Policy: no-referrer\r\n"
#define POLICY                                                                 \
	"Content-Security-Policy: default-src 'none'; style-src 'self'; "      \
	"script-src 'self'; connect-src 'self'; img-src 'self'; "              \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"

/* A request on its way; lies in the request's arena. */
struct page {
	struct am_engine *engine;
	struct am_http_request *req;
	enum am_lang lang;
	bool lang_said;
	bool waited;		  /* for a first census */
	struct am_sample *sample; /* shared */
	struct am_dash_case file; /* id.n == 0: the overview */
	json_t *show, *plan;	  /* own */
};

static struct am_str
header(const struct am_http_request *req, const char *name)
{
	return am_http_header(req->head.headers, req->head.headers_n, name);
}

/* A field of the query; n == 0: none. */
static struct am_str
query(struct am_http_request *req, const char *name)
{
	const struct am_pair *pairs;
	struct am_str v = { NULL, 0 };
	size_t n;

	if (am_form_parse(req->head.query, &req->arena, &pairs, &n) == 0)
		v = am_form_get(pairs, n, name);
	return v.p != NULL ? v : (struct am_str){ "", 0 };
}

enum am_lang
am_pages_dash_lang(const struct am_http_request *req, bool *said)
{
	struct am_str lang =
	    query((struct am_http_request *)(uintptr_t)req, "lang");

	if (said != NULL)
		*said = lang.n > 0;
	return am_lang_choose(lang, header(req, "accept-language"));
}

void
am_pages_dash_for(
    const struct am_engine *e, enum am_lang lang, struct am_dash *d)
{
	const struct am_zone *zone = NULL;

	*d = (struct am_dash){ .lang = lang };
	for (size_t i = 0; i < e->conf->loops_n; i++) {
		const struct am_zone *own = e->conf->loops[i]->zone;

		/* UTC is what a loop has that says nothing */
		if (own == NULL || strcmp(own->name, "UTC") == 0 ||
		    (zone != NULL && strcmp(zone->name, own->name) != 0))
			return;
		zone = own;
	}
	d->zone = zone;
}

/* ---- the answer ---- */

static void
finish(struct page *p, unsigned status)
{
	struct am_buf body;
	struct am_dash d;

	am_pages_dash_for(p->engine, p->lang, &d);
	d.lang_said = p->lang_said;
	am_buf_arena(&body, &p->req->arena, 1 << 16);
	if (p->file.id.n > 0)
		am_dash_case(&d, p->sample, &p->file, &body);
	else
		am_dash_page(&d, p->sample, &body);
	am_sample_unref(p->sample);
	json_decref(p->show);
	json_decref(p->plan);
	am_http_answer(
	    p->req, &(struct am_http_answer){ .status = status,
			.type = "text/html; charset=utf-8",
			.body = am_buf_str(&body),
			.retry_after_s = status == 503 ? RETRY_AFTER_S : 0,
			.headers = COMMON POLICY "Vary: Accept-Language\r\n" });
}

/* ---- one complaint ---- */

static void
ask(struct page *p, const struct am_str *argv, size_t argc,
    void (*line)(void *, struct am_str),
    void (*end)(void *, enum am_exit, const char *))
{
	const struct am_ctl_ask how = { .line = line, .end = end, .arg = p };

	am_ctl_ask(
	    p->engine->base, am_engine_verb, p->engine, argv, argc, &how);
}

static void
on_plan_line(void *arg, struct am_str json)
{
	struct page *p = arg;
	json_t *row = json_loadb(json.p, json.n, 0, NULL);

	if (row != NULL)
		json_array_append_new(p->plan, row);
}

static void
on_plan_end(void *arg, enum am_exit code, const char *text)
{
	struct page *p = arg;

	p->file.plan = p->plan;
	if (code != AM_EXIT_OK)
		p->file.plan_error =
		    am_arena_cstr(&p->req->arena, am_str_c(text));
	finish(p, 200);
}

static void
on_show_line(void *arg, struct am_str json)
{
	struct page *p = arg;

	json_decref(p->show);
	p->show = json_loadb(json.p, json.n, 0, NULL);
}

static void
on_show_end(void *arg, enum am_exit code, const char *text)
{
	/* two dashes: an id that begins with one is no option */
	const struct am_str words[] = { AM_STR("plan"), AM_STR("--limit"),
		AM_STR(PLAN_ROWS), AM_STR("--"), { NULL, 0 } };
	struct am_str argv[AM_COUNT(words)];
	struct page *p = arg;

	if (code == AM_EXIT_NOT_FOUND) {
		p->file.found = AM_DASH_NOT_FOUND;
		finish(p, 404);
		return;
	}
	if (code != AM_EXIT_OK || p->show == NULL) {
		p->file.found = AM_DASH_FAILED;
		p->file.error = am_arena_cstr(&p->req->arena, am_str_c(text));
		finish(p, 503);
		return;
	}
	p->file.found = AM_DASH_FOUND;
	p->file.show = p->show;
	p->plan = json_array();
	memcpy(argv, words, sizeof(words));
	argv[AM_COUNT(words) - 1] = p->file.id;
	ask(p, argv, AM_COUNT(argv), on_plan_line, on_plan_end);
}

static void
find(struct page *p)
{
	const struct am_str argv[] = { AM_STR("show"), AM_STR("--"),
		p->file.id };

	ask(p, argv, AM_COUNT(argv), on_show_line, on_show_end);
}

/* Could it be the id of a complaint at all? */
static bool
is_id(struct am_str id)
{
	if (id.n > AM_ID_MAX || !am_utf8_ok(id))
		return false;
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] < 0x20 || id.p[i] == 0x7f)
			return false;
	return true;
}

static void on_sample(void *arg, struct am_sample *s);

static void
on_census(void *arg, struct am_census *c)
{
	struct page *p = arg;

	(void)c;
	am_sample_refresh(p->engine);
	am_sample_get(p->engine, SAMPLE_AGE, on_sample, p);
}

static void
on_sample(void *arg, struct am_sample *s)
{
	struct page *p = arg;

	/* who looks first sees the board, too, unless it takes long */
	if (p->file.id.n == 0 && !p->waited && s->census == NULL &&
	    s->open > 0 && s->open <= CENSUS_AT_ONCE) {
		p->waited = true;
		am_census_get(p->engine, AM_MINUTE, on_census, p);
		return;
	}
	p->sample = am_sample_ref(s);
	if (p->file.id.n == 0) {
		finish(p, 200);
	} else if (!is_id(p->file.id)) {
		p->file.found = AM_DASH_NOT_FOUND;
		finish(p, 404);
	} else {
		find(p);
	}
}

/* ---- requests ---- */

void
am_dash_on_page(void *arg, struct am_http_request *req)
{
	struct page *p = am_arena_zalloc(&req->arena, sizeof(*p));

	p->engine = arg;
	p->req = req;
	p->lang = am_pages_dash_lang(req, &p->lang_said);
	/* pasted numbers bring blanks along */
	p->file.id = am_str_trim(query(req, "id"));
	am_sample_get(p->engine, SAMPLE_AGE, on_sample, p);
}

void
am_dash_on_asset(void *arg, struct am_http_request *req)
{
	struct am_str have = header(req, "if-none-match");
	struct am_http_answer a = { .cache = "no-cache" };
	struct am_asset file;
	struct am_buf headers;
	char tag[40];

	(void)arg;
	if (!am_asset_find(req->head.path, &file)) {
		am_http_problem(req, 404, 0, "there is nothing here");
		return;
	}
	am_asset_etag(&file, tag);
	am_buf_arena(&headers, &req->arena, 128);
	am_buf_addf(&headers, COMMON "ETag: %s\r\n", tag);
	am_buf_addc(&headers, '\0');
	a.headers = headers.p;
	if (have.n > 0 && memmem(have.p, have.n, tag, strlen(tag)) != NULL) {
		a.status = 304;
	} else {
		a.status = 200;
		a.type = file.type;
		a.body = file.bytes;
	}
	am_http_answer(req, &a);
}
