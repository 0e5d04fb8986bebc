"""What people are shown, the same on every surface: facts about the request, and the outcome in one sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from approvals.model import Approval, Channel, Decision, Json, Response, Status, is_hidden, readable, shorten

MAX_VALUE = 1000
"""Characters of one value of the context that are shown; the execution itself has the rest."""

MAX_LINES = 40

STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
"""The key of the input by which Step Functions links a nested execution with its parent.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
"""

DEADLINE = "Answer by"
"""The label of the deadline among the facts."""

_EXECUTION_ARN = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:execution:([^\s:]{1,80}:[^\s:]{1,80})")

NOT_OF_THE_WORKSPACE = (
    "Your answer was not taken: only members of the workspace that the Approvals app belongs to may answer. "
    "The request still waits for one of them."
)

TOO_EARLY = "Your answer came a moment too early and was not taken. Please click again."

_WHERE = {Channel.EMAIL: "by email", Channel.SLACK: "in Slack", Channel.SYSTEM: "automatically"}
_HEADLINES = {
    Status.PENDING: "Waiting for an answer",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
}


def facts(approval: Approval) -> list[tuple[str, str]]:
    """Who asks, until when (while an answer is waited for), and for which workflow: labels and values, plain text."""
    rows = [
        ("Requested by", approval.request.requested_by),
        (DEADLINE, readable(approval.deadline) if approval.decision is None else None),
        ("Started by", _parent(approval)),
        ("Workflow", approval.workflow.state_machine_name),
        ("Execution", approval.workflow.execution_name),
    ]
    return [(label, value) for label, value in rows if value]


def context(approval: Approval) -> list[tuple[str, str]]:
    """The rest of the execution's input as labels and values, shortened to what a person can read."""
    lines = list(_context_lines(approval))
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], ("…", f"{len(lines) - MAX_LINES} more, see the execution's input")]
    return lines


def headline(approval: Approval) -> str:
    """The status in one or a few words."""
    return _HEADLINES[approval.status]


def outcome(approval: Approval) -> str:
    """Who decided, how, where and when, or why nobody did; and whether it was in vain."""
    decision = decided(approval)
    when = readable(decision.at)
    if decision.approver is None:
        return f"{_HEADLINES[decision.status]} on {when}. {decision.cause or ''}".strip()
    sentence = f"{_HEADLINES[decision.status]} by {decision.approver.name} {_WHERE[decision.channel]} on {when}."
    return f"{sentence} {in_vain(approval)}".strip()


def in_vain(approval: Approval) -> str:
    """Says that a person's decision did not reach the workflow, where that is known; else nothing."""
    lost = approval.resumed is False and decided(approval).approver is not None
    return "But the workflow had ended before, so the answer did not reach it." if lost else ""


def decided(approval: Approval) -> Decision:
    """The approval's decision. Raises `ValueError` when it has none."""
    if approval.decision is None:
        raise ValueError(f"approval {approval.id} is not decided")
    return approval.decision


def not_allowed(approval: Approval) -> str:
    """Tells a Slack user why their answer was not taken."""
    return f"{_quoted_title(approval)} {NOT_OF_THE_WORKSPACE if approval.slack_message else TOO_EARLY}"


def late_answer(approval: Approval, response: Response) -> str:
    """Tells somebody whose answer no longer counts what has been decided instead, by whom, when and where."""
    decision = decided(approval)
    same_person = decision.approver is not None and (
        (decision.approver.channel, decision.approver.id) == (response.approver.channel, response.approver.id)
    )
    agreed = decision.status is response.action.status
    if same_person:
        first = "Your answer was recorded already." if agreed else "Your first answer counts."
    elif decision.approver is None:
        first = "Your answer came too late."
    else:
        first = "Somebody was faster, with the same answer." if agreed else "Somebody was faster."
    return f"{_quoted_title(approval)} {first} {outcome(approval)}"


def _quoted_title(approval: Approval) -> str:
    return f"\u201c{approval.title}\u201d ({approval.workflow.execution_name}):"


def indent(text: str) -> str:
    """The text with its second and further lines indented: they belong to the first, whatever broke the line."""
    return "\n    ".join(text.splitlines())


def _context_lines(approval: Approval) -> Iterator[tuple[str, str]]:
    for key, value in approval.request.context.items():
        if key == STARTED_BY and _parent(approval):
            continue  # one of the facts
        yield shorten(" ".join(_plain(key).split()), 100), shorten(_plain(value), MAX_VALUE)


def _parent(approval: Approval) -> str | None:
    """State machine and name of the execution that started this one, if it says so in Step Functions' own way."""
    value = approval.request.context.get(STARTED_BY)
    found = _EXECUTION_ARN.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def _plain(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join("\ufffd" if is_hidden(character) else character for character in text)
