/*
 * turn_claims - which follow-ups may start, and their first byte.
 *
 * A claim is an attempt row, committed before the first byte; its score in the
 * outbox is the instant from which another owner may try again. A superseded
 * follow-up has left the outbox in the commit that ended its stage, so a row
 * that is there is a row that may go.
 */

#include "daemon/sends.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "log/log.h"

#define CLAIM_MARGIN (2 * AM_SECOND)

/* Claimed by any shard and not with delivery yet: it does not count those. */
static unsigned
reserved(const struct am_shard *sh, const struct am_lane *lane)
{
	unsigned n = 0;

	for (size_t i = 0; i < sh->engine->shards_n; i++) {
		const struct am_shard *other = sh->engine->shards[i];

		for (size_t k = 0; k < other->lanes_n; k++)
			if (strcmp(other->lanes[k]->name, lane->name) == 0)
				n += other->lanes[k]->starting;
		for (size_t k = 0;
		     other->turn_open && k < other->turn->claims_n; k++)
			n += strcmp(other->turn->claims[k].lane->name,
				 lane->name) == 0;
	}
	return n;
}

/* How many of the lane's follow-ups this turn may take. */
unsigned
am_lane_room(struct am_shard *sh, struct am_lane *lane, am_ms now)
{
	unsigned room, taken;
	am_ms again;

	if (lane->next_at > now || sh->engine->stopping)
		return 0;
	if (lane->removed)
		return CLAIMS_MAX;
	room = am_deliver_room(sh->engine->deliver, lane->name, now, &again);
	taken = reserved(sh, lane);
	return room > taken ? room - taken : 0;
}

static struct am_sending *
sending_of(struct am_shard *sh, struct am_str id)
{
	uint8_t raw[16];
	struct am_sending *s = NULL;

	if (am_fu_id_parse(id, raw) == 0)
		HASH_FIND(hh, sh->in_flight, raw, 16, s);
	return s;
}

static void
start_attempt(struct am_turn *t, struct am_claim *k)
{
	struct am_fu_record *f = &k->row;
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, am_str_c(k->lane->name));
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
	am_commit_must_go_on(t->commit);
	am_commit_fu_set(t->commit, f, free_at);
	am_buf_init(&row);
	am_fu_record_pack(f, &row);
	s->row = row.p; /* takes */
	s->row_n = row.n;
	s->body_n = f->body.n;
	memcpy(s->id, f->id, sizeof(s->id));
	am_fu_id_format(s->id, s->id_text);
	s->endpoint = strdup(k->lane->name);
	AM_ASSERT(s->endpoint != NULL);
	snprintf(
	    s->complaint, sizeof(s->complaint), "%.*s", AM_ARG(f->complaint));
	k->sending = s;
}

void
am_claim_write(struct am_turn *t, struct am_claim *k)
{
	if (k->gone) {
		struct am_batch *b = am_commit_raw(t->commit);

		am_cmd(b, "ZREM");
		am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "out",
			       am_str_c(k->lane->name)));
		am_args(b, k->id);
	} else if (k->dead != NULL) {
		am_fu_write_dead(t, &k->row, k->id, k->dead, 0);
		am_turn_log(t, AM_LOG_WARN, "followup_dead",
		    "id=%.*s complaint=%.*s shard=%s endpoint=%s reason=%s",
		    AM_ARG(k->id), AM_ARG(k->row.complaint), t->sh->stream,
		    k->lane->name, k->dead);
	} else if (!k->later) {
		start_attempt(t, k);
	}
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
		free(s->endpoint);
		free(s->row);
		free(s);
		return;
	}
	s->result = *result;
	s->result.excerpt = (struct am_str){ NULL, 0 };
	s->ended = true;
	if (result->class == AM_SEND_THROTTLE && result->retry_after > 0)
		am_deliver_pause(sh->engine->deliver, s->endpoint,
		    am_engine_now() + result->retry_after);
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

	s->shard = sh;
	s->engine = sh->engine;
	HASH_ADD(hh, sh->in_flight, id, sizeof(s->id), s);
	*sh->starting_tail = s;
	sh->starting_tail = &s->next;
	k->lane->starting++;
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
		am_shard_lane(sh, am_str_c(s->endpoint))->starting--;
		if (!am_store_may_act(sh->store)) {
			/* too old an ownership to send: it ends unsent */
			const struct am_send_result late = {
				.class = AM_SEND_CANCELED, .reason = "ownership"
			};

			on_sent(s, &late);
			continue;
		}
		am_deliver_send(sh->engine->deliver, s->endpoint, s->id_text,
		    (struct am_str){ s->row + s->row_n - s->body_n, s->body_n },
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
		free(k->sending->endpoint);
		free(k->sending->row);
		free(k->sending);
	}
	t->claims_n = 0;
}

void
am_claim_add(struct am_turn *t, struct am_lane *lane, struct am_str id)
{
	if (t->claims_n < CLAIMS_MAX && sending_of(t->sh, id) == NULL)
		t->claims[t->claims_n++] = (struct am_claim){ .lane = lane,
			.id = am_arena_dup(&t->arena, id) };
}

/* A row that was loaded; what is in no state to be sent is passed over. */
void
am_claim_row(struct am_turn *t, struct am_claim *k, struct am_str row)
{
	if (row.n == 0 ||
	    am_fu_record_unpack(k->id, row, &t->arena, &k->row) != 0) {
		k->gone = true;
		if (row.n != 0) /* its key stays, for a person */
			am_log_err("followup_unreadable",
			    "id=%.*s shard=%s reason=broken_row", AM_ARG(k->id),
			    t->sh->stream);
		return;
	}
	k->later = k->row.next_at > t->now && !k->lane->removed;
	if (k->lane->removed) {
		k->dead = "endpoint-removed";
		(void)am_turn_case(t, k->row.complaint);
	}
}
