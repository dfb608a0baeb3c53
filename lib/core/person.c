/*
 * person - see person.h. Names only: by what a person is reached stands in
 * conf, which the core does not see.
 */

#include "core/person.h"

#include "base/str.h"
#include "core/act.h"
#include "core/quiet.h"

struct am_str
am_person_holding(const struct am_loopdef *def, const struct am_complaint *c,
    enum am_role role)
{
	const struct am_holders *h = &def->holders[role];

	if (role == AM_ROLE_SUPERVISOR && c->supervisor.n > 0 &&
	    !am_act_is_respondent(c, c->supervisor))
		return c->supervisor;
	if (role == AM_ROLE_TEAM && c->team.n > 0 &&
	    !am_act_is_respondent(c, c->team))
		return c->team;
	for (size_t i = 0; i < h->n; i++) {
		struct am_str who = am_str_c(h->person[i]);

		if (!am_act_is_respondent(c, who))
			return who;
	}
	return AM_STR("");
}

struct am_str
am_person_told(const struct am_loopdef *def, const struct am_complaint *c,
    enum am_role role)
{
	struct am_str who;

	if (role == AM_ROLE_CUSTOMER)
		return AM_STR("");
	if (role != AM_ROLE_OWNER && role != AM_ROLE_AGENT)
		return am_person_holding(def, c, role);
	if (c->owner.n > 0)
		return c->owner;
	who = am_person_holding(def, c, role);
	return who.n > 0 ? who : am_person_holding(def, c, AM_ROLE_SUPERVISOR);
}

const struct am_zone *
am_person_zone(const struct am_loopdef *def, const struct am_complaint *c,
    enum am_role role)
{
	const struct am_zone *zone = NULL;

	if (role == AM_ROLE_CUSTOMER)
		return am_customer_zone(def, c);
	if (def->person_zone != NULL)
		zone =
		    def->person_zone(def->people, am_person_told(def, c, role));
	return zone != NULL ? zone : def->zone;
}
