/*
 * ready - the reasons, worst first: who reads one line reads the right one.
 */
#include "daemon/ready.h"

#include "base/str.h"
#include "daemon/shard.h"

#define OTHERS_MAX 4 /* reasons that are no shard's */

struct reasons {
	struct am_arena *arena;
	struct am_str *v;
	size_t n;
};

static void
add(struct reasons *r, const char *text)
{
	r->v[r->n++] = am_str_c(text);
}

static void
judge_shards(const struct am_engine *e, struct reasons *r)
{
	for (size_t i = 0; i < e->shards_n; i++) {
		const struct am_store *st = e->shards[i]->store;
		enum am_shard_state s = am_store_state(st);

		if (s != AM_SHARD_RUNNING && s != AM_SHARD_STANDBY)
			add(r, am_arena_printf(r->arena, "shard %s is %s: %s",
				   e->shards[i]->stream, am_shard_state_str(s),
				   am_store_why(st)));
	}
}

void
am_ready_judge(
    const struct am_engine *e, struct am_arena *a, struct am_ready *ready)
{
	struct reasons r = { .arena = a };

	r.v = am_arena_alloc(a, (e->shards_n + OTHERS_MAX) * sizeof(*r.v));
	if (e->stopping)
		add(&r, "the daemon is stopping");
	judge_shards(e, &r);
	/* the text itself may quote the file: the status has it */
	if (e->conf_error[0] != '\0')
		add(&r,
		    "the configuration was refused at the last reload, and the "
		    "one before is in force; `amendsctl status` says why");
	*ready = (struct am_ready){
		.ready = r.n == 0, .reasons = r.v, .reasons_n = r.n
	};
}

void
am_ready_add(const struct am_ready *r, struct am_buf *out)
{
	am_buf_addkey(out, "ready");
	am_buf_adds(out, r->ready ? "true" : "false");
	am_buf_addkey(out, "reasons");
	am_buf_addc(out, '[');
	for (size_t i = 0; i < r->reasons_n; i++) {
		if (i != 0)
			am_buf_addc(out, ',');
		am_buf_addjson(out, r->reasons[i]);
	}
	am_buf_addc(out, ']');
}
