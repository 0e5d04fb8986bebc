"""The doctor's checks one by one, for what can't be planted in a deployed stack: AWS by moto, Slack by the stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber
from mypy_boto3_cloudformation.literals import StackStatusType
from mypy_boto3_logs.type_defs import InputLogEventTypeDef
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from approvals.store.reading import UnreadableError
from bot.request_verification import EVENT_TAKEN, REFUSED, is_certificate_check
from cli.context import CommandError, Context, Resource
from cli.doctor import approvers, checks, links, policy, slack, stack, subscriptions
from cli.doctor.findings import Check, Finding, Level, exit_code
from cli.slack_connection import Connection, update_stack
from cli.version import is_older
from demo.slack import Slack
from tests.support.builders import NOW
from tests.support.iam_callers import ACCOUNT, SSO, SSO_ROLE
from tests.support.overrides import BREAK_GLASS, BREAK_GLASS_ROLE
from tests.support.pasted_commands import commands, run_ours
from tests.support.policies import a_document
from tests.support.slack_clients import CHANNEL, DirectWebClient
from tests.support.template import PARAMETERS

EMAIL = "approver@example.com"
SESSION = boto3.Session("test", "test", region_name="eu-west-1")
"""One for all: it reads each service's description once."""


@dataclass
class Http:
    """The stack's own address: answers with a status, or can't be reached."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"X-Robots-Tag": "noindex"})
    broken: bool = False
    sent: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def request(self, method: str, url: str, **_more: Any) -> SimpleNamespace:
        self.sent.append((method, url))
        self.bodies.append(str(_more.get("body") or ""))
        if self.broken:
            raise NewConnectionError(HTTPConnection("h", 1), "refused")
        return SimpleNamespace(status=self.status, headers=self.headers)


class ScopedWebClient(DirectWebClient):
    """Answers with the header that names the app's scopes, too."""

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        answer = super().api_call(api_method, **arguments)
        answer.headers = {"x-oauth-scopes": ", ".join({"chat:write", *self._slack.scopes})}
        return answer


class Examined(Context):
    """The context of a stack in one process."""

    def __init__(self, workspace: Slack) -> None:
        self.workspace = workspace
        self.web = Http()
        super().__init__(region="eu-west-1", clock=lambda: self.now)
        self.session = SESSION

    now = datetime.now().astimezone()
    http: Any = property(lambda self: self.web)


@pytest.fixture
def make(aws: None, slack: Slack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Examined]:
    """Makes a stack with these parameters and returns it as the doctor sees it."""

    def web_client(token: str, **_more: Any) -> WebClient:
        client = ScopedWebClient(slack)
        client.token = token
        return client

    monkeypatch.setattr("cli.slack_connection.WebClient", web_client)

    def made(**parameters: str) -> Examined:
        sns, logs, context = SESSION.client("sns"), SESSION.client("logs"), Examined(slack)
        topic = sns.create_topic(Name="mails")["TopicArn"]
        own = {"FilterPolicy": json.dumps({"recipient": [EMAIL]})}
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=EMAIL, Attributes=own)
        value = json.dumps({"bot_token": slack.bot_token, "signing_secret": slack.signing_secret})
        logs.create_log_group(logGroupName="bot-logs")
        context.description = {
            "StackName": "human-approval",
            "CreationTime": NOW,
            "StackStatus": "CREATE_COMPLETE",
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in {**PARAMETERS, "Email": EMAIL, "SlackChannel": CHANNEL, **parameters}.items()
            ],
            "Outputs": [
                {"OutputKey": name, "OutputValue": value}
                for name, value in {
                    "ApprovalTopicArn": topic,
                    "SlackSecretArn": SESSION.client("secretsmanager").create_secret(Name="s", SecretString=value)[
                        "ARN"
                    ],
                    "SlackRequestUrl": "https://abc.execute-api.eu-west-1.amazonaws.com/states/slack/events",
                    "ApiGatewayInvokeURL": "https://abc.execute-api.eu-west-1.amazonaws.com/states",
                }.items()
            ],
        }
        context.resources = (
            Resource("BotLogs", "bot-logs", "AWS::Logs::LogGroup"),
            Resource(
                "DeadLetterQueue", SESSION.client("sqs").create_queue(QueueName="dead")["QueueUrl"], "AWS::SQS::Queue"
            ),
        )
        return context

    return made


