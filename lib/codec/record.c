/*
 * record - see record.h.
 *
 *   version, presence (varint of P_* bits), head (status | outcome << 2),
 *   place (stage | tier << 4), loop, cycle, version, seq, opened_at,
 *   what presence names in the order of the tables below,
 *   clocks (varint bit per slot, then each), extensions, applied, waiting,
 *   chain
 *
 * Instants are signed differences to opened_at, budgets and spans a varint
 * whose low bit says seconds, for most of them are whole. The event that
 * started a clock nearly always stands in the applied list: its place counted
 * from the newest, not its 8 bytes. A complaint just opened takes about 80
 * bytes, and a million of them are held in memory: hence by hand.
 *
 * Rejected: one tag a field (a third larger), JSON (four times), and a schema
 * compiler (a dependency for one struct).
 */

#include "codec/record.h"

#include <endian.h>
#include <string.h>

#include "base/str.h"
#include "codec/pack.h"
#include "core/clock.h"

/* Common ones first: a plain complaint's presence is one byte. */
enum {
	P_CATEGORY = 1 << 0,
	P_OWNER = 1 << 1,
	P_LANG = 1 << 2,
	P_DONE = 1 << 3,
	P_WAITING = 1 << 4,
	P_LOOP_OWNER = 1 << 5,
	P_FLAGS = 1 << 6,
	P_OWED = 1 << 7,
	P_TEAM = 1 << 8,
	P_SUPERVISOR = 1 << 9,
	P_HOLD_REASON = 1 << 10,
	P_REOPENS = 1 << 11,
	P_SCORE = 1 << 12,
	P_CLOSED_AT = 1 << 13,
	P_HELD_SINCE = 1 << 14,
	P_HOLD_UNTIL = 1 << 15, /* an instant */
	P_HOLD_OPEN = 1 << 16,	/* hold_until is AM_NEVER */
	P_QUIET_UNTIL = 1 << 17,
	P_ANSWERED_AT = 1 << 18,
	P_LOOP_TEXT = 1 << 19, /* loop_ref is not NAME@12 hex digits */
	P_RESOLVER = 1 << 20,
	P_CALLS = 1 << 21, /* attempts, misses, parts, recourse */
	P_TZ = 1 << 22,
	P_SEVERITY = 1 << 23,
	P_INCIDENT = 1 << 24,
	P_RESPONDENTS = 1 << 25,
	P_REPEAT_OF = 1 << 26,
	P_DUPLICATES = 1 << 27,
	P_TARGET = 1 << 28,
	P_EXTENDED = 1 << 29, /* a clock was: behind the clocks */
	P_ALL = (1 << 30) - 1,
};

#define AT(member) offsetof(struct am_complaint, member)

static const struct field {
	uint32_t bit;
	size_t at;
} small[] = {
	/* uint16_t */
	{ P_DONE, AT(done) },
	{ P_FLAGS, AT(flags) },
	{ P_OWED, AT(owed) },
	{ P_REOPENS, AT(reopens) },
}, instants[] = {
	/* am_ms, 0: none */
	{ P_CLOSED_AT, AT(closed_at) },
	{ P_HELD_SINCE, AT(held_since) },
	{ P_HOLD_UNTIL, AT(hold_until) },
	{ P_QUIET_UNTIL, AT(quiet_until) },
	{ P_ANSWERED_AT, AT(answered_at) },
}, strings[] = {
	/* struct am_str */
	{ P_CATEGORY, AT(category) },
	{ P_OWNER, AT(owner) },
	{ P_LANG, AT(lang) },
	{ P_LOOP_OWNER, AT(loop_owner) },
	{ P_TEAM, AT(team) },
	{ P_SUPERVISOR, AT(supervisor) },
	{ P_HOLD_REASON, AT(hold_reason) },
	{ P_RESOLVER, AT(resolver) },
	{ P_TZ, AT(tz) },
	{ P_SEVERITY, AT(severity) },
	{ P_INCIDENT, AT(incident) },
	{ P_RESPONDENTS, AT(respondents) },
	{ P_REPEAT_OF, AT(repeat_of) },
	{ P_DUPLICATES, AT(duplicates) },
	{ P_TARGET, AT(target) },
};

