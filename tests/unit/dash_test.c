/*
 * dash_test - the dashboard's pages are whole whatever stands in a sample:
 * names, ids and reasons from hostile hands, nothing at all, Redis away; every
 * text has its Chinese; and first things stand first (AU6, OP4).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "ops/assets.h"
#include "ops/census.h"
#include "ops/dash.h"
#include "ops/dash_text.h"
#include "ops/history.h"
#include "ops/member.h"
#include "tests/unit/html.h"
#include "tests/unit/rnd.h"

#define NOW ((am_ms)1795395600000) /* 2026-11-23 01:00:00 UTC */

static const struct am_zone_step steps[] = { { INT64_MIN, 8 * 3600 } };
static const struct am_zone shanghai = { "Asia/Shanghai", 1, steps };

/* A sample in which `text` stands wherever a text can stand. */
struct world {
	struct am_sample s;
	struct am_census c;
	struct am_sample_shard shard;
	struct am_sample_stage stages[3];
	struct am_sample_endpoint ends[5];
	struct am_sample_dead dead;
	struct am_sample_reject reject;
	struct am_sample_pause paused[3];
	struct am_sample_figure figures[4];
	struct am_sample_finding finding;
	struct am_census_stage board[3];
	struct am_census_owner owners[12];
	struct am_census_case cases[12];
};

static void
fill_census(struct world *w, const char *t)
{
	for (size_t i = 0; i < AM_COUNT(w->board); i++) {
		w->board[i] = (struct am_census_stage){ t, t, { 0 }, 45 };
		for (size_t k = 0; k < AM_DUE_COLS; k++)
			w->board[i].n[k] = (int64_t)(k + i);
	}
	for (size_t i = 0; i < AM_COUNT(w->owners); i++)
		w->owners[i] = (struct am_census_owner){ i == 1 ? "" : t, 12345,
			(int64_t)i, (int64_t)i };
	for (size_t i = 0; i < AM_COUNT(w->cases); i++)
		w->cases[i] =
		    (struct am_census_case){ t, t, t, t, i == 0 ? "" : t,
			    NOW + ((am_ms)i - 3) * 20 * AM_MINUTE, false };
	w->c = (struct am_census){ .started_at = NOW,
		.ended_at = NOW,
		.complete = false,
		.shards_n = 2,
		.missing_n = 1,
		.walked = 135,
		.unreadable = 2,
		.board = w->board,
		.board_n = AM_COUNT(w->board),
		.owners = w->owners,
		.owners_n = AM_COUNT(w->owners),
		.next = w->cases,
		.next_n = AM_COUNT(w->cases),
		.lapsed = w->cases,
		.lapsed_n = AM_COUNT(w->cases) };
	w->s.census = &w->c;
}

static void
fill_ends(struct world *w, const char *t)
{
	static const char *const breakers[] = { "closed", "open", "half-open" };

	for (size_t i = 0; i < AM_COUNT(w->ends); i++)
		w->ends[i] = (struct am_sample_endpoint){ .name = t,
			.type = t,
			.host = t,
			.known = i != 4,
			.disabled = i == 3,
			.disabled_reason = t,
			.disabled_by = t,
			.disabled_text = t,
			.disabled_at = NOW - AM_HOUR,
			.failing_since = i == 1 ? NOW - AM_DAY : 0,
			.breaker = breakers[i % 3],
			.open_until = i == 1 ? NOW + AM_MINUTE : 0,
			.waiting = 7,
			.late = { 1, 1, 5 },
			.oldest_due = NOW - AM_HOUR,
			.in_flight = 1,
			.last_ok = NOW - AM_SECOND,
			.last_failed = NOW - AM_DAY,
			.last_reason = t };
	w->s.endpoints = w->ends;
	w->s.endpoints_n = AM_COUNT(w->ends);
}

