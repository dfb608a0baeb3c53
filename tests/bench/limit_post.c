/*
 * limit_post - how many signed webhooks a second curl_multi on libevent can
 * post when it keeps no record of anything.
 *
 *   limit_post [-n POSTS] [-c CONNECTIONS] [-B BODY_BYTES] [-C CA_FILE] URL
 *
 * Easy handles and connections are kept, every post has an id, a timestamp
 * and an HMAC-SHA256 of its own, as the deliveries of amendsd have.
 */

#include "tests/bench/limit.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static long posts_n = 60000, connections_n = 32, body_n = 600;
static const char *url, *ca_file;
static CURLM *multi;
static struct event_base *base;
static struct event *timer;
static long started, done, failed;

struct job {
	CURL *easy;
	struct curl_slist *headers;
	char *text; /* "ID.TIMESTAMP.BODY", what is signed */
	size_t head;
};

static size_t
discard(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static void
header(struct job *j, const char *name, const char *value)
{
	char line[256];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	j->headers = curl_slist_append(j->headers, line);
}

static void
launch(struct job *j)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char id[32], stamp[24], sig[128] = "v1,";
	unsigned mac_n = 0;
	int head;

	snprintf(id, sizeof(id), "%026ld", started);
	snprintf(stamp, sizeof(stamp), "%ld", (long)time(NULL));
	head = snprintf(j->text, 64, "%s.%s.", id, stamp);
	memset(j->text + head, 'x', (size_t)body_n);
	HMAC(EVP_sha256(), "amends limit program key", 24,
	    (unsigned char *)j->text, (size_t)(head + body_n), mac, &mac_n);
	EVP_EncodeBlock((unsigned char *)sig + 3, mac, (int)mac_n);
	curl_slist_free_all(j->headers);
	j->headers = curl_slist_append(NULL, "Expect:");
	header(j, "content-type", "application/json");
	header(j, "webhook-id", id);
	header(j, "webhook-timestamp", stamp);
	header(j, "webhook-signature", sig);
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers);
	curl_easy_setopt(j->easy, CURLOPT_POSTFIELDSIZE, body_n);
	curl_easy_setopt(j->easy, CURLOPT_POSTFIELDS, j->text + head);
	started++;
	curl_multi_add_handle(multi, j->easy);
}

static void
job_init(struct job *j)
{
	j->easy = curl_easy_init();
	j->text = malloc((size_t)body_n + 64);
	if (j->easy == NULL || j->text == NULL)
		die("no memory");
	curl_easy_setopt(j->easy, CURLOPT_URL, url);
	curl_easy_setopt(j->easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(j->easy, CURLOPT_PRIVATE, j);
	curl_easy_setopt(j->easy, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(j->easy, CURLOPT_NOSIGNAL, 1L);
	if (ca_file != NULL)
		curl_easy_setopt(j->easy, CURLOPT_CAINFO, ca_file);
}

static void
collect(void)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		CURL *easy = m->easy_handle;
		CURLcode rc = m->data.result;
		struct job *j = NULL;
		long status = 0;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&j);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (rc != CURLE_OK || status / 100 != 2)
			failed++;
		done++;
		curl_multi_remove_handle(multi, easy);
		if (started < posts_n)
			launch(j);
	}
	if (done >= posts_n)
		event_base_loopbreak(base);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	int running, act = 0;

	(void)arg;
	if (what & EV_READ)
		act |= CURL_CSELECT_IN;
	if (what & EV_WRITE)
		act |= CURL_CSELECT_OUT;
	curl_multi_socket_action(multi, fd, act, &running);
	collect();
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	int running;

	(void)fd;
	(void)what;
	(void)arg;
	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect();
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *was)
{
	struct event *ev = was;
	short want = EV_PERSIST;

	(void)easy;
	(void)arg;
	if (ev != NULL)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		want |= EV_READ;
	if (what & CURL_POLL_OUT)
		want |= EV_WRITE;
	ev = event_new(base, fd, want, on_socket, NULL);
	event_add(ev, NULL);
	curl_multi_assign(multi, fd, ev);
	return 0;
}

static int
watch_timer(CURLM *m, long ms, void *arg)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)m;
	(void)arg;
	if (ms < 0)
		evtimer_del(timer);
	else
		evtimer_add(timer, &tv);
	return 0;
}

static void
options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "n:c:B:C:")) != -1) {
		if (o == 'n')
			posts_n = atol(optarg);
		else if (o == 'c')
			connections_n = atol(optarg);
		else if (o == 'B')
			body_n = atol(optarg);
		else if (o == 'C')
			ca_file = optarg;
		else
			die("see the head of tests/bench/limit_post.c");
	}
	url = argv[optind];
	if (url == NULL || posts_n < 1 || connections_n < 1 || body_n < 1)
		die("limit_post: needs a URL");
}

int
main(int argc, char **argv)
{
	struct job *jobs;
	double cpu, seconds;
	int64_t t0;

	options(argc, argv);
	curl_global_init(CURL_GLOBAL_ALL);
	base = event_base_new();
	timer = evtimer_new(base, on_timer, NULL);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections_n);
	jobs = calloc((size_t)connections_n, sizeof(*jobs));
	if (jobs == NULL)
		die("no memory");
	t0 = now_ns();
	cpu = self_cpu();
	for (long i = 0; i < connections_n && started < posts_n; i++) {
		job_init(&jobs[i]);
		launch(&jobs[i]);
	}
	event_base_dispatch(base);
	seconds = (double)(now_ns() - t0) / 1e9;
	cpu = self_cpu() - cpu;
	printf("n=%ld failed=%ld rate=%.0f client_us=%.2f seconds=%.2f\n", done,
	    failed, (double)done / seconds, cpu * 1e6 / (double)done, seconds);
	for (long i = 0; i < connections_n; i++) {
		curl_easy_cleanup(jobs[i].easy);
		curl_slist_free_all(jobs[i].headers);
		free(jobs[i].text);
	}
	free(jobs);
	curl_multi_cleanup(multi);
	event_free(timer);
	event_base_free(base);
	return failed != 0;
}
