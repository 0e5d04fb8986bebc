"""Start the execution that requests an approval, read its result, and spend the grant in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from botocore.exceptions import ClientError

from approvals.domain.model import Json
from approvals.grants import Spender
from approvals.requests.codec import KEY, RESULT_KEY
from cli.aws_errors import error_code, explain, is_transient
from cli.context import CommandError, Context
from cli.lookup import execution_arn


def start_execution(context: Context, name: str, whole: Mapping[str, Json]) -> datetime:
    """Start the execution, unless it was started with the same input before. Return when it started.

    Raises `CommandError` if nothing was started, and what boto3 raises if it may have started.
    """
    try:
        return context.client("stepfunctions").start_execution(
            stateMachineArn=context.output("StateMachineHumanApprovalArn"),
            name=name,
            input=json.dumps(whole, ensure_ascii=False),
        )["startDate"]
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            return _started_before(context, name, whole)
        if error_code(error) == "InvalidName":
            raise click.UsageError(f"--name {name!r}: use at most 80 letters, digits, - and _.") from error
        if is_transient(error):
            raise  # It may have started.
        raise CommandError(f"{explain(error)} Nothing was started.") from error


def result_of(context: Context, arn: str) -> Mapping[str, Any] | None:
    """Return the result of the approval that an execution requested; None while the execution runs.

    It is in the execution's output alone: the record has no grant ID. Raises `CommandError` if the execution failed, or
    returns something else: a state machine of the user's own can.
    """
    execution = context.client("stepfunctions").describe_execution(executionArn=arn)
    if execution["status"] == "RUNNING":
        return None
    if execution["status"] != "SUCCEEDED":
        raise CommandError(f"Execution {execution['name']} ended as {execution['status']}, so it has no result.")
    found = json.loads(execution["output"])
    for key in (KEY, RESULT_KEY):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise CommandError(f"The output of execution {execution['name']} has no {KEY}.{RESULT_KEY}.")
    return found


def grant_in(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the grant in the result of an approved request that asked for one. Raises `CommandError` without it."""
    grant = result.get("Grant")
    if not (isinstance(grant, dict) and isinstance(grant.get("Id"), str)):
        raise CommandError("The approval can't be spent: its result has no grant.")
    return grant


def spender(context: Context) -> Spender:
    """Return what spends grants. Raises `CommandError` if the stack is of a version that can't."""
    function = context.outputs.get("SpendFunctionArn")
    if not function:
        raise CommandError(f"Stack {context.stack} has no output SpendFunctionArn. Update the stack, or use --stack.")
    return Spender(context.client("lambda"), context.client("sts"), function, context.sleep)


def _started_before(context: Context, name: str, whole: Mapping[str, Json]) -> datetime:
    """Return when an execution with this name and input started.

    Step Functions itself accepts the same name and input again only while the execution runs.
    """
    execution = context.client("stepfunctions").describe_execution(executionArn=execution_arn(context, name))
    if json.loads(execution["input"]) != whole:
        raise CommandError(f"An execution named {name} already exists, with a different input. Choose another --name.")
    return execution["startDate"]
