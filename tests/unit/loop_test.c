/*
 * Loops: the normal form and its hash (LC6: a complaint keeps loop@version),
 * ladders, and loops that were kept in Redis.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf/options.h"
#include "conf_world.h"

#define HEAD                                                                   \
	"person \"wang\" { } role \"manager\" { person = \"wang\" }\n"         \
	"calendar \"office\" { timezone = \"Asia/Shanghai\" open = "           \
	"{\"Mon-Fri 09:00-18:00\"} }\n"                                        \
	"endpoint \"crm\" { url = \"https://crm.example/\" secret = "          \
	"{\"file:ok.secret\"} }\n"                                             \
	"provider p { url = \"https://p.example/\" raw = \"{text:raw}\" }\n"   \
	"endpoint \"sms\" { type = \"sms\" provider = \"p\" }\n"               \
	"message \"late\" { text = \"{complaint.id}\" }\n"

#define LOOP                                                                   \
	"loop \"complaint\" {\n"                                               \
	"tiers = {\"high\", \"low\"}\n default_tier = \"high\"\n"              \
	"timezone = \"Europe/Berlin\"\n"                                       \
	"clock \"inform\" { budget = \"2d\"\n"                                 \
	"rung \"tell\" { at = \"100%\" to = \"customer\" via = {\"sms\", "     \
	"\"crm\"} } }\n"                                                       \
	"clock \"final\" { budget = \"8w\"\n"                                  \
	"rung \"half\" { at = \"50%\" via = {\"crm\"} }\n"                     \
	"rung \"expiry\" { at = \"100%\" to = \"customer\" via = {\"crm\"} "   \
	"}\n"                                                                  \
	"rung \"after\" { at = \"+1d\" to = \"manager\" via = {\"crm\"} } }\n" \
	"clock \"aftercare\" { budget = \"7d\"\n"                              \
	"rung \"check\" { at = \"100%\" to = \"customer\" via = {\"crm\"} } "  \
	"}\n"                                                                  \
	"stage \"listen\" { budget = \"90m\" calendar = \"office\"\n"          \
	"tier \"high\" { budget = \"30m\" }\n"                                 \
	"rung \"take\" { at = \"+1bd\" to = \"manager\" via = {\"crm\"} }\n"   \
	"rung \"warn\" { at = \"50%\" via = {\"crm\"} message = \"late\" }\n"  \
	"rung \"boss\" { at = \"+15m\" to = \"manager\" via = {\"crm\"} }\n"   \
	"rung \"lapse\" { at = \"100%\" via = {\"crm\"} }\n"                   \
	"rung \"also\" { at = \"+15m\" to = \"supervisor\" via = {\"crm\"} } " \
	"}\n"                                                                  \
	"stage \"resolve\" { budget = \"3bd\" requires = {\"root_cause\"} }\n" \
	"stage \"confirm\" { kind = \"confirm\" budget = \"1bd\"\n"            \
	"rung \"ask\" { at = \"0%\" to = \"customer\" via = {\"crm\"} } }\n"   \
	"}\n"

/* The same in another order, other blanks, other spellings. */
#define SHUFFLED                                                               \
	"loop complaint {stage listen{\n\n"                                    \
	"rung also { via = crm to = 'supervisor' at = \"+900s\" }"             \
	"rung lapse { via = {crm} to = owner at = '100%' }"                    \
	"rung boss { via = {\"crm\"} defer = no at = \"+15m\" to = manager }"  \
	"rung warn { message = late at = '50%' via = {crm} }"                  \
	"rung take { at = '+1bd' to = manager via = {crm} }"                   \
	"tier high { budget = 1800s } calendar = office /* so */ "             \
	"budget = \"5400s\" implied_by_later = yes }\n"                        \
	"stage resolve { requires = root_cause budget = 3bd clock = entry }\n" \
	"clock aftercare { rung check { via = crm at = '100%' to = customer }" \
	" budget = 1w }\n"                                                     \
	"stage confirm { rung ask { to = customer at = '0%' via = crm }"       \
	" reopen_window = 2w budget = 1bd kind = confirm }\n"                  \
	"clock final { rung after { to = manager via = crm at = '+1d' }"       \
	"rung expiry { to = customer via = crm at = '100%' }"                  \
	"rung half { via = crm at = '50%' } budget = 56d }\n"                  \
	"clock inform { rung tell { via = {sms, crm} to = customer at = "      \
	"'100%' } budget = 2d }\n"                                             \
	"max_hold = 10bd timezone = Europe/Berlin default_tier = high "        \
	"tiers = {high, low} }\n"

