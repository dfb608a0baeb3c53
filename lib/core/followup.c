/*
 * followup - make a follow-up: its id, its reason, when it may go.
 *
 * Ids come from cause. What a rung has fired is caused by what started its
 * clock, also when an event fires it out of turn: a rung fires once an entry,
 * and so the id can be made again from the complaint alone (see fu_receipt.c).
 */

#include "core/fu.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

/* ---- ids ---- */

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

void
am_fu_id(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_fu_cause *from, uint8_t id[16])
{
	uint8_t digest[32], be[8];
	struct am_sha256 s;

	for (size_t i = 0; i < 8; i++)
		be[i] = (uint8_t)(from->event >> (56 - 8 * i));
	am_sha256_init(&s);
	am_sha256_addl(&s, c->id);
	add_decimal(&s, from->cycle);
	am_sha256_addl(&s, am_str_c(def->clocks[from->clock].name));
	am_sha256_addl(&s, (struct am_str){ (const char *)be, sizeof(be) });
	am_sha256_addl(&s, from->rung_name);
	am_sha256_addl(&s, from->endpoint);
	am_sha256_end(&s, digest);
	memcpy(id, digest, 16);
}

uint64_t
am_fu_cause_of(const uint8_t id[16])
{
	uint64_t cause = 0;

	for (size_t i = 0; i < 8; i++)
		cause = cause << 8 | id[i];
	return cause;
}

struct am_str
am_fu_id_text(struct am_act *a, const uint8_t id[16])
{
	char *text = am_arena_alloc(a->up->arena, AM_FU_ID_LEN + 1);

	am_fu_id_format(id, text);
	return (struct am_str){ text, AM_FU_ID_LEN };
}

/* ---- making one ---- */

am_ms
am_fu_called_at(const struct am_act *a)
{
	return a->doing.at != 0 ? a->doing.at : a->ev->at;
}

/* A rung or a lapse comes once an entry of its clock, a hold once. */
uint64_t
am_fu_due_cause(const struct am_complaint *c, const struct am_next *what)
{
	bool hold = what->kind == AM_NEXT_HOLD_END;
	size_t clock = hold ? AM_CLOCK_HOLD : what->clock;
	const struct am_clock *k = &c->clocks[clock];
	const uint64_t words[] = { k->cause, k->entry, clock, what->kind,
		what->rung, hold ? (uint64_t)c->held_since : 0 };
	char bytes[sizeof(words)];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(words[i / 8] >> (56 - 8 * (i % 8)));
	return am_event_hash(
	    AM_STR("wake"), (struct am_str){ bytes, sizeof(bytes) });
}

/* Wake-ups and the ends of follow-ups have no name of their own. */
uint64_t
am_fu_called_by(const struct am_act *a)
{
	uint8_t id[16];

	if (a->doing.at != 0)
		return a->called_by;
	if (a->ev->type == AM_EV_FOLLOWUP_ENDED &&
	    am_fu_id_parse(am_event_get(a->ev, "followup_id"), id) == 0)
		return am_fu_cause_of(id);
	return a->cause;
}

struct am_followup *
am_fu_make(struct am_act *a, size_t clock, uint8_t rung, am_ms due)
{
	const struct am_complaint *c = &a->up->next;
	struct am_followup *f = am_arena_zalloc(a->up->arena, sizeof(*f));

	f->clock = (uint8_t)clock;
	f->rung = rung;
	f->entry = c->clocks[clock].entry;
	f->cycle = c->cycle;
	f->class = am_fu_class(c->tier);
	f->to = am_fu_role(a->def, c, clock, rung);
	f->due_at = due;
	f->fired_at = a->now;
	f->catchup =
	    a->def->catchup_after > 0 && a->now - due > a->def->catchup_after;
	f->endpoint = f->group = AM_STR("");
	return f;
}

/* Staff get one digest of what belongs together; customers their own, and so
 * does whoever is written to by templates, for a digest has none. */
