/*
 * Who stands for a role (RO1, ES6), the hours in which nobody is written to
 * (FU8), and zones that customers name.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf_world.h"

/* clang-format off */
#define PEOPLE                                                                 \
	"person \"li\" { phone = \"+8613900000001\" timezone = \"Asia/Shanghai\" }\n" \
	"person \"wang\" { email = \"wang@example.com\" }\n"                   \
	"role \"agent\" { person = {\"wang\", \"li\"} }\n"                     \
	"role \"manager\" { person = \"li\" }\n"                               \
	"quiet \"night\" { hours = \"21:30-08:00\" }\n"                        \
	"quiet \"noon\" { hours = \"12:00-14:00\" }\n"
/* clang-format on */

static struct am_conf *
load(void)
{
	char *people =
	    conf_world_edit(conf_world_base, "instance = \"t\"\n", PEOPLE);
	char *text = conf_world_edit(
	    people, "    secret =", "    quiet = \"night\" secret =");
	struct am_conf *c = conf_world_must(text);

	free(people);
	free(text);
	return c;
}

static void
test_people_hold_their_roles_in_order(void **state)
{
	struct am_conf *c = load();
	const struct am_holders *h = c->loops[0]->holders;
	const struct am_conf_person *li = am_conf_person(c, AM_STR("li"));

	(void)state;
	assert_int_equal(h[AM_ROLE_AGENT].n, 2);
	assert_string_equal(h[AM_ROLE_AGENT].person[0], "wang");
	assert_string_equal(h[AM_ROLE_AGENT].person[1], "li");
	assert_int_equal(h[AM_ROLE_MANAGER].n, 1);
	assert_int_equal(h[AM_ROLE_SUPERVISOR].n, 0);
	assert_int_equal(h[AM_ROLE_OWNER].n, 0);
	assert_string_equal(li->phone, "+8613900000001");
	assert_null(li->email);
	assert_string_equal(li->zone->name, "Asia/Shanghai");
	assert_null(am_conf_person(c, AM_STR("wang"))->zone);
	assert_null(am_conf_person(c, AM_STR("zhao")));
	am_conf_unref(c);
}

/* Whoever stands for a role may change without another loop@version. */
static void
test_people_are_not_in_the_hash(void **state)
{
	struct am_conf *a = load(), *b = conf_world_must(conf_world_base);

	(void)state;
	assert_string_equal(a->loops[0]->ref, b->loops[0]->ref);
	am_conf_unref(a);
	am_conf_unref(b);
}

/* A loop that was kept gets today's people and quiet hours. */
static void
test_people_are_bound_to_a_loop_that_was_kept(void **state)
{
	struct am_conf *c = load();
	const struct am_loopdef *def = NULL;
	struct am_diag diag;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_conf_bind_loop(c, c->loops[0]->text, &a, &def, &diag), 0);
	assert_string_equal(def->holders[AM_ROLE_MANAGER].person[0], "li");
	assert_string_equal(
	    def->clocks[AM_CLOCK_STAGE0].rungs[0].via[0].quiet->name, "night");
	assert_ptr_equal(def->find_zone(def->zones, AM_STR("Asia/Tokyo")),
	    c->loops[0]->find_zone(c->zones, AM_STR("Asia/Tokyo")));
	am_arena_fini(&a);
	am_conf_unref(c);
}

static void
test_people_are_left_alone_in_their_endpoints_hours(void **state)
{
	struct am_conf *c = load();
	const struct am_loopdef *def = c->loops[0];
	const struct am_quiet *q = c->endpoints[0]->quiet;

	(void)state;
	assert_int_equal(c->quiets_n, 2);
	assert_string_equal(q->name, "night");
	assert_int_equal(q->from, 21 * 60 + 30);
	assert_int_equal(q->to, 8 * 60);
	assert_int_equal(c->quiets[1]->from, 12 * 60);
	assert_ptr_equal(def->clocks[AM_CLOCK_STAGE0].rungs[0].via[0].quiet, q);
	/* the way of the rules' clocks is the same way */
	assert_ptr_equal(
	    def->clocks[AM_CLOCK_SILENCE].rungs[0].via[0].quiet, q);
	am_conf_unref(c);

	c = conf_world_must(conf_world_base);
	assert_null(c->endpoints[0]->quiet);
	am_conf_unref(c);
}

/* ---- zones ---- */

static const struct am_zone *
find(const struct am_conf *c, const char *name)
{
	return c->loops[0]->find_zone(c->loops[0]->zones, am_str_c(name));
}

static void
test_zones_are_found_by_name_and_stay(void **state)
{
	struct am_conf *c = load();
	const struct am_zone *tokyo = find(c, "Asia/Tokyo");

	(void)state;
	assert_non_null(tokyo);
	assert_string_equal(tokyo->name, "Asia/Tokyo");
	assert_int_equal(am_zone_offset(tokyo, CONF_NOW), 9 * 3600);
	assert_non_null(find(c, "UTC"));
	assert_non_null(find(c, "America/New_York"));
	assert_ptr_equal(find(c, "Asia/Tokyo"), tokyo);
	am_conf_unref(c);
}

static void
test_zones_that_are_none_are_not_found(void **state)
{
	static const char *const names[] = { "", "Mars/Olympus", "Asia",
		"Asia/", "/etc/localtime", "../zoneinfo/UTC", "Asia//Tokyo",
		"posix/Asia/Tokyo", "right/Asia/Tokyo", "asia/tokyo", "+08:00",
		"leapseconds",
		"Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/"
		"Tokyo/Asia/Tokyo" };
	struct am_conf *c = load();

	(void)state;
	for (size_t i = 0; i < AM_COUNT(names); i++) {
		assert_null(find(c, names[i]));
		assert_null(find(c, names[i])); /* and not by memory */
	}
	assert_null(c->loops[0]->find_zone(
	    c->zones, (struct am_str){ "Asia/Tokyo\0x", 12 }));
	assert_non_null(find(c, "Asia/Tokyo"));
	am_conf_unref(c);
}

/* Names that strangers make up take no memory. */
static void
test_zones_unknown_by_the_thousand_take_no_memory(void **state)
{
	struct am_conf *c = load();
	char name[32];
	const struct am_arena_block *block;
	size_t used;

	(void)state;
	assert_null(find(c, "Nowhere/0"));
	block = c->arena.head;
	used = c->arena.used;
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "Nowhere/%d", i);
		assert_null(find(c, name));
	}
	assert_ptr_equal(c->arena.head, block);
	assert_int_equal(c->arena.used, used);
	am_conf_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_people_hold_their_roles_in_order),
		cmocka_unit_test(test_people_are_not_in_the_hash),
		cmocka_unit_test(test_people_are_bound_to_a_loop_that_was_kept),
		cmocka_unit_test(
		    test_people_are_left_alone_in_their_endpoints_hours),
		cmocka_unit_test(test_zones_are_found_by_name_and_stay),
		cmocka_unit_test(test_zones_that_are_none_are_not_found),
		cmocka_unit_test(
		    test_zones_unknown_by_the_thousand_take_no_memory),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