#define FIELD(type, c, f) ((type *)((char *)(c) + (f)->at))
#define CFIELD(type, c, f) ((const type *)((const char *)(c) + (f)->at))

/* First byte of a clock: its state, and what follows. */
enum {
	K_STATE = 7,
	K_MISSED = 1 << 3,
	K_FIRED = 1 << 4,
	K_CONSUMED = 1 << 5,
	K_SINCE = 1 << 6, /* running_since differs from started */
	K_ENTRY = 1 << 7, /* entry is not 1 */
};

/* What the cause of a clock is written as. */
enum {
	CAUSE_NONE,
	CAUSE_HASH,   /* 8 bytes follow */
	CAUSE_NEWEST, /* + how far it is from the newest applied event */
};

#define LOOP_HASH_BYTES 6

/* ---- pack ---- */

static void
add_u64(struct am_buf *out, uint64_t v)
{
	v = htole64(v);
	am_buf_add(out, &v, sizeof(v));
}

/* Low bit 1: seconds. 0: too large for that, 8 bytes follow. */
static void
add_span(struct am_buf *out, am_ms span)
{
	bool whole = span % AM_SECOND == 0;
	int64_t n = whole ? span / AM_SECOND : span;

	if (n >= INT64_MIN / 4 && n <= INT64_MAX / 4) {
		uint64_t zig = n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1;

		am_buf_addvar(out, zig << 1 | whole);
	} else {
		am_buf_addvar(out, 0);
		add_u64(out, (uint64_t)span);
	}
}

/* NAME@12 lower-case hex digits: gives the name's length, else 0. */
static size_t
loop_name(struct am_str ref, uint8_t hash[LOOP_HASH_BYTES])
{
	size_t digits = 2 * LOOP_HASH_BYTES;
	struct am_str hex;

	if (ref.n <= digits + 1 || ref.p[ref.n - digits - 1] != '@')
		return 0;
	hex = (struct am_str){ ref.p + ref.n - digits, digits };
	for (size_t i = 0; i < digits; i++)
		if (hex.p[i] >= 'A' && hex.p[i] <= 'F')
			return 0;
	if (am_hex_parse(hex, hash, LOOP_HASH_BYTES) != 0)
		return 0;
	return ref.n - digits - 1;
}

static uint32_t
presence(const struct am_complaint *c)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < AM_COUNT(small); i++)
		if (*CFIELD(uint16_t, c, &small[i]) != 0)
			bits |= small[i].bit;
	for (size_t i = 0; i < AM_COUNT(instants); i++)
		if (*CFIELD(am_ms, c, &instants[i]) != 0)
			bits |= instants[i].bit;
	for (size_t i = 0; i < AM_COUNT(strings); i++)
		if (CFIELD(struct am_str, c, &strings[i])->n != 0)
			bits |= strings[i].bit;
	if (c->hold_until == AM_NEVER)
		bits = (bits & ~(uint32_t)P_HOLD_UNTIL) | P_HOLD_OPEN;
	if (c->score != 0)
		bits |= P_SCORE;
	if ((c->attempts | c->misses | c->parts | c->recourse) != 0)
		bits |= P_CALLS;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		if (c->clocks[i].extensions != 0)
			bits |= P_EXTENDED;
	if (c->waiting_n != 0)
		bits |= P_WAITING;
	return bits;
}

static bool
clock_used(const struct am_clock *k)
{
	return k->state != AM_CLK_OFF || k->entry != 0 || k->missed ||
	       k->fired != 0 || k->cause != 0 || k->started != 0 ||
	       k->budget != 0 || k->consumed != 0 || k->extensions != 0;
}

