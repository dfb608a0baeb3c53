/*
 * trace_test - stories of complaints, told in tests/trace and compared
 * line by line with what the core does. No Redis, no clock.
 *
 * A line is TIME WHAT ID key=value … -> RESULT. TIME is +1h30m since the line
 * before, or a local time such as `Fri-11.27-16:30`; WAKE is the complaint's
 * own next wake-up, which must be due at that time and no earlier. RESULT is
 * the stage (and /status), the next wake-up, and what happened; `;` begins a
 * comment. DELIVERED and DEAD as WHAT end the complaint's oldest follow-up that
 * is not ended, of `endpoint` when one is given. A file that begins with
 *   # in CONF, loop NAME
 * is told in that configuration and loop, else in that of bank.conf; with
 * `, all delivered` behind it what goes out is delivered at once.
 * With UPDATE=1 in the environment the files are written anew, to be
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
	bool delivers;
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
	int month, day, hour, minute, second = 0;
	struct am_civil c = { .year = 2026 };
	am_ms at;

	if (word[0] == '+')
		return t->now + fix_span(word + 1);
	if (sscanf(word, "%*3s-%d.%d-%d:%d:%d", &month, &day, &hour, &minute,
		&second) < 4)
		fail_msg("%s:%d: no time: %s", t->path, t->line, word);
	c.year += month < 6; /* traces run from November into spring */
	c.month = month;
	c.day = day;
	c.hour = hour;
	c.minute = minute;
	c.second = second;
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

/* The line with the time of the wake-up in place of its `?`. */
static const char *
told_time(struct trace *t, const char *text)
{
	static char line[4096];
	char when[32];

	snprintf(line, sizeof(line), "%s%s", fix_when(&t->f, t->now, when),
	    text + 1);
	return line;
}

/* The event that ends a follow-up of the case, as fix_step() takes it. */
static void
ending(struct trace *t, const struct fix_case *k, const char *what,
    const char *rest, char *event, size_t room)
{
	const char *endpoint = strstr(rest, "endpoint=");
	char id[AM_FU_ID_LEN + 1];

	for (size_t i = 0; i < k->c.waiting_n; i++) {
		struct am_str to = k->c.waiting[i].endpoint;

		if (endpoint != NULL && strncmp(endpoint + 9, to.p, to.n) != 0)
			continue;
		am_fu_id_format(k->c.waiting[i].id, id);
		snprintf(event, room, "followup.ended followup_id=%s state=%s",
		    id, strcmp(what, "DEAD") == 0 ? "dead" : "delivered");
		return;
	}
	fail_msg(
	    "%s:%d: no follow-up of %s waits there", t->path, t->line, k->id);
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
	k = fix_case(&t->f, id);
	if (t->update != NULL && strcmp(word, "?") == 0) {
		t->now = k->wake_at;
		text = told_time(t, text);
	} else {
		t->now = when(t, word);
	}
	arrow = strstr(text, "->");
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
		if (strcmp(what, "DELIVERED") == 0 || strcmp(what, "DEAD") == 0)
			ending(t, k, what, text + n, event, sizeof(event));
	}
	fix_step(&t->f, id, t->now, event);
	got = fix_describe(&t->f, k, t->delivers);
	tidy(arrow + 2 + strspn(arrow + 2, " \t"), want);
	if (t->update != NULL)
		fprintf(t->update, "%.*s-> %s%s%s", (int)(arrow - text), text,
		    got, strchr(arrow, ';') != NULL ? " " : "",
		    strchr(arrow, ';') != NULL ? strchr(arrow, ';') : "\n");
	else if (strcmp(got, want) != 0)
		fail_msg("%s:%d:\n  want %s\n  got  %s", t->path, t->line, want,
		    got);
}

/* The world of the story, by its first line. */
static void
begin(struct trace *t, FILE *in)
{
	char conf[256], loop[64], first[512] = "";

	if (fgets(first, sizeof(first), in) != NULL &&
	    sscanf(first, "# in %255[^,], loop %63[^,\n]", conf, loop) == 2) {
		fix_init(&t->f, conf);
		t->f.def = am_conf_loop(t->f.conf, am_str_c(loop));
		assert_non_null(t->f.def);
		t->delivers = strstr(first, ", all delivered") != NULL;
	} else {
		fix_init(&t->f, NULL);
	}
	rewind(in);
}

static void
run_file(const char *path)
{
	struct trace t = { .path = path, .now = FIX_START };
	char text[4096], new[512];
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	begin(&t, in);
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
	struct CMUnitTest tests[128];
	size_t n = 0;
	glob_t g;
	int rc;

	if (glob("tests/trace/*.trace", 0, NULL, &g) != 0 ||
	    glob("tests/trace/*/*.trace", GLOB_APPEND, NULL, &g) != 0 ||
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
