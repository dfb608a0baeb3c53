/*
 * complaint - words, invariants and ids of the state of a complaint.
 */

#include <amends/complaint.h>

#include "core/clock.h"

const char *
am_status_str(enum am_status status)
{
	static const char *const words[] = { "none", "open", "held", "closed" };

	AM_ASSERT(status <= AM_CLOSED);
	return words[status];
}

const char *
am_outcome_str(enum am_outcome outcome)
{
	static const char *const words[] = { "", "satisfied",
		"satisfied_after_reopen", "not_upheld", "unconfirmed",
		"declined", "unreachable", "withdrawn", "duplicate",
		"deadlock_closed", "forced" };

	AM_ASSERT(outcome < AM_OUTCOMES_N);
	return words[outcome];
}

const char *
am_clock_state_str(enum am_clock_state state)
{
	static const char *const words[] = { "off", "running", "stopped", "met",
		"implied", "waived", "over" };

	AM_ASSERT(state <= AM_CLK_OVER);
	return words[state];
}

bool
am_complaint_id_ok(struct am_str id)
{
	if (id.n == 0 || id.n > AM_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char ch = id.p[i];

		if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
			(ch >= '0' && ch <= '9') || ch == '.' || ch == '_' ||
			ch == ':' || ch == '-'))
			return false;
	}
	return true;
}

/* Spans beyond it come from no event and could overflow in a sum. */
#define SPAN_MAX (AM_NEVER / 1024)

static bool
spans_ok(const struct am_clock *k)
{
	return k->budget >= 0 && k->budget <= SPAN_MAX && k->consumed >= 0 &&
	       k->consumed <= SPAN_MAX && k->extra >= 0 &&
	       k->extra <= k->budget;
}

static bool
clocks_ok(const struct am_loopdef *def, const struct am_complaint *c)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *k = &c->clocks[i];
		bool there = i < AM_CLOCK_STAGE0 + def->stages_n ||
			     i >= AM_CLOCK_CALLBACK;

		if (k->state > AM_CLK_OVER || !spans_ok(k))
			return false;
		if (k->state != AM_CLK_OFF && !there)
			return false;
		if (c->status != AM_HELD && k->state == AM_CLK_STOPPED)
			return false;
		if (c->status == AM_CLOSED && k->state == AM_CLK_RUNNING &&
		    i != AM_CLOCK_AFTERCARE)
			return false;
	}
	return true;
}

/* A place in a ladder, AM_RUNGS_MAX for one that has left it, or a notice. */
static bool
rung_ok(unsigned rung)
{
	if (rung < AM_RUNG_NOTICE)
		return rung <= AM_RUNGS_MAX;
	rung -= AM_RUNG_NOTICE;
	return rung / 8 < AM_NOTICES_N && rung % 8 < AM_ROLES_N;
}

static bool
waiting_ok(const struct am_complaint *c)
{
	if (c->waiting_n > AM_WAITING_MAX)
		return false;
	for (size_t i = 0; i < c->waiting_n; i++) {
		unsigned rung = c->waiting[i].rung;

		if (c->waiting[i].clock >= AM_CLOCKS_MAX || !rung_ok(rung))
			return false;
	}
	return true;
}

static bool
numbers_ok(const struct am_loopdef *def, const struct am_complaint *c)
{
	unsigned stages = (1u << def->stages_n) - 1;

	return c->stage < def->stages_n && c->tier < def->tiers_n &&
	       c->cycle >= 1 && c->version >= 1 && c->seq >= c->version &&
	       ((c->owed | c->done) & ~stages) == 0 &&
	       (c->owed & c->done) == 0 && c->applied_n <= AM_APPLIED_MAX;
}

static bool
status_ok(const struct am_complaint *c)
{
	bool closed = c->status == AM_CLOSED;

	return c->outcome < AM_OUTCOMES_N &&
	       closed == (c->outcome != AM_OUTCOME_NONE) &&
	       closed == (c->closed_at != 0) &&
	       (c->status == AM_HELD) == (c->held_since != 0) &&
	       (c->status == AM_OPEN || (c->flags & AM_CF_NOT_UPHELD) == 0);
}

int
am_complaint_check(const struct am_loopdef *def, const struct am_complaint *c)
{
	if (!am_complaint_id_ok(c->id) || c->status > AM_CLOSED)
		return -AM_EINVAL;
	if (c->status == AM_NONE)
		return 0;
	return numbers_ok(def, c) && status_ok(c) && clocks_ok(def, c) &&
		       waiting_ok(c)
		   ? 0
		   : -AM_EINVAL;
}

