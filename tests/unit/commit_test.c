/* commit: what one step writes, read back from a real server. */

#include "store_fixture.h"

#include "base/str.h"
#include "codec/record.h"

#include <amends/step.h>

#include <inttypes.h>

static struct am_update update;
static struct am_followup sms, first, second;
static struct am_fu_change change;
static struct am_note notes[2];
static struct am_tally tallies[2];
static struct am_fu_record row;

static struct am_complaint
plain(const char *id)
{
	return (struct am_complaint){ .id = am_str_c(id),
		.loop_ref = AM_STR("complaint@0123456789ab"),
		.status = AM_OPEN,
		.cycle = 1,
		.version = 1,
		.seq = 1,
		.opened_at = 1700000000000,
		.owner = AM_STR("agent-7"),
		.category = AM_STR("billing") };
}

static struct am_followup
followup(uint8_t n, const char *endpoint)
{
	struct am_followup f = { .rung = n,
		.cycle = 1,
		.endpoint = am_str_c(endpoint),
		.rung_name = AM_STR("lapse"),
		.due_at = 1000,
		.fired_at = 2000,
		.queued = true,
		.body = AM_STR("{\"type\":\"followup.lapse\"}") };

	f.id[15] = n;
	return f;
}

static const char *
fu_key(const char *kind, uint8_t n)
{
	static char keys[4][96];
	static unsigned at;
	char *key = keys[at++ % 4];
	uint8_t id[16] = { [15] = n };
	char text[AM_FU_ID_LEN + 1];

	am_fu_id_format(id, text);
	snprintf(key, sizeof keys[0], "{complaints}:%s:%s", kind, text);
	return key;
}

static void
fill_step(struct probe *p, struct am_commit *c)
{
	struct am_complaint none = { .id = AM_STR("C-1") };

	(void)p;
	am_commit_update(c, &none, &update, 2, AM_STR("trace"));
}

static void
step_of(const char *id)
{
	memset(&update, 0, sizeof update);
	update.verdict = AM_APPLIED;
	update.changed = true;
	update.next = plain(id);
	update.line = AM_STR("{\"seq\":1}");
	update.wake_at = 1700000360000;
	notes[0] = (struct am_note){ .next = &notes[1],
		.name = "complaint.opened",
		.pairs = { { AM_STR("stage"), AM_STR("listen") } },
		.pairs_n = 1 };
	notes[1] = (struct am_note){ .name = "clock.started" };
	update.notes = notes;
	tallies[0] = (struct am_tally){
		.next = &tallies[1], .field = "open", .delta = 1
	};
	tallies[1] = (struct am_tally){
		.day = "20261121", .field = "opened", .delta = 1
	};
	update.tallies = tallies;
}

static void
open_shard(struct probe *p)
{
	probe_start(p, "a");
	probe_until(p, AM_SHARD_RUNNING);
}

static void
assert_owner(const char *owner)
{
	redisReply *r = ctl_reply("GET {complaints}:c:C-1");
	struct am_complaint back;
	struct am_arena a;

	am_arena_init(&a, 0);
	assert_int_equal(
	    am_record_unpack(AM_STR("C-1"), am_reply_str(r), &a, &back), 0);
	assert_true(am_str_is(back.owner, owner));
	am_arena_fini(&a);
	freeReplyObject(r);
}

/* LC1, AU1: record, wake-up, journal, feed and figures are one commit. */
static void
test_commit_when_opened_then_all_effects_are_there(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(p.wake, 1700000360000);
	assert_owner("agent-7");
	assert_string_equal(
	    ctl_str("ZSCORE {complaints}:wake C-1"), "1700000360000");
	assert_string_equal(
	    ctl_str("LINDEX {complaints}:log:C-1 0"), "{\"seq\":1}");
	assert_int_equal(ctl_int("XLEN {complaints}:feed"), 1);
	assert_int_equal(ctl_int("HGET {complaints}:tally open"), 1);
	assert_int_equal(ctl_int("HGET {complaints}:kpi:20261121 opened"), 1);
	probe_stop(&p);
}

