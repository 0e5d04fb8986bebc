"""The tables of a deployed stack that are no output of it."""

from __future__ import annotations

from typing import Any

from demo import aws


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