static struct am_str
digest(const struct am_act *a, const struct am_followup *f,
    const struct am_via *via)
{
	const struct am_complaint *c = &a->up->next;

	if (f->to == AM_ROLE_CUSTOMER || (via != NULL && via->provider != NULL))
		return AM_STR("");
	if (a->def->group_wait > 0 && c->incident.n > 0) {
		struct am_buf b; /* no incident's name makes it "catchup" */

		am_buf_arena(&b, a->up->arena, 80);
		am_buf_adds(&b, "incident:");
		am_buf_addstr(&b, c->incident);
		return am_buf_str(&b);
	}
	return f->catchup ? AM_STR("catchup") : AM_STR("");
}

static void
note_queued(struct am_act *a, const struct am_followup *f, const char *reason)
{
	struct am_note *n =
	    am_act_note(a, f->dead ? "followup.dead" : "followup.queued");

	am_note_str(n, "followup", am_fu_id_text(a, f->id));
	am_note_str(n, "endpoint", f->endpoint);
	am_note_c(n, "clock", a->def->clocks[f->clock].name);
	am_note_str(n, "rung", f->rung_name);
	am_note_c(n, "to", am_role_str(f->to));
	am_note_c(n, "reason", f->dead ? f->dead_reason : reason);
	am_note_int(a, n, "due_at", f->due_at);
	am_note_int(a, n, "fired_at", f->fired_at);
	if (f->not_before > 0 && !f->dead) {
		am_note_c(n, "held", "quiet");
		am_note_int(a, n, "until", f->not_before);
	}
	am_note_str(n, "group", f->group);
	am_tally_day(a, f->dead ? "dead" : "queued", NULL);
}

/* It waits already: revived from the dead, or fired before by a ladder that
 * the complaint has left and come back to. */
static bool
note_waiting(struct am_act *a, const struct am_followup *f)
{
	struct am_note *n = am_act_note(a, "followup.waiting");

	am_note_str(n, "followup", am_fu_id_text(a, f->id));
	am_note_str(n, "endpoint", f->endpoint);
	am_note_c(n, "clock", a->def->clocks[f->clock].name);
	am_note_str(n, "rung", f->rung_name);
	return true;
}

/* Its channel, and the id it has there. */
static void
address(struct am_act *a, struct am_followup *f, const struct am_via *via,
    uint64_t cause)
{
	const struct am_complaint *c = &a->up->next;

	if (via != NULL) {
		am_ms open = am_fu_opening(a->def, c, via, f->to, a->now);

		f->endpoint = am_str_c(via->endpoint);
		f->not_before = open > a->now ? open : 0;
	}
	am_fu_id(a->def, c,
	    &(struct am_fu_cause){
		f->cycle, f->clock, cause, f->rung_name, f->endpoint },
	    f->id);
}

/*
 * The first channel from via on that can carry what f says; when none can, the
 * last of them, and f is born dead. One that cannot is passed over as one that
 * has failed: a notice's next channel is caused by it.
 */
static const struct am_via *
carrier(struct am_act *a, struct am_followup *f, const struct am_via *via,
    uint64_t *cause, const struct am_fu_say *say)
{
	const struct am_via *next;
	struct am_fu_way way;
	struct am_note *n;

	if (via == NULL || !via->is_text)
		return via;
	way = am_fu_way(a->def, &a->up->next, f->clock, f->rung);
	while (via->is_text &&
	       (f->dead_reason = am_body_unfit(a, f, say, via)) != NULL) {
		next = am_fu_channel(&way, am_str_c(via->endpoint));
		if (next == NULL)
			break;
		address(a, f, via, *cause);
		n = am_act_note(a, "channel.skipped");
		am_note_str(n, "followup", am_fu_id_text(a, f->id));
		am_note_str(n, "endpoint", f->endpoint);
		am_note_c(n, "reason", f->dead_reason);
		f->dead_reason = NULL;
		if (f->rung >= AM_RUNG_NOTICE)
			*cause = am_fu_cause_of(f->id);
		via = next;
	}
	return via;
}

