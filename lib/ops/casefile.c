/*
 * casefile - see casefile.h.
 *
 * The journal is read, not replayed: a replay proves that nothing was changed,
 * needs every calendar as it was once, and costs five times as much. What the
 * notes do not say, the working time of a stage, is the record's where it is
 * still there and by the calendar in force else.
 */

#include "ops/casefile.h"

#include <string.h>

#include "base/str.h"
#include "codec/journal.h"
#include "core/clock.h"

/* ---- notes ---- */

static struct am_str
said(const struct am_note *n, const char *key)
{
	for (size_t i = 0; i < n->pairs_n; i++) {
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	}
	return AM_STR("");
}

static bool
is_yes(const struct am_note *n, const char *key)
{
	return am_str_is(said(n, key), "yes");
}

/* 0 when it is not there. */
static am_ms
instant(const struct am_note *n, const char *key)
{
	am_ms t;

	return am_str_i64(said(n, key), &t) == 0 ? t : 0;
}

/* ---- entries of stages ---- */

static int
slot_of(const struct am_casefile *f, struct am_str stage)
{
	int i = f->def != NULL ? am_loopdef_stage(f->def, stage) : -1;

	return i < 0 ? -1 : AM_CLOCK_STAGE0 + i;
}

static const struct am_calendar *
calendar_of(const struct am_casefile *f, int slot)
{
	return slot >= 0 ? am_clock_calendar(f->def, f->c, (size_t)slot) : NULL;
}

/* The entry of that stage that goes on. */
static struct am_casefile_stage *
going_on(const struct am_casefile *f, struct am_str name)
{
	struct am_casefile_stage *s = f->stages;

	while (s != NULL && (s->ended_at != 0 || !am_str_eq(s->name, name)))
		s = s->next;
	return s;
}

static struct am_casefile_stage *
add_stage(struct am_casefile *f, struct am_str name, am_ms at, bool ran)
{
	struct am_casefile_stage *s = am_arena_zalloc(f->a, sizeof(*s));
	uint16_t cycle = 1;

	for (const struct am_casefile_stage *p = f->stages; p != NULL;
	     p = p->next)
		cycle = p->cycle;
	s->name = am_arena_dup(f->a, name);
	s->slot = slot_of(f, name);
	s->cycle = cycle;
	s->started_at = at;
	s->ran = ran;
	s->verdict = "active";
	s->how = AM_STR("");
	if (cycle == 1 && s->slot >= 0 &&
	    f->def->clocks[s->slot].from_receipt) {
		s->started_at = f->c->opened_at;
		s->ran = true;
	}
	*f->tail = s;
	f->tail = &s->next;
	return s;
}

/* The one that goes on, or one that was settled before it had begun. */
static struct am_casefile_stage *
settled(struct am_casefile *f, struct am_str name, am_ms at)
{
	struct am_casefile_stage *s = going_on(f, name);

	return s != NULL ? s : add_stage(f, name, at, false);
}

static void
end_stage(struct am_casefile *f, struct am_casefile_stage *s, am_ms at,
    const char *verdict)
{
	s->ended_at = at;
	s->verdict = s->missed ? "missed" : verdict;
	if (s->ran)
		s->took = am_calendar_span(
			      calendar_of(f, s->slot), s->started_at, at) -
			  s->held;
	if (s->took < 0)
		s->took = 0;
}

static void
end_all(struct am_casefile *f, am_ms at)
{
	for (struct am_casefile_stage *s = f->stages; s != NULL; s = s->next) {
		if (s->ended_at == 0)
			end_stage(f, s, at, "over");
	}
}

/* ---- what notes say ---- */

struct at {
	const struct am_journal_entry *e;
	const struct am_note *n;
	am_ms t;
};

static void
on_opened(struct am_casefile *f, const struct at *w)
{
	if (f->tier.n == 0)
		f->tier = am_arena_dup(f->a, said(w->n, "tier"));
	f->channel = am_arena_dup(f->a, am_event_get(&w->e->event, "channel"));
}

static void
on_updated(struct am_casefile *f, const struct at *w)
{
	if (f->def == NULL && said(w->n, "tier").n > 0)
		f->tier = am_arena_dup(f->a, said(w->n, "tier"));
}

static void
on_acknowledged(struct am_casefile *f, const struct at *w)
{
	if (f->acked_at != 0)
		return;
	f->acked_at = w->t;
	f->acked_late = is_yes(w->n, "late");
	f->late_promise |= f->acked_late || is_yes(w->n, "late_original");
}

static void
on_entered(struct am_casefile *f, const struct at *w)
{
	struct am_str name = said(w->n, "stage");
	struct am_casefile_stage *s = going_on(f, name);

	if (s == NULL)
		s = add_stage(f, name, w->t, true);
	if (instant(w->n, "due_at") != 0)
		s->due_at = instant(w->n, "due_at");
}

