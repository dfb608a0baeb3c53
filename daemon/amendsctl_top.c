/*
 * amendsctl_top - what is about to lapse, endpoints and shards, live.
 *
 * The frames are made by the printers of the other commands, written into
 * memory and cut to the screen, so that a table looks the same here. Plain
 * escape sequences, no ncurses: a frame is drawn from its first line to its
 * last, for which any terminal of the last forty years needs four of them, and
 * curses would want widths and colours told again in its own way.
 *
 * The terminal is put back on every way out: by the handler of each signal that
 * ends or stops us, faults of our own included.
 */

#include "daemon/amendsctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "ops/census.h"

#define EVERY 2000		 /* ms from one answer to the next question */
#define PATIENCE (3 * AM_SECOND) /* for an answer */
#define ROWS_MAX 400

/* Its own screen, no cursor; lines are cut by us, not broken by it. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[0m\033[?1049l"

/* What a signal's handler has to know, and can be told in no other way. */
static struct termios cooked;
static volatile sig_atomic_t is_raw, is_resized;

enum view { VIEW_LAPSE, VIEW_ENDPOINTS, VIEW_SHARDS, VIEWS_N };

static const char *const view_names[VIEWS_N] = { "about to lapse", "endpoints",
	"shards" };

struct top {
	const char *path;
	struct am_term term;
	enum view view;
	size_t offset; /* lines scrolled out of sight */
	json_t *status, *endpoints, *cases;
	char error[256]; /* why there is nothing newer; "" */
	size_t rows;
};

/* ---- the terminal ---- */

static void
set_raw(void)
{
	struct termios raw = cooked;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	(void)!write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1);
	is_raw = 1;
}

static void
set_cooked(void)
{
	if (!is_raw)
		return;
	is_raw = 0;
	(void)!write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
}

