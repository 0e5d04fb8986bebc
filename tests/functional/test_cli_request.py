"""`approvals request` and `approvals wait`: what is started, what is told, and the exit codes that a CI gates on."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from approvals.domain.history import history
from approvals.domain.model import Action, iso
from approvals.domain.people import Approver, People, Person
from approvals.domain.steps import Step
from cli.watch import INTERRUPTION
from tests.support.group_requests import OTTO, SUE, one_of_each
from tests.support.policies import a_policy
from tests.support.shell import Shell, Throttled

TITLE = ("--title", "Deploy web 2.4.1")
WAIT = ("request", *TITLE, "--wait")


def approve(shell: Shell) -> Any:
    return partial(shell.responded, Action.APPROVE)


def test_an_approved_request_exits_with_0_and_tells_line_by_line_what_happened(shell: Shell) -> None:
    shell.then = [
        shell.asked,
        lambda: shell.responded(Action.APPROVE, comment="Looks good.\nReally."),
        shell.workflow_heard,
    ]
    began = shell.clock()
    result = shell.run(*WAIT)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Approval requested: Deploy web 2.4.1"
    told = [line.split(" ", 1) for line in lines if re.match(r"\d{4}-", line)]
    response = history(shell.newest())[1].text.removesuffix(".")
    assert [text for _, text in told] == [
        "Requested.",
        f"Waiting until {iso(shell.newest().deadline)}.",
        f"{response}: \u201cLooks good. Really.\u201d",
        "Approved by alice@example.com.",
        history(shell.newest())[-1].text,
    ]
    assert all(iso(began) <= time <= iso(shell.clock()) for time, _ in told)
    assert lines[-2].startswith("Approved by alice@example.com by email on ")
    assert lines[-1] == "Comment: Looks good. Really."


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (lambda shell: shell.responded(Action.APPROVE), 0),
        (lambda shell: shell.responded(Action.REJECT), 1),
        (lambda shell: shell.expired(), 2),
        (lambda shell: shell.cancelled(), 2),
        (lambda shell: shell.cancelled(error="NotificationFailed"), 3),
    ],
)
def test_each_end_has_its_exit_code(shell: Shell, ends: Any, code: int) -> None:
    shell.then = [shell.asked, lambda: None, lambda: ends(shell), shell.workflow_heard]
    assert shell.run(*WAIT).exit_code == code


def test_an_approval_that_its_workflow_never_heard_of_lets_nothing_pass(shell: Shell) -> None:
    shell.then = [shell.asked, approve(shell), lambda: shell.workflow_heard(Step.WORKFLOW_GONE)]
    result = shell.run(*WAIT)
    assert result.exit_code == 2
    assert "it did not receive this response" in result.stdout


def test_an_approval_of_which_nobody_knows_whether_the_workflow_heard_lets_nothing_pass(shell: Shell) -> None:
    """It may have ended before, and the clock has not found out yet. The clock tries after two minutes."""
    shell.then = [shell.asked, approve(shell)]
    began = shell.clock()
    result = shell.run(*WAIT)
    assert result.exit_code == 3
    assert "not confirmed that the workflow received the decision" in result.stderr
    assert 180 <= (shell.clock() - began).total_seconds() <= 190


def test_a_rejection_of_which_nobody_knows_whether_the_workflow_heard_is_a_rejection(shell: Shell) -> None:
    shell.then = [shell.asked, lambda: shell.responded(Action.REJECT)]
    assert shell.run(*WAIT).exit_code == 1


def test_a_request_that_was_asked_again_is_followed(shell: Shell) -> None:
    """A retried state has another approval; the first is cancelled for it."""
    first = shell.started("first")
    second = shell.started("second")
    shell.then = [
        lambda: shell.table.save(_superseded(first, second.id)),
        approve(shell),
        shell.workflow_heard,
    ]
    result = shell.run("wait", first.id)
    assert result.exit_code == 0, result.output


def _superseded(approval: Any, by: str) -> Any:
    from approvals.domain.judgement import Cancellation
    from approvals.domain.rules import judge

    return judge(approval, Cancellation(approval.requested_at, "Requested again.", superseded_by=by)).approval


def test_with_json_standard_output_is_one_document_and_events_are_lines_of_standard_error(shell: Shell) -> None:
    form = [{"Name": "Version", "Type": "number"}]
    document = json.dumps({"Title": "Which version?", "Form": form})
    shell.then = [shell.asked, approve(shell), shell.workflow_heard]
    result = shell.run("request", "--file", "-", "--wait", "--json", stdin=document)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["Status"], found["Result"]["Decision"]) == ("APPROVED", "APPROVED")
    assert found["Request"]["Form"] == [{"Label": "Version", "MaxLength": 3000, "Required": False, **form[0]}]
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [each["Event"] for each in events] == [
        "ApprovalRequested",
        "ResponseRecorded",
        "ApprovalDecided",
        "WorkflowResumed",
    ]
    assert {(each["ApprovalId"], each["ExecutionArn"]) for each in events} == {(found["Id"], found["ExecutionArn"])}
    assert found["History"][1]["By"] == "alice@example.com"


def test_without_wait_it_says_what_to_do_next(shell: Shell) -> None:
    shell.then = [shell.asked]
    result = shell.run("--stack", "human-approval", "--region", "eu-west-1", "request", *TITLE)
    assert result.exit_code == 0
    assert f"approvals --region eu-west-1 wait {shell.newest().id}" in result.stdout
    assert f"approvals --region eu-west-1 cancel {shell.newest().id}" in result.stdout


def test_the_announcement_names_the_deadline_in_the_readers_zone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.times.is_terminal", lambda: True)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    shell.then = [shell.asked]
    lines = shell.run("request", *TITLE).stdout.splitlines()
    approval = shell.newest()
    assert lines == [
        "Approval requested: Deploy web 2.4.1",
        f"  ID         {approval.id}",
        f"  Execution  {approval.workflow.execution_name}",
        "  Deadline   23 Nov 2026, 10:00 UTC (in 60 min)",
        f"  Follow     approvals wait {approval.id}",
        f"  Cancel     approvals cancel {approval.id}",
    ]


@pytest.mark.parametrize("stored", [True, False])
def test_without_wait_a_request_that_is_not_accepted_within_a_minute_is_no_success(shell: Shell, stored: bool) -> None:
    began = shell.clock()
    shell.then = [partial(shell.asked, people=None)] if stored else []
    result = shell.run("request", *TITLE, "--json")
    arn = shell.executions()[0]["executionArn"]
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {"Id": None, "ExecutionArn": arn}
    assert f"approvals wait {arn}" in result.stderr
    assert (shell.clock() - began).total_seconds() == 60


def test_without_wait_it_succeeds_once_the_approvers_are_known(shell: Shell) -> None:
    looked_up = People(approvers=(Person(id="ann@example.com", name="Ann", identities={"email": "ann@example.com"}),))
    shell.then = [partial(shell.asked, people=None), lambda: None]
    shell.then.append(lambda: shell.table.identify(shell.newest(), looked_up))
    result = shell.run("request", *TITLE, "--approver", "ann@example.com")
    assert result.exit_code == 0, result.output
    assert shell.then == []
    assert result.stdout.startswith("Approval requested: Deploy web 2.4.1\n")


def test_without_wait_a_request_whose_approvers_cannot_be_reached_fails_with_the_cause(shell: Shell) -> None:
    shell.then = [partial(shell.asked, people=None), partial(shell.cancelled, error="InvalidApprovalRequest")]
    result = shell.run("request", *TITLE, "--approver", "ann@example.com")
    assert result.exit_code == 3
    assert "The execution was stopped before a decision." in result.stdout
    assert "approvals wait" not in result.stdout


@pytest.mark.parametrize(
    "arguments", [(), ("--details", "Adds the checkout."), ("--input", '{"Version": 1}', "--wait")]
)
def test_a_request_without_title_and_file_starts_nothing(shell: Shell, arguments: tuple[str, ...]) -> None:
    result = shell.run("request", *arguments)
    assert result.exit_code == 64
    assert "--title" in result.stderr
    assert "--file" in result.stderr
    assert shell.executions() == []


def test_the_same_name_and_input_find_the_open_approval(shell: Shell) -> None:
    shell.then = [shell.asked]
    again = ("request", *TITLE, "--name", "deploy-1", "--json")
    first, second = shell.run(*again), shell.run(*again)
    assert (first.exit_code, second.exit_code) == (0, 0), second.output
    assert json.loads(second.stdout)["Id"] == json.loads(first.stdout)["Id"]
    assert len(shell.executions()) == 1


@pytest.mark.parametrize(("wait", "code"), [(("--wait",), 1), ((), 0)])
def test_the_same_name_and_input_find_the_outcome_of_an_ended_approval(
    shell: Shell, wait: tuple[str, ...], code: int
) -> None:
    shell.clock.now = datetime.now(UTC)  # moto's own, of the executions
    again = ("request", *TITLE, "--name", "deploy-1", *wait)
    shell.then = [shell.asked, partial(shell.responded, Action.REJECT), shell.workflow_heard]
    shell.run("request", *TITLE, "--name", "deploy-1", "--wait")
    boto3.client("stepfunctions").stop_execution(executionArn=shell.executions()[0]["executionArn"])
    result = shell.run(*again)
    assert result.exit_code == code, result.output
    assert "Rejected by alice@example.com" in result.stdout
    assert len(shell.executions()) == 1


def test_options_take_the_place_of_what_the_file_says(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "request.yaml"
    path.write_text(
        "Title: From the file\nTimeoutMinutes: 30\nDetails: |\n  Two\n  lines\n"
        "Form:\n  - {Name: From, Type: date, Minimum: 2026-11-23}\n"
    )
    shell.then = [shell.asked]
    shell.run(
        *("request", "--file", str(path), *TITLE, "--fact", "Version=2.4.1", "--fact", "Formula=a=b"),
        *("--link", "Diff=https://example.com/?a=b", "--approver", "ann@example.com", "--approver", "U0BOB00002"),
        *("--requested-by", "ro@example.com", "--required-approvals", "2", "--severity", "high"),
        *("--comment", "reject=required", "--reminder", "10", "--reminder", "20", "--on-timeout", "reject"),
        *("--escalate-to", "lead@example.com", "--escalate-after-minutes", "25", "--notify", "audit@example.com"),
        *("--channel", "C0123456789", "--allow-self-approval", "--required-rejections", "1"),
        *("--timeout-minutes", "40", "--input", '{"Version": "2.4.1"}', "--name", "deploy-1"),
    )
    [execution] = shell.executions()
    assert execution["name"] == "deploy-1"
    assert json.loads(execution["input"]) == {
        "Version": "2.4.1",
        "Approval": {
            "Title": "Deploy web 2.4.1",
            "Details": "Two\nlines\n",
            "Form": [{"Name": "From", "Type": "date", "Minimum": "2026-11-23"}],
            "Facts": [{"Label": "Version", "Value": "2.4.1"}, {"Label": "Formula", "Value": "a=b"}],
            "Links": [{"Label": "Diff", "Url": "https://example.com/?a=b"}],
            "Approvers": ["ann@example.com", "U0BOB00002"],
            "RequestedBy": "ro@example.com",
            "RequiredApprovals": 2,
            "RequiredRejections": 1,
            "AllowSelfApproval": True,
            "Severity": "high",
            "Comment": {"Reject": "required"},
            "Reminders": [10, 20],
            "OnTimeout": "reject",
            "EscalateTo": ["lead@example.com"],
            "EscalateAfterMinutes": 25,
            "Notify": ["audit@example.com"],
            "Channel": "C0123456789",
            "TimeoutMinutes": 40,
        },
    }


TYPED = {
    "1.10": "1.10",
    "0123": "0123",
    "0x1F": "0x1F",
    "1_000": "1_000",
    "1e3": "1e3",
    "+5": "+5",
    "12:30:45": "12:30:45",
    "22:30": "22:30",
    "2026-11-23": "2026-11-23",
    "yes": "yes",
    "off": "off",
    "=": "=",
    "1.5": 1.5,
    "-12": -12,
    "0": 0,
    "12345678901234567890": 12345678901234567890,
    "true": True,
    "~": None,
    "": None,
    '"1"': "1",
}


@pytest.mark.parametrize(("typed", "value"), TYPED.items())
def test_values_of_yaml_keep_what_was_typed(shell: Shell, typed: str, value: object) -> None:
    shell.then = [shell.asked]
    result = shell.run("request", "--file", "-", stdin=f"Approval: {{Title: A}}\nVersion: {typed}\n")
    assert result.exit_code == 0, result.output
    [execution] = shell.executions()
    assert json.loads(execution["input"])["Version"] == value


def test_a_yaml_file_may_begin_like_json(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "request.yaml"
    file.write_text("{Title: A, Reminders: [10],}\n")
    shell.then = [shell.asked]
    assert shell.run("request", "--file", str(file)).exit_code == 0
    assert json.loads(shell.executions()[0]["input"])["Approval"] == {"Title": "A", "Reminders": [10]}


def test_off_in_yaml_turns_a_comment_off(shell: Shell) -> None:
    shell.then = [shell.asked]
    shell.run("request", "--file", "-", stdin="Title: A\nComment: {Approve: off}\n")
    assert json.loads(shell.executions()[0]["input"])["Approval"]["Comment"] == {"Approve": "off"}


def test_a_file_may_be_a_whole_input(shell: Shell) -> None:
    shell.then = [shell.asked]
    document = json.dumps({"Approval": {"Title": "A"}, "Version": "2.4.1"})
    shell.run("request", "--file", "-", "--details", "B", stdin=document)
    assert json.loads(shell.executions()[0]["input"]) == {
        "Approval": {"Title": "A", "Details": "B"},
        "Version": "2.4.1",
    }


def test_an_executions_name_says_what_and_when_and_is_no_others(shell: Shell) -> None:
    title = "Größe: drop `orders`? " + "x" * 100
    for _ in range(2):
        shell.then = [shell.asked]
        shell.run("request", "--title", title)
    names = [execution["name"] for execution in shell.executions()]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"gro-?e-drop-orders-x+-20261123T0900\d\d-[0-9a-f]{6}", name) for name in names)
    assert all(len(name) <= 80 for name in names)


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("--file", "-"), '{"Titel": "A", "TimeoutMinutes": "an hour"}', ["Approval.Titel", "Approval.TimeoutMinutes"]),
        (
            ("--file", "-"),
            '{"Title": "A",\n "Facts": [],\n}',
            ["Illegal trailing comma before end of object: line 2 column 13"],
        ),
        (("--file", "-"), '{"Reminders": [1, ]}', ["Illegal trailing comma before end of array: line 1 column 17"]),
        (("--file", "-"), '{"Title": A}', ["standard input is not valid JSON: Expecting value: line 1 column 11"]),
        (("--file", "-"), '{"approval": {"Title": "A"}}', ["approval: unknown key. Did you mean Approval?"]),
        (("--file", "-"), "Aproval: {Title: A}\nVersion: 1\n", ["Aproval: unknown key. Did you mean Approval?"]),
        (("--file", "-"), "Title: [", ["standard input is not valid JSON or YAML: line 1, column 9: expected"]),
        (("--file", "-"), "- a", ["standard input: use an object"]),
        (("--file", "-"), "Title: 1\n2: 3\n", ["the key 2 is not a string"]),
        (("--file", "-"), "Facts: .nan", ["can't be written as JSON"]),
        (("--file", "-"), '{"Facts": NaN}', ["NaN is not a number in JSON"]),
        (("--file", "-"), '{"Title": "A", "Title": "B"}', ['standard input: the key "Title" is a duplicate']),
        (("--file", "-"), '{"a": {"b": [{"Ti\\u0074le": 1, "Title": 2}]}}', ['the key "Title" is a duplicate']),
        (("--file", "-"), "Title: A\nTitle: B\n", ['standard input: the key "Title" is a duplicate']),
        (("--file", "-"), "Facts:\n- {Label: a, 'Label': b}\n", ['the key "Label" is a duplicate']),
        (("--title", "A", "--input", '{"a": 1, "a": 2}'), "", ['--input: the key "a" is a duplicate']),
        (("--file", "-"), '{"Approval": {}, "Amount": 1e400}', ["Amount: inf can't be written as JSON"]),
        (("--file", "-"), '{"T\u200bitle": "A"}', ["Approval.T\ufffditle: unknown key"]),
        (("--title", "A\u2800B"), "", ["remove the hidden character U+2800 braille pattern blank at character 2"]),
        (("--file", "/no/such/file"), "", ["Can't read /no/such/file"]),
        (("--fact", "Version"), "", ["--fact 'Version': use LABEL=VALUE"]),
        (("--comment", "reject=maybe"), "", ["--comment 'reject=maybe'", "off, optional, required"]),
        (("--approver", "ann"), "", ["Approval.Approvers"]),
        (("--required-approvals", "0"), "", ["--required-approvals"]),
        (("--reminder", "90"), "", ["less than the request's 60 minutes"]),
        (("--input", "[1]"), "", ["--input: use an object"]),
        (("--input", '{"Approval": {}}'), "", ["--input must not have the key Approval"]),
        (("--file", "-"), '{"Approval": {"Result": {}}}', ["Approval.Result"]),
        (("--cancel-on-interrupt",), "", ["needs --wait"]),
        (("--titel", "A"), "", ["No such option", "--title"]),
    ],
)
def test_an_invalid_request_is_said_at_once_with_exit_code_64(
    shell: Shell, arguments: tuple[str, ...], stdin: str, said: list[str]
) -> None:
    result = shell.run("request", *arguments, stdin=stdin)
    assert result.exit_code == 64
    assert [part for part in said if part not in result.stderr] == [], result.stderr
    assert "Traceback" not in result.output
    assert shell.executions() == []


def test_a_request_that_is_refused_later_fails_with_the_cause(shell: Shell) -> None:
    """The approvers can't be found: only the product can know."""

    def failed(parsed: dict[str, Any], **_: Any) -> None:
        parsed |= {"status": "FAILED", "error": "InvalidApprovalRequest", "cause": "Approval.Approvers[0]: unknown"}

    with shell.intercepted("stepfunctions", "DescribeExecution", failed):
        result = shell.run(*WAIT)
    assert result.exit_code == 3
    assert "ended as FAILED: InvalidApprovalRequest: Approval.Approvers[0]: unknown" in result.stderr


