/*
 * link_page - one page in two languages, without any script.
 *
 * The four stages of the house have words for customers; a stage of another
 * name is shown as it is called. Values are ids and names of conf, and yet all
 * of them are escaped: who writes them today need not be who wrote them then.
 */

#include "ops/link_page.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"

struct words {
	const char *key, *en, *zh;
};

static const struct words stage_words[] = {
	{ "listen", "Received", "已受理" },
	{ "apologize", "Answered", "致歉与答复" },
	{ "resolve", "Solved", "处理" },
	{ "callback-confirm", "Confirmed with you", "回访确认" },
};

/* By enum am_outcome. */
static const struct words outcome_words[AM_OUTCOMES_N] = {
	[AM_OUTCOME_NONE] = { "", "It is closed.", "已结案。" },
	[AM_OUTCOME_SATISFIED] = { "",
	    "It is closed: you told us that it is solved.",
	    "已结案：您已确认问题得到解决。" },
	[AM_OUTCOME_SATISFIED_AFTER_REOPEN] = { "",
	    "It is closed: you told us that it is solved.",
	    "已结案：您已确认问题得到解决。" },
	[AM_OUTCOME_NOT_UPHELD] = { "",
	    "It is closed: we could not agree with it, and have written to you "
	    "why.",
	    "已结案：投诉未予支持，原因已书面告知您。" },
	[AM_OUTCOME_UNCONFIRMED] = { "",
	    "It is closed: we did what we said, and have not heard from you.",
	    "已结案：我们已处理完毕，尚未收到您的确认。" },
	[AM_OUTCOME_DECLINED] = { "",
	    "It is closed: you did not wish to be asked.",
	    "已结案：您表示无需回访。" },
	[AM_OUTCOME_UNREACHABLE] = { "",
	    "It is closed: we could not reach you.",
	    "已结案：我们未能联系到您。" },
	[AM_OUTCOME_WITHDRAWN] = { "", "It is closed: you took it back.",
	    "已结案：您已撤回投诉。" },
	[AM_OUTCOME_DUPLICATE] = { "",
	    "It is closed: another complaint of yours is about the same.",
	    "已结案：与您的另一件投诉合并处理。" },
	[AM_OUTCOME_DEADLOCK_CLOSED] = { "",
	    "It is closed: we could not find agreement. You may take it "
	    "further, as we have written to you.",
	    "已结案：双方未能达成一致，您可按书面告知的途径继续申诉。" },
	[AM_OUTCOME_FORCED] = { "", "It is closed.", "已结案。" },
};

const char am_link_page_css[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;"
    "--paper:#fff;--line:#d0d7de;--accent:#0b6e4f}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;"
    "--paper:#0d1117;--line:#30363d;--accent:#56d6a5}}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:1.0625rem/1.6 system-ui,'PingFang SC','Noto Sans CJK SC',"
    "sans-serif}"
    "main{max-width:34rem;margin:0 auto;padding:2rem 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.3;margin:0 0 .5rem;"
    "overflow-wrap:anywhere}"
    "p{margin:0 0 1.5rem}"
    "ol{list-style:none;margin:0 0 1.5rem;padding:0}"
    "li{padding:.5rem 0 .5rem 2rem;position:relative;color:var(--soft)}"
    "li::before{content:'';position:absolute;left:.25rem;top:.95rem;"
    "width:.75rem;height:.75rem;border-radius:50%;"
    "border:2px solid var(--line);box-sizing:border-box}"
    "li.done::before{background:var(--accent);border-color:var(--accent)}"
    "li.now{color:var(--ink);font-weight:600}"
    "li.now::before{border-color:var(--accent)}"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1.25rem;"
    "margin:0;border-top:1px solid var(--line);padding-top:1.25rem}"
    "dt{color:var(--soft)}dd{margin:0;font-variant-numeric:tabular-nums}";

static const char *
pick(bool zh, const char *en, const char *cn)
{
	return zh ? cn : en;
}

static void
add_text(struct am_buf *out, struct am_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&':
			am_buf_adds(out, "&amp;");
			break;
		case '<':
			am_buf_adds(out, "&lt;");
			break;
		case '>':
			am_buf_adds(out, "&gt;");
			break;
		case '"':
			am_buf_adds(out, "&quot;");
			break;
		default:
			am_buf_addc(out, s.p[i]);
		}
	}
}

static const char *
stage_words_of(const char *name, bool zh)
{
	for (size_t i = 0; i < AM_COUNT(stage_words); i++)
		if (strcmp(stage_words[i].key, name) == 0)
			return pick(zh, stage_words[i].en, stage_words[i].zh);
	return name;
}

static const char *
sentence(const struct am_link_page *p)
{
	if (p->status == AM_CLOSED)
		return pick(p->zh, outcome_words[p->outcome].en,
		    outcome_words[p->outcome].zh);
	if (p->status == AM_HELD && p->waits_customer)
		return pick(p->zh, "It waits for an answer from you.",
		    "正在等待您的答复。");
	if (p->status == AM_HELD)
		return pick(p->zh, "It waits for somebody else's answer.",
		    "正在等待第三方答复。");
	return pick(p->zh, "We are working on it.", "我们正在处理。");
}

