/*
 * statefile - see statefile.h.
 *
 * INSTANCE.lock is held by flock(2), which ends with the process whatever its
 * end. INSTANCE.state has one line a shard:
 *   DATASET COMMIT COMMIT_THEN SAVED_AT STREAM
 * It is replaced by rename(2) and not synced: what a crash of the host takes
 * away is a reminder, not state.
 */
#include "store/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HEAD "amends-state 1\n"
#define SAMPLES 13
#define SAMPLE_EVERY (5 * AM_SECOND)

struct shard {
	struct shard *next;
	struct am_shard_memory m;
	/* numbers of the last minute, newest first */
	struct {
		am_ms at;
		uint64_t commit;
	} samples[SAMPLES];
	size_t samples_n;
	char stream[];
};

struct am_statefile {
	int lock;
	char *path, *path_new;
	struct shard *shards;
	am_ms written_at;
	bool dirty;
};

static struct shard *
find(const struct am_statefile *s, const char *stream)
{
	struct shard *h = s->shards;

	while (h != NULL && strcmp(h->stream, stream) != 0)
		h = h->next;
	return h;
}

static struct shard *
add(struct am_statefile *s, const char *stream)
{
	size_t n = strlen(stream) + 1;
	struct shard *h = calloc(1, sizeof *h + n);

	AM_ASSERT(h != NULL);
	memcpy(h->stream, stream, n);
	h->next = s->shards;
	s->shards = h;
	return h;
}

static int
complain(struct am_diag *d, const char *path, const char *what, int rc)
{
	snprintf(d->file, sizeof d->file, "%.250s", path);
	d->line = 0;
	snprintf(d->text, sizeof d->text, "%s", what);
	return rc;
}

static int
load(struct am_statefile *s, struct am_diag *diag)
{
	FILE *f = fopen(s->path, "re");
	char line[512];
	int n = 1, rc = 0;

	if (f == NULL && errno == ENOENT)
		return 0;
	if (f == NULL)
		return complain(diag, s->path, strerror(errno), -AM_EIO);
	if (fgets(line, sizeof line, f) == NULL || strcmp(line, HEAD) != 0)
		rc = -AM_EINVAL;
	while (rc == 0 && fgets(line, sizeof line, f) != NULL) {
		struct am_shard_memory m = { .commit = 0 };
		char stream[256];

		n++;
		if (sscanf(line,
			"%32s %" SCNu64 " %" SCNu64 " %" SCNd64 " %255[^\n]",
			m.dataset, &m.commit, &m.commit_then, &m.saved_at,
			stream) != 5)
			rc = -AM_EINVAL;
		else
			add(s, stream)->m = m;
	}
	fclose(f);
	if (rc != 0) {
		complain(diag, s->path,
		    "not a state file of amends; remove it to start without a "
		    "memory of the data set",
		    rc);
		diag->line = n;
	}
	return rc;
}

static void
save(struct am_statefile *s, am_ms now)
{
	FILE *f = fopen(s->path_new, "we");
	bool ok;

	s->written_at = now;
	if (f == NULL)
		return; /* tried again at the next set */
	fputs(HEAD, f);
	for (const struct shard *h = s->shards; h != NULL; h = h->next)
		if (h->m.dataset[0] != '\0')
			fprintf(f,
			    "%s %" PRIu64 " %" PRIu64 " %" PRId64 " %s\n",
			    h->m.dataset, h->m.commit, h->m.commit_then,
			    h->m.saved_at, h->stream);
	ok = ferror(f) == 0;
	if (fclose(f) == 0 && ok && rename(s->path_new, s->path) == 0)
		s->dirty = false;
}

static char *
path_of(const char *dir, const char *instance, const char *suffix)
{
	char *path;

	AM_ASSERT(asprintf(&path, "%s/%s%s", dir, instance, suffix) > 0);
	for (char *p = path + strlen(dir) + 1; *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	return path;
}

static int
take_lock(struct am_statefile *s, const char *dir, const char *instance,
    struct am_diag *diag)
{
	char *path = path_of(dir, instance, ".lock");
	char what[400];
	int rc = 0;

	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock < 0) {
		snprintf(what, sizeof what,
		    "%s; data_dir must be a folder that amendsd may write to",
		    strerror(errno));
		rc = complain(diag, path, what, -AM_EIO);
	} else if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		snprintf(what, sizeof what,
		    "instance \"%.64s\" runs already; stop it or set another "
		    "instance name",
		    instance);
		rc = complain(diag, path, what, -AM_ECONFLICT);
	}
	free(path);
	return rc;
}

int
am_statefile_open(const char *dir, const char *instance,
    struct am_statefile **out, struct am_diag *diag)
{
	struct am_statefile *s = calloc(1, sizeof *s);
	int rc;

	AM_ASSERT(s != NULL);
	s->path = path_of(dir, instance, ".state");
	s->path_new = path_of(dir, instance, ".state.new");
	rc = take_lock(s, dir, instance, diag);
	if (rc == 0)
		rc = load(s, diag);
	if (rc != 0) {
		am_statefile_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
am_statefile_close(struct am_statefile *s)
{
	struct shard *h;

	if (s == NULL)
		return;
	if (s->dirty)
		save(s, s->written_at);
	while ((h = s->shards) != NULL) {
		s->shards = h->next;
		free(h);
	}
	if (s->lock >= 0)
		close(s->lock);
	free(s->path);
	free(s->path_new);
	free(s);
}

void
am_statefile_get(
    struct am_statefile *s, const char *stream, struct am_shard_memory *m)
{
	const struct shard *h = find(s, stream);

	memset(m, 0, sizeof *m);
	if (h != NULL)
		*m = h->m;
}

/* The oldest sample that is at most about a minute old. */
static void
sample(struct shard *h, uint64_t commit, am_ms now)
{
	if (h->samples_n == 0 || now - h->samples[0].at >= SAMPLE_EVERY ||
	    now < h->samples[0].at) {
		if (h->samples_n < SAMPLES)
			h->samples_n++;
		memmove(&h->samples[1], &h->samples[0],
		    (h->samples_n - 1) * sizeof h->samples[0]);
		h->samples[0].at = now;
		h->samples[0].commit = commit;
	}
	h->m.commit_then = h->samples[h->samples_n - 1].commit;
}

void
am_statefile_set(struct am_statefile *s, const char *stream,
    const char *dataset, uint64_t commit, am_ms now)
{
	struct shard *h = find(s, stream);

	if (h == NULL)
		h = add(s, stream);
	if (strcmp(h->m.dataset, dataset) != 0) {
		snprintf(h->m.dataset, sizeof h->m.dataset, "%s", dataset);
		h->samples_n = 0;
		s->written_at = 0; /* worth a write at once */
	}
	sample(h, commit, now);
	h->m.commit = commit;
	h->m.saved_at = now;
	s->dirty = true;
	if (now - s->written_at >= AM_SECOND || now < s->written_at)
		save(s, now);
}