static void
fill_twice(struct probe *p, struct am_commit *c)
{
	fill_step(p, c);
	update.next.owner = AM_STR("agent-8");
	update.line = AM_STR("{\"seq\":2}");
	update.wake_at = AM_NEVER;
	fill_step(p, c);
}

static void
test_commit_when_stepped_twice_then_last_record_and_both_lines(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_twice), 0);
	assert_int_equal(p.wake, AM_NEVER);
	assert_string_equal(ctl_str("ZSCORE {complaints}:wake C-1"), "inf");
	assert_int_equal(ctl_int("LLEN {complaints}:log:C-1"), 2);
	assert_int_equal(ctl_int("HGET {complaints}:tally open"), 2);
	assert_owner("agent-8");
	probe_stop(&p);
}

/* The row of a follow-up ends with its body. */
static void
assert_body(const char *row_key, const char *body)
{
	redisReply *r = ctl_reply("GET %s", row_key);
	size_t n = strlen(body);

	assert_true(r->len > n);
	assert_memory_equal(r->str + r->len - n, body, n);
	freeReplyObject(r);
}

/* FU1: row, body and outbox; one that waits for another has no score. */
static void
test_commit_when_rungs_fire_then_outbox_holds_what_is_queued(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	first = followup(1, "crm");
	second = followup(2, "crm");
	sms = followup(3, "");
	first.next = &second;
	second.next = &sms;
	second.queued = false;
	sms.dead = true;
	sms.dead_reason = "no_address";
	update.followups = &first;
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(ctl_int("ZCARD {complaints}:out:crm"), 1);
	assert_int_equal(ctl_int("SISMEMBER {complaints}:outs crm"), 1);
	assert_int_equal(ctl_int("EXISTS %s", fu_key("fu", 2)), 1);
	assert_body(fu_key("fu", 2), "{\"type\":\"followup.lapse\"}");
	assert_int_equal(ctl_int("EXISTS %s", fu_key("fu", 3)), 0);
	assert_int_equal(ctl_int("XLEN {complaints}:dead"), 1);

	/* the first is superseded, the second let in */
	step_of("C-1");
	change = (struct am_fu_change){ .endpoint = AM_STR("crm"),
		.state = "suppressed",
		.reason = "superseded" };
	change.id[15] = 1;
	struct am_fu_change in = {
		.endpoint = AM_STR("crm"), .release = true, .at = 3000
	};
	in.id[15] = 2;
	change.next = &in;
	update.changes = &change;
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(ctl_int("EXISTS %s", fu_key("fu", 1)), 0);
	assert_int_equal(ctl_int("ZCARD {complaints}:out:crm"), 1);
	assert_string_equal(ctl_str("ZSCORE {complaints}:out:crm %s",
				fu_key("fu", 2) + strlen("{complaints}:fu:")),
	    "3000");
	probe_stop(&p);
}

/* TI4: a class has an outbox of its own, from its firing to its end. */
static void
test_commit_when_of_a_class_then_all_happens_in_its_outbox(void **state)
{
	struct probe p;
	redisReply *r;

	(void)state;
	step_of("C-1");
	first = followup(1, "crm");
	second = followup(2, "crm");
	first.class = 2;
	second.class = 3;
	second.queued = false;
	first.next = &second;
	update.followups = &first;
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(ctl_int("ZCARD {complaints}:out:crm:2"), 1);
	assert_int_equal(ctl_int("EXISTS {complaints}:out:crm"), 0);
	r = ctl_reply("SMEMBERS {complaints}:outs");
	assert_int_equal(r->elements, 1);
	assert_string_equal(r->element[0]->str, "crm:2");
	freeReplyObject(r);

	/* the first leaves its own, the second is let into its own */
	step_of("C-1");
	change = (struct am_fu_change){ .endpoint = AM_STR("crm"),
		.class = 2,
		.state = "suppressed",
		.reason = "superseded" };
	change.id[15] = 1;
	struct am_fu_change in = { .endpoint = AM_STR("crm"),
		.class = 3,
		.release = true,
		.at = 3000 };
	in.id[15] = 2;
	change.next = &in;
	update.changes = &change;
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(ctl_int("EXISTS {complaints}:out:crm:2"), 0);
	assert_int_equal(ctl_int("ZCARD {complaints}:out:crm:3"), 1);
	probe_stop(&p);
}

