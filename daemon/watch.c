/* watch - what a turn has done, counted when it is committed. */

#include "daemon/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/watch_int.h"
#include "log/log.h"

/* One count or one value, on the turn's arena. */
struct am_watched {
	struct am_watched *next;
	enum am_metric metric;
	const char *labels[AM_METRIC_LABELS];
	double value;
};

static const struct timeval each_second = { .tv_sec = 1 };

/* ---- the loop's lag ---- */

static void
on_second(evutil_socket_t fd, short what, void *arg)
{
	struct am_watch *w = arg;
	am_ms now = am_engine_monotonic();

	(void)fd;
	(void)what;
	am_metrics_see(w->metrics, AM_M_LOOP_LAG, NULL,
	    (double)(now - w->ticked_at - AM_SECOND) / AM_SECOND);
	w->ticked_at = now;
	event_add(w->tick, &each_second);
}

struct am_watch *
am_watch_new(struct am_engine *e)
{
	struct am_watch *w = calloc(1, sizeof(*w));

	AM_ASSERT(w != NULL);
	w->metrics = am_metrics_new();
	w->ticked_at = am_engine_monotonic();
	w->tick = event_new(e->base, -1, 0, on_second, w);
	AM_ASSERT(w->tick != NULL);
	event_add(w->tick, &each_second);
	return w;
}

void
am_watch_free(struct am_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->tick);
	am_metrics_free(w->metrics);
	free(w);
}

/* ---- in a turn ---- */

static struct am_watched *
note(struct am_turn *t, enum am_metric metric, double value)
{
	struct am_watched *w = am_arena_zalloc(&t->arena, sizeof(*w));

	w->metric = metric;
	w->value = value;
	w->next = t->watched;
	t->watched = w;
	return w;
}

static const char *
loop_label(const struct am_turn *t, const struct am_loopdef *def)
{
	return am_conf_loop(t->sh->engine->conf, am_str_c(def->name)) != NULL
		   ? def->name
		   : AM_OTHER;
}

static const char *
said(const struct am_note *n, const char *key, struct am_arena *a)
{
	for (size_t i = 0; i < n->pairs_n; i++)
		if (am_str_is(n->pairs[i].key, key))
			return am_arena_cstr(a, n->pairs[i].value);
	return "";
}

/* One of the loop's stages, or of the clocks that its keys make. */
static void
stage_met(struct am_turn *t, const struct am_loopdef *def,
    const struct am_update *up, const struct am_note *n)
{
	const char *stage = said(n, "stage", &t->arena);

	for (size_t i = 0; i < def->stages_n; i++) {
		const struct am_clock *k =
		    &up->next.clocks[AM_CLOCK_STAGE0 + i];
		struct am_watched *w;

		if (strcmp(stage, def->stages[i].name) != 0)
			continue;
		w = note(
		    t, AM_M_STAGE_DURATION, (double)k->consumed / AM_SECOND);
		w->labels[0] = loop_label(t, def);
		w->labels[1] = def->stages[i].name;
	}
}

static void
watch_note(struct am_turn *t, const struct am_loopdef *def,
    const struct am_update *up, const struct am_note *n)
{
	static const struct {
		const char *note, *key; /* key: of the second label */
		enum am_metric metric;
	} counted[] = {
		{ "complaint.opened", NULL, AM_M_OPENED },
		{ "customer.answered", "verdict", AM_M_CONFIRMATIONS },
		{ "loop.closed", "outcome", AM_M_CLOSED },
		{ "followup.queued", "reason", AM_M_FIRED },
		{ "deadline.missed", "clock", AM_M_BREACHES },
	};
	struct am_watched *w;

	if (strcmp(n->name, "stage.met") == 0) {
		stage_met(t, def, up, n);
		return;
	}
	for (size_t i = 0; i < AM_COUNT(counted); i++) {
		if (strcmp(n->name, counted[i].note) != 0)
			continue;
		w = note(t, counted[i].metric, 1);
		w->labels[0] = loop_label(t, def);
		if (counted[i].key != NULL)
			w->labels[1] = said(n, counted[i].key, &t->arena);
		w->labels[2] = up->next.tier < def->tiers_n
				   ? def->tiers[up->next.tier]
				   : AM_OTHER;
		return;
	}
}

