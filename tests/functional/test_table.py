"""The table module, against DynamoDB as moto has it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.model import Channel, Decision, Note, People, Person, Request, SlackMessage, Status, Step
from approvals.records import RETENTION
from approvals.respond import Conflict
from approvals.rules import judge
from approvals.table import MAILS_A_SECOND, NOTE_PREFIX, ApprovalTable, NotFound
from tests.builders import ALICE, BOB, NOW, a_response, an_approval
from tests.functional.conftest import TABLE
from tests.unit.test_template import condition_of


def test_what_is_stored_is_what_is_read(table: ApprovalTable) -> None:
    """Every field of a record survives the table, the input's JSON to the last detail."""
    context: dict[str, Any] = {"n": 1.0, "big": 2**70, "deep": {"list": [None, True, "ü"]}, "empty": "", "e": []}
    asked = an_approval(request=Request(timeout=timedelta(minutes=5), context=context, details="a\nb"))
    table.add(asked)
    decided = judge(asked, a_response(approver=BOB, comment="fine")).approval
    table.save(decided)
    table.mark(decided, Step.REQUEST_SLACK, NOW, slack_message=SlackMessage(channel="C1", ts="1.2", workspace="T1"))

    read = table.get_with_token(asked.id)

    message = SlackMessage(channel="C1", ts="1.2", workspace="T1")
    assert read == replace(decided, steps={Step.REQUEST_SLACK: NOW}, slack_message=message)
    assert isinstance(read.request.context["n"], float)


def test_the_task_token_is_read_only_by_who_asks_for_it(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    assert table.get(asked.id) == replace(asked, task_token=None)
    assert table.mark(asked, Step.REQUEST_EMAIL, NOW).task_token is None


def test_an_answer_and_a_note_keep_within_what_iam_allows_the_internet_facing_functions(
    table: ApprovalTable, dynamodb: DynamoDBClient
) -> None:
    """Neither emulator looks at the attributes of an update, so what AWS would look at is gathered here."""
    asked = an_approval()
    table.add(asked)
    calls: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.UpdateItem", lambda params, **_: calls.append(params))

    table.save(judge(table.get(asked.id), a_response()).approval)
    table.leave_note(Note(id="n1", channel="C1", user="U1", text="Too late."), NOW)

    allowed = condition_of("CallbackFunction", "dynamodb:UpdateItem")
    named = {name for call in calls for name in _attributes(call)}
    assert named <= set(allowed["ForAllValues:StringEquals"]["dynamodb:Attributes"])
    assert {"status", "text"} <= named
    assert all(call.keys().isdisjoint({"ReturnValues", "ReturnValuesOnConditionCheckFailure"}) for call in calls)


def _attributes(call: dict[str, Any]) -> set[str]:
    expressions = f"{call['UpdateExpression']} {call.get('ConditionExpression', '')}"
    words = set(re.findall(r"(?<![:\w#])#?\w+", expressions)) - {"SET", "REMOVE", "ADD", "AND", "OR"}
    return {call.get("ExpressionAttributeNames", {}).get(word, word) for word in words} | set(call["Key"])


def test_a_decision_without_a_person_survives_too(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    decision = Decision(status=Status.EXPIRED, at=NOW, channel=Channel.SYSTEM, error="ApprovalExpired", cause="late")
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

    with pytest.raises(Conflict) as conflict:
        table.save(judge(asked, a_response(approver=ALICE)).approval)

    assert conflict.value.current == replace(winner, task_token=None)
    assert table.get_with_token(asked.id) == winner


def test_marking_a_step_is_no_conflict_for_an_answer(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    table.mark(asked, Step.REQUEST_EMAIL, NOW)
    table.save(judge(asked, a_response()).approval)
    assert table.get(asked.id).steps == {Step.REQUEST_EMAIL: NOW}


def test_marking_returns_the_record_as_it_stands_now(table: ApprovalTable) -> None:
    asked = an_approval()
    table.add(asked)
    table.save(judge(asked, a_response()).approval)
    assert table.mark(asked, Step.REQUEST_SLACK, NOW).status is Status.APPROVED


def test_a_record_that_is_gone_is_not_written_anew(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    asked = an_approval()
    with pytest.raises(NotFound):
        table.get(asked.id)
    with pytest.raises(NotFound):
        table.save(judge(asked, a_response()).approval)
    with pytest.raises(NotFound):
        table.mark(asked, Step.RESUME, NOW)
    assert dynamodb.scan(TableName=TABLE)["Count"] == 0


def test_a_record_lives_more_than_a_year_after_its_deadline(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    asked = an_approval()
    table.add(asked)
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": asked.id}})["Item"]
    assert int(item["expires_at"]["N"]) == (asked.deadline + RETENTION).timestamp()
    assert timedelta(days=366) < RETENTION


def test_the_same_note_left_twice_is_one(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    note = Note(id="n1", channel="C1", user="U1", text="Too late.")
    table.leave_note(note, NOW)
    table.leave_note(note, NOW)
    assert dynamodb.scan(TableName=TABLE)["Count"] == 1
    assert table.get_note(f"{NOTE_PREFIX}n1") == replace(note, left_at=NOW)


def test_a_note_of_an_earlier_version_is_whispered(table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
    item = {"id": f"{NOTE_PREFIX}n1", "channel": "C1", "user": "U1", "text": "Too late."}
    dynamodb.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in item.items()})
    assert table.get_note(f"{NOTE_PREFIX}n1") == Note(id="n1", channel="C1", user="U1", text="Too late.")


def test_a_second_has_as_many_mail_slots_as_are_promised(table: ApprovalTable) -> None:
    assert [table.take_mail_slot(NOW, ALICE.id) for _ in range(MAILS_A_SECOND + 2)] == [True] * MAILS_A_SECOND + [
        False
    ] * 2
    assert table.take_mail_slot(NOW + timedelta(seconds=1), ALICE.id)
    assert not table.take_mail_slot(NOW, "Alice@Example.com")
    assert table.take_mail_slot(NOW, "carol@example.com"), "SNS counts each address by itself"
    assert 2 * MAILS_A_SECOND <= 8, "in no second, wherever it begins, more than 8"


def test_who_finds_out_first_who_is_who_counts(table: ApprovalTable) -> None:
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
