/*
 * silence - see silence.h.
 *
 * Kept as JSON, so that a person can read the hash; parsed once for each
 * ownership and each change. Silences are held against a follow-up when it is
 * claimed, not when it is made: one that ends early then needs no more than new
 * scores for what it held, and a silence set for what waits already works.
 * Rejected: to exempt customers. A person who says `--match tier=high` and
 * still hears of customers written to would not say it twice.
 */

#include "daemon/silence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"

static const char *const keys[] = { "endpoint", "loop", "role", "tier", "team",
	"category", "incident", "complaint" };

bool
am_silence_active(const struct am_silence *s, am_ms now)
{
	/* not from <= now: it began when it was written, whatever a clock that
	 * is behind says */
	return s->ended == 0 && now < s->until;
}

bool
am_silences_any(const struct am_silences *all, am_ms now)
{
	for (size_t i = 0; i < all->n; i++)
		if (am_silence_active(&all->list[i], now))
			return true;
	return false;
}

/* What the follow-up says to a matcher's key, "" : nothing. */
static struct am_str
said(const struct am_silenced *what, struct am_str key)
{
	const struct am_complaint *c = what->complaint;
	const struct am_loopdef *def = what->def;

	if (am_str_is(key, "endpoint"))
		return what->row->endpoint;
	if (am_str_is(key, "role"))
		return am_str_c(am_role_str(what->row->to));
	if (am_str_is(key, "complaint"))
		return what->row->complaint;
	if (def != NULL && am_str_is(key, "loop"))
		return am_str_c(def->name);
	if (c == NULL)
		return AM_STR("");
	if (def != NULL && am_str_is(key, "tier") && c->tier < def->tiers_n)
		return am_str_c(def->tiers[c->tier]);
	if (am_str_is(key, "team"))
		return c->team;
	if (am_str_is(key, "category"))
		return c->category;
	if (am_str_is(key, "incident"))
		return c->incident;
	return AM_STR("");
}

static bool
matches(const struct am_silence *s, const struct am_silenced *what)
{
	for (size_t i = 0; i < s->match_n; i++) {
		struct am_str v = said(what, s->match[i].key);

		if (v.n == 0 || !am_str_eq(v, s->match[i].value))
			return false;
	}
	return s->match_n != 0;
}

const struct am_silence *
am_silence_find(
    const struct am_silences *all, am_ms now, const struct am_silenced *what)
{
	const struct am_silence *found = NULL;

	for (size_t i = 0; i < all->n; i++) {
		const struct am_silence *s = &all->list[i];

		if (am_silence_active(s, now) &&
		    (found == NULL || s->until > found->until) &&
		    matches(s, what))
			found = s;
	}
	return found;
}

void
am_silences_forget(struct am_silences *all)
{
	am_arena_fini(&all->arena);
	*all = (struct am_silences){ .known = false };
}

void
am_silences_read(struct am_silences *all, const redisReply *hash)
{
	size_t n = hash != NULL && hash->type == REDIS_REPLY_ARRAY
		       ? hash->elements
		       : 0;
	struct am_silence *list;

	am_silences_forget(all);
	am_arena_init(&all->arena, 0);
	list = am_arena_zalloc(&all->arena, (n / 2 + 1) * sizeof(*list));
	for (size_t i = 0; i + 1 < n; i += 2) {
		struct am_str id = am_reply_str(hash->element[i]);
		struct am_str json = am_reply_str(hash->element[i + 1]);

		all->n += am_silence_parse(am_arena_dup(&all->arena, id),
			      am_arena_dup(&all->arena, json), &all->arena,
			      &list[all->n]) == 0;
	}
	all->list = list;
	all->known = true;
}

/* ---- JSON ---- */

int
am_silence_matcher(struct am_str word, struct am_pair *match, char what[200])
{
	const char *eq = word.n != 0 ? memchr(word.p, '=', word.n) : NULL;
	struct am_str key = { word.p, eq != NULL ? (size_t)(eq - word.p) : 0 };

	for (size_t i = 0; i < AM_COUNT(keys); i++) {
		if (!am_str_is(key, keys[i]))
			continue;
		match->key = key;
		match->value = (struct am_str){ eq + 1, word.n - key.n - 1 };
		if (match->value.n != 0)
			return 0;
	}
	snprintf(what, 200,
	    "--match %.*s is no matcher; give KEY=VALUE with a KEY of "
	    "endpoint, loop, role, tier, team, category, incident or complaint",
	    word.n < 40 ? (int)word.n : 40, word.n != 0 ? word.p : "");
	return -AM_EINVAL;
}

void
am_silence_format(const struct am_silence *s, struct am_buf *out)
{
	am_buf_addc(out, '{');
	am_buf_addkv(out, "author", s->author);
	am_buf_addkv(out, "reason", s->reason);
	am_buf_addki(out, "from", s->from);
	am_buf_addki(out, "until", s->until);
	if (s->ended != 0)
		am_buf_addki(out, "ended", s->ended);
	for (size_t i = 0; i < s->match_n; i++) {
		char key[32];

		snprintf(
		    key, sizeof(key), "match.%.*s", AM_ARG(s->match[i].key));
		am_buf_addkv(out, key, s->match[i].value);
	}
	am_buf_addc(out, '}');
}

static void
set_ms(am_ms *to, struct am_str text)
{
	int64_t n;

	if (am_str_i64(text, &n) == 0)
		*to = n;
}

int
am_silence_parse(struct am_str id, struct am_str json, struct am_arena *a,
    struct am_silence *s)
{
	static const char match[] = "match.";
	struct am_silence new = { .id = id };
	const struct am_pair *said_;
	struct am_pair *list;
	size_t n;
	char what[200];

	if (am_json_flatten(json, 32, a, &said_, &n, what) != 0)
		return -AM_EINVAL;
	list = am_arena_zalloc(a, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		struct am_str key = said_[i].key, v = said_[i].value;

		if (am_str_is(key, "author"))
			new.author = v;
		else if (am_str_is(key, "reason"))
			new.reason = v;
		else if (am_str_is(key, "from"))
			set_ms(&new.from, v);
		else if (am_str_is(key, "until"))
			set_ms(&new.until, v);
		else if (am_str_is(key, "ended"))
			set_ms(&new.ended, v);
		else if (am_str_prefix(key, match))
			list[new.match_n++] =
			    (struct am_pair){ { key.p + sizeof(match) - 1,
						  key.n - sizeof(match) + 1 },
				    v };
	}
	new.match = list;
	if (new.until == 0 || new.match_n == 0)
		return -AM_EINVAL;
	*s = new;
	return 0;
}
