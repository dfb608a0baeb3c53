/*
 * ctl - one listener, its clients (client.c keeps the line discipline), and a
 * call per command. A call outlives its client and this object, because whoever
 * answers it may still hold it; it is freed one turn of the loop after its end.
 *
 * Everything that can be said without the engine is said here: help, wrong
 * words, missing rights. So the daemon's handler sees only commands that make
 * sense from people who may give them, and a test of it needs no socket.
 *
 * Rejected: one thread a client (the engine is not shared), and datagrams (an
 * answer has no bound, and nc -U would be of no use).
 */
#include "ops/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"
#include "ops/client.h"
#include "ops/listen.h"
#include "ops/verbs.h"
#include "ops/words.h"

#define CLIENTS_MAX 64
#define LINE_MS (2 * AM_SECOND)
#define IDLE_MS (5 * AM_MINUTE)
#define ACCEPT_TURN 32	      /* connections a turn of the loop */
#define ACCEPT_BACKOFF_MS 100 /* when there is no descriptor left */

struct am_ctl_call {
	TAILQ_ENTRY(am_ctl_call) link;
	struct am_ctl *ctl;	  /* NULL: the socket is closed */
	struct am_client *client; /* NULL: the client is gone */
	struct am_arena arena;
	unsigned uid;
	enum am_ctl_level level;
	struct event_base *base; /* of one of our own */
	struct am_ctl_ask ask;	 /* end NULL: a client's */
};

TAILQ_HEAD(call_list, am_ctl_call);

struct am_ctl {
	struct am_clients clients;
	unsigned clients_max;
	struct am_listen listen;
	struct event *acceptable, *retry;
	struct am_acl view, operate;
	time_t accept_logged;
	am_ctl_handler *handler;
	void *arg;
	struct call_list open, ended;
};

/* ---- calls ---- */

static enum am_ctl_level
ctl_level(const struct am_ctl *ctl, const struct am_peer *who)
{
	return am_peer_level(&ctl->view, &ctl->operate, geteuid(), who);
}

static struct am_ctl_call *
call_new(struct am_ctl *ctl, struct am_client *c)
{
	struct am_ctl_call *call = calloc(1, sizeof(*call));

	AM_ASSERT(call != NULL);
	call->ctl = ctl;
	call->client = c;
	call->uid = (unsigned)am_client_peer(c)->uid;
	call->level = ctl_level(ctl, am_client_peer(c));
	am_arena_init(&call->arena, 0);
	TAILQ_INSERT_TAIL(&ctl->open, call, link);
	am_client_set_user(c, call);
	return call;
}

static void
call_free(struct am_ctl_call *call)
{
	am_arena_fini(&call->arena);
	free(call);
}

static void
call_send(struct am_ctl_call *call, struct am_str text)
{
	/* a client that is cut by this has left the call when it returns */
	if (call->client != NULL)
		am_client_send(call->client, text);
}

static void
on_asked(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	call_free(arg);
}

/* The call is over; its client may go on. */
static void
call_close(struct am_ctl_call *call)
{
	struct am_ctl *ctl = call->ctl;
	struct am_client *c = call->client;

	if (call->ask.end != NULL) { /* whoever ended it may still use it */
		event_base_once(
		    call->base, -1, EV_TIMEOUT, on_asked, call, NULL);
		return;
	}
	if (ctl == NULL) {
		call_free(call);
		return;
	}
	TAILQ_REMOVE(&ctl->open, call, link);
	TAILQ_INSERT_TAIL(&ctl->ended, call, link);
	am_clients_sweep(&ctl->clients);
	call->client = NULL;
	if (c != NULL) {
		am_client_set_user(c, NULL);
		am_client_next(c);
	}
}

