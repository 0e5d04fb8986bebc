"""The deployed function `lifecycle`, called as EventBridge calls it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from approvals.domain.model import iso
from demo import aws
from demo.stack import LocalStack


def call_lifecycle(stack: str, event: dict[str, Any]) -> None:
    """Call the function of a stack with an event of a rule, or with that of the schedule."""
    cloudformation = aws.session().client("cloudformation")
    found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="LifecycleFunction")
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    answer = aws.session().client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()


def deliver_notice(stack: str, execution_arn: str, stopped_at: datetime) -> None:
    """Deliver a notice that an execution was stopped."""
    detail = {"executionArn": execution_arn, "status": "ABORTED", "stopDate": int(stopped_at.timestamp() * 1000)}
    call_lifecycle(stack, {"source": "aws.states", "detail": detail})


def waiting_for(stack: LocalStack, execution_arn: str) -> dict[str, Any]:
    """Return the key of the record that waits for an execution."""
    table = stack.outputs["ApprovalTableName"]
    [item] = (
        aws.session()
        .client("dynamodb")
        .query(
            TableName=table,
            IndexName="waiting",
            KeyConditionExpression="waiting = :arn",
            ExpressionAttributeValues={":arn": {"S": execution_arn}},
        )["Items"]
    )
    return {"id": item["id"]}


def change(stack: LocalStack, key: dict[str, Any], **attributes: str) -> None:
    """Change attributes of a record, with `__` for the dot in their paths."""
    changes = [f"{name.replace('__', '.')} = :{name}" for name in attributes]
    aws.session().client("dynamodb").update_item(
        TableName=stack.outputs["ApprovalTableName"],
        Key=key,
        UpdateExpression=f"SET {', '.join(changes)}",
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in attributes.items()},
    )


def expire(stack: LocalStack, name: str, execution_arn: str) -> None:
    """Let the deadline of a request have passed, and the scheduler run."""
    past = iso(datetime.now(UTC) - timedelta(seconds=1))
    change(stack, waiting_for(stack, execution_arn), deadline=past, due_at=past)
    call_lifecycle(name, {"source": "aws.events"})
