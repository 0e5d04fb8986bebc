"""The boundaries that `verify-deployment` tries: they hold for the template's policies, and notice others."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from approvals.store.items import changeable_to_item
from cli.context import Context
from cli.verify.boundaries import FUNCTIONS, RESPONSE, Names, Probe, probes, simulate
from cli.verify.proofs import Proof, Verdict, tell
from tests.support import template
from tests.support.builders import an_approval
from tests.support.iam import Case, Document, Request, arn, judged, policies

NAMES = Names(
    table=arn("ApprovalTable"),
    tokens=arn("TaskTokenTable"),
    replies=arn("SlackReplyTable"),
    topic=arn("SNSHumanApprovalEmailTopic"),
    secret=arn("SlackSecret"),
)
ROLE = "arn:aws:iam::123456789012:role/callback"
MISTAKES: tuple[tuple[str, str, str], ...] = (
    ("CallbackFunction", "sns:Publish", NAMES.topic),
    ("BotFunction", "states:SendTaskSuccess", "*"),
    ("BotFunction", "dynamodb:Scan", NAMES.table),
    ("CallbackFunction", "dynamodb:Query", f"{NAMES.table}/index/due"),
    ("CallbackFunction", "dynamodb:GetItem", NAMES.table),
    ("CallbackFunction", "dynamodb:UpdateItem", NAMES.table),
    ("CallbackFunction", "secretsmanager:GetSecretValue", NAMES.secret),
    ("BotFunction", "dynamodb:GetItem", NAMES.replies),
    ("AnswerFunction", "secretsmanager:GetSecretValue", NAMES.secret),
    ("AnswerFunction", "dynamodb:GetItem", NAMES.table),
    ("SpendFunction", "dynamodb:GetItem", NAMES.table),
    ("SpendFunction", "dynamodb:UpdateItem", NAMES.table),
    ("SpendFunction", "states:SendTaskSuccess", "*"),
    ("NotifyFunction", "dynamodb:GetItem", NAMES.tokens),
    ("NotifyFunction", "states:SendTaskFailure", "*"),
    ("RequestFunction", "states:SendTaskSuccess", "*"),
    ("LifecycleFunction", "dynamodb:GetItem", NAMES.tokens),
)
"""Rights that a role must not have."""

NEEDED: tuple[tuple[str, str], ...] = (
    ("DecisionFunction", "states:SendTaskSuccess"),
    ("DecisionFunction", "dynamodb:GetItem"),
    ("NotifyFunction", "sns:Publish"),
    ("RequestFunction", "dynamodb:PutItem"),
    ("CallbackFunction", "dynamodb:UpdateItem"),
    ("SpendFunction", "dynamodb:UpdateItem"),
)


def requests(function: str) -> list[tuple[Probe, Request]]:
    return [
        (probe, (action, probe.resource, probe.keys)) for probe in probes(function, NAMES) for action in probe.actions
    ]


def wrong(function: str, documents: list[Document]) -> list[str]:
    """Return the actions on which policies and probes disagree. As in the simulator, the topic has no policy."""
    asked = requests(function)
    [found] = judged(
        [Case(f"{function}Role", documents, [request for _, request in asked], {NAMES.topic: {"Statement": []}})]
    )
    return [request[0] for (probe, request), allowed in zip(asked, found, strict=True) if allowed is not probe.allowed]


def test_every_function_is_tried() -> None:
    assert set(FUNCTIONS) == set(template.FUNCTIONS)


def test_the_probe_of_a_response_writes_what_a_response_writes() -> None:
    assert set(RESPONSE) == {"id", "waiting", *changeable_to_item(an_approval())}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_templates_policies_hold(function: str) -> None:
    assert wrong(function, policies(f"{function}Role")) == []


@pytest.mark.parametrize(("function", "action", "resource"), MISTAKES)
def test_a_right_too_many_is_noticed(function: str, action: str, resource: str) -> None:
    added = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    assert action in wrong(function, [*policies(f"{function}Role"), added])


@pytest.mark.parametrize(("function", "action"), NEEDED)
def test_a_right_too_few_is_noticed(function: str, action: str) -> None:
    denied = {"Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
    assert action in wrong(function, [*copy.deepcopy(policies(f"{function}Role")), denied])


@pytest.fixture
def iam() -> Iterator[tuple[Context, Stubber]]:
    context = Context()
    context.session = boto3.Session("test", "test", region_name="eu-west-1")
    with Stubber(context.client("iam")) as stub:
        yield context, stub
        stub.assert_no_pending_responses()


PROBE = Probe(
    "list records", ("dynamodb:Scan", "dynamodb:Query"), NAMES.table, {"dynamodb:Attributes": ["id"]}, allowed=False
)
ASKED = {
    "PolicySourceArn": ROLE,
    "ActionNames": ["dynamodb:Scan", "dynamodb:Query"],
    "ResourceArns": [NAMES.table],
    "ContextEntries": [
        {"ContextKeyName": "dynamodb:Attributes", "ContextKeyValues": ["id"], "ContextKeyType": "stringList"}
    ],
}


def a_page(action: str, decision: str, **more: object) -> dict[str, object]:
    return {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": decision}], **more}


def test_all_pages_of_the_simulator_are_read(iam: tuple[Context, Stubber]) -> None:
    """AWS may answer with a part of the results at a time; the emulator never does."""
    context, stub = iam
    first = a_page("dynamodb:Scan", "explicitDeny", IsTruncated=True, Marker="more")
    stub.add_response("simulate_principal_policy", first, ASKED)
    stub.add_response(
        "simulate_principal_policy", a_page("dynamodb:Query", "allowed", IsTruncated=False), {**ASKED, "Marker": "more"}
    )
    assert simulate(context, ROLE, PROBE) == {"dynamodb:Scan": False, "dynamodb:Query": True}


def test_a_caller_without_the_right_to_simulate_is_told_where_the_rights_are(iam: tuple[Context, Stubber]) -> None:
    context, stub = iam
    message = f"User: arn:aws:iam::1:user/ann is not authorized to perform: iam:SimulatePrincipalPolicy on {ROLE}"
    stub.add_client_error("simulate_principal_policy", "AccessDenied", message, 403)
    told: list[Proof] = []

    def chapter() -> Iterator[Proof]:
        simulate(context, ROLE, PROBE)
        yield from ()

    tell(context, told.append, "permissions of callback", chapter)
    [proof] = told
    assert (proof.name, proof.verdict) == ("permissions of callback", Verdict.FAILED)
    assert proof.text.startswith("AWS denied iam:SimulatePrincipalPolicy")
    assert "docs/operate.md" in proof.next_step
