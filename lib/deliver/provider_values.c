/*
 * provider_values - all of them are made ready for each attempt, whether a text
 * names them or not: two dozen slices cost less than asking would.
 *
 * The message is read out of the body that was stored when the rung fired, so a
 * text that was edited since does not change what goes out under one id.
 */

#include "deliver/provider_values.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "core/segments.h"
#include "deliver/scheme.h"

static const char *const names[AM_PV_N] = {
	[AM_PV_TO] = "to",
	[AM_PV_TO_DIGITS] = "to_digits",
	[AM_PV_TEXT] = "text",
	[AM_PV_TITLE] = "title",
	[AM_PV_LANG] = "lang",
	[AM_PV_SMS_TYPE] = "sms_type",
	[AM_PV_TEMPLATE] = "template",
	[AM_PV_PARAMS_JSON] = "params_json",
	[AM_PV_PARAMS_LIST] = "params_list",
	[AM_PV_FOLLOWUP_ID] = "followup_id",
	[AM_PV_COMPLAINT_ID] = "complaint_id",
	[AM_PV_FROM] = "from",
	[AM_PV_ACCOUNT] = "account",
	[AM_PV_USER] = "user",
	[AM_PV_PASSWORD] = "password",
	[AM_PV_TOKEN] = "token",
	[AM_PV_CALLBACK] = "callback",
	[AM_PV_UNIX_S] = "unix_s",
	[AM_PV_UNIX_MS] = "unix_ms",
	[AM_PV_ISO_TIME] = "iso_time",
	[AM_PV_NONCE] = "nonce",
	[AM_PV_TIMESTAMP] = "timestamp",
	[AM_PV_SIGN] = "sign",
};

bool
am_provider_value(const void *values, const char *name, struct am_str *value)
{
	const struct am_provider_values *p = values;
	const struct am_conf_endpoint *ep = p->ep;

	for (size_t i = 0; i < AM_PV_N; i++) {
		if (strcmp(names[i], name) == 0) {
			*value = p->v[i];
			return true;
		}
	}
	for (size_t i = 0; i < ep->values_n; i++) {
		if (strcmp(ep->values[i].name, name) == 0) {
			*value = am_str_c(ep->values[i].text);
			return true;
		}
	}
	return false;
}

/* ---- what the body says ---- */

/* A text of the body, "" when there is none; it outlives the tree. */
static struct am_str
text_at(const json_t *object, const char *key, struct am_arena *a)
{
	const json_t *j = json_object_get(object, key);

	if (!json_is_string(j))
		return AM_STR("");
	return am_arena_dup(
	    a, (struct am_str){ json_string_value(j), json_string_length(j) });
}

static void
read_message(
    struct am_provider_values *p, const json_t *message, struct am_arena *a)
{
	struct am_str text = text_at(message, "text", a);

	p->v[AM_PV_TEXT] = text;
	p->v[AM_PV_TITLE] = text_at(message, "subject", a);
	p->v[AM_PV_LANG] = text_at(message, "lang", a);
	p->v[AM_PV_SMS_TYPE] =
	    am_segments_count(text).gsm7 ? AM_STR("text") : AM_STR("unicode");
}

static void
read_template(
    struct am_provider_values *p, const json_t *template, struct am_arena *a)
{
	const json_t *params = json_object_get(template, "params");
	struct am_buf named, ordered;

	p->v[AM_PV_TEMPLATE] = text_at(template, "id", a);
	am_buf_arena(&named, a, 128);
	am_buf_arena(&ordered, a, 128);
	am_buf_addc(&named, '{');
	am_buf_addc(&ordered, '[');
	for (size_t i = 0; i < json_array_size(params); i++) {
		const json_t *param = json_array_get(params, i);
		struct am_str name = text_at(param, "name", a);
		struct am_str value = text_at(param, "value", a);

		if (i > 0) {
			am_buf_addc(&named, ',');
			am_buf_addc(&ordered, ',');
		}
		am_buf_addjson(&named, name);
		am_buf_addc(&named, ':');
		am_buf_addjson(&named, value);
		am_buf_addjson(&ordered, value);
	}
	am_buf_addc(&named, '}');
	am_buf_addc(&ordered, ']');
	p->v[AM_PV_PARAMS_JSON] = am_buf_str(&named);
	p->v[AM_PV_PARAMS_LIST] = am_buf_str(&ordered);
}