static void
add_cause(struct am_buf *out, const struct am_complaint *c, uint64_t cause)
{
	if (cause == 0) {
		am_buf_addvar(out, CAUSE_NONE);
		return;
	}
	for (size_t i = 0; i < c->applied_n; i++) {
		if (c->applied[c->applied_n - 1 - i] == cause) {
			am_buf_addvar(out, CAUSE_NEWEST + i);
			return;
		}
	}
	am_buf_addvar(out, CAUSE_HASH);
	add_u64(out, cause);
}

static void
add_clock(
    struct am_buf *out, const struct am_complaint *c, const struct am_clock *k)
{
	bool since = am_clock_live(k) && k->running_since != k->started;
	unsigned head = k->state;

	AM_ASSERT(k->state <= AM_CLK_OVER);
	head |= k->missed ? K_MISSED : 0u;
	head |= k->fired != 0 ? K_FIRED : 0u;
	head |= k->consumed != 0 ? K_CONSUMED : 0u;
	head |= since ? K_SINCE : 0u;
	head |= k->entry != 1 ? K_ENTRY : 0u;
	am_buf_addc(out, (char)head);
	if (head & K_ENTRY)
		am_buf_addvar(out, k->entry);
	if (head & K_FIRED)
		am_buf_addvar(out, k->fired);
	add_cause(out, c, k->cause);
	am_pack_delta(out, k->started, c->opened_at);
	add_span(out, k->budget);
	if (head & K_CONSUMED)
		add_span(out, k->consumed);
	if (head & K_SINCE)
		am_pack_delta(out, k->running_since, k->started);
}

static void
add_clocks(struct am_buf *out, const struct am_complaint *c)
{
	unsigned used = 0;

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		used |= clock_used(&c->clocks[i]) ? 1u << i : 0;
	am_buf_addvar(out, used);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		if (used & 1u << i)
			add_clock(out, c, &c->clocks[i]);
}

/* Few clocks are ever extended: a list, in place of a field in each. */
static void
add_extended(struct am_buf *out, const struct am_complaint *c)
{
	unsigned used = 0;

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		used |= c->clocks[i].extensions != 0 ? 1u << i : 0;
	am_buf_addvar(out, used);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if ((used & 1u << i) == 0)
			continue;
		am_buf_addc(out, (char)c->clocks[i].extensions);
		add_span(out, c->clocks[i].extra);
	}
}

static void
add_waiting(struct am_buf *out, const struct am_complaint *c)
{
	AM_ASSERT(c->waiting_n <= AM_WAITING_MAX);
	am_buf_addvar(out, c->waiting_n);
	for (size_t i = 0; i < c->waiting_n; i++) {
		const struct am_waiting *w = &c->waiting[i];

		AM_ASSERT(w->clock < AM_CLOCKS_MAX);
		AM_ASSERT(w->class < AM_FU_CLASSES);
		am_buf_add(out, w->id, sizeof(w->id));
		am_buf_addc(out, (char)(w->revived << 7 | w->handed << 6 |
					w->clock << 1 | w->queued));
		am_buf_addc(out, (char)w->rung);
		am_buf_addc(out, (char)w->class);
		am_buf_addvar(out, w->entry);
		am_buf_addvar(out, w->cycle);
		am_buf_addlstr(out, w->endpoint);
	}
}

static void
add_head(struct am_buf *out, uint32_t bits, const struct am_complaint *c)
{
	AM_ASSERT(c->status <= AM_CLOSED && c->outcome < AM_OUTCOMES_N);
	AM_ASSERT(c->stage < AM_STAGES_MAX && c->tier < AM_TIERS_MAX);
	am_buf_addc(out, AM_RECORD_VERSION);
	am_buf_addvar(out, bits);
	am_buf_addc(out, (char)(c->status | c->outcome << 2));
	am_buf_addc(out, (char)(c->stage | c->tier << 4));
}

