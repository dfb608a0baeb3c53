#pragma once

/*
 * notify - what the service manager is told (layer: daemon): READY, STATUS,
 * RELOADING, STOPPING, and WATCHDOG from the event loop itself, so that a loop
 * that hangs is noticed. Without a manager all of it does nothing.
 */

#include <amends/base.h>

struct event_base;
struct event;

void am_notify_ready(void);
void am_notify_status(const char *fmt, ...) AM_PRINTF(1, 2);
void am_notify_reloading(void); /* ends with am_notify_ready() */
void am_notify_stopping(void);
/* A timer at half the manager's interval; NULL when there is no watchdog. */
struct event *am_notify_watchdog(struct event_base *base);
