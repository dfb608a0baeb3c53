/*
 * history - a journal line in words. Each note has a template in each language,
 * the first whose condition holds: {key} is a pair of the note, {@key} one that
 * is an instant, {?key} the code of an ignored event, said in words, and a
 * piece in [brackets] is left out when one of its keys is missing. A note
 * without a template is said as it stands, so the journal of a newer daemon can
 * be read, too.
 */

#include "ops/history.h"

#include <string.h>

#include <amends/step.h>

#include "base/str.h"
#include "ops/member.h"

/* clang-format off */
static const struct template {
	const char *note;
	const char *key, *value; /* holds when they are equal; NULL: always */
	const char *words[AM_LANGS_N]; /* "": said by another note of the line */
} templates[] = {
	{ "complaint.opened", NULL, NULL,
	  { "opened[, {category}][, tier {tier}][, {owner} has it][, a repeat of {repeat_of}]",
	    "投诉已受理[，{category}][，等级 {tier}][，负责人 {owner}][，是 {repeat_of} 的重复投诉]" } },
	{ "complaint.updated", NULL, NULL,
	  { "facts changed[, tier {tier}][ in place of {tier_was}][, severity {severity}]"
	    "[, category {category}][, incident {incident}][: {reason}]",
	    "信息有变更[，等级改为 {tier}][（原为 {tier_was}）][，严重程度 {severity}][，类别 {category}][，关联事件 {incident}][：{reason}]" } },
	{ "complaint.acknowledged", "late", "yes",
	  { "acknowledged late",
	    "已首次回应客户，但已超时" } },
	{ "complaint.acknowledged", NULL, NULL,
	  { "acknowledged",
	    "已首次回应客户" } },
	{ "complaint.held", NULL, NULL,
	  { "put on hold[: {reason}][, until {@until}]",
	    "挂起[：{reason}][，至 {@until}]" } },
	{ "complaint.resumed", "reason", "resumed",
	  { "taken up again",
	    "恢复处理" } },
	{ "complaint.resumed", NULL, NULL,
	  { "hold ended[: {reason}]",
	    "挂起结束[：{reason}]" } },
	{ "stage.entered", NULL, NULL,
	  { "{stage} begins[, due {@due_at}]",
	    "进入「{stage}」环节[，应于 {@due_at} 前完成]" } },
	{ "stage.met", "how", "implied",
	  { "{stage} taken as done, a later stage was",
	    "「{stage}」环节视为完成，后续环节已完成" } },
	{ "stage.met", "late", "yes",
	  { "{stage} done late",
	    "「{stage}」环节已完成，但已超时" } },
	{ "stage.met", "late_original", "yes",
	  { "{stage} done in time by the due it was extended to",
	    "「{stage}」环节在延长后的时限内完成" } },
	{ "stage.met", NULL, NULL,
	  { "{stage} done in time",
	    "「{stage}」环节按时完成" } },
	{ "stage.missed", NULL, NULL,
	  { "",
	    "" } },
	{ "stage.owed", NULL, NULL,
	  { "{stage} is still owed[, due {@due_at}]",
	    "「{stage}」环节尚欠[，应于 {@due_at} 前补办]" } },
	{ "stage.waived", NULL, NULL,
	  { "{stage} waived[ by {approver}]",
	    "「{stage}」环节已免除[，批准人 {approver}]" } },
	{ "deadline.warned", NULL, NULL,
	  { "warning: {pct} % of the time for {clock} is gone",
	    "预警：「{clock}」的时限已用去 {pct}%" } },
	{ "deadline.missed", NULL, NULL,
	  { "{clock} is overdue[, it was due {@due_at}]",
	    "「{clock}」已超时[，应于 {@due_at} 前完成]" } },
	{ "deadline.moved", NULL, NULL,
	  { "due of {clock} moved[ from {@old}][ to {@new}][: {reason}][, by leave of {approver}]",
	    "「{clock}」的时限有变更[，原为 {@old}][，现为 {@new}][：{reason}][，批准人 {approver}]" } },
	{ "rung.fired", "clock", "unowned",
	  { "nobody has taken it yet",
	    "尚无人接手" } },
	{ "rung.fired", "clock", "silence",
	  { "the time to answer is over",
	    "答复期限已过" } },
	{ "rung.fired", NULL, NULL,
	  { "rung {rung} of {clock} fires",
	    "「{clock}」触发 {rung}" } },
	{ "escalation.raised", "reason", "unowned",
	  { "{clock} has no owner, raised to the {to}",
	    "「{clock}」无人负责，上报{to}" } },
	{ "escalation.raised", NULL, NULL,
	  { "{clock} is late, raised to the {to}",
	    "「{clock}」超时，上报{to}" } },
	{ "owner.changed", "role", "supervisor",
	  { "supervisor is now {to}",
	    "主管改为 {to}" } },
	{ "owner.changed", NULL, NULL,
	  { "handed over[ from {from}] to {to}",
	    "负责人[由 {from} ]转为 {to}" } },
	{ "owner.recused", NULL, NULL,
	  { "{who} is complained about and not taken as {role}",
	    "{who} 是被投诉人，不能担任{role}" } },
	{ "owner.unassignable", NULL, NULL,
	  { "no {role} is left to take it",
	    "没有可指派的{role}" } },
	{ "loop.migrated", NULL, NULL,
	  { "goes on under {to}[, moved by {by}]",
	    "改按 {to} 流程继续[，操作人 {by}]" } },
	{ "followup.queued", "reason", "revived",
	  { "follow-up by {endpoint} sent again by hand",
	    "经 {endpoint} 的跟进由人工重新发送" } },
	{ "followup.queued", "held", "quiet",
	  { "follow-up[ to the {to}][ by {endpoint}][ ({reason})]"
	    "[, held by quiet hours until {@until}]",
	    "跟进[发给{to}][，经 {endpoint}][，事由：{reason}]，免打扰时段内暂缓，{@until} 后发送" } },
	{ "followup.queued", NULL, NULL,
	  { "follow-up[ to the {to}][ by {endpoint}][ ({reason})]",
	    "跟进[发给{to}][，经 {endpoint}][，事由：{reason}]" } },
	{ "channel.skipped", NULL, NULL,
	  { "{endpoint} cannot carry it[: {reason}]; by the next channel",
	    "{endpoint} 无法发送[：{reason}]，改用下一通道" } },
	{ "followup.waiting", NULL, NULL,
	  { "the same follow-up[ by {endpoint}] is on its way already",
	    "相同的跟进[（经 {endpoint}）]已在途中" } },
	{ "followup.accepted", NULL, NULL,
	  { "follow-up[ by {endpoint}]: the provider has taken it"
	    "[, its receipt is waited for until {@until}]",
	    "跟进[（经 {endpoint}）]：通道已接收[，等待回执至 {@until}]" } },
	{ "followup.uncertain", NULL, NULL,
	  { "follow-up[ by {endpoint}]: the provider may have it[ ({reason})]; not sent again"
	    "[, a receipt is waited for until {@until}]",
	    "跟进[（经 {endpoint}）]：通道可能已接收[（{reason}）]，不再重发[，等待回执至 {@until}]" } },
	{ "followup.unknown", NULL, NULL,
	  { "follow-up[ by {endpoint}]: nobody knows what became of it[: {reason}]",
	    "跟进[（经 {endpoint}）]：去向不明[（{reason}）]" } },
	{ "followup.failed", NULL, NULL,
	  { "follow-up[ by {endpoint}]: the provider could not deliver it[: {code}]",
	    "跟进[（经 {endpoint}）]：通道未能送达[（{code}）]" } },
	{ "followup.delivered", "late", "yes",
	  { "follow-up[ by {endpoint}] delivered after its stage was over",
	    "跟进[（经 {endpoint}）]在环节结束后才送达" } },
	{ "followup.delivered", "attempts", "1",
	  { "follow-up[ by {endpoint}] delivered",
	    "跟进[（经 {endpoint}）]已送达" } },
	{ "followup.delivered", NULL, NULL,
	  { "follow-up[ by {endpoint}] delivered[ after {attempts} tries]",
	    "跟进[（经 {endpoint}）]已送达[，共尝试 {attempts} 次]" } },
	{ "followup.suppressed", NULL, NULL,
	  { "follow-up[ by {endpoint}] not sent[: {reason}]",
	    "跟进[（经 {endpoint}）]未发送[：{reason}]" } },
	{ "followup.expired", NULL, NULL,
	  { "follow-up[ by {endpoint}] expired[: {reason}]",
	    "跟进[（经 {endpoint}）]已过期[：{reason}]" } },
	{ "followup.dead", NULL, NULL,
	  { "follow-up[ to the {to}][ by {endpoint}] given up[: {reason}]",
	    "跟进[（发给{to}）][（经 {endpoint}）]已放弃[：{reason}]" } },
	{ "confirmation.requested", NULL, NULL,
	  { "the customer is asked",
	    "已向客户征询意见" } },
	{ "callback.attempted", "outcome", "reached",
	  { "call[ by {by}]: the customer was reached",
	    "回访[（{by}）]：已联系上客户" } },
	{ "callback.attempted", NULL, NULL,
	  { "call[ by {by}]: the customer was not reached[, {outcome}]",
	    "回访[（{by}）]：未联系上客户[，{outcome}]" } },
	{ "silence.started", NULL, NULL,
	  { "the customer was written to; without an answer it closes[ {@due_at}]",
	    "已书面通知客户[，{@due_at} 前无答复即关闭]" } },
	{ "silence.over", NULL, NULL,
	  { "no answer came; it does not close by itself[: {reason}]",
	    "客户未答复，不自动关闭[：{reason}]" } },
	{ "customer.unreachable", NULL, NULL,
	  { "no channel reaches the customer; a person decides",
	    "各通道均联系不上客户，须人工决定" } },
	{ "customer.message", NULL, NULL,
	  { "customer wrote[ by {via}]",
	    "客户来信[，经 {via}]" } },
	{ "customer.erased", NULL, NULL,
	  { "personal data erased[, allowed by {approver}]",
	    "个人信息已删除[，批准人 {approver}]" } },
	{ "complaint.rejected", NULL, NULL,
	  { "not upheld[, decided by {approver}]",
	    "判定投诉不成立[，决定人 {approver}]" } },
	{ "complaint.reopened", NULL, NULL,
	  { "opened again by hand[, by {by}]",
	    "人工重新打开[，操作人 {by}]" } },
	{ "complaint.linked", "kind", "duplicate",
	  { "the same as {target}",
	    "与 {target} 重复" } },
	{ "complaint.linked", "kind", "duplicated_by",
	  { "{target} says the same",
	    "{target} 与本投诉重复" } },
	{ "complaint.linked", "kind", "outcome",
	  { "{target} has ended[: {result}]",
	    "{target} 已结束[：{result}]" } },
	{ "complaint.linked", NULL, NULL,
	  { "linked[: {kind}][ {target}]",
	    "关联[：{kind}][ {target}]" } },
	{ "improvement.recorded", NULL, NULL,
	  { "improvement recorded[ for {category}][, since {date}]",
	    "已记录改进措施[，针对 {category}][，自 {date} 起]" } },
	{ "customer.answered", NULL, NULL,
	  { "customer answered[ {verdict}][, {score} of 5]",
	    "客户答复[：{verdict}][，{score} 分（满分 5 分）]" } },
	{ "loop.reopened", NULL, NULL,
	  { "opened again[ at {stage}][, cycle {cycle}][, tier {tier}]",
	    "重新打开[，回到「{stage}」环节][，第 {cycle} 轮][，等级 {tier}]" } },
	{ "loop.closed", NULL, NULL,
	  { "closed[: {outcome}]",
	    "已关闭[：{outcome}]" } },
	{ "contact.opted_out", NULL, NULL,
	  { "the customer wants nothing more[ by {channel}]",
	    "客户要求不再接收消息[（{channel}）]" } },
	{ "contact.opted_in", NULL, NULL,
	  { "the customer may be reached[ by {channel}] again",
	    "客户同意再次接收消息[（{channel}）]" } },
	{ "recourse.notified", NULL, NULL,
	  { "recourse notice delivered",
	    "申诉途径告知已送达" } },
	{ "recourse.failed", NULL, NULL,
	  { "the recourse notice reached the customer by no channel",
	    "申诉途径告知未能送达客户" } },
	{ "event.ignored", NULL, NULL,
	  { "{event} ignored[: {?code}]",
	    "{event} 未生效[：{?code}]" } },
};
/* clang-format on */

