/*
 * read_map - how the body of a stranger becomes events.
 *
 * A map is held against the table of events while it is read: an event is made
 * of it with a word in place of every value that only a body has, and judged as
 * one that comes in. What could never be taken is found here and not in the
 * log of the first night.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"

/* What the envelope has beside the fields of each event. */
static const char *const envelope[] = { "complaint_id", "event_id", "source",
	"occurred_at", "actor.id", "actor.role", "expected_version",
	"trace_id" };

int
am_find_event(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_word *w, enum am_event_type *type)
{
	const struct am_event_spec *spec =
	    am_event_spec_by_name(am_str_c(w->s));
	const char *file = am_node_entry(n, key)->file;
	struct am_suggest near;

	if (spec != NULL && spec->inbound) {
		*type = spec->type;
		return 0;
	}
	am_suggest_init(&near, w->s);
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		if (am_event_spec((enum am_event_type)t)->inbound)
			am_suggest_try(
			    &near, am_event_spec((enum am_event_type)t)->name);
	}
	if (spec != NULL)
		am_diag_add(b->d, file, w->line,
		    "%s: %s comes from amends itself; no producer sends it",
		    key, w->s);
	else if (near.best != NULL)
		am_diag_add(b->d, file, w->line,
		    "%s: no event '%.64s'; did you mean '%s'?", key, w->s,
		    near.best);
	else
		am_diag_add(b->d, file, w->line,
		    "%s: no event '%.64s'; write such as complaint.opened, "
		    "amends-events(7) has them all",
		    key, w->s);
	return -AM_EINVAL;
}

/* ---- when ---- */

static void
read_when(struct am_build *b, const struct am_node *n, struct am_conf_map *map)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "when", &w);
	struct am_conf_when *v =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*v));

	for (size_t i = 0; i < count; i++) {
		const char *eq = strchr(w[i].s, '=');
		struct am_str path = { w[i].s,
			eq != NULL ? (size_t)(eq - w[i].s) : 0 };

		v[i].whole = path.n > 0 && path.p[0] == '/';
		if (v[i].whole)
			path = (struct am_str){ path.p + 1, path.n - 1 };
		if (!am_fill_path_ok(path)) {
			am_diag_add(b->d, n->file, w[i].line,
			    "when: '%.60s' is no PATH=VALUE; write such as "
			    "\"status=firing\"",
			    w[i].s);
			continue;
		}
		v[i].path = am_arena_cstr(b->a, path);
		v[i].value = eq + 1;
	}
	map->when = v;
	map->when_n = count;
}

/* ---- set ---- */

static const struct am_field_spec *
field_of(const struct am_event_spec *spec, struct am_str name)
{
	const char *list = memchr(name.p, '[', name.n);

	if (list != NULL)
		name.n = (size_t)(list - name.p);
	for (size_t i = 0; i < spec->fields_n; i++) {
		if (am_str_is(name, spec->fields[i].name))
			return &spec->fields[i];
	}
	return NULL;
}

/* A field that no table has is kept, so one is refused only when it looks like
 * another that is misspelt. */
static const char *
misspelt(const struct am_event_spec *spec, const char *name)
{
	struct am_suggest near;

	am_suggest_init(&near, name);
	for (size_t i = 0; i < AM_COUNT(envelope); i++) {
		if (strcmp(envelope[i], name) == 0)
			return NULL;
		am_suggest_try(&near, envelope[i]);
	}
	if (field_of(spec, am_str_c(name)) != NULL)
		return NULL;
	for (size_t i = 0; i < spec->fields_n; i++)
		am_suggest_try(&near, spec->fields[i].name);
	return near.best;
}

static void
check_field(struct am_build *b, const struct am_node *n, int line,
    const struct am_conf_map *map, const char *field)
{
	const struct am_event_spec *spec = am_event_spec(map->event);
	const char *near = misspelt(spec, field);

	if (strcmp(field, "event") == 0)
		am_diag_add(b->d, n->file, line,
		    "set: the event is a key of the map; write event = "
		    "\"%s\"",
		    spec->name);
	else if (near != NULL)
		am_diag_add(b->d, n->file, line,
		    "set: %s has no field '%.60s'; did you mean '%s'?",
		    spec->name, field, near);
	for (size_t i = 0; i < map->set_n; i++) {
		if (strcmp(map->set[i].field, field) == 0)
			am_diag_add(b->d, n->file, line,
			    "set: %.60s is set twice; remove one", field);
	}
}

static void
read_set(struct am_build *b, const struct am_node *n, struct am_conf_map *map)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "set", &w);
	struct am_conf_set *v = am_arena_zalloc(b->a, (count + 1) * sizeof(*v));
	char why[256];

	map->set = v;
	for (size_t i = 0; i < count; i++) {
		const char *eq = strchr(w[i].s, '=');
		const char *field;

		if (eq == NULL || eq == w[i].s) {
			am_diag_add(b->d, n->file, w[i].line,
			    "set: '%.60s' is no FIELD=TEXT; write such as "
			    "\"summary={annotations.summary}\"",
			    w[i].s);
			continue;
		}
		field = am_arena_cstr(
		    b->a, (struct am_str){ w[i].s, (size_t)(eq - w[i].s) });
		check_field(b, n, w[i].line, map, field);
		if (am_fill_parse(
			b->a, am_str_c(eq + 1), &v[map->set_n].text, why) != 0)
			am_diag_add(b->d, n->file, w[i].line, "set: %.60s: %s",
			    field, why);
		else
			v[map->set_n++].field = field;
	}
}

