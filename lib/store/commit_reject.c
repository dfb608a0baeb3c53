/*
 * commit_reject - an event that could not be applied, kept (layer: store).
 *
 * Its pairs stand behind what is said of it, each name with "f." before it, so
 * that a replay finds them again. What is cut is told by the hash of the whole.
 */
#include "store/commit_int.h"

#include "base/hash.h"

#define REJECT_BYTES_MAX ((size_t)64 * 1024)

void
am_commit_reject(
    struct am_commit *c, const struct am_entry *e, const struct am_reject *why)
{
	struct am_sha256 sha;
	struct am_buf hex;
	uint8_t raw[32];
	size_t left = REJECT_BYTES_MAX;

	am_sha256_init(&sha);
	for (size_t i = 0; i < e->n; i++) {
		am_sha256_addl(&sha, e->fields[i].key);
		am_sha256_addl(&sha, e->fields[i].value);
	}
	am_sha256_end(&sha, raw);
	am_buf_arena(&hex, &c->arena, 2 * sizeof raw + 1);
	am_buf_addhex(&hex, raw, sizeof raw);
	xadd(c, c->s->keys.rejects);
	args2(c->b, "id", e->id);
	args2(c->b, "code", am_str_c(why->code));
	args2(c->b, "field", why->field);
	args2(c->b, "text", am_str_c(why->text));
	args2i(c->b, "at", c->at);
	args2i(c->b, "size", (int64_t)e->bytes);
	args2(c->b, "sha256", am_buf_str(&hex));
	if (e->bytes > left)
		args2(c->b, "cut", AM_STR("yes"));
	for (size_t i = 0; i < e->n && left > 0; i++) {
		struct am_str k = e->fields[i].key, v = e->fields[i].value;
		struct am_buf name;

		if (k.n > left)
			k.n = left;
		left -= k.n;
		if (v.n > left)
			v.n = left;
		left -= v.n;
		am_buf_arena(&name, &c->arena, k.n + 3);
		am_buf_adds(&name, "f.");
		am_buf_addstr(&name, k);
		am_args(c->b, am_buf_str(&name));
		am_args(c->b, v);
	}
}
