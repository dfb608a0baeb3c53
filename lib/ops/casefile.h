#pragma once

/*
 * casefile - a complaint's record and journal folded into what figures are made
 * of (layer: ops). Pure.
 *
 * Facts come from the notes of the journal, as every other reader of the feed
 * would count them; what the record knows exactly (working time used, owner,
 * outcome) from there. Nobody's personal data are in it.
 *
 * A stage's entry is one time through it: a cycle that goes round again makes
 * new ones. Its verdict, and the loop's, are those of am_clock_verdict(): final
 * when it has ended, and not before.
 */

#include "base/buf.h"

#include <amends/complaint.h>

struct am_casefile_stage {
	struct am_casefile_stage *next;
	struct am_str name;
	uint16_t cycle;
	am_ms started_at; /* of its clock */
	am_ms due_at;	  /* as extended; 0: it has none */
	am_ms ended_at;	  /* 0: it goes on */
	am_ms took;	  /* working time used until it ended */
	const char *verdict;
	struct am_str how; /* done ahead owed answered implied waived;
				"" else */
	uint8_t extensions;
	bool ran;	   /* its clock did */
	bool missed;	   /* the due as extended */
	bool late_promise; /* the due first promised */
	/* its own */
	am_ms held;
	int slot; /* its clock, -1: not of the loop it is on now */
};

struct am_casefile {
	const struct am_complaint *c; /* borrowed */
	const struct am_loopdef *def; /* borrowed; NULL: its loop cannot be
					 read, time used is then elapsed time */
	struct am_str loop, tier;     /* by name */
	struct am_str channel;	      /* how it came in */
	const char *verdict;	      /* of the loop */
	am_ms acked_at;		      /* 0: not yet */
	bool acked_late;
	am_ms final_due; /* 0: the loop has no `final`, or cannot be read */
	struct am_casefile_stage *stages;
	uint32_t extensions;
	uint32_t holds;
	am_ms held;		    /* elapsed, of holds that are over */
	uint32_t missed, escalated; /* deadlines, rungs */
	bool late_promise; /* a deadline first promised was missed, extended or
			      not */
	am_ms asked_at;	   /* the customer was, first; 0: never */
	uint32_t attempts; /* to call them */
	bool spoken;	   /* on the phone, and be it to refuse */
	uint32_t answers;
	struct am_str answer; /* the last verdict; "" none, or a score alone */
	uint8_t score;	      /* the last, 0: none */
	am_ms answered_at;
	am_ms recourse_at;	/* the notice was delivered; 0: it was not */
	uint32_t lines, unread; /* of the journal; not readable */
	/* its own */
	struct am_arena *a;
	struct am_casefile_stage **tail;
};

/* c and what it borrows from live as long as f; f's own lies in the arena. */
void am_casefile_begin(struct am_casefile *f, struct am_arena *a,
    const struct am_loopdef *def, const struct am_complaint *c);
/* The lines, oldest first. scratch is reset. */
void am_casefile_line(
    struct am_casefile *f, struct am_str line, struct am_arena *scratch);
void am_casefile_end(struct am_casefile *f);

/* Withdrawn and duplicates count in no rate. */
bool am_casefile_counts(const struct am_casefile *f);
bool am_casefile_satisfied(const struct am_casefile *f);
/* The customer was asked, or has spoken unasked; answered or talked to. */
bool am_casefile_asked(const struct am_casefile *f);
bool am_casefile_reached(const struct am_casefile *f);

/* How the regulator's extract (EV6) writes it: times in that zone, spans in
 * seconds, nobody's name. */
struct am_value {
	bool is_number;
	int64_t number;
	struct am_str text; /* n == 0: nothing to say */
};

struct am_casefile_column {
	const char *name;
	const char *about;
	/* text lies in the casefile's arena */
	struct am_value (*value)(
	    const struct am_casefile *f, const struct am_zone *zone);
};
extern const struct am_casefile_column am_casefile_columns[];
extern const size_t am_casefile_columns_n;

/* One JSON object: the columns in their order, null for nothing, and the
 * entries of the stages as the array "stages_list". */
void am_casefile_json(
    const struct am_casefile *f, const struct am_zone *zone, struct am_buf *b);

/* One line as RFC 4180 has it, without its CRLF; f NULL: the header line. What
 * a spreadsheet would take for a formula gets a ' before it. */
void am_casefile_csv(
    const struct am_casefile *f, const struct am_zone *zone, struct am_buf *b);
