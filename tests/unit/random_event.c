/*
 * random_event - see random_event.h. Values come from a pool by the field's
 * name; one in thirty is rubbish, one in 250 a byte too long, one in ten is
 * missing. Most of what results passes am_event_check(), which is where the
 * interesting part begins.
 */

#include "tests/unit/random_event.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "tests/unit/rnd.h"

static const struct {
	const char *field;
	const char *values[8];
} pool[] = {
	{ "tier", { "high", "mid", "low", "odd" } },
	{ "severity", { "emergency", "minor", "major" } },
	{ "category", { "card", "billing" } },
	{ "incident", { "I-1", "I-2" } },
	{ "owner", { "li", "wang", "zhao", "chen" } },
	{ "supervisor", { "zhao", "sun", "li" } },
	{ "team", { "cards", "desk" } },
	{ "from", { "li", "wang" } },
	{ "by", { "li", "wang" } },
	{ "approver", { "zhao", "sun" } },
	{ "stage", { "listen", "apologize", "resolve", "callback-confirm",
		       "listen", "resolve", "nowhere" } },
	{ "clock", { "listen", "apologize", "resolve", "acknowledge", "inform",
		       "final", "callback-confirm", "nothing" } },
	{ "reopen_to", { "listen", "resolve", "nowhere" } },
	{ "ttl", { "30m", "2h", "1bd", "soon" } },
	{ "tz", { "Asia/Shanghai", "Europe/London", "No/Where" } },
	{ "locale", { "zh-CN", "en", "fr" } },
	{ "day_part", { "morning", "afternoon", "evening", "night" } },
	{ "channel", { "sms", "call", "mail" } },
	{ "target", { "C-2", "C-3", "C-1" } },
	{ "repeat_of", { "C-0" } },
	{ "date", { "2026-11-01" } },
	{ "status", { "200", "500" } },
	{ "attempts", { "1", "3" } },
	{ "endpoint", { "crm", "desk" } },
	{ "rung", { "0", "1", "2", "130", "255" } },
	{ "entry", { "1", "2" } },
	{ "cycle", { "1", "2" } },
};

static const enum am_event_type often[] = { AM_EV_STAGE_COMPLETED,
	AM_EV_STAGE_COMPLETED, AM_EV_ANSWERED, AM_EV_WAKE, AM_EV_WAKE,
	AM_EV_WAKE, AM_EV_FOLLOWUP_ENDED, AM_EV_FOLLOWUP_ENDED,
	AM_EV_FOLLOWUP_ENDED, AM_EV_FOLLOWUP_HANDED, AM_EV_HELD,
	AM_EV_ATTEMPTED, AM_EV_ATTEMPTED };

static char *
new_text(struct random_event *r)
{
	return r->text[r->texts_n++ % RANDOM_FIELDS];
}

static struct am_str
rubbish(struct random_event *r)
{
	char *text = new_text(r);
	size_t n = rnd(79);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)rnd(256);
	return (struct am_str){ text, n };
}

/* As long as the field may be, or one byte longer. */
static struct am_str
long_text(const struct am_field_spec *f)
{
	static char text[1 << 17];

	if (text[0] == '\0')
		memset(text, 'x', sizeof(text));
	return (struct am_str){ text, f->max_bytes + rnd(2) };
}

static struct am_str
instant(struct random_event *r, am_ms t)
{
	char *text = new_text(r);

	am_rfc3339_format(t, text);
	return am_str_c(text);
}

static struct am_str
followup(struct random_event *r, const struct am_complaint *c,
    const uint8_t (*known)[16], size_t known_n)
{
	char *text = new_text(r);

	snprintf(text, 80, "%s", "aaaaaaaaaaaaaaaaaaaaaaaaaa");
	if (c->waiting_n > 0 && rnd(4) != 0)
		am_fu_id_format(c->waiting[rnd(c->waiting_n)].id, text);
	else if (known_n > 0)
		am_fu_id_format(known[rnd(known_n)], text);
	return am_str_c(text);
}

/* "SLOT DUE" of calendar.changed and loop.migrated. */
static struct am_str
old_due(struct random_event *r, const struct am_loopdef *def,
    const struct am_complaint *c)
{
	size_t slot = rnd(AM_CLOCKS_MAX);
	am_ms due = am_clock_due(def, c, slot);
	char *text = new_text(r);

	if (due == AM_NEVER)
		due = 0;
	snprintf(text, 80, "%zu %lld", slot,
	    (long long)(due + (am_ms)(rnd(3) * AM_HOUR)));
	return am_str_c(text);
}

static struct am_str
from_pool(const char *field)
{
	for (size_t i = 0; i < AM_COUNT(pool); i++) {
		size_t n = 0;

		if (strcmp(pool[i].field, field) != 0)
			continue;
		while (n < 8 && pool[i].values[n] != NULL)
			n++;
		return am_str_c(pool[i].values[rnd(n)]);
	}
	return AM_STR("x");
}

