/*
 * peer - the kernel says who connects: SO_PEERCRED gives uid, gid and pid,
 * SO_PEERGROUPS the supplementary groups, which are what a file's mode is
 * judged by, too. getgrouplist(3) is the fall-back for kernels without it; it
 * asks the name service, which can stand still for seconds on a network.
 */
#include "ops/peer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "log/log.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define GROUPS_MAX 65536 /* the kernel's own limit */

void
am_acl_set(struct am_acl *acl, const char *const *names, size_t n)
{
	acl->uids_n = acl->gids_n = 0;
	for (size_t i = 0; i < n && i < AM_ACL_MAX; i++) {
		const struct passwd *pw = getpwnam(names[i]);
		const struct group *gr = getgrnam(names[i]);
		uint64_t uid;

		if (pw != NULL)
			acl->uids[acl->uids_n++] = pw->pw_uid;
		else if (am_str_u64(am_str_c(names[i]), &uid) == 0 &&
			 uid < UINT32_MAX)
			acl->uids[acl->uids_n++] = (uid_t)uid;
		else if (gr == NULL)
			am_log_warn("ctl_unknown_name",
			    "name=%s reason=\"no such user or group\"",
			    am_log_val(am_str_c(names[i])));
		if (gr != NULL)
			acl->gids[acl->gids_n++] = gr->gr_gid;
	}
}

static gid_t *
groups_alloc(size_t n)
{
	gid_t *g = calloc(n + 1, sizeof(*g));

	AM_ASSERT(g != NULL);
	return g;
}

/* By the kernel; false when it cannot say. */
static bool
groups_of_socket(int fd, struct am_peer *peer)
{
	socklen_t len = 0;
	gid_t *groups;

	/* the first call says how many there are */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) != 0 &&
	    errno != ERANGE)
		return false;
	if (len / sizeof(gid_t) > GROUPS_MAX)
		return false;
	groups = groups_alloc(len / sizeof(gid_t));
	if (len > 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0) {
		free(groups);
		return false;
	}
	peer->groups = groups;
	peer->groups_n = len / sizeof(gid_t);
	return true;
}

static void
groups_of_user(struct am_peer *peer)
{
	const struct passwd *pw = getpwuid(peer->uid);
	int n = 64;

	peer->groups = groups_alloc((size_t)n);
	peer->groups_n = 0;
	if (pw == NULL)
		return;
	if (getgrouplist(pw->pw_name, peer->gid, peer->groups, &n) < 0) {
		if (n < 0 || n > GROUPS_MAX)
			return;
		free(peer->groups);
		peer->groups = groups_alloc((size_t)n);
		if (getgrouplist(pw->pw_name, peer->gid, peer->groups, &n) < 0)
			return;
	}
	peer->groups_n = (size_t)n;
}

int
am_peer_read(int fd, struct am_peer *peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
	    len != sizeof(cred))
		return -AM_EIO;
	*peer = (struct am_peer){
		.uid = cred.uid,
		.gid = cred.gid,
		.pid = cred.pid,
	};
	if (!groups_of_socket(fd, peer))
		groups_of_user(peer);
	return 0;
}

void
am_peer_fini(struct am_peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	peer->groups_n = 0;
}

static bool
peer_has_group(const struct am_peer *peer, gid_t gid)
{
	if (peer->gid == gid)
		return true;
	for (size_t i = 0; i < peer->groups_n; i++) {
		if (peer->groups[i] == gid)
			return true;
	}
	return false;
}

static bool
acl_has(const struct am_acl *acl, const struct am_peer *peer)
{
	for (size_t i = 0; i < acl->uids_n; i++) {
		if (acl->uids[i] == peer->uid)
			return true;
	}
	for (size_t i = 0; i < acl->gids_n; i++) {
		if (peer_has_group(peer, acl->gids[i]))
			return true;
	}
	return false;
}

enum am_ctl_level
am_peer_level(const struct am_acl *view, const struct am_acl *operate,
    uid_t self, const struct am_peer *peer)
{
	if (peer->uid == 0 || peer->uid == self || acl_has(operate, peer))
		return AM_CTL_OPERATE;
	return acl_has(view, peer) ? AM_CTL_VIEW : AM_CTL_NONE;
}
