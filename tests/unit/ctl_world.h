#pragma once

/*
 * ctl_world - a status socket in a folder of its own, its event loop, and
 * clients that never wait for ever (helper of the tests of lib/ops).
 */

#include <sys/types.h>

#include "base/buf.h"
#include "ops/ctl.h"

#define LINE_MS 100
#define PATIENCE_MS 20000 /* longer than anything here takes */
#define OK_LINE "{\"ok\":true,\"code\":0}\n"

struct ctl_world {
	struct event_base *base;
	struct am_ctl *ctl;
	struct am_ctl_opts opts;
	char dir[64], path[108];
	/* what the handler saw and shall do */
	int calls;
	char last[256]; /* words, with | between them */
	struct am_ctl_call *kept;
	bool keep;
	size_t lines, line_bytes;
};

/* Answers `lines` lines of `line_bytes`, then ends the call unless `keep`. */
am_ctl_handler ctl_world_handler;

int ctl_world_setup(void **state);
int ctl_world_teardown(void **state);
/* Open the socket again, by w->opts. */
void ctl_world_reopen(struct ctl_world *w);
#define CTL_TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, ctl_world_setup, ctl_world_teardown)

am_ms ctl_mono(void);
int ctl_dial(const struct ctl_world *w);
/* Let the loop run until something happened, or for ms. */
void ctl_turn(struct ctl_world *w, am_ms ms);
void ctl_say(int fd, const char *text);
/* Bytes that come until `lines` newlines or the end; true at the end. */
bool ctl_hear(struct ctl_world *w, int fd, struct am_buf *b, size_t lines);
/* The same as text, in a static buffer; end may be NULL. */
const char *ctl_heard(struct ctl_world *w, int fd, size_t lines, bool *end);
/* The other side closes; gives what came before. Closes fd. */
const char *ctl_last_words(struct ctl_world *w, int fd);
/* Run the loop until the handler was called with `keep`. */
struct am_ctl_call *ctl_kept(struct ctl_world *w);
