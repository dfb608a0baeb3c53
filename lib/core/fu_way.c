/*
 * fu_way - to whom a follow-up goes and by which channels.
 *
 * Nothing of it is stored: role and channels follow from the clock and the
 * rung, so that a channel that fails is followed by the next of the same list,
 * each once.
 */

#include "core/fu.h"
#include "core/person.h"
#include "core/quiet.h"

#include "base/str.h"

static const struct am_rungdef *
rung_of(const struct am_loopdef *def, size_t clock, uint8_t rung)
{
	const struct am_clockdef *d = &def->clocks[clock];

	return rung < d->rungs_n ? &d->rungs[rung] : NULL;
}

/* A hold reminds whom it waits for: the customer, else who looks after it. */
enum am_role
am_fu_role(const struct am_loopdef *def, const struct am_complaint *c,
    size_t clock, uint8_t rung)
{
	const struct am_rungdef *r = rung_of(def, clock, rung);

	if (rung >= AM_RUNG_NOTICE)
		return am_notice_role(rung);
	if (r == NULL)
		return AM_ROLE_OWNER;
	if (clock == AM_CLOCK_HOLD && r->to == AM_ROLE_CUSTOMER &&
	    (c->flags & AM_CF_WAITS_CUSTOMER) == 0)
		return AM_ROLE_OWNER;
	return r->to;
}

bool
am_fu_is_recourse(const struct am_loopdef *def, size_t clock, uint8_t rung)
{
	const struct am_rungdef *r = rung_of(def, clock, rung);

	if (rung >= AM_RUNG_NOTICE)
		return am_notice_of(rung) == AM_NOTICE_RECOURSE &&
		       am_notice_role(rung) == AM_ROLE_CUSTOMER;
	return r != NULL && r->reason == AM_REASON_RECOURSE &&
	       r->to == AM_ROLE_CUSTOMER;
}

/* ---- channels ---- */

static const struct am_via *
first_usable(const struct am_via *via, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (via[i].exists && via[i].usable)
			return &via[i];
	}
	return NULL;
}

/* How far from the role a rung may be for its channels to be borrowed: its own
 * role's, another's of staff for staff (customers' channels do not know them),
 * any. */
enum near { NEAR_ROLE, NEAR_SIDE, NEAR_ANY };

static bool
is_near(const struct am_rungdef *r, const struct am_complaint *c,
    enum am_role to, enum near near)
{
	switch (near) {
	case NEAR_ROLE:
		return r->to == to && (r->except_tiers >> c->tier & 1) == 0;
	case NEAR_SIDE:
		return (r->to == AM_ROLE_CUSTOMER) == (to == AM_ROLE_CUSTOMER);
	default:
		return true;
	}
}

/*
 * The loop has no channels for this, but it has rungs for the role: the first
 * with a way out, on the clock itself, then on any clock; then one for others
 * of its side; then any way at all.
 */
static const struct am_rungdef *
way_to(const struct am_loopdef *def, const struct am_complaint *c, size_t clock,
    enum am_role to, enum near near)
{
	for (size_t i = 0; i <= AM_CLOCKS_MAX; i++) {
		const struct am_clockdef *d =
		    &def->clocks[i == 0 ? clock : i - 1];

		for (size_t k = 0; k < d->rungs_n; k++) {
			const struct am_rungdef *r = &d->rungs[k];

			if (first_usable(r->via, r->via_n) != NULL &&
			    is_near(r, c, to, near))
				return r;
		}
	}
	return near == NEAR_ANY ? NULL : way_to(def, c, clock, to, near + 1);
}

/* Clocks that a rule starts: their rungs need no channels of their own. */
static bool
borrows_channels(size_t clock)
{
	return clock == AM_CLOCK_CALLBACK || clock == AM_CLOCK_SILENCE ||
	       clock == AM_CLOCK_HOLD;
}

struct am_fu_way
am_fu_way(const struct am_loopdef *def, const struct am_complaint *c,
    size_t clock, uint8_t rung)
{
	const struct am_rungdef *r = rung_of(def, clock, rung);
	struct am_fu_way way = { .to = am_fu_role(def, c, clock, rung) };

	if (r != NULL && r->via_n == 0 &&
	    (r->action != AM_ACTION_NONE || !borrows_channels(clock))) {
		way.mute = true;
		return way;
	}
	if (r == NULL || r->via_n == 0 || r->to != way.to)
		r = way_to(def, c, clock, way.to, NEAR_ROLE);
	if (r != NULL) {
		way.via = r->via;
		way.n = r->via_n;
	}
	return way;
}

const struct am_via *
am_fu_channel(const struct am_fu_way *way, struct am_str after)
{
	size_t i = 0;

	if (after.n > 0) {
		while (i < way->n && !am_str_is(after, way->via[i].endpoint))
			i++;
		i += i < way->n;
	}
	return i < way->n ? first_usable(way->via + i, way->n - i) : NULL;
}

am_ms
am_fu_opening(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_via *via, enum am_role to, am_ms t)
{
	if (to != AM_ROLE_CUSTOMER && (c->flags & AM_CF_EMERGENCY) != 0)
		return t;
	return am_quiet_end(via->quiet, am_person_zone(def, c, to), t);
}

am_ms
am_fu_waiting_opening(const struct am_loopdef *def,
    const struct am_complaint *c, const struct am_waiting *w, am_ms t)
{
	struct am_fu_way way = am_fu_way(def, c, w->clock, w->rung);

	for (size_t i = 0; i < way.n; i++) {
		if (am_str_is(w->endpoint, way.via[i].endpoint))
			return am_fu_opening(def, c, &way.via[i], way.to, t);
	}
	return t;
}
