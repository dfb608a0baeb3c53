/* form - one pass over the text, one allocation for the fields. */

#include "intake/form.h"

#include <string.h>

#include "base/str.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
decode(struct am_str text, bool plus, struct am_arena *a, struct am_str *out)
{
	char *to;
	size_t n = 0;

	if (text.n == 0 || (memchr(text.p, '%', text.n) == NULL &&
			       (!plus || memchr(text.p, '+', text.n) == NULL)))
		*out = text;
	else {
		to = am_arena_alloc(a, text.n);
		for (size_t i = 0; i < text.n; i++) {
			char c = text.p[i];

			if (c == '+' && plus) {
				c = ' ';
			} else if (c == '%' && text.n - i > 2 &&
				   hex(text.p[i + 1]) >= 0 &&
				   hex(text.p[i + 2]) >= 0) {
				c = (char)(hex(text.p[i + 1]) << 4 |
					   hex(text.p[i + 2]));
				i += 2;
			}
			to[n++] = c;
		}
		*out = (struct am_str){ to, n };
	}
	return out->n > 0 && memchr(out->p, '\0', out->n) != NULL ? -AM_EINVAL
								  : 0;
}

int
am_path_decode(struct am_str text, struct am_arena *a, struct am_str *out)
{
	struct am_str s;
	int rc = decode(text, false, a, &s);

	if (rc == 0)
		*out = s;
	return rc;
}

static int
read_field(struct am_str field, struct am_arena *a, struct am_pair *pair)
{
	const char *eq = memchr(field.p, '=', field.n);
	struct am_str key = field, value = { field.p, 0 };
	int rc;

	if (eq != NULL) {
		key.n = (size_t)(eq - field.p);
		value = (struct am_str){ eq + 1, field.n - key.n - 1 };
	}
	rc = decode(key, true, a, &pair->key);
	return rc != 0 ? rc : decode(value, true, a, &pair->value);
}

int
am_form_parse(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n)
{
	const char *p = text.p, *end = text.n > 0 ? text.p + text.n : text.p;
	struct am_pair *v;
	size_t fields = 1, used = 0;

	for (size_t i = 0; i < text.n; i++)
		fields += text.p[i] == '&';
	if (fields > AM_FORM_FIELDS_MAX)
		return -AM_ETOOBIG;
	v = am_arena_alloc(a, fields * sizeof(*v));
	while (p < end) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		const char *to = amp != NULL ? amp : end;

		if (to > p) {
			int rc =
			    read_field((struct am_str){ p, (size_t)(to - p) },
				a, &v[used]);

			if (rc != 0)
				return rc;
			used++;
		}
		p = amp != NULL ? amp + 1 : end;
	}
	*pairs = v;
	*n = used;
	return 0;
}

struct am_str
am_form_get(const struct am_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (am_str_is(pairs[i].key, name))
			return pairs[i].value;
	return (struct am_str){ NULL, 0 };
}
