#pragma once

/*
 * provider_values - what the names in a provider's texts stand for (layer:
 * deliver). See conf/provider.h for the texts.
 */

#include "conf/conf.h"
#include "deliver/deliver.h"

#define AM_NONCE_BYTES 16

enum am_pv {
	AM_PV_TO,	 /* E.164 */
	AM_PV_TO_DIGITS, /* without its + */
	AM_PV_TEXT,
	AM_PV_TITLE,
	AM_PV_LANG,
	AM_PV_SMS_TYPE, /* "text" or "unicode" */
	AM_PV_TEMPLATE,
	AM_PV_PARAMS_JSON, /* object of the named parameters */
	AM_PV_PARAMS_LIST, /* array of the ordered ones */
	AM_PV_FOLLOWUP_ID,
	AM_PV_COMPLAINT_ID,
	AM_PV_FROM,
	AM_PV_ACCOUNT,
	AM_PV_USER,
	AM_PV_PASSWORD,
	AM_PV_TOKEN,
	AM_PV_CALLBACK,
	AM_PV_UNIX_S,
	AM_PV_UNIX_MS,
	AM_PV_ISO_TIME,
	AM_PV_NONCE,
	AM_PV_TIMESTAMP, /* of a robot's signature, as it wants it */
	AM_PV_SIGN,
	AM_PV_N,
};

struct am_provider_values {
	const struct am_conf_endpoint *ep;
	struct am_str v[AM_PV_N]; /* by enum am_pv */
};

/*
 * Fill values for one attempt; they lie in the arena and borrow from ep and
 * what. -AM_EINVAL: the body is none of ours. -AM_ENOENT: the provider takes
 * approved templates only, and the message has none for it. -AM_EIO: libcrypto
 * did not sign.
 */
AM_MUSTCHECK int am_provider_values_read(struct am_provider_values *values,
    const struct am_conf_endpoint *ep, const struct am_send_what *what,
    am_ms now, const uint8_t nonce[AM_NONCE_BYTES], struct am_arena *a);

/* An am_holes_value; values is a struct am_provider_values. */
bool
am_provider_value(const void *values, const char *name, struct am_str *value);
