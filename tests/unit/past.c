/* past - see past.h. */

#include "tests/unit/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/record.h"
#include "tests/unit/rnd.h"

void
past_init(struct past *p)
{
	memset(p, 0, sizeof(*p));
	fix_init(&p->f, "tests/data/history.conf");
	am_arena_init(&p->keep[0], 1 << 16);
	am_arena_init(&p->keep[1], 1 << 16);
	am_arena_init(&p->lines_arena, 1 << 20);
	am_arena_init(&p->scratch, 1 << 20);
}

void
past_fini(struct past *p)
{
	am_arena_fini(&p->keep[0]);
	am_arena_fini(&p->keep[1]);
	am_arena_fini(&p->lines_arena);
	am_arena_fini(&p->scratch);
	fix_fini(&p->f);
}

/* Through the packed form, as between two commits. */
static void
keep(struct past *p, const struct am_update *up)
{
	struct am_arena *next = &p->keep[p->at ^= 1];
	struct am_buf b;

	am_arena_reset(next);
	if (up->forget || up->next.status == AM_NONE) {
		p->c = (struct am_complaint){ .id = AM_STR("C-1") };
		p->lines_n = 0;
		return;
	}
	am_buf_arena(&b, next, 512);
	am_record_pack(&up->next, &b);
	assert_int_equal(
	    am_record_unpack(AM_STR("C-1"), am_buf_str(&b), next, &p->c), 0);
}

void
past_step(struct past *p, const struct am_event *ev, struct am_update *up)
{
	am_arena_reset(&p->scratch);
	up->arena = &p->scratch;
	assert_int_equal(
	    am_step(&p->def, &p->c, ev, ev->at > p->now ? ev->at : p->now, up),
	    0);
	if (up->line.n > 0) {
		assert_true(p->lines_n < PAST_LINES);
		p->lines[p->lines_n++] =
		    am_arena_dup(&p->lines_arena, up->line);
	}
	p->wake_at = up->wake_at;
	keep(p, up);
}

static void
vary_loop(struct past *p)
{
	p->def = *p->f.def;
	p->def.resume_grace = rnd(3) == 0 ? (am_ms)rnd(120) * AM_MINUTE : 0;
	p->def.resume_on_customer = rnd(2) == 0;
	p->def.retain = (am_ms)(1 + rnd(20)) * AM_DAY;
	p->def.emergency[0] = "emergency";
	p->def.emergency_n = rnd(2);
	for (size_t i = 0; i < AM_CLOCK_STAGE0 + p->def.stages_n; i++) {
		struct am_clockdef *d = &p->def.clocks[i];

		for (size_t r = 0; r < d->rungs_n; r++)
			d->rungs[r].defer = rnd(6) == 0;
		for (size_t t = 0; d->in_use && t < p->def.tiers_n; t++)
			if (d->budget.unit == AM_UNIT_TIME && rnd(3) == 0)
				d->tier_budget[t] =
				    (struct am_duration){ AM_UNIT_TIME,
					    (am_ms)(1 + rnd(300)) * AM_MINUTE };
	}
}

void
past_make(struct past *p, size_t steps)
{
	struct am_reject why;
	struct am_update up;

	p->c = (struct am_complaint){ .id = AM_STR("C-1") };
	p->now = FIX_START + (am_ms)rnd(14 * 86400) * AM_SECOND;
	p->wake_at = AM_NEVER;
	p->lines_n = 0;
	p->n = 0;
	am_arena_reset(&p->lines_arena);
	vary_loop(p);
	while (steps-- > 0) {
		p->now += (am_ms)rnd(rnd(2) == 0 ? 600 : 200000) * AM_SECOND;
		random_event(
		    &p->made, &p->def, &p->c, p->now, ++p->n, NULL, 0, rnd64());
		if (am_event_spec(p->made.ev.type)->inbound &&
		    am_event_check(&p->made.ev, &why) != 0)
			continue;
		past_step(p, &p->made.ev, &up);
	}
}

const struct am_loopdef *
past_loop(void *arg, struct am_str ref)
{
	struct past *p = arg;

	(void)ref;
	return &p->def;
}
