/*
 * recipient - see recipient.h.
 *
 * Three loads at most behind the rows, and none for webhooks: the addresses of
 * customers, once an ownership the key of the data set, the facts about the
 * addresses. They are read in the turn and not with the row, so that a new
 * number, an erasure and a STOP count for whatever has not gone yet.
 *
 * What there is to decide twice (an opt-out, the windows) is decided when the
 * commit is written, for the outcomes of the turn are written before its
 * claims, and several claims of one turn may go to one number.
 */

#include "daemon/recipient.h"

#include <stdlib.h>
#include <string.h>

#include "base/reach.h"
#include "base/str.h"
#include "core/person.h"
#include "core/quiet.h"
#include "daemon/reports.h"
#include "log/log.h"

/* NULL: this claim has no recipient to be found. */
static const struct am_conf_endpoint *
channel_of(const struct am_claim *k)
{
	if (k->ep == NULL || k->ep->type == AM_ENDPOINT_WEBHOOK ||
	    k->fate == AM_FATE_GONE || k->lane->outlet->removed ||
	    k->row.digest.n != 0 || k->row.progress != AM_FU_QUEUED)
		return NULL;
	return k->ep;
}

/* Of a digest: that of its first member, and the same for all of them. */
static struct am_str
about(const struct am_fu_record *f)
{
	return f->members_n != 0 ? f->members[0].complaint : f->complaint;
}

static struct am_str
person(struct am_turn *t, const struct am_fu_record *f)
{
	const struct am_holders *leads = &t->sh->engine->conf->holders[f->to];
	const struct am_case *c = am_turn_find(t, about(f));

	if (am_fu_is_report(f))
		return leads->n > 0 ? am_str_c(leads->person[0]) : AM_STR("");
	return c != NULL && c->exists && c->def != NULL
		   ? am_person_told(c->def, &c->cur, f->to)
		   : AM_STR("");
}

bool
am_recipient_same(struct am_turn *t, const struct am_fu_record *a,
    const struct am_fu_record *b)
{
	return a->to == b->to && am_str_eq(person(t, a), person(t, b));
}

/* ---- addresses ---- */

static void
set_address(struct am_turn *t, struct am_claim *k, struct am_str address)
{
	bool mail = k->ep->type == AM_ENDPOINT_MAIL;
	char out[AM_EMAIL_MAX + 1];
	char masked[AM_MASKED_MAX];

	if (address.n == 0) {
		k->detail = mail ? "no mail address" : "no number";
		return;
	}
	if ((mail ? am_email_parse(address, out)
		  : am_phone_parse(address, out)) != 0) {
		k->detail = am_arena_printf(&t->arena, "%s: %s",
		    mail ? "not a mail address"
			 : "not a number with its country code",
		    am_reach_mask(address, masked));
		return;
	}
	k->to = am_arena_dup(&t->arena, am_str_c(out));
}

static void
find_staff(struct am_turn *t, struct am_claim *k)
{
	const struct am_conf_endpoint *ep = k->ep;
	struct am_str name = person(t, &k->row);
	const struct am_conf_person *p =
	    am_conf_person(t->sh->engine->conf, name);

	if (p == NULL)
		k->detail = name.n == 0
				? "nobody has this role"
				: am_arena_printf(&t->arena,
				      "%.*s is no person of the configuration",
				      AM_ARG(name));
	else
		set_address(t, k,
		    am_str_c(
			ep->type == AM_ENDPOINT_MAIL ? p->email : p->phone));
}

/* ---- loads ---- */

static void
on_facts(struct am_turn *t, struct am_batch *b)
{
	am_contact_read(t, b);
	t->addressed(t);
}

static void
ask_facts(struct am_turn *t)
{
	struct am_batch *b = am_turn_more(t->sh->store);

	for (size_t i = 0; i < t->claims_n; i++) {
		struct am_claim *k = &t->claims[i];
		const struct am_conf_endpoint *ep = channel_of(k);

		if (ep != NULL && ep->type != AM_ENDPOINT_CHAT && k->to.n != 0)
			k->contact = am_contact_ask(t, b, k->to);
	}
	if (am_batch_cmds(b) != 0) {
		am_turn_send(t, b, on_facts);
		return;
	}
	am_batch_free(b);
	t->addressed(t);
}

static void
facts(struct am_turn *t)
{
	bool any = false;

	for (size_t i = 0; i < t->claims_n; i++)
		any = any || t->claims[i].to.n != 0;
	if (!any)
		t->addressed(t);
	else if (!am_contact_learn(t, NULL, ask_facts))
		ask_facts(t);
}

static bool
is_customers(const struct am_claim *k)
{
	const struct am_conf_endpoint *ep = channel_of(k);

	return ep != NULL && ep->type != AM_ENDPOINT_CHAT &&
	       k->row.to == AM_ROLE_CUSTOMER;
}

static void
on_addresses(struct am_turn *t, struct am_batch *b)
{
	size_t asked = 0;

	for (size_t i = 0; i < t->claims_n; i++) {
		struct am_claim *k = &t->claims[i];
		const redisReply *r;

		if (!is_customers(k))
			continue;
		r = am_batch_reply(b, asked++);
		set_address(t, k,
		    r != NULL && r->type == REDIS_REPLY_ARRAY &&
			    r->elements == 1
			? am_reply_str(r->element[0])
			: AM_STR(""));
	}
	facts(t);
}

