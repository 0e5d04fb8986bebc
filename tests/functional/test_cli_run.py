"""`approvals run`: the command is executed once, after the approval of exactly it, or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from approvals.domain.model import Action
from cli.commands.run import command
from demo.process import ROOT
from tests.support.shell import Shell, Throttled
from tests.support.spend_function import CALLER, FUNCTION, GRANT_ID, SPENT, SpendFunction, refused

TITLE = ("--title", "Apply the plan?")
COMMAND = ("deploy", "--plan=plan.out")
EXIT_CODE = 7
"""Of the command."""


@dataclass
class Runs:
    """Runs `approvals run` with a spend function, and records what is executed instead of executing it."""

    shell: Shell
    folder: Path
    function: SpendFunction = field(default_factory=SpendFunction)
    executed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    grant: Any = field(default_factory=lambda: {"Id": GRANT_ID, "Uses": 1, "ValidUntil": SPENT["ValidUntil"]})
    _ended: bool = False

    def run(self, *arguments: str) -> Result:
        context = self.shell.context
        self.function.connect(context.client("lambda"), context.client("sts"))
        answer: Callable[..., Any] = self._describe
        with self.shell.intercepted("stepfunctions", "DescribeExecution", answer):
            return self.shell.run("run", *arguments)

    def approved(self, then: Callable[[], object] = lambda: None) -> None:
        """Let the next request be approved, and `then` happen before the workflow receives the decision."""
        approve = partial(self.shell.responded, Action.APPROVE)
        self.shell.then = [self.shell.asked, approve, then, self._end]

    def execute(self, program: str, words: tuple[str, ...]) -> None:
        self.executed.append((program, words))
        raise click.exceptions.Exit(EXIT_CODE)

    def _end(self) -> None:
        self.shell.workflow_heard()
        self._ended = True

    def _describe(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._ended:
            result = {"Decision": "APPROVED", "Grant": self.grant}
            parsed |= {"status": "SUCCEEDED", "output": json.dumps({"Approval": {"Result": result}})}


@pytest.fixture
def runs(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin/deploy"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "plan.out").write_text("plan")
    shell.outputs["SpendFunctionArn"] = FUNCTION
    runs = Runs(shell, tmp_path)
    monkeypatch.setattr("os.execv", runs.execute)
    # The command resets these for the program that replaces it. Here the process goes on, with other tests.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    yield runs
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_an_approved_command_is_executed_with_what_was_approved_and_passes_its_code_on(runs: Runs) -> None:
    runs.approved()
    result = runs.run(*TITLE, "--", *COMMAND)
    assert result.exit_code == EXIT_CODE, result.output
    program = str(runs.folder / "bin/deploy")
    assert runs.executed == [(program, COMMAND)]
    asked = json.loads(runs.shell.executions()[0]["input"])["Approval"]
    assert asked["Title"] == "Apply the plan?"
    assert asked["Grant"] == {"Uses": 1}
    assert asked["Action"]["Command"] == [*COMMAND]
    assert asked["Action"]["Directory"] == str(runs.folder)
    assert sorted(asked["Action"]["Files"]) == [program, "plan.out"]
    [payload] = runs.function.payloads
    assert payload == {"GrantId": GRANT_ID, "Action": asked["Action"], "Key": payload["Key"], "SpentBy": CALLER}


def test_standard_output_belongs_to_the_command(runs: Runs) -> None:
    runs.approved()
    result = runs.run(*TITLE, "--", *COMMAND)
    assert result.stdout == ""
    assert "Approval requested: Apply the plan?" in result.stderr
    assert "Approved by alice@example.com" in result.stderr
    assert f"The approval is spent. Executing {runs.folder}/bin/deploy." in result.stderr
    assert GRANT_ID not in result.stderr


def test_with_json_standard_error_is_lines_of_json(runs: Runs) -> None:
    runs.approved()
    result = runs.run(*TITLE, "--json", "--", *COMMAND)
    assert (result.exit_code, result.stdout) == (EXIT_CODE, "")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [each["Event"] for each in events][-2:] == ["WorkflowResumed", "GrantSpent"]
    assert events[-1] == {
        "Event": "GrantSpent",
        "At": SPENT["SpentAt"],
        "ApprovalId": SPENT["ApprovalId"],
        "Use": 1,
        "Uses": 1,
    }


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (lambda shell: shell.responded(Action.REJECT), 1),
        (lambda shell: shell.expired(), 2),
        (lambda shell: shell.cancelled(), 2),
        (lambda shell: shell.cancelled(error="NotificationFailed"), 3),
    ],
)
def test_without_an_approval_nothing_is_spent_or_executed(runs: Runs, ends: Any, code: int) -> None:
    shell = runs.shell
    shell.then = [shell.asked, lambda: ends(shell), shell.workflow_heard]
    result = runs.run(*TITLE, "--", *COMMAND)
    assert result.exit_code == code
    assert "The command was not executed." in result.stderr
    assert (runs.executed, runs.function.payloads) == ([], [])


@pytest.mark.parametrize(
    ("name", "code"),
    [("ActionChanged", 3), ("GrantSpent", 3), ("GrantUnknown", 3), ("GrantExpired", 2), ("InternalError", 3)],
)
def test_a_refused_spend_executes_nothing_and_says_why(runs: Runs, name: str, code: int) -> None:
    runs.approved()
    runs.function.answers = [refused(name, "It is said here.")]
    result = runs.run(*TITLE, "--", *COMMAND)
    assert (result.exit_code, runs.executed) == (code, [])
    said = "SpendFailed: The spend function failed" if code == 3 and name == "InternalError" else f"{name}: It is said"
    assert said in result.stderr
    assert "The command was not executed." in result.stderr
    assert GRANT_ID not in result.output


@pytest.mark.parametrize(("service", "operation"), [("lambda", "Invoke"), ("sts", "GetCallerIdentity")])
def test_a_caller_without_the_right_to_spend_is_told_so_and_executes_nothing(
    runs: Runs, service: str, operation: str
) -> None:
    runs.approved()
    denied: Callable[..., Any] = Throttled(9, "AccessDeniedException", 403)
    with runs.shell.intercepted(service, operation, denied):
        result = runs.run(*TITLE, "--", *COMMAND)
    assert (result.exit_code, runs.executed) == (3, [])
    assert "AWS denied" in result.stderr
    assert "policy in docs/cli.md. The command was not executed." in result.stderr


def test_what_is_spent_is_the_command_as_it_is_at_the_moment_of_execution(runs: Runs) -> None:
    runs.approved(then=lambda: (runs.folder / "plan.out").write_text("another plan"))
    runs.run(*TITLE, "--", *COMMAND)
    [execution] = runs.shell.executions()
    approved = json.loads(execution["input"])["Approval"]["Action"]
    [payload] = runs.function.payloads
    assert payload["Action"]["Files"]["plan.out"] != approved["Files"]["plan.out"]


@pytest.mark.parametrize("change", ["replaced", "symlink", "gone", "folder", "pipe"])
def test_a_file_that_changes_while_the_grant_is_spent_executes_nothing(runs: Runs, change: str) -> None:
    plan, answer = runs.folder / "plan.out", runs.function._invoke

    def change_and_answer(request: Any, **rest: Any) -> Any:
        plan.unlink()
        if change == "replaced":
            plan.write_text("another plan")
        elif change == "symlink":
            plan.symlink_to(runs.folder / "bin/deploy")
        elif change == "folder":
            plan.mkdir()
        elif change == "pipe":
            os.mkfifo(plan)
        return answer(request, **rest)

    runs.function._invoke = change_and_answer  # type: ignore[method-assign]
    runs.approved()
    result = runs.run(*TITLE, "--", *COMMAND)
    assert (result.exit_code, runs.executed) == (3, [])
    assert "The grant is spent. The command was not executed." in result.stderr


def test_a_file_that_can_not_be_approved_any_more_leaves_the_grant_unspent(runs: Runs) -> None:
    def turn_into_a_pipe() -> None:
        (runs.folder / "plan.out").unlink()
        os.mkfifo(runs.folder / "plan.out")

    runs.approved(then=turn_into_a_pipe)
    result = runs.run(*TITLE, "--", *COMMAND)
    assert (result.exit_code, runs.executed, runs.function.payloads) == (3, [], [])
    assert "plan.out is a pipe" in result.stderr
    assert "The grant is not spent. The command was not executed." in result.stderr


def test_a_second_run_of_the_same_name_is_refused_by_the_spent_grant(runs: Runs) -> None:
    runs.shell.clock.now = datetime.now(UTC)  # moto's own, of the executions
    named = (*TITLE, "--name", "deploy-1", "--", *COMMAND)
    runs.approved()
    assert runs.run(*named).exit_code == EXIT_CODE
    runs.function.answers = [refused("GrantSpent", "Spent by ci on 3 Nov 2026, 10:31 UTC.")]
    result = runs.run(*named)
    assert (result.exit_code, len(runs.executed)) == (3, 1)
    assert "GrantSpent: Spent by ci on" in result.stderr
    keys = [payload["Key"] for payload in runs.function.payloads]
    assert len(set(keys)) == 2, "a key of an earlier run would count as a repeated call"


def test_another_command_under_the_same_name_is_no_run_of_the_approved_one(runs: Runs) -> None:
    runs.approved()
    runs.run(*TITLE, "--name", "deploy-1", "--", *COMMAND)
    result = runs.run(*TITLE, "--name", "deploy-1", "--", "deploy", "--plan=other.out")
    assert (result.exit_code, len(runs.executed), len(runs.function.payloads)) == (3, 1, 1)
    assert "already exists, with a different input" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--", "deploy", "--json", "--title", "Other"), ("deploy", "--json", "--title", "Other")),
        (("deploy", "--json", "-h"), ("deploy", "--json", "-h")),
        (("--", "deploy", "--", "-x"), ("deploy", "--", "-x")),
        (("deploy", "--", "-x"), ("deploy", "--", "-x")),
        (("--", "deploy", ""), ("deploy", "")),
        (("--", "deploy", "$(id)", "a b"), ("deploy", "$(id)", "a b")),
    ],
)
def test_every_word_after_the_options_is_the_commands(
    runs: Runs, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    runs.approved()
    result = runs.run(*TITLE, *arguments)
    assert result.exit_code == EXIT_CODE, result.output
    assert runs.executed == [(str(runs.folder / "bin/deploy"), words)]
    assert runs.function.payloads[0]["Action"]["Command"] == [*words]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (TITLE, "Missing argument 'COMMAND...'"),
        ((*TITLE, "--"), "Missing argument 'COMMAND...'"),
        (("--", "deploy"), "Use --title, or --file with the request."),
        ((*TITLE, "--", "no-such-program"), "no-such-program: no program of this name in PATH."),
        ((*TITLE, "--", "deploy", "/dev/zero"), "/dev/zero is a pipe, a socket or a device"),
        ((*TITLE, "--action", "{}", "--", "deploy"), "No such option '--action'"),
        (
            (*TITLE, "--file", "request.json", "--", "deploy"),
            "request.json: remove Action and Grant, which this command",
        ),
        ((*TITLE, "--file", "input.json", "--", "deploy"), "input.json: remove Grant, which this command"),
        (("--file", "-", "--", "deploy"), "standard input belongs to the command"),
    ],
)
def test_usage_errors_request_nothing(runs: Runs, arguments: tuple[str, ...], said: str) -> None:
    (runs.folder / "request.json").write_text('{"Action": {}, "Grant": {"Uses": 100}}')
    (runs.folder / "input.json").write_text('{"Approval": {"Grant": {"Uses": 100}}}')
    result = runs.run(*arguments)
    assert (result.exit_code, result.stdout) == (64, "")
    assert said in result.stderr
    assert (runs.shell.executions(), runs.executed) == ([], [])


def test_a_stack_that_can_not_spend_is_named_before_anything_is_requested(runs: Runs) -> None:
    del runs.shell.outputs["SpendFunctionArn"]
    result = runs.run(*TITLE, "--", *COMMAND)
    assert result.exit_code == 3
    assert "Stack human-approval has no output SpendFunctionArn. Update the stack" in result.stderr
    assert runs.shell.executions() == []


def test_a_result_without_a_grant_executes_nothing(runs: Runs) -> None:
    runs.approved()
    runs.grant = None
    result = runs.run(*TITLE, "--", *COMMAND)
    assert (result.exit_code, runs.executed) == (3, [])
    assert "its result has no grant" in result.stderr


def test_ctrl_c_while_waiting_cancels_the_request(runs: Runs) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    runs.shell.then = [runs.shell.asked, interrupt]
    result = runs.run(*TITLE, "--", *COMMAND)
    assert (result.exit_code, runs.executed) == (130, [])
    assert "The request is cancelled." in result.stderr
    [execution] = runs.shell.executions()
    assert execution["status"] == "ABORTED"


def test_the_command_starts_as_from_a_shell() -> None:
    """Python ignores a signal that ends a command whose reader has gone, and a new program would inherit that."""
    code = (
        "from cli.command_action import command_action; from cli.commands.run import _execute; print('buffered')\n"
        "_execute(command_action(['sh', '-c', 'echo $0 $1; kill -PIPE $$; echo alive', 'a', 'b c']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "buffered\na b c\n"), done.stderr


def test_a_shell_completes_the_names_of_files() -> None:
    [argument] = [each for each in command.params if each.name == "words"]
    [found] = argument.shell_complete(click.Context(command), "pl")
    assert (found.value, found.type) == ("pl", "file")


def test_a_program_that_the_system_can_not_execute_is_an_error(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(8, "Exec format error")

    monkeypatch.setattr("os.execv", refuse)
    runs.approved()
    result = runs.run(*TITLE, "--", *COMMAND)
    assert result.exit_code == 3
    assert "Exec format error. The grant is spent." in result.stderr
