/*
 * fu_receipt - what a provider says of a message: accepted, delivered, failed,
 * read.
 *
 * A complaint lists what has not ended and nothing else. But a gateway that has
 * accepted a message says only later that it failed, when the follow-up has
 * long ended as delivered. Ids come from cause, and so the follow-ups that the
 * clocks in force have made are made again until one has the id: some hundreds
 * of hashes at most, for a receipt only. A list of ended ones was rejected: it
 * would weigh on every record for the sake of the few that fail late.
 *
 * States go forward only: what has ended was accepted at least, and what a
 * receipt has said beyond that is remembered like an event that was applied,
 * eight bytes for each and no longer than those. So a second "failed" does not
 * use the next channel twice, nor does one behind a "delivered".
 */

#include "core/fu.h"

#include "base/str.h"

#define EVENTS_MAX 16 /* latest events that may have called for a notice */
#define CAUSES_MAX 64
#define CYCLES_MAX 4 /* latest cycles in which a rung may have fired */

/* What is looked for, and where it has been found. */
struct search {
	const struct am_loopdef *def;
	const struct am_complaint *c;
	uint8_t id[16];
	struct am_waiting found;
	uint64_t causes[CAUSES_MAX];
	size_t causes_n;
};

static bool
is_it(struct search *s, const struct am_fu_cause *from, uint8_t rung,
    uint8_t id[16])
{
	am_fu_id(s->def, s->c, from, id);
	for (size_t i = 0; i < 16; i++) {
		if (id[i] != s->id[i])
			return false;
	}
	s->found.clock = from->clock;
	s->found.rung = rung;
	s->found.entry = s->c->clocks[from->clock].entry;
	s->found.cycle = from->cycle;
	s->found.endpoint = from->endpoint;
	for (size_t i = 0; i < 16; i++)
		s->found.id[i] = id[i];
	return true;
}

static bool
find_rung(struct search *s, size_t clock, size_t rung)
{
	const struct am_rungdef *r = &s->def->clocks[clock].rungs[rung];
	struct am_fu_way way = am_fu_way(s->def, s->c, clock, (uint8_t)rung);
	struct am_fu_cause from = { .clock = (uint8_t)clock,
		.event = s->c->clocks[clock].cause,
		.rung_name = am_str_c(r->name) };
	uint8_t id[16];

	for (size_t v = 0; v < way.n; v++) {
		from.endpoint = am_str_c(way.via[v].endpoint);
		for (unsigned back = 0; back < CYCLES_MAX; back++) {
			if (back >= s->c->cycle)
				break;
			from.cycle = (uint16_t)(s->c->cycle - back);
			if (is_it(s, &from, (uint8_t)rung, id))
				return true;
		}
	}
	return false;
}

/* A notice's channels, one caused by the one before. */
static bool
find_notice(struct search *s, size_t clock, uint8_t rung,
    const struct am_fu_way *way, struct am_str name)
{
	struct am_fu_cause from = {
		.clock = (uint8_t)clock, .cycle = s->c->cycle, .rung_name = name
	};

	for (size_t i = 0; i < s->causes_n; i++) {
		const struct am_via *via = am_fu_channel(way, AM_STR(""));

		from.event = s->causes[i];
		while (via != NULL) {
			uint8_t id[16];

			from.endpoint = am_str_c(via->endpoint);
			if (is_it(s, &from, rung, id))
				return true;
			from.event = am_fu_cause_of(id);
			via = am_fu_channel(way, from.endpoint);
		}
	}
	return false;
}

static void
add_due_causes(struct search *s, size_t clock)
{
	struct am_next what = { .kind = AM_NEXT_LAPSE, .clock = clock };
	const struct am_clock *k = &s->c->clocks[clock];

	for (size_t r = 0; r < s->def->clocks[clock].rungs_n; r++) {
		if (s->causes_n + 2 > CAUSES_MAX)
			return;
		if (r == 0 && k->missed)
			s->causes[s->causes_n++] = am_fu_due_cause(s->c, &what);
		what.rung = r;
		what.kind = AM_NEXT_RUNG;
		if ((k->fired >> r & 1) != 0)
			s->causes[s->causes_n++] = am_fu_due_cause(s->c, &what);
	}
}

/* What may have called for a notice: latest events, and what clocks that run
 * have had due. */
static void
gather_causes(struct search *s)
{
	const struct am_complaint *c = s->c;

	s->causes_n = 0;
	while (s->causes_n < c->applied_n && s->causes_n < EVENTS_MAX) {
		s->causes[s->causes_n] =
		    c->applied[c->applied_n - 1 - s->causes_n];
		s->causes_n++;
	}
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		if (am_clock_live(&c->clocks[i]))
			add_due_causes(s, i);
}