static bool
has_deadline(const struct am_complaint *c, size_t clock)
{
	return clock != AM_CLOCK_AFTERCARE &&
	       (clock < AM_CLOCK_CALLBACK || c->clocks[clock].budget > 0);
}

const char *
am_clock_verdict(const struct am_complaint *c, size_t clock)
{
	static const char *const ended[] = { [AM_CLK_MET] = "hit",
		[AM_CLK_IMPLIED] = "implied",
		[AM_CLK_WAIVED] = "waived",
		[AM_CLK_OVER] = "over" };
	const struct am_clock *k = &c->clocks[clock];

	if (k->state == AM_CLK_OFF || !has_deadline(c, clock))
		return "";
	if (am_clock_live(k))
		return k->missed ? "active_with_misses" : "active";
	if (k->missed)
		return "missed";
	/* these two ask for an end by then, whatever end */
	if (k->state == AM_CLK_OVER &&
	    (clock == AM_CLOCK_FINAL || clock == AM_CLOCK_INFORM))
		return "hit";
	return k->state < AM_COUNT(ended) ? ended[k->state] : "";
}

const char *
am_loop_verdict(const struct am_complaint *c)
{
	bool missed = (c->flags & AM_CF_MISSED) != 0;

	if (c->status == AM_CLOSED)
		return missed ? "missed" : "hit";
	return missed ? "active_with_misses" : "active";
}

/* A customer hears of an end when it has come. */
static bool
outlives_closing(const struct am_complaint *c, const struct am_waiting *w)
{
	if (w->rung < AM_RUNG_NOTICE)
		return false;
	switch ((w->rung - AM_RUNG_NOTICE) / 8) {
	case AM_NOTICE_WITHDRAWN:
	case AM_NOTICE_OUTCOME:
		return true;
	case AM_NOTICE_RECOURSE: /* nobody has agreed with the end */
		return c->outcome == AM_OUTCOME_NOT_UPHELD ||
		       c->outcome == AM_OUTCOME_UNREACHABLE ||
		       c->outcome == AM_OUTCOME_DEADLOCK_CLOSED ||
		       c->outcome == AM_OUTCOME_FORCED;
	default:
		return false;
	}
}

bool
am_fu_over(const struct am_complaint *c, const struct am_waiting *w)
{
	const struct am_clock *k = &c->clocks[w->clock];

	if (c->status == AM_CLOSED && outlives_closing(c, w))
		return false;
	/* aftercare is over with its last rung, and that has still to go */
	if (c->status == AM_CLOSED)
		return w->clock != AM_CLOCK_AFTERCARE || k->entry != w->entry;
	if (k->state == AM_CLK_OFF && w->cycle != c->cycle)
		return true; /* a reopening went back before it */
	return k->entry != w->entry || k->state == AM_CLK_MET ||
	       k->state == AM_CLK_IMPLIED || k->state == AM_CLK_WAIVED ||
	       k->state == AM_CLK_OVER;
}

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

void
am_fu_id_format(const uint8_t id[16], char out[AM_FU_ID_LEN + 1])
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < 16; i++) {
		bits = (bits << 8 | id[i]) & 0xfff;
		for (have += 8; have >= 5; have -= 5)
			out[n++] = base32[bits >> (have - 5) & 31];
	}
	out[n++] = base32[bits << (5 - have) & 31];
	out[n] = '\0';
}

static int
base32_digit(char ch)
{
	if (ch >= 'a' && ch <= 'z')
		return ch - 'a';
	if (ch >= '2' && ch <= '7')
		return ch - '2' + 26;
	return -1;
}

int
am_fu_id_parse(struct am_str s, uint8_t id[16])
{
	uint8_t bytes[17] = { 0 };

	if (s.n != AM_FU_ID_LEN)
		return -AM_EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		int digit = base32_digit(s.p[i]);
		unsigned wide;

		if (digit < 0)
			return -AM_EINVAL;
		wide = (unsigned)digit << 11 >> (i * 5 % 8);
		bytes[i * 5 / 8] |= (uint8_t)(wide >> 8);
		if (i * 5 / 8 + 1 < sizeof(bytes))
			bytes[i * 5 / 8 + 1] |= (uint8_t)wide;
	}
	if (bytes[16] != 0) /* 130 bits hold 128 */
		return -AM_EINVAL;
	for (size_t i = 0; i < 16; i++)
		id[i] = bytes[i];
	return 0;
}
