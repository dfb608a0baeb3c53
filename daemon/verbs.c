/*
 * verbs - from a line of the status socket to the function that answers it.
 *
 * Names, levels and usage stand in lib/ops/verbs.c; this is the other half of
 * that table. A verb that stands there and not here is our bug.
 */

#include <string.h>

#include "base/str.h"
#include "daemon/view.h"

/* clang-format off */
static const struct {
	const char *name;
	am_verb_fn *run;
} runs[] = {
	{ "help",             am_verb_help },
	{ "status",           am_verb_status },
	{ "shape",            am_verb_shape },
	{ "top",              am_verb_top },
	{ "audit",            am_verb_audit },
	{ "health",           am_verb_health },
	{ "list",             am_verb_list },
	{ "show",             am_verb_show },
	{ "why",              am_verb_why },
	{ "plan",             am_verb_plan },
	{ "verify",           am_verb_verify },
	{ "link",             am_verb_link },
	{ "erase",            am_verb_erase },
	{ "message show",     am_verb_message_show },
	{ "message list",     am_verb_message_list },
	{ "followups",        am_verb_followups },
	{ "followups retry",  am_verb_followups_retry },
	{ "followups cancel", am_verb_followups_cancel },
	{ "dead list",        am_verb_dead_list },
	{ "dead replay",      am_verb_dead_replay },
	{ "dead drop",        am_verb_dead_drop },
	{ "rejects list",     am_verb_rejects_list },
	{ "rejects replay",   am_verb_rejects_replay },
	{ "rejects drop",     am_verb_rejects_drop },
	{ "endpoints",        am_verb_endpoints },
	{ "endpoints reset",  am_verb_endpoints_reset },
	{ "endpoints enable", am_verb_endpoints_enable },
	{ "endpoints disable", am_verb_endpoints_disable },
	{ "endpoints test",   am_verb_endpoints_test },
	{ "shard list",       am_verb_shard_list },
	{ "shard adopt",      am_verb_shard_adopt },
	{ "shard release",    am_verb_shard_release },
	{ "close",            am_verb_close },
	{ "migrate",          am_verb_migrate },
	{ "report",           am_verb_report },
	{ "export",           am_verb_export },
	{ "pause intake",     am_verb_pause_intake },
	{ "pause delivery",   am_verb_pause_delivery },
	{ "pause endpoint",   am_verb_endpoints_disable },
	{ "pause loop",       am_verb_pause_loop },
	{ "resume intake",    am_verb_resume_intake },
	{ "resume delivery",  am_verb_resume_delivery },
	{ "resume endpoint",  am_verb_endpoints_enable },
	{ "resume loop",      am_verb_resume_loop },
	{ "silence add",      am_verb_silence_add },
	{ "silence list",     am_verb_silence_list },
	{ "silence end",      am_verb_silence_end },
	{ "emit",             am_verb_emit },
	{ "reload",           am_verb_reload },
	{ "drain",            am_verb_drain },
};
/* clang-format on */

void
am_engine_verb(
    void *arg, struct am_ctl_call *call, const struct am_str *argv, size_t argc)
{
	size_t used = 0;
	const struct am_verb *verb = am_verb_find(argv, argc, &used);
	char what[200] = "";

	if (verb == NULL) {
		am_ctl_end(
		    call, AM_EXIT_USAGE, "unknown command; `help` lists them");
		return;
	}
	if (am_verb_check(verb, argv, argc, what) != 0) {
		am_ctl_end(
		    call, AM_EXIT_USAGE, "%s; usage: %s", what, verb->usage);
		return;
	}
	if (am_ctl_level(call) < verb->level) {
		am_ctl_end(call, AM_EXIT_REFUSED,
		    "%s needs the operate level; see status.operate in conf",
		    verb->name);
		return;
	}
	for (size_t i = 0; i < AM_COUNT(runs); i++)
		if (strcmp(runs[i].name, verb->name) == 0) {
			runs[i].run(am_view_new(arg, call, verb, argv, argc));
			return;
		}
	am_panic(__FILE__, __LINE__, verb->name);
}

void
am_verb_help(struct view *v)
{
	for (size_t i = 0; i < am_verbs_n; i++) {
		am_view_open(v);
		am_view_s(v, "verb", am_verbs[i].name);
		am_view_s(v, "usage", am_verbs[i].usage);
		am_view_s(v, "level",
		    am_verbs[i].level == AM_CTL_OPERATE ? "operate" : "view");
		am_view_s(v, "about", am_verbs[i].about);
		am_view_close(v);
	}
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}
