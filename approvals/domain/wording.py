"""Our sentences about a request and its outcome, the same on every surface.

A sentence that names a moment or people is a `Text` of parts, so that no surface has to parse it again. Pure.
"""

from __future__ import annotations

from approvals.domain import forms
from approvals.domain.characters import one_line
from approvals.domain.eligibility import Reason, barred_requester, eligible, is_quorum, responder, unknown_requester
from approvals.domain.facts import REQUESTER, requester
from approvals.domain.facts import source as execution_source
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import (
    Action,
    Approval,
    Approver,
    Decision,
    Extension,
    OnTimeout,
    Person,
    Presence,
    Response,
    Severity,
    Status,
    readable,
)
from approvals.domain.parts import Moment, Names, Text, counted, display_name, enumerated, joined, text, with_address
from approvals.domain.profiles import open_channels, profile_of, refusal
from approvals.domain.signed_links import approver_of

SHARED_ADDRESS = "Several people may read this address, so it can respond only where the first response decides."
OWN_REQUEST = "You asked for this yourself, so somebody else must answer."
USED = "You withdrew this response after you sent it, so nothing was changed. Respond again if you want to."
TOO_EARLY = "Your answer came a moment too early and was not taken. Please try again."

HEADLINES = {
    Status.PENDING: "Waiting for an answer",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
}

MAX_NAMES = 20
"""People who are named in one sentence; the others are counted."""

_SILENCE = {
    OnTimeout.EXPIRE: "the request expires and the workflow is not approved",
    OnTimeout.REJECT: "the request is rejected",
}


def where(channel: str) -> str:
    """Return how a response or a decision came in: `by` and the channel's name, or the channel's own words."""
    return profile_of(channel).where


# What is asked, of whom, and by which rules.


def asks(approval: Approval) -> str:
    """Return the first sentence of a request: who needs what, and by when."""
    who = requester(approval) or "A workflow"
    what = "needs your answers and your approval" if approval.request.form else "requests your approval"
    return f"{who} {what} by {readable(approval.deadline)}."


def quoted_title(approval: Approval) -> str:
    """Return which approval something is about, for the beginning of a sentence."""
    return f"\u201c{approval.title}\u201d ({approval.workflow.execution_name}):"


def is_high(approval: Approval) -> bool:
    """Return True if a response takes a second confirmation."""
    return approval.request.severity is Severity.HIGH


def responders(approval: Approval, recipient: str, *, begins: bool = False) -> list[str]:
    """Return who can respond, the recipient of a link first: `you`, `bo@example.com`, `Cy Young (cy@example.com)`.

    `begins` says that the first begins a sentence.
    """
    reader = approver_of(approval, recipient)
    you, anyone = ("You", "Anyone") if begins else ("you", "anyone")
    if approval.people is None:
        return [f"{anyone} whom the request names (the approvers are still being looked up)"]
    named = eligible(approval)
    if named:
        first = [you for person in named if person.is_(reader)]
        return some([*first, *(with_address(person) for person in named if not person.is_(reader))])
    person = barred_requester(approval)
    but = f", except {with_address(person)}" if person else ""
    return [f"{anyone} who receives this request{_where_asked(approval)}{but}"]


def some(names: list[str]) -> list[str]:
    """Return names as they are; of many, the last ones counted."""
    if len(names) <= MAX_NAMES:
        return names
    return [*names[: MAX_NAMES - 1], f"{len(names) - MAX_NAMES + 1} more people"]


def who_may(approval: Approval) -> Text:
    """Return who may answer, and how many are needed."""
    if approval.people is None:
        return text("It is not known yet who may answer.")
    if named := eligible(approval):
        who = text("Only ", Names(named), " may answer.")
    else:
        person = barred_requester(approval)
        but = f", except {display_name(person)}" if person else ""
        who = text(f"Anybody who was asked{_where_asked(approval)} may answer{but}.")
    return joined([who, _enough(approval), unchecked(approval)])


def unchecked(approval: Approval) -> str:
    """Say that a requester could approve their own request unrecognized, where that is so; else nothing."""
    person = unknown_requester(approval)
    if person is None:
        return ""
    names = [profile_of(channel).name for channel in open_channels() if not person.on(channel)]
    return f"{enumerated(names)} does not know {display_name(person)}: they could approve their own request."


