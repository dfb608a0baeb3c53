/*
 * kind_mail - a follow-up by SMTP.
 *
 * Encrypted or not at all, unless the endpoint says allow_plain: with smtp://
 * the server has to offer STARTTLS, smtps:// is TLS from the first byte. A
 * message counts as handed over by the 250 behind its last line. What breaks
 * before that line was not taken; what breaks behind it may have been, and goes
 * again under the same Message-ID, by which mail servers and people drop a
 * repeat.
 *
 * 5xx is the end for this recipient, but where it is about us (the login, the
 * encryption): another try may find it mended, and the breaker keeps us from
 * knocking.
 */

#include "deliver/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"
#include "deliver/mail.h"

#define FIELDS_MAX 64

struct mail {
	struct am_buf text; /* the message */
	size_t at;	    /* handed to libcurl so far */
	bool ended;	    /* all of it, and its end was told */
	struct curl_slist rcpt;
	char from[AM_MAIL_ADDRESS_MAX + 1], to[AM_MAIL_ADDRESS_MAX + 1];
	char said[128]; /* last line of the server */
};

static size_t
on_read(char *p, size_t size, size_t n, void *arg)
{
	struct mail *m = arg;
	size_t left = m->text.n - m->at, room = size * n;
	size_t bytes = left < room ? left : room;

	if (bytes == 0)
		m->ended = true;
	else
		memcpy(p, m->text.p + m->at, bytes);
	m->at += bytes;
	return bytes;
}

static size_t
on_line(char *p, size_t size, size_t n, void *arg)
{
	struct mail *m = arg;
	struct am_str line = am_str_trim((struct am_str){ p, size * n });
	size_t keep =
	    line.n < sizeof(m->said) - 1 ? line.n : sizeof(m->said) - 1;

	for (size_t i = 0; i < keep; i++)
		m->said[i] =
		    line.p[i] >= 0x20 && line.p[i] < 0x7f ? line.p[i] : '?';
	m->said[keep] = '\0';
	return size * n;
}

/* libcurl says EHLO with the path of the URL; without one it would tell the
 * name of this machine. */
static void
set_url(struct am_sending *s)
{
	struct am_str from = AM_STR("");
	struct am_buf url;
	const char *at;
	int rc = am_mail_address(am_str_c(s->ep->from), &from);

	AM_ASSERT(rc == 0); /* conf passed it */
	at = memchr(from.p, '@', from.n);
	am_buf_init(&url);
	am_buf_addf(&url, "%s://%s%s%s:%u/%.*s", s->ep->scheme,
	    strchr(s->ep->host, ':') != NULL ? "[" : "", s->ep->host,
	    strchr(s->ep->host, ':') != NULL ? "]" : "", s->ep->port,
	    (int)(from.p + from.n - (at + 1)), at + 1);
	am_buf_addc(&url, '\0');
	curl_easy_setopt(s->job.easy, CURLOPT_URL, url.p);
	am_buf_fini(&url);
}

static void
setup(struct am_sending *s)
{
	const struct am_conf_endpoint *ep = s->ep;
	struct mail *m = calloc(1, sizeof(*m));
	CURL *e = s->job.easy;

	AM_ASSERT(m != NULL);
	am_buf_init(&m->text);
	m->rcpt.data = m->to;
	s->own = m;
	set_url(s);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(e, CURLOPT_USE_SSL,
	    (long)(ep->allow_plain ? CURLUSESSL_TRY : CURLUSESSL_ALL));
	/* libcurl knows kept connections by host and login, and not by whether
	 * STARTTLS was asked for, or whose certificate was believed */
	if (strncmp(ep->url, "smtps:", 6) != 0) {
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	}
	if (ep->user.ref != NULL)
		curl_easy_setopt(e, CURLOPT_USERNAME, ep->user.value.p);
	if (ep->password.ref != NULL)
		curl_easy_setopt(e, CURLOPT_PASSWORD, ep->password.value.p);
	curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_READDATA, m);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, m);
}

static struct am_str
field(const struct am_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (am_str_is(pairs[i].key, name))
			return pairs[i].value;
	}
	return AM_STR("");
}

