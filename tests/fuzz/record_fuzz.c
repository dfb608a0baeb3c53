/*
 * record_fuzz - packed records: what unpacks packs again, and the bytes are
 * the same from then on. The first byte chooses complaint or follow-up.
 */

#include "codec/record.h"

#include "base/str.h"
#include "tests/fuzz/fuzz.h"

const struct am_str fuzz_seeds[] = {
	SEED("c\x01\x01\x01\x10\x09"
	     "complaint\x1f\x3a\x5c\x7e\x9b\x0d\x01\x01\x01\xe6\x82\xdd\xfb\xbf"
	     "\x68\x07"
	     "billing\x01\x10\x32\x54\x76\x98\xba\xdc\xfe\x15\x01\x02\x00\x91"
	     "\x1c\x01\x02\x00\x81\xa0\x9d\x09\x01\x02\x00\xa1\x38"
	     "0123456789abcdef"),
	SEED("c\x01\x90\x01\x01\x10\x01x\x1f\x3a\x5c\x7e\x9b\x0d\x01\x01\x01"
	     "\x02\x01\x00\x00\x01"
	     "0123456789abcdef\x09\x01\x01\x01\x03"
	     "crm0123456789abcdef"),
	SEED("f\x01\x03"
	     "C-1\x03"
	     "crm\x05lapse\x04\x01\x01\x01\x02\x00\x01\xe6\x82\xdd\xfb\xbf\x68"
	     "\x00\x02\x00\x01\x01\x02\x05\x10\xf4\x03\x08http_500"),
};
const size_t fuzz_seeds_n = AM_COUNT(fuzz_seeds);

static void
complaint(struct am_str bytes, struct am_arena *a)
{
	struct am_complaint c, again;
	struct am_buf x, y;

	if (am_record_unpack(AM_STR("C-1"), bytes, a, &c) != 0)
		return;
	am_buf_arena(&x, a, 128);
	am_buf_arena(&y, a, 128);
	am_record_pack(&c, &x);
	AM_ASSERT(
	    am_record_unpack(AM_STR("C-1"), am_buf_str(&x), a, &again) == 0);
	am_record_pack(&again, &y);
	AM_ASSERT(am_str_eq(am_buf_str(&x), am_buf_str(&y)));
}

static void
followup(struct am_str bytes, struct am_arena *a)
{
	static const struct am_str id = SEED("aaaaaaaaaaaaaaaaaaaaaaaaaa");
	struct am_fu_record f, again;
	struct am_buf x, y;

	if (am_fu_record_unpack(id, bytes, a, &f) != 0)
		return;
	am_buf_arena(&x, a, 128);
	am_buf_arena(&y, a, 128);
	am_fu_record_pack(&f, &x);
	AM_ASSERT(am_fu_record_unpack(id, am_buf_str(&x), a, &again) == 0);
	am_fu_record_pack(&again, &y);
	AM_ASSERT(am_str_eq(am_buf_str(&x), am_buf_str(&y)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct am_str bytes = { (const char *)data + 1, size - 1 };
	struct am_arena a;

	if (size == 0)
		return 0;
	am_arena_init(&a, 0);
	if (data[0] == 'f')
		followup(bytes, &a);
	else
		complaint(bytes, &a);
	am_arena_fini(&a);
	return 0;
}
