#pragma once

/*
 * receipts - which follow-up a provider speaks of (layer: daemon).
 *
 *   {s}:ref:<follow-up id>             "<endpoint> <complaint>"
 *   {s}:pid:<endpoint>:<provider id>   "<follow-up id> <complaint>"
 *   {s}:early:<endpoint>:<provider id> receipts that came before the outcome of
 *                                      the sending, which tells the provider id
 *
 * The first is written with the claim, the second with the outcome; both last
 * longer than providers go on telling. What came early goes back onto the
 * stream with the outcome. They hold ids and no address.
 */

#include "daemon/turn.h"

struct am_receipts; /* what came early for the outcomes of a turn */

/* Whether this endpoint's provider ever tells what became of a message. */
bool am_receipts_come(const struct am_conf_endpoint *ep);

struct am_str am_receipt_ref_key(struct am_turn *t, struct am_str followup_id);
struct am_str am_receipt_pid_key(
    struct am_turn *t, struct am_str endpoint, struct am_str provider_id);
/*
 * "<endpoint> <complaint>": the complaint, or "" when called, the endpoint by
 * which the receipt came ("": not by one), is of another provider: who may
 * tell of its own messages may not of those.
 */
struct am_str am_receipt_ref_read(
    const struct am_turn *t, struct am_str value, struct am_str called);
/* "<follow-up id> <complaint>"; false when it is not that. */
bool am_receipt_pid_parse(
    struct am_str value, struct am_str *followup_id, struct am_str *complaint);

/* Into the commit: keep a receipt whose provider_id nobody knows yet. */
void am_receipt_keep_early(struct am_turn *t, const struct am_event *ev);

/*
 * The ownership in which s was claimed is gone, and its outcome with it. Of a
 * sending that nobody makes again it is told to the new owner as any receipt
 * is; of any other nothing is told, for it is sent again.
 */
void am_receipt_deposed(struct am_shard *sh, const struct am_sending *s,
    const struct am_send_result *result);

/* Into the commit, with the claim. */
void am_receipt_claimed(struct am_turn *t, const struct am_conf_endpoint *ep,
    const struct am_fu_record *f);
/* Ask in b for what came early for the outcomes of the turn. */
void am_receipts_ask(struct am_turn *t, struct am_batch *b);
/* Into the commit, with the outcome that tells the provider id. */
void am_receipt_learnt(struct am_turn *t, const struct am_sending *s,
    const struct am_fu_record *f);
