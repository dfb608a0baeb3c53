/*
 * deliver: TLS. A certificate that is not right, an old protocol or a stalled
 * handshake means that nothing is sent, and why is said. Fault 51.
 */

#include "tests/unit/deliver_world.h"

#include <sys/mman.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* ---- certificates ---- */

struct cert {
	EVP_PKEY *key;
	X509 *x509;
};

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* ca NULL: signs itself. Valid from a day ago until `until` seconds from now.
 */
static struct cert
cert_new(const char *cn, const char *san, const struct cert *ca, long until)
{
	static long serial;
	struct cert c = { EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *name = X509_get_subject_name(c.x509);

	assert_non_null(c.key);
	X509_set_version(c.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c.x509), -86400);
	X509_gmtime_adj(X509_getm_notAfter(c.x509), until);
	X509_set_pubkey(c.x509, c.key);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(
	    c.x509, ca != NULL ? X509_get_subject_name(ca->x509) : name);
	if (san != NULL)
		add_ext(c.x509, ca != NULL ? ca->x509 : c.x509,
		    NID_subject_alt_name, san);
	else
		add_ext(
		    c.x509, c.x509, NID_basic_constraints, "critical,CA:TRUE");
	assert_true(
	    X509_sign(c.x509, ca != NULL ? ca->key : c.key, EVP_sha256()) > 0);
	return c;
}

static void
cert_free(struct cert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x509);
}

/* ---- a receiver that speaks TLS, one connection at a time ---- */

struct tls {
	SSL_CTX *ctx;
	struct evconnlistener *listener;
	unsigned port;
	bool stall; /* never says a word */
	SSL *ssl;
	struct event *ev;
	int fd;
	bool accepted;
	unsigned handshakes, requests;
	char sni[64];
};

static void
tls_close(struct tls *t)
{
	if (t->ev == NULL)
		return;
	event_free(t->ev);
	t->ev = NULL;
	SSL_free(t->ssl);
	close(t->fd);
}

static void
tls_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct tls *t = arg;
	const char *sni;
	char buf[8192];
	int n;

	(void)fd;
	(void)what;
	if (t->stall)
		return;
	if (!t->accepted) {
		n = SSL_accept(t->ssl);
		if (n != 1) {
			if (SSL_get_error(t->ssl, n) != SSL_ERROR_WANT_READ)
				tls_close(t);
			return;
		}
		t->accepted = true;
		t->handshakes++;
		sni = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
		snprintf(t->sni, sizeof(t->sni), "%s", sni ? sni : "");
	}
	n = SSL_read(t->ssl, buf, sizeof(buf));
	if (n > 0) {
		t->requests++;
		SSL_write(t->ssl, OK_ANSWER, sizeof(OK_ANSWER) - 1);
	} else if (SSL_get_error(t->ssl, n) != SSL_ERROR_WANT_READ) {
		tls_close(t);
	}
}

static void
tls_on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
    int sa_n, void *arg)
{
	struct tls *t = arg;

	(void)sa;
	(void)sa_n;
	tls_close(t);
	t->fd = fd;
	t->accepted = false;
	t->ssl = SSL_new(t->ctx);
	SSL_set_fd(t->ssl, fd);
	t->ev = event_new(evconnlistener_get_base(l), fd, EV_READ | EV_PERSIST,
	    tls_on_ready, t);
	event_add(t->ev, NULL);
}

static void
tls_start(struct world *w, struct tls *t, const struct cert *c)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	memset(t, 0, sizeof(*t));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(t->ctx, c->x509);
	SSL_CTX_use_PrivateKey(t->ctx, c->key);
	t->listener = evconnlistener_new_bind(w->base, tls_on_accept, t,
	    LEV_OPT_CLOSE_ON_FREE, 16, (struct sockaddr *)&in, sizeof(in));
	assert_non_null(t->listener);
	t->port = port_of(evconnlistener_get_fd(t->listener));
}

/* ---- fixture: a CA in a file, a receiver, an endpoint that trusts the CA ----
 */

