"""The doctor's checks one by one, for what can't be planted in a deployed stack: AWS by moto, Slack by the stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from urllib3.exceptions import NewConnectionError

from approvals.store.reading import UnreadableError
from bot.request_verification import REFUSED
from cli.connecting import Connection, update
from cli.context import Context, Failure
from cli.doctor import examination, links, mail, people, slack, stack
from cli.doctor.finding import Check, Finding, Verdict, exit_code
from cli.doctor.patient import Patient, Resource
from cli.version import is_older
from demo.slack import Slack
from tests.builders import NOW
from tests.commands import commands, run_aws
from tests.functional.conftest import CHANNEL, DirectWebClient
from tests.unit.test_template import PARAMETERS

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

    def request(self, method: str, url: str, **_more: Any) -> SimpleNamespace:
        self.sent.append((method, url))
        if self.broken:
            raise NewConnectionError(SimpleNamespace(host="h", port=1), "refused")  # type: ignore[arg-type]
        return SimpleNamespace(status=self.status, headers=self.headers)


class ScopedWebClient(DirectWebClient):
    """Answers with the header that names the app's scopes, too."""

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        answer = super().api_call(api_method, **arguments)
        answer.headers = {"x-oauth-scopes": ", ".join({"chat:write", *self._slack.scopes})}
        return answer


class Examined(Patient):
    """A patient in one process."""

    def __init__(self, workspace: Slack) -> None:
        self.workspace = workspace
        self.web = Http()
        super().__init__(Context(region="eu-west-1", clock=lambda: self.now))
        self.context.session = SESSION

    now = datetime.now().astimezone()
    http: Any = property(lambda self: self.web)

    def slack(self, token: str) -> WebClient:
        client = ScopedWebClient(self.workspace)
        client.token = token
        return client


@pytest.fixture
def make(aws: None, slack: Slack) -> Callable[..., Examined]:
    """Makes a stack with these parameters and returns it as the doctor sees it."""

    def made(**parameters: str) -> Examined:
        sns, logs, patient = SESSION.client("sns"), SESSION.client("logs"), Examined(slack)
        topic = sns.create_topic(Name="mails")["TopicArn"]
        own = {"FilterPolicy": json.dumps({"recipient": [EMAIL]})}
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=EMAIL, Attributes=own)
        value = json.dumps({"bot_token": slack.bot_token, "signing_secret": slack.signing_secret})
        logs.create_log_group(logGroupName="bot-logs")
        patient.context.described = {
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
        patient.resources = (
            Resource("BotLogs", "bot-logs", "AWS::Logs::LogGroup"),
            Resource(
                "DeadLetterQueue", SESSION.client("sqs").create_queue(QueueName="dead")["QueueUrl"], "AWS::SQS::Queue"
            ),
        )
        return patient

    return made


def store(patient: Examined, text: str) -> None:
    patient.secrets.put_secret_value(SecretId=patient.output("SlackSecretArn"), SecretString=text)


@pytest.fixture
def patient(make: Callable[..., Examined]) -> Examined:
    return make()


def found(findings: Iterator[Finding]) -> list[tuple[str, Verdict]]:
    return [(each.check, each.verdict) for each in findings]


def the_fault(findings: Iterator[Finding], check: Check) -> Finding:
    [fault] = [each for each in findings if each.verdict is Verdict.FAULT]
    assert fault.check is check
    assert fault.mend
    return fault


# The stack itself


def test_a_stack_that_is_nowhere_is_told_with_how_to_name_it_and_how_to_deploy_it(
    aws: None, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "_has", lambda *_: False)
    patient = Examined(slack)
    with Stubber(patient.cloudformation) as stubbed:
        stubbed.add_client_error("describe_stacks", "ValidationError")
        stubbed.add_response("describe_stacks", {"Stacks": []})
        fault = the_fault(examination.examine(patient), Check.STACK)
    assert fault.text == "there is no stack human-approval in eu-west-1, nor in another region of this account"
    assert "sam deploy --guided" in fault.mend


@pytest.mark.parametrize(
    ("status", "verdict", "command"),
    [
        ("CREATE_COMPLETE", Verdict.OK, ""),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Verdict.OK, ""),
        ("UPDATE_IN_PROGRESS", Verdict.WARNING, ""),
        ("UPDATE_ROLLBACK_COMPLETE", Verdict.FAULT, "describe-stack-events"),
        ("UPDATE_FAILED", Verdict.FAULT, "describe-stack-events"),
        ("UPDATE_ROLLBACK_FAILED", Verdict.FAULT, "continue-update-rollback"),
        ("ROLLBACK_COMPLETE", Verdict.FAULT, "delete-stack"),
    ],
)
def test_a_deployment_that_failed_is_told_with_what_to_do(
    patient: Examined, status: str, verdict: Verdict, command: str
) -> None:
    patient.description["StackStatus"] = status  # type: ignore[typeddict-item]  # of many
    [finding] = stack.presence(patient)
    assert finding.verdict is verdict
    assert command in finding.mend


