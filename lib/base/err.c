/*
 * err - phrases for error codes, and the end of the road.
 *
 * am_panic() formats on the stack and writes once: it may run with the heap
 * broken, so stdio's buffers and locks are out of the question.
 */

#include <amends/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *
am_err_str(int rc)
{
	static const char *const phrases[] = {
		[0] = "ok",
		[AM_EINVAL] = "invalid",
		[AM_EIO] = "unreachable",
		[AM_EFENCED] = "owned by another",
		[AM_ECANCELED] = "cancelled",
		[AM_ECONFLICT] = "conflict",
		[AM_ENOENT] = "not found",
		[AM_ETOOBIG] = "too big",
		[AM_ETIMEDOUT] = "timed out",
		[AM_EPROTO] = "protocol error",
		[AM_EUNSUPPORTED] = "unsupported",
		[AM_EREFUSED] = "refused",
		[AM_EUNKNOWN] = "outcome unknown",
		[AM_ERANGE] = "out of range",
		[AM_EFULL] = "redis is full",
		[AM_EBUSY] = "busy",
	};

	if (rc > 0 || rc <= -(int)AM_COUNT(phrases))
		return "unknown error";
	return phrases[-rc];
}

void
am_panic(const char *file, int line, const char *what)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
	    "panic file=%s line=%d what=\"%s\"", file, line, what);

	if (n > (int)sizeof(text) - 1)
		n = (int)sizeof(text) - 1;
	if (n >= 0) {
		text[n++] = '\n';
		/* nothing is left to be done about a failed write */
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			abort();
	}
	abort();
}
