/*
 * read_base - the daemon itself, its Redis, its socket.
 */

#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

const struct am_node *
am_section(struct am_build *b, const char *type)
{
	const struct am_node *n = am_node_child(b->root, type, NULL);
	struct am_node *empty;

	if (n != NULL)
		return n;
	empty = am_tree_new(b->a);
	empty->opt = am_option_find("", type);
	empty->file = b->own->path;
	return empty;
}

static const char *
host_name(struct am_build *b)
{
	char buf[AM_NAME_MAX + 1] = "";

	/* a name longer than a name may be is cut, as `hostname -s` would */
	if (gethostname(buf, sizeof(buf)) != 0 || buf[0] == '\0')
		return "amends";
	buf[AM_NAME_MAX - 1] = '\0';
	for (char *p = buf; *p != '\0'; p++) {
		char one[2] = { *p, 0 };

		if (!am_name_ok(one))
			*p = '-';
	}
	return am_arena_cstr(b->a, am_str_c(buf));
}

/* The first folder that systemd made for us, else NULL. */
static const char *
folder(struct am_build *b, const char *variable)
{
	const char *v = getenv(variable);

	return v != NULL && v[0] != '\0'
		   ? am_arena_cstr(b->a, (struct am_str){ v, strcspn(v, ":") })
		   : NULL;
}

/* Where systemd runs several of us each has its own folder. */
static const char *
socket_path(struct am_build *b, const struct am_node *status)
{
	const char *dir = folder(b, "RUNTIME_DIRECTORY");

	if (dir == NULL || am_node_entry(status, "socket") != NULL)
		return am_node_value(status, "socket");
	return am_arena_printf(b->a, "%s/status.sock", dir);
}

void
am_read_base(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *root = b->root, *status = am_section(b, "status");
	int rc;

	c->instance = am_node_value(root, "instance");
	if (c->instance == NULL)
		c->instance = host_name(b);
	else if (strlen(c->instance) >= AM_NAME_MAX)
		am_fault(b, root, "instance",
		    "instance: over %d bytes; shorten it", AM_NAME_MAX - 1);
	c->data_dir = am_node_value(root, "data_dir");
	if (c->data_dir == NULL)
		c->data_dir = folder(b, "STATE_DIRECTORY");
	if (c->data_dir == NULL)
		c->data_dir = "/var/lib/amends";
	c->log_level = am_node_value(root, "log_level");
	c->max_skew = am_get_span(root, "max_skew");
	c->trust_event_time = am_get_bool(root, "trust_event_time");
	c->catchup_after = am_get_span(root, "catchup_after");
	rc = am_rate_parse(am_node_value(root, "catchup_rate"), &c->catchup_n,
	    &c->catchup_per);
	AM_ASSERT(rc == 0); /* am_check_tree() passed it */

	c->status.socket = socket_path(b, status);
	if (strlen(c->status.socket) > 107)
		am_fault(b, status, "socket",
		    "socket: the path has %zu bytes; a Unix socket's may have "
		    "107",
		    strlen(c->status.socket));
	c->status.mode =
	    (unsigned)strtoul(am_node_value(status, "mode"), NULL, 8);
	c->status.view_n =
	    am_get_list(b, status, "view", c->status.view, AM_CONF_LIST_MAX);
	c->status.operate_n = am_get_list(
	    b, status, "operate", c->status.operate, AM_CONF_LIST_MAX);
}

