"""The condition keys of DynamoDB calls. The emulator fills them from projections only, so it judges no write.

The emulator's process imports this, and so does the test that judges the template's policies. It imports nothing of
the product, and the emulator only to install itself there.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Parameters = Mapping[str, Any]
Context = dict[str, str | list[str]]

EXPRESSIONS = (
    "ProjectionExpression",
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
)
SYNTAX = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"})
NAME = re.compile(r"(?<![\w.:#\]])(#?[A-Za-z_]\w*)(?=(\s*\()?)")
"""A name in an expression, and whether it is a function's. Not a `:value`, and not a part of an attribute."""

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})
TRANSACTIONS = frozenset({"TransactGetItems", "TransactWriteItems"})
"""IAM has no actions for these: it judges each item on its own, by an action such as `dynamodb:ConditionCheckItem`.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

ROLE_SESSION = re.compile(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.+")


def attributes(parameters: Parameters) -> list[str]:
    """Return the top-level attributes that a call names, as `dynamodb:Attributes` has them."""
    placeholders = parameters.get("ExpressionAttributeNames") or {}
    found = {*parameters.get("Key", {}), *parameters.get("Item", {}), *parameters.get("AttributesToGet", ())}
    found |= {*parameters.get("AttributeUpdates", {}), *parameters.get("Expected", {})}
    for key in parameters.get("Keys", ()):
        found |= {*key}
    for name in EXPRESSIONS:
        for word, call in NAME.findall(parameters.get(name) or ""):
            if not call and word.upper() not in SYNTAX:
                found.add(placeholders.get(word, word))
    return sorted(found)


def context(operation: str, parameters: Parameters, enclosing: str = "") -> Context:
    """Return the condition keys of a call, or of one item of a transaction or batch."""
    made: Context = {}
    if named := attributes(parameters):
        made["dynamodb:Attributes"] = named
    if operation in READS:
        projected = parameters.get("ProjectionExpression") or parameters.get("AttributesToGet")
        made["dynamodb:Select"] = parameters.get("Select") or ("SPECIFIC_ATTRIBUTES" if projected else "ALL_ATTRIBUTES")
    elif "ReturnValues" in parameters:
        made["dynamodb:ReturnValues"] = parameters["ReturnValues"]
    if enclosing:
        made["dynamodb:EnclosingOperation"] = enclosing
    return made


def checks(operation: str, parameters: Parameters) -> Iterator[tuple[str, str, Context]]:
    """Yield what IAM judges of a call, one by one: the action, the table with its index, and the condition keys."""
    if operation in TRANSACTIONS:
        for item in parameters["TransactItems"]:
            for member, part in item.items():
                yield f"dynamodb:{member}Item", part["TableName"], context(f"{member}Item", part, operation)
    elif "RequestItems" in parameters:
        for table, part in parameters["RequestItems"].items():
            yield f"dynamodb:{operation}", table, context(operation, part)
    elif "TableName" in parameters:
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        yield f"dynamodb:{operation}", f"{parameters['TableName']}{index}", context(operation, parameters)


def condition_keys(action: str, resource: str, enclosing: str, parameters: Parameters) -> Context:
    """Return the condition keys of one action on one resource: for a transaction, those of all such items."""
    operation = enclosing or action.partition(":")[2]
    found = [
        keys
        for item_action, table, keys in checks(operation, parameters)
        if item_action == action and resource in {table, f"{resource.partition(':table/')[0]}:table/{table}"}
    ]
    made: Context = {name: value for keys in found for name, value in keys.items()}
    if named := sorted({name for keys in found for name in keys.get("dynamodb:Attributes", ())}):
        made["dynamodb:Attributes"] = named
    if any(keys.get("dynamodb:Select") == "ALL_ATTRIBUTES" for keys in found):
        made["dynamodb:Select"] = "ALL_ATTRIBUTES"
    return made


def role_of(principal: str) -> str:
    """Return the ARN of the role whose session this is, as `aws:PrincipalArn` has it; others as they are."""
    session = ROLE_SESSION.fullmatch(principal)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else principal


PARAMETERS = "dynamodb:parameters"
"""Under this key the emulator carries a call's parameters to where its conditions are judged. IAM has no such key."""


def parsed(body: bytes) -> dict[str, Any]:
    """Return a call's parameters, in place of the condition keys that the emulator would make of them."""
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        parameters = None
    return {PARAMETERS: parameters if isinstance(parameters, dict) else {}}


def install() -> None:
    """Make the emulator judge by the keys that AWS would use."""
    from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]  # noqa: PLC0415

    resolve = iam_evaluator._resolve_condition_key  # noqa: SLF001 it has no setting for this

    def resolved(key: str, asked: Any) -> Any:
        name = key.lower()
        if name == "aws:principalarn":
            return role_of(str(resolve(key, asked)))
        parameters = asked.service_context.get(PARAMETERS)
        if parameters is None or not name.startswith("dynamodb:"):
            return resolve(key, asked)
        enclosing = (asked.service_context.get("dynamodb:enclosingoperation") or [""])[0]
        try:
            keys = condition_keys(asked.action, asked.resource_arn, enclosing, parameters)
        except (AttributeError, KeyError, TypeError):
            keys = {}  # No request that DynamoDB would take.
        return {each.lower(): value for each, value in keys.items()}.get(name)

    iam_evaluator._resolve_condition_key = resolved  # noqa: SLF001
    iam_actions.dynamodb_service_context = parsed