static void
ask_address(struct am_turn *t, struct am_batch *b, const struct am_claim *k)
{
	am_cmd(b, "HMGET");
	am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "pii",
		       k->row.complaint));
	am_arg(b, k->ep->type == AM_ENDPOINT_MAIL ? "customer.email"
						  : "customer.phone");
}

/* Who has waited longest is served first: a window lets one through. */
static int
by_age(const void *a, const void *b)
{
	const struct am_claim *x = a, *y = b;

	if (x->row.fired_at != y->row.fired_at)
		return x->row.fired_at < y->row.fired_at ? -1 : 1;
	return am_str_cmp(x->id, y->id);
}

bool
am_recipients_load(struct am_turn *t, void (*next)(struct am_turn *t))
{
	struct am_batch *b;
	size_t texts = 0;

	for (size_t i = 0; i < t->claims_n; i++)
		texts += channel_of(&t->claims[i]) != NULL;
	if (texts == 0)
		return false;
	t->addressed = next;
	qsort(t->claims, t->claims_n, sizeof(*t->claims), by_age);
	b = am_turn_more(t->sh->store);
	for (size_t i = 0; i < t->claims_n; i++) {
		struct am_claim *k = &t->claims[i];

		if (is_customers(k))
			ask_address(t, b, k);
		else if (channel_of(k) != NULL && k->row.to != AM_ROLE_CUSTOMER)
			find_staff(t, k);
	}
	if (am_batch_cmds(b) != 0) {
		am_turn_send(t, b, on_addresses);
		return true;
	}
	am_batch_free(b);
	facts(t);
	return true;
}

/* ---- may they be written to ---- */

am_ms
am_recipient_quiet_end(struct am_turn *t, const struct am_conf_endpoint *ep,
    struct am_str complaint, enum am_role to)
{
	const struct am_case *c =
	    ep != NULL && ep->quiet != NULL ? am_turn_find(t, complaint) : NULL;

	if (c == NULL || !c->exists || c->def == NULL)
		return t->now;
	if (to != AM_ROLE_CUSTOMER && (c->cur.flags & AM_CF_EMERGENCY) != 0)
		return t->now;
	return am_quiet_end(
	    ep->quiet, am_person_zone(c->def, &c->cur, to), t->now);
}

/* Its age runs from its firing, or from its replay. */
static am_ms
born(const struct am_fu_record *f)
{
	if (f->attempts_total != 0)
		return am_fu_first_try(f);
	return f->replayed ? f->next_at : f->fired_at;
}

static void
close_as(struct am_claim *k, const char *state, const char *why)
{
	k->fate = AM_FATE_CLOSES;
	k->state = state;
	k->why = why;
}

/* Would it be older than its endpoint allows by then? */
static bool
is_stale(const struct am_claim *k, am_ms by)
{
	am_ms age = k->ep->retry.max_age;

	return age != AM_NEVER && by - born(&k->row) >= age;
}

static void
put_off(struct am_claim *k, am_ms until)
{
	k->fate = AM_FATE_LATER;
	k->until = until;
	k->silence = NULL;
}

/* Another channel goes on from what is suppressed; else it is dead. */
static void
no_address(struct am_turn *t, struct am_claim *k)
{
	bool next = k->row.members_n == 0 &&
		    am_fu_goes_on(t, k->row.complaint, k->row.id);

	close_as(k, next ? "suppressed" : "dead", "no_address");
}

bool
am_recipient_judge(struct am_turn *t, struct am_claim *k)
{
	const struct am_conf_endpoint *ep = channel_of(k);
	am_ms quiet =
	    am_recipient_quiet_end(t, k->ep, about(&k->row), k->row.to);

	if (ep != NULL && ep->type != AM_ENDPOINT_CHAT && k->to.n == 0)
		no_address(t, k);
	else if (ep != NULL && is_stale(k, quiet))
		close_as(k, "expired", "max_age");
	else if (quiet > t->now)
		put_off(k, quiet);
	else
		return false;
	return true;
}

/* Of texts, everywhere or for this complaint: whoever wants none gets no mail
 * less. */
static bool
is_opted_out(struct am_turn *t, const struct am_claim *k)
{
	const struct am_case *c;

	if (k->row.to != AM_ROLE_CUSTOMER || k->ep->type != AM_ENDPOINT_SMS)
		return false;
	if (k->contact->opted_out_at != 0)
		return true;
	c = am_turn_find(t, k->row.complaint);
	return c != NULL && c->exists && (c->cur.flags & AM_CF_NO_TEXTS) != 0;
}

bool
am_recipient_refuses(struct am_turn *t, struct am_claim *k)
{
	am_ms from;

	if (k->contact == NULL)
		return false;
	if (is_opted_out(t, k)) {
		close_as(k, "suppressed", "opted_out");
		return true;
	}
	from = am_contact_window(t, k->contact, k->ep, &k->row);
	if (from <= t->now)
		return false;
	if (is_stale(k, from))
		close_as(k, "expired", "max_age");
	else
		put_off(k, from);
	return true;
}

void
am_recipient_claimed(struct am_turn *t, const struct am_claim *k)
{
	if (k->contact != NULL)
		am_contact_sent(t, k->contact, k->ep, &k->row);
}
