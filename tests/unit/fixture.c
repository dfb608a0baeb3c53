/*
 * fixture - see fixture.h. States go through their packed form between steps,
 * as in the daemon: what a record forgets, a test notices.
 */

#include "tests/unit/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"
#include "codec/record.h"

void
fix_init(struct fix *f, const char *conf_path)
{
	struct am_diag *diags = NULL;
	size_t n = 0;

	memset(f, 0, sizeof(*f));
	am_arena_init(&f->journal, 1 << 20);
	f->now = FIX_START;
	f->conf = am_conf_load(
	    conf_path != NULL ? conf_path : "tests/trace/bank.conf", FIX_START,
	    &diags, &n);
	for (size_t i = 0; f->conf == NULL && i < n; i++)
		print_error(
		    "%s:%d: %s\n", diags[i].file, diags[i].line, diags[i].text);
	free(diags);
	assert_non_null(f->conf);
	f->def = am_conf_loop(f->conf, AM_STR("complaint"));
	if (f->def == NULL && f->conf->loops_n > 0)
		f->def = f->conf->loops[0];
	assert_non_null(f->def);
}

void
fix_fini(struct fix *f)
{
	for (size_t i = 0; i < f->cases_n; i++) {
		am_arena_fini(&f->cases[i].arena);
		am_arena_fini(&f->cases[i].before);
	}
	am_arena_fini(&f->journal);
	am_conf_unref(f->conf);
}

struct fix_case *
fix_case(struct fix *f, const char *id)
{
	struct fix_case *k;

	for (size_t i = 0; i < f->cases_n; i++) {
		if (strcmp(f->cases[i].id, id) == 0)
			return &f->cases[i];
	}
	assert_true(f->cases_n < FIX_CASES);
	k = &f->cases[f->cases_n++];
	snprintf(k->id, sizeof(k->id), "%s", id);
	am_arena_init(&k->arena, 1 << 20);
	am_arena_init(&k->before, 1 << 20);
	k->c = (struct am_complaint){ .id = am_str_c(k->id) };
	k->wake_at = AM_NEVER;
	return k;
}

/* Through the packed form, into an arena of its own. */
static void
keep(struct fix *f, struct fix_case *k)
{
	struct am_arena fresh;
	struct am_buf packed;

	am_arena_init(&fresh, 1 << 16);
	am_buf_init(&packed);
	am_record_pack(&f->up.next, &packed);
	assert_int_equal(
	    am_record_unpack(am_str_c(k->id),
		am_arena_dup(&fresh, am_buf_str(&packed)), &fresh, &k->c),
	    0);
	am_buf_fini(&packed);
	am_arena_fini(&k->before);
	k->before = k->arena;
	k->arena = fresh;
	if (f->up.line.n > 0) {
		assert_true(k->lines_n < AM_COUNT(k->lines));
		k->lines[k->lines_n++] = am_arena_dup(&f->journal, f->up.line);
	}
}

struct am_update *
fix_event(struct fix *f, struct fix_case *k, const struct am_event *ev)
{
	static struct am_arena scratch; /* what the last update lies in */

	am_arena_reset(&scratch);
	f->up.arena = &scratch;
	assert_int_equal(am_step(f->def, &k->c, ev, f->now, &f->up), 0);
	if (f->up.verdict == AM_APPLIED || f->up.verdict == AM_IGNORED)
		keep(f, k);
	k->wake_at = f->up.wake_at;
	if (f->up.forget) {
		am_arena_reset(&k->arena);
		k->c = (struct am_complaint){ .id = am_str_c(k->id) };
		k->lines_n = 0;
	}
	return &f->up;
}

/* "key=value" or "key='value with blanks'"; false at the end. */
static bool
next_pair(struct am_arena *a, const char **at, struct am_pair *p)
{
	const char *s = *at, *eq;
	char end = ' ';

	while (*s == ' ')
		s++;
	eq = strchr(s, '=');
	if (*s == '\0' || eq == NULL)
		return false;
	p->key = am_arena_dup(a, (struct am_str){ s, (size_t)(eq - s) });
	s = eq + 1;
	if (*s == '\'') {
		end = '\'';
		s++;
	}
	*at = strchr(s, end) != NULL ? strchr(s, end) : s + strlen(s);
	p->value = am_arena_dup(a, (struct am_str){ s, (size_t)(*at - s) });
	if (**at != '\0')
		(*at)++;
	return true;
}

