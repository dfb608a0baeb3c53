#pragma once

/*
 * provider - how a gateway is talked to, as data (layer: conf).
 *
 * A provider block of the configuration says what a request looks like, how it
 * is signed, what an answer means, and what the gateway tells us later. Adding
 * one needs no C. The texts have holes, `{name:enc}`: names of the table in
 * provider.c and those that an endpoint gives by `set`; an unknown name is an
 * error of the endpoint that lacks it.
 */

#include "conf/answer_rule.h"
#include "conf/holes.h"

enum {
	AM_HOLE_FREE = 1,   /* may hold anything, line ends, too */
	AM_HOLE_JSON = 2,   /* is JSON: {name:json} puts it as it is */
	AM_HOLE_NUMBER = 4, /* is digits */
	AM_HOLE_GIVEN = 8,  /* a key of the endpoint gives it */
};

/* A name that holes of every provider may have. */
struct am_provider_hole {
	const char *name;
	unsigned kind;
	const char *about;
};

/* The table; *n rows. */
const struct am_provider_hole *am_provider_holes(size_t *n);
/* NULL: no such name. */
const struct am_provider_hole *am_provider_hole(const char *name);

struct am_secret {
	const char *ref;     /* "file:PATH" … as written, safe to show */
	struct am_str value; /* never shown, a 0 behind it; wiped when conf
				is freed */
};

enum am_provider_auth {
	AM_AUTH_NONE,
	AM_AUTH_BASIC,	/* user and password */
	AM_AUTH_BEARER, /* token */
};

enum am_provider_sign {
	AM_SIGN_NONE,
	AM_SIGN_ALIYUN_ACS3,
	AM_SIGN_TENCENT_TC3,
	AM_SIGN_AWS_SIGV4,
	AM_SIGN_DINGTALK,
	AM_SIGN_FEISHU,
	AM_SIGN_STANDARD_WEBHOOKS,
};

enum am_provider_body {
	AM_BODY_NONE,
	AM_BODY_FORM,
	AM_BODY_JSON,
	AM_BODY_RAW,
};

/* How a provider takes the parameters of an approved template. */
enum am_provider_params {
	AM_PARAMS_NONE, /* free text */
	AM_PARAMS_NAMED,
	AM_PARAMS_ORDERED,
};

/*
 * Who says that a callback is the provider's. The key of Twilio is the
 * endpoint's token, its password when it has none; those of Vonage its token.
 */
enum am_provider_verify {
	AM_VERIFY_NONE, /* the token in the path, and callback_net */
	AM_VERIFY_TWILIO,
	AM_VERIFY_VONAGE_SIG, /* `sig` over the sorted parameters */
	AM_VERIFY_VONAGE_JWT,
};

struct am_provider_pair {
	const char *name;
	const struct am_holes *value;
};

struct am_provider_pairs {
	const struct am_provider_pair *v;
	size_t n;
};

/*
 * A callback: delivery receipts, or what customers write. Pointers are those of
 * RFC 6901 into a JSON body, or "/NAME" for a form field or a parameter of the
 * query; `items` names the array whose elements are one callback each ("/": the
 * body is it), NULL: the body is the one element. NULL: the provider says no
 * such thing.
 */
struct am_provider_callback {
	bool in_use;
	enum am_provider_verify verify;
	const char *items;
	const char *id;		 /* the provider's message id */
	const char *ref;	 /* ours, the follow-up id */
	const char *at;		 /* when, kept as it is */
	const char *code;	 /* of an error */
	const char *from, *text; /* inbound */
	const char *country;	 /* code of numbers that come without one, "86";
				    NULL: they all have it */
	const char *opt_out;	 /* its own word for the text: STOP, START */
	const char *part, *parts, *part_ref; /* long texts in pieces */
	/* rules about one element: which state it is; else it says nothing */
	struct am_answer_rule_list accepted, delivered, failed, read;
	const char *answer; /* body of our 200; NULL: 204 */
	const char *answer_type;
};

struct am_conf_provider {
	const char *name;
	const char *file;
	int line;
	const char *method; /* "POST" "GET" */
	/* Scheme, host and port of a request are those of the endpoint's url
	 * (base_url, or this one's); path and query are these. */
	const struct am_holes *url;
	struct am_provider_pairs header, query, form;
	enum am_provider_body body;
	const struct am_holes *text; /* AM_BODY_JSON, AM_BODY_RAW */
	const char *content_type;    /* NULL: no body */
	enum am_provider_auth auth;
	enum am_provider_sign sign;
	const char *sign_service;	 /* tc3 and sigv4: "sms", "sns" */
	struct am_secret user, password; /* unless the endpoint has its own */
	enum am_provider_params params;
	size_t param_max; /* characters of one parameter, 0: no limit */
	struct am_answer_rules answer;
	const char *message_id; /* pointer, "//NAME" in XML; NULL: none */
	uint32_t rate_n;	/* of an endpoint that has none; 0: no limit */
	am_ms rate_per;
	size_t max_bytes;  /* of the text, UTF-8; 0: no limit */
	bool at_most_once; /* uncertain is held unless the endpoint says other
			    */
	/* the names in holes that only `set` of an endpoint can give */
	const char *const *needs;
	size_t needs_n;
	struct am_provider_callback receipt, inbound;
};
