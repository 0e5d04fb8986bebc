"""IAM's verdict on what the functions ask of AWS, and on what they must not: by the policies that SAM makes.

What they ask is recorded (tests/support/real_calls.py). What they must not is listed here. Each policy is then made
laxer and stricter, one line at a time, and each time one of the requests must be judged otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any

import pytest

from approvals.store.items import LISTED, READABLE, SPENDABLE, approval_to_item, changeable_to_item
from tests.support.builders import an_approval
from tests.support.grants import with_grant
from tests.support.iam import ANYTHING, Case, Document, Request, arn, judged, policies, resolved, stream, topic_policy
from tests.support.real_calls import recorded
from tests.support.sam_transform import resources
from tests.support.template import FUNCTIONS, INTERNET_FACING, QUEUES, TABLES, as_list

TABLE, TOKENS, REPLIES = "ApprovalTable", "TaskTokenTable", "SlackReplyTable"
TOPIC = "SNSHumanApprovalEmailTopic"
PUBLISH = ("NotifyFunction", "DecisionFunction", "DigestFunction")

READ = {
    "CallbackFunction": set(READABLE),
    "BotFunction": set(LISTED),
    "AnswerFunction": set(LISTED),
    "SpendFunction": set(SPENDABLE),
    "NotifyFunction": set(READABLE),
    "DigestFunction": set(READABLE),
    "LifecycleFunction": {*READABLE, "policy_progress"},
}
"""What a function may read of a record, and of other items. `decision` may read all of it."""

RESPONSE = {"id", "waiting", *changeable_to_item(an_approval())}
WRITTEN = {**dict.fromkeys(INTERNET_FACING, RESPONSE), "SpendFunction": {"id", "spends", "spend_parity"}}
"""What the functions that others call may write into a record."""

RECORD = {*approval_to_item(with_grant()), *READABLE, "task_token", "published", "escalated_at"}
STRANGE = {"user", "kind", "text", "response_url", "left_at", "mails", "absences", "policy_progress", "anything"}
"""Attributes of other items: of replies of earlier versions, of mail slots, the absences, and what the scheduler notes
of the policy."""

RETURNED = ("ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
ITEM_ACTIONS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Query", "Scan", "BatchGetItem")
OTHER_ACTIONS = (
    "BatchWriteItem",
    "PartiQLSelect",
    "PartiQLInsert",
    "PartiQLUpdate",
    "PartiQLDelete",
    "DescribeTable",
    "UpdateTable",
    "DeleteTable",
    "UpdateTimeToLive",
    "ExportTableToPointInTime",
    "RestoreTableToPointInTime",
)
STREAM_ACTIONS = ("DescribeStream", "GetRecords", "GetShardIterator")
QUEUE_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
OWN_QUEUE = {
    "NotifyFunction": "NotifyRetryQueue",
    "DecisionFunction": "DecisionRetryQueue",
    "DigestFunction": "MailQueue",
}
OWN_STREAMS = {"NotifyFunction": (TABLE, REPLIES), "DecisionFunction": (TABLE,)}

FOREIGN_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:of-another-stack"
FOREIGN_STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/other/stream/2026-01-01T00:00:00.000"


def naming(*attributes: str, **keys: str) -> dict[str, Any]:
    """Return the condition keys of a request that names some attributes."""
    return {"dynamodb:Attributes": sorted(attributes)} | {f"dynamodb:{name}": value for name, value in keys.items()}


def projected(*attributes: str, **keys: str) -> dict[str, Any]:
    return naming("id", *attributes, Select="SPECIFIC_ATTRIBUTES", **keys)


WHOLE = naming("id", Select="ALL_ATTRIBUTES")
UNNAMED = {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
"""As if AWS gave no list of attributes."""


def real(function: str) -> Iterator[Request]:
    """Yield what a function asks for in its work."""
    for call in recorded()[function]:
        for action, table, keys in call:
            name, slash, index = table.partition("/")
            yield action, f"{arn(name)}{slash}{index}", keys
    yield from ((f"sqs:{each}", arn(OWN_QUEUE[function]), {}) for each in QUEUE_ACTIONS if function in OWN_QUEUE)
    for table in OWN_STREAMS.get(function, ()):
        yield from ((f"dynamodb:{each}", stream(table), {}) for each in STREAM_ACTIONS)
    if function in PUBLISH:
        yield "sns:Publish", arn(TOPIC), {}


def forbidden(function: str) -> Iterator[Request]:
    """Yield what a function must not be able to do."""
    yield from _others_tables(function)
    yield from _others_sources(function)
    if function in READ:
        yield from _unreadable(function)
    if function in WRITTEN:
        yield from _called_by_others(function)
    if function not in PUBLISH:
        yield "sns:Publish", arn(TOPIC), {}
    if function != "DecisionFunction":
        yield "states:SendTaskSuccess", "*", {}


def _others_tables(function: str) -> Iterator[Request]:
    """Tokens but for `request`, which stores, and `decision`, which reads; replies but for `bot` and `notify`."""
    allowed = {
        ("RequestFunction", TOKENS): {"PutItem"},
        ("DecisionFunction", TOKENS): {"GetItem"},
        ("BotFunction", REPLIES): {"PutItem"},
        ("NotifyFunction", REPLIES): {"GetItem"},
    }
    for table in (TOKENS, REPLIES):
        for action in {*ITEM_ACTIONS, *OTHER_ACTIONS} - allowed.get((function, table), set()):
            yield f"dynamodb:{action}", arn(table), projected()
    if function == "BotFunction":
        yield from (("dynamodb:PutItem", arn(REPLIES), naming("id", ReturnValues=each)) for each in RETURNED)
    if function == "RequestFunction":
        yield from ((f"dynamodb:{each}", arn(TABLE), projected()) for each in ITEM_ACTIONS if each != "PutItem")
    yield from ((f"dynamodb:{each}", arn(TABLE), projected()) for each in (*OTHER_ACTIONS, "DeleteItem", "Scan"))
    yield from (
        ("dynamodb:Scan", f"{arn(TABLE)}/index/{each}", projected()) for each in ("waiting", "due", "requested")
    )


def _others_sources(function: str) -> Iterator[Request]:
    """Return every stream and queue but its own, for all that AWS's policies say."""
    streams = [stream(name) for name in (TABLE, REPLIES) if name not in OWN_STREAMS.get(function, ())]
    for each in (*streams, FOREIGN_STREAM):
        yield from ((f"dynamodb:{action}", each, {}) for action in STREAM_ACTIONS)
    for each in (*(arn(queue) for queue in QUEUES if queue != OWN_QUEUE.get(function)), FOREIGN_QUEUE):
        yield from ((f"sqs:{action}", each, {}) for action in QUEUE_ACTIONS)


