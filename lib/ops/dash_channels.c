/*
 * dash_channels - endpoints as they stand, and what was given up or rejected,
 * by cause: one line for a cause, however many letters it made.
 */

#include "ops/dash_html.h"

#include <stdio.h>
#include <string.h>

/* The first that holds says it. */
struct am_dash_health
am_dash_health_of(const struct am_sample *s, const struct am_sample_endpoint *e)
{
	if (e->disabled)
		return (struct am_dash_health){ "off", "switched off", true };
	if (strcmp(e->breaker, "open") == 0)
		return (struct am_dash_health){ "stop",
			"stopped after failures", true };
	if (strcmp(e->breaker, "half-open") == 0)
		return (struct am_dash_health){ "try", "trying again", true };
	if (e->failing_since > 0)
		return (struct am_dash_health){ "stop", "failing", true };
	if (!e->known)
		return (struct am_dash_health){ "off",
			"not in the configuration", e->waiting > 0 };
	if (e->paused_until > s->at)
		return (
		    struct am_dash_health){ "try", "asked us to wait", false };
	if (am_dash_late(e) > 0)
		return (struct am_dash_health){ "try", "behind", true };
	if (e->last_ok == 0 && e->ok == 0)
		return (struct am_dash_health){ "idle", "not used yet", false };
	return (struct am_dash_health){ "ok", "gets through", false };
}

/* Since when, until when, why. */
static void
about(const struct am_html *h, const struct am_sample_endpoint *e)
{
	am_ms since = e->disabled ? e->disabled_at : e->failing_since;

	am_h(h, "<span class=\"sub\">");
	if (since > 0) {
		am_h_say(h, "for ", NULL);
		am_h_far(h, since);
		am_h(h, e->disabled || e->open_until > h->s->at ? " \xc2\xb7 "
								: "");
	}
	if (!e->disabled && e->open_until > h->s->at &&
	    strcmp(e->breaker, "closed") != 0) {
		am_h_say(h, "next try ", NULL);
		am_h_when(h, e->open_until);
	} else if (e->disabled) {
		am_h_word(h, e->disabled_reason);
		if (e->disabled_by[0] != '\0' &&
		    strcmp(e->disabled_by, "amends") != 0) {
			am_h(h, " ");
			am_h_say(h, "by {}", e->disabled_by, NULL);
		}
	}
	am_h(h, "</span>");
}

static void
last(const struct am_html *h, am_ms at, const char *why)
{
	if (at == 0) {
		am_h(h, "<td class=\"side\">\xe2\x80\x93</td>");
		return;
	}
	am_h(h, "<td class=\"side\">");
	am_h_when(h, at);
	if (why != NULL && why[0] != '\0') {
		am_h(h, "<span class=\"sub\">");
		am_h_word(h, why);
		am_h(h, "</span>");
	}
	am_h(h, "</td>");
}

static void
endpoint(const struct am_html *h, const struct am_sample_endpoint *e)
{
	struct am_dash_health st = am_dash_health_of(h->s, e);
	int64_t late = am_dash_late(e);

	am_h(h, "<tr data-key=\"");
	am_h_c(h, e->name);
	am_h(h, "\"><th scope=\"row\"><bdi>");
	am_h_c(h, e->name);
	am_h(h, "</bdi><span class=\"sub\">");
	am_h_word(h, e->type);
	if (e->host[0] != '\0') {
		am_h(h, "<span class=\"host\"> \xc2\xb7 ");
		am_h_c(h, e->host);
		am_h(h, "</span>");
	}
	am_buf_addf(
	    h->b, "</span></th><td class=\"%s\">", st.bad ? "bad" : "good");
	am_h_sign(h, st.sign);
	am_h_say(h, st.say, NULL);
	about(h, e);
	am_h(h, "</td><td class=\"side\">");
	am_h_c(h, am_h_t(h, e->breaker));
	am_h(h, "</td><td class=\"num\">");
	am_h_n(h, e->waiting);
	am_buf_addf(
	    h->b, "</td><td class=\"num%s\">", late > 0 ? " bad" : " zero");
	am_h_n(h, late);
	if (late > 0 && e->oldest_due > 0) {
		am_h(h, "<span class=\"sub\">");
		am_h_far(h, e->oldest_due);
		am_h(h, "</span>");
	}
	am_h(h, "</td><td class=\"num side\">");
	am_h_n(h, e->in_flight);
	am_h(h, "</td>");
	last(h, e->last_ok, NULL);
	last(h, e->last_failed, e->last_reason);
	am_h(h, "</tr>\n");
}

struct column {
	const char *name; /* "#…": of numbers */
	bool side;	  /* left out where it is narrow */
};

static void
columns(const struct am_html *h, const char *caption, const struct column *v,
    size_t n)
{
	am_h(h, "<table><caption>");
	am_h_say(h, caption, NULL);
	am_h(h, "</caption><thead><tr>");
	for (size_t i = 0; i < n; i++) {
		bool number = v[i].name[0] == '#';

		am_buf_addf(h->b, "<th scope=\"col\" class=\"%s%s\">",
		    number ? "num " : "", v[i].side ? "side" : "");
		am_h_say(h, v[i].name + number, NULL);
		am_h(h, "</th>");
	}
	am_h(h, "</tr></thead><tbody>\n");
}

