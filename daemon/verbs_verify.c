/* verbs_verify - the verb `verify`; see verify.h. */

#include "base/str.h"
#include "daemon/verify.h"
#include "daemon/view.h"

static void
print(struct view *v, const struct am_verify *y)
{
	am_view_open(v);
	am_buf_addkv(&v->line, "id", v->id);
	am_view_bool(v, "ok", y->result == AM_VERIFY_OK);
	am_view_bool(v, "chain", y->broken == 0);
	am_buf_addki(&v->line, "lines", (int64_t)y->lines_n);
	am_buf_addki(&v->line, "bad_seq", y->bad);
	am_view_close(v);
}

static void
on_verified(void *arg, struct am_verify *y)
{
	struct view *v = arg;

	switch (y->result) {
	case AM_VERIFY_AWAY:
		am_view_lost(v, y->rc);
		am_verify_drop(y);
		am_view_next_shard(v);
		return;
	case AM_VERIFY_ABSENT:
		am_verify_drop(y);
		am_view_next_shard(v);
		return;
	case AM_VERIFY_UNREADABLE:
	case AM_VERIFY_UNUSABLE:
		break;
	default:
		print(v, y);
	}
	am_ctl_end(v->call,
	    y->result == AM_VERIFY_OK ? AM_EXIT_OK : AM_EXIT_FAILED, "%s",
	    am_verify_text(y));
	am_verify_drop(y);
}

static void
verify_shard(struct view *v)
{
	am_verify_begin(v->own, v->shard, v->id, v->a, on_verified, v);
}

static void
end_not_found(struct view *v)
{
	am_view_not_found(v, "complaint");
}

void
am_verb_verify(struct view *v)
{
	v->own = am_arena_zalloc(v->a, sizeof(struct am_verify));
	am_view_walk(v, verify_shard, end_not_found);
}
