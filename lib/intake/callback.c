/*
 * callback - bodies are flattened, then looked at by name.
 *
 * A form, a query and a JSON body become the same list of named texts, so that
 * one description serves a gateway that lets its customers choose between
 * them. What that gives up is the difference between true and "true", which no
 * gateway relies on.
 *
 * Nothing in here is an error to the gateway: a state that no rule knows, a
 * number that is none, an element without an id are answered OK and counted,
 * for a gateway that gets an error sends the same again for a day.
 */

#include "intake/callback.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"
#include "intake/form.h"

#define PARTS_MAX AM_ANSWER_PARTS_MAX /* of a pointer */
#define ID_MAX 128		      /* bytes of an event id, provider id */
#define TEXT_MAX 65536
#define AT_MAX 40
#define CODE_MAX 64
#define OPTING_MAX 16
#define PIECES_MAX 64
#define FIELDS_MAX 10

/* One receipt or reply: its values, by names of its own. */
struct element {
	const struct am_pair *v;
	size_t n;
};

/* ---- reading ---- */

static bool
has_word(struct am_str s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.p + i, word, n) == 0)
			return true;
	return false;
}

static bool
is_json(struct am_str content_type, struct am_str body)
{
	struct am_str s = am_str_trim(body);

	/* some send JSON and call it a form; no form begins like this */
	return s.n > 0 && (has_word(content_type, "json") || s.p[0] == '{' ||
			      s.p[0] == '[');
}

static int
say(char why[200], int rc, const char *text)
{
	strncpy(why, text, 199);
	why[199] = '\0';
	return rc;
}

int
am_callback_read(struct am_str content_type, struct am_str query,
    struct am_str body, struct am_arena *a, struct am_callback_params *params,
    char why[200])
{
	static const char *const forms[] = { "x-www-form-urlencoded",
		"text/plain" };
	struct am_callback_params p = { .json = is_json(content_type, body) };
	bool form = content_type.n == 0;
	int rc = am_form_parse(query, a, &p.query, &p.query_n);

	for (size_t i = 0; i < AM_COUNT(forms); i++)
		form |= has_word(content_type, forms[i]);
	if (rc != 0)
		return say(
		    why, rc, "the query has too many fields or a zero byte");
	if (am_str_prefix(body, "\xef\xbb\xbf")) /* some write one */
		body = (struct am_str){ body.p + 3, body.n - 3 };
	if (p.json)
		rc = am_json_flatten_list(
		    body, AM_CALLBACK_VALUES_MAX, a, &p.v, &p.n, why);
	else if (body.n == 0) {
		p.v = p.query;
		p.n = p.query_n;
	} else if (!form)
		rc = say(why, -AM_EUNSUPPORTED,
		    "the body is neither a form nor JSON; say which by "
		    "Content-Type");
	else if ((rc = am_form_parse(body, a, &p.v, &p.n)) != 0)
		say(why, rc, "the form has too many fields or a zero byte");
	if (rc == 0)
		*params = p;
	return rc;
}

void
am_callback_keys(const struct am_conf_endpoint *ep,
    enum am_provider_verify verify, struct am_verify_keys *keys)
{
	struct am_str password = ep->password.value;

	*keys = (struct am_verify_keys){ .n = 0 };
	if (password.n == 0 && ep->provider != NULL)
		password = ep->provider->password.value;
	if (ep->token.value.n > 0)
		keys->v[keys->n++] = ep->token.value;
	else if (verify == AM_VERIFY_TWILIO && password.n > 0)
		keys->v[keys->n++] = password;
	for (size_t i = 0; i < ep->values_n; i++)
		if (strcmp(ep->values[i].name, "signature") == 0 &&
		    am_verify_digest_parse(
			am_str_c(ep->values[i].text), &keys->digest) != 0)
			keys->n = 0; /* what is wanted cannot be had */
}

/* ---- names and pointers ---- */

/* "/a/0" as "a", "0" without their escapes; "/" as none. */
static size_t
split(struct am_arena *a, const char *pointer, const char *parts[PARTS_MAX])
{
	size_t n = 0;

	if (strcmp(pointer, "/") == 0)
		return 0;
	while (*pointer == '/' && n < PARTS_MAX) {
		size_t len = strcspn(++pointer, "/");
		char *part = am_arena_alloc(a, len + 1), *out = part;

		for (size_t i = 0; i < len; i++)
			if (pointer[i] == '~' && i + 1 < len)
				*out++ = pointer[++i] == '0' ? '~' : '/';
			else
				*out++ = pointer[i];
		*out = '\0';
		parts[n++] = part;
		pointer += len;
	}
	return n;
}