@pytest.mark.parametrize(
    ("deployed", "text"),
    [
        ("", "the stack is of a version before"),
        ("0.0.9", "the stack is 0.0.9, older"),
        ("99.0", "older than the stack"),
    ],
)
def test_versions_that_differ_are_told(patient: Examined, deployed: str, text: str) -> None:
    patient.context.outputs = {"Version": deployed} if deployed else {}
    fault = the_fault(stack.version(patient), Check.VERSION)
    assert text in fault.text
    assert ("git checkout v99.0" in fault.mend) == (deployed == "99.0")


def test_versions_are_compared_as_numbers() -> None:
    assert is_older("0.9.0", "0.10.0")
    assert not is_older("1.0", "1.0")


def test_a_stack_of_another_product_is_no_crash(patient: Examined) -> None:
    patient.context.outputs = {}
    [finding] = examination.guarded(patient, Check.EMAIL, mail.subscriptions)
    assert finding.verdict is Verdict.UNKNOWN
    assert "is it another product's?" in finding.text


def test_what_aws_denies_is_told_and_the_exit_code_says_that_not_all_was_seen(patient: Examined) -> None:
    with Stubber(patient.sqs) as denied:
        denied.add_client_error("get_queue_attributes", "AccessDenied", "no")
        [finding] = examination.guarded(patient, Check.DEAD_LETTERS, stack.dead_letters)
    assert finding.verdict is Verdict.UNKNOWN
    assert "AWS denied" in finding.text
    assert exit_code([finding]) == 3


@pytest.mark.parametrize(
    ("answer", "text", "command"),
    [
        ({"Configuration": {"State": "Failed", "StateReasonCode": "InvalidSubnet"}}, "can't run: InvalidSubnet", "sam"),
        ({"Configuration": {"LastUpdateStatus": "Failed"}}, "still has the code before its last update", "sam"),
        (
            {"Configuration": {"State": "Active"}, "Concurrency": {"ReservedConcurrentExecutions": 0}},
            "is held back",
            "aws lambda delete-function-concurrency --function-name f",
        ),
        ({"Configuration": {"State": "Inactive"}}, "", ""),
    ],
)
def test_a_function_that_can_not_run_is_told(patient: Examined, answer: Any, text: str, command: str) -> None:
    """An idle one is Inactive until it is called."""
    patient.resources = (stack_function(),)
    with Stubber(patient.functions) as stubbed:
        stubbed.add_response("get_function", answer, {"FunctionName": "f"})
        stubbed.add_response("list_event_source_mappings", {"EventSourceMappings": []}, {"FunctionName": ANY})
        [finding] = stack.functions(patient)
    assert finding.verdict is (Verdict.FAULT if text else Verdict.OK)
    assert text in finding.text
    assert finding.mend.startswith(command)


def stack_function() -> Any:
    return SimpleNamespace(name="NotifyFunction", id="f", type="AWS::Lambda::Function")


# Mails


FILTERS = [
    ('{"recipient": ["ann@example.com"]}', ""),
    (None, "gets everybody's mails"),
    ("{}", "gets everybody's mails"),
    ('{"recipient": ["ann@example.com", "bob@example.com"]}', "gets others' mails, too"),
    ('{"recipient": ["ann@example.com", {"exists": true}]}', "gets others' mails, too"),
    ('{"recipient": ["Ann@example.com"]}', "does not get its own mails"),
    ('{"recipient": [{"prefix": "ann"}]}', "does not get its own mails"),
    ('{"recipient": ["ann@example.com"], "kind": ["x"]}', "does not get its own mails"),
]


@pytest.mark.parametrize(("policy", "text"), FILTERS)
def test_a_filter_must_let_through_its_own_address_and_nobody_elses(
    patient: Examined, policy: str | None, text: str
) -> None:
    attributes = {} if policy is None else {"FilterPolicy": policy}
    patient.context.sns.subscribe(
        TopicArn=patient.output("ApprovalTopicArn"), Protocol="email", Endpoint="ann@example.com", Attributes=attributes
    )
    findings = [each for each in mail.subscriptions(patient) if each.check is Check.FILTERS]
    [finding] = findings
    if not text:
        assert finding.verdict is Verdict.OK
        return
    assert finding.verdict is Verdict.FAULT
    assert finding.text.startswith(f"ann@example.com {text}")
    [command] = commands(finding.mend)
    run_aws(command)
    assert (Check.FILTERS, Verdict.FAULT) not in found(mail.subscriptions(patient))


