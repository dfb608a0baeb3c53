/*
 * commit_script - the one script there is (layer: store).
 *
 * A full Redis refuses every command inside MULTI, even DEL. A script that says
 * allow-oom may run, so what must go on is sent again in this form: compare the
 * token and the commit number, then the same list of writes. It is sent whole
 * (EVAL), rarely; there is nothing to load and nothing to lose. All keys are
 * declared; pcall lets the list go on after an error, as EXEC does.
 */
#include "store/store_int.h"

#include "base/str.h"

static const char script[] =
    "#!lua flags=allow-oom\n"
    "local token = redis.call('GET', KEYS[1]) or ''\n"
    "local number = redis.call('HGET', KEYS[2], 'commit') or ''\n"
    "if token ~= ARGV[1] or (ARGV[2] ~= '-1' and number ~= ARGV[2]) then\n"
    "  return {0}\n"
    "end\n"
    "local out, i = {1}, 3\n"
    "while ARGV[i] do\n"
    "  local n = tonumber(ARGV[i])\n"
    "  out[#out + 1] = redis.pcall(unpack(ARGV, i + 1, i + n)) or ''\n"
    "  i = i + n + 1\n"
    "end\n"
    "return out\n";

/* unpack() is good for some 8000 values; an argument list above is cut off by
 * Redis with an error before anything runs. */

/* Which arguments of a command are keys: every step-th from the first. */
struct key_rule {
	const char *name;
	size_t first, step;
	bool all;
};

static struct key_rule
rule_of(struct am_str name)
{
	static const struct key_rule special[] = {
		{ "MSET", 1, 2, true },
		{ "DEL", 1, 1, true },
		{ "COPY", 1, 1, true },
		{ "XGROUP", 2, 1, false },
		{ "XINFO", 2, 1, false },
	};

	for (size_t i = 0; i < AM_COUNT(special); i++)
		if (am_str_is(name, special[i].name))
			return special[i];
	return (struct key_rule){ "", 1, 1, false };
}

static size_t
put_keys(struct am_batch *b, const struct am_batch *cmds, size_t i, bool write)
{
	struct key_rule rule = rule_of(am_batch_arg(cmds, i, 0));
	size_t n = 0;

	for (size_t j = rule.first; j < cmds->cmds[i].args; j += rule.step) {
		if (write)
			am_args(b, am_batch_arg(cmds, i, j));
		n++;
		if (!rule.all)
			break;
	}
	return n;
}

void
am_script_build(struct am_batch *b, const struct am_keys *k,
    struct am_str token, int64_t commit, const struct am_batch *cmds,
    size_t from, size_t to)
{
	size_t keys = 2;

	for (size_t i = from; i < to; i++)
		keys += put_keys(b, cmds, i, false);
	am_cmd(b, "EVAL");
	am_arg(b, script);
	am_argi(b, (int64_t)keys);
	am_arg(b, k->token);
	am_arg(b, k->cursor);
	for (size_t i = from; i < to; i++)
		put_keys(b, cmds, i, true);
	am_args(b, token);
	am_argi(b, commit);
	for (size_t i = from; i < to; i++) {
		am_argi(b, (int64_t)cmds->cmds[i].args);
		for (size_t j = 0; j < cmds->cmds[i].args; j++)
			am_args(b, am_batch_arg(cmds, i, j));
	}
}
