/*
 * limit_redis - how many events a second one redis-server can take from C when
 * every event writes its state, deadline, journal entry and outbox row.
 *
 *   limit_redis -s SOCKET [-n EVENTS] [-k COMPLAINTS] [-b BATCH] [-S SHARDS]
 *               [-f script|watch]
 *
 * script: a consumer group and one function call a batch, the usual form.
 * watch: XREAD from a cursor and WATCH/MULTI/EXEC, the form of amendsd.
 * The stream is filled first; only the turns are timed: read, find the fields
 * without a JSON library, fetch the states, commit. Shards take turns on
 * connections of their own, so that Redis is never idle.
 */

#include "tests/bench/limit.h"

#include <hiredis/hiredis.h>

#define BATCH_MAX 1024

static long events_n = 100000, complaints_n = 100000, batch_n = 256,
	    shards_n = 2;
static const char *sock;
static bool script;

/* ---- argument vectors: words of one command, text in one block ---- */

struct argv {
	const char *word[8 * BATCH_MAX];
	size_t len[8 * BATCH_MAX];
	size_t n, used;
	char text[1 << 20];
};

static void
add(struct argv *a, const char *s, size_t n)
{
	a->word[a->n] = s;
	a->len[a->n++] = n;
}

__attribute__((format(printf, 2, 3))) static void
addf(struct argv *a, const char *fmt, ...)
{
	size_t left = sizeof(a->text) - a->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(a->text + a->used, left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= left)
		die("argument block is full");
	add(a, a->text + a->used, (size_t)n);
	a->used += (size_t)n + 1;
}

static size_t
send_words(redisContext *c, struct argv *a)
{
	redisAppendCommandArgv(c, (int)a->n, a->word, a->len);
	a->n = a->used = 0;
	return 1;
}

/* ---- one shard ---- */

struct event {
	char entry[32];
	char id[16];
	long no, seq;
	int64_t due;
};

struct shard {
	redisContext *c;
	struct argv a;
	struct event e[BATCH_MAX];
	size_t n;	/* events of the batch at hand */
	long left;	/* events not yet committed */
	size_t replies; /* of the commit that is on its way */
	long no;
};

static redisReply *
reply(redisContext *c)
{
	void *r = NULL;

	if (redisGetReply(c, &r) != REDIS_OK)
		die("redis: %s", c->errstr);
	if (((redisReply *)r)->type == REDIS_REPLY_ERROR)
		die("redis: %s", ((redisReply *)r)->str);
	return r;
}

static void
drain(redisContext *c, size_t n)
{
	while (n-- > 0)
		freeReplyObject(reply(c));
}

static void
flush(redisContext *c)
{
	int done = 0;

	while (!done)
		if (redisBufferWrite(c, &done) != REDIS_OK)
			die("redis: %s", c->errstr);
}

static double
redis_cpu(redisContext *c)
{
	redisReply *r;
	const char *sys, *user;
	double s = 0;

	redisAppendCommand(c, "INFO cpu");
	r = reply(c);
	if ((sys = strstr(r->str, "used_cpu_sys:")) != NULL)
		s += atof(sys + 13);
	if ((user = strstr(r->str, "used_cpu_user:")) != NULL)
		s += atof(user + 14);
	freeReplyObject(r);
	return s;
}

static const char library[] =
    "#!lua name=limit\n"
    "redis.register_function('turn', function(keys, args)\n"
    "  if redis.call('GET', keys[1]) ~= args[1] then\n"
    "    return redis.error_reply('FENCED') end\n"
    "  local s, z, a, oz, oh, p = {}, {}, {}, {}, {}, 3\n"
    "  for i = 1, tonumber(args[2]) do\n"
    "    local j = 2 * i\n"
    "    a[i] = args[p]\n"
    "    s[j - 1], s[j] = args[p + 1], args[p + 3]\n"
    "    z[j - 1], z[j] = args[p + 2], args[p + 1]\n"
    "    oz[j - 1], oz[j] = args[p + 2], args[p + 4]\n"
    "    oh[j - 1], oh[j] = args[p + 4], args[p + 5]\n"
    "    redis.call('XADD', keys[6], 'MAXLEN', '~', '100000', '*',\n"
    "      'e', args[p + 5])\n"
    "    p = p + 6\n"
    "  end\n"
    "  redis.call('HSET', keys[7], unpack(s))\n"
    "  redis.call('ZADD', keys[3], unpack(z))\n"
    "  redis.call('XACK', keys[2], 'g', unpack(a))\n"
    "  redis.call('ZADD', keys[4], unpack(oz))\n"
    "  redis.call('HSET', keys[5], unpack(oh))\n"
    "  return args[2] end)\n";