static void
fill(struct world *w, const char *t)
{
	struct am_sample *s = &w->s;

	memset(w, 0, sizeof(*w));
	s->at = s->asked_at = NOW;
	s->instance = s->version = s->state = t;
	s->redis = (struct am_sample_redis){ .up = true,
		.why = t,
		.version = t,
		.policy = t,
		.durability = "D0",
		.required = "D3",
		.used_bytes = 990,
		.max_bytes = 1000,
		.clock_known = true,
		.clock_diff = -10 * AM_SECOND };
	s->conf = (struct am_sample_conf){ t, false, t, NOW, 1 };
	w->shard = (struct am_sample_shard){
		.stream = t, .state = t, .why = t, .owner = t
	};
	s->shards = &w->shard;
	s->shards_n = 1;
	s->open = 128;
	s->held = 3;
	for (size_t i = 0; i < AM_COUNT(w->stages); i++)
		w->stages[i] = (struct am_sample_stage){ t, t, t, 12, i != 2 };
	s->stages = w->stages;
	s->stages_n = AM_COUNT(w->stages);
	fill_ends(w, t);
	fill_census(w, t);
	w->dead = (struct am_sample_dead){ t, t, 3, NOW - AM_HOUR, t, t };
	s->dead = &w->dead;
	s->dead_groups_n = 1;
	s->dead_n = 4000;
	w->reject = (struct am_sample_reject){ t, t, 3, NOW - AM_HOUR, t, t };
	s->rejects = &w->reject;
	s->rejects_groups_n = 1;
	s->parked_n = 2;
	w->paused[0] = (struct am_sample_pause){ "intake", NOW, t, t };
	w->paused[1] = (struct am_sample_pause){ "loop:x", NOW, t, t };
	w->paused[2] = (struct am_sample_pause){ t, NOW, t, t };
	s->paused = w->paused;
	s->paused_n = AM_COUNT(w->paused);
	w->figures[0] = (struct am_sample_figure){ t, "opened", "", 80 };
	w->figures[1] = (struct am_sample_figure){ t, "closed", t, 7 };
	w->figures[2] =
	    (struct am_sample_figure){ t, "answered", "satisfied", 7 };
	w->figures[3] = (struct am_sample_figure){ t, t, t, 7 };
	for (size_t i = 0; i < AM_SAMPLE_DAYS; i++) {
		snprintf(s->days[i].day, 9, "202611%02zu", 23 - i);
		s->days[i].figures = w->figures;
		s->days[i].figures_n = AM_COUNT(w->figures);
	}
	w->finding = (struct am_sample_finding){ t, t, t, NOW - AM_HOUR };
	s->audit = (struct am_sample_audit){ .on = true,
		.at = NOW,
		.undone = t,
		.findings = &w->finding,
		.findings_n = 1,
		.heartbeat = t };
}

/* An answer of `show` with text everywhere; the caller gives it back. */
static json_t *
shown(const char *t)
{
	json_t *note = json_pack("{s:s#, s:s#, s:s#}", "n", "stage.met",
	    (size_t)9, "stage", t, strlen(t), "how", "done", (size_t)4);
	json_t *c;

	if (note == NULL) /* t is no UTF-8, which JSON cannot hold */
		return NULL;
	c = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:s, s:s}",
	    "id", t, "loop", t, "status", "open", "stage", t, "tier", t,
	    "owner", t, "category", t, "owed", t, "due_at",
	    "2026-11-23T01:20:00.000Z", "hold_reason", t);
	json_object_set_new(c, "journal",
	    json_pack("[{s:s, s:[O]}]", "now", "2026-11-22T01:20:00.000Z", "do",
		note));
	json_object_set_new(c, "clocks",
	    json_pack("[{s:s, s:s, s:b, s:i, s:i}]", "name", t, "state", t,
		"missed", 1, "budget_ms", 7200000, "consumed_ms", 60000));
	json_object_set_new(c, "waiting",
	    json_pack("[{s:s, s:s, s:s, s:s}]", "endpoint", t, "clock", t,
		"rung", t, "state", t));
	json_decref(note);
	return c;
}

static void
look(const struct am_buf *page, bool fragment)
{
	char what[256];

	if (html_wrong(am_buf_str(page), fragment, what) != NULL)
		fail_msg("%s", what);
}