static struct am_str
one_of(const char *const *words)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return am_str_c(words[rnd(n)]);
}

static struct am_str
value(struct random_event *r, const struct am_field_spec *f,
    const struct am_loopdef *def, const struct am_complaint *c, am_ms now,
    const uint8_t (*known)[16], size_t known_n)
{
	enum am_event_type type = r->ev.type;

	if (strcmp(f->name, "followup_id") == 0)
		return followup(r, c, known, known_n);
	if (f->one_of != NULL)
		return one_of(f->one_of);
	if (strcmp(f->name, "until") == 0)
		return instant(r, now + (am_ms)rnd(20) * AM_DAY - 2 * AM_DAY);
	if (strcmp(f->name, "by") == 0 && type == AM_EV_EXTENDED)
		return one_of((const char *const[]){
		    "2h", "1bd", "3d", "30m", "9w", "never", NULL });
	if (strcmp(f->name, "reason") == 0 && type == AM_EV_HELD)
		return one_of((const char *const[]){
		    "waiting_customer", "waiting_third_party", "lunch", NULL });
	if (strcmp(f->name, "due") == 0)
		return old_due(r, def, c);
	if (strcmp(f->name, "from") == 0 && type == AM_EV_MIGRATED)
		return c->loop_ref;
	if (strcmp(f->name, "clock") == 0 && type == AM_EV_FOLLOWUP_REVIVED)
		return one_of(
		    (const char *const[]){ "0", "4", "6", "12", NULL });
	return from_pool(f->name);
}

static void
add_fields(struct random_event *r, const struct am_loopdef *def,
    const struct am_complaint *c, am_ms now, const uint8_t (*known)[16],
    size_t known_n)
{
	const struct am_event_spec *spec = am_event_spec(r->ev.type);

	for (size_t i = 0; i < spec->fields_n; i++) {
		const struct am_field_spec *f = &spec->fields[i];
		struct am_str key = am_str_c(f->name);

		if (spec->inbound && rnd(f->required ? 40 : 3) == 0)
			continue;
		if (strcmp(f->name, "loop") == 0)
			continue;
		if (strcmp(f->name, "due") == 0 ||
		    strcmp(f->name, "respondents") == 0) {
			char *text = new_text(r);

			snprintf(text, 80, "%s[0]", f->name);
			key = am_str_c(text);
		}
		r->pairs[r->ev.fields_n].key = key;
		if (spec->inbound && rnd(30) == 0)
			r->pairs[r->ev.fields_n++].value = rubbish(r);
		else if (spec->inbound && rnd(125) == 0)
			r->pairs[r->ev.fields_n++].value = long_text(f);
		else
			r->pairs[r->ev.fields_n++].value =
			    value(r, f, def, c, now, known, known_n);
	}
}

/* Now; late by hours, days or since 1970; early by what max_skew lets pass. */
static am_ms
event_time(am_ms now)
{
	switch (rnd(24)) {
	case 0:
	case 1:
		return now - (am_ms)rnd(5 * 86400) * AM_SECOND;
	case 2:
		return now + (am_ms)rnd(10 * AM_SECOND);
	case 3:
		return rnd(20) == 0 ? 1 : now;
	default:
		return now;
	}
}

void
random_event(struct random_event *r, const struct am_loopdef *def,
    const struct am_complaint *c, am_ms now, unsigned number,
    const uint8_t (*known)[16], size_t known_n, uint64_t seed)
{
	enum am_event_type type;

	rnd_state = seed;
	type = (enum am_event_type)(1 + rnd(AM_EVENTS_N - 1));

	if (c->status == AM_NONE && rnd(10) != 0)
		type = AM_EV_OPENED;
	else if (rnd(3) != 0)
		type = often[rnd(AM_COUNT(often))];
	r->texts_n = 0;
	snprintf(r->event_id, sizeof(r->event_id), "e%u",
	    number - (unsigned)(rnd(20) == 0));
	r->ev = (struct am_event){ .type = type,
		.complaint_id = c->id,
		.source = AM_STR("t"),
		.event_id = am_str_c(r->event_id),
		.actor_id = rnd(2) == 0 ? AM_STR("li") : AM_STR("zhao"),
		.actor_role =
		    rnd(3) == 0 ? AM_STR("customer") : AM_STR("agent"),
		.at = event_time(now),
		.occurred_at = rnd(8) == 0 ? (am_ms)(rnd64() >> 1) : AM_NEVER,
		.expected_version = rnd(15) == 0 ? (int64_t)rnd(6) : -1,
		.negative = rnd(10) == 0,
		.fields = r->pairs };
	if (type == AM_EV_WAKE) {
		r->ev.event_id.n = 0;
		r->ev.at = now;
		return;
	}
	add_fields(r, def, c, now, known, known_n);
}
