#pragma once

/* clock - the two clocks of the store (layer: store), in ms. */

#include <time.h>

#include <amends/base.h>

static inline am_ms
am_clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Runs on while the host sleeps; never stepped. */
static inline am_ms
am_clock_boot(void)
{
	return am_clock_read(CLOCK_BOOTTIME);
}

static inline am_ms
am_clock_wall(void)
{
	return am_clock_read(CLOCK_REALTIME);
}