def store(context: Examined, text: str) -> None:
    context.client("secretsmanager").put_secret_value(SecretId=context.output("SlackSecretArn"), SecretString=text)


@pytest.fixture
def context(make: Callable[..., Examined]) -> Examined:
    return make()


def found(findings: Iterator[Finding]) -> list[tuple[str, Level]]:
    return [(each.check, each.level) for each in findings]


def the_fault(findings: Iterator[Finding], check: Check) -> Finding:
    [fault] = [each for each in findings if each.level is Level.FAULT]
    assert fault.check is check
    assert fault.fix
    return fault


# The stack itself


def test_a_stack_that_is_nowhere_is_told_with_how_to_name_it_and_how_to_deploy_it(
    aws: None, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "_has", lambda *_: False)
    context = Examined(slack)
    with Stubber(context.client("cloudformation")) as stubbed:
        stubbed.add_client_error("describe_stacks", "ValidationError")
        stubbed.add_response("describe_stacks", {"Stacks": []})
        fault = the_fault(checks.run_checks(context), Check.STACK)
    assert fault.text == "no stack named human-approval in eu-west-1 or in another region of this account"
    assert "sam deploy --guided" in fault.fix


@pytest.mark.parametrize(
    ("status", "level", "command"),
    [
        ("CREATE_COMPLETE", Level.OK, ""),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Level.OK, ""),
        ("UPDATE_IN_PROGRESS", Level.WARNING, ""),
        ("UPDATE_ROLLBACK_COMPLETE", Level.FAULT, "describe-stack-events"),
        ("UPDATE_FAILED", Level.FAULT, "describe-stack-events"),
        ("UPDATE_ROLLBACK_FAILED", Level.FAULT, "continue-update-rollback"),
        ("ROLLBACK_COMPLETE", Level.FAULT, "delete-stack"),
    ],
)
def test_a_deployment_that_failed_is_told_with_what_to_do(
    context: Examined, status: StackStatusType, level: Level, command: str
) -> None:
    context.description["StackStatus"] = status
    [finding] = stack.check_presence(context)
    assert finding.level is level
    assert command in finding.fix


@pytest.mark.parametrize(
    ("deployed", "text"),
    [
        ("", "the stack (a version before"),
        ("0.0.9", "the stack (0.0.9) is older"),
        ("99.0", "older than the stack"),
    ],
)
def test_versions_that_differ_are_told(context: Examined, deployed: str, text: str) -> None:
    context.outputs = {"Version": deployed} if deployed else {}
    fault = the_fault(stack.check_version(context), Check.VERSION)
    assert text in fault.text
    assert ("git checkout v99.0" in fault.fix) == (deployed == "99.0")


def test_versions_are_compared_as_numbers() -> None:
    assert is_older("0.9.0", "0.10.0")
    assert not is_older("1.0", "1.0")


def test_a_stack_of_another_product_is_no_crash(context: Examined) -> None:
    context.outputs = {}
    [finding] = checks.run_check(context, Check.EMAIL, subscriptions.check_subscriptions)
    assert finding.level is Level.UNKNOWN
    assert "is not an approval stack" in finding.text


def test_denied_calls_are_told_and_the_exit_code_says_that_not_all_was_seen(context: Examined) -> None:
    with Stubber(context.client("sqs")) as denied:
        denied.add_client_error("get_queue_attributes", "AccessDenied", "no")
        [finding] = checks.run_check(context, Check.DEAD_LETTERS, stack.check_dead_letters)
    assert finding.level is Level.UNKNOWN
    assert "AWS denied" in finding.text
    assert exit_code([finding]) == 3


