"""`approvals run` and `approvals.grants` on the deployed stack: executed once, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.person import Person, links
from demo.stack import EMAIL, LocalStack
from tests.support.cli_processes import Cli, ended
from tests.support.examples import EXAMPLES
from tests.support.polling import seen

DEPLOY = """#!/bin/sh
echo "deploys $1" >> log
cat "$1" -
exit 7
"""


@pytest.fixture(scope="module")
def cli(stack: LocalStack, aws_port: int) -> Cli:
    return Cli(aws_port)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working directory, with a program that writes a log, its files and its standard input, and exits with 7."""
    (tmp_path / "deploy.sh").write_text(DEPLOY)
    (tmp_path / "deploy.sh").chmod(0o755)
    (tmp_path / "plan.out").write_text("the plan\n")
    return tmp_path


def run(cli: Cli, folder: Path, name: str, *command: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    command = command or ("./deploy.sh", "plan.out")
    return cli.start("run", "--name", name, "--title", f"About {name}", "--", *command, folder=folder, stdin=stdin)


def respond(person: Person, name: str, action: str = "approve") -> str:
    """Respond to the request of an execution. Return its email's text."""
    mail = person.mail(name)
    assert person.confirm(person.open(links(mail)[action])).status == 200
    return str(mail["text"])


def test_an_approved_command_is_executed_once_and_a_second_run_is_refused(
    cli: Cli, person: Person, folder: Path
) -> None:
    process = run(cli, folder, "run-once", stdin=subprocess.PIPE)
    text = respond(person, "run-once")
    assert "./deploy.sh" in text
    assert "plan.out" in text
    assert process.stdin
    process.stdin.write("from standard input\n")
    code, out, err = ended(process)
    assert (code, out) == (7, "the plan\nfrom standard input\n"), err
    assert f"Approved by {EMAIL}" in err
    assert (folder / "log").read_text() == "deploys plan.out\n"
    code, out, err = ended(run(cli, folder, "run-once"))
    assert (code, out) == (3, ""), err
    assert "GrantSpent" in err
    assert (folder / "log").read_text() == "deploys plan.out\n"
    assert "pent" in cli.run("show", "run-once"), "who spent it is on record"


@pytest.mark.parametrize("changed", ["plan.out", "deploy.sh"])
def test_a_file_that_changes_after_the_approval_is_not_executed(
    cli: Cli, person: Person, folder: Path, changed: str
) -> None:
    process = run(cli, folder, f"run-changed-{changed.partition('.')[0]}")
    person.mail(f"run-changed-{changed.partition('.')[0]}")
    (folder / changed).write_text(f"{DEPLOY}# another content\n")
    respond(person, f"run-changed-{changed.partition('.')[0]}")
    code, out, err = ended(process)
    assert (code, out) == (3, ""), err
    assert "ActionChanged" in err
    assert changed in err, "the path that differs"
    assert not (folder / "log").exists()


def test_a_rejected_command_is_not_executed(cli: Cli, person: Person, folder: Path) -> None:
    process = run(cli, folder, "run-rejected")
    respond(person, "run-rejected", "reject")
    code, out, err = ended(process)
    assert (code, out) == (1, ""), err
    assert not (folder / "log").exists()


def test_of_several_processes_with_one_approval_one_executes(cli: Cli, person: Person, folder: Path) -> None:
    processes = [run(cli, folder, "run-race") for _ in range(3)]
    respond(person, "run-race")
    codes = sorted(ended(process)[0] for process in processes)
    assert codes == [3, 3, 7]
    assert (folder / "log").read_text() == "deploys plan.out\n"


def test_an_interrupt_cancels_the_request_or_reaches_the_command(cli: Cli, person: Person, folder: Path) -> None:
    process = run(cli, folder, "run-interrupted")
    person.mail("run-interrupted")
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 130
    assert person.ended("run-interrupted")["status"] == "ABORTED"
    assert not (folder / "log").exists()

    trap = "trap 'exit 42' INT; touch started; while :; do sleep 0.1; done"
    process = run(cli, folder, "run-signal", "sh", "-c", trap)
    respond(person, "run-signal")
    seen(lambda: (folder / "started").exists() or None, "the command's start")
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 42


@pytest.mark.parametrize(("action", "code", "said"), [("approve", 0, "Dropped orders."), ("reject", 1, "Rejected!")])
def test_the_python_example_calls_its_function_only_after_an_approval(
    person: Person, stack: LocalStack, action: str, code: int, said: str
) -> None:
    machine, function = stack.outputs["StateMachineHumanApprovalArn"], stack.outputs["SpendFunctionArn"]
    table = "orders" if action == "approve" else "customers"
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "python/spend.py"), machine, function, table],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    title = f"Drop {table}?"
    mail = person.wait(
        lambda state: next((each for each in state["inbox"] if title in each["text"]), None), f"no email about {title}"
    )
    assert person.confirm(person.open(links(mail)[action])).status == 200
    out, err = process.communicate(timeout=90)
    assert process.returncode == code, err
    assert said in out + err
