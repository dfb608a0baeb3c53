/*
 * turn_claims - which follow-ups may start, and their first byte.
 *
 * A claim is an attempt row, committed before the first byte; its score in the
 * outbox is the instant from which another owner may try again. A superseded
 * follow-up has left the outbox in the commit that ended its stage, so a row
 * that is there is a row that may go.
 *
 * Whatever holds one back is judged here, when it is claimed, and nowhere else:
 * quiet hours (its own first instant), a silence, a pause of its loop, the wait
 * for its group's digest, the pace of catch-up, and whatever its recipient has
 * to say to it (recipient.c). What may not go gets a new score and is judged
 * again then. So nothing is remembered of it between turns, and a restart, a
 * take-over or an endpoint that was away changes no rule.
 *
 * What its provider has stands in the outbox, too, with the end of the wait for
 * its receipt for a score: whoever claims it then finds that none has come. A
 * row with an attempt that has no outcome was left by an owner that died. By an
 * endpoint that may send twice it is sent again; by any other it is as
 * uncertain as one whose answer was lost.
 */

#include "daemon/receipts.h"
#include "daemon/recipient.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "log/log.h"

#define CLAIM_MARGIN (2 * AM_SECOND)
#define LARGE_BYTES 20480 /* more than receivers are asked to take */

static bool
on_wire(const struct am_shard *sh, struct am_str id)
{
	uint8_t raw[16];

	return am_fu_id_parse(id, raw) == 0 && am_shard_on_wire(sh, raw);
}

/* Who rides along, for those who ask what is on the wire. */
static void
take_riders(struct am_sending *s, const struct am_fu_record *f)
{
	if (f->members_n == 0)
		return;
	s->riders = calloc(f->members_n, sizeof(*s->riders));
	AM_ASSERT(s->riders != NULL);
	s->riders_n = f->members_n;
	for (size_t i = 0; i < f->members_n; i++)
		memcpy(
		    s->riders[i].id, f->members[i].id, sizeof(s->riders[i].id));
}

static void
start_attempt(struct am_turn *t, struct am_claim *k)
{
	struct am_fu_record *f = &k->row;
	const struct am_conf_endpoint *ep = k->ep;
	struct am_attempt *a =
	    am_arena_zalloc(&t->arena, (f->attempts_n + 1) * sizeof(*a));
	am_ms free_at = t->now + ep->timeout +
			t->sh->engine->conf->redis.owner_ttl + CLAIM_MARGIN;
	struct am_buf row;
	struct am_sending *s = calloc(1, sizeof(*s));

	AM_ASSERT(s != NULL);
	if (f->attempts_n != 0)
		memcpy(a, f->attempts, f->attempts_n * sizeof(*a));
	a[f->attempts_n].started = t->now;
	a[f->attempts_n].result = AM_TRY_STARTED;
	f->attempts = a;
	f->attempts_n++;
	f->attempts_total++;
	f->next_at = free_at;
	if (f->attempts_total == 1 && f->body.n > LARGE_BYTES)
		am_turn_log(t, AM_LOG_WARN, "followup_large",
		    "id=%.*s complaint=%.*s shard=%s endpoint=%s bytes=%zu",
		    AM_ARG(k->id), AM_ARG(am_fu_about(f)), t->sh->stream,
		    k->lane->endpoint, f->body.n);
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, f, free_at);
	am_buf_init(&row);
	am_fu_record_pack(f, &row);
	s->row = row.p; /* takes */
	s->row_n = row.n;
	s->body_n = f->body.n;
	s->fired_at = f->fired_at;
	memcpy(s->id, f->id, sizeof(s->id));
	am_fu_id_format(s->id, s->id_text);
	s->endpoint = strdup(k->lane->endpoint);
	s->to = strndup(k->to.n != 0 ? k->to.p : "", k->to.n);
	AM_ASSERT(s->endpoint != NULL && s->to != NULL);
	snprintf(
	    s->complaint, sizeof(s->complaint), "%.*s", AM_ARG(f->complaint));
	take_riders(s, f);
	k->sending = s;
	am_receipt_claimed(t, ep, f);
	am_recipient_claimed(t, k);
}

static void
write_gone(struct am_turn *t, const struct am_claim *k)
{
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "ZREM");
	am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "out",
		       am_str_c(k->lane->name)));
	am_args(b, k->id);
}

static void
write_later(struct am_turn *t, const struct am_claim *k)
{
	const struct am_silence *s = k->silence;
	char until[32];

	am_commit_must_go_on(t->commit);
	am_commit_fu_score(t->commit, am_str_c(k->lane->name), k->id, k->until);
	if (s == NULL)
		return;
	if (s->until == AM_PAUSE_SCORE)
		return; /* said once, when the loop was paused */
	am_rfc3339_format(s->until, until);
	am_turn_log(t, AM_LOG_INFO, "followup_silenced",
	    "id=%.*s complaint=%.*s shard=%s endpoint=%s silence=%.*s "
	    "until=%s by=%s",
	    AM_ARG(k->id), AM_ARG(am_fu_about(&k->row)), t->sh->stream,
	    k->lane->endpoint, AM_ARG(s->id), until, am_log_val(s->author));
}

