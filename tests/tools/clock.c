/*
 * clock - a library to preload: the clocks of a process run ahead by as many
 * nanoseconds as the file named by AMENDS_CLOCK says (8 bytes, host order).
 *
 * The file is mapped, so a test moves the time of all its processes at once by
 * writing to it. Time never stands still; it jumps. What sleeps does not wake
 * by a jump: the test pokes it. Nothing here allocates, for redis-server's
 * allocator asks for the time before it is ready.
 */

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000

static const volatile int64_t *ahead; /* NULL: as it is */

__attribute__((constructor)) static void
map(void)
{
	const char *path = getenv("AMENDS_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		ahead = p;
}

/* Not the time that a process or a thread has used. */
static int
is_moved(clockid_t id)
{
	return ahead != NULL &&
	       (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ||
		   id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW ||
		   id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	long rc = syscall(SYS_clock_gettime, id, ts);
	int64_t by, ns;

	if (rc != 0 || !is_moved(id))
		return (int)rc;
	by = *ahead; /* once: it may be written to right now */
	ns = ts->tv_nsec + by % NS;
	ts->tv_sec += by / NS + ns / NS;
	ts->tv_nsec = ns % NS;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
