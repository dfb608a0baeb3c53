/*
 * contact - see contact.h.
 *
 * Fields of the hash, none of which holds a blank but between its parts:
 *
 *   out          "MS BY": opted out of texts since MS, by that word
 *   last         complaint of the last sending
 *   q            "MS COMPLAINT ID" an open question, the newest first
 *   s:ENDPOINT   "MS ID" a sending, the newest first; ID is the beginning of
 *                the follow-up's id: what is tried again counts once, at its
 *                last try
 *
 * A whole field is written anew each time: there are a few entries in it, and a
 * list or a sorted set a endpoint would be keys of their own to expire.
 *
 * The key of the data set makes sure that the contacts alone do not let anybody
 * try out numbers. Who holds the whole data set has the numbers anyway.
 */

#include "daemon/contact.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/reach.h"
#include "base/str.h"
#include "codec/record.h"
#include "core/window.h"

#define HMAC_BYTES 32
#define KEY_NAME_BYTES 16 /* of the HMAC in the key's name */
#define ID_KEPT 8	  /* digits of a follow-up id */
/* Somebody may still write about what was sent to them so long ago. */
#define REMEMBERED (30 * AM_DAY)

struct am_contact_sends {
	struct am_contact_sends *next;
	const char *endpoint;
	am_ms at[AM_CONTACT_SENDS];
	char id[AM_CONTACT_SENDS][ID_KEPT];
	size_t n;
};

bool
am_contact_normalise(
    struct am_arena *a, struct am_str address, struct am_str *out)
{
	char text[AM_EMAIL_MAX + 1];

	if (am_phone_parse(address, text) != 0 &&
	    am_email_parse(address, text) != 0)
		return false;
	*out = am_arena_dup(a, am_str_c(text));
	return true;
}

/* ---- the key of the data set ---- */

bool
am_contact_learnt(struct am_shard *sh, struct am_str hex)
{
	if (hex.n != 2 * sizeof(sh->contact_key) ||
	    am_hex_parse(hex, sh->contact_key, sizeof(sh->contact_key)) != 0)
		return false;
	sh->contact_known = true;
	return true;
}

static bool
take_key(struct am_turn *t, struct am_batch *b)
{
	return am_contact_learnt(
	    t->sh, am_reply_str(am_batch_reply(b, am_batch_cmds(b) - 1)));
}

static void
on_made(struct am_turn *t, struct am_batch *b)
{
	if (take_key(t, b))
		t->learnt(t);
	else
		am_turn_abandon(t, -AM_EPROTO);
}

static struct am_str
key_name(struct am_turn *t)
{
	return am_key(
	    am_store_keys(t->sh->store), &t->arena, "contact", AM_STR("key"));
}

/* A full Redis takes it all the same, for what is queued must go on. */
static void
make_key(struct am_turn *t)
{
	static const char script[] =
	    "#!lua flags=allow-oom\n"
	    "redis.call('SET', KEYS[1], ARGV[1], 'NX')\n"
	    "return redis.call('GET', KEYS[1])";
	struct am_batch *b = am_turn_more(t->sh->store);
	uint8_t raw[sizeof(t->sh->contact_key)];
	struct am_buf hex;

	evutil_secure_rng_get_bytes(raw, sizeof(raw));
	am_buf_arena(&hex, &t->arena, 2 * sizeof(raw) + 1);
	am_buf_addhex(&hex, raw, sizeof(raw));
	am_cmd(b, "EVAL");
	am_arg(b, script);
	am_argi(b, 1);
	am_args(b, key_name(t));
	am_args(b, am_buf_str(&hex));
	am_turn_send(t, b, on_made);
}

static void
on_asked(struct am_turn *t, struct am_batch *b)
{
	if (take_key(t, b))
		t->learnt(t);
	else
		make_key(t);
}

bool
am_contact_learn(
    struct am_turn *t, struct am_batch *b, void (*next)(struct am_turn *t))
{
	if (t->sh->contact_known)
		return false;
	if (b == NULL)
		b = am_turn_more(t->sh->store);
	am_cmd(b, "GET");
	am_args(b, key_name(t));
	t->learnt = next;
	am_turn_send(t, b, on_asked);
	return true;
}

