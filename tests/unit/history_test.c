/*
 * history_test - what holds in every history, tried on 100,000 random ones.
 *
 * A loop with every key is varied at random (tiers, offsets, defer, grace,
 * receipt clocks), then events of every kind, wake-ups and outcomes are
 * stepped: with fields missing, rubbish or too long, early, late, stale, twice,
 * in any order. That a plan is what then fires is plan_test's, on as many.
 * HISTORIES in the environment runs more or fewer.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "codec/journal.h"
#include "codec/record.h"
#include "core/journal.h"
#include "tests/unit/fixture.h"
#include "tests/unit/random_event.h"
#include "tests/unit/rnd.h"

#define STEPS 32
#define IDS_MAX 1024

static struct fix f;
static struct am_loopdef def;

struct history {
	struct am_arena keep[2]; /* state before and after, in turn */
	int at;
	struct am_complaint c;
	am_ms now; /* of this step: never before the event's own time */
	am_ms wake_at;
	uint8_t ids[IDS_MAX][16];
	size_t ids_n;
	struct am_arena lines_arena;
	struct am_str lines[4 * STEPS];
	size_t lines_n;
	unsigned n;
	int64_t open, held, stage[AM_STAGES_MAX][AM_TIERS_MAX];
	unsigned refused, seen[AM_EVENTS_N];
	unsigned outcomes[AM_OUTCOMES_N];
};

static struct am_duration
random_offset(void)
{
	switch (rnd(3)) {
	case 0:
		return (struct am_duration){ AM_UNIT_BD, 1 + (int64_t)rnd(3) };
	case 1:
		return (struct am_duration){ AM_UNIT_DAYS,
			(1 + (int64_t)rnd(4)) * AM_DAY };
	default:
		return (struct am_duration){ AM_UNIT_TIME,
			(1 + (int64_t)rnd(600)) * AM_MINUTE };
	}
}

static void
vary_clock(struct am_clockdef *d, bool stage)
{
	d->from_receipt = stage && rnd(6) == 0;
	for (size_t t = 0; t < AM_TIERS_MAX; t++) {
		d->tier_budget[t].n = -1;
		if (rnd(3) == 0)
			d->tier_budget[t] = random_offset();
	}
	for (size_t r = 0; r < d->rungs_n; r++) {
		d->rungs[r].defer = rnd(6) == 0;
		if (!d->rungs[r].is_pct)
			d->rungs[r].offset = random_offset();
		for (size_t v = 0; v < d->rungs[r].via_n; v++)
			d->rungs[r].via[v].usable = rnd(8) != 0;
	}
}

static void
vary_loop(void)
{
	def = *f.def;
	def.resume_grace = rnd(3) == 0 ? (am_ms)rnd(120) * AM_MINUTE : 0;
	def.max_hold = random_offset();
	def.retain = (am_ms)rnd(20) * AM_DAY;
	def.resume_on_customer = rnd(2) == 0;
	def.separate_confirm = rnd(2) == 0;
	def.max_extensions = (int)rnd(4);
	def.catchup_after = rnd(2) == 0 ? AM_MINUTE : 0;
	for (size_t i = 0; i < AM_CLOCK_STAGE0 + def.stages_n; i++)
		if (def.clocks[i].in_use || i >= AM_CLOCK_STAGE0)
			vary_clock(&def.clocks[i], i >= AM_CLOCK_STAGE0);
	for (size_t i = 0; i + 1 < def.stages_n; i++)
		def.stages[i].implied_by_later = rnd(2) == 0;
	def.stages[def.stages_n - 1].max_reopens = (int)rnd(4);
}

static struct am_str
packed(struct am_arena *a, const struct am_complaint *c)
{
	struct am_buf b;

	am_buf_arena(&b, a, 512);
	am_record_pack(c, &b);
	return am_buf_str(&b);
}

