"""People who are away: from `approvals delegate` and `approvals reassign` to the response of a delegate."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.absences import Absence
from approvals.domain.errors import DeliveryError
from approvals.domain.model import Action, Approval, Request, Status
from approvals.domain.people import DelegationKind, LeftOut, People
from approvals.services.identities import StackIdentities
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.absences import AbsencesChangedError, AbsenceTable
from approvals.store.table import ApprovalTable, NotFoundError
from bot.messenger import SlackMessenger
from cli.doctor.delegates import check_delegates
from cli.doctor.findings import Check, Level
from demo.slack import Slack
from tests.support.builders import NOW, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.delegates import ANN, BO, DAN, EVE, by_email
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers
from tests.support.policies import a_document
from tests.support.services import a_notifier
from tests.support.shell import Shell
from tests.support.tables import TABLE

DAY = timedelta(days=1)
CALLER = "arn:aws:sts::123456789012:user/moto"
STACK = "alice@example.com"
TO_DAN = ("delegate", ANN.id, "--to", DAN.id, "--until", "2026-11-25")


@pytest.fixture
def absences(dynamodb: DynamoDBClient, table: ApprovalTable) -> AbsenceTable:
    del table
    return AbsenceTable(dynamodb, TABLE)


@pytest.fixture
def notifier(
    table: ApprovalTable,
    mailer: FakeMailer,
    subscribers: FakeSubscribers,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Notifier:
    subscribers.addresses = [STACK, ANN.id, BO.id, DAN.id, EVE.id]
    channels = the_channels(mailer.outbox(table, clock), messenger, logger, email=STACK, subscribers=subscribers)
    return a_notifier(table, channels, the_identities(messenger, subscribers, email=STACK), clock, logger)


def ann_is_away(delegate: str = DAN.id, **changes: Any) -> Absence:
    values: dict[str, Any] = {"owner": ANN.id, "delegate": delegate, "since": NOW - DAY, "until": NOW + DAY}
    return Absence(**{**values, "set_by": CALLER, **changes})


def asked(table: ApprovalTable, required: int = 1, **changes: Any) -> Approval:
    """Store a request to Ann and Bo whose people are still to be looked up."""
    values: dict[str, Any] = {"approvers": (ANN.id, BO.id), "required_approvals": required, "requested_by": None}
    request = Request(title="Deploy", timeout=timedelta(hours=10), **{**values, **changes})
    approval = an_approval(request=request, people=None, deliveries=(), deadline=NOW + timedelta(hours=10))
    table.add(approval)
    return approval


def told(mailer: FakeMailer) -> list[str]:
    return [mail.to for mail in mailer.sent]


def people_of(table: ApprovalTable) -> People:
    people = table.get(an_approval().id).people
    assert people
    return people


def who_can_respond(slack: Slack) -> str:
    """Return the part of the first message that names the approvers."""
    [parts] = [block["elements"][0]["elements"] for block in slack.messages()[0].blocks if block["type"] == "rich_text"]
    return "".join(each.get("text", "") for each in parts)


def test_a_new_request_asks_the_delegate_who_then_responds_for_the_person_who_is_away(
    notifier: Notifier, table: ApprovalTable, absences: AbsenceTable, mailer: FakeMailer, slack: Slack
) -> None:
    absences.replace((), (ann_is_away(),))
    approval = asked(table)
    notifier(approval.id, last=False)
    assert told(mailer) == [ANN.id, BO.id, DAN.id]
    assert f"you (for {ANN.id})" in " ".join(mailer.sent[-1].text.split())
    assert f", and {DAN.id} for {ANN.id} until " in who_can_respond(slack)
    [delegation] = people_of(table).delegations
    assert (delegation.owner, delegation.delegate.id, delegation.set_by) == (ANN.id, DAN.id, CALLER)
    decided = respond(table, table.get(approval.id), a_response(approver=by_email(DAN))).approval
    assert (decided.status, decided.responses[0].on_behalf_of) == (Status.APPROVED, ANN.id)


@pytest.mark.parametrize(
    ("absence", "why"),
    [
        pytest.param(ann_is_away("ro@example.com"), LeftOut.UNREACHABLE, id="no-confirmed-subscription"),
        pytest.param(ann_is_away("U0NOBODY99"), LeftOut.UNREACHABLE, id="not-in-slack"),
        pytest.param(ann_is_away(BO.id), LeftOut.ALREADY_ASKED, id="already-asked"),
        pytest.param(ann_is_away("S0GROUP001"), LeftOut.UNREACHABLE, id="a-group"),
    ],
)
def test_a_request_goes_on_without_a_delegate_and_says_so(
    notifier: Notifier, table: ApprovalTable, absences: AbsenceTable, mailer: FakeMailer, absence: Absence, why: LeftOut
) -> None:
    absences.replace((), (absence,))
    notifier(asked(table).id, last=False)
    assert [each.left_out for each in people_of(table).delegations] == [why]
    assert told(mailer) == [ANN.id, BO.id]
    assert f"can't respond for {ANN.id}" in mailer.sent[0].text


@pytest.mark.parametrize(
    "absence",
    [
        pytest.param(ann_is_away(until=NOW), id="over"),
        pytest.param(ann_is_away(since=NOW + DAY, until=NOW + 2 * DAY), id="not-begun"),
        pytest.param(ann_is_away(approval="another"), id="of-another-request"),
        pytest.param(ann_is_away(owner=EVE.id), id="of-nobody-who-is-asked"),
    ],
)
def test_other_absences_do_not_concern_a_request(
    notifier: Notifier, table: ApprovalTable, absences: AbsenceTable, absence: Absence
) -> None:
    absences.replace((), (absence,))
    notifier(asked(table).id, last=False)
    assert people_of(table).delegations == ()


def test_the_requester_has_no_delegate_and_is_none(
    notifier: Notifier, table: ApprovalTable, absences: AbsenceTable, mailer: FakeMailer
) -> None:
    absences.replace((), (ann_is_away(), ann_is_away(EVE.id, owner=BO.id)))
    approval = asked(table, requested_by=ANN.id)
    notifier(approval.id, last=False)
    assert told(mailer) == [BO.id, EVE.id]
    assert [each.left_out for each in people_of(table).delegations] == [LeftOut.REQUESTERS_SEAT, None]
    refused = respond(table, table.get(approval.id), a_response(approver=by_email(DAN)))
    assert refused.reason == "REQUESTERS_DELEGATE"


def test_an_absence_that_is_ended_ends_in_open_requests_and_a_response_stands(
    notifier: Notifier, table: ApprovalTable, shell: Shell, absences: AbsenceTable
) -> None:
    absences.replace((), (ann_is_away(),))
    approval = asked(table, required=2)
    notifier(approval.id, last=False)
    respond(table, table.get(approval.id), a_response(approver=by_email(DAN)))
    ended = shell.run("delegate", ANN.id, "--end")
    assert ended.exit_code == 0, ended.output
    assert "It concerns 1 open request." in ended.output
    notifier(approval.id, last=False)
    found = table.get(approval.id)
    assert [each.seat for each in found.standing] == [ANN.id]
    assert not people_of(table).delegations[0].is_in_force(NOW)
    decided = respond(table, found, a_response(approver=by_email(BO), minutes=5)).approval
    assert decided.status is Status.APPROVED


def test_after_the_end_the_delegate_is_refused(
    notifier: Notifier, table: ApprovalTable, absences: AbsenceTable
) -> None:
    absences.replace((), (ann_is_away(),))
    approval = asked(table)
    notifier(approval.id, last=False)
    absences.replace((ann_is_away(),), ())
    table.call_again(approval.id)
    notifier(approval.id, last=False)
    judged = respond(table, table.get(approval.id), a_response(approver=by_email(DAN)))
    assert judged.reason == "NOT_A_DELEGATE"


def test_a_reassigned_seat_is_told_and_on_record(
    notifier: Notifier, table: ApprovalTable, shell: Shell, mailer: FakeMailer, slack: Slack
) -> None:
    approval = asked(table)
    notifier(approval.id, last=False)
    shell.then = [lambda: notifier(approval.id, last=False)]
    done = shell.run("reassign", approval.id, ANN.id, "--to", DAN.id)
    assert done.exit_code == 0, done.output
    assert f"{DAN.id} can now respond for {ANN.id}" in done.output
    assert told(mailer) == [ANN.id, BO.id, DAN.id]
    assert f", and {DAN.id} for {ANN.id} until " in who_can_respond(slack)
    [delegation] = people_of(table).delegations
    assert (delegation.kind, delegation.set_by) == (DelegationKind.REASSIGNED, CALLER)
    version = table.get(approval.id).version
    notifier(approval.id, last=False)
    assert table.get(approval.id).version == version, "stored once"
    late = a_response(Action.REJECT, by_email(DAN), minutes=5)
    assert respond(table, table.get(approval.id), late).approval.status is Status.REJECTED


def test_a_reassigned_seat_waits_for_slack_to_be_up_again(
    notifier: Notifier, table: ApprovalTable, absences: AbsenceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = asked(table)
    notifier(approval.id, last=False)
    absences.replace((), (ann_is_away(since=NOW, approval=approval.id),))
    table.call_again(approval.id)

    def down(*_: object) -> tuple[()]:
        raise DeliveryError("Slack answered HTTP 503")

    with monkeypatch.context() as broken:
        broken.setattr(StackIdentities, "find_delegations", down)
        with pytest.raises(StepsFailedError):
            notifier(approval.id, last=False)
    notifier(approval.id, last=False)
    assert len(people_of(table).delegations) == 1


REFUSALS: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({}, (EVE.id, "--to", DAN.id), f"{EVE.id} is not an approver of this request."),
    ({"requested_by": BO.id}, (ANN.id, "--to", BO.id), f"{BO.id} made this request, so"),
    ({"requested_by": ANN.id}, (ANN.id, "--to", DAN.id), f"{ANN.id} made this request and can't respond"),
    ({}, (ANN.id, "--to", BO.id), f"{BO.id} is already asked, so {BO.id} can't stand in for {ANN.id}."),
]


@pytest.mark.parametrize(("changes", "arguments", "message"), REFUSALS)
def test_what_can_not_be_reassigned(
    notifier: Notifier,
    table: ApprovalTable,
    shell: Shell,
    changes: dict[str, Any],
    arguments: tuple[str, ...],
    message: str,
    absences: AbsenceTable,
) -> None:
    approval = asked(table, **changes)
    notifier(approval.id, last=False)
    refused = shell.run("reassign", approval.id, *arguments)
    assert refused.exit_code == 3
    assert message in refused.output
    assert absences.read() == ()


def test_a_seat_that_is_filled_or_a_closed_request_can_not_be_reassigned(
    notifier: Notifier, table: ApprovalTable, shell: Shell
) -> None:
    approval = asked(table, required=2)
    notifier(approval.id, last=False)
    respond(table, table.get(approval.id), a_response(approver=by_email(ANN)))
    assert f"{ANN.id} has responded" in shell.run("reassign", approval.id, ANN.id, "--to", DAN.id).output
    respond(table, table.get(approval.id), a_response(approver=by_email(BO)))
    assert "already closed" in shell.run("reassign", approval.id, BO.id, "--to", DAN.id).output


def test_reassigning_to_a_person_who_can_not_be_reached_says_why(
    notifier: Notifier, table: ApprovalTable, shell: Shell
) -> None:
    approval = asked(table)
    notifier(approval.id, last=False)
    shell.then = [lambda: notifier(approval.id, last=False)]
    refused = shell.run("reassign", approval.id, ANN.id, "--to", "ro@example.com")
    assert refused.exit_code == 3
    assert "Not reassigned: ro@example.com can't respond for ann@example.com, since they can't be reached." in (
        refused.output
    )


# The command line and the item.


def test_an_absence_is_stored_with_the_callers_identity_listed_replaced_and_ended(
    shell: Shell, absences: AbsenceTable
) -> None:
    assert shell.run(*TO_DAN).exit_code == 0
    [stored] = absences.read()
    assert (stored.owner, stored.delegate, stored.set_by) == (ANN.id, DAN.id, CALLER)
    assert stored.until == NOW.replace(hour=0) + 3 * DAY, "the last day is included"
    shell.run("delegate", "Ann+x@Example.com", "--to", EVE.id, "--until", "2026-11-24T12:00:00+01:00")
    [listed] = json.loads(shell.run("delegate", "--list", "--json").stdout)
    assert (listed["To"], listed["Until"]) == (EVE.id, "2026-11-24T11:00:00.000Z")
    assert shell.run("delegate", ANN.id, "--end").exit_code == 0
    assert absences.read() == ()
    again = shell.run("delegate", ANN.id, "--end")
    assert (again.exit_code, f"{ANN.id} has no delegate" in again.output) == (3, True)


def test_absences_that_are_over_are_not_listed_and_go_with_the_next_change(
    shell: Shell, absences: AbsenceTable, clock: Clock
) -> None:
    shell.run(*TO_DAN)
    clock.now += 10 * DAY
    assert json.loads(shell.run("delegate", "--list", "--json").stdout) == []
    shell.run("delegate", BO.id, "--to", EVE.id, "--until", "2026-12-24")
    assert [each.owner for each in absences.read()] == [BO.id]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("delegate", ANN.id), "Use FROM with --to and --until, FROM with --end, or --list."),
        (("delegate", ANN.id, "--to", DAN.id), "Use FROM with --to and --until"),
        (("delegate", "--list", ANN.id), "Use FROM with --to and --until"),
        (("delegate", "S0GROUP001", "--end"), "'S0GROUP001' is not an email address or a Slack user ID."),
        (("delegate", ANN.id, "--to", ANN.id, "--until", "2026-12-01"), "is the person who is away"),
        (("delegate", ANN.id, "--to", DAN.id, "--until", "2026-11-01"), "is over"),
        (("delegate", ANN.id, "--to", DAN.id, "--until", "tomorrow"), "'tomorrow' is not a date"),
        (("delegate", ANN.id, "--to", DAN.id, "--until", "2028-11-01"), "later than the 366 days from now"),
    ],
)
def test_a_usage_error_stores_nothing(
    shell: Shell, absences: AbsenceTable, arguments: tuple[str, ...], message: str
) -> None:
    refused = shell.run(*arguments)
    assert refused.exit_code == 64
    assert message in " ".join(refused.output.split())
    assert absences.read() == ()


@pytest.mark.parametrize(
    ("delegation", "code", "message"),
    [
        ({"Allowed": False}, 3, "The approval policy allows no delegates."),
        ({"LongestDays": 1}, 64, "later than the 1 day from now that the approval policy allows"),
        ({"LongestDays": 3}, 0, ""),
    ],
)
def test_the_policy_limits_absences(shell: Shell, delegation: dict[str, Any], code: int, message: str) -> None:
    shell.parameters["PolicyParameter"] = "/approvals/policy"
    document = json.dumps(a_document(Delegation=delegation))
    shell.context.client("ssm").put_parameter(Name="/approvals/policy", Value=document, Type="String")
    done = shell.run(*TO_DAN)
    assert done.exit_code == code
    assert message in " ".join(done.output.split())


def test_two_operators_do_not_overwrite_each_other(absences: AbsenceTable) -> None:
    absences.replace((), (ann_is_away(),))
    with pytest.raises(AbsencesChangedError):
        absences.replace((), (ann_is_away(EVE.id),))
    assert absences.read() == (ann_is_away(),)


def test_the_item_is_no_approval(table: ApprovalTable, absences: AbsenceTable) -> None:
    absences.replace((), (ann_is_away(),))
    assert list(table.due(NOW + 400 * DAY)) == []
    assert not table.call_again("absences")
    with pytest.raises(NotFoundError):
        table.get_with_absences("bclqipcd7vjjkdo7xx4k76o56ybz4u7y")


def test_a_delegation_is_not_stored_over_a_response(table: ApprovalTable, notifier: Notifier) -> None:
    approval = asked(table)
    notifier(approval.id, last=False)
    before = table.get(approval.id)
    decided = respond(table, before, a_response(approver=by_email(BO))).approval
    assert before.people
    assert table.delegate(before, replace(before.people, delegations=())) is None
    assert table.get(approval.id).decision == decided.decision


# The doctor.


@pytest.mark.parametrize(
    ("stored", "level", "text"),
    [
        ([], Level.OK, "nobody has a delegate now"),
        ([ann_is_away(until=NOW)], Level.OK, "nobody has a delegate now"),
        ([ann_is_away()], Level.OK, "1 delegate can respond for people who are away"),
        (
            [ann_is_away(), ann_is_away(BO.id, owner=DAN.id)],
            Level.WARNING,
            f"{DAN.id}, the delegate of {ANN.id}, is away",
        ),
        (
            [ann_is_away("ro@example.com")],
            Level.WARNING,
            f"ro@example.com, the delegate of {ANN.id}, can't be reached:",
        ),
    ],
)
def test_the_doctor_looks_at_the_delegates_of_now(
    shell: Shell, absences: AbsenceTable, stored: list[Absence], level: Level, text: str
) -> None:
    absences.replace((), stored)
    sns = shell.context.client("sns")
    for person in (DAN, BO):
        policy = json.dumps({"recipient": [person.id]})
        topic = shell.outputs["ApprovalTopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=person.id, Attributes={"FilterPolicy": policy})
    [finding] = check_delegates(shell.context)
    assert (finding.check, finding.level) == (Check.DELEGATES, level)
    assert finding.text.startswith(text)
    assert bool(finding.fix) == (level is Level.WARNING)


def test_the_doctor_warns_of_delegates_whom_the_policy_forbids(shell: Shell, absences: AbsenceTable) -> None:
    absences.replace((), (ann_is_away(),))
    shell.parameters["PolicyParameter"] = "/approvals/policy"
    document = json.dumps(a_document(Delegation={"Allowed": False}))
    shell.context.client("ssm").put_parameter(Name="/approvals/policy", Value=document, Type="String")
    [finding] = check_delegates(shell.context)
    assert (finding.level, finding.text) == (
        Level.WARNING,
        "1 delegate can't respond: the policy allows no delegates",
    )
