/* speak - see speak.h. */

#include "ops/speak.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* clang-format off */
/* Sorted by kind, for people; looked up from the top. */
static const struct {
	const char *word, *zh;
} words[] = {
	/* roles */
	{ "owner",                  "负责人" },
	{ "agent",                  "坐席" },
	{ "supervisor",             "主管" },
	{ "manager",                "经理" },
	{ "customer",               "客户" },
	{ "team",                   "团队" },
	/* stages of the shipped loops, and clocks */
	{ "listen",                 "倾听" },
	{ "apologize",              "致歉" },
	{ "resolve",                "解决" },
	{ "callback-confirm",       "回访确认" },
	{ "confirm",                "确认" },
	{ "investigate",            "调查" },
	{ "contact",                "联系客户" },
	{ "follow-up",              "跟进" },
	{ "acknowledge",            "首次回应" },
	{ "inform",                 "进展告知" },
	{ "final",                  "最终答复" },
	{ "aftercare",              "后续关怀" },
	{ "callback",               "回访" },
	{ "silence",                "等待答复" },
	{ "hold",                   "挂起" },
	{ "unowned",                "无人接手" },
	/* tiers */
	{ "high",                   "高" },
	{ "mid",                    "中" },
	{ "middle",                 "中" },
	{ "low",                    "低" },
	{ "urgent",                 "紧急" },
	/* status */
	{ "open",                   "处理中" },
	{ "held",                   "挂起中" },
	{ "closed",                 "已关闭" },
	/* outcomes */
	{ "satisfied",              "客户满意" },
	{ "satisfied_after_reopen", "重开后客户满意" },
	{ "unsatisfied",            "不满意" },
	{ "partial",                "部分满意" },
	{ "not_upheld",             "投诉不成立" },
	{ "unconfirmed",            "未获客户确认" },
	{ "declined",               "客户拒绝回访" },
	{ "unreachable",            "联系不上客户" },
	{ "withdrawn",              "客户撤诉" },
	{ "duplicate",              "重复投诉" },
	{ "deadlock",               "僵局" },
	{ "deadlock_closed",        "僵局后关闭" },
	{ "forced",                 "人工关闭" },
	/* clocks' states */
	{ "off",                    "未启用" },
	{ "running",                "计时中" },
	{ "stopped",                "暂停" },
	{ "met",                    "已完成" },
	{ "implied",                "视为完成" },
	{ "waived",                 "已免除" },
	{ "over",                   "已结束" },
	/* why a follow-up goes out */
	{ "ask",                    "征询意见" },
	{ "warn",                   "预警" },
	{ "lapse",                  "超时" },
	{ "escalate",               "上报" },
	{ "recourse",               "申诉途径告知" },
	{ "digest",                 "汇总" },
	{ "report",                 "报表" },
	{ "operator",               "运维人员" },
	{ "revived",                "人工重发" },
	{ "stage_due",              "环节到期" },
	{ "notice",                 "书面通知" },
	{ "reminder",               "提醒" },
	/* how a follow-up ended, and why */
	{ "delivered",              "已送达" },
	{ "dead",                   "已放弃" },
	{ "suppressed",             "未发送" },
	{ "expired",                "已过期" },
	{ "unknown",                "去向不明" },
	{ "queued",                 "待发送" },
	{ "in_flight",              "发送中" },
	{ "accepted",               "通道已接收" },
	{ "uncertain",              "可能已接收" },
	{ "interrupted",            "发送中断" },
	{ "behind",                 "排在前一条之后" },
	{ "parked",                 "等待通道启用" },
	{ "no_address",             "没有可用的联系方式" },
	{ "opted_out",              "客户已拒收" },
	{ "too_long",               "内容过长" },
	{ "no_template",            "缺少模板" },
	{ "no_receipt",             "未收到回执" },
	{ "endpoint-removed",       "通道已从配置中移除" },
	{ "max_age",                "超过有效期" },
	{ "exhausted",              "重试次数用尽" },
	{ "permanent",              "对方明确拒收" },
	{ "superseded",             "已被后续跟进取代" },
	{ "retries",                "重试次数用尽" },
	{ "timeout",                "超时无响应" },
	{ "connect_timeout",        "连接超时" },
	{ "tls_timeout",            "TLS 握手超时" },
	{ "dns_timeout",            "域名解析超时" },
	{ "dns",                    "域名解析失败" },
	{ "connect",                "无法连接" },
	{ "refused",                "连接被拒绝" },
	{ "reset",                  "连接中断" },
	{ "tls",                    "TLS 错误" },
	{ "bad_address",            "地址无效" },
	{ "refused_address",        "地址不在允许范围" },
	{ "bad_body",               "应答内容无法识别" },
	{ "gone",                   "对方已停用（410）" },
	{ "failing",                "持续失败" },
	{ "silenced",               "静默" },
	{ "stage_over",             "环节已结束" },
	/* why a complaint is held, or a due moved */
	{ "waiting_customer",       "等待客户" },
	{ "waiting_third_party",    "等待第三方" },
	{ "extension",              "延期" },
	{ "tier",                   "等级变更" },
	{ "calendar",               "日历变更" },
	{ "migration",              "流程迁移" },
	{ "max_hold",               "挂起时限已到" },
	{ "resumed",                "恢复处理" },
	/* calls */
	{ "reached",                "已接通" },
	{ "no_answer",              "无人接听" },
	{ "busy",                   "占线" },
	{ "wrong_number",           "号码有误" },
	/* endpoints */
	{ "webhook",                "Webhook" },
	{ "sms",                    "短信" },
	{ "chat",                   "群机器人" },
	{ "mail",                   "邮件" },
	/* why an event was refused or ignored */
	{ "bad_value",              "字段值无效" },
	{ "missing_field",          "缺少字段" },
	{ "unknown_event",          "未知事件" },
	{ "unknown_complaint",      "未知投诉" },
	{ "unknown_loop",           "未知流程" },
	{ "unknown_version",        "未知版本" },
	{ "unsupported",            "暂不支持" },
	{ "conflict",               "版本冲突" },
	{ "already_done",           "已处理过" },
	{ "not_waiting",            "此前已结束" },
	{ "not_running",            "当前没有计时" },
	{ "not_asked",              "尚未征询客户" },
	{ "not_by_staff",           "须由客户答复" },
	{ "not_closed",             "仍在处理中" },
	{ "not_held",               "未挂起" },
	{ "already_held",           "已挂起" },
	{ "rejected",               "已判定不成立" },
	{ "lapsed",                 "已超时，不可更改" },
	{ "final_stands",           "最终时限不可变更" },
	{ "no_gain",                "时限不会改变" },
	{ "max_extensions",         "延期次数用尽" },
	{ "no_reopens_left",        "重开次数用尽" },
	{ "window_over",            "重开期限已过" },
	{ "carried_on",             "已由另一投诉接续" },
	{ "unmatched",              "找不到对应的跟进" },
	{ "too_many",               "数量过多" },
};

