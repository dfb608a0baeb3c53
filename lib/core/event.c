/*
 * event - the table of everything that can be told, and the checks it implies.
 *
 * The table is the contract with producers: docs/events.md is made from it. A
 * field that a person fills with free text is PERSONAL, whatever its name says:
 * the journal cannot be washed later. Rows that are not built stand here too,
 * so that a producer learns `unsupported` (which can be replayed) instead of
 * `unknown_event`.
 */

#include <amends/complaint.h>
#include <amends/event.h>

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

#define SHORT 64
#define REF 128
#define TEXT 4096
#define LONG 65536

/* clang-format off */
static const char *const yes_no[] = { "yes", "no", "true", "false", NULL };
static const char *const scores[] = { "1", "2", "3", "4", "5", NULL };
static const char *const verdicts[] = { "satisfied", "partial", "unsatisfied", NULL };
static const char *const roles[] = { "owner", "agent", "supervisor", "manager", "team", NULL };
static const char *const waits[] = { "customer", "third_party", NULL };
static const char *const attempts[] = { "reached", "no_answer", "busy", "voicemail", "wrong_number", "refused", NULL };
static const char *const parts[] = { "morning", "afternoon", "evening", NULL };
static const char *const links[] = { "duplicate", "repeat_of", "incident", "duplicated_by", "outcome", NULL };
static const char *const outcomes[] = { "satisfied", "satisfied_after_reopen", "not_upheld", "unconfirmed", "declined", "unreachable", "withdrawn", "duplicate", "deadlock_closed", "forced", NULL };
static const char *const receipts[] = { "accepted", "delivered", "failed", "read", NULL };
static const char *const replies[] = { "unclear", NULL };
static const char *const ends[] = { "delivered", "dead", "suppressed", "expired", "unknown", NULL };
static const char *const handings[] = { "accepted", "uncertain", NULL };

#define CORE(name, max, one_of, about)  { name, AM_FIELD_CORE, false, max, one_of, about }
#define NEED(name, max, one_of, about)  { name, AM_FIELD_CORE, true, max, one_of, about }
#define PERS(name, max, about)          { name, AM_FIELD_PERSONAL, false, max, NULL, about }
#define NEEDP(name, max, about)         { name, AM_FIELD_PERSONAL, true, max, NULL, about }

