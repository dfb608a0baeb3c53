/*
 * replies - see replies.h.
 *
 * Which question is open is not remembered: a contact holds what was asked and
 * when, and the complaint says whether it still stands where it was asked. So
 * a reply sees what the entries before it in the same batch have changed.
 *
 * A word of yes or no that finds no open question takes back the last answer,
 * when that complaint has been closed or waits in its confirm stage; the table
 * of the step decides what that means (it reopens, it is a contradiction). Any
 * other rule would leave "2" behind "1" unread.
 *
 * Rejected: the newest question whatever became of it (a reply to the older of
 * two would be lost), and to remember nothing of messages taken (a provider
 * that tells twice would answer two questions).
 */

#include "daemon/replies.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/reach.h"
#include "base/str.h"
#include "core/reply.h"
#include "daemon/contact.h"
#include "daemon/receipts.h"
#include "log/log.h"

#define TAKEN (8 * AM_DAY) /* providers tell again for a day, at most */

enum found_by {
	BY_COMPLAINT, /* it names it */
	BY_FOLLOWUP,  /* a receipt */
	BY_NUMBER,
	OPTS, /* names its complaint, and opts a number in or out */
};

struct found {
	enum found_by by;
	struct am_contact *contact; /* NULL: of no number */
	/* commands of the batch, from 1; 0: not asked */
	size_t taken_at;       /* BY_NUMBER: was it taken before */
	size_t ref_at, pid_at; /* BY_FOLLOWUP: whose it is */
	size_t phone_at;       /* OPTS: the customer's number */
	const struct am_contact_question *question; /* that it answers */
	const char *word;			    /* that opts; NULL: none */
	bool out;				    /* … out */
	bool taken;				    /* in this turn */
};

struct am_replies {
	void (*next)(struct am_turn *t);
	struct am_batch *b;
	struct am_batch *reach; /* customers' addresses of open questions */
	struct found *of;	/* by event */
};

/* ---- what is to be found ---- */

static bool
opts_text(const struct am_event *ev)
{
	return (ev->type == AM_EV_OPTED_OUT || ev->type == AM_EV_OPTED_IN) &&
	       am_str_is(am_event_get(ev, "channel"), "sms");
}

static enum found_by
found_by(const struct am_turn *t, size_t i)
{
	const struct am_event *ev = &t->events[i];

	if (t->rejects[i] != NULL)
		return BY_COMPLAINT;
	if (ev->complaint_id.n != 0)
		return opts_text(ev) ? OPTS : BY_COMPLAINT;
	return ev->type == AM_EV_RECEIPT ? BY_FOLLOWUP : BY_NUMBER;
}

/* False when it is no telephone number. */
static bool
number_of(struct am_turn *t, struct am_str said, struct am_str *number)
{
	return am_contact_normalise(&t->arena, said, number) &&
	       number->p[0] == '+';
}

static struct am_str
who(const struct am_event *ev)
{
	return am_event_get(
	    ev, ev->type == AM_EV_MESSAGE ? "customer.phone" : "address");
}

static struct am_str
taken_key(struct am_turn *t, const struct am_event *ev)
{
	return am_key(am_store_keys(t->sh->store), &t->arena, "reply",
	    am_str_c(am_arena_printf(&t->arena, "%016" PRIx64,
		am_event_hash(ev->source, ev->event_id))));
}

static size_t
ask(struct am_batch *b, const char *command, struct am_str key)
{
	am_cmd(b, command);
	am_args(b, key);
	return am_batch_cmds(b);
}

static struct am_str
answer(const struct am_batch *b, size_t at)
{
	return am_reply_str(at != 0 ? am_batch_reply(b, at - 1) : NULL);
}

/* The number or mail address of a customer that an earlier entry of the batch
 * brings. */
static struct am_str
reach_in_batch(const struct am_turn *t, size_t i, struct am_str complaint,
    const char *field)
{
	struct am_str reach = { NULL, 0 };

	for (size_t j = 0; j < i; j++) {
		const struct am_event *ev = &t->events[j];
		struct am_str said = am_event_get(ev, field);

		if (t->rejects[j] == NULL && said.n > 0 &&
		    (ev->type == AM_EV_OPENED || ev->type == AM_EV_UPDATED) &&
		    am_str_eq(ev->complaint_id, complaint))
			reach = said;
	}
	return reach;
}

/* Who opts is named by the address; when that is no number, the customer of
 * the complaint is meant. */
