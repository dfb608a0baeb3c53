/*
 * dash_banner - what is wrong, and what to do about it, worst first. Nothing
 * here is news to the log or to the metrics; it is said where people look.
 */

#include "ops/dash_html.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define CLOCK_DIFF_MAX (2 * AM_SECOND)
#define MEMORY_PCT 85 /* where intake stops */

struct banner {
	const struct am_html *h;
	size_t n;    /* items so far */
	bool strong; /* in what is wrong */
};

/* Opens an item; the caller says what is wrong. */
static void
item(struct banner *w, bool bad)
{
	const struct am_html *h = w->h;

	if (w->n++ == 0)
		am_h(h, "<ul class=\"alerts\">\n");
	am_buf_addf(h->b, "<li class=\"alert %s\">", bad ? "a-bad" : "a-note");
	am_h_sign(h, bad ? "stop" : "note");
	am_h(h, "<div><p><strong>");
	w->strong = true;
}

/* Behind what is wrong: more of it, then what to do. */
static void
detail(struct banner *w)
{
	am_h(w->h, w->strong ? "</strong> " : "");
	w->strong = false;
}

static void
todo(struct banner *w)
{
	detail(w);
	am_h(w->h, "</p><p class=\"do\">");
}

static void
done(struct banner *w)
{
	detail(w);
	am_h(w->h, "</p></div></li>\n");
}

/* `amendsctl …` */
static void
command(struct banner *w, const char *words, const char *name)
{
	am_h(w->h, " <code>amendsctl ");
	am_h(w->h, words);
	if (name != NULL) {
		am_h(w->h, " ");
		am_h_c(w->h, name);
	}
	am_h(w->h, "</code>");
}

static void
redis_away(struct banner *w)
{
	const struct am_html *h = w->h;
	const struct am_sample *s = h->s;
	char at[32];

	item(w, true);
	am_h_say(h, "Redis does not answer.", NULL);
	detail(w);
	if (s->redis.why[0] != '\0') {
		am_h_c(h, s->redis.why);
		am_h(h, ". ");
	}
	if (s->asked_at > 0) {
		am_dash_local(h->d, at, s->asked_at);
		am_h_say(h, "The figures below are from {}.", at, NULL);
	} else {
		am_h_say(h, "There are no figures yet.", NULL);
	}
	todo(w);
	am_h_say(h,
	    "No deadline is lost: what falls due meanwhile fires when Redis "
	    "is back. See that Redis runs and can be reached.",
	    NULL);
	done(w);
}

static void
redis_facts(struct banner *w)
{
	const struct am_html *h = w->h;
	const struct am_sample_redis *r = &h->s->redis;
	char span[48], pct[24];

	if (r->clock_known && (r->clock_diff > CLOCK_DIFF_MAX ||
				  r->clock_diff < -CLOCK_DIFF_MAX)) {
		am_ms off = r->clock_diff < 0 ? -r->clock_diff : r->clock_diff;

		snprintf(
		    span, sizeof(span), "%lld", (long long)(off / AM_SECOND));
		item(w, true);
		am_h_say(h, "The clocks differ by {} s.", span, NULL);
		todo(w);
		am_h_say(h,
		    "This machine and the one of Redis must agree on the "
		    "time: see that both run a time service.",
		    NULL);
		done(w);
	}
	if (r->max_bytes > 0 &&
	    r->used_bytes / MEMORY_PCT >= r->max_bytes / 100) {
		snprintf(pct, sizeof(pct), "%d",
		    (int)(100 * (double)r->used_bytes / (double)r->max_bytes));
		item(w, true);
		am_h_say(h, "Redis has used {} % of its memory.", pct, NULL);
		todo(w);
		am_h_say(h,
		    "Raise maxmemory; near the end nothing new is taken in.",
		    NULL);
		done(w);
	}
	if (r->policy[0] != '\0' && strcmp(r->policy, "noeviction") != 0) {
		item(w, true);
		am_h_say(h, "Redis may drop complaints ({}).", r->policy, NULL);
		todo(w);
		am_h_say(h, "Set maxmemory-policy to noeviction.", NULL);
		done(w);
	}
	if (r->required[0] != '\0' && r->durability[0] != '\0' &&
	    strcmp(r->durability, r->required) < 0) {
		item(w, false);
		am_h_say(h,
		    "Redis keeps what it is told less safely ({}) than the "
		    "configuration asks for ({}).",
		    r->durability, r->required, NULL);
		todo(w);
		am_h_say(h, "See appendonly and appendfsync of Redis.", NULL);
		done(w);
	}
}

static bool
is_fine(const char *state)
{
	return strcmp(state, "running") == 0 || strcmp(state, "standby") == 0 ||
	       strcmp(state, "starting") == 0;
}

static void
shards(struct banner *w)
{
	const struct am_html *h = w->h;

	for (size_t i = 0; i < h->s->shards_n; i++) {
		const struct am_sample_shard *sh = &h->s->shards[i];

		if (is_fine(sh->state) ||
		    (!h->s->redis.up &&
			strcmp(sh->state, "degraded:redis") == 0))
			continue;
		item(w, strcmp(sh->state, "lagging") != 0);
		am_h_say(h, "Stream {}: {}.", sh->stream, am_h_t(h, sh->state),
		    NULL);
		detail(w);
		am_h_c(h, sh->why);
		todo(w);
		if (strcmp(sh->state, "lagging") == 0)
			am_h_say(h,
			    "More comes in than is worked off. What has "
			    "come is worked on in order.",
			    NULL);
		else
			am_h_say(h,
			    "What the state means and what to do stands in "
			    "docs/operations.md; to look:",
			    NULL);
		command(w, "shard list", NULL);
		done(w);
	}
}

