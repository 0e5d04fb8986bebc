"""Write the replies to a response: its effect, or how the approval had been decided."""

from __future__ import annotations

from approvals.domain import form_wording, policy_change_wording, wording
from approvals.domain.delegate_wording import for_owner_of
from approvals.domain.eligibility import own_response
from approvals.domain.form_changes import differing
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval, Response
from approvals.domain.parts import Moment, Text, join_texts, text

USED = "You withdrew this response after you sent it, so nothing changed. You can respond again."
WITHDRAWN = "Your response is withdrawn."
_RECORDED = "Your response is recorded"
_RECORDED_BEFORE = "Your response was already recorded"
_SAID = {
    Verdict.ANSWERED_OTHERWISE: "You already responded differently. Withdraw that response first.",
    Verdict.ALREADY_USED: USED,
}


def response_reply(judgement: Judgement, response: Response) -> Text:
    """Return the effect of a person's response."""
    approval = judgement.approval
    if approval.decision:
        return late_reply(approval, response)
    match judgement.verdict:
        case Verdict.EXTENDED:
            said = text("The new deadline is ", Moment(approval.deadline), ".")
        case Verdict.INCOMPLETE:
            said = text(" ".join(problem.text for problem in judgement.problems))
        case Verdict.RESET:
            said = join_texts([_with_counts(_RECORDED, approval), form_wording.again_sentence(approval)])
        case Verdict.COUNTED:
            said = text(_with_counts(f"{_RECORDED}{for_owner_of(approval, response.approver)}", approval))
        case Verdict.REPEATED:
            said = text(_with_counts(_RECORDED_BEFORE, approval))
        case Verdict.WITHDRAWN:
            said = text(f"{WITHDRAWN} {wording.still_open(approval)}")
        case Verdict.OUTDATED:
            said = text(form_wording.outdated_sentence(approval))
        case Verdict.ALREADY_USED if why := policy_change_wording.outdated_notice(approval, response.approver):
            said = text(why)
        case verdict:
            said = text(_SAID.get(verdict, "Nothing changed."))
    return join_texts([wording.quoted_title(approval), said])


def late_reply(approval: Approval, response: Response) -> Text:
    """Return how the approval was decided, for a person whose response came after that."""
    decision = wording.decision_of(approval)
    own = own_response(approval, response.approver)
    if own:
        first = f"{_RECORDED_BEFORE}." if own.action is response.action else "Your first response is recorded."
    elif decision.approver is None:
        first = "Your response came too late."
    else:
        other = response.form != decision.form if decision.override else bool(differing(approval, response))
        agreed = decision.status is response.action.status and not other
        decided = f"the {words_of(approval).request} is already decided"
        first = "Already decided, with the same result." if agreed else f"Your response was not recorded: {decided}."
    return join_texts([wording.quoted_title(approval), first, wording.outcome(approval)])


def _with_counts(said: str, approval: Approval) -> str:
    """Return the sentence with the counts of responses, if several decide."""
    counts = ", ".join(wording.counts(approval))
    return f"{said}: {counts}." if counts else f"{said}."