static void
ask_opts(struct am_turn *t, struct am_batch *b, size_t i)
{
	const struct am_event *ev = &t->events[i];
	struct found *f = &t->replies->of[i];
	struct am_str number;

	if (number_of(t, am_event_get(ev, "address"), &number) ||
	    number_of(t,
		reach_in_batch(t, i, ev->complaint_id, "customer.phone"),
		&number)) {
		f->contact = am_contact_ask(t, b, number);
		return;
	}
	f->phone_at = ask(b, "HGET",
	    am_key(am_store_keys(t->sh->store), &t->arena, "pii",
		ev->complaint_id));
	am_arg(b, "customer.phone");
}

static void
ask_one(struct am_turn *t, struct am_batch *b, size_t i)
{
	const struct am_event *ev = &t->events[i];
	struct found *f = &t->replies->of[i];
	struct am_str fu = am_event_get(ev, "followup_id");
	struct am_str pid = am_event_get(ev, "provider_id");
	struct am_str endpoint = am_event_get(ev, "endpoint"), number;

	switch (f->by) {
	case BY_FOLLOWUP:
		if (fu.n > 0)
			f->ref_at = ask(b, "GET", am_receipt_ref_key(t, fu));
		if (pid.n > 0 && endpoint.n > 0)
			f->pid_at =
			    ask(b, "GET", am_receipt_pid_key(t, endpoint, pid));
		break;
	case BY_NUMBER:
		f->taken_at = ask(b, "GET", taken_key(t, ev));
		if (am_contact_normalise(&t->arena, who(ev), &number))
			f->contact = am_contact_ask(t, b, number);
		break;
	case OPTS:
		ask_opts(t, b, i);
		break;
	case BY_COMPLAINT:
		break;
	}
}

/* ---- what was found ---- */

static void
drop(struct am_turn *t, struct am_event *ev, const char *name)
{
	am_turn_set_field(t, ev, name, (struct am_str){ NULL, 0 });
}

static void
take_receipt(struct am_turn *t, size_t i)
{
	const struct found *f = &t->replies->of[i];
	struct am_event *ev = &t->events[i];
	const struct am_batch *b = t->replies->b;
	struct am_str complaint = am_receipt_ref_read(
	    t, answer(b, f->ref_at), am_event_get(ev, "endpoint"));
	struct am_str fu;

	if (complaint.n == 0 &&
	    am_receipt_pid_parse(answer(b, f->pid_at), &fu, &complaint))
		am_turn_set_field(t, ev, "followup_id", fu);
	if (!am_complaint_id_ok(complaint))
		return;
	ev->complaint_id = complaint;
	(void)am_turn_case(t, complaint);
}

static void
name_complaints(struct am_turn *t, const struct am_contact *c)
{
	for (size_t q = 0; q < c->questions_n; q++)
		(void)am_turn_case(t, c->questions[q].complaint);
	if (c->last.n > 0)
		(void)am_turn_case(t, c->last);
}

static void
take_found(struct am_turn *t)
{
	for (size_t i = 0; i < t->entries_n; i++) {
		const struct found *f = &t->replies->of[i];

		if (f->by == BY_FOLLOWUP)
			take_receipt(t, i);
		else if (f->by == BY_NUMBER && f->contact != NULL)
			name_complaints(t, f->contact);
	}
	t->replies->next(t);
}

static void
on_contacts(struct am_turn *t, struct am_batch *b)
{
	am_contact_read(t, b);
	take_found(t);
}

static const char *
reach_field(const struct am_contact *c)
{
	return c->address.p[0] == '+' ? "customer.phone" : "customer.email";
}

static void
ask_reach(struct am_turn *t, struct am_batch *b, struct am_contact *c)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);

	for (size_t i = 0; i < c->questions_n; i++) {
		struct am_contact_question *q = &c->questions[i];

		if (q->reach_at != 0)
			continue;
		q->reach_at = ask(
		    b, "HGET", am_key(keys, &t->arena, "pii", q->complaint));
		am_arg(b, reach_field(c));
	}
}

/* The numbers of those that opt without saying theirs, and of those who were
 * asked. */
static void
on_found(struct am_turn *t, struct am_batch *b)
{
	struct am_batch *more = am_turn_more(t->sh->store);
	struct am_str number;

	am_contact_read(t, b);
	for (size_t i = 0; i < t->entries_n; i++) {
		struct found *f = &t->replies->of[i];

		if (f->by == BY_NUMBER && f->contact != NULL)
			ask_reach(t, more, f->contact);
		else if (number_of(t, answer(b, f->phone_at), &number))
			f->contact = am_contact_ask(t, more, number);
	}
	if (am_batch_cmds(more) != 0) {
		t->replies->reach = more;
		am_turn_send(t, more, on_contacts);
		return;
	}
	am_batch_free(more);
	take_found(t);
}

