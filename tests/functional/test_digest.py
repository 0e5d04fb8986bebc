"""Mails that came too fast, folded into one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Approval
from approvals.domain.signed_links import approval_id
from approvals.services.respond import respond
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable
from demo.person import links
from mail.digest import DigestSender
from mail.messages import Links
from mail.subjects import MAX_SUBJECT
from tests.support.broken_records import break_record
from tests.support.builders import NOW, a_response, an_approval
from tests.support.fakes import Clock, FakeMailer
from tests.support.tables import TABLE

ALICE = "alice@example.com"
REQUEST, OUTCOME = (f"{step}:{ALICE}" for step in ("request_email", "outcome_email"))


@pytest.fixture
def sender(table: ApprovalTable, mailer: FakeMailer, clock: Clock, logger: Logger) -> DigestSender:
    def sleep(_seconds: float) -> None:
        mailer.slots = 1  # a second has passed

    return DigestSender(
        table=table,
        mailer=mailer,
        email="alice@example.com",
        links=Links("https://x", one_click=False),
        clock=clock,
        sleep=sleep,
        logger=logger,
    )


@pytest.fixture
def asked(table: ApprovalTable) -> list[Approval]:
    approvals = [
        an_approval(id=approval_id(f"t{number}"), requested_at=NOW + timedelta(seconds=number)) for number in range(5)
    ]
    for approval in approvals:
        table.add(approval)
    return approvals


def batch(*mails: tuple[Approval, str]) -> dict[str, Any]:
    return {"Records": [{"body": json.dumps({"id": approval.id, "step": step})} for approval, step in mails]}


def test_waiting_emails_become_one_with_the_links_of_each(
    sender: DigestSender, table: ApprovalTable, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    sender(batch(*((approval, REQUEST) for approval in reversed(asked))), context)
    [mail] = mailer.sent
    assert mail.subject == f"Approvals: 5 waiting for you [{asked[0].id[:6]}]"
    found = [line for line in mail.text.splitlines() if line.startswith("https://x/execution?")]
    assert len(found) == 10
    assert [approval.id in link for approval, link in zip(asked, found[::2], strict=True)] == [True] * 5
    assert all(table.get(approval.id).told for approval in asked)


def test_the_log_names_each_request_that_a_folded_email_was_for(
    sender: DigestSender, asked: list[Approval], context: LambdaContext, caplog: pytest.LogCaptureFixture
) -> None:
    sender(batch(*((approval, REQUEST) for approval in asked)), context)
    sent = [vars(record) for record in caplog.records if record.getMessage() == "email sent"]
    assert [(each["step"], each["folded"]) for each in sent] == [(REQUEST, 5)] * 5


def test_emails_sent_meanwhile_are_not_sent_again(
    sender: DigestSender, table: ApprovalTable, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    sender(batch((asked[0], REQUEST), (asked[0], REQUEST), (asked[1], REQUEST)), context)
    sender(batch((asked[0], REQUEST), (asked[1], REQUEST)), context)
    assert len(mailer.sent) == 1
    respond(table, table.get(asked[2].id), a_response())
    sender(batch((asked[2], REQUEST)), context)
    assert len(mailer.sent) == 1, "what is decided is not asked any more"


def test_one_alone_is_its_own_email(
    sender: DigestSender, table: ApprovalTable, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    sender(batch((asked[0], REQUEST)), context)
    respond(table, table.get(asked[0].id), a_response())
    sender(batch((asked[0], OUTCOME)), context)
    subject = f"Approve? {asked[0].title} [{asked[0].id[:6]}]"
    assert [mail.subject for mail in mailer.sent] == [subject, f"Re: {subject}"]


def test_outcomes_are_folded_too(
    sender: DigestSender, table: ApprovalTable, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    for approval in asked[:2]:
        respond(table, approval, a_response())
    sender(batch((asked[0], OUTCOME), (asked[1], OUTCOME), (asked[2], REQUEST)), context)
    [mail] = mailer.sent
    assert mail.subject == f"Approvals: 1 waiting for you, 2 closed [{asked[0].id[:6]}]"
    assert mail.text.count("Approved by alice@example.com by email on") == 2
    assert list(links({"text": mail.text})) == ["approve", "reject"]
    assert len(mail.subject) <= MAX_SUBJECT


def test_it_waits_for_a_free_slot(
    sender: DigestSender, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    mailer.slots = 0
    sender(batch((asked[0], REQUEST)), context)
    assert len(mailer.sent) == 1


def test_emails_that_sns_refuses_stay_in_the_queue(
    sender: DigestSender, table: ApprovalTable, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    mailer.broken = True
    with pytest.raises(DeliveryError):
        sender(batch((asked[0], REQUEST), (asked[1], REQUEST)), context)
    assert not table.get(asked[0].id).told


def test_each_recipient_gets_their_own(
    sender: DigestSender, table: ApprovalTable, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    """Also where one of them can't be reached: the others' mails are marked, and come no second time."""
    carol = "outcome_email:carol@example.com"
    for approval in asked[:2]:
        respond(table, approval, a_response())
    everything = batch((asked[0], OUTCOME), (asked[0], carol), (asked[1], carol), (asked[2], REQUEST))
    mailer.broken_for = "alice@example.com"
    with pytest.raises(DeliveryError):
        sender(everything, context)
    [mail] = mailer.sent
    assert (mail.to, mail.subject) == ("carol@example.com", f"Approvals: 2 closed [{asked[0].id[:6]}]")
    mailer.broken_for = None
    sender(everything, context)
    assert [mail.to for mail in mailer.sent] == ["carol@example.com", "alice@example.com"]


def test_a_request_and_its_reminder_are_one_entry(
    sender: DigestSender, mailer: FakeMailer, asked: list[Approval], context: LambdaContext
) -> None:
    sender(batch((asked[0], REQUEST), (asked[0], f"reminder-1:{ALICE}")), context)
    [mail] = mailer.sent
    assert mail.subject == f"Approvals: 1 waiting for you [{asked[0].id[:6]}]"


@pytest.mark.parametrize("how", ["a status of a newer version", "no request"])  # all are in test_listing
def test_an_unreadable_record_keeps_nobody_from_the_other_emails(
    sender: DigestSender,
    dynamodb: DynamoDBClient,
    mailer: FakeMailer,
    asked: list[Approval],
    context: LambdaContext,
    how: str,
) -> None:
    """It comes back, and ends in the dead-letter queue; the others are sent once."""
    break_record(dynamodb, TABLE, asked[0].id, how)
    for _ in range(2):
        with pytest.raises(UnreadableError):
            sender(batch((asked[0], REQUEST), (asked[1], REQUEST), (asked[2], REQUEST)), context)
    [mail] = mailer.sent
    assert mail.subject == f"Approvals: 2 waiting for you [{asked[1].id[:6]}]"