/* The message out of the stored body. */
static int
format(struct am_sending *s, struct am_arena *a)
{
	struct mail *m = s->own;
	const struct am_pair *pairs;
	char what[200];
	size_t n;

	if (am_json_flatten(
		am_buf_str(&s->body), FIELDS_MAX, a, &pairs, &n, what) != 0)
		return -AM_EINVAL;
	am_buf_reset(&m->text);
	return am_mail_format(
	    &(struct am_mail){
		.from = am_str_c(s->ep->from),
		.to = am_buf_str(&s->to),
		.subject = field(pairs, n, "data.message.subject"),
		.text = field(pairs, n, "data.message.text"),
		.id = s->id,
		.fired_at = s->fired_at,
	    },
	    &m->text);
}

static int
prepare(struct am_sending *s, int64_t now_s)
{
	struct mail *m = s->own;
	struct am_str from, to;
	struct am_arena a;
	int rc;

	(void)now_s;
	m->at = 0;
	m->ended = false;
	m->said[0] = '\0';
	am_arena_init(&a, 4096);
	rc = format(s, &a);
	am_arena_fini(&a);
	if (rc != 0 || am_mail_address(am_str_c(s->ep->from), &from) != 0 ||
	    am_mail_address(am_buf_str(&s->to), &to) != 0) {
		am_sending_say(s, AM_SEND_PERMANENT, "bad_address",
		    "the recipient has no mail address of the form NAME@HOST");
		return -AM_EINVAL;
	}
	snprintf(m->from, sizeof(m->from), "%.*s", AM_ARG(from));
	snprintf(m->to, sizeof(m->to), "%.*s", AM_ARG(to));
	curl_easy_setopt(s->job.easy, CURLOPT_MAIL_FROM, m->from);
	curl_easy_setopt(s->job.easy, CURLOPT_MAIL_RCPT, &m->rcpt);
	curl_easy_setopt(
	    s->job.easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->text.n);
	return 0;
}

/* 5xx that speak of us and not of the recipient, RFC 4954 and 3207. */
static bool
is_about_us(int code, bool before_text)
{
	if (code ==
	    554) /* no service, no relay; behind the text: its verdict */
		return before_text;
	return code == 530 || code == 534 || code == 535 || code == 538 ||
	       code == 500 || code == 501 || code == 502 || code == 503 ||
	       code == 504;
}

static void
judge_broken(struct am_sending *s)
{
	const struct am_webhook_answer *a = &s->answer;
	const struct mail *m = s->own;
	const char *said =
	    a->error[0] != '\0' ? a->error : curl_easy_strerror(a->rc);

	s->result.status = 0; /* the last code was about something else */
	if (m->ended)
		am_sending_say(s, AM_SEND_UNCERTAIN,
		    a->rc == CURLE_OPERATION_TIMEDOUT ? "timeout" : "reset",
		    said);
	else if (a->rc == CURLE_PEER_FAILED_VERIFICATION ||
		 a->rc == CURLE_SSL_CONNECT_ERROR ||
		 a->rc == CURLE_USE_SSL_FAILED)
		am_sending_say(s, AM_SEND_RETRY, "tls", said);
	else if (a->rc == CURLE_OPERATION_TIMEDOUT)
		am_sending_say(s, AM_SEND_RETRY, "timeout", said);
	else
		am_sending_say(s, AM_SEND_RETRY, "connect", said);
}

static void
judge(struct am_sending *s, am_ms now)
{
	const struct am_webhook_answer *a = &s->answer;
	const struct mail *m = s->own;
	char reason[24];

	(void)now;
	s->result.status = a->status;
	s->result.excerpt = AM_STR("");
	snprintf(reason, sizeof(reason), "smtp_%d", a->status);
	if (a->rc == CURLE_OK)
		am_sending_say(s, AM_SEND_OK, "ok", "");
	else if (a->status >= 500 && !is_about_us(a->status, m->at == 0))
		am_sending_say(s, AM_SEND_PERMANENT, reason, m->said);
	else if (a->status >= 400)
		am_sending_say(s, AM_SEND_RETRY, reason, m->said);
	else
		judge_broken(s);
}

static void
fini(struct am_sending *s)
{
	struct mail *m = s->own;

	am_buf_fini(&m->text);
	free(m);
}

const struct am_kind am_kind_mail = { setup, prepare, judge, fini };
