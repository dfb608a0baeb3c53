/*
 * secret - values that conf only points at.
 *
 * Read when conf is read: a missing key must stop a start or a reload, not a
 * delivery in the night. No message ever shows the value, and the memory is
 * overwritten when conf is freed.
 */

#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define SECRET_BYTES_MAX 4096
#define KEY_BYTES_MIN 24
#define KEY_BYTES_MAX 64
/* stands for every secret of a configuration that is read without them */
#define NO_SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

void
am_wipe_later(struct am_build *b, void *p, size_t n)
{
	struct am_wipe *w;

	if (b->own == NULL)
		return;
	w = am_arena_alloc(&b->own->arena, sizeof(*w));
	*w = (struct am_wipe){ b->own->wipe, p, n };
	b->own->wipe = w;
}

/* What stands in front of a message about one reference. */
struct where {
	struct am_build *b;
	const char *file, *key;
	int line;
};

static int
read_fd(const struct where *at, int fd, const char *path, struct am_str *out)
{
	char *buf = am_arena_zalloc(at->b->a, SECRET_BYTES_MAX + 1);
	size_t n = 0;
	ssize_t got;

	am_wipe_later(at->b, buf, SECRET_BYTES_MAX + 1);
	while ((got = read(fd, buf + n, SECRET_BYTES_MAX + 1 - n)) > 0)
		n += (size_t)got;
	if (got < 0) {
		am_diag_add(at->b->d, at->file, at->line,
		    "%s: cannot read secret file '%s' (%s); it must be a "
		    "readable file",
		    at->key, path, strerror(errno));
		return -AM_EINVAL;
	}
	if (n > SECRET_BYTES_MAX) {
		am_diag_add(at->b->d, at->file, at->line,
		    "%s: secret file '%s' is over %d bytes; it must hold the "
		    "secret alone",
		    at->key, path, SECRET_BYTES_MAX);
		return -AM_EINVAL;
	}
	*out = (struct am_str){ buf, n };
	return 0;
}

static int
read_file(const struct where *at, const char *path, struct am_str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0) {
		am_diag_add(at->b->d, at->file, at->line,
		    "%s: cannot open secret file '%s' (%s); %s", at->key, path,
		    strerror(errno),
		    errno == ENOENT ? "create it with mode 0600"
				    : "make it readable to the daemon");
		return -AM_EINVAL;
	}
	if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0)
		am_warn(at->b, at->file, at->line,
		    "%s: secret file '%s' has mode %04o; chmod 600, so that "
		    "nobody else reads it",
		    at->key, path, (unsigned)st.st_mode & 07777);
	rc = read_fd(at, fd, path, out);
	close(fd);
	return rc;
}

static int
read_credential(const struct where *at, const char *name, struct am_str *out)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (strchr(name, '/') != NULL || strcmp(name, "..") == 0) {
		am_diag_add(at->b->d, at->file, at->line,
		    "%s: '%s' is no credential; write a name without '/'",
		    at->key, name);
		return -AM_EINVAL;
	}
	if (dir == NULL) {
		am_diag_add(at->b->d, at->file, at->line,
		    "%s: no credential '%s', for CREDENTIALS_DIRECTORY is not "
		    "set; start by systemd with LoadCredential=%s:PATH",
		    at->key, name, name);
		return -AM_EINVAL;
	}
	return read_file(
	    at, am_arena_printf(at->b->a, "%s/%s", dir, name), out);
}

static int
read_env(const struct where *at, const char *name, struct am_str *out)
{
	const char *v = getenv(name);

	if (v == NULL) {
		am_diag_add(at->b->d, at->file, at->line,
		    "%s: environment variable '%s' is not set; set it, or use "
		    "file:PATH",
		    at->key, name);
		return -AM_EINVAL;
	}
	*out = am_arena_dup(at->b->a, am_str_c(v));
	am_wipe_later(at->b, (void *)out->p, out->n);
	return 0;
}

int
am_secret_read(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_word *ref, struct am_secret *secret)
{
	const struct am_entry *e = am_node_entry(n, key);
	struct where at = { b, e->file, key, ref->line };
	const char *arg = strchr(ref->s, ':') + 1;
	struct am_str v = { 0 };
	int rc;

	if (b->blind) {
		*secret = (struct am_secret){ ref->s, AM_STR(NO_SECRET) };
		return 0;
	}
	if (strncmp(ref->s, "file:", 5) == 0)
		rc = read_file(&at, arg, &v);
	else if (strncmp(ref->s, "env:", 4) == 0)
		rc = read_env(&at, arg, &v);
	else
		rc = read_credential(&at, arg, &v);
	if (rc != 0)
		return rc;
	v = am_str_trim(v);
	if (v.n == 0 || memchr(v.p, 0, v.n) != NULL) {
		am_diag_add(b->d, at.file, at.line,
		    "%s: %s is empty or no text; put the secret there", key,
		    ref->s);
		return -AM_EINVAL;
	}
	((char *)(uintptr_t)v.p)[v.n] = '\0'; /* our own copy */
	*secret = (struct am_secret){ ref->s, v };
	am_part_secret(b, secret);
	return 0;
}

static int
sextet(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* Strict RFC 4648 with padding; the number of bytes, or -1. */
static int
base64(struct am_str s, uint8_t *out, size_t cap)
{
	size_t pad = 0, n = 0;
	uint32_t acc = 0;

	if (s.n == 0 || s.n % 4 != 0 || s.n / 4 * 3 > cap)
		return -1;
	while (pad < 2 && s.p[s.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.n; i++) {
		int v = i < s.n - pad ? sextet(s.p[i]) : 0;

		if (v < 0)
			return -1;
		acc = acc << 6 | (uint32_t)v;
		if (i % 4 == 3) {
			out[n++] = (uint8_t)(acc >> 16);
			out[n++] = (uint8_t)(acc >> 8);
			out[n++] = (uint8_t)acc;
		}
	}
	for (size_t i = n - pad; i < n; i++) {
		if (out[i] != 0) /* bits behind the end */
			return -1;
	}
	return (int)(n - pad);
}

int
am_whsec_decode(struct am_str text, uint8_t key[64], size_t *n, char why[256])
{
	uint8_t raw[SECRET_BYTES_MAX];
	int got;

	if (!am_str_prefix(text, "whsec_")) {
		snprintf(why, 256,
		    "is no Standard Webhooks key; it must begin "
		    "with whsec_");
		return -AM_EINVAL;
	}
	text.p += 6;
	text.n -= 6;
	got = base64(text, raw, sizeof(raw));
	if (got < 0)
		snprintf(why, 256,
		    "is not base64 behind whsec_; make one with "
		    "openssl rand -base64 32");
	else if (got < KEY_BYTES_MIN)
		snprintf(why, 256,
		    "holds a key of %d bytes; it must have %d "
		    "to %d, as from openssl rand -base64 32",
		    got, KEY_BYTES_MIN, KEY_BYTES_MAX);
	else if (got > KEY_BYTES_MAX)
		snprintf(why, 256,
		    "holds a key of %d bytes; it must have %d "
		    "to %d",
		    got, KEY_BYTES_MIN, KEY_BYTES_MAX);
	if (got >= KEY_BYTES_MIN && got <= KEY_BYTES_MAX) {
		memcpy(key, raw, (size_t)got);
		*n = (size_t)got;
	}
	explicit_bzero(raw, sizeof(raw));
	return got >= KEY_BYTES_MIN && got <= KEY_BYTES_MAX ? 0 : -AM_EINVAL;
}
