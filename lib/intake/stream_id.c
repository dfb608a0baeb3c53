/* stream_id - ids of stream entries, "MS-SEQ" in decimal; see event.h. */

#include "intake/event.h"

#include <string.h>

#include "base/str.h"

int
am_stream_id_parse(struct am_str id, uint64_t *ms, uint64_t *seq)
{
	const char *dash = id.n != 0 ? memchr(id.p, '-', id.n) : NULL;
	struct am_str left, right;
	uint64_t l, r;

	if (dash == NULL)
		return -AM_EINVAL;
	left = (struct am_str){ id.p, (size_t)(dash - id.p) };
	right = (struct am_str){ dash + 1, id.n - left.n - 1 };
	if (am_str_u64(left, &l) != 0 || am_str_u64(right, &r) != 0)
		return -AM_EINVAL;
	*ms = l;
	*seq = r;
	return 0;
}

int
am_stream_id_cmp(struct am_str a, struct am_str b)
{
	uint64_t ams = 0, aseq = 0, bms = 0, bseq = 0;
	bool a_ok = am_stream_id_parse(a, &ams, &aseq) == 0;
	bool b_ok = am_stream_id_parse(b, &bms, &bseq) == 0;

	if (a_ok != b_ok)
		return a_ok ? 1 : -1;
	if (ams != bms)
		return ams < bms ? -1 : 1;
	return (aseq > bseq) - (aseq < bseq);
}
