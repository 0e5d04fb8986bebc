"""The policies of the deployed template, resolved, and IAM's verdict on requests: by the emulator's evaluator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.process import ROOT
from tests.support.sam_transform import resources
from tests.support.template import TEMPLATE

ACCOUNT, REGION = "123456789012", "eu-west-1"
Document = dict[str, Any]
Request = tuple[str, str, Mapping[str, Any]]
"""An action, the ARN of a resource, and the condition keys."""

MANAGED: Mapping[str, Sequence[str]] = {
    "AWSLambdaBasicExecutionRole": ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "AWSLambdaDynamoDBExecutionRole": (
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
    "AWSLambdaSQSQueueExecutionRole": (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
}
"""What AWS's policies allow on every resource.

Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html and others
"""

ANYTHING: Document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
}


def arn(name: str) -> str:
    """Return the ARN of a resource by its logical id, which is its name here, too."""
    kind = resources()[name]["Type"]
    return "arn:aws:" + _ARNS[kind].format(region=REGION, account=ACCOUNT, name=name)


def stream(table: str) -> str:
    """Return the ARN of a table's stream."""
    return f"{arn(table)}/stream/2026-11-25T00:00:00.000"


def policies(role: str) -> list[Document]:
    """Return all policies of a role: its own, those that it names, and those that name it.

    The operator's policy is an option that is on; the others are off.
    """
    properties = resources()[role]["Properties"]
    own = [
        policy["Fn::If"][1] if policy.get("Fn::If", ("",))[0] == "HasPolicy" else policy
        for policy in properties.get("Policies", ())
    ]
    found = [resolved(policy["PolicyDocument"]) for policy in own if "Fn::If" not in policy]
    for attached in properties.get("ManagedPolicyArns", ()):
        if "Fn::If" in attached:  # an option that is off
            continue
        if isinstance(attached, str):
            allowed = MANAGED[attached.rpartition("/")[2]]
            found.append({"Statement": [{"Effect": "Allow", "Action": [*allowed], "Resource": "*"}]})
        else:
            found.append(resolved(resources()[attached["Ref"]]["Properties"]["PolicyDocument"]))
    found += [
        resolved(made["Properties"]["PolicyDocument"])
        for made in resources().values()
        if made["Type"] == "AWS::IAM::ManagedPolicy" and {"Ref": role} in made["Properties"].get("Roles", ())
    ]
    return found


def resolved(node: Any) -> Any:  # noqa: PLR0911 one of many kinds
    """Return a part of the template with its references resolved."""
    match node:
        case {"Ref": str(name)}:
            return _ref(name)
        case {"Fn::GetAtt": [name, "StreamArn"]}:
            return stream(name)
        case {"Fn::GetAtt": [name, "Arn" | "Id"]}:
            return arn(name)
        case {"Fn::GetAtt": [name, _]}:
            return name
        case {"Fn::Sub": str(text)}:
            return _filled(text)
        case dict():
            return {name: resolved(value) for name, value in node.items()}
        case list():
            return [resolved(each) for each in node]
        case _:
            return node


def _ref(name: str) -> str:
    pseudo = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackName": "stack"}
    if name in pseudo:
        return pseudo[name]
    if name in TEMPLATE["Parameters"]:
        return str(TEMPLATE["Parameters"][name].get("Default", ""))
    named_by_arn = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
    return arn(name) if resources()[name]["Type"] in named_by_arn else name


def _filled(text: str) -> str:
    before, found, rest = text.partition("${")
    if not found:
        return text
    name, _, after = rest.partition("}")
    resource, dot, attribute = name.partition(".")
    value = resolved({"Fn::GetAtt": [resource, attribute]}) if dot else _ref(name)
    return f"{before}{value}{_filled(after)}"


def topic_policy() -> dict[str, Document]:
    """Return the policy of the topic, by the topic's ARN."""
    document = resources()["EmailTopicPolicy"]["Properties"]["PolicyDocument"]
    return {arn("SNSHumanApprovalEmailTopic"): resolved(document)}


@dataclass(frozen=True, slots=True)
class Case:
    """Requests of a role with some policies. `resources` are policies of resources that differ from the template's."""

    role: str
    policies: Sequence[Document]
    requests: Sequence[Request]
    resources: Mapping[str, Document] | None = None


def judged(cases: Iterable[Case]) -> list[list[bool]]:
    """Return for each case whether each of its requests is allowed."""
    world = {
        "resources": topic_policy(),
        "cases": [
            {
                "role": case.role,
                "policies": case.policies,
                "requests": case.requests,
                "resources": case.resources or {},
            }
            for case in cases
        ],
    }
    done = subprocess.run(
        [ROOT / ".venv-emulator/bin/python", ROOT / "tests/support/iam_judge.py"],
        input=json.dumps(world),
        capture_output=True,
        text=True,
        check=True,
    )
    verdicts: list[list[bool]] = json.loads(done.stdout)
    return verdicts
