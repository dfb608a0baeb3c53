/* plan - see plan.h. */

#include "sim/plan.h"

#include "base/str.h"
#include "sim/row.h"

struct plan {
	struct am_str id;
	size_t left; /* rows that may still be told */
	bool more;
	void (*told)(void *arg, const struct am_told *t);
	void *arg;
};

static void
on_told(void *arg, const struct am_told *t)
{
	struct plan *p = arg;

	/* what it would cause for other complaints is not its own plan */
	if (!am_str_eq(t->id, p->id) || !am_row_tells(t))
		return;
	if (p->left == 0) {
		p->more = true;
		return;
	}
	p->left--;
	p->told(p->arg, t);
}

int
am_plan(const struct am_loopdef *def, const struct am_complaint *c, am_ms now,
    am_ms until, size_t max, void (*told)(void *arg, const struct am_told *t),
    void *arg, bool *more)
{
	struct plan p = { c->id, max, false, told, arg };
	const struct am_world_opts opts = { .told = on_told, .arg = &p };
	struct am_world *w = am_world_new(&opts, now);
	int rc = am_world_put(w, def, c);

	while (rc == 0 && !p.more && am_world_step(w, until))
		continue;
	if (rc == 0)
		*more = p.more || am_world_next(w) != AM_NEVER;
	am_world_free(w);
	return rc;
}
