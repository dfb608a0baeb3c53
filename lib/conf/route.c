/*
 * route - which loop an opening gets that names none.
 *
 * Routes are tried in the order of the file, so that a person can read from
 * top to bottom what becomes of a complaint. One that no opening can reach is
 * a mistake, and refused.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"

/* Field of complaint.opened, and the list of a route that it is held to. */
static const struct {
	const char *key;
	size_t at;
} fields[] = {
	{ "tier", offsetof(struct am_conf_route, tier) },
	{ "severity", offsetof(struct am_conf_route, severity) },
	{ "category", offsetof(struct am_conf_route, category) },
	{ "channel", offsetof(struct am_conf_route, channel) },
};

static const struct am_conf_match *
list(const struct am_conf_route *r, size_t field)
{
	return (const void *)((const char *)r + fields[field].at);
}

static bool
has(const struct am_conf_match *m, struct am_str value)
{
	for (size_t i = 0; i < m->n; i++) {
		if (am_str_is(value, m->v[i]))
			return true;
	}
	return false;
}

const struct am_conf_route *
am_conf_route(const struct am_conf *c, const struct am_event *ev)
{
	for (size_t i = 0; i < c->routes_n; i++) {
		const struct am_conf_route *r = c->routes[i];
		bool fits = true;

		for (size_t f = 0; fits && f < AM_COUNT(fields); f++)
			fits = list(r, f)->n == 0 ||
			       has(list(r, f), am_event_get(ev, fields[f].key));
		if (fits)
			return r;
	}
	return NULL;
}

/* Whatever fits b fits a, too. */
static bool
covers(const struct am_conf_route *a, const struct am_conf_route *b)
{
	for (size_t f = 0; f < AM_COUNT(fields); f++) {
		const struct am_conf_match *wide = list(a, f);
		const struct am_conf_match *narrow = list(b, f);

		if (wide->n > 0 && narrow->n == 0)
			return false;
		for (size_t i = 0; wide->n > 0 && i < narrow->n; i++) {
			if (!has(wide, am_str_c(narrow->v[i])))
				return false;
		}
	}
	return true;
}

static void
read_loop(struct am_build *b, const struct am_node *n, struct am_conf_route *r)
{
	const struct am_conf *c = b->c;
	const char *name = am_node_value(n, "loop"), **known;

	if (name == NULL) {
		am_fault(b, n, NULL,
		    "route \"%s\" has no loop; write such as loop = "
		    "\"complaint\"",
		    n->title);
		return;
	}
	r->loop = am_conf_loop(c, am_str_c(name));
	/* one that was refused has its own diagnostic */
	if (r->loop == NULL && am_node_find(b->root, "loop", name) == NULL) {
		known =
		    am_arena_zalloc(b->a, (c->loops_n + 1) * sizeof(*known));
		for (size_t i = 0; i < c->loops_n; i++)
			known[i] = c->loops[i]->name;
		am_fault_name(b, n, "loop", am_node_line(n, "loop"), "loop",
		    name, known, c->loops_n);
	}
	r->open_as = am_node_value(n, "open_as");
	if (r->loop != NULL && r->open_as != NULL &&
	    am_loopdef_tier(r->loop, am_str_c(r->open_as)) < 0)
		am_fault_name(b, n, "open_as", am_node_line(n, "open_as"),
		    "tier", r->open_as, r->loop->tiers, r->loop->tiers_n);
}

static const struct am_conf_route *
read_one(struct am_build *b, const struct am_node *n)
{
	struct am_conf_route *r = am_arena_zalloc(b->a, sizeof(*r));

	r->name = n->title;
	for (size_t f = 0; f < AM_COUNT(fields); f++) {
		struct am_conf_match *m = (void *)((char *)r + fields[f].at);

		m->n = am_get_list(b, n, fields[f].key, m->v, AM_CONF_LIST_MAX);
		if (m->n == 0 && am_node_entry(n, fields[f].key) != NULL)
			am_fault(b, n, fields[f].key,
			    "%s: the list is empty, which no opening fits; "
			    "leave it out for any",
			    fields[f].key);
	}
	read_loop(b, n, r);
	for (size_t i = 0; i < b->c->routes_n; i++) {
		if (!covers(b->c->routes[i], r))
			continue;
		am_fault(b, n, NULL,
		    "route \"%s\" is never reached: what fits it fits "
		    "\"%s\" before it; put it first, or remove it",
		    r->name, b->c->routes[i]->name);
		break;
	}
	return r;
}

void
am_read_routes(struct am_build *b)
{
	const struct am_node *n = NULL;
	struct am_conf *c = b->own;
	size_t count = 0;

	while ((n = am_node_child(b->root, "route", n)) != NULL)
		count++;
	c->routes = am_arena_zalloc(b->a, (count + 1) * sizeof(*c->routes));
	while ((n = am_node_child(b->root, "route", n)) != NULL) {
		const struct am_conf_route *r = read_one(b, n);

		c->routes[c->routes_n++] = r;
	}
}