/* Every key that has no effect on another, each unlike its default. */
#define ALL_KEYS                                                                \
	"notice \"extended\" { message = \"late\" } notice \"hold\" { "         \
	"message = \"late\" } max_hold = \"20bd\" hold_reminders = {\"+4h\", "  \
	"\"+2bd\"} "                                                            \
	"resume_grace = \"5m\" resume_on_customer = no "                        \
	"contradict_window = \"1h\" negative_words = {\"Not OK\", \"没用\"} " \
	"repeat_window = \"1w\" max_extensions = 3 separate_confirm = yes "     \
	"unowned_max = \"1bd\" notify_withdrawal = yes emergency = "            \
	"{\"fire\", "                                                           \
	"\"flood\"} group_wait = \"0\" tiers ="

static struct am_conf *
load(const char *loop)
{
	char *text;
	struct am_conf *c;

	assert_true(asprintf(&text, HEAD "%s", loop) >= 0);
	c = conf_world_must(text);
	free(text);
	return c;
}

static void
test_loop_in_another_order_has_the_same_hash(void **state)
{
	struct am_conf *a = load(LOOP), *b = load(SHUFFLED);

	(void)state;
	assert_int_equal(a->loops[0]->text.n, b->loops[0]->text.n);
	assert_memory_equal(
	    a->loops[0]->text.p, b->loops[0]->text.p, a->loops[0]->text.n);
	assert_string_equal(a->loops[0]->ref, b->loops[0]->ref);
	assert_int_equal(strlen(a->loops[0]->ref), strlen("complaint@") + 12);
	am_conf_unref(a);
	am_conf_unref(b);
}

static void
test_loop_hash_is_the_one_it_was(void **state)
{
	struct am_conf *c = load(LOOP);

	(void)state;
	/* pins the normal form: a new one would orphan every open complaint's
	 * definition, so it needs a reason and a line in NEWS */
	assert_string_equal(c->loops[0]->ref, "complaint@d835da19e7e8");
	am_conf_unref(c);
}

