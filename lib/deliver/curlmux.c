/*
 * curlmux - curl_multi_socket_action() driven by libevent.
 *
 * Sockets are made and closed here, so a watch lives as long as its socket and
 * not as long as a transfer: when libcurl lets go of a kept connection, its
 * read event stays armed and is taken out only if it fires with nobody waiting
 * for it. That saves two epoll_ctl() a transfer against the usual adapter,
 * which makes and frees an event for each change. A finished transfer is
 * reported after libcurl has returned, never from inside one of its callbacks.
 */

#include "deliver/curlmux.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>

struct watch {
	struct am_curlmux *mux;
	struct event rd, wr;
	bool rd_armed, wr_armed;
	int want; /* CURL_POLL_* of the running transfer, 0: idle */
};

struct am_curlmux {
	CURLM *multi;
	struct event_base *base;
	struct event *timer;
	struct watch **watches; /* by descriptor */
	size_t watches_n;
	bool reporting;
};

static void
report(struct am_curlmux *m)
{
	CURLMsg *msg;
	int left;

	if (m->reporting)
		return;
	m->reporting = true;
	while ((msg = curl_multi_info_read(m->multi, &left)) != NULL) {
		CURLcode rc = msg->data.result; /* msg ends with the removal */
		struct am_curlmux_job *job = NULL;

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &job);
		am_curlmux_stop(job);
		job->done(job, rc);
	}
	m->reporting = false;
}

static void
act(struct am_curlmux *m, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(m->multi, fd, what, &running);
	report(m);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)what;
	if ((w->want & CURL_POLL_IN) == 0) {
		event_del(&w->rd);
		w->rd_armed = false;
		return;
	}
	act(w->mux, fd, CURL_CSELECT_IN);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)what;
	act(w->mux, fd, CURL_CSELECT_OUT);
}

static struct watch *
watch_of(struct am_curlmux *m, curl_socket_t fd)
{
	size_t at = (size_t)fd;
	struct watch *w;

	if (at >= m->watches_n) {
		size_t n = at + 64;

		m->watches = realloc(m->watches, n * sizeof(m->watches[0]));
		AM_ASSERT(m->watches != NULL);
		memset(m->watches + m->watches_n, 0,
		    (n - m->watches_n) * sizeof(m->watches[0]));
		m->watches_n = n;
	}
	if (m->watches[at] != NULL)
		return m->watches[at];
	w = calloc(1, sizeof(*w));
	AM_ASSERT(w != NULL);
	w->mux = m;
	event_assign(&w->rd, m->base, fd, EV_READ | EV_PERSIST, on_readable, w);
	event_assign(
	    &w->wr, m->base, fd, EV_WRITE | EV_PERSIST, on_writable, w);
	m->watches[at] = w;
	return w;
}

static void
watch_free(struct am_curlmux *m, curl_socket_t fd)
{
	struct watch *w;

	if ((size_t)fd >= m->watches_n || m->watches[fd] == NULL)
		return;
	w = m->watches[fd];
	m->watches[fd] = NULL;
	event_del(&w->rd);
	event_del(&w->wr);
	free(w);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sp)
{
	struct watch *w = watch_of(arg, fd);
	bool in = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
	bool out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
	struct am_curlmux_job *job = NULL;

	(void)sp;
	/* while it connects, only writing is waited for; libcurl's own times
	 * do not tell a stalled TLS handshake from a stalled connect */
	if (in && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &job) == CURLE_OK)
		job->connected = true;
	w->want = (in ? CURL_POLL_IN : 0) | (out ? CURL_POLL_OUT : 0);
	if (in && !w->rd_armed) {
		event_add(&w->rd, NULL);
		w->rd_armed = true;
	}
	if (out && !w->wr_armed)
		event_add(&w->wr, NULL);
	else if (!out && w->wr_armed)
		event_del(&w->wr);
	w->wr_armed = out;
	return 0;
}

static int
on_timeout_change(CURLM *multi, long ms, void *arg)
{
	struct am_curlmux *m = arg;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)multi;
	if (ms < 0)
		evtimer_del(m->timer);
	else
		evtimer_add(m->timer, &tv);
	return 0;
}

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct am_curlmux_job *job = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || !job->vet(job, &a->addr))
		return CURL_SOCKET_BAD;
	return socket(
	    a->family, a->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->protocol);
}

static int
on_close(void *arg, curl_socket_t fd)
{
	watch_free(arg, fd);
	return close(fd);
}

struct am_curlmux *
am_curlmux_new(struct event_base *base)
{
	struct am_curlmux *m = calloc(1, sizeof(*m));

	AM_ASSERT(m != NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	m->base = base;
	m->timer = evtimer_new(base, on_timer, m);
	m->multi = curl_multi_init();
	AM_ASSERT(m->timer != NULL && m->multi != NULL);
	curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
	curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(m->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return m;
}

void
am_curlmux_free(struct am_curlmux *m)
{
	if (m == NULL)
		return;
	AM_ASSERT(!m->reporting);
	curl_multi_cleanup(m->multi); /* closes what is kept, by on_close */
	for (size_t i = 0; i < m->watches_n; i++)
		watch_free(m, (curl_socket_t)i);
	event_free(m->timer);
	free(m->watches);
	free(m);
	curl_global_cleanup();
}

void
am_curlmux_keep(struct am_curlmux *m, unsigned connections)
{
	curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)connections);
}

void
am_curlmux_job_init(struct am_curlmux_job *job, struct am_curlmux *m,
    am_curlmux_done *done, am_curlmux_vet *vet)
{
	job->easy = curl_easy_init();
	AM_ASSERT(job->easy != NULL);
	job->mux = m;
	job->done = done;
	job->vet = vet;
	job->running = false;
	curl_easy_setopt(job->easy, CURLOPT_PRIVATE, job);
	curl_easy_setopt(job->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(job->easy, CURLOPT_OPENSOCKETDATA, job);
	/* a kept connection outlives the job that opened it */
	curl_easy_setopt(job->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(job->easy, CURLOPT_CLOSESOCKETDATA, m);
}

void
am_curlmux_job_fini(struct am_curlmux_job *job)
{
	am_curlmux_stop(job);
	curl_easy_cleanup(job->easy);
	job->easy = NULL;
}

int
am_curlmux_start(struct am_curlmux_job *job)
{
	AM_ASSERT(!job->running);
	job->connected = false;
	if (curl_multi_add_handle(job->mux->multi, job->easy) != CURLM_OK)
		return -AM_EIO;
	job->running = true;
	return 0;
}

void
am_curlmux_stop(struct am_curlmux_job *job)
{
	if (!job->running)
		return;
	job->running = false;
	curl_multi_remove_handle(job->mux->multi, job->easy);
}
