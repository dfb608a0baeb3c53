#pragma once

/* assets - files of the dashboard, inside the program (layer: ops). */

#include <amends/base.h>

struct am_asset {
	struct am_str path; /* "/dash.css" */
	struct am_str bytes;
	const char *type;
};

/* False: there is none. */
bool am_asset_find(struct am_str path, struct am_asset *asset);
/* "\"9f86d0818988…\"": the same for the same bytes only. */
void am_asset_etag(const struct am_asset *asset, char out[40]);
