#pragma once

/*
 * complaint - the state of one complaint (layer: core), a plain value.
 *
 * Packed into `{s}:c:<id>` by lib/codec/record.h. Holds no personal data.
 * Strings and lists are borrowed from whoever unpacked or stepped it (an
 * arena), so a value lives as long as that arena.
 */

#include <amends/loop.h>

#define AM_ID_MAX 64	   /* bytes of a complaint id */
#define AM_FU_ID_LEN 26	   /* base32 digits of a follow-up id */
#define AM_APPLIED_MAX 256 /* event hashes remembered */
#define AM_WAITING_MAX 64  /* follow-ups not ended, per complaint */
#define AM_CHAIN_LEN 16	   /* bytes of a journal hash */
#define AM_RUNG_NOTICE 128 /* from here on: no rung fired it, see below */

/* A notice's `rung`: what it is about and for whom, so that the next channel
 * can be tried. */
static inline uint8_t
am_notice_rung(enum am_notice notice, enum am_role to)
{
	return (uint8_t)(AM_RUNG_NOTICE + (unsigned)notice * 8 + (unsigned)to);
}

enum am_status { AM_NONE, AM_OPEN, AM_HELD, AM_CLOSED };

enum am_outcome {
	AM_OUTCOME_NONE,
	AM_OUTCOME_SATISFIED,
	AM_OUTCOME_SATISFIED_AFTER_REOPEN,
	AM_OUTCOME_NOT_UPHELD,
	AM_OUTCOME_UNCONFIRMED,
	AM_OUTCOME_DECLINED,
	AM_OUTCOME_UNREACHABLE,
	AM_OUTCOME_WITHDRAWN,
	AM_OUTCOME_DUPLICATE,
	AM_OUTCOME_DEADLOCK_CLOSED,
	AM_OUTCOME_FORCED,
	AM_OUTCOMES_N,
};

enum am_clock_state {
	AM_CLK_OFF, /* never started in this cycle */
	AM_CLK_RUNNING,
	AM_CLK_STOPPED, /* by a hold */
	AM_CLK_MET,	/* its stage was done */
	AM_CLK_IMPLIED, /* done by a later stage */
	AM_CLK_WAIVED,
	AM_CLK_OVER, /* ended without being met: withdrawn, reopened … */
};

/*
 * budget and consumed are working time in the clock's calendar. Dues are
 * derived (see am_clock_due), never stored.
 */
struct am_clock {
	uint8_t state;	/* enum am_clock_state */
	bool missed;	/* the lapse was passed; recorded once, never cleared */
	uint16_t entry; /* how often it was started, over all cycles */
	uint16_t fired; /* bit per rung */
	uint64_t cause; /* hash of the event that started it */
	am_ms started;	/* first start of this entry, for `since` */
	am_ms budget, consumed;
	am_ms running_since; /* consumed is what was counted up to here */
	am_ms extra;	     /* share of the budget that extensions added */
	uint8_t extensions;  /* of this entry */
};

/* What became of the recourse notice (CF7). */
enum am_recourse {
	AM_RECOURSE_NONE,
	AM_RECOURSE_SENT,
	AM_RECOURSE_DELIVERED,
	AM_RECOURSE_FAILED, /* by every channel */
};

enum am_day_part { AM_MORNING, AM_AFTERNOON, AM_EVENING };

/*
 * Follow-ups of one endpoint share it by classes: the tier's index, the lowest
 * tiers together. A follow-up keeps its class when its complaint's tier
 * changes, or it would be looked for where it is not.
 */
#define AM_FU_CLASSES 4
static inline uint8_t
am_fu_class(uint8_t tier)
{
	return tier < AM_FU_CLASSES ? tier : AM_FU_CLASSES - 1;
}

/* A follow-up that has not ended, oldest first. */
struct am_waiting {
	uint8_t id[16]; /* am_fu_id_format makes it text */
	uint8_t clock, rung;
	uint16_t entry, cycle;
	uint8_t class; /* am_fu_class() of the tier that it was fired in */
	bool queued;   /* false: behind an earlier one to the same endpoint */
	bool revived;  /* was dead: no other channel is tried again */
	bool handed;   /* its provider has it, or may have it: it is sent no
			  more and ends by a receipt or by the time that is
			  waited for one */
	bool
	    in_flight; /* on the wire now: input of a step, not in the record */
	struct am_str endpoint;
};

enum am_complaint_flags {
	AM_CF_ACKNOWLEDGED = 1 << 0,
	AM_CF_SATISFIED = 1 << 1,     /* kept until nothing is owed (7.4) */
	AM_CF_CONTRADICTORY = 1 << 2, /* a person decides */
	AM_CF_DEADLOCK = 1 << 3,
	AM_CF_UNSATISFIED = 1 << 4, /* last answer of this cycle, only noted */
	AM_CF_EMERGENCY = 1 << 5,   /* calendars do not stop it */
	AM_CF_WAITS_CUSTOMER = 1 << 6, /* the hold does */
	AM_CF_DECLINED = 1 << 7,       /* refused to talk: rule 14 */
	AM_CF_NO_CALLS = 1 << 8,       /* wrong number, or opted out of calls */
	AM_CF_UNREACHABLE = 1 << 9,    /* told by no channel: a person's */
	AM_CF_NOT_UPHELD = 1 << 10,    /* closes when recourse is delivered */
	AM_CF_NEGATIVE = 1 << 11,      /* a comment of this cycle was */
	AM_CF_ERASED = 1 << 12,	       /* personal data have left */
	AM_CF_MISSED = 1 << 13,	       /* a deadline was, once, in any cycle */
	AM_CF_ASKED_AGAIN = 1 << 14,   /* a reply in this confirm stage was
					  unclear */
	AM_CF_NO_TEXTS = 1 << 15,      /* no consent to be texted */
};

