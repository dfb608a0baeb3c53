/*
 * turn_ops - operators' acts: the turn of one, and those on a follow-up.
 *
 * Each act is a turn of its own, under the same fence as all other work.
 */

#include <string.h>

#include "base/str.h"
#include "codec/record.h"
#include "daemon/redrive.h"
#include "daemon/turn.h"

#define PAGE 64

static void
run_op(struct am_turn *t)
{
	if (t->op->run(t->op, t))
		am_turn_commit_send(t);
	else
		am_turn_abandon(t, 0);
}

static void
op_done(struct am_turn *t, int rc)
{
	t->op->done(t->op, rc);
}

static void
on_loads(struct am_turn *t, struct am_batch *b)
{
	if (t->op->loaded != NULL)
		t->op->loaded(t->op, t, b);
	am_turn_load_cases(t, NULL);
}

bool
am_turn_ops(struct am_shard *sh)
{
	struct am_op *op = sh->ops;
	struct am_batch *b;

	if (op == NULL)
		return false;
	sh->ops = op->next;
	if (sh->ops == NULL)
		sh->ops_tail = &sh->ops;
	b = am_turn_open_as(sh, AM_TURN_OPS, run_op, op_done);
	sh->turn->op = op;
	if (op->load != NULL)
		op->load(op, sh->turn, b);
	am_turn_send(sh->turn, b, on_loads);
	return true;
}

void
am_turn_internal(struct am_turn *t, struct am_event *ev,
    enum am_event_type type, struct am_str complaint)
{
	*ev = (struct am_event){ .type = type,
		.complaint_id = complaint,
		.source = AM_STR("amends"),
		.actor_role = AM_STR("supervisor"),
		.at = t->now,
		.occurred_at = AM_NEVER,
		.expected_version = -1 };
}

/* ---- acts ---- */

struct act {
	struct am_op op;
	struct view *v; /* in the call's arena, as the act is */
	struct am_fu_record row;
	size_t changed;
	const char *refused; /* why nothing was done */
};

static void
done(struct am_op *op, int rc)
{
	const struct act *a = (struct act *)op;

	am_view_end_act(a->v, rc, a->refused, "changed", a->changed);
}

static struct act *
new_act(struct view *v)
{
	struct act *a = am_arena_zalloc(v->a, sizeof(*a));

	a->v = v;
	a->op.done = done;
	v->own = a;
	return a;
}

/* ---- followups retry|cancel ---- */

static void
load_row(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	const struct act *a = (struct act *)op;

	am_cmd(b, "GET");
	am_args(
	    b, am_key(am_store_keys(t->sh->store), &t->arena, "fu", a->v->id));
}

static void
row_loaded(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct act *a = (struct act *)op;
	struct am_str bytes = am_reply_str(am_turn_reply(b, 0));

	if (bytes.n == 0 ||
	    am_fu_record_unpack(a->v->id, bytes, &t->arena, &a->row) != 0) {
		a->refused = "it has ended meanwhile";
		return;
	}
	if (am_shard_on_wire(t->sh, a->row.id))
		a->refused = "it is on the wire right now; see how it ends";
	else
		(void)am_turn_case(t, a->row.complaint);
}

bool
am_fu_is_queued(struct am_turn *t, const struct am_fu_record *f)
{
	const struct am_complaint *c = &am_turn_case(t, f->complaint)->cur;

	for (size_t i = 0; i < c->waiting_n; i++)
		if (memcmp(c->waiting[i].id, f->id, sizeof(f->id)) == 0)
			return c->waiting[i].queued;
	return true;
}

/* Why nobody can change what becomes of it; NULL: one can. */
static const char *
with_provider(const struct am_fu_record *f)
{
	return f->progress == AM_FU_ACCEPTED
		   ? "its provider has it, and nobody can take it back; a "
		     "receipt or the end of receipt_wait ends it"
		   : NULL;
}