static void
add_fields(struct am_buf *out, uint32_t bits, const struct am_complaint *c)
{
	for (size_t i = 0; i < AM_COUNT(small); i++)
		if (bits & small[i].bit)
			am_buf_addvar(out, *CFIELD(uint16_t, c, &small[i]));
	if (bits & P_SCORE)
		am_buf_addc(out, (char)c->score);
	if (bits & P_CALLS) {
		am_buf_addc(out, (char)c->attempts);
		am_buf_addc(out, (char)c->misses);
		am_buf_addc(out, (char)c->parts);
		am_buf_addc(out, (char)c->recourse);
	}
	for (size_t i = 0; i < AM_COUNT(instants); i++)
		if (bits & instants[i].bit)
			am_pack_delta(
			    out, *CFIELD(am_ms, c, &instants[i]), c->opened_at);
	for (size_t i = 0; i < AM_COUNT(strings); i++)
		if (bits & strings[i].bit)
			am_buf_addlstr(
			    out, *CFIELD(struct am_str, c, &strings[i]));
}

static void
add_applied(struct am_buf *out, const struct am_complaint *c)
{
	AM_ASSERT(c->applied_n <= AM_APPLIED_MAX);
	am_buf_addvar(out, c->applied_n);
	for (size_t i = 0; i < c->applied_n; i++)
		add_u64(out, c->applied[i]);
}

void
am_record_pack(const struct am_complaint *c, struct am_buf *out)
{
	uint8_t hash[LOOP_HASH_BYTES];
	size_t name_n = loop_name(c->loop_ref, hash);
	uint32_t bits = presence(c) | (name_n == 0 ? P_LOOP_TEXT : 0u);

	am_buf_reserve(out, 128);
	add_head(out, bits, c);
	if (name_n != 0) {
		am_buf_addlstr(out, (struct am_str){ c->loop_ref.p, name_n });
		am_buf_add(out, hash, sizeof(hash));
	} else {
		am_buf_addlstr(out, c->loop_ref);
	}
	am_buf_addvar(out, c->cycle);
	am_buf_addvar(out, c->version);
	am_buf_addvar(out, c->seq);
	am_buf_addzig(out, c->opened_at);
	add_fields(out, bits, c);
	add_applied(out, c);
	add_clocks(out, c);
	if (bits & P_EXTENDED)
		add_extended(out, c);
	if (bits & P_WAITING)
		add_waiting(out, c);
	am_buf_add(out, c->chain, sizeof(c->chain));
}

/* ---- unpack ---- */

static uint64_t
get_u64(struct am_rd *r)
{
	struct am_str s = am_rd_bytes(r, 8);
	uint64_t v = 0;

	if (s.n == sizeof(v))
		memcpy(&v, s.p, sizeof(v));
	return le64toh(v);
}

static am_ms
get_span(struct am_rd *r)
{
	uint64_t v = am_rd_var(r), zig = v >> 1;
	int64_t span = (int64_t)(zig >> 1 ^ (0 - (zig & 1)));

	if (v == 0)
		return (am_ms)get_u64(r);
	if ((v & 1) != 0 && __builtin_mul_overflow(span, AM_SECOND, &span))
		r->bad = true;
	return span;
}

static struct am_str
get_loop(struct am_rd *r, bool text, struct am_arena *a)
{
	static const char digits[] = "0123456789abcdef";
	struct am_str name = am_rd_lstr(r), hash;
	char *ref, *out;

	if (text)
		return name;
	hash = am_rd_bytes(r, LOOP_HASH_BYTES);
	if (r->bad)
		return name;
	ref = am_arena_alloc(a, name.n + 1 + 2 * LOOP_HASH_BYTES);
	memcpy(ref, name.p, name.n);
	out = ref + name.n;
	*out++ = '@';
	for (size_t i = 0; i < hash.n; i++) {
		*out++ = digits[(uint8_t)hash.p[i] >> 4];
		*out++ = digits[hash.p[i] & 15];
	}
	return (struct am_str){ ref, (size_t)(out - ref) };
}

