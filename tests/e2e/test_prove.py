"""Many approvals, each raced over both channels on the deployed stack: no two surfaces may contradict each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from approvals.domain.model import Action, Approval
from approvals.domain.signed_links import link
from approvals.domain.steps import Step
from approvals.store.table import ApprovalTable
from demo import aws
from demo.executions import Execution
from demo.person import Answer, Person, heading
from demo.slack import USERS, Message
from demo.stack import LocalStack
from tests.support.polling import seen

APPROVALS = 200 if os.environ.get("PROVE") == "1" else 20
CLICKS = 20
BATCH = 20
"""Approvals that wait at the same time. They are raced one after the other: 20 clicks fill a small machine."""

WORDS = {Action.APPROVE: "Approved", Action.REJECT: "Rejected"}
STATES = {"APPROVED": "ApprovedPassState", "REJECTED": "RejectedPassState"}


@dataclass(frozen=True, slots=True)
class Race:
    """One approval that waits for an answer, with its pages open and its message posted."""

    title: str
    execution_arn: str
    approval: Approval
    links: dict[Action, str]
    message: Message


@pytest.mark.timeout(1200)
def test_many_races_end_without_a_contradiction(person: Person, stack: LocalStack) -> None:
    """Each gets 20 clicks at once, by mail and in Slack, Approve and Reject, by two people."""
    table = ApprovalTable(aws.session().client("dynamodb", config=aws.CONFIG), stack.outputs["ApprovalTableName"])
    contradictions: list[str] = []
    channels: dict[str, int] = {}
    for first in range(0, APPROVALS, BATCH):
        races = [_start(person, stack, number) for number in range(first, first + BATCH)]
        waiting = [_waits(stack, table, *race) for race in races]
        answers = [_click(person, race) for race in waiting]
        for race, answered in zip(waiting, answers, strict=True):
            record = seen(partial(_over, table, race.approval.id), f"the end of {race.title}")
            assert record.decision is not None
            channels[record.decision.channel] = channels.get(record.decision.channel, 0) + 1
            contradictions += _contradictions(person, stack, race, record, answered)
    assert contradictions == []
    assert sum(channels.values()) == APPROVALS
    won = ", ".join(f"{count} by {channel}" for channel, count in sorted(channels.items()))
    print(f"\n{APPROVALS} decisions, 0 contradictions ({CLICKS} clicks each; {won})")


def _start(person: Person, stack: LocalStack, number: int) -> tuple[str, str]:
    """Start an execution and return its approval's title and its ARN."""
    title = f"Race {number} of many"
    name = person.start(
        f"prove-{number}", {"Approval": {"Title": title, "TimeoutMinutes": 30, "Comment": {"Reject": "off"}}}
    )
    machine = stack.outputs["StateMachineHumanApprovalArn"]
    return title, f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _waits(stack: LocalStack, table: ApprovalTable, title: str, arn: str) -> Race:
    def posted() -> Race | None:
        approval = next((table.get(waiting) for waiting in table.waiting(arn)), None)
        message = _message(stack, title)
        if approval is None or message is None or "request_slack" not in approval.steps:
            return None
        links = {action: link(approval, action, stack.email, base_url=f"{stack.url}/states") for action in Action}
        return Race(title, arn, approval, links, message)

    return seen(posted, f"the message of {title}")


def _click(person: Person, race: Race) -> list[Answer]:
    """Click all at once; return what the pages of the emails answered. Slack only acknowledges."""
    pages = {action: person.open(race.links[action]) for action in Action}

    def by_mail(action: Action) -> Callable[[], Answer]:
        return lambda: person.confirm(pages[action])

    def in_slack(action: Action, user: str) -> Callable[[], Answer]:
        return lambda: person.click({"ts": race.message.ts}, action.value, user)

    rounds = [(action, user) for user in (*USERS, *USERS, *USERS) for action in Action][: CLICKS // 2]
    clicks = [click for action, user in rounds for click in (by_mail(action), in_slack(action, user))]
    with ThreadPoolExecutor(CLICKS) as pool:
        answers = list(pool.map(lambda click: click(), clicks))
    # Slack takes every click, unless the message has lost its buttons already.
    assert {answer.status for answer in answers} <= {200, 409}
    return [answer for answer in answers if "/execution" in answer.url]


def _over(table: ApprovalTable, approval_id: str) -> Approval | None:
    """Return the record once every step that is checked is done."""
    record = table.get(approval_id)
    return record if {Step.RESUME, "outcome_slack"} <= record.steps.keys() else None


def _contradictions(
    person: Person, stack: LocalStack, race: Race, record: Approval, answers: list[Answer]
) -> list[str]:
    """Return what contradicts the record."""
    execution = seen(lambda: _ended(stack, race.execution_arn), f"the end of {race.execution_arn}")
    message = _message(stack, race.title)
    return [f"{race.title}: {what}" for what in _differences(person, record, execution, message, race, answers)]


def _differences(
    person: Person,
    record: Approval,
    execution: Execution,
    message: Message | None,
    race: Race,
    answers: list[Answer],
) -> Iterator[str]:
    decision = record.decision
    if decision is None or decision.approver is None or (len(record.responses), record.version) != (1, 2):
        yield f"the record has not exactly one decision by a person: {record}"
        return
    action = next(action for action in Action if action.status is record.status)
    word = WORDS[action]
    if execution.states[-1].name != STATES[record.status]:
        yield f"the execution went to {execution.states[-1].name}, the record says {record.status}"
    result = execution.output["Approval"]["Result"]
    said = (result["Decision"], result["ApprovalId"], result["DecidedBy"], result["Channel"], len(result["Responses"]))
    if said != (record.status, record.id, decision.approver.id, decision.channel, 1):
        yield f"the result says {said}"
    for asked, url in race.links.items():
        page = person.open(url)
        if (page.status, heading(page)) != (200 if asked is action else 409, word):
            yield f"the page to {asked} says {page.status} {heading(page)}, the record {record.status}"
    for answer in answers:
        if heading(answer) != word:
            yield f"a click by mail was told {heading(answer)}, the record says {record.status}"
    if message is None or not message.text.startswith(word) or any(b["type"] == "actions" for b in message.blocks):
        yield f"the Slack message says {message}, the record {record.status}"


def _message(stack: LocalStack, title: str) -> Message | None:
    return next((message for message in stack.slack.messages() if message.text.endswith(f" {title}")), None)


def _ended(stack: LocalStack, arn: str) -> Execution | None:
    execution = stack.executions.get(arn)
    return execution if execution.status != "RUNNING" else None
