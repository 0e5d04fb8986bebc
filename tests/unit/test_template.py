"""The template, held against the contract and the code."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import botocore.session
import pytest

from approvals.adapters import metrics
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import Action, Status
from approvals.services import spend
from approvals.store.items import parity
from demo.process import ROOT
from handlers import settings
from mail import addresses
from mail.channel import UNCONFIRMED
from mail.sns import RECIPIENT
from scripts import cost
from tests.support.template import (
    ESSENTIAL,
    FUNCTIONS,
    GLOBALS,
    INTERNET_FACING,
    LOG_GROUPS,
    PARAMETERS,
    QUEUES,
    RESOURCES,
    SNAPPED,
    TABLES,
    TEMPLATE,
    actions,
    allowing,
    as_list,
    of_type,
    statements,
)
from web.handler import UNEXPECTED
from web.html import HEADERS

OUTPUTS = {
    "AnswersUrl",
    "SpendFunctionArn",
    "ApproverPolicyArn",
    "ApiGatewayInvokeURL",
    "StateMachineHumanApprovalArn",
    "SlackRequestUrl",
    "ApprovalTopicArn",
    "ApprovalTableName",
    "SlackSecretArn",
    "Version",
    "DashboardName",
}

NAME_PROPERTIES = re.compile(
    r"Name|(Function|Table|Queue|Topic|Role|LogGroup|StateMachine|Secret|Layer|Api|RestApi|Alarm|Dashboard|Rule|Bucket"
    r"|Schedule|Group|Policy|ManagedPolicy|Stream)Name"
)
"""Properties that would fix a resource's name: two stacks in one account would then clash."""

FOLDS = "DigestFunction"
"""Makes one mail of a whole batch, so a batch succeeds or fails as one."""


APPLICATION: dict[str, Any] = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
TABLE = TABLES["ApprovalTable"]


def events(kind: str) -> list[Any]:
    """Return the event sources of a type, as parameters of a test: function and properties."""
    return [
        pytest.param(function, event["Properties"], id=f"{function}-{name}")
        for function, properties in FUNCTIONS.items()
        for name, event in properties.get("Events", {}).items()
        if event["Type"] == kind
    ]


STREAMS = events("DynamoDB")
POLLED = events("SQS")
RETRIED = [param for param in POLLED if param.values[0] != FOLDS]
"""The queues of single items that are tried again."""


def may(function: str, action: str) -> bool:
    """Return True if a function's policies allow an action; IAM's actions may have wildcards and know no case."""
    return any(fnmatchcase(action.lower(), allowed.lower()) for allowed in actions(function))


def inside(node: Any) -> Iterator[Any]:
    """Return every value in a part of the template."""
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from inside(child)


def test_the_parameters_are_exactly_the_contracts() -> None:
    found = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}
    assert found == PARAMETERS


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described(name: str) -> None:
    """`sam deploy --guided` shows it."""
    assert len(TEMPLATE["Parameters"][name]["Description"]) > 20


@pytest.mark.parametrize("name", ["SlackBotToken", "SlackSigningSecret"])
def test_a_secret_parameter_is_not_echoed(name: str) -> None:
    assert TEMPLATE["Parameters"][name]["NoEcho"] is True


def test_the_address_has_the_tutorials_pattern() -> None:
    assert TEMPLATE["Parameters"]["Email"]["AllowedPattern"] == f"^{addresses.ADDRESS}$"


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("SlackChannel", "C0123456789", "yes"),
        ("SlackChannel", "", "yes"),
        ("SlackChannel", "#approvals", "no"),
        ("SlackBotToken", "xoxb-1-2-aB3", "yes"),
        ("SlackBotToken", "", "yes"),
        ("SlackBotToken", 'xoxb-"', "no"),
        ("SlackSigningSecret", "8f742231b10e8888abcd99yyyzzz85a5", "yes"),
        ("SlackSigningSecret", 'a"b', "no"),
        ("SlackApiUrl", "https://slack-gov.com/api/", "yes"),
        ("SlackApiUrl", "https://slack.com/api", "no"),
        ("SlackApiUrl", "slack.com/api/", "no"),
        ("PublicUrl", "https://approve.example.com", "yes"),
        ("PublicUrl", "https://example.com/approvals", "yes"),
        ("PublicUrl", "https://approve.example.com/", "no"),
        ("PublicUrl", "approve.example.com", "no"),
        ("AlarmTopicArn", "arn:aws:sns:eu-west-1:123456789012:alarms", "yes"),
        ("AlarmTopicArn", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms", "yes"),
        ("AlarmTopicArn", "", "yes"),
        ("AlarmTopicArn", "alarms", "no"),
        ("AlarmTopicArn", "arn:aws:sqs:eu-west-1:123456789012:alarms", "no"),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:policy/boundaries/developers", "yes"),
        ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess", "yes"),
        ("PermissionsBoundaryArn", "", "yes"),
        ("PermissionsBoundaryArn", "developers", "no"),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/developers", "no"),
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "yes"),
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab", "yes"),
        ("KmsKeyArn", "", "yes"),
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/ours", "no"),
        ("KmsKeyArn", "1234abcd-12ab-34cd-56ef-1234567890ab", "no"),
        ("EventBusName", "default", "yes"),
        ("EventBusName", "aws.partner/example.com/123/name", "yes"),
        ("EventBusName", "", "yes"),
        ("EventBusName", "my bus", "no"),
        ("EventBusName", "arn:aws:events:eu-west-1:123456789012:event-bus/ours", "no"),
    ],
)
def test_a_mistyped_parameter_is_refused_before_the_deployment(name: str, value: str, fits: str) -> None:
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    assert bool(re.search(pattern, value)) == (fits == "yes")