static bool
envelope(struct am_event *ev, const struct am_pair *p)
{
	if (am_str_is(p->key, "event_id"))
		ev->event_id = p->value;
	else if (am_str_is(p->key, "source"))
		ev->source = p->value;
	else if (am_str_is(p->key, "actor"))
		ev->actor_id = p->value;
	else if (am_str_is(p->key, "expect"))
		ev->expected_version = strtoll(p->value.p, NULL, 10);
	else if (am_str_is(p->key, "negative"))
		ev->negative = true;
	else
		return false;
	return true;
}

struct am_update *
fix_step(struct fix *f, const char *id, am_ms at, const char *text)
{
	struct fix_case *k = fix_case(f, id);
	struct am_pair pairs[24];
	struct am_arena a;
	struct am_event ev = { .source = AM_STR("trace"),
		.complaint_id = am_str_c(k->id),
		.at = at,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = pairs };
	size_t name_n = strcspn(text, " ");
	const struct am_event_spec *spec =
	    am_event_spec_by_name((struct am_str){ text, name_n });
	const char *rest = text + name_n;
	char event_id[24];

	if (spec == NULL)
		fail_msg("no event '%s'", text);
	am_arena_init(&a, 0);
	snprintf(event_id, sizeof(event_id), "e%u", ++f->events_n);
	ev.type = spec->type;
	if (ev.type != AM_EV_WAKE)
		ev.event_id = am_str_c(event_id);
	while (ev.fields_n < AM_COUNT(pairs) &&
	       next_pair(&a, &rest, &pairs[ev.fields_n]))
		ev.fields_n += !envelope(&ev, &pairs[ev.fields_n]);
	f->now = at;
	fix_event(f, k, &ev);
	am_arena_fini(&a);
	return &f->up;
}

am_ms
fix_span(const char *text)
{
	am_ms sum = 0;

	while (*text != '\0') {
		char *end;
		long long n = strtoll(text, &end, 10);
		am_ms unit = *end == 's'   ? AM_SECOND
			     : *end == 'm' ? AM_MINUTE
			     : *end == 'h' ? AM_HOUR
			     : *end == 'd' ? AM_DAY
					   : 0;

		if (end == text || unit == 0)
			return -1;
		sum += n * unit;
		text = end + 1;
	}
	return sum;
}

/* ---- describing a step ---- */

const char *
fix_when(const struct fix *f, am_ms t, char out[32])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	struct am_civil c;
	int n;

	if (t == AM_NEVER)
		return "never";
	am_civil_from_ms(t + am_zone_offset(f->def->zone, t) * AM_SECOND, &c);
	n = snprintf(out, 32, "%s-%02d.%02d-%02d:%02d", days[c.weekday],
	    c.month, c.day, c.hour, c.minute);
	if (c.second != 0)
		snprintf(out + n, 32 - (size_t)n, ":%02d", c.second);
	return out;
}

static struct am_str
pair(const struct am_note *n, const char *key)
{
	for (size_t i = 0; i < n->pairs_n; i++) {
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	}
	return AM_STR("");
}

/* Notes that a manager wants to see, and the pairs of them; a number that can
 * only be an instant is told as one. */
