/*
 * digest - follow-ups of one group to one role go out as one.
 *
 * Grouped are follow-ups to staff: of complaints that share an incident, and of
 * what was caught up after an outage. Customers' never are.
 *
 * A grouped follow-up (a member) is in one of these states:
 *
 *   waits   a row, a score. Judged when its score has come: the digest that it
 *           would begin is due group_wait after it fired. Until then it gets
 *           that instant for a score.
 *   rides   a row that names its digest, no score: nobody claims it.
 *   ended   no row; its complaint has heard of it.
 *
 * The first member whose digest is due takes all others of its group along that
 * stand in the same outbox, due or not, so there is one digest in group_wait,
 * and nothing but the outbox itself says who belongs together. Rejected: an
 * index of groups in Redis; a member leaves by many ways (superseded,
 * withdrawn, cancelled), and each would have to take it out of there, too.
 *
 * A digest is a follow-up of its own, `{s}:fu:<id>` with the list of its
 * members:
 *
 *   (none) -> on the wire   one commit: its row with the attempt started and
 *                           its score; the members' rows name it; their scores
 *                           go. Its id is a hash of the members' ids.
 *   on the wire -> waits    the attempt failed. What is over by then leaves.
 *   waits -> on the wire    the same id, the same bytes, its own retries.
 *   waits -> ended          nobody is left in it: it is not sent.
 *   on the wire -> ended    delivered, or given up: one commit ends it and all
 *                           members that still wait, each in the journal of its
 *                           complaint. Given up, each member leaves a letter of
 *                           its own, so that one can be replayed alone.
 *
 * Each arrow is one commit, so a crash leaves one of these states. A member
 * that is superseded while its digest waits for a retry is no member any more,
 * though the bytes, which must not change under one id, still speak of it. A
 * member that was tried by itself is never grouped, and a group of one goes by
 * itself: as the plain follow-up that it is.
 */

#include "daemon/recipient.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "core/cut.h"
#include "log/log.h"

#define CATCHUP "catchup"
#define INCIDENT "incident:"   /* its key behind it */
#define CATCHUP_WAIT AM_SECOND /* what is caught up comes in one go */
#define ITEMS_MAX 100	       /* told in full */
#define NAMES_MAX 5	       /* named in the text */

/* Rows of a digest's members, in the order of its list. */
struct am_kin {
	struct am_kin *next;
	uint8_t digest[16];
	const struct am_fu_member *members;
	struct am_fu_record *rows; /* no complaint: there was none */
	size_t n, reply;
};

/* ---- who is grouped, and when ---- */

bool
am_digest_takes(const struct am_fu_record *f)
{
	return f->group.n != 0 && f->to != AM_ROLE_CUSTOMER &&
	       f->attempts_total == 0 && f->members_n == 0 && f->digest.n == 0;
}

am_ms
am_digest_due(struct am_turn *t, const struct am_fu_record *f)
{
	const struct am_case *c = am_turn_find(t, f->complaint);

	if (am_str_is(f->group, CATCHUP))
		return f->fired_at + CATCHUP_WAIT;
	return f->fired_at +
	       (c != NULL && c->def != NULL ? c->def->group_wait : 0);
}

static bool
same_group(const struct am_claim *a, const struct am_claim *b)
{
	return a->lane->outlet == b->lane->outlet && a->row.to == b->row.to &&
	       am_str_eq(a->row.group, b->row.group);
}

/* ---- what they need loaded ---- */

void
am_digest_name(struct am_turn *t, const struct am_fu_record *f, bool letters)
{
	struct am_kin *kin;

	for (size_t i = 0; i < f->members_n; i++)
		(void)am_turn_case(t, f->members[i].complaint);
	if (!letters || f->members_n == 0)
		return;
	kin = am_arena_zalloc(&t->arena, sizeof(*kin));
	memcpy(kin->digest, f->id, sizeof(kin->digest));
	kin->members = f->members;
	kin->n = f->members_n;
	kin->next = t->kin;
	t->kin = kin;
}

