/*
 * judge_text - messages that the channels by which a loop sends them cannot
 * carry: what is too long by its own words is refused, what goes by approved
 * templates and has none is warned of, since the next channel takes it.
 */

#include "build.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/saying.h"
#include "core/segments.h"
#include "core/tmpl.h"

struct judge {
	struct am_build *b;
	const struct am_loopdef *def;
	const struct am_node *loop;
};

/* Who sends a message: a rung, or what no rung says. */
struct sender {
	const struct am_node *n;
	const char *what, *name; /* "rung" "ask", "notice" "hold" */
	const struct am_message *message;
};

/* What is written is not cut, so it has to fit by itself (FU9). */
static void
judge_length(const struct judge *j, const struct sender *by,
    const struct am_via *via, const char *lang, const struct am_tmpl *text)
{
	const char *in = lang[0] != '\0' ? " in " : "";
	struct am_segments s;
	struct am_str is;
	struct am_buf b;

	am_buf_arena(&b, j->b->a, 256);
	am_tmpl_literals(text, &b);
	is = am_buf_str(&b);
	s = am_segments_count(is);
	if (via->max_segments > 0 && s.segments > via->max_segments)
		am_fault(j->b, by->n, "message",
		    "message: \"%s\"%s%s takes %zu segments (%s) without its "
		    "values, and endpoint \"%s\", by which %s \"%s\" sends "
		    "it, sends %u; shorten it, or raise max_segments",
		    by->message->name, in, lang, s.segments,
		    am_segments_encoding(&s), via->endpoint, by->what, by->name,
		    (unsigned)via->max_segments);
	if (via->max_bytes > 0 && is.n > via->max_bytes)
		am_fault(j->b, by->n, "message",
		    "message: \"%s\"%s%s takes %zu bytes without its values, "
		    "and the provider of endpoint \"%s\", by which %s \"%s\" "
		    "sends it, takes %zu (max_bytes); shorten it",
		    by->message->name, in, lang, is.n, via->endpoint, by->what,
		    by->name, via->max_bytes);
}

/*
 * A gateway that sends approved texts only, and one that it does not know: the
 * next channel is taken then, and if there is none, the follow-up is dead.
 * Whoever reads a language without a template is not told by it either.
 */
static void
judge_template(
    const struct judge *j, const struct sender *by, const struct am_via *via)
{
	int line = am_node_line(by->n, "message");
	const struct am_message *m = by->message;
	const char *lang = NULL;

	for (size_t i = 0; i < m->templates_n; i++) {
		const struct am_message_template *t = &m->templates[i];

		if (strcmp(t->provider, via->provider) != 0)
			continue;
		if (t->lang == NULL)
			return;
		lang = t->lang;
	}
	if (lang == NULL)
		am_warn(j->b, by->n->file, line,
		    "message \"%.64s\" has no template \"%s\", so %s \"%s\" "
		    "cannot go by %s; add template \"%s\" { id = … }",
		    m->name, via->provider, by->what, by->name, via->endpoint,
		    via->provider);
	else
		am_warn(j->b, by->n->file, line,
		    "message \"%.64s\" has templates of %s for some languages "
		    "only (%s), so %s \"%s\" cannot go by %s to others; leave "
		    "`lang` out of one",
		    m->name, via->provider, lang, by->what, by->name,
		    via->endpoint);
}

static void
judge_channel(
    const struct judge *j, const struct sender *by, const struct am_via *via)
{
	const struct am_message *m = by->message;

	if (via->provider != NULL) {
		judge_template(j, by, via);
		return;
	}
	if (m->text != NULL)
		judge_length(j, by, via, "", m->text);
	for (size_t l = 0; l < m->langs_n; l++) {
		if (m->langs[l].text != NULL)
			judge_length(
			    j, by, via, m->langs[l].lang, m->langs[l].text);
	}
}

static void
judge_channels(const struct judge *j, size_t slot, const struct am_rungdef *r)
{
	const struct sender by = { am_node_find(
				       am_clock_node(j->loop, j->def, slot),
				       "rung", r->name),
		"rung", r->name, r->message };

	for (size_t i = 0; i < r->via_n; i++) {
		const struct am_via *via = &r->via[i];

		if (r->message != NULL)
			judge_channel(j, &by, via);
		else if (r->message_name == NULL && via->provider != NULL)
			am_warn(j->b, by.n->file, by.n->line,
			    "the built-in text has no template \"%s\", so "
			    "rung \"%s\" cannot go by %s; add template \"%s\" "
			    "{ id = … } to a message of its own",
			    via->provider, r->name, via->endpoint,
			    via->provider);
	}
}

