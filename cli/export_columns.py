"""The columns of an export: name, description and value of each. None contains a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from approvals.domain.characters import reveal
from approvals.domain.facts import LABELS
from approvals.domain.groups import Group
from approvals.domain.model import Approval, Decision, Json, Refusal, Response, iso
from approvals.domain.people import Approver, Person
from approvals.domain.pinned_policy import PinnedPolicy, PolicyVersion
from approvals.domain.policy_wording import version_document
from approvals.domain.result import form, groups, override
from approvals.requests.codec import write
from bot.addresses import SLACK
from cli.document import response_document, spend_documents, status
from mail.addresses import EMAIL

_SEPARATORS = ";\t\r\n"
_FORMULA = re.compile(rf"(?P<before>[\s\"{_SEPARATORS}]+)(?P<sign>[=+\-@\uff1d\uff0b\uff0d\uff20])?")
"""Blanks, quotes and separators, and the sign behind them that begins a formula.

A spreadsheet with `;` or a tab as its separator ignores quotes around a comma, and splits cells at each separator and
line break. Blanks and quotes before the sign make no difference, nor does its full-width form. What stands before a
sign is matched without a sign, too: else a long run of line breaks would be read again from each.
Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

Value = Callable[[Approval], Json]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its description for docs/cli.md, and its value."""

    description: str
    value: Value


def _of_decision(value: Callable[[Decision], Json]) -> Value:
    return lambda approval: value(approval.decision) if approval.decision else None


def _of_decider(value: Callable[[Approver], Json]) -> Value:
    return _of_decision(lambda decision: value(decision.approver) if decision.approver else None)


def _override(approval: Approval) -> Json:
    return _snake_case_keys(override(approval))


COLUMNS: Mapping[str, Column] = {
    "id": Column("Approval ID.", lambda a: a.id),
    "status": Column("`PENDING`, `APPROVED`, `REJECTED`, `EXPIRED`, `CANCELLED` or `REFUSED`.", status),
    "title": Column("The request in one line.", lambda a: a.title),
    "details": Column("Details for the approvers.", lambda a: a.request.details),
    "severity": Column("`normal` or `high`.", lambda a: a.request.severity.value),
    "requested_by": Column("Requester, as the request names them.", lambda a: a.request.requested_by),
    "requested_at": Column("Time of the request.", lambda a: iso(a.requested_at)),
    "deadline": Column("The final deadline, with extensions.", lambda a: iso(a.deadline)),
    "approvers": Column(
        "Approvers, as the request names them; empty: anyone who received the request.",
        lambda a: list(a.request.approvers),
    ),
    "approver_people": Column(
        "The people that these names stood for at the time of the request: `name`, `email`, `slack_id`.",
        lambda a: [_person(person) for person in a.people.approvers] if a.people else [],
    ),
    "groups": Column(
        "Groups that had to approve: `name`, `required`, `approvers` (as the request names them), `approved_by`.",
        lambda a: [_group(group, found) for group, found in zip(a.request.groups, groups(a), strict=True)],
    ),
    "silent": Column("Approvers who were not notified, as the request names them.", lambda a: list(a.request.silent)),
    "required_approvals": Column(
        "Number of approvals that approve the request.", lambda a: a.request.required_approvals
    ),
    "required_rejections": Column(
        "Number of rejections that reject the request.", lambda a: a.request.required_rejections
    ),
    "self_approval": Column("Whether the requester was allowed to respond.", lambda a: a.request.allow_self_approval),
    "escalated_to": Column(
        "Additional approvers after an escalation, as the request names them.", lambda a: list(a.request.escalate_to)
    ),
    "escalated_at": Column(
        "Time of the escalation; empty if there was none.", lambda a: iso(a.escalated_at) if a.escalated_at else None
    ),
    "decided_at": Column(
        "Time of the decision; empty while the approval is open.", _of_decision(lambda decision: iso(decision.at))
    ),
    "decided_by": Column(
        "Person whose response decided, as email address or Slack user ID; empty if nobody's.",
        _of_decider(lambda approver: approver.id),
    ),
    "decided_by_name": Column("Display name of this person.", _of_decider(lambda approver: approver.name)),
    "channel": Column(
        "Channel of the decision: `email`, `slack`, `iam`, or `system` for the scheduler.",
        _of_decision(lambda decision: decision.channel),
    ),
    "cancelled_by": Column(
        "ARN of the caller who stopped the execution, as the execution's cause claims.",
        _of_decision(lambda decision: decision.cancelled_by),
    ),
    "comment": Column(
        "Comment of the decision; for a cancelled approval, the reason.",
        _of_decision(lambda decision: decision.comment),
    ),
    "cause": Column(
        "Why the approval ended without a decision by a person.", _of_decision(lambda decision: decision.cause)
    ),
    "form": Column("Values of the form, by the names of the fields.", form),
    "responses": Column(
        "Each response: `by`, `name`, `channel`, `role` (the ARN, by IAM), `for` (the person for whom a delegate "
        "responded), `response`, `at`, `comment`, `form`, `replaced` (the values that it changed), `withdrawn_at`, "
        "`withdrawn_by` (the person for whom a delegate responded, if they took its place), `reset_at` and "
        "`reset_by` (the person whose change reset it), `void_at` (the policy changed).",
        lambda a: [_response(a, response) for response in a.responses],
    ),
    "refused": Column(
        "Refused attempts to respond: `by`, `name`, `channel`, `role`, `response`, `override`, `at`, `reason`.",
        lambda a: [_refusal(refusal) for refusal in a.refusals],
    ),
    "override": Column(
        "For an override: `by`, `name`, `role`, `policy` (parameter, version, SHA-256) and `skipped` (the people whose "
        "approval was skipped, by ID). `comment` is the reason.",
        _override,
    ),
    "workflow_told": Column(
        "Whether the workflow received the decision; empty until this is known.", lambda a: a.resumed
    ),
    "state_machine": Column("State machine of the request.", lambda a: a.workflow.state_machine_name),
    "execution_arn": Column("ARN of the execution that waited.", lambda a: a.workflow.execution_arn),
    "digest": Column("SHA-256 of the complete request.", lambda a: a.request.digest),
    "kind": Column(
        "`approval`, or `question`: then approved means answered, and rejected declined.",
        lambda a: a.request.kind.value,
    ),
    "policy": Column(
        "The policy under which the request was made, or asked again last: `version`, `sha256`, and `rules` that "
        "applied, each with `name`, `required` and `raised`; `now` is a later version that it does not follow, and "
        "`asked_again` has each change after which it was asked again (`at`, `from`, `to`). Empty without a policy.",
        lambda a: _policy(a.request.policy) if a.request.policy else None,
    ),
    "action": Column("What exactly was approved, as the request states it.", lambda a: a.request.action),
    "grant": Column(
        "The terms of the grant: `uses` and `valid_minutes`; empty without one.",
        lambda a: _snake_case_keys(write(a.request).get("Grant")),
    ),
    "spends": Column(
        "Each use of the grant: `use` (1 for the first), `by` (as the caller says) and `at`.",
        lambda a: [_snake_case_keys(each) for each in spend_documents(a)],
    ),
    **{
        name: Column(f"{label}, as the request states it.", attrgetter(f"request.{name}"))
        for name, label in LABELS.items()
    },
}
"""The columns by their names, in their order."""


def row(approval: Approval) -> dict[str, Json]:
    """Return the values of all columns."""
    return {name: column.value(approval) for name, column in COLUMNS.items()}


def cell(value: Json) -> str:
    """Return a value as a cell of CSV: lists and objects as JSON, and a ' before anything a spreadsheet would run.

    Hidden characters are replaced. Numbers stay numbers.
    """
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return json.dumps(value)
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False)
    # The added line break stands for the start of the cell.
    return _FORMULA.sub(_defuse, f"\n{reveal(text)}").removeprefix("\n")


def _defuse(found: re.Match[str]) -> str:
    """Put a ' where the cell of a formula begins: behind the last separator before its sign."""
    before, sign = found["before"], found["sign"]
    begins = max(before.rfind(separator) for separator in _SEPARATORS) + 1
    return f"{before[:begins]}'{before[begins:]}{sign}" if sign and begins else found[0]


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.on(EMAIL), "slack_id": person.on(SLACK)}


