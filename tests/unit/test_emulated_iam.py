"""What IAM looks at in a call of DynamoDB, as the emulator and the judge of the policies are told it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.emulated_iam import PARAMETERS, attributes, checks, condition_keys, parsed, role_of

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/records"
KEY = {"id": {"S": "x"}}


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"Key": KEY}, "id"),
        ({"Item": {"id": {"S": "x"}, "text": {"S": "y"}}}, "id text"),
        ({"Keys": [KEY], "ProjectionExpression": "a, b.c[0].d"}, "a b id"),
        ({"ProjectionExpression": "#a.#b", "ExpressionAttributeNames": {"#a": "steps", "#b": "resume"}}, "steps"),
        ({"AttributesToGet": ["task_token"]}, "task_token"),
        ({"UpdateExpression": "SET a = :a, b.c = b.c + :d REMOVE e[1] ADD f :g DELETE h :i"}, "a b e f h"),
        ({"UpdateExpression": "set news = link_key"}, "link_key news"),
        ({"UpdateExpression": "SET l = list_append(if_not_exists(m, :none), :n)"}, "l m"),
        (
            {"ConditionExpression": "attribute_exists(id) AND (size(s) BETWEEN :a AND :b OR NOT c IN (:d))"},
            "c id s",
        ),
        ({"KeyConditionExpression": "k = :k AND begins_with(s, :p)", "FilterExpression": "f <> :f"}, "f k s"),
        ({"AttributeUpdates": {"a": {}}, "Expected": {"b": {}}}, "a b"),
        ({}, ""),
    ],
)
def test_the_attributes_that_a_call_names_are_found(parameters: dict[str, Any], named: str) -> None:
    assert attributes(parameters) == named.split()


def test_a_look_without_a_projection_is_at_all_attributes() -> None:
    [(action, table, keys)] = checks("GetItem", {"TableName": "records", "Key": KEY})
    assert (action, table, keys["dynamodb:Select"]) == ("dynamodb:GetItem", "records", "ALL_ATTRIBUTES")
    [(_, index, keys)] = checks("Query", {"TableName": "records", "IndexName": "due", "Select": "COUNT"})
    assert (index, keys["dynamodb:Select"]) == ("records/index/due", "COUNT")


def test_each_item_of_a_transaction_is_judged_by_itself() -> None:
    items = [
        {"Update": {"TableName": "records", "Key": KEY, "UpdateExpression": "SET news = :n"}},
        {"Put": {"TableName": "replies", "Item": {"id": {"S": "y"}, "text": {"S": "z"}}}},
        {"Update": {"TableName": "records", "Key": KEY, "UpdateExpression": "SET link_key = :n"}},
    ]
    parameters = {"TransactItems": items}
    found = condition_keys("dynamodb:UpdateItem", TABLE, "TransactWriteItems", parameters)
    assert found["dynamodb:Attributes"] == ["id", "link_key", "news"], "of two of one kind, the names of both"
    assert found["dynamodb:EnclosingOperation"] == "TransactWriteItems"
    replies = condition_keys("dynamodb:PutItem", TABLE.replace("records", "replies"), "TransactWriteItems", parameters)
    assert replies["dynamodb:Attributes"] == ["id", "text"]
    whole = {"TableName": "records", "Key": KEY}
    gets = [{"Get": {**whole, "ProjectionExpression": "id"}}, {"Get": whole}]
    found = condition_keys("dynamodb:GetItem", TABLE, "TransactGetItems", {"TransactItems": gets})
    assert found["dynamodb:Select"] == "ALL_ATTRIBUTES", "one that reads everything is enough"


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"7"])
def test_a_body_that_is_no_call_names_nothing(body: bytes) -> None:
    assert parsed(body) == {PARAMETERS: {}}


def test_a_call_is_handed_on_as_it_is() -> None:
    assert parsed(json.dumps({"TableName": "records"}).encode()) == {PARAMETERS: {"TableName": "records"}}


def test_a_session_stands_for_its_role() -> None:
    assert role_of("arn:aws:sts::123456789012:assumed-role/bot/session") == "arn:aws:iam::123456789012:role/bot"
    assert role_of("arn:aws:iam::123456789012:root") == "arn:aws:iam::123456789012:root"