static void
add_note(const struct fix *f, struct am_buf *b, const struct am_note *n)
{
	static const struct {
		const char *name, *word;
		const char *keys[4];
	} shown[] = {
		{ "stage.met", "met",
		    { "stage", "how", "late", "late_original" } },
		{ "stage.owed", "owed", { "stage" } },
		{ "stage.waived", "waived", { "stage", "how" } },
		{ "deadline.missed", "missed", { "clock" } },
		{ "deadline.warned", "warned", { "clock", "pct" } },
		{ "escalation.raised", "raised", { "clock", "rung" } },
		{ "owner.changed", "owner", { "to", "role" } },
		{ "customer.answered", "answered", { "verdict", "effect" } },
		{ "customer.message", "wrote", { "effect" } },
		{ "contact.opted_out", "opted_out", { "channel" } },
		{ "contact.opted_in", "opted_in", { "channel" } },
		{ "confirmation.requested", "asked", { NULL } },
		{ "complaint.resumed", "resumed", { "reason" } },
		{ "complaint.updated", "tier", { "tier" } },
		{ "deadline.moved", "moved", { "clock", "reason", "new" } },
		{ "callback.attempted", "called", { "outcome", "day_part" } },
		{ "silence.started", "silence", { "due_at" } },
		{ "recourse.notified", "recourse", { "reason" } },
		{ "loop.reopened", "reopened", { "cycle", "tier" } },
		{ "loop.closed", "closed", { "outcome", "verdict" } },
		{ "followup.queued", "follow",
		    { "reason", "to", "endpoint", "group" } },
		{ "followup.suppressed", "dropped",
		    { "clock", "endpoint", "reason" } },
		{ "followup.delivered", "delivered", { "clock", "endpoint" } },
		{ "followup.dead", "dead", { "clock", "reason" } },
		{ "event.ignored", "ignored", { "code" } },
	};

	char when[32];
	uint64_t at;

	for (size_t i = 0; i < AM_COUNT(shown); i++) {
		if (strcmp(n->name, shown[i].name) != 0)
			continue;
		am_buf_addf(b, " %s(", shown[i].word);
		for (size_t j = 0; j < 4 && shown[i].keys[j] != NULL; j++) {
			struct am_str v = pair(n, shown[i].keys[j]);

			if (am_str_prefix(am_str_c(shown[i].keys[j]), "late"))
				v = am_str_is(v, "yes")
					? am_str_c(shown[i].keys[j])
					: AM_STR("");
			if (j > 0 && v.n > 0)
				am_buf_addc(b, ',');
			if (am_str_u64(v, &at) == 0 && at > AM_DAY)
				am_buf_adds(b, fix_when(f, (am_ms)at, when));
			else
				am_buf_addstr(b, v);
		}
		am_buf_addc(b, ')');
	}
}

static void
add_place(struct fix *f, struct am_buf *b)
{
	const struct am_complaint *c = &f->up.next;
	char when[32];

	am_buf_adds(b, f->def->stages[c->stage].name);
	if (c->status != AM_OPEN)
		am_buf_addf(b, "/%s", am_status_str(c->status));
	am_buf_adds(b, " wake=");
	am_buf_adds(b, fix_when(f, f->up.wake_at, when));
}

/* Notes of the last step; that something was delivered is said by one that is
 * ended by hand only. */
static void
add_notes(struct fix *f, struct am_buf *b, bool by_hand)
{
	for (const struct am_note *n = f->up.notes; n != NULL; n = n->next)
		if (by_hand || strcmp(n->name, "followup.delivered") != 0)
			add_note(f, b, n);
}

/* End the oldest follow-up of the case as delivered, a second later. */
static bool
deliver(struct fix *f, struct fix_case *k)
{
	char id[AM_FU_ID_LEN + 1], event[128];

	if (k->c.waiting_n == 0)
		return false;
	am_fu_id_format(k->c.waiting[0].id, id);
	snprintf(event, sizeof(event),
	    "followup.ended followup_id=%s state=delivered", id);
	fix_step(f, k->id, f->now, event);
	return true;
}

const char *
fix_describe(struct fix *f, struct fix_case *k, bool delivers)
{
	const struct am_update *up = &f->up;
	struct am_buf b, notes;

	am_buf_arena(&b, &k->arena, 256);
	if (up->verdict == AM_REJECTED) {
		am_buf_addf(&b, "refused(%s,%.*s)", up->reject.code,
		    AM_ARG(up->reject.field));
	} else if (up->verdict == AM_DUPLICATE || up->forget) {
		am_buf_adds(&b, up->forget ? "forgotten" : "duplicate");
	} else {
		am_buf_init(&notes);
		add_notes(f, &notes, true);
		while (delivers && deliver(f, k))
			add_notes(f, &notes, false);
		am_buf_arena(&b, &k->arena, 256); /* a step moves it */
		add_place(f, &b);
		am_buf_add(&b, notes.p, notes.n);
		am_buf_fini(&notes);
	}
	am_buf_addc(&b, '\0');
	return b.p;
}
