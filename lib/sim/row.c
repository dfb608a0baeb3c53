/* row - see row.h. */

#include "sim/row.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"

static bool
is_delivery(const struct am_note *n)
{
	return strcmp(n->name, "followup.delivered") == 0;
}

static bool
due_moved(const struct am_told *t, size_t i, am_ms *due)
{
	am_ms was = t->before->status != AM_NONE
			? am_clock_due(t->def, t->before, i)
			: AM_NEVER;

	*due = am_clock_due(t->def, &t->up->next, i);
	return *due != AM_NEVER && *due != was;
}

bool
am_row_tells(const struct am_told *t)
{
	const struct am_update *up = t->up;
	am_ms due;

	if (up->verdict == AM_REJECTED || up->verdict == AM_DUPLICATE ||
	    up->forget)
		return true;
	if (up->notes == NULL || t->event->type != AM_EV_FOLLOWUP_ENDED)
		return up->notes != NULL;
	for (const struct am_note *n = up->notes; n != NULL; n = n->next) {
		if (!is_delivery(n))
			return true;
	}
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (due_moved(t, i, &due))
			return true;
	}
	return false;
}

static void
add_time(struct am_buf *b, const char *key, am_ms t)
{
	char text[32];

	am_rfc3339_format(t, text);
	am_buf_addkv(b, key, am_str_c(text));
}

static void
add_notes(struct am_buf *b, const struct am_note *n)
{
	am_buf_addkey(b, "do");
	am_buf_addc(b, '[');
	for (; n != NULL; n = n->next) {
		if (is_delivery(n))
			continue;
		am_buf_adds(b, b->p[b->n - 1] == '[' ? "{" : ",{");
		am_buf_addkv(b, "n", am_str_c(n->name));
		for (size_t i = 0; i < n->pairs_n; i++) {
			am_buf_addc(b, ',');
			am_buf_addjson(b, n->pairs[i].key);
			am_buf_addc(b, ':');
			am_buf_addjson(b, n->pairs[i].value);
		}
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
add_dues(struct am_buf *b, const struct am_told *t)
{
	am_ms due;

	am_buf_addkey(b, "due");
	am_buf_addc(b, '{');
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (due_moved(t, i, &due))
			add_time(b, t->def->clocks[i].name, due);
	}
	am_buf_addc(b, '}');
	if (t->up->wake_at != AM_NEVER)
		add_time(b, "next_at", t->up->wake_at);
}

static void
add_refusal(struct am_buf *b, const struct am_reject *why)
{
	am_buf_addkv(b, "code", am_str_c(why->code));
	am_buf_addkv(b, "field", why->field);
	am_buf_addkv(b, "text", am_str_c(why->text));
}

void
am_row_add(struct am_buf *b, const struct am_told *t)
{
	static const char *const verdicts[] = {
		[AM_APPLIED] = "applied",
		[AM_DUPLICATE] = "duplicate",
		[AM_IGNORED] = "ignored",
		[AM_REJECTED] = "rejected",
	};
	const struct am_update *up = t->up;
	const struct am_complaint *c = &up->next;

	am_buf_addc(b, '{');
	add_time(b, "at", t->at);
	am_buf_addkv(b, "complaint", t->id);
	am_buf_addkv(b, "event", am_str_c(am_event_spec(t->event->type)->name));
	am_buf_addkv(b, "verdict", am_str_c(verdicts[up->verdict]));
	if (up->verdict == AM_REJECTED) {
		add_refusal(b, &up->reject);
	} else {
		if (up->code != NULL && !up->forget)
			am_buf_addkv(b, "code", am_str_c(up->code));
		am_buf_addkv(
		    b, "stage", am_str_c(t->def->stages[c->stage].name));
		am_buf_addkv(b, "status", am_str_c(am_status_str(c->status)));
		add_notes(b, up->notes);
		add_dues(b, t);
	}
	if (up->forget) {
		am_buf_addkey(b, "forget");
		am_buf_adds(b, "true");
	}
	am_buf_addc(b, '}');
}
