"""The command line as such: its help, its exit codes, and what it says when something goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
from click.testing import CliRunner

from cli.__main__ import main
from cli.commands import COMMANDS, load
from cli.context import Context
from cli.version import installed
from demo.aws import KEY, write_credentials
from demo.roles import APPROVER, BREAK_GLASS, write_profiles
from tests.support.shell import Shell


def test_help_needs_none_of_what_commands_need() -> None:
    """AWS's library takes longer to load than a person waits for help."""
    program = "import sys; from cli.__main__ import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *help_, modules = run.stdout.splitlines()
    assert not {"boto3", "botocore", "cli.context", "yaml"} & set(modules.split())
    text = " ".join(" ".join(help_).split())
    assert [name for name, says in COMMANDS.items() if f" {name} {says}" not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_begins_with_what_the_list_of_commands_says(name: str) -> None:
    command = load(name)
    assert (command.help or "").splitlines()[0] == COMMANDS[name]


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = load(name)
        yield name, command
        yield from ((f"{name} {each}", sub) for each, sub in getattr(command, "commands", {}).items())


@pytest.mark.parametrize(("name", "command"), [*_commands()])
def test_help_of_every_command_shows_how_it_is_called_in_lines_that_fit(name: str, command: click.Command) -> None:
    result = CliRunner().invoke(main, [*name.split(), "--help"], prog_name="approvals")
    assert result.exit_code == 0
    examples = result.stdout.partition("Options:")[2] if name != "completion" else result.stdout
    assert f"approvals {name} " in examples or f"approvals {name}\n" in examples
    summary = str(command.help).partition("\n")[0]
    assert summary.endswith(".")
    assert len(summary) <= 80


@pytest.mark.parametrize(
    "arguments", [[], ["no-such-command"], ["--no-such-option"], ["show"], ["list", "--limit", "0"]]
)
def test_usage_errors_exit_with_64(shell: Shell, arguments: list[str]) -> None:
    result = shell.run(*arguments)
    assert result.exit_code == 64
    assert "Usage: approvals" in result.stderr


def test_every_command_takes_json() -> None:
    """But `demo` and `completion`, which print nothing that a program would read, and `mcp`, which has a protocol."""
    for name in [name for name in COMMANDS if name not in {"demo", "completion", "mcp"}]:
        command = load(name)
        for each in command.commands.values() if isinstance(command, click.Group) else [command]:
            assert "--json" in [option for parameter in each.params for option in parameter.opts], each.name


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "No AWS credentials found. Use --profile"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://x.example"), "Can't reach AWS"),
        (ConnectTimeoutError(endpoint_url="https://x.example"), "Can't reach AWS"),
    ],
)
def test_trouble_on_the_way_to_aws_is_one_sentence(shell: Shell, error: Exception, said: str) -> None:
    def fail(**_: Any) -> None:
        raise error

    shell.context.client("dynamodb").meta.events.register("before-call.dynamodb.*", fail)
    result = shell.run("list")
    assert result.exit_code == 3
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredTokenException", "The AWS credentials have expired"),
        ("UnrecognizedClientException", "The AWS credentials are not valid"),
        ("ThrottlingException", "AWS is throttling or unavailable (ThrottlingException, Query)"),
        ("ResourceNotFoundException", "AWS rejected Query: ResourceNotFoundException. no such table."),
        ("AccessDeniedException", "AWS denied the action Query"),
    ],
)
def test_errors_of_aws_are_one_sentence(shell: Shell, code: str, said: str) -> None:
    def refuse(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        http_response.status_code = 400
        parsed["Error"] = {"Code": code, "Message": "no such table"}

    with shell.intercepted("dynamodb", "Query", refuse):
        result = shell.run("list")
    assert result.exit_code == 3
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_unknown_profile_and_a_missing_region_are_named(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/no/such/file")
    result = CliRunner().invoke(main, ["list"])
    assert (result.exit_code, result.stderr) == (
        3,
        "Error: No AWS region is set. Use --region, for example --region eu-west-1.\n",
    )
    result = CliRunner().invoke(main, ["--profile", "nobody", "list"])
    assert result.exit_code == 3
    assert str(ProfileNotFound(profile="nobody")) in result.stderr


def test_local_works_with_the_key_of_the_run_in_this_folder_whatever_the_shell_has(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PORT", "14566")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-real-account")
    (tmp_path / ".local").mkdir()
    write_credentials(tmp_path / ".local/credentials-14566")
    context = Context(local=True)
    credentials = context.session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, context.endpoint) == (KEY, "http://127.0.0.1:14566")


def test_local_with_a_profile_is_a_person_of_the_demo(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PORT", "14566")
    (tmp_path / ".local").mkdir()
    file = tmp_path / ".local/credentials-14566"
    write_credentials(file)
    call = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    may_call = json.dumps({"Version": "2012-10-17", "Statement": [call]})
    policy = boto3.client("iam").create_policy(PolicyName="answers", PolicyDocument=may_call)["Policy"]
    write_profiles(file, {"ApproverPolicyArn": policy["Arn"]})
    assert file.stat().st_mode & 0o777 == 0o600
    sessions = [Context(local=True, profile=name).session for name in ("alice", "ivy")]
    arns = [session.client("sts").get_caller_identity()["Arn"] for session in sessions]
    assert [arn.partition("assumed-role/")[2] for arn in arns] == [
        f"{APPROVER}/alice@example.com",
        f"{BREAK_GLASS}/ivy@example.com",
    ]
    result = CliRunner().invoke(main, ["--local", "--profile", "mallory", "list"])
    assert (result.exit_code, result.stderr) == (
        3,
        "Error: The demo has no profile mallory. Its people are alice, bob, carol, dave, ivy.\n",
    )


def test_local_takes_no_profile_from_the_shell(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PORT", "14566")
    monkeypatch.setenv("AWS_PROFILE", "production")
    (tmp_path / ".local").mkdir()
    write_credentials(tmp_path / ".local/credentials-14566")
    assert "no profile" not in CliRunner().invoke(main, ["--local", "list"]).stderr


def test_local_without_a_run_says_what_to_do(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PORT", "14566")
    result = CliRunner().invoke(main, ["--local", "list"])
    assert result.exit_code == 3
    assert "make demo" in result.stderr


def test_a_bug_of_ours_shows_where_and_does_not_look_like_a_rejection(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own exit code for an exception is 1."""
    monkeypatch.setattr("cli.commands.list.summary", lambda _: 1 / 0)
    shell.started("run-1")
    result = shell.run("list")
    assert result.exit_code == 3
    assert "ZeroDivisionError" in result.stderr
    assert "This is a bug" in result.stderr


def test_an_interrupt_anywhere_exits_with_130(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.commands.list.summary", interrupt)
    shell.started("run-1")
    result = shell.run("list")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_a_stack_of_another_product_is_named(shell: Shell) -> None:
    del shell.outputs["ApprovalTableName"]
    result = shell.run("list")
    assert result.exit_code == 3
    assert "has no output ApprovalTableName" in result.stderr


def test_json_stays_json_where_there_is_nothing(shell: Shell) -> None:
    assert json.loads(shell.run("list", "--json").stdout) == []


def test_options_of_the_group_may_follow_the_command(shell: Shell) -> None:
    assert shell.run("list", "--stack", "human-approval", "--region", "eu-west-1").exit_code == 0
    result = shell.run("approvers", "list", "--stack", "other")
    assert (result.exit_code, "No stack named other" in result.stderr) == (3, True)
    assert shell.run("--stack", "other", "list", "--stack", "human-approval").exit_code == 0


def test_output_json_is_json(shell: Shell) -> None:
    shell.started("run-1")
    assert shell.run("list", "--output", "json").stdout == shell.run("list", "--json").stdout
    assert shell.run("--output", "json", "list").stdout == shell.run("--json", "list").stdout
    assert shell.run("--json", "list").stdout == shell.run("list", "--json").stdout
    assert shell.run("list", "--output", "text").stdout == shell.run("list").stdout
    assert shell.run("list", "--output", "xml").exit_code == 64


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion_script(shell: Shell, name: str) -> None:
    result = shell.run("completion", name)
    assert result.exit_code == 0
    assert f"_APPROVALS_COMPLETE={name}_complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("approvals ex", ["export"]),
        ("approvals request --on-t", ["--on-timeout"]),
        ("approvals list --status re", ["rejected", "refused"]),
        ("approvals slack co", ["connect"]),
        ("approvals policy h", ["history"]),
        ("approvals policy set --if", ["--if-version"]),
    ],
)
def test_commands_options_and_choices_are_completed(words: str, found: list[str]) -> None:
    environ = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_APPROVALS_COMPLETE": "bash_complete"}
    result = CliRunner(env=environ).invoke(main, prog_name="approvals")
    assert [line.partition(",")[2] for line in result.stdout.splitlines()] == found


def test_it_says_its_version(shell: Shell) -> None:
    result = shell.run("--version")
    assert (result.exit_code, result.stdout) == (0, f"approvals {installed()}\n")
