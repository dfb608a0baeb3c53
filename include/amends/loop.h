#pragma once

/*
 * loop - the definition of a follow-up loop (layer: core; built by lib/conf).
 *
 * Immutable once built, shared by reference count by whoever built it, named
 * NAME@HASH after its normalised text. Everything that can happen by itself is
 * a rung of a clock. What a loop refers to by name (calendars, endpoints,
 * messages) is bound here by pointer; the names are what the hash covers.
 */

#include <amends/calendar.h>

#define AM_STAGES_MAX 8
#define AM_RUNGS_MAX 16
#define AM_VIA_MAX 8
#define AM_TIERS_MAX 8
#define AM_LIST_MAX 16

/*
 * Clock slots of a complaint: four loop-wide ones, one a stage, then those that
 * a rule starts. The latter are made from keys of the loop (`attempts`,
 * `silence`, `hold_reminders`, `unowned_max`); they have a ladder like any
 * other, so that nothing happens by itself that is not a rung.
 */
enum am_clock_slot {
	AM_CLOCK_ACKNOWLEDGE,
	AM_CLOCK_INFORM,
	AM_CLOCK_FINAL,
	AM_CLOCK_AFTERCARE,
	AM_CLOCK_STAGE0,
	/* "callback": runs with the confirm stage; a rung an attempt to reach
	 * the customer, and last the written notice, which is told */
	AM_CLOCK_CALLBACK = AM_CLOCK_STAGE0 + AM_STAGES_MAX,
	/* "silence": from the notice to closing; "reminder" and "close" */
	AM_CLOCK_SILENCE,
	/* "hold": runs while held; a rung a reminder. Counts in the calendar
	 * of the held stage */
	AM_CLOCK_HOLD,
	/* "unowned": runs while the stage has no owner; its lapse fires the
	 * stage's ladder. Counts in the calendar of the stage */
	AM_CLOCK_UNOWNED,
	AM_CLOCKS_MAX,
};

enum am_unit {
	AM_UNIT_TIME, /* s m h: time in the clock's calendar; n is ms */
	AM_UNIT_BD,   /* n business days */
	AM_UNIT_DAYS, /* d w: elapsed time; n is ms */
};

/* `90s 30m 2h 3bd 15d 8w` */
struct am_duration {
	enum am_unit unit;
	int64_t n;
};

enum am_role {
	AM_ROLE_OWNER,
	AM_ROLE_AGENT,
	AM_ROLE_SUPERVISOR,
	AM_ROLE_MANAGER,
	AM_ROLE_CUSTOMER,
	AM_ROLE_TEAM,
	AM_ROLES_N,
};

enum am_action {
	AM_ACTION_NONE,
	AM_ACTION_REASSIGN,
	AM_ACTION_RAISE_TIER,
	AM_ACTION_CLOSE,
	AM_ACTION_CLIMB, /* of "unowned": the stage's next rung to staff fires;
			    not a word of conf */
};

/* Why a follow-up goes out: the `type` of a webhook is "followup.REASON". */
enum am_reason {
	AM_REASON_ASK,
	AM_REASON_WARN,
	AM_REASON_LAPSE,
	AM_REASON_ESCALATE,
	AM_REASON_INFORM,
	AM_REASON_RECOURSE,
	AM_REASON_AFTERCARE,
	AM_REASON_DIGEST,
	AM_REASON_REPORT,
	AM_REASON_OPERATOR,
	AM_REASONS_N,
};

/* A compiled message template; see core/tmpl.h. */
struct am_tmpl;

/* Hours in which nobody is written to, minutes of the recipient's local day;
 * to <= from: over midnight. */
struct am_quiet {
	const char *name;
	int from, to;
};

/* A message as a template that a provider has approved, with its parameters. */
struct am_message_template {
	const char *provider;
	const char *id;	  /* the provider's name for it */
	const char *lang; /* NULL: for every language that has none */
	size_t params_n;
	struct am_message_param {
		const char *name; /* NULL: ordered */
		const struct am_tmpl *value;
	} params[AM_LIST_MAX];
};

struct am_message {
	const char *name;
	const struct am_tmpl *text;    /* the default language */
	const struct am_tmpl *subject; /* NULL: that of the reason */
	size_t langs_n;
	struct am_message_lang {
		const char *lang; /* BCP 47, lower case: "zh" */
		const struct am_tmpl *text, *subject;
	} langs[AM_LIST_MAX];
	const struct am_message_template *templates;
	size_t templates_n;
};

