#pragma once

/*
 * owner - exclusive, fenced ownership of one shard (layer: store).
 *
 * An owner proves itself by a token (epoch, instance and random nonce) that
 * every turn compares for equality, and stays owner by raising a beat each
 * ttl/4. A candidate takes over after it has seen no beat of the present token
 * for ttl on its own CLOCK_BOOTTIME: no wall clock takes part. A paused process
 * may wake up wrong about owning the shard, but it can no longer write.
 *
 * There is one way to become the owner, am_owner_look(): WATCH token and
 * cursor, read all, decide, and replace the token in a transaction. A start, a
 * take-over, a reconnect and an unknown outcome all go through it.
 */

#include <amends/base.h>

#define AM_TOKEN_TEXT_MAX 136

struct am_store;
struct event;
struct redisReply;

enum am_owner_phase {
	AM_OWNER_AWAY,	   /* no connection, or a look is to come */
	AM_OWNER_LOOKING,  /* WATCH … is on the wire */
	AM_OWNER_TAKING,   /* MULTI … is on the wire */
	AM_OWNER_WATCHING, /* somebody else's, or halted */
	AM_OWNER_MINE,
	AM_OWNER_RELEASING,
	AM_OWNER_RELEASED,
};

struct am_owner {
	enum am_owner_phase phase;
	struct am_token token;
	char text[AM_TOKEN_TEXT_MAX];	/* mine or the one I try; "": none */
	char before[AM_TOKEN_TEXT_MAX]; /* mine, while text is being tried */
	bool held; /* was mine when I last knew; the connection may be down */
	char theirs[AM_TOKEN_TEXT_MAX]; /* the present token, as a standby */
	char beat_id[48];		/* newest beat seen */
	am_ms seen_at;			/* CLOCK_BOOTTIME of it */
	am_ms good_until;
	unsigned beats;
	struct event *tick; /* next beat, poll, take-over or second look */
	bool release;	    /* wanted, waits for the turn to end */
	void (*released)(void *arg);
	void *released_arg;
};

void am_owner_init(struct am_store *s);
void am_owner_fini(struct am_store *s);
/* The connection for turns is up / down. */
void am_owner_up(struct am_store *s);
void am_owner_down(struct am_store *s);
void am_owner_look(struct am_store *s);
/* The token is not mine any more, whoever found out. */
void am_owner_lost(struct am_store *s, const char *why);
bool am_owner_has(const struct am_store *s);
/* GET token was answered: still mine? */
void am_owner_check(struct am_store *s, const struct redisReply *token);
/* A turn ended: a release that waited for it may go. */
void am_owner_turn_over(struct am_store *s);
/* A standby's poll of the token, and its timer: the next poll or the end of the
 * wait for a beat. */
void am_owner_poll(struct am_store *s);
void am_owner_watch_on(struct am_store *s);
/* A beat was read on the other connection. */
void
am_owner_saw_beat(struct am_store *s, struct am_str id, struct am_str token);

void am_token_format(const struct am_token *t, char text[AM_TOKEN_TEXT_MAX]);
AM_MUSTCHECK int am_token_parse(struct am_str text, struct am_token *t);
