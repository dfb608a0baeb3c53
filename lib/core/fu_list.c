/*
 * fu_list - follow-ups that have not ended: their order, and what makes way.
 *
 * The complaint lists them, oldest first. One follow-up of a complaint and
 * endpoint is let into the outbox at a time, the next when it has ended, or
 * when its provider has it and only a receipt is still waited for: receivers
 * see them in order, and one that is superseded while it stands behind another
 * never touched the outbox. What is made and superseded within
 * one step leaves only its notes.
 */

#include "core/fu.h"

#include <string.h>

#include "base/str.h"

static void
own(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting *w;

	if (a->waiting_mine)
		return;
	w = am_arena_alloc(a->up->arena, AM_WAITING_MAX * sizeof(*w));
	if (c->waiting_n > 0)
		memcpy(w, c->waiting, c->waiting_n * sizeof(*w));
	c->waiting = w;
	a->waiting_mine = true;
}

struct am_waiting *
am_fu_find(const struct am_complaint *c, const uint8_t id[16])
{
	for (size_t i = 0; i < c->waiting_n; i++) {
		if (memcmp(c->waiting[i].id, id, 16) == 0)
			return &c->waiting[i];
	}
	return NULL;
}

/* The follow-up of that id that this step has made, not dead; or NULL. */
static struct am_followup *
find_born(const struct am_act *a, const uint8_t id[16])
{
	struct am_followup *f = a->up->followups;

	while (f != NULL && (f->dead || memcmp(f->id, id, 16) != 0))
		f = f->next;
	return f;
}

static struct am_fu_change *
add_change(struct am_act *a, const struct am_waiting *w)
{
	struct am_fu_change *ch = am_arena_zalloc(a->up->arena, sizeof(*ch));

	memcpy(ch->id, w->id, 16);
	ch->endpoint = w->endpoint;
	ch->class = w->class;
	*a->up->changes_tail = ch;
	a->up->changes_tail = &ch->next;
	return ch;
}

void
am_fu_leave(struct am_act *a, const struct am_waiting *w, const char *state,
    const char *reason)
{
	struct am_fu_change *ch = add_change(a, w);

	ch->state = state;
	ch->reason = reason;
}

void
am_fu_add(struct am_act *a, const struct am_waiting *w)
{
	struct am_complaint *c = &a->up->next;

	AM_ASSERT(c->waiting_n < AM_WAITING_MAX);
	own(a);
	c->waiting[c->waiting_n++] = *w;
}

static void
remove_at(struct am_act *a, size_t i)
{
	struct am_complaint *c = &a->up->next;

	own(a);
	c->waiting_n--;
	memmove(&c->waiting[i], &c->waiting[i + 1],
	    (c->waiting_n - i) * sizeof(c->waiting[0]));
}

void
am_fu_remove(struct am_act *a, const uint8_t id[16])
{
	struct am_waiting *w = am_fu_find(&a->up->next, id);

	if (w != NULL)
		remove_at(a, (size_t)(w - a->up->next.waiting));
}

void
am_fu_release(struct am_act *a, struct am_str endpoint)
{
	struct am_complaint *c = &a->up->next;

	for (size_t i = 0; i < c->waiting_n; i++) {
		struct am_fu_change *ch;
		struct am_followup *f;

		if (c->waiting[i].handed ||
		    !am_str_eq(c->waiting[i].endpoint, endpoint))
			continue;
		if (c->waiting[i].queued)
			return;
		own(a);
		c->waiting[i].queued = true;
		if (c->waiting[i].in_flight)
			return; /* it went ahead of its turn */
		f = find_born(a, c->waiting[i].id);
		if (f != NULL) {
			f->queued = true;
			return;
		}
		ch = add_change(a, &c->waiting[i]);
		ch->release = true;
		ch->at =
		    am_fu_waiting_opening(a->def, c, &c->waiting[i], a->now);
		return;
	}
}

void
am_fu_hand(struct am_act *a, const uint8_t id[16])
{
	struct am_waiting *w;

	own(a);
	w = am_fu_find(&a->up->next, id);
	w->handed = w->queued = true;
	am_fu_release(a, w->endpoint);
}