def test_an_execution_that_ended_without_its_approval_noticing_is_no_endless_wait(shell: Shell) -> None:
    def aborted(parsed: dict[str, Any], **_: Any) -> None:
        parsed |= {"status": "ABORTED"}

    shell.started("lost")
    began = shell.clock()
    with shell.intercepted("stepfunctions", "DescribeExecution", aborted):
        result = shell.run("wait", "lost")
    assert result.exit_code == 3
    assert "ended as ABORTED" in result.stderr
    assert 180 <= (shell.clock() - began).total_seconds() <= 220


def test_short_trouble_is_waited_out(shell: Shell) -> None:
    shell.started("busy")
    trouble = Throttled(5)
    shell.then = [lambda: None] * 4 + [approve(shell), shell.workflow_heard]
    with shell.intercepted("dynamodb", "BatchGetItem", trouble):
        # The first read is of `find`, which fails at once: a person is there to repeat it.
        trouble.left = 0
        shell.then[0] = lambda: setattr(trouble, "left", 3)
        result = shell.run("wait", shell.newest().id)
    assert result.exit_code == 0, result.output
    [line] = result.stderr.splitlines()
    assert re.match(
        r"2026-11-23T09:\d\d:\d\d\.\d{3}Z AWS .*\(ThrottlingException, BatchGetItem\).* Retrying\.$",
        line,
    )