static struct am_str
id_text(struct am_turn *t, const uint8_t id[16])
{
	char text[AM_FU_ID_LEN + 1];

	am_fu_id_format(id, text);
	return am_arena_dup(&t->arena, (struct am_str){ text, AM_FU_ID_LEN });
}

static struct am_str
row_key(struct am_turn *t, struct am_str id)
{
	return am_key(am_store_keys(t->sh->store), &t->arena, "fu", id);
}

/* How far ahead of now members of the endpoint's groups may stand: as far as
 * their first has waited. AM_NEVER: no group is due there. */
static am_ms
horizon(const struct am_turn *t, const struct am_outlet *o)
{
	am_ms most = AM_NEVER;

	for (size_t i = 0; i < t->claims_n; i++) {
		const struct am_claim *k = &t->claims[i];
		am_ms waited = t->now - k->row.fired_at;

		if (k->lane->outlet != o || k->fate != AM_FATE_GROUP)
			continue;
		if (most == AM_NEVER || t->now + waited > most)
			most = t->now + waited;
	}
	return most;
}

static size_t
ask_outbox(struct am_turn *t, struct am_batch *b, const struct am_lane *lane)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);
	am_ms to = horizon(t, lane->outlet);

	if (to == AM_NEVER)
		return 0;
	am_cmd(b, "ZRANGE");
	am_args(b, am_key(keys, &t->arena, "out", am_str_c(lane->name)));
	am_arg(b, "-inf");
	am_argi(b, to);
	am_arg(b, "BYSCORE");
	am_arg(b, "LIMIT");
	am_argi(b, 0);
	am_argi(b, AM_MEMBERS_MAX);
	return 1;
}

bool
am_digests_ask(struct am_turn *t, struct am_batch *b)
{
	size_t asked = 0;

	for (struct am_kin *kin = t->kin; kin != NULL; kin = kin->next) {
		kin->reply = asked++;
		am_cmd(b, "MGET");
		for (size_t i = 0; i < kin->n; i++)
			am_args(b, row_key(t, id_text(t, kin->members[i].id)));
	}
	for (size_t i = 0; i < t->lanes_n; i++)
		asked += ask_outbox(t, b, t->sh->lanes[i]);
	return asked != 0;
}

static void
take_kin(struct am_turn *t, struct am_kin *kin, const redisReply *r)
{
	kin->rows = am_arena_zalloc(&t->arena, kin->n * sizeof(*kin->rows));
	for (size_t i = 0; r != NULL && i < r->elements && i < kin->n; i++) {
		struct am_str row = am_reply_str(r->element[i]);

		if (row.n != 0 &&
		    am_fu_record_unpack(id_text(t, kin->members[i].id), row,
			&t->arena, &kin->rows[i]) != 0)
			kin->rows[i] = (struct am_fu_record){ .clock = 0 };
	}
}

static bool
is_claimed(const struct am_turn *t, struct am_str id)
{
	for (size_t i = 0; i < t->claims_n; i++)
		if (am_str_eq(t->claims[i].id, id))
			return true;
	return false;
}

static void
draw(struct am_turn *t, struct am_lane *lane, const redisReply *ids)
{
	uint8_t raw[16];

	for (size_t i = 0; ids != NULL && i < ids->elements; i++) {
		struct am_str id = am_reply_str(ids->element[i]);

		if (am_fu_id_parse(id, raw) == 0 &&
		    !am_shard_on_wire(t->sh, raw) && !is_claimed(t, id))
			t->drawn[t->drawn_n++] =
			    (struct am_claim){ .lane = lane, .id = id };
	}
}