/* LC6: whatever changes the course of a complaint changes the version. */
static void
test_loop_with_another_policy_has_another_hash(void **state)
{
	static const struct {
		const char *find, *put;
	} edits[] = {
		{ "budget = \"90m\"", "budget = \"91m\"" },
		{ "budget = \"30m\"", "budget = \"31m\"" },
		{ "budget = \"8w\"", "budget = \"7w\"" },
		{ "budget = \"3bd\"", "budget = \"3d\"" },
		{ "at = \"50%\" via", "at = \"51%\" via" },
		{ "+15m", "+16m" },
		{ "to = \"manager\"", "to = \"supervisor\"" },
		{ "{\"sms\", \"crm\"}", "{\"crm\", \"sms\"}" },
		{ " message = \"late\"", "" },
		{ "calendar = \"office\"\n", "\n" },
		{ "{\"root_cause\"}", "{\"action\"}" },
		{ "default_tier = \"high\"", "default_tier = \"low\"" },
		{ "Europe/Berlin", "Europe/Paris" },
		{ "kind = \"confirm\"", "kind = \"confirm\" reopen_at = 1" },
		{ "kind = \"confirm\"", "kind = \"confirm\" max_reopens = 1" },
		{ "kind = \"confirm\"",
		    "kind = \"confirm\" attempts = {\"+0\"}" },
		{ "kind = \"confirm\"",
		    "kind = \"confirm\" silence = \"6bd\"" },
		{ "\"resolve\" {", "\"resolve\" { clock = \"received\"" },
		{ "\"resolve\" {", "\"resolve\" { implied_by_later = true" },
		{ "\"resolve\" {", "\"resolve\" { waivable = true" },
		{ "via = {\"crm\"} } }\nclock \"aftercare\"",
		    "via = {\"crm\"} action = \"reassign\" } }\nclock "
		    "\"aftercare\"" },
		{ "tiers =", "max_hold = \"11bd\" tiers =" },
		{ "tiers =", "resume_grace = \"5m\" tiers =" },
		{ "tiers =", "hold_reasons = {} tiers =" },
		{ "tiers =", "contradict_window = \"25h\" tiers =" },
		{ "tiers =", "negative_words = {\"no\"} tiers =" },
		{ "tiers =", "separate_confirm = true tiers =" },
		{ "tiers =", "max_extensions = 2 tiers =" },
		{ "tiers =", "repeat_window = \"29d\" tiers =" },
		{ "tiers =", "unowned_max = \"1h\" tiers =" },
		{ "tiers =", "hold_reminders = {\"+1d\"} tiers =" },
		{ "tiers =", "resume_on_customer = false tiers =" },
		{ "tiers =", "notify_withdrawal = true tiers =" },
		{ "tiers =", "emergency = {\"fire\"} tiers =" },
		{ "tiers =", "group_wait = \"2m\" tiers =" },
		{ "tiers =",
		    "notice \"outcome\" { message = \"late\" } tiers =" },
		{ "rung \"half\" {", "rung \"half\" { tiers = {\"low\"}" },
		{ "kind = \"confirm\"",
		    "kind = \"confirm\" survey_reminders = 2" },
	};
	struct am_conf *a = load(LOOP);

	(void)state;
	for (size_t i = 0; i < AM_COUNT(edits); i++) {
		char *text = conf_world_edit(LOOP, edits[i].find, edits[i].put);
		struct am_conf *b = load(text);

		if (strcmp(a->loops[0]->ref, b->loops[0]->ref) == 0)
			fail_msg("no new hash by: %s", edits[i].put);
		am_conf_unref(b);
		free(text);
	}
	am_conf_unref(a);
}

/* Bind the text of a loop, and the text of that again. */
static void
check_fixed_point(const struct am_conf *c, const struct am_loopdef *def)
{
	const struct am_loopdef *again;
	struct am_arena a;
	struct am_diag diag;
	int rc;

	am_arena_init(&a, 0);
	rc = am_conf_bind_loop(c, def->text, &a, &again, &diag);
	if (rc != 0)
		fail_msg("%d: %s", diag.line, diag.text);
	assert_string_equal(again->ref, def->ref);
	assert_true(am_str_eq(again->text, def->text));
	assert_int_equal(again->stages_n, def->stages_n);
	assert_int_equal(again->retain, def->retain);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		assert_int_equal(
		    again->clocks[i].rungs_n, def->clocks[i].rungs_n);
		assert_ptr_equal(
		    again->clocks[i].calendar, def->clocks[i].calendar);
		assert_ptr_equal(
		    again->clocks[i].bd_calendar, def->clocks[i].bd_calendar);
		for (size_t r = 0; r < def->clocks[i].rungs_n; r++) {
			const struct am_rungdef *x = &def->clocks[i].rungs[r];
			const struct am_rungdef *y = &again->clocks[i].rungs[r];

			assert_string_equal(x->name, y->name);
			assert_int_equal(x->reason, y->reason);
			assert_int_equal(x->told, y->told);
			assert_int_equal(x->except_tiers, y->except_tiers);
			assert_int_equal(x->via_n, y->via_n);
			assert_ptr_equal(x->message, y->message);
			assert_int_equal(
			    x->message_name == NULL, y->message_name == NULL);
			assert_int_equal(x->via[0].usable, y->via[0].usable);
		}
	}
	for (size_t i = 0; i < AM_SAYINGS_N; i++)
		assert_ptr_equal(
		    again->sayings[i].message, def->sayings[i].message);
	am_arena_fini(&a);
}

