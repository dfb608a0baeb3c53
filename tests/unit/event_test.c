/* event_test - the table of events judges what producers send. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"

#include <amends/complaint.h>
#include <amends/event.h>

static struct am_pair fields[16];
static struct am_event ev;
static struct am_reject why;

static void
begin(enum am_event_type type)
{
	ev = (struct am_event){ .type = type,
		.complaint_id = AM_STR("C-1"),
		.source = AM_STR("crm"),
		.event_id = AM_STR("E-1"),
		.expected_version = -1,
		.fields = fields };
	memset(&why, 0, sizeof(why));
}

static void
with(const char *key, const char *value)
{
	fields[ev.fields_n++] =
	    (struct am_pair){ am_str_c(key), am_str_c(value) };
}

static void
assert_refused(const char *code, const char *field)
{
	assert_int_equal(am_event_check(&ev, &why), -AM_EINVAL);
	assert_string_equal(why.code, code);
	assert_true(am_str_is(why.field, field));
	assert_non_null(strstr(why.text, ";")); /* and what would be right */
}

static void
test_event_the_least_opening_passes(void **state)
{
	(void)state;
	begin(AM_EV_OPENED);
	with("customer.phone", "+8613800138000");
	with("category", "billing");
	with("summary", "charged twice");
	assert_int_equal(am_event_check(&ev, &why), 0);
	ev.complaint_id = AM_STR(""); /* derived from source and event_id */
	assert_int_equal(am_event_check(&ev, &why), 0);
}

static void
test_event_without_a_required_field_is_refused_by_its_name(void **state)
{
	(void)state;
	begin(AM_EV_OPENED);
	with("customer.phone", "+8613800138000");
	with("category", "billing");
	assert_refused("missing_field", "summary");
	with("summary", "");
	assert_refused("missing_field", "summary");
	begin(AM_EV_OPENED);
	with("category", "billing");
	with("summary", "x");
	assert_refused("missing_field", "customer.id");
	with("repeat_of", "C-1"); /* who it is stands there */
	assert_int_equal(am_event_check(&ev, &why), 0);
	begin(AM_EV_ANSWERED);
	assert_refused("missing_field", "verdict");
	begin(AM_EV_UPDATED);
	assert_refused("missing_field", "tier");
	with("customer.phone", "+8613800138001");
	assert_int_equal(am_event_check(&ev, &why), 0);
}

/* FU5, FU6, FU7: a provider knows no complaint. */
static void
test_event_that_can_be_found_needs_no_complaint(void **state)
{
	static const struct {
		enum am_event_type type;
		const char *needs[3], *values[3];
	} found[] = {
		{ AM_EV_RECEIPT, { "followup_id" },
		    { "aaaaaaaaaaaaaaaaaaaaaaaaaa" } },
		{ AM_EV_RECEIPT, { "provider_id", "endpoint" },
		    { "SM1", "sms" } },
		{ AM_EV_MESSAGE, { "customer.phone" }, { "+8613800138000" } },
		{ AM_EV_OPTED_OUT, { "address" }, { "+8613800138000" } },
		{ AM_EV_OPTED_IN, { "address" }, { "+8613800138000" } },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(found); i++) {
		begin(found[i].type);
		ev.complaint_id = AM_STR("");
		if (found[i].type == AM_EV_RECEIPT)
			with("state", "delivered");
		else if (found[i].type != AM_EV_MESSAGE)
			with("channel", "sms");
		for (size_t k = 0; found[i].needs[k] != NULL; k++) {
			assert_refused("missing_field", "complaint_id");
			with(found[i].needs[k], found[i].values[k]);
		}
		assert_int_equal(am_event_check(&ev, &why), 0);
	}
	begin(AM_EV_ANSWERED); /* it is not told by whom, but about what */
	ev.complaint_id = AM_STR("");
	with("verdict", "satisfied");
	with("customer.phone", "+8613800138000");
	assert_refused("missing_field", "complaint_id");
	begin(AM_EV_MESSAGE);
	with("reply", "yes");
	assert_refused("bad_value", "reply");
}

