/*
 * receipts - see receipts.h.
 *
 * Events of a shard and outcomes are written by turns, one at a time: a receipt
 * either finds the provider id, or the outcome finds the receipt. What a
 * deposed owner tells is written to the stream by no turn, as producers write.
 */

#include "daemon/receipts.h"

#include <string.h>

#include "base/str.h"
#include "codec/record.h"

#define KNOWN (8 * AM_DAY)   /* Twilio and others tell for so long, at most */
#define EARLY AM_HOUR	     /* an outcome is in by then, or never */
#define EARLY_MAX 8	     /* of one message */
#define EARLY_BYTES_MAX 2048 /* of one receipt */

struct am_receipts {
	struct am_receipts *next;
	const struct am_sending *sending;
	struct am_batch *b;
	size_t at; /* command of b */
};

bool
am_receipts_come(const struct am_conf_endpoint *ep)
{
	return ep->callback_url != NULL || ep->receipt_wait > 0;
}

struct am_str
am_receipt_ref_key(struct am_turn *t, struct am_str followup_id)
{
	return am_key(
	    am_store_keys(t->sh->store), &t->arena, "ref", followup_id);
}

/* Endpoints' names have no colon. */
static struct am_str
provider_key(struct am_turn *t, const char *kind, struct am_str endpoint,
    struct am_str provider_id)
{
	return am_key(am_store_keys(t->sh->store), &t->arena, kind,
	    am_str_c(am_arena_printf(&t->arena, "%.*s:%.*s", AM_ARG(endpoint),
		AM_ARG(provider_id))));
}

struct am_str
am_receipt_pid_key(
    struct am_turn *t, struct am_str endpoint, struct am_str provider_id)
{
	return provider_key(t, "pid", endpoint, provider_id);
}

bool
am_receipt_pid_parse(
    struct am_str value, struct am_str *followup_id, struct am_str *complaint)
{
	if (value.n < AM_FU_ID_LEN + 2 || value.p[AM_FU_ID_LEN] != ' ')
		return false;
	*followup_id = (struct am_str){ value.p, AM_FU_ID_LEN };
	*complaint = (struct am_str){ value.p + AM_FU_ID_LEN + 1,
		value.n - AM_FU_ID_LEN - 1 };
	return am_complaint_id_ok(*complaint);
}

/* Several endpoints may be of one account, whose receipts all come by one. */
static bool
may_tell_of(
    const struct am_conf *conf, struct am_str called, struct am_str endpoint)
{
	const struct am_conf_endpoint *a = am_conf_endpoint(conf, called);
	const struct am_conf_endpoint *b = am_conf_endpoint(conf, endpoint);

	return am_str_eq(called, endpoint) || a == NULL || b == NULL ||
	       (a->provider != NULL && b->provider != NULL &&
		   strcmp(a->provider->name, b->provider->name) == 0);
}

struct am_str
am_receipt_ref_read(
    const struct am_turn *t, struct am_str value, struct am_str called)
{
	const char *blank = value.n > 0 ? memchr(value.p, ' ', value.n) : NULL;
	struct am_str endpoint;

	if (blank == NULL)
		return value; /* of an older version */
	endpoint = (struct am_str){ value.p, (size_t)(blank - value.p) };
	if (called.n > 0 && !may_tell_of(t->sh->engine->conf, called, endpoint))
		return (struct am_str){ NULL, 0 };
	return (struct am_str){ blank + 1, value.n - endpoint.n - 1 };
}

/* ---- what came early ---- */

/* As pairs of an entry of the stream. */
static struct am_str
pack(struct am_turn *t, const struct am_event *ev)
{
	struct am_buf b;

	am_buf_arena(&b, &t->arena, 256);
	am_buf_addlstr(&b, AM_STR("source"));
	am_buf_addlstr(&b, ev->source);
	am_buf_addlstr(&b, AM_STR("event_id"));
	am_buf_addlstr(&b, ev->event_id);
	am_buf_addlstr(&b, AM_STR(AM_RECEIVED_AT));
	am_buf_addlstr(&b,
	    am_str_c(am_arena_printf(&t->arena, "%lld", (long long)ev->at)));
	for (size_t i = 0; i < ev->fields_n; i++) {
		am_buf_addlstr(&b, ev->fields[i].key);
		am_buf_addlstr(&b, ev->fields[i].value);
	}
	return am_buf_str(&b);
}

void
am_receipt_keep_early(struct am_turn *t, const struct am_event *ev)
{
	struct am_str key = provider_key(t, "early",
	    am_event_get(ev, "endpoint"), am_event_get(ev, "provider_id"));
	struct am_str packed = pack(t, ev);
	struct am_batch *b;

	if (packed.n > EARLY_BYTES_MAX)
		return;
	b = am_commit_raw(t->commit);
	am_cmd(b, "RPUSH");
	am_args(b, key);
	am_args(b, packed);
	am_cmd(b, "LTRIM");
	am_args(b, key);
	am_argi(b, -EARLY_MAX);
	am_argi(b, -1);
	am_cmd(b, "PEXPIRE");
	am_args(b, key);
	am_argi(b, EARLY);
}

static struct am_str
message_id(const struct am_sending *s)
{
	return am_str_c(s->result.message_id);
}

