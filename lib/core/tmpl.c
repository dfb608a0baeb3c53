/*
 * tmpl - texts with holes, compiled to a list of parts.
 *
 * A hole is an index into one table of fields, so that what a text may say and
 * what it says come from the same row. No conditions and no loops: a text that
 * needs them is two messages.
 */

#include "core/tmpl.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "core/short_link.h"

struct part {
	struct am_str literal; /* n == 0: a field */
	uint8_t field, enc;
};

struct am_tmpl {
	size_t n;
	struct part parts[];
};

typedef void getter(const struct am_tmpl_ctx *x, struct am_buf *out);

static void
add_local(const struct am_tmpl_ctx *x, am_ms t, struct am_buf *out)
{
	char text[32];

	if (t == AM_NEVER) {
		am_buf_adds(out, "never");
		return;
	}
	am_local_format(t, am_zone_offset(x->def->zone, t), text);
	am_buf_adds(out, text);
}

static void
get_id(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->id);
}

static void
get_loop(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, x->def->name);
}

static void
get_version(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addi(out, x->complaint->version);
}

static void
get_stage(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, x->def->stages[x->complaint->stage].name);
}

static void
get_status(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, am_status_str(x->complaint->status));
}

static void
get_cycle(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addi(out, x->complaint->cycle);
}

static void
get_tier(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, x->def->tiers[x->complaint->tier]);
}

static void
get_owner(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	if (x->complaint->owner.n != 0)
		am_buf_addstr(out, x->complaint->owner);
	else
		am_buf_addc(
		    out, '-'); /* nobody yet; a gap reads like a fault */
}

static void
get_category(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->category);
}

static void
get_severity(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->severity);
}

static void
get_incident(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->incident);
}

static void
get_team(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->team);
}

/* The complaint that this one duplicates. */
static void
get_target(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->target);
}

static void
get_opened(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	add_local(x, x->complaint->opened_at, out);
}

static void
get_clock_name(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, x->def->clocks[x->clock].name);
}

/* A clock that does not run has no due of its own: then it is the rung's. */
static void
get_clock_due(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_ms due = am_clock_due(x->def, x->complaint, x->clock);

	add_local(x, due != AM_NEVER ? due : x->due_at, out);
}

static void
get_clock_elapsed(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_ms since = x->complaint->clocks[x->clock].started;
	char text[32];

	am_span_format(x->now > since ? x->now - since : 0, text);
	am_buf_adds(out, text);
}

static void
get_clock_budget(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	char text[32];

	am_span_format(x->complaint->clocks[x->clock].budget, text);
	am_buf_adds(out, text);
}

/* What extensions have added to the budget. */
static void
get_clock_extended(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	char text[32];

	am_span_format(x->complaint->clocks[x->clock].extra, text);
	am_buf_adds(out, text);
}

/* On the callback clock a rung is an attempt; elsewhere, how many there were.
 */
static void
get_attempt(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	const struct am_clockdef *d = &x->def->clocks[AM_CLOCK_CALLBACK];
	bool is_one = x->clock == AM_CLOCK_CALLBACK && x->rung < d->rungs_n &&
		      !d->rungs[x->rung].told;

	am_buf_addi(
	    out, is_one ? (int64_t)x->rung + 1 : x->complaint->attempts);
}

static void
get_hold_reason(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_addstr(out, x->complaint->hold_reason);
}

static void
get_hold_since(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	if (x->complaint->held_since != 0)
		add_local(x, x->complaint->held_since, out);
}

static void
get_fu_id(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, x->followup_id);
}

static void
get_fu_rung(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	const struct am_clockdef *d = &x->def->clocks[x->clock];

	if (x->rung < d->rungs_n)
		am_buf_adds(out, d->rungs[x->rung].name);
}

static void
get_fu_due(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	add_local(x, x->due_at, out);
}

static void
get_recourse(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	am_buf_adds(out, x->def->recourse_url);
}

static void
get_link(const struct am_tmpl_ctx *x, struct am_buf *out)
{
	if (x->def->link != NULL)
		am_short_link_add(out, x->def->link, x->complaint->id, x->now);
}

/* Cuttable are words that describe; what somebody types, calls, opens or plans
 * by stays whole. */