static void
check_followups(struct history *h, const struct am_update *up)
{
	for (const struct am_followup *fu = up->followups; fu != NULL;
	     fu = fu->next) {
		bool waits = false;

		for (size_t i = 0; i < h->ids_n; i++)
			if (fu->endpoint.n > 0) /* ES3: never fired twice */
				assert_memory_not_equal(h->ids[i], fu->id, 16);
		assert_true(h->ids_n < IDS_MAX);
		memcpy(h->ids[h->ids_n++], fu->id, 16);
		assert_true(fu->body.n > 0 && fu->fired_at == h->now);
		for (size_t i = 0; i < up->next.waiting_n; i++) {
			const struct am_waiting *w = &up->next.waiting[i];

			if (memcmp(w->id, fu->id, 16) != 0)
				continue;
			waits = true;
			assert_int_equal(w->queued, fu->queued);
		}
		assert_int_equal(waits, !fu->dead);
	}
	/* order: the first of each endpoint is in the outbox, and no other but
	 * those that their provider has */
	for (size_t i = 0; i < up->next.waiting_n; i++) {
		const struct am_waiting *w = &up->next.waiting[i];
		bool first = true;

		for (size_t j = 0; j < i; j++)
			first = first && (up->next.waiting[j].handed ||
					     !am_str_eq(w->endpoint,
						 up->next.waiting[j].endpoint));
		assert_int_equal(w->queued, w->handed || first);
	}
}

static void
check_line(struct history *h, const struct am_update *up)
{
	uint8_t prev[AM_CHAIN_LEN], hash[AM_CHAIN_LEN];

	if (up->line.n == 0) {
		assert_int_equal(up->next.seq, h->c.seq);
		return;
	}
	assert_int_equal(up->next.seq, h->c.seq + 1);
	assert_non_null(up->notes);
	if (rnd(8) == 0) { /* the replay looks at every line */
		assert_true(am_journal_line_ok(up->line, prev, hash));
		assert_memory_equal(prev, h->c.chain, AM_CHAIN_LEN);
		assert_memory_equal(hash, up->next.chain, AM_CHAIN_LEN);
	}
	assert_true(h->lines_n < AM_COUNT(h->lines));
	h->lines[h->lines_n++] = am_arena_dup(&h->lines_arena, up->line);
}

/* Same bytes in, same bytes out; of the lines, the replay says the same. */
static void
check_again(struct history *h, const struct am_event *ev,
    const struct am_update *up, struct am_arena *a)
{
	struct am_update again = { .arena = a };

	if (rnd(up->followups == NULL ? 16 : 4) != 0)
		return;
	assert_int_equal(am_step(&def, &h->c, ev, h->now, &again), 0);
	assert_int_equal(again.verdict, up->verdict);
	assert_true(am_str_eq(again.line, up->line));
	assert_true(am_str_eq(packed(a, &again.next), packed(a, &up->next)));
	if (up->followups != NULL)
		assert_true(
		    am_str_eq(again.followups->body, up->followups->body));
}

/* Applied before: nothing changes. */
static void
check_twice(const struct am_event *ev, const struct am_update *up, am_ms now,
    struct am_arena *a)
{
	struct am_update again = { .arena = a };

	if (up->verdict == AM_REJECTED || up->verdict == AM_DUPLICATE ||
	    !am_event_spec(ev->type)->inbound || rnd(4) != 0)
		return;
	assert_int_equal(am_step(&def, &up->next, ev, now, &again), 0);
	assert_int_equal(again.verdict, AM_DUPLICATE);
	assert_true(am_str_eq(packed(a, &again.next), packed(a, &up->next)));
}

/* A wake-up before its time finds nothing. */
static void
check_not_before(const struct am_update *up, struct am_arena *a)
{
	const struct am_event ev = { .type = AM_EV_WAKE,
		.at = up->wake_at - 1,
		.expected_version = -1 };
	struct am_update early = { .arena = a };

	if (up->wake_at == AM_NEVER || up->next.status == AM_NONE ||
	    rnd(4) != 0)
		return;
	assert_int_equal(
	    am_step(&def, &up->next, &ev, up->wake_at - 1, &early), 0);
	assert_int_equal(early.verdict, AM_IGNORED);
	assert_int_equal(early.line.n, 0);
	assert_int_equal(early.wake_at, up->wake_at);
}