/* "2026-11-22 14:00 (UTC+08:00)" */
static void
add_time(struct am_buf *out, am_ms t, int32_t offset_s)
{
	int32_t minutes = offset_s / 60, off = minutes < 0 ? -minutes : minutes;
	char text[32];

	am_rfc3339_format(t, text);
	am_buf_addf(out, "<time datetime=\"%s\">", text);
	am_local_format(t, offset_s, text);
	am_buf_addf(out, "%s</time>", text);
	if (off == 0)
		am_buf_adds(out, " (UTC)");
	else
		am_buf_addf(out, " (UTC%c%02d:%02d)", minutes < 0 ? '-' : '+',
		    off / 60, off % 60);
}

static void
open_page(struct am_buf *out, bool zh, const char *title, struct am_str id)
{
	am_buf_addf(out,
	    "<!doctype html>\n<html lang=\"%s\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n<title>%s",
	    pick(zh, "en", "zh-CN"), title);
	add_text(out, id);
	am_buf_addf(out,
	    "</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n"
	    "<main>\n<h1>%s",
	    title);
	add_text(out, id);
	am_buf_adds(out, "</h1>\n");
}

static bool
is_done(const struct am_link_page *p, size_t stage)
{
	if ((p->owed >> stage & 1) != 0)
		return false;
	return stage < p->at || (stage == p->at && p->status == AM_CLOSED);
}

void
am_link_page_html(const struct am_link_page *p, struct am_buf *out)
{
	open_page(
	    out, p->zh, pick(p->zh, "Your complaint ", "您的投诉 "), p->id);
	am_buf_addf(out, "<p>%s</p>\n<ol>\n", sentence(p));
	for (size_t i = 0; i < p->stages_n; i++) {
		bool now = i == p->at && p->status != AM_CLOSED;

		am_buf_addf(out, "<li class=\"%s\"%s>",
		    now		    ? "now"
		    : is_done(p, i) ? "done"
				    : "next",
		    now ? " aria-current=\"step\"" : "");
		add_text(out, am_str_c(stage_words_of(p->stages[i], p->zh)));
		am_buf_adds(out, "</li>\n");
	}
	am_buf_adds(out, "</ol>\n<dl>\n");
	if (p->promised != AM_NEVER) {
		am_buf_addf(out, "<dt>%s</dt><dd>",
		    pick(p->zh, "Promised by", "承诺时限"));
		add_time(out, p->promised, p->promised_offset_s);
		am_buf_adds(out, "</dd>\n");
	}
	am_buf_addf(
	    out, "<dt>%s</dt><dd>", pick(p->zh, "Last update", "最近更新"));
	add_time(out, p->updated, p->updated_offset_s);
	am_buf_adds(out, "</dd>\n</dl>\n</main>\n</html>\n");
}

void
am_link_page_gone(bool zh, bool expired, struct am_buf *out)
{
	open_page(out, zh,
	    expired ? pick(zh, "This link has expired", "链接已过期")
		    : pick(zh, "Nothing is here", "此处没有内容"),
	    AM_STR(""));
	am_buf_addf(out, "<p>%s</p>\n</main>\n</html>\n",
	    pick(zh,
		"Look for a newer message from us, or ask whom you complained "
		"to.",
		"请查看我们最近发给您的消息，或联系受理单位。"));
}

static void
add_json_time(struct am_buf *out, const char *key, am_ms t)
{
	char text[32];

	if (t == AM_NEVER) {
		am_buf_addkey(out, key);
		am_buf_adds(out, "null");
		return;
	}
	am_rfc3339_format(t, text);
	am_buf_addkv(out, key, am_str_c(text));
}

void
am_link_page_json(const struct am_link_page *p, struct am_buf *out)
{
	am_buf_addc(out, '{');
	am_buf_addkv(out, "id", p->id);
	am_buf_addkv(out, "status", am_str_c(am_status_str(p->status)));
	if (p->status == AM_CLOSED)
		am_buf_addkv(
		    out, "outcome", am_str_c(am_outcome_str(p->outcome)));
	am_buf_addkv(out, "stage", am_str_c(p->stages[p->at]));
	am_buf_addkey(out, "stages");
	am_buf_addc(out, '[');
	for (size_t i = 0; i < p->stages_n; i++) {
		am_buf_adds(out, i != 0 ? ",{" : "{");
		am_buf_addkv(out, "name", am_str_c(p->stages[i]));
		am_buf_addkey(out, "done");
		am_buf_adds(out, is_done(p, i) ? "true" : "false");
		am_buf_addc(out, '}');
	}
	am_buf_addc(out, ']');
	add_json_time(out, "promised_at", p->promised);
	add_json_time(out, "updated_at", p->updated);
	am_buf_adds(out, "}\n");
}
