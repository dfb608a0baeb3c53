/*
 * event_doc_test - docs/events.md is what the table in lib/core/event.c says.
 * With UPDATE=1 in the environment it is written anew.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/doc.h"

#include <amends/step.h>

static void
add_field(struct am_buf *b, const struct am_field_spec *f)
{
	am_buf_addf(b, "| `%s` | %s | %s | %zu | %s", f->name,
	    f->required ? "yes" : "",
	    f->class == AM_FIELD_CORE ? "core" : "personal", f->max_bytes,
	    f->about);
	for (const char *const *w = f->one_of; w != NULL && *w != NULL; w++)
		am_buf_addf(b, "%s`%s`", w == f->one_of ? ": " : ", ", *w);
	am_buf_adds(b, " |\n");
}

static void
add_event(struct am_buf *b, const struct am_event_spec *s)
{
	am_buf_addf(b, "\n## %s\n\n%s%s\n", s->name, s->effect,
	    s->built ? ""
		     : "\n\nKnown, not in force in this version: rejected as "
		       "`unsupported` and kept; replay it after an upgrade.");
	am_buf_adds(b, "\n| field | required | class | bytes | what |\n"
		       "|---|---|---|---|---|\n");
	for (size_t i = 0; i < s->fields_n; i++)
		add_field(b, &s->fields[i]);
}

/* What journals hold and no producer may tell. */
static void
add_own(struct am_buf *b)
{
	am_buf_adds(b,
	    "\n## From amends itself\n\n"
	    "These stand in journals and in the feed; from outside they are "
	    "rejected as `unknown_event`.\n\n"
	    "| event | what |\n|---|---|\n");
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *s = am_event_spec(t);

		if (!s->inbound)
			am_buf_addf(b, "| `%s` | %s |\n", s->name, s->effect);
	}
}

static void
add_notes(struct am_buf *b)
{
	struct am_note_view view;

	am_buf_adds(b,
	    "\n## What the feed says\n\n"
	    "The names in `do` of a journal line, and so of an entry "
	    "of `{stream}:feed`. Each line has\n`seq` (per "
	    "complaint, without gaps), `v`, `cycle` in the feed, "
	    "and an id that never changes:\ncomplaint, seq and "
	    "place in `do`.\n\n| name | what |\n|---|---|\n");
	for (size_t i = 0; am_note_at(i, &view); i++)
		am_buf_addf(b, "| `%s` | %s |\n", view.name, view.about);
}

static void
make(struct am_buf *b)
{
	am_buf_adds(b,
	    "# Events\n\n"
	    "What can be told to amends, made from the table in "
	    "`lib/core/event.c`\n(`UPDATE=1 build/san/unit/event_doc_test`).\n"
	    "\n"
	    "Every event has `event` (its name) and `complaint_id` "
	    "(1 to 64 of `A-Z a-z 0-9 . _ : -`;\n"
	    "`complaint.opened` may leave it out, and so may what can be found "
	    "by other means: a receipt by\n`followup_id`, or `provider_id` "
	    "and `endpoint`; a message by `customer.phone`; an opt-out or\n"
	    "opt-in by `address`). Optional: `event_id` "
	    "(unique per source; at most 128\nbytes; default: the stream "
	    "entry's id), `source` (at most 64; default `stream`),\n"
	    "`occurred_at` (RFC 3339), `actor.id`, `actor.role` (`customer`, "
	    "`agent`, `supervisor`,\n`system`), `expected_version`, "
	    "`trace_id`, `v`.\n"
	    "\n"
	    "Fields of class *core* are journaled. *Personal* ones are kept "
	    "with the complaint's\npersonal data, and so is every field that "
	    "stands in no table. Of customer.id, customer.phone,\n"
	    "customer.ref and customer.email one is enough (none is needed "
	    "beside repeat_of), and so of\nverdict and score, of by and "
	    "until, and of the fields of `complaint.updated`. A stage's\n"
	    "`requires` may ask for any field, named in a table or not.\n");
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *s = am_event_spec(t);

		if (s->inbound)
			add_event(b, s);
	}
	add_own(b);
	add_notes(b);
}

static void
test_event_doc_is_what_the_table_says(void **state)
{
	struct am_buf want;

	(void)state;
	am_buf_init(&want);
	make(&want);
	doc_check("docs/events.md", &want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_doc_is_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
