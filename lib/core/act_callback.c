/*
 * act_callback - attempts to reach the customer, the written notice, silence.
 */

#include "core/act.h"

void
am_act_silence_over(struct am_act *a)
{
	(void)a;
}