void
am_fu_take_back(struct am_fu_record *f)
{
	struct am_attempt *last =
	    f->attempts_n != 0 ? &f->attempts[f->attempts_n - 1] : NULL;

	f->progress = AM_FU_QUEUED;
	f->handed_at = 0;
	f->provider_id = AM_STR("");
	if (last != NULL && last->result == AM_TRY_STARTED)
		last->result = AM_TRY_UNCERTAIN;
}

static bool
run_retry(struct am_op *op, struct am_turn *t)
{
	struct act *a = (struct act *)op;

	if (a->refused == NULL && !am_fu_is_queued(t, &a->row))
		a->refused = "it stands behind an earlier one to the same "
			     "endpoint; retry that one";
	if (a->refused == NULL && a->row.digest.n != 0)
		a->refused = am_arena_printf(a->v->a,
		    "it goes out in the digest %.*s; retry that one",
		    AM_ARG(a->row.digest));
	if (a->refused == NULL &&
	    am_endpoint_off(t, am_shard_outlet(t->sh, a->row.endpoint)))
		a->refused = am_arena_printf(a->v->a,
		    "its endpoint is disabled; `endpoints enable %.*s` sends "
		    "all that waits for it",
		    AM_ARG(a->row.endpoint));
	if (a->refused == NULL)
		a->refused = with_provider(&a->row);
	if (a->refused != NULL)
		return false;
	am_fu_take_back(&a->row);
	/* a person's word: alone, and at once */
	a->row.group = AM_STR("");
	a->row.catchup = false;
	a->row.next_at = t->now;
	am_commit_fu_set(t->commit, &a->row, t->now);
	am_turn_touch(
	    t, am_out_name(&t->arena, a->row.endpoint, a->row.class), t->now);
	a->changed = 1;
	return true;
}

static bool
run_cancel(struct am_op *op, struct am_turn *t)
{
	struct act *a = (struct act *)op;
	const struct am_pair fields[] = {
		{ AM_STR("followup_id"), a->v->id },
		{ AM_STR("state"), AM_STR("suppressed") },
		{ AM_STR("reason"), AM_STR("cancelled") },
	};
	struct am_case *c;
	struct am_event ev;

	if (a->refused == NULL && a->row.members_n != 0)
		a->refused = "it is a digest; cancel its members instead";
	if (a->refused == NULL)
		a->refused = with_provider(&a->row);
	if (a->refused != NULL)
		return false;
	c = am_turn_case(t, a->row.complaint);
	am_turn_internal(t, &ev, AM_EV_FOLLOWUP_ENDED, a->row.complaint);
	ev.fields = fields;
	ev.fields_n = AM_COUNT(fields);
	if (c->exists)
		(void)am_turn_step(t, c, &ev);
	am_commit_fu_end(t->commit, &a->row);
	a->changed = 1;
	return true;
}

static void
on_found(struct view *v, struct am_batch *b)
{
	struct act *a = v->own;

	if (am_reply_int(am_batch_reply(b, 0)) == 0)
		am_view_next_shard(v);
	else
		am_shard_op(v->shard, &a->op);
}

static void
find_row(struct view *v)
{
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "EXISTS");
	am_args(b, am_key(am_store_keys(v->shard->store), v->a, "fu", v->id));
	am_view_send(v, b, on_found);
}

static void
no_followup(struct view *v)
{
	am_view_not_found(v, "waiting follow-up");
}

static void
act_on_row(struct view *v, bool (*run)(struct am_op *, struct am_turn *))
{
	struct act *a = new_act(v);

	a->op.load = load_row;
	a->op.loaded = row_loaded;
	a->op.run = run;
	am_view_walk(v, find_row, no_followup);
}

void
am_verb_followups_retry(struct view *v)
{
	if (v->id.n == 0 ||
	    am_verb_option(v->argv, v->argc, "--endpoint").n != 0)
		am_redrive_verb(v);
	else
		act_on_row(v, run_retry);
}

void
am_verb_followups_cancel(struct view *v)
{
	act_on_row(v, run_cancel);
}
