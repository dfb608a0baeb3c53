#pragma once

/*
 * fuzz - what a fuzz target is: one function, and inputs to start from.
 *
 * With clang: clang -fsanitize=fuzzer,address X_fuzz.c libamends.a.
 * Without libFuzzer: link with run.c, see there.
 */

#include <amends/base.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct am_str fuzz_seeds[];
extern const size_t fuzz_seeds_n;

#define SEED(lit)                                                              \
	{                                                                      \
		lit, sizeof(lit) - 1                                           \
	}
