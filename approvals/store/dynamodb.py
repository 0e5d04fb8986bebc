"""Convert values to DynamoDB's attributes and back.

boto3 has the same, at the price of importing boto3; records hold no floating point numbers, and no sets but of texts,
so this is all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def serialize(value: object) -> AttributeValueTypeDef:  # noqa: PLR0911 one of many types
    """Return a text, whole number, truth value, None, bytes, list, mapping or set of texts as an attribute.

    Raise `TypeError` for others. A set must not be empty.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    match value:
        case str():
            return {"S": value}
        case bool():  # before int: it is one
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [serialize(each) for each in value]}
        case frozenset() if all(isinstance(each, str) for each in value):
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": {str(name): serialize(each) for name, each in value.items()}}
        case _:
            raise TypeError(f"records hold no {type(value).__name__}")


def deserialize(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute's value. Raise `TypeError` for a kind that no record has, `ValueError` for a fraction."""
    [(kind, value)] = attribute.items()
    match kind:
        case "S" | "BOOL" | "B":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "SS":
            return frozenset(value)
        case "L":
            return [deserialize(each) for each in value]
        case "M":
            return {name: deserialize(each) for name, each in value.items()}
        case _:
            raise TypeError(f"records have no attributes of kind {kind}")
