/*
 * amendsctl_message - messages for people: each text as it goes out, and what
 * it costs as an SMS. The rows come from the daemon, or, when a configuration
 * is named, are made here by the same code; then there is no complaint to look
 * at but an example.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/amendsctl_local.h"

#include "base/str.h"
#include "ops/words.h"
#include "sim/preview.h"

#define LANG_COLS 10

/* ---- show ---- */

static struct am_str
lang_word(const json_t *o)
{
	struct am_str lang = am_json_str(o, "lang");

	return am_str_is(lang, "und") ? AM_STR("default") : lang;
}

/* A text keeps its lines. */
static void
print_text(const struct am_term *t, struct am_str label, struct am_str text)
{
	struct am_buf b;

	am_buf_init(&b);
	for (bool first = true; first || text.n > 0; first = false) {
		const char *nl =
		    text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;
		size_t n = nl != NULL ? (size_t)(nl - text.p) : text.n;
		size_t next = nl != NULL ? n + 1 : n;

		am_buf_reset(&b);
		am_text_clean(&b, (struct am_str){ text.p, n });
		printf("  %s%-*.*s%s", am_hue_on(t, AM_HUE_DIM), LANG_COLS,
		    first ? (int)label.n : 0, label.p,
		    am_hue_off(t, AM_HUE_DIM));
		am_text_wrap(t, LANG_COLS + 2, am_buf_str(&b));
		text.p += next;
		text.n -= next;
	}
	am_buf_fini(&b);
}

/* What stands beside the text, on a line of its own. */
static void
print_beside(const struct am_term *t, const char *label, struct am_str text)
{
	struct am_buf b;

	am_buf_init(&b);
	am_text_clean(&b, text);
	printf("  %s%-*s%s%.*s\n", am_hue_on(t, AM_HUE_DIM), LANG_COLS, label,
	    am_hue_off(t, AM_HUE_DIM), AM_ARG(am_buf_str(&b)));
	am_buf_fini(&b);
}

/* "SMS_1: id = C-1, due = 2026-11-23 10:00" */
static void
print_template(const struct am_term *t, const json_t *template)
{
	struct am_buf b;
	size_t i;
	json_t *p;

	if (template == NULL)
		return;
	am_buf_init(&b);
	am_buf_addstr(&b, am_json_str(template, "id"));
	json_array_foreach(json_object_get(template, "params"), i, p)
	{
		struct am_str name = am_json_str(p, "name");

		am_buf_adds(&b, i == 0 ? ": " : ", ");
		if (name.n > 0) {
			am_buf_addstr(&b, name);
			am_buf_adds(&b, " = ");
		}
		am_buf_addstr(&b, am_json_str(p, "value"));
	}
	print_beside(t, "template", am_buf_str(&b));
	am_buf_fini(&b);
}

/* "1 segment", "2 segments and 600 bytes" */
static void
limit_words(const json_t *o, char out[80])
{
	long long segments = am_json_int(o, "max_segments");
	long long bytes = am_json_int(o, "max_bytes");
	char more[40] = "";

	if (bytes > 0)
		snprintf(more, sizeof(more), "%s%lld bytes",
		    segments > 0 ? " and " : "", bytes);
	if (segments > 0)
		snprintf(out, 80, "%lld segment%s%s", segments,
		    segments == 1 ? "" : "s", more);
	else
		snprintf(out, 80, "%s", more);
}

/* What becomes of it on the endpoint; "" when it goes as it is. */
static void
say_fate(const json_t *o, char out[160])
{
	struct am_str unfit = am_json_str(o, "unfit");
	char max[80];

	limit_words(o, max);
	out[0] = '\0';
	if (am_str_is(unfit, "no_template"))
		snprintf(out, 160,
		    "not sent by it: no template of its provider for this "
		    "language");
	else if (unfit.n > 0)
		snprintf(out, 160,
		    "not sent by it: over %s with all values cut", max);
	else if (am_json_true(o, "cut"))
		snprintf(out, 160, "cut to %s", max);
	else if (json_object_get(o, "template") != NULL)
		snprintf(
		    out, 160, "the provider sends its template, not this text");
}

