/*
 * web - listeners and routes.
 *
 * Routes are two tables, of strangers and of operators. Where there is one
 * listener both stand behind each other, and so a page is told once.
 */

#include "daemon/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "core/short_link.h"
#include "daemon/activation.h"
#include "daemon/callbacks.h"
#include "daemon/link.h"
#include "daemon/produce.h"
#include "daemon/live.h"
#include "daemon/pages.h"
#include "daemon/pages_dash.h"
#include "daemon/pages_metrics.h"
#include "intake/http.h"
#include "log/log.h"
#include "ops/listen.h"
#include "ops/sample.h"

#define BODY_MAX ((size_t)256 << 10) /* of http.max_body, without `http` */

#define PAGE (AM_HTTP_GET | AM_HTTP_HEAD)

/* clang-format off */
#define FOR_STRANGERS \
	{ AM_HTTP_GET | AM_HTTP_POST, AM_CALLBACKS_PATH, am_callbacks_on_request }, \
	{ AM_HTTP_POST, AM_PRODUCE_PATH, am_produce_on_request }, \
	{ AM_HTTP_OPTIONS, AM_PRODUCE_PATH, am_produce_on_options }, \
	{ AM_HTTP_POST, AM_PRODUCE_NAMED, am_produce_on_request }, \
	{ AM_HTTP_OPTIONS, AM_PRODUCE_NAMED, am_produce_on_options }, \
	{ PAGE, AM_LINK_STYLE_PATH, am_link_on_style }, \
	{ PAGE, AM_SHORT_LINK_PATH, am_link_on_request }
#define FOR_OPERATORS \
	{ PAGE, "/healthz", am_pages_on_health }, \
	{ PAGE, "/readyz", am_pages_on_ready }, \
	{ PAGE, "/metrics", am_metrics_on_request }, \
	{ PAGE, "/", am_dash_on_page }, \
	{ PAGE, "/live", am_live_on_request }, \
	{ PAGE, "/dash.css", am_dash_on_asset }, \
	{ PAGE, "/dash.js", am_dash_on_asset }, \
	{ PAGE, "/dash.svg", am_dash_on_asset }
/* clang-format on */

static const struct am_http_route strangers[] = { FOR_STRANGERS };
static const struct am_http_route everybody[] = { FOR_STRANGERS,
	FOR_OPERATORS };
static const struct am_http_route operators[] = { FOR_OPERATORS };

struct listener {
	const char *name;
	bool handed;	      /* by systemd: it stays where it is */
	struct am_http *http; /* NULL: never asked for */
	char at[128];	      /* "": nowhere */
	/* of am_web_prepare(); -1: stay where we are, or nowhere */
	int next_fd;
	char next[128];
	struct am_listen file, next_file; /* of unix sockets; path "": none */
};

enum {
	LISTEN = AM_ACTIVATION_HTTP,
	VIEW = AM_ACTIVATION_VIEW,
	LISTENERS_N = AM_ACTIVATION_N,
};

struct am_web {
	struct am_engine *engine;
	struct listener v[LISTENERS_N];
};

static const char *
wanted(const struct am_conf *conf, size_t which)
{
	const char *at = which == LISTEN ? conf->http.listen : conf->http.view;

	return at != NULL ? at : "";
}

/* "unix:///PATH", "unix:/PATH"; NULL: no such thing. */
static const char *
path_of(const char *at)
{
	if (strncmp(at, "unix:", 5) != 0)
		return NULL;
	return strncmp(at + 5, "//", 2) == 0 ? at + 7 : at + 5;
}

/* A reverse proxy gets in by the group of the file. */
static int
bind_at(struct listener *l, const char *at, int *fd, struct am_listen *file,
    struct am_diag *diag)
{
	const char *path = path_of(at);
	int rc;

