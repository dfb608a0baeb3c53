/*
 * amendsd - closes the loop on customer complaints.
 *
 *   amendsd -c FILE [-t] [--foreground] [--embedded DIR]
 *
 * Starts in the order of the layers, ends in the reverse.
 */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include <amends/version.h>

#include "base/str.h"
#include "daemon/activation.h"
#include "daemon/embedded.h"
#include "daemon/engine.h"
#include "daemon/notify.h"
#include "log/log.h"

struct options {
	const char *conf;
	const char *embedded;
	bool test, foreground;
};

static const char usage_text[] =
    "usage: amendsd -c FILE [-t] [--foreground] [--embedded DIR]\n"
    "\n"
    "  -c, --config FILE   the configuration (default "
    "/etc/amends/amends.conf)\n"
    "  -t, --test          check the configuration and exit\n"
    "  --foreground        plain log lines for a person, without the\n"
    "                      journal's <N> priorities\n"
    "  --embedded DIR      start a private redis-server with its data in DIR\n"
    "  -V, --version       print the version and exit\n"
    "  -h, --help          print this and exit\n";

enum { OPT_FOREGROUND = 256, OPT_EMBEDDED };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "embedded", required_argument, NULL, OPT_EMBEDDED },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Exit code, or -1 to go on. */
static int
read_options(int argc, char **argv, struct options *o)
{
	int c;

	o->conf = "/etc/amends/amends.conf";
	while ((c = getopt_long(argc, argv, "c:tVh", long_options, NULL)) != -1)
		switch (c) {
		case 'c':
			o->conf = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case OPT_FOREGROUND:
			o->foreground = true;
			break;
		case OPT_EMBEDDED:
			o->embedded = optarg;
			break;
		case 'V':
			printf("amendsd %s (libevent %s, %s)\n", AM_VERSION,
			    event_get_version(), am_deliver_library());
			return 0;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	if (optind < argc) {
		fprintf(stderr, "amendsd: unexpected word '%s'\n%s",
		    argv[optind], usage_text);
		return 2;
	}
	return -1;
}

static struct am_conf *
load(const char *path)
{
	struct am_diag *diags = NULL;
	size_t n = 0;
	struct am_conf *conf = am_conf_load(path, am_engine_now(), &diags, &n);

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s:%d: %s\n", diags[i].file, diags[i].line,
		    diags[i].text);
	free(diags);
	return conf;
}

static int
test_conf(const struct am_conf *conf)
{
	for (size_t i = 0; i < conf->warnings_n; i++)
		printf("%s\n", conf->warnings[i]);
	printf("%s: ok: %zu loops, %zu endpoints, %zu calendars, %zu messages, "
	       "%zu remarks\n",
	    conf->path, conf->loops_n, conf->endpoints_n, conf->calendars_n,
	    conf->messages_n, conf->warnings_n);
	return 0;
}

/* libevent's own words come to our log, at most one line a second. */
static void
on_event_log(int severity, const char *msg)
{
	static am_ms last;
	am_ms now = am_engine_monotonic();

	if (severity < EVENT_LOG_WARN || now - last < AM_SECOND)
		return;
	last = now;
	am_log_warn("libevent", "reason=%s", am_log_val(am_str_c(msg)));
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	am_engine_stop(arg);
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	am_engine_reload(arg, NULL, NULL);
}

static void
harden(void)
{
	const struct rlimit none = { 0, 0 };

	umask(027);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log file at its limit */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0); /* secrets are in memory */
}

static int
serve(struct event_base *base, struct am_conf *conf, const char *redis_path,
    struct am_activation *sockets)
{
	struct am_engine *engine;
	struct am_diag diag = { .text = "" };
	struct event *term, *intr, *hup, *watchdog;
	int code;

	if (am_engine_new(base, conf, redis_path, sockets, &engine, &diag) !=
	    0) {
		am_log_err("start_refused", "at=%s reason=%s",
		    am_log_val(am_str_c(diag.file)),
		    am_log_val(am_str_c(diag.text)));
		return 1;
	}
	term = evsignal_new(base, SIGTERM, on_term, engine);
	intr = evsignal_new(base, SIGINT, on_term, engine);
	hup = evsignal_new(base, SIGHUP, on_hup, engine);
	AM_ASSERT(term != NULL && intr != NULL && hup != NULL);
	evsignal_add(term, NULL);
	evsignal_add(intr, NULL);
	evsignal_add(hup, NULL);
	watchdog = am_notify_watchdog(base);
	for (size_t i = 0; i < conf->warnings_n; i++)
		am_log_warn("conf_remark", "at=%s",
		    am_log_val(am_str_c(conf->warnings[i])));
	event_base_dispatch(base);
	code = engine->exit_code;
	event_free(term);
	event_free(intr);
	event_free(hup);
	if (watchdog != NULL)
		event_free(watchdog);
	am_engine_free(engine);
	return code;
}

static int
start(struct am_conf *conf, const struct options *o)
{
	struct am_activation sockets;
	struct am_embedded *redis = NULL;
	struct am_diag diag = { .text = "" };
	struct event_base *base;
	int code = 1;

	am_activation_take(&sockets);
	event_set_log_callback(on_event_log);
	base = event_base_new();
	AM_ASSERT(base != NULL);
	event_base_priority_init(base, 2); /* Redis before all else */
	if (o->embedded != NULL &&
	    am_embedded_start(base, o->embedded, &redis, &diag) != 0) {
		am_log_err("start_refused", "at=%s reason=%s",
		    am_log_val(am_str_c(diag.file)),
		    am_log_val(am_str_c(diag.text)));
		am_conf_unref(conf);
	} else {
		code = serve(base, conf,
		    redis != NULL ? am_embedded_socket(redis) : NULL, &sockets);
	}
	am_activation_close(&sockets);
	if (redis != NULL)
		am_embedded_stop(redis);
	event_base_free(base);
	libevent_global_shutdown();
	am_log_notice("ended", "code=%d", code);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	struct am_conf *conf;
	int code = read_options(argc, argv, &o);

	if (code >= 0)
		return code;
	harden();
	conf = load(o.conf);
	if (conf == NULL)
		return 1;
	if (o.test) {
		code = test_conf(conf);
		am_conf_unref(conf);
		return code;
	}
	am_log_open(am_log_level_parse(conf->log_level), !o.foreground);
	return start(conf, &o);
}