def _unreadable(function: str) -> Iterator[Request]:
    for attribute in sorted({*RECORD, *STRANGE} - READ[function]):
        yield "dynamodb:GetItem", arn(TABLE), projected(attribute)
    yield from (("dynamodb:GetItem", arn(TABLE), keys) for keys in (WHOLE, UNNAMED))
    if function == "LifecycleFunction":  # a record, or what it noted of the policy
        for attribute in sorted({*RECORD} - {"id"}):
            yield "dynamodb:GetItem", arn(TABLE), projected(attribute, "policy_progress")
    if function == "NotifyFunction":
        for attribute in sorted({*RECORD, *STRANGE} - {*READABLE, "absences"}):  # a record and the absences in one call
            yield "dynamodb:BatchGetItem", arn(TABLE), projected(attribute)
        yield from (("dynamodb:BatchGetItem", arn(TABLE), keys) for keys in (WHOLE, UNNAMED))


def _called_by_others(function: str) -> Iterator[Request]:
    own = min(WRITTEN[function] - {"id"})
    for attribute in sorted({*RECORD, *STRANGE} - WRITTEN[function]):
        yield "dynamodb:UpdateItem", arn(TABLE), naming("id", attribute)
        yield (
            "dynamodb:UpdateItem",
            arn(TABLE),
            naming("id", attribute, own, EnclosingOperation="TransactWriteItems"),
        )
    yield "dynamodb:UpdateItem", arn(TABLE), {}
    yield from (("dynamodb:UpdateItem", arn(TABLE), naming("id", own, ReturnValues=each)) for each in RETURNED)
    yield "dynamodb:GetItem", arn(TABLE), projected(EnclosingOperation="TransactGetItems")
    if function != "BotFunction":
        yield "dynamodb:UpdateItem", arn(TABLE), naming("id", own, EnclosingOperation="TransactWriteItems")
        yield "secretsmanager:GetSecretValue", arn("SlackSecret"), {}
    for action in {*ITEM_ACTIONS} - {"GetItem", "UpdateItem"}:
        yield f"dynamodb:{action}", arn(TABLE), projected()
        yield f"dynamodb:{action}", f"{arn(TABLE)}/index/due", projected()
    yield "dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/other", projected()
    yield "dynamodb:UpdateItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/other", naming("id", own)
    for action in (
        "states:SendTaskFailure",
        "states:SendTaskHeartbeat",
        "states:StartExecution",
        "lambda:InvokeFunction",
    ):
        yield action, "*", {}
    for queue in QUEUES:
        yield "sqs:SendMessage", arn(queue), {}