@pytest.mark.parametrize(
    ("option", "says"), [((), "Ctrl-C stops"), (("--cancel-on-interrupt",), "Ctrl-C cancels the request")]
)
def test_a_terminal_says_what_ctrl_c_does(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr("cli.reporters.is_terminal", lambda: True)
    approval = shell.started("run-1")
    shell.then = [approve(shell), shell.workflow_heard]
    result = shell.run("wait", approval.id, *option)
    assert result.exit_code == 0
    assert says in result.stdout


def test_an_outage_is_an_event_with_its_time(shell: Shell) -> None:
    approval = shell.started("busy")
    trouble = Throttled(0)
    shell.then = [lambda: setattr(trouble, "left", 3), *[lambda: None] * 3, approve(shell), shell.workflow_heard]
    with shell.intercepted("dynamodb", "BatchGetItem", trouble):
        result = shell.run("wait", approval.id, "--json")
    [outage] = [event for line in result.stderr.splitlines() if (event := json.loads(line))["Event"] == "Trouble"]
    assert outage["At"] == iso(approval.requested_at + timedelta(seconds=2))


def test_trouble_of_five_minutes_ends_the_wait_and_says_that_the_request_is_open(shell: Shell) -> None:
    shell.started("broken")
    trouble = Throttled(0, "InternalServerError", 500)
    shell.then = [lambda: setattr(trouble, "left", 100_000)]
    began = shell.clock()
    with shell.intercepted("dynamodb", "BatchGetItem", trouble):
        result = shell.run("wait", shell.newest().id)
    assert result.exit_code == 3
    assert f"The request is still open.\n  Follow     approvals wait {shell.newest().id}" in result.stderr
    assert 300 <= (shell.clock() - began).total_seconds() <= 310


def test_denied_calls_are_named(shell: Shell) -> None:
    with shell.intercepted("dynamodb", "BatchGetItem", Throttled(1, "AccessDeniedException")):
        result = shell.run("wait", shell.started("denied").id)
    assert result.exit_code == 3
    assert "AWS denied dynamodb:BatchGetItem" in result.stderr
    assert "docs/cli.md" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("error", "says"), [("AccessDeniedException", "Nothing was started."), ("InternalError", "open")]
)
def test_a_request_that_was_not_started_is_not_said_to_be_open(shell: Shell, error: str, says: str) -> None:
    """Where Step Functions is broken it may have been started all the same."""
    with shell.intercepted("stepfunctions", "StartExecution", Throttled(100, error)):
        result = shell.run(*WAIT)
    assert result.exit_code == 3
    assert says in result.stderr
    assert ("still open" in result.stderr) == (says == "open")


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("by", [interrupt, terminate])
def test_an_interrupted_wait_leaves_the_request_open(shell: Shell, by: Any) -> None:
    shell.then = [shell.asked, by]
    result = shell.run(*WAIT)
    assert result.exit_code == 130
    assert "still open" in result.stderr
    arn = shell.executions()[0]["executionArn"]
    assert f"approvals wait {arn}" in result.stderr
    assert f"approvals cancel {arn}" in result.stderr
    assert shell.executions()[0]["status"] == "RUNNING"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("by", [interrupt, terminate])