static void
unlink_born(struct am_act *a, struct am_followup *f)
{
	struct am_followup **at = &a->up->followups;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (a->up->followups_tail == &f->next)
		a->up->followups_tail = at;
}

/* Take waiting[i] out, unsent. */
static void
drop(struct am_act *a, size_t i, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting w = c->waiting[i];
	struct am_followup *f = find_born(a, w.id);
	struct am_note *n = am_act_note(a, "followup.suppressed");

	am_note_str(n, "followup", am_fu_id_text(a, w.id));
	am_note_str(n, "endpoint", w.endpoint);
	am_note_c(n, "clock", a->def->clocks[w.clock].name);
	am_note_c(n, "reason", reason);
	am_tally_day(a, "suppressed", NULL);
	remove_at(a, i);
	if (f != NULL)
		unlink_born(a, f);
	else
		am_fu_leave(a, &w, "suppressed", reason);
}

static void
release_all(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	for (size_t i = 0; i < c->waiting_n; i++)
		am_fu_release(a, c->waiting[i].endpoint);
}

/* Drop what waits unsent and is `which`. */
static void
drop_which(struct am_act *a,
    bool (*which)(
	const struct am_act *, const struct am_waiting *, size_t clock),
    size_t clock, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	bool dropped = false;

	for (size_t i = 0; i < c->waiting_n;) {
		const struct am_waiting *w = &c->waiting[i];

		if (am_fu_is_out(w) || !which(a, w, clock)) {
			i++;
			continue;
		}
		drop(a, i, reason);
		dropped = true;
	}
	if (dropped)
		release_all(a);
}

static bool
is_of_clock(const struct am_act *a, const struct am_waiting *w, size_t clock)
{
	(void)a;
	return w->clock == clock;
}

static bool
is_rung_of_clock(
    const struct am_act *a, const struct am_waiting *w, size_t clock)
{
	(void)a;
	return w->clock == clock && w->rung < AM_RUNG_NOTICE;
}

/* Not what a closed complaint's customer has still to hear. */
static bool
is_needless(const struct am_act *a, const struct am_waiting *w, size_t clock)
{
	const struct am_complaint *c = &a->up->next;

	(void)clock;
	return c->status != AM_CLOSED || am_fu_over(c, w);
}

static bool
is_to_customer(const struct am_act *a, const struct am_waiting *w, size_t clock)
{
	(void)clock;
	return am_fu_role(a->def, &a->up->next, w->clock, w->rung) ==
	       AM_ROLE_CUSTOMER;
}

void
am_fu_drop_clock(struct am_act *a, size_t clock, const char *reason)
{
	drop_which(a, is_of_clock, clock, reason);
}

void
am_fu_drop_rungs(struct am_act *a, size_t clock, const char *reason)
{
	drop_which(a, is_rung_of_clock, clock, reason);
}

void
am_fu_drop_all(struct am_act *a, const char *reason)
{
	drop_which(a, is_needless, 0, reason);
}

void
am_fu_drop_customers(struct am_act *a, const char *reason)
{
	drop_which(a, is_to_customer, 0, reason);
}

/* ---- what makes way for a higher one ---- */

/* The question of the confirm stage, or the written notice, which asks it. */
static bool
is_question(const struct am_loopdef *def, const struct am_waiting *w)
{
	const struct am_clockdef *d = &def->clocks[w->clock];

	return w->clock != AM_CLOCK_SILENCE && w->rung < d->rungs_n &&
	       d->rungs[w->rung].reason == AM_REASON_ASK;
}

/*
 * Does f, about to be made, take the place of w: a lower rung of its clock,
 * entry and role. What waits at another endpoint was sent on purpose; but when
 * this very wake-up has found several that should have fired one after the
 * other, the highest says it all.
 */
static bool
makes_way(struct am_act *a, const struct am_waiting *w,
    const struct am_followup *f, const char **reason)
{
	const struct am_followup *born = find_born(a, w->id);
	bool missed = a->ev->type == AM_EV_WAKE && born != NULL;

	*reason = missed ? "collapsed" : "superseded";
	if (am_fu_is_out(w) || w->clock != f->clock || w->entry != f->entry ||
	    w->rung >= f->rung || is_question(a->def, w) ||
	    am_fu_role(a->def, &a->up->next, w->clock, w->rung) != f->to)
		return false;
	return am_str_eq(w->endpoint, f->endpoint) ||
	       (missed && born->due_at < f->due_at);
}

