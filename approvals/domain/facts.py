"""Describe a request as labels and values: its source, its requester, its deadline and its execution's input."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields

from approvals.domain import grant_wording
from approvals.domain.characters import escape_hidden, one_line, reveal
from approvals.domain.form_changes import current_form
from approvals.domain.forms import format_answer
from approvals.domain.model import Approval, Json, Request, Status, readable
from approvals.domain.parts import display_name, without_links
from approvals.domain.policy_wording import LABEL, describe_policy

STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
"""The key of the input by which Step Functions links a nested execution with its parent.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
"""

STARTED_BY_LABEL = "Started by (from the input)"
"""The label of the parent execution. It is a claim: the caller that starts an execution writes its input."""

REQUESTER, DEADLINE = "Requested by", "Respond by"
"""Labels of the requester and of the deadline."""

ACTION = "Action"
"""The heading of the action, and the label of one that is no object."""

LABELS: Mapping[str, str] = {each.name: each.metadata["label"] for each in fields(Request) if "label" in each.metadata}
"""The labels of the fields of a request that are facts: those with a `label` in their metadata.

Every surface shows such a field among the author's facts, a search finds it, and an export has a column for it.
"""

_EXECUTION_ARN = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:execution:([^\s:]{1,80}):([^\s:]{1,80})")


def facts(approval: Approval) -> list[tuple[str, str]]:
    """Return the requester, the deadline (while open) and the source, as labels and values in plain text.

    All but the requester, who is shown with their address, is the product's own knowledge. The claims of the
    execution's input are in `context`.
    """
    rows = [
        (REQUESTER, requester(approval)),
        (DEADLINE, readable(approval.deadline) if approval.decision is None else ""),
        *source(approval),
    ]
    return [(label, value) for label, value in rows if value]


def source(approval: Approval) -> list[tuple[str, str]]:
    """Return the policy and the source of a request: its execution, AWS account and region, and its state machine.

    The state machine comes last: it is the product's own, and the same for every request of a stack.
    """
    workflow = approval.workflow
    # arn:PARTITION:states:REGION:ACCOUNT:execution:STATE-MACHINE:NAME
    _, _, _, region, account, *_ = [*workflow.execution_arn.split(":"), *[""] * 5]
    policy = approval.request.policy
    rows = [
        (LABEL, describe_policy(policy) if policy else ""),
        ("Approval execution", without_links(workflow.execution_name)),
        ("AWS account", account),
        ("AWS region", region),
        ("State machine", without_links(workflow.state_machine_name)),
    ]
    return [(label, value) for label, value in rows if value]


def claims(approval: Approval) -> tuple[tuple[str, str], ...]:
    """Return what the author of the input states, as labels and values: the caller's execution first, then the facts.

    The caller's execution is a claim: the person who starts an execution writes its input.
    """
    parent = _parent(approval)
    started = ((STARTED_BY_LABEL, parent),) if parent else ()
    return (*started, *author_facts(approval.request))


def author_facts(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the facts that the author states, as labels and values: the grant, the labelled fields, then `Facts`."""
    own = ((label, getattr(request, name)) for name, label in LABELS.items())
    terms = ((grant_wording.LABEL, grant_wording.describe_terms(request.grant)),) if request.grant else ()
    return (*terms, *((label, str(value)) for label, value in own if value), *request.facts)


def requester(approval: Approval) -> str:
    """Return the requester as `{name} ({address})`, or only the claim if the record does not know the person.

    The author of a request names its requester, so a name never replaces the address. Empty without a requester.
    """
    claim = approval.request.requested_by or ""
    claim = one_line(claim, len(claim)) if "@" in claim else one_line(claim)  # An address is never cut.
    person = approval.people.requester if approval.people else None
    if person is None or not claim:
        return claim
    address = person.address or claim
    known = display_name(person)
    return address if known in (address, claim) else f"{known} ({address})"


def action(request: Request) -> list[tuple[str, str]]:
    """Return the action as labels and values."""
    return [(label, reveal(text)) for label, text in action_rows(request)]


def action_rows(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the keys of the action, each one line, and their values; one row if it is no object, none without one.

    Different keys and values have different texts. A string that would read as other JSON, or as nothing, stands in
    quotes; so does one with characters that nobody sees, which are escaped.
    """
    asked = request.action
    if isinstance(asked, dict) and asked:
        yield from ((_unmistakable_key(key), _unmistakable(value)) for key, value in asked.items())
    elif asked is not None:
        yield ACTION, _unmistakable(asked)


def _unmistakable_key(key: str) -> str:
    label = _one_line_label(key)
    return label if label == key else escape_hidden(json.dumps(key, ensure_ascii=False))


def _unmistakable(value: Json) -> str:
    if not isinstance(value, str):
        return escape_hidden(as_text(value))
    is_plain = not _reads_as_json(value) and reveal(value) == value
    return value if is_plain else escape_hidden(json.dumps(value, ensure_ascii=False))


def _reads_as_json(text: str) -> bool:
    if not text.strip():
        return True
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def context(approval: Approval) -> list[tuple[str, str]]:
    """Return the rest of the execution's input as labels and values."""
    return [(label, readable_value(value)) for label, value in input_rows(approval)]


def input_rows(approval: Approval) -> Iterator[tuple[str, Json]]:
    """Yield the rest of the execution's input as labels, each one line, and unchanged values."""
    parent = _parent(approval)  # It is among the claims.
    for key, value in approval.request.whole_context.items():
        if key != STARTED_BY or not parent:
            yield _one_line_label(key), value


def _one_line_label(key: str) -> str:
    return " ".join(readable_value(key).split())


def readable_value(value: Json, most: int | None = None) -> str:
    """Return the beginning of a value as people read it. Cut first: cleaning takes far longer."""
    return reveal(as_text(value)[:most])


def as_text(value: Json) -> str:
    """Return a text as it is, and any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def form_answers(approval: Approval) -> list[tuple[str, str]]:
    """Return the form's current values, as labels and values. A rejected request has none."""
    form = {} if approval.status is Status.REJECTED else current_form(approval) or {}
    return [(field.label, format_answer(form[field.name])) for field in approval.request.form if field.name in form]


def claimed_workflow(request: Request) -> str | None:
    """Return the parent's state machine, if the input names it as Step Functions does. It is the author's claim."""
    parent = _claimed_parent(request)
    return parent[1] if parent else None


def _parent(approval: Approval) -> str | None:
    """Return the parent's state machine and execution, if the input names it as Step Functions does."""
    found = _claimed_parent(approval.request)
    return f"{found[1]}, execution {found[2]}" if found else None


def _claimed_parent(request: Request) -> re.Match[str] | None:
    value = request.whole_context.get(STARTED_BY)
    return _EXECUTION_ARN.fullmatch(value) if isinstance(value, str) else None


def indent(text: str) -> str:
    """Return the text with all lines but the first indented, so that they visibly belong to it."""
    return "\n    ".join(text.splitlines())
