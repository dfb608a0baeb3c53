/* preview - see preview.h. */

#include "sim/preview.h"

#include <string.h>

#include <amends/step.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "core/followup.h"
#include "core/segments.h"
#include "core/tmpl.h"

/* What is shown, and where it speaks from. */
struct subject {
	const struct am_preview *p;
	const char *name;
	const struct am_message *message; /* NULL: built-in */
	enum am_reason reason;		  /* of a built-in text */
	size_t clock, rung;
	enum am_role to; /* of that rung, else whom it is made for */
};

/* ---- what to look at ---- */

const struct am_complaint *
am_preview_example(const struct am_loopdef *def, am_ms now, struct am_arena *a)
{
	static const struct am_pair fields[] = {
		{ AM_STR("category"), AM_STR("example") },
		{ AM_STR("owner"), AM_STR("nobody") },
	};
	const struct am_event opened = {
		.type = AM_EV_OPENED,
		.complaint_id = AM_STR("EXAMPLE"),
		.source = AM_STR("preview"),
		.event_id = AM_STR("1"),
		.at = now,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = fields,
		.fields_n = AM_COUNT(fields),
	};
	struct am_complaint *none = am_arena_zalloc(a, sizeof(*none));
	struct am_update *up = am_arena_zalloc(a, sizeof(*up));
	int rc;

	none->id = opened.complaint_id;
	up->arena = a;
	rc = am_step(def, none, &opened, now, up);
	AM_ASSERT(rc == 0 && up->verdict == AM_APPLIED);
	return &up->next;
}

static bool
says(const struct am_rungdef *r, const struct subject *s)
{
	if (s->message == NULL)
		return r->message_name == NULL && r->reason == s->reason;
	return r->message_name != NULL &&
	       strcmp(r->message_name, s->message->name) == 0;
}

/* A rung of that clock that says it. */
static bool
find_rung(struct subject *s, size_t clock)
{
	const struct am_clockdef *cd = &s->p->def->clocks[clock];

	for (size_t i = 0; i < cd->rungs_n; i++) {
		if (says(&cd->rungs[i], s)) {
			s->clock = clock;
			s->rung = i;
			s->to = cd->rungs[i].to;
			return true;
		}
	}
	return false;
}

static bool
is_for_customer(enum am_reason reason)
{
	return reason == AM_REASON_ASK || reason == AM_REASON_INFORM ||
	       reason == AM_REASON_RECOURSE || reason == AM_REASON_AFTERCARE;
}

static void
find_clock(struct subject *s)
{
	const struct am_complaint *c = s->p->c;
	size_t stage = (size_t)AM_CLOCK_STAGE0 + c->stage;
	/* clocks of rules have built-in texts of their own */
	size_t n = s->message != NULL ? AM_CLOCKS_MAX : AM_CLOCK_CALLBACK;

	s->clock = stage;
	s->rung = 0;
	s->to = is_for_customer(s->reason) ? AM_ROLE_CUSTOMER : AM_ROLE_OWNER;
	if (find_rung(s, stage))
		return;
	for (size_t i = 0; i < n; i++) {
		if (c->clocks[i].state == AM_CLK_RUNNING && find_rung(s, i))
			return;
	}
}

static bool
find_subject(const struct am_preview *p, struct am_str name, struct subject *s)
{
	*s = (struct subject){ .p = p };
	for (size_t i = 0; i < p->messages_n && s->message == NULL; i++) {
		if (am_str_is(name, p->messages[i]->name))
			s->message = p->messages[i];
	}
	while (s->message == NULL && s->reason < AM_REASONS_N &&
	       !am_str_is(name, am_reason_str(s->reason)))
		s->reason++;
	if (s->reason == AM_REASONS_N)
		return false;
	s->name =
	    s->message != NULL ? s->message->name : am_reason_str(s->reason);
	find_clock(s);
	return true;
}

/* ---- what it says ---- */