@cache
def requests(function: str) -> tuple[list[Request], list[Request]]:
    """Return what a function asks for, and what it must not."""
    return list(real(function)), list(forbidden(function))


def verdicts(function: str) -> tuple[list[Request], list[Request]]:
    """Return the real requests that are refused, and the forbidden ones that are allowed."""
    asked, never = requests(function)
    [found] = judged([Case(f"{function}Role", policies(f"{function}Role"), [*asked, *never])])
    refused = [request for request, allowed in zip(asked, found[: len(asked)], strict=True) if not allowed]
    granted = [request for request, allowed in zip(never, found[len(asked) :], strict=True) if allowed]
    return refused, granted


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_its_work_and_nothing_that_is_forbidden(function: str) -> None:
    assert verdicts(function) == ([], [])


def test_the_calls_of_every_function_are_on_record() -> None:
    assert set(recorded()) == set(FUNCTIONS)
    assert set(TABLES) == {TABLE, TOKENS, REPLIES}


def test_an_answer_and_its_reply_are_one_call_of_the_bot_and_of_nobody_else() -> None:
    both = {("dynamodb:UpdateItem", TABLE), ("dynamodb:PutItem", REPLIES)}
    together = {
        function
        for function, calls in recorded().items()
        for call in calls
        if {(action, table) for action, table, _ in call} == both
    }
    assert together == {"BotFunction"}


