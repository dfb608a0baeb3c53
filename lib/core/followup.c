/*
 * followup - which endpoint, which id, what it supersedes, in what order.
 *
 * The complaint lists what has not ended. One follow-up of a complaint and
 * endpoint is let into the outbox at a time, the next when it has ended:
 * receivers see them in order, and one that is superseded while it stands
 * behind another never touched the outbox. What is made and superseded within
 * one step leaves only its notes.
 */

#include "core/followup.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

static void
add_decimal(struct am_sha256 *s, unsigned v)
{
	char text[12], *p = text + sizeof(text);
	size_t n;

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	n = (size_t)(text + sizeof(text) - p);
	am_sha256_addl(s, (struct am_str){ p, n });
}

static void
make_id(struct am_act *a, const struct am_followup *f, uint64_t cause,
    uint8_t id[16])
{
	uint8_t digest[32], be[8];
	struct am_sha256 s;

	for (size_t i = 0; i < 8; i++)
		be[i] = (uint8_t)(cause >> (56 - 8 * i));
	am_sha256_init(&s);
	am_sha256_addl(&s, a->up->next.id);
	add_decimal(&s, f->cycle);
	am_sha256_addl(&s, am_str_c(a->def->clocks[f->clock].name));
	am_sha256_addl(&s, (struct am_str){ (const char *)be, sizeof(be) });
	am_sha256_addl(&s, f->rung_name);
	am_sha256_addl(&s, f->endpoint);
	am_sha256_end(&s, digest);
	memcpy(id, digest, 16);
}

static struct am_str
id_text(struct am_act *a, const uint8_t id[16])
{
	char *text = am_arena_alloc(a->up->arena, AM_FU_ID_LEN + 1);

	am_fu_id_format(id, text);
	return (struct am_str){ text, AM_FU_ID_LEN };
}

/* ---- the list of what has not ended ---- */

static void
own_waiting(struct am_act *a)
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

static struct am_waiting *
find_waiting(const struct am_complaint *c, const uint8_t id[16])
{
	for (size_t i = 0; i < c->waiting_n; i++) {
		if (memcmp(c->waiting[i].id, id, 16) == 0)
			return &c->waiting[i];
	}
	return NULL;
}

static struct am_followup *
born_now(struct am_act *a, const uint8_t id[16])
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
	*a->up->changes_tail = ch;
	a->up->changes_tail = &ch->next;
	return ch;
}

static void
remove_waiting(struct am_act *a, size_t i)
{
	struct am_complaint *c = &a->up->next;

	own_waiting(a);
	c->waiting_n--;
	memmove(&c->waiting[i], &c->waiting[i + 1],
	    (c->waiting_n - i) * sizeof(c->waiting[0]));
}

/* Let the first that waits for this endpoint into the outbox. */
static void
release_next(struct am_act *a, struct am_str endpoint)
{
	struct am_complaint *c = &a->up->next;

	for (size_t i = 0; i < c->waiting_n; i++) {
		struct am_fu_change *ch;
		struct am_followup *f;

		if (!am_str_eq(c->waiting[i].endpoint, endpoint))
			continue;
		if (c->waiting[i].queued)
			return;
		own_waiting(a);
		c->waiting[i].queued = true;
		if (c->waiting[i].in_flight)
			return; /* it went ahead of its turn */
		f = born_now(a, c->waiting[i].id);
		if (f != NULL) {
			f->queued = true;
			return;
		}
		ch = add_change(a, &c->waiting[i]);
		ch->release = true;
		ch->at = a->now;
		return;
	}
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
	struct am_followup *f = born_now(a, w.id);
	struct am_note *n = am_act_note(a, "followup.suppressed");
	struct am_fu_change *ch;

	am_note_str(n, "followup", id_text(a, w.id));
	am_note_str(n, "endpoint", w.endpoint);
	am_note_c(n, "clock", a->def->clocks[w.clock].name);
	am_note_c(n, "reason", reason);
	am_tally_day(a, "suppressed", NULL);
	remove_waiting(a, i);
	if (f != NULL) {
		unlink_born(a, f);
		return;
	}
	ch = add_change(a, &w);
	ch->state = "suppressed";
	ch->reason = reason;
}

/*
 * Does `f`, about to be made, supersede w: a lower rung of the same clock,
 * role and endpoint. The question never collapses.
 */
