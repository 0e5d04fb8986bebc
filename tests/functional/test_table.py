"""The table module, against DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import Decision, Delivery, Request, Status
from approvals.domain.parts import Moment, text
from approvals.domain.people import People, Person
from approvals.domain.replies import DeferredReply
from approvals.domain.rules import judge
from approvals.domain.steps import Step
from approvals.store.items import RETENTION, approval_to_item
from approvals.store.replies import Replies, reply_id
from approvals.store.table import ApprovalTable, NotFoundError, serialized
from approvals.store.writes import PAUSES, ConditionsFailedError
from tests.support.builders import ALICE, BOB, NOW, a_response, an_approval
from tests.support.tables import REPLIES, TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


REPLY = DeferredReply(id="n1", channel="C1", user="U1", text="Too late.", left_at=NOW)


def test_a_stored_approval_is_read_unchanged(table: ApprovalTable) -> None:
    """Every field of a record survives the table, the input's JSON to the last detail."""
    context: dict[str, Any] = {"n": 1.0, "big": 2**70, "deep": {"list": [None, True, "ü"]}, "empty": "", "e": []}
    asked = an_approval(request=Request(timeout=timedelta(minutes=5), context=context, details="a\nb"))
    table.add(asked)
    decided = judge(asked, a_response(approver=BOB, comment="fine")).approval
    table.save(decided)
    table.mark(decided, "request_slack", NOW, delivery=Delivery(channel="slack", place="C1", id="1.2", realm="T1"))

    read = table.get(asked.id)

    message = Delivery(channel="slack", place="C1", id="1.2", realm="T1")
    assert read == replace(decided, steps={"request_slack": NOW}, deliveries=(*asked.deliveries, message))
    assert isinstance(read.request.whole_context["n"], float)


