/*
 * read_surface - the customer's link, what the daemon checks of itself, and the
 * reports that go by themselves.
 */

#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define SECRET_BYTES_MIN 16

/* ---- link ---- */

static void
read_link_url(
    struct am_build *b, const struct am_node *n, struct am_linkdef *link)
{
	const char *s = am_node_value(n, "url");
	struct am_url url;
	char why[256];
	size_t len;

	if (s == NULL) {
		am_fault(b, n, NULL,
		    "link has no url; write such as url = "
		    "\"https://care.example\", or remove the section");
		return;
	}
	if (am_url_parse(b->a, s, &url, why) != 0)
		AM_ASSERT(!"am_check_tree() passed it");
	if (strpbrk(url.path, "?#") != NULL)
		am_fault(b, n, "url",
		    "url: the path of a link is put behind it, so it cannot "
		    "have ? or #; write such as https://care.example");
	if (strcmp(url.scheme, "http") == 0)
		am_warn(b, n->file, am_node_line(n, "url"),
		    "url: http:// is not encrypted; customers should be given "
		    "an https:// address");
	len = strlen(s);
	while (len > 0 && s[len - 1] == '/')
		len--;
	link->url = am_arena_cstr(b->a, (struct am_str){ s, len });
}

static void
read_link(struct am_build *b)
{
	const struct am_node *n = am_node_child(b->root, "link", NULL);
	struct am_linkdef *link;
	const struct am_entry *entry;
	struct am_secret secret = { 0 };

	if (n == NULL)
		return;
	link = am_arena_zalloc(b->a, sizeof(*link));
	link->url = "";
	read_link_url(b, n, link);
	link->ttl = am_get_span(n, "ttl");
	entry = am_node_entry(n, "secret");
	if (entry == NULL)
		am_fault(b, n, NULL,
		    "link has no secret; write secret = \"file:PATH\", with "
		    "the output of openssl rand -hex 32");
	else if (am_secret_read(b, n, "secret", &entry->words[0], &secret) ==
		     0 &&
		 secret.value.n < SECRET_BYTES_MIN)
		am_fault(b, n, "secret",
		    "secret: %s is guessed; it must have %d bytes or more, as "
		    "from openssl rand -hex 32",
		    secret.ref, SECRET_BYTES_MIN);
	link->secret = secret.value;
	b->own->link = link;
	if (am_node_child(b->root, "http", NULL) == NULL)
		am_fault(b, n, NULL,
		    "link: nobody listens for it; add http { listen = "
		    "\"127.0.0.1:8480\" }");
}

/* ---- endpoints by name ---- */

/* The endpoint, which has one of the types (bits); NULL after a diagnostic. */
static const struct am_conf_endpoint *
find_endpoint(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_word *w, unsigned types, const char *want)
{
	const struct am_conf *c = b->c;
	const struct am_conf_endpoint *e = am_conf_endpoint(c, am_str_c(w->s));
	const char **known;

	if (e != NULL && (types & 1u << e->type) != 0)
		return e;
	if (e != NULL) {
		am_diag_add(b->d, am_node_entry(n, key)->file, w->line,
		    "%s: endpoint '%s' is no %s; name one of that type", key,
		    w->s, want);
		return NULL;
	}
	known = am_arena_zalloc(b->a, (c->endpoints_n + 1) * sizeof(*known));
	for (size_t i = 0; i < c->endpoints_n; i++)
		known[i] = c->endpoints[i]->name;
	am_fault_name(
	    b, n, key, w->line, "endpoint", w->s, known, c->endpoints_n);
	return NULL;
}

