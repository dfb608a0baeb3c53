/*
 * read_channel - what an endpoint that sends texts to people has beside what
 * every endpoint has: an account, values of its own, limits for one recipient,
 * callbacks.
 */

#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define TOKEN_BYTES_MIN 16

static void
read_secret(struct am_build *b, const struct am_node *n, const char *key,
    struct am_secret *secret)
{
	const struct am_entry *e = am_node_entry(n, key);

	if (e != NULL)
		(void)am_secret_read(b, n, key, &e->words[0], secret);
}

/* "NAME=TEXT"; what the name is for says the provider. */
static void
read_values(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "set", &w);
	struct am_conf_value *v =
	    am_arena_zalloc(b->a, (count + 1) * sizeof(*v));

	e->values = v;
	for (size_t i = 0; i < count; i++) {
		const char *eq = strchr(w[i].s, '=');

		if (eq == NULL || eq == w[i].s || eq[1] == '\0' ||
		    strpbrk(w[i].s, "\t\r\n") != NULL) {
			am_diag_add(b->d, n->file, w[i].line,
			    "set: '%.60s' is no value; write NAME=TEXT on one "
			    "line, such as \"region=cn-hangzhou\"",
			    w[i].s);
			continue;
		}
		v[e->values_n].name = am_arena_cstr(
		    b->a, (struct am_str){ w[i].s, (size_t)(eq - w[i].s) });
		v[e->values_n].text = eq + 1;
		for (size_t k = 0; k < e->values_n; k++) {
			if (strcmp(v[k].name, v[e->values_n].name) == 0)
				am_diag_add(b->d, n->file, w[i].line,
				    "set: '%.40s' is given twice; remove one",
				    v[k].name);
		}
		e->values_n++;
	}
}

static void
read_windows(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	const struct am_word *w;
	size_t count = am_node_list(b->a, n, "per_recipient", &w);
	int rc = 0;

	if (count > AM_COUNT(e->windows)) {
		am_fault(b, n, "per_recipient",
		    "per_recipient: %zu limits; at most %zu are taken", count,
		    AM_COUNT(e->windows));
		return;
	}
	for (size_t i = 0; i < count; i++)
		rc |=
		    am_rate_parse(w[i].s, &e->windows[i].n, &e->windows[i].per);
	AM_ASSERT(rc == 0);
	for (size_t i = 0; i < count; i++) {
		if (e->windows[i].n > AM_CONF_WINDOW_MAX)
			am_fault(b, n, "per_recipient",
			    "per_recipient: '%s' asks for more than is "
			    "remembered of one recipient; write at most %d",
			    w[i].s, AM_CONF_WINDOW_MAX);
	}
	e->windows_n = count;
}

/* "li@example.com" or "Li <li@example.com>" */
static bool
is_sender(struct am_build *b, const char *s)
{
	const char *open = strrchr(s, '<');
	size_t n = open != NULL ? strlen(open) : 0;

	if (open == NULL)
		return am_email_ok(s);
	return n > 2 && open[n - 1] == '>' && strpbrk(s, "\t\r\n") == NULL &&
	       am_email_ok(
		   am_arena_cstr(b->a, (struct am_str){ open + 1, n - 2 }));
}

static void
check_mail(struct am_build *b, const struct am_node *n,
    const struct am_conf_endpoint *e)
{
	if (e->from == NULL)
		am_fault(b, n, NULL,
		    "endpoint \"%s\" of type mail has no from; write such as "
		    "from = \"Complaints <complaints@example.com>\"",
		    n->title);
	else if (!is_sender(b, e->from))
		am_fault(b, n, "from",
		    "from: '%.60s' is no sender of mail; write ADDRESS or NAME "
		    "<ADDRESS>",
		    e->from);
	if ((e->user.ref == NULL) != (e->password.ref == NULL))
		am_fault(b, n, e->user.ref != NULL ? "user" : "password",
		    "endpoint \"%s\" logs in with half of it; give user and "
		    "password, or neither",
		    n->title);
}

/* ---- callbacks ---- */