static void
check(const struct world *w, const char *t, const struct am_dash *d)
{
	struct am_str parts[AM_DASH_PARTS_N] = { { NULL, 0 } };
	struct am_dash_case c = { .id = am_str_c(t), .error = t };
	struct am_buf b;
	json_t *event;

	am_buf_init(&b);
	am_dash_page(d, &w->s, &b);
	look(&b, false);
	for (size_t i = 0; i < 3; i++) {
		json_t *show = shown(t);

		c.found = show == NULL && i == 0 ? AM_DASH_FAILED : (int)i;
		c.show = show;
		c.plan_error = i == 0 ? NULL : t;
		am_buf_reset(&b);
		am_dash_case(d, &w->s, &c, &b);
		look(&b, false);
		json_decref(show);
	}
	for (size_t i = 0; i < AM_DASH_PARTS_N; i++) {
		am_buf_reset(&b);
		am_dash_part(d, &w->s, i, &b);
		look(&b, true);
	}
	parts[AM_DASH_NOW] = AM_STR("<p>\"\n</p>");
	am_buf_reset(&b);
	am_dash_event(d, &w->s, parts, &b);
	assert_null(memchr(b.p, '\n', b.n)); /* an event ends at one */
	event = json_loadb(b.p, b.n, 0, NULL);
	assert_non_null(event);
	assert_string_equal(
	    am_json_str(json_object_get(event, "parts"), "now").p,
	    "<p>\"\n</p>");
	json_decref(event);
	am_buf_fini(&b);
}

static void
check_both(const char *t)
{
	static struct world w;
	struct am_dash d = { AM_LANG_EN, false, NULL };

	fill(&w, t);
	check(&w, t, &d);
	w.s.redis.up = false;
	w.s.census = NULL;
	d = (struct am_dash){ AM_LANG_ZH, true, &shanghai };
	check(&w, t, &d);
}

static void
test_dash_hostile_texts_stay_texts(void **state)
{
	static const char *const texts[] = { "plain", "", "<script>alert(1)",
		"</script><script>", "\"><img src=x onerror=alert(1)>",
		"' onmouseover='x", "&lt;b&gt;", "&", "a&b;c", "</td></tr>",
		"\xe6\x8a\x95\xe8\xaf\x89 \xf0\x9f\x98\x80",
		"\xe2\x80\xaetxt.exe", "\xff\xfe\x80", "\x01\x02\x1b[31m\x7f",
		"a\nb\tc\rd", "\xc2\x85\xc2\x9f", "\xed\xa0\x80", "{}", "%s%n",
		"-->", "]]>", "javascript:alert(1)", "//evil.example/" };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(texts); i++)
		check_both(texts[i]);
}

static void
test_dash_random_texts_stay_texts(void **state)
{
	static const char spice[] = "<>&\"'/=;!-#\\{}\xe2\x80\xae\xff\x1b\n ";
	char text[128];

	(void)state;
	rnd_seed(__func__);
	for (size_t run = 0; run < 300; run++) {
		size_t n = (size_t)snprintf(text, sizeof(text),
		    "<a href=\"/?id=C-%zu\">\xe6\x8a\x95&amp;</a>", run);

		for (size_t k = rnd(12); k > 0; k--)
			n = rnd_mutate(text, n, sizeof(text) - 1, spice);
		text[n] = '\0';
		check_both(text);
	}
}

/* The checker itself: what a test cannot find it does not test. */
static void
test_html_sees_what_is_wrong(void **state)
{
	static const char *const bad[] = { "<p>", "</p>", "<p></b>",
		"<p onclick=\"x\"></p>", "<p style=\"x\"></p>",
		"<p a=\"1\" a=\"2\"></p>", "<p a=x></p>", "<p>&nope;</p>",
		"<p>a & b</p>", "a > b", "<script>x</script>",
		"<script src=\"/x.js\"></script>",
		"<a href=\"http://x/\">x</a>", "<a href=\"//x/\">x</a>",
		"<a href=\"javascript:x\">x</a>",
		"<p id=\"a\"></p><p id=\"a\"></p>", "<p>\x01</p>",
		"<p>\xff</p>", "<p a=\"<\"></p>", "<img src=\"/x\">",
		"<a href=\"#none\">x</a>" };
	char what[256];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		if (html_wrong(am_str_c(bad[i]), false, what) == NULL)
			fail_msg("not seen: %s", bad[i]);
	assert_null(html_wrong(
	    AM_STR("<p id=\"a\">&amp; <a href=\"#a\">x</a></p>"), false, what));
}

/* ---- what stands where ---- */

static size_t
place(const struct am_buf *b, const char *text)
{
	const char *p = memmem(b->p, b->n, text, strlen(text));

	if (p == NULL)
		fail_msg("the page does not say: %s", text);
	return (size_t)(p - b->p);
}