struct fixture {
	struct world *w;
	struct tls tls;
	struct cert ca, other_ca, leaf;
	char ca_path[64];
	int ca_fd;
};

/* Handshakes are arithmetic: a busy machine must not make them time out. */
static void
patient(struct am_conf_endpoint *ep)
{
	ep->timeout = ep->connect_timeout = 5 * AM_SECOND;
}

static struct fixture *
fixture_new(const char *host, const char *san, bool by_other, long until)
{
	struct fixture *f = calloc(1, sizeof(*f));
	static const char hosts[] = "127.0.0.1 hooks.example\n";
	char path[64];
	BIO *pem = BIO_new(BIO_s_mem());
	char *text;
	long n;
	int fd = memfd_create("hosts", 0);

	f->w = world_new(1);
	f->ca = cert_new("amends test CA", NULL, NULL, 86400);
	f->other_ca = cert_new("another CA", NULL, NULL, 86400);
	f->leaf =
	    cert_new("receiver", san, by_other ? &f->other_ca : &f->ca, until);
	tls_start(f->w, &f->tls, &f->leaf);
	PEM_write_bio_X509(pem, f->ca.x509);
	n = BIO_get_mem_data(pem, &text);
	f->ca_fd = memfd_create("ca", 0);
	assert_int_equal(write(f->ca_fd, text, (size_t)n), n);
	BIO_free(pem);
	snprintf(f->ca_path, sizeof(f->ca_path), "/proc/self/fd/%d", f->ca_fd);
	assert_int_equal(
	    write(fd, hosts, sizeof(hosts) - 1), sizeof(hosts) - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(evdns_base_load_hosts(f->w->dns, path), 0);
	close(fd);
	world_endpoint(f->w, 0, "https", host, f->tls.port);
	f->w->ep[0].ca_file = f->ca_path;
	f->w->ep[0].allow_http = false;
	patient(&f->w->ep[0]);
	return f;
}

static void
fixture_free(struct fixture *f)
{
	tls_close(&f->tls);
	evconnlistener_free(f->tls.listener);
	SSL_CTX_free(f->tls.ctx);
	world_free(f->w);
	cert_free(&f->ca);
	cert_free(&f->other_ca);
	cert_free(&f->leaf);
	close(f->ca_fd);
	free(f);
}

static void
expect_tls_refused(struct fixture *f, const char *reason, const char *words)
{
	const struct am_send_result *r;

	world_configure(f->w);
	r = world_try(f->w);
	expect_result(r, AM_SEND_RETRY, 0, reason);
	if (strcasestr(r->detail, words) == NULL)
		fail_msg("%s: \"%s\" is not in it", r->detail, words);
	assert_int_equal(f->tls.requests, 0);
	fixture_free(f);
}

static void
test_tls_good_certificate_and_ca_file_then_delivered(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);

	(void)state;
	world_configure(f->w);
	expect_result(world_try(f->w), AM_SEND_OK, 200, "ok");
	expect_result(world_try(f->w), AM_SEND_OK, 200, "ok");
	assert_int_equal(f->tls.handshakes, 1); /* kept */
	assert_int_equal(f->tls.requests, 2);
	/* the name of the URL, though a number was dialled */
	assert_string_equal(f->tls.sni, "hooks.example");
	fixture_free(f);
}

static void
test_tls_good_certificate_for_a_number_then_delivered(void **state)
{
	struct fixture *f =
	    fixture_new("127.0.0.1", "IP:127.0.0.1", false, 86400);

	(void)state;
	world_configure(f->w);
	expect_result(world_try(f->w), AM_SEND_OK, 200, "ok");
	fixture_free(f);
}

static void
test_tls_unknown_ca_then_never_sent(void **state)
{
	(void)state;
	expect_tls_refused(
	    fixture_new("hooks.example", "DNS:hooks.example", true, 86400),
	    "tls", "unable to get local issuer");
}

