/* journal_fuzz - journal lines: what is taken names an event of the table. */

#include "codec/journal.h"

#include "base/str.h"
#include "core/journal.h"
#include "tests/fuzz/fuzz.h"

#define TAIL                                                                   \
	"\"prev\":\"00112233445566778899aabbccddeeff\","                       \
	"\"h\":\"ffeeddccbbaa99887766554433221100\"}"

const struct am_str fuzz_seeds[] = {
	SEED("{\"seq\":3,\"v\":2,\"now\":1795291848884,\"at\":1795291848883,"
	     "\"event\":\"stage.completed\",\"source\":\"crm\",\"event_id\":"
	     "\"E-9\",\"actor\":\"li\",\"role\":\"agent\",\"expect\":2,"
	     "\"negative\":true,\"in\":{\"stage\":\"listen\",\"@in_flight\":"
	     "\"x\"},\"verdict\":\"ignored\",\"code\":\"already_done\",\"do\":["
	     "{\"n\":\"stage.met\",\"stage\":\"listen\"},{\"n\":\"x\"}]," TAIL),
	SEED("{\"seq\":1,\"v\":1,\"now\":1,\"at\":1,\"event\":\"wake\","
	     "\"source\":\"\",\"event_id\":\"\",\"in\":{},\"verdict\":"
	     "\"applied\",\"do\":[]," TAIL),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct am_str line = { (const char *)data, size };
	uint8_t prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
	struct am_journal_entry e;
	struct am_arena a;

	am_arena_init(&a, 0);
	if (am_journal_parse(line, &a, &e) == 0) {
		AM_ASSERT(am_event_spec(e.event.type) != NULL);
		for (const struct am_note *n = e.notes; n != NULL; n = n->next)
			AM_ASSERT(n->pairs_n <= AM_COUNT(n->pairs));
	}
	(void)am_journal_line_ok(line, prev, h);
	am_arena_fini(&a);
	return 0;
}
