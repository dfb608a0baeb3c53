/* notify - sd_notify(3). RELOADING carries MONOTONIC_USEC: systemd 253 and
 * later want it, earlier ones do not mind. */

#include "daemon/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <event2/event.h>
#include <systemd/sd-daemon.h>

void
am_notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
am_notify_status(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

void
am_notify_reloading(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

void
am_notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

struct event *
am_notify_watchdog(struct event_base *base)
{
	uint64_t usec;
	struct timeval tv;
	struct event *ev;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return NULL;
	tv.tv_sec = (time_t)(usec / 2 / 1000000);
	tv.tv_usec = (suseconds_t)(usec / 2 % 1000000);
	ev = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	AM_ASSERT(ev != NULL);
	event_add(ev, &tv);
	return ev;
}