static void
test_loop_text_is_its_own_fixed_point(void **state)
{
	static const char odd[] =
	    "negative_words = {'a \"b\" \\\\ $c ${D} it\\'s', \"没解决\", "
	    "\"two\\nlines\"} hold_reasons = {} hold_reminders = {} tiers =";
	struct am_conf *c = load(LOOP);
	char *text;

	(void)state;
	check_fixed_point(c, c->loops[0]);
	am_conf_unref(c);
	text = conf_world_edit(LOOP, "tiers =", odd);
	c = load(text);
	free(text);
	assert_int_equal(c->loops[0]->hold_reasons_n, 0);
	check_fixed_point(c, c->loops[0]);
	am_conf_unref(c);
	text = conf_world_edit(LOOP, "tiers =", ALL_KEYS);
	c = load(text);
	free(text);
	check_fixed_point(c, c->loops[0]);
	am_conf_unref(c);
	c = conf_world_must(conf_world_base);
	check_fixed_point(c, c->loops[0]);
	am_conf_unref(c);
}

/* Whoever reads the manual knows every name that there is. */
static void
test_loop_notices_are_all_in_the_manual(void **state)
{
	const struct am_option *o = am_option_find("loop", "notice");

	(void)state;
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		char name[40];

		snprintf(name, sizeof(name), " %s", am_saying_str(i));
		if (strstr(o->about, name) == NULL)
			fail_msg("no %s in: %s", name, o->about);
	}
}

/* LC6: a message that open complaints are told cannot be taken away unseen. */
static void
test_loop_kept_with_a_notice_needs_its_message(void **state)
{
	static const char notice[] =
	    "notice \"extended\" { message = \"late\" } tiers =";
	char *text = conf_world_edit(LOOP, "tiers =", notice), *kept;
	const struct am_loopdef *again;
	struct am_conf *c = load(text);
	struct am_diag diag;
	struct am_arena a;

	(void)state;
	free(text);
	text = strndup(c->loops[0]->text.p, c->loops[0]->text.n);
	kept = conf_world_edit(text,
	    "\tnotice \"extended\" {\n\t\tmessage = \"late\"\n\t}\n",
	    "\tnotice \"extended\" {\n\t\tmessage = \"gone\"\n\t}\n");
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_conf_bind_loop(c, am_str_c(kept), &a, &again, &diag),
	    -AM_EINVAL);
	assert_non_null(strstr(diag.text, "no message 'gone'"));
	am_arena_fini(&a);
	am_conf_unref(c);
	free(kept);
	free(text);
}

/* Every default stands in the normal form, so that another version's default
 * is not another promise to who has complained already. */
static void
test_loop_text_holds_every_default(void **state)
{
	static const char *const not_there[] = { "unowned_max", "default_tier",
		"clock", "stage", "notice" };
	const struct am_option *o;
	struct am_conf *c = load(LOOP);
	char *text = strndup(c->loops[0]->text.p, c->loops[0]->text.n);
	size_t n;

	(void)state;
	o = am_options(&n);
	for (size_t i = 0; i < n; i++) {
		char key[64];
		bool skip = strcmp(o[i].in, "loop") != 0;

		for (size_t k = 0; k < AM_COUNT(not_there); k++)
			skip |= strcmp(o[i].name, not_there[k]) == 0;
		snprintf(key, sizeof(key), "\n\t%s = ", o[i].name);
		if (!skip && strstr(text, key) == NULL)
			fail_msg("no %s in the normal form", o[i].name);
	}
	assert_non_null(strstr(text,
	    "negative_words = {\"not solved\", \"still\", \"没解决\", "
	    "\"未解决\"}\n"));
	assert_non_null(
	    strstr(text, "attempts = {\"+0s\", \"+4h\", \"+1bd\"}\n"));
	free(text);
	am_conf_unref(c);
}

