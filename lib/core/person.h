#pragma once

/*
 * person - who stands for a role in a complaint, and whose wall clock it is
 * (layer: core), pure.
 */

#include <amends/complaint.h>

/* Whom a rung gives it to: the supervisor or team of the complaint, else of
 * those whom conf names for the role the first, never a respondent; "" nobody.
 */
struct am_str am_person_holding(const struct am_loopdef *def,
    const struct am_complaint *c, enum am_role role);
/* Who is told what is for that role of the staff: what an owner should hear
 * goes to the supervisor while there is none. "" nobody, and for the customer.
 */
struct am_str am_person_told(const struct am_loopdef *def,
    const struct am_complaint *c, enum am_role role);
/* The zone in which that role lives: the customer's tz, the person's own, else
 * the loop's. */
const struct am_zone *am_person_zone(const struct am_loopdef *def,
    const struct am_complaint *c, enum am_role role);