/* ---- would the event be taken? ---- */

/* The text when it is the same for every body; p NULL: it is not. */
static struct am_str
literal(const struct am_fill *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].path != NULL)
			return (struct am_str){ 0 };
	}
	return f->n > 0 ? f->v[0].literal : AM_STR("");
}

/* A value that a body could give. */
static struct am_str
possible(const struct am_event_spec *spec, const struct am_conf_set *set)
{
	const struct am_field_spec *f = field_of(spec, am_str_c(set->field));
	struct am_str v = literal(set->text);

	if (v.p != NULL)
		return v;
	if (f != NULL && f->one_of != NULL)
		return am_str_c(f->one_of[0]);
	return strcmp(set->field, "actor.role") == 0 ? AM_STR("agent")
						     : AM_STR("1");
}

static void
fill_event(
    struct am_event *ev, struct am_pair *fields, const struct am_conf_map *map)
{
	const struct am_event_spec *spec = am_event_spec(map->event);
	const struct {
		const char *name;
		struct am_str *to;
	} own[] = {
		{ "complaint_id", &ev->complaint_id },
		{ "event_id", &ev->event_id },
		{ "source", &ev->source },
		{ "actor.id", &ev->actor_id },
		{ "actor.role", &ev->actor_role },
		{ "trace_id", &ev->trace_id },
	};

	for (size_t i = 0; i < map->set_n; i++) {
		struct am_str v = possible(spec, &map->set[i]);
		size_t k = 0;

		while (k < AM_COUNT(own) &&
		       strcmp(own[k].name, map->set[i].field) != 0)
			k++;
		if (k < AM_COUNT(own))
			*own[k].to = v;
		else
			fields[ev->fields_n++] =
			    (struct am_pair){ am_str_c(map->set[i].field), v };
	}
}

static const struct am_conf_set *
set_of(const struct am_conf_map *map, const char *field)
{
	for (size_t i = 0; i < map->set_n; i++) {
		if (strcmp(map->set[i].field, field) == 0)
			return &map->set[i];
	}
	return NULL;
}

static void
judge_event(struct am_build *b, const struct am_node *n,
    const struct am_conf_producer *p, const struct am_conf_map *map)
{
	const struct am_conf_set *source = set_of(map, "source");
	struct am_event ev = { .type = map->event, .expected_version = -1 };
	struct am_reject why = { 0 };
	struct am_pair *fields =
	    am_arena_zalloc(b->a, (map->set_n + 1) * sizeof(*fields));

	fill_event(&ev, fields, map);
	ev.fields = fields;
	if (am_event_check(&ev, &why) != 0)
		am_fault(b, n, "set", "map \"%s\": %.*s: %s", map->name,
		    AM_ARG(why.field), why.text);
	if (source != NULL && am_str_is(literal(source->text), "amends"))
		am_fault(b, n, "set",
		    "set: source amends is the name of what the daemon says "
		    "itself; write another");
	if ((p->events & UINT64_C(1) << map->event) == 0)
		am_fault(b, n, "event",
		    "event: %s is not among the events that producer \"%s\" "
		    "may send; add it to events, or remove the map",
		    am_event_spec(map->event)->name, p->name);
	if (set_of(map, "event_id") != NULL)
		return;
	if (p->each != NULL)
		am_fault(b, n, "set",
		    "map \"%s\": without event_id all elements of one request "
		    "would be the same event; add such as "
		    "\"event_id={id}\"",
		    map->name);
	else if (p->scheme != AM_PRODUCER_STANDARD_WEBHOOKS &&
		 p->signature.id_header == NULL && !p->idempotency_required)
		am_warn(b, n->file, n->line,
		    "map \"%s\": no event_id is set; a request without "
		    "Idempotency-Key will be refused",
		    map->name);
}

static void
read_map(struct am_build *b, const struct am_node *n,
    const struct am_conf_producer *p, struct am_conf_map *map)
{
	const struct am_entry *event = am_node_entry(n, "event");
	size_t faults = b->d->n;

	map->name = n->title;
	map->file = n->file;
	map->line = n->line;
	read_when(b, n, map);
	if (event == NULL) {
		am_fault(b, n, NULL,
		    "map \"%s\" has no event; write such as event = "
		    "\"complaint.opened\"",
		    n->title);
		return;
	}
	if (am_find_event(b, n, "event", &event->words[0], &map->event) != 0)
		return;
	read_set(b, n, map);
	if (b->d->n == faults)
		judge_event(b, n, p, map);
}

void
am_read_maps(
    struct am_build *b, const struct am_node *n, struct am_conf_producer *p)
{
	const struct am_node *m = NULL;
	struct am_conf_map *v;
	size_t count = 0;

	while ((m = am_node_child(n, "map", m)) != NULL)
		count++;
	v = am_arena_zalloc(b->a, (count + 1) * sizeof(*v));
	while ((m = am_node_child(n, "map", m)) != NULL) {
		if (p->maps_n > 0 && v[p->maps_n - 1].when_n == 0)
			am_fault(b, m, NULL,
			    "map \"%s\" is never reached, for \"%s\" before it "
			    "has no when; put it first",
			    m->title, v[p->maps_n - 1].name);
		read_map(b, m, p, &v[p->maps_n++]);
	}
	p->maps = v;
	if (p->batch && count > 0)
		am_fault(b, n, "batch",
		    "batch: a producer with maps sends no CloudEvents; remove "
		    "it, and name the array by each");
}