static void
test_dash_first_things_stand_first(void **state)
{
	const struct am_dash d = { AM_LANG_EN, true, &shanghai };
	static struct world w;
	struct am_buf b;

	(void)state;
	fill(&w, "x");
	am_buf_init(&b);
	am_dash_page(&d, &w.s, &b);
	assert_true(place(&b, "id=\"banner\"") < place(&b, "id=\"now\""));
	assert_true(
	    place(&b, "Lapsed, longest first") < place(&b, "id=\"board\""));
	assert_true(place(&b, "id=\"board\"") < place(&b, "id=\"endpoints\""));
	assert_true(
	    place(&b, "id=\"endpoints\"") < place(&b, "id=\"letters\""));
	assert_true(place(&b, "id=\"letters\"") < place(&b, "id=\"days\""));
	(void)place(&b, "<html lang=\"en\">");
	(void)place(&b, "Times are those of Asia/Shanghai");
	(void)place(&b, "As of <time id=\"asof\">09:00:00</time>");
	(void)place(&b, "href=\"/?lang=en&amp;id=x\"");
	(void)place(&b, "12\xe2\x80\xaf"
			"345");
	am_buf_fini(&b);
}

static void
test_dash_says_that_redis_is_away(void **state)
{
	const struct am_dash d = { AM_LANG_ZH, false, &shanghai };
	static struct world w;
	struct am_buf b;

	(void)state;
	fill(&w, "x");
	w.s.redis.up = false;
	w.s.asked_at = NOW - AM_HOUR;
	am_buf_init(&b);
	am_dash_part(&d, &w.s, AM_DASH_BANNER, &b);
	(void)place(&b, "Redis 没有应答");
	/* what nobody has answered is no figure */
	w.c.shards_n = w.c.missing_n;
	w.s.open = w.s.dead_n = w.s.waiting = -1;
	am_dash_part(&d, &w.s, AM_DASH_NOW, &b);
	(void)place(&b, "已超时</dt><dd class=\"n\">\xe2\x80\x93</dd>");
	(void)place(&b, "暂不清楚");
	assert_null(memmem(b.p, b.n, "均在时限内", strlen("均在时限内")));
	(void)place(&b, "2026-11-23 08:00");
	am_buf_fini(&b);
}

/* ---- texts ---- */

static size_t
holes(const char *s)
{
	size_t n = 0;

	for (; (s = strstr(s, "{}")) != NULL; s += 2)
		n++;
	return n;
}

static void
test_dash_texts_have_both_languages(void **state)
{
	const struct am_dash_text_row *row;

	(void)state;
	for (size_t i = 0; (row = am_dash_text_at(i)) != NULL; i++) {
		const struct am_dash_text_row *other;

		assert_int_equal(holes(row->en), holes(row->zh));
		assert_string_not_equal(row->zh, "");
		for (size_t k = i + 1; (other = am_dash_text_at(k)) != NULL;
		     k++)
			if (strcmp(row->en, other->en) == 0)
				fail_msg("twice: %s", row->en);
	}
}

/* In Chinese no English is left but names, of which here are none but x. */
static void
test_dash_in_chinese_is_chinese(void **state)
{
	const struct am_dash d = { AM_LANG_ZH, true, &shanghai };
	static const char *const names[] = { "Redis", "amendsctl", "amendsd",
		"maxmemory", "policy", "noeviction", "appendonly",
		"appendfsync", "docs", "operations", "md", "endpoints",
		"enable", "resume", "loop", "intake", "reload", "shard", "list",
		"verify", "ID", "dead", "rejects", "English", "Asia",
		"Shanghai", "C", "D", "x", NULL };
	static struct world w;
	struct am_buf b;
	bool text = true;

	(void)state;
	fill(&w, "x");
	am_buf_init(&b);
	am_dash_page(&d, &w.s, &b);
	for (size_t i = 0, n; i < b.n; i += n) {
		size_t k = 0;

		n = 1;
		if (b.p[i] == '<' || b.p[i] == '>')
			text = b.p[i] == '>';
		if (!text ||
		    !((b.p[i] | 0x20) >= 'a' && (b.p[i] | 0x20) <= 'z'))
			continue;
		while (i + n < b.n && (b.p[i + n] | 0x20) >= 'a' &&
		       (b.p[i + n] | 0x20) <= 'z')
			n++;
		while (names[k] != NULL &&
		       !am_str_is((struct am_str){ b.p + i, n }, names[k]))
			k++;
		if (names[k] == NULL)
			fail_msg("English: %.*s", (int)(n + 40), b.p + i);
	}
	am_buf_fini(&b);
}

