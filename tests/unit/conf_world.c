#include "conf_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* clang-format off */
const char conf_world_base[] =
    "instance = \"t\"\n"
    "redis { url = \"redis://127.0.0.1:6379/0\" }\n"
    "calendar \"office\" { timezone = \"UTC\"  open = {\"Mon-Fri 09:00-17:00\"} }\n"
    "endpoint \"crm\" {\n"
    "    url = \"https://crm.example/hook\"\n"
    "    secret = {\"file:ok.secret\"}\n"
    "}\n"
    "message \"late\" { text = \"Late: {complaint.id}\" }\n"
    "loop \"complaint\" {\n"
    "    tiers = {\"high\", \"low\"}\n"
    "    clock \"final\" { budget = \"8w\" }\n"
    "    stage \"listen\" {\n"
    "        budget = \"30m\"  calendar = \"office\"\n"
    "        rung \"lapse\" { at = \"100%\"  to = \"owner\"  via = {\"crm\"}  message = \"late\" }\n"
    "    }\n"
    "    stage \"confirm\" { kind = \"confirm\"  budget = \"1bd\" }\n"
    "}\n";
/* clang-format on */

/* 32 times 'k', 23 times 'k' */
#define GOOD "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n"
#define SHORT "whsec_a2tra2tra2tra2tra2tra2tra2tra2s=\n"

static char home[4096], dir[64];

const char *
conf_world_home(void)
{
	return home;
}

void
conf_world_put(const char *name, const char *text, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

int
conf_world_setup(void **state)
{
	char path[sizeof(home) + 32];

	(void)state;
	assert_non_null(getcwd(home, sizeof(home)));
	snprintf(dir, sizeof(dir), "/tmp/amends-conf-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	conf_world_put("ok.secret", GOOD, strlen(GOOD));
	conf_world_put("short.secret", SHORT, strlen(SHORT));
	conf_world_put("bad.secret", "whsec_***\n", 10);
	conf_world_put("plain.secret", "hunter2\n", 8);
	conf_world_put("empty.secret", "\n", 1);
	assert_int_equal(mkdir("dir.secret", 0700), 0);
	snprintf(path, sizeof(path), "%s/conf/providers", home);
	assert_int_equal(symlink(path, "providers"), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int
conf_world_teardown(void **state)
{
	(void)state;
	assert_int_equal(chdir(home), 0);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct am_conf *
conf_world_load(const char *text, struct am_diag **diags, size_t *n)
{
	conf_world_put("amends.conf", text, strlen(text));
	return am_conf_load("amends.conf", CONF_NOW, diags, n);
}

struct am_conf *
conf_world_must(const char *text)
{
	struct am_diag *diags;
	struct am_conf *c;
	size_t n;

	c = conf_world_load(text, &diags, &n);
	for (size_t i = 0; i < n; i++)
		print_error(
		    "%s:%d: %s\n", diags[i].file, diags[i].line, diags[i].text);
	free(diags);
	assert_non_null(c);
	return c;
}

char *
conf_world_edit(const char *base, const char *find, const char *put)
{
	const char *at = strstr(base, find);
	char *out;

	assert_non_null(at);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - base), base, put,
			at + strlen(find)) >= 0);
	return out;
}

void
conf_world_refused(const char *base, const struct conf_world_row *row)
{
	char *text = conf_world_edit(base, row->find, row->put);
	char told[4096] = "";
	struct am_diag *diags;
	size_t n, at = 0;

	assert_null(conf_world_load(text, &diags, &n));
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(diags[i].file, "amends.conf");
		at += (size_t)snprintf(told + at, sizeof(told) - at, "%s%d: %s",
		    i > 0 ? "\n" : "", diags[i].line, diags[i].text);
	}
	assert_string_equal(told, row->told);
	free(diags);
	free(text);
}