static bool
is_lower(
    struct am_act *a, const struct am_waiting *w, const struct am_followup *f)
{
	const struct am_clockdef *d = &a->def->clocks[w->clock];

	return w->rung < f->rung && w->rung < d->rungs_n &&
	       w->entry == f->entry && d->rungs[w->rung].to == f->to &&
	       d->rungs[w->rung].reason != AM_REASON_ASK &&
	       am_str_eq(w->endpoint, f->endpoint);
}

/*
 * Drop what waits unsent and fits, then let in what stood behind it. A NULL
 * `lower` means every rung of the clock; any clock when clock is AM_CLOCKS_MAX.
 */
static void
drop_matching(struct am_act *a, size_t clock, const struct am_followup *lower,
    const char *reason)
{
	struct am_complaint *c = &a->up->next;
	bool dropped = false;

	for (size_t i = 0; i < c->waiting_n;) {
		const struct am_waiting *w = &c->waiting[i];
		bool fits = clock == AM_CLOCKS_MAX || w->clock == clock;

		if (lower != NULL)
			fits = fits && is_lower(a, w, lower);
		if (fits && !w->in_flight) {
			drop(a, i, reason);
			dropped = true;
		} else {
			i++;
		}
	}
	for (size_t i = 0; dropped && i < c->waiting_n; i++)
		release_next(a, c->waiting[i].endpoint);
}

void
am_fu_drop_clock(struct am_act *a, size_t clock, const char *reason)
{
	drop_matching(a, clock, NULL, reason);
}

void
am_fu_drop_all(struct am_act *a, const char *reason)
{
	drop_matching(a, AM_CLOCKS_MAX, NULL, reason);
}

/* ---- making one ---- */

static const struct am_via *
first_usable(const struct am_rungdef *r, size_t from)
{
	for (size_t i = from; i < r->via_n; i++) {
		if (r->via[i].exists && r->via[i].usable)
			return &r->via[i];
	}
	return NULL;
}

static void
note_queued(struct am_act *a, const struct am_followup *f, const char *reason)
{
	struct am_note *n =
	    am_act_note(a, f->dead ? "followup.dead" : "followup.queued");

	am_note_str(n, "followup", id_text(a, f->id));
	am_note_str(n, "endpoint", f->endpoint);
	am_note_c(n, "clock", a->def->clocks[f->clock].name);
	am_note_str(n, "rung", f->rung_name);
	am_note_c(n, "to", am_role_str(f->to));
	am_note_c(n, "reason", f->dead ? f->dead_reason : reason);
	am_note_int(a, n, "due_at", f->due_at);
	am_note_int(a, n, "fired_at", f->fired_at);
	am_tally_day(a, f->dead ? "dead" : "queued", NULL);
}

/* Takes f, whose endpoint is "" when none was usable. */
static void
put(struct am_act *a, struct am_followup *f, uint64_t cause,
    const struct am_fu_say *say)
{
	struct am_complaint *c = &a->up->next;
	bool behind = false;

	make_id(a, f, cause, f->id);
	if (f->endpoint.n == 0)
		f->dead_reason = "no_address";
	else if (find_waiting(c, f->id) != NULL)
		return; /* it waits already, revived from the dead */
	else if (c->waiting_n == AM_WAITING_MAX)
		f->dead_reason = "too_many";
	f->dead = f->dead_reason != NULL;
	f->body = am_body_render(a, f, say);
	note_queued(a, f, say->reason);
	*a->up->followups_tail = f;
	a->up->followups_tail = &f->next;
	if (f->dead)
		return;
	own_waiting(a);
	for (size_t i = 0; i < c->waiting_n; i++)
		behind =
		    behind || am_str_eq(c->waiting[i].endpoint, f->endpoint);
	f->queued = !behind;
	c->waiting[c->waiting_n] = (struct am_waiting){
		.clock = f->clock,
		.rung = f->rung,
		.entry = f->entry,
		.cycle = f->cycle,
		.queued = f->queued,
		.endpoint = f->endpoint,
	};
	memcpy(c->waiting[c->waiting_n++].id, f->id, 16);
}