static const struct template *
template_of(const json_t *note)
{
	struct am_str name = am_json_str(note, "n");

	for (size_t i = 0; i < AM_COUNT(templates); i++) {
		const struct template *t = &templates[i];

		if (am_str_is(name, t->note) &&
		    (t->key == NULL ||
			am_str_is(am_json_str(note, t->key), t->value)))
			return t;
	}
	return NULL;
}

static bool
add_instant(struct am_buf *b, const json_t *note, const char *key,
    const struct am_history *h)
{
	char local[32];
	int64_t ms;
	am_ms at;

	/* the pairs of a note are text, a number of ms among them */
	if (am_str_i64(am_json_str(note, key), &ms) == 0) {
		if (ms <= 0 || ms > 4102444800000) /* none, or beyond 2100 */
			return false;
		at = ms;
	} else if (!am_json_time(note, key, &at)) {
		return false;
	}
	h->local(h->arg, local, at);
	am_buf_adds(b, local);
	return true;
}

/* What stands under these is a name, whatever it reads like. */
static bool
is_name(const char *key)
{
	static const char *const names[] = { "endpoint", "from", "by", "who",
		"owner", "approver", "target", "repeat_of", "rung" };

	for (size_t i = 0; i < AM_COUNT(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

static void
add_word(struct am_buf *b, struct am_str word, const struct am_history *h)
{
	char said[64];

	am_buf_addstr(b, h->speak ? am_speak(h->lang, word, said) : word);
}

/*
 * Why an event was ignored, as the table of the life cycle has it: "nothing
 * moves the backstop (final_stands)". The code alone where the table has
 * several reasons under it, and where the table's words are not the reader's.
 */
static void
add_code(struct am_buf *b, const json_t *note, struct am_str code,
    const struct am_history *h)
{
	const struct am_event_spec *spec =
	    am_event_spec_by_name(am_json_str(note, "event"));
	const char *why = NULL;
	struct am_rule_view rule;

	for (size_t i = 0; spec != NULL && am_rule_at(i, &rule); i++) {
		if (rule.on != spec->type || rule.action[0] != '\0' ||
		    !am_str_is(code, rule.code))
			continue;
		if (why != NULL && strcmp(why, rule.why) != 0) {
			why = NULL;
			break;
		}
		why = rule.why;
	}
	if (why != NULL && h->lang == AM_LANG_EN)
		am_buf_addf(b, "%s (%.*s)", why, AM_ARG(code));
	else
		add_word(b, code, h);
}

/* The pair {key} at p; false when it is missing. *end: behind the brace. */
static bool
add_value(struct am_buf *b, const char *p, const json_t *note,
    const struct am_history *h, const char **end)
{
	size_t n = strcspn(p + 1, "}");
	char key[32] = "";
	const json_t *v;

	*end = p + 1 + n + 1;
	if (n >= sizeof(key))
		return false;
	memcpy(key, p + 1, n);
	if (key[0] == '@')
		return add_instant(b, note, key + 1, h);
	if (key[0] == '?') {
		add_code(b, note, am_json_str(note, key + 1), h);
		return am_json_str(note, key + 1).n > 0;
	}
	v = json_object_get(note, key);
	if (json_is_integer(v))
		am_buf_addi(b, json_integer_value(v));
	else if (is_name(key))
		am_buf_addstr(b, am_json_str(note, key));
	else
		add_word(b, am_json_str(note, key), h);
	return json_is_integer(v) || am_json_str(note, key).n > 0;
}

static void
render(struct am_buf *b, const char *p, const json_t *note,
    const struct am_history *h)
{
	size_t piece = 0; /* where the open bracket's text begins */
	bool whole = true;

	while (*p != '\0') {
		if (*p == '[') {
			piece = b->n;
			whole = true;
			p++;
		} else if (*p == ']') {
			if (!whole)
				b->n = piece;
			whole = true;
			p++;
		} else if (*p == '{') {
			whole = add_value(b, p, note, h, &p) && whole;
		} else {
			am_buf_addc(b, *p++);
		}
	}
}

static void
plain(struct am_buf *b, const json_t *note)
{
	const char *key;
	json_t *value;

	am_buf_addstr(b, am_json_str(note, "n"));
	json_object_foreach((json_t *)(uintptr_t)note, key, value)
	{
		if (strcmp(key, "n") == 0 || !json_is_string(value))
			continue;
		am_buf_addf(b, " %s=%s", key, json_string_value(value));
	}
}

void
am_history_note(
    struct am_buf *b, const json_t *note, const struct am_history *h)
{
	const struct template *t = template_of(note);

	if (t != NULL)
		render(b, t->words[h->lang], note, h);
	else
		plain(b, note);
}

void
am_history_say(struct am_buf *b, const json_t *line, const struct am_history *h)
{
	const char *between = h->lang == AM_LANG_ZH ? "；" : "; ";
	const json_t *notes = json_object_get(line, "do");
	struct am_str verdict = am_json_str(line, "verdict");
	size_t i, start = b->n;
	json_t *note;

	json_array_foreach(notes, i, note)
	{
		size_t before = b->n, text;

		if (b->n > start)
			am_buf_adds(b, between);
		text = b->n;
		am_history_note(b, note, h);
		if (b->n == text) /* said by another one */
			b->n = before;
	}
	if (b->n > start)
		return;
	am_buf_addstr(b, am_json_str(line, "event"));
	if (verdict.n > 0 && !am_str_is(verdict, "applied"))
		am_buf_addf(b, " (%.*s)", AM_ARG(verdict));
}
