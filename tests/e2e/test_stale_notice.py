"""Notices that an execution ended: they come late and twice, and a redrive keeps the ARN that they name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from demo.person import Person, heading, links
from demo.stack import LocalStack
from demo.story import DEPLOYMENT
from tests.support.lifecycle import change, deliver_notice, waiting_for
from tests.support.polling import seen
from tests.support.stopped_executions import check_cancelled, stop


def test_a_notice_from_before_the_request_changes_nothing(stack: LocalStack, person: Person) -> None:
    name = person.start("stale-notice", DEPLOYMENT)
    approve = links(person.mail(name))["approve"]
    for _ in range(2):
        deliver_notice("human-approval", person.execution(name)["arn"], datetime.now(UTC) - timedelta(hours=1))
    page = person.open(approve)
    assert page.status == 200
    person.confirm(page)
    assert person.ended(name)["output"]["Approval"]["Result"]["Decision"] == "APPROVED"


def test_the_request_of_a_redriven_execution_outlives_the_notice_of_its_first_end(
    stack: LocalStack, person: Person
) -> None:
    """The emulator has no RedriveExecution: another execution plays the second run, with the first one's ARN."""
    stopped = stop(stack, "redriven")
    check_cancelled(stopped)
    first = person.execution(stopped.name)["arn"]
    ended_at = datetime.now(UTC)

    name = person.start("redriven-again", DEPLOYMENT)
    approve = links(person.mail(name))["approve"]
    change(stack, waiting_for(stack, person.execution(name)["arn"]), waiting=first, workflow__execution_arn=first)
    for _ in range(2):
        deliver_notice("human-approval", first, ended_at)
    page = person.open(approve)
    assert page.status == 200
    person.confirm(page)
    assert person.ended(name)["output"]["Approval"]["Result"]["Decision"] == "APPROVED"


def test_an_execution_whose_request_is_cancelled_never_waits_on(stack: LocalStack, person: Person) -> None:
    """Should a notice be wrong all the same, Step Functions is told: the execution fails and says why."""
    name = person.start("wrong-notice", DEPLOYMENT)
    approve = links(person.mail(name))["approve"]
    arn = person.execution(name)["arn"]
    deliver_notice("human-approval", arn, datetime.now(UTC) + timedelta(minutes=1))
    ended = seen(lambda: found if (found := stack.executions.get(arn)).status != "RUNNING" else None, "the end")
    assert (ended.status, ended.error) == ("FAILED", "ApprovalFailed")
    assert (ended.cause or "").startswith("The execution was stopped before a decision.")
    page = person.open(approve)
    assert (page.status, heading(page)) == (410, "Cancelled")