def needs(approval: Approval) -> str:
    """Return how many responses decide."""
    approvals, rejections = approval.request.required_approvals, approval.request.required_rejections
    if approvals == rejections == 1:
        return "The first response decides."
    verb = "rejects" if rejections == 1 else "reject"
    return f"Needs {counted(approvals, 'approval')}; {counted(rejections, 'rejection')} {verb} it."


def silence(approval: Approval) -> str:
    """Return what happens at the deadline without a decision."""
    request = approval.request
    without = "Without a decision by the deadline" if is_quorum(request) else "If nobody responds by the deadline"
    return f"{without}, {_SILENCE[request.on_timeout]}."


def wants(approval: Approval) -> tuple[str, list[str]]:
    """Return what a response takes beside a click, in our words; and the author's fields, one a line."""
    request = approval.request
    reasons = [
        f"To {action}, you give a {'reason' if action is Action.REJECT else 'comment'}."
        for action in Action
        if request.comments[action] is Presence.REQUIRED
    ]
    fields = [f"{one_line(field.label, 150)} ({forms.hint(field)})" for field in request.form]
    return " ".join(reasons), fields


def source(approval: Approval) -> list[tuple[str, str]]:
    """Return where a request comes from, as labels and values: once it is decided, also from whom."""
    who = requester(approval) if approval.decision else ""
    return [*([(REQUESTER, who)] if who else []), *execution_source(approval)]


# What happened to it so far, and how it ended.


def headline(approval: Approval) -> str:
    """Return the status in one or a few words."""
    return HEADLINES[approval.status]


def counts(approval: Approval) -> list[str]:
    """Return how many of those needed have responded: `1 of 2 approvals`. Empty where one response decides."""
    request = approval.request
    if not is_quorum(request):
        return []
    said = [response.action for response in approval.standing]
    needed = [(Action.APPROVE, request.required_approvals, "approval")]
    if request.required_rejections > 1:
        needed.append((Action.REJECT, request.required_rejections, "rejection"))
    return [f"{said.count(action)} of {counted(number, what)}" for action, number, what in needed]


def responses(approval: Approval) -> list[Text]:
    """Return who has responded, how, where and when. Empty where one response decides."""
    standing = approval.standing if is_quorum(approval.request) else ()
    return [_response(response) for response in standing]


def latest_responses(approval: Approval) -> list[str]:
    """Return the responses in plain text; of many only the latest."""
    lines = [str(line) for line in responses(approval)]
    if len(lines) > MAX_NAMES:
        return [f"({len(lines) - MAX_NAMES} earlier responses)", *lines[-MAX_NAMES:]]
    return lines


def progress(approval: Approval) -> list[Text]:
    """Return the counts and all responses, a line each. Empty where one response decides."""
    return [*map(text, counts(approval)), *responses(approval)]


def outcome(approval: Approval) -> Text:
    """Return who decided, how, where and when, or why nobody did; and whether it was in vain."""
    return joined([headline(approval), decided_by(approval), cause(approval), in_vain(approval)])


def decided_by(approval: Approval) -> Text:
    """Return who decided, where and when, behind the outcome; or why nobody did, where that is our own word."""
    decision = decided(approval)
    when = text(Moment(decision.at, "on "), ".")
    if decision.approver:
        return text(f"by {display_name(decision.approver)} {where(decision.channel)} ", when)
    return joined([when, "" if decision.status is Status.CANCELLED else decision.cause or ""])


def cause(approval: Approval) -> str:
    """Return why the approval was cancelled: words of whoever stopped the execution. Empty for other outcomes."""
    decision = decided(approval)
    return (decision.cause or "").strip() if decision.status is Status.CANCELLED else ""


def in_vain(approval: Approval) -> str:
    """Say that a person's decision did not reach the workflow, where that is known; else nothing."""
    lost = approval.resumed is False and decided(approval).approver is not None
    return "The workflow had already ended, so it did not receive this response." if lost else ""


def decided(approval: Approval) -> Decision:
    """Return the approval's decision. Raise `ValueError` when it has none."""
    if approval.decision is None:
        raise ValueError(f"approval {approval.id} is not decided")
    return approval.decision


