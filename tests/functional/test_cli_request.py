"""`approvals request` and `approvals wait`: what is started, what is told, and the exit codes that a CI gates on."""

from __future__ import annotations

import json
import os
import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from approvals.domain.model import Action, iso
from approvals.domain.steps import Step
from tests.support.shell import Shell, Throttled

TITLE = ("--title", "Deploy web 2.4.1")
WAIT = ("request", *TITLE, "--wait")


def approve(shell: Shell) -> Any:
    return partial(shell.answered, Action.APPROVE)


def test_an_approved_request_exits_with_0_and_tells_line_by_line_what_happened(shell: Shell) -> None:
    shell.then = [
        shell.asked,
        lambda: shell.answered(Action.APPROVE, comment="Looks good.\nReally."),
        shell.workflow_heard,
    ]
    began = shell.clock()
    result = shell.run(*WAIT)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Asked: Deploy web 2.4.1"
    told = [line.split(" ", 1) for line in lines if re.match(r"\d{4}-", line)]
    assert [text for _, text in told] == [
        "Requested.",
        f"Waiting until {iso(shell.newest().deadline)}.",
        'alice@example.com approved it by email. "Looks good. Really."',
        "Approved by alice@example.com.",
        "The workflow was told.",
    ]
    assert all(iso(began) <= time <= iso(shell.clock()) for time, _ in told)
    assert lines[-2].startswith("Approved by alice@example.com by email on ")
    assert lines[-1] == "Comment: Looks good. Really."


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (lambda shell: shell.answered(Action.APPROVE), 0),
        (lambda shell: shell.answered(Action.REJECT), 1),
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
    assert "it is not known whether the workflow heard of it" in result.stderr
    assert 180 <= (shell.clock() - began).total_seconds() <= 190


def test_a_rejection_of_which_nobody_knows_whether_the_workflow_heard_is_a_rejection(shell: Shell) -> None:
    shell.then = [shell.asked, lambda: shell.answered(Action.REJECT)]
    assert shell.run(*WAIT).exit_code == 1


def test_a_request_that_was_asked_again_is_followed(shell: Shell) -> None:
    """A retried state has another approval; the first is called off for it."""
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

    return judge(approval, Cancellation(approval.requested_at, "Asked anew.", superseded_by=by)).approval


def test_with_json_standard_output_is_one_document_and_events_are_lines_of_standard_error(shell: Shell) -> None:
    form = [{"Name": "Version", "Type": "number"}]
    document = json.dumps({"Title": "Which version?", "Form": form})
    shell.then = [shell.asked, approve(shell), shell.workflow_heard]
    result = shell.run("request", "--file", "-", "--wait", "--json", stdin=document)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["Status"], found["Result"]["Decision"]) == ("APPROVED", "APPROVED")
    assert found["Request"]["Form"] == [{"Label": "Version", "MaxLength": 3000, "Required": False, **form[0]}]
    events = [json.loads(line)["Event"] for line in result.stderr.splitlines()]
    assert events == ["ApprovalRequested", "ResponseRecorded", "ApprovalDecided", "WorkflowResumed"]
    assert found["History"][1]["By"] == "alice@example.com"


def test_without_wait_it_says_what_to_do_next(shell: Shell) -> None:
    shell.then = [shell.asked]
    result = shell.run("--stack", "human-approval", "--region", "eu-west-1", "request", *TITLE)
    assert result.exit_code == 0
    assert f"approvals --region eu-west-1 wait {shell.newest().id}" in result.stdout
    assert f"approvals --region eu-west-1 cancel {shell.newest().id}" in result.stdout


def test_without_wait_it_waits_at_most_a_minute_for_the_approval(shell: Shell) -> None:
    began = shell.clock()
    result = shell.run("request", *TITLE, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"Id": None, "ExecutionArn": shell.executions()[0]["executionArn"]}
    assert (shell.clock() - began).total_seconds() == 60


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
        (("--file", "-"), "Title: [", ["standard input is neither JSON nor YAML"]),
        (("--file", "-"), "- a", ["expected an object"]),
        (("--file", "-"), "Title: 1\n2: 3\n", ["the key 2 is no text"]),
        (("--file", "-"), "Facts: .nan", ["no form in JSON"]),
        (("--file", "-"), '{"Facts": NaN}', ["NaN is no number in JSON"]),
        (("--file", "-"), '{"Title": "A", "Title": "B"}', ['standard input: the key "Title" is there twice']),
        (("--file", "-"), '{"a": {"b": [{"Ti\\u0074le": 1, "Title": 2}]}}', ['the key "Title" is there twice']),
        (("--file", "-"), "Title: A\nTitle: B\n", ['standard input: the key "Title" is there twice']),
        (("--file", "-"), "Facts:\n- {Label: a, 'Label': b}\n", ['the key "Label" is there twice']),
        (("--title", "A", "--input", '{"a": 1, "a": 2}'), "", ['--input: the key "a" is there twice']),
        (("--file", "-"), '{"Approval": {}, "Amount": 1e400}', ["Amount: inf has no form in JSON"]),
        (("--file", "-"), '{"T\u200bitle": "A"}', ["Approval.T\ufffditle: unknown key"]),
        (("--title", "A\u2800B"), "", ["got U+2800 braille pattern blank at character 2"]),
        (("--file", "/no/such/file"), "", ["/no/such/file can't be read"]),
        (("--fact", "Version"), "", ["--fact 'Version': expected a label"]),
        (("--comment", "reject=maybe"), "", ["--comment 'reject=maybe'", "off, optional, required"]),
        (("--approver", "ann"), "", ["Approval.Approvers"]),
        (("--required-approvals", "0"), "", ["--required-approvals"]),
        (("--reminder", "90"), "", ["less than the 60 minutes"]),
        (("--input", "[1]"), "", ["--input: expected an object"]),
        (("--input", '{"Approval": {}}'), "", ["--input: the key Approval"]),
        (("--file", "-"), '{"Approval": {"Result": {}}}', ["Approval.Result"]),
        (("--cancel-on-interrupt",), "", ["goes with --wait"]),
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
    assert result.stderr.count("AWS is busy (ThrottlingException for BatchGetItem)") == 3


def test_trouble_of_five_minutes_ends_the_wait_and_says_that_the_request_is_open(shell: Shell) -> None:
    shell.started("broken")
    trouble = Throttled(0, "InternalServerError", 500)
    shell.then = [lambda: setattr(trouble, "left", 100_000)]
    began = shell.clock()
    with shell.intercepted("dynamodb", "BatchGetItem", trouble):
        result = shell.run("wait", shell.newest().id)
    assert result.exit_code == 3
    assert f"The approval is still open.\nFollow it:    approvals wait {shell.newest().id}" in result.stderr
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
    result = shell.run(*WAIT, "--cancel-on-interrupt")
    assert result.exit_code == 130
    assert "called off" in result.stderr
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
    assert result.stderr.strip() == (
        "Error: There is no stack other in eu-west-1. Name another with --stack or --region"
    )
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
    assert "expected at most 64 levels" in result.stderr
    assert "Traceback" not in result.output
    assert shell.executions() == []
