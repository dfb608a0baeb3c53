/*
 * live - a part is told again when its HTML is not what it was.
 *
 * What was told last is remembered once a language, not once a reader: who has
 * just come, or was too slow for the last event, gets everything.
 */

#include "daemon/live.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/str.h"
#include "daemon/census.h"
#include "daemon/pages_dash.h"
#include "daemon/sample.h"
#include "ops/dash.h"

#define TICK_S 2
#define CENSUS_AGE (10 * AM_SECOND)
#define WORD (10 * AM_SECOND) /* without news, this long at most */

struct reader {
	TAILQ_ENTRY(reader) link;
	struct am_live *live;
	struct am_http_stream *stream;
	enum am_lang lang;
	bool told; /* has everything that was told so far */
};

/* What readers of a language have before them. */
struct face {
	uint64_t parts[AM_DASH_PARTS_N]; /* hashes */
	am_ms at;			 /* of the last event, monotonic */
};

struct am_live {
	struct am_engine *engine;
	struct event *tick;
	bool asking;
	TAILQ_HEAD(, reader) readers;
	struct face faces[AM_LANGS_N];
};

static void
reader_free(struct reader *r)
{
	struct am_live *l = r->live;

	TAILQ_REMOVE(&l->readers, r, link);
	free(r);
	if (TAILQ_EMPTY(&l->readers))
		event_del(l->tick);
}

static void
on_ended(void *arg)
{
	reader_free(arg);
}

/* ---- telling ---- */

/* An event of these parts, as the stream has it. */
static struct am_str
event_of(const struct am_dash *d, const struct am_sample *s,
    const struct am_str html[AM_DASH_PARTS_N], struct am_arena *a)
{
	struct am_buf b;

	am_buf_arena(&b, a, 4096);
	am_buf_adds(&b, "data: ");
	am_dash_event(d, s, html, &b); /* JSON: no raw line ends */
	am_buf_adds(&b, "\n\n");
	return am_buf_str(&b);
}

static void
tell(struct am_live *l, enum am_lang lang, const struct am_sample *s)
{
	static const uint8_t key[16] = "dashboard parts";
	struct am_str html[AM_DASH_PARTS_N], news[AM_DASH_PARTS_N];
	struct am_str whole = { NULL, 0 }, some = { NULL, 0 };
	struct face *f = &l->faces[lang];
	struct am_dash d;
	struct am_arena a;
	struct reader *r;
	bool changed = am_engine_monotonic() - f->at >= WORD;

	am_arena_init(&a, 1 << 16);
	am_pages_dash_for(l->engine, lang, &d);
	for (size_t i = 0; i < AM_DASH_PARTS_N; i++) {
		struct am_buf b;
		uint64_t hash;

		am_buf_arena(&b, &a, 1 << 14);
		am_dash_part(&d, s, i, &b);
		html[i] = news[i] = am_buf_str(&b);
		hash = am_siphash(key, html[i].p, html[i].n);
		if (hash == f->parts[i])
			news[i].n = 0;
		else
			changed = true;
		f->parts[i] = hash;
	}
	TAILQ_FOREACH(r, &l->readers, link)
	{
		if (r->lang != lang)
			continue;
		if (am_http_stream_unread(r->stream) > 0) {
			r->told = false; /* it gets the next one whole */
		} else if (!r->told) {
			if (whole.n == 0)
				whole = event_of(&d, s, html, &a);
			am_http_stream_write(r->stream, whole);
			r->told = true;
		} else if (changed) {
			if (some.n == 0)
				some = event_of(&d, s, news, &a);
			am_http_stream_write(r->stream, some);
		}
	}
	if (changed)
		f->at = am_engine_monotonic();
	am_arena_fini(&a);
}

static void
on_sample(void *arg, struct am_sample *s)
{
	const struct timeval soon = { .tv_sec = TICK_S };
	struct am_live *l = arg;
	bool here[AM_LANGS_N] = { false };
	struct reader *r;

	l->asking = false;
	TAILQ_FOREACH(r, &l->readers, link) here[r->lang] = true;
	for (size_t i = 0; i < AM_LANGS_N; i++)
		if (here[i])
			tell(l, i, s);
	if (!TAILQ_EMPTY(&l->readers))
		event_add(l->tick, &soon);
}

static void
ask(struct am_live *l)
{
	if (l->asking)
		return;
	l->asking = true;
	/* who watches wants to see it move: the board is made new sooner */
	(void)am_census_last(l->engine, CENSUS_AGE);
	am_sample_get(l->engine, AM_SECOND, on_sample, l);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask(arg);
}

/* ---- life ---- */

void
am_live_on_request(void *arg, struct am_http_request *req)
{
	struct am_engine *e = arg;
	struct am_live *l = e->live;
	struct reader *r = calloc(1, sizeof(*r));

	AM_ASSERT(r != NULL);
	r->live = l;
	r->lang = am_pages_dash_lang(req, NULL);
	r->stream = am_http_stream_begin(req, "text/event-stream",
	    "Referrer-Policy: no-referrer\r\nX-Accel-Buffering: no\r\n",
	    on_ended, r);
	if (r->stream == NULL) {
		free(r);
		return;
	}
	TAILQ_INSERT_TAIL(&l->readers, r, link);
	ask(l);
}

struct am_live *
am_live_new(struct am_engine *e)
{
	struct am_live *l = calloc(1, sizeof(*l));

	AM_ASSERT(l != NULL);
	l->engine = e;
	TAILQ_INIT(&l->readers);
	l->tick = event_new(e->base, -1, 0, on_tick, l);
	AM_ASSERT(l->tick != NULL);
	return l;
}

void
am_live_free(struct am_live *l)
{
	struct reader *r;

	if (l == NULL)
		return;
	while ((r = TAILQ_FIRST(&l->readers)) != NULL) {
		am_http_stream_end(r->stream);
		reader_free(r);
	}
	if (l->asking)
		am_sample_forget(l->engine, l);
	event_free(l->tick);
	free(l);
}