/* am_fu_put() by a channel that carries it, unless it is born dead. */
static bool
put(struct am_act *a, struct am_followup *f, const struct am_via *via,
    uint64_t cause, const struct am_fu_say *say)
{
	struct am_complaint *c = &a->up->next;
	bool behind = false;
	struct am_waiting w;

	address(a, f, via, cause);
	if (f->endpoint.n == 0)
		f->dead_reason = "no_address";
	else if (am_fu_find(c, f->id) != NULL)
		return note_waiting(a, f);
	else if (c->waiting_n == AM_WAITING_MAX)
		f->dead_reason = "too_many";
	f->dead = f->dead_reason != NULL;
	f->group = digest(a, f, via);
	f->body = am_body_render(a, f, say, via);
	note_queued(a, f, say->reason);
	*a->up->followups_tail = f;
	a->up->followups_tail = &f->next;
	if (f->dead)
		return false;
	for (size_t i = 0; i < c->waiting_n; i++)
		behind = behind ||
			 (!c->waiting[i].handed &&
			     am_str_eq(c->waiting[i].endpoint, f->endpoint));
	f->queued = !behind;
	w = (struct am_waiting){
		.clock = f->clock,
		.rung = f->rung,
		.entry = f->entry,
		.cycle = f->cycle,
		.class = f->class,
		.queued = f->queued,
		.endpoint = f->endpoint,
	};
	memcpy(w.id, f->id, sizeof(w.id));
	am_fu_add(a, &w);
	return true;
}

bool
am_fu_put(struct am_act *a, struct am_followup *f, const struct am_via *via,
    uint64_t cause, const struct am_fu_say *say)
{
	via = carrier(a, f, via, &cause, say);
	return put(a, f, via, cause, say);
}

/* ---- what a rung says ---- */

/* "warn_50", "rung_2": a word and a number. */
static const char *
numbered(struct am_act *a, const char *word, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 16);
	am_buf_adds(&b, word);
	am_buf_addi(&b, (int64_t)n);
	am_buf_addc(&b, '\0');
	return b.p;
}

static const char *
lapse_reason(size_t clock)
{
	switch (clock) {
	case AM_CLOCK_ACKNOWLEDGE:
		return "ack_due";
	case AM_CLOCK_INFORM:
		return "inform_due";
	case AM_CLOCK_FINAL:
		return "final";
	default:
		return "stage_due";
	}
}

/* NULL for a clock whose rungs are those of a deadline. */
static const char *
rule_reason(struct am_act *a, size_t clock, size_t rung)
{
	switch (clock) {
	case AM_CLOCK_CALLBACK:
		return a->def->clocks[clock].rungs[rung].told
			   ? "notice"
			   : numbered(a, "attempt_", rung + 1);
	case AM_CLOCK_SILENCE:
		return "reminder";
	case AM_CLOCK_HOLD:
		return numbered(a, "hold_", rung + 1);
	case AM_CLOCK_UNOWNED:
		return "unowned";
	default:
		return NULL;
	}
}

/*
 * Why a rung fires, precisely. The lapse is the ladder's first step, so the
 * first rung behind it is rung_2. Rungs that are not for the complaint's tier
 * are no steps.
 */
static const char *
rung_reason(struct am_act *a, size_t clock, size_t rung)
{
	const struct am_clockdef *d = &a->def->clocks[clock];
	const struct am_rungdef *r = &d->rungs[rung];
	const char *rule = rule_reason(a, clock, rung);
	size_t step = 1;

	if (rule != NULL)
		return rule;
	if (r->reason == AM_REASON_ASK || clock == AM_CLOCK_AFTERCARE ||
	    (r->is_pct && r->pct == 0))
		return am_reason_str(r->reason);
	if (r->is_pct && r->pct < 100)
		return numbered(a, "warn_", (size_t)r->pct);
	if (r->is_pct)
		return lapse_reason(clock);
	for (size_t i = 0; i <= rung; i++)
		step += !d->rungs[i].is_pct &&
			(d->rungs[i].except_tiers >> a->up->next.tier & 1) == 0;
	return numbered(a, "rung_", step);
}

