/*
 * produced_fuzz - requests of producers: headers, an empty line, the body. What
 * is taken is an event to the stream's reader, too, with an id and a source;
 * and who has no key is nobody.
 */

#include "intake/produced.h"

#include <string.h>

#include "base/str.h"
#include "intake/verify.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1795262400000
#define OPENED                                                                 \
	"{\"event\":\"complaint.opened\",\"event_id\":\"E\",\"customer\":{"    \
	"\"id\":\"7\"},\"category\":\"b\",\"summary\":\"x\"}"
#define CE                                                                     \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/c\",\"type\":"    \
	"\"stage.completed\",\"subject\":\"C-1\",\"data\":{\"stage\":\"s\"}}"

const struct am_str fuzz_seeds[] = {
	SEED("content-type: application/json\n"
	     "webhook-signature: v1,AAAA v1,BBBB\n\n" OPENED),
	SEED("content-type: application/json\nauthorization: Bearer x\n\n"
	     "[" OPENED "," OPENED "]"),
	SEED("content-type: application/cloudevents-batch+json\n"
	     "stripe-signature: t=1795262400,v1=00,v0=1\n\n[" CE ", " CE "]"),
	SEED("content-type: application/cloudevents+json\nx-sig: 00\n\n" CE),
	SEED("content-type: application/json; charset=utf-8\nce-id: \"a%20\"\n"
	     "ce-source: %E2%82%AC\nce-type: stage.completed\nce-subject: C-1\n"
	     "ce-specversion: 1.0\nce-x: 100%\n\n{\"stage\":\"s\"}"),
	SEED(
	    "content-type: application/json\nx-map: 1\n\n{\"r\":\"v\",\"rows\":"
	    "[{\"id\":\"1\",\"on\":true,\"who\":\"7\"},{},{\"id\":2}]}"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

static size_t
read_headers(struct am_str *text, struct am_pair *v, size_t max)
{
	size_t n = 0;

	while (text->n > 0 && n < max) {
		const char *end = memchr(text->p, '\n', text->n);
		size_t line = end != NULL ? (size_t)(end - text->p) : text->n;
		const char *colon = memchr(text->p, ':', line);
		size_t key = colon != NULL ? (size_t)(colon - text->p) : line;

		v[n].key = (struct am_str){ text->p, key };
		v[n].value = (struct am_str){ text->p + key, 0 };
		if (colon != NULL)
			v[n].value = am_str_trim(
			    (struct am_str){ colon + 1, line - key - 1 });
		n += line > 0;
		text->p += line + (end != NULL);
		text->n -= line + (end != NULL);
		if (line == 0)
			break;
	}
	return n;
}

/* Each scheme, by keys that nobody has told. */
static void
try_keys(const struct am_verify_request *r)
{
	static const struct am_fill content = { 1,
		{ { { "", 0 }, "body", false, 0 } } };
	struct am_conf_producer p = { .tolerance = AM_DAY,
		.secrets = { { "file:x", AM_STR("the secret that is not in "
						"any input 0123456789") } },
		.secrets_n = 1,
		.keys_n = { 32 },
		.tokens = { { "file:x", AM_STR("the token that is not in any "
					       "input 0123456789") } },
		.tokens_n = 1,
		.signature = {
		    .header = "x-sig", .prefix = "", .content = &content } };
	const char *why;

	memset(p.keys[0], 0x5a, 32);
	for (int s = 0; s <= AM_PRODUCER_HMAC; s++) {
		p.scheme = (enum am_producer_scheme)s;
		AM_ASSERT(am_verify_producer(&p, r, &why) == -AM_EREFUSED);
	}
}

static void
check(const struct am_produced *said, const struct am_decode_opts *opts,
    struct am_arena *a)
{
	AM_ASSERT(said->n <= AM_PRODUCED_MAX);
	for (size_t i = 0; i < said->n; i++) {
		const struct am_produced_event *e = &said->v[i];
		struct am_reject why;
		struct am_event ev;

		AM_ASSERT(am_event_decode(AM_STR("1795262400000-0"), e->fields,
			      e->n, opts, a, &ev, &why) == 0);
		AM_ASSERT(am_str_eq(ev.event_id, e->event_id));
		AM_ASSERT(am_str_eq(ev.source, e->source));
		AM_ASSERT(am_str_eq(ev.complaint_id, e->complaint_id));
		AM_ASSERT(ev.event_id.n > 0 && ev.source.n > 0);
		AM_ASSERT(!am_str_is(ev.source, "amends"));
		AM_ASSERT(ev.at == NOW);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct am_fill id = { 1,
		{ { { "", 0 }, "id", false, AM_FILL_ID } } };
	static const struct am_fill who = { 1,
		{ { { "", 0 }, "who", false, AM_FILL_RAW } } };
	static const struct am_conf_when when = { "r", true, "v" };
	static const struct am_conf_set set[] = { { "event_id", &id },
		{ "complaint_id", &id }, { "reason", &who } };
	static const struct am_conf_map map = { .name = "m",
		.when = &when,
		.when_n = 1,
		.event = AM_EV_WITHDRAWN,
		.set = set,
		.set_n = 3 };
	struct am_str text = { (const char *)data, size };
	struct am_pair v[16];
	struct am_conf_producer p = {
		.name = "p", .source = "p", .events = UINT64_MAX, .batch = true
	};
	struct am_produced_request q = { .producer = &p,
		.headers = v,
		.id = AM_STR("m"),
		.decode = { .now = NOW, .max_skew = 5000 } };
	struct am_verify_request r = { .headers = v, .now_s = NOW / 1000 };
	struct am_produced_fault fault = { .status = 0 };
	struct am_produced said;
	struct am_arena a;

	am_arena_init(&a, 0);
	r.headers_n = q.headers_n = read_headers(&text, v, AM_COUNT(v));
	r.body = q.body = text;
	for (size_t i = 0; i < q.headers_n; i++)
		if (am_str_is(v[i].key, "x-map")) {
			p.maps = &map;
			p.maps_n = 1;
			p.each = "rows";
		}
	try_keys(&r);
	if (am_produced_read(&q, &a, &said, &fault) == 0)
		check(&said, &q.decode, &a);
	else
		AM_ASSERT(fault.status >= 400 && fault.status < 500 &&
			  fault.code != NULL && fault.text[0] != '\0');
	am_arena_fini(&a);
	return 0;
}