/* Words that end with a number: "warn_50". */
static const struct {
	const char *prefix, *en, *zh;
} counted[] = {
	{ "warn_",    "%s %% of the time gone", "时限已用 %s%%" },
	{ "rung_",    "step %s",                "第 %s 级" },
	{ "attempt_", "call %s",                "第 %s 次回访" },
	{ "hold_",    "hold reminder %s",       "第 %s 次挂起提醒" },
};
/* clang-format on */

const char *
am_lang_tag(enum am_lang lang)
{
	return lang == AM_LANG_ZH ? "zh-CN" : "en";
}

/* "zh", "zh-CN", "ZH-hant" and what else begins so. */
static bool
is_lang(struct am_str s, const char *tag)
{
	return s.n >= 2 && (s.p[0] | 0x20) == tag[0] &&
	       (s.p[1] | 0x20) == tag[1] && (s.n == 2 || s.p[2] == '-');
}

/* "0.8" in thousandths; what is none counts as 1. */
static unsigned
quality(struct am_str s)
{
	unsigned q = 0, unit = 1000;
	size_t i = 0;

	if (s.n == 0 || s.p[0] < '0' || s.p[0] > '1')
		return 1000;
	for (; i < s.n && unit > 0; i++) {
		if (s.p[i] == '.')
			continue;
		if (s.p[i] < '0' || s.p[i] > '9')
			break;
		q += (unsigned)(s.p[i] - '0') * unit;
		unit /= 10;
	}
	return q > 1000 ? 1000 : q;
}

