/*
 * text - what a follow-up says when the loop gives it no message, by reason, in
 * English and Chinese.
 *
 * They are templates like any other, so a person may copy one into conf and
 * change it.
 */

#include "core/followup.h"

#include <string.h>

/* clang-format off */
static const struct {
	const char *en, *zh;
} texts[AM_REASONS_N] = {
	[AM_REASON_ASK] = {
		"Is your complaint {complaint.id} solved? Please tell us: yes or no.",
		"您的投诉 {complaint.id} 是否已解决?请告诉我们:是或否。" },
	[AM_REASON_WARN] = {
		"Complaint {complaint.id} ({complaint.category}): {clock.name} is due {clock.due}.",
		"投诉 {complaint.id}({complaint.category}):{clock.name} 应于 {clock.due} 前完成。" },
	[AM_REASON_LAPSE] = {
		"Complaint {complaint.id} ({complaint.category}): {clock.name} was due {clock.due} and is not done.",
		"投诉 {complaint.id}({complaint.category}):{clock.name} 应于 {clock.due} 前完成,现已超时。" },
	[AM_REASON_ESCALATE] = {
		"Complaint {complaint.id} ({complaint.category}) needs you: {clock.name}, due {clock.due}, owner {complaint.owner}.",
		"投诉 {complaint.id}({complaint.category})需要您处理:{clock.name},应于 {clock.due} 前完成,负责人 {complaint.owner}。" },
	[AM_REASON_INFORM] = {
		"Your complaint {complaint.id} is being worked on. We will write again.",
		"您的投诉 {complaint.id} 正在处理中,我们会再次与您联系。" },
	[AM_REASON_RECOURSE] = {
		"Your complaint {complaint.id} is not settled yet. You may take it further: {recourse.url}",
		"您的投诉 {complaint.id} 尚未解决。您可以向上级机构申诉:{recourse.url}" },
	[AM_REASON_AFTERCARE] = {
		"We closed your complaint {complaint.id} some time ago. Is all still well?",
		"您的投诉 {complaint.id} 已结案一段时间,现在一切都好吗?" },
	[AM_REASON_DIGEST] = {
		"Complaint {complaint.id} ({complaint.category}) is among those that wait for you.",
		"投诉 {complaint.id}({complaint.category})等待您处理。" },
	[AM_REASON_REPORT] = {
		"Complaint {complaint.id} ({complaint.category}) is in the report.",
		"投诉 {complaint.id}({complaint.category})已列入报告。" },
	[AM_REASON_OPERATOR] = {
		"Complaint {complaint.id} ({complaint.category}) needs a person's decision.",
		"投诉 {complaint.id}({complaint.category})需要人工判断。" },
};
/* clang-format on */

bool
am_lang_serves(const char *have, struct am_str want)
{
	size_t n = strlen(have);

	return n > 0 && want.n >= n && memcmp(want.p, have, n) == 0 &&
	       (want.n == n || want.p[n] == '-' || want.p[n] == '_');
}

struct am_str
am_text_builtin(enum am_reason reason, struct am_str lang, const char **given)
{
	bool zh = am_lang_serves("zh", lang);
	const char *text;

	AM_ASSERT(reason < AM_REASONS_N);
	text = zh ? texts[reason].zh : texts[reason].en;
	*given = zh ? "zh" : "en";
	return (struct am_str){ text, strlen(text) };
}
