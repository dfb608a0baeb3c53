#pragma once

/*
 * dash_html - markup of the dashboard (layer: ops).
 *
 * What is written by am_h() is ours; everything else is escaped, for text and
 * for attributes in double quotes alike.
 */

#include "ops/census.h"
#include "ops/dash.h"

struct am_html {
	struct am_buf *b;
	const struct am_dash *d;
	const struct am_sample *s;
};

void am_h(const struct am_html *h, const char *markup);
/* Text from anywhere. Bytes that are no UTF-8, control characters and marks
 * that turn text around become U+FFFD. */
void am_h_text(const struct am_html *h, struct am_str s);
void am_h_c(const struct am_html *h, const char *s);
/* A text of ours, in the table. "{}" of it are filled in by the rest, in order,
 * which ends with NULL. */
void am_h_say(const struct am_html *h, const char *en, ...)
    __attribute__((sentinel));
const char *am_h_t(const struct am_html *h, const char *en);
void am_h_n(const struct am_html *h, int64_t n); /* below 0: "–" */
/* A closed word in the reader's language, or a name as it is. */
void am_h_word(const struct am_html *h, const char *word);
/* The same, for am_h_say(). */
const char *
am_h_spoken(const struct am_html *h, const char *word, char out[128]);
void am_h_word_str(const struct am_html *h, struct am_str word);
/* `<span class="i …">` with a sign of the sprite: "lapsed" "soon" "ok" … */
void am_h_sign(const struct am_html *h, const char *sign);

/* "/?lang=zh" or "/", escaped; id: "/?lang=zh&id=C-1" */
void am_h_href(const struct am_html *h, struct am_str id);
/* A link to the complaint's own page. */
void am_h_case(const struct am_html *h, const char *id);

/* "2d 4h", "<1m"; what is below 0 counts as 0. */
const char *am_h_span(const struct am_html *h, char out[48], am_ms span);
/* <time> "in 12m", "3h ago", with the instant for whoever points at it. */
void am_h_when(const struct am_html *h, am_ms at);
/* <time> "12m", the distance from the sample's instant alone */
void am_h_far(const struct am_html *h, am_ms at);
/* <time> "2026-11-22 14:03" */
void am_h_at(const struct am_html *h, am_ms at);
/* "2026-11-22 14:03", "14:03:22" as text */
void am_dash_local(const struct am_dash *d, char out[32], am_ms at);
void am_dash_clock(const struct am_dash *d, char out[32], am_ms at);

/* The census; NULL: there is none, or no stream has answered it. */
const struct am_census *am_dash_census(const struct am_sample *s);
/* Instead of a figure of it: being counted, or not to be known now. */
void am_h_uncounted(const struct am_html *h);

/* Rows of a part that are shown at once; the rest stands in <details>. */
#define AM_DASH_ROWS 8

/* The parts; each writes what stands in its section. */
void am_dash_banner(const struct am_html *h);
void am_dash_now(const struct am_html *h);
void am_dash_board(const struct am_html *h);
void am_dash_endpoints(const struct am_html *h);
void am_dash_letters(const struct am_html *h);
void am_dash_days(const struct am_html *h);
/* A complaint's own page, between head and foot. */
void am_dash_file(const struct am_html *h, const struct am_dash_case *c);

/* How an endpoint stands: a sign and what it says. */
struct am_dash_health {
	const char *sign; /* "ok" "idle" "try" "stop" "off" */
	const char *say;  /* in the table of texts, without "{}" */
	bool bad;
};
struct am_dash_health am_dash_health_of(
    const struct am_sample *s, const struct am_sample_endpoint *e);
int64_t am_dash_late(const struct am_sample_endpoint *e); /* of what waits */
