#pragma once

/*
 * ctl - the status socket (layer: ops).
 *
 * One command a line (words, double quotes group), at most 4 KiB, within 2 s;
 * the answer is JSON lines, the last one a status line:
 *   {"ok":true,"code":0}   {"ok":false,"code":4,"error":"no such complaint: X"}
 * code is amendsctl's exit code. Levels come from the peer's credentials: view
 * and operate lists of users and groups; root and the daemon's own user may
 * all. Mutations are logged with the uid. A client that breaks a rule is
 * closed, others are not touched; slow readers are cut at 4 MiB unread.
 *
 * What reaches the handler was checked against the verb table (verbs.h) and
 * the caller's level: unknown commands and wrong options (code 2), missing
 * rights (code 5) and `help` are answered here. The process ignores SIGPIPE.
 */

#include "base/buf.h"

struct event_base;
struct am_ctl;
struct am_ctl_call; /* one command being answered */

enum am_ctl_level { AM_CTL_NONE, AM_CTL_VIEW, AM_CTL_OPERATE };

enum am_exit {
	AM_EXIT_OK,
	AM_EXIT_FAILED,
	AM_EXIT_USAGE,
	AM_EXIT_UNREACHABLE,
	AM_EXIT_NOT_FOUND,
	AM_EXIT_REFUSED,
};

struct am_ctl_opts {
	const char *path;
	unsigned mode;
	const char *const *view, *const *operate;
	size_t view_n, operate_n;
	/* 0 gives the default of each */
	am_ms line_ms;	  /* from a line's first byte to its end: 2 s */
	am_ms idle_ms;	  /* between two commands: 5 min */
	unsigned clients; /* at once: 64 */
};

/*
 * The command's words, options included; runs on the loop. argv lives until
 * the call ends. The handler must end the call with am_ctl_end(), now or later,
 * also after am_ctl_free().
 */
typedef void am_ctl_handler(void *arg, struct am_ctl_call *call,
    const struct am_str *argv, size_t argc);

/*
 * Listen. A socket file that nobody answers on is replaced. When view names
 * several the mode is 0666 and only the peers' credentials decide; else it is
 * opts->mode, and the group is the first of view. -AM_ECONFLICT (somebody
 * answers there), -AM_EINVAL (path too long, or no socket), -AM_EIO, each with
 * *diag. Copies what it needs of opts.
 */
AM_MUSTCHECK int am_ctl_new(struct event_base *base,
    const struct am_ctl_opts *opts, am_ctl_handler *handler, void *arg,
    struct am_ctl **ctl, struct am_diag *diag);
/*
 * Tells open calls that the daemon stops and closes all clients. A call that
 * is open then must still be ended, which frees it. Not from a handler.
 */
void am_ctl_free(struct am_ctl *ctl);
/* New mode and lists, in force for clients that are connected, too; the path
 * and the limits stay. */
void am_ctl_permit(struct am_ctl *ctl, const struct am_ctl_opts *opts);

/*
 * A command of the daemon's own, for its pages: no socket, level view. The
 * handler is called before this returns; `line` gets each JSON object, `end`
 * the end, both on the loop and for their call only. Never cut and never gone.
 */
struct am_ctl_ask {
	void (*line)(void *arg, struct am_str json); /* NULL: not of interest */
	void (*end)(void *arg, enum am_exit code, const char *text);
	void *arg;
};
void
am_ctl_ask(struct event_base *base, am_ctl_handler *handler, void *handler_arg,
    const struct am_str *argv, size_t argc, const struct am_ctl_ask *ask);

/* One JSON object, without the newline. */
void am_ctl_line(struct am_ctl_call *call, struct am_str json);
/* The status line; fmt says what is wrong (with AM_EXIT_OK a note), "" or NULL
 * nothing. Frees the call, at the end of this turn of the loop. */
void am_ctl_end(struct am_ctl_call *call, enum am_exit code, const char *fmt,
    ...) AM_PRINTF(3, 4);
enum am_ctl_level am_ctl_level(const struct am_ctl_call *call);
unsigned am_ctl_uid(const struct am_ctl_call *call);
struct am_arena *am_ctl_arena(struct am_ctl_call *call);
/* false: the client is gone; keep going or end early, am_ctl_end() is due. */
bool am_ctl_alive(const struct am_ctl_call *call);
/* Bytes of answers that the client has not taken yet. A handler of long lists
 * asks it between pages and waits a little; over 4 MiB the client is cut. */
size_t am_ctl_unread(const struct am_ctl_call *call);
