/*
 * act_role - who owns a complaint, who may not, and what a rung does about it.
 */

#include "core/followup.h"

void
am_act_rung_action(struct am_act *a, size_t clock, size_t rung)
{
	switch (a->def->clocks[clock].rungs[rung].action) {
	case AM_ACTION_NONE:
	case AM_ACTION_REASSIGN:
	case AM_ACTION_CLIMB:
		break;
	case AM_ACTION_RAISE_TIER:
		am_act_raise_tier(a, "rung");
		break;
	case AM_ACTION_CLOSE:
		am_act_silence_over(a);
		break;
	}
}
