/*
 * bad_input_test - every field of every event that a producer sends: missing,
 * empty, of the wrong type, too long; and what passes the table, told to a
 * complaint in every status, early, late and twice. Nothing is dropped silently
 * (IN6): it is applied, ignored with a code, or refused with code, field and
 * what would be right.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/unit/confirm_world.h"

#define FIELDS 48

static struct am_pair pairs[FIELDS];
static struct am_event ev;
static char big[1 << 17];
static unsigned number, fates[AM_REJECTED + 1];

static struct am_str
text_of(size_t n)
{
	memset(big, 'x', sizeof(big));
	assert_true(n <= sizeof(big));
	return (struct am_str){ big, n };
}

/* What the table takes, and the core mostly too. */
static struct am_str
good(const struct am_field_spec *f)
{
	static const char *const values[][2] = { { "stage", "listen" },
		{ "clock", "listen" }, { "by", "1h" }, { "ttl", "30m" },
		{ "reason", "waiting_customer" }, { "target", "C-2" },
		{ "until", "2026-11-30T10:00:00Z" }, { "owner", "wang" } };

	if (f->one_of != NULL)
		return am_str_c(f->one_of[0]);
	for (size_t i = 0; i < AM_COUNT(values); i++)
		if (strcmp(values[i][0], f->name) == 0)
			return am_str_c(values[i][1]);
	return AM_STR("x");
}

static void
begin(enum am_event_type type)
{
	static char id[24];

	snprintf(id, sizeof(id), "e%u", ++number);
	ev = (struct am_event){ .type = type,
		.complaint_id = AM_STR("C-1"),
		.source = AM_STR("t"),
		.event_id = am_str_c(id),
		.at = cw.now,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = pairs };
}

static void
with(const char *field, struct am_str value)
{
	assert_true(ev.fields_n < FIELDS);
	pairs[ev.fields_n++] = (struct am_pair){ am_str_c(field), value };
}

/* Every field but one, that one as given; NULL: left out. */
static void
all_but(
    const struct am_event_spec *spec, size_t odd, const struct am_str *value)
{
	begin(spec->type);
	for (size_t i = 0; i < spec->fields_n; i++) {
		if (i != odd)
			with(spec->fields[i].name, good(&spec->fields[i]));
		else if (value != NULL)
			with(spec->fields[i].name, *value);
	}
}

/* What is required and one more, so that no two fields exclude each other. */
static void
only_with(const struct am_event_spec *spec, size_t odd, struct am_str value)
{
	begin(spec->type);
	for (size_t i = 0; i < spec->fields_n; i++) {
		if (i == odd)
			with(spec->fields[i].name, value);
		else if (spec->fields[i].required)
			with(spec->fields[i].name, good(&spec->fields[i]));
	}
}

static void
assert_told(const struct am_reject *why, const char *code, const char *field)
{
	assert_string_equal(why->code, code);
	assert_true(am_str_is(why->field, field));
	assert_non_null(strchr(why->text, ';')); /* and what would be right */
}

static void
refused(const char *code, const char *field)
{
	struct am_reject why;

	if (am_event_check(&ev, &why) == 0)
		fail_msg("%s with a bad %s passes",
		    am_event_spec(ev.type)->name, field);
	assert_told(&why, code, field);
}

static void
passes(void)
{
	struct am_reject why;

	if (am_event_check(&ev, &why) != 0)
		fail_msg("%s: %s", am_event_spec(ev.type)->name, why.text);
}

static void
test_bad_input_each_field_missing_or_empty(void **state)
{
	const struct am_str none = { "", 0 };

	(void)state;
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *spec = am_event_spec(t);

		for (size_t i = 0; spec->inbound && i < spec->fields_n; i++) {
			const struct am_field_spec *f = &spec->fields[i];

			all_but(spec, i, NULL);
			f->required ? refused("missing_field", f->name)
				    : passes();
			all_but(spec, i, &none);
			f->required ? refused("missing_field", f->name)
				    : passes();
		}
	}
}

static void
test_bad_input_each_field_too_long_or_no_text(void **state)
{
	(void)state;
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *spec = am_event_spec(t);

		for (size_t i = 0; spec->inbound && i < spec->fields_n; i++) {
			const struct am_field_spec *f = &spec->fields[i];
			struct am_str v = text_of(f->max_bytes + 1);

			all_but(spec, i, &v);
			refused("too_long", f->name);
			v.n--;
			all_but(spec, i, &v);
			f->one_of != NULL ? refused("bad_value", f->name)
					  : passes();
			v = AM_STR("a\xff");
			all_but(spec, i, &v);
			refused("bad_value", f->name);
			v = (struct am_str){ "a\0b", 3 };
			all_but(spec, i, &v);
			refused("bad_value", f->name);
			v = AM_STR("no such word");
			all_but(spec, i, &v);
			if (f->one_of != NULL)
				refused(v.n > f->max_bytes ? "too_long"
							   : "bad_value",
				    f->name);
		}
	}
}

