/*
 * listen - a socket file is stale when nobody answers on it: ECONNREFUSED and
 * nothing else. Any other answer leaves the file alone; a second daemon must
 * not take the first one's socket away. The file is 0600 until mode and group
 * are set, so there is no moment at which it is open to more.
 */
#include "ops/listen.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "log/log.h"

#define BACKLOG 128

AM_PRINTF(3, 4)
static int
fail(struct am_diag *diag, int rc, const char *fmt, ...)
{
	va_list ap;

	*diag = (struct am_diag){ .line = 0 };
	va_start(ap, fmt);
	vsnprintf(diag->text, sizeof(diag->text), fmt, ap);
	va_end(ap);
	return rc;
}

/* Remove what is left of a daemon that is no more. */
static int
stale_remove(
    const struct sockaddr_un *sun, const char *option, struct am_diag *diag)
{
	struct stat st;
	int fd, rc, err;

	if (lstat(sun->sun_path, &st) != 0)
		return 0; /* bind() says what is wrong, if anything is */
	if (!S_ISSOCK(st.st_mode))
		return fail(diag, -AM_EINVAL,
		    "%s is there and is no socket; move it away, or name "
		    "another path in %s",
		    sun->sun_path, option);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(diag, -AM_EIO, "socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	err = errno;
	close(fd);
	if (rc == 0 || err == EAGAIN)
		return fail(diag, -AM_ECONFLICT,
		    "another daemon answers on %s; stop it, or name another "
		    "path in %s",
		    sun->sun_path, option);
	if (err != ECONNREFUSED && err != ENOENT)
		return fail(
		    diag, -AM_EIO, "%s: %s", sun->sun_path, strerror(err));
	if (unlink(sun->sun_path) != 0 && errno != ENOENT)
		return fail(diag, -AM_EIO,
		    "cannot remove the stale socket %s: %s", sun->sun_path,
		    strerror(errno));
	return 0;
}

int
am_listen_open(struct am_listen *l, const char *option, const char *path,
    struct am_diag *diag)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(sun.sun_path))
		return fail(diag, -AM_EINVAL,
		    "%s has %zu bytes; a socket's path has at most %zu", option,
		    strlen(path), sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	rc = stale_remove(&sun, option, diag);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(diag, -AM_EIO, "socket: %s", strerror(errno));
	mask = umask(0177);
	rc = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	umask(mask);
	if (rc != 0 || stat(path, &st) != 0 || listen(fd, BACKLOG) != 0) {
		rc = fail(diag, errno == EADDRINUSE ? -AM_ECONFLICT : -AM_EIO,
		    "cannot listen on %s: %s; its directory must be there "
		    "and ours to write",
		    path, strerror(errno));
		close(fd);
		return rc;
	}
	l->fd = fd;
	memcpy(l->path, sun.sun_path, sizeof(l->path));
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

void
am_listen_permit(struct am_listen *l, unsigned mode, const char *group)
{
	const struct group *gr = group != NULL ? getgrnam(group) : NULL;
	struct stat st;

	/* the unit's sandbox refuses even a chown that changes nothing */
	if (gr != NULL && stat(l->path, &st) == 0 && st.st_gid == gr->gr_gid)
		gr = NULL;
	/* group first: the mode opens the file to whatever group it has */
	if (gr != NULL && chown(l->path, (uid_t)-1, gr->gr_gid) != 0)
		am_log_warn("ctl_chgrp_failed", "path=%s group=%s reason=%s",
		    am_log_val(am_str_c(l->path)), am_log_val(am_str_c(group)),
		    am_log_val(am_str_c(strerror(errno))));
	if (chmod(l->path, mode & 0777) != 0)
		am_log_warn("ctl_chmod_failed", "path=%s reason=%s",
		    am_log_val(am_str_c(l->path)),
		    am_log_val(am_str_c(strerror(errno))));
}

void
am_listen_remove(const struct am_listen *l)
{
	struct stat st;

	if (stat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->path);
}

void
am_listen_close(struct am_listen *l)
{
	am_listen_remove(l);
	close(l->fd);
	l->fd = -1;
}