static void
fill_dead(struct probe *p, struct am_commit *c)
{
	(void)p;
	am_commit_fu_dead(c, &row, "max_age");
	am_commit_ask_out(c, "crm");
}

static void
fill_set_row(struct probe *p, struct am_commit *c)
{
	(void)p;
	am_commit_fu_set(c, &row, 5000);
}

/* FU3: what is given up goes to the dead with its body. */
static void
test_commit_when_given_up_then_dead_letter_keeps_it(void **state)
{
	struct probe p;
	redisReply *r;

	(void)state;
	memset(&row, 0, sizeof row);
	row.id[15] = 7;
	row.complaint = AM_STR("C-1");
	row.endpoint = AM_STR("crm");
	row.attempts_total = 4;
	row.body = AM_STR("{}");
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_set_row), 0);
	assert_int_equal(ctl_int("EXISTS %s", fu_key("fu", 7)), 1);
	assert_int_equal(probe_commit(&p, fill_dead), 0);
	assert_int_equal(ctl_int("EXISTS %s", fu_key("fu", 7)), 0);
	assert_int_equal(ctl_int("ZCARD {complaints}:out:crm"), 0);
	r = ctl_reply("XRANGE {complaints}:dead - +");
	assert_int_equal(r->elements, 1);
	assert_string_equal(
	    r->element[0]->element[1]->element[7]->str, "max_age");
	assert_string_equal(r->element[0]->element[1]->element[11]->str, "4");
	freeReplyObject(r);
	probe_stop(&p);
}

static const struct am_reject why = { .code = "bad_value",
	.field = AM_STR("score"),
	.text = "is 9; must be 1 to 5" };
static struct am_entry entry;

static void
fill_reject(struct probe *p, struct am_commit *c)
{
	(void)p;
	am_commit_reject(c, &entry, &why);
}

/* IN4, P1: the bytes of what cannot be applied are kept, cut at 64 KiB. */
static void
test_commit_when_rejected_then_bytes_are_kept(void **state)
{
	struct probe p;
	static char big[200000];
	struct am_pair pairs[2] = { { AM_STR("event"), AM_STR("x") },
		{ AM_STR("blob"), { big, sizeof big } } };
	redisReply *r, *f;

	(void)state;
	memset(big, 'b', sizeof big);
	entry = (struct am_entry){ .id = AM_STR("5-1"),
		.fields = pairs,
		.n = 2,
		.bytes = 5 + 1 + 4 + sizeof big };
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_reject), 0);
	r = ctl_reply("XRANGE {complaints}:rejects - +");
	assert_int_equal(r->elements, 1);
	f = r->element[0]->element[1];
	assert_string_equal(f->element[1]->str, "5-1");
	assert_string_equal(f->element[3]->str, "bad_value");
	assert_string_equal(f->element[11]->str, "200010");
	assert_int_equal(f->element[13]->len, 64);
	assert_string_equal(f->element[14]->str, "cut");
	assert_string_equal(f->element[16]->str, "f.event");
	assert_int_equal(f->element[19]->len, 65536 - 5 - 1 - 4);
	freeReplyObject(r);
	probe_stop(&p);
}

static void
fill_pii(struct probe *p, struct am_commit *c)
{
	static const struct am_pair pairs[] = {
		{ AM_STR("customer.phone"), AM_STR("+8613800138000") },
	};

	fill_step(p, c);
	am_commit_pii(c, AM_STR("C-1"), pairs, 1);
}

static void
fill_erased(struct probe *p, struct am_commit *c)
{
	update.erase = true;
	fill_step(p, c);
	update.erase = false;
	fill_pii(p, c); /* of an event in the same batch: it goes, too */
}

