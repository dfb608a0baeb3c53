/*
 * client - WAITING for a line, BUSY with one, CLOSING (answer on its way) or
 * DEAD. Lines sent ahead stay in the input buffer, which the high watermark
 * keeps at a line, so a client cannot make us buffer. The next line waits until
 * most of the last answer was taken: one answer counts against the cap, not
 * what a client could have asked for.
 *
 * The dead are swept once a turn of the loop, by the same event that starts the
 * line behind an answer that was given later.
 *
 * The end of the input is no good-bye (`socat` ends its side after the last
 * command and reads on): the client is gone only when both directions are
 * closed, which poll(2) knows as POLLHUP. A last line without its newline is
 * refused, because half of a command must not run.
 */
#include "ops/client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"

#define LINE_BYTES 4096		  /* with its newline */
#define UNREAD_BYTES (4u << 20)	  /* more and the client is cut */
#define BACKLOG_BYTES (64u << 10) /* more and the next line waits */
#define FLUSH_MS (5 * AM_SECOND)  /* to take the last answer */
#define STALL_MS (30 * AM_SECOND) /* to take a byte of an answer */

enum state { WAITING, BUSY, CLOSING, DEAD };

/* What the timer waits for. */
enum timing { TIMING_NONE, TIMING_IDLE, TIMING_LINE, TIMING_FLUSH };

struct am_client {
	TAILQ_ENTRY(am_client) link;
	struct am_clients *set;
	struct bufferevent *bev;
	struct event *timer;
	struct am_peer who;
	void *user;
	enum state state;
	enum timing timing;
	am_ms idle_since; /* CLOCK_MONOTONIC */
	bool eof;	  /* no more lines will come */
	bool running;	  /* client_run() is on the stack */
	bool again;	  /* client_run() is due */
};

static am_ms
monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
am_clients_say(struct am_clients *set, enum am_log_level level,
    const char *event, const struct am_peer *who, const char *reason)
{
	am_ms now = monotonic();

	if (set->said_at != 0 && now - set->said_at < AM_SECOND) {
		set->unsaid++;
		return;
	}
	am_log(level, event, "uid=%u reason=%s unsaid=%u", (unsigned)who->uid,
	    am_log_val(am_str_c(reason)), set->unsaid);
	set->said_at = now;
	set->unsaid = 0;
}

static void
client_time(struct am_client *c, enum timing timing, am_ms ms)
{
	struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000) * 1000,
	};

	c->timing = timing;
	if (timing == TIMING_NONE)
		evtimer_del(c->timer);
	else
		evtimer_add(c->timer, &tv);
}

static void
client_kill(struct am_client *c)
{
	if (c->state == DEAD)
		return;
	c->state = DEAD;
	c->set->n--;
	bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	evtimer_del(c->timer);
	c->set->gone(c->set->arg, c);
	am_clients_sweep(c->set);
}

size_t
am_client_unread(const struct am_client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

bool
am_client_hung_up(const struct am_client *c)
{
	struct pollfd pfd = { .fd = bufferevent_getfd(c->bev) };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLHUP) != 0;
}

static void
client_cut(struct am_client *c)
{
	am_clients_say(c->set, AM_LOG_WARN, "ctl_slow_reader", &c->who,
	    "the answer is not read");
	client_kill(c);
}

void
am_client_send(struct am_client *c, struct am_str text)
{
	if (c->state == DEAD)
		return;
	if (am_client_unread(c) + text.n > UNREAD_BYTES)
		client_cut(c);
	else
		bufferevent_write(c->bev, text.p, text.n);
}

void
am_client_finish(struct am_client *c)
{
	if (c->state == DEAD)
		return;
	c->state = CLOSING;
	bufferevent_disable(c->bev, EV_READ);
	if (am_client_unread(c) == 0)
		client_kill(c);
	else
		client_time(c, TIMING_FLUSH, FLUSH_MS);
}

void
am_status_line(struct am_buf *b, enum am_exit code, struct am_str text)
{
	am_buf_addf(b, "{\"ok\":%s,\"code\":%d",
	    code == AM_EXIT_OK ? "true" : "false", (int)code);
	if (text.n > 0)
		am_buf_addkv(b, code == AM_EXIT_OK ? "note" : "error", text);
	am_buf_adds(b, "}\n");
}

void
am_client_refuse(struct am_client *c, const char *text)
{
	struct am_buf b;

	am_clients_say(c->set, AM_LOG_NOTICE, "ctl_refused", &c->who, text);
	am_buf_init(&b);
	am_status_line(&b, AM_EXIT_USAGE, am_str_c(text));
	am_client_send(c, am_buf_str(&b));
	am_buf_fini(&b);
	am_client_finish(c);
}

static void
client_idle(struct am_client *c)
{
	c->idle_since = monotonic();
	client_time(c, TIMING_IDLE, c->set->idle_ms);
}

bool
am_clients_make_room(struct am_clients *set)
{
	struct am_client *c, *oldest = NULL;

	TAILQ_FOREACH(c, &set->list, link)
	if (c->state == WAITING && c->timing == TIMING_IDLE &&
	    (oldest == NULL || c->idle_since < oldest->idle_since))
		oldest = c;
	if (oldest == NULL || monotonic() - oldest->idle_since < set->line_ms)
		return false;
	am_clients_say(set, AM_LOG_NOTICE, "ctl_full", &oldest->who,
	    "idle for longest, made room");
	client_kill(oldest);
	return true;
}

