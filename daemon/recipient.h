#pragma once

/*
 * recipient - whom a follow-up reaches, and whether they may be written to
 * (layer: daemon; part of the turn that sends).
 *
 * A webhook reaches whoever its receiver is told: nothing is loaded for it. A
 * text message and a mail need an address, which is known to the turn alone: a
 * customer's stands with the personal data of the complaint, that of staff in
 * conf, by the name that the complaint has for the role. A chat bot writes to
 * its group; a number of staff is only there to be mentioned.
 */

#include "daemon/contact.h"
#include "daemon/sends.h"

/* True when the claims of this turn have addresses to load: next runs behind
 * that. False: there is nothing to load. */
bool am_recipients_load(struct am_turn *t, void (*next)(struct am_turn *t));

/* The same people are told both, as their complaints stand. */
bool am_recipient_same(struct am_turn *t, const struct am_fu_record *a,
    const struct am_fu_record *b);
/* When they may be written to by this endpoint, t->now: now. Its quiet hours
 * are those of the recipient's zone. */
am_ms
am_recipient_quiet_end(struct am_turn *t, const struct am_conf_endpoint *ep,
    struct am_str complaint, enum am_role to);

/*
 * Judge a claim that may go as far as its complaint is concerned: it may be
 * too old, have no address, or have to wait for the end of quiet hours. True
 * when the claim has its fate.
 */
bool am_recipient_judge(struct am_turn *t, struct am_claim *k);
/*
 * The last word, when the commit is written: what was sent before it in this
 * very turn counts. True when the claim has another fate than to be sent.
 */
bool am_recipient_refuses(struct am_turn *t, struct am_claim *k);
/* It goes: the contact knows. */
void am_recipient_claimed(struct am_turn *t, const struct am_claim *k);
