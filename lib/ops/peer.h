#pragma once

/*
 * peer - who is at the other end of the status socket (layer: ops).
 *
 * Names become numbers when the lists are set, so that a connect asks no name
 * service on the event loop.
 */

#include <sys/types.h>

#include "ops/ctl.h"

#define AM_ACL_MAX 128

/* Users and groups, by number. */
struct am_acl {
	uid_t uids[AM_ACL_MAX];
	gid_t gids[AM_ACL_MAX];
	size_t uids_n, gids_n;
};

struct am_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	gid_t *groups; /* supplementary; owns, free() */
	size_t groups_n;
};

/* A name is a user, a group, or both; digits are a uid. Unknown ones are
 * logged and let nobody in. */
void am_acl_set(struct am_acl *acl, const char *const *names, size_t n);

/* Credentials of a connected AF_UNIX socket. -AM_EIO. */
AM_MUSTCHECK int am_peer_read(int fd, struct am_peer *peer);
void am_peer_fini(struct am_peer *peer);

/* What the peer may do. Root and `self`, the daemon's own user, may all. */
enum am_ctl_level am_peer_level(const struct am_acl *view,
    const struct am_acl *operate, uid_t self, const struct am_peer *peer);