/* Arm the timer for what a waiting client is waited for. */
static void
client_rearm(struct am_client *c, bool fresh)
{
	size_t n = evbuffer_get_length(bufferevent_get_input(c->bev));

	if (c->state != WAITING)
		return;
	if (am_client_unread(c) > BACKLOG_BYTES)
		client_time(c, TIMING_NONE, 0); /* STALL_MS watches */
	else if (n == 0)
		client_idle(c);
	else if (fresh || c->timing != TIMING_LINE)
		client_time(c, TIMING_LINE, c->set->line_ms);
}

/* Give the line that is there; false when there is none. */
static bool
client_take(struct am_client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr nl =
	    evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	char line[LINE_BYTES];

	if (nl.pos < 0 && evbuffer_get_length(in) < LINE_BYTES)
		return false;
	if (nl.pos < 0 || nl.pos >= LINE_BYTES) {
		am_client_refuse(
		    c, "a line over 4096 bytes; send less at once");
		return false;
	}
	evbuffer_remove(in, line, (size_t)nl.pos + 1);
	c->state = BUSY;
	client_time(c, TIMING_NONE, 0);
	c->set->line(c->set->arg, c, (struct am_str){ line, (size_t)nl.pos });
	return true;
}

/* Run the lines that are there. */
static void
client_run(struct am_client *c)
{
	bool taken = false;

	if (c->running || c->state != WAITING)
		return;
	c->running = true;
	c->again = false;
	while (c->state == WAITING && am_client_unread(c) <= BACKLOG_BYTES &&
	       client_take(c))
		taken = true;
	c->running = false;
	if (c->state == WAITING && c->eof &&
	    am_client_unread(c) <= BACKLOG_BYTES) {
		if (evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
			am_client_refuse(
			    c, "the line has no end; end it with a newline");
		else
			am_client_finish(c);
	}
	client_rearm(c, taken);
}

void
am_client_next(struct am_client *c)
{
	if (c->state != BUSY)
		return;
	c->state = WAITING;
	c->again = !c->running;
	if (c->again)
		am_clients_sweep(c->set);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	client_run(arg);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct am_client *c = arg;

	(void)bev;
	if (c->state == CLOSING && am_client_unread(c) == 0)
		client_kill(c);
	else
		client_run(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct am_client *c = arg;

	(void)bev;
	if ((what & BEV_EVENT_TIMEOUT) != 0) {
		client_cut(c);
	} else if ((what & BEV_EVENT_EOF) == 0 || am_client_hung_up(c)) {
		client_kill(c);
	} else {
		c->eof = true;
		client_run(c);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct am_client *c = arg;

	(void)fd;
	(void)what;
	if (c->timing == TIMING_LINE)
		am_client_refuse(
		    c, "the line took too long; send it in one go");
	else
		client_kill(c);
}

struct am_client *
am_client_new(struct am_clients *set, int fd, const struct am_peer *who)
{
	struct am_client *c = calloc(1, sizeof(*c));
	struct timeval stall = { .tv_sec = STALL_MS / 1000 };

	AM_ASSERT(c != NULL);
	c->set = set;
	c->who = *who;
	c->bev = bufferevent_socket_new(set->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->timer = evtimer_new(set->base, on_timer, c);
	AM_ASSERT(c->bev != NULL && c->timer != NULL);
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, LINE_BYTES);
	bufferevent_setwatermark(c->bev, EV_WRITE, BACKLOG_BYTES, 0);
	bufferevent_set_timeouts(c->bev, NULL, &stall);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	TAILQ_INSERT_TAIL(&set->list, c, link);
	set->n++;
	client_idle(c);
	return c;
}

const struct am_peer *
am_client_peer(const struct am_client *c)
{
	return &c->who;
}

void
am_client_set_user(struct am_client *c, void *user)
{
	c->user = user;
}

void *
am_client_user(const struct am_client *c)
{
	return c->user;
}

static void
client_free(struct am_client *c)
{
	TAILQ_REMOVE(&c->set->list, c, link);
	event_free(c->timer);
	bufferevent_free(c->bev);
	am_peer_fini(&c->who);
	free(c);
}

/* Start what waits for its turn, then bury the dead. */
static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct am_clients *set = arg;
	struct am_client *c, *next;

	(void)fd;
	(void)what;
	for (c = TAILQ_FIRST(&set->list); c != NULL; c = TAILQ_NEXT(c, link)) {
		if (c->again)
			client_run(c);
	}
	for (c = TAILQ_FIRST(&set->list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == DEAD)
			client_free(c);
	}
	set->swept(set->arg);
}

void
am_clients_init(struct am_clients *set)
{
	TAILQ_INIT(&set->list);
	set->n = 0;
	set->said_at = 0;
	set->unsaid = 0;
	set->sweep = event_new(set->base, -1, 0, on_sweep, set);
	AM_ASSERT(set->sweep != NULL);
}

void
am_clients_sweep(struct am_clients *set)
{
	event_active(set->sweep, EV_TIMEOUT, 0);
}

void
am_clients_fini(struct am_clients *set)
{
	struct am_client *c;

	while ((c = TAILQ_FIRST(&set->list)) != NULL) {
		if (c->state != DEAD) {
			struct evbuffer *out = bufferevent_get_output(c->bev);

			/* a bufferevent keeps the front of it shut */
			evbuffer_unfreeze(out, 1);
			evbuffer_write(out, bufferevent_getfd(c->bev));
			client_kill(c);
		}
		client_free(c);
	}
	event_free(set->sweep);
}