	file->path[0] = '\0';
	if (path == NULL)
		return am_http_bind(at, fd, diag);
	rc = am_listen_open(
	    file, l->name[0] == 'v' ? "http.view" : "http.listen", path, diag);
	if (rc == 0) {
		am_listen_permit(file, 0660, NULL);
		*fd = file->fd;
	}
	return rc;
}

static void
file_remove(struct am_listen *file)
{
	if (file->path[0] != '\0')
		am_listen_remove(file);
	file->path[0] = '\0';
}

static int
prepare(struct listener *l, const char *at, struct am_diag *diag)
{
	bool stay = strcmp(at, l->at) == 0 || at[0] == '\0';
	struct am_listen file = { .fd = -1 };
	int fd = -1, rc = 0;

	if (l->handed)
		return 0;
	if (l->next_fd >= 0 && strcmp(at, l->next) == 0)
		return 0; /* bound for an earlier candidate */
	if (!stay)
		rc = bind_at(l, at, &fd, &file, diag);
	if (rc != 0)
		return rc;
	if (l->next_fd >= 0)
		close(l->next_fd);
	file_remove(&l->next_file);
	l->next_fd = fd;
	l->next_file = file;
	snprintf(l->next, sizeof(l->next), "%s", at);
	return 0;
}

int
am_web_prepare(
    struct am_web *w, const struct am_conf *next, struct am_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < LISTENERS_N; i++)
		rc = prepare(&w->v[i], wanted(next, i), diag);
	return rc;
}

/* Takes the socket that was bound; -1: listen nowhere. */
static void
listen_on(struct am_web *w, struct listener *l)
{
	struct am_http_opts opts = { 0 };

	if (l->http == NULL)
		l->http = am_http_new(w->engine->base, &opts, w->engine);
	am_http_serve(l->http, l->next_fd);
	file_remove(&l->file);
	l->file = l->next_file;
	l->next_file.path[0] = '\0';
	memcpy(l->at, l->next, sizeof(l->at));
	am_log_notice("http", "name=%s address=%s by=%s", l->name,
	    l->next_fd >= 0 ? am_log_val(am_str_c(l->at)) : "none",
	    l->handed ? "systemd" : "amends");
}

/* Where a socket unit says one thing and amends.conf another. */
static void
say_where(const struct listener *l, const char *at)
{
	if (l->handed && at[0] != '\0' && strcmp(at, l->at) != 0)
		am_log_warn("http_stays",
		    "name=%s address=%s wanted=%s reason=%s", l->name,
		    am_log_val(am_str_c(l->at)), at,
		    "\"a socket that systemd handed over; change its unit\"");
}

static void
route(struct am_web *w)
{
	struct am_http *listen = w->v[LISTEN].http, *view = w->v[VIEW].http;
	bool apart = w->v[VIEW].at[0] != '\0';

	if (listen != NULL)
		am_http_routes(listen, apart ? strangers : everybody,
		    apart ? AM_COUNT(strangers) : AM_COUNT(everybody));
	if (view != NULL)
		am_http_routes(view, operators, AM_COUNT(operators));
}

static void
limit(struct am_http *http, const struct am_conf *conf)
{
	am_http_limit(http, conf->http.max_body_bytes != 0
				? conf->http.max_body_bytes
				: BODY_MAX);
	am_http_room(http, conf->http.connections);
}

void
am_web_switch(struct am_web *w)
{
	const struct am_conf *conf = w->engine->conf;

	if (w->engine->stopping)
		return; /* nobody new is let in */
	for (size_t i = 0; i < LISTENERS_N; i++) {
		struct listener *l = &w->v[i];

		if (l->next_fd >= 0 || (l->at[0] != '\0' && l->next[0] == '\0'))
			listen_on(w, l);
		l->next_fd = -1;
		say_where(l, wanted(conf, i));
		if (l->http != NULL)
			limit(l->http, conf);
	}
	route(w);
}