static void
on_stage_missed(struct am_casefile *f, const struct at *w)
{
	struct am_casefile_stage *s = going_on(f, said(w->n, "stage"));

	if (s == NULL)
		return;
	s->missed = s->late_promise = true;
	s->verdict = "active_with_misses";
	s->due_at = instant(w->n, "due_at");
}

static void
on_met(struct am_casefile *f, const struct at *w)
{
	struct am_casefile_stage *s = settled(f, said(w->n, "stage"), w->t);
	bool implied = am_str_is(said(w->n, "how"), "implied");

	s->how = am_arena_dup(f->a, said(w->n, "how"));
	s->missed |= is_yes(w->n, "late");
	s->late_promise |= s->missed || is_yes(w->n, "late_original");
	f->late_promise |= s->late_promise;
	end_stage(f, s, w->t, implied ? "implied" : "hit");
}

static void
on_waived(struct am_casefile *f, const struct at *w)
{
	struct am_casefile_stage *s = settled(f, said(w->n, "stage"), w->t);

	s->how = AM_STR("waived");
	end_stage(f, s, w->t, "waived");
}

static void
on_missed(struct am_casefile *f, const struct at *w)
{
	(void)w;
	f->missed++;
	f->late_promise = true;
}

static void
on_moved(struct am_casefile *f, const struct at *w)
{
	struct am_casefile_stage *s = going_on(f, said(w->n, "clock"));
	bool extended = am_str_is(said(w->n, "reason"), "extended");

	f->extensions += extended;
	if (s == NULL)
		return;
	s->extensions += extended;
	if (instant(w->n, "new") != 0)
		s->due_at = instant(w->n, "new");
}

static void
on_resumed(struct am_casefile *f, const struct at *w)
{
	am_ms from = instant(w->n, "held_since");
	am_ms to = instant(w->n, "resumed_at");

	f->holds++;
	f->held += to > from ? to - from : 0;
	for (struct am_casefile_stage *s = f->stages; s != NULL; s = s->next) {
		if (s->ended_at == 0)
			s->held += am_calendar_span(calendar_of(f, s->slot),
			    from > s->started_at ? from : s->started_at, to);
	}
}

static void
on_raised(struct am_casefile *f, const struct at *w)
{
	(void)w;
	f->escalated++;
}

static void
on_asked(struct am_casefile *f, const struct at *w)
{
	if (f->asked_at == 0)
		f->asked_at = w->t;
}

static void
on_attempted(struct am_casefile *f, const struct at *w)
{
	struct am_str outcome = said(w->n, "outcome");

	f->attempts++;
	f->spoken |=
	    am_str_is(outcome, "reached") || am_str_is(outcome, "refused");
}

static void
end_named(struct am_casefile *f, struct am_str stage, am_ms at)
{
	struct am_casefile_stage *s = going_on(f, stage);

	if (s != NULL)
		end_stage(f, s, at, "over");
}

/* What opened another complaint is that one's story. */
static void
on_answered(struct am_casefile *f, const struct at *w)
{
	struct am_str score = said(w->n, "score");

	if (am_str_is(said(w->n, "effect"), "new_complaint"))
		return;
	if (am_str_is(said(w->n, "effect"), "deadlock"))
		end_named(f, said(w->n, "stage"), w->t);
	f->answers++;
	f->answered_at = w->t;
	f->answer = am_arena_dup(f->a, said(w->n, "verdict"));
	f->score = score.n == 1 ? (uint8_t)(score.p[0] - '0') : 0;
}

/* Stages before the one it goes back to go on if they are owed. */
static void
on_reopened(struct am_casefile *f, const struct at *w)
{
	int to = slot_of(f, said(w->n, "stage"));
	struct am_casefile_stage *s;
	uint64_t cycle;

	for (s = f->stages; s != NULL; s = s->next) {
		if (s->ended_at == 0 && (to < 0 || s->slot >= to))
			end_stage(f, s, w->t, "over");
	}
	if (am_str_u64(said(w->n, "cycle"), &cycle) != 0)
		return;
	s = add_stage(f, said(w->n, "stage"), w->t, true);
	s->cycle = (uint16_t)cycle;
}

/* What goes on when the customer closes it is the stage that asked them. */
static void
on_closed(struct am_casefile *f, const struct at *w)
{
	bool answered = am_str_prefix(said(w->n, "outcome"), "satisfied");

	for (struct am_casefile_stage *s = f->stages; s != NULL; s = s->next) {
		if (!answered || s->ended_at != 0)
			continue;
		s->how = AM_STR("answered");
		end_stage(f, s, w->t, "hit");
	}
	end_all(f, w->t);
}