/* Of what was drawn, keep those that a digest of this turn takes along. */
static void
on_drawn(struct am_turn *t, struct am_batch *b)
{
	const redisReply *rows = am_turn_reply(b, 0);
	size_t kept = 0;

	for (size_t i = 0; i < t->drawn_n; i++) {
		struct am_claim k = t->drawn[i];

		am_claim_row(t, &k, am_reply_str(rows->element[i]));
		for (size_t j = 0; j < t->claims_n && !k.joins; j++)
			k.joins = k.fate != AM_FATE_GONE &&
				  t->claims[j].fate == AM_FATE_GROUP &&
				  am_digest_takes(&k.row) &&
				  same_group(&k, &t->claims[j]);
		if (!k.joins)
			continue;
		(void)am_turn_case(t, k.row.complaint);
		t->drawn[kept++] = k;
	}
	t->drawn_n = kept;
	am_turn_load_cases(t, NULL);
}

void
am_digests_answer(struct am_turn *t, const struct am_batch *b)
{
	size_t asked = 0;
	size_t room = 0;
	struct am_batch *more;

	for (struct am_kin *kin = t->kin; kin != NULL; kin = kin->next, asked++)
		take_kin(t, kin, am_turn_reply(b, kin->reply));
	for (size_t i = asked; am_turn_reply(b, i) != NULL; i++)
		room += am_turn_reply(b, i)->elements;
	t->drawn = am_arena_zalloc(&t->arena, (room + 1) * sizeof(*t->drawn));
	for (size_t i = 0; i < t->lanes_n; i++)
		if (horizon(t, t->sh->lanes[i]->outlet) != AM_NEVER)
			draw(t, t->sh->lanes[i], am_turn_reply(b, asked++));
	if (t->drawn_n == 0) {
		am_turn_load_cases(t, NULL);
		return;
	}
	more = am_turn_more(t->sh->store);
	am_cmd(more, "MGET");
	for (size_t i = 0; i < t->drawn_n; i++)
		am_args(more, row_key(t, t->drawn[i].id));
	am_turn_send(t, more, on_drawn);
}

/* ---- its end ---- */

size_t
am_digest_alive(struct am_turn *t, const struct am_fu_record *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->members_n; i++)
		n += !am_fu_is_over(
		    t, f->members[i].complaint, f->members[i].id);
	return n;
}

/* Row i of its members; NULL when it was not loaded, or is not there. */
static const struct am_fu_record *
member_row(const struct am_turn *t, const uint8_t digest[16], size_t i)
{
	for (const struct am_kin *kin = t->kin; kin != NULL; kin = kin->next)
		if (memcmp(kin->digest, digest, 16) == 0)
			return kin->rows != NULL &&
				       kin->rows[i].complaint.n != 0
				   ? &kin->rows[i]
				   : NULL;
	return NULL;
}

/* One member ends as the digest did, or for itself. row: for its letter. */
static void
end_member(struct am_turn *t, const struct am_fu_record *digest, size_t i,
    const struct am_fu_record *row, const char *why,
    const struct am_fu_ending *end)
{
	const struct am_fu_member *m = &digest->members[i];
	struct am_fu_record gone = { .endpoint = digest->endpoint };

	if (!am_fu_waits(t, m->complaint, m->id))
		return; /* superseded meanwhile: it has left */
	memcpy(gone.id, m->id, sizeof(gone.id)); /* it stands in no outbox */
	if (row != NULL)
		am_commit_fu_dead(t->commit, row, why);
	else
		am_commit_fu_end(t->commit, &gone);
	am_fu_tell(t, m->complaint, id_text(t, m->id), end);
}

void
am_digest_shed(struct am_turn *t, struct am_fu_record *f, int status)
{
	struct am_fu_member *left =
	    am_arena_zalloc(&t->arena, (f->members_n + 1) * sizeof(*left));
	const struct am_fu_ending end = { .endpoint = f->endpoint,
		.state = "suppressed",
		.reason = "superseded",
		.attempts = f->attempts_total,
		.status = status,
		.digest = id_text(t, f->id).p };
	size_t n = 0;

	for (size_t i = 0; i < f->members_n; i++) {
		const struct am_fu_member *m = &f->members[i];

		if (am_fu_is_over(t, m->complaint, m->id))
			end_member(t, f, i, NULL, "", &end);
		else
			left[n++] = *m;
	}
	f->members = left;
	f->members_n = n;
}

