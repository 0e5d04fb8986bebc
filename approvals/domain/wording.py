"""What people are shown, the same on every surface: facts about the request, and the outcome in one sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from approvals.domain.characters import one_line, reveal
from approvals.domain.eligibility import Reason, eligible, is_quorum, responder, unknown_requester
from approvals.domain.email_address import is_same
from approvals.domain.forms import said
from approvals.domain.identifiers import is_email
from approvals.domain.model import (
    Action,
    Approval,
    Approver,
    Channel,
    Decision,
    Json,
    Person,
    Response,
    Status,
    readable,
)
from approvals.domain.rules import Judgement, Verdict

STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
"""The key of the input by which Step Functions links a nested execution with its parent.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
"""

STARTED_BY_LABEL = "Started by (from the input)"
"""The label of the parent execution, which is a claim: whoever starts an execution writes its input."""

REQUESTER, DEADLINE = "Requested by", "Respond by"
"""The labels of the requester and the deadline among the facts."""

_AT = re.compile(r"\s*[@\uff20\ufe6b]\s*")
"""The sign of an address, in all its widths."""

_EXECUTION_ARN = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:execution:([^\s:]{1,80}:[^\s:]{1,80})")

NOT_OF_THE_WORKSPACE = (
    "Only members of the workspace that the Approvals app belongs to may answer, and Slack does not name it as yours."
)
NOT_A_MEMBER = "Guests of this Slack workspace can respond only to requests that name them as approvers."
UNCHECKED = (
    "Slack did not say whether you are a full member of the workspace, so nothing was recorded. Please try again."
)
SHARED_ADDRESS = "Several people may read this address, so it can respond only where the first response decides."
OWN_REQUEST = "You asked for this yourself, so somebody else must answer."
TOO_EARLY = "Your answer came a moment too early and was not taken. Please try again."

_WHERE = {Channel.EMAIL: "by email", Channel.SLACK: "in Slack", Channel.SYSTEM: "automatically"}
HEADLINES = {
    Status.PENDING: "Waiting for an answer",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
}


def where(channel: str) -> str:
    """Return how a response or a decision came in: `in Slack`."""
    return _WHERE.get(channel, f"by {channel}")


def facts(approval: Approval) -> list[tuple[str, str]]:
    """Return who requests, by when (while open), and for which workflow: labels and values, plain text.

    All but the requester, whose address stands beside their name, is the product's own knowledge. What the execution's
    input claims is in `context`.
    """
    rows = [
        (REQUESTER, requester(approval)),
        (DEADLINE, readable(approval.deadline) if approval.decision is None else ""),
        *source(approval),
    ]
    return [(label, value) for label, value in rows if value]


def source(approval: Approval) -> list[tuple[str, str]]:
    """Return where the request comes from: workflow, execution, AWS account and region, as labels and values."""
    workflow = approval.workflow
    # arn:PARTITION:states:REGION:ACCOUNT:execution:STATE-MACHINE:NAME
    _, _, _, region, account, *_ = [*workflow.execution_arn.split(":"), *[""] * 5]
    rows = [
        ("Workflow", _unlinked(workflow.state_machine_name)),
        ("Execution", _unlinked(workflow.execution_name)),
        ("AWS account", account),
        ("AWS region", region),
    ]
    return [(label, value) for label, value in rows if value]


def requester(approval: Approval) -> str:
    """Return the requester as `{name} ({address})`; the claim alone where the record does not know the person.

    The request names its requester itself, so the address never gives way to a name. Empty without a requester.
    """
    claim = approval.request.requested_by or ""
    claim = claim if is_email(claim) else one_line(claim)
    person = approval.people.requester if approval.people else None
    if person is None or not claim:
        return claim
    address = person.email or claim
    known = display_name(person)
    return address if known in (address, claim) else f"{known} ({address})"


def display_name(who: Person | Approver) -> str:
    """Return the name that people see: one line of at most 80 characters that no program takes for a link.

    An @ alone is kept in a person's own address: a Slack user may be called like a colleague's.
    """
    text = who.name or who.id
    if text in (who.id, getattr(who, "email", "")) or is_same(text, who.id):
        return text
    return _unlinked(_AT.sub(" at ", text))


def context(approval: Approval) -> list[tuple[str, str]]:
    """Return the rest of the execution's input in full, as labels and values."""
    return [(label, written(value)) for label, value in input_rows(approval)]


