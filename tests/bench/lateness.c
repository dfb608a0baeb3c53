/*
 * lateness - how late follow-ups are in the outbox, read from the feed.
 *
 *   lateness -s SOCKET -n FOLLOWUPS [-w SECONDS]
 *
 * Follows `{complaints}:feed` from its end on. An entry's id is Redis's own
 * time of the commit, so what is measured is due to committed; a reader in C
 * takes next to nothing of the processors that it measures. Prints n, p50, p99
 * and max in milliseconds.
 */

#include "tests/bench/limit.h"

#include <hiredis/hiredis.h>

#define FEED "{complaints}:feed"

static int64_t *late;
static long want, have;

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The value of a name in a flat list of pairs, or NULL. */
static const char *
value(const redisReply *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < pairs->elements; i += 2)
		if (strcmp(pairs->element[i]->str, name) == 0)
			return pairs->element[i + 1]->str;
	return NULL;
}

static void
take(const redisReply *entry)
{
	const char *line = value(entry->element[1], "line");

	while (line != NULL && have < want &&
	       (line = strstr(line, "\"n\":\"followup.queued\"")) != NULL) {
		const char *due = strstr(line, "\"due_at\":\"");

		if (due == NULL)
			return;
		late[have++] = atoll(entry->element[0]->str) - atoll(due + 10);
		line = due;
	}
}

static redisReply *
ask(redisContext *c, const char *fmt, const char *arg)
{
	redisReply *r = redisCommand(c, fmt, arg);

	if (r == NULL || r->type == REDIS_REPLY_ERROR)
		die("redis: %s", r != NULL ? r->str : c->errstr);
	return r;
}

/* Start behind what is there already. */
static void
find_end(redisContext *c, char last[64])
{
	redisReply *r = ask(c, "XREVRANGE %s + - COUNT 1", FEED);

	snprintf(last, 64, "%s",
	    r->elements > 0 ? r->element[0]->element[0]->str : "0-0");
	freeReplyObject(r);
}

static void
follow(redisContext *c, int64_t until)
{
	char last[64];

	find_end(c, last);
	while (have < want && now_ns() < until) {
		struct timespec pause = { 0, 50000000 };
		redisReply *r, *list;

		r = ask(
		    c, "XREAD COUNT 5000 BLOCK 500 STREAMS " FEED " %s", last);
		if (r->type == REDIS_REPLY_ARRAY) {
			list = r->element[0]->element[1];
			for (size_t i = 0; i < list->elements; i++)
				take(list->element[i]);
			snprintf(last, sizeof(last), "%s",
			    list->element[list->elements - 1]->element[0]->str);
		}
		freeReplyObject(r);
		nanosleep(&pause, NULL); /* few big reads, not many small */
	}
}

int
main(int argc, char **argv)
{
	const char *sock = NULL;
	long seconds = 60;
	redisContext *c;
	int o;

	while ((o = getopt(argc, argv, "s:n:w:")) != -1) {
		if (o == 's')
			sock = optarg;
		else if (o == 'n')
			want = atol(optarg);
		else if (o == 'w')
			seconds = atol(optarg);
	}
	if (sock == NULL || want < 1)
		die("lateness: needs -s SOCKET and -n FOLLOWUPS");
	late = calloc((size_t)want, sizeof(*late));
	c = redisConnectUnix(sock);
	if (late == NULL || c == NULL || c->err != 0)
		die("lateness: %s", c != NULL ? c->errstr : "no memory");
	follow(c, now_ns() + seconds * 1000000000);
	if (have == 0)
		die("lateness: no follow-up was queued");
	qsort(late, (size_t)have, sizeof(*late), by_size);
	printf("n=%ld p50=%" PRId64 " p99=%" PRId64 " max=%" PRId64 "\n", have,
	    late[have / 2], late[have * 99 / 100], late[have - 1]);
	redisFree(c);
	free(late);
	return 0;
}
