"""`approvals approve`, `reject` and `withdraw`: what they show, ask, sign and say."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from aws_lambda_powertools import Logger
from click.testing import Result
from urllib3.exceptions import NewConnectionError

from approvals.domain.model import Action, Approval, Status
from approvals.domain.people import Approver, People, Person
from approvals.services.respond import respond
from cli.context import Context
from iam.handler import ResponseHandler
from tests.support.builders import a_response
from tests.support.delegates import a_delegation
from tests.support.fakes import FakeContext
from tests.support.iam_callers import ACCOUNT, a_caller, a_signed_call
from tests.support.overrides import BREAK_GLASS, OVERRIDABLE, REASON
from tests.support.policies import a_policy
from tests.support.shell import Shell, Throttled
from tests.support.tables import as_the_bot_has_it

ALICE, BO, RO = "alice@example.com", "bo@example.com", "ro@example.com"
URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/states/answers"
NAMED = People(
    approvers=tuple(Person(id=each, name=each, identities={"email": each}) for each in (ALICE, BO)),
)
FORM = [
    {"Name": "Version", "Label": "Which version?", "Type": "text", "Required": True},
    {"Name": "Share", "Type": "number", "Minimum": 1, "Maximum": 100, "Default": 10},
    {"Name": "Backup", "Type": "yes-no"},
]


@dataclass
class Wire:
    """The way to the API: what was sent, and AWS and the function at its end."""

    handler: ResponseHandler
    sent: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    broken: bool = False
    caller: dict[str, Any] | None = None

    def request(self, _method: str, url: str, *, body: bytes, headers: dict[str, str]) -> SimpleNamespace:
        self.sent.append((url, json.loads(body), headers))
        if self.broken:
            raise NewConnectionError(SimpleNamespace(), "no route")  # type: ignore[arg-type]  # a connection
        if self.refusal:
            status, text = self.refusal
            return SimpleNamespace(status=status, data=text.encode())
        answer = self.handler(a_signed_call(body.decode(), self.caller or a_caller()), FakeContext())
        return SimpleNamespace(status=answer["statusCode"], data=answer["body"].encode())


@pytest.fixture
def wire(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Wire:
    shell.outputs["AnswersUrl"] = URL
    handler = ResponseHandler(
        table=as_the_bot_has_it(shell.table),
        account=ACCOUNT,
        clock=shell.clock,
        logger=Logger(service="wire"),
        read_policy=lambda: OVERRIDABLE,
        policy_unavailable=lambda: None,
    )
    made = Wire(handler)
    monkeypatch.setattr(Context, "http", made)
    return made


def asked(shell: Shell, **asks: Any) -> Approval:
    shell.started("deploy", {"Title": "Deploy 2.4.1", "Approvers": [ALICE, BO], **asks}, NAMED)
    return shell.newest()


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.responses._can_confirm", lambda: True)


def body(wire: Wire) -> dict[str, Any]:
    [(_, sent, _)] = wire.sent
    return sent


@pytest.mark.parametrize(("command", "status"), [("approve", Status.APPROVED), ("reject", Status.REJECTED)])
def test_a_response_is_shown_signed_sent_and_told(shell: Shell, wire: Wire, command: str, status: Status) -> None:
    approval = asked(shell)
    result = shell.run(command, approval.id[:8], "--yes", "--comment", "Checked the plan")
    assert result.exit_code == 0
    assert f"{status.capitalize()} by {ALICE} by IAM" in result.stdout
    assert result.stderr == f"| Deploy 2.4.1\nDigest: {approval.request.digest}\n"
    assert shell.newest().status is status
    [(url, sent, headers)] = wire.sent
    assert url == URL
    assert sent == {
        "ApprovalId": approval.id,
        "Digest": approval.request.digest,
        "Action": command,
        "Comment": "Checked the plan",
        "Form": {},
        "Seen": {"Form": "", "Withdrawn": 0},
        "Confirmed": False,
    }
    assert "/eu-west-1/execute-api/aws4_request, SignedHeaders=content-type;host;x-amz-date" in headers["Authorization"]


def test_the_local_stack_is_called_and_signed_at_its_own_address(
    shell: Shell, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(shell)
    monkeypatch.setattr(Context, "emulator", "http://127.0.0.1:4566")
    assert shell.run("approve", "deploy", "--yes").exit_code == 0
    assert urlsplit(wire.sent[0][0]).path == "/_aws/execute-api/abc123/states/answers"


def test_json_has_the_verdict(shell: Shell, wire: Wire) -> None:
    approval = asked(shell)
    found = json.loads(shell.run("approve", "deploy", "--yes", "--json").stdout)
    assert (found["Id"], found["Verdict"], found["Status"]) == (approval.id, "DECIDED", "APPROVED")


@pytest.mark.usefixtures("on_a_terminal")
@pytest.mark.parametrize(("typed", "recorded"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_the_whole_request_is_shown_and_confirmed(
    shell: Shell, wire: Wire, typed: str, recorded: bool
) -> None:
    asked(shell, Details="Runs the migration first.")
    result = shell.run("approve", "deploy", stdin=typed)
    assert "| Runs the migration first." in result.stderr
    assert "Approve this request? [y/N]" in result.stderr
    assert (result.exit_code, bool(wire.sent)) == ((0, True) if recorded else (3, False))
    if not recorded:
        assert "Nothing was recorded." in result.stderr


@pytest.mark.usefixtures("on_a_terminal")
def test_high_severity_is_confirmed_twice(shell: Shell, wire: Wire) -> None:
    asked(shell, Severity="high")
    assert shell.run("approve", "deploy", stdin="y\nn\n").exit_code == 3
    assert wire.sent == []
    assert shell.run("approve", "deploy", stdin="y\ny\n").exit_code == 0
    assert body(wire)["Confirmed"] is True


@pytest.mark.usefixtures("on_a_terminal")
def test_interrupted_is_130(shell: Shell, wire: Wire) -> None:
    asked(shell)
    assert shell.run("approve", "deploy", stdin="").exit_code == 130
    assert wire.sent == []


def test_without_a_terminal_it_needs_yes(shell: Shell, wire: Wire) -> None:
    asked(shell)
    result = shell.run("approve", "deploy")
    assert (result.exit_code, wire.sent) == (64, [])
    assert "--yes" in result.stderr


# Forms.


def test_values_come_from_options_a_file_and_the_defaults(shell: Shell, wire: Wire, tmp_path: Path) -> None:
    asked(shell, Form=FORM)
    file = tmp_path / "values.yaml"
    file.write_text("Version: 1.10\nBackup: true\n")
    result = shell.run("approve", "deploy", "--yes", "--form-file", str(file), "--form", "Version=2.4.1")
    assert result.exit_code == 0, result.stderr
    assert body(wire)["Form"] == {"Version": "2.4.1", "Share": 10, "Backup": True}
    assert "| Which version?: 2.4.1" in result.stderr


def test_the_values_of_earlier_approvers_are_kept_unless_they_are_set(shell: Shell, wire: Wire) -> None:
    approval = asked(shell, Form=FORM, RequiredApprovals=2)
    earlier = replace(
        a_response(approver=Approver(id=BO, name=BO, channel="email")), form={"Version": "2", "Share": 50}
    )
    respond(shell.table, approval, replace(earlier, at=shell.clock()))
    assert shell.run("approve", "deploy", "--yes").exit_code == 0
    assert body(wire)["Form"] == {"Version": "2", "Share": 50}
    assert shell.newest().status is Status.APPROVED


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Version: Enter text."),
        (["--form", "Version=2", "--form", "Share=lots"], "Share: Enter a number from 1 to 100."),
        (["--form", "Version=2", "--form", "Share=101"], "Share: Enter a number from 1 to 100."),
        (["--form", "version=2"], "'version' is not a field of the form. Fields: Version, Share, Backup."),
        (["--form", "Version"], "expected NAME=VALUE."),
        (["--form-file", "/no/such/file"], "/no/such/file"),
    ],
)
def test_values_that_do_not_fit_are_found_before_anything_is_sent(
    shell: Shell, wire: Wire, options: list[str], said: str
) -> None:
    asked(shell, Form=FORM)
    result = shell.run("approve", "deploy", "--yes", *options)
    assert (result.exit_code, wire.sent) == (64, [])
    assert said in result.stderr


def test_a_request_without_a_form_takes_no_values(shell: Shell, wire: Wire) -> None:
    asked(shell)
    assert "the request has no form" in shell.run("approve", "deploy", "--yes", "--form", "a=b").stderr


# Withdrawals, and what the API refuses.


def test_a_response_is_withdrawn(shell: Shell, wire: Wire) -> None:
    asked(shell, RequiredApprovals=2)
    shell.run("approve", "deploy", "--yes")
    shell.clock.pass_(minutes=2)
    result = shell.run("withdraw", "deploy", "--yes")
    assert (result.exit_code, shell.newest().standing) == (0, ())
    shell.clock.pass_(minutes=2)
    assert shell.run("approve", "deploy", "--yes").exit_code == 0


def test_the_same_response_again_is_no_failure_and_another_one_is(shell: Shell, wire: Wire) -> None:
    approval = asked(shell)
    assert [shell.run(each, approval.id, "--yes").exit_code for each in ("approve", "approve", "reject")] == [0, 0, 3]


def refused(shell: Shell, command: str = "approve") -> Result:
    result = shell.run(command, shell.newest().id, "--yes")
    assert result.exit_code == 3
    assert result.stdout == ""
    return result


def test_what_is_decided_otherwise_expired_or_gone_says_how(shell: Shell, wire: Wire) -> None:
    asked(shell)
    shell.responded(Action.REJECT, Approver(id=BO, name=BO, channel="email"))
    assert f"Rejected by {BO} by email" in refused(shell).stderr


def test_an_expired_request_is_too_late(shell: Shell, wire: Wire) -> None:
    asked(shell)
    shell.expired()
    assert "Expired" in refused(shell).stderr


def test_a_problem_that_the_function_finds_is_named(shell: Shell, wire: Wire) -> None:
    asked(shell, Comment={"Reject": "required"})
    assert "  comment: Enter a reason." in refused(shell, "reject").stderr


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ((403, '{"message": "User: arn:aws:sts::1:assumed-role/x/y is not authorized"}'), "ApproverPolicyArn"),
        ((403, '{"message": "Missing Authentication Token"}'), "Missing Authentication Token"),
        (
            (403, '{"Message": "Your session does not identify a person."}'),
            "Error: Your session does not identify a pe",
        ),
        ((404, '{"Message": "This request was not found."}'), "Error: This request was not found."),
        ((429, '{"message": "Too Many Requests"}'), "Too Many Requests Repeat the command in a moment."),
        ((502, '{"message": "Internal server error"}'), "Repeat the command in a moment."),
        ((504, "<html>"), "The API answered 504. Repeat the command in a moment."),
        ((409, "[]"), "The API answered 409."),
    ],
)
def test_a_refusal_is_one_clear_error(shell: Shell, wire: Wire, refusal: tuple[int, str], said: str) -> None:
    asked(shell)
    wire.refusal = refusal
    assert said in refused(shell).stderr


def test_a_broken_connection_says_that_the_command_can_be_repeated(shell: Shell, wire: Wire) -> None:
    asked(shell)
    wire.broken = True
    assert "Repeat the command: the same response is recorded only once." in refused(shell).stderr


def test_a_stack_of_an_earlier_version_has_no_such_api(shell: Shell, wire: Wire) -> None:
    asked(shell)
    del shell.outputs["AnswersUrl"]
    assert "AnswersUrl" in refused(shell).stderr


# Delegates.

DAN = "dan@example.com"


def dan_calls(shell: Shell, wire: Wire) -> AbstractContextManager[None]:
    """Let AWS say that Dan calls: to the command line, and to the function at the end of the wire."""
    wire.caller = found = a_caller(DAN)

    def answer(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        parsed |= {"Arn": found["userArn"], "UserId": found["caller"], "Account": found["accountId"]}

    return shell.intercepted("sts", "GetCallerIdentity", answer)


def asked_while_alice_is_away(shell: Shell, **asks: Any) -> Approval:
    alice, dan = NAMED.approvers[0], Person(id=DAN, name=DAN, identities={"email": DAN})
    delegation = a_delegation(alice, dan, until=shell.clock() + timedelta(days=1))
    document = {"Title": "Deploy 2.4.1", "Approvers": [ALICE, BO], "RequiredApprovals": 2, **asks}
    return shell.started("deploy", document, replace(NAMED, delegations=(delegation,)))


@pytest.mark.usefixtures("on_a_terminal")
def test_a_delegate_sees_for_whom_before_and_after_the_response(shell: Shell, wire: Wire) -> None:
    asked_while_alice_is_away(shell)
    with dan_calls(shell, wire):
        result = shell.run("approve", "deploy", stdin="y\n")
    assert result.exit_code == 0, result.stderr
    assert f"\nYou respond for {ALICE}.\nApprove this request? [y/N]" in result.stderr
    assert f"Your response is recorded for {ALICE}: 1 of 2 approvals." in result.stdout


def test_a_delegate_who_decides_sees_for_whom(shell: Shell, wire: Wire) -> None:
    asked_while_alice_is_away(shell, RequiredApprovals=1)
    with dan_calls(shell, wire):
        result = shell.run("approve", "deploy", "--yes")
    assert f"You respond for {ALICE}." in result.stderr
    assert f"Approved by {DAN} for {ALICE} by IAM" in result.stdout


def test_others_respond_for_themselves_and_a_withdrawal_is_for_nobody(shell: Shell, wire: Wire) -> None:
    asked_while_alice_is_away(shell)
    assert "You respond for" not in shell.run("approve", "deploy", "--yes").stderr
    with dan_calls(shell, wire):
        assert "You respond for" not in shell.run("withdraw", "deploy", "--yes").stderr


def test_if_aws_does_not_say_who_calls_the_response_is_sent_all_the_same(shell: Shell, wire: Wire) -> None:
    asked_while_alice_is_away(shell)
    with shell.intercepted("sts", "GetCallerIdentity", Throttled(9, "AccessDenied", 403)):
        result = shell.run("approve", "deploy", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "You respond for" not in result.stderr


# Overrides.


@pytest.fixture
def ivy(wire: Wire) -> Wire:
    wire.caller = a_caller("ivy@example.com", BREAK_GLASS)
    return wire


def asked_under_a_policy(shell: Shell, **asks: Any) -> Approval:
    text = json.dumps({"Approval": {"Title": "Deploy 2.4.1", "Approvers": [ALICE, BO], "RequestedBy": RO, **asks}})
    machine = shell.outputs["StateMachineHumanApprovalArn"]
    boto3.client("stepfunctions").start_execution(stateMachineArn=machine, name="deploy", input=text)
    return shell.asked(replace(NAMED, requester=Person(id=RO, name=RO, identities={"email": RO})), under=a_policy())


@pytest.mark.parametrize(("option", "status"), [("--approve", Status.APPROVED), ("--reject", Status.REJECTED)])
def test_an_override_is_sent_with_its_reason_and_shown(shell: Shell, ivy: Wire, option: str, status: Status) -> None:
    approval = asked_under_a_policy(shell)
    result = shell.run("override", "deploy", option, "--reason", REASON, "--yes")
    assert result.exit_code == 0, result.stderr
    assert f"Override: {status.lower()} by ivy@example.com by IAM" in result.stdout
    assert f"Skipped: {ALICE} and {BO}." in result.stdout
    sent = body(ivy)
    assert (sent["Action"], sent["Comment"]) == (f"override-{option[2:]}", REASON)
    assert shell.newest().status is status
    shown = shell.run("show", approval.id)
    assert f"Reason: {REASON}" in shown.stdout
    assert f"Skipped: {ALICE} and {BO}. Reason: \u201c{REASON}\u201d" in shown.stdout
    found = json.loads(shell.run("show", approval.id, "--json").stdout)
    assert found["Override"]["Skipped"] == found["Result"]["Override"]["Skipped"] == [ALICE, BO]


def test_an_override_fills_in_the_form(shell: Shell, ivy: Wire) -> None:
    asked_under_a_policy(shell, Form=FORM)
    assert shell.run("override", "deploy", "--approve", "--reason", REASON, "--yes").exit_code == 64
    result = shell.run("override", "deploy", "--approve", "--reason", REASON, "--yes", "--form", "Version=2")
    assert result.exit_code == 0, result.stderr
    assert body(ivy)["Form"] == {"Version": "2", "Share": 10}


def test_a_rejecting_override_needs_no_form(shell: Shell, ivy: Wire) -> None:
    asked_under_a_policy(shell, Form=FORM)
    assert shell.run("override", "deploy", "--reject", "--reason", REASON, "--yes").exit_code == 0
    assert body(ivy)["Form"] == {}


@pytest.mark.usefixtures("on_a_terminal")
@pytest.mark.parametrize(("typed", "recorded"), [("y\n", True), ("n\n", False)])
def test_an_override_is_confirmed_on_a_terminal(shell: Shell, ivy: Wire, typed: str, recorded: bool) -> None:
    asked_under_a_policy(shell)
    result = shell.run("override", "deploy", "--approve", "--reason", REASON, stdin=typed)
    assert "Approve this request alone, by override?" in result.stderr
    assert bool(ivy.sent) is recorded


@pytest.mark.parametrize(
    "options", [["--approve"], ["--reason", "x"], ["--approve", "--reason", " "], ["--reject", "--reason", ""]]
)
def test_an_override_without_its_action_or_reason_is_a_usage_error(shell: Shell, ivy: Wire, options: list[str]) -> None:
    asked_under_a_policy(shell)
    assert shell.run("override", "deploy", "--yes", *options).exit_code == 64
    assert ivy.sent == []


def test_a_person_who_cannot_override_is_told(shell: Shell, wire: Wire) -> None:
    asked_under_a_policy(shell)
    result = shell.run("override", "deploy", "--approve", "--reason", REASON, "--yes")
    assert (result.exit_code, shell.newest().status) == (3, Status.PENDING)
    assert "Your session does not identify a person." in result.stderr
    assert wire.sent