static void
test_loop_keys_are_read(void **state)
{
	char *text = conf_world_edit(LOOP, "tiers =", ALL_KEYS);
	struct am_conf *c = load(text);
	const struct am_loopdef *d = c->loops[0];

	(void)state;
	free(text);
	assert_false(d->resume_on_customer);
	assert_int_equal(d->resume_grace, 5 * AM_MINUTE);
	assert_int_equal(d->contradict_window, AM_HOUR);
	/* ASCII is folded; what has no case stays */
	assert_int_equal(d->negative_words_n, 2);
	assert_string_equal(d->negative_words[0], "not ok");
	assert_string_equal(d->negative_words[1], "没用");
	assert_int_equal(d->repeat_window, 7 * AM_DAY);
	assert_int_equal(d->max_extensions, 3);
	assert_true(d->separate_confirm);
	assert_true(d->notify_withdrawal);
	assert_int_equal(d->emergency_n, 2);
	assert_string_equal(d->emergency[1], "flood");
	assert_int_equal(d->group_wait, 0);
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		bool given = i == AM_NOTICE_EXTENDED || i == AM_SAYING_HOLD;

		assert_true((d->sayings[i].message != NULL) == given);
	}
	assert_string_equal(d->sayings[AM_SAYING_HOLD].message->name, "late");
	assert_ptr_equal(d->clocks[AM_CLOCK_HOLD].rungs[0].message,
	    d->sayings[AM_SAYING_HOLD].message);
	assert_int_equal(d->catchup_after, AM_MINUTE);
	assert_string_equal(d->holders[AM_ROLE_MANAGER].person[0], "wang");
	assert_int_equal(d->holders[AM_ROLE_AGENT].n, 0);
	assert_string_equal(
	    d->find_zone(d->zones, AM_STR("Asia/Tokyo"))->name, "Asia/Tokyo");
	am_conf_unref(c);
}

/* TI1: a rung may be for some tiers only. */
static void
test_loop_rung_for_some_tiers(void **state)
{
	char *text = conf_world_edit(
	    LOOP, "rung \"half\" {", "rung \"half\" { tiers = {\"low\"}");
	struct am_conf *c = load(text);
	const struct am_clockdef *k = &c->loops[0]->clocks[AM_CLOCK_FINAL];

	(void)state;
	assert_string_equal(k->rungs[0].name, "half");
	assert_int_equal(k->rungs[0].except_tiers, 1); /* "high" */
	assert_int_equal(k->rungs[1].except_tiers, 0);
	check_fixed_point(c, c->loops[0]);
	am_conf_unref(c);
	free(text);

	/* naming all of them says nothing, and makes no other loop */
	text = conf_world_edit(LOOP, "rung \"half\" {",
	    "rung \"half\" { tiers = {\"low\", \"high\"}");
	c = load(text);
	assert_string_equal(c->loops[0]->ref, "complaint@d835da19e7e8");
	am_conf_unref(c);
	free(text);
}

static void
test_loop_rungs_stand_in_the_order_of_time(void **state)
{
	static const char *const names[] = { "warn", "lapse", "also", "boss",
		"take" };
	struct am_conf *c = load(LOOP);
	const struct am_clockdef *k = &c->loops[0]->clocks[AM_CLOCK_STAGE0];

	(void)state;
	assert_int_equal(k->rungs_n, AM_COUNT(names));
	for (size_t i = 0; i < AM_COUNT(names); i++)
		assert_string_equal(k->rungs[i].name, names[i]);
	assert_int_equal(k->rungs[2].to, AM_ROLE_SUPERVISOR);
	assert_int_equal(k->rungs[3].offset.n, 15 * AM_MINUTE);
	am_conf_unref(c);
}

static enum am_reason
reason(const struct am_loopdef *def, size_t clock, const char *rung)
{
	const struct am_clockdef *k = &def->clocks[clock];

	for (size_t i = 0; i < k->rungs_n; i++) {
		if (strcmp(k->rungs[i].name, rung) == 0)
			return k->rungs[i].reason;
	}
	fail_msg("no rung %s", rung);
	return AM_REASONS_N;
}

