/*
 * trace_test - stories of complaints, told in tests/trace and compared
 * line by line with what the core does. No Redis, no clock.
 *
 * A line is TIME WHAT ID key=value … -> RESULT. TIME is +1h30m since the line
 * before, or a local time such as `Fri-11.27-16:30`; WAKE is the complaint's
 * own next wake-up, which must be due at that time and no earlier. RESULT is
 * the stage (and /status), the next wake-up, and what happened; `;` begins a
 * comment. With UPDATE=1 in the environment the files are written anew, to be
 * read by a person before they are kept.
 */

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"
#include "codec/journal.h"
#include "tests/unit/fixture.h"

struct trace {
	struct fix f;
	am_ms now;
	const char *path;
	int line;
	FILE *update;
};

static const struct am_loopdef *
lookup(void *arg, struct am_str ref)
{
	const struct fix *f = arg;

	return am_str_is(ref, f->def->ref) ? f->def : NULL;
}

/* AU1: the journal of every story gives its state back, byte for byte. */
static void
check_replay(struct fix *f, struct fix_case *k)
{
	struct am_complaint again;
	struct am_arena a;
	uint32_t bad = 0;

	if (k->lines_n == 0)
		return;
	am_arena_init(&a, 0);
	assert_int_equal(am_journal_replay(am_str_c(k->id), k->lines,
			     k->lines_n, lookup, f, &a, &again, &bad),
	    0);
	assert_memory_equal(again.chain, k->c.chain, AM_CHAIN_LEN);
	assert_int_equal(again.version, k->c.version);
	am_arena_fini(&a);
}

static am_ms
when(struct trace *t, const char *word)
{
	int month, day, hour, minute;
	struct am_civil c = { .year = 2026 };
	am_ms at;

	if (word[0] == '+')
		return t->now + fix_span(word + 1);
	if (sscanf(word, "%*3s-%d.%d-%d:%d", &month, &day, &hour, &minute) != 4)
		fail_msg("%s:%d: no time: %s", t->path, t->line, word);
	c.year += month < 6; /* traces run from November into spring */
	c.month = month;
	c.day = day;
	c.hour = hour;
	c.minute = minute;
	at = am_civil_to_ms(&c);
	return at - am_zone_offset(t->f.def->zone, at) * AM_SECOND;
}

/* One blank between words, none behind commas, no comment. */
static void
tidy(const char *from, char *to)
{
	char last = ' ';

	for (; *from != '\0' && *from != ';' && *from != '\n'; from++) {
		char ch = *from == '\t' ? ' ' : *from;

		if (ch == ' ' && (last == ' ' || last == ',' || last == '('))
			continue;
		*to++ = last = ch;
	}
	while (to[-1] == ' ')
		to--;
	*to = '\0';
}

static void
run_line(struct trace *t, const char *text)
{
	char word[64], what[64], id[65], want[2048], event[1024];
	const char *arrow = strstr(text, "->");
	struct fix_case *k;
	const char *got;
	int n = 0;

	if (arrow == NULL ||
	    sscanf(text, "%63s %63s %64s%n", word, what, id, &n) != 3 ||
	    text + n > arrow)
		fail_msg(
		    "%s:%d: not TIME WHAT ID … -> RESULT", t->path, t->line);
	t->now = when(t, word);
	k = fix_case(&t->f, id);
	if (strcmp(what, "WAKE") == 0) {
		if (k->wake_at != t->now)
			fail_msg("%s:%d: %s wakes %+lld s from here", t->path,
			    t->line, id,
			    (long long)(k->wake_at - t->now) / 1000);
		snprintf(event, sizeof(event), "wake");
	} else {
		if (k->wake_at < t->now)
			fail_msg("%s:%d: %s wakes before, %lld s ago", t->path,
			    t->line, id,
			    (long long)(t->now - k->wake_at) / 1000);
		snprintf(event, sizeof(event), "%s %.*s", what,
		    (int)(arrow - text) - n, text + n);
	}
	fix_step(&t->f, id, t->now, event);
	got = fix_describe(&t->f, k);
	tidy(arrow + 2 + strspn(arrow + 2, " \t"), want);
	if (t->update != NULL)
		fprintf(t->update, "%.*s-> %s%s%s", (int)(arrow - text), text,
		    got, strchr(arrow, ';') != NULL ? " " : "",
		    strchr(arrow, ';') != NULL ? strchr(arrow, ';') : "\n");
	else if (strcmp(got, want) != 0)
		fail_msg("%s:%d:\n  want %s\n  got  %s", t->path, t->line, want,
		    got);
}

static void
run_file(const char *path)
{
	struct trace t = { .path = path, .now = FIX_START };
	char text[4096], new[512];
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	fix_init(&t.f, NULL);
	if (getenv("UPDATE") != NULL) {
		snprintf(new, sizeof(new), "%s.new", path);
		t.update = fopen(new, "w");
		assert_non_null(t.update);
	}
	while (fgets(text, sizeof(text), in) != NULL) {
		t.line++;
		if (text[0] == '#' || text[strspn(text, " \t\n")] == '\0') {
			if (t.update != NULL)
				fputs(text, t.update);
			continue;
		}
		run_line(&t, text);
	}
	fclose(in);
	if (t.update != NULL) {
		fclose(t.update);
		assert_int_equal(rename(new, path), 0);
	}
	for (size_t i = 0; i < t.f.cases_n; i++)
		check_replay(&t.f, &t.f.cases[i]);
	fix_fini(&t.f);
}

static void
test_trace_file_run_matches(void **state)
{
	run_file(*state);
}

int
main(void)
{
	struct CMUnitTest tests[64];
	size_t n = 0;
	glob_t g;
	int rc;

	if (glob("tests/trace/*.trace", 0, NULL, &g) != 0 ||
	    g.gl_pathc > AM_COUNT(tests))
		return 1;
	for (; n < g.gl_pathc; n++)
		tests[n] = (struct CMUnitTest){ g.gl_pathv[n],
			test_trace_file_run_matches, NULL, NULL,
			g.gl_pathv[n] };
	rc = _cmocka_run_group_tests("traces", tests, n, NULL, NULL);
	globfree(&g);
	return rc;
}
