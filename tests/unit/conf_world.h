#pragma once

/* conf_world - a folder with secrets for tests of the configuration. */

#include <stddef.h>

#include "conf/conf.h"

/* 2026-11-21 12:00 UTC */
#define CONF_NOW ((am_ms)1795262400000)

/* The folder in which the test was started. */
const char *conf_world_home(void);

/* cmocka group fixtures: a fresh folder is the working directory, then gone;
 * it has the shipped providers. */
int conf_world_setup(void **state);
int conf_world_teardown(void **state);

/* Write a file of the folder, mode 0600; text may hold any bytes. */
void conf_world_put(const char *name, const char *text, size_t n);
/* `amends.conf` with this text, loaded; diags are the caller's to free. */
struct am_conf *
conf_world_load(const char *text, struct am_diag **diags, size_t *n);
/* The same, which must pass; prints what it is told otherwise. */
struct am_conf *conf_world_must(const char *text);

/* A small configuration without a fault; see conf_world.c for its lines. */
extern const char conf_world_base[];

/* base with the first `find` replaced; malloc'd. Asserts that it is there. */
char *conf_world_edit(const char *base, const char *find, const char *put);

/* One edit of base, and the exact lines of its refusal, "LINE: TEXT" each. */
struct conf_world_row {
	const char *name, *find, *put, *told;
};
void conf_world_refused(const char *base, const struct conf_world_row *row);