static void
get_fields(struct am_rd *r, uint32_t bits, struct am_complaint *c)
{
	for (size_t i = 0; i < AM_COUNT(small); i++)
		if (bits & small[i].bit)
			*FIELD(uint16_t, c, &small[i]) =
			    (uint16_t)am_unpack_max(r, UINT16_MAX);
	if (bits & P_SCORE)
		c->score = am_rd_u8(r);
	if (bits & P_CALLS) {
		c->attempts = am_rd_u8(r);
		c->misses = am_rd_u8(r);
		c->parts = am_rd_u8(r);
		c->recourse = am_rd_u8(r);
	}
	for (size_t i = 0; i < AM_COUNT(instants); i++)
		if (bits & instants[i].bit)
			*FIELD(am_ms, c, &instants[i]) =
			    am_unpack_delta(r, c->opened_at);
	if (bits & P_HOLD_OPEN)
		c->hold_until = AM_NEVER;
	for (size_t i = 0; i < AM_COUNT(strings); i++)
		if (bits & strings[i].bit)
			*FIELD(struct am_str, c, &strings[i]) = am_rd_lstr(r);
}

static void
get_applied(struct am_rd *r, struct am_arena *a, struct am_complaint *c)
{
	size_t n = am_unpack_max(r, AM_APPLIED_MAX);

	if (n > am_unpack_left(r) / sizeof(uint64_t)) {
		r->bad = true;
		return;
	}
	if (n != 0)
		c->applied = am_arena_alloc(a, n * sizeof(*c->applied));
	for (size_t i = 0; i < n; i++)
		c->applied[i] = get_u64(r);
	c->applied_n = n;
}

static uint64_t
get_cause(struct am_rd *r, const struct am_complaint *c)
{
	uint64_t v = am_unpack_max(r, CAUSE_NEWEST + AM_APPLIED_MAX);

	if (v == CAUSE_NONE)
		return 0;
	if (v == CAUSE_HASH)
		return get_u64(r);
	if (v - CAUSE_NEWEST >= c->applied_n) {
		r->bad = true;
		return 0;
	}
	return c->applied[c->applied_n - 1 - (v - CAUSE_NEWEST)];
}

static void
get_clock(struct am_rd *r, const struct am_complaint *c, struct am_clock *k)
{
	uint8_t head = am_rd_u8(r);

	k->state = head & K_STATE;
	k->missed = (head & K_MISSED) != 0;
	k->entry = 1;
	if (head & K_ENTRY)
		k->entry = (uint16_t)am_unpack_max(r, UINT16_MAX);
	if (head & K_FIRED)
		k->fired = (uint16_t)am_unpack_max(r, UINT16_MAX);
	k->cause = get_cause(r, c);
	k->started = am_unpack_delta(r, c->opened_at);
	k->budget = get_span(r);
	if (head & K_CONSUMED)
		k->consumed = get_span(r);
	if (head & K_SINCE)
		k->running_since = am_unpack_delta(r, k->started);
	else if (am_clock_live(k))
		k->running_since = k->started;
	if (k->state > AM_CLK_OVER || (!am_clock_live(k) && (head & K_SINCE)))
		r->bad = true;
}

static void
get_clocks(struct am_rd *r, struct am_complaint *c)
{
	uint64_t used = am_unpack_max(r, (1u << AM_CLOCKS_MAX) - 1);

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		if (used & 1u << i)
			get_clock(r, c, &c->clocks[i]);
}

static void
get_extended(struct am_rd *r, struct am_complaint *c)
{
	uint64_t used = am_unpack_max(r, (1u << AM_CLOCKS_MAX) - 1);

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if ((used & 1u << i) == 0)
			continue;
		c->clocks[i].extensions = am_rd_u8(r);
		c->clocks[i].extra = get_span(r);
		if (c->clocks[i].extensions == 0)
			r->bad = true;
	}
	if (used == 0)
		r->bad = true;
}