static void
log_end(struct am_turn *t, const struct am_claim *k, const char *state,
    const char *reason)
{
	bool bad = strcmp(state, "suppressed") != 0;

	am_turn_log(t, bad ? AM_LOG_WARN : AM_LOG_INFO,
	    am_arena_printf(&t->arena, "followup_%s", state),
	    "id=%.*s complaint=%.*s shard=%s endpoint=%s reason=%s%s%s",
	    AM_ARG(k->id), AM_ARG(am_fu_about(&k->row)), t->sh->stream,
	    k->lane->endpoint, reason, k->detail != NULL ? " detail=" : "",
	    k->detail != NULL ? am_log_val(am_str_c(k->detail)) : "");
}

static void
write_closed(struct am_turn *t, struct am_claim *k)
{
	if (strcmp(k->state, "unknown") == 0)
		k->state = am_fu_unknown(t, &k->row, k->why, 0);
	else
		am_fu_finish(t, &k->row, k->state, k->why, 0);
	log_end(t, k, k->state, k->why);
}

/* Its sender died in the attempt. */
static void
write_held(struct am_turn *t, struct am_claim *k)
{
	struct am_attempt *last = &k->row.attempts[k->row.attempts_n - 1];

	last->result = AM_TRY_UNCERTAIN;
	last->ended = t->now;
	last->error = AM_STR("interrupted");
	am_fu_uncertain(t, &k->row, k->ep, "interrupted", 0);
	log_end(t, k, "uncertain", "interrupted");
}

/* Its complaint may know already: then only the row is left. */
static void
write_over(struct am_turn *t, const struct am_fu_record *f)
{
	if (f->members_n == 0 && !am_fu_waits(t, f->complaint, f->id))
		am_commit_fu_end(t->commit, f);
	else
		am_fu_finish(t, f, "suppressed", "superseded", 0);
}

/* An outcome of this very turn may have ended what it speaks of. */
static bool
is_over_now(struct am_turn *t, const struct am_claim *k)
{
	return k->row.members_n == 0 &&
	       am_turn_find(t, k->row.complaint) != NULL &&
	       am_fu_is_over(t, k->row.complaint, k->row.id);
}

/* A try behind one that failed has to fit into the endpoint's budget. */
static void
afford(struct am_turn *t, struct am_claim *k)
{
	const struct am_fu_record *f = &k->row;
	uint8_t last = f->attempts_total != 0
			   ? f->attempts[f->attempts_n - 1].result
			   : AM_TRY_STARTED;
	/* not of one whose sender died, nor of one that met a 410 */
	bool again = last == AM_TRY_RETRY || last == AM_TRY_UNCERTAIN;

	if (!am_deliver_afford(t->sh->engine->deliver, k->lane->endpoint, again,
		t->now, &k->until))
		k->fate = AM_FATE_LATER;
}

/* What this very turn has written may be against a claim that may go. */
static void
judge_again(struct am_turn *t, struct am_claim *k)
{
	if (is_over_now(t, k))
		k->fate = AM_FATE_ENDS;
	else if (k->row.members_n == 0 && am_endpoint_off(t, k->lane->outlet))
		k->fate = AM_FATE_STAYS;
	else if (!am_recipient_refuses(t, k))
		afford(t, k);
}

void
am_claim_write(struct am_turn *t, struct am_claim *k)
{
	if (k->fate == AM_FATE_SEND)
		judge_again(t, k);
	switch (k->fate) {
	case AM_FATE_GONE:
		write_gone(t, k);
		break;
	case AM_FATE_ENDS:
		write_over(t, &k->row);
		break;
	case AM_FATE_CLOSES:
		write_closed(t, k);
		break;
	case AM_FATE_HOLDS:
		write_held(t, k);
		break;
	case AM_FATE_LATER:
		write_later(t, k);
		break;
	case AM_FATE_SEND:
		start_attempt(t, k);
		break;
	case AM_FATE_GROUP: /* the digests were put together before */
	case AM_FATE_RIDES:
	case AM_FATE_STAYS:
		break;
	}
}

static void
tell_deposed(const struct am_sending *s, const struct am_send_result *result)
{
	const struct am_engine *e = s->engine;

	for (size_t i = 0; i < e->shards_n; i++)
		if (e->shards[i] == s->home)
			am_receipt_deposed(e->shards[i], s, result);
}

