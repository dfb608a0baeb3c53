/*
 * journal_forms - where should journal lines live? Redis CPU and bytes a line
 * for each form, and the bytes of one plain complaint with its wake-up.
 *
 * Starts a private redis-server on a unix socket and ends it. Lines are as long
 * as ours and come as ours do: 128 complaints a transaction, a line of each,
 * four rounds, so that a complaint's lines are written far apart.
 *
 *   journal_forms [COMPLAINTS]      default 50000, four lines each
 */
#include "limit.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/wait.h>

#define LINES 4
#define LINE_BYTES 250
#define BATCH 128

static redisContext *c;
static char dir[80];
static long complaints = 50000;

static redisReply *
one(const char *fmt, ...)
{
	va_list ap;
	redisReply *r;

	va_start(ap, fmt);
	r = redisvCommand(c, fmt, ap);
	va_end(ap);
	if (r == NULL || r->type == REDIS_REPLY_ERROR)
		die("redis: %s", r != NULL ? r->str : c->errstr);
	return r;
}

static double
info(const char *section, const char *name)
{
	redisReply *r = one("INFO %s", section);
	const char *at = strstr(r->str, name);
	double v = at != NULL ? strtod(at + strlen(name) + 1, NULL) : 0;

	freeReplyObject(r);
	return v;
}

static double
redis_cpu(void)
{
	return info("cpu", "used_cpu_user") + info("cpu", "used_cpu_sys");
}

static void
drain(long n)
{
	for (long i = 0; i < n; i++) {
		redisReply *r;

		if (redisGetReply(c, (void **)&r) != REDIS_OK ||
		    r->type == REDIS_REPLY_ERROR)
			die("redis: %s", c->errstr);
		freeReplyObject(r);
	}
}

enum form { NOTHING, LIST, STRING, HASH_OF_ONE, HASH, STREAM, FORMS };

static const char *const names[] = { "nothing", "list-per-complaint",
	"string-per-complaint", "hash-per-complaint", "hash-per-shard",
	"stream-per-shard" };

static void
add_line(enum form form, long id, int seq, const char *line)
{
	switch (form) {
	case LIST:
		redisAppendCommand(
		    c, "RPUSH {s}:log:complaint-%06ld %s", id, line);
		break;
	case STRING:
		redisAppendCommand(
		    c, "APPEND {s}:log:complaint-%06ld %s\n", id, line);
		break;
	case HASH_OF_ONE:
		redisAppendCommand(
		    c, "HSET {s}:log:complaint-%06ld %d %s", id, seq, line);
		break;
	case HASH:
		redisAppendCommand(
		    c, "HSET {s}:log complaint-%06ld:%d %s", id, seq, line);
		break;
	case STREAM:
		redisAppendCommand(
		    c, "XADD {s}:log * c complaint-%06ld l %s", id, line);
		break;
	case NOTHING:
	case FORMS:
		redisAppendCommand(c, "PING");
		break;
	}
}

static void
write_all(enum form form)
{
	char line[LINE_BYTES + 1];

	for (int seq = 1; seq <= LINES; seq++)
		for (long id = 0; id < complaints; id += BATCH) {
			long n =
			    complaints - id < BATCH ? complaints - id : BATCH;

			redisAppendCommand(c, "MULTI");
			for (long i = 0; i < n; i++) {
				memset(line, 'j', LINE_BYTES);
				line[LINE_BYTES] = '\0';
				snprintf(line, sizeof line,
				    "{\"seq\":%d,\"id\":%ld,", seq, id + i);
				line[strlen(line)] = 'j';
				add_line(form, id + i, seq, line);
			}
			redisAppendCommand(c, "EXEC");
			drain(n + 2);
		}
}