/* ---- what no rung says ---- */

/* An endpoint stands in many lists of channels: it is judged once. */
static bool
is_judged(
    const struct am_saying_way *ways, size_t way, const struct am_via *via)
{
	for (size_t w = 0; w <= way; w++) {
		for (size_t i = 0; i < ways[w].way.n; i++) {
			const struct am_via *x = &ways[w].way.via[i];

			if (x == via)
				return false;
			if (strcmp(x->endpoint, via->endpoint) == 0)
				return true;
		}
	}
	return false;
}

static void
judge_saying(const struct judge *j, size_t saying)
{
	const struct am_message *m = j->def->sayings[saying].message;
	const char *name = am_saying_str(saying);
	const struct sender by = { am_node_find(j->loop, "notice", name),
		"notice", name, m };
	const char *key = am_saying_missing(j->def, saying);
	const struct am_saying_way *ways;
	size_t n;

	if (m == NULL)
		return;
	if (key != NULL)
		am_fault(j->b, by.n, NULL,
		    "notice \"%s\": this loop never says it; set %s, or "
		    "remove it",
		    name, key);
	n = am_saying_ways(j->def, saying, j->b->a, &ways);
	for (size_t w = 0; w < n; w++) {
		for (size_t i = 0; i < ways[w].way.n; i++) {
			const struct am_via *via = &ways[w].way.via[i];

			if (!is_judged(ways, w, via))
				judge_channel(j, &by, via);
		}
	}
}

/* The first channel of a way whose channels take templates only; NULL: it has
 * others. */
static const struct am_via *
takes_templates_only(const struct am_fu_way *way)
{
	for (size_t i = 0; i < way->n; i++) {
		if (way->via[i].provider == NULL)
			return NULL;
	}
	return way->n > 0 ? &way->via[0] : NULL;
}

static const struct am_via *
cannot_go(const struct judge *j, size_t saying)
{
	const struct am_saying_way *ways;
	const struct am_via *via = NULL;
	size_t n;

	if (am_saying_message(j->def, saying) != NULL)
		return NULL;
	n = am_saying_ways(j->def, saying, j->b->a, &ways);
	for (size_t w = 0; w < n && via == NULL; w++)
		via = takes_templates_only(&ways[w].way);
	return via;
}

/* Built-in texts have no template. */
static void
judge_built_in(const struct judge *j)
{
	const struct am_via *via = NULL;
	const char *first = NULL;
	struct am_buf b;

	am_buf_arena(&b, j->b->a, 256);
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		const struct am_via *no = cannot_go(j, i);

		if (no == NULL)
			continue;
		am_buf_adds(&b, via != NULL ? ", " : "");
		am_buf_adds(&b, am_saying_str(i));
		if (via == NULL) {
			via = no;
			first = am_saying_str(i);
		}
	}
	if (via != NULL)
		am_warn(j->b, j->loop->file, j->loop->line,
		    "loop \"%s\": %.*s %s no template \"%s\" and cannot go "
		    "by %s; write notice \"%s\" { message = … } of a message "
		    "that has one, or give a rung to the same role one more "
		    "endpoint",
		    j->def->name, AM_ARG(am_buf_str(&b)),
		    memchr(b.p, ',', b.n) != NULL ? "have" : "has",
		    via->provider, via->endpoint, first);
}

void
am_loop_judge_texts(
    struct am_build *b, const struct am_loopdef *def, const struct am_node *n)
{
	const struct judge j = { b, def, n };

	for (size_t slot = 0; slot < AM_CLOCK_CALLBACK; slot++) {
		for (size_t r = 0; r < def->clocks[slot].rungs_n; r++)
			judge_channels(&j, slot, &def->clocks[slot].rungs[r]);
	}
	for (size_t i = 0; i < AM_SAYINGS_N; i++)
		judge_saying(&j, i);
	judge_built_in(&j);
}
