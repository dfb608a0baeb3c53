/*
 * event_doc_test - docs/events.md and docs/man/amends-events.7 are what the
 * table in lib/core/event.c says. With UPDATE=1 in the environment they are
 * written anew.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/doc.h"

#include <amends/step.h>
#include <amends/version.h>

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

/* ---- the manual page ---- */

/* Text as roff takes it: hyphens that can be copied, `words` in bold. */
static void
add_roff(struct am_buf *b, const char *text)
{
	bool bold = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '-')
			am_buf_adds(b, "\\-");
		else if (*p == '\\')
			am_buf_adds(b, "\\e");
		else if (*p == '\'')
			am_buf_adds(b, "\\(aq");
		else if (*p == '`')
			am_buf_adds(b, (bold = !bold) ? "\\fB" : "\\fR");
		else
			am_buf_addc(b, *p);
		if (*p == '.' && p[1] == ' ' && !bold) { /* one a line */
			am_buf_addc(b, '\n');
			p++;
		}
	}
	am_buf_addc(b, '\n');
}

static void
add_name(struct am_buf *b, const char *macro, const char *name)
{
	am_buf_addf(b, "%s ", macro);
	add_roff(b, name);
}

static void
roff_field(struct am_buf *b, const struct am_field_spec *f)
{
	add_name(b, ".TP\n.B", f->name);
	add_roff(b, f->about);
	if (f->one_of != NULL) {
		am_buf_adds(b, "One of");
		for (const char *const *w = f->one_of; *w != NULL; w++)
			am_buf_addf(
			    b, "%s\n.B %s", w == f->one_of ? "" : " ,", *w);
		am_buf_adds(b, " .\n");
	}
	am_buf_addf(b, "(%s%s, at most %zu bytes)\n",
	    f->required ? "required, " : "",
	    f->class == AM_FIELD_CORE ? "core" : "personal", f->max_bytes);
}

static void
roff_event(struct am_buf *b, const struct am_event_spec *s)
{
	add_name(b, ".SS", s->name);
	add_roff(b, s->effect);
	if (!s->built)
		am_buf_adds(b,
		    "Known, not in force in this version: rejected as\n"
		    ".B unsupported\nand kept; replay it after an upgrade.\n");
	for (size_t i = 0; i < s->fields_n; i++)
		roff_field(b, &s->fields[i]);
}

static void
roff_rest(struct am_buf *b)
{
	struct am_note_view view;

	am_buf_adds(b,
	    ".SH FROM AMENDS ITSELF\n"
	    "These stand in journals and in the feed; from outside they are\n"
	    "rejected as\n.BR unknown_event .\n");
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *s = am_event_spec(t);

		if (s->inbound)
			continue;
		add_name(b, ".TP\n.B", s->name);
		add_roff(b, s->effect);
	}
	am_buf_adds(b,
	    ".SH THE FEED\n"
	    "The names in\n.B do\nof a journal line, and so of an entry of "
	    "the stream\n.BR {STREAM}:feed .\n"
	    "Each line has\n.BR seq ,\ncounted for each complaint without "
	    "gaps,\n.BR v ,\nand in the feed\n.BR cycle .\n");
	for (size_t i = 0; am_note_at(i, &view); i++) {
		add_name(b, ".TP\n.B", view.name);
		add_roff(b, view.about);
	}
	am_buf_adds(b,
	    ".SH SEE ALSO\n"
	    ".BR amendsd (8),\n.BR amendsctl (8),\n.BR amends.conf (5)\n");
}

static void
make_page(struct am_buf *b)
{
	am_buf_adds(b,
	    ".\\\" made by tests/unit/event_doc_test.c from "
	    "lib/core/event.c\n"
	    ".TH AMENDS\\-EVENTS 7 \"2026\" \"amends " AM_VERSION
	    "\" \"Events of amends\"\n"
	    ".SH NAME\n"
	    "amends\\-events \\- what can be told to amends, and what it "
	    "tells\n"
	    ".SH SYNOPSIS\n"
	    ".nf\n"
	    "XADD complaints * event complaint.opened complaint_id C\\-1 \\e\n"
	    "    event_id E\\-1 source crm customer.phone +8613800138000 \\e\n"
	    "    category billing summary \"charged twice\"\n"
	    "amendsctl emit complaint.opened complaint_id=C\\-1 ...\n"
	    ".fi\n"
	    ".SH DESCRIPTION\n"
	    "An event is an entry of the intake stream, or a POST to\n"
	    ".I /v1/events\n"
	    "(see\n.BR amends.conf (5),\nsection\n.BR http ).\n"
	    "Every event has\n.B event\n(its name) and\n.B complaint_id\n"
	    "(1 to 64 of letters, digits and . _ : \\-), which\n"
	    ".B complaint.opened\nmay leave out, and so may what can be found "
	    "by other means: a receipt by\n.BR followup_id ,\nor\n"
	    ".B provider_id\nand\n.BR endpoint ;\na message by\n"
	    ".BR customer.phone ;\nan opt\\-out or opt\\-in by\n"
	    ".BR address .\n"
	    ".PP\n"
	    "Optional in each:\n.B event_id\n(unique for its source, at most "
	    "128 bytes; default: the entry\\(aqs id),\n.B source\n(at most "
	    "64; default\n.BR stream ),\n.B occurred_at\n(RFC 3339),\n"
	    ".BR actor.id ,\n.B actor.role\n(customer, agent, supervisor, "
	    "system),\n.BR expected_version ,\n.BR trace_id ,\n.BR v .\n"
	    ".PP\n"
	    "Fields of class core are journaled.\n"
	    "Personal ones are kept with the complaint\\(aqs personal data, "
	    "and so is every field that stands nowhere here.\n"
	    "An event that cannot be applied is kept with the rejects, with a "
	    "code and the field that is wrong; see\n.B rejects list\nin\n"
	    ".BR amendsctl (8).\n"
	    ".SH EVENTS\n");
	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *s = am_event_spec(t);

		if (s->inbound)
			roff_event(b, s);
	}
	roff_rest(b);
}

static void
test_event_page_is_what_the_table_says(void **state)
{
	struct am_buf want;

	(void)state;
	am_buf_init(&want);
	make_page(&want);
	doc_check("docs/man/amends-events.7", &want);
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
		cmocka_unit_test(test_event_page_is_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