static void
get_waiting(struct am_rd *r, struct am_arena *a, uint8_t version,
    struct am_complaint *c)
{
	size_t n = am_unpack_max(r, AM_WAITING_MAX);

	/* one takes at least its id and five bytes */
	if (n == 0 || n > am_unpack_left(r) / (sizeof(c->waiting->id) + 5)) {
		r->bad = true;
		return;
	}
	c->waiting = am_arena_zalloc(a, n * sizeof(*c->waiting));
	c->waiting_n = n;
	for (size_t i = 0; i < n; i++) {
		struct am_waiting *w = &c->waiting[i];
		struct am_str id = am_rd_bytes(r, sizeof(w->id));
		uint8_t clock = am_rd_u8(r);

		if (id.n == sizeof(w->id))
			memcpy(w->id, id.p, id.n);
		w->clock = clock >> 1 & 0x1f;
		w->queued = (clock & 1) != 0;
		w->handed = (clock & 0x40) != 0;
		w->revived = (clock & 0x80) != 0;
		w->rung = am_rd_u8(r);
		w->class = version >= 3 ? am_rd_u8(r) : 0;
		w->entry = (uint16_t)am_unpack_max(r, UINT16_MAX);
		w->cycle = (uint16_t)am_unpack_max(r, UINT16_MAX);
		w->endpoint = am_rd_lstr(r);
		if (w->clock >= AM_CLOCKS_MAX || w->class >= AM_FU_CLASSES ||
		    (w->handed && version < 3))
			r->bad = true;
	}
}

static int
get_head(struct am_rd *r, struct am_complaint *c)
{
	uint8_t head = am_rd_u8(r), place = am_rd_u8(r);

	c->status = head & 3;
	c->outcome = head >> 2;
	c->stage = place & 15;
	c->tier = place >> 4;
	if (c->outcome >= AM_OUTCOMES_N || c->stage >= AM_STAGES_MAX ||
	    c->tier >= AM_TIERS_MAX)
		return -AM_EINVAL;
	return 0;
}

int
am_record_unpack(struct am_str id, struct am_str bytes, struct am_arena *a,
    struct am_complaint *c)
{
	struct am_rd r = am_unpack_from(bytes);
	struct am_complaint new = { .id = id };
	uint8_t version = am_rd_u8(&r);
	struct am_str chain;
	uint32_t bits;

	if (r.bad || version == 0)
		return -AM_EINVAL;
	if (version > AM_RECORD_VERSION)
		return -AM_EUNSUPPORTED;
	bits = (uint32_t)am_unpack_max(&r, P_ALL);
	if ((bits & P_HOLD_UNTIL) && (bits & P_HOLD_OPEN))
		return -AM_EINVAL;
	if (get_head(&r, &new) != 0)
		return -AM_EINVAL;
	new.loop_ref = get_loop(&r, bits & P_LOOP_TEXT, a);
	new.cycle = (uint16_t)am_unpack_max(&r, UINT16_MAX);
	new.version = (uint32_t)am_unpack_max(&r, UINT32_MAX);
	new.seq = (uint32_t)am_unpack_max(&r, UINT32_MAX);
	new.opened_at = am_rd_zig(&r);
	get_fields(&r, bits, &new);
	get_applied(&r, a, &new);
	get_clocks(&r, &new);
	if (bits & P_EXTENDED)
		get_extended(&r, &new);
	if (bits & P_WAITING)
		get_waiting(&r, a, version, &new);
	chain = am_rd_bytes(&r, sizeof(new.chain));
	if (r.bad || r.p != r.end)
		return -AM_EINVAL;
	memcpy(new.chain, chain.p, sizeof(new.chain));
	*c = new;
	return 0;
}
