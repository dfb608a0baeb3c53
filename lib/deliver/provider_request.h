#pragma once

/*
 * provider_request - the request that a provider's texts make of one follow-up
 * (layer: deliver). Sends nothing, knows no clock and no chance.
 */

#include "deliver/provider_values.h"

struct am_provider_request {
	const char *url; /* whole */
	bool post;	 /* else GET */
	struct am_str body;
	/* "NAME: VALUE" each, without line ends; libcurl's user and password
	 * take the place of Authorization for AWS */
	const char *const *headers;
	size_t headers_n;
};

/*
 * What a pair of a query or form stands for is left out when it is made of
 * holes and they are empty. nonce as in values. What is made lies in the arena
 * and borrows from values. -AM_EIO: libcrypto did not sign. signer: of the
 * endpoint, for Standard Webhooks.
 */
struct am_signer;
AM_MUSTCHECK int am_provider_request_make(struct am_provider_request *r,
    const struct am_provider_values *values, am_ms now,
    struct am_signer *signer, struct am_arena *a);
