/*
 * verbs_message - what the messages of the configuration say, and what they
 * cost: message show, message list. The rows are those of sim/preview.h.
 */

#include "base/str.h"
#include "daemon/view.h"
#include "sim/preview.h"

static void
print_row(void *arg, struct am_str json)
{
	struct view *v = arg;

	am_ctl_line(v->call, json);
}

static struct am_preview
preview(struct view *v)
{
	const struct am_conf *conf = v->engine->conf;

	return (struct am_preview){
		.messages = conf->messages,
		.messages_n = conf->messages_n,
		.now = am_engine_now(),
		.a = v->a,
		.row = print_row,
		.arg = v,
	};
}

/* An example in the loop that was named, else in `complaint`, else in the only
 * one; false when the call has ended. */
static bool
take_example(struct view *v, struct am_preview *p)
{
	const struct am_conf *conf = v->engine->conf;
	struct am_str name = am_verb_option(v->argv, v->argc, "--loop");

	p->def = am_conf_loop(conf, name.n > 0 ? name : AM_STR("complaint"));
	if (p->def == NULL && name.n > 0) {
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND, "no such loop: %.*s",
		    AM_ARG(name));
		return false;
	}
	if (p->def == NULL && conf->loops_n == 1)
		p->def = conf->loops[0];
	if (p->def == NULL) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "no loop is named complaint; say by --loop which one the "
		    "example is in");
		return false;
	}
	p->example = true;
	p->c = am_preview_example(p->def, p->now, v->a);
	return true;
}

/* False when the call has ended. */
static bool
take_endpoint(struct view *v, struct am_preview *p)
{
	struct am_str name = am_verb_option(v->argv, v->argc, "--endpoint");
	const struct am_conf_endpoint *e;
	struct am_via *via;

	if (name.n == 0)
		return true;
	e = am_conf_endpoint(v->engine->conf, name);
	if (e == NULL) {
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND,
		    "no such endpoint: %.*s; `endpoints` has them",
		    AM_ARG(name));
		return false;
	}
	via = am_arena_alloc(v->a, sizeof(*via));
	*via = am_conf_via(e);
	p->via = via;
	return true;
}

static void
show(struct view *v, struct am_preview *p)
{
	struct am_str name = am_verb_arg(v->verb, v->argv, v->argc, 0);
	const char *near;

	if (!take_endpoint(v, p))
		return;
	if (am_preview_show(
		p, name, am_verb_option(v->argv, v->argc, "--lang")) == 0) {
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
		return;
	}
	near = am_preview_near(p, name);
	am_ctl_end(v->call, AM_EXIT_NOT_FOUND, "no such message: %.*s; %s%s%s",
	    AM_ARG(name),
	    near != NULL ? "did you mean `" : "`message list` has them",
	    near != NULL ? near : "", near != NULL ? "`?" : "");
}

static void
show_complaint(struct view *v, struct am_batch *b)
{
	struct am_preview p = preview(v);

	(void)b;
	p.def = v->def;
	p.c = v->c;
	show(v, &p);
	am_view_drop(v);
}

void
am_verb_message_show(struct view *v)
{
	struct am_preview p = preview(v);

	v->id = am_verb_option(v->argv, v->argc, "--complaint");
	if (v->id.n == 0) {
		if (take_example(v, &p))
			show(v, &p);
	} else if (am_verb_option(v->argv, v->argc, "--loop").n > 0) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--loop is for the example; a complaint has its loop");
	} else {
		am_view_complaint(v, show_complaint);
	}
}

void
am_verb_message_list(struct view *v)
{
	struct am_preview p = preview(v);

	if (!take_example(v, &p))
		return;
	am_preview_list(&p);
	am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}