static struct am_followup *
make(struct am_act *a, size_t clock, uint8_t rung, am_ms due)
{
	struct am_followup *f = am_arena_zalloc(a->up->arena, sizeof(*f));

	f->clock = (uint8_t)clock;
	f->rung = rung;
	f->entry = a->up->next.clocks[clock].entry;
	f->cycle = a->up->next.cycle;
	f->due_at = due;
	f->fired_at = a->now;
	f->endpoint = AM_STR("");
	return f;
}

/* "warn_50", "rung_2": a word and a number. */
static const char *
numbered(struct am_act *a, const char *word, int n)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 16);
	am_buf_adds(&b, word);
	am_buf_addi(&b, n);
	am_buf_addc(&b, '\0');
	return b.p;
}

/*
 * Why a rung fires, precisely. The lapse is the ladder's first step, so the
 * first rung behind it is rung_2.
 */
static const char *
rung_reason(struct am_act *a, size_t clock, size_t rung)
{
	const struct am_clockdef *d = &a->def->clocks[clock];
	const struct am_rungdef *r = &d->rungs[rung];
	int step = 1;

	if (r->reason == AM_REASON_ASK || clock == AM_CLOCK_AFTERCARE ||
	    (r->is_pct && r->pct == 0))
		return am_reason_str(r->reason);
	if (r->is_pct && r->pct < 100)
		return numbered(a, "warn_", r->pct);
	if (r->is_pct)
		return clock == AM_CLOCK_ACKNOWLEDGE ? "ack_due"
		       : clock == AM_CLOCK_INFORM    ? "inform_due"
		       : clock == AM_CLOCK_FINAL     ? "final"
						     : "stage_due";
	for (size_t i = 0; i <= rung; i++)
		step += !d->rungs[i].is_pct;
	return numbered(a, "rung_", step);
}

static void
note_rung(struct am_act *a, size_t clock, size_t rung, am_ms due)
{
	const struct am_clockdef *d = &a->def->clocks[clock];
	const struct am_rungdef *r = &d->rungs[rung];
	struct am_note *n;

	if (clock == AM_CLOCK_AFTERCARE || (r->is_pct && r->pct == 100))
		return; /* nothing was due, or deadline.missed has said it */
	if (r->reason == AM_REASON_ASK) {
		n = am_act_note(a, "confirmation.requested");
	} else if (!r->is_pct) {
		n = am_act_note(a, "escalation.raised");
		am_note_c(n, "to", am_role_str(r->to));
	} else if (r->pct > 0) {
		n = am_act_note(a, "deadline.warned");
		am_note_int(a, n, "pct", r->pct);
		am_tally_day(a, "warned", d->name);
	} else {
		return;
	}
	am_note_c(n, "clock", d->name);
	am_note_c(n, "rung", r->name);
	am_note_int(a, n, "due_at", due);
	am_note_int(a, n, "fired_at", a->now);
}

static void
fire(struct am_act *a, struct am_followup *f, const struct am_via *via,
    uint64_t cause, const char *reason)
{
	const struct am_rungdef *r = &a->def->clocks[f->clock].rungs[f->rung];
	const struct am_fu_say say = { reason, r->message };

	f->to = r->to;
	f->rung_name = am_str_c(r->name);
	if (via != NULL)
		f->endpoint = am_str_c(via->endpoint);
	put(a, f, cause, &say);
}

void
am_fu_rung(struct am_act *a, size_t clock, size_t rung, am_ms due)
{
	struct am_clock *k = &a->up->next.clocks[clock];
	const struct am_rungdef *r = &a->def->clocks[clock].rungs[rung];
	const struct am_via *via = first_usable(r, 0);
	struct am_followup *f;

	k->fired |= (uint16_t)(1u << rung);
	note_rung(a, clock, rung, due);
	if (r->via_n == 0)
		return;
	f = make(a, clock, (uint8_t)rung, due);
	f->reason = r->reason;
	f->to = r->to;
	if (via != NULL) {
		f->endpoint = am_str_c(via->endpoint);
		drop_matching(a, clock, f, "superseded");
	}
	fire(a, f, via, k->cause, rung_reason(a, clock, rung));
}

