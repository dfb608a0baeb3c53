/* json_fuzz - the JSON reader: what it takes is UTF-8 without zero bytes. */

#include "codec/json.h"

#include "base/str.h"
#include "tests/fuzz/fuzz.h"

const struct am_str fuzz_seeds[] = {
	SEED("{\"a\":1,\"b\":{\"c\":[true,null,\"\\u00e9\\ud83d\\ude00\"]}}"),
	SEED("{\"event\":\"stage.completed\",\"x\":{\"y\":{\"z\":-1.5e3}}}"),
	SEED("{\"a\":[[[]],{},{\"b\":\"\xe6\xb2\xa1\"}],\"c\":\"\\n\\\"\"}"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct am_str text = { (const char *)data, size };
	const struct am_pair *pairs;
	struct am_arena a;
	char what[200];
	size_t n;

	am_arena_init(&a, 0);
	if (am_json_flatten(text, 256, &a, &pairs, &n, what) == 0) {
		AM_ASSERT(n <= 256);
		for (size_t i = 0; i < n; i++) {
			AM_ASSERT(pairs[i].key.n <= AM_JSON_NAME_MAX);
			AM_ASSERT(am_utf8_ok(pairs[i].key));
			AM_ASSERT(am_utf8_ok(pairs[i].value));
		}
	}
	am_arena_fini(&a);
	return 0;
}