static const struct am_field_spec opened[] = {
	PERS("customer.id", REF, "who complains, in the producer's system"),
	PERS("customer.phone", SHORT, "E.164, +8613800138000"),
	PERS("customer.ref", REF, "any other reference to the customer"),
	PERS("customer.email", 254, "address of the customer"),
	PERS("customer.name", REF, "name of the customer"),
	NEED("category", SHORT, NULL, "what it is about, a word of yours: billing"),
	NEEDP("summary", LONG, "the complaint in the customer's words"),
	CORE("loop", SHORT, NULL, "which loop; default: the one named complaint, else the only one"),
	CORE("tier", SHORT, NULL, "tier; an unknown one falls to the loop's default_tier"),
	CORE("severity", SHORT, NULL, "how bad it is, a word of yours"),
	CORE("channel", SHORT, NULL, "how it came in: phone, shop, app"),
	CORE("locale", 35, NULL, "language of the customer, BCP 47: zh, en-GB"),
	CORE("tz", SHORT, NULL, "the customer's IANA time zone"),
	CORE("incident", SHORT, NULL, "key of an incident that many complaints share"),
	CORE("respondents", SHORT, NULL, "respondents[0] …: staff complained about"),
	PERS("order_ref", REF, "the order or contract it is about"),
	CORE("consent.sms", 5, yes_no, "may be texted"),
	CORE("consent.call", 5, yes_no, "may be called"),
	CORE("owner", SHORT, NULL, "who owns it from the start"),
	CORE("supervisor", SHORT, NULL, "who supervises the owner"),
	CORE("team", SHORT, NULL, "the owner's team"),
	CORE("repeat_of", 64, NULL, "the complaint before this one, when it is a repeat"),
};
static const struct am_field_spec updated[] = {
	CORE("tier", SHORT, NULL, "new tier"),
	CORE("severity", SHORT, NULL, "new severity"),
	CORE("category", SHORT, NULL, "new category"),
	CORE("incident", SHORT, NULL, "new incident key"),
	PERS("customer.id", REF, "new customer id"),
	PERS("customer.phone", SHORT, "new phone, E.164"),
	PERS("customer.ref", REF, "new reference"),
	PERS("customer.email", 254, "new address"),
	PERS("customer.name", REF, "new name"),
};
static const struct am_field_spec assigned[] = {
	NEED("owner", SHORT, NULL, "who takes it"),
	NEED("role", 16, roles, "what they are to it; supervisor and team are kept beside the owner"),
	CORE("from", SHORT, NULL, "who had it"),
	CORE("team", SHORT, NULL, "the new owner's team"),
	PERS("reason", TEXT, "why"),
};
static const struct am_field_spec acknowledged[] = {
	CORE("ttl", 24, NULL, "no rung of a stage fires for so long: 90s 30m 2h 1bd"),
	PERS("note", TEXT, "free text"),
};
static const struct am_field_spec completed[] = {
	NEED("stage", SHORT, NULL, "which stage was done"),
	CORE("result", SHORT, NULL, "how it went, a word of yours"),
	PERS("root_cause", TEXT, "why it had come to this"),
	PERS("action", TEXT, "what was done"),
	CORE("apology.by", SHORT, NULL, "who apologised"),
	CORE("apology.channel", SHORT, NULL, "how"),
	PERS("resolution", TEXT, "what the customer got"),
	CORE("cost", 32, NULL, "what it cost"),
	CORE("evidence_ref", REF, NULL, "where the evidence lies"),
};
static const struct am_field_spec waived[] = {
	NEED("stage", SHORT, NULL, "which stage is let off"),
	NEEDP("reason", TEXT, "why"),
	NEED("approver", SHORT, NULL, "who allowed it"),
};
static const struct am_field_spec held[] = {
	NEED("reason", SHORT, NULL, "one of the loop's hold_reasons"),
	CORE("until", 40, NULL, "when the hold ends by itself, RFC 3339"),
	CORE("waiting_on", 16, waits, "who is waited for"),
};
static const struct am_field_spec resumed[] = {
	PERS("reason", TEXT, "why"),
};
static const struct am_field_spec extended[] = {
	NEED("clock", SHORT, NULL, "which clock"),
	CORE("by", 24, NULL, "how much longer: 2h 3bd"),
	CORE("until", 40, NULL, "or the new due, RFC 3339"),
	NEEDP("reason", TEXT, "why"),
	NEED("approver", SHORT, NULL, "who allowed it"),
	CORE("notice", 5, yes_no, "tell the customer"),
};
static const struct am_field_spec attempted[] = {
	NEED("outcome", 16, attempts, "what came of the call"),
	CORE("by", SHORT, NULL, "who called"),
	CORE("day_part", 16, parts, "of the customer's day; default: by the event's time"),
	PERS("note", TEXT, "free text"),
};
static const struct am_field_spec answered[] = {
	CORE("verdict", 16, verdicts, "what the customer says; or a score alone"),
	CORE("score", 1, scores, "1 (bad) to 5 (good)"),
	PERS("comment", LONG, "in the customer's words"),
	CORE("via", SHORT, NULL, "how it came in"),
	CORE("followup_id", AM_FU_ID_LEN, NULL, "the question it answers"),
};
static const struct am_field_spec message[] = {
	PERS("text", LONG, "the customer's words"),
	CORE("text_ref", REF, NULL, "or where they lie"),
	CORE("via", SHORT, NULL, "how it came in"),
	CORE("followup_id", AM_FU_ID_LEN, NULL, "what it answers"),
	PERS("customer.phone", SHORT, "who wrote, E.164: finds the complaint when none is named"),
	CORE("endpoint", SHORT, NULL, "the endpoint by which it came"),
	CORE("opt_out_type", 16, NULL, "what the provider takes it for: STOP, START"),
	CORE("reply", 16, replies, "amends's own: it was to answer the question and does not"),
};
static const struct am_field_spec reopened[] = {
	NEEDP("reason", TEXT, "why"),
	CORE("reopen_to", SHORT, NULL, "the stage to go back to"),
	CORE("by", SHORT, NULL, "who decided"),
};
static const struct am_field_spec withdrawn[] = {
	CORE("by", SHORT, NULL, "who withdrew it"),
	PERS("reason", TEXT, "why"),
};
static const struct am_field_spec rejected[] = {
	NEEDP("reason", TEXT, "why it is not upheld"),
	CORE("evidence_ref", REF, NULL, "where the evidence lies"),
	CORE("approver", SHORT, NULL, "who decided"),
};
static const struct am_field_spec linked[] = {
	NEED("kind", 16, links, "what the other one is to this one; the last two are amends's own, told to a target and to its duplicates"),
	NEED("target", 64, NULL, "the other complaint or the incident's key"),
	CORE("result", 32, outcomes, "with outcome: how the other one was closed"),
};
static const struct am_field_spec receipt[] = {
	CORE("followup_id", AM_FU_ID_LEN, NULL, "the follow-up; or provider_id"),
	CORE("provider_id", REF, NULL, "the provider's id of the message"),
	CORE("endpoint", SHORT, NULL, "the endpoint of that provider_id"),
	NEED("state", 16, receipts, "what became of it"),
	CORE("provider_seq", 24, NULL, "order of the provider's receipts"),
	CORE("code", SHORT, NULL, "the provider's word for it"),
	CORE("at", 40, NULL, "when, RFC 3339"),
};
static const struct am_field_spec opted[] = {
	NEEDP("address", 254, "phone or address"),
	NEED("channel", SHORT, NULL, "sms, call, mail or chat"),
	PERS("keyword", SHORT, "the word that said it"),
	CORE("scope", SHORT, NULL, "what it covers"),
	CORE("via", SHORT, NULL, "how it came in"),
};
static const struct am_field_spec improvement[] = {
	NEED("category", SHORT, NULL, "which complaints it should make fewer"),
	NEEDP("action", TEXT, "what was changed"),
	NEED("date", 40, NULL, "since when, RFC 3339 or YYYY-MM-DD"),
	CORE("owner", SHORT, NULL, "who did it"),
};
static const struct am_field_spec erased[] = {
	NEEDP("customer.id", REF, "whose data leave"),
	CORE("scope", SHORT, NULL, "what leaves"),
	CORE("approver", SHORT, NULL, "who allowed it"),
};
static const struct am_field_spec ended[] = {
	NEED("followup_id", AM_FU_ID_LEN, NULL, "which follow-up"),
	NEED("state", 16, ends, "how it ended"),
	CORE("reason", SHORT, NULL, "why"),
	CORE("attempts", 12, NULL, "how many attempts were made"),
	CORE("status", 12, NULL, "last HTTP status, 0: none"),
	CORE("late", 3, yes_no, "its stage was over when it arrived"),
	CORE("digest", AM_FU_ID_LEN, NULL, "the digest that it went out in"),
};
static const struct am_field_spec handed[] = {
	NEED("followup_id", AM_FU_ID_LEN, NULL, "which follow-up"),
	NEED("state", 16, handings, "whether its provider has it"),
	CORE("reason", SHORT, NULL, "why that is not certain"),
	CORE("attempts", 12, NULL, "how many attempts were made"),
	CORE("status", 12, NULL, "last HTTP status, 0: none"),
	CORE("until", 20, NULL, "a receipt is waited for until then, ms"),
};
static const struct am_field_spec revived[] = {
	NEED("followup_id", AM_FU_ID_LEN, NULL, "which follow-up"),
	NEED("endpoint", SHORT, NULL, "where it goes"),
	NEED("clock", 12, NULL, "clock slot, decimal"),
	NEED("rung", 12, NULL, "rung index, decimal"),
	NEED("entry", 12, NULL, "entry of the clock, decimal"),
	NEED("cycle", 12, NULL, "cycle it was fired in, decimal"),
	CORE("class", 1, NULL, "among which of its endpoint's it waits, decimal"),
};
static const struct am_field_spec forced[] = {
	NEED("by", SHORT, NULL, "who ends it"),
	NEEDP("reason", TEXT, "why"),
};
static const struct am_field_spec calendar[] = {
	NEED("due", SHORT, NULL, "due[0] …: clock slot, a blank, the due that was, in ms"),
	CORE("reason", SHORT, NULL, "which calendar"),
};
static const struct am_field_spec migrated[] = {
	NEED("due", SHORT, NULL, "due[0] …: clock slot, a blank, the due that was, in ms"),
	NEED("from", REF, NULL, "NAME@HASH that it leaves"),
	NEED("tier", SHORT, NULL, "name of its tier"),
	CORE("fired", SHORT, NULL, "fired[0] …: clock slot, a blank, the place of a rung that has fired, a blank, its name"),
	CORE("by", SHORT, NULL, "who moves it"),
	PERS("reason", TEXT, "why"),
};

