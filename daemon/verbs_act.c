/* verbs_act - what changes the daemon or the stream, but no complaint. */

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/reload_plan.h"
#include "daemon/view.h"
#include "log/log.h"

#include <amends/event.h>

static struct am_shard *
shard_named(struct view *v)
{
	for (size_t i = 0; i < v->engine->shards_n; i++)
		if (am_str_is(v->id, v->engine->shards[i]->stream))
			return v->engine->shards[i];
	am_ctl_end(v->call, AM_EXIT_NOT_FOUND,
	    "no such shard: %.*s; `shard list` names them", AM_ARG(v->id));
	return NULL;
}

void
am_verb_shard_adopt(struct view *v)
{
	struct am_shard *sh = shard_named(v);

	if (sh == NULL)
		return;
	if (am_store_adopt(sh->store) != 0) {
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "shard %s is %s: only a halted or released shard can be "
		    "adopted",
		    sh->stream, am_shard_state_str(am_store_state(sh->store)));
		return;
	}
	sh->released = false;
	am_log_notice("shard_adopted", "shard=%s uid=%u", sh->stream,
	    am_ctl_uid(v->call));
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

void
am_verb_shard_release(struct view *v)
{
	struct am_shard *sh = shard_named(v);

	if (sh == NULL)
		return;
	if (!sh->running) {
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "shard %s is not owned by this daemon", sh->stream);
		return;
	}
	am_shard_release(sh);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

/* ---- emit ---- */

static void
on_emitted(struct view *v, struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, 0);

	if (am_reply_is_error(r)) {
		am_ctl_end(v->call, AM_EXIT_FAILED, "Redis refused: %.*s",
		    AM_ARG(am_reply_str(r)));
	} else {
		am_view_open(v);
		am_view_s(v, "shard", v->shard->stream);
		am_buf_addkv(&v->line, "stream_id", am_reply_str(r));
		am_view_close(v);
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	}
	am_view_drop(v);
}

/* The event's fields as key=value words; n == 0 when the key is not there. */
static struct am_str
emit_field(struct view *v, const char *key)
{
	struct am_str word;
	size_t n = strlen(key);

	for (size_t i = 1;
	     (word = am_verb_arg(v->verb, v->argv, v->argc, i)).n != 0; i++)
		if (word.n > n && word.p[n] == '=' && am_str_prefix(word, key))
			return (
			    struct am_str){ word.p + n + 1, word.n - n - 1 };
	return (struct am_str){ NULL, 0 };
}

static void
no_answer(struct view *v)
{
	am_ctl_end(v->call, AM_EXIT_FAILED,
	    "Redis is away; the event may not have been written");
}

static void
write_event(struct view *v)
{
	struct am_batch *b = am_view_query(v);
	struct am_str word;

	v->shard_i = v->engine->shards_n; /* no other shard after this */
	v->end = no_answer;
	am_cmd(b, "XADD");
	am_arg(b, v->shard->stream);
	am_arg(b, "*");
	am_arg(b, "event");
	am_args(b, v->id);
	for (size_t i = 1;
	     (word = am_verb_arg(v->verb, v->argv, v->argc, i)).n != 0; i++) {
		const char *eq = memchr(word.p, '=', word.n);
		size_t n = (size_t)(eq - word.p);

		am_args(b, (struct am_str){ word.p, n });
		am_args(b, (struct am_str){ eq + 1, word.n - n - 1 });
	}
	am_view_send(v, b, on_emitted);
}

/* All events of one complaint go to one stream: the one that holds it. */
static void
on_holds(struct view *v, struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, 0);

	if (am_reply_int(r) != 0) {
		write_event(v);
		return;
	}
	if (am_reply_is_error(r))
		am_view_lost(v, am_reply_rc(r));
	am_view_next_shard(v);
}

static void
ask_holds(struct view *v)
{
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "EXISTS");
	am_args(b, am_key(am_store_keys(v->shard->store), v->a, "c",
		       emit_field(v, "complaint_id")));
	am_view_send(v, b, on_holds);
}

/* No shard holds it: a new complaint goes where its id's hash says. */
static void
end_emit(struct view *v)
{
	struct am_str id = emit_field(v, "complaint_id");

	if (v->unreachable != 0 || !am_ctl_alive(v->call)) {
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "%s; the event was not written", am_view_why(v));
		return;
	}
	v->shard = v->engine->shards[am_shard_of(id, v->engine->shards_n)];
	write_event(v);
}

void
am_verb_emit(struct view *v)
{
	const struct am_event_spec *spec = am_event_spec_by_name(v->id);
	struct am_str word;

	if (spec == NULL || !spec->inbound) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "no event is named %.*s; docs/events.md lists them",
		    AM_ARG(v->id));
		return;
	}
	for (size_t i = 1;
	     (word = am_verb_arg(v->verb, v->argv, v->argc, i)).n != 0; i++)
		if (memchr(word.p, '=', word.n) == NULL || word.p[0] == '=') {
			am_ctl_end(v->call, AM_EXIT_USAGE,
			    "'%.*s' is no key=value", AM_ARG(word));
			return;
		}
	am_view_walk(v, ask_holds, end_emit);
}

/* ---- reload, drain ---- */

static void
on_reloaded(void *arg, int rc, const char *text)
{
	struct am_ctl_call *call = arg;

	if (rc == 0)
		am_ctl_end(
		    call, AM_EXIT_OK, "the new configuration is in force");
	else
		am_ctl_end(call, AM_EXIT_FAILED,
		    "%s; the old configuration stays in force", text);
}

static void
on_plan(void *arg, int rc, const char *text, const struct am_reload_plan *plan)
{
	static const char *const changes[] = {
		[AM_CONF_ADDED] = "added",
		[AM_CONF_CHANGED] = "changed",
		[AM_CONF_REMOVED] = "removed",
	};
	struct view *v = arg;
	size_t n = plan != NULL ? plan->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct am_reload_row *row = &plan->rows[i];

		am_view_open(v);
		am_view_s(v, "what", row->type[0] != '\0' ? row->type : "key");
		am_view_s(v, "name", row->name);
		am_view_s(v, "change", changes[row->change]);
		if (row->counted)
			am_buf_addki(&v->line, "open", row->open);
		am_view_close(v);
	}
	if (rc != 0)
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "%s; a reload would be refused, nothing was switched",
		    text);
	else
		am_ctl_end(v->call, AM_EXIT_OK,
		    n > 0 ? "nothing was switched"
			  : "the configuration says what is in force; nothing "
			    "was switched");
}

void
am_verb_reload(struct view *v)
{
	if (am_verb_option(v->argv, v->argc, "--dry-run").p != NULL)
		am_engine_reload_dry(v->engine, on_plan, v);
	else
		am_engine_reload(v->engine, on_reloaded, v->call);
}

/* Answered now: the end of the process is the end of the drain. */
void
am_verb_drain(struct view *v)
{
	am_view_open(v);
	am_buf_addki(
	    &v->line, "in_flight", am_deliver_in_flight(v->engine->deliver));
	am_view_close(v);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	am_engine_stop(v->engine);
}