/* In place of binding one; am_web_switch() serves it. */
static void
hand_over(struct listener *l, int *fd)
{
	if (*fd < 0)
		return;
	l->handed = true;
	l->next_fd = *fd;
	*fd = -1;
	am_activation_address(l->next_fd, l->next, sizeof(l->next));
}

int
am_web_new(struct am_engine *e, struct am_activation *sockets,
    struct am_web **web, struct am_diag *diag)
{
	static const char *const names[] = { "listen", "view" };
	struct am_web *w = calloc(1, sizeof(*w));
	int rc;

	AM_ASSERT(w != NULL);
	w->engine = e;
	for (size_t i = 0; i < LISTENERS_N; i++) {
		w->v[i].name = names[i];
		w->v[i].next_fd = -1;
		hand_over(&w->v[i], &sockets->fd[i]);
	}
	rc = am_web_prepare(w, e->conf, diag);
	if (rc != 0) {
		am_web_free(w);
		return rc;
	}
	am_web_switch(w);
	*web = w;
	return 0;
}

void
am_web_free(struct am_web *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < LISTENERS_N; i++) {
		am_http_free(w->v[i].http);
		if (w->v[i].next_fd >= 0)
			close(w->v[i].next_fd);
		file_remove(&w->v[i].file);
		file_remove(&w->v[i].next_file);
	}
	free(w);
}

void
am_web_stop(struct am_web *w)
{
	for (size_t i = 0; i < LISTENERS_N; i++)
		if (w->v[i].http != NULL)
			am_http_stop(w->v[i].http);
}

bool
am_web_quiet(const struct am_web *w)
{
	for (size_t i = 0; i < LISTENERS_N; i++)
		if (w->v[i].http != NULL && !am_http_quiet(w->v[i].http))
			return false;
	return true;
}

static void
add_counts(const struct am_http *http, struct am_buf *out)
{
	const struct am_http_counts *h = am_http_counts(http);

	am_buf_addki(out, "connections", am_http_conns(http));
	am_buf_addki(out, "streams", am_http_streams(http));
	am_buf_addki(out, "requests", (int64_t)h->requests);
	am_buf_addki(out, "malformed", (int64_t)h->refused);
	am_buf_addki(out, "cut", (int64_t)h->cut);
	am_buf_addki(out, "shed", (int64_t)h->shed);
}

void
am_web_status(const struct am_web *w, struct am_buf *out)
{
	const struct listener *l = &w->v[LISTEN], *v = &w->v[VIEW];

	am_buf_addkey(out, "http");
	if (l->at[0] == '\0' && v->at[0] == '\0') {
		am_buf_adds(out, "null");
		return;
	}
	am_buf_addc(out, '{');
	if (l->at[0] != '\0') {
		am_buf_addkv(out, "listen", am_str_c(l->at));
		add_counts(l->http, out);
		am_callbacks_status(w->engine->callbacks, out);
		am_produce_status(w->engine->produce, out);
	}
	if (v->at[0] != '\0') {
		am_buf_addkey(out, "view");
		am_buf_addc(out, '{');
		am_buf_addkv(out, "listen", am_str_c(v->at));
		add_counts(v->http, out);
		am_buf_addc(out, '}');
	}
	am_buf_addc(out, '}');
}

size_t
am_web_listeners(
    const struct am_web *w, struct am_arena *a, struct am_sample_listener *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < LISTENERS_N; i++) {
		const struct listener *l = &w->v[i];
		const struct am_http_counts *c;

		if (l->at[0] == '\0' || l->http == NULL)
			continue;
		c = am_http_counts(l->http);
		rows[n++] = (struct am_sample_listener){
			.name = l->name,
			.at = am_arena_cstr(a, am_str_c(l->at)),
			.connections = am_http_conns(l->http),
			.requests = (int64_t)c->requests,
			.malformed = (int64_t)c->refused,
			.cut = (int64_t)c->cut,
			.shed = (int64_t)c->shed,
		};
	}
	return n;
}
