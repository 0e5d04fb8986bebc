"""`spend`: state machines and programs use a grant up with it, right before they execute the approved action."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from io import StringIO
from threading import Barrier, Lock
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.grants import Spend
from approvals.domain.history import history
from approvals.domain.model import Approval
from approvals.domain.parts import pluralize
from approvals.domain.result import result
from approvals.domain.spending import digest, grant_id
from approvals.services.spend import NamedError, SpendHandler
from approvals.store.items import SPENDABLE
from approvals.store.spends import Spends
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.task_tokens import TaskTokens
from tests.support.builders import HOUR, NOW, TOKEN, a_call
from tests.support.fakes import Clock, FakeWorkflows
from tests.support.functions import start
from tests.support.grants import APPLY, BY, GRANT, a_spend, with_grant
from tests.support.services import a_request_handler
from tests.support.tables import TABLE, TOKENS

PROVE = os.environ.get("PROVE") == "1"
GRANTS, SPENDERS = (200 if PROVE else 12), 20

TAG = GRANT.partition(".")[2]


@dataclass
class Function:
    """The function, and what it logs and counts."""

    handler: SpendHandler
    log: StringIO
    counted: list[str]
    table: ApprovalTable
    context: LambdaContext

    def __call__(self, **changes: Any) -> dict[str, Any]:
        return self.handler(a_spend(**changes), self.context)

    def refusal(self, **changes: Any) -> str:
        """Return the name under which Lambda raises the error."""
        with pytest.raises(NamedError) as error:
            self(**changes)
        return type(error.value).__name__

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def approval(self) -> Approval:
        return self.table.get(with_grant().id)


@pytest.fixture
def function(dynamodb: DynamoDBClient, table: ApprovalTable, clock: Clock, context: LambdaContext) -> Function:
    log, counted = StringIO(), list[str]()
    logger = Logger(service=f"spend-{id(log)}", stream=log)
    clock.now = NOW + timedelta(minutes=2)
    handler = SpendHandler(spends=Spends(dynamodb, TABLE), clock=clock, logger=logger, refused=counted.append)
    table.add(with_grant())
    return Function(handler, log, counted, table, context)


def test_a_grant_is_spent_once(function: Function) -> None:
    assert function() == {
        "ApprovalId": with_grant().id,
        "SpentAt": "2026-11-23T09:02:00.000Z",
        "Use": 1,
        "Uses": 1,
        "Repeated": False,
        "DecidedBy": "alice@example.com",
        "ValidUntil": "2026-11-23T10:01:00.000Z",
    }
    assert function.refusal(Key="another") == "GrantSpent"
    [spend] = function.approval().spends.values()
    assert spend == Spend(use=1, by=BY, at=NOW + timedelta(minutes=2))
    assert function.counted == ["GrantSpent"]


def test_the_answer_that_was_lost_is_given_again(function: Function, clock: Clock) -> None:
    first = function()
    clock.now += 30 * HOUR
    assert function() == {**first, "Repeated": True}


def test_every_refusal_has_its_name_is_counted_and_uses_nothing_up(function: Function, clock: Clock) -> None:
    assert function.refusal(Action="rm") == "ActionChanged"
    assert function.refusal(GrantId=f"{GRANT[:-1]}{'0' if GRANT[-1] != '0' else '1'}") == "GrantUnknown"
    assert function.refusal(GrantId="a.b") == "GrantUnknown"
    assert function.refusal(GrantId=grant_id("of no request")) == "GrantUnknown"
    assert function.refusal(Key=1) == "InvalidSpend"
    clock.now += HOUR
    assert function.refusal() == "GrantExpired"
    assert function.counted == [
        "ActionChanged",
        *["GrantUnknown"] * 3,
        "InvalidSpend",
        "GrantExpired",
    ]
    assert not function.approval().spends
    assert [line["error"] for line in function.lines] == function.counted
    assert {line["level"] for line in function.lines} == {"WARNING"}


def test_no_line_has_the_id_of_the_grant_or_a_key(function: Function) -> None:
    function(Key="s3cret-key")
    function.refusal(Key="other-key")
    function.refusal(Action={"Password": "s3cret"})
    function.refusal(GrantId=f"{GRANT}0")
    text = function.log.getvalue()
    assert function.lines[0]["approval_id"] == with_grant().id
    for secret in (TAG, GRANT, "s3cret", "other-key", digest(GRANT)):
        assert secret not in text


def test_a_failure_has_a_name_of_its_own_and_says_nothing(function: Function) -> None:
    class Broken:
        def get(self, approval_id: str) -> Approval:
            raise RuntimeError(f"a secret {approval_id} {GRANT}")

        add: Any = None

    handler = replace(function.handler, spends=Broken())
    with pytest.raises(NamedError) as error:
        handler(a_spend(), function.context)
    assert type(error.value).__name__ == "SpendFailed"
    assert error.value.__suppress_context__
    assert "a secret" not in f"{error.value}{function.log.getvalue()}"
    assert [line["message"] for line in function.lines] == ["unexpected error"]
    assert not function.counted


def test_the_function_starts_with_its_settings(
    function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("approvals.adapters.clients.session", boto3.Session)
    monkeypatch.setattr("handlers.wiring.now", lambda: NOW + timedelta(minutes=2))
    handler = start("handlers.spend", {"TABLE_NAME": TABLE})
    assert handler(a_spend(), function.context)["Use"] == 1
    with pytest.raises(Exception, match="The grant was spent by") as error:
        handler(a_spend(Key="b"), function.context)
    assert type(error.value).__name__ == "GrantSpent"
    metric = next(line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "SpendRefused" in line)
    assert (metric["Error"], metric["SpendRefused"]) == ("GrantSpent", [1.0])


def test_a_request_with_a_grant_can_be_spent_by_the_id_in_its_result(
    table: ApprovalTable, dynamodb: DynamoDBClient, clock: Clock, context: LambdaContext
) -> None:
    """`request` stores only the digest of what `decision` hands out."""
    request = a_request_handler(table, TaskTokens(dynamodb, TOKENS, TABLE), FakeWorkflows(), clock, Logger("r"))
    request(a_call({"Approval": {"Action": APPLY, "Grant": {}}}), context)
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": with_grant().id}})["Item"]
    assert item["grant_hash"]["S"] == digest(grant_id(TOKEN)) == with_grant().grant_hash
    assert (item["spends"], item["spend_parity"]) == ({"M": {}}, {"S": "even"})
    assert TAG not in json.dumps(item, default=str)


def test_a_request_without_a_grant_has_no_trace_of_one(
    table: ApprovalTable, dynamodb: DynamoDBClient, clock: Clock, context: LambdaContext
) -> None:
    request = a_request_handler(table, TaskTokens(dynamodb, TOKENS, TABLE), FakeWorkflows(), clock, Logger("r"))
    request(a_call({"Approval": {"Action": APPLY}}), context)
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": with_grant().id}})["Item"]
    assert not {"grant_hash", "spends", "spend_parity"} & item.keys()


def test_only_the_workflow_learns_the_id(function: Function) -> None:
    approval = function.approval()
    terms = {"Uses": 1, "ValidUntil": "2026-11-23T10:01:00.000Z"}
    assert result(approval, GRANT)["Grant"] == {"Id": GRANT, **terms}
    assert result(approval)["Grant"] == terms


# The table.


def test_the_parity_changes_with_every_use(dynamodb: DynamoDBClient, table: ApprovalTable) -> None:
    approval = with_grant(uses=100)
    table.add(approval)
    spends, seen = Spends(dynamodb, TABLE), ["even"]
    for number in range(1, 101):
        spends.add(approval, digest(str(number)), Spend(use=number, by=BY, at=NOW))
        approval = spends.get(approval.id)
        item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": approval.id}})["Item"]
        seen.append(item["spend_parity"]["S"])
    assert len(approval.spends) == 100
    assert seen == ["even", "odd"] * 50 + ["even"]


def test_what_another_use_overtook_is_a_conflict(dynamodb: DynamoDBClient, table: ApprovalTable) -> None:
    approval, spends = with_grant(uses=2), Spends(dynamodb, TABLE)
    table.add(approval)
    spends.add(approval, digest("a"), Spend(use=1, by=BY, at=NOW))
    with pytest.raises(ConflictError) as error:
        spends.add(approval, digest("b"), Spend(use=1, by=BY, at=NOW))
    assert [*error.value.current.spends] == [digest("a")]
    with pytest.raises(ConflictError):
        spends.add(error.value.current, digest("a"), Spend(use=2, by=BY, at=NOW))
    with pytest.raises(NotFoundError):
        spends.add(replace(approval, id="a" * 32), digest("b"), Spend(use=1, by=BY, at=NOW))


def test_a_record_without_a_grant_takes_no_use(dynamodb: DynamoDBClient, table: ApprovalTable) -> None:
    approval = with_grant()
    table.add(replace(approval, request=replace(approval.request, grant=None)))
    with pytest.raises(ConflictError):
        Spends(dynamodb, TABLE).add(approval, digest("a"), Spend(use=1, by=BY, at=NOW))


def test_the_write_is_tried_again_while_a_transaction_holds_the_record() -> None:
    """Moto knows no transactions that overlap."""
    client = boto3.client("dynamodb", region_name="eu-west-1", aws_access_key_id="t", aws_secret_access_key="t")
    waits: list[float] = []
    with Stubber(client) as stubber:
        stubber.add_client_error("update_item", "TransactionConflictException", "Transaction is ongoing for the item")
        stubber.add_response("update_item", {})
        Spends(client, TABLE, waits.append).add(with_grant(), digest("a"), Spend(use=1, by=BY, at=NOW))
        stubber.assert_no_pending_responses()
    assert len(waits) == 1
    with Stubber(client) as stubber:
        for _ in range(5):
            stubber.add_client_error("update_item", "TransactionConflictException", "ongoing")
        with pytest.raises(TooManyConflictsError):
            Spends(client, TABLE, waits.append).add(with_grant(), digest("a"), Spend(use=1, by=BY, at=NOW))
    with Stubber(client) as stubber:
        stubber.add_client_error("update_item", "ProvisionedThroughputExceededException")
        with pytest.raises(ClientError):
            Spends(client, TABLE, waits.append).add(with_grant(), digest("a"), Spend(use=1, by=BY, at=NOW))


def test_the_link_key_and_the_token_are_not_read() -> None:
    assert not {"link_key", "task_token"} & set(SPENDABLE)


# Many at once.


@pytest.mark.parametrize("uses", [1, 3])
def test_however_many_spend_at_once_each_use_is_given_to_one(
    dynamodb: DynamoDBClient,
    table: ApprovalTable,
    clock: Clock,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    uses: int,
) -> None:
    """Each call of DynamoDB is atomic, as AWS's are; moto's are not. Between the calls, the threads interleave."""
    one_at_a_time, call = Lock(), dynamodb._make_api_call  # type: ignore[attr-defined]

    def atomic(*arguments: Any) -> Any:
        with one_at_a_time:
            return call(*arguments)

    monkeypatch.setattr(dynamodb, "_make_api_call", atomic)
    clock.now = NOW + timedelta(minutes=2)
    grants = GRANTS if uses == 1 else max(GRANTS // 20, 4)
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(SPENDERS) as pool:
        for number in range(grants):
            token = f"token {number}"
            table.add(with_grant(token=token, uses=uses))
            together = Barrier(SPENDERS)
            spend = _spender(dynamodb, clock, context, token, together)
            outcomes = [*pool.map(spend, range(SPENDERS))]
            assert Counter(outcomes) == {
                **{f"use {use}": 1 for use in range(1, uses + 1)},
                "GrantSpent": SPENDERS - uses,
            }
            seen.update(outcomes)
            assert len(table.get(with_grant(token=token).id).spends) == uses
    spent = sum(count for outcome, count in seen.items() if outcome != "GrantSpent")
    with capsys.disabled():
        print(f"\n{SPENDERS} spenders on each of {grants} grants for {pluralize(uses, 'use')}: {spent} spends")
    assert spent == grants * uses


def _spender(
    dynamodb: DynamoDBClient, clock: Clock, context: LambdaContext, token: str, together: Barrier
) -> Callable[[int], str]:
    handler = SpendHandler(
        spends=Spends(dynamodb, TABLE), clock=clock, logger=Logger("race", level="CRITICAL"), refused=lambda _: None
    )

    def spend(number: int) -> str:
        together.wait()
        try:
            answer = handler(a_spend(GrantId=grant_id(token), Key=f"caller {number}"), context)
        except NamedError as error:
            return type(error).__name__
        assert not answer["Repeated"]
        return f"use {answer['Use']}"

    return spend


# Crashes.


class Crash(BaseException):
    """The function or its network dies: nobody gets an answer."""


@pytest.mark.parametrize("same_key", [True, False], ids=["a retry", "another caller"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("broken", [1, 2])
def test_a_crash_at_any_call_executes_at_most_once_and_loses_no_grant_without_a_record(
    function: Function,
    dynamodb: DynamoDBClient,
    monkeypatch: pytest.MonkeyPatch,
    broken: int,
    *,
    after: bool,
    same_key: bool,
) -> None:
    call, made = dynamodb._make_api_call, 0  # type: ignore[attr-defined]

    def crashing(*arguments: Any) -> Any:
        nonlocal made
        made += 1
        answer = None if made == broken and not after else call(*arguments)
        if made == broken:
            raise Crash
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(dynamodb, "_make_api_call", crashing)
        with pytest.raises(Crash):
            function(Key="first")
    written = broken == 2 and after
    key = "first" if same_key else "second"
    if written and not same_key:
        assert function.refusal(Key=key) == "GrantSpent"
        assert f"Grant spent by \u201c{BY}\u201d." in [entry.text for entry in history(function.approval())]
    else:
        assert function(Key=key)["Repeated"] is written
    # In any case it is used up now, and the record says by whom.
    assert function.refusal(Key="third") == "GrantSpent"
    assert len(function.approval().spends) == 1
