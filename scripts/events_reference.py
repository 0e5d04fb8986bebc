"""Write docs/events.md, the reference of the events, from their JSON Schema: `python -m scripts.events_reference`.

The examples are the events of an approval that is simulated here. A test fails if the page is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from approvals.domain.events import SOURCE, Event, events
from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.grants import GrantTerms, Spend
from approvals.domain.history import Kind
from approvals.domain.judgement import ExtensionRequest, PolicyChange, ScheduledCheck, Withdrawal
from approvals.domain.model import Action, Approval, Json, MoreTime, Request, Response, Severity, Status, iso
from approvals.domain.people import Approver, Delegation, OnCall, People, Person
from approvals.domain.pinned_policy import PinnedPolicy
from approvals.domain.rules import judge
from approvals.domain.signed_links import approval_id
from approvals.domain.steps import Step
from approvals.domain.workflow import Workflow
from approvals.requests.schema import published

Schema = Mapping[str, Any]

PAGE = Path(__file__).parents[1] / "docs/events.md"
ACCOUNT, REGION, STACK = "123456789012", "eu-west-1", "human-approval"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = {
    "string": "text",
    "integer": "whole number",
    "array": "list of texts",
    "object": "object",
    "null": "null",
    "boolean": "true or false",
}

INTRODUCTION = """\
# Events

<!-- Written by `python -m scripts.events_reference` from approvals/requests/events.schema.json: change that. -->

With the parameter `EventBusName`, the stack sends an event to EventBridge for each step of an approval. `default` is
the account's own bus. Without the parameter, the stack sends no events. This rule matches all events:

```json
{ "source": ["human-approval"] }
```

This rule matches the approvals of one stack:

```json
{
  "source": ["human-approval"],
  "detail-type": ["ApprovalDecided"],
  "detail": { "Stack": ["human-approval"], "Status": ["APPROVED"] }
}
```

- Each event is delivered **at least once, in any order**. A repeated event has the same `Id`, and `At` is the time of
  the step.
- People and the workflow come first: an event is sent a moment after its step. If the bus can't be reached, the event
  is retried for 30 minutes without delaying anyone. After that, the next step sends the missing events.
- If `EventBusName` was empty, the approval's next event also sends the earlier ones.
- `ResponseRecorded` has the form's values, because another approver may change them. An event has no facts and no other
  part of the execution's input; `approvals show` and the result have all of it. No event has a token or a link's key.
- A rule does not decide. If the workflow needs another approver, put that into the request, or add a state.

