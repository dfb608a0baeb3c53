/*
 * sendone - sends follow-ups by the endpoints of a configuration, without a
 * daemon and without Redis, and says what came of it.
 *
 * usage: sendone CONF
 * One JSON object a line in: endpoint, id, to, body. One a line out: class,
 * status, reason, detail, said, retry_after, opted_out, recipient_only,
 * message_id, excerpt. One after the other, on kept connections where there are
 * any, as the daemon has them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <jansson.h>

#include "base/str.h"
#include "deliver/deliver.h"

static const char *const classes[] = {
	[AM_SEND_OK] = "ok",
	[AM_SEND_RETRY] = "retry",
	[AM_SEND_THROTTLE] = "throttle",
	[AM_SEND_PERMANENT] = "permanent",
	[AM_SEND_UNCERTAIN] = "uncertain",
	[AM_SEND_CANCELED] = "canceled",
};

static am_ms
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_sent(void *arg, const struct am_send_result *r)
{
	bool *done = arg;
	json_t *j = json_pack("{ss si ss ss ss sI sb sb ss ss%}", "class",
	    classes[r->class], "status", r->status, "reason", r->reason,
	    "detail", r->detail, "said", r->said, "retry_after",
	    (json_int_t)r->retry_after, "opted_out", r->opted_out,
	    "recipient_only", r->recipient_only, "message_id", r->message_id,
	    "excerpt", r->excerpt.p != NULL ? r->excerpt.p : "", r->excerpt.n);

	AM_ASSERT(j != NULL);
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(j);
	*done = true;
}

static int
send_line(struct am_deliver *d, struct event_base *base, const char *line)
{
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *endpoint, *id, *to, *body;
	bool done = false;

	if (json_unpack(j, "{ss ss ss ss}", "endpoint", &endpoint, "id", &id,
		"to", &to, "body", &body) != 0) {
		fprintf(stderr, "sendone: no sending: %s", line);
		json_decref(j);
		return -AM_EINVAL;
	}
	am_deliver_send(d, endpoint,
	    &(struct am_send_what){ .id = id,
		.body = am_str_c(body),
		.to = am_str_c(to),
		.fired_at = now_ms() },
	    now_ms(), on_sent, &done);
	while (!done)
		event_base_loop(base, EVLOOP_ONCE);
	json_decref(j);
	return 0;
}

static int
run(struct am_conf *c)
{
	struct event_base *base = event_base_new();
	struct evdns_base *dns = evdns_base_new(base, 0);
	struct am_deliver *d = am_deliver_new(base, dns);
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	am_deliver_configure(d, c, now_ms());
	while (rc == 0 && getline(&line, &cap, stdin) > 0)
		rc = send_line(d, base, line);
	free(line);
	am_deliver_free(d);
	evdns_base_free(dns, 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
	return rc == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct am_diag *diags;
	struct am_conf *c;
	size_t n;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: sendone CONF\n");
		return 2;
	}
	c = am_conf_load(argv[1], now_ms(), &diags, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s:%d: %s\n", diags[i].file, diags[i].line,
		    diags[i].text);
	free(diags);
	if (c == NULL)
		return 1;
	rc = run(c);
	am_conf_unref(c);
	return rc;
}
