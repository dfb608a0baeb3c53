/*
 * report - see report.h.
 *
 * Rows are found by (period, group) in a hash. One pass, and nothing of a
 * complaint is kept.
 */

#include "ops/report.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/time.h"

#define OTHERS "(others)"
#define MARKS_MAX 256

struct row {
	struct am_report_row row;
	UT_hash_handle hh;
	size_t key_n;
	char key[]; /* the period's day and the group */
};

struct am_report {
	struct am_report_opts o;
	struct am_arena a;
	struct row *rows;
	struct am_report_row **sorted;
	struct am_report_row total;
	struct am_report_mark marks[MARKS_MAX];
	size_t marks_n;
};

static const char *const bys[AM_BYS_N] = { "", "owner", "team", "tier", "loop",
	"category" };

/* clang-format off */
const struct am_kpi_about am_kpis[AM_KPIS_N] = {
	{ "on_time",            "ON TIME",  "closed with no deadline missed, as extended / counted" },
	{ "on_time_promised",   "PROMISED", "closed with no deadline missed, as first promised / counted" },
	{ "first_cycle_fix",    "1ST FIX",  "closed satisfied in the first cycle / counted" },
	{ "reopened",           "REOPENED", "went round again at least once / counted" },
	{ "repeat",             "REPEAT",   "repeats of an earlier complaint / received" },
	{ "reached",            "REACHED",  "the customer answered or was spoken to / counted whom somebody tried to ask" },
	{ "satisfied_answered", "SATISFIED/ANSWERED", "closed satisfied / counted whose customer answered, in any cycle" },
	{ "satisfied_all",      "SATISFIED/ALL",      "closed satisfied / counted" },
};
/* clang-format on */

const char *
am_report_by_str(enum am_report_by by)
{
	return bys[by];
}

int
am_report_by_parse(struct am_str s, enum am_report_by *by)
{
	for (int i = AM_BY_NONE + 1; i < AM_BYS_N; i++) {
		if (am_str_is(s, bys[i])) {
			*by = (enum am_report_by)i;
			return 0;
		}
	}
	return -AM_EINVAL;
}

/* ---- life ---- */

struct am_report *
am_report_new(const struct am_report_opts *opts)
{
	struct am_report *r = calloc(1, sizeof(*r));

	AM_ASSERT(r != NULL);
	r->o = *opts;
	if (r->o.to > r->o.now)
		r->o.to = r->o.now;
	am_arena_init(&r->a, 0);
	r->total = (struct am_report_row){
		.period = INT32_MIN, .from = r->o.from, .to = r->o.to
	};
	return r;
}

static void
row_fini(struct am_report_row *row)
{
	am_spread_fini(&row->handling);
	for (size_t i = 0; i < row->stages_n; i++)
		am_spread_fini(&row->stages[i].took);
	free(row->stages);
}

void
am_report_free(struct am_report *r)
{
	struct row *row, *next;

	if (r == NULL)
		return;
	HASH_ITER(hh, r->rows, row, next)
	{
		HASH_DEL(r->rows, row);
		row_fini(&row->row);
		free(row);
	}
	row_fini(&r->total);
	free(r->sorted);
	am_arena_fini(&r->a);
	free(r);
}

const struct am_report_opts *
am_report_opts(const struct am_report *r)
{
	return &r->o;
}

/* ---- rows ---- */

static bool
in_span(const struct am_report *r, am_ms t)
{
	return t >= r->o.from && t < r->o.to;
}

static struct am_str
group_of(const struct am_report *r, const struct am_casefile *f)
{
	switch (r->o.by) {
	case AM_BY_OWNER:
		return f->c->owner;
	case AM_BY_TEAM:
		return f->c->team;
	case AM_BY_TIER:
		return f->tier;
	case AM_BY_LOOP:
		return f->loop;
	case AM_BY_CATEGORY:
		return f->c->category;
	case AM_BY_NONE:
	case AM_BYS_N:
		break;
	}
	return AM_STR("");
}

