"""The emulator's stand-in for IAM's policy simulator: it takes what AWS takes of a call, and guesses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from demo.emulated_simulator import InvalidInputError, parsed

ROLE = "arn:aws:iam::123456789012:role/stack-CallbackFunctionRole-1"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/records"


def a_call(**more: Any) -> dict[str, Any]:
    """Return the parameters of a call as the emulator hands them on: a list for each name."""
    asked = {"Action": "SimulatePrincipalPolicy", "PolicySourceArn": ROLE, "ActionNames.member.1": "dynamodb:Scan"}
    return {name: [value] for name, value in (asked | more).items() if value}


def test_every_action_resource_and_key_is_read_in_its_order() -> None:
    entry = "ContextEntries.member.{}.ContextKey{}"
    keys = {
        entry.format(1, "Name"): "dynamodb:Attributes",
        entry.format(1, "Type"): "stringList",
        entry.format(1, "Values.member.1"): "id",
        entry.format(1, "Values.member.2"): "news",
        entry.format(2, "Name"): "dynamodb:Select",
        entry.format(2, "Type"): "string",
        entry.format(2, "Values.member.1"): "COUNT",
    }
    more = {"ActionNames.member.2": "dynamodb:Query", "ResourceArns.member.1": TABLE}
    asked = parsed(a_call(**more, **keys))
    assert (asked.account, asked.role) == ("123456789012", "stack-CallbackFunctionRole-1")
    assert asked.actions == ("dynamodb:Scan", "dynamodb:Query")
    assert asked.resources == (TABLE,)
    assert asked.keys == {"dynamodb:attributes": ["id", "news"], "dynamodb:select": "COUNT"}


def test_without_a_resource_every_resource_is_meant() -> None:
    assert parsed(a_call()).resources == ("*",)


def test_a_roles_path_is_not_its_name() -> None:
    assert parsed(a_call(PolicySourceArn="arn:aws:iam::123456789012:role/team/a/name")).role == "name"


@pytest.mark.parametrize(
    "more",
    [
        {"PolicySourceArn": "arn:aws:iam::123456789012:user/ann"},
        {"PolicySourceArn": ""},
        {"ActionNames.member.1": ""},
        {"ActionNames.member.1": "dynamodb:*"},
        {"ResourceArns.member.1": "records"},
        {"ResourcePolicy": "{}"},
        {"CallerArn": ROLE},
        {"ContextEntries.member.1.ContextKeyName": "dynamodb:Select"},
    ],
)
def test_what_it_does_not_model_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        parsed(a_call(**more))