def input_rows(approval: Approval) -> Iterator[tuple[str, Json]]:
    """Yield the rest of the execution's input as labels, each a line, and values as they were given."""
    parent = _parent(approval)
    if parent:
        yield STARTED_BY_LABEL, parent
    for key, value in approval.request.whole_context.items():
        if key != STARTED_BY or not parent:
            yield " ".join(written(key).split()), value


def written(value: Json, most: int | None = None) -> str:
    """Return the beginning of a value as people read it. It is cut before it is cleaned, which takes far longer."""
    return reveal(text_of(value)[:most])


def text_of(value: Json) -> str:
    """Return a value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def filled_in(approval: Approval) -> list[tuple[str, str]]:
    """What the last of those whose answers stand filled in: labels and values."""
    form = approval.standing[-1].form if approval.standing else {}
    return [(field.label, said(form[field.name])) for field in approval.request.form if field.name in form]


def headline(approval: Approval) -> str:
    """The status in one or a few words."""
    return HEADLINES[approval.status]


def outcome(approval: Approval) -> str:
    """Who decided, how, where and when, or why nobody did; and whether it was in vain."""
    decision = decided(approval)
    when = readable(decision.at)
    if decision.approver is None:
        return f"{HEADLINES[decision.status]} on {when}. {decision.cause or ''}".strip()
    sentence = f"{HEADLINES[decision.status]} by {display_name(decision.approver)} {where(decision.channel)} on {when}."
    return f"{sentence} {in_vain(approval)}".strip()


def in_vain(approval: Approval) -> str:
    """Says that a person's decision did not reach the workflow, where that is known; else nothing."""
    lost = approval.resumed is False and decided(approval).approver is not None
    return "The workflow had already ended, so it did not receive this response." if lost else ""


def decided(approval: Approval) -> Decision:
    """The approval's decision. Raises `ValueError` when it has none."""
    if approval.decision is None:
        raise ValueError(f"approval {approval.id} is not decided")
    return approval.decision


def who_may(approval: Approval) -> str:
    """Who may answer, and how many are needed."""
    people, request = approval.people, approval.request
    if people is None:
        return "It is not known yet who may answer."
    named = eligible(approval)
    if named:
        who = f"Only {listed(named)} may answer."
    else:
        where = " in Slack" if is_quorum(request) else ""  # The stack's own address is told, not asked.
        requester = None if request.allow_self_approval else people.requester
        own = f", except {display_name(requester)}" if requester else ""
        who = f"Anybody who was asked{where} may answer{own}."
    return " ".join(part for part in (who, _needed(approval), unchecked(approval)) if part)


def unchecked(approval: Approval) -> str:
    """Say that a requester could approve their own request unrecognized, where that is so; else nothing."""
    person = unknown_requester(approval)
    return f"Slack does not know {display_name(person)}: they could approve their own request." if person else ""


def progress(approval: Approval) -> list[str]:
    """How far it is: how many of those needed have answered, who, and when. Empty where one answer decides."""
    request = approval.request
    if request.required_approvals == request.required_rejections == 1:
        return []
    said = [response.action for response in approval.standing]
    lines = [_count(said.count(Action.APPROVE), request.required_approvals, "approval")]
    if request.required_rejections > 1:
        lines.append(_count(said.count(Action.REJECT), request.required_rejections, "rejection"))
    return lines + [_response_line(response) for response in approval.standing]