void
am_ctl_line(struct am_ctl_call *call, struct am_str json)
{
	if (call->ask.line != NULL)
		call->ask.line(call->ask.arg, json);
	if (call->client == NULL)
		return;
	if (json.n > 0 && memchr(json.p, '\n', json.n) != NULL) {
		struct am_str copy = am_arena_dup(&call->arena, json);
		char *p = (char *)(uintptr_t)copy.p;

		/* a raw newline can only stand between two tokens of JSON */
		for (size_t i = 0; i < copy.n; i++) {
			if (p[i] == '\n')
				p[i] = ' ';
		}
		json = copy;
	}
	call_send(call, json);
	call_send(call, AM_STR("\n"));
}

static void
call_status(struct am_ctl_call *call, enum am_exit code, struct am_str text)
{
	struct am_buf b;

	am_buf_arena(&b, &call->arena, 256);
	am_status_line(&b, code, text);
	call_send(call, am_buf_str(&b));
}

void
am_ctl_end(struct am_ctl_call *call, enum am_exit code, const char *fmt, ...)
{
	char text[1024] = "";
	va_list ap;

	if (fmt != NULL) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
	}
	if (call->ask.end != NULL)
		call->ask.end(call->ask.arg, code, text);
	call_status(call, code, am_str_c(text));
	call_close(call);
}

void
am_ctl_ask(struct event_base *base, am_ctl_handler *handler, void *handler_arg,
    const struct am_str *argv, size_t argc, const struct am_ctl_ask *ask)
{
	struct am_ctl_call *call = calloc(1, sizeof(*call));

	AM_ASSERT(call != NULL && ask->end != NULL);
	call->base = base;
	call->ask = *ask;
	call->level = AM_CTL_VIEW;
	am_arena_init(&call->arena, 0);
	handler(handler_arg, call, argv, argc);
}

enum am_ctl_level
am_ctl_level(const struct am_ctl_call *call)
{
	return call->level;
}

unsigned
am_ctl_uid(const struct am_ctl_call *call)
{
	return call->uid;
}

struct am_arena *
am_ctl_arena(struct am_ctl_call *call)
{
	return &call->arena;
}

bool
am_ctl_alive(const struct am_ctl_call *call)
{
	if (call->ask.end != NULL)
		return true;
	return call->client != NULL && !am_client_hung_up(call->client);
}

size_t
am_ctl_unread(const struct am_ctl_call *call)
{
	return call->client != NULL ? am_client_unread(call->client) : 0;
}

/* ---- a command ---- */

static void
help_row(struct am_ctl_call *call, const struct am_verb *v)
{
	struct am_buf b;

	am_buf_arena(&b, &call->arena, 512);
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "name", am_str_c(v->name));
	am_buf_addkv(&b, "level",
	    v->level == AM_CTL_OPERATE ? AM_STR("operate") : AM_STR("view"));
	am_buf_addkv(&b, "usage", am_str_c(v->usage));
	am_buf_addkv(&b, "about", am_str_c(v->about));
	am_buf_addc(&b, '}');
	am_ctl_line(call, am_buf_str(&b));
}

static void
help(struct am_ctl_call *call, const struct am_str *argv, size_t argc)
{
	const struct am_verb *v;
	char what[200];
	size_t used = 0;

	if (argc == 0) {
		for (size_t i = 0; i < am_verbs_n; i++)
			help_row(call, &am_verbs[i]);
		am_ctl_end(call, AM_EXIT_OK, NULL);
		return;
	}
	v = am_verb_find(argv, argc, &used);
	if (v == NULL || used < argc) {
		am_verb_suggest(argv, argc, what);
		am_ctl_end(call, AM_EXIT_USAGE, "%s", what);
		return;
	}
	help_row(call, v);
	am_ctl_end(call, AM_EXIT_OK, NULL);
}

static void
log_mutation(const struct am_ctl_call *call, const struct am_verb *v,
    const struct am_str *argv, size_t argc)
{
	struct am_str arg = am_verb_arg(v, argv, argc, 0);
	bool all = am_verb_option(argv, argc, "all").p != NULL;

	am_log_notice("ctl_verb", "verb=%s uid=%u pid=%d arg=%s",
	    am_log_val(am_str_c(v->name)), call->uid,
	    (int)am_client_peer(call->client)->pid,
	    all ? "--all" : (arg.n > 0 ? am_log_val(arg) : "-"));
}

