/*
 * amendsctl_history - a journal line in words. Each note has a template, the
 * first whose condition holds: {key} is a pair of the note, {@key} one that is
 * an instant, {?key} the code of an ignored event, said in words, and a piece
 * in [brackets] is left out when one of its keys is missing. A note without a
 * template is said as it stands, so the journal of a newer daemon can be read,
 * too.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/amendsctl.h"

#include <amends/step.h>

#include "base/str.h"

/* clang-format off */
static const struct template {
	const char *note;
	const char *key, *value; /* holds when they are equal; NULL: always */
	const char *words;	 /* "": said by another note of the line */
} templates[] = {
	{ "complaint.opened", NULL, NULL,
	  "opened[, {category}][, tier {tier}][, {owner} has it][, a repeat of {repeat_of}]" },
	{ "complaint.updated", NULL, NULL,
	  "facts changed[, tier {tier}][ in place of {tier_was}][, severity {severity}]"
	  "[, category {category}][, incident {incident}][: {reason}]" },
	{ "complaint.acknowledged", "late", "yes", "acknowledged late" },
	{ "complaint.acknowledged", NULL, NULL, "acknowledged" },
	{ "complaint.held", NULL, NULL,
	  "put on hold[: {reason}][, until {@until}]" },
	{ "complaint.resumed", "reason", "resumed", "taken up again" },
	{ "complaint.resumed", NULL, NULL, "hold ended[: {reason}]" },
	{ "stage.entered", NULL, NULL, "{stage} begins[, due {@due_at}]" },
	{ "stage.met", "how", "implied",
	  "{stage} taken as done, a later stage was" },
	{ "stage.met", "late", "yes", "{stage} done late" },
	{ "stage.met", "late_original", "yes",
	  "{stage} done in time by the due it was extended to" },
	{ "stage.met", NULL, NULL, "{stage} done in time" },
	{ "stage.missed", NULL, NULL, "" },
	{ "stage.owed", NULL, NULL, "{stage} is still owed[, due {@due_at}]" },
	{ "stage.waived", NULL, NULL, "{stage} waived[ by {approver}]" },
	{ "deadline.warned", NULL, NULL,
	  "warning: {pct} % of the time for {clock} is gone" },
	{ "deadline.missed", NULL, NULL,
	  "{clock} is overdue[, it was due {@due_at}]" },
	{ "deadline.moved", NULL, NULL,
	  "due of {clock} moved[ from {@old}][ to {@new}][: {reason}][, by leave of {approver}]" },
	{ "rung.fired", "clock", "unowned", "nobody has taken it yet" },
	{ "rung.fired", "clock", "silence",
	  "the time to answer is over" },
	{ "rung.fired", NULL, NULL, "rung {rung} of {clock} fires" },
	{ "escalation.raised", "reason", "unowned",
	  "{clock} has no owner, raised to the {to}" },
	{ "escalation.raised", NULL, NULL,
	  "{clock} is late, raised to the {to}" },
	{ "owner.changed", "role", "supervisor", "supervisor is now {to}" },
	{ "owner.changed", NULL, NULL, "handed over[ from {from}] to {to}" },
	{ "owner.recused", NULL, NULL,
	  "{who} is complained about and not taken as {role}" },
	{ "owner.unassignable", NULL, NULL, "no {role} is left to take it" },
	{ "loop.migrated", NULL, NULL,
	  "goes on under {to}[, moved by {by}]" },
	{ "followup.queued", "reason", "revived",
	  "follow-up by {endpoint} sent again by hand" },
	{ "followup.queued", "held", "quiet",
	  "follow-up[ to the {to}][ by {endpoint}][ ({reason})][, held by quiet hours until {@until}]" },
	{ "followup.queued", NULL, NULL,
	  "follow-up[ to the {to}][ by {endpoint}][ ({reason})]" },
	{ "channel.skipped", NULL, NULL,
	  "{endpoint} cannot carry it[: {reason}]; by the next channel" },
	{ "followup.waiting", NULL, NULL,
	  "the same follow-up[ by {endpoint}] is on its way already" },
	{ "followup.accepted", NULL, NULL,
	  "follow-up[ by {endpoint}]: the provider has taken it[, its receipt is waited for until {@until}]" },
	{ "followup.uncertain", NULL, NULL,
	  "follow-up[ by {endpoint}]: the provider may have it[ ({reason})]; not sent again[, a receipt is waited for until {@until}]" },
	{ "followup.unknown", NULL, NULL,
	  "follow-up[ by {endpoint}]: nobody knows what became of it[: {reason}]" },
	{ "followup.failed", NULL, NULL,
	  "follow-up[ by {endpoint}]: the provider could not deliver it[: {code}]" },
	{ "followup.delivered", "late", "yes",
	  "follow-up[ by {endpoint}] delivered after its stage was over" },
	{ "followup.delivered", "attempts", "1",
	  "follow-up[ by {endpoint}] delivered" },
	{ "followup.delivered", NULL, NULL,
	  "follow-up[ by {endpoint}] delivered[ after {attempts} tries]" },
	{ "followup.suppressed", NULL, NULL,
	  "follow-up[ by {endpoint}] not sent[: {reason}]" },
	{ "followup.expired", NULL, NULL,
	  "follow-up[ by {endpoint}] expired[: {reason}]" },
	{ "followup.dead", NULL, NULL,
	  "follow-up[ to the {to}][ by {endpoint}] given up[: {reason}]" },
	{ "confirmation.requested", NULL, NULL, "the customer is asked" },
	{ "callback.attempted", "outcome", "reached",
	  "call[ by {by}]: the customer was reached" },
	{ "callback.attempted", NULL, NULL,
	  "call[ by {by}]: the customer was not reached[, {outcome}]" },
	{ "silence.started", NULL, NULL,
	  "the customer was written to; without an answer it closes[ {@due_at}]" },
	{ "silence.over", NULL, NULL,
	  "no answer came; it does not close by itself[: {reason}]" },
	{ "customer.unreachable", NULL, NULL,
	  "no channel reaches the customer; a person decides" },
	{ "customer.message", NULL, NULL, "customer wrote[ by {via}]" },
	{ "customer.erased", NULL, NULL,
	  "personal data erased[, allowed by {approver}]" },
	{ "complaint.rejected", NULL, NULL,
	  "not upheld[, decided by {approver}]" },
	{ "complaint.reopened", NULL, NULL, "opened again by hand[, by {by}]" },
	{ "complaint.linked", "kind", "duplicate",
	  "the same as {target}" },
	{ "complaint.linked", "kind", "duplicated_by",
	  "{target} says the same" },
	{ "complaint.linked", "kind", "outcome",
	  "{target} has ended[: {result}]" },
	{ "complaint.linked", NULL, NULL, "linked[: {kind}][ {target}]" },
	{ "improvement.recorded", NULL, NULL,
	  "improvement recorded[ for {category}][, since {date}]" },
	{ "customer.answered", NULL, NULL,
	  "customer answered[ {verdict}][, {score} of 5]" },
	{ "loop.reopened", NULL, NULL,
	  "opened again[ at {stage}][, cycle {cycle}][, tier {tier}]" },
	{ "loop.closed", NULL, NULL, "closed[: {outcome}]" },
	{ "contact.opted_out", NULL, NULL,
	  "the customer wants nothing more[ by {channel}]" },
	{ "contact.opted_in", NULL, NULL,
	  "the customer may be reached[ by {channel}] again" },
	{ "recourse.notified", NULL, NULL, "recourse notice delivered" },
	{ "recourse.failed", NULL, NULL,
	  "the recourse notice reached the customer by no channel" },
	{ "event.ignored", NULL, NULL, "{event} ignored[: {?code}]" },
};
/* clang-format on */