static void
look_up(struct am_turn *t, struct am_batch *b)
{
	t->replies->b = b;
	for (size_t i = 0; i < t->entries_n; i++)
		ask_one(t, b, i);
	am_turn_send(t, b, on_found);
}

static void
on_key(struct am_turn *t)
{
	look_up(t, am_turn_more(t->sh->store));
}

bool
am_replies_find(
    struct am_turn *t, struct am_batch *b, void (*next)(struct am_turn *t))
{
	bool numbers = false;
	struct am_replies *r;
	size_t i = 0;

	while (i < t->entries_n && found_by(t, i) == BY_COMPLAINT)
		i++;
	if (i == t->entries_n)
		return false;
	r = t->replies = am_arena_zalloc(&t->arena, sizeof(*r));
	r->next = next;
	r->of = am_arena_zalloc(&t->arena, t->entries_n * sizeof(*r->of));
	for (; i < t->entries_n; i++) {
		enum found_by by = r->of[i].by = found_by(t, i);

		numbers = numbers || by == BY_NUMBER || by == OPTS;
	}
	if (!numbers || !am_contact_learn(t, b, on_key))
		look_up(t, b);
	return true;
}

/* ---- which question a message answers ---- */

static const struct am_case *
case_of(struct am_turn *t, struct am_str complaint)
{
	const struct am_case *c = am_turn_find(t, complaint);

	return c != NULL && c->exists && c->unusable == NULL && c->def != NULL
		   ? c
		   : NULL;
}

/* The complaint is where it was when the question went out: in the confirm
 * stage of that cycle, or closed from there. */
static const struct am_case *
standing(struct am_turn *t, const struct am_contact_question *q)
{
	const struct am_case *c = case_of(t, q->complaint);
	size_t last = c != NULL ? c->def->stages_n - 1 : 0;
	const struct am_clock *k;

	if (c == NULL || c->cur.stage != last)
		return NULL;
	k = &c->cur.clocks[AM_CLOCK_STAGE0 + last];
	return k->started != 0 && q->at >= k->started ? c : NULL;
}

/* What came back later than anybody waits for it, or before it was asked. */
static bool
in_window(const struct am_turn *t, const struct am_contact_question *q,
    const struct am_event *ev)
{
	const struct am_conf *conf = t->sh->engine->conf;

	return ev->at - q->at <= conf->replies.window &&
	       q->at - ev->at <= conf->max_skew;
}

/*
 * Whoever was asked is still whom the complaint is about: a number that was
 * wrong, or has been given away, closes nothing, and neither does one behind an
 * erasure.
 */
static bool
is_theirs(struct am_turn *t, const struct am_contact *c,
    const struct am_contact_question *q, size_t i)
{
	const struct am_case *of = am_turn_find(t, q->complaint);
	struct am_str said = reach_in_batch(t, i, q->complaint, reach_field(c));
	struct am_str reach;

	if (said.n == 0)
		said = answer(t->replies->reach, q->reach_at);
	return (of == NULL || (of->cur.flags & AM_CF_ERASED) == 0) &&
	       am_contact_normalise(&t->arena, said, &reach) &&
	       am_str_eq(reach, c->address);
}

/* The newest question that stands; open: and that nobody has answered. */
static const struct am_contact_question *
newest(struct am_turn *t, const struct am_contact *c, const struct am_event *ev,
    bool open)
{
	for (size_t i = 0; i < c->questions_n; i++) {
		const struct am_contact_question *q = &c->questions[i];
		const struct am_case *of =
		    in_window(t, q, ev) &&
			    is_theirs(t, c, q, (size_t)(ev - t->events))
			? standing(t, q)
			: NULL;

		if (of != NULL && (!open || (of->cur.status != AM_CLOSED &&
						of->cur.answered_at < q->at)))
			return q;
	}
	return NULL;
}

/* Whatever is said without a question is about what was sent last. */
static struct am_str
last_complaint(struct am_turn *t, const struct am_contact *c)
{
	const struct am_case *of =
	    c->last.n > 0 ? am_turn_find(t, c->last) : NULL;

	if (of != NULL && of->exists)
		return c->last;
	for (size_t i = 0; i < c->questions_n; i++) {
		of = am_turn_find(t, c->questions[i].complaint);
		if (of != NULL && of->exists)
			return of->id;
	}
	return (struct am_str){ NULL, 0 };
}

