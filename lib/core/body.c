/*
 * body - what a receiver gets, rendered once, when the rung fires.
 *
 * Every attempt sends these bytes: rendering at each attempt would change a
 * body under one id when a text is edited. Nothing in it is personal: the
 * receiver knows the customer by the complaint's id.
 *
 * A channel of texts gets the same body with what its provider needs beside
 * it: the subject, and the approved template with its parameters filled in. So
 * whoever sends it has to know nothing of loops, messages and languages.
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

/* ---- the message ---- */

/* The message in the customer's language, of zh and zh-hk the nearer one, in
 * whichever order they are written. NULL: in its own. */
static const struct am_message_lang *
choose(const struct am_message *m, struct am_str want)
{
	const struct am_message_lang *best = NULL;

	for (size_t i = 0; i < m->langs_n; i++) {
		const struct am_message_lang *l = &m->langs[i];

		if (am_lang_serves(l->lang, want) &&
		    (best == NULL || strlen(l->lang) > strlen(best->lang)))
			best = l;
	}
	return best;
}

static const struct am_tmpl *
builtin(struct am_str source, struct am_arena *a)
{
	const struct am_tmpl *t = NULL;
	char what[200];
	int rc = am_tmpl_parse(a, source, &t, what);

	AM_ASSERT(rc == 0);
	return t;
}

/* A text that gets as much room as it takes is not made of pieces. */
static enum am_cut
render(const struct am_tmpl *t, const struct am_tmpl_ctx *ctx,
    struct am_cut_limit limit, struct am_arena *a, struct am_str *text)
{
	enum am_cut cut = AM_CUT_NONE;
	const struct am_piece *pieces;
	struct am_buf b;
	size_t n;

	am_buf_arena(&b, a, 256);
	if (limit.segments == 0 && limit.characters == 0 && limit.bytes == 0) {
		am_tmpl_render(t, ctx, &b);
	} else {
		n = am_tmpl_pieces(t, ctx, a, &pieces);
		cut = am_cut_join(pieces, n, limit, &b);
	}
	*text = am_buf_str(&b);
	return cut;
}

/* Controls become blanks: in a line of a mail's head, in a parameter. Those
 * beyond ASCII, U+0080 to U+009F, are two bytes. */
static struct am_str
one_line(struct am_arena *a, struct am_str s)
{
	struct am_buf b;

	am_buf_arena(&b, a, s.n);
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		bool two =
		    c == 0xc2 && i + 1 < s.n && (uint8_t)s.p[i + 1] < 0xa0;

		am_buf_addc(&b, two || c < ' ' || c == 0x7f ? ' ' : s.p[i]);
		i += two;
	}
	return am_buf_str(&b);
}

struct am_said
am_body_text(const struct am_followup *f, const struct am_fu_say *say,
    const struct am_tmpl_ctx *ctx, struct am_str want, const struct am_via *via,
    struct am_arena *a)
{
	struct am_cut_limit limit = { 0 };
	const struct am_message_lang *l;
	const struct am_tmpl *t;
	struct am_said said;

	if (say->message != NULL) {
		l = choose(say->message, want);
		t = l != NULL ? l->text : say->message->text;
		said.lang = l != NULL ? l->lang : "und"; /* BCP 47: not said */
	} else {
		t = builtin(
		    am_text_builtin(ctx->def, f, say->about, want, &said.lang),
		    a);
	}
	if (via != NULL && via->provider == NULL) {
		limit.segments = via->max_segments;
		limit.bytes = via->max_bytes;
	}
	said.cut = render(t, ctx, limit, a, &said.text);
	return said;
}

struct am_str
am_body_subject(const struct am_followup *f, const struct am_fu_say *say,
    const struct am_tmpl_ctx *ctx, struct am_str want, struct am_arena *a)
{
	const struct am_message *m = say->message;
	const struct am_message_lang *l = m != NULL ? choose(m, want) : NULL;
	const struct am_tmpl *t = NULL;
	struct am_str text;

	if (l != NULL)
		t = l->subject;
	if (t == NULL && m != NULL)
		t = m->subject;
	if (t == NULL)
		t = builtin(am_text_subject(f, want), a);
	(void)render(t, ctx, (struct am_cut_limit){ 0 }, a, &text);
	return one_line(a, text);
}