/* clang-format off */
static const struct {
	const char *name;
	getter *get;
	bool may_cut;
	const char *about;
} fields[] = {
	{ "complaint.id",        get_id,              false, "the complaint" },
	{ "complaint.loop",      get_loop,            true,  "the loop's name" },
	{ "complaint.version",   get_version,         false, "how often it has changed" },
	{ "complaint.stage",     get_stage,           true,  "the stage it is in" },
	{ "complaint.status",    get_status,          false, "open, held or closed" },
	{ "complaint.cycle",     get_cycle,           false, "1, and one more a reopening" },
	{ "complaint.tier",      get_tier,            true,  "the tier" },
	{ "complaint.severity",  get_severity,        true,  "the severity" },
	{ "complaint.owner",     get_owner,           true,  "who owns it; - when nobody does" },
	{ "complaint.team",      get_team,            true,  "the team" },
	{ "complaint.category",  get_category,        true,  "what it is about" },
	{ "complaint.incident",  get_incident,        false, "the incident's key" },
	{ "complaint.target",    get_target,          false, "the complaint that it duplicates" },
	{ "complaint.opened",    get_opened,          false, "when it was opened" },
	{ "clock.name",          get_clock_name,      true,  "the clock that speaks: a stage's name, final" },
	{ "clock.due",           get_clock_due,       false, "when that clock is due" },
	{ "clock.elapsed",       get_clock_elapsed,   false, "how long ago it was started" },
	{ "clock.budget",        get_clock_budget,    false, "its budget" },
	{ "clock.extended",      get_clock_extended,  false, "what extensions have added to the budget" },
	{ "callback.attempt",    get_attempt,         false, "which attempt to call, or how many were made" },
	{ "hold.reason",         get_hold_reason,     true,  "why it is held" },
	{ "hold.since",          get_hold_since,      false, "since when it is held" },
	{ "followup.id",         get_fu_id,           false, "the follow-up" },
	{ "followup.rung",       get_fu_rung,         true,  "the rung's name" },
	{ "followup.due",        get_fu_due,          false, "when the follow-up was due" },
	{ "recourse.url",        get_recourse,        false, "url of the section recourse" },
	{ "link",                get_link,            false, "the customer's link to the state of the complaint" },
};
/* clang-format on */

const char *
am_tmpl_field(size_t i, const char **about)
{
	if (i >= AM_COUNT(fields))
		return NULL;
	*about = fields[i].about;
	return fields[i].name;
}

bool
am_tmpl_may_cut(size_t i)
{
	return fields[i].may_cut;
}

static const char *const encs[] = { "raw", "json", "url", "form", "hex" };

int
am_enc_parse(struct am_str word, enum am_enc *enc)
{
	for (size_t i = 0; i < AM_COUNT(encs); i++) {
		if (am_str_is(word, encs[i])) {
			*enc = (enum am_enc)i;
			return 0;
		}
	}
	return -AM_EINVAL;
}

/* ---- compile ---- */

static void
say(char what[200], const char *const *words, struct am_str bad)
{
	size_t n = 0;

	for (; *words != NULL; words++) {
		struct am_str w = am_str_c(*words);

		if (w.n == 0) /* the fault itself, cut */
			w = (struct am_str){ bad.p, bad.n < 40 ? bad.n : 40 };
		for (size_t i = 0; i < w.n && n < 199; i++)
			what[n++] = w.p[i];
	}
	what[n] = '\0';
}

static const char *
nearest_field(struct am_str name)
{
	const char *best = "complaint.id";
	size_t least = 8;
	char text[40];

	if (name.n >= sizeof(text))
		return best;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	for (size_t i = 0; i < AM_COUNT(fields); i++) {
		size_t d = am_str_distance(text, fields[i].name, least);

		if (d < least) {
			least = d;
			best = fields[i].name;
		}
	}
	return best;
}

/* Compile what stands between the braces. */
static int
parse_hole(struct am_str hole, struct part *part, char what[200])
{
	const char *colon = memchr(hole.p, ':', hole.n);
	struct am_str name = hole, enc = AM_STR("raw");
	enum am_enc how = AM_ENC_RAW;
	size_t i = 0;

	if (colon != NULL) {
		name.n = (size_t)(colon - hole.p);
		enc = (struct am_str){ colon + 1, hole.n - name.n - 1 };
	}
	while (i < AM_COUNT(fields) && !am_str_is(name, fields[i].name))
		i++;
	if (i == AM_COUNT(fields)) {
		const char *const words[] = { "unknown field {", "",
			"}; did you mean {", nearest_field(name), "}?", NULL };

		say(what, words, name);
		return -AM_EINVAL;
	}
	if (am_enc_parse(enc, &how) != 0) {
		const char *const words[] = { "unknown encoder '", "",
			"'; one of raw, json, url, form, hex", NULL };

		say(what, words, enc);
		return -AM_EINVAL;
	}
	*part = (struct part){ .field = (uint8_t)i, .enc = (uint8_t)how };
	return 0;
}

