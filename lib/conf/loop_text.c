/*
 * loop_text - the normalised text of a loop, and the hash in its name.
 *
 * Effective values in a fixed order, rungs sorted, durations in their shortest
 * form: two files that mean the same give the same bytes. Keys that are not in
 * force are written as given and only then, so that a default that comes with
 * a later version does not rename every loop. The text parses to what it was
 * made from: it is its own fixed point.
 */

#include "build.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

/*
 * A string that libconfuse reads back as it is: in double quotes, or in single
 * ones, which expand nothing, when it holds what double quotes treat.
 */
static void
put_string(struct am_buf *b, const char *s)
{
	if (strpbrk(s, "\"\\$\n\t\r") == NULL) {
		am_buf_addc(b, '"');
		am_buf_adds(b, s);
		am_buf_addc(b, '"');
		return;
	}
	am_buf_addc(b, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			am_buf_addc(b, '\\');
		am_buf_addc(b, *s);
	}
	am_buf_addc(b, '\'');
}

static void
indent(struct am_buf *b, int depth)
{
	while (depth-- > 0)
		am_buf_addc(b, '\t');
}

static void
put_key(struct am_buf *b, int depth, const char *key, const char *value)
{
	indent(b, depth);
	am_buf_adds(b, key);
	am_buf_adds(b, " = ");
	put_string(b, value);
	am_buf_addc(b, '\n');
}

static void
put_list(struct am_buf *b, int depth, const char *key, const char *const *v,
    size_t n)
{
	indent(b, depth);
	am_buf_adds(b, key);
	am_buf_adds(b, " = {");
	for (size_t i = 0; i < n; i++) {
		am_buf_adds(b, i > 0 ? ", " : "");
		put_string(b, v[i]);
	}
	am_buf_adds(b, "}\n");
}

static void
put_duration(struct am_buf *b, int depth, const char *key, struct am_duration d)
{
	char text[24];

	put_key(b, depth, key, am_duration_format(d, text));
}

static void
put_span(struct am_buf *b, int depth, const char *key, am_ms span)
{
	char text[32];

	am_span_text(span, text);
	put_key(b, depth, key, text);
}

static void
put_bool(struct am_buf *b, int depth, const char *key, bool v)
{
	put_key(b, depth, key, v ? "true" : "false");
}

static void
put_count(struct am_buf *b, int depth, const char *key, int64_t v)
{
	indent(b, depth);
	am_buf_addf(b, "%s = \"%lld\"\n", key, (long long)v);
}

static void
put_open(struct am_buf *b, int depth, const char *type, const char *title)
{
	indent(b, depth);
	am_buf_addf(b, "%s \"%s\" {\n", type, title);
}

static void
put_close(struct am_buf *b, int depth)
{
	indent(b, depth);
	am_buf_adds(b, "}\n");
}

/* Keys of the loop itself that wait for a later version, as given. */
static void
put_later(struct am_buf *b, struct am_arena *a, const struct am_node *n)
{
	const struct am_option *o;
	size_t options_n;

	o = am_options(&options_n);
	for (size_t i = 0; i < options_n; i++) {
		const struct am_word *w;
		const char *v[AM_CONF_LIST_MAX];
		size_t count;

		if (strcmp(o[i].in, "loop") != 0 || o[i].later == NULL ||
		    am_node_entry(n, o[i].name) == NULL)
			continue;
		if (!o[i].list) {
			put_key(b, 1, o[i].name, am_node_value(n, o[i].name));
			continue;
		}
		count = am_node_list(a, n, o[i].name, &w);
		for (size_t k = 0; k < count; k++)
			v[k] = w[k].s;
		put_list(b, 1, o[i].name, v, count);
	}
}

static void
put_rung(struct am_buf *b, const struct am_rungdef *r)
{
	const char *via[AM_VIA_MAX];
	char text[24];

	put_open(b, 2, "rung", r->name);
	indent(b, 3);
	if (r->is_pct)
		am_buf_addf(b, "at = \"%d%%\"\n", r->pct);
	else
		am_buf_addf(
		    b, "at = \"+%s\"\n", am_duration_format(r->offset, text));
	put_key(b, 3, "to", am_role_str(r->to));
	for (size_t i = 0; i < r->via_n; i++)
		via[i] = r->via[i].endpoint;
	put_list(b, 3, "via", via, r->via_n);
	if (r->message_name != NULL)
		put_key(b, 3, "message", r->message_name);
	if (r->action != AM_ACTION_NONE)
		put_key(b, 3, "action", am_action_str(r->action));
	if (r->defer)
		put_bool(b, 3, "defer", true);
	put_close(b, 2);
}