/* Bytes of name that one part takes at its front, 0: none. */
static size_t
take_part(struct am_str name, const char *part)
{
	size_t n = 0;

	if (name.n > 0 && name.p[0] == '[') {
		const char *end = memchr(name.p, ']', name.n);
		struct am_str index;

		if (end == NULL)
			return 0;
		n = (size_t)(end - name.p) + 1;
		index = (struct am_str){ name.p + 1, n - 2 };
		if (part == NULL || am_str_is(index, part))
			return n;
		n = 0;
	}
	if (part == NULL)
		while (n < name.n && name.p[n] != '.' && name.p[n] != '[')
			n++;
	else if (part[0] != '\0' && am_str_prefix(name, part))
		n = strlen(part);
	if (n < name.n && name.p[n] != '.' && name.p[n] != '[')
		return 0; /* "status" is not at the front of "statuses" */
	return n;
}

/* What is left of a name behind the parts; p NULL when it goes elsewhere. */
static struct am_str
behind(struct am_str name, const char *const *parts, size_t parts_n)
{
	for (size_t i = 0; i < parts_n; i++) {
		size_t n = take_part(name, parts[i]);

		if (n == 0)
			return (struct am_str){ NULL, 0 };
		name = (struct am_str){ name.p + n, name.n - n };
		if (name.n > 0 && name.p[0] == '.')
			name = (struct am_str){ name.p + 1, name.n - 1 };
	}
	return name;
}

/* p NULL: it is not there, or not a single value. */
static struct am_str
get(struct am_arena *a, const struct element *e, const char *pointer)
{
	const char *parts[PARTS_MAX];
	size_t n;

	if (pointer == NULL)
		return (struct am_str){ NULL, 0 };
	n = split(a, pointer, parts);
	for (size_t i = 0; n > 0 && i < e->n; i++) {
		struct am_str rest = behind(e->v[i].key, parts, n);

		if (rest.p != NULL && rest.n == 0)
			return e->v[i].value.p != NULL ? e->v[i].value
						       : AM_STR("");
	}
	return (struct am_str){ NULL, 0 };
}

/* ---- elements ---- */

/* "[12].rest" to 12 and "rest". */
static bool
take_index(struct am_str *name, struct am_str *index)
{
	size_t n;

	if (name->n == 0 || name->p[0] != '[')
		return false;
	n = take_part(*name, NULL);
	if (n == 0)
		return false;
	*index = (struct am_str){ name->p, n };
	*name = (struct am_str){ name->p + n, name->n - n };
	if (name->n > 0 && name->p[0] == '.')
		*name = (struct am_str){ name->p + 1, name->n - 1 };
	return true;
}

/*
 * The elements of the array at `items`; what is no array there is one element.
 * Values of one element stand together, for they do so in the body.
 */
static size_t
elements(struct am_arena *a, const struct am_callback_params *params,
    const char *items, struct element **out)
{
	const char *parts[PARTS_MAX];
	size_t parts_n =
	    items != NULL && params->json ? split(a, items, parts) : 0;
	bool beside = !params->json && params->v != params->query;
	size_t query_n = beside ? params->query_n : 0;
	struct am_pair *v =
	    am_arena_alloc(a, (params->n + query_n + 1) * sizeof(*v));
	struct element *e = am_arena_alloc(a, (params->n + 1) * sizeof(*e));
	struct am_str last = { NULL, 0 };
	size_t used = 0, n = 0;

	for (size_t i = 0; i < params->n; i++) {
		struct am_str index = { "", 0 };
		struct am_str name = behind(params->v[i].key, parts, parts_n);

		if (name.p == NULL)
			continue;
		if (params->json)
			take_index(&name, &index);
		if (n == 0 || !am_str_eq(index, last))
			e[n++] = (struct element){ &v[used], 0 };
		last = index;
		v[used++] = (struct am_pair){ name, params->v[i].value };
		e[n - 1].n++;
	}
	/* a form is one element, and behind it stands what the URL says */
	for (size_t i = 0; n > 0 && i < query_n; i++) {
		v[used++] = params->query[i];
		e[n - 1].n++;
	}
	*out = e;
	return n;
}

/* ---- rules ---- */

