/*
 * loop_text - the normalised text of a loop, and the hash in its name.
 *
 * Effective values in a fixed order, rungs sorted, durations in their shortest
 * form, defaults written out: two files that mean the same give the same bytes,
 * and a default that another version changes does not change what an open
 * complaint was promised. The text parses to what it was made from: it is its
 * own fixed point.
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

static void
put_offsets(struct am_buf *b, int depth, const char *key,
    const struct am_duration *v, size_t n)
{
	char text[24];

	indent(b, depth);
	am_buf_addf(b, "%s = {", key);
	for (size_t i = 0; i < n; i++)
		am_buf_addf(b, "%s\"+%s\"", i > 0 ? ", " : "",
		    am_duration_format(v[i], text));
	am_buf_adds(b, "}\n");
}

/* The tiers that a rung is for, when it is not for all. */
static void
put_tiers(
    struct am_buf *b, const struct am_loopdef *def, const struct am_rungdef *r)
{
	const char *v[AM_TIERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < def->tiers_n; i++) {
		if ((r->except_tiers >> i & 1) == 0)
			v[n++] = def->tiers[i];
	}
	if (n < def->tiers_n)
		put_list(b, 3, "tiers", v, n);
}

static void
put_rung(
    struct am_buf *b, const struct am_loopdef *def, const struct am_rungdef *r)
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
	put_tiers(b, def, r);
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
		put_rung(b, def, &k->rungs[i]);
}

static void
put_confirm_keys(
    struct am_buf *b, const struct am_loopdef *def, const struct am_stagedef *s)
{
	put_key(b, 2, "kind", "confirm");
	put_offsets(b, 2, "attempts", s->attempts, s->attempts_n);
	put_duration(b, 2, "silence", s->silence);
	put_count(b, 2, "survey_reminders", s->survey_reminders);
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

static void
put_loop_keys(struct am_buf *b, const struct am_loopdef *def)
{
	const struct am_clockdef *hold = &def->clocks[AM_CLOCK_HOLD];
	const struct am_clockdef *unowned = &def->clocks[AM_CLOCK_UNOWNED];
	struct am_duration reminders[AM_RUNGS_MAX];

	for (size_t i = 0; i < hold->rungs_n; i++)
		reminders[i] = hold->rungs[i].offset;
	put_key(b, 1, "timezone", def->timezone);
	put_list(b, 1, "tiers", def->tiers, def->tiers_n);
	put_key(b, 1, "default_tier", def->tiers[def->default_tier]);
	put_list(b, 1, "hold_reasons", def->hold_reasons, def->hold_reasons_n);
	put_duration(b, 1, "max_hold", def->max_hold);
	put_offsets(b, 1, "hold_reminders", reminders, hold->rungs_n);
	put_span(b, 1, "resume_grace", def->resume_grace);
	put_bool(b, 1, "resume_on_customer", def->resume_on_customer);
	put_span(b, 1, "contradict_window", def->contradict_window);
	put_list(
	    b, 1, "negative_words", def->negative_words, def->negative_words_n);
	put_span(b, 1, "repeat_window", def->repeat_window);
	put_count(b, 1, "max_extensions", def->max_extensions);
	put_bool(b, 1, "separate_confirm", def->separate_confirm);
	if (unowned->in_use)
		put_duration(b, 1, "unowned_max", unowned->budget);
	put_bool(b, 1, "notify_withdrawal", def->notify_withdrawal);
	put_list(b, 1, "emergency", def->emergency, def->emergency_n);
	put_span(b, 1, "group_wait", def->group_wait);
}

/* Only those that are given: a loop without any is what it was. */
static void
put_notices(struct am_buf *b, const struct am_loopdef *def)
{
	for (size_t i = 0; i < AM_SAYINGS_N; i++) {
		if (def->sayings[i].message_name == NULL)
			continue;
		put_open(b, 1, "notice", am_saying_str(i));
		put_key(b, 2, "message", def->sayings[i].message_name);
		put_close(b, 1);
	}
}

void
am_loop_normalise(struct am_arena *a, struct am_loopdef *def)
{
	static const char hex[] = "0123456789abcdef";
	struct am_sha256 sha;
	uint8_t sum[32];
	char digits[13];
	struct am_buf b;

	am_buf_arena(&b, a, 4096);
	put_open(&b, 0, "loop", def->name);
	put_loop_keys(&b, def);
	put_notices(&b, def);
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