/* AU6: personal data leave, record and journal stay. */
static void
test_commit_when_erased_then_only_personal_data_leave(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_pii), 0);
	assert_int_equal(ctl_int("EXISTS {complaints}:pii:C-1"), 1);
	assert_int_equal(probe_commit(&p, fill_erased), 0);
	assert_int_equal(ctl_int("EXISTS {complaints}:pii:C-1"), 0);
	assert_int_equal(
	    ctl_int("EXISTS {complaints}:c:C-1 {complaints}:log:C-1"), 2);
	probe_stop(&p);
}

static void
fill_copy(struct probe *p, struct am_commit *c)
{
	static const struct am_pair own[] = {
		{ AM_STR("summary"), AM_STR("again") },
	};

	(void)p;
	am_commit_pii_copy(c, AM_STR("C-1"), AM_STR("C-2"));
	am_commit_pii(c, AM_STR("C-2"), own, 1);
	am_commit_pii_copy(c, AM_STR("none"), AM_STR("C-3"));
}

/* IN5: what is opened without a customer has the one of the earlier one. */
static void
test_commit_when_copied_then_own_fields_stand_above(void **state)
{
	struct probe p;

	(void)state;
	open_shard(&p);
	ctl("HSET {complaints}:pii:C-1 customer.phone +86 summary first");
	assert_int_equal(probe_commit(&p, fill_copy), 0);
	assert_string_equal(
	    ctl_str("HGET {complaints}:pii:C-2 customer.phone"), "+86");
	assert_string_equal(
	    ctl_str("HGET {complaints}:pii:C-2 summary"), "again");
	assert_string_equal(
	    ctl_str("HGET {complaints}:pii:C-1 summary"), "first");
	assert_int_equal(ctl_int("EXISTS {complaints}:pii:C-3"), 0);
	probe_stop(&p);
}

static struct am_emit emits[2];

static void
emits_of_update(void)
{
	emits[0] = (struct am_emit){ .next = &emits[1],
		.type = AM_EV_OPENED,
		.complaint_id = AM_STR("C-2"),
		.event_id = AM_STR("C-1/00/complaint.opened/0"),
		.pairs = { { AM_STR("repeat_of"), AM_STR("C-1") } },
		.pairs_n = 1 };
	emits[1] = (struct am_emit){ .type = AM_EV_LINKED,
		.complaint_id = AM_STR("C-0"),
		.event_id = AM_STR("C-1/00/complaint.linked/1") };
	update.emits = &emits[0];
}

static void
assert_emitted(void)
{
	static const char *const want[] = { "event", "complaint.opened",
		"complaint_id", "C-2", "event_id", "C-1/00/complaint.opened/0",
		"source", "amends", "repeat_of", "C-1" };
	redisReply *r = ctl_reply("XRANGE complaints - +"), *f;

	assert_int_equal(r->elements, 2);
	f = r->element[0]->element[1];
	assert_int_equal(f->elements, AM_COUNT(want));
	for (size_t i = 0; i < AM_COUNT(want); i++)
		assert_string_equal(f->element[i]->str, want[i]);
	assert_int_equal(r->element[1]->element[1]->elements, 8);
	freeReplyObject(r);
}

/* IN5, LC: an event for another complaint is in the same commit. */
static void
test_commit_when_step_emits_then_stream_has_it(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	emits_of_update();
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_emitted();
	probe_stop(&p);
}

static void
fill_full(struct probe *p, struct am_commit *c)
{
	fill_step(p, c);
	fill_copy(p, c);
	am_commit_must_go_on(c);
}

static void
test_commit_when_full_then_emits_and_copies_go_by_script(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	emits_of_update();
	update.erase = true;
	open_shard(&p);
	ctl("HSET {complaints}:pii:C-1 customer.phone +86");
	ctl("CONFIG SET maxmemory 1");
	assert_int_equal(probe_commit(&p, fill_full), 0);
	assert_emitted();
	assert_string_equal(
	    ctl_str("HGET {complaints}:pii:C-2 customer.phone"), "+86");
	assert_int_equal(ctl_int("EXISTS {complaints}:pii:C-1"), 0);
	probe_stop(&p);
}

