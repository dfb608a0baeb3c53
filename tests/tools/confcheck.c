/*
 * confcheck - load a configuration and say what is wrong with it.
 *
 * usage: confcheck FILE [-l]   (-l: also the normalised text of each loop)
 * Exit codes: 0 fit to run, 1 not, 2 usage.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"

int
main(int argc, char **argv)
{
	struct am_diag *diags;
	struct am_conf *c;
	struct timespec ts;
	size_t n;

	if (argc < 2) {
		fprintf(stderr, "usage: confcheck FILE [-l]\n");
		return 2;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	c = am_conf_load(argv[1],
	    (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000, &diags, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s:%d: %s\n", diags[i].file, diags[i].line,
		    diags[i].text);
	free(diags);
	if (c == NULL)
		return 1;
	for (size_t i = 0; i < c->warnings_n; i++)
		printf("%s\n", c->warnings[i]);
	for (size_t i = 0; i < c->loops_n; i++) {
		printf("loop %s\n", c->loops[i]->ref);
		if (argc > 2 && strcmp(argv[2], "-l") == 0)
			printf("%.*s", AM_ARG(c->loops[i]->text));
	}
	am_conf_unref(c);
	return 0;
}