static const struct template *
template_of(const json_t *note)
{
	struct am_str name = am_json_str(note, "n");

	for (size_t i = 0; i < AM_COUNT(templates); i++) {
		const struct template *t = &templates[i];

		if (am_str_is(name, t->note) &&
		    (t->key == NULL ||
			am_str_is(am_json_str(note, t->key), t->value)))
			return t;
	}
	return NULL;
}

static bool
add_instant(struct am_buf *b, const json_t *note, const char *key)
{
	char local[32];
	int64_t ms;
	am_ms at;

	/* the pairs of a note are text, a number of ms among them */
	if (am_str_i64(am_json_str(note, key), &ms) == 0) {
		if (ms <= 0 || ms > 4102444800000) /* none, or beyond 2100 */
			return false;
		at = ms;
	} else if (!am_json_time(note, key, &at)) {
		return false;
	}
	am_text_local(local, at);
	am_buf_adds(b, local);
	return true;
}

/*
 * Why an event was ignored, as the table of the life cycle has it: "nothing
 * moves the backstop (final_stands)". The code alone where the table has
 * several reasons under it.
 */
static void
add_code(struct am_buf *b, const json_t *note, struct am_str code)
{
	const struct am_event_spec *spec =
	    am_event_spec_by_name(am_json_str(note, "event"));
	const char *why = NULL;
	struct am_rule_view rule;

	for (size_t i = 0; spec != NULL && am_rule_at(i, &rule); i++) {
		if (rule.on != spec->type || rule.action[0] != '\0' ||
		    !am_str_is(code, rule.code))
			continue;
		if (why != NULL && strcmp(why, rule.why) != 0) {
			why = NULL;
			break;
		}
		why = rule.why;
	}
	if (why != NULL)
		am_buf_addf(b, "%s (%.*s)", why, AM_ARG(code));
	else
		am_buf_addstr(b, code);
}