static void
fill(struct shard *s, long n)
{
	static const char *const name[] = { "complaint.opened",
		"stage.listened", "stage.apologized", "stage.resolved" };
	size_t waiting = 0;

	for (long i = 0; i < n; i++) {
		long no = i * 7919 % complaints_n;

		redisAppendCommand(s->c,
		    "XADD {l%ld}:events * e "
		    "{\"v\":1,\"id\":\"evt-%010ld\",\"event\":\"%s\","
		    "\"case\":\"c%09ld\",\"ts\":%" PRId64 ",\"tier\":\"high\","
		    "\"channel\":\"phone\",\"customer\":\"cust-%07ld\","
		    "\"owner\":\"agent-%02ld\",\"contact\":\"+86138%08ld\","
		    "\"branch\":\"north-44\",\"note\":\"Card charged twice "
		    "at the counter; caller asks for a call back after "
		    "six, \\u8bf7\\u56de\\u7535\"}",
		    s->no, i, name[i & 3], no, (int64_t)time(NULL) * 1000, no,
		    no % 97, no);
		if (++waiting == 256) {
			drain(s->c, waiting);
			waiting = 0;
		}
	}
	drain(s->c, waiting);
}

static void
shard_start(struct shard *s, long no)
{
	s->no = no;
	s->left = events_n / shards_n;
	s->c = redisConnectUnix(sock);
	if (s->c == NULL || s->c->err != 0)
		die("redis: %s", s->c != NULL ? s->c->errstr : "no memory");
	fill(s, s->left);
	redisAppendCommand(s->c, "SET {l%ld}:token tok-1", no);
	redisAppendCommand(s->c, "XGROUP CREATE {l%ld}:events g 0", no);
	redisAppendCommand(s->c, "FUNCTION LOAD REPLACE %s", library);
	drain(s->c, 3);
}

static void
ask_read(struct shard *s)
{
	if (script)
		redisAppendCommand(s->c,
		    "XREADGROUP GROUP g c COUNT %ld STREAMS {l%ld}:events >",
		    batch_n, s->no);
	else
		redisAppendCommand(s->c,
		    "XREAD COUNT %ld STREAMS {l%ld}:events %s", batch_n, s->no,
		    s->n > 0 ? s->e[s->n - 1].entry : "0-0");
}

/* Fields by their places, no JSON library. */
static void
take_read(struct shard *s)
{
	redisReply *r = reply(s->c), *list;

	if (r->type != REDIS_REPLY_ARRAY)
		die("the stream ended early");
	list = r->element[0]->element[1];
	for (s->n = 0; s->n < list->elements; s->n++) {
		redisReply *at = list->element[s->n];
		const char *json = at->element[1]->element[1]->str;
		struct event *e = &s->e[s->n];

		snprintf(e->entry, sizeof(e->entry), "%s", at->element[0]->str);
		memcpy(e->id, strstr(json, "\"case\":\"") + 8, 10);
		e->id[10] = '\0';
		e->no = atol(e->id + 1);
		e->seq = atol(strstr(json, "evt-") + 4);
		e->due = atoll(strstr(json, "\"ts\":") + 5) + 3600000 +
			 e->no % 60000;
	}
	freeReplyObject(r);
}

static void
ask_states(struct shard *s)
{
	if (!script) {
		redisAppendCommand(s->c, "WATCH {l%ld}:token", s->no);
		redisAppendCommand(s->c, "GET {l%ld}:token", s->no);
	}
	add(&s->a, "HMGET", 5);
	addf(&s->a, "{l%ld}:cases", s->no);
	for (size_t i = 0; i < s->n; i++)
		add(&s->a, s->e[i].id, 10);
	send_words(s->c, &s->a);
}

static void
add_packed(struct argv *a, const struct event *e)
{
	addf(a,
	    "1\x1flisten\x1fhigh\x1f"
	    "agent-%02ld\x1f"
	    "cust-%07ld\x1f"
	    "+86138%08ld\x1f%" PRId64 "\x1f%" PRId64 "\x1f%" PRId64,
	    e->no % 97, e->no, e->no, e->due - 3600000, e->due - 3600000,
	    e->due);
}

static void
add_body(struct argv *a, const struct event *e)
{
	addf(a,
	    "{\"id\":\"fu-%ld\",\"case\":\"%s\",\"step\":\"callback\","
	    "\"tier\":\"high\",\"due\":%" PRId64
	    ",\"to\":\"+86138%08ld\",\"text\":"
	    "\"We are sorry for the trouble; we will call you back today.\"}",
	    e->seq, e->id, e->due, e->no);
}

static size_t
commit_script(struct shard *s)
{
	static const char *const key[] = { "token", "events", "deadlines",
		"outbox", "bodies", "journal", "cases" };
	struct argv *a = &s->a;

	add(a, "FCALL", 5);
	add(a, "turn", 4);
	add(a, "7", 1);
	for (size_t i = 0; i < 7; i++)
		addf(a, "{l%ld}:%s", s->no, key[i]);
	add(a, "tok-1", 5);
	addf(a, "%zu", s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct event *e = &s->e[i];

		add(a, e->entry, strlen(e->entry));
		add(a, e->id, 10);
		addf(a, "%" PRId64, e->due);
		add_packed(a, e);
		addf(a, "fu-%ld", e->seq);
		add_body(a, e);
	}
	return send_words(s->c, a);
}

