/*
 * plan_test - AU4: the plan of a complaint is what then fires under a virtual
 * clock, after any history. The clock here is one of its own: it wakes the
 * complaint when it asks to be woken, and delivers what is let out.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "sim/plan.h"
#include "sim/row.h"
#include "tests/unit/past.h"
#include "tests/unit/rnd.h"

#define AHEAD (366 * AM_DAY)

/* "AT note key=value …" a note, without deliveries. */
static void
write_notes(struct am_buf *b, am_ms at, const struct am_update *up)
{
	if (up->forget)
		am_buf_addf(b, "%lld forget\n", (long long)at);
	for (const struct am_note *n = up->notes; n != NULL; n = n->next) {
		if (strcmp(n->name, "followup.delivered") == 0)
			continue;
		am_buf_addf(b, "%lld %s", (long long)at, n->name);
		for (size_t i = 0; i < n->pairs_n; i++)
			am_buf_addf(b, " %.*s=%.*s", AM_ARG(n->pairs[i].key),
			    AM_ARG(n->pairs[i].value));
		am_buf_addc(b, '\n');
	}
}

static void
on_planned(void *arg, const struct am_told *t)
{
	write_notes(arg, t->at, t->up);
}

/* ---- the other clock ---- */

struct other {
	struct past *p;
	struct {
		uint8_t id[16];
		am_ms at;
	} held[2048]; /* until when quiet hours hold a follow-up */
	size_t held_n;
	struct am_buf told;
};

static void
remember_quiet(struct other *o, const struct am_update *up)
{
	for (const struct am_followup *f = up->followups; f != NULL;
	     f = f->next) {
		assert_true(o->held_n < AM_COUNT(o->held));
		memcpy(o->held[o->held_n].id, f->id, 16);
		o->held[o->held_n++].at = f->not_before;
	}
}

static am_ms
leaves_at(const struct other *o, const struct am_waiting *w)
{
	am_ms at = 0;

	for (size_t i = 0; i < o->held_n; i++) {
		if (memcmp(o->held[i].id, w->id, 16) == 0)
			at = o->held[i].at;
	}
	return at > o->p->now ? at : o->p->now;
}

static void
apply(struct other *o, const struct am_event *ev)
{
	struct am_update up;

	past_step(o->p, ev, &up);
	remember_quiet(o, &up);
	write_notes(&o->told, o->p->now, &up);
}

/* The follow-up that leaves first, NULL when none does before `until`. */
static const struct am_waiting *
first_out(const struct other *o, am_ms *at)
{
	const struct am_waiting *best = NULL;

	for (size_t i = 0; i < o->p->c.waiting_n; i++) {
		const struct am_waiting *w = &o->p->c.waiting[i];
		am_ms t = leaves_at(o, w);

		if (w->queued && (best == NULL || t < *at)) {
			best = w;
			*at = t;
		}
	}
	return best;
}

static bool
tick(struct other *o, am_ms until)
{
	struct past *p = o->p;
	am_ms out_at = AM_NEVER;
	am_ms wake_at = p->wake_at > p->now ? p->wake_at : p->now;
	const struct am_waiting *w = first_out(o, &out_at);
	char id[AM_FU_ID_LEN + 1];
	struct am_event ev = { .type = AM_EV_WAKE,
		.complaint_id = p->c.id,
		.source = AM_STR("amends"),
		.expected_version = -1 };
	const struct am_pair ended[] = {
		{ AM_STR("followup_id"), { id, AM_FU_ID_LEN } },
		{ AM_STR("state"), AM_STR("delivered") },
		{ AM_STR("attempts"), AM_STR("1") },
		{ AM_STR("status"), AM_STR("0") },
	};

	if (w != NULL && out_at <= wake_at) {
		am_fu_id_format(w->id, id);
		ev.type = AM_EV_FOLLOWUP_ENDED;
		ev.fields = ended;
		ev.fields_n = AM_COUNT(ended);
	} else {
		out_at = wake_at;
	}
	if (out_at > until)
		return false;
	p->now = ev.at = out_at;
	apply(o, &ev);
	return true;
}

/* AU4: see the head of this file. */
static void
test_plan_random_histories_then_what_fires_is_what_was_planned(void **state)
{
	const char *more = getenv("HISTORIES");
	size_t n = more != NULL ? strtoul(more, NULL, 10) : 100000;
	static struct other o;
	static struct past p;
	struct am_buf planned;
	size_t rows = 0;

	(void)state;
	rnd_seed("plan_test");
	past_init(&p);
	am_buf_init(&planned);
	am_buf_init(&o.told);
	for (size_t i = 0; i < n; i++) {
		bool further = true;
		am_ms until;

		past_make(&p, 1 + rnd(25));
		if (p.c.status == AM_NONE)
			continue;
		until = p.now + AHEAD;
		am_buf_reset(&planned);
		assert_int_equal(am_plan(&p.def, &p.c, p.now, until, SIZE_MAX,
				     on_planned, &planned, &further),
		    0);
		assert_false(further && p.c.status == AM_CLOSED);
		o.p = &p;
		o.held_n = 0;
		am_buf_reset(&o.told);
		p.lines_n = 0;
		while (tick(&o, until) && p.lines_n < PAST_LINES - 1)
			continue;
		am_buf_addc(&planned, '\0');
		am_buf_addc(&o.told, '\0');
		assert_string_equal(planned.p, o.told.p);
		rows += planned.n > 1;
	}
	assert_true(rows > n / 2);
	am_buf_fini(&planned);
	am_buf_fini(&o.told);
	past_fini(&p);
}

static void
on_count(void *arg, const struct am_told *t)
{
	size_t *n = arg;

	assert_true(am_row_tells(t));
	++*n;
}

static void
test_plan_more_rows_than_asked_then_says_so(void **state)
{
	struct am_event open = { .type = AM_EV_OPENED,
		.source = AM_STR("t"),
		.event_id = AM_STR("e1"),
		.at = FIX_START,
		.expected_version = -1 };
	static struct past p;
	struct am_update up;
	bool more = false;
	size_t n = 0;

	(void)state;
	past_init(&p);
	p.def = *p.f.def;
	p.c = (struct am_complaint){ .id = AM_STR("C-1") };
	p.now = FIX_START;
	past_step(&p, &open, &up);
	assert_int_equal(
	    am_plan(&p.def, &p.c, p.now, p.now + AHEAD, 3, on_count, &n, &more),
	    0);
	assert_int_equal(n, 3);
	assert_true(more);
	past_fini(&p);
}

static void
test_plan_no_complaint_then_refused(void **state)
{
	static struct past p;
	bool more = false;
	size_t n = 0;

	(void)state;
	past_init(&p);
	p.def = *p.f.def;
	p.c = (struct am_complaint){ .id = AM_STR("C-1") };
	assert_int_equal(am_plan(&p.def, &p.c, FIX_START, FIX_START + AHEAD, 9,
			     on_count, &n, &more),
	    -AM_EINVAL);
	p.c.status = AM_OPEN; /* and breaks every invariant */
	assert_int_equal(am_plan(&p.def, &p.c, FIX_START, FIX_START + AHEAD, 9,
			     on_count, &n, &more),
	    -AM_EINVAL);
	assert_int_equal(n, 0);
	past_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_plan_random_histories_then_what_fires_is_what_was_planned),
		cmocka_unit_test(test_plan_more_rows_than_asked_then_says_so),
		cmocka_unit_test(test_plan_no_complaint_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