/* The pair {key} at p; false when it is missing. *end: behind the brace. */
static bool
add_value(struct am_buf *b, const char *p, const json_t *note, const char **end)
{
	size_t n = strcspn(p + 1, "}");
	char key[32] = "";
	const json_t *v;

	*end = p + 1 + n + 1;
	if (n >= sizeof(key))
		return false;
	memcpy(key, p + 1, n);
	if (key[0] == '@')
		return add_instant(b, note, key + 1);
	if (key[0] == '?') {
		add_code(b, note, am_json_str(note, key + 1));
		return am_json_str(note, key + 1).n > 0;
	}
	v = json_object_get(note, key);
	if (json_is_integer(v))
		am_buf_addi(b, json_integer_value(v));
	else
		am_buf_addstr(b, am_json_str(note, key));
	return json_is_integer(v) || am_json_str(note, key).n > 0;
}

static void
render(struct am_buf *b, const char *p, const json_t *note)
{
	size_t piece = 0; /* where the open bracket's text begins */
	bool whole = true;

	while (*p != '\0') {
		if (*p == '[') {
			piece = b->n;
			whole = true;
			p++;
		} else if (*p == ']') {
			if (!whole)
				b->n = piece;
			whole = true;
			p++;
		} else if (*p == '{') {
			whole = add_value(b, p, note, &p) && whole;
		} else {
			am_buf_addc(b, *p++);
		}
	}
}

static void
plain(struct am_buf *b, const json_t *note)
{
	const char *key;
	json_t *value;

	am_buf_addstr(b, am_json_str(note, "n"));
	json_object_foreach((json_t *)(uintptr_t)note, key, value)
	{
		if (strcmp(key, "n") == 0 || !json_is_string(value))
			continue;
		am_buf_addf(b, " %s=%s", key, json_string_value(value));
	}
}

void
am_history_words(struct am_buf *b, const json_t *line)
{
	const json_t *notes = json_object_get(line, "do");
	struct am_str verdict = am_json_str(line, "verdict");
	size_t i, start = b->n;
	json_t *note;

	json_array_foreach(notes, i, note)
	{
		const struct template *t = template_of(note);

		if (t != NULL && t->words[0] == '\0')
			continue;
		if (b->n > start)
			am_buf_adds(b, "; ");
		if (t != NULL)
			render(b, t->words, note);
		else
			plain(b, note);
	}
	if (b->n > start)
		return;
	am_buf_addstr(b, am_json_str(line, "event"));
	if (verdict.n > 0 && !am_str_is(verdict, "applied"))
		am_buf_addf(b, " (%.*s)", AM_ARG(verdict));
}
