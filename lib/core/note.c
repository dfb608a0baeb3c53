/*
 * note - what a journal line and the feed say that was done: the closed list.
 *
 * docs/events.md is made from it, and the random histories check that nothing
 * else is ever said.
 */

#include <amends/step.h>

/* clang-format off */
static const struct am_note_view views[] = {
	{ "complaint.opened",
	    "It is open: loop, tier, category, owner; repeat_of when it is a repeat." },
	{ "complaint.updated",
	    "A fact has changed; tier and tier_was when the tier has." },
	{ "complaint.acknowledged",
	    "The customer has been answered; late says whether in time." },
	{ "complaint.held",
	    "The stages' clocks stand still: reason, waiting_on, until." },
	{ "complaint.resumed",
	    "They run again: reason, and since when they stood." },
	{ "complaint.linked",
	    "It is tied to another complaint or to an incident." },
	{ "complaint.rejected",
	    "It is not upheld; it closes when the recourse notice was delivered." },
	{ "complaint.reopened",
	    "A person reopened it." },
	{ "stage.entered",
	    "A stage begins: its due and its owner." },
	{ "stage.met",
	    "A stage is done: how (done, ahead, owed, implied), late or not." },
	{ "stage.missed",
	    "A stage was not done by its due." },
	{ "stage.owed",
	    "A later stage was done first; this one is still owed." },
	{ "stage.waived",
	    "A stage was let off by the approver." },
	{ "deadline.warned",
	    "A share of a budget (pct) is gone." },
	{ "deadline.missed",
	    "A clock has lapsed: due_at, fired_at." },
	{ "deadline.moved",
	    "A due has changed: old, new, reason (extension, tier, a calendar, a migration)." },
	{ "rung.fired",
	    "A rung that is no warning, lapse or escalation: a call, a reminder." },
	{ "escalation.raised",
	    "A rung behind the lapse has fired: to whom." },
	{ "owner.changed",
	    "Somebody else has it: from, to, role, reason." },
	{ "owner.recused",
	    "Somebody named in respondents was not taken." },
	{ "owner.unassignable",
	    "A rung had nobody to give it to." },
	{ "confirmation.requested",
	    "The customer is asked." },
	{ "callback.attempted",
	    "An attempt to reach the customer: outcome, part of the day, misses." },
	{ "customer.answered",
	    "The customer's verdict, and its effect." },
	{ "customer.message",
	    "The customer wrote." },
	{ "customer.unreachable",
	    "No channel took the written notice: a person decides." },
	{ "customer.erased",
	    "The personal data have left." },
	{ "contact.opted_out",
	    "Nothing more to an address on that channel." },
	{ "contact.opted_in",
	    "That address may be written to again." },
	{ "improvement.recorded",
	    "A mark to measure from." },
	{ "silence.started",
	    "The written notice was delivered; the window runs." },
	{ "silence.over",
	    "The window has ended: it closes, or a person is told why not." },
	{ "recourse.notified",
	    "The recourse notice was delivered." },
	{ "recourse.failed",
	    "It could be delivered by no channel." },
	{ "followup.queued",
	    "A follow-up goes out: endpoint, role, reason; held and until when it waits." },
	{ "followup.waiting",
	    "It was to go out and waits already." },
	{ "followup.accepted",
	    "A provider has taken it." },
	{ "followup.delivered",
	    "It was delivered; late when its stage was over." },
	{ "followup.failed",
	    "A provider could not deliver it." },
	{ "followup.suppressed",
	    "It was not sent: superseded, collapsed, withdrawn, cancelled …" },
	{ "followup.expired",
	    "It was not sent in time." },
	{ "followup.dead",
	    "It was given up; it can be replayed." },
	{ "loop.reopened",
	    "The next cycle begins: cycle, stage, tier, owner." },
	{ "loop.migrated",
	    "It goes on under another definition: from, to, by." },
	{ "loop.closed",
	    "It has its end: outcome, verdict of its clocks, by." },
	{ "event.ignored",
	    "An event changed nothing, by rule: its code (docs/states.md)." },
};
/* clang-format on */

bool
am_note_at(size_t i, struct am_note_view *view)
{
	if (i >= AM_COUNT(views))
		return false;
	*view = views[i];
	return true;
}