@pytest.mark.parametrize(
    ("answer", "text", "command"),
    [
        ({"Configuration": {"State": "Failed", "StateReasonCode": "InvalidSubnet"}}, "can't run: InvalidSubnet", "sam"),
        ({"Configuration": {"LastUpdateStatus": "Failed"}}, "still runs the previous code", "sam"),
        (
            {"Configuration": {"State": "Active"}, "Concurrency": {"ReservedConcurrentExecutions": 0}},
            "its reserved concurrency is 0",
            "aws lambda delete-function-concurrency --function-name f",
        ),
        ({"Configuration": {"State": "Inactive"}}, "", ""),
    ],
)
def test_a_function_that_cannot_run_is_told(context: Examined, answer: Any, text: str, command: str) -> None:
    """An idle one is Inactive until it is called."""
    context.resources = (stack_function(),)
    with Stubber(context.client("lambda")) as stubbed:
        stubbed.add_response("get_function", answer, {"FunctionName": "f"})
        stubbed.add_response("list_event_source_mappings", {"EventSourceMappings": []}, {"FunctionName": ANY})
        [finding] = stack.check_functions(context)
    assert finding.level is (Level.FAULT if text else Level.OK)
    assert text in finding.text
    assert finding.fix.startswith(command)


def stack_function() -> Any:
    return SimpleNamespace(name="NotifyFunction", id="f", type="AWS::Lambda::Function")


# Emails


FILTERS = [
    ('{"recipient": ["ann@example.com"]}', ""),
    (None, "has no filter"),
    ("{}", "has no filter"),
    ('{"recipient": ["ann@example.com", "bob@example.com"]}', "also receives the links of other approvers"),
    ('{"recipient": ["ann@example.com", {"exists": true}]}', "also receives the links of other approvers"),
    ('{"recipient": ["Ann@example.com"]}', "does not receive its own emails"),
    ('{"recipient": [{"prefix": "ann"}]}', "does not receive its own emails"),
    ('{"recipient": ["ann@example.com"], "kind": ["x"]}', "does not receive its own emails"),
]


@pytest.mark.parametrize(("policy", "text"), FILTERS)
def test_a_filter_must_let_through_its_own_address_and_nobody_elses(
    context: Examined, policy: str | None, text: str
) -> None:
    attributes = {} if policy is None else {"FilterPolicy": policy}
    context.client("sns").subscribe(
        TopicArn=context.output("ApprovalTopicArn"), Protocol="email", Endpoint="ann@example.com", Attributes=attributes
    )
    findings = [each for each in subscriptions.check_subscriptions(context) if each.check is Check.FILTERS]
    [finding] = findings
    if not text:
        assert finding.level is Level.OK
        return
    assert finding.level is Level.FAULT
    assert finding.text.startswith(f"ann@example.com {text}")
    [command] = commands(finding.fix)
    run_ours(command, context=context)
    assert (Check.FILTERS, Level.FAULT) not in found(subscriptions.check_subscriptions(context))


def test_a_filter_of_the_wrong_scope_is_fixed(context: Examined) -> None:
    """Our emails are JSON to nobody: by their body SNS delivers none."""
    sns, policy = context.client("sns"), '{"recipient": ["ann@example.com"]}'
    attributes = {"FilterPolicy": policy, "FilterPolicyScope": "MessageBody"}
    topic = context.output("ApprovalTopicArn")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com", Attributes=attributes)
    fault = the_fault(subscriptions.check_subscriptions(context), Check.FILTERS)
    assert "does not receive its own emails" in fault.text
    [command] = commands(fault.fix)
    run_ours(command, context=context)
    assert (Check.FILTERS, Level.FAULT) not in found(subscriptions.check_subscriptions(context))


def test_a_stack_whose_own_address_is_not_subscribed_is_told(context: Examined) -> None:
    for each in context.client("sns").list_subscriptions()["Subscriptions"]:
        context.client("sns").unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    fault = the_fault(subscriptions.check_subscriptions(context), Check.EMAIL)
    assert commands(fault.fix) == [f"approvals --region eu-west-1 approvers add {EMAIL}"]


def test_other_subscribers_are_told_of(context: Examined) -> None:
    """A queue or an endpoint sees everybody's links."""
    context.client("sns").subscribe(
        TopicArn=context.output("ApprovalTopicArn"), Protocol="https", Endpoint="https://example.com/hook"
    )
    [other] = [each for each in subscriptions.check_subscriptions(context) if each.level is Level.WARNING]
    assert "https://example.com/hook" in other.text


# Slack


def test_a_healthy_slack_has_no_fault(context: Examined) -> None:
    assert found(slack.check_slack(context)) == [
        (Check.TOKEN, Level.OK),
        (Check.SCOPES, Level.OK),
        (Check.CHANNEL, Level.OK),
        (Check.SIGNING, Level.OK),
    ]