static void
test_loop_reasons_follow_from_place_and_clock(void **state)
{
	struct am_conf *c = load(LOOP);
	const struct am_loopdef *d = c->loops[0];
	size_t listen = AM_CLOCK_STAGE0, confirm = AM_CLOCK_STAGE0 + 2;

	(void)state;
	assert_int_equal(reason(d, listen, "warn"), AM_REASON_WARN);
	assert_int_equal(reason(d, listen, "lapse"), AM_REASON_LAPSE);
	assert_int_equal(reason(d, listen, "take"), AM_REASON_ESCALATE);
	assert_int_equal(reason(d, confirm, "ask"), AM_REASON_ASK);
	assert_int_equal(reason(d, AM_CLOCK_INFORM, "tell"), AM_REASON_INFORM);
	assert_int_equal(reason(d, AM_CLOCK_FINAL, "half"), AM_REASON_WARN);
	assert_int_equal(
	    reason(d, AM_CLOCK_FINAL, "expiry"), AM_REASON_RECOURSE);
	assert_int_equal(
	    reason(d, AM_CLOCK_FINAL, "after"), AM_REASON_ESCALATE);
	assert_int_equal(
	    reason(d, AM_CLOCK_AFTERCARE, "check"), AM_REASON_AFTERCARE);
	am_conf_unref(c);
}

static void
test_loop_defaults_are_those_of_the_manual(void **state)
{
	struct am_conf *c = load(LOOP);
	const struct am_loopdef *d = c->loops[0];
	const struct am_stagedef *s = &d->stages[2];
	const struct am_clockdef *listen = &d->clocks[AM_CLOCK_STAGE0];

	(void)state;
	assert_true(d->stages[0].implied_by_later); /* it is called listen */
	assert_false(d->stages[1].implied_by_later);
	assert_int_equal(s->kind, AM_STAGE_CONFIRM);
	assert_int_equal(s->attempts_n, 3);
	assert_int_equal(s->attempts[2].unit, AM_UNIT_BD);
	assert_int_equal(s->silence.n, 5);
	assert_int_equal(s->reopen_to, 1);
	assert_int_equal(s->reopen_at, 2);
	assert_int_equal(s->reopen_window, 14 * AM_DAY);
	assert_int_equal(s->max_reopens, 2);
	assert_int_equal(d->hold_reasons_n, 2);
	assert_int_equal(d->max_hold.unit, AM_UNIT_BD);
	assert_int_equal(d->max_hold.n, 10);
	assert_int_equal(d->resume_grace, 0);
	assert_int_equal(d->contradict_window, AM_DAY);
	assert_int_equal(d->default_tier, 0);
	assert_int_equal(listen->tier_budget[0].n, 30 * AM_MINUTE);
	assert_true(listen->tier_budget[1].n < 0);
	assert_true(d->clocks[AM_CLOCK_FINAL].from_receipt);
	assert_false(listen->from_receipt);
	assert_false(d->clocks[AM_CLOCK_ACKNOWLEDGE].in_use);
	am_conf_unref(c);
}

static void
test_loop_via_says_what_is_usable(void **state)
{
	struct am_conf *c = load(LOOP);
	const struct am_rungdef *r =
	    &c->loops[0]->clocks[AM_CLOCK_INFORM].rungs[0];

	(void)state;
	assert_int_equal(r->via_n, 2);
	assert_true(r->via[0].exists);
	assert_true(r->via[0].usable);
	assert_true(r->via[0].is_text);
	assert_null(r->via[0].provider); /* free text */
	assert_true(r->via[1].usable);
	assert_false(r->via[1].is_text);
	am_conf_unref(c);
}

/* Without a calendar a business day is Monday to Friday of the loop's zone. */
static void
test_loop_business_days_without_a_calendar(void **state)
{
	struct am_conf *c = load(LOOP);
	const struct am_clockdef *k = &c->loops[0]->clocks[AM_CLOCK_STAGE0 + 1];
	am_ms close;

	(void)state;
	assert_null(k->calendar);
	assert_string_equal(k->bd_calendar->zone->name, "Europe/Berlin");
	/* Saturday: the 3rd business day after it is Wednesday, which closes
	 * at midnight in Berlin */
	assert_int_equal(
	    am_calendar_bd_close(k->bd_calendar, CONF_NOW, 3, &close), 0);
	assert_int_equal(close - CONF_NOW, 4 * AM_DAY + 12 * AM_HOUR - AM_HOUR);
	am_conf_unref(c);
}

