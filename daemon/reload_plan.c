/* reload_plan - see reload_plan.h. */

#include "daemon/reload_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static bool
is_counted(const char *type)
{
	static const char *const types[] = { "loop", "calendar", "endpoint",
		"message" };

	for (size_t i = 0; i < AM_COUNT(types); i++) {
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

static void
on_change(
    void *arg, const char *type, const char *name, enum am_conf_change change)
{
	struct am_reload_plan *p = arg;

	p->rows = realloc(p->rows, (p->n + 1) * sizeof(*p->rows));
	AM_ASSERT(p->rows != NULL);
	p->rows[p->n++] = (struct am_reload_row){ .type = type,
		.name = name,
		.change = change,
		.counted = is_counted(type) };
}

/* By type, then by name: two runs of it read alike. */
static int
by_name(const void *x, const void *y)
{
	const struct am_reload_row *a = x, *b = y;
	int type = strcmp(a->type, b->type);

	return type != 0 ? type : strcmp(a->name, b->name);
}

struct am_reload_plan *
am_reload_plan_new(struct am_conf *was, struct am_conf *now)
{
	struct am_reload_plan *p = calloc(1, sizeof(*p));

	AM_ASSERT(p != NULL);
	p->was = am_conf_ref(was);
	p->now = am_conf_ref(now);
	am_conf_diff(was, now, on_change, p);
	if (p->n > 0)
		qsort(p->rows, p->n, sizeof(*p->rows), by_name);
	return p;
}

void
am_reload_plan_free(struct am_reload_plan *p)
{
	if (p == NULL)
		return;
	am_conf_unref(p->was);
	am_conf_unref(p->now);
	free(p->rows);
	free(p);
}

static bool
rung_uses(const struct am_rungdef *r, const struct am_reload_row *row)
{
	if (strcmp(row->type, "message") == 0)
		return r->message_name != NULL &&
		       strcmp(r->message_name, row->name) == 0;
	if (strcmp(row->type, "endpoint") != 0)
		return false;
	for (size_t i = 0; i < r->via_n; i++) {
		if (strcmp(r->via[i].endpoint, row->name) == 0)
			return true;
	}
	return false;
}

static bool
uses(const struct am_loopdef *def, const struct am_reload_row *row)
{
	for (size_t i = 0; i < AM_COUNT(def->clocks); i++) {
		const struct am_clockdef *k = &def->clocks[i];

		if (k->calendar_name != NULL &&
		    strcmp(row->type, "calendar") == 0 &&
		    strcmp(k->calendar_name, row->name) == 0)
			return true;
		for (size_t r = 0; r < k->rungs_n; r++) {
			if (rung_uses(&k->rungs[r], row))
				return true;
		}
	}
	return false;
}

static bool
is_ref_of(const char *ref, const char *loop)
{
	size_t n = strlen(loop);

	return strncmp(ref, loop, n) == 0 && ref[n] == '@';
}

void
am_reload_plan_use(struct am_reload_plan *p, const char *ref,
    const struct am_loopdef *def, int64_t open)
{
	for (size_t i = 0; i < p->n; i++) {
		struct am_reload_row *row = &p->rows[i];

		if (strcmp(row->type, "loop") == 0
			? is_ref_of(ref, row->name)
			: def != NULL && row->counted && uses(def, row))
			row->open += open;
	}
}