#define FIELDS(f) f, AM_COUNT(f)
#define NOW true, true    /* from producers, built */
#define NEXT true, false  /* from producers, answered `unsupported` */
#define OWN false, true   /* from the engine itself */

static const struct am_event_spec specs[] = {
	{ AM_EV_OPENED, "complaint.opened", NOW, FIELDS(opened),
	    "Opens a complaint: pins the loop and starts its clocks." },
	{ AM_EV_UPDATED, "complaint.updated", NOW, FIELDS(updated),
	    "Changes a fact; a new tier keeps the time consumed." },
	{ AM_EV_ASSIGNED, "complaint.assigned", NOW, FIELDS(assigned),
	    "Sets the owner; who opened the loop stays its loop owner." },
	{ AM_EV_ACKNOWLEDGED, "complaint.acknowledged", NOW, FIELDS(acknowledged),
	    "Meets the acknowledge clock, once; with a ttl the stages' ladders wait so long." },
	{ AM_EV_STAGE_COMPLETED, "stage.completed", NOW, FIELDS(completed),
	    "Ends a stage: in order, ahead of its turn, or one that was owed." },
	{ AM_EV_STAGE_WAIVED, "stage.waived", NOW, FIELDS(waived),
	    "Lets a stage off, where the loop allows it." },
	{ AM_EV_HELD, "complaint.held", NOW, FIELDS(held),
	    "Stops the stages' clocks; acknowledge, inform and final run on." },
	{ AM_EV_RESUMED, "complaint.resumed", NOW, FIELDS(resumed),
	    "Ends a hold." },
	{ AM_EV_EXTENDED, "deadline.extended", NOW, FIELDS(extended),
	    "Moves a due, within the loop's limits." },
	{ AM_EV_ATTEMPTED, "callback.attempted", NOW, FIELDS(attempted),
	    "One attempt to reach the customer; when all are used, or calls are ruled out, the written notice goes." },
	{ AM_EV_ANSWERED, "customer.answered", NOW, FIELDS(answered),
	    "Closes the loop, starts its next cycle, or calls a person." },
	{ AM_EV_MESSAGE, "customer.message", NOW, FIELDS(message),
	    "The customer wrote: restarts the inform clock, ends a hold that waits for the customer and a silence." },
	{ AM_EV_REOPENED, "complaint.reopened", NOW, FIELDS(reopened),
	    "Starts the next cycle by a person's decision, one tier up, in the confirm stage or within reopen_window after closing." },
	{ AM_EV_WITHDRAWN, "complaint.withdrawn", NOW, FIELDS(withdrawn),
	    "Closes the loop with outcome withdrawn; nothing unsent goes out." },
	{ AM_EV_REJECTED, "complaint.rejected", NOW, FIELDS(rejected),
	    "Sends the recourse notice; closes the loop with outcome not_upheld when a channel has accepted it." },
	{ AM_EV_LINKED, "complaint.linked", NOW, FIELDS(linked),
	    "Ties two complaints, or one to an incident; a duplicate ends and hears of the other one's outcome." },
	{ AM_EV_RECEIPT, "followup.receipt", NOW, FIELDS(receipt),
	    "What a provider says of a message." },
	{ AM_EV_OPTED_OUT, "contact.opted_out", NOW, FIELDS(opted),
	    "Nothing more to that address; for channel call: nobody calls, the question goes in writing." },
	{ AM_EV_OPTED_IN, "contact.opted_in", NOW, FIELDS(opted),
	    "That address may be written to again." },
	{ AM_EV_IMPROVEMENT, "improvement.recorded", NOW, FIELDS(improvement),
	    "A mark to measure from, before and after." },
	{ AM_EV_ERASED, "customer.erased", NOW, FIELDS(erased),
	    "Removes personal data, and later events' are not kept; timings and outcomes stay." },
	{ AM_EV_WAKE, "wake", OWN, NULL, 0,
	    "Time has passed." },
	{ AM_EV_FOLLOWUP_ENDED, "followup.ended", OWN, FIELDS(ended),
	    "A follow-up was delivered or given up." },
	{ AM_EV_FOLLOWUP_HANDED, "followup.handed", OWN, FIELDS(handed),
	    "A provider has a follow-up, or may have it; what became of it is still to be told." },
	{ AM_EV_FOLLOWUP_REVIVED, "followup.revived", OWN, FIELDS(revived),
	    "A dead follow-up is sent again, under its old id." },
	{ AM_EV_FORCED, "complaint.closed", OWN, FIELDS(forced),
	    "A person ends a deadlock, or what cannot end otherwise." },
	{ AM_EV_CALENDAR, "calendar.changed", OWN, FIELDS(calendar),
	    "Dues are judged anew by another calendar, a note each." },
	{ AM_EV_MIGRATED, "loop.migrated", OWN, FIELDS(migrated),
	    "The complaint goes on under another definition of its loop." },
};
/* clang-format on */

