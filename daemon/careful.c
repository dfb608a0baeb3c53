/* careful - see careful.h. Rejected: counting every unit always; it would
 * double the commits for the sake of what should never happen. */

#include "daemon/careful.h"

#include <stdio.h>
#include <string.h>

#include "log/log.h"

static void
on_forgotten(void *arg, int rc, struct am_batch *b)
{
	(void)arg;
	(void)rc; /* what stays is deleted the next time */
	am_batch_free(b);
}

/* Counts of units that were not tried in the end mean nothing later. */
static void
forget_counts(struct am_shard *sh)
{
	struct am_batch *b = am_store_query(sh->store);

	am_cmd(b, "DEL");
	am_arg(b, am_store_keys(sh->store)->tries);
	am_store_query_send(sh->store, b, on_forgotten, sh);
}

void
am_careful_begin(struct am_shard *sh)
{
	if (am_store_left_behind(sh->store)) {
		sh->careful = AM_CAREFUL_UNITS;
		am_log_notice("careful",
		    "shard=%s units=%u reason=former_owner_died", sh->stream,
		    sh->careful);
	} else if (sh->careful == 0) {
		forget_counts(sh);
	}
}

bool
am_careful(const struct am_shard *sh)
{
	return sh->careful != 0;
}

static void
on_count(struct am_turn *t, struct am_batch *b)
{
	t->tries = am_reply_int(am_batch_reply(b, am_batch_cmds(b) - 1));
	t->tried(t);
}

/* Once in the life of this process: a commit that was refused is no death. A
 * full Redis takes the count all the same, for its work must go on. */
void
am_careful_count(struct am_turn *t, struct am_batch *b, const char *unit,
    void (*next)(struct am_turn *t))
{
	static const char script[] =
	    "#!lua flags=allow-oom\n"
	    "return redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])";
	char *counted =
	    unit[0] == 'w' ? t->sh->counted_wake : t->sh->counted_entry;

	t->unit = unit;
	t->tried = next;
	am_cmd(b, "EVAL");
	am_arg(b, script);
	am_argi(b, 1);
	am_arg(b, am_store_keys(t->sh->store)->tries);
	am_arg(b, unit);
	am_argi(b, strcmp(counted, unit) != 0);
	snprintf(counted, sizeof(t->sh->counted_wake), "%s", unit);
	am_turn_send(t, b, on_count);
}

bool
am_careful_poison(const struct am_turn *t)
{
	return t->unit != NULL && t->tries > AM_TRIES_MAX;
}

void
am_careful_done(struct am_turn *t)
{
	struct am_batch *b;

	if (t->unit == NULL)
		return;
	b = am_commit_raw(t->commit);
	am_cmd(b, "HDEL");
	am_arg(b, am_store_keys(t->sh->store)->tries);
	am_arg(b, t->unit);
}

void
am_careful_passed(struct am_turn *t)
{
	struct am_shard *sh = t->sh;

	if (t->unit == NULL)
		return;
	if (t->unit[0] == 'w')
		sh->counted_wake[0] = '\0';
	else
		sh->counted_entry[0] = '\0';
	if (--sh->careful == 0)
		forget_counts(sh);
}
