/*
 * keys - see keys.h.
 *
 * The hash tag is the stream's whole name. A stream that carries a tag of its
 * own ("{shop}.complaints") gives it to its keys instead
 * ("{shop}.complaints:"), for "{{shop}.complaints}:" would hash by another
 * string than the stream does.
 */
#include "store/keys.h"

#include <stdlib.h>
#include <string.h>

static bool
has_tag(const char *stream)
{
	const char *open = strchr(stream, '{');
	const char *close = open != NULL ? strchr(open, '}') : NULL;

	return close != NULL && close > open + 1;
}

static void
add_prefix(struct am_buf *b, const char *stream)
{
	if (!has_tag(stream))
		am_buf_addc(b, '{');
	am_buf_adds(b, stream);
	if (!has_tag(stream))
		am_buf_addc(b, '}');
	am_buf_addc(b, ':');
}

void
am_keys_init(struct am_keys *k, const char *stream)
{
	static const char *const names[] = { "token", "beat", "cursor", "wake",
		"dead", "rejects", "parked", "feed", "tally", "outs", "tries",
		"erasing" };
	const char **slots[] = { &k->token, &k->beat, &k->cursor, &k->wake,
		&k->dead, &k->rejects, &k->parked, &k->feed, &k->tally,
		&k->outs, &k->tries, &k->erasing };
	struct am_buf b;
	size_t at[AM_COUNT(names)], prefix;

	am_buf_init(&b);
	am_buf_add(&b, stream, strlen(stream) + 1);
	prefix = b.n;
	add_prefix(&b, stream);
	am_buf_addc(&b, '\0');
	for (size_t i = 0; i < AM_COUNT(names); i++) {
		at[i] = b.n;
		add_prefix(&b, stream);
		am_buf_add(&b, names[i], strlen(names[i]) + 1);
	}
	k->own = b.p; /* taken: b is not fini'd */
	k->stream = k->own;
	k->prefix = k->own + prefix;
	for (size_t i = 0; i < AM_COUNT(names); i++)
		*slots[i] = k->own + at[i];
}

void
am_keys_fini(struct am_keys *k)
{
	free(k->own);
	memset(k, 0, sizeof *k);
}

struct am_str
am_key(const struct am_keys *k, struct am_arena *a, const char *kind,
    struct am_str name)
{
	size_t pn = strlen(k->prefix), kn = strlen(kind);
	char *p = am_arena_alloc(a, pn + kn + 1 + name.n + 1);
	char *q = p;

	memcpy(q, k->prefix, pn);
	q += pn;
	memcpy(q, kind, kn);
	q += kn;
	*q++ = ':';
	if (name.n > 0)
		memcpy(q, name.p, name.n);
	q += name.n;
	*q = '\0';
	return (struct am_str){ p, (size_t)(q - p) };
}

struct am_str
am_out_name(struct am_arena *a, struct am_str endpoint, uint8_t in_class)
{
	char *p;

	AM_ASSERT(in_class < AM_FU_CLASSES);
	if (in_class == 0)
		return endpoint;
	p = am_arena_alloc(a, endpoint.n + 3);
	memcpy(p, endpoint.p, endpoint.n);
	p[endpoint.n] = ':';
	p[endpoint.n + 1] = (char)('0' + in_class);
	p[endpoint.n + 2] = '\0';
	return (struct am_str){ p, endpoint.n + 2 };
}

uint8_t
am_out_parse(struct am_str outbox, struct am_str *endpoint)
{
	char last = outbox.n > 2 ? outbox.p[outbox.n - 1] : '0';

	*endpoint = outbox;
	if (last <= '0' || last >= '0' + AM_FU_CLASSES ||
	    outbox.p[outbox.n - 2] != ':')
		return 0;
	endpoint->n = outbox.n - 2;
	return (uint8_t)(last - '0');
}