void
am_fu_rung_told(struct am_act *a, size_t clock, size_t rung, const char *reason)
{
	struct am_clock *k = &a->up->next.clocks[clock];
	const struct am_rungdef *r = &a->def->clocks[clock].rungs[rung];
	struct am_followup *f = make(a, clock, (uint8_t)rung, a->ev->at);

	if (am_clock_live(k))
		k->fired |= (uint16_t)(1u << rung);
	f->reason = AM_REASON_OPERATOR;
	fire(a, f, first_usable(r, 0), a->cause, reason);
}

/*
 * The loop has no rung for this, but it has rungs for the role: the first with
 * a way out, on the clock itself, then on any clock; then any way at all.
 */
static const struct am_via *
way_to(const struct am_loopdef *def, size_t clock, enum am_role to, bool any)
{
	for (size_t i = 0; i <= AM_CLOCKS_MAX; i++) {
		const struct am_clockdef *d =
		    &def->clocks[i == 0 ? clock : i - 1];

		for (size_t r = 0; r < d->rungs_n; r++) {
			const struct am_via *via =
			    first_usable(&d->rungs[r], 0);

			if (via != NULL && (any || d->rungs[r].to == to))
				return via;
		}
	}
	return any ? NULL : way_to(def, clock, to, true);
}

/* What a notice is called: its name, its precise reason; and its type. */
static const struct {
	const char *name;
	enum am_reason type;
} notices[AM_NOTICES_N] = {
	[AM_NOTICE_REOPEN] = { "reopen", AM_REASON_ESCALATE },
	[AM_NOTICE_DEADLOCK] = { "deadlock", AM_REASON_OPERATOR },
	[AM_NOTICE_CONTRADICTION] = { "contradiction", AM_REASON_OPERATOR },
	[AM_NOTICE_RECOURSE] = { "recourse", AM_REASON_RECOURSE },
	[AM_NOTICE_EXTENDED] = { "extended", AM_REASON_INFORM },
	[AM_NOTICE_WITHDRAWN] = { "withdrawn", AM_REASON_INFORM },
	[AM_NOTICE_OUTCOME] = { "outcome", AM_REASON_INFORM },
	[AM_NOTICE_UNREACHABLE] = { "unreachable", AM_REASON_OPERATOR },
	[AM_NOTICE_MESSAGE] = { "message", AM_REASON_OPERATOR },
	[AM_NOTICE_ASSIGNED] = { "assigned", AM_REASON_OPERATOR },
	[AM_NOTICE_UNOWNED] = { "unowned", AM_REASON_OPERATOR },
	[AM_NOTICE_AUTOCLOSE] = { "autoclose", AM_REASON_OPERATOR },
};

void
am_fu_notice(
    struct am_act *a, size_t clock, enum am_notice notice, enum am_role to)
{
	const struct am_via *via = way_to(a->def, clock, to, false);
	struct am_followup *f =
	    make(a, clock, am_notice_rung(notice, to), a->ev->at);
	const struct am_fu_say say = { notices[notice].name, NULL };
	struct am_buf b;

	/* a colon is in no rung's name: the id cannot be that of a rung */
	am_buf_arena(&b, a->up->arena, 40);
	am_buf_adds(&b, notices[notice].name);
	am_buf_addc(&b, ':');
	am_buf_adds(&b, am_role_str(to));
	f->rung_name = am_buf_str(&b);
	f->reason = notices[notice].type;
	f->to = to;
	if (via != NULL)
		f->endpoint = am_str_c(via->endpoint);
	put(a, f, a->cause, &say);
}

/* ---- followup.ended ---- */

static struct am_waiting *
waiting_of(const struct am_complaint *c, const struct am_event *ev)
{
	uint8_t id[16];

	if (am_fu_id_parse(am_event_get(ev, "followup_id"), id) != 0)
		return NULL;
	return find_waiting(c, id);
}

AM_GUARD(am_is_waiting)
{
	return waiting_of(c, ev) != NULL;
}

