/*
 * ready - the reasons, worst first: who reads one line reads the right one.
 */
#include "daemon/ready.h"

#include "base/str.h"
#include "base/time.h"
#include "daemon/produce.h"
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

static void
note_pauses(const struct am_engine *e, struct am_arena *a, struct am_ready *r)
{
	const struct am_pause *list;
	size_t n = am_paused_list(e, a, &list);
	struct am_str *notes = am_arena_alloc(a, (n + 1) * sizeof(*notes));

	for (size_t i = 0; i < n; i++) {
		char since[32];

		am_rfc3339_format(list[i].since, since);
		notes[i] = am_str_c(am_arena_printf(
		    a, "%s is paused since %s", list[i].what, since));
	}
	r->notes = notes;
	r->notes_n = n;
}

/* Events are refused although Redis answers: it is full, or keeps too little.
 */
static void
judge_intake(const struct am_engine *e, struct reasons *r)
{
	const char *wrong =
	    e->produce != NULL ? am_produce_wrong(e->produce) : NULL;

	if (wrong != NULL && r->n == 0)
		add(r, am_arena_printf(
			   r->arena, "no events are taken by HTTP: %s", wrong));
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
	judge_intake(e, &r);
	/* the text itself may quote the file: the status has it */
	if (e->conf_error[0] != '\0')
		add(&r,
		    "the configuration was refused at the last reload, and the "
		    "one before is in force; `amendsctl status` says why");
	*ready = (struct am_ready){
		.ready = r.n == 0, .reasons = r.v, .reasons_n = r.n
	};
	note_pauses(e, a, ready);
}

static void
add_list(
    struct am_buf *out, const char *key, const struct am_str *list, size_t n)
{
	am_buf_addkey(out, key);
	am_buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i != 0)
			am_buf_addc(out, ',');
		am_buf_addjson(out, list[i]);
	}
	am_buf_addc(out, ']');
}

void
am_ready_add(const struct am_ready *r, struct am_buf *out)
{
	am_buf_addkey(out, "ready");
	am_buf_adds(out, r->ready ? "true" : "false");
	add_list(out, "reasons", r->reasons, r->reasons_n);
	add_list(out, "notes", r->notes, r->notes_n);
}
