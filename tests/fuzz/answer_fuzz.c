/*
 * answer_fuzz - what gateways answer: rules and ids of JSON and XML, and what
 * is said of it, which is one line of plain ASCII without the secret.
 */

#include <string.h>

#include "base/str.h"
#include "deliver/answer.h"
#include "tests/fuzz/fuzz.h"

const struct am_str fuzz_seeds[] = {
	SEED("{\"code\":0,\"id\":\"SM1\",\"to\":[{\"status\":\"0\"}]}"),
	SEED("{\"to\":[{\"status\":1},{\"status\":\"hunter22\"}],\"id\":9}"),
	SEED("<?xml version=\"1.0\"?><R a='>'><!-- <Code>1</Code> -->"
	     "<n:Code>OptedOut</n:Code><id>a-1</id></R>"),
	SEED("<R><![CDATA[<Code>x</Code>]]><Code/><id>1</id></R>"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

static const char *const texts[AM_ANSWER_LISTS_N] = {
	[AM_ANSWER_THROTTLE] = "//Code ^= Thr : 1s",
	[AM_ANSWER_OPTED_OUT] = "//Code == OptedOut",
	[AM_ANSWER_PERMANENT] = "/to/*/status == 1",
	[AM_ANSWER_RETRY] = "/to/*/status ^= h",
	[AM_ANSWER_UNCERTAIN] = "//id != 1",
	[AM_ANSWER_SUCCESS] = "/code == 0",
};

static void
check_line(const char *s)
{
	for (; *s != '\0'; s++)
		AM_ASSERT(*s >= ' ' && *s < 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct am_str secret = AM_STR("hunter22");
	struct am_answer_rule rule[AM_ANSWER_LISTS_N];
	struct am_answer_rules rules = { .in_use = true };
	const struct am_answer_seen seen = { .status = 200,
		.body = { (const char *)data, size },
		.secrets = &secret,
		.secrets_n = 1 };
	struct am_answer_verdict v;
	char id[32], why[256];
	struct am_arena a;

	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_ANSWER_LISTS_N; i++) {
		int rc = am_answer_rule_parse(
		    &a, texts[i], i == AM_ANSWER_THROTTLE, &rule[i], why);

		AM_ASSERT(rc == 0);
		rules.list[i] = (struct am_answer_rule_list){ &rule[i], 1 };
	}
	AM_ASSERT(am_answer_judge(&rules, &seen, &v));
	check_line(v.said);
	AM_ASSERT(strstr(v.said, secret.p) == NULL);
	am_answer_id(seen.body, "/id", id, sizeof(id));
	check_line(id);
	am_answer_id(seen.body, "//id", id, sizeof(id));
	check_line(id);
	am_arena_fini(&a);
	return 0;
}
