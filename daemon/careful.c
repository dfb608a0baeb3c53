/* careful - see careful.h. Rejected: marking every unit always; it would double
 * the commits for the sake of what should never happen. */

#include "daemon/careful.h"

#include <stdio.h>
#include <string.h>

#include "log/log.h"

void
am_careful_begin(struct am_shard *sh)
{
	sh->careful = am_store_left_behind(sh->store) ? AM_CAREFUL_UNITS : 0;
	sh->marked_entry[0] = sh->marked_wake[0] = '\0';
	if (sh->careful != 0)
		am_log_notice("careful",
		    "shard=%s units=%u reason=former_owner_died", sh->stream,
		    sh->careful);
}

bool
am_careful(const struct am_shard *sh)
{
	return sh->careful != 0;
}

/* Events and wake-ups take turns: the mark of one must not push out the
 * other's, or neither is ever tried. */
static char *
mark_of(struct am_shard *sh, const char *unit)
{
	return unit[0] == 'w' ? sh->marked_wake : sh->marked_entry;
}

bool
am_careful_marked(struct am_shard *sh, const char *unit)
{
	return strcmp(mark_of(sh, unit), unit) == 0;
}

static void
tries_cmd(struct am_batch *b, const struct am_shard *sh, const char *name,
    const char *unit)
{
	am_cmd(b, name);
	am_arg(b, am_store_keys(sh->store)->tries);
	am_arg(b, unit);
}

static void
mark_done(struct am_turn *t, int rc)
{
	if (rc != 0)
		mark_of(t->sh, t->unit)[0] = '\0';
	t->unit = NULL;
	t->sh->wake_at = 0; /* look again, for the unit itself */
}

static void
run_mark(struct am_turn *t)
{
	struct am_batch *b = am_commit_raw(t->commit);

	tries_cmd(b, t->sh, "HINCRBY", t->unit);
	am_argi(b, 1);
	am_turn_commit_send(t);
}

void
am_careful_mark(struct am_turn *t, const char *unit)
{
	snprintf(mark_of(t->sh, unit), sizeof(t->sh->marked_wake), "%s", unit);
	t->unit = unit;
	t->run = run_mark;
	t->done = mark_done;
	t->cases_n = t->loaded_n = 0; /* none is touched by this turn */
}

static void
on_tries(struct am_turn *t, struct am_batch *b)
{
	t->tries = am_reply_int(am_batch_reply(b, am_batch_cmds(b) - 1));
	t->tried(t);
}

void
am_careful_ask(struct am_turn *t, struct am_batch *b, const char *unit,
    void (*next)(struct am_turn *t))
{
	t->unit = unit;
	t->tried = next;
	tries_cmd(b, t->sh, "HGET", unit);
	am_turn_send(t, b, on_tries);
}

bool
am_careful_poison(const struct am_turn *t)
{
	return t->unit != NULL && t->tries > AM_TRIES_MAX;
}

void
am_careful_done(struct am_turn *t)
{
	if (t->unit != NULL)
		tries_cmd(am_commit_raw(t->commit), t->sh, "HDEL", t->unit);
}
