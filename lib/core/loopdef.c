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
