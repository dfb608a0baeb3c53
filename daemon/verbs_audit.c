/* verbs_audit - the verb `audit`: what the daemon found when it looked at
 * itself; --now: let it look. */

#include "base/str.h"
#include "daemon/audit.h"
#include "daemon/view.h"

static void
end_audit(struct view *v, bool known)
{
	struct am_sample s = { .at = 0 };
	bool clean;

	am_arena_init(&s.arena, 0);
	am_audit_tell(v->engine->audit, &s);
	clean = s.audit.clean;
	am_arena_fini(&s.arena);
	am_view_open(v);
	am_audit_status(v->engine->audit, &v->line);
	am_view_close(v);
	if (!known)
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "no audit has ended yet; --now begins one");
	else
		am_ctl_end(v->call, clean ? AM_EXIT_OK : AM_EXIT_FAILED, "%s",
		    clean ? "" : "not clean");
}

static void
on_done(void *arg)
{
	end_audit(arg, true);
}

void
am_verb_audit(struct view *v)
{
	if (am_verb_option(v->argv, v->argc, "--now").p != NULL)
		am_audit_now(v->engine, on_done, v);
	else
		end_audit(v, am_audit_ended(v->engine->audit));
}
