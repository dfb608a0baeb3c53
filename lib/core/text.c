/*
 * text - what a follow-up says when the loop gives it no message, in English
 * and Chinese: by its reason, where that would mislead by what it is about.
 *
 * They are templates like any other, so a person may copy one into conf and
 * change it. Each is one or two SMS; to customers they name no stage, clock or
 * category, which are words of the house.
 */

#include "core/followup.h"

#include <string.h>

#include "base/str.h"

#include <amends/loop.h>

/* clang-format off */
struct text {
	const char *en, *zh;
};

/* Reasons that say the same to everybody stand with the staff, or with the
 * customer, who alone is asked and told of recourse. */
static const struct text to_customer[AM_REASONS_N] = {
	[AM_REASON_ASK] = {
		"Is your complaint {complaint.id} solved? Please reply: yes or no.",
		"您的投诉 {complaint.id} 是否已解决？请回复：是或否。" },
	[AM_REASON_WARN] = {
		"Your complaint {complaint.id} is being worked on. Our next step is due {clock.due}.",
		"您的投诉 {complaint.id} 正在处理中，下一步应于 {clock.due} 前完成。" },
	[AM_REASON_LAPSE] = {
		"Your complaint {complaint.id} takes longer than we planned. We are sorry, and keep working on it.",
		"您的投诉 {complaint.id} 的处理时间超出预期，我们深表歉意，并将继续处理。" },
	[AM_REASON_ESCALATE] = {
		"Your complaint {complaint.id} is still not done, later than we planned. We are sorry, and keep working on it.",
		"您的投诉 {complaint.id} 仍未处理完毕，已超出预期时间。我们深表歉意，会继续处理。" },
	[AM_REASON_INFORM] = {
		"Your complaint {complaint.id} is being worked on. We will write again.",
		"您的投诉 {complaint.id} 正在处理中，我们会再次与您联系。" },
	[AM_REASON_RECOURSE] = {
		"Your complaint {complaint.id} is not settled yet. You may take it further: {recourse.url}",
		"您的投诉 {complaint.id} 尚未解决。您可以继续申诉：{recourse.url}" },
	[AM_REASON_AFTERCARE] = {
		"We closed your complaint {complaint.id} some time ago. Is all still well? If not, please tell us.",
		"您的投诉 {complaint.id} 已结案一段时间，现在一切都好吗？如有问题，请告诉我们。" },
};

static const struct text to_staff[AM_REASONS_N] = {
	[AM_REASON_WARN] = {
		"Complaint {complaint.id} ({complaint.category}): {clock.name} is due {clock.due}.",
		"投诉 {complaint.id}（{complaint.category}）：{clock.name} 应于 {clock.due} 前完成。" },
	[AM_REASON_LAPSE] = {
		"Complaint {complaint.id} ({complaint.category}): {clock.name} was due {clock.due} and is not done.",
		"投诉 {complaint.id}（{complaint.category}）：{clock.name} 应于 {clock.due} 前完成，现已超时。" },
	[AM_REASON_ESCALATE] = {
		"Complaint {complaint.id} ({complaint.category}) needs you: {clock.name}, due {clock.due}, owner {complaint.owner}.",
		"投诉 {complaint.id}（{complaint.category}）需要您处理：{clock.name}，应于 {clock.due} 前完成，负责人 {complaint.owner}。" },
	[AM_REASON_INFORM] = {
		"Complaint {complaint.id} ({complaint.category}): the customer should hear from us by {clock.due}. Please write or call.",
		"投诉 {complaint.id}（{complaint.category}）：应于 {clock.due} 前向客户告知进展，请与客户联系。" },
	[AM_REASON_AFTERCARE] = {
		"Complaint {complaint.id} ({complaint.category}) was closed some time ago. Please see that all is still well.",
		"投诉 {complaint.id}（{complaint.category}）已结案一段时间，请回访确认。" },
	[AM_REASON_DIGEST] = {
		"Complaint {complaint.id} ({complaint.category}) is among those that wait for you.",
		"投诉 {complaint.id}（{complaint.category}）等待您处理。" },
	[AM_REASON_REPORT] = {
		"Complaint {complaint.id} ({complaint.category}) is in the report.",
		"投诉 {complaint.id}（{complaint.category}）已列入报告。" },
	[AM_REASON_OPERATOR] = {
		"Complaint {complaint.id} ({complaint.category}) needs a person's decision.",
		"投诉 {complaint.id}（{complaint.category}）需要人工判断。" },
};

