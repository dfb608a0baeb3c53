/*
 * event_fuzz - entries of the stream: an event or a reason, never neither. The
 * first byte chooses the carrier: j json, c cloudevent, else one flat field a
 * line, NAME=VALUE.
 */

#include "intake/event.h"

#include <string.h>

#include "base/str.h"
#include "tests/fuzz/fuzz.h"

#include <amends/complaint.h>

const struct am_str fuzz_seeds[] = {
	SEED("fevent=complaint.opened\ncomplaint_id=C-1\ncustomer.phone=+86\n"
	     "category=billing\nsummary=charged twice"),
	SEED("fevent=customer.answered\ncomplaint_id=C-1\nscore=4\ncomment="
	     "still not solved\noccurred_at=2026-11-21T19:35:03Z\nactor.role="
	     "customer\nexpected_version=3\nv=1\nsource=crm\nevent_id=E-1"),
	SEED("j{\"event\":\"complaint.opened\",\"customer\":{\"id\":\"1\"},"
	     "\"category\":\"x\",\"summary\":\"y\"}"),
	SEED("c{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/c\","
	     "\"type\":\"stage.completed\",\"subject\":\"C-1\",\"data\":{"
	     "\"stage\":\"listen\"}}"),
	SEED("c{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/c\","
	     "\"type\":\"stage.completed\",\"subject\":\"C-1\","
	     "\"data_base64\":\"eyJzdGFnZSI6Imxpc3RlbiJ9\"}"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

static size_t
split(struct am_str text, struct am_pair *pairs, size_t max)
{
	size_t n = 0;

	while (text.n != 0 && n < max) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t line = end != NULL ? (size_t)(end - text.p) : text.n;
		const char *eq = memchr(text.p, '=', line);
		size_t key = eq != NULL ? (size_t)(eq - text.p) : line;

		pairs[n].key = (struct am_str){ text.p, key };
		pairs[n++].value =
		    eq != NULL ? (struct am_str){ eq + 1, line - key - 1 }
			       : (struct am_str){ NULL, 0 };
		line += end != NULL;
		text.p += line;
		text.n -= line;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct am_decode_opts opts = {
		.now = 1795291848883, .max_skew = 5000, .trust_event_time = true
	};
	struct am_str text = { (const char *)data + 1, size - 1 };
	struct am_pair pairs[300];
	struct am_reject why = { .code = NULL };
	struct am_event ev;
	struct am_arena a;
	size_t n = 1;

	if (size == 0)
		return 0;
	pairs[0] = (struct am_pair){ AM_STR("json"), text };
	if (data[0] == 'c')
		pairs[0].key = AM_STR("cloudevent");
	else if (data[0] != 'j')
		n = split(text, pairs, AM_COUNT(pairs));
	am_arena_init(&a, 0);
	if (am_event_decode(AM_STR("1795291848883-0"), pairs, n, &opts, &a, &ev,
		&why) == 0) {
		AM_ASSERT(am_complaint_id_ok(ev.complaint_id));
		AM_ASSERT(ev.at >= 0 && ev.at <= opts.now + opts.max_skew);
		AM_ASSERT(ev.source.n != 0 && ev.event_id.n != 0);
	} else {
		AM_ASSERT(why.code != NULL);
		AM_ASSERT(am_utf8_ok(am_str_c(why.text)));
	}
	am_arena_fini(&a);
	return 0;
}
