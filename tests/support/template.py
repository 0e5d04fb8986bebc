"""The template as it is written, and questions about it."""

from __future__ import annotations

from typing import Any

import yaml

from demo.process import ROOT

PARAMETERS: dict[str, Any] = {
    "Email": None,
    "SlackChannel": "",
    "SlackBotToken": "",
    "SlackSigningSecret": "",
    "SlackApiUrl": "https://slack.com/api/",
    "PublicUrl": "",
    "ApprovalTimeoutMinutes": 60,
    "EmailLinkMode": "confirm",
    "AlarmTopicArn": "",
    "Monitoring": "Essential",
    "LogRetentionDays": 90,
    "Tracing": "Disabled",
    "EventBusName": "",
    "SnapStart": "None",
    "PermissionsBoundaryArn": "",
    "KmsKeyArn": "",
    "PolicyParameter": "",
    "RemindDuring": "",
}
"""The contract's parameters with their defaults; None = must be given."""


class CloudFormation(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": "x"}`, `!Sub x` as `{"Fn::Sub": "x"}`, and so on."""


def _intrinsic(loader: CloudFormation, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = node.value
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


CloudFormation.add_multi_constructor("!", _intrinsic)


TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), CloudFormation)  # noqa: S506 a SafeLoader
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of each resource of a type, by its logical id."""
    return {name: found.get("Properties", {}) for name, found in RESOURCES.items() if found["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
LOG_GROUPS = of_type("AWS::Logs::LogGroup")
TABLES = of_type("AWS::DynamoDB::Table")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def with_every_option(value: Any) -> Any:
    """Return what the template says where every option is turned on."""
    return value["Fn::If"][1] if isinstance(value, dict) and "Fn::If" in value else value


def statements(function: str) -> list[dict[str, Any]]:
    """Return the statements of a function's policies: its own, and those of shared policies.

    A shared policy may name the functions' roles instead of being named by them. Every option is turned on.
    """
    policies = [with_every_option(policy) for policy in as_list(FUNCTIONS[function].get("Policies", []))]
    documents = [
        RESOURCES[policy["Ref"]]["Properties"]["PolicyDocument"] if "Ref" in policy else policy for policy in policies
    ]
    documents += [
        policy["PolicyDocument"]
        for policy in of_type("AWS::IAM::ManagedPolicy").values()
        if {"Ref": f"{function}Role"} in policy.get("Roles", [])
    ]
    return [statement for document in documents for statement in as_list(document["Statement"])]


def allowing(function: str) -> list[dict[str, Any]]:
    """Return the statements that allow. test_policies.py judges them together with those that deny."""
    return [statement for statement in statements(function) if statement["Effect"] == "Allow"]


def actions(function: str) -> list[str]:
    return [action for statement in allowing(function) for action in as_list(statement["Action"])]


ESSENTIAL = {
    "DeadLetterAlarm",
    "UndeliveredDecisionAlarm",
    "FailedMailAlarm",
    "UnconfirmedEmailAlarm",
    "ApiErrorAlarm",
    "PolicyAlarm",
    "OverrideAlarm",
    "LifecycleErrorAlarm",
}
"""The alarms of every stack, or of every one with a policy; the others need `Monitoring=Full`."""

SNAPPED = ("CallbackFunction", "BotFunction")
"""They can start from a snapshot: people wait for them."""

INTERNET_FACING = (*SNAPPED, "AnswerFunction")
