/*
 * secrets - as they are, and as they read in a URL, in a form and in JSON. Made
 * once for a handle: a receiver that repeats what it got is
 * no exception, and each answer passes by here.
 */

#include "deliver/secrets.h"

#include <openssl/crypto.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/tmpl.h"

static void
add(struct am_secrets *s, struct am_str secret)
{
	AM_ASSERT(s->n < AM_SECRETS_MAX);
	s->v[s->n++] = secret;
}

/* In JSON they grow the most: \u0001. */
static void
add_encoded(struct am_secrets *s, struct am_str secret, enum am_enc enc)
{
	struct am_buf b;

	am_buf_arena(&b, &s->arena, 6 * secret.n + 2); /* it must not move */
	am_enc_add(&b, enc, secret);
	if (enc == AM_ENC_JSON) { /* without its quotes */
		b.p++;
		b.n -= 2;
	}
	s->made |= UINT32_C(1) << s->n;
	add(s, am_buf_str(&b));
}

static void
know(struct am_secrets *s, struct am_str secret)
{
	static const char prefix[] = "whsec_"; /* is known without it */

	if (am_str_prefix(secret, prefix)) {
		secret.p += sizeof(prefix) - 1;
		secret.n -= sizeof(prefix) - 1;
	}
	if (secret.n == 0)
		return;
	add(s, secret);
	add_encoded(s, secret, AM_ENC_URL);
	add_encoded(s, secret, AM_ENC_FORM);
	add_encoded(s, secret, AM_ENC_JSON);
}

void
am_secrets_init(struct am_secrets *s, const struct am_conf_endpoint *ep)
{
	*s = (struct am_secrets){ .n = 0 };
	am_arena_init(&s->arena, 0);
	for (size_t i = 0; i < ep->secrets_n; i++)
		know(s, ep->secrets[i].value);
	know(s, ep->user.value);
	know(s, ep->password.value);
	know(s, ep->token.value);
	know(s, ep->callback_token.value);
}

void
am_secrets_fini(struct am_secrets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if ((s->made >> i & 1) != 0)
			OPENSSL_cleanse(
			    (char *)(uintptr_t)s->v[i].p, s->v[i].n);
	}
	am_arena_fini(&s->arena);
}