const struct am_message_template *
am_body_template(
    const struct am_message *m, const struct am_via *via, struct am_str want)
{
	const struct am_message_template *best = NULL;
	size_t best_n = 0;

	for (size_t i = 0; m != NULL && i < m->templates_n; i++) {
		const struct am_message_template *t = &m->templates[i];
		size_t n = t->lang != NULL ? strlen(t->lang) : 0;

		if (strcmp(t->provider, via->provider) != 0 ||
		    (n > 0 && !am_lang_serves(t->lang, want)))
			continue;
		if (best == NULL || n > best_n) {
			best = t;
			best_n = n;
		}
	}
	return best;
}

void
am_body_add_template(struct am_buf *b, const struct am_message_template *t,
    const struct am_tmpl_ctx *ctx, const struct am_via *via, struct am_arena *a)
{
	const struct am_cut_limit limit = { .characters = via->param_max };
	struct am_str value;

	am_buf_addkey(b, "template");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "id", am_str_c(t->id));
	am_buf_addkey(b, "params");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < t->params_n; i++) {
		const struct am_message_param *p = &t->params[i];

		(void)render(p->value, ctx, limit, a, &value);
		am_buf_adds(b, i == 0 ? "{" : ",{");
		if (p->name != NULL)
			am_buf_addkv(b, "name", am_str_c(p->name));
		am_buf_addkv(b, "value", one_line(a, value));
		am_buf_addc(b, '}');
	}
	am_buf_adds(b, "]}");
}

static void
add_message(struct am_act *a, struct am_buf *b, const struct am_tmpl_ctx *ctx,
    const struct am_followup *f, const struct am_fu_say *say,
    const struct am_via *via)
{
	struct am_arena *arena = a->up->arena;
	struct am_str want = ctx->complaint->lang;
	const struct am_message_template *t = NULL;
	struct am_said said = am_body_text(f, say, ctx, want, via, arena);

	am_buf_addkey(b, "message");
	am_buf_addc(b, '{');
	am_buf_addkv(b, "text", said.text);
	am_buf_addkv(b, "lang", am_str_c(said.lang));
	if (via != NULL && via->is_text)
		am_buf_addkv(
		    b, "subject", am_body_subject(f, say, ctx, want, arena));
	if (via != NULL && via->provider != NULL)
		t = am_body_template(say->message, via, want);
	if (t != NULL)
		am_body_add_template(b, t, ctx, via, arena);
	am_buf_addc(b, '}');
}

/* ---- the body ---- */

static struct am_tmpl_ctx
context(const struct am_act *a, const struct am_followup *f, const char *id)
{
	return (struct am_tmpl_ctx){
		.def = a->def,
		.complaint = &a->up->next,
		.clock = f->clock,
		.rung = f->rung,
		.followup_id = id,
		.due_at = f->due_at,
		.now = f->fired_at,
	};
}

const char *
am_body_unfit(struct am_act *a, const struct am_followup *f,
    const struct am_fu_say *say, const struct am_via *via)
{
	struct am_str want = a->up->next.lang;
	char id[AM_FU_ID_LEN + 1];
	struct am_tmpl_ctx ctx = context(a, f, id);

	if (via->provider != NULL)
		return am_body_template(say->message, via, want) == NULL
			   ? "no_template"
			   : NULL;
	if (via->max_segments == 0 && via->max_bytes == 0)
		return NULL;
	am_fu_id_format(f->id, id); /* as long as the one it will have */
	return am_body_text(f, say, &ctx, want, via, a->up->arena).cut ==
		       AM_CUT_OVER
		   ? "too_long"
		   : NULL;
}

struct am_str
am_body_render(struct am_act *a, const struct am_followup *f,
    const struct am_fu_say *say, const struct am_via *via)
{
	char id[AM_FU_ID_LEN + 1], type[32] = "followup.";
	const struct am_tmpl_ctx ctx = context(a, f, id);
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
	add_message(a, &b, &ctx, f, say, via);
	am_buf_adds(&b, "}}");
	return am_buf_str(&b);
}