def _response(approval: Approval, response: Response) -> Json:
    """Return what `show --json` has of a response, with keys in this export's form: `WithdrawnAt` is `withdrawn_at`."""
    return _snake_case_keys(response_document(approval, response))


def _snake_case_keys(found: Json) -> Json:
    return {_in_snake_case(key): value for key, value in found.items()} if isinstance(found, dict) else None


def _in_snake_case(key: str) -> str:
    return re.sub(r"(?<!^)[A-Z]", r"_\g<0>", key).lower()


def _group(group: Group, found: Mapping[str, Json]) -> Json:
    return {
        "name": group.name,
        "required": group.required,
        "approvers": list(group.approvers),
        "approved_by": found["ApprovedBy"],
    }


def _policy(policy: PinnedPolicy) -> Json:
    return {
        "version": policy.version,
        "sha256": policy.sha256,
        "rules": [
            {"name": rule.name, "required": list(rule.required), "raised": list(rule.raised)} for rule in policy.rules
        ],
        "now": _version(policy.noted),
        "asked_again": [
            {"at": iso(each.at), "from": _version(each.before), "to": _version(each.after)}
            for each in policy.asked_again
        ],
    }


def _version(version: PolicyVersion | None) -> Json:
    return _snake_case_keys(version_document(version))


def _refusal(refusal: Refusal) -> Json:
    by = refusal.approver
    return {
        "by": by.id,
        "name": by.name,
        "channel": by.channel,
        "response": refusal.action.status.value,
        "override": refusal.is_override,
        "at": iso(refusal.at),
        "reason": refusal.reason,
    }