/* AU5: what is forgotten leaves whole. */
static void
test_commit_when_forgotten_then_nothing_of_it_is_left(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_pii), 0);
	assert_int_equal(ctl_int("EXISTS {complaints}:c:C-1 "
				 "{complaints}:pii:C-1 {complaints}:log:C-1"),
	    3);
	update.forget = true;
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(ctl_int("EXISTS {complaints}:c:C-1 "
				 "{complaints}:pii:C-1 {complaints}:log:C-1"),
	    0);
	assert_int_equal(ctl_int("ZCARD {complaints}:wake"), 0);
	probe_stop(&p);
}

static void
fill_parked(struct probe *p, struct am_commit *c)
{
	fill_step(p, c);
	am_commit_park(c, AM_STR("C-1"), "newer record");
}

static void
test_commit_when_parked_then_out_of_wake(void **state)
{
	struct probe p;

	(void)state;
	step_of("C-1");
	open_shard(&p);
	assert_int_equal(probe_commit(&p, fill_step), 0);
	assert_int_equal(probe_commit(&p, fill_parked), 0);
	assert_int_equal(ctl_int("SISMEMBER {complaints}:parked C-1"), 1);
	assert_int_equal(ctl_int("ZCARD {complaints}:wake"), 0);
	probe_stop(&p);
}

static void
fill_trim(struct probe *p, struct am_commit *c)
{
	fill_taken(p, c);
	am_commit_trim(c, am_clock_wall() + AM_DAY);
}

/* Never past the cursor, though the clock says that all is old. */
static void
test_commit_when_trimmed_then_unread_entries_stay(void **state)
{
	struct probe p;

	(void)state;
	for (int i = 1; i <= 500; i++)
		ctl("XADD complaints %d-1 event x", i);
	open_shard(&p);
	taken_id = AM_STR("250-1");
	taken_n = 250;
	assert_int_equal(probe_commit(&p, fill_trim), 0);
	assert_int_equal(ctl_int("XLEN complaints"), 251);
	assert_string_equal(
	    ctl_str("EVAL %s 1 complaints",
		"return redis.call('XRANGE', KEYS[1], '250-1', '250-1')[1][1]"),
	    "250-1");
	probe_stop(&p);
}

/* More than a script can hand on in one command: all digests of a large
 * incident may go out in one turn. */
#define MANY 5000

static void
fill_many(struct probe *p, struct am_commit *c)
{
	static char ids[MANY][16];

	for (int i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof ids[i], "C-%d", i);
		step_of(ids[i]);
		fill_step(p, c);
	}
	am_commit_must_go_on(c);
}

/* The script's form of a whole batch writes the same. */
static void
test_commit_when_full_then_whole_batch_goes_by_script(void **state)
{
	struct probe p;

	(void)state;
	open_shard(&p);
	ctl("CONFIG SET maxmemory 1");
	assert_int_equal(probe_commit(&p, fill_many), 0);
	assert_int_equal(p.wake, 1700000360000);
	assert_int_equal(ctl_int("ZCARD {complaints}:wake"), MANY);
	assert_int_equal(ctl_int("XLEN {complaints}:feed"), MANY);
	assert_int_equal(ctl_int("HGET {complaints}:tally open"), MANY);
	probe_stop(&p);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_commit_when_opened_then_all_effects_are_there),
		T(test_commit_when_stepped_twice_then_last_record_and_both_lines),
		T(test_commit_when_rungs_fire_then_outbox_holds_what_is_queued),
		T(test_commit_when_of_a_class_then_all_happens_in_its_outbox),
		T(test_commit_when_given_up_then_dead_letter_keeps_it),
		T(test_commit_when_rejected_then_bytes_are_kept),
		T(test_commit_when_forgotten_then_nothing_of_it_is_left),
		T(test_commit_when_erased_then_only_personal_data_leave),
		T(test_commit_when_copied_then_own_fields_stand_above),
		T(test_commit_when_step_emits_then_stream_has_it),
		T(test_commit_when_full_then_emits_and_copies_go_by_script),
		T(test_commit_when_parked_then_out_of_wake),
		T(test_commit_when_trimmed_then_unread_entries_stay),
		T(test_commit_when_full_then_whole_batch_goes_by_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