static void
test_tls_system_ca_only_then_private_ca_refused(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);

	(void)state;
	f->w->ep[0].ca_file = NULL;
	expect_tls_refused(f, "tls", "certificate");
}

static void
test_tls_self_signed_then_never_sent(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);
	struct cert self =
	    cert_new("hooks.example", "DNS:hooks.example", NULL, 86400);

	(void)state;
	SSL_CTX_use_certificate(f->tls.ctx, self.x509);
	SSL_CTX_use_PrivateKey(f->tls.ctx, self.key);
	cert_free(&self);
	expect_tls_refused(f, "tls", "self");
}

static void
test_tls_wrong_name_then_never_sent(void **state)
{
	(void)state;
	expect_tls_refused(
	    fixture_new("hooks.example", "DNS:other.example", false, 86400),
	    "tls", "hooks.example");
}

static void
test_tls_expired_then_never_sent(void **state)
{
	(void)state;
	expect_tls_refused(
	    fixture_new("hooks.example", "DNS:hooks.example", false, -60),
	    "tls", "expired");
}

static void
test_tls_1_1_then_never_sent(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);

	(void)state;
	SSL_CTX_set_security_level(f->tls.ctx, 0);
	SSL_CTX_set_min_proto_version(f->tls.ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(f->tls.ctx, TLS1_1_VERSION);
	expect_tls_refused(f, "tls", "");
}

static void
test_tls_plain_http_behind_https_then_never_sent(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);

	(void)state;
	world_endpoint(f->w, 0, "https", "hooks.example", f->w->rx[0].port);
	f->w->ep[0].ca_file = f->ca_path;
	f->w->rx[0].script.answer = OK_ANSWER;
	f->w->rx[0].script.reset_after = true;
	world_configure(f->w);
	assert_int_equal(world_try(f->w)->class, AM_SEND_RETRY);
	assert_int_equal(f->w->rx[0].requests, 0);
	fixture_free(f);
}

static void
test_tls_handshake_stalls_then_retry_in_time(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);

	(void)state;
	f->tls.stall = true;
	f->w->ep[0].connect_timeout = 200;
	expect_tls_refused(f, "tls_timeout", "");
}

static void
test_tls_ca_file_missing_then_never_sent(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);

	(void)state;
	f->w->ep[0].ca_file = "/nonexistent/ca.pem";
	expect_tls_refused(f, "tls", "ca.pem");
}

/* Two lanes to one receiver that trust differently share no connection. */
static void
test_tls_kept_connection_then_not_for_a_lane_that_trusts_less(void **state)
{
	struct fixture *f =
	    fixture_new("hooks.example", "DNS:hooks.example", false, 86400);
	struct world *w = f->w;

	(void)state;
	w->endpoints_n = 2;
	world_endpoint(w, 1, "https", "hooks.example", f->tls.port);
	patient(&w->ep[1]);
	world_configure(w);
	expect_result(world_try(w), AM_SEND_OK, 200, "ok");
	world_send(w, "desk", "fu2");
	world_wait(w, 2);
	expect_result(&w->out[1].r, AM_SEND_RETRY, 0, "tls");
	assert_int_equal(f->tls.requests, 1);
	fixture_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_tls_good_certificate_and_ca_file_then_delivered),
		T(test_tls_good_certificate_for_a_number_then_delivered),
		T(test_tls_unknown_ca_then_never_sent),
		T(test_tls_system_ca_only_then_private_ca_refused),
		T(test_tls_self_signed_then_never_sent),
		T(test_tls_wrong_name_then_never_sent),
		T(test_tls_expired_then_never_sent),
		T(test_tls_1_1_then_never_sent),
		T(test_tls_plain_http_behind_https_then_never_sent),
		T(test_tls_handshake_stalls_then_retry_in_time),
		T(test_tls_ca_file_missing_then_never_sent),
		T(test_tls_kept_connection_then_not_for_a_lane_that_trusts_less),
	};

	return cmocka_run_group_tests_name("deliver_tls", tests, NULL, NULL);
}