static am_ms
due_at(const struct subject *s)
{
	const struct am_preview *p = s->p;
	am_ms due = AM_NEVER;

	if (s->rung < p->def->clocks[s->clock].rungs_n)
		due = am_rung_due(p->def, p->c, s->clock, s->rung);
	return due != AM_NEVER ? due : am_clock_due(p->def, p->c, s->clock);
}

/* A message in a language on a channel; via NULL: as it is written. */
struct spoken {
	struct am_followup f;
	struct am_fu_say say;
	struct am_tmpl_ctx ctx;
	struct am_said said;
	const struct am_message_template *t; /* NULL: none, or none is needed */
	const char *unfit;		     /* NULL: the channel carries it */
	char id[AM_FU_ID_LEN + 1];
};

static void
speak(const struct subject *s, struct am_str want, const struct am_via *via,
    struct spoken *k)
{
	const struct am_preview *p = s->p;

	memset(k, 0, sizeof(*k));
	k->f.clock = (uint8_t)s->clock;
	k->f.rung = (uint8_t)s->rung;
	k->f.reason = s->reason;
	k->f.to = s->to;
	k->say.message = s->message;
	k->say.about = AM_NOTICES_N;
	am_fu_id_format(k->f.id, k->id);
	k->ctx = (struct am_tmpl_ctx){
		.def = p->def,
		.complaint = p->c,
		.clock = s->clock,
		.rung = s->rung,
		.followup_id = k->id,
		.due_at = due_at(s),
		.now = p->now,
	};
	k->said = am_body_text(&k->f, &k->say, &k->ctx, want, via, p->a);
	if (via != NULL && via->provider != NULL) {
		k->t = am_body_template(s->message, via, want);
		k->unfit = k->t == NULL ? "no_template" : NULL;
	} else if (k->said.cut == AM_CUT_OVER) {
		k->unfit = "too_long";
	}
}

static const char *
lang_of(const struct subject *s, struct am_str want)
{
	struct spoken k;

	speak(s, want, NULL, &k);
	return k.said.lang;
}

/* The k-th template of the channel's provider in a language that the message
 * has no text in. */
static const char *
template_lang(const struct subject *s, size_t k)
{
	const struct am_message *m = s->message;
	const struct am_via *via = s->p->via;

	for (size_t i = 0; via != NULL && via->provider != NULL && m != NULL &&
			   i < m->templates_n;
	     i++) {
		const struct am_message_template *t = &m->templates[i];
		bool known =
		    t->lang == NULL || strcmp(t->provider, via->provider) != 0;

		for (size_t l = 0; l < m->langs_n && !known; l++)
			known = strcmp(m->langs[l].lang, t->lang) == 0;
		if (!known && k-- == 0)
			return t->lang;
	}
	return NULL;
}

/* The i-th language that it has: "" is the message's own. */
static bool
language(const struct subject *s, size_t i, struct am_str *lang)
{
	static const char *const built_in[] = { "en", "zh" };
	const struct am_message *m = s->message;
	const char *of_template = NULL;

	if (m == NULL && i < AM_COUNT(built_in))
		*lang = am_str_c(built_in[i]);
	else if (m != NULL && i == 0)
		*lang = AM_STR("");
	else if (m != NULL && i <= m->langs_n)
		*lang = am_str_c(m->langs[i - 1].lang);
	else if (m != NULL &&
		 (of_template = template_lang(s, i - 1 - m->langs_n)) != NULL)
		*lang = am_str_c(of_template);
	else
		return false;
	return true;
}

/* ---- rows ---- */

static void
add_bool(struct am_buf *b, const char *key, bool value)
{
	am_buf_addkey(b, key);
	am_buf_adds(b, value ? "true" : "false");
}

