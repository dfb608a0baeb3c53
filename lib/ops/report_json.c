/* report_json - figures as JSON, and as a few lines for people. */

#include "ops/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

static void
add_time(const struct am_report *r, struct am_buf *b, const char *key, am_ms t)
{
	char text[32];

	am_period_time(am_report_opts(r)->zone, t, text);
	am_buf_addkey(b, key);
	if (text[0] == '\0')
		am_buf_adds(b, "null");
	else
		am_buf_addjson(b, am_str_c(text));
}

/* Four digits, and null where nothing was counted. */
static void
add_rate(struct am_buf *b, const char *key, double n, double of)
{
	am_buf_addkey(b, key);
	if (of > 0)
		am_buf_addf(b, "%.4f", n / of);
	else
		am_buf_adds(b, "null");
}

static void
add_share(struct am_buf *b, const char *key, const struct am_share *s)
{
	am_buf_addkey(b, key);
	am_buf_addc(b, '{');
	am_buf_addki(b, "n", (int64_t)s->n);
	am_buf_addki(b, "of", (int64_t)s->of);
	add_rate(b, "rate", (double)s->n, (double)s->of);
	am_buf_addc(b, '}');
}

static void
add_spread(struct am_buf *b, struct am_spread *s)
{
	am_buf_addki(b, "n", (int64_t)s->n);
	if (s->n == 0)
		return;
	am_buf_addki(b, "p50_ms", am_spread_pct(s, 50));
	am_buf_addki(b, "p90_ms", am_spread_pct(s, 90));
}

static void
add_counts(struct am_buf *b, const struct am_report_row *row)
{
	am_buf_addki(b, "received", (int64_t)row->received);
	am_buf_addki(b, "closed", (int64_t)row->closed);
	am_buf_addki(b, "open", (int64_t)row->open);
	am_buf_addki(b, "counted", (int64_t)row->counted);
	am_buf_addki(b, "withdrawn", (int64_t)row->withdrawn);
	am_buf_addki(b, "duplicate", (int64_t)row->duplicate);
	for (int i = 0; i < AM_KPIS_N; i++)
		add_share(b, am_kpis[i].name, &row->kpi[i]);
	add_rate(b, "score", (double)row->score_sum, (double)row->score_n);
	am_buf_addki(b, "missed", (int64_t)row->missed);
	am_buf_addki(b, "escalated", (int64_t)row->escalated);
	am_buf_addki(b, "extensions", (int64_t)row->extended);
	am_buf_addkey(b, "outcomes");
	am_buf_addc(b, '{');
	for (int i = AM_OUTCOME_NONE + 1; i < AM_OUTCOMES_N; i++) {
		if (row->outcomes[i] > 0)
			am_buf_addki(b, am_outcome_str((enum am_outcome)i),
			    (int64_t)row->outcomes[i]);
	}
	am_buf_addc(b, '}');
}

static void
add_stages(struct am_buf *b, struct am_report_row *row)
{
	am_buf_addkey(b, "stages");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < row->stages_n; i++) {
		struct am_report_stage *s = &row->stages[i];

		am_buf_adds(b, i > 0 ? ",{" : "{");
		am_buf_addkv(b, "stage", am_str_c(s->name));
		am_buf_addki(b, "hit", (int64_t)s->hit);
		am_buf_addki(b, "missed", (int64_t)s->missed);
		am_buf_addki(b, "implied", (int64_t)s->implied);
		am_buf_addki(b, "waived", (int64_t)s->waived);
		add_spread(b, &s->took);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

void
am_report_row_json(const struct am_report *r, struct am_report_row *row,
    bool brief, struct am_buf *b)
{
	const struct am_report_opts *o = am_report_opts(r);
	bool total = row->period == INT32_MIN && row->group == NULL;
	char name[16];

	am_buf_addc(b, '{');
	am_buf_addkv(b, "row", total ? AM_STR("total") : AM_STR("group"));
	if (row->period != INT32_MIN)
		am_buf_addkv(b, "period",
		    am_str_c(am_period_name(o->unit, row->period, name)));
	add_time(r, b, "from", row->from);
	add_time(r, b, "to", row->to);
	if (total)
		am_buf_addkv(b, "zone",
		    o->zone != NULL ? am_str_c(o->zone->name) : AM_STR("UTC"));
	if (row->group != NULL) {
		am_buf_addkv(b, "by", am_str_c(am_report_by_str(o->by)));
		am_buf_addkv(b, "group", am_str_c(row->group));
	}
	add_counts(b, row);
	am_buf_addkey(b, "handling");
	am_buf_addc(b, '{');
	add_spread(b, &row->handling);
	am_buf_addc(b, '}');
	if (!brief)
		add_stages(b, row);
	am_buf_addc(b, '}');
}

/* ---- improvements ---- */

static void
add_side(const struct am_report *r, struct am_buf *b, const char *key,
    const struct am_report_side *s)
{
	am_buf_addkey(b, key);
	am_buf_addc(b, '{');
	add_time(r, b, "from", s->from);
	add_time(r, b, "to", s->to);
	am_buf_addki(b, "received", (int64_t)s->received);
	add_rate(b, "per_day", (double)s->received,
	    (double)(s->to - s->from) / (double)AM_DAY);
	am_buf_addki(b, "counted", (int64_t)s->counted);
	add_share(b, am_kpis[AM_KPI_SATISFIED_ANSWERED].name, &s->answered);
	add_share(b, am_kpis[AM_KPI_SATISFIED_ALL].name, &s->all);
	am_buf_addc(b, '}');
}

void
am_report_mark_json(
    const struct am_report *r, const struct am_report_mark *m, struct am_buf *b)
{
	am_buf_addc(b, '{');
	am_buf_addkv(b, "row", AM_STR("improvement"));
	am_buf_addkv(b, "category", am_str_c(m->category));
	add_time(r, b, "date", m->date);
	am_buf_addki(b, "length_s", m->length / AM_SECOND);
	add_side(r, b, "before", &m->before);
	add_side(r, b, "after", &m->after);
	am_buf_addc(b, '}');
}

/* ---- one that is sent ---- */

static int
by_size(const void *x, const void *y)
{
	const struct am_report_row *a = *(struct am_report_row *const *)x;
	const struct am_report_row *b = *(struct am_report_row *const *)y;
	uint64_t na = a->received + a->closed, nb = b->received + b->closed;

	if (na != nb)
		return na > nb ? -1 : 1;
	return a->group != NULL && b->group != NULL ? strcmp(a->group, b->group)
						    : 0;
}

static void
add_groups(struct am_report *r, size_t most, struct am_buf *b)
{
	struct am_report_row *const *rows;
	size_t n = am_report_rows(r, &rows);
	struct am_report_row **big = calloc(n + 1, sizeof(*big));

	AM_ASSERT(big != NULL);
	if (n > 0)
		memcpy(big, rows, n * sizeof(*big));
	qsort(big, n, sizeof(*big), by_size);
	am_buf_addkey(b, "groups");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < n && i < most; i++) {
		if (i > 0)
			am_buf_addc(b, ',');
		am_report_row_json(r, big[i], true, b);
	}
	am_buf_addc(b, ']');
	if (n > most)
		am_buf_addki(b, "more_groups", (int64_t)(n - most));
	free(big);
}

