#pragma once

/*
 * ctl - the status socket (layer: ops).
 *
 * One command a line (words, double quotes group), at most 4 KiB, within 2 s;
 * the answer is JSON lines, the last one a status line:
 *   {"ok":true,"code":0}   {"ok":false,"code":4,"error":"no such complaint: X"}
 * code is amendsctl's exit code. Levels come from the peer's credentials: view
 * and operate lists of users and groups; root may all. Mutations are logged
 * with the uid. A client that breaks a rule is closed, others are not touched;
 * slow readers are cut at 4 MiB unread.
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
};

/* The command's words, options included; runs on the loop. The handler must
 * end the call with am_ctl_end(), now or later. */
typedef void am_ctl_handler(void *arg, struct am_ctl_call *call,
    const struct am_str *argv, size_t argc);

AM_MUSTCHECK int am_ctl_new(struct event_base *base,
    const struct am_ctl_opts *opts, am_ctl_handler *handler, void *arg,
    struct am_ctl **ctl, struct am_diag *diag);
void am_ctl_free(struct am_ctl *ctl);
void am_ctl_permit(struct am_ctl *ctl, const struct am_ctl_opts *opts);

/* One JSON object, without the newline. */
void am_ctl_line(struct am_ctl_call *call, struct am_str json);
void am_ctl_end(struct am_ctl_call *call, enum am_exit code, const char *fmt,
    ...) AM_PRINTF(3, 4);
enum am_ctl_level am_ctl_level(const struct am_ctl_call *call);
unsigned am_ctl_uid(const struct am_ctl_call *call);
struct am_arena *am_ctl_arena(struct am_ctl_call *call);
/* false: the client is gone; keep going or end early, am_ctl_end() is due. */
bool am_ctl_alive(const struct am_ctl_call *call);