/*
 * What the feed hears of a rung beside its follow-up. Only a rung of a real
 * deadline warns or escalates; one that says nothing and has no name there is
 * told all the same, since a line says what has changed.
 */
static const char *
note_name(const struct am_loopdef *def, size_t clock, size_t rung, bool mute)
{
	const struct am_rungdef *r = &def->clocks[clock].rungs[rung];
	bool rule = clock == AM_CLOCK_AFTERCARE || clock == AM_CLOCK_CALLBACK ||
		    clock == AM_CLOCK_SILENCE || clock == AM_CLOCK_HOLD ||
		    clock == AM_CLOCK_UNOWNED;

	if (!rule && r->reason == AM_REASON_ASK)
		return "confirmation.requested";
	if (!rule && !r->is_pct)
		return r->to == AM_ROLE_CUSTOMER ? "rung.fired"
						 : "escalation.raised";
	if (!rule && r->pct > 0 && r->pct < 100)
		return "deadline.warned";
	return mute ? "rung.fired" : NULL;
}

static void
note_rung(struct am_act *a, size_t clock, size_t rung, am_ms due, bool mute)
{
	const struct am_clockdef *d = &a->def->clocks[clock];
	const struct am_rungdef *r = &d->rungs[rung];
	const char *name = note_name(a->def, clock, rung, mute);
	struct am_note *n;

	if (name == NULL)
		return; /* nothing was due, or deadline.missed has said it */
	n = am_act_note(a, name);
	if (strcmp(name, "escalation.raised") == 0)
		am_note_c(n, "to", am_role_str(r->to));
	if (strcmp(name, "deadline.warned") == 0) {
		am_note_int(a, n, "pct", r->pct);
		am_tally_day(a, "warned", d->name);
	}
	am_note_c(n, "clock", d->name);
	am_note_c(n, "rung", r->name);
	am_note_int(a, n, "due_at", due);
	am_note_int(a, n, "fired_at", a->now);
}

/* ---- firing ---- */

/* Staff who are told out of turn, or in the customer's place, decide. */
static enum am_reason
type_of(const struct am_rungdef *r, const struct am_followup *f, bool told)
{
	if (f->to != AM_ROLE_CUSTOMER && (told || r->to != f->to))
		return AM_REASON_OPERATOR;
	return r->reason;
}

/* Only who looks after a hold is told in place of somebody else. */
static const struct am_message *
message_of(const struct am_act *a, const struct am_rungdef *r,
    const struct am_followup *f)
{
	return r->to == f->to ? r->message
			      : a->def->sayings[AM_SAYING_HOLD_OWNER].message;
}

/* What is about a notice says it in that one's words, not in the rung's, which
 * were written for another occasion. */
static struct am_fu_say
say_for(const struct am_act *a, const struct am_rungdef *r,
    const struct am_followup *f, const char *reason)
{
	struct am_fu_say say = { reason, message_of(a, r, f), AM_NOTICES_N };

	if (reason != NULL)
		say.about = am_notice_parse(reason);
	if (say.about != AM_NOTICES_N)
		say.message = a->def->sayings[say.about].message;
	return say;
}

void
am_fu_rung(struct am_act *a, size_t clock, size_t rung, am_ms due)
{
	am_fu_rung_ready(a, clock, rung, due, due);
}

void
am_fu_rung_ready(
    struct am_act *a, size_t clock, size_t rung, am_ms due, am_ms ready)
{
	struct am_clock *k = &a->up->next.clocks[clock];
	const struct am_rungdef *r = &a->def->clocks[clock].rungs[rung];
	struct am_fu_way way =
	    am_fu_way(a->def, &a->up->next, clock, (uint8_t)rung);
	const struct am_via *via = am_fu_channel(&way, AM_STR(""));
	uint64_t cause = k->cause;
	struct am_fu_say say;
	struct am_followup *f;