void
am_report_json(struct am_report *r, size_t most, struct am_buf *b)
{
	const struct am_report_mark *marks;
	size_t n = am_report_marks(r, &marks);

	am_buf_addc(b, '{');
	am_buf_addkey(b, "total");
	am_report_row_json(r, am_report_total(r), false, b);
	add_groups(r, most, b);
	am_buf_addkey(b, "improvements");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			am_buf_addc(b, ',');
		am_report_mark_json(r, &marks[i], b);
	}
	am_buf_adds(b, "]}");
}

/* ---- for people ---- */

enum word {
	W_SPAN,
	W_COUNTS,
	W_APART,
	W_ON_TIME,
	W_PROMISED,
	W_FIRST,
	W_REOPENED,
	W_REPEAT,
	W_REACHED,
	W_ANSWERED,
	W_ALL,
	W_HANDLING,
	W_STAGE,
	W_MARK,
	W_EARLY,
	WORDS_N,
};

/* clang-format off */
static const char *const words[2][WORDS_N] = {
	{
		[W_SPAN] = "%s: %s to %s",
		[W_COUNTS] = "Received %llu, closed %llu, open at the end %llu.",
		[W_APART] = " Not counted below: withdrawn %llu, duplicates %llu.",
		[W_ON_TIME] = "On time",
		[W_PROMISED] = "On time as first promised",
		[W_FIRST] = "Solved in the first cycle",
		[W_REOPENED] = "Reopened",
		[W_REPEAT] = "Repeats",
		[W_REACHED] = "Customers reached",
		[W_ANSWERED] = "Satisfied, of those who answered",
		[W_ALL] = "Satisfied, of all closed",
		[W_HANDLING] = "Receipt to closing: half within %s, nine in ten within %s",
		[W_STAGE] = "%s: half within %s, nine in ten within %s of working time, %llu late",
		[W_MARK] = "Improvement in %s, %s: %.1f complaints a day before, %.1f after; satisfied of those who answered %s before, %s after (%s on either side)",
		[W_EARLY] = "Improvement in %s, %s: too early to compare",
	},
	{
		[W_SPAN] = "%s:%s 至 %s",
		[W_COUNTS] = "受理 %llu 件,办结 %llu 件,期末未结 %llu 件。",
		[W_APART] = "以下不计:撤诉 %llu 件,重复 %llu 件。",
		[W_ON_TIME] = "按时办结",
		[W_PROMISED] = "按首次承诺时限办结",
		[W_FIRST] = "一次解决",
		[W_REOPENED] = "重新办理",
		[W_REPEAT] = "重复投诉",
		[W_REACHED] = "回访到客户",
		[W_ANSWERED] = "满意(占已答复)",
		[W_ALL] = "满意(占全部办结)",
		[W_HANDLING] = "受理至办结:半数在 %s 内,九成在 %s 内",
		[W_STAGE] = "%s:半数在 %s 内,九成在 %s 内(工作时间),超时 %llu 件",
		[W_MARK] = "改进「%s」%s:之前每日 %.1f 件,之后每日 %.1f 件;已答复中满意 之前 %s,之后 %s(前后各 %s)",
		[W_EARLY] = "改进「%s」%s:尚无从比较",
	},
};
/* clang-format on */