static void
call_run(struct am_ctl_call *call, const struct am_str *argv, size_t argc)
{
	const struct am_verb *v;
	char what[200];
	size_t used;

	v = am_verb_find(argv, argc, &used);
	if (v == NULL) {
		am_verb_suggest(argv, argc, what);
		am_ctl_end(call, AM_EXIT_USAGE, "%s", what);
	} else if (call->level < v->level) {
		am_log_notice("ctl_denied", "verb=%s uid=%u",
		    am_log_val(am_str_c(v->name)), call->uid);
		am_ctl_end(call, AM_EXIT_REFUSED,
		    "uid %u may not `%s`; status.operate names who may change "
		    "something",
		    call->uid, v->name);
	} else if (am_verb_check(v, argv, argc, what) != 0) {
		am_ctl_end(call, AM_EXIT_USAGE, "%s", what);
	} else if (am_str_is(argv[0], "help")) {
		help(call, argv + used, argc - used);
	} else {
		if (v->level == AM_CTL_OPERATE)
			log_mutation(call, v, argv, argc);
		call->ctl->handler(call->ctl->arg, call, argv, argc);
	}
}

static void
on_line(void *arg, struct am_client *c, struct am_str line)
{
	struct am_ctl_call *call = call_new(arg, c);
	const struct am_str *argv;
	char what[200];
	size_t argc;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (call->level == AM_CTL_NONE) { /* the lists were changed */
		call_status(call, AM_EXIT_REFUSED,
		    AM_STR("you may not look any more; ask for a place in "
			   "status.view"));
		call_close(call);
		am_client_finish(c);
	} else if (am_words_split(line, &call->arena, &argv, &argc, what) !=
		   0) {
		call_close(call);
		am_client_refuse(c, what);
	} else if (argc == 0) {
		call_close(call);
	} else {
		call_run(call, argv, argc);
	}
}

static void
on_gone(void *arg, struct am_client *c)
{
	struct am_ctl_call *call = am_client_user(c);

	(void)arg;
	if (call != NULL)
		call->client = NULL;
	am_client_set_user(c, NULL);
}

static void
on_swept(void *arg)
{
	struct am_ctl *ctl = arg;
	struct am_ctl_call *call;

	while ((call = TAILQ_FIRST(&ctl->ended)) != NULL) {
		TAILQ_REMOVE(&ctl->ended, call, link);
		call_free(call);
	}
}

/* ---- the listener ---- */

