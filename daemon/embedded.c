/*
 * embedded - so that trying amends needs no Redis administrator.
 *
 * The child gets SIGTERM from the kernel when we die (PR_SET_PDEATHSIG), so a
 * killed daemon leaves no server behind; the append-only file keeps the state.
 * A server that still lives in DIR (it is finishing its last write after our
 * predecessor was killed) is waited for: its socket must be free first.
 */

#include "daemon/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "core/backoff.h"
#include "log/log.h"

#define START_MS 10000

struct am_embedded {
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char real_dir[4096];
	pid_t pid;
	unsigned failures;
	struct event *child, *again;
};

static bool
answers(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return false;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	close(fd);
	return ok;
}

static void
run_server(const struct am_embedded *em, pid_t parent)
{
	int log;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	if (chdir(em->real_dir) != 0)
		_exit(1);
	log = open("redis.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (log >= 0) {
		dup2(log, 1);
		dup2(log, 2);
	}
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
	    em->socket, "--unixsocketperm", "700", "--dir", em->real_dir,
	    "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
	    "--maxmemory-policy", "noeviction", "--hash-max-listpack-value",
	    "1024", "--daemonize", "no", "--set-proc-title", "no",
	    (char *)NULL);
	_exit(127);
}

static int
spawn(struct am_embedded *em)
{
	pid_t parent = getpid();

	em->pid = fork();
	if (em->pid == 0)
		run_server(em, parent);
	return em->pid < 0 ? -AM_EIO : 0;
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct am_embedded *em = arg;

	(void)fd;
	(void)what;
	if (spawn(em) == 0)
		am_log_notice("redis_started", "pid=%d", (int)em->pid);
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	struct am_embedded *em = arg;
	int status;
	am_ms in;
	struct timeval tv;

	(void)fd;
	(void)what;
	if (em->pid <= 0 || waitpid(em->pid, &status, WNOHANG) != em->pid)
		return;
	em->pid = -1;
	in = am_backoff(200, 10000, em->failures++, (uint64_t)status);
	am_log_err("redis_ended", "status=%d reason=start_again_in_%dms",
	    status, (int)in);
	tv.tv_sec = in / 1000;
	tv.tv_usec = (in % 1000) * 1000;
	evtimer_add(em->again, &tv);
}

/* Poll until `want` holds; the event loop does not run yet. */
static bool
wait_socket(const struct am_embedded *em, bool want)
{
	for (int i = 0; i < START_MS / 10; i++) {
		if (answers(em->socket) == want)
			return true;
		if (want && em->pid > 0 && waitpid(em->pid, NULL, WNOHANG) != 0)
			return false;
		poll(NULL, 0, 10);
	}
	return false;
}

int
am_embedded_start(struct event_base *base, const char *dir,
    struct am_embedded **out, struct am_diag *diag)
{
	struct am_embedded *em = calloc(1, sizeof(*em));
	int n;

	AM_ASSERT(em != NULL);
	snprintf(diag->file, sizeof(diag->file), "%s", dir);
	if ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
	    realpath(dir, em->real_dir) == NULL) {
		snprintf(diag->text, sizeof(diag->text),
		    "cannot be used for the embedded Redis: %s; name a folder "
		    "that can be written to",
		    strerror(errno));
		goto fail;
	}
	n = snprintf(
	    em->socket, sizeof(em->socket), "%s/redis.sock", em->real_dir);
	if (n >= (int)sizeof(em->socket)) {
		snprintf(diag->text, sizeof(diag->text),
		    "is too long for a unix socket; use a shorter path");
		goto fail;
	}
	if (!wait_socket(em, false) || spawn(em) != 0 ||
	    !wait_socket(em, true)) {
		snprintf(diag->text, sizeof(diag->text),
		    "redis-server did not start there; see redis.log in it "
		    "(is redis-server installed?)");
		goto fail;
	}
	em->child = evsignal_new(base, SIGCHLD, on_child, em);
	em->again = evtimer_new(base, on_again, em);
	AM_ASSERT(em->child != NULL && em->again != NULL);
	evsignal_add(em->child, NULL);
	am_log_notice(
	    "redis_started", "pid=%d socket=%s", (int)em->pid, em->socket);
	*out = em;
	return 0;
fail:
	if (em->pid > 0) {
		kill(em->pid, SIGTERM);
		waitpid(em->pid, NULL, 0);
	}
	free(em);
	return -AM_EIO;
}

const char *
am_embedded_socket(const struct am_embedded *em)
{
	return em->socket;
}

void
am_embedded_stop(struct am_embedded *em)
{
	event_free(em->child);
	event_free(em->again);
	if (em->pid > 0) {
		kill(em->pid, SIGTERM);
		for (int i = 0; i < START_MS / 10; i++) {
			if (waitpid(em->pid, NULL, WNOHANG) != 0) {
				em->pid = -1;
				break;
			}
			poll(NULL, 0, 10);
		}
	}
	free(em);
}