def test_app_of_a_whole_organization_is_a_fault_with_what_to_do(context: Examined) -> None:
    context.workspace.org_wide = True
    fault = the_fault(slack.check_app(context, context.workspace.bot_token, CHANNEL), Check.TOKEN)
    assert "installed for a whole Enterprise Grid organization" in fault.text
    assert "install it to the channel's workspace" in fault.fix


def test_without_a_channel_slack_is_fine(make: Callable[..., Examined]) -> None:
    [finding] = slack.check_slack(make(SlackChannel=""))
    assert finding.level is Level.OK
    assert "slack connect" in finding.text


def test_a_channel_without_credentials_is_told(make: Callable[..., Examined]) -> None:
    bare = make()
    store(bare, json.dumps({"bot_token": "", "signing_secret": ""}))
    assert found(slack.check_slack(bare)) == [(Check.TOKEN, Level.FAULT), (Check.SIGNING, Level.FAULT)]
    assert bare.web.sent == [], "an empty secret signs nothing"


def test_a_secret_of_another_form_is_told(context: Examined) -> None:
    store(context, "xoxb-plain-text")
    the_fault(slack.check_slack(context), Check.TOKEN)


def test_a_persons_token_is_told(context: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slack, "_auth_test", lambda *_: {"user": "alice", "team": "local"})
    assert "is a user token" in the_fault(slack.check_slack(context), Check.TOKEN).text