/* One part from the head of *text; *text moves on. */
static int
parse_part(struct am_str *text, struct part *part, char what[200])
{
	static const char *const open[] = { "'{' without '}'; close the field "
					    "or write {{ for a brace",
		NULL };
	static const char *const close[] = { "'}' without '{'; write }} for a "
					     "brace",
		NULL };
	struct am_str head = *text;
	const char *end;
	size_t n = 0;

	while (n < head.n && head.p[n] != '{' && head.p[n] != '}')
		n++;
	if (n == 0 && head.n > 1 && head.p[0] == head.p[1]) {
		part->literal = (struct am_str){ head.p, 1 };
		n = 2;
	} else if (n > 0) {
		part->literal = (struct am_str){ head.p, n };
	} else if (head.p[0] == '}') {
		say(what, close, head);
		return -AM_EINVAL;
	} else {
		end = memchr(head.p, '}', head.n);
		if (end == NULL) {
			say(what, open, head);
			return -AM_EINVAL;
		}
		n = (size_t)(end - head.p) + 1;
		head = (struct am_str){ head.p + 1, n - 2 };
		if (parse_hole(head, part, what) != 0)
			return -AM_EINVAL;
	}
	text->p += n;
	text->n -= n;
	return 0;
}

int
am_tmpl_parse(struct am_arena *a, struct am_str text, const struct am_tmpl **t,
    char what[200])
{
	struct am_str left = am_arena_dup(a, text);
	struct am_tmpl *tmpl;
	size_t most = 1;

	/* a part is a run without braces, or begins with a brace */
	for (size_t i = 0; i < left.n; i++)
		most += 2 * (size_t)(left.p[i] == '{' || left.p[i] == '}');
	tmpl = am_arena_zalloc(a, sizeof(*tmpl) + most * sizeof(struct part));
	while (left.n > 0) {
		AM_ASSERT(tmpl->n < most);
		if (parse_part(&left, &tmpl->parts[tmpl->n], what) != 0)
			return -AM_EINVAL;
		tmpl->n++;
	}
	*t = tmpl;
	return 0;
}

/* ---- render ---- */

static bool
is_alnum(uint8_t ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
	       (ch >= '0' && ch <= '9');
}

/* RFC 3986 leaves -._~ alone, HTML forms -._* and write + for a blank. */
static void
add_pct(struct am_buf *out, struct am_str s, bool form)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t ch = (uint8_t)s.p[i];

		if (is_alnum(ch) || ch == '-' || ch == '.' || ch == '_' ||
		    ch == (form ? '*' : '~')) {
			am_buf_addc(out, (char)ch);
		} else if (form && ch == ' ') {
			am_buf_addc(out, '+');
		} else {
			am_buf_addc(out, '%');
			am_buf_addc(out, digits[ch >> 4]);
			am_buf_addc(out, digits[ch & 15]);
		}
	}
}

void
am_enc_add(struct am_buf *out, enum am_enc enc, struct am_str s)
{
	switch (enc) {
	case AM_ENC_RAW:
		am_buf_addstr(out, s);
		break;
	case AM_ENC_JSON:
		am_buf_addjson(out, s);
		break;
	case AM_ENC_URL:
		add_pct(out, s, false);
		break;
	case AM_ENC_FORM:
		add_pct(out, s, true);
		break;
	case AM_ENC_HEX:
		am_buf_addhex(out, (const uint8_t *)s.p, s.n);
		break;
	}
}

static void
add_field(
    const struct part *p, const struct am_tmpl_ctx *ctx, struct am_buf *out)
{
	struct am_buf value;

	if (p->enc == AM_ENC_RAW) {
		fields[p->field].get(ctx, out);
		return;
	}
	am_buf_init(&value);
	value.arena = out->arena; /* where the text lies, its pieces may lie */
	fields[p->field].get(ctx, &value);
	am_enc_add(out, (enum am_enc)p->enc, am_buf_str(&value));
	am_buf_fini(&value);
}

void
am_tmpl_render(
    const struct am_tmpl *t, const struct am_tmpl_ctx *ctx, struct am_buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->parts[i];

		if (p->literal.n > 0)
			am_buf_addstr(out, p->literal);
		else
			add_field(p, ctx, out);
	}
}

size_t
am_tmpl_pieces(const struct am_tmpl *t, const struct am_tmpl_ctx *ctx,
    struct am_arena *a, const struct am_piece **pieces)
{
	struct am_piece *out = am_arena_alloc(a, (t->n + 1) * sizeof(*out));

	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->parts[i];
		struct am_buf b;

		if (p->literal.n > 0) {
			out[i] = (struct am_piece){ p->literal, false };
			continue;
		}
		am_buf_arena(&b, a, 64);
		add_field(p, ctx, &b);
		/* a mark in what was encoded would be no code any more */
		out[i] = (struct am_piece){ am_buf_str(&b),
			fields[p->field].may_cut && p->enc == AM_ENC_RAW };
	}
	*pieces = out;
	return t->n;
}

void
am_tmpl_literals(const struct am_tmpl *t, struct am_buf *out)
{
	for (size_t i = 0; i < t->n; i++)
		am_buf_addstr(out, t->parts[i].literal);
}