/* What stands behind redis://: [user@]host[:port][/db] */
static int
redis_tcp(struct am_build *b, const char *s)
{
	struct am_conf *c = b->own;
	const char *at = strchr(s, '@'), *end;
	struct am_url url = { .port = 6379 };
	int64_t db = 0;

	if (at != NULL) {
		c->redis.user =
		    am_arena_cstr(b->a, (struct am_str){ s, (size_t)(at - s) });
		if (!am_name_ok(c->redis.user))
			return -AM_EINVAL;
		s = at + 1;
	}
	end = strchrnul(s, '/');
	if (am_authority_parse(b->a, s, end, &url) != 0)
		return -AM_EINVAL;
	if (*end == '/' && end[1] != '\0' &&
	    (am_count_parse(end + 1, &db) != 0 || db > 1 << 20))
		return -AM_EINVAL;
	c->redis.kind = AM_REDIS_TCP;
	c->redis.path_or_host = url.host;
	c->redis.port = url.port;
	c->redis.db = (unsigned)db;
	return 0;
}

static const struct {
	const char *scheme, *what;
} redis_later[] = {
	{ "rediss://", "Redis with TLS" },
	{ "sentinel://", "Redis Sentinel" },
	{ "cluster://", "Redis Cluster" },
};

static void
redis_url(struct am_build *b, const struct am_node *n)
{
	struct am_conf *c = b->own;
	const char *s = c->redis.url;

	for (size_t i = 0; i < AM_COUNT(redis_later); i++) {
		if (strncmp(s, redis_later[i].scheme,
			strlen(redis_later[i].scheme)) != 0)
			continue;
		am_fault(b, n, "url",
		    "url: %s (%s) is not in force in this version; use "
		    "redis:// or unix://",
		    redis_later[i].what, redis_later[i].scheme);
		return;
	}
	if (strncmp(s, "unix://", 7) == 0) {
		c->redis.kind = AM_REDIS_UNIX;
		c->redis.path_or_host = s + 7;
		if (s[7] == '/' && strlen(s + 7) <= 107)
			return;
		am_fault(b, n, "url",
		    "url: a Unix socket needs a path from the root, of 107 "
		    "bytes at most; write such as "
		    "unix:///run/redis/redis.sock");
		return;
	}
	/* a password is not repeated in a message */
	if (strncmp(s, "redis://", 8) == 0 && strchr(s, '@') != NULL &&
	    memchr(s + 8, ':', (size_t)(strchr(s, '@') - s) - 8) != NULL) {
		am_fault(b, n, "url",
		    "url: a password stands in the address; write "
		    "redis://USER@HOST, and password = \"file:PATH\"");
		return;
	}
	if (strncmp(s, "redis://", 8) != 0 || redis_tcp(b, s + 8) != 0)
		am_fault(b, n, "url",
		    "url: '%.80s' is no address of a Redis; write "
		    "redis://[user@]host[:port][/db] or unix:///PATH",
		    s);
}

void
am_read_redis(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *n = am_section(b, "redis");
	const struct am_entry *pw = am_node_entry(n, "password");

	c->redis.url = am_node_value(n, "url");
	c->redis.user = "";
	redis_url(b, n);
	if (pw != NULL)
		(void)am_secret_read(
		    b, n, "password", &pw->words[0], &c->redis.password);
	c->redis.streams_n =
	    am_get_list(b, n, "streams", c->redis.streams, AM_CONF_LIST_MAX);
	if (c->redis.streams_n == 0)
		am_fault(b, n, "streams",
		    "streams: the list is empty; name at least one stream");
	c->redis.group = am_node_value(n, "group");
	c->redis.owner_ttl = am_get_span(n, "owner_ttl");
	c->redis.batch = (unsigned)am_get_count(n, "batch");
	c->redis.retain = am_get_span(n, "retain");
	c->redis.keep_events = am_get_span(n, "keep_events");
	c->redis.command_timeout = am_get_span(n, "command_timeout");
	c->redis.require_durability = am_node_value(n, "require_durability");
	c->redis.wait_replicas = (unsigned)am_get_count(n, "wait_replicas");
	if (am_node_entry(n, "wait_replicas") != NULL &&
	    strcmp(c->redis.require_durability, "D3") != 0)
		am_fault(b, n, "wait_replicas",
		    "wait_replicas: nobody waits for replicas below D3; say "
		    "require_durability = \"D3\", or remove it");
}
