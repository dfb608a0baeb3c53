#pragma once

/*
 * report - figures of many complaints (layer: ops). Pure.
 *
 * Fed with casefiles in any order; the same ones give the same figures, for
 * `amendsctl report` as for a report that is sent (EV2, EV3). Each fact counts
 * in the period in which it happened: a complaint is received in one, closed in
 * another. Rows: one a period and group, and the total. Groups go by who has
 * the complaint, or had it last.
 *
 * Memory: that of the rows (AM_REPORT_ROWS_MAX at most, the rest go into the
 * group "(others)"), and a spread for each stage of a row.
 */

#include "ops/casefile.h"
#include "ops/period.h"
#include "ops/spread.h"

#define AM_REPORT_ROWS_MAX 4096
#define AM_REPORT_STAGES_MAX 64 /* names in one row; the rest are left out */

enum am_report_by {
	AM_BY_NONE,
	AM_BY_OWNER,
	AM_BY_TEAM,
	AM_BY_TIER,
	AM_BY_LOOP,
	AM_BY_CATEGORY,
	AM_BYS_N,
};

/*
 * Shares, n of `of`. "Counted" are those closed in the span, but for withdrawn
 * ones and duplicates, which have a number of their own.
 */
enum am_kpi {
	AM_KPI_ON_TIME,		 /* no deadline missed, as extended / counted */
	AM_KPI_ON_TIME_PROMISED, /* … as first promised / counted */
	AM_KPI_FIRST_CYCLE_FIX, /* closed satisfied in the first cycle / counted
				 */
	AM_KPI_REOPENED,	/* went round again at least once / counted */
	AM_KPI_REPEAT,		/* repeats of an earlier one / received */
	AM_KPI_REACHED,		/* the customer answered, or was spoken to /
				   counted whom somebody tried to ask */
	AM_KPI_SATISFIED_ANSWERED, /* closed satisfied / counted whose customer
				      answered, in any cycle */
	AM_KPI_SATISFIED_ALL,	   /* closed satisfied / counted */
	AM_KPIS_N,
};

struct am_kpi_about {
	const char *name;  /* of the member in JSON */
	const char *title; /* of a table's column */
	const char *about; /* numerator / denominator */
};
extern const struct am_kpi_about am_kpis[AM_KPIS_N];

struct am_share {
	uint64_t n, of;
};

struct am_report_stage {
	const char *name;
	uint64_t hit, missed;	  /* of those done in the span */
	uint64_t implied, waived; /* settled without being done */
	struct am_spread took;	  /* working time, of those done */
};

struct am_report_row {
	int32_t period;	   /* its first day; INT32_MIN: the whole span */
	const char *group; /* NULL: all of them */
	am_ms from, to;	   /* the part of the span */
	uint64_t received, closed, counted, withdrawn, duplicate;
	uint64_t open;		      /* at its end, or now */
	uint64_t missed;	      /* deadlines, of those closed */
	uint64_t escalated, extended; /* rungs, extensions: of those closed */
	uint64_t outcomes[AM_OUTCOMES_N];
	struct am_share kpi[AM_KPIS_N];
	uint64_t score_sum, score_n; /* last scores of those counted */
	struct am_spread handling;   /* receipt to closing, of those counted */
	struct am_report_stage *stages; /* owned */
	size_t stages_n;
};

/* A mark to measure from, and what was on its two sides (EV5). */
struct am_report_side {
	am_ms from, to;
	uint64_t received, counted;
	struct am_share answered, all; /* satisfied of … */
};

struct am_report_mark {
	const char *category;
	am_ms date;
	am_ms length; /* of each side; 0: there is nothing to compare yet */
	struct am_report_side before, after;
};

#define AM_REPORT_SIDE_MAX (90 * AM_DAY)

struct am_report_opts {
	am_ms from, to; /* to: exclusive; AM_NEVER: until now */
	enum am_period_unit unit;
	enum am_report_by by;
	const struct am_zone *zone; /* borrowed; NULL: UTC */
	am_ms now;
	am_ms kept_since; /* what was closed before may be gone; 0: nothing */
};

struct am_report;
struct am_report *am_report_new(const struct am_report_opts *opts);
void am_report_free(struct am_report *r);

/*
 * An improvement.recorded: before the first casefile. `date` as the event has
 * it (YYYY-MM-DD or RFC 3339; else it was at `told`). Both sides are of one
 * length: up to now or the span's end, at most 90 days, and no further back
 * than complaints are kept; what is counted are the complaints of the category
 * received on either side. Marks behind the span, or more than 90 days before
 * it, are passed over, and so is one that was told twice.
 */
void am_report_mark(struct am_report *r, struct am_str category,
    struct am_str date, am_ms told);

/* Does it count anywhere? Then fold its journal and add it. */
bool am_report_wants(const struct am_report *r, const struct am_complaint *c);
void am_report_add(struct am_report *r, const struct am_casefile *f);

/* Sorted: by period, then by group; the total apart. */
size_t am_report_rows(struct am_report *r, struct am_report_row *const **rows);
struct am_report_row *am_report_total(struct am_report *r);
size_t
am_report_marks(const struct am_report *r, const struct am_report_mark **marks);

const char *am_report_by_str(enum am_report_by by);
AM_MUSTCHECK int am_report_by_parse(struct am_str s, enum am_report_by *by);

/* ---- report_json.c ---- */

/* An object: {"row":"total"|"group", …}; brief leaves the stages out. */
void am_report_row_json(const struct am_report *r, struct am_report_row *row,
    bool brief, struct am_buf *b);
void am_report_mark_json(const struct am_report *r,
    const struct am_report_mark *m, struct am_buf *b);
/* {"total":…,"groups":[…],"improvements":[…]}: at most `most` groups, those
 * that received and closed the most. */
void am_report_json(struct am_report *r, size_t most, struct am_buf *b);
/* A few lines for people, "en" or "zh". */
void am_report_text(
    struct am_report *r, const char *title, const char *lang, struct am_buf *b);
const struct am_report_opts *am_report_opts(const struct am_report *r);