const struct am_event_spec *
am_event_spec(enum am_event_type type)
{
	/* the table is in the order of the enum, which starts with NONE */
	if (type <= AM_EV_NONE || type >= AM_EVENTS_N)
		return NULL;
	AM_ASSERT(specs[type - 1].type == type);
	return &specs[type - 1];
}

const struct am_event_spec *
am_event_spec_by_name(struct am_str name)
{
	for (size_t i = 0; i < AM_COUNT(specs); i++) {
		if (am_str_is(name, specs[i].name))
			return &specs[i];
	}
	return NULL;
}

/* The row of a field; `name[3]` and `name[3].x` are rows of the list `name`. */
static const struct am_field_spec *
field_spec(const struct am_event_spec *spec, struct am_str name)
{
	const char *list = name.n > 0 ? memchr(name.p, '[', name.n) : NULL;

	if (list != NULL)
		name.n = (size_t)(list - name.p);
	for (size_t i = 0; spec != NULL && i < spec->fields_n; i++) {
		if (am_str_is(name, spec->fields[i].name))
			return &spec->fields[i];
	}
	return NULL;
}

enum am_field_class
am_event_field_class(const struct am_event *ev, struct am_str field)
{
	const struct am_field_spec *f =
	    field_spec(am_event_spec(ev->type), field);

	return f != NULL ? f->class : AM_FIELD_PERSONAL;
}

