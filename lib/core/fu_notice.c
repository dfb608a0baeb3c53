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
#define STAFF (TO(OWNER) | TO(AGENT) | TO(SUPERVISOR) | TO(MANAGER) | TO(TEAM))

/* What a notice is called: its name, its precise reason; its type; to whom. */
static const struct {
	const char *name;
	enum am_reason type;
	unsigned to;
} notices[AM_NOTICES_N] = {
	[AM_NOTICE_REOPEN] = { "reopen", AM_REASON_ESCALATE, STAFF },
	[AM_NOTICE_DEADLOCK] = { "deadlock", AM_REASON_OPERATOR, STAFF },
	[AM_NOTICE_CONTRADICTION] = { "contradiction", AM_REASON_OPERATOR,
	    STAFF },
	[AM_NOTICE_RECOURSE] = { "recourse", AM_REASON_RECOURSE, TO(CUSTOMER) },
	[AM_NOTICE_EXTENDED] = { "extended", AM_REASON_INFORM, TO(CUSTOMER) },
	[AM_NOTICE_WITHDRAWN] = { "withdrawn", AM_REASON_INFORM, TO(CUSTOMER) },
	[AM_NOTICE_OUTCOME] = { "outcome", AM_REASON_INFORM, TO(CUSTOMER) },
	[AM_NOTICE_UNREACHABLE] = { "unreachable", AM_REASON_OPERATOR, STAFF },
	[AM_NOTICE_MESSAGE] = { "message", AM_REASON_OPERATOR, STAFF },
	[AM_NOTICE_UNOWNED] = { "unowned", AM_REASON_OPERATOR, STAFF },
	[AM_NOTICE_AUTOCLOSE] = { "autoclose", AM_REASON_OPERATOR, STAFF },
	[AM_NOTICE_UNCLEAR] = { "unclear", AM_REASON_ASK, TO(CUSTOMER) },
};

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

	while (i < AM_NOTICES_N && strcmp(notices[i].name, name) != 0)
		i++;
	return (enum am_notice)i;
}

bool
am_notice_is_for(enum am_notice notice, enum am_role to)
{
	return (notices[notice].to >> to & 1) != 0;
}

struct am_str
am_notice_rung_name(uint8_t rung, char name[AM_NOTICE_NAME_MAX])
{
	/* a colon is in no rung's name: the id cannot be that of a rung */
	const char *const words[] = { notices[am_notice_of(rung)].name, ":",
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
	const struct am_fu_say say = { .reason = notices[notice].name,
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
	(void)am_fu_send_notice(a, clock, rung, am_fu_channel(&way, AM_STR("")),
	    am_fu_called_by(a));
}