	k->fired |= (uint16_t)(1u << rung);
	note_rung(a, clock, rung, due, way.mute);
	if (way.mute)
		return;
	f = am_fu_make(a, clock, (uint8_t)rung, due);
	f->catchup = a->def->catchup_after > 0 && ready != AM_NEVER &&
		     a->now - ready > a->def->catchup_after;
	f->reason = type_of(r, f, false);
	f->rung_name = am_str_c(r->name);
	say = say_for(a, r, f, NULL);
	say.reason = rung_reason(a, clock, rung);
	via = carrier(a, f, via, &cause, &say);
	if (via != NULL) {
		f->endpoint = am_str_c(via->endpoint);
		am_fu_supersede(a, f);
	}
	(void)put(a, f, via, cause, &say);
	if (am_fu_is_recourse(a->def, clock, (uint8_t)rung))
		am_act_recourse_sent(a, clock, (uint8_t)rung);
}

void
am_fu_rung_told(struct am_act *a, size_t clock, size_t rung, const char *reason)
{
	struct am_clock *k = &a->up->next.clocks[clock];
	const struct am_rungdef *r = &a->def->clocks[clock].rungs[rung];
	struct am_fu_way way =
	    am_fu_way(a->def, &a->up->next, clock, (uint8_t)rung);
	struct am_followup *f =
	    am_fu_make(a, clock, (uint8_t)rung, am_fu_called_at(a));
	const struct am_fu_say say = say_for(a, r, f, reason);
	bool live = am_clock_live(k);

	if (live)
		k->fired |= (uint16_t)(1u << rung);
	f->reason = type_of(r, f, true);
	f->rung_name = am_str_c(r->name);
	(void)am_fu_put(a, f, am_fu_channel(&way, AM_STR("")),
	    live ? k->cause : am_fu_called_by(a), &say);
}

/* ---- the next channel ---- */

/* A rung that has gone out before its time was told to. */
static const char *
why_told(const struct am_complaint *c, const struct am_rungdef *r)
{
	if (r->to == AM_ROLE_CUSTOMER)
		return NULL;
	if ((c->flags & AM_CF_CONTRADICTORY) != 0)
		return "contradiction";
	return c->owner.n == 0 ? "unowned" : NULL;
}

static bool
rung_next(
    struct am_act *a, const struct am_waiting *w, const struct am_via *via)
{
	const struct am_complaint *c = &a->up->next;
	const struct am_rungdef *r = &a->def->clocks[w->clock].rungs[w->rung];
	am_ms due = am_clock_position(a->def, c, w->clock, w->rung);
	bool early = due > a->now;
	struct am_followup *f;
	struct am_fu_say say;

	f = am_fu_make(a, w->clock, w->rung, early ? am_fu_called_at(a) : due);
	f->rung_name = am_str_c(r->name);
	say = say_for(a, r, f, early ? why_told(c, r) : NULL);
	f->reason = type_of(r, f, say.reason != NULL);
	if (say.reason == NULL)
		say.reason = rung_reason(a, w->clock, w->rung);
	return am_fu_put(a, f, via, c->clocks[w->clock].cause, &say);
}

bool
am_fu_next_channel(struct am_act *a, const struct am_waiting *w)
{
	struct am_fu_way way =
	    am_fu_way(a->def, &a->up->next, w->clock, w->rung);
	const struct am_via *via = am_fu_channel(&way, w->endpoint);

	if (via == NULL)
		return false;
	if (w->rung < AM_RUNG_NOTICE &&
	    w->rung >= a->def->clocks[w->clock].rungs_n)
		return false; /* it has left the ladder in a migration */
	if (w->rung >= AM_RUNG_NOTICE)
		return am_fu_send_notice(
		    a, w->clock, w->rung, via, am_fu_cause_of(w->id));
	return rung_next(a, w, via);
}