@pytest.mark.parametrize("early", [True, False])
def test_an_interrupted_wait_cancels_only_when_asked_to(shell: Shell, by: Any, early: bool) -> None:
    shell.then = [by] if early else [shell.asked, by]
    name, causes = "provide-client-params.stepfunctions.StopExecution", list[str]()  # moto forgets the cause
    shell.context.client("stepfunctions").meta.events.register(name, lambda params, **_: causes.append(params["cause"]))
    caller = shell.context.client("sts").get_caller_identity()["Arn"]
    result = shell.run(*WAIT, "--cancel-on-interrupt")
    assert result.exit_code == 130
    assert causes == [f"Cancelled by {caller}: {INTERRUPTION}"]
    assert "The request is cancelled." in result.stderr
    assert shell.executions()[0]["status"] == "ABORTED"


def test_a_name_that_was_used_is_refused(shell: Shell) -> None:
    shell.then = [shell.asked]
    assert shell.run("request", *TITLE, "--name", "deploy-1").exit_code == 0
    again = shell.run("request", "--title", "Another", "--name", "deploy-1")
    assert again.exit_code == 3
    assert "Choose another --name" in again.stderr
    assert shell.run("request", *TITLE, "--name", "a b").exit_code == 64


def test_an_unknown_stack_is_named_with_what_to_do(shell: Shell) -> None:
    result = shell.run("--stack", "other", "request", *TITLE)
    assert result.exit_code == 3
    assert result.stderr.strip() == ("Error: No stack named other in eu-west-1. Use --stack or --region.")
    assert shell.run("request", *TITLE, APPROVALS_STACK="other").exit_code == 3