static void
add_share_text(struct am_buf *b, const char *label, const struct am_share *s)
{
	if (s->of > 0)
		am_buf_addf(b, "%s: %llu %% (%llu/%llu)\n", label,
		    (unsigned long long)((s->n * 200 + s->of) / (2 * s->of)),
		    (unsigned long long)s->n, (unsigned long long)s->of);
}

static const char *
pct_text(struct am_buf *b, const struct am_share *s)
{
	am_buf_reset(b);
	if (s->of == 0)
		am_buf_addc(b, '-');
	else
		am_buf_addf(b, "%llu %%",
		    (unsigned long long)((s->n * 200 + s->of) / (2 * s->of)));
	am_buf_addc(b, '\0');
	return b->p;
}

static const char *
day_text(const struct am_report *r, am_ms t, char out[16])
{
	return am_period_name(
	    AM_PERIOD_DAY, am_period_day(am_report_opts(r)->zone, t), out);
}

static void
add_head_text(struct am_report *r, const char *const *w, const char *title,
    struct am_buf *b)
{
	const struct am_report_row *t = am_report_total(r);
	char from[16], to[16];

	am_buf_addf(b, w[W_SPAN], title, day_text(r, t->from, from),
	    day_text(r, t->to - 1, to));
	am_buf_addc(b, '\n');
	am_buf_addf(b, w[W_COUNTS], (unsigned long long)t->received,
	    (unsigned long long)t->closed, (unsigned long long)t->open);
	if (t->withdrawn + t->duplicate > 0)
		am_buf_addf(b, w[W_APART], (unsigned long long)t->withdrawn,
		    (unsigned long long)t->duplicate);
	am_buf_addc(b, '\n');
}

static void
add_spread_text(struct am_report_row *t, const char *const *w, struct am_buf *b)
{
	char half[32], most[32];

	if (t->handling.n > 0) {
		am_span_format(am_spread_pct(&t->handling, 50), half);
		am_span_format(am_spread_pct(&t->handling, 90), most);
		am_buf_addf(b, w[W_HANDLING], half, most);
		am_buf_addc(b, '\n');
	}
	for (size_t i = 0; i < t->stages_n; i++) {
		struct am_report_stage *s = &t->stages[i];

		if (s->took.n == 0)
			continue;
		am_span_format(am_spread_pct(&s->took, 50), half);
		am_span_format(am_spread_pct(&s->took, 90), most);
		am_buf_addf(b, w[W_STAGE], s->name, half, most,
		    (unsigned long long)s->missed);
		am_buf_addc(b, '\n');
	}
}

static void
add_mark_text(const struct am_report *r, const struct am_report_mark *m,
    const char *const *w, struct am_buf *b)
{
	double days = (double)m->length / (double)AM_DAY;
	char date[16], length[32];
	struct am_buf before, after;

	day_text(r, m->date, date);
	am_buf_init(&before);
	am_buf_init(&after);
	am_span_format(m->length, length);
	if (m->length > 0)
		am_buf_addf(b, w[W_MARK], m->category, date,
		    (double)m->before.received / days,
		    (double)m->after.received / days,
		    pct_text(&before, &m->before.answered),
		    pct_text(&after, &m->after.answered), length);
	else
		am_buf_addf(b, w[W_EARLY], m->category, date);
	am_buf_addc(b, '\n');
	am_buf_fini(&before);
	am_buf_fini(&after);
}

void
am_report_text(
    struct am_report *r, const char *title, const char *lang, struct am_buf *b)
{
	static const enum word shares[AM_KPIS_N] = {
		[AM_KPI_ON_TIME] = W_ON_TIME,
		[AM_KPI_ON_TIME_PROMISED] = W_PROMISED,
		[AM_KPI_FIRST_CYCLE_FIX] = W_FIRST,
		[AM_KPI_REOPENED] = W_REOPENED,
		[AM_KPI_REPEAT] = W_REPEAT,
		[AM_KPI_REACHED] = W_REACHED,
		[AM_KPI_SATISFIED_ANSWERED] = W_ANSWERED,
		[AM_KPI_SATISFIED_ALL] = W_ALL,
	};
	const char *const *w = words[strncmp(lang, "zh", 2) == 0];
	struct am_report_row *t = am_report_total(r);
	const struct am_report_mark *marks;
	size_t n = am_report_marks(r, &marks);

	add_head_text(r, w, title, b);
	for (int i = 0; i < AM_KPIS_N; i++)
		add_share_text(b, w[shares[i]], &t->kpi[i]);
	add_spread_text(t, w, b);
	for (size_t i = 0; i < n; i++)
		add_mark_text(r, &marks[i], w, b);
	b->n -= b->n > 0 && b->p[b->n - 1] == '\n';
}
