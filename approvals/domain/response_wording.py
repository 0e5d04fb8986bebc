"""Write the replies to a response: its effect, or how the approval had been decided."""

from __future__ import annotations

from approvals.domain import form_wording, wording
from approvals.domain.eligibility import own_response
from approvals.domain.form_changes import differing
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import Approval, Response
from approvals.domain.parts import Moment, Text, join_texts, text

USED = "You withdrew this response after you sent it, so nothing was changed. Respond again if you want to."
WITHDRAWN = "Your answer was taken back. The request still waits."
_COUNTS = "Your answer counts."
_RECORDED = "Your answer was recorded already."
_SAID = {
    Verdict.COUNTED: _COUNTS,
    Verdict.REPEATED: _RECORDED,
    Verdict.ANSWERED_OTHERWISE: "You answered otherwise before. Take that answer back first.",
    Verdict.ALREADY_USED: USED,
    Verdict.WITHDRAWN: WITHDRAWN,
}


def response_reply(judgement: Judgement, response: Response) -> Text:
    """Return the effect of a person's response."""
    approval = judgement.approval
    if approval.decision:
        return late_reply(approval, response)
    match judgement.verdict:
        case Verdict.EXTENDED:
            said = text("There is more time now: until ", Moment(approval.deadline), ".")
        case Verdict.INCOMPLETE:
            said = text(" ".join(problem.text for problem in judgement.problems))
        case Verdict.RESET:
            said = join_texts([_COUNTS, form_wording.again_sentence(approval)])
        case Verdict.OUTDATED:
            said = text(form_wording.outdated_sentence(approval))
        case Verdict.ALREADY_USED if was_reset := form_wording.reset_notice(approval, response.approver):
            said = text(was_reset)
        case verdict:
            said = text(_SAID.get(verdict, "Nothing was changed."))
    is_counted = judgement.verdict in (Verdict.COUNTED, Verdict.RESET, Verdict.REPEATED)
    so_far = [text(line, ".") for line in wording.progress(approval)[:2]] if is_counted else []
    return join_texts([wording.quoted_title(approval), said, *so_far])


def late_reply(approval: Approval, response: Response) -> Text:
    """Return how the approval was decided, for a person whose response came after that."""
    decision = wording.decision_of(approval)
    own = own_response(approval, response.approver)
    if own:
        first = _RECORDED if own.action is response.action else "Your first answer counts."
    elif decision.approver is None:
        first = "Your answer came too late."
    else:
        agreed = decision.status is response.action.status and not differing(approval, response)
        first = "Somebody was faster, with the same answer." if agreed else "Somebody was faster."
    return join_texts([wording.quoted_title(approval), first, wording.outcome(approval)])
