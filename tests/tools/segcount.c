/*
 * segcount - counts the segments of texts from a script.
 *
 * One JSON string a line in, "ENCODING SEGMENTS UNITS" a line out.
 */

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "core/segments.h"

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		json_t *text = json_loadb(
		    line, (size_t)n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		struct am_segments s;

		if (!json_is_string(text)) {
			fprintf(stderr, "no JSON string: %s", line);
			return 2;
		}
		s = am_segments_count((struct am_str){
		    json_string_value(text), json_string_length(text) });
		printf("%s %zu %zu\n", am_segments_encoding(&s), s.segments,
		    s.units);
		json_decref(text);
	}
	free(line);
	return 0;
}
