/* The tests of hash on the code of CPUs without SHA instructions. */

#define AM_SHA256_PORTABLE 1
#include "base/hash.c"

#include "hash_test.c"
