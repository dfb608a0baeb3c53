/*
 * poster - many senders of POST /v1/events at once, one request a connection.
 *
 *     poster PORT TOKEN CONNECTIONS RATE SECONDS FILE
 *
 * RATE requests a second, 0: as many as CONNECTIONS take. With a rate a request
 * is due at its instant, and what it waited for a connection counts to its
 * time. Event ids are L-PID-0, L-PID-1 …; those that were answered 202 are
 * written to FILE, a line each. A JSON object out: answers by status (0: none
 * came), and times in us.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TIMES_MAX 4000000

struct sender {
	int fd; /* -1: free */
	uint64_t no;
	int64_t since;
	char text[1024];
	size_t n, sent;
	char answer[64];
	size_t got;
};

static struct {
	struct sockaddr_in to;
	const char *token;
	int ep;
	struct sender *v;
	size_t n;
	uint64_t next;
	uint64_t statuses[600];
	uint32_t *times;
	size_t times_n;
	FILE *taken;
} p;

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
end(struct sender *s)
{
	unsigned status = 0;

	if (s->got > 12)
		status = (unsigned)atoi(s->answer + 9);
	if (status >= 600)
		status = 0;
	p.statuses[status]++;
	if (status == 202)
		fprintf(p.taken, "L-%d-%llu\n", (int)getpid(),
		    (unsigned long long)s->no);
	if (p.times_n < TIMES_MAX)
		p.times[p.times_n++] = (uint32_t)(now_us() - s->since);
	close(s->fd);
	s->fd = -1;
}

static void
start(struct sender *s, int64_t due)
{
	struct epoll_event e = { .events = EPOLLOUT, .data.ptr = s };
	char body[512];
	int n;

	s->no = p.next++;
	s->since = due;
	s->got = s->sent = 0;
	n = snprintf(body, sizeof(body),
	    "{\"event\":\"complaint.opened\",\"event_id\":\"L-%d-%llu\","
	    "\"customer\":{\"phone\":\"+8613800138000\"},\"category\":"
	    "\"billing\",\"summary\":\"charged twice for one order\"}",
	    (int)getpid(), (unsigned long long)s->no);
	s->n = (size_t)snprintf(s->text, sizeof(s->text),
	    "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s"
	    "\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	    "%s",
	    p.token, n, body);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->fd < 0 ||
	    (connect(s->fd, (struct sockaddr *)&p.to, sizeof(p.to)) != 0 &&
		errno != EINPROGRESS)) {
		end(s);
		return;
	}
	epoll_ctl(p.ep, EPOLL_CTL_ADD, s->fd, &e);
}

static void
turn(struct sender *s)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };
	char rest[1024];
	ssize_t n;

	if (s->sent < s->n) {
		n = send(
		    s->fd, s->text + s->sent, s->n - s->sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			end(s);
			return;
		}
		s->sent += n > 0 ? (size_t)n : 0;
		if (s->sent == s->n)
			epoll_ctl(p.ep, EPOLL_CTL_MOD, s->fd, &e);
		return;
	}
	n = recv(s->fd, rest, sizeof(rest), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(s);
		return;
	}
	for (ssize_t i = 0; i < n && s->got + 1 < sizeof(s->answer); i++)
		s->answer[s->got++] = rest[i];
	s->answer[s->got] = '\0';
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
say(int64_t took_us)
{
	const char *sep = "";

	qsort(p.times, p.times_n, sizeof(*p.times), by_value);
	printf("{\"statuses\":{");
	for (unsigned i = 0; i < 600; i++)
		if (p.statuses[i] > 0) {
			printf("%s\"%u\":%llu", sep, i,
			    (unsigned long long)p.statuses[i]);
			sep = ",";
		}
	printf("},\"n\":%zu,\"took_us\":%lld", p.times_n, (long long)took_us);
	if (p.times_n > 0)
		printf(",\"p50\":%u,\"p99\":%u,\"max\":%u",
		    p.times[p.times_n / 2], p.times[p.times_n * 99 / 100],
		    p.times[p.times_n - 1]);
	printf("}\n");
}

/* Requests that are due, as far as there are connections; how many are open. */
static size_t
fill(int64_t t0, int64_t until, double rate)
{
	size_t open = 0;

	for (size_t i = 0; i < p.n; i++) {
		int64_t now = now_us(), due = now;

		if (rate > 0)
			due = t0 + (int64_t)((double)p.next * 1e6 / rate);
		if (p.v[i].fd < 0 && due <= now && due < until)
			start(&p.v[i], due);
		open += p.v[i].fd >= 0;
	}
	return open;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256];
	int64_t t0, until, give_up;
	double rate;

	if (argc != 7) {
		fprintf(stderr, "usage: poster PORT TOKEN CONNECTIONS RATE "
				"SECONDS FILE\n");
		return 2;
	}
	p.to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	p.token = argv[2];
	p.n = (size_t)atoi(argv[3]);
	rate = atof(argv[4]);
	p.v = calloc(p.n, sizeof(*p.v));
	p.times = calloc(TIMES_MAX, sizeof(*p.times));
	p.taken = fopen(argv[6], "w");
	p.ep = epoll_create1(0);
	if (p.v == NULL || p.times == NULL || p.taken == NULL || p.ep < 0)
		return 1;
	for (size_t i = 0; i < p.n; i++)
		p.v[i].fd = -1;
	t0 = now_us();
	until = t0 + (int64_t)(atof(argv[5]) * 1e6);
	give_up = until + 15000000;
	while ((fill(t0, until, rate) > 0 || now_us() < until) &&
	       now_us() < give_up) {
		int n = epoll_wait(p.ep, events, 256, 1);

		for (int i = 0; i < n; i++)
			turn(events[i].data.ptr);
	}
	fclose(p.taken);
	say(now_us() - t0);
	return 0;
}