/* A JSON number, so that "007" and "0x7" are texts. */
static bool
is_number(struct am_str s, double *d)
{
	char text[64], *end;
	size_t i = s.n > 0 && s.p[0] == '-';

	if (s.n <= i || s.n >= sizeof(text) || s.p[i] < '0' || s.p[i] > '9' ||
	    (s.p[i] == '0' && i + 1 < s.n && s.p[i + 1] >= '0' &&
		s.p[i + 1] <= '9'))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (strspn(text, "-+.0123456789eE") != s.n)
		return false;
	*d = strtod(text, &end);
	return *end == '\0';
}

static bool
equals(const struct am_answer_value *v, struct am_str s)
{
	double d;

	switch (v->kind) {
	case AM_ANSWER_TRUE:
		return am_str_is(s, "true");
	case AM_ANSWER_FALSE:
		return am_str_is(s, "false");
	case AM_ANSWER_NULL:
		return false;
	case AM_ANSWER_TEXT:
		break;
	}
	return am_str_eq(v->text, s) ||
	       (v->numeric && is_number(s, &d) && d == v->number);
}

/* Does a value that is there fit? */
static bool
fits(const struct am_answer_rule *r, struct am_str value)
{
	bool is = false;

	if (r->op == AM_ANSWER_BEGINS)
		return r->values_n > 0 &&
		       am_str_prefix(value, r->values[0].text.p);
	for (size_t i = 0; i < r->values_n; i++)
		is |= equals(&r->values[i], value);
	return is == (r->op == AM_ANSWER_IS);
}

static bool
wants_null(const struct am_answer_rule *r)
{
	return r->op == AM_ANSWER_IS && r->values_n == 1 &&
	       r->values[0].kind == AM_ANSWER_NULL;
}

/* For any value that the pointer meets. */
static bool
holds(const struct am_answer_rule *r, const struct element *e)
{
	bool there = false;

	if (r->source != AM_ANSWER_JSON)
		return false;
	for (size_t i = 0; i < e->n; i++) {
		struct am_str rest = behind(e->v[i].key, r->parts, r->parts_n);

		if (rest.p == NULL)
			continue;
		there = true;
		if (rest.n == 0 && r->op != AM_ANSWER_EXISTS &&
		    r->op != AM_ANSWER_ABSENT && fits(r, e->v[i].value))
			return true;
	}
	if (r->op == AM_ANSWER_EXISTS)
		return there;
	return (r->op == AM_ANSWER_ABSENT || wants_null(r)) && !there;
}

static bool
any_holds(const struct am_answer_rule_list *list, const struct element *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (holds(&list->v[i], e))
			return true;
	return false;
}

static const char *
state_of(const struct am_provider_callback *c, const struct element *e)
{
	if (any_holds(&c->read, e))
		return "read";
	if (any_holds(&c->delivered, e))
		return "delivered";
	if (any_holds(&c->failed, e))
		return "failed";
	return any_holds(&c->accepted, e) ? "accepted" : NULL;
}

/* ---- values fit for an event ---- */

/* Ids are compared and become parts of keys: as they are, or not at all. */
static struct am_str
as_id(struct am_str s)
{
	if (s.n == 0 || s.n > ID_MAX || !am_utf8_ok(s))
		return (struct am_str){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return (struct am_str){ NULL, 0 };
	return s;
}

/* UTF-8 with U+FFFD for what is none, cut at a character. */
static struct am_str
as_text(struct am_arena *a, struct am_str s, size_t max)
{
	struct am_buf b;

	am_buf_arena(&b, a, s.n + 3);
	for (size_t i = 0; i < s.n;) {
		size_t n = s.p[i] != '\0' ? am_utf8_char(s.p + i, s.n - i) : 0;

		if (b.n + (n != 0 ? n : 3) > max)
			break;
		if (n != 0)
			am_buf_add(&b, s.p + i, n);
		else
			am_buf_adds(&b, "\xef\xbf\xbd");
		i += n != 0 ? n : 1;
	}
	return am_buf_str(&b);
}

/* Nowhere has a number of one's own country so many digits and its code. */
static bool
has_country(const char *digits, const char *country)
{
	size_t n = strlen(country);

	return strncmp(digits, country, n) == 0 && strlen(digits) >= n + 10;
}

/* The digits, and whether a + says that they are all. */
static bool
digits_of(struct am_str s, char *digits, size_t room, bool *whole)
{
	size_t n = 0;

	*whole = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '+' && n == 0)
			*whole = true;
		else if (c >= '0' && c <= '9' && n + 1 < room)
			digits[n++] = c;
		else if (c == '\0' || strchr(" -.()", c) == NULL)
			return false;
	}
	digits[n] = '\0';
	return true;
}

