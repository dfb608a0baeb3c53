/* activation - names for what LISTEN_FDS brings. */

#include "daemon/activation.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/str.h"
#include "log/log.h"

static const char *const names[AM_ACTIVATION_N] = { "http", "view" };

/* Nobody named it: systemd says the unit's name then, others say nothing. */
static bool
unnamed(const char *name)
{
	size_t n = strlen(name);

	return n == 0 || strcmp(name, "unknown") == 0 ||
	       (n > 7 && strcmp(name + n - 7, ".socket") == 0);
}

/* AM_ACTIVATION_N: it is none of ours. */
static size_t
which(const char *name, bool alone)
{
	for (size_t i = 0; i < AM_ACTIVATION_N; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return alone && unnamed(name) ? AM_ACTIVATION_HTTP : AM_ACTIVATION_N;
}

static bool
listens(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 && flags >= 0 &&
	       fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void
take(struct am_activation *a, int fd, const char *name, bool alone)
{
	size_t i = which(name, alone);
	const char *reason = NULL;

	if (i == AM_ACTIVATION_N)
		reason = "its name is neither http nor view";
	else if (a->fd[i] >= 0)
		reason = "there is one of that name; a name has one socket";
	else if (!listens(fd))
		reason = "it is no listening stream socket";
	if (reason == NULL) {
		a->fd[i] = fd;
		return;
	}
	am_log_warn("socket_unused", "fd=%d name=%s reason=%s", fd,
	    am_log_val(am_str_c(name)), am_log_val(am_str_c(reason)));
	close(fd);
}

void
am_activation_take(struct am_activation *a)
{
	char **said = NULL;
	int n;

	for (size_t i = 0; i < AM_ACTIVATION_N; i++)
		a->fd[i] = -1;
	/* sets FD_CLOEXEC on each, and takes the variables away */
	n = sd_listen_fds_with_names(1, &said);
	if (n < 0)
		am_log_warn("socket_unused", "reason=%s",
		    am_log_val(am_str_c(strerror(-n))));
	for (int i = 0; i < n; i++) {
		take(a, SD_LISTEN_FDS_START + i, said[i], n == 1);
		free(said[i]);
	}
	free(said);
}

void
am_activation_close(struct am_activation *a)
{
	for (size_t i = 0; i < AM_ACTIVATION_N; i++) {
		if (a->fd[i] >= 0)
			close(a->fd[i]);
		a->fd[i] = -1;
	}
}

static void
unix_address(
    const struct sockaddr_un *sun, socklen_t len, char *out, size_t size)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t n = len > head ? len - head : 0;
	const char *path = sun->sun_path;

	if (n > 0 && path[0] == '\0') /* abstract: of any bytes */
		snprintf(out, size, "unix:@%.*s", (int)n - 1, path + 1);
	else
		snprintf(out, size, "unix://%.*s", (int)strnlen(path, n), path);
}

void
am_activation_address(int fd, char *out, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_un sun;
		struct sockaddr_storage ss;
	} u = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof(u);
	char host[64], port[8];

	if (getsockname(fd, &u.any, &len) == 0 && u.any.sa_family == AF_UNIX)
		unix_address(&u.sun, len, out, size);
	else if (getnameinfo(&u.any, len, host, sizeof(host), port,
		     sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(out, size,
		    u.any.sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		    port);
	else
		snprintf(out, size, "fd:%d", fd);
}