struct am_complaint {
	struct am_str id;
	struct am_str loop_ref; /* NAME@HASH it was opened with */
	enum am_status status;
	enum am_outcome outcome;
	uint8_t stage; /* index; of a closed complaint its last */
	uint8_t tier;
	uint16_t cycle; /* from 1 */
	uint16_t reopens;
	uint16_t flags;	  /* enum am_complaint_flags */
	uint16_t owed;	  /* bit per stage */
	uint16_t done;	  /* bit per stage met, implied or waived, this cycle */
	uint8_t score;	  /* last answer's, 0: none */
	uint8_t attempts; /* callbacks recorded in this confirm stage … */
	uint8_t misses;	  /* … of which nobody was reached */
	uint8_t parts;	  /* bit per am_day_part used by them */
	uint8_t recourse; /* enum am_recourse */
	uint32_t version; /* business changes, from 1 */
	uint32_t seq;	  /* last journal line */
	am_ms opened_at, closed_at; /* closed_at 0: not closed */
	am_ms held_since;	    /* 0: not held */
	am_ms hold_until;  /* AM_NEVER: by max_hold only; 0: not held */
	am_ms quiet_until; /* resume_grace: no rung before; 0: none */
	am_ms answered_at; /* last customer.answered, 0: none */
	struct am_str owner, loop_owner, supervisor, team;
	struct am_str category, severity;
	struct am_str lang;	/* of the customer, "" unknown */
	struct am_str tz;	/* of the customer, IANA; "" unknown */
	struct am_str incident; /* key that many complaints share */
	struct am_str hold_reason;
	struct am_str respondents; /* complained about; '\n' between */
	struct am_str resolver;	   /* who did the stage before confirm */
	struct am_str repeat_of;   /* the complaint before this one */
	struct am_str duplicates;  /* complaints that follow this; '\n' */
	struct am_str target;	   /* the complaint that this duplicates, or
				      that goes on in its place */
	struct am_clock clocks[AM_CLOCKS_MAX];
	struct am_waiting *waiting;
	size_t waiting_n;
	uint64_t *applied; /* oldest first */
	size_t applied_n;
	uint8_t chain[AM_CHAIN_LEN]; /* hash of the last journal line */
};

const char *am_status_str(enum am_status status);
const char *am_outcome_str(enum am_outcome outcome);
const char *am_clock_state_str(enum am_clock_state state);

/*
 * How a clock, or the loop, stands (EV1): "active" or, when a deadline was
 * missed, "active_with_misses" while it goes on; its final value, "hit" or
 * "missed", when it has ended and not before. Counted apart of a clock:
 * "implied", "waived", and "over": ended in time so far but not done
 * (withdrawn, reopened, closed otherwise). A clock's miss is never taken back.
 * "" of a clock that was not started in this cycle, or that has no deadline.
 */
const char *am_clock_verdict(const struct am_complaint *c, size_t clock);
const char *am_loop_verdict(const struct am_complaint *c);

/*
 * 0, or -AM_EINVAL when the record breaks an invariant against its loop (a
 * stage that is not there, a closed complaint without an outcome, …); such a
 * record is parked, never stepped.
 */
AM_MUSTCHECK int
am_complaint_check(const struct am_loopdef *def, const struct am_complaint *c);

/* [A-Za-z0-9._:-]{1,64} */
bool am_complaint_id_ok(struct am_str id);

/*
 * The instant at which a rung stands: AM_NEVER when it has fired, or the clock
 * does not run. It fires then, or when `defer`, an acknowledgement's ttl or
 * resume_grace let it. Errors of the calendar's horizon give AM_NEVER.
 */
am_ms am_rung_due(const struct am_loopdef *def, const struct am_complaint *c,
    size_t clock, size_t rung);

/* The instant of the lapse (100 %); AM_NEVER when the clock does not run. */
am_ms am_clock_due(
    const struct am_loopdef *def, const struct am_complaint *c, size_t clock);

/*
 * The earliest instant at which am_step() has something to do by itself. The
 * one place where wake-ups are derived.
 */
am_ms am_wake_at(const struct am_loopdef *def, const struct am_complaint *c);

/*
 * True when the stage or clock that a waiting follow-up speaks of is over: no
 * attempt may start; what is in flight ends, marked late.
 */
bool am_fu_over(const struct am_complaint *c, const struct am_waiting *w);

/*
 * True when, should this one fail, the next channel of its list would be tried:
 * there is one, and it is no second failure.
 */
bool am_fu_has_next(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_waiting *w);

/* Text of a follow-up id: 26 lower-case base32 digits and a 0 byte. */
void am_fu_id_format(const uint8_t id[16], char out[AM_FU_ID_LEN + 1]);
/* -AM_EINVAL when s is no follow-up id. */
AM_MUSTCHECK int am_fu_id_parse(struct am_str s, uint8_t id[16]);
