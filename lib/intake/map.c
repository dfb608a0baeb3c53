/*
 * map - names are compared with paths where they stand; nothing is built but
 * what an event has.
 */

#include "intake/map.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "intake/callback.h"
#include "intake/event.h"

/* ---- paths ---- */

/* One part of a path at the front of name: the bytes of name it takes; 0: it
 * is not there. */
static size_t
take_part(struct am_str name, struct am_str part)
{
	size_t n = part.n;

	if (name.n > 0 && name.p[0] == '[')
		return name.n >= n + 2 && name.p[n + 1] == ']' &&
			       memcmp(name.p + 1, part.p, n) == 0
			   ? n + 2
			   : 0;
	if (name.n < n || memcmp(name.p, part.p, n) != 0)
		return 0;
	return name.n == n || name.p[n] == '.' || name.p[n] == '[' ? n : 0;
}

/* Bytes of name that the whole path takes; 0: it does not lead here. */
static size_t
take_path(struct am_str name, const char *path)
{
	size_t at = 0;

	while (*path != '\0') {
		struct am_str part = { path, strcspn(path, ".") };
		size_t n;

		if (at > 0 && at < name.n && name.p[at] == '.')
			at++;
		n = take_part(
		    (struct am_str){ name.p + at, name.n - at }, part);
		if (n == 0)
			return 0;
		at += n;
		path += part.n;
		path += *path == '.';
	}
	return at;
}

struct am_str
am_map_get(const struct am_map_element *el, const char *path)
{
	for (size_t i = 0; i < el->n; i++) {
		struct am_str name = { el->v[i].key.p + el->skip,
			el->v[i].key.n - el->skip };

		if (name.n > 0 && name.p[0] == '.')
			name = (struct am_str){ name.p + 1, name.n - 1 };
		if (name.n > 0 && take_path(name, path) == name.n)
			return el->v[i].value;
	}
	return (struct am_str){ NULL, 0 };
}

/* ---- elements ---- */

/* "PATH[7]": the bytes up to and with the bracket, and the place. 0: none. */
static size_t
take_index(struct am_str name, const char *each, uint64_t *at)
{
	size_t n = take_path(name, each);
	const char *end;

	if ((n == 0 && each[0] != '\0') || n == name.n || name.p[n] != '[')
		return 0;
	end = memchr(name.p + n, ']', name.n - n);
	if (end == NULL || am_str_u64((struct am_str){ name.p + n + 1,
					  (size_t)(end - name.p) - n - 1 },
			       at) != 0)
		return 0;
	return (size_t)(end - name.p) + 1;
}

void
am_map_elements(const char *each, const struct am_pair *pairs, size_t n,
    struct am_arena *a, const struct am_map_element **elements,
    size_t *elements_n, size_t *empty)
{
	struct am_map_element *v = am_arena_alloc(a, (n + 1) * sizeof(*v));
	uint64_t last = UINT64_MAX, at, gap;
	size_t found = 0;

	*empty = 0;
	if (each == NULL)
		v[found++] = (struct am_map_element){ pairs, n, 0 };
	for (size_t i = 0; each != NULL && i < n; i++) {
		size_t skip = take_index(pairs[i].key, each, &at);

		if (skip == 0)
			continue;
		if (found > 0 && at == last) {
			v[found - 1].n++;
			continue;
		}
		gap = at - (last + 1);		   /* UINT64_MAX + 1 is 0 */
		if (gap <= AM_CALLBACK_VALUES_MAX) /* a name may look so, too */
			*empty += (size_t)gap;
		last = at;
		v[found++] = (struct am_map_element){ &pairs[i], 1, skip };
	}
	*elements = v;
	*elements_n = found;
}

/* ---- maps ---- */

const struct am_conf_map *
am_map_find(const struct am_conf_producer *p, const struct am_map_element *el,
    const struct am_map_element *whole)
{
	for (size_t i = 0; i < p->maps_n; i++) {
		const struct am_conf_map *m = &p->maps[i];
		bool all = true;

		for (size_t k = 0; all && k < m->when_n; k++) {
			const struct am_conf_when *w = &m->when[k];

			all = am_str_is(
			    am_map_get(w->whole ? whole : el, w->path),
			    w->value);
		}
		if (all)
			return m;
	}
	return NULL;
}

static void
add_id(struct am_buf *b, struct am_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
			    c == ':' || c == '-';

		am_buf_addc(b, keep ? c : '-');
	}
}

/* *missing: path of a hole that had nothing to be filled with, or NULL. */
static struct am_str
fill(const struct am_fill *f, const struct am_map_element *el,
    const struct am_map_element *whole, struct am_arena *a,
    const char **missing)
{
	struct am_buf b;

	am_buf_arena(&b, a, 64);
	for (size_t i = 0; i < f->n; i++) {
		const struct am_fill_part *part = &f->v[i];
		struct am_str s;

		am_buf_addstr(&b, part->literal);
		if (part->path == NULL)
			continue;
		s = am_map_get(part->whole ? whole : el, part->path);
		if (s.n == 0)
			*missing = part->path;
		if (part->enc == AM_FILL_ID)
			add_id(&b, s);
		else
			am_buf_addstr(&b, s);
	}
	return am_buf_str(&b);
}

/* A sender whose texts are too long cannot be told to write shorter ones. */
static struct am_str
cut(const struct am_event_spec *spec, const char *field, struct am_str s)
{
	size_t max = s.n;

	for (size_t i = 0; i < spec->fields_n; i++)
		if (strcmp(spec->fields[i].name, field) == 0 &&
		    spec->fields[i].one_of == NULL)
			max = spec->fields[i].max_bytes;
	if (s.n <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return (struct am_str){ s.p, max };
}

int
am_map_apply(const struct am_conf_map *map, const struct am_map_element *el,
    const struct am_map_element *whole, struct am_arena *a,
    const struct am_pair **fields, size_t *n, struct am_reject *why)
{
	const struct am_event_spec *spec = am_event_spec(map->event);
	struct am_pair *v = am_arena_alloc(a, (map->set_n + 1) * sizeof(*v));
	size_t got = 0;

	v[got++] = (struct am_pair){ AM_STR("event"), am_str_c(spec->name) };
	for (size_t i = 0; i < map->set_n; i++) {
		const struct am_conf_set *set = &map->set[i];
		const char *missing = NULL;
		struct am_str s = fill(set->text, el, whole, a, &missing);

		if (missing != NULL &&
		    (strcmp(set->field, "event_id") == 0 ||
			strcmp(set->field, "complaint_id") == 0))
			return am_reject_fill(why, "missing_field",
			    am_str_c(set->field),
			    "is made of %s by map %s, which is not there",
			    missing, map->name);
		s = cut(spec, set->field, s);
		if (s.n > 0)
			v[got++] = (struct am_pair){ am_str_c(set->field), s };
	}
	*fields = v;
	*n = got;
	return 0;
}