static int
read_body(struct am_provider_values *p, struct am_str body, struct am_arena *a)
{
	json_t *root = json_loadb(body.p, body.n, 0, NULL);
	const json_t *data = json_object_get(root, "data");
	const json_t *message = json_object_get(data, "message");

	if (!json_is_object(message)) {
		json_decref(root);
		return -AM_EINVAL;
	}
	read_message(p, message, a);
	read_template(p, json_object_get(message, "template"), a);
	p->v[AM_PV_COMPLAINT_ID] =
	    text_at(json_object_get(data, "complaint"), "id", a);
	json_decref(root);
	if (p->ep->provider->params != AM_PARAMS_NONE &&
	    p->v[AM_PV_TEMPLATE].n == 0)
		return -AM_ENOENT;
	return 0;
}

/* ---- the rest ---- */

static void
read_endpoint(struct am_provider_values *p)
{
	const struct am_conf_endpoint *ep = p->ep;

	p->v[AM_PV_FROM] = am_str_c(ep->from);
	p->v[AM_PV_ACCOUNT] = am_str_c(ep->account);
	p->v[AM_PV_USER] = ep->user.value;
	p->v[AM_PV_PASSWORD] = ep->password.value;
	p->v[AM_PV_TOKEN] = ep->token.value;
}

/* The receipt names the follow-up, whether or not we have heard what the
 * provider calls it. */
static void
read_callback(struct am_provider_values *p, const char *id, struct am_arena *a)
{
	const struct am_conf_endpoint *ep = p->ep;

	if (ep->callback_url != NULL && ep->callback_token.ref != NULL)
		p->v[AM_PV_CALLBACK] = am_str_c(
		    am_arena_printf(a, "%s/%.*s?ref=%s", ep->callback_url,
			AM_ARG(ep->callback_token.value), id));
}

static void
read_time(struct am_provider_values *p, am_ms now, struct am_arena *a)
{
	struct am_civil c;

	am_civil_from_ms(now, &c);
	p->v[AM_PV_UNIX_S] =
	    am_str_c(am_arena_printf(a, "%lld", (long long)(now / AM_SECOND)));
	p->v[AM_PV_UNIX_MS] =
	    am_str_c(am_arena_printf(a, "%lld", (long long)now));
	p->v[AM_PV_ISO_TIME] =
	    am_str_c(am_arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ",
		(int)c.year, c.month, c.day, c.hour, c.minute, c.second));
}

static int
read_sign(struct am_provider_values *p, am_ms now, struct am_arena *a)
{
	struct am_str secret = p->ep->password.value;
	char sign[AM_SCHEME_SIGN_MAX];
	int rc;

	if (p->ep->provider->sign == AM_SIGN_DINGTALK) {
		p->v[AM_PV_TIMESTAMP] = p->v[AM_PV_UNIX_MS];
		rc = am_scheme_dingtalk(secret, now, sign);
	} else if (p->ep->provider->sign == AM_SIGN_FEISHU) {
		p->v[AM_PV_TIMESTAMP] = p->v[AM_PV_UNIX_S];
		rc = am_scheme_feishu(secret, now, sign);
	} else {
		return 0;
	}
	if (rc == 0)
		p->v[AM_PV_SIGN] = am_arena_dup(a, am_str_c(sign));
	return rc;
}

int
am_provider_values_read(struct am_provider_values *values,
    const struct am_conf_endpoint *ep, const struct am_send_what *what,
    am_ms now, const uint8_t nonce[AM_NONCE_BYTES], struct am_arena *a)
{
	struct am_provider_values p = { .ep = ep };
	struct am_buf hex;
	int rc = read_body(&p, what->body, a);

	if (rc == 0) {
		read_endpoint(&p);
		read_time(&p, now, a);
		rc = read_sign(&p, now, a);
	}
	if (rc != 0)
		return rc;
	p.v[AM_PV_TO] = p.v[AM_PV_TO_DIGITS] = what->to;
	if (am_str_prefix(what->to, "+")) {
		p.v[AM_PV_TO_DIGITS].p++;
		p.v[AM_PV_TO_DIGITS].n--;
	}
	p.v[AM_PV_FOLLOWUP_ID] = am_str_c(what->id);
	read_callback(&p, what->id, a);
	am_buf_arena(&hex, a, 2 * AM_NONCE_BYTES);
	am_buf_addhex(&hex, nonce, AM_NONCE_BYTES);
	p.v[AM_PV_NONCE] = am_buf_str(&hex);
	*values = p;
	return 0;
}
