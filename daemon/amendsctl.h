#pragma once

/*
 * amendsctl - the operators' client (layer: daemon).
 *
 * amendsctl.c reads the command line, amendsctl_conn.c asks the daemon,
 * amendsctl_print.c, amendsctl_show.c, amendsctl_why.c and amendsctl_plan.c say
 * the answer for people, with the tables of amendsctl_table.c and the words of
 * amendsctl_text.c. What needs no daemon stands in amendsctl_local.c.
 */

#include <jansson.h>

#include "base/buf.h"
#include "ops/history.h"
#include "ops/member.h"
#include "ops/verbs.h"

/* What we write to, and when. */
struct am_term {
	size_t width; /* columns; 0: no limit */
	bool colour;
	bool utf8; /* it can show more than ASCII */
	am_ms now;
};

void am_term_init(struct am_term *t);

enum am_hue {
	AM_HUE_NONE,
	AM_HUE_BOLD,
	AM_HUE_DIM,
	AM_HUE_RED,
	AM_HUE_GREEN,
	AM_HUE_YELLOW,
};

/* ---- amendsctl_conn.c ---- */

enum am_ask {
	AM_ASK_DONE,	    /* a status line came */
	AM_ASK_UNREACHABLE, /* nobody there, or no answer; said on stderr */
	AM_ASK_REFUSED,	    /* the socket is not open to us; said on stderr */
};

/* One line of an answer, without its newline; json lives for the call. */
typedef void am_ask_row(void *arg, struct am_str line, json_t *json);

struct am_ask_end {
	bool quiet; /* input: nothing is said on stderr, but put into text */
	int code;
	char text[1024]; /* error, or note */
};

/* Send a line (with its newline) and give the rows; timeout_ms 0: no limit. */
enum am_ask am_ask(const char *path, struct am_str line, am_ms timeout_ms,
    am_ask_row *row, void *arg, struct am_ask_end *end);

struct am_local;

/* ---- amendsctl_print.c, amendsctl_show.c ---- */

/* The rows of an answer (borrowed), for people. */
void am_print_answer(const struct am_term *t, const struct am_verb *verb,
    const json_t *rows, const struct am_ask_end *end);
void am_print_help(const struct am_term *t, const struct am_verb *verb);
void am_print_local(const struct am_term *t, const struct am_local *local);
void am_print_status(const struct am_term *t, const json_t *status);
void am_print_audit(const struct am_term *t, const json_t *audit);
void am_print_show(const struct am_term *t, const json_t *complaint);
/* "label       text", wrapped. */
void am_print_field(const struct am_term *t, const char *label, enum am_hue hue,
    const char *fmt, ...) AM_PRINTF(4, 5);
/* "2026-11-21 19:35 (in 12m)" of a member, or `none`. */
const char *am_print_both(char out[80], const struct am_term *t,
    const json_t *o, const char *key, const char *none);
void am_print_moves(const struct am_term *t, const json_t *rows);
void am_print_shards(const struct am_term *t, const json_t *rows);
/* "3 endpoints", under a table. */
void am_print_tail(
    const struct am_term *t, size_t n, const char *one, const char *many);

/* ---- amendsctl_shape.c, amendsctl_top.c ---- */

void am_print_shape(const struct am_term *t, const json_t *rows);
/* A live view on a terminal; elsewhere one frame. Gives the exit status. */
int am_top(const struct am_term *t, const char *path);

/* Where a daemon is looked for when nobody says where. */
const char *am_socket_default(void);

/* ---- amendsctl_endpoints.c ---- */

void am_print_endpoints(const struct am_term *t, const json_t *rows);
/* What is sent again, or would be. */
void am_print_again(const struct am_term *t, const json_t *rows);

/* ---- amendsctl_why.c, amendsctl_plan.c ---- */

void am_print_why(const struct am_term *t, const json_t *rows);
void am_print_plan(const struct am_term *t, const json_t *rows);

/* Steps of a virtual clock, one after the other, each with its weekday. */
struct am_timeline {
	const struct am_term *term;
	bool when;	/* "in 12m" behind the time */
	size_t id_cols; /* of the complaint's column; 0: none */
	char last[48];	/* what was printed there, so as not to repeat it */
};

void am_print_step(struct am_timeline *tl, const json_t *row);

/* ---- amendsctl_local.c: commands that need no daemon ---- */

struct am_local {
	const char *name, *usage, *about;
	/* argv[0] is the command's name, our own options are taken out; gives
	 * the exit status */
	int (*run)(const struct am_term *t, bool json, int argc, char **argv);
};

extern const struct am_local am_locals[];
extern const size_t am_locals_n;
const struct am_local *am_local_find(struct am_str name); /* NULL: none */

/* ---- amendsctl_conf.c ---- */

/* What a reload would change. */
void am_print_reload(const struct am_term *t, const json_t *rows);

