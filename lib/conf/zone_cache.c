/*
 * zone_cache - zones by the names that complaints carry.
 *
 * A customer's zone comes from outside, so names are bounded twice: what the
 * zone database has is read once each and kept with the configuration, and
 * what it has not is remembered in a table that never grows, where a newer name
 * takes the place of an older one. Reading all zones at the load was rejected:
 * a configuration uses a handful of some 600.
 */

#include "build.h"

#include <string.h>

#include "base/str.h"
#include "conf/zone.h"

#define NAME_BYTES 64
#define KNOWN_MAX 1024 /* a power of two above what a zone database has */
#define UNKNOWN_MAX 256

struct am_zones {
	struct am_arena *a; /* borrowed: of the configuration */
	am_ms until;
	const struct am_zone *known[KNOWN_MAX];
	size_t known_n;
	char unknown[UNKNOWN_MAX][NAME_BYTES];
};

struct am_zones *
am_zones_new(struct am_arena *a, am_ms until)
{
	struct am_zones *z = am_arena_zalloc(a, sizeof(*z));

	z->a = a;
	z->until = until;
	return z;
}

/*
 * One name a zone: no second way to write its path, no folder of copies. That
 * is what makes their number that of the database.
 */
static bool
name_ok(struct am_str name)
{
	return name.n > 0 && name.n < NAME_BYTES &&
	       memchr(name.p, '\0', name.n) == NULL &&
	       memmem(name.p, name.n, "//", 2) == NULL &&
	       !am_str_prefix(name, "posix/") && !am_str_prefix(name, "right/");
}

static uint32_t
hash(struct am_str name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (uint8_t)name.p[i]) * 16777619u;
	return h;
}

const struct am_zone *
am_zones_find(const void *zones, struct am_str name)
{
	/* what is found does not depend on what was asked for before */
	struct am_zones *z = (struct am_zones *)zones;
	const struct am_zone *zone;
	uint32_t at = hash(name);
	char *unknown = z->unknown[at % UNKNOWN_MAX];

	if (!name_ok(name))
		return NULL;
	for (at %= KNOWN_MAX; z->known[at] != NULL; at = (at + 1) % KNOWN_MAX) {
		if (am_str_is(name, z->known[at]->name))
			return z->known[at];
	}
	if (am_str_is(name, unknown))
		return NULL;
	memcpy(unknown, name.p, name.n);
	unknown[name.n] = '\0';
	if (z->known_n == KNOWN_MAX - 1 ||
	    am_zone_load(z->a, unknown, z->until, &zone) != 0)
		return NULL;
	unknown[0] = '\0';
	z->known[at] = zone;
	z->known_n++;
	return zone;
}