static void
read_audit(struct am_build *b)
{
	const struct am_node *n = am_section(b, "audit");
	const struct am_entry *beat = am_node_entry(n, "heartbeat");
	struct am_conf *c = b->own;

	c->audit.every = am_get_span(n, "every");
	c->audit.late = am_get_span(n, "late");
	c->audit.outbox_age = am_get_span(n, "outbox_age");
	c->audit.lag = am_get_span(n, "lag");
	c->audit.sample = (unsigned)am_get_count(n, "sample");
	if (beat != NULL && find_endpoint(b, n, "heartbeat", &beat->words[0],
				1u << AM_ENDPOINT_WEBHOOK, "webhook") != NULL)
		c->audit.heartbeat = beat->words[0].s;
}

/* ---- reports ---- */

static const struct {
	const char *every, *at, *like;
} spans[] = {
	[AM_REPORT_DAY] = { "day", "08:00", "\"08:00\"" },
	[AM_REPORT_WEEK] = { "week", "Mon 08:00", "\"Mon 08:00\"" },
	[AM_REPORT_MONTH] = { "month", "1 08:00",
	    "\"1 08:00\", the day 1 to 28" },
};

/* "HH:MM" to its end; false: it is something else. */
static bool
read_minute(const char *s, int *minute)
{
	unsigned h, m;

	if (strlen(s) != 5 || strspn(s, "0123456789") != 2 || s[2] != ':' ||
	    strspn(s + 3, "0123456789") != 2)
		return false;
	h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	*minute = (int)(h * 60 + m);
	return h < 24 && m < 60;
}

static bool
read_at(const char *s, struct am_conf_report *r)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	const char *blank = strchr(s, ' ');
	struct am_str day = { s, blank != NULL ? (size_t)(blank - s) : 0 };
	uint64_t month_day;

	if (r->every == AM_REPORT_DAY)
		return read_minute(s, &r->minute);
	if (blank == NULL || !read_minute(blank + 1, &r->minute))
		return false;
	if (r->every == AM_REPORT_MONTH) {
		if (am_str_u64(day, &month_day) != 0 || month_day < 1 ||
		    month_day > 28)
			return false;
		r->month_day = (int)month_day;
		return true;
	}
	for (int i = 0; i < 7; i++) {
		if (am_str_is(day, days[i])) {
			r->weekday = i;
			return true;
		}
	}
	return false;
}

static const struct am_conf_report *
read_report(struct am_build *b, const struct am_node *n)
{
	const unsigned types = 1u << AM_ENDPOINT_WEBHOOK |
			       1u << AM_ENDPOINT_CHAT | 1u << AM_ENDPOINT_MAIL;
	struct am_conf_report *r = am_arena_zalloc(b->a, sizeof(*r));
	const char *every = am_node_value(n, "every");
	const char *at = am_node_value(n, "at");
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "via", &w);

	r->name = n->title;
	r->file = n->file;
	r->line = n->line;
	while (strcmp(spans[r->every].every, every) != 0)
		r->every++;
	if (!read_at(at != NULL ? at : spans[r->every].at, r))
		am_fault(b, n, "at",
		    "at: '%.40s' is no time of a %s; write such as %s", at,
		    every, spans[r->every].like);
	(void)am_find_zone(b, n, "timezone", &r->zone);
	if (count == 0)
		am_fault(b, n, am_node_entry(n, "via") != NULL ? "via" : NULL,
		    "report \"%s\" goes to nobody; write such as via = "
		    "{\"crm\"}",
		    n->title);
	for (size_t i = 0; i < count; i++) {
		if (find_endpoint(b, n, "via", &w[i], types,
			"webhook, chat or mail") != NULL)
			r->via[r->via_n++] = w[i].s;
	}
	return r;
}

static void
read_reports(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *n = NULL;
	size_t count = 0;

	while ((n = am_node_child(b->root, "report", n)) != NULL)
		count++;
	c->reports = am_arena_zalloc(b->a, (count + 1) * sizeof(*c->reports));
	while ((n = am_node_child(b->root, "report", n)) != NULL)
		c->reports[c->reports_n++] = read_report(b, n);
}

void
am_read_surface(struct am_build *b)
{
	read_link(b);
	read_audit(b);
	read_reports(b);
}
