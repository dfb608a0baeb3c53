#include "ops/sample.h"

#include <stdlib.h>

struct am_sample *
am_sample_ref(struct am_sample *s)
{
	s->refs++;
	return s;
}

void
am_sample_unref(struct am_sample *s)
{
	if (s == NULL || --s->refs != 0)
		return;
	am_census_unref(s->census);
	am_arena_fini(&s->arena);
	free(s);
}

const char *
am_late_str(enum am_late_col col)
{
	static const char *const names[AM_LATE_COLS] = {
		[AM_LATE_NOT] = "later",
		[AM_LATE_1M] = "1m",
		[AM_LATE_5M] = "5m",
		[AM_LATE_1H] = "1h",
		[AM_LATE_1D] = "1d",
		[AM_LATE_MORE] = "older",
	};

	return names[col];
}