static void
test_event_values_outside_their_list_or_length_are_refused(void **state)
{
	char longer[80];

	(void)state;
	begin(AM_EV_ANSWERED);
	with("score", "6");
	assert_refused("bad_value", "score");
	assert_non_null(strstr(why.text, "1 2 3 4 5"));
	memset(longer, 'x', 79);
	longer[79] = '\0';
	begin(AM_EV_HELD);
	with("reason", longer);
	assert_refused("too_long", "reason");
	assert_non_null(strstr(why.text, "64 bytes"));
}

static void
test_event_bad_ids_and_texts_are_refused(void **state)
{
	(void)state;
	begin(AM_EV_RESUMED);
	ev.complaint_id = AM_STR("C 1");
	assert_refused("bad_value", "complaint_id");
	ev.complaint_id = AM_STR("");
	assert_refused("missing_field", "complaint_id");
	begin(AM_EV_RESUMED);
	with("note", "\xff");
	assert_refused("bad_value", "note");
	begin(AM_EV_RESUMED);
	with("@in_flight", "x"); /* the journal's own */
	assert_refused("bad_value", "@in_flight");
	begin(AM_EV_RESUMED);
	ev.actor_role = AM_STR("robot");
	assert_refused("bad_value", "actor.role");
}

static void
test_event_known_but_unbuilt_is_unsupported_and_others_unknown(void **state)
{
	(void)state;
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *spec = am_event_spec(t);

		begin(t);
		if (spec->inbound && am_event_check(&ev, &why) != 0)
			assert_int_equal(
			    strcmp(why.code, "unsupported") == 0, !spec->built);
	}
	begin(AM_EV_WAKE); /* never from outside */
	assert_int_equal(am_event_check(&ev, &why), -AM_EINVAL);
	assert_string_equal(why.code, "unknown_event");
	assert_null(am_event_spec_by_name(AM_STR("complaint.open")));
}

static void
test_event_free_text_and_unknown_fields_are_personal(void **state)
{
	(void)state;
	begin(AM_EV_OPENED);
	assert_int_equal(am_event_field_class(&ev, AM_STR("customer.name")),
	    AM_FIELD_PERSONAL);
	assert_int_equal(
	    am_event_field_class(&ev, AM_STR("shoe_size")), AM_FIELD_PERSONAL);
	assert_int_equal(
	    am_event_field_class(&ev, AM_STR("respondents[1]")), AM_FIELD_CORE);
	begin(AM_EV_STAGE_COMPLETED);
	assert_int_equal(
	    am_event_field_class(&ev, AM_STR("root_cause")), AM_FIELD_PERSONAL);
	assert_int_equal(
	    am_event_field_class(&ev, AM_STR("stage")), AM_FIELD_CORE);
}

static void
test_event_table_is_in_the_order_of_the_enum(void **state)
{
	(void)state;
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *s = am_event_spec(t);

		assert_int_equal(s->type, t);
		assert_ptr_equal(am_event_spec_by_name(am_str_c(s->name)), s);
	}
}

static void
test_event_hash_keeps_source_and_id_apart(void **state)
{
	(void)state;
	assert_true(am_event_hash(AM_STR("a"), AM_STR("bc")) !=
		    am_event_hash(AM_STR("ab"), AM_STR("c")));
	/* kept in records, so it must never change; made by other code */
	assert_true(
	    am_event_hash(AM_STR("crm"), AM_STR("E-1")) == 0x71cd69dc0085403fu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_the_least_opening_passes),
		cmocka_unit_test(
		    test_event_without_a_required_field_is_refused_by_its_name),
		cmocka_unit_test(
		    test_event_that_can_be_found_needs_no_complaint),
		cmocka_unit_test(
		    test_event_values_outside_their_list_or_length_are_refused),
		cmocka_unit_test(test_event_bad_ids_and_texts_are_refused),
		cmocka_unit_test(
		    test_event_known_but_unbuilt_is_unsupported_and_others_unknown),
		cmocka_unit_test(
		    test_event_free_text_and_unknown_fields_are_personal),
		cmocka_unit_test(test_event_table_is_in_the_order_of_the_enum),
		cmocka_unit_test(test_event_hash_keeps_source_and_id_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
