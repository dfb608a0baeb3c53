/*
 * verbs_report - report, export.
 *
 * Both walk every complaint kept, so both may take long: the reader sets the
 * pace, and --progress says now and then how far it is, which also tells a
 * client that waits that somebody works.
 */

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "daemon/figures.h"
#include "daemon/view.h"

#define UNREAD_MAX (1 << 20)
#define SAY_EVERY AM_SECOND

struct call {
	struct view *v;
	struct am_casewalk *walk;
	struct am_conf *conf; /* held while rows are given */
	struct am_report_opts o;
	am_ms said_at; /* progress, monotonic */
	bool progress;
	/* report */
	struct am_report *report;
	struct am_report_row *const *rows;
	const struct am_report_mark *marks;
	size_t rows_n, rows_at, marks_n, marks_at;
	size_t parked, unread;
	/* export */
	bool csv, closed, open;
};

static struct am_str
option(const struct view *v, const char *name)
{
	return am_verb_option(v->argv, v->argc, name);
}

/* ---- what is asked for ---- */

static bool
usage(const struct view *v, const char *name, struct am_str said,
    const char *right)
{
	am_ctl_end(v->call, AM_EXIT_USAGE, "%s %.*s cannot be read; %s", name,
	    said.n < 60 ? (int)said.n : 60, said.p, right);
	return false;
}

static const char a_day[] =
    "give a day, week, month, quarter or year such as 2026-10-03, 2026-W40, "
    "2026-10, 2026-Q4, 2026, or a time such as 2026-10-03T09:00:00+08:00";

/* The last day counts, a time does not. */
static bool
read_bound(const struct view *v, const char *name, const struct am_zone *zone,
    bool is_end, am_ms *t)
{
	struct am_str said = option(v, name);
	int32_t from, to;

	if (said.n == 0)
		return true;
	if (am_period_parse(said, &from, &to) == 0)
		*t = am_period_instant(zone, is_end ? to : from);
	else if (am_rfc3339_parse(said, t) != 0)
		return usage(v, name, said, a_day);
	return true;
}

/* The name of one, or for a report what its rows are cut by. */
static bool
read_period(struct call *c, bool units)
{
	const struct view *v = c->v;
	struct am_str said = option(v, "--period");
	int32_t from, to;

	if (said.n == 0 ||
	    (units && am_period_unit_parse(said, &c->o.unit) == 0))
		return true;
	if (am_period_parse(said, &from, &to) != 0)
		return usage(v, "--period", said,
		    units
			? "give day, week or month, or one such as 2026-10, "
			  "2026-W40, 2026-Q4"
			: "give one such as 2026-10, 2026-W40, 2026-Q4, 2026");
	if (option(v, "--from").n != 0 || option(v, "--to").n != 0) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--period %.*s and --from or --to: give one of them",
		    AM_ARG(said));
		return false;
	}
	c->o.from = am_period_instant(c->o.zone, from);
	c->o.to = am_period_instant(c->o.zone, to);
	return true;
}

static bool
read_span(struct call *c, bool units)
{
	const struct view *v = c->v;
	const struct am_conf *conf = v->engine->conf;
	struct am_str zone = option(v, "--zone");

	c->o = (struct am_report_opts){ .to = AM_NEVER,
		.zone = am_figures_zone(conf),
		.now = am_engine_now() };
	if (zone.n != 0 && !am_figures_find_zone(conf, zone, &c->o.zone))
		return usage(v, "--zone", zone,
		    "give an IANA name such as Asia/Shanghai");
	if (!read_bound(v, "--from", c->o.zone, false, &c->o.from) ||
	    !read_bound(v, "--to", c->o.zone, true, &c->o.to) ||
	    !read_period(c, units))
		return false;
	if (c->o.from >= c->o.to || c->o.from >= c->o.now) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    c->o.from >= c->o.to
			? "--from is behind --to; change them over"
			: "it begins in the future; nothing has happened yet");
		return false;
	}
	return true;
}

static struct call *
new_call(struct view *v)
{
	struct call *c = am_arena_zalloc(v->a, sizeof(*c));

	c->v = v;
	c->progress = option(v, "--progress").p != NULL;
	c->said_at = am_engine_monotonic();
	return c;
}

/* ---- while it walks ---- */

static void
say_progress(struct call *c)
{
	const struct am_casewalk_count *n = am_casewalk_count(c->walk);
	am_ms now = am_engine_monotonic();
	struct view *v = c->v;

	if (!c->progress || now - c->said_at < SAY_EVERY)
		return;
	c->said_at = now;
	am_view_open(v);
	am_buf_addkey(&v->line, "progress");
	am_buf_addc(&v->line, '{');
	am_buf_addki(&v->line, "met", (int64_t)n->met);
	am_buf_addki(&v->line, "of", (int64_t)n->of);
	am_buf_addc(&v->line, '}');
	am_view_close(v);
}

static bool
ready(void *arg)
{
	struct call *c = arg;

	if (!am_ctl_alive(c->v->call)) {
		am_casewalk_stop(c->walk);
		return true;
	}
	if (am_ctl_unread(c->v->call) > UNREAD_MAX)
		return false;
	say_progress(c);
	return true;
}

static void
end_failed(struct view *v, int rc)
{
	v->lost = rc;
	am_ctl_end(v->call, AM_EXIT_FAILED,
	    "not done: a shard could not be read to its end: %s",
	    rc == -AM_ECANCELED ? "the daemon stops" : am_view_why(v));
}

