/*
 * verbs - one table, and one cursor over the words behind a verb that knows
 * from the table which options take a value. getopt_long(3) was not taken: it
 * keeps globals, writes to stderr, and wants 0-ended strings.
 */
#include "ops/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define V AM_CTL_VIEW
#define O AM_CTL_OPERATE

/* clang-format off */
const struct am_verb am_verbs[] = {
	/* name, level, words min max, usage, options, about */
	{ "help", V, 0, 2, "help [VERB]", "",
	  "all commands, or one of them", false },
	{ "status", V, 0, 0, "status", "",
	  "the daemon, Redis, every shard, and what there is to do", false },
	{ "shape", V, 0, 0, "shape", "",
	  "follow-ups by endpoint and age, complaints by stage and time left", false },
	{ "top", V, 0, 0, "top", "",
	  "live: what is about to lapse, endpoints, shards", false },
	{ "audit", V, 0, 0, "audit [--now]", "--now",
	  "what the daemon found when it looked at itself (code 1: not clean)", false },
	{ "health", V, 0, 0, "health", "",
	  "healthy and ready, or the reasons why not (code 1)", false },
	{ "list", V, 0, 0,
	  "list [--open | --status open|held|closed] [--overdue] [--stage S] [--tier T] [--owner O] [--loop-owner O] [--loop L] [--limit N]",
	  "--stage= --tier= --owner= --loop-owner= --loop= --status= --open --overdue --limit=",
	  "complaints, the next to become due first", false },
	{ "show", V, 1, 1, "show ID", "",
	  "one complaint: stage, due, clocks, follow-ups, history", false },
	{ "why", V, 1, 1, "why ID", "",
	  "how each due time of a complaint comes about", false },
	{ "plan", V, 1, 1, "plan ID [--limit N]", "--limit=",
	  "what comes next for a complaint if nothing happens", false },
	{ "message show", V, 1, 1,
	  "message show NAME [--complaint ID | --conf FILE] [--lang L] [--endpoint E] [--loop NAME]",
	  "--complaint= --lang= --endpoint= --loop=",
	  "what a message says, in each language or as an endpoint sends it, and its SMS segments", false },
	{ "message list", V, 0, 0, "message list [--conf FILE] [--loop NAME]",
	  "--loop=",
	  "all messages and built-in texts: languages, segments, endpoints that cut them", false },
	{ "followups", V, 0, 0, "followups [--endpoint E] [--complaint ID] [--limit N]",
	  "--endpoint= --complaint= --limit=",
	  "follow-ups on their way, with their attempts", false },
	{ "followups retry", O, 0, 1,
	  "followups retry ID | --endpoint E [--since TIME|2h] [--dry-run]",
	  "--endpoint= --since= --dry-run",
	  "try a waiting follow-up now, or all that failed at an endpoint", false },
	{ "followups cancel", O, 1, 1, "followups cancel ID", "",
	  "end a waiting follow-up without sending it", false },
	{ "dead list", V, 0, 0, "dead list [--endpoint E] [--limit N]",
	  "--endpoint= --limit=",
	  "follow-ups given up, with the reason", false },
	{ "dead replay", O, 0, 1,
	  "dead replay ID | --all [--endpoint E] [--since TIME|2h] [--dry-run]",
	  "--all --endpoint= --since= --dry-run",
	  "send given-up follow-ups again, under the same id", false },
	{ "dead drop", O, 0, 1, "dead drop ID | --all [--endpoint E] [--yes]",
	  "--all --endpoint= --yes",
	  "forget given-up follow-ups for good", false },
	{ "rejects list", V, 0, 0, "rejects list [--limit N]", "--limit=",
	  "events that could not be applied, with code and field", false },
	{ "rejects replay", O, 0, 1, "rejects replay ENTRY | --all", "--all",
	  "put rejected events on the stream again", false },
	{ "rejects drop", O, 0, 1, "rejects drop ENTRY | --all [--yes]",
	  "--all --yes",
	  "forget rejected events for good", false },
	{ "endpoints", V, 0, 0, "endpoints", "",
	  "where follow-ups go: state, breaker, waiting, last outcome", false },
	{ "endpoints reset", O, 1, 1, "endpoints reset NAME", "",
	  "close an endpoint's breaker and try at once", false },
	{ "endpoints enable", O, 1, 1, "endpoints enable NAME", "",
	  "send to a disabled endpoint again, first what waits for it", false },
	{ "endpoints disable", O, 1, 1, "endpoints disable NAME [--reason TEXT]",
	  "--reason=",
	  "send nothing more to an endpoint; what is for it waits", false },
	{ "endpoints test", O, 1, 1, "endpoints test NAME [--to NUMBER|ADDRESS]",
	  "--to=",
	  "send one test message now and say how it went (code 1: not taken)", false },
	{ "shard list", V, 0, 0, "shard list", "",
	  "every shard with its state and owner", false },
	{ "shard adopt", O, 1, 1, "shard adopt STREAM", "",
	  "end a shard's halt after a person has looked", false },
	{ "shard release", O, 1, 1, "shard release STREAM", "",
	  "give a shard away to another daemon", false },
	{ "close", O, 1, 1, "close ID --by NAME --reason TEXT",
	  "--by= --reason=",
	  "end a complaint by a person's decision", false },
	{ "migrate", O, 0, 100,
	  "migrate ID... | --loop NAME[@HASH] --to NAME [--by NAME] [--reason TEXT]",
	  "--loop= --to= --by= --reason=",
	  "go on under another definition of the loop; shows old and new dues", false },
	{ "pause intake", O, 0, 0, "pause intake [--reason TEXT]", "--reason=",
	  "read no more events; HTTP intake answers 503; survives a restart", false },
	{ "pause delivery", O, 0, 0, "pause delivery [--reason TEXT]", "--reason=",
	  "send nothing more; clocks run on, follow-ups wait", false },
	{ "pause endpoint", O, 1, 1, "pause endpoint NAME [--reason TEXT]",
	  "--reason=",
	  "the same as endpoints disable", false },
	{ "pause loop", O, 1, 1, "pause loop NAME [--reason TEXT]", "--reason=",
	  "send nothing more for complaints of a loop; clocks run on", false },
	{ "resume intake", O, 0, 0, "resume intake", "",
	  "read events again", false },
	{ "resume delivery", O, 0, 0, "resume delivery", "",
	  "send again; what waits is judged anew", false },
	{ "resume endpoint", O, 1, 1, "resume endpoint NAME", "",
	  "the same as endpoints enable", false },
	{ "resume loop", O, 1, 1, "resume loop NAME", "",
	  "send for a loop's complaints again", false },
	{ "silence add", O, 0, 0,
	  "silence add --match KEY=VALUE [--match ...] --author NAME --reason TEXT --for 2h|--until TIME",
	  "--match=+ --author= --reason= --for= --until=",
	  "keep follow-ups quiet until its end; clocks run on", false },
	{ "silence list", V, 0, 0, "silence list [--all]", "--all",
	  "silences in force; --all: those that ended in the last week, too", false },
	{ "silence end", O, 1, 1, "silence end ID", "",
	  "end a silence now; what it held is judged at once", false },
	{ "report", V, 0, 0,
	  "report [--from DAY] [--to DAY] [--period day|week|month|2026-10] [--by owner|team|tier|loop|category] [--zone ZONE] [--progress]",
	  "--from= --to= --period= --by= --zone= --progress",
	  "figures: on time, solved at once, reopened, reached, satisfied, time by stage", false },
	{ "export", V, 0, 0,
	  "export [--period 2026-10 | --from DAY --to DAY] [--closed | --open] [--format csv|json] [--zone ZONE] [--progress]",
	  "--from= --to= --period= --closed --open --format= --zone= --progress",
	  "one line a complaint, for a regulator or a spreadsheet; names nobody", false },
	{ "emit", O, 1, 100, "emit EVENT KEY=VALUE...", "",
	  "put an event on the stream", true },
	{ "reload", O, 0, 0, "reload [--dry-run]", "--dry-run",
	  "read the configuration again; the old one stays if it is wrong", false },
	{ "drain", O, 0, 0, "drain", "",
	  "finish what is in flight, take nothing new", false },
	{ "erase", O, 0, 100,
	  "erase ID... | --customer ID|NUMBER|ADDRESS [--by NAME] [--rewrite] [--yes]",
	  "--customer= --by= --rewrite --yes",
	  "remove a person's data for good; what was done and when stays", false },
	{ "link", V, 1, 1, "link ID", "",
	  "the signed link by which the customer sees a complaint's state", false },
	{ "verify", V, 1, 1, "verify ID", "",
	  "check a complaint's journal: chain and replay", false },
};
/* clang-format on */
const size_t am_verbs_n = AM_COUNT(am_verbs);