def test_an_archived_channel_is_told(context: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    archived = {"channel": {"name": "old", "is_archived": True, "is_member": True}}
    monkeypatch.setattr(Slack, "_conversation", lambda *_: archived)
    assert the_fault(slack.check_slack(context), Check.CHANNEL).text == "#old is archived"


def test_when_slack_is_down_nothing_is_claimed(context: Examined) -> None:
    context.workspace.fail_with = 500
    token, signing = slack.check_slack(context)
    assert (token.level, signing.level) == (Level.UNKNOWN, Level.OK)


@pytest.mark.parametrize("outage", ["slack", "sns", "dynamodb"])
def test_an_outage_is_a_readable_finding_with_the_address_and_the_next_step(
    context: Examined, monkeypatch: pytest.MonkeyPatch, outage: str
) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://aws.example")

    if outage == "slack":
        monkeypatch.setattr(DirectWebClient, "api_call", lambda *_, **__: raise_(URLError("timed out")))
        run, address = slack.check_slack, "https://slack.com/api/"
    else:
        context.outputs = {**context.outputs, "ApprovalTableName": "approvals"}
        context.client(outage).meta.events.register(f"before-call.{outage}.*", fail)  # type: ignore[call-overload]
        check_approvers = partial(approvers.check_approvers, named=["alice@example.com"])
        run = subscriptions.check_subscriptions if outage == "sns" else check_approvers
        address = "https://aws.example"
    [finding] = [each for each in checks.run_check(context, Check.APPROVERS, run) if each.level is Level.UNKNOWN]
    assert address in finding.text
    assert "Error" not in finding.text
    assert commands(finding.fix) == ["approvals --region eu-west-1 doctor"]


def raise_(error: Exception) -> None:
    raise error


def test_without_the_scope_to_look_nothing_is_claimed_of_the_channel(context: Examined) -> None:
    context.workspace.scopes -= {"channels:read"}
    assert found(slack.check_slack(context))[1:3] == [(Check.SCOPES, Level.FAULT), (Check.CHANNEL, Level.UNKNOWN)]


@pytest.mark.parametrize(
    ("status", "text"), [(401, "refuses a request signed with the stored secret"), (502, "responds with HTTP 502")]
)
def test_a_stack_that_does_not_take_what_the_stored_secret_signed_is_told(
    context: Examined, status: int, text: str
) -> None:
    context.web.status = status
    assert text in the_fault(slack.check_slack(context), Check.SIGNING).text


def test_a_stack_that_cannot_be_reached_is_told(context: Examined) -> None:
    context.web.broken = True
    *_, signing = slack.check_slack(context)
    assert signing.level is Level.UNKNOWN
    assert the_fault(links.check_links(context), Check.LINKS).text.startswith("can't reach ")


def test_a_secret_that_looks_like_none_is_a_warning(context: Examined) -> None:
    store(context, json.dumps({"bot_token": context.workspace.bot_token, "signing_secret": "verificationToken24chars"}))
    *_, signing = slack.check_slack(context)
    assert signing.level is Level.WARNING


def log(context: Examined, *lines: tuple[float, str, bool | None]) -> None:
    """Write lines: how many minutes ago, the message, whether it was signed."""
    group = context.resource("BotLogs")
    assert group is not None
    context.client("logs").create_log_stream(logGroupName=group.id, logStreamName="s")
    events: list[InputLogEventTypeDef] = [
        {
            "timestamp": int((context.now - timedelta(minutes=ago)).timestamp() * 1000),
            "message": json.dumps({"message": message, **({} if signed is None else {"signed": signed})}),
        }
        for ago, message, signed in lines
    ]
    context.client("logs").put_log_events(logGroupName=group.id, logStreamName="s", logEvents=events)


LOGS: list[tuple[list[tuple[float, str, bool | None]], int]] = [
    ([(5, REFUSED, True)], 1),
    ([(7, REFUSED, True), (5, REFUSED, True)], 2),
    ([(5, REFUSED, False)], 0),
    ([(7, REFUSED, True), (5, "response in slack", None)], 0),
    ([(7, "response in slack", None), (5, REFUSED, True)], 1),
    ([(60 * 26, REFUSED, True)], 0),
]


@pytest.mark.parametrize(("lines", "refused"), LOGS)
def test_signed_requests_that_were_refused_since_the_last_answer_tell_that_the_secret_is_wrong(
    context: Examined,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[tuple[float, str, bool | None]],
    refused: int,
) -> None:
    """What is not signed comes from anybody and says nothing, and so does what is a day old."""
    monkeypatch.setattr(slack, "GRACE", -timedelta(days=2))  # as if the secret had been stored then
    log(context, *lines)
    *_, signing = slack.check_slack(context)
    assert signing.level is (Level.FAULT if refused else Level.OK)
    assert not refused or signing.text.startswith(f"refused {refused} signed request")


def test_event_from_slack_shows_that_the_events_address_is_verified(context: Examined) -> None:
    [finding] = slack.check_events(context)
    assert (finding.check, finding.level) == (Check.EVENTS, Level.WARNING)
    assert "Event Subscriptions > Request URL > Retry" in finding.fix
    log(context, (60 * 24, EVENT_TAKEN, None))
    assert found(slack.check_events(context)) == [(Check.EVENTS, Level.OK)]


def test_event_of_weeks_ago_shows_nothing(context: Examined) -> None:
    log(context, (60 * 24 * 8, EVENT_TAKEN, None))
    assert found(slack.check_events(context)) == [(Check.EVENTS, Level.WARNING)]


def test_without_slack_no_events_are_looked_for(make: Callable[..., Examined]) -> None:
    assert found(slack.check_events(make(SlackChannel=""))) == []


def test_signing_secret_is_proved_by_a_request_that_needs_a_signature(context: Examined) -> None:
    """A check of the certificate gets 200 without one, and would prove nothing."""
    list(slack.check_slack(context))
    [body] = context.web.bodies
    assert json.loads(body)["type"] == "url_verification"
    assert not is_certificate_check({"httpMethod": "POST", "body": body})


def test_refusals_before_the_secret_was_stored_say_nothing_of_it(context: Examined) -> None:
    """Nor what was refused in the minute after: warm functions go by the old one."""
    log(context, (0.1, REFUSED, True))
    *_, signing = slack.check_slack(context)
    assert signing.level is Level.OK


# Approvers and links


def test_when_slack_cannot_be_asked_no_approver_is_called_unknown(
    context: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.workspace.fail_with = 500
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    [finding] = approvers.check_approvers(context, ["alice@example.com"])
    assert finding.level is Level.UNKNOWN


def test_open_requests_that_cannot_be_read_are_a_fault_that_names_them(
    context: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    context.unreadable.append(UnreadableError("a" * 32, "KeyError"))
    found = next(iter(approvers.check_approvers(context, [])))
    assert found.level is Level.FAULT
    assert "a" * 32 in found.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("U0NOBODY99", "Slack user U0NOBODY99 does not exist."),
        ("S0NOBODY99", "Slack user group S0NOBODY99 does not exist or has no active members."),
        ("U0GUEST004", "Slack user U0GUEST004 is in another workspace."),
        ("nobody@example.com", "nobody@example.com has not confirmed its email subscription"),
        ("alice@example.com", ""),
        ("S0RELEASE1", ""),
        (EMAIL, ""),
    ],
)
def test_an_approver_is_looked_up_as_the_stack_does(
    context: Examined, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    [finding] = approvers.check_approvers(context, [name])
    assert finding.level is (Level.FAULT if text else Level.OK), finding
    assert text in finding.text


# The stack's working hours


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("", ""),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", ""),
        ("Mon-Fri 22:00-06:00 UTC", ""),
        ("Mon-Fri 09:00-17:00 Europe/Berln", '"Europe/Berln" is not an IANA time zone, so reminders come at any time'),
        ("Mon-Fri 09:00-09:00 UTC", '"Mon-Fri 09:00-09:00 UTC" ends when it begins, so reminders come at any time'),
    ],
)
def test_working_hours_that_delay_nothing_are_a_warning(make: Callable[..., Examined], hours: str, said: str) -> None:
    context = make(RemindDuring=hours)
    *warnings, rules = stack.check_scheduler(context)
    assert rules.level is Level.OK
    assert [each.text for each in warnings] == ([f"RemindDuring: {said}"] if said else [])
    assert all(each.level is Level.WARNING and "sam deploy" in each.fix for each in warnings)