@pytest.mark.parametrize(
    "text",
    [
        '{"Title": "x", "Details": ' + "[" * 2000 + "]" * 2000 + "}",
        '{"Approval": {"Title": "x"}, "a": ' + '{"b": ' * 100 + "1" + "}" * 101,
        "Approval: {Title: x}\na: " + "[" * 400 + "]" * 400,
        "Approval: {Title: x}\na: &x [*x]",
        "Approval: {Title: x}\na0: &a0 [[]]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
    ],
    ids=["json-2000", "json-100", "yaml-400", "yaml-in-itself", "yaml-bomb"],
)
@pytest.mark.parametrize("option", ["--file", "--input"])
def test_input_nested_too_deep_is_a_sentence_and_no_traceback(
    shell: Shell, tmp_path: Path, text: str, option: str
) -> None:
    file = tmp_path / "request"
    file.write_text(text)
    arguments = ("--file", str(file)) if option == "--file" else ("--title", "x", "--input", f"@{file}")
    result = shell.run("request", *arguments)
    assert result.exit_code == 64
    assert "the maximum is 64 levels" in result.stderr
    assert "Traceback" not in result.output
    assert shell.executions() == []


GROUPS = ("--group", "security=sue@example.com, pia@example.com", "--group", "ops:1=otto@example.com")