static void
add_subject(struct am_buf *b, const struct subject *s)
{
	const struct am_preview *p = s->p;
	am_ms due = am_clock_due(p->def, p->c, s->clock);
	char text[32];

	am_buf_addkv(b, "message", am_str_c(s->name));
	add_bool(b, "built_in", s->message == NULL);
	am_buf_addkv(b, "loop", p->c->loop_ref);
	am_buf_addkv(b, "complaint", p->c->id);
	add_bool(b, "example", p->example);
	am_buf_addkv(b, "stage", am_str_c(p->def->stages[p->c->stage].name));
	am_buf_addkv(b, "clock", am_str_c(p->def->clocks[s->clock].name));
	am_buf_addkey(b, "due_at");
	if (due == AM_NEVER) {
		am_buf_adds(b, "null");
		return;
	}
	am_rfc3339_format(due, text);
	am_buf_addjson(b, am_str_c(text));
}

static void
add_cost(struct am_buf *b, struct am_str text)
{
	struct am_segments n = am_segments_count(text);

	am_buf_addkv(b, "encoding", am_str_c(am_segments_encoding(&n)));
	am_buf_addki(b, "characters", (int64_t)am_utf8_len(text));
	am_buf_addki(b, "units", (int64_t)n.units);
	am_buf_addki(b, "segments", (int64_t)n.segments);
}

static void
add_channel(struct am_buf *b, const struct subject *s, const struct spoken *k,
    struct am_str want)
{
	const struct am_preview *p = s->p;

	am_buf_addkv(b, "endpoint", am_str_c(p->via->endpoint));
	if (p->via->max_segments > 0 && p->via->provider == NULL)
		am_buf_addki(b, "max_segments", p->via->max_segments);
	add_bool(b, "cut", k->said.cut == AM_CUT_DONE);
	if (k->unfit != NULL)
		am_buf_addkv(b, "unfit", am_str_c(k->unfit));
	if (p->via->is_text)
		am_buf_addkv(b, "subject",
		    am_body_subject(&k->f, &k->say, &k->ctx, want, p->a));
	if (k->t != NULL)
		am_body_add_template(b, k->t, &k->ctx, p->via, p->a);
}

static void
show(const struct subject *s, struct am_str want, bool asked)
{
	const struct am_preview *p = s->p;
	struct spoken k;
	struct am_buf b;

	speak(s, want, p->via, &k);
	am_buf_arena(&b, p->a, 512);
	am_buf_addc(&b, '{');
	add_subject(&b, s);
	am_buf_addkv(&b, "lang", am_str_c(k.said.lang));
	if (asked) {
		am_buf_addkv(&b, "asked", want);
		add_bool(&b, "fallback", !am_lang_serves(k.said.lang, want));
	}
	add_bool(&b, "customer",
	    !p->example && strcmp(k.said.lang, lang_of(s, p->c->lang)) == 0);
	am_buf_addkv(&b, "customer_lang", p->c->lang);
	am_buf_addkv(&b, "text", k.said.text);
	add_cost(&b, k.said.text);
	if (p->via != NULL)
		add_channel(&b, s, &k, want);
	am_buf_addc(&b, '}');
	p->row(p->arg, am_buf_str(&b));
}

/* The text is then another language's. */
static bool
is_of_template(const struct subject *s, size_t i)
{
	return s->message != NULL && i > s->message->langs_n;
}

int
am_preview_show(
    const struct am_preview *p, struct am_str name, struct am_str lang)
{
	struct subject s;
	struct am_str each;

	if (!find_subject(p, name, &s))
		return -AM_ENOENT;
	if (lang.n > 0) {
		char *low = am_arena_alloc(p->a, lang.n);

		for (size_t i = 0; i < lang.n; i++) {
			bool upper = lang.p[i] >= 'A' && lang.p[i] <= 'Z';

			low[i] = (char)(lang.p[i] + (upper ? 'a' - 'A' : 0));
		}
		show(&s, (struct am_str){ low, lang.n }, true);
		return 0;
	}
	for (size_t i = 0; language(&s, i, &each); i++)
		show(&s, each, is_of_template(&s, i));
	return 0;
}

