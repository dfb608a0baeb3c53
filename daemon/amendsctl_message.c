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
	printf("; clock %.*s", AM_ARG(clock));
	if (am_json_time(o, "due_at", &due)) {
		char both[80];

		am_text_both(both, t, due);
		printf(", due %s", both);
	}
	printf("\n\n");
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
	json_array_foreach(rows, i, o)
	{
		print_text(t, lang_word(o), am_json_str(o, "text"));
		print_cost(t, o);
	}
	json_array_foreach(rows, i, o) print_lang_missing(o);
}

/* ---- list ---- */

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

enum { CONF, LOOP, LANG, COMPLAINT, OPTS_N };

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

/* name NULL: all of them. */
static int
preview(const struct am_term *t, bool json, const struct am_policy *policy,
    const char *name, const char *lang)
{
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
	int rc = 0;

	am_arena_init(&a, 1 << 16);
	p.c = am_preview_example(p.def, p.now, &a);
	if (name == NULL)
		am_preview_list(&p);
	else if (am_preview_show(&p, am_str_c(name), am_str_c(lang)) != 0)
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
	if (opts[COMPLAINT].n > 0 || (list && opts[LANG].n > 0)) {
		fprintf(stderr, "amendsctl: %s\n",
		    list ? "message list has no option --lang, --complaint"
			 : "a complaint is at the daemon: leave out --conf, "
			   "or --complaint");
		return AM_EXIT_USAGE;
	}
	rc = am_policy_load(&policy, opts[CONF].values[0],
	    opts[LOOP].n > 0 ? opts[LOOP].values[0] : NULL, t->now);
	if (rc == 0)
		rc = preview(t, json, &policy, list ? NULL : words[1],
		    opts[LANG].n > 0 ? opts[LANG].values[0] : "");
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
