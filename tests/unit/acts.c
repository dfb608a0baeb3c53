/* acts - see acts.h. */

#include "tests/unit/acts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "codec/journal.h"

int
acts_setup(void **state)
{
	struct acts *w = calloc(1, sizeof(*w));

	fix_init(&w->f, "tests/data/ladder.conf");
	w->def = *w->f.def;
	w->f.def = &w->def;
	*state = w;
	return 0;
}

static const struct am_loopdef *
lookup(void *arg, struct am_str ref)
{
	struct acts *w = arg;

	if (am_str_is(ref, w->def.ref))
		return &w->def;
	return w->next.ref != NULL && am_str_is(ref, w->next.ref) ? &w->next
								  : NULL;
}

int
acts_teardown(void **state)
{
	struct acts *w = *state;
	struct fix_case *k = fix_case(&w->f, "C-1");
	struct am_complaint end;
	struct am_arena a;
	uint32_t bad = 0;

	am_arena_init(&a, 0);
	if (!w->no_replay && k->lines_n > 0) {
		assert_int_equal(am_journal_replay(am_str_c(k->id), k->lines,
				     k->lines_n, lookup, w, &a, &end, &bad),
		    0);
		assert_memory_equal(end.chain, k->c.chain, AM_CHAIN_LEN);
	}
	am_arena_fini(&a);
	fix_fini(&w->f);
	free(w);
	return 0;
}

am_ms
acts_at(int day, int hour, int minute)
{
	return FIX_START + day * AM_DAY + (hour - 9) * AM_HOUR +
	       minute * AM_MINUTE;
}

struct am_update *
acts_tell(struct acts *w, am_ms at, const char *text)
{
	return fix_step(&w->f, "C-1", at, text);
}

void
acts_wake(struct acts *w, am_ms until)
{
	struct fix_case *k = fix_case(&w->f, "C-1");

	while (k->wake_at <= until) {
		am_ms before = k->wake_at;

		acts_tell(w, before > w->f.now ? before : w->f.now, "wake");
		assert_true(k->wake_at > w->f.now);
	}
}

struct am_complaint *
acts_c(struct acts *w)
{
	return &fix_case(&w->f, "C-1")->c;
}

am_ms
acts_due(struct acts *w, const char *clock)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const char *name = w->f.def->clocks[i].name;

		if (name != NULL && strcmp(name, clock) == 0)
			return am_clock_due(w->f.def, acts_c(w), i);
	}
	fail_msg("no clock %s", clock);
	return 0;
}

struct am_str
acts_pair(const struct am_note *n, const char *key)
{
	for (size_t i = 0; n != NULL && i < n->pairs_n; i++) {
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	}
	return AM_STR("");
}

am_ms
acts_pair_ms(const struct am_note *n, const char *key)
{
	int64_t v = -1;

	return am_str_i64(acts_pair(n, key), &v) == 0 ? v : -1;
}

const struct am_note *
acts_note(struct acts *w, const char *name, const char *key, const char *value)
{
	const struct am_note *n = w->f.up.notes;

	while (n != NULL &&
	       (strcmp(n->name, name) != 0 ||
		   (key != NULL && !am_str_is(acts_pair(n, key), value))))
		n = n->next;
	return n;
}

int64_t
acts_tally(struct acts *w, const char *field)
{
	int64_t sum = 0;

	for (const struct am_tally *t = w->f.up.tallies; t != NULL; t = t->next)
		if (strcmp(t->field, field) == 0)
			sum += t->delta;
	return sum;
}

const struct am_followup *
acts_followup(struct acts *w, const char *rung)
{
	const struct am_followup *f = w->f.up.followups;

	while (f != NULL && !am_str_is(f->rung_name, rung))
		f = f->next;
	return f;
}

void
acts_refused(struct acts *w, const char *code, const char *field)
{
	assert_int_equal(w->f.up.verdict, AM_REJECTED);
	assert_string_equal(w->f.up.reject.code, code);
	assert_true(am_str_is(w->f.up.reject.field, field));
	assert_non_null(strchr(w->f.up.reject.text, ';'));
}

void
acts_ignored(struct acts *w, const char *code)
{
	assert_int_equal(w->f.up.verdict, AM_IGNORED);
	assert_string_equal(w->f.up.code, code);
}