static const struct text by_notice[AM_NOTICES_N] = {
	[AM_NOTICE_REOPEN] = {
		"Complaint {complaint.id} ({complaint.category}) is open again, cycle {complaint.cycle}: the customer is not satisfied. {clock.name} is due {clock.due}.",
		"投诉 {complaint.id}（{complaint.category}）重新打开，第 {complaint.cycle} 轮：客户不满意。{clock.name} 应于 {clock.due} 前完成。" },
	[AM_NOTICE_DEADLOCK] = {
		"Complaint {complaint.id} ({complaint.category}) has been reopened as often as it may be. A person decides how it ends.",
		"投诉 {complaint.id}（{complaint.category}）已达到重开次数上限，需由专人决定如何处理。" },
	[AM_NOTICE_CONTRADICTION] = {
		"Complaint {complaint.id} ({complaint.category}): the customer's answers contradict each other. Please ask what they mean.",
		"投诉 {complaint.id}（{complaint.category}）：客户的答复前后矛盾，请向客户核实。" },
	[AM_NOTICE_RECOURSE] = {
		"Your complaint {complaint.id} is not settled as you wished. You may take it further: {recourse.url}",
		"您的投诉 {complaint.id} 未能按您的意愿解决。您可以继续申诉：{recourse.url}" },
	[AM_NOTICE_EXTENDED] = {
		"Your complaint {complaint.id} takes longer than we said: until {clock.due}. We are sorry.",
		"您的投诉 {complaint.id} 的处理时间需延长至 {clock.due}，我们深表歉意。" },
	[AM_NOTICE_WITHDRAWN] = {
		"You have withdrawn your complaint {complaint.id}. It is closed. Please tell us if that is not so.",
		"您已撤回投诉 {complaint.id}，现已结案。如有误请告知我们。" },
	[AM_NOTICE_OUTCOME] = {
		"Your complaint {complaint.id} was handled together with {complaint.target}, which is now closed.",
		"您的投诉 {complaint.id} 已与 {complaint.target} 合并处理，现已结案。" },
	[AM_NOTICE_UNREACHABLE] = {
		"Complaint {complaint.id} ({complaint.category}): the customer could be told by no channel. Please find another way.",
		"投诉 {complaint.id}（{complaint.category}）：所有渠道均无法联系客户，请另寻方式联系。" },
	[AM_NOTICE_MESSAGE] = {
		"The customer of complaint {complaint.id} ({complaint.category}) has written and waits for an answer.",
		"投诉 {complaint.id}（{complaint.category}）的客户已来信，等待答复。" },
	[AM_NOTICE_UNOWNED] = {
		"Nobody owns complaint {complaint.id} ({complaint.category}) in {complaint.stage}. Please give it to somebody.",
		"投诉 {complaint.id}（{complaint.category}）在 {complaint.stage} 阶段无人负责，请指派负责人。" },
	[AM_NOTICE_AUTOCLOSE] = {
		"Complaint {complaint.id} ({complaint.category}): the customer has not answered, but it must not close by itself. Please decide.",
		"投诉 {complaint.id}（{complaint.category}）：客户未答复，但不可自动结案，请人工处理。" },
	[AM_NOTICE_UNCLEAR] = {
		"Sorry, we could not read your reply about complaint {complaint.id}. Is it solved? Reply 1 for yes, 2 for no.",
		"抱歉，我们未能识别您对投诉 {complaint.id} 的回复。问题是否已解决？回复 1 表示是，2 表示否。" },
};

/* Rungs that a rule of the loop has made; recourse without a url to name. */
static const struct text attempt = {
	"Please call the customer of {complaint.id} ({complaint.category}), attempt {callback.attempt}: is it solved?",
	"请致电投诉 {complaint.id}（{complaint.category}）的客户，第 {callback.attempt} 次：问题是否已解决？" };
static const struct text written = {
	"We could not reach you about your complaint {complaint.id}. Is it solved? Reply 1 for yes, 2 for no. Without a reply we close it.",
	"我们未能就投诉 {complaint.id} 联系到您。问题是否已解决？回复 1 表示是，2 表示否。如无回复将结案。" };
static const struct text reminder = {
	"We still wait for your reply about complaint {complaint.id}. Is it solved? Reply 1 for yes, 2 for no. Without a reply it closes {clock.due}.",
	"投诉 {complaint.id} 仍在等待您的回复。问题是否已解决？回复 1 表示是，2 表示否。如无回复将于 {clock.due} 结案。" };
static const struct text hold_customer = {
	"Your complaint {complaint.id} waits for you. Please send us what we asked for, so that we can go on.",
	"您的投诉 {complaint.id} 正等待您的回复。请提供所需资料，以便我们继续处理。" };
static const struct text hold_staff = {
	"Complaint {complaint.id} ({complaint.category}) has been on hold since {hold.since} ({hold.reason}). Please see what it waits for.",
	"投诉 {complaint.id}（{complaint.category}）自 {hold.since} 起挂起（{hold.reason}），请跟进等待事项。" };