def extended(extension: Extension) -> Text:
    """Return who extended the deadline, and to when."""
    return text(f"{display_name(extension.approver)} asked for more time: until ", Moment(extension.deadline), ".")


def reminder(approval: Approval) -> Text:
    """Return the sentence that reminds of a request that waits."""
    return text("A reminder: this still waits for an answer, until ", Moment(approval.deadline), ".")


# What became of somebody's response.


def not_allowed(approval: Approval, reason: Reason) -> Text:
    """Tell somebody why their answer to which request was not taken, and who may answer."""
    return joined([quoted_title(approval), why_not(approval, reason)])


def why_not(approval: Approval, reason: Reason) -> Text:
    """Tell somebody why their answer was not taken, and who may answer."""
    who: list[str | Text] = [who_may(approval)]
    match reason:
        case Reason.TOO_EARLY:
            return text(TOO_EARLY)
        case Reason.UNCHECKED:
            return text(refusal(reason))
        case Reason.NOT_A_MEMBER | Reason.OTHER_WORKSPACE:
            who = [refusal(reason)]
        case Reason.SHARED_ADDRESS:
            who.insert(0, SHARED_ADDRESS)
        case Reason.OWN_REQUEST:
            who.insert(0, OWN_REQUEST)
        case Reason.NOT_AN_APPROVER:
            pass
    return joined(["Your answer was not taken.", *who, "The request still waits."])


def answered(judgement: Judgement, response: Response) -> Text:
    """Tell somebody what became of their answer."""
    approval = judgement.approval
    if approval.decision:
        return late_answer(approval, response)
    so_far = [text(line, ".") for line in progress(approval)[:2]]
    match judgement.verdict:
        case Verdict.COUNTED:
            said = text("Your answer counts.")
        case Verdict.REPEATED:
            said = text("Your answer was recorded already.")
        case Verdict.ANSWERED_OTHERWISE:
            said = text("You answered otherwise before. Take that answer back first.")
        case Verdict.ALREADY_USED:
            said = text(USED)
        case Verdict.WITHDRAWN:
            said = text("Your answer was taken back. The request still waits.")
        case Verdict.EXTENDED:
            said = text("There is more time now: until ", Moment(approval.deadline), ".")
        case Verdict.INCOMPLETE:
            said = text(" ".join(problem.text for problem in judgement.problems))
        case _:
            said = text("Nothing was changed.")
    counted_now = so_far if judgement.verdict in (Verdict.COUNTED, Verdict.REPEATED) else []
    return joined([quoted_title(approval), said, *counted_now])


def late_answer(approval: Approval, response: Response) -> Text:
    """Tell somebody whose answer no longer counts what has been decided instead, by whom, when and where."""
    decision = decided(approval)
    agreed = decision.status is response.action.status
    own = _own_response(approval, response.approver)
    if own:
        same = own.action is response.action
        first = "Your answer was recorded already." if same else "Your first answer counts."
    elif decision.approver is None:
        first = "Your answer came too late."
    else:
        first = "Somebody was faster, with the same answer." if agreed else "Somebody was faster."
    return joined([quoted_title(approval), first, outcome(approval)])


def _own_response(approval: Approval, approver: Approver) -> Response | None:
    """Return what the same human answered before, on whatever channel."""
    person = responder(approval, approver)
    return next(
        (
            response
            for response in approval.standing
            if (isinstance(person, Person) and response.person == person.id)
            or (response.approver.channel, response.approver.id) == (approver.channel, approver.id)
        ),
        None,
    )


def _where_asked(approval: Approval) -> str:
    # The stack's own address is told, not asked.
    places = [where(channel) for channel in open_channels()] if is_quorum(approval.request) else []
    return f" {enumerated(places)}" if places else ""


def _enough(approval: Approval) -> str:
    approvals, rejections = approval.request.required_approvals, approval.request.required_rejections
    if approvals == rejections == 1:
        return ""
    enough = "one rejection is enough" if rejections == 1 else f"{rejections} must reject to reject it"
    return f"{approvals} must approve; {enough}." if approvals > 1 else f"One approval is enough; {enough}."


def _response(response: Response) -> Text:
    who = f"{HEADLINES[response.action.status]} by {display_name(response.approver)}"
    return text(f"{who} {where(response.approver.channel)} ", Moment(response.at, "on "))