void
am_fu_supersede(struct am_act *a, const struct am_followup *f)
{
	struct am_complaint *c = &a->up->next;
	const char *reason;
	bool dropped = false;

	for (size_t i = 0; i < c->waiting_n;) {
		if (makes_way(a, &c->waiting[i], f, &reason)) {
			drop(a, i, reason);
			dropped = true;
		} else {
			i++;
		}
	}
	if (dropped)
		release_all(a);
}

/* What the customer should hear of first. */
static unsigned
rank(const struct am_loopdef *def, const struct am_waiting *w)
{
	if (is_question(def, w))
		return 4000;
	if (am_fu_is_recourse(def, w->clock, w->rung))
		return 3000;
	if (w->rung >= AM_RUNG_NOTICE)
		return 2000u + w->clock;
	return w->clock * (unsigned)AM_RUNGS_MAX + w->rung;
}

static bool
is_for_customer(struct am_act *a, const struct am_waiting *w)
{
	return am_fu_role(a->def, &a->up->next, w->clock, w->rung) ==
	       AM_ROLE_CUSTOMER;
}

/* Has the customer been kept waiting for something that this step made? */
static bool
is_catchup(const struct am_act *a)
{
	for (const struct am_followup *f = a->up->followups; f != NULL;
	     f = f->next)
		if (f->catchup && !f->dead && f->to == AM_ROLE_CUSTOMER)
			return true;
	return false;
}

/* A higher rung may have fired before a lower one, when its action has made
 * that one count. */
static void
collapse_ladders(struct am_act *a)
{
	for (const struct am_followup *f = a->up->followups; f != NULL;
	     f = f->next)
		if (!f->dead)
			am_fu_supersede(a, f);
}

/*
 * Recourse is owed by law and is not let go for the sake of quiet: behind the
 * question it goes out an hour later.
 */
static void
put_off(struct am_act *a, const struct am_waiting *w)
{
	struct am_followup *f = find_born(a, w->id);
	struct am_note *n;

	if (f == NULL || f->not_before > a->now + AM_HOUR)
		return;
	f->not_before = a->now + AM_HOUR;
	n = am_act_note(a, "followup.waiting");
	am_note_str(n, "followup", am_fu_id_text(a, w->id));
	am_note_str(n, "endpoint", w->endpoint);
	am_note_c(n, "clock", a->def->clocks[w->clock].name);
	am_note_c(n, "held", "catchup");
	am_note_int(a, n, "until", f->not_before);
}

/*
 * After an outage the customer gets one message of all that waits, the most
 * telling. At other times only a question does away with the reminders that
 * fall due with it.
 */
static void
leave_one_for_customer(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	bool catchup = is_catchup(a), dropped = false;
	unsigned most = 0;
	uint8_t best[16] = { 0 };

	for (size_t i = 0; i < c->waiting_n; i++) {
		const struct am_waiting *w = &c->waiting[i];

		if (!w->handed && is_for_customer(a, w) &&
		    rank(a->def, w) >= most) {
			most = rank(a->def, w);
			memcpy(best, w->id, sizeof(best));
		}
	}
	for (size_t i = 0; i < c->waiting_n;) {
		struct am_waiting w = c->waiting[i];

		if (am_fu_is_out(&w) || !is_for_customer(a, &w) ||
		    memcmp(w.id, best, sizeof(best)) == 0 ||
		    (!catchup && (most < 4000 || rank(a->def, &w) >= 2000 ||
				     find_born(a, w.id) == NULL))) {
			i++;
			continue;
		}
		if (am_fu_is_recourse(a->def, w.clock, w.rung)) {
			put_off(a, &w);
			i++;
			continue;
		}
		drop(a, i, "collapsed");
		am_fu_heard(a, w.clock, w.rung, false, false);
		dropped = true;
	}
	if (dropped)
		release_all(a);
}

void
am_fu_collapse(struct am_act *a)
{
	if (a->up->followups == NULL)
		return;
	collapse_ladders(a);
	leave_one_for_customer(a);
}