static void
check_token(struct am_build *b, const struct am_node *n,
    const struct am_conf_endpoint *e)
{
	struct am_str t = e->callback_token.value;
	size_t i = 0;

	/* one that could not be read has its own diagnostic */
	if (am_node_entry(n, "callback_token") == NULL) {
		am_fault(b, n, "callback_url",
		    "callback_url: without a callback_token anybody could "
		    "call; write callback_token = \"file:PATH\", with the "
		    "output of openssl rand -hex 24");
		return;
	}
	while (i < t.n && (strchr("-_.~", t.p[i]) != NULL ||
			      (t.p[i] >= '0' && t.p[i] <= '9') ||
			      ((t.p[i] | 32) >= 'a' && (t.p[i] | 32) <= 'z')))
		i++;
	if (e->callback_token.ref != NULL && (i < t.n || t.n < TOKEN_BYTES_MIN))
		am_fault(b, n, "callback_token",
		    "callback_token: %s is no part of a path that nobody "
		    "guesses; put %d letters and digits or more there, as from "
		    "openssl rand -hex 24",
		    e->callback_token.ref, TOKEN_BYTES_MIN);
}

/* The address ends as the listener knows it; a proxy may put a path before. */
static void
check_callback(struct am_build *b, const struct am_node *n,
    const struct am_conf_endpoint *e)
{
	const char *want = am_arena_printf(b->a, "/v1/callback/%s", e->name);
	size_t have = strlen(e->callback_url), end = strlen(want);

	if (have < end || strcmp(e->callback_url + have - end, want) != 0)
		am_fault(b, n, "callback_url",
		    "callback_url: '%.80s' does not lead here; it must end in "
		    "%s",
		    e->callback_url, want);
	if (!e->allow_http && strncmp(e->callback_url, "http:", 5) == 0)
		am_fault(b, n, "callback_url",
		    "callback_url: http:// is not encrypted; use https://, or "
		    "say allow_http = true");
	if (am_node_child(b->root, "http", NULL) == NULL)
		am_fault(b, n, "callback_url",
		    "callback_url: nothing listens for it; add http { listen "
		    "= \"127.0.0.1:8480\" }");
	check_token(b, n, e);
}

static void
read_callback(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	static const char *const keys[] = { "callback_token", "callback_net" };
	const struct am_word *w;
	int rc = 0;

	e->callback_url = am_node_value(n, "callback_url");
	for (size_t i = 0; e->callback_url == NULL && i < AM_COUNT(keys); i++) {
		if (am_node_entry(n, keys[i]) != NULL)
			am_fault(b, n, keys[i],
			    "%s: there is no callback_url; write such as "
			    "callback_url = \"https://HOST/v1/callback/%s\"",
			    keys[i], e->name);
	}
	read_secret(b, n, "callback_token", &e->callback_token);
	e->callback_net_n = am_node_list(b->a, n, "callback_net", &w);
	for (size_t i = 0; i < e->callback_net_n; i++)
		rc |= am_cidr_parse(w[i].s, &e->callback_net[i]);
	AM_ASSERT(rc == 0);
	if (e->callback_url != NULL)
		check_callback(b, n, e);
}

void
am_read_channel(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e)
{
	e->account = am_node_value(n, "account");
	e->from = am_node_value(n, "from");
	read_secret(b, n, "user", &e->user);
	read_secret(b, n, "password", &e->password);
	read_secret(b, n, "token", &e->token);
	read_values(b, n, e);
	read_windows(b, n, e);
	if (am_node_value(n, "max_segments") != NULL)
		e->max_segments = (uint32_t)am_get_count(n, "max_segments");
	e->allow_plain = am_get_bool(n, "allow_plain");
	if (e->type == AM_ENDPOINT_MAIL) {
		check_mail(b, n, e);
		return;
	}
	read_callback(b, n, e);
	am_provider_use(b, n, e);
	if (e->max_segments > 0 && e->provider != NULL &&
	    e->provider->params != AM_PARAMS_NONE)
		am_fault(b, n, "max_segments",
		    "max_segments: provider %s sends its own template, how "
		    "long that is nobody knows here; remove it",
		    e->provider->name);
}