def test_every_role_of_the_stack_has_the_operators_boundary() -> None:
    """SAM makes the roles: one for each function, and the state machine's."""
    bounds = {
        name: role["Properties"].get("PermissionsBoundary")
        for name, role in resources().items()
        if role["Type"] == "AWS::IAM::Role"
    }
    bound = {"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    assert bounds == dict.fromkeys([f"{name}Role" for name in (*FUNCTIONS, "HumanApprovalLambdaStateMachine")], bound)


def test_the_operators_key_serves_a_function_through_other_services_alone() -> None:
    key, other = (f"arn:aws:kms:eu-west-1:123456789012:key/{name}" for name in ("ours", "another"))
    document = resolved(resources()["KeyPolicy"]["Properties"]["PolicyDocument"])
    for statement in document["Statement"]:
        statement["Resource"] = key
    through = {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}
    asked: list[Request] = [
        ("kms:Decrypt", key, through),
        ("kms:GenerateDataKey", key, {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}),
        ("kms:Decrypt", key, {}),
        ("kms:Decrypt", key, {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}),
        ("kms:Decrypt", other, through),
        ("kms:CreateGrant", key, through),
        ("kms:PutKeyPolicy", key, through),
    ]
    [found] = judged([Case("CallbackFunctionRole", [document], asked)])
    assert found == [True, True, False, False, False, False, False]


# One line of a policy changed: some request is judged otherwise.


def mutants(documents: list[Document]) -> Iterator[tuple[str, list[Document]]]:
    """Yield the policies with one line taken out or added, each with what was done."""
    for place, document in enumerate(documents):
        for number, statement in enumerate(document["Statement"]):
            if _aws_own(statement):
                continue
            for what, changed in _changes(statement):
                mutant = copy.deepcopy(documents)
                mutant[place]["Statement"][number : number + 1] = changed
                yield f"{statement['Effect']} {as_list(statement['Action'])[0]} #{number}: {what}", mutant


def _aws_own(statement: Document) -> bool:
    """Not ours to change, and about logs, streams and queues alone."""
    return statement["Effect"] == "Allow" and "logs:PutLogEvents" in as_list(statement["Action"])


def _changes(statement: Document) -> Iterator[tuple[str, list[Document]]]:
    judged_here = [each for each in as_list(statement["Action"]) if each.startswith("dynamodb:")]
    if statement["Effect"] == "Deny" or judged_here:
        yield "dropped", []
    if statement["Effect"] == "Deny":
        yield from (
            (f"without {each}", [{**statement, "Action": [a for a in as_list(statement["Action"]) if a != each]}])
            for each in as_list(statement["Action"])
            if len(as_list(statement["Action"])) > 1
        )
        if "NotResource" in statement:
            yield "no resource left", [{**statement, "NotResource": "*"}]
    elif judged_here:
        yield "dynamodb:*", [{**statement, "Action": "dynamodb:*"}]
        yield "every resource", [{**statement, "Resource": "*"}]
        yield from (
            (f"without {each}", [{**statement, "Action": [a for a in as_list(statement["Action"]) if a != each]}])
            for each in as_list(statement["Action"])
            if len(as_list(statement["Action"])) > 1
        )
    yield from _changed_conditions(statement)


def _changed_conditions(statement: Document) -> Iterator[tuple[str, list[Document]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            without = copy.deepcopy(statement)
            del without["Condition"][operator][key]
            yield f"without {operator} {key}", [without]
            if operator == "Null":
                continue
            listed = as_list(values)
            for value in listed if len(listed) > 1 else ():
                yield _with(statement, operator, key, [each for each in listed if each != value], f"without {value}")
            for value in {*_more(key)} - {*listed}:
                yield _with(statement, operator, key, [*listed, value], f"with {value}")


def _more(key: str) -> Iterator[str]:
    if key == "dynamodb:Attributes":
        yield from RECORD | STRANGE
    elif key == "dynamodb:ReturnValues":
        yield from RETURNED
    elif key == "dynamodb:Select":
        yield "ALL_ATTRIBUTES"


def _with(statement: Document, operator: str, key: str, values: list[str], what: str) -> tuple[str, list[Document]]:
    changed = copy.deepcopy(statement)
    changed["Condition"][operator][key] = values
    return f"{key} {what}", [changed]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_line_of_a_functions_policies_is_needed_and_none_more_would_go_unnoticed(function: str) -> None:
    made = list(mutants(policies(f"{function}Role")))
    assert made, "policies to change"
    asked, never = requests(function)
    found = judged([Case(f"{function}Role", changed, [*asked, *never]) for _, changed in made])
    right = [True] * len(asked) + [False] * len(never)
    assert [what for (what, _), verdict in zip(made, found, strict=True) if verdict == right] == []


# The topic.


def test_three_functions_alone_publish_to_the_topic_and_whoever_may_subscribe_still_does() -> None:
    topic = arn(TOPIC)
    others = [f"{function}Role" for function in FUNCTIONS if function not in PUBLISH]
    cases = [
        *(Case(f"{function}Role", policies(f"{function}Role"), [("sns:Publish", topic, {})]) for function in PUBLISH),
        *(Case(role, [ANYTHING], [("sns:Publish", topic, {})]) for role in (*others, "Administrator")),
        Case(
            "Administrator", [ANYTHING], [(f"sns:{each}", topic, {}) for each in ("Subscribe", "ConfirmSubscription")]
        ),
    ]
    allowed = list(chain.from_iterable(judged(cases)))
    assert allowed == [True] * len(PUBLISH) + [False] * (len(others) + 1) + [True] * 2


def _without_deny(policy: Document) -> None:
    policy["Statement"].clear()


def _without_condition(policy: Document) -> None:
    del policy["Statement"][0]["Condition"]


def _for_one_more(policy: Document) -> None:
    policy["Statement"][0]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].append(arn("CallbackFunctionRole"))


def _for_one_less(policy: Document) -> None:
    policy["Statement"][0]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].pop()


@pytest.mark.parametrize("change", [_without_deny, _without_condition, _for_one_more, _for_one_less])
def test_another_topic_policy_would_be_noticed(change: Callable[[Document], None]) -> None:
    topic, changed = arn(TOPIC), copy.deepcopy(topic_policy())
    change(changed[topic])
    roles = [f"{function}Role" for function in FUNCTIONS]
    found = judged(Case(role, [ANYTHING], [("sns:Publish", topic, {})], changed) for role in roles)
    assert [verdict[0] for verdict in found] != [function in PUBLISH for function in FUNCTIONS]