struct am_str
am_event_get(const struct am_event *ev, const char *field)
{
	size_t n = strlen(field);

	for (size_t i = 0; i < ev->fields_n; i++) {
		const struct am_pair *f = &ev->fields[i];

		if (f->key.n == n && memcmp(f->key.p, field, n) == 0)
			return f->value;
	}
	return (struct am_str){ NULL, 0 };
}

static void
say(struct am_reject *why, const char *text, size_t n)
{
	size_t have = strlen(why->text);
	size_t room = sizeof(why->text) - 1 - have;

	if (n > room)
		n = room;
	if (n > 0)
		memcpy(why->text + have, text, n);
	why->text[have + n] = '\0';
}

static void
says(struct am_reject *why, const char *text)
{
	say(why, text, strlen(text));
}

static int
refuse(struct am_reject *why, const char *code, struct am_str field,
    const char *text)
{
	why->code = code;
	why->field = field;
	why->text[0] = '\0';
	says(why, text);
	return -AM_EINVAL;
}

static int
refuse_one_of(
    struct am_reject *why, struct am_str field, const char *const *one_of)
{
	refuse(why, "bad_value", field, "not a value of this field; one of");
	for (; *one_of != NULL; one_of++) {
		says(why, " ");
		says(why, *one_of);
	}
	return -AM_EINVAL;
}

