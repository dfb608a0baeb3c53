#pragma once

/*
 * client - lines in, answers out, on one connection (layer: ops).
 *
 * The line discipline of the status socket: a line has at most 4096 bytes with
 * its newline and comes whole within line_ms; lines are given one at a time,
 * and the next one only after am_client_next(). What a client does not read is
 * kept up to 4 MiB. Nothing is freed inside a callback; a client lives until
 * `gone` was called.
 */

#include <sys/queue.h>

#include "log/log.h"
#include "ops/peer.h"

struct am_client;
struct bufferevent;
struct event;
struct event_base;
TAILQ_HEAD(am_client_list, am_client);

/* The clients of one socket; filled by whoever owns it, then init'ed. */
struct am_clients {
	struct event_base *base;
	am_ms line_ms, idle_ms;
	/* A line without its newline, for the call. The client is busy until
	 * am_client_next(). */
	void (*line)(void *arg, struct am_client *c, struct am_str line);
	/* The client is no more; exactly once, from the loop or fini. */
	void (*gone)(void *arg, struct am_client *c);
	/* After the dead of this turn of the loop were freed. */
	void (*swept)(void *arg);
	void *arg;
	/* private */
	struct am_client_list list;
	struct event *sweep;
	unsigned n; /* alive; may be read */
	am_ms said_at;
	unsigned unsaid;
};

void am_clients_init(struct am_clients *set);
/* What is still to be said goes out in one try; then all are closed. */
void am_clients_fini(struct am_clients *set);
/* `swept` is due in this turn of the loop. */
void am_clients_sweep(struct am_clients *set);

/* Who has been idle for longest, and for longer than a line may take, gives his
 * place up; false: nobody has. */
bool am_clients_make_room(struct am_clients *set);
/* Trouble that clients can make at will: one line a second, with how many were
 * left out before it. */
void am_clients_say(struct am_clients *set, enum am_log_level level,
    const char *event, const struct am_peer *who, const char *reason);

/* Takes fd (non-blocking) and who. user is the owner's. */
struct am_client *
am_client_new(struct am_clients *set, int fd, const struct am_peer *who);
const struct am_peer *am_client_peer(const struct am_client *c);
void am_client_set_user(struct am_client *c, void *user);
void *am_client_user(const struct am_client *c);

/* Over the cap, the client is cut and the rest of its answer goes nowhere. */
void am_client_send(struct am_client *c, struct am_str text);
size_t am_client_unread(const struct am_client *c);
/* Both directions are closed. */
bool am_client_hung_up(const struct am_client *c);
/* The line was answered; the next one may come. */
void am_client_next(struct am_client *c);
/* No more lines; closed when the answer was taken. */
void am_client_finish(struct am_client *c);
/* A rule was broken: say which (code 2), and finish. */
void am_client_refuse(struct am_client *c, const char *text);

/* The status line, with its newline. */
void am_status_line(struct am_buf *b, enum am_exit code, struct am_str text);
