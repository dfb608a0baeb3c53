#pragma once

/*
 * build - from checked values to the structs of conf.h (layer: conf, private).
 *
 * The readers trust what am_check_tree() has passed and add only what takes
 * more than one value to see. They go on after a fault, so that one run tells
 * of all of them.
 */

#include <stdio.h>

#include "base/buf.h"
#include "conf.h"
#include "tree.h"
#include "value.h"
#include "zone.h"

struct am_wipe {
	struct am_wipe *next;
	void *p;
	size_t n;
};

/* A secret that was read, see parts.c. */
struct am_part_secret {
	struct am_part_secret *next;
	struct am_secret secret;
};

struct am_build {
	const struct am_conf *c; /* names are looked up here */
	struct am_conf *own;	 /* the same, while it is made; else NULL */
	struct am_arena *a;
	struct am_diags *d;
	const struct am_node *root;
	bool blind; /* secrets are not read */
	struct am_part_secret *secrets;
};

/* parts.c, see am_conf_diff(): a secret that was read, a section, all of them
 * behind the reading. */
void am_part_secret(struct am_build *b, const struct am_secret *s);
void am_part_add(struct am_build *b, const struct am_node *n);
void am_parts_read(struct am_build *b);

/* A fault of a key, or of its section when the key was not given. */
void am_fault(struct am_build *b, const struct am_node *n, const char *key,
    const char *fmt, ...) AM_PRINTF(4, 5);
/* Only while conf is made; no-op else. */
void am_warn(struct am_build *b, const char *file, int line, const char *fmt,
    ...) AM_PRINTF(4, 5);
/* "KEY: no WHAT 'NAME'; did you mean …?", or the list of names. */
void am_fault_name(struct am_build *b, const struct am_node *n, const char *key,
    int line, const char *what, const char *name, const char *const *names,
    size_t names_n);

/* check.c: every value by its kind, every title. */
void am_check_tree(struct am_build *b, const struct am_node *n);

/* Values of checked keys that are given or have a default. */
am_ms am_get_span(const struct am_node *n, const char *key);
int64_t am_get_count(const struct am_node *n, const char *key);
/* Values of a list of names or texts, max at most; more is a fault. */
size_t am_get_list(struct am_build *b, const struct am_node *n, const char *key,
    const char **out, size_t max);
bool am_get_bool(const struct am_node *n, const char *key);
struct am_duration am_get_duration(const struct am_node *n, const char *key);

/* The section at the top that may be given once; when it is absent an empty
 * one, which has the defaults. */
const struct am_node *am_section(struct am_build *b, const char *type);

/* secret.c. A fault gives a diagnostic and leaves *secret as it was. */
int am_secret_read(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_word *ref, struct am_secret *secret);
/* The bytes of a whsec_ key; -AM_EINVAL with *why for a person. */
AM_MUSTCHECK int
am_whsec_decode(struct am_str text, uint8_t key[64], size_t *n, char why[256]);
/* Overwrite p when conf is freed. */
void am_wipe_later(struct am_build *b, void *p, size_t n);

/* read_*.c */
void am_read_base(struct am_build *b);
void am_read_redis(struct am_build *b);
void am_read_people(struct am_build *b);
void am_read_http(struct am_build *b);
/* read_map.c: the maps of a producer, of which the rest is read. */
void am_read_maps(
    struct am_build *b, const struct am_node *n, struct am_conf_producer *p);
/* read_map.c: an event that a producer may send, by the name w of key. */
int am_find_event(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_word *w, enum am_event_type *type);
/* read_surface.c: link, audit and reports; needs the endpoints. */
void am_read_surface(struct am_build *b);
void am_read_calendars(struct am_build *b, am_ms now);
void am_read_providers(struct am_build *b);
void am_read_endpoints(struct am_build *b);
/* read_channel.c: what an endpoint of type sms, chat or mail has beside. */
void am_read_channel(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e);
/* read_replies.c: `replies`, and `alert`, which names endpoints */
void am_read_replies(struct am_build *b);
void am_read_messages(struct am_build *b);
void am_read_routes(struct am_build *b);

/* conf.c: the text of a file, cut behind a MiB. -AM_EIO with errno. */
AM_MUSTCHECK int am_file_text(struct am_arena *a, FILE *f, struct am_buf *text);

/* provider.c: a checked block. Faults go to b->d; never NULL. */
const struct am_conf_provider *
am_provider_build(struct am_build *b, const struct am_node *n);
/* provider_use.c: what the endpoint n takes from e->provider, and has to give
 * it. */
void am_provider_use(
    struct am_build *b, const struct am_node *n, struct am_conf_endpoint *e);

/* people.c: loopdef.person_zone; conf is a struct am_conf. */
const struct am_zone *
am_conf_person_zone(const void *conf, struct am_str person);

/* calendars */
int am_find_zone(struct am_build *b, const struct am_node *n, const char *key,
    const struct am_zone **zone);
/* zone_cache.c: zones that are met at run time, by customers' own words. */
struct am_zones *am_zones_new(struct am_arena *a, am_ms until);
/* loopdef.find_zone: zones is a struct am_zones. */
const struct am_zone *am_zones_find(const void *zones, struct am_str name);
/* Monday to Friday, all day, in that zone. */
const struct am_calendar *
am_weekdays(struct am_build *b, const struct am_zone *zone);

/* The windows, dates and days of a checked section; the last civil day that is
 * named, INT32_MIN when none is. */
int32_t am_calendar_fill(
    struct am_build *b, const struct am_node *n, struct am_calendar_src *src);
/* calendar_text.c: the section as text that parses to the same. */
struct am_str am_calendar_text(struct am_arena *a, const struct am_node *n);

/* loop.c. NULL after a diagnostic. */
const struct am_loopdef *
am_loop_build(struct am_build *b, const struct am_node *n);
/* rule_clock.c: the clocks that rules start, from keys of the loop n and of its
 * confirm stage. Needs the stages and their ladders. */
void am_rule_clocks_build(
    struct am_build *b, struct am_loopdef *def, const struct am_node *n);
/* judge.c: what is right key by key and still makes no loop to run. */
void am_loop_judge(
    struct am_build *b, const struct am_loopdef *def, const struct am_node *n);
/* judge_text.c: what the channels of its texts cannot carry. */
void am_loop_judge_texts(
    struct am_build *b, const struct am_loopdef *def, const struct am_node *n);
/* ladder.c: the section of a clock slot; NULL when it was made from keys. */
const struct am_node *am_clock_node(
    const struct am_node *loop, const struct am_loopdef *def, size_t slot);
/* ladder.c: the message that n names by its key; NULL after a diagnostic. */
const struct am_message *
am_find_message(struct am_build *b, const struct am_node *n);
/* ladder.c: budget, calendar and rungs of one clock slot. */
void am_clock_build(struct am_build *b, struct am_loopdef *def,
    const struct am_node *n, size_t slot);
/* loop_text.c: fills def->text and def->ref. */
void am_loop_normalise(struct am_arena *a, struct am_loopdef *def);
