"""An upgrade breaks no open approval: neither one that waits meanwhile, nor one that an earlier version wrote."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from demo import aws, deploy
from demo.person import Person, links
from demo.stack import LocalStack
from demo.story import ALL_AT_ONCE, DEPLOYMENT, agree
from tests.support.deployments import deployed
from tests.support.leaks import LeakDetector
from tests.support.polling import seen
from tests.support.stack_contents import table

NAME = "upgraded"
VERSIONS = sorted((Path(__file__).parent / "upgrade").glob("*.json"))
"""What earlier commits wrote: tests/unit/test_earlier.py says how each is read."""

AS_BEFORE: dict[str, Any] = {"Approval": {**DEPLOYMENT["Approval"], "Title": "Deploy web 2.4.1"}}
"""Mails about one approval bear the title that its record has."""

IDENTITY = (
    "id", "link_key", "workflow", "requested_at", "deadline", "due_at", "due_shard", "waiting",
    "expires_at", "slack_message", "direct_messages",
)  # fmt: skip
"""What makes a record that of one paused execution. The rest of it stays as the earlier version wrote it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits: its mail and its Slack message, as they were sent before the upgrade."""

    name: str
    mail: dict[str, Any]
    message: dict[str, Any]


@pytest.fixture(scope="module")
def old(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    with deployed(leak_detector, aws_port, NAME) as stack:
        yield stack


def ask(stack: LocalStack, name: str, request: dict[str, Any] = DEPLOYMENT) -> Asked:
    person = Person(stack.url)
    person.start(name, request)
    return Asked(name, person.mail(name), person.message(name))


@pytest.fixture(scope="module")
def waiting(old: LocalStack) -> dict[str, Asked]:
    """Approvals that were asked before the upgrade. Without a dialog: one click on functions that are all cold."""
    return {name: ask(old, f"{name}-over-an-upgrade", ALL_AT_ONCE) for name in ("by-email", "by-slack", "stopped")}


@pytest.fixture(scope="module")
def upgraded(old: LocalStack, waiting: dict[str, Asked]) -> LocalStack:
    """The stack after a second `sam deploy`, with other parameters: all of the functions are replaced."""
    before = configurations()
    changed = {"ApprovalTimeoutMinutes": "7", "Tracing": "Active", "SnapStart": "PublishedVersions"}
    outputs = deploy.deploy(NAME, old.parameters | changed)
    assert outputs == old.outputs, "nothing that is out in mails, in Slack or in callers has moved"
    after = configurations()
    assert after.keys() == before.keys()
    assert tracing(old) is False, "a trace would hold the signatures of links"
    minutes = [found["Environment"]["Variables"].get("DEFAULT_TIMEOUT_MINUTES") for found in after.values()]
    assert "7" in minutes
    # The emulator answers before its snapshots are ready. AWS waits for them.
    seen(lambda: None if any(found["State"] == "Pending" for found in live().values()) else True, "snapshots")
    return old


@pytest.fixture(scope="module", autouse=True)
def overdue(upgraded: LocalStack) -> list[Asked]:
    """Records of earlier versions, whose deadlines are moved into the past before the first test.

    The clock, which looks each minute, finds them in the index while the other tests run.
    """
    past = {"S": "2026-01-01T00:00:00.000Z"}
    unanswered = [ask(upgraded, f"from-{version.stem}-unanswered") for version in VERSIONS]
    for version, asked in zip(VERSIONS, unanswered, strict=True):
        write_as(version, upgraded, asked, deadline=past, due_at=past)
    return unanswered


def tracing(stack: LocalStack) -> bool:
    """Return True if the API sends traces."""
    api_id = stack.outputs["ApiGatewayInvokeURL"].split("//")[1].split(".")[0]
    stage = aws.session().client("apigateway").get_stage(restApiId=api_id, stageName="states")
    return bool(stage["tracingEnabled"])


def configurations() -> dict[str, Any]:
    """Return the stack's functions by name."""
    functions = aws.session().client("lambda").get_paginator("list_functions").paginate()
    return {
        found["FunctionName"]: found
        for page in functions
        for found in page["Functions"]
        if found["FunctionName"].startswith(f"{NAME}-")
    }


def live() -> dict[str, Any]:
    """Return the versions behind the aliases of the stack's functions, by the function's name."""
    client = aws.session().client("lambda")
    return {
        name: client.get_function_configuration(FunctionName=name, Qualifier=alias["Name"])
        for name in configurations()
        for alias in client.list_aliases(FunctionName=name)["Aliases"]
    }


