/*
 * verbs_plan - what will fire, when, to whom, if nothing happens (AU4). The
 * rows are journal lines of the future, see sim/row.h.
 */

#include "daemon/view.h"
#include "sim/plan.h"
#include "sim/row.h"

#define AHEAD (366 * AM_DAY)
#define ROWS_DEFAULT 100

static void
print_step(void *arg, const struct am_told *t)
{
	struct view *v = arg;

	am_buf_reset(&v->line);
	am_row_add(&v->line, t);
	am_ctl_line(v->call, am_buf_str(&v->line));
}

static void
plan(struct view *v, struct am_batch *rb)
{
	am_ms now = am_engine_now();
	bool more = false;

	(void)rb;
	if (am_plan(v->def, v->c, now, now + AHEAD,
		am_view_limit(v, ROWS_DEFAULT), print_step, v, &more) != 0)
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "the record of %.*s breaks a rule of its loop; it is "
		    "parked when it is next worked on",
		    AM_ARG(v->id));
	else
		am_ctl_end(v->call, AM_EXIT_OK,
		    "if nothing happens, and every follow-up is delivered at "
		    "once%s",
		    more ? "; there is more, see --limit" : "");
	am_view_drop(v);
}

void
am_verb_plan(struct view *v)
{
	am_view_complaint(v, plan);
}