# The policy

PARAMETER = "/approvals/policy"


def under_policy(make: Callable[..., Examined], text: str | None) -> list[Finding]:
    """Return what the doctor finds of a stack whose policy has this text."""
    context = make(PolicyParameter=PARAMETER)
    if text is not None:
        SESSION.client("ssm").put_parameter(Name=PARAMETER, Value=text, Type="String")
    return list(policy.check_policy(context))


def test_stack_without_a_policy_is_all_right(context: Examined) -> None:
    [finding] = policy.check_policy(context)
    assert (finding.level, finding.text) == (Level.OK, "the stack has no policy; each request names its own rules")


@pytest.mark.parametrize(
    ("text", "said", "fix"),
    [
        (None, f"{PARAMETER} does not exist, so every request fails", "policy set FILE"),
        ("{", f"{PARAMETER} is not valid, so every request fails: Policy: not JSON", "--if-version 1"),
        (json.dumps({"Format": 1}), "is not valid, so every request fails: Policy.Approvers:", "--if-version 1"),
    ],
)
def test_policy_under_which_every_request_fails_is_a_fault(
    make: Callable[..., Examined], text: str | None, said: str, fix: str
) -> None:
    fault = the_fault(iter(under_policy(make, text)), Check.POLICY)
    assert said in fault.text
    assert fix in fault.fix


_GROUPS = {"security": {"Approvers": ["S0RELEASE1"]}, "ops": {"Approvers": [EMAIL, "alice@example.com"]}}


def test_policy_that_people_can_meet_is_all_right(make: Callable[..., Examined]) -> None:
    document = a_document(
        Approvers=["@example.com", "S0RELEASE1"],
        Groups=_GROUPS,
        Rules=[{"Name": "prod", "RequiredGroups": {"security": 2, "ops": 1}}],
    )
    [finding] = under_policy(make, json.dumps(document))
    assert (finding.level, finding.text) == (
        Level.OK,
        f"version 1 of {PARAMETER} is valid: 2 rules, 2 groups",
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"Approvers": ["@example.com", "S0NOBODY99"]},
            "Approvers[1]: Slack user group S0NOBODY99 does not exist or has no active members.",
        ),
        (
            {"Groups": {"security": {"Approvers": ["S0NOBODY99"]}}},
            'Groups: group "security": Slack user group S0NOBODY99 does not exist or has no active members.',
        ),
        (
            {"RequiredGroups": {"security": 3}, "Groups": _GROUPS},
            'rule "policy": "security" needs 3 approvals, but only 2 members can respond.',
        ),
        (
            {"Groups": _GROUPS, "Rules": [{"Name": "prod", "RequiredGroups": {"ops": 1}, "Approvers": ["U0CY000003"]}]},
            'rule "prod": none of these people may approve here. The policy allows @example.com, and of these ',
        ),
        (
            {"Groups": {"ops": {"Approvers": ["nobody@example.com"]}}},
            'Groups: group "ops": nobody@example.com has not confirmed its email subscription.',
        ),
    ],
    ids=["nobody in the list", "nobody in a group", "too few members", "members outside the list", "not reached"],
)
def test_policy_that_nobody_can_meet_is_a_fault(make: Callable[..., Examined], keys: dict[str, Any], said: str) -> None:
    fault = the_fault(iter(under_policy(make, json.dumps(a_document(**{"Groups": {}, **keys})))), Check.POLICY)
    assert said in fault.text
    assert "policy set policy.json --if-version 1" in fault.fix


