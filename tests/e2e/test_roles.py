"""What the functions that face the internet could do if somebody ran code of their own in them: their roles, used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from approvals.table import ApprovalTable
from local import aws
from local.stack import LocalStack
from local.story import Person
from tests.e2e.waiting import seen

ALL: dict[str, Any] = {}
TOKEN = {"ProjectionExpression": "id, #hidden", "ExpressionAttributeNames": {"#hidden": "task_token"}}


@pytest.fixture(scope="module", params=["CallbackFunction", "BotFunction"])
def intruder(request: pytest.FixtureRequest, stack: LocalStack) -> boto3.Session:
    """A session with a function's own rights."""
    functions = aws.session().client("lambda").list_functions()["Functions"]
    role = next(found["Role"] for found in functions if f"human-approval-{request.param}" in found["FunctionName"])
    lent = aws.session().client("sts").assume_role(RoleArn=role, RoleSessionName="intruder")["Credentials"]
    return boto3.Session(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"])


@pytest.fixture(scope="module")
def asked(stack: LocalStack) -> dict[str, Any]:
    """The record of a request that waits."""
    name = Person(stack.url).start("roles", {})
    arn = f"{stack.outputs['StateMachineHumanApprovalArn'].replace(':stateMachine:', ':execution:')}:{name}"
    table, dynamodb = stack.outputs["ApprovalTableName"], aws.session().client("dynamodb")
    waiting = seen(lambda: next(ApprovalTable(dynamodb, table).waiting(arn), None), "the request")
    return dict(dynamodb.get_item(TableName=table, Key={"id": {"S": waiting}})["Item"])


@pytest.mark.parametrize("how", [ALL, TOKEN, {"AttributesToGet": ["task_token"]}])
def test_it_can_read_a_record_but_not_its_task_token(
    stack: LocalStack, intruder: boto3.Session, asked: dict[str, Any], how: dict[str, Any]
) -> None:
    dynamodb = intruder.client("dynamodb")
    which: dict[str, Any] = {"TableName": stack.outputs["ApprovalTableName"], "Key": {"id": asked["id"]}}
    assert dynamodb.get_item(**which, ProjectionExpression="id, deadline")["Item"]["deadline"] == asked["deadline"]
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.get_item(**which, **how)


def test_it_can_neither_resume_publish_list_nor_write_records(
    stack: LocalStack, intruder: boto3.Session, asked: dict[str, Any]
) -> None:
    table, token = stack.outputs["ApprovalTableName"], asked["task_token"]["S"]
    attempts: list[Callable[[], object]] = [
        lambda: intruder.client("stepfunctions").send_task_success(taskToken=token, output="{}"),
        lambda: intruder.client("stepfunctions").send_task_failure(taskToken=token),
        lambda: intruder.client("sns").publish(TopicArn=stack.outputs["ApprovalTopicArn"], Message="x"),
        lambda: intruder.client("dynamodb").scan(TableName=table),
        lambda: intruder.client("dynamodb").query(
            TableName=table,
            IndexName="waiting",
            KeyConditionExpression="waiting = :arn",
            ExpressionAttributeValues={":arn": asked["waiting"]},
        ),
        lambda: intruder.client("dynamodb").put_item(TableName=table, Item=asked),
        lambda: intruder.client("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": asked}}]
        ),
        lambda: intruder.client("dynamodb").delete_item(TableName=table, Key={"id": asked["id"]}),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match=r"AccessDenied|AuthorizationError|not authorized"):
            attempt()