def test_the_default_timeout_has_the_requests_own_limits() -> None:
    parameter = TEMPLATE["Parameters"]["ApprovalTimeoutMinutes"]
    assert (parameter["MinValue"], parameter["MaxValue"]) == (1, MAX_TIMEOUT_MINUTES)


def test_links_confirm_or_decide_at_one_click_and_nothing_else() -> None:
    assert set(TEMPLATE["Parameters"]["EmailLinkMode"]["AllowedValues"]) == {"confirm", "one-click"}


def test_the_outputs_are_exactly_the_contracts_and_described() -> None:
    assert set(TEMPLATE["Outputs"]) == OUTPUTS
    assert all(output["Description"] and output["Value"] for output in TEMPLATE["Outputs"].values())


def test_outputs_and_functions_refer_to_what_exists() -> None:
    known = {*RESOURCES, *TEMPLATE["Parameters"], *TEMPLATE.get("Conditions", {})}
    known |= {f"{function}Role" for function in FUNCTIONS}  # SAM makes one for each
    dicts = [node for node in inside(TEMPLATE) if isinstance(node, dict)]
    named = {node["Ref"] for node in dicts if "Ref" in node} | {
        node["Fn::GetAtt"][0] for node in dicts if "Fn::GetAtt" in node
    }
    assert {name for name in named if not name.startswith("AWS::")} <= known


@pytest.mark.parametrize("name", RESOURCES)
def test_no_resource_has_a_fixed_name(name: str) -> None:
    properties = RESOURCES[name].get("Properties", {})
    fixed = {key: value for key, value in properties.items() if NAME_PROPERTIES.fullmatch(key)}
    own = [{"Ref": other} for other in RESOURCES]  # belongs to another resource, whose name is not fixed either
    assert not {key for key, value in fixed.items() if "AWS::StackName" not in json.dumps(value) and value not in own}


def test_the_accounts_own_api_gateway_settings_are_left_alone() -> None:
    assert of_type("AWS::ApiGateway::Account") == {}


@pytest.mark.parametrize("function", INTERNET_FACING)
@pytest.mark.parametrize("service", ["states", "sns", "sqs", "lambda", "iam", "events", "s3"])
def test_an_internet_facing_function_can_reach_no_other_service(function: str, service: str) -> None:
    assert not [action for action in actions(function) if fnmatchcase(service, action.lower().split(":")[0])]