static void
note_end(struct am_act *a, const struct am_waiting *w, bool late)
{
	static const char *const names[][2] = {
		{ "delivered", "followup.delivered" },
		{ "dead", "followup.dead" },
		{ "suppressed", "followup.suppressed" },
		{ "expired", "followup.expired" },
	};
	struct am_str state = am_event_get(a->ev, "state");
	struct am_note *n;
	size_t i = 0;

	while (i + 1 < AM_COUNT(names) && !am_str_is(state, names[i][0]))
		i++;
	n = am_act_note(a, names[i][1]);
	am_note_str(n, "followup", id_text(a, w->id));
	am_note_str(n, "endpoint", w->endpoint);
	am_note_c(n, "clock", a->def->clocks[w->clock].name);
	am_note_str(n, "reason", am_act_field(a, "reason"));
	am_note_str(n, "attempts", am_act_field(a, "attempts"));
	am_note_str(n, "status", am_act_field(a, "status"));
	am_note_c(n, "late", late ? "yes" : "no");
	if (am_event_get(a->ev, "digest").n != 0)
		am_note_str(n, "digest", am_act_field(a, "digest"));
	am_tally_day(a, names[i][0], NULL);
}

/* A rung's next endpoint, when the one before is dead. */
static void
try_next_via(struct am_act *a, const struct am_waiting *w)
{
	const struct am_rungdef *r;
	const struct am_via *via;
	struct am_followup *f;
	size_t i = 0;

	if (w->rung >= a->def->clocks[w->clock].rungs_n ||
	    !am_clock_live(&a->up->next.clocks[w->clock]))
		return;
	r = &a->def->clocks[w->clock].rungs[w->rung];
	while (i < r->via_n && !am_str_is(w->endpoint, r->via[i].endpoint))
		i++;
	via = first_usable(r, i + 1);
	if (via == NULL)
		return;
	f = make(a, w->clock, w->rung,
	    am_clock_position(a->def, &a->up->next, w->clock, w->rung));
	f->reason = r->reason;
	fire(a, f, via, a->up->next.clocks[w->clock].cause,
	    rung_reason(a, w->clock, w->rung));
}

void
am_end_followup(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting *at = waiting_of(c, a->ev);
	struct am_waiting w = *at;
	bool over = am_fu_over(c, &w);

	remove_waiting(a, (size_t)(at - c->waiting));
	note_end(a, &w, over || am_str_is(am_event_get(a->ev, "late"), "yes"));
	if (!over && am_str_is(am_event_get(a->ev, "state"), "dead"))
		try_next_via(a, &w);
	release_next(a, w.endpoint);
}

/* ---- followup.revived ---- */

static bool
small_number(
    const struct am_event *ev, const char *field, uint64_t max, uint64_t *v)
{
	return am_str_u64(am_event_get(ev, field), v) == 0 && *v <= max;
}

static bool
revival(const struct am_loopdef *def, const struct am_event *ev,
    struct am_waiting *w)
{
	uint64_t clock, rung, entry, cycle;

	if (am_fu_id_parse(am_event_get(ev, "followup_id"), w->id) != 0 ||
	    am_event_get(ev, "endpoint").n == 0 ||
	    !small_number(ev, "clock", AM_CLOCKS_MAX - 1, &clock) ||
	    def->clocks[clock].name == NULL ||
	    !small_number(ev, "rung", UINT8_MAX, &rung) ||
	    !small_number(ev, "entry", UINT16_MAX, &entry) ||
	    !small_number(ev, "cycle", UINT16_MAX, &cycle))
		return false;
	w->clock = (uint8_t)clock;
	w->rung = (uint8_t)rung;
	w->entry = (uint16_t)entry;
	w->cycle = (uint16_t)cycle;
	return true;
}

AM_GUARD(am_is_bad_revival)
{
	struct am_waiting w;

	return !revival(def, ev, &w);
}

AM_GUARD(am_has_no_room)
{
	return c->waiting_n == AM_WAITING_MAX;
}

void
am_refuse_revival(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "followup_id",
	    "not a follow-up of this loop; followup_id, endpoint, clock, rung, "
	    "entry and cycle as they stand with the dead");
}

void
am_revive(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting w = { .queued = false };
	struct am_note *n;

	(void)revival(a->def, a->ev, &w);
	w.endpoint = am_act_field(a, "endpoint");
	own_waiting(a);
	c->waiting[c->waiting_n++] = w;
	n = am_act_note(a, "followup.queued");
	am_note_str(n, "followup", id_text(a, w.id));
	am_note_str(n, "endpoint", w.endpoint);
	am_note_c(n, "clock", a->def->clocks[w.clock].name);
	am_note_c(n, "reason", "revived");
	am_note_int(a, n, "fired_at", a->now);
	release_next(a, w.endpoint);
}