def test_groups_are_asked_for_by_their_names_numbers_and_members(shell: Shell) -> None:
    shell.then = [shell.asked]
    shell.run("request", *TITLE, *GROUPS, "--silent", "dan@example.com")
    asked = json.loads(shell.executions()[-1]["input"])["Approval"]
    assert asked["Groups"] == [
        {"Name": "security", "Approvers": ["sue@example.com", "pia@example.com"]},
        {"Name": "ops", "Approvers": ["otto@example.com"], "Required": 1},
    ]
    assert asked["Silent"] == ["dan@example.com"]
    refused = shell.run("request", *TITLE, "--group", "security=")
    assert refused.exit_code == 64
    assert "--group 'security=': use NAME[:NUMBER][=WHO" in refused.stderr


def test_group_without_members_needs_a_policy_that_has_them(shell: Shell) -> None:
    refused = shell.run("request", *TITLE, "--group", "security:2")
    assert refused.exit_code == 64
    assert "Approval.Groups[0].Approvers: required, since this stack has no policy with groups." in refused.stderr
    shell.parameters["PolicyParameter"] = "/approvals/policy"
    shell.then = [lambda: shell.asked(under=a_policy())]
    shell.run("request", *TITLE, "--requested-by", "ro@example.com", "--group", "security:2")
    assert json.loads(shell.executions()[-1]["input"])["Approval"]["Groups"] == [{"Name": "security", "Required": 2}]
    assert shell.newest().request.groups[0].approvers == ("sue@example.com", "pia@example.com")