def test_a_decision_without_a_person_survives_too(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    decision = Decision(status=Status.EXPIRED, at=NOW, channel="system", error="ApprovalExpired", cause="late")
    table.save(replace(asked, status=Status.EXPIRED, decision=decision, version=2))
    assert table.get(asked.id).decision == decision


def test_adding_twice_keeps_the_first(table: ApprovalTable) -> None:
    assert table.add(an_approval(link_key=b"1" * 32))
    assert not table.add(an_approval(link_key=b"2" * 32))
    assert table.get(an_approval().id).link_key == b"1" * 32


def test_a_write_on_an_old_version_is_a_conflict_that_shows_the_newer_one(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    winner = judge(asked, a_response(approver=BOB)).approval
    table.save(winner)

    with pytest.raises(ConflictError) as conflict:
        table.save(judge(asked, a_response(approver=ALICE)).approval)

    assert conflict.value.current == winner
    assert table.get(asked.id) == winner


def test_marking_a_step_is_no_conflict_for_an_answer(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    table.mark(asked, "request_email", NOW)
    table.save(judge(asked, a_response()).approval)
    assert table.get(asked.id).steps == {"request_email": NOW}


def test_marking_returns_the_record_as_it_stands_now(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    table.save(judge(asked, a_response()).approval)
    assert table.mark(asked, "request_slack", NOW).status is Status.APPROVED


def test_a_record_that_is_gone_is_not_written_again(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    asked = an_approval()
    with pytest.raises(NotFoundError):
        table.get(asked.id)
    with pytest.raises(NotFoundError):
        table.save(judge(asked, a_response()).approval)
    with pytest.raises(NotFoundError):
        table.mark(asked, Step.RESUME, NOW)
    assert dynamodb.scan(TableName=TABLE)["Count"] == 0


def test_a_record_lives_more_than_a_year_after_its_deadline(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    asked = an_approval()
    table.add(asked)
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": asked.id}})["Item"]
    latest = asked.requested_at + timedelta(minutes=MAX_TIMEOUT_MINUTES)
    assert int(item["expires_at"]["N"]) == (latest + RETENTION).timestamp()
    assert timedelta(days=366) < RETENTION


def test_an_answer_does_not_change_when_a_record_is_deleted(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    asked = an_approval()
    table.add(asked)
    before = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": asked.id}})["Item"]["expires_at"]
    table.save(judge(replace(asked, deadline=asked.deadline + timedelta(hours=1)), a_response()).approval)
    assert dynamodb.get_item(TableName=TABLE, Key={"id": {"S": asked.id}})["Item"]["expires_at"] == before


def test_the_same_note_left_twice_is_one(table: ApprovalTable, replies: Replies, dynamodb: DynamoDBClient) -> None:
    table.leave_reply(REPLY)
    table.leave_reply(REPLY)
    assert (dynamodb.scan(TableName=REPLIES)["Count"], dynamodb.scan(TableName=TABLE)["Count"]) == (1, 0)
    assert replies.get(reply_id(REPLY)) == REPLY


def test_a_reply_keeps_the_moments_in_it_and_its_plain_text(
    table: ApprovalTable, replies: Replies, dynamodb: DynamoDBClient
) -> None:
    """A function of an earlier version, which still runs while a new one is deployed, reads the plain text."""
    said = text("The new deadline is ", Moment(NOW), ".")
    note = replace(REPLY, text=said)
    table.leave_reply(note)
    assert replies.get(reply_id(note)).text == said
    [item] = dynamodb.scan(TableName=REPLIES)["Items"]
    assert item["text"] == {"S": str(said)}
    dynamodb.update_item(TableName=REPLIES, Key={"id": item["id"]}, UpdateExpression="REMOVE parts")
    assert replies.get(reply_id(note)).text == str(said)  # as an earlier version left it


def test_a_reply_that_is_left_later_cannot_change_who_sees_an_earlier_one(
    table: ApprovalTable, replies: Replies
) -> None:
    """Its key names its user."""
    table.leave_reply(REPLY)
    table.leave_reply(replace(REPLY, user="U0MALLORY9"))
    assert replies.get(reply_id(REPLY)) == REPLY


def test_a_table_without_replies_leaves_none(dynamodb: DynamoDBClient) -> None:
    with pytest.raises(ValueError, match="leaves no replies"):
        ApprovalTable(dynamodb, TABLE).leave_reply(REPLY)


def test_a_note_is_left_by_the_write_that_stores_the_answer(
    table: ApprovalTable, replies: Replies, dynamodb: DynamoDBClient
) -> None:
    """A conflict leaves none: the answer is judged anew, and may have to be told something else."""
    asked = an_approval()
    table.add(asked)
    calls: list[str] = []
    dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    table.save(judge(asked, a_response(approver=BOB)).approval, REPLY)
    assert calls == ["TransactWriteItems"]
    assert replies.get(reply_id(REPLY)) == REPLY
    with pytest.raises(ConflictError) as conflict:
        table.save(judge(asked, a_response(approver=ALICE)).approval, replace(REPLY, id="n2"))
    assert conflict.value.current == table.get(asked.id)
    with pytest.raises(NotFoundError):
        replies.get(reply_id(replace(REPLY, id="n2")))


def test_a_note_about_a_record_that_is_gone_is_not_left(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    with pytest.raises(NotFoundError):
        table.save(judge(an_approval(), a_response()).approval, REPLY)
    assert dynamodb.scan(TableName=TABLE)["Count"] == 0


def test_the_first_to_store_identities_counts(table: ApprovalTable) -> None:
    asked = an_approval(people=None)
    table.add(asked)
    first, second = (People(approvers=(Person(id=name, name=name),)) for name in ("ann", "bob"))
    assert table.identify(asked, first).people == first
    assert table.identify(asked, second).people == first


def test_the_marks_of_parts_go_when_the_whole_is_done(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    parts = [f"reminder-1:{number}@example.com" for number in range(100)]
    for part in parts:
        table.mark(asked, part, NOW)
    assert table.mark(asked, "reminder-1", NOW, parts=parts).steps.keys() == {"reminder-1"}


def _update_of(item_id: str) -> TransactWriteItemTypeDef:
    return {
        "Update": {
            "TableName": TABLE,
            "Key": {"id": {"S": item_id}},
            "UpdateExpression": "SET reminded = :one",
            "ConditionExpression": "attribute_exists(id)",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def test_a_transaction_writes_all_or_nothing_and_says_what_failed(table: ApprovalTable) -> None:
    first, second = an_approval(), an_approval(id="k" * 43)
    table.add(first)
    with pytest.raises(ConditionsFailedError) as failed:
        table._writes.transact(_update_of(first.id), _update_of(second.id))
    assert failed.value.places == {1}
    assert table.get(first.id) == first
    table.add(second)
    table._writes.transact(_update_of(first.id), _update_of(second.id))
    assert [table.get(each.id).reminded for each in (first, second)] == [1, 1]


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def stubbed(dynamodb: DynamoDBClient, pauses: list[float]) -> Iterator[tuple[ApprovalTable, Stubber]]:
    """The table, where DynamoDB answers as AWS does while others write: no emulator does."""
    with Stubber(dynamodb) as answers:
        yield ApprovalTable(dynamodb, TABLE, pauses.append, replies=Replies(dynamodb, REPLIES)), answers
        answers.assert_no_pending_responses()


def cancel_transaction(answers: Stubber, *reasons: str) -> None:
    """Let AWS cancel the next transaction, with a reason for each of its writes."""
    code, why = "TransactionCanceledException", [{"Code": reason} for reason in reasons]
    answers.add_client_error("transact_write_items", code, modeled_fields={"CancellationReasons": why})


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_meets_another_write_is_tried_again(
    stubbed: tuple[ApprovalTable, Stubber], pauses: list[float], reason: str
) -> None:
    """The client of DynamoDB leaves that to its callers. Nothing was written, so it is safe."""
    table, answers = stubbed
    cancel_transaction(answers, "None", reason)
    cancel_transaction(answers, reason, "None")
    answers.add_response("transact_write_items", {})
    table._writes.transact(_update_of("a"), _update_of("b"))
    assert [0 < pause <= most for pause, most in zip(pauses, PAUSES, strict=False)] == [True, True]


def test_a_write_that_meets_a_transaction_is_tried_again(
    stubbed: tuple[ApprovalTable, Stubber], pauses: list[float]
) -> None:
    """The mark after a mail, for one: without it the mail is sent again."""
    table, answers = stubbed
    answers.add_client_error("update_item", "TransactionConflictException")
    answers.add_response("update_item", {"Attributes": serialized(approval_to_item(an_approval()))})
    table.mark(an_approval(), "request_email", NOW)
    answers.add_client_error("put_item", "TransactionConflictException")
    answers.add_response("put_item", {})
    assert table.add(an_approval())
    assert len(pauses) == 2


def test_a_transaction_that_goes_on_meeting_others_fails_in_the_end(
    stubbed: tuple[ApprovalTable, Stubber], pauses: list[float]
) -> None:
    table, answers = stubbed
    for _ in range(5):
        cancel_transaction(answers, "TransactionConflict", "None")
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table._writes.transact(_update_of("a"), _update_of("b"))
    assert len(pauses) == 4
    assert sum(pauses) < 0.5, "Slack waits for 3 s at most"


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (("ConditionalCheckFailed", "TransactionConflict"), ConditionsFailedError),
        (("None", "ValidationError"), ClientError),
        (("TransactionConflict", "ItemCollectionSizeLimitExceeded"), ClientError),
    ],
)
def test_errors_that_would_repeat_are_not_tried_again(
    stubbed: tuple[ApprovalTable, Stubber], pauses: list[float], reasons: tuple[str, ...], error: type[Exception]
) -> None:
    table, answers = stubbed
    cancel_transaction(answers, *reasons)
    with pytest.raises(error):
        table._writes.transact(_update_of("a"), _update_of("b"))
    assert pauses == []


@pytest.mark.parametrize("step", [Step.RESUME, Step.WORKFLOW_GONE])
def test_settled_approvals_leave_the_index_that_the_scheduler_reads(table: ApprovalTable, step: Step) -> None:
    asked = an_approval()
    table.add(asked)
    table.mark(asked, "request_email", NOW)
    assert list(table.due(NOW + timedelta(days=1))) == [asked.id]
    table.mark(asked, step, NOW)
    assert list(table.due(NOW + timedelta(days=1))) == []


@pytest.mark.parametrize("reply", [None, REPLY])
def test_a_record_that_others_hold_all_the_time_takes_no_answer(
    stubbed: tuple[ApprovalTable, Stubber], reply: DeferredReply | None
) -> None:
    table, answers = stubbed
    for _ in range(len(PAUSES) + 1):
        if reply:
            cancel_transaction(answers, "TransactionConflict", "None")
        else:
            answers.add_client_error("update_item", "TransactionConflictException")
    with pytest.raises(TooManyConflictsError):
        table.save(judge(an_approval(), a_response()).approval, reply)
