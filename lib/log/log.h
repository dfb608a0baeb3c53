#pragma once

/*
 * log - one line to stderr: `<N>event key=value ...` (layer: log).
 *
 * <N> is the journald priority, written only when stderr is a journal or
 * AM_LOG_PREFIX is asked for. Values with blanks or quotes are quoted (logfmt).
 * Above debug no line holds personal data: callers pass ids only. A stalled
 * stderr or a full disk never blocks: what is refused is counted, and the first
 * line behind it is `log_dropped n=…`.
 */

#include <amends/base.h>

enum am_log_level {
	AM_LOG_ERR = 3,
	AM_LOG_WARN = 4,
	AM_LOG_NOTICE = 5,
	AM_LOG_INFO = 6,
	AM_LOG_DEBUG = 7
};

void am_log_open(enum am_log_level max, bool prefix);
void am_log_set(enum am_log_level max);
uint64_t am_log_dropped(void);
/* Between hold(true) and hold(false) lines leave by the page, not one by one:
 * for the many lines of one turn. */
void am_log_hold(bool held);
void am_log_flush(void);
/* error warn notice info debug; info for anything else. */
enum am_log_level am_log_level_parse(const char *name);

/* fmt is "key=%s key2=%d …"; the event name is [a-z0-9_]. */
void am_log(enum am_log_level level, const char *event, const char *fmt, ...)
    AM_PRINTF(3, 4);
#define am_log_err(ev, ...) am_log(AM_LOG_ERR, ev, __VA_ARGS__)
#define am_log_warn(ev, ...) am_log(AM_LOG_WARN, ev, __VA_ARGS__)
#define am_log_notice(ev, ...) am_log(AM_LOG_NOTICE, ev, __VA_ARGS__)
#define am_log_info(ev, ...) am_log(AM_LOG_INFO, ev, __VA_ARGS__)
#define am_log_debug(ev, ...) am_log(AM_LOG_DEBUG, ev, __VA_ARGS__)
/* A value as logfmt, in a ring of static buffers (8 uses a line). */
const char *am_log_val(struct am_str s);
