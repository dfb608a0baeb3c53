/*
 * states_doc_test - docs/states.md is what the transition table in
 * lib/core/step.c says: a diagram of the statuses, then every row in the order
 * of trial. With UPDATE=1 in the environment it is written anew.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/doc.h"

#include <amends/step.h>

#define STATUSES 4

/* "am_is_no_stage" is "is no stage": names are words. */
static void
add_words(struct am_buf *b, const char *name)
{
	if (strncmp(name, "am_", 3) == 0)
		name += 3;
	for (; *name != '\0'; name++)
		am_buf_addc(b, *name == '_' ? ' ' : *name);
}

static const char *
event_name(enum am_event_type on)
{
	return on == AM_EV_NONE ? "anything" : am_event_spec(on)->name;
}

/* Every way from one status to another, the events on it. */
static void
add_edge(struct am_buf *b, unsigned from, unsigned to)
{
	struct am_rule_view r;
	enum am_event_type last = AM_EV_NONE;
	bool any = false;

	for (size_t i = 0; am_rule_at(i, &r); i++) {
		if ((r.statuses >> from & 1) == 0 || (r.to >> to & 1) == 0 ||
		    (any && r.on == last))
			continue;
		if (!any)
			am_buf_addf(b, "    %s --> %s: ",
			    from == AM_NONE ? "[*]" : am_status_str(from),
			    am_status_str(to));
		else
			am_buf_adds(b, ", ");
		am_buf_adds(b, event_name(r.on));
		last = r.on;
		any = true;
	}
	if (any)
		am_buf_addc(b, '\n');
}

static void
add_diagram(struct am_buf *b)
{
	am_buf_adds(b, "```mermaid\nstateDiagram-v2\n");
	for (unsigned from = 0; from < STATUSES; from++)
		for (unsigned to = 0; to < STATUSES; to++)
			if (from != to)
				add_edge(b, from, to);
	am_buf_adds(b, "    closed --> [*]: retention is over\n```\n");
}

static void
add_to(struct am_buf *b, const struct am_rule_view *r)
{
	bool any = false;

	for (unsigned to = 0; to < STATUSES; to++) {
		if ((r->to >> to & 1) == 0)
			continue;
		am_buf_addf(b, "%s%s", any ? " or " : "", am_status_str(to));
		any = true;
	}
}

static void
add_status(struct am_buf *b, unsigned status)
{
	struct am_rule_view r;

	am_buf_addf(b,
	    "\n## %s\n\n| event | if it | then | and is |\n"
	    "|---|---|---|---|\n",
	    status == AM_NONE ? "not there" : am_status_str(status));
	for (size_t i = 0; am_rule_at(i, &r); i++) {
		if ((r.statuses >> status & 1) == 0)
			continue;
		am_buf_addf(b, "| `%s` | ", event_name(r.on));
		add_words(b, r.guard);
		am_buf_adds(b, " | ");
		if (r.action[0] != '\0')
			add_words(b, r.action);
		else
			am_buf_addf(b, "ignored, `%s`: %s", r.code, r.why);
		am_buf_adds(b, " | ");
		add_to(b, &r);
		am_buf_adds(b, " |\n");
	}
}

static void
make(struct am_buf *b)
{
	am_buf_adds(b,
	    "# States\n\n"
	    "What happens to a complaint, made from the table in "
	    "`lib/core/step.c`\n(`UPDATE=1 build/san/unit/states_doc_test`). "
	    "Rows are tried from the top; the first that\nfits rules. An event "
	    "that is ignored has a line in the journal with its code; one that "
	    "is\nrefused goes to the rejects. Where the last column is empty "
	    "the status stays.\n\n");
	add_diagram(b);
	am_buf_adds(b,
	    "\nWithin *open* and *held* a complaint walks through the stages "
	    "of its loop, work by work to\nthe confirm stage, and back by a "
	    "reopening. *duplicate* events and stale commands\n(`conflict`) "
	    "are seen before the table.\n");
	for (unsigned status = 0; status < STATUSES; status++)
		add_status(b, status);
}

static void
test_states_doc_is_what_the_table_says(void **state)
{
	struct am_buf want;

	(void)state;
	am_buf_init(&want);
	make(&want);
	doc_check("docs/states.md", &want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_doc_is_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
