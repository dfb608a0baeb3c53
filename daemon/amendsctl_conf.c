/*
 * amendsctl_conf - `check`, which is `amendsd -t` without the daemon's program,
 * and what `reload --dry-run` found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/amendsctl_local.h"

#include "base/str.h"
#include "ops/words.h"

#define CONF_DEFAULT "/etc/amends/amends.conf"

void
am_say_diags(const struct am_diag *diags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (diags[i].line > 0)
			fprintf(stderr, "%s:%d: %s\n", diags[i].file,
			    diags[i].line, diags[i].text);
		else
			fprintf(
			    stderr, "%s: %s\n", diags[i].file, diags[i].text);
	}
}

/* ---- check ---- */

static void
json_line(json_t *row)
{
	AM_ASSERT(row != NULL);
	json_dumpf(row, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(row);
}

static void
json_fault(const struct am_diag *d)
{
	json_line(json_pack("{s:s, s:s, s:i, s:s}", "what", "error", "file",
	    d->file, "line", d->line, "text", d->text));
}

static void
json_summary(const struct am_conf *c, const char *path)
{
	for (size_t i = 0; i < c->warnings_n; i++)
		json_line(json_pack(
		    "{s:s, s:s}", "what", "remark", "text", c->warnings[i]));
	json_line(json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "what",
	    "ok", "file", path, "loops", (int)c->loops_n, "endpoints",
	    (int)c->endpoints_n, "calendars", (int)c->calendars_n, "messages",
	    (int)c->messages_n, "producers", (int)c->http.producers_n,
	    "remarks", (int)c->warnings_n));
}

int
am_check(const struct am_term *t, bool json, int argc, char **argv)
{
	const char *words[AM_WORDS_MAX], *path = CONF_DEFAULT;
	struct am_diag *diags = NULL;
	struct am_conf *c;
	size_t words_n, n = 0;
	int rc = am_opts_read(NULL, 0, argc, argv, words, &words_n);

	(void)t;
	if (rc != 0)
		return rc;
	if (words_n > 1) {
		fprintf(stderr,
		    "amendsctl: usage: check [FILE]; one file, conf.d beside "
		    "it is read with it\n");
		return AM_EXIT_USAGE;
	}
	if (words_n == 1)
		path = words[0];
	c = am_conf_load(path, (am_ms)time(NULL) * AM_SECOND, &diags, &n);
	if (c == NULL) {
		for (size_t i = 0; json && i < n; i++)
			json_fault(&diags[i]);
		if (!json)
			am_say_diags(diags, n);
		free(diags);
		return AM_EXIT_FAILED;
	}
	if (json) {
		json_summary(c, path);
	} else {
		for (size_t i = 0; i < c->warnings_n; i++)
			printf("%s\n", c->warnings[i]);
		printf("%s: ok: %zu loops, %zu endpoints, %zu calendars, %zu "
		       "messages, %zu remarks\n",
		    path, c->loops_n, c->endpoints_n, c->calendars_n,
		    c->messages_n, c->warnings_n);
	}
	am_conf_unref(c);
	return AM_EXIT_OK;
}

/* ---- reload --dry-run ---- */

/* What it means for them. */
static void
say_open(struct am_buf *b, const json_t *row)
{
	json_int_t open = json_integer_value(json_object_get(row, "open"));
	bool loop = am_str_is(am_json_str(row, "what"), "loop");
	bool calendar = am_str_is(am_json_str(row, "what"), "calendar");
	bool one = open == 1;

	if (open == 0)
		return;
	am_buf_addf(
	    b, "%lld open complaint%s ", (long long)open, one ? "" : "s");
	if (loop)
		am_buf_adds(b, one ? "keeps the definition it has"
				   : "keep the definition they have");
	else if (calendar)
		am_buf_adds(b, one ? "gets its dues judged anew"
				   : "get their dues judged anew");
	else
		am_buf_adds(b, one ? "names it" : "name it");
}

void
am_print_reload(const struct am_term *t, const json_t *rows)
{
	static const struct am_column columns[] = {
		{ "WHAT", 0, 0, false },
		{ "NAME", 12, 0, false },
		{ "CHANGE", 0, 0, false },
		{ "FOR WHOM", 16, 1, false },
	};
	struct am_table tb;
	const json_t *row;
	size_t i;

	am_table_init(&tb, t, columns, AM_COUNT(columns));
	json_array_foreach(rows, i, row)
	{
		struct am_str change = am_json_str(row, "change");
		struct am_buf b;

		am_buf_init(&b);
		say_open(&b, row);
		am_table_cell(&tb, AM_HUE_NONE, am_json_str(row, "what"));
		am_table_cell(&tb, AM_HUE_BOLD, am_json_str(row, "name"));
		am_table_cell(&tb,
		    am_str_is(change, "removed") ? AM_HUE_YELLOW : AM_HUE_NONE,
		    change);
		am_table_cell(&tb, AM_HUE_NONE, am_buf_str(&b));
		am_buf_fini(&b);
	}
	am_table_print(&tb, 0);
}
