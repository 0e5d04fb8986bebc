"""An approval as a JSON document and as lines for people. Neither contains a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, form_wording, wording
from approvals.domain.comparison_wording import change_rows, comparison_lead, comparison_notes
from approvals.domain.form_changes import form_of, reset_cause
from approvals.domain.headlines import REFUSED, is_refused
from approvals.domain.history import Entry, Kind, history
from approvals.domain.model import Action, Approval, Decision, Json, Response, Status, iso
from approvals.domain.policy_wording import policy_changes_document
from approvals.domain.result import groups, override, result, under_policy
from approvals.domain.spending import in_order
from approvals.requests.codec import write
from cli.output import plain
from cli.times import format_deadline, format_text, format_time

BAR = "| "
"""Marks each line that the request's author wrote, as in emails: it can't imitate a line of the product."""


FROM_REQUEST = "From the request (written by its author, not checked)"


def status(approval: Approval) -> str:
    """Return the status for people and scripts. REFUSED, stored as cancelled: the product ended the request."""
    return REFUSED.upper() if is_refused(approval.decision) else approval.status.value


def summary(approval: Approval) -> dict[str, Json]:
    """Return an approval as lists show it."""
    responses = [response.action for response in approval.standing]
    return {
        "Id": approval.id,
        "Status": status(approval),
        "Title": approval.title,
        "RequestedBy": approval.request.requested_by,
        "RequestedAt": iso(approval.requested_at),
        "Deadline": iso(approval.deadline),
        "Severity": approval.request.severity.value,
        "Approvals": responses.count(Action.APPROVE),
        "Rejections": responses.count(Action.REJECT),
        "Groups": [*groups(approval)],
        "Decision": _decision(approval.decision) if approval.decision else None,
        "Override": override(approval),
        "WorkflowTold": approval.resumed,
        "StateMachine": approval.workflow.state_machine_name,
        "ExecutionArn": approval.workflow.execution_arn,
    }


def document(approval: Approval) -> dict[str, Json]:
    """Return everything about an approval. `Result` is what its workflow gets, if people decided."""
    decided = approval.status in (Status.APPROVED, Status.REJECTED)
    return summary(approval) | {
        "Request": write(approval.request),
        "Context": dict(approval.request.whole_context),
        "Digest": approval.request.digest,
        **under_policy(approval.request),
        "Previous": previous(approval),
        **policy_changes_document(approval.request.policy),
        "WhoMayAnswer": str(wording.rules_sentence(approval)),
        "Responses": [response_document(approval, response) for response in approval.responses],
        "Result": result(approval) if decided else None,
        "Spends": spend_documents(approval),
        "History": [event(entry) for entry in history(approval)],
    }


def previous(approval: Approval) -> Json:
    """Return the comparison with the last approved request of the subject; None for a request without a subject."""
    found = approval.previous
    if found is None:
        return None
    return {
        "Comparison": found.comparison.value,
        "ApprovalId": found.approval_id or None,
        "ApprovedAt": iso(found.approved_at) if found.approved_at else None,
        "ApprovedBy": list(found.approved_by),
        "Changes": {each.part.value: each.changes for each in found.parts},
        "Listed": [{"Name": each.name, "Before": each.before, "After": each.after} for each in found.changes],
        "Ignored": found.ignored,
    }


def spend_documents(approval: Approval) -> list[Json]:
    """Return the uses of the approval's grant, the first one first."""
    return [{"Use": each.use, "By": each.by, "At": iso(each.at)} for each in in_order(approval.spends.values())]


def event(entry: Entry) -> dict[str, Json]:
    """Return an event of the history."""
    by = entry.approver
    return {
        "Event": entry.kind.value,
        "Key": entry.key,
        "At": iso(entry.at),
        "Text": entry.text,
        "By": by.id if by else None,
        "Name": by.name if by else None,
        "Channel": by.channel if by else None,
        "Comment": entry.comment,
        "To": entry.to,
    }


def sentence(entry: Entry) -> str:
    """Return an event on one line, with its comment: `Ann approved by email: “Looks good.”`."""
    if not entry.comment:
        return plain(entry.text)
    said = f"\u201c{plain(entry.comment)}\u201d"
    # A decision on its own, such as an override, is told in several sentences.
    alone = entry.kind is Kind.DECIDED
    return plain(f"{entry.text} Reason: {said}" if alone else f"{entry.text.removesuffix('.')}: {said}")