/* One entry of a rung's `via`. */
struct am_via {
	const char *endpoint;
	bool exists; /* an endpoint of that name is in conf */
	bool usable; /* its type is in force and it can reach the role */
	const struct am_quiet *quiet; /* of the endpoint; NULL: none */
	/* what the endpoint makes of a text: it is no webhook, which gets the
	 * text whole */
	bool is_text;	       /* sms, chat, mail: the body has a subject */
	uint32_t max_segments; /* of an SMS; 0: no limit */
	size_t max_bytes;      /* of its provider, UTF-8; 0: no limit */
	const char *provider;  /* whose approved template the message has; NULL:
				  free text */
	size_t param_max;      /* characters of a parameter; 0: no limit */
};

/*
 * Where on its clock a rung stands: pct of the budget when is_pct, else the
 * offset after the lapse (`+15m`, `+1bd`).
 */
struct am_rungdef {
	const char *name;
	bool is_pct;
	int pct; /* 0..100 */
	struct am_duration offset;
	bool told;	      /* fires only when an event says so */
	uint8_t except_tiers; /* bit per tier that it is not for */
	enum am_role to;
	enum am_reason
	    reason; /* derived from place and clock when conf is read */
	enum am_action action;
	bool defer; /* wait for the calendar's next opening */
	struct am_via via[AM_VIA_MAX];
	size_t via_n;
	const char *message_name; /* NULL: the built-in text of the reason */
	const struct am_message *message;
};

/*
 * A clock. A rung's index is its place in `rungs`, sorted by position; the
 * bit 1 << index of am_clock.fired belongs to it.
 */
struct am_clockdef {
	const char *name; /* "acknowledge" … or the stage's name */
	bool in_use;
	bool from_receipt; /* `clock = received`; else at entry */
	bool from_start;   /* offsets of its rungs count from its start */
	struct am_duration budget; /* n == 0 with rungs at 0 % only: no lapse */
	struct am_duration
	    tier_budget[AM_TIERS_MAX]; /* n < 0: the common one */
	const char *calendar_name;     /* NULL: elapsed time */
	const struct am_calendar *calendar;
	/* for bd: the calendar, or Monday to Friday in the loop's timezone */
	const struct am_calendar *bd_calendar;
	struct am_rungdef rungs[AM_RUNGS_MAX];
	size_t rungs_n;
};

enum am_stage_kind { AM_STAGE_WORK, AM_STAGE_CONFIRM };

struct am_stagedef {
	const char *name;
	enum am_stage_kind kind;
	bool implied_by_later;
	bool waivable;
	const char
	    *requires[AM_LIST_MAX]; /* fields stage.completed must have */
	size_t requires_n;
	/* confirm only */
	struct am_duration attempts[AM_LIST_MAX];
	size_t attempts_n;
	struct am_duration silence;
	int survey_reminders; /* rungs to the customer beside the question */
	size_t ask;	      /* index of the rung that is the question, or
				 AM_RUNGS_MAX: the customer is not asked */
	size_t reopen_to;     /* stage index */
	int reopen_at;	      /* score 1..5 at or below: unsatisfied; 0: none */
	am_ms reopen_window;
	int max_reopens;
};

/* Follow-ups that an event calls for and no rung. */
enum am_notice {
	AM_NOTICE_REOPEN,
	AM_NOTICE_DEADLOCK,
	AM_NOTICE_CONTRADICTION,
	AM_NOTICE_RECOURSE,    /* of rejection, deadlock or final: customer */
	AM_NOTICE_EXTENDED,    /* a due has moved: customer */
	AM_NOTICE_WITHDRAWN,   /* the closing receipt: customer */
	AM_NOTICE_OUTCOME,     /* what became of the complaint that this one
				  duplicates: customer */
	AM_NOTICE_UNREACHABLE, /* a person is told */
	AM_NOTICE_MESSAGE,     /* the customer wrote and waits: owner */
	AM_NOTICE_UNOWNED,     /* nobody owns it */
	AM_NOTICE_AUTOCLOSE,   /* silence is over but it must not close */
	AM_NOTICE_UNCLEAR,     /* their reply was no answer: customer */
	AM_NOTICES_N,
};