/* ---- facts ---- */

static struct am_str
contact_key(struct am_turn *t, struct am_str address)
{
	uint8_t sum[HMAC_BYTES];
	struct am_buf hex;
	size_t n = 0;
	bool made;

	made = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, t->sh->contact_key,
		   sizeof(t->sh->contact_key), (const unsigned char *)address.p,
		   address.n, sum, sizeof(sum), &n) != NULL;
	AM_ASSERT(made && n == sizeof(sum));
	am_buf_arena(&hex, &t->arena, 2 * KEY_NAME_BYTES);
	am_buf_addhex(&hex, sum, KEY_NAME_BYTES);
	return am_key(am_store_keys(t->sh->store), &t->arena, "contact",
	    am_buf_str(&hex));
}

struct am_contact *
am_contact_ask(struct am_turn *t, struct am_batch *b, struct am_str address)
{
	struct am_contact *c = t->contacts;

	AM_ASSERT(t->sh->contact_known);
	while (c != NULL && !am_str_eq(c->address, address))
		c = c->next;
	if (c != NULL)
		return c;
	c = am_arena_zalloc(&t->arena, sizeof(*c));
	c->address = am_arena_dup(&t->arena, address);
	c->key = contact_key(t, address);
	c->next = t->contacts;
	t->contacts = c;
	am_cmd(b, "HGETALL");
	am_args(b, c->key);
	c->asked = b;
	c->asked_at = am_batch_cmds(b) - 1;
	return c;
}

/* n == 0 when it is not there. */
static struct am_str
fact(const struct am_contact *c, const char *name)
{
	const redisReply *r = c->facts;

	for (size_t i = 0; r != NULL && i + 1 < r->elements; i += 2) {
		if (am_str_is(am_reply_str(r->element[i]), name))
			return am_reply_str(r->element[i + 1]);
	}
	return (struct am_str){ NULL, 0 };
}

/* What stands before the next blank; *s: what is behind it. */
static struct am_str
next_word(struct am_str *s)
{
	const char *blank = s->n > 0 ? memchr(s->p, ' ', s->n) : NULL;
	struct am_str word = *s;

	if (blank == NULL) {
		*s = (struct am_str){ NULL, 0 };
		return word;
	}
	word.n = (size_t)(blank - s->p);
	s->p += word.n + 1;
	s->n -= word.n + 1;
	return word;
}

/* 0 when it is none. */
static am_ms
next_instant(struct am_str *s)
{
	am_ms at;

	return am_str_i64(next_word(s), &at) == 0 && at > 0 ? at : 0;
}

static void
read_questions(struct am_contact *c, struct am_str s)
{
	while (s.n > 0 && c->questions_n < AM_CONTACT_QUESTIONS) {
		struct am_contact_question q = { .at = next_instant(&s) };

		q.complaint = next_word(&s);
		q.followup_id = next_word(&s);
		if (q.at == 0 || q.followup_id.n == 0)
			return;
		c->questions[c->questions_n++] = q;
	}
}

void
am_contact_read(struct am_turn *t, struct am_batch *b)
{
	for (struct am_contact *c = t->contacts; c != NULL; c = c->next) {
		struct am_str out;

		if (c->asked != b)
			continue;
		c->asked = NULL;
		c->facts = am_batch_reply(b, c->asked_at);
		out = fact(c, "out");
		c->opted_out_at = next_instant(&out);
		c->opted_out_by = out;
		c->last = fact(c, "last");
		read_questions(c, fact(c, "q"));
	}
}

static const char *
sends_field(struct am_turn *t, const char *endpoint)
{
	return am_arena_printf(&t->arena, "s:%s", endpoint);
}