def outcome(approval: Approval) -> Iterator[str]:
    """Yield the outcome, its comment and the form."""
    decision = wording.decision_of(approval)
    yield format_text(wording.outcome(approval))
    if decision.comment:
        yield f"{_comment_label(decision)}: {plain(decision.comment)}"
    if approval.status is Status.APPROVED:
        yield from _form(approval)


def _comment_label(decision: Decision) -> str:
    if decision.override:
        return "Reason"
    return "Comment" if decision.approver else "Reason given"


def lines(approval: Approval, now: datetime) -> Iterator[str]:
    """Yield the lines of an approval: request, approvers, outcome and history."""
    yield f"{BAR}{plain(approval.title)}"
    yield from _comparison(approval)
    yield from outcome(approval) if approval.decision else _waiting(approval, now)
    yield ""
    console = ("Console", console_url(approval.workflow.execution_arn))
    # The deadline is in the line before.
    rows = [row for row in facts.facts(approval) if row[0] != facts.DEADLINE]
    yield from _columns([("ID", approval.id), *rows, console])
    if theirs := list(_from_request(approval)):
        yield from ("", FROM_REQUEST, *(f"{BAR}{line}".rstrip() for line in theirs))
    yield ""
    yield "Activity"
    for entry in history(approval):
        yield f"  {format_time(entry.at)}  {sentence(entry)}"
        yield from (f"    {line}" for line in _barred(entry.answers))


def _comparison(approval: Approval) -> Iterator[str]:
    """Yield what differs from the last approved request. Readers of the table can read that request as well."""
    if lead := comparison_lead(approval):
        yield format_text(lead)
        yield from _barred(change_rows(approval, values=True))
    if notes := comparison_notes(approval, values=True):
        yield notes


def _waiting(approval: Approval, now: datetime) -> Iterator[str]:
    yield f"{wording.headline(approval)} until {format_deadline(approval.deadline, now)}"
    yield plain(str(wording.rules_sentence(approval)))
    yield from map(format_text, wording.progress(approval))
    yield from _form(approval)


def _form(approval: Approval) -> Iterator[str]:
    """Yield the form's values and who filled them in."""
    if answers := facts.form_answers(approval):
        yield plain(f"Form, {form_wording.filled_in_by(approval)}:")
        yield from _barred(answers)


def _barred(answers: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (f"{BAR}{plain(f'{label}: {value}')}" for label, value in answers)


def _from_request(approval: Approval) -> Iterator[str]:
    """Yield what the request's author wrote besides the title."""
    yield from _columns([*facts.claims(approval), *approval.request.links])
    if action := facts.action(approval.request):
        yield f"{facts.ACTION}:"
        yield from (f"  {line}" for line in _columns(action))
    yield from _columns(facts.context(approval))
    yield from (plain(line) for line in (approval.request.details or "").splitlines())


def _columns(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(plain(label)) for label, _ in rows), default=0)
    yield from (f"{plain(label):<{width}}  {plain(value)}" for label, value in rows)


def response_document(approval: Approval, response: Response) -> dict[str, Json]:
    """Return a response, also one that was withdrawn, reset or made void."""
    by, cause = response.approver, reset_cause(approval, response)
    withdrawn = iso(response.withdrawn_at) if response.withdrawn_at else None
    return {
        "By": by.id,
        "Name": by.name,
        "Channel": by.channel,
        "Role": by.role or None,
        "For": response.on_behalf_of or None,
        "Response": response.action.status.value,
        "At": iso(response.at),
        "Comment": response.comment,
        "Form": dict(form_of(approval, response)),
        "Replaced": None if response.replaced is None else dict(response.replaced),
        "WithdrawnAt": withdrawn if not (cause or response.is_void) else None,
        "WithdrawnBy": response.withdrawn_by or None,
        "ResetAt": iso(cause.at) if cause else None,
        "ResetBy": cause.approver.id if cause else None,
        "VoidAt": withdrawn if response.is_void else None,
    }


def _decision(decision: Decision) -> dict[str, Json]:
    by = decision.approver
    return {
        "At": iso(decision.at),
        "By": by.id if by else None,
        "Name": by.name if by else None,
        "Channel": decision.channel,
        "Comment": decision.comment,
        "CancelledBy": decision.cancelled_by,
        "Error": decision.error,
        "Cause": decision.cause,
        "SupersededBy": decision.superseded_by,
    }
