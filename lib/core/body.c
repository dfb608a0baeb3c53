/*
 * body - what a receiver gets, rendered once, when the rung fires.
 *
 * Every attempt sends these bytes: rendering at each attempt would change a
 * body under one id when a text is edited. Nothing in it is personal: the
 * receiver knows the customer by the complaint's id.
 */

#include "core/followup.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "core/tmpl.h"

static void
add_time(struct am_buf *b, const char *key, am_ms t)
{
	char text[32];

	am_rfc3339_format(t, text);
	am_buf_addkv(b, key, am_str_c(text));
}

static void
add_complaint(struct am_buf *b, const struct am_loopdef *def,
    const struct am_complaint *c)
{
	am_buf_addkey(b, "complaint");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "id", c->id);
	am_buf_addkv(b, "loop", c->loop_ref);
	am_buf_addki(b, "version", c->version);
	am_buf_addkv(b, "stage", am_str_c(def->stages[c->stage].name));
	am_buf_addkv(b, "status", am_str_c(am_status_str(c->status)));
	am_buf_addki(b, "cycle", c->cycle);
	am_buf_addkv(b, "tier", am_str_c(def->tiers[c->tier]));
	am_buf_addkv(b, "owner", c->owner);
	am_buf_addkv(b, "category", c->category);
	if (c->severity.n > 0)
		am_buf_addkv(b, "severity", c->severity);
	if (c->incident.n > 0)
		am_buf_addkv(b, "incident", c->incident);
	am_buf_addc(b, '}');
}

static void
add_followup(struct am_buf *b, const struct am_loopdef *def,
    const struct am_followup *f, const char *id, const char *reason)
{
	am_buf_addkey(b, "followup");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "id", am_str_c(id));
	am_buf_addkv(b, "rung", f->rung_name);
	am_buf_addkv(b, "clock", am_str_c(def->clocks[f->clock].name));
	am_buf_addkv(b, "reason", am_str_c(reason));
	if (f->clock == AM_CLOCK_CALLBACK && f->to != AM_ROLE_CUSTOMER)
		am_buf_addki(b, "attempt", f->rung + 1);
	am_buf_addkv(b, "to", am_str_c(am_role_str(f->to)));
	add_time(b, "due_at", f->due_at);
	add_time(b, "fired_at", f->fired_at);
	am_buf_addc(b, '}');
}

/* The message's text for the customer's language, else its own: of zh and zh-hk
 * the nearer one, in whichever order they are written. */
static const struct am_tmpl *
choose(const struct am_message *m, struct am_str want, const char **given)
{
	const struct am_message_lang *best = NULL;

	for (size_t i = 0; i < m->langs_n; i++) {
		const struct am_message_lang *l = &m->langs[i];

		if (am_lang_serves(l->lang, want) &&
		    (best == NULL || strlen(l->lang) > strlen(best->lang)))
			best = l;
	}
	*given = best != NULL ? best->lang : "und"; /* BCP 47: not said */
	return best != NULL ? best->text : m->text;
}

struct am_str
am_body_text(const struct am_followup *f, const struct am_fu_say *say,
    const struct am_tmpl_ctx *ctx, struct am_str want, struct am_arena *a,
    const char **given)
{
	const struct am_tmpl *t = NULL;
	struct am_buf text;

	if (say->message != NULL) {
		t = choose(say->message, want, given);
	} else {
		struct am_str source =
		    am_text_builtin(f, say->about, want, given);
		char what[200];
		int rc = am_tmpl_parse(a, source, &t, what);

		AM_ASSERT(rc == 0);
	}
	am_buf_arena(&text, a, 256);
	am_tmpl_render(t, ctx, &text);
	return am_buf_str(&text);
}

static void
add_message(struct am_act *a, struct am_buf *b, const struct am_tmpl_ctx *ctx,
    const struct am_followup *f, const struct am_fu_say *say)
{
	const char *given;
	struct am_str text = am_body_text(
	    f, say, ctx, ctx->complaint->lang, a->up->arena, &given);

	am_buf_addkey(b, "message");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "text", text);
	am_buf_addkv(b, "lang", am_str_c(given));
	am_buf_addc(b, '}');
}

struct am_str
am_body_render(
    struct am_act *a, const struct am_followup *f, const struct am_fu_say *say)
{
	char id[AM_FU_ID_LEN + 1], type[32] = "followup.";
	const struct am_tmpl_ctx ctx = {
		.def = a->def,
		.complaint = &a->up->next,
		.clock = f->clock,
		.rung = f->rung,
		.followup_id = id,
		.due_at = f->due_at,
		.now = f->fired_at,
	};
	const char *reason = am_reason_str(f->reason);
	struct am_buf b;
	size_t n = 9;

	am_fu_id_format(f->id, id);
	while (*reason != '\0' && n + 1 < sizeof(type))
		type[n++] = *reason++;
	type[n] = '\0';
	am_buf_arena(&b, a->up->arena, 1024);
	am_buf_addc(&b, '{');
	am_buf_addkv(&b, "type", am_str_c(type));
	add_time(&b, "timestamp", f->fired_at);
	am_buf_addkey(&b, "data");
	am_buf_addc(&b, '{');
	add_complaint(&b, a->def, &a->up->next);
	add_followup(&b, a->def, f, id, say->reason);
	add_message(a, &b, &ctx, f, say);
	am_buf_adds(&b, "}}");
	return am_buf_str(&b);
}