static bool
find_notices(struct search *s, size_t clock)
{
	for (size_t notice = 0; notice < AM_NOTICES_N; notice++) {
		for (size_t to = 0; to < AM_ROLES_N; to++) {
			uint8_t rung = am_notice_rung(
			    (enum am_notice)notice, (enum am_role)to);
			struct am_fu_way way;
			char name[AM_NOTICE_NAME_MAX];

			if (!am_notice_is_for(
				(enum am_notice)notice, (enum am_role)to))
				continue;
			way = am_fu_way(s->def, s->c, clock, rung);
			if (find_notice(s, clock, rung, &way,
				am_notice_rung_name(rung, name)))
				return true;
		}
	}
	return false;
}

/* Notices hang on a clock that runs, on the last stage's, or, whether they are
 * in use or not, on `final` and `aftercare`. */
static bool
may_hold_notices(const struct am_complaint *c, size_t clock)
{
	return am_clock_live(&c->clocks[clock]) || clock == AM_CLOCK_FINAL ||
	       clock == AM_CLOCK_AFTERCARE ||
	       clock == AM_CLOCK_STAGE0 + (size_t)c->stage;
}

static bool
find_ended(struct search *s)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *k = &s->c->clocks[i];

		for (size_t r = 0;
		     am_clock_live(k) && r < s->def->clocks[i].rungs_n; r++) {
			if ((k->fired >> r & 1) != 0 && find_rung(s, i, r))
				return true;
		}
	}
	gather_causes(s);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (may_hold_notices(s->c, i) && find_notices(s, i))
			return true;
	}
	return false;
}

/* The follow-up that a receipt is about; *waits: it has not ended. */
static bool
find(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_event *ev, struct am_waiting *w, bool *waits)
{
	struct search s = { .def = def, .c = c };
	const struct am_waiting *listed;

	if (am_fu_id_parse(am_event_get(ev, "followup_id"), s.id) != 0)
		return false;
	listed = am_fu_find(c, s.id);
	*waits = listed != NULL;
	if (listed == NULL && !find_ended(&s))
		return false;
	*w = listed != NULL ? *listed : s.found;
	return true;
}

AM_GUARD(am_is_unmatched)
{
	struct am_waiting w;
	bool waits;

	return !find(def, c, ev, &w, &waits);
}

/* Says nothing that is not known. */
AM_GUARD(am_is_behind)
{
	struct am_str state = am_event_get(ev, "state");
	struct am_waiting w;
	bool waits;

	if (!find(def, c, ev, &w, &waits) || waits)
		return false;
	if (am_str_is(state, "accepted") || am_fu_is_marked(c, w.id, "read"))
		return true;
	if (am_str_is(state, "read"))
		return false;
	return am_fu_is_marked(c, w.id, "delivered") ||
	       (am_str_is(state, "failed") &&
		   am_fu_is_marked(c, w.id, "failed"));
}

static void
note_receipt(struct am_act *a, const struct am_waiting *w, const char *name)
{
	struct am_note *n = am_act_note(a, name);

	am_note_str(n, "followup", am_fu_id_text(a, w->id));
	am_note_str(n, "endpoint", w->endpoint);
	am_note_c(n, "clock", a->def->clocks[w->clock].name);
	am_note_str(n, "receipt", am_act_field(a, "state"));
	am_note_str(n, "code", am_act_field(a, "code"));
	am_note_str(n, "provider_seq", am_act_field(a, "provider_seq"));
	am_note_str(n, "said_at", am_act_field(a, "at"));
	am_note_c(n, "late", am_fu_over(&a->up->next, w) ? "yes" : "no");
	am_tally_day(a, "receipt",
	    am_arena_cstr(a->up->arena, am_act_field(a, "state")));
}

/* What is on the wire leaves the outbox by its own outcome. */
static void
end(struct am_act *a, const struct am_waiting *w, const char *state)
{
	am_fu_remove(a, w->id);
	if (!w->in_flight)
		am_fu_leave(a, w, state, "receipt");
}

void
am_receive(struct am_act *a)
{
	struct am_str state = am_event_get(a->ev, "state");
	struct am_waiting w;
	bool waits;

	AM_ASSERT(find(a->def, &a->up->next, a->ev, &w, &waits));
	if (am_str_is(state, "accepted")) {
		note_receipt(a, &w, "followup.accepted");
		return;
	}
	if (am_str_is(state, "failed")) {
		note_receipt(a, &w, "followup.failed");
		if (waits) {
			end(a, &w, "dead");
			am_tally_day(a, "dead", NULL);
		}
		am_fu_failed(a, &w, true);
	} else { /* read: delivered at least */
		note_receipt(a, &w, "followup.delivered");
		am_fu_mark(
		    a, w.id, am_str_is(state, "read") ? "read" : "delivered");
		if (waits)
			end(a, &w, "delivered");
		am_fu_heard(
		    a, w.clock, w.rung, am_fu_over(&a->up->next, &w), true);
	}
	if (waits)
		am_fu_release(a, w.endpoint);
}