/*
 * To E.164. A number with + or 00 has its country; else it has it already,
 * unless the provider says which one is missing.
 */
static struct am_str
as_phone(struct am_arena *a, struct am_str s, const char *country)
{
	const char *p;
	char digits[24];
	bool whole;

	if (!digits_of(s, digits, sizeof(digits), &whole))
		return (struct am_str){ NULL, 0 };
	p = digits;
	if (!whole && strncmp(p, "00", 2) == 0)
		p += 2;
	else if (!whole && country != NULL && !has_country(p, country))
		p = am_arena_printf(a, "%s%s", country, p + (p[0] == '0'));
	if (strlen(p) < 7 || strlen(p) > 15 || p[0] == '0')
		return (struct am_str){ NULL, 0 };
	return am_str_c(am_arena_printf(a, "+%s", p));
}

/* An id for what has none: of all that it says. */
static struct am_str
hash_of(struct am_arena *a, const struct element *e)
{
	struct am_sha256 h;
	struct am_buf b;
	uint8_t sum[32];

	am_sha256_init(&h);
	for (size_t i = 0; i < e->n; i++) {
		am_sha256_addl(&h, e->v[i].key);
		am_sha256_addl(&h, e->v[i].value);
	}
	am_sha256_end(&h, sum);
	am_buf_arena(&b, a, 40);
	am_buf_adds(&b, "sha256:");
	am_buf_addhex(&b, sum, 16);
	return am_buf_str(&b);
}

/* ---- entries ---- */

struct entry {
	struct am_pair *v;
	size_t n;
};

static void
put(struct entry *e, const char *key, struct am_str value)
{
	if (value.n > 0)
		e->v[e->n++] = (struct am_pair){ am_str_c(key), value };
}

void
am_callback_reply(struct am_arena *a, const char *endpoint, struct am_str id,
    struct am_str from, struct am_str text, const struct am_pair **fields,
    size_t *n)
{
	struct entry e = { am_arena_alloc(a, FIELDS_MAX * sizeof(*e.v)), 0 };

	put(&e, "event", AM_STR("customer.message"));
	put(&e, "source", am_str_c(endpoint));
	put(&e, "event_id", id);
	put(&e, "endpoint", am_str_c(endpoint));
	put(&e, "via", AM_STR("sms"));
	put(&e, "customer.phone", from);
	put(&e, "text", text);
	*fields = e.v;
	*n = e.n;
}

/* "ID:STATE", or a hash of it where an event id has not that much room. */
static struct am_str
receipt_id(struct am_arena *a, struct am_str id, const char *state)
{
	struct am_str s =
	    am_str_c(am_arena_printf(a, "%.*s:%s", AM_ARG(id), state));
	const struct am_pair pair = { s, { NULL, 0 } };

	return s.n <= ID_MAX ? s : hash_of(a, &(struct element){ &pair, 1 });
}

static bool
hear_receipt(const struct am_conf_endpoint *ep, const struct element *e,
    struct am_arena *a, struct am_callback_said *said)
{
	const struct am_provider_callback *c = &ep->provider->receipt;
	struct am_str provider_id = as_id(get(a, e, c->id));
	struct am_str ref = get(a, e, c->ref), at = get(a, e, c->at);
	const char *state = state_of(c, e);
	struct entry out = { am_arena_alloc(a, FIELDS_MAX * sizeof(*out.v)),
		0 };
	uint8_t id[16];

	if (ref.n == 0 || am_fu_id_parse(ref, id) != 0)
		ref.n = 0; /* somebody else's message, by the same account */
	if (state == NULL || (provider_id.n == 0 && ref.n == 0))
		return false;
	put(&out, "event", AM_STR("followup.receipt"));
	put(&out, "source", am_str_c(ep->name));
	put(&out, "event_id",
	    receipt_id(a, provider_id.n > 0 ? provider_id : ref, state));
	put(&out, "endpoint", am_str_c(ep->name));
	put(&out, "followup_id", ref);
	put(&out, "provider_id", provider_id);
	put(&out, "state", am_str_c(state));
	put(&out, "code", as_text(a, get(a, e, c->code), CODE_MAX));
	if (at.n <= AT_MAX)
		put(&out, "at", as_text(a, at, AT_MAX));
	*said = (struct am_callback_said){ .fields = out.v, .n = out.n };
	return true;
}

