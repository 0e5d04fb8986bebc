"""Records that this version cannot read: broken, foreign, or written by a newer one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from mypy_boto3_dynamodb import DynamoDBClient

Attributes = dict[str, Any]


def _in_asked(text: str) -> Callable[[Attributes], None]:
    return lambda item: item["request"]["M"].update(asked={"S": text})


BROKEN: Mapping[str, Callable[[Attributes], None]] = {
    "a status of a newer version": lambda item: item.update(status={"S": "PAUSED"}),
    "a channel of a newer version": lambda item: item.update(decision={"M": {"channel": {"S": "fax"}}}),
    "no request": lambda item: item.pop("request"),
    "a request that is no JSON": _in_asked('{"Title": '),
    "a request that is no object": _in_asked("[]"),
    "a request that is a number": lambda item: item["request"]["M"].update(asked={"N": "1"}),
    "a severity of a newer version": _in_asked('{"Severity": "odd"}'),
    "a request nested 2,000 deep": _in_asked('{"Title": ' + "[" * 2000 + "]" * 2000 + "}"),
    "a fraction": lambda item: item.update(version={"N": "1.5"}),
    "a kind of attribute that no record has": lambda item: item.update(steps={"NS": ["1"]}),
    "a deadline without its zone": lambda item: item.update(deadline={"S": "2026-11-23T10:00:00"}),
    "a person of a newer version": lambda item: item.update(people={"M": {"approvers": {"L": [{"M": {}}]}}}),
    "a response that is a text": lambda item: item.update(responses={"L": [{"S": "yes"}]}),
}
"""What is done to a record, by its name."""

NESTED_CONTEXT = '{"x": ' + "[" * 2000 + "]" * 2000 + "}"


def break_record(dynamodb: DynamoDBClient, table: str, approval_id: str, how: str) -> None:
    """Make a record unreadable."""
    item: Attributes = dict(dynamodb.get_item(TableName=table, Key={"id": {"S": approval_id}})["Item"])
    BROKEN[how](item)
    dynamodb.put_item(TableName=table, Item=item)


def nest_context(dynamodb: DynamoDBClient, table: str, approval_id: str) -> None:
    """Give a record the context that a version without a limit would have stored."""
    item: Attributes = dict(dynamodb.get_item(TableName=table, Key={"id": {"S": approval_id}})["Item"])
    item["request"]["M"]["context"] = {"S": NESTED_CONTEXT}
    dynamodb.put_item(TableName=table, Item=item)


_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"


def leave_no_room(dynamodb: DynamoDBClient) -> None:
    """Let DynamoDB refuse each update with an event, as it does for a record of 400 KB: moto has other limits."""

    def refuse(model: Any, params: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        body = params["body"] if isinstance(params["body"], str) else params["body"].decode()
        if "#responses" not in body:
            return None
        error = {"Code": "ValidationException", "Message": _TOO_LARGE}
        found: dict[str, Any] = {"ResponseMetadata": {}}
        if model.name == "TransactWriteItems":
            error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
            reasons = [{"Code": "ValidationError", "Message": _TOO_LARGE}, {"Code": "None"}]
            found["CancellationReasons"] = reasons
        return SimpleNamespace(status_code=400), {"Error": error, **found}

    answer: Callable[..., Any] = refuse
    for operation in ("UpdateItem", "TransactWriteItems"):
        dynamodb.meta.events.register(f"before-call.dynamodb.{operation}", answer)