@pytest.mark.parametrize(
    ("text", "days"),
    [("Mon-Fri", ["Mon", "Tue", "Wed", "Thu", "Fri"]), ("Sat-Mon,Wed", ["Sat", "Sun", "Mon", "Wed"])],
)
def test_working_hours_are_asked_for_by_their_days_times_and_zone(shell: Shell, text: str, days: list[str]) -> None:
    shell.then = [shell.asked]
    shell.run("request", *TITLE, "--remind-during", f"{text} 09:00-17:00 Europe/Berlin")
    asked = json.loads(shell.executions()[-1]["input"])["Approval"]
    assert asked["RemindDuring"] == {"Days": days, "From": "09:00", "To": "17:00", "TimeZone": "Europe/Berlin"}


@pytest.mark.parametrize("text", ["Mon-Fri", "Monday 09:00-17:00 UTC", "Mon- 9-17", "Mon,, 09:00-17:00 UTC"])
def test_other_words_for_working_hours_are_a_usage_error(shell: Shell, text: str) -> None:
    refused = shell.run("request", *TITLE, "--remind-during", text)
    assert refused.exit_code == 64
    assert "use DAYS FROM-TO ZONE, for example" in refused.stderr


def test_waiting_tells_how_far_each_group_is(shell: Shell) -> None:
    people = one_of_each().people
    sue, otto = (Approver(id=person.id, name=person.name, channel="email") for person in (SUE, OTTO))
    shell.then = [
        lambda: shell.asked(people),
        lambda: shell.responded(Action.APPROVE, sue),
        lambda: shell.responded(Action.APPROVE, otto),
        shell.workflow_heard,
    ]
    result = shell.run(*WAIT, *GROUPS)
    assert result.exit_code == 0, result.output
    so_far = [line.split(" ", 1)[1] for line in result.stdout.splitlines() if "So far" in line]
    assert so_far == ["So far: 1 of 2 approvals (security: 1 of 1, ops: 0 of 1)."]
    [shown] = json.loads(shell.run("list", "--status", "approved", "--json").stdout)
    assert shown["Groups"] == [
        {"Name": "security", "Required": 1, "ApprovedBy": [SUE.id]},
        {"Name": "ops", "Required": 1, "ApprovedBy": [OTTO.id]},
    ]