/* ---- languages and history ---- */

static void
test_lang_choose_takes_what_is_liked_best(void **state)
{
	static const struct {
		const char *query, *accept;
		enum am_lang want;
	} cases[] = { { "", "", AM_LANG_EN }, { "zh", "en", AM_LANG_ZH },
		{ "en", "zh", AM_LANG_EN },
		{ "fr", "zh-CN,zh;q=0.9,en;q=0.8", AM_LANG_ZH },
		{ "", "en-US,en;q=0.9,zh;q=0.8", AM_LANG_EN },
		{ "", "fr, zh;q=0.3, en;q=0.2", AM_LANG_ZH },
		{ "", "zh;q=0, en;q=0.1", AM_LANG_EN },
		{ "", "zhuang", AM_LANG_EN }, { "", ";;,=,q", AM_LANG_EN } };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_int_equal(am_lang_choose(am_str_c(cases[i].query),
				     am_str_c(cases[i].accept)),
		    cases[i].want);
}

static void
at_eight(const void *arg, char out[32], am_ms at)
{
	(void)arg;
	(void)at;
	snprintf(out, 32, "08:00");
}

static void
test_history_in_two_languages(void **state)
{
	static const char line[] =
	    "{\"do\":[{\"n\":\"stage.met\",\"stage\":\"listen\",\"late\":"
	    "\"no\"},"
	    "{\"n\":\"stage.missed\",\"stage\":\"listen\"},"
	    "{\"n\":\"stage.entered\",\"stage\":\"resolve\",\"due_at\":"
	    "\"1795395600000\"},"
	    "{\"n\":\"followup.queued\",\"to\":\"owner\",\"endpoint\":\"sms\","
	    "\"reason\":\"warn_50\"}]}";
	struct am_history h = { AM_LANG_ZH, true, at_eight, NULL };
	json_t *o = json_loads(line, 0, NULL);
	struct am_buf b;

	(void)state;
	am_buf_init(&b);
	am_history_say(&b, o, &h);
	am_buf_addc(&b, '\0');
	assert_string_equal(b.p,
	    "「倾听」环节按时完成；进入「解决」环节，应于 08:00 前完成；"
	    "跟进发给负责人，经 sms，事由：时限已用 50%");
	h = (struct am_history){ .local = at_eight };
	am_buf_reset(&b);
	am_history_say(&b, o, &h);
	am_buf_addc(&b, '\0');
	assert_string_equal(b.p,
	    "listen done in time; resolve begins, due 08:00; "
	    "follow-up to the owner by sms (warn_50)");
	am_buf_fini(&b);
	json_decref(o);
}

static void
test_assets_are_in_the_program(void **state)
{
	struct am_asset css, js, svg, none;
	char a[40], b[40];

	(void)state;
	assert_true(am_asset_find(AM_STR("/dash.css"), &css));
	assert_true(am_asset_find(AM_STR("/dash.js"), &js));
	assert_true(am_asset_find(AM_STR("/dash.svg"), &svg));
	assert_false(am_asset_find(AM_STR("/dash.html"), &none));
	assert_true(am_utf8_ok(css.bytes) && css.bytes.n > 1000);
	assert_true(am_utf8_ok(js.bytes) && js.bytes.n > 1000);
	assert_true(am_str_prefix(svg.bytes, "<svg"));
	am_asset_etag(&css, a);
	am_asset_etag(&js, b);
	assert_int_equal(strlen(a), 34);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html_sees_what_is_wrong),
		cmocka_unit_test(test_dash_hostile_texts_stay_texts),
		cmocka_unit_test(test_dash_random_texts_stay_texts),
		cmocka_unit_test(test_dash_first_things_stand_first),
		cmocka_unit_test(test_dash_says_that_redis_is_away),
		cmocka_unit_test(test_dash_texts_have_both_languages),
		cmocka_unit_test(test_dash_in_chinese_is_chinese),
		cmocka_unit_test(test_lang_choose_takes_what_is_liked_best),
		cmocka_unit_test(test_history_in_two_languages),
		cmocka_unit_test(test_assets_are_in_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
