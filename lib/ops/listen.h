#pragma once

/*
 * listen - a listening AF_UNIX socket and its file (layer: ops).
 */

#include <sys/types.h>

#include <amends/base.h>

struct am_listen {
	int fd;
	char path[108];
	dev_t dev; /* of the file we made */
	ino_t ino;
};

/*
 * Make the socket, mode 0600 at first, non-blocking. A file that nobody
 * answers on is replaced. -AM_ECONFLICT, -AM_EINVAL, -AM_EIO with *diag, which
 * names the option that says path.
 */
AM_MUSTCHECK int am_listen_open(struct am_listen *l, const char *option,
    const char *path, struct am_diag *diag);
/* Mode and, when not NULL, the group (or the group of the user) of that name;
 * what is not permitted is logged. */
void am_listen_permit(struct am_listen *l, unsigned mode, const char *group);
/* The file, if it is still ours; somebody else closes the socket. */
void am_listen_remove(const struct am_listen *l);
/* Both. */
void am_listen_close(struct am_listen *l);
