"""The template's values and event sources, as the simulated stack has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.slack_clients import CHANNEL
from tests.support.tables import TABLES
from tests.support.template import FUNCTIONS, GLOBALS, TEMPLATE

PARAMETERS = {
    **TABLES,
    "SNSHumanApprovalEmailTopic": "arn:aws:sns:eu-west-1:123456789012:emails",
    "AWS::AccountId": "123456789012",
    "Email": "alice@example.com",
    "EmailLinkMode": "confirm",
    "ApprovalTimeoutMinutes": "6",
    "PublicUrl": "https://approvals.example.com",
    "SlackChannel": CHANNEL,
    "SlackApiUrl": "https://slack.com/api/",
    "EventBusName": "",
    "PolicyParameter": "",
    "RemindDuring": "",
}
ATTEMPTS = int(TEMPLATE["Mappings"]["Retries"]["Attempts"]["Maximum"])


def event_sources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the functions that template.yaml feeds from a kind of source, with the source's properties."""
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            if event["Type"] == kind:
                yield name, event["Properties"]


def environment(function: str) -> dict[str, str]:
    variables = {
        **GLOBALS["Environment"]["Variables"],
        **FUNCTIONS[function].get("Environment", {}).get("Variables", {}),
    }
    return {name: resolved(value) for name, value in variables.items()}


def resolved(value: Any) -> str:
    """Return a value of the template. A resource of the template is its logical id."""
    match value:
        case {"Ref": name}:
            return PARAMETERS.get(str(name), str(name))
        case {"Fn::GetAtt": [name, _]}:
            return TABLES.get(str(name), str(name))
        case {"Fn::FindInMap": [name, *keys]}:
            return str(TEMPLATE["Mappings"][name][keys[0]][keys[1]])
        case {"Fn::If": [_, then, _]}:
            return resolved(then)
    return str(value)


def matches(pattern: Any, value: Any) -> bool:
    """Return True if Lambda's event filter lets a value through."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(each, value.get(key)) for key, each in pattern.items())
    prefixes = tuple(each["prefix"] for each in pattern if isinstance(each, dict))
    return value in pattern or (isinstance(value, str) and value.startswith(prefixes))
