"""The contents of a deployed stack: tables, task tokens, logs."""

from __future__ import annotations

from typing import Any

from demo import aws


def resources_of(stack: str, kind: str) -> dict[str, str]:
    """Return the physical ids of a stack's resources of a type, by their logical ids."""
    found = aws.session().client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind}


def table(stack: str, logical_id: str) -> str:
    """Return the name of a stack's table."""
    names = aws.session().client("dynamodb").list_tables()["TableNames"]
    [name] = [each for each in names if each.startswith(f"{stack}-{logical_id}")]
    return name


def items(name: str) -> list[dict[str, Any]]:
    """Return everything in a table."""
    pages = aws.session().client("dynamodb").get_paginator("scan").paginate(TableName=name)
    return [{**item} for page in pages for item in page["Items"]]


def task_tokens(stack: str) -> list[str]:
    """Return the task tokens on record in a stack: in their table, and in records of earlier versions."""
    found = [*items(table(stack, "TaskTokenTable")), *items(table(stack, "ApprovalTable"))]
    return [item["task_token"]["S"] for item in found if "task_token" in item]


def log_lines(stack: str) -> list[str]:
    """Return all that the functions of a stack logged."""
    logs = aws.session().client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines: list[str] = []
    for group in groups:
        if stack in group:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                lines += [event["message"] for event in page["events"]]
    return lines
