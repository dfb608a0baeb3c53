#pragma once

/*
 * replies - what names no complaint finds it (layer: daemon).
 *
 * A provider knows the id of a message or a number, and no complaint. Receipts
 * find theirs by the follow-up (receipts.h), messages and opt-outs by the
 * contact of the number (contact.h). A message whose whole text is a word of
 * the lists becomes what it says: contact.opted_out and contact.opted_in, which
 * hold for the number from the same commit on, or customer.answered for the
 * newest open question of that number. Any other text behind an open question
 * is told with `reply` unclear; without a question it is a message about what
 * was sent last.
 *
 * What is found becomes fields of the event before its step, and so the
 * journal's input. A sender whom nobody here has written to is counted, logged
 * with a masked number and told in the feed (contact.unmatched), and never
 * rejected.
 *
 *   {s}:reply:<hash of source and event id>   the complaint that a message was
 *                                             taken for, so that one told twice
 *                                             answers no second question
 */

#include "daemon/turn.h"

/*
 * Look up what the decoded events of this turn speak of: facts of contacts,
 * complaints of receipts. True: batches are on their way, b with them, and
 * next runs when all are in and every complaint that may be meant is named.
 * False: nothing is to be found, b stays as it is.
 */
bool am_replies_find(
    struct am_turn *t, struct am_batch *b, void (*next)(struct am_turn *t));

/* Just before its step, in the order of the stream: event i becomes what it
 * is. False: there is no step for it, and what it says is in the commit. */
bool am_reply_resolve(struct am_turn *t, size_t i);

/* Behind its step. up NULL: it was rejected; a word that stops counts all the
 * same. */
void am_reply_stepped(struct am_turn *t, size_t i, const struct am_update *up);