void
am_receipts_ask(struct am_turn *t, struct am_batch *b)
{
	for (const struct am_sending *s = t->outcomes; s != NULL; s = s->next) {
		struct am_receipts *r;

		if (message_id(s).n == 0)
			continue;
		r = am_arena_zalloc(&t->arena, sizeof(*r));
		am_cmd(b, "LRANGE");
		am_args(b, provider_key(t, "early", am_str_c(s->endpoint),
			       message_id(s)));
		am_argi(b, 0);
		am_argi(b, -1);
		r->sending = s;
		r->b = b;
		r->at = am_batch_cmds(b) - 1;
		r->next = t->receipts;
		t->receipts = r;
	}
}

/* Back onto the stream, now that it is known whose it is. */
static void
put_back(struct am_turn *t, struct am_str packed, struct am_str followup_id,
    struct am_str complaint)
{
	struct am_rd r = { (const uint8_t *)packed.p,
		(const uint8_t *)packed.p + packed.n, false };
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "XADD");
	am_arg(b, t->sh->stream);
	am_arg(b, "*");
	am_arg(b, "event");
	am_arg(b, am_event_spec(AM_EV_RECEIPT)->name);
	am_arg(b, "complaint_id");
	am_args(b, complaint);
	am_arg(b, "followup_id");
	am_args(b, followup_id);
	while (r.p < r.end && !r.bad) {
		struct am_str name = am_rd_lstr(&r), value = am_rd_lstr(&r);

		if (r.bad || am_str_is(name, "followup_id") ||
		    am_str_is(name, "complaint_id"))
			continue;
		am_args(b, name);
		am_args(b, value);
	}
}

/* ---- what a deposed owner has learnt ---- */

static void
on_told(void *arg, int rc, struct am_batch *b)
{
	(void)arg;
	(void)rc; /* else the new owner waits for the provider's receipt */
	am_batch_free(b);
}

/* "delivered" when nothing more will be heard; NULL: nobody knows. */
static const char *
state_of(const struct am_conf_endpoint *ep, const struct am_send_result *result)
{
	if (result->class == AM_SEND_PERMANENT)
		return "failed";
	if (result->class != AM_SEND_OK)
		return NULL;
	return ep->receipt_wait > 0 ? "accepted" : "delivered";
}

void
am_receipt_deposed(struct am_shard *sh, const struct am_sending *s,
    const struct am_send_result *result)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(sh->engine->conf, am_str_c(s->endpoint));
	const char *state;
	struct am_batch *b;

	if (sh->store == NULL || ep == NULL || s->unsent ||
	    ep->on_uncertain == AM_UNCERTAIN_RETRY || s->complaint[0] == '\0')
		return;
	state = state_of(ep, result);
	if (state == NULL)
		return;
	b = am_store_query(sh->store);
	am_cmd(b, "XADD");
	am_arg(b, sh->stream);
	am_arg(b, "*");
	am_arg(b, "event");
	am_arg(b, am_event_spec(AM_EV_RECEIPT)->name);
	am_arg(b, "complaint_id");
	am_arg(b, s->complaint);
	am_arg(b, "followup_id");
	am_arg(b, s->id_text);
	am_arg(b, "event_id");
	am_arg(
	    b, am_arena_printf(am_batch_arena(b), "%s:%s", s->id_text, state));
	am_arg(b, "source");
	am_arg(b, "amends");
	am_arg(b, "state");
	am_arg(b, state);
	am_arg(b, "code");
	am_arg(b, result->reason);
	am_store_query_send(sh->store, b, on_told, NULL);
	am_log_notice("outcome_told",
	    "id=%s complaint=%s shard=%s endpoint=%s state=%s", s->id_text,
	    s->complaint, sh->stream, s->endpoint, state);
}

/* ---- whose it is ---- */

static void
set(struct am_turn *t, struct am_str key, struct am_str value)
{
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "SET");
	am_args(b, key);
	am_args(b, value);
	am_arg(b, "PX");
	am_argi(b, KNOWN);
}

static struct am_str
id_text(struct am_turn *t, const struct am_fu_record *f)
{
	char id[AM_FU_ID_LEN + 1];

	am_fu_id_format(f->id, id);
	return am_arena_dup(&t->arena, am_str_c(id));
}

void
am_receipt_claimed(struct am_turn *t, const struct am_conf_endpoint *ep,
    const struct am_fu_record *f)
{
	if (f->members_n == 0 && am_receipts_come(ep))
		set(t, am_receipt_ref_key(t, id_text(t, f)),
		    am_str_c(am_arena_printf(
			&t->arena, "%s %.*s", ep->name, AM_ARG(f->complaint))));
}

void
am_receipt_learnt(
    struct am_turn *t, const struct am_sending *s, const struct am_fu_record *f)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(s->endpoint));
	struct am_str id = id_text(t, f), provider_id = message_id(s);
	const struct am_receipts *r = t->receipts;
	const redisReply *early;
	struct am_batch *b;

	if (provider_id.n == 0 || f->members_n != 0 || ep == NULL ||
	    !am_receipts_come(ep))
		return;
	set(t, am_receipt_pid_key(t, am_str_c(s->endpoint), provider_id),
	    am_str_c(am_arena_printf(
		&t->arena, "%.*s %.*s", AM_ARG(id), AM_ARG(f->complaint))));
	while (r != NULL && r->sending != s)
		r = r->next;
	early = r != NULL ? am_batch_reply(r->b, r->at) : NULL;
	if (early == NULL || early->type != REDIS_REPLY_ARRAY ||
	    early->elements == 0)
		return;
	for (size_t i = 0; i < early->elements; i++)
		put_back(t, am_reply_str(early->element[i]), id, f->complaint);
	b = am_commit_raw(t->commit);
	am_cmd(b, "DEL");
	am_args(
	    b, provider_key(t, "early", am_str_c(s->endpoint), provider_id));
}