/* ---- what the table takes, told to a complaint ---- */

static const struct {
	const char *name;
	const char *events[6];
} ways[] = {
	{ "none", { NULL } },
	{ "open", { "complaint.opened category=card owner=li" } },
	{ "held", { "complaint.opened category=card owner=li",
		      "complaint.held reason=waiting_customer" } },
	{ "confirm", { "complaint.opened category=card owner=li",
			 "stage.completed stage=listen",
			 "stage.completed stage=apologize",
			 "stage.completed stage=resolve" } },
	{ "rejected", { "complaint.opened category=card owner=li",
			  "complaint.rejected reason=x" } },
	{ "closed", { "complaint.opened category=card owner=li",
			"stage.completed stage=apologize",
			"stage.completed stage=resolve",
			"customer.answered verdict=satisfied" } },
	{ "withdrawn", { "complaint.opened category=card owner=li",
			   "complaint.withdrawn" } },
};

/* One fate, said; told again, nothing. */
static void
tell(const struct am_complaint *c, am_ms at)
{
	static struct am_arena a;
	struct am_update up = { .arena = &a }, again = { .arena = &a };
	struct am_reject why;
	am_ms now = at > cw.now ? at : cw.now;

	ev.complaint_id = c->id;
	if (am_event_check(&ev, &why) != 0)
		return;
	am_arena_init(&a, 0);
	ev.at = at;
	assert_int_equal(am_step(cw.def, c, &ev, now, &up), 0);
	assert_int_equal(am_complaint_check(cw.def, &up.next), 0);
	fates[up.verdict]++;
	switch (up.verdict) {
	case AM_REJECTED:
		assert_true(up.reject.code[0] != '\0');
		assert_non_null(strchr(up.reject.text, ';'));
		assert_int_equal(up.line.n, 0);
		break;
	case AM_IGNORED:
		assert_true(up.code != NULL && up.code[0] != '\0');
		assert_true(up.line.n > 0);
		break;
	default:
		assert_int_equal(up.verdict, AM_APPLIED);
		assert_true(up.line.n > 0);
	}
	assert_int_equal(am_step(cw.def, &up.next, &ev, now, &again), 0);
	assert_int_equal(again.verdict,
	    up.verdict == AM_REJECTED ? AM_REJECTED : AM_DUPLICATE);
	assert_int_equal(again.line.n, 0);
	assert_null(again.followups);
	am_arena_fini(&a);
}

/* Wrong types of what is no closed list: an offset, an instant, a number. */
static const char *const odd[] = { "x", "-1", "0", "99999999999999999999",
	"+1h", "9999999d", "0s", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
	"2026-13-45T99:99:99Z", "true", "{}", "a b", "\n", "家", "'", "[0]" };

static void
tell_odd(const struct am_event_spec *spec, size_t field,
    const struct am_complaint *c)
{
	const am_ms at[] = { 1, cw.now - AM_DAY, cw.now, cw.now + 5000 };

	all_but(spec, field, NULL);
	tell(c, cw.now);
	only_with(spec, field, good(&spec->fields[field]));
	tell(c, cw.now);
	for (size_t k = 0; k < AM_COUNT(odd) * AM_COUNT(at); k++) {
		struct am_str v = am_str_c(odd[k / AM_COUNT(at)]);

		all_but(spec, field, &v);
		tell(c, at[k % AM_COUNT(at)]);
		only_with(spec, field, v);
		tell(c, at[k % AM_COUNT(at)]);
	}
}

static void
test_bad_input_every_event_in_every_status_has_one_fate(void **state)
{
	char id[] = "D-0";

	(void)state;
	for (size_t w = 0; w < AM_COUNT(ways); w++) {
		struct am_complaint *c;

		id[2] = (char)('0' + w);
		c = &fix_case(&cw, id)->c;
		for (size_t i = 0; ways[w].events[i] != NULL; i++)
			cw_step_of(id, "Mon 09:00", ways[w].events[i]);
		for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
			const struct am_event_spec *spec = am_event_spec(t);

			for (size_t i = 0; spec->inbound && i < spec->fields_n;
			     i++)
				tell_odd(spec, i, c);
		}
	}
	for (size_t i = 0; i < AM_COUNT(fates); i++)
		assert_true(fates[i] > 1000 || i == AM_DUPLICATE);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)
	const struct CMUnitTest tests[] = {
		T(test_bad_input_each_field_missing_or_empty),
		T(test_bad_input_each_field_too_long_or_no_text),
		T(test_bad_input_every_event_in_every_status_has_one_fate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