static void
put_clock_keys(
    struct am_buf *b, const struct am_loopdef *def, const struct am_clockdef *k)
{
	if (k->budget.n > 0)
		put_duration(b, 2, "budget", k->budget);
	if (k->calendar_name != NULL)
		put_key(b, 2, "calendar", k->calendar_name);
	for (size_t i = 0; i < def->tiers_n; i++) {
		if (k->tier_budget[i].n < 0)
			continue;
		put_open(b, 2, "tier", def->tiers[i]);
		put_duration(b, 3, "budget", k->tier_budget[i]);
		put_close(b, 2);
	}
	for (size_t i = 0; i < k->rungs_n; i++)
		put_rung(b, &k->rungs[i]);
}

static void
put_confirm_keys(
    struct am_buf *b, const struct am_loopdef *def, const struct am_stagedef *s)
{
	char text[24];

	put_key(b, 2, "kind", "confirm");
	indent(b, 2);
	am_buf_adds(b, "attempts = {");
	for (size_t i = 0; i < s->attempts_n; i++)
		am_buf_addf(b, "%s\"+%s\"", i > 0 ? ", " : "",
		    am_duration_format(s->attempts[i], text));
	am_buf_adds(b, "}\n");
	put_duration(b, 2, "silence", s->silence);
	put_key(b, 2, "reopen_to", def->stages[s->reopen_to].name);
	put_count(b, 2, "reopen_at", s->reopen_at);
	put_span(b, 2, "reopen_window", s->reopen_window);
	put_count(b, 2, "max_reopens", s->max_reopens);
}

static void
put_stage(struct am_buf *b, const struct am_loopdef *def, size_t i)
{
	const struct am_stagedef *s = &def->stages[i];
	const struct am_clockdef *k = &def->clocks[AM_CLOCK_STAGE0 + i];

	put_open(b, 1, "stage", s->name);
	if (s->kind == AM_STAGE_CONFIRM)
		put_confirm_keys(b, def, s);
	if (k->from_receipt)
		put_key(b, 2, "clock", "received");
	put_bool(b, 2, "implied_by_later", s->implied_by_later);
	put_bool(b, 2, "waivable", s->waivable);
	if (s->requires_n > 0)
		put_list(b, 2, "requires", s->requires, s->requires_n);
	put_clock_keys(b, def, k);
	put_close(b, 1);
}

void
am_loop_normalise(
    struct am_arena *a, struct am_loopdef *def, const struct am_node *n)
{
	static const char hex[] = "0123456789abcdef";
	struct am_sha256 sha;
	uint8_t sum[32];
	char digits[13];
	struct am_buf b;

	am_buf_arena(&b, a, 4096);
	put_open(&b, 0, "loop", def->name);
	put_key(&b, 1, "timezone", def->timezone);
	put_list(&b, 1, "tiers", def->tiers, def->tiers_n);
	put_key(&b, 1, "default_tier", def->tiers[def->default_tier]);
	put_list(&b, 1, "hold_reasons", def->hold_reasons, def->hold_reasons_n);
	put_duration(&b, 1, "max_hold", def->max_hold);
	put_span(&b, 1, "resume_grace", def->resume_grace);
	put_span(&b, 1, "contradict_window", def->contradict_window);
	put_later(&b, a, n);
	for (size_t i = 0; i < AM_CLOCK_STAGE0; i++) {
		if (!def->clocks[i].in_use)
			continue;
		put_open(&b, 1, "clock", def->clocks[i].name);
		put_clock_keys(&b, def, &def->clocks[i]);
		put_close(&b, 1);
	}
	for (size_t i = 0; i < def->stages_n; i++)
		put_stage(&b, def, i);
	put_close(&b, 0);
	def->text = am_buf_str(&b);

	am_sha256_init(&sha);
	am_sha256_add(&sha, def->text.p, def->text.n);
	am_sha256_end(&sha, sum);
	for (size_t i = 0; i < 6; i++) {
		digits[2 * i] = hex[sum[i] >> 4];
		digits[2 * i + 1] = hex[sum[i] & 15];
	}
	digits[12] = '\0';
	def->ref = am_arena_printf(a, "%s@%s", def->name, digits);
}