def test_policy_whose_people_cannot_be_looked_up_is_unknown(make: Callable[..., Examined]) -> None:
    context = make(PolicyParameter=PARAMETER)
    document = json.dumps(a_document(Groups=_GROUPS))
    SESSION.client("ssm").put_parameter(Name=PARAMETER, Value=document, Type="String")
    context.workspace.fail_with = 500
    [finding] = policy.check_policy(context)
    assert finding.level is Level.UNKNOWN


# IAM roles

PATH = "/aws-reserved/sso.amazonaws.com/"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


def an_iam_role(name: str, path: str = PATH) -> str:
    return str(
        SESSION.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    )


def overridable_by(role: str, **keys: Any) -> str:
    return json.dumps(a_document(Groups={}, PersonRoles=[{"Role": role}], Override={"Roles": [role]}, **keys))


@pytest.mark.parametrize("with_path", [True, False])
def test_a_policy_whose_roles_exist_is_all_right(make: Callable[..., Examined], with_path: bool) -> None:
    role = an_iam_role(BREAK_GLASS)
    assert levels(under_policy(make, overridable_by(role if with_path else BREAK_GLASS_ROLE))) == [Level.OK]


def test_an_override_role_that_identity_center_replaced_is_a_fault_that_names_the_new_one(
    make: Callable[..., Examined],
) -> None:
    newer = an_iam_role("AWSReservedSSO_BreakGlass_0000000000000000")
    an_iam_role("AWSReservedSSO_BreakGlassTest_0000000000000000")
    fault = the_fault(iter(under_policy(make, overridable_by(BREAK_GLASS_ROLE))), Check.POLICY)
    assert fault.text == (f"Override: role {BREAK_GLASS} does not exist. IAM Identity Center replaced it by {newer}.")
    assert "policy set policy.json --if-version 1" in fault.fix


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"Approvers": ["@example.com", SSO_ROLE]}, "Approvers"),
        ({"Groups": {"ops": {"Approvers": [EMAIL, SSO_ROLE]}}}, 'group "ops"'),
    ],
)
def test_a_role_that_is_gone_is_named_where_the_policy_has_it(
    make: Callable[..., Examined], keys: dict[str, Any], where: str
) -> None:
    document = a_document(**{"Groups": {}, **keys})
    role = an_iam_role("Deputy", "/")
    document["PersonRoles"] = [{"Role": role}]
    texts = [each.text for each in under_policy(make, json.dumps(document)) if each.level is Level.FAULT]
    assert f"{where}: role {SSO} does not exist." in texts


def test_a_role_that_imitates_identity_center_is_a_fault(make: Callable[..., Examined]) -> None:
    an_iam_role(BREAK_GLASS, "/")
    fault = the_fault(iter(under_policy(make, overridable_by(BREAK_GLASS_ROLE))), Check.POLICY)
    assert f"role {BREAK_GLASS} was not made by IAM Identity Center" in fault.text


