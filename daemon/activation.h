#pragma once

/*
 * activation - listening sockets that systemd hands over (layer: daemon).
 *
 * sd_listen_fds(3): `http` stands in place of http.listen, `view` in place of
 * http.view. The name is the unit's FileDescriptorName; a single socket that
 * was given none is `http`. TCP and unix sockets, which must listen already.
 */

#include "amends/base.h"

enum am_activation_name {
	AM_ACTIVATION_HTTP,
	AM_ACTIVATION_VIEW,
	AM_ACTIVATION_N,
};

struct am_activation {
	int fd[AM_ACTIVATION_N]; /* -1: none was handed over */
};

/*
 * Take what there is, before anything else is started: no child inherits a
 * descriptor or the LISTEN_ variables. What has another name, comes twice or
 * does not listen is closed, with a log line. Without systemd: none.
 * Ownership: gives the sockets, which do not block.
 */
void am_activation_take(struct am_activation *a);

/* Of all that is still there. */
void am_activation_close(struct am_activation *a);

/* Where a socket listens, as http.listen has it: "127.0.0.1:8480",
 * "[::1]:8480", "unix:///run/x.sock"; "unix:@abstract". */
void am_activation_address(int fd, char *out, size_t size);