/* Read 10,000 journals whole; only the forms that can. */
static double
read_some(enum form form)
{
	long n = complaints < 10000 ? complaints : 10000;
	double cpu = redis_cpu();

	for (long i = 0; i < n; i++) {
		long id = i * 7919 % complaints;

		if (form == LIST)
			redisAppendCommand(
			    c, "LRANGE {s}:log:complaint-%06ld 0 -1", id);
		else if (form == STRING)
			redisAppendCommand(
			    c, "GET {s}:log:complaint-%06ld", id);
		else if (form == HASH_OF_ONE)
			redisAppendCommand(
			    c, "HGETALL {s}:log:complaint-%06ld", id);
		else if (form == HASH)
			redisAppendCommand(c,
			    "HMGET {s}:log complaint-%06ld:1 complaint-%06ld:2 "
			    "complaint-%06ld:3 complaint-%06ld:4",
			    id, id, id, id);
		else
			return 0;
		if (i % 100 == 99 || i + 1 == n)
			drain(i % 100 + 1);
	}
	return (redis_cpu() - cpu) * 1e6 / (double)n;
}

static double
measure(enum form form, double floor)
{
	double bytes, cpu, us;

	freeReplyObject(one("FLUSHALL"));
	bytes = info("memory", "used_memory");
	cpu = redis_cpu();
	write_all(form);
	us = (redis_cpu() - cpu) * 1e6 / (double)(complaints * LINES);
	bytes = info("memory", "used_memory") - bytes;
	printf("journal form=%s lines=%ld redis_us=%.2f net_us=%.2f "
	       "bytes_a_line=%.0f read_us=%.2f\n",
	    names[form], complaints * LINES, us, us - floor,
	    bytes / (double)(complaints * LINES), read_some(form));
	fflush(stdout);
	return us;
}

/* One plain complaint: 16-byte id, packed record, wake-up. */
static void
measure_complaint(size_t record)
{
	char packed[512];
	long n = complaints * LINES;
	double bytes, keys;

	freeReplyObject(one("FLUSHALL"));
	bytes = info("memory", "used_memory");
	memset(packed, 7, sizeof packed);
	for (long i = 0; i < n; i++) {
		redisAppendCommand(c, "SET {complaints}:c:complaint-%06ld %b",
		    i, packed, record);
		if (i % 500 == 499 || i + 1 == n)
			drain(i % 500 + 1);
	}
	keys = info("memory", "used_memory") - bytes;
	for (long i = 0; i < n; i++) {
		redisAppendCommand(c,
		    "ZADD {complaints}:wake %ld complaint-%06ld",
		    1795000000000 + i * 37 % 3600000, i);
		if (i % 500 == 499 || i + 1 == n)
			drain(i % 500 + 1);
	}
	bytes = info("memory", "used_memory") - bytes;
	printf("complaint n=%ld record=%zu bytes=%.0f of_it_wake=%.0f\n", n,
	    record, bytes / (double)n, (bytes - keys) / (double)n);
}

static pid_t
server_start(void)
{
	const char *tmp = getenv("TMPDIR");
	char sock[100];
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/journal-forms-XXXXXX",
	    tmp != NULL ? tmp : P_tmpdir);
	if (mkdtemp(dir) == NULL)
		die("no folder for the server");
	snprintf(sock, sizeof sock, "%s/r.sock", dir);
	pid = fork();
	if (pid == 0) {
		if (chdir(dir) != 0 ||
		    freopen("/dev/null", "w", stdout) == NULL)
			_exit(127);
		execlp("redis-server", "redis-server", "--port", "0", "--save",
		    "", "--unixsocket", "r.sock", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 1000; i++) {
		c = redisConnectUnix(sock);
		if (c != NULL && c->err == 0)
			return pid;
		redisFree(c);
		usleep(5000);
	}
	die("no redis-server");
}

int
main(int argc, char **argv)
{
	pid_t pid;
	double floor;
	char cmd[120];

	if (argc > 1)
		complaints = strtol(argv[1], NULL, 10);
	if (complaints < 1)
		die("usage: journal_forms [COMPLAINTS]");
	pid = server_start();
	floor =
	    measure(NOTHING, 0); /* what a command costs that does nothing */
	for (enum form f = LIST; f < FORMS; f++)
		measure(f, floor);
	measure_complaint(90);
	measure_complaint(110);
	measure_complaint(140);
	redisFree(c);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd) != 0;
}