def not_allowed(approval: Approval, reason: Reason) -> str:
    """Tell somebody why their answer to which request was not taken, and who may answer."""
    return f"{quoted_title(approval)} {why_not(approval, reason)}"


def why_not(approval: Approval, reason: Reason) -> str:
    """Tell somebody why their answer was not taken, and who may answer."""
    match reason:
        case Reason.TOO_EARLY:
            return TOO_EARLY
        case Reason.UNCHECKED:
            return UNCHECKED
        case Reason.NOT_A_MEMBER:
            why = NOT_A_MEMBER
        case Reason.SHARED_ADDRESS:
            why = f"{SHARED_ADDRESS} {who_may(approval)}"
        case Reason.OTHER_WORKSPACE:
            why = NOT_OF_THE_WORKSPACE
        case Reason.OWN_REQUEST:
            why = f"{OWN_REQUEST} {who_may(approval)}"
        case Reason.NOT_AN_APPROVER:
            why = who_may(approval)
    return f"Your answer was not taken. {why} The request still waits."


def answered(judgement: Judgement, response: Response) -> str:
    """Tells somebody what became of their answer."""
    approval = judgement.approval
    if approval.decision:
        return late_answer(approval, response)
    so_far = " ".join(f"{line}." for line in progress(approval)[:2])
    match judgement.verdict:
        case Verdict.COUNTED:
            text = f"Your answer counts. {so_far}"
        case Verdict.REPEATED:
            text = f"Your answer was recorded already. {so_far}"
        case Verdict.ANSWERED_OTHERWISE:
            text = "You answered otherwise before. Take that answer back first."
        case Verdict.ALREADY_USED:
            text = "You withdrew this response after you sent it, so nothing was changed. Respond again if you want to."
        case Verdict.WITHDRAWN:
            text = "Your answer was taken back. The request still waits."
        case Verdict.EXTENDED:
            text = f"There is more time now: until {readable(approval.deadline)}."
        case Verdict.INCOMPLETE:
            text = " ".join(problem.text for problem in judgement.problems)
        case _:
            text = "Nothing was changed."
    return f"{quoted_title(approval)} {text}".strip()


def late_answer(approval: Approval, response: Response) -> str:
    """Tells somebody whose answer no longer counts what has been decided instead, by whom, when and where."""
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
    return f"{quoted_title(approval)} {first} {outcome(approval)}"


def _own_response(approval: Approval, approver: Approver) -> Response | None:
    """What the same human answered before, on whatever channel."""
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


def _needed(approval: Approval) -> str:
    approvals, rejections = approval.request.required_approvals, approval.request.required_rejections
    if approvals == rejections == 1:
        return ""
    enough = "one rejection is enough" if rejections == 1 else f"{rejections} must reject to reject it"
    return f"{approvals} must approve; {enough}." if approvals > 1 else f"One approval is enough; {enough}."


def _count(said: int, needed: int, what: str) -> str:
    return f"{said} of {needed} {what}{'' if needed == 1 else 's'}"


def _response_line(response: Response) -> str:
    word = HEADLINES[response.action.status]
    return f"{word} by {display_name(response.approver)} {where(response.approver.channel)} on {readable(response.at)}"


def listed(people: Sequence[Person]) -> str:
    """The names in a sentence: "a, b and c"."""
    names = [display_name(person) for person in people]
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)


def quoted_title(approval: Approval) -> str:
    """Which approval something is about, at the beginning of a sentence."""
    return f"\u201c{approval.title}\u201d ({approval.workflow.execution_name}):"


def indent(text: str) -> str:
    """The text with its second and further lines indented: they belong to the first, whatever broke the line."""
    return "\n    ".join(text.splitlines())


def _unlinked(name: str) -> str:
    return one_line(name.replace("/", " "))


def _parent(approval: Approval) -> str | None:
    """State machine and name of the execution that started this one, if it says so in Step Functions' own way."""
    value = approval.request.whole_context.get(STARTED_BY)
    found = _EXECUTION_ARN.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None