/* What is missing in it, so that nobody takes it for the whole. */
static void
end_well(struct view *v, size_t parked, size_t unread)
{
	if (parked != 0 && unread != 0)
		am_ctl_end(v->call, AM_EXIT_OK,
		    "not in it: %zu parked complaints, %zu journal lines that "
		    "cannot be read",
		    parked, unread);
	else if (parked != 0)
		am_ctl_end(v->call, AM_EXIT_OK,
		    "not in it: %zu parked complaints", parked);
	else if (unread != 0)
		am_ctl_end(v->call, AM_EXIT_OK,
		    "not in it: %zu journal lines that cannot be read", unread);
	else
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

/* ---- report ---- */

static void give_rows(struct call *c);

static void
on_drained(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	give_rows(arg);
}

static void
give_line(struct call *c)
{
	struct view *v = c->v;

	am_buf_reset(&v->line);
	if (c->rows_at < c->rows_n)
		am_report_row_json(c->report,
		    (struct am_report_row *)c->rows[c->rows_at++], false,
		    &v->line);
	else if (c->marks_at < c->marks_n)
		am_report_mark_json(
		    c->report, &c->marks[c->marks_at++], &v->line);
	am_ctl_line(v->call, am_buf_str(&v->line));
}

static void
give_rows(struct call *c)
{
	const struct timeval soon = { .tv_usec = 10000 };
	struct view *v = c->v;

	while (c->rows_at < c->rows_n || c->marks_at < c->marks_n) {
		if (!am_ctl_alive(v->call))
			break;
		if (am_ctl_unread(v->call) > UNREAD_MAX) {
			event_base_once(v->engine->base, -1, EV_TIMEOUT,
			    on_drained, c, &soon);
			return;
		}
		give_line(c);
	}
	am_buf_reset(&v->line);
	am_report_row_json(
	    c->report, am_report_total(c->report), false, &v->line);
	am_ctl_line(v->call, am_buf_str(&v->line));
	am_report_free(c->report);
	am_conf_unref(c->conf);
	end_well(v, c->parked, c->unread); /* c may be gone with it */
}

static void
on_figures(void *arg, struct am_report *r, int rc,
    const struct am_casewalk_count *count)
{
	struct call *c = arg;

	if (r == NULL) {
		am_conf_unref(c->conf);
		end_failed(c->v, rc); /* c may be gone with it */
		return;
	}
	c->report = r;
	c->parked = count->parked;
	c->unread = count->unread;
	c->rows_n = am_report_rows(r, &c->rows);
	c->marks_n = am_report_marks(r, &c->marks);
	give_rows(c);
}

void
am_verb_report(struct view *v)
{
	struct call *c = new_call(v);
	struct am_str by = option(v, "--by");
	const struct am_figures_user user = {
		.ready = ready,
		.done = on_figures,
		.arg = c,
	};

	if (!read_span(c, true))
		return;
	if (by.n != 0 && am_report_by_parse(by, &c->o.by) != 0) {
		(void)usage(
		    v, "--by", by, "give owner, team, tier, loop or category");
		return;
	}
	c->conf = am_conf_ref(v->engine->conf); /* its zone is in use */
	c->walk = am_figures_start(v->engine, &c->o, &user);
}

/* ---- export ---- */

/* By its receipt; what is closed, by its closing. */
static bool
is_asked_for(void *arg, const struct am_complaint *k)
{
	const struct call *c = arg;
	am_ms at = c->closed ? k->closed_at : k->opened_at;

	if ((c->closed && k->status != AM_CLOSED) ||
	    (c->open && k->status == AM_CLOSED))
		return false;
	return at >= c->o.from && at < c->o.to;
}

static void
export_line(struct call *c, const struct am_casefile *f)
{
	struct view *v = c->v;
	struct am_buf line;

	am_buf_reset(&v->line);
	if (!c->csv) {
		am_casefile_json(f, c->o.zone, &v->line);
	} else {
		am_buf_init(&line);
		am_casefile_csv(f, c->o.zone, &line);
		am_buf_adds(&v->line, "{\"csv\":");
		am_buf_addjson(&v->line, am_buf_str(&line));
		am_buf_addc(&v->line, '}');
		am_buf_fini(&line);
	}
	am_ctl_line(v->call, am_buf_str(&v->line));
}

static void
export_each(void *arg, const struct am_casefile *f)
{
	export_line(arg, f);
}

static void
export_done(void *arg, size_t unreachable, int rc)
{
	struct call *c = arg;
	const struct am_casewalk_count n = *am_casewalk_count(c->walk);

	am_casewalk_free(c->walk);
	if (unreachable != 0)
		end_failed(c->v, rc);
	else
		end_well(c->v, n.parked, n.unread);
}

static bool
read_export(struct call *c)
{
	const struct view *v = c->v;
	struct am_str format = option(v, "--format");

	c->closed = option(v, "--closed").p != NULL;
	c->open = option(v, "--open").p != NULL;
	c->csv = am_str_is(format, "csv");
	if (format.n != 0 && !c->csv && !am_str_is(format, "json"))
		return usage(v, "--format", format, "give csv or json");
	if (c->closed && c->open) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--closed and --open: give one of them, or none for both");
		return false;
	}
	return read_span(c, false);
}

void
am_verb_export(struct view *v)
{
	struct call *c = new_call(v);
	const struct am_casewalk_user user = {
		.wants = is_asked_for,
		.each = export_each,
		.ready = ready,
		.done = export_done,
		.arg = c,
	};

	if (!read_export(c))
		return;
	if (c->csv)
		export_line(c, NULL);
	c->walk = am_casewalk_start(v->engine, &user);
}