/* ---- what a message says ---- */

static bool
is_type(struct am_str given, const char *type)
{
	return given.n == strlen(type) &&
	       strncasecmp(given.p, type, given.n) == 0;
}

/* The provider's own reading of it goes before ours: it acts on it. */
static enum am_reply
read_reply(
    const struct am_turn *t, const struct am_event *ev, const char **word)
{
	const struct am_conf *conf = t->sh->engine->conf;
	const struct am_reply_words lists[AM_REPLIES_N] = {
		[AM_REPLY_YES] = { conf->replies.yes.v, conf->replies.yes.n },
		[AM_REPLY_NO] = { conf->replies.no.v, conf->replies.no.n },
		[AM_REPLY_STOP] = { conf->replies.stop.v,
		    conf->replies.stop.n },
		[AM_REPLY_START] = { conf->replies.start.v,
		    conf->replies.start.n },
	};
	struct am_str given = am_event_get(ev, "opt_out_type");

	*word = "provider";
	if (is_type(given, "STOP"))
		return AM_REPLY_STOP;
	if (is_type(given, "START"))
		return AM_REPLY_START;
	return am_reply_classify(am_event_get(ev, "text"), lists, word);
}

static void
become_answer(struct am_turn *t, struct am_event *ev, bool satisfied)
{
	struct am_str text = am_event_get(ev, "text");

	ev->type = AM_EV_ANSWERED;
	drop(t, ev, "text");
	drop(t, ev, "endpoint");
	am_turn_set_field(t, ev, "comment", text);
	am_turn_set_field(t, ev, "verdict",
	    satisfied ? AM_STR("satisfied") : AM_STR("unsatisfied"));
}

static void
become_opting(struct am_turn *t, struct found *f, struct am_event *ev,
    const char *word, bool out)
{
	ev->type = out ? AM_EV_OPTED_OUT : AM_EV_OPTED_IN;
	drop(t, ev, "endpoint");
	drop(t, ev, "followup_id");
	am_turn_set_field(t, ev, "channel", AM_STR("sms"));
	am_turn_set_field(t, ev, "keyword", am_str_c(word));
	f->word = word;
	f->out = out;
}

/* A yes or no is an answer, to the open question or, without one, to the last;
 * anything else behind an open question was to be one. */
static void
become_reply(
    struct am_turn *t, struct found *f, struct am_event *ev, enum am_reply says)
{
	bool answers = says == AM_REPLY_YES || says == AM_REPLY_NO;

	f->question = newest(t, f->contact, ev, true);
	if (f->question == NULL && answers)
		f->question = newest(t, f->contact, ev, false);
	if (f->question == NULL)
		return;
	am_turn_set_field(t, ev, "followup_id", f->question->followup_id);
	if (answers)
		become_answer(t, ev, says == AM_REPLY_YES);
	else
		am_turn_set_field(t, ev, "reply", AM_STR("unclear"));
}

static void
become(struct am_turn *t, struct found *f, struct am_event *ev)
{
	const char *word;
	enum am_reply says;

	if (ev->type != AM_EV_MESSAGE) { /* it says itself what it is */
		f->word = opts_text(ev) ? "event" : NULL;
		f->out = ev->type == AM_EV_OPTED_OUT;
		return;
	}
	says = read_reply(t, ev, &word);
	if (says == AM_REPLY_STOP || says == AM_REPLY_START)
		become_opting(t, f, ev, word, says == AM_REPLY_STOP);
	else if (f->contact != NULL)
		become_reply(t, f, ev, says);
	drop(t, ev, "customer.phone");
	drop(t, ev, "opt_out_type");
	if (am_event_get(ev, "via").n == 0)
		am_turn_set_field(t, ev, "via", AM_STR("sms"));
}

/* ---- who is nobody's ---- */

static void
say_unmatched(
    struct am_turn *t, size_t i, struct am_str number, struct am_str endpoint)
{
	const struct am_event *ev = &t->events[i];
	const char *name = am_event_spec(ev->type)->name;
	char masked[AM_MASKED_MAX];
	const struct am_pair pairs[] = {
		{ AM_STR("event"), am_str_c(name) },
		{ AM_STR("source"), ev->source },
		{ AM_STR("endpoint"), endpoint },
		{ AM_STR("entry"), t->entries[i].id },
	};

