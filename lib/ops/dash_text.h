#pragma once

/* dash_text - the dashboard's texts (layer: ops): one table, every language. */

#include "ops/speak.h"

/* The text whose English is `en`, in that language. A text that is not in the
 * table is itself; the unit test looks for those in the sources. */
const char *am_dash_text(enum am_lang lang, const char *en);

struct am_dash_text_row {
	const char *en, *zh;
};
const struct am_dash_text_row *am_dash_text_at(size_t i); /* NULL: the end */