static struct row *
make_row(struct am_report *r, const char *key, size_t n, int32_t period,
    struct am_str group)
{
	struct row *row = calloc(1, sizeof(*row) + n);
	am_ms from = r->o.from, to = r->o.to;

	AM_ASSERT(row != NULL);
	memcpy(row->key, key, n);
	row->key_n = n;
	row->row.period = period;
	row->row.group =
	    r->o.by != AM_BY_NONE ? am_arena_cstr(&r->a, group) : NULL;
	if (period != INT32_MIN) {
		am_ms begin = am_period_instant(r->o.zone, period);
		am_ms end = am_period_instant(
		    r->o.zone, am_period_next(r->o.unit, period));

		from = begin > from ? begin : from;
		to = end < to ? end : to;
	}
	row->row.from = from;
	row->row.to = to;
	HASH_ADD_KEYPTR(hh, r->rows, row->key, n, row);
	return row;
}

static struct am_report_row *
row_at(struct am_report *r, int32_t period, struct am_str group)
{
	char key[sizeof(period) + 256];
	struct row *row;

	if (group.n > sizeof(key) - sizeof(period))
		group.n = sizeof(key) - sizeof(period);
	memcpy(key, &period, sizeof(period));
	if (group.n > 0)
		memcpy(key + sizeof(period), group.p, group.n);
	HASH_FIND(hh, r->rows, key, sizeof(period) + group.n, row);
	if (row == NULL && HASH_COUNT(r->rows) >= AM_REPORT_ROWS_MAX &&
	    r->o.by != AM_BY_NONE && !am_str_is(group, OTHERS))
		return row_at(r, period, AM_STR(OTHERS));
	if (row == NULL)
		row = make_row(r, key, sizeof(period) + group.n, period, group);
	return &row->row;
}

/* The row of what happened at t; NULL: there is the total only. */
static struct am_report_row *
row_of(struct am_report *r, const struct am_casefile *f, am_ms t)
{
	int32_t period = INT32_MIN;

	if (r->o.unit == AM_PERIOD_NONE && r->o.by == AM_BY_NONE)
		return NULL;
	if (r->o.unit != AM_PERIOD_NONE)
		period =
		    am_period_first(r->o.unit, am_period_day(r->o.zone, t));
	return row_at(r, period, group_of(r, f));
}

static struct am_report_stage *
stage_of(struct am_report *r, struct am_report_row *row, struct am_str name)
{
	struct am_report_stage *s;

	for (size_t i = 0; i < row->stages_n; i++) {
		if (am_str_is(name, row->stages[i].name))
			return &row->stages[i];
	}
	if (row->stages_n == AM_REPORT_STAGES_MAX)
		return NULL;
	s = realloc(row->stages, (row->stages_n + 1) * sizeof(*s));
	AM_ASSERT(s != NULL);
	row->stages = s;
	s += row->stages_n++;
	*s = (struct am_report_stage){ .name = am_arena_cstr(&r->a, name) };
	return s;
}

/* ---- adding ---- */

static void
add_received(struct am_report_row *row, const struct am_casefile *f)
{
	row->received++;
	row->kpi[AM_KPI_REPEAT].of++;
	row->kpi[AM_KPI_REPEAT].n += f->c->repeat_of.n > 0;
}

static void
add_share(struct am_report_row *row, enum am_kpi kpi, bool n, bool of)
{
	row->kpi[kpi].n += n && of;
	row->kpi[kpi].of += of;
}

static void
add_counted(struct am_report_row *row, const struct am_casefile *f)
{
	bool on_time = (f->c->flags & AM_CF_MISSED) == 0;
	bool satisfied = am_casefile_satisfied(f);

	row->counted++;
	add_share(row, AM_KPI_ON_TIME, on_time, true);
	add_share(
	    row, AM_KPI_ON_TIME_PROMISED, on_time && !f->late_promise, true);
	add_share(
	    row, AM_KPI_FIRST_CYCLE_FIX, satisfied && f->c->cycle <= 1, true);
	add_share(row, AM_KPI_REOPENED, f->c->reopens > 0, true);
	add_share(
	    row, AM_KPI_REACHED, am_casefile_reached(f), am_casefile_asked(f));
	add_share(row, AM_KPI_SATISFIED_ANSWERED, satisfied, f->answers > 0);
	add_share(row, AM_KPI_SATISFIED_ALL, satisfied, true);
	row->score_sum += f->score;
	row->score_n += f->score > 0;
	am_spread_add(&row->handling, f->c->closed_at - f->c->opened_at);
}