static int
refuse_long(struct am_reject *why, struct am_str field, size_t max)
{
	char digits[20], *p = digits + sizeof(digits);

	refuse(
	    why, "too_long", field, "longer than this field may be; at most ");
	do
		*--p = (char)('0' + max % 10);
	while ((max /= 10) != 0);
	say(why, p, (size_t)(digits + sizeof(digits) - p));
	says(why, " bytes");
	return -AM_EINVAL;
}

/*
 * A provider knows a number or the id of a message and no complaint: what it
 * tells is found by that, in the shard (daemon/replies.h).
 */
static bool
may_find_complaint(const struct am_event *ev)
{
	switch (ev->type) {
	case AM_EV_OPENED:
		return true;
	case AM_EV_RECEIPT:
		return am_event_get(ev, "followup_id").n > 0 ||
		       (am_event_get(ev, "provider_id").n > 0 &&
			   am_event_get(ev, "endpoint").n > 0);
	case AM_EV_MESSAGE:
		return am_event_get(ev, "customer.phone").n > 0;
	case AM_EV_OPTED_OUT:
	case AM_EV_OPTED_IN:
		return am_event_get(ev, "address").n > 0;
	default:
		return false;
	}
}

static int
check_envelope(const struct am_event *ev, struct am_reject *why)
{
	static const char *const actors[] = { "customer", "agent", "supervisor",
		"system", NULL };
	const struct {
		const char *name;
		struct am_str value;
		size_t max;
	} texts[] = {
		{ "source", ev->source, SHORT },
		{ "event_id", ev->event_id, REF },
		{ "actor.id", ev->actor_id, SHORT },
		{ "actor.role", ev->actor_role, 16 },
		{ "trace_id", ev->trace_id, REF },
	};
	size_t i = 0;

	if (ev->complaint_id.n == 0 && !may_find_complaint(ev))
		return refuse(why, "missing_field", AM_STR("complaint_id"),
		    "no complaint_id; an event names its complaint, a receipt "
		    "its followup_id (or provider_id and endpoint), a message "
		    "its customer.phone");
	if (ev->complaint_id.n != 0 && !am_complaint_id_ok(ev->complaint_id))
		return refuse(why, "bad_value", AM_STR("complaint_id"),
		    "not a complaint id; 1 to 64 of A-Z a-z 0-9 . _ : -");
	for (; i < AM_COUNT(texts); i++) {
		struct am_str name = am_str_c(texts[i].name);

		if (texts[i].value.n > texts[i].max)
			return refuse_long(why, name, texts[i].max);
		if (!am_utf8_ok(texts[i].value))
			return refuse(why, "bad_value", name,
			    "not UTF-8 text; send UTF-8 without 0 bytes");
	}
	for (i = 0; ev->actor_role.n > 0; i++) {
		if (actors[i] == NULL)
			return refuse_one_of(why, AM_STR("actor.role"), actors);
		if (am_str_is(ev->actor_role, actors[i]))
			break;
	}
	return 0;
}

static int
check_field(const struct am_event_spec *spec, const struct am_pair *f,
    struct am_reject *why)
{
	const struct am_field_spec *row = field_spec(spec, f->key);
	const char *const *word;

