/*
 * amendsctl_history - a journal line in words. Each note has a template;
 * {key} is a pair of the note, and a piece in [brackets] is left out when one
 * of its keys is missing. A note without a template is said as it stands.
 */
#include <string.h>

#include "daemon/amendsctl.h"

#include "base/str.h"

static const struct {
	const char *note, *words;
} templates[] = {
	{ "complaint.opened", "opened[, tier {tier}]" },
	{ "complaint.updated", "facts changed" },
	{ "complaint.acknowledged", "acknowledged" },
	{ "complaint.held", "put on hold[, reason {reason}]" },
	{ "complaint.resumed", "taken up again[, reason {reason}]" },
	{ "complaint.withdrawn", "withdrawn by the customer" },
	{ "stage.entered", "{stage} begins[, due {due_at}]" },
	{ "stage.met", "{stage} done in time" },
	{ "stage.missed", "{stage} done late" },
	{ "stage.implied", "{stage} taken as done" },
	{ "stage.owed", "{stage} is still owed" },
	{ "stage.waived", "{stage} waived" },
	{ "deadline.warned", "warning[ at {pct} %][ of {clock}][ ({rung})]" },
	{ "deadline.missed", "{clock} is overdue" },
	{ "deadline.moved", "due moved[ from {old}][ to {new}][, {reason}]" },
	{ "escalation.raised",
	    "escalated[ ({rung})][ to {to}][, {clock} is late]" },
	{ "owner.changed", "handed over[ from {from}][ to {to}]" },
	{ "followup.queued",
	    "follow-up[ for {to}][ by {endpoint}][, reason {reason}]" },
	{ "followup.sent", "follow-up sent[ by {endpoint}]" },
	{ "followup.delivered",
	    "follow-up delivered[ by {endpoint}][ after {attempts} tries]" },
	{ "followup.suppressed", "follow-up not sent[, {reason}]" },
	{ "followup.expired", "follow-up expired[, {reason}]" },
	{ "followup.dead", "follow-up given up[ at {endpoint}][, {reason}]" },
	{ "confirmation.requested", "customer is asked" },
	{ "customer.answered",
	    "customer answered[ {verdict}][, {score} of 5]" },
	{ "loop.reopened", "opened again[, cycle {cycle}]" },
	{ "loop.closed", "closed[, {outcome}]" },
	{ "recourse.notified", "recourse notice" },
};

static const char *
template_of(struct am_str note)
{
	for (size_t i = 0; i < AM_COUNT(templates); i++) {
		if (am_str_is(note, templates[i].note))
			return templates[i].words;
	}
	return NULL;
}

/* The pair {key} at p; "" when it is missing. *end: behind the brace. */
static bool
value_of(struct am_buf *b, const char *p, const json_t *note, const char **end)
{
	size_t n = strcspn(p + 1, "}");
	char key[32] = "";
	const json_t *v;
	char *text;

	*end = p + 1 + n + 1;
	if (n >= sizeof(key))
		return false;
	memcpy(key, p + 1, n);
	v = json_object_get(note, key);
	if (json_is_string(v)) {
		am_buf_addstr(b, am_json_str(note, key));
		return json_string_length(v) > 0;
	}
	if (v == NULL || json_is_null(v))
		return false;
	text = json_dumps(v, JSON_ENCODE_ANY);
	am_buf_adds(b, text != NULL ? text : "?");
	free(text);
	return true;
}

static void
render(struct am_buf *b, const char *p, const json_t *note)
{
	size_t piece = 0; /* where the open bracket's text begins */
	bool in = false, whole = true;

	while (*p != '\0') {
		if (*p == '[') {
			piece = b->n;
			in = whole = true;
			p++;
		} else if (*p == ']') {
			if (!whole)
				b->n = piece;
			in = false;
			p++;
		} else if (*p == '{') {
			if (!value_of(b, p, note, &p) && in)
				whole = false;
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
	struct am_str code = am_json_str(line, "code");
	json_t *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		const char *words = template_of(am_json_str(note, "n"));

		if (i > 0)
			am_buf_adds(b, "; ");
		if (words != NULL)
			render(b, words, note);
		else
			plain(b, note);
	}
	if (json_array_size(notes) == 0)
		am_buf_addstr(b, am_json_str(line, "event"));
	if (am_str_is(verdict, "ignored")) {
		am_buf_adds(b, " (ignored");
		if (code.n > 0) {
			am_buf_adds(b, ": ");
			am_buf_addstr(b, code);
		}
		am_buf_addc(b, ')');
	}
}
