/*
 * loopdef - words and look-ups of a loop definition. Building one is lib/conf's
 * work; the core only reads it.
 */

#include <amends/loop.h>

#include "base/str.h"

const char *
am_role_str(enum am_role role)
{
	static const char *const words[] = { "owner", "agent", "supervisor",
		"manager", "customer", "team" };

	AM_ASSERT(role < AM_ROLES_N);
	return words[role];
}

const char *
am_reason_str(enum am_reason reason)
{
	static const char *const words[] = { "ask", "warn", "lapse", "escalate",
		"inform", "recourse", "aftercare", "digest", "report",
		"operator" };

	AM_ASSERT(reason < AM_REASONS_N);
	return words[reason];
}

const char *
am_action_str(enum am_action action)
{
	static const char *const words[] = { "", "reassign", "raise-tier",
		"close", "climb" };

	AM_ASSERT(action <= AM_ACTION_CLIMB);
	return words[action];
}

const char *
am_saying_str(size_t saying)
{
	static const char *const words[AM_SAYINGS_N] = {
		[AM_NOTICE_REOPEN] = "reopen",
		[AM_NOTICE_DEADLOCK] = "deadlock",
		[AM_NOTICE_CONTRADICTION] = "contradiction",
		[AM_NOTICE_RECOURSE] = "recourse",
		[AM_NOTICE_EXTENDED] = "extended",
		[AM_NOTICE_WITHDRAWN] = "withdrawn",
		[AM_NOTICE_OUTCOME] = "outcome",
		[AM_NOTICE_UNREACHABLE] = "unreachable",
		[AM_NOTICE_MESSAGE] = "message",
		[AM_NOTICE_UNOWNED] = "unowned",
		[AM_NOTICE_AUTOCLOSE] = "autoclose",
		[AM_NOTICE_UNCLEAR] = "unclear",
		[AM_SAYING_NOTICE] = "notice",
		[AM_SAYING_REMINDER] = "reminder",
		[AM_SAYING_ATTEMPT] = "attempt",
		[AM_SAYING_HOLD] = "hold",
		[AM_SAYING_HOLD_OWNER] = "hold_owner",
	};

	AM_ASSERT(saying < AM_SAYINGS_N);
	return words[saying];
}

const struct am_message *
am_saying_message(const struct am_loopdef *def, size_t saying)
{
	const struct am_clockdef *k;

	AM_ASSERT(saying < AM_SAYINGS_N);
	if (saying != AM_SAYING_NOTICE && saying != AM_SAYING_REMINDER)
		return def->sayings[saying].message;
	k = &def->clocks[saying == AM_SAYING_NOTICE ? AM_CLOCK_CALLBACK
						    : AM_CLOCK_SILENCE];
	for (size_t i = 0; i < k->rungs_n; i++) {
		if (k->rungs[i].to == AM_ROLE_CUSTOMER &&
		    k->rungs[i].action == AM_ACTION_NONE)
			return k->rungs[i].message;
	}
	return NULL;
}

int
am_loopdef_stage(const struct am_loopdef *def, struct am_str name)
{
	for (size_t i = 0; i < def->stages_n; i++) {
		if (am_str_is(name, def->stages[i].name))
			return (int)i;
	}
	return -1;
}

int
am_loopdef_tier(const struct am_loopdef *def, struct am_str name)
{
	for (size_t i = 0; i < def->tiers_n; i++) {
		if (am_str_is(name, def->tiers[i]))
			return (int)i;
	}
	return -1;
}
