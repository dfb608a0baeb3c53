/*
 * verbs_why - how a due came about: start, budget, every counted window, every
 * hold, the due. The windows sum to the budget; holds come from the journal.
 */

#include <string.h>

#include "base/str.h"
#include "codec/journal.h"
#include "daemon/view.h"

#define HOLDS_MAX 64

struct hold {
	am_ms from, to; /* to AM_NEVER: still held */
	struct am_str reason;
};

/* Holds since `since`, from the notes of the journal. */
static size_t
holds(struct view *v, const redisReply *log, am_ms since, struct hold *out)
{
	size_t n = 0;
	bool open = false;

	for (size_t i = 0; log != NULL && i < log->elements; i++) {
		struct am_journal_entry e;

		if (am_journal_parse(am_reply_str(log->element[i]), v->a, &e) !=
		    0)
			continue;
		if (!open && e.event.type == AM_EV_HELD &&
		    am_str_is(e.verdict, "applied") && n < HOLDS_MAX) {
			out[n] = (struct hold){ e.event.at, AM_NEVER,
				am_event_get(&e.event, "reason") };
			open = true;
			continue;
		}
		for (const struct am_note *note = e.notes; open && note != NULL;
		     note = note->next)
			if (strcmp(note->name, "complaint.resumed") == 0) {
				out[n++].to = e.event.type == AM_EV_WAKE
						  ? e.now
						  : e.event.at;
				open = false;
			}
	}
	n += open;
	for (size_t i = 0; i < n; i++)
		if (out[i].to <= since) {
			memmove(
			    &out[i], &out[i + 1], (n - i - 1) * sizeof(*out));
			n--;
			i--;
		}
	return n;
}

struct sum {
	am_ms ms;
	bool first;
};

static void
add_windows(struct view *v, const struct am_calendar *cal, am_ms from, am_ms to,
    struct sum *s)
{
	am_ms a, b;

	for (size_t i = 0; am_calendar_window(cal, from, to, i, &a, &b); i++) {
		am_buf_adds(&v->line, s->first ? "{" : ",{");
		s->first = false;
		am_view_time(v, "from", a);
		am_view_time(v, "to", b);
		am_buf_addki(&v->line, "ms", b - a);
		am_buf_addc(&v->line, '}');
		s->ms += b - a;
	}
}

static void
print_clock(struct view *v, size_t slot, const struct hold *h, size_t n)
{
	const struct am_clockdef *cd = &v->def->clocks[slot];
	const struct am_clock *k = &v->c->clocks[slot];
	bool stops = slot >= AM_CLOCK_STAGE0; /* a hold stops stage clocks */
	am_ms due = am_clock_due(v->def, v->c, slot);
	am_ms end = due != AM_NEVER ? due : am_engine_now(), from = k->started;
	struct sum s = { 0, true };

	am_view_open(v);
	am_buf_addkv(&v->line, "id", v->c->id);
	am_view_s(v, "clock", cd->name);
	am_view_s(v, "state", am_clock_state_str(k->state));
	am_view_s(
	    v, "calendar", cd->calendar_name != NULL ? cd->calendar_name : "");
	am_view_time(v, "started_at", k->started);
	am_buf_addki(&v->line, "budget_ms", k->budget);
	am_buf_addki(&v->line, "consumed_ms", am_view_consumed(cd, k));
	am_buf_addkey(&v->line, "windows");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; stops && i < n; i++) {
		if (h[i].from > from)
			add_windows(v, cd->calendar, from, h[i].from, &s);
		if (h[i].to > from)
			from = h[i].to;
	}
	if (from < end)
		add_windows(v, cd->calendar, from, end, &s);
	am_buf_adds(&v->line, "]");
	am_buf_addkey(&v->line, "holds");
	am_buf_addc(&v->line, '[');
	for (size_t i = 0; stops && i < n; i++) {
		am_buf_adds(&v->line, i != 0 ? ",{" : "{");
		am_view_time(v, "from", h[i].from);
		am_view_time(v, "to", h[i].to);
		am_buf_addkv(&v->line, "reason", h[i].reason);
		am_buf_addc(&v->line, '}');
	}
	am_buf_addc(&v->line, ']');
	am_view_time(v, "due_at", due);
	am_buf_addki(&v->line, "sum_ms", s.ms);
	am_view_close(v);
}

static void
why(struct view *v, struct am_batch *rb)
{
	struct hold *h = am_arena_alloc(v->a, (HOLDS_MAX + 1) * sizeof(*h));

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *k = &v->c->clocks[i];

		if (k->state == AM_CLK_RUNNING || k->state == AM_CLK_STOPPED)
			print_clock(v, i, h,
			    holds(v, am_batch_reply(rb, 1), k->started, h));
	}
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	am_view_drop(v);
}

void
am_verb_why(struct view *v)
{
	am_view_complaint(v, why);
}
