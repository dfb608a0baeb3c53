#pragma once

/* html - is it a page that no text of ours or of others can have broken? */

#include <amends/base.h>

/*
 * Strictly: UTF-8 without control characters; elements closed in order;
 * attributes in double quotes, each once; entities of the few that are written;
 * ids once, and what is referred to is there; no event handler, no style, no
 * script but one from our own path, no address of elsewhere. A fragment may
 * refer to what is outside of it. NULL: it is; else what is wrong, and where.
 */
const char *html_wrong(struct am_str page, bool fragment, char out[256]);
