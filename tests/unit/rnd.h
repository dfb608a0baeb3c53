#pragma once

/*
 * rnd - the random numbers of the tests (splitmix64). The seed is SEED of the
 * environment or the clock, and is printed, so that a failure can be repeated.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t rnd_state;

static inline void
rnd_seed(const char *test)
{
	const char *seed = getenv("SEED");
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	rnd_state = seed != NULL ? strtoull(seed, NULL, 0)
				 : (uint64_t)ts.tv_sec * 1000000007u +
				       (uint64_t)ts.tv_nsec;
	printf("# %s: SEED=%llu\n", test, (unsigned long long)rnd_state);
	fflush(stdout); /* a panic or a sanitizer leaves without it */
}

static inline uint64_t
rnd64(void)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 to n - 1 */
static inline size_t
rnd(size_t n)
{
	return (size_t)(rnd64() % n);
}

/* Change bytes at random: flip, drop, double or overwrite with spice. Gives
 * the new length; p has room for cap bytes. */
static inline size_t
rnd_mutate(char *p, size_t n, size_t cap, const char *spice)
{
	for (size_t k = 1 + rnd(4); k > 0; k--) {
		size_t at = n != 0 ? rnd(n) : 0;

		switch (n != 0 ? rnd(4) : 3) {
		case 0:
			p[at] = (char)(p[at] ^ 1 << rnd(8));
			break;
		case 1:
			memmove(p + at, p + at + 1, n - at - 1);
			n--;
			break;
		case 2:
			p[at] = spice[rnd(strlen(spice))];
			break;
		default:
			if (n == cap)
				break;
			memmove(p + at + 1, p + at, n - at);
			p[at] = spice[rnd(strlen(spice))];
			n++;
		}
	}
	return n;
}
