/*
 * people - who stands for a role, and the hours in which they are left alone.
 */

#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/zone.h"

static size_t
count_of(const struct am_build *b, const char *type)
{
	const struct am_node *n = NULL;
	size_t count = 0;

	while ((n = am_node_child(b->root, type, n)) != NULL)
		count++;
	return count;
}

static const struct am_quiet *
read_quiet(struct am_build *b, const struct am_node *n)
{
	struct am_quiet *q = am_arena_zalloc(b->a, sizeof(*q));
	const char *hours = am_node_value(n, "hours");
	struct am_daywindow w = { 0 };
	int rc;

	if (hours == NULL) {
		am_fault(b, n, NULL,
		    "quiet \"%s\" has no hours; write such as hours = "
		    "\"21:00-08:00\"",
		    n->title);
		return NULL;
	}
	rc = am_daywindow_parse(
	    am_str_c(am_arena_printf(b->a, "Mon-Sun %s", hours)), &w);
	AM_ASSERT(rc == 0); /* am_check_tree() passed it */
	q->name = n->title;
	q->from = w.from;
	q->to = w.to;
	return q;
}

static const struct am_conf_person *
read_person(struct am_build *b, const struct am_node *n)
{
	struct am_conf_person *p = am_arena_zalloc(b->a, sizeof(*p));

	p->name = n->title;
	p->phone = am_node_value(n, "phone");
	p->email = am_node_value(n, "email");
	if (am_node_value(n, "timezone") != NULL)
		(void)am_find_zone(b, n, "timezone", &p->zone);
	return p;
}

/* Roles that persons stand for by conf; the others come with a complaint. */
static const enum am_role roles[] = {
	AM_ROLE_AGENT,
	AM_ROLE_SUPERVISOR,
	AM_ROLE_MANAGER,
	AM_ROLE_TEAM,
};

static int
find_role(struct am_build *b, const struct am_node *n, enum am_role *role)
{
	const char *words[AM_COUNT(roles)];

	for (size_t i = 0; i < AM_COUNT(roles); i++) {
		words[i] = am_role_str(roles[i]);
		if (strcmp(words[i], n->title) == 0) {
			*role = roles[i];
			return 0;
		}
	}
	if (strcmp(n->title, am_role_str(AM_ROLE_OWNER)) == 0 ||
	    strcmp(n->title, am_role_str(AM_ROLE_CUSTOMER)) == 0)
		am_fault(b, n, NULL,
		    "role \"%s\" comes with each complaint; name persons for "
		    "agent, supervisor, manager or team",
		    n->title);
	else
		am_fault_name(b, n, "role", n->line, "role", n->title, words,
		    AM_COUNT(words));
	return -AM_EINVAL;
}

static void
read_role(struct am_build *b, const struct am_node *n)
{
	const char **known;
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "person", &w);
	struct am_holders *h;
	enum am_role role;

	if (find_role(b, n, &role) != 0)
		return;
	h = &b->own->holders[role];
	if (count == 0)
		am_fault(b, n, "person", "role \"%s\" has no person; name one",
		    n->title);
	if (count > AM_LIST_MAX) {
		am_fault(b, n, "person",
		    "person: %zu values; at most %d are taken", count,
		    AM_LIST_MAX);
		return;
	}
	known = am_arena_zalloc(b->a, (b->c->people_n + 1) * sizeof(*known));
	for (size_t i = 0; i < b->c->people_n; i++)
		known[i] = b->c->people[i]->name;
	for (size_t i = 0; i < count; i++) {
		if (am_conf_person(b->c, am_str_c(w[i].s)) == NULL)
			am_fault_name(b, n, "person", w[i].line, "person",
			    w[i].s, known, b->c->people_n);
		h->person[h->n++] = w[i].s;
	}
}

void
am_read_people(struct am_build *b)
{
	struct am_conf *c = b->own;
	const struct am_node *n = NULL;
	const struct am_quiet *q;

	c->quiets = am_arena_zalloc(
	    b->a, (count_of(b, "quiet") + 1) * sizeof(*c->quiets));
	while ((n = am_node_child(b->root, "quiet", n)) != NULL) {
		q = read_quiet(b, n);
		if (q != NULL)
			c->quiets[c->quiets_n++] = q;
	}
	c->people = am_arena_zalloc(
	    b->a, (count_of(b, "person") + 1) * sizeof(*c->people));
	while ((n = am_node_child(b->root, "person", n)) != NULL)
		c->people[c->people_n++] = read_person(b, n);
	while ((n = am_node_child(b->root, "role", n)) != NULL)
		read_role(b, n);
}

const struct am_conf_person *
am_conf_person(const struct am_conf *c, struct am_str name)
{
	for (size_t i = 0; i < c->people_n; i++) {
		if (am_str_is(name, c->people[i]->name))
			return c->people[i];
	}
	return NULL;
}

const struct am_zone *
am_conf_person_zone(const void *conf, struct am_str person)
{
	const struct am_conf_person *p = am_conf_person(conf, person);

	return p != NULL ? p->zone : NULL;
}