static struct am_callback_part
part_of(const struct am_provider_callback *c, const struct element *e,
    struct am_arena *a)
{
	struct am_callback_part p = { .ref = as_id(get(a, e, c->part_ref)) };
	uint64_t no, of;

	if (p.ref.n == 0 || am_str_u64(get(a, e, c->part), &no) != 0 ||
	    am_str_u64(get(a, e, c->parts), &of) != 0 || of < 2 ||
	    of > PIECES_MAX || no < 1 || no > of)
		return (struct am_callback_part){ .of = 0 };
	p.no = (unsigned)no;
	p.of = (unsigned)of;
	return p;
}

/* It blocks a number by its own reading, whatever the words are. */
static void
add_opting(struct am_callback_said *s, struct am_str type, struct am_arena *a)
{
	struct entry e = { am_arena_alloc(a, FIELDS_MAX * sizeof(*e.v)), s->n };

	memcpy(e.v, s->fields, s->n * sizeof(*e.v));
	put(&e, "opt_out_type", type);
	s->fields = e.v;
	s->n = e.n;
}

static bool
hear_reply(const struct am_conf_endpoint *ep, const struct element *e,
    struct am_arena *a, struct am_callback_said *said)
{
	const struct am_provider_callback *c = &ep->provider->inbound;
	struct am_callback_said s = {
		.from = as_phone(a, get(a, e, c->from), c->country),
		.text = as_text(a, get(a, e, c->text), TEXT_MAX),
		.id = as_id(get(a, e, c->id)),
		.part = part_of(c, e, a),
	};

	if (s.from.n == 0)
		return false; /* a short code, a name: nobody we know */
	if (s.id.n == 0)
		s.id = hash_of(a, e);
	am_callback_reply(a, ep->name, s.id, s.from, s.text, &s.fields, &s.n);
	if (c->opt_out != NULL)
		add_opting(
		    &s, as_text(a, get(a, e, c->opt_out), OPTING_MAX), a);
	*said = s;
	return true;
}

/* Receipts and replies may come to one path: a reply has a text. */
static bool
is_reply(const struct am_provider_callback *c, const struct element *e,
    struct am_arena *a)
{
	return c->in_use && get(a, e, c->from).p != NULL &&
	       get(a, e, c->text).p != NULL;
}

/* What one element says, of those kinds that are asked for. */
static void
hear(const struct am_conf_endpoint *ep, const struct element *e, bool receipts,
    bool replies, struct am_arena *a, struct am_callback_said *said,
    struct am_callback_heard *h)
{
	const struct am_conf_provider *p = ep->provider;

	if (is_reply(&p->inbound, e, a)) {
		if (!replies)
			return;
		h->kind = &p->inbound;
		if (hear_reply(ep, e, a, said)) {
			h->n++;
			h->replies++;
			return;
		}
	} else if (!receipts) {
		return;
	} else if (p->receipt.in_use && hear_receipt(ep, e, a, said)) {
		h->n++;
		h->receipts++;
		return;
	}
	h->silent++;
}

static bool
same_pointer(const char *a, const char *b)
{
	a = a != NULL ? a : "/";
	return strcmp(a, b != NULL ? b : "/") == 0;
}

void
am_callback_hear(const struct am_conf_endpoint *ep,
    const struct am_callback_params *params, struct am_arena *a,
    struct am_callback_heard *heard)
{
	const struct am_provider_callback *receipt = &ep->provider->receipt,
					  *inbound = &ep->provider->inbound;
	bool both = receipt->in_use && inbound->in_use;
	bool one = !both || same_pointer(receipt->items, inbound->items);
	struct am_callback_heard h = { .kind = receipt->in_use ? receipt
							       : inbound };
	struct element *e, *more = NULL;
	size_t n = elements(a, params, h.kind->items, &e), more_n = 0;
	struct am_callback_said *v;

	if (!one)
		more_n = elements(a, params, inbound->items, &more);
	v = am_arena_alloc(a, (n + more_n + 1) * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		hear(ep, &e[i], true, one, a, &v[h.n], &h);
	for (size_t i = 0; i < more_n; i++)
		hear(ep, &more[i], false, true, a, &v[h.n], &h);
	h.v = v;
	*heard = h;
}