static const struct text recourse_unknown = {
	"Your complaint {complaint.id} is not settled yet. You may take it further; please ask us how.",
	"您的投诉 {complaint.id} 尚未解决。您可以继续申诉，申诉途径请向我们咨询。" };

/* Subjects: of a mail, of a message in a chat. */
static const struct text subjects_customer[AM_REASONS_N] = {
	[AM_REASON_ASK] = {
		"Is your complaint {complaint.id} solved?",
		"您的投诉 {complaint.id} 是否已解决？" },
	[AM_REASON_WARN] = {
		"News of your complaint {complaint.id}",
		"您的投诉 {complaint.id} 的进展" },
	[AM_REASON_LAPSE] = {
		"News of your complaint {complaint.id}",
		"您的投诉 {complaint.id} 的进展" },
	[AM_REASON_ESCALATE] = {
		"News of your complaint {complaint.id}",
		"您的投诉 {complaint.id} 的进展" },
	[AM_REASON_INFORM] = {
		"News of your complaint {complaint.id}",
		"您的投诉 {complaint.id} 的进展" },
	[AM_REASON_RECOURSE] = {
		"Your complaint {complaint.id}: how to take it further",
		"您的投诉 {complaint.id}：申诉途径" },
	[AM_REASON_AFTERCARE] = {
		"After your complaint {complaint.id}",
		"投诉 {complaint.id} 结案回访" },
};

static const struct text subjects_staff[AM_REASONS_N] = {
	[AM_REASON_WARN] = {
		"Complaint {complaint.id} is due soon",
		"投诉 {complaint.id} 即将到期" },
	[AM_REASON_LAPSE] = {
		"Complaint {complaint.id} is overdue",
		"投诉 {complaint.id} 已超时" },
	[AM_REASON_ESCALATE] = {
		"Complaint {complaint.id} needs you",
		"投诉 {complaint.id} 需要您处理" },
	[AM_REASON_INFORM] = {
		"Complaint {complaint.id}: the customer waits for news",
		"投诉 {complaint.id}：请向客户告知进展" },
	[AM_REASON_AFTERCARE] = {
		"Complaint {complaint.id}: aftercare",
		"投诉 {complaint.id} 结案回访" },
	[AM_REASON_DIGEST] = {
		"Complaints that wait for you",
		"等待您处理的投诉" },
	[AM_REASON_REPORT] = {
		"Report on complaints",
		"投诉报告" },
	[AM_REASON_OPERATOR] = {
		"Complaint {complaint.id} needs a person",
		"投诉 {complaint.id} 需人工处理" },
};
/* clang-format on */

bool
am_lang_serves(const char *have, struct am_str want)
{
	size_t n = strlen(have);

	return n > 0 && want.n >= n && memcmp(want.p, have, n) == 0 &&
	       (want.n == n || want.p[n] == '-' || want.p[n] == '_');
}

/* One table for both; the other's where it has none of its own. */
static const struct text *
pick(const struct text *own, const struct text *other, enum am_reason reason)
{
	AM_ASSERT(reason < AM_REASONS_N);
	return own[reason].en != NULL ? &own[reason] : &other[reason];
}

static const struct text *
choose(const struct am_loopdef *def, const struct am_followup *f,
    enum am_notice about)
{
	bool customer = f->to == AM_ROLE_CUSTOMER;

	if (def->recourse_url[0] == '\0' && f->reason == AM_REASON_RECOURSE)
		return &recourse_unknown;
	if (about < AM_NOTICES_N)
		return &by_notice[about];
	switch (f->clock) {
	case AM_CLOCK_CALLBACK:
		return customer ? &written : &attempt;
	case AM_CLOCK_SILENCE:
		return &reminder;
	case AM_CLOCK_HOLD:
		return customer ? &hold_customer : &hold_staff;
	default:
		return customer ? pick(to_customer, to_staff, f->reason)
				: pick(to_staff, to_customer, f->reason);
	}
}

struct am_str
am_text_builtin(const struct am_loopdef *def, const struct am_followup *f,
    enum am_notice about, struct am_str lang, const char **given)
{
	const struct text *t = choose(def, f, about);
	bool zh = am_lang_serves("zh", lang);

	*given = zh ? "zh" : "en";
	return am_str_c(zh ? t->zh : t->en);
}

struct am_str
am_text_subject(const struct am_followup *f, struct am_str lang)
{
	const struct text *t;

	t = f->to == AM_ROLE_CUSTOMER
		? pick(subjects_customer, subjects_staff, f->reason)
		: pick(subjects_staff, subjects_customer, f->reason);
	return am_str_c(am_lang_serves("zh", lang) ? t->zh : t->en);
}