@pytest.mark.parametrize(
    ("function", "more"),
    [
        ("CallbackFunction", []),
        ("AnswerFunction", []),
        (
            "BotFunction",
            [
                ("dynamodb:PutItem", ["SlackReplyTable", "Arn"]),
                ("secretsmanager:GetSecretValue", ["SlackSecret", "Id"]),
            ],
        ),
    ],
)
def test_an_internet_facing_function_has_the_table_its_own_secret_and_replies_and_nothing_else(
    function: str, more: list[tuple[str, list[str]]]
) -> None:
    granted = [
        (action, resource)
        for statement in allowing(function)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if not action.startswith(("kms:", "ssm:"))  # only through another service, and one parameter: see below
    ]
    wanted = [(f"dynamodb:{action}", ["ApprovalTable", "Arn"]) for action in ("GetItem", "UpdateItem")] + more
    assert granted == [(action, {"Fn::GetAtt": target}) for action, target in wanted]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_policy_is_read_by_the_functions_that_judge_by_it_and_nothing_else_of_ssm(function: str) -> None:
    parameter = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${PolicyParameter}"
    right = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": {"Fn::Sub": parameter}}
    granted = [each for each in statements(function) if any("ssm" in action for action in as_list(each["Action"]))]
    judge_by_it = ("RequestFunction", "AnswerFunction", "LifecycleFunction")
    assert granted == ([right] if function in judge_by_it else [])
    optional = [each["Fn::If"] for each in RESOURCES[function]["Properties"]["Policies"] if "Fn::If" in each]
    found = [each[1:] for each in optional if each[0] == "HasPolicy"]
    assert [(each[0]["Statement"][0], each[1]) for each in found] == (
        [(right, {"Ref": "AWS::NoValue"})] if granted else []
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_condition_on_all_attributes_is_not_met_by_naming_none(function: str) -> None:
    """`ForAllValues` is true of a key that a request does not have."""
    for statement in statements(function):
        conditions = statement.get("Condition", {})
        named = {key for operator, keys in conditions.items() if operator.startswith("ForAllValues") for key in keys}
        assert dict.fromkeys(named, "false") == conditions.get("Null", {})


def test_the_task_tokens_have_no_stream_and_the_replies_one_of_keys_alone() -> None:
    assert "StreamSpecification" not in TABLES["TaskTokenTable"]
    assert TABLES["SlackReplyTable"]["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}


@pytest.mark.parametrize("table", ["TaskTokenTable", "SlackReplyTable"])
def test_a_smaller_table_is_encrypted_forgets_and_bills_by_use(table: str) -> None:
    assert TABLES[table]["SSESpecification"]["SSEEnabled"] is True
    assert TABLES[table]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("function", INTERNET_FACING)
@pytest.mark.parametrize("action", ["dynamodb:Scan", "dynamodb:Query", "dynamodb:DeleteItem", "states:SendTaskSuccess"])
def test_an_internet_facing_function_can_neither_forge_list_nor_delete(function: str, action: str) -> None:
    assert not may(function, action)


def test_the_pages_of_links_read_no_secret() -> None:
    assert not may("CallbackFunction", "secretsmanager:GetSecretValue")


def test_the_decision_function_alone_resumes_a_workflow() -> None:
    assert [name for name in FUNCTIONS if may(name, "states:SendTaskSuccess")] == ["DecisionFunction"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_rights_are_written_out_without_wildcards(function: str) -> None:
    assert actions(function)
    assert not [action for action in actions(function) if "*" in action or "?" in action]
    everywhere = [statement for statement in allowing(function) if statement["Resource"] == "*"]
    # Task tokens have no ARN.
    assert all(action.startswith("states:SendTask") for found in everywhere for action in as_list(found["Action"]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_log_group_of_its_own_that_forgets(function: str) -> None:
    group = FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"]
    assert LOG_GROUPS[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    users = [name for name in FUNCTIONS if FUNCTIONS[name]["LoggingConfig"]["LogGroup"] == {"Ref": group}]
    assert users == [function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_every_setting_that_it_reads_and_no_other(function: str) -> None:
    read = getattr(settings, f"{function.removesuffix('Function')}Settings")
    reads = {name.upper() for name in read.names()}
    own = set(FUNCTIONS[function].get("Environment", {}).get("Variables", {}))
    shared = set(GLOBALS["Environment"]["Variables"])
    assert reads <= own | shared
    assert {name for name in own if not name.startswith("POWERTOOLS_")} <= reads


def test_there_is_one_dead_letter_queue_and_every_other_queue_ends_there() -> None:
    redrives = {name: queue["RedrivePolicy"] for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
    assert set(QUEUES) - set(redrives) == {"DeadLetterQueue"}
    assert len(redrives) >= 2
    targets = [redrive["deadLetterTargetArn"] for redrive in redrives.values()]
    assert all(target == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]} for target in targets)


OWN_KEY = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
"""The value of a property that names a key: left out without one, since an update must then change nothing."""


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_encrypted_by_the_operators_key_or_by_that_of_sqs(queue: str) -> None:
    """A queue takes one of the two kinds of encryption."""
    assert QUEUES[queue]["KmsMasterKeyId"] == OWN_KEY
    assert QUEUES[queue]["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", {"Ref": "AWS::NoValue"}, True]}


def test_what_holds_data_takes_the_operators_key() -> None:
    used = {
        name
        for name, resource in RESOURCES.items()
        for node in inside(resource.get("Properties", {}))
        if isinstance(node, dict)
        if OWN_KEY in node.values()
    }
    assert used == {*TABLES, *QUEUES, *LOG_GROUPS, "SNSHumanApprovalEmailTopic", "SlackSecret"}
    for table in TABLES.values():
        assert table["SSESpecification"]["SSEType"] == {"Fn::If": ["HasKmsKey", "KMS", {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_uses_the_operators_key_through_other_services_alone(function: str) -> None:
    """It is attached with the role, so that an event source that is made right after it can read."""
    assert FUNCTIONS[function]["Policies"][0] == {
        "Fn::If": ["HasKmsKey", {"Ref": "KeyPolicy"}, {"Ref": "AWS::NoValue"}]
    }
    [found] = [each for each in allowing(function) if any(name.startswith("kms:") for name in as_list(each["Action"]))]
    assert found in RESOURCES["KeyPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert all(name.startswith("kms:") for name in found["Action"])
    assert found["Resource"] == {"Ref": "KmsKeyArn"}
    services = [
        each["Fn::Sub"].partition(".${AWS::Region}.")[0]
        for each in found["Condition"]["StringEquals"]["kms:ViaService"]
    ]
    assert services == ["dynamodb", "secretsmanager", "sns", "sqs"]
    assert RESOURCES["KeyPolicy"]["Condition"] == "HasKmsKey"


def test_logs_are_kept_as_long_as_cloudwatch_can() -> None:
    """Its API names the numbers of days that it takes."""
    shape = botocore.session.get_session().get_service_model("logs").shape_for("Days")
    taken = [
        int(days)
        for days in re.findall(r"\d+", shape.documentation.partition("Possible values are:")[2].partition("</p>")[0])
    ]
    assert TEMPLATE["Parameters"]["LogRetentionDays"]["AllowedValues"] == taken


def test_the_dead_letter_queue_keeps_longest() -> None:
    """14 days, the most that SQS has: a message's age counts from its first queue."""
    assert QUEUES["DeadLetterQueue"]["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize(("function", "source"), STREAMS)
def test_a_stream_hands_what_fails_for_good_to_the_dead_letter_queue(function: str, source: dict[str, Any]) -> None:
    destination = source["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    granted = [
        statement
        for statement in allowing(function)
        if "sqs:SendMessage" in as_list(statement["Action"]) and destination in as_list(statement["Resource"])
    ]
    assert granted


def test_records_that_the_scheduler_cannot_read_reach_the_dead_letter_queue() -> None:
    variables = FUNCTIONS["LifecycleFunction"]["Environment"]["Variables"]
    assert variables["DEAD_LETTER_QUEUE_URL"] == {"Ref": "DeadLetterQueue"}
    queues = [
        resource
        for statement in statements("LifecycleFunction")
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]
    assert {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]} in queues


@pytest.mark.parametrize(("function", "source"), [*STREAMS, *RETRIED])
def test_one_records_failure_is_not_its_neighbours(function: str, source: dict[str, Any]) -> None:
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], function


@pytest.mark.parametrize(("function", "source"), STREAMS)
def test_a_stream_neither_starts_late_nor_retries_for_ever(function: str, source: dict[str, Any]) -> None:
    """What is written while the mapping is made must not be missed; one bad record must not hold its shard a day."""
    assert source["StartingPosition"] == "TRIM_HORIZON", function
    assert 0 < source["MaximumRecordAgeInSeconds"] <= 21600
    timeout = FUNCTIONS[function].get("Timeout", GLOBALS["Timeout"])
    assert 0 < source["MaximumRetryAttempts"] * timeout <= 1800, "left out, it is tried as long as its age allows"
    assert source["BisectBatchOnFunctionError"] is True


def test_the_emails_of_a_batch_are_one_and_so_is_their_failure() -> None:
    [source] = [param.values[1] for param in POLLED if param.values[0] == FOLDS]
    assert "FunctionResponseTypes" not in source
    variables = FUNCTIONS[FOLDS]["Environment"]["Variables"]
    assert not {"RETRY_ATTEMPTS", "RETRY_QUEUE_URL"} & set(variables)
    assert source["Queue"] == {"Fn::GetAtt": ["MailQueue", "Arn"]}
    assert source["BatchSize"] > 1
    assert source["BatchSize"] <= 10 or source["MaximumBatchingWindowInSeconds"] >= 1, "else Lambda refuses it"


@pytest.mark.parametrize("function", ["NotifyFunction", "DecisionFunction"])
def test_a_email_that_came_too_fast_can_be_left_to_the_digest(function: str) -> None:
    assert FUNCTIONS[function]["Environment"]["Variables"]["MAIL_QUEUE_URL"] == {"Ref": "MailQueue"}
    queues = [
        resource
        for statement in allowing(function)
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]
    assert {"Fn::GetAtt": ["MailQueue", "Arn"]} in queues


def test_new_items_and_news_go_to_notify_and_decided_and_spent_ones_to_decision() -> None:
    patterns = {
        param.values[0]: [json.loads(found["Pattern"]) for found in param.values[1]["FilterCriteria"]["Filters"]]
        for param in STREAMS
        if param.values[1]["Stream"] == {"Fn::GetAtt": ["ApprovalTable", "StreamArn"]}
    }
    assert set(patterns) == {"NotifyFunction", "DecisionFunction"}
    assert patterns["NotifyFunction"] == [
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"status": {"S": ["PENDING"]}}}},
        {
            "eventName": ["MODIFY"],
            "dynamodb": {
                "OldImage": {"news": {"S": ["no"]}},
                "NewImage": {"news": {"S": ["yes"]}, "status": {"S": ["PENDING"]}},
            },
        },
    ]
    decision, *uses = patterns["DecisionFunction"]
    changes = [
        {
            f"{image}Image": {"spend_parity": {"S": [parity(use)]}}
            for image, use in (("Old", before), ("New", before + 1))
        }
        for before in (0, 1)
    ]
    assert uses == [{"eventName": ["MODIFY"], "dynamodb": each} for each in changes]
    images = decision["dynamodb"]
    assert decision["eventName"] == ["MODIFY"]
    assert images["OldImage"] == {"status": {"S": ["PENDING"]}}
    assert set(images["NewImage"]["status"]["S"]) == {"APPROVED", "REJECTED", "EXPIRED", "CANCELLED"}


def test_new_replies_go_to_notify() -> None:
    """A reply that is left again changes an item, or nothing."""
    [(function, source)] = [
        param.values
        for param in STREAMS
        if param.values[1]["Stream"] == {"Fn::GetAtt": ["SlackReplyTable", "StreamArn"]}
    ]
    assert function == "NotifyFunction"
    assert [json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]] == [{"eventName": ["INSERT"]}]


@pytest.mark.parametrize(("function", "source"), POLLED)
def test_a_message_is_hidden_six_times_as_long_as_its_function_may_run(function: str, source: dict[str, Any]) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
    queue = QUEUES[source["Queue"]["Fn::GetAtt"][0]]
    timeout = FUNCTIONS[function].get("Timeout", GLOBALS["Timeout"])
    assert queue["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize(("function", "source"), RETRIED)
def test_a_function_knows_which_try_is_the_last(function: str, source: dict[str, Any]) -> None:
    queue = QUEUES[source["Queue"]["Fn::GetAtt"][0]]
    variables = FUNCTIONS[function]["Environment"]["Variables"]
    assert variables["RETRY_ATTEMPTS"] == queue["RedrivePolicy"]["maxReceiveCount"]
    assert variables["RETRY_QUEUE_URL"] == {"Ref": source["Queue"]["Fn::GetAtt"][0]}


def test_the_table_can_be_restored_is_encrypted_forgets_and_bills_by_use() -> None:
    assert TABLE["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLE["SSESpecification"]["SSEEnabled"] is True
    assert TABLE["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert TABLE["BillingMode"] == "PAY_PER_REQUEST"


def test_the_tables_stream_shows_both_sides_of_a_change() -> None:
    """The filter that finds decided approvals needs both."""
    assert TABLE["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_the_records_outlive_the_stack() -> None:
    table = RESOURCES["ApprovalTable"]
    assert table["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}
    assert table["UpdateReplacePolicy"] == "Retain"


def test_the_slack_secret_is_json_that_the_bot_reads() -> None:
    (secret,) = of_type("AWS::SecretsManager::Secret").values()
    template, values = secret["SecretString"]["Fn::Sub"]
    assert values["Token"] == {"Fn::If": ["NoSlackBotToken", "", {"Ref": "SlackBotToken"}]}
    assert values["Secret"] == {"Fn::If": ["NoSlackSigningSecret", "", {"Ref": "SlackSigningSecret"}]}
    text = template.replace("${Token}", "xoxb-1").replace("${Secret}", "s")
    assert json.loads(text) == {"bot_token": "xoxb-1", "signing_secret": "s"}


def test_the_approvers_address_is_subscribed_by_the_stack() -> None:
    (subscription,) = of_type("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", {"Ref": "Email"})


def test_a_subscribed_address_gets_what_is_addressed_to_it_alone() -> None:
    (subscription,) = of_type("AWS::SNS::Subscription").values()
    assert subscription["FilterPolicy"] == {RECIPIENT: [subscription["Endpoint"]]}


def test_notify_alone_may_see_who_is_subscribed() -> None:
    action = "sns:ListSubscriptionsByTopic"
    assert [name for name in FUNCTIONS if may(name, action)] == ["NotifyFunction"]
    [found] = [each for each in statements("NotifyFunction") if action in as_list(each["Action"])]
    assert found["Resource"] == {"Ref": "SNSHumanApprovalEmailTopic"}


def test_events_may_be_published_by_two_functions_where_a_bus_is_named_and_to_that_bus_alone() -> None:
    action = "events:PutEvents"
    assert [name for name in FUNCTIONS if may(name, action)] == ["NotifyFunction", "DecisionFunction"]
    [found] = [each for each in statements("DecisionFunction") if action in as_list(each["Action"])]
    assert found["Resource"]["Fn::Sub"].endswith(":${AWS::AccountId}:event-bus/${EventBusName}")
    assert RESOURCES["PublishPolicy"]["Condition"] == "HasEventBus"
    assert TEMPLATE["Conditions"]["HasEventBus"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "EventBusName"}, ""]}]}


def test_the_stage_and_the_routes_are_the_contracts() -> None:
    api = RESOURCES["ExecutionApi"]["Properties"]
    routes = {(param.values[1]["Method"].upper(), param.values[1]["Path"]): param.values[0] for param in events("Api")}
    assert api["StageName"] == "states"
    assert routes == {
        ("GET", "/execution"): "CallbackFunction",
        ("HEAD", "/execution"): "CallbackFunction",
        ("POST", "/execution"): "CallbackFunction",
        ("GET", "/slack/events"): "BotFunction",
        ("POST", "/slack/events"): "BotFunction",
        ("POST", "/answers"): "AnswerFunction",
    }
    apis = {param.values[1]["Path"]: param.values[1]["RestApiId"]["Ref"] for param in events("Api")}
    assert apis == {"/execution": "ExecutionApi", "/slack/events": "ExecutionApi", "/answers": "AnswerApi"}


def test_the_api_for_signed_responses_takes_nothing_else() -> None:
    api = RESOURCES["AnswerApi"]["Properties"]
    auth = api["Auth"]
    assert (api["StageName"], auth["DefaultAuthorizer"], auth["InvokeRole"]) == ("states", "AWS_IAM", "NONE")
    assert "Cors" not in api
    [deny] = auth["ResourcePolicy"]["CustomStatements"]
    # One that allows would let every role of the account in.
    assert (deny["Effect"], deny["Principal"], deny["Resource"]) == ("Deny", "*", "execute-api:/*")
    assert deny["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
    assert all(0 < each["ThrottlingRateLimit"] <= 10 for each in api["MethodSettings"])


def test_approvers_get_the_right_to_call_one_path_and_no_other() -> None:
    [statement] = RESOURCES["ApproverPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    assert statement["Resource"]["Fn::Sub"].endswith(":${AnswerApi}/states/POST/answers")
    assert TEMPLATE["Outputs"]["AnswersUrl"]["Value"]["Fn::Sub"].endswith("/states/answers")


def test_the_state_machine_is_the_asl_file_with_every_placeholder_filled() -> None:
    (machine,) = of_type("AWS::Serverless::StateMachine").values()
    text = (ROOT / machine["DefinitionUri"]).read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])


def test_the_state_machine_may_call_the_request_function_and_nothing_else() -> None:
    (machine,) = of_type("AWS::Serverless::StateMachine").values()
    policies = [policy["Fn::If"][1] if "Fn::If" in policy else policy for policy in machine["Policies"]]
    granted = [statement for policy in policies for statement in as_list(policy["Statement"])]
    calls = [statement for statement in granted if "lambda:InvokeFunction" in as_list(statement["Action"])]
    assert [as_list(statement["Resource"]) for statement in calls] == [[{"Fn::GetAtt": ["RequestFunction", "Arn"]}]]
    others = {action for found in granted if found not in calls for action in as_list(found["Action"])}
    assert not [action for action in others if not action.startswith(("logs:", "xray:"))]


def test_execution_logs_never_hold_the_task_token() -> None:
    """Execution data in logs would be a copy of every paused task's token."""
    for machine in of_type("AWS::Serverless::StateMachine").values():
        assert machine.get("Logging", {}).get("IncludeExecutionData", False) is False


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_logs_its_events(function: str) -> None:
    """Powertools' switch for that would log task tokens and signatures."""
    variables = {
        **GLOBALS["Environment"]["Variables"],
        **FUNCTIONS[function].get("Environment", {}).get("Variables", {}),
    }
    for name in ("POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEV", "POWERTOOLS_TRACER_CAPTURE_RESPONSE"):
        assert str(variables.get(name, "false")).lower() == "false"
    assert str(variables.get("POWERTOOLS_LOG_LEVEL", "INFO")).upper() != "DEBUG"


def test_the_scheduler_looks_at_least_once_a_minute() -> None:
    """Deadlines are given in minutes."""
    schedules = {param.values[0]: param.values[1]["Schedule"] for param in events("Schedule")}
    assert schedules["LifecycleFunction"] == "rate(1 minute)"


def test_an_execution_that_was_stopped_is_noticed() -> None:
    """Whether it was started by the state machine, a version or an alias."""
    rules = {param.values[0]: param.values[1]["Pattern"] for param in events("EventBridgeRule")}
    assert rules == {
        "LifecycleFunction": {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "stateMachineArn": [
                    {"Ref": "HumanApprovalLambdaStateMachine"},
                    {"prefix": {"Fn::Sub": "${HumanApprovalLambdaStateMachine}:"}},
                ],
                "status": ["ABORTED", "FAILED", "TIMED_OUT"],
            },
        }
    }


GATEWAY_RESPONSES = RESOURCES["ExecutionApi"]["Properties"]["GatewayResponses"]


def test_requests_that_never_reach_a_function_get_a_page_too() -> None:
    """API Gateway takes the defaults for what has none of its own: a firewall's 403, a function's error, a timeout."""
    codes = {name: response.get("StatusCode") for name, response in GATEWAY_RESPONSES.items()}
    assert codes == {"MISSING_AUTHENTICATION_TOKEN": 404, "THROTTLED": 429, "DEFAULT_4XX": None, "DEFAULT_5XX": None}


@pytest.mark.parametrize("name", GATEWAY_RESPONSES)
def test_a_page_of_api_gateway_is_static_html_with_the_headers_of_ours(name: str) -> None:
    response = GATEWAY_RESPONSES[name]
    headers = {key: value.strip("'") for key, value in response["ResponseParameters"]["Headers"].items()}
    ours = {key: value for key, value in HEADERS.items() if key != "Content-Security-Policy"}
    assert headers == {**ours, "X-Frame-Options": "DENY", "Content-Security-Policy": "sandbox"}
    assert all(value.startswith("'") for value in response["ResponseParameters"]["Headers"].values())
    [html] = response["ResponseTemplates"].values()
    assert html.startswith("<!doctype html><html lang=en>")
    assert """content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">""" in html
    assert not re.search(r"<script|<form|<a |src=|url\(|\son\w+=", html)
    assert re.search(r"<title>(.+)</title>.*<h1>\1</h1><p>.+</p>", html)
    assert ("$context.requestId" in html) == name.startswith("DEFAULT_")
    assert not re.search(r"\$context\.(?!requestId)", html), "nothing that the caller chooses"


def test_an_unexpected_error_of_the_pages_raises_an_alarm() -> None:
    """It is answered with a page, so Lambda counts no error."""
    log = RESOURCES["CallbackErrorFilter"]["Properties"]
    assert log["LogGroupName"] == {"Ref": "CallbackLogs"}
    assert log["FilterPattern"] == f'{{ $.message = "{UNEXPECTED}" }}'
    counted = log["MetricTransformations"][0]
    watched = RESOURCES["CallbackPageErrorAlarm"]["Properties"]
    assert (watched["Namespace"], watched["MetricName"]) == (counted["MetricNamespace"], counted["MetricName"])


def test_an_unconfirmed_address_of_the_stack_raises_an_alarm() -> None:
    """SNS takes emails for it, sends none, and counts no failure."""
    log = RESOURCES["UnconfirmedEmailFilter"]["Properties"]
    assert log["LogGroupName"] == {"Ref": "NotifyLogs"}
    assert log["FilterPattern"] == f'{{ $.message = "{UNCONFIRMED}" }}'
    counted = log["MetricTransformations"][0]
    watched = RESOURCES["UnconfirmedEmailAlarm"]["Properties"]
    assert (watched["Namespace"], watched["MetricName"]) == (counted["MetricNamespace"], counted["MetricName"])


def test_the_alarms_of_lost_decisions_and_messages_are_always_there_and_the_rest_is_opt_in() -> None:
    optional = {name for name, resource in RESOURCES.items() if resource.get("Condition") == "FullMonitoring"}
    assert TEMPLATE["Conditions"]["FullMonitoring"] == {"Fn::Equals": [{"Ref": "Monitoring"}, "Full"]}
    assert TEMPLATE["Parameters"]["Monitoring"]["AllowedValues"] == ["Essential", "Full"]
    assert set(of_type("AWS::CloudWatch::Alarm")) - optional == ESSENTIAL
    assert {"Dashboard", "CallbackErrorFilter", "SpendErrorFilter"} == optional - set(of_type("AWS::CloudWatch::Alarm"))
    assert TEMPLATE["Outputs"]["DashboardName"]["Condition"] == "FullMonitoring"


def test_an_essential_alarm_has_the_metric_that_it_watches() -> None:
    """A metric of ours is made by a filter, which must be there as well."""
    made = {
        (each["MetricNamespace"]["Fn::Sub"], each["MetricName"])
        for name, found in of_type("AWS::Logs::MetricFilter").items()
        if "Condition" not in RESOURCES[name]
        for each in found["MetricTransformations"]
    }
    watched = {
        (found["Namespace"]["Fn::Sub"], found["MetricName"])
        for name, found in of_type("AWS::CloudWatch::Alarm").items()
        if name in ESSENTIAL and isinstance(found["Namespace"], dict)
    }
    assert watched == made


def test_the_filter_for_undelivered_decisions_finds_the_schedulers_line() -> None:
    found = RESOURCES["UndeliveredDecisionFilter"]["Properties"]
    [line] = re.findall(r'^\{ \$\.message = (".+") \}$', found["FilterPattern"])
    assert found["LogGroupName"] == {"Ref": "LifecycleLogs"}
    assert f"logger.error({line})" in (ROOT / "approvals/services/lifecycle.py").read_text()


def test_no_metric_filter_writes_while_nothing_happens() -> None:
    """With a default value it would write a zero for every line, and CloudWatch bill the metric every hour."""
    made = [each for found in of_type("AWS::Logs::MetricFilter").values() for each in found["MetricTransformations"]]
    assert made
    assert not [each for each in made if "DefaultValue" in each]


def test_an_error_of_ours_that_a_person_sees_raises_an_alarm() -> None:
    """API Gateway counts what the functions answer and what they fail to answer."""
    named = {
        "ApiErrorAlarm": {"Ref": "AWS::StackName"},
        "AnswerApiErrorAlarm": {"Fn::Sub": "${AWS::StackName}-answers"},
    }
    for alarm, name in named.items():
        watched = RESOURCES[alarm]["Properties"]
        dimensions = {each["Name"]: each["Value"] for each in watched["Dimensions"]}
        assert (watched["Namespace"], watched["MetricName"]) == ("AWS/ApiGateway", "5XXError")
        assert dimensions == {"ApiName": name, "Stage": "states"}
    assert "Name" not in RESOURCES["ExecutionApi"]["Properties"], "so SAM names it like the stack"
    assert RESOURCES["AnswerApi"]["Properties"]["Name"] == named["AnswerApiErrorAlarm"]


def test_the_errors_of_every_function_raise_an_alarm() -> None:
    dimensions = [
        node["Dimensions"]
        for node in inside(of_type("AWS::CloudWatch::Alarm"))
        if isinstance(node, dict) and node.get("MetricName") == "Errors"
    ]
    watched = [found["Value"]["Ref"] for each in dimensions for found in each if found["Name"] == "FunctionName"]
    # A refused spend counts as an error of its function: see below.
    assert sorted(watched) == sorted({*FUNCTIONS} - {"SpendFunction"})


def test_an_error_of_a_spend_that_is_no_refusal_raises_an_alarm() -> None:
    found = RESOURCES["SpendErrorFilter"]["Properties"]
    assert found["LogGroupName"] == {"Ref": "SpendLogs"}
    words = re.findall(r'\?"([^"]+)"', found["FilterPattern"])
    assert words == [spend.UNEXPECTED, "Task timed out", "Runtime.ExitError", "Runtime.ImportModuleError"]
    [counted] = found["MetricTransformations"]
    watched = RESOURCES["SpendErrorAlarm"]["Properties"]
    assert (watched["Namespace"], watched["MetricName"]) == (counted["MetricNamespace"], counted["MetricName"])


def test_the_version_is_the_projects_in_the_output_and_in_the_application_repository() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert TEMPLATE["Outputs"]["Version"]["Value"] == {"Fn::FindInMap": ["Product", "Version", "Number"]}
    assert TEMPLATE["Mappings"]["Product"]["Version"]["Number"] == version
    assert APPLICATION["SemanticVersion"] == version


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Name", r"[a-zA-Z0-9-]{1,140}"),
        ("Author", r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?"),
        ("Description", r".{1,256}"),
        ("SpdxLicenseId", "MIT"),
    ],
)
def test_the_application_repository_takes_what_is_said_of_the_product(name: str, pattern: str) -> None:
    """Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html."""
    assert re.fullmatch(pattern, APPLICATION[name])


def test_files_that_the_application_repository_shows_exist() -> None:
    assert (ROOT / APPLICATION["LicenseUrl"]).read_text().startswith("MIT License")
    assert (ROOT / APPLICATION["ReadmeUrl"]).exists()
    assert "HomePageUrl" not in APPLICATION
    assert 0 < len(APPLICATION["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+_:/@-]{1,127}", label) for label in APPLICATION["Labels"])


def test_tracing_is_off_unless_it_is_asked_for_and_never_on_where_links_are_opened() -> None:
    """A segment of the API's stage has the whole address of a request: a link's, with its signature."""
    apis = of_type("AWS::Serverless::Api").values()
    (machine,) = of_type("AWS::Serverless::StateMachine").values()
    assert set(TEMPLATE["Parameters"]["Tracing"]["AllowedValues"]) == {"Disabled", "Active"}
    assert TEMPLATE["Conditions"]["Traced"] == {"Fn::Equals": [{"Ref": "Tracing"}, "Active"]}
    assert GLOBALS["Tracing"] == {"Ref": "Tracing"}
    assert not [name for name, function in FUNCTIONS.items() if "Tracing" in function]
    assert machine["Tracing"]["Enabled"] == {"Fn::If": ["Traced", True, False]}
    assert [api["TracingEnabled"] for api in apis] == [False, False]


def test_the_memory_is_what_was_chosen_by_measurement() -> None:
    """docs/performance.md has the measurement: `python -m tests.bench.memory`."""
    memory = {name: function.get("MemorySize", GLOBALS["MemorySize"]) for name, function in FUNCTIONS.items()}
    assert {name for name, size in memory.items() if size != 512} == {"RequestFunction", "DigestFunction"}
    assert memory["RequestFunction"] == memory["DigestFunction"] == 256


# The alias, in front of what people wait for.


def parameters_in(node: Any) -> set[str]:
    """Return the template's parameters that a part of it depends on."""
    found: set[str] = set()
    for each in inside(node):
        match each:
            case {"Ref": str(name)}:
                found.add(name)
            case {"Fn::Sub": text}:
                found |= set(re.findall(r"\$\{(\w+)\}", as_list(text)[0]))
            case {"Fn::If": [condition, *_]}:
                found |= parameters_in(TEMPLATE["Conditions"][condition])
    return found & set(PARAMETERS)


def test_functions_that_people_wait_for_can_start_from_a_snapshot_and_no_others() -> None:
    assert [name for name, function in FUNCTIONS.items() if "AutoPublishAlias" in function] == [*SNAPPED]
    assert [name for name, function in FUNCTIONS.items() if "SnapStart" in function] == [*SNAPPED]
    assert {FUNCTIONS[name]["SnapStart"]["ApplyOn"]["Ref"] for name in SNAPPED} == {"SnapStart"}
    assert TEMPLATE["Parameters"]["SnapStart"]["AllowedValues"] == ["None", "PublishedVersions"]


@pytest.mark.parametrize("function", SNAPPED)
def test_a_parameter_with_another_value_reaches_the_function_behind_the_alias(function: str) -> None:
    """SAM sees the template alone, which stays as it was: https://github.com/aws/serverless-application-model/issues/3820.

    A version with another description is another version. No other parameter may be in it: Lambda publishes no version
    of a function that did not change, and the deployment fails.
    """
    # A role is no part of a version.
    configuration = {
        name: value
        for name, value in {**GLOBALS, **FUNCTIONS[function]}.items()
        if name not in {"Policies", "PermissionsBoundary", "VersionDescription"}
    }
    described = FUNCTIONS[function]["VersionDescription"]
    assert parameters_in(described) == parameters_in([GLOBALS["Environment"], configuration])


def test_the_description_of_a_version_is_no_longer_than_lambda_takes() -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html."""
    longest = ["PublishedVersions", "Disabled", "x" * TEMPLATE["Parameters"]["SlackApiUrl"]["MaxLength"]]
    assert len(" ".join(longest)) <= 256


@pytest.mark.parametrize("function", SNAPPED)
def test_another_layer_or_setting_reaches_the_function_behind_the_alias_and_the_version_before_goes(
    function: str,
) -> None:
    """SAM would look at the code alone, and keep what was published: SnapStart bills each version that exists."""
    assert FUNCTIONS[function]["AutoPublishAliasAllProperties"] is True
    assert RESOURCES["DependenciesLayer"]["Properties"]["PublishLambdaVersion"] is True
    assert RESOURCES[function]["DeletionPolicy"] == "Delete"


# The dashboard: what CloudWatch can't tell us here, since nothing emulates it.

_BODY, _OPTIONAL = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
_FILLED: str = _BODY.replace("${PolicyAlarmArns}", _OPTIONAL["PolicyAlarmArns"]["Fn::If"][1]["Fn::Sub"])
DASHBOARD: dict[str, Any] = json.loads(_FILLED)
WIDGETS: list[dict[str, Any]] = DASHBOARD["widgets"]
GRAPHS = [widget["properties"] for widget in WIDGETS if widget["type"] == "metric"]
SHOWN: list[list[Any]] = [metric for graph in GRAPHS for metric in graph["metrics"]]


def named(metric: list[Any]) -> tuple[str, str, dict[str, str]]:
    """Return the namespace, the name and the dimensions of a metric."""
    texts = [part for part in metric if isinstance(part, str)]
    return texts[0], texts[1], dict(zip(texts[2::2], texts[3::2], strict=True))


def test_the_dashboard_refers_to_what_exists() -> None:
    referred = {name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", _FILLED)}
    assert {name for name in referred if not name.startswith("AWS::")} <= set(RESOURCES)


def test_the_dashboards_widgets_fill_rows_of_24_columns_and_do_not_overlap() -> None:
    cells = [
        (column, row)
        for widget in WIDGETS
        for column in range(widget["x"], widget["x"] + widget["width"])
        for row in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert set(cells) == {(column, row) for column in range(24) for row in range(max(row for _, row in cells) + 1)}


def test_the_dashboard_shows_each_alarm_and_each_functions_errors_and_throttles() -> None:
    [alarms] = [widget["properties"]["alarms"] for widget in WIDGETS if widget["type"] == "alarm"]
    assert sorted(alarms) == sorted(f"${{{name}.Arn}}" for name in of_type("AWS::CloudWatch::Alarm"))
    for name in ("Errors", "Throttles"):
        watched = [
            named(metric)[2]["FunctionName"] for metric in SHOWN if named_or_none(metric) == ("AWS/Lambda", name)
        ]
        assert sorted(watched) == sorted(f"${{{function}}}" for function in FUNCTIONS)


def named_or_none(metric: list[Any]) -> tuple[str, str] | None:
    """Return the namespace and name of a metric; None for an expression."""
    return (metric[0], metric[1]) if isinstance(metric[0], str) else None


def test_the_dashboard_shows_every_queue() -> None:
    shown = {named(metric)[2]["QueueName"] for metric in SHOWN if metric[0] == "AWS/SQS"}
    assert shown == {f"${{{queue}.QueueName}}" for queue in QUEUES}


def test_the_dashboard_shows_the_metrics_that_the_functions_write_and_no_other() -> None:
    ours = [named(metric) for metric in SHOWN if metric[0] == metrics.NAMESPACE]
    assert {name for _, name, _ in ours} == {
        metrics.REQUESTED,
        metrics.DECIDED,
        metrics.TIME_TO_DECISION,
        metrics.IN_VAIN,
        metrics.SPEND_REFUSED,
    }
    assert GLOBALS["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    assert {dimensions["service"] for _, _, dimensions in ours} == {"${AWS::StackName}"}


def test_the_dashboard_shows_every_way_that_an_approval_can_be_decided() -> None:
    """People approve and reject; the clock never approves, and cancels, expires, or rejects for the silent."""
    shown = [
        (dimensions["Channel"], dimensions["Status"])
        for namespace, name, dimensions in (named(metric) for metric in SHOWN if isinstance(metric[0], str))
        if (namespace, name) == (metrics.NAMESPACE, metrics.DECIDED) and "Channel" in dimensions
    ]
    people = {(channel, action.status) for channel in ("email", "slack", "iam") for action in Action}
    clock = {("system", status) for status in (Status.REJECTED, Status.EXPIRED, Status.CANCELLED)}
    assert sorted(shown) == sorted((str(channel), str(status)) for channel, status in people | clock)


def test_open_approvals_are_those_requested_less_those_decided() -> None:
    [graph] = [graph for graph in GRAPHS if "Open" in graph["title"]]
    ids = {named(metric)[1]: metric[-1]["id"] for metric in graph["metrics"] if isinstance(metric[0], str)}
    [[expression]] = [metric for metric in graph["metrics"] if not isinstance(metric[0], str)]
    requested, decided = ids[metrics.REQUESTED], ids[metrics.DECIDED]
    assert expression["expression"] == f"RUNNING_SUM(FILL({requested}, 0) - FILL({decided}, 0))"


def test_metrics_are_lines_of_the_log() -> None:
    """No function may call CloudWatch."""
    assert not [name for name in FUNCTIONS if any(action.startswith("cloudwatch:") for action in actions(name))]


def test_the_page_on_costs_counts_the_metrics_that_the_dashboard_shows() -> None:
    ours = [named(metric) for metric in SHOWN if metric[0] == metrics.NAMESPACE]
    assert len({json.dumps(metric) for metric in ours}) == cost.METRICS