To validate received events, use the JSON Schema [events.schema.json](../approvals/requests/events.schema.json); it also
passes ajv's strict mode. [request.md](request.md#in-an-editor-or-a-test) shows how an editor refers to a schema.
"""

EVERY = "The first example is a complete event. The others show only `source`, `detail-type` and `detail`.\n"


def approval() -> Approval:
    """Return an approval with every kind of event."""
    ann, bo, lead = (_person(name) for name in ("ann", "bo", "lead"))
    request = Request(
        title="Deploy web 2.4.1 to production",
        requested_by="jo@example.com",
        severity=Severity.HIGH,
        approvers=(ann.address, bo.address),
        required_approvals=2,
        action={"Deploy": "web", "Version": "2.4.1"},
        grant=GrantTerms(uses=1, valid=timedelta(hours=1)),
        form=(FormField(name="Share", label="Percent of users", type=FieldType.NUMBER),),
        timeout=timedelta(hours=1),
        escalate_to=(lead.address,),
        escalate_after=timedelta(minutes=30),
        more_time=MoreTime(1, timedelta(hours=1)),
        digest="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    )
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{STACK}:deploy-241"
    on_call = (OnCall(person="bo@example.com", group="S0ONCALL01", at=NOON + timedelta(minutes=20)),)
    asked = Approval(
        id=approval_id("a task token"),
        link_key=b"",
        request=request,
        workflow=Workflow(
            execution_arn=arn, execution_name="deploy-241", state_machine_name=STACK, state_name="Lambda Callback"
        ),
        requested_at=NOON,
        deadline=NOON + request.timeout,
        people=People(
            approvers=(ann, bo), escalation=(lead,), delegations=(_delegation("bo", "dan"),), on_call=on_call
        ),
        steps={"request_email:ann@example.com": NOON, "reminder-1": NOON + timedelta(minutes=20)},
    )
    for event in (
        _answer("eve", Action.REJECT, 1),
        _answer("ann", Action.APPROVE, 2, "Fine"),
        Withdrawal(_approver("ann"), NOON + timedelta(minutes=3)),
        ExtensionRequest(_approver("bo"), NOON + timedelta(minutes=10)),
        ScheduledCheck(NOON + timedelta(minutes=30)),
        _answer("ann", Action.APPROVE, 40, share=10),
        _answer("lead", Action.APPROVE, 41, "Slower", share=5),
        _answer("ann", Action.APPROVE, 42, share=5),
    ):
        shown = replace(event, seen=form_key(asked)) if isinstance(event, Response) else event
        asked = judge(asked, shown).approval
    return asked


def asked_again() -> Approval:
    """Return an approval that was asked again, since the policy changed."""
    before, after = (
        PinnedPolicy(parameter="/approvals/policy", version=version, sha256=sha256(f"{version}".encode()).hexdigest())
        for version in (7, 8)
    )
    asked = approval()
    request = replace(asked.request, policy=before)
    asked = replace(asked, request=request, status=Status.PENDING, decision=None, responses=(), published=frozenset())
    at = NOON + timedelta(minutes=5)
    for event in (
        _answer("bo", Action.APPROVE, 4, "In time for the release"),
        PolicyChange(at=at, policy=after.identity, request=replace(request, policy=after)),
    ):
        asked = judge(asked, event).approval
    return asked


def examples() -> list[dict[str, Json]]:
    """Return one event of every kind, as EventBridge delivers it."""
    decided = approval()
    when = NOON + timedelta(minutes=42, seconds=2)
    by = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:deploy:deploy-241"
    spent = replace(decided, spends={"key": Spend(use=1, by=by, at=NOON + timedelta(minutes=43))})
    ends = [replace(spent, steps={**spent.steps, step: when}) for step in (Step.RESUME, Step.WORKFLOW_GONE)]
    found = {event.kind: event for end in ends for event in events(end, STACK)}
    found |= {event.kind: event for event in events(asked_again(), STACK) if event.kind is Kind.ASKED_AGAIN}
    return [delivered(found[kind]) for kind in Kind]


def delivered(event: Event) -> dict[str, Json]:
    """Return the event as the target of a rule receives it."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": event.kind.value,
        "source": SOURCE,
        "account": ACCOUNT,
        "time": iso(event.at)[:19] + "Z",
        "region": REGION,
        "resources": [event.detail["ExecutionArn"]],
        "detail": dict(event.detail),
    }


def page(schema: Schema) -> str:
    """Return the page: the fields of every event, then each kind with an example."""
    parts = [INTRODUCTION, "## What every event has\n", EVERY, *_table(schema, "EveryEvent")]
    for example in examples():
        kind = str(example["detail-type"])
        parts += [f"## `{kind}`\n", f"{schema['$defs'][kind]['description']}\n", *_table(schema, kind)]
        shown = (
            example if kind == Kind.REQUESTED else {key: example[key] for key in ("source", "detail-type", "detail")}
        )
        parts.append(f"```json\n{json.dumps(shown, indent=2)}\n```\n")
    return "\n".join(parts)


def _table(schema: Schema, kind: str) -> Iterator[str]:
    properties = schema["$defs"][kind].get("properties", {})
    if properties:
        yield "| `detail.` | Type | Meaning |\n|---|---|---|"
        for key, value in properties.items():
            whole = {**_referred(schema, value), **value}
            yield f"| `{key}` | {_takes(whole)} | {whole['description']} |"
        yield ""


def _referred(schema: Schema, value: Schema) -> Schema:
    found: Schema = schema["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
    return found


def _takes(value: Schema) -> str:
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if value.get("$ref", "").endswith("/Moment"):
        return "`2026-11-23T12:00:00.000Z`"
    types = value["type"] if isinstance(value["type"], list) else [value["type"]]
    return " or ".join(NAMES[name] for name in types)


def _person(name: str) -> Person:
    return Person(id=f"{name}@example.com", name=f"{name}@example.com", identities={"email": f"{name}@example.com"})


def _delegation(owner: str, delegate: str) -> Delegation:
    name = f"{delegate}@example.com"
    return Delegation(
        owner=f"{owner}@example.com",
        delegate=_person(delegate),
        named=name,
        since=NOON - timedelta(days=1),
        until=NOON + timedelta(days=3),
        set_by="U0BO000002",
    )


def _approver(name: str) -> Approver:
    return Approver(id=f"{name}@example.com", name=f"{name}@example.com", channel="email")


def _answer(
    name: str, action: Action, minutes: int, comment: str | None = None, *, share: int | None = None
) -> Response:
    form = {} if share is None else {"Share": share}
    at = NOON + timedelta(minutes=minutes)
    return Response(approver=_approver(name), action=action, at=at, comment=comment, form=form)


if __name__ == "__main__":
    PAGE.write_text(page(published("events.schema.json")))