static struct am_contact_sends *
sends_of(struct am_turn *t, struct am_contact *c, const char *endpoint)
{
	struct am_contact_sends *s = c->sends;
	struct am_str text;

	while (s != NULL && strcmp(s->endpoint, endpoint) != 0)
		s = s->next;
	if (s != NULL)
		return s;
	s = am_arena_zalloc(&t->arena, sizeof(*s));
	s->endpoint = endpoint;
	s->next = c->sends;
	c->sends = s;
	text = fact(c, sends_field(t, endpoint));
	while (text.n > 0 && s->n < AM_CONTACT_SENDS) {
		am_ms at = next_instant(&text);
		struct am_str id = next_word(&text);

		if (at == 0 || id.n != ID_KEPT)
			break;
		s->at[s->n] = at;
		memcpy(s->id[s->n++], id.p, ID_KEPT);
	}
	return s;
}

/* Forget what was said of f. */
static void
take_out(struct am_contact_sends *s, const struct am_fu_record *f)
{
	char id[AM_FU_ID_LEN + 1];
	size_t n = 0;

	am_fu_id_format(f->id, id);
	for (size_t i = 0; i < s->n; i++) {
		if (memcmp(s->id[i], id, ID_KEPT) == 0)
			continue;
		s->at[n] = s->at[i];
		memmove(s->id[n++], s->id[i], ID_KEPT);
	}
	s->n = n;
}

am_ms
am_contact_window(struct am_turn *t, struct am_contact *c,
    const struct am_conf_endpoint *ep, const struct am_fu_record *f)
{
	struct am_contact_sends others;
	am_ms from = t->now;

	if (ep->windows_n == 0)
		return from;
	others = *sends_of(t, c, ep->name);
	take_out(&others, f);
	for (size_t i = 0; i < ep->windows_n; i++) {
		am_ms at = am_window_next(others.at, others.n, ep->windows[i].n,
		    ep->windows[i].per, t->now);

		from = at > from ? at : from;
	}
	return from;
}

/* ---- writes ---- */

static am_ms
remembered(const struct am_conf *conf)
{
	am_ms most = REMEMBERED;

	if (conf->replies.window > most)
		most = conf->replies.window;
	for (size_t i = 0; i < conf->endpoints_n; i++) {
		const struct am_conf_endpoint *ep = conf->endpoints[i];

		for (size_t k = 0; k < ep->windows_n; k++)
			if (ep->windows[k].per > most)
				most = ep->windows[k].per;
	}
	return most;
}

/* An opt-out is kept for good, and the rest of the hash with it. */
static void
keep(struct am_turn *t, const struct am_contact *c)
{
	struct am_batch *b = am_commit_raw(t->commit);

	if (c->opted_out_at != 0) {
		am_cmd(b, "PERSIST");
		am_args(b, c->key);
		return;
	}
	am_cmd(b, "PEXPIRE");
	am_args(b, c->key);
	am_argi(b, remembered(t->sh->engine->conf));
}

static void
write_questions(struct am_turn *t, const struct am_contact *c)
{
	struct am_batch *b = am_commit_raw(t->commit);
	struct am_buf text;

	if (c->questions_n == 0) {
		am_cmd(b, "HDEL");
		am_args(b, c->key);
		am_arg(b, "q");
		return;
	}
	am_buf_arena(&text, &t->arena, c->questions_n * 64);
	for (size_t i = 0; i < c->questions_n; i++) {
		const struct am_contact_question *q = &c->questions[i];

		am_buf_addf(&text, "%s%" PRId64 " %.*s %.*s", i == 0 ? "" : " ",
		    q->at, AM_ARG(q->complaint), AM_ARG(q->followup_id));
	}
	am_cmd(b, "HSET");
	am_args(b, c->key);
	am_arg(b, "q");
	am_args(b, am_buf_str(&text));
}

static void
write_sends(struct am_turn *t, const struct am_contact *c,
    const struct am_contact_sends *s)
{
	struct am_batch *b = am_commit_raw(t->commit);
	struct am_buf text;

	am_buf_arena(&text, &t->arena, s->n * 24);
	for (size_t i = 0; i < s->n; i++)
		am_buf_addf(&text, "%s%" PRId64 " %.*s", i == 0 ? "" : " ",
		    s->at[i], ID_KEPT, s->id[i]);
	am_cmd(b, "HSET");
	am_args(b, c->key);
	am_arg(b, sends_field(t, s->endpoint));
	am_args(b, am_buf_str(&text));
}