static void
none(const struct am_html *h, const char *text)
{
	am_h(h, "<p class=\"none\">");
	am_h_say(h, text, NULL);
	am_h(h, "</p>\n");
}

void
am_dash_endpoints(const struct am_html *h)
{
	static const struct column v[] = { { "Channel", false },
		{ "State", false }, { "Breaker", true }, { "#Waiting", false },
		{ "#Held up", false }, { "#On the wire", true },
		{ "Last success", true }, { "Last failure", true } };

	if (h->s->endpoints_n == 0) {
		none(h, "No channel is configured.");
		return;
	}
	am_h(h, "<div class=\"card\">\n");
	columns(h, "Channels by which follow-ups go", v, AM_COUNT(v));
	for (size_t i = 0; i < h->s->endpoints_n; i++)
		endpoint(h, &h->s->endpoints[i]);
	am_h(h, "</tbody></table>\n</div>\n");
}

/* ---- given up, rejected ---- */

static void
hint(const struct am_html *h, const char *text, const char *command)
{
	am_h(h, "<p class=\"remark\">");
	am_h_say(h, text, NULL);
	am_h(h, " <code>");
	am_h_c(h, command);
	am_h(h, "</code></p>\n");
}

static void
newest(const struct am_html *h, am_ms at)
{
	am_h(h, "<td>");
	if (at > 0)
		am_h_when(h, at);
}

static void
dead(const struct am_html *h)
{
	static const struct column v[] = { { "Cause", false },
		{ "Channel", false }, { "#Count", false },
		{ "Newest", false } };
	const struct am_sample *s = h->s;

	if (s->dead_groups_n == 0) {
		am_h(h, "<h3>");
		am_h_say(h, "Follow-ups given up", NULL);
		am_h(h, "</h3>");
		none(h, s->dead_n < 0 ? "not known" : "None is given up.");
		return;
	}
	columns(h, "Follow-ups given up", v, AM_COUNT(v));
	for (size_t i = 0; i < s->dead_groups_n; i++) {
		const struct am_sample_dead *g = &s->dead[i];

		am_h(h, "<tr><th scope=\"row\">");
		am_h_word(h, g->reason);
		am_h(h, "</th><td><bdi>");
		am_h_c(h, g->endpoint);
		am_h(h, "</bdi></td><td class=\"num\">");
		am_h_n(h, g->n);
		am_h(h, "</td>");
		newest(h, g->newest_at);
		if (g->newest_complaint[0] != '\0') {
			am_h(h, "<span class=\"sub\">");
			am_h_case(h, g->newest_complaint);
			am_h(h, "</span>");
		}
		am_h(h, "</td></tr>\n");
	}
	am_h(h, "</tbody></table>\n");
	hint(h, "To look and to send again:", "amendsctl dead list");
}

static void
rejects(const struct am_html *h)
{
	static const struct column v[] = { { "Cause", false },
		{ "Field", true }, { "#Count", false }, { "Newest", false } };
	const struct am_sample *s = h->s;

	if (s->rejects_groups_n == 0) {
		am_h(h, "<h3>");
		am_h_say(h, "Events rejected", NULL);
		am_h(h, "</h3>");
		none(h, s->rejects_n < 0 ? "not known" : "None is rejected.");
		return;
	}
	columns(h, "Events rejected", v, AM_COUNT(v));
	for (size_t i = 0; i < s->rejects_groups_n; i++) {
		const struct am_sample_reject *g = &s->rejects[i];

		am_h(h, "<tr><th scope=\"row\">");
		am_h_word(h, g->code);
		am_h(h, "<span class=\"sub\" lang=\"en\">");
		am_h_c(h, g->text);
		am_h(h, "</span></th><td class=\"side\">");
		am_h_c(h, g->field);
		am_h(h, "</td><td class=\"num\">");
		am_h_n(h, g->n);
		am_h(h, "</td>");
		newest(h, g->newest_at);
		am_h(h, "</td></tr>\n");
	}
	am_h(h, "</tbody></table>\n");
	hint(h, "To look and to take in again:", "amendsctl rejects list");
}

/* The groups are of the newest letters only. */
static void
of_newest(const struct am_html *h)
{
	char n[24];

	if (h->s->dead_n <= AM_SAMPLE_LETTERS &&
	    h->s->rejects_n <= AM_SAMPLE_LETTERS)
		return;
	snprintf(n, sizeof(n), "%d", AM_SAMPLE_LETTERS);
	am_h(h, "<p class=\"remark\">");
	am_h_say(h, "Grouped are the newest {} of each.", n, NULL);
	am_h(h, "</p>\n");
}

void
am_dash_letters(const struct am_html *h)
{
	am_h(h, "<div class=\"cards two\">\n<div class=\"card\">\n");
	dead(h);
	am_h(h, "</div>\n<div class=\"card\">\n");
	rejects(h);
	am_h(h, "</div>\n</div>\n");
	of_newest(h);
}