def test_a_filter_of_the_wrong_scope_is_mended(patient: Examined) -> None:
    """Our emails are JSON to nobody: by their body SNS delivers none."""
    sns, policy = patient.context.sns, '{"recipient": ["ann@example.com"]}'
    attributes = {"FilterPolicy": policy, "FilterPolicyScope": "MessageBody"}
    topic = patient.output("ApprovalTopicArn")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com", Attributes=attributes)
    fault = the_fault(mail.subscriptions(patient), Check.FILTERS)
    assert "does not get its own mails" in fault.text
    for command in commands(fault.mend):
        run_aws(command)
    assert (Check.FILTERS, Verdict.FAULT) not in found(mail.subscriptions(patient))


def test_a_stack_whose_own_address_is_not_subscribed_is_told(patient: Examined) -> None:
    for each in patient.context.sns.list_subscriptions()["Subscriptions"]:
        patient.context.sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    fault = the_fault(mail.subscriptions(patient), Check.EMAIL)
    assert commands(fault.mend) == [f"approvals --region eu-west-1 approvers add {EMAIL}"]


def test_other_subscribers_are_told_of(patient: Examined) -> None:
    """A queue or an endpoint sees everybody's links."""
    patient.context.sns.subscribe(
        TopicArn=patient.output("ApprovalTopicArn"), Protocol="https", Endpoint="https://example.com/hook"
    )
    [other] = [each for each in mail.subscriptions(patient) if each.verdict is Verdict.WARNING]
    assert "https://example.com/hook" in other.text


# Slack


def test_a_healthy_slack_has_no_fault(patient: Examined) -> None:
    assert found(slack.slack(patient)) == [
        (Check.TOKEN, Verdict.OK),
        (Check.SCOPES, Verdict.OK),
        (Check.CHANNEL, Verdict.OK),
        (Check.SIGNING, Verdict.OK),
    ]


def test_without_a_channel_slack_is_fine(make: Callable[..., Examined]) -> None:
    [finding] = slack.slack(make(SlackChannel=""))
    assert finding.verdict is Verdict.OK
    assert "slack connect" in finding.text


def test_a_channel_without_credentials_is_told(make: Callable[..., Examined]) -> None:
    bare = make()
    store(bare, json.dumps({"bot_token": "", "signing_secret": ""}))
    assert found(slack.slack(bare)) == [(Check.TOKEN, Verdict.FAULT), (Check.SIGNING, Verdict.FAULT)]
    assert bare.web.sent == [], "an empty secret signs nothing"


def test_a_secret_of_another_form_is_told(patient: Examined) -> None:
    store(patient, "xoxb-plain-text")
    the_fault(slack.slack(patient), Check.TOKEN)


def test_a_persons_token_is_told(patient: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slack, "_auth_test", lambda *_: {"user": "alice", "team": "local"})
    assert "is a person's" in the_fault(slack.slack(patient), Check.TOKEN).text


def test_an_archived_channel_is_told(patient: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    archived = {"channel": {"name": "old", "is_archived": True, "is_member": True}}
    monkeypatch.setattr(Slack, "_conversation", lambda *_: archived)
    assert the_fault(slack.slack(patient), Check.CHANNEL).text == "#old is archived"


def test_when_slack_is_down_nothing_is_claimed(patient: Examined) -> None:
    patient.workspace.fail_with = 500
    token, signing = slack.slack(patient)
    assert (token.verdict, signing.verdict) == (Verdict.UNKNOWN, Verdict.OK)


def test_without_the_scope_to_look_nothing_is_claimed_of_the_channel(patient: Examined) -> None:
    patient.workspace.scopes -= {"channels:read"}
    assert found(slack.slack(patient))[1:3] == [(Check.SCOPES, Verdict.FAULT), (Check.CHANNEL, Verdict.UNKNOWN)]


@pytest.mark.parametrize(
    ("status", "text"), [(401, "refuses what is signed with the stored one"), (502, "answers 502")]
)
def test_a_stack_that_does_not_take_what_the_stored_secret_signed_is_told(
    patient: Examined, status: int, text: str
) -> None:
    patient.web.status = status
    assert text in the_fault(slack.slack(patient), Check.SIGNING).text


def test_a_stack_that_can_not_be_reached_is_told(patient: Examined) -> None:
    patient.web.broken = True
    *_, signing = slack.slack(patient)
    assert signing.verdict is Verdict.UNKNOWN
    assert the_fault(links.links(patient), Check.LINKS).text.endswith("NewConnectionError")


def test_a_secret_that_looks_like_none_is_a_warning(patient: Examined) -> None:
    store(patient, json.dumps({"bot_token": patient.workspace.bot_token, "signing_secret": "verificationToken24chars"}))
    *_, signing = slack.slack(patient)
    assert signing.verdict is Verdict.WARNING


def log(patient: Examined, *lines: tuple[float, str, bool | None]) -> None:
    """Writes lines: how many minutes ago, the message, whether it was signed."""
    group = patient.resource("BotLogs")
    assert group is not None
    patient.logs.create_log_stream(logGroupName=group.id, logStreamName="s")
    events = [
        {
            "timestamp": int((patient.now - timedelta(minutes=ago)).timestamp() * 1000),
            "message": json.dumps({"message": message, **({} if signed is None else {"signed": signed})}),
        }
        for ago, message, signed in lines
    ]
    patient.logs.put_log_events(logGroupName=group.id, logStreamName="s", logEvents=events)  # type: ignore[arg-type]  # as dicts


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
    patient: Examined,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[tuple[float, str, bool | None]],
    refused: int,
) -> None:
    """What is not signed comes from anybody and says nothing, and so does what is a day old."""
    monkeypatch.setattr(slack, "GRACE", -timedelta(days=2))  # as if the secret had been stored then
    log(patient, *lines)
    *_, signing = slack.slack(patient)
    assert signing.verdict is (Verdict.FAULT if refused else Verdict.OK)
    assert not refused or signing.text.startswith(f"{refused} request")