void
am_watch_end(struct am_turn *t, struct am_str endpoint, const char *outcome)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, endpoint);
	struct am_watched *w = note(t, AM_M_FOLLOWUPS, 1);

	w->labels[0] = ep != NULL ? am_endpoint_type_str(ep->type) : AM_OTHER;
	w->labels[1] =
	    ep != NULL ? am_arena_cstr(&t->arena, endpoint) : AM_OTHER;
	w->labels[2] = outcome;
}

void
am_watch_step(struct am_turn *t, const struct am_loopdef *def,
    const struct am_event *ev, const struct am_update *up)
{
	struct am_watched *w;

	if (up->verdict != AM_APPLIED)
		return;
	for (const struct am_note *n = up->notes; n != NULL; n = n->next)
		watch_note(t, def, up, n);
	for (const struct am_followup *f = up->followups; f != NULL;
	     f = f->next) {
		if (ev->type == AM_EV_WAKE)
			(void)note(t, AM_M_LATENESS,
			    (double)(f->fired_at - f->due_at) / AM_SECOND);
		if (!f->dead)
			continue; /* its note has the reason */
		w = note(t, AM_M_FIRED, 1);
		w->labels[0] = loop_label(t, def);
		w->labels[1] = am_reason_str(f->reason);
		am_watch_end(t, f->endpoint, "dead");
	}
	for (const struct am_fu_change *f = up->changes; f != NULL; f = f->next)
		if (!f->release)
			am_watch_end(t, f->endpoint, f->state);
}

void
am_watch_attempt(struct am_turn *t, const struct am_sending *s)
{
	static const char *const results[] = {
		[AM_SEND_OK] = "ok",
		[AM_SEND_RETRY] = "retry",
		[AM_SEND_THROTTLE] = "throttle",
		[AM_SEND_PERMANENT] = "permanent",
		[AM_SEND_UNCERTAIN] = "uncertain",
		[AM_SEND_CANCELED] = "canceled",
	};
	bool known = am_conf_endpoint(
			 t->sh->engine->conf, am_str_c(s->endpoint)) != NULL;
	const char *endpoint =
	    known ? am_arena_cstr(&t->arena, am_str_c(s->endpoint)) : AM_OTHER;
	struct am_watched *w = note(t, AM_M_ATTEMPTS, 1);

	w->labels[0] = endpoint;
	w->labels[1] = results[s->result.class];
	if (s->result.class == AM_SEND_CANCELED)
		return;
	w = note(t, AM_M_ATTEMPT_DURATION, (double)s->result.took / AM_SECOND);
	w->labels[0] = endpoint;
}

static void
see_ages(struct am_metrics *m, const struct am_turn *t)
{
	am_ms now = am_engine_now();

	for (size_t i = 0; i < t->entries_n; i++)
		if (t->rejects[i] == NULL)
			am_metrics_see(m, AM_M_EVENT_AGE, NULL,
			    (double)(now - t->events[i].at) / AM_SECOND);
}

void
am_watch_committed(struct am_turn *t)
{
	struct am_metrics *m = t->sh->engine->watch->metrics;

	for (const struct am_watched *w = t->watched; w != NULL; w = w->next)
		if (am_metric_def(w->metric)->type == AM_HISTOGRAM)
			am_metrics_see(m, w->metric, w->labels, w->value);
		else
			am_metrics_add(m, w->metric, w->labels, w->value);
	if (t->kind == AM_TURN_EVENTS && !t->empty)
		see_ages(m, t);
}