/* One "zh-CN;q=0.9" of the list. */
static void
weigh(struct am_str one, unsigned best[AM_LANGS_N])
{
	const char *semi = one.n > 0 ? memchr(one.p, ';', one.n) : NULL;
	struct am_str tag = one, q = { "", 0 };
	unsigned w;

	if (semi != NULL) {
		tag.n = (size_t)(semi - one.p);
		q = am_str_trim((struct am_str){ semi + 1, one.n - tag.n - 1 });
		if (am_str_prefix(q, "q="))
			q = (struct am_str){ q.p + 2, q.n - 2 };
		else
			q.n = 0;
	}
	tag = am_str_trim(tag);
	w = quality(q);
	if (is_lang(tag, "en") && w > best[AM_LANG_EN])
		best[AM_LANG_EN] = w;
	if (is_lang(tag, "zh") && w > best[AM_LANG_ZH])
		best[AM_LANG_ZH] = w;
}

enum am_lang
am_lang_choose(struct am_str query, struct am_str accept)
{
	unsigned best[AM_LANGS_N] = { 0 };
	unsigned first = 0;

	if (is_lang(query, "zh"))
		return AM_LANG_ZH;
	if (is_lang(query, "en"))
		return AM_LANG_EN;
	while (accept.n > 0) {
		const char *comma = memchr(accept.p, ',', accept.n);
		size_t n =
		    comma != NULL ? (size_t)(comma - accept.p) : accept.n;

		weigh((struct am_str){ accept.p, n }, best);
		/* of two that are liked alike the first is meant */
		if (first == 0 && best[AM_LANG_ZH] != best[AM_LANG_EN])
			first = best[AM_LANG_ZH] > best[AM_LANG_EN] ? 2 : 1;
		n += comma != NULL;
		accept.p += n;
		accept.n -= n;
	}
	if (best[AM_LANG_ZH] == best[AM_LANG_EN])
		return first == 2 ? AM_LANG_ZH : AM_LANG_EN;
	return best[AM_LANG_ZH] > best[AM_LANG_EN] ? AM_LANG_ZH : AM_LANG_EN;
}

/* "rung_2" as "step 2"; false: it is none of those. */
static bool
speak_counted(enum am_lang lang, struct am_str word, char out[64])
{
	for (size_t i = 0; i < AM_COUNT(counted); i++) {
		size_t n = strlen(counted[i].prefix);
		struct am_str digits = { word.p + n, word.n - n };
		char number[16];
		uint64_t v;

		if (!am_str_prefix(word, counted[i].prefix) ||
		    am_str_u64(digits, &v) != 0 || digits.n > 9)
			continue;
		snprintf(number, sizeof(number), "%.*s", AM_ARG(digits));
		snprintf(out, 64,
		    lang == AM_LANG_ZH ? counted[i].zh : counted[i].en, number);
		return true;
	}
	return false;
}

struct am_str
am_speak(enum am_lang lang, struct am_str word, char out[64])
{
	size_t i = 0;

	if (speak_counted(lang, word, out))
		return am_str_c(out);
	while (i < AM_COUNT(words) && !am_str_is(word, words[i].word))
		i++;
	if (i == AM_COUNT(words) || word.n >= 64)
		return word;
	if (lang == AM_LANG_ZH)
		return am_str_c(words[i].zh);
	for (size_t k = 0; k < word.n; k++)
		out[k] = (char)(word.p[k] == '_' ? ' ' : word.p[k]);
	out[word.n] = '\0';
	return (struct am_str){ out, word.n };
}
