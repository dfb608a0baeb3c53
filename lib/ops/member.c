/* member - see member.h. */

#include "ops/member.h"

#include "base/time.h"

#define INSTANT_MAX (8000 * 366 * AM_DAY) /* years of four digits */

struct am_str
am_json_str(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		return (struct am_str){ "", 0 };
	return (struct am_str){ json_string_value(v), json_string_length(v) };
}

int64_t
am_json_int(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_real(v) ? (int64_t)json_real_value(v)
			       : (int64_t)json_integer_value(v);
}

bool
am_json_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

bool
am_json_time(const json_t *o, const char *key, am_ms *at)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_string(v))
		return am_rfc3339_parse(am_json_str(o, key), at) == 0;
	if (!json_is_integer(v))
		return false;
	if (json_integer_value(v) < -INSTANT_MAX ||
	    json_integer_value(v) > INSTANT_MAX)
		return false;
	*at = json_integer_value(v);
	return true;
}
