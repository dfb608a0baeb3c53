/*
 * commit_personal - a person's data, beside the record that has none (layer:
 * store).
 */
#include "store/commit_int.h"

static struct am_str
personal_key(struct am_commit *c, const char *kind, struct am_str name)
{
	return am_key(&c->s->keys, &c->arena, kind, name);
}

void
am_commit_pii(struct am_commit *c, struct am_str complaint,
    const struct am_pair *pairs, size_t n)
{
	if (n == 0)
		return;
	am_cmd(c->b, "HSET");
	am_args(c->b, personal_key(c, "pii", complaint));
	for (size_t i = 0; i < n; i++) {
		am_args(c->b, pairs[i].key);
		am_args(c->b, pairs[i].value);
	}
}

void
am_commit_pii_copy(
    struct am_commit *c, struct am_str from, struct am_str complaint)
{
	am_cmd(c->b, "COPY");
	am_args(c->b, personal_key(c, "pii", from));
	am_args(c->b, personal_key(c, "pii", complaint));
}

/* The data go where only the sweep looks, for it has to know whose traces it
 * takes away; COPY of what is not there is no fault. */
void
am_commit_erase(struct am_commit *c, struct am_str complaint)
{
	am_cmd(c->b, "SADD");
	am_arg(c->b, c->s->keys.erasing);
	am_args(c->b, complaint);
	am_cmd(c->b, "COPY");
	am_args(c->b, personal_key(c, "pii", complaint));
	am_args(c->b, personal_key(c, "erase", complaint));
	am_arg(c->b, "REPLACE");
	am_slice_add(c, &c->dels, personal_key(c, "pii", complaint));
}