void
am_digest_finish(struct am_turn *t, const struct am_fu_record *f,
    const char *state, const char *reason, int status)
{
	const struct am_fu_ending end = { .endpoint = f->endpoint,
		.state = state,
		.reason = strcmp(state, "suppressed") == 0 ? reason : "digest",
		.attempts = f->attempts_total,
		.status = status,
		.digest = id_text(t, f->id).p };

	for (size_t i = 0; i < f->members_n; i++) {
		const struct am_fu_member *m = &f->members[i];
		bool lost = strcmp(state, "unknown") == 0 &&
			    !am_fu_may_be_unknown(t, m->complaint, m->id);
		bool dead = lost || strcmp(state, "dead") == 0;
		struct am_fu_ending own = end;

		own.state = dead ? "dead" : state;
		end_member(t, f, i, dead ? member_row(t, f->id, i) : NULL,
		    lost ? "unknown" : reason, &own);
	}
	am_commit_fu_end(t->commit, f);
}

/* ---- putting one together ---- */

static int
by_id(const void *a, const void *b)
{
	const struct am_claim *const *x = a, *const *y = b;

	return memcmp((*x)->row.id, (*y)->row.id, 16);
}

static void
make_id(struct am_fu_record *f)
{
	struct am_sha256 s;
	uint8_t sum[32], to = f->to;

	am_sha256_init(&s);
	am_sha256_addl(&s, AM_STR("digest"));
	am_sha256_addl(&s, f->endpoint);
	am_sha256_add(&s, &to, 1);
	am_sha256_addl(&s, f->group);
	for (size_t i = 0; i < f->members_n; i++)
		am_sha256_add(&s, f->members[i].id, 16);
	am_sha256_end(&s, sum);
	memcpy(f->id, sum, sizeof(f->id));
}

static void
add_time(struct am_buf *b, const char *key, am_ms at)
{
	char text[32];

	am_rfc3339_format(at, text);
	am_buf_addkv(b, key, am_str_c(text));
}

/* What the member's own body says, without its message. *lang: of that. */
static void
add_item(struct am_buf *b, struct am_str body, bool *zh)
{
	json_t *root = json_loadb(body.p, body.n, 0, NULL);
	json_t *data = json_object_get(root, "data");
	const char *lang = json_string_value(
	    json_object_get(json_object_get(data, "message"), "lang"));
	char *text;

	*zh = *zh && lang != NULL && strncmp(lang, "zh", 2) == 0;
	json_object_del(data, "message");
	text = data != NULL ? json_dumps(data, JSON_COMPACT) : NULL;
	am_buf_adds(b, text != NULL ? text : "{}");
	free(text);
	json_decref(root);
}

/* Without the word before its key. */
static struct am_str
group_name(const struct am_fu_record *f)
{
	struct am_str name = f->group;

	if (am_str_prefix(name, INCIDENT)) {
		name.p += sizeof(INCIDENT) - 1;
		name.n -= sizeof(INCIDENT) - 1;
	}
	return name;
}

/* more: what stands for those that are not named. */
static void
add_text(struct am_buf *b, const struct am_fu_record *f, bool zh, size_t named,
    const char *more)
{
	bool catchup = am_str_is(f->group, CATCHUP);

	if (zh && catchup)
		am_buf_addf(
		    b, "中断期间有 %zu 条投诉积压,等待您处理", f->members_n);
	else if (zh)
		am_buf_addf(b, "事件 %.*s 有 %zu 条投诉等待您处理",
		    AM_ARG(group_name(f)), f->members_n);
	else if (catchup)
		am_buf_addf(b,
		    "%zu complaints wait for you since follow-ups could not "
		    "go out",
		    f->members_n);
	else
		am_buf_addf(b, "Incident %.*s: %zu complaints wait for you",
		    AM_ARG(group_name(f)), f->members_n);
	for (size_t i = 0; i < named; i++) {
		am_buf_adds(b, i == 0 ? (zh ? ":" : ": ") : (zh ? "、" : ", "));
		am_buf_addstr(b, f->members[i].complaint);
	}
	if (named > 0 && named < f->members_n)
		am_buf_adds(b, more);
	am_buf_adds(b, zh ? "。" : ".");
}