/* How a channel changes it; NULL: it does not. */
static const char *
limit_of(const struct subject *s, struct am_str lang, const struct am_via *via)
{
	struct spoken k;

	speak(s, lang, via, &k);
	if (k.unfit != NULL)
		return k.unfit;
	return k.said.cut != AM_CUT_NONE ? "cut" : NULL;
}

/* The channel is listed once, by the first rung that has it. */
static bool
is_listed(const struct am_via **listed, size_t n, const struct am_via *via)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(listed[i]->endpoint, via->endpoint) == 0)
			return true;
	}
	return false;
}

#define CHANNELS_MAX 64

/* The channels of texts by which rungs of the loop send it. */
static size_t
channels(const struct subject *s, const struct am_via *out[CHANNELS_MAX])
{
	size_t n = 0;

	for (size_t c = 0; c < AM_CLOCKS_MAX; c++) {
		const struct am_clockdef *d = &s->p->def->clocks[c];

		for (size_t r = 0; r < d->rungs_n; r++) {
			const struct am_rungdef *rung = &d->rungs[r];

			for (size_t v = 0; v < rung->via_n; v++) {
				const struct am_via *via = &rung->via[v];

				if (says(rung, s) && via->is_text &&
				    n < CHANNELS_MAX && !is_listed(out, n, via))
					out[n++] = via;
			}
		}
	}
	return n;
}

static void
add_limits(struct am_buf *b, const struct subject *s, struct am_str lang,
    const struct am_via *const *via, size_t n)
{
	bool first = true;

	am_buf_addkey(b, "limits");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		const char *is = limit_of(s, lang, via[i]);

		if (is == NULL)
			continue;
		am_buf_adds(b, first ? "{" : ",{");
		first = false;
		am_buf_addkv(b, "endpoint", am_str_c(via[i]->endpoint));
		if (via[i]->provider == NULL)
			am_buf_addki(b, "max_segments", via[i]->max_segments);
		am_buf_addkv(b, "is", am_str_c(is));
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
list(const struct subject *s)
{
	const struct am_via *via[CHANNELS_MAX];
	const struct am_preview *p = s->p;
	size_t n = channels(s, via);
	struct am_str lang;
	struct am_buf b;

	am_buf_arena(&b, p->a, 512);
	am_buf_addc(&b, '{');
	add_subject(&b, s);
	am_buf_addkey(&b, "langs");
	am_buf_addc(&b, '[');
	for (size_t i = 0; language(s, i, &lang); i++) {
		struct spoken k;

		speak(s, lang, NULL, &k);
		am_buf_adds(&b, i == 0 ? "{" : ",{");
		am_buf_addkv(&b, "lang", am_str_c(k.said.lang));
		add_cost(&b, k.said.text);
		add_limits(&b, s, lang, via, n);
		am_buf_addc(&b, '}');
	}
	am_buf_adds(&b, "]}");
	p->row(p->arg, am_buf_str(&b));
}

/* The i-th name that may be asked for: a message hides a reason. */
static const char *
name_at(const struct am_preview *p, size_t i)
{
	if (i < p->messages_n)
		return p->messages[i]->name;
	i -= p->messages_n;
	return i < AM_REASONS_N ? am_reason_str((enum am_reason)i) : NULL;
}

void
am_preview_list(const struct am_preview *p)
{
	struct am_preview all = *p;
	const char *name;
	struct subject s;

	all.via = NULL;
	for (size_t i = 0; (name = name_at(p, i)) != NULL; i++) {
		bool found = find_subject(&all, am_str_c(name), &s);

		AM_ASSERT(found);
		if (i < p->messages_n || s.message == NULL)
			list(&s);
	}
}

const char *
am_preview_near(const struct am_preview *p, struct am_str name)
{
	const char *text = am_arena_cstr(p->a, name), *best = NULL, *at;
	size_t least = 3;

	for (size_t i = 0; (at = name_at(p, i)) != NULL; i++) {
		size_t d = am_str_distance(text, at, 2);

		if (d < least) {
			least = d;
			best = at;
		}
	}
	return best;
}