def test_functions_that_people_wait_for_start_from_a_snapshot_once_that_is_enabled(upgraded: LocalStack) -> None:
    """So the alias has a version with the new parameters. The one before is gone, and with it what it would cost."""
    found = live()
    assert len(found) == 2
    for name, version in found.items():
        assert version["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
        assert version["Description"].startswith("PublishedVersions Active ")
        versions = aws.session().client("lambda").list_versions_by_function(FunctionName=name)["Versions"]
        assert [each["Version"] for each in versions] == ["$LATEST", version["Version"]]


def test_a_link_that_was_mailed_before_the_upgrade_approves(upgraded: LocalStack, waiting: dict[str, Asked]) -> None:
    person, asked = Person(upgraded.url), waiting["by-email"]
    page = person.open(links(asked.mail)["approve"])
    assert person.confirm(page).status == 200
    agree(person, asked.name, "ApprovedPassState", "email")


def test_a_button_that_was_posted_before_the_upgrade_rejects(upgraded: LocalStack, waiting: dict[str, Asked]) -> None:
    person, asked = Person(upgraded.url), waiting["by-slack"]
    assert person.click(asked.message, "reject").status == 200
    agree(person, asked.name, "RejectedPassState", "slack")


def test_an_execution_that_is_stopped_after_the_upgrade_calls_its_request_off(
    upgraded: LocalStack, waiting: dict[str, Asked]
) -> None:
    person, asked = Person(upgraded.url), waiting["stopped"]
    arn = person.execution(asked.name)["arn"]
    aws.session().client("stepfunctions").stop_execution(executionArn=arn)
    assert "Cancelled" in person.message(asked.name, edited=True)["text"]
    assert person.open(links(asked.mail)["approve"]).status == 410


def test_the_new_parameters_hold_for_what_is_asked_from_now_on(upgraded: LocalStack) -> None:
    asked = ask(upgraded, "after-the-upgrade", {"Comment": "Which deadline?"})
    item = of_today(upgraded, asked)
    requested, deadline = (item[name]["S"] for name in ("requested_at", "deadline"))
    assert minutes_between(requested, deadline) == 7


@pytest.mark.parametrize("channel", ["email", "slack"])
@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_this_version_decides_requests_of_earlier_ones(upgraded: LocalStack, version: Path, channel: str) -> None:
    person = Person(upgraded.url)
    asked = ask(upgraded, f"from-{version.stem}-by-{channel}", AS_BEFORE)
    write_as(version, upgraded, asked)
    page = person.open(links(asked.mail)["approve"])
    assert "Deploy web 2.4.1" in page.text
    if channel == "email":
        assert person.confirm(page, comment="Fine").status == 200
        agree(person, asked.name, "ApprovedPassState", "email")
    else:
        person.click(asked.message, "approve")
        agree(person, asked.name, "ApprovedPassState", "slack")


QUORUMS = [version for version in VERSIONS if "half_approved" in json.loads(version.read_text())]
"""Those that wrote how far people in several places were told, and what some of them answered."""
DAVE = "U0DAVE0006"
"""Not in the channel: asked in a direct message."""


@pytest.fixture(params=QUORUMS, ids=lambda path: path.stem)
def quorum(request: pytest.FixtureRequest, upgraded: LocalStack) -> tuple[Path, Asked]:
    """A version, and a request of today like the one that it wrote down."""
    version: Path = request.param
    asked = json.loads(json.loads(version.read_text())["half_approved"]["request"]["M"]["asked"]["S"])
    name = f"quorum-{version.stem}-{request.node.originalname.removeprefix('test_')[:20]}"
    return version, ask(upgraded, name, {"Approval": asked, "Version": "2.4.1"})


def test_people_an_earlier_version_did_not_tell_are_told_and_the_second_response_decides(
    upgraded: LocalStack, quorum: tuple[Path, Asked]
) -> None:
    """Its reminder had reached everybody but carol. An answer in a direct message makes the quorum full."""
    (version, asked), person = quorum, Person(upgraded.url)
    direct = direct_message(person, asked)
    write_as(version, upgraded, asked, record="half_approved", steps=5)
    reminder = person.mail(asked.name, to="carol@")
    assert "Reminder: " in reminder["text"]
    person.click(direct, "approve", DAVE)
    assert person.submit({"form.Amount": "120"}, DAVE).status == 200
    result = person.ended(asked.name)["output"]["Approval"]["Result"]
    assert (result["Decision"], result["DecidedBy"], result["Channel"]) == ("APPROVED", DAVE, "slack")
    assert (len(result["Responses"]), result["Form"]) == (2, {"Amount": 120}), "what Bob had filled in, confirmed"
    concluded(person, asked)
    reminded = [mail["to"] for mail in person.state()["inbox"] if about(mail, asked) and "Reminder: " in mail["text"]]
    assert reminded == [reminder["to"]], "nobody else is reminded again"


def test_this_version_delivers_decisions_of_earlier_ones(upgraded: LocalStack, quorum: tuple[Path, Asked]) -> None:
    (version, asked), person = quorum, Person(upgraded.url)
    direct_message(person, asked)
    write_as(version, upgraded, asked, record="approved", steps=5)
    result = person.ended(asked.name)["output"]["Approval"]["Result"]
    assert (result["Decision"], result["DecidedBy"], result["Channel"]) == ("APPROVED", "alice@example.com", "email")
    concluded(person, asked)


def direct_message(person: Person, asked: Asked) -> dict[str, Any]:
    """Return the direct message to dave, once it is there."""

    def look(state: dict[str, Any]) -> dict[str, Any] | None:
        found = (each for each in state["slack"]["messages"] if each["channel"] == f"D{DAVE[1:]}")
        return next((each for each in found if asked.name in json.dumps(each["blocks"])), None)

    return person.wait(look, "no direct message")


def concluded(person: Person, asked: Asked) -> None:
    """Wait until the outcome is everywhere: in two messages without buttons and in an email to each recipient."""
    for message in (person.message(asked.name), direct_message(person, asked)):
        seen(partial(approved, person, message["ts"]), f"the outcome in {message['channel']}")
    for to in ("alice@", "carol@", "approver@"):
        seen(partial(outcome_mail, person, asked, to), f"the outcome to {to}")


def approved(person: Person, ts: str) -> bool:
    [message] = [each for each in person.state()["slack"]["messages"] if each["ts"] == ts]
    return message["text"].startswith("Approved") and "actions" not in {block["type"] for block in message["blocks"]}


def outcome_mail(person: Person, asked: Asked, to: str) -> bool:
    inbox = person.state()["inbox"]
    return any(to in mail["to"] and about(mail, asked) and mail["text"].startswith("Approved") for mail in inbox)


def about(mail: dict[str, Any], asked: Asked) -> bool:
    return asked.name in mail["text"]


def ended(stack: LocalStack, arn: str) -> bool:
    return stack.executions.get(arn).status != "RUNNING"


def test_requests_of_earlier_versions_expire(upgraded: LocalStack, overdue: list[Asked]) -> None:
    machine = upgraded.outputs["StateMachineHumanApprovalArn"].replace(":stateMachine:", ":execution:")
    for asked in overdue:
        arn = f"{machine}:{asked.name}"
        seen(partial(ended, upgraded, arn), "it did not expire", 120)
        assert upgraded.executions.get(arn).error == "ApprovalExpired"


def of_today(stack: LocalStack, asked: Asked, steps: int = 2) -> dict[str, Any]:
    """Return the item of a request, once so many steps are marked."""
    approval_id = links(asked.mail)["approve"].split("&id=")[1].split("&")[0]
    key = {"id": {"S": approval_id}}
    table = stack.outputs["ApprovalTableName"]

    def told() -> dict[str, Any] | None:
        item: dict[str, Any] = aws.session().client("dynamodb").get_item(TableName=table, Key=key)["Item"]
        return item if len(item["steps"]["M"]) == steps else None

    return seen(told, "all messages noted")


def write_as(
    version: Path, stack: LocalStack, asked: Asked, *, record: str = "pending", steps: int = 2, **changes: Any
) -> None:
    """Put an earlier version's record in the place of today's, for the same paused execution: with its task token."""
    dynamodb, tokens = aws.session().client("dynamodb"), table(NAME, "TaskTokenTable")
    earlier = json.loads(version.read_text())[record]
    earlier["link_key"] = {"B": b64decode(earlier["link_key"]["B"])}
    today = of_today(stack, asked, steps)
    moved = dynamodb.delete_item(TableName=tokens, Key={"id": today["id"]}, ReturnValues="ALL_OLD")["Attributes"]
    changes["task_token"] = moved["task_token"]
    item = earlier | {name: today[name] for name in IDENTITY if name in earlier} | changes
    assert item.keys() == earlier.keys(), "no attribute that the earlier version did not write"
    dynamodb.put_item(TableName=stack.outputs["ApprovalTableName"], Item=item)


def minutes_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() / 60