static void
print_channel(const struct am_term *t, const json_t *o)
{
	enum am_hue hue =
	    json_object_get(o, "unfit") != NULL ? AM_HUE_RED : AM_HUE_YELLOW;
	char fate[160];

	if (json_object_get(o, "subject") != NULL)
		print_beside(t, "subject", am_json_str(o, "subject"));
	print_template(t, json_object_get(o, "template"));
	say_fate(o, fate);
	if (fate[0] != '\0')
		printf("  %-*s%s%s%s\n", LANG_COLS, "", am_hue_on(t, hue), fate,
		    am_hue_off(t, hue));
}

/* "UCS-2, 44 characters in 1 segment; the customer's" */
static void
print_cost(const struct am_term *t, const json_t *o)
{
	struct am_str encoding = am_json_str(o, "encoding");
	long long n = am_json_int(o, "characters");
	long long units = am_json_int(o, "units");
	long long segments = am_json_int(o, "segments");
	bool fallback = am_json_true(o, "fallback");
	struct am_str asked = am_json_str(o, "asked");

	printf("  %-*s%s", LANG_COLS, "", am_hue_on(t, AM_HUE_DIM));
	printf(
	    "%.*s, %lld character%s", AM_ARG(encoding), n, n == 1 ? "" : "s");
	if (units != n)
		printf(" (%lld units)", units);
	printf(" in %lld segment%s%s", segments, segments == 1 ? "" : "s",
	    am_json_true(o, "customer") ? "; the customer gets this one" : "");
	fputs(am_hue_off(t, AM_HUE_DIM), stdout);
	putchar('\n');
	if (fallback) {
		struct am_buf b;

		am_buf_init(&b);
		am_buf_adds(&b, "it is not written in ");
		am_text_clean(&b, asked);
		am_buf_addf(&b, "; who asks for that gets the %s",
		    am_str_is(am_json_str(o, "lang"), "und") ? "default text"
							     : "English one");
		printf("  %-*s%s%.*s%s\n", LANG_COLS, "",
		    am_hue_on(t, AM_HUE_YELLOW), AM_ARG(am_buf_str(&b)),
		    am_hue_off(t, AM_HUE_YELLOW));
		am_buf_fini(&b);
	}
}

/* Whom the rows are about. */
static void
print_about(const struct am_term *t, const json_t *o)
{
	struct am_str id = am_json_str(o, "complaint");
	struct am_str clock = am_json_str(o, "clock");
	struct am_str loop = am_json_str(o, "loop");
	am_ms due;

	if (am_json_true(o, "example"))
		printf("about an example complaint, opened now in loop %.*s",
		    AM_ARG(loop));
	else
		printf("about %.*s", AM_ARG(id));
	if (json_object_get(o, "endpoint") != NULL)
		printf(
		    ", as %.*s sends it", AM_ARG(am_json_str(o, "endpoint")));
	printf("; clock %.*s", AM_ARG(clock));
	if (am_json_time(o, "due_at", &due)) {
		char both[80];

		am_text_both(both, t, due);
		printf(", due %s", both);
	}
	putchar('\n');
}

/* "rung ask of callback-confirm, notice extended" */
static void
add_uses(struct am_buf *b, const json_t *uses)
{
	json_t *o;
	size_t i;

	json_array_foreach(uses, i, o)
	{
		struct am_str notice = am_json_str(o, "notice");

		am_buf_adds(b, i == 0 ? "" : ", ");
		if (notice.n > 0)
			am_buf_addf(b, "notice %.*s", AM_ARG(notice));
		else
			am_buf_addf(b, "rung %.*s of %.*s",
			    AM_ARG(am_json_str(o, "rung")),
			    AM_ARG(am_json_str(o, "clock")));
	}
}

static void
print_uses(const struct am_term *t, const json_t *uses)
{
	struct am_buf b;

	am_buf_init(&b);
	am_buf_adds(&b, "said by ");
	if (json_array_size(uses) == 0)
		am_buf_adds(&b, "nothing in this loop");
	add_uses(&b, uses);
	am_text_wrap(t, 0, am_buf_str(&b));
	putchar('\n');
	am_buf_fini(&b);
}

/* A customer whose language is not among them. */
static void
print_lang_missing(const json_t *o)
{
	struct am_str want = am_json_str(o, "customer_lang");
	struct am_buf b;

	if (!am_json_true(o, "customer") || want.n == 0 ||
	    am_str_prefix(want, lang_word(o).p))
		return;
	am_buf_init(&b);
	am_text_clean(&b, want);
	printf("\nit is not written in the customer's language, %.*s\n",
	    AM_ARG(am_buf_str(&b)));
	am_buf_fini(&b);
}

