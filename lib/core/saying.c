/*
 * saying - see saying.h. The ways are asked for as the step would ask, for
 * every clock, role and tier that there is: a second reading of the rules by
 * which a follow-up borrows its channels would part from them.
 */

#include "core/saying.h"
#include "core/fu.h"

struct ways {
	const struct am_loopdef *def;
	struct am_complaint c; /* any one: a tier, and what it is held for */
	struct am_saying_way *v;
	size_t n;
};

static void
add_way(struct ways *w, size_t clock, size_t rung)
{
	struct am_fu_way way = am_fu_way(w->def, &w->c, clock, (uint8_t)rung);

	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].way.via == way.via && w->v[i].way.to == way.to)
			return;
	}
	if (way.n > 0)
		w->v[w->n++] =
		    (struct am_saying_way){ clock, (uint8_t)rung, way };
}

/* A rung that is told out of turn what the notice says: see am_fu_rung_told().
 */
static bool
is_told(const struct am_loopdef *def, size_t notice, size_t clock,
    const struct am_rungdef *r)
{
	size_t stages = AM_CLOCK_STAGE0 + def->stages_n;

	if (clock < AM_CLOCK_STAGE0 || clock >= stages || r->via_n == 0 ||
	    r->to == AM_ROLE_CUSTOMER)
		return false;
	return notice == AM_NOTICE_CONTRADICTION
		   ? clock + 1 == stages
		   : notice == AM_NOTICE_UNOWNED && r->to != AM_ROLE_OWNER;
}

static void
add_notice(struct ways *w, enum am_notice notice)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clockdef *d = &w->def->clocks[i];

		for (size_t r = 0; r < d->rungs_n; r++)
			if (is_told(w->def, notice, i, &d->rungs[r]))
				add_way(w, i, r);
		for (enum am_role to = 0; to < AM_ROLES_N; to++)
			if (am_notice_hangs_on(w->def, notice, i) &&
			    am_notice_is_for(notice, to))
				add_way(w, i, am_notice_rung(notice, to));
	}
}

/* The rungs that rules make. */
static void
add_rungs(struct ways *w, enum am_saying saying)
{
	size_t clock =
	    saying == AM_SAYING_REMINDER ? AM_CLOCK_SILENCE
	    : saying == AM_SAYING_NOTICE || saying == AM_SAYING_ATTEMPT
		? AM_CLOCK_CALLBACK
		: AM_CLOCK_HOLD;
	const struct am_clockdef *d = &w->def->clocks[clock];

	w->c.flags = saying == AM_SAYING_HOLD ? AM_CF_WAITS_CUSTOMER : 0;
	for (size_t r = 0; r < d->rungs_n; r++)
		if (clock != AM_CLOCK_CALLBACK ||
		    d->rungs[r].told == (saying == AM_SAYING_NOTICE))
			add_way(w, clock, r);
}

const char *
am_saying_missing(const struct am_loopdef *def, size_t saying)
{
	size_t i = 0;

	switch (saying) {
	case AM_NOTICE_EXTENDED:
		return def->max_extensions == 0 ? "max_extensions" : NULL;
	case AM_NOTICE_WITHDRAWN:
		return def->notify_withdrawal ? NULL : "notify_withdrawal";
	case AM_NOTICE_UNOWNED:
		while (i < AM_CLOCKS_MAX &&
		       !am_notice_hangs_on(def, AM_NOTICE_UNOWNED, i))
			i++;
		return i < AM_CLOCKS_MAX ? NULL : "unowned_max";
	case AM_SAYING_HOLD:
	case AM_SAYING_HOLD_OWNER:
		return def->clocks[AM_CLOCK_HOLD].in_use ? NULL
							 : "hold_reminders";
	case AM_SAYING_ATTEMPT:
		return def->stages[def->stages_n - 1].attempts_n > 0
			   ? NULL
			   : "attempts";
	default:
		return NULL;
	}
}

size_t
am_saying_ways(const struct am_loopdef *def, size_t saying, struct am_arena *a,
    const struct am_saying_way **ways)
{
	struct ways w = { .def = def };
	size_t rungs = 0;

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		rungs += def->clocks[i].rungs_n;
	/* each for each role: a rung lends its channels to any */
	w.v = am_arena_alloc(a, (rungs * AM_ROLES_N + 1) * sizeof(*w.v));
	for (size_t i = 0;
	     i < def->tiers_n && am_saying_missing(def, saying) == NULL; i++) {
		w.c.tier = (uint8_t)i;
		if (saying < AM_NOTICES_N)
			add_notice(&w, (enum am_notice)saying);
		else
			add_rungs(&w, (enum am_saying)saying);
	}
	*ways = w.v;
	return w.n;
}
