#pragma once

/*
 * followup - make follow-ups and let them go (internal to the core).
 *
 * Ids come from cause, never from a counter: the same lapse makes the same id
 * again, whoever steps it. What the files of this module share is in fu.h.
 */

#include "core/act.h"
#include "core/cut.h"
#include "core/saying.h"

struct am_tmpl_ctx; /* core/tmpl.h */

/* What a body says beside the complaint. */
struct am_fu_say {
	const char *reason; /* precise: "stage_due", "warn_50", "rung_2" … */
	const struct am_message *message; /* NULL: built-in text */
	enum am_notice about; /* whose text that is; AM_NOTICES_N: by rung */
};

/* Fire a rung: the first usable endpoint of its `via`; what a lower rung of
 * the same clock and role has waiting there is superseded. */
void am_fu_rung(struct am_act *a, size_t clock, size_t rung, am_ms due);
/* The same for a rung that something let wait until `ready`: how late it is
 * counts from there. */
void am_fu_rung_ready(
    struct am_act *a, size_t clock, size_t rung, am_ms due, am_ms ready);
/* The same out of turn, because of this event: a contradiction, nobody owns
 * the stage, the written notice. Where `reason` is a notice's name the text is
 * that notice's, not the rung's. */
void am_fu_rung_told(
    struct am_act *a, size_t clock, size_t rung, const char *reason);
/*
 * Tell a role something that no rung says, by the endpoints that the loop has
 * for it: on that clock first, else on any. It belongs to the clock's present
 * entry and is superseded with it. When a channel fails the next is tried, as
 * with rungs. Without any channel it is born dead (see am_act_is_untold).
 */
void am_fu_notice(
    struct am_act *a, size_t clock, enum am_notice notice, enum am_role to);

/* Drop what waits of one clock, or all of it. In flight stays. */
void am_fu_drop_clock(struct am_act *a, size_t clock, const char *reason);
/* The same but for its notices: the clock has left the loop, and not been
 * done. */
void am_fu_drop_rungs(struct am_act *a, size_t clock, const char *reason);
void am_fu_drop_all(struct am_act *a, const char *reason);
/* What waits unsent for the customer. */
void am_fu_drop_customers(struct am_act *a, const char *reason);
/* What a wake-up has made for the customer and one message makes needless. */
void am_fu_collapse(struct am_act *a);

/*
 * body.c: the JSON of a follow-up, rendered once, for the channel that it goes
 * by; via NULL: none. Where that is one of texts, the message has a subject,
 * and the template that the channel's provider has approved.
 */
struct am_str am_body_render(struct am_act *a, const struct am_followup *f,
    const struct am_fu_say *say, const struct am_via *via);
/*
 * Why a channel of texts cannot carry what f says: "no_template", where its
 * provider takes only those; "too_long", where what was written alone takes
 * more segments than it may. NULL: it can.
 */
const char *am_body_unfit(struct am_act *a, const struct am_followup *f,
    const struct am_fu_say *say, const struct am_via *via);

/*
 * The parts of a message, in the arena, in the language wanted, else in its
 * own. Of f clock, rung, reason and to are looked at.
 */
struct am_said {
	struct am_str text;
	const char *lang; /* the one given; "und": the message does not say */
	enum am_cut cut;
};
/* via NULL, or one of a provider with templates: no limit. */
struct am_said am_body_text(const struct am_followup *f,
    const struct am_fu_say *say, const struct am_tmpl_ctx *ctx,
    struct am_str want, const struct am_via *via, struct am_arena *a);
/* On one line: of the language given, else the message's own, else that of the
 * reason. */
struct am_str
am_body_subject(const struct am_followup *f, const struct am_fu_say *say,
    const struct am_tmpl_ctx *ctx, struct am_str want, struct am_arena *a);
/* The message's template for the provider of via: for the language, or one
 * near it, else for any. NULL: it has none. m may be NULL. */
const struct am_message_template *am_body_template(
    const struct am_message *m, const struct am_via *via, struct am_str want);
/*
 * Add it: "template":{"id":…,"params":[{"name":…,"value":…}]}, without names
 * where they are ordered. Values are on one line, and cut to the provider's
 * length where that leaves ids, numbers, dates and what is written whole; a
 * value that is too long even then stays so, and the provider judges it.
 */
void am_body_add_template(struct am_buf *b, const struct am_message_template *t,
    const struct am_tmpl_ctx *ctx, const struct am_via *via,
    struct am_arena *a);

/*
 * text.c: what a follow-up says without a message of its own: the text of the
 * notice `about`, of the rule whose rung f is, or of its reason, to customers
 * another one than to staff. *given is the language given.
 */
struct am_str
am_text_builtin(const struct am_loopdef *def, const struct am_followup *f,
    enum am_notice about, struct am_str lang, const char **given);
/* The subject of a message that has none: that of f's reason. */
struct am_str am_text_subject(const struct am_followup *f, struct am_str lang);
/* True when the tag `have` serves somebody who asked for `want`: zh, zh-cn. */
bool am_lang_serves(const char *have, struct am_str want);
