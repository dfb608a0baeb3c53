#pragma once

/* doc - a page that is made from a table is what the table says. */

#include "base/buf.h"

/* Fails the test unless the file holds `want`; with UPDATE in the environment
 * it is written first. Takes want. */
void doc_check(const char *path, struct am_buf *want);