static void
count_stage(struct history *h, const struct am_tally *t)
{
	char name[64];

	if (strncmp(t->field, "stage:", 6) != 0)
		return;
	for (size_t s = 0; s < def.stages_n; s++)
		for (size_t k = 0; k < def.tiers_n; k++) {
			snprintf(name, sizeof(name), "stage:%s:%s:%s", def.name,
			    def.stages[s].name, def.tiers[k]);
			if (strcmp(t->field, name) == 0)
				h->stage[s][k] += t->delta;
		}
}

/* The live counts say where the complaint stands, and nothing else. */
static void
check_tallies(struct history *h, const struct am_update *up)
{
	const struct am_complaint *c = &up->next;
	bool live = c->status == AM_OPEN || c->status == AM_HELD;

	if (up->verdict == AM_REJECTED || up->verdict == AM_DUPLICATE)
		return;
	for (const struct am_tally *t = up->tallies; t != NULL; t = t->next) {
		if (t->day != NULL)
			continue;
		if (strncmp(t->field, "open:", 5) == 0)
			h->open += t->delta;
		else if (strcmp(t->field, "held") == 0)
			h->held += t->delta;
		count_stage(h, t);
	}
	assert_int_equal(h->open, live);
	assert_int_equal(h->held, c->status == AM_HELD);
	for (size_t s = 0; s < def.stages_n; s++)
		for (size_t k = 0; k < def.tiers_n; k++)
			assert_int_equal(h->stage[s][k],
			    live && s == c->stage && k == c->tier);
}

/* What is said is on the list. */
static void
check_notes(const struct am_update *up)
{
	struct am_note_view view;

	if (rnd(8) != 0)
		return; /* the list is long, and there are millions of steps */
	for (const struct am_note *n = up->notes; n != NULL; n = n->next) {
		size_t i = 0;

		while (am_note_at(i, &view) && strcmp(view.name, n->name) != 0)
			i++;
		if (!am_note_at(i, &view))
			fail_msg("%s is on no list of notes", n->name);
	}
}

/* RO1 RO3: one owner, and nobody who is complained about. */
static void
check_owner(const struct am_complaint *c)
{
	struct am_str rest = c->respondents;

	while (c->owner.n > 0 && rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;

		assert_false(am_str_eq(c->owner, (struct am_str){ rest.p, n }));
		n += end != NULL;
		rest.p += n;
		rest.n -= n;
	}
}

/* CF1 LC2: satisfied needs the customer's word and nothing owed; a closed
 * complaint wakes for its aftercare, or to be forgotten. */
static void
check_closed(const struct am_update *up)
{
	const struct am_complaint *c = &up->next;

	if (c->status != AM_CLOSED)
		return;
	if (c->outcome == AM_OUTCOME_SATISFIED ||
	    c->outcome == AM_OUTCOME_SATISFIED_AFTER_REOPEN) {
		assert_int_equal(c->owed, 0);
		assert_int_not_equal(c->flags & AM_CF_SATISFIED, 0);
	}
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		if (i != AM_CLOCK_AFTERCARE)
			assert_int_not_equal(
			    c->clocks[i].state, AM_CLK_RUNNING);
}