/* It names as many as the endpoint's texts have room for. */
static struct am_str
text_of(struct am_turn *t, const struct am_fu_record *f, bool zh)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, f->endpoint);
	const struct am_via via =
	    ep != NULL ? am_conf_via(ep) : (struct am_via){ .is_text = false };
	const struct am_cut_limit limit = { .segments = via.max_segments,
		.bytes = via.max_bytes };
	/* GSM 03.38 has no ellipsis */
	const char *more = zh ? " 等" : via.is_text ? " ..." : " …";
	size_t named = f->members_n < NAMES_MAX ? f->members_n : NAMES_MAX;
	struct am_buf b;

	am_buf_arena(&b, &t->arena, 256);
	add_text(&b, f, zh, named, more);
	while (named > 0 && !am_cut_fits(am_buf_str(&b), limit)) {
		b.n = 0;
		add_text(&b, f, zh, --named, more);
	}
	return am_buf_str(&b);
}

static void
add_head(struct am_buf *b, struct am_turn *t, const struct am_fu_record *f)
{
	bool catchup = am_str_is(f->group, CATCHUP);

	am_buf_addkey(b, "digest");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "group", group_name(f));
	am_buf_addkv(b, "to", am_str_c(am_role_str(f->to)));
	am_buf_addki(b, "count", (int64_t)f->members_n);
	if (catchup)
		am_buf_adds(b, ",\"catchup\":true");
	else
		am_buf_addkv(b, "incident", group_name(f));
	am_buf_addc(b, '}');
	am_buf_addkey(b, "followup");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "id", id_text(t, f->id));
	am_buf_addkv(b, "rung", f->rung_name);
	am_buf_addkv(
	    b, "reason", catchup ? AM_STR(CATCHUP) : AM_STR("incident"));
	am_buf_addkv(b, "to", am_str_c(am_role_str(f->to)));
	add_time(b, "due_at", f->due_at);
	add_time(b, "fired_at", f->fired_at);
	am_buf_addc(b, '}');
}

static struct am_str
render(struct am_turn *t, const struct am_fu_record *f,
    struct am_claim *const *members)
{
	const struct am_conf_endpoint *ep =
	    am_conf_endpoint(t->sh->engine->conf, f->endpoint);
	size_t told = f->members_n < ITEMS_MAX ? f->members_n : ITEMS_MAX;
	bool zh = true;
	struct am_buf b;

	am_buf_arena(&b, &t->arena, 512 + told * 512);
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "type", AM_STR("followup.digest"));
	add_time(&b, "timestamp", f->fired_at);
	am_buf_addkey(&b, "data");
	am_buf_addc(&b, '{');
	add_head(&b, t, f);
	am_buf_addkey(&b, "items");
	am_buf_addc(&b, '[');
	for (size_t i = 0; i < told; i++) {
		if (i != 0)
			am_buf_addc(&b, ',');
		add_item(&b, members[i]->row.body, &zh);
	}
	am_buf_addc(&b, ']');
	if (told < f->members_n)
		am_buf_addki(&b, "more", (int64_t)(f->members_n - told));
	am_buf_addkey(&b, "message");
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "text", text_of(t, f, zh));
	am_buf_addkv(&b, "lang", zh ? AM_STR("zh") : AM_STR("en"));
	if (ep != NULL && ep->type != AM_ENDPOINT_WEBHOOK)
		am_buf_addkv(&b, "subject",
		    am_str_c(am_arena_printf(&t->arena,
			zh ? "%zu 条投诉等待您处理"
			   : "%zu complaints wait for you",
			f->members_n)));
	am_buf_adds(&b, "}}}");
	return am_buf_str(&b);
}

