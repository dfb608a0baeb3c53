/*
 * fu_record - the packed form of one follow-up, see record.h.
 *
 *   version, complaint, endpoint, rung name, clock, rung, entry, cycle, reason,
 *   to, tier, fired_at, due_at, next_at, trace id, attempts in all, attempts
 *   kept, each: started, result << 1 | ended known, ended, status, error;
 *   from version 2 on: catchup, group, digest, members, each: id, complaint;
 *   from version 3 on: progress << 4 | replayed << 3 | class, handed_at unless
 *   queued, provider id, excerpt;
 *   body
 *
 * Instants are differences to fired_at, an attempt's end to its start. The id
 * is the key's.
 */

#include "codec/record.h"

#include <string.h>

#include "codec/pack.h"

static void
add_attempt(struct am_buf *out, const struct am_attempt *t, am_ms fired_at)
{
	AM_ASSERT(t->result <= AM_TRY_UNCERTAIN);
	am_pack_delta(out, t->started, fired_at);
	am_buf_addc(out, (char)(t->result << 1 | (t->ended != 0)));
	if (t->ended != 0)
		am_pack_delta(out, t->ended, t->started);
	am_buf_addvar(out, t->status);
	am_buf_addlstr(out, t->error);
}

static void
add_members(struct am_buf *out, const struct am_fu_record *f)
{
	AM_ASSERT(f->members_n <= AM_MEMBERS_MAX);
	am_buf_addvar(out, f->members_n);
	for (size_t i = 0; i < f->members_n; i++) {
		am_buf_add(out, f->members[i].id, sizeof(f->members[i].id));
		am_buf_addlstr(out, f->members[i].complaint);
	}
}

static void
add_progress(struct am_buf *out, const struct am_fu_record *f)
{
	AM_ASSERT(f->class < AM_FU_CLASSES && f->progress < AM_FU_PROGRESS_N);
	AM_ASSERT(f->excerpt.n <= AM_EXCERPT_KEPT);
	am_buf_addc(
	    out, (char)(f->progress << 4 | f->replayed << 3 | f->class));
	if (f->progress != AM_FU_QUEUED)
		am_pack_delta(out, f->handed_at, f->fired_at);
	am_buf_addlstr(out, f->provider_id);
	am_buf_addlstr(out, f->excerpt);
}

void
am_fu_record_pack(const struct am_fu_record *f, struct am_buf *out)
{
	size_t n = f->attempts_n, first = 0;

	if (n > AM_ATTEMPTS_KEPT) {
		first = n - AM_ATTEMPTS_KEPT;
		n = AM_ATTEMPTS_KEPT;
	}
	AM_ASSERT(f->clock < AM_CLOCKS_MAX);
	AM_ASSERT(f->reason < AM_REASONS_N && f->to < AM_ROLES_N);
	am_buf_reserve(out, 128 + f->body.n);
	am_buf_addc(out, AM_RECORD_VERSION);
	am_buf_addlstr(out, f->complaint);
	am_buf_addlstr(out, f->endpoint);
	am_buf_addlstr(out, f->rung_name);
	am_buf_addc(out, (char)f->clock);
	am_buf_addc(out, (char)f->rung);
	am_buf_addvar(out, f->entry);
	am_buf_addvar(out, f->cycle);
	am_buf_addc(out, (char)f->reason);
	am_buf_addc(out, (char)f->to);
	am_buf_addc(out, (char)f->tier);
	am_buf_addzig(out, f->fired_at);
	am_pack_delta(out, f->due_at, f->fired_at);
	am_pack_delta(out, f->next_at, f->fired_at);
	am_buf_addlstr(out, f->trace_id);
	am_buf_addvar(out, f->attempts_total);
	am_buf_addvar(out, n);
	for (size_t i = first; i < first + n; i++)
		add_attempt(out, &f->attempts[i], f->fired_at);
	am_buf_addc(out, f->catchup);
	am_buf_addlstr(out, f->group);
	am_buf_addlstr(out, f->digest);
	add_members(out, f);
	add_progress(out, f);
	am_buf_addlstr(out, f->body);
}

static void
get_attempt(struct am_rd *r, struct am_attempt *t, am_ms fired_at)
{
	uint8_t result;

	t->started = am_unpack_delta(r, fired_at);
	result = am_rd_u8(r);
	t->result = result >> 1;
	t->ended = (result & 1) != 0 ? am_unpack_delta(r, t->started) : 0;
	t->status = (uint16_t)am_unpack_max(r, UINT16_MAX);
	t->error = am_rd_lstr(r);
	if (t->result > AM_TRY_UNCERTAIN)
		r->bad = true;
}

