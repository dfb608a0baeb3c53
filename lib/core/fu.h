#pragma once

/*
 * fu - what the fu_*.c files and followup.c share (internal to them): the list
 * of what has not ended, the channels of a follow-up, its id.
 */

#include "core/followup.h"

/* ---- fu_list.c: the list of what has not ended ---- */

/* NULL when it does not wait. */
struct am_waiting *
am_fu_find(const struct am_complaint *c, const uint8_t id[16]);
/* Nobody can call it back: it is on the wire, or with its provider. */
static inline bool
am_fu_is_out(const struct am_waiting *w)
{
	return w->in_flight || w->handed;
}
/* Append; there is room. */
void am_fu_add(struct am_act *a, const struct am_waiting *w);
/* Take it out without a word. */
void am_fu_remove(struct am_act *a, const uint8_t id[16]);
/* What waited leaves the outbox, for good. */
void am_fu_leave(struct am_act *a, const struct am_waiting *w,
    const char *state, const char *reason);
/* It is with its provider; the next that waits for its endpoint may go. */
void am_fu_hand(struct am_act *a, const uint8_t id[16]);
/* Let the first that waits for this endpoint into the outbox. */
void am_fu_release(struct am_act *a, struct am_str endpoint);
/* f, about to be made, supersedes lower rungs of its clock and role. */
void am_fu_supersede(struct am_act *a, const struct am_followup *f);

/* ---- fu_way.c: to whom, by which channels ---- */

struct am_fu_way am_fu_way(const struct am_loopdef *def,
    const struct am_complaint *c, size_t clock, uint8_t rung);
enum am_role am_fu_role(const struct am_loopdef *def,
    const struct am_complaint *c, size_t clock, uint8_t rung);
/* The notice of recourse: a rung's, or one that an event called for. */
bool
am_fu_is_recourse(const struct am_loopdef *def, size_t clock, uint8_t rung);
/* The first usable channel behind `after`; after "": the first. NULL: none. */
const struct am_via *
am_fu_channel(const struct am_fu_way *way, struct am_str after);
/* When this channel may be used, from t: outside of the recipient's quiet
 * hours. */
am_ms am_fu_opening(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_via *via, enum am_role to, am_ms t);
/* The same for what waits, by its endpoint. */
am_ms am_fu_waiting_opening(const struct am_loopdef *def,
    const struct am_complaint *c, const struct am_waiting *w, am_ms t);

/* ---- followup.c: making one ---- */

/* What an id is made from. */
struct am_fu_cause {
	uint16_t cycle;
	uint8_t clock;
	uint64_t event; /* that started the clock, or called for it */
	struct am_str rung_name, endpoint;
};
void am_fu_id(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_fu_cause *from, uint8_t id[16]);
/* What a notice's next channel is caused by: the one before. */
uint64_t am_fu_cause_of(const uint8_t id[16]);
struct am_str am_fu_id_text(struct am_act *a, const uint8_t id[16]);
/* What no rung says is called for by what happens now: when that was to
 * happen, and a cause for its id. */
am_ms am_fu_called_at(const struct am_act *a);
uint64_t am_fu_called_by(const struct am_act *a);
/* The latter for what a wake-up finds due. */
uint64_t
am_fu_due_cause(const struct am_complaint *c, const struct am_next *what);
/* A follow-up without endpoint and id. */
struct am_followup *
am_fu_make(struct am_act *a, size_t clock, uint8_t rung, am_ms due);
/* Give it id and body and send it on its way, NULL: no way. False when it is
 * born dead. */
bool am_fu_put(struct am_act *a, struct am_followup *f,
    const struct am_via *via, uint64_t cause, const struct am_fu_say *say);
/* The channel that it was sent by has failed: make it again for the next one.
 * False when none is left. */
bool am_fu_next_channel(struct am_act *a, const struct am_waiting *w);

/* ---- fu_notice.c ---- */

enum am_notice am_notice_of(uint8_t rung);
enum am_role am_notice_role(uint8_t rung);
/* AM_NOTICES_N: no notice has that name. */
enum am_notice am_notice_parse(const char *name);
/* "reopen:owner" */
#define AM_NOTICE_NAME_MAX 40
struct am_str am_notice_rung_name(uint8_t rung, char name[AM_NOTICE_NAME_MAX]);
/* Make the notice for this channel. */
bool am_fu_send_notice(struct am_act *a, size_t clock, uint8_t rung,
    const struct am_via *via, uint64_t cause);

/* ---- fu_end.c: the loop hears of an end ---- */

/* Tell the loop, if it waits to hear it, that this was delivered, or that
 * every channel has failed. over: what it speaks of is (see am_fu_over). */
void am_fu_heard(
    struct am_act *a, size_t clock, uint8_t rung, bool over, bool delivered);
/* What is known of a follow-up that has ended: kept among the events applied,
 * so that it is acted on once. state: "failed", "delivered", "read". */
bool am_fu_is_marked(
    const struct am_complaint *c, const uint8_t id[16], const char *state);
void am_fu_mark(struct am_act *a, const uint8_t id[16], const char *state);
/* It has reached nobody: go on with the next channel; when there is none, or
 * go_on is false, the loop hears of it. A channel fails once. */
void am_fu_failed(struct am_act *a, const struct am_waiting *w, bool go_on);