static void
add_closed(struct am_report_row *row, const struct am_casefile *f)
{
	enum am_outcome outcome = f->c->outcome;

	row->closed++;
	row->outcomes[outcome < AM_OUTCOMES_N ? outcome : 0]++;
	row->withdrawn += outcome == AM_OUTCOME_WITHDRAWN;
	row->duplicate += outcome == AM_OUTCOME_DUPLICATE;
	row->missed += f->missed;
	row->escalated += f->escalated;
	row->extended += f->extensions;
	if (am_casefile_counts(f))
		add_counted(row, f);
}

static void
add_stage(struct am_report *r, struct am_report_row *row,
    const struct am_casefile_stage *s)
{
	struct am_report_stage *k = stage_of(r, row, s->name);

	if (k == NULL)
		return;
	if (am_str_is(s->how, "waived")) {
		k->waived++;
	} else if (am_str_is(s->how, "implied")) {
		k->implied++;
	} else if (s->how.n > 0) {
		k->hit += !s->missed;
		k->missed += s->missed;
		if (s->ran)
			am_spread_add(&k->took, s->took);
	}
}

/* Stages are done whenever they are: each in its own period. */
static void
add_stages(struct am_report *r, const struct am_casefile *f)
{
	for (const struct am_casefile_stage *s = f->stages; s != NULL;
	     s = s->next) {
		struct am_report_row *row;

		if (s->ended_at == 0 || !in_span(r, s->ended_at))
			continue;
		add_stage(r, &r->total, s);
		row = row_of(r, f, s->ended_at);
		if (row != NULL)
			add_stage(r, row, s);
	}
}

static bool
is_open_at(const struct am_complaint *c, am_ms t)
{
	return c->opened_at < t && (c->closed_at == 0 || c->closed_at >= t);
}

/* In each period at whose end it was open. */
static void
add_open(struct am_report *r, const struct am_casefile *f)
{
	const struct am_complaint *c = f->c;
	am_ms from = c->opened_at > r->o.from ? c->opened_at : r->o.from;
	int32_t day, last;

	r->total.open += is_open_at(c, r->o.to);
	if (r->o.unit == AM_PERIOD_NONE) {
		if (is_open_at(c, r->o.to) && r->o.by != AM_BY_NONE)
			row_at(r, INT32_MIN, group_of(r, f))->open++;
		return;
	}
	last = am_period_day(r->o.zone, r->o.to - 1);
	day = am_period_first(r->o.unit, am_period_day(r->o.zone, from));
	for (; day <= last; day = am_period_next(r->o.unit, day)) {
		am_ms end = am_period_instant(
		    r->o.zone, am_period_next(r->o.unit, day));

		if (!is_open_at(c, end < r->o.to ? end : r->o.to))
			return;
		row_at(r, day, group_of(r, f))->open++;
	}
}

/* ---- improvements ---- */

static am_ms
date_of(const struct am_report *r, struct am_str text, am_ms told)
{
	int32_t from, to;
	am_ms t;

	if (text.n == 10 && am_period_parse(text, &from, &to) == 0)
		return am_period_instant(r->o.zone, from);
	return am_rfc3339_parse(text, &t) == 0 ? t : told;
}

void
am_report_mark(
    struct am_report *r, struct am_str category, struct am_str date, am_ms told)
{
	am_ms at = date_of(r, date, told), length = r->o.to - at;
	struct am_report_mark *m;

