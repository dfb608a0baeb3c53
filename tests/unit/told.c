/* told - see told.h. */

#include "tests/unit/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

int
told_setup(void **state)
{
	struct told *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	fix_init(&w->f, "tests/data/followups.conf");
	w->def = *w->f.def;
	w->f.def = &w->def;
	*state = w;
	return 0;
}

int
told_teardown(void **state)
{
	struct told *w = *state;

	fix_fini(&w->f);
	free(w);
	return 0;
}

struct am_update *
told_step(struct told *w, am_ms after, const char *text)
{
	return fix_step(&w->f, "C-1", FIX_START + after, text);
}

void
told_open(struct told *w, const char *more)
{
	char text[200];

	snprintf(text, sizeof(text), "complaint.opened category=card %s", more);
	told_step(w, 0, text);
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
}

struct am_complaint *
told_c(struct told *w)
{
	return &fix_case(&w->f, "C-1")->c;
}

void
told_confirm(struct told *w, am_ms after)
{
	told_step(w, after, "stage.completed stage=listen");
	told_deliver(w);
	told_step(w, after, "stage.completed stage=resolve");
	assert_int_equal(told_c(w)->stage, 2);
}

struct am_str
told_pair(const struct am_note *n, const char *key)
{
	for (size_t i = 0; n != NULL && i < n->pairs_n; i++) {
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	}
	return AM_STR("");
}

static bool
is_note(const struct am_note *n, const char *name, const char *key,
    const char *value)
{
	return strcmp(n->name, name) == 0 &&
	       (key == NULL || am_str_is(told_pair(n, key), value));
}

const struct am_note *
told_note(
    const struct told *w, const char *name, const char *key, const char *value)
{
	const struct am_note *n = w->f.up.notes;

	while (n != NULL && !is_note(n, name, key, value))
		n = n->next;
	return n;
}

size_t
told_notes(
    const struct told *w, const char *name, const char *key, const char *value)
{
	size_t count = 0;

	for (const struct am_note *n = w->f.up.notes; n != NULL; n = n->next)
		count += is_note(n, name, key, value);
	return count;
}

const struct am_followup *
told_born(const struct told *w, const char *rung)
{
	const struct am_followup *f = w->f.up.followups;

	while (f != NULL && !am_str_is(f->rung_name, rung))
		f = f->next;
	return f;
}

size_t
told_born_to(const struct told *w, enum am_role to)
{
	size_t count = 0;

	for (const struct am_followup *f = w->f.up.followups; f != NULL;
	     f = f->next)
		count += f->to == to;
	return count;
}

bool
told_body_has(const struct am_followup *f, const char *text)
{
	return memmem(f->body.p, f->body.n, text, strlen(text)) != NULL;
}

struct am_waiting *
told_waits(struct told *w, const char *endpoint)
{
	struct am_complaint *c = told_c(w);

	for (size_t i = 0; i < c->waiting_n; i++) {
		if (am_str_is(c->waiting[i].endpoint, endpoint))
			return &c->waiting[i];
	}
	return NULL;
}

struct am_waiting *
told_waits_id(struct told *w, const uint8_t id[16])
{
	struct am_complaint *c = told_c(w);

	for (size_t i = 0; i < c->waiting_n; i++) {
		if (memcmp(c->waiting[i].id, id, 16) == 0)
			return &c->waiting[i];
	}
	return NULL;
}

const struct am_fu_change *
told_change(const struct told *w, const uint8_t id[16])
{
	const struct am_fu_change *ch = w->f.up.changes;

	while (ch != NULL && memcmp(ch->id, id, 16) != 0)
		ch = ch->next;
	return ch;
}

static void
about(struct told *w, const char *event, const uint8_t id[16], const char *rest)
{
	char text[AM_FU_ID_LEN + 1], line[240];

	am_fu_id_format(id, text);
	snprintf(line, sizeof(line), "%s followup_id=%s %s", event, text, rest);
	fix_step(&w->f, "C-1", w->f.now + AM_SECOND, line);
}

void
told_ended(struct told *w, const struct am_waiting *at, const char *rest)
{
	assert_non_null(at);
	about(w, "followup.ended", at->id, rest);
}

void
told_handed(struct told *w, const struct am_waiting *at, const char *rest)
{
	assert_non_null(at);
	about(w, "followup.handed", at->id, rest);
}

void
told_deliver(struct told *w)
{
	while (told_c(w)->waiting_n > 0)
		told_ended(w, &told_c(w)->waiting[0], "state=delivered");
}

void
told_receipt(struct told *w, const uint8_t id[16], const char *rest)
{
	about(w, "followup.receipt", id, rest);
}
