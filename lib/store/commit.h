#pragma once

/*
 * commit - collect a turn's writes and send them as one transaction (layer:
 * store).
 *
 * Writes of one kind become one variadic command (MSET, ZADD, DEL, …). The
 * cursor and the commit number are part of every commit. Slices must live
 * until am_commit_send().
 */

#include <amends/step.h>
#include "codec/record.h"
#include "store/store.h"

/* Turns that must go on when Redis is full: sent again as the one allow-oom
 * script when refused with OOM. */
void am_commit_must_go_on(struct am_commit *c);

/*
 * All effects of one step: record, wake-up, journal line, feed, tallies,
 * follow-ups (row with its body, outbox), changes, events for other complaints
 * (onto the shard's own stream, read like all others); with erase the personal
 * data go, with forget all keys do.
 * Later updates of the same complaint in one commit replace the record written.
 */
void am_commit_update(struct am_commit *c, const struct am_complaint *before,
    const struct am_update *up, uint8_t tier, struct am_str trace_id);

/* The last entry applied and how many entries it is since the last commit.
 * What was lost unread is written by the store itself. */
void
am_commit_cursor(struct am_commit *c, struct am_str entry_id, uint64_t applied);

/* Event that could not be applied: original pairs kept (cut at 64 KiB with a
 * hash of the whole), code, field, text, receipt time. */
void am_commit_reject(
    struct am_commit *c, const struct am_entry *e, const struct am_reject *why);

/* Personal data: fields of `{s}:pii:<id>`. */
void am_commit_pii(struct am_commit *c, struct am_str complaint,
    const struct am_pair *pairs, size_t n);
/* They leave, and `{s}:erasing` and `{s}:erase:<id>` tell whoever takes the
 * rest away (daemon/erase.h). An update with `erase` does it by itself. */
void am_commit_erase(struct am_commit *c, struct am_str complaint);
/* Those of `from` as they are, unless the complaint has some; ahead of its own.
 */
void am_commit_pii_copy(
    struct am_commit *c, struct am_str from, struct am_str complaint);

/* Outbox. set: row and score (next attempt or visibility deadline). end: row,
 * body and score go. dead: to the dead letters, body kept with the letter.
 * letter: that alone, when the end itself is an update's change. */
#define AM_FU_BEHIND ((am_ms)-1) /* no score: it waits for another to end */
void am_commit_fu_set(
    struct am_commit *c, const struct am_fu_record *f, am_ms score);
/* Its place in an outbox (am_out_name) alone; AM_FU_BEHIND takes it out. */
void am_commit_fu_score(
    struct am_commit *c, struct am_str outbox, struct am_str id, am_ms score);
void am_commit_fu_end(struct am_commit *c, const struct am_fu_record *f);
void am_commit_fu_dead(
    struct am_commit *c, const struct am_fu_record *f, const char *reason);
void am_commit_fu_letter(
    struct am_commit *c, const struct am_fu_record *f, const char *reason);
/* The dead letters of this commit so far, newest first; NULL: none. */
struct am_letter {
	const struct am_letter *next;
	struct am_fu_record row;
	const char *reason;
};
const struct am_letter *am_commit_letters(const struct am_commit *c);

/* Put a record aside: out of wake, into parked, with a reason. */
void am_commit_park(
    struct am_commit *c, struct am_str complaint, const char *reason);

/* An entry of the feed that is of no complaint, with what `do` holds. */
void am_commit_say(struct am_commit *c, const char *note,
    const struct am_pair *pairs, size_t n);

/* Keep a loop definition: SET NX `{s}:loop:<ref>`. */
void am_commit_loop(struct am_commit *c, const struct am_loopdef *def);

/* Any further command, for operators' verbs (XDEL, XADD …): built by am_cmd
 * and am_arg on the batch that this gives, ahead of the variadic writes and
 * of what leaves. Finish one before the next call on c. */
struct am_batch *am_commit_raw(struct am_commit *c);

/* Applied entries older than keep_events leave the stream (never beyond the
 * cursor), rejected ones older than keep_rejects theirs. */
void am_commit_trim(struct am_commit *c, am_ms now);

/*
 * Queries inside the transaction, answered after it:
 * the earliest wake-up, and the earliest attempt of an outbox.
 */
void am_commit_ask_wake(struct am_commit *c);
void am_commit_ask_out(struct am_commit *c, const char *outbox);
/* AM_NEVER: none. 0 when the answer was lost with the connection and the commit
 * was found to be done: look. */
am_ms am_commit_wake(const struct am_commit *c);
am_ms am_commit_out(const struct am_commit *c, const char *outbox);