def test_what_was_refused_before_the_secret_was_stored_says_nothing_of_it(patient: Examined) -> None:
    """Nor what was refused in the minute after: warm functions go by the old one."""
    log(patient, (0.1, REFUSED, True))
    *_, signing = slack.slack(patient)
    assert signing.verdict is Verdict.OK


# Approvers and links


def test_when_slack_can_not_be_asked_no_approver_is_called_unknown(
    patient: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.workspace.fail_with = 500
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    [finding] = people.approvers(patient, ["alice@example.com"])
    assert finding.verdict is Verdict.UNKNOWN


def test_open_requests_that_can_not_be_read_are_a_fault_that_names_them(
    patient: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    patient.context.unreadable.append(UnreadableError("a" * 32, "KeyError"))
    found = next(iter(people.approvers(patient, [])))
    assert found.verdict is Verdict.FAULT
    assert "a" * 32 in found.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("U0NOBODY99", "Slack knows no user U0NOBODY99"),
        ("S0NOBODY99", "Slack knows no user group S0NOBODY99 that has members"),
        ("U0GUEST004", "the Slack user U0GUEST004 belongs to another workspace"),
        ("nobody@example.com", "nobody@example.com has no confirmed subscription"),
        ("alice@example.com", ""),
        ("S0RELEASE1", ""),
        (EMAIL, ""),
    ],
)
def test_an_approver_is_looked_up_as_the_stack_does(
    patient: Examined, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setattr(Context, "listing", SimpleNamespace(pending=list))
    [finding] = people.approvers(patient, [name])
    assert finding.verdict is (Verdict.FAULT if text else Verdict.OK), finding
    assert text in finding.text


@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [
        (400, {"X-Robots-Tag": "noindex"}, Verdict.OK),
        (403, {}, Verdict.FAULT),
        (400, {}, Verdict.FAULT),
        (200, {}, Verdict.FAULT),
    ],
)
def test_links_must_lead_to_our_page(
    make: Callable[..., Examined], status: int, headers: dict[str, str], verdict: Verdict
) -> None:
    patient = make(PublicUrl="https://approvals.example.com")
    patient.web = Http(status, headers)
    [finding] = links.links(patient)
    assert finding.verdict is verdict
    assert patient.web.sent == [("HEAD", "https://approvals.example.com/execution")]


def test_a_missing_output_is_a_failure_that_says_so(patient: Examined) -> None:
    with pytest.raises(Failure, match="another product's"):
        patient.output("Nothing")


# slack connect


@pytest.mark.parametrize(
    ("message", "done"),
    [
        ("No updates are to be performed.", True),
        ("Stack is in UPDATE_ROLLBACK_FAILED state and can not be updated.", False),
    ],
)
def test_a_stack_that_can_not_be_updated_is_no_success(patient: Examined, message: str, *, done: bool) -> None:
    """Its parameters would still hold the old token, and a later deployment would write it back."""
    connection = Connection(patient.slack_channel, "xoxb-tests-0123456789", "8f742231b10e8888abcd99yyyzzz85a5")
    with Stubber(patient.cloudformation) as stubbed:
        stubbed.add_client_error("update_stack", "ValidationError", message)
        if done:
            update(patient, connection)
        else:
            with pytest.raises(Failure, match="The secret is stored, but the stack was not updated"):
                update(patient, connection)