/*
 * What a loop says and no rung of conf: notices, then the rungs that rules
 * make. Each has a built-in text and a name, by which a loop may give it
 * another: `notice "NAME" { message = … }`.
 */
enum am_saying {
	AM_SAYING_NOTICE = AM_NOTICES_N, /* the written notice */
	AM_SAYING_REMINDER,		 /* of it, within the silence */
	AM_SAYING_ATTEMPT,		 /* the owner is to call */
	AM_SAYING_HOLD,	      /* to the customer, who is waited for */
	AM_SAYING_HOLD_OWNER, /* somebody else is */
	AM_SAYINGS_N,
};

/* Who stands for a role in conf: names of persons, in order. */
struct am_holders {
	const char *person[AM_LIST_MAX];
	size_t n;
};

/* `link` of conf: what {link} is made of, see core/short_link.h. */
struct am_linkdef {
	const char *url; /* without a slash at its end */
	struct am_str secret;
	am_ms ttl;
};

struct am_loopdef {
	const char *name;
	const char *ref; /* NAME@HASH, the hash in 12 hex digits */
	/* the normalised text that the hash covers; conf syntax, parses again
	 */
	struct am_str text;
	const char *timezone;
	const struct am_zone *zone;
	const char *tiers[AM_TIERS_MAX]; /* highest first */
	size_t tiers_n;
	size_t default_tier;
	struct am_stagedef stages[AM_STAGES_MAX];
	size_t stages_n;
	struct am_clockdef clocks[AM_CLOCKS_MAX]; /* by enum am_clock_slot */
	const char *hold_reasons[AM_LIST_MAX];
	size_t hold_reasons_n;
	struct am_duration max_hold;
	bool resume_on_customer;
	am_ms resume_grace;
	am_ms contradict_window;
	am_ms repeat_window; /* 0: repeats are not looked for */
	int max_extensions;  /* of one clock and entry */
	bool separate_confirm;
	bool notify_withdrawal;
	const char *negative_words[AM_LIST_MAX]; /* lower case */
	size_t negative_words_n;
	const char *emergency[AM_LIST_MAX]; /* severities of the fast lane */
	size_t emergency_n;
	am_ms group_wait; /* one digest to staff an incident and this long */
	/* by enum am_notice and am_saying; name NULL: none is given */
	struct {
		const char *message_name;
		const struct am_message *message;
	} sayings[AM_SAYINGS_N];
	/* Bound from the rest of conf; not in the hash. */
	am_ms retain; /* `redis.retain`: a closed complaint is kept this long */
	am_ms catchup_after;	  /* a rung fired later than this is catch-up */
	const char *recourse_url; /* "" when none */
	const struct am_linkdef *link; /* NULL: customers get none */
	struct am_holders holders[AM_ROLES_N];
	/* A zone by IANA name, NULL: unknown. The same name gives the same
	 * zone as long as the definition lives. NULL: there are none. */
	const struct am_zone *(*find_zone)(
	    const void *zones, struct am_str name);
	const void *zones; /* its first argument */
	/* The zone of a person of conf, NULL: they have none of their own. */
	const struct am_zone *(*person_zone)(
	    const void *conf, struct am_str person);
	const void *people; /* its first argument */
};

const char *am_role_str(enum am_role role);
const char *am_reason_str(enum am_reason reason);
const char *am_action_str(enum am_action action);
/* Of enum am_notice or am_saying, as a `notice` of conf is named. */
const char *am_saying_str(size_t saying);
/* What it says in this loop, by its notice or, as the question does; NULL: the
 * built-in text. */
const struct am_message *
am_saying_message(const struct am_loopdef *def, size_t saying);

/* Index of the stage or tier of that name, or -1. */
int am_loopdef_stage(const struct am_loopdef *def, struct am_str name);
int am_loopdef_tier(const struct am_loopdef *def, struct am_str name);

/* -AM_EINVAL when s is no duration: digits and one of s m h bd d w. */
AM_MUSTCHECK int am_duration_parse(struct am_str s, struct am_duration *d);
/* Shortest exact text, "90s" "2h" "3bd" "15d"; buf has at least 24 bytes. */
const char *am_duration_format(struct am_duration d, char *buf);
