#pragma once

/*
 * secrets - what an endpoint's requests come with and nobody is to read, in the
 * forms in which it travels (layer: deliver). For redact.h.
 */

#include "conf/conf.h"

#define AM_SECRETS_MAX 32

struct am_secrets {
	struct am_arena arena; /* owns the encoded forms */
	struct am_str v[AM_SECRETS_MAX];
	size_t n;
	uint32_t made; /* bit i: v[i] is ours to wipe */
};

/* Borrows ep's until fini. */
void am_secrets_init(struct am_secrets *s, const struct am_conf_endpoint *ep);
/* Wipes what it made. */
void am_secrets_fini(struct am_secrets *s);