def denied(context: Examined, operation: str) -> None:
    """Let AWS deny a call of IAM."""
    iam = context.client("iam")

    def answer(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        http_response.status_code = 403
        parsed["Error"] = {"Code": "AccessDenied", "Message": "not authorized"}

    iam.meta.events.register(f"after-call.iam.{operation}", answer)


@pytest.mark.parametrize("check", ["policy", "approvers"])
def test_who_may_not_look_up_roles_gets_a_warning(
    make: Callable[..., Examined], monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    context = make(PolicyParameter=PARAMETER)
    SESSION.client("ssm").put_parameter(Name=PARAMETER, Value=overridable_by(BREAK_GLASS_ROLE), Type="String")
    denied(context, "GetRole")
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    found = list(
        policy.check_policy(context) if check == "policy" else approvers.check_approvers(context, [BREAK_GLASS_ROLE])
    )
    assert levels(found) == [Level.WARNING, Level.OK]
    assert "AWS denied iam:GetRole" in found[0].text


def test_who_may_not_list_roles_still_learns_that_one_is_gone(make: Callable[..., Examined]) -> None:
    context = make(PolicyParameter=PARAMETER)
    SESSION.client("ssm").put_parameter(Name=PARAMETER, Value=overridable_by(BREAK_GLASS_ROLE), Type="String")
    denied(context, "ListRoles")
    fault = the_fault(policy.check_policy(context), Check.POLICY)
    assert "does not exist. AWS denied iam:ListRoles" in fault.text


@pytest.mark.parametrize(
    ("role", "path", "said"),
    [
        (SSO, PATH, ""),
        (SSO, "/", "was not made by IAM Identity Center"),
        (SSO, None, f"role {SSO} does not exist."),
        ("Deployer", "/", "Sessions of role Deployer don't identify a person."),
    ],
)
def test_an_approver_role_is_judged_without_a_policy_too(
    context: Examined, monkeypatch: pytest.MonkeyPatch, role: str, path: str | None, said: str
) -> None:
    if path:
        an_iam_role(role, path)
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    [finding] = approvers.check_approvers(context, [f"arn:aws:iam::{ACCOUNT}:role/{role}"])
    assert finding.level is (Level.FAULT if said else Level.OK), finding
    assert said in finding.text


def test_an_approver_role_is_judged_by_the_policys_person_roles(
    make: Callable[..., Examined], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, role = make(PolicyParameter=PARAMETER), an_iam_role("Deputy", "/")
    document = json.dumps(a_document(Groups={}, PersonRoles=[{"Role": role}]))
    SESSION.client("ssm").put_parameter(Name=PARAMETER, Value=document, Type="String")
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    an_iam_role(SSO)
    fine, wrong = (list(approvers.check_approvers(context, [each])) for each in (role, SSO_ROLE))
    assert levels(fine) == [Level.OK]
    assert "PersonRoles" in wrong[0].text


def levels(found: list[Finding]) -> list[Level]:
    return [each.level for each in found]


@pytest.mark.parametrize(
    ("status", "headers", "level"),
    [
        (400, {"X-Robots-Tag": "noindex"}, Level.OK),
        (403, {}, Level.FAULT),
        (400, {}, Level.FAULT),
        (200, {}, Level.FAULT),
    ],
)
def test_links_must_lead_to_our_page(
    make: Callable[..., Examined], status: int, headers: dict[str, str], level: Level
) -> None:
    context = make(PublicUrl="https://approvals.example.com")
    context.web = Http(status, headers)
    [finding] = links.check_links(context)
    assert finding.level is level
    assert context.web.sent == [("HEAD", "https://approvals.example.com/execution")]


def test_a_missing_output_is_a_failure_that_says_so(context: Examined) -> None:
    with pytest.raises(CommandError, match="is not an approval stack"):
        context.output("Nothing")


# slack connect


@pytest.mark.parametrize(
    ("message", "done"),
    [
        ("No updates are to be performed.", True),
        ("Stack is in UPDATE_ROLLBACK_FAILED state and can not be updated.", False),
    ],
)
def test_a_stack_that_cannot_be_updated_is_no_success(context: Examined, message: str, *, done: bool) -> None:
    """Its parameters would still hold the old token, and a later deployment would write it back."""
    connection = Connection(context.slack_channel, "xoxb-tests-0123456789", "8f742231b10e8888abcd99yyyzzz85a5")
    with Stubber(context.client("cloudformation")) as stubbed:
        stubbed.add_client_error("update_stack", "ValidationError", message)
        if done:
            update_stack(context, connection)
        else:
            with pytest.raises(CommandError, match="The secret is stored, but the stack was not updated"):
                update_stack(context, connection)