static void
test_loop_bound_to_a_conf_without_its_names_says_which(void **state)
{
	static const struct {
		const char *find, *put, *told;
	} rows[] = {
		{ "calendar \"office\"", "calendar \"other\"",
		    "calendar: no calendar 'office'; there are: other" },
		{ "endpoint \"crm\"", "endpoint \"hub\"",
		    "via: no endpoint 'crm'; there are: hub, sms, q" },
		{ "message \"late\"", "message \"early\"",
		    "message: no message 'late'; there are: early, q" },
	};
	static const char small[] =
	    "message \"q\" { text = \"?\" } endpoint \"q\" { url = "
	    "\"https://q.example/\" secret = {\"file:ok.secret\"} }\n"
	    "loop \"small\" { stage \"a\" { } stage \"b\" { kind = "
	    "\"confirm\" rung \"ask\" { at = \"0%\" to = \"customer\" via = "
	    "{\"q\"} } } }\n";
	struct am_conf *full = load(LOOP);

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		char *head = conf_world_edit(HEAD, rows[i].find, rows[i].put);
		const struct am_loopdef *def = NULL;
		struct am_conf *c;
		struct am_diag diag;
		struct am_arena a;
		char *text;

		assert_true(asprintf(&text, "%s%s", head, small) >= 0);
		c = conf_world_must(text);
		am_arena_init(&a, 0);
		assert_int_equal(
		    am_conf_bind_loop(c, full->loops[0]->text, &a, &def, &diag),
		    -AM_EINVAL);
		assert_null(def);
		assert_string_equal(diag.text, rows[i].told);
		assert_true(diag.line > 1);
		am_arena_fini(&a);
		am_conf_unref(c);
		free(text);
		free(head);
	}
	am_conf_unref(full);
}

static void
test_loop_text_that_is_none_is_refused(void **state)
{
	static const char *const texts[] = { "", "loop", "loop \"x\" {",
		"loop \"x\" { } loop \"y\" { }", "instance = \"t\"",
		"loop \"x\" { stage \"a\" { budget = \"1x\" } }", "\xff" };
	struct am_conf *c = load(LOOP);
	const struct am_loopdef *def = NULL;
	struct am_diag diag;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_COUNT(texts); i++) {
		assert_int_equal(
		    am_conf_bind_loop(c, am_str_c(texts[i]), &a, &def, &diag),
		    -AM_EINVAL);
		assert_null(def);
		assert_true(diag.line > 0);
		assert_non_null(strstr(diag.text, "; "));
	}
	am_arena_fini(&a);
	am_conf_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop_in_another_order_has_the_same_hash),
		cmocka_unit_test(test_loop_hash_is_the_one_it_was),
		cmocka_unit_test(
		    test_loop_with_another_policy_has_another_hash),
		cmocka_unit_test(test_loop_text_is_its_own_fixed_point),
		cmocka_unit_test(test_loop_notices_are_all_in_the_manual),
		cmocka_unit_test(
		    test_loop_kept_with_a_notice_needs_its_message),
		cmocka_unit_test(test_loop_text_holds_every_default),
		cmocka_unit_test(test_loop_keys_are_read),
		cmocka_unit_test(test_loop_rung_for_some_tiers),
		cmocka_unit_test(test_loop_rungs_stand_in_the_order_of_time),
		cmocka_unit_test(test_loop_reasons_follow_from_place_and_clock),
		cmocka_unit_test(test_loop_defaults_are_those_of_the_manual),
		cmocka_unit_test(test_loop_via_says_what_is_usable),
		cmocka_unit_test(test_loop_business_days_without_a_calendar),
		cmocka_unit_test(
		    test_loop_bound_to_a_conf_without_its_names_says_which),
		cmocka_unit_test(test_loop_text_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