#undef V
#undef O

#define LIMIT_MAX 1000000

enum opt_kind { OPT_UNKNOWN, OPT_FLAG, OPT_VALUE, OPT_VALUES };

/* One thing behind the verb: an option or an argument. */
struct item {
	bool option;
	enum opt_kind kind;
	struct am_str name;  /* without the dashes */
	struct am_str value; /* of an option, or the argument */
	bool has_value;
};

struct cursor {
	const struct am_verb *v;
	const struct am_str *argv;
	size_t argc, i;
	bool plain; /* behind "--" */
};

static size_t
verb_words(const struct am_verb *v)
{
	size_t n = 1;

	for (const char *p = v->name; *p != '\0'; p++)
		n += *p == ' ';
	return n;
}

static bool
verb_matches(const struct am_verb *v, const struct am_str *argv, size_t argc)
{
	const char *p = v->name;

	for (size_t i = 0; i < argc; i++) {
		size_t n = strcspn(p, " ");

		if (argv[i].n != n || memcmp(argv[i].p, p, n) != 0)
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
	return false;
}

const struct am_verb *
am_verb_find(const struct am_str *argv, size_t argc, size_t *used)
{
	const struct am_verb *best = NULL;

	for (size_t i = 0; i < am_verbs_n; i++) {
		const struct am_verb *v = &am_verbs[i];

		if (!verb_matches(v, argv, argc))
			continue;
		if (best == NULL || verb_words(v) > verb_words(best))
			best = v;
	}
	if (best != NULL)
		*used = verb_words(best);
	return best;
}

static enum opt_kind
opt_kind(const struct am_verb *v, struct am_str name)
{
	for (const char *p = v->options; *p != '\0';) {
		size_t n = strcspn(p, " "), len = n - 2;
		bool again = p[n - 1] == '+';
		bool value = p[n - 1 - again] == '=';

		len -= (size_t)value + again;
		if (len == name.n && memcmp(p + 2, name.p, len) == 0)
			return again   ? OPT_VALUES
			       : value ? OPT_VALUE
				       : OPT_FLAG;
		p += n;
		p += strspn(p, " ");
	}
	return OPT_UNKNOWN;
}

static void
cursor_init(struct cursor *c, const struct am_verb *v,
    const struct am_str *argv, size_t argc)
{
	*c = (struct cursor){ v, argv, argc, verb_words(v), false };
}

static bool
cursor_next(struct cursor *c, struct item *it)
{
	struct am_str w;
	const char *eq;

	if (!c->plain && c->i < c->argc && am_str_is(c->argv[c->i], "--")) {
		c->plain = true;
		c->i++;
	}
	if (c->i >= c->argc)
		return false;
	w = c->argv[c->i++];
	*it = (struct item){ .value = w };
	if (c->plain || !am_str_prefix(w, "--"))
		return true;
	it->option = true;
	it->name = (struct am_str){ w.p + 2, w.n - 2 };
	it->value = (struct am_str){ w.p + w.n, 0 };
	eq = memchr(it->name.p, '=', it->name.n);
	if (eq != NULL) {
		it->value =
		    (struct am_str){ eq + 1, (size_t)(w.p + w.n - eq - 1) };
		it->name.n = (size_t)(eq - it->name.p);
		it->has_value = true;
	}
	it->kind = opt_kind(c->v, it->name);
	if (it->kind >= OPT_VALUE && !it->has_value && c->i < c->argc) {
		it->value = c->argv[c->i++];
		it->has_value = true;
	}
	return true;
}

/* Nearest verb to text, at most two edits away. */
static const struct am_verb *
verb_near(const char *text)
{
	const struct am_verb *best = NULL;
	size_t best_d = 3;

	for (size_t i = 0; i < am_verbs_n; i++) {
		size_t d = am_str_distance(text, am_verbs[i].name, 2);

		if (d < best_d) {
			best_d = d;
			best = &am_verbs[i];
		}
	}
	return best;
}

/* "list, replay, drop" for "dead"; false when no verb begins so. */
static bool
verb_group(struct am_str first, char *list, size_t cap)
{
	size_t n = 0;

	list[0] = '\0';
	for (size_t i = 0; i < am_verbs_n; i++) {
		const char *name = am_verbs[i].name;

		if (strlen(name) > first.n && name[first.n] == ' ' &&
		    memcmp(name, first.p, first.n) == 0) {
			n += (size_t)snprintf(list + n, cap - n, "%s%s",
			    n > 0 ? ", " : "", name + first.n + 1);
			AM_ASSERT(n < cap);
		}
	}
	return n > 0;
}

void
am_verb_suggest(const struct am_str *argv, size_t argc, char what[200])
{
	const struct am_verb *near = NULL;
	char text[64], list[100];

	if (argc == 0) {
		snprintf(what, 200, "no command; `help` lists them");
		return;
	}
	if (argc > 1) {
		snprintf(text, sizeof(text), "%.*s %.*s",
		    argv[0].n < 30 ? (int)argv[0].n : 30, argv[0].p,
		    argv[1].n < 30 ? (int)argv[1].n : 30, argv[1].p);
		near = verb_near(text);
	}
	if (near == NULL) {
		bool group = verb_group(argv[0], list, sizeof(list));

		snprintf(text, sizeof(text), "%.*s",
		    argv[0].n < 60 ? (int)argv[0].n : 60, argv[0].p);
		if (group) {
			snprintf(
			    what, 200, "`%s` needs one of: %s", text, list);
			return;
		}
		near = verb_near(text);
	}
	if (near != NULL)
		snprintf(what, 200, "no such command: %s; did you mean `%s`?",
		    text, near->name);
	else
		snprintf(
		    what, 200, "no such command: %s; `help` lists them", text);
}

static int
value_check(const struct item *it, char what[200])
{
	static const char *const statuses[] = { "open", "held", "closed" };
	uint64_t n;

	if (am_str_is(it->name, "limit")) {
		if (am_str_u64(it->value, &n) == 0 && n >= 1 && n <= LIMIT_MAX)
			return 0;
		snprintf(what, 200,
		    "--limit is no number of lines; give 1 to %d", LIMIT_MAX);
		return -AM_EINVAL;
	}
	if (am_str_is(it->name, "status")) {
		for (size_t i = 0; i < AM_COUNT(statuses); i++) {
			if (am_str_is(it->value, statuses[i]))
				return 0;
		}
		snprintf(what, 200,
		    "--status is no status; give open, held or closed");
		return -AM_EINVAL;
	}
	return 0;
}

static int
option_check(const struct am_verb *v, const struct item *it, char what[200])
{
	int n = it->name.n < 40 ? (int)it->name.n : 40;

	if (it->kind == OPT_UNKNOWN)
		snprintf(what, 200, "%s has no option --%.*s; usage: %s",
		    v->name, n, it->name.p, v->usage);
	else if (it->kind == OPT_FLAG && it->has_value)
		snprintf(what, 200, "--%.*s takes no value; usage: %s", n,
		    it->name.p, v->usage);
	else if (it->kind >= OPT_VALUE && (!it->has_value || it->value.n == 0))
		snprintf(what, 200, "--%.*s needs a value; usage: %s", n,
		    it->name.p, v->usage);
	else
		return value_check(it, what);
	return -AM_EINVAL;
}

/* The same option before this place? */
static bool
option_twice(const struct cursor *at, struct am_str name)
{
	struct cursor c;
	struct item it;
	int n = 0;

	cursor_init(&c, at->v, at->argv, at->argc);
	while (cursor_next(&c, &it) && c.i <= at->i)
		n += it.option && am_str_eq(it.name, name);
	return n > 1;
}

/* A verb with --all takes its argument or --all; what narrows goes with --all.
 */
static int
all_check(const struct am_verb *v, size_t args, bool all, bool narrowed,
    char what[200])
{
	if (args > 0 && all)
		snprintf(what, 200, "give %s or --all, not both; usage: %s",
		    strncmp(v->name, "rejects", 7) == 0 ? "an entry" : "an id",
		    v->usage);
	else if (args == 0 && !all)
		snprintf(what, 200, "%s needs to know which; usage: %s",
		    v->name, v->usage);
	else if (args > 0 && narrowed)
		snprintf(what, 200, "what narrows goes with --all; usage: %s",
		    v->usage);
	else
		return 0;
	return -AM_EINVAL;
}

static int
args_check(const struct am_verb *v, const struct am_str *argv, size_t argc,
    size_t args, char what[200])
{
	char list[100];

	if (args > v->args_max) {
		if (verb_group(am_str_c(v->name), list, sizeof(list)))
			am_verb_suggest(argv, argc, what);
		else if (v->args_max == 0)
			snprintf(what, 200, "%s takes no argument; usage: %s",
			    v->name, v->usage);
		else
			snprintf(
			    what, 200, "too many words; usage: %s", v->usage);
		return -AM_EINVAL;
	}
	if (args < v->args_min) {
		snprintf(what, 200, "%s needs more words; usage: %s", v->name,
		    v->usage);
		return -AM_EINVAL;
	}
	return 0;
}

static bool
is_pair(struct am_str word)
{
	return word.n != 0 && word.p[0] != '=' &&
	       memchr(word.p, '=', word.n) != NULL;
}

/* --open is a status, told in another word. */
static int
open_check(const struct am_str *argv, size_t argc, char what[200])
{
	if (am_verb_option(argv, argc, "open").p == NULL ||
	    am_verb_option(argv, argc, "status").p == NULL)
		return 0;
	snprintf(what, 200, "give --open or --status, not both");
	return -AM_EINVAL;
}

int
am_verb_check(const struct am_verb *v, const struct am_str *argv, size_t argc,
    char what[200])
{
	size_t args = 0;
	bool all = false, narrowed = false;
	struct cursor c;
	struct item it;

	cursor_init(&c, v, argv, argc);
	while (cursor_next(&c, &it)) {
		if (it.option) {
			if (option_check(v, &it, what) != 0)
				return -AM_EINVAL;
			if (it.kind != OPT_VALUES &&
			    option_twice(&c, it.name)) {
				snprintf(what, 200,
				    "--%.*s is given twice; once is enough",
				    AM_ARG(it.name));
				return -AM_EINVAL;
			}
			all |= am_str_is(it.name, "all");
			narrowed |= it.kind >= OPT_VALUE;
			continue;
		}
		if (v->pairs && args > 0 && !is_pair(it.value)) {
			snprintf(what, 200, "`%.*s` is no KEY=VALUE; usage: %s",
			    it.value.n < 40 ? (int)it.value.n : 40, it.value.p,
			    v->usage);
			return -AM_EINVAL;
		}
		args++;
	}
	if (args_check(v, argv, argc, args, what) != 0 ||
	    open_check(argv, argc, what) != 0)
		return -AM_EINVAL;
	if (v->args_max > 0 && opt_kind(v, AM_STR("all")) == OPT_FLAG)
		return all_check(v, args, all, narrowed, what);
	return 0;
}

struct am_str
am_verb_option(const struct am_str *argv, size_t argc, const char *name)
{
	return am_verb_option_at(argv, argc, name, 0);
}

struct am_str
am_verb_option_at(
    const struct am_str *argv, size_t argc, const char *name, size_t i)
{
	size_t used;
	const struct am_verb *v = am_verb_find(argv, argc, &used);
	struct cursor c;
	struct item it;

	if (v == NULL)
		return (struct am_str){ NULL, 0 };
	name += strspn(name, "-");
	cursor_init(&c, v, argv, argc);
	while (cursor_next(&c, &it)) {
		if (it.option && am_str_is(it.name, name) && i-- == 0)
			return it.value;
	}
	return (struct am_str){ NULL, 0 };
}

struct am_str
am_verb_arg(
    const struct am_verb *v, const struct am_str *argv, size_t argc, size_t i)
{
	struct cursor c;
	struct item it;

	cursor_init(&c, v, argv, argc);
	while (cursor_next(&c, &it)) {
		if (!it.option && i-- == 0)
			return it.value;
	}
	return (struct am_str){ NULL, 0 };
}