@pytest.mark.parametrize("action", ['{"Command": ["apply"], "Id": 12345678901234567890, "Share": 1.0}', "[]", "false"])
def test_an_action_and_its_grant_are_options(shell: Shell, action: str) -> None:
    shell.then = [shell.asked]
    asked = shell.run("request", *TITLE, "--action", action, "--grant", "3:90")
    assert asked.exit_code == 0, asked.output
    request = json.loads(shell.executions()[0]["input"])["Approval"]
    assert json.dumps(request["Action"]) == action
    assert request["Grant"] == {"Uses": 3, "ValidMinutes": 90}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--action", "apply"], "--action: not JSON"),
        (["--action", "null"], "--action: not JSON, or null"),
        (["--action", "[" * 100_000], "--action: not JSON"),
        (["--action", '"apply"', "--grant", "once"], "--grant 'once': use USES[:MINUTES]"),
        (["--action", '"apply"', "--grant", "0"], "Approval.Grant.Uses: 0 is not a whole number from 1 to 100."),
        (["--grant", "1"], "Approval.Grant: requires Approval.Action"),
    ],
)
def test_a_wrong_action_or_grant_starts_nothing(shell: Shell, options: list[str], named: str) -> None:
    refused = shell.run("request", *TITLE, *options)
    assert refused.exit_code == 64
    assert named in refused.output
    assert not shell.executions()
