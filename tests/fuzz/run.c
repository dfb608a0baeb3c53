/*
 * run - drive one fuzz target with random mutations, where libFuzzer is not.
 *
 *   run SECONDS [FILE ...]      (SEED=N in the environment repeats a run)
 *
 * With files, each is given once and nothing is random: a regression. An input
 * lies at the end of its own block, so a sanitizer sees every read past it.
 * Ends with 0, or dies where the target does, after writing the input to
 * fuzz-crash.bin.
 */

#include <signal.h>
#include <unistd.h>
#include <fcntl.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/rnd.h"

#define MAX 4096
#define POOL 256

static struct input {
	char bytes[MAX];
	size_t n;
} pool[POOL], current;

static void
save_and_die(int sig)
{
	int fd = open("fuzz-crash.bin", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, current.bytes, current.n) >= 0)
		close(fd);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
give(const struct input *in)
{
	uint8_t *copy = malloc(in->n != 0 ? in->n : 1);

	if (in->n != 0)
		memcpy(copy, in->bytes, in->n);
	LLVMFuzzerTestOneInput(copy, in->n);
	free(copy);
}

/* The head of one input and the tail of another. */
static void
join(struct input *in, const struct input *other)
{
	size_t head = rnd(in->n + 1), from = rnd(other->n + 1);
	size_t tail = other->n - from;

	if (tail > MAX - head)
		tail = MAX - head;
	memmove(in->bytes + head, other->bytes + from, tail);
	in->n = head + tail;
}

static void
fill_pool(void)
{
	for (size_t i = 0; i < POOL; i++) {
		struct am_str seed = fuzz_seeds[i % fuzz_seeds_n];

		pool[i].n = seed.n < MAX ? seed.n : MAX;
		memcpy(pool[i].bytes, seed.p, pool[i].n);
	}
}

static unsigned long
fuzz(long seconds)
{
	static const char spice[] = "\"\\{}[],:.=-+0129aefnrtu \n\t\x01\x7f\x80"
				    "\xc3\xed\xf4\xff";
	time_t end = time(NULL) + seconds;
	unsigned long runs = 0;

	fill_pool();
	for (; (runs & 1023) != 0 || time(NULL) < end; runs++) {
		size_t at = rnd(POOL);

		current = pool[at];
		if (rnd(8) == 0)
			join(&current, &pool[rnd(POOL)]);
		current.n = rnd_mutate(current.bytes, current.n, MAX, spice);
		give(&current);
		/* walk away from the seeds, and come back now and then */
		if (rnd(4) == 0)
			pool[at] = current;
		if (rnd(50000) == 0)
			fill_pool();
	}
	return runs;
}

static int
give_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, current.bytes, MAX) : -1;

	if (n < 0) {
		perror(path);
		return 1;
	}
	close(fd);
	current.n = (size_t)n;
	give(&current);
	return 0;
}

int
main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s SECONDS [FILE ...]\n", argv[0]);
		return 2;
	}
	signal(SIGABRT, save_and_die);
	signal(SIGSEGV, save_and_die);
	for (int i = 2; i < argc; i++)
		bad |= give_file(argv[i]);
	if (argc > 2)
		return bad;
	rnd_seed(argv[0]);
	fflush(stdout);
	printf("runs=%lu\n", fuzz(atol(argv[1])));
	return 0;
}
