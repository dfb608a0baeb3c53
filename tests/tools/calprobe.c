/*
 * calprobe - asks calendars from a script, one question a line.
 *
 *   ZONE|OPEN;…|CLOSED;…|EXTRA;…|FROM UNTIL|QUESTION
 *
 * OPEN, CLOSED and EXTRA are texts of conf, FROM and UNTIL the span to compile
 * for, all instants are ms. An empty ZONE asks elapsed time. QUESTION is one of
 *   add T WORK | span A B | bd T N | open T | windows A B | offset T…
 * The answer is one line: numbers, or the error's phrase.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/zone.h"

#define LIST_MAX 64

struct asked { /* kept while the next line asks the same calendar */
	struct am_arena arena;
	char *text;
	const struct am_zone *zone;
	const struct am_calendar *cal;
	int rc;
};

/* The next item of a list; n == 0 at its end. */
static struct am_str
next_item(char **list, const char *sep)
{
	return am_str_c(strsep(list, sep));
}

static int
compile(struct asked *q, char *text)
{
	struct am_daywindow open[LIST_MAX];
	struct am_dayrange closed[LIST_MAX];
	struct am_extraday extra[LIST_MAX];
	struct am_calendar_src src = {
		.name = "asked", .open = open, .closed = closed, .extra = extra
	};
	const char *zone = strsep(&text, "|");
	char *opens = strsep(&text, "|"), *closes = strsep(&text, "|");
	char *extras = strsep(&text, "|");
	am_ms from = strtoll(text, &text, 10), until = strtoll(text, NULL, 10);
	struct am_str s;
	int rc = 0;

	if (*zone == '\0')
		return 0;
	while (rc == 0 && (s = next_item(&opens, ";")).n > 0)
		rc = am_daywindow_parse(s, &open[src.open_n++]);
	while (rc == 0 && (s = next_item(&closes, ";")).n > 0)
		rc = am_dayrange_parse(s, &closed[src.closed_n++]);
	while (rc == 0 && (s = next_item(&extras, ";")).n > 0)
		rc = am_extraday_parse(s, &extra[src.extra_n++]);
	if (rc == 0)
		rc = am_zone_load(&q->arena, zone, until, &q->zone);
	src.zone = q->zone;
	if (rc == 0 && src.open_n + src.extra_n > 0)
		rc = am_calendar_compile(&q->arena, &src, from, until, &q->cal);
	return rc;
}

static void
ask_calendar(struct asked *q, const char *text)
{
	if (q->text != NULL && strcmp(q->text, text) == 0)
		return;
	free(q->text);
	q->text = strdup(text);
	q->zone = NULL;
	q->cal = NULL;
	am_arena_reset(&q->arena);
	char *copy = strdup(text);

	q->rc = compile(q, copy);
	free(copy);
}

static void
print_windows(const struct am_calendar *cal, am_ms a, am_ms b)
{
	am_ms from, to;

	for (size_t i = 0; am_calendar_window(cal, a, b, i, &from, &to); i++)
		printf("%" PRId64 "-%" PRId64 " ", from, to);
	putchar('\n');
}

static void
print_offsets(const struct am_zone *zone, char *list)
{
	struct am_str s;

	while ((s = next_item(&list, " ")).n > 0)
		printf("%" PRId32 " ",
		    am_zone_offset(zone, strtoll(s.p, NULL, 10)));
	putchar('\n');
}

static void
answer(const struct asked *q, char *question)
{
	const char *verb = strsep(&question, " ");
	char *rest = question;
	am_ms t = strtoll(rest, &rest, 10), n = strtoll(rest, NULL, 10);
	am_ms got = 0;
	int rc = q->rc;

	if (rc == 0 && strcmp(verb, "windows") == 0) {
		print_windows(q->cal, t, n);
		return;
	}
	if (rc == 0 && strcmp(verb, "offset") == 0) {
		print_offsets(q->zone, question);
		return;
	}
	if (rc == 0 && strcmp(verb, "add") == 0)
		rc = am_calendar_add(q->cal, t, n, &got);
	else if (rc == 0 && strcmp(verb, "bd") == 0)
		rc = am_calendar_bd_close(q->cal, t, n, &got);
	else if (rc == 0 && strcmp(verb, "open") == 0)
		rc = am_calendar_next_open(q->cal, t, &got);
	else if (rc == 0)
		got = am_calendar_span(q->cal, t, n);
	if (rc == 0)
		printf("%" PRId64 "\n", got);
	else
		puts(am_err_str(rc));
}

int
main(void)
{
	struct asked q = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	am_arena_init(&q.arena, 1 << 20);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		char *question = strrchr(line, '|');

		line[n - 1] = '\0';
		if (question == NULL)
			return 2;
		*question++ = '\0';
		ask_calendar(&q, line);
		answer(&q, question);
	}
	free(line);
	free(q.text);
	am_arena_fini(&q.arena);
	return 0;
}