static void
add_send(struct am_turn *t, struct am_contact *c,
    const struct am_conf_endpoint *ep, const struct am_fu_record *f)
{
	struct am_contact_sends *s = sends_of(t, c, ep->name);
	char id[AM_FU_ID_LEN + 1];

	am_fu_id_format(f->id, id);
	take_out(s, f);
	if (s->n == AM_CONTACT_SENDS)
		s->n--;
	memmove(s->at + 1, s->at, s->n * sizeof(s->at[0]));
	memmove(s->id + 1, s->id, s->n * sizeof(s->id[0]));
	s->at[0] = t->now;
	memcpy(s->id[0], id, ID_KEPT);
	s->n++;
	write_sends(t, c, s);
}

static void
drop_questions(struct am_contact *c, struct am_str complaint)
{
	size_t n = 0;

	for (size_t i = 0; i < c->questions_n; i++) {
		if (!am_str_eq(c->questions[i].complaint, complaint))
			c->questions[n++] = c->questions[i];
	}
	c->questions_n = n;
}

/* Of one complaint the last question is the open one. */
static void
add_question(
    struct am_turn *t, struct am_contact *c, const struct am_fu_record *f)
{
	char id[AM_FU_ID_LEN + 1];

	am_fu_id_format(f->id, id);
	drop_questions(c, f->complaint);
	if (c->questions_n == AM_CONTACT_QUESTIONS)
		c->questions_n--;
	memmove(c->questions + 1, c->questions,
	    c->questions_n * sizeof(c->questions[0]));
	c->questions[0] = (struct am_contact_question){
		.complaint = am_arena_dup(&t->arena, f->complaint),
		.followup_id = am_arena_dup(&t->arena, am_str_c(id)),
		.at = t->now,
	};
	c->questions_n++;
	write_questions(t, c);
}

void
am_contact_sent(struct am_turn *t, struct am_contact *c,
    const struct am_conf_endpoint *ep, const struct am_fu_record *f)
{
	bool customer = f->to == AM_ROLE_CUSTOMER;
	struct am_batch *b;

	if (ep->windows_n != 0)
		add_send(t, c, ep, f);
	if (customer && f->reason == AM_REASON_ASK)
		add_question(t, c, f);
	if (customer) {
		c->last = am_arena_dup(&t->arena, f->complaint);
		b = am_commit_raw(t->commit);
		am_cmd(b, "HSET");
		am_args(b, c->key);
		am_arg(b, "last");
		am_args(b, c->last);
	}
	keep(t, c);
}

void
am_contact_opt(struct am_turn *t, struct am_contact *c, const char *by)
{
	struct am_batch *b = am_commit_raw(t->commit);

	if (by == NULL) {
		c->opted_out_at = 0;
		am_cmd(b, "HDEL");
		am_args(b, c->key);
		am_arg(b, "out");
	} else {
		c->opted_out_at = t->now;
		c->opted_out_by =
		    am_str_c(am_arena_printf(&t->arena, "%s", by));
		am_cmd(b, "HSET");
		am_args(b, c->key);
		am_arg(b, "out");
		am_arg(b,
		    am_arena_printf(&t->arena, "%" PRId64 " %s", t->now, by));
	}
	keep(t, c);
}

void
am_contact_forget(
    struct am_turn *t, struct am_contact *c, struct am_str complaint)
{
	struct am_batch *b;

	am_contact_answered(t, c, complaint);
	if (!am_str_eq(c->last, complaint))
		return;
	c->last = (struct am_str){ NULL, 0 };
	b = am_commit_raw(t->commit);
	am_cmd(b, "HDEL");
	am_args(b, c->key);
	am_arg(b, "last");
}

void
am_contact_answered(
    struct am_turn *t, struct am_contact *c, struct am_str complaint)
{
	size_t before = c->questions_n;

	drop_questions(c, complaint);
	if (c->questions_n == before)
		return;
	write_questions(t, c);
	keep(t, c); /* it may have ended since it was read */
}
