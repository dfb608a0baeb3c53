/*
 * fu_notice - follow-ups that an event calls for and no rung.
 *
 * Their rung byte says which notice it is and for whom, so that nothing has to
 * be remembered for the next channel. A record of its own for each was
 * rejected: it would have to be packed, checked and dropped in step with the
 * list of what waits.
 */

#include "core/fu.h"

#include <string.h>

#include "base/str.h"

#define TO(role) (1u << AM_ROLE_##role)

/* The clocks that a notice may hang on. */
#define FINAL 1u
#define CONFIRM 2u /* the confirm stage's */
#define WORK 4u	   /* the other stages' */
#define EXTENDS 8u /* those that may be extended */
/* Where a rung gives the complaint to somebody, and the clock that runs while
 * nobody has it. */
#define UNGIVEN 16u

/* A notice's type, to whom it goes, and where; its name is its reason. */
/* clang-format off */
static const struct {
	enum am_reason type;
	unsigned to, on;
} notices[AM_NOTICES_N] = {
	[AM_NOTICE_REOPEN]	  = { AM_REASON_ESCALATE,  TO(OWNER) | TO(SUPERVISOR), WORK },
	[AM_NOTICE_DEADLOCK]	  = { AM_REASON_OPERATOR,  TO(SUPERVISOR),	       FINAL },
	[AM_NOTICE_CONTRADICTION] = { AM_REASON_OPERATOR,  TO(SUPERVISOR),	       CONFIRM | FINAL },
	[AM_NOTICE_RECOURSE]	  = { AM_REASON_RECOURSE,  TO(CUSTOMER),	       FINAL },
	[AM_NOTICE_EXTENDED]	  = { AM_REASON_INFORM,	   TO(CUSTOMER),	       EXTENDS },
	[AM_NOTICE_WITHDRAWN]	  = { AM_REASON_INFORM,	   TO(CUSTOMER),	       FINAL },
	[AM_NOTICE_OUTCOME]	  = { AM_REASON_INFORM,	   TO(CUSTOMER),	       FINAL },
	[AM_NOTICE_UNREACHABLE]	  = { AM_REASON_OPERATOR,  TO(SUPERVISOR),	       CONFIRM | FINAL },
	[AM_NOTICE_MESSAGE]	  = { AM_REASON_OPERATOR,  TO(OWNER),		       WORK | CONFIRM | FINAL },
	[AM_NOTICE_UNOWNED]	  = { AM_REASON_OPERATOR,  TO(SUPERVISOR),	       UNGIVEN },
	[AM_NOTICE_AUTOCLOSE]	  = { AM_REASON_OPERATOR,  TO(SUPERVISOR),	       CONFIRM },
	[AM_NOTICE_UNCLEAR]	  = { AM_REASON_ASK,	   TO(CUSTOMER),	       CONFIRM },
};
/* clang-format on */

enum am_notice
am_notice_of(uint8_t rung)
{
	return (enum am_notice)((rung - AM_RUNG_NOTICE) / 8);
}

enum am_role
am_notice_role(uint8_t rung)
{
	return (enum am_role)((rung - AM_RUNG_NOTICE) % 8);
}

enum am_notice
am_notice_parse(const char *name)
{
	size_t i = 0;

	while (i < AM_NOTICES_N && strcmp(am_saying_str(i), name) != 0)
		i++;
	return (enum am_notice)i;
}

bool
am_notice_is_for(enum am_notice notice, enum am_role to)
{
	return (notices[notice].to >> to & 1) != 0;
}

enum am_reason
am_notice_type(enum am_notice notice)
{
	return notices[notice].type;
}

static bool
is_ungiven(const struct am_loopdef *def, size_t clock)
{
	const struct am_clockdef *d = &def->clocks[clock];

	for (size_t i = 0; i < d->rungs_n; i++) {
		if (d->rungs[i].action == AM_ACTION_REASSIGN)
			return true;
	}
	return clock == AM_CLOCK_UNOWNED && d->in_use;
}

bool
am_notice_hangs_on(
    const struct am_loopdef *def, enum am_notice notice, size_t clock)
{
	size_t stages = AM_CLOCK_STAGE0 + def->stages_n;
	unsigned is = 0;

	if (clock == AM_CLOCK_FINAL)
		is |= FINAL;
	if (clock >= AM_CLOCK_STAGE0 && clock < stages)
		is |= clock + 1 == stages ? CONFIRM : WORK;
	if (clock < AM_CLOCK_CALLBACK && clock != AM_CLOCK_AFTERCARE &&
	    clock != AM_CLOCK_FINAL && def->clocks[clock].in_use)
		is |= EXTENDS;
	if (is_ungiven(def, clock))
		is |= UNGIVEN;
	return (notices[notice].on & is) != 0;
}

struct am_str
am_notice_rung_name(uint8_t rung, char name[AM_NOTICE_NAME_MAX])
{
	/* a colon is in no rung's name: the id cannot be that of a rung */
	const char *const words[] = { am_saying_str(am_notice_of(rung)), ":",
		am_role_str(am_notice_role(rung)) };
	size_t n = 0;

	for (size_t i = 0; i < AM_COUNT(words); i++) {
		size_t len = strlen(words[i]);

		AM_ASSERT(n + len < AM_NOTICE_NAME_MAX);
		memcpy(name + n, words[i], len);
		n += len;
	}
	return (struct am_str){ name, n };
}

bool
am_fu_send_notice(struct am_act *a, size_t clock, uint8_t rung,
    const struct am_via *via, uint64_t cause)
{
	enum am_notice notice = am_notice_of(rung);
	const struct am_fu_say say = { .reason = am_saying_str(notice),
		.message = a->def->sayings[notice].message,
		.about = notice };
	struct am_followup *f = am_fu_make(a, clock, rung, am_fu_called_at(a));

	f->rung_name = am_notice_rung_name(
	    rung, am_arena_alloc(a->up->arena, AM_NOTICE_NAME_MAX));
	f->reason = notices[notice].type;
	return am_fu_put(a, f, via, cause, &say);
}

void
am_fu_notice(
    struct am_act *a, size_t clock, enum am_notice notice, enum am_role to)
{
	uint8_t rung = am_notice_rung(notice, to);
	struct am_fu_way way = am_fu_way(a->def, &a->up->next, clock, rung);

	AM_ASSERT(am_notice_is_for(notice, to) &&
		  am_notice_hangs_on(a->def, notice, clock));
	(void)am_fu_send_notice(a, clock, rung, am_fu_channel(&way, AM_STR("")),
	    am_fu_called_by(a));
}