	if (f->key.n == 0 || f->key.n > REF || f->key.p[0] == '@' ||
	    !am_utf8_ok(f->key))
		return refuse(why, "bad_value", f->key,
		    "not a field name; 1 to 128 bytes of UTF-8, not "
		    "beginning with @");
	if (!am_utf8_ok(f->value))
		return refuse(why, "bad_value", f->key,
		    "not UTF-8 text; send UTF-8 without 0 bytes");
	if (row == NULL)
		return 0; /* kept with the personal data, as it came */
	if (f->value.n > row->max_bytes)
		return refuse_long(why, f->key, row->max_bytes);
	if (row->one_of == NULL || f->value.n == 0)
		return 0;
	for (word = row->one_of; *word != NULL; word++) {
		if (am_str_is(f->value, *word))
			return 0;
	}
	return refuse_one_of(why, f->key, row->one_of);
}

/* Fields of which one is enough. */
static const struct any_of {
	enum am_event_type type;
	const char *fields[10];
	const char *text;
} any_of[] = {
	/* who repeats a complaint is known from it */
	{ AM_EV_OPENED,
	    { "customer.id", "customer.phone", "customer.ref", "customer.email",
		"repeat_of" },
	    "no customer; customer.id, customer.phone, customer.ref or "
	    "customer.email says who complains" },
	{ AM_EV_UPDATED,
	    { "tier", "severity", "category", "incident", "customer.id",
		"customer.phone", "customer.ref", "customer.email",
		"customer.name" },
	    "nothing to change in it; tier, severity, category, incident or "
	    "a fact of the customer" },
	{ AM_EV_ANSWERED, { "verdict", "score" },
	    "no answer in it; verdict (satisfied, partial, unsatisfied) or "
	    "score (1 to 5)" },
	{ AM_EV_RECEIPT, { "followup_id", "provider_id" },
	    "it is about nothing; followup_id or the provider_id of the "
	    "message" },
};

static int
check_required(const struct am_event_spec *spec, const struct am_event *ev,
    struct am_reject *why)
{
	for (size_t i = 0; i < spec->fields_n; i++) {
		const struct am_field_spec *f = &spec->fields[i];

		if (!f->required || am_event_get(ev, f->name).n > 0)
			continue;
		refuse(why, "missing_field", am_str_c(f->name), spec->name);
		says(why, " needs ");
		says(why, f->name);
		says(why, "; ");
		says(why, f->about);
		return -AM_EINVAL;
	}
	for (size_t i = 0; i < AM_COUNT(any_of); i++) {
		const char *const *f = any_of[i].fields;

		if (any_of[i].type != spec->type)
			continue;
		while (*f != NULL && am_event_get(ev, *f).n == 0)
			f++;
		if (*f == NULL)
			return refuse(why, "missing_field",
			    am_str_c(any_of[i].fields[0]), any_of[i].text);
	}
	return 0;
}

int
am_event_check(const struct am_event *ev, struct am_reject *why)
{
	const struct am_event_spec *spec = am_event_spec(ev->type);
	int rc;

	if (spec == NULL || !spec->inbound)
		return refuse(why, "unknown_event", AM_STR("event"),
		    "no event of that name; the names are in docs/events.md");
	if (!spec->built) {
		refuse(why, "unsupported", AM_STR("event"), spec->name);
		says(why, " is not in force in this version; replay it after "
			  "an upgrade");
		return -AM_EUNSUPPORTED;
	}
	rc = check_envelope(ev, why);
	for (size_t i = 0; rc == 0 && i < ev->fields_n; i++)
		rc = check_field(spec, &ev->fields[i], why);
	return rc != 0 ? rc : check_required(spec, ev, why);
}

/*
 * A fixed key: the hash must be the same in every process. The source keys the
 * hash of the event_id, so that no two pairs run together.
 */
uint64_t
am_event_hash(struct am_str source, struct am_str event_id)
{
	uint8_t key[16] = "amends event id";
	uint64_t h = am_siphash(key, source.n > 0 ? source.p : "", source.n);

	memcpy(key, &h, sizeof(h));
	return am_siphash(key, event_id.n > 0 ? event_id.p : "", event_id.n);
}