void
am_print_message(const struct am_term *t, const json_t *rows)
{
	const json_t *first = json_array_get(rows, 0);
	struct am_str name = am_json_str(first, "message");
	json_t *o;
	size_t i;

	printf("%s%.*s%s%s, ", am_hue_on(t, AM_HUE_BOLD), AM_ARG(name),
	    am_hue_off(t, AM_HUE_BOLD),
	    am_json_true(first, "built_in") ? ", a built-in text" : "");
	print_about(t, first);
	print_uses(t, json_object_get(first, "uses"));
	json_array_foreach(rows, i, o)
	{
		print_text(t, lang_word(o), am_json_str(o, "text"));
		print_cost(t, o);
		print_channel(t, o);
	}
	json_array_foreach(rows, i, o) print_lang_missing(o);
}

/* ---- list ---- */

/* "cut by sms, too long for pager": channels that do not send it as it is. */
static void
add_limits(struct am_table *tb, const json_t *limits)
{
	enum am_hue hue = AM_HUE_YELLOW;
	struct am_buf b;
	json_t *o;
	size_t i;

	am_buf_init(&b);
	json_array_foreach(limits, i, o)
	{
		struct am_str is = am_json_str(o, "is");
		struct am_str name = am_json_str(o, "endpoint");
		const char *word = am_str_is(is, "cut")	       ? "cut by"
				   : am_str_is(is, "too_long") ? "too long for"
							       : "no template "
								 "for";

		if (!am_str_is(is, "cut"))
			hue = AM_HUE_RED;
		am_buf_addf(
		    &b, "%s%s %.*s", i == 0 ? "" : ", ", word, AM_ARG(name));
	}
	am_table_cell(tb, hue, am_buf_str(&b));
	am_buf_fini(&b);
}

static void
add_uses_cell(struct am_table *tb, const json_t *uses)
{
	struct am_buf b;

	am_buf_init(&b);
	add_uses(&b, uses);
	am_table_cell(tb, AM_HUE_DIM, am_buf_str(&b));
	am_buf_fini(&b);
}

void
am_print_messages(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "MESSAGE", 0, 0, false },
		{ "", 0, 2, false },
		{ "LANGUAGE", 0, 0, false },
		{ "ENCODING", 0, 1, false },
		{ "CHARACTERS", 0, 3, true },
		{ "SEGMENTS", 0, 0, true },
		{ "LIMITS", 0, 0, false },
		{ "SAID BY", 16, 4, false },
	};
	struct am_table tb;
	size_t i, k;
	json_t *o, *l;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, o)
	{
		json_array_foreach(json_object_get(o, "langs"), k, l)
		{
			bool built_in = am_json_true(o, "built_in");

			am_table_cell(&tb, AM_HUE_NONE,
			    k == 0 ? am_json_str(o, "message") : AM_STR(""));
			am_table_cell(&tb, AM_HUE_DIM,
			    k == 0 && built_in ? AM_STR("built-in")
					       : AM_STR(""));
			am_table_cell(&tb, AM_HUE_NONE, lang_word(l));
			am_table_cell(
			    &tb, AM_HUE_NONE, am_json_str(l, "encoding"));
			am_table_cellf(&tb, AM_HUE_NONE, "%lld",
			    (long long)am_json_int(l, "characters"));
			am_table_cellf(&tb, AM_HUE_NONE, "%lld",
			    (long long)am_json_int(l, "segments"));
			add_limits(&tb, json_object_get(l, "limits"));
			add_uses_cell(
			    &tb, k == 0 ? json_object_get(o, "uses") : NULL);
		}
	}
	am_table_print(&tb, 0);
	o = json_array_get(rows, 0);
	printf("\n%sas they are for an example complaint, opened now in loop "
	       "%.*s%s\n",
	    am_hue_on(t, AM_HUE_DIM), AM_ARG(am_json_str(o, "loop")),
	    am_hue_off(t, AM_HUE_DIM));
}

/* ---- without a daemon ---- */

enum { CONF, LOOP, LANG, ENDPOINT, COMPLAINT, OPTS_N };

static void
pass_row(void *arg, struct am_str json)
{
	(void)arg;
	printf("%.*s\n", AM_ARG(json));
}

static void
keep_row(void *arg, struct am_str json)
{
	json_array_append_new(arg, json_loadb(json.p, json.n, 0, NULL));
}