static void
add_outbox(struct shard *s, size_t *sent)
{
	struct argv *a = &s->a;

	add(a, "ZADD", 4);
	addf(a, "{l%ld}:outbox", s->no);
	for (size_t i = 0; i < s->n; i++) {
		addf(a, "%" PRId64, s->e[i].due);
		addf(a, "fu-%ld", s->e[i].seq);
	}
	*sent += send_words(s->c, a);
	add(a, "HSET", 4);
	addf(a, "{l%ld}:bodies", s->no);
	for (size_t i = 0; i < s->n; i++) {
		addf(a, "fu-%ld", s->e[i].seq);
		add_body(a, &s->e[i]);
	}
	*sent += send_words(s->c, a);
	for (size_t i = 0; i < s->n; i++) {
		add(a, "XADD", 4);
		addf(a, "{l%ld}:journal", s->no);
		add(a, "MAXLEN", 6);
		add(a, "~", 1);
		add(a, "100000", 6);
		add(a, "*", 1);
		add(a, "e", 1);
		add_body(a, &s->e[i]);
		*sent += send_words(s->c, a);
	}
}

static size_t
commit_watch(struct shard *s)
{
	struct argv *a = &s->a;
	size_t sent = 2;

	redisAppendCommand(s->c, "MULTI");
	add(a, "HSET", 4);
	addf(a, "{l%ld}:cases", s->no);
	for (size_t i = 0; i < s->n; i++) {
		add(a, s->e[i].id, 10);
		add_packed(a, &s->e[i]);
	}
	sent += send_words(s->c, a);
	add(a, "ZADD", 4);
	addf(a, "{l%ld}:deadlines", s->no);
	for (size_t i = 0; i < s->n; i++) {
		addf(a, "%" PRId64, s->e[i].due);
		add(a, s->e[i].id, 10);
	}
	sent += send_words(s->c, a);
	redisAppendCommand(s->c, "XGROUP SETID {l%ld}:events g %s", s->no,
	    s->e[s->n - 1].entry);
	sent++;
	add_outbox(s, &sent);
	redisAppendCommand(s->c, "EXEC");
	return sent;
}

/* One turn of every shard; false when all events are committed. */
static bool
turn(struct shard *s)
{
	bool more = false;

	for (long i = 0; i < shards_n; i++) {
		if (s[i].left <= 0)
			continue;
		drain(s[i].c, s[i].replies);
		s[i].replies = 0;
		take_read(&s[i]);
		ask_states(&s[i]);
		flush(s[i].c);
	}
	for (long i = 0; i < shards_n; i++) {
		if (s[i].left <= 0)
			continue;
		drain(s[i].c, script ? 1 : 3);
		s[i].replies =
		    script ? commit_script(&s[i]) : commit_watch(&s[i]);
		s[i].left -= (long)s[i].n;
		if (s[i].left > 0) {
			ask_read(&s[i]);
			more = true;
		}
		flush(s[i].c);
	}
	return more;
}

static void
options(int argc, char **argv)
{
	const char *form = "script";
	int o;

	while ((o = getopt(argc, argv, "s:n:k:b:S:f:")) != -1) {
		if (o == 's')
			sock = optarg;
		else if (o == 'n')
			events_n = atol(optarg);
		else if (o == 'k')
			complaints_n = atol(optarg);
		else if (o == 'b')
			batch_n = atol(optarg);
		else if (o == 'S')
			shards_n = atol(optarg);
		else if (o == 'f')
			form = optarg;
		else
			die("see the head of tests/bench/limit_redis.c");
	}
	script = strcmp(form, "script") == 0;
	if (sock == NULL || batch_n < 1 || batch_n > BATCH_MAX || shards_n < 1)
		die("limit_redis: needs -s SOCKET and a batch of 1 to %d",
		    BATCH_MAX);
}

int
main(int argc, char **argv)
{
	struct shard *s;
	double redis0, own0, seconds, redis_s, own_s;
	long done;
	int64_t t0;

	options(argc, argv);
	s = calloc((size_t)shards_n, sizeof(*s));
	if (s == NULL)
		die("no memory");
	for (long i = 0; i < shards_n; i++)
		shard_start(&s[i], i);
	done = events_n / shards_n * shards_n;
	redis0 = redis_cpu(s[0].c);
	own0 = self_cpu();
	t0 = now_ns();
	for (long i = 0; i < shards_n; i++) {
		ask_read(&s[i]);
		flush(s[i].c);
	}
	while (turn(s))
		;
	for (long i = 0; i < shards_n; i++)
		drain(s[i].c, s[i].replies);
	seconds = (double)(now_ns() - t0) / 1e9;
	own_s = self_cpu() - own0;
	redis_s = redis_cpu(s[0].c) - redis0;
	printf("n=%ld rate=%.0f redis_us=%.2f client_us=%.2f seconds=%.2f\n",
	    done, (double)done / seconds, redis_s * 1e6 / (double)done,
	    own_s * 1e6 / (double)done, seconds);
	for (long i = 0; i < shards_n; i++)
		redisFree(s[i].c);
	free(s);
	return 0;
}
