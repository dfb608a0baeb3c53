/*
 * act_tier - a tier changes and what is consumed stays.
 */

#include "core/act.h"

void
am_act_raise_tier(struct am_act *a, const char *reason)
{
	(void)a;
	(void)reason;
}
