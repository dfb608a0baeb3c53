/* preview - see preview.h. */

#include "sim/preview_subject.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "core/followup.h"
#include "core/saying.h"
#include "core/segments.h"
#include "core/tmpl.h"

/* ---- what it says ---- */

static am_ms
due_at(const struct am_subject *s)
{
	const struct am_preview *p = s->p;
	am_ms due = AM_NEVER;

	if (s->rung < p->def->clocks[s->clock].rungs_n)
		due = am_rung_due(p->def, p->c, s->clock, s->rung);
	if (due == AM_NEVER)
		due = am_clock_due(p->def, p->c, s->clock);
	return due != AM_NEVER ? due
			       : am_clock_due(p->def, p->c,
				     (size_t)AM_CLOCK_STAGE0 + p->c->stage);
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
speak(const struct am_subject *s, struct am_str want, const struct am_via *via,
    struct spoken *k)
{
	const struct am_preview *p = s->p;

	memset(k, 0, sizeof(*k));
	k->f.clock = (uint8_t)s->clock;
	k->f.rung = (uint8_t)s->rung;
	k->f.reason = s->reason;
	k->f.to = s->to;
	k->say.message = s->message;
	k->say.about =
	    s->saying < AM_NOTICES_N ? (enum am_notice)s->saying : AM_NOTICES_N;
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
lang_of(const struct am_subject *s, struct am_str want)
{
	struct spoken k;

	speak(s, want, NULL, &k);
	return k.said.lang;
}

/* The k-th template of the channel's provider in a language that the message
 * has no text in. */
static const char *
template_lang(const struct am_subject *s, size_t k)
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
language(const struct am_subject *s, size_t i, struct am_str *lang)
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
add_subject(struct am_buf *b, const struct am_subject *s)
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
add_max(struct am_buf *b, const struct am_via *via)
{
	if (via->provider != NULL)
		return;
	if (via->max_segments > 0)
		am_buf_addki(b, "max_segments", via->max_segments);
	if (via->max_bytes > 0)
		am_buf_addki(b, "max_bytes", (int64_t)via->max_bytes);
}

static void
add_channel(struct am_buf *b, const struct am_subject *s,
    const struct spoken *k, struct am_str want)
{
	const struct am_preview *p = s->p;

	am_buf_addkv(b, "endpoint", am_str_c(p->via->endpoint));
	add_max(b, p->via);
	add_bool(b, "cut", k->said.cut == AM_CUT_DONE);
	if (k->unfit != NULL)
		am_buf_addkv(b, "unfit", am_str_c(k->unfit));
	if (p->via->is_text)
		am_buf_addkv(b, "subject",
		    am_body_subject(&k->f, &k->say, &k->ctx, want, p->a));
	if (k->t != NULL)
		am_body_add_template(b, k->t, &k->ctx, p->via, p->a);
}

static bool
is_ever_said(const struct am_subject *s, size_t saying)
{
	const struct am_saying_way *ways;

	return am_saying_ways(s->p->def, saying, s->p->a, &ways) > 0;
}

/* Where the loop says it. */
static void
add_uses(struct am_buf *b, const struct am_subject *s)
{
	size_t start;

	am_buf_addkey(b, "uses");
	am_buf_addc(b, '[');
	start = b->n;
	for (size_t c = 0; c < AM_CLOCK_CALLBACK; c++) {
		const struct am_clockdef *d = &s->p->def->clocks[c];

		for (size_t r = 0; r < d->rungs_n; r++) {
			if (!am_subject_at_rung(&d->rungs[r], s) ||
			    d->rungs[r].via_n == 0)
				continue;
			am_buf_adds(b, b->n > start ? ",{" : "{");
			am_buf_addkv(b, "clock", am_str_c(d->name));
			am_buf_addkv(b, "rung", am_str_c(d->rungs[r].name));
			am_buf_addc(b, '}');
		}
	}
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		if (!am_subject_at_saying(s, i) || !is_ever_said(s, i))
			continue;
		am_buf_adds(b, b->n > start ? ",{" : "{");
		am_buf_addkv(b, "notice", am_str_c(am_saying_str(i)));
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
show(const struct am_subject *s, struct am_str want, bool asked)
{
	const struct am_preview *p = s->p;
	struct spoken k;
	struct am_buf b;

	speak(s, want, p->via, &k);
	am_buf_arena(&b, p->a, 512);
	am_buf_addc(&b, '{');
	add_subject(&b, s);
	add_uses(&b, s);
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
is_of_template(const struct am_subject *s, size_t i)
{
	return s->message != NULL && i > s->message->langs_n;
}

int
am_preview_show(
    const struct am_preview *p, struct am_str name, struct am_str lang)
{
	struct am_subject s;
	struct am_str each;

	if (!am_subject_find(p, name, &s))
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
limit_of(
    const struct am_subject *s, struct am_str lang, const struct am_via *via)
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

static size_t
add_channels(const struct am_via *out[CHANNELS_MAX], size_t n,
    const struct am_via *via, size_t via_n)
{
	for (size_t i = 0; i < via_n; i++) {
		if (via[i].is_text && n < CHANNELS_MAX &&
		    !is_listed(out, n, &via[i]))
			out[n++] = &via[i];
	}
	return n;
}

/* The channels of texts by which the loop sends it. */
static size_t
channels(const struct am_subject *s, const struct am_via *out[CHANNELS_MAX])
{
	const struct am_saying_way *ways;
	size_t n = 0, ways_n;

	for (size_t c = 0; c < AM_CLOCK_CALLBACK; c++) {
		const struct am_clockdef *d = &s->p->def->clocks[c];

		for (size_t r = 0; r < d->rungs_n; r++) {
			if (am_subject_at_rung(&d->rungs[r], s))
				n = add_channels(
				    out, n, d->rungs[r].via, d->rungs[r].via_n);
		}
	}
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		if (!am_subject_at_saying(s, i))
			continue;
		ways_n = am_saying_ways(s->p->def, i, s->p->a, &ways);
		for (size_t w = 0; w < ways_n; w++)
			n = add_channels(
			    out, n, ways[w].way.via, ways[w].way.n);
	}
	return n;
}

static void
add_limits(struct am_buf *b, const struct am_subject *s, struct am_str lang,
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
		add_max(b, via[i]);
		am_buf_addkv(b, "is", am_str_c(is));
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
list(const struct am_subject *s)
{
	const struct am_via *via[CHANNELS_MAX];
	const struct am_preview *p = s->p;
	size_t n = channels(s, via);
	struct am_str lang;
	struct am_buf b;

	am_buf_arena(&b, p->a, 512);
	am_buf_addc(&b, '{');
	add_subject(&b, s);
	add_uses(&b, s);
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

/* The i-th name that may be asked for: a message hides a reason, that hides
 * what no rung says. */
static const char *
name_at(const struct am_preview *p, size_t i)
{
	if (i < p->messages_n)
		return p->messages[i]->name;
	i -= p->messages_n;
	if (i < AM_REASONS_N)
		return am_reason_str((enum am_reason)i);
	i -= AM_REASONS_N;
	return i < AM_SAYINGS_N ? am_saying_str(i) : NULL;
}

/* A built-in text under its own name, once; one that no rung says only where
 * the loop ever says it. */
static bool
is_listed_at(const struct am_subject *s, size_t i)
{
	if (i < AM_REASONS_N)
		return true;
	return s->saying < AM_SAYINGS_N && is_ever_said(s, s->saying);
}

void
am_preview_list(const struct am_preview *p)
{
	struct am_preview all = *p;
	const char *name;
	struct am_subject s;

	all.via = NULL;
	for (size_t i = 0; (name = name_at(p, i)) != NULL; i++) {
		bool found = am_subject_find(&all, am_str_c(name), &s);

		AM_ASSERT(found);
		if (i < p->messages_n ||
		    (s.message == NULL && is_listed_at(&s, i - p->messages_n)))
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