/* One line to somebody who does not become a client. */
static void
turn_away(int fd, enum am_exit code, const char *text)
{
	struct am_buf b;

	am_buf_init(&b);
	am_status_line(&b, code, am_str_c(text));
	/* a fresh socket takes a line; whoever is gone misses nothing */
	if (send(fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		am_log_debug("ctl_turn_away", "errno=%d", errno);
	am_buf_fini(&b);
	close(fd);
}

static void
ctl_welcome(struct am_ctl *ctl, int fd)
{
	struct am_peer who;
	char text[160];

	if (am_peer_read(fd, &who) != 0) {
		close(fd);
		return;
	}
	if (ctl_level(ctl, &who) == AM_CTL_NONE) {
		am_clients_say(&ctl->clients, AM_LOG_NOTICE, "ctl_denied", &who,
		    "no place in status.view");
		snprintf(text, sizeof(text),
		    "uid %u may not look; ask for a place in status.view",
		    (unsigned)who.uid);
		turn_away(fd, AM_EXIT_REFUSED, text);
		am_peer_fini(&who);
	} else if (ctl->clients.n >= ctl->clients_max &&
		   !am_clients_make_room(&ctl->clients)) {
		snprintf(text, sizeof(text),
		    "%u clients are connected already; try again later",
		    ctl->clients_max);
		turn_away(fd, AM_EXIT_FAILED, text);
		am_peer_fini(&who);
	} else {
		am_client_new(&ctl->clients, fd, &who);
	}
}

/* No descriptor is left: leave the queue alone for a moment, or the loop
 * spins on a socket that stays readable. */
static void
ctl_back_off(struct am_ctl *ctl, int err)
{
	struct timeval tv = { .tv_usec = ACCEPT_BACKOFF_MS * 1000 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != ctl->accept_logged) {
		ctl->accept_logged = now.tv_sec;
		am_log_warn("ctl_accept_failed", "errno=%d reason=%s", err,
		    am_log_val(am_str_c(strerror(err))));
	}
	event_del(ctl->acceptable);
	evtimer_add(ctl->retry, &tv);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct am_ctl *ctl = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int client =
		    accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client >= 0) {
			ctl_welcome(ctl, client);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			if (errno != EAGAIN)
				ctl_back_off(ctl, errno);
			return;
		}
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct am_ctl *ctl = arg;

	(void)fd;
	(void)what;
	event_add(ctl->acceptable, NULL);
}

int
am_ctl_new(struct event_base *base, const struct am_ctl_opts *opts,
    am_ctl_handler *handler, void *arg, struct am_ctl **out,
    struct am_diag *diag)
{
	struct am_listen listen;
	struct am_ctl *ctl;
	int rc;

	rc = am_listen_open(&listen, "status.socket", opts->path, diag);
	if (rc != 0)
		return rc;
	ctl = calloc(1, sizeof(*ctl));
	AM_ASSERT(ctl != NULL);
	ctl->listen = listen;
	ctl->handler = handler;
	ctl->arg = arg;
	ctl->clients_max = opts->clients > 0 ? opts->clients : CLIENTS_MAX;
	ctl->clients = (struct am_clients){
		.base = base,
		.line_ms = opts->line_ms > 0 ? opts->line_ms : LINE_MS,
		.idle_ms = opts->idle_ms > 0 ? opts->idle_ms : IDLE_MS,
		.line = on_line,
		.gone = on_gone,
		.swept = on_swept,
		.arg = ctl,
	};
	am_clients_init(&ctl->clients);
	TAILQ_INIT(&ctl->open);
	TAILQ_INIT(&ctl->ended);
	ctl->acceptable = event_new(
	    base, listen.fd, EV_READ | EV_PERSIST, on_acceptable, ctl);
	ctl->retry = evtimer_new(base, on_retry, ctl);
	AM_ASSERT(ctl->acceptable != NULL && ctl->retry != NULL);
	am_ctl_permit(ctl, opts);
	event_add(ctl->acceptable, NULL);
	*out = ctl;
	return 0;
}

void
am_ctl_permit(struct am_ctl *ctl, const struct am_ctl_opts *opts)
{
	am_acl_set(&ctl->view, opts->view, opts->view_n);
	am_acl_set(&ctl->operate, opts->operate, opts->operate_n);
	am_listen_permit(&ctl->listen, opts->view_n > 1 ? 0666 : opts->mode,
	    opts->view_n == 1 ? opts->view[0] : NULL);
}

void
am_ctl_free(struct am_ctl *ctl)
{
	struct am_ctl_call *call;

	if (ctl == NULL)
		return;
	am_listen_close(&ctl->listen);
	while ((call = TAILQ_FIRST(&ctl->open)) != NULL) {
		call_status(
		    call, AM_EXIT_FAILED, AM_STR("the daemon is stopping"));
		TAILQ_REMOVE(&ctl->open, call, link);
		if (call->client != NULL)
			am_client_set_user(call->client, NULL);
		call->client = NULL;
		call->ctl = NULL;
	}
	am_clients_fini(&ctl->clients);
	on_swept(ctl);
	event_free(ctl->acceptable);
	event_free(ctl->retry);
	free(ctl);
}