/* ---- amendsctl_message.c ---- */

void am_print_message(const struct am_term *t, const json_t *rows);
void am_print_messages(const struct am_term *t, const json_t *rows);
/* What does `message … --conf FILE`; NULL: the daemon is asked. */
const struct am_local *am_message_local(const struct am_str *argv, size_t argc);

/* ---- amendsctl_report.c ---- */

void am_print_report(const struct am_term *t, const json_t *rows);

/* Verbs that read every complaint say how far they are (--progress). */
bool am_is_long(const struct am_verb *v);
/* Add the words that we say for the user: --progress, and an extract's format.
 * argv has room for AM_WORDS_MAX. *json is set when the answer is passed on as
 * it is. -AM_EINVAL: --json and --format csv. */
int am_long_words(const struct am_verb *v, bool *json, struct am_str *argv,
    size_t *argc, bool *own_progress);
struct am_long {
	am_ask_row *row; /* gets what is neither progress nor CSV */
	void *arg;
	bool json, own_progress;
	bool said; /* a line of progress stands on the terminal */
	bool csv;  /* lines of it were printed */
};
void am_long_row(void *arg, struct am_str line, json_t *json);
void am_long_end(struct am_long *l);
/* What is missing in it, beside the data. */
void am_long_note(const struct am_ask_end *end);

/* ---- amendsctl_silence.c ---- */

void am_print_silences(const struct am_term *t, const json_t *rows);
/* STATE of a follow-up: what holds it, in words. */
void am_held_words(struct am_buf *b, const json_t *followup);

/* ---- amendsctl_table.c ---- */

struct am_column {
	const char *title;
	size_t min;    /* may be cut to this; 0: never cut */
	unsigned drop; /* left out in this order when space is short, 1 last;
			  0: never */
	bool right;
};

struct am_cell {
	struct am_str text; /* clean */
	size_t width;
	enum am_hue hue;
};

struct am_table {
	const struct am_term *term;
	const struct am_column *columns;
	size_t columns_n;
	struct am_arena arena;
	struct am_cell *cells;
	size_t cells_n, cells_cap;
};

void am_table_init(struct am_table *tb, const struct am_term *t,
    const struct am_column *columns, size_t n);
void am_table_cell(struct am_table *tb, enum am_hue hue, struct am_str text);
void am_table_cellf(struct am_table *tb, enum am_hue hue, const char *fmt, ...)
    AM_PRINTF(3, 4);
/* Columns without any text are left out. Prints and ends the table. */
void am_table_print(struct am_table *tb, size_t indent);

/* A cell from a member of an object; what is absent is empty. */
void am_cell_str(struct am_table *tb, const json_t *o, const char *key);
void am_cell_int(struct am_table *tb, const json_t *o, const char *key);
/* A number that is of no interest when it is 0. */
void am_cell_count(
    struct am_table *tb, const json_t *o, const char *key, enum am_hue hue);
/* "in 12m", "2026-11-21 19:35" */
void am_cell_when(
    struct am_table *tb, const json_t *o, const char *key, enum am_hue hue);
void am_cell_local(struct am_table *tb, const json_t *o, const char *key);

/* ---- amendsctl_text.c ---- */

const char *am_hue_on(const struct am_term *t, enum am_hue hue);
const char *am_hue_off(const struct am_term *t, enum am_hue hue);

/* Columns of clean text on a terminal: 2 for a Chinese character. */
size_t am_text_width(struct am_str s);
/* Append s without what would move a terminal's cursor or turn its text. */
void am_text_clean(struct am_buf *b, struct am_str s);
/* Append clean text cut to width columns, the cut marked. */
void am_text_fit(
    struct am_buf *b, const struct am_term *t, struct am_str s, size_t width);
/* Print clean text wrapped at blanks; all lines but the first are indented. */
void am_text_wrap(const struct am_term *t, size_t indent, struct am_str s);

/* "12m", "3h 5m", "2d 4h"; hours never become days unless `days`. */
void am_text_span(char out[32], am_ms span, bool days);
/* "in 12m", "3h ago", "now" */
void am_text_when(char out[40], const struct am_term *t, am_ms at);
/* "2026-11-21 19:35", local */
void am_text_local(char out[32], am_ms at);
/* "2026-11-21 19:35:03", local */
void am_text_second(char out[32], am_ms at);
/* "Sat 2026-11-21 19:35", local */
void am_text_day(char out[32], am_ms at);
/* "Sat 2026-11-21 19:35:03", local */
void am_text_day_second(char out[32], am_ms at);
/* "2026-11-21 19:35 (in 12m)" */
void am_text_both(char out[80], const struct am_term *t, am_ms at);
/* "12.3 MiB" */
void am_text_bytes(char out[32], int64_t bytes);
/* A journal line in words: "listen done in time; apologize begins". */
void am_history_words(struct am_buf *b, const json_t *line);