static void
on_sent(void *arg, const struct am_send_result *result)
{
	struct am_sending *s = arg;
	struct am_shard *sh = s->shard;

	/* a slot is free: for whichever shard waits for one */
	for (size_t i = 0; i < s->engine->shards_n; i++)
		am_shard_kick(s->engine->shards[i]);
	if (sh == NULL) { /* the ownership it was claimed in is gone */
		tell_deposed(s, result);
		am_shard_sending_free(s);
		return;
	}
	s->result = *result;
	if (result->excerpt.n != 0) {
		s->excerpt = strndup(result->excerpt.p, result->excerpt.n);
		AM_ASSERT(s->excerpt != NULL);
	}
	s->result.excerpt = am_str_c(s->excerpt);
	s->ended = true;
	s->next = NULL;
	*sh->ended_tail = s;
	sh->ended_tail = &s->next;
	sh->ended_n++;
}

static void
keep_sending(struct am_turn *t, struct am_claim *k)
{
	struct am_shard *sh = t->sh;
	struct am_sending *s = k->sending;

	s->shard = s->home = sh;
	s->engine = sh->engine;
	am_shard_flies(sh, s);
	*sh->starting_tail = s;
	sh->starting_tail = &s->next;
	k->lane->outlet->starting++;
}

void
am_shard_start_sendings(struct am_shard *sh)
{
	struct am_sending *s, *next;
	am_ms now = am_engine_now();

	s = sh->starting;
	sh->starting = NULL;
	sh->starting_tail = &sh->starting;
	for (; s != NULL; s = next) {
		next = s->next;
		s->next = NULL;
		am_shard_outlet(sh, am_str_c(s->endpoint))->starting--;
		if (!am_store_may_act(sh->store)) {
			/* too old an ownership to send: it ends unsent */
			const struct am_send_result late = {
				.class = AM_SEND_CANCELED, .reason = "ownership"
			};

			s->unsent = true;
			on_sent(s, &late);
			continue;
		}
		am_deliver_send(sh->engine->deliver, s->endpoint,
		    &(struct am_send_what){
			.id = s->id_text,
			.body = { s->row + s->row_n - s->body_n, s->body_n },
			.to = am_str_c(s->to),
			.fired_at = s->fired_at,
		    },
		    now, on_sent, s);
	}
}

void
am_claims_end(struct am_turn *t, bool go)
{
	for (size_t i = 0; i < t->claims_n; i++) {
		struct am_claim *k = &t->claims[i];

		if (k->sending == NULL)
			continue;
		if (go) {
			keep_sending(t, k);
			continue;
		}
		am_shard_sending_free(k->sending);
	}
	t->claims_n = 0;
}

void
am_claim_add(struct am_turn *t, struct am_lane *lane, struct am_str id)
{
	const struct am_conf *conf = t->sh->engine->conf;

	if (t->claims_n < CLAIMS_MAX && !on_wire(t->sh, id))
		t->claims[t->claims_n++] = (struct am_claim){
			.lane = lane,
			.ep = am_conf_endpoint(conf, am_str_c(lane->endpoint)),
			.id = am_arena_dup(&t->arena, id),
		};
}

void
am_claim_row(struct am_turn *t, struct am_claim *k, struct am_str row)
{
	if (row.n != 0 &&
	    am_fu_record_unpack(k->id, row, &t->arena, &k->row) == 0)
		return;
	k->fate = AM_FATE_GONE;
	if (row.n != 0) /* its key stays, for a person */
		am_log_err("followup_unreadable",
		    "id=%.*s shard=%s reason=broken_row", AM_ARG(k->id),
		    t->sh->stream);
}

/* An attempt without an outcome, by an endpoint that does not try again. */
static bool
was_cut_off(const struct am_claim *k)
{
	const struct am_fu_record *f = &k->row;

	return k->ep != NULL && k->ep->on_uncertain != AM_UNCERTAIN_RETRY &&
	       f->progress == AM_FU_QUEUED && f->attempts_n != 0 &&
	       f->attempts[f->attempts_n - 1].result == AM_TRY_STARTED;
}

/* Is anything asked of its complaint before it may go, or end? A webhook that
 * nothing holds back needs nothing but its row. */
static bool
needs_case(const struct am_turn *t, const struct am_claim *k)
{
	return k->ep == NULL || k->lane->outlet->removed ||
	       k->ep->quiet != NULL || k->ep->type != AM_ENDPOINT_WEBHOOK ||
	       k->row.progress != AM_FU_QUEUED || was_cut_off(k) ||
	       am_digest_takes(&k->row) || am_paused_loops(t->sh) ||
	       am_silences_any(&t->sh->silences, t->now);
}

