/* figures - see figures.h. */

#include "daemon/figures.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/marks.h"

struct am_figures {
	struct am_figures_user user;
	struct am_report *report;
	struct am_casewalk *walk;
};

static void
ask(void *arg, struct am_batch *b, const struct am_shard *sh)
{
	(void)arg;
	am_marks_ask(b, sh);
}

static void
answer(void *arg, const struct am_batch *b)
{
	struct am_figures *g = arg;

	am_marks_read(am_batch_reply(b, 0), g->report);
}

static bool
wants(void *arg, const struct am_complaint *c)
{
	struct am_figures *g = arg;

	return am_report_wants(g->report, c);
}

static void
each(void *arg, const struct am_casefile *f)
{
	struct am_figures *g = arg;

	am_report_add(g->report, f);
}

static bool
ready(void *arg)
{
	struct am_figures *g = arg;

	return g->user.ready(g->user.arg);
}

static void
done(void *arg, size_t unreachable, int rc)
{
	struct am_figures *g = arg;
	struct am_report *r = g->report;

	if (unreachable != 0) {
		am_report_free(r);
		r = NULL;
	}
	g->user.done(g->user.arg, r, rc, am_casewalk_count(g->walk));
	am_casewalk_free(g->walk);
	free(g);
}

struct am_casewalk *
am_figures_start(struct am_engine *e, const struct am_report_opts *opts,
    const struct am_figures_user *user)
{
	struct am_figures *g = calloc(1, sizeof(*g));
	struct am_report_opts o = *opts;
	const struct am_casewalk_user walk = {
		.ask = ask,
		.answer = answer,
		.wants = wants,
		.each = each,
		.ready = user->ready != NULL ? ready : NULL,
		.done = done,
		.arg = g,
	};

	AM_ASSERT(g != NULL);
	g->user = *user;
	o.kept_since = o.now - e->conf->redis.retain;
	g->report = am_report_new(&o);
	g->walk = am_casewalk_start(e, &walk);
	return g->walk;
}

/* ---- zones ---- */

const struct am_zone *
am_figures_zone(const struct am_conf *conf)
{
	for (size_t i = 1; i < conf->loops_n; i++)
		if (strcmp(conf->loops[i]->timezone,
			conf->loops[0]->timezone) != 0)
			return NULL;
	return conf->loops_n > 0 ? conf->loops[0]->zone : NULL;
}

bool
am_figures_find_zone(
    const struct am_conf *conf, struct am_str name, const struct am_zone **zone)
{
	const struct am_loopdef *def =
	    conf->loops_n > 0 ? conf->loops[0] : NULL;

	*zone = NULL;
	if (am_str_is(name, "UTC"))
		return true;
	if (def != NULL && def->find_zone != NULL)
		*zone = def->find_zone(def->zones, name);
	return *zone != NULL;
}
