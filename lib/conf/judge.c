#include "build.h"
void
am_loop_judge(
    struct am_build *b, const struct am_loopdef *def, const struct am_node *n)
{
	(void)b, (void)def, (void)n;
}