static int
no_message(const struct am_preview *p, const char *name)
{
	const char *near = am_preview_near(p, am_str_c(name));

	fprintf(stderr, "amendsctl: no such message: %s; %s%s%s\n", name,
	    near != NULL ? "did you mean `" : "`message list` has them",
	    near != NULL ? near : "", near != NULL ? "`?" : "");
	return AM_EXIT_NOT_FOUND;
}

static int
take_endpoint(
    const struct am_conf *conf, const struct am_opt *opt, struct am_via *via)
{
	const struct am_conf_endpoint *e = NULL;

	if (opt->n == 0)
		return AM_EXIT_OK;
	e = am_conf_endpoint(conf, am_str_c(opt->values[0]));
	if (e != NULL) {
		*via = am_conf_via(e);
		return AM_EXIT_OK;
	}
	fprintf(stderr, "amendsctl: no such endpoint: %s\n", opt->values[0]);
	return AM_EXIT_NOT_FOUND;
}

/* name NULL: all of them. */
static int
preview(const struct am_term *t, bool json, const struct am_policy *policy,
    const char *name, const struct am_opt *opts)
{
	const char *lang = opts[LANG].n > 0 ? opts[LANG].values[0] : "";
	struct am_via via;
	json_t *rows = json_array();
	struct am_arena a;
	struct am_preview p = {
		.messages = policy->conf->messages,
		.messages_n = policy->conf->messages_n,
		.def = policy->loop,
		.example = true,
		.now = t->now,
		.a = &a,
		.row = json ? pass_row : keep_row,
		.arg = rows,
	};
	int rc = take_endpoint(policy->conf, &opts[ENDPOINT], &via);

	am_arena_init(&a, 1 << 16);
	p.via = opts[ENDPOINT].n > 0 ? &via : NULL;
	p.c = am_preview_example(p.def, p.now, &a);
	if (name == NULL)
		am_preview_list(&p);
	else if (rc == 0 &&
		 am_preview_show(&p, am_str_c(name), am_str_c(lang)) != 0)
		rc = no_message(&p, name);
	am_use_zone(policy->loop);
	if (!json && rc == 0)
		(name == NULL ? am_print_messages : am_print_message)(t, rows);
	json_decref(rows);
	am_arena_fini(&a);
	return rc;
}

static int
message_local(const struct am_term *t, bool json, int argc, char **argv)
{
	struct am_opt opts[OPTS_N] = {
		[CONF] = { .name = "conf", .letter = 'c', .max = 1 },
		[LOOP] = { .name = "loop", .max = 1 },
		[LANG] = { .name = "lang", .max = 1 },
		[ENDPOINT] = { .name = "endpoint", .max = 1 },
		[COMPLAINT] = { .name = "complaint", .max = 1 },
	};
	const char *words[AM_WORDS_MAX];
	struct am_policy policy;
	size_t n;
	int rc = am_opts_read(opts, OPTS_N, argc, argv, words, &n);
	bool list = n == 1 && strcmp(words[0], "list") == 0;

	if (rc != 0)
		return rc;
	if (!list && (n != 2 || strcmp(words[0], "show") != 0)) {
		fprintf(stderr, "amendsctl: `message` needs one of: list, show "
				"NAME\n");
		return AM_EXIT_USAGE;
	}
	if (opts[COMPLAINT].n > 0 ||
	    (list && (opts[LANG].n > 0 || opts[ENDPOINT].n > 0))) {
		fprintf(stderr, "amendsctl: %s\n",
		    list ? "message list has no option --lang, --endpoint, "
			   "--complaint"
			 : "a complaint is at the daemon: leave out --conf, "
			   "or --complaint");
		return AM_EXIT_USAGE;
	}
	rc = am_policy_load(&policy, opts[CONF].values[0],
	    opts[LOOP].n > 0 ? opts[LOOP].values[0] : NULL, t->now);
	if (rc == 0)
		rc = preview(t, json, &policy, list ? NULL : words[1], opts);
	am_policy_fini(&policy);
	return rc;
}

const struct am_local *
am_message_local(const struct am_str *argv, size_t argc)
{
	static const struct am_local local = { "message", "", "",
		message_local };

	if (argc == 0 || !am_str_is(argv[0], local.name))
		return NULL;
	for (size_t i = 1; i < argc; i++) {
		if (am_str_is(argv[i], "-c") || am_str_is(argv[i], "--conf") ||
		    am_str_prefix(argv[i], "--conf="))
			return &local;
	}
	return NULL;
}
