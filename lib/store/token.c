/*
 * token - the text form of an ownership (layer: store), see am_token.
 */
#include "store/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

void
am_token_format(const struct am_token *t, char text[AM_TOKEN_TEXT_MAX])
{
	int n = snprintf(text, AM_TOKEN_TEXT_MAX, "%" PRIu64 ".%.63s.",
	    t->epoch, t->instance);

	for (size_t i = 0; i < sizeof t->nonce; i++)
		n += snprintf(text + n, AM_TOKEN_TEXT_MAX - (size_t)n, "%02x",
		    t->nonce[i]);
}

/* The instance may hold dots: the epoch ends at the first, it at the last. */
int
am_token_parse(struct am_str text, struct am_token *out)
{
	const char *dot = text.n > 0 ? memchr(text.p, '.', text.n) : NULL;
	const char *last = text.n > 0 ? memrchr(text.p, '.', text.n) : NULL;
	struct am_token t = { .epoch = 0 };
	struct am_str nonce;

	if (dot == NULL || last == dot ||
	    (size_t)(last - dot) > sizeof t.instance)
		return -AM_EINVAL;
	nonce.p = last + 1;
	nonce.n = (size_t)(text.p + text.n - nonce.p);
	if (am_str_u64((struct am_str){ text.p, (size_t)(dot - text.p) },
		&t.epoch) != 0 ||
	    am_hex_parse(nonce, t.nonce, sizeof t.nonce) != 0)
		return -AM_EINVAL;
	memcpy(t.instance, dot + 1, (size_t)(last - dot - 1));
	*out = t;
	return 0;
}