	t->counts.unmatched++;
	am_commit_say(t->commit, "contact.unmatched", pairs, AM_COUNT(pairs));
	/* of several streams, all but one know nobody of that number */
	am_turn_log(t,
	    t->sh->engine->shards_n > 1 ? AM_LOG_DEBUG : AM_LOG_NOTICE,
	    "contact_unmatched",
	    "entry=%.*s shard=%s event=%s endpoint=%s address=%s",
	    AM_ARG(t->entries[i].id), t->sh->stream, name, am_log_val(endpoint),
	    am_reach_mask(number, masked));
}

/* Its provider id is not known yet, or it is of a follow-up long ago. Never a
 * reject: whoever tells it cannot mend it. */
static bool
keep_receipt(struct am_turn *t, size_t i)
{
	const struct am_event *ev = &t->events[i];

	if (ev->complaint_id.n != 0 &&
	    am_turn_case(t, ev->complaint_id)->exists)
		return true; /* else it has been forgotten */
	if (ev->complaint_id.n == 0 && t->replies->of[i].pid_at != 0) {
		am_receipt_keep_early(t, ev);
		return false;
	}
	t->counts.unmatched++;
	am_turn_log(t, AM_LOG_INFO, "receipt_unmatched",
	    "entry=%.*s shard=%s followup=%s", AM_ARG(t->entries[i].id),
	    t->sh->stream, am_log_val(am_event_get(ev, "followup_id")));
	return false;
}

/* ---- in the order of the stream ---- */

/* Told twice: by an earlier entry of this batch, or in an earlier turn. */
static bool
is_taken(const struct am_turn *t, size_t i)
{
	const struct found *of = t->replies->of;
	const struct am_event *ev = &t->events[i];

	for (size_t j = 0; j < i; j++) {
		if (of[j].taken &&
		    am_str_eq(t->events[j].event_id, ev->event_id) &&
		    am_str_eq(t->events[j].source, ev->source))
			return true;
	}
	return answer(t->replies->b, of[i].taken_at).n > 0;
}

static void
take(struct am_turn *t, size_t i, struct am_str complaint)
{
	struct am_batch *b = am_commit_raw(t->commit);

	t->replies->of[i].taken = true;
	am_cmd(b, "SET");
	am_args(b, taken_key(t, &t->events[i]));
	am_args(b, complaint.n > 0 ? complaint : AM_STR("-"));
	am_arg(b, "PX");
	am_argi(b, TAKEN);
}

static void
opt(struct am_turn *t, const struct found *f)
{
	if (f->word != NULL && f->contact != NULL &&
	    f->contact->address.p[0] == '+') /* texts go to numbers */
		am_contact_opt(t, f->contact, f->out ? f->word : NULL);
}

bool
am_reply_resolve(struct am_turn *t, size_t i)
{
	struct am_event *ev = &t->events[i];
	struct am_str number, endpoint;
	struct found *f;

	if (t->replies == NULL)
		return true;
	f = &t->replies->of[i];
	if (f->by == BY_FOLLOWUP)
		return keep_receipt(t, i);
	if (f->by == OPTS) {
		f->word = "event";
		f->out = ev->type == AM_EV_OPTED_OUT;
	}
	if (f->by != BY_NUMBER)
		return true;
	if (is_taken(t, i)) {
		t->counts.duplicate++;
		return false;
	}
	number = am_event_get(
	    ev, ev->type == AM_EV_MESSAGE ? "customer.phone" : "address");
	endpoint = am_event_get(ev, "endpoint");
	become(t, f, ev);
	if (f->question != NULL)
		ev->complaint_id = f->question->complaint;
	else if (f->contact != NULL)
		ev->complaint_id = last_complaint(t, f->contact);
	if (ev->complaint_id.n != 0)
		return true;
	opt(t, f);
	take(t, i, ev->complaint_id);
	say_unmatched(t, i, number, endpoint);
	return false;
}

void
am_reply_stepped(struct am_turn *t, size_t i, const struct am_update *up)
{
	struct found *f = t->replies != NULL ? &t->replies->of[i] : NULL;
	const struct am_event *ev = &t->events[i];

	if (f == NULL || (up != NULL && up->verdict == AM_DUPLICATE))
		return;
	opt(t, f);
	if (f->by != BY_NUMBER || up == NULL || up->verdict == AM_REJECTED)
		return;
	take(t, i, ev->complaint_id);
	if (f->question != NULL && standing(t, f->question) == NULL)
		am_contact_answered(t, f->contact, ev->complaint_id);
}
