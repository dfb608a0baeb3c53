#include "tests/unit/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void
doc_check(const char *path, struct am_buf *want)
{
	struct am_buf have;
	char chunk[4096];
	FILE *file;
	size_t n;

	am_buf_init(&have);
	if (getenv("UPDATE") != NULL) {
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(want->p, 1, want->n, file), want->n);
		fclose(file);
	}
	file = fopen(path, "r");
	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		am_buf_add(&have, chunk, n);
	fclose(file);
	assert_int_equal(have.n, want->n);
	assert_memory_equal(have.p, want->p, want->n);
	am_buf_fini(want);
	am_buf_fini(&have);
}