/* Ends us as the signal would have. */
static void
on_end(int sig)
{
	set_cooked();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
on_stop(int sig)
{
	int kept = errno;

	(void)sig;
	set_cooked();
	raise(SIGSTOP);
	set_raw(); /* somebody has us go on */
	is_resized = 1;
	errno = kept;
}

static void
on_resize(int sig)
{
	(void)sig;
	is_resized = 1;
}

static void catch (int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };
	struct sigaction was;

	sigfillset(&sa.sa_mask);
	if (sigaction(sig, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(sig, &sa, NULL);
}

static void
catch_all(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE,
		SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGXCPU };

	for (size_t i = 0; i < AM_COUNT(ends); i++)
		catch (ends[i], on_end);
	catch (SIGTSTP, on_stop);
	catch (SIGWINCH, on_resize);
	catch (SIGCONT, on_resize);
}

static void
measure(struct top *t)
{
	struct timespec now;
	struct winsize ws;

	t->rows = 24;
	t->term.width = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0) {
		t->rows = ws.ws_row >= 3 ? ws.ws_row : t->rows;
		t->term.width = ws.ws_col >= 20 ? ws.ws_col : t->term.width;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	t->term.now = (am_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what is shown ---- */

static void
keep_row(void *arg, struct am_str line, json_t *json)
{
	(void)line;
	if (json != NULL)
		json_array_append((json_t *)arg, json);
}

/* False: nobody answered, *why says how come; what was known stays. */
static bool
ask(struct top *t, const char *line, json_t **into, struct am_ask_end *end)
{
	json_t *rows = json_array();

	*end = (struct am_ask_end){ .quiet = true };
	t->error[0] = '\0';
	if (am_ask(t->path, am_str_c(line), PATIENCE, keep_row, rows, end) !=
	    AM_ASK_DONE) {
		snprintf(t->error, sizeof(t->error), "%.200s", end->text);
		json_decref(rows);
		return false;
	}
	if (json_array_size(rows) == 0) { /* refused, or nothing to say */
		snprintf(t->error, sizeof(t->error), "%.200s", end->text);
		json_decref(rows);
		return true;
	}
	json_decref(*into);
	*into = rows;
	return true;
}

static bool
ask_all(struct top *t)
{
	struct am_ask_end end;

	return ask(t, "status\n", &t->status, &end) &&
	       ask(t, "endpoints\n", &t->endpoints, &end) &&
	       ask(t, "top\n", &t->cases, &end);
}

static const json_t *
row_of(const json_t *rows, const char *name)
{
	json_t *o;
	size_t i;

	json_array_foreach(rows, i, o)
	{
		if (am_str_is(am_json_str(o, "row"), name))
			return o;
	}
	return NULL;
}

static void
print_head(const struct top *t)
{
	const struct am_term *tm = &t->term;
	const json_t *s = json_array_get(t->status, 0);
	const json_t *redis = json_object_get(s, "redis");
	struct am_str state = am_json_str(s, "state");
	bool up = am_json_true(redis, "up"), ok = am_str_is(state, "running");
	char clock[32], age[32];

	am_text_second(clock, tm->now);
	am_text_span(age, am_json_int(s, "uptime_ms"), true);
	printf("%s%.*s%s  %s%.*s%s  up %s  Redis %s%s%s %.*s  %s\n",
	    am_hue_on(tm, AM_HUE_BOLD), AM_ARG(am_json_str(s, "instance")),
	    am_hue_off(tm, AM_HUE_BOLD),
	    am_hue_on(tm, ok ? AM_HUE_GREEN : AM_HUE_YELLOW), AM_ARG(state),
	    am_hue_off(tm, AM_HUE_GREEN), age,
	    am_hue_on(tm, up ? AM_HUE_GREEN : AM_HUE_RED), up ? "up" : "away",
	    am_hue_off(tm, AM_HUE_RED),
	    AM_ARG(am_json_str(redis, "durability")), clock + 11);
}

static void
print_sums(const struct top *t)
{
	const struct am_term *tm = &t->term;
	const json_t *s = json_array_get(t->status, 0);
	long long dead = am_json_int(s, "dead");

	printf("open %lld  waiting %lld  in flight %lld  %sdead %lld%s  "
	       "rejects %lld\n",
	    (long long)am_json_int(s, "open"),
	    (long long)am_json_int(s, "waiting"),
	    (long long)am_json_int(s, "in_flight"),
	    am_hue_on(tm, dead > 0 ? AM_HUE_RED : AM_HUE_NONE), dead,
	    am_hue_off(tm, dead > 0 ? AM_HUE_RED : AM_HUE_NONE),
	    (long long)am_json_int(s, "rejects"));
}

/* One line for all that a person has stopped; none when nothing is. */
static void
print_stopped(const struct top *t)
{
	const struct am_term *tm = &t->term;
	const json_t *s = json_array_get(t->status, 0);
	const char *sep = "";
	json_t *o;
	size_t i;

	if (json_array_size(json_object_get(s, "paused")) == 0)
		return;
	printf("%spaused: ", am_hue_on(tm, AM_HUE_YELLOW));
	json_array_foreach(json_object_get(s, "paused"), i, o)
	{
		printf("%s%.*s", sep, AM_ARG(am_json_str(o, "what")));
		sep = ", ";
	}
	printf("%s\n", am_hue_off(tm, AM_HUE_YELLOW));
}

static void
print_tabs(const struct top *t)
{
	const struct am_term *tm = &t->term;

	for (int i = 0; i < VIEWS_N; i++) {
		bool on = (int)t->view == i;

		printf("%s%s%d %s%s%s  ",
		    am_hue_on(tm, on ? AM_HUE_BOLD : AM_HUE_DIM), on ? "[" : "",
		    i + 1, view_names[i], on ? "]" : "",
		    am_hue_off(tm, AM_HUE_DIM));
	}
	printf("%sq quits%s\n", am_hue_on(tm, AM_HUE_DIM),
	    am_hue_off(tm, AM_HUE_DIM));
}

static size_t
print_cases(const struct top *t, const char *which, size_t max)
{
	static const struct am_column columns[] = {
		{ "ID", 0, 0, false },
		{ "STAGE", 8, 0, false },
		{ "DUE", 0, 0, false },
		{ "AT", 0, 4, false },
		{ "TIER", 0, 2, false },
		{ "OWNER", 6, 1, false },
		{ "LOOP", 8, 3, false },
	};
	enum am_hue hue =
	    strcmp(which, "lapsed") == 0 ? AM_HUE_RED : AM_HUE_NONE;
	struct am_table tb;
	size_t i, n = 0;
	json_t *o;

	am_table_init(&tb, &t->term, columns, AM_COUNT(columns));
	json_array_foreach(t->cases, i, o)
	{
		if (!am_str_is(am_json_str(o, "row"), which) || n >= max)
			continue;
		am_cell_str(&tb, o, "id");
		am_cell_str(&tb, o, "stage");
		am_cell_when(&tb, o, "due_at", hue);
		am_cell_local(&tb, o, "due_at");
		am_cell_str(&tb, o, "tier");
		am_cell_str(&tb, o, "owner");
		am_cell_str(&tb, o, "loop");
		n++;
	}
	am_table_print(&tb, 0);
	return n;
}

static size_t
count_cases(const struct top *t, const char *which)
{
	size_t i, n = 0;
	json_t *o;

	json_array_foreach(t->cases, i, o) n +=
	    am_str_is(am_json_str(o, "row"), which);
	return n;
}

/* A list that is full is the beginning of a longer one. */
static const char *
first_of(size_t n)
{
	return n >= AM_CENSUS_CASES ? "the first " : "";
}

static void
print_lapse(const struct top *t, size_t room)
{
	const struct am_term *tm = &t->term;
	const json_t *c = row_of(t->cases, "census");
	size_t next = count_cases(t, "next"), late = count_cases(t, "lapsed");
	size_t half = room / 2 > 3 ? room / 2 - 3 : 1;
	am_ms to = tm->now;
	char when[40];

	if (t->offset > 0 || late + next + 5 <= room)
		half = SIZE_MAX; /* all there are */
	(void)am_json_time(c, "to", &to);
	am_text_when(when, tm, to);
	printf("%s%s%zu about to lapse, soonest first (counted %s)%s\n",
	    am_hue_on(tm, AM_HUE_DIM), first_of(next), next, when,
	    am_hue_off(tm, AM_HUE_DIM));
	(void)print_cases(t, "next", late > 0 ? half : SIZE_MAX);
	if (late == 0)
		return;
	printf("\n%s%s%zu lapsed, longest ago first%s\n",
	    am_hue_on(tm, AM_HUE_RED), first_of(late), late,
	    am_hue_off(tm, AM_HUE_RED));
	(void)print_cases(t, "lapsed", SIZE_MAX);
}

static void
print_view(const struct top *t, enum view view, size_t room)
{
	const json_t *s = json_array_get(t->status, 0);

	switch (view) {
	case VIEW_ENDPOINTS:
		am_print_endpoints(&t->term, t->endpoints);
		break;
	case VIEW_SHARDS:
		am_print_shards(&t->term, json_object_get(s, "shards"));
		break;
	case VIEW_LAPSE:
	case VIEWS_N:
		print_lapse(t, room);
		break;
	}
}

/* ---- a frame ---- */

/* Bytes of line that fill at most `width` columns; escape sequences fill none.
 */
static size_t
bytes_in(struct am_str line, size_t width)
{
	size_t i = 0, used = 0;

	while (i < line.n) {
		size_t n = am_utf8_char(line.p + i, line.n - i), cols;

		if (line.p[i] == '\033') {
			while (i < line.n && line.p[i] != 'm')
				i++;
			i += i < line.n;
			continue;
		}
		n = n != 0 ? n : 1;
		cols = am_text_width((struct am_str){ line.p + i, n });
		if (used + cols > width)
			break;
		used += cols;
		i += n;
	}
	return i;
}

/* Lines from `from` on, at most n of them, each cut. */
static size_t
put_lines(
    struct am_buf *out, struct am_str text, size_t from, size_t n, size_t width)
{
	size_t i = 0, put = 0;

	while (i < text.n && put < n) {
		const char *nl = memchr(text.p + i, '\n', text.n - i);
		size_t len =
		    nl != NULL ? (size_t)(nl - text.p) - i : text.n - i;
		struct am_str line = { text.p + i, len };

		i += len + 1;
		if (from > 0) {
			from--;
			continue;
		}
		am_buf_add(out, line.p, bytes_in(line, width));
		am_buf_adds(out, "\033[0m\033[K\r\n");
		put++;
	}
	return put;
}

/* What `print` says, in memory: the printers write to stdout. */
struct said {
	char *p;
	size_t n;
	FILE *file, *before;
};

static void
listen_in(struct said *s)
{
	*s = (struct said){ .before = stdout };
	s->file = open_memstream(&s->p, &s->n);
	AM_ASSERT(s->file != NULL);
	fflush(stdout);
	stdout = s->file;
}

static void
listen_no_more(struct said *s)
{
	stdout = s->before;
	fclose(s->file);
}

static void
write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(STDOUT_FILENO, p, n);

		if (put < 0 && errno != EINTR)
			return; /* its end is seen by the next read */
		p += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
}

static void
draw(struct top *t)
{
	struct said head, body;
	struct am_buf out;
	size_t used, room;

	measure(t);
	listen_in(&head);
	print_head(t);
	print_sums(t);
	print_stopped(t);
	if (t->error[0] != '\0')
		printf("%s%s%s\n", am_hue_on(&t->term, AM_HUE_RED), t->error,
		    am_hue_off(&t->term, AM_HUE_RED));
	print_tabs(t);
	listen_no_more(&head);
	am_buf_init(&out);
	am_buf_adds(&out, "\033[H");
	used = put_lines(&out, (struct am_str){ head.p, head.n }, 0,
	    t->rows - 1, t->term.width);
	room = t->rows - 1 > used ? t->rows - 1 - used : 0;
	listen_in(&body);
	print_view(t, t->view, room);
	listen_no_more(&body);
	(void)put_lines(&out, (struct am_str){ body.p, body.n }, t->offset,
	    room, t->term.width);
	am_buf_adds(&out, "\033[J");
	write_all(out.p, out.n);
	am_buf_fini(&out);
	free(head.p);
	free(body.p);
}

/* ---- the loop ---- */

/* True: the user has had enough. */
static bool
on_key(struct top *t, char key)
{
	if (key >= '1' && key < '1' + VIEWS_N) {
		t->view = (enum view)(key - '1');
		t->offset = 0;
	} else if (key == '\t') {
		t->view = (enum view)((t->view + 1) % VIEWS_N);
		t->offset = 0;
	} else if (key == 'j' && t->offset < ROWS_MAX) {
		t->offset++;
	} else if (key == 'k' && t->offset > 0) {
		t->offset--;
	}
	return key == 'q' || key == 'Q' || key == 4; /* Ctrl-D */
}

/* Arrow keys are read as j and k, other sequences as nothing. */
static bool
on_keys(struct top *t, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char key = p[i];

		if (key == '\033' && i + 2 < n && p[i + 1] == '[') {
			i += 2;
			key = p[i] == 'B' ? 'j' : p[i] == 'A' ? 'k' : '\0';
		}
		if (on_key(t, key))
			return true;
	}
	return false;
}

static am_ms
mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (am_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Until the next question: keys and the terminal's size. True: end. */
static bool
wait_for_keys(struct top *t)
{
	am_ms until = mono() + EVERY, left;

	while ((left = until - mono()) > 0) {
		struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
		char keys[64];
		ssize_t n;

		if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
			return true;
		n = (pfd.revents & (POLLIN | POLLHUP | POLLERR)) != 0
			? read(STDIN_FILENO, keys, sizeof(keys))
			: -2;
		if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
			return true; /* the terminal is gone */
		if (n > 0 && on_keys(t, keys, (size_t)n))
			return true;
		if (n > 0 || is_resized) {
			is_resized = 0;
			draw(t);
		}
	}
	return false;
}

static void
live(struct top *t)
{
	set_raw();
	catch_all();
	do {
		draw(t);
		if (wait_for_keys(t))
			break;
		(void)ask_all(t);
	} while (true);
	set_cooked();
}

static void
once(struct top *t)
{
	print_head(t);
	print_sums(t);
	print_stopped(t);
	for (int i = 0; i < VIEWS_N; i++) {
		putchar('\n');
		print_view(t, (enum view)i, ROWS_MAX);
	}
}

int
am_top(const struct am_term *term, const char *path)
{
	struct top t = { .path = path, .term = *term };
	bool tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
		   tcgetattr(STDIN_FILENO, &cooked) == 0;
	struct am_ask_end end = { .code = AM_EXIT_OK };
	enum am_ask asked;
	int rc = AM_EXIT_OK;

	t.status = json_array();
	t.endpoints = json_array();
	t.cases = json_array();
	/* the first answer, or why there is none, as for any command */
	asked = am_ask(
	    path, AM_STR("status\n"), PATIENCE, keep_row, t.status, &end);
	if (asked != AM_ASK_DONE) {
		rc = asked == AM_ASK_REFUSED ? AM_EXIT_REFUSED
					     : AM_EXIT_UNREACHABLE;
	} else if (end.code != AM_EXIT_OK) {
		fprintf(stderr, "amendsctl: %s\n", end.text);
		rc = end.code;
	} else {
		(void)ask_all(&t);
		if (tty)
			live(&t);
		else
			once(&t);
	}
	json_decref(t.status);
	json_decref(t.endpoints);
	json_decref(t.cases);
	return rc;
}