static void
on_rejected(struct am_casefile *f, const struct at *w)
{
	end_all(f, w->t);
}

static void
on_recourse(struct am_casefile *f, const struct at *w)
{
	f->recourse_at = w->t;
}

/* clang-format off */
static const struct {
	const char *note;
	void (*on)(struct am_casefile *f, const struct at *w);
} readers[] = {
	{ "complaint.opened",       on_opened },
	{ "complaint.updated",      on_updated },
	{ "complaint.acknowledged", on_acknowledged },
	{ "complaint.resumed",      on_resumed },
	{ "stage.entered",          on_entered },
	{ "stage.owed",             on_entered },
	{ "stage.missed",           on_stage_missed },
	{ "stage.met",              on_met },
	{ "stage.waived",           on_waived },
	{ "deadline.missed",        on_missed },
	{ "deadline.moved",         on_moved },
	{ "escalation.raised",      on_raised },
	{ "confirmation.requested", on_asked },
	{ "callback.attempted",     on_attempted },
	{ "customer.answered",      on_answered },
	{ "complaint.rejected",     on_rejected },
	{ "loop.reopened",          on_reopened },
	{ "loop.closed",            on_closed },
	{ "recourse.notified",      on_recourse },
};
/* clang-format on */

void
am_casefile_line(
    struct am_casefile *f, struct am_str line, struct am_arena *scratch)
{
	struct am_journal_entry e;
	struct at w = { .e = &e };

	f->lines++;
	am_arena_reset(scratch);
	if (am_journal_parse(line, scratch, &e) != 0) {
		f->unread++;
		return;
	}
	w.t = e.event.at;
	for (w.n = e.notes; w.n != NULL; w.n = w.n->next) {
		for (size_t i = 0; i < AM_COUNT(readers); i++) {
			if (strcmp(w.n->name, readers[i].note) == 0) {
				readers[i].on(f, &w);
				break;
			}
		}
	}
}

/* ---- begin, end ---- */

static struct am_str
loop_name(struct am_str ref)
{
	const char *at = ref.n > 0 ? memchr(ref.p, '@', ref.n) : NULL;

	if (at != NULL)
		ref.n = (size_t)(at - ref.p);
	return ref;
}

void
am_casefile_begin(struct am_casefile *f, struct am_arena *a,
    const struct am_loopdef *def, const struct am_complaint *c)
{
	*f = (struct am_casefile){ .a = a,
		.c = c,
		.def = def,
		.loop = loop_name(c->loop_ref),
		.tier = AM_STR(""),
		.channel = AM_STR(""),
		.answer = AM_STR(""),
		.verdict = am_loop_verdict(c) };
	f->tail = &f->stages;
	if (def != NULL && c->tier < def->tiers_n)
		f->tier = am_str_c(def->tiers[c->tier]);
}

/* The last entry of a clock is the record's, to the millisecond. */
static void
take_record(struct am_casefile *f)
{
	struct am_casefile_stage *last[AM_CLOCKS_MAX] = { NULL };

	for (struct am_casefile_stage *s = f->stages; s != NULL; s = s->next) {
		if (s->slot >= 0 && s->ran)
			last[s->slot] = s;
	}
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *k = &f->c->clocks[i];

		if (last[i] == NULL || k->entry == 0 || last[i]->ended_at == 0)
			continue;
		last[i]->took = k->consumed;
	}
}

static am_ms
final_due(const struct am_casefile *f)
{
	const struct am_clock *k = &f->c->clocks[AM_CLOCK_FINAL];
	am_ms due;

	if (f->def == NULL || k->entry == 0 || k->budget <= 0 ||
	    am_calendar_add(calendar_of(f, AM_CLOCK_FINAL), k->started,
		k->budget, &due) != 0)
		return 0;
	return due;
}

void
am_casefile_end(struct am_casefile *f)
{
	take_record(f);
	f->final_due = final_due(f);
}

/* ---- what is counted ---- */

bool
am_casefile_counts(const struct am_casefile *f)
{
	return f->c->status == AM_CLOSED &&
	       f->c->outcome != AM_OUTCOME_WITHDRAWN &&
	       f->c->outcome != AM_OUTCOME_DUPLICATE;
}

bool
am_casefile_satisfied(const struct am_casefile *f)
{
	return f->c->outcome == AM_OUTCOME_SATISFIED ||
	       f->c->outcome == AM_OUTCOME_SATISFIED_AFTER_REOPEN;
}

bool
am_casefile_asked(const struct am_casefile *f)
{
	return f->asked_at != 0 || f->attempts > 0 || f->answers > 0;
}

bool
am_casefile_reached(const struct am_casefile *f)
{
	return f->spoken || f->answers > 0;
}
