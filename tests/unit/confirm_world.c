/* confirm_world - see confirm_world.h. */

#include "tests/unit/confirm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

struct fix cw;

static struct am_loopdef def;

int
cw_setup(void **state)
{
	(void)state;
	fix_init(&cw, "tests/data/confirm.conf");
	def = *cw.def;
	cw.def = &def;
	return 0;
}

int
cw_teardown(void **state)
{
	(void)state;
	fix_fini(&cw);
	return 0;
}

struct am_loopdef *
cw_def(void)
{
	return &def;
}

am_ms
cw_at(const char *when)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	int week = 0, hour, minute;
	char day[4];

	if (sscanf(when, "%3s+%d %d:%d", day, &week, &hour, &minute) != 4 &&
	    sscanf(when, "%3s %d:%d", day, &hour, &minute) != 3)
		fail_msg("no time: %s", when);
	assert_non_null(strstr(days, day));
	return FIX_START - 9 * AM_HOUR +
	       ((strstr(days, day) - days) / 3 + 7 * week) * AM_DAY +
	       hour * AM_HOUR + minute * AM_MINUTE;
}

struct am_update *
cw_step_of(const char *id, const char *when, const char *event)
{
	return fix_step(&cw, id, cw_at(when), event);
}

struct am_update *
cw_step(const char *when, const char *event)
{
	return cw_step_of("C-1", when, event);
}

am_ms
cw_wake(void)
{
	am_ms at = fix_case(&cw, "C-1")->wake_at;

	assert_true(at != AM_NEVER);
	fix_step(&cw, "C-1", at, "wake");
	return at;
}

void
cw_sleep(const char *until)
{
	while (fix_case(&cw, "C-1")->wake_at <= cw_at(until))
		(void)cw_wake();
}

void
cw_walk_to_confirm(const char *when)
{
	cw_step(when, "complaint.opened category=card owner=li tier=mid");
	cw_step(when, "stage.completed stage=listen");
	cw_step(when, "stage.completed stage=apologize");
	cw_step(when, "stage.completed stage=resolve");
	assert_string_equal(def.stages[CW->stage].name, "callback-confirm");
}

static struct am_update *
end(const char *when, size_t clock, unsigned rung, const char *state)
{
	char event[160], id[AM_FU_ID_LEN + 1];

	for (size_t i = 0; i < CW->waiting_n; i++) {
		const struct am_waiting *w = &CW->waiting[i];

		if (w->clock != clock || w->rung != rung)
			continue;
		am_fu_id_format(w->id, id);
		snprintf(event, sizeof(event),
		    "followup.ended followup_id=%s state=%s attempts=1", id,
		    state);
		return cw_step(when, event);
	}
	fail_msg("rung %u of clock %zu does not wait", rung, clock);
	return NULL;
}

struct am_update *
cw_end(const char *when, const char *clock, const char *rung, const char *state)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clockdef *d = &def.clocks[i];

		if (d->name == NULL || strcmp(d->name, clock) != 0)
			continue;
		for (size_t r = 0; r < d->rungs_n; r++) {
			if (strcmp(d->rungs[r].name, rung) == 0)
				return end(when, i, (unsigned)r, state);
		}
	}
	fail_msg("no rung %s of %s", rung, clock);
	return NULL;
}

struct am_update *
cw_end_notice(
    const char *when, enum am_notice notice, enum am_role to, const char *state)
{
	unsigned rung = am_notice_rung(notice, to);

	for (size_t i = 0; i < CW->waiting_n; i++) {
		if (CW->waiting[i].rung == rung)
			return end(when, CW->waiting[i].clock, rung, state);
	}
	fail_msg("notice %d does not wait", (int)notice);
	return NULL;
}

const struct am_followup *
cw_followup(const char *rung)
{
	const struct am_followup *f = cw.up.followups;

	while (f != NULL && !am_str_is(f->rung_name, rung))
		f = f->next;
	return f;
}

size_t
cw_sent(const char *rung)
{
	size_t n = 0;

	for (const struct am_followup *f = cw.up.followups; f != NULL;
	     f = f->next)
		n += !f->dead && am_str_is(f->rung_name, rung);
	return n;
}

static const char *
value_of(const struct am_pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (am_str_is(pairs[i].key, key))
			return am_arena_cstr(cw.up.arena, pairs[i].value);
	}
	return "";
}

const char *
cw_said(const char *note, const char *key)
{
	const struct am_note *n = cw.up.notes;

	while (n != NULL && strcmp(n->name, note) != 0)
		n = n->next;
	return n != NULL ? value_of(n->pairs, n->pairs_n, key) : NULL;
}

int64_t
cw_tally(const char *field)
{
	int64_t sum = 0;

	for (const struct am_tally *t = cw.up.tallies; t != NULL; t = t->next)
		if (strcmp(t->field, field) == 0)
			sum += t->delta;
	return sum;
}

const struct am_emit *
cw_emitted(size_t i)
{
	const struct am_emit *e = cw.up.emits;

	for (; e != NULL && i > 0; i--)
		e = e->next;
	return e;
}

const char *
cw_told(const struct am_emit *e, const char *key)
{
	return value_of(e->pairs, e->pairs_n, key);
}