static void
get_attempts(struct am_rd *r, struct am_arena *a, struct am_fu_record *f)
{
	size_t n = am_unpack_max(r, AM_ATTEMPTS_KEPT);

	/* one takes at least four bytes */
	if (n > am_unpack_left(r) / 4) {
		r->bad = true;
		return;
	}
	if (n != 0)
		f->attempts = am_arena_alloc(a, n * sizeof(*f->attempts));
	f->attempts_n = n;
	for (size_t i = 0; i < n; i++)
		get_attempt(r, &f->attempts[i], f->fired_at);
}

static void
get_members(struct am_rd *r, struct am_arena *a, struct am_fu_record *f)
{
	size_t n = am_unpack_max(r, AM_MEMBERS_MAX);

	/* one takes at least 17 bytes */
	if (n > am_unpack_left(r) / 17) {
		r->bad = true;
		return;
	}
	if (n != 0)
		f->members = am_arena_zalloc(a, n * sizeof(*f->members));
	f->members_n = n;
	for (size_t i = 0; i < n; i++) {
		struct am_str id = am_rd_bytes(r, sizeof(f->members[i].id));

		if (r->bad)
			return;
		memcpy(f->members[i].id, id.p, id.n);
		f->members[i].complaint = am_rd_lstr(r);
	}
}

static void
get_since_2(struct am_rd *r, struct am_arena *a, struct am_fu_record *f)
{
	uint8_t catchup = am_rd_u8(r);

	if (catchup > 1)
		r->bad = true;
	f->catchup = catchup != 0;
	f->group = am_rd_lstr(r);
	f->digest = am_rd_lstr(r);
	get_members(r, a, f);
}

static void
get_since_3(struct am_rd *r, struct am_fu_record *f)
{
	uint8_t b = am_rd_u8(r);

	f->class = b & 7;
	f->replayed = (b & 8) != 0;
	f->progress = b >> 4;
	if (f->class >= AM_FU_CLASSES || f->progress >= AM_FU_PROGRESS_N)
		r->bad = true;
	if (f->progress != AM_FU_QUEUED)
		f->handed_at = am_unpack_delta(r, f->fired_at);
	f->provider_id = am_rd_lstr(r);
	f->excerpt = am_rd_lstr(r);
	if (f->excerpt.n > AM_EXCERPT_KEPT)
		r->bad = true;
}

int
am_fu_record_unpack(struct am_str id_text, struct am_str bytes,
    struct am_arena *a, struct am_fu_record *f)
{
	struct am_rd r = am_unpack_from(bytes);
	struct am_fu_record new = { .clock = 0 };
	uint8_t version = am_rd_u8(&r);

	if (r.bad || version == 0)
		return -AM_EINVAL;
	if (version > AM_RECORD_VERSION)
		return -AM_EUNSUPPORTED;
	if (am_fu_id_parse(id_text, new.id) != 0)
		return -AM_EINVAL;
	new.complaint = am_rd_lstr(&r);
	new.endpoint = am_rd_lstr(&r);
	new.rung_name = am_rd_lstr(&r);
	new.clock = am_rd_u8(&r);
	new.rung = am_rd_u8(&r);
	new.entry = (uint16_t)am_unpack_max(&r, UINT16_MAX);
	new.cycle = (uint16_t)am_unpack_max(&r, UINT16_MAX);
	new.reason = am_rd_u8(&r);
	new.to = am_rd_u8(&r);
	new.tier = am_rd_u8(&r);
	new.fired_at = am_rd_zig(&r);
	new.due_at = am_unpack_delta(&r, new.fired_at);
	new.next_at = am_unpack_delta(&r, new.fired_at);
	new.trace_id = am_rd_lstr(&r);
	new.attempts_total = (uint32_t)am_unpack_max(&r, UINT32_MAX);
	get_attempts(&r, a, &new);
	if (version >= 2)
		get_since_2(&r, a, &new);
	if (version >= 3)
		get_since_3(&r, &new);
	new.body = am_rd_lstr(&r);
	if (r.bad || r.p != r.end || new.clock >= AM_CLOCKS_MAX ||
	    new.reason >= AM_REASONS_N || new.to >= AM_ROLES_N)
		return -AM_EINVAL;
	*f = new;
	return 0;
}

int
am_fu_record_fired(struct am_str head, am_ms *fired_at)
{
	struct am_rd r = am_unpack_from(head);
	uint8_t version = am_rd_u8(&r);
	am_ms at;

	if (r.bad || version == 0 || version > AM_RECORD_VERSION)
		return -AM_EINVAL;
	for (int i = 0; i < 3; i++)
		(void)am_rd_lstr(&r);
	(void)am_rd_u8(&r);
	(void)am_rd_u8(&r);
	(void)am_unpack_max(&r, UINT16_MAX);
	(void)am_unpack_max(&r, UINT16_MAX);
	(void)am_rd_bytes(&r, 3);
	at = am_rd_zig(&r);
	if (r.bad)
		return -AM_EINVAL;
	*fired_at = at;
	return 0;
}