static void
init_row(struct am_turn *t, struct am_fu_record *f, struct am_claim **members,
    size_t n)
{
	const struct am_fu_record *first = &members[0]->row;

	*f = (struct am_fu_record){ .endpoint = first->endpoint,
		.rung_name = AM_STR("digest"),
		.reason = AM_REASON_DIGEST,
		.to = first->to,
		.tier = first->tier,
		.class = first->class,
		.due_at = first->due_at,
		.fired_at = t->now,
		.next_at = t->now,
		.group = first->group,
		.members = am_arena_zalloc(&t->arena, n * sizeof(*f->members)),
		.members_n = n };
	for (size_t i = 0; i < n; i++) {
		const struct am_fu_record *m = &members[i]->row;

		memcpy(f->members[i].id, m->id, sizeof(m->id));
		f->members[i].complaint = m->complaint;
		if (m->due_at < f->due_at)
			f->due_at = m->due_at;
		if (m->tier < f->tier)
			f->tier = m->tier;
		if (m->class < f->class)
			f->class = m->class;
	}
	make_id(f);
	f->body = render(t, f, members);
}

/* members[0] is a claim: its slot is the digest's. */
static void
compose(struct am_turn *t, struct am_claim *slot, struct am_claim **members,
    size_t n)
{
	struct am_fu_record digest;
	struct am_str id;

	init_row(t, &digest, members, n);
	id = id_text(t, digest.id);
	for (size_t i = 0; i < n; i++) {
		struct am_claim *k = members[i];

		k->fate = AM_FATE_RIDES;
		k->row.digest = id;
		am_commit_fu_set(t->commit, &k->row, AM_FU_BEHIND);
		am_commit_fu_score(
		    t->commit, am_str_c(k->lane->name), k->id, AM_FU_BEHIND);
	}
	am_turn_log(t, AM_LOG_INFO, "followup_digest",
	    "id=%.*s shard=%s endpoint=%s to=%s group=%s members=%zu",
	    AM_ARG(id), t->sh->stream, slot->lane->endpoint,
	    am_role_str(digest.to), am_log_val(digest.group), n);
	slot->id = id;
	slot->row = digest;
	slot->fate = AM_FATE_SEND;
}

static size_t
gather(struct am_turn *t, const struct am_claim *first, struct am_claim *from,
    size_t from_n, struct am_claim **members, size_t n)
{
	for (size_t i = 0; i < from_n && n < AM_MEMBERS_MAX; i++) {
		struct am_claim *k = &from[i];

		if (k->joins && k->fate != AM_FATE_RIDES &&
		    same_group(k, first) &&
		    am_recipient_same(t, &k->row, &first->row) &&
		    k->row.next_at <= t->now &&
		    !am_fu_is_over(t, k->row.complaint, k->row.id) &&
		    am_claim_silenced(t, &k->row) == NULL)
			members[n++] = k;
	}
	return n;
}

void
am_digests_compose(struct am_turn *t)
{
	struct am_claim **members = NULL;

	for (size_t i = 0; i < t->claims_n; i++) {
		struct am_claim *first = &t->claims[i];
		size_t n;

		if (first->fate != AM_FATE_GROUP)
			continue;
		if (members == NULL)
			members = am_arena_zalloc(&t->arena,
			    AM_MEMBERS_MAX * sizeof(struct am_claim *));
		n = gather(t, first, t->claims, t->claims_n, members, 0);
		n = gather(t, first, t->drawn, t->drawn_n, members, n);
		if (n > 1) {
			qsort(members, n, sizeof(struct am_claim *), by_id);
			compose(t, first, members, n);
		} else if (n == 1) {
			am_claim_pace(t, first);
		} else { /* an outcome of this turn has ended it */
			first->fate = AM_FATE_ENDS;
		}
	}
}
