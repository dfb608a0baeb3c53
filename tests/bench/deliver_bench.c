/*
 * deliver_bench - deliveries per second of lib/deliver alone: no Redis, no
 * records. Stands beside a bare curl_multi + libevent program.
 *
 *   deliver_bench [-n DELIVERIES] [-c IN-FLIGHT] URL
 *
 * The host of the URL is a number (no resolver); private addresses are allowed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <curl/urlapi.h>
#include <event2/event.h>

#include "deliver/deliver.h"

#define BODY_BYTES 600

struct bench {
	struct event_base *base;
	struct am_deliver *deliver;
	long total, started, ended, failed;
	double *took; /* ms, by order of ending */
	char body[BODY_BYTES + 1];
};

struct job {
	struct bench *bench;
	double since;
};

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static am_ms
wall(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (am_ms)tv.tv_sec * AM_SECOND + tv.tv_usec / 1000;
}

static void
fill(struct bench *b)
{
	int n = snprintf(b->body, sizeof(b->body),
	    "{\"type\":\"followup.lapse\",\"timestamp\":"
	    "\"2026-11-21T17:30:00Z\",\"data\":{\"complaint\":\"c%09ld\","
	    "\"message\":\"",
	    b->started);

	memset(b->body + n, 'x', (size_t)(BODY_BYTES - 3 - n));
	memcpy(b->body + BODY_BYTES - 3, "\"}}", 4);
}

static void on_sent(void *arg, const struct am_send_result *r);

static void
launch(struct bench *b, struct job *j)
{
	char id[40];
	am_ms again, now = wall();

	if (b->started >= b->total)
		return;
	if (am_deliver_room(b->deliver, "sink", now, &again) == 0) {
		fprintf(stderr, "no room\n");
		exit(1);
	}
	fill(b);
	snprintf(id, sizeof(id), "msg%023ld", b->started++);
	j->since = seconds();
	am_deliver_send(b->deliver, "sink",
	    &(struct am_send_what){ .id = id, .body = { b->body, BODY_BYTES } },
	    now, on_sent, j);
}

static void
on_sent(void *arg, const struct am_send_result *r)
{
	struct job *j = arg;
	struct bench *b = j->bench;

	if (r->class != AM_SEND_OK && b->failed++ == 0)
		fprintf(
		    stderr, "first failure: %s, %s\n", r->reason, r->detail);
	b->took[b->ended++] = (seconds() - j->since) * 1e3;
	if (b->ended == b->total)
		event_base_loopbreak(b->base);
	else
		launch(b, j);
}

static int
up(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
endpoint_of(const char *url, uint32_t inflight, struct am_conf_endpoint *ep)
{
	CURLU *u = curl_url();
	char *host, *scheme;

	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
		fprintf(stderr, "%s is no URL\n", url);
		exit(2);
	}
	ep->name = "sink";
	ep->built = true;
	ep->url = url;
	ep->host = host;
	ep->scheme = scheme;
	ep->allow_http = true;
	ep->allow_net[0] = (struct am_cidr){ .family = AF_INET };
	ep->allow_net_n = 1;
	ep->secrets_n = 1;
	memcpy(ep->keys[0], "0123456789abcdef01234567", 24);
	ep->keys_n[0] = 24;
	ep->timeout = ep->connect_timeout = 10 * AM_SECOND;
	ep->inflight = inflight;
	ep->max_response_bytes = 4096;
	ep->ca_file = getenv("CA_FILE");
	curl_url_cleanup(u);
}

int
main(int argc, char **argv)
{
	struct bench b = { .total = 60000 };
	static struct am_conf_endpoint ep;
	const struct am_conf_endpoint *eps[] = { &ep };
	static struct am_conf conf = { .refs = 1, .endpoints_n = 1 };
	struct job *jobs;
	long c = 64;
	double t0, c0, t, used;
	int o;

	while ((o = getopt(argc, argv, "n:c:")) != -1) {
		if (o == 'n')
			b.total = atol(optarg);
		else if (o == 'c')
			c = atol(optarg);
		else
			return 2;
	}
	if (optind >= argc || b.total < 1 || c < 1) {
		fprintf(stderr, "usage: deliver_bench [-n N] [-c C] URL\n");
		return 2;
	}
	endpoint_of(argv[optind], (uint32_t)c, &ep);
	conf.endpoints = eps;
	b.base = event_base_new();
	b.deliver = am_deliver_new(b.base, NULL);
	b.took = calloc((size_t)b.total, sizeof(b.took[0]));
	jobs = calloc((size_t)c, sizeof(jobs[0]));
	am_deliver_configure(b.deliver, &conf, wall());
	t0 = seconds();
	c0 = cpu();
	for (long i = 0; i < c; i++) {
		jobs[i].bench = &b;
		launch(&b, &jobs[i]);
	}
	event_base_dispatch(b.base);
	t = seconds() - t0;
	used = cpu() - c0;
	qsort(b.took, (size_t)b.ended, sizeof(b.took[0]), up);
	printf("deliver c=%ld n=%ld failed=%ld rate=%.0f/s client_us=%.1f "
	       "p50=%.2fms p99=%.2fms\n",
	    c, b.ended, b.failed, (double)b.ended / t,
	    used * 1e6 / (double)b.ended, b.took[b.ended / 2],
	    b.took[b.ended * 99 / 100]);
	am_deliver_free(b.deliver);
	event_base_free(b.base);
	free(b.took);
	free(jobs);
	return b.failed != 0;
}