static void
random_step(struct history *h, struct am_arena *a)
{
	static struct random_event made;
	struct am_update up = { .arena = a };
	const struct am_event *ev = &made.ev;
	struct am_reject why;
	struct am_arena *next;
	bool wakes = rnd(3) == 0 && h->wake_at != AM_NEVER;
	am_ms now;

	h->n++;
	h->now += (am_ms)rnd(rnd(2) == 0 ? 600 : 200000) * AM_SECOND;
	if (wakes && h->wake_at > h->now)
		h->now = h->wake_at;
	random_event(&made, &def, &h->c, h->now, h->n,
	    (const uint8_t(*)[16])h->ids, h->ids_n, rnd64());
	if (am_event_spec(ev->type)->inbound && am_event_check(ev, &why) != 0) {
		assert_true(why.code[0] != '\0' && why.text[0] != '\0');
		h->refused++;
		return;
	}
	now = h->now;
	h->now = ev->at > now ? ev->at : now;
	for (size_t i = 0; i < h->c.waiting_n; i++)
		h->c.waiting[i].in_flight =
		    h->c.waiting[i].queued && rnd(4) == 0;
	assert_int_equal(am_step(&def, &h->c, ev, h->now, &up), 0);
	assert_int_equal(am_complaint_check(&def, &up.next), 0);
	assert_int_equal(up.next.version - h->c.version, up.changed);
	check_line(h, &up);
	check_again(h, ev, &up, a);
	check_twice(ev, &up, h->now, a);
	check_followups(h, &up);
	check_tallies(h, &up);
	check_notes(&up);
	check_owner(&up.next);
	check_closed(&up);
	h->seen[ev->type]++;
	if (ev->type == AM_EV_WAKE && up.verdict != AM_REJECTED)
		assert_true(up.wake_at > h->now);
	check_not_before(&up, a);
	h->now = now;
	h->wake_at = up.wake_at;
	h->at ^= 1;
	next = &h->keep[h->at];
	am_arena_reset(next);
	if (up.forget) {
		h->c = (struct am_complaint){ .id = AM_STR("C-1") };
		h->lines_n = h->ids_n = 0;
		return;
	}
	h->outcomes[up.next.outcome]++;
	if (up.next.status != AM_NONE)
		assert_int_equal(am_record_unpack(AM_STR("C-1"),
				     packed(next, &up.next), next, &h->c),
		    0);
}

static const struct am_loopdef *
lookup(void *arg, struct am_str ref)
{
	(void)arg;
	(void)ref;
	return &def;
}

static void
random_history(struct history *h, struct am_arena *a)
{
	struct am_complaint again;
	uint32_t bad = 0;

	h->c = (struct am_complaint){ .id = AM_STR("C-1") };
	h->now = FIX_START + (am_ms)rnd(14 * 86400) * AM_SECOND;
	h->wake_at = AM_NEVER;
	h->n = 0;
	h->ids_n = h->lines_n = 0;
	h->open = h->held = 0;
	memset(h->stage, 0, sizeof(h->stage));
	am_arena_reset(&h->lines_arena);
	vary_loop();
	for (size_t i = 1 + rnd(STEPS); i > 0; i--) {
		am_arena_reset(a);
		random_step(h, a);
	}
	am_arena_reset(a);
	if (h->lines_n == 0)
		return;
	/* AU1 */
	assert_int_equal(am_journal_replay(AM_STR("C-1"), h->lines, h->lines_n,
			     lookup, NULL, a, &again, &bad),
	    0);
	assert_true(am_str_eq(packed(a, &again), packed(a, &h->c)));
}

/* AU1 ES3: see the head of this file. */
static void
test_step_random_histories_keep_the_invariants(void **state)
{
	const char *more = getenv("HISTORIES");
	size_t n = more != NULL ? strtoul(more, NULL, 10) : 100000;
	static struct history h;
	struct am_arena a;

	(void)state;
	rnd_seed("history_test");
	am_arena_init(&a, 1 << 20);
	am_arena_init(&h.keep[0], 1 << 16);
	am_arena_init(&h.keep[1], 1 << 16);
	am_arena_init(&h.lines_arena, 1 << 20);
	for (size_t i = 0; i < n; i++)
		random_history(&h, &a);
	/* what never came was never tried */
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++)
		assert_true(h.seen[t] > 0 || n < 10000);
	for (int o = 0; o < AM_OUTCOMES_N; o++) {
		print_message("%s %u\n", am_outcome_str(o), h.outcomes[o]);
		assert_true(h.outcomes[o] > 0 || n < 10000);
	}
	assert_true(h.refused > 0);
	am_arena_fini(&a);
	am_arena_fini(&h.keep[0]);
	am_arena_fini(&h.keep[1]);
	am_arena_fini(&h.lines_arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_step_random_histories_keep_the_invariants),
	};
	int rc;

	fix_init(&f, "tests/data/history.conf");
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	fix_fini(&f);
	return rc;
}