	if (at >= r->o.to || at < r->o.from - AM_REPORT_SIDE_MAX ||
	    category.n == 0 || r->marks_n == MARKS_MAX)
		return;
	for (size_t i = 0; i < r->marks_n; i++) {
		if (r->marks[i].date == at &&
		    am_str_is(category, r->marks[i].category))
			return;
	}
	if (length > AM_REPORT_SIDE_MAX)
		length = AM_REPORT_SIDE_MAX;
	if (length > at - r->o.kept_since)
		length = at - r->o.kept_since;
	if (length < 0)
		length = 0;
	m = &r->marks[r->marks_n++];
	*m =
	    (struct am_report_mark){ .category = am_arena_cstr(&r->a, category),
		    .date = at,
		    .length = length };
	m->before.from = at - length;
	m->before.to = m->after.from = at;
	m->after.to = at + length;
}

static void
add_side(struct am_report_side *s, const struct am_casefile *f)
{
	bool counts = am_casefile_counts(f);
	bool satisfied = counts && am_casefile_satisfied(f);

	s->received++;
	s->counted += counts;
	s->all.of += counts;
	s->all.n += satisfied;
	s->answered.of += counts && f->answers > 0;
	s->answered.n += satisfied && f->answers > 0;
}

static bool
is_of_mark(const struct am_report_mark *m, const struct am_complaint *c)
{
	return c->opened_at >= m->before.from && c->opened_at < m->after.to &&
	       am_str_is(c->category, m->category);
}

static void
add_marks(struct am_report *r, const struct am_casefile *f)
{
	for (size_t i = 0; i < r->marks_n; i++) {
		struct am_report_mark *m = &r->marks[i];

		if (is_of_mark(m, f->c))
			add_side(
			    f->c->opened_at < m->date ? &m->before : &m->after,
			    f);
	}
}

/* ---- in and out ---- */

/* Some of what happened to it may lie in the span. */
static bool
overlaps(const struct am_report *r, const struct am_complaint *c)
{
	return c->opened_at < r->o.to &&
	       (c->closed_at == 0 || c->closed_at >= r->o.from);
}

bool
am_report_wants(const struct am_report *r, const struct am_complaint *c)
{
	if (overlaps(r, c))
		return true;
	for (size_t i = 0; i < r->marks_n; i++) {
		if (is_of_mark(&r->marks[i], c))
			return true;
	}
	return false;
}

void
am_report_add(struct am_report *r, const struct am_casefile *f)
{
	const struct am_complaint *c = f->c;
	struct am_report_row *row;

	add_marks(r, f);
	if (!overlaps(r, c))
		return;
	if (in_span(r, c->opened_at)) {
		add_received(&r->total, f);
		row = row_of(r, f, c->opened_at);
		if (row != NULL)
			add_received(row, f);
	}
	if (c->status == AM_CLOSED && in_span(r, c->closed_at)) {
		add_closed(&r->total, f);
		row = row_of(r, f, c->closed_at);
		if (row != NULL)
			add_closed(row, f);
	}
	add_stages(r, f);
	add_open(r, f);
}

static int
by_place(const void *x, const void *y)
{
	const struct am_report_row *a = *(struct am_report_row *const *)x;
	const struct am_report_row *b = *(struct am_report_row *const *)y;

	if (a->period != b->period)
		return a->period < b->period ? -1 : 1;
	if (a->group == NULL || b->group == NULL)
		return 0;
	return strcmp(a->group, b->group);
}

size_t
am_report_rows(struct am_report *r, struct am_report_row *const **rows)
{
	size_t n = 0, all = HASH_COUNT(r->rows);

	free(r->sorted);
	r->sorted = calloc(all + 1, sizeof(struct am_report_row *));
	AM_ASSERT(r->sorted != NULL);
	for (struct row *row = r->rows; row != NULL; row = row->hh.next)
		r->sorted[n++] = &row->row;
	qsort(r->sorted, n, sizeof(struct am_report_row *), by_place);
	*rows = r->sorted;
	return n;
}

struct am_report_row *
am_report_total(struct am_report *r)
{
	return &r->total;
}

size_t
am_report_marks(const struct am_report *r, const struct am_report_mark **marks)
{
	*marks = r->marks;
	return r->marks_n;
}
