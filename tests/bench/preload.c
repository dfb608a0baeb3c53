/*
 * preload - put complaint events on streams as fast as Redis takes them.
 *
 *   preload -s SOCKET -n EVENTS [-S STREAMS] [-w] [-o OFFSET_MS] [-r RATE]
 *           [-p PREFIX] [-t TIER] [-f]
 *
 * Each event opens a complaint PREFIX + number; -w makes it a walk instead:
 * four events a complaint. The streams are complaints, or complaints.0 … with
 * -S above 1. With -r the entries' ids lie 1/RATE s apart, the first one
 * OFFSET_MS from now (negative: in the past), so that deadlines do too. Events
 * are JSON envelopes of some 300 bytes, or flat fields with -f.
 */

#include "tests/bench/limit.h"

#include <hiredis/hiredis.h>

#define PIPELINE 512

static const char *sock, *prefix = "c", *tier = "mid";
static long events_n, streams_n = 1, offset_ms, rate;
static bool walk, flat;

struct one {
	char stream[32], id[40], complaint[40], event_id[24];
	const char *event, *stage;
};

static const char summary[] =
    "Card charged twice at the counter; caller asks for a call back after "
    "six, \xe8\xaf\xb7\xe5\x9b\x9e\xe7\x94\xb5";

static void
send_json(redisContext *c, const struct one *o, long no)
{
	char json[640];
	int n;

	n = snprintf(json, sizeof(json),
	    "{\"event\":\"%s\",\"event_id\":\"%s\",\"source\":\"bench\","
	    "\"complaint_id\":\"%s\",",
	    o->event, o->event_id, o->complaint);
	if (o->stage == NULL)
		n += snprintf(json + n, sizeof(json) - (size_t)n,
		    "\"customer\":{\"phone\":\"+86138%08ld\",\"ref\":"
		    "\"cust-%07ld\"},\"category\":\"billing\",\"tier\":\"%s\","
		    "\"channel\":\"phone\",\"owner\":\"agent-%02ld\","
		    "\"summary\":\"%s\"}",
		    no % 100000000, no % 10000000, tier, no % 97, summary);
	else
		n += snprintf(json + n, sizeof(json) - (size_t)n,
		    "\"stage\":\"%s\",\"root_cause\":\"terminal\",\"action\":"
		    "\"refund\",\"note\":\"%s\"}",
		    o->stage, summary);
	redisAppendCommand(
	    c, "XADD %s %s json %b", o->stream, o->id, json, (size_t)n);
}

static void
send_flat(redisContext *c, const struct one *o, long no)
{
	if (o->stage == NULL)
		redisAppendCommand(c,
		    "XADD %s %s event %s event_id %s source bench complaint_id "
		    "%s customer.phone +86138%08ld category billing tier %s "
		    "channel phone owner agent-%02ld summary %s",
		    o->stream, o->id, o->event, o->event_id, o->complaint,
		    no % 100000000, tier, no % 97, summary);
	else
		redisAppendCommand(c,
		    "XADD %s %s event %s event_id %s source bench complaint_id "
		    "%s stage %s root_cause terminal action refund",
		    o->stream, o->id, o->event, o->event_id, o->complaint,
		    o->stage);
}

static void
drain(redisContext *c, size_t n)
{
	while (n-- > 0) {
		redisReply *r = NULL;

		if (redisGetReply(c, (void **)&r) != REDIS_OK)
			die("redis: %s", c->errstr);
		if (r->type == REDIS_REPLY_ERROR)
			die("redis: %s", r->str);
		freeReplyObject(r);
	}
}

static int64_t
wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
make(struct one *o, long i, int64_t base)
{
	static const char *const stages[] = { NULL, "listen", "apologize",
		"resolve" };
	/* a walk: all openings first, then all of each stage */
	long per = walk ? events_n / 4 : events_n;
	long no = i % (per > 0 ? per : 1), step = walk ? i / per : 0;

	o->stage = stages[step > 3 ? 3 : step];
	o->event = o->stage == NULL ? "complaint.opened" : "stage.completed";
	snprintf(o->complaint, sizeof(o->complaint), "%s%09ld", prefix, no);
	snprintf(o->event_id, sizeof(o->event_id), "e%ld", i);
	if (streams_n > 1)
		snprintf(o->stream, sizeof(o->stream), "complaints.%ld",
		    no % streams_n);
	else
		snprintf(o->stream, sizeof(o->stream), "complaints");
	if (rate > 0)
		snprintf(o->id, sizeof(o->id), "%" PRId64 "-%ld",
		    base + i * 1000 / rate, i + 1);
	else
		snprintf(o->id, sizeof(o->id), "*");
}

static void
options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "s:n:S:o:r:p:t:wf")) != -1) {
		if (o == 's')
			sock = optarg;
		else if (o == 'n')
			events_n = atol(optarg);
		else if (o == 'S')
			streams_n = atol(optarg);
		else if (o == 'o')
			offset_ms = atol(optarg);
		else if (o == 'r')
			rate = atol(optarg);
		else if (o == 'p')
			prefix = optarg;
		else if (o == 't')
			tier = optarg;
		else if (o == 'w')
			walk = true;
		else if (o == 'f')
			flat = true;
		else
			die("see the head of tests/bench/preload.c");
	}
	if (sock == NULL || events_n < 1 || streams_n < 1)
		die("preload: needs -s SOCKET and -n EVENTS");
}

int
main(int argc, char **argv)
{
	redisContext *c;
	size_t waiting = 0;
	int64_t t0, base;

	options(argc, argv);
	c = redisConnectUnix(sock);
	if (c == NULL || c->err != 0)
		die("redis: %s", c != NULL ? c->errstr : "no memory");
	t0 = now_ns();
	base = wall_ms() + offset_ms;
	for (long i = 0; i < events_n; i++) {
		struct one o;

		make(&o, i, base);
		if (flat)
			send_flat(c, &o, i);
		else
			send_json(c, &o, i);
		if (++waiting == PIPELINE) {
			drain(c, waiting);
			waiting = 0;
		}
	}
	drain(c, waiting);
	printf("n=%ld seconds=%.2f\n", events_n, (double)(now_ns() - t0) / 1e9);
	redisFree(c);
	return 0;
}