void
am_claim_name(struct am_turn *t, struct am_claim *k)
{
	const struct am_fu_record *f = &k->row;

	if (k->fate == AM_FATE_GONE || am_fu_is_alert(f))
		return;
	if (f->members_n != 0)
		am_digest_name(
		    t, f, k->lane->outlet->removed || was_cut_off(k));
	else if (needs_case(t, k))
		(void)am_turn_case(t, f->complaint);
}

const struct am_silence *
am_claim_silenced(struct am_turn *t, const struct am_fu_record *f)
{
	const struct am_case *c = am_turn_find(t, f->complaint);
	const struct am_silenced what = {
		.row = f,
		.complaint = c != NULL && c->exists ? &c->cur : NULL,
		.def = c != NULL ? c->def : NULL,
	};
	struct am_silence *paused;

	if (what.def != NULL && am_paused_loop(t->sh, what.def->name) != NULL) {
		/* of the turn: the list may be read anew before its end */
		paused = am_arena_zalloc(&t->arena, sizeof(*paused));
		paused->until = AM_PAUSE_SCORE;
		return paused;
	}
	return am_silence_find(&t->sh->silences, t->now, &what);
}

static void
put_off(struct am_claim *k, am_ms until, const struct am_silence *silence)
{
	k->fate = AM_FATE_LATER;
	k->until = until;
	k->silence = silence;
}

static void
close_as(struct am_claim *k, const char *state, const char *why)
{
	k->fate = AM_FATE_CLOSES;
	k->state = state;
	k->why = why;
}

void
am_claim_pace(struct am_turn *t, struct am_claim *k)
{
	struct am_engine *e = t->sh->engine;
	bool late = k->row.catchup || am_paused_behind(t->sh, k->row.fired_at,
					  e->conf->catchup_after);
	am_ms until;

	if (late && k->row.attempts_total == 0 &&
	    !am_pace_take(&e->pace, e->conf->catchup_n, e->conf->catchup_per,
		t->now, &until))
		put_off(k, until, NULL);
	else
		k->fate = AM_FATE_SEND;
}

/* A digest on its way is held back by what silences each of its members. */
static const struct am_silence *
digest_silenced(struct am_turn *t, const struct am_fu_record *f)
{
	const struct am_silence *found = NULL;
	struct am_fu_record member = *f;

	for (size_t i = 0; i < f->members_n; i++) {
		const struct am_silence *s;

		member.complaint = f->members[i].complaint;
		if (am_fu_is_over(t, member.complaint, f->members[i].id))
			continue;
		s = am_claim_silenced(t, &member);
		if (s == NULL)
			return NULL;
		if (found == NULL || s->until < found->until)
			found = s;
	}
	return found;
}

static void
judge_digest(struct am_turn *t, struct am_claim *k)
{
	const struct am_silence *s = digest_silenced(t, &k->row);

	if (am_digest_alive(t, &k->row) == 0)
		k->fate = AM_FATE_ENDS;
	else if (s != NULL)
		put_off(k, s->until, s);
	else if (!am_recipient_judge(t, k))
		k->fate = AM_FATE_SEND;
}

static void
judge_plain(struct am_turn *t, struct am_claim *k)
{
	const struct am_fu_record *f = &k->row;
	const struct am_silence *s = am_claim_silenced(t, f);
	am_ms due;

	if (am_turn_find(t, f->complaint) != NULL &&
	    am_fu_is_over(t, f->complaint, f->id)) {
		k->fate = AM_FATE_ENDS;
		return;
	}
	if (s != NULL) {
		put_off(k, s->until, s);
		return;
	}
	if (am_recipient_judge(t, k))
		return;
	if (!am_digest_takes(f)) {
		am_claim_pace(t, k);
		return;
	}
	due = am_digest_due(t, f);
	k->joins = true;
	if (due > t->now)
		put_off(k, due, NULL);
	else
		k->fate = AM_FATE_GROUP;
}

void
am_claim_judge(struct am_turn *t, struct am_claim *k)
{
	const struct am_fu_record *f = &k->row;

	if (k->fate == AM_FATE_GONE)
		return;
	if (k->lane->outlet->removed) {
		close_as(k, "dead", "endpoint-removed");
	} else if (k->lane->outlet->state.disabled != AM_ENABLED) {
		k->fate = AM_FATE_STAYS;
	} else if (f->digest.n != 0) {
		put_off(
		    k, AM_FU_BEHIND, NULL); /* the digest's end is its own */
	} else if (f->next_at > t->now) {
		put_off(k, f->next_at, NULL);
	} else if (f->progress != AM_FU_QUEUED) {
		close_as(k, "unknown",
		    f->progress == AM_FU_ACCEPTED ? "no_receipt" : "uncertain");
	} else if (was_cut_off(k)) {
		k->fate = AM_FATE_HOLDS;
	} else if (f->members_n != 0) {
		judge_digest(t, k);
	} else {
		judge_plain(t, k);
	}
}