static void
pauses(struct banner *w)
{
	const struct am_html *h = w->h;

	for (size_t i = 0; i < h->s->paused_n; i++) {
		const struct am_sample_pause *p = &h->s->paused[i];
		bool loop = strncmp(p->what, "loop:", 5) == 0;

		item(w, true);
		if (loop)
			am_h_say(
			    h, "The loop {} is paused.", p->what + 5, NULL);
		else if (strcmp(p->what, "intake") == 0)
			am_h_say(h, "Intake is paused.", NULL);
		else if (strcmp(p->what, "delivery") == 0)
			am_h_say(h, "Delivery of follow-ups is paused.", NULL);
		else
			am_h_say(h, "{} is paused.", p->what, NULL);
		detail(w);
		if (p->since > 0) {
			am_h_when(h, p->since);
			am_h(h, " ");
		}
		if (p->by[0] != '\0')
			am_h_say(h, "by {}", p->by, NULL);
		if (p->reason[0] != '\0') {
			am_h(h, ": ");
			am_h_c(h, p->reason);
		}
		todo(w);
		am_h_say(h, "To go on:", NULL);
		command(w, loop ? "resume loop" : "resume",
		    loop ? p->what + 5 : p->what);
		done(w);
	}
}

/* What is switched off; what only fails stands on the first screen anyway. */
static void
disabled(struct banner *w)
{
	const struct am_html *h = w->h;

	for (size_t i = 0; i < h->s->endpoints_n; i++) {
		const struct am_sample_endpoint *e = &h->s->endpoints[i];
		char n[24], why[128];

		if (!e->disabled)
			continue;
		item(w, e->waiting > 0);
		am_h_say(h, "Channel {} is switched off: {}.", e->name,
		    am_h_spoken(h, e->disabled_reason, why), NULL);
		detail(w);
		snprintf(n, sizeof(n), "%lld",
		    (long long)(e->waiting > 0 ? e->waiting : 0));
		am_h_say(h, "Follow-ups that wait for it: {}.", n, NULL);
		if (e->disabled_text[0] != '\0') {
			am_h(h, " ");
			am_h_c(h, e->disabled_text);
		}
		todo(w);
		am_h_say(h, "When it is mended:", NULL);
		command(w, "endpoints enable", e->name);
		done(w);
	}
}

static void
configuration(struct banner *w)
{
	const struct am_html *h = w->h;

	if (h->s->conf.ok)
		return;
	item(w, true);
	am_h_say(h, "The last reload was refused.", NULL);
	detail(w);
	am_h_c(h, h->s->conf.error);
	todo(w);
	am_h_say(h,
	    "The configuration before it stays in force. Mend it, then:", NULL);
	command(w, "reload", NULL);
	done(w);
}

static void
audit(struct banner *w)
{
	const struct am_html *h = w->h;
	const struct am_sample_audit *a = &h->s->audit;

	if (a->undone[0] != '\0' && h->s->redis.up) {
		item(w, false);
		am_h_say(h, "The self-audit could not be done.", NULL);
		detail(w);
		am_h_c(h, a->undone);
		done(w);
	}
	for (size_t i = 0; i < a->findings_n; i++) {
		const struct am_sample_finding *f = &a->findings[i];

		item(w, true);
		am_h_say(h, "Self-audit: {}.", am_h_t(h, f->what), NULL);
		if (f->of[0] != '\0') {
			am_h(h, " <bdi>");
			am_h_c(h, f->of);
			am_h(h, "</bdi>");
		}
		detail(w);
		am_h_c(h, f->text);
		if (f->since > 0) {
			am_h(h, " (");
			am_h_when(h, f->since);
			am_h(h, ")");
		}
		done(w);
	}
}

static void
set_aside(struct banner *w)
{
	const struct am_html *h = w->h;
	char n[24];

	if (h->s->parked_n <= 0)
		return;
	snprintf(n, sizeof(n), "%lld", (long long)h->s->parked_n);
	item(w, true);
	am_h_say(h, "Complaints set aside: {}.", n, NULL);
	detail(w);
	am_h_say(h,
	    "Their record or their loop cannot be used, and no deadline of "
	    "theirs fires.",
	    NULL);
	todo(w);
	am_h_say(h, "The log says which and why; to check one:", NULL);
	command(w, "verify ID", NULL);
	done(w);
}

static void
all_well(const struct am_html *h)
{
	const struct am_sample_audit *a = &h->s->audit;

	am_h(h, "<p class=\"well\">");
	am_h_sign(h, "ok");
	am_h(h, " ");
	am_h_say(h, "The service itself is well.", NULL);
	if (a->on && a->clean) {
		char clock[32];

		am_dash_local(h->d, clock, a->at);
		am_h(h, " ");
		am_h_say(h, "Self-audit clean at {}.", clock + 11, NULL);
	}
	am_h(h, "</p>\n");
}

void
am_dash_banner(const struct am_html *h)
{
	struct banner w = { h, 0, false };

	if (!h->s->redis.up) {
		redis_away(&w);
	} else {
		redis_facts(&w);
		if (!h->s->complete) {
			item(&w, false);
			am_h_say(h, "Not every stream answered in time.", NULL);
			detail(&w);
			am_h_say(
			    h, "Some figures are older than others.", NULL);
			done(&w);
		}
	}
	shards(&w);
	pauses(&w);
	disabled(&w);
	set_aside(&w);
	configuration(&w);
	audit(&w);
	if (w.n > 0)
		am_h(h, "</ul>\n");
	else
		all_well(h);
}
