"""docs/absences.md on the deployed stack: a delegate responds in the place of a person who is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.person import BOB, Person, links
from demo.stack import LocalStack
from tests.support.cli_processes import Cli, ended

AWAY, DELEGATE = "carol@example.com", "bob@example.com"


@pytest.fixture
def cli(stack: LocalStack, aws_port: int) -> Iterator[Cli]:
    """The command line, after it has named the delegate. Other tests ask the same people, so the absence ends."""
    cli = Cli(aws_port)
    day = datetime.now(UTC).date() + timedelta(days=2)
    said = cli.run("delegate", AWAY, "--to", DELEGATE, "--until", day.isoformat())
    assert f"requests that ask {AWAY} ask {DELEGATE} as well" in said
    yield cli
    cli.run("delegate", AWAY, "--end")


def ask(person: Person, name: str, **asked: Any) -> str:
    return person.start(name, {"Approval": {"Title": f"About {name}", "Approvers": [AWAY], **asked}})


def result(person: Person, name: str) -> dict[str, Any]:
    found: dict[str, Any] = person.ended(name)["output"]["Approval"]["Result"]
    return found


@pytest.mark.parametrize("channel", ["email", "slack"])
def test_a_delegate_responds_for_the_person_who_is_away_and_the_result_says_so(
    cli: Cli, person: Person, channel: str
) -> None:
    name = ask(person, f"away-{channel}")
    if channel == "slack":
        assert person.click(person.message(name), "approve", BOB).status == 200
    else:
        page = person.open(links(person.mail(name, to=DELEGATE))["approve"])
        assert f"You respond for {AWAY}" in page.text
        assert person.confirm(page).status == 200
    found = result(person, name)
    [response] = found["Responses"]
    assert (found["Decision"], found["Channel"]) == ("APPROVED", channel)
    assert response["For"] == AWAY
    assert f"for {AWAY}" in cli.run("show", name)


def test_a_delegate_can_not_respond_to_their_own_request(cli: Cli, person: Person) -> None:
    name = ask(person, "away-own-request", RequestedBy=DELEGATE)
    text = person.mail(name, to=AWAY)["text"]
    assert "can't respond for" in " ".join(text.split()), "the others are told why the delegate was left out"
    message = person.message(name)
    assert person.click(message, "approve", BOB).status == 200
    assert "own request" in person.ephemeral_text(BOB, message["ts"], name)
    code, _, err = ended(cli.start("reassign", name, AWAY, "--to", DELEGATE))
    assert code != 0
    assert f"{DELEGATE} made this request" in err
    assert person.execution(name)["status"] == "RUNNING"
    assert person.confirm(person.open(links(person.mail(name, to=AWAY))["approve"])).status == 200
    [response] = result(person, name)["Responses"]
    assert "For" not in response
